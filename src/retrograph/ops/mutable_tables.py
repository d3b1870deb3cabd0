"""Lookup tables that change: `tf.contrib.lookup.MutableHashTable`, `tf.lookup.experimental.DenseHashTable`."""

from __future__ import annotations

from typing import Any

from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, get_default_graph, name_scope
from retrograph.framework.exports import export, export_value
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.raw import raw
from retrograph.ops.tables import LookupInterface


class _MutableTable(LookupInterface):
    """What both kinds of tables that change have in common; a saver saves their keys and values."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default_value: Tensor, name: str, checkpoint: bool):
        super().__init__(key_dtype, value_dtype)
        self._default_value, self._name, self._table_name = default_value, name, ""
        self._checkpoint = checkpoint
        self._resource_handle = self._create_resource()
        self._table_name = self._resource_handle.op.name.split("/")[-1]
        if checkpoint:
            add_to_collection(GraphKeys.SAVEABLE_OBJECTS, _saveable(self, name))

    def _create_resource(self) -> Any:
        raise NotImplementedError

    def _attrs(self) -> dict[str, Any]:
        return {"use_node_name_sharing": self._checkpoint, "value_dtype": self._value_dtype, "name": self._name}

    @property
    def name(self) -> str:
        """The name of the table."""
        return self._table_name

    def _colocated(self) -> Any:
        return get_default_graph().colocate_with(self.resource_handle)

    def size(self, name: str | None = None) -> Tensor:
        """How many keys there are: `i64[]`."""
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]), self._colocated():
            return raw("LookupTableSizeV2", self.resource_handle)  # type: ignore[no-any-return]

    def _removed(self, keys: Any, name: str | None) -> Operation:
        if keys.dtype != self._key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self._key_dtype}, got {keys.dtype}.")
        values = [self.resource_handle, keys, self._default_value]
        with name_scope(name, f"{self.name}_lookup_table_remove", values):
            return raw("LookupTableRemoveV2", self.resource_handle, keys)  # type: ignore[no-any-return]

    def lookup(self, keys: Any, name: str | None = None) -> Tensor:
        """The values of keys, the default value for those that are not there."""
        with name_scope(name, f"{self.name}_lookup_table_find", [self.resource_handle, keys]):
            keys = convert_to_tensor(keys, dtype=self._key_dtype, name="keys")
            with self._colocated():
                return raw("LookupTableFindV2", self.resource_handle, keys, self._default_value)  # type: ignore[no-any-return]

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """An operation that sets the values of keys."""
        with name_scope(name, f"{self.name}_lookup_table_insert", [self.resource_handle, keys, values]):
            keys = convert_to_tensor(keys, self._key_dtype, name="keys")
            values = convert_to_tensor(values, self._value_dtype, name="values")
            with self._colocated():
                return raw("LookupTableInsertV2", self.resource_handle, keys, values)  # type: ignore[no-any-return]

    def export(self, name: str | None = None) -> Any:
        """All keys and their values."""
        types: dict[str, Any] = {"Tkeys": self._key_dtype, "Tvalues": self._value_dtype}
        with name_scope(name, f"{self.name}_lookup_table_export_values", [self.resource_handle]), self._colocated():
            keys, values = raw("LookupTableExportV2", self.resource_handle, **types)
        return keys, values

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {"table": lambda name=self._name: _saveable(self, name)}


def _saveable(table: _MutableTable, name: str) -> Any:
    from retrograph.train.saveable import SaveableObject, SaveSpec

    class _Saveable(SaveableObject):
        def restore(self, restored_tensors: list[Any], restored_shapes: list[Any] | None) -> Any:
            with name_scope(None, f"{self.name}_table_restore"), self.op._colocated():
                return raw("LookupTableImportV2", self.op.resource_handle, restored_tensors[0], restored_tensors[1])

    keys, values = table.export()
    return _Saveable(table, [SaveSpec(keys, "", f"{name}-keys"), SaveSpec(values, "", f"{name}-values")], name)


@export("contrib.lookup.MutableHashTable")
class MutableHashTable(_MutableTable):
    """A table of scalars or vectors by keys, which needs no initialization.

    Source: TF 1.15 `tf.contrib.lookup.MutableHashTable`.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
    ):
        default = convert_to_tensor(default_value, dtype=value_dtype)
        super().__init__(key_dtype, value_dtype, default, name, checkpoint)

    def _create_resource(self) -> Any:
        shape = self._default_value.get_shape()
        if shape.ndims == 0:
            return raw("MutableHashTableV2", key_dtype=self._key_dtype, **self._attrs())
        return raw("MutableHashTableOfTensorsV2", key_dtype=self._key_dtype, value_shape=shape, **self._attrs())

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """An operation that takes keys away. Raises TypeError: keys of another type."""
        return self._removed(keys, name)


@export("lookup.experimental.DenseHashTable")
class DenseHashTable(_MutableTable):
    """A table of which two keys, `empty_key` and `deleted_key`, cannot be used; keys may be vectors.

    Source: TF 1.15 `tf.lookup.experimental.DenseHashTable`.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
    ):
        default = convert_to_tensor(default_value, dtype=value_dtype, name="default_value")
        self._buckets = initial_num_buckets
        self._empty = convert_to_tensor(empty_key, dtype=key_dtype, name="empty_key")
        self._deleted = convert_to_tensor(deleted_key, dtype=key_dtype, name="deleted_key")
        super().__init__(key_dtype, value_dtype, default, name, checkpoint)

    def _create_resource(self) -> Any:
        shape = self._default_value.get_shape()
        attrs = {**self._attrs(), "value_shape": shape, "initial_num_buckets": self._buckets}
        return raw("MutableDenseHashTableV2", self._empty, self._deleted, **attrs)

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """An operation that sets the values of keys."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Operation:
        """An operation that takes keys away. Raises TypeError: keys of another type."""
        return self._removed(keys, name)

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """As `erase`."""
        return self._removed(keys, name)


MutableDenseHashTable = DenseHashTable
export_value("contrib.lookup.MutableDenseHashTable", MutableDenseHashTable)
