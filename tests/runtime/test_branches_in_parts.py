"""A branch that was not taken before a program was cut is not taken after it: what it would do need not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf


@pytest.mark.parametrize(("weights", "expected"), [([1.0, 2.0, 3.0], [0.46209812] * 3), (2.0, 1.3862944)])
def test_gradients_of_weights_of_unknown_rank(weights: Any, expected: Any) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        w, x = tf.placeholder(tf.float32), tf.placeholder(tf.float32, [3, 4])
        loss = tf.losses.sparse_softmax_cross_entropy(np.array([0, 1, 2]), x, weights=w)
        grad = tf.gradients(loss, w)[0]
        for _ in range(3):
            got = sess.run(grad, {w: weights, x: np.ones([3, 4])})
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_the_other_branch_in_the_next_run() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        w, x = tf.placeholder(tf.float32), tf.placeholder(tf.float32, [3, 4])
        loss = tf.losses.sparse_softmax_cross_entropy(np.array([0, 1, 2]), x, weights=w)
        grad = tf.gradients(loss, w)[0]
        for value in ([1.0, 2.0, 3.0], [[1.0], [2.0], [3.0]], 2.0, [1.0, 2.0, 3.0]):
            assert sess.run(grad, {w: value, x: np.ones([3, 4])}).shape == np.shape(value)
