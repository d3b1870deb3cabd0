"""Networks that are one row of layers: `alexnet`, `overfeat` and `vgg` of `tf.contrib.slim.nets`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograph.contrib.arg_scoping import arg_scope
from retrograph.contrib.layer_functions import convolution2d, fully_connected
from retrograph.contrib.layer_parts import convert_collection_to_dict
from retrograph.contrib.small_layers import dropout, max_pool2d, repeat
from retrograph.ops import array
from retrograph.ops.nn import relu
from retrograph.variables import initializers
from retrograph.variables.regularizers import l2_regularizer
from retrograph.variables.scope import variable_scope


def _scope_of_layers(weight_decay: float, biases: Any, conv_padding: Any, pool_padding: Any) -> Any:
    with (
        arg_scope(
            [convolution2d, fully_connected],
            activation_fn=relu,
            biases_initializer=biases,
            weights_regularizer=l2_regularizer(weight_decay),
        ),
        arg_scope([convolution2d], padding=conv_padding) as scope,
    ):
        if pool_padding is None:
            return scope
        with arg_scope([max_pool2d], padding=pool_padding) as inner:
            return inner


def alexnet_v2_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The defaults of the layers of AlexNet."""
    return _scope_of_layers(weight_decay, initializers.Constant(0.1), "SAME", "VALID")


def overfeat_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The defaults of the layers of OverFeat."""
    return _scope_of_layers(weight_decay, initializers.Zeros(), "SAME", "VALID")


def vgg_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The defaults of the layers of VGG."""
    return _scope_of_layers(weight_decay, initializers.Zeros(), "SAME", None)


def trunc_normal(stddev: float) -> Any:
    """An initializer: a normal distribution around 0, cut at two deviations."""
    return initializers.TruncatedNormal(0.0, stddev)


def _head(
    net: Any, widths: tuple[int, int], size: int, num_classes: Any, keep: Any, training: Any, last: dict[str, Any]
) -> Any:
    """Three convolutions in place of fully connected layers, dropout between them."""
    net = convolution2d(net, widths[0], [size, size], padding="VALID", scope="fc6")
    net = dropout(net, keep, is_training=training, scope="dropout6")
    net = convolution2d(net, widths[1], [1, 1], scope="fc7")
    net = dropout(net, keep, is_training=training, scope="dropout7")
    return convolution2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8", **last)


def _finished(net: Any, scope: Any, collection: str, squeeze: bool) -> tuple[Any, Any]:
    end_points = convert_collection_to_dict(collection)
    if squeeze:
        net = array.squeeze(net, [1, 2], name="fc8/squeezed")
        end_points[scope.name + "/fc8"] = net
    return net, end_points


def _large_head(net: Any, widths: tuple[int, int], size: int, num_classes: Any, keep: Any, training: Any) -> Any:
    """The head of the networks whose last weights start small and whose biases start at 0.1."""
    with arg_scope(
        [convolution2d], weights_initializer=trunc_normal(0.005), biases_initializer=initializers.Constant(0.1)
    ):
        last = {"biases_initializer": initializers.Zeros()}
        return _head(net, widths, size, num_classes, keep, training, last)


def alexnet_v2(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.5,
    spatial_squeeze: bool = True,
    scope: Any = "alexnet_v2",
) -> tuple[Any, Any]:
    """(logits, end points by name) of AlexNet in one tower; images `f32[batch, 224, 224, 3]`."""
    with variable_scope(scope, "alexnet_v2", [inputs]) as opened:
        collection = opened.original_name_scope + "_end_points"
        with arg_scope([convolution2d, fully_connected, max_pool2d], outputs_collections=[collection]):
            net = convolution2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = max_pool2d(net, [3, 3], 2, scope="pool1")
            net = convolution2d(net, 192, [5, 5], scope="conv2")
            net = max_pool2d(net, [3, 3], 2, scope="pool2")
            for name, width in (("conv3", 384), ("conv4", 384), ("conv5", 256)):
                net = convolution2d(net, width, [3, 3], scope=name)
            net = max_pool2d(net, [3, 3], 2, scope="pool5")
            net = _large_head(net, (4096, 4096), 5, num_classes, dropout_keep_prob, is_training)
        return _finished(net, opened, collection, spatial_squeeze)


def overfeat(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.5,
    spatial_squeeze: bool = True,
    scope: Any = "overfeat",
) -> tuple[Any, Any]:
    """(logits, end points by name) of OverFeat; images `f32[batch, 231, 231, 3]`."""
    with variable_scope(scope, "overfeat", [inputs]) as opened:
        collection = opened.name + "_end_points"
        with arg_scope([convolution2d, fully_connected, max_pool2d], outputs_collections=collection):
            net = convolution2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = max_pool2d(net, [2, 2], scope="pool1")
            net = convolution2d(net, 256, [5, 5], padding="VALID", scope="conv2")
            net = max_pool2d(net, [2, 2], scope="pool2")
            for name, width in (("conv3", 512), ("conv4", 1024), ("conv5", 1024)):
                net = convolution2d(net, width, [3, 3], scope=name)
            net = max_pool2d(net, [2, 2], scope="pool5")
            net = _large_head(net, (3072, 4096), 6, num_classes, dropout_keep_prob, is_training)
        return _finished(net, opened, collection, spatial_squeeze)


def _vgg(
    inputs: Any,
    depths: Sequence[int],
    default: str,
    num_classes: Any,
    is_training: Any,
    dropout_keep_prob: Any,
    spatial_squeeze: bool,
    scope: Any,
) -> tuple[Any, Any]:
    with variable_scope(scope, default, [inputs]) as opened:
        # The 19-layer network has its collection by the name of the variable scope.
        place = opened.name if default == "vgg_19" else opened.original_name_scope
        collection = place + "_end_points"
        net = inputs
        listed = [convolution2d, max_pool2d] if default == "vgg_a" else [convolution2d, fully_connected, max_pool2d]
        with arg_scope(listed, outputs_collections=collection):
            for number, (times, width) in enumerate(zip(depths, (64, 128, 256, 512, 512), strict=True), 1):
                net = repeat(net, times, convolution2d, width, [3, 3], scope=f"conv{number}")
                net = max_pool2d(net, [2, 2], scope=f"pool{number}")
            net = _head(net, (4096, 4096), 7, num_classes, dropout_keep_prob, is_training, {})
        return _finished(net, opened, collection, spatial_squeeze)


def vgg_a(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.5,
    spatial_squeeze: bool = True,
    scope: Any = "vgg_a",
) -> tuple[Any, Any]:
    """(logits, end points by name) of the 11-layer VGG network; images `f32[batch, 224, 224, 3]`."""
    parts = num_classes, is_training, dropout_keep_prob, spatial_squeeze, scope
    return _vgg(inputs, (1, 1, 2, 2, 2), "vgg_a", *parts)


def vgg_16(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.5,
    spatial_squeeze: bool = True,
    scope: Any = "vgg_16",
) -> tuple[Any, Any]:
    """(logits, end points by name) of the 16-layer VGG network; images `f32[batch, 224, 224, 3]`."""
    parts = num_classes, is_training, dropout_keep_prob, spatial_squeeze, scope
    return _vgg(inputs, (2, 2, 3, 3, 3), "vgg_16", *parts)


def vgg_19(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.5,
    spatial_squeeze: bool = True,
    scope: Any = "vgg_19",
) -> tuple[Any, Any]:
    """(logits, end points by name) of the 19-layer VGG network; images `f32[batch, 224, 224, 3]`."""
    parts = num_classes, is_training, dropout_keep_prob, spatial_squeeze, scope
    return _vgg(inputs, (2, 2, 4, 4, 4), "vgg_19", *parts)


vgg_d, vgg_e = vgg_16, vgg_19
for _network, _size in ((alexnet_v2, 224), (overfeat, 231), (vgg_a, 224), (vgg_16, 224), (vgg_19, 224)):
    _network.default_image_size = _size  # type: ignore[attr-defined]
