"""The heads of `tf.estimator`: losses, predictions and metrics as those of tf.keras make them."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.estimator import head_checks
from retrograph.estimator.exporting import DEFAULT_SERVING_KEY, PredictOutput
from retrograph.estimator.head_keys import MetricKeys
from retrograph.estimator.head_keys import PredictionKeys as Predictions
from retrograph.estimator.head_kinds import Binary, Kind, MultiClass, MultiLabel, Numbers, logistic_loss, poisson_loss
from retrograph.estimator.old_heads import class_keys, column_of_class, multi_label_settings
from retrograph.estimator.spec import EstimatorSpec, ModeKeys
from retrograph.framework.exports import export
from retrograph.keras.loss_functions import ReductionV2, weighted_loss
from retrograph.keras.optimizer_base import OptimizerV2

_MEAN = ReductionV2.SUM_OVER_BATCH_SIZE
_REDUCTIONS = (ReductionV2.AUTO, ReductionV2.NONE, ReductionV2.SUM, ReductionV2.SUM_OVER_BATCH_SIZE)


def _check_list(name: str, value: Any) -> None:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} should be a list or a tuple. Given type: {type(value)}.")


def _train_op(loss: Any, optimizer: Any, variables: Any, train_op_fn: Any, update_ops: Any) -> Any:
    if update_ops is not None:
        _check_list("update_ops", update_ops)
    with tf.name_scope(""), tf.name_scope("training"):
        if optimizer is not None:
            if train_op_fn is not None:
                raise ValueError("train_op_fn and optimizer cannot both be set.")
            if not isinstance(optimizer, OptimizerV2):
                raise ValueError(
                    f"The given optimizer is not a tf.keras.optimizers.Optimizer instance. Given: {optimizer}"
                )
            if variables is None:
                raise ValueError(f"trainable_variables cannot be None. Given {variables}")
            _check_list("trainable_variables", variables)
            train_op = optimizer.get_updates(loss, variables)[0]
        elif train_op_fn is not None:
            train_op = train_op_fn(loss)
        else:
            raise ValueError("train_op_fn and optimizer cannot both be None.")
        return train_op if update_ops is None else tf.group(train_op, *update_ops)


@export("estimator.Head")
class Head:
    """Base of heads. Source: TF 1.15 `tf.estimator.Head`."""

    @property
    def name(self) -> Any:
        """The name, or None."""
        raise NotImplementedError("Calling an abstract method.")

    @property
    def logits_dimension(self) -> Any:
        """The last dimension of logits."""
        raise NotImplementedError("Calling an abstract method.")

    @property
    def loss_reduction(self) -> Any:
        """How the losses of examples become one."""
        raise NotImplementedError("Calling an abstract method.")

    def loss(
        self, labels: Any, logits: Any, features: Any = None, mode: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The loss: a scalar."""
        raise NotImplementedError("Calling an abstract method.")

    def predictions(self, logits: Any, keys: Any = None) -> Any:
        """The predictions by their names."""
        raise NotImplementedError("Calling an abstract method.")

    def metrics(self, regularization_losses: Any = None) -> Any:
        """The metrics by their names."""
        raise NotImplementedError("Calling an abstract method.")

    def update_metrics(
        self, eval_metrics: Any, features: Any, logits: Any, labels: Any, mode: Any = None,
        regularization_losses: Any = None,
    ) -> Any:  # fmt: skip
        """The metrics, after a batch was counted."""
        raise NotImplementedError("Calling an abstract method.")

    def create_estimator_spec(
        self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None,
        trainable_variables: Any = None, train_op_fn: Any = None, update_ops: Any = None,
        regularization_losses: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """What a model function gives."""
        raise NotImplementedError(
            "Subclasses of Head must implement `create_estimator_spec()` or _create_tpu_estimator_spec()."
        )

    def _key(self, key: str) -> str:
        return f"{key}/{self.name}" if self.name else key


def _summaries(head: Head | None, loss: Any, extra: Any) -> None:
    with tf.name_scope(""):
        for key, value in ((MetricKeys.LOSS, loss), (MetricKeys.LOSS_REGULARIZATION, extra)):
            if value is not None:
                tf.summary.scalar(head._key(key) if head else key, value)


def _add(losses: Any) -> Any:
    return None if losses is None else tf.add_n(losses)


class _OneHead(Kind, Head):
    """A head with one loss: the kind says which."""

    _label_scope = "check_label_range"

    def _settings(self, weight_column: Any, loss_reduction: Any, loss_fn: Any, name: Any) -> None:
        if loss_reduction not in _REDUCTIONS or loss_reduction == ReductionV2.NONE:
            raise ValueError(f"Invalid loss_reduction: {loss_reduction}. See `tf.losses.Reduction` for valid options.")
        if loss_fn:
            head_checks.check_loss_fn(loss_fn, more=("loss_reduction",))
        self._weight_column, self._loss_reduction = weight_column, loss_reduction
        self._loss_fn, self._name = loss_fn, name

    @property
    def name(self) -> Any:
        """The name, or None."""
        return self._name

    @property
    def loss_reduction(self) -> Any:
        """How the losses of examples become one."""
        return self._loss_reduction

    def _parts(self, labels: Any, logits: Any, features: Any) -> tuple[Any, Any, Any]:
        """(labels as losses take them, the losses of examples, their weights)."""
        features = {} if features is None else features
        logits = head_checks.checked_logits(logits, self.logits_dimension)
        labels = self.processed_labels(logits, labels)
        return labels, self.unweighted_loss(logits, labels, features), self.weights(features, logits)

    def loss(
        self, labels: Any, logits: Any, features: Any = None, mode: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The loss: a scalar."""
        with tf.name_scope("losses", values=(logits, labels, regularization_losses, features)):
            _, losses, weights = self._parts(labels, logits, features)
            loss = weighted_loss(losses, weights, self._loss_reduction)
            extra = _add(regularization_losses)
            return loss if extra is None else loss + extra

    def predictions(self, logits: Any, keys: Any = None) -> Any:
        """The predictions by their names. Raises ValueError: an unknown name."""
        logits = head_checks.checked_logits(logits, self.logits_dimension)
        with tf.name_scope("predictions", values=(logits,)):
            found = self.predicted(logits)
        for key in keys or ():
            if key not in found:
                raise ValueError(
                    f"Prediction key must be in PredictionKeys, given: {key}.Valid prediction keys include {list(found)}."
                )
        return {key: found[key] for key in keys} if keys else found

    # ---- metrics

    def _made(self) -> dict[str, Any]:
        """New metrics by their names without the head's."""
        raise NotImplementedError

    def _counted(self, predictions: Any, labels: Any, weights: Any) -> dict[str, tuple[Any, ...]]:
        """What metrics count of a batch: (labels or values, predictions or nothing)."""
        raise NotImplementedError

    def metrics(self, regularization_losses: Any = None) -> Any:
        """The metrics by their names."""
        keys = MetricKeys
        with tf.name_scope("metrics", values=(regularization_losses,)):
            found = {self._key(keys.LOSS_MEAN): tf.keras.metrics.Mean(name=keys.LOSS_MEAN)}
            found.update((self._key(key), metric) for key, metric in self._made().items())
            if regularization_losses is not None:
                key = keys.LOSS_REGULARIZATION
                found[self._key(key)] = tf.keras.metrics.Mean(name=key)
        return found

    def update_metrics(
        self, eval_metrics: Any, features: Any, logits: Any, labels: Any, mode: Any = None,
        regularization_losses: Any = None,
    ) -> Any:  # fmt: skip
        """The metrics, after a batch was counted."""
        predictions = self.predictions(logits)
        labels, losses, weights = self._parts(labels, logits, features)
        eval_metrics[self._key(MetricKeys.LOSS_MEAN)].update_state(losses, sample_weight=weights)
        for key, values in self._counted(predictions, labels, weights).items():
            eval_metrics[self._key(key)].update_state(*values, sample_weight=weights)
        extra = _add(regularization_losses)
        if extra is not None:
            eval_metrics[self._key(MetricKeys.LOSS_REGULARIZATION)].update_state(extra)
        self._finish(eval_metrics)
        return eval_metrics

    def _finish(self, eval_metrics: Any) -> None:
        """What follows from other metrics."""

    # ---- the spec

    def create_estimator_spec(
        self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None,
        trainable_variables: Any = None, train_op_fn: Any = None, update_ops: Any = None,
        regularization_losses: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """What a model function gives. Raises ValueError: no labels, or none or both of the ways to train."""
        extra = regularization_losses
        with tf.name_scope(self._name, "head"):
            predictions = self.predictions(logits)
            if mode == ModeKeys.PREDICT:
                outputs = self.export_outputs(predictions)
                return EstimatorSpec(ModeKeys.PREDICT, predictions=predictions, export_outputs=outputs)
            loss = self.loss(labels, logits, features, mode, extra)
            if mode == ModeKeys.EVAL:
                metrics = self.metrics(extra)
            else:
                train_op = _train_op(loss, optimizer, trainable_variables, train_op_fn, update_ops)
        if mode == ModeKeys.EVAL:
            metrics = self.update_metrics(metrics, features, logits, labels, regularization_losses=extra)
            return EstimatorSpec(ModeKeys.EVAL, predictions=predictions, loss=loss, eval_metric_ops=metrics)
        _summaries(self, loss, _add(extra))
        return EstimatorSpec(ModeKeys.TRAIN, predictions=predictions, loss=loss, train_op=train_op)


def _at_thresholds(head: Head, thresholds: tuple[float, ...]) -> dict[str, Any]:
    """Accuracy, precision and recall at thresholds."""
    keys, library = MetricKeys, tf.keras.metrics
    found: dict[str, Any] = {}
    for t in thresholds:
        accuracy, precision, recall = (
            key % t for key in (keys.ACCURACY_AT_THRESHOLD, keys.PRECISION_AT_THRESHOLD, keys.RECALL_AT_THRESHOLD)
        )
        found[accuracy] = library.BinaryAccuracy(name=head._key(accuracy), threshold=t)
        found[precision] = library.Precision(name=head._key(precision), thresholds=t)
        found[recall] = library.Recall(name=head._key(recall), thresholds=t)
    return found


def _check_vocabulary(vocabulary: Any) -> None:
    if vocabulary is not None and not isinstance(vocabulary, (list, tuple)):
        raise ValueError(f"label_vocabulary should be a list or a tuple. Given type: {type(vocabulary)}")


@export("estimator.BinaryClassHead")
class BinaryClassHead(Binary, _OneHead):
    """A head for two classes. Source: TF 1.15 `tf.estimator.BinaryClassHead`."""

    def __init__(
        self, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None,
        loss_reduction: Any = _MEAN, loss_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        _check_vocabulary(label_vocabulary)
        self._thresholds = head_checks.check_thresholds(thresholds)
        self._settings(weight_column, loss_reduction, loss_fn, name)
        self._label_vocabulary = label_vocabulary

    def _made(self) -> dict[str, Any]:
        keys, library = MetricKeys, tf.keras.metrics
        return {
            keys.ACCURACY: library.Accuracy(name=keys.ACCURACY),
            keys.PRECISION: library.Precision(name=keys.PRECISION),
            keys.RECALL: library.Recall(name=keys.RECALL),
            keys.PREDICTION_MEAN: library.Mean(name=keys.PREDICTION_MEAN),
            keys.LABEL_MEAN: library.Mean(name=keys.LABEL_MEAN),
            keys.ACCURACY_BASELINE: library.Mean(name=keys.ACCURACY_BASELINE),
            keys.AUC: library.AUC(name=keys.AUC),
            keys.AUC_PR: library.AUC(curve="PR", name=keys.AUC_PR),
            **_at_thresholds(self, self._thresholds),
        }

    def _counted(self, predictions: Any, labels: Any, weights: Any) -> dict[str, tuple[Any, ...]]:
        keys = MetricKeys
        ids, logistic = predictions[Predictions.CLASS_IDS], predictions[Predictions.LOGISTIC]
        found: dict[str, tuple[Any, ...]] = dict.fromkeys((keys.ACCURACY, keys.PRECISION, keys.RECALL), (labels, ids))
        found[keys.PREDICTION_MEAN], found[keys.LABEL_MEAN] = (logistic,), (labels,)
        at = (*_threshold_keys(self._thresholds), keys.AUC, keys.AUC_PR)
        return {**found, **dict.fromkeys(at, (labels, logistic))}

    def _finish(self, eval_metrics: Any) -> None:
        mean, baseline = (eval_metrics[self._key(k)] for k in (MetricKeys.LABEL_MEAN, MetricKeys.ACCURACY_BASELINE))
        baseline._updates = [(tf.no_op(), ())]
        baseline.count = mean.count
        baseline.total = mean.total  # its own variable is no longer one of the metric's
        baseline.total = tf.maximum(mean.total, mean.count - mean.total)


def _threshold_keys(thresholds: tuple[float, ...]) -> list[str]:
    keys = MetricKeys
    rows = (keys.ACCURACY_AT_THRESHOLD, keys.PRECISION_AT_THRESHOLD, keys.RECALL_AT_THRESHOLD)
    return [key % t for t in thresholds for key in rows]


@export("estimator.MultiClassHead")
class MultiClassHead(MultiClass, _OneHead):
    """A head for one of more than two classes. Source: TF 1.15 `tf.estimator.MultiClassHead`."""

    def __init__(
        self, n_classes: Any, weight_column: Any = None, label_vocabulary: Any = None, loss_reduction: Any = _MEAN,
        loss_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        if n_classes is None:
            raise ValueError("n_classes cannot be None")
        _check_vocabulary(label_vocabulary)
        if label_vocabulary is not None and len(label_vocabulary) != n_classes:
            raise ValueError(
                f'"label_vocabulary" does not have "n_classes" items. len(label_vocabulary)={len(label_vocabulary)}, '
                f"n_classes={n_classes}, label_vocabulary={label_vocabulary}"
            )
        self._settings(weight_column, loss_reduction, loss_fn, name)
        self._n_classes = head_checks.checked_n_classes(n_classes)
        self._label_vocabulary = label_vocabulary

    def _made(self) -> dict[str, Any]:
        return {MetricKeys.ACCURACY: tf.keras.metrics.Accuracy(name=MetricKeys.ACCURACY)}

    def _counted(self, predictions: Any, labels: Any, weights: Any) -> dict[str, tuple[Any, ...]]:
        return {MetricKeys.ACCURACY: (labels, predictions[Predictions.CLASS_IDS])}


@export("estimator.MultiLabelHead")
class MultiLabelHead(MultiLabel, _OneHead):
    """A head for any of several classes. Source: TF 1.15 `tf.estimator.MultiLabelHead`."""

    def __init__(
        self, n_classes: Any, weight_column: Any = None, thresholds: Any = None, label_vocabulary: Any = None,
        loss_reduction: Any = _MEAN, loss_fn: Any = None, classes_for_class_based_metrics: Any = None,
        name: Any = None,
    ):  # fmt: skip
        settings = multi_label_settings(
            n_classes, thresholds, label_vocabulary, classes_for_class_based_metrics, "multi-label"
        )
        self._thresholds, self._metric_classes = settings
        self._settings(weight_column, loss_reduction, loss_fn, name)
        self._n_classes, self._label_vocabulary = n_classes, label_vocabulary

    def _made(self) -> dict[str, Any]:
        keys, library = MetricKeys, tf.keras.metrics
        found = {
            keys.AUC: library.AUC(name=keys.AUC),
            keys.AUC_PR: library.AUC(curve="PR", name=keys.AUC_PR),
            **_at_thresholds(self, self._thresholds),
        }
        for class_id in self._metric_classes:
            mean, auc, auc_pr = class_keys(class_id, self._label_vocabulary)
            found[mean] = library.Mean(name=self._key(mean))
            found[auc] = library.AUC(name=self._key(auc))
            found[auc_pr] = library.AUC(curve="PR", name=self._key(auc_pr))
        return found

    def _counted(self, predictions: Any, labels: Any, weights: Any) -> dict[str, tuple[Any, ...]]:
        keys, probabilities = MetricKeys, predictions[Predictions.PROBABILITIES]
        at = (keys.AUC, keys.AUC_PR, *_threshold_keys(self._thresholds))
        found: dict[str, tuple[Any, ...]] = dict.fromkeys(at, (labels, probabilities))
        for class_id in self._metric_classes:
            of_class, true = column_of_class(class_id, probabilities, labels)
            mean, auc, auc_pr = class_keys(class_id, self._label_vocabulary)
            found[mean], found[auc], found[auc_pr] = (of_class,), (true, of_class), (true, of_class)
        return found


@export("estimator.RegressionHead")
class RegressionHead(Numbers, _OneHead):
    """A head for numbers. Source: TF 1.15 `tf.estimator.RegressionHead`."""

    def __init__(
        self, label_dimension: int = 1, weight_column: Any = None, loss_reduction: Any = _MEAN, loss_fn: Any = None,
        inverse_link_fn: Any = None, name: Any = None,
    ):  # fmt: skip
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        self._settings(weight_column, loss_reduction, loss_fn, name)
        self._size, self._inverse_link_fn = label_dimension, inverse_link_fn

    @property
    def logits_dimension(self) -> Any:
        """How many numbers an example has."""
        return self._size

    def _made(self) -> dict[str, Any]:
        return {k: tf.keras.metrics.Mean(name=k) for k in (MetricKeys.PREDICTION_MEAN, MetricKeys.LABEL_MEAN)}

    def _counted(self, predictions: Any, labels: Any, weights: Any) -> dict[str, tuple[Any, ...]]:
        return {
            MetricKeys.LABEL_MEAN: (labels,),
            MetricKeys.PREDICTION_MEAN: (predictions[Predictions.PREDICTIONS],),
        }


@export("estimator.PoissonRegressionHead")
class PoissonRegressionHead(RegressionHead):
    """A head for counts. Source: TF 1.15 `tf.estimator.PoissonRegressionHead`."""

    def __init__(
        self, label_dimension: int = 1, weight_column: Any = None, loss_reduction: Any = _MEAN,
        compute_full_loss: bool = True, name: Any = None,
    ):  # fmt: skip
        loss = poisson_loss(compute_full_loss)
        super().__init__(label_dimension, weight_column, loss_reduction, loss, tf.exp, name)


@export("estimator.LogisticRegressionHead")
class LogisticRegressionHead(RegressionHead):
    """A head for probabilities. Source: TF 1.15 `tf.estimator.LogisticRegressionHead`."""

    def __init__(self, weight_column: Any = None, loss_reduction: Any = _MEAN, name: Any = None):
        super().__init__(1, weight_column, loss_reduction, logistic_loss("check_label_range"), tf.sigmoid, name)


# ---- several heads


def split_logits(heads: Any, logits: Any) -> dict[str, Any]:
    """The logits of each head, by its name. Raises ValueError: too many or too few."""
    with tf.name_scope("split_logits", values=[logits]):
        logits = tf.convert_to_tensor(logits)
        sizes = [head.logits_dimension for head in heads]
        shape = logits.shape.as_list()
        if shape[-1] is not None and shape[-1] != sum(sizes):
            raise ValueError(
                f"Could not split logits of shape {shape!r} among the heads with individual logits dimensions: {sizes!r}. "
                f"The last dimension of the logits tensor should equal {sum(sizes)} but is {shape[-1]}."
            )
        whole: Any = tf.shape(logits)
        batch, found, start = whole[:-1], {}, 0
        zeros, rest = tf.zeros_like(batch), -1 * tf.ones_like(batch)
        for head, size in zip(heads, sizes, strict=True):
            begin = tf.concat([zeros, [start]], axis=0)
            found[head.name] = tf.slice(logits, begin=begin, size=tf.concat([rest, [size]], axis=0))
            start += size
        return found


def nothing(loss: Any) -> Any:
    """What a head of several does to train: the model trains all of them at once."""
    return tf.no_op()


def merged_outputs(heads: Any, specs: Any) -> dict[str, Any]:
    """What several heads export. Raises ValueError: the first one has no default."""
    first = specs[0].export_outputs
    if len(first) > 1 and DEFAULT_SERVING_KEY not in first:
        raise ValueError(
            f"{heads[0].name} did not specify default export_outputs. Given: {first} Suggested fix: Use one of the heads in "
            f"tf.estimator, or include key {DEFAULT_SERVING_KEY} in export_outputs."
        )
    found = {DEFAULT_SERVING_KEY: first.get(DEFAULT_SERVING_KEY, next(iter(first.values())))}
    together: dict[str, Any] = {}
    for head, spec in zip(heads, specs, strict=True):
        for key, output in spec.export_outputs.items():
            found[head.name if key == DEFAULT_SERVING_KEY else f"{head.name}/{key}"] = output
            if key == "predict" and isinstance(output, PredictOutput):
                together.update((f"{head.name}/{k}", v) for k, v in output.outputs.items())
    found["predict"] = PredictOutput(together)
    return found


def merged_loss(losses: Any, weights: Any) -> Any:
    """The sum of heads' losses, times their weights."""
    losses = tuple(losses)
    with tf.name_scope("merge_losses", values=losses + (weights or ())):
        if weights:
            losses = [tf.multiply(loss, weight) for loss, weight in zip(losses, weights, strict=True)]
        return tf.add_n(losses)


def check_heads(heads: Any, weights: Any) -> None:
    """Raises ValueError: no heads, heads without names, or not as many weights."""
    if not heads:
        raise ValueError(f"Must specify heads. Given: {heads}")
    if weights and len(weights) != len(heads):
        raise ValueError(
            f"heads and head_weights must have the same size. Given len(heads): {len(heads)}. Given len(head_weights): "
            f"{len(weights)}."
        )
    for head in heads:
        if not head.name:
            raise ValueError(f"All given heads must have name specified. Given: {head}")


class Together:
    """What several heads, `_heads`, have in common as one."""

    _heads: tuple[Any, ...]

    @property
    def name(self) -> Any:
        """The names of all."""
        return "_".join(h.name for h in self._heads)

    @property
    def logits_dimension(self) -> Any:
        """The sum of all."""
        return sum(h.logits_dimension for h in self._heads)


@export("estimator.MultiHead")
class MultiHead(Together, Head):
    """Several heads, each with its part of the logits. Raises ValueError: no heads, or without names.

    Source: TF 1.15 `tf.estimator.MultiHead`.
    """

    def __init__(self, heads: Any, head_weights: Any = None):
        check_heads(heads, head_weights)
        self._heads, self._head_weights = tuple(heads), tuple(head_weights) if head_weights else ()

    @property
    def loss_reduction(self) -> Any:
        """That of all. Raises ValueError: different ones."""
        found = [h.loss_reduction for h in self._heads]
        if len(set(found)) > 1:
            raise ValueError(f"The loss_reduction must be the same for different heads. Given: {found}")
        return found[0]

    def _by_head(self, logits: Any, labels: Any = None) -> dict[str, Any]:
        names = {h.name for h in self._heads}
        if isinstance(logits, dict) and names - set(logits):
            raise ValueError(f"logits has missing values for head(s): {list(names - set(logits))}")
        found = logits if isinstance(logits, dict) else split_logits(self._heads, logits)
        if labels is not None and not isinstance(labels, dict):
            raise ValueError(f"labels must be a dict. Given: {labels}")
        if labels is not None and names - set(labels):
            raise ValueError(f"labels has missing values for head(s): {list(names - set(labels))}")
        return found

    def loss(
        self, labels: Any, logits: Any, features: Any = None, mode: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The loss: a scalar."""
        parts = self._by_head(logits, labels)
        losses = [h.loss(labels[h.name], parts[h.name], features, mode) for h in self._heads]
        loss, extra = merged_loss(losses, self._head_weights), _add(regularization_losses)
        return loss if extra is None else loss + extra

    def predictions(self, logits: Any, keys: Any = None) -> Any:
        """The predictions by the names of head and prediction."""
        parts = self._by_head(logits)
        with tf.name_scope("merge_pred"):
            return {(h.name, k): v for h in self._heads for k, v in h.predictions(parts[h.name]).items()}

    def metrics(self, regularization_losses: Any = None) -> Any:
        """The losses of all heads."""
        found, key = {}, MetricKeys.LOSS_REGULARIZATION
        if regularization_losses is not None:
            found[self._key(key)] = tf.keras.metrics.Mean(name=key)
        with tf.name_scope("merge_eval"):
            for name in (f"{MetricKeys.LOSS}/{h.name}" for h in self._heads):
                found[name] = tf.keras.metrics.Mean(name=name)
        return found

    def update_metrics(
        self, eval_metrics: Any, features: Any, logits: Any, labels: Any, mode: Any = None,
        regularization_losses: Any = None,
    ) -> Any:  # fmt: skip
        """All metrics, after a batch was counted."""
        parts, extra = self._by_head(logits, labels), _add(regularization_losses)
        if extra is not None:
            eval_metrics[self._key(MetricKeys.LOSS_REGULARIZATION)].update_state(extra)
        for head in self._heads:
            own_logits, own_labels = parts[head.name], labels[head.name]
            loss = head.loss(own_labels, own_logits, features)
            eval_metrics[f"{MetricKeys.LOSS}/{head.name}"].update_state(loss)
            eval_metrics.update(head.update_metrics(head.metrics(), features, own_logits, own_labels) or {})
        return eval_metrics

    def create_estimator_spec(
        self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None,
        trainable_variables: Any = None, train_op_fn: Any = None, update_ops: Any = None,
        regularization_losses: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """What a model function gives."""
        extra = regularization_losses
        with tf.name_scope(self.name, "multi_head"):
            parts = self._by_head(logits, labels)
            specs = [
                h.create_estimator_spec(
                    features, mode, parts[h.name], labels[h.name] if labels else None, train_op_fn=nothing
                )
                for h in self._heads
            ]
            predictions = self.predictions(logits)
            if mode == ModeKeys.PREDICT:
                outputs = merged_outputs(self._heads, specs)
                return EstimatorSpec(ModeKeys.PREDICT, predictions=predictions, export_outputs=outputs)
            loss = self.loss(labels, logits, features, mode, extra)
            if mode == ModeKeys.EVAL:
                metrics = self.metrics(extra)
                metrics = self.update_metrics(metrics, features, logits, labels, regularization_losses=extra)
                return EstimatorSpec(ModeKeys.EVAL, predictions=predictions, loss=loss, eval_metric_ops=metrics)
            if mode != ModeKeys.TRAIN:
                raise ValueError(f"mode={mode} unrecognized")
            train_op = _train_op(loss, optimizer, trainable_variables, train_op_fn, update_ops)
            _summaries(None, loss, _add(extra))
            return EstimatorSpec(ModeKeys.TRAIN, predictions=predictions, loss=loss, train_op=train_op)
