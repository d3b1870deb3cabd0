"""Programs' functions of elements, as function graphs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from retrograph.data import structure
from retrograph.framework import data_nest
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.function_graph import GraphFunction, traced
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Tensor
from retrograph.variables.traces import resources_by_default

_RANDOM = ("Random", "Truncated", "Multinomial", "ParameterizedTruncated", "Stateless")
_HANDLES = ("VarHandleOp", "VariableV2", "Placeholder")


def _function_name(function: Any) -> str:
    name = getattr(function, "__name__", None)
    if name is None:
        name = getattr(getattr(function, "func", None), "__name__", type(function).__name__)
    return str(name)


def _graph_name(transformation: str, function: Any) -> str:
    readable = transformation.replace(".", "_")[:-2] if len(transformation) > 2 else ""
    return f"{readable}_{_function_name(function)}"


class StructuredFunction:
    """A Python function of elements of `input_structure`, traced; `output_structure` is what it gives.

    Raises TypeError: it gives what no element can be.
    Source: TF 1.15 `dataset_ops.StructuredFunctionWrapper`. Differs: Python's `if` and `while` are not converted.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        transformation: str,
        input_structure: Any,
        add_to_graph: bool = True,
    ):
        self._func, self._transformation = func, transformation
        self._input_structure = input_structure
        self.output_structure: Any = None
        graph = get_default_graph()
        before = _resources_of(graph)
        specs = [(s.dtype, s.shape._plain) for s in structure.flat_specs(input_structure)]
        self.function: GraphFunction = traced(_graph_name(transformation, func), self._call, specs)
        if add_to_graph:
            self.function.add_to_graph(graph)
        if _resources_of(self.function.graph) > before:
            warnings.warn(
                f"Creating resources inside a function passed to {transformation} is not supported. Create each "
                "resource outside the function, and capture it inside the function to use it.",
                stacklevel=5,
            )

    def _call(self, *tensors: Tensor) -> list[Tensor]:
        arguments = structure.from_compatible_tensor_list(self._input_structure, tensors)
        unpacked = arguments if type(arguments) is tuple else (arguments,)
        with resources_by_default():
            result = self._func(*unpacked)
        if isinstance(result, list):
            result = tuple(result)
        try:
            self.output_structure = structure.type_spec_from_value(result)
        except (ValueError, TypeError):
            raise TypeError(
                f"Unsupported return value from function passed to {self._transformation}: {result}."
            ) from None
        made = structure.to_tensor_list(self.output_structure, result)
        return [convert_to_tensor(t) for t in made]

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The tensors that a call passes after the arguments."""
        return self.function.captured_inputs

    @property
    def output_types(self) -> Any:
        """The dtypes of what the function gives."""
        return structure.legacy_types(self.output_structure)

    @property
    def output_shapes(self) -> Any:
        """The shapes of what the function gives."""
        return structure.legacy_shapes(self.output_structure)

    @property
    def output_classes(self) -> Any:
        """The classes of what the function gives."""
        return structure.legacy_classes(self.output_structure)


def _resources_of(graph: Any) -> int:
    return len(graph.get_collection("table_initializer"))


def must_run(graph: Any) -> list[Any]:
    """The operations of a function that run although no result needs them: stateful ones that are not random."""
    found = []
    for op in graph._ops:
        definition = find_op_def(op._type)
        if definition is None or not definition.stateful or op._control_flow_context is not None:
            continue
        if op._type in _HANDLES or op._type.startswith(_RANDOM) or any(t.dtype.name == "variant" for t in op._outputs):
            continue
        found.append(op)
    return found


class StructuredFunctionWrapper(StructuredFunction):
    """As programs call it: by `dataset` or `input_structure`. Source: TF 1.15 `dataset_ops.StructuredFunctionWrapper`."""

    def __init__(
        self,
        func: Callable[..., Any],
        transformation_name: str,
        dataset: Any = None,
        input_structure: Any = None,
        add_to_graph: bool = True,
        **unused: Any,
    ):
        given = dataset.element_spec if input_structure is None else input_structure
        super().__init__(func, transformation_name, given, add_to_graph)


class StateFunction(StructuredFunction):
    """A function of (state, element) that gives a new state; the state's shape is what all states have in common.

    `part` picks the state out of what the function gives. Raises TypeError: the state's classes or types change.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        transformation: str,
        state_structure: Any,
        element_structure: Any,
        part: Callable[[Any], Any] = lambda whole: whole,
    ):
        while True:
            super().__init__(func, transformation, (state_structure, element_structure), add_to_graph=False)
            found = part(self.output_structure)
            _check_same_state("classes", structure.legacy_classes(state_structure), structure.legacy_classes(found))
            _check_same_state("types", structure.legacy_types(state_structure), structure.legacy_types(found))
            weaker = _weakened(state_structure, found)
            if weaker is None:
                break
            state_structure = weaker
        self.state_structure = state_structure
        self.function.add_to_graph(get_default_graph())


def _check_same_state(what: str, expected: Any, found: Any) -> None:
    # Another number of components fails when it runs.
    pairs = zip(data_nest.flatten(found), data_nest.flatten(expected), strict=False)
    if any(a != b and not (isinstance(a, type) and isinstance(b, type) and issubclass(a, b)) for a, b in pairs):
        raise TypeError(
            f"The element {what} for the new state must match the initial state. Expected {expected}; got {found}."
        )


def _weakened(before: Any, after: Any) -> Any:
    """The structure with shapes that both have in common; None if it is `before`."""
    shapes = data_nest.flatten(structure.legacy_shapes(before))
    new = data_nest.flatten(structure.legacy_shapes(after))
    if len(shapes) != len(new):
        return None
    common = [a.most_specific_compatible_shape(b) for a, b in zip(shapes, new, strict=True)]
    same = all(
        a.ndims is None or (c.ndims is not None and a.as_list() == c.as_list())
        for a, c in zip(shapes, common, strict=True)
    )
    if same:
        return None
    return structure.convert_legacy_structure(
        structure.legacy_types(before),
        data_nest.pack_sequence_as(structure.legacy_shapes(before), common),
        structure.legacy_classes(before),
    )
