"""Distributions on an interval: uniform and beta; and Student's t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED, ScalarDistribution
from retrograph.distributions.checks import checked_when, positive_when
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed
from retrograph.distributions.undefined import nan_filled, or_nan
from retrograph.ops.control_flow import with_dependencies


@distribution("Uniform", core=True)
class Uniform(ScalarDistribution):
    """Uniform on [low, high). Source: TF 1.15 `tf.distributions.Uniform`."""

    _batched = _shaped = ("low", "high")

    def __init__(
        self, low: Any = 0.0, high: Any = 1.0, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "Uniform",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[low, high]) as name:
            message = "uniform not defined when low >= high."
            with tf.control_dependencies([tf.assert_less(low, high, message=message)] if validate_args else []):
                self._low = tf.identity(low, name="low")
                self._high = tf.identity(high, name="high")
                tf.debugging.assert_same_float_dtype([self._low, self._high])
        super().__init__(
            self._low.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._low, self._high], name,
        )  # fmt: skip

    @property
    def low(self) -> Any:
        """The lower end."""
        return self._low

    @property
    def high(self) -> Any:
        """The upper end."""
        return self._high

    def range(self, name: str = "range") -> Any:
        """`high - low`."""
        with self._name_scope(name):
            return self.high - self.low

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        samples = tf.random_uniform(shape=self._shape_of_samples(n), dtype=self.dtype, seed=seed)
        return self.low + self.range() * samples

    def _prob(self, x: Any) -> Any:
        wide = x * tf.ones(self.batch_shape_tensor(), dtype=x.dtype)
        is_nan = tf.is_nan(wide)
        outside = tf.logical_or(wide < self.low, wide >= self.high)
        density = tf.where_v2(outside, tf.zeros_like(wide), tf.ones_like(wide) / self.range())
        return tf.where_v2(is_nan, wide, density)

    def _cdf(self, x: Any) -> Any:
        shape = tf.broadcast_dynamic_shape(tf.shape(x), self.batch_shape_tensor())
        zeros = tf.zeros(shape, dtype=self.dtype)
        ones = tf.ones(shape, dtype=self.dtype)
        wide = x * ones
        below = tf.where_v2(x < self.low, zeros, (wide - self.low) / self.range())
        return tf.where_v2(x >= self.high, ones, below)

    def _entropy(self) -> Any:
        return tf.log(self.range())

    def _mean(self) -> Any:
        return (self.low + self.high) / 2.0

    def _variance(self) -> Any:
        return tf.square(self.range()) / 12.0

    def _stddev(self) -> Any:
        return self.range() / math.sqrt(12.0)


def _positive_concentration(x: Any) -> Any:
    return tf.assert_positive(x, message="Concentration parameter must be positive.")


def _positive_sample(x: Any) -> Any:
    return tf.assert_positive(x, message="sample must be positive")


@distribution("Beta", core=True)
class Beta(ScalarDistribution):
    """Beta: density proportional to x^(concentration1 - 1) (1 - x)^(concentration0 - 1).

    Source: TF 1.15 `tf.distributions.Beta`.
    """

    _batched = ("total_concentration",)
    _shaped = ("concentration1", "concentration0")

    def __init__(
        self, concentration1: Any = None, concentration0: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Beta",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[concentration1, concentration0]) as name:
            a = tf.convert_to_tensor(concentration1, name="concentration1")
            self._concentration1 = checked_when(validate_args, a, _positive_concentration)
            b = tf.convert_to_tensor(concentration0, name="concentration0")
            self._concentration0 = checked_when(validate_args, b, _positive_concentration)
            tf.debugging.assert_same_float_dtype([self._concentration1, self._concentration0])
            self._total_concentration = self._concentration1 + self._concentration0
        parents = [self._concentration1, self._concentration0, self._total_concentration]
        super().__init__(
            self._total_concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            parents, name,
        )  # fmt: skip

    @property
    def concentration1(self) -> Any:
        """The weight of 1."""
        return self._concentration1

    @property
    def concentration0(self) -> Any:
        """The weight of 0."""
        return self._concentration0

    @property
    def total_concentration(self) -> Any:
        """The sum of both weights."""
        return self._total_concentration

    def _wide(self, concentration: Any) -> Any:
        return tf.ones_like(self.total_concentration, dtype=self.dtype) * concentration

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        a, b = self._wide(self.concentration1), self._wide(self.concentration0)
        one = tf.random_gamma(shape=[n], alpha=a, dtype=self.dtype, seed=seed)
        zero = tf.random_gamma(shape=[n], alpha=b, dtype=self.dtype, seed=gen_new_seed(seed, "beta"))
        return one / (one + zero)

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _prob(self, x: Any) -> Any:
        return tf.exp(self._log_prob(x))

    def _log_cdf(self, x: Any) -> Any:
        return tf.log(self._cdf(x))

    def _cdf(self, x: Any) -> Any:
        return tf.betainc(self.concentration1, self.concentration0, x)

    def _log_unnormalized_prob(self, x: Any) -> Any:
        x = checked_when(self.validate_args, x, _positive_sample, self._below_one)
        return tf.math.xlogy(self.concentration1 - 1.0, x) + (self.concentration0 - 1.0) * tf.log1p(-x)

    def _below_one(self, x: Any) -> Any:
        return tf.assert_less(x, tf.ones([], self.dtype), message="sample must be less than `1`.")

    def _log_normalization(self) -> Any:
        both = tf.lgamma(self.concentration1) + tf.lgamma(self.concentration0)
        return both - tf.lgamma(self.total_concentration)

    def _entropy(self) -> Any:
        a, b, total = self.concentration1, self.concentration0, self.total_concentration
        first = self._log_normalization() - (a - 1.0) * tf.digamma(a) - (b - 1.0) * tf.digamma(b)
        return first + (total - 2.0) * tf.digamma(total)

    def _mean(self) -> Any:
        return self._concentration1 / self._total_concentration

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self._mean()) / (1.0 + self.total_concentration)

    def _mode(self) -> Any:
        mode = (self.concentration1 - 1.0) / (self.total_concentration - 2.0)
        ends = (("concentration1", self.concentration1), ("concentration0", self.concentration0))
        return or_nan(self, mode, *((1.0, value, f"Mode undefined for {which} <= 1.") for which, value in ends))


@distribution("BetaWithSoftplusConcentration")
class BetaWithSoftplusConcentration(Beta):
    """Beta with softplus of both concentrations. Source: TF 1.15 `tf.contrib.distributions.BetaWithSoftplusConcentration`."""

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "BetaWithSoftplusConcentration",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[concentration1, concentration0]) as name:
            a = tf.nn.softplus(concentration1, name="softplus_concentration1")
            b = tf.nn.softplus(concentration0, name="softplus_concentration0")
            super().__init__(a, b, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(Beta, Beta)
def _kl_beta_beta(d1: Any, d2: Any, name: str | None = None) -> Any:
    parts = ("concentration1", "concentration0", "total_concentration")
    values = [getattr(d, part) for d in (d1, d2) for part in parts]
    with tf.name_scope(name, "kl_beta_beta", values=values):
        first = d1._log_normalization()
        kl = d2._log_normalization() - first
        for part, sign in zip(parts, (-1, -1, 1), strict=True):
            term = tf.digamma(getattr(d1, part)) * (getattr(d2, part) - getattr(d1, part))
            kl = kl + term if sign > 0 else kl - term
        return kl


@distribution("StudentT", core=True)
class StudentT(ScalarDistribution):
    """Student's t with `df` degrees of freedom, moved by `loc` and stretched by `scale`.

    Source: TF 1.15 `tf.distributions.StudentT`.
    """

    _batched = _shaped = ("df", "loc", "scale")

    def __init__(
        self, df: Any, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "StudentT",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[df, loc, scale]) as name, positive_when(validate_args, df):
            self._df = tf.identity(df, name="df")
            self._loc = tf.identity(loc, name="loc")
            self._scale = tf.identity(scale, name="scale")
            tf.debugging.assert_same_float_dtype((self._df, self._loc, self._scale))
        super().__init__(
            self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._df, self._loc, self._scale], name,
        )  # fmt: skip

    @property
    def df(self) -> Any:
        """Degrees of freedom."""
        return self._df

    @property
    def loc(self) -> Any:
        """The location."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The scale."""
        return self._scale

    def _ones(self) -> Any:
        return tf.ones(self.batch_shape_tensor(), dtype=self.dtype)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        normal = tf.random_normal(self._shape_of_samples(n), dtype=self.dtype, seed=seed)
        df = self.df * self._ones()
        other_seed = gen_new_seed(seed, salt="student_t")
        gamma = tf.random_gamma([n], 0.5 * df, beta=0.5, dtype=self.dtype, seed=other_seed)
        samples = normal * tf.rsqrt(gamma / df)
        return samples * self.scale + self.loc

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _log_unnormalized_prob(self, x: Any) -> Any:
        y = (x - self.loc) / self.scale
        return -0.5 * (self.df + 1.0) * tf.log1p(y**2.0 / self.df)

    def _log_normalization(self) -> Any:
        return (
            tf.log(tf.abs(self.scale))
            + 0.5 * tf.log(self.df)
            + 0.5 * np.log(np.pi)
            + tf.lgamma(0.5 * self.df)
            - tf.lgamma(0.5 * (self.df + 1.0))
        )

    def _cdf(self, x: Any) -> Any:
        y = (x - self.loc) / tf.abs(self.scale)
        x_t = self.df / (y**2.0 + self.df)
        tail = 0.5 * tf.betainc(0.5 * self.df, 0.5, x_t)
        return tf.where_v2(tf.less(y, 0.0), tail, 1.0 - tail)

    def _entropy(self) -> Any:
        v = self._ones()[..., tf.newaxis]
        u = v * self.df[..., tf.newaxis]
        beta_arg = tf.concat([u, v], -1) / 2.0
        first = tf.log(tf.abs(self.scale)) + 0.5 * tf.log(self.df) + tf.lbeta(beta_arg)
        half = 0.5 * (self.df + 1.0)
        return first + half * (tf.digamma(0.5 * (self.df + 1.0)) - tf.digamma(0.5 * self.df))

    def _where_above_one(self, what: str, statistic: Any) -> Any:
        if self.allow_nan_stats:
            return tf.where_v2(tf.greater(self.df, self._ones()), statistic, nan_filled(self))
        message = f"{what} not defined for components of df <= 1"
        one = tf.ones([], dtype=self.dtype)
        return with_dependencies([tf.assert_less(one, self.df, message=message)], statistic)

    def _mean(self) -> Any:
        return self._where_above_one("mean", self.loc * self._ones())

    def _variance(self) -> Any:
        # The denominator must be harmless where the variance is infinite, for the gradient.
        denominator = tf.where_v2(tf.greater(self.df, 2.0), self.df - 2.0, tf.ones_like(self.df))
        variance = self._ones() * tf.square(self.scale) * self.df / denominator
        finite = self.df > tf.fill(self.batch_shape_tensor(), 2.0)
        variance = tf.where_v2(finite, variance, nan_filled(self, "inf", np.inf))
        return self._where_above_one("variance", variance)

    def _mode(self) -> Any:
        return tf.identity(self.loc)


@distribution("StudentTWithAbsDfSoftplusScale")
class StudentTWithAbsDfSoftplusScale(StudentT):
    """Student's t with `floor(abs(df))` and `softplus(scale)`.

    Source: TF 1.15 `tf.contrib.distributions.StudentTWithAbsDfSoftplusScale`.
    """

    def __init__(
        self, df: Any, loc: Any, scale: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "StudentTWithAbsDfSoftplusScale",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[df, scale]) as name:
            df = tf.floor(tf.abs(df))
            positive = tf.nn.softplus(scale, name="softplus_scale")
            super().__init__(df, loc, positive, validate_args, allow_nan_stats, name)
        self._parameters = parameters
