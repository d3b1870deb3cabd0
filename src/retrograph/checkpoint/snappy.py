"""Snappy's raw format, decompressed: tables of older programs may hold such blocks."""

from __future__ import annotations

from retrograph.framework.wire import WireError, read_varint

# Three bytes of input give at most 64 of output.
_LARGEST_RATIO = 22


def decompress(data: bytes) -> bytes:
    """The bytes that were compressed.

    Raises: WireError for anything that is no such stream, before allocating what it claims.
    """
    size, place = read_varint(data, 0)
    if size > _LARGEST_RATIO * len(data):
        raise WireError("a compressed block claims to be larger than it can be")
    out = bytearray()
    while place < len(data):
        place = _literal(data, place, out) if data[place] & 3 == 0 else _copy(data, place, out)
        if len(out) > size:
            break
    if len(out) != size:
        raise WireError("a compressed block has another length than it says")
    return bytes(out)


def _number(data: bytes, place: int, size: int) -> int:
    if place + size > len(data):
        raise WireError("a compressed block is cut off")
    return int.from_bytes(data[place : place + size], "little")


def _literal(data: bytes, place: int, out: bytearray) -> int:
    length = data[place] >> 2
    place += 1
    if length >= 60:
        size = length - 59
        length = _number(data, place, size)
        place += size
    end = place + length + 1
    if end > len(data):
        raise WireError("a compressed block is cut off")
    out += data[place:end]
    return end


def _copy(data: bytes, place: int, out: bytearray) -> int:
    tag = data[place]
    if tag & 3 == 1:
        length, size = (tag >> 2 & 7) + 4, 1
        offset = (tag >> 5) << 8 | _number(data, place + 1, 1)
    else:
        length, size = (tag >> 2) + 1, 2 if tag & 3 == 2 else 4
        offset = _number(data, place + 1, size)
    if not 0 < offset <= len(out):
        raise WireError("a compressed block copies from before its start")
    source = out[-offset:]
    # A copy may overlap what it writes: then the piece repeats.
    out += (source * (length // offset + 1))[:length]
    return place + 1 + size
