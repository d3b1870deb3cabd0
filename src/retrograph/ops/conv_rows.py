"""The rows of convolutions: shapes, lowerings, gradients."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import array as array_ops
from retrograph.ops.window import (
    EXPLICIT,
    Layout,
    Slide,
    explicit_pads,
    layout_of,
    on_cpu,
    text,
    window_pads,
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


def _pads(op: Any, layout: Layout, x_shape: Sequence[int], w_shape: Sequence[int]) -> list[tuple[int, int]]:
    strides, dilations, padding = op.attrs["strides"], op.attrs["dilations"], op.attrs["padding"]
    if padding == EXPLICIT:
        return [explicit_pads(op, axis) for axis in layout.spatial]
    return [
        window_pads(int(x_shape[axis]), int(w_shape[i]), strides[axis], padding, dilations[axis])
        for i, axis in enumerate(layout.spatial)
    ]


def _dimension_numbers(layout: Layout) -> tuple[str, str, str]:
    spatial = "DHW"[-len(layout.spatial) :]
    return layout.letters, spatial + "IO", layout.letters


def _convolve(op: Any, x: Any, w: Any, groups: int) -> Any:
    layout = layout_of(op)
    return lax.conv_general_dilated(
        x,
        w,
        layout.of_spatial(op.attrs["strides"]),
        _pads(op, layout, x.shape, w.shape),
        rhs_dilation=layout.of_spatial(op.attrs["dilations"]),
        dimension_numbers=_dimension_numbers(layout),
        feature_group_count=groups,
    )


def _is_pointwise(op: Any, w_shape: Sequence[int]) -> bool:
    """Whether the convolution is a matrix product at each pixel that it looks at."""
    window = all(int(d) == 1 for d in w_shape[:-2])
    return window and layout_of(op).channel != 1 and op.attrs["padding"] != EXPLICIT


def convolved(op: Any, x: Any, w: Any) -> Any:
    x, w = jnp.asarray(x), jnp.asarray(w)
    groups = x.shape[layout_of(op).channel] // w.shape[-2]
    if _spans_last_axis(op, x.shape, w.shape):
        x, w = x.reshape(_merged(x.shape, 1)), w.reshape(_merged(w.shape, 2))
    if groups == 1 and _is_pointwise(op, w.shape):
        x = lax.slice(x, [0] * x.ndim, x.shape, op.attrs["strides"])
        flat = x.reshape(-1, x.shape[-1]) @ w.reshape(w.shape[-2:])
        return flat.reshape(*x.shape[:-1], w.shape[-1])
    if groups == 1 and (_outgrows(op, w, x.shape) or _has_few_pixels(op, x, w)):
        return _as_product(op, x, w)
    return _convolve(op, x, w, groups)


def _spans_last_axis(op: Any, x_shape: Sequence[int], w_shape: Sequence[int]) -> bool:
    """Whether the window is as wide as the image, as over a text's embeddings: nothing moves along that axis.

    XLA's derivative by the image would convolve what is one pixel wide with all of the window, zeros mostly.
    """
    layout = layout_of(op)
    if layout.channel == 1 or op.attrs["padding"] != b"VALID" or op.attrs["dilations"][layout.spatial[-1]] != 1:
        return False
    return tuple(x_shape[-2:]) == tuple(w_shape[-3:-1]) and x_shape[-2] > 1


def _merged(shape: Sequence[int], end: int) -> tuple[int, ...]:
    """The shape with the last spatial axis merged into the channels, which are the axis `end` counted from the end."""
    sizes = [int(d) for d in shape]
    at = len(sizes) - end
    return (*sizes[: at - 1], 1, sizes[at - 1] * sizes[at], *sizes[at + 1 :])


def _outgrows(op: Any, w: Any, shape: Sequence[int]) -> bool:
    """Whether the window is larger than the image: there XLA's CPU back end convolves element by element."""
    layout = layout_of(op)
    if layout.channel == 1 or any(d != 1 for d in op.attrs["dilations"]) or not on_cpu():
        return False
    return any(k > shape[axis] for k, axis in zip(w.shape, layout.spatial, strict=False)) or (
        op.attrs["padding"] == b"VALID" and tuple(w.shape[:-2]) == tuple(shape[1:-1])
    )


_FEW_PIXELS = 49
_MOST_ROWS = 800
_LARGE_FILTER = 1 << 17


def _has_few_pixels(op: Any, x: Any, w: Any) -> bool:
    """Whether a large filter meets few pixels, as in the last layers of image networks.

    At 7 x 7 x 512 XLA's CPU convolution takes 1.25 times (4 images) to twice (one) as long as the product, and its
    derivative by the image 2 to 5 times.
    """
    layout = layout_of(op)
    window = math.prod(w.shape[:-2])
    if layout.channel == 1 or window > 9 or w.size < _LARGE_FILTER or any(d != 1 for d in op.attrs["dilations"]):
        return False
    pads, strides = _pads(op, layout, x.shape, w.shape), layout.of_spatial(op.attrs["strides"])
    spans = [
        (x.shape[axis] + sum(pad) - k) // s + 1
        for axis, pad, k, s in zip(layout.spatial, pads, w.shape, strides, strict=False)
    ]
    pixels = math.prod(spans)
    return 0 < pixels <= _FEW_PIXELS and x.shape[0] * pixels <= _MOST_ROWS and on_cpu()


def _as_product(op: Any, x: Any, w: Any) -> Any:
    """A convolution as the product of all windows, each a row, with the filter as a matrix."""
    layout = layout_of(op)
    pads, strides = _pads(op, layout, x.shape, w.shape), layout.of_spatial(op.attrs["strides"])
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((low, high, 0) for low, high in pads), (0, 0, 0)])
    window, sizes = w.shape[:-2], x.shape[1:-1]
    counts = [(size - k) // s + 1 for size, k, s in zip(sizes, window, strides, strict=True)]
    if window == sizes:
        rows = x.reshape(x.shape[0], -1)
    else:
        offsets = itertools.product(*map(range, window))
        rows = jnp.concatenate([_seen(x, at, counts, strides) for at in offsets], axis=-1)
    flat = rows.reshape(-1, math.prod(w.shape[:-1])) @ w.reshape(-1, w.shape[-1])
    return flat.reshape(x.shape[0], *counts, w.shape[-1])


def _seen(x: Any, offset: Sequence[int], counts: Sequence[int], strides: Sequence[int]) -> Any:
    """What the filter's element at `offset` is multiplied with."""
    last = [o + (n - 1) * s + 1 for o, n, s in zip(offset, counts, strides, strict=True)]
    return lax.slice(x, (0, *offset, 0), (x.shape[0], *last, x.shape[-1]), (1, *strides, 1))


def _struct(shape: Any, like: Any) -> Any:
    return jax.ShapeDtypeStruct(tuple(int(d) for d in shape), like.dtype)


def _transposed(function: Callable[[Any], Any], struct: Any, grad: Any) -> Any:
    """What the transpose of a linear function of an array like `struct` gives for `grad`."""
    return jax.linear_transpose(function, struct)(jnp.asarray(grad))[0]


def _input_gradient(conv: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    def lower(op: Any, sizes: Any, w: Any, grad: Any) -> Any:
        if conv is convolved and _spans_last_axis(op, sizes, np.shape(w)):
            narrow = lower(op, np.array(_merged(sizes, 1)), jnp.reshape(w, _merged(np.shape(w), 2)), grad)
            return narrow.reshape([int(d) for d in sizes])
        if conv is convolved and _takes_products(op, w, sizes, np.shape(grad)):
            return _transposed(lambda x: _as_product(op, x, jnp.asarray(w)), _struct(sizes, w), grad)
        if conv is convolved and _by_phases(op, w, sizes):
            return _phase_convolutions(op, w, grad, [int(d) for d in sizes])
        return _transposed(lambda x: conv(op, x, w), _struct(sizes, w), grad)

    return lower


def _filter_gradient(conv: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    def lower(op: Any, x: Any, sizes: Any, grad: Any) -> Any:
        if conv is convolved and _spans_last_axis(op, np.shape(x), sizes):
            narrow = lower(op, jnp.reshape(x, _merged(np.shape(x), 1)), np.array(_merged(sizes, 2)), grad)
            return narrow.reshape([int(d) for d in sizes])
        return _transposed(lambda w: conv(op, x, w), _struct(sizes, x), grad)

    return lower


_FEW_CHANNELS = 16
_MOST_WINDOW = 64


def _takes_products(op: Any, w: Any, sizes: Any, grad_shape: Sequence[int]) -> bool:
    """Whether the transpose of a convolution would be one of few pixels with a larger window."""
    channels_agree = int(sizes[layout_of(op).channel]) == w.shape[-2]
    if not channels_agree or _is_pointwise(op, w.shape) or not _outgrows(op, w, grad_shape):
        return False
    return math.prod(w.shape[:-2]) <= _MOST_WINDOW or math.prod(grad_shape[1:-1]) == 1


def _by_phases(op: Any, w: Any, sizes: Any) -> bool:
    """Whether a strided convolution's transpose is best taken as one dense convolution for each phase of the stride.

    XLA's CPU convolution with a dilated operand multiplies the zeros; several small ones win where they are wide enough.
    """
    layout = layout_of(op)
    strides = layout.of_spatial(op.attrs["strides"])
    plain = all(d == 1 for d in op.attrs["dilations"]) and int(sizes[layout.channel]) == w.shape[-2]
    overlapping = max(w.shape[:-2]) > 1 and max(strides) > 1
    return on_cpu() and plain and overlapping and layout.channel == 3 and w.shape[-2] >= _FEW_CHANNELS


def _phase_convolutions(op: Any, w: Any, grad: Any, sizes: list[int]) -> Any:
    """The transpose of a strided convolution: for each phase, the taps that fall on it convolve `grad` densely."""
    layout = layout_of(op)
    w, grad = jnp.asarray(w), jnp.asarray(grad)
    strides = layout.of_spatial(op.attrs["strides"])
    pads = _pads(op, layout, sizes, w.shape)
    blocks = [
        grad.shape[a] + (w.shape[i] - 1) // s for i, (a, s) in enumerate(zip(layout.spatial, strides, strict=True))
    ]
    rows = [
        jnp.stack([_phase(w[a :: strides[0], b :: strides[1]], grad, blocks) for b in range(strides[1])], axis=3)
        for a in range(strides[0])
    ]
    whole = jnp.stack(rows, axis=2)
    whole = whole.reshape(sizes[0], blocks[0] * strides[0], blocks[1] * strides[1], sizes[3])
    config = [(0, 0, 0)] * 4
    for axis, (low, _), block, stride in zip(layout.spatial, pads, blocks, strides, strict=True):
        config[axis] = (-low, sizes[axis] + low - block * stride, 0)
    return lax.pad(whole, jnp.zeros((), whole.dtype), config)


def _phase(w: Any, grad: Any, blocks: Sequence[int]) -> Any:
    if 0 in w.shape:
        return jnp.zeros((grad.shape[0], *blocks, w.shape[2]), grad.dtype)
    reach = [(k - 1, block - size) for k, block, size in zip(w.shape, blocks, grad.shape[1:3], strict=False)]
    turned = jnp.swapaxes(w[::-1, ::-1], 2, 3)
    return lax.conv_general_dilated(grad, turned, (1, 1), reach, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _depthwise(op: Any, x: Any, w: Any, for_filter: bool = False) -> Any:
    x, w = jnp.asarray(x), jnp.asarray(w)
    layout = layout_of(op)
    if layout.channel == 1 or any(d != 1 for d in op.attrs["dilations"]) or w.shape[0] * w.shape[1] > 100:
        grouped = w.reshape(*w.shape[:2], 1, -1)
        return _convolve(op, x, grouped, w.shape[2])
    return _depthwise_taps(op, layout, x, w, for_filter)


def _depthwise_to_filter(op: Any, x: Any, w: Any) -> Any:
    return _depthwise(op, x, w, for_filter=True)


def _depthwise_taps(op: Any, layout: Layout, x: Any, w: Any, for_filter: bool) -> Any:
    """Shifted images times one weight per channel: XLA's grouped convolution is some 70 times slower on a CPU."""
    pads, strides = _pads(op, layout, x.shape, w.shape), layout.of_spatial(op.attrs["strides"])
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
    lower: Callable[[Any, Any, Any], Any],
    lower_to_filter: Callable[[Any, Any, Any], Any] | None = None,
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

    register_op(op_type, shape=rule, lower=lower, gradient=gradient)
    register_op(
        to_input,
        shape=_shape_in_input(0, rank),
        lower=_input_gradient(lower),
        static_inputs=(0,),
        gradient=input_gradient,
    )
    register_op(
        to_filter,
        shape=_shape_in_input(1, rank),
        lower=_filter_gradient(lower_to_filter or lower),
        static_inputs=(1,),
        gradient=filter_gradient,
    )


_register_convolution("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", _conv_rule("Conv2D", 4), 4, convolved)
_register_convolution(
    "Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2", _conv_rule("Conv3D", 5), 5, convolved
)
_register_convolution(
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    _depthwise_shape,
    4,
    _depthwise,
    _depthwise_to_filter,
)
