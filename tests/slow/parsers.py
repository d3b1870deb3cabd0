"""The parsers that are fuzzed: for each its first inputs, and how an input is put to it."""

from __future__ import annotations

import contextlib
import functools
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def _golden(*patterns: str, largest: int = 20_000) -> list[bytes]:
    found = [path for pattern in patterns for path in sorted(GOLDEN.glob(pattern))]
    return [p.read_bytes() for p in found if p.stat().st_size <= largest]


@functools.cache
def _directory() -> str:
    """A directory of this process, in memory if there is such a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    made = tempfile.TemporaryDirectory(prefix="retrograph-fuzz-", dir=place)
    _directories.append(made)
    return made.name


_directories: list[Any] = []


def _file(name: str, data: bytes) -> str:
    path = os.path.join(_directory(), name)
    with open(path, "wb") as file:
        file.write(data)
    return path


class Parser:
    """What is fuzzed."""

    name = ""
    words: tuple[bytes, ...] = ()
    sample = 400
    """How many inputs a short run has."""

    def seeds(self) -> list[bytes]:
        """The first inputs."""
        raise NotImplementedError

    def parse(self, data: bytes) -> Any:
        """Does with the bytes what a program does with a file."""
        raise NotImplementedError

    def repaired(self, data: bytes) -> bytes:
        """The bytes with checksums that fit, so that what lies behind them is reached."""
        return data


# ---- tables and checkpoints


def _rows_of(data: bytes) -> dict[bytes, bytes]:
    """Rows of any bytes: lengths of key and value (two bytes), key, value."""
    rows, place = {}, 0
    while place + 3 <= len(data):
        own, size = data[place], int.from_bytes(data[place + 1 : place + 3], "little")
        key = data[place + 3 : place + 3 + own]
        rows[key] = data[place + 3 + own : place + 3 + own + size]
        place += 3 + own + size
    return rows


def _row_bytes(rows: dict[bytes, bytes]) -> bytes:
    return b"".join(bytes([len(k)]) + len(v).to_bytes(2, "little") + k + v for k, v in rows.items() if len(k) < 256)


class _Table(Parser):
    """The bytes of a table; checksums of all blocks that can be found are put right."""

    name = "table"
    words = (b"\x57\xfb\x80\x8b\x24\x75\x47\xdb",)

    def seeds(self) -> list[bytes]:
        from retrograph.checkpoint.table import write_table

        many = [(f"layer_{i:04d}/kernel".encode(), bytes([8, 1, 18, 4, 18, 2, 8, i % 100])) for i in range(100)]
        tables = [
            write_table(rows) for rows in ([(b"a", b"1")], many, many * 0, [*many, *((b"z" + k, v) for k, v in many)])
        ]
        return tables + _golden("checkpoints/*.index", "graph_files/old.ckpt", largest=4000) + [_squeezed_table()]

    def parse(self, data: bytes) -> Any:
        from retrograph.checkpoint.table import read_table

        return dict(read_table("t", data))

    def repaired(self, data: bytes) -> bytes:
        out = bytearray(data)
        for offset, size in _blocks(data):
            _sum_block(out, offset, size)
        return bytes(out)


def _sum_block(out: bytearray, offset: int, size: int) -> None:
    from retrograph.checkpoint.checksum import crc32c, masked

    end = offset + size
    if end + 5 <= len(out):
        out[end + 1 : end + 5] = masked(crc32c(bytes(out[offset : end + 1]))).to_bytes(4, "little")


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """(offset, size) of the blocks that a table's footer and index lead to."""
    from retrograph.framework.wire import WireError, read_varint

    with contextlib.suppress(WireError, IndexError):
        place = max(0, len(data) - 48)
        for _ in range(2):
            offset, place = read_varint(data, place)
            size, place = read_varint(data, place)
            yield offset, size
        place, end = offset, offset + size - 8
        while place < min(end, len(data)):
            _shared, place = read_varint(data, place)
            own, place = read_varint(data, place)
            length, place = read_varint(data, place)
            first, inner = read_varint(data, place + own)
            yield first, read_varint(data, inner)[0]
            place += own + length


def _squeezed_table() -> bytes:
    """A table whose one block is compressed."""
    from retrograph.framework.wire import varint

    block = b"\0\1\4akeys" + bytes(4) + b"\1\0\0\0"
    packed = varint(len(block)) + bytes([len(block) - 1 << 2]) + block
    out = bytearray(packed + b"\1" + bytes(4))
    index_block = b"\0\1\2a" + bytes([0, len(packed)]) + bytes(4) + b"\1\0\0\0"
    place = len(out)
    out += index_block + bytes(5)
    out += (bytes([place, 0, place, len(index_block)])).ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
    return _Table().repaired(bytes(out))


class _Bundle(Parser):
    """The rows of a checkpoint's index; the data file stays."""

    name = "bundle"
    sample = 200
    words = (b"part", b"\0part\0\1\1\2\x80\x83\x80\x83", b"\x12\x02\x08\x01", b"\x3a\x02\x0a\x00", b"\x12\x00")

    def seeds(self) -> list[bytes]:
        from retrograph.checkpoint.table import read_table

        indexes = [(n, (GOLDEN / "checkpoints" / f"{n}.index").read_bytes()) for n in ("all", "two")]
        return [_row_bytes(dict(read_table(n, data))) for n, data in indexes] + [_row_bytes({b"": b"\x08\x01"})]

    @functools.cached_property
    def _data(self) -> bytes:
        return (GOLDEN / "checkpoints" / "all.data-00000-of-00001").read_bytes()

    def parse(self, data: bytes) -> Any:
        from retrograph.checkpoint.table import write_table

        rows = _rows_of(data)
        prefix = os.path.join(_directory(), "m")
        if not os.path.exists(f"{prefix}.data-00000-of-00001"):
            _file("m.data-00000-of-00001", self._data)
        _file("m.index", write_table(sorted(rows.items())))
        _read_all(prefix)


def _read_all(prefix: str) -> None:
    from retrograph.checkpoint.management import NewCheckpointReader, list_variables
    from retrograph.framework.errors import OpError

    failed: Exception | None = None
    reader = NewCheckpointReader(prefix)
    for action in (reader.get_variable_to_dtype_map, reader.debug_string, lambda: list_variables(prefix)):
        try:
            action()
        except OpError as error:
            failed = error
    for name in reader.get_variable_to_shape_map():
        try:
            reader.get_tensor(name)
        except OpError as error:
            failed = error
    if failed is not None:
        raise failed


class _OldTable(Parser):
    """The rows of a checkpoint in the V1 format."""

    name = "v1"
    sample = 200
    words = _Bundle.words

    def seeds(self) -> list[bytes]:
        from retrograph.checkpoint.old_format import write_slices
        from retrograph.checkpoint.table import read_table

        rows = [("a", np.arange(6.0).reshape(2, 3), (), None), ("s", np.array([b"x", b"yz"], object), (), None)]
        rows += [("p", np.ones((1, 3), np.float32), (2, 3), ((i, 1), (0, 3))) for i in range(2)]
        path = os.path.join(_directory(), "old")
        write_slices(path, rows)
        tables = [Path(path).read_bytes(), *_golden("graph_files/old.ckpt")]
        return [_row_bytes(dict(read_table("t", data))) for data in tables]

    def parse(self, data: bytes) -> Any:
        from retrograph.checkpoint.table import write_table

        _read_all(_file("old", write_table(sorted(_rows_of(data).items()))))


class _Snappy(Parser):
    name = "snappy"

    def seeds(self) -> list[bytes]:
        return [b"\x05\x10hello", b"\x0b\x04ab" + bytes([8 << 2 | 2, 2, 0]), b"\x40\xf0\x3f" + bytes(64)]

    def parse(self, data: bytes) -> Any:
        from retrograph.checkpoint.snappy import decompress

        return decompress(data)


class _State(Parser):
    name = "state"
    words = (b"model_checkpoint_path: ", b"all_model_checkpoint_paths: ", b'"', b"'", b"\\x", b"\\777", b"\\U0011ffff",
             b"last_preserved_timestamp: ", b"1e999", b"[", b"]", b"#", b"\xff", b"nan", b"\0")  # fmt: skip

    def seeds(self) -> list[bytes]:
        from retrograph.checkpoint.management import generate_checkpoint_state_proto

        made = generate_checkpoint_state_proto("/d", "/d/m-2", ["/d/m-1", "/d/m-2"], [1.5, 2.5], 3.25)
        return [str(made).encode(), b'model_checkpoint_path: "m"\n']

    def parse(self, data: bytes) -> Any:
        from retrograph.checkpoint.management import get_checkpoint_state, latest_checkpoint

        _file("checkpoint", data)
        get_checkpoint_state(_directory())
        return latest_checkpoint(_directory())


# ---- graphs


class _Graph(Parser):
    name = "graph"
    sample = 60
    words = (b"Const", b"Placeholder", b"dtype", b"value", b"T", b"shape", b"_output_shapes", b"Merge", b"While", b"If")

    def seeds(self) -> list[bytes]:
        return _golden("graph_files/*.pb", "models/*/frozen.pb", largest=6000)

    def parse(self, data: bytes) -> Any:
        import retrograph as tf

        graph_def = tf.GraphDef.FromString(data)
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(graph_def, name="")
            graph.as_graph_def(add_shapes=True).SerializeToString()


class _MetaGraph(Parser):
    name = "metagraph"
    sample = 25
    words = (*_Graph.words, b"variables", b"trainable_variables", b"while_context", b"cond_context", b"\x0a\x01")

    def seeds(self) -> list[bytes]:
        return _golden("models/*/model.meta", largest=12_000)

    def parse(self, data: bytes) -> Any:
        import retrograph as tf

        made = tf.MetaGraphDef.FromString(data)
        with tf.Graph().as_default():
            tf.train.import_meta_graph(made)


class _SavedModel(Parser):
    name = "saved_model"
    sample = 12
    words = (*_MetaGraph.words, b"serve", b"serving_default", b"saved_model_main_op", b"saved_model_assets")

    def seeds(self) -> list[bytes]:
        return _golden("models/*/saved/saved_model.pb", largest=12_000)

    def parse(self, data: bytes) -> Any:
        import retrograph as tf
        from retrograph.saved.reader import get_saved_model_tag_sets

        _file("saved_model.pb", data)
        for tags in get_saved_model_tag_sets(_directory()):
            with tf.Graph().as_default(), tf.Session() as session:
                tf.saved_model.loader.load(session, tags, _directory())


class _Text(Parser):
    name = "pbtxt"
    sample = 60
    words = (b"node { ", b"}", b"attr { ", b"key: ", b"value { ", b"list { ", b"tensor { ", b"shape { ", b"dim { ",
             b"size: ", b"-1", b"DT_FLOAT", b"func { ", b'"', b"\\x", b"\\u12", b"<", b">", b"[", b"]", b"#", b";",
             b"1e999", b"0x", b"099", b"\xff", b"library { ", b"function { ")  # fmt: skip

    def seeds(self) -> list[bytes]:
        import retrograph as tf

        return [str(tf.GraphDef.FromString(data)).encode() for data in _Graph().seeds()[:6] if len(data) < 2500]

    def parse(self, data: bytes) -> Any:
        import retrograph as tf
        from retrograph.framework.message_text import merge_text

        with tf.Graph().as_default():
            tf.import_graph_def(merge_text(data, tf.GraphDef()), name="")


# ---- records


def _framed(records: list[bytes]) -> bytes:
    from retrograph.io.records import framed

    return b"".join(framed(r) for r in records)


class _Records(Parser):
    name = "records"

    def seeds(self) -> list[bytes]:
        return [_framed([b"", b"abc", b"x" * 300]), _framed([]), _framed([bytes(range(256))])]

    def parse(self, data: bytes) -> Any:
        from retrograph.io.records import read_records

        return list(read_records(_file("records", data)))

    def repaired(self, data: bytes) -> bytes:
        """Checksums put right from the first record on, as far as lengths lead."""
        from retrograph.checkpoint.checksum import crc32c, masked

        out, place = bytearray(data), 0
        while place + 12 <= len(out):
            (size,) = struct.unpack_from("<Q", out, place)
            out[place + 8 : place + 12] = struct.pack("<I", masked(crc32c(bytes(out[place : place + 8]))))
            end = place + 12 + size
            if end + 4 <= len(out):
                out[end : end + 4] = struct.pack("<I", masked(crc32c(bytes(out[place + 12 : end]))))
            place = end + 4
        return bytes(out)


class _Compressed(_Records):
    name = "records_gzip"

    def seeds(self) -> list[bytes]:
        import gzip

        return [gzip.compress(data, mtime=0) for data in super().seeds()] + [gzip.compress(bytes(1 << 20), mtime=0)]

    def parse(self, data: bytes) -> Any:
        from retrograph.io.records import read_records

        return sum(1 for _ in read_records(_file("records.gz", data), "GZIP"))

    def repaired(self, data: bytes) -> bytes:
        return data


class _Events(_Records):
    name = "events"

    def seeds(self) -> list[bytes]:
        import retrograph as tf

        with tempfile.TemporaryDirectory() as logs:
            writer = tf.summary.FileWriter(logs)
            value = tf.Summary.Value(tag="a", simple_value=1.5)
            histogram = tf.Summary.Value(
                tag="h", histo=tf.HistogramProto(min=0, max=2, bucket_limit=[1, 2], bucket=[1, 1])
            )
            writer.add_summary(tf.Summary(value=[value, histogram]), 3)
            writer.close()
            return [path.read_bytes() for path in Path(logs).iterdir()]

    def parse(self, data: bytes) -> Any:
        import retrograph as tf

        for event in tf.train.summary_iterator(_file("events", data)):
            str(event)


class _Example(Parser):
    name = "example"
    sample = 60
    words = (b"\x0a\x01i", b"\x1a\x03\x0a\x01\x05", b"\x12\x06\x0a\x04\0\0\x80\x3f", b"ragged", b"\x0a\x00")

    def seeds(self) -> list[bytes]:
        import retrograph as tf

        feature = {
            "i": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, -2, 3])),
            "f": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, 2.5])),
            "s": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x", b""])),
        }
        lists = {k: tf.train.FeatureList(feature=[v, v]) for k, v in feature.items()}
        sequence = tf.train.SequenceExample(
            context=tf.train.Features(feature=feature), feature_lists=tf.train.FeatureLists(feature_list=lists)
        )
        return [tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(),
                sequence.SerializeToString(), b""]  # fmt: skip

    @functools.cached_property
    def _fetches(self) -> Any:
        import retrograph as tf

        with tf.Graph().as_default():
            text = tf.placeholder(tf.string, [])
            dense = {
                "i": tf.FixedLenFeature([3], tf.int64),
                "f": tf.VarLenFeature(tf.float32),
                "s": tf.VarLenFeature(tf.string),
            }
            lists = {"i": tf.VarLenFeature(tf.int64), "f": tf.FixedLenSequenceFeature([2], tf.float32)}
            fetches = [
                tf.parse_single_example(text, dense),
                tf.parse_example(tf.expand_dims(text, 0), dense),
                tf.parse_single_sequence_example(text, {"s": tf.VarLenFeature(tf.string)}, lists),
            ]
            return tf.Session(), text, fetches

    def parse(self, data: bytes) -> Any:
        import retrograph as tf

        session, text, fetches = self._fetches
        failed: Exception | None = None
        for fetch in fetches:
            try:
                session.run(fetch, {text: data})
            except tf.errors.InvalidArgumentError as error:
                failed = error
        str(tf.train.Example.FromString(data))
        if failed is not None:
            raise failed


_ALL = (
    _Table(), _Bundle(), _OldTable(), _Snappy(), _State(), _Graph(), _MetaGraph(), _SavedModel(), _Text(), _Records(),
    _Compressed(), _Events(), _Example(),
)  # fmt: skip
PARSERS: dict[str, Parser] = {parser.name: parser for parser in _ALL}
