"""Meta graphs: what of a graph comes back."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.framework import meta_graph
from retrograph.framework.proto_functions import prepend_name_scope, register_proto_function, strip_name_scope


def _model() -> Any:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.variable_scope("net", partitioner=tf.fixed_size_partitioner(2)):
        w = tf.get_variable("w", [2, 2])
    b = tf.get_variable("b", [2], use_resource=True, trainable=False)
    h = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(x, w), lambda: x)
    _, y = tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, tf.cond(i > 1, lambda: a + b, lambda: a * 2.0)), [0, h]
    )
    tf.add_to_collection("y", tf.identity(y, name="y"))
    tf.add_to_collection("numbers", 5)
    tf.add_to_collection("texts", "hello")
    return x


def _saved(path: Path, step: bool = False) -> tuple[str, Any, Any]:
    with tf.Graph().as_default(), tf.Session() as sess:
        x = _model()
        sess.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(sess, str(path / "m"))
        y = sess.run("y:0", {x: np.ones((1, 2))})
        return prefix, y, sess.run(tf.global_variables())


def test_variables_collections_and_contexts_come_back(tmp_path: Path) -> None:
    prefix, y, values = _saved(tmp_path)
    saver = tf.train.import_meta_graph(prefix + ".meta")
    assert [v.op.name for v in tf.global_variables()] == ["net/w/part_0", "net/w/part_1", "b"]
    assert [v.op.name for v in tf.trainable_variables()] == ["net/w/part_0", "net/w/part_1"]
    assert tf.global_variables()[0]._get_save_slice_info().spec == "2 2 0,1:0,2"
    assert tf.global_variables()[2].op.type == "VarHandleOp"
    assert tf.get_collection("numbers") == [5] and tf.get_collection("texts") == [b"hello"]
    (loop,) = tf.get_collection(tf.GraphKeys.WHILE_CONTEXT)
    assert loop.IsWhileContext() and len(loop._nested_contexts) == 2 and len(loop.loop_exits) == 2
    assert len(tf.get_collection(tf.GraphKeys.COND_CONTEXT)) == 2
    with tf.Session() as sess:
        saver.restore(sess, prefix)
        for found, wanted in zip(sess.run(tf.global_variables()), values, strict=True):
            np.testing.assert_array_equal(found, wanted)
        out = tf.get_collection("y")[0]
        np.testing.assert_array_equal(sess.run(out, {"x:0": np.ones((1, 2))}), y)
        (grad,) = tf.gradients(out, tf.trainable_variables()[0])
        assert sess.run(grad, {"x:0": np.ones((1, 2))}).tolist() == [[4.0, 4.0]]


def test_into_a_scope_and_without_devices(tmp_path: Path) -> None:
    prefix, y, _ = _saved(tmp_path)
    saver = tf.train.import_meta_graph(prefix + ".meta", import_scope="model", clear_devices=True)
    assert tf.global_variables()[0].name == "model/net/w/part_0:0"
    with tf.Session() as sess:
        saver.restore(sess, prefix)
        np.testing.assert_array_equal(sess.run("model/y:0", {"model/x:0": np.ones((1, 2))}), y)
    again = tf.train.import_meta_graph(prefix + ".meta", import_scope="model")
    assert tf.global_variables()[-1].name == "model_1/b:0" and again is not None


def test_a_scope_of_a_graph() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        with tf.name_scope("inner"):
            v = tf.Variable([1.0, 2.0], name="v")
            tf.add(x, v, name="y")
        made, variables = meta_graph.export_scoped_meta_graph(export_scope="inner", graph=graph)
    assert list(variables) == ["v:0"]
    assert "y" in [n.name for n in made.graph_def.node]
    with pytest.raises(ValueError, match="Graph contains unbound inputs"):
        meta_graph.import_scoped_meta_graph(made, import_scope="new")
    given = tf.constant([10.0, 20.0])
    meta_graph.import_scoped_meta_graph(made, import_scope="new", input_map={"$unbound_inputs_x": given})
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run("new/y:0").tolist() == [11.0, 22.0]


def test_text_default_attributes_and_savers(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        _model()
        kept, _ = tf.train.Saver(), tf.train.Saver()
        path = str(tmp_path / "graph.meta")
        made = kept.export_meta_graph(path, as_text=True, clear_extraneous_savers=True, strip_default_attrs=True)
        assert meta_graph.read_meta_graph_file(path) == made
    names = [n.name for n in made.graph_def.node]
    assert "save/restore_all" in names and "save_1/restore_all" not in names
    assert made.meta_info_def.stripped_default_attrs
    node = next(n for n in made.graph_def.node if n.op == "MatMul")
    assert "transpose_a" not in node.attr and "T" in node.attr
    assert "MatMul" in [op.name for op in made.meta_info_def.stripped_op_list.op]
    tf.train.import_meta_graph(path)
    assert tf.get_default_graph().get_operation_by_name(node.name).get_attr("transpose_a") is False


def test_files_that_are_none(tmp_path: Path) -> None:
    prefix, _, _ = _saved(tmp_path)
    with pytest.raises(OSError, match=r"nothing\.meta does not exist"):
        tf.train.import_meta_graph(str(tmp_path / "nothing.meta"))
    data = Path(prefix + ".meta").read_bytes()
    (tmp_path / "cut.meta").write_bytes(data[: len(data) // 2])
    with pytest.raises(OSError, match="Cannot parse file"):
        tf.train.import_meta_graph(str(tmp_path / "cut.meta"))
    assert not tf.get_default_graph().get_operations()


def test_items_that_cannot_be_written_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    tf.Variable(1.0)
    tf.add_to_collection("things", object())
    tf.add_to_collection(3, "not a text")
    made = tf.train.export_meta_graph()
    assert sorted(made.collection_def) == ["trainable_variables", "variables"]


def test_names_in_scopes() -> None:
    assert strip_name_scope("loc:@a/b/c", "a/b") == "loc:@c" and strip_name_scope("ab/c", "a") == "ab/c"
    assert prepend_name_scope("^b", "a/") == "^a/b" and prepend_name_scope("b", None) == "b"


def test_collections_of_programs(tmp_path: Path) -> None:
    kind = tf.train.SaverDef
    register_proto_function(
        "test_settings",
        proto_type=kind,
        to_proto=lambda x, export_scope=None: kind(max_to_keep=x),
        from_proto=lambda proto, import_scope=None: proto.max_to_keep,
    )
    tf.add_to_collection("test_settings", 7)
    path = str(tmp_path / "m.meta")
    tf.train.export_meta_graph(path)
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph(path) is None
        assert tf.get_collection("test_settings") == [7]
    with pytest.raises(KeyError, match="Registering two proto_functions"):
        register_proto_function("test_settings")
    with pytest.raises(TypeError, match="to_proto must be callable"):
        register_proto_function("other", to_proto=3)  # type: ignore[arg-type]


def test_files_that_tensorflow_cannot_import_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    x = tf.get_variable("x", [], initializer=tf.ones_initializer())
    y = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * x), (0, x))[1]
    logging.getLogger("tensorflow").propagate = True
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        saver.save(session, str(tmp_path / "m"), 1)
        assert not caplog.messages
        tf.gradients(y, x)
        for step in (2, 3):
            saver.save(session, str(tmp_path / "m"), step)
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path}/m-2.meta: TensorFlow cannot import this graph, Retrograph can: it holds")
    assert "WhileGradient 'gradients/" in message
    tf.train.write_graph(tf.get_default_graph().as_graph_def(), str(tmp_path), "g.pbtxt")
    assert caplog.messages[1].startswith(f"{tmp_path}/g.pbtxt: TensorFlow cannot import this graph")
