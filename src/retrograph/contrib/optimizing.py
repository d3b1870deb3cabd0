"""`tf.contrib.layers.optimize_loss`: a training step by the name of an optimizer, with noise, clipping and summaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.layer_parts import exported
from retrograph.contrib.tensor_checks import assert_scalar
from retrograph.framework.exports import export, export_value
from retrograph.ops.control_flow import with_dependencies
from retrograph.train.moving_averages import assign_moving_average

OPTIMIZER_CLS_NAMES = {
    "Adagrad": tf.train.AdagradOptimizer,
    "Adam": tf.train.AdamOptimizer,
    "Ftrl": tf.train.FtrlOptimizer,
    "Momentum": lambda learning_rate: tf.train.MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": tf.train.RMSPropOptimizer,
    "SGD": tf.train.GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]
for _name in ("OPTIMIZER_CLS_NAMES", "OPTIMIZER_SUMMARIES"):
    export_value(f"contrib.layers.{_name}", globals()[_name], attribute=_name)
    export_value(f"contrib.slim.{_name}", globals()[_name], attribute=_name)

_DEFAULT_SUMMARIES = ["loss", "learning_rate", "global_gradient_norm"]


@exported("optimize_loss")
def optimize_loss(
    loss: Any, global_step: Any, learning_rate: Any, optimizer: Any, gradient_noise_scale: Any = None,
    gradient_multipliers: Any = None, clip_gradients: Any = None, learning_rate_decay_fn: Any = None,
    update_ops: Any = None, variables: Any = None, name: str | None = None, summaries: Any = None,
    colocate_gradients_with_ops: bool = False, increment_global_step: bool = True,
) -> Any:  # fmt: skip
    """The loss, f32[], computed after one step of the optimizer named, made or given.

    Raises ValueError: a loss, rate, optimizer, clipping or summary that is none.
    Source: TF 1.15 `tf.contrib.layers.optimize_loss`.
    """
    loss = tf.convert_to_tensor(loss)
    assert_scalar(loss)
    if global_step is None:
        global_step = tf.train.get_global_step()
    else:
        tf.train.assert_global_step(global_step)
    with tf.variable_scope(name, "OptimizeLoss", [loss, global_step]):
        updates = set(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) if update_ops is None else update_ops
        if updates:
            loss = with_dependencies(list(updates), loss)
        rate = _rate(learning_rate)
        wanted = _wanted_summaries(summaries)
        if learning_rate is not None and learning_rate_decay_fn is not None:
            if global_step is None:
                raise ValueError("global_step is required for learning_rate_decay_fn.")
            rate = learning_rate_decay_fn(rate, global_step)
            if "learning_rate" in wanted:
                tf.summary.scalar("learning_rate", rate)
        chosen = _optimizer(optimizer, rate, learning_rate)
        gradients = chosen.compute_gradients(
            loss, tf.trainable_variables() if variables is None else variables,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        gradients = _changed(gradients, gradient_noise_scale, gradient_multipliers)
        gradients = _clipped(gradients, clip_gradients, wanted)
        _summarize(gradients, loss, wanted, clip_gradients is not None)
        step = global_step if increment_global_step else None
        return with_dependencies([chosen.apply_gradients(gradients, global_step=step, name="train")], loss)


def _rate(given: Any) -> Any:
    """The learning rate as a scalar tensor or a variable, None if there is none."""
    if given is None:
        return None
    if isinstance(given, tf.Tensor) and given.get_shape().ndims == 0:
        return given
    if not isinstance(given, float):
        raise ValueError(f"Learning rate should be 0d Tensor or float. Got {given} of type {type(given)}")
    if given < 0.0:
        raise ValueError("Invalid learning_rate %s.", given)
    return tf.get_variable("learning_rate", [], trainable=False, initializer=tf.constant_initializer(given))


def _wanted_summaries(given: Any) -> Any:
    for name in given or ():
        if name not in OPTIMIZER_SUMMARIES:
            raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided {name}.")
    return _DEFAULT_SUMMARIES if given is None else given


def _needs_rate(rate: Any, what: str, given: Any) -> None:
    if rate is None:
        raise ValueError(f"Learning rate is None, but should be specified if optimizer is {what} ({given}).")


def _optimizer(given: Any, rate: Any, learning_rate: Any) -> Any:
    """The optimizer for a name, a class, a function or an optimizer."""
    base = tf.train.Optimizer
    if isinstance(given, str):
        _needs_rate(rate, "string", given)
        if given not in OPTIMIZER_CLS_NAMES:
            raise ValueError(
                f"Optimizer name should be one of [{', '.join(OPTIMIZER_CLS_NAMES)}], you provided {given}."
            )
        return OPTIMIZER_CLS_NAMES[given](learning_rate=rate)
    if isinstance(given, type) and issubclass(given, base):
        _needs_rate(rate, "class", given)
        return given(learning_rate=rate)
    if isinstance(given, base):
        return given
    if not callable(given):
        raise ValueError(
            "Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of Optimizer or "
            f"function with one argument. Got {given}."
        )
    made = given() if learning_rate is None else given(rate)
    if not isinstance(made, base):
        raise ValueError(f"Unrecognized optimizer: function should return subclass of Optimizer. Got {made}.")
    return made


def _changed(gradients: Any, noise_scale: Any, multipliers: Any) -> Any:
    if noise_scale is not None:
        gradients = [(_noisy(grad, noise_scale), var) for grad, var in gradients]
    if multipliers is None:
        return gradients
    gradients = [(_multiplied(grad, var, multipliers), var) for grad, var in gradients]
    if not gradients:
        raise ValueError(
            "Empty list of (gradient, var) pairs encountered. This is most likely to be caused by an improper value "
            "of gradient_multipliers."
        )
    return gradients


def _noisy(grad: Any, scale: Any) -> Any:
    if grad is None:
        return None
    shape = grad.dense_shape if isinstance(grad, tf.IndexedSlices) else grad.get_shape()
    return grad + tf.truncated_normal(shape) * scale


def _multiplied(grad: Any, var: Any, multipliers: Any) -> Any:
    if grad is None or not (var in multipliers or var.name in multipliers):
        return grad
    multiplier = multipliers[var if var in multipliers else var.name]
    if isinstance(grad, tf.IndexedSlices):
        return tf.IndexedSlices(grad.values * multiplier, grad.indices, grad.dense_shape)
    return grad * tf.cast(multiplier, grad.dtype)


def _global_norm(gradients: Any) -> Any:
    return tf.global_norm([grad for grad, _ in gradients])


def _clipped(gradients: Any, clip: Any, wanted: Any) -> Any:
    """The gradients clipped to a norm or by a function, their norm summarized before."""
    if "global_gradient_norm" in wanted or "gradient_norm" in wanted:
        tf.summary.scalar("global_norm/gradient_norm", _global_norm(gradients))
    if isinstance(clip, float):
        clipped, _ = tf.clip_by_global_norm([grad for grad, _ in gradients], clip)
        return list(zip(clipped, [var for _, var in gradients], strict=True))
    if callable(clip):
        return clip(gradients)
    if clip is not None:
        raise ValueError(f"Unknown type {type(clip)} for clip_gradients")
    return gradients


def _summarize(gradients: Any, loss: Any, wanted: Any, clipped: bool) -> None:
    if "loss" in wanted:
        tf.summary.scalar("loss", loss)
    for grad, var in gradients:
        values = grad.values if isinstance(grad, tf.IndexedSlices) else grad
        if values is None:
            continue
        name = var.name.replace(":", "_")
        if "gradients" in wanted:
            tf.summary.histogram(f"gradients/{name}", values)
        if "gradient_norm" in wanted:
            tf.summary.scalar(f"gradient_norm/{name}", tf.global_norm([values]))
    if clipped and ("global_gradient_norm" in wanted or "gradient_norm" in wanted):
        tf.summary.scalar("global_norm/clipped_gradient_norm", _global_norm(gradients))


@export("contrib.slim.adaptive_clipping_fn")
def adaptive_clipping_fn(
    std_factor: Any = 2.0, decay: Any = 0.95, static_max_norm: Any = None, global_step: Any = None,
    report_summary: bool = False, epsilon: float = 1e-8, name: str | None = None,
) -> Callable[[Any], Any]:  # fmt: skip
    """A function that clips (gradient, variable) pairs by the norms seen so far.

    Source: TF 1.15 `tf.contrib.layers.adaptive_clipping_fn`.
    """

    def clip(grads_and_vars: Any) -> list[Any]:
        norm = _global_norm(grads_and_vars)
        limit, log_mean = _adaptive_max_norm(norm, std_factor, decay, global_step, epsilon, name)
        if report_summary:
            tf.summary.scalar("global_norm/adaptive_max_gradient_norm", limit)
        factor = tf.where(norm < limit, tf.ones_like(norm), tf.exp(log_mean) / norm)
        if static_max_norm is not None:
            factor = tf.minimum(static_max_norm / norm, factor)
        return [(_scaled(grad, factor), var) for grad, var in grads_and_vars]

    return clip


def _scaled(grad: Any, factor: Any) -> Any:
    if isinstance(grad, tf.IndexedSlices):
        return tf.IndexedSlices(grad.values * factor, grad.indices, grad.dense_shape)
    return None if grad is None else grad * factor


def _adaptive_max_norm(
    norm: Any, std_factor: Any, decay: Any, global_step: Any, epsilon: float, name: Any
) -> tuple[Any, Any]:
    """(the norm to clip to, the mean of the logarithms of the norms)."""

    def moving_average(key: str, value: Any, rate: Any) -> Any:
        average = tf.get_variable(
            key, shape=value.get_shape(), dtype=value.dtype, initializer=tf.zeros_initializer(), trainable=False
        )
        return assign_moving_average(average, value, rate, zero_debias=False)

    with tf.variable_scope(name, "AdaptiveMaxNorm", [norm]):
        log_norm = tf.log(norm + epsilon)
        if global_step is not None:
            step = tf.cast(global_step, tf.float32)
            decay = tf.minimum(decay, step / (step + 1.0))
        mean = moving_average("mean", log_norm, decay)
        square_mean = moving_average("sq_mean", tf.square(log_norm), decay)
        variance = square_mean - tf.square(mean)
        deviation = tf.sqrt(tf.maximum(epsilon, variance))
        return tf.exp(mean + std_factor * deviation), mean
