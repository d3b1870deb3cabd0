"""`tf.contrib.optimizer_v2`."""

import numpy as np
import pytest

import retrograph as tf

v2 = tf.contrib.optimizer_v2


def _after(optimizer, steps=2):
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable([1.0, 2.0])
        step = optimizer.minimize(tf.reduce_sum(v * v))
        sess.run(tf.global_variables_initializer())
        for _ in range(steps):
            sess.run(step)
        return sess.run(v)


@pytest.mark.parametrize("name", ["GradientDescent", "Adam", "Adagrad", "Adadelta"])
def test_the_same_as_those_of_train(name: str) -> None:
    own, other = getattr(v2, f"{name}Optimizer"), getattr(tf.train, f"{name}Optimizer")
    assert np.array_equal(_after(own(0.1)), _after(other(0.1)))


def test_mean_squares_start_with_epsilon() -> None:
    # One step by hand: ms = decay * epsilon + (1 - decay) * g^2, v -= rate * g / sqrt(ms).
    grads = np.array([2.0, 4.0])
    ms = 0.9 * 0.01 + 0.1 * grads**2
    wanted = np.array([1.0, 2.0]) - 0.1 * grads / np.sqrt(ms)
    assert np.allclose(_after(v2.RMSPropOptimizer(0.1, epsilon=0.01), steps=1), wanted)


def test_what_is_not_supported() -> None:
    with tf.Graph().as_default():
        v = tf.Variable(1.0)
        with pytest.raises(tf.errors.UnimplementedError, match="stop_gradients is not supported"):
            v2.AdamOptimizer().minimize(v * v, stop_gradients=[v])
        assert v2.AdamOptimizer().compute_gradients(v * v, scale_loss_by_num_replicas=True)[0][1] is v
