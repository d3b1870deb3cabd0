"""What stochastic dual coordinate ascent shrinks: `tf.train.sdca_shrink_l1`."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape_rules import no_outputs
from retrograph.ops.rows import refuse


def _shrink(op: Any, ctx: Any, *refs: Any) -> tuple[()]:
    l1, l2 = (np.float32(op.attrs[name]) for name in ("l1", "l2"))
    if not l2 > 0:
        refuse(op, f"l2 must be positive, not {l2:g}")
    for ref in refs:
        weights = ctx.read(ref)
        ctx.write(ref, ctx.xp.sign(weights) * ctx.xp.maximum(ctx.xp.abs(weights) - l1 / l2, np.float32(0)))
    return ()


register_op("SdcaShrinkL1", shape=no_outputs, lower=_shrink, numpy=_shrink, effect=True, gradient=NO_GRADIENT)


@export("train.sdca_shrink_l1")
def sdca_shrink_l1(weights: Any, l1: float, l2: float, name: str | None = None) -> Any:
    """An operation that moves each weight towards zero by `l1 / l2`, and no further.

    Raises InvalidArgumentError when it runs: `l2` that is not positive. Source: TF 1.15 `tf.train.sdca_shrink_l1`.
    """
    return apply_op("SdcaShrinkL1", name, weights=weights, l1=l1, l2=l2)
