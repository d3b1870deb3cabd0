"""Names as a tree of scopes, with sums, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Shape = Sequence[int | None] | None


class Leaf(NamedTuple):
    """A named thing below a scope: what to show beside its name, and what it counts for."""

    name: str
    shape: Shape
    dtype: str
    parameters: int
    bytes: int
    note: str = ""


class _Scope:
    def __init__(self) -> None:
        self.scopes: dict[str, _Scope] = {}
        self.leaves: dict[str, Leaf] = {}
        self.count = self.parameters = self.bytes = 0

    def add(self, parts: list[str], leaf: Leaf) -> None:
        """Puts a leaf below this scope."""
        self.count += 1
        self.parameters += leaf.parameters
        self.bytes += leaf.bytes
        if len(parts) == 1:
            self.leaves[parts[0]] = leaf
        else:
            self.scopes.setdefault(parts[0], _Scope()).add(parts[1:], leaf)


def counted(number: int) -> str:
    """A number with thousands apart: `1,234,567`."""
    return f"{number:,}"


def many(number: int, what: str) -> str:
    """A number of things: `1 tensor`, `1,234 tensors`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def sized(number: int) -> str:
    """A number of bytes in the unit that fits: `1.5 MiB`."""
    value, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def shown(shape: Shape) -> str:
    """A shape as people write it: `[3,3,64]`, `[?,10]`, `unknown`."""
    if shape is None:
        return "unknown"
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def rendered(leaves: Iterable[Leaf]) -> list[str]:
    """The lines of the tree: scopes with their sums, leaves with shape, type and note, in columns."""
    root = _Scope()
    for leaf in leaves:
        root.add(leaf.name.split("/"), leaf)
    rows = list(_rows(root, 0))
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(5)]
    return [_line(row, widths).rstrip() for row in rows]


def _rows(scope: _Scope, depth: int) -> Iterator[tuple[str, ...]]:
    for name in sorted({*scope.scopes, *scope.leaves}, key=_natural):
        if name in scope.leaves:
            leaf = scope.leaves[name]
            numbers = counted(leaf.parameters), sized(leaf.bytes) if leaf.bytes else ""
            yield ("  " * depth + name, shown(leaf.shape), leaf.dtype, *numbers, leaf.note)
        if name in scope.scopes:
            inner = scope.scopes[name]
            numbers = counted(inner.parameters), sized(inner.bytes) if inner.bytes else ""
            yield ("  " * depth + name + "/", "", "", *numbers, "")
            yield from _rows(inner, depth + 1)


def _natural(name: str) -> list[Any]:
    """Sorts `layer_2` before `layer_10`."""
    parts: list[Any] = []
    digits = ""
    for sign in name + "\0":
        if sign.isdigit() and sign.isascii():
            digits += sign
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, sign))
    return parts


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, shape, dtype, parameters, size, note = row
    columns = [name.ljust(widths[0]), shape.ljust(widths[1]), dtype.ljust(widths[2])]
    return "  ".join([*columns, parameters.rjust(widths[3]), size.rjust(widths[4]), note])
