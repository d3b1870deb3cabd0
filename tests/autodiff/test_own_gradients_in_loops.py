"""Inside a while loop the derivative of an operation is the one of its op type, as outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

X = np.array([0, 0, 1, -1, 6, 2, 2, -3], "f")
Y = np.array([0, 1, 1, -1, 0, 2, 3, -3], "f")
ROWS = np.array([[1, 1, 3], [3, 2, 0], [0, 0, -1]], "f")
LABELS = np.array([[1, 1, 1], [0, 0, 0], [0.2, 0, 0]], "f")
IMAGE = np.zeros((1, 4, 4, 2), "f")

CASES: list[Any] = [
    (tf.abs, X),
    (tf.nn.relu6, X),
    (tf.nn.softplus, X),
    (lambda v: tf.clip_by_value(v, 0.0, 2.0), X),
    (tf.maximum, X, Y),
    (tf.minimum, X, Y),
    (lambda v, w: tf.pow(tf.abs(v) + 1.0, w), X, Y),
    (lambda v: tf.cumprod(v, axis=1, exclusive=True), ROWS + 4),
    (lambda v: tf.nn.softmax_cross_entropy_with_logits(logits=v, labels=LABELS), ROWS),
    (lambda v: tf.nn.max_pool(v, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), IMAGE),
    (lambda v: tf.quantization.fake_quant_with_min_max_vars(v, -1.0, 2.0), X),
    (lambda v: tf.unsorted_segment_prod(v, [0, 0, 1, 1, 1, 3, 3, 3], 5), X),
    (lambda v: tf.reduce_max(v, -1), np.tile(np.minimum(X, 1), (4096, 1))),
    (lambda v: tf.reduce_min(v, -1), np.tile(np.maximum(X, 1), (4096, 1))),
    (tf.cholesky, ROWS @ ROWS.T + 4 * np.eye(3, dtype="f")),
]


def _gradients(function: Any, values: tuple[Any, ...], looped: bool) -> list[np.ndarray[Any, Any]]:
    with tf.Graph().as_default(), tf.Session() as sess:
        given = [tf.constant(v) for v in values]
        if looped:
            y = tf.map_fn(lambda _: tf.reduce_sum(function(*given)), tf.constant([1.0, 2.0]))[1]
        else:
            y = function(*given)
        return list(sess.run(tf.gradients(y, given)))


@pytest.mark.parametrize("case", CASES)
def test_as_outside(case: Any) -> None:
    function, *values = case
    outside, inside = (_gradients(function, tuple(values), looped) for looped in (False, True))
    for a, b in zip(outside, inside, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


# Recorded from TF 1.15.5.
WITH_COUNTERS: list[Any] = [
    (lambda i, v: tf.tensor_scatter_update(v * 2.0, [[(i + 2) % 4]], v[:1] * 3.0), [96, 16, 0, 0]),
    (lambda i, v: tf.unsorted_segment_prod(v, (tf.range(4) * 2 + i) % 4, 4) + v, [1116, 701, 385, 416]),
]


@pytest.mark.parametrize("case", WITH_COUNTERS)
def test_places_may_depend_on_the_round(case: Any) -> None:
    body, expected = case
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [4])
        table = tf.get_variable("table", initializer=np.zeros([80, 80], "f"))  # too large to be a tiny plan
        start = x + tf.reduce_sum(table)
        y = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, body(i, v)), [0, start])[1]
        gradient = tf.gradients(y * [1.0, 2.0, 3.0, 4.0], x)[0]
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(gradient, {x: [1, 2, 3, 4]}), expected, rtol=1e-6)


LOGITS = np.arange(24, dtype="f").reshape(4, 2, 3) / 10


@pytest.mark.parametrize("known", [True, False])
def test_operations_of_the_host(known: bool) -> None:
    """What only NumPy computes has its derivative in a loop, too."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder_with_default(LOGITS, LOGITS.shape)
        labels = tf.SparseTensor([[0, 0], [1, 0]], [1, 0], [2, 1])
        rounds = 3 if known else tf.placeholder_with_default(3, [])

        def body(i: Any, a: Any) -> Any:
            return i + 1, a + tf.reduce_sum(tf.nn.ctc_loss(labels, x * a, [4, 4])) * 0.1

        y = tf.while_loop(lambda i, a: i < rounds, body, [0, 1.0])[1]
        value, grad = sess.run([y, tf.gradients(y, x)[0]])
    assert value == pytest.approx(2.1732640266418457, rel=1e-5)
    np.testing.assert_allclose(grad[0, 0], [0.11782310903072357, -0.017306452617049217, -0.100516676902771], rtol=1e-4)


def test_operations_of_the_host_refuse_as_outside() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder_with_default(LOGITS, LOGITS.shape)
        values = tf.placeholder_with_default([7, 1, 0], [3])
        labels = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], values, [2, 2])
        y = tf.map_fn(lambda s: tf.reduce_sum(tf.nn.ctc_loss(labels, x * s, [4, 4])), tf.constant([1.0, 2.0]))
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(tf.gradients(y, x))


def test_numbers_of_half_width() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        for dtype in (tf.bfloat16, tf.float16):
            x = tf.placeholder_with_default(tf.cast([1.0, 2.0], dtype), [2])
            y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2), [0, x])[1]
            assert sess.run(tf.cast(tf.gradients(y, x)[0], tf.float32)).tolist() == [8.0, 8.0]
