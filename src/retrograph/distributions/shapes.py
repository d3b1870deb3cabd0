"""Shapes and axes that are computed while building if they can be, in the graph if they must."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.static_value import constant_value
from retrograph.ops.smart_cond import smart_cond


def static_value(x: Any) -> Any:
    """The value of what can be converted to a tensor, None if it is not known while building."""
    return constant_value(tf.convert_to_tensor(x))


def maybe_get_static_value(x: Any, dtype: Any = None) -> Any:
    """`x` as NumPy if it is known while building, else None. Source: TF 1.15 `distribution_util.maybe_get_static_value`."""
    if x is None:
        return x
    value = constant_value(x) if tf.is_tensor(x) else x
    return value if value is None or dtype is None else np.array(value, dtype)


def prefer_static_value(x: Any) -> Any:
    """The value of a tensor if it is known while building, else the tensor."""
    value = constant_value(x)
    return x if value is None else value


def prefer_static_rank(x: Any) -> Any:
    """The rank of a tensor, as NumPy if known."""
    return prefer_static_value(tf.rank(x))


def prefer_static_shape(x: Any) -> Any:
    """The shape of a tensor, as NumPy if known."""
    return prefer_static_value(tf.shape(x))


def dimension_size(x: Any, axis: int) -> Any:
    """The size of an axis: an int if known."""
    size = x.shape.with_rank_at_least(abs(axis)).dims
    known = None if size is None else size[axis].value
    return tf.shape(x)[axis] if known is None else known


def same_dynamic_shape(a: Any, b: Any) -> Any:
    """bool[]: whether two tensors have the same shape when the graph runs."""
    a, b = tf.convert_to_tensor(a, name="a"), tf.convert_to_tensor(b, name="b")

    def all_equal() -> Any:
        pairs = [tf.concat(both, 0) for both in ([tf.shape(a), tf.shape(b)], [tf.shape(b), tf.shape(a)])]
        return tf.reduce_all(tf.equal(*pairs))

    return tf.cond(tf.equal(tf.rank(a), tf.rank(b)), all_equal, lambda: tf.constant(False))


def pick_vector(cond: Any, true_vector: Any, false_vector: Any, name: str = "pick_vector") -> Any:
    """One of two vectors of one dtype: by a slice of both if the condition is only known when the graph runs.

    TypeError if `cond` is not bool or dtypes differ. Source: TF 1.15 `distribution_util.pick_vector`.
    """
    with tf.name_scope(name, values=(cond, true_vector, false_vector)):
        cond = tf.convert_to_tensor(cond, name="cond")
        if cond.dtype != tf.bool:
            raise TypeError(f"{cond}.dtype={cond.dtype} which is not {tf.bool}")
        known = constant_value(cond)
        if known is not None:
            return true_vector if known else false_vector
        first = tf.convert_to_tensor(true_vector, name="true_vector")
        second = tf.convert_to_tensor(false_vector, name="false_vector")
        if first.dtype != second.dtype:
            raise TypeError(f"{first}.dtype={first.dtype} does not match {second}.dtype={second.dtype}")
        n = tf.shape(first)[0]
        return tf.slice(tf.concat([first, second], 0), [tf.where_v2(cond, 0, n)], [tf.where(cond, n, -1)])


def _static_shape(shape: Any) -> Any:
    if isinstance(shape, tf.TensorShape):
        return shape
    value = constant_value(_shape_tensor(shape))
    return None if value is None else tf.TensorShape(value)


def _shape_tensor(shape: Any) -> Any:
    if isinstance(shape, tf.TensorShape):
        if not shape.is_fully_defined():
            raise ValueError("Cannot broadcast from partially defined `TensorShape`.")
        shape = shape.as_list()
    return tf.convert_to_tensor(shape, name="shape", dtype=tf.int32)


def prefer_static_broadcast_shape(shape1: Any, shape2: Any, name: str = "prefer_static_broadcast_shape") -> Any:
    """What two shapes broadcast to: a TensorShape if both are known, else a tensor."""
    with tf.name_scope(name, values=[shape1, shape2]):
        known = [_static_shape(shape1), _static_shape(shape2)]
        if None not in [None if shape is None else 0 for shape in known]:
            return tf.broadcast_static_shape(*known)
        return tf.broadcast_dynamic_shape(_shape_tensor(shape1), _shape_tensor(shape2))


def get_broadcast_shape(*tensors: Any) -> Any:
    """What the shapes of tensors broadcast to: a list of ints if known, else a tensor."""
    static = tensors[0].shape
    for tensor in tensors[1:]:
        static = tf.broadcast_static_shape(static, tensor.shape)
    if static.is_fully_defined():
        return static.as_list()
    shape = tf.shape(tensors[0])
    for tensor in tensors[1:]:
        shape = tf.broadcast_dynamic_shape(shape, tf.shape(tensor))
    return shape


def _rotation(x: Any, shift: Any) -> Any:
    ndims = tf.rank(x)
    shift = tf.where_v2(tf.less(shift, 0), tf.mod(-shift, ndims), ndims - tf.mod(shift, ndims))
    return tf.concat([tf.range(shift, ndims), tf.range(0, shift)], 0)


def rotate_transpose(x: Any, shift: Any, name: str = "rotate_transpose") -> Any:
    """`x` with its axes rotated right by `shift` (negative: left). Source: TF 1.15 `distribution_util.rotate_transpose`."""
    with tf.name_scope(name, values=[x, shift]):
        x = tf.convert_to_tensor(x, name="x")
        shift = tf.convert_to_tensor(shift, name="shift")
        tf.debugging.assert_integer(shift)
        known, ndims = constant_value(shift), x.get_shape().ndims
        if ndims is None or known is None:
            return tf.transpose(x, perm=_rotation(x, shift))
        turns = 0 if ndims < 2 else int(np.sign(known) * (abs(known) % ndims))
        return tf.transpose(x, perm=np.roll(np.arange(ndims), turns)) if turns else x


def _padded_shape(x: Any, axis: Any, ends: int, count: Any) -> Any:
    if axis < 0 and x.shape.ndims is None:
        return None
    axis = axis if axis >= 0 else x.shape.ndims + axis
    known = constant_value(count)
    size = x.shape.dims[axis].value if x.shape.ndims is not None else None
    middle = tf.TensorShape([None if known is None or size is None else size + int(known) * ends])
    return x.shape[:axis].concatenate(middle.concatenate(x.shape[axis + 1 :]))


def pad(
    x: Any, axis: Any, front: bool = False, back: bool = False, value: Any = 0, count: Any = 1, name: str | None = None
) -> Any:
    """`x` with `count` times `value` before and/or behind along one axis.

    TypeError if `count` is not an integer, ValueError if neither end is asked for. Source: TF 1.15
    `distribution_util.pad`.
    """
    with tf.name_scope(name, "pad", [x, value, count]):
        x = tf.convert_to_tensor(x, name="x")
        value = tf.convert_to_tensor(value, dtype=x.dtype, name="value")
        count = tf.convert_to_tensor(count, name="count")
        if not count.dtype.is_integer:
            raise TypeError(f"`count.dtype` (`{count.dtype.name}`) must be `int`-like.")
        if not front and not back:
            raise ValueError("At least one of `front`, `back` must be `True`.")
        ndims = tf.rank(x, name="ndims") if x.shape.ndims is None else x.shape.ndims
        axis = tf.convert_to_tensor(axis, name="axis")
        known = constant_value(axis)
        final = None if known is None else _padded_shape(x, int(known), int(front) + int(back), count)
        axis = tf.where_v2(axis < 0, ndims + axis, axis) if known is None else known + (ndims if known < 0 else 0)
        ends = tf.stack([axis if front else -1, axis if back else -1])
        paddings = tf.one_hot(indices=ends, depth=ndims, axis=0, on_value=count, dtype=tf.int32)
        x = tf.pad(x, paddings=paddings, constant_values=value)
        if final is not None:
            x.set_shape(final)
        return x


def _as_bool(condition: Any) -> Any:
    return condition if tf.is_tensor(condition) else bool(condition)


def move_dimension(x: Any, source_idx: Any, dest_idx: Any) -> Any:
    """`x` with one axis moved to another place. Source: TF 1.15 `contrib distribution_util.move_dimension`."""
    ndims = prefer_static_rank(x)
    dtype = tf.int32 if isinstance(source_idx, int) else tf.as_dtype(source_idx.dtype)
    source, dest = (ndims + index if index < 0 else index for index in (source_idx, dest_idx))

    def spans(*parts: Any) -> Any:
        found = [part if isinstance(part, list) else tf.range(*part, dtype=dtype) for part in parts]
        return prefer_static_value(tf.concat(found, axis=0))

    def left() -> Any:
        return spans((0, dest), [source], (dest, source), (source + 1, ndims))

    def right() -> Any:
        return spans((0, source), (source + 1, dest + 1), [source], (dest + 1, ndims))

    def moved() -> Any:
        return tf.transpose(x, perm=smart_cond(_as_bool(source < dest), right, left))

    return smart_cond(tf.equal(source, dest), lambda: x, moved)


def pad_mixture_dimensions(x: Any, mixture: Any, categorical: Any, event_ndims: Any) -> Any:
    """`x` with axes of size 1 for the batch before its last axis, and for the event behind it."""

    def batch_ndims(d: Any) -> Any:
        return tf.shape(d.batch_shape_tensor())[0] if d.batch_shape.ndims is None else d.batch_shape.ndims

    with tf.name_scope("pad_mix_dims", values=[x]):
        whole, own = batch_ndims(mixture), batch_ndims(categorical)
        missing = tf.where_v2(categorical.is_scalar_batch(), whole, whole - own)
        shape = tf.shape(x)
        ones = [tf.ones([n], dtype=tf.int32) for n in (missing, event_ndims)]
        return tf.reshape(x, shape=tf.concat([shape[:-1], ones[0], shape[-1:], ones[1]], axis=0))
