"""Where the items of a plan run: on the host or in compiled programs, in as few pieces as their order allows.

An item is an instruction or a region (a control-flow construct). What runs on the host and is only fetched, such as a
summary, waits until the compiled step is done, so that the step stays in one piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retrograph.framework.op_table import RECORDS, find_op_def
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import Instruction, is_gated, is_read_of_reference
from retrograph.runtime.state import HANDLE_TYPES, READ_ONLY_TYPES, cell_key

_HOST_TYPES = frozenset(("string", "variant"))
_AT_HAND = HANDLE_TYPES | {"Const"}
_EARLY, _LATE = "early", "late"


def ops_of(item: Any) -> list[Operation]:
    """The operations of an item."""
    return [item.op] if item.__class__ is Instruction else item.ops


def taken_by(item: Any) -> list[Tensor]:
    """The tensors that an item takes, those that it makes itself among them."""
    return [*(t for op in ops_of(item) for t in op._inputs), *getattr(item, "needs", ())]


def is_host(item: Any) -> bool:
    """Whether an item has to run on the host."""
    return any(_is_host_op(op) for op in ops_of(item))


def _is_host_op(op: Operation) -> bool:
    record = RECORDS.get(op._type)
    if record is None or op._type == "Const" or (record.padded is not None and "_padded" in op._attrs):
        return False
    if op._type == "Assert":
        # Its texts are mostly constants, which a compiled check need not see.
        return any(t._dtype._base.name in _HOST_TYPES and t._op._type != "Const" for t in op._inputs)
    if record.on_host(op) or (record.lower is None and record.numpy is not None and record.effect):
        return True
    return any(t._dtype._base.name in _HOST_TYPES for t in (*op._inputs, *op._outputs)) or _asks_texts(op)


def _asks_texts(op: Operation) -> bool:
    """Whether an operation asks something of a TensorArray of texts, such as its size: its contents stay on the host."""
    if op._type != "TensorArraySizeV3":
        return False
    made = op._inputs[0]._op
    return made._type == "TensorArrayV3" and made._attrs["dtype"]._base.name in _HOST_TYPES


def handles_behind(tensor: Tensor) -> set[Operation]:
    """The variable operations that a reference or resource tensor may come from."""
    found, pending, seen = set(), [tensor], set()
    while pending:
        t = pending.pop()
        if t in seen:
            continue
        seen.add(t)
        if t._op._type in HANDLE_TYPES:
            found.add(t._op)
        elif t._op._type == "Placeholder" and t._op._graph.building_function:
            # What a function captures is the very handle outside.
            pending.extend(s for s in (t._op._graph.sources.get(t),) if s is not None)  # type: ignore[attr-defined]
        else:
            pending.extend(i for i in t._op._inputs if is_handle(i))
    return found


def is_handle(tensor: Tensor) -> bool:
    """Whether a tensor says which variable is meant, not what is in it."""
    return tensor._dtype._is_ref or tensor._dtype._base.name == "resource" or is_read_of_reference(tensor)


def _before_gates(tensor: Tensor) -> Tensor:
    """What a branch or a loop's body sees as this tensor: the read of a variable may be a reference inside too."""
    while is_gated(tensor):
        tensor = tensor._op._inputs[0]
    return tensor


class Cells:
    """The cells that a list of operations may read or write."""

    def __init__(self, ops: Iterable[Operation]):
        self.read: dict[Any, Operation] = {}
        self.written: dict[Any, Operation] = {}
        self.streams: list[Operation] = []
        for op in ops:
            record = RECORDS.get(op._type)
            effect = record is not None and record.effect
            if effect and "seed2" in op._attrs:
                self.streams.append(op)
            for tensor in op._inputs:
                if is_handle(tensor):
                    writes = op._type not in READ_ONLY_TYPES and (effect or op._type not in RECORDS)
                    (self.written if writes else self.read).update({cell_key(h): h for h in handles_behind(tensor)})
                elif is_handle(outside := _before_gates(tensor)):
                    self.read.update({cell_key(h): h for h in handles_behind(outside)})
            if op._type in HANDLE_TYPES:
                self.read.setdefault(cell_key(op), op)
        for key in self.written:
            self.read.pop(key, None)


# ---- moving what is only fetched


def _is_movable(item: Any) -> bool:
    """Whether an item is a host operation that gives the same whenever it runs, but for the variables that it reads."""
    if item.__class__ is not Instruction or not _is_host_op(item.op):
        return False
    record, definition = RECORDS[item.op._type], find_op_def(item.op._type)
    if record.effect or record.numpy is None or definition is None or definition.stateful:
        return False
    return all(t._dtype._base.name not in ("resource", "variant") for t in (*item.op._inputs, *item.op._outputs))


def _followers(items: list[Any]) -> list[set[int]]:
    """For each item the places of those that take its results or wait for it."""
    place_of = {op: place for place, item in enumerate(items) for op in ops_of(item)}
    found: list[set[int]] = [set() for _ in items]
    for place, item in enumerate(items):
        before = {t._op for t in taken_by(item)}.union(*(op._control_inputs for op in ops_of(item)))
        for op in before:
            if op in place_of and place_of[op] != place:
                found[place_of[op]].add(place)
    return found


def _writes(items: list[Any]) -> dict[Any, list[int]]:
    """For each cell the places of the items that write it."""
    found: dict[Any, list[int]] = {}
    for place, item in enumerate(items):
        for key in Cells(ops_of(item)).written:
            found.setdefault(key, []).append(place)
    return found


def _is_at_hand(tensor: Tensor, running: set[Operation]) -> bool:
    """Whether a tensor has its value before anything has run: it is fed, a constant, or the value of a variable."""
    op = tensor._op
    return (
        op not in running
        or op._type in _AT_HAND
        or (is_read_of_reference(tensor) and op._inputs[0]._op._type in HANDLE_TYPES)
    )


def _moves(items: list[Any]) -> dict[int, str]:
    """Which items run before or after all others, by place."""
    movable = [_is_movable(item) for item in items]
    if not any(movable):
        return {}
    followers, writes = _followers(items), _writes(items)
    running = {op for item in items for op in ops_of(item)}
    moved: dict[int, str] = {}
    for place in range(len(items) - 1, -1, -1):
        if not movable[place] or any(moved.get(f) != _LATE for f in followers[place]):
            continue
        op = items[place].op
        touched = [w for key in Cells([op]).read for w in writes.get(key, ())]
        if all(w < place for w in touched):
            moved[place] = _LATE
        elif (
            all(w > place for w in touched)
            and not op._control_inputs
            and all(_is_at_hand(t, running) for t in op._inputs)
        ):
            moved[place] = _EARLY
    return moved


def groups(items: list[Any]) -> list[tuple[bool, list[Any]]]:
    """(whether on the host, items) in the order in which they run."""
    moves = _moves(items)
    early = [item for place, item in enumerate(items) if moves.get(place) == _EARLY]
    wanted = {t._op for item in early for t in item.inputs}
    reads = [i for i in items if early and i.__class__ is Instruction and i.op in wanted and i.op._type == "Identity"]
    found: list[tuple[bool, list[Any]]] = [(True, [*reads, *early])] if early else []
    kept = [(is_host(item), item) for place, item in enumerate(items) if place not in moves]
    late = [(True, item) for place, item in enumerate(items) if moves.get(place) == _LATE]
    for host, item in (*kept, *late):
        if not found or found[-1][0] != host:
            found.append((host, []))
        found[-1][1].append(item)
    return _without_detours(found)


def _without_detours(found: list[tuple[bool, list[Any]]]) -> list[tuple[bool, list[Any]]]:
    """The same, but what compiled programs compute before a host step that does not need it comes after it."""
    result: list[tuple[bool, list[Any]]] = []
    for place, (host, items) in enumerate(found):
        goes_on = place + 1 < len(found)
        if host and goes_on and result and not result[-1][0] and not _has_cells(items):
            needed, rest = _split(result[-1][1], items)
            result[-1:] = [(False, needed)] if needed else []
            if result and result[-1][0]:
                result[-1][1].extend(items)
            else:
                result.append((True, items))
            if rest:
                result.append((False, rest))
        elif result and result[-1][0] == host:
            result[-1][1].extend(items)
        else:
            result.append((host, items))
    return result


def _has_cells(items: list[Any]) -> bool:
    ops = [op for item in items for op in ops_of(item)]
    cells = Cells(ops)
    calls = any((record := RECORDS.get(op._type)) is not None and (record.waits or op._type in _CALLS) for op in ops)
    return bool(cells.read or cells.written or calls)


_CALLS = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc", "Print", "PrintV2", "Assert"))


def _split(items: list[Any], later: list[Any]) -> tuple[list[Any], list[Any]]:
    """Of the items those that later ones take from or wait for, and the others."""
    wanted = _needs(later)
    needed, rest = [], []
    for item in reversed(items):
        ops = ops_of(item)
        if any(op in wanted for op in ops):
            needed.append(item)
            wanted |= _needs([item])
        else:
            rest.append(item)
    return needed[::-1], rest[::-1]


def _needs(items: list[Any]) -> set[Operation]:
    found = {t._op for item in items for t in taken_by(item)}
    return found.union(*(op._control_inputs for item in items for op in ops_of(item)))
