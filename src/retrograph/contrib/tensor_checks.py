"""`tf.contrib.framework`: tensors of a wanted shape or type, and sums of many."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.ops import check

_INVALID_DTYPE = "Invalid dtype {} for shape {} expected of tensor {}."


@export("contrib.framework.assert_same_float_dtype")
def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The float dtype shared by all. Source: TF 1.15 `tf.contrib.framework.assert_same_float_dtype`."""
    return check.assert_same_float_dtype(tensors, dtype)


@export("contrib.framework.assert_scalar")
def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Any:
    """The tensor. Raises ValueError: no scalar. Source: TF 1.15 `tf.contrib.framework.assert_scalar`."""
    return check.assert_scalar(tensor, name, message)


@export("contrib.framework.assert_scalar_int")
def assert_scalar_int(tensor: Any, name: str | None = None) -> Any:
    """The tensor. Raises ValueError: no scalar of an integer type.

    Source: TF 1.15 `tf.contrib.framework.assert_scalar_int`.
    """
    with tf.name_scope(name, "assert_scalar_int", [tensor]) as scope:
        tensor = tf.convert_to_tensor(tensor)
        if not tensor.dtype.base_dtype.is_integer:
            raise ValueError(f"Expected integer type for {tensor.name}, received type: {tensor.dtype}.")
        return check.assert_scalar(tensor, name=scope)


@export("contrib.framework.reduce_sum_n")
def reduce_sum_n(tensors: Any, name: str | None = None) -> Any:
    """The sum of all elements of all tensors. Raises ValueError: none. Source: TF 1.15 `tf.contrib.framework.reduce_sum_n`."""
    if not tensors:
        raise ValueError("No tensors provided.")
    with tf.name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [tf.reduce_sum(t, name=f"{t.op.name}/sum") for t in tensors]
        return sums[0] if len(sums) == 1 else tf.add_n(sums, name=scope)


@export("contrib.framework.remove_squeezable_dimensions")
def remove_squeezable_dimensions(predictions: Any, labels: Any, name: str | None = None) -> tuple[Any, Any]:
    """(predictions, labels), the one of one axis too many squeezed.

    Source: TF 1.15 `tf.contrib.framework.remove_squeezable_dimensions`.
    """
    from retrograph.losses import squeezing

    labels, predictions = squeezing.remove_squeezable_dimensions(labels, predictions, name=name)
    return predictions, labels


def _is_tensor(value: Any) -> bool:
    return isinstance(value, (tf.Tensor, tf.SparseTensor, tf.Variable))


def _assert_shape(expected: Any, tensor: Any) -> Any:
    """An operation that fails unless the tensor has the shape when it is run."""
    with tf.name_scope("assert_shape", values=[tensor]) as scope:
        actual = tf.shape(tensor, name="actual")
        with tf.name_scope("is_shape", values=[tensor]) as inner:
            with tf.name_scope("is_rank", values=[tensor]) as rank_scope:
                wanted_rank = tf.convert_to_tensor(_rank_before(rank_scope, expected), name="expected")
                is_rank = tf.equal(wanted_rank, tf.rank(tensor, name="actual"), name=rank_scope)
            with tf.name_scope("shape_tensor_equal", values=[expected, actual]) as equal_scope:
                free = tf.equal(expected, -1)
                fits = tf.logical_or(free, tf.equal(expected, actual, "equal"), name="exclude_partial_shape")
                same = tf.reduce_all(fits, name=equal_scope)
            is_shape = tf.logical_and(is_rank, same, name=inner)
        words = f"Wrong shape for {tensor.name} [expected] [actual]."
        return tf.Assert(is_shape, [words, expected, actual], name=scope)


def _rank_before(scope: str, expected: Any) -> Any:
    """The size of the expected shape, made in the scope around the one open now."""
    outer = scope.rstrip("/").rpartition("/")[0]
    with tf.name_scope(outer + "/" if outer else None):
        return tf.size(expected)


def _checked_shape(expected: Any, tensor: Any) -> Any:
    """The shape as i32[rank] or a tensor. Raises ValueError: not of that type or rank."""
    if _is_tensor(expected):
        if expected.dtype.base_dtype != tf.int32:
            raise ValueError(_INVALID_DTYPE.format(expected.dtype, expected, tensor.name))
        return expected
    if isinstance(expected, (list, tuple)):
        expected = np.asarray(expected, np.int32 if not expected or np.asarray(expected).dtype == np.int64 else None)
    if isinstance(expected, np.ndarray):
        if expected.ndim > 1:
            raise ValueError(f"Invalid rank {expected.ndim} for shape {expected} expected of tensor {tensor.name}.")
        if expected.dtype != np.int32:
            raise ValueError(_INVALID_DTYPE.format(expected.dtype, expected, tensor.name))
    return expected


@export("contrib.framework.with_shape")
def with_shape(expected_shape: Any, tensor: Any) -> Any:
    """The tensor, its shape checked now or, as far as it is not known, when it is run.

    Raises ValueError: another shape, or a shape that is none. Source: TF 1.15 `tf.contrib.framework.with_shape`.
    """
    if isinstance(tensor, tf.SparseTensor):
        raise ValueError("SparseTensor not supported.")
    expected = _checked_shape(expected_shape, tensor)
    later, actual = _is_tensor(expected), tensor.get_shape()
    if later or not actual.is_fully_defined():
        with tf.name_scope(f"{tensor.op.name}/", values=[tensor]):
            if not later and len(expected) < 1:
                return tf.reshape(tensor, [])
            with tf.control_dependencies([_assert_shape(expected, tensor)]):
                result = tf.identity(tensor)
            if not later:
                result.set_shape(expected)
            return result
    if not actual.is_compatible_with(expected):
        if len(expected) < 1 and actual.is_compatible_with([1]):
            with tf.name_scope(f"{tensor.op.name}/", values=[tensor]):
                return tf.reshape(tensor, [])
        raise ValueError(f"Invalid shape for tensor {tensor.name}, expected {expected}, got {actual}.")
    return tensor


@export("contrib.framework.with_same_shape")
def with_same_shape(expected_tensor: Any, tensor: Any) -> Any:
    """The tensor, checked to have the shape of another. Source: TF 1.15 `tf.contrib.framework.with_same_shape`."""
    with tf.name_scope(f"{tensor.op.name}/", values=[expected_tensor, tensor]):
        shape = expected_tensor.get_shape()
        known = shape.is_fully_defined()
        return with_shape(shape.as_list() if known else tf.shape(expected_tensor, name="expected_shape"), tensor)
