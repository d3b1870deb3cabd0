"""The optimizers of tf.contrib.opt: each beside its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

GRAD = np.array([0.5, -0.25], np.float32)


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as g:
        yield g


def stepped(make: Any, steps: int = 1, **minimize: Any) -> Any:
    v = tf.get_variable("v", initializer=tf.constant([1.0, 2.0]))
    step = make().minimize(tf.reduce_sum(v * GRAD), **minimize)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(step)
        return session.run(v)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: tf.contrib.opt.AdaMaxOptimizer(0.1), [0.9, 2.1]),
        (lambda: tf.contrib.opt.NadamOptimizer(0.1), [1 - 0.19, 2 + 0.19]),
        (lambda: tf.contrib.opt.LazyAdamOptimizer(0.1), [0.9, 2.1]),
        (lambda: tf.contrib.opt.AdamWOptimizer(0.5, 0.1), [0.4, 1.1]),
        (lambda: tf.contrib.opt.MomentumWOptimizer(0.5, 0.1, 0.9), [0.45, 1.025]),
        (lambda: tf.contrib.opt.AddSignOptimizer(0.1), [0.9, 2.05]),
        (lambda: tf.contrib.opt.PowerSignOptimizer(0.1), [1 - 0.05 * np.e, 2 + 0.025 * np.e]),
        (lambda: tf.contrib.opt.RegAdagradOptimizer(0.1), [1 - 0.05 / 0.35**0.5, 2 + 0.025 / 0.1625**0.5]),
        (lambda: tf.contrib.opt.LARSOptimizer(0.1, skip_list=["v"]), [0.95, 2.025]),
    ],
)
def test_first_step(make: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(stepped(make), expected, rtol=1e-4)


def test_decay_of_some_variables() -> None:
    opt = tf.contrib.opt.MomentumWOptimizer(0.5, 0.1, 0.0)
    v = tf.get_variable("v", initializer=tf.constant(1.0))
    w = tf.get_variable("w", initializer=tf.constant(1.0))
    step = opt.apply_gradients([(tf.constant(1.0), v), (tf.constant(1.0), w)], decay_var_list=[w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        np.testing.assert_allclose(session.run([v, w]), [0.9, 0.4], rtol=1e-6)


def test_moving_average_optimizer() -> None:
    v = tf.get_variable("v", initializer=tf.constant(1.0))
    opt = tf.contrib.opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(1.0), average_decay=0.5)
    step = opt.minimize(v * 0.5)
    average = opt._ema.average(v)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert session.run([v, average]) == [0.5, 0.75]


def test_tasks_without_gradient_leave_slots_alone() -> None:
    v = tf.get_variable("v", initializer=tf.constant([1.0, 1.0]))
    grad = tf.placeholder(tf.float32, [2])
    opt = tf.contrib.opt.MultitaskOptimizerWrapper(tf.train.MomentumOptimizer(1.0, 0.5))
    step = opt.apply_gradients([(grad, v)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {grad: [1.0, 1.0]})
        session.run(step, {grad: [0.0, 0.0]})
        np.testing.assert_allclose(session.run(v), [0.0, 0.0])


def test_variable_clipping() -> None:
    def make() -> Any:
        v = tf.global_variables()[0]
        return tf.contrib.opt.VariableClippingOptimizer(tf.train.GradientDescentOptimizer(0.0), {v: [0]}, 1.0)

    np.testing.assert_allclose(stepped(make), [5**-0.5, 2 * 5**-0.5], rtol=1e-5)


def test_scipy() -> None:
    pytest.importorskip("scipy")
    v = tf.get_variable("v", initializer=tf.constant([5.0, -3.0]))
    loss = tf.reduce_sum(tf.square(v - [1.0, 2.0]))
    bounded = tf.contrib.opt.ScipyOptimizerInterface(loss, var_to_bounds={v: (-np.inf, 1.5)})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        bounded.minimize(session)
        np.testing.assert_allclose(session.run(v), [1.0, 1.5], atol=1e-4)
