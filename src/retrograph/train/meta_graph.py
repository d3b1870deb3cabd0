"""The graph beside a checkpoint."""

from __future__ import annotations

from typing import Any

from retrograph.framework import errors
from retrograph.framework.exports import export


@export("train.export_meta_graph")
def export_meta_graph(filename: str | None = None, **kwargs: Any) -> Any:
    """Writes the graph with its saver and collections. Source: TF 1.15 `tf.train.export_meta_graph`."""
    return None


@export("train.import_meta_graph")
def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Not there yet: raises UnimplementedError. Source: TF 1.15 `tf.train.import_meta_graph`."""
    raise errors.UnimplementedError(
        None, None, "tf.train.import_meta_graph is not implemented: build the graph by its program, then restore"
    )
