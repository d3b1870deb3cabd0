"""`tf.contrib.framework`: Python functions with structures, fused parts of graphs, and initializers from checkpoints."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import retrograph as tf
from retrograph.compat import deprecating
from retrograph.framework import nest, proto_functions
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export, export_value
from retrograph.framework.type_spec import TensorSpec
from retrograph.variables import initializers

_BOTH = ("contrib.framework", "contrib.slim")
for _name in ("deprecated", "deprecated_args", "deprecated_arg_values"):
    globals()[_name] = getattr(deprecating, _name)
    for _package in _BOTH if _name != "deprecated_args" else _BOTH[:1]:
        export_value(f"{_package}.{_name}", globals()[_name], attribute=_name)
for _name in ("delta_orthogonal", "orthogonal_1d", "orthogonal_2d", "orthogonal_3d"):
    _name = f"convolutional_{_name}"
    globals()[_name] = getattr(initializers, _name)
    export_value(f"contrib.framework.{_name}", globals()[_name], attribute=_name)
for _name in ("strip_name_scope", "prepend_name_scope"):
    globals()[_name] = getattr(proto_functions, _name)
    export_value(f"contrib.framework.{_name}", globals()[_name], attribute=_name)
export_value("contrib.framework.TensorSpec", TensorSpec, attribute="TensorSpec")


@export("contrib.framework.get_placeholders")
def get_placeholders(graph: Any) -> list[Any]:
    """The placeholders of a graph. Raises TypeError: no graph. Source: TF 1.15 `tf.contrib.framework.get_placeholders`."""
    if not isinstance(graph, tf.Graph):
        raise TypeError(f"Input graph needs to be a Graph: {graph}")
    return [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]


@export("contrib.slim.experimental")
def experimental(func: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: a warning at each call. Source: TF 1.15 `tf.contrib.slim.experimental`."""
    deprecating.validate_callable(func, "experimental")
    text = "THIS FUNCTION IS EXPERIMENTAL. It may change or be removed at any time, and without warning."

    @functools.wraps(func)
    def warned(*args: Any, **kwargs: Any) -> Any:
        tf.logging.warning(
            "%s (from %s) is experimental and may change or be removed at any time, and without warning.",
            deprecating.get_qualified_name(func), func.__module__,
        )  # fmt: skip
        return func(*args, **kwargs)

    warned.__doc__ = deprecating.add_notice_to_docstring(
        func.__doc__, "", "EXPERIMENTAL FUNCTION", "(experimental)", [text]
    )
    return warned


@export("contrib.framework.py_func")
def py_func(
    func: Callable[..., Any], args: Any = (), kwargs: Any = None, output_types: Any = None, output_shapes: Any = None,
    stateful: bool = True, name: str | None = None,
) -> Any:  # fmt: skip
    """As `tf.py_func`, with structures of tensors as arguments and results. Raises TypeError: no list, no dict.

    Source: TF 1.15 `tf.contrib.framework.py_func`.
    """
    kwargs = {} if kwargs is None else kwargs
    if not isinstance(args, list | tuple):
        raise TypeError(f"args must be list and not {type(args)}. args: {args}")
    if not isinstance(kwargs, dict):
        raise TypeError(f"kwargs must be dict and not {type(kwargs)}. args: {kwargs}")
    types = output_types(*args, **kwargs) if callable(output_types) else output_types
    shapes = output_shapes(*args, **kwargs) if callable(output_shapes) else output_shapes
    given = (args, kwargs)

    def flat(*values: Any) -> list[Any]:
        inner_args, inner_kwargs = nest.pack_sequence_as(given, list(values))
        result = func(*inner_args, **inner_kwargs)
        nest.assert_shallow_structure(types, result)
        return list(nest.flatten(result))

    found = tf.py_func(flat, nest.flatten(given), nest.flatten(types), stateful=stateful, name=name)
    if shapes is not None:
        shapes = nest.map_structure_up_to(types, tf.TensorShape, shapes)
        for tensor, shape in zip(found, nest.flatten(shapes), strict=True):
            tensor.set_shape(shape)
    return nest.pack_sequence_as(types, found)


@export("contrib.framework.zero_initializer", "contrib.slim.zero_initializer")
def zero_initializer(ref: Any, use_locking: bool = True, name: str = "zero_initializer") -> Any:
    """The variable, set to zeros if it has no value. Source: TF 1.15 `tf.contrib.framework.zero_initializer`."""
    if isinstance(ref, tf.Variable) and ref.op.type == "VarHandleOp":
        return apply_op("ZeroVarInitializer", name, var=ref.handle, shape=ref.shape, dtype=ref.dtype)
    return apply_op("ZeroInitializer", name, ref=ref._ref() if isinstance(ref, tf.Variable) else ref)


# ---- initializers from checkpoints


@export("contrib.framework.load_linear_multiclass_bias_initializer")
def load_linear_multiclass_bias_initializer(
    ckpt_path: str, bias_tensor_name: str, new_class_vocab_size: int, old_class_vocab_file: str,
    new_class_vocab_file: str, num_class_oov_buckets: int = 0, initializer: Any = None, max_rows_in_memory: int = -1,
) -> Any:  # fmt: skip
    """Biases from a checkpoint, found by class. Source: TF 1.15 `tf.contrib.framework.load_linear_multiclass_bias_initializer`."""
    return tf.contrib.framework.load_and_remap_matrix_initializer(
        ckpt_path=ckpt_path, old_tensor_name=bias_tensor_name, new_row_vocab_size=new_class_vocab_size,
        new_col_vocab_size=1, old_row_vocab_file=old_class_vocab_file, new_row_vocab_file=new_class_vocab_file,
        old_col_vocab_file=None, new_col_vocab_file=None, num_row_oov_buckets=num_class_oov_buckets,
        num_col_oov_buckets=0, initializer=tf.zeros_initializer() if initializer is None else initializer,
        max_rows_in_memory=max_rows_in_memory,
    )  # fmt: skip


@export("contrib.framework.load_variable_slot_initializer")
def load_variable_slot_initializer(
    ckpt_path: str, old_tensor_name: str, primary_partition_info: Any, new_row_vocab_size: int,
    new_col_vocab_size: int, old_row_vocab_file: Any = None, new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None, new_col_vocab_file: Any = None, num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0, initializer: Any = None, max_rows_in_memory: int = -1,
) -> Any:  # fmt: skip
    """The slot of a variable from a checkpoint, cut as that. Source: TF 1.15 `tf.contrib.framework.load_variable_slot_initializer`."""
    whole = tf.contrib.framework.load_and_remap_matrix_initializer(
        ckpt_path=ckpt_path, old_tensor_name=old_tensor_name, new_row_vocab_size=new_row_vocab_size,
        new_col_vocab_size=new_col_vocab_size, old_row_vocab_file=old_row_vocab_file,
        new_row_vocab_file=new_row_vocab_file, old_col_vocab_file=old_col_vocab_file,
        new_col_vocab_file=new_col_vocab_file, num_row_oov_buckets=num_row_oov_buckets,
        num_col_oov_buckets=num_col_oov_buckets, initializer=initializer, max_rows_in_memory=max_rows_in_memory,
    )  # fmt: skip

    def sliced(shape: Any, dtype: Any = tf.float32, partition_info: Any = None) -> Any:
        return whole(shape, dtype, partition_info=primary_partition_info)

    return sliced


# ---- parts of graphs


def _reached(starts: Iterable[str], inputs: dict[str, list[str]]) -> set[str]:
    """The nodes from which some lead on to others."""
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop(0)
        if name not in seen:
            seen.add(name)
            waiting += inputs[name]
    return seen


def _node_name(text: str) -> str:
    return text[1:] if text.startswith("^") else text.split(":")[0]


@export("contrib.framework.fuse_op")
def fuse_op(
    graph_def: Any, input_nodes: Any, output_nodes: Any, output_dtypes: Any, output_quantized: bool, op_name: str,
    op_type: str,
) -> Any:  # fmt: skip
    """A graph in which one node stands for those between inputs and outputs.

    Raises TypeError: no graph, no lists, or a node in between with an input of another place.
    Source: TF 1.15 `tf.contrib.framework.fuse_op`.
    """
    if not isinstance(graph_def, tf.GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    for what, given in (("input_nodes", input_nodes), ("output_nodes", output_nodes)):
        if isinstance(given, str):
            raise TypeError(f"{what} must be a list.")
    nodes = {_node_name(node.name): node for node in graph_def.node}
    inputs = {name: [_node_name(text) for text in node.input] for name, node in nodes.items()}
    for name in [*input_nodes, *output_nodes]:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    before, behind = _reached(input_nodes, inputs), _reached(output_nodes, inputs)
    _check_fused(nodes, inputs, before, behind, set(input_nodes), set(output_nodes))
    made = tf.GraphDef()
    made.node.extend([node for name, node in nodes.items() if name in before])
    fused = made.node.add()
    fused.op, fused.name = op_type, op_name
    fused.input.extend(input_nodes)
    fused.attr["_output_types"].list.type.extend(output_dtypes)
    fused.attr["_output_quantized"].b = output_quantized
    for index, name in enumerate(output_nodes):
        if len(nodes[name].input) != 1:
            raise AssertionError
        last = made.node.add()
        last.CopyFrom(nodes[name])
        del last.input[:]
        last.input.append(op_name + (f":{index}" if index else ""))
    made.node.extend([node for name, node in nodes.items() if name not in behind and name not in before])
    made.library.CopyFrom(graph_def.library)
    made.versions.CopyFrom(graph_def.versions)
    return made


def _check_fused(
    nodes: Any, inputs: dict[str, list[str]], before: set[str], behind: set[str], starts: set[str], ends: set[str]
) -> None:
    for name in nodes:
        if name not in behind or name in before or name in ends:
            continue
        waiting, seen = [name], set[str]()
        while waiting:
            current = waiting.pop(0)
            seen.add(current)
            if current in before and current not in starts:
                raise TypeError(f"Node {name} uses input {current} not in input_nodes.")
            if current not in starts:
                waiting += [source for source in inputs[current] if source not in seen]
