"""`tf.saved_model.load`: reads SavedModels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_collection
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.message_text import merge_text
from retrograph.framework.messages import DecodeError, message_class
from retrograph.saved import constants
from retrograph.saved.builder import variables_path
from retrograph.saved.signatures import load_op_from_signature_def
from retrograph.train.meta_graph import _import_meta_graph_with_return_elements
from retrograph.train.saver import Saver

_SavedModel = message_class("tensorflow.SavedModel")


def parse_saved_model(export_dir: str) -> Any:
    """The SavedModel message of a directory.

    Raises: OSError if there is none, or it cannot be read. Source: TF 1.15 `loader_impl.parse_saved_model`.
    """
    export_dir = os.fsdecode(export_dir)
    binary = os.path.join(export_dir, constants.SAVED_MODEL_FILENAME_PB)
    text = os.path.join(export_dir, constants.SAVED_MODEL_FILENAME_PBTXT)
    path = next((p for p in (binary, text) if os.path.exists(p)), None)
    if path is None:
        names = f"{constants.SAVED_MODEL_FILENAME_PBTXT}|{constants.SAVED_MODEL_FILENAME_PB}"
        raise OSError(f"SavedModel file does not exist at: {export_dir}/{{{names}}}")
    with open(path, "rb") as file:
        data = file.read()
    try:
        return _SavedModel.FromString(data) if path == binary else merge_text(data.decode("utf-8"), _SavedModel())
    except (DecodeError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse file {path}: {error}.") from None


_parse_saved_model = parse_saved_model


@export(
    "saved_model.contains_saved_model",
    "saved_model.maybe_saved_model_directory",
    "saved_model.loader.maybe_saved_model_directory",
)
def maybe_saved_model_directory(export_dir: str) -> bool:
    """Whether a directory holds the file of a SavedModel. Source: TF 1.15 `tf.saved_model.contains_saved_model`."""
    names = (constants.SAVED_MODEL_FILENAME_PBTXT, constants.SAVED_MODEL_FILENAME_PB)
    return any(os.path.exists(os.path.join(os.fsdecode(export_dir), name)) for name in names)


def _assets(meta_graph_def: Any) -> list[Any]:
    if meta_graph_def.asset_file_def:
        return list(meta_graph_def.asset_file_def)
    if constants.ASSETS_KEY not in meta_graph_def.collection_def:
        return []
    found = []
    for packed in meta_graph_def.collection_def[constants.ASSETS_KEY].any_list.value:
        asset = message_class("tensorflow.AssetFileDef")()
        packed.Unpack(asset)
        found.append(asset)
    return found


def get_asset_tensors(
    export_dir: str, meta_graph_def_to_load: Any, import_scope: str | None = None
) -> dict[str, bytes]:
    """The files of a SavedModel by the names of the tensors that hold their paths.

    Source: TF 1.15 `loader_impl.get_asset_tensors`.
    """
    prefix = f"{import_scope}/" if import_scope else ""
    directory = os.path.join(os.fsdecode(export_dir), constants.ASSETS_DIRECTORY)
    assets = _assets(meta_graph_def_to_load)
    return {prefix + a.tensor_info.name: os.path.join(directory, a.filename).encode() for a in assets}


def _of_collection(meta_graph_def: Any, key: str) -> Any:
    if key not in meta_graph_def.collection_def:
        return None
    names = meta_graph_def.collection_def[key].node_list.value
    if len(names) != 1:
        raise RuntimeError(f"Expected exactly one SavedModel init op. Found: {list(names)}")
    return get_collection(key)[0]


def _of_signature(meta_graph_def: Any, key: str, import_scope: str | None) -> Any:
    if key not in meta_graph_def.signature_def:
        return None
    return load_op_from_signature_def(meta_graph_def.signature_def[key], key, import_scope)


def get_init_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """The operation to run when a graph has been loaded, or None. Source: TF 1.15 `loader_impl.get_init_op`."""
    found = _of_signature(meta_graph_def, constants.INIT_OP_SIGNATURE_KEY, import_scope)
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        found = found if found is not None else _of_collection(meta_graph_def, key)
    return found


def get_train_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """The operation that trains, or None. Source: TF 1.15 `loader_impl.get_train_op`."""
    found = _of_signature(meta_graph_def, constants.TRAIN_OP_SIGNATURE_KEY, import_scope)
    return found if found is not None else _of_collection(meta_graph_def, constants.TRAIN_OP_KEY)


@export("saved_model.load", "saved_model.loader.load")
def load(sess: Any, tags: Iterable[str], export_dir: str, import_scope: str | None = None, **saver_kwargs: Any) -> Any:
    """Puts the graph with these tags into a session's graph, restores its variables, runs what it asks for; gives it.

    >>> tf.saved_model.load(sess, ["serve"], "export")    # doctest: +SKIP

    Raises: RuntimeError if there is none with these tags; OSError for no SavedModel.
    Source: TF 1.15 `tf.saved_model.load`.
    """
    return SavedModelLoader(export_dir).load(sess, tags, import_scope, **saver_kwargs)


class SavedModelLoader:
    """A SavedModel that is read, step by step. Source: TF 1.15 `loader_impl.SavedModelLoader`."""

    def __init__(self, export_dir: str):
        self._export_dir = os.fsdecode(export_dir)
        self._variables_path = variables_path(self._export_dir)
        self._saved_model = parse_saved_model(export_dir)

    @property
    def export_dir(self) -> str:
        """The directory."""
        return self._export_dir

    @property
    def variables_path(self) -> str:
        """The prefix of the checkpoint."""
        return self._variables_path

    @property
    def saved_model(self) -> Any:
        """The SavedModel message."""
        return self._saved_model

    def get_meta_graph_def_from_tags(self, tags: Iterable[str]) -> Any:
        """The graph with exactly these tags. Raises: RuntimeError if there is none."""
        available = [set(meta.meta_info_def.tags) for meta in self._saved_model.meta_graphs]
        for meta, found in zip(self._saved_model.meta_graphs, available, strict=True):
            if found == set(tags):
                return meta
        raise RuntimeError(
            f"MetaGraphDef associated with tags {str(tags).strip('[]')} could not be found in SavedModel. To inspect available "
            f"tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`\navailable_tags: {available}"
        )

    def load_graph(
        self, graph: Any, tags: Iterable[str], import_scope: str | None = None, **saver_kwargs: Any
    ) -> tuple[Any, Any]:
        """Puts the graph with these tags into `graph`: (its saver, what `return_elements` names)."""
        meta = self.get_meta_graph_def_from_tags(tags)
        with graph.as_default():
            return _import_meta_graph_with_return_elements(meta, import_scope=import_scope, **saver_kwargs)

    def restore_variables(self, sess: Any, saver: Any, import_scope: str | None = None) -> None:
        """Restores the variables. Raises: ValueError if there are some but no saver."""
        with sess.graph.as_default():
            keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.SAVEABLE_OBJECTS)
            if saver is None and not any(get_collection(key, scope=import_scope) for key in keys):
                get_logger().info("The specified SavedModel has no variables; no checkpoints were restored.")
            elif isinstance(saver, Saver):
                saver.restore(sess, self._variables_path)
            else:
                raise ValueError(
                    "No tf.train.Saver object was passed to the function SavedModelLoader.restore_variables. Since there are "
                    "variables in the graph, a saver is required."
                )

    def run_init_ops(self, sess: Any, tags: Iterable[str], import_scope: str | None = None) -> None:
        """Runs what the graph wants to be run at first."""
        meta = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            assets = get_asset_tensors(self._export_dir, meta, import_scope)
            init_op = get_init_op(meta, import_scope)
            if init_op is not None:
                sess.run([init_op], assets)

    def load(self, sess: Any, tags: Iterable[str], import_scope: str | None = None, **saver_kwargs: Any) -> Any:
        """Does all of it; gives the graph's MetaGraphDef."""
        with sess.graph.as_default():
            saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
            self.restore_variables(sess, saver, import_scope)
            self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)
