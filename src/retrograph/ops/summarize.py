"""Arrays as the short texts that TF's assertions and prints show."""

from __future__ import annotations

from typing import Any

import numpy as np

_ESCAPES = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord('"'): '\\"', ord("'"): "\\'", ord("\\"): "\\\\"}


def escape(value: bytes) -> str:
    """Bytes as C source would write them, without quotes."""
    return "".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in value)


def _float(value: Any, digits: int, kind: type[Any]) -> str:
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{float(value):.{digits}g}"
    if kind(text) != value:
        text = f"{float(value):.{digits + (3 if digits == 6 else 2)}g}"
    return text


def element(value: Any, quotes: bool = False) -> str:
    """One element as TF prints it: floats with the digits that tell them apart, bools as 0 and 1."""
    if isinstance(value, (bytes, str)):
        raw = value.encode() if isinstance(value, str) else value
        return f'"{escape(raw)}"' if quotes else escape(raw)
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (np.float64, float)):
        return _float(value, 15, float)
    if isinstance(value, (complex, np.complexfloating)):
        return "?"
    if isinstance(value, (np.integer, int)):
        return str(int(value))
    return _float(np.float32(value), 6, np.float32)


def _flat(array: np.ndarray[Any, Any]) -> list[Any]:
    return list(array.reshape(-1))


def summarize_value(value: Any, max_entries: int) -> str:
    """The first `max_entries` elements (all if negative), rows in brackets, as `tf.Assert` and `tf.Print` show them.

    >>> summarize_value(np.array([[1, 2], [3, 4]]), 3)
    '[1 2][3...]...'
    """
    array = np.asarray(value)
    limit = array.size if max_entries < 0 else min(max_entries, array.size)
    if array.ndim == 0:
        text = element(array.reshape(-1)[0]) if limit else ""
    else:
        text = _rows(_flat(array), array.shape, 0, [0], limit)
    return text + ("..." if array.size > limit else "")


def _rows(flat: list[Any], shape: tuple[int, ...], axis: int, at: list[int], limit: int) -> str:
    if at[0] >= limit:
        return ""
    if axis == len(shape) - 1:
        return _last_row(flat, shape[axis], axis, at, limit)
    parts = []
    for _ in range(shape[axis]):
        opened = at[0] < limit
        inner = _rows(flat, shape, axis + 1, at, limit)
        parts.append(f"[{inner}]" if opened else inner)
    return "".join(parts)


def _last_row(flat: list[Any], count: int, axis: int, at: list[int], limit: int) -> str:
    shown = min(count, limit - at[0])
    text = " ".join(element(x) for x in flat[at[0] : at[0] + shown])
    at[0] += shown
    return text + ("..." if shown < count and axis != 0 else "")


def summarize_ends(value: Any, max_entries: int) -> str:
    """The first and last `max_entries` along every axis (all if negative), as `tf.print` shows them.

    >>> summarize_ends(np.arange(8), 2)
    '[0 1 ... 6 7]'
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return element(array.reshape(-1)[0], quotes=True)
    return _ends(array, max_entries, 0, array.ndim)


def _ends(array: Any, edge: int, depth: int, rank: int) -> str:
    size = array.shape[0]
    show_all = edge < 0 or size <= 2 * edge
    indices = range(size) if show_all else [*range(edge), *range(size - edge, size)]
    if array.ndim == 1:
        parts = [element(array[i], quotes=True) for i in indices]
    else:
        parts = [_ends(array[i], edge, depth + 1, rank) for i in indices]
    if not show_all:
        parts.insert(edge, "...")
    between = " " if array.ndim == 1 else "\n" * (rank - depth - 1) + " " * (depth + 1)
    return f"[{between.join(parts)}]"
