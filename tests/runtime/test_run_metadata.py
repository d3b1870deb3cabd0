"""What runs tell about themselves, and callables that ask for it."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.framework.messages import message_class


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_callables_pass_options_on():
    x = tf.placeholder(tf.float32, [])
    options, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
    with tf.Session() as sess:
        run = sess.make_callable(x + 1.0, [x], accept_options=True)
        assert run(1.0, options=options, run_metadata=metadata) == 2.0
        assert len(metadata.step_stats.dev_stats) == 1
        with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
            run(1.0, other=3)


def test_partitions_are_there_where_asked_for():
    a = tf.constant(1, name="a")
    tf.constant(2, name="unused")
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        sess.run(a + 1, options=tf.RunOptions(output_partition_graphs=True), run_metadata=metadata)
        names = [node.name for graph in metadata.partition_graphs for node in graph.node]
        assert "a" in names and "unused" not in names
        sess.run(a, run_metadata=metadata)
        assert len(metadata.partition_graphs) == 0


def test_callables_of_options():
    x = tf.placeholder(tf.float32, [])
    y = tf.add(x, 1.0, name="y")
    options = message_class("tensorflow.CallableOptions")()
    options.feed.append(x.name)
    options.fetch.append(y.name)
    with tf.Session() as sess:
        call = sess._make_callable_from_options(options)
        assert call(np.float32(1)) == [2.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Expected 1 feed tensors, but got 2"):
            call(1.0, 2.0)
