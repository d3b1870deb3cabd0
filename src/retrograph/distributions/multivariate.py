"""Vectors of scalar distributions under a linear map: multivariate normal, Laplace, exponential."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.gamma import Exponential
from retrograph.distributions.location_scale import Laplace, Normal
from retrograph.distributions.matrix_bijectors import AffineLinearOperator
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.scales import (
    as_tensor,
    is_diagonal_scale,
    make_diag_scale,
    shapes_from_loc_and_scale,
)
from retrograph.distributions.shapes import dimension_size
from retrograph.distributions.transformed import TransformedDistribution
from retrograph.linear_operators.dense import LinearOperatorLowerTriangular, LinearOperatorLowRankUpdate
from retrograph.linear_operators.diagonal import LinearOperatorIdentity
from retrograph.ops.control_flow import with_dependencies


def _normal(dtype: Any) -> Any:
    return Normal(loc=tf.zeros([], dtype=dtype), scale=tf.ones([], dtype=dtype))


class _LinearlyMapped(TransformedDistribution):
    """loc + scale @ Z, with an operator for the scale."""

    _made_inside = True  # Whether Z and the bijector are made in the scope of the distribution,
    _renamed = False  # and whether the distribution's own scope is one more below it.

    def _open(self, base: Any, loc: Any, scale: Any, validate_args: Any, name: str, parameters: dict[str, Any]) -> None:
        if scale is None:
            raise ValueError("Missing required `scale` parameter.")
        if not scale.dtype.is_floating:
            raise TypeError("`scale` parameter must have floating-point dtype.")
        with tf.name_scope(name, values=[loc, *scale.graph_parents]) as scope:
            loc = as_tensor(loc, "loc")
            shapes = shapes_from_loc_and_scale(loc, scale)
            if self._made_inside:
                self._transform(base, loc, scale, shapes, validate_args, name if self._renamed else scope)
        if not self._made_inside:
            self._transform(base, loc, scale, shapes, validate_args, scope)
        self._parameters = parameters

    def _transform(self, base: Any, loc: Any, scale: Any, shapes: Any, validate_args: Any, name: str) -> None:
        made = base(scale.dtype)
        bijector = AffineLinearOperator(shift=loc, scale=scale, validate_args=validate_args)
        TransformedDistribution.__init__(self, made, bijector, shapes[0], shapes[1], validate_args, name)

    @property
    def loc(self) -> Any:
        """The location; None: 0."""
        return self.bijector.shift

    @property
    def scale(self) -> Any:
        """The operator of the scale."""
        return self.bijector.scale

    def _centre(self) -> Any:
        """`loc` (or zeros), of the whole shape."""
        shape = self.batch_shape.concatenate(self.event_shape)
        known = shape.is_fully_defined()
        if not known:
            shape = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], 0)
        if self.loc is None:
            return tf.zeros(shape, self.dtype)
        if known and shape == self.loc.get_shape():
            return tf.identity(self.loc)
        return tf.identity(self.loc) + tf.zeros(shape, self.dtype)

    def _gram(self) -> Any:
        return self.scale.matmul(self.scale.to_dense(), adjoint_arg=True)

    def _gram_diagonal(self) -> Any:
        if isinstance(self.scale, LinearOperatorLowRankUpdate) and self.scale.is_self_adjoint:
            return tf.matrix_diag_part(self.scale.matmul(self.scale.to_dense()))
        return tf.matrix_diag_part(self._gram())


class _Symmetric(_LinearlyMapped):
    """Where the elements of Z are symmetric about 0."""

    _element_variance: float | None = None
    """The variance of an element of Z; None: 1, which no operation multiplies by."""

    def _mean(self) -> Any:
        return self._centre()

    def _mode(self) -> Any:
        return self._mean()

    def _covariance(self) -> Any:
        if is_diagonal_scale(self.scale):
            return self._widened(tf.matrix_diag(tf.square(self.scale.diag_part())))
        return self._widened(self._gram())

    def _variance(self) -> Any:
        if is_diagonal_scale(self.scale):
            return self._widened(tf.square(self.scale.diag_part()))
        return self._widened(self._gram_diagonal())

    def _stddev(self) -> Any:
        if is_diagonal_scale(self.scale):
            deviation = tf.abs(self.scale.diag_part())
        else:
            deviation = tf.sqrt(self._gram_diagonal())
        return deviation if self._element_variance is None else np.sqrt(self._element_variance) * deviation

    def _widened(self, variance: Any) -> Any:
        return variance if self._element_variance is None else self._element_variance * variance


class MultivariateNormalLinearOperator(_Symmetric):
    """Normal vectors with mean `loc` and covariance `scale @ adjoint(scale)`, `scale` being an operator.

    ValueError without a scale, TypeError if it is not floating. Source: TF 1.15
    `mvn_linear_operator.MultivariateNormalLinearOperator`.
    """

    _made_inside = False

    def __init__(
        self, loc: Any = None, scale: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "MultivariateNormalLinearOperator",
    ):  # fmt: skip
        self._open(_normal, loc, scale, validate_args, name, arguments(locals()))


@RegisterKL(MultivariateNormalLinearOperator, MultivariateNormalLinearOperator)
def _kl_brute_force(a: Any, b: Any, name: str | None = None) -> Any:
    def squared_norm(x: Any) -> Any:
        return tf.reduce_sum(tf.square(x), axis=[-2, -1])

    with tf.name_scope(name, "kl_mvn", values=[a.loc, b.loc, *a.scale.graph_parents, *b.scale.graph_parents]):
        if is_diagonal_scale(a.scale) and is_diagonal_scale(b.scale):
            b_inv_a = (a.stddev() / b.stddev())[..., tf.newaxis]
        else:
            b_inv_a = b.scale.solve(a.scale.to_dense())
        volumes = b.scale.log_abs_determinant() - a.scale.log_abs_determinant()
        size = tf.cast(a.scale.domain_dimension_tensor(), a.dtype)
        spread = -size + squared_norm(b_inv_a)
        kl = volumes + 0.5 * (spread + squared_norm(b.scale.solve((b.mean() - a.mean())[..., tf.newaxis])))
        kl.set_shape(tf.broadcast_static_shape(a.batch_shape, b.batch_shape))
        return kl


@distribution("MultivariateNormalDiag")
class MultivariateNormalDiag(MultivariateNormalLinearOperator):
    """Normal vectors with mean `loc` and independent elements: deviations `scale_diag + scale_identity_multiplier`.

    Each of the three may be None, not all; ValueError if nothing tells the size of the event. Source: TF 1.15
    `tf.contrib.distributions.MultivariateNormalDiag`.

    >>> tf.contrib.distributions.MultivariateNormalDiag([0., 0.], [1., 2.]).log_prob([0., 0.])  # -2.5310242
    """

    def __init__(
        self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
        validate_args: Any = False, allow_nan_stats: Any = True, name: str = "MultivariateNormalDiag",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name:
            scale = _diag_scale(loc, scale_diag, scale_identity_multiplier)
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)
        self._parameters = parameters


def _diag_scale(loc: Any, scale_diag: Any, multiplier: Any) -> Any:
    with tf.name_scope("init", values=[loc, scale_diag, multiplier]):
        return make_diag_scale(loc, scale_diag, multiplier)


@distribution("MultivariateNormalDiagWithSoftplusScale")
class MultivariateNormalDiagWithSoftplusScale(MultivariateNormalDiag):
    """Normal vectors with `softplus(scale_diag)`. Source: TF 1.15 `tf.contrib.distributions.MultivariateNormalDiagWithSoftplusScale`."""

    def __init__(
        self, loc: Any, scale_diag: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "MultivariateNormalDiagWithSoftplusScale",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[scale_diag]) as name:
            diag = tf.nn.softplus(scale_diag)
            super().__init__(loc, diag, validate_args=validate_args, allow_nan_stats=allow_nan_stats, name=name)
        self._parameters = parameters


@distribution("MultivariateNormalDiagPlusLowRank")
class MultivariateNormalDiagPlusLowRank(MultivariateNormalLinearOperator):
    """Normal vectors whose scale is a diagonal plus `factor @ diag(perturb_diag) @ transpose(factor)`.

    Source: TF 1.15 `tf.contrib.distributions.MultivariateNormalDiagPlusLowRank`.
    """

    def __init__(
        self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
        scale_perturb_factor: Any = None, scale_perturb_diag: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "MultivariateNormalDiagPlusLowRank",
    ):  # fmt: skip
        parameters = arguments(locals())
        values = [loc, scale_diag, scale_identity_multiplier, scale_perturb_factor, scale_perturb_diag]
        with tf.name_scope(name) as name, tf.name_scope("init", values=values):
            has_low_rank = scale_perturb_factor is not None or scale_perturb_diag is not None
            scale = make_diag_scale(
                loc, scale_diag, scale_identity_multiplier, None, validate_args, assert_positive=has_low_rank
            )
            factor = as_tensor(scale_perturb_factor, "scale_perturb_factor")
            diag = as_tensor(scale_perturb_diag, "scale_perturb_diag")
            if has_low_rank:
                scale = LinearOperatorLowRankUpdate(
                    scale, u=factor, diag_update=diag, is_diag_update_positive=diag is None, is_non_singular=True,
                    is_self_adjoint=True, is_positive_definite=True, is_square=True,
                )  # fmt: skip
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@distribution("MultivariateNormalTriL")
class MultivariateNormalTriL(MultivariateNormalLinearOperator):
    """Normal vectors with mean `loc` and a lower triangular scale `scale_tril`; one of them may be None.

    ValueError if both are. Source: TF 1.15 `tf.contrib.distributions.MultivariateNormalTriL`.
    """

    def __init__(
        self, loc: Any = None, scale_tril: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "MultivariateNormalTriL",
    ):  # fmt: skip
        parameters = arguments(locals())
        if loc is None and scale_tril is None:
            raise ValueError("Must specify one or both of `loc`, `scale_tril`.")
        with tf.name_scope(name) as name, tf.name_scope("init", values=[loc, scale_tril]):
            loc, scale_tril = as_tensor(loc, "loc"), as_tensor(scale_tril, "scale_tril")
            if scale_tril is None:
                rows = dimension_size(loc, -1)
                scale: Any = LinearOperatorIdentity(rows, dtype=loc.dtype, assert_proper_shapes=validate_args)
            else:
                scale = LinearOperatorLowerTriangular(scale_tril, True, False, False)
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@distribution("MultivariateNormalFullCovariance")
class MultivariateNormalFullCovariance(MultivariateNormalTriL):
    """Normal vectors with mean `loc` and `covariance_matrix`. Source: TF 1.15 `tf.contrib.distributions.MultivariateNormalFullCovariance`."""

    def __init__(
        self, loc: Any = None, covariance_matrix: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "MultivariateNormalFullCovariance",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name, tf.name_scope("init", values=[loc, covariance_matrix]):
            scale_tril = None
            if covariance_matrix is not None:
                scale_tril = tf.cholesky(_symmetric(covariance_matrix, validate_args))
            super().__init__(loc, scale_tril, validate_args, allow_nan_stats, name)
        self._parameters = parameters


def _symmetric(matrix: Any, validate_args: Any) -> Any:
    matrix = tf.convert_to_tensor(matrix, name="covariance_matrix")
    if not validate_args:
        return matrix
    check = tf.assert_near(matrix, tf.matrix_transpose(matrix), message="Matrix was not symmetric")
    return with_dependencies([check], matrix)


def _laplace(dtype: Any) -> Any:
    return Laplace(loc=tf.zeros([], dtype=dtype), scale=tf.ones([], dtype=dtype))


def _exponential(dtype: Any) -> Any:
    return Exponential(rate=tf.ones([], dtype=dtype))


class VectorLaplaceLinearOperator(_Symmetric):
    """`loc + scale @ Z` for vectors Z of independent standard Laplace elements."""

    _renamed = True
    _element_variance = 2.0

    def __init__(
        self, loc: Any = None, scale: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "VectorLaplaceLinearOperator",
    ):  # fmt: skip
        self._open(_laplace, loc, scale, validate_args, name, arguments(locals()))


@distribution("VectorLaplaceDiag")
class VectorLaplaceDiag(VectorLaplaceLinearOperator):
    """Vectors of independent Laplace elements. Source: TF 1.15 `tf.contrib.distributions.VectorLaplaceDiag`."""

    def __init__(
        self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
        validate_args: Any = False, allow_nan_stats: Any = True, name: str = "VectorLaplaceDiag",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name):
            scale = _diag_scale(loc, scale_diag, scale_identity_multiplier)
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)
        self._parameters = parameters


class VectorExponentialLinearOperator(_LinearlyMapped):
    """`loc + scale @ Z` for vectors Z of independent standard exponential elements."""

    def __init__(
        self, loc: Any = None, scale: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "VectorExponentialLinearOperator",
    ):  # fmt: skip
        self._open(_exponential, loc, scale, validate_args, name, arguments(locals()))

    def _mode_mean_shape(self) -> Any:
        shape = self.batch_shape.concatenate(self.event_shape)
        if shape.is_fully_defined():
            return shape
        return tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], 0)

    def _mean(self) -> Any:
        ones = tf.ones(self._mode_mean_shape(), self.dtype)
        mean = self.scale.matvec(ones)
        return mean if self.loc is None else tf.identity(self.loc) + mean

    def _mode(self) -> Any:
        zeros = tf.zeros(self._mode_mean_shape(), self.dtype)
        mode = self.scale.matvec(zeros)
        return mode if self.loc is None else tf.identity(self.loc) + mode

    def _covariance(self) -> Any:
        if is_diagonal_scale(self.scale):
            return tf.matrix_diag(tf.square(self.scale.diag_part()))
        return self._gram()

    def _variance(self) -> Any:
        if is_diagonal_scale(self.scale):
            return tf.square(self.scale.diag_part())
        return self._gram_diagonal()

    def _stddev(self) -> Any:
        if is_diagonal_scale(self.scale):
            return tf.abs(self.scale.diag_part())
        return tf.sqrt(self._gram_diagonal())


@distribution("VectorExponentialDiag")
class VectorExponentialDiag(VectorExponentialLinearOperator):
    """Vectors of independent exponential elements. Source: TF 1.15 `tf.contrib.distributions.VectorExponentialDiag`."""

    def __init__(
        self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
        validate_args: Any = False, allow_nan_stats: Any = True, name: str = "VectorExponentialDiag",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name:
            scale = _diag_scale(loc, scale_diag, scale_identity_multiplier)
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)
        self._parameters = parameters
