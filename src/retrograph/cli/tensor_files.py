"""Files of named arrays, one face for all: checkpoints, `.npz`, `.safetensors`."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from retrograph.checkpoint.opening import open_checkpoint
from retrograph.checkpoint.writing import BundleWriter
from retrograph.cli.failure import Failure, reading
from retrograph.cli.finding import checkpoint_prefix, in_saved_model, missing
from retrograph.cli.progress import Progress
from retrograph.framework import dtypes

_npy: Any = np.lib.format
_PIECE = 1 << 24


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
    path: str

    def described(self) -> list[Described]:
        """The tensors, sorted by name."""

    def read(self, name: str) -> Any:
        """The array of that name."""


class CheckpointFile:
    """A checkpoint of TensorFlow's, of format V1 or V2."""

    kind = "checkpoint"

    def __init__(self, prefix: str):
        self.path, self._bundle = prefix, open_checkpoint(prefix)

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
        self.path, self._file = path, np.load(path, allow_pickle=False)

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
        self.path, self._file = path, _safetensors().safe_open(path, "np")

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


_SAFETENSORS_NAMES = {name: kind for kind, (name, _) in _SAFETENSORS_TYPES.items()}


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
    low = path.lower()
    with reading(path):
        if low.endswith(".npz") and os.path.isfile(path):
            return NpzFile(path)
        if low.endswith(".safetensors") and os.path.isfile(path):
            return SafetensorsFile(path)
        if low.endswith((".pb", ".pbtxt")) and os.path.isfile(path) and not in_saved_model(path):
            from retrograph.cli.frozen_file import FrozenGraphFile

            return FrozenGraphFile(path)
        prefix = checkpoint_prefix(path)
        if prefix is None:
            if not os.path.exists(path):
                raise missing(path)
            raise Failure(f"{path}: no checkpoint, frozen graph (.pb), .npz or .safetensors file")
        return CheckpointFile(prefix)


class Named(NamedTuple):
    """A tensor that is to be written, under a name of its own."""

    file: TensorFile
    described: Described
    name: str

    def value(self) -> Any:
        """The array. Raises Failure, with the tensor's name: it cannot be read."""
        return value_of(self.file, self.described.name)


def named_apart(named: Iterable[tuple[str, Described]]) -> dict[str, Described]:
    """Tensors by their new names. Raises Failure: two have the same."""
    taken: dict[str, Described] = {}
    for new, described in named:
        if new in taken:
            raise Failure(f"{described.name} and {taken[new].name} would both be named {new}")
        taken[new] = described
    return taken


def value_of(file: TensorFile, name: str) -> Any:
    """The array of that name. Raises Failure, with file and name: it cannot be read."""
    with reading(file.path, name):
        return np.asarray(file.read(name))


_QUANTIZED = ("qint8", "quint8", "qint16", "quint16", "qint32")


def _fits_npz(dtype: str) -> bool:
    # In capitals are the types of `.safetensors` that have no other name here.
    return not dtype.isupper() and dtype not in ("string", "bfloat16", "object", *_QUANTIZED)


def _fits_checkpoint(dtype: str) -> bool:
    # The writer is given arrays, and those of quantized numbers do not say that they are.
    if dtype.startswith(("str", "bytes")):
        return True
    try:
        return dtypes.as_dtype(dtype).name == dtype and dtype not in _QUANTIZED
    except TypeError:
        return False


@contextlib.contextmanager
def _whole(path: str) -> Iterator[str]:
    """The name under which to write a file that gets its own name when it is complete."""
    part = f"{path}.{os.getpid()}.part"
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)
        raise


def _write_npz(path: str, tensors: Sequence[Named], progress: Progress) -> None:
    with _whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for tensor in tensors:
            array = tensor.value()
            with archive.open(tensor.name + ".npy", "w", force_zip64=True) as file:
                about = {"descr": _npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
                _npy.write_array_header_1_0(file, about)
                _write_values(file, array, progress)


def _write_values(file: Any, array: Any, progress: Progress) -> None:
    """The values of an array in C order, some at a time."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for start in range(0, flat.size, _PIECE):
        piece = flat[start : start + _PIECE]
        file.write(piece)
        progress.advance(piece.size)


def _write_safetensors(path: str, tensors: Sequence[Named], progress: Progress) -> None:
    """That format: a length of 8 bytes, a table in JSON, the values in its order."""
    table, place = {}, 0
    for _, described, name in tensors:
        kind, end = _SAFETENSORS_NAMES[described.dtype], place + described.bytes
        table[name] = {"dtype": kind, "shape": list(described.shape), "data_offsets": [place, end]}
        place = end
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with _whole(path) as part, open(part, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for tensor in tensors:
            _write_values(file, tensor.value(), progress)


def _write_checkpoint(path: str, tensors: Sequence[Named], progress: Progress) -> None:
    # The order of a checkpoint's data is that of its names; the values are not needed at once for that.
    writer = BundleWriter(path.removesuffix(".index"))
    try:
        for tensor in tensors:
            writer.add(tensor.name, tensor.value())
            progress.advance(tensor.described.bytes)
    except BaseException:
        writer.abandon()
        raise
    writer.finish()


class _Target(NamedTuple):
    """A kind of file that can be written."""

    what: str
    fits: Callable[[str], bool]
    write: Callable[[str, Sequence[Named], Progress], None]


_CHECKPOINT = _Target("a checkpoint written here", _fits_checkpoint, _write_checkpoint)
_TARGETS = {
    ".npz": _Target("an .npz file", _fits_npz, _write_npz),
    ".safetensors": _Target("a .safetensors file", _SAFETENSORS_NAMES.__contains__, _write_safetensors),
}


def _target(path: str) -> _Target:
    """The kind of file that the path's ending says; a checkpoint if it says none."""
    return next((target for ending, target in _TARGETS.items() if path.lower().endswith(ending)), _CHECKPOINT)


def check_types(path: str, tensors: Sequence[Named]) -> None:
    """Raises Failure: a tensor is of a type that the kind of file which `write_tensors` would write cannot hold."""
    target = _target(path)
    for _, described, name in tensors:
        if not target.fits(described.dtype):
            kind = "strings" if described.dtype == "string" else described.dtype
            raise Failure(f"{name}: {target.what} cannot hold {kind}; leave it out by --exclude")


def write_tensors(path: str, tensors: Sequence[Named]) -> None:
    """Writes arrays by name as the kind of file that the path's ending says; a checkpoint if it says none.

    Nothing is left behind if it fails.
    """
    with Progress(sum(tensor.described.bytes for tensor in tensors), "converting") as progress:
        _target(path).write(path, tensors, progress)
