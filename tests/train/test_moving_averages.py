"""Moving averages, slots and the global step beyond the recorded programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.train.moving_averages import assign_moving_average, weighted_moving_average


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as g:
        yield g


def test_average_follows_variable() -> None:
    v = tf.get_variable("v", initializer=tf.constant(10.0))
    ema = tf.train.ExponentialMovingAverage(0.25)
    update = ema.apply([v])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(v.assign(2.0))
        session.run(update)
        assert session.run(ema.average(v)) == 0.25 * 10.0 + 0.75 * 2.0
    assert ema.average_name(v) == "v/ExponentialMovingAverage"
    assert {k: x.name for k, x in ema.variables_to_restore().items()} == {"v/ExponentialMovingAverage": "v:0"}


def test_integers_are_refused() -> None:
    i = tf.get_variable("i", initializer=tf.constant(1))
    with pytest.raises(TypeError, match="The variables must be half, float, or double: i:0"):
        tf.train.ExponentialMovingAverage(0.9).apply([i])


def test_zero_debias_gives_the_mean_at_first() -> None:
    v = tf.get_variable("v", initializer=tf.constant(0.0))
    value = tf.placeholder(tf.float32, [])
    update = assign_moving_average(v, value, 0.9)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(update, {value: 5.0}) == pytest.approx(5.0)
        assert session.run(update, {value: 5.0}) == pytest.approx(5.0)


def test_weighted_average() -> None:
    value, weight = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [])
    average = weighted_moving_average(value, 0.5, weight)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(average, {value: [1.0, 2.0], weight: 1.0})
        got = session.run(average, {value: [3.0, 6.0], weight: 3.0})
    np.testing.assert_allclose(got, [(0.25 + 4.5) / 1.75, (0.5 + 9.0) / 1.75], rtol=1e-6)


def test_global_step_is_checked() -> None:
    tf.add_to_collection("global_step", tf.constant(1.0))
    with pytest.raises(TypeError, match="does not have integer type"):
        tf.train.get_global_step()
