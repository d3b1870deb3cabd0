"""`tf.function` in a graph: who fetches an output runs what the function does. Numbers are those of TensorFlow 1.15.5."""

from __future__ import annotations

import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _session():
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    return sess


def test_assignments_run_with_any_output():
    v = tf.Variable(1.0, use_resource=True)

    @tf.function
    def add(x):
        v.assign_add(x)
        return x * 2

    @tf.function
    def twice(x):
        v.assign(10.0)
        y = v.read_value()
        v.assign_add(x)
        return y, v.read_value()

    added, both = add(3.0), twice(1.0)
    with _session() as sess:
        assert (sess.run(added), sess.run(v)) == (6.0, 4.0)
        assert (sess.run(both), sess.run(v)) == ((10.0, 11.0), 11.0)


def test_assignments_in_branches():
    v = tf.Variable(11.0, use_resource=True)

    @tf.function
    def change(x):
        tf.cond(x > 0, lambda: v.assign_add(100.0), lambda: v.assign_sub(100.0))
        return x

    up, down = change(tf.constant(1.0)), change(tf.constant(-1.0))
    with _session() as sess:
        assert (sess.run(up), sess.run(v)) == (1.0, 111.0)
        assert (sess.run(down), sess.run(v)) == (-1.0, 11.0)


def test_a_variable_that_a_function_makes_is_not_initialized_again():
    kept = []

    @tf.function
    def count(x):
        if not kept:
            kept.append(tf.Variable(5.0, use_resource=True))
        kept[0].assign_add(x)
        return kept[0] * 1.0

    counted = count(2.0)
    with _session() as sess:
        assert [sess.run(counted), sess.run(counted)] == [7.0, 9.0]


def test_assertions_hold():
    @tf.function
    def positive(x):
        tf.debugging.assert_greater(x, 0.0)
        return x

    result = positive(tf.placeholder_with_default(-1.0, []))
    with _session() as sess, pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(result)
