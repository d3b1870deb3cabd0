"""What model functions of `tf.contrib.learn` give, and the names in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework.exports import export


@export("contrib.learn.PredictionKey")
class PredictionKey:
    """Names of predictions. Source: TF 1.15 `tf.contrib.learn.PredictionKey`."""

    CLASSES = "classes"
    PROBABILITIES = "probabilities"
    LOGITS = "logits"
    LOGISTIC = "logistic"
    SCORES = "scores"
    TOP_K = "top_k"
    GENERIC = "output"


@export("contrib.learn.ProblemType", "contrib.slim.ProblemType")
class ProblemType:
    """Kinds of problems. Source: TF 1.15 `tf.contrib.learn.ProblemType`."""

    UNSPECIFIED = 0
    CLASSIFICATION = 1
    LINEAR_REGRESSION = 2
    LOGISTIC_REGRESSION = 3


class MetricKey:
    """Names of metrics. Source: TF 1.15 `contrib.learn.python.learn.estimators.metric_key.MetricKey`."""

    LOSS = "loss"
    AUC = "auc"
    AUC_PR = "auc_precision_recall"
    CLASS_AUC = "auc/class%d"
    CLASS_AUC_PR = "auc_precision_recall/class%d"
    PREDICTION_MEAN = "labels/prediction_mean"
    CLASS_PREDICTION_MEAN = "labels/prediction_mean/class%d"
    CLASS_LOGITS_MEAN = "labels/logits_mean/class%d"
    CLASS_PROBABILITY_MEAN = "labels/probability_mean/class%d"
    LABEL_MEAN = "labels/actual_label_mean"
    CLASS_LABEL_MEAN = "labels/actual_label_mean/class%d"
    ACCURACY = "accuracy"
    ACCURACY_BASELINE = "accuracy/baseline_label_mean"
    ACCURACY_MEAN = "accuracy/threshold_%f_mean"
    PRECISION_MEAN = "precision/positive_threshold_%f_mean"
    RECALL_MEAN = "recall/positive_threshold_%f_mean"


@export("contrib.learn.NotFittedError")
class NotFittedError(ValueError, AttributeError):
    """A model is used that was never trained. Source: TF 1.15 `tf.contrib.learn.NotFittedError`."""


class InputFnOps(NamedTuple):
    """What a function of inputs for serving gives. Source: TF 1.15 `tf.contrib.learn.InputFnOps`."""

    features: Any
    labels: Any
    default_inputs: Any


export("contrib.learn.InputFnOps")(InputFnOps)


class _ModelFnOps(NamedTuple):
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: dict[Any, Any]
    output_alternatives: Any
    training_chief_hooks: list[Any]
    training_hooks: list[Any]
    scaffold: Any
    mode: Any


@export("contrib.learn.ModelFnOps")
class ModelFnOps(_ModelFnOps):
    """What a model function gives.

    Raises: ValueError: something is missing that the mode needs, or of the wrong kind.
    Source: TF 1.15 `tf.contrib.learn.ModelFnOps`.
    """

    def __new__(
        cls, mode: Any, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None,
        output_alternatives: Any = None, training_chief_hooks: Any = None, training_hooks: Any = None,
        scaffold: Any = None,
    ) -> ModelFnOps:  # fmt: skip
        if train_op is None and mode == tf.contrib.learn.ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        loss = _checked_loss(loss, mode)
        if predictions is None:
            if mode in (tf.contrib.learn.ModeKeys.INFER, tf.contrib.learn.ModeKeys.EVAL):
                raise ValueError("Missing predictions.")
        elif isinstance(predictions, dict):
            predictions = {key: _tensor(value) for key, value in predictions.items()}
        else:
            predictions = _tensor(predictions)
        metrics = {} if eval_metric_ops is None else eval_metric_ops
        if not isinstance(metrics, dict):
            raise ValueError("eval_metric_ops must be a dict.")
        for name in ("training_hooks", "training_chief_hooks"):
            for hook in {"training_hooks": training_hooks, "training_chief_hooks": training_chief_hooks}[name] or ():
                if not isinstance(hook, tf.train.SessionRunHook):
                    raise TypeError(
                        f"All hooks returned from model_fn must be SessionRunHook instances, got instance of {type(hook)}: {hook}"
                    )
        return super().__new__(
            cls, predictions, loss, train_op, metrics, output_alternatives, training_chief_hooks or [],
            training_hooks or [], scaffold, mode,
        )  # fmt: skip


def _checked_loss(loss: Any, mode: Any) -> Any:
    if loss is None:
        if mode in (tf.contrib.learn.ModeKeys.TRAIN, tf.contrib.learn.ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    loss = tf.convert_to_tensor(loss)
    shape = loss.get_shape()
    if shape.num_elements() not in (None, 1):
        raise ValueError("Loss must be scalar.")
    return loss if shape.is_compatible_with(tf.TensorShape([])) else tf.reshape(loss, [])


def _tensor(value: Any) -> Any:
    return tf.contrib.framework.convert_to_tensor_or_sparse_tensor(value)
