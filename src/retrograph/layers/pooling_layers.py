"""Pooling of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export
from retrograph.keras import pooling_layers
from retrograph.layers.base_layer import Layer


class _Pooling(pooling_layers.Pooling):
    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: Any = "valid",
        data_format: Any = "channels_last",
        name: Any = None,
        **kwargs: Any,
    ):
        if strides is None:
            raise ValueError("Argument `strides` must not be None.")
        super().__init__(
            pool_size=pool_size, strides=strides, padding=padding, data_format=data_format, name=name, **kwargs
        )


@export("layers.MaxPooling1D")
class MaxPooling1D(_Pooling, pooling_layers.MaxPooling1D, Layer):
    """The greatest of each window of sequences: f[batch, steps, channels]. Source: TF 1.15 `tf.layers.MaxPooling1D`."""


@export("layers.max_pooling1d")
def max_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    name: Any = None,
) -> Any:
    """The outputs of a `MaxPooling1D` layer. Source: TF 1.15 `tf.layers.max_pooling1d`."""
    return MaxPooling1D(pool_size, strides, padding, data_format, name).apply(inputs)


@export("layers.MaxPooling2D")
class MaxPooling2D(_Pooling, pooling_layers.MaxPooling2D, Layer):
    """The greatest of each window of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.layers.MaxPooling2D`."""


@export("layers.max_pooling2d")
def max_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    name: Any = None,
) -> Any:
    """The outputs of a `MaxPooling2D` layer. Source: TF 1.15 `tf.layers.max_pooling2d`."""
    return MaxPooling2D(pool_size, strides, padding, data_format, name).apply(inputs)


@export("layers.MaxPooling3D")
class MaxPooling3D(_Pooling, pooling_layers.MaxPooling3D, Layer):
    """The greatest of each window of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.layers.MaxPooling3D`."""


@export("layers.max_pooling3d")
def max_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    name: Any = None,
) -> Any:
    """The outputs of a `MaxPooling3D` layer. Source: TF 1.15 `tf.layers.max_pooling3d`."""
    return MaxPooling3D(pool_size, strides, padding, data_format, name).apply(inputs)


@export("layers.AveragePooling1D")
class AveragePooling1D(_Pooling, pooling_layers.AveragePooling1D, Layer):
    """The mean of each window of sequences: f[batch, steps, channels]. Source: TF 1.15 `tf.layers.AveragePooling1D`."""


@export("layers.average_pooling1d")
def average_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    name: Any = None,
) -> Any:
    """The outputs of a `AveragePooling1D` layer. Source: TF 1.15 `tf.layers.average_pooling1d`."""
    return AveragePooling1D(pool_size, strides, padding, data_format, name).apply(inputs)


@export("layers.AveragePooling2D")
class AveragePooling2D(_Pooling, pooling_layers.AveragePooling2D, Layer):
    """The mean of each window of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.layers.AveragePooling2D`."""


@export("layers.average_pooling2d")
def average_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    name: Any = None,
) -> Any:
    """The outputs of a `AveragePooling2D` layer. Source: TF 1.15 `tf.layers.average_pooling2d`."""
    return AveragePooling2D(pool_size, strides, padding, data_format, name).apply(inputs)


@export("layers.AveragePooling3D")
class AveragePooling3D(_Pooling, pooling_layers.AveragePooling3D, Layer):
    """The mean of each window of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.layers.AveragePooling3D`."""


@export("layers.average_pooling3d")
def average_pooling3d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    name: Any = None,
) -> Any:
    """The outputs of a `AveragePooling3D` layer. Source: TF 1.15 `tf.layers.average_pooling3d`."""
    return AveragePooling3D(pool_size, strides, padding, data_format, name).apply(inputs)
