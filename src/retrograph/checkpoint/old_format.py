"""TF's V1 checkpoints: tables of messages, one file or several that a pattern matches."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from retrograph.checkpoint.entry import FULL, Slice, resolve, slice_key
from retrograph.checkpoint.rows import Rows
from retrograph.checkpoint.table import data_loss, read_table, write_table
from retrograph.framework import dtypes, errors, wire
from retrograph.framework.dtypes import DType
from retrograph.framework.files import write_atomically
from retrograph.framework.graph_wire import parse_tensor
from retrograph.framework.messages import DecodeError, message_class
from retrograph.framework.node_def import value_fields
from retrograph.framework.wire import BYTES, WireError

_SLICES = message_class("tensorflow.SavedTensorSlices")


def matching_files(pattern: str) -> list[str]:
    """The files of a checkpoint in this format: the file itself, or those that the pattern matches."""
    return sorted(glob.glob(pattern)) if glob.has_magic(pattern) else glob.glob(glob.escape(pattern))


class _Tensor:
    """A tensor: its type, its shape, and in which file each of its slices stands."""

    def __init__(self, dtype: DType, shape: tuple[int, ...]):
        self.dtype, self.shape = dtype, shape
        self.slices: dict[Slice, int] = {}


def _shape_of(proto: Any) -> tuple[int, ...]:
    sizes = tuple(dim.size for dim in proto.dim)
    if proto.unknown_rank or any(size < 0 for size in sizes):
        raise WireError("a stored tensor of unknown shape")
    return sizes


def _slice_of(proto: Any) -> Slice:
    return tuple((e.start, e.length if e.WhichOneof("has_length") else FULL) for e in proto.extent)


class SlicesReader:
    """The tensors of a checkpoint in TF's V1 format, by name.

    Raises: NotFoundError without such a file; DataLossError for damaged ones.
    """

    def __init__(self, pattern: str):
        self.prefix = pattern
        self._paths = matching_files(pattern)
        if not self._paths:
            text = f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {pattern}"
            raise errors.NotFoundError(None, None, text)
        self._tables: list[Rows] = []
        self._tensors: dict[str, _Tensor] = {}
        for index, path in enumerate(self._paths):
            self._open(index, path)

    def _open(self, index: int, path: str) -> None:
        with open(path, "rb") as file:
            data = file.read()
        try:
            table = read_table(path, data)
        except errors.DataLossError as error:
            text = (
                f"Unable to open table file {path}: Data loss: {str(error).splitlines()[0]}: perhaps your file is in a "
                "different file format and you need to use a different restore operator?"
            )
            raise errors.DataLossError(None, None, text) from None
        self._tables.append(table)
        try:
            for tensor in _SLICES.FromString(table[b""]).meta.tensor:
                self._note(index, tensor)
        except (KeyError, WireError, DecodeError, TypeError, ValueError) as error:
            raise data_loss(path, f"the table of tensors is damaged: {error}") from None

    def _note(self, index: int, tensor: Any) -> None:
        dtype, shape = dtypes.as_dtype(tensor.type), _shape_of(tensor.shape)
        known = self._tensors.setdefault(tensor.name, _Tensor(dtype, shape))
        if (known.dtype, known.shape) != (dtype, shape):
            raise WireError(f"{tensor.name} has two shapes or types")
        for part in tensor.slice:
            found = _slice_of(part)
            resolve(found, shape)
            known.slices[found] = index

    def names(self) -> Iterator[str]:
        """The names of the tensors, sorted."""
        return iter(sorted(self._tensors))

    def shapes(self) -> dict[str, list[int]]:
        """The shapes by name, sorted by name."""
        return {name: list(self._tensors[name].shape) for name in self.names()}

    def listing(self) -> list[tuple[str, list[int]]]:
        """(name, shape) of each tensor, sorted by name."""
        return list(self.shapes().items())

    def raw_keys(self) -> Iterator[bytes]:
        """The names as bytes."""
        return (name.encode() for name in self.names())

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def _tensor(self, name: str | bytes) -> _Tensor:
        text = name.decode() if isinstance(name, bytes) else name
        if text not in self._tensors:
            raise errors.NotFoundError(None, None, f"Key {text} not found in checkpoint")
        return self._tensors[text]

    def dtype_of(self, name: str | bytes) -> DType:
        """The type of a tensor."""
        return self._tensor(name).dtype

    def shape_of(self, name: str | bytes) -> tuple[int, ...]:
        """The shape of a tensor, of a partitioned one the whole's."""
        return self._tensor(name).shape

    def slices_of(self, name: str) -> list[Slice]:
        """The slices that a tensor was saved in, if it was in several."""
        found = list(self._tensor(name).slices)
        return found if len(found) > 1 else []

    def read(self, name: str, part: Slice | None = None) -> np.ndarray[Any, Any]:
        """The value of a tensor or of a part of it.

        Raises: NotFoundError, DataLossError; InvalidArgumentError for a part outside the tensor.
        """
        tensor = self._tensor(name)
        values = [(resolve(s, tensor.shape), self._stored(name, tensor, s)) for s in tensor.slices]
        if sum(v.size for _, v in values) != math.prod(tensor.shape):
            raise data_loss(self.prefix, f"tensor {name}: its slices do not make the whole")
        whole = values[0][1] if len(values) == 1 else _joined(tensor, values)
        if part is None:
            return whole.reshape(tensor.shape)
        try:
            extents = resolve(part, tensor.shape)
        except ValueError as error:
            raise errors.InvalidArgumentError(None, None, f"{name}: {error}") from None
        return whole.reshape(tensor.shape)[tuple(slice(s, s + n) for s, n in extents)]

    def _stored(self, name: str, tensor: _Tensor, part: Slice) -> np.ndarray[Any, Any]:
        index = tensor.slices[part]
        path, shape = self._paths[index], tuple(n for _, n in resolve(part, tensor.shape))
        data = self._tables[index].get(slice_key(name.encode(), part))
        if data is None:
            raise data_loss(path, f"tensor {name}: its values are not there")
        try:
            array = parse_tensor(_tensor_bytes(data), tensor.dtype, shape, filled=False)
        except (WireError, ValueError, TypeError, OverflowError) as error:
            raise data_loss(path, f"tensor {name}: {error}") from None
        return array


def _tensor_bytes(data: bytes) -> bytes:
    """The TensorProto in a SavedTensorSlices."""
    for number in (2, 3):
        found = [v for n, k, v in wire.read_fields(data) if n == number and k == BYTES]
        data = found[-1] if found else b""
    return data


def _joined(tensor: _Tensor, values: Iterable[tuple[Slice, np.ndarray[Any, Any]]]) -> np.ndarray[Any, Any]:
    whole: np.ndarray[Any, Any] = np.empty(tensor.shape, tensor.dtype.as_numpy_dtype)
    for extents, value in values:
        whole[tuple(slice(s, s + n) for s, n in extents)] = value
    return whole


def write_slices(path: str, tensors: Iterable[tuple[str, Any, tuple[int, ...], Slice | None]]) -> None:
    """Writes a checkpoint in the V1 format: (name, value, shape of the whole, slice or None) of each tensor."""
    meta: dict[str, Any] = {}
    found: dict[bytes, bytes] = {}
    head = _SLICES()
    for name, value, whole, part in tensors:
        array = np.asarray(value)
        shape = whole if part is not None else array.shape
        extents = part if part is not None else ((0, FULL),) * array.ndim
        if name not in meta:
            meta[name] = head.meta.tensor.add(name=name, type=dtypes.as_dtype(array.dtype).as_datatype_enum)
            for size in shape:
                meta[name].shape.dim.add(size=size)
            meta[name].shape._touch()
        _write_slice(meta[name].slice.add(), extents)
        found[slice_key(name.encode(), extents)] = _data_bytes(name, extents, array)
    head.meta.versions.producer = 1
    entries = [(b"", head.SerializeToString()), *sorted(found.items())]
    write_atomically(path, write_table(entries))


def _write_slice(made: Any, extents: Slice) -> None:
    for start, length in extents:
        extent = made.extent.add(start=start)
        if length != FULL:
            extent.length = length


def _data_bytes(name: str, extents: Slice, array: Any) -> bytes:
    made = _SLICES()
    made.data.name = name
    _write_slice(made.data.slice, extents)
    made.data.slice._touch()
    dtype = dtypes.as_dtype(array.dtype)
    for field, values in value_fields(array, dtype, as_bytes=False).items():
        getattr(made.data.data, field).extend(values)
    made.data.data._touch()
    return made.SerializeToString()  # type: ignore[no-any-return]
