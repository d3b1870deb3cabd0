"""Rounds of a loop counted on the host, before the program that the loop is in.

How long a decoder runs may follow from lengths that were fed, and so do the shapes of what it gives. The part of the loop
that its condition depends on then runs ahead on NumPy values, and the number of rounds is known to the compiled program,
which is one for each number.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.hoisting import is_simple, simple_sources
from retrograph.runtime.lower import Evaluator, Instruction
from retrograph.runtime.places import is_handle, ops_of
from retrograph.runtime.state import StateContext

# A loop of more rounds is left to a program that does not know their number.
_MOST_ROUNDS = 10_000


class NeedsRoundsError(Exception):
    """The number of rounds of `loop` must be known, if it can be."""

    def __init__(self, loop: Any):
        super().__init__(loop.frame)
        self.loop = loop


def rounds_key(loop: Any) -> Any:
    """Where the number of rounds of a loop stands among the values of a run."""
    return ("rounds", loop.frame)


class RoundsStep:
    """A step that counts the rounds of a loop."""

    items: Sequence[Any] = ()
    ops: Sequence[Operation] = ()
    waits = compiled = False

    def __init__(self, loop: Any, needed: set[Tensor], before: list[Any], inputs: list[Tensor]):
        self.key = rounds_key(loop)
        self.before = before
        self.inputs = inputs
        self.sources = frozenset(t._op for t in inputs)
        self.loop = _reduced(loop, needed)

    def run(self, session: Any, env: dict[Any, Any]) -> None:
        """Adds the number to `env`; -1 if the loop takes too long to count."""
        given = {t: np.asarray(env[t]) for t in self.inputs}
        evaluator = Evaluator(StateContext({}), given, host=True)
        with np.errstate(all="ignore"):
            evaluator.run(self.before)
            env[self.key] = np.int64(self._counted(evaluator))

    def _counted(self, evaluator: Evaluator) -> int:
        env, loop = evaluator.env, self.loop
        env.update((op._outputs[0], env[op._inputs[0]]) for op in loop.enters)
        values = [env[v.enter._outputs[0]] for v in loop.variables]
        for rounds in range(_MOST_ROUNDS):
            inner = loop.start_round(evaluator, evaluator.context, values)
            if not np.asarray(inner.value(loop.pred)).all():
                return rounds
            values = loop.next_values(inner)
        return -1


def counting_step(loop: Any, items: Sequence[Any], inputs: Iterable[Tensor]) -> RoundsStep | None:
    """A step that counts the rounds from `inputs` and constants; None if the condition depends on more than they tell."""
    needed = _slice(loop)
    if needed is None:
        return None
    taken = [op._inputs[0] for op in loop.enters if op._outputs[0] in needed]
    inside = {t for op in loop.ops for t in op._outputs}
    outside = [t for item in _parts(loop, needed) for t in item.inputs if t not in inside]
    return _prepared(loop, needed, [*taken, *outside], items, inputs)


def _prepared(
    loop: Any, needed: set[Tensor], wanted: list[Tensor], items: Sequence[Any], inputs: Iterable[Tensor]
) -> RoundsStep | None:
    makers = {item.op: item for item in items if item.__class__ is Instruction}
    in_regions = {op for item in items if item.__class__ is not Instruction for op in item.ops}
    found: set[Operation] = set()
    for tensor in wanted:
        if is_handle(tensor) or (tensor._op not in makers and tensor not in inputs):
            return None
        sources = simple_sources(tensor._op, makers, in_regions)
        if sources is None:
            return None
        found |= sources
    before = [item for item in items if item.__class__ is Instruction and item.op in found]
    made = {t for op in found for t in op._outputs}
    given = dict.fromkeys(t for t in [*wanted, *(t for op in found for t in op._inputs)] if t not in made)
    return RoundsStep(loop, needed, before, list(given))


def _slice(loop: Any) -> set[Tensor] | None:
    """The tensors of the loop that its condition depends on, over all rounds; None if not all are simple functions."""
    makers = {t: item for item in (*loop.head, *loop.body) for op in ops_of(item) for t in op._outputs}
    backs = {v.merge._outputs[0]: v for v in loop.variables}
    entered, ops = {op._outputs[0] for op in loop.enters}, set(loop.ops)
    needed: set[Tensor] = set()
    pending = [loop.pred]
    while pending:
        tensor = pending.pop()
        if tensor in needed:
            continue
        needed.add(tensor)
        if tensor in backs:
            pending += [backs[tensor].back._inputs[0], backs[tensor].enter._outputs[0]]
        elif tensor in makers:
            item = makers[tensor]
            if not (is_simple(item.op) if item.__class__ is Instruction else getattr(item, "is_merge", True) is False):
                return None
            pending += item.inputs
        elif tensor not in entered and tensor._op in ops:
            return None
    return needed


def _parts(loop: Any, needed: set[Tensor]) -> list[Any]:
    return [*_needed(loop.head, needed), *_needed(loop.body, needed)]


def _needed(items: Iterable[Any], needed: set[Tensor]) -> list[Any]:
    return [item for item in items if any(t in needed for t in getattr(item, "outputs", ()))]


def _reduced(loop: Any, needed: set[Tensor]) -> Any:
    """The loop with nothing but what its condition depends on."""
    made, ops = copy.copy(loop), set(loop.ops)
    made.variables = [v for v in loop.variables if v.merge._outputs[0] in needed]
    made.enters = [op for op in loop.enters if op._outputs[0] in needed]
    made.head, made.body = _needed(loop.head, needed), _needed(loop.body, needed)
    made.outside = [t for t in loop.outside if t in needed or t._op not in ops]
    return made
