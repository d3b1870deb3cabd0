"""`tf.contrib.layers`: feature columns of categories as they were before `tf.feature_column`, and their embeddings."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.contrib.column_parts import (
    DeepArguments,
    FeatureColumn,
    WideArguments,
    _inner_flatten,
    feature_config,
    reshaped_dense,
)
from retrograph.contrib.columns_in_models import InCategoricalModels, InDenseModels, InEmbeddingModels
from retrograph.contrib.layer_parts import exported
from retrograph.contrib.sparse_layers import dense_to_sparse_tensor
from retrograph.framework import nest

_LookupConfig = namedtuple("_SparseIdLookupConfig", "vocabulary_file keys num_oov_buckets vocab_size default_value")  # type: ignore[name-match]


class _Categories(InCategoricalModels):
    """What columns of ids share."""

    combiner: str

    def id_tensor(self, input_tensor: Any) -> Any:
        """The ids of what was transformed."""
        return input_tensor

    def weight_tensor(self, input_tensor: Any) -> Any:
        """The weights of what was transformed, if any."""
        return None

    def _to_dnn_input_layer(self, *args: Any, **kwargs: Any) -> Any:
        kind = type(self).__mro__[1].__name__ if isinstance(self, _SparseColumn) else type(self).__name__
        raise ValueError(
            f"{kind.lstrip('_')} is not supported in DNN. Please use embedding_column or one_hot_column. column: {self}"
        )

    def _wide_embedding_lookup_arguments(self, input_tensor: Any) -> WideArguments:
        return WideArguments(
            self.id_tensor(input_tensor), self.weight_tensor(input_tensor), self.length, tf.zeros_initializer(),
            self.combiner,
        )  # fmt: skip


class _SparseColumn(
    _Categories, namedtuple("_SparseColumn", "column_name is_integerized bucket_size lookup_config combiner dtype")
):
    """Ids of the texts or integers of a sparse feature."""

    def __new__(
        cls, column_name: Any, is_integerized: Any = False, bucket_size: Any = None, lookup_config: Any = None,
        combiner: str = "sum", dtype: Any = tf.string,
    ) -> Any:  # fmt: skip
        """Raises ValueError: settings that do not fit together."""
        if is_integerized and not dtype.is_integer:
            raise ValueError(
                f"dtype must be an integer if is_integerized is True. dtype: {dtype}, column_name: {column_name}."
            )
        if dtype != tf.string and not dtype.is_integer:
            raise ValueError(f"dtype must be string or integer. dtype: {dtype}, column_name: {column_name}")
        if bucket_size is None and lookup_config is None:
            raise ValueError(f"one of bucket_size or lookup_config must be set. column_name: {column_name}")
        if bucket_size is not None and bucket_size < 1:
            raise ValueError(f"bucket_size must be at least 1. bucket_size: {bucket_size}, column_name: {column_name}")
        return super().__new__(cls, column_name, is_integerized, bucket_size, lookup_config, combiner, dtype)

    @property
    def name(self) -> str:
        """The name of the feature."""
        return self.column_name  # type: ignore[no-any-return]

    @property
    def length(self) -> int:
        """How many ids there are."""
        if self.bucket_size is not None:
            return int(self.bucket_size)
        return int(self.lookup_config.vocab_size + self.lookup_config.num_oov_buckets)

    @property
    def config(self) -> dict[str, Any]:
        """How the feature is parsed."""
        return {self.column_name: tf.VarLenFeature(self.dtype)}

    def _sparse_input(self, tensor: Any) -> Any:
        if isinstance(tensor, tf.SparseTensor):
            return tensor
        ignored = "" if tensor.dtype == tf.string else -1
        return dense_to_sparse_tensor(reshaped_dense(tensor, 2, self.name), ignore_value=ignored)

    def is_compatible(self, other_column: Any) -> bool:
        """Whether both may share an embedding."""
        if self.lookup_config and other_column.lookup_config:
            return bool(self.lookup_config == other_column.lookup_config)
        integers = self.dtype.is_integer and other_column.dtype.is_integer
        same = self.length == other_column.length and (self.dtype == other_column.dtype or integers)
        if same:
            tf.logging.warn(f"Column {self.name} and {other_column.name} may not have the same vocabulary.")
        return bool(same)

    def _do_transform(self, input_tensor: Any) -> Any:
        raise NotImplementedError

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds the ids."""
        columns_to_tensors[self] = self._do_transform(self._sparse_input(columns_to_tensors[self.name]))


def _with_values(sparse: Any, values: Any) -> Any:
    return tf.SparseTensor(sparse.indices, values, sparse.dense_shape)


class _SparseColumnIntegerized(_SparseColumn):
    def _do_transform(self, input_tensor: Any) -> Any:
        return _with_values(input_tensor, tf.mod(input_tensor.values, self.bucket_size, name="mod"))


class _SparseColumnHashed(_SparseColumn):
    hash_keys: Any

    def _do_transform(self, input_tensor: Any) -> Any:
        values = input_tensor.values
        if self.dtype.is_integer:
            values = tf.as_string(values)
        if not self.hash_keys:
            ids = tf.string_to_hash_bucket_fast(values, self.bucket_size, name="lookup")
            return _with_values(input_tensor, ids)
        found = [
            _with_values(input_tensor, tf.string_to_hash_bucket_strong(values, self.bucket_size, key))
            for key in self.hash_keys
        ]
        return tf.sparse_concat(axis=1, sp_inputs=found, name="lookup")


class _SparseColumnKeys(_SparseColumn):
    def _do_transform(self, input_tensor: Any) -> Any:
        table = tf.contrib.lookup.index_table_from_tensor(
            mapping=tuple(self.lookup_config.keys), default_value=self.lookup_config.default_value, dtype=self.dtype,
            name="lookup",
        )  # fmt: skip
        return table.lookup(input_tensor)


class _SparseColumnVocabulary(_SparseColumn):
    def _do_transform(self, input_tensor: Any) -> Any:
        if self.dtype.is_integer:
            input_tensor = _with_values(input_tensor, tf.as_string(input_tensor.values))
        config = self.lookup_config
        table = tf.contrib.lookup.index_table_from_file(
            vocabulary_file=config.vocabulary_file, num_oov_buckets=config.num_oov_buckets,
            vocab_size=config.vocab_size, default_value=config.default_value, name=f"{self.name}_lookup",
        )  # fmt: skip
        return table.lookup(input_tensor)


@exported("sparse_column_with_integerized_feature")
def sparse_column_with_integerized_feature(
    column_name: str, bucket_size: int, combiner: str = "sum", dtype: Any = tf.int64
) -> Any:
    """Integers modulo `bucket_size`. Source: TF 1.15 `tf.contrib.layers.sparse_column_with_integerized_feature`."""
    if bucket_size is None:
        raise ValueError(f"bucket_size must be set if is_integerized is True. column_name: {column_name}")
    return _SparseColumnIntegerized(column_name, True, bucket_size, None, combiner, dtype)


def _check_hash_keys(hash_keys: Any) -> None:
    if hash_keys is None:
        return
    if not isinstance(hash_keys, list) or not hash_keys:
        raise ValueError("hash_keys must be a non-empty list.")
    pairs = all(isinstance(pair, list) and len(pair) == 2 for pair in hash_keys)
    if not pairs or not all(isinstance(key, int) for key in nest.flatten(hash_keys)):
        raise ValueError("Each element of hash_keys must be a pair of integers.")


@exported("sparse_column_with_hash_bucket")
def sparse_column_with_hash_bucket(
    column_name: str, hash_bucket_size: int, combiner: str = "sum", dtype: Any = tf.string, hash_keys: Any = None
) -> Any:
    """Ids by hash. Raises ValueError: bad keys. Source: TF 1.15 `tf.contrib.layers.sparse_column_with_hash_bucket`."""
    _check_hash_keys(hash_keys)
    column = _SparseColumnHashed(column_name, False, hash_bucket_size, None, combiner, dtype)
    column.hash_keys = hash_keys
    return column


@exported("sparse_column_with_keys")
def sparse_column_with_keys(
    column_name: str, keys: Any, default_value: int = -1, combiner: str = "sum", dtype: Any = tf.string
) -> Any:
    """Ids by place among keys. Source: TF 1.15 `tf.contrib.layers.sparse_column_with_keys`."""
    keys = tuple(keys)
    config = _LookupConfig(None, keys, 0, len(keys), default_value)
    return _SparseColumnKeys(column_name, lookup_config=config, combiner=combiner, dtype=dtype)


@exported("sparse_column_with_vocabulary_file")
def sparse_column_with_vocabulary_file(
    column_name: str, vocabulary_file: str, num_oov_buckets: int = 0, vocab_size: int | None = None,
    default_value: int = -1, combiner: str = "sum", dtype: Any = tf.string,
) -> Any:  # fmt: skip
    """Ids by line of a file. Raises ValueError: no size. Source: TF 1.15 `tf.contrib.layers.sparse_column_with_vocabulary_file`."""
    if vocab_size is None:
        raise ValueError(f"vocab_size should be defined. column_name: {column_name}")
    config = _LookupConfig(vocabulary_file, None, num_oov_buckets, vocab_size, default_value)
    return _SparseColumnVocabulary(column_name, lookup_config=config, combiner=combiner, dtype=dtype)


class _WeightedSparseColumn(
    _Categories, namedtuple("_WeightedSparseColumn", "sparse_id_column weight_column_name dtype")
):
    """Ids with weights of another feature."""

    @property
    def name(self) -> str:
        """The names of both features."""
        return f"{self.sparse_id_column.name}_weighted_by_{self.weight_column_name}"

    @property
    def combiner(self) -> str:  # type: ignore[override]
        """How several ids of a row are combined."""
        return self.sparse_id_column.combiner  # type: ignore[no-any-return]

    @property
    def length(self) -> int:
        """How many ids there are."""
        return int(self.sparse_id_column.length)

    @property
    def lookup_config(self) -> Any:
        """The vocabulary of the ids."""
        return self.sparse_id_column.lookup_config

    @property
    def config(self) -> dict[str, Any]:
        """How the features are parsed."""
        return {**feature_config(self.sparse_id_column), self.weight_column_name: tf.VarLenFeature(self.dtype)}

    def id_tensor(self, input_tensor: Any) -> Any:
        """The ids of what was transformed."""
        return input_tensor[0]

    def weight_tensor(self, input_tensor: Any) -> Any:
        """The weights of what was transformed."""
        return input_tensor[1]

    def is_compatible(self, other_column: Any) -> bool:
        """Whether both may share an embedding."""
        other = other_column.sparse_id_column if isinstance(other_column, _WeightedSparseColumn) else other_column
        return bool(self.sparse_id_column.is_compatible(other))

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds (ids, weights)."""
        if self.sparse_id_column not in columns_to_tensors:
            self.sparse_id_column.insert_transformed_feature(columns_to_tensors)
        weights = columns_to_tensors[self.weight_column_name]
        if not isinstance(weights, tf.SparseTensor):
            weights = dense_to_sparse_tensor(weights)
        if not self.dtype.is_floating:
            weights = tf.cast(weights, tf.float32)
        columns_to_tensors[self] = (columns_to_tensors[self.sparse_id_column], weights)


@exported("weighted_sparse_column")
def weighted_sparse_column(sparse_id_column: Any, weight_column_name: str, dtype: Any = tf.float32) -> Any:
    """Ids with weights. Raises ValueError: weights of no number type. Source: TF 1.15 `tf.contrib.layers.weighted_sparse_column`."""
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype is not convertible to float. Given {dtype}")
    return _WeightedSparseColumn(sparse_id_column, weight_column_name, dtype)


class _OfIds(FeatureColumn):
    """A column made of one of ids."""

    sparse_id_column: Any

    @property
    def length(self) -> int:
        """How many ids there are."""
        return int(self.sparse_id_column.length)

    @property
    def config(self) -> dict[str, Any]:
        """How the features are parsed."""
        return feature_config(self.sparse_id_column)

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds the ids."""
        if self.sparse_id_column not in columns_to_tensors:
            self.sparse_id_column.insert_transformed_feature(columns_to_tensors)
        columns_to_tensors[self] = columns_to_tensors[self.sparse_id_column]


class _OneHotColumn(_OfIds, InDenseModels, namedtuple("_OneHotColumn", "sparse_id_column")):
    """Counts of ids."""

    @property
    def name(self) -> str:
        """The name of the ids' column, and what is made of it."""
        return f"{self.sparse_id_column.name}_one_hot"

    @property
    def dimension(self) -> int:  # type: ignore[override]
        """How many counts there are."""
        return self.length

    def _transform_feature(self, inputs: Any) -> Any:
        return self._to_dnn_input_layer(inputs.get(self.sparse_id_column))

    def _to_dnn_input_layer(
        self, input_tensor: Any, weight_collections: Any = None, trainable: Any = False, output_rank: int = 2
    ) -> Any:
        ids = _inner_flatten(self.sparse_id_column.id_tensor(input_tensor), output_rank)
        weights = self.sparse_id_column.weight_tensor(input_tensor)
        if weights is not None:
            merged = tf.sparse_merge(sp_ids=ids, sp_values=weights, vocab_size=self.length)
            merged = tf.sparse_slice(merged, tf.zeros_like(merged.dense_shape), merged.dense_shape)
            dense = tf.sparse_tensor_to_dense(merged)
            batch = tf.shape(dense)[:-1]
            return tf.reshape(dense, tf.concat([batch, [self.length]], axis=0))
        dense = tf.sparse_tensor_to_dense(ids, default_value=-1)
        hot = tf.one_hot(dense, depth=self.length, on_value=1.0, off_value=0.0)
        return tf.reduce_sum(hot, axis=[output_rank - 1])


@exported("one_hot_column")
def one_hot_column(sparse_id_column: Any) -> Any:
    """Counts of ids as a dense input. Source: TF 1.15 `tf.contrib.layers.one_hot_column`."""
    return _OneHotColumn(sparse_id_column)


class _EmbeddingColumn(
    _OfIds,
    InEmbeddingModels,
    namedtuple(
        "_EmbeddingColumn",
        "sparse_id_column dimension combiner initializer ckpt_to_load_from tensor_name_in_ckpt shared_embedding_name "
        "shared_vocab_size max_norm trainable",
    ),
):
    """Embeddings of ids, combined by row."""

    def __new__(
        cls, sparse_id_column: Any, dimension: Any, combiner: str = "mean", initializer: Any = None,
        ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, shared_embedding_name: Any = None,
        shared_vocab_size: Any = None, max_norm: Any = None, trainable: bool = True,
    ) -> Any:  # fmt: skip
        """Raises ValueError: no initializer, or a checkpoint without a tensor."""
        if initializer is not None and not callable(initializer):
            raise ValueError(
                f"initializer must be callable if specified. Embedding of column_name: {sparse_id_column.name}"
            )
        if (ckpt_to_load_from is None) != (tensor_name_in_ckpt is None):
            raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
        if initializer is None:
            tf.logging.warn(
                'The default stddev value of initializer was changed from "1/sqrt(vocab_size)" to "1/sqrt(dimension)" '
                "in core implementation (tf.feature_column.embedding_column)."
            )
            stddev = 1 / math.sqrt(sparse_id_column.length)
            initializer = tf.truncated_normal_initializer(mean=0.0, stddev=stddev)
        return super().__new__(
            cls, sparse_id_column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt,
            shared_embedding_name, shared_vocab_size, max_norm, trainable,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """The name of the ids' column, and what is made of it."""
        kind = "embedding" if self.shared_embedding_name is None else "shared_embedding"
        return f"{self.sparse_id_column.name}_{kind}"

    @property
    def length(self) -> int:
        """How many ids there are."""
        return int(self.sparse_id_column.length if self.shared_vocab_size is None else self.shared_vocab_size)

    @property
    def key(self) -> str:
        """What tells it from other columns."""
        return self._key_without(["initializer"])

    def _deep_embedding_lookup_arguments(self, input_tensor: Any) -> DeepArguments:
        ids, weights = (f(input_tensor) for f in (self.sparse_id_column.id_tensor, self.sparse_id_column.weight_tensor))
        return DeepArguments(
            ids, weights, self.length, self.initializer, self.combiner, self.dimension, self.shared_embedding_name,
            None, self.max_norm, self.trainable,
        )  # fmt: skip

    def _checkpoint_path(self) -> Any:
        return None if self.ckpt_to_load_from is None else (self.ckpt_to_load_from, self.tensor_name_in_ckpt)

    def _wide_embedding_lookup_arguments(self, input_tensor: Any) -> WideArguments:
        raise ValueError(f"Column {self} is not supported in linear models. Please use sparse_column.")


@exported("embedding_column")
def embedding_column(
    sparse_id_column: Any, dimension: int, combiner: str = "mean", initializer: Any = None,
    ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None, trainable: bool = True,
) -> Any:  # fmt: skip
    """Embeddings of ids. Source: TF 1.15 `tf.contrib.layers.embedding_column`."""
    return _EmbeddingColumn(
        sparse_id_column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt,
        max_norm=max_norm, trainable=trainable,
    )  # fmt: skip


def _shared_name(columns: Any) -> str:
    """The name of an embedding by the names of the first three columns."""
    plain = sorted(c for c in columns if isinstance(c, _SparseColumn))
    weighted = sorted((c for c in columns if not isinstance(c, _SparseColumn)), key=lambda c: c.name)
    ordered = [*plain, *weighted]
    name = "_".join(column.name for column in ordered[:3])
    return name + (f"_plus_{len(ordered) - 3}_others" if len(ordered) > 3 else "") + "_shared_embedding"


@exported("shared_embedding_columns")
def shared_embedding_columns(
    sparse_id_columns: Any, dimension: int, combiner: str = "mean", shared_embedding_name: str | None = None,
    initializer: Any = None, ckpt_to_load_from: Any = None, tensor_name_in_ckpt: Any = None, max_norm: Any = None,
    trainable: bool = True,
) -> Any:  # fmt: skip
    """Columns of ids that share an embedding.

    Raises TypeError: no columns of ids; ValueError: none, or not of the same ids.
    Source: TF 1.15 `tf.contrib.layers.shared_embedding_columns`.
    """
    given = sparse_id_columns
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(
            f"sparse_id_columns must be a non-string sequence (ex: list or tuple) instead of type {type(given)}."
        )
    if len(given) < 1:
        raise ValueError("The input sparse_id_columns should have at least one element.")
    for column in given:
        if not isinstance(column, _SparseColumn | _WeightedSparseColumn):
            raise TypeError(
                f"Elements of sparse_id_columns must be _SparseColumn or _WeightedSparseColumn, but {column} is not."
            )
    options = {"max_norm": max_norm, "trainable": trainable}
    settings = dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt
    if len(given) == 1:
        return [_EmbeddingColumn(given[0], *settings, shared_embedding_name, **options)]
    first = given[0]
    weighted = isinstance(first, _WeightedSparseColumn)
    if not all(first.is_compatible(c) if weighted else c.is_compatible(first) for c in given[1:]):
        raise ValueError("The input sparse id columns are not compatible.")
    name = shared_embedding_name or _shared_name(given)
    return tuple(_EmbeddingColumn(column, *settings, name, first.length, **options) for column in given)


class _ScatteredEmbeddingColumn(
    InEmbeddingModels,
    namedtuple("_ScatteredEmbeddingColumn", "column_name size dimension hash_key combiner initializer"),
):
    """Embeddings scattered over one row of weights."""

    @property
    def name(self) -> str:
        """The name of the feature, and what is made of it."""
        return f"{self.column_name}_scattered_embedding"

    @property
    def config(self) -> dict[str, Any]:
        """How the feature is parsed."""
        return {self.column_name: tf.VarLenFeature(tf.string)}

    @property
    def key(self) -> str:
        """What tells it from other columns."""
        return self._key_without(["initializer"])

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds the feature as it is."""
        columns_to_tensors[self] = columns_to_tensors[self.column_name]

    def _deep_embedding_lookup_arguments(self, input_tensor: Any) -> DeepArguments:
        return DeepArguments(
            input_tensor, None, self.size, self.initializer, self.combiner, self.dimension, None, self.hash_key, None,
            True,
        )  # fmt: skip


@exported("scattered_embedding_column")
def scattered_embedding_column(
    column_name: str, size: int, dimension: int, hash_key: Any, combiner: str = "mean", initializer: Any = None
) -> Any:
    """Embeddings of values by hash. Raises ValueError: sizes below 1, another combiner. Source: TF 1.15 `tf.contrib.layers.scattered_embedding_column`."""
    if dimension < 1 or size < 1:
        raise ValueError(
            f"Dimension and size must be greater than 0. dimension: {dimension}, size: {size}, column_name: {column_name}"
        )
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(
            f"Combiner must be one of 'mean', 'sqrtn' or 'sum'. combiner: {combiner}, column_name: {column_name}"
        )
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. column_name: {column_name}")
    initializer = initializer or tf.truncated_normal_initializer(mean=0.0, stddev=0.1)
    return _ScatteredEmbeddingColumn(column_name, size, dimension, hash_key, combiner, initializer)
