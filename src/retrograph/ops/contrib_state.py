"""Operations on state that only `tf.contrib` has: variables set to zeros once, and the memory of the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, scalar, unchanged


def _zeros_once(op: Any, ctx: Any, ref: Any, shape: Any, dtype: Any) -> Any:
    if ctx.is_initialized(ref):
        raise errors.InvalidArgumentError(None, op, "input is already initialized")
    ctx.write(ref, ctx.xp.zeros(shape, dtype.as_numpy_dtype))
    return ref


def _zero_reference(op: Any, ctx: Any, ref: Any) -> Any:
    source = op.inputs[0]
    return _zeros_once(op, ctx, ref, source._shape, source.dtype.base_dtype)


def _zero_resource(op: Any, ctx: Any, ref: Any) -> Any:
    return _zeros_once(op, ctx, ref, op.attrs["shape"], op.attrs["dtype"])


def _no_shape(c: ShapeContext) -> list[Shape]:
    return [()]


for _type, _shape, _run in (
    ("ZeroInitializer", unchanged, _zero_reference), ("ZeroVarInitializer", _no_shape, _zero_resource),
):  # fmt: skip
    register_op(_type, shape=_shape, lower=_run, numpy=_run, effect=True, gradient=NO_GRADIENT)


_STATISTICS = {"BytesInUse": "bytes_in_use", "BytesLimit": "bytes_limit", "MaxBytesInUse": "peak_bytes_in_use"}


def _statistic(op: Any, ctx: Any) -> Any:
    found = jax.local_devices()[0].memory_stats() or {}
    key = _STATISTICS[op.type]
    if key not in found:
        raise errors.InvalidArgumentError(
            None, op, f"No OpKernel was registered to support Op '{op.type}' used by node {op.name}: "
            "the device does not tell how much memory it uses.",
        )  # fmt: skip
    return np.int64(found[key])


for _type in _STATISTICS:
    register_op(_type, shape=scalar, numpy=_statistic, host=True, effect=True, gradient=NO_GRADIENT)


@export("contrib.memory_stats.BytesInUse")
def BytesInUse() -> Any:
    """The memory in use, i64[]. Raises InvalidArgumentError: the device does not tell. Source: TF 1.15 `tf.contrib.memory_stats.BytesInUse`."""
    return apply_op("BytesInUse", None)


@export("contrib.memory_stats.BytesLimit")
def BytesLimit() -> Any:
    """The memory there is, i64[]. Raises InvalidArgumentError: the device does not tell. Source: TF 1.15 `tf.contrib.memory_stats.BytesLimit`."""
    return apply_op("BytesLimit", None)


@export("contrib.memory_stats.MaxBytesInUse")
def MaxBytesInUse() -> Any:
    """The most memory that was in use, i64[]. Raises InvalidArgumentError: the device does not tell. Source: TF 1.15 `tf.contrib.memory_stats.MaxBytesInUse`."""
    return apply_op("MaxBytesInUse", None)
