"""What is made of feature columns: an input layer, a linear model, and what to parse for them."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.feature_column.column import (
    CategoricalColumn,
    DenseColumn,
    FeatureColumn,
    LazyBuilder,
    dense_of,
    normalized,
    sparse_of,
)
from retrograph.framework.exports import export
from retrograph.framework.shape import dimension_value


def _collections(weight_collections: Any) -> list[Any]:
    found = list(weight_collections or [])
    for key in (tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES):
        if key not in found:
            found.append(key)
    return found


def _check_batches(tensors: list[Any], columns: list[Any]) -> None:
    known = [(dimension_value(t.shape[0]), c) for t, c in zip(tensors, columns, strict=True)]
    sizes = [(size, c) for size, c in known if size is not None]
    for size, column in sizes[1:]:
        if size != sizes[0][0]:
            raise ValueError(
                "Batch size (first dimension) of each feature must be same. "
                f"Batch size of columns ({sizes[0][1].name}, {column.name}): ({sizes[0][0]}, {size})"
            )


def _flat(tensor: Any, column: Any) -> Any:
    sizes: Any = tf.shape(tensor)
    return tf.reshape(tensor, shape=(sizes[0], column._variable_shape.num_elements()))


def _dense_columns(feature_columns: Any) -> list[Any]:
    columns = normalized(feature_columns)
    for column in columns:
        if not isinstance(column, DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a _DenseColumn. You can wrap a categorical column with an "
                f"embedding_column or indicator_column. Given: {column}"
            )
    return columns


def _layer_output(
    features: Any, columns: list[Any], collections: Any, trainable: bool, cols_to_vars: Any, cols_to_tensors: Any
) -> Any:
    builder, outputs, ordered = LazyBuilder(features), [], sorted(columns, key=lambda c: c.name)
    for column in ordered:
        with tf.variable_scope(None, default_name=column._var_scope_name):
            dense = column._get_dense_tensor(builder, weight_collections=collections, trainable=trainable)
            output = _flat(dense, column)
            outputs.append(output)
            if cols_to_vars is not None:
                scope = tf.get_variable_scope().name
                cols_to_vars[column] = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=scope)
            if cols_to_tensors is not None:
                cols_to_tensors[column] = output
    _check_batches(outputs, ordered)
    return tf.concat(outputs, 1)


@export("feature_column.input_layer")
def input_layer(
    features: Any,
    feature_columns: Any,
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: Any = None,
    cols_to_output_tensors: Any = None,
) -> Any:
    """The dense columns side by side, in the order of their names: `f32[batch, n]`.

    Variables are called `input_layer/<column>/embedding_weights`. Raises ValueError: a column that is not dense, or batches
    of different size. Source: TF 1.15 `tf.feature_column.input_layer`.
    """
    columns, collections = _dense_columns(feature_columns), _collections(weight_collections)
    with tf.variable_scope(None, default_name="input_layer", values=features.values()):
        return _layer_output(features, columns, collections, trainable, cols_to_vars, cols_to_output_tensors)


class InputLayer:
    """An input layer that can be called again with the same variables. Source: TF 1.15 `feature_column.InputLayer`."""

    def __init__(
        self,
        feature_columns: Any,
        weight_collections: Any = None,
        trainable: bool = True,
        cols_to_vars: Any = None,
        name: str = "feature_column_input_layer",
        create_scope_now: bool = True,
    ):
        self._columns, self._collections = feature_columns, weight_collections
        self._trainable, self._cols_to_vars, self._name = trainable, cols_to_vars, name
        self._template = tf.make_template(name, self._made, create_scope_now_=create_scope_now)

    def _made(self, features: Any) -> Any:
        columns, collections = _dense_columns(self._columns), _collections(self._collections)
        return _layer_output(features, columns, collections, self._trainable, None, None)

    def __call__(self, features: Any) -> Any:
        """The dense columns side by side."""
        return self._template(features)

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self._name

    @property
    def variables(self) -> Any:
        """All variables."""
        return self._template.variables

    @property
    def trainable_variables(self) -> Any:
        """The variables that are trained."""
        return self._template.trainable_variables

    weights, trainable_weights = variables, trainable_variables


# ---- linear models


def _weights(shape: Any, trainable: bool, collections: Any, name: str = "weights") -> Any:
    return tf.get_variable(
        name, shape, initializer=tf.zeros_initializer(), trainable=trainable, collections=collections, use_resource=True
    )


def weighted_sum(column: Any, builder: Any, table: Any, combiner: str) -> Any:
    """A column's features times the rows of a table of weights: `f32[batch, units]`."""
    if not isinstance(column, CategoricalColumn):
        return tf.matmul(_flat(dense_of(column, builder), column), table, name="weighted_sum")
    ids, weights = sparse_of(column, builder)
    return tf.nn.safe_embedding_lookup_sparse(
        table, _rows(ids), None if weights is None else _rows(weights), combiner=combiner, name="weighted_sum"
    )


def _weighted_sum(column: Any, builder: Any, units: int, combiner: str, collections: Any, trainable: bool) -> Any:
    if not isinstance(column, CategoricalColumn):
        weights = _weights([column._variable_shape.num_elements(), units], trainable, collections)
        return tf.matmul(
            _flat(column._get_dense_tensor(builder, collections, trainable), column), weights, name="weighted_sum"
        )
    table = _weights([column._num_buckets, units], trainable, collections)
    return weighted_sum(column, builder, table, combiner)


def _rows(sparse: Any) -> Any:
    sizes: Any = tf.shape(sparse)
    return tf.sparse_reshape(sparse, [sizes[0], -1])


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _scoped_names(columns: list[Any]) -> list[tuple[str, Any]]:
    """The columns with the names of their scopes; a name that was used before gets a number."""
    found = []
    for column in sorted(columns, key=lambda c: c.name):
        with tf.variable_scope(None, default_name=column._var_scope_name) as scope:
            found.append((_last_part(scope.name), column))
    return found


def _scope_variables() -> Any:
    return tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=tf.get_variable_scope().name + "/")


@export("feature_column.linear_model")
def linear_model(
    features: Any,
    feature_columns: Any,
    units: int = 1,
    sparse_combiner: str = "sum",
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: Any = None,
) -> Any:
    """The sum of all columns' features times weights, and a bias: `f32[batch, units]`.

    Variables are called `linear_model/<column>/weights` and `linear_model/bias_weights`. Raises ValueError: other columns,
    or batches of different size. Source: TF 1.15 `tf.feature_column.linear_model`.
    """
    with tf.variable_scope(None, "linear_model") as scope:
        name = _last_part(scope.name)
    columns, collections = normalized(feature_columns), _collections(weight_collections)
    named = _scoped_names(columns)
    with tf.name_scope(name), tf.variable_scope(name):
        arguments = units, sparse_combiner, collections, trainable
        result, variables = linear_sums(features, columns, named, *arguments)
    tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)  # TF's model is a layer: each call makes the collection
    if cols_to_vars is not None:
        cols_to_vars.update(variables)
    return result


def linear_sums(
    features: Any,
    columns: list[Any],
    named: list[tuple[str, Any]],
    units: int,
    combiner: str,
    collections: list[Any],
    trainable: bool,
) -> tuple[Any, dict[Any, Any]]:
    """A linear model in the open scope: the sum, and the variables by column and of `bias`."""
    for column in columns:
        if not isinstance(column, (DenseColumn, CategoricalColumn)):
            raise ValueError(
                f"Items of feature_columns must be either a _DenseColumn or _CategoricalColumn. Given: {column}"
            )
    builder, sums, variables = LazyBuilder(features), [], {}
    ordered = sorted(named, key=lambda pair: pair[0])
    for column_name, column in ordered:
        with tf.variable_scope(column_name):
            sums.append(_weighted_sum(column, builder, units, combiner, collections, trainable))
            variables[column] = _scope_variables()
    _check_batches(sums, [c for _, c in ordered])
    total = tf.add_n(sums, name="weighted_sum_no_bias")
    bias = _weights([units], trainable, collections, "bias_weights")
    result = tf.nn.bias_add(total, bias, name="weighted_sum")
    variables["bias"] = [bias] if isinstance(bias, tf.Variable) else list(bias)
    return result, variables


@export("feature_column.make_parse_example_spec")
def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """What to parse for columns, as `tf.io.parse_example` takes it.

    Raises ValueError: no columns, or two that parse a feature differently.
    Source: TF 1.15 `tf.feature_column.make_parse_example_spec`.
    """
    result: dict[str, Any] = {}
    for column in feature_columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"All feature_columns must be _FeatureColumn instances. Given: {column}")
        for key, value in column._parse_example_spec.items():
            if key in result and value != result[key]:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} and {result[key]}"
                )
            result[key] = value
    return result
