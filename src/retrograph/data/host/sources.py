"""Datasets that are not made from others: tensors, their rows, ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.data.host.engine import (
    Element,
    HostDataset,
    HostIterator,
    Root,
    Words,
    dataset_row,
    integer,
    invalid,
)
from retrograph.framework import dtypes


class _Listed(HostIterator):
    """Goes through a sequence that can be sliced."""

    def __init__(self, items: Any):
        self._items, self._place = items, 0

    def get_next(self) -> Any:
        """The next item."""
        if self._place >= len(self._items):
            return None
        self._place += 1
        return self._items[self._place - 1]

    def get_many(self, count: int) -> list[Any]:
        """The next items."""
        found = list(self._items[self._place : self._place + count])
        self._place += len(found)
        return found


class _Rows(HostIterator):
    """Goes through the rows of arrays."""

    def __init__(self, arrays: Element, count: int):
        self._arrays, self._count, self._place = arrays, count, 0

    def get_next(self) -> Element | None:
        """The next row of each array."""
        place = self._place
        if place >= self._count:
            return None
        self._place = place + 1
        return tuple([a[place, ...] for a in self._arrays])


class TensorDataset(HostDataset):
    """One element."""

    type_string = "Tensor"

    def __init__(self, op: Any, *components: Any):
        super().__init__(op)
        self.components = components

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives the element."""
        return _Listed([self.components])

    def cardinality(self) -> int:
        """One."""
        return 1


class TensorSliceDataset(HostDataset):
    """The rows of arrays."""

    type_string = "TensorSlice"

    def __init__(self, op: Any, *components: Any):
        super().__init__(op)
        sizes = {np.shape(c)[0] for c in components}
        if len(sizes) > 1:
            raise invalid("All components must have the same size in the 0th dimension")
        self.components, self.count = components, sizes.pop()

    def base(self) -> Element | None:
        """The arrays."""
        return self.components

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives rows, or their numbers."""
        return _Listed(range(self.count)) if rows else _Rows(self.components, self.count)

    def cardinality(self) -> int:
        """The number of rows."""
        return int(self.count)


@dataset_row("TensorDataset")
def _tensor(op: Any, ctx: Any, *components: Any) -> HostDataset:
    return TensorDataset(op, *components)


@dataset_row("TensorSliceDataset")
def _tensor_slice(op: Any, ctx: Any, *components: Any) -> HostDataset:
    return TensorSliceDataset(op, *components)


class RangeDataset(HostDataset):
    """Numbers in steps."""

    type_string = "Range"

    def __init__(self, op: Any, start: Any, stop: Any, step: Any):
        super().__init__(op)
        if integer(step) == 0:
            raise invalid("step must be a non-zero integer.")
        self.numbers = range(integer(start), integer(stop), integer(step))

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives numbers."""
        return _Numbers(self.numbers)

    def cardinality(self) -> int:
        """How many numbers there are."""
        return max(0, -(-(self.numbers.stop - self.numbers.start) // self.numbers.step))


class _Numbers(HostIterator):
    def __init__(self, numbers: range):
        self._numbers = iter(numbers)

    def get_next(self) -> Element | None:
        """The next number."""
        number = next(self._numbers, None)
        return None if number is None else (np.array(number, np.int64),)


@dataset_row("RangeDataset")
def _range(op: Any, ctx: Any, start: Any, stop: Any, step: Any) -> HostDataset:
    return RangeDataset(op, start, stop, step)


class RandomDataset(HostDataset):
    """Random numbers without end."""

    type_string = "Random"

    def __init__(self, op: Any, seed: Any, seed2: Any):
        super().__init__(op)
        self.seeds = integer(seed), integer(seed2)

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives numbers of 32 bits as i64."""
        return _Random(Words(*self.seeds))

    def cardinality(self) -> int:
        """Without end."""
        return -1


class _Random(HostIterator):
    def __init__(self, words: Words):
        self._words = words

    def get_next(self) -> Element | None:
        """The next number."""
        return (np.array(self._words.next(), np.int64),)


def drawn_seeds(seed: Any, seed2: Any) -> tuple[int, int]:
    """Two seeds; any if both are 0."""
    import os

    first, second = integer(seed), integer(seed2)
    if first == 0 and second == 0:
        first, second = (int.from_bytes(os.urandom(7), "little") for _ in range(2))
    return first, second


@dataset_row("RandomDataset", "ExperimentalRandomDataset")
def _random(op: Any, ctx: Any, seed: Any, seed2: Any) -> HostDataset:
    return RandomDataset(op, *drawn_seeds(seed, seed2))


class SparseSliceDataset(HostDataset):
    """The rows of a sparse tensor: indices, values, shape."""

    type_string = "SparseTensorSlice"

    def __init__(self, op: Any, indices: Any, values: Any, shape: Any):
        super().__init__(op)
        self.types = [dtypes.int64, op._attrs["Tvalues"], dtypes.int64]
        self.shapes = [None, None, None]
        if len(indices) and (np.diff(indices[:, 0]) < 0).any():
            raise invalid(
                "The SparseTensor must be ordered in the batch dimension; handling arbitrarily ordered input is not currently supported."
            )
        self.parts = indices, values, shape

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives rows."""
        indices, values, shape = self.parts
        places = np.searchsorted(indices[:, 0], np.arange(int(shape[0]) + 1))
        return _SparseRows(places, indices, values, shape)

    def cardinality(self) -> int:
        """The number of rows."""
        return int(self.parts[2][0])


class _SparseRows(HostIterator):
    def __init__(self, places: Any, indices: Any, values: Any, shape: Any):
        self._places, self._indices, self._values, self._shape = places, indices, values, shape
        self._row = 0

    def get_next(self) -> Element | None:
        """The next row."""
        row = self._row
        if row + 1 >= len(self._places):
            return None
        self._row = row + 1
        start, stop = self._places[row], self._places[row + 1]
        return self._indices[start:stop, 1:], self._values[start:stop], self._shape[1:]


@dataset_row("SparseTensorSliceDataset")
def _sparse_slices(op: Any, ctx: Any, indices: Any, values: Any, shape: Any) -> HostDataset:
    return SparseSliceDataset(op, indices, values, shape)
