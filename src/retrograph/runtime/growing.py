"""TensorArrays that grow inside loops: with a bound on the rounds they get room for all elements beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jnp
from retrograph.framework.operation import Operation, Tensor

_PASSING = frozenset(("Switch", "Identity", "Enter", "NextIteration"))
# What may be done with the contents once the length is known only when the program runs.
_LATER = frozenset(("TensorArraySizeV3", "TensorArrayGatherV3", "TensorArrayGradV3", "WhileGradient"))
_MOST_BYTES = 1 << 30


def source_of(tensor: Tensor) -> Tensor:
    """The tensor that gates and identities hand on."""
    while tensor._op.type in _PASSING:
        tensor = tensor._op._inputs[0]
    return tensor


def _on_flow(op: Operation) -> bool:
    return op.type.startswith("TensorArray") and len(op._inputs) > 1


def _written(loop: Any, flow: Tensor) -> Tensor | None:
    """The index at which each round writes to an array once, if that is all that the loop does with it."""
    touching = [op for op in loop.ops if _on_flow(op) and source_of(op._inputs[-1]) is flow]
    plain = {item.op for item in loop.body if hasattr(item, "op")}
    if len(touching) != 1 or touching[0].type != "TensorArrayWriteV3" or touching[0] not in plain:
        return None
    return touching[0]._inputs[1]  # type: ignore[no-any-return]


def _taken_later(exit_: Tensor) -> set[str]:
    """The types of the operations that take the contents after the loop."""
    found, pending = set(), [exit_]
    while pending:
        for op in pending.pop().consumers():
            if op.type == "Identity":
                pending.extend(op._outputs)
            else:
                found.add(op.type)
    return found


class Growth:
    """Which of a loop's variables are arrays that grow, and which counters tell how long they are."""

    def __init__(self, loop: Any, starts: Sequence[Any], count: Any, exact: bool) -> None:
        self.counters: dict[int, int] = {}
        self.starts = list(starts)
        for i, start in enumerate(starts):
            if getattr(start, "is_flow", False) and start.handle.dynamic and start.length is None:
                self._add(loop, i, start, count, exact)

    def _add(self, loop: Any, i: int, start: Any, count: Any, exact: bool) -> None:
        variable = loop.variables[i]
        index = _written(loop, variable.merge._outputs[0])
        counter = None if index is None else _counter(loop, index, count)
        if counter is None or not (exact or self._fits(loop, variable)):
            return
        values = np.asarray(count.values[counter]).astype(np.int64)
        if not len(values) or values[0] < 0 or values[0] > start.size or (np.diff(values) != 1).any():
            return
        shape = start.element_shape
        if shape is not None and int(np.prod(shape)) * np.dtype(start.dtype).itemsize * len(values) > _MOST_BYTES:
            return
        self.counters[i] = counter
        self.starts[i] = start.grown(max(start.size, int(values[-1]) + 1))

    @staticmethod
    def _fits(loop: Any, variable: Any) -> bool:
        exit_ = next((op for op in loop.exits if source_of(op._inputs[0]) is variable.merge._outputs[0]), None)
        return exit_ is None or _taken_later(exit_._outputs[0]) <= _LATER

    def finished(self, given: Sequence[Any], values: Sequence[Any]) -> list[Any]:
        """The values after the loop, arrays as long as they became."""
        return [
            value.cut(_longest(given[i].size, values[self.counters[i]])) if i in self.counters else value
            for i, value in enumerate(values)
        ]


def _longest(before: int, counter: Any) -> Any:
    if isinstance(counter, (np.ndarray, np.generic)):
        return max(before, int(counter))
    return jnp.maximum(jnp.asarray(counter), before).astype(np.int32)


def _counter(loop: Any, tensor: Tensor, count: Any) -> int | None:
    tensor = source_of(tensor)
    return next((i for i in count.values if loop.variables[i].merge._outputs[0] is tensor), None)


def most_rounds(loop: Any, env: dict[Tensor, Any]) -> int | None:
    """The bound that reads tell which are marked: who made the loop says that it is over when they would pass the end."""
    sizes = []
    for op in loop.ops:
        if op.type == "TensorArrayReadV3" and op._attrs.get("_until_end"):
            handle = _outer(op._inputs[0], env)
            if handle is not None and not handle.dynamic:
                sizes.append(handle.size)
    return min(sizes) if sizes else None


def _outer(tensor: Tensor, env: dict[Tensor, Any]) -> Any:
    while tensor not in env and tensor._op.type in _PASSING:
        tensor = tensor._op._inputs[0]
    return env.get(tensor)
