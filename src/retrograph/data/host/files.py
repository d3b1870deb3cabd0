"""Datasets of what stands in files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograph.data.host.engine import Element, HostDataset, HostIterator, Root, dataset_row, integer, invalid
from retrograph.framework import dtypes, errors
from retrograph.io.records import read_records
from retrograph.ops.files import file_error, path_of

_KINDS = ("", "ZLIB", "GZIP")
_BLOCK = 1 << 18


def _texts(value: Any) -> list[bytes]:
    return [v if isinstance(v, bytes) else str(v).encode() for v in np.asarray(value, object).reshape(-1).tolist()]


def text_box(value: bytes) -> Any:
    """A string as a tensor."""
    made = np.empty((), object)
    made[()] = value
    return made


def _kind(value: Any) -> str:
    kind = _texts(value)[0].decode()
    if kind not in _KINDS:
        raise errors.InvalidArgumentError(None, None, "Unsupported compression_type.")
    return kind


class FileDataset(HostDataset):
    """What a function reads of one file after another."""

    def __init__(self, op: Any, names: Any, read: Callable[[bytes], Iterator[Any]], type_string: str, spec: Any = None):
        super().__init__(op)
        self.names, self.read, self.type_string = _texts(names), read, type_string
        if spec is None:
            self.types, self.shapes = [dtypes.string], [()]

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Reads."""
        return _Read(self.names, self.read)


_UNOPENED = (errors.NotFoundError, errors.PermissionDeniedError)


class _Read(HostIterator):
    """Goes through files. After an error it goes on with the next one."""

    def __init__(self, names: list[bytes], read: Callable[[bytes], Iterator[Any]]):
        self._names, self._read = iter(names), read
        self._current: Iterator[Any] | None = None
        self._name: bytes | None = None

    def get_next(self) -> Element | None:
        """The next of this file or the next."""
        while True:
            if self._current is None:
                self._name = next(self._names, None)
                if self._name is None:
                    return None
                self._current = self._read(self._name)
            try:
                found = next(self._current, None)
            except _UNOPENED:
                self._current = self._read(self._name or b"")  # is tried again
                raise
            except BaseException:
                if not isinstance(self._current, Resumable):
                    self._current = None
                raise
            if found is not None:
                return found if isinstance(found, tuple) else (text_box(found),)
            self._current = None


class Resumable(Iterator[Any]):
    """What can be read on after an error."""


def blocks(name: bytes, kind: str) -> Iterator[bytes]:
    """The bytes of a file, unpacked, piece by piece."""
    path = path_of(name)
    try:
        with open(path, "rb") as file:
            unpack = zlib.decompressobj({"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS | 16}[kind]) if kind else None
            while data := file.read(_BLOCK):
                yield unpack.decompress(data) if unpack else data
            if unpack:
                yield unpack.flush()
    except OSError as error:
        raise file_error(None, path, error) from None
    except zlib.error as error:
        raise errors.DataLossError(None, None, f"inflate() failed with error: {error}") from None


def lines(name: bytes, kind: str) -> Iterator[bytes]:
    """The lines of a file without their ends."""
    rest = b""
    for block in blocks(name, kind):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest.removesuffix(b"\r")


@dataset_row("TextLineDataset")
def _text_lines(op: Any, ctx: Any, names: Any, compression: Any, buffer_size: Any) -> HostDataset:
    kind = _kind(compression)
    if integer(buffer_size) < 0:
        raise invalid("`buffer_size` must be >= 0 (0 == default)")
    return FileDataset(op, names, lambda name: lines(name, kind), "TextLine")


@dataset_row("TFRecordDataset")
def _records(op: Any, ctx: Any, names: Any, compression: Any, buffer_size: Any) -> HostDataset:
    kind = _texts(compression)[0].decode()
    if integer(buffer_size) < 0:
        raise invalid("`buffer_size` must be >= 0 (0 == no buffering)")
    return FileDataset(op, names, lambda name: read_records(path_of(name), kind), "TFRecord")


def _fixed(name: bytes, kind: str, header: int, record: int, footer: int) -> Iterator[bytes]:
    data = b"".join(blocks(name, kind))
    body = len(data) - header - footer
    if body % record and not kind:
        raise invalid(
            f"Excess bytes found at the end of the file after reading {body // record * record} bytes in file"
            if body < 0
            else f"{name.decode()}: record_bytes must divide what is between header and footer: "
            f"Header bytes={header}, record bytes={record}, footer bytes={footer}, file size={len(data)}"
        )
    for start in range(header, header + body - record + 1, record):
        yield data[start : start + record]


@dataset_row("FixedLengthRecordDatasetV2", "FixedLengthRecordDataset")
def _fixed_records(
    op: Any, ctx: Any, names: Any, header: Any, record: Any, footer: Any, buffer_size: Any, compression: Any = b""
) -> HostDataset:
    sizes = [integer(v) for v in (header, record, footer)]
    for value, name in zip(sizes, ("header_bytes", "record_bytes", "footer_bytes"), strict=True):
        if value < 0 or (name == "record_bytes" and not value):
            raise invalid(f"`{name}` must be {'>' if name == 'record_bytes' else '>='} 0")
    kind = _kind(compression)
    return FileDataset(op, names, lambda name: _fixed(name, kind, *sizes), "FixedLengthRecord")


@dataset_row("MatchingFilesDataset", "ExperimentalMatchingFilesDataset")
def _matching(op: Any, ctx: Any, patterns: Any) -> HostDataset:
    from retrograph.platform.gfile import glob

    found = sorted(name for pattern in _texts(patterns) for name in glob(pattern.decode()))
    return FileDataset(op, [b"files"], lambda _: iter([n.encode() for n in found]), "MatchingFiles")
