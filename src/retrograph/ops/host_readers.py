"""Readers as a session holds them: they take names of files from a queue and give records of these files."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retrograph.framework import errors
from retrograph.io.records import read_records
from retrograph.ops.files import file_error, path_of

Record = tuple[bytes, bytes]


class HostReader:
    """Gives keys and values, file by file."""

    kind = "Reader"
    keeps_state = False

    def __init__(self, op: Any, number: int):
        self.attrs = op._attrs
        self.name = f"{self.kind} '{op._name}'"
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forgets the file that is being read, and all counts."""
        self.produced = self.started = self.finished = 0
        self.work = b""
        self._records: Iterator[Record] | None = None

    def records(self, work: bytes) -> Iterator[Record]:
        """The records of a file, with their keys."""
        raise NotImplementedError

    def read(self, ctx: Any, queue: Any) -> Record:
        """The next record; takes names from the queue as needed."""
        with self._lock:
            while True:
                record = self._next(ctx, queue)
                if record is not None:
                    return record

    def read_up_to(self, ctx: Any, queue: Any, count: int) -> list[Record]:
        """At most `count` records of one file; at least one."""
        with self._lock:
            found: list[Record] = []
            while len(found) < count:
                record = self._next(ctx, queue)
                if record is not None:
                    found.append(record)
                if found and self._records is None:
                    break
            return found

    def _next(self, ctx: Any, queue: Any) -> Record | None:
        """The next record of the current file, None at its end."""
        if self._records is None:
            self._start(queue.take(ctx))
        assert self._records is not None
        try:
            record = next(self._records, None)
        except OSError as error:
            self._records = None
            raise file_error(None, path_of(self.work), error) from None
        except (EOFError, zlib.error) as error:
            self._records = None
            raise errors.DataLossError(None, None, f"{path_of(self.work)}: {error}") from None
        if record is None or self.keeps_state:
            # Those that keep a state have one record of each file.
            self._records, self.finished = None, self.started
        self.produced += record is not None
        return record

    def _start(self, element: Any) -> None:
        if len(element) != 1:
            raise errors.InvalidArgumentError(None, None, "Expected single component queue")
        if element[0].dtype != object:
            raise errors.InvalidArgumentError(None, None, "Expected queue with single string component")
        if element[0].size != 1:
            raise errors.InvalidArgumentError(None, None, "Expected to dequeue a one-element string tensor")
        self.work = element[0].reshape(-1)[0]
        self._records = self.records(self.work)
        self.started += 1

    def state(self) -> bytes:
        """The counts and the name of the current file as a ReaderBaseState."""
        with self._lock:
            if not self.keeps_state:
                raise errors.UnimplementedError(None, None, "Reader SerializeState")
            return _encoded((self.started, self.finished, self.produced), self.work)

    def restore(self, state: bytes) -> None:
        """Goes on as the state says. Raises InvalidArgumentError: not such a state; then all is forgotten."""
        with self._lock:
            self.reset()
            if not self.keeps_state:
                raise errors.UnimplementedError(None, None, "Reader RestoreState")
            try:
                (started, finished, produced), work = _decoded(state)
            except ValueError:
                shown = state.decode("latin-1").encode("unicode_escape").decode()
                raise errors.InvalidArgumentError(
                    None, None, f"Could not parse state for {self.name}: {shown}"
                ) from None
            if min(started, finished, produced) < 0:
                raise errors.InvalidArgumentError(
                    None, None, f"Unexpected negative value when restoring in {self.name}: "
                )
            if started > finished:
                text = f"Inconsistent work started vs. finished when restoring in {self.name}: "
                raise errors.InvalidArgumentError(None, None, text)
            self.started, self.finished, self.produced, self.work = started, finished, produced, work


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _encoded(numbers: tuple[int, ...], work: bytes) -> bytes:
    parts = [bytes([field << 3]) + _varint(n) for field, n in enumerate(numbers, 1) if n]
    return b"".join([*parts, b"\x22" + _varint(len(work)) + work if work else b""])


def _decoded(data: bytes) -> tuple[list[int], bytes]:
    """The three counts and the name; ValueError for other bytes."""
    numbers, work, place = [0, 0, 0], b"", 0
    while place < len(data):
        tag, (value, place) = data[place], _read_varint(data, place + 1)
        if tag in (8, 16, 24):
            numbers[tag // 8 - 1] = value - (1 << 64) if value >> 63 else value
        elif tag == 0x22 and place + value <= len(data):
            work, place = data[place : place + value], place + value
        else:
            raise ValueError("not a ReaderBaseState")
    return numbers, work


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("not a number")
        value |= (data[place] & 127) << shift
        shift, place = shift + 7, place + 1
        if data[place - 1] < 128:
            return value, place


class HostIdentityReader(HostReader):
    """Gives the names themselves."""

    kind = "IdentityReader"
    keeps_state = True

    def records(self, work: bytes) -> Iterator[Record]:
        """The name, as key and value."""
        yield work, work


class HostWholeFileReader(HostReader):
    """Gives whole files."""

    kind = "WholeFileReader"
    keeps_state = True

    def records(self, work: bytes) -> Iterator[Record]:
        """The contents, by the name."""
        yield work, Path(path_of(work)).read_bytes()


class HostTextLineReader(HostReader):
    """Gives lines, without their ends."""

    kind = "TextLineReader"

    def records(self, work: bytes) -> Iterator[Record]:
        """The lines, by name and number."""
        with Path(path_of(work)).open("rb") as file:
            for number, line in enumerate(file, 1):
                if number > self.attrs["skip_header_lines"]:
                    yield b"%s:%d" % (work, number), line.removesuffix(b"\n").replace(b"\r", b"")


class HostRecordReader(HostReader):
    """Gives the records of TFRecord files."""

    kind = "TFRecordReader"

    def records(self, work: bytes) -> Iterator[Record]:
        """The records, by name and place."""
        place = 0
        for record in read_records(path_of(work), self.attrs["compression_type"].decode()):
            yield b"%s:%d" % (work, place), record
            place += len(record) + 16


class HostFixedLengthReader(HostReader):
    """Gives pieces of one length, between a header and a footer."""

    kind = "FixedLengthRecordReader"

    def __init__(self, op: Any, number: int):
        super().__init__(op, number)
        for name in ("header_bytes", "record_bytes", "footer_bytes", "hop_bytes"):
            if self.attrs[name] < 0:
                raise errors.InvalidArgumentError(None, op, f"{name} must be >= 0 not {self.attrs[name]}")

    def _contents(self, path: str) -> bytes:
        data = Path(path).read_bytes()
        encoding = self.attrs.get("encoding")
        if encoding == b"GZIP":
            return gzip.decompress(data)
        return zlib.decompress(data) if encoding == b"ZLIB" else data

    def records(self, work: bytes) -> Iterator[Record]:
        """The pieces, by name and number."""
        data = memoryview(self._contents(path_of(work)))
        size = self.attrs["record_bytes"]
        end = len(data) - self.attrs["footer_bytes"]
        starts = range(self.attrs["header_bytes"], end - size + 1, self.attrs["hop_bytes"] or size or 1)
        for number, start in enumerate(starts):
            yield b"%s:%d" % (work, number), bytes(data[start : start + size])
