"""Evaluating conds and loops: `lax.cond`, `lax.scan`, `lax.while_loop`, or plain Python where values are known.

A cond whose predicate is known while tracing is its taken branch; else both branches are traced, and an operation of the
branch that is not taken does not run. A loop whose number of rounds follows from known values is a `lax.scan` (which can
be differentiated); if its values change their shapes, it is written out round by round. Any other loop is a
`lax.while_loop`. Variables that a branch or a body writes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.graph import Operation, Tensor
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.runtime.counting import Count, count_rounds
from retrograph.runtime.lower import (
    Evaluator,
    HostBudgetError,
    Instruction,
    NeedsConcreteError,
    is_read_of_reference,
    uninitialized_error,
)
from retrograph.runtime.regions import CondStep, FLOW_TYPES, LoopStep, Step, has_flow, operations, schedule
from retrograph.runtime.state import Ref, StateContext, TraceContext, UninitializedError

_KNOWN = (np.ndarray, np.generic, bool)
# Writing out more rounds than this would make programs that XLA cannot compile in reasonable time.
_MOST_WRITTEN_OUT = 4096
# A loop that NumPy has not finished after this many operations is left to XLA, if it can be.
HOST_BUDGET = 50_000


class _ShapeVariesError(Exception):
    """A loop variable changes its shape, so that no XLA loop can carry it."""


def grouped(ops: Sequence[Operation]) -> list[Any]:
    """Items for an `Evaluator` that run `ops`: instructions, and whole conds and loops as regions."""
    return _items(schedule(ops))


def _items(steps: Iterable[Step]) -> list[Any]:
    return [_item(step) for step in steps]


def _item(step: Step) -> Any:
    if isinstance(step, CondStep):
        return CondRegion(step)
    if isinstance(step, LoopStep):
        return LoopRegion(step)
    return Gate(step) if step.type in FLOW_TYPES else Instruction(step)


class Gate:
    """A Switch, Merge, Enter, Exit or NextIteration on its own: it hands its input on, whatever that is."""

    def __init__(self, op: Operation) -> None:
        self.ops = [op]
        self.op = op
        self.inputs, self.outputs = op._inputs, op._outputs
        self.is_merge = op.type in ("Merge", "RefMerge")

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives its outputs their value."""
        env = evaluator.env
        if self.is_merge:
            index = next(i for i, t in enumerate(self.inputs) if t in env)
            _set_merge(evaluator, self.op, index, env[self.inputs[index]])
            return
        value = _as_declared(evaluator.context, self.outputs[0], env[self.inputs[0]])
        for tensor in self._alive(env):
            env.setdefault(tensor, value)

    def _alive(self, env: dict[Tensor, Any]) -> Sequence[Tensor]:
        """The outputs that get a value: of a Switch the one that its predicate says, if that is known."""
        pred = env.get(self.inputs[1]) if len(self.outputs) == 2 else None
        return [self.outputs[int(bool(np.asarray(pred).reshape(())))]] if _is_known(pred) else self.outputs


def _as_declared(context: StateContext, tensor: Tensor, value: Any) -> Any:
    """A reference as its value where the tensor is none."""
    if value.__class__ is not Ref or tensor._dtype._is_ref or tensor._dtype._base.name == "resource":
        return value
    try:
        return context.read(value)
    except UninitializedError:
        source = tensor._op._inputs[0]
        raise uninitialized_error(source._op if is_read_of_reference(source) else tensor._op, value) from None


def _set_merge(evaluator: Evaluator, merge: Operation, index: Any, value: Any) -> None:
    evaluator.env[merge._outputs[0]] = _as_declared(evaluator.context, merge._outputs[0], value)
    evaluator.env[merge._outputs[1]] = np.array(index, np.int32) if isinstance(index, int) else index


def _outside(ops: Iterable[Operation]) -> list[Tensor]:
    """The tensors that the operations take and do not make."""
    ops = list(ops)
    made = set(ops)
    return list(dict.fromkeys(t for op in ops for t in op._inputs if t._op not in made))


def _is_known(value: Any) -> bool:
    return isinstance(value, _KNOWN)


def _is_traced(value: Any) -> bool:
    return isinstance(value, jax.Array)


# ---- traced pieces


class _Out:
    """Stands for an array that a traced function gives."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class _Slot:
    """One value as a tree whose leaves are `_Out` or things known while tracing."""

    __slots__ = ("leaves", "tree")

    def __init__(self, leaves: list[Any], tree: Any) -> None:
        self.leaves, self.tree = leaves, tree


class _Collector:
    """Takes values apart into arrays, which a traced function returns, and slots, which it leaves behind."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []

    def slot(self, value: Any) -> _Slot:
        leaves, tree = jax.tree_util.tree_flatten(_tidy(value))
        return _Slot([self._leaf(leaf) for leaf in leaves], tree)

    def _leaf(self, leaf: Any) -> Any:
        if not _is_traced(leaf):
            return leaf
        self.arrays.append(leaf)
        return _Out(len(self.arrays) - 1)


def _tidy(value: Any) -> Any:
    """A TensorArray's contents in the form that can be carried, if that is possible."""
    if getattr(value, "is_flow", False) and value.element_shape is not None:
        return value.as_buffer()
    return value


class _Traced:
    """A function traced once: calling it again only replays it."""

    def __init__(self, function: Callable[..., tuple[list[Any], Any]], *arguments: Any) -> None:
        def arrays(*values: Any) -> list[Any]:
            results, self.rest = function(*values)
            return results

        self.rest: Any = None
        closed = jax.make_jaxpr(arrays)(*arguments)
        self.avals = closed.out_avals
        self.call: Callable[..., list[Any]] = _core().jaxpr_as_fun(closed)


def _core() -> Any:
    import jax.extend.core as core

    return core


def _array(leaf: Any, outputs: Sequence[Any], dtype: Any) -> Any:
    value = outputs[leaf.index] if isinstance(leaf, _Out) else leaf
    return jnp.asarray(value, dtype)


# ---- conds


class CondRegion:
    """What one predicate guards: `lax.cond`, or one branch alone if the predicate is known."""

    def __init__(self, step: CondStep) -> None:
        self.ops = list(step.ops)
        self.pred = step.pred
        self.branches = [_items(branch) for branch in step.branches]
        self.merges = step.merges
        self.exports = step.exports
        self.needs = [self.pred]
        self.outside = [*_outside(self.ops), self.pred]

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives the Merges (and what later steps take from a branch) their values."""
        pred = evaluator.value(self.pred)
        if _is_known(pred):
            self._take(evaluator, int(bool(np.asarray(pred).reshape(()))))
            return
        if pred.ndim:
            raise NeedsConcreteError(self.pred)
        sides = self._traced(evaluator)
        if isinstance(sides, int):
            self._take(evaluator, sides)
        else:
            self._select(evaluator, pred, sides)

    def _take(self, evaluator: Evaluator, side: int) -> None:
        evaluator.run(self.branches[side])
        for merge, first in self.merges:
            index = 0 if first == side else 1
            _set_merge(evaluator, merge, index, evaluator.env[merge._inputs[index]])

    def _traced(self, evaluator: Evaluator) -> list[_Traced] | int:
        """Both branches traced; or the number of the one that is possible, if the other needs what has no value."""
        found: list[_Traced | None] = []
        missing: KeyError | None = None
        for side in (0, 1):
            try:
                found.append(_Traced(lambda side=side: self._branch(evaluator, side)))  # type: ignore[misc]
            except KeyError as error:
                if not (error.args and isinstance(error.args[0], Tensor)):
                    raise
                missing = error
                found.append(None)
        if found[0] is not None and found[1] is not None:
            return [found[0], found[1]]
        if found[0] is None and found[1] is None and missing is not None:
            raise missing
        return 0 if found[1] is None else 1

    def _branch(self, evaluator: Evaluator, side: int) -> tuple[list[Any], Any]:
        inner = _inside(evaluator, self.outside)
        inner.run(self.branches[side])
        collector = _Collector()
        context = inner.context
        merged = [
            collector.slot(
                _as_declared(context, merge._outputs[0], inner.env[merge._inputs[0 if first == side else 1]])
            )
            for merge, first in self.merges
        ]
        exported = [collector.slot(_as_declared(context, t, inner.env[t])) for t in self.exports[side]]
        written = {key: collector.slot(context.cells[key]) for key in context.written if key in context.cells}
        checks = [(op, collector.slot(ok), [collector.slot(d) for d in data]) for op, ok, data in context.checks]  # type: ignore[attr-defined]
        return collector.arrays, (merged, exported, written, checks)

    def _select(self, evaluator: Evaluator, pred: Any, sides: list[_Traced]) -> None:
        join = _Join(self.pred, sides)
        context = evaluator.context
        pairs = zip(sides[0].rest[0], sides[1].rest[0], strict=True)
        merged = [join.both(a, b) for a, b in pairs]
        exported = [[join.one(side, slot) for slot in sides[side].rest[1]] for side in (0, 1)]
        keys = dict.fromkeys([*sides[0].rest[2], *sides[1].rest[2]])
        cells = {key: join.both(*(self._cell(context, key, side) for side in sides)) for key in keys}
        checks = [
            (op, join.one(side, ok, filling=True), [join.one(side, d) for d in data])
            for side in (0, 1)
            for op, ok, data in sides[side].rest[3]
        ]
        join.run(pred)
        for (merge, first), get in zip(self.merges, merged, strict=True):
            _set_merge(evaluator, merge, self._index(pred, first), get())
        for tensors, gets in zip(self.exports, exported, strict=True):
            evaluator.env.update((t, get()) for t, get in zip(tensors, gets, strict=True))
        for key, get in cells.items():
            context.cells[key] = get()
            context.written.add(key)
        for op, ok, data in checks:
            context.checks.append((op, ok(), [d() for d in data]))  # type: ignore[attr-defined]

    def _cell(self, context: StateContext, key: Any, side: _Traced) -> _Slot:
        if key in side.rest[2]:
            slot: _Slot = side.rest[2][key]
            return slot
        if key not in context.cells:
            # Whether the variable has a value afterwards would depend on the predicate.
            raise NeedsConcreteError(self.pred)
        leaves, tree = jax.tree_util.tree_flatten(context.cells[key])
        return _Slot(leaves, tree)

    def _index(self, pred: Any, first: int) -> Any:
        return jnp.where(pred, np.int32(1 - first), np.int32(first))


def _inside(evaluator: Evaluator, outside: Iterable[Tensor]) -> Evaluator:
    """An evaluator for a traced part: it sees what is outside, and writes to cells of its own."""
    env = {t: evaluator.env[t] for t in outside if t in evaluator.env}
    return Evaluator(TraceContext(dict(evaluator.context.cells)), env, host=False)


class _Join:
    """Makes one value of what two branches give, and runs the `lax.cond` that chooses between them."""

    def __init__(self, pred: Tensor, sides: list[_Traced]) -> None:
        self.pred = pred
        self.sides = sides
        self.makers: list[tuple[Callable[[Sequence[Any]], Any], Callable[[Sequence[Any]], Any]]] = []
        self.results: Sequence[Any] = ()

    def both(self, false: _Slot, true: _Slot) -> Callable[[], Any]:
        """A function that gives, after `run`, the value chosen."""
        if false.tree != true.tree or len(false.leaves) != len(true.leaves):
            false, true = self._same_form(false, true), self._same_form(true, false)
        if false.tree != true.tree:
            raise NeedsConcreteError(self.pred)
        gets = [self._leaf(a, b) for a, b in zip(false.leaves, true.leaves, strict=True)]
        return lambda: jax.tree_util.tree_unflatten(false.tree, [get() for get in gets])

    def one(self, side: int, slot: _Slot, filling: Any = 0) -> Callable[[], Any]:
        """A function that gives the value of one branch; of no meaning (`filling`) if the other one is taken."""
        gets = []
        for leaf in slot.leaves:
            if not isinstance(leaf, _Out) and not (filling and _is_known(leaf)):
                gets.append(lambda leaf=leaf: leaf)  # type: ignore[misc]
                continue
            shape, dtype = self._form(side, leaf)
            mine = _maker(leaf, dtype)
            other = lambda outputs, shape=shape, dtype=dtype: jnp.full(shape, filling, dtype)  # type: ignore[misc]  # noqa: E731
            gets.append(self._add((mine, other) if side == 0 else (other, mine)))
        return lambda: jax.tree_util.tree_unflatten(slot.tree, [get() for get in gets])

    def run(self, pred: Any) -> None:
        """Runs the cond."""
        if not self.makers:
            return

        def chosen(side: int) -> list[Any]:
            outputs = self.sides[side].call()
            return [maker[side](outputs) for maker in self.makers]

        self.results = lax.cond(pred, lambda: chosen(1), lambda: chosen(0))

    def _add(self, makers: Any) -> Callable[[], Any]:
        self.makers.append(makers)
        index = len(self.makers) - 1
        return lambda: self.results[index]

    def _leaf(self, false: Any, true: Any) -> Callable[[], Any]:
        if not isinstance(false, _Out) and not isinstance(true, _Out) and _same(false, true):
            return lambda: false
        a, b = self._form(0, false), self._form(1, true)
        if a is None or b is None or a[0] != b[0]:
            raise NeedsConcreteError(self.pred)
        return self._add((_maker(false, a[1]), _maker(true, a[1])))

    def _form(self, side: int, leaf: Any) -> Any:
        if isinstance(leaf, _Out):
            aval = self.sides[side].avals[leaf.index]
            return aval.shape, aval.dtype
        if _is_traced(leaf) or (_is_known(leaf) and np.asarray(leaf).dtype != object):
            return np.shape(leaf), leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
        return None

    def _same_form(self, slot: _Slot, like: _Slot) -> _Slot:
        """An empty TensorArray as zeros of the form that it has in the other branch."""
        value = jax.tree_util.tree_unflatten(slot.tree, slot.leaves) if not slot.leaves else None
        if getattr(value, "is_flow", False) and len(like.leaves) == 1:
            side = 1 if like.leaves[0] in [x for s in self._all_slots(1) for x in s.leaves] else 0
            shape, dtype = self._form(side, like.leaves[0])
            return _Slot([np.zeros(shape, dtype)], like.tree)
        return slot

    def _all_slots(self, side: int) -> list[_Slot]:
        return list(self.sides[side].rest[0])


def _maker(leaf: Any, dtype: Any) -> Callable[[Sequence[Any]], Any]:
    return lambda outputs: _array(leaf, outputs, dtype)


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if a.__class__ is Ref and b.__class__ is Ref:
        return bool(a.key == b.key)
    if not (_is_known(a) and _is_known(b)):
        return False
    x, y = np.asarray(a), np.asarray(b)
    return x.shape == y.shape and x.dtype == y.dtype and x.size <= 64 and bool(np.array_equal(x, y))


# ---- loops


class LoopRegion:
    """A while loop."""

    def __init__(self, step: LoopStep) -> None:
        self.ops = list(step.ops)
        self.step = step
        self.variables = step.variables
        self.enters = step.enters
        self.pred = step.pred
        self.head, self.body, self.tail = _items(step.head), _items(step.body), _items(step.tail)
        self.exits = step.exits
        made = set(self.ops)
        entering = {op._outputs[0] for op in self.enters}
        self.outside = [t for t in _outside(self.ops) if t._op not in made] + list(entering)

    # ---- the parts

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives the Exits their values."""
        env = evaluator.env
        for op in self.enters:
            env[op._outputs[0]] = _as_declared(evaluator.context, op._outputs[0], env[op._inputs[0]])
        starts = [env[v.enter._outputs[0]] for v in self.variables]
        exits = self._results(evaluator, starts)
        env.update(zip((op._outputs[0] for op in self.exits), exits, strict=True))

    def _results(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        if evaluator.host:
            return self._written_out(evaluator, starts, budget=HOST_BUDGET if self.can_trace else None)
        count = count_rounds(self, evaluator, starts)
        if count is None:
            return self._dynamic(evaluator, starts)
        if count.rounds <= 1:
            return self._written_out(evaluator, starts)
        try:
            return self._scan(evaluator, starts, count)
        except _ShapeVariesError:
            if count.rounds > _MOST_WRITTEN_OUT:
                raise NeedsConcreteError(self._pred()) from None
        except NeedsConcreteError:
            if count.rounds > _MOST_WRITTEN_OUT:
                raise
        return self._written_out(evaluator, starts)

    def _dynamic(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        try:
            return self._while(evaluator, starts)
        except _ShapeVariesError:
            # The condition may be known round by round, if it is about the shapes.
            return self._written_out(evaluator, starts, most=_MOST_WRITTEN_OUT)

    @property
    def can_trace(self) -> bool:
        """Whether XLA may run it: no operation belongs to the host."""
        from retrograph.framework.op_table import RECORDS

        return not any(RECORDS[op.type].host for op in self.ops if op.type in RECORDS)

    def _pred(self) -> Tensor:
        if self.pred is None:
            raise ValueError(f"The loop '{self.step.frame}' has no condition")
        return self.pred

    def _round(self, evaluator: Evaluator, context: StateContext, values: Sequence[Any]) -> Evaluator:
        """An evaluator in which the head has run on the variables' values."""
        env = {t: evaluator.env[t] for t in self.outside if t in evaluator.env}
        for variable, value in zip(self.variables, values, strict=True):
            env[variable.merge._outputs[0]] = value
            env[variable.merge._outputs[1]] = np.array(1, np.int32)
        inner = Evaluator(context, env, evaluator.host)
        inner.run(self.head)
        return inner

    def _next(self, inner: Evaluator) -> list[Any]:
        inner.run(self.body)
        return [
            _as_declared(inner.context, v.back._outputs[0], inner.env[v.back._inputs[0]]) for v in self.variables
        ]

    def _finished(self, evaluator: Evaluator, values: Sequence[Any]) -> list[Any]:
        return self._tail(self._round(evaluator, evaluator.context, values))

    def _tail(self, inner: Evaluator) -> list[Any]:
        inner.run(self.tail)
        return [inner.env[op._outputs[0]] for op in self.exits]

    # ---- round by round

    def _written_out(
        self, evaluator: Evaluator, values: Sequence[Any], budget: int | None = None, most: int | None = None
    ) -> list[Any]:
        spent = rounds = 0
        while True:
            inner = self._round(evaluator, evaluator.context, values)
            going_on = inner.value(self._pred())
            if not _is_known(going_on):
                raise NeedsConcreteError(self._pred())
            if not np.asarray(going_on).reshape(()):
                return self._tail(inner)
            values = self._next(inner)
            spent += len(self.ops)
            rounds += 1
            if budget is not None and spent > budget:
                raise HostBudgetError
            if most is not None and rounds > most:
                raise NeedsConcreteError(self._pred())

    # ---- as a scan

    def _scan(self, evaluator: Evaluator, starts: list[Any], count: Count) -> list[Any]:
        carried = [i for i in range(len(starts)) if i not in count.values]
        counters = sorted(count.values)
        rows = [jnp.asarray(count.values[i]) for i in counters]

        def values_of(carry: Sequence[Any], row: Sequence[Any]) -> list[Any]:
            return _placed(carried, carry, counters, row, len(starts))

        carry = _Carry(self, evaluator, [starts[i] for i in carried])
        round_ = carry.settle(lambda inner, row: self._kept(inner, carried), values_of, [r[0] for r in rows])

        def step(state: Any, row: Any) -> Any:
            return round_(state, row), None

        state, _ = lax.scan(step, carry.state, rows, length=count.rounds)
        final = carry.unpack(state, evaluator.context)
        finals = [count.final[i] for i in counters]
        return self._finished(evaluator, _placed(carried, final, counters, finals, len(starts)))

    def _kept(self, inner: Evaluator, carried: Sequence[int]) -> list[Any]:
        results = self._next(inner)
        return [results[i] for i in carried]

    # ---- as a while loop

    def _while(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        carry = _Carry(self, evaluator, starts)
        round_ = carry.settle(lambda inner, row: self._next(inner), lambda values, row: list(values), [])

        def going_on(state: Any) -> Any:
            values, context = carry.inside(state)
            pred = self._round(evaluator, context, values).value(self._pred())
            return jnp.asarray(pred).reshape(())

        state = lax.while_loop(going_on, lambda state: round_(state, []), carry.state)
        return self._finished(evaluator, carry.unpack(state, evaluator.context))


def _placed(first: Sequence[int], values: Sequence[Any], second: Sequence[int], others: Sequence[Any], n: int) -> list[Any]:
    result: list[Any] = [None] * n
    for i, value in (*zip(first, values, strict=True), *zip(second, others, strict=True)):
        result[i] = value
    return result


class _Carry:
    """What a loop carries round: its variables, the cells that it may write, and whether its checks have held."""

    def __init__(self, loop: LoopRegion, evaluator: Evaluator, values: Sequence[Any]) -> None:
        self.loop = loop
        self.evaluator = evaluator
        self.values = [_tidy(v) for v in values]
        self.keys: list[Any] = []
        # For each check its operation, the forms of the data carried, and the data as slots (texts are known).
        self.checks: list[tuple[Operation, list[Any], list[_Slot]]] = []
        self._arrange()

    def _arrange(self) -> None:
        """Fixes the form of the state: the arrays carried, and where they belong."""
        leaves, self.tree = jax.tree_util.tree_flatten(self.values)
        self.fixed = {i: leaf for i, leaf in enumerate(leaves) if not _can_carry(leaf)}
        self.leaves = len(leaves)
        cells = self.evaluator.context.cells
        self.state = (
            [jnp.asarray(leaf) for leaf in leaves if _can_carry(leaf)],
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
            all_data = [next(rest) if isinstance(s.leaves[0], _Out) else s.leaves[0] for s in slots]
            context.checks.append((op, ok, all_data))  # type: ignore[attr-defined]
        return self._values(state[0])

    def settle(
        self,
        run: Callable[[Evaluator, Any], list[Any]],
        values_of: Callable[[Sequence[Any], Any], list[Any]],
        row: list[Any],
    ) -> Callable[[Any, Any], Any]:
        """Finds by tracing what a round writes, and gives the round as a function of (state, row)."""
        for _ in range(4):
            traced = _Traced(lambda state, row: self._trace(run, values_of, state, row), self.state, row)
            slots, written, checks = traced.rest
            if self._adopt(slots, written, checks, traced):
                return self._replay(traced)
        raise _ShapeVariesError

    def _trace(self, run: Any, values_of: Any, state: Any, row: Any) -> tuple[list[Any], Any]:
        values, context = self.inside(state)
        inner = self.loop._round(self.evaluator, context, values_of(values, row))
        results = run(inner, row)
        collector = _Collector()
        slots = [collector.slot(value) for value in results]
        written = {key: collector.slot(context.cells[key]) for key in dict.fromkeys([*self.keys, *context.written])}
        checks = [
            (op, collector.slot(jnp.asarray(ok)), [collector.slot(d) for d in data])
            for op, ok, data in context.checks
        ]
        return collector.arrays, (slots, written, checks)

    def _adopt(self, slots: list[_Slot], written: dict[Any, _Slot], checks: list[Any], traced: _Traced) -> bool:
        """Whether the state has the form that a round gives; else the state is changed to have it."""
        keys = list(written)
        settled = len(keys) == len(self.keys) and len(checks) == len(self.checks)
        for key in keys:
            if key not in self.evaluator.context.cells:
                raise NeedsConcreteError(self.loop._pred())
        self.keys = keys
        if len(checks) != len(self.checks):
            self.checks = [
                (op, [traced.avals[d.leaves[0].index] for d in data if isinstance(d.leaves[0], _Out)], data)
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

    def _filled(self, start: Any, slot: _Slot, traced: _Traced) -> Any:
        leaf = slot.leaves[0] if len(slot.leaves) == 1 else None
        shape = np.shape(leaf) if leaf is None or not isinstance(leaf, _Out) else traced.avals[leaf.index].shape
        if len(shape) < 1 or shape[0] != start.size:
            raise _ShapeVariesError
        return start.as_buffer(shape[1:])

    def _check_shapes(self, slots: list[_Slot], traced: _Traced) -> None:
        flat = [leaf for slot in slots for leaf in slot.leaves]
        if len(flat) != self.leaves:
            raise _ShapeVariesError
        carried = iter(self.state[0])
        for i, leaf in enumerate(flat):
            if i in self.fixed:
                if not _same(leaf, self.fixed[i]):
                    raise _ShapeVariesError
                continue
            shape = traced.avals[leaf.index].shape if isinstance(leaf, _Out) else np.shape(leaf)
            if shape != next(carried).shape:
                raise _ShapeVariesError

    def _replay(self, traced: _Traced) -> Callable[[Any, Any], Any]:
        slots, written, checks = traced.rest
        flat = [leaf for slot in slots for leaf in slot.leaves]

        def round_(state: Any, row: Any) -> Any:
            arguments, _ = jax.tree_util.tree_flatten((state, row))
            outputs = traced.call(*arguments)
            moving = [leaf for i, leaf in enumerate(flat) if i not in self.fixed]
            values = [_array(leaf, outputs, old.dtype) for leaf, old in zip(moving, state[0], strict=True)]
            cells = [
                _array(written[key].leaves[0], outputs, old.dtype)
                for key, old in zip(self.keys, state[1], strict=True)
            ]
            return values, cells, [_first_failure(*pair, outputs) for pair in zip(state[2], checks, strict=True)]

        return round_


def _can_carry(leaf: Any) -> bool:
    return _is_traced(leaf) or (_is_known(leaf) and np.asarray(leaf).dtype != object)


def _first_failure(state: Any, check: Any, outputs: Sequence[Any]) -> Any:
    """The data of a check stay those of the round in which it failed first."""
    held, data = state
    _, ok, slots = check
    moving = [d for d in slots if isinstance(d.leaves[0], _Out)]
    new = [_array(d.leaves[0], outputs, old.dtype) for d, old in zip(moving, data, strict=True)]
    data = [jnp.where(held, n, old) for n, old in zip(new, data, strict=True)]
    return held & _array(ok.leaves[0], outputs, np.bool_), data
