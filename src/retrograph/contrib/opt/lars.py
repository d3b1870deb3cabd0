"""Layer-wise adaptive rates (You et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.train.momentum import MomentumOptimizer
from retrograph.train.optimizer import cast


@export("contrib.opt.LARSOptimizer")
class LARSOptimizer(MomentumOptimizer):
    """Momentum whose rate for each variable is scaled by `eeta * |var| / (|grad| + weight_decay * |var|)`.

    Variables with a part of their name in `skip_list` keep the plain rate and do not decay.
    Raises: ValueError if `momentum` or `weight_decay` is negative.
    Source: TF 1.15 `tf.contrib.opt.LARSOptimizer`; You et al., https://arxiv.org/abs/1708.03888.
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: float = 0.9,
        weight_decay: float = 0.0001,
        eeta: float = 0.001,
        epsilon: float = 0.0,
        name: str = "LARSOptimizer",
        skip_list: Sequence[str] | None = None,
        use_nesterov: bool = False,
    ):
        if momentum < 0.0:
            raise ValueError(f"momentum should be positive: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay should be positive: {weight_decay}")
        super().__init__(learning_rate, momentum, name=name, use_nesterov=use_nesterov)
        self._weight_decay = weight_decay
        self._eeta = eeta
        self._epsilon = epsilon
        self._skip_list = skip_list

    def compute_lr(self, grad: Any, var: Any) -> tuple[Any, Any]:
        """(the rate of the variable, its gradient with weight decay)."""
        if self._skip_list is not None and any(part in var.name for part in self._skip_list):
            return self._learning_rate, grad
        var_norm, grad_norm = tf.norm(var, ord=2), tf.norm(grad, ord=2)
        has_var, has_grad = tf.greater(var_norm, 0), tf.greater(grad_norm, 0)
        ratio = self._eeta * var_norm / (grad_norm + self._weight_decay * var_norm + self._epsilon)
        trust = tf.where(has_var, tf.where(has_grad, ratio, 1.0), 1.0)
        return self._learning_rate * trust, grad + self._weight_decay * var

    def _apply(self, kind: str, var: Any, dtype: Any, gradient: dict[str, Any]) -> Any:
        if "indices" in gradient:
            return super()._apply(kind, var, dtype, gradient)
        rate, grad = self.compute_lr(gradient["grad"], var)
        one = cast(1.0, dtype)
        return super()._apply(kind, var, dtype, {"grad": grad * rate, "lr": one, "momentum": self._momentum})

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return self._apply("Apply", var, var.dtype.base_dtype, {"grad": grad})
