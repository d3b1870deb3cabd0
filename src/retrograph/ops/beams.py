"""`GatherTree`: whole sequences from the steps of a beam search."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank


def _shape(c: ShapeContext) -> list[Shape]:
    steps = with_rank(c, c.input(0), 3)
    with_rank(c, c.input(2), 1)
    with_rank(c, c.input(3), 0)
    return [merge(c, steps, with_rank(c, c.input(1), 3))]


def _walked_back(steps: Any, parents: Any, lengths: Any, end: Any) -> Any:
    count, rows, beams = steps.shape
    start = jnp.broadcast_to(jnp.arange(beams, dtype=jnp.int32), (rows, beams))
    row = jnp.arange(rows)[:, None]

    def back(beam: Any, given: Any) -> Any:
        step, parent, time = given
        runs = (time < lengths)[:, None]
        return jnp.where(runs, parent[row, beam], beam), jnp.where(runs, step[row, beam], end)

    times = jnp.arange(count, dtype=jnp.int32)
    return lax.scan(back, start, (steps, parents, times), reverse=True)[1]


def _gather_tree(op: Operation, steps: Any, parents: Any, lengths: Any, end: Any) -> Any:
    steps, parents, lengths = (jnp.asarray(v, jnp.int32) for v in (steps, parents, lengths))
    if not steps.shape[0]:
        return steps
    found = _walked_back(steps, parents, lengths, end)
    # What comes after the first end is the end too.
    ended = jnp.cumsum((found == end).astype(jnp.int32), axis=0) > 0
    return jnp.where(ended, jnp.asarray(end, jnp.int32), found)


def _checked(op: Operation, steps: Any, parents: Any, lengths: Any, end: Any) -> Any:
    found = np.full_like(steps, end)
    count, rows, beams = steps.shape
    for row in range(rows):
        last = min(count, int(lengths[row])) - 1
        for beam in range(beams if last >= 0 else 0):
            at = beam
            for time in range(last, -1, -1):
                if not 0 <= at < beams:
                    text = f"Saw invalid parent id {at} at (batch, time, beam) == ({row}, {time}, {beam})"
                    raise errors.InvalidArgumentError(None, op, text)
                found[time, row, beam], at = steps[time, row, at], parents[time, row, at]
    ended = np.cumsum(found == end, axis=0) > 0
    return np.where(ended, end, found).astype(np.int32)


register_op("GatherTree", shape=_shape, lower=_gather_tree, numpy=_checked, gradient=NO_GRADIENT)
