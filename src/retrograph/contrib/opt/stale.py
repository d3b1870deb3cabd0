"""Gradients that come too late are dropped."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer


@export("contrib.opt.DropStaleGradientOptimizer")
class DropStaleGradientOptimizer(Optimizer):
    """Applies gradients only if the global step has moved by at most `staleness` since they were begun.

    Source: TF 1.15 `tf.contrib.opt.DropStaleGradientOptimizer`.
    """

    def __init__(self, opt: Optimizer, staleness: Any, use_locking: bool = False, name: str = "DropStaleGradient"):
        super().__init__(use_locking, name)
        self._opt, self._staleness = opt, staleness

    def compute_gradients(self, loss: Any, *args: Any, **kwargs: Any) -> Any:
        """`opt.compute_gradients`, after the global step was noted."""
        with get_default_graph().colocate_with(loss):
            self._local_step = tf.train.get_global_step() + 0
        with tf.control_dependencies([self._local_step]):
            return self._opt.compute_gradients(tf.identity(loss), *args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.get_slot`."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.get_slot_names`."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """How many gradients were dropped so far, f32[]; the others are applied."""
        pairs = list(grads_and_vars)
        with get_default_graph().colocate_with(global_step):
            dropped = tf.get_variable("stale_counter", [], initializer=tf.zeros_initializer(), trainable=False)

        def accept() -> Any:
            with tf.control_dependencies([self._opt.apply_gradients(pairs, global_step=global_step, name=name)]):
                return tf.identity(0.0)

        computed = [g if isinstance(g, tf.Tensor) else g.op for g, _ in pairs if g is not None]
        with tf.control_dependencies(computed), get_default_graph().colocate_with(global_step):
            staleness = tf.reshape(global_step - self._local_step, shape=())
        chosen = tf.cond(tf.less_equal(staleness, self._staleness), accept, lambda: tf.identity(1.0))
        made = dropped.assign_add(chosen)
        tf.summary.scalar("Gradient staleness percentage", dropped / tf.cast(global_step + 1, tf.float32))
        return made
