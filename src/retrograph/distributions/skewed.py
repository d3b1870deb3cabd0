"""Sinh-arcsinh distributions: a scalar or a vector with chosen skewness and weight of the tails."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.distributions.location_scale import Normal
from retrograph.distributions.matrix_bijectors import Affine
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.scalar_bijectors import AffineScalar
from retrograph.distributions.scalar_bijectors import SinhArcsinh as SinhArcsinhBijector
from retrograph.distributions.scales import (
    as_tensor,
    make_diag_scale,
    maybe_check_scalar_distribution,
    shapes_from_loc_and_scale,
)
from retrograph.distributions.shapes import get_broadcast_shape
from retrograph.distributions.transformed import TransformedDistribution
from retrograph.distributions.vector_bijectors import Chain
from retrograph.ops.control_flow import with_dependencies


class _SinhArcsinh(TransformedDistribution):
    """loc + scale * F(Z) / F(2) * 2, F being the sinh-arcsinh bijector."""

    _loc: Any
    _scale: Any
    _tailweight: Any
    _skewness: Any

    @property
    def loc(self) -> Any:
        """The location."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The scale."""
        return self._scale

    @property
    def tailweight(self) -> Any:
        """The weight of the tails; 1: as those of the base."""
        return self._tailweight

    @property
    def skewness(self) -> Any:
        """The skewness; 0: symmetric."""
        return self._skewness


def _base(given: Any, dtype: Any, validate_args: Any, allow_nan_stats: Any, value: Any) -> tuple[Any, Any]:
    """(the distribution of Z, `value` after the checks of a distribution that was given)."""
    if given is None:
        zero, one = tf.zeros([], dtype=dtype), tf.ones([], dtype=dtype)
        return Normal(zero, one, allow_nan_stats=allow_nan_stats), value
    checks = maybe_check_scalar_distribution(given, dtype, validate_args)
    return given, with_dependencies(checks, value) if checks else value


def _bijector(skewness: Any, tailweight: Any, is_symmetric: bool) -> tuple[Any, Any]:
    """(F, F of 2 without skewness)."""
    f = SinhArcsinhBijector(skewness=skewness, tailweight=tailweight)
    plain = f
    if not is_symmetric:
        zero = skewness.dtype.as_numpy_dtype(0.0)
        plain = SinhArcsinhBijector(skewness=zero, tailweight=tailweight)
    return f, plain


@distribution("SinhArcsinh")
class SinhArcsinh(_SinhArcsinh):
    """Scalar sinh-arcsinh. Source: TF 1.15 `tf.contrib.distributions.SinhArcsinh`."""

    def __init__(
        self, loc: Any, scale: Any, skewness: Any = None, tailweight: Any = None, distribution: Any = None,
        validate_args: Any = False, allow_nan_stats: Any = True, name: str = "SinhArcsinh",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[loc, scale, skewness, tailweight]) as name:
            loc = tf.convert_to_tensor(loc, name="loc")
            dtype = loc.dtype
            scale = tf.convert_to_tensor(scale, name="scale", dtype=dtype)
            tails = 1.0 if tailweight is None else tailweight
            tails = tf.convert_to_tensor(tails, name="tailweight", dtype=dtype)
            skew = tf.convert_to_tensor(0.0 if skewness is None else skewness, name="skewness", dtype=dtype)
            batch_shape = get_broadcast_shape(loc, scale, tails, skew)
            base, loc = _base(distribution, dtype, validate_args, allow_nan_stats, loc)
            f, plain = _bijector(skew, tails, skewness is None)
            factor = 2 * scale / plain.forward(tf.convert_to_tensor(2, dtype=dtype))
            affine = AffineScalar(shift=loc, scale=factor, validate_args=validate_args)
            super().__init__(base, Chain([affine, f]), batch_shape, None, validate_args, name)
        self._parameters = parameters
        self._loc, self._scale, self._tailweight, self._skewness = loc, scale, tails, skew


@distribution("VectorSinhArcsinhDiag")
class VectorSinhArcsinhDiag(_SinhArcsinh):
    """Vectors of independent sinh-arcsinh elements. Source: TF 1.15 `tf.contrib.distributions.VectorSinhArcsinhDiag`."""

    def __init__(
        self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None, skewness: Any = None,
        tailweight: Any = None, distribution: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "MultivariateNormalLinearOperator",
    ):  # fmt: skip
        parameters = arguments(locals())
        values = [loc, scale_diag, scale_identity_multiplier, skewness, tailweight]
        with tf.name_scope(name, values=values) as name:
            loc = as_tensor(loc, "loc")
            scale = make_diag_scale(loc, scale_diag, scale_identity_multiplier)
            shapes = shapes_from_loc_and_scale(loc, scale)
            diagonal = scale.diag_part()
            dtype = diagonal.dtype
            base, diagonal = _base(distribution, dtype, validate_args, allow_nan_stats, diagonal)
            skew = tf.convert_to_tensor(0.0 if skewness is None else skewness, dtype=dtype, name="skewness")
            tails = 1.0 if tailweight is None else tailweight
            tails = tf.convert_to_tensor(tails, dtype=dtype, name="tailweight")
            f, plain = _bijector(skew, tails, skewness is None)
            factor = 2 * diagonal / plain.forward(tf.convert_to_tensor(2, dtype=dtype))
            affine = Affine(shift=loc, scale_diag=factor, validate_args=validate_args)
            super().__init__(base, Chain([affine, f]), *shapes, validate_args, name)
        self._parameters = parameters
        self._loc, self._scale, self._tailweight, self._skewness = loc, scale, tails, skew
