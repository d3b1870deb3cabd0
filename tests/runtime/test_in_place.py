"""Updates of variables wait for what still reads the old value, so that XLA need not copy the variable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime.in_place import last_readers
from retrograph.runtime.lower import Instruction

SIZE = 64


def _net(resource: bool) -> tuple[Any, list[Any], Any]:
    x = tf.placeholder(tf.float32, [8, SIZE])
    weights = [
        tf.get_variable(f"w{i}", [SIZE, SIZE], initializer=tf.orthogonal_initializer(seed=i), use_resource=resource)
        for i in range(3)
    ]
    h = x
    for w in weights:
        h = tf.tanh(tf.matmul(h, w))
    return x, weights, tf.reduce_sum(h**2)


def _found(train: Any) -> dict[str, str]:
    items = [Instruction(op) for op in tf.get_default_graph().get_operations()]
    return {op.inputs[0].op.name: reader.op.type for op, (_, reader) in last_readers(items, []).items()}


OPTIMIZERS = [
    lambda: tf.train.GradientDescentOptimizer(0.01),
    lambda: tf.train.AdamOptimizer(0.01),
    lambda: tf.train.MomentumOptimizer(0.01, 0.9),
]


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_updates_wait_for_products_of_the_layer_before(make: Any, resource: bool) -> None:
    with tf.Graph().as_default():
        _, _, loss = _net(resource)
        # The derivative by the first layer's input is made too, but nothing takes it.
        assert _found(make().minimize(loss)) == {"w1": "MatMul", "w2": "MatMul"}


def test_assignments_wait_too() -> None:
    with tf.Graph().as_default():
        _, weights, loss = _net(False)
        for w, grad in zip(weights, tf.gradients(loss, weights), strict=True):
            w.assign(w - 0.1 * grad)
        assert set(_found(None)) == {"w1", "w2"}


def test_what_depends_on_all_derivatives_does_not_wait() -> None:
    with tf.Graph().as_default():
        _, weights, loss = _net(False)
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        grads, _ = tf.clip_by_global_norm(tf.gradients(loss, weights), 1.0)
        assert _found(optimizer.apply_gradients(zip(grads, weights, strict=True))) == {}


@pytest.mark.parametrize("resource", [False, True])
def test_values(resource: bool) -> None:
    given = np.random.RandomState(0).randn(8, SIZE).astype("f")
    with tf.Graph().as_default(), tf.Session() as session:
        x, weights, loss = _net(resource)
        grads = tf.gradients(loss, weights)
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        session.run(tf.global_variables_initializer())
        before, slopes = session.run([weights, grads], {x: given})
        session.run(train, {x: given})
        for old, slope, new in zip(before, slopes, session.run(weights), strict=True):
            np.testing.assert_allclose(new, old - 0.1 * slope, rtol=1e-5, atol=1e-6)


def test_values_that_are_not_finite_stay_as_they_are() -> None:
    given = np.full((8, SIZE), np.nan, "f")
    with tf.Graph().as_default(), tf.Session() as session:
        x, weights, loss = _net(False)
        train = tf.train.GradientDescentOptimizer(0.0).minimize(loss)
        session.run(tf.global_variables_initializer())
        session.run(train, {x: given})
        assert np.isnan(session.run(weights[1])).all()
