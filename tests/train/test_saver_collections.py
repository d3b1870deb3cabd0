"""Savers and partitioned variables that stand in collections."""

from __future__ import annotations

import retrograph as tf


def _partitioned():
    with tf.variable_scope("root", partitioner=tf.fixed_size_partitioner(2)):
        return tf.get_variable("v", [4], initializer=tf.ones_initializer())


def test_what_is_in_a_collection_is_put_together_for_the_meta_graph(tmp_path):
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tf.add_to_collection("mine", _partitioned())
        saver = tf.train.Saver()
        assert [op.name for op in graph.get_operations()][-2:] == ["root/v/ConcatPartitions/concat", "root/v"]
        tf.train.Saver()
        assert not any(op.name == "root/v_1" for op in graph.get_operations())
        sess.run(tf.global_variables_initializer())
        path = saver.save(sess, str(tmp_path / "model"))
    with tf.Graph().as_default() as restored, tf.Session() as sess:
        tf.train.import_meta_graph(path + ".meta").restore(sess, path)
        assert sess.run(restored.get_tensor_by_name("root/v:0")).tolist() == [1, 1, 1, 1]


def test_others_are_left_as_they_are():
    with tf.Graph().as_default() as graph:
        _partitioned()
        tf.train.Saver()
        assert "root/v" not in [op.name for op in graph.get_operations()]
