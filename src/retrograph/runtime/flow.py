"""What a plan evaluates: instructions, and conds and loops as whole regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.conds import CondRegion
from retrograph.runtime.loops import LoopGradient, LoopRegion
from retrograph.runtime.lower import Evaluator, Instruction
from retrograph.runtime.pieces import as_declared, is_known, set_merge
from retrograph.runtime.regions import FLOW_TYPES, CondStep, LoopStep, Step, schedule


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
        return CondRegion(step, _items)
    if isinstance(step, LoopStep):
        return LoopRegion(step, _items)
    if step.type == "WhileGradient":
        return LoopGradient(step, _items)
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
            set_merge(evaluator, self.op, index, env[self.inputs[index]])
            return
        value = env[self.inputs[0]]
        if self.op.type not in ("Switch", "Enter"):
            value = as_declared(evaluator.context, self.outputs[0], value)
        # A gate hands on the read of a variable as TF shares its memory: what is assigned later is seen through it.
        for tensor in self._alive(env):
            env.setdefault(tensor, value)

    def _alive(self, env: dict[Tensor, Any]) -> Sequence[Tensor]:
        """The outputs that get a value: of a Switch the one that its predicate says, if that is known."""
        pred = env.get(self.inputs[1]) if len(self.outputs) == 2 else None
        return [self.outputs[int(bool(np.asarray(pred).reshape(())))]] if is_known(pred) else self.outputs
