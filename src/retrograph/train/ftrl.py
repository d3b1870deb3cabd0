"""FTRL-Proximal (McMahan et al. 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer, cast


@export("train.FtrlOptimizer")
class FtrlOptimizer(Optimizer):
    """Follow the regularized leader, with L1 and L2 strengths and L2 shrinkage of the gradient.

    Raises: ValueError for strengths or a start below zero, or a positive `learning_rate_power`.
    Source: TF 1.15 `tf.train.FtrlOptimizer`.
    """

    _slot_inputs = {"accum": "accum", "linear": "linear"}

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: Any = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: Any = 0.0,
    ):
        super().__init__(use_locking, name)
        _check(initial_accumulator_value >= 0.0, "initial_accumulator_value", initial_accumulator_value, "positive")
        _check(learning_rate_power <= 0.0, "learning_rate_power", learning_rate_power, "negative")
        strengths = {
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for argument, value in strengths.items():
            _check(value >= 0.0, argument, value, "positive")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._strengths = strengths
        self._shrinks = l2_shrinkage_regularization_strength > 0.0
        self._accum_name = accum_name
        self._linear_name = linear_name

    def _operation(self) -> str:
        return "FtrlV2" if self._shrinks else "Ftrl"

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            with get_default_graph().colocate_with(v.op):
                val = tf.constant(self._initial_accumulator_value, dtype=v.dtype.base_dtype, shape=v.get_shape())
                self._get_or_make_slot(v, val, "accum", self._accum_name or self._name)
                self._zeros_slot(v, "linear", self._linear_name or self._name)

    def _prepare(self) -> None:
        self._tensors = {"learning_rate": tf.convert_to_tensor(self._learning_rate, name="learning_rate")}
        for argument, value in self._strengths.items():
            self._tensors[argument] = tf.convert_to_tensor(value, name=argument)
        self._tensors["lr_power"] = tf.convert_to_tensor(self._learning_rate_power, name="learning_rate_power")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        rate, l1, l2, shrinkage, power = self._tensors.values()
        tensors = {"lr": rate, "l1": l1, "l2": l2, "l2_shrinkage": shrinkage, "lr_power": power}
        if not self._shrinks:
            del tensors["l2_shrinkage"]
        return {name: cast(tensor, dtype) for name, tensor in tensors.items()}


def _check(good: bool, argument: str, value: Any, sign: str) -> None:
    if not good:
        raise ValueError(f"{argument} {value:f} needs to be {sign} or zero")
