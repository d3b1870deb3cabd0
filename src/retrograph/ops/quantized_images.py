"""Resizing of quantized images, in fixed-point numbers as TF's kernels for processors have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.op_table import NO_GRADIENT, RECORDS, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.image_kernels import pixel_places
from retrograph.ops.quantized_ranges import first
from retrograph.ops.rows import ints

Array = Any
# Type of the pixels -> bits after the point.
_RESOLUTION = {"uint8": 7, "int32": 30}


def _neighbours(size: int, wanted: int, op: Any) -> tuple[Array, Array, Array]:
    """(indices of the pixels before, those after, how far from the first to the second)."""
    places = pixel_places(size, wanted, op.attrs["align_corners"], op.attrs["half_pixel_centers"])
    low = np.maximum(np.floor(places).astype(np.int64), 0)
    high = np.minimum(np.ceil(places).astype(np.int64), size - 1)
    return low, high, (places - np.floor(places)).astype(np.float32)


def _divided(x: Array, by: int) -> Array:
    """Towards zero, as in C."""
    return np.where(x < 0, -(-x // by), x // by)


def _fixed(x: Array, rows: Any, columns: Any, bits: int) -> Array:
    one = 1 << bits
    values = x.astype(np.int64)
    down, across = ((part * np.float32(one)).astype(np.int64) for part in (rows[2], columns[2]))
    across = across[:, None]

    def along(row: Array) -> Array:
        left, right = row[:, :, columns[0]], row[:, :, columns[1]]
        return left * one + (right - left) * across

    top, bottom = along(values[:, rows[0]]), along(values[:, rows[1]])
    found = top + _divided(bottom - top, one) * down[:, None, None]
    return _divided(found + one // 2, one).astype(x.dtype)


def _floats(x: Array, rows: Any, columns: Any) -> Array:
    across, down = columns[2][:, None], rows[2][:, None, None]

    def along(row: Array) -> Array:
        left, right = row[:, :, columns[0]], row[:, :, columns[1]]
        return left + (right - left) * across

    top, bottom = along(x[:, rows[0]]), along(x[:, rows[1]])
    return top + (bottom - top) * down


def _resized(op: Any, x: Array, size: Array, low: Array, high: Array) -> tuple[Array, Any, Any]:
    height, width = ints(size)
    ends = first(low), first(high)
    if x.shape[1:3] == (height, width):
        return x, *ends
    rows, columns = _neighbours(x.shape[1], height, op), _neighbours(x.shape[2], width, op)
    bits = _RESOLUTION.get(x.dtype.name)
    return (_floats(x, rows, columns) if bits is None else _fixed(x, rows, columns, bits)), *ends


def _resized_shape(c: ShapeContext) -> list[Shape]:
    plain = RECORDS["ResizeBilinear"].shape
    assert plain is not None
    made = plain(c)
    with_rank(c, c.input(2), 0)
    with_rank(c, c.input(3), 0)
    return [*made, (), ()]


register_op("QuantizedResizeBilinear", shape=_resized_shape, numpy=_resized, host=True, gradient=NO_GRADIENT)
