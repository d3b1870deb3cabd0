"""Gradients of one operation that are given on only when all of them are there (`gate_gradients`, `GATE_OP`)."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import frames
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Tensor


def gate(graph: Graph, grads: list[Any]) -> list[Any]:
    """`tf.tuple(grads)`, away from any device and colocation."""
    if _is_plain(graph, grads):
        return _gate_plain(graph, grads)
    with graph.device(None), graph.colocate_with(None, ignore_existing=True):
        return list(tf.tuple(grads))


def _is_plain(graph: Graph, grads: list[Any]) -> bool:
    state = graph._state
    if state.control_flow_context is not None or state.control_stack or graph._has_op_maps:
        return False
    return all(g is None or (g.__class__ is Tensor and not g._op._device and not g._dtype._is_ref) for g in grads)


def _gate_plain(graph: Graph, grads: list[Any]) -> list[Any]:
    """What `tf.tuple` makes of tensors, emitted directly: every trained operation with two inputs passes here."""
    state = graph._state
    stack = frames.capture(4)
    outer = state.name_stack
    state.name_stack = graph.unique_name("tuple")
    try:
        ops = sorted({g._op for g in grads if g is not None}, key=_creation)
        wait = graph._emit("NoOp", graph.unique_name("group_deps"), (), {}, (), control_inputs=ops, stack=stack)
        return [None if g is None else _gated(graph, g, wait, stack) for g in grads]
    finally:
        state.name_stack = outer


def _gated(graph: Graph, grad: Tensor, wait: Any, stack: frames.Stack) -> Any:
    made: Any = graph._emit(
        "Identity",
        graph.unique_name("control_dependency"),
        (grad,),
        {"T": grad._dtype},
        ((grad._dtype, grad._shape),),
        control_inputs=(wait,),
        colocation=grad._op.colocation_groups(),
        stack=stack,
    )
    return made._outputs[0]


def _creation(op: Any) -> int:
    return op._id  # type: ignore[no-any-return]
