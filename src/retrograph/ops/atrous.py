"""Dilated windows by `SpaceToBatchND`: `tf.nn.with_space_to_batch`, and the convolutions and pools made with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.ops import array as array_ops
from retrograph.ops import joining, spaces


def strides_and_dilations(n: int, strides: Any, dilation_rate: Any) -> tuple[Any, Any]:
    """Strides and dilation rates of n spatial axes as arrays; ones if not given."""
    rates = _ones_or(n, dilation_rate, "dilation_rate")
    if np.any(rates < 1):
        raise ValueError("all values of dilation_rate must be positive")
    steps = _ones_or(n, strides, "strides")
    if np.any(steps < 1):
        raise ValueError("all values of strides must be positive")
    if np.any(steps > 1) and np.any(rates > 1):
        raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")
    return steps, rates


def _ones_or(n: int, values: Any, name: str) -> Any:
    if values is not None and len(values) != n:
        between = "=%d but should be %d" if name == "dilation_rate" else "=%d, but should be %d"
        raise ValueError(f"len({name})" + between % (len(values), n))
    return np.array([1] * n if values is None else values, np.int32)


def _sorted_dims(spatial_dims: Any, n: int, data_format: Any) -> list[int]:
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    given = list(range(first, first + n) if spatial_dims is None else spatial_dims)
    dims = sorted({int(d) for d in given})
    if dims != given or any(d < 1 for d in dims):
        raise ValueError("spatial_dims must be a montonically increasing sequence of positive integers")
    return dims


def _check_rank(shape: Any, dims: Sequence[int], data_format: Any) -> None:
    rank = dims[-1] if data_format is not None and data_format.startswith("NC") else dims[-1] + 1
    try:
        shape.with_rank_at_least(rank)
    except ValueError:
        raise ValueError(f"input tensor must have rank {rank} at least") from None


def _rate_tensor(dilation_rate: Any) -> tuple[Any, int]:
    rate = convert_to_tensor(dilation_rate, dtypes.int32, name="dilation_rate")
    try:
        shape = rate.get_shape().with_rank(1)
    except ValueError:
        raise ValueError("rate must be rank 1") from None
    if not shape.is_fully_defined():
        raise ValueError("rate must have known shape")
    return rate, shape.as_list()[0] or 0


@export("nn.with_space_to_batch")
def with_space_to_batch(
    input: Any,
    dilation_rate: Any,
    padding: str,
    op: Callable[[Any, int, str], Any],
    filter_shape: Any = None,
    spatial_dims: Any = None,
    data_format: str | None = None,
) -> Any:
    """What `op(input, num_spatial_dims, padding)` gives with windows dilated by `dilation_rate`.

    Raises ValueError for rates that are not a positive vector, or SAME padding without `filter_shape`.
    Source: TF 1.15 `tf.nn.with_space_to_batch`.
    """
    value = convert_to_tensor(input, name="input")
    return dilated(value, dilation_rate, padding, op, filter_shape, spatial_dims, data_format)


def dilated(
    value: Any,
    dilation_rate: Any,
    padding: str,
    op: Callable[[Any, int, str], Any],
    filter_shape: Any,
    spatial_dims: Any,
    data_format: str | None,
    channels: int | None = None,
) -> Any:
    """`with_space_to_batch` of a tensor; `channels` are those of the result, if they are its second axis."""
    rate, n = _rate_tensor(dilation_rate)
    dims = _sorted_dims(spatial_dims, n, data_format)
    _check_rank(value.get_shape(), dims, data_format)
    known = constant_value(rate)
    if known is not None and np.any(known < 1):
        raise ValueError("dilation_rate must be positive")
    if known is not None and np.all(known == 1):
        return op(value, n, padding)
    base = _base_paddings(padding, filter_shape, n, rate if known is None else known)
    paddings, crops = spaces.required_space_to_batch_paddings(
        input_shape=_spatial_shape(value, dims), base_paddings=base, block_shape=rate
    )
    block = _with_skipped_axes(rate, 1, dims)
    paddings, crops = _with_skipped_axes(paddings, 0, dims), _with_skipped_axes(crops, 0, dims)
    batches = spaces.space_to_batch_nd(input=value, block_shape=block, paddings=paddings)
    result = spaces.batch_to_space_nd(input=op(batches, n, "VALID"), block_shape=block, crops=crops)
    if channels is not None and result._shape is not None and result._shape[1] is None:
        result.set_shape([result._shape[0], channels, *result._shape[2:]])
    return result


def _base_paddings(padding: str, filter_shape: Any, n: int, rate: Any) -> Any:
    if padding == "VALID":
        return np.zeros([n, 2], np.int32)
    if padding != "SAME":
        raise ValueError(f"Invalid padding method {padding!r}")
    if filter_shape is None:
        raise ValueError("filter_shape must be specified for SAME padding")
    tensor = convert_to_tensor(filter_shape, name="filter_shape")
    known = constant_value(tensor)
    sizes = (tensor if known is None else known)[:n]
    extra = sizes + (sizes - 1) * (rate - 1) - 1
    before = extra // 2
    after = extra - before
    return joining.stack([[before[i], after[i]] for i in range(n)])


def _spatial_shape(value: Any, dims: Sequence[int]) -> Any:
    shape = value.get_shape()
    sizes = None if shape.ndims is None else [shape.as_list()[d] for d in dims]
    if sizes is not None and None not in sizes:
        return sizes
    whole = array_ops.shape(value)
    return joining.stack([whole[d] for d in dims])


def _with_skipped_axes(values: Any, fill: int, dims: Sequence[int]) -> Any:
    """Rows for axes 1 to the last of `dims`: those of `values` for the axes in `dims`, else filled."""
    known = constant_value(values)
    rows, kind = (values if known is None else known), values.dtype.as_numpy_dtype
    parts: list[Any] = []
    previous = start = 0
    for stop in range(1, len(dims) + 1):
        if stop < len(dims) and dims[stop] == dims[stop - 1] + 1:
            continue
        if dims[start] > 1:
            width = dims[start] - 1 - previous
            parts.append(np.full([width, *values.get_shape().as_list()[1:]], fill, kind))
        parts.append(rows[start:stop])
        previous, start = dims[stop - 1], stop
    return np.concatenate(parts) if known is not None else joining.concat(parts, 0)
