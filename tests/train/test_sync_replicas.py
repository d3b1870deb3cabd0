"""`tf.train.SyncReplicasOptimizer` in one process: steps, threads, sessions, slim."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import retrograph as tf
from retrograph.contrib import slim_learning

RATE = 0.1
# The thread that applies dies of CancelledError when its session is closed, in 1.15 too.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def _built(replicas, total):
    v = tf.get_variable("v", initializer=[1.0, -2.0])
    x = tf.placeholder(tf.float32, [2])
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(RATE), replicas, total)
    return v, x, step, optimizer, optimizer.minimize(tf.reduce_sum(v * x), global_step=step)


def _session(optimizer):
    return tf.train.MonitoredTrainingSession(hooks=[optimizer.make_session_run_hook(True)], stop_grace_period_secs=1)


def _until(session, v, step, wanted):
    """The variable's value once the thread that applies has come to a step."""
    for _ in range(1000):
        count, value = session.run([step, v], feed_dict={"Placeholder:0": [0.0, 0.0]})
        if count >= wanted:
            return value
        threading.Event().wait(0.005)
    raise AssertionError("no step was taken")


def test_one_replica_applies_each_fresh_gradient():
    with tf.Graph().as_default():
        v, x, step, optimizer, train = _built(1, 1)
        with _session(optimizer) as session:
            session.run(train, {x: [1.0, 2.0]})
            np.testing.assert_allclose(_until(session, v, step, 1), [1 - RATE, -2 - 2 * RATE], rtol=1e-6)


def test_mean_of_two_batches():
    with tf.Graph().as_default():
        v, x, step, optimizer, train = _built(2, 1)
        with _session(optimizer) as session:
            session.run(train, {x: [1.0, 0.0]})
            session.run(train, {x: [3.0, 2.0]})
            np.testing.assert_allclose(_until(session, v, step, 1), [1 - 2 * RATE, -2 - RATE], rtol=1e-6)


def test_threads_are_replicas():
    with tf.Graph().as_default():
        v, x, step, optimizer, train = _built(2, 2)
        tokens = optimizer.get_init_tokens_op(0)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run([tf.local_variables_initializer()])
            session.run([optimizer.chief_init_op, tokens])
            runner = optimizer.get_chief_queue_runner().create_threads(session, daemon=True, start=True)
            replicas = [
                threading.Thread(target=lambda g=g: [session.run(train, {x: [g, g]}) for _ in range(3)])
                for g in (1.0, 3.0)
            ]
            [thread.start() for thread in replicas]
            [thread.join(30) for thread in replicas]
            count, value = session.run([step, v])
        assert runner
        assert count == 3
        np.testing.assert_allclose(value, [1 - 3 * 2 * RATE, -2 - 3 * 2 * RATE], rtol=1e-6)


def test_hook_tells_of_variables_without_values():
    with tf.Graph().as_default():
        optimizer = _built(1, 1)[3]
        hook = optimizer.make_session_run_hook(True)
        hook.begin()
        with tf.Session() as session, pytest.raises(RuntimeError, match="did not make model ready"):
            hook.after_create_session(session, None)


class _Hasty(slim_learning.Supervisor):
    """The thread that applies waits until the session is closed; 1.15's supervisor waits two minutes for it."""

    def __init__(self, **kwargs):
        super().__init__(stop_grace_secs=0.2, **kwargs)


def test_slim_trains_with_it(monkeypatch):
    monkeypatch.setattr(slim_learning, "Supervisor", _Hasty)
    slim, losses = tf.contrib.slim, []

    def step(*args):
        loss, stop = slim.learning.train_step(*args)
        losses.append(loss)
        return loss, stop

    with tf.Graph().as_default():
        v = tf.get_variable("v", initializer=[1.0, 2.0])
        tf.losses.add_loss(tf.reduce_sum(v * v))
        optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.05), 1, 1)
        train = slim.learning.create_train_op(tf.losses.get_total_loss(), optimizer)
        with pytest.raises(RuntimeError, match="Coordinator stopped with threads still running"):
            slim.learning.train(train, None, step, number_of_steps=3, sync_optimizer=[optimizer])
    assert losses[0] == 5.0
    assert losses[-1] < 5.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"sync_optimizer": [3]}, "must be a tf.train.SyncReplicasOptimizer"),
        ({"startup_delay_steps": 2}, "startup_delay_steps must be zero"),
    ],
)
def test_slim_refuses(arguments, text):
    with tf.Graph().as_default():
        optimizer = _built(1, 1)[3]
        with pytest.raises(ValueError, match=text):
            tf.contrib.slim.learning.train(tf.no_op(), None, **{"sync_optimizer": optimizer, **arguments})
