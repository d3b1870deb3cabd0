"""The functions of `gen_*_ops` modules, made from their recorded signatures: each adds one operation."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from typing import Any

_REQUIRED: Any = object()


def _argument(cell: str) -> tuple[str, str, Any]:
    """`axis:dim=0` as (name in the wrapper, name in the op, default)."""
    names, has_default, default = cell.partition("=")
    own, _, of_op = names.partition(":")
    return own, of_op or own, _default(default) if has_default else _REQUIRED


def _default(text: str) -> Any:
    return text.removeprefix("_dtypes.") if text.startswith("_dtypes.") else ast.literal_eval(text)


def wrapper(name: str, recorded: str) -> Callable[..., Any]:
    """A function of TF's signature for a recorded `!Op arg;arg:op_arg=default`."""
    importlib.import_module("retrograph.ops")  # which knows the shapes
    op_type, _, cells = recorded[1:].partition(" ")
    arguments = [_argument(cell) for cell in cells.split(";") if cell]

    def call(*args: Any, **kwargs: Any) -> Any:
        from retrograph.framework.apply import apply_op

        op_name = kwargs.pop("name", None)
        if len(args) == len(arguments) + 1:
            *args, op_name = args  # type: ignore[assignment]
        given = _bind(name, arguments, args, kwargs)
        return apply_op(op_type, op_name, **given)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Adds one `{op_type}` operation."
    return call


def _bind(
    name: str, arguments: list[tuple[str, str, Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    if len(args) > len(arguments):
        raise TypeError(f"{name}() takes {len(arguments)} positional arguments but {len(args)} were given")
    given = dict(zip((own for own, _, _ in arguments), args, strict=False))
    for key, value in kwargs.items():
        if key in given or key not in {own for own, _, _ in arguments}:
            kind = "multiple values for" if key in given else "an unexpected keyword"
            raise TypeError(f"{name}() got {kind} argument '{key}'")
        given[key] = value
    bound = {}
    for own, of_op, default in arguments:
        value = given.get(own, default)
        if value is _REQUIRED:
            raise TypeError(f"{name}() missing 1 required positional argument: '{own}'")
        if value is not None or default is _REQUIRED:
            bound[of_op] = value
    return bound
