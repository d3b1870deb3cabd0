"""Operations by type with inputs by position: for gradients and composed functions."""

from __future__ import annotations

from functools import cache
from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.op_table import find_op_def


@cache
def input_names(op_type: str) -> tuple[str, ...]:
    """The names of the inputs of an op type."""
    definition = find_op_def(op_type)
    if definition is None:
        raise ValueError(f"Op type {op_type} is not defined")
    return tuple(arg.name for arg in definition.inputs)


def raw(op_type: str, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
    """Makes an operation from its inputs by position and its attributes by name."""
    return apply_op(op_type, name, **dict(zip(input_names(op_type), inputs, strict=True)), **attrs)
