"""`slim.prefetch_queue`, and the sizes that contrib.layers' utilities read off shapes."""

import importlib

import pytest

import retrograph as tf


@pytest.mark.parametrize("tensors", [["a", "b"], {"x": "a", "y": "b"}])
def test_prefetched_batches_come_in_order(tensors):
    parts = {"a": tf.train.range_input_producer(3, shuffle=False).dequeue(), "b": tf.constant([1.0, 2.0])}
    given = {k: parts[v] for k, v in tensors.items()} if isinstance(tensors, dict) else [parts[t] for t in tensors]
    queue = tf.contrib.slim.prefetch_queue.prefetch_queue(given, capacity=2)
    assert queue.name.startswith("prefetch_queue/fifo_queue")
    taken = queue.dequeue()
    number = taken["x"] if isinstance(tensors, dict) else taken[0]
    with tf.Session() as session:
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        assert [session.run(number) for _ in range(4)] == [0, 1, 2, 0]
        coordinator.request_stop()
        coordinator.join(threads)


def test_sizes_of_axes():
    parts = importlib.import_module("retrograph.contrib.layer_parts")
    shape = tf.TensorShape([None, 3, 5])
    assert parts.last_dimension(shape, min_rank=3) == 5
    assert parts.channel_dimension(shape, "channels_first") == 3
    with pytest.raises(ValueError, match="rank of shape must be at least 4 not: 3"):
        parts.last_dimension(shape, min_rank=4)
