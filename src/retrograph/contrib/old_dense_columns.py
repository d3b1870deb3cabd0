"""`tf.contrib.layers`: feature columns of numbers, their buckets, and crosses, as before `tf.feature_column`."""

from __future__ import annotations

import itertools
from collections import namedtuple
from typing import Any

import retrograph as tf
from retrograph.contrib.column_parts import FeatureColumn, WideArguments, feature_config, reshaped_dense
from retrograph.contrib.columns_in_models import InCategoricalModels, InDenseModels
from retrograph.contrib.feature_cross import bucketize, sparse_feature_cross
from retrograph.contrib.layer_parts import exported
from retrograph.contrib.old_columns import _SparseColumn
from retrograph.feature_column.column import IdWeightPair
from retrograph.framework.exports import export


class _RealValuedColumn(
    InDenseModels, namedtuple("_RealValuedColumn", "column_name dimension default_value dtype normalizer")
):
    """Numbers of a dense feature."""

    @property
    def name(self) -> str:
        """The name of the feature."""
        return self.column_name  # type: ignore[no-any-return]

    @property
    def config(self) -> dict[str, Any]:
        """How the feature is parsed."""
        default = None if self.default_value is None else list(self.default_value)
        return {self.column_name: tf.FixedLenFeature([self.dimension], self.dtype, default)}

    @property
    def key(self) -> str:
        """What tells it from other columns."""
        return self._key_without(["normalizer"])

    @property
    def normalizer_fn(self) -> Any:
        """What is done to the numbers first."""
        return self.normalizer

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds the numbers as f32."""
        given = columns_to_tensors[self.name]
        normalized = given if self.normalizer is None else self.normalizer(given)
        columns_to_tensors[self] = tf.cast(normalized, tf.float32)

    def _to_dnn_input_layer(
        self, input_tensor: Any, weight_collections: Any = None, trainable: Any = True, output_rank: int = 2
    ) -> Any:
        if input_tensor.dtype != tf.float32:
            input_tensor = tf.cast(input_tensor, tf.float32)
        return reshaped_dense(input_tensor, output_rank, self.name)

    def _to_dense_tensor(self, input_tensor: Any) -> Any:
        return input_tensor


@exported("real_valued_column")
def real_valued_column(
    column_name: str, dimension: int = 1, default_value: Any = None, dtype: Any = tf.float32, normalizer: Any = None
) -> Any:
    """Numbers, `dimension` of them in each row.

    Raises TypeError: no dimension, or a default of another type; ValueError: sizes or types that do not fit.
    Source: TF 1.15 `tf.contrib.layers.real_valued_column`.
    """
    where = f"column_name: {column_name}"
    if dimension is None:
        raise TypeError(
            "dimension must be an integer. Use the _real_valued_var_len_column for variable length features."
            f"dimension: {dimension}, {where}"
        )
    if not isinstance(dimension, int):
        raise TypeError(f"dimension must be an integer. dimension: {dimension}, {where}")
    if dimension < 1:
        raise ValueError(f"dimension must be greater than 0. dimension: {dimension}, {where}")
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, {where}")
    default = None if default_value is None else tuple(_defaults(column_name, dimension, default_value, dtype))
    return _RealValuedColumn(column_name, dimension, default, dtype, normalizer)


def _defaults(column_name: str, dimension: int, given: Any, dtype: Any) -> list[Any]:
    values = given if isinstance(given, list) else [given] * dimension
    if len(values) != dimension:
        raise ValueError(
            "The length of default_value must be equal to dimension. "
            f"default_value: {given}, dimension: {dimension}, column_name: {column_name}"
        )
    if dtype.is_integer and all(isinstance(v, int) for v in values):
        return values
    if dtype.is_floating and all(isinstance(v, int | float) for v in values):
        return [float(v) for v in values]
    raise TypeError(
        f"default_value must be compatible with dtype. default_value: {given}, dtype: {dtype}, "
        f"column_name: {column_name}"
    )


class _BucketizedColumn(
    InCategoricalModels, InDenseModels, namedtuple("_BucketizedColumn", "source_column boundaries")
):
    """Numbers by the boundaries that they lie between."""

    @property
    def name(self) -> str:
        """The name of the numbers' column, and what is made of it."""
        return f"{self.source_column.name}_bucketized"

    @property
    def length(self) -> int:
        """How many buckets there are."""
        return len(self.boundaries) + 1

    @property
    def dimension(self) -> int:  # type: ignore[override]
        """How many buckets all numbers of a row have."""
        return self.length * int(self.source_column.dimension)

    @property
    def _num_buckets(self) -> int:
        return self.dimension

    def _get_sparse_tensors(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> IdWeightPair:
        return IdWeightPair(self.to_sparse_tensor(inputs.get(self)), None)

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        return self._to_dnn_input_layer(inputs.get(self))

    @property
    def config(self) -> dict[str, Any]:
        """How the feature is parsed."""
        return dict(self.source_column.config)

    def _to_dnn_input_layer(
        self, input_tensor: Any, weight_collections: Any = None, trainable: Any = True, output_rank: int = 2
    ) -> Any:
        if output_rank != 2:
            raise ValueError("BucketizedColumn currently only supports output_rank=2")
        hot = tf.one_hot(tf.cast(input_tensor, tf.int64), self.length, 1.0, 0.0, name="one_hot")
        return tf.reshape(hot, [-1, self.length * self.source_column.dimension], name="reshape")

    def to_sparse_tensor(self, input_tensor: Any) -> Any:
        """The buckets as ids, those of each number apart."""
        dimension = self.source_column.dimension
        batch = tf.shape(input_tensor, name="shape")[0]
        if dimension > 1:
            rows = tf.expand_dims(tf.range(0, batch), 1, name="expand_dims")
            rows = tf.reshape(tf.tile(rows, [1, dimension], name="tile"), [-1], name="reshape")
            places = tf.tile(tf.range(0, dimension), [batch], name="tile")
            buckets = tf.reshape(input_tensor, [-1], name="reshape") + self.length * places
        else:
            rows = tf.range(0, batch)
            places = tf.zeros([batch], dtype=tf.int32, name="zeros")
            buckets = tf.reshape(input_tensor, [-1], name="reshape")
        indices = tf.cast(tf.transpose(tf.stack((rows, places))), tf.int64)
        shape = tf.cast(tf.stack([batch, dimension]), tf.int64)
        return tf.SparseTensor(indices, buckets, shape)

    def _wide_embedding_lookup_arguments(self, input_tensor: Any) -> WideArguments:
        size = self.length * self.source_column.dimension
        return WideArguments(self.to_sparse_tensor(input_tensor), None, size, tf.zeros_initializer(), "sum")

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds the numbers of the buckets."""
        numbers = _tensor_of(self.source_column, columns_to_tensors)
        columns_to_tensors[self] = bucketize(numbers, boundaries=list(self.boundaries), name="bucketize")


def _tensor_of(column: Any, columns_to_tensors: Any) -> Any:
    """What a column was, or is now, transformed to."""
    if column not in columns_to_tensors:
        if isinstance(column, str):
            raise ValueError(f"features dictionary doesn't contain key ({column})")
        column.insert_transformed_feature(columns_to_tensors)
    return columns_to_tensors[column]


@exported("bucketized_column")
def bucketized_column(source_column: Any, boundaries: Any) -> Any:
    """Numbers by buckets.

    Raises TypeError: no column of numbers; ValueError: boundaries that are none or not sorted.
    Source: TF 1.15 `tf.contrib.layers.bucketized_column`.
    """
    if not isinstance(source_column, _RealValuedColumn):
        raise TypeError(f"source_column must be an instance of _RealValuedColumn. source_column: {source_column}")
    if not isinstance(boundaries, list | tuple) or not boundaries:
        raise ValueError(f"boundaries must be a non-empty list or tuple. boundaries: {boundaries}")
    if any(a > b for a, b in itertools.pairwise(boundaries)):
        raise ValueError(f"boundaries must be a sorted list. boundaries: {boundaries}")
    return _BucketizedColumn(source_column, tuple(dict.fromkeys(boundaries)))


class _CrossedColumn(
    InCategoricalModels,
    namedtuple("_CrossedColumn", "columns hash_bucket_size hash_key combiner ckpt_to_load_from tensor_name_in_ckpt"),
):
    """Combinations of what several columns hold, by hash."""

    @property
    def name(self) -> str:
        """The names of the columns."""
        return "_X_".join(sorted(column.name for column in self.columns))

    @property
    def config(self) -> dict[str, Any]:
        """How the features are parsed."""
        return {key: value for column in self.columns for key, value in feature_config(column).items()}

    @property
    def length(self) -> int:
        """How many ids there are."""
        return int(self.hash_bucket_size)

    def id_tensor(self, input_tensor: Any) -> Any:
        """The ids of what was transformed."""
        return input_tensor

    def weight_tensor(self, input_tensor: Any) -> Any:
        """None: crosses have no weights."""
        return None

    def _to_dnn_input_layer(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(f"CrossedColumn is not supported in DNN. Please use embedding_column. column: {self}")

    def _checkpoint_path(self) -> Any:
        return None if self.ckpt_to_load_from is None else (self.ckpt_to_load_from, self.tensor_name_in_ckpt)

    def _wide_embedding_lookup_arguments(self, input_tensor: Any) -> WideArguments:
        return WideArguments(input_tensor, None, self.length, tf.zeros_initializer(), self.combiner)

    def _leaves(self) -> list[Any]:
        parts = (c._leaves() if isinstance(c, _CrossedColumn) else [c] for c in self.columns)
        return [leaf for part in parts for leaf in part]

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds the ids."""
        tensors = []
        for column in self._leaves():
            if isinstance(column, _SparseColumn):
                tensors.append(_tensor_of(column.name, columns_to_tensors))
            else:
                tensors.append(column.to_sparse_tensor(_tensor_of(column, columns_to_tensors)))
        columns_to_tensors[self] = sparse_feature_cross(
            tensors, hashed_output=True, num_buckets=self.hash_bucket_size, hash_key=self.hash_key, name="cross"
        )


@exported("crossed_column")
def crossed_column(
    columns: Any, hash_bucket_size: int, combiner: str = "sum", ckpt_to_load_from: Any = None,
    tensor_name_in_ckpt: Any = None, hash_key: Any = None,
) -> Any:  # fmt: skip
    """Combinations of columns by hash.

    Raises TypeError: columns that cannot be crossed; ValueError: less than two columns or buckets.
    Source: TF 1.15 `tf.contrib.layers.crossed_column`.
    """
    for column in columns:
        if not isinstance(column, _SparseColumn | _CrossedColumn | _BucketizedColumn):
            raise TypeError(
                "columns must be a set of _SparseColumn, _CrossedColumn, or _BucketizedColumn instances. "
                f"(column {column} is a {type(column).__name__})"
            )
    if len(columns) < 2:
        raise ValueError(f"columns must contain at least 2 elements. columns: {columns}")
    if hash_bucket_size < 2:
        raise ValueError(f"hash_bucket_size must be at least 2. hash_bucket_size: {hash_bucket_size}")
    if (ckpt_to_load_from is None) != (tensor_name_in_ckpt is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    ordered = tuple(sorted(columns, key=lambda column: column.name))
    return _CrossedColumn(ordered, hash_bucket_size, hash_key, combiner, ckpt_to_load_from, tensor_name_in_ckpt)


@export("contrib.slim.DataFrameColumn")
class DataFrameColumn(FeatureColumn, namedtuple("DataFrameColumn", "column_name series")):
    """What a series builds of features. Source: TF 1.15 `tf.contrib.slim.DataFrameColumn`."""

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.column_name  # type: ignore[no-any-return]

    @property
    def config(self) -> dict[str, Any]:
        """How the features are parsed."""
        return self.series.required_base_features()  # type: ignore[no-any-return]

    @property
    def key(self) -> str:
        """What tells it from other columns."""
        return self.name

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds what the series builds."""
        columns_to_tensors[self] = self.series.build(columns_to_tensors)

    def _to_dnn_input_layer(
        self, input_tensor: Any, weight_collections: Any = None, trainable: Any = True, output_rank: int = 2
    ) -> Any:
        if input_tensor.dtype != tf.float32:
            input_tensor = tf.cast(input_tensor, tf.float32)
        return reshaped_dense(input_tensor, output_rank, self.name)

    def _to_dense_tensor(self, input_tensor: Any) -> Any:
        return self._to_dnn_input_layer(input_tensor)
