"""Barriers: tuples by key whose components come one by one and which are taken when they are whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape, to_text, unknown_shape
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank, with_rank_at_least
from retrograph.framework.static_value import constant_value
from retrograph.ops.data_flow import listed_shapes, listed_types
from retrograph.ops.host_queues import Element, HostPriorityQueue, HostQueue
from retrograph.ops.rows import refuse, with_value
from retrograph.runtime.state import Ref

_FIRST_INDEX = -(2**63)


class HostBarrier(HostPriorityQueue):
    """Whole tuples in a queue, ordered by when their first component came; others by key, until they are whole."""

    def __init__(self, op: Any, number: int):
        super().__init__(op, number)
        if len(op._attrs["shapes"]) != len(op._attrs["component_types"]):
            refuse(op, "All of the component shapes must be specified")
        if op._attrs["capacity"] != -1:
            text = "Barrier only accepts capacity=-1.  Feed the inputs to your Barrier through a queue to enforce a limited capacity."
            refuse(op, text)
        self.barrier_name = self.name
        self.name = f"{self.barrier_name}_queue"
        self.capacity = np.inf
        self.incomplete: dict[bytes, tuple[int, list[Any]]] = {}
        self._next_index = _FIRST_INDEX
        self._refuses = self._cancelled = False

    @staticmethod
    def _types_of(op: Any) -> list[Any]:
        from retrograph.framework.dtypes import int64, string

        return [int64, string, *op._attrs["component_types"]]

    @staticmethod
    def _shapes_of(op: Any) -> list[Shape]:
        return [(), (), *HostQueue._shapes_of(op)]

    def insert(self, op: Any, component: int, keys: Sequence[bytes], values: Any) -> None:
        """Sets a component for each key. InvalidArgumentError: it is set; CancelledError: closed, and the key is new."""
        if keys and not values.size:
            text = f"Tensors with no elements are not supported {self.barrier_name}: received shape {to_text(values.shape)}"
            refuse(op, text)
        with self._lock:
            self._check_open(op, keys)
            changed = self._with_component(op, component, keys, values)
            whole = [key for key, (_, parts) in changed.items() if all(part is not None for part in parts)]
            ready = [(np.int64(changed[key][0]), np.array(key, object), *changed[key][1]) for key in whole]
            for element in ready:
                self._check(element, ())
            self._next_index += any(key not in self.incomplete for key in changed)
            self.incomplete.update(changed)
            for key, element in zip(whole, ready, strict=True):
                del self.incomplete[key]
                self.add(element)
            self._advance()

    def _with_component(
        self, op: Any, component: int, keys: Sequence[bytes], values: Any
    ) -> dict[bytes, tuple[int, list[Any]]]:
        count = len(self.dtypes) - 2
        changed: dict[bytes, tuple[int, list[Any]]] = {}
        for i, key in enumerate(keys):
            if key not in changed:
                index, parts = self.incomplete.get(key, (self._next_index, [None] * count))
                changed[key] = index, list(parts)
            if changed[key][1][component] is not None:
                shown = key.decode("utf-8", "replace")
                refuse(
                    op,
                    f"Key {shown} already has a value for component {component} in barrier {self.barrier_name}",
                )
            changed[key][1][component] = np.array(values[i, ...])
        return changed

    def _check_open(self, op: Any, keys: Sequence[bytes]) -> None:
        if not self._refuses:
            return
        cancelled, left = int(self._cancelled), len(self.incomplete)
        if self._cancelled or (keys and not left):
            text = f"Barrier {self.barrier_name} is closed.  Pending enqueues cancelled: {cancelled}."
            text += f"  Number of new insertions: {len(keys)}.  Number of incomplete keys: {left}."
            raise errors.CancelledError(None, op, text)
        for i, key in enumerate(keys):
            if key not in self.incomplete:
                shown = key.decode("utf-8", "replace")
                text = f"Barrier {self.barrier_name} is closed, but attempted to insert a brand new key: {shown}."
                text += f"  Pending enqueues cancelled: {cancelled}.  Insertion index: {i}.  Number of incomplete keys: {left}."
                raise errors.CancelledError(None, op, text)

    def take_whole(self, op: Any, ctx: Any, count: int, less_at_end: bool) -> Element:
        """Takes tuples as rows: (indices, keys, components...). OutOfRangeError: closed and too few."""
        with self._lock:
            if self._refuses:
                count = self._deliverable(op, count, less_at_end)
        return self.take_many(ctx, count, less_at_end)

    def _deliverable(self, op: Any, count: int, less_at_end: bool) -> int:
        available = len(self.elements)
        if less_at_end:
            count = min(count, available)
        else:
            available += len(self.incomplete)
        if available < max(count, 1):
            text = f"Barrier '{self.barrier_name}' is closed and has insufficient elements (requested {count}, total size {available})"
            raise errors.OutOfRangeError(None, op, text)
        return count

    def close_barrier(self, op: Any, ctx: Any, cancel_pending: bool) -> None:
        """Refuses new keys; what is begun can be made whole, unless it is cancelled."""
        with self._lock:
            if self._refuses and (self._cancelled or not cancel_pending):
                raise errors.CancelledError(None, op, f"Barrier '{self.barrier_name}' is already closed.")
            self._refuses, self._cancelled = True, cancel_pending
            if self.incomplete and not cancel_pending:
                return
            self.incomplete.clear()
            self.closed = True
            self._advance()


# ---- rows


def _of(ctx: Any, handle: Any) -> HostBarrier:
    ref = handle if isinstance(handle, Ref) else handle.reshape(-1)[0]
    found: HostBarrier = ctx.resources[ref.key]
    return found


def _make(op: Operation, ctx: Any) -> Ref:
    ref = Ref(op)
    ctx.resources.find_or_make(ref.key, lambda number: HostBarrier(op, number))
    return ref


def _insert(op: Operation, ctx: Any, handle: Any, keys: Any, values: Any) -> tuple[()]:
    barrier, component = _of(ctx, handle), op.attrs["component_index"]
    count = len(barrier.dtypes) - 2
    if component >= count:
        refuse(op, f"The component ID is out of range {component} > num_components (= {count})")
    barrier.insert(op, component, np.asarray(keys, object).ravel().tolist(), np.asarray(values))
    return ()


def _take(op: Operation, ctx: Any, handle: Any, count: Any) -> tuple[Any, ...]:
    if op.attrs["timeout_ms"] != -1:
        refuse(op, "Timeout not supported yet.")
    if np.ndim(count):
        refuse(op, "num_elements must be a scalar.")
    return _of(ctx, handle).take_whole(op, ctx, int(count), op.attrs["allow_small_batch"])


def _close(op: Operation, ctx: Any, handle: Any) -> tuple[()]:
    _of(ctx, handle).close_barrier(op, ctx, op.attrs["cancel_pending_enqueues"])
    return ()


def _two(c: ShapeContext) -> list[Shape]:
    return [(2,)]


def _handle(c: ShapeContext) -> None:
    with_value(with_rank(c, c.input(0), 1)[0], 2)


def _insert_shape(c: ShapeContext) -> list[Shape]:
    _handle(c)
    keys, values = with_rank(c, c.input(1), 1), with_rank_at_least(c, c.input(2), 1)
    merge(c, keys, (None if values is None else values[0],))
    return []


def _take_shape(c: ShapeContext) -> list[Shape]:
    return [None] * (2 + len(c.attr("component_types")))


def _nothing(c: ShapeContext) -> list[Shape]:
    _handle(c)
    return []


def _size(c: ShapeContext) -> list[Shape]:
    _handle(c)
    return [()]


_ROWS: dict[str, tuple[Any, Any]] = {
    "BarrierInsertMany": (_insert_shape, _insert),
    "BarrierTakeMany": (_take_shape, _take),
    "BarrierClose": (_nothing, _close),
    "BarrierReadySize": (_size, lambda op, ctx, handle: np.int32(_of(ctx, handle).size)),
    "BarrierIncompleteSize": (_size, lambda op, ctx, handle: np.int32(len(_of(ctx, handle).incomplete))),
}
register_op("Barrier", shape=_two, numpy=_make, host=True, effect=True, gradient=NO_GRADIENT)
for _op_type, (_rule, _run) in _ROWS.items():
    register_op(_op_type, shape=_rule, numpy=_run, host=True, effect=True, waits=True, gradient=NO_GRADIENT)


class Barrier:
    """Tuples by string key, in the session: components are inserted one by one, whole tuples are taken.

    Raises ValueError: a shape without elements. Source: TF 1.15 `tensorflow.python.ops.data_flow_ops.Barrier`.
    """

    def __init__(self, types: Any, shapes: Any = None, shared_name: str | None = None, name: str = "barrier"):
        self._types = listed_types(types)
        self._shapes = [unknown_shape() for _ in self._types] if shapes is None else listed_shapes(shapes) or []
        for i, shape in enumerate(self._shapes if shapes is not None else ()):
            if shape.num_elements() == 0:
                raise ValueError(f"Empty tensors are not supported, but received shape '{shape}' at index {i}")
        attrs = {"component_types": self._types, "shapes": self._shapes, "shared_name": shared_name}
        self._barrier_ref: Tensor = apply_op("Barrier", name, **attrs)
        self._name = self._barrier_ref.op.name.split("/")[-1]

    @property
    def barrier_ref(self) -> Tensor:
        """The handle."""
        return self._barrier_ref

    @property
    def name(self) -> str:
        """The name of the barrier's operation."""
        return str(self._barrier_ref.op.name)

    def _apply(self, op_type: str, name: str | None, **arguments: Any) -> Any:
        name = f"{self._name}_{op_type}" if name is None else name
        return apply_op(op_type, name, handle=self._barrier_ref, **arguments)

    def insert_many(self, component_index: int, keys: Any, values: Any, name: str | None = None) -> Operation:
        """An operation that sets a component of the tuples of `keys` (`string[n]`) to the rows of `values`.

        When it runs, InvalidArgumentError: it is set for a key; CancelledError: closed.
        """
        given = {"keys": keys, "values": values, "component_index": component_index}
        return self._apply("BarrierInsertMany", name, **given)  # type: ignore[no-any-return]

    def take_many(
        self, num_elements: Any, allow_small_batch: bool = False, timeout: int | None = None, name: str | None = None
    ) -> Any:
        """(indices, keys, values) of whole tuples; it waits for so many.

        When it runs, OutOfRangeError: closed with fewer.
        """
        attrs = {"component_types": self._types, "allow_small_batch": allow_small_batch, "timeout_ms": timeout}
        made = self._apply("BarrierTakeMany", name, num_elements=num_elements, **attrs)
        op = made[0].op
        count = None if allow_small_batch else constant_value(op.inputs[1])
        rows = TensorShape([None if count is None else int(count)])
        scalar = TensorShape([])
        for output, shape in zip(op.outputs, [scalar, scalar, *self._shapes], strict=True):
            output.set_shape(rows.concatenate(shape))
        return made

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation after which no key can be added."""
        return self._apply("BarrierClose", name, cancel_pending_enqueues=cancel_pending_enqueues)  # type: ignore[no-any-return]

    def ready_size(self, name: str | None = None) -> Tensor:
        """How many tuples are whole: i32[]."""
        return self._apply("BarrierReadySize", name)  # type: ignore[no-any-return]

    def incomplete_size(self, name: str | None = None) -> Tensor:
        """How many tuples are not: i32[]."""
        return self._apply("BarrierIncompleteSize", name)  # type: ignore[no-any-return]
