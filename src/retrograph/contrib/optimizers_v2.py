"""`tf.contrib.optimizer_v2`: the optimizers of `tf.train` once more, as they were when hyperparameters were to be per graph.

Differs: variables by graph and replicas are those of the optimizers of `tf.train`.
"""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.train import adagrad, adam, gradient_descent, momentum, rmsprop


class _Minimizing:
    """What `minimize` and `compute_gradients` take beside the arguments of `tf.train`'s optimizers."""

    def minimize(self, loss: Any, *args: Any, stop_gradients: Any = None, **kwargs: Any) -> Any:
        """Adds operations that lower a loss. Raises: UnimplementedError for `stop_gradients`."""
        _refuse(stop_gradients)
        kwargs.pop("scale_loss_by_num_replicas", None)
        return super().minimize(loss, *args, **kwargs)  # type: ignore[misc]

    def compute_gradients(self, loss: Any, *args: Any, stop_gradients: Any = None, **kwargs: Any) -> Any:
        """Pairs of gradients and variables. Raises: UnimplementedError for `stop_gradients`."""
        _refuse(stop_gradients)
        kwargs.pop("scale_loss_by_num_replicas", None)
        return super().compute_gradients(loss, *args, **kwargs)  # type: ignore[misc]


def _refuse(stop_gradients: Any) -> None:
    if stop_gradients is not None:
        raise errors.UnimplementedError(None, None, "tf.contrib.optimizer_v2: stop_gradients is not supported")


@export("contrib.optimizer_v2.GradientDescentOptimizer")
class GradientDescentOptimizer(_Minimizing, gradient_descent.GradientDescentOptimizer):
    """Gradient descent. Source: TF 1.15 `tf.contrib.optimizer_v2.GradientDescentOptimizer`."""


@export("contrib.optimizer_v2.AdamOptimizer")
class AdamOptimizer(_Minimizing, adam.AdamOptimizer):
    """Adam. Source: TF 1.15 `tf.contrib.optimizer_v2.AdamOptimizer`."""


@export("contrib.optimizer_v2.AdagradOptimizer")
class AdagradOptimizer(_Minimizing, adagrad.AdagradOptimizer):
    """Adagrad. Source: TF 1.15 `tf.contrib.optimizer_v2.AdagradOptimizer`."""


@export("contrib.optimizer_v2.AdadeltaOptimizer")
class AdadeltaOptimizer(_Minimizing, adagrad.AdadeltaOptimizer):
    """Adadelta. Source: TF 1.15 `tf.contrib.optimizer_v2.AdadeltaOptimizer`."""


@export("contrib.optimizer_v2.MomentumOptimizer")
class MomentumOptimizer(_Minimizing, momentum.MomentumOptimizer):
    """Momentum. Source: TF 1.15 `tf.contrib.optimizer_v2.MomentumOptimizer`."""


@export("contrib.optimizer_v2.RMSPropOptimizer")
class RMSPropOptimizer(_Minimizing, rmsprop.RMSPropOptimizer):
    """RMSProp, where `epsilon` is what the mean square starts with and is not added to it later.

    Source: TF 1.15 `tf.contrib.optimizer_v2.RMSPropOptimizer`.
    """

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            dtype, shape = v.dtype.base_dtype, v.get_shape()
            epsilon = tf.cast(self._call_if_callable(self._epsilon), dtype)
            self._get_or_make_slot_with_initializer(v, epsilon * tf.ones_like(v), shape, dtype, "rms", self._name)
        super()._create_slots(var_list)

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        found = super()._arguments(dtype)
        return {**found, "epsilon": tf.zeros_like(found["epsilon"])}
