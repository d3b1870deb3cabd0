"""Reading a checkpoint: its index at once, its tensors from memory-mapped files when they are asked for."""

from __future__ import annotations

import bisect
import math
import os
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.checkpoint.checksum import crc32c, masked
from retrograph.checkpoint.entry import FULL, Entry, Header, Slice, resolve, slice_key
from retrograph.checkpoint.rows import shapes_of, without_collecting
from retrograph.checkpoint.table import data_loss, read_table
from retrograph.framework import dtypes, errors
from retrograph.framework.dtypes import DType
from retrograph.framework.file_errors import as_tf
from retrograph.framework.wire import WireError, read_varint

Array = np.ndarray[Any, Any]
_PENDING = ".pending"
_PIECE = 1 << 20
_VARIANT = 21


def index_name(prefix: str) -> str:
    """The file that names the tensors of a checkpoint."""
    return prefix + ".index"


def data_name(prefix: str, shard: int, count: int) -> str:
    """The file that holds one shard's values."""
    return f"{prefix}.data-{shard:05d}-of-{count:05d}"


def _read_index(prefix: str) -> tuple[str, bytes]:
    """The index that fits the data: a writer killed between its last two renames leaves the new one under `.pending`."""
    path = index_name(prefix)
    data = data_name(prefix, 0, 1)
    if os.path.exists(path + _PENDING) and os.path.exists(data) and not os.path.exists(data + _PENDING):
        path += _PENDING
    try:
        with open(path, "rb") as file:
            return path, file.read()
    except OSError:
        text = f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {prefix}"
        raise errors.NotFoundError(None, None, text) from None


class _DataFile:
    """The bytes of one shard. They are read, not mapped: a mapped file that somebody cuts off kills the process."""

    def __init__(self, path: str):
        self.path = path
        with as_tf(path):
            self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._handle)
        self.size = os.fstat(self._handle).st_size

    def take(self, entry: Entry) -> tuple[Array, int]:
        """The bytes of a tensor, and their checksum, which is taken while they are in the processor's cache."""
        if entry.offset + entry.size > self.size:
            raise data_loss(self.path, "a tensor's values are cut off")
        data, crc = np.empty(entry.size, np.uint8), 0
        for start in range(0, entry.size, _PIECE):
            piece = data[start : start + _PIECE]
            self._fill(piece, entry.offset + start)
            crc = crc32c(piece, crc)
        return data, crc

    def _fill(self, piece: Array, place: int) -> None:
        with as_tf(self.path):
            while len(piece):
                done = os.preadv(self._handle, [piece.data], place)
                if not done:
                    raise data_loss(self.path, "a tensor's values are cut off")
                piece, place = piece[done:], place + done


class BundleReader:
    """The tensors of a checkpoint in TF's V2 format, by name.

    Nothing is read of a tensor before it is asked for; its checksum is compared whenever it is.
    Raises: NotFoundError without such a file; DataLossError for damaged ones; UnimplementedError for big-endian ones.
    """

    def __init__(self, prefix: str):
        self.prefix = prefix
        self._index_path, data = _read_index(prefix)
        self._rows = read_table(self._index_path, data)
        self._parsed: dict[bytes, Entry] = {}
        self._files: dict[int, _DataFile] = {}
        texts = self._rows.texts
        if not texts or texts[0]:
            raise self._lost("the index has no header")
        # Keys of slices begin with a zero and stand before the names.
        self._first = bisect.bisect_left(texts, "\1")
        try:
            header = Header.parse(self._rows.value(0))
        except WireError as error:
            raise self._lost(str(error)) from None
        if header.big_endian or header.min_consumer > 1:
            text = f"checkpoint {prefix}: of the other byte order" if header.big_endian else f"{prefix}: a newer format"
            raise errors.UnimplementedError(None, None, text)
        self.num_shards = header.num_shards

    def _lost(self, text: str) -> Any:
        return data_loss(self._index_path, text)

    def _entry(self, key: bytes) -> Entry:
        entry = self._parsed.get(key)
        if entry is None:
            if not key or key not in self._rows:
                raise errors.NotFoundError(None, None, f"Key {key.decode(errors='replace')} not found in checkpoint")
            try:
                entry = Entry.parse(self._rows[key])
                dtypes.as_dtype(entry.dtype)
            except (WireError, TypeError) as error:
                raise self._lost(f"{key!r}: {error}") from None
            self._parsed[key] = entry
        return entry

    def shapes(self) -> dict[str, list[int]]:
        """The shapes by name, sorted by name."""
        return dict(self.listing())

    def listing(self) -> list[tuple[str, list[int]]]:
        """(name, shape) of each tensor, sorted by name."""
        names, plain = self._names()
        with without_collecting():
            shapes = shapes_of(self._rows, self._first)
            # All are lists or few are; comparing would take longer.
            if not all(shapes):
                shapes = [self._shape_at(i) if s is None else s for i, s in enumerate(shapes, self._first)]
            found: Any = list(zip(names, shapes, strict=True))
        # Names that are no UTF-8 may sort otherwise than their bytes.
        return found if plain else sorted(found)

    def _shape_at(self, i: int) -> list[int]:
        try:
            return list(Entry.parse(self._rows.value(i)).shape)
        except WireError as error:
            raise self._lost(str(error)) from None

    def _names(self) -> tuple[list[str], bool]:
        """The names of the tensors, and whether they are ASCII."""
        texts = self._rows.texts[self._first :]
        if "".join(texts).isascii():
            return texts, True
        return [text.encode("latin-1").decode(errors="surrogateescape") for text in texts], False

    def names(self) -> Iterator[str]:
        """The names of the tensors, sorted; partitioned ones once."""
        return iter(self._names()[0])

    def raw_keys(self) -> Iterator[bytes]:
        """The keys of the index: those of the slices, then the names."""
        return (key for key in self._rows if key)

    def __contains__(self, name: str) -> bool:
        return bool(name) and _key(name) in self._rows

    def dtype_of(self, name: str | bytes) -> DType:
        """The type of a tensor."""
        return dtypes.as_dtype(self._entry(_key(name)).dtype)

    def shape_of(self, name: str | bytes) -> tuple[int, ...]:
        """The shape of a tensor, of a partitioned one the whole's."""
        return self._entry(_key(name)).shape

    def slices_of(self, name: str) -> list[Slice]:
        """The slices that a partitioned tensor was saved in; empty for others."""
        return list(self._entry(_key(name)).slices)

    def read(self, name: str, part: Slice | None = None) -> Array:
        """The value of a tensor or of a part of it.

        Raises: NotFoundError for an unknown name; DataLossError for damaged data; ValueError for a part outside.
        """
        key = _key(name)
        entry = self._entry(key)
        if entry.slices:
            return self._assembled(key, entry, part)
        value = self._value(entry, name)
        return value if part is None else value[tuple(slice(s, s + n) for s, n in resolve(part, entry.shape))].copy()

    def _file(self, shard: int) -> _DataFile:
        if shard >= self.num_shards:
            raise self._lost(f"there is no shard {shard}")
        if shard not in self._files:
            self._files[shard] = _DataFile(data_name(self.prefix, shard, self.num_shards))
        return self._files[shard]

    def _value(self, entry: Entry, name: str) -> Array:
        if entry.dtype == _VARIANT:
            raise errors.UnimplementedError(None, None, f"Tensor {name} of a checkpoint: dtype variant")
        file = self._file(entry.shard)
        dtype = dtypes.as_dtype(entry.dtype)
        try:
            if dtype == dtypes.string:
                return _strings(file.take(entry)[0].data, entry)
            return _numbers(file, entry, dtype)
        except (WireError, ValueError) as error:
            raise data_loss(file.path, f"tensor {name}: {error}") from None

    def _assembled(self, key: bytes, entry: Entry, part: Slice | None) -> Array:
        """A tensor saved in slices, or a part of it, from those slices that touch it."""
        name, dtype = key.decode(errors="replace"), dtypes.as_dtype(entry.dtype)
        wanted = resolve(part, entry.shape) if part is not None else tuple((0, d) for d in entry.shape)
        count = math.prod(n for _, n in wanted)
        self._check_slices(entry, name)
        touching = [(given, *_overlap(resolve(given, entry.shape), wanted)) for given in entry.slices]
        touching = [row for row in touching if row[2]]
        if sum(size for _, _, size in touching) < count:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Does not have sufficient slices for partitioned tensor {name} to restore in slice_spec: "
                f"{_spelled(part, entry.shape)}",
            )
        self._bound(count * dtype.size, entry, key)
        result = np.zeros([n for _, n in wanted], dtype.as_numpy_dtype)
        missing = np.ones(result.shape, np.bool_)
        for given, common, _ in touching:
            there = resolve(given, entry.shape)
            to, of = (
                tuple(slice(a - s, b - s) for (a, b), (s, _) in zip(common, o, strict=True)) for o in (wanted, there)
            )
            result[to] = self._slice(key, given, there, dtype)[of]
            missing[to] = False
        if missing.any():
            raise self._lost(f"tensor {name}: its slices overlap")
        return result

    def _check_slices(self, entry: Entry, name: str) -> None:
        """Refuses slices that leave the tensor or overlap, before any is read; a checkpoint of some slices is one."""
        try:
            sizes = [math.prod(n for _, n in resolve(given, entry.shape)) for given in entry.slices]
        except ValueError as error:
            raise self._lost(f"tensor {name}: {error}") from None
        if sum(sizes) > entry.count:
            raise self._lost(f"tensor {name}: its slices overlap")

    def _bound(self, size: int, entry: Entry, key: bytes) -> None:
        """Refuses to make a whole that is larger than the files of its slices."""
        shards = {self._entry(slice_key(key, s)).shard for s in entry.slices}
        if size > sum(self._file(shard).size for shard in shards):
            raise self._lost(f"tensor {key.decode(errors='replace')} is larger than its slices")

    def _slice(self, key: bytes, given: Slice, there: Slice, dtype: DType) -> Array:
        name = key.decode(errors="replace")
        stored = self._entry(slice_key(key, given))
        if stored.dtype != dtype.as_datatype_enum or stored.shape != tuple(n for _, n in there) or stored.slices:
            raise self._lost(f"tensor {name}: a slice of another type or shape")
        return self._value(stored, name)


def _overlap(one: Slice, other: Slice) -> tuple[list[tuple[int, int]], int]:
    """From where to where two slices meet in each dimension, and how many elements that is."""
    common = [(max(a, c), min(a + b, c + d)) for (a, b), (c, d) in zip(one, other, strict=True)]
    return common, math.prod(max(0, high - low) for low, high in common)


def _spelled(part: Slice | None, shape: tuple[int, ...]) -> str:
    """A slice as checkpoints spell it: a dash for all of a dimension."""
    wanted = part if part is not None else [(0, FULL)] * len(shape)
    return ":".join("-" if length == FULL else f"{start},{length}" for start, length in wanted)


def _key(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode(errors="surrogateescape")


def _check(found: int, entry: Entry) -> None:
    if masked(found) != entry.crc:
        raise WireError(
            f"Checksum does not match: stored {entry.crc} vs. calculated on the restored bytes {masked(found)}"
        )


def _numbers(file: _DataFile, entry: Entry, dtype: DType) -> Array:
    numpy_type: Any = np.dtype(dtype.as_numpy_dtype)
    if numpy_type.hasobject:
        raise WireError(f"dtype {dtype.name} in a checkpoint")
    if entry.size != entry.count * numpy_type.itemsize:
        raise WireError("its size does not fit its shape")
    data, crc = file.take(entry)
    _check(crc, entry)
    array: Array = data.view(numpy_type).reshape(entry.shape)
    return array


def _strings(data: memoryview, entry: Entry) -> Array:
    # Each text has a length of one byte at least.
    if entry.count > len(data):
        raise WireError("its size does not fit its shape")
    lengths, place = [], 0
    for _ in range(entry.count):
        length, place = read_varint(data, place)
        lengths.append(length)
    if place + 4 + sum(lengths) != len(data):
        raise WireError("its texts have other lengths than they say")
    crc = crc32c(length_bytes(lengths))
    stored = bytes(data[place : place + 4])
    if int.from_bytes(stored, "little") != masked(crc):
        raise WireError("The length checksum does not match")
    place += 4
    _check(crc32c(data[place:], crc32c(stored, crc)), entry)
    result = np.empty(entry.count, object)
    for i, length in enumerate(lengths):
        result[i] = bytes(data[place : place + length])
        place += length
    return result.reshape(entry.shape)


def length_bytes(lengths: list[int]) -> bytes:
    """What the checksum of texts' lengths is taken of: 4 bytes each, 8 for those that need them."""
    return b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths)
