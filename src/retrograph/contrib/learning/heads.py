"""Heads of `tf.contrib.learn`: losses, predictions and metrics of logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.learning.parts import MetricKey, ModelFnOps, PredictionKey, ProblemType
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import SparseTensor
from retrograph.losses.broadcasting import broadcast_weights
from retrograph.platform import logging

Losses = tuple[Tensor, Tensor]


@export("contrib.learn.Head")
class Head:
    """Base of heads. Source: TF 1.15 `tf.contrib.learn.Head`."""

    @property
    def logits_dimension(self) -> int:
        """The last dimension of logits."""
        raise NotImplementedError("Calling an abstract method.")

    def create_model_fn_ops(
        self, features: Any, mode: Any, labels: Any = None, train_op_fn: Any = None, logits: Any = None,
        logits_input: Any = None, scope: Any = None,
    ) -> ModelFnOps:  # fmt: skip
        """What a model function gives."""
        raise NotImplementedError("Calling an abstract method.")


@export("contrib.learn.no_op_train_fn")
def no_op_train_fn(loss: Any) -> Any:
    """A training step that does nothing. Source: TF 1.15 `tf.contrib.learn.no_op_train_fn`."""
    return tf.no_op()


def _weighted(losses: Tensor, weights: Any) -> Losses:
    """(the loss to train by, the mean by weights to show)."""
    with tf.name_scope("loss", values=(losses, weights)) as scope:
        if weights is None:
            loss = tf.reduce_mean(losses, name=scope)
            return loss, loss
        weights = broadcast_weights(weights, losses)
        with tf.name_scope(None, "weighted_loss", (losses, weights)) as name:
            weighted = tf.multiply(losses, weights, name=name)
        mean = tf.reduce_mean(weighted, name=scope)
        total = tf.cast(tf.reduce_sum(weights), tf.float32)
        return mean, tf.div(tf.reduce_sum(weighted), total, name="weighted_average_loss")


def _as_columns(x: Any) -> Any:
    return tf.expand_dims(x, axis=1) if len(x.get_shape()) == 1 else x


def _mean_squared_loss(labels: Any, logits: Any, weights: Any = None) -> Losses:
    with tf.name_scope(None, "mean_squared_loss", (logits, labels)) as name:
        logits, labels = tf.convert_to_tensor(logits), _as_columns(tf.convert_to_tensor(labels))
        logits = _as_columns(logits)
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        return _weighted(tf.squared_difference(logits, tf.cast(labels, tf.float32), name=name), weights)


def _poisson_loss(labels: Any, logits: Any, weights: Any = None) -> Losses:
    with tf.name_scope(None, "_poisson_loss", (logits, labels)) as name:
        logits, labels = tf.convert_to_tensor(logits), _as_columns(tf.convert_to_tensor(labels))
        logits = _as_columns(logits)
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        return _weighted(tf.nn.log_poisson_loss(labels, logits, compute_full_loss=True, name=name), weights)


def _logistic_loss(labels: Any, logits: Any, weights: Any = None) -> Losses:
    with tf.name_scope(None, "log_loss_with_two_classes", (logits, labels)) as name:
        logits = tf.convert_to_tensor(logits)
        labels = _as_columns(tf.cast(labels, tf.float32))
        return _weighted(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name=name), weights)


def _softmax_loss(labels: Any, logits: Any, weights: Any = None) -> Losses:
    with tf.name_scope(None, "softmax_cross_entropy_loss", (logits, labels)) as name:
        labels = tf.convert_to_tensor(labels)
        if not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer Instead got {labels.dtype}.")
        column = len(labels.get_shape()) == 2
        labels = tf.squeeze(labels, axis=(1,)) if column else labels
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)
        return _weighted(tf.expand_dims(losses, axis=(1,)) if column else losses, weights)


def _hinge_loss(labels: Any, logits: Any, weights: Any = None) -> Losses:
    with tf.name_scope(None, "hinge_loss", (logits, labels)) as name:
        message = ("labels shape should be either [batch_size, 1] or [batch_size]",)
        with tf.control_dependencies([tf.Assert(tf.less_equal(tf.rank(labels), 2), message)]):
            labels = tf.reshape(labels, shape=(-1, 1))
        losses = tf.losses.hinge_loss(labels=labels, logits=logits, scope=name, reduction=tf.losses.Reduction.NONE)
        return _weighted(losses, weights)


def _two_logits(logits: Tensor) -> Any:
    return tf.concat((tf.zeros_like(logits), logits), 1)


def _weights_of(features: Any, name: Any) -> Any:
    if not name:
        return None
    if name not in features:
        raise ValueError(f"Weights {name} missing from features.")
    with tf.name_scope(None, "weight_tensor", tuple(features.values())):
        weights = tf.cast(features[name], tf.float32)
        if weights.get_shape().ndims != 1:
            return weights
        logging.warning("Weights %s has shape %s, expanding to make it 2d.", name, weights.get_shape())
        return tf.reshape(weights, (-1, 1))


class _SingleHead(Head):
    """A head of one loss."""

    _scope = ""
    _problem: int

    def __init__(
        self, logits_dimension: int, loss_fn: Callable[..., Losses], label_name: Any, weight_column_name: Any,
        enable_centered_bias: bool, head_name: Any,
    ):  # fmt: skip
        if logits_dimension is None or logits_dimension < 1:
            raise ValueError(f"Invalid logits_dimension {logits_dimension}.")
        self._dimension, self._loss_fn, self._label_name = logits_dimension, loss_fn, label_name
        self._weight_column_name, self._centered = weight_column_name, enable_centered_bias
        self._head_name = head_name

    logits_dimension = property(lambda self: self._dimension)
    label_name = property(lambda self: self._label_name)
    weight_column_name = property(lambda self: self._weight_column_name)
    head_name = property(lambda self: self._head_name)

    def create_model_fn_ops(
        self, features: Any, mode: Any, labels: Any = None, train_op_fn: Any = None, logits: Any = None,
        logits_input: Any = None, scope: Any = None,
    ) -> ModelFnOps:  # fmt: skip
        """Loss, predictions, metrics and training step for logits, or for the input of a linear layer of logits."""
        values = (*features.values(), labels, logits, logits_input)
        with tf.variable_scope(scope, default_name=self._head_name or self._scope, values=values):
            labels = self._transformed(mode, labels)
            logits = self._logits(logits, logits_input)
            return self._ops(features, mode, labels, train_op_fn, logits)

    def _transformed(self, mode: Any, labels: Any) -> Any:
        if mode == tf.contrib.learn.ModeKeys.INFER or labels is None:
            return None
        chosen = labels[self._label_name] if isinstance(labels, dict) else labels
        return self._dense(tf.contrib.framework.convert_to_tensor_or_sparse_tensor(chosen))

    def _dense(self, tensor: Any) -> Any:
        if isinstance(tensor, SparseTensor):
            raise ValueError("SparseTensor is not supported.")
        return tensor

    def _logits(self, logits: Any, logits_input: Any) -> Any:
        if logits is None:
            if logits_input is None:
                raise ValueError("Neither logits nor logits_input supplied.")
            return tf.contrib.layers.linear(logits_input, self._dimension, scope="logits")
        if logits_input is not None:
            raise ValueError("Both logits and logits_input supplied.")
        logits = tf.convert_to_tensor(logits, name="logits")
        if logits.get_shape().dims is not None:
            logits.get_shape().dims[-1].assert_is_compatible_with(self._dimension)
        return logits

    def _ops(self, features: Any, mode: Any, labels: Any, train_op_fn: Any, logits: Any) -> ModelFnOps:
        keys = tf.contrib.learn.ModeKeys
        if mode not in (keys.TRAIN, keys.EVAL, keys.INFER):
            raise ValueError(f"mode={mode} unrecognized.")
        bias = self._bias() if self._centered else None
        logits = logits if bias is None else tf.nn.bias_add(logits, bias)
        predictions = self._predictions(logits)
        loss = train_op = metrics = None
        if mode != keys.INFER and labels is not None:
            weights = _weights_of(features, self._weight_column_name)
            loss, shown = self._loss_fn(labels, logits, weights)
            with tf.name_scope(""):
                tf.summary.scalar(self._key(MetricKey.LOSS), tf.identity(shown))
            if mode == keys.TRAIN:
                if train_op_fn is None:
                    raise ValueError("train_op_fn can not be None in TRAIN mode")
                train_op = self._train_op(loss, labels, train_op_fn, bias, tf.shape(logits)[0], weights)
            metrics = self._metrics(shown, predictions, labels, weights)
        alternatives = {self._head_name: (self._problem, self._exported(predictions))}
        return ModelFnOps(mode, predictions, loss, train_op, metrics, alternatives)

    def _exported(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """What is exported for serving."""
        return predictions

    def _bias(self) -> Any:
        bias = tf.Variable(name="centered_bias_weight", initial_value=tf.zeros((self._dimension,)), trainable=True)
        for i in range(self._dimension):
            tf.summary.scalar(self._key(f"centered_bias/bias_{i}"), bias[i])
        return bias

    def _train_op(self, loss: Any, labels: Any, train_op_fn: Any, bias: Any, batch_size: Any, weights: Any) -> Any:
        step = None if bias is None else self._bias_step(bias, batch_size, labels, weights)
        with tf.name_scope(None, "train_op", (loss, labels)):
            train_op = train_op_fn(loss)
            return train_op if step is None else tf.group(train_op, step)

    def _bias_step(self, bias: Any, batch_size: Any, labels: Any, weights: Any) -> Any:
        with tf.name_scope(None, "centered_bias_step", (labels,)) as name:
            logits = tf.reshape(tf.tile(bias, (batch_size,)), (batch_size, tf.shape(bias)[0]))
            with tf.name_scope(None, "centered_bias", (labels, logits)):
                loss = tf.reduce_mean(self._loss_fn(labels, logits, weights), name="training_loss")
        return tf.train.AdagradOptimizer(0.1).minimize(loss, var_list=(bias,), name=name)

    def _key(self, name: str) -> str:
        return f"{name}/{self._head_name}" if self._head_name else name

    def _predictions(self, logits: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _metrics(self, loss: Any, predictions: dict[str, Any], labels: Any, weights: Any) -> dict[str, Any]:
        with tf.name_scope("metrics", values=[loss, labels, weights, *predictions.values()]):
            found = {MetricKey.LOSS: tf.metrics.mean(loss), **self._own_metrics(predictions, labels, weights)}
            return {self._key(name): metric for name, metric in found.items()}

    def _own_metrics(self, predictions: dict[str, Any], labels: Any, weights: Any) -> dict[str, Any]:
        return {}


class _Regression(_SingleHead):
    """Numbers."""

    _scope, _problem = "regression_head", ProblemType.LINEAR_REGRESSION

    def __init__(self, link_fn: Callable[[Any], Any], *args: Any):
        super().__init__(*args)
        self._link_fn = link_fn

    def _predictions(self, logits: Any) -> dict[str, Any]:
        key = PredictionKey.SCORES
        with tf.name_scope(None, "predictions", (logits,)):
            logits = tf.squeeze(logits, axis=(1,), name=key) if self._dimension == 1 else logits
            return {key: self._link_fn(logits)}


class _Classes(_SingleHead):
    """Classes: what is exported has the words of all classes beside the probabilities."""

    _words: Any = None

    def _exported(self, predictions: dict[str, Any]) -> dict[str, Any]:
        probabilities = predictions[PredictionKey.PROBABILITIES]
        with tf.name_scope(None, "_classification_output_alternatives", (probabilities,)):
            batch_size = tf.shape(probabilities)[0]
            if self._words:
                words = tf.expand_dims(self._words, axis=0)
                classes = tf.tile(words, multiples=[batch_size, 1], name="classes_tensor")
            else:
                numbers = tf.expand_dims(tf.range(tf.shape(probabilities)[1]), axis=0)
                classes = tf.as_string(tf.tile(numbers, multiples=[batch_size, 1]), name="classes_tensor")
        return {PredictionKey.PROBABILITIES: probabilities, PredictionKey.CLASSES: classes}


class _BinaryLogistic(_Classes):
    """Two classes, by one logit."""

    _scope, _problem = "binary_logistic_head", ProblemType.LOGISTIC_REGRESSION

    def __init__(self, thresholds: Any, *args: Any):
        super().__init__(*args)
        self._thresholds = thresholds or (0.5,)

    def _predictions(self, logits: Any) -> dict[str, Any]:
        keys = PredictionKey
        with tf.name_scope(None, "predictions", (logits,)):
            two = _two_logits(logits)
            return {
                keys.LOGITS: logits,
                keys.LOGISTIC: tf.sigmoid(logits, name=keys.LOGISTIC),
                keys.PROBABILITIES: tf.nn.softmax(two, name=keys.PROBABILITIES),
                keys.CLASSES: tf.argmax(two, 1, name=keys.CLASSES),
            }

    def _own_metrics(self, predictions: dict[str, Any], labels: Any, weights: Any) -> dict[str, Any]:
        logistic = predictions[PredictionKey.LOGISTIC]
        found = {
            MetricKey.ACCURACY: tf.metrics.accuracy(labels, predictions[PredictionKey.CLASSES], weights),
            MetricKey.PREDICTION_MEAN: _mean(logistic, weights),
            MetricKey.LABEL_MEAN: _mean(labels, weights),
            MetricKey.ACCURACY_BASELINE: _mean(labels, weights),
            MetricKey.AUC: _auc(logistic, labels, weights, "ROC"),
            MetricKey.AUC_PR: _auc(logistic, labels, weights, "PR"),
        }
        for threshold in self._thresholds:
            found.update(_at_threshold(logistic, labels, weights, threshold))
        return found


def _float_weights(weights: Any, like: Any) -> Any:
    if weights is None:
        return None
    with tf.name_scope(None, "float_weights", (weights,)) as name:
        weights = tf.cast(weights, tf.float32, name=name)
    return weights if like is None else broadcast_weights(weights, like)


def _column(values: Any, number: int | None) -> Any:
    return values if number is None or values is None else values[:, number]


def _mean(values: Any, weights: Any, number: int | None = None) -> Any:
    values = tf.cast(values, tf.float32)
    by = _float_weights(weights, values)
    return tf.metrics.mean(_column(values, number), _column(by, number))


def _auc(predictions: Any, labels: Any, weights: Any, curve: str, number: int | None = None) -> Any:
    predictions = tf.cast(predictions, tf.float32)
    if labels.dtype.base_dtype != tf.bool:
        logging.warning("Casting %s labels to bool.", labels.dtype)
        labels = tf.cast(labels, tf.bool)
    by = _float_weights(weights, predictions)
    return tf.metrics.auc(_column(labels, number), _column(predictions, number), _column(by, number), curve=curve)


def _at_threshold(predictions: Any, labels: Any, weights: Any, threshold: float) -> dict[str, Any]:
    reached = tf.cast(tf.greater_equal(predictions, threshold), tf.float32)
    found = {MetricKey.ACCURACY_MEAN % threshold: tf.metrics.accuracy(labels, reached, weights)}
    both = (
        (MetricKey.PRECISION_MEAN, tf.metrics.precision_at_thresholds),
        (MetricKey.RECALL_MEAN, tf.metrics.recall_at_thresholds),
    )
    for key, metric in both:
        value, update = metric(labels, predictions, (threshold,), _float_weights(weights, None))
        found[key % threshold] = tf.squeeze(value), tf.squeeze(update)
    return found


class _MultiClass(_Classes):
    """Several classes, numbers or words."""

    _scope, _problem = "multi_class_head", ProblemType.CLASSIFICATION

    def __init__(self, loss_fn: Any, class_ids: Any, label_keys: Any, classes: int, *args: Any):
        if classes is None or classes <= 2:
            raise ValueError(f"n_classes must be > 2: {classes}.")
        super().__init__(classes, lambda labels, *rest: loss_fn(labels["label_ids"], *rest), *args)
        self._class_ids, self._words = _checked_ids(class_ids, classes), label_keys
        if label_keys and len(label_keys) != classes:
            raise ValueError("Length of label_keys must equal n_classes.")

    def _transformed(self, mode: Any, labels: Any) -> Any:
        tensor = super()._transformed(mode, labels)
        if tensor is None:
            return None
        if not self._words:
            return {"labels": tensor, "label_ids": tensor}
        table = tf.contrib.lookup.index_table_from_tensor(self._words, name="label_id_lookup")
        return {"labels": tensor, "label_ids": table.lookup(tensor)}

    def _predictions(self, logits: Any) -> dict[str, Any]:
        keys = PredictionKey
        with tf.name_scope(None, "predictions", (logits,)):
            classes = tf.argmax(logits, 1, name=keys.CLASSES)
            if self._words:
                words = self._words
                table = tf.contrib.lookup.index_to_string_table_from_tensor(words, name="class_string_lookup")
                classes = table.lookup(classes)
            probabilities = tf.nn.softmax(logits, name=keys.PROBABILITIES)
            return {keys.LOGITS: logits, keys.PROBABILITIES: probabilities, keys.CLASSES: classes}

    def _own_metrics(self, predictions: dict[str, Any], labels: Any, weights: Any) -> dict[str, Any]:
        classes = predictions[PredictionKey.CLASSES]
        found = {MetricKey.ACCURACY: tf.metrics.accuracy(labels["labels"], classes, weights)}
        for number in () if self._words else self._class_ids:
            found[MetricKey.CLASS_PREDICTION_MEAN % number] = _share(classes, weights, number)
            found[MetricKey.CLASS_LABEL_MEAN % number] = _share(labels["label_ids"], weights, number)
            for key, name in _BY_CLASS:
                found[key % number] = _mean(predictions[name], weights, number)
        return found


_BY_CLASS = (
    (MetricKey.CLASS_PROBABILITY_MEAN, PredictionKey.PROBABILITIES),
    (MetricKey.CLASS_LOGITS_MEAN, PredictionKey.LOGITS),
)


class _MultiLabel(_Classes):
    """Several classes, any number of which hold."""

    _scope, _problem = "multi_label_head", ProblemType.CLASSIFICATION

    def __init__(self, class_ids: Any, classes: int, *args: Any):
        super().__init__(classes, *args)
        self._class_ids = _checked_ids(class_ids, classes)

    def _dense(self, tensor: Any) -> Any:
        if not isinstance(tensor, SparseTensor):
            return tensor
        if self._dimension < 2:
            raise ValueError("Must set num_classes >= 2 when passing labels as a SparseTensor.")
        return tf.cast(tf.sparse_to_indicator(tensor, self._dimension), tf.int64)

    def _predictions(self, logits: Any) -> dict[str, Any]:
        keys = PredictionKey
        with tf.name_scope(None, "predictions", (logits,)):
            return {
                keys.LOGITS: logits,
                keys.PROBABILITIES: tf.sigmoid(logits, name=keys.PROBABILITIES),
                keys.CLASSES: tf.cast(tf.greater(logits, 0), tf.int64, name=keys.CLASSES),
            }

    def _own_metrics(self, predictions: dict[str, Any], labels: Any, weights: Any) -> dict[str, Any]:
        classes, probabilities = (predictions[k] for k in (PredictionKey.CLASSES, PredictionKey.PROBABILITIES))
        found = {
            MetricKey.ACCURACY: tf.metrics.accuracy(labels, classes, weights),
            MetricKey.AUC: _auc(probabilities, labels, weights, "ROC"),
            MetricKey.AUC_PR: _auc(probabilities, labels, weights, "PR"),
        }
        for number in self._class_ids:
            found[MetricKey.CLASS_PREDICTION_MEAN % number] = _mean(classes, weights, number)
            found[MetricKey.CLASS_LABEL_MEAN % number] = _mean(labels, weights, number)
            for key, name in _BY_CLASS:
                found[key % number] = _mean(predictions[name], weights, number)
            found[MetricKey.CLASS_AUC % number] = _auc(probabilities, labels, weights, "ROC", number)
            found[MetricKey.CLASS_AUC_PR % number] = _auc(probabilities, labels, weights, "PR", number)
        return found


def _checked_ids(class_ids: Any, classes: int) -> tuple[int, ...]:
    found = tuple(class_ids or ())
    for number in found:
        if not 0 <= number < classes:
            raise ValueError(f"Class ID {number} not in [0, {classes}).")
    return found


def _sigmoid_loss(labels: Any, logits: Any, weights: Any = None) -> Losses:
    with tf.name_scope(None, "sigmoid_cross_entropy_loss", (logits, labels)) as name:
        labels = tf.cast(labels, tf.float32)
        return _weighted(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name=name), weights)


def _share(classes: Any, weights: Any, number: int) -> Any:
    is_it = tf.equal(tf.cast(number, tf.int32), tf.cast(classes, tf.int32))
    return tf.metrics.mean(tf.where(is_it, tf.ones_like(classes), tf.zeros_like(classes)), weights=weights)


class _BinarySvm(_SingleHead):
    """Two classes, by the hinge loss."""

    _scope, _problem = "binary_svm_head", ProblemType.LOGISTIC_REGRESSION

    def _predictions(self, logits: Any) -> dict[str, Any]:
        with tf.name_scope(None, "predictions", (logits,)):
            classes = tf.argmax(_two_logits(logits), 1, name=PredictionKey.CLASSES)
            return {PredictionKey.LOGITS: logits, PredictionKey.CLASSES: classes}

    def _own_metrics(self, predictions: dict[str, Any], labels: Any, weights: Any) -> dict[str, Any]:
        return {MetricKey.ACCURACY: tf.metrics.accuracy(labels, predictions[PredictionKey.CLASSES], weights)}


def _of_user(loss_fn: Any) -> Any:
    def both(labels: Any, logits: Any, weights: Any = None) -> Losses:
        loss = loss_fn(labels, logits) if weights is None else loss_fn(labels, logits, weights)
        return loss, loss

    return both


@export("contrib.learn.regression_head")
def regression_head(
    label_name: Any = None, weight_column_name: Any = None, label_dimension: int = 1,
    enable_centered_bias: bool = False, head_name: Any = None, link_fn: Any = None,
) -> Head:  # fmt: skip
    """Numbers, by the mean squared difference. Source: TF 1.15 `tf.contrib.learn.regression_head`."""
    rest = (label_name, weight_column_name, enable_centered_bias, head_name)
    return _Regression(tf.identity if link_fn is None else link_fn, label_dimension, _mean_squared_loss, *rest)


@export("contrib.learn.poisson_regression_head")
def poisson_regression_head(
    label_name: Any = None, weight_column_name: Any = None, label_dimension: int = 1,
    enable_centered_bias: bool = False, head_name: Any = None,
) -> Head:  # fmt: skip
    """Counts, by the log of what is expected. Source: TF 1.15 `tf.contrib.learn.poisson_regression_head`."""
    rest = (label_name, weight_column_name, enable_centered_bias, head_name)
    return _Regression(tf.exp, label_dimension, _poisson_loss, *rest)


@export("contrib.learn.multi_class_head")
def multi_class_head(
    n_classes: int, label_name: Any = None, weight_column_name: Any = None, enable_centered_bias: bool = False,
    head_name: Any = None, thresholds: Any = None, metric_class_ids: Any = None, loss_fn: Any = None,
    label_keys: Any = None,
) -> Head:  # fmt: skip
    """Classes. Raises ValueError: fewer than two, or words for two.

    Source: TF 1.15 `tf.contrib.learn.multi_class_head`.
    """
    if n_classes is None or n_classes < 2:
        raise ValueError(f"n_classes must be > 1 for classification: {n_classes}.")
    loss = _of_user(loss_fn) if loss_fn else None
    rest = (label_name, weight_column_name, enable_centered_bias, head_name)
    if n_classes > 2:
        return _MultiClass(loss or _softmax_loss, metric_class_ids, label_keys, n_classes, *rest)
    if metric_class_ids:
        raise ValueError("metric_class_ids invalid for n_classes==2.")
    if label_keys:
        raise ValueError("label_keys is not supported for n_classes=2.")
    return _BinaryLogistic(thresholds, 1, loss or _logistic_loss, *rest)


@export("contrib.learn.multi_label_head")
def multi_label_head(
    n_classes: int, label_name: Any = None, weight_column_name: Any = None, enable_centered_bias: bool = False,
    head_name: Any = None, thresholds: Any = None, metric_class_ids: Any = None, loss_fn: Any = None,
) -> Head:  # fmt: skip
    """Classes, any number of which hold. Raises ValueError: fewer than two.

    Source: TF 1.15 `tf.contrib.learn.multi_label_head`.
    """
    if n_classes < 2:
        raise ValueError("n_classes must be > 1 for classification.")
    loss = _of_user(loss_fn) if loss_fn else _sigmoid_loss
    rest = (label_name, weight_column_name, enable_centered_bias, head_name)
    return _MultiLabel(metric_class_ids, n_classes, loss, *rest)


@export("contrib.learn.binary_svm_head")
def binary_svm_head(
    label_name: Any = None, weight_column_name: Any = None, enable_centered_bias: bool = False, head_name: Any = None,
    thresholds: Any = None,
) -> Head:  # fmt: skip
    """Two classes, by the hinge loss. Source: TF 1.15 `tf.contrib.learn.binary_svm_head`."""
    return _BinarySvm(1, _hinge_loss, label_name, weight_column_name, enable_centered_bias, head_name)
