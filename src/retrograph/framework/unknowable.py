"""A truth that XLA cannot know: what keeps it from simplifying, merging or reordering."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import lax


def unknowably_true(value: Any) -> Any:
    """True for each element of `value`, by a comparison that holds for every pattern of bits."""
    bits = lax.bitcast_convert_type(value, np.dtype(f"uint{8 * value.dtype.itemsize}"))
    return (bits | 1) != 0


def unknowably_true_of(value: Any) -> Any:
    """One True that needs an array of at least one element to be there."""
    return unknowably_true(lax.slice(value.reshape(-1), (0,), (1,))[0])
