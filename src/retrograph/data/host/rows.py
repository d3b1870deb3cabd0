"""Datasets of rows: of CSV files and of SQL queries; and what writes a dataset to a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.data.host.engine import HostDataset, HostIterator, Root, dataset_row, invalid, unboxed
from retrograph.data.host.files import FileDataset, Resumable, _kind, _texts, blocks, text_box
from retrograph.data.host.iterators import _HOST, _outermost
from retrograph.framework import dtypes
from retrograph.framework.op_table import register_op
from retrograph.framework.shape_rules import no_outputs

_NAMES = {"float32": "float", "float64": "double"}
_LIMITS = {"int32": 31, "int64": 63}


class _Form:
    """How a CSV file is written, and which columns are wanted."""

    def __init__(self, op: Any, inputs: Any):
        header, delimiter, quotes, absent, columns, *defaults = inputs
        self.types = [t._base for t in op._attrs["output_types"]]
        self.header, self.quotes = bool(header), bool(quotes)
        self.delimiter, self.absent = _texts(delimiter)[0], _texts(absent)[0]
        self.columns = [int(c) for c in np.asarray(columns).reshape(-1)]
        self.defaults = defaults
        self._check()

    def _check(self) -> None:
        if len(self.delimiter) != 1:
            raise invalid("field_delim should be only 1 char")
        if self.columns and len(self.columns) != len(self.types):
            raise invalid("select_cols should match output size")
        if any(b <= a for a, b in zip(self.columns, self.columns[1:], strict=False)):
            raise invalid("select_cols should be strictly increasing indices")
        if self.columns and self.columns[0] < 0:
            raise invalid("select_cols should be non-negative indices")
        for i, default in enumerate(self.defaults):
            if np.size(default) > 1:
                raise invalid(f"There should only be 1 default per field but field {i} has {np.size(default)}")

    def fields(self, line: bytes) -> list[bytes]:
        """The fields of a record. Raises InvalidArgumentError: quotes where there should be none."""
        found, place = [], 0
        while place <= len(line):
            if self.quotes and line[place : place + 1] == b'"':
                field, place = self._quoted(line, place + 1)
            else:
                end = line.find(self.delimiter, place)
                end = len(line) if end < 0 else end
                field, place = line[place:end], end + 1
                if self.quotes and b'"' in field:
                    raise invalid("Unquoted fields cannot have quotes inside")
            found.append(field)
        return found

    def _quoted(self, line: bytes, place: int) -> tuple[bytes, int]:
        parts = []
        while True:
            end = line.find(b'"', place)
            if end < 0:
                raise invalid("Reached end of file without closing quoted field in record")
            parts.append(line[place:end])
            after = line[end + 1 : end + 2]
            if after != b'"':
                break
            parts.append(b'"')
            place = end + 2
        if after not in (b"", self.delimiter):
            raise invalid("Quote inside a string has to be escaped by another quote")
        return b"".join(parts), end + 2

    def row(self, line: bytes) -> tuple[Any, ...]:
        """A record as scalars."""
        fields = self.fields(line)
        if self.columns:
            fields = [fields[c] for c in self.columns if c < len(fields)]
        if len(fields) != len(self.types):
            have = "more" if len(fields) > len(self.types) else len(fields)
            raise invalid(f"Expect {len(self.types)} fields but have {have} in record")
        return tuple(self._value(i, field) for i, field in enumerate(fields))

    def _value(self, index: int, field: bytes) -> Any:
        dtype, default = self.types[index], self.defaults[index]
        if not field or field == self.absent:
            if not np.size(default):
                raise invalid(f"Field {index} is required but missing in record!")
            return np.asarray(default).reshape(-1)[:1].reshape(())
        if dtype == dtypes.string:
            return text_box(field)
        try:
            return np.array(_number(field, dtype), dtype.as_numpy_dtype)
        except ValueError:
            kind = _NAMES.get(dtype.name, dtype.name)
            raise invalid(
                f"Field {index} in record is not a valid {kind}: {field.decode('utf-8', 'replace')}"
            ) from None


def _number(text: bytes, dtype: Any) -> Any:
    if b"_" in text:
        raise ValueError
    if dtype.is_floating:
        return float(text)
    value, limit = int(text), 1 << _LIMITS[dtype.name]
    if not -limit <= value < limit:
        raise ValueError
    return value


def _records(data: bytes, quotes: bool) -> Iterator[bytes]:
    """The records of a CSV file: lines, but ends of lines inside quotes do not count."""
    held = b""
    parts = data.split(b'"') if quotes else [data]
    parts[::2] = [p.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for p in parts[::2]]
    *lines, last = b'"'.join(parts).split(b"\n")
    for line in lines:
        held = held + b"\n" + line if held else line
        if quotes and held.count(b'"') % 2:
            continue
        yield held
        held = b""
    if held or last:
        yield held + b"\n" + last if held else last


class _Rows(Resumable):
    def __init__(self, name: bytes, kind: str, form: _Form):
        self._form = form
        self._lines = _records(b"".join(blocks(name, kind)), form.quotes)
        if form.header and next(self._lines, None) is None:
            raise invalid("Can't read header of file")

    def __next__(self) -> Any:
        return self._form.row(next(self._lines))


@dataset_row("CSVDataset", "ExperimentalCSVDataset")
def _csv(op: Any, ctx: Any, names: Any, compression: Any, buffer_size: Any, *rest: Any) -> HostDataset:
    kind, form = _kind(compression), _Form(op, rest)
    if int(buffer_size) <= 0:
        raise invalid("buffer_size should be positive")
    return FileDataset(op, names, lambda name: _Rows(name, kind, form), "CSV", spec=form)


# ---- SQL


class SqlDataset(HostDataset):
    """The rows of a query of an SQLite file."""

    type_string = "Sql"

    def __init__(self, op: Any, driver: bytes, source: bytes, query: bytes):
        super().__init__(op)
        if driver != b"sqlite":
            raise invalid(
                f"The database type, {driver.decode()}, is not supported by SqlDataset. "
                "The set of supported databases is: {'sqlite'}."
            )
        self.source, self.query = source.decode(), query.decode()

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Asks the query."""
        return _Queried(self)


class _Queried(HostIterator):
    def __init__(self, dataset: SqlDataset):
        self._dataset = dataset
        self._rows: Iterator[Any] | None = None

    def get_next(self) -> Any:
        """The next row."""
        if self._rows is None:
            try:
                self._rows = iter(sqlite3.connect(self._dataset.source).execute(self._dataset.query).fetchall())
            except sqlite3.Error as error:
                raise invalid(f"Failed to run the query: {error}") from None
        row = next(self._rows, None)
        if row is None:
            return None
        types = self._dataset.types
        if len(row) != len(types):
            raise invalid(
                f"The number of columns in query ({len(row)}) must match the number of elements in output_types ({len(types)})."
            )
        return tuple(_sql_value(v, t) for v, t in zip(row, types, strict=True))


def _sql_value(value: Any, dtype: Any) -> Any:
    if dtype == dtypes.string:
        text = b"" if value is None else value if isinstance(value, bytes) else str(value).encode()
        return text_box(text)
    return np.array(0 if value is None else value).astype(dtype.as_numpy_dtype)


@dataset_row("SqlDataset", "ExperimentalSqlDataset")
def _sql(op: Any, ctx: Any, driver: Any, source: Any, query: Any) -> HostDataset:
    return SqlDataset(op, *(_texts(v)[0] for v in (driver, source, query)))


# ---- writing


def _write(op: Any, ctx: Any, dataset: Any, filename: Any, compression: Any) -> tuple[()]:
    from retrograph.io.records import TFRecordOptions, TFRecordWriter

    kind = _texts(compression)[0].decode()
    iterator = unboxed(dataset).iterator(Root(_outermost(ctx.session)), "ToTFRecordOpIterator")
    with TFRecordWriter(_texts(filename)[0].decode(), TFRecordOptions(kind) if kind else None) as writer:
        while (element := iterator.get_next()) is not None:
            writer.write(element[0].item())
    return ()


register_op("DatasetToTFRecord", shape=no_outputs, numpy=_write, **_HOST)
register_op("ExperimentalDatasetToTFRecord", shape=no_outputs, numpy=_write, **_HOST)
