"""Elements gathered in ragged rows by the partition that each belongs to."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.conversion import internal_convert_to_tensor
from retrograph.framework.exports import export
from retrograph.ops.ragged import as_tensor
from retrograph.ops.ragged_tensor import RaggedTensor, is_ragged


def _given(value: Any, name: str, preferred: Any = None) -> Any:
    return as_tensor(value) if is_ragged(value) else internal_convert_to_tensor(value, None, name, preferred)


@export("ragged.stack_dynamic_partitions")
def stack_dynamic_partitions(data: Any, partitions: Any, num_partitions: Any, name: str | None = None) -> Any:
    """A row for each partition, with the elements that belong to it: of a, b and c in 1, 0 and 1, (b) and (a, c).

    Raises ValueError: partitions of unknown rank, or that do not fit the data.
    Source: TF 1.15 `tf.ragged.stack_dynamic_partitions`.
    """
    with tf.name_scope(name, "SegmentStack", [data, partitions, num_partitions]):
        data = _given(data, "data")
        splits_dtype = data.row_splits.dtype if isinstance(data, RaggedTensor) else None
        owners = _given(partitions, "partitions", splits_dtype)
        count = internal_convert_to_tensor(num_partitions, None, "num_partitions", preferred_dtype=owners.dtype)
        if splits_dtype is not None:
            owners = tf.cast(owners, splits_dtype)
        count = tf.cast(count, owners.dtype)
        rank = owners.shape.ndims
        if rank is None:
            raise ValueError("partitions must have known rank.")
        count.shape.assert_has_rank(0)
        owners.shape.assert_is_compatible_with(data.shape[:rank])
        return (_of_one, _of_rows)[rank](data, owners, count) if rank < 2 else _of_inner_rows(data, owners, count)


def _of_one(data: Any, owner: Any, count: Any) -> Any:
    return RaggedTensor.from_value_rowids(
        values=tf.stack([data]), value_rowids=tf.stack([owner]), nrows=count, validate=False
    )


def _of_rows(data: Any, owners: Any, count: Any) -> Any:
    order = tf.argsort(owners, stable=True)
    owners = tf.gather(owners, order)
    values = tf.gather(data, order)
    below = tf.assert_less(owners[-1:], count, message="partitions must be less than num_partitions")
    # TF counts the rows by Bincount, which says so.
    counted = tf.assert_non_negative(owners[:1], message="Input arr must be non-negative!")
    with tf.control_dependencies([below, counted]):
        return RaggedTensor.from_value_rowids(values, owners, nrows=count, validate=False)


def _of_inner_rows(data: Any, owners: Any, count: Any) -> Any:
    dtype = owners.dtype
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(data, row_splits_dtype=dtype, ragged_rank=1)
    if not isinstance(owners, RaggedTensor):
        rank = max(data.ragged_rank, owners.shape.ndims - 1)
        owners = RaggedTensor.from_tensor(owners, row_splits_dtype=dtype, ragged_rank=rank)
    check = tf.assert_equal(
        data.row_splits, owners.row_splits, message="data and partitions have incompatible ragged shapes"
    )
    with tf.control_dependencies([check]):
        return stack_dynamic_partitions(data.values, owners.values, count)
