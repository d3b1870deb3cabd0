"""Rows that are replaced, added to or taken from: `tensorflow.python.ops.inplace_ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, unchanged


def _check(op: Any, x: Any, i: Any, v: Any) -> None:
    texts = {
        "i must be a vector. ": i.ndim != 1,
        "x and v shape doesn't match (ranks differ): ": x.ndim != v.ndim,
        "i and x shape doesn't match at index 0": i.ndim == 1 and i.shape[:1] != v.shape[:1],
        "x and v shape doesn't match at index 0": x.shape[1:] != v.shape[1:],
    }
    for text, wrong in texts.items():
        if wrong:
            raise errors.InvalidArgumentError(None, op, f"{text}{list(x.shape)} vs {list(v.shape)}")


def _rows(xp: Any, way: str) -> Callable[..., Any]:
    def run(op: Any, x: Any, i: Any, v: Any) -> Any:
        _check(op, x, i, v)
        if xp is np:
            y, place = np.array(x), np.asarray(i) % max(1, len(x))
            if way == "set":
                y[place] = v
            else:
                (np.add if way == "add" else np.subtract).at(y, place, v)
            return y
        return getattr(jnp.asarray(x).at[jnp.asarray(i) % max(1, x.shape[0])], way)(v)

    return run


for _op_type, _way in (("InplaceUpdate", "set"), ("InplaceAdd", "add"), ("InplaceSub", "subtract")):
    register_op(_op_type, shape=unchanged, lower=_rows(jnp, _way), numpy=_rows(np, _way), gradient=NO_GRADIENT)


def _given_shape(c: ShapeContext) -> list[Shape]:
    return [c.constant_as_shape(0)]


def _zeros(xp: Any, op: Any, shape: Any) -> Any:
    dtype = op.attrs["dtype"]
    if dtype.name == "string":
        return np.full(tuple(shape), b"", object)
    return xp.zeros(tuple(int(d) for d in shape), dtype.as_numpy_dtype)


register_op(
    "Empty",
    shape=_given_shape,
    lower=lambda op, shape: _zeros(jnp, op, shape),
    numpy=lambda op, shape: _zeros(np, op, shape),
    static_inputs=(0,),
    gradient=NO_GRADIENT,
)
register_op("DeepCopy", shape=unchanged, lower=lambda op, x: x, numpy=lambda op, x: x, gradient=NO_GRADIENT)


def _applied(op_type: str, x: Any, i: Any, v: Any) -> Any:
    x = tf.convert_to_tensor(x)
    v = tf.convert_to_tensor(v, x.dtype)
    if i is None:
        one = apply_op(op_type, None, x=tf.reshape(x, [1, -1]), i=[0], v=tf.reshape(v, [1, -1]))
        return tf.reshape(one, tf.shape(x))
    i = tf.cast(i, tf.int32)
    if i.shape.ndims == 0:
        i, v = tf.reshape(i, [1]), tf.expand_dims(v, 0)
    return apply_op(op_type, None, x=x, i=i, v=v)


def alias_inplace_update(x: Any, i: Any, v: Any) -> Any:
    """`x` with rows `i` replaced by `v`; all of it where `i` is None. `x` itself stays as it is."""
    return _applied("InplaceUpdate", x, i, v)


def alias_inplace_add(x: Any, i: Any, v: Any) -> Any:
    """`x` with `v` added to rows `i`; to all of it where `i` is None. `x` itself stays as it is."""
    return _applied("InplaceAdd", x, i, v)


def alias_inplace_sub(x: Any, i: Any, v: Any) -> Any:
    """`x` with `v` taken from rows `i`; from all of it where `i` is None. `x` itself stays as it is."""
    return _applied("InplaceSub", x, i, v)


def _copied(x: Any) -> Any:
    return apply_op("DeepCopy", None, x=x)


def inplace_update(x: Any, i: Any, v: Any) -> Any:
    """A copy of `x` with rows `i` replaced by `v`."""
    return alias_inplace_update(_copied(x), i, v)


def inplace_add(x: Any, i: Any, v: Any) -> Any:
    """A copy of `x` with `v` added to rows `i`."""
    return alias_inplace_add(_copied(x), i, v)


def inplace_sub(x: Any, i: Any, v: Any) -> Any:
    """A copy of `x` with `v` taken from rows `i`."""
    return alias_inplace_sub(_copied(x), i, v)


def empty(shape: Any, dtype: Any, init: bool = False, name: str | None = None) -> Any:
    """A tensor of a shape: zeros, whatever `init`."""
    return apply_op("Empty", name, shape=shape, dtype=dtype, init=init)


def empty_like(x: Any, init: Any = None) -> Any:
    """A tensor of the shape and dtype of another: zeros, whatever `init`."""
    x = tf.convert_to_tensor(x)
    return apply_op("Empty", None, shape=tf.shape(x), dtype=x.dtype, init=bool(init))
