"""Input layers and linear models whose variables are made first: what ready-made models are built of."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.feature_column.column import CategoricalColumn, DenseColumn, LazyBuilder, normalized
from retrograph.feature_column.dense import EmbeddingColumn
from retrograph.feature_column.models import _check_batches, _flat, weighted_sum
from retrograph.variables.scope import PureVariableScope


def are_separate(columns: Any) -> bool:
    """True where no column shares its table with others."""
    return all(column._is_v2_column for column in columns)


def _sorted(columns: Any, allowed: tuple[type, ...], text: str) -> list[Any]:
    found = sorted(normalized(columns), key=lambda c: c.name)
    for column in found:
        if not isinstance(column, allowed):
            raise ValueError(f"Items of feature_columns must be {text}. Given: {column}")
    return found


def _variable(name: str, shape: Any, initializer: Any, trainable: bool = True) -> Any:
    return tf.get_variable(
        name, shape, dtype=tf.float32, initializer=initializer, trainable=trainable, use_resource=True
    )


def _make_table(column: Any, tables: dict[Any, Any]) -> None:
    if isinstance(column, EmbeddingColumn):
        shape = (column.categorical_column.num_buckets, column.dimension)
        tables[column] = _variable("embedding_weights", shape, column.initializer, column.trainable)


def _checked_features(features: Any) -> None:
    if not isinstance(features, dict):
        raise ValueError("We expected a dictionary here. Instead we got: ", features)


def dense_features(features: Any, columns: Any, name: str) -> Any:
    """Dense columns side by side, `f32[batch, n]`; the variables are called `<name>/<column>/embedding_weights`.

    Raises ValueError: a column that is not dense, or batches of different size.
    """
    _checked_features(features)
    columns = _sorted(
        columns,
        (DenseColumn,),
        "a <class 'tensorflow.python.feature_column.feature_column_v2.DenseColumn'>. You can wrap a categorical column "
        "with an embedding_column or indicator_column",
    )
    builder, outputs = LazyBuilder(features), []
    with tf.name_scope(name):
        for column in columns:
            with PureVariableScope(name), PureVariableScope(column.name):
                _make_table(column, builder.tables)
        for column in columns:
            with tf.name_scope(column.name):
                outputs.append(_flat(column._get_dense_tensor(builder), column))
        _check_batches(outputs, columns)
        return tf.concat(outputs, -1)


class LinearModel:
    """The sum of all columns' features times weights, and a bias, with the variables that it made.

    Source: TF 1.15 `feature_column.LinearModel`.
    """

    def __init__(self, feature_columns: Any, units: int = 1, sparse_combiner: str = "sum", name: str = "linear_model"):
        self._columns = _sorted(
            feature_columns, (DenseColumn, CategoricalColumn), "either a DenseColumn or CategoricalColumn"
        )
        self._units, self._combiner, self._name = units, sparse_combiner, name
        self.bias: Any = None
        self.variables: list[Any] = []

    def _make(self, builder: LazyBuilder) -> list[Any]:
        found: list[Any] = []
        with PureVariableScope(self._name):
            for column in self._columns:
                with PureVariableScope(column.name):
                    _make_table(column, builder.tables)
                    sparse = isinstance(column, CategoricalColumn)
                    rows = column._num_buckets if sparse else column._variable_shape.num_elements()
                    found.append(_variable("weights", (rows, self._units), tf.zeros_initializer()))
            self.bias = _variable("bias_weights", [self._units], tf.zeros_initializer())
        return found

    def __call__(self, features: Any) -> Any:
        """The sum: `f32[batch, units]`."""
        _checked_features(features)
        name, builder = self._name, LazyBuilder(features)
        with tf.name_scope(name), tf.name_scope(name):
            weights = self._make(builder)
            with tf.name_scope(name):
                sums = [self._sum(column, builder, table) for column, table in zip(self._columns, weights, strict=True)]
                _check_batches(sums, self._columns)
                total = tf.add_n(sums, name="weighted_sum_no_bias")
                result = tf.nn.bias_add(total, self.bias, name="weighted_sum")
        self.variables = [*builder.tables.values(), *weights] if builder.tables else weights
        return result

    def _sum(self, column: Any, builder: LazyBuilder, table: Any) -> Any:
        with tf.name_scope(column.name):
            return weighted_sum(column, builder, table, self._combiner)
