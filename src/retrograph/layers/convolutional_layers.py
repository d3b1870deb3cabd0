"""Convolutions, transposed and separable convolutions."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import convolution_layers
from retrograph.keras.convolution_layers import arguments
from retrograph.layers.base_layer import Layer


@export("layers.Conv1D")
class Conv1D(convolution_layers.Conv1D, Layer):
    """Convolution along one axis: f[batch, steps, channels]. Source: TF 1.15 `tf.layers.Conv1D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


@export("layers.Conv2D")
class Conv2D(convolution_layers.Conv2D, Layer):
    """Convolution of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.layers.Conv2D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1), activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


@export("layers.Conv3D")
class Conv3D(convolution_layers.Conv3D, Layer):
    """Convolution of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.layers.Conv3D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


@export("layers.Conv2DTranspose")
class Conv2DTranspose(convolution_layers.Conv2DTranspose, Layer):
    """The transpose of a convolution of images. Source: TF 1.15 `tf.layers.Conv2DTranspose`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


@export("layers.Conv3DTranspose")
class Conv3DTranspose(convolution_layers.Conv3DTranspose, Layer):
    """The transpose of a convolution of volumes. Source: TF 1.15 `tf.layers.Conv3DTranspose`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = "channels_last", activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


@export("layers.SeparableConv1D")
class SeparableConv1D(convolution_layers.SeparableConv1D, Layer):
    """Depthwise, then pointwise convolution along one axis. Source: TF 1.15 `tf.layers.SeparableConv1D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(),
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
        pointwise_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


@export("layers.SeparableConv2D")
class SeparableConv2D(convolution_layers.SeparableConv2D, Layer):
    """Depthwise, then pointwise convolution of images. Source: TF 1.15 `tf.layers.SeparableConv2D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None,
        bias_initializer: Any = tf.zeros_initializer(), depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True,
        name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**arguments(locals()))


def _applied(layer: Any, given: dict[str, Any]) -> Any:
    """The outputs of a layer made with the arguments of its functional form, from `locals()`."""
    arguments = {k: v for k, v in given.items() if k not in ("inputs", "reuse")}
    return layer(**arguments, _reuse=given["reuse"], _scope=given["name"]).apply(given["inputs"])


@export("layers.conv1d")
def conv1d(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, activation: Any = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `Conv1D` layer. Source: TF 1.15 `tf.layers.conv1d`."""
    return _applied(Conv1D, locals())


@export("layers.conv2d")
def conv2d(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1), activation: Any = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `Conv2D` layer. Source: TF 1.15 `tf.layers.conv2d`."""
    return _applied(Conv2D, locals())


@export("layers.conv3d")
def conv3d(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1, 1), activation: Any = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `Conv3D` layer. Source: TF 1.15 `tf.layers.conv3d`."""
    return _applied(Conv3D, locals())


@export("layers.conv2d_transpose")
def conv2d_transpose(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", activation: Any = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `Conv2DTranspose` layer. Source: TF 1.15 `tf.layers.conv2d_transpose`."""
    return _applied(Conv2DTranspose, locals())


@export("layers.conv3d_transpose")
def conv3d_transpose(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = "channels_last", activation: Any = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
    activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `Conv3DTranspose` layer. Source: TF 1.15 `tf.layers.conv3d_transpose`."""
    return _applied(Conv3DTranspose, locals())


@export("layers.separable_conv1d")
def separable_conv1d(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1,
    activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(),
    depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
    pointwise_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `SeparableConv1D` layer. Source: TF 1.15 `tf.layers.separable_conv1d`."""
    return _applied(SeparableConv1D, locals())


@export("layers.separable_conv2d")
def separable_conv2d(
    inputs: Any, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
    activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(),
    depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
    pointwise_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `SeparableConv2D` layer. Source: TF 1.15 `tf.layers.separable_conv2d`."""
    return _applied(SeparableConv2D, locals())
