"""Gradients checked against differences: `tf.test.compute_gradient` and `compute_gradient_error`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.structures import IndexedSlices

Array = Any
Jacobians = tuple[Array, Array]

_CHECKED = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


@export("test.compute_gradient")
def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Sequence[Any] | None = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """(theoretical, numerical) Jacobians of y by x, `[size of x, size of y]`; a list of pairs for a list of x.

    Complex tensors count as twice as many reals. Needs a default session.
    Source: TF 1.15 `tf.test.compute_gradient`.
    """
    feeds = extra_feed_dict or {}
    xs = x if isinstance(x, list) else [x]
    shapes = x_shape if isinstance(x, list) else [x_shape]
    starts = x_init_value if isinstance(x, list) and x_init_value is not None else [x_init_value] * len(xs)
    pairs = [_dx_and_dy(one, y, y_shape) for one in xs]
    for init in init_targets or ():
        init.run()
    result = []
    for one, shape, start, (dx, dy) in zip(xs, shapes, starts, pairs, strict=True):
        data = _start(one, shape, start)
        theoretical = _theoretical(one, shape, data, dy, y_shape, dx, feeds)
        result.append((theoretical, _numeric(one, data, y, y_shape, delta, feeds)))
    return result if isinstance(x, list) else result[0]


@export("test.compute_gradient_error")
def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Sequence[Any] | None = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> float:
    """The largest difference between the Jacobians of `compute_gradient`.

    Source: TF 1.15 `tf.test.compute_gradient_error`.
    """
    pairs = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    error = 0.0
    for theoretical, numeric in pairs if isinstance(pairs, list) else [pairs]:
        if theoretical.size or numeric.size:
            error = np.maximum(error, np.fabs(theoretical - numeric).max())
    return error


def _size(shape: Any) -> int:
    return int(shape) if isinstance(shape, int) else math.prod(int(d) for d in shape)


def _reals(dtype: Any) -> int:
    return 2 if dtype.is_complex else 1


def _dx_and_dy(x: Any, y: Any, y_shape: Any) -> tuple[Any, Any]:
    """The gradient of y by x, and the tensor to feed in place of the gradient that arrives at y."""
    with x.graph.as_default():
        fed = tf.constant(1.0, shape=y_shape, dtype=y.dtype)
        # Where dx is dy itself, what is fetched must not be what is fed.
        dy = tf.identity(fed)
    return tf.gradients(y, x, dy)[0], fed


def _start(x: Any, shape: Any, given: Any) -> Array:
    for tensor in (x,):
        if tensor.dtype.base_dtype.name not in _CHECKED:
            raise AssertionError(f"Don't support type {tensor.dtype.name} for x")
    if given is not None:
        if list(shape) != list(given.shape):
            raise AssertionError(f"x_shape = {shape}, init_data shape = {list(given.shape)}")
        return given
    data = np.random.random_sample(shape).astype(x.dtype.as_numpy_dtype)
    if x.dtype.is_complex:
        data.imag = np.random.random_sample(shape)
    return data


def _theoretical(
    x: Any, x_shape: Any, x_data: Array, dy: Any, dy_shape: Any, dx: Any, feeds: dict[Any, Any]
) -> Array:
    session = tf.get_default_session()
    rows, columns = _size(x_shape) * _reals(x.dtype), _size(dy_shape) * _reals(dy.dtype)
    jacobian = np.zeros((rows, columns), dtype=x.dtype.real_dtype.as_numpy_dtype)
    dy_data = np.zeros(dy_shape, dtype=dy.dtype.as_numpy_dtype)
    flat = dy_data.ravel().view(dy.dtype.real_dtype.as_numpy_dtype)
    for column in range(columns):
        flat[column] = 1
        back = session.run(dx, feed_dict={**feeds, x: x_data, dy: dy_data})
        jacobian[:, column] = _dense(back, x_shape, dx).ravel().view(jacobian.dtype)
        flat[column] = 0
    if not columns:
        _check_empty(session.run(dx, feed_dict={**feeds, x: x_data, dy: dy_data}), x_data)
    return jacobian


def _dense(value: Any, shape: Any, gradient: Any) -> Array:
    if not isinstance(gradient, IndexedSlices):
        return value
    dense = np.zeros(shape, dtype=value.values.dtype)
    np.add.at(dense, value.indices, value.values)
    return dense


def _check_empty(back: Array, x_data: Array) -> None:
    if back.shape != x_data.shape:
        raise ValueError(f"Empty gradient has wrong shape: expected {x_data.shape}, got {back.shape}")
    if np.any(back):
        raise ValueError("Empty tensor with nonzero gradients")


def _numeric(x: Any, x_data: Array, y: Any, y_shape: Any, delta: float, feeds: dict[Any, Any]) -> Array:
    if x.dtype.base_dtype == tf.bfloat16:
        x, x_data = tf.cast(x, tf.float32), x_data.astype(np.float32)
    if y.dtype.base_dtype == tf.bfloat16:
        y = tf.cast(y, tf.float32)
    x_real, y_real = x.dtype.real_dtype.as_numpy_dtype, y.dtype.real_dtype.as_numpy_dtype
    x_data = np.asarray(x_data, dtype=x.dtype.as_numpy_dtype)
    scale = np.asarray(2 * delta, dtype=y_real)[()]
    rows = x_data.size * _reals(x.dtype)
    jacobian = np.zeros((rows, _size(y_shape) * _reals(y.dtype)), dtype=x_real)
    for row in range(rows):
        above, below = (_moved(x_data, row, step, x_real) for step in (delta, -delta))
        difference = y.eval(feed_dict={**feeds, x: above}) - y.eval(feed_dict={**feeds, x: below})
        jacobian[row, :] = np.asarray(difference / scale).ravel().view(y_real)
    return jacobian


def _moved(data: Array, position: int, step: float, real: Any) -> Array:
    moved = data.copy()
    moved.ravel().view(real)[position] += step
    return moved
