"""Neural-network basics: activations, biases, dropout, `top_k`, `l2_loss`, and the layers written in them."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax_nn, jnp, lax
from retrograph.framework.logger import get_logger
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, TensorShape, as_shape
from retrograph.framework.shape_rules import (
    ShapeContext,
    merge_all_inputs,
    merge_dim,
    scalar,
    unchanged,
    with_rank,
    with_rank_at_least,
)
from retrograph.framework.static_value import constant_value
from retrograph.ops import array as array_ops
from retrograph.ops import gather, identities, joining, random, reduction, selecting, sequence
from retrograph.ops import math as math_ops
from retrograph.ops.array import lookup_renamed
from retrograph.ops.cast import cast

# Activations

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def _relu(op: Any, x: Any) -> Any:
    # Its derivative at 0 is 0, as TF's; that of a maximum would be a half.
    return jax_nn.relu(x)


def _relu_numpy(op: Any, x: Any) -> Any:
    return np.maximum(x, np.zeros((), x.dtype))


def _passed(grad: Any, passes: Any) -> Any:
    # 0 times a gradient that is not finite is nan, as in TF; XLA would make a plain zero of the product with a bool.
    return jnp.where(passes, grad, jnp.multiply(grad, 0))


def _relu_grad(op: Any, grad: Any, y: Any) -> Any:
    return _passed(grad, y > 0)


def _relu6(op: Any, x: Any) -> Any:
    return jnp.clip(x, 0, 6)


def _relu6_grad(op: Any, grad: Any, y: Any) -> Any:
    return _passed(grad, (y > 0) & (y < 6))


def _leaky_relu(op: Any, x: Any) -> Any:
    return jnp.where(x > 0, x, x * op.attrs["alpha"])


def _leaky_relu_grad(op: Any, grad: Any, x: Any) -> Any:
    return jnp.where(x > 0, grad, grad * op.attrs["alpha"])


def _elu(op: Any, x: Any) -> Any:
    return jnp.where(x < 0, jnp.expm1(jnp.minimum(x, 0)), x)


def _elu_grad(op: Any, grad: Any, y: Any) -> Any:
    return jnp.where(y < 0, (y + 1) * grad, grad)


def _selu(op: Any, x: Any) -> Any:
    return jnp.where(x < 0, _SELU_SCALE_ALPHA * jnp.expm1(jnp.minimum(x, 0)), _SELU_SCALE * x)


def _selu_grad(op: Any, grad: Any, y: Any) -> Any:
    return jnp.where(y < 0, grad * (y + _SELU_SCALE_ALPHA), grad * _SELU_SCALE)


def _softplus(op: Any, x: Any) -> Any:
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def _softplus_grad(op: Any, grad: Any, x: Any) -> Any:
    return grad * jax_nn.sigmoid(x)


def _softsign(op: Any, x: Any) -> Any:
    return x / (1 + jnp.abs(x))


def _softsign_grad(op: Any, grad: Any, x: Any) -> Any:
    return grad / jnp.square(1 + jnp.abs(x))


def _activation_grad(op_type: str, argument: str, of_output: bool) -> Callable[..., Any]:
    """The gradient that is one op of the incoming gradient and of the activation's output or input."""

    def gradient(op: Any, grad: Any) -> Any:
        alpha = {"alpha": op.attrs["alpha"]} if "alpha" in op.attrs else {}
        value = op._outputs[0] if of_output else op._inputs[0]
        return apply_op(op_type, None, gradients=grad, **{argument: value}, **alpha)

    return gradient


def _linear_grad_gradient(op_type: str) -> Callable[..., Any]:
    """The gradient of a gradient op that does not depend smoothly on the activation: only the first input gets one."""

    def gradient(op: Any, grad: Any) -> list[Any]:
        x = op.inputs[1]
        alpha = {"alpha": op.attrs["alpha"]} if "alpha" in op.attrs else {}
        moved = apply_op(op_type, None, gradients=grad, features=x, **alpha)
        return [moved, array_ops.zeros(array_ops.shape(x), x.dtype)]

    return gradient


def _exponential_grad_gradient(op_type: str) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> list[Any]:
        y = op.inputs[1]
        moved = apply_op(op_type, None, gradients=grad, outputs=y)
        return [moved, selecting.where(y < 0.0, grad * op.inputs[0], array_ops.zeros_like(y))]

    return gradient


def _softplus_gradient(op: Any, grad: Any) -> Any:
    return grad * math_ops.sigmoid(op.inputs[0])


def _softplus_grad_gradient(op: Any, grad: Any) -> list[Any]:
    dy, x = op.inputs
    with control_dependencies([grad.op]):
        by_dy = apply_op("SoftplusGrad", None, gradients=grad, features=x)
        by_x = grad * dy / (math_ops.exp(-x) + 2.0 + math_ops.exp(x))
        return [by_dy, by_x]


# op type, lowering, lowering of its gradient op, the latter's second argument, whether that is the output
_ACTIVATIONS: tuple[tuple[str, Any, Any, str, bool], ...] = (
    ("Relu", _relu, _relu_grad, "features", True),
    ("Relu6", _relu6, _relu6_grad, "features", True),
    ("LeakyRelu", _leaky_relu, _leaky_relu_grad, "features", False),
    ("Elu", _elu, _elu_grad, "outputs", True),
    ("Selu", _selu, _selu_grad, "outputs", True),
    ("Softplus", _softplus, _softplus_grad, "features", False),
    ("Softsign", _softsign, _softsign_grad, "features", False),
)
_GRADIENT_OVERRIDES = {"Softplus": _softplus_gradient, "SoftplusGrad": _softplus_grad_gradient}


def _second_gradient(op_type: str, argument: str) -> Any:
    if argument == "outputs":
        return _exponential_grad_gradient(op_type)
    return None if op_type == "SoftsignGrad" else _linear_grad_gradient(op_type)


def _register_activation(op_type: str, lower: Any, lower_grad: Any, argument: str, of_output: bool) -> None:
    grad_type = op_type + "Grad"
    first = _activation_grad(grad_type, argument, of_output)
    second = _second_gradient(grad_type, argument)
    register_op(
        op_type,
        shape=unchanged,
        lower=lower,
        numpy=_relu_numpy if op_type == "Relu" else None,
        gradient=_GRADIENT_OVERRIDES.get(op_type, first),
    )
    register_op(
        grad_type, shape=merge_all_inputs, lower=lower_grad, gradient=_GRADIENT_OVERRIDES.get(grad_type, second)
    )


for _row in _ACTIVATIONS:
    _register_activation(*_row)


@export("nn.relu")
def relu(features: Any, name: Any = None) -> Any:
    """max(features, 0). Source: TF 1.15 `tf.nn.relu`."""
    return apply_op("Relu", name, features=features)


@export("nn.relu6")
def relu6(features: Any, name: Any = None) -> Any:
    """min(max(features, 0), 6). Source: TF 1.15 `tf.nn.relu6`."""
    with name_scope(name, "Relu6", [features]) as scope:
        return apply_op("Relu6", scope, features=convert_to_tensor(features, name="features"))


@export("nn.leaky_relu")
def leaky_relu(features: Any, alpha: Any = 0.2, name: Any = None) -> Any:
    """`features` where positive, else `alpha * features`; integers become float32. Source: TF 1.15 `tf.nn.leaky_relu`."""
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = cast(features, dtypes.float32)
        slope = alpha.item() if isinstance(alpha, np.ndarray) else alpha
        return apply_op("LeakyRelu", scope, features=features, alpha=slope)


@export("nn.elu")
def elu(features: Any, name: Any = None) -> Any:
    """exp(features) - 1 where negative, else `features`. Source: TF 1.15 `tf.nn.elu`."""
    return apply_op("Elu", name, features=features)


@export("nn.selu")
def selu(features: Any, name: Any = None) -> Any:
    """The scaled exponential linear unit. Source: TF 1.15 `tf.nn.selu`."""
    return apply_op("Selu", name, features=features)


@export("nn.softplus", "math.softplus")
def softplus(features: Any, name: Any = None) -> Any:
    """log(exp(features) + 1). Source: TF 1.15 `tf.nn.softplus`."""
    return apply_op("Softplus", name, features=features)


@export("nn.softsign", "math.softsign")
def softsign(features: Any, name: Any = None) -> Any:
    """features / (abs(features) + 1). Source: TF 1.15 `tf.nn.softsign`."""
    return apply_op("Softsign", name, features=features)


@export("nn.crelu")
def crelu(features: Any, name: Any = None, axis: int = -1) -> Any:
    """The positive parts of `features` and of their negatives, side by side. Source: TF 1.15 `tf.nn.crelu`."""
    with name_scope(name, "CRelu", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        return relu(joining.concat([features, -features], axis, name=scope))


@export("nn.swish")
def swish(features: Any) -> Any:
    """features * sigmoid(features). Source: TF 1.15 `tf.nn.swish`."""
    from retrograph.autodiff.custom_gradient import custom_gradient  # autodiff stands above the ops

    def value_and_gradient(x: Any) -> Any:
        x = convert_to_tensor(x, name="features")

        def gradient(dy: Any) -> Any:
            with control_dependencies([dy.op]):
                gate = math_ops.sigmoid(x)
            return dy * (gate * (1.0 + x * (1.0 - gate)))

        return x * math_ops.sigmoid(x), gradient

    return custom_gradient(value_and_gradient)(features)


# Biases


def _bias_axis(c: ShapeContext) -> int:
    return 1 if c.attrs.get("data_format") == b"NCHW" else -1


def _bias_input(c: ShapeContext) -> Shape:
    return with_rank_at_least(c, c.input(0), 3 if _bias_axis(c) == 1 else 2)


def _bias_add_shape(c: ShapeContext) -> list[Shape]:
    shape = _bias_input(c)
    (size,) = with_rank(c, c.input(1), 1)
    if shape is None:
        return [None]
    axis = _bias_axis(c) % len(shape)
    return [(*shape[:axis], merge_dim(c, shape[axis], size), *shape[axis + 1 :])]


def _bias_add_grad_shape(c: ShapeContext) -> list[Shape]:
    shape = _bias_input(c)
    return [(None if shape is None else shape[_bias_axis(c)],)]


def _bias_add(op: Any, x: Any, bias: Any) -> Any:
    if op.attrs.get("data_format") == b"NCHW":
        bias = jnp.reshape(bias, (-1, *[1] * (x.ndim - 2)))
    return x + bias


def _bias_add_grad(op: Any, grad: Any) -> Any:
    axis = 1 if op.attrs.get("data_format") == b"NCHW" else grad.ndim - 1
    return jnp.sum(grad, [i for i in range(grad.ndim) if i != axis])


def _bias_add_gradient(op: Any, grad: Any) -> list[Any]:
    return [grad, apply_op("BiasAddGrad", None, out_backprop=grad, data_format=op.attrs["data_format"])]


def _bias_add_v1_gradient(op: Any, grad: Any) -> list[Any]:
    axes = sequence.range(array_ops.rank(grad) - 1)
    return [grad, reduction.reduce_sum(grad, axes)]


def _bias_add_grad_gradient(op: Any, grad: Any) -> Any:
    shape, bias_shape = array_ops.shape(op.inputs[0]), array_ops.shape(grad)
    if op.attrs["data_format"] == b"NCHW":
        ones = [array_ops.ones_like(shape[:1]), bias_shape, array_ops.ones_like(shape[2:])]
        sizes = joining.concat(ones, 0)
        times = joining.concat([shape[:1], [1], shape[2:]], 0)
    else:
        sizes = joining.concat([array_ops.ones_like(shape[:-1]), bias_shape], 0)
        times = joining.concat([shape[:-1], [1]], 0)
    return joining.tile(array_ops.reshape(grad, sizes), times)


register_op("BiasAdd", shape=_bias_add_shape, lower=_bias_add, gradient=_bias_add_gradient)
register_op("BiasAddV1", shape=_bias_add_shape, lower=_bias_add, gradient=_bias_add_v1_gradient)
register_op("BiasAddGrad", shape=_bias_add_grad_shape, lower=_bias_add_grad, gradient=_bias_add_grad_gradient)


def _bias_format(data_format: str | None) -> str | None:
    if data_format is None:
        return None
    if data_format.startswith("NC"):
        return "NCHW"
    if data_format.startswith("N") and data_format.endswith("C"):
        return "NHWC"
    raise ValueError("data_format must be of the form `N...C` or `NC...`")


@export("nn.bias_add")
def bias_add(value: Any, bias: Any, data_format: Any = None, name: Any = None) -> Any:
    """`value` plus a bias for each channel: the last axis, or axis 1 for `data_format` "NC...".

    >>> tf.nn.bias_add([[1.0, 2.0]], [10.0, 20.0])   # [[11., 22.]]

    Raises ValueError for another data format. Source: TF 1.15 `tf.nn.bias_add`.
    """
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        form = _bias_format(data_format)
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, dtype=value.dtype.base_dtype, name="bias")
        return apply_op("BiasAdd", scope, value=value, bias=bias, data_format=form)


def bias_add_v1(value: Any, bias: Any, name: Any = None) -> Any:
    """`value` plus a bias along its last axis, by the older op type."""
    with name_scope(name, "BiasAddV1", [value, bias]) as scope:
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, dtype=value.dtype.base_dtype, name="bias")
        return apply_op("BiasAddV1", scope, value=value, bias=bias)


def _affine_inputs(x: Any, weights: Any, biases: Any) -> tuple[Any, Any, Any]:
    x = convert_to_tensor(x, name="x")
    weights = convert_to_tensor(weights, name="weights")
    return x, weights, convert_to_tensor(biases, name="biases")


@export("nn.xw_plus_b")
def xw_plus_b(x: Any, weights: Any, biases: Any, name: Any = None) -> Any:
    """matmul(x, weights) + biases: f32[batch, out]. Source: TF 1.15 `tf.nn.xw_plus_b`."""
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x, weights, biases = _affine_inputs(x, weights, biases)
        return bias_add(math_ops.matmul(x, weights), biases, name=scope)


@export("nn.relu_layer")
def relu_layer(x: Any, weights: Any, biases: Any, name: Any = None) -> Any:
    """relu(matmul(x, weights) + biases): f32[batch, out]. Source: TF 1.15 `tf.nn.relu_layer`."""
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x, weights, biases = _affine_inputs(x, weights, biases)
        return relu(bias_add(math_ops.matmul(x, weights), biases), name=scope)


# Dropout


def _noise_shape(x: Any, noise_shape: Any) -> Any:
    if noise_shape is None:
        return array_ops.shape(x)
    try:
        given = as_shape(noise_shape)
    except (TypeError, ValueError):
        return noise_shape
    sizes, known = x.get_shape(), given.as_list() if given.ndims is not None else None
    if sizes.ndims is None or known is None or sizes.ndims != len(known):
        return noise_shape
    return TensorShape([d if mine is None else mine for mine, d in zip(known, sizes.as_list(), strict=True)])


@export("nn.dropout")
def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: Any = None, name: Any = None, rate: Any = None
) -> Any:
    """`x` with elements set to 0 with probability `rate`, the others divided by `1 - rate`.

    >>> tf.nn.dropout(tf.ones([2, 3]), rate=0.5)   # elements are 0. or 2.

    `keep_prob` is `1 - rate`; `noise_shape` tells along which axes the choice is shared.
    Raises ValueError for rates outside [0, 1) and for tensors that are not floating.
    Source: TF 1.15 `tf.nn.dropout`.
    """
    try:
        dropped = None if keep_prob is None else 1.0 - keep_prob
    except TypeError:
        raise ValueError(f"keep_prob must be a floating point number or Tensor (got {keep_prob!r})") from None
    rate = lookup_renamed("rate", rate, "keep_prob", dropped)
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    return dropout_v2(x, rate, noise_shape=noise_shape, seed=seed, name=name)


_large_rates = itertools.count()


def _check_rate(rate: Any) -> None:
    if not 0 <= rate < 1:
        raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {rate:g}")
    if rate > 0.5 and next(_large_rates) < 5:
        get_logger().warning(
            "Large dropout rate: %g (>0.5). In TensorFlow 2.x, dropout() uses dropout rate instead of keep_prob. "
            "Please ensure that this is intended.",
            rate,
        )


def dropout_v2(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: Any = None) -> Any:
    """`dropout` by the probability that an element is dropped."""
    with name_scope(name, "dropout", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_floating:
            raise ValueError(
                f"x has to be a floating point tensor since it's going to be scaled. Got a {x.dtype} tensor instead."
            )
        if isinstance(rate, numbers.Real):
            _check_rate(rate)
            if rate == 0:
                return x
        rate = convert_to_tensor(rate, dtype=x.dtype, name="rate")
        rate.get_shape().assert_has_rank(0)
        if constant_value(rate) == 0:
            return x
        return _dropped(x, rate, _noise_shape(x, noise_shape), seed)


def _dropped(x: Any, rate: Any, noise_shape: Any, seed: Any) -> Any:
    noise = random.random_uniform(noise_shape, seed=seed, dtype=x.dtype)
    scale = 1 / (1 - rate)
    kept = noise >= rate
    result = x * scale * cast(kept, x.dtype)
    result.set_shape(x.get_shape())
    return result


# The best k


def _top_k_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank_at_least(c, c.input(0), 1)
    k = _top_k_count(c)
    if shape is None:
        return [None, None]
    if k is not None and shape[-1] is not None and shape[-1] < k:
        c.fail(f"input must have last dimension >= k = {k} but is {shape[-1]}")
    return [(*shape[:-1], k)] * 2


def _top_k_count(c: ShapeContext) -> int | None:
    if c.num_inputs < 2:
        k = c.attr("k")
        return int(k) if k >= 0 else c.fail(f"Need k >= 0, got {k}")
    with_rank(c, c.input(1), 0)
    value = c.constant(1)
    if value is not None and value < 0:
        c.fail(f"Dimension size, given by scalar input 1, must be non-negative but is {int(value)}")
    return None if value is None else int(value)


def _top_k(op: Any, x: Any, k: Any = None) -> Any:
    count = int(op.attrs["k"] if k is None else k)
    if count < 0:
        raise errors.InvalidArgumentError(None, op, f"Need k >= 0, got {count}")
    if x.shape[-1] < count:
        text = f"input must have at least k columns. Had {x.shape[-1]}, needed {count}"
        raise errors.InvalidArgumentError(None, op, text)
    values, indices = lax.top_k(jnp.asarray(x), count)
    return values, indices.astype(np.int32)


def _top_k_gradient(op: Any, grad: Any, _: Any) -> list[Any]:
    in_shape, index_shape = array_ops.shape(op.inputs[0]), array_ops.shape(op.outputs[1])
    last = gather.gather(cast(index_shape, dtypes.int64), array_ops.size(index_shape) - 1)
    rows = array_ops.reshape(op.outputs[1], joining.stack([-1, last]))
    width = gather.gather(cast(in_shape, dtypes.int64), array_ops.size(in_shape) - 1)
    count = array_ops.shape(rows)[0]
    starts = sequence.range(0, cast(count, dtypes.int64) * width, width)
    flat = array_ops.reshape(rows + cast(array_ops.expand_dims(starts, -1), dtypes.int32), [-1])
    spread = gather.scatter_nd(
        array_ops.expand_dims(flat, -1), array_ops.reshape(grad, [-1]), [reduction.reduce_prod(in_shape)]
    )
    by_input = array_ops.reshape(spread, in_shape)
    return [by_input, array_ops.zeros([], dtypes.int32)][: len(op.inputs)]


def _in_top_k_shape(c: ShapeContext) -> list[Shape]:
    predictions, targets = with_rank(c, c.input(0), 2), with_rank(c, c.input(1), 1)
    return [(merge_dim(c, predictions[0], targets[0]),)]


def _in_top_k(op: Any, predictions: Any, targets: Any, k: Any = None) -> Any:
    k = op.attrs["k"] if k is None else k
    classes = predictions.shape[1]
    inside = (targets >= 0) & (targets < classes)
    own = jnp.take_along_axis(predictions, jnp.clip(targets, 0, classes - 1)[:, None], 1)
    better = jnp.sum((predictions > own).astype(np.int32), 1)
    return inside & jnp.all(jnp.isfinite(predictions), 1) & (better < k)


register_op("TopKV2", shape=_top_k_shape, lower=_top_k, static_inputs=(1,), gradient=_top_k_gradient)
register_op("TopK", shape=_top_k_shape, lower=_top_k, gradient=_top_k_gradient)
register_op("InTopKV2", shape=_in_top_k_shape, lower=_in_top_k, gradient=NO_GRADIENT)
register_op("InTopK", shape=_in_top_k_shape, lower=_in_top_k, gradient=NO_GRADIENT)


@export("nn.top_k", "math.top_k")
def top_k(input: Any, k: Any = 1, sorted: bool = True, name: Any = None) -> Any:
    """The k largest elements along the last axis, and where they stand: `(values, indices)`.

    >>> tf.nn.top_k([1.0, 3.0, 2.0], 2)   # values [3., 2.], indices [1, 2]

    Raises ValueError if the axis has fewer than k. Source: TF 1.15 `tf.nn.top_k`.
    """
    return apply_op("TopKV2", name, input=input, k=k, sorted=sorted)


@export("nn.in_top_k", "math.in_top_k")
def in_top_k(predictions: Any, targets: Any, k: Any, name: Any = None) -> Any:
    """Whether the target class of each row is among its k best: bool[batch]. Source: TF 1.15 `tf.nn.in_top_k`."""
    with name_scope(name, "in_top_k"):
        return apply_op("InTopKV2", name, predictions=predictions, targets=targets, k=k)


# Sums


def _l2_loss(op: Any, x: Any) -> Any:
    return jnp.sum(jnp.square(x)) / 2


def _l2_loss_gradient(op: Any, grad: Any) -> Any:
    return op.inputs[0] * grad


register_op("L2Loss", shape=scalar, lower=_l2_loss, gradient=_l2_loss_gradient)


@export("nn.l2_loss")
def l2_loss(t: Any, name: Any = None) -> Any:
    """sum(t ** 2) / 2. Source: TF 1.15 `tf.nn.l2_loss`."""
    return apply_op("L2Loss", name, t=t)


def _count_nonzero(value: Any, dtype: Any) -> Any:
    with name_scope("count_nonzero", values=[value]):
        zero = array_ops.zeros([], value.dtype)
        return reduction.reduce_sum(cast(math_ops.not_equal(value, zero), dtype), name="nonzero_count")


@export("nn.zero_fraction", "math.zero_fraction")
def zero_fraction(value: Any, name: Any = None) -> Any:
    """The share of elements that are zero: f32[]. Source: TF 1.15 `tf.nn.zero_fraction`."""
    from retrograph.ops.cond import cond

    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value, name="value")
        size = array_ops.size(value, out_type=dtypes.int64)
        nonzero = cond(
            size <= np.iinfo(np.int32).max,
            true_fn=lambda: cast(_count_nonzero(value, dtypes.int32), dtypes.int64),
            false_fn=lambda: _count_nonzero(value, dtypes.int64),
        )
        with name_scope("counts_to_fraction"):
            zeros = cast(size - nonzero, dtypes.float32)
            fraction = zeros / cast(size, dtypes.float32)
        return identities.identity(fraction, "fraction")
