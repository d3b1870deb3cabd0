"""What a compiled segment leaves to the host because it depends on values that change from run to run.

A value that a lowering must know (where a slice begins) is part of the key of the compiled program. If it is another one in
each run, as an index from a queue is, then the operation that must know it had better run on NumPy values, before the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import Instruction

# Programs compiled for different values before the segment is divided; operations that the host may take over.
MOST_KEYS, _MOST_OPS = 3, 48


def hoisted(items: Iterable[Any], static: Iterable[Tensor]) -> tuple[list[Any], list[Any]] | None:
    """Items that run on the host first, and the rest; None if nothing can be taken out.

    `static` are the inputs of the segment whose values are parts of the key.
    """
    items = list(items)
    makers = {item.op: item for item in items if item.__class__ is Instruction}
    found: set[Operation] = set()
    for item in _needing(items, static):
        sources = simple_sources(item.op, makers, {op for i in items if i.__class__ is not Instruction for op in i.ops})
        if sources is not None:
            found |= sources
    if not found or len(found) > _MOST_OPS:
        return None
    host = [item for item in items if item.__class__ is Instruction and item.op in found]
    return host, [item for item in items if item not in host]


def _needing(items: list[Any], static: Iterable[Tensor]) -> list[Any]:
    """The instructions that must know a value which comes from `static`."""
    derived = set(static)
    found = []
    for item in items:
        if item.__class__ is not Instruction:
            continue
        inputs = item.op._inputs
        if any(inputs[i] in derived for i in item.static):
            found.append(item)
        if any(t in derived for t in inputs):
            derived.update(item.op._outputs)
    return found


def simple_sources(op: Operation, makers: dict[Operation, Any], in_regions: set[Operation]) -> set[Operation] | None:
    """The operations of the segment that this one needs, and it; None if not all are simple functions on NumPy values."""
    found: set[Operation] = set()
    pending = [op]
    while pending:
        one = pending.pop()
        if one in found:
            continue
        if one not in makers:
            if one in in_regions:
                return None
            continue
        if not is_simple(one) or any(c in makers or c in in_regions for c in one._control_inputs):
            return None
        found.add(one)
        if len(found) > _MOST_OPS:
            return None
        pending.extend(t._op for t in one._inputs)
    return found


def is_simple(op: Operation) -> bool:
    """Whether the operation is a function on NumPy values."""
    if op._type == "Const":
        return True
    record = RECORDS.get(op._type)
    return record is not None and record.numpy is not None and not record.effect
