"""`tf.contrib.layers`: dense layers and convolutions with activation, normalizer and variables by their old names."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.contrib.layer_parts import (
    NHWC,
    add_to_collections,
    check_format,
    dimension,
    exported,
    finished,
    long_format,
    model_getter,
    parameter,
    two_element_tuple,
)
from retrograph.variables.initializers import xavier_initializer

_RENAME = {"bias": "biases", "kernel": "weights"}
_SEPARABLE_RENAME = {
    "bias": "biases",
    "depthwise_kernel": "depthwise_weights",
    "pointwise_kernel": "pointwise_weights",
}
_FORMATS = (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW")
_CONV_CLASSES = {3: "Conv1D", 4: "Conv2D", 5: "Conv3D"}
_XAVIER = xavier_initializer()
_ZEROS = tf.zeros_initializer()


def _in_collections(layer: Any, collections: Any, **short_names: str) -> None:
    for attribute, name in short_names.items():
        variable = getattr(layer, attribute)
        if variable is not None:
            add_to_collections(variable, collections, name)


@exported("fully_connected")
@add_arg_scope
def fully_connected(
    inputs: Any, num_outputs: int, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = _XAVIER, weights_regularizer: Any = None,
    biases_initializer: Any = _ZEROS, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """f[..., num_outputs]: activation(inputs @ weights + biases), the bias left out where there is a normalizer.

    Source: TF 1.15 `tf.contrib.layers.fully_connected`.
    """
    if not isinstance(num_outputs, int):
        raise ValueError(f"num_outputs type should be one of {[int]}, got {type(num_outputs)}.")
    with tf.variable_scope(scope, "fully_connected", [inputs], reuse=reuse, custom_getter=model_getter(_RENAME)) as sc:
        inputs = tf.convert_to_tensor(inputs)
        layer = tf.layers.Dense(
            units=num_outputs, activation=None, use_bias=not normalizer_fn and biases_initializer,
            kernel_initializer=weights_initializer, bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, activity_regularizer=None,
            trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer.apply(inputs)
        _in_collections(layer, variables_collections, kernel="weights", bias="biases")
        return finished(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn, normalizer_params)


def _conv_class(rank: Any, conv_dims: int | None) -> Any:
    if conv_dims is not None and conv_dims + 2 != rank:
        raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}")
    if rank not in _CONV_CLASSES:
        raise ValueError("Convolution not supported for input with rank", rank)
    return getattr(tf.layers, _CONV_CLASSES[rank])


@exported("convolution")
@add_arg_scope
def convolution(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: Any = None,
    rate: Any = 1, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None, conv_dims: int | None = None,
) -> Any:  # fmt: skip
    """A convolution over one, two or three axes by the rank of `inputs`. Source: TF 1.15 `tf.contrib.layers.convolution`."""
    if data_format not in _FORMATS:
        raise ValueError(f"Invalid data_format: {data_format!r}")
    with tf.variable_scope(scope, "Conv", [inputs], reuse=reuse, custom_getter=model_getter(_RENAME)) as sc:
        inputs = tf.convert_to_tensor(inputs)
        layer = _conv_class(inputs.get_shape().ndims, conv_dims)(
            filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding,
            data_format=long_format(data_format), dilation_rate=rate, activation=None,
            use_bias=not normalizer_fn and biases_initializer, kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer, activity_regularizer=None, trainable=trainable, name=sc.name,
            dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer.apply(inputs)
        _in_collections(layer, variables_collections, kernel="weights", bias="biases")
        return finished(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn, normalizer_params)


@exported("convolution1d", "conv1d")
@add_arg_scope
def convolution1d(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: Any = None,
    rate: Any = 1, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """`convolution` of f[batch, width, channels]. Source: TF 1.15 `tf.contrib.layers.conv1d`."""
    return convolution(conv_dims=1, **locals())


@exported("convolution2d", "conv2d")
@add_arg_scope
def convolution2d(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: Any = None,
    rate: Any = 1, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """`convolution` of f[batch, height, width, channels]. Source: TF 1.15 `tf.contrib.layers.conv2d`."""
    return convolution(conv_dims=2, **locals())


@exported("convolution3d", "conv3d")
@add_arg_scope
def convolution3d(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: Any = None,
    rate: Any = 1, activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """`convolution` of f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.contrib.layers.conv3d`."""
    return convolution(conv_dims=3, **locals())


def transposed_convolution(
    default_name: str, layer_class: Any, check: Any, *, inputs: Any, num_outputs: int, kernel_size: Any, stride: Any,
    padding: str, data_format: str, activation_fn: Any, normalizer_fn: Any, normalizer_params: Any,
    weights_initializer: Any, weights_regularizer: Any, biases_initializer: Any, biases_regularizer: Any, reuse: Any,
    variables_collections: Any, outputs_collections: Any, trainable: Any, scope: Any,
) -> Any:  # fmt: skip
    """The transpose of a convolution by a class of `tf.layers`; `check` refuses formats of data that it has not."""
    with tf.variable_scope(scope, default_name, [inputs], reuse=reuse, custom_getter=model_getter(_RENAME)) as sc:
        check(data_format)
        inputs = tf.convert_to_tensor(inputs)
        layer = layer_class(
            filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding,
            data_format=long_format(data_format), activation=None,
            use_bias=not normalizer_fn and biases_initializer, kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer, activity_regularizer=None, trainable=trainable, name=sc.name,
            dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer.apply(inputs)
        _in_collections(layer, variables_collections, kernel="weights", bias="biases")
        return finished(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn, normalizer_params)


@exported("convolution2d_transpose", "conv2d_transpose")
@add_arg_scope
def convolution2d_transpose(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: str = NHWC,
    activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """The transpose of a convolution. Source: TF 1.15 `tf.contrib.layers.conv2d_transpose`."""
    return transposed_convolution("Conv2d_transpose", tf.layers.Conv2DTranspose, check_format, **locals())


@exported("separable_convolution2d", "separable_conv2d")
@add_arg_scope
def separable_convolution2d(
    inputs: Any, num_outputs: int | None, kernel_size: Any, depth_multiplier: int = 1, stride: Any = 1,
    padding: str = "SAME", data_format: str = NHWC, rate: Any = 1, activation_fn: Any = tf.nn.relu,
    normalizer_fn: Any = None, normalizer_params: Any = None, weights_initializer: Any = _XAVIER,
    pointwise_initializer: Any = None, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """A convolution per channel, then one of size 1 unless `num_outputs` is None. Source: TF 1.15 `tf.contrib.layers.separable_conv2d`."""
    check_format(data_format)
    with tf.variable_scope(
        scope, "SeparableConv2d", [inputs], reuse=reuse, custom_getter=model_getter(_SEPARABLE_RENAME)
    ) as sc:
        inputs = tf.convert_to_tensor(inputs)
        if num_outputs is None:
            outputs = _depthwise(
                inputs, two_element_tuple(kernel_size), two_element_tuple(stride), padding, data_format,
                two_element_tuple(rate), depth_multiplier, weights_initializer, weights_regularizer,
                None if normalizer_fn else biases_initializer, biases_regularizer, variables_collections, trainable,
            )  # fmt: skip
        else:
            layer = tf.layers.SeparableConv2D(
                filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding,
                data_format=long_format(data_format), dilation_rate=two_element_tuple(rate), activation=None,
                depth_multiplier=depth_multiplier, use_bias=not normalizer_fn and biases_initializer,
                depthwise_initializer=weights_initializer,
                pointwise_initializer=pointwise_initializer or weights_initializer,
                bias_initializer=biases_initializer, depthwise_regularizer=weights_regularizer,
                pointwise_regularizer=weights_regularizer, bias_regularizer=biases_regularizer,
                activity_regularizer=None, trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype,
                _scope=sc, _reuse=reuse,
            )  # fmt: skip
            outputs = layer.apply(inputs)
            _in_collections(
                layer, variables_collections, depthwise_kernel="weights", pointwise_kernel="weights", bias="biases"
            )
        return finished(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn, normalizer_params)


def _depthwise(
    inputs: Any, kernel: tuple[int, int], stride: tuple[int, int], padding: str, data_format: str,
    rate: tuple[int, int], multiplier: int, initializer: Any, regularizer: Any, biases_initializer: Any,
    biases_regularizer: Any, collections: Any, trainable: Any,
) -> Any:  # fmt: skip
    from retrograph.contrib.layer_parts import collections_for
    from retrograph.contrib.model_variables import model_variable

    dtype = inputs.dtype.base_dtype
    first = data_format.startswith("NC")
    channels = dimension(inputs.get_shape(), 1 if first else -1, min_rank=4)
    weights = model_variable(
        "depthwise_weights", shape=[*kernel, channels, multiplier], dtype=dtype, initializer=initializer,
        regularizer=regularizer, trainable=trainable, collections=collections_for(collections, "weights"),
    )  # fmt: skip
    strides = [1, 1, *stride] if first else [1, *stride, 1]
    outputs = tf.nn.depthwise_conv2d(inputs, weights, strides, padding, rate=rate, data_format=data_format)
    if biases_initializer is None:
        return outputs
    biases = parameter(
        "biases", [multiplier * channels], dtype, biases_initializer, collections, trainable, biases_regularizer
    )
    return tf.nn.bias_add(outputs, biases, data_format=data_format)


@exported("convolution2d_in_plane", "conv2d_in_plane")
@add_arg_scope
def convolution2d_in_plane(
    inputs: Any, kernel_size: Any, stride: Any = 1, padding: str = "SAME", activation_fn: Any = tf.nn.relu,
    normalizer_fn: Any = None, normalizer_params: Any = None, weights_initializer: Any = _XAVIER,
    weights_regularizer: Any = None, biases_initializer: Any = _ZEROS, biases_regularizer: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: Any = True,
    scope: Any = None,
) -> Any:  # fmt: skip
    """The same kernel over each channel. Source: TF 1.15 `tf.contrib.layers.conv2d_in_plane`."""
    with tf.variable_scope(scope, "ConvInPlane", [inputs], reuse=reuse) as sc:
        dtype = inputs.dtype.base_dtype
        channels = dimension(inputs.get_shape(), -1, min_rank=4)
        weights = parameter(
            "weights", [*two_element_tuple(kernel_size), 1, 1], dtype, weights_initializer, variables_collections,
            trainable, weights_regularizer,
        )  # fmt: skip
        repeated = tf.tile(weights, [1, 1, channels, 1])
        outputs = tf.nn.depthwise_conv2d(inputs, repeated, [1, *two_element_tuple(stride), 1], padding)
        if normalizer_fn is None and biases_initializer is not None:
            biases = parameter(
                "biases", [channels], dtype, biases_initializer, variables_collections, trainable, biases_regularizer
            )
            outputs = tf.nn.bias_add(outputs, biases)
        return finished(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn, normalizer_params)
