"""Variables that are updated in place: their updates wait for what still reads the old value.

XLA writes a donated variable's new value into the variable's memory, but copies the variable first, at every step, if
anything may read it later. A product with the weights of a layer that leads to the gradient of the layer before, not to
their own update, is such a reader: nothing says that it comes first. So the update is made to depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.unknowable import unknowably_true_of
from retrograph.runtime.chains import SMALL
from retrograph.runtime.lower import Instruction
from retrograph.runtime.places import taken_by
from retrograph.runtime.state import HANDLE_TYPES

_LEAST_ELEMENTS = 1 << 12
_MOST_VISITED = 500
_MOST_READERS = 3
_READS = frozenset(("Identity", "ReadVariableOp"))
_ASSIGNMENTS = frozenset(
    ("Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")
)


def last_readers(items: Sequence[Any], wanted: Iterable[Tensor]) -> dict[Operation, tuple[Tensor, Tensor]]:
    """For updates of large variables: the tensor that they take, and one that reads the variable beside them.

    Of several readers it is the last one that does not lead to the update: derivatives come in the order in which each
    needs the one before. What XLA leaves out, as nothing takes it (the derivative by a net's input), is no reader.
    """
    live = _live(items, wanted)
    ops = [item.op for item in items if item.__class__ is Instruction]
    places = {op: i for i, op in enumerate(ops)}
    readers: dict[Operation, list[Operation]] = {}
    found = {}
    for op in ops:
        taken = _taken_by_update(op)
        if taken is not None:
            last = reversed(readers.get(op._inputs[0]._op, [])[-_MOST_READERS:])
            reader = next((reader for reader in last if not _leads_to(reader, taken, places)), None)
            if reader is not None:
                found[op] = taken, reader._outputs[0]
        elif op._type not in _READS and len(op._outputs) == 1 and op._outputs[0] in live:
            for tensor in op._inputs:
                variable = _read_variable(tensor)
                if variable is not None:
                    readers.setdefault(variable, []).append(op)
    return found


def _live(items: Sequence[Any], wanted: Iterable[Tensor]) -> set[Tensor]:
    """What the wanted tensors and the effects are computed from."""
    live = set(wanted)
    for item in reversed(items):
        if item.__class__ is not Instruction or item.effect or not live.isdisjoint(item.outputs):
            live.update(taken_by(item))
    return live


def _read_variable(tensor: Tensor) -> Operation | None:
    op = tensor._op
    while op._type in _READS:
        op = op._inputs[0]._op
    return op if op._type in HANDLE_TYPES else None


def _taken_by_update(op: Operation) -> Tensor | None:
    """What an operation computes a large variable's new value from, element by element, or None."""
    if not op._inputs or op._inputs[0]._op._type not in HANDLE_TYPES:
        return None
    if op._type in _ASSIGNMENTS:
        taken = op._inputs[1] if op._inputs[1]._op._type in SMALL else None
    else:
        taken = _gradient_of(op)
    return taken if taken is not None and (taken.shape.num_elements() or 0) >= _LEAST_ELEMENTS else None


def _gradient_of(op: Operation) -> Tensor | None:
    definition = find_op_def(op._type) if "Apply" in op._type and "Sparse" not in op._type else None
    names: Sequence[str] = [] if definition is None else [given.name for given in definition.inputs]
    place = next((i for i, name in enumerate(names) if name in ("grad", "delta")), None)
    return None if place is None else op._inputs[place]


def _leads_to(reader: Operation, taken: Tensor, places: dict[Operation, int]) -> bool:
    """Whether a tensor is computed from what the reader gives, or whether that takes long to tell."""
    first, seen, left = places[reader], set[Operation](), [taken._op]
    while left:
        op = left.pop()
        if op is reader or len(seen) > _MOST_VISITED:
            return True
        if op not in seen and places.get(op, -1) > first:
            seen.add(op)
            left += [t._op for t in op._inputs]
    return False


def after(value: Any, reader: Any) -> Any:
    """`value`, as something that XLA must compute after `reader`."""
    return value * unknowably_true_of(reader).astype(value.dtype)
