"""`tensorflow.python.framework.common_shapes`: broadcasting of static shapes."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from retrograph.framework.shape import TensorShape, as_shape, unknown_shape

__all__ = ["unknown_shape"]


def _merged(one: int | None, other: int | None) -> int | None:
    """One dimension of the result; ValueError where two cannot be broadcast."""
    if one is None or other is None:
        known = one if other is None else other
        return known if known is not None and known > 1 else None
    if one != other and 1 not in (one, other):
        raise ValueError(f"Incompatible dimensions: {one} and {other}")
    return other if one == 1 else one


def broadcast_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The static shape of `x + y`; unknown if either is. Raises ValueError if they cannot be broadcast."""
    x, y = as_shape(shape_x), as_shape(shape_y)
    if x.ndims is None or y.ndims is None:
        return unknown_shape()
    pairs = zip_longest(reversed(x.as_list()), reversed(y.as_list()), fillvalue=1)
    try:
        dims = [_merged(one, other) for one, other in pairs]
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: {x} and {y}")
    return TensorShape(dims[::-1])


def is_broadcast_compatible(shape_x: Any, shape_y: Any) -> bool:
    """False if two shapes are unknown or cannot be broadcast."""
    if as_shape(shape_x).ndims is None or as_shape(shape_y).ndims is None:
        return False
    try:
        broadcast_shape(shape_x, shape_y)
    except ValueError:
        return False
    return True


def rank(tensor: Any) -> int | None:
    """The static rank of a tensor, None if unknown."""
    ndims: int | None = tensor.get_shape().ndims
    return ndims


def has_fully_defined_shape(tensor: Any) -> bool:
    """True if a tensor's static shape has no unknown part."""
    return bool(tensor.get_shape().is_fully_defined())


def scalar_shape(unused_op: Any) -> list[TensorShape]:
    """The shape function of a scalar output."""
    return [TensorShape([])]


def unchanged_shape(op: Any) -> list[Any]:
    """The shape function of an output like input 0."""
    return [op.inputs[0].get_shape()]
