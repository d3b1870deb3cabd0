"""Grayscale dilation and erosion of images: `tf.nn.dilation2d`, `tf.nn.erosion2d`, and their gradients."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import math as math_ops
from retrograph.ops import turning
from retrograph.ops.array import lookup_renamed
from retrograph.ops.window import lowest, window_pads, window_size


def _check_four(c: ShapeContext, attribute: str, what: str) -> Sequence[int]:
    values: Sequence[int] = c.attr(attribute)
    if len(values) != 4:
        c.fail(f"Dilation2D requires the {what} attribute to contain 4 values, but got: {len(values)}")
    return values


def _dilation_shape(c: ShapeContext) -> list[Shape]:
    batch, rows, columns, depth = with_rank(c, c.input(0), 4)
    height, width, filter_depth = with_rank(c, c.input(1), 3)
    strides, rates = _check_four(c, "strides", "stride"), _check_four(c, "rates", "rates")
    if None in (rows, columns, height, width):
        return [(batch, None, None, filter_depth)]
    merge_dim(c, depth, filter_depth)
    sizes = [
        window_size(c, size, window, strides[i], c.attr("padding"), rates[i])
        for i, size, window in ((1, rows, height), (2, columns, width))
    ]
    return [(batch, *sizes, filter_depth)]


def _dilation(op: Any, x: Any, w: Any) -> Any:
    """The first of equal sums is taken, so that the gradient goes where TF's goes."""
    x, w = jnp.asarray(x), jnp.asarray(w)
    strides, rates, padding = op.attrs["strides"], op.attrs["rates"], op.attrs["padding"]
    pads = [window_pads(x.shape[i], w.shape[i - 1], strides[i], padding, rates[i]) for i in (1, 2)]
    padded = lax.pad(x, jnp.asarray(lowest(x.dtype), x.dtype), [(0, 0, 0), *((*p, 0) for p in pads), (0, 0, 0)])
    extents = [(w.shape[i - 1] - 1) * rates[i] + 1 for i in (1, 2)]
    counts = [(padded.shape[i] - e) // strides[i] + 1 for i, e in zip((1, 2), extents, strict=True)]
    best = None
    for i, j in itertools.product(range(w.shape[0]), range(w.shape[1])):
        a, b = i * rates[1], j * rates[2]
        stop = (x.shape[0], a + (counts[0] - 1) * strides[1] + 1, b + (counts[1] - 1) * strides[2] + 1, x.shape[3])
        total = lax.slice(padded, (0, a, b, 0), stop, strides) + w[i, j]
        best = total if best is None else jnp.where(total > best, total, best)
    return best


def _by_input(op: Any, x: Any, w: Any, grad: Any) -> Any:
    return jax.vjp(lambda x: _dilation(op, x, w), jnp.asarray(x))[1](jnp.asarray(grad))[0]


def _by_filter(op: Any, x: Any, w: Any, grad: Any) -> Any:
    return jax.vjp(lambda w: _dilation(op, x, w), jnp.asarray(w))[1](jnp.asarray(grad))[0]


def _dilation_gradient(op: Any, grad: Any) -> list[Any]:
    attrs = {name: op.attrs[name] for name in ("strides", "rates", "padding")}
    return [
        apply_op(op_type, None, input=op.inputs[0], filter=op.inputs[1], out_backprop=grad, **attrs)
        for op_type in ("Dilation2DBackpropInput", "Dilation2DBackpropFilter")
    ]


register_op("Dilation2D", shape=_dilation_shape, lower=_dilation, gradient=_dilation_gradient)
register_op("Dilation2DBackpropInput", shape=lambda c: [c.input(0)], lower=_by_input)
register_op("Dilation2DBackpropFilter", shape=lambda c: [c.input(1)], lower=_by_filter)


@export("nn.dilation2d")
def dilation2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The maximum over each window of images plus a filter `[height, width, channels]`.

    Source: TF 1.15 `tf.nn.dilation2d`.
    """
    filter = lookup_renamed("filters", filters, "filter", filter)
    rates = lookup_renamed("dilations", dilations, "rates", rates)
    attrs = {"strides": strides, "rates": rates, "padding": padding}
    return apply_op("Dilation2D", name, input=input, filter=filter, **attrs)


@export("nn.erosion2d")
def erosion2d(value: Any, kernel: Any, strides: Any, rates: Any, padding: Any, name: Any = None) -> Any:
    """The minimum over each window of images less a kernel: the dual of `dilation2d`.

    Source: TF 1.15 `tf.nn.erosion2d`.
    """
    with name_scope(name, "erosion2d", [value, kernel]) as scope:
        attrs = {"strides": strides, "rates": rates, "padding": padding}
        negative = math_ops.negative(value)
        turned = turning.reverse(kernel, [0, 1])
        return math_ops.negative(apply_op("Dilation2D", scope, input=negative, filter=turned, **attrs))
