"""Structure out of a flat graph: the operations of a plan become plain steps, conds and loops, in a fixed order.

Nothing here relies on the contexts that `tf.cond` and `tf.while_loop` leave behind: what belongs to a branch or a loop
is read from the Switch, Merge, Enter and Exit operations, so that imported graphs, and gradients (which TF builds
outside of all contexts), are understood the same way.

* An operation lies in the frames that its inputs have been led into by Enter.
* An operation is *guarded* by the predicates of the Switches that its inputs passed: it runs only if they hold.

`schedule` gives a list of steps. A step is an `Operation`, a `CondStep` (what one predicate guards, as far as it can
run together) or a `LoopStep`. Loops are steps of their surroundings; branches and bodies are lists of steps again.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from retrograph.framework.operation import Operation, Tensor

Frames = tuple[str, ...]
Guard = frozenset[tuple[Tensor, int]]
Step = Union[Operation, "CondStep", "LoopStep"]

FLOW_TYPES = frozenset(
    (
        "Switch",
        "RefSwitch",
        "Merge",
        "RefMerge",
        "Enter",
        "RefEnter",
        "Exit",
        "RefExit",
        "NextIteration",
        "RefNextIteration",
    )
)
_NOTHING: Guard = frozenset()


@dataclass(eq=False)
class CondStep:
    """Operations that run if `pred` is true, others that run if it is false, and the Merges that join their results.

    `exports` are results of a branch that steps after this one take without a Merge; they are guarded themselves.
    """

    pred: Tensor
    branches: tuple[list[Step], list[Step]]
    merges: list[tuple[Operation, int]]
    exports: tuple[list[Tensor], list[Tensor]]
    order: int

    @property
    def ops(self) -> Iterator[Operation]:
        """Every operation in it."""
        for branch in self.branches:
            yield from operations(branch)
        for merge, _ in self.merges:
            yield merge


@dataclass(eq=False)
class LoopStep:
    """A while loop. Its variables are the Merges with a back edge.

    `enters` are all its Enter operations, `variables` tells for each Merge its Enter and its NextIteration.
    `head` decides about going on (it runs once more than `body`), `tail` gives the results (the Exits).
    """

    frame: str
    variables: list[LoopVariable]
    enters: list[Operation]
    pred: Tensor | None
    head: list[Step]
    body: list[Step]
    tail: list[Step]
    exits: list[Operation]
    order: int
    all_ops: list[Operation] = field(default_factory=list)

    @property
    def ops(self) -> Iterator[Operation]:
        """Every operation in it."""
        return iter(self.all_ops)

    @property
    def inputs(self) -> list[Tensor]:
        """What it takes from outside, through its Enters."""
        return [op.inputs[0] for op in self.enters]


@dataclass(eq=False)
class LoopVariable:
    """One variable of a loop: how it enters, where it stands at the head, what leads it round."""

    enter: Operation
    merge: Operation
    back: Operation


def operations(steps: Iterable[Step]) -> Iterator[Operation]:
    """Every operation in the steps, however deep."""
    for step in steps:
        if isinstance(step, Operation):
            yield step
        else:
            yield from step.ops


def has_flow(ops: Iterable[Operation]) -> bool:
    """Whether there is anything to find: without gates every operation is a step."""
    return any(op.type in FLOW_TYPES for op in ops)


def _is_merge(op: Operation) -> bool:
    return op.type in ("Merge", "RefMerge")


def _is_next(op: Operation) -> bool:
    return op.type in ("NextIteration", "RefNextIteration")


def _is_enter(op: Operation) -> bool:
    return op.type in ("Enter", "RefEnter")


def _is_exit(op: Operation) -> bool:
    return op.type in ("Exit", "RefExit")


def _is_switch(op: Operation) -> bool:
    return op.type in ("Switch", "RefSwitch")


def _predicate(switch: Operation) -> Tensor:
    """The tensor that decides: a cond's ops see its predicate through an Identity, its pivots do not."""
    pred = switch.inputs[1]
    if pred.op.type == "Identity" and pred.op.name.rpartition("/")[2].startswith("pred_id"):
        return pred.op.inputs[0]  # type: ignore[no-any-return]
    return pred  # type: ignore[no-any-return]


def schedule(
    ops: Sequence[Operation],
    fed: Iterable[Tensor] = (),
    after: Mapping[Operation, Sequence[Operation]] | None = None,
    wanted: Iterable[Tensor] = (),
) -> list[Step]:
    """The steps that run `ops` (all that is needed, `fed` tensors excepted), first created first where there is a choice.

    `after` adds orderings (operation -> those that must run before it). `wanted` are tensors that must have a value at
    the end.

    Raises: ValueError for a cycle that is not a loop.
    """
    return _Analysis(ops, frozenset(fed), after or {}, frozenset(wanted)).steps()


class _Analysis:
    def __init__(
        self,
        ops: Sequence[Operation],
        fed: frozenset[Tensor],
        after: Mapping[Operation, Sequence[Operation]],
        wanted: frozenset[Tensor],
    ) -> None:
        self.ops = sorted(set(ops), key=_creation)
        self.known = frozenset(self.ops)
        self.fed = fed
        self.after = after
        self.wanted = wanted
        self.frames: dict[Operation, Frames] = {}
        self.users: dict[Tensor, list[Operation]] = defaultdict(list)
        for op in self.ops:
            for tensor in op.inputs:
                self.users[tensor].append(op)

    def steps(self) -> list[Step]:
        for op in self._creation_respecting_order():
            self.frames[op] = self._frames_of(op)
        return self._level((), self.ops)

    def inputs_of(self, op: Operation) -> Iterator[Operation]:
        """The operations that must run before `op`, within the same round of a loop."""
        back_edges = _is_merge(op)
        for tensor in op.inputs:
            producer = tensor.op
            if producer in self.known and tensor not in self.fed and not (back_edges and _is_next(producer)):
                yield producer
        yield from (x for x in op.control_inputs if x in self.known)
        yield from (x for x in self.after.get(op, ()) if x in self.known)

    def _creation_respecting_order(self) -> list[Operation]:
        return _ordered(self.ops, {op: set(self.inputs_of(op)) for op in self.ops})

    def _frames_of(self, op: Operation) -> Frames:
        if _is_enter(op):
            return (*self._out_frames(op.inputs[0].op), op.attrs["frame_name"].decode())
        data = list(self.inputs_of(op))
        return max((self._out_frames(x) for x in data), key=len, default=())

    def _out_frames(self, op: Operation) -> Frames:
        frames = self.frames.get(op, ())
        return frames[:-1] if _is_exit(op) else frames

    def _level(self, prefix: Frames, ops: Sequence[Operation]) -> list[Step]:
        """The steps of the operations inside the frames `prefix`, loops further in contracted."""
        units = self._units(prefix, ops)
        return _Scheduler(self, units).run(list(units), _NOTHING)

    def _units(self, prefix: Frames, ops: Sequence[Operation]) -> dict[_Unit, None]:
        depth = len(prefix)
        units: dict[_Unit, None] = {}
        loops: dict[str, _Unit] = {}
        for op in ops:
            frames = self.frames[op]
            if len(frames) == depth:
                units[_Unit([op], None)] = None
                continue
            frame = frames[depth]
            if frame not in loops:
                loops[frame] = _Unit([], frame)
                units[loops[frame]] = None
            loops[frame].ops.append(op)
        for frame, unit in loops.items():
            unit.step = self._loop((*prefix, frame), unit.ops)
        return units

    def _loop(self, prefix: Frames, ops: list[Operation]) -> LoopStep:
        enters = [op for op in ops if _is_enter(op) and len(self.frames[op]) == len(prefix)]
        by_output = {op.outputs[0]: op for op in enters}
        variables = []
        for op in ops:
            backs = [x.op for x in op.inputs if _is_next(x.op)] if _is_merge(op) else []
            if backs and len(self.frames[op]) == len(prefix):
                enter = next(by_output[x] for x in op.inputs if x in by_output)
                variables.append(LoopVariable(enter, op, backs[0]))
        preds = {op.inputs[1] for op in ops if _is_switch(op) and op.inputs[1].op.type == "LoopCond"}
        preds = {p for p in preds if self.frames.get(p.op) == prefix}
        pred = min(preds, key=lambda p: _creation(p.op)) if preds else None
        exits = [op for op in ops if _is_exit(op) and len(self.frames[op]) == len(prefix)]
        skipped = {*enters, *(v.merge for v in variables)}
        units = self._units(prefix, [op for op in ops if op not in skipped])
        scheduler = _Scheduler(self, units)
        head, body, tail = scheduler.parts(pred)
        order = min(_creation(op) for op in ops)
        return LoopStep(prefix[-1], variables, enters, pred, head, body, tail, exits, order, ops)


class _Unit:
    """An operation, or all those of a loop, as one thing to be ordered."""

    __slots__ = ("frame", "ops", "order", "step")

    def __init__(self, ops: list[Operation], frame: str | None) -> None:
        self.ops = ops
        self.frame = frame
        self.step: Step = ops[0] if ops else None  # type: ignore[assignment]

    @property
    def creation(self) -> int:
        return _creation(self.ops[0])


class _Scheduler:
    """Orders the units of one level and gathers what is guarded."""

    def __init__(self, analysis: _Analysis, units: Iterable[_Unit]) -> None:
        self.analysis = analysis
        self.units = list(units)
        self.unit_of = {op: unit for unit in self.units for op in unit.ops}
        self.before = {unit: self._before(unit) for unit in self.units}
        self.guards: dict[_Unit, Guard] = {}
        self.closing: dict[_Unit, Tensor] = {}
        for unit in _ordered(self.units, self.before):
            self.guards[unit] = self._guard(unit)
        self.decided_by = self._decided_by()

    def _decided_by(self) -> dict[Tensor, list[_Unit]]:
        """For each predicate what runs only if it is known: what it guards, and the Merges that close it."""
        found: dict[Tensor, list[_Unit]] = defaultdict(list)
        for unit, guard in self.guards.items():
            for pred, _ in guard:
                found[pred].append(unit)
        for unit, pred in self.closing.items():
            found[pred].append(unit)
        return found

    def _before(self, unit: _Unit) -> set[_Unit]:
        sources = (x for op in unit.ops for x in self.analysis.inputs_of(op))
        found = {self.unit_of[x] for x in sources if x in self.unit_of}
        found.discard(unit)
        return found

    # ---- guards

    def _tensor_guard(self, tensor: Tensor) -> Guard:
        producer = tensor.op
        unit = self.unit_of.get(producer)
        if unit is None or tensor in self.analysis.fed:
            return _NOTHING
        guard = self.guards.get(unit, _NOTHING)
        if unit.frame is None and _is_switch(producer):
            return guard | {(_predicate(producer), tensor.value_index)}
        return guard

    def _guard(self, unit: _Unit) -> Guard:
        op = unit.ops[0]
        if unit.frame is None and _is_merge(op):
            return self._merge_guard(unit, op)
        guard: set[tuple[Tensor, int]] = set()
        for member in unit.ops:
            for tensor in member.inputs:
                if self.unit_of.get(tensor.op) is not unit:
                    guard |= self._tensor_guard(tensor)
            for control in member.control_inputs:
                other = self.unit_of.get(control)
                if other is not None and other is not unit:
                    guard |= self.guards.get(other, _NOTHING)
        return frozenset(guard)

    def _merge_guard(self, unit: _Unit, merge: Operation) -> Guard:
        guards = [self._tensor_guard(x) for x in merge.inputs]
        common = frozenset.intersection(*guards)
        if len(guards) == 2:
            opposite = [p for p, side in guards[0] if (p, 1 - side) in guards[1]]
            if opposite:
                self.closing[unit] = min(opposite, key=lambda p: _creation(p.op))
        return common | frozenset(
            item for control in merge.control_inputs if control in self.unit_of for item in self._control_guard(control)
        )

    def _control_guard(self, control: Operation) -> Guard:
        return self.guards.get(self.unit_of[control], _NOTHING)

    # ---- order

    def parts(self, pred: Tensor | None) -> tuple[list[Step], list[Step], list[Step]]:
        """(before the loop's condition, what runs if it holds, what runs when it does not hold any more)."""
        sides: dict[int, list[_Unit]] = {-1: [], 0: [], 1: []}
        for unit in self.units:
            side = next((s for p, s in self.guards[unit] if p is pred), -1) if pred is not None else -1
            sides[side].append(unit)
        head, tail, body = (
            self.run(sides[side], _NOTHING if side < 0 or pred is None else frozenset([(pred, side)]))
            for side in (-1, 0, 1)
        )
        return head, body, tail

    def run(self, units: Sequence[_Unit], assumed: Guard) -> list[Step]:
        """The steps of `units`, given that the guards `assumed` hold and that all other units have run."""
        return _Run(self, units, assumed).steps()


class _Run:
    def __init__(self, scheduler: _Scheduler, units: Sequence[_Unit], assumed: Guard) -> None:
        self.scheduler = scheduler
        members = set(units)
        self.members = members
        self.assumed = assumed
        self.waiting = {unit: scheduler.before[unit] & members for unit in units}
        self.users: dict[_Unit, list[_Unit]] = defaultdict(list)
        for unit, sources in self.waiting.items():
            for source in sources:
                self.users[source].append(unit)
        self.plain: list[tuple[int, int, _Unit]] = []
        self.guarded: list[tuple[int, int, _Unit]] = []
        self.done: set[_Unit] = set()
        self.count = 0
        for unit in units:
            if not self.waiting[unit]:
                self._ready(unit)

    def _guard(self, unit: _Unit) -> Guard:
        return self.scheduler.guards[unit] - self.assumed

    def _ready(self, unit: _Unit) -> None:
        self.count += 1
        is_plain = not self._guard(unit) and self._closing(unit) is None
        heapq.heappush(self.plain if is_plain else self.guarded, (unit.creation, self.count, unit))

    def _closing(self, unit: _Unit) -> Tensor | None:
        pred = self.scheduler.closing.get(unit)
        return None if pred is None or any(p is pred for p, _ in self.assumed) else pred

    def _finish(self, unit: _Unit) -> None:
        self.done.add(unit)
        for user in self.users[unit]:
            self.waiting[user].discard(unit)
            if not self.waiting[user] and user not in self.done:
                self._ready(user)

    def steps(self) -> list[Step]:
        result: list[Step] = []
        while self.plain or self.guarded:
            if self.plain:
                unit = heapq.heappop(self.plain)[2]
                if unit not in self.done:
                    result.append(unit.step)
                    self._finish(unit)
                continue
            unit = self.guarded[0][2]
            if unit in self.done:
                heapq.heappop(self.guarded)
                continue
            result.append(self._cond(unit))
        if len(self.done) != len(self.members):
            stuck = min(self.members - self.done, key=lambda u: u.creation)
            raise ValueError(f"Operations depend on each other in a cycle: '{stuck.ops[0].name}'")
        return result

    def _cond(self, first: _Unit) -> CondStep:
        pred = self._outermost(first)
        sides: tuple[list[_Unit], list[_Unit]] = ([], [])
        merges: list[_Unit] = []
        taken: set[_Unit] = set()
        candidates = [entry for entry in self.guarded if entry[2] not in self.done]
        heapq.heapify(candidates)
        while candidates:
            unit = heapq.heappop(candidates)[2]
            if unit in taken:
                continue
            side = next((s for p, s in self._guard(unit) if p is pred), None)
            if side is not None:
                sides[side].append(unit)
            elif self._closing(unit) is pred and not self._guard(unit):
                merges.append(unit)
            else:
                continue
            taken.add(unit)
            if side is None:
                # What a Merge gives is there after the step only.
                continue
            for user in self.users[unit]:
                if user not in taken and self.waiting[user] <= taken:
                    heapq.heappush(candidates, (user.creation, len(taken), user))
        return self._finished_cond(pred, sides, merges, taken)

    def _outermost(self, unit: _Unit) -> Tensor:
        """Of the predicates that guard a unit the one that is known already: others may depend on it."""
        guard = self._guard(unit)
        closing = self._closing(unit)
        preds = [p for p, _ in guard] or ([closing] if closing is not None else [])
        free = [p for p in preds if not self._pred_guard(p)]
        return min(free or preds, key=lambda p: _creation(p.op))

    def _pred_guard(self, pred: Tensor) -> Guard:
        return self.scheduler._tensor_guard(pred) - self.assumed

    def _finished_cond(
        self, pred: Tensor, sides: tuple[list[_Unit], list[_Unit]], merges: list[_Unit], taken: set[_Unit]
    ) -> CondStep:
        branches = tuple(self.scheduler.run(sides[side], self.assumed | {(pred, side)}) for side in (0, 1))
        exports = tuple(self._exports(sides[side], taken) for side in (0, 1))
        joined = [(unit.ops[0], self._side_of_first_input(unit.ops[0], pred)) for unit in merges]
        order = min(unit.creation for unit in taken)
        for unit in taken:
            self.done.add(unit)
        for unit in sorted(taken, key=lambda u: u.creation):
            self._finish(unit)
        return CondStep(pred, branches, joined, exports, order)  # type: ignore[arg-type]

    def _side_of_first_input(self, merge: Operation, pred: Tensor) -> int:
        guard = self.scheduler._tensor_guard(merge.inputs[0])
        return next(s for p, s in guard if p is pred)

    def _exports(self, units: list[_Unit], taken: set[_Unit]) -> list[Tensor]:
        analysis, unit_of, decided_by = self.scheduler.analysis, self.scheduler.unit_of, self.scheduler.decided_by
        found = []
        for unit in units:
            outputs = [t for op in unit.ops if unit.frame is None or _is_exit(op) for t in op.outputs]
            for tensor in outputs:
                users = analysis.users.get(tensor, ())
                later = any(unit_of.get(op) not in taken for op in users)
                if later or tensor in analysis.wanted or any(u not in taken for u in decided_by.get(tensor, ())):
                    found.append(tensor)
        return found


def _creation(op: Operation) -> int:
    return op._id


def _order_key(item: Operation | _Unit) -> int:
    return item.creation if isinstance(item, _Unit) else item._id


def _ordered(items: Sequence[Any], before: Mapping[Any, set[Any]]) -> list[Any]:
    """The items so that each stands after those `before` it; the first created first where there is a choice."""
    missing = {item: len(before[item]) for item in items}
    users: dict[Any, list[Any]] = defaultdict(list)
    for item in items:
        for source in before[item]:
            users[source].append(item)
    ready = [(_order_key(item), i, item) for i, item in enumerate(items) if not missing[item]]
    heapq.heapify(ready)
    result = []
    count = len(items)
    while ready:
        item = heapq.heappop(ready)[2]
        result.append(item)
        for user in users[item]:
            missing[user] -= 1
            if not missing[user]:
                count += 1
                heapq.heappush(ready, (_order_key(user), count, user))
    if len(result) != len(items):
        raise ValueError("Operations depend on each other in a cycle")
    return result


def loop_exits(exit_op: Operation) -> list[Operation]:
    """All the Exits of the loop that `exit_op` leaves, in order of creation."""
    condition = exit_op.inputs[0].op.inputs[1]
    switches = [op for op in condition.consumers() if op.type in ("Switch", "RefSwitch") and op.inputs[1] is condition]
    exits = [op for s in switches for op in s.outputs[0].consumers() if op.type in ("Exit", "RefExit")]
    return sorted(dict.fromkeys(exits), key=lambda op: op._id)


def frame_of(exit_op: Operation) -> str:
    """The name of the frame that `exit_op` leaves."""
    merge = exit_op.inputs[0].op.inputs[0].op
    enter = next(t.op for t in merge.inputs if t.op.type in ("Enter", "RefEnter"))
    return enter.attrs["frame_name"].decode()  # type: ignore[no-any-return]


def loop_operations(exit_op: Operation) -> list[Operation]:
    """The operations that give the Exits of the loop their values, from its Enters on."""
    frame = frame_of(exit_op)
    found: dict[Operation, None] = {}
    pending: list[Operation] = loop_exits(exit_op)
    while pending:
        op = pending.pop()
        if op in found:
            continue
        found[op] = None
        if op.type in ("Enter", "RefEnter") and op.attrs["frame_name"] == frame.encode():
            continue
        pending.extend(t.op for t in op.inputs)
        pending.extend(op.control_inputs)
    return sorted(found, key=lambda op: op._id)
