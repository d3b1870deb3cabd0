"""Matrices with three diagonals, and sparsemax: values by NumPy, errors as in TF 1.15."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

RANDOM = np.random.RandomState(0)
DIAGONALS = RANDOM.randn(2, 3, 4) + np.array([0, 4, 0])[:, None]
RHS = RANDOM.randn(2, 4, 3)


def dense(diagonals: Any) -> Any:
    i = np.arange(4)
    matrix = np.zeros((4, 4))
    matrix[i, i], matrix[i[:-1], i[1:]], matrix[i[1:], i[:-1]] = diagonals[1], diagonals[0, :-1], diagonals[2, 1:]
    return matrix


MATRICES = np.stack([dense(d) for d in DIAGONALS])
SOLUTION = np.linalg.solve(MATRICES, RHS)


def run(*values: Any) -> Any:
    with tf.Session() as session:
        return session.run(values if len(values) > 1 else values[0])


def test_solutions_in_all_formats() -> None:
    with tf.Graph().as_default():
        d, r, solve = tf.constant(DIAGONALS), tf.constant(RHS), tf.linalg.tridiagonal_solve
        solution = solve(d, r)
        assert solution.op.type == "TridiagonalSolve"
        found = run(
            solution,
            solve([d[:, 0, :-1], d[:, 1], d[:, 2, 1:]], r, "sequence"),
            tf.matrix_transpose(solve(d, tf.matrix_transpose(r), transpose_rhs=True)),
        )
        for value in found:
            np.testing.assert_allclose(value, SOLUTION, rtol=1e-9)
        one = run(solve(tf.constant(MATRICES[0]), r[0], "matrix"), solve(d[0], r[0, :, 0]))
    np.testing.assert_allclose(one[0], SOLUTION[0], rtol=1e-9)
    np.testing.assert_allclose(one[1], SOLUTION[0, :, 0], rtol=1e-9)


def test_products_in_all_formats() -> None:
    with tf.Graph().as_default():
        d, r, times = tf.constant(DIAGONALS), tf.constant(RHS), tf.linalg.tridiagonal_matmul
        found = run(times(d, r), times([d[:, 0], d[:, 1], d[:, 2]], r, "sequence"))
        one = run(times(tf.constant(MATRICES[0]), r[0], "matrix"))
    for value in found:
        np.testing.assert_allclose(value, MATRICES @ RHS, rtol=1e-9)
    np.testing.assert_allclose(one, MATRICES[0] @ RHS[0], rtol=1e-9)


def test_gradients() -> None:
    with tf.Graph().as_default():
        d, r = tf.constant(DIAGONALS), tf.constant(RHS)
        of_d, of_r = run(*tf.gradients(tf.linalg.tridiagonal_solve(d, r), [d, r]))
    by_rhs = np.linalg.solve(np.swapaxes(MATRICES, 1, 2), np.ones_like(RHS))
    np.testing.assert_allclose(of_r, by_rhs, rtol=1e-9)
    np.testing.assert_allclose(of_d[:, 1], -(by_rhs * SOLUTION).sum(-1), rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, d, r: f(d, r, "x"), "Unrecognized diagonals_format: x"),
        (lambda f, d, r: f(d[0, 0], r), "Expected diagonals to have rank at least 2, got 1"),
        (lambda f, d, r: f(d, r[0, 0]), "Expected the rank of rhs to be 2 or 3, got 1"),
        (lambda f, d, r: f(d[:, :2], r), "Expected 3 diagonals got 2"),
        (lambda f, d, r: f(d, r[:, :3]), "Expected number of left-hand sided and right-hand sides to be equal"),
        (lambda f, d, r: f([d], r, "sequence"), "Expected diagonals to be a sequence of length 3."),
        (lambda f, d, r: f(d, r[:1]), "Batch shapes"),
    ],
)
def test_wrong_shapes(call: Any, words: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=words):
        call(tf.linalg.tridiagonal_solve, tf.constant(DIAGONALS), tf.constant(RHS))


def test_sparsemax() -> None:
    with tf.Graph().as_default():
        logits = tf.constant([[1.0, 0.5, -1.0], [3.0, 0.0, 0.0], [np.nan, 1.0, 2.0]])
        found = tf.contrib.sparsemax.sparsemax(logits)
        loss = tf.contrib.sparsemax.sparsemax_loss(logits[:2], found[:2], tf.one_hot([0, 1], 3))
        values, losses = run(found, loss)
    np.testing.assert_allclose(values, [[0.75, 0.25, 0.0], [1.0, 0.0, 0.0], [np.nan] * 3])
    np.testing.assert_allclose(losses, [0.0625, 3.0], atol=1e-6)
