"""CRC-32C in the masked form in which TensorFlow's files store it."""

from __future__ import annotations

from typing import Any

import google_crc32c
import numpy as np

# Less at once, so that other threads and Ctrl-C get their turn.
_CHUNK = 64 << 20
_DELTA = 0xA282EAD8
_TAKES_ARRAYS = google_crc32c.implementation == "c"


def crc32c(data: Any, start: int = 0) -> int:
    """The CRC-32C of bytes, of a view or of an array of bytes, continued from `start`; nothing is copied."""
    if data.__class__ is bytes and len(data) <= _CHUNK:
        return int(google_crc32c.extend(start, data))
    view, crc = np.frombuffer(data, np.uint8), start
    for place in range(0, len(view), _CHUNK):
        piece = view[place : place + _CHUNK]
        crc = int(google_crc32c.extend(crc, piece if _TAKES_ARRAYS else piece.tobytes()))
    return crc


def masked(crc: int) -> int:
    """The stored form, so that a checksum of data that holds checksums stays sound."""
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFFFFFF


def unmasked(stored: int) -> int:
    """The checksum of its stored form."""
    rotated = (stored - _DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF
