"""Ordering operations: `tf.group`, `tf.tuple`, control-dependent identities; and the raw gates of conds and loops."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import nest
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor, internal_convert_to_tensor
from retrograph.framework.default_graph import colocate_with, control_dependencies, device, name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, unchanged, with_rank
from retrograph.framework.structures import IndexedSlices, SparseTensor
from retrograph.ops.flow_context import output_context


def is_tensor_like(value: Any) -> bool:
    """Whether `value` is a tensor, a variable, or made of tensors (IndexedSlices, SparseTensor)."""
    return isinstance(value, (Tensor, IndexedSlices, SparseTensor)) or hasattr(value, "_as_graph_element")


def as_tensor_or_composite(value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    """`value` as it is when it is made of tensors, else converted to a tensor."""
    if isinstance(value, (IndexedSlices, SparseTensor)):
        return value
    return internal_convert_to_tensor(value, dtype, name, as_ref)


def _ref_aware(op_type: str) -> Callable[..., Any]:
    """A function that makes `op_type` of a tensor, `Ref<op_type>` of a reference, and maps over composites."""

    def make(data: Any, name: str | None = None, **attrs: Any) -> Any:
        data = as_tensor_or_composite(data, as_ref=True)
        if isinstance(data, (IndexedSlices, SparseTensor)):
            return nest.map_structure(lambda x: make(x, **attrs), data, expand_composites=True)
        argument = "input" if op_type == "Identity" else "data"
        kind = f"Ref{op_type}" if data.dtype._is_ref_dtype else op_type
        return apply_op(kind, name, **{argument: data}, **attrs)

    return make


identity_or_ref = _ref_aware("Identity")
next_iteration = _ref_aware("NextIteration")
exit_loop = _ref_aware("Exit")
_enter = _ref_aware("Enter")


def enter(
    data: Any,
    frame_name: str,
    is_constant: bool = False,
    parallel_iterations: int = 10,
    use_input_shape: bool = True,
    name: str | None = None,
) -> Any:
    """`data` as seen from inside the loop `frame_name`; composites component by component."""
    data = as_tensor_or_composite(data, as_ref=True)
    attrs = {"frame_name": frame_name, "is_constant": is_constant, "parallel_iterations": parallel_iterations}
    result = _enter(data, name=name, **attrs)
    if use_input_shape:
        for inner, outer in zip(
            nest.flatten(result, expand_composites=True), nest.flatten(data, expand_composites=True), strict=True
        ):
            inner.set_shape(outer.get_shape())
    return result


def loop_cond(pred: Tensor, name: str | None = None) -> Tensor:
    """`bool[]`: the condition of the loop it stands in."""
    return apply_op("LoopCond", name, input=pred)  # type: ignore[no-any-return]


@export("no_op")
def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing, to hang control dependencies on.

    Source: TF 1.15 tf.no_op
    """
    return apply_op("NoOp", name)  # type: ignore[no-any-return]


def _group_on_device(where: str | None, operations: Sequence[Any], name: str | None = None) -> Operation:
    with control_dependencies(operations):
        if where is None:
            return no_op(name=name)
        with device(where):
            return no_op(name=name)


def _by_device(inputs: Iterable[Any]) -> dict[str | None, list[Any]]:
    groups: dict[str | None, list[Any]] = {}
    for item in inputs:
        # Arrays have a device since NumPy 2.
        if not hasattr(item, "device") or isinstance(item, (np.ndarray, np.generic)):
            raise TypeError(f"Expected tf.group() expected Tensor arguments not '{item}' with type '{type(item)}'")
        groups.setdefault(item.device, []).append(item)
    return groups


@export("group")
def group(*inputs: Any, **kwargs: Any) -> Operation:
    """An operation that runs all `inputs` (operations, tensors, structures of them).

    Raises: TypeError for an input that is neither; ValueError for an unknown keyword.
    Source: TF 1.15 tf.group
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    with name_scope(name, "group_deps", inputs) as scope:
        if not inputs:
            return no_op(name=scope)
        groups = _by_device(nest.flatten(inputs, expand_composites=True))
        if len(groups) == 1:
            ((where, operations),) = groups.items()
            return _group_on_device(where, operations, name=scope)
        parts = [_group_on_device(where, groups[where]) for where in sorted(groups, key=lambda x: x or "")]
        with control_dependencies(parts):
            return no_op(name=scope)


def with_dependencies(dependencies: Iterable[Any], output_tensor: Any, name: str | None = None) -> Any:
    """`output_tensor` as a new tensor that is there only after `dependencies` have run.

    Source: TF 1.15 control_flow_ops.with_dependencies
    """
    dependencies = list(dependencies)
    with (
        name_scope(name, "control_dependency", [*dependencies, output_tensor]) as scope,
        colocate_with(output_tensor),
        control_dependencies(dependencies),
    ):
        output_tensor = as_tensor_or_composite(output_tensor)
        if isinstance(output_tensor, Tensor):
            return identity_or_ref(output_tensor, name=scope)
        values = identity_or_ref(output_tensor.values, name=scope)
        return IndexedSlices(values, output_tensor.indices, output_tensor.dense_shape)


def _gating_op(control_input: Any) -> Operation:
    if isinstance(control_input, Operation):
        return control_input
    if isinstance(control_input, Tensor):
        return control_input.op
    raise TypeError(f"Control input must be Operation or Tensor: {control_input}")


def _gated(item: Any, gate: Operation) -> Any:
    if item is None:
        return None
    if isinstance(item, Operation):
        with control_dependencies([gate]):
            return group(item)
    return with_dependencies([gate], item)


@export("tuple")
def tuple(tensors: Sequence[Any], name: str | None = None, control_inputs: Sequence[Any] | None = None) -> list[Any]:
    """The same tensors, each there only when all of them (and `control_inputs`) have been computed; None stays None.

    Raises: ValueError if there is no tensor; TypeError for a control input of another kind.
    Source: TF 1.15 tf.tuple
    """
    with name_scope(name, "tuple", tensors):
        items = [
            t if t is None or isinstance(t, Operation) or is_tensor_like(t) else convert_to_tensor(t) for t in tensors
        ]
        gates = [t if isinstance(t, Operation) else t.op for t in items if t is not None]
        gates += [_gating_op(c) for c in control_inputs or ()]
        if not gates:
            raise ValueError(f"Must have at least one Tensor: {items}")
        gate = group(*sorted(set(gates), key=lambda op: op._id))
        return [_gated(item, gate) for item in items]


def switch(data: Any, pred: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`(output_false, output_true)`: `data` goes to the one that `pred` (`bool[]`) says; the other has no value."""
    with name_scope(name, "Switch", [data, pred]) as scope:
        data = as_tensor_or_composite(data, dtype=dtype, name="data", as_ref=True)
        pred = convert_to_tensor(pred, name="pred")
        if isinstance(data, Tensor):
            return apply_op("Switch", scope, data=data, pred=pred)
        parts = [apply_op("Switch", None, data=x, pred=pred) for x in nest.flatten(data, expand_composites=True)]
        return builtins.tuple(
            nest.pack_sequence_as(data, [part[side] for part in parts], expand_composites=True) for side in (0, 1)
        )


def switch_ref_or_tensor(data: Any, pred: Tensor, name: str = "Switch") -> Any:
    """`switch`, colocated with `data` alone, a RefSwitch for a reference."""
    data = as_tensor_or_composite(data, name="data")
    # Capturing happens under whatever colocation the captured op's user has opened: that one is not meant for the gate.
    with colocate_with(data, ignore_existing=True):
        if isinstance(data, Tensor) and data.dtype._is_ref_dtype:
            return apply_op("RefSwitch", name, data=data, pred=pred)
        return switch(data, pred, name=name)


def _merge_composites(inputs: list[Any]) -> builtins.tuple[Any, Tensor]:
    if all(isinstance(v, (IndexedSlices, Tensor)) for v in inputs):
        inputs = as_indexed_slices_list(inputs)
    for v in inputs[1:]:
        nest.assert_same_structure(inputs[0], v, expand_composites=True)
    columns = zip(*(nest.flatten(v, expand_composites=True) for v in inputs), strict=True)
    merged = [apply_op("Merge", None, inputs=list(column)) for column in columns]
    packed = nest.pack_sequence_as(inputs[0], [m[0] for m in merged], expand_composites=True)
    return packed, merged[0][1]


def merge(inputs: Sequence[Any], name: str | None = None) -> Any:
    """`(output, value_index)`: the one of `inputs` that has a value, and its position `int32[]`.

    Raises: ValueError if an input is None.
    """
    if any(x is None for x in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    with name_scope(name, "Merge", inputs) as scope:
        items = [as_tensor_or_composite(x, as_ref=True) for x in inputs]
        if not all(isinstance(v, Tensor) for v in items):
            return _merge_composites(items)
        kind = "RefMerge" if all(v.dtype._is_ref_dtype for v in items) else "Merge"
        return apply_op(kind, scope, inputs=items)


def as_indexed_slices(value: Any) -> IndexedSlices:
    """A tensor as the IndexedSlices of all its rows; IndexedSlices as they are.

    Raises: TypeError for anything else.
    """
    if isinstance(value, IndexedSlices):
        return value
    if not isinstance(value, Tensor):
        raise TypeError(f"Not a Tensor or IndexedSlices: {type(value)}")
    from retrograph.ops import array, math

    shape = array.shape_internal(value, optimize=False)
    return IndexedSlices(value, math.range(0, shape[0]), shape)


def as_indexed_slices_list(inputs: Sequence[Any]) -> list[IndexedSlices]:
    """Every input as IndexedSlices, with indices of one dtype.

    Raises: TypeError if `inputs` is not a list or tuple.
    """
    if not isinstance(inputs, (list, builtins.tuple)):
        raise TypeError(f"Expected a list or tuple, not a {type(inputs)}")
    slices = [as_indexed_slices(x) for x in inputs]
    wide = [x for x in slices if x.indices.dtype.name == "int64"]
    if not wide or len(wide) == len(slices):
        return slices
    from retrograph.ops import math

    return [x if x in wide else IndexedSlices(x.values, math.cast(x.indices, "int64"), x.dense_shape) for x in slices]


def cast_slice_indices(a: Any, b: Any) -> None:
    """Makes the indices of two IndexedSlices int64, in place, when their dtypes differ."""
    if not (isinstance(a, IndexedSlices) and isinstance(b, IndexedSlices)) or a.indices.dtype == b.indices.dtype:
        return
    from retrograph.ops import math

    for slices in (a, b):
        slices._indices = math.cast(slices.indices, "int64")


# ---- rows. Inside conds and loops the runtime takes these operations as one region and calls none of these lowerings.


def _switch_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    return [c.input(0), c.input(0)]


def _common_dims(shapes: Sequence[Shape]) -> Shape:
    first = shapes[0]
    if first is None or any(s is None or len(s) != len(first) for s in shapes):
        return None
    return builtins.tuple(
        column[0] if all(d == column[0] for d in column) else None for column in zip(*_known(shapes), strict=True)
    )


def _known(shapes: Sequence[Shape]) -> list[builtins.tuple[int | None, ...]]:
    return [s for s in shapes if s is not None]


def _merge_shape(c: ShapeContext) -> list[Shape]:
    return [_common_dims([c.input(i) for i in range(c.num_inputs)]), ()]


def _enter_shape(c: ShapeContext) -> list[Shape]:
    return [c.input(0) if c.attr("is_constant") else None]


def _loop_cond_shape(c: ShapeContext) -> list[Shape]:
    return [with_rank(c, c.input(0), 0)]


def _same(op: Operation, x: Any, *ignored: Any) -> Any:
    return x


def _nothing(op: Operation) -> builtins.tuple[()]:
    return ()


def _switch_grad(op: Operation, *grads: Any) -> Any:
    context = op._get_control_flow_context()
    if context is not None and context.IsCondContext():
        other = grads[1 - context.branch]
        # The other side's zeros were made by tf.gradients, except for dtypes that have no gradient.
        if other is None:
            if op.inputs[0].dtype.name == "resource" and grads[context.branch] is not None:
                return merge([grads[context.branch]] * 2, name="cond_resource_grad")[0], None
            return None, None
        return merge(grads, name="cond_grad")[0], None
    false_grad = switch(grads[0], op.inputs[1])[0]
    true_grad = switch(grads[1], op.inputs[1])[1]
    return merge([false_grad, true_grad])[0], None


def _merge_grad(op: Operation, grad: Any, _: Any = None) -> Any:
    context = output_context(op.inputs[0].op)
    if context is not None and context.IsCondContext():
        return switch_ref_or_tensor(grad, context.pred, name="cond_grad")  # type: ignore[attr-defined]
    from retrograph.ops import math

    chosen = [math.equal(op.outputs[1], i) for i in range(len(op.inputs))]
    return [switch_ref_or_tensor(grad, pred)[1] for pred in chosen]


def _pass_back(op: Operation, grad: Any) -> Any:
    return grad


register_op("NoOp", shape=no_outputs, lower=_nothing, numpy=_nothing, gradient=NO_GRADIENT)
register_op("ControlTrigger", shape=no_outputs, lower=_nothing, numpy=_nothing, gradient=NO_GRADIENT)
register_op("LoopCond", shape=_loop_cond_shape, lower=_same, numpy=_same, gradient=NO_GRADIENT)
for _prefix in ("", "Ref"):
    register_op(f"{_prefix}Switch", shape=_switch_shape, gradient=_switch_grad)
    register_op(f"{_prefix}Merge", shape=_merge_shape, gradient=_merge_grad)
    register_op(f"{_prefix}Exit", shape=unchanged, lower=_same, numpy=_same, gradient=_pass_back)
    register_op(f"{_prefix}NextIteration", shape=unchanged, lower=_same, numpy=_same, gradient=_pass_back)
register_op("Enter", shape=_enter_shape, lower=_same, numpy=_same, gradient=_pass_back)
register_op("RefEnter", shape=unchanged, lower=_same, numpy=_same, gradient=_pass_back)
