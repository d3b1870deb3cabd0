"""Function graphs as `FunctionDef` messages, and back."""

from __future__ import annotations

from typing import Any

from retrograph.framework.messages import message_class
from retrograph.framework.node_def import node_def_of
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Operation, Tensor


def function_def(function: Any) -> Any:
    """The FunctionDef of a function graph."""
    graph = function.graph
    made = message_class("tensorflow.FunctionDef")()
    made.signature.name = str(function.name)
    names = {t: _argument_name(t._op._name, i) for i, t in enumerate(graph.inputs)}
    for tensor, name in names.items():
        made.signature.input_arg.add(name=name, type=tensor._dtype._base.as_datatype_enum)
    for op in graph._ops:
        if op._outputs and op._outputs[0] in names:
            continue
        made.node_def.append(_node(op, names))
    for i, tensor in enumerate(graph.outputs):
        name = f"output_{i}"
        made.signature.output_arg.add(name=name, type=tensor._dtype._base.as_datatype_enum)
        made.ret[name] = _reference(tensor, names)
    return made


def _argument_name(name: str, index: int) -> str:
    plain = "".join(c if c.isalnum() else "_" for c in name).lower().strip("_")
    return f"{plain or 'arg'}_{index}"


def _node(op: Operation, names: dict[Tensor, str]) -> Any:
    node = node_def_of(op)
    inputs = [_reference(t, names) for t in op._inputs] + [f"^{c._name}" for c in op._control_inputs]
    node.input[:] = inputs
    return node


def _reference(tensor: Tensor, names: dict[Tensor, str]) -> str:
    """How a function's node names what it takes: an argument, or `node:output:index`."""
    if tensor in names:
        return names[tensor]
    op, place = tensor._op, tensor._value_index
    definition = find_op_def(op._type)
    for arg in definition.outputs if definition is not None else ():
        count = 1
        if arg.type_list_attr:
            count = len(op._attrs[arg.type_list_attr])
        elif arg.number_attr:
            count = op._attrs[arg.number_attr]
        if place < count:
            return f"{op._name}:{arg.name}:{place}"
        place -= count
    return f"{op._name}:output:{tensor._value_index}"
