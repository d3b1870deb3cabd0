"""Loss scales of `tf.train.experimental`; the numbers are those of TensorFlow 1.15.5."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.train import loss_scale


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_a_step_whose_gradients_are_not_finite_is_left_out():
    x = tf.Variable([1.0, 2.0])
    opt = tf.train.experimental.MixedPrecisionLossScaleOptimizer(tf.train.MomentumOptimizer(0.1, 0.9), "dynamic")
    step = tf.train.get_or_create_global_step()
    factor = tf.placeholder(tf.float32, [])
    train = opt.minimize(tf.reduce_sum(x * x) * factor, global_step=step)
    scale, good = opt._loss_scale._current_loss_scale, opt._loss_scale._num_good_steps
    seen = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for value in (1.0, float("inf"), 2.0):
            sess.run(train, {factor: value})
            seen.append(sess.run([x, step, scale, good]))
    np.testing.assert_allclose([row[0] for row in seen], [[0.8, 1.6], [0.8, 1.6], [0.3, 0.6]], rtol=1e-5)
    assert [tuple(map(int, row[1:])) for row in seen] == [(1, 32768, 1), (1, 16384, 0), (2, 16384, 1)]


def test_a_scale_grows_after_its_period():
    scale = tf.train.experimental.DynamicLossScale(initial_loss_scale=4, increment_period=2, multiplier=3)
    update, finite = scale.update([tf.constant(1.0), None])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        seen = []
        for _ in range(4):
            assert sess.run([update, finite])[1]
            seen.append(float(sess.run(scale())))
    assert seen == [4, 12, 12, 36]


def test_what_scales_are_made_of():
    assert repr(loss_scale.get(2)) == "FixedLossScale(2.0)"
    assert loss_scale.get(None) is None
    with pytest.raises(ValueError, match="Could not interpret loss scale identifier: other"):
        loss_scale.get("other")
    with pytest.raises(ValueError, match="must be at least 1"):
        tf.train.experimental.FixedLossScale(0.5)
    dynamic = loss_scale.get("dynamic")
    config = {"initial_loss_scale": 32768.0, "increment_period": 2000, "multiplier": 2.0}
    assert dynamic.get_config() == config
    assert repr(dynamic) == "DynamicLossScale(initial_loss_scale=32768.0, increment_period=2000, multiplier=2.0)"


def test_only_optimizers_are_wrapped():
    enable = tf.train.experimental.enable_mixed_precision_graph_rewrite
    wrapped = enable(tf.train.GradientDescentOptimizer(0.1), loss_scale=128)
    assert isinstance(wrapped, tf.train.experimental.MixedPrecisionLossScaleOptimizer)
    with pytest.raises(ValueError, match="must not already be an instance of a MixedPrecisionLossScaleOptimizer"):
        enable(wrapped)
    with pytest.raises(ValueError, match=r"must be an instance of a tf\.train\.Optimizer"):
        enable(3)
    tf.train.experimental.disable_mixed_precision_graph_rewrite()
