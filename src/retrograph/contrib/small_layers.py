"""`tf.contrib.layers`: pooling, dropout, shapes, and layers made of layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.contrib.layer_functions import fully_connected
from retrograph.contrib.layer_parts import (
    NHWC,
    check_format,
    collect_named_outputs,
    dimension,
    exported,
    long_format,
    model_getter,
)
from retrograph.contrib.model_variables import model_variable
from retrograph.contrib.sparse_layers import embedding_lookup_unique
from retrograph.framework.exports import export, export_value


def _pooled(name: str, layer: Any, inputs: Any, size: Any, stride: Any, padding: str, data_format: str, collections: Any, scope: Any) -> Any:  # fmt: skip
    with tf.name_scope(scope, name, [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        made = layer(pool_size=size, strides=stride, padding=padding, data_format=long_format(data_format), _scope=sc)
        return collect_named_outputs(collections, sc, made.apply(inputs))


@exported("max_pool2d")
@add_arg_scope
def max_pool2d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = NHWC,
    outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Maxima over windows of f[batch, height, width, channels]. Source: TF 1.15 `tf.contrib.layers.max_pool2d`."""
    check_format(data_format)
    layer = tf.layers.MaxPooling2D
    return _pooled("MaxPool2D", layer, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope)


@exported("avg_pool2d")
@add_arg_scope
def avg_pool2d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = NHWC,
    outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Means over windows of f[batch, height, width, channels]. Source: TF 1.15 `tf.contrib.layers.avg_pool2d`."""
    check_format(data_format)
    layer = tf.layers.AveragePooling2D
    return _pooled("AvgPool2D", layer, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope)


@exported("dropout")
@add_arg_scope
def dropout(
    inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True,
    outputs_collections: Any = None, scope: Any = None, seed: Any = None,
) -> Any:  # fmt: skip
    """Elements kept with probability `keep_prob` while training. Source: TF 1.15 `tf.contrib.layers.dropout`."""
    with tf.variable_scope(scope, "Dropout", [inputs], custom_getter=model_getter()) as sc:
        inputs = tf.convert_to_tensor(inputs)
        layer = tf.layers.Dropout(rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=sc.name, _scope=sc)
        return collect_named_outputs(outputs_collections, sc.name, layer.apply(inputs, training=is_training))


@exported("flatten")
@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Any:
    """dtype[batch, k]: each sample in a row. Source: TF 1.15 `tf.contrib.layers.flatten`."""
    with tf.name_scope(scope, "Flatten", [inputs]) as sc:
        inputs = tf.convert_to_tensor(inputs)
        return collect_named_outputs(outputs_collections, sc, tf.layers.flatten(inputs))


@exported("one_hot_encoding")
@add_arg_scope
def one_hot_encoding(
    labels: Any, num_classes: Any, on_value: Any = 1.0, off_value: Any = 0.0, outputs_collections: Any = None,
    scope: Any = None,
) -> Any:  # fmt: skip
    """f32[..., num_classes]: the labels one-hot. Source: TF 1.15 `tf.contrib.layers.one_hot_encoding`."""
    with tf.name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        labels = tf.convert_to_tensor(labels)
        if labels.dtype == tf.int32:
            labels = tf.to_int64(labels)
        outputs = tf.one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
        return collect_named_outputs(outputs_collections, sc, outputs)


@exported("softmax")
@add_arg_scope
def softmax(logits: Any, scope: Any = None) -> Any:
    """Softmax over the last axis, of any rank. Source: TF 1.15 `tf.contrib.layers.softmax`."""
    with tf.variable_scope(scope, "softmax", [logits]):
        classes = dimension(logits.get_shape(), -1, min_rank=2)
        predictions = tf.nn.softmax(tf.reshape(logits, [-1, classes]))
        predictions = tf.reshape(predictions, tf.shape(logits))
        predictions.set_shape(logits.get_shape())
        return predictions


@exported("unit_norm")
@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """The inputs of length 1 along an axis. Source: TF 1.15 `tf.contrib.layers.unit_norm`."""
    with tf.variable_scope(scope, "UnitNorm", [inputs]):
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("The input rank must be known.")
        if dim < 0 or dim >= rank:
            raise ValueError("dim must be positive but smaller than the input rank.")
        lengths = tf.sqrt(epsilon + tf.reduce_sum(tf.square(inputs), dim, True))
        before = [tf.ones([dim], tf.int32)] if dim > 0 else []
        size = tf.strided_slice(tf.shape(inputs), [dim], [dim + 1])
        after = [tf.ones([rank - 1 - dim], tf.int32)] if dim < rank - 1 else []
        return tf.div(inputs, tf.tile(lengths, tf.concat([*before, size, *after], 0)))


@exported("maxout")
@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> Any:
    """Maxima over groups of channels. Source: TF 1.15 `tf.contrib.layers.maxout`."""
    with tf.variable_scope(scope, "MaxOut", [inputs]):
        inputs = tf.convert_to_tensor(inputs)
        shape = inputs.get_shape().as_list()
        channels = shape[axis]
        if channels % num_units:
            raise ValueError(f"number of features({channels}) is not a multiple of num_units({num_units})")
        shape[axis] = num_units
        shape.append(channels // num_units)
        sizes = [tf.shape(inputs)[i] if size is None else size for i, size in enumerate(shape)]
        return tf.reduce_max(tf.reshape(inputs, sizes), -1, keepdims=False)


def _base_name(layer: Any, default: str) -> str:
    return str(getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", default))


@exported("repeat")
def repeat(inputs: Any, repetitions: int, layer: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The same layer several times, scopes numbered from 1. Source: TF 1.15 `tf.contrib.layers.repeat`."""
    scope = kwargs.pop("scope", None)
    with tf.variable_scope(scope, "Repeat", [inputs]):
        outputs = tf.convert_to_tensor(inputs)
        base = _base_name(layer, "repeat") if scope is None else scope
        for i in range(repetitions):
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{base}_{i + 1}"})
        return outputs


@exported("stack")
def stack(inputs: Any, layer: Callable[..., Any], stack_args: Any, **kwargs: Any) -> Any:
    """A layer for each of `stack_args`, scopes numbered from 1. Source: TF 1.15 `tf.contrib.layers.stack`."""
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, list | tuple):
        raise ValueError("stack_args need to be a list or tuple")
    with tf.variable_scope(scope, "Stack", [inputs]):
        outputs = tf.convert_to_tensor(inputs)
        base = _base_name(layer, "stack") if scope is None else scope
        for i, given in enumerate(stack_args):
            arguments = given if isinstance(given, list | tuple) else [given]
            outputs = layer(outputs, *arguments, **{**kwargs, "scope": f"{base}_{i + 1}"})
        return outputs


@exported("embed_sequence")
def embed_sequence(
    ids: Any, vocab_size: int | None = None, embed_dim: int | None = None, unique: bool = False,
    initializer: Any = None, regularizer: Any = None, trainable: Any = True, scope: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """f32[batch, length, embed_dim]: embeddings of numbers. Source: TF 1.15 `tf.contrib.layers.embed_sequence`."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            "Must specify vocab size and embedding dimension when not reusing. "
            f"Got vocab_size={vocab_size} and embed_dim={embed_dim}"
        )
    with tf.variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = None if embed_dim is None or (reuse and vocab_size is None) else [vocab_size, embed_dim]
        embeddings = model_variable(
            "embeddings", shape=shape, initializer=initializer, regularizer=regularizer, trainable=trainable
        )
        return embedding_lookup_unique(embeddings, ids) if unique else tf.nn.embedding_lookup(embeddings, ids)


linear = functools.partial(fully_connected, activation_fn=None)
relu = functools.partial(fully_connected, activation_fn=tf.nn.relu)
relu6 = functools.partial(fully_connected, activation_fn=tf.nn.relu6)
elu = functools.partial(fully_connected, activation_fn=tf.nn.elu)
for _name in ("linear", "relu", "relu6", "elu"):
    export_value(f"contrib.layers.{_name}", f"contrib.slim.{_name}", globals()[_name], attribute=_name)


@export("contrib.metrics.accuracy", "contrib.slim.metrics.accuracy")
def batch_accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Any:
    """f32[]: the part of predictions that are right. Source: TF 1.15 `tf.contrib.metrics.accuracy`."""
    if not (labels.dtype.is_integer or labels.dtype in (tf.bool, tf.string)):
        raise ValueError(f"Labels should have bool, string, or integer dtype, not {labels.dtype}")
    if labels.dtype.base_dtype != predictions.dtype.base_dtype:
        raise ValueError(
            f"Dtypes of predictions and labels should match. Given: predictions ({predictions.dtype}) and labels ({labels.dtype})"
        )
    with tf.name_scope(name, "accuracy", values=[predictions, labels]):
        correct = tf.cast(tf.equal(predictions, labels), tf.float32)
        if weights is None:
            return tf.reduce_mean(correct)
        counts = tf.multiply(tf.ones_like(correct), weights)
        return tf.div(tf.reduce_sum(tf.multiply(correct, weights)), tf.reduce_sum(counts))
