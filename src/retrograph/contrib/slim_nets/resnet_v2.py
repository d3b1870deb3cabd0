"""`tf.contrib.slim.nets.resnet_v2`: residual networks whose units are normalized before each convolution."""

from __future__ import annotations

from typing import Any

from retrograph.contrib.arg_scoping import add_arg_scope, arg_scope
from retrograph.contrib.layer_functions import convolution2d
from retrograph.contrib.layer_parts import collect_named_outputs, dimension
from retrograph.contrib.normalizers import batch_norm
from retrograph.contrib.slim_nets import resnet_utils
from retrograph.contrib.slim_nets.resnet_utils import Block, conv2d_same, resnet_arg_scope, subsample
from retrograph.contrib.small_layers import max_pool2d
from retrograph.ops.nn import relu
from retrograph.variables.scope import variable_scope

__all__ = ["resnet_arg_scope"]

_BARE: dict[str, Any] = {"normalizer_fn": None, "activation_fn": None}


@add_arg_scope
def bottleneck(
    inputs: Any,
    depth: int,
    depth_bottleneck: int,
    stride: int,
    rate: int = 1,
    outputs_collections: Any = None,
    scope: Any = None,
) -> Any:
    """One unit: the input plus three convolutions of what batch normalization makes of it."""
    with variable_scope(scope, "bottleneck_v2", [inputs]) as opened:
        depth_in = dimension(inputs.get_shape(), -1, min_rank=4)
        before = batch_norm(inputs, activation_fn=relu, scope="preact")
        if depth == depth_in:
            shortcut = subsample(inputs, stride, "shortcut")
        else:
            shortcut = convolution2d(before, depth, [1, 1], stride=stride, scope="shortcut", **_BARE)
        residual = convolution2d(before, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = convolution2d(residual, depth, [1, 1], stride=1, scope="conv3", **_BARE)
        return collect_named_outputs(outputs_collections, opened.name, shortcut + residual)


def resnet_v2(
    inputs: Any,
    blocks: Any,
    num_classes: Any = None,
    is_training: Any = True,
    global_pool: bool = True,
    output_stride: Any = None,
    include_root_block: bool = True,
    reuse: Any = None,
    scope: Any = None,
) -> tuple[Any, Any]:
    """(net, end points by name) of the blocks given; images `f32[batch, height, width, channels]`.

    Raises ValueError for an output stride that cannot be.
    """
    with variable_scope(scope, "resnet_v2", [inputs], reuse=reuse) as opened:
        collection = opened.original_name_scope + "_end_points"
        listed = [convolution2d, bottleneck, resnet_utils.stack_blocks_dense]
        with arg_scope(listed, outputs_collections=collection), arg_scope([batch_norm], is_training=is_training):
            net = inputs
            if include_root_block:
                with arg_scope([convolution2d], **_BARE):
                    net, output_stride = resnet_utils.root(net, output_stride)
                net = max_pool2d(net, [3, 3], stride=2, scope="pool1")
            net = resnet_utils.stack_blocks_dense(net, blocks, output_stride)
            net = batch_norm(net, activation_fn=relu, scope="postnorm")
            return resnet_utils.finished(net, num_classes, global_pool, collection)


def resnet_v2_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """A block of units, of which the last is strided."""
    return resnet_utils.units(scope, bottleneck, base_depth, num_units, stride)


resnet_v2.default_image_size = 224  # type: ignore[attr-defined]
resnet_v2_50 = resnet_utils.sized(resnet_v2, resnet_v2_block, "resnet_v2_50", (3, 4, 6, 3))
resnet_v2_101 = resnet_utils.sized(resnet_v2, resnet_v2_block, "resnet_v2_101", (3, 4, 23, 3))
resnet_v2_152 = resnet_utils.sized(resnet_v2, resnet_v2_block, "resnet_v2_152", (3, 8, 36, 3))
resnet_v2_200 = resnet_utils.sized(resnet_v2, resnet_v2_block, "resnet_v2_200", (3, 24, 36, 3))
