"""tf.train.warm_start with vocabularies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf


def _before(path: Path) -> str:
    (path / "old.txt").write_text("apple\nbanana\nguava\n")
    (path / "new.txt").write_text("orange\nguava\nbanana\napple\n")
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.get_variable("w", initializer=np.arange(6.0, dtype=np.float32).reshape(3, 2))
        tf.get_variable("b", initializer=tf.constant([7.0]))
        sess.run(tf.global_variables_initializer())
        return str(tf.train.Saver().save(sess, str(path / "m"), write_meta_graph=False))


def _words(path: Path, **more: Any) -> Any:
    return tf.train.VocabInfo(str(path / "new.txt"), 4, 1, str(path / "old.txt"), **more)


@pytest.mark.parametrize("parts", [1, 3])
def test_rows_by_their_words(parts: int, tmp_path: Path) -> None:
    prefix = _before(tmp_path)
    with tf.variable_scope("", partitioner=tf.fixed_size_partitioner(parts)):
        w = tf.get_variable("w", [5, 2], initializer=tf.zeros_initializer())
    b = tf.get_variable("b", [1])
    words = {"w": _words(tmp_path, backup_initializer=tf.ones_initializer())}
    tf.train.warm_start(prefix, var_name_to_vocab_info=words)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(tf.convert_to_tensor(w)).tolist() == [[1, 1], [4, 5], [2, 3], [0, 1], [1, 1]]
        assert sess.run(b).tolist() == [7.0]


def test_columns_by_their_words(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("x\ny\n")
    prefix = _before(tmp_path)
    (tmp_path / "old.txt").write_text("x\ny\n")
    (tmp_path / "new.txt").write_text("y\nz\nx\n")
    w = tf.get_variable("w", [3, 4])
    info = tf.train.VocabInfo(str(tmp_path / "new.txt"), 3, 1, str(tmp_path / "old.txt"), axis=1)
    tf.train.warm_start(prefix, [w], {"w": info})
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(w).tolist() == [[1, 0, 0, 0], [3, 0, 2, 0], [5, 0, 4, 0]]


def test_what_does_not_fit(tmp_path: Path) -> None:
    prefix = _before(tmp_path)
    w = tf.get_variable("w", [5, 2])
    with pytest.raises(ValueError, match="axis argument are 0 and 1"):
        _words(tmp_path, axis=2)
    with pytest.raises(ValueError, match="var_name_to_vocab_info that were not used"):
        tf.train.warm_start(prefix, [], {"x": _words(tmp_path)})
    with pytest.raises(ValueError, match="it must be all"):
        tf.train.warm_start(prefix, [w, "w"])
    (tmp_path / "new.txt").write_text("a\na\napple\napple\n")
    tf.train.warm_start(prefix, [w], {"w": _words(tmp_path)})
    with tf.Session() as sess, pytest.raises(tf.errors.UnimplementedError, match="is mapped to both new ID 2 and 3"):
        sess.run(tf.global_variables_initializer())
