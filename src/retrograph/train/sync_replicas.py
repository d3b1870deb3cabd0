"""Optimizers of TF's parameter servers, which have no counterpart here."""

from __future__ import annotations

from typing import Any

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer


@export("train.SyncReplicasOptimizer")
class SyncReplicasOptimizer(Optimizer):
    """Refused: replicas are synchronous without it.

    Raises: UnimplementedError.
    Source: TF 1.15 `tf.train.SyncReplicasOptimizer`.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        raise errors.UnimplementedError(
            None,
            None,
            "tf.train.SyncReplicasOptimizer is not supported: it needs parameter servers. Use the wrapped optimizer "
            "itself.",
        )
