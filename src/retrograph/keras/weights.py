"""The variable of a layer: a resource variable of the graph, whatever variable scopes say about sharing."""

from __future__ import annotations

from typing import Any

import retrograph as tf


def make_variable(
    name: Any, shape: Any = None, dtype: Any = tf.float32, initializer: Any = None, trainable: Any = None, constraint: Any = None, use_resource: Any = None,
    collections: Any = None, synchronization: Any = tf.VariableSynchronization.AUTO, aggregation: Any = tf.VariableAggregation.NONE, partitioner: Any = None,
) -> Any:  # fmt: skip
    """A variable of the initializer (or of its value); a resource variable unless `use_resource` says otherwise."""
    value, kind = initializer, None
    if initializer is None or callable(initializer):
        made = initializer() if isinstance(initializer, type) else initializer
        value, kind = (lambda: made(shape, dtype=dtype)), tf.as_dtype(dtype).base_dtype
    return tf.Variable(
        initial_value=value, name=name, trainable=trainable, dtype=kind, constraint=constraint, use_resource=True if use_resource is None else use_resource,
        collections=collections, synchronization=synchronization, aggregation=aggregation, shape=tf.TensorShape(shape) if shape else None,
    )  # fmt: skip
