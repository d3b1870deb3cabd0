"""Checkpoints of TensorFlow 1.15.5 are read bit by bit, damage is found, and a kill while saving loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from retrograph.checkpoint import writing
from retrograph.checkpoint.checksum import crc32c, masked
from retrograph.checkpoint.entry import Entry, parse_spec, slice_key
from retrograph.checkpoint.management import NewCheckpointReader, list_variables
from retrograph.checkpoint.reading import BundleReader
from retrograph.checkpoint.rows import rows_of
from retrograph.checkpoint.snappy import decompress
from retrograph.checkpoint.table import read_table, write_table
from retrograph.checkpoint.writing import BundleWriter, write_checkpoint
from retrograph.framework import errors
from retrograph.framework.wire import WireError, read_varint, varint

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "checkpoints"


def test_reads_what_tensorflow_wrote() -> None:
    reader = NewCheckpointReader(str(GOLDEN / "all"))
    expected = np.load(GOLDEN / "all.npz")
    for key in expected.files:
        value = reader.get_tensor(key.replace("__", "/"))
        assert value.dtype == expected[key].dtype and value.shape == expected[key].shape
        assert value.tobytes() == expected[key].tobytes()
    assert reader.get_tensor("d/string").tolist() == [[b"a", b""], [b"\0\xff", b"x" * 300]]
    assert reader.get_tensor("d/bfloat16").tolist() == [1.5, 2.5]
    assert type(reader.get_tensor("scalar")) is np.float32
    assert set(reader.get_variable_to_shape_map()) == set(reader.get_variable_to_dtype_map())
    assert reader.debug_string().startswith(b"\0part\0\1\1\2\x80\x83\x80\x83 (DT_FLOAT) [3,3]\n")
    assert reader.has_tensor("part") and not reader.has_tensor("zz") and not reader.has_tensor("")
    with pytest.raises(errors.NotFoundError, match="Key zz not found in checkpoint"):
        reader.get_tensor("zz")


def test_reads_shards() -> None:
    reader = NewCheckpointReader(str(GOLDEN / "two"))
    assert reader.get_tensor("a").tolist() == [1, 2] and reader.get_tensor("b").tolist() == [3, 4, 5]


def test_a_part_of_slices() -> None:
    reader = BundleReader(str(GOLDEN / "all"))
    whole = reader.read("part2")
    np.testing.assert_array_equal(reader.read("part2", ((1, 2), (30, 10))), whole[1:3, 30:40])


def test_writes_as_tensorflow_does(tmp_path: Path) -> None:
    theirs = BundleReader(str(GOLDEN / "all"))
    writer = BundleWriter(str(tmp_path / "m"))
    for name in theirs.names():
        for part in theirs.slices_of(name) or [None]:
            writer.add(name, theirs.read(name, part), theirs.shape_of(name), part)
    writer.finish()
    ours, expected = ((d / f"{n}.index").read_bytes() for d, n in ((tmp_path, "m"), (GOLDEN, "all")))
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]
    ours_rows, their_rows = read_table("m", ours), read_table("all", expected)
    assert list(ours_rows) == list(their_rows)
    for name in theirs.names():
        assert BundleReader(str(tmp_path / "m")).read(name).tolist() == theirs.read(name).tolist()


def test_every_corrupt_byte_of_the_index_is_found_or_harmless(tmp_path: Path) -> None:
    write_checkpoint(str(tmp_path / "m"), {"a": np.arange(3.0), "b/c": np.array([b"xy", b""], object)})
    path = tmp_path / "m.index"
    good = path.read_bytes()
    for place in range(len(good)):
        for change in (0xFF, 0x01):
            path.write_bytes(good[:place] + bytes([good[place] ^ change]) + good[place + 1 :])
            try:
                reader = BundleReader(str(tmp_path / "m"))
                assert list(reader.names()) == ["a", "b/c"]
                assert reader.read("a").tolist() == [0, 1, 2] and reader.read("b/c").tolist() == [b"xy", b""]
            except errors.DataLossError:
                pass


def test_every_truncation_is_found(tmp_path: Path) -> None:
    write_checkpoint(str(tmp_path / "m"), {"a": np.arange(3.0)})
    path = tmp_path / "m.index"
    good = path.read_bytes()
    for size in range(len(good)):
        path.write_bytes(good[:size])
        with pytest.raises(errors.DataLossError):
            BundleReader(str(tmp_path / "m"))


def test_every_corrupt_byte_of_the_data_is_found(tmp_path: Path) -> None:
    write_checkpoint(str(tmp_path / "m"), {"a": np.arange(3.0), "s": np.array([b"xy", b""], object)})
    path = tmp_path / "m.data-00000-of-00001"
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x41]) + good[place + 1 :])
        reader = BundleReader(str(tmp_path / "m"))
        with pytest.raises(errors.DataLossError):
            reader.read("a"), reader.read("s")
    path.write_bytes(good[:-1])
    with pytest.raises(errors.DataLossError):
        BundleReader(str(tmp_path / "m")).read("s")


def _dim(size: int) -> bytes:
    one = b"\x08" + varint(size)
    return b"\x12" + varint(len(one)) + one


@pytest.mark.parametrize(
    "entry",
    [
        b"\x08\x01\x12" + varint(11) + _dim(1 << 50)[:11] + b"\x28\x04",
        b"\x08\x07\x12" + varint(len(_dim(1 << 60))) + _dim(1 << 60) + b"\x28\x04",
        b"\x08\x01\x28\xff\xff\xff\xff\x0f",
        b"\x08\x63",
        b"\x08\x01\x12" + varint(len(_dim(1 << 40))) + _dim(1 << 40) + b"\x3a\x02\x0a\x00",
    ],
)
def test_hostile_entries_cost_nothing(tmp_path: Path, entry: bytes) -> None:
    (tmp_path / "m.index").write_bytes(write_table([(b"", b"\x08\x01"), (b"a", entry)]))
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"1234")
    start = time.monotonic()
    with pytest.raises((errors.DataLossError, errors.NotFoundError)):
        BundleReader(str(tmp_path / "m")).read("a")
    assert time.monotonic() - start < 1


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError, match="Failed to find any matching files for"):
        NewCheckpointReader(str(tmp_path / "none"))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(errors.DataLossError, match="perhaps your file is in a different file format"):
        NewCheckpointReader(str(tmp_path / "text"))


@pytest.mark.parametrize("renames", [-1, 0, 1, 2, 3])
def test_a_kill_while_saving_leaves_the_old_or_the_new(tmp_path: Path, renames: int) -> None:
    """The process dies at each place where files are half made; what it leaves is cleared away."""
    prefix = str(tmp_path / "m")
    write_checkpoint(prefix, {"a": np.zeros(1000)})
    program = (
        "import os, numpy as np\nfrom retrograph.checkpoint import writing as w\nfrom retrograph.framework import files\n"
        "calls = []\nreal = os.replace\n"
        f"def replace(a, b):\n    calls.append(a)\n    len(calls) > {renames} and os._exit(9)\n    real(a, b)\n"
        "files.os.replace = replace\n"
        f"if {renames} < 0: w.write_table = lambda rows: os._exit(9)\n"
        f"w.write_checkpoint({prefix!r}, {{'a': np.ones(1000)}})\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], timeout=60)
        assert done.returncode == 9
        assert BundleReader(prefix).read("a")[0] == (1 if renames == 3 else 0)
    write_checkpoint(prefix, {"a": np.full(1000, 2.0)})
    assert BundleReader(prefix).read("a")[0] == 2
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]


def test_tables_of_many_blocks() -> None:
    rows = [(f"layer_{i:06d}/kernel".encode(), bytes([i % 256]) * 100) for i in range(6000)]
    assert list(read_table("t", write_table(rows)).items()) == rows
    assert read_table("t", write_table([])) == {}


def test_snappy() -> None:
    assert decompress(varint(5) + b"\x10hello") == b"hello"
    assert decompress(varint(11) + b"\x04ab" + bytes([(9 - 1) << 2 | 2, 2, 0])) == b"abababababa"
    for bad in (b"\xff\xff\xff\xff\x0f", b"\x05\x10he", b"\x02\x05\x01", b"\x09\x04ab"):
        with pytest.raises(WireError):
            decompress(bad)


def test_checksums_and_keys() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert masked(0) == 0xA282EAD8
    assert parse_spec("4 3 0,2:-") == ((4, 3), ((0, 2), (0, -1)))
    assert slice_key(b"v", ((0, 2), (0, -1))) == b"\0v\0\1\1\2\x80\x82\x80\x7f"
    assert slice_key(b"v", ((64, 1000),)) == b"\0v\0\1\1\1\xc0\x40\xc3\xe8"
    for bad in ("4 0,5", "4 3 0,2", "x 0,1"):
        with pytest.raises(ValueError):
            parse_spec(bad)


def test_bfloat16_goes_through(tmp_path: Path) -> None:
    value = np.array([1.5, -2], ml_dtypes.bfloat16)
    write_checkpoint(str(tmp_path / "m"), {"b": value})
    assert NewCheckpointReader(str(tmp_path / "m")).get_tensor("b").tobytes() == value.tobytes()
    assert writing.index_name("m") == "m.index"


def _listed(tmp_path: Path, shapes: dict[str, tuple[int, ...]]) -> list[tuple[str, list[int]]]:
    rows = [(b"", b"\x08\x01\x1a\x02\x08\x01")]
    rows += [(name.encode(), Entry(1, shape, size=4).serialize()) for name, shape in sorted(shapes.items())]
    (tmp_path / "m.index").write_bytes(write_table(rows))
    return list_variables(str(tmp_path / "m"))


def test_many_variables_are_listed(tmp_path: Path) -> None:
    """Tables that are read many rows at a time give what they give row by row."""
    rng = np.random.default_rng(0)
    sizes = (0, 1, 2, 127, 128, 300, 1 << 20, 1 << 34, 1 << 36)
    names = [f"{'scope/' * int(rng.integers(4))}v{i}{'x' * int(rng.integers(60))}" for i in range(3000)]
    shapes = {n: tuple(int(s) for s in rng.choice(sizes, rng.integers(7))) for n in names}
    expected = [(name, list(shape)) for name, shape in sorted(shapes.items())]
    assert _listed(tmp_path, shapes) == expected
    same = dict.fromkeys(names, (3, 4))
    assert _listed(tmp_path, same) == [(name, [3, 4]) for name in sorted(names)]
    # Long lengths, line ends and other letters in names take the other ways.
    odd = {**shapes, "long" * 100: (1,), "line\nend": (2,), "Größe": (3,), "zürich": (4,)}
    assert _listed(tmp_path, odd) == [(name, list(shape)) for name, shape in sorted(odd.items())]


def test_restarts_that_lie_are_not_followed() -> None:
    rows = [(f"layer_{i:06d}/kernel".encode(), bytes([i % 256]) * 20) for i in range(300)]
    data = write_table(rows)
    size = read_varint(data, len(data) - 48)[0] - 5
    count = int.from_bytes(data[size - 4 : size], "little")
    assert dict(rows_of(data, [(0, size)])) == dict(rows) and count > 10
    for i in range(count):
        place = size - 4 - 4 * (count - i)
        for wrong in (0, 1, 5, int.from_bytes(data[place : place + 4], "little") + 1, size - 4, (1 << 32) - 1):
            changed = data[:place] + wrong.to_bytes(4, "little") + data[place + 4 :]
            assert dict(rows_of(changed, [(0, size)])) == dict(rows)
