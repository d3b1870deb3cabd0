"""`tf.contrib.layers`: volumes, pooling of any rank, images as sequences, spatial softmax, dense layers of old."""

from __future__ import annotations

import functools
from typing import Any

import retrograph as tf
from retrograph.autodiff.defun import Defun
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.contrib.layer_functions import _XAVIER, _ZEROS, transposed_convolution
from retrograph.contrib.layer_parts import (
    NCHW,
    NHWC,
    check_format,
    collect_named_outputs,
    collections_for,
    exported,
    n_positive_integers,
)
from retrograph.contrib.model_variables import model_variable
from retrograph.contrib.small_layers import _pooled
from retrograph.contrib.sparse_layers import dense_to_sparse_tensor
from retrograph.framework.exports import export, export_value
from retrograph.ops.safe_embedding import contrib_safe_embedding_lookup_sparse

_NDHWC = "NDHWC"


def _check_volume_format(data_format: Any) -> None:
    if data_format not in ("NCDHW", _NDHWC):
        raise ValueError("data_format has to be either NCDHW or NDHWC.")


@exported("max_pool3d")
@add_arg_scope
def max_pool3d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = _NDHWC,
    outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Maxima over windows of f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.contrib.layers.max_pool3d`."""
    _check_volume_format(data_format)
    layer = tf.layers.MaxPooling3D
    return _pooled("MaxPool3D", layer, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope)


@exported("avg_pool3d")
@add_arg_scope
def avg_pool3d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = _NDHWC,
    outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Means over windows of f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.contrib.layers.avg_pool3d`."""
    _check_volume_format(data_format)
    layer = tf.layers.AveragePooling3D
    return _pooled("AvgPool3D", layer, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope)


@export("contrib.slim.pool")
@add_arg_scope
def pool(
    inputs: Any, kernel_size: Any, pooling_type: str, padding: str = "VALID", data_format: Any = None,
    dilation_rate: Any = 1, stride: Any = 1, outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Windows pooled along all axes but batch and channels. Source: TF 1.15 `tf.contrib.slim.pool`."""
    with tf.name_scope(scope, f"{pooling_type.lower()}_pool", [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Rank of inputs must be known")
        if rank < 3:
            raise ValueError("Rank of inputs must be >= 3")
        window, rates, strides = (n_positive_integers(rank - 2, v) for v in (kernel_size, dilation_rate, stride))
        outputs = tf.nn.pool(
            input=inputs, window_shape=window, pooling_type=pooling_type, padding=padding, data_format=data_format,
            dilation_rate=rates, strides=strides, name=sc,
        )  # fmt: skip
        return collect_named_outputs(outputs_collections, sc, outputs)


@exported("convolution3d_transpose", "conv3d_transpose")
@add_arg_scope
def convolution3d_transpose(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: str = _NDHWC,
    activation_fn: Any = tf.nn.relu, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = _XAVIER, weights_regularizer: Any = None, biases_initializer: Any = _ZEROS,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, scope: Any = None,
) -> Any:  # fmt: skip
    """The transpose of a convolution of volumes. Source: TF 1.15 `tf.contrib.layers.conv3d_transpose`."""
    return transposed_convolution("Conv3d_transpose", tf.layers.Conv3DTranspose, _check_volume_format, **locals())


@exported("images_to_sequence")
@add_arg_scope
def images_to_sequence(inputs: Any, data_format: str = NHWC, outputs_collections: Any = None, scope: Any = None) -> Any:
    """f[width, batch * height, channels]: each row of each image as a sequence.

    Source: TF 1.15 `tf.contrib.layers.images_to_sequence`.
    """
    check_format(data_format)
    with tf.name_scope(scope, "ImagesToSequence", [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        if data_format == NCHW:
            inputs = tf.transpose(inputs, [0, 2, 3, 1])
        _, _, width, depth = inputs.get_shape().as_list()
        sizes = tf.shape(inputs)
        batch, height = sizes[0], sizes[1]
        columns = tf.transpose(inputs, [2, 0, 1, 3])
        return collect_named_outputs(outputs_collections, sc, tf.reshape(columns, [width, batch * height, depth]))


@exported("sequence_to_images")
@add_arg_scope
def sequence_to_images(
    inputs: Any, height: int, output_data_format: str = "channels_last", outputs_collections: Any = None,
    scope: Any = None,
) -> Any:  # fmt: skip
    """The images of such sequences. Source: TF 1.15 `tf.contrib.layers.sequence_to_images`."""
    with tf.name_scope(scope, "SequenceToImages", [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        width, rows, depth = inputs.get_shape().as_list()
        batch = -1 if rows is None else rows // height
        columns = tf.reshape(inputs, [width, batch, height, depth])
        order = [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3]
        return collect_named_outputs(outputs_collections, sc, tf.transpose(columns, order))


@exported("spatial_softmax")
@add_arg_scope
def spatial_softmax(
    features: Any, temperature: Any = None, name: str | None = None, variables_collections: Any = None,
    trainable: bool = True, data_format: str = "NHWC",
) -> Any:  # fmt: skip
    """f[batch, 2 * channels]: where in [-1, 1] x [-1, 1] each channel is expected.

    Raises ValueError: another format, or channels not known. Source: TF 1.15 `tf.contrib.layers.spatial_softmax`.
    """
    with tf.variable_scope(name, "spatial_softmax"):
        sizes = tf.shape(features)
        if data_format == NHWC:
            height, width, channels = sizes[1], sizes[2], tf.dimension_value(features.shape[3])
        elif data_format == NCHW:
            height, width, channels = sizes[2], sizes[3], tf.dimension_value(features.shape[1])
        else:
            raise ValueError("data_format has to be either NCHW or NHWC.")
        if channels is None:
            raise ValueError(
                "The num_channels dimension of the inputs to `spatial_softmax` should be defined. Found `None`."
            )
        with tf.name_scope("spatial_softmax_op", "spatial_softmax_op", [features]):
            lines = tf.lin_space(-1.0, 1.0, num=height), tf.lin_space(-1.0, 1.0, num=width)
            places = [tf.reshape(grid, [height * width]) for grid in tf.meshgrid(*lines, indexing="ij")]
            first = tf.ones_initializer() if temperature is None else tf.constant_initializer(temperature)
            heat = model_variable(
                "temperature", shape=(), dtype=tf.float32, initializer=first, trainable=trainable,
                collections=collections_for(variables_collections, "temperature") if trainable else None,
            )  # fmt: skip
            if data_format == NHWC:
                features = tf.transpose(features, [0, 3, 1, 2])
            attention = tf.nn.softmax(tf.reshape(features, [-1, height * width]) / heat)
            expected = [tf.reduce_sum(place * attention, [1], keepdims=True) for place in places]
            points = tf.reshape(tf.concat(expected, 1), [-1, channels * 2])
            points.set_shape([None, channels * 2])
    return points


def poincare_normalize(x: Any, axis: Any = 1, epsilon: float = 1e-5, name: str | None = None) -> Any:
    """The vectors along an axis, those outside moved into the ball of radius 1 - epsilon.

    Source: TF 1.15 `tensorflow.contrib.layers.python.layers.layers.poincare_normalize`.
    """
    with tf.name_scope(name, "poincare_normalize", [x]) as scope:
        x = tf.convert_to_tensor(x, name="x")
        inverse = tf.rsqrt(tf.reduce_sum(tf.square(x), axis, keepdims=True))
        return tf.multiply(x, tf.minimum((1.0 - epsilon) * inverse, 1.0), name=scope)


def _scaled(op: Any, grad: Any) -> list[Any]:
    return [grad * op.inputs[1], None]


@exported("scale_gradient")
def scale_gradient(inputs: Any, gradient_multiplier: Any) -> Any:
    """The inputs, whose gradient is multiplied. Source: TF 1.15 `tf.contrib.layers.scale_gradient`."""

    def scaled(inputs: Any, gradient_multiplier: Any) -> Any:
        return tf.identity(inputs)

    function = Defun(func_name="scale_gradient", python_grad_func=_scaled)(scaled)
    return function(inputs, gradient_multiplier)


@exported("bow_encoder")
def bow_encoder(
    ids: Any, vocab_size: int, embed_dim: int, sparse_lookup: bool = True, initializer: Any = None,
    regularizer: Any = None, trainable: bool = True, scope: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """f32[batch, embed_dim]: the mean of the embeddings of each row. Source: TF 1.15 `tf.contrib.layers.bow_encoder`."""
    if not vocab_size or not embed_dim:
        raise ValueError("Must specify vocab size and embedding dimension")
    sparse = isinstance(ids, tf.SparseTensor)
    with tf.variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        embeddings = model_variable(
            "embeddings", shape=[vocab_size, embed_dim], initializer=initializer, regularizer=regularizer,
            trainable=trainable,
        )  # fmt: skip
        if sparse_lookup:
            found = ids if sparse else dense_to_sparse_tensor(ids)
            return contrib_safe_embedding_lookup_sparse([embeddings], found, combiner="mean", default_id=0)
        if sparse:
            raise TypeError("ids are expected to be dense Tensor, got: %s", ids)
        return tf.reduce_mean(tf.nn.embedding_lookup(embeddings, ids), axis=1)


@exported("legacy_fully_connected")
def legacy_fully_connected(
    x: Any, num_output_units: int, activation_fn: Any = None, weight_init: Any = _XAVIER, bias_init: Any = _ZEROS,
    name: str | None = None, weight_collections: Any = (tf.GraphKeys.WEIGHTS,),
    bias_collections: Any = (tf.GraphKeys.BIASES,), output_collections: Any = (tf.GraphKeys.ACTIVATIONS,),
    trainable: bool = True, weight_regularizer: Any = None, bias_regularizer: Any = None,
) -> Any:  # fmt: skip
    """activation(x @ weights + bias), its variables and outputs collected.

    Raises ValueError: sizes not known. Source: TF 1.15 `tf.contrib.layers.legacy_fully_connected`.
    """
    with tf.variable_scope(name, "fully_connected", [x]):
        x = tf.convert_to_tensor(x)
        units, rank, dtype = _input_units(x), x.get_shape().ndims, x.dtype.base_dtype

        def made(kind: str, shape: list[int], initializer: Any, collections: Any, regularizer: Any) -> Any:
            return tf.get_variable(
                kind, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
                collections={*(collections or ()), tf.GraphKeys.GLOBAL_VARIABLES},
            )  # fmt: skip

        weights = made("weights", [units, num_output_units], weight_init, weight_collections, weight_regularizer)
        y = tf.matmul(x if rank <= 2 else tf.reshape(x, [-1, units]), weights)
        if bias_init is not None:
            y = tf.nn.bias_add(y, made("bias", [num_output_units], bias_init, bias_collections, bias_regularizer))
        if rank > 2:
            y = tf.reshape(y, tf.stack([*tf.unstack(tf.shape(x))[:-1], num_output_units]))
            y.set_shape([*x.get_shape().as_list()[:-1], num_output_units])
        if activation_fn is not None:
            y = activation_fn(y)
        tf.add_to_collections(list(output_collections or ()), y)
        return y


def _input_units(x: Any) -> int:
    dims = x.get_shape().dims
    if dims is None:
        raise ValueError("dims of x must be known but is None")
    if len(dims) < 2:
        raise ValueError(f"rank of x must be at least 2 not: {len(dims)}")
    if dims[-1].value is None:
        raise ValueError("last dimension of x must be known but is None")
    return int(dims[-1].value)


legacy_relu = functools.partial(legacy_fully_connected, activation_fn=tf.nn.relu)
legacy_linear = functools.partial(legacy_fully_connected, activation_fn=None)
for _name in ("legacy_relu", "legacy_linear"):
    export_value(f"contrib.layers.{_name}", globals()[_name], attribute=_name)
    export_value(f"contrib.slim.{_name}", globals()[_name], attribute=_name)
