"""`tf.contrib.slim.nets.resnet_utils`: what residual networks of both versions are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from retrograph.contrib.arg_scoping import add_arg_scope, arg_scope
from retrograph.contrib.layer_functions import convolution2d
from retrograph.contrib.layer_parts import collect_named_outputs, convert_collection_to_dict
from retrograph.contrib.normalizers import batch_norm
from retrograph.contrib.small_layers import max_pool2d, softmax
from retrograph.framework.collections import GraphKeys
from retrograph.ops import padding, reduction
from retrograph.ops.nn import relu
from retrograph.variables import initializers
from retrograph.variables.regularizers import l2_regularizer
from retrograph.variables.scope import variable_scope


class Block(NamedTuple):
    """A part of a residual network: its scope, the function of its units, and the arguments of each unit."""

    scope: str
    unit_fn: Callable[..., Any]
    args: Sequence[Any]


def subsample(inputs: Any, factor: int, scope: Any = None) -> Any:
    """Every `factor`-th pixel of images."""
    return inputs if factor == 1 else max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(inputs: Any, num_outputs: int, kernel_size: int, stride: int, rate: int = 1, scope: Any = None) -> Any:
    """A convolution padded the same on both sides whatever the size of the images."""
    if stride == 1:
        return convolution2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope)
    total = kernel_size + (kernel_size - 1) * (rate - 1) - 1
    before = total // 2
    sides = [before, total - before]
    padded = padding.pad(inputs, [[0, 0], sides, sides, [0, 0]])
    return convolution2d(padded, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope)


_UNREACHABLE = "The target output_stride cannot be reached."


@add_arg_scope
def stack_blocks_dense(
    net: Any, blocks: Sequence[Block], output_stride: Any = None, outputs_collections: Any = None
) -> Any:
    """The blocks one after the other; from the stride wanted on, units are dilated instead of strided.

    Raises ValueError for an output stride that the blocks do not come to.
    """
    stride = rate = 1
    for block in blocks:
        with variable_scope(block.scope, "block", [net]) as opened:
            for number, unit in enumerate(block.args, 1):
                if output_stride is not None and stride > output_stride:
                    raise ValueError(_UNREACHABLE)
                own = unit.get("stride", 1)
                with variable_scope(f"unit_{number}", values=[net]):
                    if output_stride is not None and stride == output_stride:
                        net = block.unit_fn(net, rate=rate, **{**unit, "stride": 1})
                        rate *= own
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        stride *= own
            net = collect_named_outputs(outputs_collections, opened.name, net)
    if output_stride is not None and stride != output_stride:
        raise ValueError(_UNREACHABLE)
    return net


def resnet_arg_scope(
    weight_decay: float = 0.0001,
    batch_norm_decay: float = 0.997,
    batch_norm_epsilon: float = 1e-5,
    batch_norm_scale: bool = True,
) -> Any:
    """The defaults of the layers of residual networks."""
    normalizer = {
        "decay": batch_norm_decay,
        "epsilon": batch_norm_epsilon,
        "scale": batch_norm_scale,
        "updates_collections": GraphKeys.UPDATE_OPS,
    }
    with (
        arg_scope(
            [convolution2d],
            weights_regularizer=l2_regularizer(weight_decay),
            weights_initializer=initializers.variance_scaling_initializer(),
            activation_fn=relu,
            normalizer_fn=batch_norm,
            normalizer_params=normalizer,
        ),
        arg_scope([batch_norm], **normalizer),
        arg_scope([max_pool2d], padding="SAME") as scope,
    ):
        return scope


def units(scope: str, bottleneck: Any, base_depth: int, num_units: int, stride: int) -> Block:
    """A block of bottleneck units, of which the last is strided."""
    plain = {"depth": base_depth * 4, "depth_bottleneck": base_depth, "stride": 1}
    return Block(scope, bottleneck, [plain] * (num_units - 1) + [{**plain, "stride": stride}])


def root(net: Any, output_stride: Any) -> tuple[Any, Any]:
    """(the first convolution and pooling, the stride that is left for the blocks).

    Raises ValueError for an output stride that is no multiple of 4.
    """
    if output_stride is not None:
        if output_stride % 4 != 0:
            raise ValueError("The output_stride needs to be a multiple of 4.")
        output_stride /= 4
    return conv2d_same(net, 64, 7, stride=2, scope="conv1"), output_stride


def finished(net: Any, num_classes: Any, global_pool: bool, collection: str) -> tuple[Any, Any]:
    """(net, end points) with the mean over the image and the logits if wanted."""
    if global_pool:
        net = reduction.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
    if num_classes is not None:
        net = convolution2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
    end_points = convert_collection_to_dict(collection)
    if num_classes is not None:
        end_points["predictions"] = softmax(net, scope="predictions")
    return net, end_points


def sized(network: Any, block: Any, name: str, numbers: tuple[int, int, int, int]) -> Any:
    """The network of four blocks with these numbers of units."""

    def build(
        inputs: Any,
        num_classes: Any = None,
        is_training: Any = True,
        global_pool: bool = True,
        output_stride: Any = None,
        reuse: Any = None,
        scope: Any = name,
    ) -> Any:
        rows = zip(numbers, (64, 128, 256, 512), (2, 2, 2, 1), strict=True)
        blocks = [
            block(f"block{i}", base_depth=depth, num_units=count, stride=stride)
            for i, (count, depth, stride) in enumerate(rows, 1)
        ]
        return network(
            inputs, blocks, num_classes, is_training, global_pool, output_stride,
            include_root_block=True, reuse=reuse, scope=scope,
        )  # fmt: skip

    build.__name__ = build.__qualname__ = name
    build.__module__ = network.__module__
    build.__doc__ = f"(net, end points by name) of a residual network of {name.rsplit('_', 1)[1]} layers."
    build.default_image_size = 224  # type: ignore[attr-defined]
    return build
