"""`tf.contrib.solvers`: linear equations and least squares by methods that only multiply by the matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import retrograph as tf


class LinearOperator(NamedTuple):
    """A matrix: its shape, its type, and functions that multiply columns by it and by its adjoint."""

    shape: Any
    dtype: Any
    apply: Callable[[Any], Any]
    apply_adjoint: Callable[[Any], Any]


def _shape_of(matrix: Any) -> Any:
    shape = matrix.shape
    return shape.as_list() if shape.is_fully_defined() else tf.shape(matrix)


def create_operator(matrix: Any) -> LinearOperator:
    """A matrix `f[m, n]` as an operator. Source: TF 1.15 `tf.contrib.solvers.python.ops.util.create_operator`."""
    return LinearOperator(
        shape=_shape_of(matrix),
        dtype=matrix.dtype,
        apply=lambda v: tf.matmul(matrix, v, adjoint_a=False),
        apply_adjoint=lambda v: tf.matmul(matrix, v, adjoint_a=True),
    )


def identity_operator(matrix: Any) -> LinearOperator:
    """The operator of a unit matrix of a matrix's shape."""
    return LinearOperator(shape=_shape_of(matrix), dtype=matrix.dtype, apply=lambda v: v, apply_adjoint=lambda v: v)


def dot(x: Any, y: Any) -> Any:
    """`f[]`: the inner product of two columns."""
    return tf.reduce_sum(tf.conj(x) * y)


def l2norm_squared(v: Any) -> Any:
    """`f[]`: the sum of squares."""
    return tf.constant(2, dtype=v.dtype.base_dtype) * tf.nn.l2_loss(v)


def l2norm(v: Any) -> Any:
    """`f[]`: the root of the sum of squares."""
    return tf.sqrt(l2norm_squared(v))


def l2normalize(v: Any) -> tuple[Any, Any]:
    """(the vector of length 1, the length)."""
    norm = l2norm(v)
    return v / norm, norm


class CGState(NamedTuple):
    """Steps done, solution, residual, direction, and the square of the residual's length."""

    i: Any
    x: Any
    r: Any
    p: Any
    gamma: Any


class CGLSState(CGState):
    """The same for least squares."""


def _flat(state: Any) -> Any:
    return state._replace(x=tf.squeeze(state.x), r=tf.squeeze(state.r), p=tf.squeeze(state.p))


def cgls(operator: Any, rhs: Any, tol: Any = 1e-6, max_iter: int = 20, name: str = "cgls") -> CGLSState:
    """Least squares `|A x - rhs|`, `rhs` `f[m]`, by conjugate gradients of the normal equations.

    Source: TF 1.15 `tf.contrib.solvers.python.ops.least_squares.cgls`.
    """

    def step(i: Any, state: Any) -> Any:
        q = operator.apply(state.p)
        alpha = state.gamma / l2norm_squared(q)
        x, r = state.x + alpha * state.p, state.r - alpha * q
        s = operator.apply_adjoint(r)
        gamma = l2norm_squared(s)
        return i + 1, CGLSState(i + 1, x, r, s + gamma / state.gamma * state.p, gamma)

    with tf.name_scope(name):
        rhs = tf.expand_dims(rhs, -1)
        s0 = operator.apply_adjoint(rhs)
        gamma0 = l2norm_squared(s0)
        least = tol * tol * gamma0
        x = tf.expand_dims(tf.zeros(operator.shape[1:], dtype=rhs.dtype.base_dtype), -1)
        i = tf.constant(0, dtype=tf.int32)
        start = CGLSState(i, x, rhs, s0, gamma0)
        _, state = tf.while_loop(lambda i, state: tf.logical_and(i < max_iter, state.gamma > least), step, [i, start])
        return _flat(state)  # type: ignore[no-any-return]


def conjugate_gradient(
    operator: Any,
    rhs: Any,
    preconditioner: Any = None,
    x: Any = None,
    tol: Any = 1e-4,
    max_iter: int = 20,
    name: str = "conjugate_gradient",
) -> CGState:
    """Solves `A x = rhs`, `rhs` `f[n]`, for a positive definite operator.

    Source: TF 1.15 `tf.contrib.solvers.python.ops.linear_equations.conjugate_gradient`.
    """
    conditioned = preconditioner.apply if preconditioner is not None else lambda r: r

    def step(i: Any, state: Any) -> Any:
        z = operator.apply(state.p)
        alpha = state.gamma / dot(state.p, z)
        x, r = state.x + alpha * state.p, state.r - alpha * z
        q = conditioned(r)
        gamma = dot(r, q)
        return i + 1, CGState(i + 1, x, r, q + gamma / state.gamma * state.p, gamma)

    with tf.name_scope(name):
        rhs = tf.expand_dims(rhs, -1)
        if x is None:
            x, r0 = tf.expand_dims(tf.zeros(operator.shape[1:], dtype=rhs.dtype.base_dtype), -1), rhs
        else:
            x = tf.expand_dims(x, -1)
            r0 = rhs - operator.apply(x)
        p0 = conditioned(r0)
        least = tol * tf.norm(r0)
        i = tf.constant(0, dtype=tf.int32)
        start = CGState(i, x, r0, p0, dot(r0, p0))
        _, state = tf.while_loop(
            lambda i, state: tf.logical_and(i < max_iter, tf.norm(state.r) > least), step, [i, start]
        )
        return _flat(state)  # type: ignore[no-any-return]


class LanczosBidiagState(NamedTuple):
    """Bases of the two spaces, and the two diagonals."""

    u: Any
    v: Any
    alpha: Any
    beta: Any


def _column(array: Any, i: Any) -> Any:
    return tf.expand_dims(array.read(i), -1)


def _orthogonal_once(i: Any, basis: Any, v: Any) -> tuple[Any, Any]:
    def step(j: Any, basis: Any, v: Any) -> Any:
        shape = v.shape
        column = _column(basis, j)
        v -= tf.matmul(column, v, adjoint_a=True) * column
        v.set_shape(shape)
        return j + 1, basis, v

    start = tf.constant(0, dtype=tf.int32)
    return l2normalize(tf.while_loop(lambda j, basis, v: j < i, step, [start, basis, v])[2])


def _orthogonal(i: Any, basis: Any, v: Any) -> Any:
    """Once more where the length sinks much: then what is left is mostly rounding errors."""
    norm = l2norm(v)
    new, new_norm = _orthogonal_once(i, basis, v)
    return tf.cond(new_norm < 0.7071 * norm, lambda: _orthogonal_once(i, basis, v), lambda: (new, new_norm))


def lanczos_bidiag(
    operator: Any, k: Any, orthogonalize: bool = True, starting_vector: Any = None, name: str = "lanczos_bidiag"
) -> LanczosBidiagState:
    """Bases `f[m, k + 1]` and `f[n, k]` in which an operator is bidiagonal, and the diagonals `f[k]`.

    Source: TF 1.15 `tf.contrib.solvers.python.ops.lanczos.lanczos_bidiag`.
    """

    def normalized(i: Any, basis: Any, v: Any) -> Any:
        return _orthogonal(i, basis, v) if orthogonalize else l2normalize(v)

    def step(i: Any, state: Any) -> Any:
        u = _column(state.u, i)
        r = operator.apply_adjoint(u)
        shape = r.shape
        r = tf.cond(i > 0, lambda: r - state.beta.read(i - 1) * _column(state.v, i - 1), lambda: r)
        r.set_shape(shape)
        v, alpha = normalized(i - 1, state.v, r)
        u, beta = normalized(i, state.u, operator.apply(v) - alpha * u)
        return i + 1, LanczosBidiagState(
            state.u.write(i + 1, tf.squeeze(u)),
            state.v.write(i, tf.squeeze(v)),
            state.alpha.write(i, alpha),
            state.beta.write(i, beta),
        )

    def array(size: Any, name: str) -> Any:
        return tf.TensorArray(dtype=operator.dtype, size=size, tensor_array_name=name, clear_after_read=False)

    with tf.name_scope(name):
        if starting_vector is None:
            starting_vector = tf.random_uniform(operator.shape[:1], -1, 1, dtype=operator.dtype)
        u0, _ = l2normalize(starting_vector)
        start = LanczosBidiagState(
            array(k + 1, "u").write(0, tf.squeeze(u0)), array(k, "v"), array(k, "alpha"), array(k, "beta")
        )
        i = tf.constant(0, dtype=tf.int32)
        _, state = tf.while_loop(lambda i, _: i < k, step, [i, start])
        u, v = (tf.matrix_transpose(basis.stack()) for basis in (state.u, state.v))
        return LanczosBidiagState(u, v, state.alpha.stack(), state.beta.stack())


def bidiag_matmul(matrix: Any, alpha: Any, beta: Any, adjoint_b: bool = False, name: str = "bidiag_matmul") -> Any:
    """A matrix times the bidiagonal matrix of `alpha` and `beta`, or times its adjoint.

    Source: TF 1.15 `tf.contrib.solvers.python.ops.lanczos.bidiag_matmul`.
    """
    with tf.name_scope(name):
        alpha = tf.expand_dims(alpha, 0)
        if not adjoint_b:
            return matrix[:, :-1] * alpha + matrix[:, 1:] * tf.expand_dims(beta, 0)
        beta = tf.expand_dims(beta[:-1], 0)
        zeros = tf.expand_dims(tf.zeros(tf.shape(matrix)[:1], dtype=matrix.dtype), 1)
        return matrix * alpha + tf.concat([zeros, matrix[:, :-1] * beta], 1)
