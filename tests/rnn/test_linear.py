"""The affine map that programs take from `core_rnn_cell`, as a class and at once."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import hook

hook.install()
_CELLS = importlib.import_module("tensorflow.contrib.rnn.python.ops.core_rnn_cell")
_Linear, _linear = _CELLS._Linear, _CELLS._linear


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default():
        yield


def _operations() -> list[str]:
    return [o.name for o in tf.get_default_graph().get_operations()]


def test_variables_and_operations() -> None:
    a = tf.placeholder(tf.float32, [2, 3], name="a")
    with tf.variable_scope("x"):
        both = _linear([a, a], 4, True)
    with tf.variable_scope("y"):
        one = _linear(a, 4, False)
    assert [v.name for v in tf.global_variables()] == ["x/kernel:0", "x/bias:0", "y/kernel:0"]
    assert [n for n in _operations() if n.rpartition("/")[2] in ("concat", "MatMul", "BiasAdd")] == [
        "x/x/concat", "x/x/MatMul", "x/x/BiasAdd", "y/y/MatMul",
    ]  # fmt: skip
    assert both.shape.as_list() == one.shape.as_list() == [2, 4]


def test_values_are_those_of_the_class() -> None:
    a = tf.constant([[1.0, 2.0]])
    fill = {"bias_initializer": tf.constant_initializer(3.0), "kernel_initializer": tf.ones_initializer()}
    with tf.variable_scope("x"):
        at_once = _linear([a, a], 2, True, **fill)
    with tf.variable_scope("y"):
        layer = _Linear([a, a], 2, True, **fill)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(at_once), [[9.0, 9.0]])
        np.testing.assert_array_equal(session.run(layer([a, a])), [[9.0, 9.0]])


@pytest.mark.parametrize("make", [lambda a: _linear(a, 2, True), lambda a: _Linear(a, 2, True)])
def test_what_is_refused(make: Any) -> None:
    nothing: list[Any] = [None, []]
    for empty in nothing:
        with pytest.raises(ValueError, match="`args` must be specified"):
            make(empty)
    with pytest.raises(ValueError, match="linear is expecting 2D arguments"):
        make(tf.zeros([3]))
    with pytest.raises(ValueError, match=r"linear expects shape\[1\] to be provided for shape \(2, \?\), but saw \?"):
        make(tf.placeholder(tf.float32, [2, None]))
    assert not tf.global_variables()
