"""Tables of vocabularies: ids of texts, and texts of ids, from tensors or files."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value
from retrograph.ops import array, cast, sequence
from retrograph.ops.table_initializers import (
    KeyValueTensorInitializer,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileStringTableInitializer,
)
from retrograph.ops.tables import FastHashSpec, IdTableWithHashBuckets, StaticHashTable


def _check_file(vocabulary_file: Any, vocab_size: int | None, named: bool) -> None:
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        shown = vocabulary_file
        if isinstance(vocabulary_file, Tensor):
            value = constant_value(vocabulary_file)
            shown = "?" if value is None else value
        rest = f" vocabulary_file: {shown}" if named else ""
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}.{rest}")


def _check_ids(num_oov_buckets: int, dtype: dtypes.DType) -> None:
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if not dtype.is_integer and dtype.base_dtype != dtypes.string:
        raise TypeError("Only integer and string keys are supported.")


def _with_buckets(table: Any, count: int, spec: Any, key_dtype: Any) -> Any:
    if not count:
        return table
    return IdTableWithHashBuckets(table, num_oov_buckets=count, hasher_spec=spec, key_dtype=key_dtype)


@export("contrib.lookup.index_table_from_file")
def index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: Any = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE,
    value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:
    """A table from the lines of a file to their numbers: `lookup(string[...])` gives `i64[...]`.

    Texts that are not there get `default_value`, or one of `num_oov_buckets` more ids by their hash.
    Raises ValueError, TypeError: wrong arguments. Source: TF 1.15 `tf.contrib.lookup.index_table_from_file`.
    """
    _check_file(vocabulary_file, None, True)
    key_dtype = dtypes.as_dtype(key_dtype)
    if num_oov_buckets < 0:
        _check_ids(num_oov_buckets, key_dtype)
    _check_file(vocabulary_file, vocab_size, True)
    _check_ids(num_oov_buckets, key_dtype)
    with name_scope(name, "string_to_index"):
        with name_scope(None, "hash_table"):
            init = TextFileIdTableInitializer(
                vocabulary_file,
                vocab_size=vocab_size,
                key_dtype=dtypes.int64 if key_dtype.is_integer else key_dtype,
                name="table_init",
                key_column_index=key_column_index,
                value_column_index=value_column_index,
                delimiter=delimiter,
            )
            table = StaticHashTable(init, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, key_dtype)


def _check_keys(keys: Tensor, dtype: dtypes.DType) -> None:
    if keys.dtype.is_integer != dtype.is_integer:
        raise ValueError(f"Expected {'integer' if dtype.is_integer else 'non-integer'}, got {keys.dtype}.")
    if not dtype.is_integer and keys.dtype.base_dtype != dtype:
        raise ValueError(f"Expected {dtype}, got {keys.dtype}.")


def _numbers_of(values: Any) -> Any:
    return cast.cast(sequence.range(array.size(values)), dtypes.int64)


@export("contrib.lookup.index_table_from_tensor")
def index_table_from_tensor(
    mapping: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: Any = FastHashSpec,
    dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """A table from the elements of a tensor to their places: `lookup(string[...])` gives `i64[...]`.

    Raises ValueError, TypeError: wrong arguments. Source: TF 1.15 `tf.contrib.lookup.index_table_from_tensor`.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    dtype = dtypes.as_dtype(dtype)
    _check_ids(num_oov_buckets, dtype)
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(mapping)
        _check_keys(keys, dtype)
        values = _numbers_of(keys)
        with name_scope(None, "hash_table"):
            keys = cast.cast(keys, dtypes.int64) if keys.dtype.is_integer else keys
            init = KeyValueTensorInitializer(keys, values, keys.dtype.base_dtype, dtypes.int64, name="table_init")
            table = StaticHashTable(init, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, dtype)


@export("contrib.lookup.index_to_string_table_from_file")
def index_to_string_table_from_file(
    vocabulary_file: Any,
    vocab_size: int | None = None,
    default_value: str = "UNK",
    name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER,
    value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> Any:
    """A table from the numbers of lines of a file to the lines: `lookup(i64[...])` gives `string[...]`.

    Source: TF 1.15 `tf.contrib.lookup.index_to_string_table_from_file`.
    """
    _check_file(vocabulary_file, vocab_size, False)
    with name_scope(name, "index_to_string"):
        init = TextFileStringTableInitializer(
            vocabulary_file,
            vocab_size=vocab_size,
            name="table_init",
            key_column_index=key_column_index,
            value_column_index=value_column_index,
            delimiter=delimiter,
        )
        return StaticHashTable(init, default_value)


@export("contrib.lookup.index_to_string_table_from_tensor")
def index_to_string_table_from_tensor(mapping: Any, default_value: str = "UNK", name: str | None = None) -> Any:
    """A table from places in a tensor of texts to the texts: `lookup(i64[...])` gives `string[...]`.

    Source: TF 1.15 `tf.contrib.lookup.index_to_string_table_from_tensor`.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    with name_scope(name, "index_to_string"):
        texts = convert_to_tensor(mapping, dtypes.string)
        init = KeyValueTensorInitializer(_numbers_of(texts), texts, dtypes.int64, dtypes.string, name="table_init")
        return StaticHashTable(init, default_value)


# ---- under the names of `tensorflow.python.ops.lookup_ops`


def index_table_from_list(
    vocabulary_list: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: Any = FastHashSpec,
    dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """As `index_table_from_tensor`. Source: TF 1.15 `lookup_ops.index_table_from_tensor`."""
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    return index_table_from_tensor(vocabulary_list, num_oov_buckets, default_value, hasher_spec, dtype, name)


def index_to_string_table_from_list(vocabulary_list: Any, default_value: str = "UNK", name: str | None = None) -> Any:
    """As `index_to_string_table_from_tensor`. Source: TF 1.15 `lookup_ops.index_to_string_table_from_tensor`."""
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    return index_to_string_table_from_tensor(vocabulary_list, default_value, name)


# ---- old names


@export("contrib.lookup.string_to_index_table_from_file")
def string_to_index_table_from_file(
    vocabulary_file: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: Any = FastHashSpec,
    name: str | None = None,
) -> Any:
    """As `index_table_from_file`. Source: TF 1.15 `tf.contrib.lookup.string_to_index_table_from_file`."""
    return index_table_from_file(
        vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype=dtypes.string, name=name
    )


@export("contrib.lookup.string_to_index_table_from_tensor")
def string_to_index_table_from_tensor(
    mapping: Any,
    num_oov_buckets: int = 0,
    default_value: int = -1,
    hasher_spec: Any = FastHashSpec,
    name: str | None = None,
) -> Any:
    """As `index_table_from_tensor`. Source: TF 1.15 `tf.contrib.lookup.string_to_index_table_from_tensor`."""
    with name_scope(name, "string_to_index") as scope:
        mapping = convert_to_tensor(mapping)
    if mapping.dtype.base_dtype != dtypes.string:
        raise ValueError("string_to_index_table_from_tensor requires string.")
    return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, name=scope)


@export("contrib.lookup.string_to_index")
def string_to_index(tensor: Any, mapping: Any, default_value: int = -1, name: str | None = None) -> Any:
    """The places of texts in `mapping`. Source: TF 1.15 `tf.contrib.lookup.string_to_index`."""
    return index_table_from_tensor(mapping=mapping, default_value=default_value, name=name).lookup(tensor)


@export("contrib.lookup.index_to_string")
def index_to_string(tensor: Any, mapping: Any, default_value: str = "UNK", name: str | None = None) -> Any:
    """The texts at places of `mapping`. Source: TF 1.15 `tf.contrib.lookup.index_to_string`."""
    return index_to_string_table_from_tensor(mapping=mapping, default_value=default_value, name=name).lookup(tensor)
