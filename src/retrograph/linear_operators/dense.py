"""Operators that hold their elements: lower triangular and full matrices, and updates of low rank."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.diagonal import LinearOperatorDiag, LinearOperatorIdentity
from retrograph.linear_operators.solving import (
    adjoint_of,
    assert_no_entries_with_modulus_zero,
    cholesky_solve_with_broadcast,
    convert_nonref_to_tensor,
    matrix_solve_with_broadcast,
    matrix_triangular_solve_with_broadcast,
)


def _check_matrix(matrix: Any, name: str) -> None:
    if matrix.shape.ndims is not None and matrix.shape.ndims < 2:
        raise ValueError(f"Argument {name} must have at least 2 dimensions.  Found: {matrix}")


@export("linalg.LinearOperatorLowerTriangular")
class LinearOperatorLowerTriangular(LinearOperator):
    """The lower triangles of `tril: [..., n, n]`. Source: TF 1.15 `tf.linalg.LinearOperatorLowerTriangular`."""

    def __init__(
        self, tril: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str = "LinearOperatorLowerTriangular",
    ):  # fmt: skip
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        with tf.name_scope(name, values=[tril]):
            self._tril = convert_nonref_to_tensor(tril, name="tril")
            _check_matrix(self._tril, "tril")
            super().__init__(
                self._tril.dtype, [self._tril], is_non_singular, is_self_adjoint, is_positive_definite, True, name
            )

    def _get_tril(self) -> Any:
        return tf.matrix_band_part(self._tril, -1, 0)

    def _get_diag(self) -> Any:
        return tf.matrix_diag_part(self._tril)

    def _shape(self) -> Any:
        return self._tril.shape

    def _shape_tensor(self) -> Any:
        return tf.shape(self._tril)

    def _assert_non_singular(self) -> Any:
        message = "Singular operator:  Diagonal contained zero values."
        return assert_no_entries_with_modulus_zero(self._get_diag(), message=message)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return tf.matmul(self._get_tril(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _determinant(self) -> Any:
        return tf.reduce_prod(self._get_diag(), axis=[-1])

    def _log_abs_determinant(self) -> Any:
        return tf.reduce_sum(tf.log(tf.abs(self._get_diag())), axis=[-1])

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        return matrix_triangular_solve_with_broadcast(self._get_tril(), rhs, lower=True, adjoint=adjoint)

    def _to_dense(self) -> Any:
        return self._get_tril()


_MATRIX_DTYPES = [tf.float16, tf.float32, tf.float64, tf.complex64, tf.complex128]


@export("linalg.LinearOperatorFullMatrix")
class LinearOperatorFullMatrix(LinearOperator):
    """The matrices `matrix: [..., m, n]`. Source: TF 1.15 `tf.linalg.LinearOperatorFullMatrix`."""

    def __init__(
        self, matrix: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str = "LinearOperatorFullMatrix",
    ):  # fmt: skip
        with tf.name_scope(name, values=[matrix]):
            self._matrix = convert_nonref_to_tensor(matrix, name="matrix")
            dtype = self._matrix.dtype.base_dtype
            if dtype not in _MATRIX_DTYPES:
                raise TypeError(f"Argument matrix must have dtype in {_MATRIX_DTYPES}.  Found: {dtype}")
            _check_matrix(self._matrix, "matrix")
            super().__init__(
                dtype, [self._matrix], is_non_singular, is_self_adjoint, is_positive_definite, is_square, name
            )

    def _shape(self) -> Any:
        return self._matrix.shape

    def _shape_tensor(self) -> Any:
        return tf.shape(self._matrix)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return tf.matmul(self._matrix, x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _to_dense(self) -> Any:
        return tf.convert_to_tensor(self._matrix)


_NOT_SYMMETRIC = (
    "A = L + UDU^H, with L self-adjoint and D real diagonal.  Since UDU^H is self-adjoint, this must be a self-adjoint "
    "operator."
)


@export("linalg.LinearOperatorLowRankUpdate")
class LinearOperatorLowRankUpdate(LinearOperator):
    """`base_operator + u @ diag(diag_update) @ adjoint(v)`, with `u, v: [..., n, k]`; by default v is u, the diagonal 1.

    Source: TF 1.15 `tf.linalg.LinearOperatorLowRankUpdate`.
    """

    def __init__(
        self, base_operator: Any, u: Any, diag_update: Any = None, v: Any = None, is_diag_update_positive: Any = None,
        is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str = "LinearOperatorLowRankUpdate",
    ):  # fmt: skip
        if diag_update is None:
            if is_diag_update_positive is False:
                raise ValueError(
                    "Default diagonal is the identity, which is positive.  However, user set 'is_diag_update_positive' "
                    "to False."
                )
            is_diag_update_positive = True
        base = base_operator
        self._use_cholesky = (
            base.is_positive_definite and base.is_self_adjoint and is_diag_update_positive and v is None
        )
        if base.is_self_adjoint and v is None and not base.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError(_NOT_SYMMETRIC)
            is_self_adjoint = True
        if self._use_cholesky:
            if False in (is_positive_definite, is_self_adjoint, is_non_singular):
                raise ValueError("Arguments imply this is self-adjoint positive-definite operator.")
            is_positive_definite = is_self_adjoint = True
        with tf.name_scope(name, values=[*base.graph_parents, u, diag_update, v]):
            self._u = convert_nonref_to_tensor(u, name="u")
            self._v = self._u if v is None else convert_nonref_to_tensor(v, name="v")
            self._diag_update = (
                None if diag_update is None else convert_nonref_to_tensor(diag_update, name="diag_update")
            )
            self._base_operator = base
            parents = [*base.graph_parents, self._u, self._diag_update, self._v]
            super().__init__(
                base.dtype, [parent for parent in parents if parent is not None], is_non_singular, is_self_adjoint,
                is_positive_definite, is_square, name,
            )  # fmt: skip
            self._is_diag_update_positive = is_diag_update_positive
            self._diag_operator = self._made_diag_operator()
            self._check_shapes()

    def _made_diag_operator(self) -> Any:
        if self._diag_update is not None:
            return LinearOperatorDiag(self._diag_update, is_positive_definite=self._is_diag_update_positive)
        rank = None if self.u.shape.dims is None else self.u.shape.dims[-1].value
        return LinearOperatorIdentity(tf.shape(self.u)[-1] if rank is None else rank, dtype=self.dtype)

    def _check_shapes(self) -> None:
        uv = tf.broadcast_static_shape(self.u.shape, self.v.shape)
        batch = tf.broadcast_static_shape(self.base_operator.batch_shape, uv[:-2])
        if uv.dims is not None:
            self.base_operator.domain_dimension.assert_is_compatible_with(uv.dims[-2])
        if self._diag_update is not None:
            if uv.dims is not None and self._diag_update.shape.dims is not None:
                uv.dims[-1].assert_is_compatible_with(self._diag_update.shape.dims[-1])
            tf.broadcast_static_shape(batch, self._diag_update.shape[:-1])

    @property
    def u(self) -> Any:
        """The left factor."""
        return self._u

    @property
    def v(self) -> Any:
        """The right factor, not yet adjoint."""
        return self._v

    @property
    def is_diag_update_positive(self) -> Any:
        """The hint."""
        return self._is_diag_update_positive

    @property
    def diag_update(self) -> Any:
        """The diagonal in the middle; None: ones."""
        return self._diag_update

    @property
    def diag_operator(self) -> Any:
        """The diagonal in the middle as an operator."""
        return self._diag_operator

    @property
    def base_operator(self) -> Any:
        """What is updated."""
        return self._base_operator

    def _shape(self) -> Any:
        batch = tf.broadcast_static_shape(self.base_operator.batch_shape, self.u.shape[:-2])
        return batch.concatenate(self.base_operator.shape[-2:])

    def _shape_tensor(self) -> Any:
        batch = tf.broadcast_dynamic_shape(self.base_operator.batch_shape_tensor(), tf.shape(self.u)[:-2])
        return tf.concat([batch, self.base_operator.shape_tensor()[-2:]], axis=0)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        leading = self.base_operator.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        outer, inner = (self.v, self.u) if adjoint else (self.u, self.v)
        narrow = tf.matmul(inner, x, adjoint_a=True, adjoint_b=adjoint_arg)
        return leading + tf.matmul(outer, self.diag_operator.matmul(narrow, adjoint=adjoint))

    def _determinant(self) -> Any:
        if self.is_positive_definite:
            return tf.exp(self.log_abs_determinant())
        capacitance = tf.matrix_determinant(self._make_capacitance())
        diagonal = self.diag_operator.determinant()
        return capacitance * diagonal * self.base_operator.determinant()

    def _log_abs_determinant(self) -> Any:
        diagonal = self.diag_operator.log_abs_determinant()
        base = self.base_operator.log_abs_determinant()
        if self._use_cholesky:
            factor = tf.matrix_diag_part(tf.cholesky(self._make_capacitance()))
            return 2 * tf.reduce_sum(tf.log(factor), axis=[-1]) + diagonal + base
        capacitance = tf.log(tf.abs(tf.matrix_determinant(self._make_capacitance())))
        if self.dtype.is_complex:
            capacitance = tf.cast(capacitance, dtype=self.dtype)
        return capacitance + diagonal + base

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        """By the matrix inversion lemma."""
        base = self.base_operator
        if base.is_non_singular is False:
            raise ValueError("Solve not implemented unless this is a perturbation of a non-singular LinearOperator.")
        v, u = (self.u, self.v) if adjoint else (self.v, self.u)
        direct = base.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        narrow = tf.matmul(v, direct, adjoint_a=True)
        if self._use_cholesky:
            narrow = cholesky_solve_with_broadcast(tf.cholesky(self._make_capacitance()), narrow)
        else:
            narrow = matrix_solve_with_broadcast(self._make_capacitance(), narrow, adjoint=adjoint)
        return direct - base.solve(tf.matmul(u, narrow), adjoint=adjoint)

    def _make_capacitance(self) -> Any:
        inner = tf.matmul(self.v, self.base_operator.solve(self.u), adjoint_a=True)
        return self._diag_operator.inverse().add_to_tensor(inner)
