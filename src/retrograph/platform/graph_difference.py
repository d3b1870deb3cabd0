"""How two GraphDefs differ, in TensorFlow's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.constants import make_ndarray

_SHARDED_SAVE = re.compile(r"_temp_[0-9a-z]{32}/part")
_TABLE_NAME = re.compile(r"hash_table_[0-9a-z\-]+")


def strip_checkpoint_names(graph_def: Any) -> None:
    """Takes out the constants of parts of checkpoints, whose texts are random."""
    for node in graph_def.node:
        for key in [k for k, value in node.attr.items() if _SHARDED_SAVE.match(_only_text(value.tensor))]:
            del node.attr[key]


def strip_table_names(graph_def: Any) -> None:
    """Takes out the shared names of hash tables, which are counted."""
    for node in graph_def.node:
        if node.op == "HashTableV2" and _TABLE_NAME.match(node.attr["shared_name"].s.decode("utf-8", "replace")):
            del node.attr["shared_name"]


def _only_text(tensor: Any) -> str:
    return tensor.string_val[0].decode("utf-8", "replace") if len(tensor.string_val) == 1 else ""


def first_difference(actual: Any, expected: Any) -> str | None:
    """The first way in which the nodes differ, whatever their order; None if they do not."""
    left = {node.name: node for node in actual.node}
    for node in expected.node:
        if node.name not in left:
            return f"Did not find expected node '{_summary(node)}'"
        found = _node_difference(left.pop(node.name), node)
        if found:
            return f"Node named '{node.name}' {found}"
    return f"Found unexpected node '{_summary(next(reversed(left.values())))}'" if left else None


def _summary(node: Any) -> str:
    attrs = ", ".join(f"{key}={_shown(node.attr[key])}" for key in sorted(node.attr))
    device = [f'_device="{node.device}"'] if node.device else []
    return f"{{{{node {node.name}}}}} = {node.op}[{', '.join(filter(None, [attrs, *device]))}]({', '.join(node.input)})"


def _shown_type(number: int) -> str:
    return str(dtypes.as_dtype(number).name)


def _shown_shape(shape: Any) -> str:
    return "<unknown>" if shape.unknown_rank else f"[{','.join('?' if d.size < 0 else str(d.size) for d in shape.dim)}]"


def _shown_tensor(tensor: Any) -> str:
    values = " ".join(f"{x:g}" if isinstance(x, float) else str(x) for x in make_ndarray(tensor).ravel()[:3].tolist())
    return f"Tensor<type: {_shown_type(tensor.dtype)} shape: {_shown_shape(tensor.tensor_shape)} values: {values}>"


_SHOWN: dict[str, Callable[[Any], str]] = {
    "s": lambda s: f'"{s.decode("utf-8", "replace")}"',
    "b": lambda b: "true" if b else "false",
    "f": lambda f: f"{f:g}",
    "i": str,
    "shape": _shown_shape,
    "tensor": _shown_tensor,
}


def _shown(value: Any) -> str:
    kind = value.WhichOneof("value")
    if kind == "type":
        return str(value).split()[-1]
    return _SHOWN[kind](getattr(value, kind)) if kind in _SHOWN else " ".join(str(value).split())


def _node_difference(actual: Any, expected: Any) -> str | None:
    for what in ("op", "device"):
        ours, theirs = getattr(actual, what), getattr(expected, what)
        if ours != theirs:
            return f"has {what} '{ours}' that is not expected '{theirs}'"
    return _input_difference(list(actual.input), list(expected.input)) or _attr_difference(actual.attr, expected.attr)


def _input_difference(actual: list[str], expected: list[str]) -> str | None:
    if len(actual) != len(expected):
        return f"has inputs '{', '.join(actual)}' that don't match expected '{', '.join(expected)}'"
    count = next((i for i, name in enumerate(actual) if name.startswith("^")), len(actual))
    for i, (ours, theirs) in enumerate(zip(actual[:count], expected[:count], strict=True)):
        if ours.removesuffix(":0") != theirs.removesuffix(":0"):
            return f"has input {i} '{ours}' that doesn't match expected '{theirs}'"
    for theirs in sorted(set(expected[count:]) - set(actual[count:])):
        return f"missing expected control input '{theirs}'"
    for ours in sorted(set(actual[count:]) - set(expected[count:])):
        return f"has unexpected control input '{ours}'"
    return None


def _attr_difference(actual: Any, expected: Any) -> str | None:
    ours, theirs = _public(actual), _public(expected)
    for key, value in theirs.items():
        if key not in ours:
            return f"missing expected attr '{key}' with value: {_shown(value)}"
        if ours[key] != value:
            return f"has attr '{key}' with value: {_shown(ours[key])} that does not match expected: {_shown(value)}"
    for key in sorted(set(ours) - set(theirs)):
        return f"has unexpected attr '{key}' with value: {_shown(ours[key])}"
    return None


def _public(attrs: Any) -> dict[str, Any]:
    return {key: attrs[key] for key in sorted(attrs) if not key.startswith("_")}
