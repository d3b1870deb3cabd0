"""tf.saved_model: what is written comes back; what does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

SM: Any = tf.saved_model


def _built(path: Path, **more: Any) -> Any:
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.get_variable("v", initializer=tf.constant(3.0))
    y = tf.multiply(x, v, name="y")
    builder = SM.Builder(str(path / "m"))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        signature = SM.predict_signature_def({"in": x}, {"out": y})
        builder.add_meta_graph_and_variables(sess, ["serve"], {"serving_default": signature}, **more)
    return builder


@pytest.mark.parametrize("as_text", [False, True])
def test_written_and_read(as_text: bool, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        builder = _built(tmp_path)
    with tf.Graph().as_default():
        tf.get_variable("v", initializer=tf.constant(0.0))
        builder.add_meta_graph(["train", "gpu"])
    assert (
        builder.save(as_text) == str(tmp_path / "m" / ("saved_model.pbtxt" if as_text else "saved_model.pb")).encode()
    )
    assert SM.contains_saved_model(str(tmp_path / "m")) and not SM.contains_saved_model(str(tmp_path))
    with tf.Session() as sess:
        meta = SM.load(sess, ["serve"], str(tmp_path / "m"), import_scope="model")
        signature = meta.signature_def["serving_default"]
        assert signature.inputs["in"].name == "x:0" and signature.method_name == SM.PREDICT_METHOD_NAME
        assert sess.run("model/y:0", {"model/x:0": [2.0]}).tolist() == [6.0]
    with tf.Graph().as_default(), tf.Session() as sess:
        SM.load(sess, ["gpu", "train"], str(tmp_path / "m"))
        assert sess.run("v:0") == 3.0
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(
            RuntimeError, match="MetaGraphDef associated with tags 'other' could not be found in SavedModel"
        ):
            SM.load(sess, ["other"], str(tmp_path / "m"))
        assert not sess.graph.get_operations()
    predict = tf.contrib.predictor.from_saved_model(str(tmp_path / "m"))
    assert predict({"in": [5.0]})["out"].tolist() == [15.0]
    with pytest.raises(ValueError, match="Got unexpected keys in input_dict"):
        predict({"wrong": 1})
    with pytest.raises(ValueError, match='Got signature_def_key "no"'):
        tf.contrib.predictor.from_saved_model(str(tmp_path / "m"), signature_def_key="no")


def test_files_and_what_runs_first(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f.txt").write_text(text)
    with tf.Graph().as_default(), tf.Session() as sess:
        paths = [tf.constant(str(tmp_path / n / "f.txt"), name=n) for n in ("a", "b")]
        for path in paths:
            tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, path)
        x = tf.placeholder(tf.float32, [], name="x")
        local = tf.get_variable("local", initializer=1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
        v = tf.get_variable("v", initializer=2.0)
        first = tf.assign(local, 7.0).op
        sess.run(tf.global_variables_initializer())
        SM.simple_save(sess, str(tmp_path / "m"), {"x": x}, {"y": x + v}, legacy_init_op=first)
    assert {p.name: p.read_text() for p in (tmp_path / "m" / "assets").iterdir()} == {"f.txt": "one", "f.txt_1": "two"}
    with tf.Graph().as_default(), tf.Session() as sess:
        meta = SM.load(sess, ["serve"], str(tmp_path / "m"))
        assert sess.run("local:0") == 7.0
        from retrograph.saved.loader import get_asset_tensors

        found = get_asset_tensors(str(tmp_path / "m"), meta)
        assert {k: v.decode().rpartition("/")[2] for k, v in found.items()} == {"a:0": "f.txt", "b:0": "f.txt_1"}


def test_what_the_builder_refuses(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "f").write_text("")
    with pytest.raises(AssertionError, match="already exists, and isn't empty"):
        SM.Builder(str(tmp_path / "full"))
    builder = SM.Builder(str(tmp_path / "n"))
    with pytest.raises(AssertionError, match="has not been saved yet"):
        builder.add_meta_graph(["a"])
    x = tf.placeholder(tf.float32, [])
    empty = SM.build_signature_def({"x": type(SM.build_tensor_info(x))()}, None, "m")
    with tf.Session() as sess:
        with pytest.raises(AssertionError, match="must have one of the 'encoding' fields"):
            builder.add_meta_graph_and_variables(sess, ["a"], {"s": empty})
        with pytest.raises(KeyError, match="reserved for initialization"):
            builder.add_meta_graph_and_variables(sess, ["a"], {"__saved_model_init_op": SM.build_signature_def()})
        with pytest.raises(TypeError, match="main_op needs to be an Operation"):
            builder.add_meta_graph_and_variables(sess, ["a"], main_op=x)
        with pytest.raises(TypeError, match="Asset path tensor must be of type constant"):
            builder.add_meta_graph_and_variables(sess, ["a"], assets_collection=[x])
        builder.add_meta_graph_and_variables(sess, ["a"])
        with pytest.raises(AssertionError, match="already been saved"):
            builder.add_meta_graph_and_variables(sess, ["b"])


def test_signatures() -> None:
    text, scores = tf.placeholder(tf.string, [None]), tf.placeholder(tf.float32, [None])
    regression = SM.regression_signature_def(text, scores)
    classes = SM.classification_signature_def(text, text, scores)
    assert SM.is_valid_signature(regression) and SM.is_valid_signature(classes)
    assert not SM.is_valid_signature(SM.build_signature_def(method_name="other")) and not SM.is_valid_signature(None)
    with pytest.raises(ValueError, match="Regression examples must be a string Tensor"):
        SM.regression_signature_def(scores, scores)
    with pytest.raises(ValueError, match="Classification classes and scores cannot both be None"):
        SM.classification_signature_def(text, None, None)
    with pytest.raises(ValueError, match="Prediction inputs cannot be None or empty"):
        SM.predict_signature_def({}, {"y": scores})
    sparse = tf.sparse_placeholder(tf.float32, [2, 3], name="s")
    info = SM.build_tensor_info(sparse)
    again = SM.get_tensor_from_tensor_info(info)
    assert again.indices is sparse.indices and info.WhichOneof("encoding") == "coo_sparse"


def test_directories_that_are_none(tmp_path: Path) -> None:
    with tf.Session() as sess:
        with pytest.raises(OSError, match="SavedModel file does not exist at"):
            SM.load(sess, ["serve"], str(tmp_path))
        for name in ("saved_model.pbtxt", "saved_model.pb"):
            (tmp_path / name).write_bytes(b"\xff\x00 nonsense")
            with pytest.raises(OSError, match="Cannot parse file"):
                SM.load(sess, ["serve"], str(tmp_path))


def test_gradients_that_tensorflow_does_not_know_are_left_out(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    w = tf.get_variable("w", [2])
    _, y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.cond(i > 1, lambda: a * w, lambda: a + w)), [0, x])
    train = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(y))
    tf.add_to_collection("train_op", train)
    path = str(tmp_path / "m")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        wanted = sess.run(y, {x: [1.0, 2.0]}).tolist()
        prefix = tf.train.Saver().save(sess, str(tmp_path / "m.ckpt"))
        SM.simple_save(sess, path, {"x": x}, {"y": y})
        sess.run(train, {x: [1.0, 2.0]})
        trained = sess.run(w).tolist()
    with tf.Graph().as_default(), tf.Session() as sess:
        meta = SM.load(sess, ["serve"], path)
        assert "WhileGradient" not in {node.op for node in meta.graph_def.node}
        assert "WhileGradient" not in {op.name for op in meta.meta_info_def.stripped_op_list.op}
        assert "train_op" not in meta.collection_def and "while_context" in meta.collection_def
        name = meta.signature_def["serving_default"].outputs["y"].name
        assert sess.run(name, {"x:0": [1.0, 2.0]}).tolist() == wanted
    for scope in ("", "deep/er"):
        with tf.Graph().as_default(), tf.Session() as sess:
            tf.train.import_meta_graph(prefix + ".meta", import_scope=scope or None).restore(sess, prefix)
            sess.run(tf.get_collection("train_op")[0], {f"{scope}/x:0".lstrip("/"): [1.0, 2.0]})
            assert sess.run(tf.global_variables()[0]).tolist() == trained
