"""Taking away a last axis of size 1 where labels, predictions and weights differ in rank by one."""

from __future__ import annotations

from typing import Any

import retrograph as tf


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Any, Any]:
    """(labels, predictions), the one of too high a rank squeezed. Source: TF 1.15 `confusion_matrix.remove_squeezable_dimensions`."""
    with tf.name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions, labels = tf.convert_to_tensor(predictions), tf.convert_to_tensor(labels)
        ranks = predictions.get_shape().ndims, labels.get_shape().ndims
        if None not in ranks:
            difference = ranks[0] - ranks[1]
            if difference == expected_rank_diff + 1:
                predictions = tf.squeeze(predictions, [-1])
            elif difference == expected_rank_diff - 1:
                labels = tf.squeeze(labels, [-1])
            return labels, predictions
        rank_diff = tf.rank(predictions) - tf.rank(labels)
        predictions = _squeezed_if(predictions, expected_rank_diff + 1, rank_diff)
        return _squeezed_if(labels, expected_rank_diff - 1, rank_diff), predictions


def _squeezed_if(tensor: Any, wanted: int, rank_diff: Any) -> Any:
    shape = tensor.get_shape()
    if shape.ndims is not None and not shape.dims[-1].is_compatible_with(1):
        return tensor
    return tf.cond(tf.equal(wanted, rank_diff), lambda: tf.squeeze(tensor, [-1]), lambda: tensor)


def with_squeezed_weights(
    labels: Any, predictions: Any, weights: Any, expected_rank_diff: int = 0
) -> tuple[Any, Any, Any]:
    """(labels, predictions, weights) with ranks that fit together."""
    labels, predictions = remove_squeezable_dimensions(labels, predictions, expected_rank_diff)
    if weights is None:
        return labels, predictions, None
    weights = tf.convert_to_tensor(weights)
    rank, wanted = weights.get_shape().ndims, labels.get_shape().ndims
    if rank is not None and wanted is not None:
        return labels, predictions, tf.squeeze(weights, [-1]) if rank - wanted == 1 else weights
    rank_diff = tf.rank(weights) - tf.rank(labels)
    if rank is None or (rank > 0 and weights.get_shape().dims[-1].is_compatible_with(1)):
        squeezed = weights
        weights = tf.cond(tf.equal(1, rank_diff), lambda: tf.squeeze(squeezed, [-1]), lambda: squeezed)
    return labels, predictions, weights
