"""Feature columns that give dense tensors: numbers, buckets, indicators, embeddings."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.feature_column.categorical import SequenceCategoricalColumn, WeightedCategoricalColumn
from retrograph.feature_column.column import (
    Bound,
    CategoricalColumn,
    DenseColumn,
    IdWeightPair,
    OfOneFeature,
    check_key,
    sparse_of,
)
from retrograph.feature_column.sequences import SequenceDenseColumn, TensorSequenceLengthPair, sequence_length
from retrograph.framework.exports import export
from retrograph.ops.raw import raw

# ---- numbers


class NumericColumn(
    DenseColumn, OfOneFeature, namedtuple("NumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn"))
):
    """See `numeric_column`."""

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return {self.key: tf.io.FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def _transform_feature(self, inputs: Any) -> Any:
        tensor = inputs.get(self.key)
        if isinstance(tensor, tf.SparseTensor):
            raise ValueError(
                "The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not supported. "
                f"key: {self.key}"
            )
        if self.normalizer_fn is not None:
            tensor = self.normalizer_fn(tensor)
        return tf.cast(tensor, tf.float32)

    @property
    def variable_shape(self) -> Any:
        """The shape of the feature."""
        return tf.TensorShape(self.shape)

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        return inputs.get(self)


def _shape_of(shape: Any, key: Any) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, (list, tuple, tf.TensorShape)) else (shape,)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"shape dimensions must be integer. shape: {sizes}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {sizes}, key: {key}")
    return sizes


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(v) for v in value) if isinstance(value, (list, tuple)) else value


def _default_of(shape: tuple[int, ...], value: Any, dtype: Any, key: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, int) or (isinstance(value, float) and dtype.is_floating):
        return _as_tuple(np.full(shape, value).tolist()) if shape else value
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, (list, tuple)):
        if np.shape(value) != shape:
            raise ValueError(
                f"The shape of default_value must be equal to given shape. default_value: {value}, shape: {shape}, "
                f"key: {key}"
            )
        kind = np.asarray(value).dtype.kind
        if kind == "i" or (kind == "f" and dtype.is_floating):
            return _as_tuple(value)
    raise TypeError(f"default_value must be compatible with dtype. default_value: {value}, dtype: {dtype}, key: {key}")


@export("feature_column.numeric_column")
def numeric_column(
    key: str, shape: Any = (1,), default_value: Any = None, dtype: Any = tf.float32, normalizer_fn: Any = None
) -> Any:
    """Numbers as they are, or as `normalizer_fn` makes them: `f32[batch, *shape]`.

    Source: TF 1.15 `tf.feature_column.numeric_column`.
    """
    sizes = _shape_of(shape, key)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    default = _default_of(sizes, default_value, dtype, key)
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    check_key(key)
    return NumericColumn(key, sizes, default, dtype, normalizer_fn)


# ---- buckets


class BucketizedColumn(DenseColumn, CategoricalColumn, namedtuple("BucketizedColumn", ("source_column", "boundaries"))):
    """See `bucketized_column`."""

    @property
    def name(self) -> str:
        """The name of the feature with `_bucketized`."""
        return f"{self.source_column.name}_bucketized"

    @property
    def parents(self) -> list[Any]:
        """The column of numbers."""
        return [self.source_column]

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return self.source_column.parse_example_spec  # type: ignore[no-any-return]

    def _transform_feature(self, inputs: Any) -> Any:
        return raw("Bucketize", inputs.get(self.source_column), boundaries=list(self.boundaries))

    @property
    def variable_shape(self) -> Any:
        """The shape of the feature, and which bucket."""
        return tf.TensorShape((*self.source_column.shape, len(self.boundaries) + 1))

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        indices = tf.cast(inputs.get(self), tf.int64)
        return tf.one_hot(indices=indices, depth=len(self.boundaries) + 1, on_value=1.0, off_value=0.0)

    @property
    def num_buckets(self) -> int:
        """How many buckets there are for all elements of the feature."""
        return (len(self.boundaries) + 1) * self.source_column.shape[0]  # type: ignore[no-any-return]

    def _get_sparse_tensors(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> IdWeightPair:
        buckets = inputs.get(self)
        sizes: Any = tf.shape(buckets)
        batch, width = sizes[0], self.source_column.shape[0]
        rows = tf.reshape(tf.tile(tf.expand_dims(tf.range(0, batch), 1), [1, width]), (-1,))
        columns = tf.tile(tf.range(0, width), [batch])
        ids = tf.reshape(buckets, (-1,)) + (len(self.boundaries) + 1) * columns
        indices = tf.cast(tf.transpose(tf.stack((rows, columns))), tf.int64)
        shape = tf.cast(tf.stack([batch, width]), tf.int64)
        return IdWeightPair(tf.SparseTensor(indices, ids, shape), None)


@export("feature_column.bucketized_column")
def bucketized_column(source_column: Any, boundaries: Sequence[float]) -> Any:
    """In which part between sorted boundaries each number falls.

    Source: TF 1.15 `tf.feature_column.bucketized_column`.
    """
    if not isinstance(source_column, NumericColumn):
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, (list, tuple)) or list(boundaries) != sorted(set(boundaries)):
        raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))


# ---- columns of ids made dense


class _OfCategorical(DenseColumn, SequenceDenseColumn):
    categorical_column: Any
    _kind = ""

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return self.categorical_column.parse_example_spec  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The name of the column of ids, and what is made of it."""
        return f"{self.categorical_column.name}_{self._kind}"

    @property
    def parents(self) -> list[Any]:
        """The column of ids."""
        return [self.categorical_column]

    def create_state(self, state_manager: Any) -> None:
        """Makes what the column of ids needs."""
        self.categorical_column.create_state(state_manager)

    def _check_sequence(self, inputs: Any, wanted: bool) -> None:
        """Raises ValueError unless the ids are those of steps, or, if not `wanted`, if they are."""
        if isinstance(self.categorical_column, SequenceCategoricalColumn) == wanted:
            return
        kind = "SequenceCategoricalColumn" if isinstance(inputs, Bound) else "_SequenceCategoricalColumn"
        advice = (
            f"of type {kind} to use SequenceFeatures. Suggested fix: Use one of sequence_categorical_column_with_*."
            if wanted
            else f"not be of type {kind}. Suggested fix A: If you wish to use DenseFeatures, use a non-sequence "
            "categorical_column_with_*. Suggested fix B: If you wish to create sequence input, use SequenceFeatures "
            "instead of DenseFeatures."
        )
        raise ValueError(
            f"In {self._kind}_column: {self.name}. categorical_column must {'be ' if wanted else ''}{advice} "
            f"Given (type {type(self.categorical_column)}): {self.categorical_column}"
        )


class IndicatorColumn(_OfCategorical, namedtuple("IndicatorColumn", "categorical_column")):
    """See `indicator_column`."""

    _kind = "indicator"

    @property
    def variable_shape(self) -> Any:
        """One row of all ids."""
        return tf.TensorShape([1, self.categorical_column.num_buckets])

    def _transform_feature(self, inputs: Any) -> Any:
        ids, weights = sparse_of(self.categorical_column, inputs)
        if weights is not None:
            merged = tf.sparse_merge(sp_ids=ids, sp_values=weights, vocab_size=int(self.variable_shape[-1]))
            merged = tf.sparse_slice(merged, [0, 0], merged.dense_shape)
            return tf.scatter_nd(merged.indices, merged.values, merged.dense_shape)
        dense = tf.sparse_tensor_to_dense(ids, default_value=-1)
        hot = tf.one_hot(dense, depth=self.variable_shape[-1], on_value=1.0, off_value=0.0)
        return tf.reduce_sum(hot, axis=[-2])

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        self._check_sequence(inputs, wanted=False)
        return inputs.get(self)

    def _get_sequence_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        self._check_sequence(inputs, wanted=True)
        dense = inputs.get(self)
        pair = sparse_of(self.categorical_column, inputs)
        return TensorSequenceLengthPair(dense, sequence_length(pair.id_tensor))


@export("feature_column.indicator_column")
def indicator_column(categorical_column: Any) -> Any:
    """How often (or with which weight) each id occurs. Source: TF 1.15 `tf.feature_column.indicator_column`."""
    return IndicatorColumn(categorical_column)


class _Embedding(_OfCategorical):
    dimension: int
    combiner: str
    initializer: Any
    ckpt_to_load_from: Any
    tensor_name_in_ckpt: Any
    max_norm: Any
    trainable: bool

    @property
    def variable_shape(self) -> Any:
        """One embedding."""
        return tf.TensorShape([self.dimension])

    def _transform_feature(self, inputs: Any) -> Any:
        return inputs.get(self.categorical_column)

    def _weights(self, collections: Any, trainable: Any) -> Any:
        return tf.get_variable(
            name="embedding_weights",
            shape=(self.categorical_column.num_buckets, self.dimension),
            dtype=tf.float32,
            initializer=self.initializer,
            trainable=self.trainable and trainable,
            collections=collections,
        )

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        self._check_sequence(inputs, wanted=False)
        return self._dense_and_ids(inputs, weight_collections, trainable)[0]

    def _get_sequence_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        self._check_sequence(inputs, wanted=True)
        dense, ids = self._dense_and_ids(inputs, weight_collections, True if trainable is None else trainable)
        return TensorSequenceLengthPair(dense, sequence_length(ids))

    def _dense_and_ids(self, inputs: Any, weight_collections: Any, trainable: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def _looked_up(self, pair: IdWeightPair, weights: Any) -> Any:
        if self.ckpt_to_load_from is not None:
            restored = list(weights) if hasattr(weights, "_get_variable_list") else weights
            tf.train.init_from_checkpoint(self.ckpt_to_load_from, {self.tensor_name_in_ckpt: restored})
        return tf.nn.safe_embedding_lookup_sparse(
            embedding_weights=weights,
            sparse_ids=pair.id_tensor,
            sparse_weights=pair.weight_tensor,
            combiner=self.combiner,
            name=f"{self.name}_weights",
            max_norm=self.max_norm,
        )


class EmbeddingColumn(
    _Embedding,
    namedtuple(
        "EmbeddingColumn",
        (
            "categorical_column",
            "dimension",
            "combiner",
            "initializer",
            "ckpt_to_load_from",
            "tensor_name_in_ckpt",
            "max_norm",
            "trainable",
        ),
    ),
):
    """See `embedding_column`."""

    _kind = "embedding"

    def create_state(self, state_manager: Any) -> None:
        """Makes the table of embeddings."""
        super().create_state(state_manager)
        state_manager.create_variable(
            self,
            name="embedding_weights",
            shape=(self.categorical_column.num_buckets, self.dimension),
            dtype=tf.float32,
            trainable=self.trainable,
            use_resource=True,
            initializer=self.initializer,
        )

    def _dense_and_ids(self, inputs: Any, weight_collections: Any, trainable: Any) -> tuple[Any, Any]:
        pair = sparse_of(self.categorical_column, inputs, weight_collections, trainable)
        if weight_collections and tf.GraphKeys.GLOBAL_VARIABLES not in weight_collections:
            weight_collections = [*weight_collections, tf.GraphKeys.GLOBAL_VARIABLES]
        table = inputs.tables.get(self)
        weights = self._weights(weight_collections, trainable) if table is None else table
        return self._looked_up(pair, weights), pair.id_tensor


class SharedEmbeddingColumn(
    _Embedding,
    namedtuple(
        "SharedEmbeddingColumn",
        (
            "categorical_column",
            "dimension",
            "combiner",
            "initializer",
            "shared_embedding_collection_name",
            "ckpt_to_load_from",
            "tensor_name_in_ckpt",
            "max_norm",
            "trainable",
        ),
    ),
):
    """See `shared_embedding_columns`."""

    _kind = "shared_embedding"
    _is_v2_column = False

    @property
    def _var_scope_name(self) -> str:
        return self.shared_embedding_collection_name  # type: ignore[no-any-return]

    def _shared(self, collections: Any, trainable: Any) -> Any:
        name = self.shared_embedding_collection_name
        found = tf.get_collection(name)
        if not found:
            weights = self._weights(collections, trainable)
            tf.add_to_collection(name, weights)
            return weights
        if len(found) > 1:
            raise ValueError(f"Collection {found} can only contain one variable.")
        shape = (self.categorical_column.num_buckets, self.dimension)
        if found[0].get_shape() != shape:
            raise ValueError(
                f"Shared embedding collection {name} contains variable {found[0].name} of unexpected shape "
                f"{found[0].get_shape()}. Expected shape is {shape}."
            )
        return found[0]

    def _dense_and_ids(self, inputs: Any, weight_collections: Any, trainable: Any) -> tuple[Any, Any]:
        with tf.name_scope(None, default_name=self.name):
            pair = sparse_of(self.categorical_column, inputs, weight_collections, trainable)
            return self._looked_up(pair, self._shared(weight_collections, trainable)), pair.id_tensor


def _initializer_of(dimension: int, initializer: Any, checkpoint: Any, tensor_name: Any, of_name: str) -> Any:
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (checkpoint is None) != (tensor_name is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified.{of_name}")
    return initializer or tf.truncated_normal_initializer(mean=0.0, stddev=1 / math.sqrt(dimension))


@export("feature_column.embedding_column")
def embedding_column(
    categorical_column: Any,
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
) -> Any:
    """Learned vectors by id, combined over the ids of a row: `f32[batch, dimension]`.

    Source: TF 1.15 `tf.feature_column.embedding_column`.
    """
    of_name = f" Embedding of column_name: {categorical_column.name}"
    initializer = _initializer_of(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, of_name)
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        initializer,
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
    )


def _check_alike(columns: list[Any]) -> None:
    plain = [c.categorical_column if isinstance(c, WeightedCategoricalColumn) else c for c in columns]
    first = plain[0]
    if not isinstance(first, CategoricalColumn):
        raise ValueError(
            f"All categorical_columns must be subclasses of _CategoricalColumn. Given: {first}, of type: {type(first)}"
        )
    for column in plain[1:]:
        if not isinstance(column, type(first)):
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same type, or be "
                f"weighted_categorical_column of the same type. Given column: {first} of type: {type(first)} does not "
                f"match given column: {column} of type: {type(column)}"
            )
        if first.num_buckets != column.num_buckets:
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same number of buckets. "
                f"Given column: {first} with buckets: {first.num_buckets} does  not match column: {column} with "
                f"buckets: {column.num_buckets}"
            )


@export("feature_column.shared_embedding_columns")
def shared_embedding_columns(
    categorical_columns: Sequence[Any],
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
) -> list[Any]:
    """Embedding columns with one table. Source: TF 1.15 `tf.feature_column.shared_embedding_columns`."""
    initializer = _initializer_of(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, "")
    ordered = sorted(categorical_columns, key=lambda c: c.name)
    _check_alike(ordered)
    name = shared_embedding_collection_name or "_".join(c.name for c in ordered) + "_shared_embedding"
    rest = (ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable)
    return [SharedEmbeddingColumn(c, dimension, combiner, initializer, name, *rest) for c in categorical_columns]
