"""The signature of a layer's outputs."""

from __future__ import annotations

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
