"""`tf.keras.optimizers.schedules`: learning rates as functions of the step."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.variables import named


@export("keras.optimizers.schedules.LearningRateSchedule")
class LearningRateSchedule:
    """A learning rate for each step. Source: TF 1.15 `tf.keras.optimizers.schedules.LearningRateSchedule`."""

    options: tuple[str, ...] = ()

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError("Learning rate schedule must override __call__")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal schedule."""
        return {name: getattr(self, name) for name in self.options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The schedule that `get_config` described."""
        return cls(**config)


class _Decay(LearningRateSchedule):
    options = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False, name: Any = None
    ):
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def _terms(self, step: Any) -> tuple[Any, Any, Any]:
        rate = tf.convert_to_tensor(self.initial_learning_rate, name="initial_learning_rate")
        steps, decay = tf.cast(self.decay_steps, rate.dtype), tf.cast(self.decay_rate, rate.dtype)
        p = tf.cast(step, rate.dtype) / steps
        return rate, decay, tf.floor(p) if self.staircase else p


@export("keras.optimizers.schedules.ExponentialDecay")
class ExponentialDecay(_Decay):
    """`initial * decay_rate ** (step / decay_steps)`. Source: TF 1.15 `tf.keras.optimizers.schedules.ExponentialDecay`."""

    def __call__(self, step: Any) -> Any:
        with tf.name_scope(self.name or "ExponentialDecay") as name:
            rate, decay, p = self._terms(step)
            return tf.multiply(rate, tf.pow(decay, p), name=name)


@export("keras.optimizers.schedules.InverseTimeDecay")
class InverseTimeDecay(_Decay):
    """`initial / (1 + decay_rate * step / decay_steps)`. Source: TF 1.15 `tf.keras.optimizers.schedules.InverseTimeDecay`."""

    def __call__(self, step: Any) -> Any:
        with tf.name_scope(self.name or "InverseTimeDecay") as name:
            rate, decay, p = self._terms(step)
            one = tf.cast(tf.constant(1), rate.dtype)
            return tf.divide(rate, tf.add(one, tf.multiply(decay, p)), name=name)


def _constant(value: Any) -> Any:
    return lambda: value


@export("keras.optimizers.schedules.PiecewiseConstantDecay")
class PiecewiseConstantDecay(LearningRateSchedule):
    """A value between each two steps. Source: TF 1.15 `tf.keras.optimizers.schedules.PiecewiseConstantDecay`."""

    options = ("boundaries", "values", "name")

    def __init__(self, boundaries: Any, values: Any, name: Any = None):
        if len(boundaries) != len(values) - 1:
            raise ValueError("The length of boundaries should be 1 less than the length of values")
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        with tf.name_scope(self.name or "PiecewiseConstant"):
            step = tf.convert_to_tensor(step)
            bounds = [tf.cast(tf.convert_to_tensor(b), step.dtype.base_dtype) for b in self.boundaries]
            values = [tf.convert_to_tensor(v) for v in self.values]
            pairs: list[Any] = [(step <= bounds[0], lambda: values[0]), (step > bounds[-1], lambda: values[-1])]
            for low, high, value in zip(bounds[:-1], bounds[1:], values[1:-1], strict=True):
                pairs.append(((step > low) & (step <= high), _constant(value)))
            return tf.case(pairs, lambda: values[0], exclusive=True)


@export("keras.optimizers.schedules.PolynomialDecay")
class PolynomialDecay(LearningRateSchedule):
    """From the initial to the end rate by a power. Source: TF 1.15 `tf.keras.optimizers.schedules.PolynomialDecay`."""

    options = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        end_learning_rate: Any = 0.0001,
        power: Any = 1.0,
        cycle: bool = False,
        name: Any = None,
    ):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: Any) -> Any:
        with tf.name_scope(self.name or "PolynomialDecay") as name:
            rate = tf.convert_to_tensor(self.initial_learning_rate, name="initial_learning_rate")
            end, power = tf.cast(self.end_learning_rate, rate.dtype), tf.cast(self.power, rate.dtype)
            step, steps = tf.cast(step, rate.dtype), tf.cast(self.decay_steps, rate.dtype)
            if self.cycle:
                rounds = tf.cond(tf.equal(step, 0), lambda: 1.0, lambda: tf.ceil(step / self.decay_steps))
                steps = tf.multiply(steps, rounds)
            else:
                step = tf.minimum(step, self.decay_steps)
            p = tf.divide(step, steps)
            return tf.add(tf.multiply(rate - end, tf.pow(1 - p, power)), end, name=name)


class _TrainDecay(LearningRateSchedule):
    """A decay of `tf.train` as a schedule, with all its options by name."""

    decay = ""

    def __init__(self, **options: Any):
        vars(self).update(options)

    def __call__(self, step: Any) -> Any:
        rate, *options = (getattr(self, name) for name in self.options)
        return getattr(tf.train, self.decay)(rate, step, *options)


@export("keras.experimental.CosineDecay")
class CosineDecay(_TrainDecay):
    """Half a cosine from the initial rate to `alpha` of it. Source: TF 1.15 `tf.keras.experimental.CosineDecay`."""

    options = ("initial_learning_rate", "decay_steps", "alpha", "name")
    decay = "cosine_decay"

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, alpha: Any = 0.0, name: Any = None):
        super().__init__(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, alpha=alpha, name=name)


@export("keras.experimental.CosineDecayRestarts")
class CosineDecayRestarts(_TrainDecay):
    """Cosine decay that starts again. Source: TF 1.15 `tf.keras.experimental.CosineDecayRestarts`."""

    options = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")
    decay = "cosine_decay_restarts"

    def __init__(
        self, initial_learning_rate: Any, first_decay_steps: Any, t_mul: Any = 2.0, m_mul: Any = 1.0, alpha: Any = 0.0, name: Any = None,
    ):  # fmt: skip
        super().__init__(
            initial_learning_rate=initial_learning_rate, first_decay_steps=first_decay_steps, t_mul=t_mul, m_mul=m_mul, alpha=alpha, name=name
        )  # fmt: skip


@export("keras.experimental.LinearCosineDecay")
class LinearCosineDecay(_TrainDecay):
    """A line times a cosine. Source: TF 1.15 `tf.keras.experimental.LinearCosineDecay`."""

    options = ("initial_learning_rate", "decay_steps", "num_periods", "alpha", "beta", "name")
    decay = "linear_cosine_decay"

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001, name: Any = None,
    ):  # fmt: skip
        super().__init__(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            num_periods=num_periods,
            alpha=alpha,
            beta=beta,
            name=name,
        )


@export("keras.experimental.NoisyLinearCosineDecay")
class NoisyLinearCosineDecay(_TrainDecay):
    """A line with noise times a cosine. Source: TF 1.15 `tf.keras.experimental.NoisyLinearCosineDecay`."""

    options = (
        "initial_learning_rate", "decay_steps", "initial_variance", "variance_decay", "num_periods", "alpha", "beta", "name"
    )  # fmt: skip
    decay = "noisy_linear_cosine_decay"

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, initial_variance: Any = 1.0, variance_decay: Any = 0.55, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001,
        name: Any = None,
    ):  # fmt: skip
        super().__init__(
            initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, initial_variance=initial_variance, variance_decay=variance_decay,
            num_periods=num_periods, alpha=alpha, beta=beta, name=name
        )  # fmt: skip


_CLASSES: tuple[type, ...] = (
    ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts, LinearCosineDecay, NoisyLinearCosineDecay,
)  # fmt: skip
_KNOWN = {c.__name__: c for c in _CLASSES}


@export("keras.optimizers.schedules.serialize")
def serialize(learning_rate_schedule: Any) -> Any:
    """The class and configuration of a schedule. Source: TF 1.15 `tf.keras.optimizers.schedules.serialize`."""
    return named.serialize(learning_rate_schedule)


@export("keras.optimizers.schedules.deserialize")
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The schedule of a class and configuration. Source: TF 1.15 `tf.keras.optimizers.schedules.deserialize`."""
    return named.deserialize(config, _KNOWN, custom_objects, "decay")
