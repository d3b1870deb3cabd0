"""`tf.CriticalSection`: parts of graphs of which only one runs at a time, whatever thread asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import errors, nest
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import (
    add_to_collections,
    colocate_with,
    control_dependencies,
    get_collection,
    get_default_graph,
    name_scope,
)
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape_rules import no_outputs, scalar
from retrograph.ops import control_flow, identities
from retrograph.runtime.resources import Waiting
from retrograph.runtime.state import Ref

CRITICAL_SECTIONS, CRITICAL_SECTION_EXECUTIONS = "critical_sections", "critical_section_executions"


class _Attempt:
    """An operation that wants the lock."""

    def __init__(self) -> None:
        self.got = self.cancelled = False
        self.waiting: Waiting | None = None


class _Mutex:
    """A lock that goes to those who wait in the order in which they asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._line: deque[_Attempt] = deque()

    def take(self, op: Any, ctx: Any) -> _Held:
        """The lock, as soon as it is free. CancelledError: the session was closed."""
        attempt = _Attempt()
        with self._lock:
            if not self._held:
                self._held = attempt.got = True
            else:
                self._line.append(attempt)
                attempt.waiting = Waiting(lambda: self._cancel(attempt))
        if attempt.waiting is not None:
            ctx.wait(attempt.waiting)
        if attempt.cancelled:
            raise errors.CancelledError(None, op, "Lock acquisition cancelled.")
        return _Held(self)

    def _cancel(self, attempt: _Attempt) -> bool:
        with self._lock:
            if attempt.got:
                return False
            self._line.remove(attempt)
            attempt.cancelled = True
        if attempt.waiting is not None:
            attempt.waiting.finish()
        return True

    def release(self) -> None:
        """Hands the lock to who waits the longest, if anybody does."""
        with self._lock:
            if not self._line:
                self._held = False
                return
            following = self._line.popleft()
            following.got = True
        if following.waiting is not None:
            following.waiting.finish()


class _Held:
    """The lock while it is held: given back when it is used up, or when a run that failed forgets it."""

    def __init__(self, mutex: _Mutex):
        self._mutex: _Mutex | None = mutex

    def release(self) -> None:
        """Gives the lock back, once."""
        mutex, self._mutex = self._mutex, None
        if mutex is not None:
            mutex.release()

    def __del__(self) -> None:
        self.release()


def _key(ref: Ref) -> Any:
    name = ref.op.attrs["shared_name"]
    return ("mutex", name or ref.op.name)


def _made(op: Any, ctx: Any) -> Ref:
    ref = Ref(op)
    ctx.resources.find_or_make(_key(ref), lambda _: _Mutex())
    return ref


def _taken(op: Any, ctx: Any, ref: Ref) -> Any:
    token = np.empty((), object)
    token[()] = ctx.resources[_key(ref)].take(op, ctx)
    return token


def _released(op: Any, ctx: Any, token: Any) -> tuple[()]:
    token[()].release()
    return ()


register_op("MutexV2", shape=scalar, numpy=_made, host=True, effect=True, gradient=NO_GRADIENT)
register_op("MutexLock", shape=scalar, numpy=_taken, host=True, effect=True, waits=True, gradient=NO_GRADIENT)
register_op("ConsumeMutexLock", shape=no_outputs, numpy=_released, host=True, effect=True, gradient=NO_GRADIENT)


class _ExecutionSignature(NamedTuple):
    """One use of a critical section."""

    op: Operation
    handle: Tensor
    resources: list[Tensor]
    exclusive_resource_access: bool


def _identity(x: Any) -> Any:
    if isinstance(x, Operation):
        return control_flow.group(x)
    return x.identity() if hasattr(x, "handle") and hasattr(x, "flow") else identities.identity(x)


@export("CriticalSection")
class CriticalSection:
    """Runs what functions make so that no two of them run at the same time. Source: TF 1.15 `tf.CriticalSection`."""

    def __init__(
        self, name: str | None = None, shared_name: str | None = None, critical_section_def: Any = None,
        import_scope: str | None = None,
    ):  # fmt: skip
        if critical_section_def and name is not None:
            raise ValueError("critical_section_def and shared_name are mutually exclusive.")
        if critical_section_def:
            raise NotImplementedError("Not yet implemented")
        with name_scope(name, "CriticalSection", []) as scope:
            container = get_default_graph()._container or ""
            self._handle: Tensor = apply_op(
                "MutexV2", scope, shared_name=scope if shared_name is None else shared_name, container=container
            )
        add_to_collections(CRITICAL_SECTIONS, self)

    @property
    def name(self) -> str:
        """The name of the lock's operation."""
        name: str = self._handle.op.name
        return name

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """What `fn()` gives, computed while the lock is held.

        Raises ValueError: `fn` uses this section itself, or a resource that another section has to itself.
        """
        graph = get_default_graph()
        with name_scope(name, "critical_section_execute", []):
            lock = apply_op("MutexLock", None, mutex=self._handle)
            before = set(graph.get_operations())
            with control_dependencies([lock]):
                result = fn()
            created = [op for op in graph.get_operations() if op not in before]
            self._wait_for_inputs(created, lock.op)
            resources = list(
                dict.fromkeys(t for op in created for t in op.inputs if t.dtype.base_dtype.name == "resource")
            )
            if any(self._is_own(t) for t in resources):
                raise ValueError(
                    "The function fn attempts to directly access the CriticalSection in which it would be running.  "
                    "This is illegal and would cause deadlocks."
                )
            self._check_access(resources, exclusive_resource_access)
            flat = [_identity(x) for x in nest.flatten(result)]
            with control_dependencies(flat):
                with colocate_with(self._handle):
                    consumed = apply_op("ConsumeMutexLock", None, mutex_lock=lock)
                result = nest.pack_sequence_as(result, control_flow.tuple(nest.flatten(result)))
            with control_dependencies([consumed]):
                outputs = nest.map_structure(_identity, result)
            execution = _ExecutionSignature(lock.op, self._handle, resources, exclusive_resource_access)
            add_to_collections(CRITICAL_SECTION_EXECUTIONS, execution)
            return outputs

    @staticmethod
    def _wait_for_inputs(created: list[Operation], lock: Operation) -> None:
        """Lets the lock be taken only when all that is needed from outside is there."""
        own = {*created, lock, *lock.control_inputs, *(t.op for t in lock.inputs)}
        needed = [t.op for op in created for t in op.inputs] + [c for op in created for c in op.control_inputs]
        outside = [op for op in dict.fromkeys(needed) if op not in own]
        if outside:
            lock._add_control_input(control_flow.group(*outside))

    def _is_own(self, tensor: Tensor) -> bool:
        op, handle = tensor.op, self._handle.op
        if op.type != "MutexV2" or not op.attrs["shared_name"]:
            return False
        return bool(op.attrs["shared_name"] == handle.attrs["shared_name"] and op.device == handle.device)

    def _check_access(self, resources: list[Tensor], exclusive: bool) -> None:
        for other in get_collection(CRITICAL_SECTION_EXECUTIONS):
            if self._is_own(other.handle) or not (exclusive or other.exclusive_resource_access):
                continue
            shared = [t for t in resources if t in other.resources]
            if shared:
                raise ValueError(
                    f"This execution would access resources: {shared}.  Either this lock (CriticalSection: "
                    f"{self._handle}) or lock '{other}' (CriticalSection: {other.handle}) requested exclusive resource "
                    "access of this resource.  Did you mean to call execute with keyword argument "
                    "exclusive_resource_access=False?"
                )
