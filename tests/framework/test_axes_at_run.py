"""An axis that a tensor turns out not to have, when it runs: refused in TensorFlow's words, never counted round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

X = np.ones((2, 3), np.float32)
CASES: dict[str, tuple[Any, str]] = {
    "gather": (lambda x, a: tf.gather(x, [0], axis=a), "Expected axis in the range [-2, 2), but got {}"),
    "squeeze": (tf.squeeze, "Tried to squeeze dim index {} for tensor with 2 dimensions."),
    "unstack": (lambda x, a: tf.unstack(x, 2, a), "axis = {} not in [-2, 2)"),
    "split": (lambda x, a: tf.split(x, [1, 1], a), "-input rank(-2) <= split_dim < input rank (2), but got {}"),
    "reduce_sum": (tf.reduce_sum, "Invalid reduction dimension ({} for input with 2 dimension(s)"),
    "reduce_any": (
        lambda x, a: tf.reduce_any(x > 0, a),
        "Invalid reduction dimension ({} for input with 2 dimension(s)",
    ),
    "reduce_mean": (lambda x, a: tf.reduce_mean(x, [0, a]), "Invalid reduction dimension ({} for input"),
}


@pytest.mark.parametrize("axis", [2, 3, -3])
@pytest.mark.parametrize("name", CASES)
def test_axes_that_are_not_there(name: str, axis: int) -> None:
    function, text = CASES[name]
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            session.run(function(x, axis), {x: X})
        assert raised.value.message.startswith(text.format(axis))


def test_axes_that_only_feeds_tell() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, axis = tf.placeholder(tf.float32), tf.placeholder(tf.int32)
        for made, text in (
            (tf.reduce_max(x, axis), "Invalid reduction"),
            (tf.gather(x, [0], axis=axis), "Expected axis"),
        ):
            assert session.run(made, {x: X, axis: -2}) is not None
            with pytest.raises(tf.errors.InvalidArgumentError, match=text):
                session.run(made, {x: X, axis: -3})


def test_stacks_hot_ones_and_reversed_sequences() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        for made, text in (
            (tf.stack([x, x], 3), r"axis = 3 not in \[-3, 3\)"),
            (tf.one_hot(tf.cast(x, tf.int32), 3, axis=3), r"Expected axis to be -1 or between \[0, 3\)"),
            (tf.reverse_sequence(x, [1, 1], seq_axis=2), r"seq_dim must be < input.dims\(\)\( 2 vs. 2\)"),
            (tf.gather(x, [[0], [0]], axis=1, batch_dims=2), r"Expected batch_dims in the range \[-2, 2\), but got 2"),
            (tf.transpose(x, tf.placeholder_with_default([0, 2], [2])), r"2 is out of range \[0 .. 2\)"),
        ):
            with pytest.raises(tf.errors.InvalidArgumentError, match=text):
                session.run(made, {x: X})


def test_what_has_no_axis_at_all() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        with pytest.raises(tf.errors.InvalidArgumentError, match="input must be 1-D or higher"):
            session.run(tf.roll(x, 1, 0), {x: 3.0})


def test_least_squares_of_matrices_of_unknown_shape() -> None:
    random = np.random.RandomState(0)
    tall, right = random.rand(4, 3), random.rand(4, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        matrix, rhs = tf.placeholder(tf.float64), tf.placeholder(tf.float64)
        found = tf.matrix_solve_ls(matrix, rhs)
        np.testing.assert_allclose(session.run(found, {matrix: tall, rhs: right}), np.linalg.pinv(tall) @ right)
        wide = session.run(found, {matrix: tall.T, rhs: right[:3]})
        np.testing.assert_allclose(wide, np.linalg.pinv(tall.T) @ right[:3])
