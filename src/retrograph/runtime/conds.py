"""Conds: `lax.cond`, or one branch alone.

A cond whose predicate is known while tracing is its taken branch; else both branches are traced, and an operation of the
branch that is not taken does not run. Variables that a branch writes are carried along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.operation import Tensor
from retrograph.runtime.loop_derivatives import Differentiable
from retrograph.runtime.lower import Evaluator, NeedsConcreteError
from retrograph.runtime.pieces import (
    Collector,
    Out,
    Slot,
    Traced,
    array_of,
    as_declared,
    evaluator_inside,
    is_known,
    is_same,
    is_traced,
    set_merge,
    taken_from_outside,
)
from retrograph.runtime.regions import CondStep, Step
from retrograph.runtime.state import StateContext


class CondRegion:
    """What one predicate guards: `lax.cond`, or one branch alone if the predicate is known."""

    def __init__(self, step: CondStep, items_of: Callable[[Iterable[Step]], list[Any]]) -> None:
        self.ops = list(step.ops)
        self.pred = step.pred
        self.branches = [items_of(branch) for branch in step.branches]
        self.merges = step.merges
        self.exports = step.exports
        made = set(self.ops)
        conds = [item for branch in self.branches for item in branch if isinstance(item, CondRegion)]
        inner: list[Tensor] = [pred for cond in conds for pred in cond.needs]
        self.needs: list[Tensor] = [self.pred, *dict.fromkeys(p for p in inner if p._op not in made)]
        self.outside = [*taken_from_outside(self.ops), *self.needs]

    def evaluate(self, evaluator: Evaluator) -> None:
        """Gives the Merges (and what later steps take from a branch) their values."""
        pred = evaluator.value(self.pred)
        if is_known(pred):
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
            set_merge(evaluator, merge, index, evaluator.env[merge._inputs[index]])

    def _traced(self, evaluator: Evaluator) -> list[Traced] | int:
        """Both branches traced; or the number of the one that is possible, if the other needs what has no value."""
        found: list[Traced | None] = []
        missing: KeyError | None = None
        for side in (0, 1):
            try:
                found.append(Traced(lambda side=side: self._branch(evaluator, side)))
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
        inner = evaluator_inside(evaluator, self.outside)
        inner.run(self.branches[side])
        collector = Collector()
        context = inner.context
        merged = [
            collector.slot(as_declared(context, merge._outputs[0], inner.env[merge._inputs[0 if first == side else 1]]))
            for merge, first in self.merges
        ]
        exported = [collector.slot(as_declared(context, t, inner.env[t])) for t in self.exports[side]]
        written = {key: collector.slot(context.cells[key]) for key in context.written if key in context.cells}
        checks = [(op, collector.slot(ok), [collector.slot(d) for d in data]) for op, ok, data in context.checks]  # type: ignore[attr-defined]
        return collector.arrays, (merged, exported, written, checks)

    def _select(self, evaluator: Evaluator, pred: Any, sides: list[Traced]) -> None:
        join = Join(self.pred, sides)
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
        join.run(pred, isinstance(evaluator, Differentiable))
        for (merge, first), get in zip(self.merges, merged, strict=True):
            set_merge(evaluator, merge, self._index(pred, first), get())
        for tensors, gets in zip(self.exports, exported, strict=True):
            evaluator.env.update((t, get()) for t, get in zip(tensors, gets, strict=True))
        for key, get in cells.items():
            context.cells[key] = get()
            context.written.add(key)
        for op, ok, data in checks:
            context.checks.append((op, ok(), [d() for d in data]))  # type: ignore[attr-defined]

    def _cell(self, context: StateContext, key: Any, side: Traced) -> Slot:
        if key in side.rest[2]:
            slot: Slot = side.rest[2][key]
            return slot
        if key not in context.cells:
            # Whether the variable has a value afterwards would depend on the predicate.
            raise NeedsConcreteError(self.pred)
        leaves, tree = jax.tree_util.tree_flatten(context.cells[key])
        return Slot(leaves, tree)

    def _index(self, pred: Any, first: int) -> Any:
        return jnp.where(pred, np.int32(1 - first), np.int32(first))


class Join:
    """Makes one value of what two branches give, and runs the `lax.cond` that chooses between them."""

    def __init__(self, pred: Tensor, sides: list[Traced]) -> None:
        self.pred = pred
        self.sides = sides
        self.makers: list[tuple[Callable[[Sequence[Any]], Any], Callable[[Sequence[Any]], Any]]] = []
        self.results: Sequence[Any] = ()

    def both(self, false: Slot, true: Slot) -> Callable[[], Any]:
        """A function that gives, after `run`, the value chosen."""
        if false.tree != true.tree or len(false.leaves) != len(true.leaves):
            false, true = self._same_form(false, true), self._same_form(true, false)
        if false.tree != true.tree:
            raise NeedsConcreteError(self.pred)
        gets = [self._leaf(a, b) for a, b in zip(false.leaves, true.leaves, strict=True)]
        return lambda: jax.tree_util.tree_unflatten(false.tree, [get() for get in gets])

    def one(self, side: int, slot: Slot, filling: Any = 0) -> Callable[[], Any]:
        """A function that gives the value of one branch; of no meaning (`filling`) if the other one is taken."""
        gets: list[Callable[..., Any]] = []
        for leaf in slot.leaves:
            if not isinstance(leaf, Out) and not (filling and is_known(leaf)):
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
        if not isinstance(false, Out) and not isinstance(true, Out) and is_same(false, true):
            return lambda: false
        a, b = self._form(0, false), self._form(1, true)
        if a is None or b is None or a[0] != b[0]:
            raise NeedsConcreteError(self.pred)
        return self._add((_maker(false, a[1]), _maker(true, a[1])))

    def _form(self, side: int, leaf: Any) -> Any:
        if isinstance(leaf, Out):
            aval = self.sides[side].avals[leaf.index]
            return aval.shape, aval.dtype
        if is_traced(leaf) or (is_known(leaf) and np.asarray(leaf).dtype != object):
            return np.shape(leaf), leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
        return None

    def _same_form(self, slot: Slot, like: Slot) -> Slot:
        """An empty TensorArray as zeros of the form that it has in the other branch."""
        value = jax.tree_util.tree_unflatten(slot.tree, slot.leaves) if not slot.leaves else None
        if getattr(value, "is_flow", False) and len(like.leaves) == 1:
            side = 1 if like.leaves[0] in [x for s in self._all_slots(1) for x in s.leaves] else 0
            shape, dtype = self._form(side, like.leaves[0])
            return Slot([np.zeros(shape, dtype)], like.tree)
        return slot

    def _all_slots(self, side: int) -> list[Slot]:
        return list(self.sides[side].rest[0])


def _is_costly(primitive: Any, *_: Any, **__: Any) -> bool:
    """Whether a derivative had better keep what a primitive gives than work it out again."""
    return primitive.name in ("dot_general", "conv_general_dilated")


def _maker(leaf: Any, dtype: Any) -> Callable[[Sequence[Any]], Any]:
    return lambda outputs: array_of(leaf, outputs, dtype)
