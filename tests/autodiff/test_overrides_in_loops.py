"""Inside a while loop an operation that brings its own gradient along keeps it. The numbers are TF 1.15.5's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograph as tf

X = np.array([[0.5, -1.0], [2.0, 3.0]], "f")


@tf.custom_gradient
def log1pexp(x: Any) -> Any:
    e = tf.exp(x)
    return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e)) * 2.0


@tf.custom_gradient
def exp_with_side_value(x: Any) -> Any:
    """Its gradient takes what its result does not."""
    s = tf.sigmoid(x)
    return tf.exp(x), lambda dy: dy * s


@tf.custom_gradient
def exp_with_cond(x: Any) -> Any:
    return tf.exp(x), lambda dy: tf.cond(tf.reduce_sum(x) > 0, lambda: dy * x, lambda: dy * 3)


def _loop(step: Callable[[Any, Any], Any], start: Any, rounds: Any = 3) -> Any:
    return tf.while_loop(lambda i, a: i < rounds, lambda i, a: (i + 1, step(i, a)), [0, start])[1]


def _nested(i: Any, a: Any) -> Any:
    return _loop(lambda j, b: log1pexp(b), a, 2) * a


CASES: dict[str, Any] = {
    "loop": (lambda i, a: log1pexp(a) * a, [[3.846029281616211, -0.028958760201931], [3894.891845703125, 60336.75390625]]),
    "nested": (_nested, [[19.74045753479004, 0.022230099886655807], [18948.314453125, 280273.96875]]),
    "cond": (lambda i, a: tf.cond(tf.equal(i, 1), lambda: log1pexp(a), lambda: a * 2), [[5.848468780517578, 0.9536237716674805], [7.856110095977783, 7.980218887329102]]),
    "swish": (lambda i, a: tf.nn.swish(a), [[0.2848254144191742, 0.011734001338481903], [1.2202509641647339, 1.3031294345855713]]),
    "side": (lambda i, a: exp_with_side_value(a) * 0.1, [[0.00017833268793765455, 7.202065171441063e-05], [0.00032912884489633143, 0.0005695573636330664]]),
    "grad_cond": (lambda i, a: exp_with_cond(a) * 0.1, [[0.0008243606425821781, -0.000367879489203915], [0.014778112061321735, 0.06025661528110504]]),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("known", [True, False])
def test_custom_gradient(name: str, known: bool) -> None:
    step, expected = CASES[name]
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.constant(X)
        rounds = 2 if name == "grad_cond" else 3
        y = _loop(step, x, rounds if known else tf.placeholder_with_default(rounds, []))
        got = sess.run(tf.gradients(y, x)[0])
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_gradient_takes_what_is_outside_the_loop() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x, z = tf.constant(2.0), tf.placeholder_with_default(3.0, [])
        seen = tf.exp(z)

        @tf.custom_gradient
        def f(v: Any) -> Any:
            return v * 2.0, lambda dy: dy * seen

        assert sess.run(tf.gradients(_loop(lambda i, a: f(a), x), x)[0]) == pytest.approx(np.exp(9.0), rel=1e-5)


def test_gradient_override_map() -> None:
    @tf.RegisterGradient("FiveTimesInput")
    def _five(op: Any, grad: Any) -> Any:
        return grad * op.inputs[0] * 5.0

    def step(i: Any, a: Any) -> Any:
        with tf.get_default_graph().gradient_override_map({"Relu": "FiveTimesInput"}):
            return tf.nn.relu(a) + a

    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.constant(X)
        got = sess.run(tf.gradients(_loop(step, x), x)[0])
    np.testing.assert_allclose(got, [[231.0, -64.0], [9471.0, 30256.0]])


def _weights() -> Any:
    with tf.variable_scope("s", use_resource=True):
        return tf.get_variable("w", initializer=tf.constant([[1.0, 2.0], [0.5, -1.0]]))


def test_gradients_of_variables() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x, w = tf.constant(X), _weights()

        @tf.custom_gradient
        def f(v: Any) -> Any:
            return tf.matmul(v, w), lambda dy, variables=None: (dy * 2.0, [dy * 3.0])

        with tf.variable_scope("", use_resource=True):
            grads = tf.gradients(_loop(lambda i, a: f(a), x), [x, w])
        sess.run(w.initializer)
        for got, expected in zip(sess.run(grads), (8.0, 21.0), strict=True):
            np.testing.assert_allclose(got, np.full((2, 2), expected))


def test_recomputed_in_a_loop_as_not_recomputed() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x, w = tf.constant(X), _weights()

        def plain(v: Any) -> Any:
            return tf.tanh(tf.matmul(v, w))

        with tf.variable_scope("", use_resource=True):
            again = tf.recompute_grad(plain)
            found = [tf.gradients(_loop(lambda i, a, f=f: f(a), x), [x, w]) for f in (plain, again)]
        sess.run(w.initializer)
        kept, recomputed = sess.run(found)
        for a, b in zip(kept, recomputed, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_recurrent_network_with_an_activation_of_its_own_gradient() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.constant(X)
        cell = tf.nn.rnn_cell.BasicRNNCell(2, activation=tf.nn.swish)
        with tf.variable_scope("rnn", initializer=tf.constant_initializer(0.3)):
            y, _ = tf.nn.dynamic_rnn(cell, tf.stack([x, x * 2]), dtype=tf.float32)
        sess.run(tf.global_variables_initializer())
        got = sess.run(tf.gradients(y, [x, *tf.trainable_variables()]))
    np.testing.assert_allclose(got[0], [[1.11277497, 1.11277497], [1.92934299, 1.92934299]], rtol=1e-5)
    np.testing.assert_allclose(got[2], [3.39701390, 3.39701390], rtol=1e-5)


def test_an_exported_graph_keeps_them() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant(X, name="x")
        tf.identity(tf.gradients(_loop(lambda i, a: log1pexp(a) * a, x), x)[0], name="grad")
    with tf.Graph().as_default(), tf.Session() as sess:
        (grad,) = tf.import_graph_def(graph.as_graph_def(), return_elements=["grad:0"], name="again")
        np.testing.assert_allclose(sess.run(grad), CASES["loop"][1], rtol=1e-5)


def test_a_result_that_nothing_differentiated_reaches() -> None:
    @tf.custom_gradient
    def doubled_and_counted(x: Any) -> Any:
        count = tf.cast(tf.range(tf.shape(x)[0]), tf.float32)
        return (x * 1.0, count), lambda d1, d2: d1 * 2 + d2

    def step(i: Any, a: Any) -> Any:
        moved, count = doubled_and_counted(a)
        return moved + 0 * count

    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        grads = tf.gradients(tf.reduce_sum(_loop(step, x)), x)[0]
        np.testing.assert_allclose(session.run(grads, {x: [1.0, 2.0]}), [8.0, 8.0])
