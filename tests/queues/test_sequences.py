"""Pieces of sequences in batches, with sparse tensors, and at the end."""

from __future__ import annotations

from typing import Any

import cases
import pytest

import retrograph as tf


def _runs(wanted: Any) -> list[Any]:
    found = []
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        with pytest.raises(tf.errors.OutOfRangeError, match="closed and has insufficient elements"):
            for _ in range(20):
                found.append(sess.run(wanted))
        coord.request_stop()
        coord.join(threads)
    return found


def test_pieces_in_batches_come_in_order_with_the_states_before_them() -> None:
    batch = cases._sequences(tf, batch_size=2, capacity=8)
    save = batch.save_state("seen", batch.state("seen") + tf.expand_dims(batch.length, 1))
    runs = _runs([batch.key, batch.state("seen"), batch.sequences["x"], save])
    found = {key: (seen.tolist(), x[:, 0].tolist()) for run in runs for key, seen, x in zip(*run[:3], strict=True)}
    assert found[b"00000_of_00001:key0"] == ([0, 5], [0.0, 1.0, 2.0])
    assert [found[b"0000%d_of_00003:key1" % i][0] for i in range(3)] == [[0, 5], [3, 8], [6, 11]]
    assert found[b"00002_of_00003:key1"][1] == [106.0, 0.0, 0.0]
    assert len(found) == 6


def test_sparse_pieces() -> None:
    batch = cases._sequences(tf, batch_size=1, sparse=True)
    save = batch.save_state("seen", batch.state("seen"))
    few, place = batch.sequences["few"], batch.context["place"]
    runs = _runs([batch.key, few, place, save])
    found = {run[0][0]: run[1:3] for run in runs}
    few_found, place_found = found[b"00001_of_00003:key1"]
    assert few_found.indices.tolist() == [[0, 0, 1], [0, 1, 0], [0, 2, 1]]
    assert few_found.values.tolist() == [13, 14, 15]
    assert few_found.dense_shape.tolist() == [1, 3, 2]
    assert place_found.indices.tolist() == [[0, 1], [0, 2]]
    assert place_found.values.tolist() == [1, 7]


def test_what_fails_leaves_a_barrier_as_it_was() -> None:
    barrier = cases._barrier_class(tf)((tf.float32, tf.int32), shapes=((2,), ()))
    with tf.Session() as sess:
        sess.run(barrier.insert_many(1, ["a", "b"], [1, 2]))
        for values, text in (([[1.0], [2.0]], "Shape mismatch"), ([[1.0, 2.0]] * 2, "already has a value")):
            keys = ["a", "b"] if "Shape" in text else ["a", "a"]
            with pytest.raises(tf.errors.InvalidArgumentError, match=text):
                sess.run(barrier.insert_many(0, keys, values))
        assert sess.run([barrier.ready_size(), barrier.incomplete_size()]) == [0, 2]
        sess.run(barrier.insert_many(0, ["b"], [[3.0, 4.0]]))
        assert sess.run(barrier.take_many(1).values[0]).tolist() == [[3.0, 4.0]]
