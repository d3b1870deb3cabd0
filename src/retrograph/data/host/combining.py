"""Datasets of several others, and those that only change how elements are gone through."""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.data.host.batching import BatchDataset
from retrograph.data.host.engine import (
    INFINITE,
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
from retrograph.data.host.mapping import MapAndBatchDataset, MapDataset
from retrograph.data.host.ordering import (
    RepeatDataset,
    ShuffleAndRepeatDataset,
    ShuffleDataset,
    SkipDataset,
    TakeDataset,
)
from retrograph.data.host.sources import TensorSliceDataset
from retrograph.framework import errors
from retrograph.runtime import exits

# ---- several


@dataset_row("ZipDataset")
def _zip(op: Any, ctx: Any, *sources: HostDataset) -> HostDataset:
    return ZipDataset(op, *sources)


class ZipDataset(HostDataset):
    """Elements put together."""

    type_string = "Zip"

    def base(self) -> Element | None:
        """The rows of arrays, if all inputs are such."""
        if not all(isinstance(d, TensorSliceDataset) for d in self.inputs):
            return None
        count = min(d.cardinality() for d in self.inputs)
        return tuple(a[:count] for d in self.inputs for a in d.base() or ())

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes through all inputs at once."""
        if rows:
            shortest = min(self.inputs, key=lambda d: d.cardinality())
            return shortest.iterator(root, prefix, rows=True)
        return _Zipped([d.iterator(root, f"{prefix}[{i}]") for i, d in enumerate(self.inputs)])

    def cardinality(self) -> int:
        """That of the shortest."""
        sizes = [d.cardinality() for d in self.inputs]
        if UNKNOWN in sizes:
            return UNKNOWN
        finite = [s for s in sizes if s != INFINITE]
        return min(finite) if finite else INFINITE


class _Zipped(HostIterator):
    def __init__(self, sources: list[HostIterator]):
        self._sources: list[HostIterator] | None = sources

    def get_next(self) -> Element | None:
        """An element of each."""
        found: list[Any] = []
        for source in self._sources or ():
            part = source.get_next()
            if part is None:
                self._sources = None
                return None
            found += part
        return tuple(found) if self._sources else None


@dataset_row("DirectedInterleaveDataset", "ExperimentalDirectedInterleaveDataset")
def _directed(op: Any, ctx: Any, selector: HostDataset, *sources: HostDataset) -> HostDataset:
    return DirectedInterleaveDataset(op, selector, *sources)


class DirectedInterleaveDataset(HostDataset):
    """Elements of the datasets whose numbers the first one gives."""

    type_string = "DirectedInterleave"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Asks the selector."""
        sources = [d.iterator(root, f"{prefix}[{i}]") for i, d in enumerate(self.inputs)]
        return _Directed(sources[0], sources[1:])


class _Directed(HostIterator):
    def __init__(self, selector: HostIterator, sources: list[HostIterator]):
        self._selector: HostIterator | None = selector
        self._sources: list[HostIterator | None] = list(sources)

    def get_next(self) -> Element | None:
        """The next element of the selected dataset; of those that have ended none."""
        while self._selector is not None:
            choice = self._selector.get_next()
            if choice is None:
                self._selector = None
                break
            found = self._of(int(choice[0]))
            if found is not None:
                return found
            if not any(self._sources):
                self._selector = None
        return None

    def _of(self, number: int) -> Element | None:
        if not 0 <= number < len(self._sources):
            raise invalid(f"Selector index out of range: {number} >= {len(self._sources)}")
        source = self._sources[number]
        found = None if source is None else source.get_next()
        if found is None:
            self._sources[number] = None
        return found


# ---- one


class _Through(HostDataset):
    """The elements of the input."""

    reorders = True

    def __init__(self, op: Any, source: HostDataset, *rest: Any):
        super().__init__(op, source)

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """The input's iterator."""
        return self.inputs[0].iterator(root, prefix, rows)


for _types, _name in (
    (("ModelDataset",), "Model"),
    (("NonSerializableDataset", "ExperimentalNonSerializableDataset"), "NonSerializable"),
    (("MaxIntraOpParallelismDataset", "ExperimentalMaxIntraOpParallelismDataset"), "MaxIntraOpParallelism"),
    (("PrivateThreadPoolDataset", "ExperimentalPrivateThreadPoolDataset"), "PrivateThreadPool"),
    (("ThreadPoolDataset", "ExperimentalThreadPoolDataset"), "ThreadPool"),
    (("AutoShardDataset", "ExperimentalAutoShardDataset"), "AutoShard"),
    (("AssertNextDataset", "ExperimentalAssertNextDataset"), "AssertNext"),
    (("ChooseFastestDataset", "ExperimentalChooseFastestDataset"), "ChooseFastest"),
    (("LatencyStatsDataset", "ExperimentalLatencyStatsDataset"), "LatencyStats"),
    (("BytesProducedStatsDataset", "ExperimentalBytesProducedStatsDataset"), "BytesProducedStats"),
    (("SetStatsAggregatorDataset", "ExperimentalSetStatsAggregatorDataset"), "SetStatsAggregator"),
):
    unary_row(*_types)(type(_name, (_Through,), {"type_string": _name}))


@unary_row("IgnoreErrorsDataset", "ExperimentalIgnoreErrorsDataset")
class IgnoreErrorsDataset(HostDataset):
    """The elements that come without an error."""

    type_string = "IgnoreErrors"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes on after errors."""
        return _WithoutErrors(self.inputs[0].iterator(root, prefix))


class _WithoutErrors(HostIterator):
    def __init__(self, source: HostIterator):
        self._source = source

    def get_next(self) -> Element | None:
        """The next element that comes."""
        while True:
            try:
                return self._source.get_next()
            except errors.CancelledError:
                raise
            except errors.OpError:
                continue


@unary_row("UniqueDataset", "ExperimentalUniqueDataset")
class UniqueDataset(HostDataset):
    """Elements that have not come before."""

    type_string = "Unique"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Notes what has come."""
        return _Unique(self.inputs[0].iterator(root, prefix))


class _Unique(HostIterator):
    def __init__(self, source: HostIterator):
        self._source = source
        self._seen: set[Any] = set()

    def get_next(self) -> Element | None:
        """The next new element."""
        while True:
            found = self._source.get_next()
            if found is None:
                return None
            array = np.asarray(found[0])
            key = (array.shape, tuple(array.reshape(-1).tolist()))
            if key not in self._seen:
                self._seen.add(key)
                return found


@unary_row("SleepDataset", "ExperimentalSleepDataset")
class SleepDataset(_Through):
    """The elements, each after a pause."""

    type_string = "Sleep"
    reorders = False

    def __init__(self, op: Any, source: HostDataset, microseconds: Any):
        super().__init__(op, source)
        self.seconds = integer(microseconds) / 1e6

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Pauses."""
        return _Slow(self.inputs[0].iterator(root, prefix), self.seconds)


class _Slow(HostIterator):
    def __init__(self, source: HostIterator, seconds: float):
        self._source, self._seconds = source, seconds

    def get_next(self) -> Element | None:
        """The next element."""
        time.sleep(self._seconds)
        return self._source.get_next()


# ---- elements made ahead


@unary_row("PrefetchDataset")
class PrefetchDataset(HostDataset):
    """The elements, made before they are asked for."""

    type_string = "Prefetch"

    def __init__(self, op: Any, source: HostDataset, buffer_size: Any):
        super().__init__(op, source)
        self.size = integer(buffer_size)
        if self.size < -1:
            raise invalid("buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning")

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """A buffer that a thread fills."""
        source = self.inputs[0].iterator(root, prefix)
        return source if self.size == 0 else _Ahead(source, 2 if self.size < 0 else self.size, root)

    def cardinality(self) -> int:
        """That of the input."""
        return self.inputs[0].cardinality()


class _Buffer:
    """What the thread that makes elements and the one that takes them share."""

    def __init__(self, size: int):
        self.size = size
        self.ready: deque[Any] = deque()
        self.changed = threading.Condition()
        self.over = False

    def room(self, root: Root) -> bool:
        """Waits until there is room; False if no more are wanted."""
        with self.changed:
            while len(self.ready) >= self.size and not self.over:
                self.changed.wait(1.0)
                if root.closed:
                    return False
            return not self.over and not root.closed

    def put(self, item: Any) -> None:
        """Adds an element, None (the end) or an error."""
        with self.changed:
            self.ready.append(item)
            self.changed.notify_all()

    def take(self, root: Root) -> Any:
        """The next of them, waited for."""
        with self.changed:
            while not self.ready:
                if root.closed:
                    raise errors.CancelledError(None, None, "Session has been closed.")
                self.changed.wait(0.5)
            item = self.ready.popleft()
            self.changed.notify_all()
            return item

    def stop(self) -> None:
        """Ends the thread."""
        self.over = True
        with self.changed:
            self.changed.notify_all()


def _fill(buffer: _Buffer, source: HostIterator, root: Root) -> None:
    exits.note_thread()
    while buffer.room(root):
        item: Any
        try:
            item = source.get_next()
        except BaseException as error:
            item = error
        buffer.put(item)
        if item is None:
            break


class _Ahead(HostIterator):
    def __init__(self, source: HostIterator, size: int, root: Root):
        self._source: HostIterator | None = source
        self._root, self._buffer = root, _Buffer(size)
        self._started = False

    def get_next(self) -> Element | None:
        """The next element that is ready."""
        if self._source is None:
            return None
        if not self._started:
            self._started = True
            arguments = (self._buffer, self._source, self._root)
            threading.Thread(target=_fill, args=arguments, name="tf_data_prefetch", daemon=True).start()
        item = self._buffer.take(self._root)
        if item is None:
            self._source = None
        if isinstance(item, BaseException):
            raise item
        return item  # type: ignore[no-any-return]

    def __del__(self) -> None:
        self._buffer.stop()


# ---- rewrites


@dataset_row("OptimizeDataset")
def _optimize(op: Any, ctx: Any, source: HostDataset, names: Any) -> HostDataset:
    wanted = {n.decode() if isinstance(n, bytes) else n for n in np.asarray(names).reshape(-1).tolist()}
    rewrites = [rewrite for name, rewrite in _REWRITES.items() if name in wanted]
    return _rewritten(source, rewrites)


def _rewritten(dataset: HostDataset, rewrites: list[Callable[[Any], HostDataset]]) -> HostDataset:
    inputs = tuple(_rewritten(d, rewrites) for d in dataset.inputs)
    if any(a is not b for a, b in zip(inputs, dataset.inputs, strict=True)):
        dataset = copy.copy(dataset)
        dataset.inputs = inputs
    for rewrite in rewrites:
        dataset = rewrite(dataset)
    return dataset


def _without_noop(dataset: Any) -> HostDataset:
    idle = (
        (isinstance(dataset, RepeatDataset) and dataset.count == 1)
        or (isinstance(dataset, TakeDataset) and dataset.count == -1)
        or (isinstance(dataset, SkipDataset) and dataset.count == 0)
        or (isinstance(dataset, PrefetchDataset) and dataset.size == 0)
    )
    return dataset.inputs[0] if idle else dataset  # type: ignore[no-any-return]


def _with_fused_shuffle(dataset: Any) -> HostDataset:
    source = dataset.inputs[0] if isinstance(dataset, RepeatDataset) else None
    if not isinstance(source, ShuffleDataset) or not source.reshuffle or dataset.count < -1 or not dataset.count:
        return dataset  # type: ignore[no-any-return]
    return ShuffleAndRepeatDataset(dataset.op, source.inputs[0], source.size, *source.seeds, dataset.count)


def _with_fused_map(dataset: Any) -> HostDataset:
    source = dataset.inputs[0] if isinstance(dataset, BatchDataset) else None
    if type(source) is not MapDataset:
        return dataset  # type: ignore[no-any-return]
    fused = MapAndBatchDataset.__new__(MapAndBatchDataset)
    HostDataset.__init__(fused, source.op, source.inputs[0])
    fused.types, fused.shapes = dataset.types, dataset.shapes
    fused.function, fused.size, fused.drop = source.function, dataset.size, dataset.drop
    return fused


_REWRITES: dict[str, Callable[[Any], HostDataset]] = {
    "noop_elimination": _without_noop,
    "map_and_batch_fusion": _with_fused_map,
    "shuffle_and_repeat_fusion": _with_fused_shuffle,
}


# ---- variants in variants


class _Wrapped:
    """A dataset that travels as a plain value."""

    def __init__(self, dataset: HostDataset):
        self.dataset = dataset


def wrapped(dataset: HostDataset) -> Any:
    """A dataset in a box."""
    return boxed(_Wrapped(dataset))
