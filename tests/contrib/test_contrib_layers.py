"""Names, collections and values of tf.contrib's layers; recorded from TF 1.15.5."""

import numpy as np
import pytest

import retrograph as tf

slim = tf.contrib.slim


@pytest.fixture(autouse=True)
def _fresh_graph():
    tf.reset_default_graph()


def test_arg_scope_reaches_repeated_layers_and_variables_have_their_old_names():
    x = tf.placeholder(tf.float32, [2, 8, 8, 3])
    with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm):
        slim.repeat(x, 2, slim.conv2d, 4, [3, 3], scope="c")
    names = [v.op.name for v in slim.get_model_variables()]
    layer = ["weights", "BatchNorm/beta", "BatchNorm/moving_mean", "BatchNorm/moving_variance"]
    assert names == [f"c/c_{i}/{n}" for i in (1, 2) for n in layer]
    assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == 4


def test_batch_norm_in_place_moves_its_averages():
    x = tf.constant(np.arange(8, dtype=np.float32).reshape(4, 2))
    outputs = tf.contrib.layers.batch_norm(x, decay=0.5, updates_collections=None)
    mean = slim.get_variables_by_name("moving_mean")[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert abs(session.run(outputs).mean()) < 1e-5
        np.testing.assert_allclose(session.run(mean), [1.5, 2.0])


def test_layer_norm_of_last_axis():
    x = tf.constant([[1.0, 2.0, 3.0]])
    outputs = tf.contrib.layers.layer_norm(x, begin_norm_axis=-1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(outputs), [[-1.2247448, 0.0, 1.2247448]], rtol=1e-5, atol=1e-6)


def test_train_op_runs_updates_and_counts_steps():
    x = tf.ones([4, 3])
    loss = tf.reduce_sum(slim.fully_connected(x, 2, normalizer_fn=slim.batch_norm, activation_fn=None) ** 2)
    train_op = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.1))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train_op)
        assert session.run(tf.train.get_global_step()) == 1


def test_hyperparameters_are_parsed_by_type():
    params = tf.contrib.training.HParams(rate=0.1, sizes=[1, 2], name="a")
    assert params.parse("rate=2,sizes=[3,4],name=b").values() == {"rate": 2.0, "sizes": [3, 4], "name": "b"}
    with pytest.raises(ValueError, match="Unknown hyperparameter type for other"):
        params.parse("other=1")
