"""Arithmetic on quantized numbers, as graphs hold it that were rewritten for processors of small numbers.

On the host, as TF has kernels for processors only. `RECORDS` of the plain operations give the shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, RECORDS, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import quantized_ranges as ranges
from retrograph.ops.quantized_ranges import first
from retrograph.ops.rows import refuse

Array = Any
_F = np.float32


def _with_range(rule: str | None, *scalars: int) -> Callable[[ShapeContext], list[Shape]]:
    """The shape of a plain operation (None: of its input), and two scalars; the inputs `scalars` must be such."""

    def shape(c: ShapeContext) -> list[Shape]:
        plain = None if rule is None else RECORDS[rule].shape
        made = [c.input(0)] if plain is None else plain(c)
        for i in scalars:
            with_rank(c, c.input(i), 0)
        return [*made, (), ()]

    return shape


# ---- sums and products


def _repeated(op: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """Both in the shape of the result. TF repeats the elements of the smaller one in order, and refuses what it cannot."""
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        refuse(op, f"Incompatible shapes: {to_text(x.shape)} vs. {to_text(y.shape)}")
    if _runs(x.shape, y.shape, shape) > 2 or max(x.size, y.size) != np.prod(shape):
        text = f"Broadcast between {to_text(x.shape)} and {to_text(y.shape)} is not supported yet."
        raise errors.UnimplementedError(None, op, text)
    return np.resize(x, shape), np.resize(y, shape)


def _runs(x: tuple[int, ...], y: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """How many neighbouring groups of dimensions there are that are broadcast alike."""
    rank = len(shape)
    full = [(1,) * (rank - len(s)) + s for s in (x, y)]
    states = [(a == size, b == size) for a, b, size in zip(*full, shape, strict=True) if size != 1]
    return sum(i == 0 or state != states[i - 1] for i, state in enumerate(states))


def _check_ranges(op: Any, x_range: tuple[Any, Any], y_range: tuple[Any, Any], texts: tuple[str, str]) -> None:
    for (low, high), text in zip((x_range, y_range), texts, strict=True):
        if not high > low:
            refuse(op, text)


def _in_steps(x: Array, given: tuple[Any, Any], wanted: tuple[Any, Any]) -> Array:
    """Bytes as 32-bit numbers of another range: the two first levels tell the others."""
    levels = ranges.to_floats(np.array([0, 1], x.dtype), *given)
    zero, one = ranges.unclipped(np.int32, levels, *wanted).tolist()
    factor = int(np.int64(one - zero).astype(np.int32))
    return np.clip(zero + x.astype(np.int64) * factor, *ranges.limits(np.int32)).astype(np.int32)


def _as_scalar(x: Array, given: tuple[Any, Any], wanted: tuple[Any, Any]) -> Array:
    return ranges.clipped(np.int32, ranges.to_floats(x, *given), *wanted)


def _add(op: Any, x: Array, y: Array, *given: Array) -> tuple[Array, Any, Any]:
    x_low, x_high, y_low, y_high = map(first, given)
    x_is_scalar, y_is_scalar = x.size == 1, y.size == 1 and x.size != 1
    x, y = _repeated(op, x, y)
    texts = "max_x must be larger than min_x.", "max_y must be larger than min_y."
    _check_ranges(op, (x_low, x_high), (y_low, y_high), texts)
    wide = max(abs(min(x_low, y_low)), abs(max(x_high, y_high))) * _F(1 << 14)
    wanted = -wide, wide
    left = (_as_scalar if x_is_scalar else _in_steps)(x, (x_low, x_high), wanted)
    right = (_as_scalar if y_is_scalar else _in_steps)(y, (y_low, y_high), wanted)
    return left + right, _F(wanted[0]), _F(wanted[1])


def _multiply(op: Any, x: Array, y: Array, *given: Array) -> tuple[Array, Any, Any]:
    x_low, x_high, y_low, y_high = map(first, given)
    x, y = _repeated(op, x, y)
    texts = "max_x must be larger than min_a.", "max_x must be larger than min_b."
    _check_ranges(op, (x_low, x_high), (y_low, y_high), texts)
    product = _from_zero(x, x_low, x_high) * _from_zero(y, y_low, y_high)
    return product, *ranges.range_of_products(x.dtype, (x_low, x_high), (y_low, y_high))


def _from_zero(x: Array, low: Any, high: Any) -> Array:
    return x.astype(np.int32) - np.int32(ranges.zero_point(x.dtype, low, high))


def _add_bias(op: Any, x: Array, bias: Array, *given: Array) -> tuple[Array, Any, Any]:
    x_low, x_high, bias_low, bias_high = map(first, given)
    _check_bias(op, x, bias)
    wide = max(x_high, -x_low, bias_high, -bias_low) * _F(1 << 17)
    zero = np.int32(ranges.clipped(np.int32, 0.0, -wide, wide))
    left = ranges.many_from_floats(np.int32, ranges.many_to_floats(x, x_low, x_high), -wide, wide)
    right = ranges.many_from_floats(np.int32, ranges.many_to_floats(bias, bias_low, bias_high), -wide, wide)
    return left + (right + zero), _F(-wide), _F(wide)


def _check_bias(op: Any, x: Array, bias: Array) -> None:
    if x.ndim < 2:
        refuse(op, f"Input tensor must be at least 2D: {to_text(x.shape)}")
    if bias.ndim != 1:
        refuse(op, f"Biases must be 1D: {to_text(bias.shape)}")
    if bias.shape[0] != x.shape[-1]:
        text = "Must provide as many biases as the last dimension of the input tensor: "
        refuse(op, f"{text}{to_text(bias.shape)} vs. {to_text(x.shape)}")


def _matmul(op: Any, a: Array, b: Array, *given: Array) -> tuple[Array, Any, Any]:
    a_low, a_high, b_low, b_high = map(first, given)
    texts = "max_a must be larger than min_a.", "max_b must be larger than min_b."
    _check_ranges(op, (a_low, a_high), (b_low, b_high), texts)
    for i, value in enumerate((a, b)):
        if value.ndim != 2:
            refuse(op, f"In[{i}] is not a matrix")
    left = a.T if op.attrs["transpose_a"] else a
    right = b.T if op.attrs["transpose_b"] else b
    if left.shape[1] != right.shape[0]:
        refuse(op, f"Matrix size-incompatible: In[0]: {to_text(a.shape)}, In[1]: {to_text(b.shape)}")
    product = _from_zero(left, a_low, a_high) @ _from_zero(right, b_low, b_high)
    return product, *ranges.range_of_products(a.dtype, (a_low, a_high), (b_low, b_high))


# ---- elementwise


def _relu(op: Any, x: Array, low: Array, high: Array) -> tuple[Array, Any, Any]:
    low, high = first(low), first(high)
    return np.maximum(x, ranges.clipped(x.dtype, 0.0, low, high)), low, high


def _relu6(op: Any, x: Array, low: Array, high: Array) -> tuple[Array, Any, Any]:
    least, low, high = _relu(op, x, low, high)
    return np.minimum(least, ranges.clipped(x.dtype, 6.0, low, high)), low, high


def _reshape(op: Any, x: Array, shape: Array, low: Array, high: Array) -> tuple[Array, Any, Any]:
    plain = RECORDS["Reshape"].numpy
    assert plain is not None
    return plain(op, x, shape), first(low), first(high)


# ---- smaller ranges


def _used_range(x: Array, low: Any, high: Any) -> tuple[Any, Any]:
    """The range of the numbers that are there; zero is in it."""
    least, greatest = ranges.limits(x.dtype)
    ends = np.array([x.min(initial=greatest), x.max(initial=least)], x.dtype)
    lowest, highest = ranges.to_floats(ends, low, high)
    return min(_F(0), lowest), highest


def _towards_zero(x: float) -> int:
    return int(x)


def _to_bytes(x: Array, given: tuple[Any, Any], wanted: tuple[Any, Any]) -> Array:
    """32-bit numbers as bytes of another range, in fixed-point numbers of 16 bits after the point."""
    (low, high), (new_low, new_high) = given, wanted
    output_range = float(_F(new_high) - _F(new_low))
    inverse = _F(0) if output_range == 0 else _F(255.0 / output_range)
    centre = _F(float(_F(low) + _F(high)) / 2.0)
    if output_range == 0:
        scale = offset = 0
    else:
        scale = _towards_zero(255.0 * (1 << 16) * float(_F(high) - _F(low)) / output_range)
        offset = _towards_zero((1 << 16) * (float(new_low) * 255.0) / output_range)
    start = _towards_zero(float(centre * inverse * _F(1 << 16))) - offset + (1 << 15)
    fixed = ((x.astype(np.int64) * scale) >> 32) + start
    return np.clip(fixed >> 16, 0, 255).astype(np.uint8)


def _requantized(x: Array, kind: Any, given: tuple[Any, Any], wanted: tuple[Any, Any]) -> Array:
    if kind == np.uint8:
        return _to_bytes(x, given, wanted)
    return ranges.many_from_floats(kind, ranges.many_to_floats(x, *given), *wanted)


def _shrink(op: Any, x: Array, low: Array, high: Array) -> tuple[Array, Any, Any]:
    given = first(low), first(high)
    wanted = _used_range(x, *given)
    return _requantized(x, op.attrs["out_type"].as_numpy_dtype, given, wanted), *wanted


def _requantize(op: Any, x: Array, *given: Array) -> tuple[Array, Any, Any]:
    low, high, new_low, new_high = map(first, given)
    if not new_low <= 0:
        refuse(op, f"requested_output_min must be <= 0, but got {new_low:g}")
    if not new_high >= new_low:
        text = "requested_output_max must be >= requested_output_min, but got"
        refuse(op, f"{text} {new_high:g} and {new_low:g}")
    kind = op.attrs["out_type"].as_numpy_dtype
    return _requantized(x, kind, (low, high), (new_low, new_high)), new_low, new_high


def _range(op: Any, x: Array, low: Array, high: Array) -> tuple[Any, Any]:
    return _used_range(x, first(low), first(high))


def _range_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    with_rank(c, c.input(2), 0)
    return [(), ()]


# ---- normalization


def _batch_norm(op: Any, *inputs: Array) -> tuple[Array, Any, Any]:
    for name, value, rank in zip(("input", "mean", "var", "beta", "gamma"), inputs[::3], (4, 1, 1, 1, 1), strict=True):
        if value.ndim != rank:
            refuse(op, f"{name} must be {rank}-dimensional{to_text(value.shape)}")
    mean, variance, beta, gamma = (
        ranges.to_floats(inputs[i], first(inputs[i + 1]), first(inputs[i + 2])) for i in (3, 6, 9, 12)
    )
    scale = _F(1) / np.sqrt(variance + _F(op.attrs["variance_epsilon"]))
    if op.attrs["scale_after_normalization"]:
        scale = scale * gamma
    wide = _F(-(1 << 20)), _F(1 << 20)
    x = ranges.clipped(np.int32, ranges.to_floats(inputs[0], first(inputs[1]), first(inputs[2])), *wide)
    factor, offset, one = (ranges.clipped(np.int32, v, *wide) for v in (scale, -mean * scale + beta, 1.0))
    product = x * factor
    quotient = np.trunc(product.astype(np.float64) / float(one)).astype(np.int32)
    return quotient + offset, *wide


def _batch_norm_shape(c: ShapeContext) -> list[Shape]:
    x = with_rank(c, c.input(0), 4)
    last = x[3]
    for i in range(3, 15, 3):
        last = merge_dim(c, last, with_rank(c, c.input(i), 1)[0])
    return [(*x[:3], last), (), ()]


def _instance_norm(op: Any, x: Array, low: Array, high: Array) -> tuple[Array, Any, Any]:
    low, high = first(low), first(high)
    if not low < high:
        refuse(op, f"input_min must be less than input_max : {low:g} >= {high:g}")
    scale = (high - low) / _F(255)
    values = x.astype(np.float32)
    apart = scale * (values - values.mean((1, 2), keepdims=True, dtype=np.float32))
    variance = np.square(apart).mean((1, 2), keepdims=True, dtype=np.float32)
    normal = apart * (_F(1) / np.sqrt(variance + _F(op.attrs["variance_epsilon"])))
    least, greatest = _given_range(op) or (normal.min(), normal.max())
    if greatest - least < _F(op.attrs["min_separation"]):
        greatest = least + _F(op.attrs["min_separation"])
    return ranges.many_from_floats(np.uint8, normal, least, greatest), _F(least), _F(greatest)


def _given_range(op: Any) -> tuple[Any, Any] | None:
    if not op.attrs["output_range_given"]:
        return None
    low, high = _F(op.attrs["given_y_min"]), _F(op.attrs["given_y_max"])
    if not low < high:
        refuse(op, f"given_y_min must be less than given_y_max : {low:g} >= {high:g}")
    return low, high


def _instance_norm_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 4)
    return _with_range(None, 1, 2)(c)


_ROWS: dict[str, tuple[Any, Any]] = {
    "QuantizedAdd": (_with_range("Add"), _add),
    "QuantizedMul": (_with_range("Mul"), _multiply),
    "QuantizedBiasAdd": (_with_range("BiasAddV1", 2, 3, 4, 5), _add_bias),
    "QuantizedMatMul": (_with_range("MatMul", 2, 3, 4, 5), _matmul),
    "QuantizedRelu": (_with_range(None, 1, 2), _relu),
    "QuantizedRelu6": (_with_range(None, 1, 2), _relu6),
    "QuantizedReshape": (_with_range("Reshape", 2, 3), _reshape),
    "QuantizeDownAndShrinkRange": (_with_range(None, 1, 2), _shrink),
    "Requantize": (_with_range(None, 1, 2, 3, 4), _requantize),
    "RequantizationRange": (_range_shape, _range),
    "QuantizedBatchNormWithGlobalNormalization": (_batch_norm_shape, _batch_norm),
    "QuantizedInstanceNorm": (_instance_norm_shape, _instance_norm),
}
for _op_type, (_rule, _run) in _ROWS.items():
    register_op(_op_type, shape=_rule, numpy=_run, host=True, gradient=NO_GRADIENT)
