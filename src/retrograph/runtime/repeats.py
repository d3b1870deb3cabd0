"""Runs that are like an earlier one, as the steps of a training loop are: the same fetches, arrays of the same shapes fed.

Between two steps the processor's caches hold what XLA computed: Python code runs at a tenth of its speed, so that what a
first run finds out (plan, segment, program, order of the inputs) is kept, not found out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.feeds import fed_value
from retrograph.runtime.fetches import Fetches, as_result
from retrograph.runtime.plan import Plan
from retrograph.runtime.state import Ref
from retrograph.runtime.steps import OutdatedError, Segment

_NAMED = (Tensor, Operation, str)

# Where shapes change from run to run, to note each anew would cost more than it saves.
_MOST_TURNS = 8

UNLIKE = object()
"""Says that a run has to be done from the beginning."""


def key_of(fetches: Any, feed_dict: Any) -> tuple[Any, ...] | None:
    """What tells runs apart whose fetches are a name, a tensor, an operation, or a plain list or tuple of them.

    None for others; a list or tuple of structures gives a key that may not be hashed.
    """
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

    __slots__ = (
        "_executable",
        "_feeds",
        "_fetches",
        "_fill",
        "_given",
        "_plan",
        "_segment",
        "_unfeedable_count",
        "_version",
        "turns",
    )

    def __init__(
        self,
        session: Any,
        version: Any,
        plan: Plan,
        fill: Callable[[list[Any]], Any],
        values: list[Any],
        segment: Segment,
        executable: Any,
        turns: int,
    ):
        self._version = version
        self._plan, self._segment, self._executable = plan, segment, executable
        self._feeds, self._fetches, self._fill = plan.feeds, plan.fetches, fill
        self._given = [(v.dtype, v.shape, t._shape) for v, t in zip(values, plan.feeds, strict=True)]
        self._unfeedable_count = len(session._graph._unfeedable_tensors)
        self.turns = turns
        """How often this took the place of one for arrays of other shapes."""

    def run(self, session: Any, given: Iterable[Any]) -> Any:
        """The structure of results, or `UNLIKE` if this run is not like the earlier one. Raises what any run raises."""
        graph = session._graph
        if (
            graph._version_of_edges != self._version
            or graph._bad_edges
            or len(graph._unfeedable_tensors) != self._unfeedable_count
            or session._tracer.active
        ):
            return UNLIKE
        values = []
        for tensor, value, (dtype, shape, static_shape) in zip(self._feeds, given, self._given, strict=True):
            if tensor._shape is not static_shape:
                return UNLIKE
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
            if session._closed:
                return False
            cells = session._cells
            try:
                donated = [cells[k] for k in segment.donated]
                kept = [cells[k] for k in segment.kept]
            except KeyError:
                return False
            dynamic = [env[t] for t in segment.dynamic_inputs]
            try:
                segment.dispatch(executable, cells, donated, kept, dynamic, env)
            except OutdatedError:
                return False
        env.update(executable.static)
        return True


def repeat_of(
    session: Any, version: Any, plan: Plan, wanted: Fetches, values: list[Any], before: Repeat | None
) -> Repeat | None:
    """How to do again what a session has just run with these arrays, or None if that took more than one program.

    `version` is that of the graph's edges for which the plan was made; `before` is the repeat that did not fit.
    """
    segment, turns = plan.lone_segment, 0 if before is None else before.turns + 1
    if turns > _MOST_TURNS:
        return None
    if segment is None or plan.fed_fetches or wanted.handles or any(v.dtype.kind == "O" for v in values):
        return None
    executable = segment.program_for(dict(zip(plan.feeds, values, strict=True)), session._cells)
    if executable is None:
        return None
    made = {*executable.dynamic, *(t for t, v in executable.static.items() if v.__class__ is not Ref)}
    if not made.issuperset(plan.fetches):
        return None
    return Repeat(session, version, plan, wanted.fill, values, segment, executable, turns)
