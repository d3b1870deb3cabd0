"""`tf.contrib.layers`: what a model predicts, its loss and its metrics, as they were before heads."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib import old_names
from retrograph.contrib.old_losses import hinge_loss
from retrograph.feature_column.models import InputLayer
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export, export_value

Loss = Callable[[Any, Any], Any]
Metrics = dict[Any, Callable[..., Any]]
_TEXT = (
    "This file will be removed after the deprecation date.Please switch to "
    "third_party/tensorflow/contrib/learn/python/learn/estimators/head.py"
)
_MODULE = "tensorflow.contrib.layers.python.layers.target_column"
_metrics: Any = old_names
_old = deprecated(_TEXT, _MODULE, "2016-11-12")


class ProblemType:
    """What kind of thing is predicted."""

    UNSPECIFIED = 0
    CLASSIFICATION = 1
    LINEAR_REGRESSION = 2
    LOGISTIC_REGRESSION = 3


class _TargetColumn:
    """A loss of logits and labels, weighted by a feature if one is named."""

    def __init__(self, loss_fn: Loss, columns: int, label_name: Any, weight_column_name: Any, problem_type: int):
        self._loss_fn, self._num_label_columns, self._problem_type = loss_fn, columns, problem_type
        self._label_name, self._weight_column_name = label_name, weight_column_name

    @property
    def label_name(self) -> Any:
        """The name of the labels, or None."""
        return self._label_name

    @property
    def weight_column_name(self) -> Any:
        """The feature that holds the examples' weights, or None."""
        return self._weight_column_name

    @property
    def num_label_columns(self) -> int:
        """How many logits there are for an example."""
        return self._num_label_columns

    @property
    def problem_type(self) -> int:
        """One of `ProblemType`."""
        return self._problem_type

    def logits_to_predictions(self, logits: Any, proba: bool = False) -> Any:
        """What the logits mean."""
        raise NotImplementedError

    def get_weight_tensor(self, features: Any) -> Any:
        """The examples' weights, `f32[batch]`, or None."""
        if not self._weight_column_name:
            return None
        return tf.reshape(tf.cast(features[self._weight_column_name], tf.float32), shape=(-1,))

    def _losses(self, logits: Any, target: Any, features: Any) -> tuple[Any, Any]:
        """(the examples' losses, weighted, the weights or None)."""
        losses, weights = self._loss_fn(logits, target), self.get_weight_tensor(features)
        if weights is None:
            return losses, None
        return tf.multiply(tf.reshape(losses, shape=(-1,)), tf.reshape(weights, shape=(-1,))), weights

    def training_loss(self, logits: Any, target: Any, features: Any, name: str = "training_loss") -> Any:
        """The mean of the weighted losses, f32[]."""
        return tf.reduce_mean(self._losses(logits, target, features)[0], name=name)

    def loss(self, logits: Any, target: Any, features: Any) -> Any:
        """The weighted mean of the losses, f32[]."""
        losses, weights = self._losses(logits, target, features)
        if weights is None:
            return tf.reduce_mean(losses, name="loss")
        return tf.div(tf.reduce_sum(losses), tf.cast(tf.reduce_sum(weights), tf.float32), name="loss")

    def _measured(self, predictions: Any, labels: Any, metrics: Metrics, features: Any) -> dict[Any, Any]:
        weights = self.get_weight_tensor(features)
        labels = tf.cast(labels, predictions.dtype)
        given = {} if weights is None else {"weights": weights}
        return {name: metric(predictions, labels, **given) for name, metric in metrics.items()}


class _RegressionTargetColumn(_TargetColumn):
    def __init__(self, loss_fn: Loss, label_name: Any, weight_column_name: Any, label_dimension: int):
        super().__init__(loss_fn, label_dimension, label_name, weight_column_name, ProblemType.LINEAR_REGRESSION)

    def logits_to_predictions(self, logits: Any, proba: bool = False) -> Any:
        """The logits."""
        return tf.squeeze(logits, axis=[1]) if self.num_label_columns == 1 else logits

    def get_eval_ops(self, features: Any, logits: Any, labels: Any, metrics: Metrics | None = None) -> dict[Any, Any]:
        """The mean loss and the metrics, by name."""
        found = {"loss": _metrics.streaming_mean(self.loss(logits, labels, features))}
        if metrics:
            found.update(self._measured(self.logits_to_predictions(logits), labels, metrics, features))
        return found


class _MultiClassTargetColumn(_TargetColumn):
    def __init__(self, loss_fn: Loss, n_classes: int, label_name: Any, weight_column_name: Any):
        columns = 1 if n_classes == 2 else n_classes
        super().__init__(loss_fn, columns, label_name, weight_column_name, ProblemType.CLASSIFICATION)

    def logits_to_predictions(self, logits: Any, proba: bool = False) -> Any:
        """The classes, or their probabilities."""
        if self.num_label_columns == 1:
            logits = tf.concat([tf.zeros_like(logits), logits], 1)
        return tf.nn.softmax(logits) if proba else tf.argmax(logits, 1)

    def get_eval_ops(self, features: Any, logits: Any, labels: Any, metrics: Metrics | None = None) -> dict[Any, Any]:
        """The mean loss and the metrics, by name. Raises ValueError: a name of a metric that is none."""
        found = {"loss": _metrics.streaming_mean(self.loss(logits, labels, features))}
        if metrics is None:
            metrics = {("accuracy", "classes"): _metrics.streaming_accuracy}
        probabilities, floats = tf.sigmoid(logits), tf.cast(labels, tf.float32)
        if self._num_label_columns == 1:
            for name, metric in get_default_binary_metrics_for_eval(thresholds=[0.5]).items():
                found[name] = metric(probabilities, floats)
        for kind, chosen in _by_kind(metrics).items():
            if chosen:
                predictions = self.logits_to_predictions(logits, proba=kind == "probabilities")
                found.update(self._measured(predictions, labels, chosen, features))
        return found


def _by_kind(metrics: Metrics) -> dict[str, Metrics]:
    found: dict[str, Metrics] = {"classes": {}, "probabilities": {}}
    for name, metric in metrics.items():
        if isinstance(name, str):
            found["classes"][name] = metric
            continue
        if not isinstance(name, tuple):
            raise ValueError(f"Ignoring metric {name}. Its name is not in the correct form.")
        if len(name) != 2:
            raise ValueError(f"Ignoring metric {name}. It returned a tuple with len {len(name)}, expected 2.")
        if name[1] not in found:
            text = "The 2nd element of its name should be either 'classes' or 'probabilities'."
            raise ValueError(f"Ignoring metric {name}. {text}")
        found[name[1]][name[0]] = metric
    return found


class _BinarySvmTargetColumn(_MultiClassTargetColumn):
    def __init__(self, label_name: Any, weight_column_name: Any):
        super().__init__(_hinge, 2, label_name, weight_column_name)

    def logits_to_predictions(self, logits: Any, proba: bool = False) -> Any:
        """The classes. Raises ValueError: probabilities, which there are none."""
        if proba:
            raise ValueError("logits to probabilities is not supported for _BinarySvmTargetColumn")
        return tf.argmax(tf.concat([tf.zeros_like(logits), logits], 1), 1)


# ---- losses


def _hinge(logits: Any, target: Any) -> Any:
    text = "target's shape should be either [batch_size, 1] or [batch_size]"
    with tf.control_dependencies([tf.Assert(tf.less_equal(tf.rank(target), 2), [text])]):
        target = tf.reshape(target, shape=[tf.shape(target)[0], 1])
    return hinge_loss(logits, target)


def _as_column(target: Any) -> Any:
    return tf.expand_dims(target, axis=1) if len(target.get_shape()) == 1 else target


def _squared(logits: Any, target: Any) -> Any:
    target = _as_column(target)
    logits.get_shape().assert_is_compatible_with(target.get_shape())
    return tf.squared_difference(logits, tf.cast(target, tf.float32))


def _log_loss(logits: Any, target: Any) -> Any:
    labels = tf.cast(_as_column(target), tf.float32)
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)


def _cross_entropy(logits: Any, target: Any) -> Any:
    if not target.dtype.is_integer:
        raise ValueError(f"Target's dtype should be integer Instead got {target.dtype}.")
    labels = tf.squeeze(target, axis=[1]) if len(target.get_shape()) == 2 else target
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


# ---- metrics


def _floats(weights: Any) -> Any:
    return None if weights is None else tf.cast(weights, tf.float32)


def _mean_label(predictions: Any, labels: Any, weights: Any = None) -> Any:
    return _metrics.streaming_mean(labels, weights=weights)


def _mean_prediction(predictions: Any, labels: Any, weights: Any = None) -> Any:
    return _metrics.streaming_mean(predictions, weights=weights)


def _area(predictions: Any, labels: Any, weights: Any = None) -> Any:
    return _metrics.streaming_auc(predictions, labels, weights=_floats(weights))


def _accuracy_at(threshold: float) -> Callable[..., Any]:
    def metric(predictions: Any, labels: Any, weights: Any = None) -> Any:
        chosen = tf.cast(tf.greater_equal(predictions, threshold), tf.float32)
        return _metrics.streaming_accuracy(predictions=chosen, labels=labels, weights=weights)

    return metric


def _at(streaming: Callable[..., Any], threshold: float) -> Callable[..., Any]:
    def metric(predictions: Any, labels: Any, weights: Any = None) -> Any:
        value, update = streaming(predictions, labels=labels, thresholds=[threshold], weights=_floats(weights))
        return tf.squeeze(value), update

    return metric


@export("contrib.slim.get_default_binary_metrics_for_eval")
@_old
def get_default_binary_metrics_for_eval(thresholds: Any) -> dict[str, Callable[..., Any]]:
    """The metrics of a model of two classes, by name.

    Source: TF 1.15 `tf.contrib.slim.get_default_binary_metrics_for_eval`.
    """
    metrics = {
        "labels/prediction_mean": _mean_prediction,
        "labels/actual_target_mean": _mean_label,
        "accuracy/baseline_target_mean": _mean_label,
        "auc": _area,
    }
    for threshold in thresholds:
        metrics[f"accuracy/threshold_{threshold:f}_mean"] = _accuracy_at(threshold)
        precision, recall = _metrics.streaming_precision_at_thresholds, _metrics.streaming_recall_at_thresholds
        metrics[f"precision/positive_threshold_{threshold:f}_mean"] = _at(precision, threshold)
        metrics[f"recall/positive_threshold_{threshold:f}_mean"] = _at(recall, threshold)
    return metrics


# ---- functions


@export("contrib.layers.regression_target", "contrib.slim.regression_target")
@_old
def regression_target(label_name: Any = None, weight_column_name: Any = None, label_dimension: int = 1) -> Any:
    """A target of numbers, with the squared error. Source: TF 1.15 `tf.contrib.layers.regression_target`."""
    return _RegressionTargetColumn(_squared, label_name, weight_column_name, label_dimension)


@export("contrib.layers.multi_class_target", "contrib.slim.multi_class_target")
@_old
def multi_class_target(n_classes: int, label_name: Any = None, weight_column_name: Any = None) -> Any:
    """A target of classes, with the cross entropy. Raises ValueError: fewer than two classes.

    Source: TF 1.15 `tf.contrib.layers.multi_class_target`.
    """
    if n_classes < 2:
        raise ValueError("n_classes must be > 1 for classification.")
    loss = _log_loss if n_classes == 2 else _cross_entropy
    return _MultiClassTargetColumn(loss, n_classes, label_name, weight_column_name)


@export("contrib.slim.binary_svm_target")
@_old
def binary_svm_target(label_name: Any = None, weight_column_name: Any = None) -> Any:
    """A target of two classes, with the hinge loss. Source: TF 1.15 `tf.contrib.slim.binary_svm_target`."""
    return _BinarySvmTargetColumn(label_name, weight_column_name)


# ---- what `tf.contrib.slim` shows beside its own


@export("contrib.slim.embedding_lookup_sparse_with_distributed_aggregation")
def embedding_lookup_sparse_with_distributed_aggregation(
    params: Any, sp_ids: Any, sp_weights: Any, partition_strategy: str = "mod", name: str | None = None,
    combiner: str | None = None, max_norm: float | None = None,
) -> Any:  # fmt: skip
    """As `tf.nn.embedding_lookup_sparse`, whose operations it has: one process needs no aggregation on others.

    Source: TF 1.15 `tf.contrib.slim.embedding_lookup_sparse_with_distributed_aggregation`.
    """
    return tf.nn.embedding_lookup_sparse(
        params, sp_ids, sp_weights, partition_strategy=partition_strategy, name=name, combiner=combiner, max_norm=max_norm
    )  # fmt: skip


@export("contrib.slim.make_all")
def make_all(module_name: str, doc_string_modules: Any = None) -> list[str]:
    """The names that a module has and that docstrings name by lines `@@name`. Source: TF 1.15 `tf.contrib.slim.make_all`."""
    modules = [sys.modules[module_name]] if doc_string_modules is None else doc_string_modules
    named = {name for module in modules for name in re.findall(r"^@@(\w+)$", module.__doc__ or "", re.MULTILINE)}
    return [name for name in named if hasattr(sys.modules[module_name], name)]


export_value("contrib.slim.InputLayer", InputLayer, attribute="InputLayer")
