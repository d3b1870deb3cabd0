"""The metrics of `tf.metrics`: each gives (the figure so far, an operation that takes in one more batch)."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.losses.broadcasting import broadcast_weights
from retrograph.losses.squeezing import remove_squeezable_dimensions


def metric_variable(shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None) -> Any:
    """A local variable of zeros, in the collection of metric variables too."""
    return tf.Variable(
        lambda: tf.zeros(shape, dtype), trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES, tf.GraphKeys.METRIC_VARIABLES], validate_shape=validate_shape,
        synchronization=tf.VariableSynchronization.ON_READ, aggregation=tf.VariableAggregation.SUM, name=name,
    )  # fmt: skip


def _squeezed(predictions: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """All three with ranks that fit together."""
    predictions = tf.convert_to_tensor(predictions)
    if labels is not None:
        labels, predictions = remove_squeezable_dimensions(labels, predictions)
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    if weights is None:
        return predictions, labels, None
    weights = tf.convert_to_tensor(weights)
    rank, wanted = weights.get_shape().ndims, predictions.get_shape().ndims
    if rank == 0:
        return predictions, labels, weights
    if rank is None or wanted is None:
        return predictions, labels, _fitted_later(weights, predictions)
    if rank - wanted == 1:
        weights = tf.squeeze(weights, [-1])
    elif wanted - rank == 1:
        weights = tf.expand_dims(weights, [-1])
    return predictions, labels, weights


def _fitted_later(weights: Any, predictions: Any) -> Any:
    shape, rank = weights.get_shape(), tf.rank(weights)
    difference = rank - tf.rank(predictions)
    fixed = shape.ndims is not None and not shape.dims[-1].is_compatible_with(1)

    def expanded() -> Any:
        return tf.cond(tf.equal(difference, -1), lambda: tf.expand_dims(weights, [-1]), lambda: weights)

    def adjusted() -> Any:
        return tf.cond(tf.equal(difference, 1), lambda: weights if fixed else tf.squeeze(weights, [-1]), expanded)

    return tf.cond(tf.equal(rank, 0), lambda: weights, adjusted)


def _collected(value: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    if metrics_collections:
        tf.add_to_collections(metrics_collections, value)
    if updates_collections:
        tf.add_to_collections(updates_collections, update)
    return value, update


def _ratio(numerator: Any, denominator: Any, name: str | None) -> Any:
    return tf.div_no_nan(numerator, tf.maximum(denominator, 0), name=name)


def _weighted(values: Any, weights: Any) -> tuple[Any, Any]:
    values, _, weights = _squeezed(values, None, weights)
    weights = broadcast_weights(tf.cast(weights, tf.float32), values)
    return tf.multiply(values, weights), weights


@export("metrics.mean")
def mean(values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weighted mean, f32[]. Source: TF 1.15 `tf.metrics.mean`."""
    with tf.variable_scope(name, "mean", (values, weights)):
        values = tf.cast(values, tf.float32)
        total, count = (metric_variable([], tf.float32, name=n) for n in ("total", "count"))
        if weights is None:
            number = tf.cast(tf.size(values), tf.float32)
        else:
            values, weights = _weighted(values, weights)
            number = tf.reduce_sum(weights)
        update_total = tf.assign_add(total, tf.reduce_sum(values))
        with tf.control_dependencies([values]):
            update_count = tf.assign_add(count, number)
        value = _ratio(total, count, "value")
        update = _ratio(update_total, update_count, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)


@export("metrics.mean_tensor")
def mean_tensor(values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weighted mean of each element. Source: TF 1.15 `tf.metrics.mean_tensor`."""
    with tf.variable_scope(name, "mean", (values, weights)):
        values = tf.cast(values, tf.float32)
        shape = values.get_shape()
        total, count = (metric_variable(shape, tf.float32, name=n) for n in ("total_tensor", "count_tensor"))
        number = tf.ones_like(values)
        if weights is not None:
            values, weights = _weighted(values, weights)
            number = tf.multiply(number, weights)
        update_total = tf.assign_add(total, values)
        with tf.control_dependencies([values]):
            update_count = tf.assign_add(count, number)
        value = _ratio(total, count, "value")
        update = _ratio(update_total, update_count, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)


@export("metrics.accuracy")
def accuracy(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """How often predictions equal labels. Source: TF 1.15 `tf.metrics.accuracy`."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    if labels.dtype != predictions.dtype:
        predictions = tf.cast(predictions, labels.dtype)
    correct = tf.cast(tf.equal(predictions, labels), tf.float32)
    return mean(correct, weights, metrics_collections, updates_collections, name or "accuracy")


@export("metrics.mean_absolute_error")
def mean_absolute_error(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The mean of |predictions - labels|. Source: TF 1.15 `tf.metrics.mean_absolute_error`."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    errors = tf.abs(predictions - labels)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


@export("metrics.mean_squared_error")
def mean_squared_error(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The mean of (predictions - labels)^2. Source: TF 1.15 `tf.metrics.mean_squared_error`."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    errors = tf.squared_difference(labels, predictions)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")


@export("metrics.root_mean_squared_error")
def root_mean_squared_error(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The root of the mean squared error. Source: TF 1.15 `tf.metrics.root_mean_squared_error`."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return _collected(tf.sqrt(value), tf.sqrt(update), metrics_collections, updates_collections)


@export("metrics.percentage_below")
def percentage_below(values: Any, threshold: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """How often values lie below a threshold. Source: TF 1.15 `tf.metrics.percentage_below`."""
    below = tf.cast(tf.less(values, threshold), tf.float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


def _counted(condition: Any, weights: Any, metrics_collections: Any, updates_collections: Any) -> Any:
    tf.assert_type(condition, tf.bool)
    count = metric_variable([], tf.float32, name="count")
    values = tf.cast(condition, tf.float32)
    if weights is not None:
        with tf.control_dependencies((tf.assert_rank_in(weights, (0, tf.rank(values))),)):
            values = tf.multiply(values, tf.cast(weights, tf.float32))
    value = tf.identity(count)
    update = tf.assign_add(count, tf.reduce_sum(values))
    return _collected(value, update, metrics_collections, updates_collections)


def _of_kind(
    kind: str, label: bool, prediction: bool, labels: Any, predictions: Any, weights: Any, metrics_collections: Any,
    updates_collections: Any, name: Any,
) -> Any:  # fmt: skip
    with tf.variable_scope(name, kind, (predictions, labels, weights)):
        predictions, labels, weights = _squeezed(tf.cast(predictions, tf.bool), tf.cast(labels, tf.bool), weights)
        condition = tf.logical_and(tf.equal(labels, label), tf.equal(predictions, prediction))
        return _counted(condition, weights, metrics_collections, updates_collections)


@export("metrics.true_positives")
def true_positives(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is true and predicted so. Source: TF 1.15 `tf.metrics.true_positives`."""
    return _of_kind("true_positives", True, True, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.false_positives")
def false_positives(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is false but predicted true. Source: TF 1.15 `tf.metrics.false_positives`."""
    return _of_kind("false_positives", False, True, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.true_negatives")
def true_negatives(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is false and predicted so. Source: TF 1.15 `tf.metrics.true_negatives`."""
    return _of_kind("true_negatives", False, False, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.false_negatives")
def false_negatives(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The weight of what is true but predicted false. Source: TF 1.15 `tf.metrics.false_negatives`."""
    return _of_kind("false_negatives", True, False, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


def _part(hits: Any, misses: Any, name: str) -> Any:
    return tf.where(tf.greater(hits + misses, 0), tf.div(hits, hits + misses), 0, name)


def _hit_rate(kind: str, missed: Any, labels: Any, predictions: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any) -> Any:  # fmt: skip
    return _hit_rate_of(true_positives, missed, kind, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


def _hit_rate_of(counted: Any, rest: Any, kind: str, labels: Any, predictions: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any) -> Any:  # fmt: skip
    """What part one count is of two."""
    with tf.variable_scope(name, kind, (predictions, labels, weights)):
        predictions, labels, weights = _squeezed(tf.cast(predictions, tf.bool), tf.cast(labels, tf.bool), weights)
        hits, update_hits = counted(labels, predictions, weights)
        misses, update_misses = rest(labels, predictions, weights)
        value = _part(hits, misses, "value")
        update = _part(update_hits, update_misses, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)


@export("metrics.precision")
def precision(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the predicted is true. Source: TF 1.15 `tf.metrics.precision`."""
    return _hit_rate("precision", false_positives, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.recall")
def recall(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """What part of the true is predicted. Source: TF 1.15 `tf.metrics.recall`."""
    return _hit_rate("recall", false_negatives, labels, predictions, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.mean_iou")
def mean_iou(labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The mean over classes of intersection over union. Source: TF 1.15 `tf.metrics.mean_iou`."""
    with tf.variable_scope(name, "mean_iou", (predictions, labels, weights)):
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
        matrix, update = _confusion(labels, predictions, num_classes, weights)
        return _collected(_intersection_over_union(matrix), update, metrics_collections, updates_collections)


def _confusion(labels: Any, predictions: Any, num_classes: int, weights: Any) -> tuple[Any, Any]:
    total = metric_variable([num_classes, num_classes], tf.float64, name="total_confusion_matrix")
    predictions, labels = tf.cast(predictions, tf.int64), tf.cast(labels, tf.int64)
    classes = tf.cast(num_classes, tf.int64)
    predictions, labels = _flat(predictions), _flat(labels)
    weights = None if weights is None else _flat(weights)
    current = tf.confusion_matrix(labels, predictions, classes, weights=weights, dtype=tf.float64)
    return total, tf.assign_add(total, current)


def _flat(tensor: Any) -> Any:
    return tf.reshape(tensor, [-1]) if tensor.get_shape().ndims > 1 else tensor


def _intersection_over_union(matrix: Any) -> Any:
    rows = tf.cast(tf.reduce_sum(matrix, 0), tf.float32)
    columns = tf.cast(tf.reduce_sum(matrix, 1), tf.float32)
    diagonal = tf.cast(tf.diag_part(matrix), tf.float32)
    union = rows + columns - diagonal
    present = tf.reduce_sum(tf.cast(tf.not_equal(union, 0), dtype=tf.float32))
    union = tf.where(tf.greater(union, 0), union, tf.ones_like(union))
    ratios = tf.div(diagonal, union)
    return tf.where(tf.greater(present, 0), tf.reduce_sum(ratios, name="mean_iou") / present, 0)


@export("metrics.mean_per_class_accuracy")
def mean_per_class_accuracy(labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The mean over classes of the accuracy. Source: TF 1.15 `tf.metrics.mean_per_class_accuracy`."""
    with tf.variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        labels, predictions = _flat(tf.cast(labels, tf.int64)), _flat(predictions)
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
        total, count = (metric_variable([num_classes], tf.float32, name=n) for n in ("total", "count"))
        ones = tf.ones([tf.size(labels)], tf.float32)
        if labels.dtype != predictions.dtype:
            predictions = tf.cast(predictions, labels.dtype)
        correct = tf.cast(tf.equal(predictions, labels), tf.float32)
        if weights is not None:
            weights = tf.cast(_flat(weights), tf.float32)
            correct, ones = correct * weights, ones * weights
        update_total = tf.scatter_add(total, labels, ones)
        update_count = tf.scatter_add(count, labels, correct)
        value = tf.reduce_mean(_ratio(count, total, None), name="mean_accuracy")
        update = _ratio(update_count, update_total, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)
