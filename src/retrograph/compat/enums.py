"""Enums of TF's protocol buffers: `types_pb2.DataType`, `error_codes_pb2.Code`, and their values by name."""

from __future__ import annotations

from typing import Any

from retrograph.framework.errors import CODES


class EnumType:
    """What a program asks of an enum of a protocol buffer.

    >>> DataType.Name(1), DataType.Value("DT_STRING")
    ('DT_FLOAT', 7)
    """

    def __init__(self, numbers: dict[str, int]):
        self._numbers = numbers

    def Name(self, number: int) -> str:
        """The name of a value; ValueError if there is none."""
        for name, value in self._numbers.items():
            if value == number:
                return name
        raise ValueError(f"Enum has no name defined for value {number}")

    def Value(self, name: str) -> int:
        """The value of a name; ValueError if there is none."""
        if name not in self._numbers:
            raise ValueError(f"Enum has no value defined for name {name}")
        return self._numbers[name]

    def __getattr__(self, name: str) -> int:
        if name.startswith("_") or name not in self._numbers:
            raise AttributeError(name)
        return self._numbers[name]

    def keys(self) -> list[str]:
        """The names in order of their values."""
        return list(self._numbers)

    def values(self) -> list[int]:
        """The values in order."""
        return list(self._numbers.values())

    def items(self) -> list[tuple[str, int]]:
        """(name, value) pairs."""
        return list(self._numbers.items())


_KINDS = [
    "INVALID",
    "FLOAT",
    "DOUBLE",
    "INT32",
    "UINT8",
    "INT16",
    "INT8",
    "STRING",
    "COMPLEX64",
    "INT64",
    "BOOL",
    "QINT8",
    "QUINT8",
    "QINT32",
    "BFLOAT16",
    "QINT16",
    "QUINT16",
    "UINT16",
    "COMPLEX128",
    "HALF",
    "RESOURCE",
    "VARIANT",
    "UINT32",
    "UINT64",
]
_REF = 100
_DATA_TYPES = {f"DT_{kind}": number for number, kind in enumerate(_KINDS)}
_DATA_TYPES.update({f"DT_{kind}_REF": number + _REF for number, kind in enumerate(_KINDS) if number})
DataType: Any = EnumType(_DATA_TYPES)
Code: Any = EnumType(CODES)
globals().update(_DATA_TYPES)
globals().update(CODES)
