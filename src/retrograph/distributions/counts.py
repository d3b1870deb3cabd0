"""Vectors of counts and of proportions: multinomial, Dirichlet, and the mixture of both."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Simplex
from retrograph.distributions.checks import (
    checked_when,
    embed_check_categorical_event_shape,
    embed_check_nonnegative_integer_form,
    get_logits_and_probs,
)
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed, log_combinations
from retrograph.distributions.undefined import must_exceed
from retrograph.ops.control_flow import with_dependencies


def _outer(x: Any, y: Any) -> Any:
    return -tf.matmul(x[..., tf.newaxis], y[..., tf.newaxis, :])


def _counted(total_count: Any, validate_args: Any) -> Any:
    count = tf.convert_to_tensor(total_count, name="total_count")
    return embed_check_nonnegative_integer_form(count) if validate_args else count


class _Counts(Simplex):
    """Counts that sum to `total_count`."""

    _total_count: Any
    _sum_message = "counts must sum to `self.total_count`"

    @property
    def total_count(self) -> Any:
        """The number of draws."""
        return self._total_count

    def _maybe_assert_valid_sample(self, counts: Any) -> Any:
        if not self.validate_args:
            return counts
        counts = embed_check_nonnegative_integer_form(counts)
        check = tf.assert_equal(self.total_count, tf.reduce_sum(counts, -1), message=self._sum_message)
        return with_dependencies([check], counts)


@distribution("Multinomial", core=True)
class Multinomial(_Counts):
    """How often each class is drawn in `total_count` draws. Source: TF 1.15 `tf.distributions.Multinomial`."""

    _shaped_like = "_mean_val"

    def __init__(
        self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Multinomial",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[total_count, logits, probs]) as name:
            self._total_count = _counted(total_count, validate_args)
            self._logits, self._probs = get_logits_and_probs(logits, probs, True, validate_args, name)
            self._mean_val = self._total_count[..., tf.newaxis] * self._probs
        super().__init__(
            self._probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._total_count, self._logits, self._probs], name,
        )  # fmt: skip

    @property
    def logits(self) -> Any:
        """Unnormalized log-probabilities of the classes."""
        return self._logits

    @property
    def probs(self) -> Any:
        """Probabilities of the classes."""
        return self._probs

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        n_draws = tf.cast(self.total_count, dtype=tf.int32)
        k = self.event_shape_tensor()[0]
        n_draws = tf.ones_like(self.logits[..., 0], dtype=n_draws.dtype) * n_draws
        logits = tf.ones_like(n_draws[..., tf.newaxis], dtype=self.logits.dtype) * self.logits
        flat_logits = tf.reshape(logits, [-1, k])
        flat_ndraws = n * tf.reshape(n_draws, [-1])

        def one(args: Any) -> Any:
            draws = tf.multinomial(args[0][tf.newaxis, ...], args[1], seed)
            draws = tf.reshape(draws, shape=[n, -1])
            return tf.reduce_sum(tf.one_hot(draws, depth=k), axis=-2)

        x = tf.map_fn(one, [flat_logits, flat_ndraws], dtype=self.dtype)
        x = tf.transpose(x, perm=[1, 0, 2])
        return tf.reshape(x, tf.concat([[n], self.batch_shape_tensor(), [k]], 0))

    def _log_prob(self, counts: Any) -> Any:
        return self._log_unnormalized_prob(counts) - self._log_normalization(counts)

    def _log_unnormalized_prob(self, counts: Any) -> Any:
        counts = self._maybe_assert_valid_sample(counts)
        return tf.reduce_sum(counts * tf.nn.log_softmax(self.logits), -1)

    def _log_normalization(self, counts: Any) -> Any:
        return -log_combinations(self.total_count, self._maybe_assert_valid_sample(counts))

    def _wide_probs(self) -> Any:
        return self.probs * tf.ones_like(self.total_count)[..., tf.newaxis]

    def _mean(self) -> Any:
        return tf.identity(self._mean_val)

    def _covariance(self) -> Any:
        products = _outer(self._mean_val, self._wide_probs())
        return tf.matrix_set_diag(products, self._variance())

    def _variance(self) -> Any:
        return self._mean_val - self._mean_val * self._wide_probs()


def _positive(x: Any) -> Any:
    return tf.assert_positive(x, message="Concentration parameter must be positive.")


def _has_an_axis(x: Any) -> Any:
    return tf.assert_rank_at_least(x, 1, message="Concentration parameter must have >=1 dimensions.")


def _has_two_events(x: Any) -> Any:
    return tf.assert_less(1, tf.shape(x)[-1], message="Concentration parameter must have event_size >= 2.")


def _positive_sample(x: Any) -> Any:
    return tf.assert_positive(x, message="samples must be positive")


class _Concentrated(Simplex):
    """`concentration`, its sum, and statistics that follow from them."""

    _concentration: Any
    _total_concentration: Any
    _shaped_like = "concentration"

    @property
    def concentration(self) -> Any:
        """The weights of the classes."""
        return self._concentration

    @property
    def total_concentration(self) -> Any:
        """The sum of the weights."""
        return self._total_concentration

    def _batch_shape_tensor(self) -> Any:
        return tf.shape(self.total_concentration)

    def _batch_shape(self) -> Any:
        return self.total_concentration.get_shape()

    def _wide_total(self) -> Any:
        return self.total_concentration[..., tf.newaxis]

    def _variance_scale_term(self) -> Any:
        raise self._missing("variance")

    def _covariance(self) -> Any:
        x = self._variance_scale_term() * self._mean()
        return tf.matrix_set_diag(_outer(x, x), self._variance())


@distribution("Dirichlet", core=True)
class Dirichlet(_Concentrated):
    """Proportions that sum to 1, of shape `[..., classes]` as `concentration`. Source: TF 1.15 `tf.distributions.Dirichlet`."""

    def __init__(
        self, concentration: Any, validate_args: Any = False, allow_nan_stats: Any = True, name: str = "Dirichlet"
    ):
        parameters = arguments(locals())
        with tf.name_scope(name, values=[concentration]) as name:
            given = tf.convert_to_tensor(concentration, name="concentration")
            self._concentration = checked_when(validate_args, given, _positive, _has_an_axis, _has_two_events)
            self._total_concentration = tf.reduce_sum(self._concentration, -1)
        super().__init__(
            self._concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._concentration, self._total_concentration], name,
        )  # fmt: skip

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        gamma = tf.random_gamma(shape=[n], alpha=self.concentration, dtype=self.dtype, seed=seed)
        return gamma / tf.reduce_sum(gamma, -1, keepdims=True)

    def _log_prob(self, x: Any) -> Any:
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _prob(self, x: Any) -> Any:
        return tf.exp(self._log_prob(x))

    def _log_unnormalized_prob(self, x: Any) -> Any:
        x = checked_when(self.validate_args, x, _positive_sample, self._sums_to_one)
        return tf.reduce_sum(tf.math.xlogy(self.concentration - 1.0, x), -1)

    def _sums_to_one(self, x: Any) -> Any:
        one = tf.ones([], dtype=self.dtype)
        return tf.assert_near(one, tf.reduce_sum(x, -1), message="sample last-dimension must sum to `1`")

    def _log_normalization(self) -> Any:
        return tf.lbeta(self.concentration)

    def _event_size(self) -> Any:
        return tf.cast(self.event_shape_tensor()[0], self.dtype)

    def _entropy(self) -> Any:
        k = self._event_size()
        norm = self._log_normalization()
        total = norm + (self.total_concentration - k) * tf.digamma(self.total_concentration)
        each = (self.concentration - 1.0) * tf.digamma(self.concentration)
        return total - tf.reduce_sum(each, axis=-1)

    def _mean(self) -> Any:
        return self.concentration / self._wide_total()

    def _variance(self) -> Any:
        scale = self._variance_scale_term()
        x = scale * self._mean()
        return x * (scale - x)

    def _variance_scale_term(self) -> Any:
        return tf.rsqrt(1.0 + self._wide_total())

    def _mode(self) -> Any:
        k = self._event_size()
        mode = (self.concentration - 1.0) / (self._wide_total() - k)
        if not self.allow_nan_stats:
            bound = (1.0, self.concentration, "Mode undefined when any concentration <= 1")
            return with_dependencies(must_exceed(self.dtype, bound), mode)
        nan = tf.fill(tf.shape(mode), np.array(np.nan, dtype=self.dtype.as_numpy_dtype()), name="nan")
        return tf.where_v2(tf.reduce_all(self.concentration > 1.0, axis=-1), mode, nan)


@RegisterKL(Dirichlet, Dirichlet)
def _kl_dirichlet_dirichlet(d1: Any, d2: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "kl_dirichlet_dirichlet", values=[d1.concentration, d2.concentration]):
        of_sum = tf.digamma(tf.reduce_sum(d1.concentration, axis=-1, keepdims=True))
        apart = tf.digamma(d1.concentration) - of_sum
        total = tf.reduce_sum((d1.concentration - d2.concentration) * apart, axis=-1)
        return total - tf.lbeta(d1.concentration) + tf.lbeta(d2.concentration)


@distribution("DirichletMultinomial", core=True)
class DirichletMultinomial(_Concentrated, _Counts):
    """Counts in `total_count` draws whose probabilities are Dirichlet.

    Source: TF 1.15 `tf.distributions.DirichletMultinomial`.
    """

    _sum_message = "counts last-dimension must sum to `self.total_count`"

    def __init__(
        self, total_count: Any, concentration: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "DirichletMultinomial",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[total_count, concentration]) as name:
            self._total_count = _counted(total_count, validate_args)
            given = tf.convert_to_tensor(concentration, name="concentration")
            given = embed_check_categorical_event_shape(given) if validate_args else given
            self._concentration = checked_when(validate_args, given, _positive)
            self._total_concentration = tf.reduce_sum(self._concentration, -1)
        super().__init__(
            self._concentration.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._total_count, self._concentration], name,
        )  # fmt: skip

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        n_draws = tf.cast(self.total_count, dtype=tf.int32)
        k = self.event_shape_tensor()[0]
        gamma = tf.random_gamma(shape=[n], alpha=self.concentration, dtype=self.dtype, seed=seed)
        logits = tf.reshape(tf.log(gamma), shape=[-1, k])
        other_seed = gen_new_seed(seed, salt="dirichlet_multinomial")
        draws = tf.multinomial(logits=logits, num_samples=n_draws, seed=other_seed)
        x = tf.reduce_sum(tf.one_hot(draws, depth=k), -2)
        x = tf.reshape(x, tf.concat([[n], self.batch_shape_tensor(), [k]], 0))
        return tf.cast(x, self.dtype)

    def _log_prob(self, counts: Any) -> Any:
        counts = self._maybe_assert_valid_sample(counts)
        ordered = tf.lbeta(self.concentration + counts) - tf.lbeta(self.concentration)
        return ordered + log_combinations(self.total_count, counts)

    def _prob(self, counts: Any) -> Any:
        return tf.exp(self._log_prob(counts))

    def _mean(self) -> Any:
        return self.total_count * (self.concentration / self._wide_total())

    def _variance(self) -> Any:
        scale = self._variance_scale_term()
        x = scale * self._mean()
        return x * (self.total_count * scale - x)

    def _variance_scale_term(self) -> Any:
        total = self._wide_total()
        return tf.sqrt((1.0 + total / self.total_count) / (1.0 + total))
