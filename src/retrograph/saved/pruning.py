"""SavedModels without what TensorFlow does not know: gradients that are one operation here, and what depends on them.

A program that trains a recurrent network and then saves it for serving has such gradients in its graph; nobody serves them.
"""

from __future__ import annotations

from typing import Any

from retrograph.framework.collections import GraphKeys
from retrograph.framework.graph_util import PRIVATE_TYPES
from retrograph.framework.logger import get_logger
from retrograph.framework.messages import message_class

_CONTEXTS = {GraphKeys.COND_CONTEXT: "CondContextDef", GraphKeys.WHILE_CONTEXT: "WhileContextDef"}


def _operation(text: str) -> str:
    return text.lstrip("^").partition(":")[0]


def _unknown_nodes(graph_def: Any) -> set[str]:
    """The nodes of private types, and all that need them."""
    users: dict[str, list[str]] = {}
    for node in graph_def.node:
        for text in node.input:
            users.setdefault(_operation(text), []).append(node.name)
    found = {node.name for node in graph_def.node if node.op in PRIVATE_TYPES}
    waiting = list(found)
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user not in found:
                found.add(user)
                waiting.append(user)
    return found


def _needed(meta: Any, signatures: Any, main_ops: Any) -> set[str]:
    """The operations that a SavedModel is about."""
    infos = [i for s in signatures.values() for i in (*s.inputs.values(), *s.outputs.values())]
    names = {_operation(info.name) for info in infos}
    saver = meta.saver_def
    names |= {_operation(n) for n in (saver.save_tensor_name, saver.restore_op_name, saver.filename_tensor_name)}
    return names | {_operation(op.name) for op in main_ops if op is not None}


def _drop_values(context: Any, dropped: set[str]) -> None:
    values = context.values_def
    values.values[:] = [v for v in values.values if _operation(v) not in dropped]
    for key in [k for k, v in values.external_values.items() if {_operation(k), _operation(v)} & dropped]:
        del values.external_values[key]
    for nested in context.nested_contexts:
        _drop_values(getattr(nested, nested.WhichOneof("ctxt")), dropped)


def _drop_from_collections(meta: Any, dropped: set[str]) -> None:
    for key, collection in list(meta.collection_def.items()):
        nodes = collection.node_list.value
        if collection.WhichOneof("kind") == "node_list":
            nodes[:] = [name for name in nodes if _operation(name) not in dropped]
            if not nodes:
                del meta.collection_def[key]
        elif key in _CONTEXTS:
            kind = message_class(f"tensorflow.{_CONTEXTS[key]}")
            contexts = [kind.FromString(data) for data in collection.bytes_list.value]
            contexts = [c for c in contexts if _operation(c.pivot_name) not in dropped]
            for context in contexts:
                _drop_values(context, dropped)
            collection.bytes_list.value[:] = [c.SerializeToString() for c in contexts]


def drop_private_operations(meta: Any, signatures: Any, main_ops: Any = ()) -> None:
    """Takes operations that TensorFlow does not know out of a meta graph, unless signatures need them."""
    dropped = _unknown_nodes(meta.graph_def)
    if not dropped:
        return
    if dropped & _needed(meta, signatures, main_ops):
        get_logger().warning(
            "The SavedModel's signatures need gradients that TensorFlow does not know: only Retrograph can load it."
        )
        return
    get_logger().info(
        "%d operations of gradients that only Retrograph knows are left out of the SavedModel.", len(dropped)
    )
    kept = [node for node in meta.graph_def.node if node.name not in dropped]
    list.__setitem__(meta.graph_def.node, slice(None), kept)
    types = {node.op for node in kept}
    for function in meta.graph_def.library.function:
        types |= {node.op for node in function.node_def}
    listed = meta.meta_info_def.stripped_op_list.op
    list.__setitem__(listed, slice(None), [op for op in listed if op.name in types])
    _drop_from_collections(meta, dropped)
