"""Shapes put together of a batch's size and a state's, which copies of TF's recurrent loops take by an inner name."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value


def _part(given: Any, what: str) -> tuple[Any, Any]:
    """A shape as int32[rank], None if it is not fully known, and what is known of it."""
    if not isinstance(given, Tensor):
        shape = tf.TensorShape(given)
        known = shape.as_list() if shape.ndims is not None else None
        return (tf.constant(known, dtype=tf.int32) if shape.is_fully_defined() else None), known
    if given.shape.ndims not in (0, 1):
        raise ValueError(f"{what} tensor must be either a scalar or vector, but saw tensor: {given}")
    return (tf.expand_dims(given, 0) if given.shape.ndims == 0 else given), constant_value(given)


def joined(prefix: Any, suffix: Any, static: bool = False) -> Any:
    """Both shapes one after the other: int32[rank], or a list where `static`. Raises ValueError: parts not known.

    Source: TF 1.15 `tensorflow.python.ops.rnn_cell_impl._concat`.
    """
    first, first_known = _part(prefix, "prefix")
    second, second_known = _part(suffix, "suffix")
    if static:
        shape = tf.TensorShape(first_known).concatenate(second_known)
        return shape.as_list() if shape.ndims is not None else None
    if first is None or second is None:
        raise ValueError(f"Provided a prefix or suffix of None: {prefix} and {suffix}")
    return tf.concat((first, second), 0)
