"""`tf.io.decode_csv`, `tf.io.decode_json_example`, `tf.io.decode_compressed`."""

from __future__ import annotations

import base64
import binascii
import gzip
import itertools
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, wire
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import FinalShapeError, ShapeContext, unchanged, with_rank_at_most
from retrograph.ops.raw import raw
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import host_row

Array = Any

# ---- CSV

_INTEGER_LIMITS = {"int32": 31, "int64": 63}
_NAMES = {"float32": "float", "float64": "double"}


class _Fields:
    """Cuts a record into its fields."""

    def __init__(self, op: Any):
        self.op = op
        self.mark: bytes = op.attrs["field_delim"]
        self.quotes: bool = op.attrs["use_quote_delim"]
        if len(self.mark) != 1:
            refuse(op, "field_delim should be only 1 char")

    def __call__(self, record: bytes) -> list[bytes]:
        """All fields of a record."""
        found: list[bytes] = []
        place = 0
        while place < len(record):
            if record[place] in b"\r\n":
                place += 1
                continue
            quoted = self.quotes and record[place : place + 1] == b'"'
            field, place = (self._quoted if quoted else self._plain)(record, place)
            found.append(field)
        if record.endswith(self.mark):
            found.append(b"")
        return found

    def _plain(self, record: bytes, place: int) -> tuple[bytes, int]:
        end = record.find(self.mark, place)
        end = len(record) if end < 0 else end
        field = record[place:end]
        if b"\n" in field or b"\r" in field or (self.quotes and b'"' in field):
            refuse(self.op, "Unquoted fields cannot have quotes/CRLFs inside")
        return field, end + 1

    def _quoted(self, record: bytes, place: int) -> tuple[bytes, int]:
        parts, place = [], place + 1
        while place < len(record) - 1 and record[place : place + 2] != b'"' + self.mark:
            if record[place : place + 1] != b'"':
                parts.append(record[place : place + 1])
                place += 1
                continue
            if record[place + 1 : place + 2] != b'"':
                refuse(self.op, "Quote inside a string has to be escaped by another quote")
            parts.append(b'"')
            place += 2
        if record[place : place + 1] != b'"':
            refuse(self.op, "Quoted field has to end with quote followed by delim or end")
        return b"".join(parts), place + 2


def _number(op: Any, text: bytes, dtype: Any, field: int, record: int) -> Any:
    try:
        if b"_" in text:
            raise ValueError
        if dtype.is_floating:
            return float(text)
        value = int(text)
        if not -(1 << _INTEGER_LIMITS[dtype.name]) <= value < 1 << _INTEGER_LIMITS[dtype.name]:
            raise ValueError
        return value
    except ValueError:
        kind = _NAMES.get(dtype.name, dtype.name)
        return refuse(op, f"Field {field} in record {record} is not a valid {kind}: {text.decode('utf-8', 'replace')}")


def _column(op: Any, texts: list[bytes], dtype: Any, default: Array, field: int) -> Array:
    absent: bytes = op.attrs["na_value"]
    values: list[Any] = []
    for record, text in enumerate(texts):
        if not text or text == absent:
            if not default.size:
                refuse(op, f"Field {field} is required but missing in record {record}!")
            values.append(default.reshape(-1)[0])
        else:
            values.append(text if dtype == dtypes.string else _number(op, text, dtype, field, record))
    made = np.empty(len(values), object if dtype == dtypes.string else dtype.as_numpy_dtype)
    made[:] = values
    return made


def _decoded_csv(op: Any, records: Array, *defaults: Array) -> Any:
    for i, default in enumerate(defaults):
        if default.size > 1:
            refuse(op, f"There should only be 1 default per field but field {i} has {default.size}")
    cut, chosen, types = _Fields(op), op.attrs["select_cols"], op.attrs["OUT_TYPE"]
    rows = []
    for i, record in enumerate(np.asarray(records, object).reshape(-1).tolist()):
        fields = cut(record)
        if chosen:
            fields = [fields[c] for c in chosen if c < len(fields)]
        if len(fields) != len(types):
            refuse(op, f"Expect {len(types)} fields but have {len(fields)} in record {i}")
        rows.append(fields)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    found = [_column(op, list(c), t, d, f) for f, (c, t, d) in enumerate(zip(columns, types, defaults, strict=True))]
    return tuple(c.reshape(np.shape(records)) for c in found)


def _csv_shape(c: ShapeContext) -> list[Shape]:
    for i in range(1, c.num_inputs):
        shape = with_rank_at_most(c, c.input(i), 1)
        if shape and shape[0] is not None and shape[0] > 1:
            raise FinalShapeError("Shape of a default must be a length-0 or length-1 vector, or a scalar.")
    return [c.input(0)] * len(c.attr("OUT_TYPE"))


host_row("DecodeCSV", _csv_shape, _decoded_csv)


@export("io.decode_csv", "decode_csv")
def decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Tensor]:
    """The columns of CSV records, each of the type of its default; an empty default makes the field required.

    Raises ValueError: wrong `select_cols`; when it runs InvalidArgumentError for records that do not fit.
    Source: TF 1.15 `tf.io.decode_csv`.
    """
    if select_cols is not None:
        if any(a >= b for a, b in itertools.pairwise(select_cols)):
            raise ValueError("select_cols is not strictly increasing.")
        if select_cols and select_cols[0] < 0:
            raise ValueError("select_cols contains negative values.")
        if len(select_cols) != len(record_defaults):
            raise ValueError("Length of select_cols and record_defaults do not match.")
    return raw(  # type: ignore[no-any-return]
        "DecodeCSV",
        records,
        record_defaults,
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=select_cols,
        name=name,
    )


# ---- JSON


def _list_bytes(kind: str, values: list[Any]) -> bytes:
    if kind == "bytesList":
        return b"".join(wire.message(1, base64.b64decode(v.replace("-", "+").replace("_", "/"))) for v in values)
    if kind == "floatList":
        return wire.text(1, struct.pack(f"<{len(values)}f", *(float(v) for v in values)))
    return wire.text(1, b"".join(wire.varint(int(v)) for v in values))


_LISTS = {"bytesList": 1, "floatList": 2, "int64List": 3}


def _json_feature(feature: dict[str, Any]) -> bytes:
    parts = []
    for name, content in feature.items():
        kind = {"bytes_list": "bytesList", "float_list": "floatList", "int64_list": "int64List"}.get(name, name)
        parts.append(wire.message(_LISTS[kind], _list_bytes(kind, content.get("value", []))))
    return b"".join(parts)


def _json_example(op: Any, text: bytes) -> bytes:
    try:
        content = json.loads(text)
        features = content.get("features", {}).get("feature", {})
        entries = [wire.message(1, k) + wire.message(2, _json_feature(v)) for k, v in features.items()]
    except (ValueError, KeyError, AttributeError, TypeError, binascii.Error, struct.error) as error:
        return refuse(op, f"Error while parsing JSON: {error}")
    return wire.message(1, b"".join(wire.message(1, e) for e in entries)) if "features" in content else b""


def each_text(function: Callable[[bytes], bytes], texts: Array) -> Array:
    """The function of each text, in their shape."""
    source = np.asarray(texts, object)
    made = np.empty(source.size, object)
    made[:] = [function(t) for t in source.reshape(-1).tolist()]
    return made.reshape(source.shape)


host_row("DecodeJSONExample", unchanged, lambda op, texts: each_text(lambda t: _json_example(op, t), texts))


@export("io.decode_json_example", "decode_json_example")
def decode_json_example(json_examples: Any, name: str | None = None) -> Tensor:
    """`tf.train.Example`s in JSON as serialized messages. Source: TF 1.15 `tf.io.decode_json_example`."""
    return raw("DecodeJSONExample", json_examples, name=name)  # type: ignore[no-any-return]


# ---- compression


def _unpacked(op: Any, text: bytes) -> bytes:
    kind: bytes = op.attrs["compression_type"]
    if kind not in (b"", b"ZLIB", b"GZIP"):
        refuse(op, f"Only ZLIB, GZIP or NONE are supported compressions: {kind.decode()}")
    unpack: dict[bytes, Callable[[bytes], bytes]] = {b"": bytes, b"ZLIB": zlib.decompress, b"GZIP": gzip.decompress}
    try:
        return unpack[kind](text)
    except (zlib.error, OSError, EOFError) as error:
        return refuse(op, f"Could not decompress: {error}")


host_row("DecodeCompressed", unchanged, lambda op, texts: each_text(lambda t: _unpacked(op, t), texts))


@export("io.decode_compressed", "decode_compressed")
def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Tensor:
    """The texts that "ZLIB" or "GZIP" packed. Source: TF 1.15 `tf.io.decode_compressed`."""
    return raw("DecodeCompressed", bytes, compression_type=compression_type, name=name)  # type: ignore[no-any-return]


take_ragged(globals(), "decode_compressed", 1)
