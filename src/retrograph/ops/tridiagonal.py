"""Products and solutions of tridiagonal matrices: `tf.linalg.tridiagonal_matmul`, `tf.linalg.tridiagonal_solve`."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank_at_least


def _shifted(xp: Any, rows: Any, by: int) -> Any:
    """The rows moved up (`by` 1) or down (-1), zeros in place of the one that is missing."""
    nothing = xp.zeros_like(rows[..., :1, :])
    if by > 0:
        return xp.concatenate([rows[..., 1:, :], nothing], axis=-2)
    return xp.concatenate([nothing, rows[..., :-1, :]], axis=-2)


def _product(op: Any, superdiag: Any, maindiag: Any, subdiag: Any, rhs: Any) -> Any:
    above, at, below = (jnp.swapaxes(d, -1, -2) for d in (superdiag, maindiag, subdiag))
    return at * rhs + above * _shifted(jnp, rhs, 1) + below * _shifted(jnp, rhs, -1)


def _solution(op: Any, diagonals: Any, rhs: Any) -> Any:
    above, at, below = (jnp.asarray(diagonals)[..., i, :] for i in range(3))
    if at.shape[-1] < 3:
        return _small_solution(above, at, below, rhs)
    # What lies outside of the matrix must be zero for the solver, while TensorFlow ignores it.
    below, above = below.at[..., 0].set(0), above.at[..., -1].set(0)
    return lax.linalg.tridiagonal_solve(below, at, above, rhs)


def _small_solution(above: Any, at: Any, below: Any, rhs: Any) -> Any:
    if at.shape[-1] < 2:
        return rhs / at[..., None]
    a, b, c, d = at[..., :1], above[..., :1], below[..., 1:], at[..., 1:]
    first, second = rhs[..., 0, :], rhs[..., 1, :]
    determinant = a * d - b * c
    return jnp.stack([(d * first - b * second) / determinant, (a * second - c * first) / determinant], axis=-2)


def _conjugate_column(diagonal: Any) -> Any:
    return tf.matrix_transpose(diagonal, conjugate=True)


def _moved(rows: Any, by: int) -> Any:
    rank = rows.shape.ndims
    pads = [[0, 0]] * (rank - 2) + [[0, 1] if by > 0 else [1, 0], [0, 0]]
    return tf.pad(rows[..., 1:, :] if by > 0 else rows[..., :-1, :], pads)


def _product_gradient(op: Any, grad: Any) -> list[Any]:
    above, at, below = (_conjugate_column(d) for d in list(op.inputs)[:3])
    rhs = tf.conj(op.inputs[3])
    diagonals = [
        tf.expand_dims(tf.reduce_sum(part * grad, axis=-1), -2) for part in (_moved(rhs, 1), rhs, _moved(rhs, -1))
    ]
    return [*diagonals, _moved(above * grad, -1) + at * grad + _moved(below * grad, 1)]


def _transposed(diagonals: Any) -> Any:
    above, at, below = (diagonals[..., i, :] for i in range(3))
    pads = [[0, 0]] * (diagonals.shape.ndims - 2)
    return tf.stack([tf.pad(below[..., 1:], [*pads, [0, 1]]), at, tf.pad(above[..., :-1], [*pads, [1, 0]])], axis=-2)


def _solution_gradient(op: Any, grad: Any) -> list[Any]:
    found = op.outputs[0]
    of_rhs = _solve(_transposed(op.inputs[0]), grad, op.get_attr("partial_pivoting"), None)
    parts = [tf.reduce_sum(of_rhs * part, axis=-1) for part in (_moved(found, 1), found, _moved(found, -1))]
    return [-tf.stack(parts, axis=-2), of_rhs]


def _shape_of_rhs(c: ShapeContext) -> list[Shape]:
    return [with_rank_at_least(c, c.input(c.num_inputs - 1), 2)]


register_op("TridiagonalMatMul", shape=_shape_of_rhs, lower=_product, gradient=_product_gradient)
register_op("TridiagonalSolve", shape=_shape_of_rhs, lower=_solution, gradient=_solution_gradient)


def _solve(diagonals: Any, rhs: Any, partial_pivoting: bool, name: Any) -> Any:
    return apply_op("TridiagonalSolve", name, diagonals=diagonals, rhs=rhs, partial_pivoting=partial_pivoting)


def _size_of(matrix: Any, both: bool) -> int:
    """The size of a square matrix; ValueError: not known, or not square."""
    columns, rows = (matrix.shape[axis].value for axis in (-1, -2))
    if columns and rows and columns != rows:
        raise ValueError(f"Expected last two dimensions of diagonals to be same, got {columns} and {rows}")
    size = (columns and rows) if both else (columns or rows)
    if not size:
        raise ValueError('The size of the matrix needs to be known for diagonals_format="matrix"')
    return int(size)


def _gathered(matrix: Any, indices: Any) -> Any:
    return tf.transpose(tf.gather_nd(tf.transpose(matrix), indices))


def _in_full_length(diagonal: Any, name: str, wanted: int | None, pad: list[int]) -> Any:
    length = diagonal.shape[-1].value
    if not length or length == wanted:
        return diagonal
    if wanted is None or length != wanted - 1:
        raise ValueError(f"Expected {name} to be have length {wanted} or {(wanted or 0) - 1}, got {length}.")
    return tf.pad(diagonal, [[0, 0]] * (diagonal.shape.ndims - 1) + [pad])


def _of_sequence(diagonals: Any) -> Any:
    if not isinstance(diagonals, (tuple, list)) or len(diagonals) != 3:
        raise ValueError("Expected diagonals to be a sequence of length 3.")
    above, at, below = diagonals
    if not all(d.shape[:-1].is_compatible_with(at.shape[:-1]) for d in (below, above)):
        raise ValueError(
            "Tensors representing the three diagonals must have the same shape,"
            f"except for the last dimension, got {below.shape}, {at.shape}, {above.shape}"
        )
    size = at.shape[-1].value
    below = _in_full_length(below, "subdiagonal", size, [1, 0])
    return tf.stack((_in_full_length(above, "superdiagonal", size, [0, 1]), at, below), axis=-2)


def _of_matrix(matrix: Any) -> Any:
    size = _size_of(matrix, both=False)
    inner = [[[i + 1, i], [i, i], [i - 1, i]] for i in range(1, size - 1)]
    last = size - 1
    return _gathered(matrix, [[[1, 0], [0, 0], [0, 0]], *inner, [[0, 0], [last, last], [last - 1, last]]])


def _check_ranks(diagonals: Any, rhs: Any) -> None:
    rank, rhs_rank = len(diagonals.shape), len(rhs.shape)
    if rank < 2:
        raise ValueError(f"Expected diagonals to have rank at least 2, got {rank}")
    if rhs_rank not in (rank, rank - 1):
        raise ValueError(f"Expected the rank of rhs to be {rank - 1} or {rank}, got {rhs_rank}")
    if diagonals.shape[-2].value not in (None, 3):
        raise ValueError(f"Expected 3 diagonals got {diagonals.shape[-2]}")
    if not diagonals.shape[:-2].is_compatible_with(rhs.shape[: rank - 2]):
        raise ValueError(f"Batch shapes {diagonals.shape[:-2]} and {rhs.shape[: rank - 2]} are incompatible")


def _checked_solve(diagonals: Any, rhs: Any, partial_pivoting: bool, name: Any) -> Any:
    left, right = diagonals.shape[-1], rhs.shape[-2]
    if left.value and right.value and left.value != right.value:
        raise ValueError(f"Expected number of left-hand sided and right-hand sides to be equal, got {left} and {right}")
    return _solve(diagonals, rhs, partial_pivoting, name)


_COMPACT: dict[str, Any] = {"compact": lambda diagonals: diagonals, "sequence": _of_sequence, "matrix": _of_matrix}


@export("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: Any = None,
    partial_pivoting: bool = True,
) -> Any:
    """Solutions of tridiagonal systems: `f[..., m]` or `f[..., m, k]`, as `rhs`; rows are exchanged where it helps.

    Raises ValueError: shapes that do not fit, a format there is not. Source: TF 1.15 `tf.linalg.tridiagonal_solve`.
    """
    if diagonals_format not in _COMPACT:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    compact = _COMPACT[diagonals_format](diagonals)
    _check_ranks(compact, rhs)
    if len(rhs.shape) < len(compact.shape):
        column = tf.expand_dims(tf.conj(rhs) if conjugate_rhs else rhs, -1)
        return tf.squeeze(_checked_solve(compact, column, partial_pivoting, name), -1)
    if transpose_rhs:
        rhs = tf.matrix_transpose(rhs, conjugate=conjugate_rhs)
    elif conjugate_rhs:
        rhs = tf.conj(rhs)
    result = _checked_solve(compact, rhs, partial_pivoting, name)
    return tf.matrix_transpose(result) if transpose_rhs else result


def _parts_of_matrix(matrix: Any) -> tuple[Any, Any, Any]:
    size = _size_of(matrix, both=True)
    at = tf.matrix_diag_part(matrix)
    above = _gathered(matrix, [*([i + 1, i] for i in range(size - 1)), [0, 0]])
    return above, at, _gathered(matrix, [[0, 0], *([i - 1, i] for i in range(1, size))])


_PARTS: dict[str, Any] = {
    "compact": lambda diagonals: tuple(diagonals[..., i, :] for i in range(3)),
    "sequence": lambda diagonals: diagonals,
    "matrix": _parts_of_matrix,
}


@export("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: Any = None) -> Any:
    """Tridiagonal matrices times `rhs`: `f[..., m, k]`.

    Raises ValueError: shapes that do not fit, a format there is not. Source: TF 1.15 `tf.linalg.tridiagonal_matmul`.
    """
    if diagonals_format not in _PARTS:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    above, at, below = (tf.expand_dims(part, -2) for part in _PARTS[diagonals_format](diagonals))
    return apply_op("TridiagonalMatMul", name, superdiag=above, maindiag=at, subdiag=below, rhs=rhs)
