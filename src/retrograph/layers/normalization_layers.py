"""Batch normalization."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import normalization_layers
from retrograph.layers.base_layer import Layer


@export("layers.BatchNormalization")
class BatchNormalization(normalization_layers.BatchNormalization, Layer):
    """Normalizes the inputs by their batch's moments while training, else by moving averages of them.

    The updates of the moving averages go to the collection `update_ops`. Source: TF 1.15 `tf.layers.BatchNormalization`.
    """

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = tf.zeros_initializer(),
        gamma_initializer: Any = tf.ones_initializer(), moving_mean_initializer: Any = tf.zeros_initializer(), moving_variance_initializer: Any = tf.ones_initializer(),
        beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
        renorm_momentum: float = 0.99, fused: Any = None, trainable: bool = True, virtual_batch_size: Any = None, adjustment: Any = None, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**{k: v for k, v in locals().items() if k not in ("self", "kwargs", "__class__")}, **kwargs)

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The outputs; `training` may be a tensor."""
        return super().call(inputs, training=training)


@export("layers.batch_normalization")
def batch_normalization(
    inputs: Any, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = tf.zeros_initializer(),
    gamma_initializer: Any = tf.ones_initializer(), moving_mean_initializer: Any = tf.zeros_initializer(), moving_variance_initializer: Any = tf.ones_initializer(),
    beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, training: Any = False, trainable: bool = True,
    name: Any = None, reuse: Any = None, renorm: bool = False, renorm_clipping: Any = None, renorm_momentum: float = 0.99, fused: Any = None, virtual_batch_size: Any = None,
    adjustment: Any = None,
) -> Any:  # fmt: skip
    """The inputs normalized by batch; see `BatchNormalization`. Source: TF 1.15 `tf.layers.batch_normalization`."""
    given = {k: v for k, v in locals().items() if k not in ("inputs", "training", "reuse")}
    return BatchNormalization(**given, _reuse=reuse, _scope=name).apply(inputs, training=training)
