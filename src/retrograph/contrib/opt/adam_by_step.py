"""Adam whose powers of the betas are those of the global step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.contrib.opt.adam_variants import LazyAdamOptimizer
from retrograph.framework.exports import export
from retrograph.train.adam import AdamOptimizer
from retrograph.train.optimizer import Optimizer


class _ByStep(AdamOptimizer):
    def __init__(
        self,
        global_step: Any = 0,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)
        self._global_step = global_step
        self._global_step_on_worker: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        step = self._global_step_on_worker
        return tf.pow(self._beta1_t, step), tf.pow(self._beta2_t, step)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        Optimizer._create_slots(self, var_list)

    def _prepare(self) -> None:
        super()._prepare()
        self._global_step_on_worker = tf.cast(tf.identity(self._global_step) + 1, tf.float32)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        return Optimizer._finish(self, update_ops, name_scope)


@export("contrib.opt.AdamGSOptimizer")
class AdamGSOptimizer(_ByStep):
    """Adam that counts steps by `global_step`. Source: TF 1.15 `tf.contrib.opt.AdamGSOptimizer`."""


@export("contrib.opt.LazyAdamGSOptimizer")
class LazyAdamGSOptimizer(_ByStep, LazyAdamOptimizer):
    """The same whose sparse updates decay the touched rows only. Source: TF 1.15 `tf.contrib.opt.LazyAdamGSOptimizer`."""
