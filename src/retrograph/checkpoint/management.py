"""The file `checkpoint` that names a directory's checkpoints, and functions by which programs find and read them."""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from retrograph.checkpoint.old_format import matching_files
from retrograph.checkpoint.opening import open_checkpoint
from retrograph.checkpoint.reading import index_name
from retrograph.checkpoint.writing import remove_files
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.framework.files import as_file_name, write_atomically
from retrograph.framework.logger import get_logger
from retrograph.framework.message_text import merge_text
from retrograph.framework.messages import DecodeError, message_class
from retrograph.platform.text import as_name

CheckpointState: Any = message_class("tensorflow.CheckpointState")


def _state_file(save_dir: str, latest_filename: str | None) -> str:
    return os.path.join(save_dir, latest_filename or "checkpoint")


@export("train.generate_checkpoint_state_proto")
def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: list[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """The state of a directory; paths relative to it where it is relative itself.

    Raises: ValueError for other numbers of timestamps than of paths.
    Source: TF 1.15 `tf.train.generate_checkpoint_state_proto`.
    """
    # A list that is given gets the path too, as in TF.
    given = all_model_checkpoint_paths
    paths = given if isinstance(given, list) else list(given or ())
    if not paths or paths[-1] != model_checkpoint_path:
        get_logger().info("%s is not in all_model_checkpoint_paths. Manually adding it.", model_checkpoint_path)
        paths.append(model_checkpoint_path)
    if all_model_checkpoint_timestamps and len(all_model_checkpoint_timestamps) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths "
            f"(got paths {paths} and timestamps {all_model_checkpoint_timestamps})"
        )

    def relative(path: str) -> str:
        return path if os.path.isabs(save_dir) or os.path.isabs(path) else os.path.relpath(path, save_dir or ".")

    made = CheckpointState(
        model_checkpoint_path=relative(model_checkpoint_path),
        all_model_checkpoint_paths=[relative(p) for p in paths],
        all_model_checkpoint_timestamps=list(all_model_checkpoint_timestamps or ()),
    )
    if last_preserved_timestamp is not None:
        made.last_preserved_timestamp = last_preserved_timestamp
    return made


def write_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    save_relative_paths: bool = False,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the file `checkpoint`; with `save_relative_paths` absolute paths become relative to its directory."""
    latest, paths = model_checkpoint_path, list(all_model_checkpoint_paths or ())
    if save_relative_paths:
        latest, *paths = [os.path.relpath(p, save_dir) if os.path.isabs(p) else p for p in (latest, *paths)]
    state = generate_checkpoint_state_proto(
        save_dir, latest, paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    file = _state_file(save_dir, latest_filename)
    if file == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  "
            "Please use a different save path."
        )
    write_atomically(file, str(state).encode())


@export("train.update_checkpoint_state")
def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes which checkpoints a directory has.

    Raises: RuntimeError if the checkpoint's path is that of this file.
    Source: TF 1.15 `tf.train.update_checkpoint_state`.
    """
    write_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        latest_filename,
        False,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )


@export("train.get_checkpoint_state")
def get_checkpoint_state(checkpoint_dir: str, latest_filename: str | None = None) -> Any:
    """The `CheckpointState` of a directory, paths absolute or relative to where the program runs; None without one.

    Raises: ValueError if it names no checkpoint.
    Source: TF 1.15 `tf.train.get_checkpoint_state`.
    """
    path = _state_file(os.fspath(checkpoint_dir), latest_filename)
    try:
        with open(path, encoding="utf-8") as file:
            state = merge_text(file.read(), CheckpointState())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, DecodeError) as error:
        get_logger().warning("%s: %s", type(error).__name__, error)
        get_logger().warning("%s: Checkpoint ignored", path)
        return None
    if not state.model_checkpoint_path:
        raise ValueError("Invalid checkpoint state loaded from " + checkpoint_dir)
    state.model_checkpoint_path = os.path.join(checkpoint_dir, state.model_checkpoint_path)
    state.all_model_checkpoint_paths[:] = [os.path.join(checkpoint_dir, p) for p in state.all_model_checkpoint_paths]
    return state


@export("train.latest_checkpoint")
def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """The prefix of a directory's latest checkpoint; None without one.

    Source: TF 1.15 `tf.train.latest_checkpoint`.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if checkpoint_exists(state.model_checkpoint_path):
        path: str = state.model_checkpoint_path
        return path
    get_logger().error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
    return None


def _matching(pattern: str) -> list[str]:
    """The files that match; NotFoundError if their directory is not there, as TF says it."""
    directory = os.path.dirname(pattern)
    if directory and not glob.has_magic(directory) and not os.path.isdir(directory):
        raise errors.NotFoundError(None, None, f"{directory}; No such file or directory")
    try:
        return glob.glob(pattern)
    except (ValueError, RecursionError):  # a NUL, or more directories than any path has: no such file
        return []


@export("train.checkpoint_exists")
def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint of that prefix.

    Raises: NotFoundError if its directory is not there.
    Source: TF 1.15 `tf.train.checkpoint_exists`.
    """
    return bool(_matching(index_name(checkpoint_prefix)) or _matching(checkpoint_prefix))


@export("train.get_checkpoint_mtimes")
def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When the checkpoints were written, in seconds since 1970; those that are not there are left out.

    Source: TF 1.15 `tf.train.get_checkpoint_mtimes`.
    """
    found = [_matching(index_name(p)) or _matching(p) for p in checkpoint_prefixes]
    return [os.stat(files[0]).st_mtime_ns / 1e9 for files in found if files]


@export("train.remove_checkpoint")
def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta"
) -> None:
    """Deletes the files of a checkpoint.

    Source: TF 1.15 `tf.train.remove_checkpoint`.
    """
    remove_files(meta_graph_filename(checkpoint_prefix, meta_graph_suffix), "")
    if checkpoint_format_version != 2:
        for path in matching_files(checkpoint_prefix):
            os.remove(path)
        return
    for suffix in (".index", ".data-?????-of-?????"):
        remove_files(checkpoint_prefix, suffix)


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """The file of the graph beside a checkpoint.

    >>> meta_graph_filename("m-?????-of-00002")
    'm.meta'
    """
    return re.sub(r"-[\d\?]+-of-\d+$", "", checkpoint_filename) + "." + meta_graph_suffix


@export("train.NewCheckpointReader")
class NewCheckpointReader:
    """Reads the tensors of a checkpoint.

    Raises: NotFoundError if there is none; DataLossError for damaged files.
    Source: TF 1.15 `tf.train.NewCheckpointReader`.
    """

    def __init__(self, filepattern: str | bytes):
        self._bundle = open_checkpoint(as_file_name(filepattern))

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes by name."""
        return self._bundle.shapes()

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """The types by name."""
        return {name: self._bundle.dtype_of(name) for name in self._bundle.names()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether the checkpoint has a tensor of that name."""
        return tensor_str in self._bundle

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """The value of a tensor: an array, a NumPy scalar if it has no dimensions."""
        value = self._bundle.read(as_name(tensor_str))
        return value if value.ndim else value[()]

    def debug_string(self) -> bytes:
        """Names, types and shapes, one a line."""
        lines = []
        for key in self._bundle.raw_keys():
            if key.startswith(b"\0") or not self._bundle.slices_of(as_name(key)):
                kind = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}
                name = self._bundle.dtype_of(key).name
                shape = ",".join(map(str, self._bundle.shape_of(key)))
                lines.append(key + f" (DT_{kind.get(name, name.upper())}) [{shape}]\n".encode())
        return b"".join(lines)


def checkpoint_file(ckpt_dir_or_file: str) -> str | None:
    """The prefix that a directory or prefix means."""
    found = as_file_name(ckpt_dir_or_file)
    return latest_checkpoint(found) if os.path.isdir(found) else found


@export("train.load_checkpoint", "contrib.framework.load_checkpoint")
def load_checkpoint(ckpt_dir_or_file: str) -> NewCheckpointReader:
    """A reader of a checkpoint, or of a directory's latest.

    Raises: ValueError for a directory without one.
    Source: TF 1.15 `tf.train.load_checkpoint`.
    """
    found = checkpoint_file(ckpt_dir_or_file)
    if found is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {ckpt_dir_or_file}")
    return NewCheckpointReader(found)


@export("train.load_variable", "contrib.framework.load_variable")
def load_variable(ckpt_dir_or_file: str, name: str) -> Any:
    """The value of one tensor of a checkpoint; a `:0` after its name is dropped.

    Source: TF 1.15 `tf.train.load_variable`.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


@export("train.list_variables", "contrib.framework.list_variables")
def list_variables(ckpt_dir_or_file: str) -> list[tuple[str, list[int]]]:
    """(name, shape) of each tensor of a checkpoint, sorted.

    Source: TF 1.15 `tf.train.list_variables`.
    """
    return load_checkpoint(ckpt_dir_or_file)._bundle.listing()


def _wait(directory: str, last: str | None, timeout: float | None) -> str | None:
    stop = None if timeout is None else time.time() + timeout
    while True:
        found = latest_checkpoint(directory)
        if found is not None and found != last:
            return found
        if stop is not None and time.time() + 1 > stop:
            return None
        time.sleep(1)


@export(
    "train.checkpoints_iterator",
    "contrib.training.checkpoints_iterator",
    "contrib.slim.evaluation.checkpoints_iterator",
)
def checkpoints_iterator(
    checkpoint_dir: str,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """The checkpoints of a directory as they come.

    Ends when none has come for `timeout` seconds and `timeout_fn`, if given, returns true.
    Source: TF 1.15 `tf.train.checkpoints_iterator`.
    """
    last = None
    while True:
        found = _wait(checkpoint_dir, last, timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        start, last = time.time(), found
        yield found
        time.sleep(max(0.0, start + min_interval_secs - time.time()))
