"""Diagonal operators: any diagonal, the identity, and its multiples."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.solving import (
    adjoint_of,
    assert_no_entries_with_modulus_zero,
    assert_zero_imag_part,
    convert_nonref_to_tensor,
    shape_tensor,
)
from retrograph.ops.control_flow import with_dependencies

_REAL = "A real diagonal operator is always self adjoint."


@export("linalg.LinearOperatorDiag")
class LinearOperatorDiag(LinearOperator):
    """The matrices with diagonals `diag: [..., n]`. Source: TF 1.15 `tf.linalg.LinearOperatorDiag`."""

    def __init__(
        self, diag: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str = "LinearOperatorDiag",
    ):  # fmt: skip
        with tf.name_scope(name, values=[diag]):
            self._diag = convert_nonref_to_tensor(diag, name="diag")
            if self._diag.shape.ndims is not None and self._diag.shape.ndims < 1:
                raise ValueError(f"Argument diag must have at least 1 dimension.  Found: {self._diag}")
            if not self._diag.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError(_REAL)
                is_self_adjoint = True
            if is_square is False:
                raise ValueError("Only square diagonal operators currently supported.")
            super().__init__(
                self._diag.dtype, [self._diag], is_non_singular, is_self_adjoint, is_positive_definite, True, name
            )

    @property
    def diag(self) -> Any:
        """The diagonals."""
        return self._diag

    def _shape(self) -> Any:
        return self._diag.shape.concatenate(self._diag.shape[-1:])

    def _shape_tensor(self) -> Any:
        shape = tf.shape(self._diag)
        return tf.concat((shape, [shape[-1]]), 0)

    def _assert_non_singular(self) -> Any:
        message = "Singular operator:  Diagonal contained zero values."
        return assert_no_entries_with_modulus_zero(self._diag, message=message)

    def _assert_positive_definite(self) -> Any:
        kind = "Real diagonal operator had non-positive diagonal entries"
        if self.dtype.is_complex:
            kind = "Diagonal operator had diagonal entries with non-positive real part"
        return tf.assert_positive(tf.real(self._diag), message=f"{kind}, thus was not positive definite.")

    def _assert_self_adjoint(self) -> Any:
        message = "This diagonal operator contained non-zero imaginary values.   Thus it was not self-adjoint."
        return assert_zero_imag_part(self._diag, message=message)

    def _term(self, adjoint: bool) -> Any:
        return tf.conj(self._diag) if adjoint else self._diag

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        term = self._term(adjoint)
        x = adjoint_of(x) if adjoint_arg else x
        return tf.expand_dims(term, -1) * x

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return self._term(adjoint) * x

    def _determinant(self) -> Any:
        return tf.reduce_prod(self._diag, axis=[-1])

    def _log_abs_determinant(self) -> Any:
        result = tf.reduce_sum(tf.log(tf.abs(self._diag)), axis=[-1])
        return tf.cast(result, dtype=self.dtype) if self.dtype.is_complex else result

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        term = self._term(adjoint)
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        return rhs * tf.expand_dims(1.0 / term, -1)

    def _to_dense(self) -> Any:
        return tf.matrix_diag(self._diag)

    def _diag_part(self) -> Any:
        return self.diag

    def _add_to_tensor(self, x: Any) -> Any:
        return tf.matrix_set_diag(x, self._diag + tf.matrix_diag_part(x))

    def _with(self, diag: Any) -> Any:
        return LinearOperatorDiag(
            diag, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite, is_square=True
        )

    def _adjoint(self) -> Any:
        return self._with(tf.conj(self._diag))

    def _inverse(self) -> Any:
        return self._with(1.0 / self._diag)

    def _cholesky(self) -> Any:
        return LinearOperatorDiag(tf.sqrt(self._diag), is_non_singular=True, is_self_adjoint=True, is_square=True)


def _checked_rank(value: Any, rank: int, name: str) -> Any:
    checks = [
        tf.assert_rank(value, rank, message=f"Argument {name} must be a {rank}-D Tensor."),
        tf.assert_non_negative(value, message=f"Argument {name} must be non-negative."),
    ]
    return with_dependencies(checks, value)


def _check_size(value: Any, static: Any, rank: int, name: str) -> None:
    if not value.dtype.is_integer:
        raise TypeError(f"Argument {name} must be integer type.  Found: {value}")
    if static is not None and static.ndim != rank:
        raise ValueError(f"Argument {name} must be a {rank}-D Tensor.  Found: {static}")
    if static is not None and np.any(static < 0):
        raise ValueError(f"Argument {name} must be non-negative.  Found: {static}")


def _no_variable(value: Any, name: str) -> None:
    if isinstance(value, tf.Variable):
        raise TypeError(f"Argument {name} cannot be reference type. Found: {type(value)}")


class BaseLinearOperatorIdentity(LinearOperator):
    """Multiples of the identity of `num_rows` rows."""

    _assert_proper_shapes: Any

    def _take_num_rows(self, num_rows: Any) -> None:
        self._num_rows = shape_tensor(num_rows, name="num_rows")
        self._num_rows_static = constant_value(self._num_rows)
        if self._assert_proper_shapes:
            self._num_rows = _checked_rank(self._num_rows, 0, "num_rows")
        _check_size(self._num_rows, self._num_rows_static, 0, "num_rows")

    def _matrix_shape(self) -> Any:
        n = None if self._num_rows_static is None else int(self._num_rows_static)
        return tf.TensorShape((n, n))

    def _ones_diag(self) -> Any:
        if self.shape.is_fully_defined():
            shape = self.batch_shape.concatenate([self.domain_dimension])
        else:
            size = tf.reduce_min(self.shape_tensor()[-2:])
            shape = tf.concat([self.batch_shape_tensor(), [size]], axis=0)
        return tf.ones(shape=shape, dtype=self.dtype)

    def _batch_of_ones(self) -> Any:
        batch = self.batch_shape if self.batch_shape.is_fully_defined() else self.batch_shape_tensor()
        return tf.ones(shape=batch, dtype=self.dtype)

    def _size(self) -> Any:
        known = self.domain_dimension.value
        return tf.cast(tf.reduce_min(self.shape_tensor()[-2:]), self.dtype) if known is None else known

    def _compatible(self, x: Any) -> Any:
        if not self._assert_proper_shapes:
            return x
        message = "Dimensions are not compatible.  shape[-2] of argument to be the same as this operator"
        return with_dependencies([tf.assert_equal(tf.shape(x)[-2], self.domain_dimension_tensor(), message=message)], x)


@export("linalg.LinearOperatorIdentity")
class LinearOperatorIdentity(BaseLinearOperatorIdentity):
    """The identity of `num_rows` rows, `batch_shape` times. Source: TF 1.15 `tf.linalg.LinearOperatorIdentity`."""

    def __init__(
        self, num_rows: Any, batch_shape: Any = None, dtype: Any = None, is_non_singular: Any = True,
        is_self_adjoint: Any = True, is_positive_definite: Any = True, is_square: Any = True,
        assert_proper_shapes: Any = False, name: str = "LinearOperatorIdentity",
    ):  # fmt: skip
        self._assert_proper_shapes = assert_proper_shapes
        hints = ((is_self_adjoint, "self adjoint"), (is_non_singular, "non-singular"),
                 (is_positive_definite, "positive-definite"), (is_square, "square"))  # fmt: skip
        with tf.name_scope(name):
            for hint, kind in hints:
                if not hint:
                    raise ValueError(f"An identity operator is always {kind}.")
            super().__init__(dtype or tf.float32, None, True, True, True, True, name)
            _no_variable(num_rows, "num_rows")
            _no_variable(batch_shape, "batch_shape")
            self._take_num_rows(num_rows)
            self._batch_shape_arg: Any = None
            if batch_shape is not None:
                self._take_batch_shape(batch_shape)

    def _take_batch_shape(self, batch_shape: Any) -> None:
        self._batch_shape_arg = shape_tensor(batch_shape, name="batch_shape_arg")
        self._batch_shape_static = constant_value(self._batch_shape_arg)
        if self._assert_proper_shapes:
            self._batch_shape_arg = _checked_rank(self._batch_shape_arg, 1, "batch_shape")
        _check_size(self._batch_shape_arg, self._batch_shape_static, 1, "batch_shape")

    def _shape(self) -> Any:
        if self._batch_shape_arg is None:
            return self._matrix_shape()
        return tf.TensorShape(self._batch_shape_static).concatenate(self._matrix_shape())

    def _shape_tensor(self) -> Any:
        shape = tf.stack((self._num_rows, self._num_rows), axis=0)
        return shape if self._batch_shape_arg is None else tf.concat((self._batch_shape_arg, shape), 0)

    def _assert_non_singular(self) -> Any:
        return tf.no_op("assert_non_singular")

    def _assert_positive_definite(self) -> Any:
        return tf.no_op("assert_positive_definite")

    def _assert_self_adjoint(self) -> Any:
        return tf.no_op("assert_self_adjoint")

    def _widened(self, x: Any) -> Any:
        if self._batch_shape_arg is None:
            return x
        shape = self.batch_shape.concatenate([1, 1])
        if not shape.is_fully_defined():
            shape = tf.concat((self.batch_shape_tensor(), [1, 1]), 0)
        elif tf.broadcast_static_shape(x.shape, shape) == x.shape:
            return x
        return x + tf.zeros(shape=shape, dtype=self.dtype)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._widened(self._compatible(adjoint_of(x) if adjoint_arg else x))

    def _determinant(self) -> Any:
        return tf.ones(shape=self.batch_shape_tensor(), dtype=self.dtype)

    def _log_abs_determinant(self) -> Any:
        return tf.zeros(shape=self.batch_shape_tensor(), dtype=self.dtype)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._matmul(rhs, adjoint_arg=adjoint_arg)

    def _trace(self) -> Any:
        ones = self._batch_of_ones()
        return self._size() * ones

    def _diag_part(self) -> Any:
        return self._ones_diag()

    def _add_to_tensor(self, x: Any) -> Any:
        return tf.matrix_set_diag(x, 1 + tf.matrix_diag_part(x))

    def _inverse(self) -> Any:
        return self

    def _cholesky(self) -> Any:
        return LinearOperatorIdentity(self._num_rows, self._batch_shape_arg, dtype=self.dtype)


@export("linalg.LinearOperatorScaledIdentity")
class LinearOperatorScaledIdentity(BaseLinearOperatorIdentity):
    """`multiplier: [...]` times the identity of `num_rows` rows. Source: TF 1.15 `tf.linalg.LinearOperatorScaledIdentity`."""

    def __init__(
        self, num_rows: Any, multiplier: Any, is_non_singular: Any = None, is_self_adjoint: Any = None,
        is_positive_definite: Any = None, is_square: Any = True, assert_proper_shapes: Any = False,
        name: str = "LinearOperatorScaledIdentity",
    ):  # fmt: skip
        self._assert_proper_shapes = assert_proper_shapes
        with tf.name_scope(name, values=[multiplier, num_rows]):
            self._multiplier = convert_nonref_to_tensor(multiplier, name="multiplier")
            if not self._multiplier.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError(_REAL)
                is_self_adjoint = True
            if not is_square:
                raise ValueError("A ScaledIdentity operator is always square.")
            _no_variable(num_rows, "num_rows")
            dtype = self._multiplier.dtype.base_dtype
            super().__init__(dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name)
            self._take_num_rows(num_rows)
            self._num_rows_cast_to_dtype = tf.cast(self._num_rows, self.dtype)
            self._num_rows_cast_to_real_dtype = tf.cast(self._num_rows, self.dtype.real_dtype)

    @property
    def multiplier(self) -> Any:
        """The multipliers."""
        return self._multiplier

    def _shape(self) -> Any:
        return self.multiplier.shape.concatenate(self._matrix_shape())

    def _shape_tensor(self) -> Any:
        shape = tf.stack((self._num_rows, self._num_rows), axis=0)
        return tf.concat((tf.shape(self.multiplier), shape), 0)

    def _assert_non_singular(self) -> Any:
        return tf.assert_positive(tf.abs(self.multiplier), message="LinearOperator was singular")

    def _assert_positive_definite(self) -> Any:
        message = "LinearOperator was not positive definite."
        return tf.assert_positive(tf.real(self.multiplier), message=message)

    def _assert_self_adjoint(self) -> Any:
        imaginary = tf.imag(self.multiplier)
        return tf.assert_equal(tf.zeros_like(imaginary), imaginary, message="LinearOperator was not self-adjoint")

    def _matrix(self, conjugate: bool = False) -> Any:
        matrix = tf.expand_dims(tf.expand_dims(self.multiplier, -1), -1)
        return tf.conj(matrix) if conjugate else matrix

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        x = self._compatible(adjoint_of(x) if adjoint_arg else x)
        return x * self._matrix(conjugate=adjoint)

    def _determinant(self) -> Any:
        return self.multiplier**self._num_rows_cast_to_dtype

    def _log_abs_determinant(self) -> Any:
        return self._num_rows_cast_to_real_dtype * tf.log(tf.abs(self.multiplier))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = self._compatible(adjoint_of(rhs) if adjoint_arg else rhs)
        return rhs / self._matrix(conjugate=adjoint)

    def _trace(self) -> Any:
        ones = self._batch_of_ones()
        return self.multiplier * self._size() * ones

    def _diag_part(self) -> Any:
        return self._ones_diag() * self.multiplier[..., tf.newaxis]

    def _add_to_tensor(self, x: Any) -> Any:
        multipliers = tf.expand_dims(self.multiplier, -1)
        return tf.matrix_set_diag(x, multipliers + tf.matrix_diag_part(x))

    def _with(self, multiplier: Any) -> Any:
        return LinearOperatorScaledIdentity(
            self._num_rows, multiplier, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite, True
        )

    def _adjoint(self) -> Any:
        return self._with(tf.conj(self.multiplier))

    def _inverse(self) -> Any:
        return self._with(1.0 / self.multiplier)

    def _cholesky(self) -> Any:
        return self._with(tf.sqrt(self.multiplier))
