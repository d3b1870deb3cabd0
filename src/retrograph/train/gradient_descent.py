"""Gradient descent, plain and proximal."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.optimizer import Optimizer, cast


@export("train.GradientDescentOptimizer")
class GradientDescentOptimizer(Optimizer):
    """`var -= learning_rate * grad`.

    >>> step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

    Source: TF 1.15 `tf.train.GradientDescentOptimizer`.
    """

    _kernel = "GradientDescent"
    _dense_gradient = "delta"

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor: Any = None

    def _prepare(self) -> None:
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = tf.convert_to_tensor(rate, name="learning_rate")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {"alpha": cast(self._learning_rate_tensor, dtype)}

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Tensor) -> Any:
        updates = -grad * self._learning_rate
        return apply_op("ResourceScatterAdd", None, resource=handle.handle, indices=indices, updates=updates)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        values = grad.values * cast(self._learning_rate_tensor, var.dtype.base_dtype)
        return var.scatter_sub(IndexedSlices(values, grad.indices, grad.dense_shape), use_locking=self._use_locking)


@export("train.ProximalGradientDescentOptimizer")
class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent, then a step towards zero by the L1 and L2 strengths (FOBOS, Duchi and Singer 2009).

    Source: TF 1.15 `tf.train.ProximalGradientDescentOptimizer`.
    """

    _kernel = "ProximalGradientDescent"
    _converts_always = False
    _dense_gradient = "delta"

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _prepare(self) -> None:
        self._learning_rate_tensor = tf.convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor = tf.convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = tf.convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        return {
            "alpha": cast(self._learning_rate_tensor, dtype),
            "l1": cast(self._l1_tensor, dtype),
            "l2": cast(self._l2_tensor, dtype),
        }
