"""Datasets that give elements of others in another order or number, and never look into them."""

from __future__ import annotations

from collections import deque
from typing import Any

from retrograph.data.host.engine import (
    INFINITE,
    UNKNOWN,
    Element,
    HostDataset,
    HostIterator,
    Root,
    Words,
    integer,
    invalid,
    multiplied,
    unary_row,
)
from retrograph.data.host.sources import drawn_seeds
from retrograph.framework import errors

# The elements in the buffer come from no more rounds than this.
_MOST_ROUNDS = 3


class _Empty(HostIterator):
    def get_next(self) -> Element | None:
        """Nothing."""
        return None


# ---- repeat, take, skip, shard


@unary_row("RepeatDataset")
class RepeatDataset(HostDataset):
    """The elements several times."""

    reorders = True

    def __init__(self, op: Any, source: HostDataset, count: Any):
        super().__init__(op, source)
        self.count = integer(count)
        self.type_string = "ForeverRepeat" if self.count < 0 else "EmptyRepeat" if not self.count else "FiniteRepeat"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes through the input again and again."""
        if not self.count:
            return _Empty()
        return _Repeated(lambda: self.inputs[0].iterator(root, prefix, rows), self.count)

    def cardinality(self) -> int:
        """That of the input, so many times."""
        return multiplied(self.inputs[0].cardinality(), self.count)


class _Repeated(HostIterator):
    def __init__(self, start: Any, count: int):
        self._start, self._left = start, count
        self._current: HostIterator | None = start()
        self._fresh = True

    def get_next(self) -> Any:
        """The next element of this round or the next."""
        while self._current is not None:
            found = self._current.get_next()
            if found is not None:
                self._fresh = False
                return found
            self._advance()
        return None

    def _advance(self) -> None:
        # A round that gave nothing would go on for ever.
        if self._left < 0 and self._fresh:
            self._current = None
            return
        self._left -= 1
        self._fresh = True
        self._current = self._start() if self._left else None

    def get_many(self, count: int) -> list[Any]:
        """The next elements, over as many rounds as that takes."""
        found: list[Any] = []
        while self._current is not None:
            more = self._current.get_many(count - len(found))
            self._fresh = self._fresh and not more
            found += more
            if len(found) == count:
                break
            self._advance()
        return found


@unary_row("TakeDataset")
class TakeDataset(HostDataset):
    """The first elements."""

    reorders = True

    def __init__(self, op: Any, source: HostDataset, count: Any):
        super().__init__(op, source)
        self.count = integer(count)
        self.type_string = "FiniteTake" if self.count else "EmptyTake"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives so many."""
        if not self.count:
            return _Empty()
        source = self.inputs[0].iterator(root, prefix, rows)
        return source if self.count < 0 else _Taken(source, self.count)

    def cardinality(self) -> int:
        """At most that of the input."""
        size = self.inputs[0].cardinality()
        if self.count < 0 or size == UNKNOWN:
            return size
        return self.count if size == INFINITE else min(self.count, size)


class _Taken(HostIterator):
    def __init__(self, source: HostIterator, count: int):
        self._source: HostIterator | None = source
        self._left = count

    def get_next(self) -> Any:
        """The next element, unless enough were given."""
        if self._source is None or self._left <= 0:
            self._source = None
            return None
        found = self._source.get_next()
        if found is None:
            self._source = None
        else:
            self._left -= 1
        return found

    def get_many(self, count: int) -> list[Any]:
        """The next elements."""
        if self._source is None:
            return []
        found = self._source.get_many(min(count, self._left))
        self._left -= len(found)
        return found


@unary_row("SkipDataset")
class SkipDataset(HostDataset):
    """All but the first elements."""

    reorders = True

    def __init__(self, op: Any, source: HostDataset, count: Any):
        super().__init__(op, source)
        self.count = integer(count)
        self.type_string = "EmptySkip" if self.count < 0 else "FiniteSkip"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Leaves so many out."""
        if self.count < 0:
            return _Empty()
        return _Skipped(self.inputs[0].iterator(root, prefix, rows), self.count)

    def cardinality(self) -> int:
        """That of the input less those left out."""
        size = self.inputs[0].cardinality()
        return 0 if self.count < 0 else size if size < 0 else max(0, size - self.count)


class _Skipped(HostIterator):
    def __init__(self, source: HostIterator, count: int):
        self._source, self._left = source, count

    def _skip(self) -> None:
        while self._left:
            self._left -= 1
            if self._source.get_next() is None:
                self._left = 0

    def get_next(self) -> Any:
        """The next element."""
        self._skip()
        return self._source.get_next()

    def get_many(self, count: int) -> list[Any]:
        """The next elements."""
        self._skip()
        return self._source.get_many(count)


@unary_row("ShardDataset")
class ShardDataset(HostDataset):
    """Every so many-th element."""

    type_string = "Shard"
    reorders = True

    def __init__(self, op: Any, source: HostDataset, num_shards: Any, index: Any):
        super().__init__(op, source)
        self.shards, self.index = integer(num_shards), integer(index)
        if self.shards <= 0:
            raise invalid(f"Number of shards must be greater than zero (currently num_shards = {self.shards}).")
        if not 0 <= self.index < self.shards:
            raise invalid(f"Index must be between 0 and {self.shards - 1} (currently index = {self.index}).")

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives its part."""
        strict = self.shards if self.op._attrs.get("require_non_empty") else 0
        return _Shard(self.inputs[0].iterator(root, prefix, rows), self.shards, self.index, strict)

    def cardinality(self) -> int:
        """About the number of elements over the number of shards."""
        size = self.inputs[0].cardinality()
        return size if size < 0 else size // self.shards + (self.index < size % self.shards)


class _Shard(HostIterator):
    def __init__(self, source: HostIterator, shards: int, index: int, strict: int):
        self._source, self._shards, self._index, self._strict = source, shards, index, strict
        self._place = 0

    def get_next(self) -> Any:
        """The next element of this shard."""
        while True:
            found = self._source.get_next()
            if found is None:
                self._check_enough()
                return None
            mine = self._place % self._shards == self._index
            self._place += 1
            if mine:
                return found

    def _check_enough(self) -> None:
        if self._place < self._strict:
            raise invalid(
                "There aren't enough elements in this dataset for each shard to have at least one element (# elems = "
                f"{self._place}, # shards = {self._strict}). If you are using datasets with distribution strategy, "
                "considering turning off dataset autosharding with `tf.data.Options.experimental_distribute.auto_shard = False`."
            )


# ---- shuffle


class _Seeds:
    """Gives each new round of shuffling its seeds."""

    def __init__(self, seed: int, seed2: int):
        self._words = Words(seed, seed2)

    def next(self) -> tuple[int, int]:
        """Two seeds."""
        return self._words.next(), self._words.next()


class _Shuffling(HostDataset):
    reorders = True
    count = 1
    size = 1

    def _set(self, buffer_size: Any, seed: Any, seed2: Any) -> None:
        self.size = integer(buffer_size)
        if self.size <= 0:
            raise invalid("buffer_size must be greater than zero.")
        self.seeds = drawn_seeds(seed, seed2)

    def _shuffled(self, root: Root, prefix: str, rows: bool, seeds: tuple[int, int]) -> HostIterator:
        def start() -> HostIterator:
            return self.inputs[0].iterator(root, prefix, rows)

        return _Shuffled(start, self.size, self.count, Words(*seeds))


@unary_row("ShuffleDataset")
class ShuffleDataset(_Shuffling):
    """Random order, by a buffer; another one in each round if `reshuffle`."""

    type_string = "Shuffle"

    def __init__(self, op: Any, source: HostDataset, buffer_size: Any, seed: Any, seed2: Any):
        super().__init__(op, source)
        self._set(buffer_size, seed, seed2)
        self.reshuffle = op._attrs["reshuffle_each_iteration"]

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Shuffles."""
        seeds = self.seeds
        if self.reshuffle:
            seeds = root.shared(("seeds", prefix), lambda: _Seeds(*self.seeds)).next()
        return self._shuffled(root, prefix, rows, seeds)


@unary_row("ShuffleAndRepeatDataset")
class ShuffleAndRepeatDataset(_Shuffling):
    """Random order over several rounds: a buffer may hold elements of two."""

    type_string = "ShuffleAndRepeat"

    def __init__(self, op: Any, source: HostDataset, buffer_size: Any, seed: Any, seed2: Any, count: Any):
        super().__init__(op, source)
        self._set(buffer_size, seed, seed2)
        self.count = integer(count)
        if self.count == 0 or self.count < -1:
            raise invalid("count must be greater than zero or equal to -1.")

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Shuffles."""
        return self._shuffled(root, prefix, rows, self.seeds)

    def cardinality(self) -> int:
        """That of the input, so many times."""
        return multiplied(self.inputs[0].cardinality(), self.count)


class _Shuffled(HostIterator):
    """A ring of `size` places. What came in one round is drawn before what came in the next."""

    def __init__(self, start: Any, size: int, count: int, words: Words):
        self._start, self._size, self._count, self._words = start, size, count, words
        self._source: HostIterator | None = None
        self._buffer: list[Any] = []
        self._round = self._held = 0
        # [first, end] of each round, as places on an endless tape around the ring.
        self._slices: deque[list[int]] = deque([[0, 0]])
        self._opened = False

    def get_next(self) -> Any:
        """A random element of the oldest round in the buffer."""
        if not self._opened:
            self._opened = True
            self._source = self._start()
            if not self._fill(first=True):
                return None
        elif self._source is not None and self._held < self._size:
            self._fill()
        return self._draw() if self._held else None

    def _draw(self) -> Any:
        slices = self._slices
        while slices[0][0] == slices[0][1]:
            slices.popleft()
        oldest, buffer, size = slices[0], self._buffer, self._size
        start = oldest[0]
        index = (start + self._words.next() % (oldest[1] - start)) % size
        found = buffer[index]
        buffer[index] = buffer[start % size]
        oldest[0] = start + 1
        self._held -= 1
        return found

    def get_many(self, count: int) -> list[Any]:
        """The next elements."""
        found: list[Any] = []
        while len(found) < count:
            element = self.get_next()
            if element is None:
                break
            found.append(element)
        return found

    def _put(self, elements: list[Any]) -> None:
        newest, buffer, size = self._slices[-1], self._buffer, self._size
        end = newest[1]
        for element in elements:
            place = end % size
            if place < len(buffer):
                buffer[place] = element
            else:
                buffer.append(element)
            end += 1
        newest[1] = end
        self._held += len(elements)

    def _fill(self, first: bool = False) -> bool:
        """Fills the buffer up; False if the very first round has nothing and there would be no end of rounds."""
        empty = first
        while self._source is not None and self._held < self._size:
            room = self._size - self._held
            one = len(self._slices) > _MOST_ROUNDS
            elements = self._source.get_many(1 if one else room)
            if elements:
                empty = False
                self._put(elements)
                if one:
                    break
                if len(elements) == room:
                    break
            if empty and self._count == -1:
                self._source = None
                return False
            self._next_round()
            if len(self._slices) > _MOST_ROUNDS:
                break
        return True

    def _next_round(self) -> None:
        self._round += 1
        end = self._slices[-1][1]
        self._slices.append([end, end])
        if self._count == -1 or self._round < self._count:
            self._source = self._start()
        else:
            self._source = None


# ---- one after another, cache


class _Concatenated(HostIterator):
    def __init__(self, first: HostIterator, start_second: Any):
        self._current, self._start_second = first, start_second

    def get_next(self) -> Any:
        """The next element of the first, then of the second."""
        found = self._current.get_next()
        if found is None and self._start_second is not None:
            self._current, self._start_second = self._start_second(), None
            found = self._current.get_next()
        return found


@unary_row("ConcatenateDataset")
class ConcatenateDataset(HostDataset):
    """The elements of one dataset, then those of another."""

    type_string = "Concatenate"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Gives both."""
        first, second = self.inputs
        return _Concatenated(first.iterator(root, prefix + "[0]"), lambda: second.iterator(root, prefix + "[1]"))

    def cardinality(self) -> int:
        """The sum."""
        sizes = [d.cardinality() for d in self.inputs]
        return INFINITE if INFINITE in sizes else UNKNOWN if UNKNOWN in sizes else sum(sizes)


@unary_row("CacheDataset", "CacheDatasetV2")
class CacheDataset(HostDataset):
    """The elements, kept in memory for as long as the iterator is not initialized again."""

    type_string = "MemoryCache"
    reorders = True

    def __init__(self, op: Any, source: HostDataset, filename: Any, *rest: Any):
        super().__init__(op, source)
        name = filename.item() if hasattr(filename, "item") else filename
        if name:
            raise errors.UnimplementedError(None, op, f"Dataset.cache: a cache in a file ({name!r}) is not supported")

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Goes through the input, or through what was kept."""
        kept: list[Any] = root.shared(("cache", prefix, self), list)
        if kept and kept[-1] is None:
            return _Kept(kept)
        kept.clear()
        return _Keeping(self.inputs[0].iterator(root, prefix, rows), kept)


class _Kept(HostIterator):
    def __init__(self, kept: list[Any]):
        self._kept, self._place = kept, 0

    def get_next(self) -> Any:
        """The next that was kept."""
        found = self._kept[self._place]
        self._place += found is not None
        return found


class _Keeping(HostIterator):
    def __init__(self, source: HostIterator, kept: list[Any]):
        self._source, self._kept = source, kept
        self._own: list[Any] = []

    def get_next(self) -> Any:
        """The next element, kept; all are at the end."""
        found = self._source.get_next()
        if found is not None:
            self._own.append(found)
        elif not self._kept:
            self._kept.extend([*self._own, None])
        return found
