"""Lookup tables: so far, their initialization."""

from __future__ import annotations

from typing import Any

from retrograph.framework.collections import GraphKeys
from retrograph.framework.exports import export
from retrograph.framework.graph import get_collection
from retrograph.ops.control_flow import group, no_op


@export("tables_initializer", "initializers.tables_initializer", "initialize_all_tables")
def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that initializes all tables of the graph. Source: TF 1.15 `tf.tables_initializer`."""
    initializers = get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(*initializers, name=name) if initializers else no_op(name=name)
