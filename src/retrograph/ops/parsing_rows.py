"""The rows of the op types that parse serialized `Example` and `SequenceExample` messages; they run on the host."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.dtypes import DType
from retrograph.framework.shape import Shape, compatible, to_text
from retrograph.framework.shape_rules import ShapeContext, concatenate, with_rank
from retrograph.framework.wire import WireError
from retrograph.ops.example_bytes import read_example, read_feature, read_sequence_example
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import brackets, host_row

Array = Any
_KIND_TYPES = {"bytes": dtypes.string, "float": dtypes.float32, "int64": dtypes.int64}
_CPP = {"float32": "float", "string": "string", "int64": "int64"}
_PARSED = frozenset(_KIND_TYPES.values())


class _Wanted(NamedTuple):
    """A feature that a dense output holds: `shape` without the batch; `default` has no elements if it is required."""

    key: bytes
    dtype: DType
    shape: tuple[int | None, ...]
    default: Array

    @property
    def varies(self) -> bool:
        """Whether its first size differs from example to example."""
        return bool(self.shape) and self.shape[0] is None

    @property
    def stride(self) -> int:
        """How many values one step of a first size that varies takes, or all of them."""
        return math.prod(d for d in self.shape if d is not None)


def _name(dtype: DType) -> str:
    return _CPP.get(dtype.name, dtype.name)


def _empty(dtype: DType, size: Any = 0) -> Array:
    made = np.empty(size, object if dtype == dtypes.string else dtype.as_numpy_dtype)
    if dtype == dtypes.string:
        made[...] = b""
    return made


def _joined(parts: Sequence[Array], dtype: DType) -> Array:
    return np.concatenate([_empty(dtype), *parts])


def _check_types(op: Any, types: Sequence[DType]) -> None:
    for dtype in types:
        if dtype not in _PARSED:
            refuse(op, f"Received input dtype: {_name(dtype)}")


_UNREADABLE = "Can't parse serialized Example."


def _shown(kind: str, values: Array) -> str:
    """A feature in the text form of its message."""
    lines = "".join(f"  value: {v.decode('latin-1') if kind == 'bytes' else f'{v:g}'}\n" for v in values.tolist())
    return f"{kind}_list {{\n{lines}}}\n"


class _Reader:
    """Takes the values of features, and words the errors as one op type does."""

    def __init__(self, op: Any, where: Callable[[bytes], str], single: bool = False, place: str = ""):
        self.op, self.where, self.single = op, where, single
        # Of a sequence example: where the feature is when its number of values is wrong.
        self.place = place

    def values(self, key: bytes, data: Any, dtype: DType, sparse: bool) -> Array | None:
        """The values of a feature, None if it says nothing."""
        try:
            feature = read_feature(data)
        except WireError:
            refuse(self.op, f"{self.where(key)}.  {_UNREADABLE}")
        if feature is None:
            return None
        kind, values = feature
        if _KIND_TYPES[kind] != dtype:
            found, wanted = _name(_KIND_TYPES[kind]), _name(dtype)
            if self.place:
                refuse(
                    self.op,
                    f"{self.where(key)}.  Data types don't match. Expected type: {wanted}  Feature is: {_shown(kind, values)}",
                )
            types = (
                f"Expected type: {wanted}, Actual type: {found}"
                if sparse
                else f"Data type: {found} but expected type: {wanted}"
            )
            refuse(self.op, f"{self.where(key)}.  Data types don't match. {types}")
        return values

    def fixed(self, wanted: _Wanted, values: Array) -> Array:
        """The values in their shape, or steps of it where the first size varies."""
        size = len(values)
        if wanted.varies:
            if size % wanted.stride:
                text = f"values is not a multiple of stride length. Saw {size} values but output shape is: {to_text(wanted.shape)}"
                self._refuse_size(wanted, text)
            return values.reshape(-1, *wanted.shape[1:])
        if size != wanted.stride:
            self._refuse_size(
                wanted, f"values != expected.  Values size: {size} but output shape: {to_text(wanted.shape)}"
            )
        return values.reshape(wanted.shape)

    def _refuse_size(self, wanted: _Wanted, text: str) -> None:
        where = self.place.format(wanted.key.decode()) if self.place else self.where(wanted.key)
        kind = next(kind for kind, dtype in _KIND_TYPES.items() if dtype == wanted.dtype)
        refuse(self.op, f"{where}.  {_UNREADABLE if self.single else f'Number of {kind} {text}'}")


def _read(op: Any, text: bytes, wanted: Any) -> dict[bytes, Any]:
    try:
        return read_example(text, wanted)
    except (WireError, IndexError):
        return refuse(op, f"Could not parse example input, value: '{text.decode('latin-1')}'")


def _wanted(
    op: Any, keys: Sequence[bytes], types: Sequence[DType], shapes: Sequence[Any], defaults: Sequence[Array]
) -> list[_Wanted]:
    found = []
    for i, (key, dtype, shape, default) in enumerate(zip(keys, types, shapes, defaults, strict=True)):
        wanted = _Wanted(key, dtype, shape, default)
        if default.size and not wanted.varies and not compatible(shape, default.shape):
            refuse(
                op,
                f"dense_defaults[{i}].shape() == {brackets(default.shape)} is not compatible with dense_shapes_[{i}] == {to_text(shape)}",
            )
        if wanted.varies and default.size != 1:
            refuse(
                op,
                f"dense_shape[{i}] is a variable length shape: {to_text(shape)}, therefore def_value[{i}] must contain a single element (the padding element).  But its shape is: {brackets(default.shape)}",
            )
        found.append(wanted)
    return found


def _one_dense(reader: _Reader, wanted: _Wanted, found: dict[bytes, Any], required: Callable[[bytes], str]) -> Array:
    values = reader.values(wanted.key, found[wanted.key], wanted.dtype, False) if wanted.key in found else None
    if values is not None:
        return reader.fixed(wanted, values)
    if wanted.varies:
        return _empty(wanted.dtype, (0, *wanted.shape[1:]))
    if not wanted.default.size:
        refuse(reader.op, required(wanted.key))
    return wanted.default.reshape(wanted.shape)


def _padded(rows: list[Array], wanted: _Wanted) -> Array:
    longest = max((len(r) for r in rows), default=0)
    padding = wanted.default.reshape(-1)[0]
    result = _empty(wanted.dtype, (len(rows), longest, *wanted.shape[1:]))
    result[...] = padding
    for i, row in enumerate(rows):
        result[i, : len(row)] = row
    return result


def _stacked(rows: list[Array], wanted: _Wanted) -> Array:
    if wanted.varies:
        return _padded(rows, wanted)
    return np.stack(rows) if rows else _empty(wanted.dtype, (0, *wanted.shape))


def _as_sparse(rows: list[Array], dtype: DType) -> tuple[Array, Array, Array]:
    """The sparse matrix whose rows begin with these values."""
    lengths = np.array([len(r) for r in rows], np.int64)
    first = np.repeat(np.arange(len(rows)), lengths)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    indices = np.stack([first, np.arange(len(first)) - starts], axis=1).astype(np.int64)
    size = np.array([len(rows), lengths.max() if len(rows) else 0], np.int64)
    return indices, _joined(rows, dtype), size


def _outputs(sparse: list[tuple[Array, Array, Array]], dense: list[Array]) -> tuple[Array, ...]:
    return (*(s[0] for s in sparse), *(s[1] for s in sparse), *(s[2] for s in sparse), *dense)


# ---- ParseExample


def _key_texts(inputs: Sequence[Array]) -> list[bytes]:
    return [np.asarray(k, object).item() for k in inputs]


def _parse_example(op: Any, serialized: Array, names: Array, *rest: Array) -> Any:
    a = op.attrs
    count, dense_count = int(a["Nsparse"]), int(a["Ndense"])
    sparse_keys, dense_keys = _key_texts(rest[:count]), _key_texts(rest[count : count + dense_count])
    if names.size and len(names) != len(serialized):
        refuse(op, f"Expected len(names) == len(serialized), but got: {len(names)} vs. {len(serialized)}")
    _check_types(op, [*a["sparse_types"], *a["Tdense"]])
    dense = _wanted(op, dense_keys, a["Tdense"], a["dense_shapes"], rest[count + dense_count :])
    columns: list[list[Array]] = [[] for _ in range(count + dense_count)]
    for i, text in enumerate(serialized.tolist()):
        name = names[i].decode() if names.size else "<unknown>"
        row = _example_row(op, text, name, i, list(zip(sparse_keys, a["sparse_types"], strict=True)), dense)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    sparse = [_as_sparse(c, t) for c, t in zip(columns, a["sparse_types"], strict=False)]
    return _outputs(sparse, [_stacked(c, w) for c, w in zip(columns[count:], dense, strict=True)])


def _example_row(op: Any, text: bytes, name: str, index: int, sparse: list[Any], dense: list[_Wanted]) -> list[Array]:
    reader = _Reader(op, lambda key: f"Name: {name}, Key: {key.decode()}, Index: {index}")
    found = _read(op, text, {k for k, _ in sparse} | {w.key for w in dense})

    def missing(key: bytes) -> str:
        dtype = next(w.dtype for w in dense if w.key == key)
        return f"Name: {name}, Feature: {key.decode()} (data type: {_name(dtype)}) is required but could not be found."

    row = [_one_sparse(reader, key, dtype, found) for key, dtype in sparse]
    return row + [_one_dense(reader, w, found, missing) for w in dense]


def _one_sparse(reader: _Reader, key: bytes, dtype: DType, found: dict[bytes, Any]) -> Array:
    values = reader.values(key, found[key], dtype, True) if key in found else None
    return _empty(dtype) if values is None else values


def _parse_example_shape(c: ShapeContext) -> list[Shape]:
    batch = with_rank(c, c.input(0), 1)
    sparse = len(c.attr("sparse_types"))
    dense = [concatenate(batch, shape) for shape in c.attr("dense_shapes")]
    return [*[(None, 2)] * sparse, *[(None,)] * sparse, *[(2,)] * sparse, *dense]


host_row("ParseExample", _parse_example_shape, _parse_example)


# ---- ParseSingleExample


def _vector(values: Array) -> tuple[Array, Array, Array]:
    return np.arange(len(values), dtype=np.int64).reshape(-1, 1), values, np.array([len(values)], np.int64)


def _parse_single_example(op: Any, serialized: Array, *defaults: Array) -> Any:
    a = op.attrs
    _check_types(op, [*a["sparse_types"], *a["Tdense"]])
    dense = _wanted(op, a["dense_keys"], a["Tdense"], a["dense_shapes"], defaults)
    if np.ndim(serialized):
        refuse(op, f"Input serialized must be a scalar, got shape: {brackets(np.shape(serialized))}")
    found = _read(op, np.asarray(serialized, object).item(), {*a["sparse_keys"], *a["dense_keys"]})
    reader = _Reader(op, lambda key: f"Key: {key.decode()}", single=True)

    def missing(key: bytes) -> str:
        dtype = next(w.dtype for w in dense if w.key == key)
        return f"Feature: {key.decode()} (data type: {_name(dtype)}) is required but could not be found."

    sparse = [
        _vector(_one_sparse(reader, k, t, found)) for k, t in zip(a["sparse_keys"], a["sparse_types"], strict=True)
    ]
    return _outputs(sparse, [_one_dense(reader, w, found, missing) for w in dense])


def _parse_single_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    sparse = len(c.attr("sparse_types"))
    return [*[(None, 1)] * sparse, *[(None,)] * sparse, *[(1,)] * sparse, *c.attr("dense_shapes")]


host_row("ParseSingleExample", _parse_single_shape, _parse_single_example)


# ---- sequence examples


class _Sequence(NamedTuple):
    """What the attributes of both op types of sequence examples ask for."""

    context_sparse: list[tuple[bytes, DType]]
    context_dense: list[_Wanted]
    list_sparse: list[tuple[bytes, DType]]
    list_dense: list[_Wanted]
    may_lack: frozenset[bytes]


def _sequence(op: Any, keys: Sequence[Sequence[bytes]], may_lack: Any, defaults: Sequence[Array]) -> _Sequence:
    a = op.attrs
    nothing: list[Array] = [np.empty(0)] * len(keys[3])
    _check_types(
        op,
        [
            *a["context_sparse_types"],
            *a["Tcontext_dense"],
            *a["feature_list_sparse_types"],
            *a["feature_list_dense_types"],
        ],
    )
    return _Sequence(
        list(zip(keys[0], a["context_sparse_types"], strict=True)),
        _wanted(op, keys[1], a["Tcontext_dense"], a["context_dense_shapes"], defaults),
        list(zip(keys[2], a["feature_list_sparse_types"], strict=True)),
        [
            _Wanted(k, t, s, d)
            for k, t, s, d in zip(
                keys[3], a["feature_list_dense_types"], a["feature_list_dense_shapes"], nothing, strict=True
            )
        ],
        frozenset(may_lack),
    )


class _SequenceRow:
    """The values of one sequence example."""

    def __init__(self, op: Any, text: bytes, name: str, wanted: _Sequence):
        self.op, self.name, self.wanted = op, name, wanted
        context = {k for k, _ in wanted.context_sparse} | {w.key for w in wanted.context_dense}
        lists = {k for k, _ in wanted.list_sparse} | {w.key for w in wanted.list_dense}
        try:
            self.context, self.lists = read_sequence_example(text, context, lists)
        except (WireError, IndexError):
            refuse(op, f"Could not parse example input, value: '{text.decode('latin-1')}'")

    def context_sparse(self) -> list[Array]:
        """The values of each sparse context feature."""
        return [_one_sparse(self._reader("Context feature"), k, t, self.context) for k, t in self.wanted.context_sparse]

    def context_dense(self) -> list[Array]:
        """The values of each dense context feature."""
        return [
            _one_dense(self._reader("Context feature"), w, self.context, self._lacking)
            for w in self.wanted.context_dense
        ]

    def list_sparse(self) -> list[list[Array]]:
        """The values at each step of each sparse list."""
        return [
            [self._step(k, t, i, step) for i, step in enumerate(self.lists.get(k, ()))]
            for k, t in self.wanted.list_sparse
        ]

    def _step(self, key: bytes, dtype: DType, index: int, data: Any) -> Array:
        return _one_sparse(self._reader("Feature List", index), key, dtype, {key: data})

    def list_dense(self) -> list[Array]:
        """The steps of each dense list, stacked."""
        return [self._steps(w) for w in self.wanted.list_dense]

    def _steps(self, wanted: _Wanted) -> Array:
        if wanted.key not in self.lists and wanted.key not in self.wanted.may_lack:
            text = f"Name: {self.name}, Feature list '{wanted.key.decode()}' is required but could not be found."
            hint = (
                "Did you mean to include it in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
            )
            refuse(self.op, f"{text}  {hint}")
        steps = []
        for i, data in enumerate(self.lists.get(wanted.key, ())):
            reader = self._reader("Feature list", i)
            values = reader.values(wanted.key, data, wanted.dtype, False)
            steps.append(reader.fixed(wanted, _empty(wanted.dtype) if values is None else values))
        return _stacked(steps, wanted)

    def _reader(self, kind: str, index: int = 0) -> _Reader:
        where = f", Index: {index}" if kind != "Context feature" else ""
        place = f"Name: {self.name}, Key: {{}}, Index: {index}"
        return _Reader(self.op, lambda key: f"Name: {self.name}, {kind}: {key.decode()}{where}", place=place)

    def _lacking(self, key: bytes) -> str:
        return f"Name: {self.name}, Context feature '{key.decode()}' is required but could not be found."


def _single_sequence(op: Any, serialized: Array, *rest: Array) -> Any:
    a = op.attrs
    counts = [int(a[n]) for n in ("Ncontext_sparse", "Ncontext_dense", "Nfeature_list_sparse", "Nfeature_list_dense")]
    keys, place = [], 1
    for count in counts:
        keys.append(_key_texts(rest[place : place + count]))
        place += count
    wanted = _sequence(op, keys, np.asarray(rest[0], object).reshape(-1).tolist(), rest[place:-1])
    name: bytes = np.asarray(rest[-1], object).item()
    if np.ndim(serialized):
        refuse(op, f"Expected serialized to be a scalar, got shape: {brackets(np.shape(serialized))}")
    row = _SequenceRow(op, np.asarray(serialized, object).item(), name.decode(), wanted)
    lists = [_as_sparse(steps, t) for steps, (_, t) in zip(row.list_sparse(), wanted.list_sparse, strict=True)]
    context = _outputs([_vector(v) for v in row.context_sparse()], row.context_dense())
    return (*context, *_outputs(lists, row.list_dense()))


def _single_sequence_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    return _sequence_shapes(c, (), 1)


def _sequence_shapes(c: ShapeContext, batch: tuple[int | None, ...], rank: int) -> list[Shape]:
    context, lists = len(c.attr("context_sparse_types")), len(c.attr("feature_list_sparse_types"))
    return [
        *[(None, rank)] * context, *[(None,)] * context, *[(rank,)] * context,
        *(concatenate(batch, s) for s in c.attr("context_dense_shapes")),
        *[(None, rank + 1)] * lists, *[(None,)] * lists, *[(rank + 1,)] * lists,
        *(concatenate((*batch, None), s) for s in c.attr("feature_list_dense_shapes")),
    ]  # fmt: skip


host_row("ParseSingleSequenceExample", _single_sequence_shape, _single_sequence)


def _as_cube(rows: list[list[Array]], dtype: DType) -> tuple[Array, Array, Array]:
    """The sparse tensor of rank 3 of lists of steps of values."""
    places, parts, widest = [], [], 0
    for i, steps in enumerate(rows):
        for j, values in enumerate(steps):
            count = len(values)
            places.append(np.stack([np.full(count, i), np.full(count, j), np.arange(count)], axis=1))
            parts.append(values)
            widest = max(widest, count)
    longest = max((len(steps) for steps in rows), default=0)
    indices = np.concatenate([np.empty((0, 3), np.int64), *places])
    return indices, _joined(parts, dtype), np.array([len(rows), longest, widest], np.int64)


def _sequences(op: Any, serialized: Array, names: Array, *defaults: Array) -> Any:
    a = op.attrs
    keys = [
        a[n]
        for n in ("context_sparse_keys", "context_dense_keys", "feature_list_sparse_keys", "feature_list_dense_keys")
    ]
    wanted = _sequence(op, keys, a["feature_list_dense_missing_assumed_empty"], defaults)
    shown = names.tolist() if names.size else [b"<unknown>"] * len(serialized)
    if len(shown) != len(serialized):
        refuse(op, f"Expected len(debug_name) == len(serialized), but got: {len(shown)} vs. {len(serialized)}")
    rows = [_SequenceRow(op, t, n.decode(), wanted) for t, n in zip(serialized.tolist(), shown, strict=True)]
    context = [
        _as_sparse(list(c), t)
        for c, (_, t) in zip(
            _columns([r.context_sparse() for r in rows], wanted.context_sparse), wanted.context_sparse, strict=True
        )
    ]
    dense = [
        _stacked(list(c), w)
        for c, w in zip(
            _columns([r.context_dense() for r in rows], wanted.context_dense), wanted.context_dense, strict=True
        )
    ]
    lists = [
        _as_cube(list(c), t)
        for c, (_, t) in zip(
            _columns([r.list_sparse() for r in rows], wanted.list_sparse), wanted.list_sparse, strict=True
        )
    ]
    steps = _columns([r.list_dense() for r in rows], wanted.list_dense)
    filled = [_padded(list(c), _filler(w)) for c, w in zip(steps, wanted.list_dense, strict=True)]
    lengths = [np.array([len(x) for x in c], np.int64) for c in steps]
    return (*_outputs(context, dense), *_outputs(lists, filled), *lengths)


def _columns(rows: list[Any], features: Sequence[Any]) -> list[Any]:
    return list(zip(*rows, strict=True)) if rows else [()] * len(features)


def _filler(wanted: _Wanted) -> _Wanted:
    """As the rows of a list that vary in number: padded with nothing."""
    padding = _empty(wanted.dtype, 1) if wanted.dtype == dtypes.string else np.zeros(1, wanted.dtype.as_numpy_dtype)
    return _Wanted(wanted.key, wanted.dtype, (None, *wanted.shape), padding)


def _sequences_shape(c: ShapeContext) -> list[Shape]:
    batch = with_rank(c, c.input(0), 1)
    return [*_sequence_shapes(c, batch, 2), *[batch] * len(c.attr("feature_list_dense_types"))]


host_row("ParseSequenceExample", _sequences_shape, _sequences)
