"""The rows of convolutions: shapes, lowerings, gradients."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import array as array_ops
from retrograph.ops.conv_forms import convolve, convolved, convolved_to_filter, convolved_to_input, pads_of, transposed
from retrograph.ops.window import (
    EXPLICIT,
    Layout,
    Slide,
    explicit_pads,
    layout_of,
    text,
    window_size,
    windows,
)

# Shape rules


def _check_lengths(c: ShapeContext, op_type: str, count: int) -> None:
    dilations, strides = c.attr("dilations"), c.attr("strides")
    if len(dilations) != count:
        c.fail(f"{op_type} requires the dilation attribute to contain {count} values, but got: {len(dilations)}")
    if len(strides) != count:
        where = f"Conv2D on data format {text(c.attr('data_format'))}" if count == 4 else op_type
        c.fail(f"{where} requires the stride attribute to contain {count} values, but got: {len(strides)}")


def _check_depths(c: ShapeContext, depth: int | None, filter_depth: int | None, output: int | None) -> None:
    if depth is None or filter_depth is None:
        return
    if depth % filter_depth:
        c.fail(f"Depth of input ({depth}) is not a multiple of input depth of filter ({filter_depth})")
    groups = depth // filter_depth
    if output is not None and output % groups:
        c.fail(f"Depth of output ({output}) is not a multiple of the number of groups ({groups})")


def _check_explicit(c: ShapeContext, layout: Layout) -> None:
    pads = c.attrs.get("explicit_paddings") or []
    if c.attr("padding") != EXPLICIT:
        if pads:
            c.fail("explicit_paddings attribute must be empty if the padding attribute is not EXPLICIT")
        return
    if len(pads) != 2 * layout.rank:
        c.fail(f"explicit_paddings attribute must contain {2 * layout.rank} values, but got: {len(pads)}")
    if any(p < 0 for p in pads):
        c.fail("All elements of explicit_paddings must be nonnegative")
    if any(explicit_pads(c, layout.batch)) or any(explicit_pads(c, layout.channel)):
        c.fail("Nonzero explicit padding in the batch or depth dimensions is not supported")


def _spatial_sizes(c: ShapeContext, layout: Layout, dims: Any, windows: Any, dilations: Sequence[int]) -> list[Any]:
    strides, padding = c.attr("strides"), c.attr("padding")
    return [
        window_size(c, dims[axis], window, strides[axis], padding, dilations[axis], explicit_pads(c, axis))
        for axis, window in zip(layout.spatial, windows, strict=True)
    ]


def _conv_rule(op_type: str, count: int) -> Callable[[ShapeContext], list[Shape]]:
    def rule(c: ShapeContext) -> list[Shape]:
        layout = layout_of(c)
        dims = with_rank(c, c.input(0), count)
        *windows, filter_depth, output = with_rank(c, c.input(1), count)
        _check_lengths(c, op_type, count)
        _check_depths(c, dims[layout.channel], filter_depth, output)
        _check_explicit(c, layout)
        sizes = _spatial_sizes(c, layout, dims, windows, c.attr("dilations"))
        return [layout.arrange(dims[0], sizes, output)]

    return rule


def _depthwise_shape(c: ShapeContext) -> list[Shape]:
    layout = layout_of(c)
    dims = with_rank(c, c.input(0), 4)
    *windows, filter_depth, multiplier = with_rank(c, c.input(1), 4)
    if len(c.attr("strides")) != 4:
        got = len(c.attr("strides"))
        c.fail(f"DepthwiseConv2D requires the stride attribute to contain 4 values, but got: {got}")
    depth = merge_dim(c, dims[layout.channel], filter_depth)
    output = None if depth is None or multiplier is None else depth * multiplier
    sizes = _spatial_sizes(c, layout, dims, windows, c.attr("dilations"))
    return [layout.arrange(dims[0], sizes, output)]


def _shape_in_input(index: int, rank: int) -> Callable[[ShapeContext], list[Shape]]:
    return lambda c: [with_rank(c, c.constant_as_shape(index), rank)]


# Lowerings


def _depthwise(op: Any, x: Any, w: Any, for_filter: bool = False) -> Any:
    x, w = jnp.asarray(x), jnp.asarray(w)
    layout = layout_of(op)
    if layout.channel == 1 or any(d != 1 for d in op.attrs["dilations"]) or w.shape[0] * w.shape[1] > 100:
        grouped = w.reshape(*w.shape[:2], 1, -1)
        return convolve(op, x, grouped, w.shape[2])
    return _depthwise_taps(op, layout, x, w, for_filter)


def _depthwise_to_input(op: Any, sizes: Any, w: Any, grad: Any) -> Any:
    return transposed(lambda x: _depthwise(op, x, w), sizes, grad)


def _depthwise_to_filter(op: Any, x: Any, sizes: Any, grad: Any) -> Any:
    return transposed(lambda w: _depthwise(op, x, w, for_filter=True), sizes, grad)


def _depthwise_taps(op: Any, layout: Layout, x: Any, w: Any, for_filter: bool) -> Any:
    """Shifted images times one weight per channel: XLA's grouped convolution is some 70 times slower on a CPU."""
    pads, strides = pads_of(op, layout, x.shape, w.shape), layout.of_spatial(op.attrs["strides"])
    moves = [Slide(axis, x.shape[axis], w.shape[i], strides[i], pads[i]) for i, axis in enumerate(layout.spatial)]
    weights = w.reshape(-1, *w.shape[2:])
    # A trailing axis of one element keeps XLA from vectorizing the products, but helps it with their transpose's sums.
    single = w.shape[3] == 1 and not for_filter
    terms = [
        seen * weights[i, :, 0] if single else seen[..., None] * weights[i]
        for i, seen in enumerate(windows(x, moves, 0))
    ]
    total = functools.reduce(operator.add, terms)
    return total if single else total.reshape(*total.shape[:3], -1)


# Gradients

_CONV_ATTRS = ("strides", "padding", "explicit_paddings", "use_cudnn_on_gpu", "data_format", "dilations")


def _attrs(op: Any) -> dict[str, Any]:
    return {name: op.attrs[name] for name in _CONV_ATTRS if name in op.attrs}


def _to_input(op_type: str, op: Any, sizes: Any, filter: Any, grad: Any) -> Any:
    return apply_op(op_type, None, input_sizes=sizes, filter=filter, out_backprop=grad, **_attrs(op))


def _to_filter(op_type: str, op: Any, value: Any, sizes: Any, grad: Any) -> Any:
    return apply_op(op_type, None, input=value, filter_sizes=sizes, out_backprop=grad, **_attrs(op))


def _register_convolution(
    op_type: str,
    to_input: str,
    to_filter: str,
    rule: Any,
    rank: int,
    lowers: tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]],
) -> None:
    """The rows of a convolution and of its two gradients, each of which is again made of the other two."""

    def gradient(op: Any, grad: Any) -> list[Any]:
        x, w = op.inputs
        if op_type == "Conv2D":
            x_shape, w_shape = array_ops.shape_n([x, w])
            return [_to_input(to_input, op, x_shape, w, grad), _to_filter(to_filter, op, x, w_shape, grad)]
        by_input = _to_input(to_input, op, array_ops.shape(x), w, grad)
        return [by_input, _to_filter(to_filter, op, x, array_ops.shape(w), grad)]

    def input_gradient(op: Any, grad: Any) -> list[Any]:
        _, w, out = op.inputs
        by_filter = _to_filter(to_filter, op, grad, array_ops.shape(w), out)
        return [None, by_filter, apply_op(op_type, None, input=grad, filter=w, **_attrs(op))]

    def filter_gradient(op: Any, grad: Any) -> list[Any]:
        x, _, out = op.inputs
        by_input = _to_input(to_input, op, array_ops.shape(x), grad, out)
        return [by_input, None, apply_op(op_type, None, input=x, filter=grad, **_attrs(op))]

    lower, lower_to_input, lower_to_filter = lowers
    register_op(op_type, shape=rule, lower=lower, gradient=gradient)
    register_op(
        to_input,
        shape=_shape_in_input(0, rank),
        lower=lower_to_input,
        static_inputs=(0,),
        gradient=input_gradient,
    )
    register_op(
        to_filter,
        shape=_shape_in_input(1, rank),
        lower=lower_to_filter,
        static_inputs=(1,),
        gradient=filter_gradient,
    )


_CONVOLVED = (convolved, convolved_to_input, convolved_to_filter)

_register_convolution("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", _conv_rule("Conv2D", 4), 4, _CONVOLVED)
_register_convolution(
    "Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2", _conv_rule("Conv3D", 5), 5, _CONVOLVED
)
_register_convolution(
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    _depthwise_shape,
    4,
    (_depthwise, _depthwise_to_input, _depthwise_to_filter),
)
