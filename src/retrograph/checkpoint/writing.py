"""Writing a checkpoint so that a kill at any moment leaves the one before it, or the new one, whole."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.checkpoint.checksum import crc32c, masked
from retrograph.checkpoint.entry import FULL, Entry, Header, Slice, resolve, slice_key
from retrograph.checkpoint.reading import _PENDING, data_name, index_name, length_bytes
from retrograph.checkpoint.table import data_loss, read_table, write_table
from retrograph.framework import dtypes, errors
from retrograph.framework.wire import varint


def _sync_directory(path: str) -> None:
    handle = os.open(path or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: str, data: bytes) -> None:
    """Replaces a file by these bytes, or leaves it as it was."""
    with open(path + _PENDING, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + _PENDING, path)
    _sync_directory(os.path.dirname(path))


def _write_pending(path: str, data: bytes) -> None:
    with open(path + _PENDING, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


class BundleWriter:
    """Writes the tensors given to `add` as a checkpoint; `finish` puts it in place.

    Raises: NotFoundError without the directory's parent; other `tf.errors` as the file system says.
    """

    def __init__(self, prefix: str):
        self.prefix = prefix
        self._entries: dict[bytes, Entry] = {}
        self._place = 0
        self._data_path = data_name(prefix, 0, 1)
        directory = os.path.dirname(prefix)
        try:
            if directory and not os.path.isdir(directory):
                os.mkdir(directory)
            self._file: Any = open(self._data_path + _PENDING, "wb")  # noqa: SIM115
        except FileNotFoundError:
            raise errors.NotFoundError(None, None, f"{self._data_path}; No such file or directory") from None
        except NotADirectoryError:
            raise errors.FailedPreconditionError(None, None, f"{self._data_path}; Not a directory") from None
        except PermissionError:
            raise errors.PermissionDeniedError(None, None, f"{self._data_path}; Permission denied") from None

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
        data: Any
        if enum == dtypes.string.as_datatype_enum:
            data, crc = _string_bytes(array)
        else:
            data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            crc = crc32c(data)
        self._file.write(data)
        self._entries[key] = Entry(enum, array.shape, 0, self._place, len(data), masked(crc))
        self._place += len(data)

    def finish(self) -> None:
        """Makes the checkpoint durable and puts it in place: data, then the index that makes it valid."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        rows = [(b"", Header().serialize())]
        rows += [(key, self._entries[key].serialize()) for key in sorted(self._entries)]
        path = index_name(self.prefix)
        _write_pending(path, write_table(rows))
        os.replace(self._data_path + _PENDING, self._data_path)
        os.replace(path + _PENDING, path)
        _sync_directory(os.path.dirname(path))

    def abandon(self) -> None:
        """Takes back what was written."""
        self._file.close()
        os.unlink(self._data_path + _PENDING)


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
    for path, shard in moves:
        os.replace(path, data_name(destination, shard, len(moves)))
    write_atomically(index_name(destination), write_table(rows_out))
    for prefix in dict.fromkeys(prefixes):
        os.unlink(index_name(prefix))


def remove_emptied(directories: Sequence[str]) -> None:
    """Deletes directories that nothing is left in."""
    for directory in dict.fromkeys(directories):
        if os.path.isdir(directory) and not os.listdir(directory):
            os.rmdir(directory)


def remove_files(pattern_prefix: str, suffix: str) -> None:
    """Deletes the files `prefix` + `suffix`, a pattern."""
    for path in glob.glob(glob.escape(pattern_prefix) + suffix):
        os.unlink(path)
