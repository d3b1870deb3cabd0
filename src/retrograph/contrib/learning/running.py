"""Small functions of `tf.contrib.learn`: runs of a graph, tables of pandas, logistic regression of one's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import retrograph as tf
from retrograph.contrib.learning.estimators import Estimator
from retrograph.contrib.learning.parts import MetricKey, ModelFnOps
from retrograph.framework.exports import export


@export("contrib.learn.NanLossDuringTrainingError")
class NanLossDuringTrainingError(RuntimeError):
    """The loss is not a number. Source: TF 1.15 `tf.contrib.learn.NanLossDuringTrainingError`."""

    def __str__(self) -> str:
        return "NaN loss during training."


def _results(output_dict: dict[str, Any], feeds: Sequence[Any], path: Any) -> Iterator[Any]:
    if not output_dict:
        raise ValueError(f"output_dict is invalid: {output_dict}")
    with tf.Session() as session:
        if path:
            tf.train.Saver().restore(session, path)
        else:
            session.run(tf.global_variables_initializer())
        session.run([tf.local_variables_initializer(), tf.tables_initializer()])
        coordinator = tf.train.Coordinator()
        queues = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
        threads = tf.train.start_queue_runners(session, coordinator) if queues else []
        try:
            for feed in feeds:
                yield session.run(output_dict, feed)
        finally:
            coordinator.request_stop()
            coordinator.join(threads, stop_grace_period_secs=10, ignore_live_threads=True)


@export("contrib.learn.run_feeds")
def run_feeds(output_dict: dict[str, Any], feed_dicts: Sequence[Any], restore_checkpoint_path: Any = None) -> list[Any]:
    """What `output_dict` names, for each of the feeds, in one session; variables come from a checkpoint or start anew.

    Raises: ValueError: nothing is named. Source: TF 1.15 `tf.contrib.learn.run_feeds`.
    """
    return list(_results(output_dict, feed_dicts, restore_checkpoint_path))


@export("contrib.learn.run_n")
def run_n(
    output_dict: dict[str, Any], feed_dict: Any = None, restore_checkpoint_path: Any = None, n: int = 1
) -> list[Any]:
    """`run_feeds` of one feed, n times. Source: TF 1.15 `tf.contrib.learn.run_n`."""
    return run_feeds(output_dict, [feed_dict] * n, restore_checkpoint_path)


@export("contrib.learn.infer")
def infer(restore_checkpoint_path: Any, output_dict: dict[str, Any], feed_dict: Any = None) -> Any:
    """What `output_dict` names, of a checkpoint. Source: TF 1.15 `tf.contrib.learn.infer`."""
    return run_n(output_dict, feed_dict, restore_checkpoint_path)[0]


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _checked(data: Any, what: str) -> None:
    bad = [f"'{name}' type: {dtype.name}" for name, dtype in data.dtypes.items() if dtype.kind not in "iufb"]
    if bad:
        raise ValueError(
            f"Data types for extracting pandas {what} must be int, float, or bool. Found: {', '.join(bad)}"
        )


@export("contrib.learn.extract_pandas_data")
def extract_pandas_data(data: Any) -> Any:
    """The floats of a table; anything else as it is. Raises: ValueError: a column of no numbers.

    Source: TF 1.15 `tf.contrib.learn.extract_pandas_data`.
    """
    if not _is_frame(data):
        return data
    _checked(data, "data")
    return data.values.astype("float")


@export("contrib.learn.extract_pandas_matrix")
def extract_pandas_matrix(data: Any) -> Any:
    """The values of a table; anything else as it is. Source: TF 1.15 `tf.contrib.learn.extract_pandas_matrix`."""
    return data.values if _is_frame(data) else data


@export("contrib.learn.extract_pandas_labels")
def extract_pandas_labels(labels: Any) -> Any:
    """The values of a table of one column; anything else as it is. Raises: ValueError: several columns, no numbers.

    Source: TF 1.15 `tf.contrib.learn.extract_pandas_labels`.
    """
    if not _is_frame(labels):
        return labels
    if len(labels.columns) > 1:
        raise ValueError("Only one column for labels is allowed.")
    _checked(labels, "labels")
    return labels.values


@export("contrib.learn.LogisticRegressor")
def LogisticRegressor(
    model_fn: Callable[..., Any], thresholds: Any = None, model_dir: Any = None, config: Any = None,
    feature_engineering_fn: Any = None,
) -> Estimator:  # fmt: skip
    """An estimator of a model function that predicts probabilities, with the metrics of logistic regression.

    Source: TF 1.15 `tf.contrib.learn.LogisticRegressor`.
    """

    def with_metrics(features: Any, labels: Any, mode: Any, params: Any) -> ModelFnOps:
        predictions, loss, train_op = model_fn(features, labels, mode)
        evaluates = mode == tf.contrib.learn.ModeKeys.EVAL
        metrics = _logistic_metrics(labels, predictions, params["thresholds"] or [0.5]) if evaluates else None
        return ModelFnOps(mode, predictions, loss, train_op, metrics)

    return Estimator(with_metrics, model_dir, config, {"thresholds": thresholds}, feature_engineering_fn)


def _logistic_metrics(labels: Any, predictions: Any, thresholds: Any) -> dict[str, Any]:
    labels = next(iter(labels.values())) if isinstance(labels, dict) and len(labels) == 1 else labels
    streaming = tf.contrib.metrics
    found = {MetricKey.PREDICTION_MEAN: streaming.streaming_mean(predictions)}
    for key in (MetricKey.LABEL_MEAN, MetricKey.ACCURACY_BASELINE):
        found[key] = streaming.streaming_mean(labels)
    found[MetricKey.AUC] = streaming.streaming_auc(labels=labels, predictions=predictions)
    for threshold in thresholds:
        name = f"predictions_at_threshold_{threshold:f}"
        reached = tf.cast(tf.greater_equal(predictions, threshold), tf.float32, name=name)
        for key, metric in (("ACCURACY", "accuracy"), ("PRECISION", "precision"), ("RECALL", "recall")):
            made = getattr(streaming, f"streaming_{metric}")(labels=labels, predictions=reached)
            found[getattr(MetricKey, f"{key}_MEAN") % threshold] = made
    return found
