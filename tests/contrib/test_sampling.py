"""Queues behind checks: what a branch before a waiting operation did not take, and stratified batches."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


def _checked_gather(value):
    given = tf.placeholder_with_default(np.float32([value, 0.8]), [2])
    check = tf.cond(given[0] > 0, tf.no_op, lambda: tf.Assert(given[0] > 0, ["not positive"]))
    queue = tf.FIFOQueue(10, [tf.float32])
    with tf.control_dependencies([queue.enqueue_many([[1.0, 0.0]])]):
        place = queue.dequeue()
    with tf.control_dependencies([check]):
        given = tf.identity(given)
    return tf.gather(given, tf.cast(place, tf.int32))


def test_a_branch_is_parted_from_its_switch_by_a_waiting_operation():
    with tf.Graph().as_default(), tf.Session() as session:
        result = _checked_gather(0.2)
        assert session.run(result) == np.float32(0.8)


def test_the_branch_that_fails_is_still_taken():
    with tf.Graph().as_default(), tf.Session() as session:
        result = _checked_gather(-0.2)
        with pytest.raises(tf.errors.InvalidArgumentError, match="not positive"):
            session.run(result)


def test_stratified_batches_have_the_classes_wanted():
    with tf.Graph().as_default(), tf.Session() as session:
        labels = tf.constant([0, 1, 1, 1])
        (values,), classes = tf.contrib.training.stratified_sample(
            [tf.constant([[0.0], [1.0], [1.0], [1.0]])], labels, [1.0, 0.0], 4, init_probs=[0.25, 0.75],
            enqueue_many=True,
        )  # fmt: skip
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        batch, found = session.run([values, classes])
        coordinator.request_stop()
        session.close()
        coordinator.join(threads, ignore_live_threads=True, stop_grace_period_secs=2)
    assert found.tolist() == [0] * 4
    assert batch.tolist() == [[0.0]] * 4
