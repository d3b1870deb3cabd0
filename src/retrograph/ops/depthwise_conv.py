"""Convolutions channel by channel: depthwise_conv2d, separable_conv2d."""

from __future__ import annotations

from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.ops import array as array_ops
from retrograph.ops.array import lookup_renamed
from retrograph.ops.atrous import with_space_to_batch
from retrograph.ops.conv import conv2d


@export("nn.depthwise_conv2d_native")
def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """Convolves each channel by itself with the filter's `[height, width, in, multiplier]`.

    Source: TF 1.15 `tf.nn.depthwise_conv2d_native`.
    """
    return apply_op(
        "DepthwiseConv2dNative",
        name,
        input=input,
        filter=filter,
        strides=strides,
        padding=padding,
        data_format=data_format or "NHWC",
        dilations=dilations,
    )


@export("nn.depthwise_conv2d_native_backprop_input", "nn.depthwise_conv2d_backprop_input")
def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `depthwise_conv2d_native` with respect to the input.

    Source: TF 1.15 `tf.nn.depthwise_conv2d_native_backprop_input`.
    """
    return apply_op(
        "DepthwiseConv2dNativeBackpropInput",
        name,
        input_sizes=input_sizes,
        filter=filter,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


@export("nn.depthwise_conv2d_native_backprop_filter", "nn.depthwise_conv2d_backprop_filter")
def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `depthwise_conv2d_native` with respect to the filter.

    Source: TF 1.15 `tf.nn.depthwise_conv2d_native_backprop_filter`.
    """
    return apply_op(
        "DepthwiseConv2dNativeBackpropFilter",
        name,
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


def _depthwise_at_rate(
    value: Any, filter: Any, strides: Any, padding: str, rate: Any, data_format: Any, name: str
) -> Any:
    def call(batches: Any, _: int, how: str) -> Any:
        return depthwise_conv2d_native(batches, filter, strides, how, data_format, name=name)

    return with_space_to_batch(
        value,
        [1, 1] if rate is None else rate,
        padding,
        call,
        filter_shape=array_ops.shape(filter),
        data_format=data_format,
    )


@export("nn.depthwise_conv2d")
def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    rate: Any = None,
    name: Any = None,
    data_format: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves each channel by itself: `[batch, height, width, in * multiplier]`.

    Source: TF 1.15 `tf.nn.depthwise_conv2d`.
    """
    rate = lookup_renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        filter = convert_to_tensor(filter, name="filter_in")
        return _depthwise_at_rate(input, filter, strides, padding, rate, data_format, scope)


@export("nn.separable_conv2d")
def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: str,
    rate: Any = None,
    name: Any = None,
    data_format: Any = None,
    dilations: Any = None,
) -> Any:
    """A depthwise convolution, then one with a `[1, 1, in * multiplier, out]` filter that mixes the channels.

    Source: TF 1.15 `tf.nn.separable_conv2d`.
    """
    rate = lookup_renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        depthwise_filter = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        mixing = pointwise_filter.get_shape().with_rank(4)
        for axis in (0, 1):
            mixing.dims[axis].assert_is_compatible_with(1)
        value = _depthwise_at_rate(input, depthwise_filter, strides, padding, rate, data_format, "depthwise")
        return conv2d(value, pointwise_filter, [1, 1, 1, 1], "VALID", data_format=data_format, name=scope)
