"""Custom gradients, recomputation, the tape, and the default gradient by VJP."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.autodiff.symbolic import symbolic_gradient


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as g:
        yield g


def value(tensor: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensor)


def test_custom_gradient() -> None:
    @tf.custom_gradient
    def log1pexp(x: Any) -> Any:
        e = tf.exp(x)
        return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

    x = tf.constant(100.0)
    assert value(tf.gradients(log1pexp(x), x)) == [1.0]


def test_custom_gradient_with_variables() -> None:
    @tf.custom_gradient
    def scaled(x: Any) -> Any:
        with tf.variable_scope("s", use_resource=True):
            w = tf.get_variable("w", initializer=tf.constant(3.0))

        def grad(dy: Any, variables: Any = None) -> Any:
            assert variables == [w]
            return dy * 10.0, [dy * 20.0]

        return x * w, grad

    x = tf.constant(2.0)
    y = scaled(x)
    (w,) = tf.trainable_variables()
    assert value([y, *tf.gradients(y, [x, w])]) == [6.0, 10.0, 20.0]


def test_custom_gradient_refuses_reference_variables() -> None:
    @tf.custom_gradient
    def scaled(x: Any) -> Any:
        w = tf.get_variable("w", initializer=tf.constant(3.0), use_resource=False)
        return x * w, lambda dy, variables=None: (dy, [dy])

    with pytest.raises(TypeError, match="must be `ResourceVariable`s"):
        scaled(tf.constant(1.0))


def test_recompute_grad() -> None:
    x = tf.constant([1.0, 2.0])
    y = tf.recompute_grad(lambda t: tf.square(t) * t)(x)
    np.testing.assert_allclose(value(tf.gradients(y, x)[0]), [3.0, 12.0])


def test_grad_pass_through() -> None:
    x = tf.constant(2.0)
    assert value(tf.gradients(tf.grad_pass_through(tf.square)(x), x)) == [1.0]


def test_tape() -> None:
    x = tf.constant(3.0)
    v = tf.get_variable("v", initializer=tf.constant(2.0))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x * v
    assert tape.watched_variables() == (v,)
    assert value(tape.gradient(y, {"x": x, "v": v})) == {"x": 12.0, "v": 9.0}


def test_default_gradient_is_the_vjp() -> None:
    a, b = tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]])
    y = tf.matmul(a, b)
    da, db = symbolic_gradient(y.op, tf.constant([[10.0]]))
    got_a, got_b = value([da, db])
    np.testing.assert_allclose(got_a, [[30.0, 40.0]])
    np.testing.assert_allclose(got_b, [[10.0], [20.0]])


def test_default_gradient_again() -> None:
    x = tf.constant([1.0, 2.0])
    (first,) = symbolic_gradient(tf.square(x).op, tf.ones([2]))
    (second,) = tf.gradients(first, x)
    np.testing.assert_allclose(value(second), [2.0, 2.0])


def test_gradient_of_a_custom_gradient() -> None:
    """A `grad_fn` may have a custom gradient itself: it takes variables only if its function does."""

    @tf.custom_gradient
    def doubled(x: Any) -> Any:
        @tf.custom_gradient
        def grad(dy: Any) -> Any:
            return 3.0 * dy, lambda ddy: 5.0 * ddy

        return 2.0 * x, grad

    x = tf.constant(1.0)
    dy = tf.constant(7.0)
    (dx,) = tf.gradients(doubled(x), x, dy)
    assert value([dx, *tf.gradients(dx, dy)]) == [21.0, 5.0]
