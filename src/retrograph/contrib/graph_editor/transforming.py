"""Copies of parts of graphs, with other inputs: `copy`, `graph_replace`, and `Transformer` with handlers for each step."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

from retrograph.contrib.graph_editor.elements import (
    ControlOutputs,
    flatten_tree,
    get_predefined_collection_names,
    get_unique_graph,
    make_placeholder_from_tensor,
    scope_finalize,
    transform_tree,
)
from retrograph.contrib.graph_editor.rerouting import add_control_inputs
from retrograph.contrib.graph_editor.selecting import get_walks_intersection_ops
from retrograph.contrib.graph_editor.views import SubGraphView, make_view
from retrograph.framework import frames
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph, _inferred_shapes
from retrograph.framework.importer import plain_attrs
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Operation, Tensor


@export("contrib.graph_editor.replace_t_with_placeholder_handler")
def replace_t_with_placeholder_handler(info: Any, t: Tensor) -> Any:
    """A placeholder in the new graph for an input. Source: TF 1.15 `replace_t_with_placeholder_handler`."""
    with info.graph_.as_default():
        return make_placeholder_from_tensor(t, scope=info.scope_)


@export("contrib.graph_editor.keep_t_if_possible_handler")
def keep_t_if_possible_handler(info: Any, t: Tensor) -> Any:
    """The tensor itself within one graph, else a placeholder. Source: TF 1.15 `keep_t_if_possible_handler`."""
    return t if info.graph is info.graph_ else replace_t_with_placeholder_handler(info, t)


@export("contrib.graph_editor.assign_renamed_collections_handler")
def assign_renamed_collections_handler(info: Any, elem: Any, elem_: Any) -> None:
    """Puts a copy into the collections of the original; those of programs under the new scope.

    Source: TF 1.15 `assign_renamed_collections_handler`.
    """
    known = get_predefined_collection_names()
    for name, items in info.collections.items():
        if any(item is elem for item in items):
            info.graph_.add_to_collection(name if name in known else info.new_name(name), elem_)


@export("contrib.graph_editor.transform_op_if_inside_handler")
def transform_op_if_inside_handler(info: Any, op: Operation, keep_if_possible: bool = True) -> Any:
    """The copy of an operation, or itself within one graph, else None. Source: TF 1.15 `transform_op_if_inside_handler`."""
    if op in info.ops:
        return info.transformed_ops[op]
    return op if keep_if_possible and info.graph is info.graph_ else None


@export("contrib.graph_editor.copy_op_handler")
def copy_op_handler(
    info: Any, op: Operation, new_inputs: Any, copy_shape: bool = False, nodedef_fn: Any = None
) -> tuple[Operation, list[Tensor]]:
    """(copy of an operation with other inputs, its outputs). Source: TF 1.15 `copy_op_handler`."""
    if isinstance(new_inputs, bool):
        raise TypeError("the `new_inputs` argument must be an iterable.")
    node = deepcopy(op.node_def)
    node.name = info.graph_.unique_name(info.new_name(op.name))
    if nodedef_fn is not None:
        node = nodedef_fn(node)
    definition: Any = find_op_def(node.op)
    attrs, inputs = plain_attrs(node.attr), tuple(new_inputs)
    if "frame_name" in attrs:
        attrs["frame_name"] = info.new_frame(attrs["frame_name"])
    types = definition.output_dtypes(attrs)
    shapes = _inferred_shapes(node.op, node.name, inputs, attrs, types)
    made = info.graph_._insert(node.op, node.name, inputs, attrs, types, shapes, (), frames.capture(1))
    made._device = node.device
    if copy_shape:
        for old, new in zip(op.outputs, made.outputs, strict=True):
            new.set_shape(old.get_shape())
    return made, made.outputs


@export("contrib.graph_editor.TransformerInfo")
class TransformerInfo:
    """What became of what in a transformation. Source: TF 1.15 `tf.contrib.graph_editor.TransformerInfo`."""

    def __init__(self, info: Any):
        self._graph, self._scope, self._graph_, self._scope_ = info.graph, info.scope, info.graph_, info.scope_
        self._transformed_ops, self._transformed_ts = info.transformed_ops, info.transformed_ts

    def _map(self, top: Any) -> dict[Any, Any]:
        if isinstance(top, Operation):
            return self._transformed_ops  # type: ignore[no-any-return]
        if isinstance(top, Tensor):
            return self._transformed_ts  # type: ignore[no-any-return]
        raise TypeError(f"Expected a tf.Tensor or a tf.Operation, got a {type(top)}")

    def _found(self, top: Any, found: Any, missing_fn: Any) -> Any:
        return missing_fn(top) if found is None and missing_fn is not None else found

    def _transformed(self, top: Any, missing_fn: Any) -> Any:
        return self._found(top, self._map(top).get(top), missing_fn)

    def _original(self, top: Any, missing_fn: Any) -> Any:
        found = next((old for old, new in self._map(top).items() if new is top), None)
        return self._found(top, found, missing_fn)

    def transformed(self, original: Any, missing_fn: Callable[[Any], Any] | None = None) -> Any:
        """The copies of operations and tensors, in the same structure; None, or `missing_fn`, for those that have none."""
        return transform_tree(original, partial(self._transformed, missing_fn=missing_fn))

    def original(self, transformed: Any, missing_fn: Callable[[Any], Any] | None = None) -> Any:
        """The originals of copies, in the same structure."""
        return transform_tree(transformed, partial(self._original, missing_fn=missing_fn))

    def __str__(self) -> str:
        lines = ["Transform result info:"]
        if self._graph is self._graph_:
            lines.append(f"  Within graph[{id(self._graph)}]{'' if self._scope_ else ' IN-PLACE'}")
        else:
            lines.append(f"  graph[{id(self._graph)}] => graph[{id(self._graph_)}]")
        lines += [f"  Relative to source scope: {self._scope}"] if self._scope else []
        lines += [f"  Scope destination: {self._scope_}"] if self._scope_ else []
        lines.append("Operations mapping:")
        lines += [f"  {op.name} => {made.name}" for op, made in self._transformed_ops.items()]
        return "".join(line + "\n" for line in lines)


class _TmpInfo:
    """One transformation while it goes on; what handlers see."""

    def __init__(self, sgv: SubGraphView, dst_graph: Graph, dst_scope: str, src_scope: str):
        self.sgv, self.sgv_inputs_set, self.ops = sgv, frozenset(sgv.inputs), frozenset(sgv.ops)
        self.control_outputs = ControlOutputs(sgv.graph)
        self.graph, self.scope, self.graph_, self.scope_ = sgv.graph, src_scope, dst_graph, dst_scope
        self.transformed_ops: dict[Operation, Operation] = {}
        self.transformed_ts: dict[Tensor, Tensor] = {}
        self.collections = {key: self.graph.get_collection(key) for key in self.graph.get_all_collection_keys()}
        self.tmp_cyclic_ts: list[tuple[Tensor, Tensor, Operation]] = []
        self._frames: dict[bytes, bytes] = {}

    def new_name(self, name: str) -> str:
        """The name of a copy. Raises: ValueError for a name outside the source scope."""
        if not name.startswith(self.scope):
            raise ValueError(f"{name} does not belong to source scope: {self.scope}.")
        return self.scope_ + name[len(self.scope) :]

    def new_frame(self, name: bytes) -> bytes:
        """The name of a copied loop: two loops of one name would be one."""
        if self.graph is not self.graph_:
            return name
        if name not in self._frames:
            self._frames[name] = self.graph_.unique_name(name.decode()).encode()
        return self._frames[name]


@export("contrib.graph_editor.Transformer")
class Transformer:
    """Copies a view; handlers, which can be replaced, decide about each operation and input.

    Source: TF 1.15 `tf.contrib.graph_editor.Transformer`.
    """

    def __init__(self) -> None:
        self.transform_op_handler: Any = copy_op_handler
        self.transform_control_input_handler: Any = transform_op_if_inside_handler
        self.assign_collections_handler: Any = assign_renamed_collections_handler
        self.transform_external_input_handler: Any = replace_t_with_placeholder_handler
        self.transform_external_hidden_input_handler: Any = keep_t_if_possible_handler
        self.transform_original_op_handler: Any = transform_op_if_inside_handler

    def __call__(
        self, sgv: Any, dst_graph: Any, dst_scope: str, src_scope: str = "", reuse_dst_scope: bool = False
    ) -> tuple[SubGraphView, TransformerInfo]:
        view = make_view(sgv)
        if not isinstance(dst_graph, Graph):
            raise TypeError(f"Expected a tf.Graph, got: {type(dst_graph)}")
        src_scope, dst_scope = scope_finalize(src_scope), scope_finalize(dst_scope)
        if dst_scope and not reuse_dst_scope:
            dst_scope = scope_finalize(dst_graph.unique_name(dst_scope[:-1]))
        info = _TmpInfo(view, dst_graph, dst_scope, src_scope)
        self._copy_ops(info)
        self._close_cycles(info)
        for op in view.ops:
            controls = [self.transform_control_input_handler(info, ci) for ci in op.control_inputs]
            add_control_inputs(info.transformed_ops[op], [ci for ci in controls if ci is not None])
        return self._view(info, view), TransformerInfo(info)

    def _copy_ops(self, info: _TmpInfo) -> None:
        for op in sorted(info.sgv.ops, key=lambda op: op._id):
            inputs = [self._input(info, t, op) for t in op.inputs]
            made, outputs = self.transform_op_handler(info, op, inputs)
            if made is op:
                raise ValueError("In-place transformation not allowed.")
            info.transformed_ops[op] = made
            self.assign_collections_handler(info, op, made)
            for old, new in zip(op.outputs, outputs, strict=False):
                info.transformed_ts[old] = new
                self.assign_collections_handler(info, old, new)

    def _close_cycles(self, info: _TmpInfo) -> None:
        for t, stand_in, consumer in info.tmp_cyclic_ts:
            made = info.transformed_ops[consumer]
            # The last such input: a Merge stands in for its back edge with its first one.
            index = max(i for i, x in enumerate(made.inputs) if x is stand_in)
            made._update_input(index, info.transformed_ts[t])

    def _view(self, info: _TmpInfo, view: SubGraphView) -> SubGraphView:
        made = SubGraphView(list(info.transformed_ops.values()))
        inputs = [info.transformed_ts[t] for t in view.inputs if t in info.transformed_ts]
        outputs = [info.transformed_ts[t] for t in view.outputs if t in info.transformed_ts]
        return made.remap(
            [made.input_index(t) for t in inputs if t in made._input_ts],
            [made.output_index(t) for t in outputs if t in made._output_ts],
        )

    def _input(self, info: _TmpInfo, t: Tensor, consumer: Operation) -> Any:
        if t in info.transformed_ts:
            return info.transformed_ts[t]
        if t in info.sgv_inputs_set:
            return self.transform_external_input_handler(info, t)
        if t.op not in info.ops:
            return self.transform_external_hidden_input_handler(info, t)
        if consumer.type == "Merge":
            stand_in = self._input(info, consumer.inputs[0], consumer)
        elif t.op.type == "Enter":
            stand_in = self._input(info, t.op.inputs[0], consumer)
        else:
            with info.graph_.as_default():
                stand_in = make_placeholder_from_tensor(t, scope=info.scope_, prefix="geph_tmp")
        info.tmp_cyclic_ts.append((t, stand_in, consumer))
        return stand_in


def _copied(
    copier: Transformer, sgv: Any, dst_graph: Any, dst_scope: str, src_scope: str, reuse_dst_scope: bool
) -> tuple[SubGraphView, TransformerInfo]:
    view = make_view(sgv)
    return copier(view, view.graph if dst_graph is None else dst_graph, dst_scope, src_scope, reuse_dst_scope)


@export("contrib.graph_editor.copy")
def copy(
    sgv: Any, dst_graph: Any = None, dst_scope: str = "", src_scope: str = "", reuse_dst_scope: bool = False
) -> tuple[SubGraphView, TransformerInfo]:
    """A copy of a view, with placeholders for its inputs: (view of the copy, what became of what).

    Raises: TypeError for no graph. Source: TF 1.15 `tf.contrib.graph_editor.copy`.
    """
    return _copied(Transformer(), sgv, dst_graph, dst_scope, src_scope, reuse_dst_scope)


@export("contrib.graph_editor.copy_with_input_replacements")
def copy_with_input_replacements(
    sgv: Any,
    replacement_ts: dict[Tensor, Tensor],
    dst_graph: Any = None,
    dst_scope: str = "",
    src_scope: str = "",
    reuse_dst_scope: bool = False,
) -> tuple[SubGraphView, TransformerInfo]:
    """A copy of a view, with other tensors for its inputs.

    Source: TF 1.15 `tf.contrib.graph_editor.copy_with_input_replacements`.
    """
    copier = Transformer()
    copier.transform_external_input_handler = lambda info, t: (
        replacement_ts[t] if t in replacement_ts else keep_t_if_possible_handler(info, t)
    )
    return _copied(copier, sgv, dst_graph, dst_scope, src_scope, reuse_dst_scope)


def _with_whole_loops(ops: list[Operation], control_ios: ControlOutputs) -> list[Operation]:
    """Half a loop is no loop: adds the operations between its Enters and its Exits."""
    contexts = dict.fromkeys(op._control_flow_context for op in ops if op._control_flow_context is not None)
    found = dict.fromkeys(ops)
    for context in contexts:
        if context.IsWhileContext():
            enters, exits = [t.op for t in context.loop_enters], [t.op for t in context.loop_exits]
            found |= dict.fromkeys(get_walks_intersection_ops(enters, exits, control_ios=control_ios))
    return list(found)


@export("contrib.graph_editor.graph_replace")
def graph_replace(
    target_ts: Any,
    replacement_ts: dict[Tensor, Tensor],
    dst_scope: str = "",
    src_scope: str = "",
    reuse_dst_scope: bool = False,
) -> Any:
    """The targets computed from other tensors: copies of the operations between.

    >>> y2 = tf.contrib.graph_editor.graph_replace(y, {x: x2})    # doctest: +SKIP

    Raises: ValueError for targets that do not depend on what is replaced.
    Source: TF 1.15 `tf.contrib.graph_editor.graph_replace`.
    """
    targets = flatten_tree(target_ts)
    control_ios = ControlOutputs(get_unique_graph(targets, check_types=(Tensor,)))
    ops = get_walks_intersection_ops(list(replacement_ts), targets, control_ios=control_ios)
    if not ops:
        raise ValueError("Targets and replacements are not connected!")
    ops = _with_whole_loops(ops, control_ios)
    _, info = copy_with_input_replacements(ops, replacement_ts, None, dst_scope, src_scope, reuse_dst_scope)
    return info.transformed(target_ts, lambda original: original)
