"""Files of records: TensorFlow 1.15.5's bytes, compression, and files that are damaged."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

RECORDS = [b"abc" * i for i in range(5)]
# Written by TensorFlow 1.15.5.
PLAIN = "0300000000000000b099490e6f6e6501405508000000000000000029039807d8ea82a2"
PACKED = {
    "GZIP": "1f8b0800000000000003636080004de619ec375e352d6286f237ccf4e44b4c4ace0bffa8c806152acebc6a0e1402a2302be9359c5051f39f85961051207af3cc7b1e0f54e2cb897f5c70092062e04d7503000d1d9cdc6e000000",
    "ZLIB": "789c636080004de619ec375e352d6286f237ccf4e44b4c4ace0bffa8c806152acebc6a0e1402a2302be9359c5051f39f85961051207af3cc7b1e0f54e2cb897f5c70092062e04d750300c0c01e13",
}


def _write(path: Path, records: list[bytes], options: Any = None) -> str:
    with tf.python_io.TFRecordWriter(str(path), options) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def _read(path: Any, options: Any = None) -> list[bytes]:
    return list(tf.python_io.tf_record_iterator(str(path), options))


def _read_until_error(path: Any, options: Any = None) -> tuple[list[bytes], str]:
    got = []
    try:
        for record in tf.io.tf_record_iterator(str(path), options):
            got.append(record)
    except tf.errors.DataLossError as error:
        return got, str(error)
    return got, ""


def test_bytes_are_those_of_tensorflow(tmp_path: Path) -> None:
    path = _write(tmp_path / "plain", [b"one", b""])
    assert Path(path).read_bytes().hex() == PLAIN
    assert _read(path) == [b"one", b""]


@pytest.mark.parametrize("kind", sorted(PACKED))
def test_compressed_files_of_tensorflow_are_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes.fromhex(PACKED[kind]))
    assert _read(tmp_path / "f", kind) == RECORDS


@pytest.mark.parametrize(
    "options",
    [
        "GZIP",
        "ZLIB",
        "",
        None,
        tf.io.TFRecordCompressionType.ZLIB,
        tf.io.TFRecordCompressionType.NONE,
        tf.io.TFRecordOptions("GZIP", compression_level=9, mem_level=1),
        tf.io.TFRecordOptions("ZLIB", flush_mode=zlib.Z_FULL_FLUSH, input_buffer_size=10),
    ],
)
def test_what_is_written_is_read(options: Any, tmp_path: Path) -> None:
    records = [*RECORDS, b"x" * 300_000, bytes(range(256)) * 40]
    path = _write(tmp_path / "f", records, options)
    assert _read(path, options) == records


def test_two_streams_in_one_file_are_both_read(tmp_path: Path) -> None:
    data = bytes.fromhex(PACKED["GZIP"])
    (tmp_path / "f").write_bytes(data + data)
    assert _read(tmp_path / "f", "GZIP") == RECORDS * 2


def test_compression_type_strings() -> None:
    name = tf.io.TFRecordOptions.get_compression_type_string
    assert [name(x) for x in (None, "", 0, 1, 2, "ZLIB", tf.io.TFRecordOptions(2))] == [
        "",
        "",
        "",
        "ZLIB",
        "GZIP",
        "ZLIB",
        "GZIP",
    ]
    for bad in ("BZ", 5):
        with pytest.raises(ValueError, match=f'Not a valid compression_type: "{bad}"'):
            tf.io.TFRecordOptions(bad)


# What TensorFlow 1.15.5 reads of a file cut to so many bytes: a cut header is the end.
@pytest.mark.parametrize(
    ("size", "records", "text"),
    [
        (5, [], ""),
        (12, [], "truncated record at 0"),
        (18, [], "truncated record at 0"),
        (20, [b"one"], ""),
        (34, [b"one"], "truncated record at 19"),
    ],
)
def test_files_cut_off(size: int, records: list[bytes], text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes.fromhex(PLAIN)[:size])
    assert _read_until_error(tmp_path / "f") == (records, text)


@pytest.mark.parametrize(
    ("place", "records", "text"),
    [
        (0, [], "corrupted record at 0"),
        (9, [], "corrupted record at 0"),
        (13, [], "corrupted record at 12"),
        (17, [], "corrupted record at 12"),
        (30, [b"one"], "corrupted record at 19"),
    ],
)
def test_files_with_a_wrong_bit(place: int, records: list[bytes], text: str, tmp_path: Path) -> None:
    data = bytearray(bytes.fromhex(PLAIN))
    data[place] ^= 1
    (tmp_path / "f").write_bytes(bytes(data))
    assert _read_until_error(tmp_path / "f") == (records, text)


def test_damaged_compressed_files(tmp_path: Path) -> None:
    file, data = tmp_path / "f", bytes.fromhex(PACKED["GZIP"])
    file.write_bytes(data[:-12])
    assert _read_until_error(file, "GZIP") == (RECORDS[:4], "truncated record at 82")
    file.write_bytes(bytes.fromhex(PLAIN))
    assert _read_until_error(file, "GZIP") == ([], "inflate() failed with error -3: incorrect header check")
    file.write_bytes(data)
    assert _read_until_error(file) == ([], "corrupted record at 0")
    file.write_bytes(b"")
    assert _read_until_error(file, "ZLIB") == ([], "")


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="No such file or directory"):
        _read(tmp_path / "none")
    with pytest.raises(tf.errors.NotFoundError, match="No such file or directory"):
        tf.io.TFRecordWriter(str(tmp_path / "no" / "where"))
    with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
        tf.io.TFRecordWriter(str(tmp_path))
    with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
        _read(tmp_path)
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
        tf.io.TFRecordWriter(3)
    writer = tf.io.TFRecordWriter(str(tmp_path / "f"))
    for bad in ("text", 3, None):
        with pytest.raises(TypeError, match=f"expected bytes, {type(bad).__name__} found"):
            writer.write(bad)
    writer.close()
    writer.close()
    for call in (lambda: writer.write(b"x"), writer.flush):
        with pytest.raises(tf.errors.FailedPreconditionError, match="Writer not initialized or previously closed"):
            call()
    assert _read(tmp_path / "f") == []


def test_flush_makes_records_visible(tmp_path: Path) -> None:
    for options in (None, "GZIP"):
        path = tmp_path / f"f{options}"
        writer = tf.io.TFRecordWriter(str(path), options)
        writer.write(b"abc")
        writer.flush()
        assert _read(path, options) == [b"abc"]
        del writer


def test_python_io_is_a_module_of_tensorflow() -> None:
    source = "import retrograph; retrograph.install(); from tensorflow.python_io import TFRecordWriter; print(TFRecordWriter)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert "TFRecordWriter" in done.stdout, done.stderr
