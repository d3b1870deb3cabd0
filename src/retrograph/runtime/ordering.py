"""The order of operations in a run: what the targets need, first made first, with TF's habits where they show."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import reader_of
from retrograph.runtime.state import READ_ONLY_TYPES

_BACK_EDGES = frozenset(("NextIteration", "RefNextIteration"))


def pruned(targets: Iterable[Operation], fed: set[Tensor]) -> list[Operation]:
    """The operations that the targets need, in the order in which they run: among the ready, the first made goes first."""
    needed: set[Operation] = set()
    pending = list(targets)
    while pending:
        op = pending.pop()
        if op in needed:
            continue
        needed.add(op)
        pending.extend(t._op for t in op._inputs if t not in fed and t._op not in needed)
        pending.extend(c for c in op._control_inputs if c not in needed)
    return _ordered(needed, fed)


def _predecessors(op: Operation, needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    found = {t._op for t in op._inputs if t not in fed}
    found.update(op._control_inputs)
    return {p for p in found if p in needed and p._type not in _BACK_EDGES}


def _ordered(needed: set[Operation], fed: set[Tensor]) -> list[Operation]:
    return [op for part in in_turn(needed, fed) for op in _ordered_by_age(part, fed)]


def in_turn(needed: set[Operation], fed: set[Tensor]) -> list[set[Operation]]:
    """The parts of a plan that run one after the other, whatever the age of their operations."""
    first = read_first(needed, fed)
    rest = needed - first if first else needed
    counting = _counting(rest, fed)
    return [part for part in (first, counting, rest - counting if counting else rest) if part]


def read_first(needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    """What the graph says runs first (hooks read the global step before it counts), with all that it needs."""
    graph = next(iter(needed))._graph if needed else None
    found: set[Operation] = set()
    pending = list(graph._first & needed) if graph is not None and graph._first else []
    while pending:
        op = pending.pop()
        if op not in found:
            found.add(op)
            pending.extend(_predecessors(op, needed, fed))
    return found


def _ordered_by_age(needed: set[Operation], fed: set[Tensor]) -> list[Operation]:
    ops = sorted(needed, key=lambda op: op._id)
    predecessors = {op: _predecessors(op, needed, fed) for op in ops}
    if all(p._id < op._id for op in ops for p in predecessors[op]):
        return ops
    waiting = {op: len(p) for op, p in predecessors.items()}
    followers: dict[Operation, list[Operation]] = {op: [] for op in ops}
    for op, before in predecessors.items():
        for p in before:
            followers[p].append(op)
    ready = [(op._id, op) for op in ops if not waiting[op]]
    order = []
    while ready:
        _, op = heapq.heappop(ready)
        order.append(op)
        for follower in followers[op]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (follower._id, follower))
    return order


_FEW, _SHORT = 16, 8  # elements of a counter; operations that compute its next value


def _counting(needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    """What sets small variables to new values of their own: it runs first.

    That is `step.assign(step + 1)` of a reference variable and `step.assign_add(1)` of a resource. TF 1.15 lets one
    thread go on with the last taker of a value, and wakes others for the rest; such an assignment is over before they
    run, so that what else takes the variable sees the new value.
    """
    added = [op for op in needed if op._type in _ADDS_TO_RESOURCES and op._inputs[0]._op._type == "VarHandleOp"]
    found: set[Operation] = set()
    for op in added:
        found |= _adding(op, needed, fed)
    assigned = [op for op in needed if op._type in _ASSIGNS and op._inputs[0]._op._type in _REFERENCES]
    writers: dict[Operation, int] = {}
    for op in assigned:
        writers[op._inputs[0]._op] = writers.get(op._inputs[0]._op, 0) + 1
    for op in assigned:
        if op._type == "Assign" and writers[op._inputs[0]._op] == 1:
            found |= _counting_for(op, needed, fed)
    return found


_ASSIGNS = frozenset(("Assign", "AssignAdd", "AssignSub"))
_ADDS_TO_RESOURCES = frozenset(("AssignAddVariableOp", "AssignSubVariableOp"))
_REFERENCES = frozenset(("VariableV2", "Variable"))


def _has_few_elements(op: Operation) -> bool:
    shape = op._outputs[0]._shape
    return shape is not None and None not in shape and math.prod(d or 0 for d in shape) <= _FEW


def _adding(assign: Operation, needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    """What adds a constant to a small resource variable, if nothing else sets it or has to run before.

    A read that is only fetched, and with it what came of adding, goes before: `run([step, step.assign_add(1)])` gives
    both values in TF.
    """
    handle, delta = (t._op for t in assign._inputs)
    if (
        delta._type != "Const"
        or not _has_few_elements(delta)
        or any(op._control_inputs for op in (assign, handle, delta))
    ):
        return set()
    if handle._outputs[0] in fed or delta._outputs[0] in fed:
        return set()
    takers = [op for op in needed if any(t._op is handle for t in op._inputs)]
    if any(op is not assign and op._type not in READ_ONLY_TYPES for op in takers):
        return set()
    found = {assign, handle, delta}
    if any(assign in op._control_inputs for op in takers):
        taken = {t._op for op in needed for t in op._inputs}
        found.update(op for op in takers if op._id < assign._id and op not in taken and not op._control_inputs)
    return found


def _counting_for(assign: Operation, needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    variable = assign._inputs[0]._op
    if assign._control_inputs or not _has_few_elements(variable):
        return set()
    found, reads, pending = {assign}, False, [assign._inputs[1]]
    while pending:
        tensor = pending.pop()
        op = tensor._op
        if tensor in fed or op in found:
            continue
        reader = reader_of(tensor)
        reads = reads or (reader is not None and reader._inputs[0]._op is variable)
        record = RECORDS.get(op._type)
        simple = op._type == "Const" or (record is not None and record.numpy is not None and not record.effect)
        if op is not variable and (not simple or op._control_inputs or len(found) > _SHORT):
            return set()
        found.add(op)
        pending.extend(op._inputs)
    return found | {variable} if reads else set()
