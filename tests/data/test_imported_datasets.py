"""Datasets in graphs that are exported and imported again: their functions come from the graph's library."""

import pytest

import retrograph as tf


@pytest.mark.parametrize("clear_devices", [False, True])
def test_functions_of_datasets(clear_devices: bool) -> None:
    with tf.Graph().as_default():
        inner = tf.data.Dataset.range(4).map(lambda x: x * x)
        dataset = inner.flat_map(lambda x: tf.data.Dataset.from_tensors(x + 1)).filter(lambda x: x > 1)
        tf.identity(tf.data.make_one_shot_iterator(dataset).get_next(), name="output")
        meta = tf.train.export_meta_graph(clear_devices=clear_devices)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(meta, import_scope="model")
        assert [sess.run("model/output:0") for _ in range(3)] == [2, 5, 10]
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run("model/output:0")


def test_captured_values_of_functions() -> None:
    with tf.Graph().as_default():
        scale = tf.placeholder(tf.int64, [], name="scale")
        dataset = tf.data.Dataset.range(3).map(lambda x: x * scale)
        iterator = tf.data.make_initializable_iterator(dataset)
        tf.identity(iterator.get_next(), name="output")
        name, definition = iterator.initializer.name, tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tf.import_graph_def(definition, name="")
        sess.run(graph.get_operation_by_name(name), {"scale:0": 5})
        assert [sess.run("output:0") for _ in range(3)] == [0, 5, 10]
