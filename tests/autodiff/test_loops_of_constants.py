"""Gradients of loops whose values are all known: nothing is left for a compiled program."""

from __future__ import annotations

import retrograph as tf


def _doubled_below(limit: float, start: tf.Tensor) -> tf.Tensor:
    return tf.while_loop(lambda x: x < limit, lambda x: x * 2.0, [start])


def test_loops_in_loops() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        start = tf.constant(1.0)
        end = tf.while_loop(lambda x: x < 30.0, lambda x: _doubled_below(8.0, x) * 4.0, [start])
        grad = tf.gradients(end, start)[0]
        # 1 -> 8 -> 32, in each of several runs.
        assert [sess.run([end, grad]) for _ in range(2)] == [[32.0, 32.0]] * 2
