"""Graphs of functions: what operations such as `MapDataset` call. Tensors from outside become inputs of the function."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Graph
from retrograph.framework.node_def import FunctionName
from retrograph.framework.op_table import OpDef, find_op_def
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape

_SHARED = ("variables", "local_variables", "trainable_variables", ("__variable_store",), ("__varscope",))
_numbers = itertools.count()


class FuncGraph(Graph):
    """The graph of a function that is made in the graph `outer_graph`.

    A tensor from outside that an operation takes is captured: it becomes an input, or, with `capture_by_value`, the
    operations that make it are copied.
    """

    def __init__(self, name: str, capture_by_value: bool = False):
        super().__init__()
        self.name = name
        self.outer_graph: Any = get_default_graph()
        self.capture_by_value = capture_by_value
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.sources: dict[Tensor, Tensor] = {}
        """The tensor outside that each captured input stands for."""
        self._captured: dict[Tensor, Tensor] = {}
        self._copied: dict[Operation, Operation] = {}
        self.allowed_stateful: frozenset[Operation] = frozenset()
        self._seed = self.outer_graph.seed
        self._take_collections()

    def _take_collections(self) -> None:
        outer = self.outer_graph
        for key in (*_SHARED, *outer.get_all_collection_keys()):
            items = outer.get_collection_ref(key)
            self._collections[key] = items if key in _SHARED or _is_store(key) else list(items)

    @property
    def building_function(self) -> bool:
        """True."""
        return True

    _building_function = True

    @property
    def external_captures(self) -> list[Tensor]:
        """The captured tensors outside, in the order of the inputs that stand for them."""
        return list(self._captured)

    # ---- tensors from outside

    def capture(self, tensor: Any, name: str | None = None) -> Tensor:
        """The tensor of this graph that stands for `tensor`.

        Raises ValueError: by value, and it is a placeholder or a stateful operation makes it.
        """
        if tensor._op._graph is self:
            return tensor  # type: ignore[no-any-return]
        if self.capture_by_value:
            copied: Tensor = self._copy(tensor._op)._outputs[tensor._value_index]
            return copied
        inside = self._captured.get(tensor)
        if inside is None:
            inside = self._captured[tensor] = self._placeholder_for(tensor, name)
        return inside

    def _placeholder_for(self, tensor: Tensor, name: str | None) -> Tensor:
        if isinstance(self.outer_graph, FuncGraph):
            outside = self.outer_graph.capture(tensor)
        else:
            outside = tensor
        made = self.add_input(outside._dtype._base, outside._shape, name or tensor._op._name)
        self.sources[made] = outside
        return made

    def add_input(self, dtype: DType, shape: Shape, name: str) -> Tensor:
        """A new input of the function."""
        made = self._apart(lambda: self._plain_op("Placeholder", name, (), {"dtype": dtype, "shape": shape}))
        self.inputs.append(made._outputs[0])
        return made._outputs[0]

    def _apart(self, make: Callable[[], Operation]) -> Operation:
        """What `make` makes outside of all scopes."""
        state = self._state
        saved = state.name_stack, state.control_stack, state.control_flow_context
        state.name_stack, state.control_stack, state.control_flow_context = "", [], None
        try:
            return make()
        finally:
            state.name_stack, state.control_stack, state.control_flow_context = saved

    def _plain_op(self, op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any]) -> Operation:
        return super()._new_op(op_type, self.unique_name(name), inputs, attrs, find_op_def(op_type))

    def _copy(self, op: Operation) -> Operation:
        if op not in self._copied:
            self._check_copied(op)
            inputs = tuple(self._copy(t._op)._outputs[t._value_index] for t in op._inputs)
            attrs = {k: v for k, v in op._attrs.items() if k != "_class"}
            self._copied[op] = self._apart(lambda: self._plain_op(op._type, op._name, inputs, attrs))
        return self._copied[op]

    def _check_copied(self, op: Operation) -> None:
        definition = find_op_def(op._type)
        if definition is not None and definition.stateful and op not in self.allowed_stateful:
            raise ValueError(f"Cannot capture a stateful node (name:{op._name}, type:{op._type}) by value.")
        if op._type in ("Placeholder", "PlaceholderV2"):
            raise ValueError(f"Cannot capture a placeholder (name:{op._name}, type:{op._type}) by value.")

    # ---- operations whose inputs may come from outside

    def _create_op(
        self,
        op_type: str,
        inputs: tuple[Tensor, ...],
        name: Any,
        attrs: dict[str, Any],
        definition: OpDef | None,
        depth: int = 2,
    ) -> Operation:
        inside = tuple(map(self.capture, inputs))
        return super()._create_op(op_type, inside, name, attrs, definition, depth)

    def _new_op(
        self, op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], definition: OpDef | None
    ) -> Operation:
        return super()._new_op(op_type, name, tuple(map(self.capture, inputs)), attrs, definition)

    def _emit(
        self, op_type: str, full_name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], outputs: Any, **more: Any
    ) -> Operation:
        return super()._emit(op_type, full_name, tuple(map(self.capture, inputs)), attrs, outputs, **more)

    def control_dependencies(self, control_inputs: Any) -> Any:
        """As in any graph; what stands outside has run before the function does."""
        if isinstance(control_inputs, (list, tuple)):
            control_inputs = [c for c in control_inputs if getattr(c, "graph", self) is self]
        return super().control_dependencies(control_inputs)


def _is_store(key: Any) -> bool:
    return isinstance(key, tuple) or (isinstance(key, str) and key.startswith("__"))


class GraphFunction:
    """A function of tensors by its graph; operations name it in an attribute."""

    def __init__(self, graph: FuncGraph):
        self.graph = graph
        self.name = FunctionName(f"__inference_{graph.name}_{next(_numbers)}")
        self.runner: Any = None
        """What a runtime keeps to run the function."""

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The tensors that a call passes after the arguments."""
        return list(self.graph.sources.values())

    def add_to_graph(self, graph: Graph) -> None:
        """Makes the function known to a graph, with those that it calls."""
        graph._functions[self.name] = self
        for name, function in self.graph._functions.items():
            graph._functions.setdefault(name, function)

    @property
    def definition(self) -> Any:
        """The function as a FunctionDef."""
        from retrograph.framework.function_def import function_def

        return function_def(self)


def traced(
    name: str, function: Callable[..., Sequence[Any]], inputs: Iterable[tuple[DType, Shape]], **options: Any
) -> GraphFunction:
    """The function graph of a Python function of tensors of these types and shapes, which gives tensors."""
    graph = FuncGraph(name, **options)
    with graph.as_default():
        arguments = [graph.add_input(t, s, f"args_{i}") for i, (t, s) in enumerate(inputs)]
        graph.outputs = [graph.capture(t) for t in function(*arguments)]
    return GraphFunction(graph)


def find_function(graph: Any, name: str) -> Any:
    """The function of that name that a graph or one around it knows; None if there is none."""
    while graph is not None:
        if name in graph._functions:
            return graph._functions[name]
        graph = graph.outer_graph
    return None
