"""`tf.metrics.auc`: hits and misses counted at many thresholds."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.losses.broadcasting import broadcast_weights
from retrograph.metrics.metrics_impl import _collected, _squeezed, metric_variable

_MARGIN = 1e-7
_EPSILON = 1e-6
# Variable, whether the label and the prediction are true; in the order in which TF makes them.
_KINDS = (
    ("true_positives", True, True),
    ("false_negatives", True, False),
    ("true_negatives", False, False),
    ("false_positives", False, True),
)


def _in_unit_range(predictions: Any) -> list[Any]:
    message = "predictions must be in [0, 1]"
    return [
        check(predictions, tf.cast(bound, dtype=predictions.dtype), message=message)
        for check, bound in ((tf.assert_greater_equal, 0.0), (tf.assert_less_equal, 1.0))
    ]


def _counts(
    labels: Any, predictions: Any, thresholds: Any, weights: Any, kinds: Any = _KINDS
) -> tuple[list[Any], list[Any]]:
    """The counts of these kinds so far, and their updates, f32[thresholds] each."""
    with tf.control_dependencies(_in_unit_range(predictions)):
        predictions, labels, weights = _squeezed(
            tf.cast(predictions, tf.float32), tf.cast(labels, dtype=tf.bool), weights
        )
    return _tallied(labels, predictions, thresholds, weights, kinds)


def _tallied(
    labels: Any, predictions: Any, thresholds: Any, weights: Any, kinds: Any = _KINDS
) -> tuple[list[Any], list[Any]]:
    """As `_counts`, of predictions as they are."""
    number = len(thresholds)
    column = tf.reshape(predictions, [-1, 1])
    row = tf.reshape(tf.cast(labels, dtype=tf.bool), [1, -1])
    size = column.get_shape().as_list()[0]
    size = tf.shape(column)[0] if size is None else size
    bounds = tf.tile(tf.expand_dims(tf.constant(thresholds), [1]), tf.stack([1, size]))
    predicted = {True: tf.greater(tf.tile(tf.transpose(column), [number, 1]), bounds)}
    if any(not prediction for _, _, prediction in kinds):
        predicted[False] = tf.logical_not(predicted[True])
    labelled = {True: tf.tile(row, [number, 1])}
    if any(not label for _, label, _ in kinds):
        labelled[False] = tf.logical_not(labelled[True])
    if weights is not None:
        weights = broadcast_weights(tf.cast(weights, tf.float32), predictions)
        weights = tf.tile(tf.reshape(weights, [1, -1]), [number, 1])
    values, updates = [], []
    for name, label, prediction in kinds:
        count = metric_variable([number], tf.float32, name=name)
        found = tf.cast(tf.logical_and(labelled[label], predicted[prediction]), tf.float32)
        found = found if weights is None else found * weights
        updates.append(tf.assign_add(count, tf.reduce_sum(found, 1)))
        values.append(count)
    return values, updates


def _area(counts: list[Any], number: int, curve: str, method: str, name: str) -> Any:
    tp, fn, tn, fp = counts
    if curve == "PR" and method == "careful_interpolation":
        return _interpolated(tp, fp, fn, number - 1)
    hit_rate = tf.div(tp + _EPSILON, tp + fn + _EPSILON)
    if curve == "ROC":
        x, y = tf.div(fp, fp + tn + _EPSILON), hit_rate
    else:
        x, y = hit_rate, tf.div(tp + _EPSILON, tp + fp + _EPSILON)
    widths, left, right = x[: number - 1] - x[1:], y[: number - 1], y[1:]
    heights = {"minoring": tf.minimum, "majoring": tf.maximum}.get(method, lambda a, b: (a + b) / 2.0)
    return tf.reduce_sum(tf.multiply(widths, heights(left, right)), name=name)


def _interpolated(tp: Any, fp: Any, fn: Any, last: int) -> Any:
    """The area under the PR curve, hits and false alarms interpolated between the thresholds."""
    gained = tp[:last] - tp[1:]
    positives = tp + fp
    slope = tf.div_no_nan(gained, tf.maximum(positives[:last] - positives[1:], 0), name="prec_slope")
    intercept = tp[1:] - tf.multiply(slope, positives[1:])
    ratio = tf.where(
        tf.logical_and(positives[:last] > 0, positives[1:] > 0),
        tf.div_no_nan(positives[:last], tf.maximum(positives[1:], 0), name="recall_relative_ratio"),
        tf.ones_like(positives[1:]),
    )
    parts = slope * (gained + intercept * tf.log(ratio))
    increments = tf.div_no_nan(parts, tf.maximum(tp[1:] + fn[1:], 0), name="pr_auc_increment")
    return tf.reduce_sum(increments, name="interpolate_pr_auc")


@export("metrics.auc")
def auc(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, curve: str = "ROC", name: str | None = None,
    summation_method: str = "trapezoidal", thresholds: Any = None,
) -> Any:  # fmt: skip
    """The area under the ROC or PR curve, f32[]. Raises ValueError: unknown curve or method. Source: TF 1.15 `tf.metrics.auc`."""
    with tf.variable_scope(name, "auc", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        if summation_method not in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
            raise ValueError(f"Invalid summation_method: {summation_method}")
        inner = (
            [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)]
            if thresholds is None
            else sorted(thresholds)
        )
        values, updates = _counts(labels, predictions, [0.0 - _MARGIN, *inner, 1.0 + _MARGIN], weights)
        value = _area(values, len(inner) + 2, curve, summation_method, "value")
        update = _area(updates, len(inner) + 2, curve, summation_method, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)
