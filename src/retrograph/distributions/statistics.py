"""Statistics of samples, moving statistics, and the conjugate posteriors of a normal."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.location_scale import Normal
from retrograph.distributions.naming import distribution
from retrograph.distributions.shapes import pad, prefer_static_rank, prefer_static_shape, rotate_transpose
from retrograph.framework.static_value import constant_value
from retrograph.ops.control_flow import with_dependencies


def _float_dtype(variable: Any, name: str) -> Any:
    base = variable.dtype.base_dtype
    if not base.is_floating:
        raise TypeError(f"{name}.base_dtype({base.name}) does not have float type `dtype`.")
    return base


@distribution("assign_moving_mean_variance")
def assign_moving_mean_variance(
    mean_var: Any, variance_var: Any, value: Any, decay: Any, name: str | None = None
) -> Any:
    """(mean, variance) after moving both variables towards `value` by `1 - decay`; TypeError unless of one float dtype.

    Source: TF 1.15 `tf.contrib.distributions.assign_moving_mean_variance`.
    """
    scope = tf.name_scope(name, "assign_moving_mean_variance", [variance_var, mean_var, value, decay])
    with scope, tf.colocate_with(variance_var), tf.colocate_with(mean_var):
        base = _float_dtype(mean_var, "mean_var")
        if base != variance_var.dtype.base_dtype:
            other = variance_var.dtype.base_dtype
            raise TypeError(f"mean_var.base_dtype({base.name}) != variance_var.base_dtype({other.name})")
        value = tf.convert_to_tensor(value, dtype=base, name="value")
        decay = tf.convert_to_tensor(decay, dtype=base, name="decay")
        delta = value - mean_var
        with tf.control_dependencies([delta]):
            mean = tf.assign_add(mean_var, (1.0 - decay) * delta)
            change = (1.0 - decay) * (variance_var - decay * tf.square(delta))
            return mean, tf.assign_sub(variance_var, change)


@distribution("assign_log_moving_mean_exp")
def assign_log_moving_mean_exp(log_mean_exp_var: Any, log_value: Any, decay: Any, name: str | None = None) -> Any:
    """The log of a moving mean of exp(log_value), without leaving logs. Source: TF 1.15 `tf.contrib.distributions.assign_log_moving_mean_exp`."""
    scope = tf.name_scope(name, "assign_log_moving_mean_exp", [log_mean_exp_var, log_value, decay])
    with scope, tf.colocate_with(log_mean_exp_var):
        base = _float_dtype(log_mean_exp_var, "log_mean_exp_var")
        log_value = tf.convert_to_tensor(log_value, dtype=base, name="log_value")
        decay = tf.convert_to_tensor(decay, dtype=base, name="decay")
        delta = (log_value - log_mean_exp_var)[tf.newaxis, ...]
        both = [tf.log(decay) * tf.ones_like(delta), delta + tf.log1p(-decay)]
        return log_mean_exp_var.assign_add(tf.reduce_logsumexp(tf.concat(both, axis=0), axis=0))


@distribution("moving_mean_variance")
def moving_mean_variance(value: Any, decay: Any, collections: Any = None, name: str | None = None) -> Any:
    """`assign_moving_mean_variance` of two new variables. Source: TF 1.15 `tf.contrib.distributions.moving_mean_variance`."""
    collections = [tf.GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    with tf.variable_scope(name, "moving_mean_variance", [value, decay]):
        value = tf.convert_to_tensor(value, name="value")
        decay = tf.convert_to_tensor(decay, dtype=_float_dtype(value, "value"), name="decay")

        def variable(which: str) -> Any:
            return tf.get_variable(
                which, shape=value.shape, dtype=value.dtype, initializer=tf.zeros_initializer(), trainable=False,
                collections=collections,
            )  # fmt: skip

        variance, mean = variable("moving_variance"), variable("moving_mean")
        return assign_moving_mean_variance(mean, variance, value, decay)


def _as_complex(x: Any) -> Any:
    if x.dtype.is_complex:
        return x
    if not x.dtype.is_floating:
        raise TypeError(f"Argument x must have either float or complex dtype found: {x.dtype}")
    return tf.complex(x, x.dtype.real_dtype.as_numpy_dtype(0.0))


@distribution("auto_correlation")
def auto_correlation(
    x: Any, axis: int = -1, max_lags: Any = None, center: bool = True, normalize: bool = True,
    name: str = "auto_correlation",
) -> Any:  # fmt: skip
    """Auto-correlation along an axis for lags 0 .. `max_lags`, by FFT; TypeError unless float or complex.

    Source: TF 1.15 `tf.contrib.distributions.auto_correlation`.
    """
    with tf.name_scope(name, values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        rank = prefer_static_rank(x)
        shift = rank - 1 - (rank + axis if axis < 0 else axis)
        rotated = rotate_transpose(x, shift)
        if center:
            rotated -= tf.reduce_mean(rotated, axis=-1, keepdims=True)
        length = prefer_static_shape(rotated)[-1]
        product = tf.cast(_self_product(rotated, length), x.dtype)
        chopped, max_lags = _chopped(product, rotated, length, max_lags)
        counts = tf.cast(length, x.dtype.real_dtype) - tf.range(0.0, tf.cast(max_lags, x.dtype.real_dtype) + 1.0)
        result = chopped / tf.cast(counts, x.dtype)
        if normalize:
            result /= result[..., :1]
        return rotate_transpose(result, -shift)


def _self_product(x: Any, length: Any) -> Any:
    """The products of `x` with itself, shifted: padded to a power of 2 of at least twice the length."""
    length = tf.cast(length, np.float64)
    target = tf.pow(np.float64(2.0), tf.ceil(tf.log(length * 2) / np.log(2.0)))
    padded = pad(x, axis=-1, back=True, count=tf.cast(target - length, np.int32))
    transformed = tf.fft(_as_complex(padded))
    return tf.ifft(transformed * tf.conj(transformed))


def _chopped(product: Any, x: Any, length: Any, max_lags: Any) -> tuple[Any, Any]:
    known_shape = x.shape.is_fully_defined()
    if max_lags is None:
        max_lags = length - 1
    else:
        max_lags = tf.convert_to_tensor(max_lags, name="max_lags")
        known = constant_value(max_lags)
        known_shape = known_shape and known is not None
        max_lags = min(length - 1, known) if known_shape else tf.minimum(length - 1, max_lags)
    chopped = product[..., : max_lags + 1]
    if known_shape:
        shape = x.shape.as_list()
        shape[-1] = int(min(length, max_lags + 1))
        chopped.set_shape(shape)
    return chopped, max_lags


_INTERPOLATIONS = {"lower": "ceil", "higher": "floor", "nearest": "round"}


@distribution("percentile")
def percentile(
    x: Any, q: Any, axis: Any = None, interpolation: str | None = None, keep_dims: bool = False,
    validate_args: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The q-th percentile (q in [0, 100]) of `x` over axes (default: all): the nearest, lower or higher element.

    ValueError for another interpolation, or axes and ranks that are not static. Source: TF 1.15
    `tf.contrib.distributions.percentile`.
    """
    interpolation = "nearest" if interpolation is None else interpolation
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"Argument 'interpolation' must be in {set(_INTERPOLATIONS)}.  Found {interpolation}")
    with tf.name_scope(name or "percentile", values=[x, q]):
        x = tf.convert_to_tensor(x, name="x")
        q = _checked_q(tf.cast(q, tf.float64, name="q"), validate_args)
        axes = None if axis is None else _static_axes(axis, _static_ndims(x, least=1))
        y = tf.reshape(x, [-1]) if axes is None else _flat_end(x, axes)
        fraction = 1.0 - q / 100.0
        count = tf.cast(tf.shape(y)[-1], tf.float64)
        index = getattr(tf, _INTERPOLATIONS[interpolation])((count - 1) * fraction)
        size = tf.shape(y)[-1]
        index = tf.clip_by_value(tf.cast(index, tf.int32), 0, size - 1)
        result = tf.nn.top_k(y, k=tf.shape(y)[-1])[0][..., index]
        result.set_shape(y.get_shape()[:-1])
        return _with_kept_dims(result, x, axes) if keep_dims else result


def _checked_q(q: Any, validate_args: bool) -> Any:
    if q.get_shape().ndims not in (None, 0):
        raise ValueError(f"Expected argument 'x' to have ndims 0.  Found tensor {q}")
    if not validate_args:
        return q
    low, high = (tf.cast(bound, tf.float64) for bound in (0.0, 100.0))
    checks = [tf.assert_rank(q, 0), tf.assert_greater_equal(q, low), tf.assert_less_equal(q, high)]
    return with_dependencies(checks, q)


def _static_ndims(x: Any, least: int = 0, most: int | None = None) -> int:
    ndims = x.get_shape().ndims
    if ndims is None:
        raise ValueError("Expected argument 'x' to have statically defined 'ndims'.  Found: ")
    if ndims < least:
        raise ValueError(f"Expected argument 'x' to have ndims >= {least}.  Found tensor {x}")
    if most is not None and ndims > most:
        raise ValueError(f"Expected argument 'x' to have ndims <= {most}.  Found tensor {x}")
    return int(ndims)


def _static_axes(axis: Any, ndims: int) -> list[int]:
    axis = tf.convert_to_tensor(axis, name="axis")
    tf.debugging.assert_integer(axis)
    _static_ndims(axis, most=1)
    known = constant_value(axis)
    if known is None:
        raise ValueError(f"Expected argument 'axis' to be statically available.  Found: {axis}")
    found = [int(a) for a in np.atleast_1d(known)]
    for a in found:
        if a >= ndims:
            raise ValueError(f"dim {a} not in the interval [0, {ndims - 1}].")
        if a < -ndims:
            raise ValueError(f"Negatively indexed dim {a} not in the interval [-{ndims}, -1]")
    return [a % ndims for a in found]


def _flat_end(x: Any, axes: list[int]) -> Any:
    """`x` with these axes last, and as one."""
    ndims = x.get_shape().ndims
    front = sorted(set(range(ndims)).difference(axes))
    moved = tf.transpose(x, perm=front + axes)
    if x.get_shape().is_fully_defined():
        sizes = x.get_shape().as_list()
        shape: Any = [sizes[i] for i in front] + [int(np.prod([sizes[i] for i in axes]))]
    else:
        shape = tf.concat([tf.shape(moved)[: ndims - len(axes)], [-1]], axis=0)
    return tf.reshape(moved, shape=shape)


def _with_kept_dims(result: Any, x: Any, axes: list[int] | None) -> Any:
    if axes is None:
        ndims = tf.rank(x) if x.get_shape().ndims is None else x.get_shape().ndims
        return result * tf.ones(tf.ones(shape=[ndims], dtype=tf.int32), dtype=x.dtype)
    for axis in sorted(axes):
        result = tf.expand_dims(result, axis=axis)
    return result


def _posterior(prior: Any, scale: Any, s: Any, n: Any) -> tuple[Any, Any, Any]:
    """(mean of the posterior, its variance, the observations' variance)."""
    if not isinstance(prior, Normal):
        raise TypeError("Expected prior to be an instance of type Normal")
    if s.dtype != prior.dtype:
        raise TypeError(f"Observation sum s.dtype does not match prior dtype: {s.dtype} vs. {prior.dtype}")
    n = tf.cast(n, prior.dtype)
    of_prior, of_one = tf.square(prior.scale), tf.square(scale)
    variance = 1.0 / (1 / of_prior + n / of_one)
    return (prior.loc / of_prior + s / of_one) * variance, variance, of_one


@distribution("normal_conjugates_known_scale_posterior")
def normal_conjugates_known_scale_posterior(prior: Any, scale: Any, s: Any, n: Any) -> Any:
    """The posterior of a mean, with a normal `prior`, after `n` observations of sum `s` and deviation `scale`.

    TypeError for another prior or dtype. Source: TF 1.15
    `tf.contrib.distributions.normal_conjugates_known_scale_posterior`.
    """
    mean, variance, _ = _posterior(prior, scale, s, n)
    return Normal(loc=mean, scale=tf.sqrt(variance))


@distribution("normal_conjugates_known_scale_predictive")
def normal_conjugates_known_scale_predictive(prior: Any, scale: Any, s: Any, n: Any) -> Any:
    """The distribution of the next observation. Source: TF 1.15 `tf.contrib.distributions.normal_conjugates_known_scale_predictive`."""
    mean, variance, of_one = _posterior(prior, scale, s, n)
    return Normal(loc=mean, scale=tf.sqrt(variance + of_one))
