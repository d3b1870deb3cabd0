"""Small things of TF's inside that files name while they are imported, and that have no meaning here."""

from __future__ import annotations

from typing import Any


def _set_call_cpp_shape_fn(call_cpp_shape_fn: Any) -> None:
    """Nothing to do: shapes come from the op table."""


def call_cpp_shape_fn(op: Any, require_shape_fn: bool = True) -> Any:
    """The static shapes of an operation's outputs."""
    return {"shapes": [output.get_shape() for output in op.outputs]}
