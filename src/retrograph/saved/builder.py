"""`tf.saved_model.Builder`: writes SavedModels."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable, Iterable
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import add_to_collection, get_collection
from retrograph.framework.exports import export
from retrograph.framework.file_errors import as_tf
from retrograph.framework.files import write_atomically
from retrograph.framework.logger import get_logger
from retrograph.framework.messages import message_class
from retrograph.framework.operation import Operation, Tensor
from retrograph.saved import constants
from retrograph.saved.pruning import drop_private_operations
from retrograph.saved.signatures import op_signature_def, predict_signature_def
from retrograph.train.saver import Saver

_AssetFileDef = message_class("tensorflow.AssetFileDef")
_NAMED = "All TensorInfo protos used in the SignatureDefs must have "


def variables_path(export_dir: str) -> str:
    """The prefix of a SavedModel's checkpoint."""
    return os.path.join(os.fspath(export_dir), constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)


def _check_tensor_info(info: Any) -> None:
    if info is None:
        raise AssertionError(_NAMED + "the name and dtype fields set.")
    encoding = info.WhichOneof("encoding")
    if encoding is None:
        raise AssertionError(_NAMED + f"one of the 'encoding' fields (e.g., name or coo_sparse) set: {info}")
    if encoding == "composite_tensor":
        for component in info.composite_tensor.components:
            _check_tensor_info(component)
    elif not info.dtype:
        raise AssertionError(_NAMED + f"the dtype field set: {info}")


def _check_signatures(signatures: dict[str, Any]) -> None:
    for signature in signatures.values():
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            _check_tensor_info(info)
    for key, what in (
        (constants.INIT_OP_SIGNATURE_KEY, "initialization"),
        (constants.TRAIN_OP_SIGNATURE_KEY, "the train op"),
    ):
        if key in signatures:
            raise KeyError(f'SignatureDef map key "{key}" is reserved for {what}. Please use a different key.')


# ---- assets


def _asset_path(tensor: Any) -> bytes:
    if not isinstance(tensor, Tensor):
        raise TypeError("Asset path tensor must be a Tensor.")
    if tensor.op.type != "Const":
        raise TypeError("Asset path tensor must be of type constant.")
    if tensor.dtype != dtypes.string:
        raise TypeError("Asset path tensor must be of dtype string.")
    value = tensor.op.attrs["value"].ravel()
    if len(value) != 1:
        raise TypeError("Asset path tensor must be a scalar.")
    path = value[0]
    return path if isinstance(path, bytes) else str(path).encode()


def get_asset_filename_to_add(asset_filepath: Any, asset_filename_map: dict[Any, Any]) -> Any:
    """The name under which a file goes into the SavedModel: numbered if another file has its name.

    Source: TF 1.15 `builder_impl.get_asset_filename_to_add`.
    """
    name = os.path.basename(asset_filepath)
    other = asset_filename_map.get(name)
    if other is None or other == asset_filepath or filecmp.cmp(asset_filepath, other, shallow=False):
        return name
    found, number = name, 1
    while found in asset_filename_map:
        found = name + (f"_{number}".encode() if isinstance(name, bytes) else f"_{number}")
        number += 1
    return found


def _save_assets(add: Callable[[Any, Any], None], assets: Iterable[Any] | None) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    if assets is None:
        get_logger().info("No assets to save.")
        return found
    for tensor in assets:
        path = _asset_path(tensor)
        if not path:
            raise ValueError(f"Invalid asset filepath tensor {tensor}")
        name = get_asset_filename_to_add(path, found)
        add(name, tensor)
        found[name] = path
    get_logger().info("Assets added to graph.")
    return found


def copy_assets_to_destination_dir(asset_filename_map: dict[Any, Any], destination_dir: str) -> None:
    """Copies files into the SavedModel. Source: TF 1.15 `builder_impl.copy_assets_to_destination_dir`."""
    target = os.path.join(os.fspath(destination_dir), constants.ASSETS_DIRECTORY)
    os.makedirs(target, exist_ok=True)
    for name, source in asset_filename_map.items():
        path = os.path.join(target, os.fsdecode(name))
        if not os.path.exists(path):
            with as_tf(os.fsdecode(source)):
                shutil.copyfile(os.fsdecode(source), path)
    get_logger().info("Assets written to: %s", target)


def _asset(name: Any, tensor: Any) -> Any:
    made = _AssetFileDef(filename=os.fsdecode(name))
    made.tensor_info.name = tensor.name
    return made


def _add_asset_to_collection(name: Any, tensor: Any) -> None:
    packed = message_class("google.protobuf.Any")()
    packed.Pack(_asset(name, tensor))
    add_to_collection(constants.ASSETS_KEY, packed)


# ---- builders


class _SavedModelBuilder:
    """The builder that keeps files and initializing operations in the meta graphs themselves."""

    def __init__(self, export_dir: str):
        self._saved_model = message_class("tensorflow.SavedModel")(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._export_dir = os.fsdecode(export_dir)
        if os.path.exists(self._export_dir) and os.listdir(self._export_dir):
            raise AssertionError(
                "Export directory already exists, and isn't empty. Please choose a different export directory, or delete all "
                f"the contents of the specified directory: {self._export_dir}"
            )
        os.makedirs(self._export_dir, exist_ok=True)
        self._has_saved_variables = False

    def _check_first(self, first: bool) -> None:
        if first and self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke `add_meta_graph()` instead."
            )
        if not first and not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )

    def _add(
        self, meta_graph_def: Any, tags: Iterable[str], signatures: dict[str, Any] | None, main_op: Any = None
    ) -> None:
        drop_private_operations(meta_graph_def, signatures or {}, [main_op])
        meta_graph_def.meta_info_def.tags.extend(tags)
        for key, signature in (signatures or {}).items():
            meta_graph_def.signature_def[key].CopyFrom(signature)
        self._saved_model.meta_graphs._adopt([meta_graph_def])

    def _saver(self, saver: Any) -> Any:
        if saver:
            return saver
        keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.SAVEABLE_OBJECTS)
        return Saver([v for key in keys for v in get_collection(key)], sharded=True, allow_empty=True)

    def _save_variables(self, sess: Any, saver: Any) -> None:
        path = variables_path(self._export_dir)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        saver.save(sess, path, write_meta_graph=False, write_state=False)

    def _graph_of(
        self, saver: Any, clear_devices: bool, strip_default_attrs: bool, assets: Any, tags: Any, signatures: Any
    ) -> None:
        meta = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        found = _save_assets(lambda name, tensor: meta.asset_file_def._adopt([_asset(name, tensor)]), assets)
        if found:
            copy_assets_to_destination_dir(found, self._export_dir)
        else:
            get_logger().info("No assets to write.")
        self._add(meta, tags, signatures)

    @staticmethod
    def _with_operations(signatures: Any, init_op: Any, train_op: Any) -> dict[str, Any]:
        signatures = signatures or {}
        _check_signatures(signatures)
        for op, key in ((init_op, constants.INIT_OP_SIGNATURE_KEY), (train_op, constants.TRAIN_OP_SIGNATURE_KEY)):
            if op is not None:
                signatures[key] = op_signature_def(op, key)
        return signatures  # type: ignore[no-any-return]

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Any = None,
        assets_list: Any = None,
        clear_devices: bool = False,
        init_op: Any = None,
        train_op: Any = None,
        saver: Any = None,
    ) -> None:
        """Adds the default graph; its variables were saved with the first. Raises: AssertionError if they were not."""
        self._check_first(False)
        signatures = self._with_operations(signature_def_map, init_op, train_op)
        self._graph_of(self._saver(saver), clear_devices, True, assets_list, tags, signatures)

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Any = None,
        assets_list: Any = None,
        clear_devices: bool = False,
        init_op: Any = None,
        train_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph and saves its variables. Raises: AssertionError for a second time."""
        self._check_first(True)
        signatures = self._with_operations(signature_def_map, init_op, train_op)
        saver = self._saver(saver)
        self._save_variables(sess, saver)
        self._graph_of(saver, clear_devices, strip_default_attrs, assets_list, tags, signatures)
        self._has_saved_variables = True

    def save(self, as_text: bool = False) -> bytes:
        """Writes the graphs, in the binary or the text format; gives the path."""
        os.makedirs(self._export_dir, exist_ok=True)
        name = constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        path = os.path.join(self._export_dir, name)
        write_atomically(path, str(self._saved_model).encode() if as_text else self._saved_model.SerializeToString())
        get_logger().info("SavedModel written to: %s", path)
        return path.encode()


@export("saved_model.Builder", "saved_model.builder.SavedModelBuilder")
class SavedModelBuilder(_SavedModelBuilder):
    """Writes a SavedModel: graphs by tags, with signatures, files and variables.

    >>> builder = tf.saved_model.Builder("export")    # doctest: +SKIP
    >>> builder.add_meta_graph_and_variables(sess, ["serve"])    # doctest: +SKIP
    >>> builder.save()    # doctest: +SKIP

    Raises: AssertionError for a directory that holds something. Source: TF 1.15 `tf.saved_model.Builder`.
    """

    def _add_collections(self, assets: Any, main_op: Any) -> None:
        found = _save_assets(_add_asset_to_collection, assets)
        if found:
            copy_assets_to_destination_dir(found, self._export_dir)
        else:
            get_logger().info("No assets to write.")
        if main_op is None:
            return
        if not isinstance(main_op, Operation):
            raise TypeError(f"main_op needs to be an Operation: {main_op!r}")
        for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
            if get_collection(key):
                raise ValueError(f"Graph already contains one or more main ops under the collection {key}.")
        add_to_collection(constants.MAIN_OP_KEY, main_op)

    def add_meta_graph(  # type: ignore[override]
        self,
        tags: Iterable[str],
        signature_def_map: Any = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph; its variables were saved with the first. Raises: AssertionError if they were not."""
        self._check_first(False)
        signatures = signature_def_map or {}
        _check_signatures(signatures)
        self._add_collections(assets_collection, main_op if main_op is not None else legacy_init_op)
        saver = self._saver(saver)
        meta = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        self._add(meta, tags, signatures, main_op if main_op is not None else legacy_init_op)

    def add_meta_graph_and_variables(  # type: ignore[override]
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Any = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph and saves its variables. Raises: AssertionError for a second time."""
        self._check_first(True)
        signatures = signature_def_map or {}
        _check_signatures(signatures)
        self._add_collections(assets_collection, main_op if main_op is not None else legacy_init_op)
        saver = self._saver(saver)
        self._save_variables(sess, saver)
        meta = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        self._add(meta, tags, signatures, main_op if main_op is not None else legacy_init_op)
        self._has_saved_variables = True


@export("saved_model.simple_save")
def simple_save(session: Any, export_dir: str, inputs: Any, outputs: Any, legacy_init_op: Any = None) -> None:
    """Writes a SavedModel with one graph and one signature, for serving.

    >>> tf.saved_model.simple_save(sess, "export", {"x": x}, {"y": y})    # doctest: +SKIP

    Source: TF 1.15 `tf.saved_model.simple_save`.
    """
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[constants.SERVING],
        signature_def_map={constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)},
        assets_collection=get_collection(GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()
