"""TF 2's gradient checker, which takes a function instead of tensors: for a function built into the default graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework.sessions import get_default_session
from retrograph.framework.structures import IndexedSlicesValue
from retrograph.platform import gradient_check


def _tf(name: str) -> Any:
    return gradient_check._tf(name)


def _to_numpy(a: Any) -> Any:
    """An array, or the value of a tensor in the default session; rows of a sparse gradient stand in a whole array."""
    value = get_default_session().run(a) if hasattr(a, "op") else a
    if not isinstance(value, IndexedSlicesValue):
        return value
    whole = np.zeros(value.dense_shape, value.values.dtype)
    np.add.at(whole, value.indices, value.values)
    return whole


def compute_gradient(f: Callable[..., Any], x: Any, delta: float = 1e-3) -> tuple[list[Any], list[Any]]:
    """Two lists of Jacobians of `f` by each of `x`, symbolic and numeric, each [size of y, size of x]."""
    if not isinstance(x, (list, tuple)):
        raise ValueError(
            f"`x` must be a list or tuple of values convertible to a Tensor (arguments to `f`), not a {type(x)}"
        )
    tensors = [_tf("convert_to_tensor")(one) for one in x]
    values = [np.asarray(_to_numpy(one)) for one in tensors]
    inputs = [_tf("placeholder")(one.dtype, one.shape) for one in values]
    y = f(*inputs)
    if isinstance(y, (list, tuple)):
        y = y[0]
    feeds = dict(zip(inputs, values, strict=True))
    y_shape = get_default_session().run(y, feeds).shape
    symbolic, numeric = [], []
    for one, value in feeds.items():
        gradient, seed = gradient_check._gradient_and_seed(one, y, y_shape)
        symbolic.append(gradient_check.symbolic_jacobian(gradient, one, value, seed, y_shape, feeds).T)
        numeric.append(gradient_check.numeric_jacobian(one, value, y, y_shape, delta, feeds).T)
    return symbolic, numeric


def max_error(grad1: list[Any], grad2: list[Any]) -> float:
    """The largest difference of two lists of Jacobians."""
    return float(max((np.fabs(a - b).max() for a, b in zip(grad1, grad2, strict=True) if a.size or b.size), default=0))
