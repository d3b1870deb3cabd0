"""Matrices with three diagonals: products and solutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape, dimension_value
from retrograph.framework.shape_rules import ShapeContext
from retrograph.ops import array, joining, math, transposing
from retrograph.ops import padding as padding_ops
from retrograph.ops.gather import gather_nd
from retrograph.ops.linalg import matrix_diag_part
from retrograph.ops.transposing import matrix_transpose as transposed


def _as_rhs(index: int) -> Any:
    def rule(c: ShapeContext) -> list[Shape]:
        return [c.input(index)]

    return rule


def _shifted(values: Any, by: int) -> Any:
    """Rows moved down (1) or up (-1), with zeros where none is left."""
    moved = jnp.roll(values, by, axis=-2)
    row = jnp.arange(values.shape[-2])[:, None] == (0 if by > 0 else values.shape[-2] - 1)
    return jnp.where(row, jnp.zeros_like(moved), moved)


def _product(op: Any, superdiag: Any, maindiag: Any, subdiag: Any, rhs: Any) -> Any:
    rows = [jnp.swapaxes(d, -1, -2) for d in (superdiag, maindiag, subdiag)]
    return rows[0] * _shifted(rhs, -1) + rows[1] * rhs + rows[2] * _shifted(rhs, 1)


def _solution(op: Any, diagonals: Any, rhs: Any) -> Any:
    upper, main, lower = (diagonals[..., i, :] for i in range(3))
    n = main.shape[-1]
    i = np.arange(n)
    matrix = jnp.zeros((*main.shape, n), main.dtype).at[..., i, i].set(main)
    matrix = matrix.at[..., i[:-1], i[1:]].set(upper[..., :-1]).at[..., i[1:], i[:-1]].set(lower[..., 1:])
    return jnp.linalg.solve(matrix, rhs)


register_op("TridiagonalMatMul", shape=_as_rhs(3), lower=_product)
register_op("TridiagonalSolve", shape=_as_rhs(1), lower=_solution)


def _matrix_size(diagonals: Any, both: bool) -> int:
    sizes = [dimension_value(diagonals.shape[i]) for i in (-1, -2)]
    known = [s for s in sizes if s]
    if not known or (both and len(known) < 2):
        raise ValueError('The size of the matrix needs to be known for diagonals_format="matrix"')
    if known[0] != known[-1]:
        raise ValueError(f"Expected last two dimensions of diagonals to be same, got {sizes[0]} and {sizes[1]}")
    return int(known[0])


def _padded(diagonal: Any, size: int | None, name: str, padding: list[int]) -> Any:
    own = dimension_value(diagonal.shape[-1])
    if not own or own == size:
        return diagonal
    if size is None or own != size - 1:
        raise ValueError(f"Expected {name} to be have length {size} or {size and size - 1}, got {own}.")
    return padding_ops.pad(diagonal, [[0, 0] for _ in range(len(diagonal.shape) - 1)] + [padding])


def _of_sequence(diagonals: Any) -> Any:
    if not isinstance(diagonals, (tuple, list)) or len(diagonals) != 3:
        raise ValueError("Expected diagonals to be a sequence of length 3.")
    upper, main, lower = (convert_to_tensor(d) for d in diagonals)
    for other in (lower, upper):
        if not other.shape[:-1].is_compatible_with(main.shape[:-1]):
            raise ValueError(
                "Tensors representing the three diagonals must have the same shape,except for the last dimension, got "
                f"{lower.shape}, {main.shape}, {upper.shape}"
            )
    size = dimension_value(main.shape[-1])
    lower = _padded(lower, size, "subdiagonal", [1, 0])
    return joining.stack((_padded(upper, size, "superdiagonal", [0, 1]), main, lower), axis=-2)


def _of_matrix(diagonals: Any) -> Any:
    m = _matrix_size(diagonals, both=False)
    inner = [[[i + 1, i], [i, i], [i - 1, i]] for i in range(1, m - 1)]
    indices = [[[1, 0], [0, 0], [0, 0]], *inner, [[0, 0], [m - 1, m - 1], [m - 2, m - 1]]]
    return transposing.transpose(gather_nd(transposing.transpose(diagonals), indices))


def _check_shapes(diagonals: Any, rhs: Any) -> None:
    rank, rhs_rank = len(diagonals.shape), len(rhs.shape)
    if rank < 2:
        raise ValueError(f"Expected diagonals to have rank at least 2, got {rank}")
    if rhs_rank not in (rank, rank - 1):
        raise ValueError(f"Expected the rank of rhs to be {rank - 1} or {rank}, got {rhs_rank}")
    if dimension_value(diagonals.shape[-2]) not in (None, 3):
        raise ValueError(f"Expected 3 diagonals got {diagonals.shape[-2]}")
    if not diagonals.shape[:-2].is_compatible_with(rhs.shape[: rank - 2]):
        raise ValueError(f"Batch shapes {diagonals.shape[:-2]} and {rhs.shape[: rank - 2]} are incompatible")


def _checked_solve(diagonals: Any, rhs: Any, partial_pivoting: bool, name: str | None) -> Any:
    sizes = dimension_value(diagonals.shape[-1]), dimension_value(rhs.shape[-2])
    if all(sizes) and sizes[0] != sizes[1]:
        raise ValueError(
            "Expected number of left-hand sided and right-hand sides to be equal, got {} and {}".format(*sizes)
        )
    return apply_op("TridiagonalSolve", name, diagonals=diagonals, rhs=rhs, partial_pivoting=partial_pivoting)


@export("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", transpose_rhs: bool = False,
    conjugate_rhs: bool = False, name: str | None = None, partial_pivoting: bool = True,
) -> Any:  # fmt: skip
    """The solutions of systems with three diagonals `[..., 3, n]`: `[..., n]` or `[..., n, k]` as `rhs`.

    Raises ValueError: shapes that do not fit, an unknown format. Source: TF 1.15 `tf.linalg.tridiagonal_solve`.
    """
    rhs = convert_to_tensor(rhs)
    if diagonals_format == "sequence":
        diagonals = _of_sequence(diagonals)
    elif diagonals_format == "matrix":
        diagonals = _of_matrix(convert_to_tensor(diagonals))
    elif diagonals_format != "compact":
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    diagonals = convert_to_tensor(diagonals)
    _check_shapes(diagonals, rhs)
    if len(rhs.shape) < len(diagonals.shape):
        rhs = array.expand_dims(math.conj(rhs) if conjugate_rhs else rhs, -1)
        return array.squeeze(_checked_solve(diagonals, rhs, partial_pivoting, name), -1)
    if transpose_rhs:
        rhs = transposed(rhs, conjugate=conjugate_rhs)
    elif conjugate_rhs:
        rhs = math.conj(rhs)
    result = _checked_solve(diagonals, rhs, partial_pivoting, name)
    return transposed(result) if transpose_rhs else result


@export("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None) -> Any:
    """Matrices with three diagonals times `[..., n, k]`. Raises ValueError: an unknown format or size.

    Source: TF 1.15 `tf.linalg.tridiagonal_matmul`.
    """
    if diagonals_format == "compact":
        diagonals = convert_to_tensor(diagonals)
        parts = [diagonals[..., i, :] for i in range(3)]
    elif diagonals_format == "sequence":
        parts = [convert_to_tensor(d) for d in diagonals]
    elif diagonals_format == "matrix":
        diagonals = convert_to_tensor(diagonals)
        m = _matrix_size(diagonals, both=True)
        main, turned = matrix_diag_part(diagonals), transposing.transpose(diagonals)
        upper = transposing.transpose(gather_nd(turned, [*([i + 1, i] for i in range(m - 1)), [0, 0]]))
        lower = transposing.transpose(gather_nd(turned, [[0, 0], *([i - 1, i] for i in range(1, m))]))
        parts = [upper, main, lower]
    else:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    rows = [array.expand_dims(part, -2) for part in parts]
    return apply_op("TridiagonalMatMul", name, superdiag=rows[0], maindiag=rows[1], subdiag=rows[2], rhs=rhs)
