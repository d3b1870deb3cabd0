"""Gradients that operations inside a loop bring along: `tf.custom_gradient`, `Graph.gradient_override_map`.

The derivative of a loop is taken of the loop as it is lowered. What a program's own gradient function builds is built
once, in the loop's body, and a `GradientInLoop` operation there, which nothing takes, says which tensors are the
gradients that arrive and which the ones that leave. The lowering finds it by the operation it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import retrograph as tf
from retrograph.autodiff.registry import get_gradient_function, is_trainable
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.op_table import NO_GRADIENT, define_op, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.own_gradients import GRADIENT_IN_LOOP, gradient_in_loop, is_overridden

define_op(
    {
        "op": GRADIENT_IN_LOOP,
        "in": [{"name": "tensors", "type": "T"}],
        "out": [],
        "attr": [{"name": "T", "type": "list(type)"}],
    }
)
register_op(GRADIENT_IN_LOOP, shape=lambda c: [], gradient=NO_GRADIENT)


def build_overrides(ops: frozenset[Operation]) -> list[Tensor]:
    """Builds the gradients of those of a loop's operations that bring their own; gives the tensors from outside that they take."""
    overridden = sorted(filter(is_overridden, ops), key=lambda op: op._id)
    for op in overridden:
        if gradient_in_loop(op, ops) is None:
            _build(op)
    found: dict[Tensor, None] = {}
    for op in overridden:
        override = gradient_in_loop(op, ops)
        found.update(dict.fromkeys(override.outside() if override is not None else ()))
    return list(found)


def _build(op: Operation) -> None:
    context = op._get_control_flow_context()
    graph = get_default_graph()
    with graph.control_dependencies(None), graph.name_scope(op.name + "_grad"):
        if context is not None:
            context.Enter()
        try:
            _built(op)
        finally:
            if context is not None:
                context.Exit()


def _built(op: Operation) -> None:
    function = get_gradient_function(op)
    arriving = {i: _arriving(t) for i, t in enumerate(op.outputs) if is_trainable(t)}
    given = [arriving.get(i) for i in range(len(op.outputs))]
    grads = {} if function is None else dict(_leaving(op, function(op, *given)))
    tensors = [op.outputs[0], *arriving.values(), *grads.values()]
    attrs = {"T": [t.dtype.base_dtype for t in tensors], "_given": list(arriving), "_wanted": list(grads)}
    get_default_graph().create_op(GRADIENT_IN_LOOP, tensors, [], attrs=attrs)


def _arriving(output: Tensor) -> Tensor:
    return tf.placeholder(output.dtype.base_dtype, output.shape, name="arriving")  # type: ignore[no-any-return]


def _leaving(op: Operation, grads: Any) -> Iterator[tuple[int, Tensor]]:
    grads = list(grads) if isinstance(grads, (list, tuple)) else [grads]
    if len(grads) != len(op.inputs):
        raise ValueError(
            f"Num gradients {len(grads)} generated for op {op.node_def} do not match num inputs {len(op.inputs)}"
        )
    for i, grad in _present(grads):
        yield i, tf.convert_to_tensor(grad)


def _present(grads: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    return ((i, grad) for i, grad in enumerate(grads) if grad is not None)
