"""`tf.graph_util`: parts of a GraphDef, and variables made constants."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.node_def import AttrValue, GraphDef, NodeDef
from retrograph.framework.shape import TensorShape


def _plain(text: str) -> str:
    return text.lstrip("^").partition(":")[0]


@export("graph_util.extract_sub_graph")
def extract_sub_graph(graph_def: Any, dest_nodes: Sequence[str]) -> GraphDef:
    """The nodes that `dest_nodes` need, themselves included.

    Raises: TypeError for other types; AssertionError for names that are not there.
    Source: TF 1.15 `tf.graph_util.extract_sub_graph`.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    inputs = {node.name: [_plain(i) for i in node.input] for node in graph_def.node}
    for name in dest_nodes:
        if name not in inputs:
            raise AssertionError(f"{name} is not in graph")
    needed, waiting = set(dest_nodes), list(dest_nodes)
    while waiting:
        for name in inputs.get(waiting.pop(), ()):
            if name not in needed:
                needed.add(name)
                waiting.append(name)
    found = GraphDef()
    for node in graph_def.node:
        if node.name in needed:
            found.node.append(node)
    found.versions.CopyFrom(graph_def.versions)
    return found


def _as_constant(node: NodeDef, value: np.ndarray[Any, Any]) -> NodeDef:
    dtype = node.attr["dtype"]
    return NodeDef.of(node.name, "Const", attr={"dtype": dtype, "value": AttrValue("tensor", value)})


@export("graph_util.convert_variables_to_constants")
def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Sequence[str],
    variable_names_whitelist: Any = None,
    variable_names_blacklist: Any = None,
) -> GraphDef:
    """The part of a graph that computes outputs, its variables as constants of the values that a session has.

    Source: TF 1.15 `tf.graph_util.convert_variables_to_constants`.
    """
    part = extract_sub_graph(input_graph_def, output_node_names)
    holders = {n.name: n for n in part.node if n.op in ("Variable", "VariableV2", "VarHandleOp")}
    chosen = [
        name
        for name in holders
        if (variable_names_whitelist is None or name in variable_names_whitelist)
        and (variable_names_blacklist is None or name not in variable_names_blacklist)
    ]
    reads = [name + ("/Read/ReadVariableOp:0" if holders[name].op == "VarHandleOp" else ":0") for name in chosen]
    values = dict(zip(chosen, sess.run(reads), strict=True)) if chosen else {}
    get_logger().info("Froze %d variables.", len(values))
    found = GraphDef()
    found.versions.CopyFrom(part.versions)
    for node in part.node:
        if node.name in values:
            found.node._adopt([_as_constant(node, np.asarray(values[node.name]))])
        elif node.op == "ReadVariableOp" and _plain(node.input[0]) in values:
            found.node.append(NodeDef.of(node.name, "Identity", list(node.input), attr={"T": node.attr["dtype"]}))
        elif node.op == "ResourceGather" and _plain(node.input[0]) in values:
            raise errors.UnimplementedError(None, None, f"convert_variables_to_constants: {node.name} (ResourceGather)")
        else:
            found.node.append(node)
    get_logger().info("Converted %d variables to const ops.", len(values))
    return found


@export("graph_util.remove_training_nodes")
def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> GraphDef:
    """The graph without CheckNumerics, and without Identity where no control dependency needs it.

    Source: TF 1.15 `tf.graph_util.remove_training_nodes`.
    """
    kept = set(protected_nodes or ())
    nodes = [n for n in input_graph.node if n.op != "CheckNumerics" or n.name in kept]
    skips = {n.name: n.input[0] for n in input_graph.node if n.op == "CheckNumerics" and n.name not in kept}
    for node in nodes:
        controlled = any(i.startswith("^") for i in node.input)
        if node.op == "Identity" and node.name not in kept and not controlled:
            skips[node.name] = node.input[0]
    for text in [i for n in input_graph.node for i in n.input if i.startswith("^")]:
        skips.pop(text[1:], None)

    def resolved(text: str) -> str:
        while not text.startswith("^") and _plain(text) in skips:
            text = skips[_plain(text)]
        return text

    found = GraphDef()
    for node in input_graph.node:
        if node.name not in skips:
            made = copy.copy(node)
            made.input[:] = [resolved(i) for i in node.input]
            found.node._adopt([made])
    return found


@export("graph_util.tensor_shape_from_node_def_name")
def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> TensorShape:
    """The shape of a tensor named as NodeDefs do. Source: TF 1.15 `tf.graph_util.tensor_shape_from_node_def_name`."""
    name = input_name if ":" in input_name else input_name + ":0"
    shape: TensorShape = graph.get_tensor_by_name(name).get_shape()
    return shape


@export("train.write_graph", "io.write_graph")
def write_graph(graph_or_graph_def: Any, logdir: str, name: str, as_text: bool = True) -> str:
    """Writes a graph into a directory, as text or in the binary format; gives the path.

    Source: TF 1.15 `tf.train.write_graph`.
    """
    definition = graph_or_graph_def if isinstance(graph_or_graph_def, GraphDef) else graph_or_graph_def.as_graph_def()
    os.makedirs(logdir, exist_ok=True)
    path = os.path.join(logdir, name)
    data = str(definition).encode() if as_text else definition.SerializeToString()
    with open(path + ".pending", "wb") as file:
        file.write(data)
    os.replace(path + ".pending", path)
    return path
