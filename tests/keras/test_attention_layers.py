"""`tf.keras.layers.Attention` and `AdditiveAttention`: values, masks, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf

Q = np.array([[[1.0, 0.0], [0.5, 2.0]]], np.float32)
V = np.array([[[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]], np.float32)


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def _run(layer, inputs, mask=None):
    found = layer([tf.constant(x) for x in inputs], mask=mask)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(found)


def _softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_products_and_sums():
    assert np.allclose(_run(tf.keras.layers.Attention(), [Q, V]), _softmax(Q @ V.transpose(0, 2, 1)) @ V, atol=1e-5)
    scores = np.tanh(Q[:, :, None] + V[:, None]).sum(-1)
    assert np.allclose(
        _run(tf.keras.layers.AdditiveAttention(use_scale=False), [Q, V]), _softmax(scores) @ V, atol=1e-5
    )
    key = V[:, ::-1]
    scores = _softmax(Q @ key.transpose(0, 2, 1))
    assert np.allclose(_run(tf.keras.layers.Attention(), [Q, V, key]), scores @ V, atol=1e-5)


def test_masks_of_queries_and_values_and_no_look_ahead():
    query, value = tf.constant([[True, False]]), tf.constant([[True, False, False]])
    found = _run(tf.keras.layers.Attention(), [Q, V], [query, value])
    assert np.allclose(found, [[[1.0, 2.0], [0.0, 0.0]]])
    causal = _run(tf.keras.layers.Attention(causal=True), [V, V])
    assert np.allclose(causal[0, 0], V[0, 0])
    layer = tf.keras.layers.Attention()
    assert layer.compute_mask([Q, V], [query, value]) is query and layer.compute_mask([Q, V]) is None


def test_variables_and_configuration():
    layer = tf.keras.layers.Attention(use_scale=True, name="look")
    _run(layer, [Q, V])
    assert [(v.name, v.shape) for v in layer.weights] == [("look/scale:0", ())]
    added = tf.keras.layers.AdditiveAttention(causal=True)
    _run(added, [Q, V])
    assert added.weights[0].shape == (2,)
    config = added.get_config()
    assert config["causal"] and config["use_scale"]
    assert tf.keras.layers.deserialize(tf.keras.layers.serialize(added)).get_config() == config


def test_bad_input():
    layer = tf.keras.layers.Attention()
    with pytest.raises(ValueError, match="must be called on a list of inputs"):
        layer(tf.constant(Q))
    with pytest.raises(ValueError, match="Given length: 1"):
        layer([tf.constant(Q)])
    with pytest.raises(ValueError, match="mask must be a list"):
        layer([tf.constant(Q), tf.constant(V)], mask=(None, None))
    with pytest.raises(ValueError, match="mask must be a list of length 2"):
        layer([tf.constant(Q), tf.constant(V)], mask=[None])
