"""Bijectors with matrices: affine maps of vectors, and maps of triangular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.bijector import Bijector, scalar_zero
from retrograph.distributions.event_shape import _DistributionShape
from retrograph.distributions.matrices import fill_triangular, fill_triangular_inverse
from retrograph.distributions.naming import bijector
from retrograph.distributions.scalar_bijectors import AffineScalar, Softplus
from retrograph.distributions.scales import as_tensor, make_tril_scale
from retrograph.distributions.shapes import dimension_size, pick_vector
from retrograph.distributions.vector_bijectors import Chain
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.dense import LinearOperatorLowRankUpdate
from retrograph.ops.control_flow import with_dependencies


def _batch_ndims(scale: Any) -> Any:
    rank = scale.tensor_rank
    return scale.tensor_rank_tensor() - 2 if rank is None else rank - 2


def _incompatible(shift: Any, scale: Any) -> TypeError:
    return TypeError(f"shift.dtype({shift.dtype}) is incompatible with scale.dtype({scale.dtype}).")


class _ByOperator(Bijector):
    """y = scale @ x + shift with an operator: x is seen as a batch of matrices whose columns are samples."""

    _shift: Any
    _scale: Any
    _shaper: Any

    @property
    def shift(self) -> Any:
        """What is added; None: nothing."""
        return self._shift

    @property
    def scale(self) -> Any:
        """The operator (or the multiplier) that `x` is multiplied with."""
        return self._scale

    def _checks(self) -> list[Any]:
        if not self.validate_args:
            return []
        try:
            return [self.scale.assert_non_singular()]
        except NotImplementedError:
            return []

    def _scaled(self, x: Any) -> Any:
        x, samples = self._shaper.make_batch_of_event_sample_matrices(x, expand_batch_dim=False)
        with tf.control_dependencies(self._checks()):
            x = self.scale.matmul(x)
        return self._shaper.undo_make_batch_of_event_sample_matrices(x, samples, expand_batch_dim=False)

    def _unscaled(self, x: Any) -> Any:
        x, samples = self._shaper.make_batch_of_event_sample_matrices(x, expand_batch_dim=False)
        x = self.scale.solve(x)
        return self._shaper.undo_make_batch_of_event_sample_matrices(x, samples, expand_batch_dim=False)

    def _forward(self, x: Any) -> Any:
        y = self._scaled(x)
        return y if self.shift is None else y + self.shift

    def _inverse(self, y: Any) -> Any:
        return self._unscaled(y if self.shift is None else y - self.shift)


@bijector("Affine")
class Affine(_ByOperator):
    """y = scale @ x + shift, the scale being the sum of what is given of it.

    ValueError for a perturbation without a factor, TypeError for two dtypes. Source: TF 1.15
    `tf.contrib.distributions.bijectors.Affine`.
    """

    def __init__(
        self, shift: Any = None, scale_identity_multiplier: Any = None, scale_diag: Any = None,
        scale_tril: Any = None, scale_perturb_factor: Any = None, scale_perturb_diag: Any = None,
        validate_args: Any = False, name: str = "affine",
    ):  # fmt: skip
        self._begin(name)
        self._validate_args = validate_args
        if scale_perturb_diag is not None and scale_perturb_factor is None:
            raise ValueError("When scale_perturb_diag is specified, scale_perturb_factor must be specified.")
        parts = {"identity_multiplier": scale_identity_multiplier, "diag": scale_diag, "tril": scale_tril,
                 "perturb_diag": scale_perturb_diag, "perturb_factor": scale_perturb_factor}  # fmt: skip
        others = (scale_tril, scale_diag, scale_perturb_factor)
        self._is_only_identity_multiplier = all(part is None for part in others)
        with self._name_scope("init", values=[shift, *parts.values()]):
            self._shift = as_tensor(shift, "shift")
            dtype = tf.float32 if shift is None else self._shift.dtype.base_dtype
            if self._is_only_identity_multiplier and scale_identity_multiplier is None:
                parts["identity_multiplier"] = tf.convert_to_tensor(1.0, dtype=dtype)
            self._scale = self._made_scale({name: as_tensor(part, name) for name, part in parts.items()})
            dtype, batch_ndims = self._check_scale()
            self._shaper = _DistributionShape(batch_ndims=batch_ndims, event_ndims=1, validate_args=validate_args)
            super().__init__(self._parents(), True, validate_args, dtype, forward_min_event_ndims=1, name=name)

    def _made_scale(self, parts: dict[str, Any]) -> Any:
        multiplier, factor = parts["identity_multiplier"], parts["perturb_factor"]
        if self._is_only_identity_multiplier:
            if not self._validate_args:
                return multiplier
            zero = tf.zeros([], multiplier.dtype)
            check = tf.assert_none_equal(multiplier, zero, ["identity_multiplier should be non-zero."])
            return with_dependencies([check], multiplier)
        hint = None if factor is None else dimension_size(factor, axis=-2)
        scale = make_tril_scale(self._shift, parts["tril"], parts["diag"], multiplier, hint, self._validate_args, False)
        if factor is None:
            return scale
        diag = parts["perturb_diag"]
        return LinearOperatorLowRankUpdate(
            scale, u=factor, diag_update=diag, is_diag_update_positive=diag is None, is_non_singular=True,
            is_self_adjoint=True, is_positive_definite=True, is_square=True,
        )  # fmt: skip

    def _check_scale(self) -> tuple[Any, Any]:
        dtype = self._scale.dtype.base_dtype
        if self._is_only_identity_multiplier:
            return dtype, 0
        if self._shift is not None and self._shift.dtype.base_dtype != dtype:
            raise _incompatible(self._shift, self._scale)
        return dtype, _batch_ndims(self._scale)

    def _parents(self) -> list[Any]:
        if tf.is_tensor(self._scale):
            return [self._scale]
        return [] if self._shift is None else [*self._scale.graph_parents, self._shift]

    def _forward(self, x: Any) -> Any:
        if not self._is_only_identity_multiplier:
            return super()._forward(x)
        y = x * self._scale
        return y if self.shift is None else y + self.shift

    def _inverse(self, y: Any) -> Any:
        if not self._is_only_identity_multiplier:
            return super()._inverse(y)
        return (y if self.shift is None else y - self.shift) / self._scale

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        if not self._is_only_identity_multiplier:
            return self.scale.log_abs_determinant()
        size = tf.cast(tf.shape(x)[-1], dtype=self._scale.dtype)
        return tf.log(tf.abs(self._scale)) * size


@bijector("AffineLinearOperator")
class AffineLinearOperator(_ByOperator):
    """y = scale @ x + shift with a `tf.linalg.LinearOperator`.

    TypeError for two dtypes or another kind of scale. Source: TF 1.15
    `tf.contrib.distributions.bijectors.AffineLinearOperator`.
    """

    def __init__(
        self, shift: Any = None, scale: Any = None, validate_args: Any = False, name: str = "affine_linear_operator"
    ):
        self._begin(name)
        self._validate_args = validate_args
        parents, batch_ndims = [], 0
        with self._name_scope("init", values=[shift]):
            self._shift = as_tensor(shift, "shift")
            dtype = tf.float32
            if shift is not None:
                parents.append(self._shift)
                dtype = self._shift.dtype.base_dtype
            if scale is not None:
                self._check_scale(scale, validate_args)
                parents += scale.graph_parents
                batch_ndims = _batch_ndims(scale)
                parents += [batch_ndims] if tf.is_tensor(batch_ndims) else []
                dtype = dtype if scale.dtype is None else scale.dtype.base_dtype
            self._scale = scale
            self._shaper = _DistributionShape(batch_ndims=batch_ndims, event_ndims=1, validate_args=validate_args)
            super().__init__(parents, True, validate_args, dtype, forward_min_event_ndims=1, name=name)

    def _check_scale(self, scale: Any, validate_args: Any) -> None:
        if self._shift is not None and self._shift.dtype.base_dtype != scale.dtype.base_dtype:
            raise _incompatible(self._shift, scale)
        if not isinstance(scale, LinearOperator):
            raise TypeError("scale is not an instance of tf.LinearOperator")
        if validate_args and not scale.is_non_singular:
            raise ValueError("Scale matrix must be non-singular.")

    def _scaled(self, x: Any) -> Any:
        return x if self.scale is None else super()._scaled(x)

    def _unscaled(self, x: Any) -> Any:
        return x if self.scale is None else super()._unscaled(x)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        if self.scale is None:
            return scalar_zero(x)
        with tf.control_dependencies(self._checks()):
            return self.scale.log_abs_determinant()


@bijector("CholeskyOuterProduct")
class CholeskyOuterProduct(Bijector):
    """y = x @ transpose(x) for lower triangular x with a positive diagonal.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.CholeskyOuterProduct`.
    """

    def __init__(self, validate_args: Any = False, name: str = "cholesky_outer_product"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=2, name=name)

    def _forward(self, x: Any) -> Any:
        if self.validate_args:
            is_matrix = tf.assert_rank_at_least(x, 2)
            shape = tf.shape(x)
            x = with_dependencies([is_matrix, tf.assert_equal(shape[-2], shape[-1])], x)
        x = tf.matrix_band_part(x, -1, 0)
        return tf.matmul(x, x, adjoint_b=True)

    def _inverse(self, y: Any) -> Any:
        return tf.cholesky(y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        """p log 2 + sum over i of (p - i) log x[i, i], for i from 0."""
        diagonal = self._make_columnar(tf.matrix_diag_part(x))
        if self.validate_args:
            x = with_dependencies(self._matrix_checks(x, diagonal), x)
        rank, known = x.get_shape().ndims, None if x.get_shape().dims is None else x.get_shape().dims[-1].value
        p: Any = tf.shape(x)[-1] if known is None else known
        p_float = tf.cast(p, dtype=x.dtype) if known is None else np.array(p, dtype=x.dtype.as_numpy_dtype)
        exponents = tf.linspace(p_float, 1.0, p)
        weighted = tf.squeeze(tf.matmul(tf.log(diagonal), exponents[..., tf.newaxis]), axis=-1)
        fldj = p_float * np.log(2.0) + weighted
        if rank is not None:
            return tf.squeeze(fldj, axis=-1) if rank == 2 else fldj
        shape = tf.shape(fldj)
        last = pick_vector(tf.equal(tf.rank(x), 2), np.array([], dtype=np.int32), shape[-1:])
        return tf.reshape(fldj, tf.concat([shape[:-1], last], 0))

    @staticmethod
    def _matrix_checks(x: Any, diagonal: Any) -> list[Any]:
        is_matrix = tf.assert_rank_at_least(x, 2, message="Input must be a (batch of) matrix.")
        shape = tf.shape(x)
        square = "Input must be a (batch of) square matrix."
        is_square = tf.assert_equal(shape[-2], shape[-1], message=square)
        return [is_matrix, is_square, tf.assert_positive(diagonal, message="Input must be positive definite.")]

    @staticmethod
    def _make_columnar(x: Any) -> Any:
        if x.get_shape().ndims is not None:
            return x[tf.newaxis, :] if x.get_shape().ndims == 1 else x
        shape = tf.shape(x)
        first = pick_vector(tf.equal(tf.rank(x), 1), [1], np.array([], dtype=np.int32))
        return tf.reshape(x, tf.concat([shape[:-1], first, shape[-1:]], 0))


def vector_size_to_square_matrix_size(d: Any, validate_args: Any, name: str | None = None) -> Any:
    """n with n (n + 1) / 2 = d; ValueError if there is none."""
    if isinstance(d, (float, int, np.generic, np.ndarray)):
        n: Any = (-1 + np.sqrt(1 + 8 * np.asarray(d))) / 2.0
        if float(int(n)) != n:
            raise ValueError("Vector length is not a triangular number.")
        return int(n)
    with tf.name_scope(name, "vector_size_to_square_matrix_size", [d]):
        n = (-1.0 + tf.sqrt(1 + 8.0 * tf.cast(d, tf.float32))) / 2.0
        if validate_args:
            whole = tf.cast(tf.cast(n, tf.int32), tf.float32)
            check = tf.assert_equal(whole, n, message="Vector length is not a triangular number")
            n = with_dependencies([check], n)
        return tf.cast(n, d.dtype)


def _sizes(shape: Any, count: int) -> list[Any]:
    return [None] * count if shape.dims is None else [dim.value for dim in shape.dims[-count:]]


@bijector("FillTriangular")
class FillTriangular(Bijector):
    """From vectors to triangular matrices, by `fill_triangular`.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.FillTriangular`.
    """

    def __init__(self, upper: bool = False, validate_args: Any = False, name: str = "fill_triangular"):
        self._upper = upper
        super().__init__(None, False, validate_args, forward_min_event_ndims=1, inverse_min_event_ndims=2, name=name)

    def _forward(self, x: Any) -> Any:
        return fill_triangular(x, upper=self._upper)

    def _inverse(self, y: Any) -> Any:
        return fill_triangular_inverse(y, upper=self._upper)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return tf.zeros_like(x[..., 0])

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return tf.zeros_like(y[..., 0, 0])

    def _forward_event_shape(self, input_shape: Any) -> Any:
        (d,) = _sizes(input_shape, 1)
        n = None if d is None else vector_size_to_square_matrix_size(d, self.validate_args)
        return input_shape[:-1].concatenate([n, n])

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        output_shape = tf.TensorShape(output_shape)
        rows, columns = _sizes(output_shape, 2)
        if None not in (rows, columns) and rows != columns:
            raise ValueError(f"Matrix must be square. (saw [{rows}, {columns}])")
        m = None if None in (rows, columns) else rows * (rows + 1) // 2
        return output_shape[:-2].concatenate([m])

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        batch, d = input_shape[:-1], input_shape[-1]
        n = vector_size_to_square_matrix_size(d, self.validate_args)
        return tf.concat([batch, [n, n]], axis=0)

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        batch, n = output_shape[:-2], output_shape[-1]
        if self.validate_args:
            check = tf.assert_equal(n, output_shape[-2], message="Matrix must be square.")
            n = with_dependencies([check], n)
        m = tf.cast(n * (n + 1) / 2, output_shape.dtype)
        return tf.concat([batch, [m]], axis=0)


@bijector("MatrixInverseTriL")
class MatrixInverseTriL(Bijector):
    """The inverse of lower triangular matrices. Source: TF 1.15 `tf.contrib.distributions.bijectors.MatrixInverseTriL`."""

    def __init__(self, validate_args: Any = False, name: str = "matrix_inverse_tril"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=2, name=name)

    def _forward(self, x: Any) -> Any:
        with tf.control_dependencies(self._assertions(x)):
            shape = tf.shape(x)
            return tf.matrix_triangular_solve(x, tf.eye(shape[-1], batch_shape=shape[:-2]), lower=True)

    def _inverse(self, y: Any) -> Any:
        return self._forward(y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        with tf.control_dependencies(self._assertions(x)):
            size = tf.cast(tf.shape(x)[-1], x.dtype.base_dtype)
            return -2.0 * size * tf.reduce_sum(tf.log(tf.abs(tf.matrix_diag_part(x))), axis=-1)

    def _assertions(self, x: Any) -> list[Any]:
        if not self.validate_args:
            return []
        shape = tf.shape(x)
        is_matrix = tf.assert_rank_at_least(x, 2, message="Input must have rank at least 2.")
        is_square = tf.assert_equal(shape[-2], shape[-1], message="Input must be a square matrix.")
        without = tf.matrix_set_diag(x, tf.zeros(shape[:-1], dtype=tf.float32))
        above = tf.matrix_band_part(without, 0, -1)
        is_lower = tf.assert_equal(above, tf.zeros_like(above), message="Input must be lower triangular.")
        diagonal = tf.matrix_diag_part(x)
        message = "Input must have all diagonal entries nonzero."
        return [
            is_matrix, is_square, is_lower,
            tf.assert_none_equal(diagonal, tf.zeros_like(diagonal), message=message),
        ]  # fmt: skip


@bijector("TransformDiagonal")
class TransformDiagonal(Bijector):
    """A bijector applied to the diagonals of matrices. Source: TF 1.15 `tf.contrib.distributions.bijectors.TransformDiagonal`."""

    def __init__(self, diag_bijector: Any, validate_args: Any = False, name: str = "transform_diagonal"):
        self._diag_bijector = diag_bijector
        super().__init__(None, False, validate_args, forward_min_event_ndims=2, inverse_min_event_ndims=2, name=name)

    def _forward(self, x: Any) -> Any:
        return tf.matrix_set_diag(x, self._diag_bijector.forward(tf.matrix_diag_part(x)))

    def _inverse(self, y: Any) -> Any:
        return tf.matrix_set_diag(y, self._diag_bijector.inverse(tf.matrix_diag_part(y)))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return self._diag_bijector.forward_log_det_jacobian(tf.matrix_diag_part(x), event_ndims=1)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return self._diag_bijector.inverse_log_det_jacobian(tf.matrix_diag_part(y), event_ndims=1)


@bijector("ScaleTriL")
class ScaleTriL(Chain):
    """From vectors to lower triangular matrices with a positive diagonal: softplus of it, plus `diag_shift`.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.ScaleTriL`.
    """

    def __init__(
        self, diag_bijector: Any = None, diag_shift: Any = 1e-5, validate_args: Any = False, name: str = "scale_tril"
    ):
        if diag_bijector is None:
            diag_bijector = Softplus(validate_args=validate_args)
        if diag_shift is not None:
            diag_bijector = Chain([AffineScalar(shift=diag_shift), diag_bijector])
        parts = [TransformDiagonal(diag_bijector=diag_bijector), FillTriangular()]
        super().__init__(parts, validate_args=validate_args, name=name)
