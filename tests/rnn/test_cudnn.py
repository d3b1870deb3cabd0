"""`tf.contrib.cudnn_rnn`: what its layers compute, against NumPy and against the cells that TF says are alike."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _run(layer, x, **kwargs):
    outputs, states = layer(tf.constant(x), **kwargs)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        layer.kernel.load(np.linspace(-0.5, 0.5, layer.kernel.shape.num_elements()).astype(np.float32), sess)
        return sess.run([outputs, states, layer.kernel])


def test_one_layer_of_an_lstm():
    x = np.random.RandomState(0).randn(4, 2, 3).astype(np.float32)
    outputs, (h, c), flat = _run(tf.contrib.cudnn_rnn.CudnnLSTM(1, 5), x)
    w, u = flat[:60].reshape(4, 5, 3), flat[60:160].reshape(4, 5, 5)
    b, d = flat[160:180].reshape(4, 5), flat[180:].reshape(4, 5)
    hn = cn = np.zeros((2, 5))
    for t in range(4):
        i, f, j, o = (x[t] @ w[k].T + b[k] + hn @ u[k].T + d[k] for k in range(4))
        cn = _sigmoid(f) * cn + _sigmoid(i) * np.tanh(j)
        hn = _sigmoid(o) * np.tanh(cn)
        np.testing.assert_allclose(outputs[t], hn, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(h[0], hn, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(c[0], cn, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "count"), [("CudnnLSTM", 4), ("CudnnGRU", 3), ("CudnnRNNTanh", 1), ("CudnnRNNRelu", 1)]
)
def test_two_layers_in_both_directions(kind, count):
    layer = getattr(tf.contrib.cudnn_rnn, kind)(2, 5, direction="bidirectional")
    outputs, states, flat = _run(layer, np.ones((4, 2, 3), np.float32))
    assert outputs.shape == (4, 2, 10)
    assert [s.shape for s in states] == [(4, 2, 5)] * (2 if kind == "CudnnLSTM" else 1)
    assert flat.size == 2 * count * (15 + 25 + 50 + 25) + 2 * 2 * 2 * count * 5
    assert [v.op.name for v in layer.trainable_variables] == [layer.scope_name + "/opaque_kernel"]


def test_rows_end_by_their_lengths():
    layer = tf.contrib.cudnn_rnn.CudnnGRU(1, 5)
    outputs, (h,), _ = _run(layer, np.ones((4, 2, 3), np.float32), sequence_lengths=tf.constant([4, 2]))
    assert not outputs[2:, 1].any()
    np.testing.assert_allclose(h[0, 1], outputs[1, 1])


def test_bad_input():
    cudnn = tf.contrib.cudnn_rnn
    with pytest.raises(ValueError, match="Invalid direction"):
        cudnn.CudnnLSTM(1, 2, direction="sideways")
    with pytest.raises(ValueError, match="Only support float16"):
        cudnn.CudnnLSTM(1, 2, dtype=tf.int32)
    with pytest.raises(ValueError, match="Expecting input_shape with 3 dims"):
        cudnn.CudnnLSTM(1, 2).build([2, 3])
    with pytest.raises(TypeError, match="Invalid initial_state type"):
        cudnn.CudnnLSTM(1, 2)(tf.zeros([2, 2, 2]), initial_state=[tf.zeros([1, 2, 2])])
