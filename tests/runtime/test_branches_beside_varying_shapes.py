"""A step in two parts: what runs on changing shapes takes from a branch that ran before, and from variables it read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

# What TF 1.15.5 gives.
LOSSES = [1.2126813, 0.8446226, 1.6248024, 1.566568, 1.317657, 0.9550119, 1.0871637, 1.80465]


def _loss(rows: Any, labels: Any, training: Any) -> Any:
    """A mean over the rows that have a label, behind normalizations that are in training or not."""
    for _ in range(2):
        rows = tf.layers.conv2d(rows, 4, 1)
        rows = tf.nn.leaky_relu(tf.layers.batch_normalization(rows, -1, 0.99, 1e-6, training=training))
    logits = tf.reshape(tf.layers.conv2d(rows, 3, 1), [-1, 3])
    valid = tf.squeeze(tf.where(tf.not_equal(labels, 0)))
    wanted = tf.one_hot(tf.gather(labels, valid) - 1, 3)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=tf.gather(logits, valid), labels=wanted))


def test_normalization_in_a_branch_is_trained_with_as_many_rows_as_have_labels() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        training = tf.placeholder(tf.bool, [])
        rows, labels = tf.placeholder(tf.float32, [2, 8, 1, 4]), tf.placeholder(tf.int32, [16])
        loss = _loss(rows, labels, training)
        step = [loss, tf.train.AdamOptimizer(1e-2).minimize(loss), tf.get_collection(tf.GraphKeys.UPDATE_OPS)]
        session.run(tf.global_variables_initializer())
        source = np.random.RandomState(0)
        found = []
        for _ in LOSSES:
            fed = {training: True, rows: source.rand(2, 8, 1, 4), labels: source.randint(0, 4, 16)}
            found.append(session.run(step, fed)[0])
    assert found == pytest.approx(LOSSES, rel=1e-4)
