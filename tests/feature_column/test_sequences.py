"""Columns of features that have a value for each step."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf

columns = tf.feature_column


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def _run(fetches):
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return sess.run(fetches)


def _features():
    ids = tf.SparseTensorValue([[0, 0], [1, 0], [1, 1]], np.array([2, 0, 1], np.int64), [2, 2])
    prices = tf.SparseTensorValue([[0, 0], [1, 0], [1, 1]], np.array([3.0, 5.0, 6.0], np.float32), [2, 2])
    return {"ids": tf.SparseTensor.from_value(ids), "price": tf.SparseTensor.from_value(prices)}


def _columns():
    ids = columns.sequence_categorical_column_with_identity("ids", 3)
    table = tf.constant_initializer([[10.0], [20.0], [30.0]])
    return [columns.sequence_numeric_column("price"), columns.embedding_column(ids, 1, initializer=table)]


WANTED = [[[30, 3], [0, 0]], [[10, 5], [20, 6]]]


def test_features_of_steps_as_a_layer():
    layer = tf.keras.experimental.SequenceFeatures(_columns())
    (steps, lengths), (again, _) = layer(_features()), layer(_features())
    first, second, counted = _run([steps, again, lengths])
    assert first.tolist() == second.tolist() == WANTED and counted.tolist() == [1, 2]
    assert [v.name for v in layer.variables] == ["sequence_features/ids_embedding/embedding_weights:0"]
    assert layer.compute_output_shape((None, 7, 1)) == (None, 7, 2)


def test_features_of_steps_with_variables_by_scope():
    steps, lengths = tf.contrib.feature_column.sequence_input_layer(_features(), _columns())
    found, counted = _run([steps, lengths])
    assert found.tolist() == WANTED and counted.tolist() == [1, 2]
    assert [v.name for v in tf.global_variables()] == ["sequence_input_layer/ids_embedding/embedding_weights:0"]


def test_numbers_are_grouped_into_steps_and_a_last_row_may_be_empty():
    sparse = tf.SparseTensor(np.array([[0, 0], [0, 1], [0, 2]], np.int64), [1.0, 2.0, 3.0], [2, 4])
    column = columns.sequence_numeric_column("x", shape=(2,), default_value=-1.0, normalizer_fn=lambda x: x)
    steps, lengths = tf.contrib.feature_column.sequence_input_layer({"x": sparse}, [column])
    found, counted = _run([steps, lengths])
    assert found.tolist() == [[[1, 2], [3, -1]], [[-1, -1], [-1, -1]]] and counted.tolist() == [2, 0]


def test_indicators_of_steps():
    ids = columns.sequence_categorical_column_with_identity("ids", 3)
    layer = tf.keras.experimental.SequenceFeatures([columns.indicator_column(ids)])
    assert _run(layer(_features())[0]).tolist() == [[[0, 0, 1], [0, 0, 0]], [[1, 0, 0], [0, 1, 0]]]


def test_context_beside_each_step():
    joined = tf.keras.experimental.concatenate_context_input(tf.constant([[7.0]]), tf.constant([[[1.0], [2.0]]]))
    assert _run(joined).tolist() == [[[1, 7], [2, 7]]]
    with pytest.raises(ValueError, match="sequence_input must have rank 3"):
        tf.contrib.feature_column.concatenate_context_input(tf.constant([[7.0]]), tf.constant([[1.0]]))
    with pytest.raises(TypeError, match="context_input must have dtype float32"):
        tf.contrib.feature_column.concatenate_context_input(tf.constant([[7]]), tf.constant([[[1.0]]]))


def test_columns_of_steps_and_others_are_told_apart():
    one = columns.categorical_column_with_identity("ids", 3)
    steps = columns.sequence_categorical_column_with_identity("ids", 3)
    with pytest.raises(ValueError, match="must be of type SequenceCategoricalColumn to use SequenceFeatures"):
        tf.keras.experimental.SequenceFeatures([columns.indicator_column(one)])(_features())
    with pytest.raises(ValueError, match="must not be of type SequenceCategoricalColumn"):
        tf.keras.layers.DenseFeatures([columns.indicator_column(steps)])(_features())
    with pytest.raises(ValueError, match="must not be of type _SequenceCategoricalColumn"):
        columns.input_layer(_features(), [columns.indicator_column(steps)])
    with pytest.raises(ValueError, match="All feature_columns must be of type _SequenceDenseColumn"):
        tf.contrib.feature_column.sequence_input_layer(_features(), [columns.numeric_column("price")])
    with pytest.raises(TypeError, match="normalizer_fn must be a callable"):
        columns.sequence_numeric_column("x", normalizer_fn=3)
    with pytest.raises(ValueError, match="dtype must be convertible to float"):
        columns.sequence_numeric_column("x", dtype=tf.string)
