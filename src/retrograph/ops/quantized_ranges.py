"""Quantized integers and the floats that they stand for, as TF's kernels go from one to the other, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
_F = np.float32


def limits(kind: Any) -> tuple[int, int]:
    """The least and the greatest number of an integer type."""
    info = np.iinfo(kind)
    return int(info.min), int(info.max)


def first(value: Array) -> Any:
    """The end of a range, which may be given as a tensor of any rank."""
    return _F(np.ravel(value)[0])


def rounded(x: Any) -> Any:
    """To whole numbers; halves go away from zero, as in C."""
    return np.trunc(x + np.copysign(0.5, x)) if isinstance(x, float) else _rounded_singles(x)


def _rounded_singles(x: Array) -> Array:
    wide = np.asarray(x, np.float64)
    return np.trunc(wide + np.copysign(0.5, wide)).astype(np.asarray(x).dtype)


def unclipped(kind: Any, value: Any, low: Any, high: Any) -> Array:
    """The quantized numbers of floats, i64[...]: also such as the type does not hold."""
    least, greatest = limits(kind)
    value = np.asarray(value, np.float64)
    if low == high:
        return np.full(value.shape, least, np.int64)
    steps = greatest - least + 1
    scale = steps / (float(_F(high) - _F(low)) * (steps / (steps - 1.0)))
    return np.asarray(rounded(value * scale) - rounded(float(low) * scale)).astype(np.int64) + least


def clipped(kind: Any, value: Any, low: Any, high: Any) -> Array:
    """The quantized numbers of floats, as one by one."""
    return np.clip(unclipped(kind, value, low, high), *limits(kind)).astype(kind)


def zero_point(kind: Any, low: Any, high: Any) -> int:
    """The quantized number that stands for 0, not clipped."""
    return int(unclipped(kind, 0.0, low, high))


def to_floats(x: Array, low: Any, high: Any) -> Array:
    """The floats of quantized numbers, as one by one: f32[...]."""
    if low == high:
        return np.full(np.shape(x), low, np.float32)
    least, greatest = limits(x.dtype)
    steps = greatest - least + 1
    scale = float(_F(high) - _F(low)) * (steps / (steps - 1.0)) / steps
    start = rounded(float(_F(low) / _F(scale))) * float(_F(scale))
    return np.asarray(start + (x.astype(np.float64) - least) * scale).astype(np.float32)


def many_to_floats(x: Array, low: Any, high: Any) -> Array:
    """As `to_floats`, as TF has it for whole tensors, in single precision."""
    least, greatest = limits(x.dtype)
    scale = _F(float(_F(high) - _F(low)) / (greatest - least))
    start = _F(low) if low == high else _rounded_singles(_F(low) / scale) * scale
    return (start - _F(least) * scale) + x.astype(np.float32) * scale


def many_from_floats(kind: Any, floats: Array, low: Any, high: Any) -> Array:
    """As `clipped`, as TF has it for whole tensors, in single precision."""
    least, greatest = limits(kind)
    factor = _F(0) if low == high else _F((greatest - least) / float(_F(high) - _F(low)))
    moved = _rounded_singles(floats * factor) - (_rounded_singles(_F(low) * factor) - _F(least))
    bounds = max(_F(least), _F(-2147483648.0)), min(_F(greatest), _F(2147483520.0))
    return np.clip(moved, *bounds).astype(np.int32).astype(kind)


def one_level(kind: Any, low: Any, high: Any) -> Any:
    """How far apart two neighbouring quantized numbers are."""
    least, greatest = limits(kind)
    return (_F(high) - _F(low)) / _F(greatest - least)


def range_of_products(kind: Any, first_range: tuple[Any, Any], second_range: tuple[Any, Any]) -> tuple[Any, Any]:
    """The range of 32-bit products of numbers of two ranges."""
    level = one_level(kind, *first_range) * one_level(kind, *second_range)
    least, greatest = limits(np.int32)
    return _F(level * _F(least)), _F(level * _F(greatest))
