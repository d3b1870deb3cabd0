"""Functions of `Defun` as messages, and functions from such messages. What a definition says is traced apart from calls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.function_graph import FuncGraph, GraphFunction
from retrograph.framework.messages import message_class
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Operation

_KNOWN = ("noinline", "compiled", "separate_compiled_gradients", "capture_by_value", "whitelisted_stateful_ops")
_KNOWN_STARTS = ("experimental_", "_implements", "_reference")


class Traced(GraphFunction):
    """The graph of a function, from placeholders of the declared types."""

    def __init__(self, graph: FuncGraph, defined: Any):
        super().__init__(graph)
        self._defined = defined
        self.plain = self._message()

    @property
    def stateful_ops(self) -> list[tuple[str, str]]:
        """(name, type) of the operations that have effects."""
        known = ((op, find_op_def(op.type)) for op in self.graph.get_operations())
        return [(op.name, op.type) for op, row in known if row is not None and row.stateful]

    def _message(self) -> Any:
        made = super().definition
        given = self._defined._out_names
        for i, arg in enumerate(made.signature.output_arg):
            name = given[i] if given and i < len(given) else arg.name
            if name != arg.name:
                made.ret[name] = made.ret[arg.name]
                del made.ret[arg.name]
                arg.name = name
        made.signature.description = self._defined.__doc__ or ""
        for key, value in self._defined._attrs.items():
            _set_attr(made.attr[key], value)
        return made


def _set_attr(attr: Any, value: Any) -> None:
    for kind, field in ((bool, "b"), (int, "i"), (float, "f")):
        if isinstance(value, kind):
            setattr(attr, field, value)
            return
    attr.s = tf.compat.as_bytes(value)


def attributes_of(options: dict[str, Any]) -> dict[str, Any]:
    """The attributes that options of a function mean. Raises: ValueError for options that there are not."""
    unknown = {k: v for k, v in options.items() if k not in _KNOWN and not k.startswith(_KNOWN_STARTS)}
    if unknown:
        raise ValueError(f"Unknown keyword arguments: {unknown.keys()}")
    attrs = {k: v for k, v in options.items() if k not in _KNOWN}
    for key, value in attrs.items():
        if not isinstance(value, (bool, int, float, str)):
            raise ValueError(f"Unsupported attribute type for {key} with type {type(value)}")
    if options.get("noinline") is not None:
        attrs["_noinline"] = bool(options["noinline"])
    return attrs


def trace(defined: Any, func: Callable[..., Any], names: Iterable[str], types: Iterable[Any], options: Any) -> Traced:
    """The graph that a Python function makes."""
    graph = FuncGraph(defined._name, capture_by_value=bool(options.get("capture_by_value", False)))
    graph.allowed_stateful = frozenset(options.get("whitelisted_stateful_ops") or ())
    with graph.as_default():
        inputs = [graph.add_input(t, None, name) for name, t in zip(names, types, strict=True)]
        found = func(*inputs)
        flat = list(found) if isinstance(found, (list, tuple)) else [] if _is_nothing(found) else [found]
        if any(one is None for one in flat):
            raise ValueError(f"Function {defined._name} can not return None.")
        graph.outputs = [graph.capture(convert_to_tensor(one)) for one in flat]
    check_output_names(defined._out_names, len(graph.outputs))
    return Traced(graph, defined)


def _is_nothing(found: Any) -> bool:
    return found is None or isinstance(found, Operation)


def check_output_names(names: Any, count: int) -> None:
    """Raises InvalidArgumentError: another number of names than of results."""
    if names and len(names) != count:
        raise errors.InvalidArgumentError(
            None,
            None,
            "output names must be either empty or equal in size to outputs. output names size = "
            f"{len(names)} outputs size = {count}",
        )


def hashed_name(name: str, message: Any) -> str:
    """The name of a function that was given none: of its Python function, and a number that tells it apart."""
    body = message_class("tensorflow.FunctionDef")()
    body.CopyFrom(message)
    body.signature.name = ""
    return f"{name}_{hashlib.sha1(body.SerializeToString(deterministic=True)).hexdigest()[:11]}"


def _extra(what: Callable[[FuncGraph], Iterable[Any]]) -> list[Any]:
    graph = get_default_graph()
    return list(what(graph)) if isinstance(graph, FuncGraph) else []


def get_extra_vars() -> list[Any]:
    """The variables that the function that is being traced uses; none outside of one."""
    seen = set(_extra(lambda graph: graph.sources.values()))
    known = _extra(lambda graph: graph.get_collection("variables"))
    return [v for v in known if v.op.outputs[0] in seen]


def get_extra_inputs() -> list[Any]:
    """The tensors outside that the function that is being traced takes; none outside of one."""
    return _extra(lambda graph: graph.sources.values())


def get_extra_args() -> list[Any]:
    """What stands for those tensors inside of the function."""
    return _extra(lambda graph: graph.sources)
