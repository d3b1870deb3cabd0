"""A part of a graph with its inputs and outputs in an order: `SubGraphView`."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from retrograph.contrib.graph_editor import selecting
from retrograph.contrib.graph_editor.elements import (
    ListView,
    concatenate_unique,
    get_unique_graph,
    make_list_of_op,
    make_list_of_t,
)
from retrograph.framework.exports import export, export_value
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor


def _indices(given: Iterable[Any], ts: list[Tensor], repetition: bool) -> list[int]:
    found = [x if isinstance(x, int) else ts.index(x) for x in given]
    for i in found:
        if not 0 <= i < len(ts):
            raise ValueError(f"Out of [0, {len(ts)}[ range: {i}")
    if not repetition and len(set(found)) != len(found):
        raise ValueError(f"Found repetition in mapping: {found}")
    return found


@export("contrib.graph_editor.SubGraphView")
class SubGraphView:
    """Operations, the tensors that come in and go out, and tensors that are passed through.

    Source: TF 1.15 `tf.contrib.graph_editor.SubGraphView`.
    """

    def __init__(self, inside_ops: Any = (), passthrough_ts: Any = ()):
        ops, passed = list(make_list_of_op(inside_ops)), list(make_list_of_t(passthrough_ts))
        self._graph: Any = get_unique_graph(ops + passed) if ops or passed else None
        self._ops: list[Operation] = ops
        inputs, outputs, inside = selecting.compute_boundary_ts(ops)
        known = frozenset((*inputs, *outputs, *inside))
        self._passthrough_ts: list[Tensor] = [t for t in passed if t not in known]
        self._input_ts: list[Tensor] = inputs + self._passthrough_ts
        self._output_ts: list[Tensor] = outputs + self._passthrough_ts

    def __copy__(self) -> SubGraphView:
        made = type(self).__new__(type(self))
        made._assign_from(self)
        return made

    def _assign_from(self, other: Any) -> None:
        if not isinstance(other, SubGraphView):
            raise TypeError(f"Expected SubGraphView, got: {type(other)}")
        self._graph, self._ops = other._graph, list(other._ops)
        self._passthrough_ts = list(other._passthrough_ts)
        self._input_ts, self._output_ts = list(other._input_ts), list(other._output_ts)

    def copy(self) -> SubGraphView:
        """A copy of the view, not of the operations."""
        return copy.copy(self)

    # ---- other orders

    def remap_default(self, remove_input_map: bool = True, remove_output_map: bool = True) -> SubGraphView:
        """The view with inputs or outputs as they were at first."""
        made = self.copy()
        inputs, outputs, _ = selecting.compute_boundary_ts(made._ops)
        if remove_input_map:
            made._input_ts = inputs + made._passthrough_ts
        if remove_output_map:
            made._output_ts = outputs + made._passthrough_ts
        return made

    def remap(self, new_input_indices: Any = None, new_output_indices: Any = None) -> SubGraphView:
        """The view with these of its inputs and outputs. Raises: ValueError for others, and for an input twice."""
        made = self.copy()
        if new_input_indices is not None:
            made._input_ts = [self._input_ts[i] for i in _indices(new_input_indices, self._input_ts, False)]
        if new_output_indices is not None:
            made._output_ts = [self._output_ts[i] for i in _indices(new_output_indices, self._output_ts, True)]
        return made

    def remap_inputs(self, new_input_indices: Any) -> SubGraphView:
        """The view with these of its inputs."""
        return self.remap(new_input_indices)

    def remap_outputs(self, new_output_indices: Any) -> SubGraphView:
        """The view with these of its outputs."""
        return self.remap(None, new_output_indices)

    def remap_outputs_make_unique(self) -> SubGraphView:
        """The view with each output once."""
        made = self.copy()
        made._output_ts = list(dict.fromkeys(self._output_ts))
        return made

    def remap_outputs_to_consumers(self) -> SubGraphView:
        """The view with each output as often as it is taken."""
        made = self.remap_outputs_make_unique()
        made._output_ts = [t for t in made._output_ts for _ in t.consumers()]
        return made

    def remove_unused_ops(self, control_inputs: bool = True) -> SubGraphView:
        """The view without operations that lead from no input and to no output."""
        made = self.copy()
        used = selecting.get_walks_union_ops(
            self.connected_inputs, self.connected_outputs, within_ops=self._ops, control_inputs=control_inputs
        )
        made._ops = [op for op in self._ops if op in used]
        return made

    # ---- questions

    @property
    def graph(self) -> Graph:
        """The graph; None for an empty view."""
        return self._graph  # type: ignore[no-any-return]

    @property
    def ops(self) -> list[Operation]:
        """The operations."""
        return self._ops

    @property
    def inputs(self) -> ListView:
        """The tensors that come in."""
        return ListView(self._input_ts)

    @property
    def outputs(self) -> ListView:
        """The tensors that go out."""
        return ListView(self._output_ts)

    @property
    def passthroughs(self) -> ListView:
        """The tensors that are passed through."""
        return ListView(self._passthrough_ts)

    @property
    def connected_inputs(self) -> list[Tensor]:
        """The inputs that are not passed through."""
        return [t for t in self._input_ts if t not in self._passthrough_ts]

    @property
    def connected_outputs(self) -> list[Tensor]:
        """The outputs that are not passed through."""
        return [t for t in self._output_ts if t not in self._passthrough_ts]

    def find_op_by_name(self, op_name: str) -> Operation:
        """The operation of a name. Raises: ValueError if it is not in here."""
        for op in self._ops:
            if op.name == op_name:
                return op
        raise ValueError(f"{op_name} not in subgraph.")

    def op(self, op_id: int) -> Operation:
        """An operation by its place."""
        return self._ops[op_id]

    def is_passthrough(self, t: Tensor) -> bool:
        """Whether a tensor is passed through."""
        return t in self._passthrough_ts

    def input_index(self, t: Tensor) -> int:
        """The place of an input. Raises: ValueError if it is none."""
        if t not in self._input_ts:
            raise ValueError(f"Can't find {t.name} in inputs of subgraph.")
        return self._input_ts.index(t)

    def output_index(self, t: Tensor) -> int:
        """The place of an output. Raises: ValueError if it is none."""
        if t not in self._output_ts:
            raise ValueError(f"Can't find {t.name} in outputs of subgraph.")
        return self._output_ts.index(t)

    def consumers(self) -> list[Operation]:
        """The operations outside that take outputs."""
        found: list[Operation] = []
        for t in self._output_ts:
            concatenate_unique(found, [op for op in t.consumers() if op not in self._ops])
        return found

    def __bool__(self) -> bool:
        return self._graph is not None

    def __enter__(self) -> SubGraphView:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing."""

    def __str__(self) -> str:
        if not self:
            return "SubGraphView: empty"
        lines = [f"SubGraphView (graphid={id(self.graph)}):"]
        for name, items in (("ops", self._ops), ("inputs", self._input_ts), ("outputs", self._output_ts)):
            lines.append(f"** {name}[{len(items)}]:" if items else f"** {name}: empty")
            lines += [f"  {x.name}" + (" *" if x in self._passthrough_ts else "") for x in items]
        return "".join(line + "\n" for line in lines)


def _checked(view: SubGraphView, graph: Any) -> SubGraphView:
    if graph is None or not view.graph:
        return view
    if not isinstance(graph, Graph):
        raise TypeError(f"Expected a tf.Graph, got: {type(graph)}")
    if view.graph is not graph:
        raise ValueError("Graph mismatch.")
    return view


@export("contrib.graph_editor.make_view")
def make_view(*args: Any, **kwargs: Any) -> SubGraphView:
    """A view of what arguments name (see `select_ops_and_ts`); a view itself as it is.

    Source: TF 1.15 `tf.contrib.graph_editor.make_view`.
    """
    graph = kwargs.get("graph")
    if len(args) == 1 and isinstance(args[0], SubGraphView):
        return _checked(args[0], graph)
    ops, ts = selecting.select_ops_and_ts(*args, **kwargs)
    return _checked(SubGraphView(ops, ts), graph)


@export("contrib.graph_editor.make_view_from_scope")
def make_view_from_scope(scope: str, graph: Graph) -> SubGraphView:
    """A view of a name scope. Source: TF 1.15 `tf.contrib.graph_editor.make_view_from_scope`."""
    return SubGraphView(selecting.get_name_scope_ops(graph, scope))


sgv = export_value("contrib.graph_editor.sgv", make_view)
sgv_scope = export_value("contrib.graph_editor.sgv_scope", make_view_from_scope)
