"""Ops over replicas, of which there is one."""

from __future__ import annotations

from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import register_op
from retrograph.framework.shape_rules import unchanged


def _itself(op: Any, value: Any, groups: Any) -> Any:
    return value


register_op("CrossReplicaSum", shape=unchanged, lower=_itself, numpy=_itself)


@export("tpu.cross_replica_sum", "contrib.tpu.cross_replica_sum")
def cross_replica_sum(x: Any, group_assignment: Any = None, name: str | None = None) -> Any:
    """The sum of `x` over all replicas: `x` itself, as there is one. Source: TF 1.15 `tf.contrib.tpu.cross_replica_sum`."""
    groups = [[0]] if group_assignment is None else group_assignment
    return apply_op("CrossReplicaSum", name, input=x, group_assignment=groups)
