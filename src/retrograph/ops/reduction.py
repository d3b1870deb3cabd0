"""Reductions along axes: `reduce_*`, `argmax`, `argmin`, cumulative sums and products, `count_nonzero`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, reduction, unchanged, with_rank, with_rank_at_most
from retrograph.framework.structures import SparseTensor
from retrograph.ops import array, identities, quick_reductions
from retrograph.ops import reduction_grad as grad
from retrograph.ops.array import lookup_renamed
from retrograph.ops.cast import cast
from retrograph.ops.rows import axis_within, ints
from retrograph.ops.sequence import range as range_

# ---- rows


_NO_AXIS = "Invalid reduction dimension ({axis} for input with {rank} dimension(s)"


def _axes(op: Any, x: Any, axes: Any) -> tuple[int, ...]:
    return tuple(dict.fromkeys(axis_within(op, axis, np.ndim(x), _NO_AXIS) for axis in ints(axes)))


def _least(dtype: Any, greatest: bool = False) -> Any:
    if dtype.kind == "f" or dtype.name == "bfloat16":
        return np.inf if greatest else -np.inf
    limits = np.iinfo(dtype)
    return limits.max if greatest else limits.min


def _sum(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    return xp.sum(x, axis=axes, keepdims=keep, dtype=x.dtype) if xp is np else quick_reductions.total(x, axes, keep)


def _product(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    return xp.prod(x, axis=axes, keepdims=keep, dtype=x.dtype)


def _mean(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    if x.dtype.kind not in "iu":
        return xp.mean(x, axis=axes, keepdims=keep) if xp is np else _traced_mean(x, axes, keep)
    total = xp.sum(x, axis=axes, keepdims=keep, dtype=x.dtype)
    count = max(1, int(np.prod([x.shape[a] for a in axes], dtype=np.int64)))
    rest = xp.sign(total) if x.dtype.kind == "i" else 1
    return (abs(total) // x.dtype.type(count) * rest).astype(x.dtype)


def _traced_mean(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    if x.dtype.name not in ("float32", "float64"):
        return jnp.mean(x, axis=axes, keepdims=keep)
    return quick_reductions.total(x, axes, keep) / math.prod(x.shape[a] for a in axes)


def _greatest(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    if xp is not np and x.size:
        return quick_reductions.greatest(x, axes, keep)
    extra = {} if x.size else {"initial": x.dtype.type(_least(x.dtype))}
    return xp.max(x, axis=axes, keepdims=keep, **extra)


def _smallest(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    if xp is not np and x.size:
        return quick_reductions.smallest(x, axes, keep)
    extra = {} if x.size else {"initial": x.dtype.type(_least(x.dtype, greatest=True))}
    return xp.min(x, axis=axes, keepdims=keep, **extra)


def _all(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    return xp.all(x, axis=axes, keepdims=keep)


def _any(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    return xp.any(x, axis=axes, keepdims=keep)


def _euclidean(xp: Any, x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    if not axes:
        return x
    squares = xp.real(x * xp.conj(x)) if x.dtype.kind == "c" else x * x
    return xp.sqrt(xp.sum(squares, axis=axes, keepdims=keep, dtype=squares.dtype)).astype(x.dtype)


def _reduction_shape(c: ShapeContext) -> list[Shape]:
    with_rank_at_most(c, c.input(1), 1)
    return reduction(c)


def _reduction_row(op_type: str, formula: Callable[..., Any], gradient: Any) -> None:
    def lower(op: Any, x: Any, axes: Any) -> Any:
        return formula(jnp, jnp.asarray(x), _axes(op, x, axes), op.attrs["keep_dims"])

    def numpy(op: Any, x: Any, axes: Any) -> Any:
        with np.errstate(all="ignore"):
            return formula(np, np.asarray(x), _axes(op, x, axes), op.attrs["keep_dims"])

    register_op(op_type, shape=_reduction_shape, lower=lower, numpy=numpy, gradient=gradient, static_inputs=(1,))


_reduction_row("Sum", _sum, grad.sum_grad)
_reduction_row("Mean", _mean, grad.mean_grad)
_reduction_row("Prod", _product, grad.prod_grad)
_reduction_row("Max", _greatest, grad.max_or_min_grad)
_reduction_row("Min", _smallest, grad.max_or_min_grad)
_reduction_row("All", _all, NO_GRADIENT)
_reduction_row("Any", _any, NO_GRADIENT)
_reduction_row("EuclideanNorm", _euclidean, NO_GRADIENT)


def _arg_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    shape = c.input(0)
    if shape is None:
        return [None]
    rank = len(shape)
    if rank <= 1:
        return [()]
    value = c.constant(1)
    if value is None:
        return [(None,) * (rank - 1)]
    axis = int(value)
    if not -rank <= axis < rank:
        c.fail(
            f"Dimension ({axis}) must be in the range [{-rank}, {rank}), where {rank} is the number of dimensions in the input."
        )
    axis %= rank
    return [shape[:axis] + shape[axis + 1 :]]


def checked_axis(op: Any, axis: Any, rank: int, subject: str) -> int:
    """The axis counted from the front; InvalidArgumentError if there is none."""
    if np.ndim(axis):
        raise errors.InvalidArgumentError(
            None, op, f"{subject.partition(':')[0]}: axis must be a scalar, not {to_text(np.shape(axis))}"
        )
    value = int(axis)
    if not -rank <= value < rank:
        raise errors.InvalidArgumentError(None, op, f"{subject} in the range [{-rank}, {rank}), but got {value}")
    return value % rank


def _arg_row(op_type: str, function: str, worst: float) -> None:
    def value(xp: Any, op: Any, x: Any, axis: Any) -> Any:
        place = checked_axis(op, axis, np.ndim(x), "Expected dimension")
        if np.shape(x)[place : place + 1] == (0,):
            text = f"Reduction axis {place} is empty in shape {to_text(np.shape(x))}"
            raise errors.InvalidArgumentError(None, op, text)
        if xp.issubdtype(x.dtype, xp.inexact):
            # nan is never better than what stands before it.
            x = xp.where(xp.isnan(x), np.asarray(worst, x.dtype), x)
        return getattr(xp, function)(x, axis=int(axis)).astype(op.attrs["output_type"].as_numpy_dtype)

    def lower(op: Any, x: Any, axis: Any) -> Any:
        return value(jnp, op, x, axis)

    def numpy(op: Any, x: Any, axis: Any) -> Any:
        return value(np, op, x, axis)

    register_op(op_type, shape=_arg_shape, lower=lower, numpy=numpy, static_inputs=(1,), gradient=grad.no_gradients)


_arg_row("ArgMax", "argmax", -np.inf)
_arg_row("ArgMin", "argmin", np.inf)


def _shifted(xp: Any, x: Any, axis: int, fill: Any, reverse: bool) -> Any:
    """`x` moved by one along an axis, away from where its sums begin."""
    edge = xp.full((*x.shape[:axis], min(1, x.shape[axis]), *x.shape[axis + 1 :]), fill, x.dtype)
    body = xp.moveaxis(xp.moveaxis(x, axis, 0)[1:] if reverse else xp.moveaxis(x, axis, 0)[:-1], 0, axis)
    return xp.concatenate([body, edge] if reverse else [edge, body], axis)


def _cumulative(xp: Any, name: str, fill: Any, op: Any, x: Any, axis: Any) -> Any:
    axis = checked_axis(op, axis, x.ndim, "ScanOp: Expected scan axis")
    reverse = op.attrs["reverse"]
    if op.attrs["exclusive"]:
        x = _shifted(xp, x, axis, fill, reverse)
    if xp is not np:
        return getattr(lax, name)(x, axis=axis, reverse=reverse)
    flipped = np.flip(x, axis) if reverse else x
    total = getattr(np, name)(flipped, axis=axis, dtype=x.dtype)
    return np.flip(total, axis) if reverse else total


def _cumulative_row(op_type: str, name: str, fill: Any, gradient: Any, in_numpy: bool = True) -> None:
    def lower(op: Any, x: Any, axis: Any) -> Any:
        return _cumulative(jnp, name, fill, op, jnp.asarray(x), axis)

    def numpy(op: Any, x: Any, axis: Any) -> Any:
        return _cumulative(np, name, fill, op, np.asarray(x), axis)

    register_op(
        op_type, shape=unchanged, lower=lower, numpy=numpy if in_numpy else None, static_inputs=(1,), gradient=gradient
    )


_cumulative_row("Cumsum", "cumsum", 0, grad.cumsum_grad)
_cumulative_row("Cumprod", "cumprod", 1, grad.cumprod_grad)
_cumulative_row("CumulativeLogsumexp", "cumlogsumexp", -np.inf, grad.cumulative_logsumexp_grad, in_numpy=False)


# ---- public functions


def reduction_dims(x: Any, axis: Any) -> Any:
    """The axes to reduce: `axis`, or all of them (a constant if the rank of the tensor is known)."""
    if axis is not None:
        return axis
    known = x._shape if isinstance(x, Tensor) else None
    if known is None and isinstance(x, SparseTensor) and x.dense_shape.shape.is_fully_defined():
        known = (None,) * x.dense_shape.shape.as_list()[0]
    if known is None:
        return range_(0, array.rank(x))
    return constant(np.arange(len(known)), dtype=dtypes.int32)


def may_reduce_to_scalar(keepdims: Any, axis: Any, output: Tensor) -> Tensor:
    """Notes that all axes are gone when none were named."""
    shape = output._shape
    if (shape is None or None in shape) and not keepdims and axis is None:
        output.set_shape(())
    return output


def _reduced(op_type: str, input_tensor: Any, axis: Any, keepdims: Any, name: Any, attr: str = "input") -> Tensor:
    keepdims = False if keepdims is None else keepdims
    dims = reduction_dims(input_tensor, axis)
    output = apply_op(op_type, name, input=input_tensor, reduction_indices=dims, keep_dims=keepdims)
    return may_reduce_to_scalar(keepdims, axis, output)


def _reduce_v1(op_type: str, args: tuple[Any, ...]) -> Tensor:
    input_tensor, axis, keepdims, name, reduction_indices, keep_dims = args
    axis = lookup_renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims)
    return _reduced(op_type, input_tensor, axis, keepdims, name)


@export("math.reduce_sum", "reduce_sum")
@dispatched("input_tensor")
def reduce_sum(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The sum along `axis` (all axes if None); `keepdims` keeps them with size 1.

    >>> with tf.Session(): tf.reduce_sum([[1.0, 2.0], [3.0, 4.0]], 0).eval()
    array([4., 6.], dtype=float32)

    Source: TF 1.15 `tf.reduce_sum`.
    """
    return _reduce_v1("Sum", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_mean", "reduce_mean")
@dispatched("input_tensor")
def reduce_mean(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The mean along `axis` (all axes if None), of the type of the input: integers are divided as integers.

    Source: TF 1.15 `tf.reduce_mean`.
    """
    return _reduce_v1("Mean", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_prod", "reduce_prod")
@dispatched("input_tensor")
def reduce_prod(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The product along `axis` (all axes if None).

    Source: TF 1.15 `tf.reduce_prod`.
    """
    return _reduce_v1("Prod", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_max", "reduce_max")
@dispatched("input_tensor")
def reduce_max(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The maximum along `axis` (all axes if None).

    Source: TF 1.15 `tf.reduce_max`.
    """
    return _reduce_v1("Max", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_min", "reduce_min")
@dispatched("input_tensor")
def reduce_min(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The minimum along `axis` (all axes if None).

    Source: TF 1.15 `tf.reduce_min`.
    """
    return _reduce_v1("Min", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_all", "reduce_all")
@dispatched("input_tensor")
def reduce_all(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """Whether all are True along `axis` (all axes if None).

    Source: TF 1.15 `tf.reduce_all`.
    """
    return _reduce_v1("All", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_any", "reduce_any")
@dispatched("input_tensor")
def reduce_any(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """Whether any is True along `axis` (all axes if None).

    Source: TF 1.15 `tf.reduce_any`.
    """
    return _reduce_v1("Any", (input_tensor, axis, keepdims, name, reduction_indices, keep_dims))


@export("math.reduce_euclidean_norm")
def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares along `axis` (all axes if None).

    Source: TF 1.15 `tf.math.reduce_euclidean_norm`.
    """
    return _reduced("EuclideanNorm", input_tensor, axis, keepdims, name)


def _finite_maximum(x: Tensor, axis: Any) -> Tensor:
    greatest = reduce_max(x, axis=axis, keepdims=True)
    finite = apply_op("IsFinite", None, x=greatest)
    return identities.stop_gradient(
        apply_op("Select", None, condition=finite, t=greatest, e=array.zeros_like(greatest))
    )


@export("math.reduce_logsumexp", "reduce_logsumexp")
def reduce_logsumexp(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """`log(sum(exp(x)))` along `axis` (all axes if None), without overflow.

    Source: TF 1.15 `tf.reduce_logsumexp`.
    """
    axis = lookup_renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims))
    x = convert_to_tensor(input_tensor)
    with name_scope(name, "ReduceLogSumExp", [x]):
        greatest = _finite_maximum(x, axis)
        shifted = apply_op("Exp", None, x=apply_op("Sub", None, x=x, y=greatest))
        result = apply_op("Log", None, x=reduce_sum(shifted, axis, keepdims=keepdims))
        if not keepdims:
            greatest = array.reshape(greatest, array.shape(result))
        return may_reduce_to_scalar(keepdims, axis, apply_op("Add", None, x=result, y=greatest))


@export("math.reduce_variance")
def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Tensor:
    """The variance along `axis` (all axes if None).

    Source: TF 1.15 `tf.math.reduce_variance`.
    """
    with name_scope(name or "reduce_variance"):
        means = reduce_mean(input_tensor, axis=axis, keepdims=True)
        squares = apply_op("Square", None, x=input_tensor - means)
        return reduce_mean(squares, axis=axis, keepdims=keepdims)


@export("math.reduce_std")
def reduce_std(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Tensor:
    """The standard deviation along `axis` (all axes if None).

    Source: TF 1.15 `tf.math.reduce_std`.
    """
    with name_scope(name or "reduce_std"):
        return apply_op("Sqrt", None, x=reduce_variance(input_tensor, axis=axis, keepdims=keepdims))  # type: ignore[no-any-return]


@export("math.count_nonzero", "count_nonzero")
def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64, name: str | None = None,
    reduction_indices: Any = None, keep_dims: Any = None, input: Any = None,
) -> Tensor:  # fmt: skip
    """The number of elements along `axis` (all axes if None) that are not 0.

    Source: TF 1.15 `tf.count_nonzero`.
    """
    keepdims = lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims)
    input_tensor = lookup_renamed("input", input, "input_tensor", input_tensor)
    axis = lookup_renamed("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(name, "count_nonzero", [input_tensor]):
        x = convert_to_tensor(input_tensor, name="input")
        zero = array.zeros([], dtype=x.dtype)
        differs = cast(apply_op("NotEqual", None, x=x, y=zero), dtypes.int64)
        return cast(reduce_sum(differs, axis=axis, keepdims=keepdims), dtype)  # type: ignore[no-any-return]


@export("math.argmax", "argmax")
def argmax(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Tensor:
    """The index of the greatest element along `axis` (0 if None), the first of equals, i64 by default.

    Source: TF 1.15 `tf.argmax`.
    """
    axis = lookup_renamed("axis", axis, "dimension", dimension)
    return apply_op("ArgMax", name, input=input, dimension=0 if axis is None else axis, output_type=output_type)  # type: ignore[no-any-return]


@export("math.argmin", "argmin")
def argmin(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: Any = dtypes.int64
) -> Tensor:
    """The index of the least element along `axis` (0 if None), the first of equals, i64 by default.

    Source: TF 1.15 `tf.argmin`.
    """
    axis = lookup_renamed("axis", axis, "dimension", dimension)
    return apply_op("ArgMin", name, input=input, dimension=0 if axis is None else axis, output_type=output_type)  # type: ignore[no-any-return]


@export("arg_max")
def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """`argmax` along a dimension that must be given. Source: TF 1.15 `tf.arg_max`."""
    return apply_op("ArgMax", name, input=input, dimension=dimension, output_type=output_type)  # type: ignore[no-any-return]


@export("arg_min")
def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """`argmin` along a dimension that must be given. Source: TF 1.15 `tf.arg_min`."""
    return apply_op("ArgMin", name, input=input, dimension=dimension, output_type=output_type)  # type: ignore[no-any-return]


def _cumulate(op_type: str, x: Any, axis: Any, exclusive: bool, reverse: bool, name: str | None) -> Tensor:
    with name_scope(name, op_type, [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return apply_op(op_type, scope, x=x, axis=axis, exclusive=exclusive, reverse=reverse)  # type: ignore[no-any-return]


@export("math.cumsum", "cumsum")
def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The sums of the elements so far along `axis`; `exclusive` leaves out the own one, `reverse` begins at the end.

    Source: TF 1.15 `tf.cumsum`.
    """
    return _cumulate("Cumsum", x, axis, exclusive, reverse, name)


@export("math.cumprod", "cumprod")
def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The products of the elements so far along `axis`, with the options of `cumsum`.

    Source: TF 1.15 `tf.cumprod`.
    """
    return _cumulate("Cumprod", x, axis, exclusive, reverse, name)


@export("math.cumulative_logsumexp")
def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """`log(sum(exp(x)))` of the elements so far along `axis`, with the options of `cumsum`.

    Source: TF 1.15 `tf.math.cumulative_logsumexp`.
    """
    return _cumulate("CumulativeLogsumexp", x, axis, exclusive, reverse, name)
