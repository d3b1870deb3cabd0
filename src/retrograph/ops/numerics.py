"""Checks of whole tensors: shapes and finite elements."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes, errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, get_default_graph, name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape, compatible, to_text
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank
from retrograph.ops import control_flow
from retrograph.ops.array import lookup_renamed
from retrograph.ops.identities import check_numerics
from retrograph.ops.rows import both, make_tensor


def _ensured_shape(c: ShapeContext) -> list[Shape]:
    wanted: Shape = c.attr("shape")
    given = c.input(0) if wanted is None else with_rank(c, c.input(0), len(wanted))
    return [merge(c, wanted, given)]


def _ensured(xp: Any, op: Any, x: Any) -> Any:
    wanted = op.attrs["shape"]
    if not compatible(wanted, tuple(x.shape)):
        source = op.inputs[0]
        name = source.op.name if source.value_index == 0 else source.name
        text = (
            f"Shape of tensor {name} {to_text(tuple(x.shape))} is not compatible with expected shape {to_text(wanted)}."
        )
        raise errors.InvalidArgumentError(None, op, text)
    return x


register_op("EnsureShape", shape=_ensured_shape, gradient=lambda op, grad: grad, **both(_ensured))


@export("ensure_shape")
def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """`x`, whose shape is checked when it runs and is known to fit `shape` from here on.

    >>> tf.ensure_shape(tf.placeholder(tf.float32), [None, 3])
    <tf.Tensor 'EnsureShape:0' shape=(?, 3) dtype=float32>

    Raises InvalidArgumentError when it runs. Source: TF 1.15 `tf.ensure_shape`.
    """
    if not isinstance(shape, TensorShape):
        shape = TensorShape(shape)
    return make_tensor("EnsureShape", name, input=x, shape=shape)


@export("debugging.assert_all_finite", "verify_tensor_all_finite")
def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Tensor:
    """The tensor, after a check that all its elements are finite.

    Raises InvalidArgumentError when it runs. Source: TF 1.15 `tf.debugging.assert_all_finite`.
    """
    x = lookup_renamed("x", x, "t", t)
    message = lookup_renamed("message", message, "msg", msg)
    with name_scope(name, "VerifyFinite", [x]):
        x = convert_to_tensor(x, name="x")
        with x.graph.colocate_with(x):
            checked = check_numerics(x, message=message or "")
            return control_flow.with_dependencies([checked], x)  # type: ignore[no-any-return]


_FLOATS = (dtypes.float16, dtypes.float32, dtypes.float64)


@export("add_check_numerics_ops")
def add_check_numerics_ops() -> Operation:
    """An operation that checks every floating-point tensor of the default graph, in order.

    Raises ValueError if one is inside a `tf.cond` or `tf.while_loop`. Source: TF 1.15 `tf.add_check_numerics_ops`.
    """
    checks: list[Any] = []
    for op in get_default_graph().get_operations():
        for output in op.outputs:
            if output.dtype not in _FLOATS:
                continue
            if op._get_control_flow_context() is not None:
                raise ValueError(
                    "`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow operations such as "
                    "`tf.cond()` or `tf.while_loop()`."
                )
            with control_dependencies(checks):
                checks = [check_numerics(output, message=f"{op.name}:{output.value_index}")]
    return control_flow.group(*checks)
