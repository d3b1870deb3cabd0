"""`tf.contrib.training.bucket`: batches of elements that are alike, by queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.static_value import constant_value
from retrograph.ops.data_flow import FIFOQueue, PaddingFIFOQueue, QueueBase
from retrograph.ops.smart_cond import smart_cond
from retrograph.train import sparse_batches
from retrograph.train.input import _as_original_type, _as_tensor_list, _checked_keep, _converted, _shapes, _types
from retrograph.train.queue_runner import QueueRunner, add_queue_runner

_AT_END = (tf.errors.OutOfRangeError, tf.errors.CancelledError)


def _batch_sizes(batch_size: Any, num_buckets: int) -> list[Any]:
    several = isinstance(batch_size, (list, tuple))
    if several and len(batch_size) != num_buckets:
        raise ValueError("If batch_size is a list it must have num_buckets elements")
    return list(batch_size) if several else [batch_size] * num_buckets


def _known_size(batch_size: Any) -> Any:
    tensor = tf.convert_to_tensor(batch_size, dtype=tf.int32, name="batch_size")
    known = constant_value(tensor)
    return tensor if known is None else int(known)


def _enqueue(queues: Sequence[QueueBase], tensors: list[Any], which: Tensor, keep: Tensor) -> Any:
    def into(queue: QueueBase) -> Callable[[], Any]:
        return lambda: queue.enqueue(tensors)

    def into_one() -> Any:
        enqueues = [tf.cond(tf.equal(which, i), into(q), tf.no_op) for i, q in enumerate(queues)]
        return tf.group(*enqueues, name="group_enqueues")

    return smart_cond(keep, into_one, tf.no_op)


def _to_top(top: QueueBase, queues: Sequence[QueueBase], sizes: Sequence[Any], smaller: bool) -> list[Any]:
    found = []
    for i, (queue, size) in enumerate(zip(queues, sizes, strict=True)):
        number = tf.constant(i)
        take = queue.dequeue_up_to if smaller else queue.dequeue_many
        taken = take(size, name=f"read_bucket_{i}")
        parts = taken if isinstance(taken, (list, tuple)) else [taken]
        found.append(top.enqueue([number, *parts], name=f"enqueue_from_bucket_{i}"))
    return found


def _add_runners(top: QueueBase, queues: Sequence[QueueBase], to_top: list[Any], into_buckets: list[Any]) -> None:
    add_queue_runner(
        QueueRunner(
            queues[0],
            to_top,
            close_op=top.close(),
            cancel_op=top.close(cancel_pending_enqueues=True),
            queue_closed_exception_types=_AT_END,
        )
    )
    add_queue_runner(
        QueueRunner(
            top,
            into_buckets,
            close_op=tf.group(*[q.close() for q in queues]),
            cancel_op=tf.group(*[q.close(cancel_pending_enqueues=True) for q in queues]),
            queue_closed_exception_types=_AT_END,
        )
    )


def _bucket_queues(
    dynamic_pad: bool, capacities: Sequence[Any], types: Any, shapes: Any, shared_name: str | None
) -> list[QueueBase]:
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    return [
        kind(
            capacity=capacity,
            dtypes=types,
            shapes=shapes,
            shared_name=None if shared_name is None else f"{shared_name}_{i}",
            name=f"bucket_queue_{i}",
        )
        for i, capacity in enumerate(capacities)
    ]


def _top_queue(capacity: int, types: Any, rows: TensorShape, shapes: Any, shared_name: str | None) -> QueueBase:
    return PaddingFIFOQueue(
        capacity=capacity,
        dtypes=[tf.int32, *types],
        shapes=[TensorShape([]), *(rows.concatenate(s) for s in shapes)],
        shared_name=shared_name,
        name="top_queue",
    )


def _summarize(top: QueueBase, queues: Sequence[QueueBase], capacity: int) -> None:
    for queue in queues:
        tf.summary.scalar(f"bucket/{queue.name}/size", tf.cast(top.size(), tf.float32))
    full = tf.cast(top.size(), tf.float32) * (1.0 / capacity)
    tf.summary.scalar(f"bucket/{top.name}/fraction_of_{capacity}_full", full)


@export("contrib.training.bucket")
def bucket(
    tensors: Any, which_bucket: Any, batch_size: Any, num_buckets: int, num_threads: int = 1, capacity: int = 32,
    bucket_capacities: Any = None, shapes: Any = None, dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False, keep_input: Any = True, shared_name: str | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """(bucket, batch): batches of elements of one bucket each, which `which_bucket` says.

    Raises: ValueError: lists of other lengths than `num_buckets`.
    Source: TF 1.15 `tf.contrib.training.bucket`.
    """
    sizes = _batch_sizes(batch_size, num_buckets)
    capacities = [capacity] * num_buckets if bucket_capacities is None else bucket_capacities
    if len(capacities) != num_buckets:
        raise ValueError(
            f"The list bucket_capacities ({capacities}) must have exactly num_buckets ({num_buckets}) elements."
        )
    tensor_list = _as_tensor_list(tensors)
    with name_scope(name, "bucket", tensor_list):
        keep, converted = _checked_keep_after(tensor_list, keep_input)
        (converted,), sparse = sparse_batches.stored([converted], False, keep)
        sizes = [_known_size(s) for s in sizes]
        types, shapes = _types([converted]), _shapes([converted], shapes, False)
        which = tf.convert_to_tensor(which_bucket, dtype=tf.int32, name="which_bucket")
        queues = _bucket_queues(dynamic_pad, capacities, types, shapes, shared_name)
        fixed = (
            not allow_smaller_final_batch and not isinstance(batch_size, (list, tuple)) and isinstance(sizes[-1], int)
        )
        rows = TensorShape([sizes[-1] if fixed else None])
        top = _top_queue(capacity, types, rows, queues[0].shapes, shared_name)
        into_buckets = [_enqueue(queues, converted, which, keep)] * num_threads
        _add_runners(top, queues, _to_top(top, queues, sizes, allow_smaller_final_batch), into_buckets)
        _summarize(top, queues, capacity)
        number, *taken = top.dequeue(name="dequeue_top")
        batch = sparse_batches.restored(taken[0] if len(taken) == 1 else taken, sparse)
        return number, _as_original_type(tensors, batch)


def _checked_keep_after(tensors: Any, keep_input: Any) -> tuple[Tensor, list[Any]]:
    try:
        converted = _converted(tensors)
    except ValueError as error:
        raise ValueError(str(error).replace("batch()", "bucket()")) from None
    return _checked_keep(keep_input, False), converted


def _check_boundaries(boundaries: Any) -> None:
    if not isinstance(boundaries, (list, tuple)):
        raise TypeError(f"bucket_boundaries must be a list or tuple, but received: {boundaries}")
    if not boundaries:
        raise ValueError("bucket_boundaries must not be empty")
    for start, end in pairwise(boundaries):
        if not isinstance(start, int) or not isinstance(end, int):
            raise TypeError(f"bucket boundaries must be integers, but saw: {start} and {end}")
        if start >= end:
            raise ValueError(f"Buckets must contain sequential increasing lengths, but saw: {start} before {end}")


@export("contrib.training.bucket_by_sequence_length")
def bucket_by_sequence_length(
    input_length: Any, tensors: Any, batch_size: Any, bucket_boundaries: Any, num_threads: int = 1, capacity: int = 32,
    bucket_capacities: Any = None, shapes: Any = None, dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False, keep_input: Any = True, shared_name: str | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """(lengths, batch): batches of sequences whose lengths lie between the same boundaries.

    Raises: TypeError, ValueError: the boundaries are not increasing integers.
    Source: TF 1.15 `tf.contrib.training.bucket_by_sequence_length`.
    """
    tensor_list = _as_tensor_list(tensors)
    _check_boundaries(bucket_boundaries)
    with name_scope(name, "bucket_by_sequence_length", [input_length, *tensor_list]):
        length = tf.convert_to_tensor(input_length, dtype=tf.int32, name="input_length")
        limits = np.iinfo(np.int32)
        lowest, highest = [limits.min, *bucket_boundaries], [*bucket_boundaries, limits.max]
        inside = tf.logical_and(tf.less_equal(lowest, length), tf.less(length, highest))
        which = tf.cast(tf.reduce_min(tf.where_v2(inside)), tf.int32)
        if shapes is not None:
            shapes = [TensorShape([]), *shapes]
        _, taken = bucket(
            [length, *tensor_list], which, batch_size, len(bucket_boundaries) + 1, num_threads, capacity,
            bucket_capacities, shapes, dynamic_pad, allow_smaller_final_batch, keep_input, shared_name,
        )  # fmt: skip
        return taken[0], _as_original_type(tensors, taken[1:])
