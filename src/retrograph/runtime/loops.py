"""Loops: `lax.scan`, `lax.while_loop`, or round by round where values are known.

A loop whose number of rounds follows from known values is a `lax.scan`, which can be differentiated; if its values change
their shapes, it is written out round by round. Any other loop is a `lax.while_loop`. Variables that a body writes are
carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.conds import Join
from retrograph.runtime.counting import Count, count_rounds
from retrograph.runtime.growing import Growth, most_rounds
from retrograph.runtime.loop_derivatives import Differentiable, Differentiation
from retrograph.runtime.lower import Evaluator, HostBudgetError, Instruction, NeedsConcreteError
from retrograph.runtime.pieces import (
    Collector,
    Out,
    Slot,
    Traced,
    array_of,
    as_declared,
    can_carry,
    is_known,
    is_same,
    slot_outside,
    stream_starts,
    taken_from_outside,
    tidy,
)
from retrograph.runtime.regions import LoopStep, Step, frame_of, loop_exits, loop_operations, schedule
from retrograph.runtime.rounds import NeedsRoundsError, rounds_key
from retrograph.runtime.state import StateContext, TraceContext, UnwrittenElementError, initial_stream

# Writing out more rounds than this would make programs that XLA cannot compile in reasonable time.
_MOST_WRITTEN_OUT = 4096
# A loop that NumPy has not finished after this many operations is left to XLA, if it can be.
HOST_BUDGET = 50_000


class _ShapeVariesError(Exception):
    """A loop variable changes its shape, so that no XLA loop can carry it."""


class LoopRegion:
    """A while loop."""

    def __init__(self, step: LoopStep, items_of: Callable[[Iterable[Step]], list[Any]]) -> None:
        self.ops = list(step.ops)
        self.frame = step.frame
        self.variables = step.variables
        self.enters = step.enters
        self.pred = step.pred
        self.items_of = items_of
        self.head, self.body, self.tail = items_of(step.head), items_of(step.body), items_of(step.tail)
        self.exits = step.exits
        self.gradients: list[LoopGradient] = []
        # Whether nobody has found that a step before the program cannot count the rounds.
        self.may_be_counted = True
        made = set(self.ops)
        entering = {op._outputs[0] for op in self.enters}
        self.outside = [t for t in taken_from_outside(self.ops) if t._op not in made] + list(entering)

    # ---- the parts

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives the Exits their values."""
        env = evaluator.env
        self._note_streams(evaluator.context)
        before = dict(evaluator.context.cells) if self.gradients else {}
        wanted = self._to_differentiate(evaluator)
        if wanted:
            taken = Differentiation(self, evaluator, wanted)
            env[("derivative", self.frame)] = taken  # type: ignore[index]
            exits = taken.exits
        else:
            exits = self.run(evaluator)
            # For a derivative that runs the loop again: from what it found.
            changed = {key: before[key] for key in evaluator.context.written & before.keys()}
            env[("before", self.frame)] = changed  # type: ignore[index]
        env.update(zip((op._outputs[0] for op in self.exits), exits, strict=True))

    @property
    def stream_starts(self) -> list[Any]:
        """Keys of the cells in which the loop notes where its random streams stood, if a derivative may need it."""
        return stream_starts(self.ops) if self.gradients else []

    def _note_streams(self, context: StateContext) -> None:
        for key in self.stream_starts:
            if key in context.cells or not isinstance(context, TraceContext):
                state = context.cells.setdefault(key[1], initial_stream(key[1]))
                context.cells[key] = state.copy()
                context.written.add(key)

    def _to_differentiate(self, evaluator: Evaluator) -> list[Tensor]:
        """The inputs whose gradients the plan takes later, as far as this run of the loop can prepare it."""
        if evaluator.host:
            return []
        exits = {op._outputs[0] for op in self.exits}
        ready = [g for g in self.gradients if all(t in exits for t in g.given)]
        wanted = dict.fromkeys(t for g in ready for t in g.wanted)
        return list(wanted) if all(t in evaluator.env for t in wanted) else []

    def run(self, evaluator: Evaluator) -> list[Any]:
        """The values of the Exits."""
        env = evaluator.env
        for op in self.enters:
            if op._outputs[0] not in env:
                value = env[op._inputs[0]]
                shared = op._attrs["is_constant"]
                env[op._outputs[0]] = value if shared else as_declared(evaluator.context, op._outputs[0], value)
        starts = [env[v.enter._outputs[0]] for v in self.variables]
        return self._results(evaluator, starts)

    def _results(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        if self.pred is None and not self.variables:
            # A frame that is entered and left, and nothing goes round.
            return self._finished(evaluator, starts)
        if evaluator.host:
            return self._written_out(evaluator, starts, budget=HOST_BUDGET if self.can_trace else None)
        count = count_rounds(self, evaluator, starts)
        if count is None:
            count = self._counted_ahead(evaluator, starts)
        if count is None and isinstance(evaluator, Differentiable):
            return self._bounded_or_written_out(evaluator, starts)
        if count is None:
            return self._dynamic(evaluator, starts)
        if count.rounds <= 1:
            return self._written_out(evaluator, starts)
        try:
            return self._scan(evaluator, starts, count)
        except (_ShapeVariesError, UnwrittenElementError):
            if count.rounds > _MOST_WRITTEN_OUT:
                raise NeedsConcreteError(self._pred()) from None
        except NeedsConcreteError:
            if count.rounds > _MOST_WRITTEN_OUT:
                raise
        return self._written_out(evaluator, starts)

    def _counted_ahead(self, evaluator: Evaluator, starts: list[Any]) -> Count | None:
        """The rounds that a step before this program has counted."""
        rounds: Any = evaluator.env.get(rounds_key(self))
        if rounds is None or rounds < 0:
            return None
        return count_rounds(self, evaluator, starts, limit=int(rounds))

    def _bounded_or_written_out(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        try:
            return self._bounded(evaluator, starts)
        except NeedsConcreteError:
            if self.can_trace:
                raise
            # What the host must compute may be known beneath, round by round.
            return self._written_out(evaluator, starts, most=_MOST_WRITTEN_OUT)

    def _bounded(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        """As many rounds as there can be at most, those after the last one without effect: this can be differentiated."""
        most = self._at_most(evaluator, starts)
        if most is None:
            self._ask_for_rounds(evaluator)
            return self._written_out(evaluator, starts, most=_MOST_WRITTEN_OUT)
        growth = Growth(self, starts, most, exact=False)
        if growth.counters:
            # How long arrays became is mostly asked for afterwards.
            self._ask_for_rounds(evaluator)
        rows = self._rows_read(evaluator, most)
        carry = _Carry(self, evaluator, growth.starts)
        round_ = carry.settle(self._next_if, lambda values, row: list(values), [r[0] for r in rows.values()], rows)
        state, _ = lax.scan(lambda s, r: (round_(s, r), None), carry.state, list(rows.values()), length=most.rounds)
        return self._finished(evaluator, growth.finished(starts, carry.unpack(state, evaluator.context)))

    def _ask_for_rounds(self, evaluator: Evaluator) -> None:
        if self.may_be_counted and rounds_key(self) not in evaluator.env:
            raise NeedsRoundsError(self)

    def _at_most(self, evaluator: Evaluator, starts: list[Any]) -> Count | None:
        return count_rounds(self, evaluator, starts, at_most=True, limit=most_rounds(self, evaluator.env))

    def _next_if(self, inner: Evaluator, row: Any) -> list[Any]:
        """The variables' next values if the condition holds, else their values as they are."""
        pred = inner.value(self._pred())
        values = [inner.env[v.merge._outputs[0]] for v in self.variables]
        if is_known(pred):
            return self.next_values(inner) if np.asarray(pred).reshape(()) else values
        before = dict(inner.context.cells)

        def body() -> tuple[list[Any], Any]:
            context = TraceContext(dict(before))
            results = self.next_values(inner.inside(context, dict(inner.env), host=False))
            collector = Collector()
            slots = [collector.slot(r) for r in results]
            cells = {key: collector.slot(context.cells[key]) for key in context.written}
            return collector.arrays, (slots, cells)

        def stay() -> tuple[list[Any], Any]:
            collector = Collector()
            return [], ([slot_outside(collector, v) for v in values], {})

        sides = [Traced(stay), Traced(body)]
        join = Join(self._pred(), sides)
        gets = [join.both(a, b) for a, b in zip(sides[0].rest[0], sides[1].rest[0], strict=True)]
        cells = {k: join.both(slot_outside(Collector(), before[k]), slot) for k, slot in sides[1].rest[1].items()}
        join.run(jnp.asarray(pred).reshape(()), in_derivative=True)
        for key, get in cells.items():
            inner.context.cells[key] = get()
            inner.context.written.add(key)
        return [get() for get in gets]

    def _rows_read(self, evaluator: Evaluator, count: Count) -> dict[Tensor, Any]:
        """What TensorArrays that do not change give in each round, read ahead.

        As reads inside the loop they would make its derivative add a whole array in every round.
        """
        found: dict[Tensor, Any] = {}
        for item in (*self.head, *self.body):
            if item.__class__ is not Instruction or item.op.type != "TensorArrayReadV3":
                continue
            flow: Any = evaluator.env.get(item.inputs[2])
            indices = self._counted(item.inputs[1], count)
            if not hasattr(flow, "is_flow") or indices is None or flow.element_shape is None or not len(indices):
                continue
            if indices.min() >= 0 and indices.max() < flow.size:
                found[item.outputs[0]] = jnp.asarray(flow.gather(item.op, indices))
        return found

    def _counted(self, tensor: Tensor, count: Count) -> Any:
        """The values of a tensor in each round, if it is a counter."""
        while tensor._op.type in ("Identity", "Switch"):
            tensor = tensor._op._inputs[0]
        return next((count.values[i] for i in count.values if self.variables[i].merge._outputs[0] is tensor), None)

    def _dynamic(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        try:
            return self._while(evaluator, starts)
        except (_ShapeVariesError, UnwrittenElementError):
            # The condition may be known round by round, if it is about the shapes.
            return self._written_out(evaluator, starts, most=_MOST_WRITTEN_OUT)

    @property
    def can_trace(self) -> bool:
        """Whether XLA may run it: no operation belongs to the host."""
        return not any(RECORDS[op.type].on_host(op) for op in self.ops if op.type in RECORDS)

    def _pred(self) -> Tensor:
        if self.pred is None:
            raise ValueError(f"The loop '{self.frame}' has no condition")
        return self.pred

    def start_round(
        self, evaluator: Evaluator, context: StateContext, values: Sequence[Any], read: dict[Tensor, Any] | None = None
    ) -> Evaluator:
        """An evaluator in which the head has run on the variables' values."""
        env = {t: evaluator.env[t] for t in self.outside if t in evaluator.env}
        for variable, value in zip(self.variables, values, strict=True):
            env[variable.merge._outputs[0]] = value
            env[variable.merge._outputs[1]] = np.array(1, np.int32)
        env.update(read or {})
        inner = evaluator.inside(context, env, evaluator.host)
        inner.run(self.head)
        return inner

    def next_values(self, inner: Evaluator) -> list[Any]:
        inner.run(self.body)
        return [as_declared(inner.context, v.back._outputs[0], inner.env[v.back._inputs[0]]) for v in self.variables]

    def _finished(self, evaluator: Evaluator, values: Sequence[Any]) -> list[Any]:
        return self._tail(self.start_round(evaluator, evaluator.context, values))

    def _tail(self, inner: Evaluator) -> list[Any]:
        inner.run(self.tail)
        return [inner.env[op._outputs[0]] for op in self.exits]

    # ---- round by round

    def _written_out(
        self, evaluator: Evaluator, values: Sequence[Any], budget: int | None = None, most: int | None = None
    ) -> list[Any]:
        spent = rounds = 0
        while True:
            inner = self.start_round(evaluator, evaluator.context, values)
            going_on = inner.value(self._pred())
            if not self._holds(going_on):
                return self._tail(inner)
            values = self.next_values(inner)
            spent += len(self.ops)
            rounds += 1
            if budget is not None and spent > budget:
                raise HostBudgetError
            if most is not None and rounds > most:
                raise NeedsConcreteError(self._pred())

    def _holds(self, pred: Any) -> bool:
        if is_known(pred):
            return bool(np.asarray(pred).reshape(()))
        try:
            # On the host a derivative is taken of values that are known beneath.
            return bool(pred)
        except jax.errors.TracerBoolConversionError:
            raise NeedsConcreteError(self._pred()) from None

    # ---- as a scan

    def _scan(self, evaluator: Evaluator, starts: list[Any], count: Count) -> list[Any]:
        growth = Growth(self, starts, count, exact=True)
        given, starts = starts, growth.starts
        carried = [i for i in range(len(starts)) if i not in count.values]
        counters = sorted(count.values)
        read = self._rows_read(evaluator, count)
        rows = [*read.values(), *(jnp.asarray(count.values[i]) for i in counters)]

        def values_of(carry: Sequence[Any], row: Sequence[Any]) -> list[Any]:
            return _placed(carried, carry, counters, row[len(read) :], len(starts))

        carry = _Carry(self, evaluator, [starts[i] for i in carried])
        round_ = carry.settle(lambda inner, row: self._kept(inner, carried), values_of, [r[0] for r in rows], read)

        def step(state: Any, row: Any) -> Any:
            return round_(state, row), None

        state, _ = lax.scan(step, carry.state, rows, length=count.rounds)
        final = carry.unpack(state, evaluator.context)
        finals = [count.final[i] for i in counters]
        values = _placed(carried, final, counters, finals, len(starts))
        return self._finished(evaluator, growth.finished(given, values))

    def _kept(self, inner: Evaluator, carried: Sequence[int]) -> list[Any]:
        results = self.next_values(inner)
        return [results[i] for i in carried]

    # ---- as a while loop

    def _while(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        growth = None
        if any(getattr(s, "is_flow", False) and s.handle.dynamic for s in starts):
            most = self._at_most(evaluator, starts)
            growth = None if most is None else Growth(self, starts, most, exact=False)
        carry = _Carry(self, evaluator, starts if growth is None else growth.starts)
        round_ = carry.settle(lambda inner, row: self.next_values(inner), lambda values, row: list(values), [])

        def going_on(state: Any) -> Any:
            values, context = carry.inside(state)
            pred = self.start_round(evaluator, context, values).value(self._pred())
            if is_known(pred) and np.asarray(pred).all():
                text = f"The loop '{self.frame}' would never end: its condition is always true"
                raise errors.DeadlineExceededError(None, self._pred()._op, text)
            return jnp.asarray(pred).reshape(())

        state = lax.while_loop(going_on, lambda state: round_(state, []), carry.state)
        values = carry.unpack(state, evaluator.context)
        return self._finished(evaluator, values if growth is None else growth.finished(starts, values))


def _placed(
    first: Sequence[int], values: Sequence[Any], second: Sequence[int], others: Sequence[Any], n: int
) -> list[Any]:
    result: list[Any] = [None] * n
    for i, value in (*zip(first, values, strict=True), *zip(second, others, strict=True)):
        result[i] = value
    return result


class _Carry:
    """What a loop carries round: its variables, the cells that it may write, and whether its checks have held."""

    def __init__(self, loop: LoopRegion, evaluator: Evaluator, values: Sequence[Any]) -> None:
        self.loop = loop
        self.evaluator = evaluator
        self.values = [tidy(v) for v in values]
        self.keys: list[Any] = []
        # For each check its operation, the forms of the data carried, and the data as slots (texts are known).
        self.checks: list[tuple[Operation, list[Any], list[Slot]]] = []
        self._arrange()

    def _arrange(self) -> None:
        """Fixes the form of the state: the arrays carried, and where they belong."""
        leaves, self.tree = jax.tree_util.tree_flatten(self.values)
        self.fixed = {i: leaf for i, leaf in enumerate(leaves) if not can_carry(leaf)}
        self.leaves = len(leaves)
        cells = self.evaluator.context.cells
        self.state = (
            [jnp.asarray(leaf) for leaf in leaves if can_carry(leaf)],
            [jnp.asarray(cells[key]) for key in self.keys],
            [(jnp.asarray(True), [jnp.zeros(a.shape, a.dtype) for a in data]) for _, data, _ in self.checks],
        )

    def inside(self, state: Any) -> tuple[list[Any], TraceContext]:
        """The variables' values and a context for a round that starts from `state`."""
        context = TraceContext({**self.evaluator.context.cells, **dict(zip(self.keys, state[1], strict=True))})
        return self._values(state[0]), context

    def _values(self, arrays: Sequence[Any]) -> list[Any]:
        rest = iter(arrays)
        leaves = [self.fixed[i] if i in self.fixed else next(rest) for i in range(self.leaves)]
        return jax.tree_util.tree_unflatten(self.tree, leaves)  # type: ignore[no-any-return]

    def unpack(self, state: Any, context: StateContext) -> list[Any]:
        """The variables' values after the loop; cells and checks go to `context`."""
        for key, value in zip(self.keys, state[1], strict=True):
            context.cells[key] = value
            context.written.add(key)
        for (op, _, slots), (ok, data) in zip(self.checks, state[2], strict=True):
            rest = iter(data)
            all_data = [next(rest) if isinstance(s.leaves[0], Out) else s.leaves[0] for s in slots]
            context.checks.append((op, ok, all_data))  # type: ignore[attr-defined]
        return self._values(state[0])

    def settle(
        self,
        run: Callable[[Evaluator, Any], list[Any]],
        values_of: Callable[[Sequence[Any], Any], list[Any]],
        row: list[Any],
        read: Iterable[Tensor] = (),
    ) -> Callable[[Any, Any], Any]:
        """Finds by tracing what a round writes, and gives the round as a function of (state, row).

        The first entries of a row are the values of the tensors in `read`.
        """
        read = list(read)
        for _ in range(4):
            traced = Traced(lambda state, row: self._trace(run, values_of, state, row, read), self.state, row)
            slots, written, checks = traced.rest
            if self._adopt(slots, written, checks, traced):
                return self._replay(traced)
        raise _ShapeVariesError

    def _trace(self, run: Any, values_of: Any, state: Any, row: Any, read: list[Tensor]) -> tuple[list[Any], Any]:
        values, context = self.inside(state)
        known = dict(zip(read, row, strict=False))
        inner = self.loop.start_round(self.evaluator, context, values_of(values, row), known)
        results = run(inner, row)
        collector = Collector()
        slots = [collector.slot(value) for value in results]
        written = {key: collector.slot(context.cells[key]) for key in dict.fromkeys([*self.keys, *context.written])}
        checks = [
            (op, collector.slot(jnp.asarray(ok)), [collector.slot(d) for d in data]) for op, ok, data in context.checks
        ]
        return collector.arrays, (slots, written, checks)

    def _adopt(self, slots: list[Slot], written: dict[Any, Slot], checks: list[Any], traced: Traced) -> bool:
        """Whether the state has the form that a round gives; else the state is changed to have it."""
        keys = list(written)
        settled = len(keys) == len(self.keys) and len(checks) == len(self.checks)
        for key in keys:
            if key not in self.evaluator.context.cells:
                raise NeedsConcreteError(self.loop._pred())
        self.keys = keys
        if len(checks) != len(self.checks):
            self.checks = [
                (op, [traced.avals[d.leaves[0].index] for d in data if isinstance(d.leaves[0], Out)], data)
                for op, _, data in checks
            ]
        for i, slot in enumerate(slots):
            start = self.values[i]
            if getattr(start, "is_flow", False) and jax.tree_util.tree_structure(start) != slot.tree:
                self.values[i] = self._filled(start, slot, traced)
                settled = False
        if not settled:
            self._arrange()
            return False
        self._check_shapes(slots, traced)
        return True

    def _filled(self, start: Any, slot: Slot, traced: Traced) -> Any:
        if len(slot.leaves) != 1:
            raise _ShapeVariesError
        leaf = slot.leaves[0]
        shape = traced.avals[leaf.index].shape if isinstance(leaf, Out) else np.shape(leaf)
        if len(shape) < 1 or shape[0] != start.size:
            raise _ShapeVariesError
        return start.as_buffer(shape[1:])

    def _check_shapes(self, slots: list[Slot], traced: Traced) -> None:
        flat = [leaf for slot in slots for leaf in slot.leaves]
        if len(flat) != self.leaves:
            raise _ShapeVariesError
        carried = iter(self.state[0])
        for i, leaf in enumerate(flat):
            if i in self.fixed:
                if not is_same(leaf, self.fixed[i]):
                    raise _ShapeVariesError
                continue
            shape = traced.avals[leaf.index].shape if isinstance(leaf, Out) else np.shape(leaf)
            if shape != next(carried).shape:
                raise _ShapeVariesError

    def _replay(self, traced: Traced) -> Callable[[Any, Any], Any]:
        slots, written, checks = traced.rest
        flat = [leaf for slot in slots for leaf in slot.leaves]

        def round_(state: Any, row: Any) -> Any:
            arguments, _ = jax.tree_util.tree_flatten((state, row))
            outputs = traced.call(*arguments)
            moving = [leaf for i, leaf in enumerate(flat) if i not in self.fixed]
            values = [array_of(leaf, outputs, old.dtype) for leaf, old in zip(moving, state[0], strict=True)]
            cells = [
                array_of(written[key].leaves[0], outputs, old.dtype)
                for key, old in zip(self.keys, state[1], strict=True)
            ]
            return values, cells, [_first_failure(*pair, outputs) for pair in zip(state[2], checks, strict=True)]

        return round_


def _first_failure(state: Any, check: Any, outputs: Sequence[Any]) -> Any:
    """The data of a check stay those of the round in which it failed first."""
    held, data = state
    _, ok, slots = check
    moving = [d for d in slots if isinstance(d.leaves[0], Out)]
    new = [array_of(d.leaves[0], outputs, old.dtype) for d, old in zip(moving, data, strict=True)]
    data = [jnp.where(held, n, old) for n, old in zip(new, data, strict=True)]
    return held & array_of(ok.leaves[0], outputs, np.bool_), data


class LoopGradient:
    """A `WhileGradient` operation: it pulls gradients back through the loop."""

    def __init__(self, op: Operation, items_of: Callable[[Iterable[Step]], list[Any]]) -> None:
        self.op = op
        self.ops = [op]
        self.items_of = items_of
        self.exit_op = op.graph.get_operation_by_name(op._attrs["_exit"].decode())
        self.frame = frame_of(self.exit_op)
        count = len(op._attrs["Tin"])
        self.wanted = [op._inputs[i] for i in op._attrs["_wanted"]]
        exits = loop_exits(self.exit_op)
        self.given = dict(zip((exits[i]._outputs[0] for i in op._attrs["_given"]), op._inputs[count:], strict=True))
        self._loop: LoopRegion | None = None

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives the gradients."""
        with jax.enable_x64(True):
            self._evaluate(evaluator)

    def _evaluate(self, evaluator: Evaluator) -> None:
        env = evaluator.env
        taken: Any = env.get(("derivative", self.frame))  # type: ignore[call-overload]
        if not isinstance(taken, Differentiation) or not self._prepared(taken):
            taken = self._again(evaluator)
        grads = taken.gradients({exit_: taken._value(evaluator, grad) for exit_, grad in self.given.items()})
        for tensor, source in zip(self.op._outputs, self.wanted, strict=True):
            grad = grads[source]
            env[tensor] = np.asarray(grad) if evaluator.host and not hasattr(grad, "is_flow") else grad

    def _prepared(self, taken: Differentiation) -> bool:
        exits = {op._outputs[0] for op in taken.loop.exits}
        return all(t in taken.wanted for t in self.wanted) and all(t in exits for t in self.given)

    def _again(self, evaluator: Evaluator) -> Differentiation:
        """The loop run once more: what it writes does not count."""
        before: Any = evaluator.env.get(("before", self.frame), {})  # type: ignore[call-overload]
        context = TraceContext({**evaluator.context.cells, **before})
        for key in self.replayed_starts:
            if key not in context.cells:
                text = f"The gradient of a loop with random operations ('{key[1].name}') needs the loop in the same run"
                raise errors.UnimplementedError(None, self.op, text)
            context.cells[key[1]] = context.cells[key]
        return Differentiation(self.loop, Evaluator(context, dict(evaluator.env), host=False), self.wanted)

    @property
    def replayed_starts(self) -> list[Any]:
        """Keys of the cells that say where the loop's random streams stood."""
        return stream_starts(self.loop.ops)

    @property
    def loop(self) -> LoopRegion:
        """The loop, whether or not the plan runs it for its own sake."""
        if self._loop is None:
            items = self.items_of(schedule(loop_operations(self.exit_op)))
            self._loop = next(item for item in items if isinstance(item, LoopRegion))
        return self._loop
