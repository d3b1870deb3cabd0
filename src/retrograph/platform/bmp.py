"""BMP files read as TensorFlow reads them: without palettes and compression."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

_SHORTEST = 32


class BmpError(ValueError):
    """The bytes are no BMP file that can be read. Texts are TensorFlow's."""


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise BmpError(text)


def decode_bmp(data: bytes, channels: int = 0) -> Any:
    """The image of a file of 1, 3 or 4 bytes a pixel: `uint8[height, width, channels]`. Raises: BmpError."""
    _require(
        len(data) >= _SHORTEST,
        "Incomplete bmp content, requires at least 32 bytes to find the header size, width, height, and bpp, got "
        f"{len(data)} bytes",
    )
    (start,), (width, height), (bits,) = (
        struct.unpack_from(f, data, i) for f, i in (("<i", 10), ("<ii", 18), ("<i", 28))
    )
    found = int(bits / 8)
    _require(
        channels in (0, found),
        f"channels attribute {channels} does not match bits per pixel from file {found}",
    )
    _require(found in (1, 3, 4), f"Number of channels must be 1, 3 or 4, was {found}")
    _require(width > 0, "Width must be positive")
    _require(height != 0, "Height must be nonzero")
    _require(start >= 0, "header size must be nonnegative")
    _require(width * abs(height) < ((1 << 31) - 1) // 8, "Total possible pixel bytes must be less than 2^30")
    return _pixels(data, start, width, height, found)


def _pixels(data: bytes, start: int, width: int, height: int, channels: int) -> Any:
    row, count = (channels * width + 3) // 4 * 4, abs(height)
    needed = start + (count - 1) * row + width * channels
    _require(needed <= len(data), f"Incomplete bmp content, requires at least {needed} bytes, got {len(data)} bytes")
    plain = np.frombuffer(data, np.uint8, needed - start, start)
    padded = np.concatenate([plain, np.zeros(count * row - plain.size, np.uint8)]).reshape(count, row)
    image = padded[:, : width * channels].reshape(count, width, channels)
    image = image if height < 0 else image[::-1]
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    return image[..., order]
