"""Adagrad (Duchi, Hazan and Singer 2011): plain, proximal, dual averaging; Adadelta (Zeiler 2012)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.train.optimizer import Optimizer, cast


def _positive(name: str, value: Any) -> Any:
    if value <= 0.0:
        raise ValueError(f"{name} must be positive: {value}")
    return value


@export("train.AdagradOptimizer")
class AdagradOptimizer(Optimizer):
    """`accumulator += grad^2; var -= learning_rate * grad / sqrt(accumulator)`.

    Raises: ValueError if `initial_accumulator_value` is not positive.
    Source: TF 1.15 `tf.train.AdagradOptimizer`.
    """

    _kernel = "Adagrad"
    _slot_inputs = {"accum": "accumulator"}

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ):
        _positive("initial_accumulator_value", initial_accumulator_value)
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            dtype, shape = v.dtype.base_dtype, v.get_shape()
            if shape.is_fully_defined():
                init: Any = tf.constant_initializer(self._initial_accumulator_value)
            else:
                init = self._init_constant_op(v, dtype)
            self._get_or_make_slot_with_initializer(v, init, shape, dtype, "accumulator", self._name)

    def _init_constant_op(self, v: Any, dtype: DType) -> Callable[[], Tensor]:
        def init() -> Tensor:
            return tf.cast(tf.fill(tf.shape(v), self._initial_accumulator_value), dtype)  # type: ignore[no-any-return]

        return init

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = tf.convert_to_tensor(rate, name="learning_rate")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {"lr": cast(self._learning_rate_tensor, dtype)}


@export("train.AdagradDAOptimizer")
class AdagradDAOptimizer(Optimizer):
    """Adagrad with dual averaging: the variable is computed anew from the sums of gradients and of their squares.

    Raises: ValueError if `initial_gradient_squared_accumulator_value` is not positive.
    Source: TF 1.15 `tf.train.AdagradDAOptimizer`.
    """

    _kernel = "AdagradDA"
    _slot_inputs = {
        "gradient_accumulator": "gradient_accumulator",
        "gradient_squared_accumulator": "gradient_squared_accumulator",
    }

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ):
        _positive("initial_gradient_squared_accumulator_value", initial_gradient_squared_accumulator_value)
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_gradient_squared_accumulator_value = initial_gradient_squared_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._global_step = global_step

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            shape, dtype = v.get_shape(), v.dtype.base_dtype
            with get_default_graph().colocate_with(v.op):
                zeros = tf.constant(0.0, shape=shape, dtype=dtype)
                squares = tf.constant(self._initial_gradient_squared_accumulator_value, shape=shape, dtype=dtype)
            self._get_or_make_slot(v, zeros, "gradient_accumulator", self._name)
            self._get_or_make_slot(v, squares, "gradient_squared_accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = tf.convert_to_tensor(self._learning_rate, name="learning_rate")
        with get_default_graph().colocate_with(self._learning_rate_tensor.op):
            self._global_step_on_worker = tf.identity(self._global_step) + 1

    def _apply(self, kind: str, var: Any, dtype: DType, gradient: dict[str, Any]) -> Any:
        with tf.device(var.device):
            self._step = tf.identity(self._global_step_on_worker)
        return super()._apply(kind, var, dtype, gradient)

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {
            "lr": cast(self._learning_rate_tensor, dtype),
            "l1": cast(self._l1_regularization_strength, dtype),
            "l2": cast(self._l2_regularization_strength, dtype),
            "global_step": self._step,
        }


@export("train.ProximalAdagradOptimizer")
class ProximalAdagradOptimizer(Optimizer):
    """Adagrad, then a step towards zero by the L1 and L2 strengths (FOBOS).

    Raises: ValueError if `initial_accumulator_value` is not positive.
    Source: TF 1.15 `tf.train.ProximalAdagradOptimizer`.
    """

    _kernel = "ProximalAdagrad"
    _converts_always = False
    _slot_inputs = {"accum": "accumulator"}

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ):
        _positive("initial_accumulator_value", initial_accumulator_value)
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            with get_default_graph().colocate_with(v.op):
                val = tf.constant(self._initial_accumulator_value, shape=v.get_shape(), dtype=v.dtype.base_dtype)
            self._get_or_make_slot(v, val, "accumulator", self._name)

    def _prepare(self) -> None:
        self._learning_rate_tensor = tf.convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor = tf.convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = tf.convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {
            "lr": cast(self._learning_rate_tensor, dtype),
            "l1": cast(self._l1_tensor, dtype),
            "l2": cast(self._l2_tensor, dtype),
        }


@export("train.AdadeltaOptimizer")
class AdadeltaOptimizer(Optimizer):
    """Steps in the ratio of the running averages of squared updates and squared gradients.

    Source: TF 1.15 `tf.train.AdadeltaOptimizer`; Zeiler, https://arxiv.org/abs/1212.5701.
    """

    _kernel = "Adadelta"
    _slot_inputs = {"accum": "accum", "accum_update": "accum_update"}
    _zero_slots = ("accum", "accum_update")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _prepare(self) -> None:
        rate, rho = self._call_if_callable(self._lr), self._call_if_callable(self._rho)
        epsilon = self._call_if_callable(self._epsilon)
        self._lr_t = tf.convert_to_tensor(rate, name="lr")
        self._rho_t = tf.convert_to_tensor(rho, name="rho")
        self._epsilon_t = tf.convert_to_tensor(epsilon, name="epsilon")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {
            "lr": cast(self._lr_t, dtype),
            "rho": cast(self._rho_t, dtype),
            "epsilon": cast(self._epsilon_t, dtype),
        }
