"""`tf.CriticalSection`: operations that no two callers run at once.

A session runs one program after the other and the operations of one in one order, so the lock itself has nothing to do;
what it adds to the graph, and what it refuses, is TF's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import dtypes, nest
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.graph import (
    Operation,
    Tensor,
    add_to_collections,
    colocate_with,
    control_dependencies,
    get_collection,
    get_default_graph,
    name_scope,
)
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape_rules import no_outputs, scalar
from retrograph.ops import array, control_flow
from retrograph.ops.tensor_array import TensorArray

CRITICAL_SECTIONS = "critical_sections"
CRITICAL_SECTION_EXECUTIONS = "critical_section_executions"


def _token(op: Any, ctx: Any, *inputs: Any) -> Any:
    return np.array(op.name.encode(), object)


def _nothing(op: Any, ctx: Any, *inputs: Any) -> tuple[()]:
    return ()


_HOST: dict[str, Any] = {"host": True, "effect": True, "gradient": NO_GRADIENT}
register_op("MutexV2", shape=scalar, numpy=_token, **_HOST)
register_op("MutexLock", shape=scalar, numpy=_token, **_HOST)
register_op("ConsumeMutexLock", shape=no_outputs, numpy=_nothing, **_HOST)


class _Execution(NamedTuple):
    """What one call of a section runs."""

    op: Operation
    handle: Tensor
    resources: list[Tensor]
    exclusive_resource_access: bool


def _passed_on(value: Any) -> Any:
    if isinstance(value, TensorArray):
        return value.identity()
    return control_flow.group(value) if isinstance(value, Operation) else array.identity(value)


def _before(created: set[Operation], lock: Operation) -> list[Operation]:
    """What the section's operations need from outside: it has to be there before the lock is taken."""
    needed = {value.op for op in created for value in op.inputs} | {one for op in created for one in op.control_inputs}
    known = created | set(lock.control_inputs) | {value.op for value in lock.inputs} | {lock}
    return sorted(needed - known, key=lambda op: op._id)


@export("CriticalSection")
class CriticalSection:
    """A lock: of functions that it executes, one is run after the other.

    Raises ValueError: a definition together with a name; NotImplementedError: a definition.
    Source: TF 1.15 `tf.CriticalSection`.
    """

    def __init__(
        self, name: str | None = None, shared_name: str | None = None, critical_section_def: Any = None,
        import_scope: str | None = None,
    ):  # fmt: skip
        if critical_section_def and name is not None:
            raise ValueError("critical_section_def and shared_name are mutually exclusive.")
        if critical_section_def:
            raise NotImplementedError("Not yet implemented")
        with name_scope(name, "CriticalSection", []) as scope:
            shared = scope if shared_name is None else shared_name
            self._handle: Tensor = apply_op("MutexV2", scope, shared_name=shared, container="")
        add_to_collections(CRITICAL_SECTIONS, self)

    @property
    def name(self) -> str:
        """The name of the lock."""
        name: str = self._handle.op.name
        return name

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """What `fn()` gives, once the lock is taken and given back.

        Raises ValueError: `fn` uses this section's lock, or variables that another section wants for itself.
        """
        with name_scope(name, "critical_section_execute", []):
            lock: Tensor = apply_op("MutexLock", None, mutex=self._handle)
            earlier = set(get_default_graph().get_operations())
            with control_dependencies([lock]):
                result = fn()
            created = set(get_default_graph().get_operations()) - earlier
            needed = _before(created, lock.op)
            if needed:
                lock.op._add_control_input(control_flow.group(*needed))
            captured = self._captured(created, exclusive_resource_access)
            outputs = self._released(lock, result)
            execution = _Execution(lock.op, self._handle, captured, exclusive_resource_access)
            add_to_collections(CRITICAL_SECTION_EXECUTIONS, execution)
            return outputs

    def _released(self, lock: Tensor, result: Any) -> Any:
        with control_dependencies([_passed_on(value) for value in nest.flatten(result)]):
            with colocate_with(self._handle):
                released = apply_op("ConsumeMutexLock", None, mutex_lock=lock)
            result = nest.pack_sequence_as(result, control_flow.tuple(nest.flatten(result)))
        with control_dependencies([released]):
            return nest.map_structure(_passed_on, result)

    def _captured(self, created: Iterable[Operation], exclusive: bool) -> list[Tensor]:
        ordered = sorted(created, key=lambda op: op._id)
        found = {id(v): v for op in ordered for v in op.inputs if v.dtype == dtypes.resource}
        captured = list(found.values())
        if any(self._is_own(value) for value in captured):
            raise ValueError(
                "The function fn attempts to directly access the CriticalSection in which it would be running.  "
                "This is illegal and would cause deadlocks."
            )
        for other in get_collection(CRITICAL_SECTION_EXECUTIONS):
            if not self._is_own(other.handle) and (exclusive or other.exclusive_resource_access):
                self._refuse_shared([value for value in captured if id(value) in set(map(id, other.resources))], other)
        return captured

    def _is_own(self, value: Tensor) -> bool:
        shared = value.op.get_attr("shared_name") if value.op.type == "MutexV2" else None
        return bool(shared) and shared == self._handle.op.get_attr("shared_name")

    def _refuse_shared(self, shared: list[Tensor], other: _Execution) -> None:
        if shared:
            raise ValueError(
                f"This execution would access resources: {shared}.  Either this lock (CriticalSection: {self._handle}) or "
                f"lock '{other}' (CriticalSection: {other.handle}) requested exclusive resource access of this resource.  "
                "Did you mean to call execute with keyword argument exclusive_resource_access=False?"
            )
