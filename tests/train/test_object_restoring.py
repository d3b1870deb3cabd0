"""Savers restore checkpoints of `tf.train.Checkpoint` by the names that these tell."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.train.object_restoring import object_graph_key_mapping, saver_from_object_based_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.get_variable("a", initializer=[1.0, 2.0])
        b = tf.get_variable("s/b", initializer=3, use_resource=True)
        session.run(tf.global_variables_initializer())
        return tf.train.Checkpoint(first=a, second=b).save(str(tmp_path_factory.mktemp("objects") / "m"), session)


def _variables():
    return tf.get_variable("a", [2]), tf.get_variable("s/b", [], tf.int32, use_resource=True)


@pytest.mark.parametrize(
    "choose", [lambda a, b: None, lambda a, b: [b, a], lambda a, b: {"a": a, "s/b": b}], ids=["all", "list", "dict"]
)
def test_restores_by_name_and_keeps_its_operations(checkpoint, choose):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        a, b = _variables()
        saver = tf.train.Saver(choose(a, b))
        saver.restore(session, checkpoint)
        session.run(a.assign([0.0, 0.0]))
        made = len(graph.get_operations())
        saver.restore(session, checkpoint)
        assert len(graph.get_operations()) == made
        assert graph.get_operation_by_name("save_1/Assign").type == "Assign"
        values = session.run([a, b])
    np.testing.assert_array_equal(values[0], [1.0, 2.0])
    assert values[1] == 3


def test_an_imported_saver_takes_all_of_the_graph(checkpoint):
    with tf.Graph().as_default():
        _variables()
        meta = tf.train.Saver().export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(meta).restore(session, checkpoint)
        assert session.run("a:0").tolist() == [1.0, 2.0]


def test_names_that_it_does_not_tell(checkpoint):
    with tf.Graph().as_default(), tf.Session() as session:
        _variables()
        tf.get_variable("c", [1])
        with pytest.raises(tf.errors.NotFoundError) as raised:
            tf.train.Saver().restore(session, checkpoint)
    text = str(raised.value)
    assert text.startswith(
        "\n\nExisting variables not in the checkpoint: c\n\nVariables names when this checkpoint was "
    )
    assert "don't exist now: save_counter\n\n(2 variable name(s) did match)\n\n" in text


def test_the_functions(checkpoint, tmp_path):
    assert object_graph_key_mapping(checkpoint)["s/b"] == "second/.ATTRIBUTES/VARIABLE_VALUE"
    with tf.Graph().as_default(), tf.Session() as session:
        a, _ = _variables()
        saver_from_object_based_checkpoint(checkpoint).restore(session, checkpoint)
        assert session.run(a).tolist() == [1.0, 2.0]
        plain = tf.train.Saver([a]).save(session, str(tmp_path / "plain"))
        with pytest.raises(ValueError, match="not an object-based checkpoint"):
            saver_from_object_based_checkpoint(plain)
        with pytest.raises(tf.errors.NotFoundError, match="_CHECKPOINTABLE_OBJECT_GRAPH not found"):
            object_graph_key_mapping(plain)


def test_the_status_of_a_checkpoint_by_names(tmp_path):
    """Nothing is restored until the operations run; then all that there is counts as restored."""
    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.get_variable("a", initializer=[1.0])
        session.run(a.initializer)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as session:
        root = tf.train.Checkpoint(a=tf.get_variable("a", [1]))
        status = root.restore(path)
        for check in (status.assert_consumed, status.assert_existing_objects_matched, status.assert_nontrivial_match):
            with pytest.raises(AssertionError, match=r"^Object not restored: "):
                check()
        status.run_restore_ops(session)
        assert status.assert_consumed() is status
        assert session.run(root.a).tolist() == [1.0]
        root.b = tf.get_variable("b", [1])
        with pytest.raises(AssertionError, match=r"^Object not restored: <tf.Variable 'b:0' shape="):
            status.assert_existing_objects_matched()
