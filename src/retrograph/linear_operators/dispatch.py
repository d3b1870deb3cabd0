"""What functions of `tf.linalg` do with linear operators: each has the signature of the function."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.linear_operators.base import LinearOperator


def _named(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"name": name}


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """The adjoint operator."""
    return matrix.adjoint(**_named(name))


def cholesky(input: Any, name: str | None = None) -> Any:
    """The operator of Cholesky factors."""
    return input.cholesky(**_named(name))


def matrix_diag_part(input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0) -> Any:
    """The diagonals."""
    return input.diag_part(**_named(name))


def matrix_determinant(input: Any, name: str | None = None) -> Any:
    """The determinants."""
    return input.determinant(**_named(name))


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse operator, or its adjoint."""
    inverse = input.inverse(**_named(name))
    return inverse.adjoint() if adjoint else inverse


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithms of the determinants; ValueError unless the hints say that they are positive."""
    if matrix.is_positive_definite and matrix.is_self_adjoint:
        return matrix.log_abs_determinant(**_named(name))
    raise ValueError("Expected matrix to be self-adjoint positive definite.")


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The product; ValueError if something is to be transposed or sparse."""
    if transpose_a or transpose_b:
        raise ValueError("Transposing not supported at this time.")
    if a_is_sparse or b_is_sparse:
        raise ValueError("Sparse methods not supported at this time.")
    if isinstance(a, LinearOperator):
        return a.matmul(b, adjoint=adjoint_a, adjoint_arg=adjoint_b, **_named(name))
    # A B is the adjoint of B^H A^H.
    return tf.linalg.adjoint(b.matmul(a, adjoint=not adjoint_b, adjoint_arg=not adjoint_a, **_named(name)))


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The solutions; ValueError if only the right side is an operator."""
    if not isinstance(matrix, LinearOperator):
        raise ValueError("Passing in `matrix` as a Tensor and `rhs` as a LinearOperator is not supported.")
    return matrix.solve(rhs, adjoint=adjoint, **_named(name))


def trace(x: Any, name: str | None = None) -> Any:
    """The sums of the diagonals."""
    return x.trace(**_named(name))
