"""The functions of `tensorflow.python.ops.ragged` by the names that its modules have for them."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.conversion import internal_convert_to_tensor
from retrograph.ops import cast, check, joining, reduction, segment
from retrograph.ops import gather as _rows
from retrograph.ops import ragged as _ragged
from retrograph.ops import ragged_calls as _calls
from retrograph.ops.ragged import ragged_boolean_mask as boolean_mask
from retrograph.ops.ragged import ragged_range as range
from retrograph.ops.ragged_calls import concat, stack
from retrograph.ops.ragged_partitions import stack_dynamic_partitions
from retrograph.ops.ragged_tensor import RaggedTensor, is_ragged
from retrograph.ops.ragged_value import RaggedTensorValue

__all__ = [
    "boolean_mask",
    "concat",
    "is_ragged",
    "range",
    "reduce_all",
    "reduce_any",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "stack",
    "stack_dynamic_partitions",
]


def convert_to_tensor_or_ragged_tensor(
    value: Any, dtype: Any = None, preferred_dtype: Any = None, name: str | None = None
) -> Any:
    """A ragged tensor, also of a value of one, or a tensor. Raises: ValueError for a ragged one of another type."""
    if isinstance(value, RaggedTensor):
        if dtype and not dtype.is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for RaggedTensor with dtype {value.dtype.name}: {value!r}"
            )
        return value
    if isinstance(value, RaggedTensorValue):
        flat = internal_convert_to_tensor(
            value.flat_values, dtype=dtype, preferred_dtype=preferred_dtype, name="flat_values"
        )
        return RaggedTensor.from_nested_row_splits(flat, value.nested_row_splits, validate=False)
    return internal_convert_to_tensor(value, dtype=dtype, preferred_dtype=preferred_dtype, name=name)


def match_row_splits_dtypes(*tensors: Any, **kwargs: Any) -> Any:
    """The same tensors, with splits of one type; with `return_dtype` that type comes first."""
    found = _calls._alike(*tensors)
    kinds = {t.row_splits.dtype for t in found if isinstance(t, RaggedTensor)}
    return (kinds.pop() if kinds else None, found) if kwargs.get("return_dtype") else found


def get_positive_axis(axis: Any, ndims: int | None) -> int:
    """An axis counted from the front."""
    return _calls.positive_axis(axis, ndims)


def convert_to_int_tensor(tensor: Any, name: str, dtype: Any = dtypes.int32) -> Any:
    """A tensor of integers. Raises: TypeError for other numbers."""
    tensor = internal_convert_to_tensor(tensor, name=name, preferred_dtype=dtype)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return cast.cast(tensor, dtype)


def lengths_to_splits(lengths: Any) -> Any:
    """Where rows of these lengths begin and end."""
    return joining.concat([[0], reduction.cumsum(lengths)], axis=-1)


def assert_splits_match(nested_splits_lists: Any) -> list[Any]:
    """Checks that the splits of several ragged tensors are the same. Raises: ValueError for other numbers of them."""
    if len({len(one) for one in nested_splits_lists}) > 1:
        raise ValueError("Inputs must have identical ragged splits")
    first, *others = nested_splits_lists
    return [
        check.assert_equal(mine, theirs, message="Inputs must have identical ragged splits")
        for one in others
        for mine, theirs in zip(first, one, strict=True)
    ]


def repeat(data: Any, repeats: Any, axis: Any, name: str | None = None) -> Any:
    """Each part along an axis so many times."""
    import retrograph as tf

    return tf.repeat(data, repeats, axis, name)


def repeat_ranges(params: Any, splits: Any, repeats: Any) -> Any:
    """Each range of `params` between `splits` so many times."""
    starts, limits = (repeat(part, repeats, axis=0) for part in (splits[:-1], splits[1:]))
    return _rows.gather(params, _ragged.ragged_range(starts, limits).values)


# ---- arrays


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """A ragged tensor so many times along each axis."""
    return _calls._tile(input, multiples, name)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """With an axis of one more."""
    return _calls._expand_dims(input, axis, name)


def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """The number of values."""
    return _calls._size(input, name, out_type)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of axes."""
    return _calls._rank(input, name)


def ragged_one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: Any = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """Rows that are one at the indices."""
    return _calls._one_hot(indices, depth, on_value, off_value, axis, dtype, name)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Without axes of one."""
    return _calls._squeeze(input, axis, name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """The places that are true, or values of one or the other."""
    return _calls._where(condition, x, y, name)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = 0, batch_dims: Any = 0, name: str | None = None
) -> Any:
    """The rows that indices name."""
    return _calls._gather(params, indices, validate_indices, name, axis, batch_dims)


def gather_nd(params: Any, indices: Any, batch_dims: Any = 0, name: str | None = None) -> Any:
    """The parts that rows of indices name."""
    return _calls._gather_nd(params, indices, name, batch_dims)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """The rows that indices name, batch by batch."""
    return _calls._batch_gather(params, indices, name)


# ---- from and to other tensors


def from_tensor(
    tensor: Any,
    lengths: Any = None,
    padding: Any = None,
    ragged_rank: int = 1,
    row_splits_dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Any:
    """`RaggedTensor.from_tensor`; a ragged tensor as it is."""
    if is_ragged(tensor):
        return tensor
    return RaggedTensor.from_tensor(tensor, lengths, padding, ragged_rank, name, row_splits_dtype)


def to_tensor(rt_input: Any, default_value: Any = None, name: str | None = None) -> Any:
    """`RaggedTensor.to_tensor`; a dense tensor as it is."""
    return rt_input.to_tensor(default_value, name) if is_ragged(rt_input) else rt_input


def to_sparse(rt_input: Any, name: str | None = None) -> Any:
    """`RaggedTensor.to_sparse`."""
    return rt_input.to_sparse(name)


def from_sparse(st_input: Any, name: str | None = None) -> Any:
    """`RaggedTensor.from_sparse`."""
    return RaggedTensor.from_sparse(st_input, name)


# ---- reductions and segments

reduce_sum, reduce_prod = _calls._HANDLERS["reduce_sum"], _calls._HANDLERS["reduce_prod"]
reduce_min, reduce_max = _calls._HANDLERS["reduce_min"], _calls._HANDLERS["reduce_max"]
reduce_mean = _calls._HANDLERS["reduce_mean"]
reduce_any, reduce_all = _calls._HANDLERS["reduce_any"], _calls._HANDLERS["reduce_all"]


def segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Sums of rows by their numbers."""
    return _calls.segments(segment.unsorted_segment_sum, data, segment_ids, num_segments)


def segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Products of rows by their numbers."""
    return _calls.segments(segment.unsorted_segment_prod, data, segment_ids, num_segments)


def segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The least of rows by their numbers."""
    return _calls.segments(segment.unsorted_segment_min, data, segment_ids, num_segments)


def segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The greatest of rows by their numbers."""
    return _calls.segments(segment.unsorted_segment_max, data, segment_ids, num_segments)


def segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Means of rows by their numbers."""
    return _calls._mean_of_segments(data, segment_ids, num_segments, name)


def segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Sums of rows by their numbers, divided by the roots of how many there are."""
    return _calls._mean_of_segments(data, segment_ids, num_segments, name, root=True)


def ragged_to_dense(rt_input: Any, default_value: Any = None, shape: Any = None) -> Any:
    """The dense tensor of a ragged one, filled up with `default_value`; where `shape` has sizes it is cut or filled to them.

    Raises: ValueError for a shape of another rank. Source: TF 1.15 `ragged_conversion_ops.ragged_to_dense`.
    """
    import retrograph as tf

    filler = None if default_value is None else tf.convert_to_tensor(default_value, dtype=rt_input.dtype)
    dense: Any = rt_input.to_tensor(filler)
    wanted = _sizes_of(shape, dense)
    if wanted is None:
        return dense
    if filler is None:
        filler = tf.zeros([], dense.dtype)
    target = tf.where(wanted < 0, tf.shape(dense), wanted)
    cut = tf.slice(dense, tf.zeros_like(target), tf.minimum(tf.shape(dense), target))
    missing = target - tf.shape(cut)
    given = tf.pad(tf.ones_like(cut, dtype=tf.bool), tf.stack([tf.zeros_like(missing), missing], axis=1))
    places = tf.where(given)
    filled = tf.tensor_scatter_update(tf.broadcast_to(filler, target), places, tf.reshape(cut, [-1]))
    filled.set_shape(shape if not isinstance(shape, tf.Tensor) else tf.TensorShape(None))
    return filled


def _sizes_of(shape: Any, dense: Any) -> Any:
    """A shape as i32[rank] with -1 for what is not known; None for no shape."""
    import retrograph as tf

    if isinstance(shape, tf.Tensor):
        return None if shape.shape.ndims == 0 else tf.cast(shape, tf.int32)
    sizes = tf.TensorShape(shape)
    if sizes.ndims is None:
        return None
    if dense.shape.ndims is not None and sizes.ndims != dense.shape.ndims:
        raise ValueError(f"Shape {sizes} must have rank {dense.shape.ndims}")
    return tf.constant([-1 if size is None else size for size in sizes.as_list()], tf.int32)
