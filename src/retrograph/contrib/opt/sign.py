"""AddSign and PowerSign (Bello et al. 2017): steps scaled by whether gradient and momentum agree in sign."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation
from retrograph.framework.structures import IndexedSlices
from retrograph.train.optimizer import Optimizer, cast

SignDecay = Callable[[Any], Any]


class _SignOptimizer(Optimizer):
    """What both have in common: the momentum slot, and the decay of the sign's weight over the global step."""

    _slot_inputs = {"m": "m"}
    _zero_slots = ("m",)

    def __init__(self, learning_rate: Any, beta: Any, sign_decay_fn: SignDecay | None, use_locking: bool, name: str):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta = beta
        self._sign_decay_fn = sign_decay_fn

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """`Optimizer.apply_gradients`; the sign decays with `global_step`."""
        if self._sign_decay_fn is not None:
            self._sign_decay_t = tf.convert_to_tensor(self._sign_decay_fn(global_step), name="sign_decay")
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _prepare_tensors(self, extra: Any, extra_name: str) -> None:
        self._lr_t = tf.convert_to_tensor(self._lr, name="learning_rate")
        self._beta_t = tf.convert_to_tensor(self._beta, name="beta")
        self._extra_t = tf.convert_to_tensor(extra, name=extra_name)
        if self._sign_decay_fn is None:
            self._sign_decay_t = tf.convert_to_tensor(1.0, name="sign_decay")

    def _scale(self, extra: Any, decayed: Any, agreement: Any) -> Any:
        """The factor of the gradient where its sign times the momentum's is `agreement`."""
        raise NotImplementedError

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        dtype = var.dtype.base_dtype
        rate, beta, extra = (cast(t, dtype) for t in (self._lr_t, self._beta_t, self._extra_t))
        m = self.get_slot(var, "m")
        m_t = tf.assign(m, m * beta + grad * (1 - beta), use_locking=self._use_locking)
        agreement = tf.gather(tf.sign(m_t), grad.indices) * tf.sign(grad.values)
        step = rate * self._scale(extra, cast(self._sign_decay_t, dtype), agreement) * grad.values
        return tf.group(tf.scatter_sub(var, grad.indices, step, use_locking=self._use_locking), m_t)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        raise NotImplementedError


@export("contrib.opt.AddSignOptimizer")
class AddSignOptimizer(_SignOptimizer):
    """`var -= lr * (alpha + sign_decay * sign(grad) * sign(m)) * grad`.

    Source: TF 1.15 `tf.contrib.opt.AddSignOptimizer`; Bello et al., https://arxiv.org/abs/1709.07417.
    """

    _kernel = "AddSign"

    def __init__(
        self,
        learning_rate: Any = 0.1,
        alpha: Any = 1.0,
        beta: Any = 0.9,
        sign_decay_fn: SignDecay | None = None,
        use_locking: bool = False,
        name: str = "AddSignOptimizer",
    ):
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _prepare(self) -> None:
        self._prepare_tensors(self._alpha, "alpha")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        names = {"lr": self._lr_t, "alpha": self._extra_t, "sign_decay": self._sign_decay_t, "beta": self._beta_t}
        return {name: cast(tensor, dtype) for name, tensor in names.items()}

    def _scale(self, extra: Any, decayed: Any, agreement: Any) -> Any:
        return extra + decayed * agreement


@export("contrib.opt.PowerSignOptimizer")
class PowerSignOptimizer(_SignOptimizer):
    """`var -= lr * base^(sign_decay * sign(grad) * sign(m)) * grad`.

    Source: TF 1.15 `tf.contrib.opt.PowerSignOptimizer`; Bello et al., https://arxiv.org/abs/1709.07417.
    """

    _kernel = "PowerSign"

    def __init__(
        self,
        learning_rate: Any = 0.1,
        base: float = math.e,
        beta: Any = 0.9,
        sign_decay_fn: SignDecay | None = None,
        use_locking: bool = False,
        name: str = "PowerSignOptimizer",
    ):
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._logbase = math.log(base)

    def _prepare(self) -> None:
        self._prepare_tensors(self._logbase, "logbase")

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        names = {"lr": self._lr_t, "logbase": self._extra_t, "sign_decay": self._sign_decay_t, "beta": self._beta_t}
        return {name: cast(tensor, dtype) for name, tensor in names.items()}

    def _scale(self, extra: Any, decayed: Any, agreement: Any) -> Any:
        return tf.exp(extra * decayed * agreement)


def _done_steps(global_step: Any, decay_steps: Any, schedule: str) -> Any:
    if global_step is None:
        raise ValueError(f"global_step is required for {schedule}.")
    return tf.minimum(global_step, decay_steps)


def get_linear_decay_fn(decay_steps: Any) -> SignDecay:
    """From 1 to 0 in a line. Source: TF 1.15 `sign_decay.get_linear_decay_fn`."""

    def linear_decay_fn(global_step: Any) -> Any:
        step = _done_steps(global_step, decay_steps, "linear_decay")
        left = tf.cast(decay_steps, tf.int32) - tf.cast(step, tf.int32)
        return tf.maximum(0.0, tf.cast(left, tf.float32) / tf.cast(decay_steps, tf.float32))

    return linear_decay_fn


def get_cosine_decay_fn(decay_steps: Any, num_periods: Any = 0.5, zero_after: Any = None) -> SignDecay:
    """Along a cosine, zero after `zero_after` periods. Source: TF 1.15 `sign_decay.get_cosine_decay_fn`."""

    def cosine_decay_fn(global_step: Any) -> Any:
        step = _done_steps(global_step, decay_steps, "cosine_decay")
        fraction = 2.0 * num_periods * (tf.cast(step, tf.float32) / tf.cast(decay_steps, tf.float32))
        decayed = 0.5 * (1.0 + tf.cos(tf.constant(math.pi) * fraction))
        return decayed if zero_after is None else _zero_where(fraction >= 2 * zero_after, decayed)

    return cosine_decay_fn


def get_restart_decay_fn(decay_steps: Any, num_periods: Any = 1, zero_after: Any = None) -> SignDecay:
    """Along half a cosine, again and again. Source: TF 1.15 `sign_decay.get_restart_decay_fn`."""

    def restart_decay_fn(global_step: Any) -> Any:
        step = _done_steps(global_step, decay_steps, "cosine_decay")
        total = tf.cast(decay_steps, tf.float32)
        fraction = tf.mod(num_periods * tf.cast(step, tf.float32), decay_steps) / total
        decayed = 0.5 * (1.0 + tf.cos(tf.constant(math.pi) * fraction))
        if zero_after is None:
            return decayed
        return _zero_where(tf.cast(num_periods * step, tf.float32) / total >= zero_after, decayed)

    return restart_decay_fn


def _zero_where(over: Any, decayed: Any) -> Any:
    return tf.where(over, 0.0, decayed)
