"""`tf.CriticalSection`: no two executions at the same time, and a lock that a failed run gives back."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import retrograph as tf


def test_threads_take_turns():
    inside, most = [], []

    def alone():
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return np.float32(1)

    with tf.Graph().as_default(), tf.Session() as session:
        section = tf.CriticalSection(name="section")
        value = section.execute(lambda: tf.py_func(alone, [], tf.float32))
        threads = [threading.Thread(target=session.run, args=(value,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert most == [1] * 4


def test_a_failed_run_gives_the_lock_back():
    with tf.Graph().as_default(), tf.Session() as session:
        section = tf.CriticalSection(name="section")
        given = tf.placeholder(tf.float32, [])

        def fails():
            with tf.control_dependencies([tf.Assert(given > 0, ["not positive"])]):
                return tf.identity(given)

        value = section.execute(fails)
        with pytest.raises(tf.errors.InvalidArgumentError, match="not positive"):
            session.run(value, {given: -1.0})
        assert session.run(value, {given: 2.0}) == 2.0
