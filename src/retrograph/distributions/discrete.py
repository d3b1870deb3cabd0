"""Distributions on counts: Bernoulli, binomial, negative binomial, geometric, Poisson."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.distributions.base import NOT_REPARAMETERIZED, ScalarDistribution
from retrograph.distributions.checks import (
    assert_integer_form,
    checked_when,
    embed_check_integer_casting_closed,
    embed_check_nonnegative_integer_form,
    get_logits_and_probs,
    positive_when,
)
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.location_scale import smallest_positive
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed
from retrograph.ops.control_flow import with_dependencies


class _WithProbs(ScalarDistribution):
    """A distribution with `logits` and `probs`, one of which was given."""

    _logits: Any
    _probs: Any

    @property
    def logits(self) -> Any:
        """Log-odds."""
        return self._logits

    @property
    def probs(self) -> Any:
        """Probabilities of success."""
        return self._probs

    def _whole(self, x: Any) -> Any:
        return embed_check_nonnegative_integer_form(x) if self.validate_args else x


def _differ(a: Any, b: Any) -> bool:
    shapes = a.get_shape(), b.get_shape()
    return not all(shape.is_fully_defined() for shape in shapes) or shapes[0] != shapes[1]


@distribution("Bernoulli", core=True)
class Bernoulli(_WithProbs):
    """1 with probability `probs` (or `sigmoid(logits)`), else 0.

    ValueError unless exactly one is given, TypeError if it is not floating. Source: TF 1.15
    `tf.distributions.Bernoulli`.
    """

    _batched = _shaped = ("logits",)

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = tf.int32, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Bernoulli",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name:
            self._logits, self._probs = get_logits_and_probs(logits, probs, False, validate_args, name)
        super().__init__(
            dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [self._logits, self._probs], name
        )

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        uniform = tf.random_uniform(self._shape_of_samples(n), seed=seed, dtype=self.probs.dtype)
        return tf.cast(tf.less(uniform, self.probs), self.dtype)

    def _log_prob(self, event: Any) -> Any:
        if self.validate_args:
            event = embed_check_integer_casting_closed(event, target_dtype=tf.bool)
        event = tf.cast(event, self.logits.dtype)
        logits = self.logits
        if _differ(event, logits):
            logits, event = tf.ones_like(event) * logits, tf.ones_like(logits) * event
        return -tf.nn.sigmoid_cross_entropy_with_logits(labels=event, logits=logits)

    def _entropy(self) -> Any:
        return -self.logits * (tf.sigmoid(self.logits) - 1) + tf.nn.softplus(-self.logits)

    def _mean(self) -> Any:
        return tf.identity(self.probs)

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self.probs)

    def _mode(self) -> Any:
        return tf.cast(self.probs > 0.5, self.dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(a: Any, b: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "kl_bernoulli_bernoulli", values=[a.logits, b.logits]):
        delta0 = tf.nn.softplus(-b.logits) - tf.nn.softplus(-a.logits)
        delta1 = tf.nn.softplus(b.logits) - tf.nn.softplus(a.logits)
        return tf.sigmoid(a.logits) * delta0 + tf.sigmoid(-a.logits) * delta1


def _count_not_negative(x: Any) -> Any:
    return tf.assert_non_negative(x, message="total_count must be non-negative.")


def _count_whole(x: Any) -> Any:
    return assert_integer_form(x, message="total_count cannot contain fractional components.")


@distribution("Binomial")
class Binomial(_WithProbs):
    """The number of successes in `total_count` draws. Source: TF 1.15 `tf.contrib.distributions.Binomial`."""

    _batched = ("total_count", "probs")

    def __init__(
        self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Binomial",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[total_count, logits, probs]) as name:
            count = tf.convert_to_tensor(total_count, name="total_count")
            self._total_count = checked_when(validate_args, count, _count_not_negative, _count_whole)
            self._logits, self._probs = get_logits_and_probs(logits, probs, False, validate_args, name)
        super().__init__(
            self._probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._total_count, self._logits, self._probs], name,
        )  # fmt: skip

    @property
    def total_count(self) -> Any:
        """The number of draws."""
        return self._total_count

    def _log_prob(self, counts: Any) -> Any:
        return self._log_unnormalized_prob(counts) - self._log_normalization(counts)

    def _prob(self, counts: Any) -> Any:
        return tf.exp(self._log_prob(counts))

    def _cdf(self, counts: Any) -> Any:
        counts, probs = self._maybe_assert_valid_sample(counts), self.probs
        known = counts.shape.is_fully_defined() and probs.shape.is_fully_defined()
        if not (known and counts.shape.is_compatible_with(probs.shape)):
            probs += tf.zeros_like(counts)
            counts += tf.zeros_like(self.probs)
        return _bdtr(counts, self.total_count, probs)

    def _log_unnormalized_prob(self, counts: Any) -> Any:
        counts = self._maybe_assert_valid_sample(counts)
        return counts * tf.log(self.probs) + (self.total_count - counts) * tf.log1p(-self.probs)

    def _log_normalization(self, counts: Any) -> Any:
        counts = self._maybe_assert_valid_sample(counts)
        both = tf.lgamma(1.0 + self.total_count - counts) + tf.lgamma(1.0 + counts)
        return both - tf.lgamma(1.0 + self.total_count)

    def _mean(self) -> Any:
        return self.total_count * self.probs

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self.probs)

    def _mode(self) -> Any:
        return tf.floor((1.0 + self.total_count) * self.probs)

    def _maybe_assert_valid_sample(self, counts: Any) -> Any:
        if not self.validate_args:
            return counts
        counts = embed_check_nonnegative_integer_form(counts)
        message = "counts are not less than or equal to n."
        return with_dependencies([tf.assert_less_equal(counts, self.total_count, message=message)], counts)


def _bdtr(k: Any, n: Any, p: Any) -> Any:
    """P[X <= k]; betainc is not defined at k = n, where it would also spoil the gradient."""
    ones = tf.ones_like(n - k)
    at_end = tf.equal(k, n)
    safe = tf.where_v2(at_end, ones, n - k)
    return tf.where_v2(at_end, ones, tf.betainc(a=safe, b=k + 1, x=1 - p))


@distribution("NegativeBinomial")
class NegativeBinomial(_WithProbs):
    """The number of successes before `total_count` failures. Source: TF 1.15 `tf.contrib.distributions.NegativeBinomial`."""

    _batched = ("total_count", "probs")

    def __init__(
        self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "NegativeBinomial",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[total_count, logits, probs]) as name:
            self._logits, self._probs = get_logits_and_probs(logits, probs, False, validate_args, name)
            with positive_when(validate_args, total_count):
                self._total_count = tf.identity(total_count)
        super().__init__(
            self._probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._total_count, self._probs, self._logits], name,
        )  # fmt: skip

    @property
    def total_count(self) -> Any:
        """The number of failures."""
        return self._total_count

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        rate = tf.random_gamma(
            shape=[n], alpha=self.total_count, beta=tf.exp(-self.logits), dtype=self.dtype, seed=seed
        )
        return tf.random_poisson(rate, shape=[], dtype=self.dtype, seed=gen_new_seed(seed, "negative_binom"))

    def _cdf(self, x: Any) -> Any:
        return tf.betainc(self.total_count, 1.0 + self._whole(x), tf.sigmoid(-self.logits))

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization(x)

    def _log_unnormalized_prob(self, x: Any) -> Any:
        x = self._whole(x)
        return self.total_count * tf.log_sigmoid(-self.logits) + x * tf.log_sigmoid(self.logits)

    def _log_normalization(self, x: Any) -> Any:
        x = self._whole(x)
        return -tf.lgamma(self.total_count + x) + tf.lgamma(1.0 + x) + tf.lgamma(self.total_count)

    def _mean(self) -> Any:
        return self.total_count * tf.exp(self.logits)

    def _mode(self) -> Any:
        count = self.total_count
        return tf.floor(tf.where_v2(count > 1.0, count - 1.0, tf.zeros_like(count)) * tf.exp(self.logits))

    def _variance(self) -> Any:
        return self._mean() / tf.sigmoid(-self.logits)


@distribution("Geometric")
class Geometric(_WithProbs):
    """The number of failures before the first success. Source: TF 1.15 `tf.contrib.distributions.Geometric`."""

    _batched = ("probs",)

    def __init__(
        self, logits: Any = None, probs: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "Geometric",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[logits, probs]) as name:
            self._logits, self._probs = get_logits_and_probs(logits, probs, False, validate_args, name)
            with positive_when(validate_args, self._probs):
                self._probs = tf.identity(self._probs, name="probs")
        super().__init__(
            self._probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._probs, self._logits], name,
        )  # fmt: skip

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = tf.concat([[n], tf.shape(self._probs)], 0)
        low = smallest_positive(self.dtype)
        sampled = tf.random_uniform(shape, minval=low, maxval=1.0, seed=seed, dtype=self.dtype)
        return tf.floor(tf.log(sampled) / tf.log1p(-self.probs))

    def _whole(self, x: Any) -> Any:
        x = embed_check_nonnegative_integer_form(x) if self.validate_args else tf.floor(x)
        return x * tf.ones_like(self.probs)

    def _cdf(self, x: Any) -> Any:
        x = self._whole(x)
        return tf.where(x < 0.0, tf.zeros_like(x), -tf.expm1((1.0 + x) * tf.log1p(-self.probs)))

    def _log_prob(self, x: Any) -> Any:
        x = self._whole(x)
        probs = self.probs * tf.ones_like(x)
        # 0 * log1p(-1) would be NaN.
        safe = tf.where(tf.equal(x, 0.0), tf.zeros_like(probs), probs)
        return x * tf.log1p(-safe) + tf.log(probs)

    def _entropy(self) -> Any:
        probs = self._probs
        if self.validate_args:
            message = "Entropy is undefined when logits = inf or probs = 1."
            check = tf.assert_less(probs, tf.constant(1.0, probs.dtype), message=message)
            probs = with_dependencies([check], probs)
        return tf.nn.softplus(self.logits) / probs - self.logits

    def _mean(self) -> Any:
        return tf.exp(-self.logits)

    def _variance(self) -> Any:
        return self._mean() / self.probs

    def _mode(self) -> Any:
        return tf.zeros(self.batch_shape_tensor(), dtype=self.dtype)


def _float_rate(rate: Any, name: str) -> Any:
    rate = tf.convert_to_tensor(rate, name=name)
    if not rate.dtype.is_floating:
        raise TypeError(f"{name}.dtype ({rate.dtype.name}) is a not a float-type.")
    return rate


@distribution("Poisson")
class Poisson(ScalarDistribution):
    """Poisson with mean `rate` or `exp(log_rate)`.

    ValueError unless exactly one is given, TypeError if it is not floating. Source: TF 1.15
    `tf.contrib.distributions.Poisson`.
    """

    _batched = ("rate",)

    def __init__(
        self, rate: Any = None, log_rate: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "Poisson",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[rate]) as name:
            if (rate is None) == (log_rate is None):
                raise ValueError("Must specify exactly one of `rate` and `log_rate`.")
            if log_rate is None:
                rate = _float_rate(rate, "rate")
                with positive_when(validate_args, rate):
                    self._rate = tf.identity(rate, name="rate")
                    self._log_rate = tf.log(rate, name="log_rate")
            else:
                self._log_rate = _float_rate(log_rate, "log_rate")
                self._rate = tf.exp(self._log_rate, name="rate")
        super().__init__(
            self._rate.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [self._rate], name
        )

    @property
    def rate(self) -> Any:
        """The mean."""
        return self._rate

    @property
    def log_rate(self) -> Any:
        """Log of the mean."""
        return self._log_rate

    def _whole(self, x: Any) -> Any:
        return embed_check_nonnegative_integer_form(x) if self.validate_args else x

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _log_cdf(self, x: Any) -> Any:
        return tf.log(self.cdf(x))

    def _cdf(self, x: Any) -> Any:
        return tf.igammac(1.0 + self._whole(x), self.rate)

    def _log_normalization(self) -> Any:
        return self.rate

    def _log_unnormalized_prob(self, x: Any) -> Any:
        x = self._whole(x)
        return x * self.log_rate - tf.lgamma(1.0 + x)

    def _mean(self) -> Any:
        return tf.identity(self.rate)

    def _variance(self) -> Any:
        return tf.identity(self.rate)

    def _mode(self) -> Any:
        return tf.floor(self.rate)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.random_poisson(self.rate, [n], dtype=self.dtype, seed=seed)
