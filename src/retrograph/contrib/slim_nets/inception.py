"""`tf.contrib.slim.nets.inception`: Inception V1 and V3.

A mixed block is a list of branches, a branch a list of steps. A step is `"0a 64 1x1"`: the convolution `Conv2d_0a_1x1` with
64 outputs (a longer first word is the whole name, `/2` at the end a stride without padding), or `avg`, `max`, `max/2`;
a tuple of steps is done side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from retrograph.contrib.arg_scoping import arg_scope
from retrograph.contrib.layer_functions import convolution2d, fully_connected
from retrograph.contrib.normalizers import batch_norm
from retrograph.contrib.slim_nets.plain import trunc_normal
from retrograph.contrib.small_layers import avg_pool2d, dropout, max_pool2d, softmax
from retrograph.framework.collections import GraphKeys
from retrograph.ops import array, joining
from retrograph.ops.nn import relu
from retrograph.variables import initializers
from retrograph.variables.regularizers import l2_regularizer
from retrograph.variables.scope import variable_scope

Depth = Callable[[int], int]


def _v1_block(one: int, three: tuple[int, int], five: tuple[int, int], pool: int, last: str = "0b") -> list[Any]:
    return [
        [f"0a {one} 1x1"],
        [f"0a {three[0]} 1x1", f"0b {three[1]} 3x3"],
        [f"0a {five[0]} 1x1", f"{last} {five[1]} 3x3"],
        ["max", f"0b {pool} 1x1"],
    ]


_V1: dict[str, Any] = {
    "Conv2d_1a_7x7": (64, 7, 2),
    "MaxPool_2a_3x3": (0, 3, 2),
    "Conv2d_2b_1x1": (64, 1, 1),
    "Conv2d_2c_3x3": (192, 3, 1),
    "MaxPool_3a_3x3": (0, 3, 2),
    "Mixed_3b": _v1_block(64, (96, 128), (16, 32), 32),
    "Mixed_3c": _v1_block(128, (128, 192), (32, 96), 64),
    "MaxPool_4a_3x3": (0, 3, 2),
    "Mixed_4b": _v1_block(192, (96, 208), (16, 48), 64),
    "Mixed_4c": _v1_block(160, (112, 224), (24, 64), 64),
    "Mixed_4d": _v1_block(128, (128, 256), (24, 64), 64),
    "Mixed_4e": _v1_block(112, (144, 288), (32, 64), 64),
    "Mixed_4f": _v1_block(256, (160, 320), (32, 128), 128),
    "MaxPool_5a_2x2": (0, 2, 2),
    "Mixed_5b": _v1_block(256, (160, 320), (32, 128), 128, last="Conv2d_0a_3x3"),
    "Mixed_5c": _v1_block(384, (192, 384), (48, 128), 128),
}


def _sevens(inner: int) -> list[Any]:
    """The block of 1x7 and 7x1 convolutions."""
    narrow = [f"0a {inner} 1x1", f"0b {inner} 7x1", f"0c {inner} 1x7", f"0d {inner} 7x1", "0e 192 1x7"]
    return [["0a 192 1x1"], [f"0a {inner} 1x1", f"0b {inner} 1x7", "0c 192 7x1"], narrow, ["avg", "0b 192 1x1"]]


def _fives(pool: int, first: str = "0a", second: str = "0b") -> list[Any]:
    """The block of 5x5 and double 3x3 convolutions."""
    threes = ["0a 64 1x1", "0b 96 3x3", "0c 96 3x3"]
    return [["0a 64 1x1"], [f"{first} 48 1x1", f"{second} 64 5x5"], threes, ["avg", f"0b {pool} 1x1"]]


def _wide(last: str) -> list[Any]:
    """The block whose convolutions part into 1x3 and 3x1."""
    parted = [["0a 384 1x1", ("0b 384 1x3", f"{last} 384 3x1")]]
    twice = [["0a 448 1x1", "0b 384 3x3", ("0c 384 1x3", "0d 384 3x1")]]
    return [["0a 320 1x1"], *parted, *twice, ["avg", "0b 192 1x1"]]


_V3: dict[str, Any] = {
    "Conv2d_1a_3x3": (32, 3, 2),
    "Conv2d_2a_3x3": (32, 3, 1),
    "Conv2d_2b_3x3": (64, 3, 1),
    "MaxPool_3a_3x3": (0, 3, 2),
    "Conv2d_3b_1x1": (80, 1, 1),
    "Conv2d_4a_3x3": (192, 3, 1),
    "MaxPool_5a_3x3": (0, 3, 2),
    "Mixed_5b": _fives(32),
    "Mixed_5c": _fives(64, "0b", "Conv_1_0c_5x5"),
    "Mixed_5d": _fives(64),
    "Mixed_6a": [
        ["Conv2d_1a_1x1 384 3x3 /2"],
        ["0a 64 1x1", "0b 96 3x3", "Conv2d_1a_1x1 96 3x3 /2"],
        ["max/2"],
    ],
    "Mixed_6b": _sevens(128),
    "Mixed_6c": _sevens(160),
    "Mixed_6d": _sevens(160),
    "Mixed_6e": _sevens(192),
    "Mixed_7a": [
        ["0a 192 1x1", "1a 320 3x3 /2"],
        ["0a 192 1x1", "0b 192 1x7", "0c 192 7x1", "1a 192 3x3 /2"],
        ["max/2"],
    ],
    "Mixed_7b": _wide("0b"),
    "Mixed_7c": _wide("0c"),
}
_POOLS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "avg": (avg_pool2d, "AvgPool_0a_3x3", {}),
    "max": (max_pool2d, "MaxPool_0a_3x3", {}),
    "max/2": (max_pool2d, "MaxPool_1a_3x3", {"stride": 2, "padding": "VALID"}),
}


def _step(net: Any, step: Any, depth: Depth) -> Any:
    if isinstance(step, tuple):
        return joining.concat([_step(net, part, depth) for part in step], 3)
    if step in _POOLS:
        pool, scope, options = _POOLS[step]
        return pool(net, [3, 3], scope=scope, **options)
    name, outputs, size, *strided = step.split()
    scope = name if "_" in name else f"Conv2d_{name}_{size}"
    options = {"stride": 2, "padding": "VALID"} if strided else {}
    return convolution2d(net, depth(int(outputs)), [int(n) for n in size.split("x")], scope=scope, **options)


def _mixed(net: Any, name: str, branches: list[Any], depth: Depth) -> Any:
    ends = []
    with variable_scope(name):
        for number, steps in enumerate(branches):
            with variable_scope(f"Branch_{number}"):
                end = net
                for step in steps:
                    end = _step(end, step, depth)
            ends.append(end)
        return joining.concat(ends, 3)


def _layers(net: Any, rows: Iterator[tuple[str, Any]], depth: Depth, end_points: dict[str, Any]) -> Any:
    """Adds rows of the table, each an end point."""
    for name, row in rows:
        if isinstance(row, list):
            net = _mixed(net, name, row, depth)
        elif row[0]:
            # In V3 the third convolution alone is padded.
            options = {"padding": "SAME"} if name == "Conv2d_2b_3x3" else {}
            net = convolution2d(net, depth(row[0]), [row[1]] * 2, stride=row[2], scope=name, **options)
        else:
            net = max_pool2d(net, [row[1]] * 2, stride=row[2], scope=name)
        end_points[name] = net
    return net


def _rows_to(table: dict[str, Any], last: str) -> list[tuple[str, Any]]:
    rows = list(table.items())
    return rows[: list(table).index(last) + 1] if last in table else rows


def inception_v1_base(
    inputs: Any, final_endpoint: str = "Mixed_5c", scope: Any = "InceptionV1"
) -> tuple[Any, dict[str, Any]]:
    """(the end point named, all end points up to it) of Inception V1.

    Raises ValueError for an unknown end point.
    """
    end_points: dict[str, Any] = {}
    small = trunc_normal(0.01)
    with (
        variable_scope(scope, "InceptionV1", [inputs]),
        arg_scope([convolution2d, fully_connected], weights_initializer=small),
        arg_scope([convolution2d, max_pool2d], stride=1, padding="SAME"),
    ):
        net = _layers(inputs, iter(_rows_to(_V1, final_endpoint)), int, end_points)
    if final_endpoint not in end_points:
        raise ValueError(f"Unknown final endpoint {final_endpoint}")
    return net, end_points


def inception_v1(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.8,
    prediction_fn: Any = softmax,
    spatial_squeeze: bool = True,
    reuse: Any = None,
    scope: Any = "InceptionV1",
) -> tuple[Any, dict[str, Any]]:
    """(logits, end points by name) of Inception V1; images `f32[batch, 224, 224, 3]`."""
    with (
        variable_scope(scope, "InceptionV1", [inputs, num_classes], reuse=reuse) as opened,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        net, end_points = inception_v1_base(inputs, scope=opened)
        with variable_scope("Logits"):
            net = avg_pool2d(net, [7, 7], stride=1, scope="MaxPool_0a_7x7")
            net = dropout(net, dropout_keep_prob, scope="Dropout_0b")
            logits = _logits(net, num_classes, "Conv2d_0c_1x1", spatial_squeeze)
            end_points["Logits"] = logits
            end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


def _logits(net: Any, num_classes: Any, scope: str, squeeze: bool, **options: Any) -> Any:
    logits = convolution2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope=scope, **options)
    return array.squeeze(logits, [1, 2], name="SpatialSqueeze") if squeeze else logits


def _depth_of(multiplier: float, least: int) -> Depth:
    if multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    return lambda depth: max(int(depth * multiplier), least)


def inception_v3_base(
    inputs: Any,
    final_endpoint: str = "Mixed_7c",
    min_depth: int = 16,
    depth_multiplier: float = 1.0,
    scope: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """(the end point named, all end points up to it) of Inception V3.

    Raises ValueError for an unknown end point or a multiplier that is not above 0.
    """
    depth, end_points = _depth_of(depth_multiplier, min_depth), dict[str, Any]()
    rows = _rows_to(_V3, final_endpoint)
    stem = [row for row in rows if not isinstance(row[1], list)]
    pooled = [convolution2d, max_pool2d, avg_pool2d]
    with variable_scope(scope, "InceptionV3", [inputs]):
        with arg_scope(pooled, stride=1, padding="VALID"):
            net = _layers(inputs, iter(stem), depth, end_points)
        with arg_scope(pooled, stride=1, padding="SAME"):
            net = _layers(net, iter(rows[len(stem) :]), depth, end_points)
    if final_endpoint not in end_points:
        raise ValueError(f"Unknown final endpoint {final_endpoint}")
    return net, end_points


def _reduced(net: Any, size: int) -> list[int]:
    """The kernel, no larger than the image if that is known."""
    height, width = net.get_shape().as_list()[1:3]
    return [size, size] if height is None or width is None else [min(height, size), min(width, size)]


def _auxiliary(net: Any, num_classes: Any, depth: Depth, squeeze: bool) -> Any:
    with arg_scope([convolution2d, max_pool2d, avg_pool2d], stride=1, padding="SAME"), variable_scope("AuxLogits"):
        net = avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope="AvgPool_1a_5x5")
        net = convolution2d(net, depth(128), [1, 1], scope="Conv2d_1b_1x1")
        kernel = _reduced(net, 5)
        net = convolution2d(
            net,
            depth(768),
            kernel,
            weights_initializer=trunc_normal(0.01),
            padding="VALID",
            scope=f"Conv2d_2a_{kernel[0]}x{kernel[1]}",
        )
        return _logits(net, num_classes, "Conv2d_2b_1x1", squeeze, weights_initializer=trunc_normal(0.001))


def inception_v3(
    inputs: Any,
    num_classes: Any = 1000,
    is_training: Any = True,
    dropout_keep_prob: Any = 0.8,
    min_depth: int = 16,
    depth_multiplier: float = 1.0,
    prediction_fn: Any = softmax,
    spatial_squeeze: bool = True,
    reuse: Any = None,
    scope: Any = "InceptionV3",
) -> tuple[Any, dict[str, Any]]:
    """(logits, end points by name) of Inception V3; images `f32[batch, 299, 299, 3]`.

    Raises ValueError for a multiplier that is not above 0.
    """
    depth = _depth_of(depth_multiplier, min_depth)
    with (
        variable_scope(scope, "InceptionV3", [inputs, num_classes], reuse=reuse) as opened,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        net, end_points = inception_v3_base(
            inputs, scope=opened, min_depth=min_depth, depth_multiplier=depth_multiplier
        )
        end_points["AuxLogits"] = _auxiliary(end_points["Mixed_6e"], num_classes, depth, spatial_squeeze)
        with variable_scope("Logits"):
            kernel = _reduced(net, 8)
            net = avg_pool2d(net, kernel, padding="VALID", scope=f"AvgPool_1a_{kernel[0]}x{kernel[1]}")
            net = dropout(net, keep_prob=dropout_keep_prob, scope="Dropout_1b")
            end_points["PreLogits"] = net
            logits = _logits(net, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
        end_points["Logits"] = logits
        end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


def _arg_scope(weight_decay: float, normalizer_fn: Any, normalizer_params: dict[str, Any]) -> Any:
    with (
        arg_scope([convolution2d, fully_connected], weights_regularizer=l2_regularizer(weight_decay)),
        arg_scope(
            [convolution2d],
            weights_initializer=initializers.variance_scaling_initializer(),
            activation_fn=relu,
            normalizer_fn=normalizer_fn,
            normalizer_params=normalizer_params,
        ) as scope,
    ):
        return scope


def _kept(collection: str) -> dict[str, Any]:
    """Where the variables of batch normalization go."""
    return {"beta": None, "gamma": None, "moving_mean": [collection], "moving_variance": [collection]}


def inception_v1_arg_scope(
    weight_decay: float = 0.00004, use_batch_norm: bool = True, batch_norm_var_collection: str = "moving_vars"
) -> Any:
    """The defaults of the layers of Inception V1."""
    params = {
        "decay": 0.9997,
        "epsilon": 0.001,
        "updates_collections": GraphKeys.UPDATE_OPS,
        "variables_collections": _kept(batch_norm_var_collection),
    }
    return _arg_scope(weight_decay, batch_norm if use_batch_norm else None, params if use_batch_norm else {})


def inception_v3_arg_scope(
    weight_decay: float = 0.00004,
    batch_norm_var_collection: str = "moving_vars",
    batch_norm_decay: float = 0.9997,
    batch_norm_epsilon: float = 0.001,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    use_fused_batchnorm: bool = True,
) -> Any:
    """The defaults of the layers of Inception V3."""
    params = {
        "decay": batch_norm_decay,
        "epsilon": batch_norm_epsilon,
        "updates_collections": updates_collections,
        "fused": use_fused_batchnorm,
        "variables_collections": _kept(batch_norm_var_collection),
    }
    return _arg_scope(weight_decay, batch_norm, params)


inception_v1.default_image_size = 224  # type: ignore[attr-defined]
inception_v3.default_image_size = 299  # type: ignore[attr-defined]
