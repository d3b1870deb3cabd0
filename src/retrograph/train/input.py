"""Input pipelines of queues: producers (`tf.train.string_input_producer`, …) and batches (`tf.train.batch`, …)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.ops.data_flow import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from retrograph.ops.smart_cond import smart_cond
from retrograph.train import sparse_batches
from retrograph.train.queue_runner import QueueRunner, add_queue_runner


@export("train.limit_epochs")
def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """The tensor, which can be taken `num_epochs` times; then OutOfRangeError. It counts in a local variable.

    Raises: ValueError: `num_epochs` is not positive.
    Source: TF 1.15 `tf.train.limit_epochs`.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as scope:
        zero = tf.constant(0, dtype=tf.int64)
        epochs = tf.Variable(zero, name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])
        with tf.control_dependencies([epochs.count_up_to(num_epochs)]):
            return tf.identity(tensor, name=scope)


@export("train.input_producer")
def input_producer(
    input_tensor: Any, element_shape: Any = None, num_epochs: int | None = None, shuffle: bool = True,
    seed: int | None = None, capacity: int = 32, shared_name: str | None = None, summary_name: str | None = None,
    name: str | None = None, cancel_op: Any = None,
) -> QueueBase:  # fmt: skip
    """A queue of the rows of a tensor, shuffled anew each epoch, and its queue runner.

    Raises: ValueError: the shape of the rows is not known.
    Source: TF 1.15 `tf.train.input_producer`.
    """
    with name_scope(name, "input_producer", [input_tensor]):
        rows = tf.convert_to_tensor(input_tensor, name="input_tensor")
        shape = rows.shape[1:].merge_with(element_shape)
        if not shape.is_fully_defined():
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be specified"
            )
        if shuffle:
            rows = tf.random_shuffle(rows, seed=seed)
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(
            capacity=capacity, dtypes=[rows.dtype.base_dtype], shapes=[shape], shared_name=shared_name, name=name
        )  # fmt: skip
        enqueue = queue.enqueue_many([rows])
        add_queue_runner(QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        if summary_name is not None:
            tf.summary.scalar(summary_name, tf.cast(queue.size(), tf.float32) * (1.0 / capacity))
        return queue


@export("train.string_input_producer")
def string_input_producer(
    string_tensor: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None, cancel_op: Any = None,
) -> QueueBase:  # fmt: skip
    """A queue of strings, such as names of files.

    Raises: ValueError: none are given; when it runs InvalidArgumentError.
    Source: TF 1.15 `tf.train.string_input_producer`.
    """
    problem = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and not string_tensor:
        raise ValueError(problem)
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        strings = tf.convert_to_tensor(string_tensor, dtype=tf.string)
        with tf.control_dependencies([tf.Assert(tf.greater(tf.size(strings), 0), [problem])]):
            strings = tf.identity(strings)
        return input_producer(
            strings, [], num_epochs, shuffle, seed, capacity, shared_name, f"fraction_of_{capacity}_full", scope, cancel_op
        )  # fmt: skip


@export("train.range_input_producer")
def range_input_producer(
    limit: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None, capacity: int = 32,
    shared_name: str | None = None, name: str | None = None,
) -> QueueBase:  # fmt: skip
    """A queue of the integers from 0 up to `limit`. Source: TF 1.15 `tf.train.range_input_producer`."""
    with name_scope(name, "input_producer", [limit]) as scope:
        return input_producer(
            tf.range(limit), [], num_epochs, shuffle, seed, capacity, shared_name, f"fraction_of_{capacity}_full", scope
        )  # fmt: skip


@export("train.slice_input_producer")
def slice_input_producer(
    tensor_list: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None, capacity: int = 32,
    shared_name: str | None = None, name: str | None = None,
) -> list[Tensor]:  # fmt: skip
    """Rows of the tensors, those of one index together.

    Raises: ValueError: no tensors.
    Source: TF 1.15 `tf.train.slice_input_producer`.
    """
    with name_scope(name, "input_producer", tensor_list):
        tensors = [tf.convert_to_tensor(t) for t in tensor_list]
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        count = tf.shape(tensors[0])[0]
        queue = range_input_producer(count, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [tf.gather(t, index) for t in tensors]


# ---- batches


def _as_tensor_list(tensors: Any) -> Any:
    return [tensors[k] for k in sorted(tensors, key=str)] if isinstance(tensors, dict) else tensors


def _as_tensor_list_list(tensors_list: Any) -> Any:
    if not tensors_list:
        raise ValueError("Expected at least one set of tensors")
    first = tensors_list[0]
    if isinstance(first, dict) and any(set(t.keys()) != set(first.keys()) for t in tensors_list[1:]):
        raise ValueError("All dictionaries in tensors_list must have the same keys")
    return [_as_tensor_list(t) for t in tensors_list]


def _as_original_type(original: Any, tensors: Any) -> Any:
    if not isinstance(original, dict):
        return tensors
    found = [tensors] if len(original) == 1 else tensors
    return dict(zip(sorted(original, key=str), found, strict=True))


def _converted(tensors: Any) -> list[Any]:
    found = [t if isinstance(t, tf.SparseTensor) else tf.convert_to_tensor(t) for t in tensors]
    if not found:
        raise ValueError("Expected at least one tensor in batch().")
    return found


def _checked_keep(keep_input: Any, enqueue_many: bool) -> Tensor:
    keep: Tensor = tf.convert_to_tensor(keep_input)
    rank = keep.shape.ndims
    if rank is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if not enqueue_many and rank == 1:
        raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    if rank > 1:
        raise ValueError("`keep_input` must be 0 or 1 dimensions.")
    return keep


def _types(lists: Sequence[Sequence[Any]]) -> list[Any]:
    first = [t.dtype for t in lists[0]]
    for others in ([t.dtype for t in tensors] for tensors in lists[1:]):
        if others != first:
            mine, theirs = (", ".join(t.name for t in types) for types in (first, others))
            raise TypeError(f"Expected types to be consistent: {mine} vs. {theirs}.")
    return first


def _shapes(lists: Sequence[Sequence[Any]], shapes: Any, enqueue_many: bool) -> Any:
    if shapes is not None:
        return shapes
    for tensor in (t for tensors in lists for t in tensors):
        if tensor.shape.ndims is None:
            raise ValueError(f"Cannot infer Tensor's rank: {tensor}")
    return [_merged([t.shape for t in column], enqueue_many) for column in zip(*lists, strict=True)]


def _merged(shapes: list[TensorShape], enqueue_many: bool) -> list[int | None]:
    rows = [s.with_rank_at_least(1)[1:] if enqueue_many else s for s in shapes]
    for other in rows[1:]:
        rows[0].merge_with(other)
    return rows[0].as_list()


def _kept(tensors: Sequence[Any], keep: Tensor) -> list[Any]:
    which = tf.cast(keep, tf.int32)
    return [tf.dynamic_partition(t, which, num_partitions=2)[1] for t in tensors]


def _enqueue(queue: QueueBase, tensors: Sequence[Any], enqueue_many: bool, keep: Tensor) -> Any:
    enqueue = queue.enqueue_many if enqueue_many else queue.enqueue
    if keep.shape.ndims == 1:
        return enqueue(_kept(tensors, keep))
    return smart_cond(keep, lambda: enqueue(tensors), tf.no_op)


class _Batching:
    """What `batch` and its variants have in common; what differs is the queue and who fills it."""

    def __init__(self, scope: str, keep_input: Any, enqueue_many: bool, shapes: Any, smaller: bool, shared: str | None):
        self.scope = scope
        self.enqueue_many, self.smaller, self.shared_name = enqueue_many, smaller, shared
        self.keep_input, self.shapes = keep_input, shapes

    def run(
        self,
        lists: list[Any],
        threads: int,
        make_queue: Callable[..., QueueBase],
        summarize: Callable[[QueueBase], Any],
        batch_size: Any,
    ) -> Any:
        """The batch: of `threads` threads on one list of tensors, or one thread on each of several lists."""
        lists = [_converted(tensors) for tensors in lists]
        keep = _checked_keep(self.keep_input, self.enqueue_many)
        lists, sparse = sparse_batches.stored(lists, self.enqueue_many, keep)
        queue = make_queue(
            dtypes=_types(lists), shapes=_shapes(lists, self.shapes, self.enqueue_many), shared_name=self.shared_name
        )
        enqueues = [_enqueue(queue, tensors, self.enqueue_many, keep) for tensors in lists]
        add_queue_runner(QueueRunner(queue, enqueues * threads))
        summarize(queue)
        take = queue.dequeue_up_to if self.smaller else queue.dequeue_many
        return sparse_batches.restored(take(batch_size, name=self.scope), sparse)


def _plain_queue(capacity: int, dynamic_pad: bool) -> tuple[Any, Any]:
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue

    def make(**arguments: Any) -> QueueBase:
        return kind(capacity=capacity, **arguments)

    def summarize(queue: QueueBase) -> None:
        full = tf.cast(queue.size(), tf.float32) * (1.0 / capacity)
        tf.summary.scalar(f"fraction_of_{capacity}_full", full)

    return make, summarize


def _shuffling_queue(capacity: int, least: int, seed: int | None) -> tuple[Any, Any]:
    def make(**arguments: Any) -> QueueBase:
        return RandomShuffleQueue(capacity=capacity, min_after_dequeue=least, seed=seed, **arguments)

    def summarize(queue: QueueBase) -> None:
        room = capacity - least
        full = tf.cast(tf.maximum(0, queue.size() - least), tf.float32) * (1.0 / room)
        tf.summary.scalar(f"fraction_over_{least}_of_{room}_full", full)

    return make, summarize


def _check_capacity(capacity: int, least: int) -> None:
    if capacity <= least:
        raise ValueError(f"capacity {capacity} must be bigger than min_after_dequeue {least}.")


@export("train.maybe_batch")
def maybe_batch(
    tensors: Any, keep_input: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32,
    enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """As `batch`, of the elements for which `keep_input` holds. Source: TF 1.15 `tf.train.maybe_batch`."""
    tensor_list = _as_tensor_list(tensors)
    with name_scope(name, "batch", [*tensor_list, keep_input]) as scope:
        make, summarize = _plain_queue(capacity, dynamic_pad)
        batching = _Batching(scope, keep_input, enqueue_many, shapes, allow_smaller_final_batch, shared_name)
        return _as_original_type(tensors, batching.run([tensor_list], num_threads, make, summarize, batch_size))


@export("train.batch")
def batch(
    tensors: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Batches of `tensors` (a list or dict), through a queue that `num_threads` threads fill.

    `dynamic_pad` pads to the largest of a batch; `allow_smaller_final_batch` keeps what is left at the end.
    Source: TF 1.15 `tf.train.batch`.
    """
    return maybe_batch(
        tensors, True, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name,
    )  # fmt: skip


@export("train.maybe_batch_join")
def maybe_batch_join(
    tensors_list: Any, keep_input: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """As `batch_join`, of the elements for which `keep_input` holds. Source: TF 1.15 `tf.train.maybe_batch_join`."""
    lists = _as_tensor_list_list(tensors_list)
    with name_scope(name, "batch_join", [*(t for tensors in lists for t in tensors), keep_input]) as scope:
        make, summarize = _plain_queue(capacity, dynamic_pad)
        batching = _Batching(scope, keep_input, enqueue_many, shapes, allow_smaller_final_batch, shared_name)
        return _as_original_type(tensors_list[0], batching.run(lists, 1, make, summarize, batch_size))


@export("train.batch_join")
def batch_join(
    tensors_list: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False, shapes: Any = None,
    dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Batches of elements that one thread for each of `tensors_list` adds. Source: TF 1.15 `tf.train.batch_join`."""
    return maybe_batch_join(
        tensors_list, True, batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name,
    )  # fmt: skip


@export("train.maybe_shuffle_batch")
def maybe_shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """As `shuffle_batch`, of the elements for which `keep_input` holds.

    Source: TF 1.15 `tf.train.maybe_shuffle_batch`.
    """
    tensor_list = _as_tensor_list(tensors)
    with name_scope(name, "shuffle_batch", [*tensor_list, keep_input]) as scope:
        _check_capacity(capacity, min_after_dequeue)
        make, summarize = _shuffling_queue(capacity, min_after_dequeue, seed)
        batching = _Batching(scope, keep_input, enqueue_many, shapes, allow_smaller_final_batch, shared_name)
        return _as_original_type(tensors, batching.run([tensor_list], num_threads, make, summarize, batch_size))


@export("train.shuffle_batch")
def shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Batches of elements at random, of at least `min_after_dequeue` that wait.

    Raises: ValueError: `capacity` is not larger than that.
    Source: TF 1.15 `tf.train.shuffle_batch`.
    """
    return maybe_shuffle_batch(
        tensors, batch_size, capacity, min_after_dequeue, True, num_threads, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name,
    )  # fmt: skip


@export("train.maybe_shuffle_batch_join")
def maybe_shuffle_batch_join(
    tensors_list: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """As `shuffle_batch_join`, of the elements for which `keep_input` holds.

    Source: TF 1.15 `tf.train.maybe_shuffle_batch_join`.
    """
    lists = _as_tensor_list_list(tensors_list)
    with name_scope(name, "shuffle_batch_join", [*(t for tensors in lists for t in tensors), keep_input]) as scope:
        make, summarize = _shuffling_queue(capacity, min_after_dequeue, seed)
        batching = _Batching(scope, keep_input, enqueue_many, shapes, allow_smaller_final_batch, shared_name)
        return _as_original_type(tensors_list[0], batching.run(lists, 1, make, summarize, batch_size))


@export("train.shuffle_batch_join")
def shuffle_batch_join(
    tensors_list: Any, batch_size: Any, capacity: int, min_after_dequeue: int, seed: int | None = None,
    enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Shuffled batches of elements that one thread for each of `tensors_list` adds.

    Source: TF 1.15 `tf.train.shuffle_batch_join`.
    """
    return maybe_shuffle_batch_join(
        tensors_list, batch_size, capacity, min_after_dequeue, True, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name,
    )  # fmt: skip
