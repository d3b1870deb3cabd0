"""Layers of `tf.keras` that take features: `DenseFeatures` and linear models."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.feature_column.column import Bound, CategoricalColumn, DenseColumn, normalized
from retrograph.feature_column.models import _check_batches, _collections, _last_part, linear_sums, weighted_sum
from retrograph.feature_column.sequences import SequenceDenseColumn, equal_lengths, steps_of
from retrograph.feature_column.state import FeatureTransformationCache, LayerState, LayerStateV2
from retrograph.framework.exports import export
from retrograph.keras.base_layer import Layer
from retrograph.keras.model import Model
from retrograph.variables.scope import PureVariableScope


class _OfColumns(Layer):
    """A layer whose input is a dictionary of features."""

    _state_class: type[LayerState] = LayerState
    _feature_columns: list[Any]
    _state_manager: LayerState

    def _take(self, feature_columns: Any, allowed: Any, text: str) -> None:
        self._feature_columns = sorted(normalized(feature_columns, "FeatureColumn"), key=lambda column: column.name)
        self._state_manager = self._state_class(self, self.trainable)
        for column in self._feature_columns:
            if not isinstance(column, allowed) or not column._is_v2_column:
                raise ValueError(f"Items of feature_columns must be {text}. Given: {column}")

    def _check(self, features: Any) -> None:
        if not isinstance(features, dict):
            raise ValueError("We expected a dictionary here. Instead we got: ", features)

    def build(self, input_shape: Any) -> None:
        """Makes the variables of the columns."""
        for column in self._feature_columns:
            with PureVariableScope(self.name), PureVariableScope(column.name):
                column.create_state(self._state_manager)
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer; columns as `serialization.serialize_feature_columns` gives them."""
        from retrograph.feature_column.serialization import serialize_feature_columns

        return {**super().get_config(), "feature_columns": serialize_feature_columns(self._feature_columns)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer that `get_config` told."""
        from retrograph.feature_column.serialization import deserialize_feature_columns

        columns = deserialize_feature_columns(config["feature_columns"], custom_objects=custom_objects)
        return cls(**{**config, "feature_columns": columns})


@export("keras.layers.DenseFeatures")
class DenseFeatures(_OfColumns):
    """Dense columns side by side in the order of their names, `f32[batch, n]`.

    Variables are called `<name>/<column>/embedding_weights`. Raises ValueError: no columns, one that is not dense, features
    that are no dictionary, batches of different size. Source: TF 1.15 `tf.keras.layers.DenseFeatures`.
    """

    def __init__(self, feature_columns: Any, trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._take(
            feature_columns,
            DenseColumn,
            "a <class 'tensorflow.python.feature_column.feature_column_v2.DenseColumn'>. You can wrap a categorical "
            "column with an embedding_column or indicator_column",
        )

    def call(self, features: Any, cols_to_output_tensors: Any = None) -> Any:
        """The columns side by side; `cols_to_output_tensors`, a dictionary, gets the output of each."""
        self._check(features)
        cache, outputs = FeatureTransformationCache(features), []
        for column in self._feature_columns:
            with tf.name_scope(column.name):
                tensor = column.get_dense_tensor(cache, self._state_manager)
                sizes: Any = tf.shape(tensor)
                output: Any = tf.reshape(tensor, shape=(sizes[0], column.variable_shape.num_elements()))
            outputs.append(output)
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = output
        _check_batches(outputs, self._feature_columns)
        return tf.concat(outputs, -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """`(batch, n)`."""
        return (input_shape[0], sum(column.variable_shape.num_elements() for column in self._feature_columns))


class DenseFeaturesV2(DenseFeatures):
    """The same, with variables that `tf.get_variable` does not know."""

    _state_class = LayerStateV2

    def build(self, input_shape: Any) -> None:
        """Makes the variables of the columns."""
        for column in self._feature_columns:
            with tf.name_scope(column.name):
                column.create_state(self._state_manager)
        self.built = True


DenseFeaturesV2.__name__ = "DenseFeatures"


@export("keras.experimental.SequenceFeatures")
class SequenceFeatures(_OfColumns):
    """Columns of steps side by side in the order of their names: `f32[batch, steps, n]`, and the lengths, i64[batch].

    Raises ValueError: another kind of column, features that are no dictionary, batches of different size.
    Source: TF 1.15 `tf.keras.experimental.SequenceFeatures`.
    """

    def __init__(self, feature_columns: Any, trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._take(
            feature_columns,
            SequenceDenseColumn,
            "a <class 'tensorflow.python.feature_column.feature_column_v2.SequenceDenseColumn'>. You can wrap a "
            "categorical column with an embedding_column or indicator_column",
        )

    def call(self, features: Any) -> Any:
        """The columns side by side, and the lengths."""
        self._check(features)
        cache, outputs, lengths = FeatureTransformationCache(features), [], []
        for column in self._feature_columns:
            with tf.name_scope(column.name):
                dense, length = column.get_sequence_dense_tensor(cache, self._state_manager)
                outputs.append(steps_of(dense, column))
                lengths.append(length)
        _check_batches(lengths, self._feature_columns)
        length = equal_lengths(lengths)
        _check_batches(outputs, self._feature_columns)
        return tf.concat(outputs, -1), length

    def compute_output_shape(self, input_shape: Any) -> Any:
        """`(batch, steps, n)`."""
        elements = sum(column.variable_shape.num_elements() for column in self._feature_columns)
        return (input_shape[0], input_shape[1], elements)


class LinearModelLayer(_OfColumns):
    """What computes a `LinearModel`."""

    def __init__(
        self,
        feature_columns: Any,
        units: int = 1,
        sparse_combiner: str = "sum",
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._units, self._sparse_combiner = units, sparse_combiner
        self._take(feature_columns, (DenseColumn, CategoricalColumn), "either a DenseColumn or CategoricalColumn")
        self.bias: Any = None

    def _make_weights(self, column: Any) -> None:
        with PureVariableScope(column.name):
            column.create_state(self._state_manager)
            sparse = isinstance(column, CategoricalColumn)
            rows = column.num_buckets if sparse else column.variable_shape.num_elements()
            self._state_manager.create_variable(
                column, "weights", (rows, self._units), tf.float32, self.trainable, initializer=tf.zeros_initializer()
            )

    def build(self, input_shape: Any) -> None:
        """Makes the weights of the columns, and the bias."""
        with PureVariableScope(self.name):
            for column in self._feature_columns:
                self._make_weights(column)
            self.bias = self.add_variable(
                name="bias_weights",
                dtype=tf.float32,
                shape=[self._units],
                initializer=tf.zeros_initializer(),
                trainable=self.trainable,
                use_resource=True,
                getter=tf.get_variable,
            )
        self.built = True

    def call(self, features: Any) -> Any:
        """The sum: `f32[batch, units]`."""
        self._check(features)
        cache, sums = FeatureTransformationCache(features), []
        with tf.name_scope(self.name):
            for column in self._feature_columns:
                with tf.name_scope(column.name):
                    weights = self._state_manager.get_variable(column, "weights")
                    bound = Bound(cache, self._state_manager)
                    sums.append(weighted_sum(column, bound, weights, self._sparse_combiner))
            _check_batches(sums, self._feature_columns)
            total = tf.add_n(sums, name="weighted_sum_no_bias")
            return tf.nn.bias_add(total, self.bias, name="weighted_sum")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return {**super().get_config(), "units": self._units, "sparse_combiner": self._sparse_combiner}


class LinearModel(Model):
    """The sum of all columns' features times weights, and a bias. Source: TF 1.15 `feature_column_v2.LinearModel`."""

    def __init__(
        self,
        feature_columns: Any,
        units: int = 1,
        sparse_combiner: str = "sum",
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.layer = LinearModelLayer(feature_columns, units, sparse_combiner, trainable, name=self.name, **kwargs)

    def call(self, features: Any) -> Any:  # type: ignore[override]
        """The sum: `f32[batch, units]`."""
        return self.layer(features)

    @property
    def bias(self) -> Any:
        """The bias."""
        return self.layer.bias


class OldLinearModel(Model):
    """`tf.feature_column.linear_model` as a model that keeps its variables. Source: TF 1.15 `feature_column._LinearModel`."""

    def __init__(
        self,
        feature_columns: Any,
        units: int = 1,
        sparse_combiner: str = "sum",
        weight_collections: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self._columns = normalized(feature_columns)
        self._arguments = units, sparse_combiner, _collections(weight_collections), trainable
        self._columns_by_scope = []
        for column in sorted(self._columns, key=lambda c: c.name):
            with tf.variable_scope(None, default_name=column._var_scope_name) as scope:
                self._columns_by_scope.append((_last_part(scope.name), column))
        self._cols_to_vars: dict[Any, Any] = {}

    def cols_to_vars(self) -> dict[Any, Any]:
        """The variables by column, and that of `bias`, after the first call."""
        return self._cols_to_vars

    def call(self, features: Any) -> Any:  # type: ignore[override]
        """The sum: `f32[batch, units]`."""
        with tf.variable_scope(self.name, reuse=tf.AUTO_REUSE if self._cols_to_vars else None):
            result, variables = linear_sums(features, self._columns, self._columns_by_scope, *self._arguments)
        if not self._cols_to_vars:
            for variable in tf.nest.flatten(list(variables.values())):
                trained = variable in tf.trainable_variables()
                (self._trainable_weights if trained else self._non_trainable_weights).append(variable)
        self._cols_to_vars.update(variables)
        return result
