"""Feature columns that give ids: by hash, by a vocabulary, by identity, weighted, crossed."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.feature_column.column import (
    CategoricalColumn,
    IdWeightPair,
    OfOneFeature,
    check_key,
    check_string_or_int,
    sparse_of,
    to_sparse,
)
from retrograph.framework.exports import export
from retrograph.ops.sparse_cross import sparse_cross_hashed
from retrograph.ops.vocabularies import index_table_from_file, index_table_from_tensor


class _KeyedColumn(CategoricalColumn, OfOneFeature):
    """A column of one feature, called as it is, whose texts or ints are parsed at any number."""

    dtype: Any

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return {self.key: tf.io.VarLenFeature(self.dtype)}

    def _transform_feature(self, inputs: Any) -> Any:
        return self._transform_input_tensor(to_sparse(inputs.get(self.key)))

    def _transform_input_tensor(self, input_tensor: Any) -> Any:
        raise NotImplementedError

    def _check_input(self, tensor: Any) -> None:
        if self.dtype.is_integer != tensor.dtype.is_integer:
            raise ValueError(
                "Column dtype and SparseTensors dtype must be compatible. "
                f"key: {self.key}, column dtype: {self.dtype}, tensor dtype: {tensor.dtype}"
            )


class HashedCategoricalColumn(
    _KeyedColumn, namedtuple("HashedCategoricalColumn", ("key", "hash_bucket_size", "dtype"))
):
    """See `categorical_column_with_hash_bucket`."""

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return self.hash_bucket_size  # type: ignore[no-any-return]

    def _transform_input_tensor(self, input_tensor: Any) -> Any:
        if not isinstance(input_tensor, tf.SparseTensor):
            raise ValueError("SparseColumn input must be a SparseTensor.")
        check_string_or_int(input_tensor.dtype, f"column_name: {self.key} input_tensor")
        self._check_input(input_tensor)
        texts = input_tensor.values if self.dtype == tf.string else tf.as_string(input_tensor.values)
        ids = tf.strings.to_hash_bucket_fast(texts, self.hash_bucket_size, name="lookup")
        return tf.SparseTensor(input_tensor.indices, ids, input_tensor.dense_shape)


class _VocabularyColumn(_KeyedColumn):
    def _transform_input_tensor(self, input_tensor: Any) -> Any:
        self._check_input(input_tensor)
        check_string_or_int(input_tensor.dtype, f"column_name: {self.key} input_tensor")
        key_dtype = self.dtype
        if input_tensor.dtype.is_integer:
            key_dtype = tf.int64
            input_tensor = tf.cast(input_tensor, tf.int64)
        return self._table(key_dtype, f"{self.key}_lookup").lookup(input_tensor)

    def _table(self, key_dtype: Any, name: str) -> Any:
        raise NotImplementedError


class VocabularyFileCategoricalColumn(
    _VocabularyColumn,
    namedtuple(
        "VocabularyFileCategoricalColumn",
        ("key", "vocabulary_file", "vocabulary_size", "num_oov_buckets", "dtype", "default_value"),
    ),
):
    """See `categorical_column_with_vocabulary_file`."""

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return self.vocabulary_size + self.num_oov_buckets  # type: ignore[no-any-return]

    def _table(self, key_dtype: Any, name: str) -> Any:
        return index_table_from_file(
            vocabulary_file=self.vocabulary_file,
            num_oov_buckets=self.num_oov_buckets,
            vocab_size=self.vocabulary_size,
            default_value=self.default_value,
            key_dtype=key_dtype,
            name=name,
        )


class VocabularyListCategoricalColumn(
    _VocabularyColumn,
    namedtuple(
        "VocabularyListCategoricalColumn", ("key", "vocabulary_list", "dtype", "default_value", "num_oov_buckets")
    ),
):
    """See `categorical_column_with_vocabulary_list`."""

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return len(self.vocabulary_list) + self.num_oov_buckets  # type: ignore[no-any-return]

    def _table(self, key_dtype: Any, name: str) -> Any:
        return index_table_from_tensor(
            tuple(self.vocabulary_list), self.num_oov_buckets, self.default_value, dtype=key_dtype, name=name
        )


class IdentityCategoricalColumn(
    _KeyedColumn, namedtuple("IdentityCategoricalColumn", ("key", "number_buckets", "default_value"))
):
    """See `categorical_column_with_identity`."""

    dtype = tf.int64

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return self.number_buckets  # type: ignore[no-any-return]

    def _transform_input_tensor(self, input_tensor: Any) -> Any:
        if not input_tensor.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {input_tensor.dtype}")
        values = tf.cast(input_tensor.values, tf.int64, name="values")
        count = tf.cast(self.num_buckets, tf.int64, name="num_buckets")
        zero = tf.cast(0, tf.int64, name="zero")
        values = self._checked(values, count, zero) if self.default_value is None else self._mended(values, count, zero)
        return tf.SparseTensor(input_tensor.indices, values, input_tensor.dense_shape)

    def _checked(self, values: Any, count: Any, zero: Any) -> Any:
        below = tf.debugging.assert_less(
            values,
            count,
            data=(values, count),
            message=f'Bucket index for categorical column "{self.name}" exceeds number of buckets',
            name="assert_less_than_num_buckets",
        )
        above = tf.debugging.assert_greater_equal(
            values,
            zero,
            data=(values,),
            message=f'Negative bucket index for categorical column "{self.name}"',
            name="assert_greater_or_equal_0",
        )
        with tf.control_dependencies((below, above)):
            return tf.identity(values)

    def _mended(self, values: Any, count: Any, zero: Any) -> Any:
        wrong = tf.logical_or(values < zero, values >= count, name="out_of_range")
        default = tf.fill(tf.shape(values), tf.cast(self.default_value, tf.int64), name="default_values")
        return tf.where_v2(wrong, default, values)


class WeightedCategoricalColumn(
    CategoricalColumn,
    namedtuple("WeightedCategoricalColumn", ("categorical_column", "weight_feature_key", "dtype")),
):
    """See `weighted_categorical_column`."""

    @property
    def name(self) -> str:
        """The name of both features."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parents(self) -> list[Any]:
        """The column of ids, and the weights."""
        return [self.categorical_column, self.weight_feature_key]

    def create_state(self, state_manager: Any) -> None:
        """Makes what the column of ids needs."""
        self.categorical_column.create_state(state_manager)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column. Raises ValueError: the weights are parsed as something else."""
        config = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in config:
            raise ValueError(
                f"Parse config {config[self.weight_feature_key]} already exists for {self.weight_feature_key}."
            )
        config[self.weight_feature_key] = tf.io.VarLenFeature(self.dtype)
        return config

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return self.categorical_column.num_buckets  # type: ignore[no-any-return]

    def _transform_feature(self, inputs: Any) -> Any:
        weights = tf.convert_to_tensor_or_sparse_tensor(inputs.get(self.weight_feature_key))
        if weights.dtype.base_dtype != self.dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype}, but got {weights.dtype}.")
        if not isinstance(weights, tf.SparseTensor):
            weights = to_sparse(weights, ignore_value=0.0)
        if not weights.dtype.is_floating:
            weights = tf.cast(weights, tf.float32)
        return inputs.get(self.categorical_column), weights

    def _get_sparse_tensors(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> IdWeightPair:
        return IdWeightPair(*inputs.get(self))


class CrossedColumn(CategoricalColumn, namedtuple("CrossedColumn", ("keys", "hash_bucket_size", "hash_key"))):
    """See `crossed_column`."""

    @property
    def name(self) -> str:
        """The names of the features."""
        return "_X_".join(sorted(k if isinstance(k, str) else k.name for k in self._leaves()))

    @property
    def parents(self) -> list[Any]:
        """The features and columns that are crossed."""
        return list(self.keys)

    def _leaves(self) -> list[Any]:
        return [leaf for k in self.keys for leaf in (k._leaves() if isinstance(k, CrossedColumn) else [k])]

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        config: dict[str, Any] = {}
        for key in self.keys:
            config.update({key: tf.io.VarLenFeature(tf.string)} if isinstance(key, str) else key.parse_example_spec)
        return config

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return self.hash_bucket_size  # type: ignore[no-any-return]

    def _transform_feature(self, inputs: Any) -> Any:
        tensors = []
        for key in self._leaves():
            if isinstance(key, str):
                tensors.append(inputs.get(key))
                continue
            pair = sparse_of(key, inputs)
            if pair.weight_tensor is not None:
                raise ValueError(
                    "crossed_column does not support weight_tensor, but the given column populates weight_tensor. "
                    f"Given column: {key.name}"
                )
            tensors.append(pair.id_tensor)
        return sparse_cross_hashed(tensors, num_buckets=self.hash_bucket_size, hash_key=self.hash_key)


class SequenceCategoricalColumn(CategoricalColumn, namedtuple("SequenceCategoricalColumn", "categorical_column")):
    """See `sequence_categorical_column_with_identity`."""

    @property
    def name(self) -> str:
        """The name of the column of each step."""
        return self.categorical_column.name  # type: ignore[no-any-return]

    @property
    def parents(self) -> list[Any]:
        """The column of each step."""
        return [self.categorical_column]

    def create_state(self, state_manager: Any) -> None:
        """Makes what the column of each step needs."""
        self.categorical_column.create_state(state_manager)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return self.categorical_column.parse_example_spec  # type: ignore[no-any-return]

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        return self.categorical_column.num_buckets  # type: ignore[no-any-return]

    def _transform_feature(self, inputs: Any) -> Any:
        return self.categorical_column._transform_feature(inputs)

    def _get_sparse_tensors(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> IdWeightPair:
        pair = sparse_of(self.categorical_column, inputs)
        shape: Any = tf.shape(pair.id_tensor)
        target = [shape[0], shape[1], tf.reduce_prod(shape[2:])]
        weights = pair.weight_tensor
        return IdWeightPair(
            tf.sparse_reshape(pair.id_tensor, target), None if weights is None else tf.sparse_reshape(weights, target)
        )


# ---- public functions


def _check_buckets(num_oov_buckets: Any, given_default: bool, key: str) -> None:
    if not num_oov_buckets:
        return
    if given_default:
        raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
    if num_oov_buckets < 0:
        raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")


@export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(key: str, hash_bucket_size: int, dtype: Any = tf.string) -> Any:
    """Ids by the hashes of texts or ints. Source: TF 1.15 `tf.feature_column.categorical_column_with_hash_bucket`."""
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    check_key(key)
    check_string_or_int(dtype, f"column_name: {key}")
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


@export("feature_column.categorical_column_with_vocabulary_file")
def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = tf.string,
) -> Any:
    """Ids by the lines of a file.

    Source: TF 1.15 `tf.feature_column.categorical_column_with_vocabulary_file`.
    """
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if vocabulary_size is None:
        if not tf.gfile.Exists(vocabulary_file):
            raise ValueError(f"vocabulary_file in {key} does not exist.")
        with tf.gfile.GFile(vocabulary_file) as file:
            vocabulary_size = sum(1 for _ in file)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_buckets(num_oov_buckets, default_value is not None, key)
    check_string_or_int(dtype, f"column_name: {key}")
    check_key(key)
    default = -1 if default_value is None else default_value
    return VocabularyFileCategoricalColumn(key, vocabulary_file, vocabulary_size, num_oov_buckets or 0, dtype, default)


@export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> Any:
    """Ids by the places in a list of texts or ints.

    Source: TF 1.15 `tf.feature_column.categorical_column_with_vocabulary_list`.
    """
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    found = tf.as_dtype(np.array(vocabulary_list).dtype)
    _check_buckets(num_oov_buckets, default_value != -1, key)
    check_string_or_int(found, f"column_name: {key} vocabulary")
    if dtype is None:
        dtype = found
    elif dtype.is_integer != found.is_integer:
        raise ValueError(f"dtype {dtype} and vocabulary dtype {found} do not match, column_name: {key}")
    check_string_or_int(dtype, f"column_name: {key}")
    check_key(key)
    return VocabularyListCategoricalColumn(key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets)


@export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> Any:
    """The feature's ints as ids; those outside give an error, or `default_value`.

    Source: TF 1.15 `tf.feature_column.categorical_column_with_identity`.
    """
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}")
    check_key(key)
    return IdentityCategoricalColumn(key, num_buckets, default_value)


@export("feature_column.weighted_categorical_column")
def weighted_categorical_column(categorical_column: Any, weight_feature_key: str, dtype: Any = tf.float32) -> Any:
    """Ids with weights from another feature. Source: TF 1.15 `tf.feature_column.weighted_categorical_column`."""
    if dtype is None or not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype {dtype} is not convertible to float.")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


@export("feature_column.crossed_column")
def crossed_column(keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> Any:
    """Ids by the hashes of all combinations of features. Source: TF 1.15 `tf.feature_column.crossed_column`."""
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, (str, CategoricalColumn)):
            raise ValueError(
                "Unsupported key type. All keys must be either string, or categorical column except "
                f"HashedCategoricalColumn. Given: {key}"
            )
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError(
                "categorical_column_with_hash_bucket is not supported for crossing. Hashing before crossing will "
                f"increase probability of collision. Instead, use the feature name as a string. Given: {key}"
            )
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)


@export(
    "feature_column.sequence_categorical_column_with_identity",
    "contrib.feature_column.sequence_categorical_column_with_identity",
)
def sequence_categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> Any:
    """Ids of each step. Source: TF 1.15 `tf.feature_column.sequence_categorical_column_with_identity`."""
    return SequenceCategoricalColumn(categorical_column_with_identity(key, num_buckets, default_value))


@export(
    "feature_column.sequence_categorical_column_with_hash_bucket",
    "contrib.feature_column.sequence_categorical_column_with_hash_bucket",
)
def sequence_categorical_column_with_hash_bucket(key: str, hash_bucket_size: int, dtype: Any = tf.string) -> Any:
    """Ids of each step by hash. Source: TF 1.15 `tf.feature_column.sequence_categorical_column_with_hash_bucket`."""
    return SequenceCategoricalColumn(categorical_column_with_hash_bucket(key, hash_bucket_size, dtype))


@export(
    "feature_column.sequence_categorical_column_with_vocabulary_list",
    "contrib.feature_column.sequence_categorical_column_with_vocabulary_list",
)
def sequence_categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> Any:
    """Ids of each step by a list.

    Source: TF 1.15 `tf.feature_column.sequence_categorical_column_with_vocabulary_list`.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_list(key, vocabulary_list, dtype, default_value, num_oov_buckets)
    )


@export(
    "feature_column.sequence_categorical_column_with_vocabulary_file",
    "contrib.feature_column.sequence_categorical_column_with_vocabulary_file",
)
def sequence_categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = tf.string,
) -> Any:
    """Ids of each step by a file.

    Source: TF 1.15 `tf.feature_column.sequence_categorical_column_with_vocabulary_file`.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_file(
            key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype
        )
    )
