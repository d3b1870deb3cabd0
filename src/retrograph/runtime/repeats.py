"""Runs that are like an earlier one, as the steps of a training loop are: the same fetches, arrays of the same shapes fed.

Between two steps the processor's caches hold what XLA computed: Python code runs at a tenth of its speed, so that what a
first run finds out (plan, segment, program, order of the inputs) is kept, not found out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jax
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.feeds import fed_value
from retrograph.runtime.fetches import as_result
from retrograph.runtime.lower import NeedsConcreteError
from retrograph.runtime.plan import Plan
from retrograph.runtime.rounds import NeedsRoundsError
from retrograph.runtime.state import Ref
from retrograph.runtime.steps import NOTHING, Segment

_NAMED = (Tensor, Operation, str)

UNLIKE = object()
"""Says that a run has to be done from the beginning."""


def key_of(fetches: Any, feed_dict: Any) -> tuple[Any, ...] | None:
    """What tells apart the runs whose fetches and feeds are given one by one; others than tensors and operations find no match."""
    cls = fetches.__class__
    if feed_dict is None:
        feed_dict = ()
    elif feed_dict.__class__ is not dict:
        return None
    if cls is list or cls is tuple:
        return (cls, *fetches, None, *feed_dict)
    return (fetches, None, *feed_dict) if cls in _NAMED else None


class Repeat:
    """How to do a run again whose whole work is one compiled program."""

    __slots__ = ("_arrays", "_executable", "_feeds", "_fetches", "_fill", "_key", "_plan", "_segment", "_unfeedable")

    def __init__(
        self,
        session: Any,
        plan: Plan,
        segment: Segment,
        fill: Callable[[list[Any]], Any],
        values: list[Any],
        program: Any,
    ):
        self._plan, self._segment = plan, segment
        self._key, self._executable = program
        self._feeds, self._fetches, self._fill = plan.feeds, plan.fetches, fill
        self._arrays = [(v.dtype, v.shape) for v in values]
        self._unfeedable = len(session._graph._unfeedable_tensors)

    def run(self, session: Any, given: Iterable[Any]) -> Any:
        """The structure of results, or `UNLIKE` if this run is not like the earlier one. Raises what any run raises."""
        graph = session._graph
        if (
            graph._version_of_edges != session._prepared_version
            or graph._bad_edges
            or len(graph._unfeedable_tensors) != self._unfeedable
            or session._tracer.active
        ):
            return UNLIKE
        values = []
        for tensor, value, (dtype, shape) in zip(self._feeds, given, self._arrays, strict=True):
            if value.__class__ is not np.ndarray or value.dtype is not dtype:
                value = fed_value(graph, tensor, tensor, value)
            if value.shape != shape:
                return UNLIKE
            values.append(value)
        self._plan.check_fed(values)
        env = dict(zip(self._feeds, values, strict=True))
        if not self._compute(session, env):
            return UNLIKE
        return self._fill([as_result(env[t]) for t in self._fetches])

    def _compute(self, session: Any, env: dict[Tensor, Any]) -> bool:
        segment, executable = self._segment, self._executable
        with session._lock:
            cells = session._cells
            try:
                donated = [cells[k] for k in segment.donated]
                kept = [cells[k] for k in segment.kept]
            except KeyError:
                return False
            dynamic = [env[t] for t in segment.dynamic_inputs]
            try:
                with jax.enable_x64(True) if executable.wide else NOTHING:
                    self._executable = segment.dispatch(self._key, executable, cells, donated, kept, dynamic, env)
            except (NeedsConcreteError, NeedsRoundsError):
                return False  # a variable changed its shape: the plan has to be cut anew
        env.update(executable.static)
        return True


def repeat_of(session: Any, plan: Plan, fill: Callable[[list[Any]], Any], values: list[Any]) -> Repeat | None:
    """How to do again what a session has just run with these arrays, or None if that took more than one program."""
    segment = plan.lone_segment
    if segment is None or plan.fed_fetches or any(v.dtype.kind == "O" for v in values):
        return None
    program = segment.program_for(dict(zip(plan.feeds, values, strict=True)), session._cells)
    if program is None:
        return None
    _, executable = program
    made = {*executable.dynamic, *(t for t, v in executable.static.items() if v.__class__ is not Ref)}
    return Repeat(session, plan, segment, fill, values, program) if made.issuperset(plan.fetches) else None
