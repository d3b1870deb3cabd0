"""Functions of a GraphDef's library as function graphs, for operations that name them (datasets' `map`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.function_graph import FuncGraph, GraphFunction
from retrograph.framework.messages import message_class
from retrograph.framework.node_def import FunctionName
from retrograph.framework.operation import Tensor


def argument_types(definition: Any) -> tuple[Any, ...]:
    """The types of the arguments of a FunctionDef."""
    return tuple(dtypes.as_dtype(arg.type) for arg in definition.signature.input_arg)


def function_of(definition: Any, library: Iterable[Any] = ()) -> Callable[..., Any]:
    """A Python function of tensors that makes what a FunctionDef says, which may call those of the library."""

    def run(*inputs: Tensor) -> Any:
        from retrograph.framework.importer import import_graph_def

        count = len(definition.signature.output_arg)
        names = [f"argument_{i}" for i in range(len(inputs))]
        graph_def = _calling(definition, library, dict(zip(names, inputs, strict=True)))
        wanted = [f"call:{i}" for i in range(count)]
        found: Any = import_graph_def(graph_def, dict(zip(names, inputs, strict=True)), wanted, name="")
        return found[0] if count == 1 else found

    return run


def _calling(definition: Any, library: Iterable[Any], inputs: dict[str, Tensor]) -> Any:
    graph_def = message_class("tensorflow.GraphDef")()
    for function in {f.signature.name: f for f in (*library, definition)}.values():
        graph_def.library.function.add().CopyFrom(function)
    node = graph_def.node.add(name="call", op=definition.signature.name)
    for name, tensor in inputs.items():
        source = graph_def.node.add(name=name, op="Placeholder")
        source.attr["dtype"].type = tensor.dtype.base_dtype.as_datatype_enum
        node.input.append(name)
    return graph_def


class ImportedFunction(GraphFunction):
    """A function that operations of an imported graph name in their attributes; its graph is made when it is asked for."""

    def __init__(self, definition: Any, library: Iterable[Any], outer_graph: Any):
        self._definition, self._library, self._outer = definition, library, outer_graph
        self._graph: FuncGraph | None = None
        self.name = FunctionName(definition.signature.name)
        self.runner: Any = None

    @property
    def definition(self) -> Any:
        """The FunctionDef that it was imported from."""
        return self._definition

    @property
    def graph(self) -> FuncGraph:  # type: ignore[override]
        """The function's graph."""
        if self._graph is None:
            self._graph = self._made()
        return self._graph

    def _made(self) -> FuncGraph:
        with self._outer.as_default():
            graph = FuncGraph(str(self.name))
        with graph.as_default():
            types = argument_types(self._definition)
            inputs = [graph.add_input(t, None, f"args_{i}") for i, t in enumerate(types)]
            found = function_of(self._definition, self._library)(*inputs)
            graph.outputs = list(found) if isinstance(found, (list, tuple)) else [found]
        return graph
