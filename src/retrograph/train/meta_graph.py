"""`tf.train.export_meta_graph`, `tf.train.import_meta_graph`: a graph with its collections and its saver in a file."""

from __future__ import annotations

from typing import Any

from retrograph.framework import meta_graph
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_collection
from retrograph.framework.exports import export, export_value
from retrograph.framework.logger import get_logger
from retrograph.framework.messages import message_class
from retrograph.framework.meta_graph import MetaGraphDef

CollectionDef: Any = export_value("train.CollectionDef", message_class("tensorflow.CollectionDef"))
export_value("MetaGraphDef", "train.MetaGraphDef", MetaGraphDef)


@export("train.export_meta_graph")
def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Any = None,
    as_text: bool = False,
    graph: Any = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> Any:
    """The graph, its collections and its saver as a MetaGraphDef, also written to `filename`.

    With `export_scope` only that scope, names relative to it. Raises: ValueError for a graph of more than 2 GB; TypeError for
    parts of other types. Source: TF 1.15 `tf.train.export_meta_graph`.
    """
    return meta_graph.export_scoped_meta_graph(
        filename=filename,
        meta_info_def=meta_info_def,
        graph_def=graph_def,
        saver_def=saver_def,
        collection_list=collection_list,
        as_text=as_text,
        graph=graph,
        export_scope=export_scope,
        clear_devices=clear_devices,
        clear_extraneous_savers=clear_extraneous_savers,
        strip_default_attrs=strip_default_attrs,
        save_debug_info=save_debug_info,
        **kwargs,
    )[0]


@export("train.import_meta_graph")
def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Puts a meta graph and its collections into the default graph; gives its saver, None if it saves nothing.

    >>> saver = tf.train.import_meta_graph("run/model-100.meta")    # doctest: +SKIP
    >>> saver.restore(sess, "run/model-100")    # doctest: +SKIP

    Raises: OSError for a file that is no meta graph; ValueError for a graph that does not fit.
    Source: TF 1.15 `tf.train.import_meta_graph`.
    """
    return _import_meta_graph_with_return_elements(meta_graph_or_file, clear_devices, import_scope, **kwargs)[0]


def _import_meta_graph_with_return_elements(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    return_elements: Any = None,
    **kwargs: Any,
) -> tuple[Any, Any]:
    given = meta_graph_or_file
    meta = given if isinstance(given, MetaGraphDef) else meta_graph.read_meta_graph_file(given)
    variables, elements = meta_graph.import_scoped_meta_graph_with_return_elements(
        meta, clear_devices=clear_devices, import_scope=import_scope, return_elements=return_elements, **kwargs
    )
    return _saver_of(meta, import_scope, variables), elements


def _saver_of(meta: Any, import_scope: str | None, variables: dict[str, Any]) -> Any:
    from retrograph.train.saver import Saver

    if meta.HasField("saver_def"):
        scope = import_scope
        for name, variable in variables.items():
            # The scope that the import really chose.
            scope = variable.name[: -len(name)]
            break
        return Saver(saver_def=meta.saver_def, name=scope)
    keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.SAVEABLE_OBJECTS)
    if any(get_collection(key, scope=import_scope) for key in keys):
        return Saver()
    get_logger().info("Saver not created because there are no variables in the graph to restore")
    return None
