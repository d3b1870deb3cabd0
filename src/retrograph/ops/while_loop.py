"""`tf.while_loop`: a loop in the graph, built once, run as often as its condition says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retrograph.framework import nest
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, control_dependencies, get_default_graph, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import IndexedSlices, SparseTensor
from retrograph.framework.type_spec import TensorSpec, TypeSpec
from retrograph.ops.control_flow import (
    as_tensor_or_composite,
    enter,
    exit_loop,
    identity_or_ref,
    loop_cond,
    merge,
    next_iteration,
    switch_ref_or_tensor,
)
from retrograph.ops.flow_context import (
    ControlFlowContext,
    context_of,
    is_loop_constant_enter,
    is_loop_exit,
    output_context,
)
from retrograph.ops.flow_definitions import restore_while, while_definition
from retrograph.ops.inner_summaries import after_summaries
from retrograph.ops.tensor_array import flow_of, with_flows


def _entering(variable: Any) -> Any:
    if variable is None:
        raise AttributeError("'NoneType' object has no attribute 'shape'")
    return as_tensor_or_composite(variable)


class WhileContext(ControlFlowContext):
    """A loop: outer tensors come in through Enter operations, loop variables go round through Merge and Switch."""

    def __init__(
        self,
        maximum_iterations: Tensor | None = None,
        parallel_iterations: int = 10,
        back_prop: bool = True,
        swap_memory: bool = False,
        name: str = "while_context",
    ) -> None:
        super().__init__()
        if not isinstance(parallel_iterations, int) or parallel_iterations <= 0:
            raise ValueError(f"`parallel_iterations` must be a positive integer: {parallel_iterations}")
        self._graph = get_default_graph()
        self._name = self._graph.unique_name(name)
        self._maximum_iterations = maximum_iterations
        self._parallel_iterations = parallel_iterations
        self._back_prop = back_prop
        self._swap_memory = swap_memory
        self._pivot_for_pred: Tensor | None = None
        self._pivot_for_body: Tensor | None = None
        self._pivot: Tensor | None = None
        self._loop_enters: list[Tensor] = []
        self._loop_exits: list[Tensor] = []

    @property
    def maximum_iterations(self) -> Tensor | None:
        return self._maximum_iterations

    @property
    def parallel_iterations(self) -> int:
        return self._parallel_iterations

    @property
    def back_prop(self) -> bool:
        return self._back_prop

    @property
    def swap_memory(self) -> bool:
        return self._swap_memory

    @property
    def pivot(self) -> Tensor | None:
        """`bool[]`: the loop's condition."""
        return self._pivot

    @property
    def loop_enters(self) -> list[Tensor]:
        """The loop variables' first values, as seen inside."""
        return self._loop_enters

    @property
    def loop_exits(self) -> list[Tensor]:
        """The loop variables' last values, as seen outside."""
        return self._loop_exits

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The loop as a WhileContextDef; None if it is not in `export_scope`."""
        return while_definition(self, export_scope)

    @staticmethod
    def from_proto(context_def: Any, import_scope: str | None = None) -> WhileContext:
        """The loop that a WhileContextDef describes, in the default graph."""
        made: WhileContext = restore_while(WhileContext.__new__(WhileContext), context_def, import_scope)
        return made

    def GetWhileContext(self) -> ControlFlowContext:
        return self

    def GetControlPivot(self) -> Tensor | None:
        return self._pivot_for_body if self._pivot_for_body is not None else self._pivot_for_pred

    def IsWhileContext(self) -> bool:
        return True

    def AddValue(self, val: Tensor) -> Tensor:
        if val.name in self._values or context_of(val.op) is self:
            return self._external_values.get(val.name, val)
        self._values.add(val.name)
        outer = self._outer_context.AddValue(val) if self._outer_context is not None else val
        with control_dependencies(None):
            inner: Tensor = enter(outer, self._name, True, self._parallel_iterations)
            inner.graph.prevent_feeding(inner)
            if self._outer_context is not None:
                self._outer_context.AddInnerOp(inner.op)
        self._adopt_enters([inner])
        self._values.add(inner.name)
        self._external_values[val.name] = inner
        return inner

    def AddOp(self, op: Operation) -> None:
        if op.inputs:
            self._replace_outer_inputs(op)
            _, removed = self._drop_outer_control_inputs(op)
            if not op.control_inputs and all(is_loop_constant_enter(x.op) for x in op.inputs):
                # Fed by loop invariants alone it could run when the loop body does not.
                self._wait_for_pivot(op)
        else:
            kept, removed = self._drop_outer_control_inputs(op)
            if not kept:
                self._wait_for_pivot(op)
        self._values.update(x.name for x in op.outputs)
        if removed:
            op._add_control_inputs(self._as_inner_operations(removed))
        if self._outer_context is not None or not is_loop_exit(op):
            op.graph.prevent_fetching(op)
            for x in op.outputs:
                op.graph.prevent_feeding(x)
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def _wait_for_pivot(self, op: Operation) -> None:
        pivot = self.GetControlPivot()
        if pivot is not None:
            op._add_control_input(pivot.op)

    def _as_inner_operations(self, outer: Iterable[Operation]) -> list[Operation]:
        """Outer control inputs come into the loop as data: an Identity of each one's first output."""
        with control_dependencies(None):
            self.Enter()
            inner = [apply_op("Identity", None, input=op.outputs[0]).op for op in outer if op.outputs]
            self.Exit()
        return inner

    def _adopt_enters(self, enters: Iterable[Tensor]) -> None:
        """Gives Enter operations this context, and the control inputs of the surroundings that still apply to them."""
        graph = get_default_graph()
        for tensor in enters:
            controls = graph._control_dependencies_for_inputs([tensor.op.inputs[0]])
            tensor.op._set_control_flow_context(self)
            tensor.op._add_control_inputs([op for op in controls if self._is_visible_outside(op)])
            graph._record_op_seen_by_control_dependencies(tensor.op)

    def _is_visible_outside(self, op: Operation) -> bool:
        """Whether `op` lies around this loop, but inside the next loop out."""
        theirs, outer = output_context(op), self._outer_context
        boundary = outer.GetWhileContext() if outer is not None else None
        while outer is not theirs:
            if outer is None or outer is boundary:
                return False
            outer = outer.outer_context
        return True

    def BuildLoop(
        self,
        pred: Callable[..., Any],
        body: Callable[..., Any],
        loop_vars: Any,
        shape_invariants: Any,
        return_same_structure: bool,
    ) -> Any:
        """Builds the loop's operations; gives the loop variables' last values, in the structure that `body` returns."""
        flat = [_entering(flow_of(x)) for x in nest.flatten(loop_vars, expand_composites=False)]
        if shape_invariants is None:
            shape_invariants = [_default_invariant(x) for x in flat]
        tensors = nest.flatten(flat, expand_composites=True)
        self.Enter()
        try:
            result, exits = self._build(pred, body, loop_vars, tensors, nest.flatten(shape_invariants))
        finally:
            self.Exit()
        exits = with_flows(nest.flatten(result, expand_composites=True), exits)
        packed = nest.pack_sequence_as(result, exits, expand_composites=True)
        return packed[0] if len(exits) == 1 and not return_same_structure else packed

    def _build(
        self,
        pred: Callable[..., Any],
        body: Callable[..., Any],
        structure: Any,
        loop_vars: list[Tensor],
        shapes: Sequence[Any],
    ) -> tuple[Any, list[Tensor]]:
        leaves = nest.flatten(structure, expand_composites=True)

        def packed(tensors: list[Tensor]) -> Any:
            return nest.pack_sequence_as(structure, with_flows(leaves, tensors), expand_composites=True)

        merges = [merge([x, x])[0] for x in self._enter_loop_variables(loop_vars, shapes)]
        self._pivot_for_pred = merges[0]
        self._pivot = loop_cond(convert_to_tensor(pred(*packed(merges))), name="LoopCond")
        switches = [switch_ref_or_tensor(x, self._pivot) for x in merges]
        inner = [identity_or_ref(x[1]) for x in switches]
        self._pivot_for_body = inner[0]
        arguments = packed(inner)
        result = after_summaries(lambda: body(*arguments))
        if not nest.is_sequence_or_composite(result):
            result = [result]
        nest.assert_same_structure(list(arguments), list(result), expand_composites=True)
        values = [as_tensor_or_composite(flow_of(x)) for x in nest.flatten(result, expand_composites=True)]
        if len(merges) != len(values):
            raise ValueError(f"Number of inputs and outputs of body must match loop_vars: {len(merges)}, {len(values)}")
        for m, v in zip(merges, values, strict=True):
            _close_loop(m, v)
        self._loop_exits = [exit_loop(x[0]) for x in switches]
        self.ExitResult(self._loop_exits)
        return result, self._loop_exits

    def _enter_loop_variables(self, loop_vars: list[Tensor], shapes: Sequence[Any]) -> list[Tensor]:
        self._values = {x.name for x in loop_vars}
        outer = loop_vars
        if self._outer_context is not None:
            outer = [self._outer_context.AddValue(x) for x in loop_vars]
        with control_dependencies(None):
            enters = [enter(x, self._name, False, self._parallel_iterations, use_input_shape=False) for x in outer]
            for x in enters:
                x.graph.prevent_feeding(x)
                if self._outer_context is not None:
                    self._outer_context.AddInnerOp(x.op)
        self._hold_constant_enters(enters)
        _set_shape_invariants(outer, enters, shapes)
        self._adopt_enters(enters)
        self._values = {x.name for x in enters}
        self._loop_enters = enters
        return enters

    def _hold_constant_enters(self, enters: Iterable[Tensor]) -> None:
        """In a nested loop, an Enter of an outer invariant waits for the surroundings to run at all."""
        contexts = self._outer_context._and_outer() if self._outer_context is not None else ()
        pivot = next((p for p in (c.GetControlPivot() for c in contexts) if p is not None), None)
        if pivot is None:
            return
        for x in enters:
            if is_loop_constant_enter(x.op.inputs[0].op):
                x.op._add_control_input(pivot.op)


def _close_loop(merged: Tensor, value: Any) -> None:
    """Leads a body's result back to its loop variable's Merge."""
    back = next_iteration(convert_to_tensor(value))
    _enforce_invariant(merged, back)
    merged.op._update_input(1, back)


def _fits(shape: TensorShape, invariant: TensorShape) -> bool:
    """Whether every value of `shape` is one of `invariant`'s."""
    if invariant.dims is None:
        return True
    if shape.ndims != invariant.ndims:
        return False
    return all(b is None or a == b for a, b in zip(shape.as_list(), invariant.as_list(), strict=True))


def _enforce_invariant(merged: Tensor, back: Tensor) -> None:
    if _fits(back.get_shape(), merged.get_shape()):
        return
    start = merged.op.inputs[0].op.inputs[0]
    raise ValueError(
        f"Input tensor '{start.name}' enters the loop with shape {start.shape}, but has shape {back.shape} after one "
        "iteration. To allow the shape to vary across iterations, use the `shape_invariants` argument of tf.while_loop "
        "to specify a less-specific shape."
    )


def _set_shape_invariants(loop_vars: Sequence[Tensor], enters: Sequence[Tensor], shapes: Sequence[Any]) -> None:
    if not all(isinstance(s, TensorShape) for s in shapes):
        raise ValueError("`shapes` must be a (possibly nested) list of shapes.")
    for outer, inner, shape in zip(loop_vars, enters, shapes, strict=False):
        if not _fits(outer.get_shape(), shape):
            raise ValueError(
                f"The shape invariant specified for {outer.name} is not compatible with the initial shape of the loop "
                f"variable. It enters the loop with shape {outer.get_shape()}, but the specified shape invariant is "
                f"{shape}."
            )
        inner.set_shape(shape)


def _default_invariant(value: Any) -> Any:
    if isinstance(value, (IndexedSlices, SparseTensor)):
        return [spec.shape for spec in value._type_spec._component_specs]  # type: ignore[union-attr]
    return value.get_shape()


def _invariant(value: Any, shape: Any) -> Any:
    """The shapes of `value`'s component tensors that `shape` allows in a loop."""
    if shape is None:
        return _default_invariant(value)
    if isinstance(shape, TypeSpec):
        return _specified_invariant(value, shape)
    if isinstance(value, IndexedSlices):
        return _slices_invariant(value, TensorShape(shape))
    if isinstance(value, SparseTensor):
        return _sparse_invariant(TensorShape(shape))
    return shape


def _sparse_invariant(shape: TensorShape) -> list[TensorShape]:
    """Of a SparseTensor an invariant tells the rank alone, as a vector's length."""
    if shape.ndims is not None and shape.ndims != 1:
        raise ValueError("Expected a shape with 1 dimension")
    rank = shape.as_list()[0] if shape.ndims is not None else None
    return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]


def _specified_invariant(value: Any, spec: TypeSpec) -> Any:
    composite = isinstance(value, (IndexedSlices, SparseTensor))
    if isinstance(spec, TensorSpec) and not composite:
        if value.dtype != spec.dtype:
            raise TypeError(f"TensorSpec {spec!r} is not compatible with {value!r}")
        return spec.shape
    if not composite or not spec.is_compatible_with(value):
        raise TypeError(f"TypeSpec {spec!r} is not compatible with {value!r}")
    return [part.shape for part in spec._component_specs]


def _slices_invariant(value: IndexedSlices, shape: TensorShape) -> list[TensorShape]:
    shapes = [shape[:1].concatenate(shape[1:]), shape[:1]]
    return shapes if value.dense_shape is None else [*shapes, TensorShape([shape.ndims])]


def _check_arguments(cond: Any, body: Any, parallel_iterations: int) -> None:
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if parallel_iterations < 1:
        raise TypeError("parallel_iterations must be a positive integer.")


@export("while_loop")
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """The loop variables after `while cond(*vars): vars = body(*vars)`.

    Shapes stay as they enter unless `shape_invariants` gives wider ones, in the structure of `loop_vars`. With one
    variable its last value alone is given, unless `return_same_structure`. `parallel_iterations` and `swap_memory`
    are recorded; XLA decides about both.

    Raises: TypeError for functions that are not callable; ValueError for no variables, results of another number,
        or shapes that vary.
    Source: TF 1.15 tf.while_loop
    """
    _check_arguments(cond, body, parallel_iterations)
    with name_scope(name, "while", loop_vars):
        if not loop_vars:
            raise ValueError("No loop variables provided")
        if maximum_iterations is not None:
            single = len(loop_vars) == 1 and not return_same_structure
            maximum_iterations = _maximum(maximum_iterations)
            cond, body, loop_vars = _counted(cond, body, loop_vars, maximum_iterations, single)
            if shape_invariants is not None:
                shape_invariants = (TensorShape([]), shape_invariants[0] if single else shape_invariants)
        if shape_invariants is not None:
            nest.assert_same_structure(loop_vars, shape_invariants, expand_composites=False)
            shape_invariants = nest.map_structure(_invariant, loop_vars, shape_invariants, expand_composites=False)
        context = WhileContext(maximum_iterations, parallel_iterations, back_prop, swap_memory)
        if context.outer_context is None:
            add_to_collection(GraphKeys.WHILE_CONTEXT, context)
        result = context.BuildLoop(cond, body, loop_vars, shape_invariants, return_same_structure)
        return result if maximum_iterations is None else result[1]


def _maximum(maximum_iterations: Any) -> Tensor:
    tensor = convert_to_tensor(maximum_iterations, name="maximum_iterations")
    if tensor.shape.ndims != 0:
        raise ValueError(f"maximum_iterations must be a scalar, saw shape: {tensor.shape}")
    return tensor


def _counted(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum: Tensor, single: bool
) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """The loop with a counter before its variables, which ends it after `maximum` rounds."""
    from retrograph.ops import math

    counter = constant(0, dtype=maximum.dtype, name="iteration_counter")
    if single:
        return (
            lambda i, lv: math.logical_and(i < maximum, cond(lv)),
            lambda i, lv: (i + 1, body(lv)),
            (counter, loop_vars[0]),
        )
    return (
        lambda i, lv: math.logical_and(i < maximum, cond(*lv)),
        lambda i, lv: (i + 1, body(*lv)),
        (counter, loop_vars),
    )
