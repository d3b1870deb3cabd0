"""Pooling of sequences, images and volumes, by windows or over everything."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import backend_math, backend_nn
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.shape_helpers import (
    normalized_data_format,
    normalized_padding,
    ops_format,
    output_length,
    sizes_of,
)
from retrograph.keras.state import floatx


class Pooling(Layer):
    """Pooling along `rank` axes; `kind` is `max` or `avg`."""

    rank = 2
    kind = "max"

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: Any = "valid", data_format: Any = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        strides = pool_size if strides is None else strides
        self._configure(
            pool_size=sizes_of(pool_size, self.rank, "pool_size"),
            padding=normalized_padding(padding),
            strides=sizes_of(strides, self.rank, "strides"),
            data_format=normalized_data_format(data_format),
        )
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _last(self) -> bool:
        return bool(self.data_format == "channels_last")

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        if self.rank == 1:
            return self._pooled_steps(inputs)
        if self.rank == 3:
            return self._pooled_volumes(inputs)
        pool = tf.nn.max_pool if self.kind == "max" else tf.nn.avg_pool
        window, steps = ((1, *v, 1) if self._last else (1, 1, *v) for v in (self.pool_size, self.strides))
        form = ops_format(self.data_format, 2)
        return pool(inputs, ksize=window, strides=steps, padding=self.padding.upper(), data_format=form)

    def _pooled_steps(self, inputs: Any) -> Any:
        axis = 2 if self._last else 3
        inputs = tf.expand_dims(inputs, axis)
        size, step = (*self.pool_size, 1), (*self.strides, 1)
        outputs = backend_nn.pool2d(
            inputs, size, strides=step, padding=self.padding, data_format=self.data_format, pool_mode=self.kind
        )
        return tf.squeeze(outputs, axis)

    def _pooled_volumes(self, inputs: Any) -> Any:
        pool = tf.nn.max_pool3d if self.kind == "max" else tf.nn.avg_pool3d
        if not self._last:
            inputs = tf.transpose(inputs, (0, 2, 3, 4, 1))
        window, steps = (1, *self.pool_size, 1), (1, *self.strides, 1)
        outputs = pool(inputs, ksize=window, strides=steps, padding=self.padding.upper())
        return outputs if self._last else tf.transpose(outputs, (0, 4, 1, 2, 3))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        space = sizes[1:-1] if self._last else sizes[2:]
        rows = zip(space, self.pool_size, self.strides, strict=True)
        lengths = [output_length(s, k, self.padding, step) for s, k, step in rows]
        return tf.TensorShape([sizes[0], *lengths, sizes[-1]] if self._last else [sizes[0], sizes[1], *lengths])


@export("keras.layers.MaxPooling1D", "keras.layers.MaxPool1D")
class MaxPooling1D(Pooling):
    """The greatest of each window of sequences. Source: TF 1.15 `tf.keras.layers.MaxPooling1D`."""

    rank = 1

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: Any = "valid",
        data_format: Any = "channels_last",
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


@export("keras.layers.AveragePooling1D", "keras.layers.AvgPool1D")
class AveragePooling1D(Pooling):
    """The mean of each window of sequences. Source: TF 1.15 `tf.keras.layers.AveragePooling1D`."""

    rank = 1
    kind = "avg"

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: Any = "valid",
        data_format: Any = "channels_last",
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


@export("keras.layers.MaxPooling2D", "keras.layers.MaxPool2D")
class MaxPooling2D(Pooling):
    """The greatest of each window of images. Source: TF 1.15 `tf.keras.layers.MaxPooling2D`."""

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: Any = "valid",
        data_format: Any = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


@export("keras.layers.AveragePooling2D", "keras.layers.AvgPool2D")
class AveragePooling2D(Pooling):
    """The mean of each window of images. Source: TF 1.15 `tf.keras.layers.AveragePooling2D`."""

    kind = "avg"

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: Any = "valid",
        data_format: Any = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


@export("keras.layers.MaxPooling3D", "keras.layers.MaxPool3D")
class MaxPooling3D(Pooling):
    """The greatest of each window of volumes. Source: TF 1.15 `tf.keras.layers.MaxPooling3D`."""

    rank = 3

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: Any = "valid",
        data_format: Any = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


@export("keras.layers.AveragePooling3D", "keras.layers.AvgPool3D")
class AveragePooling3D(Pooling):
    """The mean of each window of volumes. Source: TF 1.15 `tf.keras.layers.AveragePooling3D`."""

    rank = 3
    kind = "avg"

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: Any = "valid",
        data_format: Any = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _GlobalPooling(Layer):
    """Pooling over all axes of space."""

    rank = 2
    reduce: Any = None

    def __init__(self, data_format: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(data_format=normalized_data_format(data_format))
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _axes(self) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        return first if self.rank == 1 else list(range(first, first + self.rank))

    def call(self, inputs: Any) -> Any:
        """The outputs: f[batch, channels]."""
        return type(self).reduce(inputs, axis=self._axes)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """[batch, channels]."""
        sizes = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([sizes[0], sizes[-1 if self.data_format == "channels_last" else 1]])


@export("keras.layers.GlobalAveragePooling1D", "keras.layers.GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over the steps that are not masked. Source: TF 1.15 `tf.keras.layers.GlobalAveragePooling1D`."""

    rank = 1

    def __init__(self, data_format: Any = "channels_last", **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The outputs: f[batch, channels]."""
        axis = self._axes
        if mask is None:
            return backend_math.mean(inputs, axis=axis)
        weights = tf.reshape(tf.cast(mask, floatx()), [-1, inputs.shape.as_list()[axis], 1])
        inputs *= weights
        return tf.reduce_sum(inputs, axis, False) / tf.reduce_sum(weights, axis=axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None."""
        return None


@export("keras.layers.GlobalMaxPooling1D", "keras.layers.GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalPooling):
    """The greatest over all steps. Source: TF 1.15 `tf.keras.layers.GlobalMaxPooling1D`."""

    rank = 1
    reduce = backend_math.max

    def __init__(self, data_format: Any = "channels_last", **kwargs: Any):
        super().__init__(data_format, **kwargs)


@export("keras.layers.GlobalAveragePooling2D", "keras.layers.GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over images. Source: TF 1.15 `tf.keras.layers.GlobalAveragePooling2D`."""

    reduce = backend_math.mean


@export("keras.layers.GlobalMaxPooling2D", "keras.layers.GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalPooling):
    """The greatest over images. Source: TF 1.15 `tf.keras.layers.GlobalMaxPooling2D`."""

    reduce = backend_math.max


@export("keras.layers.GlobalAveragePooling3D", "keras.layers.GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over volumes. Source: TF 1.15 `tf.keras.layers.GlobalAveragePooling3D`."""

    rank = 3
    reduce = backend_math.mean


@export("keras.layers.GlobalMaxPooling3D", "keras.layers.GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalPooling):
    """The greatest over volumes. Source: TF 1.15 `tf.keras.layers.GlobalMaxPooling3D`."""

    rank = 3
    reduce = backend_math.max
