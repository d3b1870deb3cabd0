"""Second derivatives of a cond in a cond: a branch's predicate decides about operations long after the branch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

# x = 1.5; the level, then w and v after one step of gradient descent on z and on the squares of its gradients (1.15.5).
RECORDED = {-1.0: (-1.487031, 0.75), 0.5: (0.410929, 0.691356), 2.0: (0.33125, 0.75), 4.0: (0.09, 0.75)}


def _step(x: Any, level: Any) -> tuple[Any, list[Any]]:
    w, v = (tf.get_variable(n, [], initializer=tf.constant_initializer(c)) for n, c in (("w", 0.5), ("v", 0.75)))

    def inner() -> Any:
        return tf.cond(tf.greater(level, 1.0), lambda: tf.square(w) * x, lambda: tf.sin(v) * x * w)

    y = tf.cond(level > 0.0, inner, lambda: w * x * x)
    z = tf.cond(level < 3.0, lambda: y * y, lambda: y + inner())
    penalty = tf.add_n([tf.square(g) for g in tf.gradients(z, [x, w, v])])
    return tf.train.GradientDescentOptimizer(0.01).minimize(z + penalty), [w, v]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("level", sorted(RECORDED))
def test_as_recorded(level: float, wide: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        given = tf.placeholder(tf.float32, [])
        # With a large tensor in it the step is compiled, without it is NumPy's.
        ballast = tf.get_variable("ballast", [100, 100]) if wide else tf.constant(0.0)
        op, variables = _step(tf.constant(1.5), given + 0 * tf.reduce_sum(ballast))
        sess.run(tf.global_variables_initializer())
        sess.run(op, {given: level})
        np.testing.assert_allclose(sess.run(variables), RECORDED[level], rtol=1e-4)
