"""Savers keep, find and restore variables; what does not fit is explained."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest

import retrograph as tf

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "checkpoints"


def _saved(directory: Path, **kwargs: object) -> str:
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.get_variable("a/w", initializer=tf.constant([1.0, 2.0]))
        tf.get_variable("a/r", initializer=tf.constant(3), use_resource=True)
        tf.get_variable("p", initializer=tf.reshape(tf.range(15), [5, 3]), partitioner=tf.fixed_size_partitioner(2))
        sess.run(tf.global_variables_initializer())
        path: str = tf.train.Saver(**kwargs).save(sess, str(directory / "m"))
        return path


@pytest.mark.parametrize("kwargs", [{}, {"sharded": True}, {"reshape": True}, {"restore_sequentially": True}])
def test_round_trip(tmp_path: Path, kwargs: dict[str, object]) -> None:
    path = _saved(tmp_path, **kwargs)
    assert tf.train.list_variables(path) == [("a/r", []), ("a/w", [2]), ("p", [5, 3])]
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m.data-00000-of-00001", "m.index", "m.meta"]
    with tf.Graph().as_default(), tf.Session() as sess:
        w = tf.get_variable("a/w", [2])
        r = tf.get_variable("a/r", [], tf.int32, use_resource=True)
        parts = tf.get_variable("p", [5, 3], tf.int32, partitioner=tf.fixed_size_partitioner(3))
        tf.train.Saver(**kwargs).restore(sess, path)
        assert sess.run(w).tolist() == [1, 2] and sess.run(r) == 3
        assert sess.run(parts.as_tensor()).tolist() == np.arange(15).reshape(5, 3).tolist()


def test_restores_what_tensorflow_saved() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        part = tf.get_variable("part", [5, 3], partitioner=tf.fixed_size_partitioner(2))
        text = tf.get_variable("d/string", initializer=tf.constant([["", ""], ["", ""]]))
        tf.train.Saver().restore(sess, str(GOLDEN / "all"))
        stored = np.load(GOLDEN / "all.npz")["part"]
        assert sess.run(part.as_tensor()).tobytes() == stored.tobytes()
        assert sess.run(text)[0].tolist() == [b"a", b""]


def test_keeps_the_newest(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        step = tf.train.get_or_create_global_step()
        sess.run(tf.global_variables_initializer())
        saver = tf.train.Saver(max_to_keep=2)
        for i in range(3):
            saver.save(sess, str(tmp_path / "m"), global_step=i, write_meta_graph=False)
        assert [os.path.basename(p) for p in saver.last_checkpoints] == ["m-1", "m-2"]
        assert not (tmp_path / "m-0.index").exists()
        assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "m-2")
        state = tf.train.get_checkpoint_state(str(tmp_path))
        assert state.all_model_checkpoint_paths == saver.last_checkpoints
        again = tf.train.Saver(max_to_keep=2, pad_step_number=True, save_relative_paths=True)
        again.recover_last_checkpoints(state.all_model_checkpoint_paths)
        assert again.save(sess, str(tmp_path / "m"), global_step=step).endswith("m-00000000")
        assert (tmp_path / "checkpoint").read_text().startswith('model_checkpoint_path: "m-00000000"\n')
        assert not (tmp_path / "m-1.index").exists()


def test_errors(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(ValueError, match="No variables to save"):
            tf.train.Saver()
        assert tf.train.Saver(allow_empty=True).save(sess, path, write_meta_graph=False) is None
        other = tf.get_variable("model/a/w", [2])
        saver = tf.train.Saver()
        with pytest.raises(tf.errors.NotFoundError) as missing:
            saver.restore(sess, path)
        assert "Key model/a/w not found in checkpoint" in str(missing.value)
        assert "Not in the checkpoint (1 of 1): model/a/w" in str(missing.value)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"lhs shape= \[3\] rhs shape= \[2\]"):
            tf.train.Saver({"a/w": tf.get_variable("three", [3])}).restore(sess, path)
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="expected dtype float does not equal original dtype int32"
        ):
            tf.train.Saver({"p": other}).restore(sess, path)
        with pytest.raises(ValueError, match="is not a valid checkpoint"):
            saver.restore(sess, str(tmp_path / "nothing"))
        with pytest.raises(ValueError, match="doesn't exist, can't save"):
            sess.run(tf.global_variables_initializer())
            saver.save(sess, str(tmp_path / "no" / "where" / "m"))
        with pytest.raises(OSError, match=r"m\.met does not exist"):
            tf.train.import_meta_graph(path + ".met")


def test_prefixes_that_differ_are_found(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        for name in ("w", "b", "k"):
            tf.get_variable("old/" + name, [1])
        sess.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as sess:
        for name in ("w", "b", "k"):
            tf.get_variable("new/" + name, [1])
        with pytest.raises(tf.errors.NotFoundError, match="'new/' in the graph, 'old/' in the checkpoint"):
            tf.train.Saver().restore(sess, path)


def test_init_from_checkpoint(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.variable_scope("new"):
            w = tf.get_variable("w", [2])
            r = tf.get_variable("r", [], tf.int32, use_resource=True)
        p = tf.get_variable("q", [5, 3], tf.int32, partitioner=tf.fixed_size_partitioner(2))
        tf.train.init_from_checkpoint(str(tmp_path), {"a/": "new/", "p": "q"})
        sess.run(tf.global_variables_initializer())
        assert sess.run(w).tolist() == [1, 2] and sess.run(r) == 3
        assert sess.run(p.as_tensor())[4, 2] == 14
        with pytest.raises(ValueError, match="Tensor zz is not found in"):
            tf.train.init_from_checkpoint(path, {"zz": w})
        assert tf.train.load_variable(path, "a/w:0").tolist() == [1, 2]


def test_warm_start_and_assign_from_checkpoint(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        w = tf.get_variable("a/w", [2])
        tf.train.warm_start(path, vars_to_warm_start="a/w")
        sess.run(tf.global_variables_initializer())
        assert sess.run(w).tolist() == [1, 2]
        x = tf.get_variable("x", [2], initializer=tf.zeros_initializer())
        op, feed = tf.contrib.framework.assign_from_checkpoint(path, {"a/w": x})
        sess.run(op, feed)
        assert sess.run(x).tolist() == [1, 2]
        absent = tf.get_variable("absent", [2])
        restore = tf.contrib.framework.assign_from_checkpoint_fn(path, [w, absent], ignore_missing_vars=True)
        sess.run(w.assign([0.0, 0.0]))
        restore(sess)
        assert sess.run(w).tolist() == [1, 2]


def test_frozen_graphs(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", initializer=tf.constant([[1.0], [2.0]]))
        b = tf.get_variable("b", initializer=tf.constant([0.5]), use_resource=True)
        tf.add(tf.matmul(x, w), b, name="y")
        sess.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(sess, graph.as_graph_def(), ["y"])
    data = frozen.SerializeToString()
    path = tf.train.write_graph(frozen, str(tmp_path), "g.pb", as_text=False)
    assert Path(path).read_bytes() == data
    again = tf.GraphDef.FromString(data)
    assert again.SerializeToString() == data and str(again) == str(frozen)
    with tf.Graph().as_default(), tf.Session() as sess:
        (y,) = tf.import_graph_def(tf.graph_util.remove_training_nodes(again), return_elements=["y:0"])
        assert sess.run(y, {"import/x:0": [[1.0, 1.0]]}).tolist() == [[3.5]]
    for size in range(1, len(data), 7):
        with contextlib.suppress(tf.errors.DataLossError):
            tf.GraphDef.FromString(data[:size])
