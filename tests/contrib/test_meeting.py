"""Optimizers of `tf.contrib.opt` beside what is recorded of them."""

import pytest

import retrograph as tf


def test_sparse_gradients_for_ggt() -> None:
    with tf.Graph().as_default():
        v = tf.get_variable("v", initializer=[[1.0, 2.0], [3.0, 4.0]])
        with pytest.raises(NotImplementedError, match="Sparse gradient updates are not supported"):
            tf.contrib.opt.GGTOptimizer(0.1).minimize(tf.reduce_sum(tf.gather(v, [0])))


def test_gradients_that_are_late_are_dropped() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.get_variable("v", initializer=[1.0, 2.0])
        step = tf.train.get_or_create_global_step()
        opt = tf.contrib.opt.DropStaleGradientOptimizer(tf.train.GradientDescentOptimizer(0.1), 2)
        gradients = opt.compute_gradients(tf.reduce_sum(v))
        begun = opt._local_step
        train = opt.apply_gradients(gradients, step)
        sess.run([tf.global_variables_initializer()])
        sess.run(step.assign(10))
        assert sess.run(train, {begun: 7}) == 1.0
        assert sess.run([v, step])[0].tolist() == [1.0, 2.0]
        assert sess.run(train, {begun: 8}) == 1.0
        assert sess.run(v).tolist() == pytest.approx([0.9, 1.9])
        assert sess.run(step) == 11
