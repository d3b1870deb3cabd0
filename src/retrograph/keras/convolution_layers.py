"""Convolutions, transposed, separable and depthwise convolutions."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import backend_nn
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.shape_helpers import (
    normalized_data_format,
    normalized_padding,
    ops_format,
    output_length,
    sizes_of,
    transposed_length,
)
from retrograph.ops.conv import dilated_convolution


def arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor, from its `locals()`."""
    found = {k: v for k, v in given.items() if k not in ("self", "kwargs", "__class__")}
    return {**found, **given["kwargs"]}


class Convolution(Layer):
    """What the convolutions share: sizes, the bias and activation at the end."""

    kernel: Any
    bias: Any

    def __init__(
        self, rank: int, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, bias_initializer: Any = "zeros", bias_regularizer: Any = None, activity_regularizer: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.rank = rank
        self._configure(
            filters=filters, kernel_size=sizes_of(kernel_size, rank, "kernel_size"), strides=sizes_of(strides, rank, "strides"), padding=normalized_padding(padding),
            data_format=normalized_data_format(data_format), dilation_rate=sizes_of(dilation_rate, rank, "dilation_rate"), activation=activation, use_bias=use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip
        if self.padding == "causal" and rank != 1:
            raise ValueError("Causal padding is only supported for `Conv1D`and ``SeparableConv1D`.")
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _last(self) -> bool:
        return bool(self.data_format == "channels_last")

    @property
    def _format(self) -> str:
        return ops_format(self.data_format, self.rank)

    def _spaced(self, values: Any) -> tuple[Any, ...]:
        """Values of the axes of space as values of all axes."""
        return (1, *values, 1) if self._last else (1, 1, *values)

    def _channels(self, input_shape: Any) -> int:
        axis = -1 if self._last else 1
        size = tf.TensorShape(input_shape).dims[axis].value
        if size is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: size})
        return int(size)

    def _parameter(self, name: str, shape: Any, kind: str | None = None) -> Any:
        kind = kind or name
        return self.add_weight(
            name=name, shape=shape, initializer=getattr(self, f"{kind}_initializer"), regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"), trainable=True, dtype=self.dtype,
        )  # fmt: skip

    def _add_bias(self) -> None:
        self.bias = self._parameter("bias", (self.filters,)) if self.use_bias else None

    def _finished(self, outputs: Any) -> Any:
        if self.use_bias and self.rank == 1 and not self._last:
            outputs += tf.reshape(self.bias, (1, self.filters, 1))
        elif self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias, data_format="NHWC" if self._last else "NCHW")
        return self.activation(outputs) if self.activation is not None else outputs

    def _causally_padded(self, inputs: Any) -> Any:
        if self.padding != "causal":
            return inputs
        left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return tf.pad(inputs, [[0, 0], [left, 0], [0, 0]] if self._last else [[0, 0], [0, 0], [left, 0]])

    @property
    def _op_padding(self) -> str:
        return "VALID" if self.padding == "causal" else self.padding.upper()

    def _lengths(self, space: Any) -> list[Any]:
        rows = zip(space, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return [output_length(size, k, self.padding, step, rate) for size, k, step, rate in rows]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        lengths = self._lengths(sizes[1:-1] if self._last else sizes[2:])
        return tf.TensorShape([sizes[0], *lengths, self.filters] if self._last else [sizes[0], self.filters, *lengths])


class Conv(Convolution):
    """A convolution with one kernel."""

    def __init__(
        self,
        rank: int,
        *args: Any,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(rank, *args, **kwargs)
        self._configure(
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` and `bias`."""
        channels = self._channels(input_shape)
        self.kernel = self._parameter("kernel", (*self.kernel_size, channels, self.filters))
        self._add_bias()
        if all(rate == 1 for rate in self.dilation_rate):
            tf.convert_to_tensor(self.dilation_rate, tf.int32, name="dilation_rate")  # TF's graph has it too
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return self._finished(self._convolved(self._causally_padded(inputs)))

    def _convolved(self, inputs: Any) -> Any:
        if any(rate != 1 for rate in self.dilation_rate):
            rates = self.dilation_rate
            return dilated_convolution(inputs, self.kernel, self.strides, self._op_padding, self._format, rates, None)
        if self.rank == 1:
            return tf.nn.conv1d(inputs, self.kernel, self.strides[0], self._op_padding, data_format=self._format)
        convolve = tf.nn.conv2d if self.rank == 2 else tf.nn.conv3d
        steps = self._spaced(self.strides)
        return convolve(inputs, self.kernel, strides=steps, padding=self._op_padding, data_format=self._format)


@export("keras.layers.Conv1D", "keras.layers.Convolution1D")
class Conv1D(Conv):
    """Convolution along one axis: f[batch, steps, channels]. Source: TF 1.15 `tf.keras.layers.Conv1D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(1, **arguments(locals()))


@export("keras.layers.Conv2D", "keras.layers.Convolution2D")
class Conv2D(Conv):
    """Convolution of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.keras.layers.Conv2D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = None, dilation_rate: Any = (1, 1), activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, **arguments(locals()))


@export("keras.layers.Conv3D", "keras.layers.Convolution3D")
class Conv3D(Conv):
    """Convolution of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.keras.layers.Conv3D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = None, dilation_rate: Any = (1, 1, 1), activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(3, **arguments(locals()))


class ConvTranspose(Conv):
    """A transposed convolution."""

    def __init__(self, rank: int, *args: Any, output_padding: Any = None, **kwargs: Any):
        super().__init__(rank, *args, **kwargs)
        self._configure(output_padding=output_padding)
        if output_padding is None:
            return
        self.output_padding = sizes_of(output_padding, rank, "output_padding")
        if any(pad >= stride for stride, pad in zip(self.strides, self.output_padding, strict=True)):
            raise ValueError(f"Stride {self.strides} must be greater than output padding {self.output_padding}")

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` and `bias`. Raises ValueError for another rank."""
        if len(tf.TensorShape(input_shape)) != self.rank + 2:
            raise ValueError(f"Inputs should have rank {self.rank + 2}. Received input shape: {input_shape}")
        channels = self._channels(input_shape)
        self.kernel = self._parameter("kernel", (*self.kernel_size, self.filters, channels))
        self._add_bias()
        self.built = True

    def _lengths(self, space: Any) -> list[Any]:
        extra = self.output_padding or (None,) * self.rank
        rows = zip(space, self.kernel_size, self.strides, extra, self.dilation_rate, strict=True)
        return [transposed_length(size, k, self.padding, step, pad, rate) for size, k, step, pad, rate in rows]

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        sizes = tf.shape(inputs)
        batch = sizes[0]
        first = 1 if self._last else 2
        lengths = self._lengths([sizes[first + i] for i in range(self.rank)])
        wanted = (batch, *lengths, self.filters) if self._last else (batch, self.filters, *lengths)
        outputs = self._transposed(inputs, tf.stack(wanted))
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._finished(outputs)

    def _transposed(self, inputs: Any, sizes: Any) -> Any:
        if self.rank == 2 and self._last:
            _ = sizes[0]  # TF's graph has this slice, which later seeds count
        if any(rate != 1 for rate in self.dilation_rate):
            return backend_nn.conv2d_transpose(
                inputs, self.kernel, sizes, self.strides, self.padding, self.data_format, self.dilation_rate
            )
        transpose = tf.nn.conv2d_transpose if self.rank == 2 else tf.nn.conv3d_transpose
        steps, padding = self._spaced(self.strides), self.padding.upper()
        return transpose(inputs, self.kernel, sizes, steps, padding=padding, data_format=self._format)


@export("keras.layers.Conv2DTranspose", "keras.layers.Convolution2DTranspose")
class Conv2DTranspose(ConvTranspose):
    """The transpose of a convolution of images. Source: TF 1.15 `tf.keras.layers.Conv2DTranspose`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", output_padding: Any = None, data_format: Any = None, dilation_rate: Any = (1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, **arguments(locals()))


@export("keras.layers.Conv3DTranspose", "keras.layers.Convolution3DTranspose")
class Conv3DTranspose(ConvTranspose):
    """The transpose of a convolution of volumes. Source: TF 1.15 `tf.keras.layers.Conv3DTranspose`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", output_padding: Any = None, data_format: Any = None, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(3, **arguments(locals()))

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {k: v for k, v in super().get_config().items() if k != "dilation_rate"}


class SeparableConv(Conv):
    """A depthwise convolution, then a pointwise one."""

    def __init__(
        self, rank: int, *args: Any, depth_multiplier: int = 1, depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(rank, *args, **kwargs)
        self._configure(
            depth_multiplier=depth_multiplier, depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer, depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer, depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint,
        )  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Makes `depthwise_kernel`, `pointwise_kernel` and `bias`."""
        channels = self._channels(input_shape)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*((1,) * self.rank), self.depth_multiplier * channels, self.filters)
        self.depthwise_kernel = self._parameter("depthwise_kernel", depthwise, "depthwise")
        self.pointwise_kernel = self._parameter("pointwise_kernel", pointwise, "pointwise")
        self._add_bias()
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        inputs = self._causally_padded(inputs)
        steps, rates = self._spaced(self.strides * (3 - self.rank)), self.dilation_rate
        depthwise, pointwise = self.depthwise_kernel, self.pointwise_kernel
        axis, form = (1, "NHWC") if self._last else (2, "NCHW")
        if self.rank == 1:
            inputs = tf.expand_dims(inputs, axis)
            depthwise, pointwise = tf.expand_dims(depthwise, 0), tf.expand_dims(pointwise, 0)
            rates = (1, *rates)
        outputs = tf.nn.separable_conv2d(
            inputs, depthwise, pointwise, strides=steps, padding=self._op_padding, rate=rates, data_format=form
        )
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias, data_format=form)
        if self.rank == 1:
            outputs = tf.squeeze(outputs, [axis])
        return self.activation(outputs) if self.activation is not None else outputs


@export("keras.layers.SeparableConv1D", "keras.layers.SeparableConvolution1D")
class SeparableConv1D(SeparableConv):
    """Depthwise, then pointwise convolution along one axis. Source: TF 1.15 `tf.keras.layers.SeparableConv1D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1, depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
        pointwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(1, **arguments(locals()))


@export("keras.layers.SeparableConv2D", "keras.layers.SeparableConvolution2D")
class SeparableConv2D(SeparableConv):
    """Depthwise, then pointwise convolution of images. Source: TF 1.15 `tf.keras.layers.SeparableConv2D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = None, dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
        pointwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, **arguments(locals()))


@export("keras.layers.DepthwiseConv2D")
class DepthwiseConv2D(Convolution):
    """A convolution of each channel by itself. Source: TF 1.15 `tf.keras.layers.DepthwiseConv2D`."""

    def __init__(
        self, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", depth_multiplier: int = 1, data_format: Any = None, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", depthwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(
            2, None, kernel_size, strides, padding, data_format, activation=activation, use_bias=use_bias, bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        self._configure(
            depth_multiplier=depth_multiplier,
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
        )

    def build(self, input_shape: Any) -> None:
        """Makes `depthwise_kernel` and `bias`. Raises ValueError for a lower rank."""
        if len(input_shape) < 4:
            raise ValueError("Inputs to `DepthwiseConv2D` should have rank 4. Received input shape:", str(input_shape))
        axis = 3 if self._last else 1
        channels = tf.TensorShape(input_shape).dims[axis].value
        if channels is None:
            raise ValueError(
                "The channel dimension of the inputs to `DepthwiseConv2D` should be defined. Found `None`."
            )
        shape = (*self.kernel_size, int(channels), self.depth_multiplier)
        self.depthwise_kernel = self._parameter("depthwise_kernel", shape, "depthwise")
        self.bias = self._parameter("bias", (channels * self.depth_multiplier,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=4, axes={axis: channels})
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        outputs = backend_nn.depthwise_conv2d(
            inputs,
            self.depthwise_kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        if self.use_bias:
            outputs = backend_nn.bias_add(outputs, self.bias, data_format=self.data_format)
        return self.activation(outputs) if self.activation is not None else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        channels = sizes[3 if self._last else 1] * self.depth_multiplier
        lengths = self._lengths(sizes[1:3] if self._last else sizes[2:4])
        return tf.TensorShape([sizes[0], *lengths, channels] if self._last else [sizes[0], channels, *lengths])

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {k: v for k, v in super().get_config().items() if k != "filters"}
