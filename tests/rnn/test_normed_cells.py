"""Cells that TF 1.15 has by the path of its module only; variables and numbers are those of TensorFlow 1.15.5."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.rnn import normed_cells

_CELLS = {
    "rnn/layer_norm_lstm_cell/": (
        lambda: normed_cells.LayerNormLSTMCell(3, True, 0.8, num_proj=2, proj_clip=0.3, layer_norm=True),
        [[-0.2113, -0.07739], [-0.2295, 0.23158]],
    ),
    "rnn/wn_lstm_cell/wn_lstm_cell/": (
        lambda: normed_cells.WeightNormLSTMCell(3, use_peepholes=True, num_proj=2),
        [[0.12252, -0.00204], [-0.01569, -0.00609]],
    ),
    "rnn/cfn_cell/": (
        lambda: normed_cells.CFNCell(3),
        [[0.29189, -0.09157, -0.02712], [-0.21855, 0.06816, 0.08197]],
    ),
    "rnn/minimal_rnn_cell/": (
        lambda: normed_cells.MinimalRNNCell(3),
        [[0.05424, -0.03043, 0.14636], [0.07869, 0.09761, -0.06579]],
    ),
}


@pytest.mark.parametrize("scope", _CELLS)
def test_seeded_cells(scope):
    make, expected = _CELLS[scope]
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(5)
        x = tf.constant(np.linspace(-1, 1, 8).reshape(2, 4).astype(np.float32))
        outputs, _ = tf.nn.static_rnn(make(), [x, x * 0.5], dtype=tf.float32)
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(outputs[1]), expected, atol=2e-5)
        assert all(v.name.startswith(scope) for v in tf.global_variables())
