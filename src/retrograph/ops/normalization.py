"""Moments, batch normalization (also fused), local response normalization and `l2_normalize`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, merge_dim, with_rank
from retrograph.ops import array as array_ops
from retrograph.ops import gather, identities, reduction, transposing
from retrograph.ops import math as math_ops
from retrograph.ops.array import lookup_renamed
from retrograph.ops.cast import cast
from retrograph.ops.window import apart, layout_of, pad_axis

# Local response normalization


def _rank4(c: ShapeContext) -> list[Shape]:
    return [with_rank(c, c.input(0), 4)]


def _lrn_grad_shape(c: ShapeContext) -> list[Shape]:
    shape: Shape = with_rank(c, c.input(0), 4)
    return [merge(c, merge(c, shape, c.input(1)), c.input(2))]


def _channel_sums(x: Any, radius: int) -> Any:
    """For each channel, the sum over the channels at most `radius` away.

    A few shifted additions vectorize; `reduce_window` over the minor axis does not.
    """
    depth = x.shape[-1]
    radius = min(radius, depth - 1)
    padded = pad_axis(x, x.ndim - 1, radius, radius, 0)
    total = padded[..., :depth]
    for shift in range(1, 2 * radius + 1):
        total = total + padded[..., shift : shift + depth]
    return total


def _three_quarters(x: Any) -> Any:
    root = jnp.sqrt(x)
    return 1 / (root * jnp.sqrt(root))


# Square roots cost a tenth of a power.
_NEGATIVE_POWERS: dict[float, Callable[[Any], Any]] = {
    0.5: lambda x: 1 / jnp.sqrt(x),
    0.75: _three_quarters,
    1.0: lambda x: 1 / x,
}


def _negative_power(x: Any, beta: float) -> Any:
    known = _NEGATIVE_POWERS.get(beta)
    return x**-beta if known is None else known(x)


def _lrn_norm(op: Any, x: Any) -> Any:
    return op.attrs["bias"] + op.attrs["alpha"] * _channel_sums(jnp.square(x), op.attrs["depth_radius"])


def _lrn(op: Any, x: Any) -> Any:
    return apart(lambda x: x * _negative_power(_lrn_norm(op, x), op.attrs["beta"]), x)


def _lrn_grad(op: Any, grad: Any, x: Any, y: Any) -> Any:
    alpha, beta, radius = op.attrs["alpha"], op.attrs["beta"], op.attrs["depth_radius"]
    norm = apart(lambda x: _lrn_norm(op, x), x)
    share = apart(lambda grad, y, norm: grad * y / norm, grad, y, norm)

    def whole(grad: Any, x: Any, norm: Any, share: Any) -> Any:
        return grad * _negative_power(norm, beta) - 2 * alpha * beta * x * _channel_sums(share, radius)

    return apart(whole, grad, x, norm, share)


def _lrn_gradient(op: Any, grad: Any) -> Any:
    attrs = {name: op.attrs[name] for name in ("depth_radius", "bias", "alpha", "beta")}
    return apply_op("LRNGrad", None, input_grads=grad, input_image=op.inputs[0], output_image=op.outputs[0], **attrs)


register_op("LRN", shape=_rank4, lower=_lrn, gradient=_lrn_gradient)
register_op("LRNGrad", shape=_lrn_grad_shape, lower=_lrn_grad)


@export("nn.lrn", "nn.local_response_normalization")
def lrn(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, name: Any = None
) -> Any:
    """input / (bias + alpha * sum of squares over the channels near by) ** beta; images f32[batch, h, w, channels].

    Source: TF 1.15 `tf.nn.local_response_normalization`.
    """
    return apply_op("LRN", name, input=input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta)


# Fused batch normalization


def _norm_shapes(c: ShapeContext, first: int, last: int) -> tuple[Shape, int | None]:
    """The shape of the images, and the number of channels that they and the vectors agree on."""
    channel = layout_of(c).channel
    x = with_rank(c, c.input(0), 4)
    depth = x[channel]
    for i in range(first, last):
        (size,) = with_rank(c, c.input(i), 1)
        depth = merge_dim(c, depth, size)
    return (*x[:channel], depth, *x[channel + 1 :]), depth


def _fused_shape(c: ShapeContext) -> list[Shape]:
    x, depth = _norm_shapes(c, 1, 3 if c.attr("is_training") else 5)
    return [x, *[(depth,)] * 4]


def _fused_v3_shape(c: ShapeContext) -> list[Shape]:
    return [*_fused_shape(c), None]


def _fused_grad_shape(c: ShapeContext) -> list[Shape]:
    channel = layout_of(c).channel
    x = with_rank(c, c.input(0), 4)
    depth = merge_dim(c, x[channel], with_rank(c, c.input(1), 4)[channel])
    for i in range(2, 5):
        (size,) = with_rank(c, c.input(i), 1)
        depth = merge_dim(c, depth, size)
    rest = (0,) if c.attr("is_training") else (depth,)
    return [(*x[:channel], depth, *x[channel + 1 :]), (depth,), (depth,), rest, rest]


def _axes(op: Any) -> tuple[tuple[int, ...], list[int]]:
    """The axes to reduce, and the shape in which a vector of channels broadcasts against the images."""
    channel = layout_of(op).channel
    spread = [1, 1, 1, 1]
    spread[channel] = -1
    return tuple(i for i in range(4) if i != channel), spread


def _moments(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    mean = jnp.mean(x, axes, keepdims=True)
    return mean, jnp.mean(jnp.square(x - mean), axes, keepdims=True)


def _fused(op: Any, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> tuple[Any, ...]:
    axes, spread = _axes(op)
    kind, wide = x.dtype, jnp.asarray(x).astype(scale.dtype)
    if op.attrs["is_training"]:
        mean, variance = _moments(wide, axes)
    mean, variance = jnp.reshape(mean, spread), jnp.reshape(variance, spread)
    factor = jnp.reshape(scale, spread) / jnp.sqrt(variance + op.attrs["epsilon"])
    y = (wide - mean) * factor + jnp.reshape(offset, spread)
    count = wide.size // wide.shape[layout_of(op).channel]
    unbiased = variance * (count / max(count - 1, 1)) if op.attrs["is_training"] else variance
    flat = [jnp.reshape(v, -1) for v in (mean, unbiased, mean, variance)]
    return (y.astype(kind), *flat)


def _fused_v3(op: Any, *inputs: Any) -> tuple[Any, ...]:
    results = _fused(op, *inputs)
    return (*results, jnp.zeros((), results[1].dtype))


def _fused_grad(op: Any, grad: Any, x: Any, scale: Any, mean: Any, variance: Any, *reserved: Any) -> tuple[Any, ...]:
    axes, spread = _axes(op)
    kind = x.dtype
    grad, x = jnp.asarray(grad).astype(scale.dtype), jnp.asarray(x).astype(scale.dtype)
    training = op.attrs["is_training"]
    if training:
        # From x, not from what the forward op saved, so that second derivatives see how they depend on x.
        mean, variance = _moments(x, axes)
    centered = x - jnp.reshape(mean, spread)
    inverse = 1 / jnp.sqrt(jnp.reshape(variance, spread) + op.attrs["epsilon"])
    by_offset = jnp.sum(grad, axes, keepdims=True)
    by_scale = jnp.sum(grad * centered, axes, keepdims=True) * inverse
    by_x = jnp.reshape(scale, spread) * inverse
    if training:
        count = x.size // x.shape[layout_of(op).channel]
        by_x = by_x * (grad - by_offset / count - centered * inverse * by_scale / count)
    else:
        by_x = by_x * grad
    rest = jnp.zeros((0,) if training else mean.shape, scale.dtype)
    return by_x.astype(kind), jnp.reshape(by_scale, -1), jnp.reshape(by_offset, -1), rest, rest


def _fused_gradient(suffix: str) -> Callable[..., Any]:
    def gradient(op: Any, *grads: Any) -> list[Any]:
        training, channels_first = op.attrs["is_training"], op.attrs["data_format"] == b"NCHW"
        grad, x = grads[0], op.inputs[0]
        moved = channels_first and not training
        if moved:
            x, grad = transposing.transpose(x, [0, 2, 3, 1]), transposing.transpose(grad, [0, 2, 3, 1])
        saved = op.outputs[3:5] if training else op.inputs[3:5]
        extra = {"reserve_space_3": op.outputs[5]} if suffix == "V3" else {}
        by_x, by_scale, by_offset, *rest = apply_op(
            "FusedBatchNormGrad" + suffix,
            None,
            y_backprop=grad,
            x=x,
            scale=op.inputs[1],
            reserve_space_1=saved[0],
            reserve_space_2=saved[1],
            **extra,
            epsilon=op.attrs["epsilon"],
            data_format="NHWC" if not training else op.attrs["data_format"],
            is_training=training,
        )
        if moved:
            by_x = transposing.transpose(by_x, [0, 3, 1, 2])
        # In training the empty mean and variance have gradients too, empty ones: gated gradients name them.
        return [by_x, by_scale, by_offset, *(rest if training else (None, None))]

    return gradient


def _fused_grad_gradient(op: Any, *grads: Any) -> list[Any]:
    from retrograph.autodiff.symbolic import symbolic_gradient  # autodiff stands above the ops

    return [*symbolic_gradient(op, *grads)[:3], *[None] * (len(op.inputs) - 3)]


for _suffix in ("", "V2", "V3"):
    register_op(
        "FusedBatchNorm" + _suffix,
        shape=_fused_v3_shape if _suffix == "V3" else _fused_shape,
        lower=_fused_v3 if _suffix == "V3" else _fused,
        gradient=_fused_gradient(_suffix),
    )
    register_op(
        "FusedBatchNormGrad" + _suffix, shape=_fused_grad_shape, lower=_fused_grad, gradient=_fused_grad_gradient
    )


def _global_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank(c, c.input(0), 4)
    depth = shape[3]
    for i in range(1, 5):
        (size,) = with_rank(c, c.input(i), 1)
        depth = merge_dim(c, depth, size)
    return [(*shape[:3], depth)]


def _global_normalization(op: Any, x: Any, mean: Any, variance: Any, beta: Any, gamma: Any) -> Any:
    factor = 1 / jnp.sqrt(variance + op.attrs["variance_epsilon"])
    if op.attrs["scale_after_normalization"]:
        factor = factor * gamma
    return (x - mean) * factor + beta


# Only graphs of 2015 and 2016 hold it; no function makes it any more.
register_op("BatchNormWithGlobalNormalization", shape=_global_shape, lower=_global_normalization)

_LEAST_EPSILON = 1.001e-5


@export("nn.fused_batch_norm")
def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: Any = None,
) -> tuple[Any, Any, Any]:
    """Images normalized by channel, and the mean and variance that were used: `(y, mean, variance)`.

    With `is_training` those of the batch (the variance unbiased), else the given ones.
    Raises ValueError if mean or variance are given for training. Source: TF 1.15 `tf.nn.fused_batch_norm`.
    """
    x = convert_to_tensor(x, name="input")
    scale = convert_to_tensor(scale, name="scale")
    offset = convert_to_tensor(offset, name="offset")
    if is_training and (mean is not None or variance is not None):
        raise ValueError("Both 'mean' and 'variance' must be None if is_training is True.")
    mean = constant([]) if mean is None else mean
    variance = constant([]) if variance is None else variance
    result = apply_op(
        "FusedBatchNormV3",
        name,
        x=x,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=max(epsilon, _LEAST_EPSILON),
        data_format=data_format,
        is_training=is_training,
    )
    return result[0], result[1], result[2]


# Moments


def _keep(keepdims: Any, keep_dims: Any) -> bool:
    return bool(lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims))


def _is_half(x: Any) -> bool:
    if isinstance(x.dtype, np.dtype):
        # An array is refused, as TF refuses it: it compares the array's type with its own.
        raise TypeError("data type not understood")
    return bool(x.dtype == dtypes.float16)  # reference variables of halves are not, as in TF


@export("nn.moments")
def moments(
    x: Any, axes: Any, shift: Any = None, name: Any = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Any, Any]:
    """The mean and the variance of `x` along axes; `shift` is not used.

    >>> tf.nn.moments(tf.constant([[1.0, 3.0]]), [1])   # ([2.], [1.])

    Source: TF 1.15 `tf.nn.moments`.
    """
    keep = _keep(keepdims, keep_dims)
    with name_scope(name, "moments", [x, axes]):
        half = _is_half(x)
        y = cast(x, dtypes.float32) if half else x
        mean = reduction.reduce_mean(y, axes, keepdims=True, name="mean")
        squares = math_ops.squared_difference(y, identities.stop_gradient(mean))
        variance = reduction.reduce_mean(squares, axes, keepdims=True, name="variance")
        if not keep:
            mean, variance = array_ops.squeeze(mean, axes), array_ops.squeeze(variance, axes)
        if half:
            return cast(mean, dtypes.float16), cast(variance, dtypes.float16)
        return mean, variance


@export("nn.weighted_moments")
def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, name: Any = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Any, Any]:
    """The mean and the variance of `x` along axes, each element counted by its weight.

    Source: TF 1.15 `tf.nn.weighted_moments`.
    """
    keep = _keep(keepdims, keep_dims)
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        half = x.dtype.base_dtype == dtypes.float16
        x = cast(x, dtypes.float32) if half else x
        weights = weights if weights.dtype.base_dtype == x.dtype.base_dtype else cast(weights, x.dtype)
        mean, variance = _weighted(x, axes, weights)
        if not keep:
            mean, variance = array_ops.squeeze(mean, axis=axes), array_ops.squeeze(variance, axis=axes)
        if half:
            return cast(mean, dtypes.float16), cast(variance, dtypes.float16)
        return mean, variance


def _weighted(x: Any, axes: Any, weights: Any) -> tuple[Any, Any]:
    total = reduction.reduce_sum(weights * x, axes, name="weighted_input_sum", keepdims=True)
    everywhere = weights + array_ops.zeros_like(x)
    count = reduction.reduce_sum(everywhere, axes, name="sum_of_weights", keepdims=True)
    divisor = math_ops.reciprocal(count, name="inv_weight_sum")
    mean = math_ops.multiply(total, divisor)
    squares = weights * math_ops.squared_difference(x, mean)
    squares = reduction.reduce_sum(squares, axes, name="weighted_distsq", keepdims=True)
    return mean, math_ops.multiply(squares, divisor)


def _counts(x: Any, axes: list[int]) -> Any:
    shape = x.get_shape()
    sizes = None if shape.ndims is None else [shape.as_list()[d] for d in axes]
    if sizes is not None and None not in sizes:
        return constant(math.prod(sizes), dtype=x.dtype)
    dims = gather.gather(cast(array_ops.shape(x), x.dtype), axes)
    return reduction.reduce_prod(dims, name="count")


@export("nn.sufficient_statistics")
def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keep_dims: Any = None, name: Any = None, keepdims: Any = None
) -> tuple[Any, Any, Any, Any]:
    """Count, sum and sum of squares of `x` along axes, and the shift that they are taken about.

    Source: TF 1.15 `tf.nn.sufficient_statistics`.
    """
    axes = list(set(axes))
    keep = _keep(keepdims, keep_dims)
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = convert_to_tensor(x, name="x")
        counts = _counts(x, axes)
        if shift is not None:
            shift = convert_to_tensor(shift, name="shift")
            values, squares = math_ops.subtract(x, shift), math_ops.squared_difference(x, shift)
        else:
            values, squares = x, math_ops.square(x)
        total = reduction.reduce_sum(values, axes, keepdims=keep, name="mean_ss")
        return counts, total, reduction.reduce_sum(squares, axes, keepdims=keep, name="var_ss"), shift


@export("nn.normalize_moments")
def normalize_moments(counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: Any = None) -> tuple[Any, Any]:
    """The mean and the variance that sufficient statistics amount to. Source: TF 1.15 `tf.nn.normalize_moments`."""
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = math_ops.reciprocal(counts, name="divisor")
        shifted = math_ops.multiply(mean_ss, divisor, name="mean" if shift is None else "shifted_mean")
        mean = shifted if shift is None else math_ops.add(shifted, shift, name="mean")
        squares = math_ops.multiply(variance_ss, divisor)
        return mean, math_ops.subtract(squares, math_ops.square(shifted), name="variance")


# Normalization


@export("nn.batch_normalization")
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: Any = None
) -> Any:
    """scale * (x - mean) / sqrt(variance + variance_epsilon) + offset; scale and offset may be None.

    Source: TF 1.15 `tf.nn.batch_normalization`.
    """
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        inverse = math_ops.rsqrt(variance + variance_epsilon)
        if scale is not None:
            inverse *= scale
        scaled = x * cast(inverse, x.dtype)
        moved = -mean * inverse if offset is None else offset - mean * inverse
        return scaled + cast(moved, x.dtype)


@export("nn.batch_norm_with_global_normalization")
def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: Any = None,
    name: Any = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Any:
    """`batch_normalization` with an older order of arguments.

    Source: TF 1.15 `tf.nn.batch_norm_with_global_normalization`.
    """
    t = lookup_renamed("input", input, "t", t)
    m = lookup_renamed("mean", mean, "m", m)
    v = lookup_renamed("variance", variance, "v", v)
    scale = gamma if scale_after_normalization else None
    return batch_normalization(t, m, v, beta, scale, variance_epsilon, name)


@export("nn.l2_normalize", "math.l2_normalize", "linalg.l2_normalize")
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Any = None, dim: Any = None) -> Any:
    """x / sqrt(max(sum(x ** 2, axis), epsilon)). Source: TF 1.15 `tf.nn.l2_normalize`."""
    axis = lookup_renamed("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        total = reduction.reduce_sum(math_ops.square(x), axis, keepdims=True)
        inverse = math_ops.rsqrt(math_ops.maximum(total, epsilon))
        return math_ops.multiply(x, inverse, name=scope)
