"""Full-matrix adaptive steps from a window of gradients (Agarwal et al. 2018)."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer


@export("contrib.opt.GGTOptimizer")
class GGTOptimizer(Optimizer):
    """Preconditions with the root of the Gram matrix of the last `window` gradients.

    Raises NotImplementedError: sparse gradients.
    Source: TF 1.15 `tf.contrib.opt.GGTOptimizer`; Agarwal et al., https://arxiv.org/abs/1806.02958.
    """

    def __init__(
        self, learning_rate: Any = 0.001, beta1: Any = 0.9, use_locking: bool = False, name: str = "GGT", window: int = 10,
        eps: float = 1e-4, svd_eps: float = 1e-6, sigma_eps: float = 1e-2,
    ):  # fmt: skip
        super().__init__(use_locking, name)
        self._lr, self._beta1, self._window = learning_rate, beta1, window
        self._eps, self._svd_eps, self._sigma_eps = eps, svd_eps, sigma_eps
        self._places: dict[str, tuple[int, int]] = {}

    def _create_slots(self, var_list: Any) -> None:
        begin = 0
        for v in sorted(var_list, key=lambda v: v.name):
            size = v.get_shape().num_elements()
            self._places[v.name] = begin, begin + size
            begin += size
        first, dtype = min(var_list, key=lambda v: v.name), var_list[0].dtype.base_dtype
        starts = {
            "global_step": tf.cast(0.0, dtype),
            "grad_buffer": tf.zeros([self._window, begin], dtype=dtype),
            "moment1": tf.zeros((begin,), dtype=dtype),
            "flat_grad": tf.zeros((begin,), dtype=dtype),
        }
        for name, value in starts.items():
            self._create_non_slot_variable(value, name, first)

    def _own(self, name: str) -> Any:
        return self._get_non_slot_variable(name, graph=tf.get_default_graph())

    def _prepare(self) -> None:
        self._applied: list[Any] = []

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        self._applied.append(var)
        return tf.scatter_update(self._own("flat_grad"), tf.range(*self._places[var.name]), tf.reshape(grad, [-1]))

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        return self._apply_dense(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        raise NotImplementedError("Sparse gradient updates are not supported.")

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        raise NotImplementedError("Sparse gradient updates are not supported.")

    def _finish(self, update_ops: Any, name_scope: str) -> Any:
        with tf.control_dependencies(update_ops):
            step = self._direction(self._applied[0].dtype.base_dtype)
            rate = tf.cast(self._call_if_callable(self._lr), self._applied[0].dtype.base_dtype)
            updates = [tf.assign_sub(v, rate * self._part(step, v)) for v in self._applied]
        return tf.group(*updates, name=name_scope)

    def _part(self, step: Any, v: Any) -> Any:
        begin, end = self._places[v.name]
        return tf.reshape(step[begin:end], v.get_shape())

    def _direction(self, dtype: Any) -> Any:
        """What is taken from the variables, but for the rate: `[sum of their sizes, 1]`."""
        count = tf.assign_add(self._own("global_step"), 1.0)
        moment = self._own("moment1")
        beta1 = tf.cast(self._beta1, dtype)
        moment = moment.assign(beta1 * moment + (1.0 - beta1) * self._own("flat_grad"))
        place = tf.floormod(tf.cast(count - 1.0, tf.int32), self._window)
        buffer = tf.scatter_update(self._own("grad_buffer"), place, moment)
        root_of_count = tf.sqrt(tf.minimum(tf.convert_to_tensor(count), tf.cast(self._window, dtype)))
        rows = tf.transpose(buffer / root_of_count)
        damping = tf.cast(tf.eye(self._window), dtype) * self._svd_eps
        values, u, _ = tf.svd(tf.matmul(rows, rows, transpose_a=True) + damping)
        return self._step_from(rows, tf.expand_dims(moment, -1), values, u)

    def _step_from(self, rows: Any, moment: Any, values: Any, u: Any) -> Any:
        roots = tf.sqrt(values)
        least = tf.reduce_min(roots)
        inner = tf.matmul(u, tf.matmul(rows, moment, transpose_a=True), transpose_a=True)

        def spanned(weights: Any) -> Any:
            return tf.matmul(rows, tf.matmul(u, tf.matmul(tf.diag(weights), inner)))

        head = spanned(1.0 / tf.pow(roots + self._sigma_eps, 3))
        tail = (moment - spanned(1.0 / values)) / least
        return tf.cond(least > self._eps, lambda: head + tail, lambda: tf.zeros_like(head) + head)
