"""`tf.train.Saver`: variables into checkpoints and back."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.checkpoint.management import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    meta_graph_filename,
    remove_checkpoint,
    write_state,
)
from retrograph.checkpoint.opening import open_checkpoint
from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import (
    control_dependencies,
    device,
    get_collection,
    get_default_graph,
    name_scope,
)
from retrograph.framework.device import canonical_name
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.ops.control_flow import group, with_dependencies
from retrograph.train.object_restoring import object_graph_key_mapping, saver_from_object_based_checkpoint
from retrograph.train.restore_help import explain
from retrograph.train.saveable import (
    ReferenceVariableSaveable,
    ResourceVariableSaveable,
    all_saveables,
    by_name,
    on_cpu,
    saveables_of,
)
from retrograph.train.saveable import SaveableObject as Saveable
from retrograph.train.saveable import SaveSpec as Spec
from retrograph.train.saver_def import SaverDef
from retrograph.variables.definition import in_scope, without_scope
from retrograph.variables.partition import PartitionedVariable


class BaseSaverBuilder:
    """Makes the operations that save and restore, one RestoreV2 for each tensor."""

    SaveSpec = Spec
    SaveableObject = Saveable
    VariableSaveable = ReferenceVariableSaveable
    ResourceVariableSaveable = ResourceVariableSaveable
    OpListToDict = staticmethod(by_name)
    SaveableObjectsForOp = staticmethod(saveables_of)

    def __init__(self, write_version: int = SaverDef.V2):
        self._write_version = write_version

    def save_op(self, filename_tensor: Any, saveables: Sequence[Saveable]) -> Any:
        """The operation that saves."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        if self._write_version == SaverDef.V1:
            return apply_op(
                "SaveSlices",
                "save",
                filename=filename_tensor,
                tensor_names=[s.name for s in specs],
                shapes_and_slices=[s.slice_spec for s in specs],
                data=[s.tensor for s in specs],
            )
        if self._write_version != SaverDef.V2:
            raise RuntimeError(f"Unexpected write_version: {self._write_version}")
        return apply_op(
            "SaveV2",
            None,
            prefix=filename_tensor,
            tensor_names=[s.name for s in specs],
            shape_and_slices=[s.slice_spec for s in specs],
            tensors=[s.tensor for s in specs],
        )

    def restore_op(self, filename_tensor: Any, saveable: Saveable, preferred_shard: int) -> list[Any]:
        """The restored tensors of one saveable."""
        return [_restore(filename_tensor, [spec])[0] for spec in saveable.specs]

    def bulk_restore(
        self,
        filename_tensor: Any,
        saveables: Sequence[Saveable],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Any]:
        """The restored tensors of all saveables."""
        found = []
        for saveable in saveables:
            with device(on_cpu(saveable.device)) if saveable.device else nullcontext():
                found.extend(self.restore_op(filename_tensor, saveable, preferred_shard))
        return found

    def sharded_filename(self, filename_tensor: Any, shard: int, num_shards: Any) -> Any:
        """The name of one shard."""
        return apply_op("ShardedFilename", None, basename=filename_tensor, shard=shard, num_shards=num_shards)

    def _saved(self, filename_tensor: Any, saveables: Sequence[Saveable]) -> Any:
        return with_dependencies([self.save_op(filename_tensor, saveables)], filename_tensor)

    def _saved_in_old_shards(self, prefix: Any, per_device: list[tuple[str, list[Saveable]]]) -> Any:
        num_shards = tf.constant(len(per_device), name="num_shards")
        saves = []
        for shard, (where, saveables) in enumerate(per_device):
            with device(where):
                saves.append(self._saved(self.sharded_filename(prefix, shard, num_shards), saveables))
        with control_dependencies([s.op for s in saves]):
            return apply_op("ShardedFilespec", None, basename=prefix, num_shards=num_shards)

    def _saved_in_shards(self, prefix: Any, per_device: list[tuple[str, list[Saveable]]]) -> Any:
        parts = tf.string_join([prefix, f"_temp_{uuid.uuid4().hex}/part"])
        num_shards = tf.constant(len(per_device), name="num_shards")
        names, saves = [], []
        for shard, (where, saveables) in enumerate(per_device):
            with device(on_cpu(where)):
                names.append(self.sharded_filename(parts, shard, num_shards))
                saves.append(self._saved(names[-1], saveables))
        with control_dependencies([s.op for s in saves]), device(on_cpu(per_device[-1][0])):
            merge = apply_op(
                "MergeV2Checkpoints", None, checkpoint_prefixes=names, destination_prefix=prefix, delete_old_dirs=True
            )
            with control_dependencies([merge]):
                return tf.identity(prefix)

    def _restored(
        self,
        filename_tensor: Any,
        saveables: Sequence[Saveable],
        restore_sequentially: bool,
        reshape: bool,
        preferred_shard: int = -1,
        name: str = "restore_all",
    ) -> Any:
        tensors = iter(self.bulk_restore(filename_tensor, saveables, preferred_shard, restore_sequentially))
        assigned = []
        for saveable in saveables:
            shapes = [_shape_of(spec.tensor) for spec in saveable.specs] if reshape else None
            assigned.append(saveable.restore([next(tensors) for _ in saveable.specs], shapes))
        return group(*assigned, name=name)

    def _restored_in_shards(
        self, filename_tensor: Any, per_device: list[tuple[str, list[Saveable]]], sequential: bool, reshape: bool
    ) -> Any:
        shards = []
        for shard, (where, saveables) in enumerate(per_device):
            with device(where):
                shards.append(
                    self._restored(filename_tensor, saveables, sequential, reshape, shard, name="restore_shard")
                )
        return group(*shards, name="restore_all")

    def build(
        self,
        names_to_saveables: Any,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: str | None = "model",
    ) -> Any:
        """Makes the operations and gives their names."""
        saveables = all_saveables(names_to_saveables)
        with name_scope(name, "save", [saveable.op for saveable in saveables]):
            file = tf.placeholder_with_default(filename or "model", shape=(), name="filename")
            file = tf.placeholder_with_default(file, shape=(), name="Const")
            if sharded:
                per_device = _by_device(saveables)
                old = self._write_version == SaverDef.V1
                saved = (self._saved_in_old_shards if old else self._saved_in_shards)(file, per_device)
                restored = self._restored_in_shards(file, per_device, restore_sequentially, reshape)
            else:
                saved = self._saved(file, saveables)
                restored = self._restored(file, saveables, restore_sequentially, reshape)
        _join_collected()
        keep = max_to_keep or 0
        return SaverDef(
            filename_tensor_name=file.name,
            save_tensor_name=saved.name,
            restore_op_name=restored.name,
            max_to_keep=keep,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            version=self._write_version,
        )


def _join_collected() -> None:
    """Puts together partitioned variables that are in a collection: a MetaGraph's collections name their values."""
    graph = get_default_graph()
    for key in graph.get_all_collection_keys():
        for element in graph.get_collection(key):
            if isinstance(element, PartitionedVariable) and element.name not in graph._nodes_by_name:
                element.as_tensor()


class BulkSaverBuilder(BaseSaverBuilder):
    """Makes one RestoreV2 for all tensors."""

    def bulk_restore(
        self,
        filename_tensor: Any,
        saveables: Sequence[Saveable],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Any]:
        """The restored tensors of all saveables."""
        with device("cpu:0"):
            return _restore(filename_tensor, [spec for saveable in saveables for spec in saveable.specs])


def _restore(filename_tensor: Any, specs: Sequence[Spec]) -> list[Any]:
    names, slices, types = [s.name for s in specs], [s.slice_spec for s in specs], [s.dtype for s in specs]
    restored = apply_op(
        "RestoreV2", None, prefix=filename_tensor, tensor_names=names, shape_and_slices=slices, dtypes=types
    )
    return list(restored)


def _shape_of(tensor: Any) -> Any:
    shape = tensor.get_shape()
    return shape.as_list() if shape.is_fully_defined() else tf.shape(tensor)


def _by_device(saveables: Sequence[Saveable]) -> list[tuple[str, list[Saveable]]]:
    found: dict[str, list[Saveable]] = {}
    for saveable in saveables:
        places = {canonical_name(spec.tensor.device) for spec in saveable.specs}
        if len(places) != 1:
            raise ValueError(f"All tensors of a saveable object must be on the same device: {saveable.name}")
        found.setdefault(places.pop(), []).append(saveable)
    return sorted(found.items(), key=lambda t: t[0])


def _all_saveable_objects(scope: str | None = None) -> list[Any]:
    return [*get_collection(GraphKeys.GLOBAL_VARIABLES, scope), *get_collection(GraphKeys.SAVEABLE_OBJECTS, scope)]


@export("train.Saver")
class Saver:
    """Saves variables to checkpoints and restores them.

    `var_list` is a list of variables, or a dict of them by their names in the checkpoint; without it all of the graph.
    Raises: ValueError if there are none, or two under one name; TypeError for what is no variable.

    >>> saver = tf.train.Saver({"old/name": v})    # doctest: +SKIP
    >>> saver.restore(sess, tf.train.latest_checkpoint("run"))    # doctest: +SKIP

    Source: TF 1.15 `tf.train.Saver`.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = SaverDef.V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ):
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. "
                "Either set defer_build=False or var_list=None."
            )
        self._var_list, self._reshape, self._sharded = var_list, reshape, sharded
        self._max_to_keep, self._keep_checkpoint_every_n_hours = max_to_keep, keep_checkpoint_every_n_hours
        self._name, self._restore_sequentially, self._filename = name, restore_sequentially, filename
        self.saver_def: Any = saver_def
        self._builder, self._allow_empty, self._write_version = builder, allow_empty, write_version
        self._pad_step_number, self._save_relative_paths = pad_step_number, save_relative_paths
        self._object_saver: Saver | None = None
        self._is_built = False
        self._is_empty: bool | None = None
        self._last_checkpoints: list[tuple[str, float]] = []
        self._checkpoints_to_be_deleted: list[tuple[str, float]] = []
        if not defer_build:
            self.build()
        if self.saver_def:
            self._check_saver_def()
            self._write_version = self.saver_def.version

    def build(self) -> None:
        """Makes the operations, if they are not made yet.

        Raises: ValueError without variables.
        """
        if self._is_built:
            return
        self._is_built = True
        if self.saver_def:
            self._take_definition()
        elif not self._build_operations():
            return
        self._check_saver_def()
        self._next_checkpoint_time = time.time() + self.saver_def.keep_checkpoint_every_n_hours * 3600

    def _take_definition(self) -> None:
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name") if self._name else ():
            setattr(self.saver_def, field, in_scope(getattr(self.saver_def, field), self._name))

    def _build_operations(self) -> bool:
        if self._builder is None:
            self._builder = BulkSaverBuilder(self._write_version)
        if self._var_list is None:
            self._var_list = _all_saveable_objects()
        self._is_empty = not self._var_list
        if self._is_empty:
            if self._allow_empty:
                return False
            raise ValueError("No variables to save")
        self.saver_def = self._builder.build(
            self._var_list,
            reshape=self._reshape,
            sharded=self._sharded,
            max_to_keep=self._max_to_keep,
            keep_checkpoint_every_n_hours=self._keep_checkpoint_every_n_hours,
            name=self._name,
            restore_sequentially=self._restore_sequentially,
            filename=self._filename,
        )
        return True

    def _check_saver_def(self) -> None:
        if not isinstance(self.saver_def, SaverDef):
            raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {self.saver_def}")
        for field in ("save_tensor_name", "restore_op_name"):
            if not getattr(self.saver_def, field):
                raise ValueError(f"saver_def must specify the {field}: {self.saver_def}")

    # ---- which checkpoints are kept

    def _record(self, path: str) -> None:
        if not self.saver_def.max_to_keep:
            return
        self._last_checkpoints = [p for p in self._last_checkpoints if p[0] != path]
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self.saver_def.max_to_keep:
            self._checkpoints_to_be_deleted.append(self._last_checkpoints.pop(0))

    def _delete_old(self, meta_graph_suffix: str) -> None:
        if not self._checkpoints_to_be_deleted:
            return
        path, made = self._checkpoints_to_be_deleted.pop(0)
        if made > self._next_checkpoint_time:
            self._next_checkpoint_time += self.saver_def.keep_checkpoint_every_n_hours * 3600
            return
        try:
            remove_checkpoint(path, self.saver_def.version, meta_graph_suffix)
        except (OSError, errors.OpError) as error:
            get_logger().warning("Ignoring: %s", error)

    @property
    def last_checkpoints(self) -> list[str]:
        """The checkpoints that are not deleted yet, oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: list[str]) -> None:
        """Sets which checkpoints are there, with no times known: they are kept as new ones are."""
        self._last_checkpoints = [(path, np.inf) for path in _as_list(last_checkpoints)]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: list[tuple[str, float]]) -> None:
        """Sets which checkpoints are there, and when they were made."""
        self._last_checkpoints = _as_list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Takes over the checkpoints of an earlier run, as far as they are still there."""
        times = [(path, get_checkpoint_mtimes([path])) for path in checkpoint_paths]
        self.set_last_checkpoints_with_time([(path, found[0]) for path, found in times if found])

    # ---- definitions

    def as_saver_def(self) -> Any:
        """The `SaverDef`."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The `SaverDef`, names relative to `export_scope`; None if they are not in there."""
        if export_scope is None:
            return self.saver_def
        made = SaverDef()
        made.CopyFrom(self.saver_def)
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            name = getattr(made, field)
            if not name.startswith(export_scope):
                return None
            setattr(made, field, without_scope(name, export_scope))
        return made

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """A saver whose operations stand in the graph."""
        return Saver(saver_def=saver_def, name=import_scope)

    # ---- saving

    def save(
        self,
        sess: Any,
        save_path: str,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Writes a checkpoint and gives its prefix, `save_path` with `-<global_step>`; the old ones go as told.

        Raises: RuntimeError if not built; TypeError for what is no session; ValueError for a directory that is not there.
        """
        if not self._is_built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        latest_filename = latest_filename or "checkpoint"
        save_path = os.fspath(save_path)
        file = self._file_for(sess, save_path, global_step, latest_filename)
        if not isinstance(sess, (tf.Session, tf.InteractiveSession)):
            raise TypeError(f"'sess' must be a Session; {sess}")
        path = None
        if not self._is_empty:
            path = self._run_save(sess, save_path, file)
            if write_state:
                self._keep(path, save_path, latest_filename, meta_graph_suffix)
        if write_meta_graph:
            with sess.graph.as_default():
                self.export_meta_graph(
                    meta_graph_filename(file, meta_graph_suffix),
                    strip_default_attrs=strip_default_attrs,
                    save_debug_info=save_debug_info,
                )
        return path

    def _file_for(self, sess: Any, save_path: str, global_step: Any, latest_filename: str) -> str:
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        if global_step is None:
            if os.path.basename(save_path) == latest_filename and not self._sharded:
                raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
            return save_path
        step = global_step if isinstance(global_step, (int, np.integer)) else tf.train.global_step(sess, global_step)
        return f"{save_path}-{step:08d}" if self._pad_step_number else f"{save_path}-{step}"

    def _run_save(self, sess: Any, save_path: str, file: str) -> str:
        try:
            saved = sess.run(self.saver_def.save_tensor_name, {self.saver_def.filename_tensor_name: file})
        except (errors.FailedPreconditionError, errors.NotFoundError, FileExistsError, NotADirectoryError):
            if not os.path.isdir(os.path.dirname(save_path) or "."):
                raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.") from None
            raise
        return os.fsdecode(saved)

    def _keep(self, path: str, save_path: str, latest_filename: str, meta_graph_suffix: str) -> None:
        self._record(path)
        write_state(
            os.path.dirname(save_path),
            path,
            self.last_checkpoints,
            latest_filename,
            self._save_relative_paths,
        )
        self._delete_old(meta_graph_suffix)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Any = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """The default graph, its collections and this saver as a MetaGraphDef, also written to `filename`.

        Source: TF 1.15 `tf.train.Saver.export_meta_graph`.
        """
        from retrograph.train.meta_graph import export_meta_graph

        return export_meta_graph(
            filename=filename,
            graph_def=get_default_graph().as_graph_def(add_shapes=True),
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )

    # ---- restoring

    def restore(self, sess: Any, save_path: Any) -> None:
        """Gives the variables the values of a checkpoint; they need no initialization before.

        Raises: ValueError if there is none; NotFoundError for a name that it lacks, InvalidArgumentError for another
            shape or type, both with what was probably meant; DataLossError for damaged files.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fsdecode(save_path)
        if not checkpoint_exists(prefix):
            raise ValueError("The passed save_path is not a valid checkpoint: " + prefix)
        get_logger().info("Restoring parameters from %s", prefix)
        try:
            sess.run(self.saver_def.restore_op_name, {self.saver_def.filename_tensor_name: prefix})
        except errors.NotFoundError as error:
            try:
                names_to_keys = object_graph_key_mapping(prefix)
            except errors.NotFoundError:
                reason = "a Variable name or other graph key that is missing"
                raise self._explained(sess, prefix, error, reason) from None
            self._restore_objects(sess, prefix, names_to_keys)
        except errors.InvalidArgumentError as error:
            raise self._explained(sess, prefix, error, "a mismatch between the current graph and the graph") from None

    def _restore_objects(self, sess: Any, prefix: str, names_to_keys: dict[str, str]) -> None:
        """Restores a checkpoint of a `tf.train.Checkpoint` by the names that it tells."""
        get_logger().warning(
            "Restoring an object-based checkpoint using a name-based saver. This may be somewhat fragile, and will "
            "re-build the Saver. Instead, consider loading object-based checkpoints using tf.train.Checkpoint()."
        )
        with sess.graph.as_default():
            self._object_saver = saver_from_object_based_checkpoint(
                prefix, self._var_list, self._builder, names_to_keys, self._object_saver
            )
        self._object_saver.restore(sess, prefix)

    def _add_collection_def(self, meta_graph_def: Any, key: Any, export_scope: str | None = None) -> None:
        from retrograph.framework.meta_graph import add_collection_def

        add_collection_def(meta_graph_def, key, export_scope=export_scope)

    def _explained(self, sess: Any, prefix: str, error: errors.OpError, reason: str) -> errors.OpError:
        text = (
            f"Restoring from checkpoint failed. This is most likely due to {reason} from the checkpoint. Please ensure "
            f"that you have not altered the graph expected based on the checkpoint. Original error:\n\n{error.message}"
        )
        help_text = self._help(sess, prefix)
        return type(error)(error.node_def, error.op, f"{text}\n\n{help_text}" if help_text else text)

    def _help(self, sess: Any, prefix: str) -> str:
        try:
            wanted = dict(_restored(sess.graph, self.saver_def.restore_op_name.rpartition("/")[0]))
            return explain(wanted, dict(open_checkpoint(prefix).listing()), prefix)
        except (errors.OpError, KeyError):
            return ""


def _restored(graph: Any, scope: str) -> Iterator[tuple[str, Any]]:
    """(name in the checkpoint, shape of the variable or None) of all that the operations of a saver restore."""
    for op in graph.get_operations():
        if op.type != "RestoreV2" or op.name.rpartition("/")[0] != scope:
            continue
        names, specs = (tf.contrib.util.constant_value(op.inputs[i]) for i in (1, 2))
        # A damaged graph may name something else than as many texts.
        if any(v is None or v.dtype != object or v.size != len(op.outputs) for v in (names, specs)):
            continue
        for name, spec, tensor in zip(names.ravel().tolist(), specs.ravel().tolist(), op.outputs, strict=True):
            yield name.decode(errors="surrogateescape"), None if spec else _assigned_shape(tensor)


def _assigned_shape(tensor: Any) -> Any:
    """The shape of the variable that a restored tensor is assigned to, None where it is not known."""
    for op in tensor.consumers():
        if op.type == "Identity":
            return _assigned_shape(op.outputs[0])
        if op.type == "Assign":
            shape = op.inputs[0].get_shape()
            return shape.as_list() if shape.is_fully_defined() else None
        if op.type == "AssignVariableOp" and op.inputs[0].op.type == "VarHandleOp":
            shape = tf.TensorShape(op.inputs[0].op.get_attr("shape"))
            return shape.as_list() if shape.is_fully_defined() else None
    return None


def _as_list(value: Any) -> Any:
    if not isinstance(value, list):
        raise AssertionError(f"a list is wanted, not {type(value).__name__}")
    return value
