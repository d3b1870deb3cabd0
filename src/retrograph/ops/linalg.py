"""Linear algebra: diagonals, decompositions, solving, norms."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import takes_operators
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, TensorShape, to_text
from retrograph.framework.shape_rules import (
    ShapeContext,
    concatenate,
    merge,
    merge_dim,
    with_rank,
    with_rank_at_least,
)
from retrograph.ops import array, math, transposing
from retrograph.ops import linalg_grad as grad
from retrograph.ops.array import lookup_renamed
from retrograph.ops.raw import raw
from retrograph.ops.reduction import reduce_max, reduce_sum
from retrograph.ops.rows import is_static

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
    triangle = np.tril(matrix) if op.attrs["lower"] else np.triu(matrix)
    return np.linalg.solve(_adjoint(np, triangle) if op.attrs["adjoint"] else triangle, rhs)


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
register_op("MatrixBandPart", shape=_band_part_shape, gradient=grad.band_part_grad, **_both(_band_part))


@export("linalg.tensor_diag", "diag")
def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of twice the rank with `diagonal` on its diagonal, zeros elsewhere. Source: TF 1.15 `tf.diag`."""
    return apply_op("Diag", name, diagonal=diagonal)  # type: ignore[no-any-return]


@export("linalg.tensor_diag_part", "diag_part")
def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonal of a tensor whose shape is some shape twice. Source: TF 1.15 `tf.diag_part`."""
    return apply_op("DiagPart", name, input=input)  # type: ignore[no-any-return]


@export("linalg.diag", "matrix_diag")
def matrix_diag(
    diagonal: Any, name: str | None = "diag", k: Any = 0, num_rows: Any = -1, num_cols: Any = -1, padding_value: Any = 0
) -> Tensor:
    """Square matrices with the vectors along the last axis on their diagonals: `f32[..., n]` -> `f32[..., n, n]`.

    `k`, `num_rows`, `num_cols` and `padding_value` do nothing, as in TF 1.15.5. Source: TF 1.15 `tf.matrix_diag`.
    """
    return apply_op("MatrixDiag", name, diagonal=diagonal)  # type: ignore[no-any-return]


@export("linalg.diag_part", "matrix_diag_part")
@takes_operators
def matrix_diag_part(input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0) -> Tensor:
    """The diagonals of the matrices in the last two axes.

    `k` and `padding_value` do nothing, as in TF 1.15.5. Source: TF 1.15 `tf.matrix_diag_part`.
    """
    return apply_op("MatrixDiagPart", name, input=input)  # type: ignore[no-any-return]


@export("linalg.set_diag", "matrix_set_diag")
def matrix_set_diag(input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0) -> Tensor:
    """The matrices in the last two axes with other diagonals.

    `k` does nothing, as in TF 1.15.5. Source: TF 1.15 `tf.matrix_set_diag`.
    """
    return apply_op("MatrixSetDiag", name, input=input, diagonal=diagonal)  # type: ignore[no-any-return]


@export("linalg.band_part", "matrix_band_part")
def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """The matrices with zeros outside of a band; negative limits keep a whole triangle.

    Source: TF 1.15 `tf.matrix_band_part`.
    """
    return apply_op("MatrixBandPart", name, input=input, num_lower=num_lower, num_upper=num_upper)  # type: ignore[no-any-return]


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def _eye_shapes(num_rows: Any, num_columns: Any, batch_shape: Any, square: bool, diag_size: Any) -> tuple[Any, Any]:
    """The shape of the diagonals, and of the matrices if they are not square."""
    if _is_tensor(batch_shape) or _is_tensor(diag_size):
        batch = convert_to_tensor(batch_shape, name="shape", dtype=dtypes.int32)
        diagonal = raw("ConcatV2", [batch, [diag_size]], 0, name="concat")
        whole = None if square else raw("ConcatV2", [batch, [num_rows, num_columns]], 0, name="concat")
        return diagonal, whole
    batch_list = list(batch_shape)
    return [*batch_list, diag_size], None if square else [*batch_list, num_rows, num_columns]


@export("eye", "linalg.eye")
def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Identity matrices, `dtype[*batch_shape, num_rows, num_columns]`.

    Raises TypeError: sizes that are not integers. Source: TF 1.15 `tf.eye`.
    """
    with name_scope(name, default_name="eye", values=[num_rows, num_columns, batch_shape]):
        square = num_columns is None
        batch_shape = [] if batch_shape is None else batch_shape
        num_columns = num_rows if num_columns is None else num_columns
        if _is_tensor(num_rows) or _is_tensor(num_columns):
            diag_size = math.minimum(num_rows, num_columns)
        else:
            if not isinstance(num_rows, Integral) or not isinstance(num_columns, Integral):
                raise TypeError("num_rows and num_columns must be positive integer values.")
            square = num_rows == num_columns
            diag_size = min(num_rows, num_columns)
        diagonal_shape, shape = _eye_shapes(num_rows, num_columns, batch_shape, square, diag_size)
        ones = array.ones(diagonal_shape, dtype=dtype)
        return matrix_diag(ones) if square else matrix_set_diag(array.zeros(shape, dtype=dtype), ones)


# ---- decompositions and solving


@export("linalg.cholesky", "cholesky")
@takes_operators
def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular `l` with `l @ adjoint(l) == input` of positive definite matrices.

    Differs: where TF fails, a matrix that is not positive definite gives NaN on XLA. Source: TF 1.15 `tf.cholesky`.
    """
    return apply_op("Cholesky", name, input=input)  # type: ignore[no-any-return]


@export("linalg.det", "matrix_determinant")
@takes_operators
def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinants of square matrices. Source: TF 1.15 `tf.matrix_determinant`."""
    return apply_op("MatrixDeterminant", name, input=input)  # type: ignore[no-any-return]


@export("linalg.slogdet")
def log_matrix_determinant(input: Any, name: str | None = None) -> Any:
    """(sign, logarithm of the absolute value) of the determinants. Source: TF 1.15 `tf.linalg.slogdet`."""
    return apply_op("LogMatrixDeterminant", name, input=input)


@export("linalg.inv", "matrix_inverse")
@takes_operators
def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices, or of their adjoints. Source: TF 1.15 `tf.matrix_inverse`."""
    return apply_op("MatrixInverse", name, input=input, adjoint=adjoint)  # type: ignore[no-any-return]


@export("linalg.solve", "matrix_solve")
@takes_operators
def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The `x` with `matrix @ x == rhs`. Source: TF 1.15 `tf.matrix_solve`."""
    return apply_op("MatrixSolve", name, matrix=matrix, rhs=rhs, adjoint=adjoint)  # type: ignore[no-any-return]


@export("linalg.triangular_solve", "matrix_triangular_solve")
def matrix_triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The `x` with `matrix @ x == rhs` for triangular matrices. Source: TF 1.15 `tf.matrix_triangular_solve`."""
    return apply_op("MatrixTriangularSolve", name, matrix=matrix, rhs=rhs, lower=lower, adjoint=adjoint)  # type: ignore[no-any-return]


@export("linalg.sqrtm", "matrix_square_root")
def matrix_square_root(input: Any, name: str | None = None) -> Tensor:
    """The `x` with `x @ x == input`. Source: TF 1.15 `tf.matrix_square_root`."""
    return apply_op("MatrixSquareRoot", name, input=input)  # type: ignore[no-any-return]


@export("linalg.logm")
def matrix_logarithm(input: Any, name: str | None = None) -> Tensor:
    """The logarithms of complex square matrices. Source: TF 1.15 `tf.linalg.logm`."""
    return apply_op("MatrixLogarithm", name, input=input)  # type: ignore[no-any-return]


@export("linalg.expm")
def matrix_exponential(input: Any, name: str | None = None) -> Tensor:
    """The matrix exponentials of square matrices. Source: TF 1.15 `tf.linalg.expm`."""
    with name_scope(name, "matrix_exponential", [input]):
        return apply_op("MatrixExponential", None, input=convert_to_tensor(input, name="input"))  # type: ignore[no-any-return]


@export("linalg.lu")
def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """(both triangles in one matrix, permutation of the rows) with `l @ u == input[permutation]`. Source: TF 1.15 `tf.linalg.lu`."""
    return apply_op("Lu", name, input=input, output_idx_type=output_idx_type)


@export("linalg.qr", "qr")
def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """(q with orthonormal columns, upper triangular r) with `q @ r == input`. Source: TF 1.15 `tf.qr`."""
    return apply_op("Qr", name, input=input, full_matrices=full_matrices)


@export("linalg.svd", "svd")
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """(singular values, u, v) with `u @ diag(s) @ adjoint(v) == tensor`; the values alone without `compute_uv`.

    Source: TF 1.15 `tf.svd`.
    """
    made = apply_op("Svd", name, input=tensor, compute_uv=compute_uv, full_matrices=full_matrices)
    return (math.real(made[0]), made[1], made[2]) if compute_uv else math.real(made[0])


@export("linalg.eigh", "self_adjoint_eig")
def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(ascending eigenvalues, eigenvectors as columns) of self-adjoint matrices. Source: TF 1.15 `tf.self_adjoint_eig`."""
    e, v = apply_op("SelfAdjointEigV2", name, input=tensor, compute_v=True)
    return e, v


@export("linalg.eigvalsh", "self_adjoint_eigvals")
def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The ascending eigenvalues of self-adjoint matrices. Source: TF 1.15 `tf.self_adjoint_eigvals`."""
    return apply_op("SelfAdjointEigV2", name, input=tensor, compute_v=False)[0]  # type: ignore[no-any-return]


@export("linalg.cholesky_solve", "cholesky_solve")
def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """The `x` with `chol @ adjoint(chol) @ x == rhs`. Source: TF 1.15 `tf.cholesky_solve`."""
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        y = matrix_triangular_solve(chol, rhs, adjoint=False, lower=True)
        return matrix_triangular_solve(chol, y, adjoint=True, lower=True)


def _regularized_cholesky(matrix: Any, l2_regularizer: Any, first_kind: bool) -> Tensor:
    gramian: Any = math.matmul(matrix, matrix, adjoint_a=first_kind, adjoint_b=not first_kind)
    if isinstance(l2_regularizer, Tensor) or l2_regularizer != 0:
        shape: Any = array.shape(matrix)
        batch = shape[:-2]
        size = shape[-1] if first_kind else shape[-2]
        identity = eye(size, batch_shape=batch, dtype=matrix.dtype)
        static = matrix.shape[-1 if first_kind else -2]
        identity.set_shape(matrix.shape[:-2].concatenate([static, static]))
        gramian += l2_regularizer * identity
    return cholesky(gramian)


def _over_determined(matrix: Any, rhs: Any, l2_regularizer: Any) -> Tensor:
    chol = _regularized_cholesky(matrix, l2_regularizer, True)
    return cholesky_solve(chol, math.matmul(matrix, rhs, adjoint_a=True))


def _under_determined(matrix: Any, rhs: Any, l2_regularizer: Any) -> Tensor:
    chol = _regularized_cholesky(matrix, l2_regularizer, False)
    return math.matmul(matrix, cholesky_solve(chol, rhs), adjoint_a=True)


def _composite_least_squares(matrix: Any, rhs: Any, l2_regularizer: Any, name: str | None) -> Tensor:
    with name_scope(name, "matrix_solve_ls", [matrix, rhs, l2_regularizer]):
        shape = matrix.get_shape()
        if shape.ndims is not None and shape[-2:].is_fully_defined():
            rows, columns = shape[-2:].as_list()
            solve = _over_determined if rows >= columns else _under_determined
            return solve(matrix, rhs, l2_regularizer)
        from retrograph.ops.cond import cond  # the control-flow family builds on math

        sizes: Any = array.shape(matrix)[-2:]
        return cond(  # type: ignore[no-any-return]
            sizes[-2] >= sizes[-1],
            lambda: _over_determined(matrix, rhs, l2_regularizer),
            lambda: _under_determined(matrix, rhs, l2_regularizer),
        )


@export("linalg.lstsq", "matrix_solve_ls")
def matrix_solve_ls(
    matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """The `x` that makes the norm of `matrix @ x - rhs` least.

    Raises NotImplementedError: complex128 with a regularizer. Source: TF 1.15 `tf.matrix_solve_ls`.
    """
    matrix = convert_to_tensor(matrix, name="matrix")
    if matrix.dtype == dtypes.complex128 and l2_regularizer != 0:
        raise NotImplementedError(
            "matrix_solve_ls is currently disabled for complex128 and l2_regularizer != 0 due to poor accuracy."
        )
    if fast and not _is_io_bound(matrix):
        return _composite_least_squares(matrix, rhs, l2_regularizer, name)
    return apply_op("MatrixSolveLs", name, matrix=matrix, rhs=rhs, l2_regularizer=l2_regularizer, fast=fast)  # type: ignore[no-any-return]


def _is_io_bound(matrix: Tensor) -> bool:
    shape = matrix.get_shape()
    if not shape.is_fully_defined():
        return False
    size = (shape.num_elements() or 0) * matrix.dtype.size
    return size > 256000 and shape[:-2].num_elements() > min(shape[-2:].as_list())


@export("linalg.logdet")
@takes_operators
def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithm of the determinant of positive definite matrices. Source: TF 1.15 `tf.linalg.logdet`."""
    with name_scope(name, "logdet", [matrix]):
        diagonal = math.log(math.real(matrix_diag_part(cholesky(matrix))))
        return 2.0 * reduce_sum(diagonal, axis=[-1])


@export("linalg.adjoint")
@takes_operators
def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """The matrices transposed and conjugated. Source: TF 1.15 `tf.linalg.adjoint`."""
    with name_scope(name, "adjoint", [matrix]):
        return transposing.matrix_transpose(convert_to_tensor(matrix, name="matrix"), conjugate=True)


@export("linalg.trace", "trace")
@takes_operators
def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the diagonals of the matrices in the last two axes. Source: TF 1.15 `tf.trace`."""
    with name_scope(name, "Trace", [x]) as scope:
        return reduce_sum(matrix_diag_part(convert_to_tensor(x, name="x")), [-1], name=scope)


# ---- norms

_MATRIX_NORMS = ["euclidean", "fro", 1, 2, np.inf]
_VECTOR_NORMS = ["euclidean", 1, 2, np.inf]
_NO_AXES = "'axis' must be None, an integer, or a tuple of 2 unique integers"


def _checked_axis(ord: Any, axis: Any) -> tuple[Any, bool]:
    """(axis as a tuple or None, whether it is a matrix norm)."""
    if isinstance(axis, (tuple, list)) and len(axis) == 2:
        axis = tuple(axis)
        if not isinstance(axis[0], int) or not isinstance(axis[1], int) or axis[0] == axis[1]:
            raise ValueError(_NO_AXES)
        if ord not in _MATRIX_NORMS:
            raise ValueError(f"'ord' must be a supported matrix norm in {_MATRIX_NORMS}, got {ord}")
        return axis, True
    if not (isinstance(axis, int) or axis is None):
        raise ValueError(_NO_AXES)
    if (not np.isreal(ord) or ord <= 0) and ord not in _VECTOR_NORMS:
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    return None if axis is None else (axis,), False


def _dynamic_order(tensor: Tensor, axis: tuple[int, int]) -> tuple[Any, Any]:
    rank: Any = array.rank(tensor)
    last = (convert_to_tensor(list(axis)) + rank) % rank
    others = raw("ListDiff", math.range(rank), last, out_idx=dtypes.int32)[0]
    perm = raw("ConcatV2", [others, last], 0, name="concat")
    return perm, transposing.invert_permutation(perm)


def _static_order(rank: int, axis: tuple[int, int]) -> tuple[list[int], list[int]]:
    last = [a % rank for a in axis]
    perm = [i for i in range(rank) if i not in last] + last
    return perm, [perm.index(i) for i in range(rank)]


def _spectral_norm(tensor: Tensor, axis: tuple[int, int]) -> Tensor:
    rank = tensor.get_shape().ndims
    perm, inverse = _dynamic_order(tensor, axis) if rank is None else _static_order(rank, axis)
    values = svd(transposing.transpose(tensor, perm=perm), compute_uv=False)
    greatest = array.expand_dims(reduce_max(math.abs(values), axis=-1, keepdims=True), axis=-1)
    return transposing.transpose(greatest, perm=inverse)


def _norm_value(tensor: Any, ord: Any, axis: Any, is_matrix: bool) -> Any:
    if ord in ["fro", "euclidean", 2, 2.0]:
        if is_matrix and ord in [2, 2.0]:
            return _spectral_norm(tensor, axis)
        return math.sqrt(reduce_sum(tensor * math.conj(tensor), axis, keepdims=True))
    result: Any = math.abs(tensor)
    first = None if axis is None else axis[0]
    if ord == 1:
        result = reduce_sum(result, first, keepdims=True)
        return reduce_max(result, axis[-1], keepdims=True) if is_matrix else result
    if ord == np.inf:
        result = reduce_sum(result, axis[1], keepdims=True) if is_matrix else result
        return reduce_max(result, first, keepdims=True)
    return math.pow(reduce_sum(math.pow(result, ord), axis, keepdims=True), 1.0 / ord)


@export("norm", "linalg.norm")
def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    keep_dims: Any = None,
) -> Tensor:
    """The norm of the vectors along `axis`, of the matrices along two axes, or of all elements for None.

    `ord`: 'euclidean', 'fro', 1, 2, inf or another positive number. Raises ValueError: other values.
    Source: TF 1.15 `tf.norm`.
    """
    keepdims = lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims)
    axis, is_matrix = _checked_axis(ord, axis)
    with name_scope(name, "norm", [tensor]):
        result = _norm_value(convert_to_tensor(tensor), ord, axis, is_matrix)
        return result if keepdims else array.squeeze(result, axis)


@export("linalg.normalize")
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(`tensor` divided by its norm along `axis`, that norm). Source: TF 1.15 `tf.linalg.normalize`."""
    with name_scope(name, "normalize", [tensor]):
        tensor = convert_to_tensor(tensor)
        size = norm(tensor, ord, axis, keepdims=True)
        size = math.cast(size, tensor.dtype)
        return tensor / size, size


def _check_matrix(a: Tensor) -> None:
    if not a.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    rank = a.get_shape().ndims
    if rank is not None and rank < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {rank}).")


def _greatest_size(a: Any) -> Any:
    sizes = a.get_shape()[-2:]
    return max(sizes.as_list()) if sizes.is_fully_defined() else reduce_max(array.shape(a)[-2:])


@export("linalg.matrix_rank")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The number of singular values above `tol`, i32[...]. Source: TF 1.15 `tf.linalg.matrix_rank`."""
    with name_scope(name or "matrix_rank"):
        a = convert_to_tensor(a, dtype_hint=dtypes.float32, name="a")
        _check_matrix(a)
        s = svd(a, compute_uv=False)
        if tol is None:
            eps = np.finfo(a.dtype.as_numpy_dtype).eps
            tol = eps * math.cast(_greatest_size(a), a.dtype) * reduce_max(s, axis=-1, keepdims=True)
        return reduce_sum(math.cast(s > tol, dtypes.int32), axis=-1)


@export("linalg.pinv")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The Moore-Penrose pseudo-inverse of matrices. Source: TF 1.15 `tf.linalg.pinv`."""
    with name_scope(name or "pinv"):
        a = convert_to_tensor(a, name="a")
        _check_matrix(a)
        if rcond is None:
            rcond = 10.0 * _greatest_size(a) * np.finfo(a.dtype.as_numpy_dtype).eps
        rcond = convert_to_tensor(rcond, dtype=a.dtype, name="rcond")
        s, u, v = svd(a, full_matrices=False, compute_uv=True)
        cutoff = rcond * reduce_max(s, axis=-1)
        s = raw("SelectV2", s > array.expand_dims(cutoff, -1), s, np.array(np.inf, a.dtype.as_numpy_dtype))
        inverse = math.matmul(v / array.expand_dims(s, -2), u, adjoint_b=True)
        shape = a.get_shape()
        if shape.ndims is not None:
            inverse.set_shape(shape[:-2].concatenate(TensorShape([shape[-1], shape[-2]])))
        return inverse
