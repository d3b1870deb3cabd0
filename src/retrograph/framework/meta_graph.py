"""Meta graphs: a graph with its collections, its saver and what it was made by, as one message.

The functions bear TF 1.15's names (`tensorflow.python.framework.meta_graph`).
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from retrograph.framework import errors
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.file_errors import as_tf
from retrograph.framework.files import as_file_name, write_atomically
from retrograph.framework.graph import Graph
from retrograph.framework.graph_util import tell_private_operations
from retrograph.framework.importer import import_graph_def
from retrograph.framework.logger import get_logger
from retrograph.framework.message_text import merge_text
from retrograph.framework.messages import DecodeError, message_class
from retrograph.framework.node_def import AttrValue, GraphDef, NodeDef, node_def_of
from retrograph.framework.op_list import op_list
from retrograph.framework.op_table import find_op_def
from retrograph.framework.proto_functions import prepend_name_scope, proto_functions, strip_name_scope

MetaGraphDef: Any = message_class("tensorflow.MetaGraphDef")
SaverDef: Any = message_class("tensorflow.SaverDef")
_ANY = message_class("google.protobuf.Any")
_UNBOUND = "$unbound_inputs_"
_LARGEST = 1 << 31
SAVE_AND_RESTORE_OPS = [
    "SaveV2", "Save", "SaveSlice", "LegacySave", "LegacySaveSlice", "RestoreV2", "Restore", "RestoreSlice", "LegacyRestore",
    "LegacyRestoreSlice",
]  # fmt: skip


# ---- nodes of a scope


def _scoped_node(node: NodeDef, scope: str | None, unbound: set[str], clear_devices: bool) -> NodeDef:
    """A node as it stands in the meta graph of `scope`: names without it, inputs from outside marked."""
    inputs = []
    for text in node.input:
        if scope and not text.lstrip("^").startswith(scope):
            marked = ("^" if text.startswith("^") else "") + _UNBOUND + text.lstrip("^")
            unbound.add(marked)
            inputs.append(marked)
        else:
            inputs.append(strip_name_scope(text, scope))
    attrs = {key: _scoped_attr(node, key, attr, scope) for key, attr in node.attr.items()}
    return NodeDef.of(strip_name_scope(node.name, scope), node.op, inputs, "" if clear_devices else node.device, attrs)


def _scoped_attr(node: NodeDef, key: str, attr: AttrValue, scope: str | None) -> AttrValue:
    if not scope:
        return attr
    if key == "_class":
        groups = [g.decode() for g in attr.list.s]
        kept = [g for g in groups if g.partition("@")[2].startswith(scope)]
        return AttrValue("list(string)", [strip_name_scope(g, scope).encode() for g in kept])
    if key == "_exit":
        return AttrValue("string", strip_name_scope(attr.s, scope).encode())
    if key == "frame_name" and node.op in ("Enter", "RefEnter") and attr.s.decode().startswith(scope):
        return AttrValue("string", strip_name_scope(attr.s, scope).encode())
    return attr


def _plain(text: str) -> str:
    return text.lstrip("^").partition(":")[0]


def _scope_of(name: str) -> str:
    return _plain(name).rpartition("/")[0]


def _saver_nodes(graph_def: GraphDef, saver_def: Any) -> set[str]:
    """The nodes of savers other than this one: each saver stands in a scope of its own."""
    kept = set()
    if saver_def is not None:
        kept = {_scope_of(saver_def.save_tensor_name) + "/", _scope_of(saver_def.restore_op_name) + "/"}
    own = {node.name for node in graph_def.node if node.op in SAVE_AND_RESTORE_OPS}
    scopes = tuple(({_scope_of(name) for name in own} - own) and {_scope_of(name) + "/" for name in own} - kept)
    return {node.name for node in graph_def.node if scopes and node.name.startswith(scopes)}


def _is_wanted(item: Any, scope: str | None, excluded: Collection[str]) -> bool:
    name = item if isinstance(item, str) else getattr(item, "name", None)
    if name is None:
        return True
    if name in excluded:
        return False
    return name.startswith((_UNBOUND, scope or ""))


# ---- writing


def ops_used_by_graph_def(graph_def: GraphDef) -> list[str]:
    """The op types of a graph, those of its functions' bodies included.

    Source: TF 1.15 `meta_graph.ops_used_by_graph_def`.
    """
    functions = {f.signature.name: f for f in graph_def.library.function}
    waiting, used = [node.op for node in graph_def.node], set()
    while waiting:
        op_type = waiting.pop()
        if op_type not in used and op_type in functions:
            waiting += [node.op for node in functions[op_type].node_def]
        used.add(op_type)
    return [op_type for op_type in used if op_type not in functions]


def stripped_op_list_for_graph(graph_def: GraphDef) -> Any:
    """The definitions of the op types of a graph.

    Raises: ValueError for one that is not known. Source: TF 1.15 `meta_graph.stripped_op_list_for_graph`.
    """
    used = sorted(ops_used_by_graph_def(graph_def))
    for op_type in used:
        if find_op_def(op_type) is None and op_type not in ("_Arg", "_Retval", "_ListToArray", "_ArrayToList"):
            raise ValueError(f"Op {op_type} is used by the graph, but is not registered")
    return op_list(used)


def strip_graph_default_valued_attrs(meta_graph_def: Any) -> None:
    """Takes attributes out of the nodes that have the value they have by default.

    Source: TF 1.15 `meta_graph.strip_graph_default_valued_attrs`.
    """
    functions = {f.signature.name for f in meta_graph_def.graph_def.library.function}
    for node in (
        *meta_graph_def.graph_def.node,
        *(n for f in meta_graph_def.graph_def.library.function for n in f.node_def),
    ):
        definition = find_op_def(node.op)
        for attr in definition.attrs if definition is not None and node.op not in functions else ():
            if (
                attr.has_default
                and attr.name in node.attr
                and node.attr[attr.name] == AttrValue(attr.type, attr.default)
            ):
                del node.attr[attr.name]
    meta_graph_def.meta_info_def.stripped_default_attrs = True


def _kind(item: Any) -> str:
    for types, kind in (((str, bytes), "bytes_list"), (int, "int64_list"), (float, "float_list"), (_ANY, "any_list")):
        if isinstance(item, types):
            return kind
    return "node_list"


def add_collection_def(
    meta_graph_def: Any,
    key: Any,
    graph: Graph | None = None,
    export_scope: str | None = None,
    exclude_nodes: Any = None,
    override_contents: Any = None,
) -> None:
    """Adds a collection to a meta graph; one whose items cannot be written is left out with a warning.

    Source: TF 1.15 `meta_graph.add_collection_def`.
    """
    if graph is not None and not isinstance(graph, Graph):
        raise TypeError("graph must be of type Graph, not %s", type(graph))
    if not isinstance(key, (str, bytes)):
        get_logger().warning("Only collections with string type keys will be serialized. This key has %s", type(key))
        return
    graph = graph or get_default_graph()
    items = override_contents or graph.get_collection(key)
    items = [x for x in items if _is_wanted(x, export_scope, exclude_nodes or ())]
    if not items:
        return
    made = message_class("tensorflow.CollectionDef")()
    try:
        _fill_collection(made, key, items, export_scope)
    except Exception as error:
        get_logger().warning(
            "Issue encountered when serializing %s.\nType is unsupported, or the types of the items don't match field type in "
            "CollectionDef. Note this is a warning and probably safe to ignore.\n%s",
            key,
            error,
        )
        return
    meta_graph_def.collection_def[key].CopyFrom(made)


def _fill_collection(made: Any, key: Any, items: list[Any], scope: str | None) -> None:
    functions = proto_functions(key)
    if functions.to_proto:
        protos = [functions.to_proto(x, export_scope=scope) for x in items]
        # An empty message is none, as in TF.
        made.bytes_list.value.extend(p.SerializeToString() for p in protos if p is not None)
        return
    kind = _kind(items[0])
    values = getattr(made, kind).value
    if kind == "node_list":
        values.extend(strip_name_scope(x.name, scope) for x in items if not scope or x.name.startswith(scope))
    elif kind == "bytes_list":
        values.extend(x.encode() if isinstance(x, str) else x for x in items)
    else:
        values.extend(items)


def _check_part(part: Any, kind: Any, field: str) -> None:
    if part and not isinstance(part, kind):
        raise TypeError(f"{field} must be of type {kind.__name__}, not %s", type(part))


def _check_parts(graph: Any, meta_info_def: Any, graph_def: Any, saver_def: Any) -> None:
    if graph and not isinstance(graph, Graph):
        raise TypeError("graph must be of type Graph, not %s", type(graph))
    _check_part(meta_info_def, MetaGraphDef.MetaInfoDef, "meta_info_def")
    _check_part(graph_def, GraphDef, "graph_def")
    _check_part(saver_def, SaverDef, "saver_def")


def create_meta_graph_def(
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Iterable[Any] | None = None,
    graph: Any = None,
    export_scope: str | None = None,
    exclude_nodes: Any = None,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
) -> Any:
    """A MetaGraphDef of its parts; those not given are the graph's.

    Raises: TypeError for parts of other types. Source: TF 1.15 `meta_graph.create_meta_graph_def`.
    """
    _check_parts(graph, meta_info_def, graph_def, saver_def)
    graph = graph or get_default_graph()
    made = MetaGraphDef()
    info = made.meta_info_def
    info.tensorflow_version, info.tensorflow_git_version = "1.15.5", "retrograph"
    if meta_info_def:
        info.MergeFrom(meta_info_def)
    definition = graph_def or graph.as_graph_def(add_shapes=True)
    made.graph_def._take(definition)
    if not info.stripped_op_list.op:
        info.stripped_op_list.MergeFrom(stripped_op_list_for_graph(definition))
    if strip_default_attrs:
        made.graph_def.CopyFrom(definition)
        strip_graph_default_valued_attrs(made)
    if saver_def:
        made.saver_def.MergeFrom(saver_def)
    for key in graph.get_all_collection_keys() if collection_list is None else collection_list:
        contents = None
        if clear_extraneous_savers and key == GraphKeys.SAVERS:
            from_proto: Any = proto_functions(key).from_proto
            contents = [from_proto(saver_def)]
        add_collection_def(made, key, graph, export_scope, exclude_nodes, contents)
    return made


def _part_of(
    graph: Graph, graph_def: Any, scope: str | None, excluded: set[str], unbound: set[str], clear_devices: bool
) -> GraphDef:
    made, size = GraphDef(), 0
    made.versions.CopyFrom(graph_def.versions if graph_def else graph.graph_def_versions)
    if graph_def:
        made.library.CopyFrom(graph_def.library)
        nodes = [n for n in graph_def.node if _is_wanted(n.name, scope, excluded)]
        list.extend(made.node, (_scoped_node(n, scope, unbound, clear_devices) for n in nodes))
        return made
    for op in graph._ops:
        if not _is_wanted(op._name, scope, excluded):
            continue
        node = _scoped_node(node_def_of(op), scope, unbound, clear_devices)
        if op._outputs:
            node.add_shapes(op)
        list.append(made.node, node)
        size += sum(v.nbytes for v in op._attrs.values() if hasattr(v, "nbytes"))
        if size >= _LARGEST:
            raise ValueError("GraphDef cannot be larger than 2GB.")
    for function in graph._functions.values():
        made.library.function.append(function.definition)
    made._touch()
    return made


def export_scoped_meta_graph(
    filename: str | None = None, graph_def: Any = None, graph: Any = None, export_scope: str | None = None,
    as_text: bool = False, unbound_inputs_col_name: str | None = "unbound_inputs", clear_devices: bool = False,
    saver_def: Any = None, clear_extraneous_savers: bool = False, strip_default_attrs: bool = False,
    save_debug_info: bool = False, **kwargs: Any,
) -> tuple[Any, dict[str, Any]]:  # fmt: skip
    """The meta graph of a graph or of one scope of it, also written to `filename`; and the variables by name.

    Raises: ValueError for a graph of more than 2 GB. Source: TF 1.15 `meta_graph.export_scoped_meta_graph`.
    """
    if save_debug_info:
        raise errors.UnimplementedError(None, None, "export_meta_graph: save_debug_info")
    graph = graph or get_default_graph()
    excluded: set[str] = set()
    if clear_extraneous_savers:
        excluded = _saver_nodes(graph_def or graph.as_graph_def(), saver_def)
    if export_scope or clear_extraneous_savers or clear_devices:
        unbound: set[str] = set()
        graph_def = _part_of(graph, graph_def, export_scope, excluded, unbound, clear_devices)
        if unbound_inputs_col_name:
            _set_unbound(graph, unbound_inputs_col_name, unbound)
    made = create_meta_graph_def(
        graph_def=graph_def,
        graph=graph,
        export_scope=export_scope,
        exclude_nodes=excluded,
        clear_extraneous_savers=clear_extraneous_savers,
        saver_def=saver_def,
        strip_default_attrs=strip_default_attrs,
        **kwargs,
    )
    if filename:
        _write(made, filename, as_text)
        tell_private_operations(made.graph_def, filename, graph)
    variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=export_scope)
    return made, {strip_name_scope(v.name, export_scope): v for v in variables if _is_wanted(v, export_scope, excluded)}


def _set_unbound(graph: Graph, collection: str, names: set[str]) -> None:
    graph._collections.pop(collection, None)
    for name in sorted(names):
        graph._collections.setdefault(collection, []).append(name)


def _write(meta_graph: Any, filename: str, as_text: bool) -> None:
    if os.path.dirname(filename):
        os.makedirs(os.path.dirname(filename), exist_ok=True)
    write_atomically(filename, str(meta_graph).encode() if as_text else meta_graph.SerializeToString())


# ---- reading


def read_meta_graph_file(filename: str) -> Any:
    """The meta graph of a file, binary or text.

    Raises: OSError if it is not there or neither. Source: TF 1.15 `meta_graph.read_meta_graph_file`.
    """
    if not os.path.exists(as_file_name(filename)):
        raise OSError(f"File {filename} does not exist.")
    with as_tf(filename), open(filename, "rb") as file:
        data = file.read()
    try:
        return MetaGraphDef.FromString(data)
    except DecodeError:
        pass
    try:
        return merge_text(data.decode("utf-8"), MetaGraphDef())
    except (DecodeError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse file {filename}: {error}.") from None


def _check_unbound(meta_graph_def: Any, name: str | None, input_map: Any) -> None:
    if not name or name not in meta_graph_def.collection_def:
        return
    collection = meta_graph_def.collection_def[name]
    values = getattr(collection, collection.WhichOneof("kind") or "bytes_list").value
    names = [v.decode() if isinstance(v, bytes) else v for v in values]
    if names and (not input_map or sorted(names) != sorted(input_map)):
        missing = ",".join(n for n in names if not input_map or n not in input_map)
        raise ValueError(f"Graph contains unbound inputs: {missing}. Must provide these inputs through input_map.")


def _has_trainable(version: str) -> bool:
    """Whether VariableDefs of this TF version tell if the variable is trainable."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return match is None or (int(match[1]), int(match[2])) >= (1, 9)


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


class _Collections:
    """Puts the collections of a meta graph into a graph."""

    def __init__(self, graph: Graph, scope: str, meta_graph_def: Any):
        self.graph, self.scope = graph, scope
        self.has_trainable = _has_trainable(meta_graph_def.meta_info_def.tensorflow_version)
        self.variables: dict[bytes, Any] = {}

    def add(self, key: str, collection: Any) -> None:
        """Adds one collection."""
        kind = collection.WhichOneof("kind")
        if kind is None:
            get_logger().error("Cannot identify data type for collection %s. Skipping.", key)
            return
        functions = proto_functions(key)
        values = getattr(collection, kind).value
        if functions.from_proto and kind == "bytes_list":
            items = [self._item(key, functions, value) for value in values]
        elif kind == "node_list":
            items = [self.graph.as_graph_element(prepend_name_scope(v, self.scope)) for v in values]
        elif kind == "bytes_list":
            # Texts come back as bytes, as in TF, unless they get the scope's name.
            items = [prepend_name_scope(_text(v), self.scope) if self.scope else v for v in values]
        elif key in GraphKeys._VARIABLE_COLLECTIONS:
            raise ValueError(f"The collection {key!r} of a meta graph holds an {kind}, no variables.")
        else:
            items = list(values)
        for item in items:
            self.graph.add_to_collection(key, item)

    def _item(self, key: str, functions: Any, data: bytes) -> Any:
        shared = key in GraphKeys._VARIABLE_COLLECTIONS
        if shared and data in self.variables:
            return self.variables[data]
        proto = functions.proto_type()
        proto.ParseFromString(data)
        if shared and not self.has_trainable:
            proto.trainable = key == GraphKeys.TRAINABLE_VARIABLES
        item = functions.from_proto(proto, import_scope=self.scope)
        if shared:
            self.variables[data] = item
        return item


def import_scoped_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Any = None,
    import_scope: str | None = None,
    input_map: Any = None,
    unbound_inputs_col_name: str | None = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
) -> dict[str, Any]:
    """Puts a meta graph into a graph; gives its global variables by name.

    Raises: ValueError for inputs from outside that are not mapped. Source: TF 1.15 `meta_graph.import_scoped_meta_graph`.
    """
    return import_scoped_meta_graph_with_return_elements(
        meta_graph_or_file,
        clear_devices,
        graph,
        import_scope,
        input_map,
        unbound_inputs_col_name,
        restore_collections_predicate,
    )[0]


def import_scoped_meta_graph_with_return_elements(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Any = None,
    import_scope: str | None = None,
    input_map: Any = None,
    unbound_inputs_col_name: str | None = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
    return_elements: Any = None,
) -> tuple[dict[str, Any], Any]:
    """`import_scoped_meta_graph`, and what `return_elements` names."""
    given = meta_graph_or_file
    meta = given if isinstance(given, MetaGraphDef) else read_meta_graph_file(given)
    _check_unbound(meta, unbound_inputs_col_name, input_map)
    graph = graph or get_default_graph()
    with graph.as_default():
        graph_def = meta.graph_def
        if clear_devices:
            for node in graph_def.node:
                node.device = ""
        scope = graph.unique_name(import_scope or "", mark_as_used=False)
        producer = meta.meta_info_def.stripped_op_list if meta.meta_info_def.HasField("stripped_op_list") else None
        elements = import_graph_def(
            graph_def,
            name=import_scope or scope,
            input_map=input_map,
            producer_op_list=producer,
            return_elements=return_elements,
        )
        work = _Collections(graph, scope, meta)
        # Which variables are trainable was told by their collection alone once.
        keys = sorted(meta.collection_def, key=lambda k: (k != GraphKeys.TRAINABLE_VARIABLES, k))
        for key in keys:
            if key != unbound_inputs_col_name and restore_collections_predicate(key):
                work.add(key, meta.collection_def[key])
        variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=scope)
    return {strip_name_scope(v.name, scope): v for v in variables}, elements


def copy_scoped_meta_graph(
    from_scope: str, to_scope: str, from_graph: Graph | None = None, to_graph: Graph | None = None
) -> dict[str, Any]:
    """Copies one scope of a graph to another scope or graph; gives the new global variables by name.

    Raises: ValueError if the two are the same. Source: TF 1.15 `meta_graph.copy_scoped_meta_graph`.
    """
    from_graph, to_graph = from_graph or get_default_graph(), to_graph or get_default_graph()
    if from_graph is to_graph and from_scope == to_scope:
        raise ValueError("'from_scope' and 'to_scope' need to be different when performing copy in the same graph.")
    made, _ = export_scoped_meta_graph(export_scope=from_scope, graph=from_graph)
    return import_scoped_meta_graph(made, graph=to_graph, import_scope=to_scope)


def copied(meta_graph_def: Any) -> Any:
    """A copy of a meta graph."""
    return copy.deepcopy(meta_graph_def)
