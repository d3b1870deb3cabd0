"""The graph beside a checkpoint."""

from __future__ import annotations

from typing import Any

from retrograph.checkpoint.writing import write_atomically
from retrograph.framework import errors, wire
from retrograph.framework.exports import export
from retrograph.framework.graph import get_default_graph


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
) -> bytes:
    """The graph and its saver as a serialized MetaGraphDef, also written to `filename`; without collections.

    Raises: UnimplementedError for other arguments than the graph and the saver.
    Source: TF 1.15 `tf.train.export_meta_graph`.
    """
    refused = {"as_text": as_text, "export_scope": export_scope, "meta_info_def": meta_info_def, **kwargs}
    for name, value in refused.items():
        if value:
            raise errors.UnimplementedError(None, None, f"tf.train.export_meta_graph: {name}")
    definition = graph_def or (graph or get_default_graph()).as_graph_def(add_shapes=True)
    info = wire.text(5, "1.15.5")
    data = wire.message(1, info) + wire.message(2, definition.SerializeToString())
    if saver_def is not None:
        data += wire.message(3, saver_def.SerializeToString())
    if filename:
        write_atomically(filename, data)
    return data


@export("train.import_meta_graph")
def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Not there yet: raises UnimplementedError. Source: TF 1.15 `tf.train.import_meta_graph`."""
    raise errors.UnimplementedError(
        None, None, "tf.train.import_meta_graph is not implemented: build the graph by its program, then restore"
    )
