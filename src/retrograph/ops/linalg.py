"""Linear algebra for users: diagonals, decompositions, solving; its rows are in `linalg_rows`."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import takes_operators
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import array, math, transposing
from retrograph.ops.raw import raw
from retrograph.ops.reduction import reduce_sum


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
    """The matrices transposed and conjugated: `T[..., m, n]` -> `T[..., n, m]`. Raises ValueError: rank below 2.

    >>> tf.linalg.adjoint(tf.zeros([5, 2, 3]))
    <tf.Tensor 'adjoint/matrix_transpose/transpose:0' shape=(5, 3, 2) dtype=float32>

    Source: TF 1.15 `tf.linalg.adjoint`.
    """
    with name_scope(name, "adjoint", [matrix]):
        return transposing.matrix_transpose(convert_to_tensor(matrix, name="matrix"), conjugate=True)


@export("linalg.trace", "trace")
@takes_operators
def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the diagonals of the matrices in the last two axes: `T[..., m, n]` -> `T[...]`.

    Raises ValueError: rank below 2.

    >>> tf.trace(tf.zeros([5, 3, 3]))
    <tf.Tensor 'Trace:0' shape=(5,) dtype=float32>

    Source: TF 1.15 `tf.trace`.
    """
    with name_scope(name, "Trace", [x]) as scope:
        return reduce_sum(matrix_diag_part(convert_to_tensor(x, name="x")), [-1], name=scope)
