"""Staging areas: tensors that a run puts aside for a later one: `tf.contrib.staging.StagingArea`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar
from retrograph.ops.host_queues import DONE, STUCK, Attempt, Element, HostQueue

_CANCELLED = "Staging operation was cancelled"


class _Stage(HostQueue):
    """First in, first out; bounded by elements and by bytes, 0 for no bound."""

    kind = "StagingArea"

    def __init__(self, op: Any, number: int):
        self.name = op.attrs["shared_name"].decode() or op.name
        self.capacity, self.limit = op.attrs["capacity"] or np.inf, op.attrs["memory_limit"] or np.inf
        self.shapes = []
        self.elements = deque()
        self.held = 0
        self._lock = threading.Lock()
        self._putting: deque[Attempt] = deque()
        self._taking: deque[Attempt] = deque()

    def stage(self, op: Any, ctx: Any, components: Element) -> None:
        """Adds an element, when there is room. ResourceExhaustedError: larger than all the room there may be."""
        element = tuple(np.array(c) for c in components)
        size = _bytes(element)
        if size > self.limit:
            text = f"Attempted to insert tensors with combined size of '{size}' bytes into Staging Area with a memory limit of '{self.limit}'."
            raise errors.ResourceExhaustedError(None, op, text)

        def step(attempt: Attempt) -> int:
            if len(self.elements) >= self.capacity or self.held + size > self.limit:
                return STUCK
            self.elements.append(element)
            self.held += size
            return DONE

        self._attempt(ctx, self._putting, Attempt(1, step, _CANCELLED))

    def unstage(self, ctx: Any, index: int | None) -> Element:
        """Takes the first element, or looks at the one of an index, when there is one."""

        def step(attempt: Attempt) -> int:
            if len(self.elements) <= (index or 0):
                return STUCK
            attempt.taken.append(self.elements[index] if index is not None else self.remove())
            return DONE

        attempt = Attempt(1, step, _CANCELLED)
        self._attempt(ctx, self._taking, attempt)
        return attempt.taken[0]

    def remove(self) -> Element:
        """Takes the first element."""
        element = super().remove()
        self.held -= _bytes(element)
        return element

    def clear(self) -> None:
        """Drops all elements."""
        with self._lock:
            self.elements.clear()
            self.held = 0
            self._advance()


def _bytes(element: Element) -> int:
    return sum(int(c.nbytes) for c in element)


def _of(op: Any, ctx: Any) -> _Stage:
    key = op.attrs["container"], op.attrs["shared_name"] or op.name
    found: _Stage = ctx.resources.find_or_make(("staging area", *key), lambda number: _Stage(op, number))
    return found


def _cleared(op: Any, ctx: Any) -> tuple[()]:
    _of(op, ctx).clear()
    return ()


def _staged(op: Any, ctx: Any, *components: Any) -> tuple[()]:
    _of(op, ctx).stage(op, ctx, components)
    return ()


def _unknown(c: ShapeContext) -> list[Shape]:
    return [None] * len(c.attr("dtypes"))


_ROWS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "Stage": (no_outputs, _staged),
    "Unstage": (_unknown, lambda op, ctx: _of(op, ctx).unstage(ctx, None)),
    "StagePeek": (_unknown, lambda op, ctx, index: _of(op, ctx).unstage(ctx, int(index))),
    "StageSize": (scalar, lambda op, ctx: np.int32(_of(op, ctx).size)),
    "StageClear": (no_outputs, _cleared),
}
for _op_type, (_rule, _run) in _ROWS.items():
    register_op(_op_type, shape=_rule, numpy=_run, host=True, effect=True, waits=True, gradient=NO_GRADIENT)


@export("contrib.staging.StagingArea")
class StagingArea:
    """Tuples of tensors that one run puts aside and another takes; the areas of one `shared_name` are one.

    Raises ValueError: shapes or names of another number than `dtypes`. Source: TF 1.15 `tf.contrib.staging.StagingArea`.
    """

    def __init__(
        self, dtypes: Sequence[Any], shapes: Any = None, names: Any = None, shared_name: Any = None, capacity: int = 0, memory_limit: int = 0,
    ):  # fmt: skip
        if shared_name is not None and not isinstance(shared_name, str):
            raise ValueError("shared_name must be a string")
        self._name = tf.get_default_graph().unique_name(type(self).__name__) if shared_name is None else shared_name
        for what, given in (("shapes", shapes), ("names", names)):
            if given is not None and len(given) != len(dtypes):
                raise ValueError(f"StagingArea {what} must be the same length as dtypes")
        self._dtypes, self._names = dtypes, names
        self._shapes = [tf.TensorShape(s) for s in ([None] * len(dtypes) if shapes is None else shapes)]
        self._capacity, self._memory_limit = capacity, memory_limit
        with tf.name_scope(f"{self._name}_root"):
            self._coloc_op = tf.no_op()

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def dtypes(self) -> Any:
        """The dtypes of an element's components."""
        return self._dtypes

    @property
    def shapes(self) -> list[Any]:
        """The shapes of an element's components."""
        return self._shapes

    @property
    def names(self) -> Any:
        """The names of an element's components, or None."""
        return self._names

    @property
    def capacity(self) -> int:
        """The most elements, 0 for any number."""
        return self._capacity

    @property
    def memory_limit(self) -> int:
        """The most bytes, 0 for any number."""
        return self._memory_limit

    def put(self, values: Any, name: str | None = None) -> Any:
        """An operation that adds an element; it waits for room. Raises ValueError: values that do not fit."""
        given = (
            values.values() if isinstance(values, dict) else values if isinstance(values, (list, tuple)) else [values]
        )
        with tf.name_scope(name, f"{self._name}_put", list(given)) as scope:
            tensors = self._checked(values)
            with tf.get_default_graph().colocate_with(self._coloc_op):
                return self._apply("Stage", scope, values=tensors)

    def get(self, name: str | None = None) -> Any:
        """The tensors of the first element, which is taken out; it waits for one."""
        return self._got("Unstage", name or f"{self._name}_get")

    def peek(self, index: Any, name: str | None = None) -> Any:
        """The tensors of the element of an index, which stays; it waits for one."""
        return self._got("StagePeek", name or f"{self._name}_peek", index=index)

    def size(self, name: str | None = None) -> Any:
        """How many elements there are, i32[]."""
        return self._apply("StageSize", name or f"{self._name}_size", dtypes=self._dtypes)

    def clear(self, name: str | None = None) -> Any:
        """An operation that drops all elements."""
        return self._apply("StageClear", name or f"{self._name}_clear", dtypes=self._dtypes)

    def _apply(self, op_type: str, name: str | None, **inputs: Any) -> Any:
        return apply_op(
            op_type, name, shared_name=self._name, capacity=self._capacity, memory_limit=self._memory_limit, **inputs
        )

    def _got(self, op_type: str, name: str, **inputs: Any) -> Any:
        with tf.get_default_graph().colocate_with(self._coloc_op):
            found = self._apply(op_type, name, dtypes=self._dtypes, **inputs)
        tensors = self._moved_here(list(found) if isinstance(found, (list, tuple)) else [found])
        for tensor, shape in zip(tensors, self._shapes, strict=True):
            tensor.set_shape(shape)
        return dict(zip(self._names, tensors, strict=True)) if self._names else tensors

    def _moved_here(self, tensors: list[Any]) -> list[Any]:
        if tf.no_op().device == self._coloc_op.device:
            return tensors
        return [tf.identity(t) for t in tensors]

    def _checked(self, values: Any) -> list[Any]:
        rows = self._in_order(values)
        if len(rows) > len(self._dtypes):
            raise ValueError(f"Unexpected number of inputs '{len(rows)}' vs '{len(self._dtypes)}'")
        return [self._component(i, value) for i, value in rows]

    def _in_order(self, values: Any) -> list[tuple[int, Any]]:
        if not isinstance(values, dict):
            if self._names:
                raise ValueError("You must enqueue a dictionary in a staging area with names")
            return list(enumerate(values if isinstance(values, (list, tuple)) else [values]))
        if not self._names:
            raise ValueError("Staging areas must have names to enqueue a dictionary")
        if not set(values).issubset(self._names):
            raise ValueError(
                f"Keys in dictionary to put do not match names of staging area. Dictionary: ({sorted(values)}), Queue: ({sorted(self._names)})"
            )
        return [(i, values[key]) for i, key in enumerate(self._names) if key in values]

    def _component(self, index: int, value: Any) -> Any:
        dtype = tf.as_dtype(self._dtypes[index])
        if value.dtype != dtype:
            raise ValueError(f"Datatypes do not match. '{value.dtype}' != '{dtype}'")
        value.get_shape().assert_is_compatible_with(self._shapes[index])
        return tf.convert_to_tensor(value, dtype=dtype, name=f"component_{index}")
