"""What joins, cuts and repeats tensors: concat, stack, split, tile, meshgrid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors, nest
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor, register_tensor_conversion_function
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Dimension, Shape, TensorShape, to_text
from retrograph.framework.shape_rules import ShapeContext, ShapeError, concatenate, merge, with_rank, with_rank_at_least
from retrograph.framework.static_value import constant_value
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import array, identities, transposing
from retrograph.ops.rows import (
    add,
    axis_input,
    axis_within,
    both,
    divide,
    ints,
    make_tensor,
    make_tensors,
    merge_numbered,
    multiply,
    rank_of,
    refuse,
    replace_dim,
    shape_input,
    unknown_of,
    with_value,
)

# --- concat ------------------------------------------------------------------------------------------------------


def _concat_inputs_of_one_rank(c: ShapeContext, shapes: Sequence[Shape]) -> list[Shape]:
    rank = next((len(s) for s in shapes if s is not None), None)
    if rank is None:
        return [None]
    if rank == 0:
        raise ShapeError("Can't concatenate scalars (use tf.stack instead)")
    for one in shapes:
        with_rank(c, one, rank)
    return [unknown_of(rank)]


def _cut(shape: Shape, axis: int) -> tuple[Shape, int | None, Shape]:
    if shape is None:
        return None, None, None
    axis %= len(shape)
    return shape[:axis], shape[axis], shape[axis + 1 :]


def concat_shapes(c: ShapeContext, shapes: Sequence[Shape], dim_index: int) -> list[Shape]:
    with_rank(c, c.input(dim_index), 0)
    value = c.constant(dim_index)
    if value is None:
        return _concat_inputs_of_one_rank(c, shapes)
    axis = int(value)
    least = -axis if axis < 0 else axis + 1
    before, middle, after = _cut(with_rank_at_least(c, shapes[-1], least), axis)
    for one in reversed(shapes[:-1]):
        its_before, its_middle, its_after = _cut(with_rank_at_least(c, one, least), axis)
        before = merge(c, its_before, before)
        middle = add(middle, its_middle)
        after = merge(c, its_after, after)
    return [concatenate(concatenate(before, (middle,)), after)]


def _concat_v2_shape(c: ShapeContext) -> list[Shape]:
    last = c.num_inputs - 1
    return concat_shapes(c, [c.input(i) for i in range(last)], last)


def _concat_v1_shape(c: ShapeContext) -> list[Shape]:
    return concat_shapes(c, [c.input(i) for i in range(1, c.num_inputs)], 0)


def _checked_concat(xp: Any, op: Any, values: Sequence[Any], axis: int) -> Any:
    first = values[0]
    if not -first.ndim <= axis < max(first.ndim, 1):
        limits = f"[{-first.ndim}, {first.ndim})"
        refuse(op, f"ConcatOp : Expected concatenating dimensions in the range {limits}, but got {axis}")
    for i, x in enumerate(values[1:], 1):
        if x.ndim != first.ndim:
            text = f"ConcatOp : Ranks of all input tensors should match: shape[0] = {list(first.shape)} vs. shape[{i}] = {list(x.shape)}"
            raise errors.InvalidArgumentError(None, op, text.replace(", ", ","))
        at = axis % first.ndim if first.ndim else 0
        if x.shape[:at] != first.shape[:at] or x.shape[at + 1 :] != first.shape[at + 1 :]:
            text = f"ConcatOp : Dimensions of inputs should match: shape[0] = {list(first.shape)} vs. shape[{i}] = {list(x.shape)}"
            raise errors.InvalidArgumentError(None, op, text.replace(", ", ","))
    return xp.concatenate(values, axis)


def _concat_v2(xp: Any, op: Any, *inputs: Any) -> Any:
    return _checked_concat(xp, op, inputs[:-1], int(inputs[-1]))


def _concat_v1(xp: Any, op: Any, *inputs: Any) -> Any:
    return _checked_concat(xp, op, inputs[1:], int(inputs[0]))


def _input_shapes(inputs: Sequence[Tensor]) -> Any:
    sizes = []
    for x in inputs:
        one = array.shape(x)
        if one.op.type != "Const":
            return array.shape_n(list(inputs))
        sizes.append(one)
    return sizes


def _dense_concat_gradient(grad: Tensor, inputs: Sequence[Tensor], axis: Tensor) -> list[Any]:
    sizes = _input_shapes(inputs)
    if len(sizes) > 16:
        from retrograph.ops.strided_slice import slice as slice_op  # it builds on this module

        row = slice_op(stack(list(sizes), axis=1), [axis, 0], [1, -1])
        return list(split(grad, array.squeeze(row), axis))
    from retrograph.ops.strided_slice import slice as slice_op

    offsets = apply_op("ConcatOffset", None, concat_dim=axis, shape=list(sizes))
    return [slice_op(grad, begin, one) for begin, one in zip(offsets, sizes, strict=True)]


def _rows_of_slices(grad: IndexedSlices, sizes: Sequence[Tensor], axis: Tensor) -> list[Any]:
    from retrograph.ops.gather import gather
    from retrograph.ops.math import cast, logical_and
    from retrograph.ops.selecting import where

    found: list[Any] = []
    start: Any = constant(0, dtype=grad.indices.dtype)
    for one in sizes:
        count = gather(one, axis)
        if count.dtype != grad.indices.dtype:
            count = cast(count, dtype=grad.indices.dtype)
        end = start + count
        inside = array.squeeze(where(logical_and(grad.indices >= start, grad.indices < end)), axis=[1])
        new_indices = gather(grad.indices, inside) - start
        found.append(IndexedSlices(gather(grad.values, inside), new_indices, one))
        start = end
    return found


def _columns_of_slices(grad: IndexedSlices, sizes: Sequence[Tensor], axis: Tensor) -> list[Any]:
    from retrograph.ops.math import add as math_add
    from retrograph.ops.strided_slice import slice as slice_op

    rank = array.shape(sizes[0])
    mask = concat([array.fill(array.expand_dims(axis, 0), 0), [1], array.fill(rank - axis - 1, 0)], 0)
    begin = array.fill(rank, 0)
    found: list[Any] = []
    for one in sizes:
        values = slice_op(grad.values, begin, concat([[-1], slice_op(one, [1], [-1])], 0))
        found.append(IndexedSlices(values, grad.indices, one))
        begin = math_add(begin, one * mask)
    return found


def _sparse_concat_gradient(grad: IndexedSlices, inputs: Sequence[Tensor], dim: Tensor, axis: Tensor) -> list[Any]:
    static = constant_value(dim)
    if static is None:
        raise ValueError("Can only compute IndexedSlices gradient with statically-known concat_dim")
    position = int(static)
    if position < 0:
        rank = rank_of(inputs[0]._shape)
        if rank is None:
            raise ValueError(
                "Can only compute IndexedSlices gradient with negative concat_dim when first value rank is statically-known."
            )
        position %= rank
    sizes = [array.shape(x) for x in inputs]
    return (_columns_of_slices if position > 0 else _rows_of_slices)(grad, sizes, axis)


def _concat_gradient(inputs: Sequence[Tensor], dim: Tensor, grad: Any) -> list[Any]:
    if len(inputs) == 1:
        return [grad]
    axis = dim % array.rank(inputs[0])
    if isinstance(grad, IndexedSlices):
        return _sparse_concat_gradient(grad, inputs, dim, axis)
    return _dense_concat_gradient(grad, inputs, axis)


def _concat_v2_gradient(op: Any, grad: Any) -> list[Any]:
    return [*_concat_gradient(op.inputs[:-1], op.inputs[-1], grad), None]


def _concat_v1_gradient(op: Any, grad: Any) -> list[Any]:
    return [None, *_concat_gradient(op.inputs[1:], op.inputs[0], grad)]


def _check_offset_shapes(op: Any, dim: Any, shapes: Sequence[Any]) -> int:
    """The axis, counted from the front."""
    if np.ndim(shapes[0]) != 1:
        text = "input 0 should be a vector, but got shape "
        raise errors.InvalidArgumentError(None, op, text + _listed(np.shape(shapes[0]), ","))
    rank = len(shapes[0])
    axis = int(dim) + rank if int(dim) < 0 else int(dim)
    if not 0 <= axis < rank:
        raise errors.InvalidArgumentError(None, op, f"Concat dim is out of range: {int(dim)} vs. {rank}")
    for i, other in enumerate(shapes):
        if len(other) != rank:
            text = f"input {i} should contain {rank} elements, but got {len(other)}"
            raise errors.InvalidArgumentError(None, op, text)
        if any(a != b for j, (a, b) in enumerate(zip(other, shapes[0], strict=True)) if j != axis):
            text = (
                f"All dimensions except {axis} must match. Input {i} has shape {_listed(other)} and doesn't match "
                f"input 0 with shape {_listed(shapes[0])}."
            )
            raise errors.InvalidArgumentError(None, op, text)
    return axis


def _listed(sizes: Any, between: str = " ") -> str:
    return "[" + between.join(str(int(s)) for s in sizes) + "]"


def _concat_offset(op: Any, dim: Any, *shapes: Any) -> Any:
    axis = _check_offset_shapes(op, dim, shapes)
    sizes = [int(s[axis]) for s in shapes]
    starts = np.cumsum([0, *sizes[:-1]])
    offsets = np.zeros((len(shapes), len(shapes[0])), np.int32)
    offsets[:, axis] = starts
    return tuple(offsets)


def _lowered_concat_offset(op: Any, dim: Any, *shapes: Any) -> Any:
    offset, found = jnp.zeros_like(shapes[0]), []
    for one in shapes:
        found.append(offset)
        offset = offset.at[int(dim)].add(one[int(dim)])
    return tuple(found)


register_op(
    "ConcatV2",
    shape=_concat_v2_shape,
    static_inputs=(-1,),
    gradient=_concat_v2_gradient,
    **both(_concat_v2),
)
register_op("Concat", shape=_concat_v1_shape, static_inputs=(0,), gradient=_concat_v1_gradient, **both(_concat_v1))
register_op(
    "ConcatOffset",
    shape=lambda c: [c.input(i) for i in range(1, c.num_inputs)],
    lower=_lowered_concat_offset,
    numpy=_concat_offset,
    static_inputs=(0,),
    gradient=NO_GRADIENT,
)


@export("concat")
@dispatched("[values]")
def concat(values: Any, axis: Any, name: str | None = "concat") -> Tensor:
    """The tensors of the list `values` one after the other along `axis`.

    >>> tf.concat([tf.zeros([2, 3]), tf.zeros([4, 3])], 0)
    <tf.Tensor 'concat:0' shape=(6, 3) dtype=float32>

    Raises ValueError if ranks or other sizes differ.
    Source: TF 1.15 `tf.concat`.
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with name_scope(name):
            convert_to_tensor(axis, name="concat_dim", dtype=dtypes.int32).get_shape().assert_has_rank(0)
            return identities.identity(values[0], name=name)
    return make_tensor("ConcatV2", name, values=values, axis=axis)


# --- stack and the conversion of lists that hold tensors ---------------------------------------------------------


def _new_axis(c: ShapeContext, rank: int) -> int:
    axis: int = c.attr("axis")
    if not -rank <= axis < rank:
        raise ShapeError(f"Invalid axis: {axis}; must be in [{-rank},{rank})")
    return axis % rank


def _pack_shape(c: ShapeContext) -> list[Shape]:
    one = merge_numbered([c.input(i) for i in range(c.num_inputs)])
    if one is None:
        return [None]
    axis = _new_axis(c, len(one) + 1)
    return [(*one[:axis], c.num_inputs, *one[axis:])]


def _pack(xp: Any, op: Any, *values: Any) -> Any:
    if op._outputs[0]._dtype._base.name == "resource":
        handles = np.empty(len(values), object)
        handles[:] = values
        return handles
    for i, x in enumerate(values):
        if x.shape != values[0].shape:
            shapes = f"values[0].shape = {list(values[0].shape)} != values[{i}].shape = {list(x.shape)}".replace(
                ", ", ","
            )
            raise errors.InvalidArgumentError(None, op, f"Shapes of all inputs must match: {shapes}")
    rank = values[0].ndim + 1
    return xp.stack(values, axis=axis_within(op, op.get_attr("axis"), rank, "axis = {axis} not in [-{rank}, {rank})"))


def _pack_gradient(op: Any, grad: Any) -> Any:
    return unstack(grad, num=op.get_attr("N"), axis=op.get_attr("axis"))


register_op("Pack", shape=_pack_shape, gradient=_pack_gradient, **both(_pack))


@export("stack")
@dispatched("[values]")
def stack(values: Any, axis: int = 0, name: str | None = "stack") -> Tensor:
    """Tensors of one shape as one tensor with a new dimension at `axis`.

    >>> tf.stack([tf.zeros([3]), tf.ones([3])], axis=1)
    <tf.Tensor 'stack:0' shape=(3, 2) dtype=float32>

    Source: TF 1.15 `tf.stack`.
    """
    if axis == 0:
        try:
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass  # the operation itself says what is wrong
    shape = convert_to_tensor(values[0], name=name)._shape
    if shape is not None and (axis < -len(shape) - 1 or axis >= len(shape) + 1):
        raise ValueError(f"axis = {axis} not in [{-len(shape) - 1}, {len(shape) + 1})")
    return make_tensor("Pack", name, values=values, axis=axis)


def is_tensor_like(value: Any) -> bool:
    """Whether `value` is a tensor, or a variable that stands for one."""
    return isinstance(value, Tensor) or getattr(value, "_is_dense_tensor_like", False)


def _packed(values: Any, dtype: Any, name: str) -> Any:
    with name_scope(name) as scope:
        must_pack, parts = False, []
        for i, part in enumerate(values):
            if is_tensor_like(part):
                if dtype is not None and part.dtype.base_dtype != dtype:
                    text = f"Cannot convert a list containing a tensor of dtype {part.dtype} to {dtype} (Tensor is: {part!r})"
                    raise TypeError(text)
            elif isinstance(part, (list, tuple)):
                part = _packed(part, dtype, str(i))
            must_pack = must_pack or is_tensor_like(part)
            parts.append(part)
        if not must_pack:
            return parts
        tensors = [p if is_tensor_like(p) else constant(p, dtype=dtype, name=str(i)) for i, p in enumerate(parts)]
        return apply_op("Pack", scope, values=tensors)


def _dtype_inside(values: Any) -> Any:
    for part in values:
        found = None
        if is_tensor_like(part):
            found = part.dtype.base_dtype
        elif isinstance(part, (list, tuple)):
            found = _dtype_inside(part)
        if found is not None:
            return found
    return None


def _with_dtype(dtype: Any) -> Any:
    def convert(part: Any) -> Any:
        if is_tensor_like(part) and part.dtype.base_dtype != dtype:
            return apply_op("Cast", None, x=part, DstT=dtype)
        return part

    return convert


def _convert_list(values: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    if as_ref:
        return NotImplemented
    inside = _dtype_inside(values)
    if inside is None:
        return NotImplemented
    if dtype is None:
        dtype = inside
    elif dtype != inside:
        values = nest.map_structure(_with_dtype(dtype), values)
    return _packed(values, dtype, name or "packed")


register_tensor_conversion_function((list, tuple), _convert_list, 99)


def _parallel_concat_shape(c: ShapeContext) -> list[Shape]:
    whole: Shape = c.attr("shape")
    if whole is None or None in whole:
        raise ShapeError("shape attr must be fully defined.")
    current: Shape = (1, *whole[1:])
    for i in range(c.num_inputs):
        one = c.input(i)
        if one is None or None in one:
            raise ShapeError("All input shapes must be fully defined.")
        if not one or one[0] != 1:
            raise ShapeError("Size of first dimension must be 1.")
        try:
            current = merge(c, one, current)
        except ShapeError as error:
            raise ShapeError(f"{error}\n\tFrom merging shape {i} with other shapes.") from None
    return [whole]


register_op(
    "ParallelConcat",
    shape=_parallel_concat_shape,
    **both(lambda xp, op, *values: xp.concatenate(values, 0)),
)


@export("parallel_stack")
def parallel_stack(values: Any, name: str | None = "parallel_stack") -> Tensor:
    """Tensors of one fully known shape as one tensor with a new first dimension.

    Source: TF 1.15 `tf.parallel_stack`.
    """
    with name_scope(name):
        one = convert_to_tensor(values[0]).get_shape()
        whole = TensorShape([len(values)]).concatenate(one)
        rows = [array.expand_dims(value, 0) for value in values]
        return make_tensor("ParallelConcat", None, values=rows, shape=whole)


def _unpack_shape(c: ShapeContext) -> list[Shape]:
    count, given = c.attr("num"), c.input(0)
    if given is None:
        return [None] * count
    axis = _new_axis(c, len(given)) if given else _new_axis(c, 0)
    with_value(given[axis], count)
    return [(*given[:axis], *given[axis + 1 :])] * count


def at(x: Any, axis: int, index: int) -> Any:
    """The part of `x` at `index` along `axis`; NumPy scalars stay arrays."""
    return x[(slice(None),) * axis + (index, Ellipsis)]


def _unpack(xp: Any, op: Any, x: Any) -> Any:
    axis = axis_within(op, op.get_attr("axis"), x.ndim, "axis = {axis} not in [-{rank}, {rank})")
    count = op.get_attr("num")
    if x.shape[axis] != count:
        refuse(op, f"Input shape axis {axis} must equal {count}, got shape {to_text(tuple(x.shape))}")
    return tuple(at(x, axis, i) for i in range(op.get_attr("num")))


def _unpack_gradient(op: Any, *grads: Any) -> Any:
    return stack(list(grads), axis=op.get_attr("axis"))


register_op("Unpack", shape=_unpack_shape, gradient=_unpack_gradient, **both(_unpack))


@export("unstack")
def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack") -> list[Tensor]:
    """The parts of `value` along `axis`, one tensor each.

    >>> tf.unstack(tf.zeros([2, 3]))
    [<tf.Tensor 'unstack:0' shape=(3,) dtype=float32>, <tf.Tensor 'unstack:1' shape=(3,) dtype=float32>]

    Source: TF 1.15 `tf.unstack`.
    """
    if num is None:
        value = convert_to_tensor(value)
        shape = value._shape
        if shape is not None:
            if not -len(shape) <= axis < len(shape):
                raise ValueError(f"axis = {axis} not in [{-len(shape)}, {len(shape)})")
            num = shape[axis]
        if num is None:
            raise ValueError(f"Cannot infer num from shape {value.get_shape()}")
    return make_tensors("Unpack", name, value=value, num=num, axis=axis)


# --- split -------------------------------------------------------------------------------------------------------


def _split_shape(c: ShapeContext) -> list[Shape]:
    given, count = c.input(1), c.attr("num_split")
    axis = axis_input(c, 0, rank_of(given))
    if axis is None:
        return [unknown_of(rank_of(given))] * count
    with_rank_at_least(c, given, axis + 1)
    if given is None:
        return [None] * count
    try:
        part = divide(given[axis], count)
    except ShapeError as error:
        raise ShapeError(f"{error}\n\tNumber of ways to split should evenly divide the split dimension") from None
    return [replace_dim(given, axis, part)] * count


def _split(xp: Any, op: Any, axis: Any, x: Any) -> Any:
    at_axis, count = int(axis) % x.ndim, op.get_attr("num_split")
    if x.shape[at_axis] % count:
        text = f"Number of ways to split should evenly divide the split dimension, but got split_dim {at_axis} (size = {x.shape[at_axis]}) and num_split {count}"
        raise errors.InvalidArgumentError(None, op, text)
    return tuple(xp.split(x, count, at_axis))


def _split_v_shape(c: ShapeContext) -> list[Shape]:
    given, count = c.input(0), c.attr("num_split")
    axis, sizes = axis_input(c, 2, rank_of(given)), c.constant(1)
    if given is None:
        return [None] * count
    if not given:
        raise ShapeError("Can't split scalars")
    if sizes is None:
        return [unknown_of(len(given)) if axis is None else replace_dim(given, axis, None)] * count
    # TF takes an axis that it does not know for the last one here.
    return _split_v_known(given, -1 if axis is None else axis, ints(sizes), count)


def _split_v_known(given: tuple[int | None, ...], axis: int, sizes: tuple[int, ...], count: int) -> list[Shape]:
    if len(sizes) != count:
        raise ShapeError("Length of size_splits should be equal to num_outputs")
    if sizes.count(-1) > 1:
        raise ShapeError("size_splits can only have one -1")
    whole, total = given[axis], sum(s for s in sizes if s != -1)
    if whole is not None and (total > whole if -1 in sizes else total != whole):
        pieces = ",".join(map(str, sizes))
        raise ShapeError(f"can't split axis of size {whole} into pieces of size [{pieces}]")
    rest = None if whole is None else whole - total
    return [replace_dim(given, axis, rest if s == -1 else s) for s in sizes]


def _split_v(xp: Any, op: Any, x: Any, sizes: Any, axis: Any) -> Any:
    if np.size(axis) != 1:
        raise errors.InvalidArgumentError(None, op, "split_dim_tensor must have exactly one element.")
    text = "-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {axis}"
    counts, at_axis = list(ints(sizes)), axis_within(op, np.asarray(axis).reshape(()), x.ndim, text)
    whole = x.shape[at_axis]
    if -1 in counts:
        counts[counts.index(-1)] = whole - sum(c for c in counts if c != -1)
    if sum(counts) != whole or min(counts, default=0) < 0:
        text = "Determined shape must either match input shape along split_dim exactly if fully specified, or be less than the size of the input along split_dim if not fully specified.  Got: "
        raise errors.InvalidArgumentError(None, op, f"{text}{sum(counts)}")
    return tuple(xp.split(x, np.cumsum(counts)[:-1].tolist(), at_axis))


def _split_gradient(op: Any, *grads: Any) -> Any:
    return [None, concat(list(grads), op.inputs[0])]


def _split_v_gradient(op: Any, *grads: Any) -> Any:
    return [concat(list(grads), op.inputs[2]), None, None]


register_op("Split", shape=_split_shape, static_inputs=(0,), gradient=_split_gradient, **both(_split))
register_op("SplitV", shape=_split_v_shape, static_inputs=(1, 2), gradient=_split_v_gradient, **both(_split_v))


@export("split")
def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = "split"
) -> list[Tensor]:
    """`value` cut along `axis`: into so many equal parts, or into parts of the given sizes.

    >>> [t.shape.as_list() for t in tf.split(tf.zeros([5, 30]), [4, 15, 11], 1)]
    [[5, 4], [5, 15], [5, 11]]

    Source: TF 1.15 `tf.split`.
    """
    sizes = convert_to_tensor(num_or_size_splits)
    if isinstance(num_or_size_splits, (int, Dimension)):
        return make_tensors("Split", name, split_dim=axis, value=value, num_split=num_or_size_splits)
    shape = sizes._shape
    if shape is not None and not shape:
        text = "Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: "
        raise ValueError(f"{text}{num_or_size_splits}")
    if num is None:
        num = shape[0] if shape else None
        if num is None:
            raise ValueError(f"Cannot infer num from shape {num_or_size_splits}")
    return make_tensors("SplitV", name, value=value, size_splits=sizes, split_dim=axis, num_split=num)


# --- tile, meshgrid -----------------------------------------------------------------------------------------------


def _tile_shape(c: ShapeContext) -> list[Shape]:
    given, times = c.input(0), shape_input(c, 1)
    if given is not None:
        times = with_rank(c, times, len(given))
    if times is None:
        return [None]
    known = with_rank(c, given, len(times))
    return [tuple(multiply(d, t) for d, t in zip(known, times, strict=True))]


def _tile(xp: Any, op: Any, x: Any, times: Any) -> Any:
    if len(times) != x.ndim:
        refuse(op, f"Expected multiples argument to be a vector of length {x.ndim} but got length {len(times)}")
    for i, count in enumerate(ints(times)):
        if count < 0:
            refuse(op, f"Expected multiples[{i}] >= 0, but got {count}")
    return xp.tile(x, ints(times)) if x.ndim else x


def _tile_gradient(op: Any, grad: Any) -> Any:
    from retrograph.ops import math
    from retrograph.ops.segment import unsorted_segment_sum  # both build on this module

    sizes = array.shape(op.inputs[0], out_type=op.inputs[1].dtype)
    split_shape = array.reshape(transposing.transpose(stack([op.inputs[1], sizes])), [-1])
    axes = math.range(0, array.size(split_shape), 2)
    if isinstance(grad, IndexedSlices):
        rows = math.cast(sizes[0], grad.indices.dtype)
        grad = unsorted_segment_sum(grad.values, math.mod(grad.indices, rows), rows)
        split_shape = concat([[1], split_shape[1:]], axis=0)
    result = math.reduce_sum(array.reshape(grad, split_shape), axes)
    result.set_shape(op.inputs[0].get_shape())
    return [result, None]


register_op("Tile", shape=_tile_shape, static_inputs=(1,), gradient=_tile_gradient, **both(_tile))


@export("tile", "manip.tile")
@dispatched("input")
def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """`input` repeated `multiples[i]` times along each dimension i.

    >>> tf.tile(tf.zeros([2, 3]), [1, 2])
    <tf.Tensor 'Tile:0' shape=(2, 6) dtype=float32>

    Source: TF 1.15 `tf.tile`.
    """
    return make_tensor("Tile", name, input=input, multiples=multiples)


@export("meshgrid")
def meshgrid(*args: Any, **kwargs: Any) -> list[Tensor]:
    """Coordinates of the grid that the 1-D `args` span; `indexing` is 'xy' or 'ij'.

    Source: TF 1.15 `tf.meshgrid`.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid", list(args)):
        count = len(args)
        ones = (1,) * count
        grids = [array.reshape(stack(x), (*ones[:i], -1, *ones[i + 1 :])) for i, x in enumerate(args)]
        sizes = [array.size(x) for x in args]
        dtype = convert_to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and count > 1:
            grids[0] = array.reshape(grids[0], (1, -1, *ones[2:]))
            grids[1] = array.reshape(grids[1], (-1, 1, *ones[2:]))
            sizes[0], sizes[1] = sizes[1], sizes[0]
        factor = array.ones(sizes, dtype)
        return [grid * factor for grid in grids]
