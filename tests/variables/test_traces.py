"""Functions called often share the variables of their first call, as TensorFlow 1.15.5's, which are traced once, do."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat.resolve import find

Defun = find("tensorflow.python.framework.function", "Defun")
defun = tf.contrib.eager.defun


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _names() -> list[str]:
    return [v.op.name for v in tf.global_variables()]


def _run(*tensors: Any) -> list[Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [np.asarray(value).tolist() for value in session.run(tensors)]


def _one(name: str = "w") -> Any:
    return tf.get_variable(name, [], initializer=tf.ones_initializer())


@pytest.mark.parametrize(
    "decorator", [Defun(tf.float32), Defun(), defun, tf.function], ids=["typed", "untyped", "defun", "function"]
)
def test_variables_are_those_of_the_first_scope(decorator):
    plus = decorator(lambda x: x + _one())
    with tf.variable_scope("a"):
        first = plus(tf.constant(1.0))
    with tf.variable_scope("b"):
        second = plus(tf.constant(2.0))
    assert _names() == ["a/w"]
    assert _run(first, second, plus(tf.constant(3.0))) == [2.0, 3.0, 4.0]


def test_types_and_shapes_make_other_calls():
    plus = Defun()(lambda x: tf.cast(x, tf.float32) + _one())
    calls = [plus([1.0, 2.0])]
    with tf.variable_scope("s"):
        calls += [plus([1, 2]), plus(1.0)]
    assert _names() == ["w", "s/w"]
    assert _run(*calls, plus(1)) == [[2.0, 3.0], [2.0, 3.0], 2.0, 2.0]


def test_names_given_as_arguments():
    plus = defun(lambda x, name: x + _one(name))
    x = tf.constant(1.0)
    made = [plus(x, "a"), plus(x, "b")]
    with tf.variable_scope("s"):
        made += [plus(x, "a"), plus(x, name="c"), plus(x, "d")]
    assert _names() == ["a", "b", "s/c", "s/d"]
    assert _run(*made) == [2.0] * 5


def test_default_names_are_counted_as_in_the_first_call():
    @defun
    def dense(x):
        return tf.layers.dense(x, 1, use_bias=False, kernel_initializer=tf.ones_initializer())

    x = tf.constant([[1.0, 2.0]])
    first = dense(x)
    tf.layers.dense(x, 1, use_bias=False)
    second = dense(x)
    tf.layers.dense(x, 1, use_bias=False)
    assert _names() == ["dense/kernel", "dense_1/kernel", "dense_2/kernel"]
    assert _run(first, second) == [[[3.0]], [[3.0]]]


def test_scopes_inside_of_the_function():
    @Defun(tf.float32)
    def plus(x):
        with tf.variable_scope("m", reuse=tf.AUTO_REUSE):
            w = _one()
        with tf.variable_scope(None, "d"):
            return x + w + _one()

    with tf.variable_scope("s"):
        first = plus(1.0)
    for _ in range(2):
        with tf.variable_scope(None, "d"):
            _one("v")
        with tf.variable_scope("t"):
            second = plus(1.0)
    assert _names() == ["s/m/w", "s/d/w", "d/v", "d_1/v"]
    assert _run(first, second) == [3.0, 3.0]


def test_functions_in_functions_loops_and_branches():
    inner = Defun(tf.float32)(lambda x: x * (_one() + 1.0))
    outer = Defun(tf.float32)(lambda x: inner(x) + inner(x))
    y = outer(1.0)
    _, z = tf.while_loop(lambda n, x: n < 2, lambda n, x: (n + 1, inner(x)), (0, 1.0))
    chosen = tf.cond(z > 1.0, lambda: outer(z), lambda: inner(z))
    assert _names() == ["w"]
    assert _run(y, z, chosen, *tf.gradients(y, tf.global_variables())) == [4.0, 4.0, 16.0, 2.0]


def test_methods_of_several_objects_have_variables_of_their_own():
    class Model:
        def __init__(self, name: str):
            self.name = name

        @defun
        def call(self, x: Any) -> Any:
            return x + _one(self.name)

    m, k = Model("m"), Model("k")
    results = [model.call(tf.constant(1.0)) for model in (m, k, m, k)]
    assert _names() == ["m", "k"]
    del m, k
    gc.collect()
    results.append(Model("n").call(tf.constant(1.0)))
    assert _names() == ["m", "k", "n"]
    assert _run(*results) == [2.0] * 5


def test_graphs_have_variables_of_their_own():
    plus = Defun(tf.float32)(lambda x: x + _one())
    with tf.Graph().as_default(), tf.variable_scope("a"):
        plus(1.0)
    value = plus(1.0)
    assert _names() == ["w"]
    assert _run(value) == [2.0]


def test_the_scope_outside_is_as_it_was_after_an_error():
    @Defun(tf.float32)
    def fails(x):
        value = x + _one()
        if _names() != ["a/w"] or tf.get_variable_scope().name == "":
            raise RuntimeError("stop")
        with tf.variable_scope(None, "d"):
            if len(tf.get_default_graph().get_operations()) > limit:
                raise RuntimeError("again")
        return value

    limit = 10_000
    with tf.variable_scope("a"):
        fails(1.0)
    limit = 0
    with tf.variable_scope("b"):
        with pytest.raises(RuntimeError, match="again"):
            fails(1.0)
        assert tf.get_variable_scope().name == "b"
        assert _one("v").op.name == "b/v"
        with tf.variable_scope(None, "d") as scope:
            assert scope.name == "b/d"
