"""Gradients of one operation that are given on only when all of them are there (`gate_gradients`, `GATE_OP`)."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.graph import Graph


def gate(graph: Graph, grads: list[Any]) -> list[Any]:
    """`tf.tuple(grads)`, away from any device and colocation."""
    with graph.device(None), graph.colocate_with(None, ignore_existing=True):
        return list(tf.tuple(grads))
