"""Which variables are made in a block: what an object that holds them saves in object-based checkpoints."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph


class Part(NamedTuple):
    """An object that another one holds, and its name there."""

    name: str
    ref: Any


class _Block:
    def __init__(self, graph: Any):
        self.graph = graph
        self.inner: list[tuple[str, Any, list[Any]]] = []
        self._before = self._counts()

    def _lists(self) -> list[Any]:
        keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES)
        return [self.graph.get_collection(key) for key in keys]

    def _counts(self) -> list[int]:
        return [len(one) for one in self._lists()]

    def made(self) -> list[Any]:
        """The variables made since the block began."""
        return [v for one, start in zip(self._lists(), self._before, strict=True) for v in one[start:]]


class _Open(threading.local):
    """The blocks that a thread is in, as default graphs are a thread's own."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []


_open = _Open()


def _below(name: str, prefix: str) -> str:
    return name[len(prefix) + 1 :] if prefix and name.startswith(prefix + "/") else name


@contextlib.contextmanager
def capturing(holder: Any, prefix: str, parts: dict[str, Any]) -> Iterator[None]:
    """Puts the variables made inside into `parts`, by their names below `prefix`.

    A block inside that belongs to another object counts as that object.
    """
    block = _Block(get_default_graph())
    _open.blocks.append(block)
    try:
        yield
    finally:
        _open.blocks.remove(block)
    made = block.made()
    owners = {id(v): (name, owner) for name, owner, variables in block.inner for v in variables}
    for variable in made:
        name, part = owners.get(id(variable), (variable.op.name, variable))
        parts.setdefault(_below(name, prefix), part)
    if _open.blocks and _open.blocks[-1].graph is block.graph:
        _open.blocks[-1].inner.append((prefix, holder, made))
