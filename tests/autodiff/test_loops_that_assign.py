"""Gradients of loops that assign to variables: what is read goes to the variable, what is assigned leads no further.

The values are TensorFlow 1.15.5's.
"""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


def _variable(name, value):
    return tf.get_variable(name, initializer=value)


def _assigning(v, w, i, x):
    y = x * w + v
    with tf.control_dependencies([y]):
        assigned = tf.assign(v, v.read_value() * 0.5 + x)
    with tf.control_dependencies([assigned]):
        return i + 1, tf.identity(y)


def _in_branch(v, w, i, x):
    y = tf.cond(x > 3.0, lambda: x * w + v, lambda: x * w)
    with tf.control_dependencies([y]):
        assigned = tf.assign(v, v.read_value() * 0.5)
    with tf.control_dependencies([assigned]):
        return i + 1, tf.identity(y)


def _assigned_in_branch(v, w, i, x):
    chosen = tf.cond(x > 3.0, lambda: tf.assign_add(v, x), lambda: tf.identity(v))
    with tf.control_dependencies([chosen]):
        return i + 1, x * w + v.read_value()


def _scattered(v, w, i, x):
    with tf.control_dependencies([x]):
        assigned = tf.scatter_update(v, i, x)
    with tf.control_dependencies([assigned]):
        return i + 1, x * w + v[i]


CASES = {
    "assigning": (_assigning, 1.0, 46.875, (53.75, 15.0), 23.4375),
    "in a branch": (_in_branch, 1.0, 16.625, (32.25, 3.0), 0.0625),
    "assigned in a branch": (_assigned_in_branch, 1.0, 74.0, (56.0, 15.0), 30.0),
    "scattered": (_scattered, [1.0, 2.0, 3.0, 4.0], 81.0, (65.0, [8.0, 4.0, 2.0, 1.0]), [1.0, 3.0, 9.0, 27.0]),
}


@pytest.mark.parametrize("rounds", ["known", "fed"])
@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_gradients(case, resource, rounds):
    body, start, result, gradients, after = CASES[case]
    with tf.Graph().as_default(), tf.variable_scope("", use_resource=resource), tf.Session() as session:
        n = tf.constant(4) if rounds == "known" else tf.placeholder(tf.int32, [])
        v, w = _variable("v", start), _variable("w", 2.0)
        _, x = tf.while_loop(lambda i, x: i < n, lambda i, x: body(v, w, i, x), [0, 1.0])
        fetches = [x, tf.gradients(x, [w, v])]
        session.run(tf.global_variables_initializer())
        got, (of_w, of_v) = session.run(fetches, {} if rounds == "known" else {n: 4})
        assert got == result
        assert of_w == gradients[0]
        np.testing.assert_array_equal(of_v, gradients[1])
        np.testing.assert_array_equal(session.run(v), after)


@pytest.mark.parametrize("rounds", ["known", "fed"])
def test_a_loop_in_a_loop(rounds):
    with tf.Graph().as_default(), tf.Session() as session:
        n = tf.constant(4) if rounds == "known" else tf.placeholder(tf.int32, [])
        v, w = tf.Variable(1.0), tf.Variable(2.0)

        def body(i, x):
            y = x * w + v
            with tf.control_dependencies([y]):
                assigned = tf.assign(v, v.read_value() * 0.5)
            with tf.control_dependencies([assigned]):
                return i + 1, tf.identity(y)

        def outer(j, x):
            return j + 1, tf.while_loop(lambda i, x: i < n, body, [0, x])[1]

        _, x = tf.while_loop(lambda j, x: j < 2, outer, [0, 1.0])
        fetches = [x, tf.gradients(x, [w, v]), v]
        session.run(tf.global_variables_initializer())
        got = session.run(fetches[:2], {} if rounds == "known" else {n: 4})
        np.testing.assert_allclose([got[0], *got[1]], [426.66406, 1592.8906, 255.0])


@pytest.mark.parametrize("resource", [False, True])
def test_training_through_what_is_assigned(resource):
    with tf.Graph().as_default(), tf.variable_scope("", use_resource=resource), tf.Session() as session:
        v, w = _variable("v", 1.0), _variable("w", 2.0)

        def body(i, x, rows):
            y = x * w + v
            with tf.control_dependencies([y]):
                assigned = tf.assign(v, y * 0.5)
            with tf.control_dependencies([assigned]):
                return i + 1, tf.identity(y), rows.write(i, y)

        _, _, rows = tf.while_loop(lambda i, *_: i < 4, body, [0, 1.0, tf.TensorArray(tf.float32, 4)])
        loss = tf.reduce_sum(rows.stack() ** 2)
        step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run([loss, step])[0], 2614.0781)
        np.testing.assert_allclose(session.run([v, w]), [6.24, -55.763123], rtol=1e-6)
