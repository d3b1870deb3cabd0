"""The gamma distribution, its special cases, and its inverse."""

from __future__ import annotations

from typing import Any, ClassVar

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, ScalarDistribution
from retrograph.distributions.checks import checked_when, positive_when
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.location_scale import smallest_positive
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.undefined import or_nan


class _ConcentrationRate(ScalarDistribution):
    """`concentration`, `rate`, and what gamma and inverse gamma share."""

    _batched = ("concentration", "rate")
    _shaped: ClassVar[tuple[str, ...]] = _batched

    def __init__(
        self, concentration: Any, rate: Any, validate_args: Any, allow_nan_stats: Any, name: str, kind: Any
    ):  # fmt: skip
        parameters = arguments(locals())
        del parameters["kind"]
        scope = tf.name_scope(name, values=[concentration, rate])
        with scope as name, positive_when(validate_args, concentration, rate):
            self._concentration = tf.identity(concentration, name="concentration")
            self._rate = tf.identity(rate, name="rate")
            tf.debugging.assert_same_float_dtype([self._concentration, self._rate])
        super().__init__(
            self._concentration.dtype, kind, validate_args, allow_nan_stats, parameters,
            [self._concentration, self._rate], name,
        )  # fmt: skip

    @property
    def concentration(self) -> Any:
        """The concentration (shape, alpha)."""
        return self._concentration

    @property
    def rate(self) -> Any:
        """The rate (inverse scale, beta)."""
        return self._rate

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _log_unnormalized_prob(self, x: Any) -> Any:
        raise self._missing("log_prob")

    def _log_normalization(self) -> Any:
        return tf.lgamma(self.concentration) - self.concentration * tf.log(self.rate)

    def _maybe_assert_valid_sample(self, x: Any) -> Any:
        tf.debugging.assert_same_float_dtype(tensors=[x], dtype=self.dtype)
        return checked_when(self.validate_args, x, tf.assert_positive)


@distribution("Gamma", core=True)
class Gamma(_ConcentrationRate):
    """Gamma with `concentration` and `rate`, of one float dtype. Source: TF 1.15 `tf.distributions.Gamma`."""

    def __init__(
        self, concentration: Any, rate: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "Gamma",
    ):  # fmt: skip
        super().__init__(concentration, rate, validate_args, allow_nan_stats, name, FULLY_REPARAMETERIZED)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.random_gamma(shape=[n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _cdf(self, x: Any) -> Any:
        x = self._maybe_assert_valid_sample(x)
        return tf.igamma(self.concentration, self.rate * x)

    def _log_unnormalized_prob(self, x: Any) -> Any:
        x = self._maybe_assert_valid_sample(x)
        return tf.math.xlogy(self.concentration - 1.0, x) - self.rate * x

    def _entropy(self) -> Any:
        a = self.concentration
        return a - tf.log(self.rate) + tf.lgamma(a) + (1.0 - a) * tf.digamma(a)

    def _mean(self) -> Any:
        return self.concentration / self.rate

    def _variance(self) -> Any:
        return self.concentration / tf.square(self.rate)

    def _stddev(self) -> Any:
        return tf.sqrt(self.concentration) / self.rate

    def _mode(self) -> Any:
        mode = (self.concentration - 1.0) / self.rate
        return or_nan(self, mode, (1.0, self.concentration, "mode not defined when any concentration <= 1"))


@distribution("GammaWithSoftplusConcentrationRate")
class GammaWithSoftplusConcentrationRate(Gamma):
    """Gamma with softplus of `concentration` and `rate`.

    Source: TF 1.15 `tf.contrib.distributions.GammaWithSoftplusConcentrationRate`.
    """

    def __init__(
        self, concentration: Any, rate: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "GammaWithSoftplusConcentrationRate",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[concentration, rate]) as name:
            concentration = tf.nn.softplus(concentration, name="softplus_concentration")
            rate = tf.nn.softplus(rate, name="softplus_rate")
            super().__init__(concentration, rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(Gamma, Gamma)
def _kl_gamma_gamma(g0: Any, g1: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "kl_gamma_gamma", values=[g0.concentration, g0.rate, g1.concentration, g1.rate]):
        a0, b0, a1, b1 = g0.concentration, g0.rate, g1.concentration, g1.rate
        return (
            (a0 - a1) * tf.digamma(a0)
            + tf.lgamma(a1)
            - tf.lgamma(a0)
            + a1 * tf.log(b0)
            - a1 * tf.log(b1)
            + a0 * (b1 / b0 - 1.0)
        )


@distribution("Exponential", core=True)
class Exponential(Gamma):
    """Exponential with `rate`. Source: TF 1.15 `tf.distributions.Exponential`."""

    _shaped = ("rate",)

    def __init__(self, rate: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Exponential"):
        parameters = arguments(locals())
        with tf.name_scope(name, values=[rate]) as name:
            self._rate = tf.convert_to_tensor(rate, name="rate")
        one = tf.ones([], dtype=self._rate.dtype)
        super().__init__(one, self._rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters
        self._graph_parents += [self._rate]

    def _log_survival_function(self, value: Any) -> Any:
        return self._log_prob(value) - tf.log(self._rate)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = tf.concat([[n], tf.shape(self._rate)], 0)
        # 0 is left out: its log would be -inf.
        low = smallest_positive(self.dtype)
        sampled = tf.random_uniform(shape, minval=low, maxval=1.0, seed=seed, dtype=self.dtype)
        return -tf.log(sampled) / self._rate


@distribution("ExponentialWithSoftplusRate")
class ExponentialWithSoftplusRate(Exponential):
    """Exponential with `softplus(rate)`. Source: TF 1.15 `tf.contrib.distributions.ExponentialWithSoftplusRate`."""

    def __init__(
        self, rate: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "ExponentialWithSoftplusRate",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[rate]) as name:
            super().__init__(tf.nn.softplus(rate, name="softplus_rate"), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@distribution("Chi2")
class Chi2(Gamma):
    """Chi-squared with `df` degrees of freedom. Source: TF 1.15 `tf.contrib.distributions.Chi2`."""

    _shaped = ("df",)

    def __init__(self, df: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Chi2"):
        parameters = arguments(locals())
        with tf.name_scope(name, values=[df]) as name:
            with positive_when(validate_args, df):
                self._df = tf.identity(df, name="df")
            half = 0.5 * self._df
            rate = tf.constant(0.5, dtype=self._df.dtype)
            super().__init__(half, rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters

    @property
    def df(self) -> Any:
        """Degrees of freedom."""
        return self._df


@distribution("Chi2WithAbsDf")
class Chi2WithAbsDf(Chi2):
    """Chi-squared with `floor(abs(df))` degrees of freedom. Source: TF 1.15 `tf.contrib.distributions.Chi2WithAbsDf`."""

    def __init__(self, df: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Chi2WithAbsDf"):
        parameters = arguments(locals())
        with tf.name_scope(name, values=[df]) as name:
            whole = tf.floor(tf.abs(df, name="abs_df"), name="floor_abs_df")
            super().__init__(whole, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@distribution("InverseGamma")
class InverseGamma(_ConcentrationRate):
    """The reciprocal of a gamma with `concentration` and `rate`. Source: TF 1.15 `tf.contrib.distributions.InverseGamma`."""

    def __init__(
        self, concentration: Any, rate: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "InverseGamma",
    ):  # fmt: skip
        super().__init__(concentration, rate, validate_args, allow_nan_stats, name, NOT_REPARAMETERIZED)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return 1.0 / tf.random_gamma(shape=[n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _cdf(self, x: Any) -> Any:
        x = self._maybe_assert_valid_sample(x)
        return tf.igammac(self.concentration, self.rate / x)

    def _log_unnormalized_prob(self, x: Any) -> Any:
        x = self._maybe_assert_valid_sample(x)
        return -(1.0 + self.concentration) * tf.log(x) - self.rate / x

    def _entropy(self) -> Any:
        a = self.concentration
        return a + tf.log(self.rate) + tf.lgamma(a) - (1.0 + a) * tf.digamma(a)

    def _mean(self) -> Any:
        mean = self.rate / (self.concentration - 1.0)
        return or_nan(self, mean, (1.0, self.concentration, "mean undefined when any concentration <= 1"))

    def _variance(self) -> Any:
        apart = tf.square(self.rate) / tf.squared_difference(self.concentration, 1.0)
        variance = apart / (self.concentration - 2.0)
        return or_nan(self, variance, (2.0, self.concentration, "variance undefined when any concentration <= 2"))

    def _mode(self) -> Any:
        return self.rate / (1.0 + self.concentration)


@distribution("InverseGammaWithSoftplusConcentrationRate")
class InverseGammaWithSoftplusConcentrationRate(InverseGamma):
    """Inverse gamma with softplus of `concentration` and `rate`.

    Source: TF 1.15 `tf.contrib.distributions.InverseGammaWithSoftplusConcentrationRate`.
    """

    def __init__(
        self, concentration: Any, rate: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "InverseGammaWithSoftplusConcentrationRate",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[concentration, rate]) as name:
            concentration = tf.nn.softplus(concentration, name="softplus_concentration")
            rate = tf.nn.softplus(rate, name="softplus_rate")
            super().__init__(concentration, rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters
