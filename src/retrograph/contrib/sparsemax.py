"""`tf.contrib.sparsemax`: probabilities of which many are 0, and their loss."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


@export("contrib.sparsemax.sparsemax")
def sparsemax(logits: Any, name: str | None = None) -> Any:
    """The nearest probabilities to logits `[batch, n]`; NaN where there are none.

    Source: TF 1.15 `tf.contrib.sparsemax.sparsemax`.
    """
    with tf.name_scope(name, "sparsemax", [logits]):
        z: Any = tf.convert_to_tensor(logits, name="logits")
        shape: Any = tf.shape(z)
        rows, size = shape[0], shape[1]
        largest_first, _ = tf.nn.top_k(z, k=size)
        sums: Any = tf.cumsum(largest_first, axis=1)
        place = tf.range(1, tf.cast(size, z.dtype) + 1, dtype=z.dtype)
        inside = 1 + place * largest_first > sums
        count = tf.reduce_sum(tf.cast(inside, tf.int32), axis=1)
        last = tf.stack([tf.range(0, rows), tf.maximum(count, 1) - 1], axis=1)
        threshold: Any = (tf.gather_nd(sums, last) - 1) / tf.cast(count, z.dtype)
        found = tf.maximum(tf.cast(0, z.dtype), z - threshold[:, tf.newaxis])
        undefined = tf.logical_or(tf.equal(count, 0), tf.is_nan(sums[:, -1]))
        return tf.where(undefined, tf.fill([rows, size], tf.cast(float("nan"), z.dtype)), found)


@export("contrib.sparsemax.sparsemax_loss")
def sparsemax_loss(logits: Any, sparsemax: Any, labels: Any, name: str | None = None) -> Any:
    """The losses of logits, their `sparsemax` and labels, all `[batch, n]`: `[batch]`.

    Source: TF 1.15 `tf.contrib.sparsemax.sparsemax_loss`.
    """
    with tf.name_scope(name, "sparsemax_loss", [logits, sparsemax, labels]):
        z: Any = tf.convert_to_tensor(logits, name="logits")
        p: Any = tf.convert_to_tensor(sparsemax, name="sparsemax")
        q: Any = tf.convert_to_tensor(labels, name="labels")
        support = tf.where(tf.logical_or(p > 0, tf.is_nan(p)), p * (z - 0.5 * p), tf.zeros_like(p))
        own = q * (0.5 * q - z)
        empty = tf.logical_and(tf.equal(q, 0), tf.is_inf(z))
        return tf.reduce_sum(support + tf.where(empty, tf.zeros_like(z), own), axis=1)
