"""Arrays as inputs of `tf.contrib.learn`: fed batch by batch, in an order that is always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.platform import logging

Array = Any


def _array(value: Any) -> Array:
    found = np.array(value.values if hasattr(value, "values") and not isinstance(value, dict) else value)
    if found.dtype == np.float64:
        logging.warning("float64 is not supported by many models, consider casting to float32.")
    return found


def _each(function: Callable[[Any], Any], given: Any) -> Any:
    return {key: function(value) for key, value in given.items()} if isinstance(given, dict) else function(given)


class ArrayFeeder:
    """Feeds `x` and `y`, arrays or dicts of them, shuffled anew each epoch if so asked."""

    def __init__(self, x: Any, y: Any, batch_size: int | None, shuffle: bool, epochs: int | None):
        self._x, self._y = _each(_array, x), None if y is None else _each(_array, y)
        first = next(iter(self._x.values())) if isinstance(self._x, dict) else self._x
        self._size, self._epochs, self._epoch, self._offset = len(first), epochs, 0, 0
        self._batch_size = int(batch_size or self._size)
        self._random = np.random.RandomState(42) if shuffle else None
        self._order = self._shuffled()
        self._places: list[tuple[Any, Array]] = []

    def _shuffled(self) -> Array:
        return np.arange(self._size) if self._random is None else self._random.permutation(self._size)

    def input_fn(self) -> tuple[Any, Any]:
        """The placeholders of (x, y)."""
        self._places = []
        return self._placeholders(self._x, "input"), self._placeholders(self._y, "output")

    def _placeholders(self, given: Any, name: str) -> Any:
        if isinstance(given, dict):
            return {key: self._placeholder(value, f"{name}_{key}") for key, value in given.items()}
        return None if given is None else self._placeholder(given, name)

    def _placeholder(self, value: Array, name: str) -> Tensor:
        made = tf.placeholder(tf.as_dtype(value.dtype), [None, *value.shape[1:]], name=name)
        self._places.append((made, value))
        return made  # type: ignore[no-any-return]

    def feed(self) -> dict[Tensor, Array]:
        """The next batch. Raises StopIteration after the last epoch."""
        if self._epochs is not None and self._epoch >= self._epochs:
            raise StopIteration
        end = min(self._size, self._offset + self._batch_size)
        chosen = self._order[self._offset : end]
        self._offset = end
        if end >= self._size:
            self._epoch, self._offset, self._order = self._epoch + 1, 0, self._shuffled()
        return {place: value[chosen] for place, value in self._places}


def checked_inputs(x: Any, y: Any, input_fn: Any, batch_size: Any) -> None:
    """Raises ValueError unless either arrays or a function of inputs are given."""
    if input_fn is None:
        if x is None:
            raise ValueError("Either x or input_fn must be provided.")
        if isinstance(x, Tensor) or isinstance(y, Tensor):
            raise ValueError("Inputs cannot be tensors. Please provide input_fn.")
        return
    if x is not None or y is not None:
        raise ValueError("Can not provide both input_fn and x or y.")
    if batch_size is not None:
        raise ValueError("Can not provide both input_fn and batch_size.")


@export("contrib.learn.infer_real_valued_columns_from_input_fn")
def infer_real_valued_columns_from_input_fn(input_fn: Callable[[], Any]) -> list[Any]:
    """A real valued column for each feature that an input function gives.

    Source: TF 1.15 `tf.contrib.learn.infer_real_valued_columns_from_input_fn`.
    """
    with tf.Graph().as_default():
        features, _ = input_fn()
        return _columns(features)


@export("contrib.learn.infer_real_valued_columns_from_input")
def infer_real_valued_columns_from_input(x: Any) -> list[Any]:
    """A real valued column for an array, or for each array of a dict.

    Source: TF 1.15 `tf.contrib.learn.infer_real_valued_columns_from_input`.
    """
    checked_inputs(x, None, None, None)
    return infer_real_valued_columns_from_input_fn(ArrayFeeder(x, None, None, False, 1).input_fn)


def _columns(features: Any) -> list[Any]:
    if isinstance(features, dict):
        return [_column(key, features[key]) for key in sorted(features)]
    return [_column("", features)]


def _column(name: str, tensor: Tensor) -> Any:
    shape = tensor.get_shape().with_rank(2)
    return tf.contrib.layers.real_valued_column(name, dimension=shape[1].value, dtype=tensor.dtype)
