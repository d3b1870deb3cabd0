"""Columns of features that have a value for each step, and what is made of them: tensors and the length of each row."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.feature_column.column import FeatureColumn, OfOneFeature
from retrograph.framework.exports import export


class TensorSequenceLengthPair(NamedTuple):
    """`f32[batch, steps, *variable_shape]`, and the number of steps of each row, i64[batch]."""

    dense_tensor: Any
    sequence_length: Any


class SequenceDenseColumn(FeatureColumn):
    """A column that gives a dense tensor for each step."""

    TensorSequenceLengthPair = TensorSequenceLengthPair

    def _get_sequence_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        raise NotImplementedError

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """The dense tensor and the lengths; variables are those that `create_state` made."""
        from retrograph.feature_column.column import Bound

        return self._get_sequence_dense_tensor(Bound(transformation_cache, state_manager))


def sequence_length(sparse: Any, num_elements: int = 1) -> Any:
    """How many steps each row of a sparse tensor has, i64[batch], when a step takes `num_elements` values."""
    with tf.name_scope(None, "sequence_length") as scope:
        rows, ends = sparse.indices[:, 0], sparse.indices[:, 1]
        ends += tf.ones_like(ends)
        lengths: Any = tf.segment_max(ends, segment_ids=rows)
        lengths = tf.cast(tf.ceil(lengths / num_elements), tf.int64)
        missing = tf.shape(sparse)[:1] - tf.shape(lengths)[:1]
        return tf.concat([lengths, tf.zeros(missing, dtype=lengths.dtype)], axis=0, name=scope)


class SequenceNumericColumn(
    SequenceDenseColumn,
    OfOneFeature,
    namedtuple("SequenceNumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn")),
):
    """See `sequence_numeric_column`."""

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return {self.key: tf.io.VarLenFeature(self.dtype)}

    @property
    def variable_shape(self) -> Any:
        """The shape of one step."""
        return tf.TensorShape(self.shape)

    _variable_shape = variable_shape

    def _transform_feature(self, inputs: Any) -> Any:
        tensor = inputs.get(self.key)
        return tensor if self.normalizer_fn is None else self.normalizer_fn(tensor)

    def _get_sequence_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        sparse = inputs.get(self)
        dense: Any = tf.sparse_tensor_to_dense(sparse, default_value=self.default_value)
        sizes: Any = tf.shape(dense)
        dense = tf.reshape(dense, shape=tf.concat([sizes[:1], [-1], self.variable_shape], axis=0))
        # Values of two dimensions are grouped into steps; with a third one they are already.
        num_elements = self.variable_shape.num_elements() if sparse.shape.ndims == 2 else 1
        return TensorSequenceLengthPair(dense, sequence_length(sparse, num_elements))


@export("feature_column.sequence_numeric_column", "contrib.feature_column.sequence_numeric_column")
def sequence_numeric_column(
    key: str, shape: Any = (1,), default_value: float = 0.0, dtype: Any = tf.float32, normalizer_fn: Any = None
) -> Any:
    """Numbers of each step, `f32[batch, steps, *shape]`; missing ones are `default_value`.

    Raises TypeError: a shape that is none, or a normalizer that cannot be called. ValueError: a dtype that is no number.
    Source: TF 1.15 `tf.feature_column.sequence_numeric_column`.
    """
    from retrograph.feature_column.dense import _shape_of

    sizes = _shape_of(shape, key)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    return SequenceNumericColumn(key, sizes, default_value, dtype, normalizer_fn)


def equal_lengths(lengths: list[Any], name: str | None = None) -> Any:
    """The first of the lengths, after a check that all are equal."""
    with tf.name_scope(name, "assert_all_equal", values=lengths):
        if len(lengths) == 1:
            return lengths[0]
        with tf.control_dependencies([tf.assert_equal(lengths[0], one) for one in lengths[1:]]):
            return tf.identity(lengths[0])


def steps_of(tensor: Any, column: Any) -> Any:
    """A dense tensor as `f32[batch, steps, n]`."""
    sizes: Any = tf.shape(tensor)
    return tf.reshape(tensor, shape=[sizes[0], sizes[1], column._variable_shape.num_elements()])


def _refuse_others(columns: list[Any]) -> None:
    for column in columns:
        if not isinstance(column, SequenceDenseColumn):
            raise ValueError(
                "All feature_columns must be of type _SequenceDenseColumn. You can wrap a sequence_categorical_column with "
                f"an embedding_column or indicator_column. Given (type {type(column)}): {column}"
            )


@export("contrib.feature_column.sequence_input_layer")
def sequence_input_layer(
    features: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True
) -> tuple[Any, Any]:
    """Columns of steps side by side in the order of their names: `f32[batch, steps, n]`, and the lengths, i64[batch].

    Raises ValueError: another kind of column, or batches of different size.
    Source: TF 1.15 `tf.contrib.feature_column.sequence_input_layer`.
    """
    from retrograph.feature_column.column import LazyBuilder, normalized
    from retrograph.feature_column.models import _check_batches

    columns = normalized(feature_columns)
    _refuse_others(columns)
    columns = sorted(columns, key=lambda column: column.name)
    outputs, lengths = [], []
    with tf.variable_scope(None, default_name="sequence_input_layer", values=features.values()):
        builder = LazyBuilder(features)
        for column in columns:
            with tf.variable_scope(None, default_name=column._var_scope_name):
                dense, length = column._get_sequence_dense_tensor(builder, weight_collections, trainable)
                outputs.append(steps_of(dense, column))
                lengths.append(length)
        _check_batches(outputs, columns)
        _check_batches(lengths, columns)
        return tf.concat(outputs, -1), equal_lengths(lengths)


@export("contrib.feature_column.concatenate_context_input", "keras.experimental.concatenate_context_input")
def concatenate_context_input(context_input: Any, sequence_input: Any) -> Any:
    """`f32[batch, steps, n + m]`: each step of `f32[batch, steps, n]` with the context `f32[batch, m]` beside it.

    Raises ValueError: other ranks. TypeError: other dtypes.
    Source: TF 1.15 `tf.contrib.feature_column.concatenate_context_input`.
    """
    checks = []
    for value, rank, name in ((sequence_input, 3, "sequence_input"), (context_input, 2, "context_input")):
        text = f"{name} must have rank {rank}"
        checks.append(tf.debugging.assert_rank(value, rank, message=text, data=[tf.shape(value)]))
        text = f"{name} must have dtype float32; got {value.dtype}."
        checks.append(tf.debugging.assert_type(value, tf.float32, message=text))
    with tf.control_dependencies(checks):
        sizes: Any = tf.shape(sequence_input)
        repeats = tf.concat([[1], [sizes[1]], [1]], 0)
        repeated = tf.tile(tf.expand_dims(context_input, 1), repeats)
    return tf.concat([sequence_input, repeated], 2)
