"""Files of records (TFRecord): lengths and contents with checksums, plain or compressed."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from retrograph.checkpoint.checksum import crc32c, masked
from retrograph.framework import errors
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.file_errors import as_tf
from retrograph.platform.text import as_bytes

_HEADER = struct.Struct("<QI")
_SUM = struct.Struct("<I")
_BLOCK = 1 << 18
_WINDOW = {"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS | 16}


def _checksum(data: Any) -> int:
    return masked(crc32c(data))


def framed(record: bytes) -> bytes:
    """A record as it stands in a file: its length, its bytes, and the checksum of each.

    >>> len(framed(b"abc"))
    19
    """
    return b"".join(_parts(record))


def _parts(record: bytes) -> tuple[bytes, bytes, bytes]:
    length = struct.pack("<Q", len(record))
    return length + _SUM.pack(_checksum(length)), record, _SUM.pack(_checksum(record))


def file_name(path: Any) -> str:
    """A path as text. Raises: TypeError for what is no path."""
    return os.fsdecode(path if isinstance(path, os.PathLike) else as_bytes(path))


class _Inflated:
    """The bytes of a compressed file, read as from the plain one."""

    def __init__(self, file: Any, window: int):
        self._file, self._window = file, window
        self._inflate = zlib.decompressobj(window)
        self._ready = bytearray()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end. Raises: DataLossError for what is not compressed this way."""
        while len(self._ready) < size and self._more():
            pass
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def _more(self) -> bool:
        data = self._inflate.unconsumed_tail or self._inflate.unused_data
        if self._inflate.eof:
            self._inflate = zlib.decompressobj(self._window)
        data = data or self._file.read(_BLOCK)
        try:
            # A bound on what one step gives, so that a small file does not fill the memory.
            self._ready += self._inflate.decompress(data, _BLOCK)
        except zlib.error as error:
            text = str(error).partition("decompressing data: ")[2] or str(error)
            raise errors.DataLossError(None, None, f"inflate() failed with error -3: {text}") from None
        return bool(data)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class _Deflated:
    """Compresses what is written to a file; with a `flush_mode` of zlib's, each time that so many bytes have come together."""

    def __init__(self, file: Any, deflate: Any, flush_mode: int, capacity: int):
        self._file, self._deflate, self._flush_mode = file, deflate, flush_mode
        self._capacity, self._pending = capacity, bytearray()

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        if len(self._pending) + len(data) > self._capacity:
            self._push(bytes(self._pending))
            self._pending.clear()
        if len(data) > self._capacity:
            self._push(data)
        else:
            self._pending += data

    def _push(self, data: bytes) -> None:
        if data:
            self._file.write(self._deflate.compress(data))
            if self._flush_mode != zlib.Z_NO_FLUSH:
                self._file.write(self._deflate.flush(self._flush_mode))

    def _finish(self, mode: int) -> None:
        self._file.write(self._deflate.compress(bytes(self._pending)) + self._deflate.flush(mode))
        self._pending.clear()

    def flush(self) -> None:
        """Hands what was written to the file system."""
        self._finish(zlib.Z_PARTIAL_FLUSH)
        self._file.flush()

    def close(self) -> None:
        """Ends the stream and the file."""
        with self._file:
            self._finish(zlib.Z_FINISH)


def _read_fully(source: Any, size: int) -> bytes:
    """`size` bytes, or fewer at the end of the file; a wrong length is not asked of the memory at once."""
    parts, left = [], size
    while left > 0:
        part = source.read(min(left, 1 << 24))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _body(source: Any, length: int, place: int) -> bytes:
    data = _read_fully(source, length + _SUM.size)
    if len(data) < length + _SUM.size:
        raise errors.DataLossError(None, None, f"truncated record at {place}")
    record = data[:length]
    if _SUM.unpack(data[length:])[0] != _checksum(record):
        raise errors.DataLossError(None, None, f"corrupted record at {place + _HEADER.size}")
    return record


def records_of(source: Any, place: int = 0) -> Iterator[bytes]:
    """The records of an open file that stands at `place`, the start of one; a cut header counts as the end.

    Raises: DataLossError where a record is cut off or a checksum does not fit.
    """
    while len(head := _read_fully(source, _HEADER.size)) == _HEADER.size:
        length, stored = _HEADER.unpack(head)
        if stored != _checksum(head[:8]):
            raise errors.DataLossError(None, None, f"corrupted record at {place}")
        yield _body(source, length, place)
        place += _HEADER.size + length + _SUM.size


def open_records(path: Any, compression: str = "", buffer_size: int = _BLOCK) -> Any:
    """A file of records for `records_of`; `compression` is '', 'ZLIB' or 'GZIP'. Raises: errors of the file system."""
    with as_tf(path):
        file = open(file_name(path), "rb", buffering=max(buffer_size, 2))  # noqa: SIM115
    return _Inflated(file, _WINDOW[compression]) if compression else file


def read_records(path: Any, compression: str = "", buffer_size: int = _BLOCK) -> Iterator[bytes]:
    """The records of a file, one after the other. Raises: DataLossError; errors of the file system."""
    source = open_records(path, compression, buffer_size)
    try:
        yield from records_of(source)
    finally:
        source.close()


@export("io.TFRecordCompressionType", "python_io.TFRecordCompressionType")
class TFRecordCompressionType:
    """How the records of a file are compressed. Source: TF 1.15 `tf.io.TFRecordCompressionType`."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


@export("io.TFRecordOptions", "python_io.TFRecordOptions")
class TFRecordOptions:
    """How a file of records is compressed; what is None is chosen by zlib.

    Raises: ValueError for an unknown `compression_type`. Source: TF 1.15 `tf.io.TFRecordOptions`.
    """

    compression_type_map = {
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
        TFRecordCompressionType.NONE: "",
    }

    def __init__(
        self,
        compression_type: Any = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ):
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """'', 'ZLIB' or 'GZIP' of options, of a TFRecordCompressionType, or of such a text.

        >>> TFRecordOptions.get_compression_type_string(TFRecordCompressionType.GZIP)
        'GZIP'

        Raises: ValueError for anything else.
        """
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if isinstance(options, int) and options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return str(options)
        raise ValueError(f'Not a valid compression_type: "{options}"')

    def _writing_to(self, file: Any, deflate: Any) -> Any:
        """What writes to a file through `deflate`."""
        if deflate is None:
            return file
        return _Deflated(file, deflate, self.flush_mode or zlib.Z_NO_FLUSH, self.input_buffer_size or _BLOCK)

    def _deflater(self) -> Any:
        """What compresses by these options, or None."""
        kind = self.get_compression_type_string(self.compression_type)
        if not kind:
            return None
        given = (self.compression_level, self.compression_method, self.window_bits, self.mem_level)
        defaults = (zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, _WINDOW[kind], 9)
        level, method, bits, memory = (d if g is None else g for g, d in zip(given, defaults, strict=True))
        try:
            return zlib.compressobj(level, method, bits, memory, self.compression_strategy or zlib.Z_DEFAULT_STRATEGY)
        except (ValueError, zlib.error) as error:
            raise errors.InvalidArgumentError(None, None, f"TFRecordOptions: {error}") from None


@export("io.TFRecordWriter", "python_io.TFRecordWriter")
class TFRecordWriter:
    """Writes a file of records; also a context manager that closes it.

    `options` is a TFRecordOptions, a TFRecordCompressionType, or 'GZIP', 'ZLIB' or ''.
    Raises: errors of the file system; ValueError for a compression that there is not.
    Source: TF 1.15 `tf.io.TFRecordWriter`.
    """

    _file: Any = None

    def __init__(self, path: Any, options: Any = None):
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(compression_type=options)
        self._name, deflate = file_name(path), options._deflater()
        with as_tf(self._name):
            self._file = options._writing_to(open(self._name, "wb"), deflate)  # noqa: SIM115

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if self._file is not None:
            self.close()

    def _opened(self) -> Any:
        if self._file is None:
            raise errors.FailedPreconditionError(None, None, "Writer not initialized or previously closed")
        return self._file

    def write(self, record: bytes) -> None:
        """Appends a record. Raises: TypeError for what is not bytes; FailedPreconditionError when closed."""
        file = self._opened()
        if not isinstance(record, bytes):
            raise TypeError(f"expected bytes, {type(record).__name__} found")
        with as_tf(self._name):
            for part in _parts(record):
                file.write(part)

    def flush(self) -> None:
        """Hands what was written to the file system. Raises: FailedPreconditionError when closed."""
        file = self._opened()
        with as_tf(self._name):
            file.flush()

    def close(self) -> None:
        """Finishes the file; nothing when it is closed."""
        file, self._file = self._file, None
        if file is not None:
            with as_tf(self._name):
                file.close()


@export("io.tf_record_iterator", "python_io.tf_record_iterator")
@deprecated("Use eager execution and: \n`tf.data.TFRecordDataset(path)`", "tensorflow.python.lib.io.tf_record")
def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a file, one after the other.

    Raises: ValueError for unknown `options`; NotFoundError; DataLossError where the file is corrupt.
    Source: TF 1.15 `tf.io.tf_record_iterator`.
    """
    yield from read_records(path, TFRecordOptions.get_compression_type_string(options))
