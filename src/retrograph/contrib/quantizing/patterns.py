"""Patterns of operations in a graph, matched from an operation back through its inputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor

_ANY = "*"


class Match:
    """What each pattern has matched: an operation, and the tensor by which it was reached."""

    def __init__(self, found: dict[Pattern, tuple[Operation, Tensor | None]]):
        self._found = found

    def op(self, *patterns: Pattern) -> Any:
        """The operation of the first of the patterns that matched; else None."""
        return next((self._found[p][0] for p in patterns if p in self._found), None)

    def tensor(self, *patterns: Pattern) -> Any:
        """The tensor of the first of the patterns that matched; else None."""
        return next((self._found[p][1] for p in patterns if p in self._found), None)


class Pattern:
    """Operations of some types (`Conv2D|MatMul`, `*` for any) whose inputs match; any inputs, if none are given."""

    def __init__(self, types: str, *inputs: Pattern | str, any_order: bool = False):
        self._types = types.split("|")
        self._inputs = [Pattern(x) if isinstance(x, str) else x for x in inputs]
        self._any_order = any_order

    def match(self, op: Operation, tensor: Tensor | None = None) -> dict[Pattern, Any] | None:
        """What was matched by each pattern, or None."""
        if self._types != [_ANY] and op.type not in self._types:
            return None
        found: dict[Pattern, Any] = {self: (op, tensor)}
        if not self._inputs:
            return found
        if len(op.inputs) != len(self._inputs):
            return None
        orders = itertools.permutations(self._inputs) if self._any_order else [tuple(self._inputs)]
        return found if any(_match_all(op, order, found) for order in orders) else None

    def matches(self, graph: Graph) -> Iterator[Match]:
        """The matches of all operations that the graph has now."""
        for op in graph.get_operations():
            found = self.match(op)
            if found is not None:
                yield Match(found)


class OneOf(Pattern):
    """The first of several patterns that matches."""

    def __init__(self, *patterns: Pattern):
        super().__init__(_ANY)
        self._patterns = patterns

    def match(self, op: Operation, tensor: Tensor | None = None) -> dict[Pattern, Any] | None:
        """What was matched by each pattern, or None."""
        return next((found for found in (p.match(op, tensor) for p in self._patterns) if found is not None), None)


def _match_all(op: Operation, patterns: tuple[Pattern, ...], found: dict[Pattern, Any]) -> bool:
    for tensor, pattern in zip(op.inputs, patterns, strict=True):
        below = pattern.match(tensor.op, tensor)
        if below is None:
            return False
        found.update(below)
    return True
