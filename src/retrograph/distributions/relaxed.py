"""Continuous relaxations, as transformed distributions: relaxed Bernoulli and one-hot; Kumaraswamy; sinh-arcsinh."""

from __future__ import annotations

import operator
from typing import Any

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED
from retrograph.distributions.bounded import Uniform
from retrograph.distributions.categorical import ExpRelaxedOneHotCategorical
from retrograph.distributions.checks import get_logits_and_probs, positive_when
from retrograph.distributions.location_scale import Logistic
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.scalar_bijectors import Exp, Sigmoid
from retrograph.distributions.scalar_bijectors import Kumaraswamy as KumaraswamyBijector
from retrograph.distributions.shapes import get_broadcast_shape
from retrograph.distributions.transformed import TransformedDistribution
from retrograph.distributions.undefined import or_nan


@distribution("RelaxedBernoulli")
class RelaxedBernoulli(TransformedDistribution):
    """The sigmoid of a logistic with mean `logits / temperature`. Source: TF 1.15 `tf.contrib.distributions.RelaxedBernoulli`."""

    def __init__(
        self, temperature: Any, logits: Any = None, probs: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "RelaxedBernoulli",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[logits, probs, temperature]) as name:
            with positive_when(validate_args, temperature):
                self._temperature = tf.identity(temperature, name="temperature")
            self._logits, self._probs = get_logits_and_probs(logits, probs, False, validate_args)
            loc, scale = self._logits / self._temperature, 1.0 / self._temperature
            base = Logistic(loc, scale, validate_args, allow_nan_stats, name=name + "/Logistic")
            sigmoid = Sigmoid(validate_args=validate_args)
            super().__init__(base, sigmoid, validate_args=validate_args, name=name)
        self._parameters = parameters

    @staticmethod
    def _param_shapes(sample_shape: Any) -> dict[str, Any]:
        return {"logits": tf.convert_to_tensor(sample_shape, dtype=tf.int32)}

    @property
    def temperature(self) -> Any:
        """The temperature: the lower, the nearer to 0 and 1."""
        return self._temperature

    @property
    def logits(self) -> Any:
        """Log-odds of 1."""
        return self._logits

    @property
    def probs(self) -> Any:
        """Probabilities of 1."""
        return self._probs


@distribution("RelaxedOneHotCategorical")
class RelaxedOneHotCategorical(TransformedDistribution):
    """A point of the simplex near a one-hot vector (Gumbel-softmax). Source: TF 1.15 `tf.contrib.distributions.RelaxedOneHotCategorical`."""

    def __init__(
        self, temperature: Any, logits: Any = None, probs: Any = None, dtype: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "RelaxedOneHotCategorical",
    ):  # fmt: skip
        base = ExpRelaxedOneHotCategorical(temperature, logits, probs, dtype, validate_args, allow_nan_stats)
        super().__init__(base, Exp(), name=name)


def _harmonic_number(x: Any) -> Any:
    one = tf.ones([], dtype=x.dtype)
    return tf.digamma(x + one) - tf.digamma(one)


@distribution("Kumaraswamy")
class Kumaraswamy(TransformedDistribution):
    """Kumaraswamy on [0, 1], much like a beta. Source: TF 1.15 `tf.contrib.distributions.Kumaraswamy`."""

    def __init__(
        self, concentration1: Any = None, concentration0: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Kumaraswamy",
    ):  # fmt: skip
        with tf.name_scope(name, values=[concentration1, concentration0]) as name:
            a = tf.convert_to_tensor(concentration1, name="concentration1")
            b = tf.convert_to_tensor(concentration0, name="concentration0")
        low, high = tf.zeros([], dtype=a.dtype), tf.ones([], dtype=a.dtype)
        base = Uniform(low, high, allow_nan_stats=allow_nan_stats)
        bijector = KumaraswamyBijector(a, b, validate_args)
        super().__init__(base, bijector, batch_shape=get_broadcast_shape(a, b), name=name)
        self._reparameterization_type = FULLY_REPARAMETERIZED

    @property
    def concentration1(self) -> Any:
        """The weight of 1."""
        return self.bijector.concentration1

    @property
    def concentration0(self) -> Any:
        """The weight of 0."""
        return self.bijector.concentration0

    def _entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        return 1 - 1.0 / a + (1 - 1.0 / b) * _harmonic_number(b) + tf.log(a) + tf.log(b)

    def _moment(self, n: int) -> Any:
        total = self.concentration1 + self.concentration0
        a = tf.ones_like(total, dtype=self.dtype) * self.concentration1
        b = tf.ones_like(total, dtype=self.dtype) * self.concentration0
        beta_arg = tf.stack([1 + n / a, b], -1)
        return tf.exp(tf.log(b) + tf.lbeta(beta_arg))

    def _mean(self) -> Any:
        return self._moment(1)

    def _variance(self) -> Any:
        return self._moment(2) - tf.square(self._moment(1))

    def _mode(self) -> Any:
        a, b = self.concentration1, self.concentration0
        mode = ((a - 1) / (a * b - 1)) ** (1.0 / a)
        ends = (("concentration1", a), ("concentration0", b))
        bounds = [(1.0, value, f"Mode undefined for {which} <= 1.") for which, value in ends]
        return or_nan(self, mode, *bounds, both=operator.and_)
