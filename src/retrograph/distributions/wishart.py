"""Wishart: random positive definite matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED, Distribution
from retrograph.distributions.checks import assert_symmetric
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed
from retrograph.framework.static_value import constant_value
from retrograph.linear_operators.dense import LinearOperatorLowerTriangular
from retrograph.ops.control_flow import with_dependencies


class _WishartLinearOperator(Distribution):
    """Wishart with `df` degrees of freedom, the scale being `operator @ adjoint(operator)`.

    `cholesky_input_output_matrices`: samples and values are the lower Cholesky factors.
    """

    def __init__(
        self, df: Any, scale_operator: Any, cholesky_input_output_matrices: Any = False, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str | None = None,
    ):  # fmt: skip
        parameters = arguments(locals())
        self._cholesky_input_output_matrices = cholesky_input_output_matrices
        with tf.name_scope(name) as name, tf.name_scope("init", values=[df, scale_operator]):
            if not scale_operator.dtype.is_floating:
                raise TypeError(f"scale_operator.dtype={scale_operator.dtype} is not a floating-point type")
            if not scale_operator.is_square:
                raise ValueError("scale_operator must be square.")
            self._scale_operator = scale_operator
            self._df = tf.convert_to_tensor(df, dtype=scale_operator.dtype, name="df")
            tf.debugging.assert_same_float_dtype((self._df, scale_operator))
            self._dimension = self._found_dimension(scale_operator)
            self._check_df(validate_args)
        super().__init__(
            scale_operator.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._df, self._dimension, *scale_operator.graph_parents], name,
        )  # fmt: skip

    @staticmethod
    def _found_dimension(operator: Any) -> Any:
        known = None if operator.shape.dims is None else operator.shape.dims[-1].value
        if known is None:
            return tf.cast(operator.domain_dimension_tensor(), dtype=operator.dtype, name="dimension")
        return tf.convert_to_tensor(known, dtype=operator.dtype, name="dimension")

    def _check_df(self, validate_args: Any) -> None:
        df, dimension = constant_value(self._df), constant_value(self._dimension)
        text = (
            "Degrees of freedom (df = {}) cannot be less than dimension of scale matrix (scale.dimension = {})"
        ).format
        if df is not None and dimension is not None:
            if np.any(np.asarray(df) < dimension):
                raise ValueError(text([df] if not np.shape(df) else df, dimension))
        elif validate_args:
            message = text(self._dimension, self._df)
            check = tf.assert_less_equal(self._dimension, self._df, message=message)
            self._df = with_dependencies([check], self._df)

    @property
    def df(self) -> Any:
        """Degrees of freedom."""
        return self._df

    def _square_scale_operator(self) -> Any:
        return self.scale_operator.matmul(self.scale_operator.to_dense(), adjoint_arg=True)

    def scale(self) -> Any:
        """The scale matrices; with `cholesky_input_output_matrices` their factors. (A method, as in TF 1.15.)"""
        if self._cholesky_input_output_matrices:
            return self.scale_operator.to_dense()
        return self._square_scale_operator()

    @property
    def scale_operator(self) -> Any:
        """The operator of the factors of the scale."""
        return self._scale_operator

    @property
    def cholesky_input_output_matrices(self) -> Any:
        """Whether samples and values are Cholesky factors."""
        return self._cholesky_input_output_matrices

    @property
    def dimension(self) -> Any:
        """The number of rows, in the dtype of samples."""
        return self._dimension

    def _event_shape_tensor(self) -> Any:
        dimension = self.scale_operator.domain_dimension_tensor()
        return tf.stack([dimension, dimension])

    def _event_shape(self) -> Any:
        dimension = self.scale_operator.domain_dimension
        return tf.TensorShape([dimension, dimension])

    def _batch_shape_tensor(self) -> Any:
        return self.scale_operator.batch_shape_tensor()

    def _batch_shape(self) -> Any:
        return self.scale_operator.batch_shape

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        """By Bartlett's decomposition: a triangle of normals, its diagonal of chi."""
        batch_shape, event_shape = self.batch_shape_tensor(), self.event_shape_tensor()
        ndims = tf.shape(batch_shape)[0] + 3
        shape = tf.concat([[n], batch_shape, event_shape], 0)
        x = tf.random_normal(shape=shape, mean=0.0, stddev=1.0, dtype=self.dtype, seed=seed)
        df = self.df * tf.ones(self.scale_operator.batch_shape_tensor(), dtype=self.df.dtype.base_dtype)
        alpha = self._multi_gamma_sequence(0.5 * df, self.dimension)
        other_seed = gen_new_seed(seed, "wishart")
        g = tf.random_gamma(shape=[n], alpha=alpha, beta=0.5, dtype=self.dtype, seed=other_seed)
        x = tf.matrix_set_diag(tf.matrix_band_part(x, -1, 0), tf.sqrt(g))
        # One product for all samples: they become columns, and go back.
        x = tf.transpose(x, tf.concat([tf.range(1, ndims), [0]], 0))
        x = tf.reshape(x, tf.concat([batch_shape, [event_shape[0]], [-1]], 0))
        x = self.scale_operator.matmul(x)
        x = tf.reshape(x, tf.concat([batch_shape, event_shape, [n]], 0))
        x = tf.transpose(x, tf.concat([[ndims - 1], tf.range(0, ndims - 1)], 0))
        return x if self.cholesky_input_output_matrices else tf.matmul(x, x, adjoint_b=True)

    def _log_prob(self, x: Any) -> Any:
        factor = x if self.cholesky_input_output_matrices else tf.cholesky(x)
        trace = tf.reduce_sum(tf.square(self._whitened(factor)), axis=[-2, -1])
        half_log_det = tf.reduce_sum(tf.log(tf.matrix_diag_part(factor)), axis=[-1])
        log_prob = (self.df - self.dimension - 1.0) * half_log_det - 0.5 * trace - self.log_normalization()
        if x.get_shape().ndims is not None:
            log_prob.set_shape(x.get_shape()[:-2])
        ndims = self.batch_shape.ndims
        if log_prob.get_shape().ndims is not None and ndims:
            log_prob.get_shape()[-ndims:].merge_with(self.batch_shape)
        return log_prob

    def _whitened(self, factor: Any) -> Any:
        """The scale's factor solved for the factors of values, all samples at once."""
        batch_shape, event_shape = self.batch_shape_tensor(), self.event_shape_tensor()
        ndims = tf.rank(factor)
        samples = ndims - tf.shape(batch_shape)[0] - 2
        sample_shape = tf.strided_slice(tf.shape(factor), [0], [samples])
        x = tf.transpose(factor, tf.concat([tf.range(samples, ndims), tf.range(0, samples)], 0))
        x = tf.reshape(x, tf.concat((batch_shape, (tf.cast(self.dimension, dtype=tf.int32), -1)), 0))
        x = self.scale_operator.solve(x)
        x = tf.reshape(x, tf.concat([batch_shape, event_shape, sample_shape], 0))
        return tf.transpose(x, tf.concat([tf.range(ndims - samples, ndims), tf.range(0, ndims - samples)], 0))

    def _prob(self, x: Any) -> Any:
        return tf.exp(self._log_prob(x))

    def _entropy(self) -> Any:
        half_dp1 = 0.5 * self.dimension + 0.5
        half_df = 0.5 * self.df
        first = self.dimension * (half_df + half_dp1 * math.log(2.0))
        first = first + 2 * half_dp1 * self.scale_operator.log_abs_determinant()
        first = first + self._multi_lgamma(half_df, self.dimension)
        return first + (half_dp1 - half_df) * self._multi_digamma(half_df, self.dimension)

    def _mean(self) -> Any:
        if self.cholesky_input_output_matrices:
            return tf.sqrt(self.df) * self.scale_operator.to_dense()
        return self.df * self._square_scale_operator()

    def _variance(self) -> Any:
        x = tf.sqrt(self.df) * self._square_scale_operator()
        d = tf.expand_dims(tf.matrix_diag_part(x), -1)
        v = tf.square(x) + tf.matmul(d, d, adjoint_b=True)
        return tf.cholesky(v) if self.cholesky_input_output_matrices else v

    def _stddev(self) -> Any:
        if self.cholesky_input_output_matrices:
            raise ValueError("Computing std. dev. when is cholesky_input_output_matrices=True does not make sense.")
        return tf.cholesky(self.variance())

    def _mode(self) -> Any:
        s = self.df - self.dimension - 1.0
        nan = tf.constant(float("NaN"), dtype=self.dtype, name="nan")
        s = tf.where_v2(tf.less(s, 0.0), nan, s)
        if self.cholesky_input_output_matrices:
            return tf.sqrt(s) * self.scale_operator.to_dense()
        return s * self._square_scale_operator()

    def mean_log_det(self, name: str = "mean_log_det") -> Any:
        """E[log(det(X))]."""
        with self._name_scope(name):
            digamma = self._multi_digamma(0.5 * self.df, self.dimension)
            return digamma + self.dimension * math.log(2.0) + 2 * self.scale_operator.log_abs_determinant()

    def log_normalization(self, name: str = "log_normalization") -> Any:
        """Log of what the density is divided by."""
        with self._name_scope(name):
            volume = self.df * self.scale_operator.log_abs_determinant()
            powers = 0.5 * self.df * self.dimension * math.log(2.0)
            return volume + powers + self._multi_lgamma(0.5 * self.df, self.dimension)

    def _multi_gamma_sequence(self, a: Any, p: Any, name: str = "multi_gamma_sequence") -> Any:
        with self._name_scope(name, values=[a, p]):
            zero = tf.constant(0.0, dtype=self.dtype)
            sequence = tf.linspace(zero, 0.5 - 0.5 * p, tf.cast(p, tf.int32))
            return sequence + tf.expand_dims(a, [-1])

    def _multi_lgamma(self, a: Any, p: Any, name: str = "multi_lgamma") -> Any:
        with self._name_scope(name, values=[a, p]):
            sequence = self._multi_gamma_sequence(a, p)
            return 0.25 * p * (p - 1.0) * math.log(math.pi) + tf.reduce_sum(tf.lgamma(sequence), axis=[-1])

    def _multi_digamma(self, a: Any, p: Any, name: str = "multi_digamma") -> Any:
        with self._name_scope(name, values=[a, p]):
            return tf.reduce_sum(tf.digamma(self._multi_gamma_sequence(a, p)), axis=[-1])


def _triangular(tril: Any) -> Any:
    return LinearOperatorLowerTriangular(tril, is_non_singular=True, is_positive_definite=True, is_square=True)


@distribution("WishartCholesky")
class WishartCholesky(_WishartLinearOperator):
    """Wishart with the lower Cholesky factor of the scale; ValueError if `df` is below its size.

    Source: TF 1.15 `tf.contrib.distributions.WishartCholesky`.
    """

    def __init__(
        self, df: Any, scale: Any, cholesky_input_output_matrices: Any = False, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "WishartCholesky",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[scale]) as name:
            with tf.name_scope("init", values=[scale]):
                scale = self._checked_scale(tf.convert_to_tensor(scale), validate_args)
            operator = _triangular(scale)
            super().__init__(df, operator, cholesky_input_output_matrices, validate_args, allow_nan_stats, name)
        self._parameters = parameters

    @staticmethod
    def _checked_scale(scale: Any, validate_args: Any) -> Any:
        if not validate_args:
            return scale
        diagonal = tf.matrix_diag_part(scale)
        positive = tf.assert_positive(diagonal, message="scale must be positive definite")
        square = tf.assert_equal(tf.shape(scale)[-1], tf.shape(scale)[-2], message="scale must be square")
        return with_dependencies([positive, square], scale)


@distribution("WishartFull")
class WishartFull(_WishartLinearOperator):
    """Wishart with the scale matrix; ValueError if `df` is below its size. Source: TF 1.15 `tf.contrib.distributions.WishartFull`."""

    def __init__(
        self, df: Any, scale: Any, cholesky_input_output_matrices: Any = False, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "WishartFull",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name, tf.name_scope("init", values=[scale]):
            scale = tf.convert_to_tensor(scale)
            factor = tf.cholesky(assert_symmetric(scale) if validate_args else scale)
            checks = [tf.assert_positive(tf.matrix_diag_part(factor))] if validate_args else []
            factor = with_dependencies(checks, factor)
        operator = _triangular(factor)
        super().__init__(df, operator, cholesky_input_output_matrices, validate_args, allow_nan_stats, name)
        self._parameters = parameters
