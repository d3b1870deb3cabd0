"""Metrics of `tf.metrics` that count hits and misses at given thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.metrics.metrics_impl import _collected
from retrograph.metrics.thresholds import _KINDS, _counts

_EPSILON = 1e-7
_BY_NAME = {kind[0]: kind for kind in _KINDS}


def _count(kind: str, labels: Any, predictions: Any, thresholds: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any) -> Any:  # fmt: skip
    with tf.variable_scope(name, kind, (predictions, labels, weights)):
        values, updates = _counts(labels, predictions, thresholds, weights, (_BY_NAME[kind],))
        return _collected(tf.identity(values[0]), updates[0], metrics_collections, updates_collections)


def _rate(kind: str, missed: str, labels: Any, predictions: Any, thresholds: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any) -> Any:  # fmt: skip
    with tf.variable_scope(name, f"{kind}_at_thresholds", (predictions, labels, weights)):
        kinds = (_BY_NAME["true_positives"], _BY_NAME[missed])
        values, updates = _counts(labels, predictions, thresholds, weights, kinds)
        value, update = (
            tf.div(hits, _EPSILON + hits + misses, name=f"{kind}_{suffix}")
            for (hits, misses), suffix in ((values, "value"), (updates, "update_op"))
        )
        return _collected(value, update, metrics_collections, updates_collections)


@export("metrics.true_positives_at_thresholds")
def true_positives_at_thresholds(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is true and predicted so, f32[thresholds]. Source: TF 1.15 `tf.metrics.true_positives_at_thresholds`."""
    return _count("true_positives", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.false_positives_at_thresholds")
def false_positives_at_thresholds(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is false but predicted true, f32[thresholds]. Source: TF 1.15 `tf.metrics.false_positives_at_thresholds`."""
    return _count("false_positives", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.true_negatives_at_thresholds")
def true_negatives_at_thresholds(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is false and predicted so, f32[thresholds]. Source: TF 1.15 `tf.metrics.true_negatives_at_thresholds`."""
    return _count("true_negatives", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.false_negatives_at_thresholds")
def false_negatives_at_thresholds(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is true but predicted false, f32[thresholds]. Source: TF 1.15 `tf.metrics.false_negatives_at_thresholds`."""
    return _count("false_negatives", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.precision_at_thresholds")
def precision_at_thresholds(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the predicted is true, f32[thresholds]. Source: TF 1.15 `tf.metrics.precision_at_thresholds`."""
    return _rate("precision", "false_positives", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.recall_at_thresholds")
def recall_at_thresholds(labels: Any, predictions: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the true is predicted, f32[thresholds]. Source: TF 1.15 `tf.metrics.recall_at_thresholds`."""
    return _rate("recall", "false_negatives", labels, predictions, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


def _sensitivity(tp: Any, fn: Any, tn: Any, fp: Any, wanted: float, name: str) -> Any:
    rates = tf.div(tn, tn + fp + _EPSILON)
    index = tf.cast(tf.argmin(tf.abs(rates - wanted), 0), tf.int32)
    return tf.div(tp[index], tp[index] + fn[index] + _EPSILON, name)


def _specificity(tp: Any, fn: Any, tn: Any, fp: Any, wanted: float, name: str) -> Any:
    rates = tf.div(tp, tp + fn + _EPSILON)
    least = tf.reduce_min(tf.abs(rates - wanted))
    # Of several as near, the last: the running count has its first maximum there.
    nearest = tf.cast(tf.equal(tf.abs(rates - wanted), least), tf.int64)
    index = tf.cast(tf.argmax(tf.cumsum(nearest), 0), tf.int32)
    return tf.div(tn[index], tn[index] + fp[index] + _EPSILON, name)


def _where(kind: str, given: str, figure: Callable[..., Any], last: float, labels: Any, predictions: Any, wanted: float, weights: Any, num_thresholds: int, metrics_collections: Any, updates_collections: Any, name: Any) -> Any:  # fmt: skip
    if wanted < 0 or wanted > 1:
        raise ValueError(f"`{given}` must be in the range [0, 1].")
    with tf.variable_scope(name, f"{kind}_at_{given}", (predictions, labels, weights)):
        inner = [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        values, updates = _counts(labels, predictions, [0.0 - _EPSILON, *inner, last], weights)
        value, update = figure(*values, wanted, "value"), figure(*updates, wanted, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)


@export("metrics.sensitivity_at_specificity")
def sensitivity_at_specificity(labels: Any, predictions: Any, specificity: float, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The sensitivity where the specificity is nearest to the given, f32[]. Raises ValueError: not in [0, 1]. Source: TF 1.15 `tf.metrics.sensitivity_at_specificity`."""
    return _where("sensitivity", "specificity", _sensitivity, 1.0 + _EPSILON, labels, predictions, specificity, weights, num_thresholds, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.specificity_at_sensitivity")
def specificity_at_sensitivity(labels: Any, predictions: Any, sensitivity: float, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The specificity where the sensitivity is nearest to the given, f32[]. Raises ValueError: not in [0, 1]. Source: TF 1.15 `tf.metrics.specificity_at_sensitivity`."""
    return _where("specificity", "sensitivity", _specificity, 1.0 - _EPSILON, labels, predictions, sensitivity, weights, num_thresholds, metrics_collections, updates_collections, name)  # fmt: skip
