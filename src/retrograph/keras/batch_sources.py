"""What gives batches to `fit`, `evaluate` and `predict` one by one: generators, `Sequence`s, datasets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.logger import get_logger
from retrograph.keras.sequences import Sequence

_INFINITE = -1
_ITERATORS_REFUSED = (
    "For performance reasons Keras `fit`, `evaluate` and`predict` accept tf.data `Datasets` as input but not iterators that "
    "have been manually generated from Datasets by users. Please directly pass in the original `Dataset` object instead of "
    "passing in `iter(dataset)`."
)


def is_dataset(x: Any) -> bool:
    """Whether it is a dataset. Raises ValueError: it is an iterator of one."""
    if hasattr(x, "get_next") and hasattr(x, "output_types"):
        raise ValueError(_ITERATORS_REFUSED)
    return isinstance(x, tf.data.Dataset) or hasattr(x, "make_initializable_iterator")


def is_generator(x: Any) -> bool:
    """Whether it gives batches."""
    return is_dataset(x) or (isinstance(x, (Iterator, Sequence)) and not isinstance(x, (list, tuple, dict)))


def check_beside(x: Any, **given: Any) -> None:
    """Raises ValueError for arguments that batches bring along themselves, or that need arrays."""
    if given.get("batch_size") is not None:
        raise ValueError(
            f"The `batch_size` argument must not be specified for the given input type. Received input: {x}, batch_size: {given['batch_size']}"
        )
    if not is_dataset(x):
        return
    if given.get("y") is not None:
        raise ValueError(
            f"You passed a dataset or dataset iterator ({x}) as input `x` to your model. In that case, you should not specify a target (`y`) argument, since the dataset or dataset "
            f"iterator generates both input data and target data. Received: {given['y']}"
        )
    if given.get("sample_weight") is not None:
        raise ValueError(
            "`sample_weight` argument is not supported when input `x` is a dataset or a dataset iterator. Instead, youcan provide sample_weight as the third element  of your dataset, "
            f"i.e. (inputs, targets, sample_weight). Received: x={x}, sample_weight={given['sample_weight']}"
        )
    if given.get("validation_split"):
        raise ValueError(
            f"`validation_split` argument is not supported when input `x` is a dataset or a dataset iterator. Received: x={x}, validation_split={given['validation_split']}"
        )


class Batches:
    """Batches of a source, one by one; `steps` of them in an epoch, None if no one knows yet."""

    def __init__(self, source: Any, steps: Any, argument: str, shuffle: Any = False):
        self.is_dataset = is_dataset(source)
        self._argument, self._asked = argument, steps is not None
        self.steps: int | None = int(steps) if steps is not None else self._told(source)
        self._items: Iterator[Any] = iter(())
        self._start: Any = None
        self._began = False
        if self.is_dataset:
            self._open(source)
        else:
            self._items = _sequenced(source, shuffle) if isinstance(source, Sequence) else source

    def _told(self, source: Any) -> int | None:
        """The number of batches that a source tells itself."""
        if isinstance(source, Sequence):
            return len(source)
        if not self.is_dataset:
            raise ValueError(
                "Please specify the number of steps (`steps_per_epoch` or `steps`): a generator does not tell how many batches it gives."
            )
        count = int(tf.keras.backend.get_value(tf.data.experimental.cardinality(source)))
        if count == _INFINITE:
            raise ValueError(
                f"When passing an infinitely repeating dataset, you must specify the `{self._argument}` argument."
            )
        return count if count >= 0 else None

    def _open(self, dataset: Any) -> None:
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
        following = iterator.get_next()
        session = tf.keras.backend.get_session()
        self._start = lambda: session.run(iterator.initializer)
        self._items = _runs(session, following)
        self._start()

    def restart(self, always: bool = False) -> None:
        """Begins a dataset anew. If a number of steps was asked for, an epoch of training goes on where the last one ended."""
        if self._start is not None and self._began and (always or not self._asked):
            self._start()
            self._began = False

    def next(self, epochs: int) -> Any:
        """The next batch; None after the last, with a warning if more of them were asked for."""
        self._began = True
        item = next(self._items, None)
        if item is None and self.ends_training:
            self._warn(epochs)
        return item

    def _warn(self, epochs: int) -> None:
        get_logger().warning(
            "Your dataset ran out of data; interrupting training. Make sure that your dataset can generate at least `%s * epochs` batches (in this case, %d batches). "
            "You may need to use the repeat() function when building your dataset.",
            self._argument,
            (self.steps or 0) * epochs,
        )

    @property
    def ends_training(self) -> bool:
        """Whether there should have been more batches, when there are none."""
        return self._asked or not self.is_dataset

    def size(self, rows: int) -> int:
        """What callbacks hear as the size of a batch."""
        return 1 if self.is_dataset else rows


def _runs(session: Any, following: Any) -> Iterator[Any]:
    """Each run's batch. A function's iterator would compare arrays with its sentinel."""
    while True:
        try:
            item = session.run(following)
        except errors.OutOfRangeError:
            item = None
        yield item


def first_of(x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights: those given, or a dataset's first batch."""
    if not is_dataset(x):
        return x, y, sample_weight
    check_beside(x, y=y, sample_weight=sample_weight)
    return parts_of(Batches(x, 1, "steps").next(1))


def _sequenced(source: Sequence, shuffle: Any) -> Iterator[Any]:
    order = list(range(len(source)))
    while True:
        if shuffle:
            random.shuffle(order)
        for index in order:
            yield source[index]
        source.on_epoch_end()


def parts_of(item: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and sample weights of a batch. Raises ValueError: another number of parts."""
    if not isinstance(item, tuple):
        return item, None, None
    if len(item) not in (2, 3):
        raise ValueError(f"Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. Found: {item}")
    return item[0], item[1], item[2] if len(item) == 3 else None
