"""Layers whose input is a dictionary of features, the state that columns keep in them, and columns as dictionaries."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.feature_column import serialization
from retrograph.feature_column.feature_layers import LinearModel, OldLinearModel
from retrograph.feature_column.shared import shared_embedding_columns_v2
from retrograph.feature_column.state import FeatureTransformationCache, LayerState, StateManager, transform_features_v2

columns = tf.feature_column


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def _run(*fetches):
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return sess.run(fetches)


def _embedding(key="a", dimension=2):
    initializer = tf.constant_initializer(np.arange(3 * dimension).reshape(3, dimension))
    return columns.embedding_column(
        columns.categorical_column_with_identity(key, 3), dimension, initializer=initializer
    )


FEATURES = {"a": [[0], [2]], "price": [[1.0], [5.0]]}


def test_dense_features_in_the_order_of_names_with_variables_of_the_layer():
    layer = tf.keras.layers.DenseFeatures([columns.numeric_column("price"), _embedding()])
    outputs = {}
    once, again = layer(FEATURES, cols_to_output_tensors=outputs), layer(FEATURES)
    first, second, price = _run(once, again, outputs[columns.numeric_column("price")])
    assert first.tolist() == second.tolist() == [[0, 1, 1], [4, 5, 5]] and price.tolist() == [[1], [5]]
    assert [v.name for v in layer.variables] == ["dense_features/a_embedding/embedding_weights:0"]
    assert layer.variables == tf.global_variables() and layer.trainable_variables == layer.variables
    assert layer.compute_output_shape((None, 4)) == (None, 3)


def test_dense_features_that_are_not_trained_and_bad_input():
    layer = tf.keras.layers.DenseFeatures([_embedding()], trainable=False, name="mine")
    layer(FEATURES)
    assert layer.variables[0].name.startswith("mine/a_embedding") and not tf.trainable_variables()
    with pytest.raises(ValueError, match="We expected a dictionary here"):
        layer([1.0])
    with pytest.raises(ValueError, match=r"Items of feature_columns must be a .*DenseColumn"):
        tf.keras.layers.DenseFeatures([columns.categorical_column_with_identity("a", 3)])
    with pytest.raises(ValueError, match="Items of feature_columns must be a FeatureColumn"):
        tf.keras.layers.DenseFeatures(["a"])
    with pytest.raises(ValueError, match="Items of feature_columns must be a _FeatureColumn"):
        columns.input_layer(FEATURES, ["a"])
    with pytest.raises(ValueError, match="boundaries must not be empty"):
        columns.bucketized_column(columns.numeric_column("price"), [])
    with pytest.raises(ValueError, match="Feature price is not in features dictionary"):
        tf.keras.layers.DenseFeatures([columns.numeric_column("price")])({"a": [[1.0]]})


def test_a_linear_model_keeps_its_variables():
    used = [columns.numeric_column("price"), columns.categorical_column_with_identity("a", 3)]
    model = LinearModel(used, units=1)
    total = model(FEATURES)
    model(FEATURES)
    names = [v.name for v in tf.global_variables()]
    assert names == ["linear_model/a/weights:0", "linear_model/price/weights:0", "linear_model/bias_weights:0"]
    assign = [v.assign(tf.ones_like(v)) for v in tf.global_variables()]
    with tf.Session() as sess:
        sess.run(assign)
        assert sess.run(total).tolist() == [[3.0], [7.0]] and sess.run(model.bias).tolist() == [1.0]


def test_the_old_linear_model_tells_its_variables_by_column():
    price = columns.numeric_column("price")
    model = OldLinearModel([price], name="linear_model")
    total = model(FEATURES)
    model(FEATURES)
    found = model.cols_to_vars()
    assert [v.name for v in tf.global_variables()] == ["linear_model/price/weights:0", "linear_model/bias_weights:0"]
    assert found[price] + found["bias"] == tf.global_variables() == model.variables
    assert _run(total)[0].tolist() == [[0.0], [0.0]]


def test_columns_of_programs_with_their_state():
    class Scaled(tf.feature_column.numeric_column("x").__class__.__mro__[1]):
        name, parse_example_spec, variable_shape = "scaled", {}, tf.TensorShape([1])

        def create_state(self, state_manager):
            state_manager.create_variable(self, "factor", [], tf.float32, initializer=tf.constant_initializer(3.0))

        def transform_feature(self, transformation_cache, state_manager):
            return transformation_cache.get("price", state_manager)

        def get_dense_tensor(self, transformation_cache, state_manager):
            factor = state_manager.get_variable(self, "factor")
            return transformation_cache.get(self, state_manager) * factor

    features = {"price": tf.constant([[1.0], [2.0]])}
    assert _run(tf.keras.layers.DenseFeatures([Scaled()])(features))[0].tolist() == [[3.0], [6.0]]
    made = transform_features_v2(features, [Scaled()], None)
    assert [c.name for c in made] == ["scaled"]


def test_state_refuses_what_is_there_and_what_is_not():
    state, column = LayerState(tf.keras.layers.Layer(), trainable=True), _embedding()
    column.create_state(state)
    with pytest.raises(ValueError, match="Variable already exists"):
        column.create_state(state)
    with pytest.raises(ValueError, match="Variable does not exist"):
        state.get_variable(column, "other")
    with pytest.raises(ValueError, match="Resource does not exist"):
        state.get_resource(column, "table")
    state.add_resource(column, "table", 1)
    assert state.get_resource(column, "table") == 1
    with pytest.raises(NotImplementedError, match="create_variable"):
        StateManager().create_variable(column, "x", [])
    cache = FeatureTransformationCache({"price": tf.constant([1.0])})
    assert cache.get("price") is cache.get("price") and cache.get("price").shape == (1, 1)
    with pytest.raises(TypeError, match='"key" must be either a "str" or "FeatureColumn"'):
        cache.get(3)


def _twice(x):
    return 2 * x


def test_columns_as_dictionaries_and_back():
    price = columns.numeric_column("price", normalizer_fn=_twice)
    buckets = columns.bucketized_column(columns.numeric_column("age"), [1.0, 2.0])
    crossed = columns.crossed_column(["b", buckets], 10)
    used = [price, buckets, columns.indicator_column(crossed), _embedding()]
    configs = serialization.serialize_feature_columns(used)
    assert configs[0]["config"]["dtype"] == "float32" and configs[0]["class_name"] == "NumericColumn"
    back = serialization.deserialize_feature_columns(configs, custom_objects={"_twice": _twice})
    assert back[:3] == used[:3] and back[3].name == "a_embedding"
    assert back[2].categorical_column.keys[1] is back[1]
    with pytest.raises(ValueError, match="is not a FeatureColumn"):
        serialization.serialize_feature_column(3)
    with pytest.raises(ValueError, match="Unknown feature_column_v2: NoSuch"):
        serialization.deserialize_feature_column({"class_name": "NoSuch", "config": {}})
    with pytest.raises(ValueError, match="Invalid config"):
        serialization.deserialize_feature_column({"class_name": "NumericColumn", "config": {"key": "a"}})
    layer = tf.keras.layers.DenseFeatures([buckets])
    assert tf.keras.layers.DenseFeatures.from_config(layer.get_config())._feature_columns == [buckets]


def test_columns_of_one_table_in_each_graph():
    ids = [columns.categorical_column_with_identity(key, 3) for key in ("a", "b")]
    table = tf.constant_initializer([[10.0], [20.0], [30.0]])
    one, other = shared_embedding_columns_v2(ids, dimension=1, initializer=table)
    assert one.name == "a_shared_embedding" and one.variable_shape == (1,)
    features = {"a": [[0], [2]], "b": [[1], [1]]}
    for _ in range(2):
        with tf.Graph().as_default():
            found = tf.keras.layers.DenseFeatures([other, one])(features)
            assert [v.name for v in tf.global_variables()] == ["a_b_shared_embedding:0"]
            assert _run(found)[0].tolist() == [[10, 20], [30, 20]]
    with pytest.raises(ValueError, match="must be of type SequenceCategoricalColumn"):
        tf.keras.experimental.SequenceFeatures([one])(features)
    with pytest.raises(ValueError, match="Invalid dimension 0"):
        shared_embedding_columns_v2(ids, dimension=0)
    with pytest.raises(ValueError, match="same number of buckets"):
        shared_embedding_columns_v2([ids[0], columns.categorical_column_with_identity("b", 4)], dimension=1)
