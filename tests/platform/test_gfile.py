"""`tf.gfile` and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import retrograph as tf


def test_write_and_read(tmp_path: Path) -> None:
    path = str(tmp_path / "a.txt")
    with tf.gfile.GFile(path, "w") as file:
        file.write("héllo\n")
        file.write("x\n")
    assert tf.gfile.GFile(path).readlines() == ["héllo\n", "x\n"]
    assert tf.gfile.FastGFile(path, "rb").readline() == "héllo\n".encode()
    assert tf.gfile.GFile(path).read(3) == "hé"
    assert tf.gfile.GFile(path).size() == tf.gfile.Stat(path).length == 9
    with tf.gfile.Open(path, "a") as file:
        file.write("end")
    assert tf.gfile.GFile(path).read().endswith("end")


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    path = str(tmp_path / "never")
    tf.gfile.GFile(path, "w").close()
    assert not tf.gfile.Exists(path)


def test_errors_are_tensorflows(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(tf.errors.NotFoundError, match="missing; No such file or directory"):
        tf.gfile.GFile(missing).read()
    with pytest.raises(tf.errors.NotFoundError, match="Could not find directory"):
        tf.gfile.ListDirectory(missing)
    with pytest.raises(tf.errors.PermissionDeniedError, match="File isn't open for writing"):
        tf.gfile.GFile(missing).write("x")
    with pytest.raises(tf.errors.InvalidArgumentError, match="mode is not 'r'"):
        tf.gfile.GFile(missing, "q")


def test_folders(tmp_path: Path) -> None:
    folder = str(tmp_path / "a" / "b")
    tf.gfile.MakeDirs(folder)
    tf.gfile.MakeDirs(folder)
    with tf.gfile.GFile(folder + "/f", "w") as file:
        file.write("1")
    tf.gfile.Copy(folder + "/f", folder + "/g")
    with pytest.raises(tf.errors.AlreadyExistsError, match="file already exists"):
        tf.gfile.Copy(folder + "/f", folder + "/g")
    tf.gfile.Rename(folder + "/g", folder + "/h")
    assert sorted(tf.gfile.ListDirectory(folder)) == ["f", "h"]
    assert tf.gfile.Glob(folder + "/*") == [folder + "/f", folder + "/h"]
    assert next(tf.gfile.Walk(str(tmp_path / "a")))[1:] == (["b"], [])
    tf.gfile.Remove(folder + "/h")
    tf.gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not tf.gfile.IsDirectory(folder)
