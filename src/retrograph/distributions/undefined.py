"""Statistics that only some parameters have."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.ops.control_flow import with_dependencies


def nan_filled(distribution: Any, name: str | None = "nan", value: float = np.nan) -> Any:
    """A tensor of the batch's shape, all NaN (or `value`)."""
    filling = np.array(value, dtype=distribution.dtype.as_numpy_dtype)
    return tf.fill(distribution.batch_shape_tensor(), filling, name=name)


def must_exceed(dtype: Any, *bounds: tuple[float, Any, str]) -> list[Any]:
    """Checks that each parameter is above its bound: (bound, parameter, message)."""
    return [
        tf.assert_less(
            tf.ones([], dtype=dtype) if bound == 1.0 else tf.constant(bound, dtype=dtype), parameter, message=message
        )
        for bound, parameter, message in bounds
    ]


def or_nan(distribution: Any, statistic: Any, *bounds: tuple[float, Any, str], both: Any = tf.logical_and) -> Any:
    """The statistic where each parameter is above its bound; elsewhere NaN, or without `allow_nan_stats` an error."""
    if not distribution.allow_nan_stats:
        return with_dependencies(must_exceed(distribution.dtype, *bounds), statistic)
    nan = nan_filled(distribution)
    defined = reduce(both, [parameter > bound for bound, parameter, _ in bounds])
    return tf.where_v2(defined, statistic, nan)
