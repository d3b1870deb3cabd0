"""The sorted table of LevelDB, in which a checkpoint keeps its index: blocks with checksums, keys that share prefixes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from retrograph.checkpoint.checksum import crc32c, masked, unmasked
from retrograph.checkpoint.snappy import decompress
from retrograph.framework.errors import DataLossError
from retrograph.framework.wire import WireError, read_varint, varint

MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_BLOCK_SIZE = 256 << 10
_RESTART_EVERY = 16
# Keys of one table may take this much memory at most: names are short, and share at most a few hundred bytes.
_KEY_ALLOWANCE = 16 << 20
_KEY_BYTES_PER_FILE_BYTE = 64


def data_loss(path: str, text: str) -> Any:
    """The error for a damaged file."""
    return DataLossError(None, None, f"{text}\nFile: {path}")


def read_table(path: str, data: bytes) -> dict[bytes, bytes]:
    """The entries of a table in the order of their keys; `path` is for messages.

    Raises: DataLossError for anything that is damaged or not a table.
    """
    try:
        return dict(_entries(data))
    except WireError as error:
        raise data_loss(path, str(error)) from None


def _entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(data) < _FOOTER:
        raise WireError("file is too short to be an sstable")
    footer = data[-_FOOTER:]
    if int.from_bytes(footer[-8:], "little") != MAGIC:
        raise WireError("not an sstable (bad magic number)")
    place = _handle(footer, 0)[2]
    offset, size, _ = _handle(footer, place)
    end, last = 0, None
    allowance = _KEY_ALLOWANCE + _KEY_BYTES_PER_FILE_BYTE * len(data)
    for _, handle in _block_entries(_block(data, offset, size)):
        offset, size, _ = _handle(handle, 0)
        if offset < end:
            raise WireError("blocks overlap")
        end = offset + size + _TRAILER
        for key, value in _block_entries(_block(data, offset, size)):
            allowance -= len(key)
            if allowance < 0:
                raise WireError("keys are too long")
            if last is not None and key <= last:
                raise WireError("keys are out of order")
            last = key
            yield key, value


def _handle(data: bytes, place: int) -> tuple[int, int, int]:
    offset, place = read_varint(data, place)
    size, place = read_varint(data, place)
    return offset, size, place


def _block(data: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + _TRAILER > len(data):
        raise WireError("truncated block read")
    stored = unmasked(int.from_bytes(data[end + 1 : end + _TRAILER], "little"))
    if stored != crc32c(data[offset : end + 1]):
        raise WireError("block checksum mismatch")
    kind = data[end]
    if kind > 1:
        raise WireError("bad block type")
    return decompress(data[offset:end]) if kind else data[offset:end]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise WireError("bad entry in block")
    limit = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if limit < 0:
        raise WireError("bad entry in block")
    place, key = 0, b""
    while place < limit:
        # Nearly all lengths are of one byte (a block ends in four more); this loop is what listing a checkpoint costs.
        shared, own, size = block[place], block[place + 1], block[place + 2]
        if shared < 128 and own < 128 and size < 128:
            place += 3
        else:
            shared, place = read_varint(block, place)
            own, place = read_varint(block, place)
            size, place = read_varint(block, place)
        if shared > len(key) or place + own + size > limit:
            raise WireError("bad entry in block")
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + size]
        place += size


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
