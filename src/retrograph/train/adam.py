"""Adam (Kingma and Ba 2014)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.optimizer import Optimizer, cast


@export("train.AdamOptimizer")
class AdamOptimizer(Optimizer):
    """`m` and `v` follow the gradient and its square; `var -= lr_t * m / (sqrt(v) + epsilon)`.

    `lr_t = learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t)`. Sparse gradients decay `m` and `v` of every row.
    Source: TF 1.15 `tf.train.AdamOptimizer`; Kingma and Ba, https://arxiv.org/abs/1412.6980.
    """

    _kernel = "Adam"
    _slot_inputs = {"m": "m", "v": "v"}
    _zero_slots = ("m", "v")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._beta1_t: Any = None
        self._beta2_t: Any = None
        self._epsilon_t: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        graph = get_default_graph()
        return (
            self._get_non_slot_variable("beta1_power", graph=graph),
            self._get_non_slot_variable("beta2_power", graph=graph),
        )

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(initial_value=self._beta1, name="beta1_power", colocate_with=first)
        self._create_non_slot_variable(initial_value=self._beta2, name="beta2_power", colocate_with=first)
        super()._create_slots(var_list)

    def _prepare(self) -> None:
        rate, beta1 = self._call_if_callable(self._lr), self._call_if_callable(self._beta1)
        beta2, epsilon = self._call_if_callable(self._beta2), self._call_if_callable(self._epsilon)
        self._lr_t = tf.convert_to_tensor(rate, name="learning_rate")
        self._beta1_t = tf.convert_to_tensor(beta1, name="beta1")
        self._beta2_t = tf.convert_to_tensor(beta2, name="beta2")
        self._epsilon_t = tf.convert_to_tensor(epsilon, name="epsilon")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        beta1_power, beta2_power = self._get_beta_accumulators()
        return {
            "beta1_power": cast(beta1_power, dtype),
            "beta2_power": cast(beta2_power, dtype),
            "lr": cast(self._lr_t, dtype),
            "beta1": cast(self._beta1_t, dtype),
            "beta2": cast(self._beta2_t, dtype),
            "epsilon": cast(self._epsilon_t, dtype),
        }

    def _apply_sparse_shared(
        self, grad: Any, var: Any, indices: Tensor, scatter_add: Callable[[Any, Tensor, Tensor], Any]
    ) -> Operation:
        a = self._arguments(var.dtype.base_dtype)
        rate = a["lr"] * tf.sqrt(1 - a["beta2_power"]) / (1 - a["beta1_power"])
        m_t = self._decayed_and_added(var, "m", a["beta1"], grad * (1 - a["beta1"]), indices, scatter_add)
        squares = grad * grad
        v_t = self._decayed_and_added(var, "v", a["beta2"], squares * (1 - a["beta2"]), indices, scatter_add)
        root = tf.sqrt(v_t)
        step = rate * m_t / (root + a["epsilon"])
        var_update = tf.assign_sub(var, step, use_locking=self._use_locking)
        return tf.group(var_update, m_t, v_t)  # type: ignore[no-any-return]

    def _decayed_and_added(
        self, var: Any, slot_name: str, beta: Tensor, rows: Tensor, indices: Tensor, scatter_add: Callable[..., Any]
    ) -> Any:
        slot = self.get_slot(var, slot_name)
        decayed = tf.assign(slot, slot * beta, use_locking=self._use_locking)
        with tf.control_dependencies([decayed]):
            return scatter_add(slot, indices, rows)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        def scatter_add(x: Any, i: Tensor, v: Tensor) -> Any:
            return tf.scatter_add(x, i, v, use_locking=self._use_locking)

        return self._apply_sparse_shared(grad.values, var, grad.indices, scatter_add)

    def _resource_scatter_add(self, x: Any, i: Tensor, v: Tensor) -> Any:
        with tf.control_dependencies([apply_op("ResourceScatterAdd", None, resource=x.handle, indices=i, updates=v)]):
            return x.value()

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        return self._apply_sparse_shared(grad, handle, indices, self._resource_scatter_add)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        with tf.control_dependencies(update_ops):
            beta1_power, beta2_power = self._get_beta_accumulators()
            with get_default_graph().colocate_with(beta1_power.op):
                update_beta1 = beta1_power.assign(beta1_power * self._beta1_t, use_locking=self._use_locking)
                update_beta2 = beta2_power.assign(beta2_power * self._beta2_t, use_locking=self._use_locking)
        return tf.group(*update_ops, update_beta1, update_beta2, name=name_scope)
