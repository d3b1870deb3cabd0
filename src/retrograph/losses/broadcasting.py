"""Whether weights can be broadcast to values: every axis of the weights has size 1 or that of the values."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.static_value import constant_value

_PREFIX = "weights can not be broadcast to values."


def _shape_and_rank(value: Any, name: str) -> tuple[Any, Any, Any]:
    with tf.name_scope(None, name, (value,)) as scope:
        tensor = tf.convert_to_tensor(value, name=scope)
        return tensor, tf.shape(tensor, name="shape"), tf.rank(tensor, name="rank")


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """An operation that fails where `weights` cannot be broadcast to `values`; ValueError if that is known now.

    Source: TF 1.15 `weights_broadcast_ops.assert_broadcastable`.
    """
    with tf.name_scope(None, "assert_broadcastable", (weights, values)) as scope:
        weights, weights_shape, weights_rank = _shape_and_rank(weights, "weights")
        values, values_shape, values_rank = _shape_and_rank(values, "values")
        checked = _checked_now(weights, weights_shape, weights_rank, values, values_shape, values_rank)
        return (
            checked
            if checked is not None
            else _checked_later(weights, weights_shape, weights_rank, values, values_shape, values_rank, scope)
        )


def _checked_now(
    weights: Any, weights_shape: Any, weights_rank: Any, values: Any, values_shape: Any, values_rank: Any
) -> Any:
    rank, wanted_rank = constant_value(weights_rank), constant_value(values_rank)
    if rank is None or wanted_rank is None:
        return None
    if rank == 0:
        return tf.no_op(name="static_scalar_check_success")
    if rank != wanted_rank:
        raise ValueError(
            f"{_PREFIX} values.rank={wanted_rank}. weights.rank={rank}. values.shape={values.shape}. weights.shape={weights.shape}."
        )
    shape, wanted = constant_value(weights_shape), constant_value(values_shape)
    if shape is None or wanted is None:
        return None
    for i, (size, wanted_size) in enumerate(zip(shape, wanted, strict=True)):
        if size not in (1, wanted_size):
            raise ValueError(
                f"{_PREFIX} Mismatch at dim {i}. values.shape={_plain(wanted)} weights.shape={_plain(shape)}."
            )
    return tf.no_op(name="static_dims_check_success")


def _plain(shape: Any) -> str:
    return str(np.asarray(shape))


def _checked_later(
    weights: Any, weights_shape: Any, weights_rank: Any, values: Any, values_shape: Any, values_rank: Any, scope: str
) -> Any:
    is_scalar = tf.equal(0, weights_rank, name="is_scalar")
    data = (
        _PREFIX,
        "weights.shape=",
        weights.name,
        weights_shape,
        "values.shape=",
        values.name,
        values_shape,
        "is_scalar=",
        is_scalar,
    )
    valid = tf.cond(
        is_scalar,
        lambda: is_scalar,
        lambda: _valid_nonscalar(weights_rank, weights_shape, values_rank, values_shape),
        name="is_valid_shape",
    )
    return tf.Assert(valid, data, name=scope)


def _valid_nonscalar(weights_rank: Any, weights_shape: Any, values_rank: Any, values_shape: Any) -> Any:
    with tf.name_scope(
        None, "has_valid_nonscalar_shape", (weights_rank, weights_shape, values_rank, values_shape)
    ) as scope:
        same = tf.equal(values_rank, weights_rank, name="is_same_rank")
        return tf.cond(same, lambda: _valid_dims(weights_shape, values_shape), lambda: same, name=scope)


def _valid_dims(weights_shape: Any, values_shape: Any) -> Any:
    with tf.name_scope(None, "has_invalid_dims", (weights_shape, values_shape)) as scope:
        wanted = tf.expand_dims(values_shape, -1)
        fitting = tf.concat((wanted, tf.ones_like(wanted)), axis=1)
        others = tf.sets.difference(tf.expand_dims(weights_shape, -1), fitting)
        return tf.equal(0, tf.size(others.values, name="num_invalid_dims"), name=scope)


def broadcast_weights(weights: Any, values: Any) -> Any:
    """The weights in the shape of the values. Source: TF 1.15 `weights_broadcast_ops.broadcast_weights`."""
    with tf.name_scope(None, "broadcast_weights", (weights, values)) as scope:
        values = tf.convert_to_tensor(values, name="values")
        weights = tf.convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
        shape, wanted = weights.get_shape(), values.get_shape()
        if shape.is_fully_defined() and wanted.is_fully_defined() and shape.is_compatible_with(wanted):
            return weights
        with tf.control_dependencies((assert_broadcastable(weights, values),)):
            return tf.multiply(weights, tf.ones_like(values), name=scope)
