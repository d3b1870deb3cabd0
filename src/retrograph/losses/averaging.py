"""Losses of examples averaged over a whole batch: what training loops of one's own call."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.losses.broadcasting import broadcast_weights

_RANK = "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1"


def _fitting_weights(weights: Any, losses: Any) -> Any:
    """The weights with the rank of the losses, if they have one axis more or less."""
    rank, wanted = weights.shape.ndims, losses.shape.ndims
    if rank == 0:
        return weights
    if rank is not None and wanted is not None:
        if rank - wanted == 1:
            return tf.squeeze(weights, [-1])
        return tf.expand_dims(weights, [-1]) if wanted - rank == 1 else weights
    rank = tf.rank(weights)
    difference = rank - tf.rank(losses)
    return tf.cond(tf.equal(rank, 0), lambda: weights, lambda: _adjusted(weights, difference))


def _adjusted(weights: Any, difference: Any) -> Any:
    def expanded() -> Any:
        return tf.cond(tf.equal(difference, -1), lambda: tf.expand_dims(weights, [-1]), lambda: weights)

    return tf.cond(tf.equal(difference, 1), lambda: tf.squeeze(weights, [-1]), expanded)


def _weighted(losses: Any, weights: Any) -> Any:
    losses, weights = tf.cast(losses, tf.float32), tf.cast(weights, tf.float32)
    weights = broadcast_weights(_fitting_weights(weights, losses), losses)
    return tf.multiply(losses, weights)


def _rank_checks(losses: Any) -> list[Any]:
    if losses.shape.ndims == 0:
        raise ValueError(f"{_RANK}, received: {losses}")
    if losses.shape.ndims is not None:
        return []
    return [tf.assert_greater_equal(tf.rank(losses), tf.cast(1, dtype=tf.int32), message=_RANK + ".")]


@export("nn.compute_average_loss")
def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """The sum of the losses of examples (times weights) divided by the size of the batch.

    Raises ValueError: a loss of rank 0. Source: TF 1.15 `tf.nn.compute_average_loss`.
    """
    losses = tf.convert_to_tensor(per_example_loss)
    dtype = losses.dtype
    with tf.control_dependencies(_rank_checks(losses)):
        if sample_weight is not None:
            losses = _weighted(losses, sample_weight)
        losses = tf.cast(losses, dtype)
        if global_batch_size is None:
            global_batch_size = tf.cast(tf.shape(losses)[0] * 1, dtype)
        return tf.reduce_sum(losses) / global_batch_size


@export("nn.scale_regularization_loss")
def scale_regularization_loss(regularization_loss: Any) -> Any:
    """The sum of the losses, divided by the number of replicas, which is 1.

    Source: TF 1.15 `tf.nn.scale_regularization_loss`.
    """
    return tf.reduce_sum(regularization_loss) / 1
