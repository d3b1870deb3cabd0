"""Dense, dropout and flatten."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import core_layers
from retrograph.keras.shape_helpers import normalized_data_format
from retrograph.layers.base_layer import Layer

__all__ = ["Dense", "Dropout", "Flatten", "normalized_data_format"]


@export("layers.Dense")
class Dense(core_layers.Dense, Layer):
    """`activation(inputs @ kernel + bias)`: f[..., n] to f[..., units]. Source: TF 1.15 `tf.layers.Dense`."""

    def __init__(
        self, units: Any, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**{k: v for k, v in locals().items() if k not in ("self", "kwargs", "__class__")}, **kwargs)


@export("layers.Dropout")
class Dropout(core_layers.Dropout, Layer):
    """Sets a fraction `rate` of the inputs to 0 while training, and scales the others. Source: TF 1.15 `tf.layers.Dropout`."""

    def __init__(self, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, name: Any = None, **kwargs: Any):
        super().__init__(rate=rate, noise_shape=noise_shape, seed=seed, name=name, **kwargs)

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The outputs; `training` may be a tensor."""
        return super().call(inputs, training=training)


@export("layers.Flatten")
class Flatten(core_layers.Flatten, Layer):
    """Makes one axis of all but the first. Source: TF 1.15 `tf.layers.Flatten`."""


@export("layers.dense")
def dense(
    inputs: Any, units: Any, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(),
    kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
    trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """A dense layer's outputs: f[..., n] to f[..., units]. Source: TF 1.15 `tf.layers.dense`."""
    layer = Dense(
        units, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, trainable=trainable,
        name=name, _scope=name, _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs)


@export("layers.dropout")
def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, training: Any = False, name: Any = None
) -> Any:
    """Dropout of the inputs while training. Source: TF 1.15 `tf.layers.dropout`."""
    return Dropout(rate, noise_shape=noise_shape, seed=seed, name=name).apply(inputs, training=training)


@export("layers.flatten")
def flatten(inputs: Any, name: Any = None, data_format: str = "channels_last") -> Any:
    """The inputs with all axes but the first made one. Source: TF 1.15 `tf.layers.flatten`."""
    return Flatten(name=name, data_format=data_format).apply(inputs)
