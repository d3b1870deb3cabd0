"""Checks, when the graph is built and when it runs, of the tensors that a sequence is cut from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.static_value import constant_value


def _checked(condition: Any, data: Sequence[Any], value: Any, name: str) -> Any:
    with tf.control_dependencies([tf.Assert(condition, list(data))]):
        return tf.identity(value, name=name)


def multiple_of(value: Any, factor: Any) -> Any:
    """`value`, of which the run checks that it is a positive multiple of `factor`."""
    condition = tf.logical_and(tf.equal(tf.mod(value, factor), 0), tf.not_equal(value, 0))
    text = [f"Tensor {value.name} should be a multiple of: ", tf.as_string(factor), ", but saw value: "]
    text += [tf.as_string(value), ". Consider setting pad=True."]
    return _checked(condition, [tf.string_join(text)], value, "multiple_of_checked")


def rank(value: Any, wanted: Any) -> Any:
    """`value`, whose rank is checked. Raises ValueError: it is known to be another."""
    condition = tf.equal(wanted, tf.rank(value))
    text = [f"Rank of tensor {value.name} should be: ", tf.as_string(wanted), ", shape received:"]
    made = _checked(condition, [tf.string_join(text), tf.shape(value)], value, "rank_checked")
    known = constant_value(wanted) if isinstance(wanted, tf.Tensor) else wanted
    if known is not None:
        try:
            made.set_shape(made.get_shape().with_rank(int(known)))
        except ValueError as error:
            raise ValueError(f"Rank check failed for {value.name}: {error}") from None
    return made


def shape(value: Any, wanted: Any) -> Any:
    """`value`, whose shape is checked. Raises ValueError: it is known to be another."""
    known = constant_value(wanted)
    if known is not None:
        wanted = [int(d) for d in known]
    value = rank(value, tf.size(wanted) if known is None else len(wanted))
    condition = tf.reduce_all(tf.equal(wanted, tf.shape(value)))
    text = [f"Shape of tensor {value.name} should be: ", tf.as_string(wanted), ", shape received: "]
    made = _checked(condition, [tf.string_join([*text, tf.as_string(tf.shape(value))])], value, "shape_checked")
    if known is not None:
        _merge_shape(made, wanted, f"Shape check failed for {value.name}")
    return made


def _merge_shape(value: Any, wanted: Any, text: str) -> None:
    try:
        value.set_shape(value.get_shape().merge_with(wanted))
    except ValueError as error:
        raise ValueError(f"{text}: {error}") from None


def dimensions(value: Any, axes: Sequence[int], sizes: Sequence[Any], label: str) -> Any:
    """`value`, of which the run checks that these axes have these sizes. Raises ValueError: they are known to be others."""
    static = value.get_shape()
    if static.ndims is not None:
        if static.ndims <= max(axes):
            text = f"{label}: rank of input is not greater than max(dimensions): {static.ndims} vs. {max(axes)}"
            raise ValueError(text)
        wanted = static.as_list()
        for axis, size in zip(axes, sizes, strict=True):
            if not isinstance(size, tf.Tensor):
                wanted[axis] = size
        _merge_shape(value, wanted, f"Dimensions check failed for {label}")
    checks = [_check_size(value, axis, size, label) for axis, size in zip(axes, sizes, strict=True)]
    with tf.control_dependencies(checks):
        return tf.identity(value, name=f"dims_checked_{label}")


def _check_size(value: Any, axis: int, size: Any, label: str) -> Any:
    condition = tf.equal(size, tf.shape(value)[axis])
    text = [f"Dimension {axis} of tensor labeled {label} should be: ", tf.as_string(size), ", shape received: "]
    return tf.Assert(condition, [tf.string_join([*text, tf.as_string(tf.shape(value))])])
