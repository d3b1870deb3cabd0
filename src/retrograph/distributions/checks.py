"""Checks of arguments and samples: while building what can be, in the graph (`validate_args`) what must."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.ops.control_flow import with_dependencies

_INTEGERS = {tf.float16: tf.int16, tf.float32: tf.int32, tf.float64: tf.int64}
_UNSIGNED = (tf.bool, tf.uint8, tf.uint16)
_SIGNED = (tf.float16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64)


def assert_integer_form(
    x: Any, data: Any = None, summarize: Any = None, message: str | None = None, int_dtype: Any = None,
    name: str = "assert_integer_form",
) -> Any:  # fmt: skip
    """An operation that fails if `x` has fractions. Source: TF 1.15 `distribution_util.assert_integer_form`."""
    with tf.name_scope(name, values=[x, data]):
        x = tf.convert_to_tensor(x, name="x")
        if x.dtype.is_integer:
            return tf.no_op()
        message = message or f"{x} has non-integer components"
        int_dtype = int_dtype or _INTEGERS.get(x.dtype.base_dtype)
        if int_dtype is None:
            raise TypeError(f"Unrecognized type {x.dtype.name}")
        whole = tf.cast(tf.cast(x, int_dtype), x.dtype)
        return tf.assert_equal(x, whole, data=data, summarize=summarize, message=message, name=name)


def assert_symmetric(matrix: Any) -> Any:
    """The matrix, once it was found symmetric."""
    return with_dependencies([tf.assert_equal(matrix, tf.matrix_transpose(matrix))], matrix)


def embed_check_nonnegative_integer_form(x: Any, name: str = "embed_check_nonnegative_integer_form") -> Any:
    """`x`, once its elements were found to be whole and not negative."""
    with tf.name_scope(name, values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        checks = [tf.assert_non_negative(x, message=f"'{x}' must be non-negative.")]
        if not x.dtype.is_integer:
            checks.append(assert_integer_form(x, message=f"'{x}' cannot contain fractional components."))
        return with_dependencies(checks, x)


def _known(dtype: Any) -> Any:
    if dtype.base_dtype not in _UNSIGNED + _SIGNED:
        raise TypeError(f"Unrecognized dtype: {dtype.name}")
    return dtype.base_dtype


def _largest_integer_by_dtype(dtype: Any) -> int:
    """The largest n such that all integers up to n are in the dtype."""
    base = _known(dtype)
    if base.is_floating:
        return int(2 ** (np.finfo(base.as_numpy_dtype).nmant + 1))
    return 1 if base == tf.bool else int(np.iinfo(base.as_numpy_dtype).max)


def _smallest_integer_by_dtype(dtype: Any) -> int:
    return 0 if _known(dtype) in _UNSIGNED else -_largest_integer_by_dtype(dtype)


def _is_integer_like_by_dtype(dtype: Any) -> bool:
    base = _known(dtype)
    return bool(base.is_integer or base == tf.bool)


def _precision_text(dtype_name: str, size: Any, limit: int) -> str:
    return (
        f"Number of classes exceeds `dtype` precision, i.e., {dtype_name} implies shape ({size}) cannot exceed {limit}."
    )


_ONE_DIMENSION = "A categorical-distribution parameter must have at least 1 dimension."
_TWO_EVENTS = "A categorical-distribution parameter must have at least 2 events."


def _checked_event_size(x: Any, dtype_name: str, limit: int) -> Any:
    size = tf.shape(x, name="x_shape")[-1]
    message = f"Number of classes exceeds `dtype` precision, i.e., {dtype_name} dtype cannot exceed {limit} shape."
    checks = [
        tf.assert_rank_at_least(x, 1, message=_ONE_DIMENSION),
        tf.assert_greater_equal(tf.shape(x)[-1], 2, message=_TWO_EVENTS),
        tf.assert_less_equal(size, limit, message=message),
    ]
    return with_dependencies(checks, x)


def embed_check_categorical_event_shape(
    categorical_param: Any, name: str = "embed_check_categorical_event_shape"
) -> Any:
    """The parameter of a categorical, once it was found to have 2 events at least and no more than its dtype can count.

    ValueError while building if the size is known, TypeError for other dtypes than floats.
    """
    with tf.name_scope(name, values=[categorical_param]):
        x = tf.convert_to_tensor(categorical_param, name="categorical_param")
        base = x.dtype.base_dtype
        if not base.is_floating:
            raise TypeError(f"Unable to validate size of unrecognized dtype ({base.name}).")
        limit = _largest_integer_by_dtype(base)
        if x.get_shape().ndims == 0:
            raise ValueError(_ONE_DIMENSION)
        dims = x.get_shape().dims
        size = None if dims is None else dims[-1].value
        if size is None:
            return _checked_event_size(x, base.name, limit)
        if size < 2:
            raise ValueError(_TWO_EVENTS)
        if size > limit:
            raise ValueError(_precision_text(base.name, size, limit))
        return x


def _check_integer_dtypes(x: Any, target: Any) -> None:
    own_whole, target_whole = _is_integer_like_by_dtype(x.dtype), _is_integer_like_by_dtype(target)
    if not own_whole and not x.dtype.is_floating:
        raise TypeError(f"{x.dtype.name}.dtype must be floating- or integer-type.")
    if not target_whole and not target.is_floating:
        raise TypeError(f"target_dtype ({target.name}) must be floating- or integer-type.")
    if not own_whole and not target_whole:
        raise TypeError(
            f"At least one of {x}.dtype ({x.dtype.name}) and target_dtype ({target.name}) must be integer-type."
        )


def _range_checks(x: Any, target: Any, assert_nonnegative: bool) -> list[Any]:
    checks = []
    largest, smallest = _largest_integer_by_dtype(target), _smallest_integer_by_dtype(target)
    if _largest_integer_by_dtype(x.dtype) > largest:
        checks.append(tf.assert_less_equal(x, largest, message=f"Elements cannot exceed {largest}."))
    if not assert_nonnegative and _smallest_integer_by_dtype(x.dtype) < smallest:
        checks.append(tf.assert_greater_equal(x, smallest, message=f"Elements cannot be smaller than {smallest}."))
    return checks


def embed_check_integer_casting_closed(
    x: Any, target_dtype: Any, assert_nonnegative: bool = True, name: str = "embed_check_casting_closed"
) -> Any:
    """`x`, once a cast to `target_dtype` was found to lose nothing; TypeError for dtypes that cannot be so."""
    with tf.name_scope(name, values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        _check_integer_dtypes(x, target_dtype)
        checks = [tf.assert_non_negative(x, message="Elements must be non-negative.")] if assert_nonnegative else []
        if x.dtype.is_floating:
            message = f"Elements must be {target_dtype.name}-equivalent."
            checks.append(assert_integer_form(x, int_dtype=target_dtype, message=message))
        else:
            checks += _range_checks(x, target_dtype, assert_nonnegative)
        return with_dependencies(checks, x) if checks else x


def _checked_probs(probs: Any, multidimensional: bool) -> Any:
    with tf.name_scope("validate_probs"):
        one = tf.constant(1.0, probs.dtype)
        checks = [tf.assert_non_negative(probs)]
        if multidimensional:
            probs = embed_check_categorical_event_shape(probs)
            checks.append(tf.assert_near(tf.reduce_sum(probs, -1), one, message="probs does not sum to 1."))
        else:
            checks.append(tf.assert_less_equal(probs, one, message="probs has components greater than 1."))
        return with_dependencies(checks, probs)


def _float_parameter(value: Any, name: str, dtype: Any) -> Any:
    value = tf.convert_to_tensor(value, name=name, dtype=dtype)
    if not value.dtype.is_floating:
        raise TypeError(f"{name} must having floating type.")
    return value


def get_logits_and_probs(
    logits: Any = None, probs: Any = None, multidimensional: bool = False, validate_args: Any = False,
    name: str = "get_logits_and_probs", dtype: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """(logits, probs), one computed from the other: by softmax if `multidimensional`, else by sigmoid.

    ValueError unless exactly one is given, TypeError if it is not floating. Source: TF 1.15
    `distribution_util.get_logits_and_probs`.
    """
    with tf.name_scope(name, values=[probs, logits]):
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        if probs is None:
            logits = _float_parameter(logits, "logits", dtype)
            if not multidimensional:
                return logits, tf.sigmoid(logits, name="probs")
            if validate_args:
                logits = embed_check_categorical_event_shape(logits)
            return logits, tf.nn.softmax(logits, name="probs")
        probs = _float_parameter(probs, "probs", dtype)
        if validate_args:
            probs = _checked_probs(probs, multidimensional)
        with tf.name_scope("logits"):
            if multidimensional:
                return tf.log(probs), probs
            return tf.log(probs) - tf.log1p(-1.0 * probs), probs


def checked_when(validate_args: Any, x: Any, *checks: Any) -> Any:
    """`x`, and with `validate_args` only after the operations that the functions in `checks` make of it."""
    return with_dependencies([check(x) for check in checks], x) if validate_args else x


def positive_when(validate_args: Any, *values: Any) -> Any:
    """A context: with `validate_args` operations wait for the values to be found positive."""
    return tf.control_dependencies([tf.assert_positive(value) for value in values] if validate_args else [])
