"""`tf.contrib.tpu`: what sums over replicas, of which there is one."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.optimizer_base import OptimizerV2
from retrograph.losses.losses_impl import Reduction
from retrograph.ops.replicas import cross_replica_sum
from retrograph.platform import logging
from retrograph.train.optimizer import Optimizer

_V2_TEXT = (
    "CrossShardOptimizer does not work with OptimizerV2. If you are using TPUStrategy, OptimizerV2 will sum gradients across "
    "replicas.If you are using TPUEstimator, you may instead sum your gradients with: grads = "
    "[tf.compat.v1.tpu.cross_replica_sum(g) for g in grads]. If you want to average your gradients, rescale your loss with: "
    "loss /= global_batch_size"
)


@export("tpu.CrossShardOptimizer", "contrib.tpu.CrossShardOptimizer")
class CrossShardOptimizer(Optimizer):
    """Another optimizer with gradients summed over all replicas. Raises ValueError, TypeError: what cannot be wrapped.

    Source: TF 1.15 `tf.tpu.CrossShardOptimizer`.
    """

    def __init__(
        self, opt: Any, reduction: Any = Reduction.MEAN, name: str = "CrossShardOptimizer", group_assignment: Any = None
    ):
        if reduction not in (Reduction.SUM, Reduction.MEAN):
            raise ValueError(f"Unsupported reduction: {reduction}.")
        if isinstance(opt, OptimizerV2):
            raise TypeError(_V2_TEXT)
        super().__init__(False, name)
        self._opt, self._groups = opt, group_assignment

    def compute_gradients(self, loss: Any, var_list: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The gradients of the one replica."""
        logging.warning(
            "CrossShardOptimizer should be used within a tpu_shard_context, but got unset number_of_shards. Assuming 1."
        )
        return self._opt.compute_gradients(loss, var_list, *args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """Applies the sums."""
        summed = [(g if g is None else self._summed(g), v) for g, v in grads_and_vars]
        return self._opt.apply_gradients(summed, global_step, name)

    def _summed(self, gradient: Any) -> Any:
        with tf.colocate_with(gradient):
            return cross_replica_sum(gradient, self._groups)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """A slot of the wrapped optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        """The slots of the wrapped optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> Any:
        """The variables of the wrapped optimizer."""
        return self._opt.variables()
