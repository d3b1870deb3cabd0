"""`tf.contrib.slim.prefetch_queue`: batches made ahead of their use."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


@export("contrib.slim.prefetch_queue.prefetch_queue")
def prefetch_queue(
    tensors: Any,
    capacity: int = 8,
    num_threads: int = 1,
    dynamic_pad: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """A queue of tensors (a list, or a dict by name) that threads of a queue runner keep filled.

    Source: TF 1.15 `tf.contrib.slim.prefetch_queue.prefetch_queue`.
    """
    names = sorted(tensors) if isinstance(tensors, dict) else None
    parts = [tensors[key] for key in names] if names is not None else list(tensors)
    kind = tf.PaddingFIFOQueue if dynamic_pad else tf.FIFOQueue
    with tf.name_scope(name, "prefetch_queue", parts):
        queue = kind(
            capacity=capacity,
            dtypes=[part.dtype for part in parts],
            shapes=[part.get_shape() for part in parts],
            names=names,
            shared_name=shared_name,
        )
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(tensors)] * num_threads))
        tf.summary.scalar(f"fraction_of_{capacity}_full", tf.cast(queue.size(), tf.float32) * (1.0 / capacity))
        return queue
