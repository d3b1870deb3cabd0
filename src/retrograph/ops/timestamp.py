"""The time at which a graph runs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape_rules import scalar


def _now(op: Any, ctx: Any) -> Any:
    return np.float64(time.time())


register_op("Timestamp", shape=scalar, numpy=_now, host=True, effect=True, gradient=NO_GRADIENT)


@export("timestamp")
def timestamp(name: Any = None) -> Tensor:
    """`f64[]`: seconds since 1970 when it runs, each time anew.

    Source: TF 1.15 `tf.timestamp`.
    """
    return apply_op("Timestamp", name)  # type: ignore[no-any-return]
