"""Datasets that put elements of one key together."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.data.host.batching import ListDataset
from retrograph.data.host.calls import Call, HostFunction
from retrograph.data.host.engine import Element, HostDataset, HostIterator, Root, boxed, dataset_row, invalid, unboxed


def _parts(op: Any, names: tuple[str, ...], rest: Any) -> list[HostFunction]:
    """The functions of an operation, each with what it captured."""
    found, place = [], 0
    for name in names:
        count = len(op._attrs[f"T{name}_other_arguments"])
        found.append(HostFunction(op, name, rest[place : place + count]))
        place += count
    return found


def _key(call: Call, element: Element) -> int:
    result = call(*element)
    if len(result) != 1 or result[0].dtype != np.int64 or np.ndim(result[0]) != 0:
        raise invalid("`key_func` must return a scalar int64.")
    return int(result[0])


# ---- windows of a key


@dataset_row("GroupByWindowDataset", "ExperimentalGroupByWindowDataset")
def _by_window(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    return GroupByWindowDataset(op, source, _parts(op, ("key_func", "reduce_func", "window_size_func"), rest))


class GroupByWindowDataset(HostDataset):
    """The elements of the datasets that windows of one key become."""

    type_string = "GroupByWindow"

    def __init__(self, op: Any, source: HostDataset, functions: list[HostFunction]):
        super().__init__(op, source)
        self.functions = functions

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Groups."""
        return _Windows(self, self.inputs[0].iterator(root, prefix), root, prefix)


class _Windows(HostIterator):
    def __init__(self, dataset: GroupByWindowDataset, source: HostIterator, root: Root, prefix: str):
        self._dataset, self._source = dataset, source
        self._root, self._prefix = root, prefix
        self._key, self._reduce, self._size = (f.call(root) for f in dataset.functions)
        self._groups: dict[int, list[Element]] = {}
        self._sizes: dict[int, int] = {}
        self._current: HostIterator | None = None
        self._ended = False

    def get_next(self) -> Element | None:
        """The next element of the current window or the next one."""
        while True:
            if self._current is not None:
                found = self._current.get_next()
                if found is not None:
                    return found
                self._current = None
            key = self._full_group()
            if key is None:
                return None
            self._start(key)

    def _full_group(self) -> int | None:
        while not self._ended:
            element = self._source.get_next()
            if element is None:
                self._ended = True
                break
            key = _key(self._key, element)
            if key not in self._sizes:
                self._sizes[key] = self._size_of(key)
            group = self._groups.setdefault(key, [])
            group.append(element)
            if len(group) == self._sizes[key]:
                return key
        return min(self._groups) if self._groups else None

    def _size_of(self, key: int) -> int:
        size = int(self._size(np.array(key, np.int64))[0])
        if size <= 0:
            raise invalid(f"Window size must be greater than zero, but got {size}.")
        return size

    def _start(self, key: int) -> None:
        source = self._dataset.inputs[0]
        group = ListDataset(self._dataset.op, self._groups.pop(key), source.types, source.shapes)
        self._sizes.pop(key, None)
        made = unboxed(self._reduce(np.array(key, np.int64), boxed(group))[0])
        self._current = made.iterator(self._root, self._prefix)


# ---- one element for each key


@dataset_row("ExperimentalGroupByReducerDataset", "GroupByReducerDataset")
def _by_reducer(op: Any, ctx: Any, source: HostDataset, *rest: Any) -> HostDataset:
    names = ("key_func", "init_func", "reduce_func", "finalize_func")
    return GroupByReducerDataset(op, source, _parts(op, names, rest))


class GroupByReducerDataset(GroupByWindowDataset):
    """What the elements of each key are reduced to, in order of the keys."""

    type_string = "GroupByReducer"

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """Reduces."""
        return _Reduced([f.call(root) for f in self.functions], self.inputs[0].iterator(root, prefix))


class _Reduced(HostIterator):
    def __init__(self, calls: list[Call], source: HostIterator):
        self._key, self._init, self._reduce, self._final = calls
        self._source: HostIterator | None = source
        self._states: dict[int, Element] = {}

    def get_next(self) -> Element | None:
        """The result of the next key."""
        if self._source is not None:
            self._go_through(self._source)
            self._source = None
        if not self._states:
            return None
        key = min(self._states)
        return self._final(*self._states.pop(key))

    def _go_through(self, source: HostIterator) -> None:
        while (element := source.get_next()) is not None:
            key = _key(self._key, element)
            if key not in self._states:
                self._states[key] = self._init(np.array(key, np.int64))
            self._states[key] = self._reduce(*self._states[key], *element)
