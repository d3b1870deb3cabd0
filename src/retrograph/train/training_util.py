"""The global step: the variable that counts training steps."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.logger import get_logger

GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


@export("train.global_step")
def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of the global step in a session, which may be a vector of one element.

    Source: TF 1.15 `tf.train.global_step`.
    """
    return int(np.asarray(sess.run(global_step_tensor)).item())


@export("train.get_global_step", "contrib.framework.get_global_step", "contrib.slim.get_global_step")
def get_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph: the one in its collection, else the tensor `global_step:0`, else None.

    Raises: TypeError if it is not an integer scalar.
    Source: TF 1.15 `tf.train.get_global_step`.
    """
    graph = graph or get_default_graph()
    steps = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(steps) > 1:
        get_logger().error("Multiple tensors in global_step collection.")
        return None
    if steps:
        found = steps[0]
    else:
        try:
            found = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    assert_global_step(found)
    return found


@export("train.create_global_step", "contrib.framework.create_global_step", "contrib.slim.create_global_step")
def create_global_step(graph: Graph | None = None) -> Any:
    """Makes the global step, `i64[]` starting at 0.

    Raises: ValueError if there is one already.
    Source: TF 1.15 `tf.train.create_global_step`.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return tf.get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=tf.int64,
            initializer=tf.zeros_initializer(),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


@export(
    "train.get_or_create_global_step",
    "contrib.framework.get_or_create_global_step",
    "contrib.slim.get_or_create_global_step",
)
def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph, made if it is not there.

    Source: TF 1.15 `tf.train.get_or_create_global_step`.
    """
    graph = graph or get_default_graph()
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


@export("train.assert_global_step", "contrib.framework.assert_global_step", "contrib.slim.assert_global_step")
def assert_global_step(global_step_tensor: Any) -> None:
    """Checks that a global step is an integer scalar.

    Raises: TypeError.
    Source: TF 1.15 `tf.train.assert_global_step`.
    """
    if not isinstance(global_step_tensor, (tf.Variable, tf.Tensor)):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}')
    shape = global_step_tensor.get_shape()
    if shape.ndims != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')


def _get_global_step_read(graph: Graph | None = None) -> Any:
    reads = (graph or get_default_graph()).get_collection(GLOBAL_STEP_READ_KEY)
    if len(reads) > 1:
        raise RuntimeError(f"There are multiple items in collection {GLOBAL_STEP_READ_KEY}. There should be only one.")
    return reads[0] if reads else None


def _get_or_create_global_step_read(graph: Graph | None = None) -> Any:
    """A tensor of the global step before it is incremented, None if there is no global step."""
    graph = graph or get_default_graph()
    read = _get_global_step_read(graph)
    if read is not None:
        return read
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), graph.name_scope(step.op.name + "/"):
        value = step.initialized_value() if isinstance(step, tf.Variable) else step
        read = value + 0
        tf.add_to_collection(GLOBAL_STEP_READ_KEY, read)
        graph._first.add(read.op)
    return read


def _increment_global_step(increment: Any, graph: Graph | None = None) -> Any:
    graph = graph or get_default_graph()
    step = get_global_step(graph)
    if step is None:
        raise ValueError(
            "Global step tensor should be created by tf.train.get_or_create_global_step before calling increment."
        )
    read = _get_or_create_global_step_read(graph)
    scope = step.op.name + "/"
    with graph.as_default(), graph.name_scope(None), graph.name_scope(scope), tf.control_dependencies([read]):
        return tf.assign_add(step, increment)
