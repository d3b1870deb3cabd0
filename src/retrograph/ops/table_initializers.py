"""What fills lookup tables: pairs of tensors, or the lines of a text file."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, get_default_graph, init_scope, name_scope
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.raw import raw
from retrograph.ops.table_rows import LINE_NUMBER, WHOLE_LINE


@export("contrib.lookup.TableInitializerBase")
class TableInitializerBase:
    """Base of what fills tables. Source: TF 1.15 `tf.contrib.lookup.TableInitializerBase`."""

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

    def initialize(self, table: Any) -> Operation:
        """The operation that fills a table."""
        raise NotImplementedError

    @property
    def _shared_name(self) -> str:
        return ""


def _check_types(table: Any, key_dtype: DType, value_dtype: DType) -> None:
    if key_dtype.base_dtype != table.key_dtype:
        raise TypeError(f"Invalid key dtype, expected {table.key_dtype} but got {key_dtype}.")
    if value_dtype.base_dtype != table.value_dtype:
        raise TypeError(f"Invalid value dtype, expected {table.value_dtype} but got {value_dtype}.")


def outside_control_flow() -> Any:
    """Lifts what is made out of a `tf.cond` or `tf.while_loop`, if it is in one."""
    return init_scope() if get_default_graph()._get_control_flow_context() is not None else nullcontext()


@export("lookup.KeyValueTensorInitializer", "contrib.lookup.KeyValueTensorInitializer")
class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table from `keys: K[n]` and `values: V[n]`.

    Source: TF 1.15 `tf.lookup.KeyValueTensorInitializer`.
    """

    def __init__(self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None):
        with outside_control_flow():
            self._keys = convert_to_tensor(keys, dtype=key_dtype, name="keys")
            self._values = convert_to_tensor(values, dtype=value_dtype, name="values")
        self._name = name if name is not None else "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: Any) -> Operation:
        """The operation that fills a table. Raises TypeError: of other types."""
        _check_types(table, self._keys.dtype, self._values.dtype)
        with name_scope(self._name, None, [table.resource_handle, self._keys, self._values]):
            init: Operation = raw("LookupTableImportV2", table.resource_handle, self._keys, self._values)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, init)
        return init


@export("lookup.TextFileIndex", "contrib.lookup.TextFileIndex")
class TextFileIndex:
    """Which part of a line is meant, beside the numbers of columns. Source: TF 1.15 `tf.lookup.TextFileIndex`."""

    WHOLE_LINE = WHOLE_LINE
    LINE_NUMBER = LINE_NUMBER


def _check_column(index: int, dtype: DType, what: str, whole_types: Any, named: str) -> None:
    if index < -2:
        raise ValueError(f"Invalid {what.lower()[:-1]} index {index}.")
    if index == LINE_NUMBER and dtype != dtypes.int64:
        raise ValueError(f"Signature mismatch. {what} must be dtype {dtypes.int64}, got {dtype}.")
    if index == WHOLE_LINE and not whole_types(dtype):
        raise ValueError(f"Signature mismatch. {what} must be {named}, got {dtype}.")


@export("lookup.TextFileInitializer", "contrib.lookup.TextFileInitializer")
class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a text file, cut into columns at `delimiter`.

    `key_index` and `value_index` are columns, `TextFileIndex.WHOLE_LINE` or `TextFileIndex.LINE_NUMBER`.
    Raises ValueError: an index and a type that do not fit. Source: TF 1.15 `tf.lookup.TextFileInitializer`.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
    ):
        if not isinstance(filename, Tensor) and not filename:
            raise ValueError(f"Filename required for {name}.")
        super().__init__(key_dtype, value_dtype)
        _check_column(
            key_index, self._key_dtype, "Keys", lambda t: t.is_integer or t == dtypes.string, "integer or string"
        )
        _check_column(value_index, self._value_dtype, "Values", lambda t: t == dtypes.string, f"dtype {dtypes.string}")
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        with init_scope():
            self._path = convert_to_tensor(filename, dtype=dtypes.string, name="asset_path")
        self._filename = filename
        self._indices = key_index, value_index
        self._vocab_size, self._delimiter, self._name = vocab_size, delimiter, name

    def initialize(self, table: Any) -> Operation:
        """The operation that fills a table. Raises TypeError: of other types."""
        _check_types(table, self.key_dtype, self.value_dtype)
        with name_scope(self._name, "text_file_init", [table.resource_handle]):
            init: Operation = raw(
                "InitializeTableFromTextFileV2",
                table.resource_handle,
                self._path,
                key_index=self._indices[0],
                value_index=self._indices[1],
                vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
            )
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, init)
        if self._path.op.type == "Const":
            add_to_collection(GraphKeys.ASSET_FILEPATHS, self._path)
        return init

    @property
    def _shared_name(self) -> str:
        size = f"_{self._vocab_size}" if self._vocab_size else ""
        return f"hash_table_{self._filename}{size}_{self._indices[0]}_{self._indices[1]}"


@export("contrib.lookup.TextFileStringTableInitializer")
class TextFileStringTableInitializer(TextFileInitializer):
    """Texts by their line numbers. Source: TF 1.15 `tf.contrib.lookup.TextFileStringTableInitializer`."""

    def __init__(
        self,
        filename: Any,
        key_column_index: int = LINE_NUMBER,
        value_column_index: int = WHOLE_LINE,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = "text_file_string_table_init",
    ):
        super().__init__(
            filename, dtypes.int64, key_column_index, dtypes.string, value_column_index, vocab_size, delimiter, name
        )


@export("contrib.lookup.TextFileIdTableInitializer")
class TextFileIdTableInitializer(TextFileInitializer):
    """Line numbers by texts. Source: TF 1.15 `tf.contrib.lookup.TextFileIdTableInitializer`."""

    def __init__(
        self,
        filename: Any,
        key_column_index: int = WHOLE_LINE,
        value_column_index: int = LINE_NUMBER,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = "text_file_id_table_init",
        key_dtype: Any = dtypes.string,
    ):
        super().__init__(
            filename, key_dtype, key_column_index, dtypes.int64, value_column_index, vocab_size, delimiter, name
        )
