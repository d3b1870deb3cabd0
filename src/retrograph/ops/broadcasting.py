"""Shapes that stretch: broadcast_to, and the shapes that two tensors broadcast to."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, TensorShape, to_text
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank, with_rank_at_most
from retrograph.ops.array import reshape, shape
from retrograph.ops.rows import both, ints, make_tensor, shape_input


def _broadcast_to_shape(c: ShapeContext) -> list[Shape]:
    out, given = shape_input(c, 1), c.input(0)
    if out is None or given is None:
        return [out]
    with_rank_at_most(c, given, len(out))
    offset = len(out) - len(given)
    tail = [o if d is None or d <= 1 else merge_dim(c, d, o) for d, o in zip(given, out[offset:], strict=True)]
    return [(*out[:offset], *tail)]


def _broadcast_to(xp: Any, op: Any, x: Any, sizes: Any) -> Any:
    wanted = ints(sizes)
    for have, want in zip(x.shape[::-1], wanted[::-1], strict=False):
        if have not in (1, want):
            text = f"Incompatible shapes: {to_text(tuple(x.shape))} vs. {to_text(wanted)}"
            raise errors.InvalidArgumentError(None, op, text)
    return xp.broadcast_to(x, ints(sizes))


def _broadcast_to_gradient(op: Any, grad: Any) -> Any:
    from retrograph.ops.math import reduce_sum  # math builds on this module

    sizes = shape(op.inputs[0])
    _, axes = apply_op("BroadcastGradientArgs", None, s0=op.inputs[1], s1=sizes)
    return [reshape(reduce_sum(grad, axis=axes, keepdims=True), sizes), None]


register_op(
    "BroadcastTo",
    shape=_broadcast_to_shape,
    static_inputs=(1,),
    gradient=_broadcast_to_gradient,
    **both(_broadcast_to),
)


@export("broadcast_to")
def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated along dimensions of 1 until it has `shape`.

    Source: TF 1.15 `tf.broadcast_to`.
    """
    return make_tensor("BroadcastTo", name, input=input, shape=shape)


def _broadcast_args_shape(c: ShapeContext) -> list[Shape]:
    x, y = with_rank(c, c.input(0), 1)[0], with_rank(c, c.input(1), 1)[0]
    return [(None if x is None or y is None else max(x, y),)]


def _broadcast_args(op: Any, s0: Any, s1: Any) -> Any:
    try:
        return np.array(np.broadcast_shapes(ints(s0), ints(s1)), s0.dtype)
    except ValueError:
        text = f"Incompatible shapes: {to_text(ints(s0))} vs. {to_text(ints(s1))}"
        raise errors.InvalidArgumentError(None, op, text) from None


def _reduced_axes(mine: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    if mine == other:
        return []
    width = max(len(mine), len(other))
    return [i for i, size in enumerate((1,) * (width - len(mine)) + mine) if size == 1]


def _broadcast_gradient_args(op: Any, s0: Any, s1: Any) -> Any:
    _broadcast_args(op, s0, s1)
    x, y = ints(s0), ints(s1)
    return np.array(_reduced_axes(x, y), s0.dtype), np.array(_reduced_axes(y, x), s0.dtype)


def _two_vectors(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 1)
    with_rank(c, c.input(1), 1)
    return [(None,), (None,)]


register_op(
    "BroadcastArgs",
    shape=_broadcast_args_shape,
    lower=_broadcast_args,
    numpy=_broadcast_args,
    static_inputs=(0, 1),
    gradient=NO_GRADIENT,
)
register_op(
    "BroadcastGradientArgs",
    shape=_two_vectors,
    lower=_broadcast_gradient_args,
    numpy=_broadcast_gradient_args,
    static_inputs=(0, 1),
    gradient=NO_GRADIENT,
)


@export("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape (a tensor) that two shapes broadcast to.

    Source: TF 1.15 `tf.broadcast_dynamic_shape`.
    """
    return make_tensor("BroadcastArgs", None, s0=shape_x, s1=shape_y)


def _broadcast_static_dim(x: int | None, y: int | None) -> int | None:
    if x is None or y is None:
        known = y if x is None else x
        return known if known is not None and known > 1 else None
    if x != y and 1 not in (x, y):
        raise ValueError
    return y if x == 1 else x


@export("broadcast_static_shape")
def broadcast_static_shape(shape_x: TensorShape, shape_y: TensorShape) -> TensorShape:
    """The static shape that two static shapes broadcast to; ValueError if they do not.

    Source: TF 1.15 `tf.broadcast_static_shape`.
    """
    x, y = shape_x._plain, shape_y._plain
    if x is None or y is None:
        return TensorShape(None)
    width = max(len(x), len(y))
    a, b = (1,) * (width - len(x)) + x, (1,) * (width - len(y)) + y
    try:
        return TensorShape([_broadcast_static_dim(p, q) for p, q in zip(a, b, strict=True)])
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}") from None
