"""`tf.estimator.inputs`: arrays and tables as input functions, through queues."""

from __future__ import annotations

import random
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import dtypes, errors
from retrograph.framework.exports import export
from retrograph.train.queue_runner import QueueRunner, add_queue_runner

_TARGET = "__target_key__"
_SHUFFLE = (
    "shuffle must be provided and explicitly set as boolean (it is recommended to set it as True for training); got {}"
)


def _next_places(
    start: int, size: int, last: int, length: int, epoch: int, epochs: int | None
) -> tuple[list[int], int]:
    """The next places in an array, around its end, and the number of rounds. Raises OutOfRangeError: all rounds are over."""
    if epochs is not None and epoch >= epochs:
        raise errors.OutOfRangeError(None, None, f"Already emitted {epoch} epochs.")
    places = [j % length for j in range(start, start + size)]
    ends = [i for i, place in enumerate(places) if place == last]
    epoch += len(ends)
    if epochs is None or epoch < epochs:
        return places, epoch
    keep = ends[len(ends) - 1 - (epoch - epochs)] + 1
    return places[:keep], epochs


class _Columns:
    """Feeds the rows of columns, batch by batch."""

    def __init__(self, placeholders: list[Any], columns: list[Any], size: int, start: bool, epochs: int | None):
        self._placeholders, self._columns, self._size, self._epochs = placeholders, columns, size, epochs
        self._length = len(columns[0])
        self._epoch = 0
        random.seed(None)
        self._place = random.randrange(self._length) if start else 0
        self._last = (self._place - 1) % self._length

    def __call__(self) -> dict[Any, Any]:
        places, self._epoch = _next_places(self._place, self._size, self._last, self._length, self._epoch, self._epochs)
        self._place = (places[-1] + 1) % self._length
        values = [np.asarray(places), *(c[places] for c in self._columns)]
        return dict(zip(self._placeholders, values, strict=True))


@export("contrib.training.FeedingQueueRunner")
class _FeedingQueueRunner(QueueRunner):
    """A queue runner that feeds what it enqueues. Raises ValueError: not a function for each operation.

    Source: TF 1.15 `tf.contrib.training.FeedingQueueRunner`.
    """

    def __init__(
        self, queue: Any = None, enqueue_ops: Any = None, close_op: Any = None, cancel_op: Any = None, feed_fns: Any = None,
        queue_closed_exception_types: Any = None,
    ):  # fmt: skip
        ends = queue_closed_exception_types
        if ends is None:
            ends = errors.OutOfRangeError, errors.CancelledError
        super().__init__(queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types=ends)
        feeds = [dict] * len(enqueue_ops) if feed_fns is None else feed_fns
        if len(feeds) != len(enqueue_ops):
            raise ValueError("If feed_fns is not None, it must have the same length as enqueue_ops.")
        self._feed_of = dict(zip(enqueue_ops, feeds, strict=True))

    def _run(self, sess: Any, enqueue_op: Any, coord: Any = None) -> None:
        super()._run(_Feeding(sess, self._feed_of[enqueue_op]), enqueue_op, coord)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Raises NotImplementedError."""
        raise NotImplementedError(f"{type(self).__name__} does not support serialization to proto.")


class _Feeding:
    """A session whose callables are fed; it counts as that session."""

    def __init__(self, session: Any, feed: Callable[[], dict[Any, Any]]):
        self._session, self._feed = session, feed

    def make_callable(self, fetches: Any) -> Callable[[], Any]:
        """A function that runs with what is fed next."""
        return lambda: self._session.run(fetches, self._feed())

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """As the session does."""
        return self._session.run(*args, **kwargs)

    def __hash__(self) -> int:
        return hash(self._session)

    def __eq__(self, other: object) -> bool:
        return self._session is getattr(other, "_session", other)


def _enqueued(
    columns: list[Any], capacity: int, shuffle: bool, least: int | None, threads: int, size: int, epochs: int | None
) -> Any:
    with tf.name_scope("enqueue_input"):
        types = [dtypes.int64, *(dtypes.as_dtype(c.dtype) if c.dtype != object else dtypes.string for c in columns)]
        shapes = [(), *(c.shape[1:] for c in columns)]
        if shuffle:
            least = int(capacity / 4 if least is None else least)
            queue: Any = tf.RandomShuffleQueue(capacity, least, dtypes=types, shapes=shapes)
        else:
            least = 0
            queue = tf.FIFOQueue(capacity, dtypes=types, shapes=shapes)
        enqueues, feeds = [], []
        for _ in range(threads):
            placeholders = [tf.placeholder(t) for t in types]
            enqueues.append(queue.enqueue_many(placeholders))
            feeds.append(_Columns(placeholders, columns, size, shuffle, epochs))
        add_queue_runner(_FeedingQueueRunner(queue, enqueues, feed_fns=feeds))
        full = tf.cast(tf.maximum(0, queue.size() - least), tf.float32) * (1.0 / (capacity - least))
        tf.summary.scalar(f"queue/{queue.name}fraction_over_{least}_of_{capacity - least}_full", full)
        return queue


def _features_of(x: Any) -> OrderedDict[str, Any]:
    if isinstance(x, dict):
        if not x:
            raise ValueError("x cannot be an empty dict")
        return OrderedDict(sorted(x.items()))
    if not isinstance(x, np.ndarray):
        raise TypeError(f"x must be a dict or array; got {type(x).__name__}")
    if x.size == 0:
        raise ValueError("x cannot be an empty array")
    return OrderedDict({"__direct_np_input__": x})


def _with_targets(data: OrderedDict[str, Any], y: Any) -> Any:
    """Adds the targets; gives their key, or keys."""
    if y is None:
        return None
    if isinstance(y, dict):
        if not y:
            raise ValueError("y cannot be empty dict, use None instead.")
        twice = set(data) & set(y)
        if twice:
            raise ValueError(f"{len(twice)} duplicate keys are found in both x and y: {twice}")
        data.update(sorted(y.items()))
        return sorted(y)
    key = _TARGET
    while key in data:
        key += "_n"
    data[key] = y
    return key


def _check_lengths(data: OrderedDict[str, Any], features: list[str], y: Any) -> None:
    if len({v.shape[0] for v in data.values()}) == 1:
        return
    of_x = {k: data[k].shape for k in features}
    of_y = {k: v.shape for k, v in y.items()} if isinstance(y, dict) else getattr(y, "shape", None)
    raise ValueError(
        "Length of tensors in x and y is mismatched. All elements in x and y must have the same length.\n"
        f"Shapes in x: {of_x}\nShapes in y: {of_y}\n"
    )


@export("estimator.inputs.numpy_input_fn", "contrib.learn.io.numpy_input_fn")
def numpy_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: Any = None, queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Callable[[], Any]:  # fmt: skip
    """An input function that gives batches of the rows of arrays.

    Raises ValueError: `shuffle` is not said. Source: TF 1.15 `tf.estimator.inputs.numpy_input_fn`.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(_SHUFFLE.format(shuffle))

    def input_fn() -> Any:
        data = _features_of(x)
        features = list(data)
        target = _with_targets(data, y)
        _check_lengths(data, features, y)
        queue = _enqueued(list(data.values()), queue_capacity, shuffle, None, num_threads, batch_size, num_epochs)
        batch = queue.dequeue_many(batch_size) if num_epochs is None else queue.dequeue_up_to(batch_size)
        batch = batch[1:]
        found = batch[0] if isinstance(x, np.ndarray) else dict(zip(features, batch[: len(features)], strict=True))
        if target is None:
            return found
        if isinstance(target, str):
            return found, batch[-1]
        return found, dict(zip(target, batch[-len(target) :], strict=True))

    return input_fn


def _add_targets(table: Any, y: Any, target_column: str) -> dict[Any, Any]:
    """Puts the targets into the table; the columns that they got, by name."""
    if target_column in table:
        raise ValueError(
            f"Cannot use name {target_column} for target column: DataFrame already has a column with that name: {table.columns}"
        )
    if not np.array_equal(table.index, y.index):
        raise ValueError(f"Index for x and y are mismatched.\nIndex for x: {table.index}\nIndex for y: {y.index}\n")
    several = hasattr(y, "columns")
    targets = {}
    for name in list(y) if several else [target_column]:
        own = f"{name}_{uuid.uuid4()}" if name in table else name
        targets[name] = own
        table[own] = y[name] if several else y
    return targets


@export("estimator.inputs.pandas_input_fn", "contrib.learn.io.pandas_input_fn")
def pandas_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: Any = None, queue_capacity: Any = 1000,
    num_threads: int = 1, target_column: Any = "target",
) -> Callable[[], Any]:  # fmt: skip
    """An input function that gives batches of the rows of a pandas table, as a dict by column.

    Raises ValueError: `shuffle` is not said, or indices that differ. Source: TF 1.15 `tf.estimator.inputs.pandas_input_fn`.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(_SHUFFLE.format(shuffle))
    if not isinstance(target_column, str):
        raise TypeError("target_column must be a string type")
    table = x.copy()
    targets = {} if y is None else _add_targets(table, y, target_column)
    if queue_capacity is None:
        queue_capacity = 4 * len(table) if shuffle else len(table)

    def input_fn() -> Any:
        columns = [table[c].to_numpy() for c in table.columns]
        least = max(queue_capacity / 4, 1)
        queue = _enqueued(columns, queue_capacity, shuffle, least, num_threads, batch_size, num_epochs)
        found = queue.dequeue_many(batch_size) if num_epochs is None else queue.dequeue_up_to(batch_size)
        features = dict(zip(table.columns, found[1:], strict=True))
        if y is None:
            return features
        if not hasattr(y, "columns"):
            return features, features.pop(target_column)
        return features, {name: features.pop(own) for name, own in targets.items()}

    return input_fn
