"""Metrics of the k best classes: recall, precision and average precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.losses.broadcasting import assert_broadcastable, broadcast_weights
from retrograph.metrics.metrics_impl import metric_variable
from retrograph.ops.reduction_grad import reduced_shape

_Count = Callable[..., Any]


def at_k_name(name: str, k: int | None = None, class_id: int | None = None) -> str:
    """The default name of a metric.

    >>> at_k_name("recall", 5, 2)
    'recall_at_5_class2'
    """
    name = f"{name}_at_{'k' if k is None else k}"
    return name if class_id is None else f"{name}_class{class_id}"


def _tensors(*values: Any) -> list[Any]:
    return [v for v in values if isinstance(v, tf.Tensor)]


def _of_class(ids: Any, class_id: Any) -> Any:
    """The ids that are `class_id`, as sets."""
    ids = tf.convert_to_tensor_or_sparse_tensor(ids)
    if isinstance(ids, tf.SparseTensor):
        return tf.sparse_retain(ids, tf.equal(ids.values, class_id))
    shape: Any = tf.shape(ids, out_type=tf.int64)
    last = tf.size(shape) - 1
    filled = tf.fill(reduced_shape(shape, tf.reshape(last, [1])), tf.cast(class_id, tf.int64))
    result = tf.sets.set_intersection(filled, ids)
    return tf.SparseTensor(result.indices, result.values, shape)


def _selected(labels: Any, predictions: Any, class_id: Any) -> tuple[Any, Any]:
    if class_id is None:
        return labels, predictions
    return _of_class(labels, class_id), _of_class(predictions, class_id)


def _counted(operation: _Count, scope: str) -> _Count:
    """A function of labels and predictions that counts for each row what a set operation leaves."""

    def count(labels: Any, predictions: Any, class_id: Any = None, weights: Any = None, name: str | None = None) -> Any:
        with tf.name_scope(name, scope, _tensors(predictions, labels, weights)):
            labels, predictions = _selected(labels, predictions, class_id)
            found = tf.cast(tf.sets.set_size(operation(predictions, labels)), tf.float64)
            if weights is None:
                return found
            with tf.control_dependencies((assert_broadcastable(weights, found),)):
                return tf.multiply(found, tf.cast(weights, tf.float64))

    return count


_true_positives = _counted(tf.sets.set_intersection, "true_positives")
_false_positives = _counted(tf.sets.set_difference, "false_positives")
_false_negatives = _counted(lambda p, y: tf.sets.set_difference(p, y, aminusb=False), "false_negatives")


def _streamed(
    count: _Count, kind: str, labels: Any, predictions: Any, k: Any, class_id: Any, weights: Any
) -> tuple[Any, Any]:
    """(the total so far, the operation that adds a batch)."""
    with tf.name_scope(None, at_k_name(kind, k, class_id), _tensors(predictions, labels, weights)) as scope:
        found = count(labels, predictions, class_id, weights)
        total = tf.cast(tf.reduce_sum(found), tf.float64)
        variable = metric_variable([], tf.float64, name=scope)
        return variable, tf.assign_add(variable, total, name="update")


def _expanded_labels(labels: Any, predictions: Any) -> Any:
    """The labels with a last axis, if they have one class for each row."""
    with tf.name_scope(None, "expand_labels", _tensors(labels, predictions)) as scope:
        labels = tf.convert_to_tensor_or_sparse_tensor(labels)
        if isinstance(labels, tf.SparseTensor):
            return _expanded_sparse(labels, predictions, scope)
        rank, wanted = labels.get_shape().ndims, predictions.get_shape().ndims
        if rank is None or wanted is None:
            expand = tf.equal(tf.rank(predictions), tf.rank(labels) + 1)
            return tf.cond(expand, lambda: tf.expand_dims(labels, -1, name=scope), lambda: labels)
        if wanted == rank:
            return labels
        if wanted == rank + 1:
            return tf.expand_dims(labels, -1, name=scope)
        raise ValueError(
            f"Unexpected labels shape {labels.get_shape()} for predictions shape {predictions.get_shape()}."
        )


def _expanded_sparse(labels: Any, predictions: Any, scope: str) -> Any:
    def wide() -> Any:
        return tf.sparse_reshape(labels, shape=tf.concat((labels.dense_shape, (1,)), 0), name=scope)

    expand = tf.equal(tf.rank(predictions), tf.size(labels.dense_shape) + 1)
    return tf.cond(expand, wide, lambda: labels)


def _ratio(
    name: str, rest: tuple[_Count, str], labels: Any, predictions_idx: Any, k: Any, class_id: Any, weights: Any,
    metrics_collections: Any, updates_collections: Any, given: str | None,
) -> tuple[Any, Any]:  # fmt: skip
    """The true positives among them and the rest: (the metric, its update)."""
    with tf.name_scope(given, at_k_name(name, k, class_id), _tensors(predictions_idx, labels, weights)) as scope:
        labels = _expanded_labels(labels, predictions_idx)
        best = tf.cast(predictions_idx, tf.int64)
        right, right_update = _streamed(_true_positives, "true_positive", labels, best, k, class_id, weights)
        other, other_update = _streamed(*rest, labels, best, k, class_id, weights)
        metric = tf.div(right, tf.add(right, other), name=scope)
        update = tf.div(right_update, tf.add(right_update, other_update), name="update")
        return _collected(metric, update, metrics_collections, updates_collections)


def _collected(metric: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    if metrics_collections:
        tf.add_to_collections(metrics_collections, metric)
    if updates_collections:
        tf.add_to_collections(updates_collections, update)
    return metric, update


@export("metrics.recall_at_top_k")
def recall_at_top_k(
    labels: Any, predictions_idx: Any, k: int | None = None, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Which part of the labels is among the classes predicted. Source: TF 1.15 `tf.metrics.recall_at_top_k`."""
    rest = _false_negatives, "false_negative"
    return _ratio("recall", rest, labels, predictions_idx, k, class_id, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.precision_at_top_k")
def precision_at_top_k(
    labels: Any, predictions_idx: Any, k: int | None = None, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Which part of the classes predicted is among the labels. Source: TF 1.15 `tf.metrics.precision_at_top_k`."""
    rest = _false_positives, "false_positive"
    return _ratio("precision", rest, labels, predictions_idx, k, class_id, weights, metrics_collections, updates_collections, name)  # fmt: skip


@export("metrics.recall_at_k")
def recall_at_k(
    labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Which part of the labels is among the k largest predictions. Source: TF 1.15 `tf.metrics.recall_at_k`."""
    with tf.name_scope(name, at_k_name("recall", k, class_id), _tensors(predictions, labels, weights)) as scope:
        _, best = tf.nn.top_k(predictions, k)
        return recall_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)


@export("metrics.precision_at_k", "metrics.sparse_precision_at_k")
def precision_at_k(
    labels: Any, predictions: Any, k: int, class_id: int | None = None, weights: Any = None,
    metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Which part of the k largest predictions is among the labels. Source: TF 1.15 `tf.metrics.precision_at_k`."""
    with tf.name_scope(name, at_k_name("precision", k, class_id), _tensors(predictions, labels, weights)) as scope:
        _, best = tf.nn.top_k(predictions, k)
        return precision_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)


# ---- average precision


def _tiled_sparse(labels: Any, multiple: int, scope: str) -> Any:
    place = tf.reshape(tf.size(labels.dense_shape) - 1, [1])
    before, after = tf.slice(labels.dense_shape, [0], place), tf.slice(labels.dense_shape, place, [-1])
    wide = tf.sparse_reshape(labels, shape=tf.concat((before, [1], after), 0, name="expanded_shape"), name="expand")
    return wide if multiple == 1 else tf.sparse_concat(-2, [wide] * multiple, name=scope)


def _tiled(labels: Any, multiple: int, name: str) -> Any:
    """The labels, repeated along a new axis before the last."""
    with tf.name_scope(name, "expand_and_tile", _tensors(labels)) as scope:
        labels = tf.convert_to_tensor_or_sparse_tensor(labels)
        if isinstance(labels, tf.SparseTensor):
            return _tiled_sparse(labels, multiple, scope)
        wide = tf.expand_dims(labels, -2, name="expand")
        if multiple == 1:
            return wide
        ones: Any = tf.ones_like(tf.shape(labels))
        return tf.tile(wide, tf.concat((ones[:-1], (multiple,), ones[-1:]), 0, name="multiples"), name=scope)


def _relevant(labels: Any, k: int) -> Any:
    with tf.name_scope(None, "num_relevant", _tensors(labels)) as scope:
        labels = tf.convert_to_tensor_or_sparse_tensor(labels)
        if isinstance(labels, tf.SparseTensor):
            return tf.minimum(tf.sets.set_size(labels), k, name=scope)
        counted = tf.where_v2(tf.greater_equal(labels, 0), tf.ones_like(labels), tf.zeros_like(labels))
        return tf.minimum(tf.reduce_sum(counted, axis=-1), k, name=scope)


def _average_precision(labels: Any, predictions_idx: Any) -> Any:
    """`f64[...]`: the average precision of each row."""
    with tf.name_scope(None, "average_precision", _tensors(predictions_idx, labels)) as scope:
        best = tf.cast(predictions_idx, tf.int64, name="predictions_idx")
        if best.get_shape().ndims == 0:
            raise ValueError("The rank of predictions_idx must be at least 1.")
        k = best.get_shape().as_list()[-1]
        if k is None:
            raise ValueError("The last dimension of predictions_idx must be set.")
        labels = _expanded_labels(labels, best)
        each = tf.expand_dims(best, -1, name="predictions_idx_per_k")
        right = _true_positives(_tiled(labels, k, "labels_per_k"), each, name="relevant_per_k")
        total = tf.cumsum(right, axis=-1, name="tp_per_k")
        retrieved = tf.cumsum(tf.ones_like(right), axis=-1, name="retrieved_per_k")
        precision = tf.div(tf.cast(total, tf.float64), tf.cast(retrieved, tf.float64), name="precision_per_k")
        relevant = tf.multiply(precision, tf.cast(right, tf.float64), name="relevant_precision_per_k")
        summed = tf.reduce_sum(relevant, axis=(-1,), name="precision_sum")
        return tf.div(summed, tf.cast(_relevant(labels, k), tf.float64), name=scope)


def _in_range(labels: Any, count: Any) -> Any:
    """The labels, -1 in place of those that are no class."""
    sparse = isinstance(labels, (tf.SparseTensor, tf.SparseTensorValue))
    labels = tf.SparseTensor.from_value(labels) if sparse else tf.convert_to_tensor(labels)
    values = labels.values if sparse else labels

    def cleaned() -> Any:
        kept = tf.where_v2(tf.greater_equal(values, count), -1 * tf.ones_like(values), values)
        return tf.SparseTensor(labels.indices, kept, labels.dense_shape) if sparse else kept

    return tf.cond(tf.greater_equal(tf.reduce_max(values), count), cleaned, lambda: labels)


def _mean(total: Any, count: Any, name: str | None) -> Any:
    """The quotient, 0 where nothing was counted."""
    return tf.div_no_nan(total, count, name=name)


@export("metrics.average_precision_at_k", "metrics.sparse_average_precision_at_k")
def average_precision_at_k(
    labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The mean over rows of the average precision of the k largest predictions.

    Source: TF 1.15 `tf.metrics.average_precision_at_k`.
    """
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    with tf.name_scope(name, at_k_name("average_precision", k), _tensors(predictions, labels, weights)) as scope:
        _, best = tf.nn.top_k(predictions, k)
        sizes: Any = tf.shape(predictions)
        labels = _in_range(labels, tf.cast(sizes[-1], tf.int64))
        return _streaming_average(labels, best, weights, metrics_collections, updates_collections, scope)


def _streaming_average(
    labels: Any, best: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: str | None
) -> tuple[Any, Any]:
    with tf.name_scope(name, "average_precision_at_top_k", _tensors(best, labels, weights)) as scope:
        average = _average_precision(labels, best)
        if weights is not None:
            weights = broadcast_weights(tf.cast(weights, tf.float64), average)
            average = tf.multiply(average, weights)
        with tf.name_scope(None, "max", (average,)) as most_scope:
            most = metric_variable([], tf.float64, name=most_scope)
            count = (
                tf.cast(tf.size(average, name="batch_max"), tf.float64)
                if weights is None
                else tf.reduce_sum(weights, name="batch_max")
            )
            most_update = tf.assign_add(most, count, name="update")
        with tf.name_scope(None, "total", (average,)) as total_scope:
            total = metric_variable([], tf.float64, name=total_scope)
            total_update = tf.assign_add(total, tf.reduce_sum(average, name="batch_total"), name="update")
        metric = _mean(total, most, "mean")
        update = _mean(total_update, most_update, scope)
        return _collected(metric, update, metrics_collections, updates_collections)
