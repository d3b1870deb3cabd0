"""Layers on quantized numbers: convolution, pooling and concatenation of bytes that stand for a range of floats.

On the host, as TF has them for processors only; integers as TF's reference kernels compute them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.joining import concat_shapes
from retrograph.ops.quantized_ranges import first, limits, many_from_floats, many_to_floats, one_level, zero_point
from retrograph.ops.rows import Dim, add, refuse, subtract

Array = Any
_F = np.float32


# ---- convolution


def _padding(size: int, window: int, stride: int, padding: bytes) -> tuple[int, int, int]:
    """(size of the result, zeros before, zeros after)."""
    if padding == b"VALID":
        return -(-(size - window + 1) // stride), 0, 0
    count = -(-size // stride)
    missing = max((count - 1) * stride + window - size, 0)
    return count, missing // 2, missing - missing // 2


def _blocks(x: Array, window: Sequence[int], strides: Sequence[int], padding: bytes, fill: int) -> tuple[Array, Any]:
    """(windows of the rows and columns: `[batch, rows, columns, height, width, depth]`, paddings)."""
    pads = [_padding(x.shape[i + 1], window[i], strides[i], padding) for i in (0, 1)]
    padded = np.pad(x, [(0, 0), *((before, after) for _, before, after in pads), (0, 0)], constant_values=fill)
    sliding: Any = np.lib.stride_tricks.sliding_window_view
    views: Array = sliding(padded, tuple(window), (1, 2))
    views = views[:, :: strides[0], :: strides[1]][:, : pads[0][0], : pads[1][0]]
    return views.transpose(0, 1, 2, 4, 5, 3), pads


def _check_convolution(op: Any, x: Array, filters: Array) -> None:
    strides, dilations = op.attrs["strides"], op.attrs["dilations"]
    if strides[1] != strides[2]:
        refuse(op, "Current implementation only supports equal length strides in the row and column dimensions.")
    if strides[0] != 1 or strides[3] != 1:
        refuse(op, "Current implementation does not yet support strides in the batch and depth dimensions.")
    if list(dilations) != [1, 1, 1, 1]:
        refuse(op, "Current implementation only supports dilated rate as 1 in the row and column dimensions.")
    if x.shape[3] != filters.shape[2]:
        refuse(op, f"input and filter must have the same depth: {x.shape[3]} vs {filters.shape[2]}")


def _convolve(
    op: Any, x: Array, filters: Array, low: Array, high: Array, filter_low: Array, filter_high: Array
) -> tuple[Array, Array, Array]:
    _check_convolution(op, x, filters)
    ranges = [first(value) for value in (low, high, filter_low, filter_high)]
    values = x.astype(np.int32) - np.int32(zero_point(x.dtype, *ranges[:2]))
    weights = filters.astype(np.int32) - np.int32(zero_point(filters.dtype, *ranges[2:]))
    blocks, _ = _blocks(values, filters.shape[:2], op.attrs["strides"][1:3], op.attrs["padding"], 0)
    total = np.tensordot(blocks.astype(np.int64), weights.astype(np.int64), ([3, 4, 5], [0, 1, 2])).astype(np.int32)
    level = one_level(x.dtype, *ranges[:2]) * one_level(filters.dtype, *ranges[2:])
    least, greatest = limits(np.int32)
    return total, _F(level * _F(least)), _F(level * _F(greatest))


def _result_size(size: Dim, window: Dim, stride: int, padding: bytes) -> Dim:
    if size is None or window is None:
        return None
    return -(-(size if padding == b"SAME" else add(subtract(size, window), 1) or 0) // stride)


def _scalars(c: ShapeContext, first: int, last: int) -> None:
    for i in range(first, last):
        with_rank(c, c.input(i), 0)


def _convolution_shape(c: ShapeContext) -> list[Shape]:
    x, filters, strides = with_rank(c, c.input(0), 4), with_rank(c, c.input(1), 4), c.attr("strides")
    sizes = [_result_size(x[i], filters[i - 1], strides[i], c.attr("padding")) for i in (1, 2)]
    _scalars(c, 2, 6)
    return [(x[0], *sizes, filters[3]), (), ()]


# ---- pooling


def _pool(combine: Callable[[Array, Array], Array], fill: int) -> Callable[..., tuple[Array, Array, Array]]:
    def run(op: Any, x: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
        window, strides = op.attrs["ksize"], op.attrs["strides"]
        if window[0] != 1 or strides[0] != 1:
            raise errors.UnimplementedError(None, op, "Pooling is not yet supported on the batch dimension.")
        if window[3] != 1:
            text = "Non-spatial pooling is not yet supported. Volunteers? :)"
            raise errors.UnimplementedError(None, op, text)
        blocks, _ = _blocks(x.astype(np.int32), window[1:3], strides[1:3], op.attrs["padding"], fill)
        inside, _ = _blocks(np.ones_like(x, np.int32)[..., :1], window[1:3], strides[1:3], op.attrs["padding"], 0)
        return combine(blocks, inside).astype(x.dtype), first(low), first(high)

    return run


def _mean(blocks: Array, inside: Array) -> Array:
    return blocks.sum((3, 4)) // inside.sum((3, 4))


def _greatest(blocks: Array, inside: Array) -> Array:
    return blocks.max((3, 4))


def _pool_shape(c: ShapeContext) -> list[Shape]:
    x, window, strides = with_rank(c, c.input(0), 4), c.attr("ksize"), c.attr("strides")
    sizes = [_result_size(x[i], window[i], strides[i], c.attr("padding")) for i in (1, 2)]
    _scalars(c, 1, 3)
    return [(x[0], *sizes, x[3]), (), ()]


# ---- concatenation


def _common_range(kind: Any, lows: Sequence[Any], highs: Sequence[Any]) -> tuple[Any, Any]:
    low, high = min(_F(0), *lows), max(highs)
    if np.dtype(kind).kind == "u":
        return low, high
    largest = max(abs(low), abs(high))
    return -largest, largest


def _as_range(x: Array, given: tuple[Any, Any], wanted: tuple[Any, Any]) -> Array:
    """The numbers that stand for the same floats in another range."""
    if given == wanted:
        return x
    return many_from_floats(x.dtype, many_to_floats(x, *given), *wanted)


def _concatenate(op: Any, axis: Array, *inputs: Array) -> tuple[Array, Array, Array]:
    count = op.attrs["N"]
    values = inputs[:count]
    _check_concatenation(op, int(axis), values)
    lows, highs = ([first(v) for v in inputs[i * count : (i + 1) * count]] for i in (1, 2))
    wanted = _common_range(values[0].dtype, lows, highs)
    moved = [_as_range(x, given, wanted) for x, given in zip(values, zip(lows, highs, strict=True), strict=True)]
    return np.concatenate(moved, int(axis)), _F(wanted[0]), _F(wanted[1])


def _check_concatenation(op: Any, axis: int, values: Sequence[Array]) -> None:
    wanted = values[0].shape
    if not 0 <= axis < len(wanted):
        refuse(op, f"ConcatOp : Expected concatenating dimensions in the range [0, {len(wanted)}), but got {axis}")
    for i, value in enumerate(values):
        pair = f"shape[0] = {to_text(wanted)} vs. shape[{i}] = {to_text(value.shape)}"
        if value.ndim != len(wanted):
            refuse(op, f"ConcatOp : Ranks of all input tensors should match: {pair}")
        if np.delete(value.shape, axis).tolist() != np.delete(wanted, axis).tolist():
            refuse(op, f"ConcatOp : Dimensions of inputs should match: {pair}")


def _concatenation_shape(c: ShapeContext) -> list[Shape]:
    count = (c.num_inputs - 1) // 3
    _scalars(c, 1 + count, c.num_inputs)
    joined = concat_shapes(c, [c.input(1 + i) for i in range(count)], 0)
    return [*joined, (), ()]


def _no_kernel(op: Any, *inputs: Array) -> Any:
    raise errors.UnimplementedError(None, op, f"{op.type}: TensorFlow 1.15 has no kernel for it either")


_HOST: dict[str, Any] = {"host": True, "gradient": NO_GRADIENT}
register_op("QuantizedConv2D", shape=_convolution_shape, numpy=_convolve, **_HOST)
register_op("QuantizedAvgPool", shape=_pool_shape, numpy=_pool(_mean, 0), **_HOST)
register_op("QuantizedMaxPool", shape=_pool_shape, numpy=_pool(_greatest, -1), **_HOST)
register_op("QuantizedConcat", shape=_concatenation_shape, numpy=_concatenate, **_HOST)
register_op("QuantizedReluX", shape=lambda c: [c.input(0), (), ()], numpy=_no_kernel, **_HOST)


# ---- functions


@export("nn.quantized_conv2d")
def quantized_conv2d(
    input: Any,
    filter: Any,
    min_input: Any,
    max_input: Any,
    min_filter: Any,
    max_filter: Any,
    strides: Any,
    padding: str,
    out_type: Any = dtypes.qint32,
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Any:
    """The convolution of quantized images and filters: (`qint32[...]`, the range that it stands for).

    Raises InvalidArgumentError: strides or dilations that TF's kernel refuses.
    Source: TF 1.15 `tf.nn.quantized_conv2d`.
    """
    ranges = {"min_input": min_input, "max_input": max_input, "min_filter": min_filter, "max_filter": max_filter}
    attrs = {"strides": strides, "padding": padding, "out_type": out_type, "dilations": list(dilations)}
    return apply_op("QuantizedConv2D", name, input=input, filter=filter, **ranges, **attrs)


@export("nn.quantized_avg_pool")
def quantized_avg_pool(
    input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None
) -> Any:
    """The means of windows of quantized images, and the range as it was. Source: TF 1.15 `tf.nn.quantized_avg_pool`."""
    arguments = {"input": input, "min_input": min_input, "max_input": max_input}
    return apply_op("QuantizedAvgPool", name, **arguments, ksize=ksize, strides=strides, padding=padding)


@export("nn.quantized_max_pool")
def quantized_max_pool(
    input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None
) -> Any:
    """The greatest of windows of quantized images, and the range as it was. Source: TF 1.15 `tf.nn.quantized_max_pool`."""
    arguments = {"input": input, "min_input": min_input, "max_input": max_input}
    return apply_op("QuantizedMaxPool", name, **arguments, ksize=ksize, strides=strides, padding=padding)


@export("nn.quantized_relu_x")
def quantized_relu_x(
    features: Any,
    max_value: Any,
    min_features: Any,
    max_features: Any,
    out_type: Any = dtypes.quint8,
    name: str | None = None,
) -> Any:
    """An operation that TF 1.15 defines but has no kernel for. Source: TF 1.15 `tf.nn.quantized_relu_x`."""
    arguments = {"max_value": max_value, "min_features": min_features, "max_features": max_features}
    return apply_op("QuantizedReluX", name, features=features, **arguments, out_type=out_type)


@export("quantized_concat", "quantization.quantized_concat")
def quantized_concat(concat_dim: Any, values: Any, input_mins: Any, input_maxes: Any, name: str | None = None) -> Any:
    """Quantized tensors joined along an axis, in a range that holds all of theirs: (tensor, least, greatest).

    Raises InvalidArgumentError: shapes that do not match. Source: TF 1.15 `tf.quantization.quantized_concat`.
    """
    arguments = {"concat_dim": concat_dim, "values": values, "input_mins": input_mins, "input_maxes": input_maxes}
    return apply_op("QuantizedConcat", name, **arguments)
