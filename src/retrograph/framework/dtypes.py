"""Data types: `DType`, the types by name, and their NumPy counterparts."""

from __future__ import annotations

from builtins import bool as Truth
from typing import Any

import numpy as np

from retrograph.framework.exports import export, export_value

# name, DataType enum of TF's types.proto, NumPy type name (None: resolved lazily or absent), size in bytes
_ROWS: tuple[tuple[str, int, str | None], ...] = (
    ("float32", 1, "float32"),
    ("float64", 2, "float64"),
    ("int32", 3, "int32"),
    ("uint8", 4, "uint8"),
    ("int16", 5, "int16"),
    ("int8", 6, "int8"),
    ("string", 7, "object"),
    ("complex64", 8, "complex64"),
    ("int64", 9, "int64"),
    ("bool", 10, "bool"),
    ("qint8", 11, "int8"),
    ("quint8", 12, "uint8"),
    ("qint32", 13, "int32"),
    ("bfloat16", 14, None),
    ("qint16", 15, "int16"),
    ("quint16", 16, "uint16"),
    ("uint16", 17, "uint16"),
    ("complex128", 18, "complex128"),
    ("float16", 19, "float16"),
    ("resource", 20, "object"),
    ("variant", 21, "object"),
    ("uint32", 22, "uint32"),
    ("uint64", 23, "uint64"),
)
_NAME_OF = {enum: name for name, enum, _ in _ROWS}
_ENUM_OF = {name: enum for name, enum, _ in _ROWS} | {"half": 19, "float": 1, "double": 2}
TYPE_TO_STRING = _NAME_OF | {enum + 100: f"{name}_ref" for enum, name in _NAME_OF.items()}
_NUMPY_OF = {enum: numpy for _, enum, numpy in _ROWS}
_REF = 100

_FLOATS = frozenset((1, 2, 14, 19))
_COMPLEX = frozenset((8, 18))
_QUANTIZED = frozenset((11, 12, 13, 15, 16))
_INTEGERS = frozenset((3, 4, 5, 6, 9, 17, 22, 23))
_UNSIGNED = frozenset((4, 17, 22, 23))
_INT32_LIMITS = {"bool": (False, True)}


def _bfloat16_numpy() -> Any:
    import ml_dtypes  # costs milliseconds that few programs need

    return ml_dtypes.bfloat16


@export("DType", "dtypes.DType")
class DType:
    """The type of a tensor's elements; `_ref` types are those of reference variables.

    >>> tf.float32
    tf.float32
    >>> tf.as_dtype("float32_ref").base_dtype is tf.float32
    True

    Source: TF 1.15 `tf.DType`.
    """

    __slots__ = ("_base", "_enum", "_is_ref", "_numpy", "_ref", "name")

    def __init__(self, type_enum: int):
        enum = int(type_enum)
        base = enum - _REF if enum > _REF else enum
        if base not in _NAME_OF or enum < 1:
            raise TypeError(f"type_enum is not a valid types_pb2.DataType: {type_enum}")
        self._enum = enum
        self._is_ref = enum > _REF
        self.name = _NAME_OF[base] + ("_ref" if self._is_ref else "")
        self._numpy: Any = None
        self._base: DType = self if not self._is_ref else _BY_ENUM[base]
        self._ref: DType | None = None

    @property
    def _is_ref_dtype(self) -> Truth:
        return self._is_ref

    @property
    def _as_ref(self) -> DType:
        return self if self._is_ref else _BY_ENUM[self._enum + _REF]

    @property
    def base_dtype(self) -> DType:
        """The type without `_ref`."""
        return self._base

    @property
    def real_dtype(self) -> DType:
        """The type of the real part of a complex type, else the base type."""
        return {8: float32, 18: float64}.get(self._base._enum, self._base)

    @property
    def as_datatype_enum(self) -> int:
        return self._enum

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy type (class) of the elements."""
        if self._numpy is None:
            name = _NUMPY_OF[self._base._enum]
            self._numpy = _bfloat16_numpy() if name is None else object if name == "object" else np.dtype(name).type
        return self._numpy

    @property
    def is_numpy_compatible(self) -> Truth:
        return self._base._enum not in (20, 21)

    @property
    def is_bool(self) -> Truth:
        return self._base._enum == 10

    @property
    def is_integer(self) -> Truth:
        return self._base._enum in _INTEGERS

    @property
    def is_floating(self) -> Truth:
        return self._base._enum in _FLOATS

    @property
    def is_complex(self) -> Truth:
        return self._base._enum in _COMPLEX

    @property
    def is_quantized(self) -> Truth:
        return self._base._enum in _QUANTIZED

    @property
    def is_unsigned(self) -> Truth:
        return self._base._enum in _UNSIGNED

    def _limits(self, which: str) -> Any:
        if self.is_quantized or self._base._enum in (7, 8, 10, 18, 20, 21):
            raise TypeError(f"Cannot find {which}imum value of {self}.")
        if self._base._enum == 14:
            import ml_dtypes

            return getattr(ml_dtypes.finfo(self.as_numpy_dtype), which)
        info: Any = np.finfo(self.as_numpy_dtype) if self.is_floating else np.iinfo(self.as_numpy_dtype)
        return getattr(info, which)

    @property
    def min(self) -> Any:
        """The least value of the type; TypeError for types that have none."""
        return self._limits("min")

    @property
    def max(self) -> Any:
        """The greatest value of the type; TypeError for types that have none."""
        return self._limits("max")

    @property
    def limits(self, clip_negative: Truth = True) -> tuple[Any, Any]:
        """(least, greatest) value of the range that images of this type use."""
        ranges: dict[int, tuple[Any, Any]] = {
            10: (False, True),
            4: (0, 255),
            17: (0, 65535),
            6: (-128, 127),
            5: (-32768, 32767),
            9: (-(2**63), 2**63 - 1),
            3: (-(2**31), 2**31 - 1),
            1: (0, 1),
            2: (0, 1),
            19: (0, 1),
            22: (0, 2**32 - 1),
            23: (0, 2**64 - 1),
        }
        low, high = ranges[self._base._enum]
        return (0 if clip_negative and self.is_integer else low), high

    @property
    def size(self) -> int:
        """Bytes per element (1 for strings, as TF says)."""
        return 1 if self._base._enum in (7, 20, 21) else int(np.dtype(self.as_numpy_dtype).itemsize)

    def is_compatible_with(self, other: Any) -> Truth:
        """Whether the types are equal but for `_ref` on this one."""
        other = as_dtype(other)
        return self._enum in (other.as_datatype_enum, other.base_dtype.as_datatype_enum)

    def __eq__(self, other: object) -> Truth:
        if self is other:
            return True
        if other is None:
            return False
        try:
            return as_dtype(other)._enum == self._enum
        except TypeError:
            return False

    def __ne__(self, other: object) -> Truth:
        return not self.__eq__(other)

    # Types are single objects; hashing them by identity keeps look-ups fast.
    __hash__ = object.__hash__

    def __int__(self) -> int:
        return self._enum

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __repr__(self) -> str:
        return "tf." + self.name

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


_BY_ENUM: dict[int, DType] = {}
for _enum in (*_NAME_OF, *(e + _REF for e in _NAME_OF)):
    _BY_ENUM[_enum] = DType(_enum)

float32 = _BY_ENUM[1]
float64 = _BY_ENUM[2]
int32 = _BY_ENUM[3]
uint8 = _BY_ENUM[4]
int16 = _BY_ENUM[5]
int8 = _BY_ENUM[6]
string = _BY_ENUM[7]
complex64 = _BY_ENUM[8]
int64 = _BY_ENUM[9]
bool = _BY_ENUM[10]  # TF's name for it
qint8 = _BY_ENUM[11]
quint8 = _BY_ENUM[12]
qint32 = _BY_ENUM[13]
bfloat16 = _BY_ENUM[14]
qint16 = _BY_ENUM[15]
quint16 = _BY_ENUM[16]
uint16 = _BY_ENUM[17]
complex128 = _BY_ENUM[18]
float16 = half = _BY_ENUM[19]
double = float64
resource = _BY_ENUM[20]
variant = _BY_ENUM[21]
uint32 = _BY_ENUM[22]
uint64 = _BY_ENUM[23]
for _name in [*(row[0] for row in _ROWS), "half", "double"]:
    export_value(_name, f"dtypes.{_name}", attribute=_name)
    if _name not in ("half", "double"):
        globals()[f"{_name}_ref"] = _BY_ENUM[_ENUM_OF[_name] + _REF]

QUANTIZED_DTYPES = frozenset(_BY_ENUM[e] for e in _QUANTIZED) | frozenset(_BY_ENUM[e + _REF] for e in _QUANTIZED)
export_value("QUANTIZED_DTYPES", "dtypes.QUANTIZED_DTYPES", attribute="QUANTIZED_DTYPES")

_LOOKUP: dict[Any, DType] = {}
for _dtype in _BY_ENUM.values():
    _LOOKUP[_dtype.name] = _dtype
_LOOKUP.update(
    {
        "half": float16,
        "float": float32,
        "double": float64,
        "half_ref": float16._as_ref,
        "float_ref": float32._as_ref,
        "double_ref": float64._as_ref,
    }
)
_OF_NUMPY: dict[Any, DType] = {
    np.dtype(n): _BY_ENUM[e]
    for n, e in (
        ("float32", 1),
        ("float64", 2),
        ("int32", 3),
        ("uint8", 4),
        ("int16", 5),
        ("int8", 6),
        ("complex64", 8),
        ("int64", 9),
        ("bool", 10),
        ("uint16", 17),
        ("complex128", 18),
        ("float16", 19),
        ("uint32", 22),
        ("uint64", 23),
        ("object", 7),
    )
}
_LOOKUP.update({d.type: t for d, t in _OF_NUMPY.items()})
_LOOKUP.update(_OF_NUMPY)
for _type in (np.intc, np.uintc, np.int_, np.uint, np.longlong, np.ulonglong):
    _LOOKUP.setdefault(_type, _OF_NUMPY[np.dtype(_type)])
_LOOKUP.update({np.str_: string, np.bytes_: string, float: float32, Truth: _BY_ENUM[10], object: string})
_LOOKUP.update(_BY_ENUM)


def _slow_lookup(value: Any) -> DType | None:
    """Types that TF's NumPy did not have: `bfloat16`, and those of JAX that stand for NumPy's."""
    if not isinstance(value, (type, np.dtype)) or value in (int, complex, str, bytes):
        return None
    if not isinstance(value, np.dtype):
        try:
            value = np.dtype(value)
        except TypeError:
            return None
    if value.name == "bfloat16":
        return bfloat16
    return None if value.hasobject else _OF_NUMPY.get(value) or _LOOKUP.get(value.type)


@export("as_dtype", "dtypes.as_dtype")
def as_dtype(type_value: Any) -> DType:
    """The `DType` for a name, an enum number, a NumPy type or a Python type.

    Raises TypeError: nothing TF knows. Source: TF 1.15 `tf.as_dtype`.
    """
    if type_value.__class__ is DType:
        return type_value
    found = _LOOKUP.get(type_value)
    if found is None:
        found = _slow_lookup(type_value)
    if found is None:
        raise TypeError(f"Cannot convert value {type_value!r} to a TensorFlow DType.")
    return found


# Error texts of TF show the class by this path.
DType.__module__ = "tensorflow.python.framework.dtypes"
