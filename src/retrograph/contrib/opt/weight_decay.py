"""Decoupled weight decay (Loshchilov and Hutter 2017): weights shrink beside the gradient step, not through it."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.opt.adam_variants import scatter
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.adam import AdamOptimizer
from retrograph.train.momentum import MomentumOptimizer


@export("contrib.opt.DecoupledWeightDecayExtension")
class DecoupledWeightDecayExtension:
    """Mixed in before an optimizer: each update first takes `weight_decay * var` off.

    `decay_var_list` of `minimize` and `apply_gradients` names the variables that decay (default: all).
    Source: TF 1.15 `tf.contrib.opt.DecoupledWeightDecayExtension`.
    """

    _use_locking: bool

    def __init__(self, weight_decay: Any, **kwargs: Any):
        self._decay_var_list: Any = None
        self._weight_decay = weight_decay
        super().__init__(**kwargs)

    def minimize(self, loss: Any, *args: Any, decay_var_list: Any = None, **kwargs: Any) -> Operation:
        """`Optimizer.minimize`; `decay_var_list` decay."""
        self._decay_var_list = _keys(decay_var_list)
        base: Any = super()
        return base.minimize(loss, *args, **kwargs)  # type: ignore[no-any-return]

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None, decay_var_list: Any = None
    ) -> Operation:
        """`Optimizer.apply_gradients`; `decay_var_list` decay, if not given those given to `minimize`."""
        if decay_var_list:
            self._decay_var_list = _keys(decay_var_list)
        base: Any = super()
        done: Operation = base.apply_gradients(grads_and_vars, global_step=global_step, name=name)
        self._decay_var_list = None
        return done

    def _prepare(self) -> None:
        decay = self._weight_decay() if callable(self._weight_decay) else self._weight_decay
        self._weight_decay_tensor = tf.convert_to_tensor(decay, name="weight_decay")
        base: Any = super()
        base._prepare()

    def _decays(self, var: Any) -> bool:
        return not self._decay_var_list or var.experimental_ref() in self._decay_var_list

    def _decay(self, var: Any) -> Any:
        if not self._decays(var):
            return tf.no_op()
        return var.assign_sub(self._weight_decay * var, self._use_locking)

    def _decay_rows(self, var: Any, indices: Tensor) -> Any:
        if not self._decays(var):
            return tf.no_op()
        return scatter("Add", var, indices, -self._weight_decay * tf.gather(var, indices), self._use_locking)

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        base: Any = super()
        with tf.control_dependencies([self._decay(var)]):
            return base._apply_dense(grad, var)

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        base: Any = super()
        with tf.control_dependencies([self._decay(handle)]):
            return base._resource_apply_dense(grad, handle)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        base: Any = super()
        with tf.control_dependencies([self._decay_rows(var, grad.indices)]):
            return base._apply_sparse(grad, var)

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        base: Any = super()
        with tf.control_dependencies([self._decay_rows(handle, indices)]):
            return base._resource_apply_sparse(grad, handle, indices)


def _keys(variables: Any) -> Any:
    return {v.experimental_ref() for v in variables} if variables else None


@export("contrib.opt.extend_with_decoupled_weight_decay")
def extend_with_decoupled_weight_decay(base_optimizer: Any) -> Any:
    """A class like `base_optimizer` whose first argument is `weight_decay`.

    Source: TF 1.15 `tf.contrib.opt.extend_with_decoupled_weight_decay`.
    """

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):  # type: ignore[misc]
        """An optimizer with decoupled weight decay."""

        def __init__(self, weight_decay: Any, *args: Any, **kwargs: Any):
            self._decay_var_list = None
            self._weight_decay = weight_decay
            base_optimizer.__init__(self, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


@export("contrib.opt.MomentumWOptimizer")
class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """Momentum with decoupled weight decay.

    Source: TF 1.15 `tf.contrib.opt.MomentumWOptimizer`.
    """

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "MomentumW",
        use_nesterov: bool = False,
    ):
        super().__init__(
            weight_decay,
            learning_rate=learning_rate,
            momentum=momentum,
            use_locking=use_locking,
            name=name,
            use_nesterov=use_nesterov,
        )


@export("contrib.opt.AdamWOptimizer")
class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """Adam with decoupled weight decay.

    Source: TF 1.15 `tf.contrib.opt.AdamWOptimizer`; Loshchilov and Hutter, https://arxiv.org/abs/1711.05101.
    """

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdamW",
    ):
        super().__init__(
            weight_decay,
            learning_rate=learning_rate,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            use_locking=use_locking,
            name=name,
        )
