"""A loop's second derivatives are those of the same steps without a loop: what meta-learning over `tf.map_fn` needs."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf

_IMAGES = np.random.RandomState(0).randn(3, 4, 4, 2).astype(np.float32)
_SCALE = np.array([0.7, 1.2], np.float32)


def _normalized(scale):
    return tf.nn.fused_batch_norm(tf.constant(_IMAGES) * scale, scale, tf.zeros(2), epsilon=1e-3)[0]


_LOSSES = {
    "batch norm": lambda scale: tf.reduce_mean(tf.square(tf.nn.relu(_normalized(scale)) - 0.3)),
    "convolution": lambda scale: tf.reduce_mean(
        tf.square(tf.tanh(tf.nn.conv2d(_IMAGES, tf.reshape(scale, [1, 1, 2, 1]), [1, 2, 2, 1], "SAME")))
    ),
}


def _after_a_step(loss, scale):
    (gradient,) = tf.gradients(loss(scale), scale)
    return loss(scale - 0.4 * gradient)


@pytest.mark.parametrize("kind", _LOSSES)
def test_gradient_through_a_gradient_step_in_map_fn(kind):
    loss = _LOSSES[kind]
    with tf.Graph().as_default(), tf.Session() as session:
        scale = tf.placeholder(tf.float32, [2])
        (once,) = tf.gradients(_after_a_step(loss, scale), scale)
        tasks = tf.map_fn(lambda weight: weight * _after_a_step(loss, scale), tf.constant([1.0, 2.0]))
        (mapped,) = tf.gradients(tf.reduce_sum(tasks), scale)
        once, mapped = session.run([once, mapped], {scale: _SCALE})
    np.testing.assert_allclose(mapped, 3 * once, rtol=1e-4, atol=1e-6)
