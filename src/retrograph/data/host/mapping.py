"""Datasets that call functions of elements: map, filter, flat_map, interleave, scan, generators."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numpy as np

from retrograph.data.host.batching import batches, stacked
from retrograph.data.host.calls import Call, HostFunction
from retrograph.data.host.engine import (
    UNKNOWN,
    Element,
    HostDataset,
    HostIterator,
    Root,
    dataset_row,
    integer,
    invalid,
    unboxed,
)
from retrograph.framework import errors

_OTHER_NUMBER = (
    "Cannot add tensor to the batch: number of elements does not match. Shapes are: [tensor]: {other}, [batch]: {first}"
)


class _Calling(HostDataset):
    """A dataset with one input and one function."""

    attribute = "f"

    def __init__(self, op: Any, source: HostDataset, captured: Any):
        super().__init__(op, source)
        self.function = HostFunction(op, self.attribute, captured)


# ---- map


class MapDataset(_Calling):
    """A function of each element."""

    type_string = "Map"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Calls the function."""
        keeps = bool(self.op._attrs.get("preserve_cardinality"))
        return _Mapped(self.inputs[0].iterator(root, prefix), self.function.call(root), keeps)

    def cardinality(self) -> int:
        """That of the input."""
        return self.inputs[0].cardinality()


class _Mapped(HostIterator):
    def __init__(self, source: HostIterator, call: Call, keeps_cardinality: bool):
        self._source, self._call, self._keeps = source, call, keeps_cardinality

    def get_next(self) -> Element | None:
        """The function of the next element."""
        element = self._source.get_next()
        if element is None:
            return None
        try:
            return self._call(*element)
        except errors.OutOfRangeError as error:
            if self._keeps:
                raise invalid(f"Function invocation produced OutOfRangeError: {error.message}") from None
            return None


@dataset_row("MapDataset", "ExperimentalMapDataset")
def _map(op: Any, ctx: Any, source: HostDataset, *captured: Any) -> HostDataset:
    return MapDataset(op, source, captured)


@dataset_row("ParallelMapDataset")
def _parallel_map(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    *captured, parallel = rest
    if integer(parallel) <= 0 and integer(parallel) != -1:
        raise invalid("num_parallel_calls must be greater than zero.")
    return MapDataset(op, source, captured)


class MapAndBatchDataset(_Calling):
    """A function of each element, stacked. An error takes the whole batch."""

    type_string = "MapAndBatch"

    def __init__(self, op: Any, source: HostDataset, captured: Any, size: int, drop: bool):
        super().__init__(op, source, captured)
        if size <= 0:
            raise invalid("batch_size must be greater than zero.")
        self.size, self.drop = size, drop

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Calls and stacks."""
        return _MappedBatches(self.inputs[0].iterator(root, prefix), self.function.call(root), self)

    def cardinality(self) -> int:
        """That of the input over the size."""
        return batches(self.size, self.inputs[0].cardinality(), self.drop)


class _MappedBatches(HostIterator):
    def __init__(self, source: HostIterator, call: Call, dataset: MapAndBatchDataset):
        self._source: HostIterator | None = source
        self._call, self._size, self._drop = call, dataset.size, dataset.drop
        self._keeps = bool(dataset.op._attrs.get("preserve_cardinality"))

    def get_next(self) -> Element | None:
        """The next batch."""
        if self._source is None:
            return None
        elements = self._source.get_many(self._size)
        if len(elements) < self._size:
            self._source = None
        results = []
        for element in elements:
            try:
                results.append(self._call(*element))
            except errors.OutOfRangeError as error:
                if self._keeps:
                    raise invalid(f"Function invocation produced OutOfRangeError: {error.message}") from None
                self._source = None
                break
        if not results or (self._drop and len(results) < self._size):
            return None
        return stacked(results, _OTHER_NUMBER)


@dataset_row("MapAndBatchDataset", "ExperimentalMapAndBatchDataset")
def _map_and_batch(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    *captured, size, parallel, drop = rest
    if integer(parallel) <= 0 and integer(parallel) != -1:
        raise invalid("num_parallel_calls must be greater than zero.")
    return MapAndBatchDataset(op, source, captured, integer(size), bool(drop))


# ---- filter, take_while


class FilterDataset(_Calling):
    """The elements for which a predicate holds."""

    type_string = "Filter"
    attribute = "predicate"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Asks the predicate."""
        return _Filtered(self.inputs[0].iterator(root, prefix), self.function.call(root))

    def cardinality(self) -> int:
        """Unknown."""
        return UNKNOWN


def _holds(call: Call, element: Element) -> bool:
    result = call(*element)
    if len(result) != 1 or np.ndim(result[0]) != 0 or result[0].dtype != bool:
        raise invalid("Filter predicate `f` must return a scalar bool.")
    return bool(result[0])


class _Filtered(HostIterator):
    def __init__(self, source: HostIterator, call: Call):
        self._source, self._call = source, call

    def get_next(self) -> Element | None:
        """The next element for which the predicate holds."""
        while True:
            element = self._source.get_next()
            if element is None or _holds(self._call, element):
                return element


class TakeWhileDataset(FilterDataset):
    """The elements up to the first for which a predicate does not hold."""

    type_string = "TakeWhile"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Asks the predicate."""
        return _TakenWhile(self.inputs[0].iterator(root, prefix), self.function.call(root))


class _TakenWhile(HostIterator):
    def __init__(self, source: HostIterator, call: Call):
        self._source: HostIterator | None = source
        self._call = call

    def get_next(self) -> Element | None:
        """The next element, as long as the predicate holds."""
        element = None if self._source is None else self._source.get_next()
        if element is not None and _holds(self._call, element):
            return element
        self._source = None
        return None


@dataset_row("FilterDataset")
def _filter(op: Any, ctx: Any, source: HostDataset, *captured: Any) -> HostDataset:
    return FilterDataset(op, source, captured)


@dataset_row("TakeWhileDataset", "ExperimentalTakeWhileDataset")
def _take_while(op: Any, ctx: Any, source: HostDataset, *captured: Any) -> HostDataset:
    return TakeWhileDataset(op, source, captured)


# ---- datasets that functions give


class FlatMapDataset(_Calling):
    """The elements of the datasets that a function gives."""

    type_string = "FlatMap"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes through one dataset after another."""
        return _Interleaved(self, root, prefix, 1, 0)


class InterleaveDataset(_Calling):
    """The elements of several datasets that a function gives, in turn."""

    type_string = "Interleave"

    def __init__(self, op: Any, source: HostDataset, captured: Any, cycle: int, block: int):
        super().__init__(op, source, captured)
        if cycle == -1:
            cycle = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if cycle <= 0:
            raise invalid("cycle_length must be greater than zero.")
        if block <= 0:
            raise invalid("block_length must be greater than zero.")
        self.cycle, self.block = cycle, block

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes around the open datasets."""
        return _Interleaved(self, root, prefix, self.cycle, self.block)


class _Interleaved(HostIterator):
    """Several open iterators. An ended one leaves its place empty until its turn comes again."""

    def __init__(self, dataset: _Calling, root: Root, prefix: str, cycle: int, block: int):
        self._source: HostIterator | None = dataset.inputs[0].iterator(root, prefix)
        self._call = dataset.function.call(root)
        self._root, self._prefix, self._block = root, prefix, block
        self._open: list[HostIterator | None] = [None] * cycle
        self._turn = self._given = self._made = 0

    def get_next(self) -> Element | None:
        """The next element of the dataset whose turn it is."""
        while self._source is not None or any(i is not None for i in self._open):
            current = self._open[self._turn]
            if current is not None:
                found = current.get_next()
                if found is not None:
                    self._count()
                    return found
                self._open[self._turn] = None
                self._next_turn()
            elif self._source is not None:
                self._start(self._source)
            else:
                self._next_turn()
        return None

    def _count(self) -> None:
        self._given += 1
        if self._given == self._block:
            self._next_turn()

    def _next_turn(self) -> None:
        self._given = 0
        self._turn = (self._turn + 1) % len(self._open)

    def _start(self, source: HostIterator) -> None:
        element = source.get_next()
        if element is None:
            self._source = None
            return
        dataset = unboxed(self._call(*element)[0])
        prefix = f"{self._prefix}[{self._made}]"
        self._made += 1
        self._open[self._turn] = dataset.iterator(self._root, prefix)


@dataset_row("FlatMapDataset")
def _flat_map(op: Any, ctx: Any, source: HostDataset, *captured: Any) -> HostDataset:
    return FlatMapDataset(op, source, captured)


@dataset_row("InterleaveDataset")
def _interleave(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    *captured, cycle, block = rest
    return InterleaveDataset(op, source, captured, integer(cycle), integer(block))


@dataset_row("ParallelInterleaveDatasetV2")
def _parallel_interleave(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    *captured, cycle, block, parallel = rest
    number = integer(parallel)
    if number <= 0 and number != -1:
        raise invalid("num_parallel_calls must be greater than zero.")
    if 0 < integer(cycle) < number:
        raise invalid("num_parallel_calls must less than or equal to cycle_length.")
    return InterleaveDataset(op, source, captured, integer(cycle), integer(block))


@dataset_row("ParallelInterleaveDataset", "ExperimentalParallelInterleaveDataset")
def _older_parallel_interleave(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    *captured, cycle, block, _, buffered, prefetched = rest
    for value, name in ((cycle, "cycle_length"), (block, "block_length")):
        if integer(value) <= 0:
            raise invalid(f"`{name}` must be > 0")
    if integer(buffered) <= 0:
        raise invalid("`buffer_output_elements` must be > 0")
    if integer(prefetched) < 0:
        raise invalid("`prefetch_input_elements` must be >= 0")
    return InterleaveDataset(op, source, captured, integer(cycle), integer(block))


# ---- scan, reduce


class ScanDataset(_Calling):
    """What a function of (state, element) gives beside the next state."""

    type_string = "Scan"

    def __init__(self, op: Any, source: HostDataset, state: Any, captured: Any):
        super().__init__(op, source, captured)
        self.state = tuple(state)

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Starts with the initial state."""
        return _Scanned(self.inputs[0].iterator(root, prefix), self.function.call(root), self.state)

    def cardinality(self) -> int:
        """That of the input."""
        return self.inputs[0].cardinality()


class _Scanned(HostIterator):
    def __init__(self, source: HostIterator, call: Call, state: Element):
        self._source, self._call, self._state = source, call, state

    def get_next(self) -> Element | None:
        """What the function gives for the next element."""
        element = self._source.get_next()
        if element is None:
            return None
        result = self._call(*self._state, *element)
        count = len(self._state)
        self._state = result[:count]
        return result[count:]


@dataset_row("ScanDataset", "ExperimentalScanDataset")
def _scan(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    count = len(op._attrs["Tstate"])
    return ScanDataset(op, source, rest[:count], rest[count:])


# ---- generators


class GeneratorDataset(HostDataset):
    """What a Python generator gives: functions start it, advance it and end it."""

    type_string = "Generator"

    def __init__(self, op: Any, inputs: Any):
        super().__init__(op)
        counts = [len(op._attrs[f"T{name}_func_args"]) for name in ("init", "next", "finalize")]
        ends = np.cumsum(counts).tolist()
        parts = inputs[: ends[0]], inputs[ends[0] : ends[1]], inputs[ends[1] : ends[2]]
        self.functions = [
            HostFunction(op, f"{n}_func", p) for n, p in zip(("init", "next", "finalize"), parts, strict=True)
        ]

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes through a new generator."""
        return _Generated([f.call(root) for f in self.functions])

    def cardinality(self) -> int:
        """Unknown."""
        return UNKNOWN


class _Generated(HostIterator):
    def __init__(self, calls: list[Call]):
        self._start, self._next, self._end = calls
        self._state: Element | None = None
        self._ended = False

    def get_next(self) -> Element | None:
        """What the generator gives next."""
        if self._ended:
            return None
        if self._state is None:
            self._state = self._start()
        try:
            return self._next(*self._state)
        except errors.OutOfRangeError:
            self._finish()
            return None

    def _finish(self) -> None:
        if self._state is not None and not self._ended:
            self._end(*self._state)
        self._ended = True

    def __del__(self) -> None:
        with suppress(Exception):
            self._finish()


@dataset_row("GeneratorDataset")
def _generator(op: Any, ctx: Any, *inputs: Any) -> HostDataset:
    return GeneratorDataset(op, inputs)
