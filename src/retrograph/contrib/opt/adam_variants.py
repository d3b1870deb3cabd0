"""Relatives of Adam: AdaMax, Nadam, and Adam whose sparse updates leave other rows alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.adam import AdamOptimizer
from retrograph.train.optimizer import cast

Scatter = Callable[[Any, Tensor, Any], Any]


def scatter(kind: str, variable: Any, indices: Tensor, rows: Any, use_locking: bool = False) -> Any:
    """`ResourceScatter<kind>` of a resource variable, `Scatter<kind>` of a reference: an operation or reference."""
    if variable.op.type == "VarHandleOp":
        return apply_op(f"ResourceScatter{kind}", None, resource=variable.handle, indices=indices, updates=rows)
    return apply_op(f"Scatter{kind}", None, ref=variable._ref(), indices=indices, updates=rows, use_locking=use_locking)


@export("contrib.opt.AdaMaxOptimizer")
class AdaMaxOptimizer(AdamOptimizer):
    """Adam with the infinity norm: `v = max(beta2 * v, |grad|)`.

    Source: TF 1.15 `tf.contrib.opt.AdaMaxOptimizer`; Kingma and Ba, section 7.1.
    """

    _kernel = "AdaMax"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdaMax",
    ):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _get_beta_accumulators(self) -> Any:
        return self._get_non_slot_variable("beta1_power", graph=get_default_graph())

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(initial_value=self._beta1, name="beta1_power", colocate_with=first)
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        tensors = {
            "beta1_power": self._get_beta_accumulators(),
            "lr": self._lr_t,
            "beta1": self._beta1_t,
            "beta2": self._beta2_t,
            "epsilon": self._epsilon_t,
        }
        return {name: cast(tensor, dtype) for name, tensor in tensors.items()}

    def _apply_rows(self, grad: Any, var: Any, indices: Tensor) -> Operation:
        a = self._arguments(var.dtype.base_dtype)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = tf.gather(m, indices) * a["beta1"] + grad * (1 - a["beta1"])
        v_rows = tf.maximum(tf.gather(v, indices) * a["beta2"], tf.abs(grad))
        step = -a["lr"] / (1 - a["beta1_power"]) * (m_rows / (v_rows + a["epsilon"]))
        with tf.control_dependencies([m_rows, v_rows, step]):
            updates = [scatter("Update", m, indices, m_rows), scatter("Update", v, indices, v_rows)]
            updates.append(scatter("Add", var, indices, step, self._use_locking))
        return tf.group(*updates)  # type: ignore[no-any-return]

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return self._apply_rows(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        return self._apply_rows(grad, handle, indices)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        beta1_power = self._get_beta_accumulators()
        with tf.control_dependencies(update_ops), get_default_graph().colocate_with(beta1_power.op):
            update_beta1 = beta1_power.assign(beta1_power * self._beta1_t, use_locking=self._use_locking)
        return tf.group(*update_ops, update_beta1, name=name_scope)


@export("contrib.opt.NadamOptimizer")
class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov momentum.

    Source: TF 1.15 `tf.contrib.opt.NadamOptimizer`; Dozat 2015.
    """

    def _attributes(self) -> dict[str, Any]:
        return {"use_locking": self._use_locking, "use_nesterov": True}

    def _apply_sparse_shared(self, grad: Any, var: Any, indices: Tensor, scatter_add: Scatter) -> Operation:
        a = self._arguments(var.dtype.base_dtype)
        rate = a["lr"] * tf.sqrt(1 - a["beta2_power"]) / (1 - a["beta1_power"])
        scaled = grad * (1 - a["beta1"])
        m = self.get_slot(var, "m")
        with tf.control_dependencies([tf.assign(m, m * a["beta1"], use_locking=self._use_locking)]):
            m_t = scatter_add(m, indices, scaled)
            ahead = scaled + a["beta1"] * tf.gather(m_t, indices)
        v_t = self._decayed_and_added(var, "v", a["beta2"], grad * grad * (1 - a["beta2"]), indices, scatter_add)
        root = tf.sqrt(tf.gather(v_t, indices))
        update = scatter_add(var, indices, -rate * ahead / (root + a["epsilon"]))
        return tf.group(update, ahead, v_t)  # type: ignore[no-any-return]


@export("contrib.opt.LazyAdamOptimizer")
class LazyAdamOptimizer(AdamOptimizer):
    """Adam whose sparse updates decay `m` and `v` of the touched rows only.

    Source: TF 1.15 `tf.contrib.opt.LazyAdamOptimizer`.
    """

    def _apply_rows(self, grad: Any, var: Any, indices: Tensor) -> Operation:
        a = self._arguments(var.dtype.base_dtype)
        rate = a["lr"] * tf.sqrt(1 - a["beta2_power"]) / (1 - a["beta1_power"])
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = a["beta1"] * tf.gather(m, indices) + (1 - a["beta1"]) * grad
        v_rows = a["beta2"] * tf.gather(v, indices) + (1 - a["beta2"]) * tf.square(grad)
        step = rate * m_rows / (tf.sqrt(v_rows) + a["epsilon"])
        updates = [scatter("Sub", var, indices, step, self._use_locking)]
        updates += [scatter("Update", slot, indices, rows) for slot, rows in ((m, m_rows), (v, v_rows))]
        return tf.group(*updates)  # type: ignore[no-any-return]

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return self._apply_rows(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        return self._apply_rows(grad, handle, indices)
