"""Pooling: `tf.nn.max_pool`, `avg_pool`, their 1-D and 3-D forms, `pool`, and their gradients."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank
from retrograph.ops import array as array_ops
from retrograph.ops import identities
from retrograph.ops.array import lookup_renamed
from retrograph.ops.atrous import strides_and_dilations, with_space_to_batch
from retrograph.ops.window import (
    Slide,
    apart,
    layout_of,
    lowest,
    per_axis,
    reduce_windows,
    slides,
    spread,
    window_size,
    windows,
)

_MOST_TAPS = 100
"""More window elements than this are left to XLA's own window operations, whose code does not grow with them."""


# Shape rules


def _four(c: ShapeContext, name: str, values: Sequence[int], what: str, count: int) -> None:
    if len(values) != count:
        c.fail(f"{name} requires the {what} attribute to contain {count} values, but got: {len(values)}")


def _pooled(c: ShapeContext, shape: Shape, ksize: Sequence[int], strides: Sequence[int], channels: bool) -> Shape:
    layout = layout_of(c)
    dims = list(with_rank(c, shape, layout.rank))
    axes = (*layout.spatial, layout.channel) if channels else layout.spatial
    for axis in axes:
        dims[axis] = window_size(c, dims[axis], ksize[axis], strides[axis], c.attr("padding"))
    return tuple(dims)


def _pool_rule(name: str, stride_name: str, count: int, channels: bool) -> Callable[[ShapeContext], list[Shape]]:
    def rule(c: ShapeContext) -> list[Shape]:
        with_rank(c, c.input(0), count)
        _four(c, stride_name, c.attr("strides"), "stride", count)
        _four(c, name, c.attr("ksize"), "ksize", count)
        return [_pooled(c, c.input(0), c.attr("ksize"), c.attr("strides"), channels)]

    return rule


_max_pool_shape = _pool_rule("MaxPool", "MaxPool", 4, True)
_avg_pool_shape = _pool_rule("AvgPool", "AvgPool", 4, False)
_pool3d_shape = _pool_rule("Pool3D", "Pool3D ops", 5, False)


def _max_pool_v2_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 4)
    last = c.num_inputs - 1
    for i in (last - 1, last):
        (size,) = with_rank(c, c.input(i), 1)
        if size not in (None, 4):
            c.fail(f"Dimension must be 4 but is {size}")
    ksize, strides = c.constant(last - 1), c.constant(last)
    if ksize is None or strides is None:
        return [None]
    return [_pooled(c, c.input(0), ksize.tolist(), strides.tolist(), True)]


def _as_rank(rank: int) -> Callable[[ShapeContext], list[Shape]]:
    return lambda c: [with_rank(c, c.input(0), rank)]


def _shape_in_input(rank: int) -> Callable[[ShapeContext], list[Shape]]:
    return lambda c: [with_rank(c, c.constant_as_shape(0), rank)]


def _grad_grad(rule: Callable[[ShapeContext], list[Shape]]) -> Callable[[ShapeContext], list[Shape]]:
    def checked(c: ShapeContext) -> list[Shape]:
        (shape,) = rule(c)
        merge(c, c.input(0), c.input(2))
        merge(c, c.input(1), shape)
        return [shape]

    return checked


def _with_argmax(c: ShapeContext) -> list[Shape]:
    return _max_pool_shape(c) * 2


# Lowerings


def _moves(op: Any, shape: Sequence[int], sizes: Sequence[Any] = ()) -> list[Slide]:
    """The slides of a pool op; `sizes` are its window sizes and strides if those are inputs."""
    ksize, strides = sizes or (op.attrs["ksize"], op.attrs["strides"])
    return slides(shape, range(len(shape)), ksize, strides, op.attrs["padding"])


def _many(moves: Sequence[Slide]) -> bool:
    return math.prod(m.window for m in moves) > _MOST_TAPS


def _window_arguments(op: Any, shape: Sequence[int]) -> tuple[Any, Any, Any]:
    layout_moves = {m.axis: m for m in _moves(op, shape)}
    rank = range(len(shape))
    pads = [layout_moves[i].pads if i in layout_moves else (0, 0) for i in rank]
    return tuple(op.attrs["ksize"]), tuple(op.attrs["strides"]), pads


def _max_pool(op: Any, x: Any, *sizes: Any) -> Any:
    layout_of(op)
    moves = _moves(op, x.shape, sizes)
    if _whole(moves):
        return jnp.max(x, [m.axis for m in moves], keepdims=True)
    if _many(moves) and not sizes:
        return lax.reduce_window(x, lowest(x.dtype), lax.max, *_window_arguments(op, x.shape))

    def reduced(x: Any) -> Any:
        return reduce_windows(x, moves, jnp.maximum, lowest(x.dtype))

    return apart(reduced, x) if any(m.window > 1 for m in moves) else reduced(x)


def _whole(moves: Sequence[Slide]) -> bool:
    return bool(moves) and all(m.window == m.size and m.pads == (0, 0) for m in moves)


def _first_maximum(x: Any, y: Any, moves: Sequence[Slide]) -> Any:
    """For each window, the number of its first element that is the maximum `y`: TF's choice among equals."""
    seen = windows(x, moves, lowest(x.dtype))
    kind = np.int8 if len(seen) < 127 else np.int32
    found = jnp.full(y.shape, len(seen), kind)
    for number in reversed(range(len(seen))):
        found = jnp.where(seen[number] == y, kind(number), found)
    return found


def _number(position: tuple[int, ...], moves: Sequence[Slide]) -> int:
    return int(np.ravel_multi_index(position, [m.window for m in moves])) if moves else 0


def _max_pool_grad(op: Any, x: Any, y: Any, grad: Any, *sizes: Any) -> Any:
    layout_of(op)
    moves = _moves(op, x.shape, sizes)
    if _many(moves) and not sizes:
        return jax.vjp(lambda value: _max_pool(op, value), x)[1](grad)[0]
    found = apart(lambda x, y: _first_maximum(x, y, moves), x, y)
    zero = jnp.zeros((), grad.dtype)

    def back(grad: Any, found: Any) -> Any:
        return spread(lambda position: jnp.where(found == _number(position, moves), grad, zero), moves)

    return apart(back, grad, found)


def _max_pool_grad_grad(op: Any, x: Any, y: Any, grad: Any, *sizes: Any) -> Any:
    layout_of(op)
    moves = _moves(op, x.shape, sizes)
    found = _first_maximum(x, y, moves)
    result = jnp.zeros(y.shape, grad.dtype)
    for number, seen in enumerate(windows(grad, moves, 0)):
        result = jnp.where(found == number, seen, result)
    return result


def _max_pool_with_argmax(op: Any, x: Any) -> Any:
    moves = _moves(op, x.shape)
    y = reduce_windows(x, moves, jnp.maximum, lowest(x.dtype))
    kind = op.attrs["Targmax"].as_numpy_dtype
    parts = jnp.unravel_index(_first_maximum(x, y, moves).astype(np.int32), [m.window for m in moves] or [1])
    offset = {m.axis: part for m, part in zip(moves, parts, strict=False)}
    index = jnp.zeros(y.shape, kind)
    for axis in range(0 if op.attrs["include_batch_in_index"] else 1, 4):
        index = index * x.shape[axis] + _positions(y.shape, axis, moves, kind) + jnp.asarray(offset.get(axis, 0), kind)
    return y, index


def _positions(shape: Sequence[int], axis: int, moves: Sequence[Slide], kind: Any) -> Any:
    """Where in the input the window at each place begins, along an axis."""
    place = lax.broadcasted_iota(kind, shape, axis)
    for move in moves:
        if move.axis == axis:
            return place * move.stride - move.pads[0]
    return place


def _flat_argmax(op: Any, x: Any, argmax: Any) -> Any:
    """The flattened indices of maxima, the batch counted in."""
    size = int(np.prod(x.shape[1:]))
    if not op.attrs["include_batch_in_index"]:
        argmax = argmax + lax.broadcasted_iota(argmax.dtype, argmax.shape, 0) * size
    return argmax.reshape(-1)


def _max_pool_grad_with_argmax(op: Any, x: Any, grad: Any, argmax: Any) -> Any:
    zeros = jnp.zeros(int(np.prod(x.shape)), grad.dtype)
    return zeros.at[_flat_argmax(op, x, argmax)].add(grad.reshape(-1)).reshape(x.shape)


def _max_pool_grad_grad_with_argmax(op: Any, x: Any, grad: Any, argmax: Any) -> Any:
    return grad.reshape(-1)[_flat_argmax(op, x, argmax)].reshape(argmax.shape)


def _counts(moves: Sequence[Slide], rank: int, dtype: Any) -> np.ndarray[Any, Any]:
    """How many elements of the input, padding aside, each window holds; broadcasts against the output."""
    counts = np.ones((1,) * rank, dtype)
    for move in moves:
        start = np.arange(move.count) * move.stride - move.pads[0]
        held = np.minimum(start + move.window, move.size) - np.maximum(start, 0)
        counts = counts * held.reshape([-1 if i == move.axis else 1 for i in range(rank)]).astype(dtype)
    return counts


def _avg_pool(op: Any, x: Any) -> Any:
    layout_of(op)
    moves = _moves(op, x.shape)
    if _whole(moves):
        return jnp.mean(x, [m.axis for m in moves], keepdims=True)
    counts = _counts(moves, x.ndim, x.dtype)
    return apart(lambda x: reduce_windows(x, moves, jnp.add, 0) / counts, x)


def _avg_pool_grad(op: Any, shape: Any, grad: Any) -> Any:
    layout_of(op)
    moves = _moves(op, [int(d) for d in shape])
    grad = jnp.asarray(grad) / _counts(moves, grad.ndim, grad.dtype)
    for move in reversed(moves):
        grad = apart(functools.partial(_spread_alike, move), grad)
    return grad


def _spread_alike(move: Slide, grad: Any) -> Any:
    """Along one axis, every element of the window gets the same."""
    return spread(lambda position: grad, [move])


# Gradients


def _attributes(op: Any, *names: str) -> dict[str, Any]:
    return {name: op.attrs[name] for name in names if name in op.attrs}


_POOL_ATTRS = ("ksize", "strides", "padding", "data_format", "include_batch_in_index")


def _max_gradient(op_type: str) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> Any:
        attrs = _attributes(op, *_POOL_ATTRS)
        return apply_op(op_type, None, orig_input=op.inputs[0], orig_output=op.outputs[0], grad=grad, **attrs)

    return gradient


def _zeros_like_input(op: Any, index: int) -> Any:
    return array_ops.zeros(array_ops.shape(op.inputs[index]), op.inputs[index].dtype)


def _max_grad_gradient(op_type: str) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> list[Any]:
        zeros = [_zeros_like_input(op, 0), _zeros_like_input(op, 1)]
        sizes = dict(zip(("ksize", "strides"), op.inputs[3:], strict=False))
        attrs = _attributes(op, *_POOL_ATTRS) | sizes
        moved = apply_op(op_type, None, orig_input=op.inputs[0], orig_output=op.inputs[1], grad=grad, **attrs)
        return [*zeros, moved, *[None] * len(sizes)]

    return gradient


def _max_pool_v2_gradient(op: Any, grad: Any) -> list[Any]:
    attrs = _attributes(op, "padding", "data_format") | {"ksize": op.inputs[1], "strides": op.inputs[2]}
    moved = apply_op("MaxPoolGradV2", None, orig_input=op.inputs[0], orig_output=op.outputs[0], grad=grad, **attrs)
    return [moved, None, None]


def _argmax_gradient(op: Any, grad: Any, _: Any) -> Any:
    attrs = _attributes(op, "ksize", "strides", "padding", "include_batch_in_index")
    return apply_op("MaxPoolGradWithArgmax", None, input=op.inputs[0], grad=grad, argmax=op.outputs[1], **attrs)


def _avg_gradient(op_type: str) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> Any:
        shape = array_ops.shape(op.inputs[0])
        return apply_op(op_type, None, orig_input_shape=shape, grad=grad, **_attributes(op, *_POOL_ATTRS))

    return gradient


def _avg_grad_gradient(op_type: str, argument: str) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> list[Any]:
        attrs = _attributes(op, *_POOL_ATTRS) | {argument: grad}
        return [identities.stop_gradient(op.inputs[0]), apply_op(op_type, None, **attrs)]

    return gradient


register_op("MaxPool", shape=_max_pool_shape, lower=_max_pool, gradient=_max_gradient("MaxPoolGrad"))
register_op("MaxPoolGrad", shape=_as_rank(4), lower=_max_pool_grad, gradient=_max_grad_gradient("MaxPoolGradGrad"))
register_op(
    "MaxPoolGradGrad",
    shape=_grad_grad(_max_pool_shape),
    lower=_max_pool_grad_grad,
    gradient=_max_grad_gradient("MaxPoolGrad"),
)
register_op(
    "MaxPoolV2", shape=_max_pool_v2_shape, lower=_max_pool, static_inputs=(1, 2), gradient=_max_pool_v2_gradient
)
register_op(
    "MaxPoolGradV2",
    shape=_as_rank(4),
    lower=_max_pool_grad,
    static_inputs=(3, 4),
    gradient=_max_grad_gradient("MaxPoolGradGradV2"),
)
register_op("MaxPoolGradGradV2", shape=_grad_grad(_max_pool_v2_shape), lower=_max_pool_grad_grad, static_inputs=(3, 4))
register_op("MaxPool3D", shape=_pool3d_shape, lower=_max_pool, gradient=_max_gradient("MaxPool3DGrad"))
register_op("MaxPool3DGrad", shape=_as_rank(5), lower=_max_pool_grad, gradient=_max_grad_gradient("MaxPool3DGradGrad"))
register_op(
    "MaxPool3DGradGrad",
    shape=_grad_grad(_pool3d_shape),
    lower=_max_pool_grad_grad,
    gradient=_max_grad_gradient("MaxPool3DGrad"),
)
register_op("MaxPoolWithArgmax", shape=_with_argmax, lower=_max_pool_with_argmax, gradient=_argmax_gradient)
register_op("MaxPoolGradWithArgmax", shape=_as_rank(4), lower=_max_pool_grad_with_argmax)
register_op("MaxPoolGradGradWithArgmax", shape=_max_pool_shape, lower=_max_pool_grad_grad_with_argmax)
register_op("AvgPool", shape=_avg_pool_shape, lower=_avg_pool, gradient=_avg_gradient("AvgPoolGrad"))
register_op(
    "AvgPoolGrad",
    shape=_shape_in_input(4),
    lower=_avg_pool_grad,
    static_inputs=(0,),
    gradient=_avg_grad_gradient("AvgPool", "value"),
)
register_op("AvgPool3D", shape=_pool3d_shape, lower=_avg_pool, gradient=_avg_gradient("AvgPool3DGrad"))
register_op(
    "AvgPool3DGrad",
    shape=_shape_in_input(5),
    lower=_avg_pool_grad,
    static_inputs=(0,),
    gradient=_avg_grad_gradient("AvgPool3D", "input"),
)


# User functions


def _apply_pool(
    op_type: str, name: Any, value: Any, n: int, ksize: Any, strides: Any, padding: Any, data_format: str
) -> Any:
    channel_index = 1 if data_format.startswith("NC") else n + 1
    windows = per_axis(ksize, n, channel_index, "ksize")
    steps = per_axis(strides, n, channel_index, "strides")
    if op_type == "MaxPool" and any(k == 0 for k in windows):
        raise ValueError("ksize cannot be zero.")
    argument = {"value" if op_type == "AvgPool" else "input": value}
    return apply_op(op_type, name, **argument, ksize=windows, strides=steps, padding=padding, data_format=data_format)


def _pool1d(op_type: str, name: Any, value: Any, ksize: Any, strides: Any, padding: Any, data_format: Any) -> Any:
    data_format = "NWC" if data_format is None else data_format
    channel_index = 1 if data_format.startswith("NC") else 2
    windows = [1, *per_axis(ksize, 1, channel_index, "ksize")]
    steps = [1, *per_axis(strides, 1, channel_index, "strides")]
    axis, wide = (1, "NHWC") if data_format == "NWC" else (2, "NCHW")
    value = array_ops.expand_dims(value, axis)
    return array_ops.squeeze(_apply_pool(op_type, name, value, 2, windows, steps, padding, wide), axis)


@export("nn.max_pool")
def max_pool(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    name: Any = None,
    input: Any = None,
) -> Any:
    """The maximum of each window of images `[batch, height, width, channels]`.

    >>> tf.nn.max_pool(tf.reshape(tf.range(4.0), [1, 2, 2, 1]), [1, 2, 2, 1], [1, 2, 2, 1], "SAME").shape
    TensorShape([Dimension(1), Dimension(1), Dimension(1), Dimension(1)])

    Among equal maxima the first one, in row-major order, receives the gradient.
    Raises ValueError for window sizes or strides of another length than 1, 2 or 4.
    Source: TF 1.15 `tf.nn.max_pool`.
    """
    value = lookup_renamed("input", input, "value", value)
    with name_scope(name, "MaxPool", [value]) as scope:
        return _apply_pool("MaxPool", scope, value, 2, ksize, strides, padding, data_format or "NHWC")


@export("nn.max_pool2d")
def max_pool2d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = "NHWC", name: Any = None) -> Any:
    """The maximum of each window of images, as `tf.nn.max_pool`. Source: TF 1.15 `tf.nn.max_pool2d`."""
    with name_scope(name, "MaxPool2d", [input]) as scope:
        return _apply_pool("MaxPool", scope, input, 2, ksize, strides, padding, data_format or "NHWC")


@export("nn.max_pool1d")
def max_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = "NWC", name: Any = None) -> Any:
    """The maximum of each window of sequences `[batch, width, channels]`. Source: TF 1.15 `tf.nn.max_pool1d`."""
    with name_scope(name, "MaxPool1d", [input]) as scope:
        return _pool1d("MaxPool", scope, input, ksize, strides, padding, data_format)


@export("nn.max_pool3d")
def max_pool3d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = "NDHWC", name: Any = None) -> Any:
    """The maximum of each window of volumes `[batch, depth, height, width, channels]`.

    Source: TF 1.15 `tf.nn.max_pool3d`.
    """
    with name_scope(name, "MaxPool3D", [input]) as scope:
        return _apply_pool("MaxPool3D", scope, input, 3, ksize, strides, padding, data_format or "NDHWC")


@export("nn.avg_pool", "nn.avg_pool2d")
def avg_pool(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    name: Any = None,
    input: Any = None,
) -> Any:
    """The mean of each window of images `[batch, height, width, channels]`; padding does not count.

    Source: TF 1.15 `tf.nn.avg_pool`.
    """
    with name_scope(name, "AvgPool", [value]) as scope:
        value = lookup_renamed("input", input, "value", value)
        return _apply_pool("AvgPool", scope, value, 2, ksize, strides, padding, data_format or "NHWC")


@export("nn.avg_pool1d")
def avg_pool1d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = "NWC", name: Any = None) -> Any:
    """The mean of each window of sequences `[batch, width, channels]`. Source: TF 1.15 `tf.nn.avg_pool1d`."""
    with name_scope(name, "AvgPool1D", [input]) as scope:
        return _pool1d("AvgPool", scope, input, ksize, strides, padding, data_format)


@export("nn.avg_pool3d")
def avg_pool3d(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = "NDHWC", name: Any = None) -> Any:
    """The mean of each window of volumes `[batch, depth, height, width, channels]`.

    Source: TF 1.15 `tf.nn.avg_pool3d`.
    """
    with name_scope(name, "AvgPool3D", [input]) as scope:
        return _apply_pool("AvgPool3D", scope, input, 3, ksize, strides, padding, data_format or "NDHWC")


def _any_rank(kind: str, input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any, name: Any) -> Any:
    """A pool whose number of spatial axes is told by the rank of `input`."""
    rank = getattr(input.shape, "ndims", len(input.shape))
    n = rank - 2
    if not 1 <= n <= 3:
        raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {n + 2}.")
    if n == 1:
        return (max_pool1d if kind == "Max" else avg_pool1d)(input, ksize, strides, padding, data_format, name)
    op_type = f"{kind}Pool3D" if n == 3 else f"{kind}Pool"
    default = "NDHWC" if n == 3 else "NHWC"
    return _apply_pool(op_type, name, input, n, ksize, strides, padding, data_format or default)


@export("nn.max_pool_v2")
def max_pool_v2(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = None, name: Any = None) -> Any:
    """The maximum of each window of a batch with 1 to 3 spatial axes. Source: TF 1.15 `tf.nn.max_pool_v2`."""
    return _any_rank("Max", input, ksize, strides, padding, data_format, name)


@export("nn.avg_pool_v2")
def avg_pool_v2(input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = None, name: Any = None) -> Any:
    """The mean of each window of a batch with 1 to 3 spatial axes. Source: TF 1.15 `tf.nn.avg_pool_v2`."""
    return _any_rank("Avg", input, ksize, strides, padding, data_format, name)


@export("nn.max_pool_with_argmax")
def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: Any = "NHWC",
    Targmax: Any = None,
    name: Any = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> Any:
    """The maximum of each window and its flattened index: `(output, argmax)`.

    Raises ValueError for data formats other than NHWC. Source: TF 1.15 `tf.nn.max_pool_with_argmax`.
    """
    if data_format != "NHWC":
        raise ValueError("Data formats other than 'NHWC' are not yet supported")
    kind = lookup_renamed("output_dtype", output_dtype, "Targmax", Targmax)
    return apply_op(
        "MaxPoolWithArgmax",
        name,
        input=input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        Targmax=dtypes.int64 if kind is None else kind,
        include_batch_in_index=include_batch_in_index,
    )


_POOLS: dict[tuple[str, int], Callable[..., Any]] = {
    ("MAX", 1): max_pool,
    ("MAX", 2): max_pool,
    ("MAX", 3): max_pool3d,
    ("AVG", 1): avg_pool,
    ("AVG", 2): avg_pool,
    ("AVG", 3): avg_pool3d,
}


@export("nn.pool")
def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: Any = None,
    data_format: Any = None,
    dilations: Any = None,
) -> Any:
    """Pools ("MAX" or "AVG") over windows of 1 to 3 spatial axes, which may be dilated.

    Raises ValueError for strides beyond the window and for SAME padding of dilated windows.
    Source: TF 1.15 `tf.nn.pool`.
    """
    dilation_rate = lookup_renamed("dilations", dilations, "dilation_rate", dilation_rate)
    with name_scope(name, f"{pooling_type.lower()}_pool", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        n = len(window_shape)
        if n < 1 or n > 3:
            raise ValueError("It is required that 1 <= num_spatial_dims <= 3.")
        input.get_shape().with_rank(n + 2)
        steps, rates = strides_and_dilations(n, strides, dilation_rate)
        _check_pool(padding, rates, steps, window_shape)
        if (pooling_type, n) not in _POOLS:
            raise ValueError(f"{n}-D {pooling_type} pooling is not supported.")
        first = 2 if data_format is not None and data_format.startswith("NC") else 1
        call = _pool_call(pooling_type, window_shape, steps, data_format, first, scope)
        return with_space_to_batch(
            input, rates, padding, call, filter_shape=window_shape, spatial_dims=range(first, first + n)
        )


def _check_pool(padding: str, rates: Any, steps: Any, window_shape: Any) -> None:
    if padding == "SAME" and np.any(rates > 1):
        raise ValueError("pooling with SAME padding is not implemented for dilation_rate > 1")
    if np.any(steps > window_shape):
        raise ValueError(
            "strides > window_shape not supported due to inconsistency between CPU and GPU implementations"
        )


def _pool_call(
    pooling_type: str, window_shape: Any, steps: Any, data_format: Any, first: int, scope: str
) -> Callable[..., Any]:
    n = len(window_shape)

    def spelled(values: Any) -> list[int]:
        return [1, 1, *values] if first == 2 else [1, *values, 1]

    def call(value: Any, _: Any, how: str) -> Any:
        windows, strides, form = spelled(window_shape), spelled(list(steps)), data_format
        if n == 1:
            form = {None: "NHWC", "NWC": "NHWC", "NCW": "NCHW"}.get(data_format)
            if form is None:
                raise ValueError('data_format must be either "NWC" or "NCW".')
            value, windows, strides = array_ops.expand_dims(value, first), [1, *windows], [1, *strides]
        result = _POOLS[pooling_type, n](value, windows, strides, how, data_format=form, name=scope)
        return array_ops.squeeze(result, [first]) if n == 1 else result

    return call
