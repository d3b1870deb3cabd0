"""Matrices from vectors: triangular, tridiagonal, and with another diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.naming import distribution
from retrograph.distributions.shapes import prefer_static_rank


def _triangle_side(x: Any) -> tuple[Any, Any]:
    """(n, static shape of the result) for vectors of n * (n + 1) / 2 elements."""
    batch = x.shape.with_rank_at_least(1)[:-1]
    m = None if x.shape.dims is None else x.shape.dims[-1].value
    if m is None:
        n = tf.sqrt(0.25 + tf.cast(2 * tf.shape(x)[-1], dtype=tf.float32))
        return tf.cast(n, dtype=tf.int32), batch.concatenate([None, None])
    n = np.sqrt(0.25 + 2.0 * m) - 0.5
    if n != np.floor(n):
        raise ValueError(f"Input right-most shape ({m}) does not correspond to a triangular matrix.")
    return np.int32(n), batch.concatenate([int(n), int(n)])


@distribution("fill_triangular")
def fill_triangular(x: Any, upper: bool = False, name: str | None = None) -> Any:
    """`[..., n, n]` triangular matrices from `[..., n (n + 1) / 2]`, filled in a clockwise spiral.

    ValueError if the size is not triangular. Source: TF 1.15 `tf.contrib.distributions.fill_triangular`.

    >>> tf.contrib.distributions.fill_triangular([1, 2, 3, 4, 5, 6])  # [[4, 0, 0], [6, 5, 0], [3, 2, 1]]
    """
    with tf.name_scope(name, "fill_triangular", values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        n, final = _triangle_side(x)
        last = prefer_static_rank(x) - 1
        parts = [x, tf.reverse(x[..., n:], axis=[last])] if upper else [x[..., n:], tf.reverse(x, axis=[last])]
        shape = final.as_list() if final.is_fully_defined() else tf.concat([tf.shape(x)[:-1], [n, n]], axis=0)
        x = tf.reshape(tf.concat(parts, axis=-1), shape)
        x = tf.matrix_band_part(x, num_lower=0 if upper else -1, num_upper=-1 if upper else 0)
        x.set_shape(final)
        return x


def _vector_size(x: Any) -> tuple[Any, Any, Any]:
    batch = x.shape.with_rank_at_least(2)[:-2]
    side = None if x.shape.dims is None else x.shape.dims[-1].value
    n: Any = tf.shape(x)[-1] if side is None else np.int32(side)
    m = n * (n + 1) // 2
    return n, m, batch.concatenate([None if side is None else int(m)])


@distribution("fill_triangular_inverse")
def fill_triangular_inverse(x: Any, upper: bool = False, name: str | None = None) -> Any:
    """The vectors that `fill_triangular` makes these matrices of.

    Source: TF 1.15 `tf.contrib.distributions.fill_triangular_inverse`.
    """
    with tf.name_scope(name, "fill_triangular_inverse", values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        n, m, final = _vector_size(x)
        ndims = prefer_static_rank(x)
        if upper:
            first, rest = x[..., 0, :], x[..., 1:, :]
        else:
            first, rest = tf.reverse(x[..., -1, :], axis=[ndims - 2]), x[..., :-1, :]
        rotated = tf.reverse(tf.reverse(rest, axis=[ndims - 1]), axis=[ndims - 2])
        both = rest + rotated
        end = tf.reshape(both, tf.concat([tf.shape(x)[:-2], [n * (n - 1)]], axis=0))
        y = tf.concat([first, end[..., : m - n]], axis=-1)
        y.set_shape(final)
        return y


@distribution("matrix_diag_transform")
def matrix_diag_transform(matrix: Any, transform: Any = None, name: str | None = None) -> Any:
    """The matrices with `transform` applied to their diagonals. Source: TF 1.15 `tf.contrib.distributions.matrix_diag_transform`."""
    with tf.name_scope(name, "matrix_diag_transform", [matrix]):
        matrix = tf.convert_to_tensor(matrix, name="matrix")
        if transform is None:
            return matrix
        return tf.matrix_set_diag(matrix, transform(tf.matrix_diag_part(matrix)))


def _with_zeros_around(x: Any) -> Any:
    zeros = tf.zeros(tf.concat([tf.shape(x)[:-1], [1]], axis=0), dtype=x.dtype)
    return tf.concat([zeros, x, zeros], axis=-1)


@distribution("tridiag")
def tridiag(below: Any = None, diag: Any = None, above: Any = None, name: str | None = None) -> Any:
    """Matrices with these diagonals; ValueError if none is given. Source: TF 1.15 `tf.contrib.distributions.tridiag`."""
    with tf.name_scope(name, "tridiag", [below, diag, above]):
        parts = []
        if below is not None:
            below = tf.convert_to_tensor(below, name="below")
            parts.append(tf.matrix_diag(_with_zeros_around(below))[..., :-1, 1:])
        if diag is not None:
            parts.append(tf.matrix_diag(tf.convert_to_tensor(diag, name="diag")))
        if above is not None:
            above = tf.convert_to_tensor(above, name="above")
            parts.append(tf.matrix_diag(_with_zeros_around(above))[..., 1:, :-1])
        if not parts:
            raise ValueError("Must specify at least one of `below`, `diag`, `above`.")
        total = parts[0]
        for part in parts[1:]:
            total += part
        return total
