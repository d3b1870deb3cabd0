"""`tf.train.experimental`: losses scaled up so that half-precision gradients do not vanish."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.framework.structures import IndexedSlices
from retrograph.platform import logging
from retrograph.train.distribution import in_cross_replica_context
from retrograph.train.optimizer import Optimizer


def _variable(name: str, value: Any, dtype: Any) -> Any:
    return tf.Variable(value, name=name, dtype=dtype, trainable=False, use_resource=True)


@export("train.experimental.LossScale")
class LossScale:
    """Base of scales. Source: TF 1.15 `tf.train.experimental.LossScale`."""

    def __call__(self) -> Any:
        """The scale: `f32[]`."""
        raise NotImplementedError

    def update(self, grads: Any) -> tuple[Any, Any]:
        """(the operation that adapts the scale, whether gradients should be applied)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What it is made of."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossScale:
        """One of the same kind."""
        return cls(**config)


@export("train.experimental.FixedLossScale")
class FixedLossScale(LossScale):
    """A constant. Raises ValueError: no number, or less than 1. Source: TF 1.15 `tf.train.experimental.FixedLossScale`."""

    def __init__(self, loss_scale_value: float):
        if not isinstance(loss_scale_value, (int, float)):
            raise ValueError("loss_scale_value must be a Python int or float.")
        if loss_scale_value < 1:
            raise ValueError("loss_scale_value must be at least 1.")
        self._value = float(loss_scale_value)

    def __call__(self) -> Any:
        """The scale: `f32[]`."""
        return tf.convert_to_tensor(self._value)

    def update(self, grads: Any) -> tuple[Any, Any]:
        """Nothing to do, and True."""
        return tf.no_op(), True

    def __repr__(self) -> str:
        return f"FixedLossScale({self._value})"

    def get_config(self) -> dict[str, Any]:
        """What it is made of."""
        return {"loss_scale_value": self._value}


@export("train.experimental.DynamicLossScale")
class DynamicLossScale(LossScale):
    """A scale that falls after gradients that are not finite and grows after many that are.

    Source: TF 1.15 `tf.train.experimental.DynamicLossScale`.
    """

    def __init__(self, initial_loss_scale: float = 2**15, increment_period: int = 2000, multiplier: float = 2.0):
        self._initial, self._period, self._multiplier = (
            float(initial_loss_scale), int(increment_period), float(multiplier),
        )  # fmt: skip
        self._scale = _variable("current_loss_scale", self._initial, tf.float32)
        self._good = _variable("good_steps", 0, tf.int64)

    @property
    def initial_loss_scale(self) -> float:
        """What it starts with."""
        return self._initial

    @property
    def increment_period(self) -> int:
        """After how many good steps it grows."""
        return self._period

    @property
    def multiplier(self) -> float:
        """How much it grows and falls."""
        return self._multiplier

    def __call__(self) -> Any:
        """The scale: `f32[]`."""
        return tf.convert_to_tensor(self._scale)

    def update(self, grads: Any) -> tuple[Any, Any]:
        """(the operation that adapts the scale, whether all gradients are finite)."""
        finite = tf.reduce_all([tf.reduce_all(tf.is_finite(g)) for g in nest.flatten(grads) if g is not None])
        return tf.cond(finite, self._after_good, self._after_bad), finite

    def _after_good(self) -> Any:
        enough: Any = self._good + 1 >= self._period
        return tf.cond(enough, self._grow, lambda: self._good.assign_add(1).op)

    def _grow(self) -> Any:
        larger = self._scale * self._multiplier
        grown = tf.cond(tf.is_finite(larger), lambda: self._scale.assign(larger).op, tf.no_op)
        return tf.group(grown, self._good.assign(0))

    def _after_bad(self) -> Any:
        smaller = tf.maximum(self._scale / self._multiplier, 1)
        return tf.group(self._good.assign(0), self._scale.assign(smaller))

    def __repr__(self) -> str:
        return (
            f"DynamicLossScale(initial_loss_scale={self._initial}, increment_period={self._period}, "
            f"multiplier={self._multiplier})"
        )

    def get_config(self) -> dict[str, Any]:
        """What it is made of."""
        return {
            "initial_loss_scale": self._initial,
            "increment_period": self._period,
            "multiplier": self._multiplier,
        }


def _scale_of(given: Any) -> Any:
    if isinstance(given, (int, float)):
        return FixedLossScale(given)
    if given == "dynamic":
        return DynamicLossScale()
    if given is None or isinstance(given, LossScale):
        return given
    raise ValueError(f"Could not interpret loss scale identifier: {given}")


def _times(gradient: Any, factor: Any) -> Any:
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return None if gradient is None else gradient * factor


@export("train.experimental.MixedPrecisionLossScaleOptimizer")
class MixedPrecisionLossScaleOptimizer(Optimizer):
    """Another optimizer with a scaled loss; it takes no step by gradients that are not finite.

    Raises ValueError: no optimizer, or no scale. Source: TF 1.15 `tf.train.experimental.MixedPrecisionLossScaleOptimizer`.
    """

    def __init__(self, opt: Any, loss_scale: Any):
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt)}')
        super().__init__(opt._use_locking, opt.get_name())
        self._optimizer, self._loss_scale = opt, _scale_of(loss_scale)

    def compute_gradients(self, loss: Any, *args: Any, **kwargs: Any) -> Any:
        """The gradients, scaled back."""
        scale = self._loss_scale()
        scaled = (lambda: loss() * scale) if callable(loss) else loss * scale
        found = self._optimizer.compute_gradients(scaled, *args, **kwargs)
        back = 1 / self._loss_scale()
        return [(_times(gradient, back), variable) for gradient, variable in found]

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """Applies them if all are finite. Raises ValueError: outside of a replica."""
        if in_cross_replica_context():
            raise ValueError("apply_gradients() must be called in a replica context.")
        if not isinstance(self._loss_scale, DynamicLossScale):
            return self._optimizer.apply_gradients(grads_and_vars, global_step, name)
        pairs = tuple(grads_and_vars)
        name = self.get_name() if name is None else name
        update, finite = self._loss_scale.update([g for g, _ in pairs])
        step = tf.cond(
            finite,
            lambda: tf.group(self._optimizer.apply_gradients(pairs, global_step, f"{name}-wrapped")),
            tf.no_op,
        )
        return tf.group(step, update, name=name)


@export("train.experimental.enable_mixed_precision_graph_rewrite")
def enable_mixed_precision_graph_rewrite(opt: Any, loss_scale: Any = "dynamic") -> Any:
    """An optimizer with a scaled loss. Operations keep their precision, as TF's do without a GPU.

    Raises ValueError: no optimizer of `tf.train`, or one that scales already.
    Source: TF 1.15 `tf.train.experimental.enable_mixed_precision_graph_rewrite`.
    """
    if isinstance(opt, MixedPrecisionLossScaleOptimizer):
        raise ValueError(
            '"opt" must not already be an instance of a MixedPrecisionLossScaleOptimizer. '
            "`enable_mixed_precision_graph_rewrite` will automatically wrap the optimizer with a "
            "MixedPrecisionLossScaleOptimizer."
        )
    if not isinstance(opt, Optimizer):
        raise ValueError(
            f'"opt" must be an instance of a tf.train.Optimizer or a tf.keras.optimizers.Optimizer, but got: {opt}'
        )
    return MixedPrecisionLossScaleOptimizer(opt, loss_scale)


@export("train.experimental.disable_mixed_precision_graph_rewrite")
def disable_mixed_precision_graph_rewrite() -> None:
    """Nothing: precision is never rewritten.

    Source: TF 1.15 `tf.train.experimental.disable_mixed_precision_graph_rewrite`.
    """
    logging.warning("disable_mixed_precision_graph_rewrite() called when mixed precision is already disabled.")
