"""Roots of symmetric matrices by Newton's iterations (Higham, Functions of Matrices, chapters 6 and 7)."""

from __future__ import annotations

from typing import Any

import retrograph as tf


def matrix_square_root(mat_a: Any, mat_a_size: Any, iter_count: int = 100, ridge_epsilon: float = 1e-4) -> Any:
    """The square root of a positive semidefinite matrix, `f32[n, n]`, until it gets no better.

    Source: TF 1.15 `tensorflow.contrib.opt.python.training.matrix_functions.matrix_square_root`.
    """
    identity = tf.eye(tf.cast(mat_a_size, tf.int32))
    mat_a = mat_a + ridge_epsilon * identity
    norm = tf.sqrt(tf.reduce_sum(mat_a * mat_a))

    def goes_on(i: Any, y: Any, old_y: Any, z: Any, old_z: Any, error: Any, old_error: Any) -> Any:
        return tf.logical_and(i < iter_count, error < old_error)

    def step(i: Any, y: Any, old_y: Any, z: Any, old_z: Any, error: Any, old_error: Any) -> Any:
        factor = 0.5 * (3.0 * identity - tf.matmul(z, y))
        new_y, new_z = tf.matmul(y, factor), tf.matmul(factor, z)
        root = new_y * tf.sqrt(norm)
        apart = mat_a - tf.matmul(root, root)
        new_error = tf.sqrt(tf.reduce_sum(apart * apart)) / norm
        return i + 1, new_y, y, new_z, z, new_error, error

    first = mat_a / norm
    start = [0, first, first, identity, identity, norm, norm + 1.0]
    return tf.while_loop(goes_on, step, start)[2] * tf.sqrt(norm)


def _power(matrix: Any, exponent: float) -> Any:
    found, left = None, int(exponent)
    while left > 0:
        if left % 2 == 1:
            found = matrix if found is None else tf.matmul(matrix, found)
        left //= 2
        matrix = tf.matmul(matrix, matrix)
    return found


def matrix_inverse_pth_root(
    mat_g: Any, mat_g_size: Any, alpha: float, iter_count: int = 100, epsilon: float = 1e-6, ridge_epsilon: float = 1e-6
) -> Any:
    """`mat_g ** alpha` for `alpha = -1 / p`, p a positive integer: `f32[n, n]`.

    Source: TF 1.15 `tensorflow.contrib.opt.python.training.matrix_functions.matrix_inverse_pth_root`.
    """
    identity = tf.eye(tf.cast(mat_g_size, tf.int32))
    if mat_g_size == 1:
        return tf.pow(mat_g + ridge_epsilon, alpha)

    def goes_on(i: Any, m: Any, _: Any) -> Any:
        return tf.logical_and(i < iter_count, tf.reduce_max(tf.abs(m - identity)) > epsilon)

    def step(i: Any, m: Any, x: Any) -> Any:
        factor = (1 - alpha) * identity + alpha * m
        return i + 1, tf.matmul(_power(factor, -1.0 / alpha), m), tf.matmul(x, factor)

    damped = mat_g + ridge_epsilon * identity
    z = (1 - 1 / alpha) / (2 * tf.norm(damped))
    return tf.while_loop(goes_on, step, [0, damped * z, identity * tf.pow(z, -alpha)])[2]
