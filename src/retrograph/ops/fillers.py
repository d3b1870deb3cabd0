"""Distinct indices that a compiled part filled up, met by operations that run on NumPy values."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.operation import Tensor


def may_be_filled_up(indices: Tensor) -> bool:
    """Whether they are the distinct indices of a sparse gradient, which compiled parts fill up beyond every row."""
    while indices._op._type == "Identity":
        indices = indices._op._inputs[0]
    return indices._op._type == "Unique" and "_padded" in indices._op._attrs


def places_without_fillers(source: Tensor, indices: Any) -> Any:
    """Where the indices are that stand for rows; None if all of them do, or if it is not known yet."""
    if not isinstance(indices, np.ndarray) or not may_be_filled_up(source):
        return None
    kept = np.flatnonzero(indices != np.iinfo(indices.dtype).max)
    return None if len(kept) == indices.size else kept
