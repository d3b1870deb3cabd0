"""Staging areas by key: tuples that a run puts aside, whole or in parts, for a later one that names the key."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar
from retrograph.ops.host_queues import DONE, STUCK, Attempt, HostQueue
from retrograph.ops.rows import refuse

_CANCELLED = "Staging operation was cancelled"


class _Map(HostQueue):
    """Tuples by key; bounded by their number and by bytes, 0 for no bound. Ordered ones give the smallest key first."""

    def __init__(self, op: Any):
        self.count = len(op.attrs["dtypes"])
        self.capacity, self.limit = op.attrs["capacity"] or np.inf, op.attrs["memory_limit"] or np.inf
        self.ordered = op.type.startswith("Ordered")
        self.whole: dict[int, list[Any]] = {}
        self.parts: dict[int, list[Any]] = {}
        self.held = 0
        self._lock = threading.Lock()
        self._putting: deque[Attempt] = deque()
        self._taking: deque[Attempt] = deque()

    def stage(self, op: Any, ctx: Any, key: int, indices: list[int], values: list[Any]) -> None:
        """Adds a tuple, or components of one, when there is room."""
        _check_order(op, indices)
        size = sum(int(v.nbytes) for v in values)
        if size > self.limit:
            text = f"Attempted to insert tensors with combined size of '{size}' bytes into Staging Area with a memory limit of '{self.limit}'."
            raise errors.ResourceExhaustedError(None, op, text)
        is_whole = len(indices) == self.count

        def step(attempt: Attempt) -> int:
            if self.held + size > self.limit or (is_whole and len(self.whole) >= self.capacity):
                return STUCK
            try:
                self._put(op, key, indices, values, is_whole)
            except errors.OpError as error:
                return attempt.fail(error)
            self.held += size
            return DONE

        self._attempt(ctx, self._putting, Attempt(1, step, _CANCELLED))

    def _put(self, op: Any, key: int, indices: list[int], values: list[Any], is_whole: bool) -> None:
        if is_whole:
            self.whole.setdefault(key, list(values))
            return
        present = list(self.parts.get(key, [None] * self.count))
        for index, value in zip(indices, values, strict=True):
            self._check_index(op, key, index)
            if present[index] is not None:
                refuse(op, f"The tensor for index '{index}' for key '{key}' was already initialized '{self.count}'.")
            present[index] = value
        self.parts[key] = present
        if all(value is not None for value in present):
            self.whole.setdefault(key, self.parts.pop(key))

    def _check_index(self, op: Any, key: int, index: int) -> None:
        if not 0 <= index < self.count:
            refuse(op, f"Index '{index}' for key '{key}' was out of bounds '{self.count}'.")

    def take(self, op: Any, ctx: Any, key: int | None, indices: list[int], keep: bool) -> tuple[Any, ...]:  # type: ignore[override]
        """(key, components...) of a key's tuple, or of any, when there is one; what was taken is no longer there."""
        _check_order(op, indices)

        def step(attempt: Attempt) -> int:
            if not self.whole if key is None else key not in self.whole:
                return STUCK
            try:
                attempt.taken.append(self._taken(op, self._first() if key is None else key, indices, keep))
            except errors.OpError as error:
                return attempt.fail(error)
            return DONE

        attempt = Attempt(1, step, _CANCELLED)
        self._attempt(ctx, self._taking, attempt)
        return attempt.taken[0]

    def _first(self) -> int:
        return min(self.whole) if self.ordered else next(iter(self.whole))

    def _taken(self, op: Any, key: int, indices: list[int], keep: bool) -> tuple[Any, ...]:
        present = self.whole[key]
        for index in indices:
            self._check_index(op, key, index)
            if present[index] is None:
                refuse(op, f"Tensor at index '{index}' for key '{key}' has already been removed.")
        values = [present[index] for index in indices]
        if not keep:
            for index in indices:
                present[index] = None
            self.held -= sum(int(v.nbytes) for v in values)
            if all(value is None for value in present):
                del self.whole[key]
        return (np.int64(key), *values)

    def clear(self) -> None:
        """Drops all tuples."""
        with self._lock:
            self.whole.clear()
            self.parts.clear()
            self.held = 0
            self._advance()


def _check_order(op: Any, indices: list[int]) -> None:
    if any(a >= b for a, b in itertools.pairwise(indices)):
        refuse(op, "Indices are not strictly ordered")


# ---- rows


def _of(op: Any, ctx: Any) -> _Map:
    ordered = op.type.startswith("Ordered")
    key = "staging map", ordered, op.attrs["container"], op.attrs["shared_name"] or op.name
    found: _Map = ctx.resources.find_or_make(key, lambda number: _Map(op))
    return found


def _indices(value: Any) -> list[int]:
    return [int(i) for i in np.ravel(value)]


def _staged(op: Any, ctx: Any, key: Any, indices: Any, *values: Any) -> tuple[()]:
    _of(op, ctx).stage(op, ctx, int(key), _indices(indices), [np.array(v) for v in values])
    return ()


def _looked_at(op: Any, ctx: Any, key: Any, indices: Any) -> tuple[Any, ...]:
    return _of(op, ctx).take(op, ctx, int(key), _indices(indices), keep=True)[1:]


def _unstaged(op: Any, ctx: Any, key: Any, indices: Any) -> tuple[Any, ...]:
    return _of(op, ctx).take(op, ctx, int(key), _indices(indices), keep=False)[1:]


def _any_unstaged(op: Any, ctx: Any, indices: Any) -> tuple[Any, ...]:
    return _of(op, ctx).take(op, ctx, None, _indices(indices), keep=False)


def _cleared(op: Any, ctx: Any) -> tuple[()]:
    _of(op, ctx).clear()
    return ()


def _unknown(c: ShapeContext) -> list[Shape]:
    return [None] * (len(c.attr("dtypes")) + c.op_type.endswith("NoKey"))


_ROWS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "MapStage": (no_outputs, _staged),
    "MapPeek": (_unknown, _looked_at),
    "MapUnstage": (_unknown, _unstaged),
    "MapUnstageNoKey": (_unknown, _any_unstaged),
    "MapSize": (scalar, lambda op, ctx: np.int32(len(_of(op, ctx).whole))),
    "MapIncompleteSize": (scalar, lambda op, ctx: np.int32(len(_of(op, ctx).parts))),
    "MapClear": (no_outputs, _cleared),
}
for _op_type, (_rule, _run) in _ROWS.items():
    for _prefix in ("", "Ordered"):
        register_op(
            _prefix + _op_type, shape=_rule, numpy=_run, host=True, effect=True, waits=True, gradient=NO_GRADIENT
        )
