"""The metrics of heads, as pairs (value, update) of `tf.metrics`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.losses.broadcasting import broadcast_weights

Pair = tuple[Any, Any]


def _mean_of(default: str, inner: str) -> Callable[..., Pair]:
    def mean(values: Any, weights: Any = None, name: str | None = None) -> Pair:
        with tf.name_scope(name, default, (values, weights)) as scope:
            values = tf.cast(values, tf.float32, name=inner)
            if weights is not None:
                weights = broadcast_weights(weights, values)
            return tf.metrics.mean(values, weights=weights, name=scope)  # type: ignore[no-any-return]

    return mean


labels_mean = _mean_of("labels_mean", "labels")
predictions_mean = _mean_of("predictions_mean", "predictions")


def accuracy_baseline(mean: Pair) -> Pair:
    """The accuracy of the better constant answer, by the mean of the labels."""
    with tf.name_scope(None, "accuracy_baseline", mean):
        value, update = mean
        return tf.maximum(value, 1.0 - value, name="value"), tf.maximum(update, 1 - update, name="update_op")


def auc(labels: Any, predictions: Any, weights: Any = None, curve: str = "ROC", name: str | None = None) -> Pair:
    """The area under a curve."""
    with tf.name_scope(name, "auc", (predictions, labels, weights)) as scope:
        predictions = tf.cast(predictions, tf.float32, name="predictions")
        if weights is not None:
            weights = broadcast_weights(weights, predictions)
        return tf.metrics.auc(  # type: ignore[no-any-return]
            labels=labels, predictions=predictions, weights=weights, curve=curve, name=scope
        )


def accuracy_at_threshold(labels: Any, predictions: Any, weights: Any, threshold: float, name: str) -> Pair:
    """The accuracy where all predictions from `threshold` on say yes."""
    with tf.name_scope(name, f"accuracy_at_{threshold}", (predictions, labels, weights)) as scope:
        found = tf.cast(tf.greater_equal(predictions, threshold), tf.float32, name="ToFloat")
        return tf.metrics.accuracy(  # type: ignore[no-any-return]
            labels=labels, predictions=found, weights=weights, name=scope
        )


def _at(metric: str) -> Callable[..., Pair]:
    def at_threshold(labels: Any, predictions: Any, weights: Any, threshold: float, name: str) -> Pair:
        with tf.name_scope(name, f"{metric}_at_{threshold}", (predictions, labels, weights)) as scope:
            value, update = getattr(tf.metrics, f"{metric}_at_thresholds")(
                labels=labels, predictions=predictions, thresholds=(threshold,), weights=weights, name=scope
            )
            return tf.squeeze(value), tf.squeeze(update)

    return at_threshold


precision_at_threshold, recall_at_threshold = _at("precision"), _at("recall")
