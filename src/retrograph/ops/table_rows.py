"""The rows of the op types of lookup tables. A table is an object that the session keeps under the name of its handle.

Tables are changed in place, each operation after it has checked all that it is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank, with_rank_at_most
from retrograph.ops.fingerprint import hash64
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import brackets
from retrograph.runtime.state import Ref

Array = Any
WHOLE_LINE, LINE_NUMBER = -2, -1
_MASK = (1 << 64) - 1
_DELETED = object()


def _array(values: list[Any], dtype: Any, shape: Any) -> Array:
    made = np.empty(shape, object if dtype == dtypes.string else dtype.as_numpy_dtype)
    if dtype == dtypes.string:
        scalars = [text for value in values for text in value] if made.size != len(values) else values
        flat = np.empty(len(scalars), object)
        flat[:] = scalars
        made[...] = flat.reshape(shape)
    else:
        made[...] = np.array(values, made.dtype).reshape(shape)
    return made


_NUMBERS = "float32 float64 int32"
_INTEGERS = f"{_NUMBERS} int64 string"
# What TensorFlow has tables of: the kind without its version -> dtype of keys -> dtypes of values.
_KERNELS = {
    "HashTable": {"string": f"{_INTEGERS} bool", "int64": _INTEGERS, "int32": f"{_NUMBERS} string"},
    "MutableHashTable": {"string": f"{_NUMBERS} int64 bool", "int64": f"{_INTEGERS} variant", "int32": _NUMBERS},
    "MutableHashTableOfTensors": {"string": f"{_NUMBERS} int64 bool", "int64": _INTEGERS, "int32": _NUMBERS},
    "MutableDenseHashTable": {
        "string": f"{_NUMBERS} int64 bool", "int64": f"{_NUMBERS} int64 bool variant", "int32": _NUMBERS,
    },
}  # fmt: skip


def _check_types(op: Any) -> None:
    """Raises InvalidArgumentError: TensorFlow has no such table."""
    key, value = op.attrs["key_dtype"].name, op.attrs["value_dtype"].name
    if value not in _KERNELS[op.type.removesuffix("V2")].get(key, "").split():
        refuse(
            op, f"No OpKernel was registered to support Op '{op.type}' used by node {op.name}: "
            f"there are no tables of {key} to {value}",
        )  # fmt: skip


class Table:
    """Values by keys. `static` ones are filled once, and cannot be asked before."""

    def __init__(self, op: Any):
        attrs = op.attrs
        self.name: str = op.name.rsplit("/", 1)[-1]
        self.key_dtype, self.value_dtype = attrs["key_dtype"], attrs["value_dtype"]
        self.key_shape: tuple[int, ...] = ()
        self.value_shape: tuple[int, ...] = tuple(attrs.get("value_shape") or ())
        self.static = op.type.startswith("HashTable")
        self.ready = not self.static
        self.content: dict[Any, Any] = {}
        self.lock = threading.RLock()

    # ---- keys and values of arrays

    def keys_of(self, op: Any, keys: Array) -> list[Any]:
        """The keys as Python values. Raises InvalidArgumentError: of another shape, or not allowed."""
        return np.asarray(keys).reshape(-1).tolist()

    def check(self, op: Any) -> None:
        """Raises InvalidArgumentError: the values are no scalars or vectors."""
        if op.type.startswith("MutableHashTableOfTensors") and len(self.value_shape) != 1:
            refuse(op, f"Default value must be a vector, got shape {brackets(self.value_shape)}")

    def values_of(self, op: Any, keys: Array, values: Array) -> list[Any]:
        """The values as Python values (lists for vectors). Raises InvalidArgumentError: of another shape."""
        lead = np.shape(keys)[: np.ndim(keys) - len(self.key_shape)]
        wanted = (*lead, *self.value_shape)
        if np.shape(values) != wanted:
            refuse(op, f"Expected shape {brackets(wanted)} for value, got {brackets(np.shape(values))}")
        found: list[Any] = np.asarray(values).reshape(-1, *self.value_shape).tolist()
        return found

    def find(self, op: Any, keys: Array, default: Array) -> Array:
        """The values of the keys, the default for those that are not there."""
        if not self.ready:
            raise errors.FailedPreconditionError(None, op, "Table not initialized.")
        if np.shape(default) != self.value_shape:
            shown = f"{brackets(self.value_shape)} for default value, got {brackets(np.shape(default))}"
            refuse(op, f"Expected shape {shown}")
        wanted, otherwise = self.keys_of(op, keys), np.asarray(default).tolist()
        with self.lock:
            get = self.content.get
            found = [get(k, otherwise) for k in wanted]
        lead = np.shape(keys)[: np.ndim(keys) - len(self.key_shape)]
        return _array(found, self.value_dtype, (*lead, *self.value_shape))

    def insert(self, op: Any, keys: Array, values: Array) -> None:
        """Sets the values of keys."""
        pairs = list(zip(self.keys_of(op, keys), self.values_of(op, keys, values), strict=True))
        with self.lock:
            self.content.update(pairs)

    def load(self, op: Any, keys: Array, values: Array) -> None:
        """Sets the whole content, once for a static table."""
        pairs = list(zip(self.keys_of(op, keys), self.values_of(op, keys, values), strict=True))
        if self.static:
            if not pairs:
                refuse(op, "keys and values cannot be empty tensors.")
            self.fill(op, pairs)
        else:
            with self.lock:
                self.content = dict(pairs)

    def fill(self, op: Any, pairs: list[tuple[Any, Any]]) -> None:
        """Fills a static table. Raises FailedPreconditionError: one key with two values, or filled otherwise before."""
        filled: dict[Any, Any] = {}
        for key, value in pairs:
            if filled.setdefault(key, value) != value:
                text = f"HashTable has different value for same key. Key {_shown(key)} has {_shown(filled[key])} and trying to add value {_shown(value)}"
                raise errors.FailedPreconditionError(None, op, text)
        with self.lock:
            if self.ready and filled != self.content:
                text = "Table was already initialized with different data."
                raise errors.FailedPreconditionError(None, op, text)
            self.content, self.ready = filled, True

    def remove(self, op: Any, keys: Array) -> None:
        """Takes keys away that are there."""
        gone = self.keys_of(op, keys)
        with self.lock:
            for key in gone:
                self.content.pop(key, None)

    def export(self) -> tuple[Array, Array]:
        """All keys, and their values."""
        with self.lock:
            keys, values = list(self.content), list(self.content.values())
        count = len(keys)
        return (
            _array(keys, self.key_dtype, (count, *self.key_shape)),
            _array(values, self.value_dtype, (count, *self.value_shape)),
        )


def _shown(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _bucket_hash(key: Any) -> int:
    """TF's hash of a key of a dense table, in 64 bits."""
    if not isinstance(key, tuple):
        return hash64(key) if isinstance(key, bytes) else int(key) & _MASK
    if len(key) == 1:
        return _bucket_hash(key[0])
    result = 0
    for part in key:
        result ^= (_bucket_hash(part) + 0x9E3779B97F4A7800 + (result << 10) + (result >> 4)) & _MASK
    return result


class DenseTable(Table):
    """A table with two keys that cannot be used, and whose keys may be vectors."""

    def __init__(self, op: Any, empty: Array, deleted: Array):
        super().__init__(op)
        self.key_shape = np.shape(empty)
        if np.shape(deleted) != self.key_shape:
            shown = f"{brackets(self.key_shape)} and {brackets(np.shape(deleted))}"
            refuse(op, f"Empty and deleted keys must have same shape, got shapes: {shown}")
        if np.array_equal(empty, deleted):
            refuse(op, "Empty and deleted keys cannot be equal")
        count = int(op.attrs["initial_num_buckets"])
        if count < 4 or count & (count - 1):
            refuse(op, f"Number of buckets must be at least 4 and a power of 2, got: {count}")
        self.buckets: list[Any] = [None] * count
        # What removed keys had, which stays in their buckets.
        self.stale: dict[int, Any] = {}
        self.most_load = float(op.attrs["max_load_factor"])
        self.empty, self.deleted = (self._listed(k)[0] for k in (empty, deleted))

    def _listed(self, keys: Array) -> list[Any]:
        array = np.asarray(keys)
        if not self.key_shape:
            return array.reshape(-1).tolist()
        return [tuple(row) for row in array.reshape(-1, *self.key_shape).tolist()]

    def keys_of(self, op: Any, keys: Array) -> list[Any]:
        """The keys as Python values. Raises InvalidArgumentError: of another shape, or not allowed."""
        count = np.shape(keys)[0] if np.ndim(keys) else 1
        if np.size(keys) != count * int(np.prod(self.key_shape, dtype=np.int64)):
            refuse(op, f"Expected key shape {brackets((count, *self.key_shape))} got {brackets(np.shape(keys))}")
        found = self._listed(keys)
        for name, key in (("empty", self.empty), ("deleted", self.deleted)):
            if key in found:
                refuse(op, f"Using the {name}_key as a table key is not allowed")
        return found

    def insert(self, op: Any, keys: Array, values: Array) -> None:
        """Sets the values of keys; there are more buckets when they would get full."""
        pairs = list(zip(self.keys_of(op, keys), self.values_of(op, keys, values), strict=True))
        with self.lock:
            pending, count = len(self.content) + len(pairs), len(self.buckets)
            while pending > count * self.most_load:
                count *= 2
            if count != len(self.buckets):
                self._lay_out(count)
            for key, value in pairs:
                if key not in self.content:
                    self.buckets[self._place(key, (None, _DELETED))] = key
                self.content[key] = value

    def remove(self, op: Any, keys: Array) -> None:
        """Takes keys away that are there; their buckets stay marked."""
        gone = self.keys_of(op, keys)
        with self.lock:
            for key in gone:
                if key in self.content:
                    place = self._place(key, (key,))
                    self.stale[place] = self.content.pop(key)
                    self.buckets[place] = _DELETED

    def export(self) -> tuple[Array, Array]:
        """All buckets, as TF's table has them: the empty key and zeros where nothing is."""
        nothing = b"" if self.value_dtype == dtypes.string else np.zeros(self.value_shape, np.int64).tolist()
        special = {None: self.empty, _DELETED: self.deleted}
        with self.lock:
            buckets = list(self.buckets)
            values = [self.stale[i] if k is _DELETED else self.content.get(k, nothing) for i, k in enumerate(buckets)]
        keys = [special.get(k, k) for k in buckets]
        width = max(int(np.prod(self.key_shape, dtype=np.int64)), 1)
        return (
            _array(keys, self.key_dtype, (len(keys), width)),
            _array(values, self.value_dtype, (len(keys), *(self.value_shape or (1,)))),
        )

    def _place(self, key: Any, wanted: tuple[Any, ...]) -> int:
        """The first bucket, in the order in which TF looks, that holds one of what is wanted."""
        mask = len(self.buckets) - 1
        place, probes = _bucket_hash(key) & mask, 0
        while self.buckets[place] not in wanted:
            probes += 1
            place = (place + probes) & mask
        return place

    def _lay_out(self, count: int) -> None:
        self.buckets, self.stale = [None] * count, {}
        for key in self.content:
            self.buckets[self._place(key, (None,))] = key

    def load(self, op: Any, keys: Array, values: Array) -> None:
        """Sets the whole content; the keys that cannot be used stand for empty buckets."""
        listed = self._listed(keys)
        rows = np.asarray(values).reshape(len(listed), *self.value_shape).tolist()
        with self.lock:
            self.content = {k: v for k, v in zip(listed, rows, strict=True) if k not in (self.empty, self.deleted)}
            self._lay_out(max(4, 1 << (len(listed) - 1).bit_length()))


# ---- handles


def _made(op: Any, ctx: Any, *inputs: Array) -> Ref:
    """The handle of the table, which is made if the session does not have it."""
    ref = Ref(op)

    def make(_: int) -> Table:
        _check_types(op)
        fresh = DenseTable(op, *inputs) if op.type.startswith("MutableDense") else Table(op)
        fresh.check(op)
        return fresh

    table = ctx.resources.find_or_make(_key(ref), make)
    wanted = op.attrs["key_dtype"], op.attrs["value_dtype"]
    if (table.key_dtype, table.value_dtype) != wanted:
        types = f"{wanted[0].name}-{wanted[1].name} with {table.key_dtype.name}-{table.value_dtype.name}"
        refuse(op, f"Conflicting key/value dtypes {types} for table {ref.key}")
    return ref


def _key(ref: Ref) -> tuple[str, Any]:
    return ("lookup table", ref.key)


def _table(op: Any, ctx: Any, ref: Any) -> Any:
    try:
        return ctx.resources[_key(ref)]
    except KeyError:
        raise errors.NotFoundError(None, op, f"Resource localhost/{ref.key} does not exist.") from None


# ---- what is done with tables


def _find(op: Any, ctx: Any, ref: Any, keys: Array, default: Array) -> Array:
    return _table(op, ctx, ref).find(op, keys, default)


def _insert(op: Any, ctx: Any, ref: Any, keys: Array, values: Array) -> tuple[()]:
    _table(op, ctx, ref).insert(op, keys, values)
    return ()


def _import(op: Any, ctx: Any, ref: Any, keys: Array, values: Array) -> tuple[()]:
    _table(op, ctx, ref).load(op, keys, values)
    return ()


def _remove(op: Any, ctx: Any, ref: Any, keys: Array) -> tuple[()]:
    _table(op, ctx, ref).remove(op, keys)
    return ()


def _export(op: Any, ctx: Any, ref: Any) -> Any:
    return _table(op, ctx, ref).export()


def _size(op: Any, ctx: Any, ref: Any) -> Array:
    return np.asarray(len(_table(op, ctx, ref).content), np.int64)


# ---- text files


class _Lines:
    """The (key, value) pairs that the lines of a file hold."""

    def __init__(self, op: Any, table: Any, filename: str):
        self.op, self.table, self.filename = op, table, filename
        self.columns = int(op.attrs["key_index"]), int(op.attrs["value_index"])
        self.most = int(op.attrs["vocab_size"])
        self.delimiter: bytes = op.attrs["delimiter"]

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Raises NotFoundError: no such file; InvalidArgumentError: its lines are not as asked for."""
        from retrograph.platform.gfile import FileIO

        content: bytes = FileIO(self.filename, "rb").read()
        lines = content.split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        place = 0
        for number, line in enumerate(lines):
            if self.most != -1 and number >= self.most:
                return
            place += len(line) + 1
            text = line.rstrip(b"\r")
            if not text:
                refuse(self.op, f"Invalid content in {self.filename}: empty line found at position {place}.")
            yield self._pair(number, text)
        if self.most > len(lines):
            refuse(self.op, f"Invalid vocab_size in {self.filename}: expected {self.most} but got {len(lines)}")

    def _pair(self, number: int, line: bytes) -> tuple[Any, Any]:
        tokens = line.split(self.delimiter) if max(self.columns) >= 0 else []
        if max(self.columns) >= 0 and max(self.columns) >= len(tokens):
            start = f"Invalid number of columns in {self.filename} line {number} ({line.decode('utf-8', 'replace')})"
            refuse(self.op, f"{start} : expected {max(self.columns)} got {len(tokens)}")
        types = self.table.key_dtype, self.table.value_dtype
        key, value = (self._token(c, t, number, line, tokens) for c, t in zip(self.columns, types, strict=True))
        return key, value

    def _token(self, column: int, dtype: Any, number: int, line: bytes, tokens: list[bytes]) -> Any:
        if column == LINE_NUMBER:
            return number
        token = line if column == WHOLE_LINE else tokens[column]
        if dtype == dtypes.string:
            return token
        try:
            return float(token) if dtype.is_floating else int(token)
        except ValueError:
            kind = {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
            return refuse(self.op, f"Field {_shown(token)} in line {number} is not a valid {kind}.")


def _import_file(op: Any, ctx: Any, ref: Any, filename: Array) -> tuple[()]:
    table = _table(op, ctx, ref)
    name: bytes = np.asarray(filename, object).item()
    try:
        pairs = list(_Lines(op, table, name.decode()).pairs())
    except errors.OpError as error:
        raise type(error)(None, op, error.message) from None
    table.fill(op, pairs)
    return ()


# ---- shapes


def _handle_shape(c: ShapeContext) -> list[Shape]:
    return [()] if c.op_type.endswith("V2") else [(2,)]


def _mutable_source(c: ShapeContext) -> Any:
    """The operation of a mutable table if the handle comes straight from it: it tells the shape of values."""
    source = c.inputs[0].op
    return source if source.type.startswith("Mutable") and source.type.endswith("V2") else None


def _rank_of_keys(source: Any) -> int:
    if source.type == "MutableDenseHashTableV2":
        shape = source.inputs[0]._shape
        return len(shape) if shape is not None else -1
    return 0


def _check_type(c: ShapeContext, what: str, expected: Any, found: Any) -> None:
    if expected != found:
        c.fail(f"Trying to read value with wrong dtype. Expected {expected.name} got {found.name}")


def _found_shape(c: ShapeContext) -> list[Shape]:
    with_rank_at_most(c, c.input(2), 1)
    source, keys = _mutable_source(c), c.input(1)
    if source is None or keys is None or _rank_of_keys(source) < 0:
        return [None]
    _check_type(c, "key", source.attrs["key_dtype"], c.attr("Tin"))
    _check_type(c, "value", source.attrs["value_dtype"], c.attr("Tout"))
    lead = keys[: len(keys) - _rank_of_keys(source)]
    return [(*lead, *(source.attrs.get("value_shape") or ()))]


def _exported_shape(c: ShapeContext) -> list[Shape]:
    source = _mutable_source(c)
    values: Shape = None
    if source is not None and not source.attrs.get("value_shape"):
        values = (None,)
    elif source is not None:
        values = (None, *source.attrs["value_shape"])
    return [(None,), values]


def _filled_shape(c: ShapeContext) -> list[Shape]:
    merge(c, with_rank(c, c.input(1), 1), c.input(2))
    return []


def _row(op_type: str, numpy: Callable[..., Any], shape: Any) -> None:
    for name in (op_type, f"{op_type}V2"):
        if name != "LookupTableRemove":
            register_op(name, shape=shape, numpy=numpy, host=True, effect=True, gradient=NO_GRADIENT)


for _kind in ("HashTable", "MutableHashTable", "MutableHashTableOfTensors", "MutableDenseHashTable"):
    _row(_kind, _made, _handle_shape)
_row("LookupTableFind", _find, _found_shape)
_row("LookupTableInsert", _insert, lambda c: [])
_row("LookupTableImport", _import, _filled_shape)
_row("InitializeTable", _import, _filled_shape)
_row("LookupTableRemove", _remove, lambda c: [])
_row("LookupTableExport", _export, _exported_shape)
_row("LookupTableSize", _size, lambda c: [()])


def _file_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    return []


_row("InitializeTableFromTextFile", _import_file, _file_shape)
