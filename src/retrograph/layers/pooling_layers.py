"""Pooling of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.layers.convolutional_layers import normalized_padding, ops_format, output_length, sizes_of
from retrograph.layers.core_layers import normalized_data_format


class _Pooling(Layer):
    """Pooling along `rank` axes; `kind` is `max` or `avg`."""

    rank = 2
    kind = "max"

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
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes_of(pool_size, self.rank, "pool_size")
        self.strides = sizes_of(strides, self.rank, "strides")
        self.padding = normalized_padding(padding)
        self.data_format = normalized_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        last = self.data_format == "channels_last"
        sizes, steps, form = self.pool_size, self.strides, ops_format(self.data_format, max(self.rank, 2))
        pool = {("max", 3): tf.nn.max_pool3d, ("avg", 3): tf.nn.avg_pool3d}.get(
            (self.kind, self.rank), tf.nn.max_pool if self.kind == "max" else tf.nn.avg_pool
        )
        if self.rank == 1:
            axis = 2 if last else 3
            inputs, sizes, steps = tf.expand_dims(inputs, axis), (*sizes, 1), (*steps, 1)
        window, steps = ((1, *sizes, 1), (1, *steps, 1)) if last else ((1, 1, *sizes), (1, 1, *steps))
        outputs = pool(inputs, ksize=window, strides=steps, padding=self.padding.upper(), data_format=form)
        return tf.squeeze(outputs, axis) if self.rank == 1 else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        last = self.data_format == "channels_last"
        space = sizes[1:-1] if last else sizes[2:]
        lengths = [
            output_length(s, k, self.padding, step)
            for s, k, step in zip(space, self.pool_size, self.strides, strict=True)
        ]
        return tf.TensorShape([sizes[0], *lengths, sizes[-1]] if last else [sizes[0], sizes[1], *lengths])


@export("layers.MaxPooling1D")
class MaxPooling1D(_Pooling):
    """The greatest of each window of sequences: f[batch, steps, channels]. Source: TF 1.15 `tf.layers.MaxPooling1D`."""

    rank = 1
    kind = "max"


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
class MaxPooling2D(_Pooling):
    """The greatest of each window of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.layers.MaxPooling2D`."""

    rank = 2
    kind = "max"


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
class MaxPooling3D(_Pooling):
    """The greatest of each window of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.layers.MaxPooling3D`."""

    rank = 3
    kind = "max"


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
class AveragePooling1D(_Pooling):
    """The mean of each window of sequences: f[batch, steps, channels]. Source: TF 1.15 `tf.layers.AveragePooling1D`."""

    rank = 1
    kind = "avg"


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
class AveragePooling2D(_Pooling):
    """The mean of each window of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.layers.AveragePooling2D`."""

    rank = 2
    kind = "avg"


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
class AveragePooling3D(_Pooling):
    """The mean of each window of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.layers.AveragePooling3D`."""

    rank = 3
    kind = "avg"


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
