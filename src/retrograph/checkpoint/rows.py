"""The rows of a table, found many at a time: keys as a list, values cut out of the file's bytes when they are asked for.

A table of ten thousand rows is listed in the time of a few passes of NumPy. The places at which blocks start anew with a
whole key (every sixteenth row) let all those stretches be walked side by side.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from retrograph.framework.wire import WireError, read_varint

Array = np.ndarray[Any, Any]
# Keys of one table may take this much memory at most: names are short, and share at most a few hundred bytes.
_KEY_ALLOWANCE = 16 << 20
_KEY_BYTES_PER_FILE_BYTE = 8
# Smaller blocks are faster read row by row.
_SMALL = 4096
# The longest stretch that is walked this way; writers make them 16 rows long.
_LONGEST = 64


class Rows(Mapping[bytes, bytes]):
    """Values by key, in the order of keys.

    `texts` are the keys, each byte one character; the values are `data[starts[i]:ends[i]]`.
    """

    def __init__(self, data: bytes, texts: list[str], starts: Array, ends: Array):
        self.data, self.texts, self.starts, self.ends = data, texts, starts, ends
        self._places: dict[str, int] | None = None

    def __getitem__(self, key: bytes) -> bytes:
        if self._places is None:
            self._places = dict(zip(self.texts, range(len(self.texts)), strict=True))
        return self.value(self._places[key.decode("latin-1")])

    def value(self, i: int) -> bytes:
        """The value of the row `i`."""
        return self.data[self.starts[i] : self.ends[i]]

    def __iter__(self) -> Iterator[bytes]:
        return (text.encode("latin-1") for text in self.texts)

    def __len__(self) -> int:
        return len(self.texts)


@contextmanager
def without_collecting() -> Iterator[None]:
    """While many objects are made at once, the garbage collector does not look through them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def rows_of(data: bytes, blocks: list[tuple[int, int]]) -> Rows:
    """The rows of checked, uncompressed blocks (start, end in `data`) of a table. Raises: WireError for damaged ones."""
    bodies = [(start, *_restarts(data, start, end)) for start, end in blocks]
    found = _side_by_side(data, bodies) if len(data) > _SMALL else None
    shared, keys, values, ends = _one_by_one(data, bodies) if found is None else found
    if int(shared.sum() + (values - keys).sum()) > _KEY_ALLOWANCE + _KEY_BYTES_PER_FILE_BYTE * len(data):
        raise WireError("keys are too long")
    texts = _keys(data, shared, keys, values)
    if sorted(texts) != texts:
        raise WireError("keys are out of order")
    return Rows(data, texts, values, ends)


def _restarts(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The end of a block's rows, and how many places stand there at which a row has its whole key."""
    count = int.from_bytes(data[end - 4 : end], "little")
    limit = end - 4 - 4 * count
    if end - start < 4 or limit < start:
        raise WireError("bad entry in block")
    return limit, count


def _keys(data: bytes, shared: Array, keys: Array, values: Array) -> list[str]:
    key = prefix = ""
    last = -1
    pairs = zip(shared.tolist(), _tails(data, keys, values - keys), strict=True)
    # Rows in a row mostly share the same beginning.
    return [key := (prefix if count == last else (prefix := key[: (last := count)])) + tail for count, tail in pairs]


def _tails(data: bytes, keys: Array, own: Array) -> list[str]:
    """The pieces of `data` of these lengths at these places."""
    ends = np.cumsum(own + 1)
    total = int(ends[-1]) if len(ends) else 0
    places = np.repeat(keys - ends + own + 1, own + 1)
    places += np.arange(total)
    pieces = np.frombuffer(data, np.uint8)[places]
    pieces[ends - 1] = _LINE
    lines: list[str] = pieces.tobytes().decode("latin-1").split("\n")
    if len(lines) == len(own) + 1:
        return lines[:-1]
    # Some key has such a byte of its own.
    return [data[a : a + n].decode("latin-1") for a, n in zip(keys.tolist(), own.tolist(), strict=True)]


_LINE = 0x0A


def _side_by_side(data: bytes, bodies: list[tuple[int, int, int]]) -> tuple[Array, ...] | None:
    """(shared, start of key, of value, end) of the rows if all lengths are of one byte and restarts are right; else None."""
    parts: list[Array] = []
    for start, limit, count in bodies:
        own = np.append(np.frombuffer(data, "<u4", count, limit) + np.int64(start), limit)
        if own[0] != start or not count:
            return None
        parts.append(own)
    place: Array = np.concatenate([p[:-1] for p in parts])
    stop: Array = np.concatenate([p[1:] for p in parts])
    if (place >= stop).any():
        return None
    return _walk(np.frombuffer(data, np.uint8), place, stop)


def _walk(view: Array, place: Array, stop: Array) -> tuple[Array, ...] | None:
    """Goes from row to row of all stretches at once."""
    places: list[Array] = []
    going: list[Array] = []
    while (there := place < stop).any():
        if len(places) == _LONGEST:
            return None
        places.append(place)
        going.append(there)
        # A stretch that is done may have gone too far, beyond the file.
        at = np.where(there, place, 0)
        place = np.where(there, at + 3 + view[at + 1] + view[at + 2], place)
    at = np.stack(places, 1)[np.stack(going, 1)]
    shared, own, size = view[at], view[at + 1], view[at + 2]
    lengths = shared + own
    fits = (place == stop).all() and ((shared | own | size) < 128).all() and (shared[1:] <= lengths[:-1]).all()
    if not fits or shared[0]:
        return None
    keys = at + 3
    values = keys + own
    return shared, keys, values, values + size


def _one_by_one(data: bytes, bodies: list[tuple[int, int, int]]) -> tuple[Array, ...]:
    rows = []
    for place, limit, _ in bodies:
        length = 0
        while place < limit:
            shared, place = read_varint(data, place)
            own, place = read_varint(data, place)
            size, place = read_varint(data, place)
            if shared > length or place + own + size > limit:
                raise WireError("bad entry in block")
            rows.append((shared, place, place + own, place + own + size))
            place, length = place + own + size, shared + own
    table = np.array(rows, np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def shapes_of(rows: Rows, first: int) -> list[list[int] | None]:
    """The shapes in the rows from `first` on; None for entries that do not begin as all writers' do: type, then shape."""
    start, end = rows.starts[first:], rows.ends[first:]
    # Short entries at the end of the file are looked at beyond it.
    view = np.frombuffer(rows.data + bytes(16), np.uint8)
    size = view[start + 3]
    place, stop = start + 4, start + 4 + size
    known = ((view[start] == 0x08) & (view[start + 2] == 0x12)) & ((view[start + 1] | size) < 128) & (stop <= end)
    rank, columns = np.zeros(len(start), np.int64), []
    while (there := known & (place < stop)).any():
        dims, ends = _dims(view, place, there)
        known &= ~there | (ends <= stop)
        columns.append(dims)
        rank += there
        place = np.where(there, ends, place)
    return _by_rank(np.stack(columns, 1) if columns else np.empty((len(start), 0), np.int64), rank, known)


_NEVER = np.int64(1) << 62


def _dims(view: Array, place: Array, there: Array) -> tuple[Array, Array]:
    """The sizes of the dimensions that are `there` at these places, and where they end: `_NEVER` for what is none."""
    at = place if there.all() else np.where(there, place, 0)
    dims = view[at + 3].astype(np.int64)
    # Nearly all: a message of two bytes, the field 1 and a number of one byte.
    usual = (view[at] == 0x12) & (view[at + 1] == 2) & (view[at + 2] == 0x08) & (dims < 128)
    ends = at + 4
    rare = np.flatnonzero(there & ~usual)
    if len(rare):
        dims[rare], ends[rare] = _rare_dims(view, at[rare])
    return dims, ends


def _rare_dims(view: Array, at: Array) -> tuple[Array, Array]:
    """As `_dims`, for numbers of up to five bytes, and for none, which is 0."""
    size = view[at + 1].astype(np.int64)
    value, fits = _numbers(view, at + 3, np.minimum(size - 1, 5))
    fits &= (view[at] == 0x12) & ((size == 0) | (view[at + 2] == 0x08)) & (size != 1) & (size < 7)
    return value, np.where(fits, at + 2 + size, _NEVER)


def _numbers(view: Array, at: Array, size: Array) -> tuple[Array, Array]:
    """The varints of so many bytes, five at most, at these places, and whether they are that long."""
    value, fits = np.zeros(len(at), np.int64), np.ones(len(at), bool)
    for i in range(max(0, int(size.max()))):
        byte, inside = view[at + i], i < size
        value += np.where(inside, byte & 127, 0).astype(np.int64) << 7 * i
        fits &= ~inside | ((byte > 127) == (i + 1 < size))
    return value, fits


def _by_rank(dims: Array, rank: Array, known: Array) -> list[list[int] | None]:
    """Row `i` of `dims` up to `rank[i]`, as lists; None where it is not known."""
    if known.all() and len(rank) and (rank == rank[0]).all():
        same: list[list[int] | None] = dims[:, : rank[0]].tolist()
        return same
    found: list[list[int] | None] = [None] * len(rank)
    for r in np.unique(rank[known]).tolist():
        where = np.flatnonzero(known & (rank == r))
        for i, shape in zip(where.tolist(), dims[where, :r].tolist(), strict=True):
            found[i] = shape
    return found
