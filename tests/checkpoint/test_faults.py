"""Full disks, Ctrl-C, writers that meet: an error of TF's classes, and the checkpoint that was there stays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.checkpoint import writing
from retrograph.checkpoint.management import NewCheckpointReader
from retrograph.checkpoint.writing import BundleWriter, write_checkpoint
from retrograph.framework import files

SIZE = 300_000


class Model:
    """A variable of 1.2 MB, and a session."""

    def __init__(self) -> None:
        self.v = tf.get_variable("v", [SIZE], initializer=tf.zeros_initializer())
        self.more = self.v.assign_add(tf.ones([SIZE]))
        self.session = tf.Session()
        self.session.run(self.v.initializer)

    def restored(self, saver: Any, directory: Path) -> float:
        saver.restore(self.session, tf.train.latest_checkpoint(str(directory)))
        value = self.session.run(self.v)
        assert value.min() == value.max()
        return float(value[0])


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.session.close()


def _full_after(monkeypatch: pytest.MonkeyPatch, size: int, kind: int = errno.ENOSPC) -> None:
    left, real = [size], os.write

    def write(handle: int, data: Any) -> int:
        if left[0] <= 0:
            raise OSError(kind, os.strerror(kind))
        done = real(handle, memoryview(data)[: left[0]])
        left[0] -= done
        return done

    monkeypatch.setattr(files.os, "write", write)


@pytest.mark.parametrize("kwargs", [{}, {"sharded": True}, {"write_version": tf.train.SaverDef.V1}])
@pytest.mark.parametrize("size", [0, 1000, 4 * SIZE + 10])
def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model, kwargs: dict[str, Any], size: int
) -> None:
    saver, prefix = tf.train.Saver(max_to_keep=2, **kwargs), str(tmp_path / "m")
    saver.save(model.session, prefix, 1, write_meta_graph=False)
    there = {path: path.read_bytes() for path in tmp_path.iterdir()}
    model.session.run(model.more)
    with monkeypatch.context() as patch:
        _full_after(patch, size)
        with pytest.raises(tf.errors.ResourceExhaustedError, match=r"m-2.*; No space left on device"):
            saver.save(model.session, prefix, 2, write_meta_graph=False)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == there
    assert model.restored(saver, tmp_path) == 0
    model.session.run(model.more)
    assert saver.save(model.session, prefix, 2, write_meta_graph=False).endswith("m-2")
    assert model.restored(saver, tmp_path) == 1


def _write_records(path: Path) -> None:
    with tf.python_io.TFRecordWriter(str(path)) as writer:
        for _ in range(100):
            writer.write(bytes(100_000))


def _write_text(path: Path) -> None:
    with tf.gfile.GFile(str(path), "w") as file:
        file.write("x" * 5_000_000)


def _write_graph(path: Path) -> None:
    graph_def = tf.GraphDef(node=[tf.NodeDef(name="a" * 5_000_000, op="NoOp")])
    tf.train.write_graph(graph_def, str(path.parent), path.name, as_text=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)]
    if not sys.platform.startswith("linux") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("file systems may not be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.parametrize("write", [_write_records, _write_text, _write_graph])
def test_other_files_on_a_full_disk(small_disk: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(tf.errors.ResourceExhaustedError, match="f; No space left on device"):
        write(small_disk / "f")
    assert not any(".pending" in path.name for path in small_disk.iterdir())


def test_a_saved_model_on_a_full_disk(small_disk: Path, model: Model) -> None:
    (small_disk / "filler").write_bytes(bytes(3_500_000))
    with pytest.raises(tf.errors.ResourceExhaustedError, match="No space left on device"):
        tf.saved_model.simple_save(model.session, str(small_disk / "m"), {"v": model.v}, {"v": model.v})
    assert not (small_disk / "m" / "saved_model.pb").exists()
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["filler"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (errno.EDQUOT, tf.errors.ResourceExhaustedError),
        (errno.EACCES, tf.errors.PermissionDeniedError),
        (errno.EROFS, tf.errors.PermissionDeniedError),
        (errno.EFBIG, tf.errors.OutOfRangeError),
        (errno.EIO, tf.errors.UnknownError),
        (errno.ESTALE, tf.errors.AbortedError),
    ],
)
def test_errors_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int, expected: Any) -> None:
    _full_after(monkeypatch, 0, kind)
    with pytest.raises(expected, match=r"m\.data-00000-of-00001; "):
        write_checkpoint(str(tmp_path / "m"), {"a": np.ones(5)})
    assert not list(tmp_path.iterdir())


def test_places_that_are_none(tmp_path: Path, model: Model) -> None:
    (tmp_path / "file").write_bytes(b"")
    saver = tf.train.Saver()
    for place in ("missing/deeper/m", "file/m"):
        with pytest.raises(ValueError, match="doesn't exist, can't save"):
            saver.save(model.session, str(tmp_path / place))
    with pytest.raises(tf.errors.NotFoundError):
        tf.python_io.TFRecordWriter(str(tmp_path / "missing" / "f"))
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.python_io.TFRecordWriter(str(tmp_path))
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.summary.FileWriter(str(tmp_path / "file"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("at", ["os.write", "os.fsync", *(f"os.replace {i}" for i in range(5))])
def test_ctrl_c_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model, at: str) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    saver.save(model.session, str(tmp_path / "m"), 1, write_meta_graph=False)
    model.session.run(model.more)
    name, _, count = at.removeprefix("os.").partition(" ")
    calls, real = [0], getattr(os, name)

    def interrupted(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] > int(count or 0):
            monkeypatch.setattr(files.os, name, real)
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(files.os, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        saver.save(model.session, str(tmp_path / "m"), 2, write_meta_graph=False)
    assert model.restored(saver, tmp_path) == 0
    assert not any(".pending" in path.name for path in tmp_path.iterdir())
    saver.save(model.session, str(tmp_path / "m"), 3, write_meta_graph=False)
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("m-3")


@pytest.mark.parametrize("path", [r"\U8011ffff/m-1", r"\000?/m-1", "a?/" + "m/" * 1500 + "m-1"])
def test_state_files_that_name_impossible_paths(tmp_path: Path, path: str) -> None:
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{path}"\n')
    assert tf.train.latest_checkpoint(str(tmp_path)) is None


def test_threads_that_save_under_one_name(tmp_path: Path) -> None:
    prefix, problems = str(tmp_path / "m"), []

    def save(value: int) -> None:
        try:
            for _ in range(8):
                write_checkpoint(prefix, {"a": np.full(SIZE, value), "b": np.array(value)})
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=save, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = NewCheckpointReader(prefix)
    assert not problems and set(reader.get_tensor("a").tolist()) == {reader.get_tensor("b")}
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]


def test_processes_that_save_under_one_name(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np\nfrom retrograph.checkpoint.writing import write_checkpoint\n"
        "value = int(sys.argv[2])\n"
        "for _ in range(8): write_checkpoint(sys.argv[1], {'a': np.full(100000, value), 'b': np.array(value)})\n"
    )
    prefix = str(tmp_path / "m")
    running = [subprocess.Popen([sys.executable, "-c", program, prefix, str(i)]) for i in range(2)]
    assert [process.wait(timeout=100) for process in running] == [0, 0]
    reader = NewCheckpointReader(prefix)
    assert set(reader.get_tensor("a").tolist()) == {reader.get_tensor("b")}
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]


def test_what_another_writer_writes_is_not_cleared_away(tmp_path: Path) -> None:
    first = BundleWriter(str(tmp_path / "a"))
    first.add("x", np.ones(3))
    (tmp_path / "b.data-00000-of-00001.pending-0123456789ab").write_bytes(b"left by a kill")
    write_checkpoint(str(tmp_path / "c"), {"x": np.zeros(3)})
    first.finish()
    assert sorted({path.name.partition(".")[0] for path in tmp_path.iterdir()}) == ["a", "c"]


@pytest.mark.parametrize("size", [0, 1, 69_999, 140_000, 300_001])
def test_what_is_written_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    values = {"a": np.arange(size) * 1.5, "b": np.arange(size, dtype=np.int8), "c": np.float32(2)}
    write_checkpoint(str(tmp_path / "one"), values)
    monkeypatch.setattr(writing, "_PIECE", 1000)
    write_checkpoint(str(tmp_path / "many"), values)
    for suffix in ("index", "data-00000-of-00001"):
        assert (tmp_path / f"many.{suffix}").read_bytes() == (tmp_path / f"one.{suffix}").read_bytes()


def test_old_checkpoints_are_freed_by_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    monkeypatch.setattr(files, "_LARGE", 1000)
    saver = tf.train.Saver(max_to_keep=1)
    for step in range(4):
        saver.save(model.session, str(tmp_path / "m"), step, write_meta_graph=False)
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            "checkpoint",
            f"m-{step}.data-00000-of-00001",
            f"m-{step}.index",
        ]
    files.wait_until_freed()
    handles = Path("/proc/self/fd")
    if handles.exists():
        opened = [os.readlink(h) for h in handles.iterdir() if h.is_symlink()]
        assert not any(path.startswith(str(tmp_path)) for path in opened)


def test_removing_what_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LARGE", 0)
    with pytest.raises(FileNotFoundError):
        files.remove(str(tmp_path / "none"))
    with pytest.raises(OSError):
        files.remove(str(tmp_path))
    os.symlink("nowhere", tmp_path / "link")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo"):
        files.remove(str(tmp_path / name))
    assert not list(tmp_path.iterdir())
