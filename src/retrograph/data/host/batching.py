"""Datasets whose elements are several of another: batches, padded batches, windows; and rows of batches."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from retrograph.data.host.engine import (
    UNKNOWN,
    Element,
    HostDataset,
    HostIterator,
    Root,
    boxed,
    dataset_row,
    integer,
    invalid,
    unary_row,
)
from retrograph.framework import errors
from retrograph.framework.shape import to_text


def stacked(elements: list[Element], text: str) -> Element:
    """Elements as rows. Raises InvalidArgumentError of the text: shapes that differ."""
    columns: list[Any] = []
    for column in zip(*elements, strict=True):
        shape = np.shape(column[0])
        for place, value in enumerate(column):
            if np.shape(value) != shape:
                raise invalid(
                    text.format(index=len(columns), first=to_text(shape), place=place, other=to_text(np.shape(value)))
                )
        columns.append(_rows(column))
    return tuple(columns)


def _rows(column: Any) -> Any:
    first = column[0]
    if getattr(getattr(first, "dtype", None), "kind", "") != "O":
        return np.array(column)
    made = np.empty((len(column), *np.shape(first)), object)
    for i, value in enumerate(column):
        made[i, ...] = value
    return made


_DIFFERENT = (
    "Cannot batch tensors with different shapes in component {index}. First element had shape {first} and element {place} had "
    "shape {other}."
)


def batches(size: int, count: int, drop: bool) -> int:
    """How many batches so many elements are."""
    if count < 0:
        return count
    return count // size if drop else -(-count // size)


@unary_row("BatchDatasetV2", "BatchDataset")
class BatchDataset(HostDataset):
    """Elements stacked."""

    type_string = "BatchV2"

    def __init__(self, op: Any, source: HostDataset, batch_size: Any, drop_remainder: Any = False):
        super().__init__(op, source)
        self.size, self.drop = integer(batch_size), bool(drop_remainder)
        if self.size <= 0:
            raise invalid("Batch size must be greater than zero.")

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Stacks elements, or takes rows of the arrays that all come from."""
        source = self.inputs[0]
        base = source.base()
        if base is None:
            return _Batched(source.iterator(root, prefix), self.size, self.drop)
        return _Gathered(source.iterator(root, prefix, rows=True), base, self.size, self.drop)

    def cardinality(self) -> int:
        """That of the input over the size."""
        return batches(self.size, self.inputs[0].cardinality(), self.drop)


class _Batched(HostIterator):
    def __init__(self, source: HostIterator, size: int, drop: bool):
        self._source: HostIterator | None = source
        self._size, self._drop = size, drop

    def get_next(self) -> Element | None:
        """The next batch."""
        if self._source is None:
            return None
        elements = self._source.get_many(self._size)
        if len(elements) < self._size:
            self._source = None
            if not elements or self._drop:
                return None
        return self.joined(elements)

    def joined(self, elements: list[Any]) -> Element:
        """Elements as one."""
        return stacked(elements, _DIFFERENT)


class _Gathered(_Batched):
    def __init__(self, source: HostIterator, base: Element, size: int, drop: bool):
        super().__init__(source, size, drop)
        self._base = base

    def joined(self, elements: list[Any]) -> Element:
        """The rows of these numbers."""
        places = np.array(elements, np.intp)
        return tuple([a.take(places, axis=0) for a in self._base])


# ---- padded batches


@dataset_row("PaddedBatchDataset", "PaddedBatchDatasetV2")
def _padded(op: Any, ctx: Any, source: HostDataset, batch_size: Any, *rest: Any) -> HostDataset:
    count = op._attrs["N"]
    shapes, values = rest[:count], rest[count : 2 * count]
    drop = bool(rest[2 * count]) if len(rest) > 2 * count else False
    return PaddedBatchDataset(op, source, integer(batch_size), shapes, values, drop)


class PaddedBatchDataset(HostDataset):
    """Elements padded to one shape and stacked."""

    type_string = "PaddedBatchV2"

    def __init__(self, op: Any, source: HostDataset, size: int, shapes: Any, values: Any, drop: bool):
        super().__init__(op, source)
        if size <= 0:
            raise invalid("Batch size must be greater than zero.")
        self.size, self.drop, self.values = size, drop, values
        self.padded = [tuple(int(d) for d in s) for s in shapes]

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Pads and stacks."""
        return _PaddedBatched(self.inputs[0].iterator(root, prefix), self)

    def cardinality(self) -> int:
        """That of the input over the size."""
        return batches(self.size, self.inputs[0].cardinality(), self.drop)


class _PaddedBatched(_Batched):
    def __init__(self, source: HostIterator, dataset: PaddedBatchDataset):
        super().__init__(source, dataset.size, dataset.drop)
        self._dataset = dataset

    def joined(self, elements: list[Any]) -> Element:
        """Elements padded."""
        parts = zip(zip(*elements, strict=True), self._dataset.padded, self._dataset.values, strict=True)
        return tuple(_padded_rows(list(c), shape, value) for c, shape, value in parts)


def _padded_rows(column: list[Any], padded: tuple[int, ...], value: Any) -> Any:
    ranks = {np.ndim(v) for v in column}
    if ranks != {len(padded)}:
        other = next(v for v in column if np.ndim(v) != len(padded))
        raise invalid(
            f"All elements in a batch must have the same rank as the padded shape for component0: expected rank {len(padded)} but got element with rank {np.ndim(other)}"
        )
    shape = tuple(max(np.shape(v)[axis] for v in column) if size < 0 else size for axis, size in enumerate(padded))
    first = column[0]
    made = np.empty((len(column), *shape), first.dtype)
    made[...] = value.item() if hasattr(value, "item") else value
    for place, item in enumerate(column):
        if made.ndim == 1:
            made[place] = item.item() if hasattr(item, "item") else item
        else:
            _put(made[place], item, shape)
    return made


def _put(row: Any, item: Any, shape: tuple[int, ...]) -> None:
    found = np.shape(item)
    if any(have > room for have, room in zip(found, shape, strict=True)):
        raise errors.DataLossError(None, None, "Attempted to pad to a smaller size than the input element.")
    row[tuple(slice(n) for n in found)] = item


@dataset_row("DenseToSparseBatchDataset", "ExperimentalDenseToSparseBatchDataset")
def _to_sparse(op: Any, ctx: Any, source: HostDataset, batch_size: Any, row_shape: Any) -> HostDataset:
    return SparseBatchDataset(op, source, integer(batch_size), tuple(int(d) for d in row_shape))


class SparseBatchDataset(HostDataset):
    """Elements of different sizes as one sparse tensor."""

    type_string = "DenseToSparseBatch"

    def __init__(self, op: Any, source: HostDataset, size: int, shape: tuple[int, ...]):
        super().__init__(op, source)
        if size <= 0:
            raise invalid("Batch size must be greater than zero.")
        self.size, self.row_shape = size, shape

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Puts elements together."""
        return _SparseBatched(self.inputs[0].iterator(root, prefix), self.size, self.row_shape)

    def cardinality(self) -> int:
        """That of the input over the size."""
        return batches(self.size, self.inputs[0].cardinality(), False)


class _SparseBatched(_Batched):
    def __init__(self, source: HostIterator, size: int, shape: tuple[int, ...]):
        super().__init__(source, size, False)
        self._shape = shape

    def joined(self, elements: list[Any]) -> Element:
        """Elements as a sparse tensor, in the form that variants hold."""
        from retrograph.ops.tensor_bytes import _serialized_sparse

        arrays = [np.asarray(e[0]) for e in elements]
        self._check(arrays)
        indices = [
            np.concatenate([np.full((a.size, 1), i), np.indices(a.shape).reshape(a.ndim, -1).T], axis=1)
            for i, a in enumerate(arrays)
        ]
        sizes = [max(a.shape[axis] for a in arrays) if d < 0 else d for axis, d in enumerate(self._shape)]
        values = np.concatenate([a.reshape(-1) for a in arrays])
        shape = np.array([len(arrays), *sizes], np.int64)
        return (_serialized_sparse(None, np.concatenate(indices).astype(np.int64), values, shape),)

    def _check(self, arrays: list[Any]) -> None:
        for array in arrays:
            if array.ndim != len(self._shape):
                raise invalid(
                    f"Input element had shape ({to_text(array.shape)}) that is incompatible with the row shape ({to_text(self._shape)})."
                )
            for have, room in zip(array.shape, self._shape, strict=True):
                if 0 <= room < have:
                    raise invalid(
                        f"Input element had shape ({to_text(array.shape)}) that is larger than the row shape ({to_text(self._shape)})."
                    )


# ---- windows


class ListDataset(HostDataset):
    """Elements that are there."""

    type_string = "Window"

    def __init__(self, op: Any, elements: list[Element], types: Any = None, shapes: Any = None):
        super().__init__(op)
        self.elements = elements
        if types is not None:
            self.types, self.shapes = types, shapes

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives them."""
        return _Elements(self.elements)

    def cardinality(self) -> int:
        """How many there are."""
        return len(self.elements)


class _Elements(HostIterator):
    def __init__(self, elements: list[Element]):
        self._elements = iter(elements)

    def get_next(self) -> Element | None:
        """The next one."""
        return next(self._elements, None)


@unary_row("WindowDataset")
class WindowDataset(HostDataset):
    """Datasets of consecutive elements."""

    type_string = "Window"

    def __init__(self, op: Any, source: HostDataset, size: Any, shift: Any, stride: Any, drop_remainder: Any):
        super().__init__(op, source)
        self.size, self.shift, self.stride = integer(size), integer(shift), integer(stride)
        self.drop = bool(drop_remainder)
        for value, name in ((self.size, "size"), (self.shift, "shift"), (self.stride, "stride")):
            if value <= 0:
                raise invalid(f"Window {name} must be greater than zero.")

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives windows."""
        return _Windows(self.inputs[0].iterator(root, prefix), self)

    def cardinality(self) -> int:
        """How many windows there are."""
        count = self.inputs[0].cardinality()
        if count < 0 or self.shift <= 0:
            return count
        if not self.drop:
            return -(-count // self.shift)
        span = (self.size - 1) * self.stride + 1
        return max(0, (count - span) // self.shift + 1)


class _Windows(HostIterator):
    def __init__(self, source: HostIterator, dataset: WindowDataset):
        self._source: HostIterator | None = source
        self._dataset = dataset
        self._buffer: deque[Any] = deque()

    def get_next(self) -> Element | None:
        """The next window: one dataset for each component."""
        dataset = self._dataset
        span = (dataset.size - 1) * dataset.stride + 1
        self._fill(span)
        if not self._buffer or (dataset.drop and len(self._buffer) < span):
            self._buffer.clear()
            return None
        elements = [self._buffer[i] for i in range(0, min(span, len(self._buffer)), dataset.stride)]
        self._move(dataset.shift)
        return self._window(elements)

    def _fill(self, span: int) -> None:
        if self._source is not None and len(self._buffer) < span:
            self._buffer.extend(self._source.get_many(span - len(self._buffer)))
            if len(self._buffer) < span:
                self._source = None

    def _move(self, shift: int) -> None:
        for _ in range(min(shift, len(self._buffer))):
            self._buffer.popleft()
            shift -= 1
        while shift and self._source is not None:
            shift -= 1
            if self._source.get_next() is None:
                self._source = None

    def _window(self, elements: list[Element]) -> Element:
        source = self._dataset.inputs[0]
        return tuple(
            boxed(
                ListDataset(
                    self._dataset.op, [(e[i],) for e in elements], source.types[i : i + 1], source.shapes[i : i + 1]
                )
            )
            for i in range(len(elements[0]))
        )


@unary_row("SlidingWindowDataset", "ExperimentalSlidingWindowDataset")
class SlidingWindowDataset(WindowDataset):
    """Batches of consecutive elements."""

    type_string = "SlidingWindow"

    def __init__(self, op: Any, source: HostDataset, size: Any, shift: Any, stride: Any):
        super().__init__(op, source, size, shift, stride, True)

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives batches."""
        return _SlidingBatches(self.inputs[0].iterator(root, prefix), self)


class _SlidingBatches(_Windows):
    def _window(self, elements: list[Element]) -> Element:
        return stacked(elements, _DIFFERENT)


# ---- rows of batches


@unary_row("UnbatchDataset", "ExperimentalUnbatchDataset")
class UnbatchDataset(HostDataset):
    """The rows of elements."""

    type_string = "Unbatch"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives rows."""
        return _Unbatched(self.inputs[0].iterator(root, prefix))

    def cardinality(self) -> int:
        """Unknown, but for the first axis."""
        size = self.inputs[0].cardinality()
        shapes = self.inputs[0].shapes
        first = next((s[0] for s in shapes if s and s[0] is not None), None)
        return size * first if size > 0 and first is not None else size if size == 0 else UNKNOWN


class _Unbatched(HostIterator):
    def __init__(self, source: HostIterator):
        self._source, self._row, self._rows = source, 0, 0
        self._element: Element = ()

    def get_next(self) -> Element | None:
        """The next row."""
        while self._row >= self._rows:
            found = self._source.get_next()
            if found is None:
                return None
            if any(np.ndim(v) == 0 for v in found):
                raise invalid("Input element must have a non-scalar value in each component.")
            sizes = {np.shape(v)[0] for v in found}
            if len(sizes) > 1:
                sizes_shown = [np.shape(v)[0] for v in found]
                raise invalid(
                    f"Input element must have the same batch size in each component. Component 0 had size {sizes_shown[0]} but component {next(i for i, n in enumerate(sizes_shown) if n != sizes_shown[0])} had size, {next(n for n in sizes_shown if n != sizes_shown[0])}."
                )
            self._element, self._row, self._rows = found, 0, sizes.pop()
        self._row += 1
        return tuple([v[self._row - 1, ...] for v in self._element])
