"""Convolutions that pad, or resize and pad, their input: what `optimize_for_inference` makes of graphs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, merge, merge_dim, with_rank
from retrograph.ops.conv_forms import convolved
from retrograph.ops.image_kernels import _bilinear
from retrograph.ops.padding import mirrored
from retrograph.ops.window import window_size

_EACH = [1, 1, 1, 1]


def _part(op: Any, **attrs: Any) -> Any:
    """The operation as one of those that it stands for."""
    return SimpleNamespace(
        type=op.type, name=op.name, inputs=op.inputs, attrs={**op.attrs, **attrs}, get_attr=op.get_attr
    )


def _padded(c: ShapeContext, dims: Any, at: int) -> list[Any]:
    merge(c, c.input(at), (4, 2))
    paddings = c.constant(at)
    if paddings is None:
        return [None] * 4
    if paddings.min() < 0:
        raise ShapeError("Paddings must be non-negative")
    return [None if d is None else d + int(p) for d, p in zip(dims, paddings.sum(1), strict=True)]


def _rule(resized: bool) -> Callable[[ShapeContext], list[Shape]]:
    def rule(c: ShapeContext) -> list[Shape]:
        dims = with_rank(c, c.input(0), 4)
        if resized:
            merge(c, c.input(1), (2,))
            size = c.constant(1)
            dims = (dims[0], *((None, None) if size is None else map(int, size)), dims[3])
        batch, rows, columns, depth = _padded(c, dims, 1 + resized)
        height, width, filter_depth, output = with_rank(c, c.input(2 + resized), 4)
        strides, padding = c.attr("strides"), c.attr("padding")
        if len(strides) != 4:
            raise ShapeError(f"Operation requires the stride attribute to contain 4 values, but got: {len(strides)}")
        merge_dim(c, depth, filter_depth)
        sizes = [
            window_size(c, d, w, s, padding, 1, (0, 0))
            for d, w, s in ((rows, height, strides[1]), (columns, width, strides[2]))
        ]
        return [(batch, *sizes, output)]

    return rule


def _fused(op: Any, x: Any, paddings: Any, w: Any) -> Any:
    return convolved(_part(op, dilations=_EACH), mirrored(jnp, op, jnp.asarray(x), paddings), w)


def _resized(op: Any, x: Any, size: Any, paddings: Any, w: Any) -> Any:
    given = jnp.asarray(x)
    image = _bilinear(jnp, _part(op, align_corners=op.attrs["resize_align_corners"]), given, size)
    return _fused(op, image.astype(given.dtype), paddings, w)


register_op("FusedPadConv2D", shape=_rule(False), lower=_fused, static_inputs=(1,), gradient=NO_GRADIENT)
register_op("FusedResizeAndPadConv2D", shape=_rule(True), lower=_resized, static_inputs=(1, 2), gradient=NO_GRADIENT)
