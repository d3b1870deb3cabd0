"""`tf.contrib.seq2seq.sequence_loss`."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


def _check(logits: Any, targets: Any, weights: Any, averages: Any, sums: Any) -> None:
    for value, rank, text in (
        (logits, 3, "Logits must be a [batch_size x sequence_length x logits] tensor"),
        (targets, 2, "Targets must be a [batch_size x sequence_length] tensor"),
        (weights, 2, "Weights must be a [batch_size x sequence_length] tensor"),
    ):
        if len(value.get_shape()) != rank:
            raise ValueError(text)
    for average, total, what in zip(averages, sums, ("timesteps", "batch"), strict=True):
        if average and total:
            raise ValueError(f"average_across_{what} and sum_over_{what} cannot be set to True at same time.")


@export("contrib.seq2seq.sequence_loss")
def sequence_loss(
    logits: Any, targets: Any, weights: Any, average_across_timesteps: bool = True, average_across_batch: bool = True, sum_over_timesteps: bool = False,
    sum_over_batch: bool = False, softmax_loss_function: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """The weighted cross entropy of logits f[batch, time, n] and targets i[batch, time], averaged or summed over either axis, both or none.

    Raises ValueError: other ranks, or an axis both averaged and summed. Source: TF 1.15 `tf.contrib.seq2seq.sequence_loss`.
    """
    averages, sums = (average_across_timesteps, average_across_batch), (sum_over_timesteps, sum_over_batch)
    _check(logits, targets, weights, averages, sums)
    with tf.name_scope(name, "sequence_loss", [logits, targets, weights]):
        classes = tf.shape(logits)[2]
        flat_logits, flat_targets = tf.reshape(logits, [-1, classes]), tf.reshape(targets, [-1])
        if softmax_loss_function is None:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=flat_targets, logits=flat_logits)
        else:
            losses = softmax_loss_function(labels=flat_targets, logits=flat_logits)
        losses *= tf.reshape(weights, [-1])
        if all(averages):
            return tf.div_no_nan(tf.reduce_sum(losses), tf.reduce_sum(weights))
        if all(sums):
            total = tf.cast(tf.count_nonzero(weights), losses.dtype)
            return tf.div_no_nan(tf.reduce_sum(losses), total)
        losses = tf.reshape(losses, tf.shape(logits)[0:2])
        if any(averages) or any(sums):
            axes = [0] if (average_across_batch if any(averages) else sum_over_batch) else [1]
            losses = tf.reduce_sum(losses, axis=axes)
            if any(averages):
                total = tf.reduce_sum(weights, axis=axes)
            else:
                total = tf.cast(tf.count_nonzero(weights, axis=axes), losses.dtype)
            return tf.div_no_nan(losses, total)
        return losses
