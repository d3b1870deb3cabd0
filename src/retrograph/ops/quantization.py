"""Quantized values: real ones (`quantize`, `dequantize`) and simulated ones (`fake_quant...`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import (
    ShapeContext,
    merge,
    merge_dim,
    unchanged,
    with_rank,
    with_rank_at_least,
    with_rank_at_most,
)
from retrograph.ops import quantized_ranges as ranges
from retrograph.ops.rows import both, make_tensor

# --- simulated quantization in training --------------------------------------------------------------------------


def _levels(op: Any) -> tuple[float, float]:
    low = 1.0 if op.get_attr("narrow_range") else 0.0
    return low, float((1 << op.get_attr("num_bits")) - 1)


# XLA multiplies by inverses and adds to products without rounding these, which decides some halves otherwise than TF:
# each operation is done in 64 bits and then rounded, which is what it gives in 32.


def _divided(a: Any, b: Any) -> Any:
    return (a.astype(np.float64) / b.astype(np.float64)).astype(np.float32)


def _times(a: Any, b: Any) -> Any:
    return (a.astype(np.float64) * b.astype(np.float64)).astype(np.float32)


def _nudged(xp: Any, op: Any, low: Any, high: Any) -> tuple[Any, Any, Any, Any]:
    """The range moved so that zero is one of its levels, the distance between levels, and the first one's number."""
    first, last = (np.float32(level) for level in _levels(op))
    scale = _divided(high - low, last - first)
    zero = first - _divided(low, scale)
    # C rounds halves away from zero; the zero point is never negative.
    point = xp.where(zero < first, first, xp.where(zero > last, last, xp.floor(zero + np.float32(0.5))))
    return _times(first - point, scale), _times(last - point, scale), scale, first - point


def _fake(xp: Any, op: Any, x: Any, low: Any, high: Any) -> Any:
    return _rounded(xp, op, x, low, high, _divided)


def _rounded(xp: Any, op: Any, x: Any, low: Any, high: Any, in_steps: Any) -> Any:
    empty = (low == 0) & (high == 0)
    low, high, scale, number = _nudged(xp, op, low, xp.where(empty, np.float32(1), high))
    clamped = xp.maximum(xp.minimum(x, high), low)
    levels = xp.floor(in_steps(clamped - low, scale) + np.float32(0.5))
    # Compiled, a product and a sum become one operation of one rounding, by which zero would no longer be zero.
    found = _times(levels, scale) + low if xp is np else (levels + number) * scale
    return xp.where(empty, np.float32(0), found)


def _fake_gradient(xp: Any, op: Any, grad: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    empty = (low == 0) & (high == 0)
    low, high, _, _ = _nudged(xp, op, low, xp.where(empty, np.float32(1), high))
    zero = np.float32(0)
    inside = xp.where(empty | ((x >= low) & (x <= high)), grad, zero)
    below = xp.where(~empty & (x < low), grad, zero)
    above = xp.where(~empty & (x > high), grad, zero)
    return inside, below, above


def _args_range(op: Any) -> tuple[Any, Any]:
    return np.float32(op.get_attr("min")), np.float32(op.get_attr("max"))


def _fake_args(xp: Any, op: Any, x: Any) -> Any:
    # TF multiplies by the inverse here, which decides some halves otherwise than division does.
    return _rounded(xp, op, x, *_args_range(op), lambda shifted, scale: _times(shifted, np.float32(1) / scale))


def _fake_args_gradient(xp: Any, op: Any, grad: Any, x: Any) -> Any:
    return _fake_gradient(xp, op, grad, x, *_args_range(op))[0]


def _fake_vars_gradient(xp: Any, op: Any, grad: Any, x: Any, low: Any, high: Any) -> Any:
    inside, below, above = _fake_gradient(xp, op, grad, x, low, high)
    kept = tuple(range(x.ndim - low.ndim))
    return inside, below.sum(kept), above.sum(kept)


def _vars_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    with_rank(c, c.input(2), 0)
    return [c.input(0)]


def _vars_gradient_shape(c: ShapeContext) -> list[Shape]:
    one = merge(c, with_rank(c, c.input(2), 0), c.input(3))
    return [merge(c, c.input(0), c.input(1)), one, one]


def _channel_shape(c: ShapeContext) -> list[Shape]:
    given = with_rank_at_least(c, c.input(0), 1)
    low, high = with_rank(c, c.input(1), 1), with_rank(c, c.input(2), 1)
    last = None if given is None else given[-1]
    for a, b in ((last, low[0]), (last, high[0]), (low[0], high[0])):
        merge_dim(c, a, b)
    return [given]


def _channel_gradient_shape(c: ShapeContext) -> list[Shape]:
    given = with_rank_at_most(c, with_rank_at_least(c, c.input(0), 1), 4)
    given = merge(c, given, c.input(1))
    one = merge(c, with_rank(c, c.input(2), 1), (None if given is None else given[-1],))
    one = merge(c, c.input(3), one)
    return [given, one, one]


def _attrs(op: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: op.get_attr(name) for name in names}


def _args_row_gradient(op: Any, grad: Any) -> Any:
    attrs = _attrs(op, ("min", "max", "num_bits", "narrow_range"))
    return make_tensor("FakeQuantWithMinMaxArgsGradient", None, gradients=grad, inputs=op.inputs[0], **attrs)


def _vars_row_gradient(op: Any, grad: Any) -> Any:
    x, low, high = op.inputs
    attrs = _attrs(op, ("num_bits", "narrow_range"))
    return list(apply_op(f"{op.type}Gradient", None, gradients=grad, inputs=x, min=low, max=high, **attrs))


register_op("FakeQuantWithMinMaxArgs", shape=unchanged, gradient=_args_row_gradient, **both(_fake_args))
register_op("FakeQuantWithMinMaxArgsGradient", shape=unchanged, **both(_fake_args_gradient))
register_op("FakeQuantWithMinMaxVars", shape=_vars_shape, gradient=_vars_row_gradient, **both(_fake))
register_op("FakeQuantWithMinMaxVarsGradient", shape=_vars_gradient_shape, **both(_fake_vars_gradient))
register_op("FakeQuantWithMinMaxVarsPerChannel", shape=_channel_shape, gradient=_vars_row_gradient, **both(_fake))
register_op("FakeQuantWithMinMaxVarsPerChannelGradient", shape=_channel_gradient_shape, **both(_fake_vars_gradient))


@export("fake_quant_with_min_max_args", "quantization.fake_quant_with_min_max_args")
def fake_quant_with_min_max_args(
    inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """`inputs` rounded to the levels of a fixed range, f32[...] -> f32[...].

    Source: TF 1.15 `tf.quantization.fake_quant_with_min_max_args`.
    """
    attrs = {"min": min, "max": max, "num_bits": num_bits, "narrow_range": narrow_range}
    return make_tensor("FakeQuantWithMinMaxArgs", name, inputs=inputs, **attrs)


@export("fake_quant_with_min_max_args_gradient", "quantization.fake_quant_with_min_max_args_gradient")
def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:
    """`gradients` where `inputs` are in the range, else zero.

    Source: TF 1.15 `tf.quantization.fake_quant_with_min_max_args_gradient`.
    """
    attrs = {"min": min, "max": max, "num_bits": num_bits, "narrow_range": narrow_range}
    return make_tensor("FakeQuantWithMinMaxArgsGradient", name, gradients=gradients, inputs=inputs, **attrs)


@export("fake_quant_with_min_max_vars", "quantization.fake_quant_with_min_max_vars")
def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """`inputs` rounded to the levels of the range `min`, `max` (f32[] both).

    Source: TF 1.15 `tf.quantization.fake_quant_with_min_max_vars`.
    """
    attrs = {"num_bits": num_bits, "narrow_range": narrow_range}
    return make_tensor("FakeQuantWithMinMaxVars", name, inputs=inputs, min=min, max=max, **attrs)


@export("fake_quant_with_min_max_vars_gradient", "quantization.fake_quant_with_min_max_vars_gradient")
def fake_quant_with_min_max_vars_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """The gradients of `tf.quantization.fake_quant_with_min_max_vars` by its three inputs.

    Source: TF 1.15 `tf.quantization.fake_quant_with_min_max_vars_gradient`.
    """
    attrs = {"num_bits": num_bits, "narrow_range": narrow_range}
    inputs_of = {"gradients": gradients, "inputs": inputs, "min": min, "max": max}
    return apply_op("FakeQuantWithMinMaxVarsGradient", name, **inputs_of, **attrs)


@export("fake_quant_with_min_max_vars_per_channel", "quantization.fake_quant_with_min_max_vars_per_channel")
def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """As `tf.quantization.fake_quant_with_min_max_vars`, a range for each channel: `min`, `max` are f32[channels].

    Source: TF 1.15 `tf.quantization.fake_quant_with_min_max_vars_per_channel`.
    """
    attrs = {"num_bits": num_bits, "narrow_range": narrow_range}
    return make_tensor("FakeQuantWithMinMaxVarsPerChannel", name, inputs=inputs, min=min, max=max, **attrs)


@export(
    "fake_quant_with_min_max_vars_per_channel_gradient",
    "quantization.fake_quant_with_min_max_vars_per_channel_gradient",
)
def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """The gradients of `tf.quantization.fake_quant_with_min_max_vars_per_channel` by its three inputs.

    Source: TF 1.15 `tf.quantization.fake_quant_with_min_max_vars_per_channel_gradient`.
    """
    attrs = {"num_bits": num_bits, "narrow_range": narrow_range}
    inputs_of = {"gradients": gradients, "inputs": inputs, "min": min, "max": max}
    return apply_op("FakeQuantWithMinMaxVarsPerChannelGradient", name, **inputs_of, **attrs)


# --- quantized types ---------------------------------------------------------------------------------------------


def _text(op: Any, name: str) -> str:
    value = op.get_attr(name)
    return value.decode() if isinstance(value, bytes) else str(value)


def _limits(op: Any) -> tuple[Any, Any, Any]:
    """Least and greatest value of the quantized type, and half its range if it is signed."""
    info = np.iinfo(op.get_attr("T").as_numpy_dtype)
    half = (int(info.max) - int(info.min) + 1) / 2 if info.min < 0 else 0.0
    return np.float32(info.min), np.float32(info.max), np.float32(half)


def _away_from_zero(x: Any) -> Any:
    return np.trunc(x + np.copysign(np.float32(0.5), x))


def _scaled(op: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    least, greatest, _ = _limits(op)
    largest = np.finfo(np.float32).max
    below = least / low if least * low > 0 else largest
    above = greatest / high if greatest * high > 0 else largest
    scale = np.float32(min(below, above))
    low, high = least / scale, greatest / scale
    rounded = np.round if _text(op, "round_mode") == "HALF_TO_EVEN" else _away_from_zero
    return rounded(np.clip(x, low, high) * scale), low, high


def _combined(op: Any, x: Any, low: Any, high: Any) -> Any:
    least, greatest, half = _limits(op)
    scale = np.float32((float(greatest) - float(least)) / (high - low))
    steps = (np.clip(x, low, high) - low) * scale
    return _away_from_zero(steps - half) if half else np.floor(steps + np.float32(0.5))


def _check_rounding(op: Any) -> None:
    mode = _text(op, "mode")
    if _text(op, "round_mode") == "HALF_TO_EVEN" and mode != "SCALED":
        text = f"Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is '{mode}'."
        raise errors.InvalidArgumentError(None, op, text)


def _quantize(op: Any, x: Any, low: Any, high: Any) -> Any:
    _check_rounding(op)
    low, high = np.float32(low), np.float32(high)
    if high < low:
        raise errors.InvalidArgumentError(None, op, "input_max_range must be larger than input_min_range.")
    apart = np.float32(max(1.0, abs(low), abs(high)) / 100)
    low = np.minimum(np.float32(0), low)
    high = np.maximum(np.float32(0), np.maximum(high, low + apart))
    mode = _text(op, "mode")
    if mode == "MIN_FIRST":
        return ranges.many_from_floats(op.get_attr("T").as_numpy_dtype, x, low, high), low, high
    if mode == "SCALED":
        values, low, high = _scaled(op, x, low, high)
    else:
        values = _combined(op, x, low, high)
    least, _, _ = _limits(op)
    kind = op.get_attr("T").as_numpy_dtype
    clipped = np.clip(values.astype(np.float64), float(least), float(np.iinfo(kind).max))
    return clipped.astype(kind), np.float32(low), np.float32(high)


def _dequantize(xp: Any, op: Any, x: Any, low: Any, high: Any) -> Any:
    least, greatest, half = _limits(op)
    if _text(op, "mode") == "MIN_FIRST":
        return _dequantize_from_zero(xp, op, x, low, high)
    if _text(op, "mode") == "SCALED":
        scale = high / greatest if least == 0 else xp.maximum(low / least, high / greatest)
        return x.astype(np.float32) * scale
    return (x.astype(np.float32) + half) * ((high - low) / (greatest - least)) + low


def _dequantize_from_zero(xp: Any, op: Any, x: Any, low: Any, high: Any) -> Any:
    """Zero is exactly one of the levels."""
    least, greatest = ranges.limits(op.get_attr("T").as_numpy_dtype)
    scale = ((high - low).astype(np.float64) / float(greatest - least)).astype(np.float32)
    steps = low / xp.where(scale == 0, np.float32(1), scale)
    start = xp.where(low == high, low, _times(xp.trunc(steps + xp.copysign(np.float32(0.5), steps)), scale))
    return (start - _times(np.float32(least), scale)) + _times(x.astype(np.float32), scale)


def _quantize_shape(c: ShapeContext) -> list[Shape]:
    return [*_vars_shape(c), (), ()]


register_op("QuantizeV2", shape=_quantize_shape, numpy=_quantize, host=True, gradient=NO_GRADIENT)
register_op("Dequantize", shape=_vars_shape, gradient=NO_GRADIENT, **both(_dequantize))


@export("quantization.quantize", "quantize")
def quantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    name: str | None = None,
) -> Any:
    """`input` as the quantized type `T`, and the range that its values stand for.

    Source: TF 1.15 `tf.quantization.quantize`.
    """
    ranges = {"min_range": min_range, "max_range": max_range}
    return apply_op("QuantizeV2", name, input=input, **ranges, T=T, mode=mode, round_mode=round_mode)


@export("quantize_v2")
@deprecated(
    "`tf.quantize_v2` is deprecated, please use `tf.quantization.quantize` instead.",
    "tensorflow.python.ops.array_ops",
    "2017-10-25",
)
def quantize_v2(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    round_mode: str = "HALF_AWAY_FROM_ZERO",
) -> Any:
    """As `tf.quantization.quantize`.

    Source: TF 1.15 `tf.quantize_v2`.
    """
    return quantize(input, min_range, max_range, T, mode, round_mode, name)


@export("quantization.dequantize", "dequantize")
def dequantize(
    input: Any, min_range: Any, max_range: Any, mode: str = "MIN_COMBINED", name: str | None = None
) -> Tensor:
    """The real values that quantized ones stand for, f32[...].

    Source: TF 1.15 `tf.quantization.dequantize`.
    """
    return make_tensor("Dequantize", name, input=input, min_range=min_range, max_range=max_range, mode=mode)


def _simulated_levels(signed: bool, bits: int, narrow: bool) -> tuple[float, float]:
    if not signed:
        return 0.0, float((1 << bits) - 1)
    return float(-(1 << (bits - 1)) + narrow), float((1 << (bits - 1)) - 1)


def _simulate(xp: Any, op: Any, x: Any, low: Any, high: Any, bits: int, rounding: str) -> Any:
    given = op.get_attr("range_given")
    if not given:
        low, high = x.min(), x.max()
    kind = x.dtype.type
    first, last = (
        kind(v) for v in _simulated_levels(op.get_attr("signed_input"), bits, op.attrs.get("narrow_range", False))
    )
    largest, one = kind(np.finfo(x.dtype).max), kind(1)
    below = xp.where(first * low > 0, first / xp.where(low == 0, one, low), largest)
    above = xp.where(last * high > 0, last / xp.where(high == 0, one, high), largest)
    by_low = below < above
    inverse = xp.where(by_low, low / (first or one), high / last)
    scale = xp.where(by_low, below, above)
    if given:
        x = xp.maximum(xp.minimum(x, xp.where(by_low, last * inverse, high)), xp.where(by_low, low, first * inverse))
    steps = x * scale
    return (xp.floor(steps + kind(0.5)) if rounding == "HALF_UP" else xp.round(steps)) * inverse


def _simulate_v1(xp: Any, op: Any, x: Any) -> Any:
    kind = x.dtype.type
    low, high = kind(op.get_attr("input_min")), kind(op.get_attr("input_max"))
    if op.get_attr("range_given") and not low <= high:
        text = f"Invalid range: input_min {low:g} > input_max {high:g}"
        raise errors.InvalidArgumentError(None, op, text)
    return _simulate(xp, op, x, low, high, op.get_attr("num_bits"), "HALF_TO_EVEN")


def _simulate_v2(xp: Any, op: Any, x: Any, low: Any, high: Any) -> Any:
    return _simulate(xp, op, x, low, high, op.get_attr("num_bits"), _text(op, "round_mode"))


def _simulate_v3(xp: Any, op: Any, x: Any, low: Any, high: Any, bits: Any) -> Any:
    return _simulate(xp, op, x, low, high, int(bits), "HALF_TO_EVEN")


register_op("QuantizeAndDequantize", shape=unchanged, gradient=lambda op, grad: [grad], **both(_simulate_v1))
register_op(
    "QuantizeAndDequantizeV2",
    shape=_vars_shape,
    gradient=lambda op, grad: [grad, None, None],
    **both(_simulate_v2),
)
register_op(
    "QuantizeAndDequantizeV3",
    shape=_vars_shape,
    static_inputs=(3,),
    gradient=lambda op, grad: [grad, None, None, None],
    **both(_simulate_v3),
)


@export("quantization.quantize_and_dequantize")
def quantize_and_dequantize(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
) -> Tensor:
    """`input` with the loss of precision that quantizing it would bring; gradients pass unchanged.

    Source: TF 1.15 `tf.quantization.quantize_and_dequantize`.
    """
    return make_tensor(
        "QuantizeAndDequantizeV2",
        name,
        input=input,
        input_min=input_min,
        input_max=input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
    )
