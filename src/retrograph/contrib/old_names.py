"""The losses and metrics of `tf.contrib`: those of `tf.losses` and `tf.metrics` with predictions before labels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export, export_value
from retrograph.losses import losses_impl
from retrograph.metrics import metrics_impl


def _public_loss(name: str) -> Callable[[Any], Any]:
    return export(f"contrib.losses.{name}", f"contrib.slim.losses.{name}")


for _name in ("add_loss", "get_losses", "get_regularization_losses", "get_total_loss"):
    globals()[_name] = getattr(losses_impl, _name)
    export_value(f"contrib.losses.{_name}", f"contrib.slim.losses.{_name}", globals()[_name], attribute=_name)


@_public_loss("compute_weighted_loss")
def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: Any = None) -> Any:
    """Weighted losses over the number of nonzero weights. Source: TF 1.15 `tf.contrib.losses.compute_weighted_loss`."""
    return tf.losses.compute_weighted_loss(losses, weights, scope)


@_public_loss("absolute_difference")
def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """As `tf.losses.absolute_difference`. Source: TF 1.15 `tf.contrib.losses.absolute_difference`."""
    return tf.losses.absolute_difference(labels, predictions, weights, scope)


@_public_loss("mean_squared_error")
def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """As `tf.losses.mean_squared_error`. Source: TF 1.15 `tf.contrib.losses.mean_squared_error`."""
    return tf.losses.mean_squared_error(labels, predictions, weights, scope)


@_public_loss("mean_pairwise_squared_error")
def mean_pairwise_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """As `tf.losses.mean_pairwise_squared_error`. Source: TF 1.15 `tf.contrib.losses.mean_pairwise_squared_error`."""
    return tf.losses.mean_pairwise_squared_error(labels, predictions, weights, scope)


@_public_loss("log_loss")
def log_loss(predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """As `tf.losses.log_loss`. Source: TF 1.15 `tf.contrib.losses.log_loss`."""
    return tf.losses.log_loss(labels, predictions, weights, epsilon, scope)


@_public_loss("softmax_cross_entropy")
def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None
) -> Any:
    """As `tf.losses.softmax_cross_entropy`. Source: TF 1.15 `tf.contrib.losses.softmax_cross_entropy`."""
    return tf.losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


@_public_loss("sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: Any = None) -> Any:
    """As `tf.losses.sparse_softmax_cross_entropy`. Source: TF 1.15 `tf.contrib.losses.sparse_softmax_cross_entropy`."""
    return tf.losses.sparse_softmax_cross_entropy(labels, logits, weights, scope)


@_public_loss("sigmoid_cross_entropy")
def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None
) -> Any:
    """As `tf.losses.sigmoid_cross_entropy`. Source: TF 1.15 `tf.contrib.losses.sigmoid_cross_entropy`."""
    return tf.losses.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, scope)


def _predictions_first(metric: Any, name: str) -> Any:
    @functools.wraps(metric)
    def streaming(predictions: Any, labels: Any, *args: Any, **kwargs: Any) -> Any:
        return metric(labels, predictions, *args, **kwargs)

    streaming.__name__ = streaming.__qualname__ = name
    return streaming


_SWAPPED = (
    "accuracy", "precision", "recall", "true_positives", "true_negatives", "false_positives", "false_negatives",
    "mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "mean_iou", "mean_relative_error",
    "mean_cosine_distance", "specificity_at_sensitivity", "sensitivity_at_specificity", "precision_at_thresholds",
    "recall_at_thresholds", "auc",
)  # fmt: skip
_SPARSE = {
    "streaming_sparse_recall_at_k": "recall_at_k",
    "streaming_sparse_precision_at_k": "precision_at_k",
    "streaming_sparse_average_precision_at_k": "average_precision_at_k",
}
_SAME = {
    "streaming_mean": "mean",
    "streaming_mean_tensor": "mean_tensor",
    "streaming_percentage_less": "percentage_below",
}
_STREAMING = {
    **{f"streaming_{n}": _predictions_first(getattr(tf.metrics, n), f"streaming_{n}") for n in _SWAPPED},
    **{name: _predictions_first(getattr(tf.metrics, plain), name) for name, plain in _SPARSE.items()},
    **{name: getattr(metrics_impl, plain) for name, plain in _SAME.items()},
}
globals().update(_STREAMING)
for _name, _metric in _STREAMING.items():
    export_value(f"contrib.metrics.{_name}", f"contrib.slim.metrics.{_name}", _metric, attribute=_name)


@export("contrib.metrics.aggregate_metrics", "contrib.slim.metrics.aggregate_metrics")
def aggregate_metrics(*value_update_tuples: Any) -> tuple[list[Any], list[Any]]:
    """(values, updates) of several metrics. Source: TF 1.15 `tf.contrib.metrics.aggregate_metrics`."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


@export("contrib.metrics.aggregate_metric_map", "contrib.slim.metrics.aggregate_metric_map")
def aggregate_metric_map(names_to_tuples: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(values, updates) by name. Source: TF 1.15 `tf.contrib.metrics.aggregate_metric_map`."""
    values = {name: pair[0] for name, pair in names_to_tuples.items()}
    return values, {name: pair[1] for name, pair in names_to_tuples.items()}
