"""Lookup tables: `tf.lookup.*` and `tf.contrib.lookup.*`."""

from __future__ import annotations

import functools
import numbers
import uuid
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_collection, init_scope, name_scope
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export, export_value
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import SparseTensor
from retrograph.ops import cast, strings
from retrograph.ops.control_flow import group, no_op
from retrograph.ops.raw import raw
from retrograph.ops.selecting import where_v2
from retrograph.ops.table_initializers import outside_control_flow


@export("tables_initializer", "initializers.tables_initializer", "initialize_all_tables")
def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that initializes all tables of the graph. Source: TF 1.15 `tf.tables_initializer`."""
    initializers = get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(*initializers, name=name) if initializers else no_op(name=name)


@export("contrib.lookup.LookupInterface")
class LookupInterface:
    """What all tables have. Source: TF 1.15 `tf.contrib.lookup.LookupInterface`."""

    _resource_handle: Any = None

    def __init__(self, key_dtype: Any, value_dtype: Any):
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """The type of keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The type of values."""
        return self._value_dtype

    @property
    def resource_handle(self) -> Any:
        """The handle of the table."""
        return self._resource_handle

    @property
    def name(self) -> Any:
        """The name of the table."""
        return NotImplementedError

    def size(self, name: str | None = None) -> Any:
        """How many keys there are."""
        raise NotImplementedError

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys."""
        raise NotImplementedError

    def _check_keys(self, keys: Any) -> None:
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self._key_dtype}, got {keys.dtype}.")


def _like_keys(keys: Any, values: Any) -> Any:
    """The values in a sparse tensor if the keys were in one."""
    return SparseTensor(keys.indices, values, keys.dense_shape) if isinstance(keys, SparseTensor) else values


def _values_of(keys: Any) -> Any:
    return keys.values if isinstance(keys, SparseTensor) else keys


# ---- tables that are filled once


@export("contrib.lookup.InitializableLookupTableBase")
class InitializableLookupTableBase(LookupInterface):
    """A table that an initializer fills. Source: TF 1.15 `tf.contrib.lookup.InitializableLookupTableBase`."""

    def __init__(self, default_value: Any, initializer: Any):
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
        self._default_value.get_shape().merge_with(())
        self._initializer = initializer
        with init_scope():
            self._resource_handle = self._create_resource()
        with outside_control_flow():
            self._init_op: Operation = self._initialize()

    def _create_resource(self) -> Any:
        raise NotImplementedError

    def _initialize(self) -> Operation:
        return self._initializer.initialize(self)  # type: ignore[no-any-return]

    @property
    def default_value(self) -> Tensor:
        """What keys have that are not in the table."""
        return self._default_value

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table."""
        return self._init_op

    def size(self, name: str | None = None) -> Any:
        """How many keys there are: `i64[]`."""
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            return raw("LookupTableSizeV2", self.resource_handle)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys (a tensor or a `SparseTensor`). Raises TypeError: keys of another type."""
        key_tensor = _values_of(keys)
        self._check_keys(keys)
        with name_scope(name, f"{self.name}_Lookup", [self.resource_handle, key_tensor, self._default_value]):
            values = raw("LookupTableFindV2", self.resource_handle, key_tensor, self._default_value)
        values.set_shape(key_tensor.get_shape())
        return _like_keys(keys, values)


class _HashTable(InitializableLookupTableBase):
    def __init__(self, initializer: Any, default_value: Any, shared_name: Any, name: str | None):
        self._initializer, self._shared_name = initializer, shared_name
        self._name, self._table_name = name or "hash_table", ""
        super().__init__(default_value, initializer)

    def _create_resource(self) -> Any:
        types = {"key_dtype": self._initializer.key_dtype, "value_dtype": self._initializer.value_dtype}
        handle = raw("HashTableV2", shared_name=self._shared_name, name=self._name, **types)
        self._table_name = handle.op.name.split("/")[-1]
        return handle

    @property
    def name(self) -> str:
        """The name of the table."""
        return self._table_name

    @property
    def init(self) -> Operation:
        """The operation that fills the table."""
        return self.initializer

    def export(self, name: str | None = None) -> Any:
        """All keys and their values."""
        with name_scope(name, f"{self.name}_Export", [self.resource_handle]) as scope:
            keys, values = self._exported(scope)
        values.set_shape(keys.get_shape().concatenate(self._default_value.get_shape()))
        return keys, values

    def _exported(self, scope: str | None) -> Any:
        types = {"Tkeys": self._key_dtype, "Tvalues": self._value_dtype}
        return raw("LookupTableExportV2", self.resource_handle, name=scope, **types)


@export("lookup.StaticHashTable")
class StaticHashTable(_HashTable):
    """A table that `initializer` fills, once.

    >>> init = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
    >>> table = tf.lookup.StaticHashTable(init, -1)

    Source: TF 1.15 `tf.lookup.StaticHashTable`.
    """

    def __init__(self, initializer: Any, default_value: Any, name: str | None = None):
        shared = initializer._shared_name or f"hash_table_{uuid.uuid4()}"
        super().__init__(initializer, default_value, shared, name)

    def _exported(self, scope: str | None) -> Any:
        return super()._exported(None)


@export("contrib.lookup.HashTable")
class HashTable(_HashTable):
    """A table that `initializer` fills, once. Source: TF 1.15 `tf.contrib.lookup.HashTable`."""

    def __init__(self, initializer: Any, default_value: Any, shared_name: str | None = None, name: str | None = None):
        super().__init__(initializer, default_value, shared_name, name)


# ---- ids for keys that no table has


class HasherSpec(namedtuple("HasherSpec", ["hasher", "key"])):
    """Which hash of texts chooses buckets. Source: TF 1.15 `tf.contrib.lookup.HasherSpec`."""

    __slots__ = ()


export("contrib.lookup.HasherSpec")(HasherSpec)
FastHashSpec = HasherSpec("fasthash", None)
export_value("contrib.lookup.FastHashSpec", FastHashSpec)


@export("contrib.lookup.StrongHashSpec")
class StrongHashSpec(HasherSpec):
    """The hash with a key of two numbers. Source: TF 1.15 `tf.contrib.lookup.StrongHashSpec`."""

    __slots__ = ()

    def __new__(cls, key: Any) -> StrongHashSpec:
        if len(key) != 2:
            raise ValueError(f"key must have size 2, got {len(key)}.")
        if not all(isinstance(k, numbers.Integral) for k in key):
            raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
        return super().__new__(cls, "stronghash", key)


def _hash_function(spec: Any) -> Callable[..., Any]:
    found: dict[str, Callable[..., Any]] = {
        "fasthash": strings.string_to_hash_bucket_fast,
        "legacy": strings.string_to_hash_bucket,
        "stronghash": functools.partial(strings.string_to_hash_bucket_strong, key=spec.key),
    }
    if spec.hasher not in found:
        raise ValueError(f"Unknown hasher {spec.hasher}")
    return found[spec.hasher]


def _check_table_types(key_dtype: DType, value_dtype: DType, wanted: DType) -> None:
    supported = (dtypes.int64, dtypes.string)
    if key_dtype not in supported:
        raise TypeError(f"Invalid key dtype, expected one of {supported}, but got {wanted}.")
    if key_dtype.is_integer != wanted.is_integer:
        kind = "integer" if wanted.is_integer else "non-integer"
        raise TypeError(f"Invalid key dtype, expected {kind} but got {key_dtype}.")
    if value_dtype != dtypes.int64:
        raise TypeError(f"Invalid value dtype, expected {dtypes.int64} but got {value_dtype}.")


class _Bucketed(LookupInterface):
    """Ids from a table, and from buckets by hash for keys that it does not have."""

    def __init__(self, table: Any, count: int, spec: Any, key_dtype: DType, name: str):
        if not key_dtype.is_integer and key_dtype != dtypes.string:
            raise TypeError(f"Invalid key_dtype, expected integer or string, got {key_dtype}.")
        self._table, self._count, self._spec = table, count, spec
        self._table_name = name.split("/")[-1]
        super().__init__(key_dtype, dtypes.int64)

    @property
    def name(self) -> str:
        """The name of the table."""
        return self._table_name

    @property
    def resource_handle(self) -> Any:
        """The handle of the table, None without one."""
        return self._table.resource_handle if self._table is not None else None

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table."""
        if self._table is not None:
            return self._table.initializer  # type: ignore[no-any-return]
        with name_scope(None, "init"):
            return no_op()

    @property
    def init(self) -> Operation:
        """The operation that fills the table."""
        return self.initializer

    def size(self, name: str | None = None) -> Any:
        """How many ids there are: those of the table and the buckets."""
        with name_scope(name, f"{self.name}_Size"):
            size = self._table.size() if self._table else convert_to_tensor(0, dtype=dtypes.int64)
            return size + self._count

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The ids of keys: `i64` in their shape. Raises TypeError: keys of another type."""
        self._check_keys(keys)
        values = _values_of(keys)
        if self._table and self._table.key_dtype.base_dtype == dtypes.int64:
            values = cast.cast(values, dtypes.int64)
        if self._count == 0:
            return _like_keys(keys, self._table.lookup(values, name=name))
        with name_scope(name, f"{self.name}_Lookup"):
            return _like_keys(keys, self._ids(values))

    def _ids(self, values: Any) -> Any:
        texts = values if values.dtype.base_dtype == dtypes.string else strings.as_string(values)
        buckets = _hash_function(self._spec)(texts, num_buckets=self._count, name="hash_bucket")
        if not self._table:
            return buckets
        ids = self._table.lookup(values)
        buckets = raw("Add", buckets, self._table.size())
        return where_v2(raw("NotEqual", ids, self._table.default_value), ids, buckets)


@export("contrib.lookup.IdTableWithHashBuckets")
class IdTableWithHashBuckets(_Bucketed):
    """The ids of a table; keys that it does not have get one of `num_oov_buckets` more by their hash.

    Source: TF 1.15 `tf.contrib.lookup.IdTableWithHashBuckets`.
    """

    def __init__(
        self,
        table: Any,
        num_oov_buckets: int,
        hasher_spec: Any = FastHashSpec,
        name: str | None = None,
        key_dtype: Any = None,
    ):
        name = name.rstrip("/") if name else name
        if table:
            key_dtype = table.key_dtype if key_dtype is None else dtypes.as_dtype(key_dtype)
            _check_table_types(table.key_dtype, table.value_dtype, key_dtype)
            name = name or table.name
        else:
            if num_oov_buckets <= 0:
                raise ValueError("oov_buckets must be > 0 if no table is supplied.")
            key_dtype = dtypes.string if key_dtype is None else dtypes.as_dtype(key_dtype)
            name = name or "hash_bucket"
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"hasher_spec must be of type HasherSpec, got {hasher_spec}")
        super().__init__(table or None, num_oov_buckets, hasher_spec, key_dtype, str(name))


@export("lookup.StaticVocabularyTable")
class StaticVocabularyTable(_Bucketed):
    """The ids that `initializer` gives, and `num_oov_buckets` more by hash.

    Source: TF 1.15 `tf.lookup.StaticVocabularyTable`.
    """

    def __init__(self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: str | None = None):
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        name = name.rstrip("/") if name else name
        table, key_dtype = None, dtypes.string
        if initializer:
            key_dtype = initializer.key_dtype if lookup_key_dtype is None else dtypes.as_dtype(lookup_key_dtype)
            _check_table_types(initializer.key_dtype, initializer.value_dtype, key_dtype)
            table = StaticHashTable(initializer, default_value=-1)
            name = name or table.name
        super().__init__(table, num_oov_buckets, FastHashSpec, key_dtype, name or "hash_bucket")
