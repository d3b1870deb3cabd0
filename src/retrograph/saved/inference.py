"""`tensorflow.python.tools.optimize_for_inference_lib`: a frozen graph with fewer, larger operations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.constants import make_ndarray, make_tensor_proto
from retrograph.framework.graph_util import remove_training_nodes
from retrograph.framework.logger import get_logger
from retrograph.framework.node_def import AttrValue, GraphDef, NodeDef
from retrograph.saved.tools import strip_unused

Array = Any
INPUT_ORDER = {
    "BatchNormWithGlobalNormalization": ["conv_op", "mean_op", "var_op", "beta_op", "gamma_op"],
    "FusedBatchNorm": ["conv_op", "gamma_op", "beta_op", "mean_op", "var_op"],
}
EPSILON_ATTR = {"BatchNormWithGlobalNormalization": "variance_epsilon", "FusedBatchNorm": "epsilon"}
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def optimize_for_inference(
    input_graph_def: GraphDef,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: Any,
    toco_compatible: bool = False,
) -> GraphDef:
    """The part of a frozen graph between nodes, without training nodes, batch norms folded into convolutions.

    Without `toco_compatible`, resizing and padding become part of the convolution after them.
    Raises: ValueError for a graph with two nodes of one name, or inputs that are not there.
    Source: TF 1.15 `optimize_for_inference_lib.optimize_for_inference`.
    """
    ensure_graph_is_valid(input_graph_def)
    made = strip_unused(input_graph_def, input_node_names, output_node_names, placeholder_type_enum)
    made = fold_batch_norms(remove_training_nodes(made, output_node_names))
    if not toco_compatible:
        made = fuse_resize_and_conv(made, output_node_names)
    ensure_graph_is_valid(made)
    return made


def ensure_graph_is_valid(graph_def: GraphDef) -> None:
    """Raises ValueError for two nodes of one name, or an input that is not there."""
    nodes = _by_name(graph_def)
    for node in graph_def.node:
        for name in node.input:
            if node_name_from_input(name) not in nodes:
                raise ValueError("Input for ", node.name, " not found: ", name)


def _by_name(graph_def: GraphDef) -> dict[str, Any]:
    nodes: dict[str, Any] = {}
    for node in graph_def.node:
        if nodes.setdefault(node.name, node) is not node:
            raise ValueError("Duplicate node names detected for ", node.name)
    return nodes


def node_name_from_input(node_name: str) -> str:
    """The node of an input, which may be a control input or one of several outputs."""
    return re.sub(r":\d+$", "", node_name.removeprefix("^"))


def node_from_map(node_map: dict[str, Any], name: str) -> Any:
    """The node of an input. Raises ValueError if it is not there."""
    found = node_map.get(node_name_from_input(name))
    if found is None:
        raise ValueError(f"No node named '{name}' found in map.")
    return found


def values_from_const(node_def: Any) -> Array:
    """The array of a constant. Raises ValueError for another node."""
    if node_def.op != "Const":
        raise ValueError(f"Node named '{node_def.name}' should be a Const op for values_from_const.")
    return make_ndarray(node_def.attr["value"].tensor)


def scale_after_normalization(node: Any) -> bool:
    """Whether a batch norm multiplies by gamma."""
    return node.op != "BatchNormWithGlobalNormalization" or bool(node.attr["scale_after_normalization"].b)


class _Unfit(Exception):
    """Why a batch norm stays as it is."""


class _Fold:
    """A batch norm of constants after a convolution, as a convolution and a bias."""

    def __init__(self, nodes: dict[str, Any], node: Any):
        self.node, self._nodes = node, nodes
        self.conv = self._input("conv_op")
        if self.conv.op not in _CONVOLUTIONS:
            raise _Unfit(f"Didn't find expected Conv2D or DepthwiseConv2dNative input to '{node.name}'")
        self.weights_op = node_from_map(nodes, self.conv.input[1])
        self.weights = self._constant(self.weights_op, "conv", self.conv)
        shape = self.weights.shape
        self.channels = shape[3] if self.conv.op == "Conv2D" else shape[2] * shape[3]
        self.values = {what: self._vector(what) for what in ("mean", "var", "beta", "gamma")}

    def _input(self, what: str) -> Any:
        return node_from_map(self._nodes, self.node.input[INPUT_ORDER[self.node.op].index(what)])

    def _constant(self, op: Any, what: str, of: Any) -> Array:
        if op.op != "Const":
            raise _Unfit(
                f"Didn't find expected {what} Constant input to '{of.name}', found {op} instead. Maybe because freeze_graph "
                "wasn't run first?"
            )
        return values_from_const(op)

    def _vector(self, what: str) -> Array:
        value = self._constant(self._input(f"{what}_op"), what, self.node)
        if value.shape != (self.channels,):
            raise _Unfit(
                f"Incorrect shape for {what}, found {value.shape}, expected {(self.channels,)}, for node {self.node.name}"
            )
        return value

    def replaced(self) -> set[str]:
        """The nodes that it stands for."""
        inputs = [self._input(f"{what}_op").name for what in self.values]
        return {self.node.name, self.conv.name, self.weights_op.name, *inputs}

    def nodes(self) -> list[NodeDef]:
        """Weights, convolution, offset, sum."""
        scale, conv = self._scale(), NodeDef()
        by_filter = scale if self.conv.op == "Conv2D" else scale.reshape(self.weights.shape[2:])
        weights = (self.weights * by_filter).astype(self.weights.dtype)
        mean = self.values["mean"]
        offset = (-mean * scale + self.values["beta"]).astype(mean.dtype)
        conv.CopyFrom(self.conv)
        attr = self.conv.attr
        bias = NodeDef.of(self.node.name, "BiasAdd", attr={"T": attr["T"], "data_format": attr["data_format"]})
        bias.input.extend([conv.name, f"{conv.name}_bn_offset"])
        return [_const(self.weights_op.name, weights), conv, _const(f"{conv.name}_bn_offset", offset), bias]

    def _scale(self) -> Array:
        epsilon = self.node.attr[EPSILON_ATTR[self.node.op]].f
        scale = 1.0 / np.sqrt((self.values["var"] + epsilon).astype(np.float64))
        return scale * self.values["gamma"] if scale_after_normalization(self.node) else scale


def _const(name: str, value: Array) -> NodeDef:
    tensor = make_tensor_proto(value, value.dtype.type, value.shape)
    return NodeDef.of(name, "Const", attr={"dtype": AttrValue(type=tensor.dtype), "value": AttrValue(tensor=tensor)})


def fold_batch_norms(input_graph_def: GraphDef) -> GraphDef:
    """The graph with batch norms of constants as part of the convolutions before them.

    Raises: ValueError for two nodes of one name.
    Source: TF 1.15 `optimize_for_inference_lib.fold_batch_norms`.
    """
    nodes = _by_name(input_graph_def)
    replaced: set[str] = set()
    made: list[NodeDef] = []
    for node in input_graph_def.node:
        if node.op not in INPUT_ORDER:
            continue
        try:
            fold = _Fold(nodes, node)
        except _Unfit as reason:
            get_logger().warning(str(reason))
            continue
        replaced |= fold.replaced()
        made += fold.nodes()
    return _with(input_graph_def, lambda node: node.name not in replaced, made)


def _with(graph_def: GraphDef, keep: Callable[[Any], bool], made: list[NodeDef]) -> GraphDef:
    found = GraphDef()
    found.node.extend([*filter(keep, graph_def.node), *made])
    return found


def fuse_resize_and_conv(input_graph_def: GraphDef, output_node_names: Sequence[str]) -> GraphDef:
    """The graph with bilinear resizing and mirror padding as part of the convolutions after them.

    Raises: ValueError for two nodes of one name.
    Source: TF 1.15 `optimize_for_inference_lib.fuse_resize_and_conv`.
    """
    nodes = _by_name(input_graph_def)
    uses = Counter(node_name_from_input(name) for node in input_graph_def.node for name in node.input)
    uses.update(output_node_names)
    made: list[NodeDef] = []
    for conv in input_graph_def.node:
        if conv.op != "Conv2D":
            continue
        before = node_from_map(nodes, conv.input[0])
        pad = before if before.op == "MirrorPad" else None
        above = node_from_map(nodes, pad.input[0]) if pad is not None else before
        resize = above if above.op == "ResizeBilinear" else None
        if pad is None and resize is None:
            continue
        uses[conv.name] = 0
        uses.subtract([node.name for node in (pad, resize) if node is not None])
        made += _fused(conv, pad, resize)
    return _with(input_graph_def, lambda node: uses[node.name] >= 1, made)


def _fused(conv: Any, pad: Any, resize: Any) -> list[NodeDef]:
    made = []
    if pad is None:
        made.append(_const(conv.name + "_dummy_paddings", np.zeros([4, 2], np.int32)))
    paddings, mode = (made[0].name, AttrValue(s=b"REFLECT")) if pad is None else (pad.input[1], pad.attr["mode"])
    attr = {"T": conv.attr["T"], "mode": mode, "strides": conv.attr["strides"], "padding": conv.attr["padding"]}
    if resize is not None:
        attr["resize_align_corners"] = resize.attr["align_corners"]
    fused = NodeDef.of(conv.name, "FusedPadConv2D" if resize is None else "FusedResizeAndPadConv2D", attr=attr)
    first = [pad.input[0]] if resize is None else [resize.input[0], resize.input[1]]
    fused.input.extend([*first, paddings, conv.input[1]])
    return [*made, fused]
