"""What functions do that are given ragged tensors: reductions, joining, rows by index, and element by element."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.dispatch import register_ragged
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value
from retrograph.ops import (
    array,
    cast,
    check,
    gather,
    identities,
    joining,
    math,
    one_hot,
    reduction,
    segment,
    selecting,
    strings,
    transposing,
)
from retrograph.ops.check import Assert
from retrograph.ops.ragged import (
    as_tensor,
    map_flat_values,
    ragged_concat,
    ragged_gather,
    ragged_range,
    row_splits_to_segment_ids,
)
from retrograph.ops.ragged_tensor import RaggedTensor, is_ragged
from retrograph.ops.sequence import range as range_

Function = Callable[..., Any]


def _alike(*values: Any) -> list[Any]:
    """The same, with splits of `int64` where some are of that type and others of `int32`."""
    kinds = {v.row_splits.dtype for v in values if isinstance(v, RaggedTensor)}
    if len(kinds) < 2:
        return list(values)
    return [v.with_row_splits_dtype(dtypes.int64) if isinstance(v, RaggedTensor) else v for v in values]


def positive_axis(axis: int, ndims: int | None) -> int:
    """An axis counted from the front. Raises: TypeError for what is no integer, ValueError for one that there is not."""
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    if ndims is None:
        if axis < 0:
            raise ValueError("axis may only be negative if ndims is statically known.")
        return int(axis)
    if not -ndims <= axis < ndims:
        raise ValueError(f"axis={axis} out of bounds: expected {-ndims}<=axis<{ndims}")
    return int(axis) + ndims if axis < 0 else int(axis)


# ---- segments and reductions


def segments(function: Function, data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Rows, also ragged ones, put together by their numbers, place by place.

    Raises: ValueError if the numbers are ragged and the rows are not.
    """
    if not (is_ragged(data) or is_ragged(segment_ids)):
        return function(data, segment_ids, num_segments)
    with name_scope(None, "RaggedSegment"):
        data, segment_ids = _alike(as_tensor(data, "data"), as_tensor(segment_ids, "segment_ids"))
        if segment_ids.dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("segment_ids must have dtype int32 or int64.")
        return _segments(function, data, segment_ids, num_segments)


def _segments(function: Function, data: Any, segment_ids: Any, num_segments: Any) -> Any:
    message = "segment_ids.shape must be a prefix of data.shape"
    if is_ragged(segment_ids):
        if not is_ragged(data):
            raise ValueError(f"{message}, but segment_ids is ragged and data is not.")
        same = check.assert_equal(segment_ids.row_splits, data.row_splits, message=message)
        with control_dependencies([same]):
            return segments(function, data.values, segment_ids.values, num_segments)
    lengths = data.row_lengths()
    longest = math.maximum(segment.unsorted_segment_max(lengths, segment_ids, num_segments), 0)
    splits = joining.concat([array.zeros([1], longest.dtype), reduction.cumsum(longest)], axis=0)
    starts = gather.gather(splits, segment_ids)
    places = ragged_range(starts, starts + lengths).values
    values = segments(function, data.values, places, splits[-1])
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def _axes(axis: Any) -> Any:
    if isinstance(axis, Tensor):
        axis = constant_value(axis)
        if axis is None:
            raise ValueError("axis must be known at graph construction time.")
    return axis.tolist() if isinstance(axis, np.ndarray) else axis


def _reduced(reduce: Function, by_segment: Function, ragged: Any, axis: Any, keepdims: Any, name: Any = None) -> Any:
    if not is_ragged(ragged):
        return reduce(ragged, axis, name=name)
    if keepdims:
        raise ValueError("keepdims=True is not supported for RaggedTensors.")
    axis = _axes(axis)
    ragged = as_tensor(ragged, "rt_input")
    if axis is None:
        return reduce(ragged.flat_values, None, name=name)
    with name_scope(name, "RaggedReduce"):
        if isinstance(axis, (tuple, list)):
            return _reduced_by_all(reduce, by_segment, ragged, axis)
        return _reduced_by_one(reduce, by_segment, ragged, positive_axis(axis, ragged.shape.ndims))


def _reduced_by_all(reduce: Function, by_segment: Function, ragged: Any, axes: Sequence[int]) -> Any:
    if len(axes) > 1:
        axes = sorted(positive_axis(axis, ragged.shape.ndims) for axis in axes)
    for axis in reversed(axes):
        ragged = _reduced(reduce, by_segment, ragged, axis, None)
    return ragged


def _reduced_by_one(reduce: Function, by_segment: Function, ragged: Any, axis: int) -> Any:
    if axis > 1:
        return ragged.with_values(_reduced(reduce, by_segment, ragged.values, axis - 1, None))
    if axis == 1:
        return segments(by_segment, ragged.values, row_splits_to_segment_ids(ragged.row_splits), ragged.nrows())
    lengths = ragged.row_lengths()
    count = math.maximum(reduction.reduce_max(lengths), 0)
    return segments(by_segment, ragged.values, ragged_range(lengths).values, count)


def _called_as_reduction(over: Function) -> Function:
    """A function with the arguments of TF's reductions, of one of (tensor, axis, keepdims, name)."""

    def run(
        input_tensor: Any,
        axis: Any = None,
        keepdims: Any = None,
        name: Any = None,
        reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Any:
        axis = reduction_indices if axis is None else axis
        return over(input_tensor, axis, keepdims or keep_dims, name)

    return run


def _as_reduction(reduce: Function, by_segment: Function, default: str) -> Function:
    def over(ragged: Any, axis: Any, keepdims: Any, name: Any) -> Any:
        return _reduced(reduce, by_segment, ragged, axis, keepdims, name or default)

    return _called_as_reduction(over)


_sum = _as_reduction(reduction.reduce_sum, segment.unsorted_segment_sum, "RaggedReduceSum")
_prod = _as_reduction(reduction.reduce_prod, segment.unsorted_segment_prod, "RaggedReduceProd")


def _mean(input_tensor: Any, axis: Any, keepdims: Any, name: Any) -> Any:
    with name_scope(name, "RaggedReduceMean"):
        ragged = as_tensor(input_tensor)
        total = _sum(ragged, axis, keepdims)
        ones = ragged.with_flat_values(array.ones_like(ragged.flat_values))
        count = _sum(ones, axis, keepdims)
        if is_ragged(total):
            return total.with_flat_values(total.flat_values / count.flat_values)
        return total / count


def _truth(over: Function, default: str, input_tensor: Any, axis: Any, keepdims: Any, name: Any) -> Any:
    with name_scope(name, default):
        ragged = as_tensor(input_tensor)
        numbers = ragged.with_flat_values(cast.cast(ragged.flat_values, dtypes.int32))
        found = over(numbers, axis, keepdims)
        if is_ragged(found):
            return found.with_flat_values(cast.cast(found.flat_values, dtypes.bool))
        return cast.cast(found, dtypes.bool)


# ---- joining


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Tensors, some of them ragged, one after the other along an axis. Source: TF 1.15 `ragged_concat_ops.concat`."""
    with name_scope(name if name != "concat" else None, "RaggedConcat"):
        return _joined(list(values), axis, stacked=False)


def stack(values: Any, axis: Any = 0, name: str | None = None) -> Any:
    """Tensors, also of different sizes, along a new axis. Source: TF 1.15 `tf.ragged.stack`."""
    with name_scope(name if name != "stack" else None, "RaggedConcat"):
        return _joined(list(values) if isinstance(values, (list, tuple)) else [values], axis, stacked=True)


def _common_rank(inputs: Sequence[Any]) -> int | None:
    ranks = {v.shape.ndims for v in inputs} - {None}
    if len(ranks) > 1:
        raise ValueError("All inputs must have the same rank; got " + " and ".join(str(r) for r in sorted(ranks)))
    return ranks.pop() if ranks else None


def _joined(values: list[Any], axis: Any, stacked: bool) -> Any:
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    inputs = _alike(*(as_tensor(v, "rt_input") for v in values))
    rank = _common_rank(inputs)
    axis = positive_axis(_axes(axis), None if rank is None else rank + (1 if stacked else 0))
    if len(inputs) == 1 and not stacked:
        return inputs[0]
    if not any(map(is_ragged, inputs)):
        if rank is None or axis in (rank - 1, rank):
            return joining.stack(inputs, axis) if stacked else joining.concat(inputs, axis)
        inputs = [RaggedTensor.from_tensor(v) if (rank or 0) > 1 else v for v in inputs]
    depth = max([r.ragged_rank for r in inputs if is_ragged(r)] + [axis - (1 if stacked else 0), 1 if rank != 1 else 0])
    inputs = [_deepened(v, depth) for v in inputs]
    return _joined_at(inputs, axis, stacked)


def _deepened(value: Any, depth: int) -> Any:
    """With so many ragged axes."""
    if depth <= 0:
        return value
    if not is_ragged(value):
        return RaggedTensor.from_tensor(value, ragged_rank=depth)
    return value if value.ragged_rank >= depth else value.with_values(_deepened(value.values, depth - 1))


def _joined_at(inputs: list[Any], axis: int, stacked: bool) -> Any:
    if axis == 0:
        return _below_each_other(inputs, stacked)
    if axis == 1:
        return _beside_each_other(inputs, stacked)
    same = [check.assert_equal(inputs[0].row_splits, v.row_splits) for v in inputs[1:]]
    with control_dependencies(same):
        return RaggedTensor.from_row_splits(
            _joined_at([v.values for v in inputs], axis - 1, stacked), inputs[0].row_splits, validate=False
        )


def _count(value: Any, dtype: Any) -> Any:
    return value.nrows(out_type=dtype) if is_ragged(value) else array.shape(value, out_type=dtype)[0]


def _below_each_other(inputs: list[Any], stacked: bool) -> Any:
    whole = ragged_concat(inputs)
    if not stacked:
        return whole
    dtype = whole.row_splits.dtype if is_ragged(whole) else dtypes.int64
    counts = joining.stack([_count(v, dtype) for v in inputs])
    return RaggedTensor.from_row_lengths(whole, counts, validate=False)


def _beside_each_other(inputs: list[Any], stacked: bool) -> Any:
    dtype = next((v.row_splits.dtype for v in inputs if is_ragged(v)), dtypes.int64)
    count = _count(inputs[0], dtype)
    same = [
        check.assert_equal(count, _count(v, dtype), message="Input tensors have incompatible shapes.")
        for v in inputs[1:]
    ]
    with control_dependencies(same):
        whole = ragged_concat(inputs)
        places = array.reshape(range_(count * len(inputs)), [len(inputs), -1])
        rows = array.reshape(transposing.transpose(places), [-1])
    ordered = ragged_gather(whole, rows)
    splits = range_(0, count * len(inputs) + 1, len(inputs))
    if stacked:
        return RaggedTensor.from_row_splits(ordered, splits, validate=False)
    return RaggedTensor.from_row_splits(ordered.values, gather.gather(ordered.row_splits, splits), validate=False)


def _tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    with name_scope(name, "RaggedTile"):
        ragged = as_tensor(input)
        known = constant_value(convert_to_tensor(multiples))
        if known is None:
            multiples = convert_to_tensor(multiples)
            for axis in range(ragged.shape.ndims):
                ragged = _repeated_by(ragged, axis, multiples[axis])
            return ragged
        for axis, times in enumerate(known.tolist()):
            ragged = _repeated(ragged, axis, int(times))
        return ragged


def _repeated_by(ragged: Any, axis: int, times: Any) -> Any:
    """The parts along an axis as often as a tensor says."""
    if not is_ragged(ragged):
        ones = [cast.cast(1, times.dtype)] * (ragged.shape.ndims - 1)
        return joining.tile(ragged, joining.stack([*ones[:axis], times, *ones[axis:]]))
    if axis == 0:
        return ragged_gather(ragged, joining.tile(range_(ragged.nrows()), [times]))
    if axis > 1:
        return ragged.with_values(_repeated_by(ragged.values, axis - 1, times))
    starts, limits = (
        array.reshape(
            joining.tile(array.expand_dims(edges, 1), joining.stack([cast.cast(1, times.dtype), times])), [-1]
        )
        for edges in (ragged.row_splits[:-1], ragged.row_splits[1:])
    )
    rows = ragged_range(starts, limits).values
    values = ragged_gather(ragged.values, rows) if is_ragged(ragged.values) else gather.gather(ragged.values, rows)
    splits = ragged.row_splits * cast.cast(times, ragged.row_splits.dtype)
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def _repeated(ragged: Any, axis: int, times: int) -> Any:
    if times == 1:
        return ragged
    if times == 0:
        mask = array.fill([ragged.nrows() if axis == 0 else 0], False)
        return (
            ragged_gather(ragged, array.reshape(selecting.where_v2(mask), [-1]))
            if axis == 0
            else _emptied(ragged, axis)
        )
    if is_ragged(ragged) and axis > ragged.ragged_rank:
        inner = axis - ragged.ragged_rank
        return ragged.with_flat_values(joining.concat([ragged.flat_values] * times, inner))
    return _joined([ragged] * times, axis, stacked=False)


def _emptied(ragged: Any, axis: int) -> Any:
    if axis > 1:
        return ragged.with_values(_emptied(ragged.values, axis - 1))
    values = ragged.values[:0]
    return RaggedTensor.from_row_splits(values, array.zeros_like(ragged.row_splits), validate=False)


# ---- shapes


def _expand_dims(input: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Any:
    axis = dim if axis is None else axis
    with name_scope(name, "RaggedExpandDims"):
        ragged = as_tensor(input)
        ndims = None if ragged.shape.ndims is None else ragged.shape.ndims + 1
        return _with_axis(ragged, positive_axis(_axes(axis), ndims))


def _with_axis(ragged: Any, axis: int) -> Any:
    if not is_ragged(ragged):
        return array.expand_dims(ragged, axis)
    if axis == 0:
        splits = joining.stack([cast.cast(0, ragged.row_splits.dtype), ragged.nrows()])
        return RaggedTensor.from_row_splits(ragged, splits, validate=False)
    if axis == 1:
        return RaggedTensor.from_row_splits(ragged, range_(ragged.nrows() + 1), validate=False)
    return ragged.with_values(_with_axis(ragged.values, axis - 1))


def _size(input: Any, name: Any = None, out_type: Any = dtypes.int32) -> Any:
    ragged = as_tensor(input)
    return array.size(ragged.flat_values if is_ragged(ragged) else ragged, out_type=out_type, name=name)


def _rank(input: Any, name: Any = None) -> Any:
    with name_scope(name, "RaggedRank"):
        ragged = as_tensor(input)
        return ragged.ragged_rank + array.rank(ragged.flat_values) if is_ragged(ragged) else array.rank(ragged)


def _squeeze(input: Any, axis: Any = None, name: Any = None, squeeze_dims: Any = None) -> Any:
    axis = squeeze_dims if axis is None else axis
    with name_scope(name, "RaggedSqueeze"):
        ragged = as_tensor(input)
        if axis is None:
            raise ValueError("Ragged.squeeze must have an axis argument.")
        axes = [axis] if isinstance(axis, int) else axis
        if not isinstance(axes, (list, tuple)) or not all(isinstance(a, int) for a in axes):
            raise TypeError("Axis must be a list or tuple of integers.")
        return _without(ragged, {positive_axis(a, ragged.shape.ndims) for a in axes})


def _single(ragged: Any, axis: int) -> Any:
    """A check that an axis has one element everywhere."""
    text = [f"the given axis (axis = {axis}) is not squeezable!"]
    if axis == 0:
        return Assert(math.equal(array.size(ragged.row_splits), 2), text)
    lengths = ragged.nested_row_lengths()[axis - 1]
    return Assert(reduction.reduce_all(math.equal(lengths, cast.cast(1, lengths.dtype))), text)


def _without(ragged: Any, axes: set[int]) -> Any:
    outer = {axis for axis in axes if axis <= ragged.ragged_rank}
    with control_dependencies([_single(ragged, axis) for axis in sorted(outer)]):
        values = identities.identity(ragged.flat_values)
    inner = [axis - ragged.ragged_rank for axis in sorted(axes - outer)]
    values = array.squeeze(values, inner) if inner else values
    splits = [s for i, s in enumerate(ragged.nested_row_splits) if i + 1 not in outer]
    splits = splits[1:] if splits and 0 in outer else splits
    found = RaggedTensor.from_nested_row_splits(values, splits, validate=False) if splits else values
    return array.squeeze(found, [0]) if set(range(ragged.ragged_rank + 1)) <= outer else found


# ---- rows by index


def _gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: Any = None,
    axis: Any = 0,
    batch_dims: Any = 0,
) -> Any:
    if not isinstance(axis, int) or axis != 0:
        raise ValueError("axis != 0 is not supported for ragged gather yet.")
    if not isinstance(batch_dims, int) or batch_dims != 0:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    with name_scope(name, "RaggedGather"):
        params, indices = _alike(as_tensor(params, "params"), as_tensor(indices, "indices"))
        if is_ragged(indices):
            return indices.with_values(_gather(params, indices.values))
        return ragged_gather(params, indices)


def _gather_nd(params: Any, indices: Any, name: Any = None, batch_dims: int = 0) -> Any:
    if not isinstance(batch_dims, int) or batch_dims != 0:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    with name_scope(name, "RaggedGatherNd"):
        params, indices = _alike(as_tensor(params, "params"), as_tensor(indices, "indices"))
        if is_ragged(indices):
            return indices.with_values(_gather_nd(params, indices.values))
        return _gathered_nd(params, indices)


def _gathered_nd(params: Any, indices: Any) -> Any:
    if not is_ragged(params):
        return gather.gather_nd(params, indices)
    rank, size = indices.shape.ndims, indices.shape[-1].value
    if rank is None or size is None:
        raise ValueError("indices.shape must be statically known.")
    if size == 0:
        return _expanded_rows(params, array.shape(indices)[:-1], rank - 1)
    if rank > 2:
        flat = array.reshape(indices, joining.concat([[-1], array.shape(indices)[-1:]], axis=0))
        return _folded(_gathered_nd(params, flat), array.shape(indices)[:-1], rank - 1)
    if rank == 1:
        return _first(_gathered_nd(params, array.expand_dims(indices, 0)))
    for _ in range(min(size - 1, params.ragged_rank) if size > 1 else 0):
        starts = gather.gather(params.row_splits, indices[:, 0])
        joined = starts + cast.cast(indices[:, 1], starts.dtype)
        indices = joining.concat([array.expand_dims(joined, 1), cast.cast(indices[:, 2:], joined.dtype)], axis=1)
        params = params.values
    if is_ragged(params):
        return ragged_gather(params, indices[:, 0])
    return gather.gather_nd(params, indices)


def _first(value: Any) -> Any:
    return value[0]


def _folded(rows: Any, outer: Any, count: int) -> Any:
    """Rows as if the axis of rows were several, of the sizes `outer`."""
    if not is_ragged(rows):
        return array.reshape(rows, joining.concat([outer, array.shape(rows)[1:]], axis=0))
    for i in range(count - 1, 0, -1):
        total = cast.cast(reduction.reduce_prod(outer[:i]), rows.row_splits.dtype)
        splits = range_(total + 1) * cast.cast(outer[i], rows.row_splits.dtype)
        rows = RaggedTensor.from_row_splits(rows, splits, validate=False)
    return rows


def _expanded_rows(params: Any, outer: Any, count: int) -> Any:
    for _ in range(count):
        params = _with_axis(params, 0)
    inner = array.ones([params.shape.ndims - count], outer.dtype)
    return _tile(params, joining.concat([outer, inner], axis=0))


def _batch_gather(params: Any, indices: Any, name: Any = None) -> Any:
    with name_scope(name, "RaggedBatchGather"):
        params, indices = _alike(as_tensor(params, "params"), as_tensor(indices, "indices"))
        rank = indices.shape.ndims
        if rank is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        if rank == 0:
            raise ValueError("indices.rank must be at least 1.")
        if not (is_ragged(params) or is_ragged(indices)):
            return gather.batch_gather(params, indices)
        return _batches(params, indices, rank)


def _batches(params: Any, indices: Any, rank: int) -> Any:
    if rank == 1:
        return _gather(params, indices)
    if not is_ragged(params):
        params = RaggedTensor.from_tensor(params)
    if not is_ragged(indices):
        indices = RaggedTensor.from_tensor(indices, ragged_rank=1)
        indices = indices.with_row_splits_dtype(params.row_splits.dtype)
    if rank > 2:
        same = check.assert_equal(
            params.row_splits, indices.row_splits, message="batch shape from indices does not match params shape"
        )
        with control_dependencies([same]):
            return indices.with_values(_batch_gather(params.values, indices.values))
    starts = gather.gather(params.row_splits, indices.value_rowids())
    flat = cast.cast(indices.values, params.row_splits.dtype) + starts
    return indices.with_values(_gather(params.values, flat))


def _one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: Any = None,
    dtype: Any = None,
    name: Any = None,
) -> Any:
    with name_scope(name, "RaggedOneHot"):
        ragged = as_tensor(indices)
        axis = -1 if axis is None else positive_axis(axis, ragged.shape.ndims) if axis >= 0 else axis
        if axis != -1:
            axis -= ragged.ragged_rank
            if axis < 0:
                raise ValueError("axis may not be less than indices.ragged_rank.")
        values = one_hot.one_hot(ragged.flat_values, depth, on_value, off_value, axis, dtype)
        return ragged.with_flat_values(values)


def _where(condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Any:
    if (x is None) != (y is None):
        raise ValueError("x and y must be either both None or both non-None")
    with name_scope("RaggedWhere"):
        condition = as_tensor(condition, "condition")
        if x is None:
            return _places(condition)
        condition, x, y = _alike(condition, as_tensor(x, "x"), as_tensor(y, "y"))
        return _chosen(condition, x, y)


def _chosen(condition: Any, x: Any, y: Any) -> Any:
    if is_ragged(condition) and is_ragged(x) and is_ragged(y):
        return map_flat_values(selecting.where, condition, x, y)
    if is_ragged(condition):
        raise ValueError("Input shapes do not match.")
    condition.shape.assert_has_rank(1)
    both = _joined([x, y], 0, stacked=False)
    dtype = both.row_splits.dtype
    rows = _count(x, dtype)
    indices = selecting.where(condition, range_(rows), rows + range_(_count(y, dtype)))
    return ragged_gather(both, indices)


def _places(condition: Any) -> Any:
    if not is_ragged(condition):
        return selecting.where(condition)
    found = _places(condition.values)
    condition = condition.with_row_splits_dtype(found.dtype)
    first = found[:, 0]
    rows = gather.gather(condition.value_rowids(), first)
    columns = first - gather.gather(condition.row_splits, rows)
    return joining.concat([array.expand_dims(rows, 1), array.expand_dims(columns, 1), found[:, 1:]], axis=1)


def _dynamic_partition(data: Any, partitions: Any, num_partitions: Any, name: Any = None) -> list[Any]:
    if not isinstance(num_partitions, int) or num_partitions < 0:
        raise TypeError("num_partitions must be a non-negative integer")
    from retrograph.ops.ragged_partitions import stack_dynamic_partitions

    found = stack_dynamic_partitions(data, partitions, num_partitions, name)
    return [found[i] for i in range(num_partitions)]


def _by_segment(function: Function) -> Function:
    return lambda data, segment_ids, num_segments, name=None: segments(function, data, segment_ids, num_segments)


def _mean_of_segments(data: Any, segment_ids: Any, num_segments: Any, name: Any = None, root: bool = False) -> Any:
    with name_scope(name, "RaggedSegmentSqrtN" if root else "RaggedSegmentMean"):
        total = segments(segment.unsorted_segment_sum, data, segment_ids, num_segments)
        data = as_tensor(data)
        flat = data.flat_values if is_ragged(data) else data
        ones = data.with_flat_values(array.ones_like(flat)) if is_ragged(data) else array.ones_like(flat)
        count = segments(segment.unsorted_segment_sum, ones, segment_ids, num_segments)
        numbers, sums = (v.flat_values if is_ragged(v) else v for v in (count, total))
        values = sums / (math.sqrt(numbers) if root else numbers)
        return total.with_flat_values(values) if is_ragged(total) else values


# ---- element by element


def unary(function: Function, args: Sequence[Any], kwargs: dict[str, Any], first: str) -> Any:
    """A function of the values of its first argument, which is ragged; NotImplemented if it is not."""
    value = args[0] if args else kwargs.get(first)
    if isinstance(value, (list, tuple)):
        return _of_list(function, value, args[1:], kwargs, first)
    if not is_ragged(value):
        return NotImplemented
    more = {k: v for k, v in kwargs.items() if args or k != first}
    ragged = as_tensor(value)
    return ragged.with_flat_values(function(ragged.flat_values, *args[1:], **more))


def _of_list(function: Function, values: Any, args: Sequence[Any], kwargs: dict[str, Any], first: str) -> Any:
    if not any(map(is_ragged, values)):
        return NotImplemented
    more = {k: v for k, v in kwargs.items() if k != first}
    values = _alike(*(as_tensor(v) for v in values))
    ragged = [v for v in values if is_ragged(v)]
    same = [
        check.assert_equal(mine, other, message="Inputs must have identical ragged splits")
        for one in ragged[1:]
        for mine, other in zip(ragged[0].nested_row_splits, one.nested_row_splits, strict=True)
    ]
    with control_dependencies(same):
        flat = function([v.flat_values if is_ragged(v) else v for v in values], *args, **more)
    return ragged[0].with_flat_values(flat)


def binary(function: Function, args: Sequence[Any], kwargs: dict[str, Any], names: tuple[str, str]) -> Any:
    """A function of the values of two arguments, one or both ragged; NotImplemented if none is."""
    from retrograph.ops.ragged import _binary

    given = dict(zip(names, args, strict=False))
    x, y = (given[n] if n in given else kwargs.get(n) for n in names)
    if not (is_ragged(x) or is_ragged(y)):
        return NotImplemented
    more = {k: v for k, v in kwargs.items() if k not in names}
    x, y = (as_tensor(v) if is_ragged(v) else v for v in (x, y))
    return _binary(lambda a, b: function(a, b, *args[2:], **more), *_alike(x, y))


_HANDLERS: dict[str, Function] = {
    "reduce_sum": _sum,
    "reduce_prod": _prod,
    "reduce_min": _as_reduction(reduction.reduce_min, segment.unsorted_segment_min, "RaggedReduceMin"),
    "reduce_max": _as_reduction(reduction.reduce_max, segment.unsorted_segment_max, "RaggedReduceMax"),
    "reduce_mean": _called_as_reduction(_mean),
    "reduce_any": _called_as_reduction(functools.partial(_truth, _sum, "RaggedReduceAny")),
    "reduce_all": _called_as_reduction(functools.partial(_truth, _prod, "RaggedReduceAll")),
    "concat": concat,
    "stack": stack,
    "tile": _tile,
    "expand_dims": _expand_dims,
    "size": _size,
    "rank": _rank,
    "squeeze": _squeeze,
    "gather": _gather,
    "gather_nd": _gather_nd,
    "batch_gather": _batch_gather,
    "one_hot": _one_hot,
    "where": _where,
    "dynamic_partition": _dynamic_partition,
    "unsorted_segment_sum": _by_segment(segment.unsorted_segment_sum),
    "unsorted_segment_prod": _by_segment(segment.unsorted_segment_prod),
    "unsorted_segment_min": _by_segment(segment.unsorted_segment_min),
    "unsorted_segment_max": _by_segment(segment.unsorted_segment_max),
    "unsorted_segment_mean": _mean_of_segments,
    "unsorted_segment_sqrt_n": functools.partial(_mean_of_segments, root=True),
    "add_n": lambda inputs, name=None: unary(math.add_n, (inputs,), {"name": name}, "inputs"),
    "string_join": lambda *args, **kwargs: unary(strings.string_join, args, kwargs, "inputs"),
}
for _name, _handler in _HANDLERS.items():
    register_ragged(_name, _handler)
