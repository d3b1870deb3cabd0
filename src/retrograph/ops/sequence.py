"""`range` and `linspace`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, with_rank
from retrograph.ops.cast import cast


def _scalar_inputs(c: ShapeContext, names: tuple[str, ...]) -> None:
    for i, name in enumerate(names):
        try:
            with_rank(c, c.input(i), 0)
        except ShapeError as error:
            raise ShapeError(f"{error}\n\t for '{name}'") from None


def _number_text(value: Any) -> str:
    return f"{float(value):g}" if np.asarray(value).dtype.kind == "f" else str(value)


def _wrong_bounds(start: Any, limit: Any, delta: Any) -> str | None:
    bounds = f"{_number_text(start)}/{_number_text(limit)}"
    if start > limit and delta > 0:
        return f"Requires start <= limit when delta > 0: {bounds}"
    if start < limit and delta < 0:
        return f"Requires start >= limit when delta < 0: {bounds}"
    return "Requires delta != 0" if delta == 0 else None


def _count(start: Any, limit: Any, delta: Any) -> int:
    if np.asarray(start).dtype.kind in "iu":
        return (abs(int(limit) - int(start)) + abs(int(delta)) - 1) // abs(int(delta))
    return math.ceil(abs((limit - start) / delta))  # type: ignore[no-any-return]


def _range_shape(c: ShapeContext) -> list[Shape]:
    _scalar_inputs(c, ("start", "limit", "delta"))
    start, limit, delta = c.constant(0), c.constant(1), c.constant(2)
    if start is None or limit is None or delta is None:
        return [(None,)]
    text = _wrong_bounds(start[()], limit[()], delta[()])
    if text:
        c.fail(text)
    return [(_count(start[()], limit[()], delta[()]),)]


def _range(op: Any, start: Any, limit: Any, delta: Any) -> Any:
    start, limit, delta = (np.asarray(v).reshape(())[()] for v in (start, limit, delta))
    text = _wrong_bounds(start, limit, delta)
    if text:
        # The kernel names the step, the shape rule does not.
        told = f"{text}: {_number_text(delta)}" if delta == 0 else text
        raise errors.InvalidArgumentError(None, op, told)
    dtype = op.attrs["Tidx"].as_numpy_dtype
    count = _count(start, limit, delta)
    if np.dtype(dtype).kind == "i":
        return start + np.arange(count, dtype=dtype) * delta
    # Each element is the one before plus delta, rounded to the type.
    steps = np.full(count, delta, dtype)
    steps[:1] = start
    return np.cumsum(steps, dtype=dtype)


register_op("Range", shape=_range_shape, lower=_range, numpy=_range, static_inputs=(0, 1, 2), gradient=NO_GRADIENT)


def _linspace_shape(c: ShapeContext) -> list[Shape]:
    _scalar_inputs(c, ("start", "stop", "num"))
    num = c.constant(2)
    if num is None:
        return [(None,)]
    if num <= 0:
        c.fail(f"Requires num > 0: {int(num)}")
    return [(int(num),)]


def _linspace(xp: Any, op: Any, start: Any, stop: Any, num: Any) -> Any:
    count = int(num)
    if count <= 0:
        raise errors.InvalidArgumentError(None, op, f"Requires num > 0: {count}")
    dtype = op.attrs["T"].as_numpy_dtype
    start, stop = xp.asarray(start, dtype), xp.asarray(stop, dtype)
    if count == 1:
        return xp.reshape(start, (1,))
    step = (stop - start) / xp.asarray(count - 1, dtype)
    inner = start + step * xp.arange(count - 1, dtype=dtype)
    return xp.concatenate([inner, xp.reshape(stop, (1,))]).astype(dtype)


register_op(
    "LinSpace",
    shape=_linspace_shape,
    lower=lambda op, *inputs: _linspace(jnp, op, *inputs),
    numpy=lambda op, *inputs: _linspace(np, op, *inputs),
    static_inputs=(2,),
    gradient=NO_GRADIENT,
)

_HIERARCHY = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


@export("range")
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range") -> Tensor:
    """The numbers from `start` (0 if only one bound is given) up to but not including `limit`, in steps of `delta`.

    >>> with tf.Session(): tf.range(3, 18, 3).eval()
    array([ 3,  6,  9, 12, 15], dtype=int32)

    Raises ValueError: the bounds do not fit the sign of `delta`. Source: TF 1.15 `tf.range`.
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        start = convert_to_tensor(start, dtype=dtype, name="start")
        limit = convert_to_tensor(limit, dtype=dtype, name="limit")
        delta = convert_to_tensor(delta, dtype=dtype, name="delta")
        if dtype is None:
            # An assertion in TF too.
            assert all(t.dtype.base_dtype in _HIERARCHY for t in (start, limit, delta))
            widest = max((t.dtype.base_dtype for t in (start, limit, delta)), key=_HIERARCHY.index)
            start, limit, delta = (cast(t, widest) for t in (start, limit, delta))
        return apply_op("Range", scope, start=start, limit=limit, delta=delta)  # type: ignore[no-any-return]


@export("linspace", "lin_space")
def lin_space(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` numbers in even steps from `start` to `stop`, both included.

    Source: TF 1.15 `tf.linspace`.
    """
    return apply_op("LinSpace", name, start=start, stop=stop, num=num)  # type: ignore[no-any-return]


linspace = lin_space
