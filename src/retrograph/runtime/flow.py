"""Evaluating conds and loops: `lax.cond`, `lax.scan`, `lax.while_loop`, or plain Python where values are known.

A cond whose predicate is known while tracing is its taken branch; else both branches are traced, and an operation of the
branch that is not taken does not run. A loop whose number of rounds follows from known values is a `lax.scan` (which can
be differentiated); if its values change their shapes, it is written out round by round. Any other loop is a
`lax.while_loop`. Variables that a branch or a body writes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.graph import Operation, Tensor
from retrograph.framework.lazy_jax import imported, jax, jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, RECORDS
from retrograph.runtime.counting import Count, count_rounds
from retrograph.runtime.growing import Growth, most_rounds
from retrograph.runtime.lower import (
    Evaluator,
    HostBudgetError,
    Instruction,
    NeedsConcreteError,
    reader_of,
    uninitialized_error,
)
from retrograph.runtime.own_gradients import (
    OWN_GRADIENT,
    GradientInLoop,
    Pulled,
    gradient_in_loop,
    is_overridden,
    on_host,
    runs_on_host,
    with_own_gradient,
)
from retrograph.runtime.regions import (
    FLOW_TYPES,
    CondStep,
    LoopStep,
    Step,
    frame_of,
    loop_exits,
    loop_operations,
    schedule,
)
from retrograph.runtime.state import (
    Ref,
    StateContext,
    TraceContext,
    UninitializedError,
    UnwrittenElementError,
    initial_stream,
)

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
    items = [_item(step) for step in steps]
    loops = {item.frame: item for item in items if isinstance(item, LoopRegion)}
    for item in items:
        if isinstance(item, LoopGradient) and item.frame in loops:
            loops[item.frame].gradients.append(item)
    return items


def _item(step: Step) -> Any:
    if isinstance(step, CondStep):
        return CondRegion(step)
    if isinstance(step, LoopStep):
        return LoopRegion(step)
    if step.type == "WhileGradient":
        return LoopGradient(step)
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
        value = env[self.inputs[0]]
        if self.op.type not in ("Switch", "Enter"):
            value = _as_declared(evaluator.context, self.outputs[0], value)
        # A gate hands on the read of a variable as TF shares its memory: what is assigned later is seen through it.
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
        raise uninitialized_error(reader_of(source) or tensor._op, value) from None


def _set_merge(evaluator: Evaluator, merge: Operation, index: Any, value: Any) -> None:
    evaluator.env[merge._outputs[0]] = _as_declared(evaluator.context, merge._outputs[0], value)
    evaluator.env[merge._outputs[1]] = np.array(index, np.int32) if isinstance(index, int) else index


def _stream_starts(ops: Iterable[Operation]) -> list[Any]:
    return [("start", op) for op in ops if "seed2" in op._attrs]


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
        self.rest: Any = None

        def arrays(*values: Any) -> list[Any]:
            results, self.rest = function(*values)
            return results

        closed = jax.make_jaxpr(arrays)(*arguments)
        self.avals = closed.out_avals
        self.call: Callable[..., list[Any]] = _core().jaxpr_as_fun(closed)


def _core() -> Any:
    return imported("jax.extend.core")


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
        made = set(self.ops)
        conds = [item for branch in self.branches for item in branch if isinstance(item, CondRegion)]
        inner: list[Tensor] = [pred for cond in conds for pred in cond.needs]
        self.needs: list[Tensor] = [self.pred, *dict.fromkeys(p for p in inner if p._op not in made)]
        self.outside = [*_outside(self.ops), *self.needs]

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
                found.append(_Traced(lambda side=side: self._branch(evaluator, side)))
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
        join.run(pred, isinstance(evaluator, _Differentiable))
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
    return evaluator.inside(TraceContext(dict(evaluator.context.cells)), env, host=False)


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
        gets: list[Callable[..., Any]] = []
        for leaf in slot.leaves:
            if not isinstance(leaf, _Out) and not (filling and _is_known(leaf)):
                gets.append(lambda leaf=leaf: leaf)
                continue
            shape, dtype = self._form(side, leaf)
            mine = _maker(leaf, dtype)
            other = lambda outputs, shape=shape, dtype=dtype: jnp.full(shape, filling, dtype)  # noqa: E731
            gets.append(self._add((mine, other) if side == 0 else (other, mine)))
        return lambda: jax.tree_util.tree_unflatten(slot.tree, [get() for get in gets])

    def run(self, pred: Any, in_derivative: bool) -> None:
        """Runs the cond."""
        if not self.makers:
            return

        def chosen(side: int) -> list[Any]:
            outputs = self.sides[side].call()
            return [maker[side](outputs) for maker in self.makers]

        def cond() -> Any:
            return lax.cond(pred, lambda: chosen(1), lambda: chosen(0))

        # A cond gives what its derivative needs as outputs, the weights that it takes among them, and a loop would keep
        # a copy of these for each round.
        self.results = jax.checkpoint(cond, prevent_cse=False, policy=_is_costly)() if in_derivative else cond()

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


def _is_costly(primitive: Any, *_: Any, **__: Any) -> bool:
    """Whether a derivative had better keep what a primitive gives than work it out again."""
    return primitive.name in ("dot_general", "conv_general_dilated")


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
        self.frame = step.frame
        self.variables = step.variables
        self.enters = step.enters
        self.pred = step.pred
        self.head, self.body, self.tail = _items(step.head), _items(step.body), _items(step.tail)
        self.exits = step.exits
        self.gradients: list[LoopGradient] = []
        made = set(self.ops)
        entering = {op._outputs[0] for op in self.enters}
        self.outside = [t for t in _outside(self.ops) if t._op not in made] + list(entering)

    # ---- the parts

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives the Exits their values."""
        env = evaluator.env
        self._note_streams(evaluator.context)
        wanted = self._to_differentiate(evaluator)
        if wanted:
            taken = Differentiation(self, evaluator, wanted)
            env[("derivative", self.frame)] = taken  # type: ignore[index]
            exits = taken.exits
        else:
            exits = self.run(evaluator)
        env.update(zip((op._outputs[0] for op in self.exits), exits, strict=True))

    @property
    def stream_starts(self) -> list[Any]:
        """Keys of the cells in which the loop notes where its random streams stood, if a derivative may need it."""
        return _stream_starts(self.ops) if self.gradients else []

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
                env[op._outputs[0]] = value if shared else _as_declared(evaluator.context, op._outputs[0], value)
        starts = [env[v.enter._outputs[0]] for v in self.variables]
        return self._results(evaluator, starts)

    def _results(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        if self.pred is None and not self.variables:
            # A frame that is entered and left, and nothing goes round.
            return self._finished(evaluator, starts)
        if evaluator.host:
            return self._written_out(evaluator, starts, budget=HOST_BUDGET if self.can_trace else None)
        count = count_rounds(self, evaluator, starts)
        if count is None and isinstance(evaluator, _Differentiable):
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
            return self._written_out(evaluator, starts, most=_MOST_WRITTEN_OUT)
        growth = Growth(self, starts, most, exact=False)
        rows = self._rows_read(evaluator, most)
        carry = _Carry(self, evaluator, growth.starts)
        round_ = carry.settle(self._next_if, lambda values, row: list(values), [r[0] for r in rows.values()], rows)
        state, _ = lax.scan(lambda s, r: (round_(s, r), None), carry.state, list(rows.values()), length=most.rounds)
        return self._finished(evaluator, growth.finished(starts, carry.unpack(state, evaluator.context)))

    def _at_most(self, evaluator: Evaluator, starts: list[Any]) -> Count | None:
        return count_rounds(self, evaluator, starts, at_most=True, limit=most_rounds(self, evaluator.env))

    def _next_if(self, inner: Evaluator, row: Any) -> list[Any]:
        """The variables' next values if the condition holds, else their values as they are."""
        pred = inner.value(self._pred())
        values = [inner.env[v.merge._outputs[0]] for v in self.variables]
        if _is_known(pred):
            return self._next(inner) if np.asarray(pred).reshape(()) else values
        before = dict(inner.context.cells)

        def body() -> tuple[list[Any], Any]:
            context = TraceContext(dict(before))
            results = self._next(inner.inside(context, dict(inner.env), host=False))
            collector = _Collector()
            slots = [collector.slot(r) for r in results]
            cells = {key: collector.slot(context.cells[key]) for key in context.written}
            return collector.arrays, (slots, cells)

        def stay() -> tuple[list[Any], Any]:
            collector = _Collector()
            return [], ([_still(collector, v) for v in values], {})

        sides = [_Traced(stay), _Traced(body)]
        join = _Join(self._pred(), sides)
        gets = [join.both(a, b) for a, b in zip(sides[0].rest[0], sides[1].rest[0], strict=True)]
        cells = {k: join.both(_still(_Collector(), before[k]), slot) for k, slot in sides[1].rest[1].items()}
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

    def _round(
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

    def _next(self, inner: Evaluator) -> list[Any]:
        inner.run(self.body)
        return [_as_declared(inner.context, v.back._outputs[0], inner.env[v.back._inputs[0]]) for v in self.variables]

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
            if not self._holds(going_on):
                return self._tail(inner)
            values = self._next(inner)
            spent += len(self.ops)
            rounds += 1
            if budget is not None and spent > budget:
                raise HostBudgetError
            if most is not None and rounds > most:
                raise NeedsConcreteError(self._pred())

    def _holds(self, pred: Any) -> bool:
        if _is_known(pred):
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
        results = self._next(inner)
        return [results[i] for i in carried]

    # ---- as a while loop

    def _while(self, evaluator: Evaluator, starts: list[Any]) -> list[Any]:
        growth = None
        if any(getattr(s, "is_flow", False) and s.handle.dynamic for s in starts):
            most = self._at_most(evaluator, starts)
            growth = None if most is None else Growth(self, starts, most, exact=False)
        carry = _Carry(self, evaluator, starts if growth is None else growth.starts)
        round_ = carry.settle(lambda inner, row: self._next(inner), lambda values, row: list(values), [])

        def going_on(state: Any) -> Any:
            values, context = carry.inside(state)
            pred = self._round(evaluator, context, values).value(self._pred())
            if _is_known(pred) and np.asarray(pred).all():
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
        read: Iterable[Tensor] = (),
    ) -> Callable[[Any, Any], Any]:
        """Finds by tracing what a round writes, and gives the round as a function of (state, row).

        The first entries of a row are the values of the tensors in `read`.
        """
        read = list(read)
        for _ in range(4):
            traced = _Traced(lambda state, row: self._trace(run, values_of, state, row, read), self.state, row)
            slots, written, checks = traced.rest
            if self._adopt(slots, written, checks, traced):
                return self._replay(traced)
        raise _ShapeVariesError

    def _trace(self, run: Any, values_of: Any, state: Any, row: Any, read: list[Tensor]) -> tuple[list[Any], Any]:
        values, context = self.inside(state)
        known = dict(zip(read, row, strict=False))
        inner = self.loop._round(self.evaluator, context, values_of(values, row), known)
        results = run(inner, row)
        collector = _Collector()
        slots = [collector.slot(value) for value in results]
        written = {key: collector.slot(context.cells[key]) for key in dict.fromkeys([*self.keys, *context.written])}
        checks = [
            (op, collector.slot(jnp.asarray(ok)), [collector.slot(d) for d in data]) for op, ok, data in context.checks
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
        if len(slot.leaves) != 1:
            raise _ShapeVariesError
        leaf = slot.leaves[0]
        shape = traced.avals[leaf.index].shape if isinstance(leaf, _Out) else np.shape(leaf)
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
                _array(written[key].leaves[0], outputs, old.dtype) for key, old in zip(self.keys, state[1], strict=True)
            ]
            return values, cells, [_first_failure(*pair, outputs) for pair in zip(state[2], checks, strict=True)]

        return round_


def _still(collector: _Collector, value: Any) -> _Slot:
    """A value that is there outside the traced parts."""
    leaves, tree = jax.tree_util.tree_flatten(_tidy(value))
    return _Slot(leaves, tree)


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


# ---- derivatives of loops


class _Differentiable(Evaluator):
    """Evaluates so that a derivative can be taken, TF's: where it lets no gradient through, none goes through here."""

    own: Mapping[Operation, GradientInLoop] = {}
    around: Mapping[Tensor, Any] = {}

    def inside(self, context: StateContext, env: dict[Tensor, Any], host: bool) -> Evaluator:
        """An evaluator for a part of this one's work; gradients that operations bring along see all that there is here."""
        made = super().inside(context, env, host)
        made.own, made.around = self.own, {**self.around, **self.env} if self.own else {}  # type: ignore[attr-defined]
        return made

    def _implementation(self, item: Instruction, values: list[Any]) -> Callable[..., Any]:
        if item.lower is None and not self.host and runs_on_host(item, values):
            return on_host(item)
        found = super()._implementation(item, values)
        return with_own_gradient(found) if item.op._type in OWN_GRADIENT and found is item.lower else found

    def step(self, item: Instruction) -> None:
        """Evaluates one operation."""
        super().step(item)
        if item.op in self.own:
            self._bring_along(item, self.own[item.op])
            return
        record = RECORDS.get(item.op._type)
        if record is None or record.gradient is not NO_GRADIENT:
            return
        for tensor in item.outputs:
            if _is_traced(self.env.get(tensor)):
                self.env[tensor] = lax.stop_gradient(self.env[tensor])

    def _bring_along(self, item: Instruction, override: GradientInLoop) -> None:
        env = self.env
        results = {i: env[t] for i, t in enumerate(item.outputs) if _is_moving(env[t])}
        inputs = {i: self._moved(item.inputs[i]) for i in override.leaving}
        moving = {i: value for i, value in inputs.items() if _is_moving(value)}
        if not moving:
            env.update((item.outputs[i], lax.stop_gradient(value)) for i, value in results.items())
            return
        given = Pulled(override, {**self.around, **env}, self.context.cells).apply(results, moving)
        env.update((item.outputs[i], value) for i, value in zip(results, given, strict=True))

    def _moved(self, tensor: Tensor) -> Any:
        """The value of an input; of a resource variable the one that it holds."""
        value = self.env[tensor]
        return self.context.cells.get(value.key) if value.__class__ is Ref else value


def _is_moving(value: Any) -> bool:
    return _is_traced(value) and _is_inexact(value)


class Differentiation:
    """A loop run so that its derivative can be taken afterwards."""

    def __init__(self, loop: LoopRegion, evaluator: Evaluator, wanted: Sequence[Tensor]) -> None:
        self.loop = loop
        self.wanted = list(wanted)
        context = evaluator.context
        self.movable = [_moving_leaves(self._value(evaluator, t)) for t in self.wanted]
        flat = [leaf for _, leaves in self.movable for leaf in leaves]
        outputs, self.pull, rest = jax.vjp(lambda *leaves: self._forward(evaluator, leaves), *flat, has_aux=True)
        self.outputs = outputs
        taken = [*outputs, *rest]
        self.exits = [_rebuilt(slot, taken) for slot in self.slots]
        if isinstance(context, TraceContext):
            for key, slot in self.cells.items():
                context.cells[key] = _rebuilt(slot, taken)
                context.written.add(key)
            context.checks.extend(
                (op, _rebuilt(ok, taken), [_rebuilt(d, taken) for d in data]) for op, ok, data in self.checks
            )

    @staticmethod
    def _value(evaluator: Evaluator, tensor: Tensor) -> Any:
        value = evaluator.env[tensor]
        return evaluator.context.read(value) if value.__class__ is Ref else value

    def _forward(self, evaluator: Evaluator, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        context = TraceContext(dict(evaluator.context.cells))
        env = dict(evaluator.env)
        self._place(evaluator, env, context, iter(leaves))
        exits = self.loop.run(self._evaluator(context, env))
        collector = _Collector()
        self.slots = [collector.slot(e) for e in exits]
        self.cells = {key: collector.slot(context.cells[key]) for key in context.written if key in context.cells}
        self.checks = [(op, collector.slot(ok), [collector.slot(d) for d in data]) for op, ok, data in context.checks]
        return _by_kind(collector.arrays, [*self.slots, *self.cells.values(), *_slots_of(self.checks)])

    def _evaluator(self, context: TraceContext, env: dict[Any, Any]) -> Evaluator:
        made = _Differentiable(context, env, host=False)
        ops = frozenset(self.loop.ops)
        overrides = {op: gradient_in_loop(op, ops) for op in self.loop.ops if is_overridden(op)}
        made.own = {op: override for op, override in overrides.items() if override is not None}
        for override in made.own.values():
            override.items = grouped(override.ops)
        return made

    def _place(self, evaluator: Evaluator, env: dict[Any, Any], context: TraceContext, leaves: Any) -> None:
        for tensor, (rebuild, old) in zip(self.wanted, self.movable, strict=True):
            value = rebuild([next(leaves) for _ in old])
            if evaluator.env[tensor].__class__ is Ref and tensor._dtype._base.name == "resource":
                context.cells[evaluator.env[tensor].key] = value
            else:
                env[tensor] = value
        for op in self.loop.enters:
            env.pop(op._outputs[0], None)

    def gradients(self, given: dict[Tensor, Any]) -> dict[Tensor, Any]:
        """The gradients of the wanted inputs, given those of exits."""
        cotangents = [jnp.zeros(o.shape, o.dtype) for o in self.outputs]
        for op, slot in zip(self.loop.exits, self.slots, strict=True):
            grad = given.get(op._outputs[0])
            leaves = [] if grad is None else jax.tree_util.tree_leaves(_tidy(grad))
            for leaf, new in zip(slot.leaves, leaves, strict=False):
                if isinstance(leaf, _Out) and leaf.index < len(self.outputs):
                    cotangents[leaf.index] = jnp.asarray(new, self.outputs[leaf.index].dtype)
        moved = iter(self.pull(cotangents))
        grads = [rebuild([next(moved) for _ in leaves]) for rebuild, leaves in self.movable]
        return dict(zip(self.wanted, grads, strict=True))


def _slots_of(checks: Iterable[Any]) -> Iterable[_Slot]:
    for _, ok, data in checks:
        yield ok
        yield from data


def _rebuilt(slot: _Slot, arrays: Sequence[Any]) -> Any:
    leaves = [arrays[leaf.index] if isinstance(leaf, _Out) else leaf for leaf in slot.leaves]
    return jax.tree_util.tree_unflatten(slot.tree, leaves)


def _is_inexact(value: Any) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.inexact))


def _by_kind(arrays: list[Any], slots: Iterable[_Slot]) -> tuple[list[Any], list[Any]]:
    """The arrays with derivatives, then the others; the slots are changed to count in that order."""
    order = sorted(range(len(arrays)), key=lambda i: not _is_inexact(arrays[i]))
    place = {old: new for new, old in enumerate(order)}
    for slot in slots:
        for leaf in slot.leaves:
            if isinstance(leaf, _Out):
                leaf.index = place[leaf.index]
    moving = [arrays[i] for i in order if _is_inexact(arrays[i])]
    return moving, [arrays[i] for i in order[len(moving) :]]


def _moving_leaves(value: Any) -> tuple[Callable[[list[Any]], Any], list[Any]]:
    """The parts of a value that have derivatives, and a function that puts such parts in their place."""
    leaves, tree = jax.tree_util.tree_flatten(_tidy(value))
    where = [i for i, leaf in enumerate(leaves) if _can_carry(leaf) and _is_inexact(jnp.asarray(leaf))]

    def rebuild(parts: list[Any]) -> Any:
        new = list(leaves)
        for i, part in zip(where, parts, strict=True):
            new[i] = part
        return jax.tree_util.tree_unflatten(tree, new)

    return rebuild, [jnp.asarray(leaves[i]) for i in where]


class LoopGradient:
    """A `WhileGradient` operation: it pulls gradients back through the loop."""

    def __init__(self, op: Operation) -> None:
        self.op = op
        self.ops = [op]
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
        context = TraceContext(dict(evaluator.context.cells))
        for key in self.replayed_starts:
            if key not in context.cells:
                text = f"The gradient of a loop with random operations ('{key[1].name}') needs the loop in the same run"
                raise errors.UnimplementedError(None, self.op, text)
            context.cells[key[1]] = context.cells[key]
        return Differentiation(self.loop, Evaluator(context, dict(evaluator.env), host=False), self.wanted)

    @property
    def replayed_starts(self) -> list[Any]:
        """Keys of the cells that say where the loop's random streams stood."""
        return _stream_starts(self.loop.ops)

    @property
    def loop(self) -> LoopRegion:
        """The loop, whether or not the plan runs it for its own sake."""
        if self._loop is None:
            items = grouped(loop_operations(self.exit_op))
            self._loop = next(item for item in items if isinstance(item, LoopRegion))
        return self._loop
