"""Gradients of loops that references to variables go through."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.framework.apply import apply_op


@pytest.mark.parametrize(("squared", "wanted"), [(False, 73.0), (True, 2 * 3 * 73.0)])
def test_a_reference_that_leaves_a_loop_has_its_gradient(squared: bool, wanted: float) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        variable = tf.Variable(3.0)._ref()
        _, left = tf.while_loop(
            lambda i, _: i < 10,
            lambda i, x: [i + 1, apply_op("RefIdentity", None, input=x)],
            [tf.constant(0), variable],
        )
        assert left.dtype._is_ref_dtype
        grad = tf.gradients([left * left if squared else left], [variable], grad_ys=[tf.constant(73.0)])[0]
        sess.run(tf.global_variables_initializer())
        assert sess.run([left, grad]) == [3.0, wanted]
        assert sess.run(grad) == wanted
