"""Gradient descent with momentum."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer, cast


@export("train.MomentumOptimizer")
class MomentumOptimizer(Optimizer):
    """`accumulation = momentum * accumulation + grad; var -= learning_rate * accumulation`.

    `use_nesterov`: the step looks ahead as in Sutskever et al. 2013.
    Source: TF 1.15 `tf.train.MomentumOptimizer`.
    """

    _kernel = "Momentum"
    _slot_inputs = {"accum": "momentum"}
    _zero_slots = ("momentum",)

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _prepare(self) -> None:
        rate, momentum = self._call_if_callable(self._learning_rate), self._call_if_callable(self._momentum)
        self._learning_rate_tensor = tf.convert_to_tensor(rate, name="learning_rate")
        self._momentum_tensor = tf.convert_to_tensor(momentum, name="momentum")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {"lr": cast(self._learning_rate_tensor, dtype), "momentum": cast(self._momentum_tensor, dtype)}

    def _attributes(self) -> dict[str, Any]:
        return {"use_locking": self._use_locking, "use_nesterov": self._use_nesterov}
