"""Evaluating the operations of a segment on traced values, with what makes XLA's program of them a good one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jnp
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.chains import kept_tensors, worked_out_once
from retrograph.runtime.in_place import after, last_readers
from retrograph.runtime.lower import Evaluator, Instruction
from retrograph.runtime.pieces import is_traced
from retrograph.runtime.state import StateContext


class XlaEvaluator(Evaluator):
    """An evaluator that works certain tensors out once, and lets updates wait for readers of the old value."""

    kept: frozenset[Tensor] = frozenset()
    readers: dict[Operation, tuple[Tensor, Tensor]] = {}

    def inside(self, context: StateContext, env: dict[Tensor, Any], host: bool) -> Evaluator:
        """An evaluator for a region."""
        return Evaluator(context, env, host)

    def step(self, item: Instruction) -> None:
        """Evaluates one operation."""
        waits = self.readers.get(item.op, ())
        if waits and all(map(self._is_traced_float, waits)) and self.env[waits[1]].size:
            self._step_after(item, *waits)
        else:
            super().step(item)
        for tensor in item.outputs:
            if tensor in self.kept and self._is_traced_float(tensor):
                self.env[tensor] = worked_out_once(self.env[tensor])

    def _is_traced_float(self, tensor: Tensor) -> bool:
        value: Any = self.env.get(tensor)
        return is_traced(value) and jnp.issubdtype(value.dtype, np.floating)

    def _step_after(self, item: Instruction, taken: Tensor, reader: Tensor) -> None:
        given = self.env[taken]
        self.env[taken] = after(given, self.env[reader])
        super().step(item)
        self.env[taken] = given


def evaluator_of(
    items: Sequence[Any], wanted: Iterable[Tensor], context: StateContext, env: dict[Tensor, Any]
) -> Evaluator:
    """The evaluator for the items of a segment."""
    evaluator = XlaEvaluator(context, env, host=False)
    evaluator.kept, evaluator.readers = kept_tensors(items), last_readers(items, wanted)
    return evaluator
