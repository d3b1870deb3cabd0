"""How often each variable scope was opened: what default names are numbered by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Opened:
    """One full scope name: how often it was opened, what was opened below it, where numbering goes on."""

    __slots__ = ("below", "count", "numbers")

    def __init__(self) -> None:
        self.count = 0
        self.below: dict[str, Opened] = {}
        self.numbers: dict[str, int] = {}

    def copy(self) -> Opened:
        """The same counts, here and below."""
        made = Opened()
        made.count, made.numbers = self.count, dict(self.numbers)
        made.below = {name: node.copy() for name, node in self.below.items()}
        return made


class OpenedNames:
    """A table from full scope names to counts, as a tree: leaving a scope forgets its subtree at the cost of one step,
    and what was done since a mark can be undone without a copy of the table."""

    def __init__(self) -> None:
        self._root = Opened()
        self._undo: list[tuple[Callable[..., Any], Any, Any, Any]] = []
        self._marks = 0

    def copy(self) -> OpenedNames:
        """A table of its own with the same counts, without marks."""
        made = OpenedNames()
        made._root = self._root.copy()
        return made

    def _node(self, name: str, start: Opened | None = None) -> Opened:
        node = start or self._root
        for part in name.split("/"):
            node = node.below.get(part) or node.below.setdefault(part, Opened())
        return node

    def add(self, name: str, outer: Opened | None = None) -> Opened:
        """Counts one more opening of `name`, a full name or one below `outer`; gives its place."""
        outer = outer or self._root
        node = outer.below.get(name) or self._node(name, outer)
        if self._marks:
            self._undo.append((setattr, node, "count", node.count))
        node.count += 1
        return node

    def forget_below(self, node: Opened) -> None:
        """Sets everything below a place that `add` gave back to zero."""
        if not node.below:
            return
        if self._marks:
            self._undo.append((setattr, node, "below", node.below))
            self._undo.append((setattr, node, "numbers", node.numbers))
        node.below, node.numbers = {}, {}

    def unused(self, prefix: str, default: str) -> str:
        """`default`, or with the first number such that it was not opened under `prefix`."""
        if not self._count(prefix, default):
            return default
        numbers = (self._node(prefix) if prefix else self._root).numbers
        # Below a slash, names are forgotten apart from these numbers.
        number = first = 1 if "/" in default else numbers.get(default, 1)
        while self._count(prefix, f"{default}_{number}"):
            number += 1
        if number != first:
            if self._marks:
                self._undo.append((dict.__setitem__, numbers, default, first))
            numbers[default] = number
        return f"{default}_{number}"

    def _count(self, prefix: str, name: str) -> int:
        return self._node(prefix + "/" + name if prefix else name).count

    def mark(self) -> int:
        """A state to come back to."""
        self._marks += 1
        return len(self._undo)

    def restore(self, mark: int) -> None:
        """Undoes what was done since `mark`, the latest one."""
        undo = self._undo
        while len(undo) > mark:
            change, target, key, old = undo.pop()
            change(target, key, old)
        self._marks -= 1
