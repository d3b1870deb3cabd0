"""The value of a ragged tensor: what fetching one gives, and what feeds it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from retrograph.framework.exports import export


@export("ragged.RaggedTensorValue", "compat.v1.ragged.RaggedTensorValue")
class RaggedTensorValue:
    """What fetching a `RaggedTensor` gives, and what feeds one. Source: TF 1.15 `tf.ragged.RaggedTensorValue`."""

    _is_ragged = True

    def __init__(self, values: Any, row_splits: Any):
        if not (isinstance(row_splits, (np.ndarray, np.generic)) and row_splits.dtype in (np.int64, np.int32)):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, (np.ndarray, np.generic, RaggedTensorValue)):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        if isinstance(values, RaggedTensorValue) and row_splits.dtype != values.row_splits.dtype:
            raise ValueError("row_splits and values.row_splits must have the same dtype")
        self._values, self._row_splits = values, row_splits

    @property
    def values(self) -> Any:
        """The rows, one after the other."""
        return self._values

    @property
    def row_splits(self) -> Any:
        """Where rows begin and end."""
        return self._row_splits

    @property
    def flat_values(self) -> Any:
        """The innermost values."""
        return self._values.flat_values if isinstance(self._values, RaggedTensorValue) else self._values

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of all ragged axes."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def dtype(self) -> Any:
        """The type of the innermost values."""
        return self._values.dtype

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged."""
        return len(self.nested_row_splits)

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes, None for ragged axes."""
        inner: tuple[Any, ...] = self._values.shape
        return (self._row_splits.size - 1, None, *inner[1:])

    def to_list(self) -> list[Any]:
        """The rows as lists."""
        values = self._values.to_list() if isinstance(self._values, RaggedTensorValue) else self._values.tolist()
        ends = self._row_splits.tolist()
        return [values[a:b] for a, b in itertools.pairwise(ends)]

    def __str__(self) -> str:
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self) -> str:
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"
