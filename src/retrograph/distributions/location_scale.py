"""Distributions with a location and a scale, and the half-normal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED, ScalarDistribution
from retrograph.distributions.checks import positive_when
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.special import erfinv, log_cdf_laplace, log_ndtr, ndtr, ndtri


def smallest_positive(dtype: Any) -> Any:
    """The least normal number of a dtype: where uniform samples begin whose log is taken."""
    return np.finfo(dtype.as_numpy_dtype).tiny


class LocationScale(ScalarDistribution):
    """X = loc + scale * Z: parameters, shapes, the scope of the standardized value, and the log of the density."""

    _batched = _shaped = ("loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: Any, allow_nan_stats: Any, name: str):
        parameters = arguments(locals())
        with tf.name_scope(name, values=[loc, scale]) as name, positive_when(validate_args, scale):
            self._loc = tf.identity(loc, name="loc")
            self._scale = tf.identity(scale, name="scale")
            tf.debugging.assert_same_float_dtype([self._loc, self._scale])
        super().__init__(
            self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._loc, self._scale], name,
        )  # fmt: skip

    @property
    def loc(self) -> Any:
        """The location."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The scale."""
        return self._scale

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _log_unnormalized_prob(self, x: Any) -> Any:
        raise self._missing("log_prob")

    def _log_normalization(self) -> Any:
        return tf.log(self.scale)

    def _z(self, x: Any) -> Any:
        with tf.name_scope("standardize", values=[x]):
            return (x - self.loc) / self.scale

    def _inv_z(self, z: Any) -> Any:
        with tf.name_scope("reconstruct", values=[z]):
            return z * self.scale + self.loc

    def _wide_loc(self) -> Any:
        return self.loc * tf.ones_like(self.scale)

    def _wide_scale(self) -> Any:
        return self.scale * tf.ones_like(self.loc)


@distribution("Normal", core=True)
class Normal(LocationScale):
    """Normal with mean `loc` and standard deviation `scale`, of one float dtype.

    Source: TF 1.15 `tf.distributions.Normal`.

    >>> tf.distributions.Normal(loc=0., scale=1.).log_prob(0.)  # -0.9189385
    """

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Normal"
    ):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = self._shape_of_samples(n)
        sampled = tf.random_normal(shape=shape, mean=0.0, stddev=1.0, dtype=self.loc.dtype, seed=seed)
        return sampled * self.scale + self.loc

    def _log_cdf(self, x: Any) -> Any:
        return log_ndtr(self._z(x))

    def _cdf(self, x: Any) -> Any:
        return ndtr(self._z(x))

    def _log_survival_function(self, x: Any) -> Any:
        return log_ndtr(-self._z(x))

    def _survival_function(self, x: Any) -> Any:
        return ndtr(-self._z(x))

    def _log_unnormalized_prob(self, x: Any) -> Any:
        return -0.5 * tf.square(self._z(x))

    def _log_normalization(self) -> Any:
        return 0.5 * math.log(2.0 * math.pi) + tf.log(self.scale)

    def _entropy(self) -> Any:
        return 0.5 * math.log(2.0 * math.pi * math.e) + tf.log(self._wide_scale())

    def _mean(self) -> Any:
        return self._wide_loc()

    def _quantile(self, p: Any) -> Any:
        return self._inv_z(ndtri(p))

    def _stddev(self) -> Any:
        return self._wide_scale()

    def _mode(self) -> Any:
        return self._mean()


@distribution("NormalWithSoftplusScale")
class NormalWithSoftplusScale(Normal):
    """Normal with `softplus(scale)`. Source: TF 1.15 `tf.contrib.distributions.NormalWithSoftplusScale`."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "NormalWithSoftplusScale",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[scale]) as name:
            positive = tf.nn.softplus(scale, name="softplus_scale")
            super().__init__(loc, positive, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(Normal, Normal)
def _kl_normal_normal(n_a: Any, n_b: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "kl_normal_normal", [n_a.loc, n_b.loc]):
        one, two, half = (tf.constant(value, dtype=n_a.dtype) for value in (1, 2, 0.5))
        s_a_squared = tf.square(n_a.scale)
        s_b_squared = tf.square(n_b.scale)
        ratio = s_a_squared / s_b_squared
        apart = tf.squared_difference(n_a.loc, n_b.loc) / (two * s_b_squared)
        return apart + half * (ratio - one - tf.log(ratio))


@distribution("Laplace", core=True)
class Laplace(LocationScale):
    """Laplace (double exponential) with `loc` and `scale`. Source: TF 1.15 `tf.distributions.Laplace`."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Laplace"
    ):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = self._shape_of_samples(n)
        # -1 is left out: its log1p would be -inf.
        one = self.dtype.as_numpy_dtype
        low = np.nextafter(one(-1.0), one(0.0))
        uniform = tf.random_uniform(shape=shape, minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        return self.loc - self.scale * tf.sign(uniform) * tf.log1p(-tf.abs(uniform))

    def _prob(self, x: Any) -> Any:
        return tf.exp(self._log_prob(x))

    def _log_cdf(self, x: Any) -> Any:
        return log_cdf_laplace(self._z(x))

    def _log_survival_function(self, x: Any) -> Any:
        return log_cdf_laplace(-self._z(x))

    def _cdf(self, x: Any) -> Any:
        z = self._z(x)
        return 0.5 + 0.5 * tf.sign(z) * (1.0 - tf.exp(-tf.abs(z)))

    def _log_unnormalized_prob(self, x: Any) -> Any:
        return -tf.abs(self._z(x))

    def _log_normalization(self) -> Any:
        return math.log(2.0) + tf.log(self.scale)

    def _entropy(self) -> Any:
        scale = self.scale + tf.zeros_like(self.loc)
        return math.log(2.0) + 1.0 + tf.log(scale)

    def _mean(self) -> Any:
        return self.loc + tf.zeros_like(self.scale)

    def _stddev(self) -> Any:
        return math.sqrt(2.0) * self.scale + tf.zeros_like(self.loc)

    def _median(self) -> Any:
        return self._mean()

    def _mode(self) -> Any:
        return self._mean()

    def _z(self, x: Any) -> Any:
        return (x - self.loc) / self.scale


@distribution("LaplaceWithSoftplusScale")
class LaplaceWithSoftplusScale(Laplace):
    """Laplace with `softplus(scale)`. Source: TF 1.15 `tf.contrib.distributions.LaplaceWithSoftplusScale`."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "LaplaceWithSoftplusScale",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[loc, scale]) as name:
            positive = tf.nn.softplus(scale, name="softplus_scale")
            super().__init__(loc, positive, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@distribution("Cauchy")
class Cauchy(LocationScale):
    """Cauchy with `loc` and `scale`; it has neither mean nor standard deviation.

    Source: TF 1.15 `tf.contrib.distributions.Cauchy`.
    """

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Cauchy"
    ):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = self._shape_of_samples(n)
        probs = tf.random_uniform(shape=shape, minval=0.0, maxval=1.0, dtype=self.dtype, seed=seed)
        return self._quantile(probs)

    def _cdf(self, x: Any) -> Any:
        return tf.atan(self._z(x)) / np.pi + 0.5

    def _log_cdf(self, x: Any) -> Any:
        return tf.log1p(2 / np.pi * tf.atan(self._z(x))) - np.log(2)

    def _log_unnormalized_prob(self, x: Any) -> Any:
        return -tf.log1p(tf.square(self._z(x)))

    def _log_normalization(self) -> Any:
        return np.log(np.pi) + tf.log(self.scale)

    def _entropy(self) -> Any:
        return (np.log(4 * np.pi) + tf.log(self.scale)) * tf.ones_like(self.loc)

    def _quantile(self, p: Any) -> Any:
        return self.loc + self.scale * tf.tan(np.pi * (p - 0.5))

    def _mode(self) -> Any:
        return self._wide_loc()

    def _undefined(self, what: str) -> Any:
        if not self.allow_nan_stats:
            raise ValueError(f"`{what}` is undefined for Cauchy distribution.")
        return tf.fill(self.batch_shape_tensor(), self.dtype.as_numpy_dtype(np.nan))

    def _mean(self) -> Any:
        return self._undefined("mean")

    def _stddev(self) -> Any:
        return self._undefined("stddev")


@distribution("Logistic")
class Logistic(LocationScale):
    """Logistic with mean `loc` and `scale`. Source: TF 1.15 `tf.contrib.distributions.Logistic`."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Logistic"
    ):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        low = smallest_positive(self.dtype)
        shape = self._shape_of_samples(n)
        uniform = tf.random_uniform(shape=shape, minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        sampled = tf.log(uniform) - tf.log1p(-1.0 * uniform)
        return sampled * self.scale + self.loc

    def _log_cdf(self, x: Any) -> Any:
        return -tf.nn.softplus(-self._z(x))

    def _cdf(self, x: Any) -> Any:
        return tf.sigmoid(self._z(x))

    def _log_survival_function(self, x: Any) -> Any:
        return -tf.nn.softplus(self._z(x))

    def _survival_function(self, x: Any) -> Any:
        return tf.sigmoid(-self._z(x))

    def _log_unnormalized_prob(self, x: Any) -> Any:
        z = self._z(x)
        return -z - 2.0 * tf.nn.softplus(-z)

    def _entropy(self) -> Any:
        return 2 + tf.log(self._wide_scale())

    def _mean(self) -> Any:
        return self._wide_loc()

    def _stddev(self) -> Any:
        return self._wide_scale() * math.pi / math.sqrt(3)

    def _mode(self) -> Any:
        return self._mean()


class _Gumbel(LocationScale):
    """Gumbel (of maxima) with `loc` and `scale`: TF 1.15 has it in its module only, without a public name."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Gumbel"
    ):
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        low = smallest_positive(self.dtype)
        shape = self._shape_of_samples(n)
        uniform = tf.random_uniform(shape=shape, minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        return -tf.log(-tf.log(uniform)) * self.scale + self.loc

    def _log_cdf(self, x: Any) -> Any:
        return -tf.exp(-self._z(x))

    def _cdf(self, x: Any) -> Any:
        return tf.exp(-tf.exp(-self._z(x)))

    def _log_unnormalized_prob(self, x: Any) -> Any:
        z = self._z(x)
        return -z - tf.exp(-z)

    def _entropy(self) -> Any:
        return 1 + tf.log(self._wide_scale()) + np.euler_gamma

    def _mean(self) -> Any:
        return self.loc + self.scale * np.euler_gamma

    def _stddev(self) -> Any:
        return self._wide_scale() * math.pi / math.sqrt(6)

    def _mode(self) -> Any:
        return self._wide_loc()


@distribution("HalfNormal")
class HalfNormal(ScalarDistribution):
    """The absolute value of a normal with mean 0 and deviation `scale`.

    Source: TF 1.15 `tf.contrib.distributions.HalfNormal`.
    """

    _batched = _shaped = ("scale",)

    def __init__(self, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "HalfNormal"):
        parameters = arguments(locals())
        with tf.name_scope(name, values=[scale]) as name, positive_when(validate_args, scale):
            self._scale = tf.identity(scale, name="scale")
        super().__init__(
            self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [self._scale], name
        )

    @property
    def scale(self) -> Any:
        """The scale."""
        return self._scale

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = self._shape_of_samples(n)
        sampled = tf.random_normal(shape=shape, mean=0.0, stddev=1.0, dtype=self.dtype, seed=seed)
        return tf.abs(sampled * self.scale)

    def _prob(self, x: Any) -> Any:
        density = np.sqrt(2) / self.scale / np.sqrt(np.pi) * tf.exp(-0.5 * (x / self.scale) ** 2)
        return density * tf.cast(x >= 0, self.dtype)

    def _cdf(self, x: Any) -> Any:
        return tf.erf(tf.nn.relu(x) / self.scale / np.sqrt(2.0))

    def _entropy(self) -> Any:
        return 0.5 * tf.log(np.pi * self.scale**2.0 / 2.0) + 0.5

    def _mean(self) -> Any:
        return self.scale * np.sqrt(2.0) / np.sqrt(np.pi)

    def _quantile(self, p: Any) -> Any:
        return np.sqrt(2.0) * self.scale * erfinv(p)

    def _mode(self) -> Any:
        return tf.zeros(self.batch_shape_tensor())

    def _variance(self) -> Any:
        return self.scale**2.0 * (1.0 - 2.0 / np.pi)
