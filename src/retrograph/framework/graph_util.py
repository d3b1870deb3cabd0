"""`tf.graph_util`: parts of a GraphDef, and variables made constants."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.exports import export
from retrograph.framework.file_errors import as_tf
from retrograph.framework.files import write_atomically
from retrograph.framework.logger import get_logger
from retrograph.framework.messages import Message
from retrograph.framework.node_def import AttrValue, GraphDef, NodeDef
from retrograph.framework.shape import TensorShape

PRIVATE_TYPES = frozenset(("SymbolicGradient", "WhileGradient", "GradientInLoop"))
"""Gradients that are one operation here, which TensorFlow does not know."""
_told: WeakSet[Any] = WeakSet()


def tell_private_operations(graph_def: Any, path: str, graph: Any = None) -> None:
    """Warns that TensorFlow cannot import a graph that is written to a file; once for each `graph`."""
    found = [node for node in graph_def.node if node.op in PRIVATE_TYPES]
    if not found or graph in _told:
        return
    if graph is not None:
        _told.add(graph)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    get_logger().warning(
        "%s: TensorFlow cannot import this graph, Retrograph can: it holds gradients that are one operation here "
        "(%s '%s'%s). Checkpoints, frozen graphs and SavedModels do without them.",
        path,
        found[0].op,
        found[0].name,
        more,
    )


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
    found.library.CopyFrom(graph_def.library)
    found.versions.CopyFrom(graph_def.versions)
    return found


_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
_BETWEEN = frozenset(
    ("Identity", "Switch", "Merge", "Enter", "Exit", "NextIteration", "RefIdentity", "RefSwitch", "RefMerge")
)


def _as_constant(node: NodeDef, value: np.ndarray[Any, Any]) -> NodeDef:
    dtype = node.attr["dtype"]
    return NodeDef.of(node.name, "Const", attr={"dtype": dtype, "value": AttrValue("tensor", value)})


def _chosen(nodes: dict[str, NodeDef], whitelist: Any, blacklist: Any) -> list[str]:
    """The variables to make constants of."""
    names = (name for name, node in nodes.items() if node.op in _VARIABLES)
    return [n for n in names if (whitelist is None or n in whitelist) and (blacklist is None or n not in blacklist)]


def _resource_ways(nodes: dict[str, NodeDef]) -> dict[str, AttrValue]:
    """The operations between resource variables and their reads, with the type of the value that they will lead on.

    Raises: ValueError for a read of something else.
    """
    found: dict[str, AttrValue] = {}
    for node in nodes.values():
        if node.op not in ("ReadVariableOp", "ResourceGather"):
            continue
        waiting = [_plain(node.input[0])]
        while waiting:
            source = nodes[waiting.pop()]
            if source.op in _BETWEEN:
                if source.name not in found:
                    found[source.name] = node.attr["dtype"]
                    count = len(source.input) if source.op in ("Merge", "RefMerge") else 1
                    waiting += [_plain(text) for text in source.input[:count]]
            elif source.op != "VarHandleOp":
                raise ValueError("Cannot find the variable that is an input to the ReadVariableOp.")
    return found


def _gather(node: NodeDef) -> list[NodeDef]:
    """A lookup in a resource variable as one in a tensor."""
    if node.attr["batch_dims"].i != 0:
        raise ValueError("batch_dims != 0 is not supported by freeze_graph.")
    indices = node.attr["Tindices"]
    axis = NodeDef.of(node.name + "/axis", "Const")
    axis.attr["dtype"].CopyFrom(indices)
    axis.attr["value"].CopyFrom(AttrValue("tensor", np.zeros((), dtypes.as_dtype(indices.type).as_numpy_dtype)))
    made = NodeDef.of(node.name, "GatherV2", [*node.input[:2], axis.name, *node.input[2:]])
    for name, attr in (("Tparams", node.attr["dtype"]), ("Tindices", indices), ("Taxis", indices)):
        made.attr[name].CopyFrom(attr)
    if "_class" in node.attr:
        made.attr["_class"].CopyFrom(node.attr["_class"])
    return [axis, made]


def _identity(node: NodeDef) -> NodeDef:
    attrs = {"T": node.attr["dtype"]} | {k: v for k, v in node.attr.items() if k == "_class"}
    return NodeDef.of(node.name, "Identity", list(node.input), attr=attrs)


def _retyped(node: NodeDef, dtype: AttrValue) -> NodeDef:
    attrs = {k: v for k, v in node.attr.items() if k != "_output_shapes"} | {"T": dtype}
    return NodeDef.of(node.name, node.op, list(node.input), node.device, attrs)


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
    nodes = {node.name: node for node in part.node}
    chosen = _chosen(nodes, variable_names_whitelist, variable_names_blacklist)
    ways = _resource_ways(nodes)
    reads = [name + ("/Read/ReadVariableOp:0" if nodes[name].op == "VarHandleOp" else ":0") for name in chosen]
    values = dict(zip(chosen, sess.run(reads), strict=True)) if chosen else {}
    get_logger().info("Froze %d variables.", len(values))
    found = GraphDef()
    found.versions.CopyFrom(part.versions)
    for node in part.node:
        if node.name in values:
            made = [_as_constant(node, np.asarray(values[node.name]))]
        elif node.name in ways:
            made = [_retyped(node, ways[node.name])]
        elif node.op == "ReadVariableOp":
            made = [_identity(node)]
        else:
            made = _gather(node) if node.op == "ResourceGather" else [node]
        found.node._adopt(made)
    found.library.CopyFrom(part.library)
    get_logger().info("Converted %d variables to const ops.", len(values))
    return found


@export("graph_util.remove_training_nodes")
def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> GraphDef:
    """The graph without CheckNumerics, and without Identity that no control dependency needs.

    Source: TF 1.15 `tf.graph_util.remove_training_nodes`.
    """
    kept = set(protected_nodes or ())
    removed = {n.name for n in input_graph.node if n.op == "CheckNumerics" and n.name not in kept}
    nodes = []
    for node in input_graph.node:
        if node.name not in removed:
            made = copy.copy(node)
            made.input[:] = [text for text in node.input if text.lstrip("^") not in removed]
            nodes.append(made)
    controls = {text[1:] for node in nodes for text in node.input if text.startswith("^")}
    skips = {
        node.name: node.input[0]
        for node in nodes
        if node.op == "Identity"
        and node.name not in kept | controls
        and not any(text.startswith("^") for text in node.input)
    }

    def resolved(text: str) -> str:
        name = text.lstrip("^")
        while name in skips:
            text = text.replace(name, skips[name])
            name = text.lstrip("^")
        return text

    found = GraphDef()
    for node in nodes:
        if node.name not in skips:
            node.input[:] = [resolved(i) for i in node.input]
            found.node._adopt([node])
    return found


@export("graph_util.must_run_on_cpu")
def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Whether a node has to be on a CPU: variables if so asked, texts, and small whole numbers.

    Source: TF 1.15 `tf.graph_util.must_run_on_cpu`.
    """
    definition = node if isinstance(node, NodeDef) else node.node_def
    if pin_variables_on_cpu and definition.op in ("Variable", "VariableV2"):
        return True
    if definition.op == "Const":
        dtype = dtypes.as_dtype(definition.attr["dtype"].type)
        size = definition.attr["value"].tensor.array.size
        return dtype == dtypes.string or (dtype == dtypes.int32 and (size == 1 or size < 0))
    if definition.op in ("DynamicStitch", "ParallelDynamicStitch"):
        return dtypes.as_dtype(definition.attr["T"].type) == dtypes.int32
    if definition.op == "Cast":
        return dtypes.as_dtype(definition.attr["SrcT"].type) == dtypes.int32
    return False


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
    definition: Any = graph_or_graph_def
    if not isinstance(definition, Message):
        definition = definition.as_graph_def()
    path = os.path.join(logdir, name)
    data = str(definition).encode() if as_text else definition.SerializeToString()
    with as_tf(path):
        os.makedirs(logdir, exist_ok=True)
        write_atomically(path, data)
    if hasattr(definition, "node"):
        tell_private_operations(definition, path, None if definition is graph_or_graph_def else graph_or_graph_def)
    return path
