"""`ObtainNext`: the texts of a list one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.rows import refuse


def _next(op: Any, ctx: Any, texts: Any, counter: Any) -> Any:
    if not texts.size:
        refuse(op, "There is nothing in the list")
    place = (int(ctx.read(counter)) + 1) % texts.size
    ctx.write(counter, np.int64(place))
    return np.asarray(texts, object).ravel()[place : place + 1].reshape(())


def _next_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 1)
    with_rank(c, c.input(1), 0)
    return [()]


register_op("ObtainNext", shape=_next_shape, numpy=_next, host=True, effect=True, gradient=NO_GRADIENT)
