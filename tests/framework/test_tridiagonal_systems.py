"""Tridiagonal matrices: solutions and products in each format, gradients, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

MATRIX = np.array([[2.0, 1.0, 0.0, 0.0], [-1.0, 4.0, 2.0, 0.0], [0.0, 1.0, 0.5, -1.0], [0.0, 0.0, 3.0, 5.0]])
ABOVE, AT, BELOW = [1.0, 2.0, -1.0, 7.0], [2.0, 4.0, 0.5, 5.0], [9.0, -1.0, 1.0, 3.0]
RHS = np.array([[1.0, 2.0], [3.0, -1.0], [4.0, 0.0], [2.0, 2.0]])
FORMATS = {
    "compact": lambda: tf.constant([ABOVE, AT, BELOW], tf.float64),
    "sequence": lambda: [tf.constant(d, tf.float64) for d in (ABOVE, AT, BELOW)],
    "matrix": lambda: tf.constant(MATRIX),
}


def _run(make: Any) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(make())


@pytest.mark.parametrize("form", FORMATS)
def test_solutions_and_products_in_each_format(form: str) -> None:
    solved = _run(lambda: tf.linalg.tridiagonal_solve(FORMATS[form](), tf.constant(RHS), form))
    np.testing.assert_allclose(MATRIX @ solved, RHS, atol=1e-12)
    product = _run(lambda: tf.linalg.tridiagonal_matmul(FORMATS[form](), tf.constant(RHS), form))
    np.testing.assert_allclose(product, MATRIX @ RHS, atol=1e-12)


def test_a_vector_a_short_sequence_and_a_turned_right_side() -> None:
    short = lambda: [tf.constant(d, tf.float64) for d in (ABOVE[:-1], AT, BELOW[1:])]  # noqa: E731
    solved = _run(lambda: tf.linalg.tridiagonal_solve(short(), tf.constant(RHS[:, 0]), "sequence"))
    np.testing.assert_allclose(MATRIX @ solved, RHS[:, 0], atol=1e-12)
    turned = _run(lambda: tf.linalg.tridiagonal_solve(short(), tf.constant(RHS.T), "sequence", transpose_rhs=True))
    np.testing.assert_allclose(turned.T[:, 0], solved, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2])
def test_small_systems(size: int) -> None:
    matrix = np.array([[0.0, 3.0], [2.0, 1.0]])[-size:, -size:]
    solved = _run(lambda: tf.linalg.tridiagonal_solve(_compact(matrix), tf.constant(RHS[:size])))
    np.testing.assert_allclose(matrix @ solved, RHS[:size], atol=1e-12)


def _compact(matrix: Any) -> Any:
    above, below = np.append(np.diag(matrix, 1), 5.0), np.insert(np.diag(matrix, -1), 0, 5.0)
    return tf.constant(np.stack([above, np.diag(matrix), below]))


@pytest.mark.parametrize("function", [tf.linalg.tridiagonal_solve, tf.linalg.tridiagonal_matmul])
def test_gradients(function: Any) -> None:
    with tf.Graph().as_default(), tf.Session():
        diagonals, rhs = FORMATS["compact"](), tf.constant(RHS)
        made = function(diagonals, rhs)
        error = tf.test.compute_gradient_error([diagonals, rhs], [[3, 4], [4, 2]], made, [4, 2], delta=1e-6)
        assert error < 1e-4


def test_what_does_not_fit_is_refused() -> None:
    with tf.Graph().as_default():
        for diagonals, rhs, form, text in (
            (tf.zeros([3]), tf.zeros([3]), "compact", "rank at least 2, got 1"),
            (tf.zeros([4, 3]), tf.zeros([3]), "compact", "Expected 3 diagonals got 4"),
            (tf.zeros([3, 3]), tf.zeros([4]), "compact", "to be equal, got 3 and 4"),
            (tf.zeros([3, 3]), tf.zeros([3]), "diagonal", "Unrecognized diagonals_format: diagonal"),
            ([tf.zeros([3])] * 2, tf.zeros([3]), "sequence", "a sequence of length 3"),
            (tf.placeholder(tf.float32, [None, None]), tf.zeros([3]), "matrix", "size of the matrix needs to be known"),
        ):
            with pytest.raises(ValueError, match=text):
                tf.linalg.tridiagonal_solve(diagonals, rhs, form)
