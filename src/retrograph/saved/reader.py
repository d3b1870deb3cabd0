"""`tf.contrib.saved_model`: what is in a SavedModel, without loading it."""

from __future__ import annotations

from typing import Any

from retrograph.saved.loader import parse_saved_model


def read_saved_model(saved_model_dir: str) -> Any:
    """The SavedModel message of a directory. Raises: OSError if there is none.

    Source: TF 1.15 `tf.contrib.saved_model.reader.read_saved_model`.
    """
    return parse_saved_model(saved_model_dir)


def get_saved_model_tag_sets(saved_model_dir: str) -> list[list[str]]:
    """The tags of each graph of a SavedModel.

    Source: TF 1.15 `tf.contrib.saved_model.reader.get_saved_model_tag_sets`.
    """
    return [list(meta.meta_info_def.tags) for meta in read_saved_model(saved_model_dir).meta_graphs]


def get_meta_graph_def(saved_model_dir: str, tag_set: str) -> Any:
    """The graph of a SavedModel with these tags (joined by commas).

    Raises: RuntimeError if there is none. Source: TF 1.15 `saved_model_utils.get_meta_graph_def`.
    """
    for meta in read_saved_model(saved_model_dir).meta_graphs:
        if set(meta.meta_info_def.tags) == set(tag_set.split(",")):
            return meta
    raise RuntimeError(f"MetaGraphDef associated with tag-set {tag_set} could not be found in SavedModel")
