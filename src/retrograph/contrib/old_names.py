"""The metrics of `tf.contrib` that are those of `tf.metrics` with predictions before labels."""

from __future__ import annotations

import functools
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export, export_value
from retrograph.metrics import metrics_impl


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
