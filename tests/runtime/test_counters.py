"""Counters that a run adds to and reads: what TensorFlow 1.15.5 gives, with one thread, run after run."""

import numpy as np
import pytest

import retrograph as tf

READS = {
    "read_value": lambda step: step.read_value(),
    "plus": lambda step: step + 0,
    "identity": tf.identity,
    "cast": lambda step: tf.cast(step, tf.float32),
}


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _counter(dtype=tf.int64, shape=()):
    return tf.get_variable("step", shape, dtype, initializer=tf.zeros_initializer(), use_resource=True)


def _runs(fetches, count=3):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(fetches)[0] for _ in range(count)]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("early", [False, True])
def test_what_takes_a_counter_sees_the_sum(read, early):
    step = _counter()
    added = step.assign_add(1) if early else None
    value = READS[read](step)
    added = step.assign_add(1) if added is None else added
    assert _runs([value, added]) == [1, 2, 3]
    assert _runs([value, added.op]) == [1, 2, 3]


def test_a_counter_is_fetched_as_it_was_beside_the_sum():
    step = _counter()
    added = step.assign_add(1)
    assert _runs([step, added]) == [0, 1, 2]
    assert _runs([step, added.op]) == [1, 2, 3]


def test_subtracted():
    step = _counter(tf.float32)
    assert _runs([step * 2, step.assign_sub(1)]) == [-2, -4, -6]


@pytest.mark.parametrize("rate", ["exponential", "cond"])
def test_the_rate_of_a_training_step_is_that_of_the_counted_step(rate):
    step, weight = _counter(), tf.get_variable("weight", initializer=10.0)
    if rate == "cond":
        taken = tf.cond(step < 2, lambda: tf.to_float(step), lambda: tf.constant(5.0))
    else:
        taken = tf.train.exponential_decay(4.0, step, 1, 0.5)
    train = tf.train.GradientDescentOptimizer(taken).minimize(weight)
    both = tf.group(train, step.assign_add(1))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = []
        for _ in range(3):
            session.run(both)
            found.append(session.run(weight))
    np.testing.assert_allclose(found, [9, 4, -1] if rate == "cond" else [8, 7, 6.5])


def test_what_must_run_before_runs_before():
    step = _counter()
    value = tf.cast(step, tf.float32)
    with tf.control_dependencies([value]):
        added = step.assign_add(1)
    assert _runs([value, added]) == [0, 1, 2]
