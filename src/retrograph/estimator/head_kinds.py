"""What classes, numbers and sets of labels have in common in heads of all generations.

A kind knows the predictions of logits, the labels that losses take, the losses of single examples, and what is exported.
`old_heads.py` makes losses and metrics of it as `tf.losses` and `tf.metrics` do, `heads.py` as those of tf.keras do.
"""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.estimator import head_checks
from retrograph.estimator.exporting import (
    DEFAULT_SERVING_KEY,
    ClassificationOutput,
    PredictOutput,
    RegressionOutput,
)
from retrograph.estimator.head_keys import PredictionKeys as Keys
from retrograph.ops.vocabularies import index_table_from_list, index_to_string_table_from_list

_PER_LOGIT = "labels must be an integer indicator Tensor with values in [0, 1]"


def _all_classes(batch_of: Any, n_classes: int, vocabulary: Any) -> Any:
    sizes: Any = tf.shape(batch_of)
    batch = sizes[0]
    names = vocabulary if vocabulary else tf.as_string(tf.range(n_classes))
    return tf.tile(input=tf.expand_dims(input=names, axis=0), multiples=[batch, 1])


def _per_example_ids(logits: Any, n_classes: int) -> Any:
    sizes: Any = tf.shape(logits)
    batch = sizes[0]
    return tf.tile(input=tf.expand_dims(input=tf.range(n_classes), axis=0), multiples=[batch, 1])


class Kind:
    """Base of all kinds: weights and functions of losses."""

    logits_dimension: Any = None
    _weight_column: Any = None
    _loss_fn: Any = None
    _per_logit_weights = False
    _label_scope = "assert_range"

    def predicted(self, logits: Any) -> dict[str, Any]:
        """The predictions of checked logits, in the scope of the head."""
        raise NotImplementedError

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """What is exported, by the names of signatures."""
        raise NotImplementedError

    def processed_labels(self, logits: Any, labels: Any) -> Any:
        """The labels that losses and metrics take."""
        raise NotImplementedError

    def _losses(self, logits: Any, labels: Any) -> Any:
        raise NotImplementedError

    def unweighted_loss(self, logits: Any, labels: Any, features: Any) -> Any:
        """The losses of single examples."""
        if self._loss_fn:
            size = self.logits_dimension if self._per_logit_weights else 1
            return head_checks.call_loss_fn(self._loss_fn, labels, logits, features, size)
        return self._losses(logits, labels)

    def weights(self, features: Any, logits: Any) -> Any:
        """The weights of examples."""
        return head_checks.weights_of_examples(features, self._weight_column, logits, self._per_logit_weights)

    def _in_range(self, labels: Any, n_classes: Any, message: str | None = None) -> Any:
        return head_checks.labels_in_range(labels, n_classes, message, self._label_scope)


class _Classes(Kind):
    _label_vocabulary: Any = None
    _n_classes: Any = 2

    def _class_ids(self, logits: Any) -> Any:
        return tf.expand_dims(tf.argmax(logits, axis=-1, name=Keys.CLASS_IDS), axis=-1)

    def _classes(self, class_ids: Any) -> Any:
        if not self._label_vocabulary:
            return tf.as_string(class_ids, name="str_classes")
        table = index_to_string_table_from_list(vocabulary_list=self._label_vocabulary, name="class_string_lookup")
        return table.lookup(class_ids)

    def _looked_up(self, labels: Any) -> Any:
        return index_table_from_list(vocabulary_list=tuple(self._label_vocabulary), name="class_id_lookup").lookup(
            labels
        )

    def _all(self, logits: Any) -> dict[str, Any]:
        return {
            Keys.ALL_CLASS_IDS: _per_example_ids(logits, self._n_classes),
            Keys.ALL_CLASSES: _all_classes(logits, self._n_classes, self._label_vocabulary),
        }

    def _classified(self, scores: Any) -> Any:
        classes = _all_classes(scores, self._n_classes, self._label_vocabulary)
        return ClassificationOutput(scores=scores, classes=classes)

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Classes with their scores, and all predictions."""
        classified = self._classified(predictions[Keys.PROBABILITIES])
        return {
            DEFAULT_SERVING_KEY: classified,
            "classification": classified,
            "predict": PredictOutput(predictions),
        }


class Binary(_Classes):
    """Two classes by one logit."""

    logits_dimension = 1

    def predicted(self, logits: Any) -> dict[str, Any]:
        """Logits, their sigmoid, and both classes."""
        logistic = tf.sigmoid(logits, name=Keys.LOGISTIC)
        both = tf.concat((tf.zeros_like(logits), logits), axis=-1, name="two_class_logits")
        probabilities = tf.nn.softmax(both, name=Keys.PROBABILITIES)
        class_ids = self._class_ids(both)
        everything = self._all(logits)
        return {
            Keys.LOGITS: logits,
            Keys.LOGISTIC: logistic,
            Keys.PROBABILITIES: probabilities,
            Keys.CLASS_IDS: class_ids,
            Keys.CLASSES: self._classes(class_ids),
            **everything,
        }

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """Also the sigmoid, as a regression."""
        found = super().export_outputs(predictions)
        return {**found, "regression": RegressionOutput(value=predictions[Keys.LOGISTIC])}

    def processed_labels(self, logits: Any, labels: Any) -> Any:
        """0.0 or 1.0: `f32[d0, ..., dn, 1]`."""
        labels = head_checks.dense_labels(labels, logits, 1)
        if self._label_vocabulary is not None:
            labels = self._looked_up(labels)
        return self._in_range(tf.cast(labels, tf.float32, name="ToFloat"), n_classes=2)

    def _losses(self, logits: Any, labels: Any) -> Any:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)


class MultiClass(_Classes):
    """One of several classes."""

    @property
    def logits_dimension(self) -> Any:
        """The number of classes."""
        return self._n_classes

    def predicted(self, logits: Any) -> dict[str, Any]:
        """Logits, and the classes."""
        everything = self._all(logits)
        class_ids = self._class_ids(logits)
        classes = self._classes(class_ids)
        return {
            Keys.LOGITS: logits,
            Keys.PROBABILITIES: tf.nn.softmax(logits, name=Keys.PROBABILITIES),
            Keys.CLASS_IDS: class_ids,
            Keys.CLASSES: classes,
            **everything,
        }

    def processed_labels(self, logits: Any, labels: Any) -> Any:
        """The number of the class. Raises ValueError: labels that are no integers, or no texts beside a vocabulary."""
        labels = head_checks.dense_labels(labels, logits, 1)
        if self._label_vocabulary is None:
            if not labels.dtype.is_integer:
                raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
            return self._in_range(labels, self._n_classes)
        if labels.dtype != tf.string:
            raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {labels.dtype}")
        return self._in_range(self._looked_up(labels), self._n_classes)

    def _losses(self, logits: Any, labels: Any) -> Any:
        losses = tf.losses.sparse_softmax_cross_entropy(labels, logits, reduction=tf.losses.Reduction.NONE)
        return tf.expand_dims(losses, axis=-1)


class MultiLabel(_Classes):
    """Any of several classes."""

    @property
    def logits_dimension(self) -> Any:
        """The number of classes."""
        return self._n_classes

    def predicted(self, logits: Any) -> dict[str, Any]:
        """Logits and their sigmoids."""
        return {Keys.LOGITS: logits, Keys.PROBABILITIES: tf.sigmoid(logits, name=Keys.PROBABILITIES)}

    def processed_labels(self, logits: Any, labels: Any) -> Any:
        """0 or 1 for each class. Raises ValueError: no labels, or other numbers than integers."""
        if labels is None:
            raise ValueError(head_checks.NO_LABELS)
        if isinstance(labels, tf.SparseTensor):
            labels = tf.cast(self._indicators(labels), tf.int64, name="ToInt64")
        else:
            labels = self._in_range(labels, 2, message=_PER_LOGIT)
        return head_checks.dense_labels(labels, logits, self._n_classes)

    def _indicators(self, labels: Any) -> Any:
        if labels.dtype == tf.string:
            ids = tf.SparseTensor(labels.indices, self._looked_up(labels.values), labels.dense_shape)
            return tf.sparse_to_indicator(ids, self._n_classes)
        if not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
        message = f"labels must be an integer SparseTensor with values in [0, {self._n_classes})"
        with tf.control_dependencies([self._in_range(labels.values, self._n_classes, message=message)]):
            return tf.sparse_to_indicator(labels, self._n_classes)

    def _losses(self, logits: Any, labels: Any) -> Any:
        losses = tf.losses.sigmoid_cross_entropy(labels, logits, reduction=tf.losses.Reduction.NONE)
        return tf.reduce_mean(losses, axis=-1, keepdims=True)


class Numbers(Kind):
    """Numbers, one or several per example."""

    _inverse_link_fn: Any = None
    _per_logit_weights = True

    def predicted(self, logits: Any) -> dict[str, Any]:
        """The numbers; also the logits if those are something else."""
        if self._inverse_link_fn:
            return {Keys.PREDICTIONS: self._inverse_link_fn(logits), Keys.LOGITS: logits}
        return {Keys.PREDICTIONS: logits}

    def export_outputs(self, predictions: dict[str, Any]) -> dict[str, Any]:
        """The numbers as a regression."""
        regression = RegressionOutput(value=predictions[Keys.PREDICTIONS])
        return {
            DEFAULT_SERVING_KEY: regression,
            "regression": regression,
            "predict": PredictOutput(predictions),
        }

    def processed_labels(self, logits: Any, labels: Any) -> Any:
        """`f32[d0, ..., dn, label_dimension]`."""
        labels = head_checks.dense_labels(labels, logits, self.logits_dimension)
        return tf.cast(labels, tf.float32, name="ToFloat")

    def _losses(self, logits: Any, labels: Any) -> Any:
        return tf.losses.mean_squared_error(labels, logits, reduction=tf.losses.Reduction.NONE)


def poisson_loss(compute_full_loss: bool) -> Any:
    """The loss of logits whose exponential is the mean of a Poisson distribution."""

    def loss(labels: Any, logits: Any) -> Any:
        return tf.nn.log_poisson_loss(targets=labels, log_input=logits, compute_full_loss=compute_full_loss)

    return loss


def logistic_loss(scope: str) -> Any:
    """The loss of probabilities as labels."""

    def loss(labels: Any, logits: Any) -> Any:
        labels = head_checks.labels_in_range(labels, 2, "Labels must be in range [0, 1]", scope)
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    return loss
