"""How many rounds a loop makes, if that follows from values known while tracing.

The part of a loop that its condition depends on is run ahead on NumPy values: `i < n` and `i + 1`, mostly. A counter
that moves by equal steps is not run but calculated.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import Instruction

_KNOWN = (np.ndarray, np.generic)
_LARGEST_COUNTER = 64
_MOST_SIMULATED = 20_000
_MOST_ROUNDS = 2**40
_SHAPE_TYPES = frozenset(("Shape", "ShapeN", "Size", "Rank"))
_ARRAY_TYPES = frozenset(
    f"TensorArray{name}V3" for name in ("", "Grad", "Read", "Write", "Gather", "Scatter", "Concat", "Split", "Close")
)
# With these alone a condition that has become false stays false, and steps are equal if three of them are.
_LINEAR_TYPES = frozenset(
    (
        "Const", "Add", "AddV2", "Sub", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LoopCond",
        "Identity", "Switch", "NextIteration", "Enter",
    )
)  # fmt: skip


@dataclass
class Count:
    """The rounds of a loop; for each variable known in all of them its values, stacked, and the last one."""

    rounds: int
    values: dict[int, np.ndarray[Any, Any]]
    final: dict[int, np.ndarray[Any, Any]]


def count_rounds(
    loop: Any, evaluator: Any, starts: Sequence[Any], at_most: bool = False, limit: int | None = None
) -> Count | None:
    """The number of rounds, or None if it depends on traced values.

    `at_most` gives a bound: of conditions that must all hold, those not known are taken to hold. The whole condition,
    if it is not known, is taken to hold for `limit` rounds.
    """
    if loop.pred is None:
        return None
    return _Simulation(loop, evaluator, starts, at_most, limit).count()


class _Simulation:
    def __init__(self, loop: Any, evaluator: Any, starts: Sequence[Any], at_most: bool, limit: int | None) -> None:
        self.loop = loop
        self.at_most = at_most
        self.limit = limit
        self.outer = evaluator.env
        self.base = {t: v for t in loop.outside if (v := evaluator.env.get(t)) is not None and _is_small(v)}
        self.starts = {i: np.asarray(v) for i, v in enumerate(starts) if _is_small(v)}

    def count(self) -> Count | None:
        known = dict(self.starts)
        while True:
            result = self._run(known)
            if not isinstance(result, set):
                return result
            for index in result:
                del known[index]

    def _run(self, known: dict[int, Any]) -> Count | set[int] | None:
        """A count; or None; or the variables that are not known after a round after all."""
        items = [*self.loop.head, *self.loop.body]
        values = dict(known)
        history: dict[int, list[Any]] = {i: [] for i in known}
        for rounds in range(_MOST_SIMULATED):
            env = self._environment(values)
            _fold(items, env, self.outer, self.at_most)
            going_on = env.get(self.loop.pred)
            if going_on is None:
                if self.limit is None:
                    return None
                going_on = rounds < self.limit
            if not going_on:
                return Count(rounds, {i: _stacked(v, known[i]) for i, v in history.items()}, values)
            after = {i: env.get(self.loop.variables[i].back._inputs[0]) for i in values}
            lost = {i for i, v in after.items() if v is None or np.shape(v) != np.shape(values[i])}
            if lost:
                return lost
            for i, value in values.items():
                history[i].append(value)
            values = {i: np.asarray(v) for i, v in after.items()}
            if rounds == 0:
                items = self._needed(items, values)
            elif rounds == 3 and self.limit is None:
                linear = self._linear(items, history, values)
                if linear is not None:
                    return linear
        return None

    def _environment(self, values: dict[int, Any]) -> dict[Tensor, Any]:
        env = dict(self.base)
        for i, value in values.items():
            env[self.loop.variables[i].merge._outputs[0]] = value
        return env

    def _needed(self, items: list[Any], values: dict[int, Any]) -> list[Any]:
        """Of the items those that the condition and the next values of the known variables depend on."""
        wanted = {self.loop.pred, *(self.loop.variables[i].back._inputs[0] for i in values)}
        found = []
        for item in reversed(items):
            ops: list[Operation] = item.ops if hasattr(item, "ops") else [item.op]
            if any(t in wanted for op in ops for t in op._outputs):
                found.append(item)
                wanted.update(t for op in ops for t in op._inputs)
        return found[::-1]

    def _linear(self, items: list[Any], history: dict[int, list[Any]], now: dict[int, Any]) -> Count | None:
        """The count by calculation, if all variables are whole numbers that move by equal steps."""
        if not all(getattr(item, "op", None) is not None and item.op.type in _LINEAR_TYPES for item in items):
            return None
        steps = {}
        for i, values in history.items():
            row = [*values, now[i]]
            if np.ndim(row[0]) or np.asarray(row[0]).dtype.kind not in "iu":
                return None
            differences = {int(b) - int(a) for a, b in itertools.pairwise(row)}
            if len(differences) != 1:
                return None
            steps[i] = differences.pop()
        first = {i: int(v[0]) for i, v in history.items()}
        return self._searched(items, first, steps, {i: np.asarray(v).dtype for i, v in now.items()})

    def _searched(
        self, items: list[Any], first: dict[int, int], steps: dict[int, int], dtypes: dict[int, Any]
    ) -> Count | None:
        limit = min((_room(first[i], steps[i], dtypes[i]) for i in first), default=_MOST_ROUNDS)

        def at(n: int) -> dict[int, Any]:
            return {i: np.array(first[i] + n * steps[i], dtypes[i]) for i in first}

        def runs(n: int) -> bool:
            env = self._environment(at(n))
            _fold(items, env, self.outer, self.at_most)
            return bool(env[self.loop.pred])

        if limit <= 4 or runs(limit):
            return None
        low, high = 3, limit
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if runs(middle) else (low, middle)
        rounds = high
        values = {i: (first[i] + steps[i] * np.arange(rounds, dtype=np.int64)).astype(dtypes[i]) for i in first}
        return Count(rounds, values, at(rounds))


def _room(first: int, step: int, dtype: Any) -> int:
    """How many steps a counter can make before it overflows."""
    if step == 0:
        return _MOST_ROUNDS
    info = np.iinfo(dtype)
    return min(_MOST_ROUNDS, ((int(info.max) - first) if step > 0 else (first - int(info.min))) // abs(step))


def _stacked(values: list[Any], like: Any) -> np.ndarray[Any, Any]:
    return np.stack(values) if values else np.zeros((0, *np.shape(like)), np.asarray(like).dtype)


def _is_small(value: Any) -> bool:
    if isinstance(value, _KNOWN):
        return bool(value.dtype != object and value.size <= _LARGEST_COUNTER)
    return hasattr(value, "element_shape") and not hasattr(value, "is_flow")


def _fold(items: list[Any], env: dict[Tensor, Any], outer: dict[Tensor, Any], at_most: bool) -> None:
    """Computes what the values in `env` tell, and leaves out all else."""
    for item in items:
        if item.__class__ is Instruction:
            _fold_one(item, env, outer, at_most)
        elif getattr(item, "is_merge", True) is False and item.inputs[0] in env:
            for tensor in item.outputs:
                env[tensor] = env[item.inputs[0]]


def _fold_one(item: Any, env: dict[Tensor, Any], outer: dict[Tensor, Any], at_most: bool) -> None:
    op = item.op
    if op.type == "Const":
        env[op._outputs[0]] = op._attrs["value"]
        return
    if item.numpy is None or item.effect or item.host or not item.outputs or op.type in _ARRAY_TYPES:
        return
    values = [env.get(t) for t in item.inputs]
    missing = [i for i, v in enumerate(values) if not isinstance(v, _KNOWN)]
    if missing and op.type in _SHAPE_TYPES:
        values = [
            _shaped(t, outer) if i in missing else v for i, (t, v) in enumerate(zip(item.inputs, values, strict=True))
        ]
    elif missing and op.type == "LogicalAnd" and at_most and len(missing) == 1:
        env[item.outputs[0]] = values[1 - missing[0]]
        return
    elif missing and op.type == "TensorArraySizeV3" and values[0] is not None and not values[0].dynamic:
        env[item.outputs[0]] = np.array(values[0].size, np.int32)
        return
    elif missing:
        return
    if any(v is None for v in values):
        return
    result = item.numpy(op, *values)
    results = result if isinstance(result, (tuple, list)) else (result,)
    for tensor, value, dtype in zip(item.outputs, results, item.types, strict=True):
        env[tensor] = value if dtype is None else np.asarray(value, dtype)


def _shaped(tensor: Tensor, outer: dict[Tensor, Any]) -> Any:
    """Something of the shape of a tensor, if the shape is known."""
    shape: Any = tensor._shape
    if shape is None or None in shape:
        shape = getattr(outer.get(tensor), "shape", None)
    return None if shape is None or None in shape else np.broadcast_to(np.zeros((), np.int8), shape)
