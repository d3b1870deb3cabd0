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
        elif isinstance(source, Sequence):
            passes = _Passes(source, shuffle)
            self._items, self._start = passes, passes.restart
        else:
            self._items = source

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
        """Begins a dataset or a sequence anew. An epoch of training goes on where the last one ended on a sequence, and if a number of steps was asked for."""
        if self._start is not None and self._began and (always or (self.is_dataset and not self._asked)):
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
    return parts_of(Batches(x, 1, "steps").next(1), of_dataset=True)


class _Passes(Iterator[Any]):
    """The batches of a sequence, pass after pass; it hears of the end of a pass when the next one begins."""

    def __init__(self, source: Sequence, shuffle: Any):
        self._source, self._shuffle = source, shuffle
        self._order = list(range(len(source)))
        self._left: list[int] | None = None

    def __next__(self) -> Any:
        if not self._left:
            self.restart()
        assert self._left is not None
        return self._source[self._left.pop(0)]

    def restart(self) -> None:
        """Goes on with the first batch."""
        if self._left is not None and not self._left:
            self._source.on_epoch_end()
        if self._shuffle:
            random.shuffle(self._order)
        self._left = list(self._order)


def parts_of(item: Any, of_dataset: bool = False) -> tuple[Any, Any, Any]:
    """Inputs, targets and sample weights of a batch. Raises ValueError: another number of parts."""
    parts = item if isinstance(item, tuple) else (item,)
    if of_dataset and isinstance(item, tuple) and len(parts) not in (2, 3):
        raise ValueError(
            f"Please provide model inputs as a list or tuple of 2 or 3 elements: (input, target) or (input, target, sample_weights) Received {item}"
        )
    if len(parts) not in (1, 2, 3):
        raise ValueError(
            f"Output of generator should be a tuple of 1 or 2 or 3 elements: (input,) or (input, target) or (input, target, sample_weights). Received {item}"
        )
    x, y, weight = (*parts, None, None)[:3]
    return x, y, weight
