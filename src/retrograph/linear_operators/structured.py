"""Operators that few numbers describe: circulant and Toeplitz matrices, reflections, and zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.solving import (
    adjoint_of,
    assert_compatible_matrix_dimensions,
    assert_no_entries_with_modulus_zero,
    assert_not_ref_type,
    assert_zero_imag_part,
    broadcast_matrix_batch_dims,
    convert_nonref_to_tensor,
    shape_tensor,
)
from retrograph.ops.control_flow import with_dependencies

_TRANSFORMS = {1: ("fft", "ifft"), 2: ("fft2d", "ifft2d"), 3: ("fft3d", "ifft3d")}


def _to_complex(x: Any) -> Any:
    if x.dtype.is_complex:
        return x
    return tf.cast(x, tf.complex128 if x.dtype == tf.float64 else tf.complex64)


def _rotated(x: Any, shift: int) -> Any:
    """The axes moved on: the last comes first for a shift of 1."""
    if x.shape.ndims is not None:
        return tf.transpose(x, np.roll(np.arange(x.shape.ndims), shift))
    rank = tf.rank(x)
    shift = tf.where(tf.less(0, shift), tf.mod(-shift, rank), tf.mod(-shift, rank))
    first, last = tf.range(0, shift), tf.range(shift, rank)
    return tf.transpose(x, tf.concat([last, first], 0))


class _BaseLinearOperatorCirculant(LinearOperator):
    """Matrices that Fourier's transform makes diagonal: `spectrum: [..., n1, ...]` is what they are then."""

    def __init__(
        self, spectrum: Any, block_depth: int, input_output_dtype: Any, hints: tuple[Any, ...], name: str,
    ):  # fmt: skip
        is_non_singular, is_self_adjoint, is_positive_definite, is_square = hints
        self._block_depth = block_depth
        with tf.name_scope(name, values=[spectrum]):
            self._spectrum = tf.convert_to_tensor(spectrum, name="spectrum")
            if self._spectrum.shape.ndims is not None and self._spectrum.shape.ndims < block_depth:
                text = f"Argument spectrum must have at least {block_depth} dimensions."
                raise ValueError(f"{text}  Found: {self._spectrum}")
            if not self._spectrum.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError("A real spectrum always corresponds to a self-adjoint operator.")
                is_self_adjoint = True
            if is_square is False:
                raise ValueError("A [[nested] block] circulant operator is always square.")
            self._block_shape_tensor = tf.shape(self._spectrum)[-block_depth:]
            self._spectrum_complex = _to_complex(self._spectrum)
            self._abs_spectrum = tf.abs(self._spectrum)
            self._conj_spectrum = tf.conj(self._spectrum_complex)
            super().__init__(
                tf.as_dtype(input_output_dtype), [self._spectrum], is_non_singular, is_self_adjoint,
                is_positive_definite, True, name,
            )  # fmt: skip

    @property
    def block_depth(self) -> int:
        """How many axes of the spectrum make one matrix."""
        return self._block_depth

    def block_shape_tensor(self) -> Any:
        """i32[block_depth]: the sizes of these axes."""
        return self._block_shape_tensor

    @property
    def block_shape(self) -> Any:
        """The static sizes of these axes."""
        return self.spectrum.shape[-self.block_depth :]

    @property
    def spectrum(self) -> Any:
        """The eigenvalues, in the order of the transform."""
        return self._spectrum

    def _to_blocks(self, matrix: Any) -> Any:
        vec = _rotated(matrix, 1)
        if vec.shape.is_fully_defined() and self.block_shape.is_fully_defined():
            return tf.reshape(vec, vec.shape[:-1].concatenate(self.block_shape))
        return tf.reshape(vec, tf.concat((tf.shape(vec)[:-1], self.block_shape_tensor()), 0))

    def _to_matrix(self, vec: Any) -> Any:
        depth = self.block_depth
        if vec.shape.is_fully_defined():
            sizes = vec.shape.as_list()
            return _rotated(tf.reshape(vec, [*sizes[:-depth], int(np.prod(sizes[-depth:]))]), -1)
        shape = tf.shape(vec)
        flat = tf.concat((shape[:-depth], [tf.reduce_prod(shape[-depth:])]), 0)
        return _rotated(tf.reshape(vec, flat), -1)

    def _fft(self, x: Any) -> Any:
        return getattr(tf.signal, _TRANSFORMS[self.block_depth][0])(_to_complex(x))

    def _ifft(self, x: Any) -> Any:
        return getattr(tf.signal, _TRANSFORMS[self.block_depth][1])(_to_complex(x))

    def convolution_kernel(self, name: str = "convolution_kernel") -> Any:
        """The kernel that the operator convolves with: the spectrum transformed back."""
        with self._name_scope(name):
            return tf.cast(self._ifft(self._spectrum_complex), self.dtype)

    def _shape(self) -> Any:
        shape, depth = self._spectrum.shape, self.block_depth
        sizes = shape[-depth:]
        n = int(np.prod(sizes.as_list())) if sizes.is_fully_defined() else None
        return shape[:-depth].concatenate(tf.TensorShape([n, n]))

    def _shape_tensor(self) -> Any:
        shape = tf.shape(self._spectrum)
        n = tf.reduce_prod(shape[-self.block_depth :])
        return tf.concat((shape[: -self.block_depth], [n, n]), 0)

    def assert_hermitian_spectrum(self, name: str = "assert_hermitian_spectrum") -> Any:
        """An operation that fails unless the kernel is real."""
        eps = np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps
        with self._name_scope(name):
            most = eps * tf.cast(self.domain_dimension_tensor(), self.dtype.real_dtype)
            imaginary = tf.imag(self.convolution_kernel())
            return tf.assert_less(tf.abs(imaginary), most, message="Spectrum was not Hermitian")

    def _assert_non_singular(self) -> Any:
        message = "Singular operator:  Spectrum contained zero values."
        return assert_no_entries_with_modulus_zero(self.spectrum, message=message)

    def _assert_positive_definite(self) -> Any:
        message = "Not positive definite:  Real part of spectrum was not all positive."
        return tf.assert_positive(tf.real(self.spectrum), message=message)

    def _assert_self_adjoint(self) -> Any:
        message = "Not self-adjoint:  The spectrum contained non-zero imaginary part."
        return assert_zero_imag_part(self.spectrum, message=message)

    def _broadcast(self, x: Any, spectrum: Any) -> tuple[Any, Any]:
        columns = tf.reshape(spectrum, tf.concat((self.batch_shape_tensor(), [-1, 1]), axis=0))
        x, columns = broadcast_matrix_batch_dims((x, columns))
        shape = tf.concat((tf.shape(x)[:-2], self.block_shape_tensor()), axis=0)
        return x, tf.reshape(columns, shape)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        x = adjoint_of(x) if adjoint_arg else x
        spectrum = self._conj_spectrum if adjoint else self._spectrum_complex
        x, spectrum = self._broadcast(tf.cast(x, spectrum.dtype), spectrum)
        product = self._ifft(spectrum * self._fft(self._to_blocks(x)))
        return tf.cast(self._to_matrix(product), self.dtype)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        spectrum = self._conj_spectrum if adjoint else self._spectrum_complex
        rhs, spectrum = self._broadcast(tf.cast(rhs, spectrum.dtype), spectrum)
        solution = self._ifft(self._fft(self._to_blocks(rhs)) / spectrum)
        return tf.cast(self._to_matrix(solution), self.dtype)

    def _block_axes(self) -> list[int]:
        return [-(i + 1) for i in range(self.block_depth)]

    def _determinant(self) -> Any:
        return tf.cast(tf.reduce_prod(self.spectrum, axis=self._block_axes()), self.dtype)

    def _log_abs_determinant(self) -> Any:
        return tf.cast(tf.reduce_sum(tf.log(self._abs_spectrum), axis=self._block_axes()), self.dtype)

    def _diag_part(self) -> Any:
        known = self.shape.is_fully_defined()
        shape = self.shape[:-1] if known else self.shape_tensor()[:-1]
        size = self.domain_dimension.value if known else self.domain_dimension_tensor()
        ones = tf.ones(shape, dtype=self.dtype)
        return (self.trace() / tf.cast(size, self.dtype))[..., tf.newaxis] * ones

    def _trace(self) -> Any:
        real = tf.reduce_sum(tf.real(self.spectrum), axis=self._block_axes())
        if not self.dtype.is_complex:
            return tf.cast(real, self.dtype)
        if self.is_self_adjoint:
            imaginary = tf.zeros_like(real)
        else:
            imaginary = tf.reduce_sum(tf.imag(self.spectrum), axis=self._block_axes())
        return tf.cast(tf.complex(real, imaginary), self.dtype)


@export("linalg.LinearOperatorCirculant")
class LinearOperatorCirculant(_BaseLinearOperatorCirculant):
    """Circulant matrices with the eigenvalues `spectrum: [..., n]`. Source: TF 1.15 `tf.linalg.LinearOperatorCirculant`."""

    def __init__(
        self, spectrum: Any, input_output_dtype: Any = tf.complex64, is_non_singular: Any = None,
        is_self_adjoint: Any = None, is_positive_definite: Any = None, is_square: Any = True,
        name: str = "LinearOperatorCirculant",
    ):  # fmt: skip
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(spectrum, 1, input_output_dtype, hints, name)

    def _with(self, spectrum: Any) -> Any:
        hints = (self.is_non_singular, self.is_self_adjoint, self.is_positive_definite)
        return LinearOperatorCirculant(spectrum, tf.complex64, *hints, is_square=True)

    def _adjoint(self) -> Any:
        return self._with(tf.conj(self.spectrum) if self.spectrum.dtype.is_complex else self.spectrum)

    def _inverse(self) -> Any:
        return self._with(1.0 / self.spectrum)


@export("linalg.LinearOperatorCirculant2D")
class LinearOperatorCirculant2D(_BaseLinearOperatorCirculant):
    """Block circulant matrices of `spectrum: [..., n1, n2]`. Source: TF 1.15 `tf.linalg.LinearOperatorCirculant2D`."""

    def __init__(
        self, spectrum: Any, input_output_dtype: Any = tf.complex64, is_non_singular: Any = None,
        is_self_adjoint: Any = None, is_positive_definite: Any = None, is_square: Any = True,
        name: str = "LinearOperatorCirculant2D",
    ):  # fmt: skip
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(spectrum, 2, input_output_dtype, hints, name)


@export("linalg.LinearOperatorCirculant3D")
class LinearOperatorCirculant3D(_BaseLinearOperatorCirculant):
    """Nested block circulant matrices of `spectrum: [..., n1, n2, n3]`.

    Source: TF 1.15 `tf.linalg.LinearOperatorCirculant3D`.
    """

    def __init__(
        self, spectrum: Any, input_output_dtype: Any = tf.complex64, is_non_singular: Any = None,
        is_self_adjoint: Any = None, is_positive_definite: Any = None, is_square: Any = True,
        name: str = "LinearOperatorCirculant3D",
    ):  # fmt: skip
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(spectrum, 3, input_output_dtype, hints, name)


@export("linalg.LinearOperatorToeplitz")
class LinearOperatorToeplitz(LinearOperator):
    """Matrices whose diagonals are constant, of their first columns and rows `[..., n]`.

    Source: TF 1.15 `tf.linalg.LinearOperatorToeplitz`.
    """

    def __init__(
        self, col: Any, row: Any, is_non_singular: Any = None, is_self_adjoint: Any = None,
        is_positive_definite: Any = None, is_square: Any = None, name: str = "LinearOperatorToeplitz",
    ):  # fmt: skip
        with tf.name_scope(name, values=[row, col]):
            self._row, self._col = tf.convert_to_tensor(row, name="row"), tf.convert_to_tensor(col, name="col")
            self._check()
            # A circulant matrix of twice the size holds this one in its corner.
            zeros = tf.zeros_like(self._col[..., 0:1])
            column = tf.concat([self._col, zeros, tf.reverse(self._row[..., 1:], axis=[-1])], axis=-1)
            wide = tf.complex128 if column.dtype in (tf.float64, tf.complex128) else tf.complex64
            spectrum = tf.signal.fft(tf.cast(column, wide))
            self._circulant = LinearOperatorCirculant(spectrum, input_output_dtype=self._row.dtype)
            if is_square is False:
                raise ValueError("Only square Toeplitz operators currently supported.")
            parents = [self._row, self._col]
            super().__init__(
                self._row.dtype, parents, is_non_singular, is_self_adjoint, is_positive_definite, True, name
            )

    def _check(self) -> None:
        for name, tensor in (("row", self._row), ("col", self._col)):
            if tensor.shape.ndims is not None and tensor.shape.ndims < 1:
                raise ValueError(f"Argument {name} must have at least 1 dimension.  Found: {tensor}")
        rows, columns = self._row.shape, self._col.shape
        if rows.ndims and columns.ndims and None not in (rows.dims[-1].value, columns.dims[-1].value):
            if rows.dims[-1].value != columns.dims[-1].value:
                raise ValueError("Expected square matrix, got row and col with mismatched dimensions.")

    @property
    def col(self) -> Any:
        """The first columns."""
        return self._col

    @property
    def row(self) -> Any:
        """The first rows."""
        return self._row

    def _shape(self) -> Any:
        shape = tf.broadcast_static_shape(self.row.shape, self.col.shape)
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self) -> Any:
        shape = tf.broadcast_dynamic_shape(tf.shape(self.row), tf.shape(self.col))
        return tf.concat((shape, [shape[-1]]), 0)

    def _assert_self_adjoint(self) -> Any:
        message = "row and col are not the same, and so this operator is not self-adjoint."
        return tf.assert_equal(self.row, self.col, message=message)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        x = adjoint_of(x) if adjoint_arg else x
        wide = tf.concat([x, tf.zeros_like(x)], axis=-2)
        result = self._circulant.matmul(wide, adjoint=adjoint, adjoint_arg=False)
        return tf.cast(result[..., : self.domain_dimension_tensor(), :], self.dtype)

    def _trace(self) -> Any:
        return tf.cast(self.domain_dimension_tensor(), dtype=self.dtype) * self.col[..., 0]

    def _diag_part(self) -> Any:
        return self.col[..., 0:1] * tf.ones([self.domain_dimension_tensor()], self.dtype)


@export("linalg.LinearOperatorHouseholder")
class LinearOperatorHouseholder(LinearOperator):
    """Reflections along `reflection_axis: [..., n]`. Source: TF 1.15 `tf.linalg.LinearOperatorHouseholder`."""

    def __init__(
        self, reflection_axis: Any, is_non_singular: Any = None, is_self_adjoint: Any = None,
        is_positive_definite: Any = None, is_square: Any = None, name: str = "LinearOperatorHouseholder",
    ):  # fmt: skip
        with tf.name_scope(name, values=[reflection_axis]):
            self._reflection_axis = convert_nonref_to_tensor(reflection_axis, name="reflection_axis")
            axis = self._reflection_axis
            if axis.shape.ndims is not None and axis.shape.ndims < 1:
                raise ValueError(f"Argument reflection_axis must have at least 1 dimension.  Found: {axis}")
            if is_self_adjoint is False:
                raise ValueError("A Householder operator is always self adjoint.")
            if is_positive_definite is True:
                raise ValueError("A Householder operator is always non-positive definite.")
            if is_square is False:
                raise ValueError("A Householder operator is always square.")
            super().__init__(axis.dtype.base_dtype, [axis], is_non_singular, True, False, True, name)

    @property
    def reflection_axis(self) -> Any:
        """The vectors that are turned around."""
        return self._reflection_axis

    def _shape(self) -> Any:
        shape = self._reflection_axis.shape
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self) -> Any:
        shape = tf.shape(self._reflection_axis)
        return tf.concat((shape, [shape[-1]]), 0)

    def _assert_non_singular(self) -> Any:
        return tf.no_op("assert_non_singular")

    def _assert_positive_definite(self) -> Any:
        raise errors.InvalidArgumentError(None, None, "Householder operators are always non-positive definite.")

    def _assert_self_adjoint(self) -> Any:
        return tf.no_op("assert_self_adjoint")

    def _normalized(self) -> Any:
        axis = tf.convert_to_tensor(self.reflection_axis)
        return axis / tf.norm(axis, axis=-1, keepdims=True)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        x = adjoint_of(x) if adjoint_arg else x
        axis = self._normalized()[..., tf.newaxis]
        return x - 2 * axis * tf.matmul(axis, x, adjoint_a=True)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _trace(self) -> Any:
        ones = tf.ones(shape=self.batch_shape_tensor(), dtype=self.dtype)
        return tf.cast(self.domain_dimension_tensor() - 2, self.dtype) * ones

    def _determinant(self) -> Any:
        return -tf.ones(shape=self.batch_shape_tensor(), dtype=self.dtype)

    def _log_abs_determinant(self) -> Any:
        return tf.zeros(shape=self.batch_shape_tensor(), dtype=self.dtype)

    def _to_dense(self) -> Any:
        axis = self._normalized()[..., tf.newaxis]
        matrix = -2 * tf.matmul(axis, axis, adjoint_b=True)
        return tf.matrix_set_diag(matrix, 1.0 + tf.matrix_diag_part(matrix))

    def _diag_part(self) -> Any:
        axis = self._normalized()
        return 1.0 - 2 * axis * tf.conj(axis)

    def _adjoint(self) -> Any:
        return self

    def _inverse(self) -> Any:
        return self


def _size(value: Any, name: str, rank: int, kind: str, check: bool) -> tuple[Any, Any]:
    """(tensor, the value if it is known now) of a size; ValueError, TypeError if it cannot be one."""
    assert_not_ref_type(value, name.replace("_arg", ""))
    tensor = shape_tensor(value, name=name)
    argument = f"Argument {name.replace('_arg', '')} must be"
    if check:
        checks = [
            tf.assert_rank(tensor, rank, message=f"{argument} a {rank}-D Tensor."),
            tf.assert_non_negative(tensor, message=f"{argument} non-negative."),
        ]
        tensor = with_dependencies(checks, tensor)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{argument} integer type.  Found: {tensor}")
    known = constant_value(tf.convert_to_tensor(value) if check else tensor)
    if known is None:
        return tensor, None
    if known.ndim != rank:
        raise ValueError(f"{argument} a {rank}-D Tensor.  Found: {known}")
    if (known < 0).any():
        raise ValueError(f"{argument} non-negative.  Found:{kind}{known}")
    return tensor, known


@export("linalg.LinearOperatorZeros")
class LinearOperatorZeros(LinearOperator):
    """Matrices of zeros: `[*batch_shape, num_rows, num_columns]`. Source: TF 1.15 `tf.linalg.LinearOperatorZeros`."""

    def __init__(
        self, num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = None,
        is_non_singular: Any = False, is_self_adjoint: Any = True, is_positive_definite: Any = False,
        is_square: Any = True, assert_proper_shapes: bool = False, name: str = "LinearOperatorZeros",
    ):  # fmt: skip
        self._assert_proper_shapes = assert_proper_shapes
        with tf.name_scope(name):
            if not is_self_adjoint and is_square:
                raise ValueError("A zero operator is always self adjoint.")
            if is_non_singular:
                raise ValueError("A zero operator is always singular.")
            if is_positive_definite:
                raise ValueError("A zero operator is always not positive-definite.")
            hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
            super().__init__(tf.as_dtype(dtype or tf.float32), None, *hints, name=name)
            self._take_sizes(num_rows, num_rows if num_columns is None else num_columns, is_square)
            self._batch_shape_arg: Any = None
            if batch_shape is not None:
                found = _size(batch_shape, "batch_shape_arg", 1, "", assert_proper_shapes)
                self._batch_shape_arg, self._batch_shape_static = found

    def _take_sizes(self, num_rows: Any, num_columns: Any, is_square: Any) -> None:
        check = self._assert_proper_shapes
        self._num_rows, self._num_rows_static = _size(num_rows, "num_rows", 0, " ", check)
        self._num_columns, self._num_columns_static = _size(num_columns, "num_columns", 0, " ", check)
        rows, columns = self._num_rows_static, self._num_columns_static
        if is_square and rows is not None and columns is not None and rows != columns:
            text = "LinearOperatorZeros initialized as is_square=True, but got"
            raise ValueError(f"{text} num_rows({rows}) != num_columns({columns})")

    def _shape(self) -> Any:
        sizes = (self._num_rows_static, self._num_columns_static)
        matrix = tf.TensorShape([None if size is None else int(size) for size in sizes])
        if self._batch_shape_arg is None:
            return matrix
        known = self._batch_shape_static
        batch = tf.TensorShape(None if known is None else known.tolist())
        return batch.concatenate(matrix)

    def _shape_tensor(self) -> Any:
        matrix = tf.stack((self._num_rows, self._num_columns), axis=0)
        return matrix if self._batch_shape_arg is None else tf.concat((self._batch_shape_arg, matrix), 0)

    def _assert_non_singular(self) -> Any:
        raise errors.InvalidArgumentError(None, None, "Zero operators are always non-invertible.")

    def _assert_positive_definite(self) -> Any:
        raise errors.InvalidArgumentError(None, None, "Zero operators are always non-positive definite.")

    def _assert_self_adjoint(self) -> Any:
        return tf.no_op("assert_self_adjoint")

    def _widened(self, x: Any) -> Any:
        """`x` with the batch shape of this operator."""
        if self._batch_shape_arg is None:
            return x
        special = self.batch_shape.concatenate([1, 1])
        wide = tf.broadcast_static_shape(x.shape, special)
        if not special.is_fully_defined():
            special = tf.concat((self.batch_shape_tensor(), [1, 1]), 0)
        elif wide.is_fully_defined() and wide == x.shape:
            return x
        return x + tf.zeros(shape=special, dtype=self.dtype)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        if self._assert_proper_shapes:
            x = adjoint_of(x) if adjoint_arg else x
            x, adjoint_arg = with_dependencies([assert_compatible_matrix_dimensions(self, x)], x), False
        shape = tf.shape(x)
        rows = self._num_columns if adjoint else self._num_rows
        if self.is_square:
            rows = shape[-1] if adjoint_arg else shape[-2]
        columns = shape[-2] if adjoint_arg else shape[-1]
        zeros = tf.zeros(shape=tf.concat([shape[:-2], [rows, columns]], axis=0), dtype=x.dtype)
        return self._widened(zeros)

    def _batch_of_zeros(self) -> Any:
        known = self.batch_shape.is_fully_defined()
        return tf.zeros(shape=self.batch_shape if known else self.batch_shape_tensor(), dtype=self.dtype)

    def _determinant(self) -> Any:
        return self._batch_of_zeros()

    def _trace(self) -> Any:
        return self._batch_of_zeros()

    def _diag_part(self) -> Any:
        if self.shape.is_fully_defined():
            least = min(self.domain_dimension.value, self.range_dimension.value)
            return tf.zeros(shape=self.batch_shape.concatenate([least]), dtype=self.dtype)
        least = tf.reduce_min(self.shape_tensor()[-2:])
        return tf.zeros(shape=tf.concat([self.batch_shape_tensor(), [least]], axis=0), dtype=self.dtype)

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Any:
        """`x`, with the batch shape of this operator."""
        return self._widened(x)
