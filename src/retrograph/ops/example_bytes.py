"""Reading serialized `tf.train.Example` and `SequenceExample` messages, only the features that are asked for.

A feature is ("bytes" | "float" | "int64", values) or None where it says nothing; the values are a NumPy array.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.framework.wire import BYTES, FIXED32, FIXED64, VARINT, WireError, read_varint

Values = Any
Feature = tuple[str, Values] | None

_KINDS = {1: "bytes", 2: "float", 3: "int64"}
_SIZES = {FIXED64: 8, FIXED32: 4}


def _fields(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, part of the data) of each field; numbers that stand alone are given as their bytes."""
    place, end = 0, len(data)
    while place < end:
        key = data[place]
        place += 1
        if key >= 0x80:
            key, place = read_varint(data, place - 1)
        kind, start = key & 7, place
        if kind == BYTES:
            if place < end and data[place] < 0x80:
                size, start = data[place], place + 1
            else:
                size, start = read_varint(data, place)
            place = start + size
        elif kind == VARINT:
            _, place = read_varint(data, place)
        elif kind in _SIZES:
            place += _SIZES[kind]
        else:
            raise WireError(f"wire type {kind}")
        if place > end:
            raise WireError("a field is longer than its message")
        yield key >> 3, kind, data[start:place]


def _messages(data: memoryview, number: int) -> Iterator[memoryview]:
    """The messages in the fields of one number."""
    for found, kind, part in _fields(data):
        if found == number:
            if kind != BYTES:
                raise WireError(f"wire type {kind} where a message belongs")
            yield part


def _entries(data: memoryview, wanted: Any) -> dict[bytes, memoryview]:
    """The values of a map field (number 1) whose keys are wanted; the last of equal keys counts."""
    found = {}
    for entry in _messages(data, 1):
        key, value = b"", memoryview(b"")
        for number, kind, part in _fields(entry):
            if kind != BYTES:
                continue
            if number == 1:
                key = bytes(part)
            elif number == 2:
                value = part
        if key in wanted:
            found[key] = value
    return found


def read_varints(data: Any) -> Values:
    """`int64[n]`: the numbers of a packed field.

    >>> read_varints(b"\\x01\\xac\\x02").tolist()
    [1, 300]
    """
    raw = np.frombuffer(data, np.uint8)
    last = raw < 0x80
    if last.all():
        return raw.astype(np.int64)
    ends = np.flatnonzero(last)
    if not last[-1]:
        raise WireError("a number is cut off")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise WireError("a number is too long")
    total = np.zeros(len(ends), np.uint64)
    for i in range(int(lengths.max())):
        longer = lengths > i
        total[longer] |= (raw[starts[longer] + i] & 0x7F).astype(np.uint64) << np.uint64(7 * i)
    return total.view(np.int64)


def _texts(data: memoryview) -> Values:
    parts = [bytes(p) for p in _messages(data, 1)]
    made = np.empty(len(parts), object)
    made[:] = parts
    return made


def _floats(data: memoryview) -> Values:
    parts = [np.frombuffer(p, "<f4") for number, _, p in _fields(data) if number == 1]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, "<f4"), *parts])


def _integers(data: memoryview) -> Values:
    parts = [read_varints(p) for number, _, p in _fields(data) if number == 1]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


_READERS = {"bytes": _texts, "float": _floats, "int64": _integers}


def read_feature(data: memoryview) -> Feature:
    """The kind and the values of a Feature message. Raises: WireError."""
    found: Feature = None
    for number, kind, part in _fields(data):
        if number in _KINDS:
            if kind != BYTES:
                raise WireError(f"wire type {kind} where a message belongs")
            name = _KINDS[number]
            try:
                found = name, _READERS[name](part)
            except ValueError as error:
                raise WireError(str(error)) from None
    return found


def read_example(text: bytes, wanted: Any) -> dict[bytes, memoryview]:
    """The Feature messages of the wanted names in an Example. Raises: WireError."""
    found: dict[bytes, memoryview] = {}
    for features in _messages(memoryview(text), 1):
        found.update(_entries(features, wanted))
    return found


def read_sequence_example(text: bytes, context: Any, lists: Any) -> tuple[dict[bytes, Any], dict[bytes, list[Any]]]:
    """(the Feature messages of the context, the lists of them by name) of a SequenceExample. Raises: WireError."""
    data = memoryview(text)
    found: dict[bytes, memoryview] = {}
    rows: dict[bytes, list[Any]] = {}
    for number, _, part in _fields(data):
        if number == 1:
            found.update(_entries(part, context))
        elif number == 2:
            rows.update({key: list(_messages(value, 1)) for key, value in _entries(part, lists).items()})
    return found, rows
