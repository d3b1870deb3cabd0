"""Learning rates that change with the step.

Each function makes the operations that TF 1.15's schedules make; the formulas are in the docstrings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.conversion import convert_n_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export


def _scope(name: str | None, default: str) -> Any:
    return get_default_graph().name_scope(name or default)


def _initial(learning_rate: Any) -> Any:
    return tf.convert_to_tensor(learning_rate, name="initial_learning_rate")


@export("train.exponential_decay")
def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """`learning_rate * decay_rate ^ (global_step / decay_steps)`; `staircase` takes the floor of the exponent.

    Source: TF 1.15 `tf.train.exponential_decay`.
    """
    with _scope(name, "ExponentialDecay") as scope:
        rate = _initial(learning_rate)
        steps, base = tf.cast(decay_steps, rate.dtype), tf.cast(decay_rate, rate.dtype)
        exponent = _periods(tf.cast(global_step, rate.dtype), steps, staircase)
        return tf.multiply(rate, tf.pow(base, exponent), name=scope)


def _periods(step: Any, steps: Any, staircase: bool) -> Any:
    periods = step / steps
    return tf.floor(periods) if staircase else periods


@export("train.natural_exp_decay")
def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """`learning_rate * exp(-decay_rate * global_step / decay_steps)`.

    Source: TF 1.15 `tf.train.natural_exp_decay`.
    """
    base = tf.exp(tf.negative(decay_rate))
    return exponential_decay(learning_rate, global_step, decay_steps, base, staircase=staircase, name=name)


@export("train.inverse_time_decay")
def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """`learning_rate / (1 + decay_rate * global_step / decay_steps)`.

    Source: TF 1.15 `tf.train.inverse_time_decay`.
    """
    with _scope(name, "InverseTimeDecay") as scope:
        rate = _initial(learning_rate)
        steps, factor = tf.cast(decay_steps, rate.dtype), tf.cast(decay_rate, rate.dtype)
        periods = _periods(tf.cast(global_step, rate.dtype), steps, staircase)
        one = tf.cast(tf.constant(1), rate.dtype)
        return tf.divide(rate, tf.add(one, tf.multiply(factor, periods)), name=scope)


@export("train.polynomial_decay")
def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """From `learning_rate` to `end_learning_rate` along `(1 - global_step / decay_steps) ^ power`.

    After `decay_steps` it stays at the end, or with `cycle` goes on over the next multiple of `decay_steps`.
    Source: TF 1.15 `tf.train.polynomial_decay`.
    """
    with _scope(name, "PolynomialDecay") as scope:
        rate = _initial(learning_rate)
        end, exponent = tf.cast(end_learning_rate, rate.dtype), tf.cast(power, rate.dtype)
        step, steps = tf.cast(global_step, rate.dtype), tf.cast(decay_steps, rate.dtype)
        if cycle:
            steps = tf.multiply(steps, _begun_cycles(step, decay_steps))
        else:
            step = tf.minimum(step, decay_steps)
        done = tf.divide(step, steps)
        return tf.add(tf.multiply(rate - end, tf.pow(1 - done, exponent)), end, name=scope)


def _begun_cycles(step: Any, decay_steps: Any) -> Any:
    return tf.cond(tf.equal(step, 0), lambda: 1.0, lambda: tf.ceil(step / decay_steps))


@export("train.piecewise_constant_decay", "train.piecewise_constant")
def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """`values[0]` while `x <= boundaries[0]`, then `values[1]` while `x <= boundaries[1]`, ...

    Raises: ValueError if dtypes differ, or there is not one value more than boundaries.
    Source: TF 1.15 `tf.train.piecewise_constant`.
    """
    limits, rates = convert_n_to_tensor(boundaries), convert_n_to_tensor(values)
    step = tf.convert_to_tensor(x)
    limits = [_as_limit(b, step.dtype.base_dtype) for b in limits]
    for rate in rates[1:]:
        if rate.dtype.base_dtype != rates[0].dtype.base_dtype:
            raise ValueError(
                "Values must have elements all with the same dtype "
                f"({rates[0].dtype.base_dtype} vs {rate.dtype.base_dtype})."
            )
    if len(limits) != len(rates) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with _scope(name, "PiecewiseConstant"):
        return _select_piece(tf.convert_to_tensor(x), limits, rates)


def _as_limit(boundary: Any, dtype: Any) -> Any:
    if boundary.dtype.base_dtype == dtype:
        return boundary
    if boundary.dtype.base_dtype == tf.int32 and dtype == tf.int64:
        return tf.cast(boundary, dtype)
    raise ValueError(f"Boundaries ({boundary.dtype.base_dtype}) must have the same dtype as x ({dtype}).")


def _select_piece(step: Any, limits: list[Any], rates: list[Any]) -> Any:
    def constantly(rate: Any) -> Callable[[], Any]:
        return lambda: rate

    pieces = [(step <= limits[0], constantly(rates[0])), (step > limits[-1], constantly(rates[-1]))]
    for low, high, rate in zip(limits[:-1], limits[1:], rates[1:-1], strict=True):
        pieces.append(((step > low) & (step <= high), constantly(rate)))
    return tf.case(pieces, constantly(rates[0]), exclusive=True)


def _cosine(fraction: Any) -> Any:
    return 1.0 + tf.cos(tf.constant(math.pi) * fraction)


@export("train.cosine_decay")
def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: Any = 0.0, name: str | None = None
) -> Any:
    """Half a cosine from `learning_rate` to `alpha * learning_rate` over `decay_steps`.

    Source: TF 1.15 `tf.train.cosine_decay`; Loshchilov and Hutter, https://arxiv.org/abs/1608.03983.
    """
    with _scope(name, "CosineDecay"):
        rate = _initial(learning_rate)
        steps = tf.cast(decay_steps, rate.dtype)
        step = tf.minimum(tf.cast(global_step, rate.dtype), steps)
        cosine = 0.5 * _cosine(step / steps)
        return tf.multiply(rate, (1 - alpha) * cosine + alpha)


@export("train.cosine_decay_restarts")
def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: Any = 2.0,
    m_mul: Any = 1.0,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Any:
    """Cosine decay that starts again: each period `t_mul` times as long, from `m_mul` times the rate.

    Source: TF 1.15 `tf.train.cosine_decay_restarts`; Loshchilov and Hutter, https://arxiv.org/abs/1608.03983.
    """
    with _scope(name, "SGDRDecay") as scope:
        rate = _initial(learning_rate)
        steps, floor = tf.cast(first_decay_steps, rate.dtype), tf.cast(alpha, rate.dtype)
        longer, lower = tf.cast(t_mul, rate.dtype), tf.cast(m_mul, rate.dtype)
        done = tf.cast(global_step, rate.dtype) / steps
        restarts, fraction = tf.cond(
            tf.equal(longer, 1.0), lambda: _even_period(done), lambda: _geometric_period(done, longer)
        )
        factor = lower**restarts
        cosine = 0.5 * factor * _cosine(fraction)
        return tf.multiply(rate, (1 - floor) * cosine + floor, name=scope)


def _even_period(done: Any) -> tuple[Any, Any]:
    restarts = tf.floor(done)
    return restarts, done - restarts


def _geometric_period(done: Any, longer: Any) -> tuple[Any, Any]:
    restarts = tf.floor(tf.log(1.0 - done * (1.0 - longer)) / tf.log(longer))
    before = (1.0 - longer**restarts) / (1.0 - longer)
    return restarts, (done - before) / longer**restarts


@export("train.linear_cosine_decay")
def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Any:
    """`learning_rate * ((alpha + linear) * cosine + beta)` over `decay_steps`.

    Source: TF 1.15 `tf.train.linear_cosine_decay`; Bello et al., https://arxiv.org/abs/1709.07417.
    """
    with _scope(name, "LinearCosineDecay") as scope:
        rate = _initial(learning_rate)
        cast = [tf.cast(v, rate.dtype) for v in (decay_steps, num_periods, alpha, beta, global_step)]
        steps, periods, offset, floor, step = cast
        step = tf.minimum(step, steps)
        linear = (steps - step) / steps
        done = step / steps
        cosine = 0.5 * _cosine(2.0 * periods * done)
        return tf.multiply(rate, (offset + linear) * cosine + floor, name=scope)


@export("train.noisy_linear_cosine_decay")
def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: Any = 1.0,
    variance_decay: Any = 0.55,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Any:
    """`linear_cosine_decay` with noise of variance `initial_variance / (1 + step) ^ variance_decay` on the line.

    Source: TF 1.15 `tf.train.noisy_linear_cosine_decay`; Bello et al., https://arxiv.org/abs/1709.07417.
    """
    with _scope(name, "NoisyLinearCosineDecay") as scope:
        rate = _initial(learning_rate)
        arguments = (decay_steps, initial_variance, variance_decay, num_periods, alpha, beta, global_step)
        steps, start, decay, periods, offset, floor, step = [tf.cast(v, rate.dtype) for v in arguments]
        step = tf.minimum(step, steps)
        linear = (steps - step) / steps
        std = tf.sqrt(start / tf.pow(1.0 + step, decay))
        noisy = linear + tf.random_normal(linear.shape, stddev=std)
        done = step / steps
        cosine = 0.5 * _cosine(2.0 * periods * done)
        return tf.multiply(rate, (offset + noisy) * cosine + floor, name=scope)
