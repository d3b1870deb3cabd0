"""Convolutions: `tf.nn.conv1d` to `conv3d`, transposed, dilated, depthwise and separable ones, and their gradients."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence, Sized
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, TensorShape, as_shape, dimension_at_index
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import array as array_ops
from retrograph.ops import joining, spaces
from retrograph.ops.array import lookup_renamed
from retrograph.ops.atrous import dilated, strides_and_dilations, with_space_to_batch
from retrograph.ops.window import (
    EXPLICIT,
    Layout,
    Slide,
    explicit_pads,
    layout_of,
    on_cpu,
    per_axis,
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


def _conv(op: Any, x: Any, w: Any) -> Any:
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
        if conv is _conv and _spans_last_axis(op, sizes, np.shape(w)):
            narrow = lower(op, np.array(_merged(sizes, 1)), jnp.reshape(w, _merged(np.shape(w), 2)), grad)
            return narrow.reshape([int(d) for d in sizes])
        if conv is _conv and _takes_products(op, w, sizes, np.shape(grad)):
            return _transposed(lambda x: _as_product(op, x, jnp.asarray(w)), _struct(sizes, w), grad)
        if conv is _conv and _by_phases(op, w, sizes):
            return _phase_convolutions(op, w, grad, [int(d) for d in sizes])
        return _transposed(lambda x: conv(op, x, w), _struct(sizes, w), grad)

    return lower


def _filter_gradient(conv: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    def lower(op: Any, x: Any, sizes: Any, grad: Any) -> Any:
        if conv is _conv and _spans_last_axis(op, np.shape(x), sizes):
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


_register_convolution("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", _conv_rule("Conv2D", 4), 4, _conv)
_register_convolution("Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2", _conv_rule("Conv3D", 5), 5, _conv)
_register_convolution(
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    _depthwise_shape,
    4,
    _depthwise,
    _depthwise_to_filter,
)


# User functions


def _padding_attributes(padding: Any) -> dict[str, Any]:
    """The attributes `padding` and `explicit_paddings` for a padding by name or by numbers."""
    if padding == "EXPLICIT":
        raise ValueError(
            '"EXPLICIT" is not a valid value for the padding parameter. To use explicit padding, '
            "the padding parameter must be a list."
        )
    if not isinstance(padding, (list, tuple)):
        return {"padding": padding, "explicit_paddings": []}
    for i, pair in enumerate(padding):
        _check_pair(i, pair)
    if len(padding) != 4:
        raise ValueError(f"When padding is a list, it must be of size 4. Got padding of size: {len(padding)}")
    return {"padding": "EXPLICIT", "explicit_paddings": [p for pair in padding for p in pair]}


def _check_pair(i: int, pair: Any) -> None:
    rule = "When padding is a list, each element of padding must be a list/tuple of size 2. "
    if not isinstance(pair, (list, tuple)):
        raise ValueError(f"{rule}Element with index {i} of padding is not a list/tuple")
    if len(pair) != 2:
        raise ValueError(f"{rule}Element with index {i} of padding has size {len(pair)}")


def _channel_index(data_format: str, n: int) -> int:
    return 1 if data_format.startswith("NC") else n + 1


@export("nn.conv2d")
def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
    filters: Any = None,
) -> Any:
    """Convolves images `[batch, height, width, in]` with a filter `[height, width, in, out]`.

    >>> tf.nn.conv2d(tf.ones([1, 4, 4, 3]), tf.ones([2, 2, 3, 5]), [1, 1, 1, 1], "SAME").shape
    TensorShape([Dimension(1), Dimension(4), Dimension(4), Dimension(5)])

    `padding` is "SAME", "VALID" or a pair of numbers for each axis.
    Raises ValueError if the depths do not agree or a window does not fit.
    Source: TF 1.15 `tf.nn.conv2d`.
    """
    data_format = data_format or "NHWC"
    channel = _channel_index(data_format, 2)
    return apply_op(
        "Conv2D",
        name,
        input=input,
        filter=lookup_renamed("filters", filters, "filter", filter),
        strides=per_axis(strides, 2, channel, "strides"),
        **_padding_attributes(padding),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=per_axis(dilations, 2, channel, "dilations"),
    )


@export("nn.conv2d_backprop_filter")
def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `tf.nn.conv2d` with respect to the filter. Source: TF 1.15 `tf.nn.conv2d_backprop_filter`."""
    return apply_op(
        "Conv2DBackpropFilter",
        name,
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        **_padding_attributes(padding),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=dilations,
    )


@export("nn.conv2d_backprop_input")
def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
    filters: Any = None,
) -> Any:
    """The gradient of `tf.nn.conv2d` with respect to the input. Source: TF 1.15 `tf.nn.conv2d_backprop_input`."""
    return apply_op(
        "Conv2DBackpropInput",
        name,
        input_sizes=input_sizes,
        filter=lookup_renamed("filters", filters, "filter", filter),
        out_backprop=out_backprop,
        strides=strides,
        **_padding_attributes(padding),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=dilations,
    )


_WIDE_FORMATS = {None: "NHWC", "NHWC": "NHWC", "NWC": "NHWC", "NCHW": "NCHW", "NCW": "NCHW"}


def _wide_format(data_format: Any) -> tuple[str, int, int]:
    """For a 1-D data format: the 2-D one, the axis to put in, and the channel axis of the 1-D one."""
    wide = _WIDE_FORMATS.get(data_format)
    if wide is None:
        raise ValueError('data_format must be "NWC" or "NCW".')
    return (wide, 1, 2) if wide == "NHWC" else (wide, 2, 1)


@export("nn.conv1d")
def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: Any = None,
    data_format: Any = None,
    name: Any = None,
    input: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves sequences `[batch, width, in]` with a filter `[width, in, out]`.

    Raises ValueError for a data format other than NWC or NCW. Source: TF 1.15 `tf.nn.conv1d`.
    """
    value = lookup_renamed("input", input, "value", value)
    with name_scope(name, "conv1d", [value, filters]) as scope:
        wide, axis, channel = _wide_format(data_format)
        strides = [1, *per_axis(stride, 1, channel, "stride")]
        rates = [1, *per_axis(dilations, 1, channel, "dilations")]
        value = array_ops.expand_dims(value, axis)
        filters = array_ops.expand_dims(filters, 0)
        result = apply_op(
            "Conv2D",
            scope,
            input=value,
            filter=filters,
            strides=strides,
            padding=padding,
            use_cudnn_on_gpu=True if use_cudnn_on_gpu is None else use_cudnn_on_gpu,
            data_format=wide,
            dilations=rates,
        )
        return array_ops.squeeze(result, [axis])


@export("nn.conv3d")
def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = [1, 1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
    filters: Any = None,
) -> Any:
    """Convolves volumes `[batch, depth, height, width, in]` with a filter `[depth, height, width, in, out]`.

    Source: TF 1.15 `tf.nn.conv3d`.
    """
    return apply_op(
        "Conv3D",
        name,
        input=input,
        filter=lookup_renamed("filters", filters, "filter", filter),
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


def _conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = [1, 1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `tf.nn.conv3d` with respect to the filter. Source: TF 1.15 `tf.nn.conv3d_backprop_filter`."""
    return apply_op(
        "Conv3DBackpropFilterV2",
        name,
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


conv3d_backprop_filter = export("nn.conv3d_backprop_filter", "nn.conv3d_backprop_filter_v2")(_conv3d_backprop_filter)


def _transpose_to(
    op_type: str, n: int, scope: Any, value: Any, filter: Any, output_shape: Any, strides: Any, **attrs: Any
) -> Any:
    channel = _channel_index(attrs["data_format"], n)
    attrs["dilations"] = per_axis(attrs["dilations"], n, channel, "dilations")
    return apply_op(
        op_type,
        scope,
        input_sizes=output_shape,
        filter=filter,
        out_backprop=value,
        strides=per_axis(strides, n, channel, "strides"),
        **attrs,
    )


@export("nn.conv2d_transpose")
def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: Any = "NHWC",
    name: Any = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The transpose ("deconvolution") of `tf.nn.conv2d`: images of `output_shape`; the filter is `[h, w, out, in]`.

    Source: TF 1.15 `tf.nn.conv2d_transpose`.
    """
    value = lookup_renamed("input", input, "value", value)
    filter = lookup_renamed("filters", filters, "filter", filter)
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        attrs = {"padding": padding, "data_format": data_format or "NHWC", "dilations": dilations}
        return _transpose_to("Conv2DBackpropInput", 2, scope, value, filter, output_shape, strides, **attrs)


@export("nn.conv3d_transpose")
def conv3d_transpose(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: Any = "NDHWC",
    name: Any = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The transpose of `tf.nn.conv3d`: volumes of `output_shape`. Source: TF 1.15 `tf.nn.conv3d_transpose`."""
    filter = lookup_renamed("filters", filters, "filter", filter)
    value = lookup_renamed("input", input, "value", value)
    with name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as scope:
        attrs = {"padding": padding, "data_format": data_format or "NDHWC", "dilations": dilations}
        return _transpose_to("Conv3DBackpropInputV2", 3, scope, value, filter, output_shape, strides, **attrs)


@export("nn.conv1d_transpose")
def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: Any = "NWC",
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The transpose of `tf.nn.conv1d`: sequences of `output_shape`. Source: TF 1.15 `tf.nn.conv1d_transpose`."""
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        if data_format not in (None, "NWC", "NCW"):
            raise ValueError('data_format must be "NWC" or "NCW".')
        wide, axis, channel = _wide_format(data_format)
        steps = [1, *per_axis(strides, 1, channel, "stride")]
        rates = [1, *per_axis(dilations, 1, channel, "dilations")]
        input, filters = array_ops.expand_dims(input, axis), array_ops.expand_dims(filters, 0)
        sizes = output_shape if isinstance(output_shape, Tensor) else list(output_shape)
        sizes = joining.concat([sizes[:axis], [1], sizes[axis:]], 0)
        attrs = {"padding": padding, "data_format": wide, "dilations": rates}
        result = _transpose_to("Conv2DBackpropInput", 2, scope, input, filters, sizes, steps, **attrs)
        return array_ops.squeeze(result, axis)


@export("nn.conv_transpose")
def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The transpose of a convolution with 1 to 3 spatial axes, told by the length of `output_shape`.

    Source: TF 1.15 `tf.nn.conv_transpose`.
    """
    with name_scope(name, "conv_transpose", [input, filter, output_shape]) as scope:
        n = _spatial_axes(output_shape)
        if not 1 <= n <= 3:
            raise ValueError(f"output_shape must be of length 3, 4 or 5 but was {n + 2}.")
        if n == 1:
            return conv1d_transpose(input, filters, output_shape, strides, padding, data_format, dilations, scope)
        call = conv2d_transpose if n == 2 else conv3d_transpose
        return call(
            input, filters, output_shape, strides, padding, data_format=data_format, name=scope, dilations=dilations
        )


def _spatial_axes(output_shape: Any) -> int:
    if isinstance(output_shape, Tensor):
        return int(output_shape.shape[0]) - 2
    if isinstance(output_shape, Sized):
        return len(output_shape) - 2
    raise ValueError("output_shape must be a tensor or sized collection.")


def _rank_of(value: Any) -> int | None:
    shape = value.shape
    if isinstance(shape, TensorShape):
        return shape.ndims
    return None if shape is None else len(shape)


@export("nn.convolution")
def convolution(
    input: Any,
    filter: Any,
    padding: str,
    strides: Any = None,
    dilation_rate: Any = None,
    name: Any = None,
    data_format: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves a batch with 1 to 3 spatial axes; the filter may be dilated.

    Raises ValueError for other ranks, and for strides together with dilations.
    Source: TF 1.15 `tf.nn.convolution`.
    """
    filter = lookup_renamed("filters", filters, "filter", filter)
    rates = lookup_renamed("dilations", dilations, "dilation_rate", dilation_rate)
    rank = _rank_of(input)
    rank = _rank_of(filter) if rank is None else rank
    if rank is None:
        raise ValueError("rank of input or filter must be known")
    n = rank - 2
    if not 1 <= n <= 3:
        raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {n + 2}.")
    channel = n + 1 if data_format is None else _channel_index(data_format, n)
    steps, rates = per_axis(strides, n, channel, "strides"), per_axis(rates, n, channel, "dilations")
    with name_scope(name, "convolution", [input, filter]) as scope:
        if all(r == 1 for r in rates):
            return _undilated(n, input, filter, steps, padding, data_format, scope)
        inner = slice(2, None) if channel == 1 else slice(1, -1)
        return dilated_convolution(input, filter, steps[inner], padding, data_format, rates[inner], scope)


def _undilated(
    n: int, value: Any, filter: Any, strides: list[int], padding: Any, data_format: Any, scope: str | None
) -> Any:
    if n == 1:
        return conv1d(value, filter, strides, padding, data_format=data_format, name=scope)
    form = {"data_format": data_format} if data_format is not None else {}
    op_type = "Conv2D" if n == 2 else "Conv3D"
    return apply_op(op_type, scope, input=value, filter=filter, strides=strides, padding=padding, **form)


def dilated_convolution(
    value: Any, filter: Any, strides: Any, padding: Any, data_format: Any, rates: Any, scope: str | None
) -> Any:
    """A convolution whose filter's rows (and columns ...) are `rates` apart, its operations made in the current scope."""
    filter_shape = as_shape(filter.shape)
    _check_channels(as_shape(value.shape), filter_shape, data_format)
    n = len(rates)
    steps, rates = strides_and_dilations(n, strides, rates)
    first = 2 if data_format is not None and data_format.startswith("NC") else 1

    def call(batches: Any, _: int, how: str) -> Any:
        channel = n + 1 if first == 1 else 1
        return _undilated(n, batches, filter, per_axis(list(steps), n, channel, "strides"), how, data_format, scope)

    value = value if isinstance(value, Tensor) else convert_to_tensor(value)
    dims = range(first, first + n)
    known = filter_shape.as_list() if first == 2 and filter_shape.ndims is not None else [None]
    return dilated(value, rates, padding, call, filter_shape, dims, data_format, known[-1])


def _check_channels(shape: TensorShape, filter_shape: TensorShape, data_format: Any) -> None:
    rank: int = filter_shape.ndims if filter_shape.ndims is not None else shape.ndims  # type: ignore[assignment]
    for kind, what in (("input", shape), ("filter", filter_shape)):
        try:
            what.with_rank(rank)
        except ValueError:
            raise ValueError(f"{kind} tensor must have rank {rank}") from None
    n = rank - 2
    axis = 1 if data_format is not None and data_format.startswith("NC") else n + 1
    depth = dimension_at_index(shape, axis)
    if not depth.is_compatible_with(filter_shape[n]):
        raise ValueError(
            f"number of input channels does not match corresponding dimension of filter, {depth} != {filter_shape[n]}"
        )


@export("nn.atrous_conv2d")
def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: str, name: Any = None) -> Any:
    """Convolves images with a filter whose rows and columns are `rate` apart. Source: TF 1.15 `tf.nn.atrous_conv2d`."""
    return convolution(
        input=value, filter=filters, padding=padding, dilation_rate=np.broadcast_to(rate, (2,)), name=name
    )


@export("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: Any = None
) -> Any:
    """The transpose of `tf.nn.atrous_conv2d`. Source: TF 1.15 `tf.nn.atrous_conv2d_transpose`."""
    with name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]):
        value = convert_to_tensor(value, name="value")
        filters = convert_to_tensor(filters, name="filters")
        _check_transposed_channels(value, filters)
        if rate < 1:
            raise ValueError(f"rate {rate} cannot be less than one")
        if rate == 1:
            return conv2d_transpose(value, filters, output_shape, [1, 1, 1, 1], padding, "NHWC")
        _check_output_shape(output_shape, filters)
        sizes = list(output_shape) if isinstance(output_shape, tuple) else output_shape
        return _atrous_transpose(value, filters, sizes, rate, padding)


def _check_transposed_channels(value: Any, filters: Any) -> None:
    mine, theirs = value.get_shape()[3], filters.get_shape()[3]
    if not mine.is_compatible_with(theirs):
        raise ValueError(f"value's input channels does not match filters' input channels, {mine} != {theirs}")


def _check_output_shape(output_shape: Any, filters: Any) -> None:
    shape = convert_to_tensor(output_shape, name="output_shape").get_shape()
    if not shape.is_compatible_with(TensorShape([4])):
        raise ValueError(f"output_shape must have shape (4,), got {shape}")
    depth = filters.get_shape()[2]
    if isinstance(output_shape, (list, tuple, np.ndarray)) and not depth.is_compatible_with(output_shape[3]):
        raise ValueError(
            f"output_shape does not match filter's output channels, {output_shape[3]} != {filters.get_shape()[2]}"
        )


def _atrous_transpose(value: Any, filters: Any, sizes: Any, rate: int, padding: str) -> Any:
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be either VALID or SAME: {padding}")
    shape = filters.get_shape()
    known = shape.as_list() if shape.is_fully_defined() else array_ops.shape(filters)
    reach = [(known[i] - 1) * rate if padding == "SAME" else 0 for i in (0, 1)]
    before = [r // 2 for r in reach]
    after = [r - b for r, b in zip(reach, before, strict=True)]
    inner = [sizes[i + 1] + before[i] + after[i] for i in (0, 1)]
    extra = [(rate - size % rate) % rate for size in inner]
    value = spaces.space_to_batch(value, [[0, extra[0]], [0, extra[1]]], block_size=rate)
    blocks = [(size + e) // rate for size, e in zip(inner, extra, strict=True)]
    value = apply_op(
        "Conv2DBackpropInput",
        None,
        input_sizes=[rate * rate * sizes[0], *blocks, sizes[3]],
        filter=filters,
        out_backprop=value,
        strides=[1, 1, 1, 1],
        padding="VALID",
        data_format="NHWC",
    )
    crops = [[before[i], after[i] + extra[i]] for i in (0, 1)]
    return spaces.batch_to_space(value, crops, block_size=rate)


@export("nn.depthwise_conv2d_native")
def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """Convolves each channel by itself with the filter's `[height, width, in, multiplier]`.

    Source: TF 1.15 `tf.nn.depthwise_conv2d_native`.
    """
    return apply_op(
        "DepthwiseConv2dNative",
        name,
        input=input,
        filter=filter,
        strides=strides,
        padding=padding,
        data_format=data_format or "NHWC",
        dilations=dilations,
    )


@export("nn.depthwise_conv2d_native_backprop_input", "nn.depthwise_conv2d_backprop_input")
def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `depthwise_conv2d_native` with respect to the input.

    Source: TF 1.15 `tf.nn.depthwise_conv2d_native_backprop_input`.
    """
    return apply_op(
        "DepthwiseConv2dNativeBackpropInput",
        name,
        input_sizes=input_sizes,
        filter=filter,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


@export("nn.depthwise_conv2d_native_backprop_filter", "nn.depthwise_conv2d_backprop_filter")
def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `depthwise_conv2d_native` with respect to the filter.

    Source: TF 1.15 `tf.nn.depthwise_conv2d_native_backprop_filter`.
    """
    return apply_op(
        "DepthwiseConv2dNativeBackpropFilter",
        name,
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


def _depthwise_at_rate(
    value: Any, filter: Any, strides: Any, padding: str, rate: Any, data_format: Any, name: str
) -> Any:
    def call(batches: Any, _: int, how: str) -> Any:
        return depthwise_conv2d_native(batches, filter, strides, how, data_format, name=name)

    return with_space_to_batch(
        value,
        [1, 1] if rate is None else rate,
        padding,
        call,
        filter_shape=array_ops.shape(filter),
        data_format=data_format,
    )


@export("nn.depthwise_conv2d")
def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    rate: Any = None,
    name: Any = None,
    data_format: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves each channel by itself: `[batch, height, width, in * multiplier]`.

    Source: TF 1.15 `tf.nn.depthwise_conv2d`.
    """
    rate = lookup_renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        filter = convert_to_tensor(filter, name="filter_in")
        return _depthwise_at_rate(input, filter, strides, padding, rate, data_format, scope)


@export("nn.separable_conv2d")
def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: str,
    rate: Any = None,
    name: Any = None,
    data_format: Any = None,
    dilations: Any = None,
) -> Any:
    """A depthwise convolution, then one with a `[1, 1, in * multiplier, out]` filter that mixes the channels.

    Source: TF 1.15 `tf.nn.separable_conv2d`.
    """
    rate = lookup_renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        depthwise_filter = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        mixing = pointwise_filter.get_shape().with_rank(4)
        for axis in (0, 1):
            mixing.dims[axis].assert_is_compatible_with(1)
        value = _depthwise_at_rate(input, depthwise_filter, strides, padding, rate, data_format, "depthwise")
        return conv2d(value, pointwise_filter, [1, 1, 1, 1], "VALID", data_format=data_format, name=scope)
