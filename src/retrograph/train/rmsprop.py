"""RMSProp (Hinton, Coursera lecture 6a), plain and centered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer, cast


@export("train.RMSPropOptimizer")
class RMSPropOptimizer(Optimizer):
    """`rms` follows the squared gradient; `mom = momentum * mom + lr * grad / sqrt(rms + epsilon); var -= mom`.

    `centered` subtracts the square of the mean gradient from `rms`.
    Source: TF 1.15 `tf.train.RMSPropOptimizer`.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered
        mean = {"mg": "mg"} if centered else {}
        self._slot_inputs = {**mean, "ms": "rms", "mom": "momentum"}
        self._zero_slots = (*mean, "momentum")

    def _operation(self) -> str:
        return "CenteredRMSProp" if self._centered else "RMSProp"

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            dtype, shape = v.dtype.base_dtype, v.get_shape()
            start = tf.ones_initializer() if shape.is_fully_defined() else tf.ones_like(v)
            self._get_or_make_slot_with_initializer(v, start, shape, dtype, "rms", self._name)
            super()._create_slots([v])

    def _prepare(self) -> None:
        rate, decay = self._call_if_callable(self._learning_rate), self._call_if_callable(self._decay)
        momentum, epsilon = self._call_if_callable(self._momentum), self._call_if_callable(self._epsilon)
        self._learning_rate_tensor = tf.convert_to_tensor(rate, name="learning_rate")
        self._decay_tensor = tf.convert_to_tensor(decay, name="decay")
        self._momentum_tensor = tf.convert_to_tensor(momentum, name="momentum")
        self._epsilon_tensor = tf.convert_to_tensor(epsilon, name="epsilon")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {
            "lr": cast(self._learning_rate_tensor, dtype),
            "rho": cast(self._decay_tensor, dtype),
            "momentum": cast(self._momentum_tensor, dtype),
            "epsilon": cast(self._epsilon_tensor, dtype),
        }
