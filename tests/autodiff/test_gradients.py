"""`tf.gradients`: names, sums, stops, sparse gradients, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as g:
        yield g


def value(tensor: Any, feeds: Any = None) -> Any:
    with tf.Session() as session:
        return session.run(tensor, feeds)


def test_sum_over_uses() -> None:
    x = tf.constant(3.0)
    (grad,) = tf.gradients(x * x + x * 2.0, x)
    assert value(grad) == 8.0


@pytest.mark.parametrize("method", [0, 1, 2])
def test_aggregation_methods_agree(method: int) -> None:
    x = tf.constant([1.0, 2.0])
    (grad,) = tf.gradients(x * 1.0 + x * 2.0 + x * 3.0, x, aggregation_method=method)
    np.testing.assert_allclose(value(grad), [6.0, 6.0])


def test_stop_gradients_takes_tensors_as_constants() -> None:
    a = tf.constant(1.0)
    b = 2.0 * a
    assert value(tf.gradients(a + b, [a, b], stop_gradients=[a, b])) == [1.0, 1.0]
    assert value(tf.gradients(a + b, [a, b])) == [3.0, 1.0]


def test_unconnected() -> None:
    x, z = tf.constant([1.0, 2.0]), tf.constant([3.0])
    assert tf.gradients(x, z) == [None]
    (zeros,) = tf.gradients(x, z, unconnected_gradients="zero")
    np.testing.assert_allclose(value(zeros), [0.0])
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'one'"):
        tf.gradients(x, z, unconnected_gradients="one")


def test_grad_ys() -> None:
    x = tf.constant([1.0, 2.0])
    (grad,) = tf.gradients(x * x, x, grad_ys=tf.constant([10.0, 100.0]))
    np.testing.assert_allclose(value(grad), [20.0, 400.0])
    with pytest.raises(ValueError, match="Passed 2 grad_ys for 1 ys"):
        tf.gradients(x, x, grad_ys=[x, x])
    with pytest.raises(TypeError, match="must be real or integer"):
        tf.gradients(x * x, x, grad_ys=tf.constant(["a", "b"]))


def test_second_derivative() -> None:
    x = tf.constant(2.0)
    (first,) = tf.gradients(x * x * x, x)
    (second,) = tf.gradients(first, x)
    assert value(second) == 12.0


def test_gathers_give_indexed_slices() -> None:
    x = tf.get_variable("x", initializer=tf.ones([4, 2]))
    y = tf.gather(x, [0, 0]) + tf.gather(x, [1, 3])
    (grad,) = tf.gradients(y, x)
    assert isinstance(grad, tf.IndexedSlices)
    np.testing.assert_allclose(value(tf.convert_to_tensor(grad)), [[2, 2], [1, 1], [0, 0], [1, 1]])


def test_dense_and_sparse_add_up() -> None:
    x = tf.get_variable("x", initializer=tf.ones([3, 1]))
    (grad,) = tf.gradients(tf.reduce_sum(tf.gather(x, [1])) + tf.reduce_sum(x * 2.0), x)
    np.testing.assert_allclose(value(tf.convert_to_tensor(grad)), [[2], [3], [2]])


def test_gradient_override_map(graph: Any) -> None:
    @tf.RegisterGradient("TestNegated")
    def negated(op: Any, grad: Any) -> Any:
        return -grad

    x = tf.constant(2.0)
    with graph.gradient_override_map({"Identity": "TestNegated"}):
        y = tf.identity(x)
    with graph.gradient_override_map({"Round": "Identity"}):
        straight_through = tf.round(x)
    assert value(tf.gradients(y, x)) == [-1.0]
    assert value(tf.gradients(straight_through, x)) == [1.0]
    with pytest.raises(KeyError, match="Registering two gradient with name 'TestNegated'!"):
        tf.RegisterGradient("TestNegated")(negated)


def test_unknown_gradient(graph: Any) -> None:
    x = tf.constant(2.0)
    with graph.gradient_override_map({"Square": "NoSuchGradient"}):
        y = tf.square(x)
    with pytest.raises(LookupError, match=r"No gradient defined for operation 'Square' \(op type: Square\)"):
        tf.gradients(y, x)


def test_wrong_number_of_gradients(graph: Any) -> None:
    tf.RegisterGradient("TestTwo")(lambda op, grad: [grad, grad])
    x = tf.constant(2.0)
    with graph.gradient_override_map({"Square": "TestTwo"}):
        y = tf.square(x)
    with pytest.raises(ValueError, match="Num gradients 2 generated for op"):
        tf.gradients(y, x)


def test_colocation() -> None:
    x = tf.constant(2.0, name="x")
    y = tf.square(x, name="y")
    (grad,) = tf.gradients(y, x, colocate_gradients_with_ops=True)
    assert grad.op.colocation_groups() == [b"loc:@y"]


def test_hessians() -> None:
    x = tf.constant([1.0, 2.0])
    (hessian,) = tf.hessians(x[0] * x[0] * x[1], x)
    np.testing.assert_allclose(value(hessian), [[4.0, 2.0], [2.0, 0.0]])


def test_compute_gradient_error() -> None:
    x = tf.constant(np.ones([2, 3]))
    y = tf.sigmoid(x) * 2.0
    with tf.Session():
        assert tf.test.compute_gradient_error(x, [2, 3], y, [2, 3]) < 1e-5
