"""Diagonals of a band of matrices: op types of which graphs hold the second version."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import (
    ShapeContext,
    merge,
    with_rank,
    with_rank_at_least,
    with_rank_at_most,
)
from retrograph.ops.rows import both, ints, refuse

Array = Any


def _band(op: Any, k: Array) -> tuple[int, int]:
    low, high = (ints(k) * 2)[:2]
    if low > high:
        refuse(op, f"lower_diag_index must not be larger than upper_diag_index: {low} > {high}")
    return low, high


def _diagonal_places(low: int, high: int, rows: int, columns: int) -> tuple[Array, Array, Array]:
    """(rows, columns, whether they are in the matrix) of the elements of diagonals, the highest first."""
    offsets = np.arange(high, low - 1, -1)[:, None]
    longest = min(rows + min(high, 0), columns - max(low, 0))
    steps = np.arange(longest)[None, :]
    at_row, at_column = steps + np.maximum(-offsets, 0), steps + np.maximum(offsets, 0)
    return at_row, at_column, (at_row < rows) & (at_column < columns)


def _check_band(op: Any, low: int, high: int, rows: int, columns: int) -> None:
    for name, value in (("lower_diag_index", low), ("upper_diag_index", high)):
        if not (-rows < value < columns or value == 0):
            refuse(op, f"{name} is out of bound: {value}. It must be between {-rows} and {columns}")


def _diagonal_part(xp: Any, op: Any, x: Array, k: Array, padding: Array) -> Array:
    low, high = _band(op, k)
    rows, columns = x.shape[-2:]
    _check_band(op, low, high, rows, columns)
    at_row, at_column, inside = _diagonal_places(low, high, rows, columns)
    taken = x[..., np.minimum(at_row, rows - 1), np.minimum(at_column, columns - 1)]
    found = xp.where(inside, taken, xp.asarray(padding, x.dtype))
    return found[..., 0, :] if low == high else found


def _set_diagonals(xp: Any, x: Array, diagonals: Array, low: int, high: int) -> Array:
    rows, columns = x.shape[-2:]
    at_row, at_column, inside = _diagonal_places(low, high, rows, columns)
    diagonals = diagonals.reshape((*x.shape[:-2], *at_row.shape))
    rank, place = np.zeros((2, rows, columns), np.int64)
    is_set = np.zeros((rows, columns), bool)
    for i, j in np.argwhere(inside):
        where = at_row[i, j], at_column[i, j]
        rank[where], place[where], is_set[where] = i, j, True
    return xp.where(is_set, diagonals[..., rank, place], x)


def _set_diagonal(xp: Any, op: Any, x: Array, diagonal: Array, k: Array) -> Array:
    low, high = _band(op, k)
    _check_band(op, low, high, *x.shape[-2:])
    return _set_diagonals(xp, x, diagonal, low, high)


def _matrix_of(xp: Any, op: Any, diagonal: Array, k: Array, rows: Array, columns: Array, padding: Array) -> Array:
    low, high = _band(op, k)
    count = high - low + 1
    if count > 1 and (diagonal.ndim < 2 or diagonal.shape[-2] != count):
        text = "The number of diagonals provided in the input does not match the lower_diag_index and upper_diag_index range."
        refuse(op, text)
    longest = diagonal.shape[-1]
    least = longest - min(high, 0), longest + max(low, 0)
    height, width = _matrix_sizes(op, int(rows), int(columns), least)
    batch = diagonal.shape[: -1 if count == 1 else -2]
    filled = xp.broadcast_to(xp.asarray(padding, diagonal.dtype), (*batch, height, width))
    return _set_diagonals(xp, filled, diagonal, low, high)


def _matrix_sizes(op: Any, rows: int, columns: int, least: tuple[int, int]) -> tuple[int, int]:
    if rows != -1 and rows < least[0]:
        refuse(op, "The number of rows is too small.")
    if columns != -1 and columns < least[1]:
        refuse(op, "The number of columns is too small.")
    if rows == columns == -1:
        return max(least), max(least)
    height, width = least[0] if rows == -1 else rows, least[1] if columns == -1 else columns
    if height != least[0] and width != least[1]:
        refuse(op, "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal.")
    return height, width


def _known_band(c: ShapeContext, index: int) -> tuple[int, int] | None:
    """The lowest and highest diagonal as far as input `index` is known."""
    with_rank_at_most(c, c.input(index), 1)
    value = c.constant(index)
    if value is None:
        return None
    if value.size not in (1, 2):
        c.fail(f"diag_index must be a vector with one or two elements. It has {value.size} elements.")
    low, high = (ints(value) * 2)[:2]
    if low > high:
        c.fail("lower_diag_index is greater than upper_diag_index")
    return low, high


def _check_static(c: ShapeContext, band: tuple[int, int], rows: int | None, columns: int | None) -> None:
    if rows is None or columns is None:
        return
    for name, value in zip(("lower", "upper"), band, strict=True):
        if value != 0 and not -rows < value < columns:
            c.fail(f"{name}_diag_index is out of bound.")


def _part_shape(c: ShapeContext) -> list[Shape]:
    x, band = with_rank_at_least(c, c.input(0), 2), _known_band(c, 1)
    with_rank(c, c.input(2), 0)
    if x is None or band is None:
        return [None]
    low, high = band
    *batch, rows, columns = x
    _check_static(c, band, rows, columns)
    known = rows is not None and columns is not None
    longest = min(rows + min(high, 0), columns - max(low, 0)) if known else None  # type: ignore[operator]
    return [(*batch, *([high - low + 1] if low < high else []), longest)]


def _set_shape(c: ShapeContext) -> list[Shape]:
    x, diagonal = with_rank_at_least(c, c.input(0), 2), with_rank_at_least(c, c.input(1), 1)
    band = _known_band(c, 2)
    if x is not None:
        if band is None:
            with_rank_at_most(c, with_rank_at_least(c, diagonal, len(x) - 1), len(x))
        else:
            diagonal = with_rank(c, diagonal, len(x) - (band[0] == band[1]))
            _check_static(c, band, x[-2], x[-1])
    if diagonal is not None and (x is None or None in x):
        batch = diagonal[: -1 if band is None or band[0] == band[1] else -2]
        x = merge(c, x, (*batch, None, None))
    return [x]


def _static_number(c: ShapeContext, index: int) -> int:
    with_rank(c, c.input(index), 0)
    value = c.constant(index)
    return -1 if value is None else int(value)


def _matrix_shape(c: ShapeContext) -> list[Shape]:
    diagonal, band = with_rank_at_least(c, c.input(0), 1), _known_band(c, 1)
    rows, columns = _static_number(c, 2), _static_number(c, 3)
    with_rank(c, c.input(4), 0)
    if diagonal is None or band is None or diagonal[-1] is None:
        return [None]
    low, high = band
    if low < high and diagonal[-2] != high - low + 1:
        text = "The number of rows of `diagonal` doesn't match the number of diagonals implied from `d_lower` and `d_upper`."
        c.fail(f"{text}\nnum_diags = {diagonal[-2]}, d_lower = {low}, d_upper = {high} {len(diagonal)} {diagonal[-1]}")
    least = diagonal[-1] - min(high, 0), diagonal[-1] + max(low, 0)
    sizes = _static_sizes(c, rows, columns, least)
    return [(*diagonal[: -1 if low == high else -2], *sizes)]


def _static_sizes(c: ShapeContext, rows: int, columns: int, least: tuple[int, int]) -> tuple[int, int]:
    if rows == columns == -1:
        return max(least), max(least)
    height, width = least[0] if rows == -1 else rows, least[1] if columns == -1 else columns
    if height < least[0]:
        c.fail("num_rows is too small")
    if width < least[1]:
        c.fail("num_cols is too small.")
    if height != least[0] and width != least[1]:
        text = "num_rows and num_cols are not consistent with lower_diag_index, upper_diag_index, and the length of the given diagonals."
        counts = f"num_rows = {height} != min_num_rows = {least[0]}, num_cols = {width} != min_num_cols = {least[1]}"
        c.fail(f"{text}\n{counts}")
    return height, width


register_op("MatrixDiagPartV2", shape=_part_shape, static_inputs=(1,), **both(_diagonal_part))
register_op("MatrixSetDiagV2", shape=_set_shape, static_inputs=(2,), **both(_set_diagonal))
register_op("MatrixDiagV2", shape=_matrix_shape, static_inputs=(1, 2, 3), **both(_matrix_of))
