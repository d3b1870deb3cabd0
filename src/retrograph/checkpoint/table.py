"""The sorted table of LevelDB, in which a checkpoint keeps its index: blocks with checksums, keys that share prefixes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retrograph.checkpoint.checksum import crc32c, masked, unmasked
from retrograph.checkpoint.rows import Rows, rows_of
from retrograph.checkpoint.snappy import decompress
from retrograph.framework.errors import DataLossError
from retrograph.framework.wire import WireError, read_varint, varint

MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_BLOCK_SIZE = 256 << 10
_RESTART_EVERY = 16
# Of what is compressed; nothing that is large (the values of a V1 checkpoint) is.
_LARGEST = 1 << 30


def data_loss(path: str, text: str) -> Any:
    """The error for a damaged file."""
    return DataLossError(None, None, f"{text}\nFile: {path}")


def read_table(path: str, data: bytes) -> Rows:
    """The rows of a table in the order of their keys; `path` is for messages.

    Raises: DataLossError for anything that is damaged or not a table.
    """
    try:
        return _rows(data)
    except WireError as error:
        raise data_loss(path, str(error)) from None


def _rows(data: bytes) -> Rows:
    if len(data) < _FOOTER:
        raise WireError("file is too short to be an sstable")
    footer = data[-_FOOTER:]
    if int.from_bytes(footer[-8:], "little") != MAGIC:
        raise WireError("not an sstable (bad magic number)")
    place = _handle(footer, 0)[2]
    offset, size, _ = _handle(footer, place)
    index = rows_of(*_plain(data, [(offset, size)]))
    handles = [_handle(handle, 0)[:2] for handle in index.values()]
    end = 0
    for offset, size in handles:
        if offset < end:
            raise WireError("blocks overlap")
        end = offset + size + _TRAILER
    return rows_of(*_plain(data, handles))


def _handle(data: bytes, place: int) -> tuple[int, int, int]:
    offset, place = read_varint(data, place)
    size, place = read_varint(data, place)
    return offset, size, place


def _plain(data: bytes, handles: list[tuple[int, int]]) -> tuple[bytes, list[tuple[int, int]]]:
    """Blocks with their checksums compared: bytes, and where in them the blocks stand, decompressed."""
    if not any(_is_compressed(data, offset, size) for offset, size in handles):
        return data, [(offset, offset + size) for offset, size in handles]
    out, found = bytearray(), []
    for offset, size in handles:
        start, block = len(out), data[offset : offset + size]
        out += decompress(block) if data[offset + size] else block
        found.append((start, len(out)))
        if len(out) > _LARGEST:
            raise WireError("compressed blocks are too large")
    return bytes(out), found


def _is_compressed(data: bytes, offset: int, size: int) -> bool:
    end = offset + size
    if end + _TRAILER > len(data):
        raise WireError("truncated block read")
    stored = unmasked(int.from_bytes(data[end + 1 : end + _TRAILER], "little"))
    if stored != crc32c(memoryview(data)[offset : end + 1]):
        raise WireError("block checksum mismatch")
    if data[end] > 1:
        raise WireError("bad block type")
    return data[end] == 1


class _BlockWriter:
    def __init__(self) -> None:
        self.data, self.restarts, self.count, self.last = bytearray(), [0], 0, b""

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self.count and self.count % _RESTART_EVERY == 0:
            self.restarts.append(len(self.data))
        elif self.count:
            shared = _common(self.last, key)
        self.data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        self.count, self.last = self.count + 1, key

    def finish(self) -> bytes:
        tail = b"".join(r.to_bytes(4, "little") for r in (*self.restarts, len(self.restarts)))
        content = bytes(self.data) + tail + b"\0"
        return content + masked(crc32c(content)).to_bytes(4, "little")


def _common(a: bytes, b: bytes) -> int:
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def write_table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a table; `entries` sorted by key, uncompressed."""
    out, index, block = bytearray(), _BlockWriter(), _BlockWriter()

    def flush(writer: _BlockWriter) -> bytes:
        data = writer.finish()
        handle = varint(len(out)) + varint(len(data) - _TRAILER)
        out.extend(data)
        return handle

    for key, value in entries:
        block.add(key, value)
        if len(block.data) >= _BLOCK_SIZE:
            index.add(block.last, flush(block))
            block = _BlockWriter()
    if block.count:
        index.add(block.last, flush(block))
    handles = flush(_BlockWriter()) + flush(index)
    return bytes(out) + handles.ljust(_FOOTER - 8, b"\0") + MAGIC.to_bytes(8, "little")
