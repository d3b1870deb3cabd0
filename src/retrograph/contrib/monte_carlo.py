"""`tf.contrib.bayesflow.monte_carlo`: expectations estimated from samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export

Function = Callable[[Any], Any]


def _get_samples(dist: Any, z: Any, n: Any, seed: Any) -> Any:
    """The samples given, or so many new ones. Raises: ValueError unless one of both is given."""
    with tf.name_scope("get_samples", values=[z, n]):
        if (n is None) == (z is None):
            raise ValueError(f'Must specify exactly one of arguments "n" and "z".  Found: n = {n}, z = {z}')
        return dist.sample(n, seed=seed) if n is not None else tf.convert_to_tensor(z, name="z")


def _logspace_mean(log_values: Any) -> Any:
    center = tf.stop_gradient(tf.reduce_max(log_values, axis=[0]))
    return tf.log(tf.reduce_mean(tf.exp(log_values - center), axis=[0])) + center


@export("contrib.bayesflow.monte_carlo.expectation_importance_sampler")
def expectation_importance_sampler(
    f: Function,
    log_p: Function,
    sampling_dist_q: Any,
    z: Any = None,
    n: Any = None,
    seed: Any = None,
    name: str = "expectation_importance_sampler",
) -> Any:
    """The mean of `f` under the density `exp(log_p)`, by samples of another distribution.

    Source: TF 1.15 `tf.contrib.bayesflow.monte_carlo.expectation_importance_sampler`.
    """
    with tf.name_scope(name, values=[z, n]):
        z = _get_samples(sampling_dist_q, z, n, seed)
        weights = log_p(z), sampling_dist_q.log_prob(z)
        values = f(z)
        # The positive and the negative part, each with one added: logarithms of zero would be infinite.
        parts = [tf.log(tf.nn.relu(part) + 1.0) for part in (values, -1.0 * values)]
        above, below = (_logspace_mean(part + weights[0] - weights[1]) for part in parts)
    return tf.exp(above) - tf.exp(below)


@export("contrib.bayesflow.monte_carlo.expectation_importance_sampler_logspace")
def expectation_importance_sampler_logspace(
    log_f: Function,
    log_p: Function,
    sampling_dist_q: Any,
    z: Any = None,
    n: Any = None,
    seed: Any = None,
    name: str = "expectation_importance_sampler_logspace",
) -> Any:
    """The logarithm of the mean of a positive function, by samples of another distribution.

    Source: TF 1.15 `tf.contrib.bayesflow.monte_carlo.expectation_importance_sampler_logspace`.
    """
    with tf.name_scope(name, values=[z, n]):
        z = _get_samples(sampling_dist_q, z, n, seed)
        return _logspace_mean(log_f(z) + log_p(z) - sampling_dist_q.log_prob(z))


@export("contrib.bayesflow.monte_carlo.expectation")
def expectation(
    f: Function,
    samples: Any,
    log_prob: Any = None,
    use_reparametrization: bool = True,
    axis: Any = 0,
    keep_dims: bool = False,
    name: str | None = None,
) -> Any:
    """The mean of `f` over samples; without reparametrization its gradient is that of the score function too.

    Raises: ValueError for what is no function. Source: TF 1.15 `tf.contrib.bayesflow.monte_carlo.expectation`.
    """
    with tf.name_scope(name, "expectation", [samples]):
        if not callable(f):
            raise ValueError("`f` must be a callable function.")
        if use_reparametrization:
            return tf.reduce_mean(f(samples), axis=axis, keepdims=keep_dims)
        if not callable(log_prob):
            raise ValueError("`log_prob` must be a callable function.")
        x = tf.stop_gradient(samples)
        log_p, values = log_prob(x), f(x)
        values += tf.stop_gradient(values) * (log_p - tf.stop_gradient(log_p))
        return tf.reduce_mean(values, axis=axis, keepdims=keep_dims)
