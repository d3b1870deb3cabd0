"""Functions of declared types: `tensorflow.python.framework.function.Defun`."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat.resolve import find

Defun = find("tensorflow.python.framework.function", "Defun")


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _run(fetches):
    with tf.Session() as session:
        return session.run(fetches)


def test_calls_are_named_after_the_function():
    @Defun(tf.float32, tf.float32, func_name="Plus")
    def plus(a, b):
        return a + b

    first, second, third = plus(1.0, 2.0), plus([1.0], [3.0]), plus(1.0, 1.0, name="own")
    assert [x.op.name for x in (first, second, third)] == ["Plus", "Plus_1", "own"]
    assert plus.name == "Plus"
    assert plus.declared_input_types == (tf.float32, tf.float32)
    np.testing.assert_array_equal(_run(second), [4.0])


def test_gradients_given():
    @Defun(tf.float32, python_grad_func=lambda op, dy: dy * op.inputs[0] * 10.0)
    def square(x):
        return x * x

    @Defun(tf.float32, tf.float32)
    def fixed(x, dy):
        return dy * 7.0

    @Defun(tf.float32, grad_func=fixed)
    def cube(x):
        return x * x * x

    x = tf.constant(3.0)
    assert _run([tf.gradients(square(x), x)[0], tf.gradients(cube(x), x)[0]]) == [30.0, 7.0]
    both = Defun(tf.float32, grad_func=fixed, python_grad_func=lambda op, dy: dy)(lambda x: x)
    with pytest.raises(ValueError, match="Gradient defined twice for function"):
        both(x)


def test_without_types_and_without_results():
    @Defun()
    def twice(x):
        return x * 2, x

    @Defun()
    def nothing():
        tf.constant(1.0)

    doubled, same = twice(tf.constant(4))
    assert _run([doubled, same]) == [8, 4]
    assert nothing().type == "NoOp"


def test_bad_functions_and_calls():
    with pytest.raises(ValueError, match="argument defaults"):
        Defun(tf.float32)(lambda x=1.0: x)
    with pytest.raises(ValueError, match="fewer arguments"):
        Defun(tf.float32)(lambda x, y: x)
    with pytest.raises(ValueError, match="must be callable"):
        Defun(tf.float32)(3)
    identity = Defun(tf.float32)(lambda x: x)
    with pytest.raises(ValueError, match="Expected number of arguments: 1, received: 2"):
        identity(1.0, 2.0)
    with pytest.raises(ValueError, match="Unknown keyword arguments"):
        identity(1.0, wrong=1)
    with pytest.raises(ValueError, match="can not return None"):
        Defun(tf.float32)(lambda x: (x, None))(1.0)


def test_a_call_counts_as_one_operation_for_seeds():
    tf.set_random_seed(1)

    @Defun(tf.float32, python_grad_func=lambda op, g: g * 2)
    def scaled(x):
        return tf.exp(x * 2 + 1) * 3

    scaled(1.0)
    first = tf.random_uniform([2]).op.inputs[0].op.inputs[0].op
    pair = Defun(tf.float32, tf.float32)(lambda x, y: (x * y, x + y))
    pair(tf.ones([2]), 3.0)
    second = tf.random_uniform([2]).op.inputs[0].op.inputs[0].op
    assert [first.get_attr("seed2"), second.get_attr("seed2")] == [5, 15], "as in TF 1.15"
