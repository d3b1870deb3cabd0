"""What programs call of `tensorflow.python.tools`: freezing a graph by files, looking into a checkpoint, cutting inputs off."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.checkpoint.management import NewCheckpointReader, checkpoint_exists
from retrograph.framework import errors
from retrograph.framework.files import write_atomically
from retrograph.framework.graph_util import convert_variables_to_constants, extract_sub_graph
from retrograph.framework.message_text import merge_text
from retrograph.framework.messages import message_class
from retrograph.framework.node_def import AttrValue, GraphDef, NodeDef
from retrograph.saved.loader import load
from retrograph.saved.reader import get_meta_graph_def
from retrograph.train.meta_graph import import_meta_graph
from retrograph.train.saver import Saver


def _read(path: str, binary: bool, name: str, what: str) -> Any:
    if not os.path.exists(path):
        raise OSError(f"Input {what} file '{path}' does not exist!")
    kind = message_class(f"tensorflow.{name}")
    with open(path, "rb") as file:
        data = file.read()
    return kind.FromString(data) if binary else merge_text(data.decode("utf-8"), kind())


def _names(text: str) -> list[str] | None:
    return text.replace(" ", "").split(",") if text else None


def _variables_saver(graph: Any, checkpoint: str) -> Saver:
    """A saver of the variables that a graph without a saver has in common with a checkpoint."""
    names = [n for n in NewCheckpointReader(checkpoint).get_variable_to_shape_map() if n in graph._nodes_by_name]
    types = {op.type for op in graph.get_operations()}
    if not any(t.startswith("Variable") or t.endswith("VariableOp") for t in types):
        raise ValueError(
            "No variables were found in this model. It is likely the model was frozen previously. You cannot freeze a graph "
            "twice."
        )
    if any(re.search(r"/part_\d+(/|$)", name) for name in list(graph._nodes_by_name)):
        raise ValueError(
            "Models containing partition variables cannot be converted from checkpoint files. Please pass in a SavedModel using "
            "the flag --input_saved_model_dir."
        )
    return Saver({name: graph._nodes_by_name[name].outputs[0] for name in names})


def freeze_graph_with_def_protos(
    input_graph_def: Any, input_saver_def: Any, input_checkpoint: str, output_node_names: str, restore_op_name: str,
    filename_tensor_name: str, output_graph: str, clear_devices: bool, initializer_nodes: str,
    variable_names_whitelist: str = "", variable_names_blacklist: str = "", input_meta_graph_def: Any = None,
    input_saved_model_dir: str | None = None, saved_model_tags: Sequence[str] | None = None, checkpoint_version: int = 2,
) -> GraphDef:  # fmt: skip
    """The graph with its variables as constants of a checkpoint's values, also written to `output_graph`.

    Raises: ValueError without a checkpoint, outputs or variables. Source: TF 1.15 `freeze_graph_with_def_protos`.
    """
    if not input_saved_model_dir and not checkpoint_exists(input_checkpoint):
        raise ValueError(f"Input checkpoint '{input_checkpoint}' doesn't exist!")
    outputs = _names(output_node_names)
    if not outputs:
        raise ValueError("You need to supply the name of a node to --output_node_names.")
    source = input_meta_graph_def.graph_def if input_meta_graph_def else input_graph_def
    for node in source.node if clear_devices else ():
        node.device = ""
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        if input_saved_model_dir and not (input_saver_def or input_meta_graph_def):
            load(sess, list(saved_model_tags or ()), input_saved_model_dir)
        else:
            if input_meta_graph_def:
                saver = import_meta_graph(input_meta_graph_def, clear_devices=True)
            else:
                tf.import_graph_def(input_graph_def, name="")
                saver = (
                    Saver(saver_def=input_saver_def) if input_saver_def else _variables_saver(graph, input_checkpoint)
                )
            saver.restore(sess, input_checkpoint)
            sess.run(_names(initializer_nodes) or [])
        kept = _names(variable_names_whitelist), _names(variable_names_blacklist)
        found = convert_variables_to_constants(sess, source, outputs, *kept)
    if output_graph:
        write_atomically(output_graph, found.SerializeToString())
    return found


def freeze_graph(
    input_graph: str, input_saver: str, input_binary: bool, input_checkpoint: str, output_node_names: str, restore_op_name: str,
    filename_tensor_name: str, output_graph: str, clear_devices: bool, initializer_nodes: str,
    variable_names_whitelist: str = "", variable_names_blacklist: str = "", input_meta_graph: str | None = None,
    input_saved_model_dir: str | None = None, saved_model_tags: str = "serve", checkpoint_version: int = 2,
) -> GraphDef:  # fmt: skip
    """`freeze_graph_with_def_protos` of files.

    Raises: OSError for files that are not there. Source: TF 1.15 `tensorflow.python.tools.freeze_graph.freeze_graph`.
    """
    graph_def = meta = saver_def = None
    if input_saved_model_dir:
        graph_def = get_meta_graph_def(input_saved_model_dir, saved_model_tags).graph_def
    elif input_graph:
        graph_def = _read(input_graph, input_binary, "GraphDef", "graph")
    if input_meta_graph:
        meta = _read(input_meta_graph, input_binary, "MetaGraphDef", "meta graph")
    if input_saver:
        saver_def = _read(input_saver, input_binary, "SaverDef", "saver")
    return freeze_graph_with_def_protos(
        graph_def, saver_def, input_checkpoint, output_node_names, restore_op_name, filename_tensor_name, output_graph,
        clear_devices, initializer_nodes, variable_names_whitelist, variable_names_blacklist, meta, input_saved_model_dir,
        _names(saved_model_tags), checkpoint_version,
    )  # fmt: skip


# ---- looking into checkpoints


def _count(reader: NewCheckpointReader, excluded: str) -> int:
    sizes = {name: int(np.prod(shape)) for name, shape in reader.get_variable_to_shape_map().items()}
    left_out = [size for name, size in sizes.items() if excluded and re.search(excluded, name)]
    if excluded:
        print(f"# Excluding {len(left_out)} tensors ({sum(left_out)} params) that match {excluded} when counting.")
    return sum(sizes.values()) - sum(left_out)


def print_tensors_in_checkpoint_file(
    file_name: str,
    tensor_name: str | None,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Prints names, values and the number of elements of a checkpoint's tensors; errors are printed too.

    Source: TF 1.15 `tensorflow.python.tools.inspect_checkpoint.print_tensors_in_checkpoint_file`.
    """
    try:
        reader = NewCheckpointReader(file_name)
        if all_tensors or all_tensor_names:
            for name in sorted(reader.get_variable_to_shape_map()):
                print("tensor_name: ", name)
                if all_tensors:
                    print(reader.get_tensor(name))
        elif not tensor_name:
            print(reader.debug_string().decode("utf-8"))
        else:
            print("tensor_name: ", tensor_name)
            print(reader.get_tensor(tensor_name))
        print(f"# Total number of params: {_count(reader, count_exclude_pattern)}")
    except errors.OpError as error:
        print(error)
        if isinstance(error, errors.DataLossError) and re.search(r"\.(index|meta|data)", file_name):
            print("\nIt's likely that this is a V2 checkpoint and you need to provide the filename\n*prefix*.  Try:")
            print(f"inspect checkpoint --file_name = {file_name.rpartition('.')[0]}")


# ---- cutting inputs off


def _stand_in(node: NodeDef, dtype: int) -> NodeDef:
    attrs = {k: v for k, v in node.attr.items() if k in ("_output_shapes", "shape")}
    return NodeDef.of(node.name, "Placeholder", attr={**attrs, "dtype": AttrValue(type=dtype)})


def strip_unused(
    input_graph_def: GraphDef,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: Any,
) -> GraphDef:
    """The part of a graph between nodes, placeholders in place of the first ones.

    Raises: ValueError for names of tensors; KeyError for names that are not there.
    Source: TF 1.15 `tensorflow.python.tools.strip_unused_lib.strip_unused`.
    """
    for name in input_node_names:
        if ":" in name:
            raise ValueError(f"Name '{name}' appears to refer to a Tensor, not a Operation.")
    types = placeholder_type_enum
    if not isinstance(types, list):
        types = [types] * len(input_node_names)
    wanted = dict(zip(input_node_names, types, strict=False))
    missing = set(wanted) - {node.name for node in input_graph_def.node}
    if missing:
        raise KeyError(f"The following input nodes were not found: {missing}")
    made = GraphDef()
    for node in input_graph_def.node:
        made.node.append(_stand_in(node, wanted[node.name]) if node.name in wanted else node)
    return extract_sub_graph(made, output_node_names)


def strip_unused_from_files(
    input_graph: str, input_binary: bool, output_graph: str, output_binary: bool, input_node_names: str,
    output_node_names: str, placeholder_type_enum: Any,
) -> int | None:  # fmt: skip
    """`strip_unused` of a file into a file; -1, and a line printed, for what is not there.

    Source: TF 1.15 `tensorflow.python.tools.strip_unused_lib.strip_unused_from_files`.
    """
    if not os.path.exists(input_graph):
        print(f"Input graph file '{input_graph}' does not exist!")
        return -1
    if not output_node_names:
        print("You need to supply the name of a node to --output_node_names.")
        return -1
    graph_def = _read(input_graph, input_binary, "GraphDef", "graph")
    found = strip_unused(graph_def, input_node_names.split(","), output_node_names.split(","), placeholder_type_enum)
    write_atomically(output_graph, found.SerializeToString() if output_binary else str(found).encode())
    print(f"{len(found.node)} ops in the final graph.")
    return None
