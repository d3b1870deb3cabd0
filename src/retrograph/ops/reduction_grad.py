"""Gradients of the reductions, as graph operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.default_graph import colocate_with, device, get_default_graph
from retrograph.framework.static_value import constant_value
from retrograph.ops import array, transposing
from retrograph.ops.cast import cast
from retrograph.ops.raw import raw
from retrograph.ops.sequence import range as range_


def no_gradients(op: Any, *grads: Any) -> list[None]:
    """Nothing flows through, though the type has a gradient function."""
    return [None] * len(op.inputs)


def safe_shape_div(x: Any, y: Any) -> Any:
    """`x // max(y, 1)`."""
    return x // raw("Maximum", y, 1)


def reduced_shape(input_shape: Any, axes: Any) -> Any:
    """`input_shape` with 1 at `axes`, as a tensor."""
    input_shape = cast(input_shape, dtypes.int32)
    axes = cast(axes, dtypes.int32)
    input_rank = array.size(input_shape)
    axes = (axes + input_rank) % input_rank
    axes_shape = array.shape(axes)
    return raw("DynamicStitch", [range_(input_rank), axes], [input_shape, array.fill(axes_shape, 1)])


def _cached(name: str) -> dict[Any, Any]:
    return get_default_graph().__dict__.setdefault(name, {})  # type: ignore[no-any-return]


def _static_kept_and_scaling(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[Any, Any]:
    """The reduced shape and what to tile by, computed once per graph; the operations stand there as in TF."""
    cache = _cached("_reduced_shape_cache")
    found = cache.get((shape, axes))
    if found is None:
        reduced_axes = {a % len(shape) for a in axes}
        kept = tuple(1 if i in reduced_axes else d for i, d in enumerate(shape))
        reduced_shape(shape, axes)
        safe_shape_div(shape, kept)
        found = cache[shape, axes] = kept, tuple(d // max(k, 1) for d, k in zip(shape, kept, strict=True))
    return found


def sum_grad(op: Any, grad: Any) -> list[Any]:
    """The gradient, repeated along the axes that were summed."""
    x, axes = op.inputs
    shape = x._shape
    static_axes = constant_value(axes) if shape is not None else None
    if static_axes is not None:
        if np.array_equal(static_axes, np.arange(len(shape))):
            return [_spread_over_all(x, grad), None]
        if None not in shape:
            kept, scaling = _static_kept_and_scaling(shape, tuple(int(a) for a in static_axes.reshape(-1)))
            return [raw("Tile", array.reshape(grad, kept), scaling), None]
    input_shape = array.shape(x)
    with colocate_with(input_shape):
        kept = reduced_shape(input_shape, axes)
        scaling = safe_shape_div(input_shape, kept)
    return [raw("Tile", array.reshape(grad, kept), scaling), None]


def _spread_over_all(x: Any, grad: Any) -> Any:
    shape = x._shape
    grad = array.reshape(grad, [1] * len(shape))
    input_shape = array.shape(x) if None in shape else constant(list(shape), dtype=dtypes.int32)
    return raw("Tile", grad, input_shape)


def mean_grad(op: Any, grad: Any) -> list[Any]:
    """The gradient of the sum, divided by the number of elements."""
    spread = sum_grad(op, grad)[0]
    input_shape, output_shape = op.inputs[0]._shape, op.outputs[0]._shape
    if _is_static(input_shape) and _is_static(output_shape):
        count = int(np.prod(input_shape, dtype=np.int64)) // max(int(np.prod(output_shape, dtype=np.int64)), 1)
        factor = constant(count, dtype=spread.dtype)
    else:
        dims, out_dims = array.shape(op.inputs[0]), array.shape(op.outputs[0])
        factor = safe_shape_div(_product(dims), _product(out_dims))
    return [_true_divide(spread, cast(factor, spread.dtype)), None]


def _is_static(shape: Any) -> bool:
    return shape is not None and None not in shape


def _product(vector: Any) -> Any:
    return raw("Prod", vector, constant(np.arange(1), dtype=dtypes.int32))


def _true_divide(x: Any, y: Any) -> Any:
    return raw("RealDiv", x, y, name="truediv")


def max_or_min_grad(op: Any, grad: Any) -> list[Any]:
    """The gradient, shared by all elements that are equal to the extreme."""
    x, axes = op.inputs
    kept = reduced_shape(array.shape(x), axes)
    y = array.reshape(op.outputs[0], kept)
    grad = array.reshape(grad, kept)
    indicators = cast(raw("Equal", y, x), grad.dtype)
    selected = array.reshape(raw("Sum", indicators, axes), kept)
    return [indicators / selected * grad, None]


def prod_grad(op: Any, grad: Any) -> list[Any]:
    """The product of the other elements, which is exact at zeros too."""
    x = op.inputs[0]
    input_shape = array.shape(x)
    axes = array.reshape(op.inputs[1], [-1])
    kept = reduced_shape(input_shape, op.inputs[1])
    scaling = safe_shape_div(input_shape, kept)
    grad = raw("Tile", array.reshape(grad, kept), scaling)
    with device("/cpu:0"):
        rank = array.rank(x)
        reduced = cast((axes + rank) % rank, dtypes.int32)
        other = raw("ListDiff", range_(0, rank), reduced, out_idx=dtypes.int32)[0]
        perm = raw("ConcatV2", [reduced, other], 0, name="concat")
        reduced_num = _product(raw("GatherV2", input_shape, reduced, 0))
        other_num = _product(raw("GatherV2", input_shape, other, 0))
    permuted = transposing.transpose(x, perm)
    permuted_shape = array.shape(permuted)
    flat = array.reshape(permuted, (reduced_num, other_num))
    y = array.reshape(_product_of_others(flat), permuted_shape)
    out = grad * transposing.transpose(y, transposing.invert_permutation(perm))
    return [array.reshape(out, input_shape), None]


def _product_of_others(x: Any) -> Any:
    left = raw("Cumprod", x, 0, exclusive=True)
    right = raw("Cumprod", x, 0, exclusive=True, reverse=True)
    return conj(left) * conj(right)


def conj(x: Any) -> Any:
    """The complex conjugate; real tensors are left as they are."""
    return raw("Conj", x) if x.dtype.is_complex else x


def cumsum_grad(op: Any, grad: Any) -> list[Any]:
    """The sums from the other end."""
    exclusive, reverse = op.get_attr("exclusive"), op.get_attr("reverse")
    return [raw("Cumsum", grad, op.inputs[1], exclusive=exclusive, reverse=not reverse), None]


def cumprod_grad(op: Any, grad: Any) -> list[Any]:
    """The sums of products from the other end, divided by the elements."""
    x, axis = op.inputs
    exclusive, reverse = op.get_attr("exclusive"), op.get_attr("reverse")
    product = raw("Cumprod", x, axis, exclusive=exclusive, reverse=reverse)
    out = raw("Cumsum", product * grad, axis, exclusive=exclusive, reverse=not reverse)
    return [out / x, None]


def _log_part(condition: str, grad: Any, sign: int) -> Any:
    chosen = raw(condition, grad, 0)
    return raw("SelectV2", chosen, raw("Log", grad if sign > 0 else -grad), grad.dtype.min)


def cumulative_logsumexp_grad(op: Any, grad: Any) -> list[Any]:
    """Sums of weights from the other end, for the positive and the negative part of the gradient."""
    x, axis = op.inputs
    options = {"exclusive": op.get_attr("exclusive"), "reverse": not op.get_attr("reverse")}

    def part(log_grad: Any) -> Any:
        return raw("Exp", raw("CumulativeLogsumexp", log_grad - op.outputs[0], axis, **options) + x)

    positive = _log_part("Greater", grad, 1)
    negative = _log_part("Less", grad, -1)
    return [part(positive) - part(negative), None]
