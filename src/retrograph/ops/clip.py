"""Cutting values and norms: `clip_by_*`, `global_norm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import colocate_with, name_scope
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import array, identities, math
from retrograph.ops.joining import stack
from retrograph.ops.raw import raw
from retrograph.ops.rows import both


def _clip_shape(c: ShapeContext) -> list[Shape]:
    return [c.input(0)]


def _clip(xp: Any, op: Any, x: Any, low: Any, high: Any) -> Any:
    return xp.maximum(xp.minimum(x, high), low)


def _clip_grad(op: Any, grad: Any) -> list[Any]:
    x, y, z = op.inputs
    sx, sy, sz = array.shape(x), array.shape(y), array.shape(z)
    zeros = array.zeros(array.shape(grad), grad.dtype)
    below, above = raw("Less", x, y), raw("Greater", x, z)
    rx, ry = raw("BroadcastGradientArgs", sx, sy)
    rx, rz = raw("BroadcastGradientArgs", sx, sz)
    x_grad = raw("Select", raw("LogicalOr", below, above), zeros, grad)
    y_grad, z_grad = raw("Select", below, grad, zeros), raw("Select", above, grad, zeros)
    return [array.reshape(raw("Sum", g, r), s) for g, r, s in ((x_grad, rx, sx), (y_grad, ry, sy), (z_grad, rz, sz))]


register_op("ClipByValue", shape=_clip_shape, gradient=_clip_grad, **both(_clip))


def _values(t: Any, name: str) -> Tensor:
    return convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=name)


def _like(t: Any, values: Tensor) -> Any:
    return IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values


@export("clip_by_value")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """`t` with what is out of the range put to its bounds.

    Raises ValueError: the bounds would broadcast `t`. Source: TF 1.15 `tf.clip_by_value`.
    """
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = _values(t, "t")
        lower = math.minimum(values, clip_value_max)
        values.shape.merge_with(lower.shape)
        clipped = math.maximum(lower, clip_value_min, name=scope)
        values.shape.merge_with(clipped.shape)
    return _like(t, clipped)


@export("clip_by_norm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """`t` scaled down so that its L2 norm along `axes` (all if None) is at most `clip_norm`.

    Source: TF 1.15 `tf.clip_by_norm`.
    """
    with name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values: Any = _values(t, "t")
        squares: Any = math.reduce_sum(values * values, axes, keepdims=True)
        positive = squares > 0
        safe = raw("Select", positive, squares, array.ones_like(squares))
        norm = raw("Select", positive, math.sqrt(safe), squares)
        intermediate = values * clip_norm
        values.shape.merge_with(intermediate.shape)
        clipped = identities.identity(intermediate / math.maximum(norm, clip_norm), name=scope)
        return _like(t, clipped)


def _checked_list(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return list(t_list)


def _all_values(t_list: list[Any]) -> list[Any]:
    return [None if t is None else _values(t, f"t_{i}") for i, t in enumerate(t_list)]


@export("linalg.global_norm", "global_norm")
def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The L2 norm of all tensors of a list taken as one vector; None entries do not count.

    Raises TypeError: not a sequence. Source: TF 1.15 `tf.global_norm`.
    """
    t_list = _checked_list(t_list)
    with name_scope(name, "global_norm", t_list):
        halves = []
        for value in _all_values(t_list):
            if value is not None:
                with colocate_with(value):
                    halves.append(raw("L2Loss", value))
        half: Any = math.reduce_sum(raw("Pack", halves, name="stack") if halves else stack([]))
        return math.sqrt(half * constant(2.0, dtype=half.dtype), name="global_norm")  # type: ignore[no-any-return]


@export("clip_by_global_norm")
def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """(the tensors scaled down so that their global norm is at most `clip_norm`, that norm); NaN if it is infinite.

    Raises TypeError: not a sequence. Source: TF 1.15 `tf.clip_by_global_norm`.
    """
    t_list = _checked_list(t_list)
    if use_norm is None:
        use_norm = global_norm(t_list, name)
    with name_scope(name, "clip_by_global_norm", [*t_list, clip_norm]) as scope:
        one = 1.0 / use_norm
        scale = clip_norm * math.minimum(one, constant(1.0, dtype=use_norm.dtype) / clip_norm)
        scale = raw("Select", math.is_finite(use_norm), scale, constant(float("nan"), dtype=use_norm.dtype))
        clipped = [_scaled(v, scale, f"{scope}_{i}") for i, v in enumerate(_all_values(t_list))]
        return [c if c is None else _like(t, c) for c, t in zip(clipped, t_list, strict=True)], use_norm


def _scaled(value: Any, scale: Any, name: str) -> Any:
    if value is None:
        return None
    with colocate_with(value):
        return identities.identity(value * scale, name=name)


@export("clip_by_average_norm")
def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """`t` scaled down so that its L2 norm divided by its number of elements is at most `clip_norm`.

    Source: TF 1.15 `tf.clip_by_average_norm`.
    """
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        count = math.cast(array.size(t), dtypes.float32)
        inverse = math.rsqrt(math.reduce_sum(t * t, math.range(array.rank(t))))
        scaled = t * clip_norm
        limited = math.minimum(inverse * count, constant(1.0) / clip_norm)
        return identities.identity(scaled * limited, name=scope)


take_ragged(globals(), "clip_by_value", 1)
