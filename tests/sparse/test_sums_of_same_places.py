"""Sums of two sparse tensors, and their gradients, whether both have elements at the same places or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

A = [[0, 1], [1, 0], [2, 3]]


@pytest.mark.parametrize(
    ("places", "total", "of_a", "of_b"),
    [
        (A, [11.0, 22.0, 33.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        ([[0, 0], [1, 0], [2, 2]], [10.0, 1.0, 22.0, 30.0, 3.0], [2.0, 3.0, 5.0], [1.0, 3.0, 4.0]),
        ([], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], []),
    ],
)
def test_sums(places: Any, total: Any, of_a: Any, of_b: Any) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        indices = tf.placeholder(tf.int64, [None, 2])
        x, y = tf.constant([1.0, 2.0, 3.0]), tf.placeholder(tf.float32, [None])
        found = tf.sparse.add(tf.SparseTensor(A, x, [3, 4]), tf.SparseTensor(indices, y, [3, 4]))
        weights = tf.cast(tf.range(1, tf.size(found.values) + 1), tf.float32)
        grads = tf.gradients(found.values * weights, [x, y])
        fed = {indices: np.reshape(places, (-1, 2)), y: [10.0, 20.0, 30.0][: len(places)]}
        values, grad_x, grad_y = sess.run([found.values, *grads], fed)
    assert values.tolist() == total
    assert grad_x.tolist() == of_a
    assert grad_y.tolist() == of_b
