"""`tf.contrib.slim.nets.inception`: Inception V2.

A mixed block is a list of branches, a branch a list of steps `(scope, outputs, size, options)`; outputs 0 is a pool.
"""

from __future__ import annotations

from typing import Any

from retrograph.contrib.arg_scoping import arg_scope
from retrograph.contrib.layer_functions import convolution2d, separable_convolution2d
from retrograph.contrib.normalizers import batch_norm
from retrograph.contrib.slim_nets.inception import (
    Depth,
    _arg_scope,
    _depth_of,
    _kept,
    _logits,
    _reduced,
    _rows_to,
)
from retrograph.contrib.slim_nets.plain import trunc_normal
from retrograph.contrib.small_layers import avg_pool2d, dropout, max_pool2d, softmax
from retrograph.framework.collections import GraphKeys
from retrograph.ops import joining
from retrograph.variables.scope import variable_scope

Step = tuple[str, int, int, dict[str, Any]]


def _narrow(outputs: int) -> Step:
    return "Conv2d_0a_1x1", outputs, 1, {"weights_initializer": trunc_normal(0.09)}


def _block(
    one: int, three: tuple[int, int], twice: tuple[int, int], pooled: int, pool: str = "Avg"
) -> list[list[Step]]:
    return [
        [("Conv2d_0a_1x1", one, 1, {})],
        [_narrow(three[0]), ("Conv2d_0b_3x3", three[1], 3, {})],
        [_narrow(twice[0]), *((f"Conv2d_0{letter}_3x3", twice[1], 3, {}) for letter in "bc")],
        [(f"{pool}Pool_0a_3x3", 0, 3, {}), ("Conv2d_0b_1x1", pooled, 1, {"weights_initializer": trunc_normal(0.1)})],
    ]


def _halved(first: tuple[int, int], second: tuple[int, int]) -> list[list[Step]]:
    """The block that halves height and width."""
    half = {"stride": 2}
    return [
        [_narrow(first[0]), ("Conv2d_1a_3x3", first[1], 3, half)],
        [_narrow(second[0]), ("Conv2d_0b_3x3", second[1], 3, {}), ("Conv2d_1a_3x3", second[1], 3, half)],
        [("MaxPool_1a_3x3", 0, 3, half)],
    ]


_ROWS: dict[str, Any] = {
    "Conv2d_1a_7x7": None,
    "MaxPool_2a_3x3": (0, 3, {"stride": 2}),
    "Conv2d_2b_1x1": (64, 1, {"weights_initializer": trunc_normal(0.1)}),
    "Conv2d_2c_3x3": (192, 3, {}),
    "MaxPool_3a_3x3": (0, 3, {"stride": 2}),
    "Mixed_3b": _block(64, (64, 64), (64, 96), 32),
    "Mixed_3c": _block(64, (64, 96), (64, 96), 64),
    "Mixed_4a": _halved((128, 160), (64, 96)),
    "Mixed_4b": _block(224, (64, 96), (96, 128), 128),
    "Mixed_4c": _block(192, (96, 128), (96, 128), 128),
    "Mixed_4d": _block(160, (128, 160), (128, 160), 96),
    "Mixed_4e": _block(96, (128, 192), (160, 192), 96),
    "Mixed_5a": _halved((128, 192), (192, 256)),
    "Mixed_5b": _block(352, (192, 320), (160, 224), 128),
    "Mixed_5c": _block(352, (192, 320), (192, 224), 128, "Max"),
}


def _step(net: Any, step: Step, depth: Depth) -> Any:
    scope, outputs, size, options = step
    if outputs:
        return convolution2d(net, depth(outputs), [size, size], scope=scope, **options)
    pool = avg_pool2d if scope.startswith("Avg") else max_pool2d
    return pool(net, [size, size], scope=scope, **options)


def _mixed(net: Any, name: str, branches: list[list[Step]], depth: Depth) -> Any:
    with variable_scope(name):
        ends = []
        for number, steps in enumerate(branches):
            with variable_scope(f"Branch_{number}"):
                end = net
                for step in steps:
                    end = _step(end, step, depth)
            ends.append(end)
        return joining.concat(ends, 3)


def _first(inputs: Any, depth: Depth) -> Any:
    """A separable convolution, cheaper than a full one of that size."""
    return separable_convolution2d(
        inputs, depth(64), [7, 7], depth_multiplier=min(int(depth(64) / 3), 8), stride=2,
        weights_initializer=trunc_normal(1.0), scope="Conv2d_1a_7x7",
    )  # fmt: skip


def inception_v2_base(
    inputs: Any, final_endpoint: str = "Mixed_5c", min_depth: int = 16, depth_multiplier: float = 1.0,
    scope: Any = None,
) -> tuple[Any, dict[str, Any]]:  # fmt: skip
    """(the end point named, all end points up to it) of Inception V2.

    Raises ValueError for an unknown end point or a multiplier that is not above 0.
    """
    depth, net, end_points = _depth_of(depth_multiplier, min_depth), inputs, dict[str, Any]()
    layers = [convolution2d, max_pool2d, avg_pool2d, separable_convolution2d]
    with variable_scope(scope, "InceptionV2", [inputs]), arg_scope(layers, stride=1, padding="SAME"):
        for name, row in _rows_to(_ROWS, final_endpoint):
            if isinstance(row, list):
                net = _mixed(net, name, row, depth)
            else:
                net = _first(net, depth) if row is None else _step(net, (name, *row), depth)
            end_points[name] = net
    if final_endpoint not in end_points:
        raise ValueError(f"Unknown final endpoint {final_endpoint}")
    return net, end_points


def inception_v2(
    inputs: Any, num_classes: Any = 1000, is_training: Any = True, dropout_keep_prob: Any = 0.8, min_depth: int = 16,
    depth_multiplier: float = 1.0, prediction_fn: Any = softmax, spatial_squeeze: bool = True, reuse: Any = None,
    scope: Any = "InceptionV2",
) -> tuple[Any, dict[str, Any]]:  # fmt: skip
    """(logits, end points by name) of Inception V2; images `f32[batch, 224, 224, 3]`.

    Raises ValueError for a multiplier that is not above 0.
    """
    _depth_of(depth_multiplier, min_depth)
    with (
        variable_scope(scope, "InceptionV2", [inputs, num_classes], reuse=reuse) as opened,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        net, end_points = inception_v2_base(
            inputs, scope=opened, min_depth=min_depth, depth_multiplier=depth_multiplier
        )
        with variable_scope("Logits"):
            kernel = _reduced(net, 7)
            net = avg_pool2d(net, kernel, padding="VALID", scope=f"AvgPool_1a_{kernel[0]}x{kernel[1]}")
            net = dropout(net, keep_prob=dropout_keep_prob, scope="Dropout_1b")
            logits = _logits(net, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
        end_points["Logits"] = logits
        end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


def inception_v2_arg_scope(weight_decay: float = 0.00004, batch_norm_var_collection: str = "moving_vars") -> Any:
    """The defaults of the layers of Inception V2."""
    params = {
        "decay": 0.9997,
        "epsilon": 0.001,
        "updates_collections": GraphKeys.UPDATE_OPS,
        "variables_collections": _kept(batch_norm_var_collection),
    }
    return _arg_scope(weight_decay, batch_norm, params)


inception_v2.default_image_size = 224  # type: ignore[attr-defined]
