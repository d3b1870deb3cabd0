"""`tf.test.compute_gradient`: the Jacobian that `tf.gradients` gives beside the one of finite differences."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from retrograph.framework.exports import export
from retrograph.framework.sessions import get_default_session
from retrograph.framework.structures import IndexedSlices

Jacobians = tuple[Any, Any]
_ALLOWED = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


def _tf(name: str) -> Any:
    from retrograph._namespace import resolve

    return resolve("", name)


def _size(shape: Any) -> int:
    return math.prod(int(n) for n in shape)


def _real(dtype: Any) -> Any:
    return dtype.real_dtype.as_numpy_dtype


def _flat_view(array: Any, dtype: Any) -> Any:
    """The numbers of an array in a row, complex ones as pairs; writing to it writes the array."""
    return array.reshape(-1).view(dtype)


def symbolic_jacobian(dx: Any, x: Any, x_data: Any, dy: Any, y_shape: Any, feeds: dict[Any, Any]) -> Any:
    """f64[size of x, size of y] from `dx`, one column for each element of `dy`."""
    parts = 2 if x.dtype.is_complex else 1
    dy_data = np.zeros(y_shape, dtype=dy.dtype.as_numpy_dtype)
    dy_flat = _flat_view(dy_data, _real(dy.dtype))
    jacobian = np.zeros((_size(x_data.shape) * parts, dy_flat.size), dtype=_real(x.dtype))
    for column in range(dy_flat.size):
        dy_flat[column] = 1
        jacobian[:, column] = _gradient_row(dx, {**feeds, x: x_data, dy: dy_data}, x_data.shape, jacobian.dtype)
        dy_flat[column] = 0
    if not dy_flat.size:
        _check_empty(get_default_session().run(dx, {**feeds, x: x_data, dy: dy_data}), x_data)
    return jacobian


def _gradient_row(dx: Any, feeds: dict[Any, Any], shape: Any, dtype: Any) -> Any:
    session = get_default_session()
    if not isinstance(dx, IndexedSlices):
        return _flat_view(np.ascontiguousarray(session.run(dx, feeds)), dtype)
    indices, values = session.run([dx.indices, dx.values], feeds)
    dense = np.zeros(shape, dtype=values.dtype)
    # Rows beyond the last pad the slices of a table in parts to one size.
    real = indices < len(dense)
    np.add.at(dense, indices[real], values[real])
    return _flat_view(dense, dtype)


def _check_empty(gradient: Any, x_data: Any) -> None:
    if gradient.shape != x_data.shape:
        raise ValueError(f"Empty gradient has wrong shape: expected {x_data.shape}, got {gradient.shape}")
    if np.any(gradient):
        raise ValueError("Empty tensor with nonzero gradients")


def numeric_jacobian(x: Any, x_data: Any, y: Any, y_shape: Any, delta: float, feeds: dict[Any, Any]) -> Any:
    """f64[size of x, size of y] by central differences."""
    if y.dtype.as_numpy_dtype == ml_dtypes.bfloat16:
        y = _tf("cast")(y, _tf("float32"))
    kind, y_kind = _real(x.dtype), _real(y.dtype)
    x_data = np.asarray(x_data, dtype=x.dtype.as_numpy_dtype)
    scale = np.asarray(2 * delta, dtype=y_kind)[()]
    rows = _flat_view(x_data.copy(), kind).size
    jacobian = np.zeros((rows, _size(y_shape) * (2 if y.dtype.is_complex else 1)), dtype=kind)
    for row in range(rows):
        low, high = (_moved(x_data, kind, row, step) for step in (-delta, delta))
        difference = y.eval(feed_dict={**feeds, x: high}) - y.eval(feed_dict={**feeds, x: low})
        jacobian[row, :] = _flat_view(np.ascontiguousarray(difference / scale), y_kind)
    return jacobian


def _moved(x_data: Any, kind: Any, index: int, step: float) -> Any:
    moved = x_data.copy()
    _flat_view(moved, kind)[index] += step
    return moved


def _gradient_and_seed(x: Any, y: Any, y_shape: Any) -> tuple[Any, Any]:
    """dy/dx times a `dy` that can be fed: behind an identity, since a fed tensor cannot be the fetched one."""
    with x.graph.as_default():
        seed = _tf("constant")(1.0, shape=y_shape, dtype=y.dtype.base_dtype)
        dy = _tf("identity")(seed)
    return _tf("gradients")(y, x, dy)[0], seed


def _random_like(x: Any, shape: Any) -> Any:
    data = np.random.random_sample(shape).astype(x.dtype.as_numpy_dtype)
    if x.dtype.is_complex:
        data.imag = np.random.random_sample(shape)
    return data


def _jacobians(
    x: Any, shape: Any, pair: tuple[Any, Any], y: Any, y_shape: Any, value: Any, delta: float, feeds: Any
) -> Jacobians:
    for name, tensor in (("x", x), ("y", y)):
        if tensor.dtype.base_dtype.name not in _ALLOWED:
            raise AssertionError(f"Don't support type {tensor.dtype.name} for {name}")
    if value is not None and list(value.shape) != list(shape):
        raise AssertionError(f"x_shape = {shape}, init_data shape = {list(value.shape)}")
    data = _random_like(x, shape) if value is None else value
    symbolic = symbolic_jacobian(pair[0], x, data, pair[1], y_shape, feeds)
    return symbolic, numeric_jacobian(x, data, y, y_shape, delta, feeds)


@export("test.compute_gradient")
def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> Any:
    """(symbolic, numeric) Jacobians of y by x, each [size of x, size of y]; for a list of x a list of pairs.

    A complex tensor counts as twice as many reals. Needs a default session. Source: TF 1.15 `tf.test.compute_gradient`.
    """
    many = isinstance(x, list)
    tensors, shapes = (x, x_shape) if many else ([x], [x_shape])
    values = x_init_value if many and x_init_value is not None else [x_init_value] * len(tensors)
    pairs = [_gradient_and_seed(one, y, y_shape) for one in tensors]
    for target in init_targets or ():
        target.run()
    feeds = extra_feed_dict or {}
    found = [
        _jacobians(one, shape, pair, y, y_shape, value, delta, feeds)
        for one, shape, pair, value in zip(tensors, shapes, pairs, values, strict=True)
    ]
    return found if many else found[0]


@export("test.compute_gradient_error")
def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: dict[Any, Any] | None = None,
) -> float:
    """The largest difference of the two Jacobians of `compute_gradient`.

    Source: TF 1.15 `tf.test.compute_gradient_error`.
    """
    found = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = found if isinstance(found, list) else [found]
    return np.float64(max((np.fabs(a - b).max() for a, b in pairs if a.size or b.size), default=0))
