"""CRC-32C in the masked form in which TensorFlow's files store it."""

from __future__ import annotations

from typing import Any

import google_crc32c

_CHUNK = 1 << 20
_DELTA = 0xA282EAD8


def crc32c(data: Any, start: int = 0) -> int:
    """The CRC-32C of bytes or of a memory-mapped view, continued from `start`."""
    crc = start
    # The extension takes only `bytes`; copying in pieces keeps a large mapped file out of memory.
    for place in range(0, len(data), _CHUNK):
        crc = int(google_crc32c.extend(crc, bytes(data[place : place + _CHUNK])))
    return crc


def masked(crc: int) -> int:
    """The stored form, so that a checksum of data that holds checksums stays sound."""
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFFFFFF


def unmasked(stored: int) -> int:
    """The checksum of its stored form."""
    rotated = (stored - _DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF
