"""What a graph holds: its variables or weights by scope, who shares them, its operations, inputs and outputs."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from retrograph.cli.tree import Leaf, Shape
from retrograph.framework.dtypes import as_dtype

_VARIABLES = frozenset(("VariableV2", "Variable", "VarHandleOp"))
_READS = frozenset(("Identity", "ReadVariableOp", "Enter", "Switch"))
_PLACEHOLDERS = frozenset(("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"))
_BESIDE = ("Assign", "Apply", "ResourceApply", "SparseApply", "ResourceSparseApply", "Save", "Restore", "Scatter")
_ASIDE = ("gradients", "save")
_NO_OUTPUT = frozenset(("NoOp", "Const", "Assert", "Shape", "Print", *_VARIABLES))


class Endpoint(NamedTuple):
    """What goes into a graph, or comes out of it."""

    name: str
    dtype: str
    shape: Shape


class GraphReport:
    """A graph as people ask about it.

    `leaves` are its variables; for a frozen graph, which has none, its constants of more than one number.
    """

    def __init__(self, graph_def: Any):
        self._nodes = {node.name: node for node in graph_def.node}
        self._takers: dict[str, list[str]] = collections.defaultdict(list)
        for node in graph_def.node:
            for name in node.input:
                self._takers[_node_name(name)].append(node.name)
        self.types = collections.Counter(node.op for node in graph_def.node)
        held = [node for node in graph_def.node if node.op in _VARIABLES]
        self.frozen = not held
        self.leaves = [self._variable(n) for n in held] or [_constant(n) for n in graph_def.node if _is_weight(n)]

    def _variable(self, node: Any) -> Leaf:
        shape, dtype = _shape(node.attr["shape"].shape), as_dtype(node.attr["dtype"].type).base_dtype
        users = self.users(node.name)
        note = "shared by " + ", ".join(users) if len(users) > 1 else ""
        return _leaf(node.name, shape, dtype, note)

    def users(self, name: str) -> list[str]:
        """The scopes from which a variable is taken: by forward operations, not those that set or save it.

        `train` stands for `train/net/layer/MatMul` that takes `net/layer/kernel`.
        """
        found, pending = set(), [name]
        while pending:
            for taker in self._takers[pending.pop()]:
                node = self._nodes[taker]
                if node.op in _READS:
                    pending.append(taker)
                elif not _is_beside(node):
                    found.add(_outside(taker.rpartition("/")[0], name.rpartition("/")[0]))
        return sorted(found)

    def inputs(self) -> list[Endpoint]:
        """The placeholders."""
        return [
            Endpoint(n.name, as_dtype(n.attr["dtype"].type).name, _shape(n.attr["shape"].shape))
            for n in self._nodes.values()
            if n.op in _PLACEHOLDERS and not _is_beside(n)
        ]

    def outputs(self) -> list[str]:
        """Operations whose results nobody takes: forward ones."""
        return [
            name
            for name, node in self._nodes.items()
            if not self._takers[name] and node.op not in _NO_OUTPUT and not _is_beside(node) and not self._is_read(node)
        ]

    def _is_read(self, node: Any) -> bool:
        return node.op in _READS and self._nodes[_node_name(node.input[0])].op in _VARIABLES


def _outside(scope: str, own: str) -> str:
    """What of a taker's scope stands before the variable's own scope in it."""
    before, found, _ = f"/{scope}/".rpartition(f"/{own}/") if own else ("", "", "")
    return (before.strip("/") if found else scope) or "(top)"


def _node_name(name: str) -> str:
    return name.lstrip("^").partition(":")[0]


def _is_beside(node: Any) -> bool:
    top = node.name.partition("/")[0].rstrip("_0123456789")
    return top in _ASIDE or node.op.startswith(_BESIDE) or node.op in ("VarIsInitializedOp", "IsVariableInitialized")


def _is_weight(node: Any) -> bool:
    return node.op == "Const" and _constant(node).parameters > 1


def _constant(node: Any) -> Leaf:
    tensor = node.attr["value"].tensor
    return _leaf(node.name, _shape(tensor.tensor_shape), as_dtype(tensor.dtype), "")


def _shape(message: Any) -> list[int | None] | None:
    if message.unknown_rank:
        return None
    return [None if dim.size < 0 else dim.size for dim in message.dim]


def _leaf(name: str, shape: list[int | None] | None, dtype: Any, note: str) -> Leaf:
    known = shape is not None and None not in shape
    parameters = int(np.prod(np.array(shape, np.int64))) if known else 0
    item_size = 0 if dtype.name in ("string", "resource", "variant") else np.dtype(dtype.as_numpy_dtype).itemsize
    return Leaf(name, shape, dtype.name, parameters, parameters * item_size, note)


def most_frequent(types: Iterable[tuple[str, int]], limit: int = 12) -> str:
    """`MatMul 12, Relu 4, …`"""
    pairs = list(types)
    text = ", ".join(f"{name} {count}" for name, count in pairs[:limit])
    return text + (", …" if len(pairs) > limit else "")
