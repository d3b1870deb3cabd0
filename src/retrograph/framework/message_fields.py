"""What protocol buffers are made of: the recorded definitions of fields, and single values, checked and in the wire format."""

from __future__ import annotations

import functools
import gzip
import json
import math
import struct
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np

from retrograph.framework import wire
from retrograph.framework.wire import BYTES, FIXED32, FIXED64, VARINT, WireError


@functools.cache
def definitions() -> dict[str, Any]:
    """What `tools/record_messages.py` recorded: `modules`, `messages`, `enums`."""
    data = resources.files("retrograph.framework").joinpath("messages.json.gz").read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(data))
    return found


class Field:
    """One field of a message: `label` is one, many or map."""

    __slots__ = ("base", "key", "kind", "label", "name", "number", "oneof", "type_name")

    def __init__(self, name: str, number: int, label: str, kind: str, oneof: str):
        self.name, self.number, self.label, self.oneof = name, number, label, oneof
        self.key: Field | None = None
        if label == "map":
            key, _, kind = kind.partition(",")
            self.key = Field("key", 1, "one", key, "")
        self.kind = kind
        self.base, _, self.type_name = kind.partition(" ")

    @property
    def is_message(self) -> bool:
        """Whether its values are messages."""
        return self.base == "message"


class Descriptor:
    """The fields of a message by name and by number."""

    def __init__(self, full_name: str):
        self.full_name, self.name = full_name, full_name.rpartition(".")[2]
        self.fields = [Field(*row) for row in definitions()["messages"][full_name]]
        self.fields_by_name = {f.name: f for f in self.fields}
        self.fields_by_number = {f.number: f for f in self.fields}
        self.oneofs: dict[str, list[str]] = {}
        for field in self.fields:
            if field.oneof:
                self.oneofs.setdefault(field.oneof, []).append(field.name)


@functools.cache
def descriptor(full_name: str) -> Descriptor:
    """The descriptor of a message. Raises: KeyError for a name that is none."""
    return Descriptor(full_name)


@functools.cache
def enum_values(full_name: str) -> dict[str, int]:
    """Name -> number of an enum."""
    found: dict[str, int] = definitions()["enums"][full_name]
    return found


# ---- scalars

_RANGES = {
    "int32": (-(1 << 31), 1 << 31),
    "int64": (-(1 << 63), 1 << 63),
    "uint32": (0, 1 << 32),
    "uint64": (0, 1 << 64),
}
_LIKE = {
    "sint32": "int32",
    "sint64": "int64",
    "fixed32": "uint32",
    "fixed64": "uint64",
    "sfixed32": "int32",
    "sfixed64": "int64",
}
_DEFAULTS: dict[str, Any] = {"string": "", "bytes": b"", "bool": False, "float": 0.0, "double": 0.0}
_STRUCTS = {"float": "<f", "double": "<d", "fixed32": "<I", "fixed64": "<Q", "sfixed32": "<i", "sfixed64": "<q"}


def _refused(value: Any, wanted: str) -> TypeError:
    return TypeError(f"{value!r:.1024} has type {type(value).__name__}, but expected one of: {wanted}")


def _checked_text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ValueError(f"{value!r:.1024} has type bytes, but isn't valid UTF-8 encoding.") from None
    if not isinstance(value, str):
        raise _refused(value, "bytes, unicode")
    return str(value)


def _checked_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise _refused(value, "bytes")
    return bytes(value)


def _checked_float(value: Any, single: bool) -> float:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise _refused(value, "int, long, float")
    number = float(value)
    if not single or not math.isfinite(number):
        return number
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def _checked_int(value: Any, kind: str) -> int:
    if not isinstance(value, (int, np.integer, np.bool_)):
        raise _refused(value, "int, long")
    low, high = _RANGES[_LIKE.get(kind, kind)]
    if not low <= int(value) < high:
        raise ValueError(f"Value out of range: {value}")
    return int(value)


def _checked_enum(value: Any, type_name: str) -> int:
    if isinstance(value, str):
        if value not in enum_values(type_name):
            raise ValueError(f'unknown enum label "{value}"')
        return enum_values(type_name)[value]
    return _checked_int(getattr(value, "as_datatype_enum", value), "int32")


def checked(field: Field, value: Any) -> Any:
    """A value as a field keeps it. Raises: TypeError, ValueError for one that it does not take."""
    base = field.base
    if base == "string":
        return _checked_text(value)
    if base == "bytes":
        return _checked_bytes(value)
    if base in ("float", "double"):
        return _checked_float(value, base == "float")
    if base == "enum":
        return _checked_enum(value, field.type_name)
    if base == "bool":
        return bool(_checked_int(value, "int64"))
    return _checked_int(value, base)


def all_checked(field: Field, values: Iterable[Any]) -> list[Any]:
    """Values as a repeated field keeps them: many at once where they are plain. Raises: TypeError, ValueError."""
    given = values.tolist() if isinstance(values, np.ndarray) and values.ndim == 1 else list(values)
    plain = _plain_values(field, given, {value.__class__ for value in given})
    return [checked(field, value) for value in given] if plain is None else plain


def _plain_values(field: Field, values: list[Any], kinds: set[type]) -> list[Any] | None:
    """The values if all are of the field's own Python type, else None."""
    base = field.base
    if base == "bytes":
        return values if kinds == {bytes} else None
    if base in _RANGES and kinds == {int}:
        low, high = _RANGES[base]
        return values if low <= min(values) and max(values) < high else None
    if base == "float" and kinds == {float}:
        try:
            return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))
        except OverflowError:
            return None
    return values if base == "double" and kinds == {float} else None


def _default(field: Field) -> Any:
    return _DEFAULTS.get(field.base, 0)


def _scalar_bytes(field: Field, value: Any) -> bytes:
    """A value without its key, as it stands in a packed field."""
    base = field.base
    if base in _STRUCTS:
        return struct.pack(_STRUCTS[base], value)
    if base in ("string", "bytes"):
        data: bytes = value.encode() if base == "string" else value
        return wire.varint(len(data)) + data
    if base in ("sint32", "sint64"):
        return wire.varint((value << 1) ^ (value >> 63))
    return wire.varint(int(value))


def _packed_bytes(field: Field, values: Any) -> bytes:
    """The values of a packed field."""
    code = _STRUCTS.get(field.base)
    if code is None:
        return b"".join(_scalar_bytes(field, v) for v in values)
    return struct.pack(f"<{len(values)}{code[1:]}", *values)


def _wire_kind(field: Field) -> int:
    if field.base in ("string", "bytes", "message"):
        return BYTES
    size = struct.calcsize(_STRUCTS[field.base]) if field.base in _STRUCTS else 0
    return {0: VARINT, 4: FIXED32, 8: FIXED64}[size]


def _from_bits(field: Field, value: Any) -> Any:
    base = field.base
    if base in _STRUCTS:
        size = struct.calcsize(_STRUCTS[base])
        return struct.unpack(_STRUCTS[base], value.to_bytes(size, "little"))[0]
    if base == "bool":
        return bool(value)
    if base in ("sint32", "sint64"):
        return (value >> 1) ^ -(value & 1)
    if base in ("uint32", "uint64"):
        return value & 0xFFFFFFFF if base == "uint32" else value
    number = wire.signed(value)
    return number if base == "int64" else (number + (1 << 31)) % (1 << 32) - (1 << 31)


def _parsed_scalar(field: Field, kind: int, value: Any) -> Any:
    wire.expect(kind, _wire_kind(field))
    if field.base == "bytes":
        return bytes(value)
    return bytes(value).decode() if field.base == "string" else _from_bits(field, value)


def _parsed_scalars(field: Field, kind: int, value: Any) -> list[Any]:
    wanted = _wire_kind(field)
    if kind != BYTES or wanted == BYTES:
        return [_parsed_scalar(field, kind, value)]
    if wanted == VARINT:
        return [_from_bits(field, v) for v in wire.packed_varints(kind, value)]
    code = _STRUCTS[field.base]
    if len(value) % struct.calcsize(code):
        raise WireError("a packed field is cut off")
    return [v[0] for v in struct.iter_unpack(code, bytes(value))]
