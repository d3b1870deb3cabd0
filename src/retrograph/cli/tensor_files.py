"""Files of named arrays, one face for all: checkpoints, `.npz`, `.safetensors`."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from retrograph.checkpoint.management import checkpoint_exists, checkpoint_file
from retrograph.checkpoint.opening import open_checkpoint
from retrograph.checkpoint.writing import BundleWriter
from retrograph.cli.failure import Failure, reading
from retrograph.framework import dtypes

_npy: Any = np.lib.format


class Described(NamedTuple):
    """What is known of a tensor without reading it; strings have no size of their own (0)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    item_size: int

    @property
    def parameters(self) -> int:
        """How many numbers."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bytes(self) -> int:
        """How many bytes."""
        return self.parameters * self.item_size


class TensorFile(Protocol):
    """Named arrays in a file."""

    kind: str

    def described(self) -> list[Described]:
        """The tensors, sorted by name."""

    def read(self, name: str) -> Any:
        """The array of that name."""


class CheckpointFile:
    """A checkpoint of TensorFlow's, of format V1 or V2."""

    kind = "checkpoint"

    def __init__(self, prefix: str):
        self.prefix, self._bundle = prefix, open_checkpoint(prefix)

    def described(self) -> list[Described]:
        """The tensors, sorted by name."""
        return [self._described(name) for name in sorted(self._bundle.names())]

    def _described(self, name: str) -> Described:
        dtype = self._bundle.dtype_of(name)
        item_size = 0 if dtype.name == "string" else np.dtype(dtype.as_numpy_dtype).itemsize
        return Described(name, tuple(self._bundle.shape_of(name)), dtype.name, item_size)

    def read(self, name: str) -> Any:
        """The array of that name."""
        return self._bundle.read(name)


class NpzFile:
    """NumPy's archive of arrays; nothing in it is executed."""

    kind = "npz"

    def __init__(self, path: str):
        if not zipfile.is_zipfile(path):
            raise Failure(f"{path}: not an .npz archive, or a damaged one")
        self._file = np.load(path, allow_pickle=False)

    def described(self) -> list[Described]:
        """The tensors, sorted by name."""
        return [self._described(name) for name in sorted(self._file.files)]

    def _described(self, name: str) -> Described:
        with self._file.zip.open(name + ".npy") as file:
            version = _npy.read_magic(file)
            header = _npy.read_array_header_1_0 if version == (1, 0) else _npy.read_array_header_2_0
            shape, _, dtype = header(file)
        return Described(name, shape, dtype.name, dtype.itemsize)

    def read(self, name: str) -> Any:
        """The array of that name."""
        return self._file[name]


class SafetensorsFile:
    """A `.safetensors` file, read by the library of that name."""

    kind = "safetensors"

    def __init__(self, path: str):
        # NumPy has to know the type of that name before the library can make arrays of it.
        np.dtype(dtypes.bfloat16.as_numpy_dtype)
        self._file = _safetensors().safe_open(path, "np")

    def described(self) -> list[Described]:
        """The tensors, sorted by name."""
        return [self._described(name) for name in sorted(self._file.keys())]

    def _described(self, name: str) -> Described:
        part = self._file.get_slice(name)
        dtype, size = _SAFETENSORS_TYPES.get(part.get_dtype(), (part.get_dtype(), 0))
        return Described(name, tuple(part.get_shape()), dtype, size)

    def read(self, name: str) -> Any:
        """The array of that name."""
        return self._file.get_tensor(name)


_SAFETENSORS_TYPES = {
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2), "I64": ("int64", 8),
    "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1), "U64": ("uint64", 8), "U32": ("uint32", 4),
    "U16": ("uint16", 2), "U8": ("uint8", 1), "BOOL": ("bool", 1), "C64": ("complex64", 8),
}  # fmt: skip


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise Failure("safetensors is not installed: pip install 'retrograph[safetensors]'") from None
    return safetensors


def open_tensors(path: str) -> TensorFile:
    """The tensors of a checkpoint (prefix, index file, directory), frozen graph, `.npz` or `.safetensors` file.

    Raises Failure: no such file, or a damaged one.
    """
    with reading(path):
        if path.endswith(".npz") and os.path.isfile(path):
            return NpzFile(path)
        if path.endswith(".safetensors") and os.path.isfile(path):
            return SafetensorsFile(path)
        if path.endswith((".pb", ".pbtxt")) and os.path.isfile(path) and not in_saved_model(path):
            from retrograph.cli.frozen_file import FrozenGraphFile

            return FrozenGraphFile(path)
        prefix = checkpoint_prefix(path)
        if prefix is None:
            raise Failure(f"{path}: no checkpoint, frozen graph (.pb), .npz or .safetensors file")
        return CheckpointFile(prefix)


def in_saved_model(path: str) -> bool:
    """Whether it is the graph of a SavedModel."""
    return os.path.basename(path) in ("saved_model.pb", "saved_model.pbtxt")


def checkpoint_prefix(path: str) -> str | None:
    """The checkpoint that a prefix, one of its files, a directory of checkpoints or a SavedModel means; or None."""
    if in_saved_model(path):
        path = os.path.dirname(path) or "."
    if os.path.isdir(path):
        inside = os.path.join(path, "variables", "variables")
        return inside if os.path.isfile(inside + ".index") else checkpoint_file(path)
    for candidate in (path.removesuffix(".index"), path.partition(".data-")[0], path.removesuffix(".meta")):
        if candidate and candidate != path and os.path.isfile(candidate + ".index"):
            return candidate
    # The file in which a directory's checkpoints are listed.
    listed = os.path.basename(path) == "checkpoint" and not os.path.exists(path + ".index")
    if listed and (latest := checkpoint_file(os.path.dirname(path) or ".")):
        return latest
    return path if path and not _is_special(path) and checkpoint_exists(path) else None


def _is_special(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)


def write_tensors(path: str, tensors: Sequence[tuple[str, Any]] | Iterator[tuple[str, Any]]) -> None:
    """Writes arrays by name as the kind of file that the path's ending says; a checkpoint if it says none.

    Nothing is left behind if it fails.
    """
    if path.endswith(".npz"):
        _whole(path, lambda part: _write_npz(part, tensors))
    elif path.endswith(".safetensors"):
        _whole(path, lambda part: _write_safetensors(part, tensors))
    else:
        _write_checkpoint(path.removesuffix(".index"), tensors)


def _whole(path: str, write: Any) -> None:
    part = f"{path}.{os.getpid()}.part"
    try:
        write(part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)
        raise


def _write_npz(path: str, tensors: Iterable[tuple[str, Any]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, value in tensors:
            array = np.asarray(value)
            if array.dtype == object or array.dtype.kind == "V":
                kind = "strings" if array.dtype == object else array.dtype.name
                raise Failure(f"{name}: an .npz file cannot hold {kind}; leave it out by --exclude")
            with archive.open(name + ".npy", "w", force_zip64=True) as file:
                _npy.write_array(file, array, allow_pickle=False)


def _write_safetensors(path: str, tensors: Iterable[tuple[str, Any]]) -> None:
    library, arrays = _safetensors(), {}
    for name, value in tensors:
        array = np.asarray(value)
        if array.dtype == object:
            raise Failure(f"{name}: a .safetensors file cannot hold strings; leave it out by --exclude")
        arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    library.numpy.save_file(arrays, path)


def _write_checkpoint(prefix: str, tensors: Iterable[tuple[str, Any]]) -> None:
    # The order of a checkpoint's data is that of its names; the values are not needed at once for that.
    writer = BundleWriter(prefix)
    try:
        for name, value in tensors:
            writer.add(name, value)
    except BaseException:
        writer.abandon()
        raise
    writer.finish()
