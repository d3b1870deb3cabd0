"""TF's definitions of op types as OpDef messages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from retrograph.framework.messages import message_class
from retrograph.framework.node_def import AttrValue
from retrograph.framework.op_table import AttrDef, InputDef, OpDef, find_op_def


def _argument(made: Any, arg: InputDef) -> None:
    made.name, made.number_attr, made.is_ref = arg.name, arg.number_attr, arg.is_ref
    if arg.dtype is not None:
        made.type = arg.dtype.as_datatype_enum
    else:
        made.type_attr, made.type_list_attr = arg.type_attr, arg.type_list_attr


def _attribute(made: Any, attr: AttrDef) -> None:
    made.name, made.type = attr.name, attr.type
    if attr.has_default:
        made.default_value.CopyFrom(AttrValue(attr.type, attr.default))
    if attr.allowed is not None:
        kind = attr.type if attr.type.startswith("list") else f"list({attr.type})"
        made.allowed_values.CopyFrom(AttrValue(kind, attr.allowed))


def op_def_message(definition: OpDef) -> Any:
    """The OpDef message of an op type's definition."""
    made = message_class("tensorflow.OpDef")(name=definition.name, is_stateful=definition.stateful)
    for arg in definition.inputs:
        _argument(made.input_arg.add(), arg)
    for arg in definition.outputs:
        _argument(made.output_arg.add(), arg)
    for attr in definition.attrs:
        _attribute(made.attr.add(), attr)
    return made


@cache
def message_of(op_type: str) -> Any:
    """The OpDef message of an op type, made once; None if it has no definition."""
    definition = find_op_def(op_type)
    return None if definition is None else op_def_message(definition)


def op_list(op_types: Iterable[str]) -> Any:
    """The OpList of op types; those without a definition are left out."""
    made = message_class("tensorflow.OpList")()
    definitions = [find_op_def(t) for t in op_types]
    made.op._adopt([op_def_message(d) for d in definitions if d is not None])
    return made
