"""Images as PNG, with the filters and the compression that libpng chooses, so that the bytes are TensorFlow's."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)
_BLOCK = 1 << 20
_CHUNK = 8192
_SMALL = 1 << 14


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _paeth(left: Any, up: Any, corner: Any) -> Any:
    estimate = left + up - corner
    to_left, to_up, to_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)


def _shifted(rows: Any, step: int) -> Any:
    made = np.zeros_like(rows)
    made[:, step:] = rows[:, :-step] if step < rows.shape[1] else 0
    return made


def _filtered(rows: Any, before: Any, step: int, choices: tuple[int, ...]) -> bytes:
    """Rows after the filter that gives the smallest sum of absolute differences; the first of several that do."""
    up = np.concatenate([before[None], rows[:-1]])
    left, corner = _shifted(rows, step), _shifted(up, step)
    guesses: dict[int, Callable[[], Any]] = {
        _NONE: lambda: 0,
        _SUB: lambda: left,
        _UP: lambda: up,
        _AVERAGE: lambda: (left + up) >> 1,
        _PAETH: lambda: _paeth(left, up, corner),
    }
    candidates = np.stack([(rows - guesses[c]()).astype(np.uint8) for c in choices])
    costs = np.minimum(candidates, np.negative(candidates)).sum(-1, dtype=np.int64)
    best = costs.argmin(0)
    chosen = candidates[best, np.arange(len(rows))]
    filtered: bytes = np.concatenate([np.asarray(choices, np.uint8)[best][:, None], chosen], 1).tobytes()
    return filtered


def _choices(height: int, width: int) -> tuple[int, ...]:
    """The filters that can make a difference: those that look left need two columns, those that look up two rows."""
    if width == 1 and height == 1:
        return (_NONE,)
    if width == 1:
        return (_NONE, _UP)
    return (_NONE, _SUB) if height == 1 else (_NONE, _SUB, _UP, _AVERAGE, _PAETH)


def _scanlines(rows: Any, step: int, choices: tuple[int, ...]) -> Iterator[bytes]:
    count = max(1, _BLOCK // rows.shape[1])
    before = np.zeros(rows.shape[1], np.int16)
    for start in range(0, len(rows), count):
        block = rows[start : start + count].astype(np.int16)
        yield _filtered(block, before, step, choices)
        before = block[-1]


def _window(size: int) -> int:
    """The logarithm of zlib's window for so many bytes."""
    bits = zlib.MAX_WBITS
    while size <= _SMALL and bits > 9 and size + 262 <= 1 << (bits - 1):
        bits -= 1
    return bits


def _smallest_header(data: bytes, size: int) -> bytes:
    """The zlib stream with the smallest window noted in its header."""
    if size > _SMALL:
        return data
    method, window = data[0] & 15, data[0] >> 4
    while window > 0 and size <= 1 << (window + 7):
        window -= 1
    head = (window << 4) | method
    flags = data[1] & 0xE0
    return bytes([head, flags + 31 - ((head << 8) + flags) % 31]) + data[2:]


def encode_png(pixels: Any, level: int = -1) -> bytes:
    """The PNG file of `uint8[height, width, channels]` or `uint16[...]`, of 1 to 4 channels; `level` is zlib's.

    >>> encode_png(np.zeros((2, 2, 3), np.uint8))[:4]
    b'\\x89PNG'

    Raises: ValueError for other shapes and for no pixels.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[-1] not in _COLOR_TYPES or not pixels.size:
        raise ValueError(f"a PNG image is [height, width, 1 to 4 channels], not {pixels.shape}")
    height, width, channels = pixels.shape
    wide = pixels.astype(pixels.dtype.newbyteorder(">"), copy=False)
    rows = np.ascontiguousarray(wide).view(np.uint8).reshape(height, -1)
    size = height * (rows.shape[1] + 1)
    deflate = zlib.compressobj(level, zlib.DEFLATED, _window(size), 9, zlib.Z_FILTERED)
    lines = _scanlines(rows, channels * pixels.dtype.itemsize, _choices(height, width))
    data = _smallest_header(b"".join([*map(deflate.compress, lines), deflate.flush()]), size)
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, _COLOR_TYPES[channels], 0, 0, 0)
    parts = [_chunk(b"IDAT", data[i : i + _CHUNK]) for i in range(0, len(data), _CHUNK)]
    return b"".join([_SIGNATURE, _chunk(b"IHDR", head), *parts, _chunk(b"IEND", b"")])
