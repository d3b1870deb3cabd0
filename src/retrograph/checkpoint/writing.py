"""Writing a checkpoint so that a kill at any moment leaves the one before it, or the new one, whole."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from retrograph.checkpoint.checksum import crc32c, masked
from retrograph.checkpoint.entry import FULL, Entry, Header, Slice, resolve, slice_key
from retrograph.checkpoint.reading import _PENDING, data_name, index_name, length_bytes
from retrograph.checkpoint.table import data_loss, read_table, write_table
from retrograph.framework import dtypes, errors
from retrograph.framework.file_errors import as_tf
from retrograph.framework.files import (
    NewFile,
    locked_directory,
    remove,
    remove_abandoned,
    sync_directory,
    wait_until_freed,
)
from retrograph.framework.wire import varint

__all__ = [
    "BundleWriter",
    "merge_checkpoints",
    "remove_emptied",
    "remove_files",
    "write_checkpoint",
]

_PIECE = 256 << 10


def _settle(prefix: str) -> None:
    """Completes, or takes back, what a writer that was killed while it put files in place has left."""
    index, data = index_name(prefix), data_name(prefix, 0, 1)
    if os.path.exists(data + _PENDING):
        for path in (index + _PENDING, data + _PENDING):
            with suppress(FileNotFoundError):
                os.unlink(path)
    elif os.path.exists(index + _PENDING):
        os.replace(index + _PENDING, index)


def _put_in_place(prefix: str, data: NewFile, index: NewFile) -> None:
    """Renames four times; whatever the last one was, `reading` finds the old checkpoint or the new one, whole."""
    with locked_directory(os.path.dirname(prefix)):
        _settle(prefix)
        try:
            data.move(data.path + _PENDING)
            index.move(index.path + _PENDING)
            data.move(data.path)
            index.move(index.path)
        except BaseException:
            _settle(prefix)
            raise
    sync_directory(os.path.dirname(prefix))


class _Data:
    """The data file: small tensors are gathered, large ones written from where they are."""

    def __init__(self, path: str):
        self.file, self.size = NewFile(path), 0
        self._gathered = bytearray()

    def append(self, data: Any) -> int:
        """Appends bytes or an array of bytes, and gives their checksum."""
        self.size += len(data)
        if len(data) < _PIECE:
            self._gathered += memoryview(data)
            if len(self._gathered) >= _PIECE:
                self._write_gathered()
            return crc32c(data)
        self._write_gathered()
        return self._write(data)

    def _write(self, data: Any) -> int:
        # The checksum of a piece brings it into the processor's cache, from where it is written.
        crc = 0
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            crc = crc32c(piece, crc)
            self.file.append(piece)
        return crc

    def _write_gathered(self) -> None:
        self.file.append(self._gathered)
        self._gathered.clear()

    def finish(self) -> None:
        """Writes what is left and makes all durable."""
        self._write_gathered()
        self.file.finish()


class BundleWriter:
    """Writes the tensors given to `add` as a checkpoint; `finish` puts it in place, or leaves nothing.

    Raises: NotFoundError without the directory's parent; ResourceExhaustedError where the disk is full; other `tf.errors` as
        the file system says.
    """

    def __init__(self, prefix: str):
        self.prefix = prefix
        self._entries: dict[bytes, Entry] = {}
        directory, path = os.path.dirname(prefix), data_name(prefix, 0, 1)
        with as_tf(path):
            self._made = directory if directory and not os.path.exists(directory) else ""
            if self._made:
                os.mkdir(directory)
        remove_abandoned(directory)
        wait_until_freed()
        self._data = _Data(path)

    def add(self, name: str | bytes, value: Any, full_shape: Sequence[int] = (), part: Slice | None = None) -> None:
        """Appends a tensor, or with `part` a slice of the tensor `name` of shape `full_shape`.

        Raises: InvalidArgumentError for a name given twice; UnimplementedError for dtypes that cannot be stored.
        """
        key = name if isinstance(name, bytes) else name.encode(errors="surrogateescape")
        array = np.asarray(value)
        whole = tuple((0, d) for d in full_shape)
        if part is None or resolve(part, tuple(full_shape)) == whole:
            self._append(key, array)
            return
        entry = self._entries.setdefault(key, Entry(_enum_of(array), tuple(full_shape)))
        entry.slices.append(tuple((0, FULL) if n == FULL else (s, n) for s, n in part))
        self._append(slice_key(key, entry.slices[-1]), array)

    def _append(self, key: bytes, array: np.ndarray[Any, Any]) -> None:
        if key in self._entries:
            raise errors.InvalidArgumentError(None, None, f"Adding duplicate key: {key.decode(errors='replace')}")
        enum = _enum_of(array)
        place = self._data.size
        if enum == dtypes.string.as_datatype_enum:
            data, crc = _string_bytes(array)
            self._data.append(data)
        else:
            crc = self._data.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
        self._entries[key] = Entry(enum, array.shape, 0, place, self._data.size - place, masked(crc))

    def finish(self) -> None:
        """Makes the checkpoint durable and puts it in place: data, then the index that makes it valid."""
        index: NewFile | None = None
        try:
            self._data.finish()
            rows = [(b"", Header().serialize())]
            rows += [(key, self._entries[key].serialize()) for key in sorted(self._entries)]
            index = NewFile(index_name(self.prefix))
            index.append(write_table(rows))
            index.finish()
            _put_in_place(self.prefix, self._data.file, index)
        finally:
            if index is not None:
                index.abandon()
            self.abandon()

    def abandon(self) -> None:
        """Takes back what was written, unless it is in place."""
        self._data.file.abandon()
        if self._made:
            remove_emptied([self._made])


def _enum_of(array: np.ndarray[Any, Any]) -> int:
    dtype = dtypes.as_dtype(array.dtype)
    return dtype.base_dtype.as_datatype_enum


def _string_bytes(array: np.ndarray[Any, Any]) -> tuple[bytes, int]:
    texts = [t.encode() if isinstance(t, str) else bytes(t) for t in array.reshape(-1).tolist()]
    lengths = [len(t) for t in texts]
    crc = crc32c(length_bytes(lengths))
    check = masked(crc).to_bytes(4, "little")
    body = b"".join(texts)
    return b"".join(map(varint, lengths)) + check + body, crc32c(body, crc32c(check, crc))


def write_checkpoint(prefix: str, tensors: dict[str, Any]) -> None:
    """Writes arrays by name as the checkpoint `prefix`."""
    writer = BundleWriter(prefix)
    try:
        for name in sorted(tensors):
            writer.add(name, tensors[name])
    except BaseException:
        writer.abandon()
        raise
    writer.finish()


def _rows_of(prefix: str) -> tuple[dict[bytes, bytes], int]:
    path = index_name(prefix)
    try:
        with open(path, "rb") as file:
            rows = dict(read_table(path, file.read()))
    except FileNotFoundError:
        raise errors.NotFoundError(None, None, f"{path}; No such file or directory") from None
    if b"" not in rows:
        raise data_loss(path, "the index has no header")
    return rows, Header.parse(rows.pop(b"")).num_shards


def merge_checkpoints(prefixes: Sequence[str], destination: str) -> None:
    """Makes one checkpoint of several: their data files become its shards, their indexes are put together.

    Raises: InvalidArgumentError where two hold the same tensor.
    """
    merged: dict[bytes, Entry] = {}
    moves: list[tuple[str, int]] = []
    for prefix in dict.fromkeys(prefixes):
        rows, count = _rows_of(prefix)
        first = len(moves)
        moves += [(data_name(prefix, i, count), first + i) for i in range(count)]
        for key, raw in rows.items():
            entry = Entry.parse(raw)
            known = merged.get(key)
            if known is not None and not (known.slices and entry.slices):
                text = f"Merging checkpoints that both hold {key.decode(errors='replace')}"
                raise errors.InvalidArgumentError(None, None, text)
            if known is not None:
                known.slices += entry.slices
                continue
            if not entry.slices:
                entry.shard += first
            merged[key] = entry
    rows_out = [(b"", Header(len(moves)).serialize()), *((k, merged[k].serialize()) for k in sorted(merged))]
    index = NewFile(index_name(destination))
    try:
        index.append(write_table(rows_out))
        index.finish()
        with locked_directory(os.path.dirname(destination)), as_tf(destination):
            for path, shard in moves:
                os.replace(path, data_name(destination, shard, len(moves)))
            index.move(index.path)
        sync_directory(os.path.dirname(destination))
    finally:
        index.abandon()
        # What was not moved is of no use to anybody.
        for prefix in dict.fromkeys(prefixes):
            remove_files(prefix, ".index")
            remove_files(prefix, ".data-?????-of-?????")


def remove_emptied(directories: Sequence[str]) -> None:
    """Deletes directories that nothing is left in."""
    for directory in dict.fromkeys(directories):
        if os.path.isdir(directory) and not os.listdir(directory):
            os.rmdir(directory)


def remove_files(pattern_prefix: str, suffix: str) -> None:
    """Deletes the files `prefix` + `suffix`, a pattern."""
    for path in glob.glob(glob.escape(pattern_prefix) + suffix):
        remove(path)
