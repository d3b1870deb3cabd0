"""`tf.contrib.mixed_precision`: losses that are scaled so that gradients in `float16` do not vanish."""

from __future__ import annotations

import abc
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer


@export("contrib.mixed_precision.LossScaleManager")
class LossScaleManager(abc.ABC):
    """Says by how much losses are scaled. Source: TF 1.15 `tf.contrib.mixed_precision.LossScaleManager`."""

    @abc.abstractmethod
    def get_loss_scale(self) -> Any:
        """`f32[]` factor."""

    @abc.abstractmethod
    def update_loss_scale(self, finite_grads: Any) -> Any:
        """An operation that changes the factor, by whether all gradients are finite (`bool[]`)."""


@export("contrib.mixed_precision.FixedLossScaleManager")
class FixedLossScaleManager(LossScaleManager):
    """A factor that stays. Raises ValueError: one below 1.

    Source: TF 1.15 `tf.contrib.mixed_precision.FixedLossScaleManager`.
    """

    def __init__(self, loss_scale: float):
        if loss_scale < 1:
            raise ValueError("loss scale must be at least 1.")
        self._loss_scale = tf.convert_to_tensor(loss_scale, dtype=tf.float32)

    def get_loss_scale(self) -> Any:
        """`f32[]` factor."""
        return self._loss_scale

    def update_loss_scale(self, finite_grads: Any) -> Any:
        """Nothing."""
        return tf.no_op()


@export("contrib.mixed_precision.ExponentialUpdateLossScaleManager")
class ExponentialUpdateLossScaleManager(LossScaleManager):
    """A factor that grows after so many good steps in a row, and shrinks after so many with gradients that are not finite.

    Source: TF 1.15 `tf.contrib.mixed_precision.ExponentialUpdateLossScaleManager`.
    """

    def __init__(
        self,
        init_loss_scale: float,
        incr_every_n_steps: int,
        decr_every_n_nan_or_inf: int = 2,
        incr_ratio: float = 2,
        decr_ratio: float = 0.8,
    ):
        self._incr_every_n_steps, self._decr_every_n_nan_or_inf = incr_every_n_steps, decr_every_n_nan_or_inf
        self._incr_ratio, self._decr_ratio = incr_ratio, decr_ratio
        start = tf.convert_to_tensor(init_loss_scale, tf.float32)
        self._loss_scale = tf.Variable(start, name="loss_scale", dtype=tf.float32, trainable=False)
        self._num_good_steps = tf.Variable(0, name="good_steps", dtype=tf.int32, trainable=False)
        self._num_bad_steps = tf.Variable(0, name="bad_steps", dtype=tf.int32, trainable=False)

    def get_loss_scale(self) -> Any:
        """`f32[]` factor."""
        return self._loss_scale

    def _set(self, factor: Any) -> Any:
        changed = tf.assign(self._loss_scale, factor)
        return tf.group(changed, tf.assign(self._num_good_steps, 0), tf.assign(self._num_bad_steps, 0))

    def _grow(self) -> Any:
        larger = self._loss_scale * self._incr_ratio
        return self._set(tf.cond(tf.is_finite(larger), lambda: larger, lambda: self._loss_scale.read_value()))

    def _after_good(self) -> Any:
        enough = self._num_good_steps + 1 >= self._incr_every_n_steps
        return tf.cond(enough, self._grow, lambda: tf.assign_add(self._num_good_steps, 1).op)

    def _count_bad(self) -> Any:
        return tf.group(tf.assign_add(self._num_bad_steps, 1), tf.assign(self._num_good_steps, 0))

    def _after_bad(self) -> Any:
        enough = self._num_bad_steps + 1 >= self._decr_every_n_nan_or_inf
        return tf.cond(enough, lambda: self._set(tf.maximum(1.0, self._loss_scale * self._decr_ratio)), self._count_bad)

    def update_loss_scale(self, finite_grads: Any) -> Any:
        """An operation that changes the factor, by whether all gradients are finite (`bool[]`)."""
        return tf.cond(finite_grads, self._after_good, self._after_bad)


@export("contrib.mixed_precision.LossScaleOptimizer")
class LossScaleOptimizer(Optimizer):
    """Computes gradients of the scaled loss, scales them back, and leaves out steps where some are not finite.

    Source: TF 1.15 `tf.contrib.mixed_precision.LossScaleOptimizer`.
    """

    def __init__(self, opt: Any, loss_scale_manager: LossScaleManager):
        super().__init__(False, "LossScaleOptimizer")
        self._opt, self._loss_scale_manager = opt, loss_scale_manager

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = Optimizer.GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Pairs of gradients, scaled back, and variables."""
        scale = self._loss_scale_manager.get_loss_scale()
        value = loss() if callable(loss) else loss
        found = self._opt.compute_gradients(
            value * tf.cast(scale, value.dtype.base_dtype),
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        inverse = tf.reciprocal(scale)
        return [(g if g is None else g * tf.cast(inverse, g.dtype.base_dtype), v) for g, v in found]

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """An operation that applies the gradients if all are finite, and changes the factor."""
        pairs = list(grads_and_vars)
        finite = tf.reduce_all([tf.reduce_all(tf.is_finite(g)) for g, _ in pairs])
        applied = tf.cond(finite, lambda: self._opt.apply_gradients(pairs, global_step, name), tf.no_op)
        return tf.group(applied, self._loss_scale_manager.update_loss_scale(finite))
