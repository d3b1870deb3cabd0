"""Cells of `tf.keras` in `tf.nn.dynamic_rnn`, and Keras' style of `tf.layers`."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


@pytest.mark.parametrize("kind", ["SimpleRNNCell", "GRUCell", "LSTMCell"])
def test_a_cell_of_keras_runs(kind):
    x = np.random.RandomState(0).randn(2, 3, 4).astype(np.float32)
    outputs, state = tf.nn.dynamic_rnn(getattr(tf.keras.layers, kind)(5), tf.constant(x), dtype=tf.float32)
    unrolled, _ = tf.nn.static_rnn(getattr(tf.keras.layers, kind)(5), [tf.constant(x[:, 0])], dtype=tf.float32)
    assert unrolled[0].shape.as_list() == [2, 5]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        out, last = sess.run([outputs, state])
    np.testing.assert_allclose(out[:, -1], last[0] if kind == "LSTMCell" else last, rtol=1e-5)


def test_keras_style():
    with tf.layers.experimental.keras_style_scope():
        layers = [tf.layers.Dense(2, name="same"), tf.layers.Dense(2, name="same")]
        with pytest.raises(ValueError, match="reuse argument not allowed when keras style layers are enabled"):
            tf.layers.Dense(2, _reuse=True)
    for layer in layers:
        layer(tf.zeros([1, 3]))
    assert len({v.name for layer in layers for v in layer.variables}) == 4
    with pytest.raises(ValueError, match="scope argument not allowed when keras style layers are enabled"):
        layers[0](tf.zeros([1, 3]), scope="other")


def test_parts_of_cells_bear_tf_names():
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(2), tf.nn.rnn_cell.BasicLSTMCell(2)])
    cell(tf.zeros([1, 2]), cell.zero_state(1, tf.float32))
    assert [part.name for part in cell._checkpoint_dependencies] == ["cell-0", "cell-1"]
    parts = [part.name for part in cell._checkpoint_dependencies[0].ref._checkpoint_dependencies]
    assert parts == ["gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias"]
