"""Sizes of cells as shapes and zeros: what `state_size` and `output_size` say, with a batch before it."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.static_value import constant_value


def _dynamic_part(part: Any, role: str) -> Any:
    """The part as an int32 vector, None if it is not fully known, and its static form."""
    if isinstance(part, tf.Tensor):
        static = constant_value(part)
        if part.shape.ndims == 0:
            return tf.expand_dims(part, 0), [None if static is None else int(static)]
        if part.shape.ndims != 1:
            raise ValueError(f"{role} tensor must be either a scalar or vector, but saw tensor: {part}")
        return part, [None] * (part.shape.as_list()[0] or 0) if static is None else [int(n) for n in static]
    shape = part if isinstance(part, tf.TensorShape) else tf.TensorShape(part if hasattr(part, "__len__") else [part])
    dims = shape.as_list()
    return (tf.constant(dims, dtype=tf.int32) if shape.is_fully_defined() else None), dims


def batch_shape(batch: Any, size: Any, static: bool = False) -> Any:
    """The batch and the size as one shape: an int32 tensor, or where `static` a list with None for what is unknown.

    Raises ValueError: a part is unknown, where a tensor is wanted.
    """
    prefix, prefix_dims = _dynamic_part(batch, "prefix")
    suffix, suffix_dims = _dynamic_part(size, "suffix")
    if static:
        return [*prefix_dims, *suffix_dims]
    if prefix is None or suffix is None:
        raise ValueError(f"Provided a prefix or suffix of None: {batch} and {size}")
    return tf.concat((prefix, suffix), 0)


def static_shape(size: Any) -> Any:
    """The static shape of a size, which may be a tensor."""
    if isinstance(size, tf.Tensor):
        return tf.TensorShape(_dynamic_part(size, "suffix")[1])
    return size if isinstance(size, tf.TensorShape) else tf.TensorShape(size if hasattr(size, "__len__") else [size])


def zeros_of(size: Any, batch: Any, dtype: Any, known_batch: Any = None) -> Any:
    """Zeros of shape `[batch, *size]`, in the structure of `size`."""

    def one(leaf: Any) -> Any:
        value = tf.zeros(batch_shape(batch, leaf), dtype=dtype)
        value.set_shape(batch_shape(batch if known_batch is None else known_batch, leaf, static=True))
        return value

    return nest.map_structure(one, size)
