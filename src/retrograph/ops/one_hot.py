"""Indices as rows of ones and zeros, and as coordinates: one_hot, unravel_index."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, with_rank
from retrograph.ops.rows import axis_within, make_tensor, num_elements


def _one_hot_shape(c: ShapeContext) -> list[Shape]:
    axis, indices, value = c.attr("axis"), c.input(0), c.constant(1)
    if axis < -1:
        raise ShapeError("axis must be >= -1")
    if value is not None and value.ndim:
        raise ShapeError(f"Input must be scalar but has rank {value.ndim}")
    if value is not None and value < 0:
        raise ShapeError(f"Dimension size, given by scalar input 1, must be non-negative but is {value}")
    if indices is None:
        return [None]
    rank = len(indices) + 1
    at = (axis + rank) % rank
    return [(*indices[:at], None if value is None else int(value), *indices[at:])]


def _one_hot(xp: Any, op: Any, indices: Any, depth: Any, on: Any, off: Any) -> Any:
    axis, rank = op.get_attr("axis"), indices.ndim + 1
    at = axis_within(op, axis, rank, "Expected axis to be -1 or between [0, {rank}).  But received: {axis}")
    wide = [1] * rank
    wide[at] = int(depth)
    positions = np.arange(int(depth), dtype=indices.dtype).reshape(wide)
    return xp.where(xp.expand_dims(indices, at) == positions, on, off)


register_op(
    "OneHot",
    shape=_one_hot_shape,
    lower=lambda op, *inputs: _one_hot(jnp, op, *inputs),
    numpy=lambda op, *inputs: _one_hot(np, op, *inputs),
    static_inputs=(1,),
    gradient=NO_GRADIENT,
)


def _value_dtype(value: Any) -> Any:
    return None if value is None else convert_to_tensor(value).dtype.base_dtype


@export("one_hot")
@dispatched("indices")
def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """`on_value` where the new dimension's position is the index, else `off_value`: i32[...] -> T[..., depth].

    >>> tf.one_hot([0, 2], 3)
    <tf.Tensor 'one_hot:0' shape=(2, 3) dtype=float32>

    Source: TF 1.15 `tf.one_hot`.
    """
    with name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as scope:
        kinds = {"on_value": _value_dtype(on_value), "off_value": _value_dtype(off_value)}
        given = [k for k in kinds.values() if k is not None]
        if dtype is None:
            dtype = given[0] if given else dtypes.float32
        else:
            for what, kind in kinds.items():
                if kind is not None and kind != dtype:
                    raise TypeError(f"dtype {kind} of {what} does not match dtype parameter {dtype}")
        if on_value is None:
            on_value = convert_to_tensor(1, dtype, name="on_value")
        if off_value is None:
            off_value = convert_to_tensor(0, dtype, name="off_value")
        on, off = kinds["on_value"] or dtype, kinds["off_value"] or dtype
        if on != off:
            raise TypeError(f"dtype {on} of on_value does not match dtype {off} of off_value")
        at = -1 if axis is None else axis
        return make_tensor(
            "OneHot", scope, indices=indices, depth=depth, on_value=on_value, off_value=off_value, axis=at
        )


def _unravel_index_shape(c: ShapeContext) -> list[Shape]:
    indices, dims = c.input(0), with_rank(c, c.input(1), 1)
    if indices is None:
        return [None]
    return [(dims[0], num_elements(indices)) if indices else (dims[0],)]


def _unravel_index(xp: Any, op: Any, indices: Any, dims: Any) -> Any:
    sizes = tuple(dims.tolist())
    strides = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    flat = xp.reshape(indices, (-1,)) if indices.ndim else indices
    return xp.stack([flat // s % n for s, n in zip(strides, sizes, strict=True)]).astype(indices.dtype)


register_op(
    "UnravelIndex",
    shape=_unravel_index_shape,
    lower=lambda op, i, d: _unravel_index(jnp, op, i, d),
    numpy=lambda op, i, d: _unravel_index(np, op, i, d),
    static_inputs=(1,),
    gradient=NO_GRADIENT,
)


@export("unravel_index")
def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """The coordinates in an array of shape `dims` of flat indices, i32[n] -> i32[rank, n].

    Source: TF 1.15 `tf.unravel_index`.
    """
    return make_tensor("UnravelIndex", name, indices=indices, dims=dims)
