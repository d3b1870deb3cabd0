"""Slices: `tf.slice`, `tf.strided_slice`, and `tensor[...]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.constants import constant
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Dimension, Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, ShapeError, merge, with_rank
from retrograph.framework.static_value import static_value
from retrograph.ops import array
from retrograph.ops.joining import concat, stack
from retrograph.ops.padding import pad
from retrograph.ops.rows import (
    ints,
    is_static,
    make_tensor,
    refuse,
    shape_input,
    subtract,
    unknown_of,
)

_Slice = slice
_INDEX_ERROR = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors"
    " are valid indices"
)
_NEW_AXIS, _SHRUNK = -2, -1
_INT32 = 2**31
_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
Elements = Sequence[Any] | None


# --- what a spec means for each dimension ------------------------------------------------------------------------


@dataclass(slots=True)
class Range:
    """What is taken along one dimension of the input. `begin` and `end` are None where not known."""

    begin: Any = None
    end: Any = None
    stride: int = 1
    from_start: bool = True
    to_end: bool = True
    shrink: bool = False

    @property
    def whole(self) -> bool:
        """Whether the range does not depend on `begin` and `end`."""
        return self.from_start and self.to_end

    def limits(self, size: int) -> tuple[int, int]:
        """First index and the index before or after the last, in the direction of the stride."""
        low, high = (0, size) if self.stride > 0 else (-1, size - 1)
        first, last = (low, high) if self.stride > 0 else (high, low)
        begin = first if self.from_start else _clipped(self.begin, size, low, high)
        end = last if self.to_end else _clipped(self.end, size, low, high)
        return begin, end

    def count(self, size: int) -> int:
        """How many elements are taken."""
        begin, end = self.limits(size)
        return max(0, -((begin - end) // self.stride))


def _clipped(index: int, size: int, low: int, high: int) -> int:
    return max(low, min(high, index + size if index < 0 else index))


@dataclass(slots=True)
class Plan:
    """A spec for an input of known rank: a range for each dimension, and which of them the output keeps."""

    ranges: list[Range]
    gather: list[int]


def _expanded(begin: Elements, end: Elements, strides: Sequence[int], rank: int, masks: Any) -> Plan:
    """The plan of a sparse spec, where `...` and missing dimensions are filled up."""
    count, ellipsis = len(strides), masks["ellipsis_mask"]
    if ellipsis & (ellipsis - 1):
        raise ShapeError("Multiple ellipses in slice spec not allowed")
    if not ellipsis:
        ellipsis = 1 << count
    new_axes, plan = masks["new_axis_mask"], Plan([], [])
    where = ellipsis.bit_length() - 1
    later = [i for i in range(where + 1, count) if not new_axes >> i & 1]
    for i in range(max(count, where + 1)):
        if i == where:
            for _ in range(max(0, rank - len(later) - len(plan.ranges))):
                plan.gather.append(len(plan.ranges))
                plan.ranges.append(Range())
        elif new_axes >> i & 1:
            plan.gather.append(_NEW_AXIS)
        else:
            _append_range(plan, i, begin, end, strides, rank, masks)
    return plan


def _append_range(
    plan: Plan, i: int, begin: Elements, end: Elements, strides: Sequence[int], rank: int, masks: Any
) -> None:
    position = len(plan.ranges)
    if position == rank:
        raise ShapeError(f"Index out of range using input dim {position}; input has only {rank} dims")
    shrink = bool(masks["shrink_axis_mask"] >> i & 1)
    plan.gather.append(_SHRUNK if shrink else position)
    plan.ranges.append(
        Range(
            None if begin is None else begin[i],
            None if end is None else end[i],
            int(strides[i]),
            bool(masks["begin_mask"] >> i & 1),
            bool(masks["end_mask"] >> i & 1),
            shrink,
        )
    )


def _masks(op: Any) -> dict[str, int]:
    return {name: op.get_attr(name) for name in _MASKS}


def _size_of(i: int, one: Range, size: int | None, known: bool) -> int | None:
    """The size of one dimension of the result before shrinking; checks as TF's validation does."""
    if one.stride == 0:
        raise ShapeError(f"strides[{i}] must be non-zero")
    if size is None:
        return 1 if one.shrink else None
    if one.shrink and one.stride <= 0:
        raise ShapeError("only stride 1 allowed on non-range indexing.")
    if one.shrink:
        if known:
            index = one.begin + size if one.begin < 0 else one.begin
            if not 0 <= index < size:
                raise ShapeError(f"slice index {index} of dimension {i} out of bounds.")
        return 1
    return one.count(size) if known or one.whole else None


def _result(plan: Plan, processed: Sequence[int | None]) -> tuple[int | None, ...]:
    return tuple(1 if g == _NEW_AXIS else processed[g] for g in plan.gather if g != _SHRUNK)


# --- the StridedSlice row ----------------------------------------------------------------------------------------


def _strided_slice_shape(c: ShapeContext) -> list[Shape]:
    spec: Shape = with_rank(c, c.input(1), 1)
    for i in (2, 3):
        spec = merge(c, spec, with_rank(c, c.input(i), 1))
    given = c.input(0)
    if given is None or spec is None or spec[0] is None:
        return [None]
    strides = c.constant(3)
    if strides is None:
        return [None]
    begin, end = c.constant(1), c.constant(2)
    known = begin is not None and end is not None
    begins, ends = (None if v is None else ints(v) for v in (begin, end))
    plan = _expanded(begins, ends, ints(strides), len(given), c.attrs)
    return [_result(plan, [_size_of(i, r, d, known) for i, (r, d) in enumerate(zip(plan.ranges, given, strict=True))])]


def _checked_plan(op: Any, shape: Sequence[int], begin: Any, end: Any, strides: Any) -> tuple[Plan, list[int | None]]:
    try:
        if not begin.shape == end.shape == strides.shape or strides.ndim != 1:
            got = [to_text(tuple(x.shape)) for x in (begin, end, strides)]
            raise ShapeError(
                "Expected begin, end, and strides to be 1D equal size tensors, "
                f"but got shapes {got[0]}, {got[1]}, and {got[2]} instead."
            )
        plan = _expanded(ints(begin), ints(end), ints(strides), len(shape), _masks(op))
        return plan, [_size_of(i, r, d, True) for i, (r, d) in enumerate(zip(plan.ranges, shape, strict=True))]
    except ShapeError as error:
        raise errors.InvalidArgumentError(None, op, str(error)) from None


def _basic_index(one: Range, size: int) -> Any:
    if one.shrink:
        index = one.begin + size if one.begin < 0 else one.begin
        return _Slice(index, index + 1)
    begin, end = one.limits(size)
    return _Slice(begin, None if end < 0 else end, one.stride)


def _numpy_strided_slice(op: Any, x: Any, begin: Any, end: Any, strides: Any) -> Any:
    plan, processed = _checked_plan(op, x.shape, begin, end, strides)
    index = tuple(_basic_index(r, d) for r, d in zip(plan.ranges, x.shape, strict=True))
    return x[index].reshape(_result(plan, processed))


def _lowered_strided_slice(op: Any, x: Any, begin: Any, end: Any, strides: Any) -> Any:
    if is_static(begin) and is_static(end):
        plan, processed = _checked_plan(op, x.shape, begin, end, strides)
        if is_static(x):
            return _numpy_strided_slice(op, x, begin, end, strides)
        return lax.reshape(_static_part(x, plan.ranges), _result(plan, processed))
    plan = _dynamic_plan(op, x.ndim, begin, end, strides)
    starts = [_start(r, d) for r, d in zip(plan.ranges, x.shape, strict=True)]
    sizes = [1 if r.shrink else d for r, d in zip(plan.ranges, x.shape, strict=True)]
    one = lax.dynamic_slice(jnp.asarray(x), [jnp.asarray(s, jnp.int64) for s in starts], sizes)
    one = _static_part(one, [Range() if r.shrink else r for r in plan.ranges])
    return lax.reshape(one, _result(plan, one.shape))


def _static_part(x: Any, ranges: Sequence[Range]) -> Any:
    bounds = [_forward(r, d) for r, d in zip(ranges, x.shape, strict=True)]
    if any(b != (0, d, 1) for b, d in zip(bounds, x.shape, strict=True)):
        x = lax.slice(x, *zip(*bounds, strict=True))
    turned = [i for i, r in enumerate(ranges) if r.stride < 0 and not r.shrink]
    return lax.rev(x, turned) if turned else x


def _forward(one: Range, size: int) -> tuple[int, int, int]:
    """Start, limit and positive stride of the elements of a range, in ascending order."""
    if one.shrink:
        index = one.begin + size if one.begin < 0 else one.begin
        return index, index + 1, 1
    begin, _ = one.limits(size)
    count = one.count(size)
    if count == 0:
        return 0, 0, 1
    last = begin + (count - 1) * one.stride
    low, high = min(begin, last), max(begin, last)
    return low, high + 1, abs(one.stride)


def _start(one: Range, size: int) -> Any:
    if not one.shrink:
        return 0
    index = jnp.asarray(one.begin, jnp.int64)
    return jnp.where(index < 0, index + size, index)


def _elements(tensor: Tensor, value: Any) -> list[Any]:
    """The elements of an index vector: integers where the graph knows them, else values of the run."""
    if is_static(value):
        return list(ints(value))
    known = _known_elements(tensor, value.shape[0])
    return [value[i] if k is None else k for i, k in enumerate(known)]


def _known_elements(tensor: Tensor, count: int) -> list[int | None]:
    if tensor.op.type == "Cast":
        return _known_elements(tensor.op.inputs[0], count)
    if tensor.op.type == "Pack" and len(tensor.op.inputs) == count:
        values = [static_value(t) for t in tensor.op.inputs]
        return [None if v is None else int(v) for v in values]
    value = static_value(tensor)
    return [None] * count if value is None else list(ints(value))


def _dynamic_plan(op: Any, rank: int, begin: Any, end: Any, strides: Any) -> Plan:
    begins, ends = _elements(op.inputs[1], begin), _elements(op.inputs[2], end)
    plan = _expanded(begins, ends, ints(strides), rank, _masks(op))
    for one in plan.ranges:
        fixed = (one.from_start or isinstance(one.begin, int)) and (one.to_end or isinstance(one.end, int))
        if not one.shrink and not fixed:
            text = f"{op.type}: a range whose ends depend on data has no shape that XLA can know"
            raise errors.UnimplementedError(None, op, text)
    return plan


def _static_slice_inputs(op: Any) -> tuple[int, ...]:
    """Begin and end must be known unless each element either picks one index or is known from the graph."""
    strides = static_value(op.inputs[3])
    count = op.inputs[3]._shape
    if strides is None or count is None or count[0] is None:
        return (1, 2, 3)
    begins, ends = (_known_elements(op.inputs[i], count[0]) for i in (1, 2))
    masks = _masks(op)
    free = masks["shrink_axis_mask"] | masks["new_axis_mask"] | masks["ellipsis_mask"]
    for i in range(count[0]):
        open_begin = begins[i] is None and not masks["begin_mask"] >> i & 1
        open_end = ends[i] is None and not masks["end_mask"] >> i & 1
        if not free >> i & 1 and (open_begin or open_end):
            return (1, 2, 3)
    return (3,)


def _strided_slice_gradient(op: Any, grad: Any) -> Any:
    begin, end, strides = op.inputs[1:4]
    sizes = array.shape(op.inputs[0], out_type=begin.dtype)
    return [_strided_slice_grad(sizes, begin, end, strides, grad, _masks(op)), None, None, None]


def _strided_slice_grad(sizes: Any, begin: Any, end: Any, strides: Any, grad: Any, masks: dict[str, int]) -> Tensor:
    return make_tensor("StridedSliceGrad", None, shape=sizes, begin=begin, end=end, strides=strides, dy=grad, **masks)


register_op(
    "StridedSlice",
    shape=_strided_slice_shape,
    lower=_lowered_strided_slice,
    numpy=_numpy_strided_slice,
    static_inputs=_static_slice_inputs,
    gradient=_strided_slice_gradient,
)


# --- the gradient of a slice: its elements put back into zeros ---------------------------------------------------


def _numpy_put_back(op: Any, shape: Any, begin: Any, end: Any, strides: Any, grad: Any) -> Any:
    sizes = ints(shape)
    plan, processed = _checked_plan(op, sizes, begin, end, strides)
    result = np.zeros(sizes, grad.dtype)
    index = tuple(_basic_index(r, d) for r, d in zip(plan.ranges, sizes, strict=True))
    result[index] = grad.reshape(processed)
    return result


def _lowered_put_back(op: Any, shape: Any, begin: Any, end: Any, strides: Any, grad: Any) -> Any:
    sizes = ints(shape)
    if is_static(begin) and is_static(end):
        plan, processed = _checked_plan(op, sizes, begin, end, strides)
        part = lax.reshape(jnp.asarray(grad), tuple(processed))
        return _spread(part, plan.ranges, sizes, exact=True)
    begins, ends = _elements(op.inputs[1], begin), _elements(op.inputs[2], end)
    plan = _expanded(begins, ends, ints(strides), len(sizes), _masks(op))
    return _put_back_somewhere(plan, sizes, grad)


def _put_back_somewhere(plan: Plan, sizes: tuple[int, ...], grad: Any) -> Any:
    kept = iter(
        [d for d, g in zip(grad.shape, [g for g in plan.gather if g != _SHRUNK], strict=True) if g != _NEW_AXIS]
    )
    part = lax.reshape(jnp.asarray(grad), tuple(1 if r.shrink else next(kept) for r in plan.ranges))
    part = _spread(part, plan.ranges, sizes, exact=False)
    starts = [jnp.asarray(_first_index(r, d), jnp.int64) for r, d in zip(plan.ranges, sizes, strict=True)]
    return lax.dynamic_update_slice(jnp.zeros(sizes, part.dtype), part, starts)


def _first_index(one: Range, size: int) -> Any:
    if one.whole and not one.shrink:
        return 0
    if isinstance(one.begin, int) and isinstance(one.end, int):
        return _forward(one, size)[0]
    if one.stride < 0:
        raise errors.UnimplementedError(None, None, "StridedSliceGrad: negative strides whose begin depends on data")
    return 0 if one.from_start and not one.shrink else jnp.where(one.begin < 0, one.begin + size, one.begin)


def _spread(part: Any, ranges: Sequence[Range], sizes: Sequence[int], exact: bool) -> Any:
    """Puts zeros between the elements, and around them too if `exact`."""
    turned = [i for i, r in enumerate(ranges) if r.stride < 0 and not r.shrink]
    part = lax.rev(part, turned) if turned else part
    borders = []
    for one, size, count in zip(ranges, sizes, part.shape, strict=True):
        low, high, stride = _forward(one, size) if exact else (0, size, abs(one.stride))
        if count == 0:
            borders.append((0, size if exact else 0, 0))
            continue
        borders.append((low, size - high, stride - 1) if exact else (0, 0, stride - 1))
    return lax.pad(part, jnp.zeros((), part.dtype), borders)


def _put_back_gradient(op: Any, grad: Any) -> Any:
    begin, end, strides = op.inputs[1:4]
    masks: dict[str, Any] = {**_masks(op)}
    return [None, None, None, None, strided_slice(grad, begin, end, strides, **masks)]


register_op(
    "StridedSliceGrad",
    shape=lambda c: [shape_input(c, 0)],
    lower=_lowered_put_back,
    numpy=_numpy_put_back,
    static_inputs=(0, 3),
    gradient=_put_back_gradient,
)


def _written(ctx: Any, op: Any, old: Any, begin: Any, end: Any, strides: Any, value: Any) -> Any:
    plan, processed = _checked_plan(op, old.shape, begin, end, strides)
    index = tuple(_basic_index(r, d) for r, d in zip(plan.ranges, old.shape, strict=True))
    value = ctx.xp.reshape(ctx.xp.broadcast_to(value, _result(plan, processed)), tuple(processed))
    if ctx.xp is np:
        new = np.array(old)
        new[index] = value
        return new
    return jnp.asarray(old).at[index].set(value)


def _assign_to_ref(op: Any, ctx: Any, ref: Any, *spec: Any) -> Any:
    ctx.write(ref, _written(ctx, op, ctx.read(ref), *spec))
    return ref


register_op(
    "StridedSliceAssign",
    shape=lambda c: [c.input(0)],
    lower=_assign_to_ref,
    numpy=_assign_to_ref,
    static_inputs=(1, 2, 3),
    effect=True,
)
register_op(
    "ResourceStridedSliceAssign",
    shape=lambda c: [],
    lower=lambda op, ctx, *inputs: (_assign_to_ref(op, ctx, *inputs), ())[1],
    numpy=lambda op, ctx, *inputs: (_assign_to_ref(op, ctx, *inputs), ())[1],
    static_inputs=(1, 2, 3),
    effect=True,
)


@export("strided_slice")
def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """`input_[begin[0]:end[0]:strides[0], ...]`; bit i of a mask changes the meaning of the i-th range.

    Source: TF 1.15 `tf.strided_slice`.
    """
    if strides is None:
        strides = array.ones_like(begin)
    masks = dict(zip(_MASKS, (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask), strict=True))
    result = make_tensor("StridedSlice", name, input=input_, begin=begin, end=end, strides=strides, **masks)
    parent = name

    def assign(val: Any, name: str | None = None) -> Any:
        if var is None:
            raise ValueError("Sliced assignment is only supported for variables")
        name = f"{parent}_assign" if name is None else name
        return var._strided_slice_assign(begin=begin, end=end, strides=strides, value=val, name=name, **masks)

    result.assign = assign  # type: ignore[attr-defined]
    return result


# --- tensor[...] -------------------------------------------------------------------------------------------------


class _Spec:
    """The lists and masks that an index expression stands for."""

    __slots__ = ("begin", "end", "masks", "strides")

    def __init__(self, items: Sequence[Any]):
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks = dict.fromkeys(_MASKS, 0)
        for i, item in enumerate(items):
            self._add(1 << i, item)

    def _add(self, bit: int, item: Any) -> None:
        if isinstance(item, _Slice):
            begin = self._bound(item.start, "begin_mask", bit)
            end = self._bound(item.stop, "end_mask", bit)
            if item.step is not None:
                _check_index(item.step)
            self._append(begin, end, 1 if item.step is None else item.step)
        elif item is Ellipsis or item is None:
            self._append(0, 0, 1)
            self.masks["ellipsis_mask" if item is Ellipsis else "new_axis_mask"] |= bit
        else:
            _check_index(item)
            self._append(item, item + 1, 1)
            self.masks["shrink_axis_mask"] |= bit

    def _append(self, begin: Any, end: Any, stride: Any) -> None:
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)

    def _bound(self, bound: Any, mask: str, bit: int) -> Any:
        if bound is not None and (isinstance(bound, Tensor) or bound != sys.maxsize):
            _check_index(bound)
            return bound
        self.masks[mask] |= bit
        return 0


def _check_index(index: Any) -> None:
    if isinstance(index, (int, Dimension)):
        return
    dtype = getattr(index, "dtype", None)
    if (
        dtype is None
        or dtypes.as_dtype(dtype).base_dtype not in (dtypes.int32, dtypes.int64)
        or (index.shape and len(index.shape) == 1)
    ):
        raise TypeError(f"{_INDEX_ERROR}, got {index!r}")


def _is_mask(spec: Any) -> bool:
    if isinstance(spec, Tensor):
        return bool(spec.dtype == dtypes.bool)
    return isinstance(spec, bool) or (isinstance(spec, np.ndarray) and spec.dtype == bool)


def _vectors(spec: _Spec) -> list[Tensor]:
    parts = (spec.begin, spec.end, spec.strides)
    if all(v.__class__ is int and -_INT32 <= v < _INT32 for part in parts for v in part):
        return [constant(part, dtypes.int32, name="stack") for part in parts]
    return _as_int64([stack(part) for part in parts])


def _as_int64(vectors: list[Tensor]) -> list[Tensor]:
    if all(v.dtype != dtypes.int64 for v in vectors):
        return vectors
    return [v if v.dtype == dtypes.int64 else make_tensor("Cast", None, x=v, DstT=dtypes.int64) for v in vectors]


def get_item(tensor: Any, index: Any, var: Any = None) -> Tensor:
    """`tensor[index]`; `var` is the variable that `tensor` was read from, for assignments to slices.

    Raises TypeError if the index holds anything but integers, slices, `...`, None and scalar integer tensors.
    Source: TF 1.15 `tf.Tensor.__getitem__`.
    """
    if _is_mask(index):
        from retrograph.ops.selecting import boolean_mask  # it builds on this module

        return boolean_mask(tensor=tensor, mask=index)
    spec = _Spec(index if isinstance(index, (list, tuple)) else [index])
    with name_scope(None, "strided_slice", [tensor, *spec.begin, *spec.end, *spec.strides]) as scope:
        if spec.begin:
            begin, end, strides = _vectors(spec)
        else:
            begin = end = strides = constant([], dtype=dtypes.int32)
        return strided_slice(tensor, begin, end, strides, var=var, name=scope, **spec.masks)


Tensor.__getitem__ = get_item  # type: ignore[method-assign]


# --- tf.slice ----------------------------------------------------------------------------------------------------


def _slice_shape(c: ShapeContext) -> list[Shape]:
    spec = merge(c, with_rank(c, c.input(1), 1), with_rank(c, c.input(2), 1))
    given = c.input(0)
    if spec is not None and spec[0] is not None:
        given = with_rank(c, given, spec[0])
    begin, partial, sizes = shape_input(c, 1), c.constant_as_shape(2), c.constant(2)
    if sizes is None:
        return [unknown_of(None if given is None else len(given)) if partial is None else partial]
    begin = with_rank(c, begin, sizes.size)
    dims = with_rank(c, given, sizes.size)
    return [tuple(_sliced_dim(i, d, b, s) for i, (d, b, s) in enumerate(zip(dims, begin, ints(sizes), strict=True)))]


def _sliced_dim(i: int, dim: int | None, begin: int | None, size: int) -> int | None:
    if size < -1:
        length = -1 if dim is None else dim
        raise ShapeError(
            f"Out of bounds slicing on dimension {i} of length {length}: sizes vector cannot be < -1, but was {size}"
        )
    return subtract(dim, begin) if size == -1 else size


def _taken(op: Any, shape: Sequence[int], begin: Any, size: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    starts = ints(begin)
    if not len(starts) == len(shape) == len(size):
        shapes = f"[{len(starts)}] and [{len(size)}]"
        text = f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, but got shapes {shapes} instead."
        refuse(op, text)
    counts = tuple(d - b if s == -1 else s for d, b, s in zip(shape, starts, ints(size), strict=True))
    for i, (d, b, s) in enumerate(zip(shape, starts, counts, strict=True)):
        if not 0 <= b <= d:
            raise errors.InvalidArgumentError(None, op, f"Expected begin[{i}] in [0, {d}], but got {b}")
        if not 0 <= b + s <= d or s < 0:
            raise errors.InvalidArgumentError(None, op, f"Expected size[{i}] in [0, {d - b}], but got {s}")
    return starts, counts


def _numpy_slice(op: Any, x: Any, begin: Any, size: Any) -> Any:
    starts, counts = _taken(op, x.shape, begin, size)
    return x[tuple(_Slice(b, b + s) for b, s in zip(starts, counts, strict=True))]


def _lowered_slice(op: Any, x: Any, begin: Any, size: Any) -> Any:
    if is_static(begin):
        starts, counts = _taken(op, x.shape, begin, size)
        return lax.slice(jnp.asarray(x), starts, tuple(b + s for b, s in zip(starts, counts, strict=True)))
    known, counts = _elements(op.inputs[1], begin), ints(size)
    for b, s in zip(known, counts, strict=True):
        if s == -1 and not isinstance(b, int):
            raise errors.UnimplementedError(None, op, "Slice: size -1 where begin depends on data")
    counts = tuple(d - b if s == -1 else s for d, b, s in zip(x.shape, known, counts, strict=True))
    return lax.dynamic_slice(jnp.asarray(x), [jnp.asarray(b, jnp.int64) for b in known], counts)


def _static_inputs_of_slice(op: Any) -> tuple[int, ...]:
    count = op.inputs[2]._shape
    if count is None or count[0] is None:
        return (1, 2)
    begins, sizes = (_known_elements(op.inputs[i], count[0]) for i in (1, 2))
    return (1, 2) if any(s == -1 and b is None for b, s in zip(begins, sizes, strict=True)) else (2,)


def _slice_gradient(op: Any, grad: Any) -> Any:
    x, begin = op.inputs[0], op.inputs[1]
    if static_value(begin) is None:
        return [_gradient_at_data(op, grad), None, None]
    rank = array.rank(x)
    taken = array.shape(op.outputs[0])
    column = stack([rank, 1])
    before = array.reshape(begin, column)
    after = array.reshape(array.shape(x) - taken - begin, column)
    return [pad(grad, concat([before, after], 1)), None, None]


def _gradient_at_data(op: Any, grad: Any) -> Tensor:
    # Differs from TF, which pads: paddings that depend on data would not be static, the place of a slice need not be.
    x, begin = op.inputs[0], op.inputs[1]
    end = begin + array.shape(op.outputs[0], out_type=begin.dtype)
    sizes = array.shape(x, out_type=begin.dtype)
    return _strided_slice_grad(sizes, begin, end, array.ones_like(begin), grad, dict.fromkeys(_MASKS, 0))


register_op(
    "Slice",
    shape=_slice_shape,
    lower=_lowered_slice,
    numpy=_numpy_slice,
    static_inputs=_static_inputs_of_slice,
    gradient=_slice_gradient,
)


@export("slice")
def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """`size[i]` elements of each dimension i from `begin[i]` on; -1 takes the rest.

    >>> tf.slice(tf.zeros([3, 4]), [1, 0], [2, -1])
    <tf.Tensor 'Slice:0' shape=(2, 4) dtype=float32>

    Source: TF 1.15 `tf.slice`.
    """
    return make_tensor("Slice", name, input=input_, begin=begin, size=size)
