"""Shapes that layers are built for, and the signature of their outputs."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def test_the_signature_of_outputs():
    layer = tf.keras.layers.Dense(3)
    signature = layer.compute_output_signature(tf.TensorSpec([None, 4], tf.float32))
    assert signature == tf.TensorSpec([None, 3], tf.float32)
    with pytest.raises(TypeError, match="Only TensorSpec signature types are supported"):
        layer.compute_output_signature([None, 4])


def test_recurrent_layers_are_built_for_a_shape_given_as_a_tuple():
    layer = tf.keras.layers.LSTM(4, stateful=True, kernel_constraint=tf.keras.constraints.max_norm(0.01))
    layer.build((5, 4, 3))
    assert layer.cell.kernel.shape == (3, 16) and layer.cell.kernel.constraint is not None
    assert [state.shape for state in layer.states] == [(5, 4), (5, 4)]
    free = tf.keras.layers.GRU(4)
    free.build((None, None, 3))
    assert free.cell.kernel.shape == (3, 12)


def test_a_loss_of_several_numbers_is_reported_as_such():
    with tf.Session().as_default():
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        model.compile("sgd", tf.keras.losses.MeanSquaredError(reduction="none"))
        history = model.fit(np.ones((4, 2)), np.ones((4, 1)), batch_size=2, epochs=1, verbose=0)
        assert np.shape(history.history["loss"][0]) == (2,)


def test_a_mean_by_element_can_be_run_at_once():
    with tf.Session().as_default() as sess:
        mean = tf.keras.metrics.MeanTensor()
        assert sess.run(mean([[1.0, 3.0]])).tolist() == [[1.0, 3.0]]
        assert mean._shape == (1, 2) and sess.run(mean.count).tolist() == [[1.0, 1.0]]
        with pytest.raises(ValueError, match="must always have the same shape"):
            mean([1.0])


def test_a_normalizer_is_among_the_arguments_of_a_metric():
    with tf.Session().as_default():
        metric = tf.keras.metrics.MeanRelativeError(normalizer=[1.0, 3.0], name="relative")
        copy = tf.keras.metrics.MeanRelativeError.from_config(metric.get_config())
        assert copy.name == "relative" and metric.get_config()["normalizer"].tolist() == [1.0, 3.0]
