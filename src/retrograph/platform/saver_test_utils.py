"""What TF's tests of savers share: a table that saves itself."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import add_to_collection
from retrograph.train.saveable import SaveableObject, SaveSpec


class CheckpointedOp:
    """A table from texts to numbers, with a saveable of its own."""

    def __init__(self, name: str, table_ref: Any = None):
        if table_ref is None:
            table_ref = apply_op("MutableHashTableV2", name, key_dtype=dtypes.string, value_dtype=dtypes.float32)
        self.table_ref, self.name = table_ref, name
        self.saveable = CustomSaveable(self, name)
        add_to_collection(GraphKeys.SAVEABLE_OBJECTS, self.saveable)

    def insert(self, keys: Any, values: Any) -> Any:
        """The operation that inserts."""
        return apply_op("LookupTableInsertV2", None, table_handle=self.table_ref, keys=keys, values=values)

    def lookup(self, keys: Any, default: Any) -> Any:
        """The values of keys."""
        return apply_op("LookupTableFindV2", None, table_handle=self.table_ref, keys=keys, default_value=default)

    def keys(self) -> Any:
        """All keys."""
        return self._export()[0]

    def values(self) -> Any:
        """All values."""
        return self._export()[1]

    def _export(self) -> Any:
        return apply_op(
            "LookupTableExportV2", None, table_handle=self.table_ref, Tkeys=dtypes.string, Tvalues=dtypes.float32
        )


class CustomSaveable(SaveableObject):
    """Keys and values of a table."""

    def __init__(self, table: CheckpointedOp, name: str):
        keys, values = table._export()
        super().__init__(table, [SaveSpec(keys, "", name + "-keys"), SaveSpec(values, "", name + "-values")], name)

    def restore(self, restored_tensors: list[Any], restored_shapes: Any) -> Any:
        """The operation that puts keys and values back."""
        keys, values = restored_tensors
        return apply_op("LookupTableImportV2", None, table_handle=self.op.table_ref, keys=keys, values=values)


CheckpointedOp.CustomSaveable = CustomSaveable  # type: ignore[attr-defined]
