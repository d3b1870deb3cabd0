"""Convolutions, transposed and separable convolutions."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.layers.core_layers import normalized_data_format
from retrograph.ops.conv import dilated_convolution

_LETTERS = {1: "W", 2: "HW", 3: "DHW"}


def sizes_of(value: Any, n: int, name: str) -> tuple[int, ...]:
    """A number or a sequence of n numbers as a tuple of n; ValueError in TF's words."""
    if isinstance(value, int):
        return (value,) * n
    try:
        sizes = tuple(value)
    except TypeError:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}") from None
    if len(sizes) != n:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    for size in sizes:
        try:
            int(size)
        except (ValueError, TypeError):
            raise ValueError(
                f"The `{name}` argument must be a tuple of {n} integers. Received: {value} including element {size} of type {type(size)}"
            ) from None
    return sizes


def normalized_padding(value: Any) -> str:
    """The padding in lower case; ValueError for an unknown one."""
    padding = value.lower() if isinstance(value, str) else value
    if padding not in ("valid", "same", "causal"):
        raise ValueError(
            f'The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", only for `Conv1D). Received: {padding}'
        )
    return padding


def ops_format(data_format: str, rank: int) -> str:
    """`NHWC` and its kin for `channels_last` / `channels_first`."""
    return f"N{_LETTERS[rank]}C" if data_format == "channels_last" else f"NC{_LETTERS[rank]}"


def output_length(length: int | None, window: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """How many windows fit along an axis."""
    if length is None:
        return None
    extent = window + (window - 1) * (dilation - 1)
    steps = length if padding in ("same", "causal") else length - extent + 1
    return (steps + stride - 1) // stride


class _Convolution(Layer):
    """What the convolutions share: sizes, the bias and activation at the end."""

    def __init__(
        self, rank: int, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1,
        activation: Any = None, use_bias: bool = True, bias_initializer: Any = tf.zeros_initializer(), bias_regularizer: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.rank = rank
        self.filters = filters
        self.kernel_size = sizes_of(kernel_size, rank, "kernel_size")
        self.strides = sizes_of(strides, rank, "strides")
        self.padding = normalized_padding(padding)
        if self.padding == "causal" and rank != 1:
            raise ValueError("Causal padding is only supported for `Conv1D`and ``SeparableConv1D`.")
        self.data_format = normalized_data_format(data_format)
        self.dilation_rate = sizes_of(dilation_rate, rank, "dilation_rate")
        self.activation = activation
        self.use_bias = use_bias
        self.bias_initializer, self.bias_regularizer, self.bias_constraint = (
            bias_initializer,
            bias_regularizer,
            bias_constraint,
        )
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _format(self) -> str:
        return ops_format(self.data_format, self.rank)

    def _channels(self, input_shape: Any) -> int:
        axis = 1 if self.data_format == "channels_first" else -1
        size = tf.TensorShape(input_shape).dims[axis].value
        if size is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: size})
        return int(size)

    def _add_bias(self) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                trainable=True,
            )

    def _finished(self, outputs: Any) -> Any:
        if self.use_bias and self.rank == 1 and self.data_format == "channels_first":
            outputs += tf.reshape(self.bias, (1, self.filters, 1))
        elif self.use_bias:
            outputs = tf.nn.bias_add(
                outputs, self.bias, data_format="NCHW" if self.data_format == "channels_first" else "NHWC"
            )
        return self.activation(outputs) if self.activation is not None else outputs

    def _causally_padded(self, inputs: Any) -> Any:
        if self.padding != "causal":
            return inputs
        left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        pads = [[0, 0], [left, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [0, 0], [left, 0]]
        return tf.pad(inputs, pads)

    @property
    def _op_padding(self) -> str:
        return "VALID" if self.padding == "causal" else self.padding.upper()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        last = self.data_format == "channels_last"
        space = sizes[1:-1] if last else sizes[2:]
        lengths = [
            output_length(s, k, self.padding, step, rate)
            for s, k, step, rate in zip(space, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        ]
        return tf.TensorShape([sizes[0], *lengths, self.filters] if last else [sizes[0], self.filters, *lengths])


class _Conv(_Convolution):
    def __init__(
        self,
        rank: int,
        *args: Any,
        kernel_initializer: Any = None,
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(rank, *args, **kwargs)
        self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint = (
            kernel_initializer,
            kernel_regularizer,
            kernel_constraint,
        )

    def _add_kernel(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            trainable=True,
        )

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` and `bias`."""
        channels = self._channels(input_shape)
        self._add_kernel((*self.kernel_size, channels, self.filters))
        self._add_bias()
        if all(rate == 1 for rate in self.dilation_rate):
            tf.convert_to_tensor(self.dilation_rate, tf.int32, name="dilation_rate")  # TF's graph has it too
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return self._finished(self._convolved(self._causally_padded(inputs)))

    def _convolved(self, inputs: Any) -> Any:
        if any(rate != 1 for rate in self.dilation_rate):
            return dilated_convolution(
                inputs,
                tf.convert_to_tensor(self.kernel),
                self.strides,
                self._op_padding,
                self._format,
                self.dilation_rate,
                None,
            )
        if self.rank == 1:
            return tf.nn.conv1d(inputs, self.kernel, self.strides[0], self._op_padding, data_format=self._format)
        steps = (1, *self.strides, 1) if self.data_format == "channels_last" else (1, 1, *self.strides)
        convolve = tf.nn.conv2d if self.rank == 2 else tf.nn.conv3d
        return convolve(inputs, self.kernel, strides=steps, padding=self._op_padding, data_format=self._format)


@export("layers.Conv1D")
class Conv1D(_Conv):
    """Convolution along one axis: f[batch, steps, channels]. Source: TF 1.15 `tf.layers.Conv1D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(1, **_arguments(locals()))


@export("layers.Conv2D")
class Conv2D(_Conv):
    """Convolution of images: f[batch, height, width, channels]. Source: TF 1.15 `tf.layers.Conv2D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1), activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, **_arguments(locals()))


@export("layers.Conv3D")
class Conv3D(_Conv):
    """Convolution of volumes: f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.layers.Conv3D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(3, **_arguments(locals()))


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor, from its `locals()`."""
    arguments = {k: v for k, v in given.items() if k not in ("self", "kwargs", "__class__")}
    return {**arguments, **given["kwargs"]}


def _transposed_length(length: Any, window: int, padding: str, stride: int) -> Any:
    if length is None:
        return None
    longer = max(window - stride, 0) if padding == "valid" else 0
    if padding == "valid":
        return length * stride + longer
    return length * stride


class _ConvTranspose(_Conv):
    def build(self, input_shape: Any) -> None:
        """Makes `kernel` and `bias`. Raises ValueError for another rank."""
        if len(tf.TensorShape(input_shape)) != self.rank + 2:
            raise ValueError(f"Inputs should have rank {self.rank + 2}. Received input shape: {input_shape}")
        channels = self._channels(input_shape)
        self._add_kernel((*self.kernel_size, self.filters, channels))
        self._add_bias()
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        sizes = tf.shape(inputs)
        batch = sizes[0]
        first = 1 if self.data_format == "channels_last" else 2
        space = [sizes[first + i] for i in range(self.rank)]
        lengths = [
            _transposed_length(s, k, self.padding, step)
            for s, k, step in zip(space, self.kernel_size, self.strides, strict=True)
        ]
        wanted = (batch, *lengths, self.filters) if first == 1 else (batch, self.filters, *lengths)
        outputs = self._transposed(inputs, tf.stack(wanted))
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._finished(outputs)

    def _transposed(self, inputs: Any, sizes: Any) -> Any:
        steps = (1, *self.strides, 1) if self.data_format == "channels_last" else (1, 1, *self.strides)
        if self.rank == 2:
            _ = sizes[0]  # TF's graph has this slice, which later seeds count
        transpose = tf.nn.conv2d_transpose if self.rank == 2 else tf.nn.conv3d_transpose
        return transpose(inputs, self.kernel, sizes, steps, padding=self.padding.upper(), data_format=self._format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        last = self.data_format == "channels_last"
        space = sizes[1:-1] if last else sizes[2:]
        lengths = [
            _transposed_length(s, k, self.padding, step)
            for s, k, step in zip(space, self.kernel_size, self.strides, strict=True)
        ]
        return tf.TensorShape([sizes[0], *lengths, self.filters] if last else [sizes[0], self.filters, *lengths])


@export("layers.Conv2DTranspose")
class Conv2DTranspose(_ConvTranspose):
    """The transpose of a convolution of images. Source: TF 1.15 `tf.layers.Conv2DTranspose`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, **_arguments(locals()))


@export("layers.Conv3DTranspose")
class Conv3DTranspose(_ConvTranspose):
    """The transpose of a convolution of volumes. Source: TF 1.15 `tf.layers.Conv3DTranspose`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1, 1), padding: Any = "valid", data_format: Any = "channels_last", activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(3, **_arguments(locals()))


class _SeparableConv(_Convolution):
    def __init__(
        self, rank: int, *args: Any, depth_multiplier: int = 1, depthwise_initializer: Any = None, pointwise_initializer: Any = None, depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(rank, *args, **kwargs)
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer, self.pointwise_initializer = depthwise_initializer, pointwise_initializer
        self.depthwise_regularizer, self.pointwise_regularizer = depthwise_regularizer, pointwise_regularizer
        self.depthwise_constraint, self.pointwise_constraint = depthwise_constraint, pointwise_constraint

    def build(self, input_shape: Any) -> None:
        """Makes `depthwise_kernel`, `pointwise_kernel` and `bias`."""
        channels = self._channels(input_shape)
        for kind, shape in (
            ("depthwise", (*self.kernel_size, channels, self.depth_multiplier)),
            ("pointwise", (*((1,) * self.rank), self.depth_multiplier * channels, self.filters)),
        ):
            made = self.add_weight(
                name=f"{kind}_kernel", shape=shape, initializer=getattr(self, f"{kind}_initializer"), regularizer=getattr(self, f"{kind}_regularizer"),
                constraint=getattr(self, f"{kind}_constraint"), trainable=True,
            )  # fmt: skip
            setattr(self, f"{kind}_kernel", made)
        self._add_bias()
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        inputs = self._causally_padded(inputs)
        last = self.data_format == "channels_last"
        steps, rates = self.strides * (3 - self.rank), self.dilation_rate
        depthwise, pointwise = self.depthwise_kernel, self.pointwise_kernel  # type: ignore[attr-defined]
        axis = 1 if last else 2
        if self.rank == 1:
            inputs = tf.expand_dims(inputs, axis)
            depthwise, pointwise = tf.expand_dims(depthwise, 0), tf.expand_dims(pointwise, 0)
            rates = (1, *rates)
        outputs = tf.nn.separable_conv2d(
            inputs,
            depthwise,
            pointwise,
            strides=(1, *steps, 1) if last else (1, 1, *steps),
            padding=self._op_padding,
            rate=rates,
            data_format="NHWC" if last else "NCHW",
        )
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias, data_format="NHWC" if last else "NCHW")
        if self.rank == 1:
            outputs = tf.squeeze(outputs, [axis])
        return self.activation(outputs) if self.activation is not None else outputs


@export("layers.SeparableConv1D")
class SeparableConv1D(_SeparableConv):
    """Depthwise, then pointwise convolution along one axis. Source: TF 1.15 `tf.layers.SeparableConv1D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(),
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, depthwise_constraint: Any = None,
        pointwise_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(1, **_arguments(locals()))


@export("layers.SeparableConv2D")
class SeparableConv2D(_SeparableConv):
    """Depthwise, then pointwise convolution of images. Source: TF 1.15 `tf.layers.SeparableConv2D`."""

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = (1, 1), padding: Any = "valid", data_format: Any = "channels_last", dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = None, pointwise_initializer: Any = None,
        bias_initializer: Any = tf.zeros_initializer(), depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True,
        name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(2, **_arguments(locals()))


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
