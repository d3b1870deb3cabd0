"""The heads of `tf.contrib.estimator`, which the models that are ready made take too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.estimator import head_checks, head_metrics
from retrograph.estimator.head_keys import MetricKeys, summary_key
from retrograph.estimator.head_keys import PredictionKeys as Predictions
from retrograph.estimator.head_kinds import Binary, Kind, MultiClass, MultiLabel, Numbers, logistic_loss, poisson_loss
from retrograph.estimator.spec import EstimatorSpec, ModeKeys
from retrograph.framework.exports import export

_MEAN = tf.losses.Reduction.SUM_OVER_BATCH_SIZE


class LossSpec(NamedTuple):
    """A loss, and what it was made of."""

    training_loss: Any
    unreduced_loss: Any
    weights: Any
    processed_labels: Any


class _Head:
    """Base of heads. Source: TF 1.15 `canned.head._Head`."""

    @property
    def name(self) -> Any:
        """The name, or None."""
        raise NotImplementedError("Calling an abstract method.")

    @property
    def logits_dimension(self) -> Any:
        """The last dimension of logits."""
        raise NotImplementedError("Calling an abstract method.")

    def create_loss(self, features: Any, mode: Any, logits: Any, labels: Any) -> LossSpec:
        """The loss of logits, with its parts."""
        raise NotImplementedError("Calling an abstract method.")

    def create_estimator_spec(
        self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None, train_op_fn: Any = None,
        regularization_losses: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """What a model function gives."""
        raise NotImplementedError(
            "Subclasses of _Head must implement `create_estimator_spec()` or _create_tpu_estimator_spec()."
        )


def _train_op(loss: Any, optimizer: Any, train_op_fn: Any) -> Any:
    if optimizer is not None:
        if train_op_fn is not None:
            raise ValueError("train_op_fn and optimizer cannot both be set.")
        train_op = optimizer.minimize(loss, global_step=tf.train.get_global_step())
    elif train_op_fn is not None:
        train_op = train_op_fn(loss)
    else:
        raise ValueError("train_op_fn and optimizer cannot both be None.")
    updates: Any = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    return tf.group(train_op, *updates) if updates else train_op


class _OneHead(Kind, _Head):
    """A head with one loss: the kind says which."""

    _checks_inside = False

    def __init__(self, weight_column: Any, loss_reduction: Any, loss_fn: Any, name: Any):
        head_checks.check_reduction(loss_reduction, tf.losses.Reduction.all())
        if loss_fn:
            head_checks.check_loss_fn(loss_fn)
        self._weight_column, self._loss_reduction = weight_column, loss_reduction
        self._loss_fn, self._name = loss_fn, name

    @property
    def name(self) -> Any:
        """The name, or None."""
        return self._name

    def _key(self, key: str) -> str:
        return summary_key(self._name, key)

    def create_loss(self, features: Any, mode: Any, logits: Any, labels: Any) -> LossSpec:
        """The loss of logits, with its parts."""
        logits = tf.convert_to_tensor(logits)
        labels = self.processed_labels(logits, labels)
        losses = self.unweighted_loss(logits, labels, features)
        weights = self.weights(features, logits)
        loss = tf.losses.compute_weighted_loss(losses, weights=weights, reduction=self._loss_reduction)
        return LossSpec(loss, losses, weights, labels)

    def _predictions(self, logits: Any) -> dict[str, Any]:
        if self._checks_inside:
            with tf.name_scope(None, "predictions", (logits,)):
                return self.predicted(head_checks.checked_logits(logits, self.logits_dimension))
        logits = head_checks.checked_logits(logits, self.logits_dimension)
        with tf.name_scope(None, "predictions", (logits,)):
            return self.predicted(logits)

    def create_estimator_spec(
        self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None, train_op_fn: Any = None,
        regularization_losses: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """What a model function gives. Raises ValueError: no labels, or none or both of the ways to train."""
        with tf.name_scope(self._name, "head"):
            predictions = self._predictions(logits)
            if mode == ModeKeys.PREDICT:
                outputs = self.export_outputs(predictions)
                return EstimatorSpec(ModeKeys.PREDICT, predictions=predictions, export_outputs=outputs)
            parts = self.create_loss(features, mode, predictions.get(Predictions.LOGITS, logits), labels)
            extra = tf.add_n(regularization_losses) if regularization_losses else None
            loss = parts.training_loss if extra is None else tf.add_n([parts.training_loss, extra])
            if mode != ModeKeys.EVAL:
                train_op = _train_op(loss, optimizer, train_op_fn)
                mean = self._mean_loss(parts)
        if mode == ModeKeys.EVAL:
            metrics = self._metric_pairs(predictions, parts, extra)
            return EstimatorSpec(ModeKeys.EVAL, predictions=predictions, loss=loss, eval_metric_ops=metrics)
        self._summaries(loss, mean, extra)
        return EstimatorSpec(ModeKeys.TRAIN, predictions=predictions, loss=loss, train_op=train_op)

    def _mean_loss(self, parts: LossSpec) -> Any:
        if self._loss_reduction != tf.losses.Reduction.SUM:
            return None
        total = tf.reduce_sum(parts.weights * tf.ones_like(parts.unreduced_loss))
        return parts.training_loss / total

    def _summaries(self, loss: Any, mean: Any, extra: Any) -> None:
        rows = (
            (MetricKeys.LOSS, loss),
            (MetricKeys.LOSS_MEAN, mean),
            (MetricKeys.LOSS_REGULARIZATION, extra),
        )
        with tf.name_scope(""):
            for key, value in rows:
                if value is not None:
                    tf.summary.scalar(self._key(key), value)

    # ---- metrics

    def _metric_pairs(self, predictions: dict[str, Any], parts: LossSpec, extra: Any) -> dict[str, Any]:
        values = (*predictions.values(), parts.processed_labels, parts.weights, parts.unreduced_loss)
        with tf.name_scope(None, "metrics", values):
            return self._metrics(predictions, parts, extra)

    def _metrics(self, predictions: dict[str, Any], parts: LossSpec, extra: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _regularization(self, extra: Any) -> dict[str, Any]:
        if extra is None:
            return {}
        key = MetricKeys.LOSS_REGULARIZATION
        return {self._key(key): tf.metrics.mean(values=extra, name=key)}

    def _average(self, parts: LossSpec) -> dict[str, Any]:
        key = MetricKeys.LOSS_MEAN
        return {self._key(key): tf.metrics.mean(parts.unreduced_loss, weights=parts.weights, name=key)}

    def _at_thresholds(self, given: dict[str, Any], thresholds: tuple[float, ...]) -> dict[str, Any]:
        rows: tuple[tuple[str, Callable[..., Any]], ...] = (
            (MetricKeys.ACCURACY_AT_THRESHOLD, head_metrics.accuracy_at_threshold),
            (MetricKeys.PRECISION_AT_THRESHOLD, head_metrics.precision_at_threshold),
            (MetricKeys.RECALL_AT_THRESHOLD, head_metrics.recall_at_threshold),
        )
        return {
            self._key(key % t): metric(threshold=t, name=key % t, **given) for t in thresholds for key, metric in rows
        }


def _check_vocabulary(vocabulary: Any, error: type[Exception], kinds: str) -> None:
    if vocabulary is not None and not isinstance(vocabulary, (list, tuple)):
        raise error(f"label_vocabulary should be a {kinds}. Given type: {type(vocabulary)}")


class _BinaryHead(Binary, _OneHead):
    _checks_inside = True

    def __init__(
        self, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None,
        loss_reduction: Any = tf.losses.Reduction.SUM, loss_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        _check_vocabulary(label_vocabulary, TypeError, "list or tuple")
        self._thresholds = head_checks.check_thresholds(thresholds)
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        self._label_vocabulary = label_vocabulary

    def _metrics(self, predictions: dict[str, Any], parts: LossSpec, extra: Any) -> dict[str, Any]:
        keys, labels, weights = MetricKeys, parts.processed_labels, parts.weights
        logistic = predictions[Predictions.LOGISTIC]
        mean = head_metrics.labels_mean(labels, weights=weights, name=keys.LABEL_MEAN)
        found = self._average(parts)
        given = {"labels": labels, "predictions": predictions[Predictions.CLASS_IDS], "weights": weights}
        for key in (keys.ACCURACY, keys.PRECISION, keys.RECALL):
            found[self._key(key)] = getattr(tf.metrics, key)(name=key, **given)
        given["predictions"] = logistic
        key = keys.PREDICTION_MEAN
        found[self._key(key)] = head_metrics.predictions_mean(logistic, weights=weights, name=key)
        found[self._key(keys.LABEL_MEAN)] = mean
        found[self._key(keys.ACCURACY_BASELINE)] = head_metrics.accuracy_baseline(mean)
        found[self._key(keys.AUC)] = head_metrics.auc(name=keys.AUC, **given)
        found[self._key(keys.AUC_PR)] = head_metrics.auc(name=keys.AUC_PR, curve="PR", **given)
        found.update(self._regularization(extra))
        return {**found, **self._at_thresholds(given, self._thresholds)}


class _MultiClassHead(MultiClass, _OneHead):
    def __init__(
        self, n_classes: Any, weight_column: Any = None, label_vocabulary: Any = None,
        loss_reduction: Any = tf.losses.Reduction.SUM, loss_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        _check_vocabulary(label_vocabulary, ValueError, "list or a tuple")
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        self._n_classes = head_checks.checked_n_classes(n_classes)
        self._label_vocabulary = label_vocabulary

    def _metrics(self, predictions: dict[str, Any], parts: LossSpec, extra: Any) -> dict[str, Any]:
        found, key = self._average(parts), MetricKeys.ACCURACY
        found[self._key(key)] = tf.metrics.accuracy(
            labels=parts.processed_labels,
            predictions=predictions[Predictions.CLASS_IDS],
            weights=parts.weights,
            name=key,
        )
        return {**found, **self._regularization(extra)}


class _RegressionHead(Numbers, _OneHead):
    def __init__(
        self, label_dimension: int = 1, weight_column: Any = None, loss_reduction: Any = tf.losses.Reduction.SUM,
        loss_fn: Any = None, inverse_link_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        self.logits_dimension = label_dimension
        self._inverse_link_fn = inverse_link_fn

    def _predictions(self, logits: Any) -> dict[str, Any]:
        return self.predicted(head_checks.checked_logits(logits, self.logits_dimension))

    def _metric_pairs(self, predictions: dict[str, Any], parts: LossSpec, extra: Any) -> dict[str, Any]:
        keys, weights = MetricKeys, parts.weights
        numbers = predictions[Predictions.PREDICTIONS]
        return {
            self._key(keys.LOSS_MEAN): tf.metrics.mean(parts.unreduced_loss, weights=weights),
            self._key(keys.PREDICTION_MEAN): head_metrics.predictions_mean(
                numbers, weights=weights, name=keys.PREDICTION_MEAN
            ),
            self._key(keys.LABEL_MEAN): tf.metrics.mean(parts.processed_labels, weights=weights),
            **self._regularization(extra),
        }


class _MultiLabelHead(MultiLabel, _OneHead):
    def __init__(
        self, n_classes: Any, weight_column: Any, thresholds: Any, label_vocabulary: Any, loss_reduction: Any,
        loss_fn: Any, classes_for_class_based_metrics: Any, name: Any,
    ):  # fmt: skip
        settings = multi_label_settings(n_classes, thresholds, label_vocabulary, classes_for_class_based_metrics)
        self._thresholds, self._metric_classes = settings
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        self._n_classes, self._label_vocabulary = n_classes, label_vocabulary

    def _metrics(self, predictions: dict[str, Any], parts: LossSpec, extra: Any) -> dict[str, Any]:
        given = {
            "labels": parts.processed_labels,
            "predictions": predictions[Predictions.PROBABILITIES],
            "weights": parts.weights,
        }
        found = self._average(parts)
        found[self._key(MetricKeys.AUC)] = tf.metrics.auc(name=MetricKeys.AUC, **given)
        found[self._key(MetricKeys.AUC_PR)] = tf.metrics.auc(curve="PR", name=MetricKeys.AUC_PR, **given)
        found.update(self._regularization(extra))
        found.update(self._at_thresholds(given, self._thresholds))
        for class_id in self._metric_classes:
            found.update(self._of_class(class_id, given))
        return found

    def _of_class(self, class_id: int, given: dict[str, Any]) -> dict[str, Any]:
        probabilities, labels = column_of_class(class_id, given["predictions"], given["labels"])
        mean, auc, auc_pr = class_keys(class_id, self._label_vocabulary)
        weights = given["weights"]
        return {
            self._key(mean): head_metrics.predictions_mean(probabilities, weights=weights, name=mean),
            self._key(auc): head_metrics.auc(labels, probabilities, weights=weights, name=auc),
            self._key(auc_pr): head_metrics.auc(labels, probabilities, weights=weights, curve="PR", name=auc_pr),
        }


def column_of_class(class_id: int, probabilities: Any, labels: Any) -> tuple[Any, Any]:
    """The probabilities and the labels of one class, `[d0, ..., dn, 1]`."""
    rank: Any = tf.rank(probabilities) - 1
    begin = tf.concat([tf.zeros([rank], dtype=tf.int32), [class_id]], axis=0)
    size = tf.concat([-1 * tf.ones([rank], dtype=tf.int32), [1]], axis=0)
    return tf.slice(probabilities, begin=begin, size=size), tf.slice(labels, begin=begin, size=size)


def class_keys(class_id: int, vocabulary: Any) -> tuple[str, str, str]:
    """The names of the metrics of one class: its mean probability, and the areas under both curves."""
    keys = MetricKeys
    if vocabulary is None:
        return (
            keys.PROBABILITY_MEAN_AT_CLASS % class_id,
            keys.AUC_AT_CLASS % class_id,
            keys.AUC_PR_AT_CLASS % class_id,
        )
    name = vocabulary[class_id]
    return keys.PROBABILITY_MEAN_AT_NAME % name, keys.AUC_AT_NAME % name, keys.AUC_PR_AT_NAME % name


def multi_label_settings(
    n_classes: Any, thresholds: Any, vocabulary: Any, classes: Any, what: str = "multi-class"
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """(thresholds, the numbers of the classes with metrics of their own). Raises ValueError for what does not fit."""
    thresholds = tuple(thresholds) if thresholds else ()
    if n_classes is None or n_classes < 2:
        raise ValueError(f"n_classes must be > 1 for {what} classification. Given: {n_classes}")
    for threshold in thresholds:
        if threshold <= 0.0 or threshold >= 1.0:
            raise ValueError(f"thresholds must be in (0, 1) range. Given: {threshold}")
    if vocabulary is not None:
        if not isinstance(vocabulary, (list, tuple)):
            raise ValueError(f"label_vocabulary must be a list or tuple. Given type: {type(vocabulary)}")
        if len(vocabulary) != n_classes:
            raise ValueError(f"Length of label_vocabulary must be n_classes ({n_classes}). Given: {len(vocabulary)}")
    return thresholds, _class_numbers(tuple(classes or ()), vocabulary, n_classes)


def _class_numbers(classes: tuple[Any, ...], vocabulary: Any, n_classes: int) -> tuple[int, ...]:
    if classes and isinstance(classes[0], str):
        if not vocabulary:
            raise ValueError("label_vocabulary must be provided when classes_for_class_based_metrics are sting.")
        return tuple(vocabulary.index(c) for c in classes)
    for number in classes:
        if number < 0 or number >= n_classes:
            raise ValueError(
                f"All classes_for_class_based_metrics must be in range [0, {n_classes - 1}]. Given: {number}"
            )
    return classes


# ---- what makes them


def binary_or_multi_class_head(n_classes: Any, weight_column: Any, label_vocabulary: Any, loss_reduction: Any) -> Any:
    """The head of a classifier: one logit for two classes, else one for each."""
    if n_classes == 2:
        return _BinaryHead(weight_column, None, label_vocabulary, loss_reduction)
    return _MultiClassHead(n_classes, weight_column, label_vocabulary, loss_reduction)


def regression(label_dimension: int, weight_column: Any, loss_reduction: Any) -> Any:
    """The head of a regressor."""
    return _RegressionHead(label_dimension, weight_column, loss_reduction)


@export("contrib.estimator.multi_class_head")
def multi_class_head(
    n_classes: Any, weight_column: Any = None, label_vocabulary: Any = None, loss_reduction: Any = _MEAN,
    loss_fn: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """A head for one of more than two classes. Source: TF 1.15 `tf.contrib.estimator.multi_class_head`."""
    return _MultiClassHead(n_classes, weight_column, label_vocabulary, loss_reduction, loss_fn, name)


@export("contrib.estimator.binary_classification_head")
def binary_classification_head(
    weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None, loss_reduction: Any = _MEAN,
    loss_fn: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """A head for two classes. Source: TF 1.15 `tf.contrib.estimator.binary_classification_head`."""
    return _BinaryHead(weight_column, thresholds, label_vocabulary, loss_reduction, loss_fn, name)


@export("contrib.estimator.regression_head")
def regression_head(
    weight_column: Any = None, label_dimension: int = 1, loss_reduction: Any = _MEAN, loss_fn: Any = None,
    inverse_link_fn: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """A head for numbers. Source: TF 1.15 `tf.contrib.estimator.regression_head`."""
    return _RegressionHead(label_dimension, weight_column, loss_reduction, loss_fn, inverse_link_fn, name)


@export("contrib.estimator.poisson_regression_head")
def poisson_regression_head(
    weight_column: Any = None, label_dimension: int = 1, loss_reduction: Any = _MEAN, compute_full_loss: bool = True,
    name: Any = None,
) -> Any:  # fmt: skip
    """A head for counts. Source: TF 1.15 `tf.contrib.estimator.poisson_regression_head`."""
    loss = poisson_loss(compute_full_loss)
    return _RegressionHead(label_dimension, weight_column, loss_reduction, loss, tf.exp, name)


@export("contrib.estimator.logistic_regression_head")
def logistic_regression_head(weight_column: Any = None, loss_reduction: Any = _MEAN, name: Any = None) -> Any:
    """A head for probabilities. Source: TF 1.15 `tf.contrib.estimator.logistic_regression_head`."""
    return _RegressionHead(1, weight_column, loss_reduction, logistic_loss("assert_range"), tf.sigmoid, name)


@export("contrib.estimator.multi_label_head")
def multi_label_head(
    n_classes: Any, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None,
    loss_reduction: Any = _MEAN, loss_fn: Any = None, classes_for_class_based_metrics: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """A head for any of several classes. Source: TF 1.15 `tf.contrib.estimator.multi_label_head`."""
    return _MultiLabelHead(
        n_classes, weight_column, thresholds, label_vocabulary, loss_reduction, loss_fn,
        classes_for_class_based_metrics, name,
    )  # fmt: skip


# the names that programs take from `tensorflow.python.estimator.canned.head`
_binary_logistic_or_multi_class_head = binary_or_multi_class_head
_binary_logistic_head_with_sigmoid_cross_entropy_loss = _BinaryHead
_multi_class_head_with_softmax_cross_entropy_loss = _MultiClassHead


def _regression_head(
    weight_column: Any = None, label_dimension: int = 1, loss_reduction: Any = tf.losses.Reduction.SUM, loss_fn: Any = None,
    inverse_link_fn: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    return _RegressionHead(label_dimension, weight_column, loss_reduction, loss_fn, inverse_link_fn, name)
