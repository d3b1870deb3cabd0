"""How the items of collections become data in a meta graph, and come back: a function pair for each collection.

What Retrograph itself puts into collections is named in `_KNOWN` and imported when it is needed; programs add others by
`register_proto_function`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from retrograph.framework.collections import GraphKeys
from retrograph.framework.messages import message_class


class ProtoFunctions(NamedTuple):
    """The message type of a collection's items, and the functions to it and from it."""

    proto_type: Any
    to_proto: Callable[..., Any] | None
    from_proto: Callable[..., Any] | None


_VARIABLE = ("VariableDef", "retrograph.variables.base:Variable")
_KNOWN = {
    **dict.fromkeys(
        (
            GraphKeys.GLOBAL_VARIABLES,
            GraphKeys.TRAINABLE_VARIABLES,
            GraphKeys.MOVING_AVERAGE_VARIABLES,
            GraphKeys.LOCAL_VARIABLES,
            GraphKeys.MODEL_VARIABLES,
            GraphKeys.METRIC_VARIABLES,
            GraphKeys.GLOBAL_STEP,
            "tpu_estimator_iterations_per_loop",
        ),
        _VARIABLE,
    ),
    GraphKeys.SAVERS: ("SaverDef", "retrograph.train.saver:Saver"),
    GraphKeys.COND_CONTEXT: ("CondContextDef", "retrograph.ops.cond:CondContext"),
    GraphKeys.WHILE_CONTEXT: ("WhileContextDef", "retrograph.ops.while_loop:WhileContext"),
    GraphKeys.QUEUE_RUNNERS: ("QueueRunnerDef", "retrograph.train.queue_runner:QueueRunner"),
}
_registered: dict[Any, ProtoFunctions] = {}


def register_proto_function(
    collection_name: str,
    proto_type: Any = None,
    to_proto: Callable[..., Any] | None = None,
    from_proto: Callable[..., Any] | None = None,
) -> None:
    """Says how the items of a collection are written into meta graphs and read from them.

    Raises: TypeError for functions that cannot be called; KeyError if the collection has some.
    Source: TF 1.15 `ops.register_proto_function`.
    """
    for function, name in ((to_proto, "to_proto"), (from_proto, "from_proto")):
        if function and not callable(function):
            raise TypeError(f"{name} must be callable.")
    if collection_name in _registered:
        raise KeyError(f"Registering two proto_functions with name '{collection_name}'!")
    _registered[collection_name] = ProtoFunctions(proto_type, to_proto, from_proto)


def proto_functions(collection_name: Any) -> ProtoFunctions:
    """The functions of a collection; None in place of those that it lacks."""
    found = _registered.get(collection_name)
    if found is None and collection_name in _KNOWN:
        found = _known(*_KNOWN[collection_name])
        if found is not None:
            _registered[collection_name] = found
    return found or ProtoFunctions(None, None, None)


def _known(message: str, target: str) -> ProtoFunctions | None:
    module, _, name = target.partition(":")
    try:
        kind: Any = getattr(importlib.import_module(module), name)
    except ImportError:
        return None
    return ProtoFunctions(message_class(f"tensorflow.{message}"), item_to_proto, kind.from_proto)


def item_to_proto(item: Any, export_scope: str | None = None) -> Any:
    """The message that an item of a collection makes of itself."""
    return item.to_proto(export_scope=export_scope)


def get_to_proto_function(collection_name: Any) -> Callable[..., Any] | None:
    """The function from an item to its message, or None. Source: TF 1.15 `ops.get_to_proto_function`."""
    return proto_functions(collection_name).to_proto


def get_from_proto_function(collection_name: Any) -> Callable[..., Any] | None:
    """The function from a message to its item, or None. Source: TF 1.15 `ops.get_from_proto_function`."""
    return proto_functions(collection_name).from_proto


def get_collection_proto_type(collection_name: Any) -> Any:
    """The message type of a collection, or None. Source: TF 1.15 `ops.get_collection_proto_type`."""
    return proto_functions(collection_name).proto_type


def strip_name_scope(name: Any, export_scope: str | None) -> Any:
    """A name without the scope in front of it; also of control inputs (`^`) and groups (`loc:@`).

    >>> strip_name_scope("^a/b", "a")
    '^b'

    Source: TF 1.15 `ops.strip_name_scope`.
    """
    if not export_scope:
        return name
    scope = re.escape(export_scope.rstrip("/"))
    text = name.decode() if isinstance(name, bytes) else name
    return re.sub(rf"(\^|loc:@|^){scope}/+(.*)", r"\1\2", text, count=1)


def prepend_name_scope(name: Any, import_scope: str | None) -> Any:
    """A name with a scope in front of it; also of control inputs (`^`) and groups (`loc:@`).

    >>> prepend_name_scope("loc:@b", "a")
    'loc:@a/b'

    Source: TF 1.15 `ops.prepend_name_scope`.
    """
    if not import_scope:
        return name
    text = name.decode() if isinstance(name, bytes) else name
    scope = import_scope.rstrip("/")
    return re.sub(r"(\^|loc:@|^)(.*)", lambda m: f"{m[1]}{scope}/{m[2]}", text, count=1)
