"""Stacks of tensors that live as long as one run: what TensorFlow's gradients of loops were once made of."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar

_counter = itertools.count()


class _Stack:
    """The tensors of one stack."""

    def __init__(self, op: Any, size: int):
        self.name = f"{(op.attrs['stack_name'] or op.name.encode()).decode()}_{next(_counter)}"
        self._type, self._size = op.attrs["elem_type"], size
        self._items: list[Any] | None = []

    def _open(self, op: Any) -> list[Any]:
        if self._items is None:
            raise errors.InvalidArgumentError(None, op, f"Stack[{self.name}] has already been closed.")
        return self._items

    def push(self, op: Any, value: Any) -> None:
        """Puts a tensor on it. InvalidArgumentError: of another type, or there are too many, or it is closed."""
        items, given = self._open(op), op.inputs[1].dtype.base_dtype
        if given != self._type:
            raise errors.InvalidArgumentError(
                None, op, f"Must have type {int(self._type.as_datatype_enum)} but got {int(given.as_datatype_enum)}"
            )
        if 0 <= self._size <= len(items):
            raise errors.InvalidArgumentError(None, op, f"Stack[{self.name}] overflowed its max_size ({self._size})")
        items.append(np.array(value))

    def pop(self, op: Any) -> Any:
        """Takes the last tensor. InvalidArgumentError: there is none."""
        items = self._open(op)
        if not items:
            raise errors.InvalidArgumentError(None, op, f"Stack[{self.name}] is empty when calling Pop().")
        return items.pop()

    def close(self) -> None:
        """Forgets all."""
        self._items = None


def _made(op: Any, ctx: Any, size: Any = -1) -> Any:
    handle = np.empty((), object)
    handle[()] = _Stack(op, int(size))
    return handle


def _made_by_name(op: Any, ctx: Any) -> Any:
    stack = _Stack(op, -1)
    ctx.resources.find_or_make(("stack", stack.name.encode()), lambda _: stack)
    return np.array([b"_stacks", stack.name.encode()], object)


def _stack_of(ctx: Any, handle: Any) -> _Stack:
    if handle.ndim:
        return ctx.resources["stack", handle[1]]  # type: ignore[no-any-return]
    return handle[()]  # type: ignore[no-any-return]


def _push(op: Any, ctx: Any, handle: Any, value: Any) -> Any:
    _stack_of(ctx, handle).push(op, value)
    return value


def _pop(op: Any, ctx: Any, handle: Any) -> Any:
    return _stack_of(ctx, handle).pop(op)


def _close(op: Any, ctx: Any, handle: Any) -> tuple[()]:
    _stack_of(ctx, handle).close()
    return ()


def _pair(c: ShapeContext) -> list[Shape]:
    return [(2,)]


def _pushed(c: ShapeContext) -> list[Shape]:
    return [c.input(1)]


def _unknown(c: ShapeContext) -> list[Shape]:
    return [None]


_ROWS: dict[str, tuple[Any, Any]] = {
    "Stack": (_pair, _made_by_name),
    "StackV2": (scalar, _made),
    **dict.fromkeys(("StackPush", "StackPushV2"), (_pushed, _push)),
    **dict.fromkeys(("StackPop", "StackPopV2"), (_unknown, _pop)),
    **dict.fromkeys(("StackClose", "StackCloseV2"), (no_outputs, _close)),
}
for _op_type, (_rule, _run) in _ROWS.items():
    register_op(_op_type, shape=_rule, numpy=_run, host=True, effect=True, gradient=NO_GRADIENT)
