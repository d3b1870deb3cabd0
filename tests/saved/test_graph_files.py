"""Graphs with functions, V1 checkpoints and object-based checkpoints that TF 1.15.5 wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

GOLDEN = Path(__file__).parents[1] / "golden" / "graph_files"
FACTS: dict[str, Any] = json.loads((GOLDEN / "facts.json").read_text())


@pytest.mark.parametrize("name", ["defun", "tf_function", "while_and_if", "dynamic_rnn", "lists_in_loops"])
def test_graphs_with_functions_and_loops_run(name: str) -> None:
    graph_def = tf.GraphDef.FromString((GOLDEN / f"{name}.pb").read_bytes())
    for prefix in ("", "again"):
        (y,) = tf.import_graph_def(graph_def, name=prefix, return_elements=["y:0"]) or ()
        feeds = {f"{prefix}/{k}".lstrip("/"): np.array(v, np.float32) for k, v in FACTS[name]["feeds"].items()}
        with tf.Session() as sess:
            np.testing.assert_allclose(sess.run(y, feeds), FACTS[name]["y"], rtol=1e-5, atol=1e-6)


def test_lists_are_differentiated() -> None:
    tf.import_graph_def(tf.GraphDef.FromString((GOLDEN / "lists_in_loops.pb").read_bytes()), name="")
    x, y = (tf.get_default_graph().get_tensor_by_name(name) for name in ("x:0", "y:0"))
    loss = tf.reduce_sum(y * y)
    (gradient,) = tf.gradients(loss, x)
    value = np.cos(np.arange(12.0)).reshape(2, 3, 2).astype(np.float32)
    with tf.Session() as sess:
        found = sess.run(gradient, {x: value})
        for place in ((0, 1, 1), (1, 0, 0), (1, 2, 1)):
            step = np.zeros_like(value)
            step[place] = 0.01
            above, below = (sess.run(loss, {x: value + sign * step}) for sign in (1, -1))
            np.testing.assert_allclose(found[place], (above - below) / 0.02, rtol=2e-3)


@pytest.mark.parametrize(("first", "factor"), [(0.0, 1.0), (0.5, 3.0), (1.0, 5.0), (3.0, 5.0), (-4.0, 5.0)])
def test_an_index_chooses_a_branch_and_the_last_one_if_there_is_none(first: float, factor: float) -> None:
    tf.import_graph_def(tf.GraphDef.FromString((GOLDEN / "lists_in_loops.pb").read_bytes()), name="")
    x = np.full((2, 3, 2), first, np.float32)
    with tf.Session() as sess:
        found = sess.run("switch_case/indexed_case:0", {"x:0": x})
    np.testing.assert_allclose(found, x * factor)


def test_functions_are_put_in_place_under_the_name_of_their_call() -> None:
    tf.import_graph_def(tf.GraphDef.FromString((GOLDEN / "tf_function.pb").read_bytes()), name="")
    graph = tf.get_default_graph()
    assert graph.get_operation_by_name("StatefulPartitionedCall").type == "IdentityN"
    assert not graph.as_graph_def().library.function


def test_what_a_function_stands_for_is_differentiated() -> None:
    tf.import_graph_def(tf.GraphDef.FromString((GOLDEN / "defun.pb").read_bytes()), name="")
    (grad,) = tf.gradients(*(tf.get_default_graph().get_tensor_by_name(n) for n in ("y:0", "x:0")))
    with tf.Session() as sess:
        # y = x (x + 2) + 1 + x - (x + 2)
        assert sess.run(grad, {"x:0": [1.0, 2.0]}).tolist() == [4.0, 6.0]


def test_an_import_that_fails_takes_no_numbers_of_operations() -> None:
    graph_def = tf.GraphDef()
    x = graph_def.node.add(name="x", op="Placeholder")
    x.attr["dtype"].type = 1
    tf.constant(1.0)
    with pytest.raises(ValueError, match="Requested return node 'y' not found"):
        tf.import_graph_def(graph_def, name="", return_elements=["y"])
    tf.constant(2.0, name="x")
    # Seeds of random operations follow from it.
    assert tf.get_default_graph().version == tf.get_default_graph()._last_id == 2


def test_functions_that_call_each_other_for_ever() -> None:
    graph_def = tf.GraphDef.FromString((GOLDEN / "defun.pb").read_bytes())
    call = next(n for n in graph_def.node if n.op == "F")
    body = graph_def.library.function[0]
    inner = body.node_def.add()
    inner.CopyFrom(call)
    inner.name = "deeper"
    inner.input[:] = [arg.name for arg in body.signature.input_arg]
    with pytest.raises(tf.errors.InvalidArgumentError, match="nested too deep"):
        tf.import_graph_def(graph_def)


def test_functions_that_stand_for_too_much() -> None:
    """Twenty functions, each of which calls the next one twice."""
    graph_def = tf.GraphDef()
    for i in range(20):
        function = graph_def.library.function.add()
        function.signature.name = f"f{i}"
        function.signature.input_arg.add(name="a", type=1)
        function.signature.output_arg.add(name="b", type=1)
        for k in range(2):
            node = function.node_def.add(name=f"n{k}", op=f"f{i + 1}" if i < 19 else "Neg", input=["a"])
            if i == 19:
                node.attr["T"].type = 1
        function.ret["b"] = "n1:b:0" if i < 19 else "n1:y:0"
    x = graph_def.node.add(name="x", op="Placeholder")
    x.attr["dtype"].type = 1
    graph_def.node.add(name="y", op="f0", input=["x"])
    with pytest.raises(tf.errors.ResourceExhaustedError, match="more than 20000 nodes"):
        tf.import_graph_def(graph_def)


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return [v.decode() for v in array.tolist()] if array.dtype == object else array.tolist()


def test_checkpoints_of_the_first_format() -> None:
    reader = tf.train.NewCheckpointReader(str(GOLDEN / "old.ckpt"))
    assert {n: _plain(reader.get_tensor(n)) for n in reader.get_variable_to_shape_map()} == FACTS["old"]
    assert reader.get_variable_to_shape_map()["p/w"] == [4, 3]
    assert reader.get_variable_to_dtype_map()["h"] == tf.float16
    with pytest.raises(tf.errors.NotFoundError, match="nothing not found in checkpoint"):
        reader.get_tensor("nothing")


def test_a_saver_restores_and_writes_the_first_format(tmp_path: Path) -> None:
    with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(4)):
        w = tf.get_variable("w", [4, 3])
    i = tf.get_variable("i", [2, 3], tf.int32)
    saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
    with tf.Session() as sess:
        saver.restore(sess, str(GOLDEN / "old.ckpt"))
        assert sess.run(tf.convert_to_tensor(w)).tolist() == FACTS["old"]["p/w"]
        path = saver.save(sess, str(tmp_path / "m"))
        assert tf.train.latest_checkpoint(str(tmp_path)) == path
        sess.run(i.assign(i * 0))
        saver.restore(sess, path)
        assert sess.run(i).tolist() == FACTS["old"]["i"]
        shards = tf.train.Saver(write_version=tf.train.SaverDef.V1, sharded=True)
        path = shards.save(sess, str(tmp_path / "s"))
        assert path.endswith("s-?????-of-00001")
        shards.restore(sess, path)


@pytest.mark.parametrize("keep", [0, 1, 40, 200, 400])
def test_damaged_checkpoints_of_the_first_format(keep: int, tmp_path: Path) -> None:
    data = (GOLDEN / "old.ckpt").read_bytes()
    (tmp_path / "cut").write_bytes(data[:keep])
    with pytest.raises(tf.errors.DataLossError, match="Unable to open table file"):
        tf.train.NewCheckpointReader(str(tmp_path / "cut"))


def _objects() -> Any:
    v = tf.Variable([0.0, 0.0], name="other")
    optimizer = tf.train.AdamOptimizer(0.1)
    optimizer.minimize(tf.reduce_sum(v * v))
    layer = tf.layers.Dense(2, name="another")
    layer(tf.ones([1, 2]))
    checkpoint = tf.train.Checkpoint(v=v, optimizer=optimizer, layer=layer)
    checkpoint.parts = [v, tf.Variable(0.0)]
    checkpoint.inner = tf.train.Checkpoint(v=v)
    return checkpoint


def test_objects_are_restored_by_the_way_to_them() -> None:
    checkpoint = _objects()
    with tf.Session() as sess:
        checkpoint.restore(str(GOLDEN / "objects-1")).assert_consumed().run_restore_ops(sess)
        assert sess.run(checkpoint.v).tolist() == FACTS["objects"]["v/.ATTRIBUTES/VARIABLE_VALUE"]
        slot = checkpoint.optimizer.get_slot(checkpoint.v, "m")
        assert sess.run(slot).tolist() == FACTS["objects"]["v/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE"]
        assert sess.run(checkpoint.layer.kernel).tolist() == [[0.5, 0.5], [0.5, 0.5]]
        assert sess.run(checkpoint.save_counter) == 1


def test_objects_are_saved_under_the_keys_of_tensorflow(tmp_path: Path) -> None:
    checkpoint = _objects()
    with tf.Session() as sess:
        checkpoint.restore(str(GOLDEN / "objects-1")).initialize_or_restore(sess)
        path = checkpoint.save(str(tmp_path / "m"), session=sess)
        assert path == str(tmp_path / "m-2") == tf.train.latest_checkpoint(str(tmp_path))
    reader = tf.train.NewCheckpointReader(path)
    names = [n for n in reader.get_variable_to_shape_map() if not n.startswith("_")]
    assert sorted(names) == sorted(FACTS["objects"])


def test_a_saver_restores_an_object_based_checkpoint() -> None:
    v = tf.Variable([0.0, 0.0], name="v")
    with tf.Session() as sess:
        tf.train.Saver().restore(sess, str(GOLDEN / "objects-1"))
        assert sess.run(v).tolist() == FACTS["objects"]["v/.ATTRIBUTES/VARIABLE_VALUE"]


def test_objects_that_do_not_fit() -> None:
    with tf.Session() as sess:
        status = tf.train.Checkpoint(v=tf.Variable([0.0, 0.0])).restore(str(GOLDEN / "objects-1"))
        with pytest.raises(AssertionError, match="Unresolved object in checkpoint"):
            status.assert_consumed()
        status.assert_existing_objects_matched().run_restore_ops(sess)
        status = tf.train.Checkpoint(w=tf.Variable(0.0)).restore(str(GOLDEN / "objects-1"))
        with pytest.raises(AssertionError, match="Object not assigned a value from checkpoint"):
            status.assert_existing_objects_matched()
        with pytest.raises(AssertionError, match="No checkpoint specified"):
            tf.train.Checkpoint().restore(None).assert_consumed()
        with pytest.raises(ValueError, match="was expecting a trackable object"):
            tf.train.Checkpoint(x=3)


def test_the_manager_keeps_the_newest(tmp_path: Path) -> None:
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    with tf.Session().as_default() as sess:
        sess.run(tf.global_variables_initializer())
        manager = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
        paths = [manager.save() for _ in range(3)]
        assert manager.checkpoints == paths[1:]
        assert not tf.train.checkpoint_exists(paths[0])
        again = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
        assert again.checkpoints == paths[1:] and again.latest_checkpoint == paths[2]
    with pytest.raises(ValueError, match="Expected a positive integer or `None`"):
        tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=0)
