"""Gradients preconditioned by a matrix for each dimension (Gupta et al. 2018)."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.opt.matrix_roots import matrix_inverse_pth_root, matrix_square_root
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.train.optimizer import Optimizer


def _at(value: Any, step: Any) -> Any:
    """A hyperparameter, which may be a function of the step."""
    return value(step) if callable(value) else value


@export("contrib.opt.ShampooOptimizer")
class ShampooOptimizer(Optimizer):
    """Shampoo; dimensions above `max_matrix_size` have a vector in place of a matrix.

    Source: TF 1.15 `tf.contrib.opt.ShampooOptimizer`; Gupta et al., https://arxiv.org/abs/1802.09568.
    """

    def __init__(
        self, global_step: Any = 0, max_matrix_size: int = 768, gbar_decay: Any = 0.0, gbar_weight: Any = 1.0,
        mat_gbar_decay: Any = 1.0, mat_gbar_weight: Any = 1.0, learning_rate: Any = 1.0, svd_interval: Any = 1,
        precond_update_interval: Any = 1, epsilon: float = 1e-4, alpha: Any = 0.5, use_iterative_root: bool = False,
        use_locking: bool = False, name: str = "Shampoo",
    ):  # fmt: skip
        super().__init__(use_locking, name)
        self._global_step = tf.cast(global_step, tf.float32)
        self._max_matrix_size, self._epsilon, self._alpha = max_matrix_size, epsilon, alpha
        self._gbar_decay, self._gbar_weight = gbar_decay, gbar_weight
        self._mat_gbar_decay, self._mat_gbar_weight = mat_gbar_decay, mat_gbar_weight
        self._learning_rate, self._use_iterative_root = learning_rate, use_iterative_root
        self._svd_interval, self._precond_update_interval = svd_interval, precond_update_interval

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            with get_default_graph().colocate_with(v):
                self._zeros_slot(v, "gbar", self._name)
                for i, size in enumerate(v.get_shape().dims):
                    self._make_statistics(v, i, size)

    def _make_statistics(self, v: Any, i: int, size: Any) -> None:
        count = tf.convert_to_tensor(size)
        if size > self._max_matrix_size:
            start = tf.zeros([count])
        else:
            start = tf.zeros_like(tf.eye(count))
            if self._svd_interval > 1:
                self._get_or_make_slot(v, tf.eye(count), f"H_{i}", self._name)
        self._get_or_make_slot(v, start, f"Gbar_{i}", self._name)

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        return self._step(grad, var)

    def _resource_apply_dense(self, grad: Any, var: Any) -> Any:
        return self._step(grad, var)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return self._sparse_step(grad.values, grad.indices, var)

    def _resource_apply_sparse(self, grad: Any, var: Any, indices: Any) -> Any:
        return self._sparse_step(grad, indices, var)

    def _sparse_step(self, values: Any, indices: Any, var: Any) -> Any:
        if var.get_shape()[0] <= self._max_matrix_size or self._gbar_decay != 0.0:
            places = tf.expand_dims(indices, axis=1)
            return self._step(tf.scatter_nd(places, values, tf.shape(var, out_type=indices.dtype)), var)
        return self._step(values, var, indices)

    def _average(self, var: Any, weight: Any, weight_t: Any, rest: Any) -> Any:
        if weight == 0.0:
            return rest
        if weight == 1.0:
            return tf.assign_add(var, rest)
        return var.assign_add((weight_t - 1) * var + rest)

    def _power(self, var: Any, mat: Any, size: Any, exponent: Any, slot: str | None = None) -> Any:
        with tf.name_scope("matrix_iterative_power"):
            if self._use_iterative_root:
                root = matrix_square_root(mat, size, 100, self._epsilon)
                found = matrix_inverse_pth_root(root, size, 2 * exponent, 100, 1e-6, ridge_epsilon=0.0)
            else:
                found = self._power_by_svd(mat, size, exponent)
            return found if slot is None else tf.assign(self.get_slot(var, slot), found)

    def _power_by_svd(self, mat: Any, size: Any, exponent: Any) -> Any:
        if size == 1:
            return tf.pow(mat + self._epsilon, exponent)
        damping = self._epsilon * tf.eye(tf.cast(size, tf.int32))
        values, u, v = tf.svd(mat + damping, full_matrices=True)
        return tf.matmul(v * tf.pow(tf.maximum(values, self._epsilon), exponent), tf.transpose(u))

    def _step(self, grad: Any, var: Any, indices: Any = None) -> Any:
        step = self._global_step + 1
        found = self._direction(grad, var, step, indices)
        shape = var.get_shape()
        exponent = -_at(self._alpha, step) / len(shape)
        for i, size in enumerate(shape.dims):
            axes = [j for j in range(len(shape)) if j != i]
            if size <= self._max_matrix_size:
                mat = self._by_matrix(grad, var, i, size, axes, exponent, step)
                found = tf.tensordot(found, mat, axes=([0], [0]), name=f"precond_{i}")
            else:
                factor = self._by_vector(grad, var, i, size, axes, exponent, step, indices)
                found = tf.transpose(found, perm=[*range(1, len(shape)), 0]) * factor
        rate = _at(self._learning_rate, step)
        if indices is not None:
            return tf.scatter_add(var, indices, -rate * found)
        return tf.assign_sub(var, rate * found)

    def _direction(self, grad: Any, var: Any, step: Any, indices: Any) -> Any:
        decay, weight = _at(self._gbar_decay, step), _at(self._gbar_weight, step)
        if indices is None:
            return self._average(self.get_slot(var, "gbar"), self._gbar_decay, decay, weight * grad)
        if self._gbar_decay != 0.0:
            get_logger().warning("Not applying momentum for variable: %s", var.name)
        return grad

    def _by_matrix(self, grad: Any, var: Any, i: int, size: Any, axes: Any, exponent: Any, step: Any) -> Any:
        mat = self.get_slot(var, f"Gbar_{i}")
        decay, weight = _at(self._mat_gbar_decay, step), _at(self._mat_gbar_weight, step)
        interval, between = _at(self._precond_update_interval, step), _at(self._svd_interval, step)

        def updated() -> Any:
            outer = tf.tensordot(grad, grad, axes=(axes, axes), name=f"grad_outer_{i}")
            return self._average(mat, self._mat_gbar_decay, decay, weight * interval * outer)

        mean = tf.cond(tf.mod(step, interval) < 1, updated, lambda: mat) / float(size.value)
        if self._svd_interval == 1:
            return self._power(var, mean, size, exponent)
        slot = f"H_{i}"
        return tf.cond(
            tf.mod(step, between) < 1,
            lambda: self._power(var, mean, size, exponent, slot),
            lambda: self.get_slot(var, slot),
        )

    def _by_vector(
        self, grad: Any, var: Any, i: int, size: Any, axes: Any, exponent: Any, step: Any, indices: Any
    ) -> Any:
        sums = self.get_slot(var, f"Gbar_{i}")
        weight = _at(self._mat_gbar_weight, step)
        squares = grad * grad
        if axes:
            squares = tf.reduce_sum(squares, axis=axes) / (1.0 if indices is not None else float(size.value))
        if i == 0 and indices is not None:
            if self._mat_gbar_decay != 1.0:
                raise ValueError(f"Sparse gradients need mat_gbar_decay of 1.0, not {self._mat_gbar_decay}")
            mean = tf.gather(tf.scatter_add(sums, indices, weight * squares), indices)
        else:
            decay = _at(self._mat_gbar_decay, step)
            mean = self._average(sums, self._mat_gbar_decay, decay, weight * squares)
        return tf.where(tf.greater(mean, 0), tf.pow(mean, exponent), tf.zeros_like(mean))
