"""`tf.contrib.metrics`: rates, points of curves and the best figures at thresholds, recall and precision of the k best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.metrics import at_k, metrics_impl
from retrograph.metrics.metrics_impl import _collected, _hit_rate_of, _squeezed
from retrograph.metrics.thresholds import _KINDS, _counts, _tallied

_EPSILON = 1e-7
_BY_NAME = {kind[0]: kind for kind in _KINDS}


def in_metrics(name: str) -> Callable[[Any], Any]:
    """Public in `tf.contrib.metrics` and `tf.contrib.slim.metrics`."""
    return export(f"contrib.metrics.{name}", f"contrib.slim.metrics.{name}")


@in_metrics("streaming_false_positive_rate")
def streaming_false_positive_rate(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the false is predicted true, f32[]. Source: TF 1.15 `tf.contrib.metrics.streaming_false_positive_rate`."""
    parts = metrics_impl.false_positives, metrics_impl.true_negatives
    return _hit_rate_of(*parts, "false_positive_rate", labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


@in_metrics("streaming_false_negative_rate")
def streaming_false_negative_rate(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the true is predicted false, f32[]. Source: TF 1.15 `tf.contrib.metrics.streaming_false_negative_rate`."""
    parts = metrics_impl.false_negatives, metrics_impl.true_positives
    return _hit_rate_of(*parts, "false_negative_rate", labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


def _plain_counts(
    predictions: Any, labels: Any, thresholds: Any, weights: Any, *names: str
) -> tuple[list[Any], list[Any]]:
    """(counts, updates) of these kinds, in the order of TF: hits, missed, rightly refused, false alarms."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    kinds = tuple(kind for kind in _KINDS if not names or kind[0] in names)
    return _tallied(labels, predictions, thresholds, weights, kinds)


def _one_kind(kind: str, predictions: Any, labels: Any, thresholds: Any, weights: Any) -> tuple[Any, Any]:
    values, updates = _plain_counts(predictions, labels, thresholds, weights, kind)
    return values[0], updates[0]


@in_metrics("streaming_true_positives_at_thresholds")
def streaming_true_positives_at_thresholds(predictions: Any, labels: Any, thresholds: Any, weights: Any = None) -> Any:
    """The weight of what is true and predicted so. Source: TF 1.15 `tf.contrib.metrics.streaming_true_positives_at_thresholds`."""
    return _one_kind("true_positives", predictions, labels, thresholds, weights)


@in_metrics("streaming_false_negatives_at_thresholds")
def streaming_false_negatives_at_thresholds(predictions: Any, labels: Any, thresholds: Any, weights: Any = None) -> Any:
    """The weight of what is true but predicted false. Source: TF 1.15 `tf.contrib.metrics.streaming_false_negatives_at_thresholds`."""
    return _one_kind("false_negatives", predictions, labels, thresholds, weights)


@in_metrics("streaming_false_positives_at_thresholds")
def streaming_false_positives_at_thresholds(predictions: Any, labels: Any, thresholds: Any, weights: Any = None) -> Any:
    """The weight of what is false but predicted true. Source: TF 1.15 `tf.contrib.metrics.streaming_false_positives_at_thresholds`."""
    return _one_kind("false_positives", predictions, labels, thresholds, weights)


@in_metrics("streaming_true_negatives_at_thresholds")
def streaming_true_negatives_at_thresholds(predictions: Any, labels: Any, thresholds: Any, weights: Any = None) -> Any:
    """The weight of what is false and predicted so. Source: TF 1.15 `tf.contrib.metrics.streaming_true_negatives_at_thresholds`."""
    return _one_kind("true_negatives", predictions, labels, thresholds, weights)


def _rate(kind: str, counted: str, rest: str, predictions: Any, labels: Any, thresholds: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any) -> Any:  # fmt: skip
    with tf.variable_scope(name, f"{kind}_rate_at_thresholds", (predictions, labels, weights)):
        found = _plain_counts(predictions, labels, thresholds, weights, counted, rest)
        order = 0 if next(k[0] for k in _KINDS if k[0] in (counted, rest)) == counted else 1
        short = "".join(word[0] for word in kind.split("_")) + "r"
        value, update = (
            tf.div(pair[order], _EPSILON + pair[order] + pair[1 - order], name=f"{short}_{suffix}")
            for pair, suffix in zip(found, ("value", "update_op"), strict=True)
        )
        return _collected(value, update, metrics_collections, updates_collections)


@in_metrics("streaming_false_positive_rate_at_thresholds")
def streaming_false_positive_rate_at_thresholds(predictions: Any, labels: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the false is predicted true, f32[thresholds]. Source: TF 1.15 `tf.contrib.metrics.streaming_false_positive_rate_at_thresholds`."""
    return _rate("false_positive", "false_positives", "true_negatives", predictions, labels, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


@in_metrics("streaming_false_negative_rate_at_thresholds")
def streaming_false_negative_rate_at_thresholds(predictions: Any, labels: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the true is predicted false, f32[thresholds]. Source: TF 1.15 `tf.contrib.metrics.streaming_false_negative_rate_at_thresholds`."""
    return _rate("false_negative", "false_negatives", "true_positives", predictions, labels, thresholds, weights, metrics_collections, updates_collections, name)  # fmt: skip


def _even_thresholds(number: int) -> list[float]:
    inner = [(i + 1) * 1.0 / (number - 1) for i in range(number - 2)]
    return [0.0 - _EPSILON, *inner, 1.0 + _EPSILON]


@in_metrics("streaming_curve_points")
def streaming_curve_points(
    labels: Any = None, predictions: Any = None, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, curve: str = "ROC", name: str | None = None,
) -> Any:  # fmt: skip
    """f32[num_thresholds, 2]: points of the ROC or PR curve. Raises ValueError: another curve.

    Source: TF 1.15 `tf.contrib.metrics.streaming_curve_points`.
    """
    small = 1e-6
    with tf.variable_scope(name, "curve_points", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        values, updates = _plain_counts(predictions, labels, _even_thresholds(num_thresholds), weights)
        hits, missed, refused, alarms = values
        recall = tf.div(hits + small, hits + missed + small)
        if curve == "ROC":
            points = tf.stack([tf.div(alarms, alarms + refused + small), recall], axis=1)
        else:
            points = tf.stack([recall, tf.div(hits + small, hits + alarms + small)], axis=1)
        return _collected(points, tf.group(*updates), metrics_collections, updates_collections)


def _recall_at(hits: Any, alarms: Any, missed: Any, precision: float, name: str, strict: bool) -> Any:
    precisions = tf.div(hits, hits + alarms + _EPSILON)
    if not strict:
        nearest = tf.argmin(tf.abs(precisions - precision), 0, output_type=tf.int32)
        return tf.div(hits[nearest], hits[nearest] + missed[nearest] + _EPSILON, name)
    least = tf.argmax(tf.div(1.0, precisions - precision + _EPSILON), 0, output_type=tf.int32)

    def recall() -> Any:
        return tf.div(hits[least], hits[least] + missed[least] + _EPSILON, name)

    return tf.cond(precisions[least] >= precision, recall, lambda: 0.0)


@in_metrics("recall_at_precision")
def recall_at_precision(
    labels: Any, predictions: Any, precision: float, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
    strict_mode: bool = False,
) -> Any:  # fmt: skip
    """The recall where the precision is nearest to (strict: just above) the given, f32[].

    Raises ValueError: it is not in [0, 1]. Source: TF 1.15 `tf.contrib.metrics.recall_at_precision`.
    """
    if not 0 <= precision <= 1:
        raise ValueError("`precision` must be in the range [0, 1].")
    with tf.variable_scope(name, "recall_at_precision", (predictions, labels, weights)):
        inner = [i * 1.0 / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
        found = _plain_counts(predictions, labels, [0.0 - _EPSILON, *inner, 1.0 + _EPSILON], weights)
        value, update = (
            _recall_at(hits, alarms, missed, precision, suffix, strict_mode)
            for (hits, missed, _, alarms), suffix in zip(found, ("value", "update_op"), strict=True)
        )
        return _collected(value, update, metrics_collections, updates_collections)


@in_metrics("precision_at_recall")
def precision_at_recall(
    labels: Any, predictions: Any, target_recall: float, weights: Any = None, num_thresholds: int = 200,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The precision at the highest threshold of at least that recall, f32[].

    Raises ValueError: it is not in [0, 1]. Source: TF 1.15 `tf.contrib.metrics.precision_at_recall`.
    """
    if target_recall < 0 or target_recall > 1:
        raise ValueError("`target_recall` must be in the range [0, 1].")

    def precision(hits: Any, missed: Any, alarms: Any, suffix: str) -> Any:
        recalls = tf.div(hits, hits + missed + _EPSILON)
        last = tf.reduce_sum(tf.cast(tf.greater_equal(recalls, target_recall), tf.int64)) - 1
        return tf.div(hits[last] + _EPSILON, hits[last] + alarms[last] + _EPSILON, suffix)

    with tf.variable_scope(name, "precision_at_recall", (predictions, labels, weights)):
        found = _plain_counts(predictions, labels, _even_thresholds(num_thresholds), weights)
        value, update = (
            precision(hits, missed, alarms, suffix)
            for (hits, missed, _, alarms), suffix in zip(found, ("value", "update_op"), strict=True)
        )
        return _collected(value, update, metrics_collections, updates_collections)


@in_metrics("f1_score")
def f1_score(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The best F1 score at any threshold, f32[]. Source: TF 1.15 `tf.contrib.metrics.f1_score`."""

    def best(hits: Any, missed: Any, alarms: Any, suffix: str) -> Any:
        precision = tf.div(hits, _EPSILON + hits + alarms, name=f"precision_{suffix}")
        recall = tf.div(hits, _EPSILON + hits + missed, name=f"recall_{suffix}")
        return tf.reduce_max(2.0 * precision * recall / (precision + recall + _EPSILON))

    kinds = tuple(_BY_NAME[kind] for kind in ("true_positives", "false_negatives", "false_positives"))
    with tf.variable_scope(name, "f1", (labels, predictions, weights)):
        predictions, labels, weights = _squeezed(predictions, labels, weights)
        found = _counts(labels, predictions, _even_thresholds(num_thresholds), weights, kinds)
        value, update = (best(*[*counts, s]) for counts, s in zip(found, ("value", "update"), strict=True))
        return _collected(value, update, metrics_collections, updates_collections)


@in_metrics("streaming_recall_at_k")
def streaming_recall_at_k(predictions: Any, labels: Any, k: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """How often the label i64[batch] is among the k best, f32[]. Source: TF 1.15 `tf.contrib.metrics.streaming_recall_at_k`."""
    among = tf.cast(tf.nn.in_top_k(predictions, labels, k), tf.float32)
    return metrics_impl.mean(among, weights, metrics_collections, updates_collections, name or at_k.at_k_name("recall", k))  # fmt: skip


@in_metrics("streaming_sparse_precision_at_top_k")
def streaming_sparse_precision_at_top_k(
    top_k_predictions: Any, labels: Any, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Which part of the classes predicted is among the labels. Source: TF 1.15 `tf.contrib.metrics.streaming_sparse_precision_at_top_k`."""
    with tf.name_scope(name, at_k.at_k_name("precision", None, class_id), (top_k_predictions, labels, weights)) as scope:  # fmt: skip
        return at_k.precision_at_top_k(
            labels, top_k_predictions, None, class_id, weights, metrics_collections, updates_collections, scope
        )


@in_metrics("sparse_recall_at_top_k")
def sparse_recall_at_top_k(
    labels: Any, top_k_predictions: Any, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Which part of the labels is among the classes predicted. Source: TF 1.15 `tf.contrib.metrics.sparse_recall_at_top_k`."""
    with tf.name_scope(name, at_k.at_k_name("recall", None, class_id), (top_k_predictions, labels, weights)) as scope:
        return at_k.recall_at_top_k(
            labels, top_k_predictions, None, class_id, weights, metrics_collections, updates_collections, scope
        )


@in_metrics("streaming_sparse_average_precision_at_top_k")
def streaming_sparse_average_precision_at_top_k(
    top_k_predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The mean average precision of the classes predicted. Source: TF 1.15 `tf.contrib.metrics.streaming_sparse_average_precision_at_top_k`."""
    return at_k._streaming_average(labels, top_k_predictions, weights, metrics_collections, updates_collections, name)
