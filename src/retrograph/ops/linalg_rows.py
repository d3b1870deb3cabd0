"""The rows of linear algebra: shapes, lowerings and NumPy forms of decompositions, solvers and diagonals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, concatenate, merge, merge_dim, with_rank, with_rank_at_least
from retrograph.ops import linalg_grad as grad
from retrograph.ops.rows import both, is_static

Rule = Callable[[ShapeContext], list[Shape]]

# ---- shapes


def _matrix(c: ShapeContext, index: int) -> tuple[Shape, int | None, int | None]:
    """(batch shape, rows, columns) of an input."""
    shape = with_rank_at_least(c, c.input(index), 2)
    return (None, None, None) if shape is None else (shape[:-2], shape[-2], shape[-1])


def _square_matrix(c: ShapeContext, index: int = 0) -> tuple[Shape, int | None]:
    batch, rows, columns = _matrix(c, index)
    return batch, merge_dim(c, rows, columns)


def _least(a: int | None, b: int | None) -> int | None:
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else min(a, b)


def _square_shape(c: ShapeContext) -> list[Shape]:
    batch, n = _square_matrix(c)
    return [concatenate(batch, (n, n))]


def _batch_only(count: int) -> Rule:
    return lambda c: [_square_matrix(c)[0]] * count


def _solve_shape(square: bool) -> Rule:
    def rule(c: ShapeContext) -> list[Shape]:
        batch, rows, columns = _matrix(c, 0)
        if square:
            rows = columns = merge_dim(c, rows, columns)
        rhs_batch, rhs_rows, rhs_columns = _matrix(c, 1)
        batch = merge(c, batch, rhs_batch)
        rows = merge_dim(c, rows, rhs_rows)
        return [concatenate(batch, (rows if square else columns, rhs_columns))]

    return rule


def _least_squares_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(2), 0)
    return _solve_shape(False)(c)


def _eigh_shape(c: ShapeContext) -> list[Shape]:
    batch, n = _square_matrix(c)
    return [concatenate(batch, (n,)), concatenate(batch, (n, n)) if c.attr("compute_v") else (0,)]


def _lu_shape(c: ShapeContext) -> list[Shape]:
    batch, n = _square_matrix(c)
    return [concatenate(batch, (n, n)), concatenate(batch, (n,))]


def _qr_shape(c: ShapeContext) -> list[Shape]:
    batch, m, n = _matrix(c, 0)
    p = m if c.attr("full_matrices") else _least(m, n)
    return [concatenate(batch, (m, p)), concatenate(batch, (p, n))]


def _svd_shape(c: ShapeContext) -> list[Shape]:
    batch, m, n = _matrix(c, 0)
    p = _least(m, n)
    values = concatenate(batch, (p,))
    if not c.attr("compute_uv"):
        return [values, (0,), (0,)]
    full = c.attr("full_matrices")
    return [values, concatenate(batch, (m, m if full else p)), concatenate(batch, (n, n if full else p))]


def _diag_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank_at_least(c, c.input(0), 1)
    return [concatenate(shape, shape)]


def _diag_part_shape(c: ShapeContext) -> list[Shape]:
    shape = c.input(0)
    if shape is None:
        return [None]
    if len(shape) % 2 or not shape:
        c.fail(f"Input must have even and non-zero rank, input rank is {len(shape)}")
    half = len(shape) // 2
    return [tuple(merge_dim(c, a, b) for a, b in zip(shape[:half], shape[half:], strict=True))]


def _matrix_diag_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank_at_least(c, c.input(0), 1)
    return [None if shape is None else (*shape, shape[-1])]


def _matrix_diag_part_shape(c: ShapeContext) -> list[Shape]:
    batch, m, n = _matrix(c, 0)
    return [concatenate(batch, (_least(m, n),))]


def _matrix_set_diag_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank_at_least(c, c.input(0), 2)
    diagonal = with_rank_at_least(c, c.input(1), 1)
    smallest = None if shape is None else _least(shape[-2], shape[-1])
    if smallest is not None and diagonal is not None:
        merge_dim(c, smallest, diagonal[-1])
    if shape is None:
        return [None if diagonal is None else (None,) * (len(diagonal) + 1)]
    batch = merge(c, shape[:-2], None if diagonal is None else diagonal[:-1])
    return [concatenate(batch, shape[-2:])]


def _band_part_shape(c: ShapeContext) -> list[Shape]:
    return [c.input(0)]


# ---- values


def _adjoint(xp: Any, x: Any) -> Any:
    x = xp.swapaxes(x, -1, -2)
    return xp.conj(x) if x.dtype.kind == "c" else x


def _inverse(xp: Any, op: Any, x: Any) -> Any:
    return xp.linalg.inv(_adjoint(xp, x) if op.attrs["adjoint"] else x)


def _solve(xp: Any, op: Any, matrix: Any, rhs: Any) -> Any:
    return xp.linalg.solve(_adjoint(xp, matrix) if op.attrs["adjoint"] else matrix, rhs)


def _triangular_solve(op: Any, matrix: Any, rhs: Any) -> Any:
    adjoint = op.attrs["adjoint"]
    matrix, rhs = jnp.asarray(matrix), jnp.asarray(rhs)
    return lax.linalg.triangular_solve(
        matrix,
        rhs,
        left_side=True,
        lower=op.attrs["lower"],
        transpose_a=adjoint,
        conjugate_a=adjoint and matrix.dtype.kind == "c",
    )


def _triangular_solve_numpy(xp: Any, op: Any, matrix: Any, rhs: Any) -> Any:
    """By substitution: what is zero in theory is zero, which a general solver leaves to the machine."""
    adjoint = op.attrs["adjoint"]
    triangle = _adjoint(np, matrix) if adjoint else matrix
    if not np.diagonal(triangle, axis1=-2, axis2=-1).all():
        raise np.linalg.LinAlgError
    downwards, size = op.attrs["lower"] != adjoint, matrix.shape[-1]
    x = np.zeros(rhs.shape, np.result_type(matrix, rhs))
    for i in range(size) if downwards else reversed(range(size)):
        known = slice(0, i) if downwards else slice(i + 1, size)
        taken = (triangle[..., i : i + 1, known] @ x[..., known, :])[..., 0, :]
        x[..., i, :] = (rhs[..., i, :] - taken) / triangle[..., i, i, None]
    return x


def _determinant(xp: Any, op: Any, x: Any) -> Any:
    return xp.linalg.det(x).astype(x.dtype)


def _log_determinant(xp: Any, op: Any, x: Any) -> Any:
    sign, log = xp.linalg.slogdet(x)
    return sign.astype(x.dtype), log.astype(x.dtype)


def _cholesky(xp: Any, op: Any, x: Any) -> Any:
    # Only the lower triangle is read, as in TF.
    lower = xp.tril(x)
    symmetric = lower + _adjoint(xp, xp.tril(x, -1))
    return xp.linalg.cholesky(symmetric)


def _qr(xp: Any, op: Any, x: Any) -> Any:
    q, r = xp.linalg.qr(x, mode="complete" if op.attrs["full_matrices"] else "reduced")
    return q, r


def _svd(xp: Any, op: Any, x: Any) -> Any:
    finite = xp.isfinite(x).all(axis=(-2, -1), keepdims=True)
    # LAPACK does not come back from infinities.
    parts = _svd_of_finite(xp, op, xp.where(finite, x, xp.zeros_like(x)))
    held = {x.ndim: finite, x.ndim - 1: finite[..., 0]}
    return [xp.where(held[p.ndim], p, xp.full_like(p, np.nan)) if p.size else p for p in parts]


def _svd_of_finite(xp: Any, op: Any, x: Any) -> Any:
    if not op.attrs["compute_uv"]:
        empty = np.zeros((0,), x.dtype)
        return xp.linalg.svd(x, compute_uv=False).astype(x.dtype), empty, empty
    u, s, vh = xp.linalg.svd(x, full_matrices=op.attrs["full_matrices"])
    return s.astype(x.dtype), u, _adjoint(xp, vh)


def _eigh(xp: Any, op: Any, x: Any) -> Any:
    lower = xp.tril(x) + _adjoint(xp, xp.tril(x, -1))
    if not op.attrs["compute_v"]:
        return xp.linalg.eigvalsh(lower).astype(x.dtype), np.zeros((0,), x.dtype)
    values, vectors = xp.linalg.eigh(lower)
    return values.astype(x.dtype), vectors


def _lu(op: Any, ctx: Any, x: Any) -> Any:
    given = jnp.asarray(x)
    lu, _, permutation = lax.linalg.lu(given)
    pivots = jnp.abs(jnp.diagonal(lu, axis1=-2, axis2=-1))
    ctx.checks.append((op, jnp.all(pivots > 0), [given]))
    return lu, permutation.astype(op.attrs["output_idx_type"].as_numpy_dtype)


def _lu_numpy(op: Any, ctx: Any, x: Any) -> Any:
    return _square(_lu_rows)(np, op, x)


def _lu_rows(xp: Any, op: Any, x: Any) -> Any:
    """Rows are eliminated one after the other, in all matrices at once."""
    lu, batch = x.copy(), x.shape[:-2]
    order = np.broadcast_to(np.arange(x.shape[-1]), x.shape[:-1]).copy()
    places = np.ix_(*(range(size) for size in batch))
    for k in range(x.shape[-1]):
        pivot = k + np.argmax(np.abs(lu[..., k:, k]), axis=-1)
        for rows in (lu, order):
            chosen = rows[(*places, pivot)].copy()
            rows[(*places, pivot)] = rows[(*places, np.full_like(pivot, k))]
            rows[(*places, np.full_like(pivot, k))] = chosen
        if not np.all(np.abs(lu[..., k, k]) > 0):
            raise errors.InvalidArgumentError(None, op, _SINGULAR)
        lu[..., k + 1 :, k] /= lu[..., k, k, None]
        lu[..., k + 1 :, k + 1 :] -= lu[..., k + 1 :, k, None] * lu[..., k, None, k + 1 :]
    return lu, order.astype(op.attrs["output_idx_type"].as_numpy_dtype)


def _square_root(op: Any, x: Any) -> Any:
    x = jnp.asarray(x)
    root = jax.scipy.linalg.sqrtm(x) if x.ndim == 2 else jax.vmap(lambda m: _square_root(op, m))(x)
    return root if x.dtype.kind == "c" else jnp.real(root).astype(x.dtype)


def _logarithm(op: Any, x: Any) -> Any:
    values, vectors = np.linalg.eig(x)
    return ((vectors * np.log(values)[..., None, :]) @ np.linalg.inv(vectors)).astype(x.dtype)


def _least_squares(op: Any, matrix: Any, rhs: Any, regularizer: Any) -> Any:
    a, b = jnp.asarray(matrix), jnp.asarray(rhs)
    if not op.attrs["fast"]:
        return jnp.linalg.pinv(a) @ b
    m, n = a.shape[-2:]
    left = m >= n
    gramian = _adjoint(jnp, a) @ a if left else a @ _adjoint(jnp, a)
    gramian = gramian + jnp.asarray(regularizer, a.dtype) * jnp.eye(min(m, n), dtype=a.dtype)
    return jnp.linalg.solve(gramian, _adjoint(jnp, a) @ b) if left else _adjoint(jnp, a) @ jnp.linalg.solve(gramian, b)


def _failing_as_tf(formula: Callable[..., Any], text: str) -> Callable[..., Any]:
    def numpy(op: Any, *inputs: Any) -> Any:
        wide = [x.astype(np.float32) if x.dtype == np.float16 else x for x in inputs]
        try:
            return formula(np, op, *wide)
        except np.linalg.LinAlgError:
            raise errors.InvalidArgumentError(None, op, text) from None

    return numpy


def _in_jax(formula: Callable[..., Any]) -> Callable[..., Any]:
    def lower(op: Any, *inputs: Any) -> Any:
        return formula(jnp, op, *(jnp.asarray(x) for x in inputs))

    return lower


def _both(formula: Callable[..., Any], text: str = "") -> dict[str, Any]:
    return {"lower": _in_jax(formula), "numpy": _failing_as_tf(formula, text)}


def _square(formula: Callable[..., Any]) -> Callable[..., Any]:
    """`formula` of matrices of which it was not known, when the operation was made, that they are square."""

    def checked(xp: Any, op: Any, x: Any, *rest: Any) -> Any:
        if x.ndim < 2:
            raise errors.InvalidArgumentError(None, op, f"Input tensor 0 must have rank >= 2, got {x.ndim}")
        if x.shape[-1] != x.shape[-2]:
            raise errors.InvalidArgumentError(None, op, "Input matrix must be square.")
        return formula(xp, op, x, *rest)

    return checked


_SINGULAR = "Input is not invertible."
_NOT_POSITIVE = "Cholesky decomposition was not successful. The input might not be valid."

register_op("MatrixInverse", shape=_square_shape, gradient=grad.inverse_grad, **_both(_square(_inverse), _SINGULAR))
register_op("MatrixDeterminant", shape=_batch_only(1), gradient=grad.determinant_grad, **_both(_square(_determinant)))
register_op(
    "LogMatrixDeterminant", shape=_batch_only(2), gradient=grad.log_determinant_grad, **_both(_square(_log_determinant))
)
register_op(
    "MatrixSolve",
    shape=_solve_shape(True),
    gradient=grad.solve_grad,
    **_both(_square(_solve), "Input matrix is not invertible."),
)
register_op(
    "MatrixTriangularSolve",
    shape=_solve_shape(True),
    lower=_triangular_solve,
    numpy=_failing_as_tf(_triangular_solve_numpy, "Input matrix is not invertible."),
    gradient=grad.triangular_solve_grad,
)
register_op("MatrixSolveLs", shape=_least_squares_shape, lower=_least_squares)
register_op("Cholesky", shape=_square_shape, gradient=grad.cholesky_grad, **_both(_square(_cholesky), _NOT_POSITIVE))
register_op("Qr", shape=_qr_shape, gradient=grad.qr_grad, **_both(_qr))
register_op("Svd", shape=_svd_shape, gradient=grad.svd_grad, **_both(_svd))
register_op("SelfAdjointEigV2", shape=_eigh_shape, gradient=grad.eigh_grad, **_both(_eigh))
register_op("Lu", shape=_lu_shape, lower=_lu, numpy=_lu_numpy, effect=True, gradient=NO_GRADIENT)
register_op("MatrixSquareRoot", shape=_square_shape, lower=_square_root, gradient=grad.square_root_grad)
register_op("MatrixExponential", shape=_square_shape, lower=lambda op, x: jax.scipy.linalg.expm(jnp.asarray(x)))
register_op("MatrixLogarithm", shape=_square_shape, numpy=_logarithm, host=True)


# ---- diagonals


def _diag(xp: Any, op: Any, x: Any) -> Any:
    flat = xp.diag(xp.reshape(x, (-1,)))
    return xp.reshape(flat, x.shape + x.shape)


def _diag_part(xp: Any, op: Any, x: Any) -> Any:
    half = x.shape[: x.ndim // 2]
    size = int(np.prod(half, dtype=np.int64))
    return xp.reshape(xp.diagonal(xp.reshape(x, (size, size))), half)


def _identity_mask(rows: int, columns: int) -> Any:
    return np.eye(rows, columns, dtype=np.bool_)


def _check_rank(op: Any, name: str, value: Any, rank: int) -> None:
    if np.ndim(value) < rank:
        text = f"{name} must be at least {rank}-dim, received shape: {to_text(np.shape(value))}"
        raise errors.InvalidArgumentError(None, op, text)


def _matrix_diag(xp: Any, op: Any, x: Any) -> Any:
    _check_rank(op, "diagonal", x, 1)
    n = x.shape[-1]
    return xp.where(_identity_mask(n, n), x[..., None], np.zeros((), x.dtype))


def _matrix_diag_part(xp: Any, op: Any, x: Any) -> Any:
    _check_rank(op, "input", x, 2)
    return xp.diagonal(x, axis1=-2, axis2=-1)


def _matrix_set_diag(xp: Any, op: Any, x: Any, diagonal: Any) -> Any:
    _check_rank(op, "input", x, 2)
    _check_rank(op, "diagonal", diagonal, 1)
    rows, columns = x.shape[-2:]
    missing = [(0, 0)] * (diagonal.ndim - 1) + [(0, columns - diagonal.shape[-1])]
    return xp.where(_identity_mask(rows, columns), xp.pad(diagonal, missing)[..., None, :], x)


def _check_limit(op: Any, name: str, what: str, limit: Any, size: int) -> None:
    if is_static(limit) and limit > size:
        text = f"{name} must be negative or less or equal to number of {what} ({size}) got: {limit}"
        raise errors.InvalidArgumentError(None, op, text)


def _band_part(xp: Any, op: Any, x: Any, lower: Any, upper: Any) -> Any:
    if x.ndim < 2:
        raise errors.InvalidArgumentError(None, op, f"input must be at least 2-dim, received shape: {to_text(x.shape)}")
    for name, limit in ("num_lower", lower), ("num_upper", upper):
        if np.ndim(limit):
            text = f"{name} must be scalar, got shape {to_text(np.shape(limit))}"
            raise errors.InvalidArgumentError(None, op, text)
    rows, columns = x.shape[-2:]
    _check_limit(op, "num_lower", "rows", lower, rows)
    _check_limit(op, "num_upper", "columns", upper, columns)
    offset = np.arange(columns) - np.arange(rows)[:, None]
    inside = ((lower < 0) | (-offset <= lower)) & ((upper < 0) | (offset <= upper))
    return xp.where(inside, x, np.zeros((), x.dtype))


register_op("Diag", shape=_diag_shape, gradient=grad.diag_grad, **_both(_diag))
register_op("DiagPart", shape=_diag_part_shape, gradient=grad.diag_part_grad, **_both(_diag_part))
register_op("MatrixDiag", shape=_matrix_diag_shape, gradient=grad.matrix_diag_grad, **_both(_matrix_diag))
register_op(
    "MatrixDiagPart", shape=_matrix_diag_part_shape, gradient=grad.matrix_diag_part_grad, **_both(_matrix_diag_part)
)
register_op(
    "MatrixSetDiag", shape=_matrix_set_diag_shape, gradient=grad.matrix_set_diag_grad, **_both(_matrix_set_diag)
)
register_op("MatrixBandPart", shape=_band_part_shape, gradient=grad.band_part_grad, **both(_band_part))
