"""Functions of ragged tensors: `tf.ragged.*`, and the operators of `tf.RaggedTensor`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.constants import constant as dense_constant
from retrograph.framework.conversion import convert_to_tensor, internal_convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.static_value import constant_value as known_value
from retrograph.ops import array, cast, identities, joining, reduction, selecting, sequence
from retrograph.ops.gather import gather
from retrograph.ops.ragged_tensor import RaggedTensor, is_ragged
from retrograph.ops.ragged_value import RaggedTensorValue
from retrograph.ops.raw import raw
from retrograph.ops.segment import bincount

# ---- constants


def _depths(pylist: Any) -> tuple[int | None, int]:
    """How deep scalars are nested (None without any), and lists."""
    if not isinstance(pylist, (list, tuple)) and np.ndim(pylist) == 0:
        return 0, 0
    scalars: int | None = None
    deepest = 1
    for child in pylist:
        depth, lists = _depths(child)
        if depth is not None:
            if scalars is not None and scalars != depth + 1:
                raise ValueError("all scalar values must have the same nesting depth")
            scalars = depth + 1
        deepest = max(deepest, lists + 1)
    return scalars, deepest


def _is_nested(item: Any) -> bool:
    return isinstance(item, (list, tuple)) or np.ndim(item) != 0


def _check_inner(item: Any, shape: tuple[int, ...]) -> None:
    if _is_nested(item) != bool(shape) or (shape and shape[0] != len(item)):
        raise ValueError("inner values have inconsistent shape")
    for child in item if shape else ():
        _check_inner(child, shape[1:])


def _inner_shape(pylist: Any, ragged_rank: int) -> tuple[int, ...]:
    flat = pylist
    for dim in range(ragged_rank):
        if not all(_is_nested(v) for v in flat):
            raise ValueError(
                f"pylist has scalar values depth {dim + 1}, but ragged_rank={ragged_rank} requires scalar value depth "
                f"greater than {ragged_rank}"
            )
        flat = [x for v in flat for x in v]

    def shape_of(item: Any) -> tuple[int, ...]:
        if not _is_nested(item):
            return ()
        return (len(item), *shape_of(item[0])) if len(item) else (0,)

    found = shape_of(flat)
    _check_inner(flat, found)
    return found[1:]


def _check_pylist(pylist: Any, ragged_rank: int | None, inner_shape: Any) -> tuple[int | None, int]:
    if is_ragged(pylist):
        raise TypeError("pylist may not be a RaggedTensor or RaggedTensorValue.")
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"Invalid ragged_rank={ragged_rank!r}: must be nonnegative")
    scalars, deepest = _depths(pylist)
    if scalars is not None and deepest > scalars:
        raise ValueError(f"Invalid pylist={pylist!r}: empty list nesting is greater than scalar value nesting")
    if inner_shape is not None and ragged_rank is not None:
        expected = ragged_rank + len(inner_shape) + 1
        if (scalars is not None and expected != scalars) or (scalars is None and expected < deepest):
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank} and "
                f"dim(inner_shape)={len(inner_shape)}"
            )
    return scalars, deepest


def _check_scalar(pylist: Any, ragged_rank: int | None, inner_shape: Any) -> None:
    if ragged_rank:
        raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
    if inner_shape:
        raise ValueError(f"Invalid pylist={pylist!r}: incompatible with dim(inner_shape)={len(inner_shape)}")


def _made(make_ragged: Any, make_dense: Any, pylist: Any, ragged_rank: int | None, inner_shape: Any) -> Any:
    if not is_ragged(pylist) and not _is_nested(pylist):
        _check_scalar(pylist, ragged_rank, inner_shape)
        return make_dense(pylist, ())
    scalars, deepest = _check_pylist(pylist, ragged_rank, inner_shape)
    inner_rank = len(inner_shape) if inner_shape is not None else 0
    if ragged_rank == 0 or (ragged_rank is None and deepest - inner_rank < 2):
        return make_dense(pylist, inner_shape)
    if inner_shape is None:
        inner_shape = () if ragged_rank is None else _inner_shape(pylist, ragged_rank)
    if ragged_rank is None:
        ragged_rank = max(1, (deepest if scalars is None else scalars - len(inner_shape)) - 1)
    splits, values = [], pylist
    for _ in range(ragged_rank):
        splits.append(np.concatenate([[0], np.cumsum([len(row) for row in values])]).astype(np.int64))
        values = [x for row in values for x in row]
    result = make_dense(values, (len(values), *inner_shape))
    for part in reversed(splits):
        result = make_ragged(result, part)
    return result


@export("ragged.constant")
def ragged_constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """The ragged tensor of nested lists. Raises ValueError: they do not fit. Source: TF 1.15 `tf.ragged.constant`."""
    splits_dtype = dtypes.as_dtype(row_splits_dtype)

    def make_ragged(values: Any, splits: Any) -> Any:
        part = dense_constant(splits, dtype=splits_dtype)
        return RaggedTensor.from_row_splits(values, part, validate=False)

    def make_dense(values: Any, shape: Any) -> Any:
        return dense_constant(values, dtype=dtype, shape=shape, name="values" if shape else "Const")

    with name_scope(name, "RaggedConstant"):
        return _made(make_ragged, make_dense, pylist, ragged_rank, inner_shape)


@export("ragged.constant_value")
def constant_value(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    row_splits_dtype: Any = "int64",
) -> Any:
    """The `RaggedTensorValue` of nested lists. Source: TF 1.15 `tf.ragged.constant_value`."""
    numpy_type = dtype.as_numpy_dtype if isinstance(dtype, dtypes.DType) else dtype
    splits_type = dtypes.as_dtype(row_splits_dtype).as_numpy_dtype

    def make_dense(values: Any, shape: Any) -> Any:
        made = np.array(values, dtype=numpy_type)
        return made if shape is None else made.reshape(shape)

    return _made(lambda v, s: RaggedTensorValue(v, s.astype(splits_type)), make_dense, pylist, ragged_rank, inner_shape)


@export("ragged.placeholder")
def ragged_placeholder(dtype: Any, ragged_rank: int, value_shape: Any = None, name: str | None = None) -> Any:
    """A ragged tensor that must be fed with a `RaggedTensorValue`. Source: TF 1.15 `tf.ragged.placeholder`."""
    if ragged_rank == 0:
        return identities.placeholder(dtype, value_shape, name)
    with name_scope(name, "RaggedPlaceholder", []):
        result: Any = identities.placeholder(dtype, TensorShape([None]).concatenate(value_shape), "flat_values")
        for i in reversed(range(ragged_rank)):
            splits = identities.placeholder(dtypes.int64, [None], f"row_splits_{i}")
            result = RaggedTensor(result, splits, internal=True)
        return result


# ---- rows and segments


@export("ragged.row_splits_to_segment_ids")
def row_splits_to_segment_ids(splits: Any, name: str | None = None, out_type: Any = None) -> Any:
    """`[0, 3, 3, 5]` to `[0, 0, 0, 2, 2]`. Source: TF 1.15 `tf.ragged.row_splits_to_segment_ids`."""
    with name_scope(name, "RaggedSplitsToSegmentIds"):
        splits = internal_convert_to_tensor(splits, None, "splits", preferred_dtype=dtypes.int64)
        if splits.dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("splits must have dtype int32 or int64")
        splits.get_shape().assert_has_rank(1)
        if splits.get_shape()[0].value == 0:
            raise ValueError("Invalid row_splits: []")
        dtype = splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        lengths = splits[1:] - splits[:-1]
        sizes: Any = array.shape(splits, out_type=splits.dtype)
        ids = sequence.range(sizes[0] - 1)
        return cast.cast(_repeated(ids, lengths), dtype)


def _repeated(values: Any, counts: Any) -> Any:
    """Each element as often as `counts` says."""
    longest = raw("Maximum", reduction.reduce_max(counts), 0)
    mask = selecting.sequence_mask(counts, longest)
    wide = joining.tile(array.expand_dims(values, 1), joining.stack([1, cast.cast(longest, dtypes.int32)]))
    return selecting.boolean_mask(wide, mask)


def _whole_numbers(value: Any, name: str) -> Any:
    tensor = internal_convert_to_tensor(value, None, name, preferred_dtype=dtypes.int32)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return cast.cast(tensor, dtypes.int32)


def _type_of_splits(segment_ids: Any, num_segments: Any) -> Any:
    return next((t.dtype for t in (segment_ids, num_segments) if isinstance(t, Tensor)), dtypes.int64)


@export("ragged.segment_ids_to_row_splits")
def segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None
) -> Any:
    """`[0, 0, 0, 2, 2]` to `[0, 3, 3, 5]`.

    Raises TypeError: ids that are not whole numbers; ValueError: that are no vector.
    Source: TF 1.15 `tf.ragged.segment_ids_to_row_splits`.
    """
    dtype = _type_of_splits(segment_ids, num_segments) if out_type is None else dtypes.as_dtype(out_type)
    with name_scope(name, "SegmentIdsToRaggedSplits", [segment_ids]):
        ids = _whole_numbers(segment_ids, "segment_ids")
        ids.get_shape().assert_has_rank(1)
        if num_segments is not None:
            num_segments = _whole_numbers(num_segments, "num_segments")
            num_segments.get_shape().assert_has_rank(0)
        lengths = bincount(ids, minlength=num_segments, maxlength=num_segments, dtype=dtype)
        splits = joining.concat([[0], reduction.cumsum(lengths)], axis=0)
        count = None if num_segments is None else known_value(num_segments)
        if count is not None:
            splits.set_shape([int(count) + 1])
        return splits


@export("ragged.range")
def ragged_range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """A row `range(start, limit, delta)` for each. Source: TF 1.15 `tf.ragged.range`."""
    splits_dtype = dtypes.as_dtype(row_splits_dtype)
    if limits is None:
        starts, limits = 0, starts
    with name_scope(name, "RaggedRange", [t for t in (starts, limits, deltas) if isinstance(t, Tensor)]) as scope:
        parts = [convert_to_tensor(v, dtype=dtype, name=n) for v, n in zip((starts, limits, deltas), ("starts", "limits", "deltas"), strict=True)]  # fmt: skip
        if dtype is None:
            order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
            widest = max((p.dtype for p in parts), key=order.index)
            parts = [cast.cast(p, widest) for p in parts]
        splits, values = raw("RaggedRange", *parts, Tsplits=splits_dtype, name=scope)
        return RaggedTensor.from_row_splits(values, splits, validate=False)


# ---- element by element


def as_tensor(value: Any, name: str | None = None, dtype: Any = None) -> Any:
    """A ragged tensor as it is, the value of one as a ragged tensor, anything else as a tensor."""
    if isinstance(value, RaggedTensorValue):
        flat = convert_to_tensor(value.flat_values, dtype=dtype, name="flat_values")
        return RaggedTensor.from_nested_row_splits(flat, value.nested_row_splits, validate=False)
    return value if isinstance(value, (RaggedTensor, Tensor)) else convert_to_tensor(value, dtype=dtype, name=name)


def _same_rows(ragged: list[Any]) -> None:
    from retrograph.ops import check, control_flow

    splits = [r.nested_row_splits for r in ragged]
    checks = [
        check.assert_equal(mine, other, message="Inputs must have identical ragged splits")
        for others in splits[1:]
        for mine, other in zip(splits[0], others, strict=True)
        if mine is not other
    ]
    if checks:
        ragged[0] = ragged[0].with_flat_values(control_flow.with_dependencies(checks, ragged[0].flat_values))


@export("ragged.map_flat_values")
def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`op` of the innermost values of ragged arguments, in their rows, which must be the same.

    Raises ValueError: the values do not keep their number. Source: TF 1.15 `tf.ragged.map_flat_values`.
    """
    args = tuple(as_tensor(a) if isinstance(a, RaggedTensorValue) else a for a in args)
    kwargs = {k: as_tensor(v) if isinstance(v, RaggedTensorValue) else v for k, v in kwargs.items()}
    given = [*args, *kwargs.values()]
    ragged = [a for a in given if isinstance(a, RaggedTensor)]
    if not ragged:
        return op(*args, **kwargs)
    if len({r.ragged_rank for r in ragged}) > 1:
        raise ValueError("Inputs must have the same ragged_rank")
    first = [*ragged]
    _same_rows(first)

    def flat(value: Any) -> Any:
        if not isinstance(value, RaggedTensor):
            return value
        return (first[0] if value is ragged[0] else value).flat_values

    result = op(*(flat(a) for a in args), **{k: flat(v) for k, v in kwargs.items()})
    before = first[0].flat_values.get_shape()[:1]
    if not before.is_compatible_with(result.get_shape()[:1]):
        raise ValueError(
            "tf.ragged.map_flat_values requires that the output of `op` have the same outer-dimension size"
        )
    return first[0].with_flat_values(result)


def _dense_for(ragged: Any, other: Any) -> Any:
    """A dense operand spread over a ragged one's values."""
    tensor = convert_to_tensor(other, dtype=ragged.dtype)
    rank = tensor.get_shape().ndims
    if rank == 0:
        return tensor
    inner = ragged.flat_values.get_shape().ndims
    if rank is not None and inner is not None and rank < inner:
        return tensor
    if rank is not None and rank == ragged.shape.ndims and tensor.get_shape()[1:].num_elements() == 1:
        column = array.reshape(tensor, [-1])
        result = gather(column, ragged.value_rowids())
        return result if ragged.ragged_rank == 1 else _dense_for(ragged.values, result)
    raise errors.UnimplementedError(
        None,
        None,
        f"Broadcasting of a tensor of shape {tensor.get_shape()} with a RaggedTensor of shape {ragged.shape}",
    )


def _binary(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if isinstance(a, RaggedTensor) and isinstance(b, RaggedTensor):
        return map_flat_values(function, a, b)
    if isinstance(a, RaggedTensor):
        return map_flat_values(lambda x: function(x, _dense_for(a, b)), a)
    return map_flat_values(lambda x: function(_dense_for(b, a), x), b)


def _install_operators() -> None:
    names = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor")
    for name in names:
        function = getattr(operator, name)
        plain = name.strip("_")
        setattr(RaggedTensor, f"__{plain}__", lambda a, b, f=function: _binary(f, a, b))
        setattr(RaggedTensor, f"__r{plain}__", lambda a, b, f=function: _binary(f, b, a))
    for name in ("lt", "le", "gt", "ge"):
        function = getattr(operator, name)
        setattr(RaggedTensor, f"__{name}__", lambda a, b, f=function: _binary(f, a, b))
    for name in ("neg", "abs", "invert"):
        function = getattr(operator, name)
        setattr(RaggedTensor, f"__{name}__", lambda a, f=function: map_flat_values(f, a))


_install_operators()

# ---- parts


def ragged_getitem(ragged: Any, key: Any) -> Any:
    """A row, rows, or parts of rows: `rt[i]`, `rt[a:b]`, `rt[:, a:b]`, `rt[..., i]`.

    Raises UnimplementedError: new axes, and steps other than 1 in ragged axes.
    """
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    if any(k is None for k in keys):
        raise errors.UnimplementedError(None, None, "RaggedTensor.__getitem__: tf.newaxis")
    with name_scope(None, "RaggedGetItem", [ragged.flat_values]):
        return _item(ragged, _expanded(ragged, keys))


def _expanded(ragged: Any, keys: list[Any]) -> list[Any]:
    if not any(k is Ellipsis for k in keys):
        return keys
    place = next(i for i, k in enumerate(keys) if k is Ellipsis)
    rank = ragged.shape.ndims
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    return [*keys[:place], *[slice(None)] * (rank - len(keys) + 1), *keys[place + 1 :]]


def _item(ragged: Any, keys: list[Any]) -> Any:
    if not keys:
        return ragged
    if not isinstance(ragged, RaggedTensor):
        return ragged[tuple(keys)]
    first, rest = keys[0], keys[1:]
    if not isinstance(first, slice):
        splits = ragged.row_splits
        end = splits[first + 1] if isinstance(first, Tensor) or first != -1 else splits[-1]
        start = splits[first] if isinstance(first, Tensor) or first >= 0 else splits[first - 1]
        return _item(ragged.values[start:end], rest)
    rows = ragged if first == slice(None) else _sliced(ragged, first)
    return _inside(rows, rest) if rest else rows


def _sliced(ragged: Any, part: slice) -> Any:
    if part.step is not None and part.step != 1:
        indices = sequence.range(ragged.nrows())[part]
        return ragged_gather(ragged, indices)
    # The starts and the limits that are kept; a row's limit is the next one's start.
    starts, limits = ragged.row_splits[:-1][part], ragged.row_splits[1:][part]
    lengths = limits - starts
    first = joining.concat([starts[:1], limits[-1:], [0]], axis=0)
    last = joining.concat([limits[-1:], [0]], axis=0)
    values = ragged.values[first[0] : last[0]]
    splits = joining.concat([[0], reduction.cumsum(lengths)], axis=0)
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def _inside(ragged: Any, keys: list[Any]) -> Any:
    """The keys applied to each row."""
    first, rest = keys[0], keys[1:]
    if isinstance(first, slice) and first == slice(None):
        return ragged.with_values(_item_of_values(ragged.values, rest)) if rest else ragged
    if isinstance(first, slice):
        if first.step is not None and first.step != 1:
            raise errors.UnimplementedError(None, None, "RaggedTensor.__getitem__: steps in a ragged axis")
        starts, limits = ragged.row_splits[:-1], ragged.row_splits[1:]
        begin, end = _bound(starts, limits, first.start, starts), _bound(starts, limits, first.stop, limits)
        places = ragged_range(begin, raw("Maximum", begin, end), row_splits_dtype=ragged.row_splits.dtype)
        chosen = places.with_values(gather_rows(ragged.values, places.values))
        return _inside(chosen, [slice(None), *rest]) if rest else chosen
    raise ValueError("Cannot index into an inner ragged dimension.")


def _item_of_values(values: Any, keys: list[Any]) -> Any:
    if isinstance(values, RaggedTensor):
        return _inside(values, keys)
    return values[(slice(None), *keys)]


def _bound(starts: Any, limits: Any, place: Any, default: Any) -> Any:
    if place is None:
        return default
    place = cast.cast(convert_to_tensor(place), starts.dtype)
    from_start = raw("Minimum", raw("Maximum", starts + place, starts), limits)
    from_end = raw("Maximum", limits + place, starts)
    return selecting.where_v2(place >= 0, from_start, from_end)


def gather_rows(values: Any, indices: Any) -> Any:
    """Rows of a dense or a ragged tensor."""
    return ragged_gather(values, indices) if isinstance(values, RaggedTensor) else gather(values, indices)


def ragged_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """The rows of `params` that `indices` name. Source: TF 1.15 `ragged_gather_ops.gather`."""
    indices = convert_to_tensor(indices, name="indices")
    rank = indices.get_shape().ndims
    if rank is None:
        raise ValueError("rank(indices) must be known statically")
    if isinstance(params, RaggedTensor):
        output_rank = params.ragged_rank + rank - 1
        parts = raw(
            "RaggedGather", list(params.nested_row_splits), params.flat_values, indices, OUTPUT_RAGGED_RANK=output_rank, name=name
        )  # fmt: skip
        return RaggedTensor.from_nested_row_splits(parts[1], parts[0], validate=False)
    return gather(params, indices)


@export("ragged.boolean_mask")
def ragged_boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """The elements where `mask` is true, in their rows. Source: TF 1.15 `tf.ragged.boolean_mask`."""
    with name_scope(name, "RaggedMask"):
        data, mask = as_tensor(data, "data"), as_tensor(mask, "mask", dtypes.bool)
        if isinstance(mask, RaggedTensor) and not isinstance(data, RaggedTensor):
            rank, kind = mask.ragged_rank, mask.row_splits.dtype
            data = RaggedTensor.from_tensor(data, ragged_rank=rank, row_splits_dtype=kind)
        return _masked(data, mask)


def _masked(data: Any, mask: Any) -> Any:
    if not isinstance(mask, RaggedTensor):
        if mask.get_shape().ndims != 1:
            mask = RaggedTensor.from_tensor(mask, ragged_rank=mask.get_shape().ndims - 1)
            data = (
                data if isinstance(data, RaggedTensor) else RaggedTensor.from_tensor(data, ragged_rank=mask.ragged_rank)
            )
        else:
            return gather_rows(data, array.reshape(selecting.where_v2(mask), [-1]))
    kept = cast.cast(
        mask.values if not isinstance(mask.values, RaggedTensor) else mask.values.flat_values, dtypes.int64
    )
    if isinstance(mask.values, RaggedTensor):
        return data.with_values(_masked(data.values, mask.values))
    totals = joining.concat([[0], reduction.cumsum(kept)], axis=0)
    splits = cast.cast(gather(totals, mask.row_splits), data.row_splits.dtype)
    return RaggedTensor.from_row_splits(_masked(data.values, mask.values), splits, validate=False)


@export("ragged.stack")
def ragged_stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Tensors, also of different sizes, along a new axis. Source: TF 1.15 `tf.ragged.stack`.

    Raises ValueError: nothing to stack, tensors of several ranks, or an axis that there is not.
    """
    from retrograph.ops import ragged_calls

    return ragged_calls.stack(values, axis, name)


def ragged_concat(rows: list[Any]) -> Any:
    """Tensors, dense or ragged alike, one after the other along axis 0."""
    if not isinstance(rows[0], RaggedTensor):
        return joining.concat(rows, axis=0)
    lengths = joining.concat([r.row_lengths() for r in rows], axis=0)
    return RaggedTensor.from_row_lengths(ragged_concat([r.values for r in rows]), lengths, validate=False)
