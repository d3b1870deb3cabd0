"""What a checkpoint's index says of each tensor: `Entry`, `Header`, and the keys of slices."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from retrograph.framework import wire
from retrograph.framework.wire import BYTES, FIXED32, VARINT, WireError

Slice = tuple[tuple[int, int], ...]
"""(start, length) of each dimension; length -1 is all of it."""
FULL = -1
_LARGEST_RANK = 254


@dataclass
class Header:
    """The entry of the empty key."""

    num_shards: int = 1
    big_endian: bool = False
    min_consumer: int = 0

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """The header of its bytes; WireError if they are none."""
        made = cls(num_shards=0)
        for number, kind, value in wire.read_fields(data):
            if number == 1:
                wire.expect(kind, VARINT)
                made.num_shards = value
            elif number == 2:
                wire.expect(kind, VARINT)
                made.big_endian = value == 1
            elif number == 3:
                wire.expect(kind, BYTES)
                made.min_consumer = next((v for n, k, v in wire.read_fields(value) if n == 2 and k == VARINT), 0)
        return made

    def serialize(self) -> bytes:
        """The header as bytes."""
        return wire.integer(1, self.num_shards) + wire.message(3, wire.integer(1, 1))


@dataclass
class Entry:
    """Where a tensor stands, or of which slices it is made."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0
    slices: list[Slice] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @classmethod
    def parse(cls, data: bytes) -> Entry:
        """The entry of its bytes; WireError if they are none."""
        made = cls()
        names = {1: "dtype", 3: "shard", 4: "offset", 5: "size"}
        for number, kind, value in wire.read_fields(data):
            if number in names:
                wire.expect(kind, VARINT)
                setattr(made, names[number], wire.signed(value))
            elif number == 2:
                wire.expect(kind, BYTES)
                made.shape = _parse_shape(value)
            elif number == 6:
                wire.expect(kind, FIXED32)
                made.crc = value
            elif number == 7:
                wire.expect(kind, BYTES)
                made.slices.append(_parse_slice(value))
        if min(made.shard, made.offset, made.size, *made.shape, 0) < 0:
            raise WireError("negative size in a tensor's entry")
        return made

    def serialize(self) -> bytes:
        """The entry as bytes."""
        dims = b"".join(wire.message(2, wire.integer(1, d)) for d in self.shape)
        parts = [wire.integer(1, self.dtype), wire.message(2, dims), wire.integer(3, self.shard)]
        parts += [wire.integer(4, self.offset), wire.integer(5, self.size)]
        parts += [wire.fixed32(6, self.crc)] if not self.slices and self.crc else []
        parts += [wire.message(7, _serialize_slice(s)) for s in self.slices]
        return b"".join(parts)


def _parse_shape(data: bytes) -> tuple[int, ...]:
    dims = []
    for number, kind, value in wire.read_fields(data):
        if number == 3:
            raise WireError("a stored tensor of unknown rank")
        if number == 2:
            wire.expect(kind, BYTES)
            sizes = [wire.signed(v) for n, k, v in wire.read_fields(value) if n == 1 and k == VARINT]
            dims.append(sizes[-1] if sizes else 0)
    if len(dims) > _LARGEST_RANK:
        raise WireError("a tensor has too many dimensions")
    return tuple(dims)


def _parse_slice(data: bytes) -> Slice:
    extents = []
    for number, kind, value in wire.read_fields(data):
        if number == 1:
            wire.expect(kind, BYTES)
            found = {n: wire.signed(v) for n, k, v in wire.read_fields(value) if k == VARINT}
            extents.append((found.get(1, 0), found.get(2, FULL)))
    return tuple(extents)


def _serialize_slice(parts: Slice) -> bytes:
    # `length` is a member of a oneof: present even where it is 0, absent for all of a dimension.
    extents = (wire.integer(1, s) + (b"" if n == FULL else wire.varint(16) + wire.varint(n)) for s, n in parts)
    return b"".join(wire.message(1, e) for e in extents)


def slice_key(name: bytes, parts: Slice) -> bytes:
    """The key under which the data of a slice stands, in an encoding that sorts as (name, extents) do."""
    numbers = b"".join(_ordered(s) + _ordered(n) for s, n in parts)
    count = len(parts)
    return b"\0" + _escape(name) + b"\0\1" + (bytes([1, count]) if count else b"\0") + numbers


def _escape(name: bytes) -> bytes:
    return b"".join({0: b"\0\xff", 255: b"\xff\0"}.get(b, bytes([b])) for b in name)


def _ordered(value: int) -> bytes:
    """A signed number so that bytes sort as numbers do: the length in the leading bits, as UTF-8 has it."""
    bits = (~value if value < 0 else value).bit_length()
    size = bits // 7 + 1
    raw = value.to_bytes(10, "big", signed=True)[10 - size :]
    mask = (0xFFFF << (16 - size) & 0xFFFF).to_bytes(2, "big")
    return bytes([raw[0] ^ mask[0]]) + (bytes([raw[1] ^ mask[1]]) + raw[2:] if size > 1 else b"")


def parse_spec(spec: str) -> tuple[tuple[int, ...], Slice]:
    """(full shape, slice) of the text in which operations name a part: `4 3 0,2:-`.

    Raises: ValueError for anything else.
    """
    *dims, parts = spec.split(" ")
    shape = tuple(int(d) for d in dims)
    extents = tuple((0, FULL) if p == "-" else _extent(p) for p in parts.split(":")) if parts else ()
    if len(extents) != len(shape):
        raise ValueError(spec)
    resolve(extents, shape)
    return shape, extents


def _extent(part: str) -> tuple[int, int]:
    start, length = part.split(",")
    return int(start), int(length)


def resolve(parts: Slice, shape: tuple[int, ...]) -> Slice:
    """A slice with the lengths of `shape` in place of "all"; ValueError where it leaves the shape."""
    if len(parts) != len(shape):
        raise ValueError("a slice of another rank than its tensor")
    found = tuple((s, d - s if n == FULL else n) for (s, n), d in zip(parts, shape, strict=True))
    if any(s < 0 or n < 0 or s + n > d for (s, n), d in zip(found, shape, strict=True)):
        raise ValueError("a slice outside its tensor")
    return found
