"""The wire format of protocol buffers: fields of a message as (number, value), without schemas or generated code.

Everything read is checked against the bytes that are there, so that a hostile length costs nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MASK64 = (1 << 64) - 1
_SMALL = [bytes([i]) for i in range(0x80)]


class WireError(ValueError):
    """Bytes that are no message."""


def read_varint(data: Any, place: int) -> tuple[int, int]:
    """The number at `place` and the place after it.

    >>> read_varint(b"\\xac\\x02", 0)
    (300, 2)
    """
    if place < len(data) and data[place] < 0x80:
        return data[place], place + 1
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK64, place
        shift += 7
    raise WireError("a number is cut off or too long")


def varint(value: int) -> bytes:
    """A number (negative ones as 64-bit two's complement) as bytes."""
    if 0 <= value < 0x80:
        return _SMALL[value]
    value &= _MASK64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> int:
    """A number read as 64-bit two's complement."""
    return value - (1 << 64) if value >> 63 else value


def _take(data: Any, place: int, size: int) -> tuple[Any, int]:
    if size > len(data) - place:
        raise WireError("a field is longer than its message")
    return data[place : place + size], place + size


def read_fields(data: Any) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of each field: an int for VARINT, FIXED32 and FIXED64 (as bits), bytes for BYTES."""
    place = 0
    while place < len(data):
        key, place = read_varint(data, place)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("field number 0")
        value: Any
        if kind == VARINT:
            value, place = read_varint(data, place)
        elif kind == BYTES:
            size, place = read_varint(data, place)
            value, place = _take(data, place, size)
        elif kind in (FIXED32, FIXED64):
            raw, place = _take(data, place, 4 if kind == FIXED32 else 8)
            value = int.from_bytes(raw, "little")
        else:
            raise WireError(f"wire type {kind}")
        yield number, kind, value


def expect(kind: int, wanted: int) -> None:
    """Raises WireError unless a field is of the wire type that its number calls for."""
    if kind != wanted:
        raise WireError(f"wire type {kind} where {wanted} belongs")


def integer(number: int, value: int) -> bytes:
    """A VARINT field; nothing for 0, which is the default."""
    return varint(number << 3) + varint(value) if value else b""


def message(number: int, payload: bytes | str) -> bytes:
    """A BYTES field, also where it is empty."""
    data = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | BYTES) + varint(len(data)) + data


def text(number: int, value: bytes | str) -> bytes:
    """A BYTES field; nothing for an empty text, which is the default."""
    return message(number, value) if value else b""


def fixed32(number: int, value: int) -> bytes:
    """A FIXED32 field of these bits."""
    return varint(number << 3 | FIXED32) + value.to_bytes(4, "little")


def float32(number: int, value: float) -> bytes:
    """A float field."""
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)


def as_float32(bits: int) -> float:
    """The float of a FIXED32 field's bits."""
    return float(struct.unpack("<f", bits.to_bytes(4, "little"))[0])


def as_float64(bits: int) -> float:
    """The float of a FIXED64 field's bits."""
    return float(struct.unpack("<d", bits.to_bytes(8, "little"))[0])


def packed_varints(kind: int, value: Any) -> list[int]:
    """The numbers of a repeated integer field, packed or single."""
    if kind == VARINT:
        return [value]
    expect(kind, BYTES)
    found, place = [], 0
    while place < len(value):
        number, place = read_varint(value, place)
        found.append(number)
    return found
