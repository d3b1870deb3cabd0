"""What is added to estimators: metrics, features that go through, parsing for labels, ways to stop early."""

from __future__ import annotations

import glob
import operator
import os
import time
from collections import defaultdict
from typing import Any

import retrograph as tf
from retrograph.estimator import exporting
from retrograph.estimator.model import Estimator, _checked_hooks, _saved_step, _write_results, function_args
from retrograph.estimator.spec import EstimatorSpec, ModeKeys
from retrograph.feature_column.dense import NumericColumn
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train import evaluation, training_util
from retrograph.train.hook_timers import SecondOrStepTimer
from retrograph.train.session_run_hook import SessionRunArgs, SessionRunHook

_METRIC_ARGUMENTS = {"features", "labels", "predictions", "config"}


@export("estimator.add_metrics", "contrib.estimator.add_metrics")
def add_metrics(estimator: Any, metric_fn: Any) -> Estimator:
    """An estimator with more metrics. Raises ValueError: a function with other arguments.

    Source: TF 1.15 `tf.estimator.add_metrics`.
    """
    wanted = set(function_args(metric_fn))
    others = list(wanted - _METRIC_ARGUMENTS)
    if others:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {others}")

    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> EstimatorSpec:
        spec: EstimatorSpec = estimator.model_fn(features, labels, mode, config)
        if mode != ModeKeys.EVAL:
            return spec
        given = {"features": features, "labels": labels, "predictions": spec.predictions, "config": config}
        more = metric_fn(**{k: v for k, v in given.items() if k in wanted})
        return spec._replace(eval_metric_ops={**(spec.eval_metric_ops or {}), **more})

    return Estimator(model_fn, estimator.model_dir, estimator.config, warm_start_from=estimator._warm_start_settings)


# ---- parsing for labels


def _with_label(feature_columns: Any, label_key: str, label: Any, weight_column: Any) -> dict[str, Any]:
    spec: dict[str, Any] = tf.feature_column.make_parse_example_spec(feature_columns)
    if label_key in spec:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}, features: {spec.keys()}")
    spec[label_key] = label
    if weight_column is None:
        return spec
    if isinstance(weight_column, str):
        weight_column = tf.feature_column.numeric_column(weight_column)
    if not isinstance(weight_column, NumericColumn):
        raise ValueError(
            "weight_column should be an instance of tf.feature_column.numeric_column. Given type: "
            f"{type(weight_column)} value: {weight_column}"
        )
    if weight_column.key in spec:
        raise ValueError(
            f"weight_column should not be used as feature. weight_column: {weight_column.key}, features: {spec.keys()}"
        )
    return {**spec, **weight_column.parse_example_spec}


@export("estimator.classifier_parse_example_spec")
def classifier_parse_example_spec(
    feature_columns: Any, label_key: str, label_dtype: Any = tf.int64, label_default: Any = None,
    weight_column: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """What to parse for columns and the label of a class. Raises ValueError: the label or the weight is a feature.

    Source: TF 1.15 `tf.estimator.classifier_parse_example_spec`.
    """
    label = tf.io.FixedLenFeature((1,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


@export("estimator.regressor_parse_example_spec")
def regressor_parse_example_spec(
    feature_columns: Any, label_key: str, label_dtype: Any = tf.float32, label_default: Any = None,
    label_dimension: int = 1, weight_column: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """What to parse for columns and a label of numbers. Raises ValueError: the label or the weight is a feature.

    Source: TF 1.15 `tf.estimator.regressor_parse_example_spec`.
    """
    label = tf.io.FixedLenFeature((label_dimension,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


# ---- stopping early


class _StopOnPredicateHook(SessionRunHook):
    """Stops when a function says so; asks it after each interval."""

    def __init__(self, should_stop_fn: Any, run_every_secs: Any, run_every_steps: Any):
        if not callable(should_stop_fn):
            raise TypeError("`should_stop_fn` must be callable.")
        self._should_stop = should_stop_fn
        self._timer = SecondOrStepTimer(run_every_secs, run_every_steps)
        self._stop: Any = None
        self._step: Any = None

    def begin(self) -> None:
        """Makes the variable that says so to others."""
        self._step = tf.train.get_global_step()
        with tf.variable_scope("signal_early_stopping", values=[], reuse=tf.AUTO_REUSE):
            stop = tf.get_variable(
                "STOP", shape=[], dtype=tf.bool, initializer=tf.constant_initializer(False),
                collections=[tf.GraphKeys.GLOBAL_VARIABLES], trainable=False,
            )  # fmt: skip
        self._stop = tf.assign(stop, True)

    def before_run(self, run_context: Any) -> Any:
        """Asks for the step."""
        return SessionRunArgs(self._step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Asks the function."""
        step = run_values.results
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._should_stop():
                logging.info("Requesting early stopping at global step %d", step)
                run_context.session.run(self._stop)
                run_context.request_stop()


@export("estimator.experimental.make_early_stopping_hook")
def make_early_stopping_hook(
    estimator: Any, should_stop_fn: Any, run_every_secs: Any = 60, run_every_steps: Any = None
) -> SessionRunHook:
    """A hook that stops training when a function gives True.

    Raises TypeError, ValueError: no estimator, no function, or both intervals.
    Source: TF 1.15 `tf.estimator.experimental.make_early_stopping_hook`.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError("Only one of `run_every_secs` and `run_every_steps` must be set.")
    return _StopOnPredicateHook(should_stop_fn, run_every_secs, run_every_steps)


def read_eval_metrics(eval_dir: str) -> dict[int, dict[str, float]]:
    """The metrics of all evaluations in a folder, by their steps."""
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for path in sorted(glob.glob(os.path.join(eval_dir, "events.out.tfevents.*"))):
        for event in tf.train.summary_iterator(path):
            values = {v.tag: v.simple_value for v in event.summary.value if v.HasField("simple_value")}
            if values:
                found[event.step].update(values)
    return dict(sorted(found.items()))


def _stop_at_threshold(
    estimator: Any, metric: str, threshold: Any, better: Any, text: str, eval_dir: Any, min_steps: int, *every: Any
) -> SessionRunHook:
    folder = estimator.eval_dir() if eval_dir is None else eval_dir

    def should_stop() -> bool:
        for step, metrics in read_eval_metrics(folder).items():
            if step >= min_steps and better(metrics[metric], threshold):
                logging.info(
                    'At step %s, metric "%s" has value %s which is %s the configured threshold (%s) for early stopping.',
                    step, metric, metrics[metric], text, threshold,
                )  # fmt: skip
                return True
        return False

    return make_early_stopping_hook(estimator, should_stop, *every)


def _stop_without_change(
    estimator: Any, metric: str, most_steps: int, better: Any, text: str, eval_dir: Any, min_steps: int, *every: Any
) -> SessionRunHook:
    folder = estimator.eval_dir() if eval_dir is None else eval_dir

    def should_stop() -> bool:
        best: Any = None
        for step, metrics in read_eval_metrics(folder).items():
            if step < min_steps:
                continue
            if best is None or better(metrics[metric], best[1]):
                best = step, metrics[metric]
            if step - best[0] >= most_steps:
                logging.info(
                    'No %s in metric "%s" for %s steps, which is greater than or equal to max steps (%s) configured for early '
                    "stopping.",
                    text, metric, step - best[0], most_steps,
                )  # fmt: skip
                return True
        return False

    return make_early_stopping_hook(estimator, should_stop, *every)


@export("estimator.experimental.stop_if_higher_hook")
def stop_if_higher_hook(
    estimator: Any, metric_name: str, threshold: Any, eval_dir: Any = None, min_steps: int = 0,
    run_every_secs: Any = 60, run_every_steps: Any = None,
) -> SessionRunHook:  # fmt: skip
    """A hook that stops training once a metric is above a threshold.

    Source: TF 1.15 `tf.estimator.experimental.stop_if_higher_hook`.
    """
    every = run_every_secs, run_every_steps
    return _stop_at_threshold(
        estimator, metric_name, threshold, operator.gt, "greater than", eval_dir, min_steps, *every
    )


@export("estimator.experimental.stop_if_lower_hook")
def stop_if_lower_hook(
    estimator: Any, metric_name: str, threshold: Any, eval_dir: Any = None, min_steps: int = 0,
    run_every_secs: Any = 60, run_every_steps: Any = None,
) -> SessionRunHook:  # fmt: skip
    """A hook that stops training once a metric is below a threshold.

    Source: TF 1.15 `tf.estimator.experimental.stop_if_lower_hook`.
    """
    every = run_every_secs, run_every_steps
    return _stop_at_threshold(estimator, metric_name, threshold, operator.lt, "less than", eval_dir, min_steps, *every)


@export("estimator.experimental.stop_if_no_increase_hook")
def stop_if_no_increase_hook(
    estimator: Any, metric_name: str, max_steps_without_increase: int, eval_dir: Any = None, min_steps: int = 0,
    run_every_secs: Any = 60, run_every_steps: Any = None,
) -> SessionRunHook:  # fmt: skip
    """A hook that stops training once a metric did not grow for some steps.

    Source: TF 1.15 `tf.estimator.experimental.stop_if_no_increase_hook`.
    """
    every, most = (run_every_secs, run_every_steps), max_steps_without_increase
    return _stop_without_change(estimator, metric_name, most, operator.gt, "increase", eval_dir, min_steps, *every)


@export("estimator.experimental.stop_if_no_decrease_hook")
def stop_if_no_decrease_hook(
    estimator: Any, metric_name: str, max_steps_without_decrease: int, eval_dir: Any = None, min_steps: int = 0,
    run_every_secs: Any = 60, run_every_steps: Any = None,
) -> SessionRunHook:  # fmt: skip
    """A hook that stops training once a metric did not fall for some steps.

    Source: TF 1.15 `tf.estimator.experimental.stop_if_no_decrease_hook`.
    """
    every, most = (run_every_secs, run_every_steps), max_steps_without_decrease
    return _stop_without_change(estimator, metric_name, most, operator.lt, "decrease", eval_dir, min_steps, *every)


class _StopAtCheckpointStepHook(SessionRunHook):
    def __init__(self, model_dir: Any, last_step: int, wait_after_file_check_secs: float = 30):
        for name, value in (("last_step", last_step), ("model_dir", model_dir)):
            if value is None:
                raise ValueError(f"{name} must be specified.")
        self._model_dir, self._last, self._wait = model_dir, last_step, wait_after_file_check_secs
        self._step: Any = None

    def begin(self) -> None:
        self._step = training_util._get_or_create_global_step_read()

    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if run_values.results + 1 >= self._last:
            if _saved_step(self._model_dir) >= self._last:
                run_context.request_stop()
            else:
                time.sleep(self._wait)


@export("estimator.experimental.make_stop_at_checkpoint_step_hook")
def make_stop_at_checkpoint_step_hook(
    estimator: Any, last_step: int, wait_after_file_check_secs: float = 30
) -> SessionRunHook:
    """A hook that stops training at a step. Source: TF 1.15 `tf.estimator.experimental.make_stop_at_checkpoint_step_hook`."""
    if estimator.config.is_chief:
        return tf.train.StopAtStepHook(last_step=last_step)  # type: ignore[no-any-return]
    return _StopAtCheckpointStepHook(estimator.model_dir, last_step, wait_after_file_check_secs)


@export("estimator.experimental.InMemoryEvaluatorHook")
class InMemoryEvaluatorHook(SessionRunHook):
    """Evaluates while it trains, with the values that variables have in the session.

    Raises ValueError: an interval that is not positive. Source: TF 1.15 `tf.estimator.experimental.InMemoryEvaluatorHook`.
    """

    def __init__(
        self, estimator: Any, input_fn: Any, steps: Any = None, hooks: Any = None, name: Any = None,
        every_n_iter: int = 100,
    ):  # fmt: skip
        if every_n_iter is None or every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        self._estimator, self._input_fn = estimator, input_fn
        self._eval_dir = estimator.eval_dir(name)
        self._hooks = _checked_hooks(hooks)
        if steps is not None:
            self._hooks.append(evaluation._StopAfterNEvalsHook(steps))
        self._timer = SecondOrStepTimer(every_steps=every_n_iter)
        self._count = 0
        self._parts: Any = None
        self._pairs: dict[str, tuple[Any, Any]] = {}

    def begin(self) -> None:
        """Builds the graph of the evaluation."""
        self._timer.reset()
        self._count, self._graph = 0, tf.Graph()
        with self._graph.as_default():
            self._parts = self._estimator._evaluation_graph(self._input_fn, list(self._hooks), None)
            scaffold = self._parts[0]
            for what in ("saver", "init_fn"):
                if getattr(scaffold, what) is not None:
                    raise ValueError(f"InMemoryEvaluator does not support custom {what}")
            self._pairs = {v.name: (v, tf.placeholder(v.dtype.base_dtype)) for v in tf.global_variables()}

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Evaluates the values that variables start with."""
        if tf.get_collection(tf.GraphKeys.SAVEABLE_OBJECTS):
            raise ValueError("InMemoryEvaluator does not support saveables other than global variables.")
        self._trained = {v.name: v for v in tf.global_variables() if v.name in self._pairs}
        with self._graph.as_default():
            self._take = tf.group([tf.assign(*self._pairs[name]) for name in self._trained])
        self._evaluate(session)

    def _evaluate(self, session: Any) -> None:
        values = session.run(self._trained)
        fed = {self._pairs[name][1]: value for name, value in values.items()}
        own, update, metrics, hooks = self._parts

        def take(scaffold: Any, session: Any) -> None:
            session.run(self._take, feed_dict=fed)

        with self._graph.as_default():
            scaffold = tf.train.Scaffold(init_fn=take, copy_from_scaffold=own)
            results = evaluation._evaluate_once(
                checkpoint_path=None, master=self._estimator.config.evaluation_master, scaffold=scaffold,
                eval_ops=update, final_ops=metrics, hooks=hooks, config=self._estimator._session_config,
            )  # fmt: skip
        _write_results(self._eval_dir, results, None)
        self._timer.update_last_triggered_step(self._count)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Evaluates if it is time."""
        self._count += 1
        if self._timer.should_trigger_for_step(self._count):
            self._evaluate(run_context.session)

    def end(self, session: Any) -> None:
        """Evaluates the last values."""
        self._evaluate(session)


# ---- tf.contrib.estimator


@export("contrib.estimator.clip_gradients_by_norm")
def clip_gradients_by_norm(optimizer: Any, clip_norm: Any) -> Any:
    """An optimizer that clips each gradient's norm first. Source: TF 1.15 `tf.contrib.estimator.clip_gradients_by_norm`."""

    def clip(grads_and_vars: Any) -> Any:
        gradients, variables = zip(*grads_and_vars, strict=True)
        clipped, _ = tf.clip_by_global_norm(gradients, clip_norm)
        return list(zip(clipped, variables, strict=True))

    return _Transformed(optimizer, clip, "ClipByNorm")


class _Transformed(tf.train.Optimizer):  # type: ignore[misc]
    """Another optimizer, with something done to gradients first."""

    def __init__(self, optimizer: Any, transform: Any, name: str):
        super().__init__(use_locking=False, name=name + optimizer.get_name())
        self._opt, self._transform = optimizer, transform

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """The gradients of the other optimizer."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        """Applies what was made of them."""
        return self._opt.apply_gradients(self._transform(grads_and_vars), global_step=global_step, name=name)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """A slot of the other optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        """The slots of the other optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)


def _through(features: Any, keys: Any, default: Any) -> dict[Any, Any]:
    """The features that go through, as dense tensors. Raises ValueError: none of that name, or not dense."""
    found = {}
    for key in features if keys is None else keys:
        if key not in features:
            raise ValueError(
                f'keys should be exist in features. Key "{key}" is not in features dict. features dict has following keys: '
                f"{features.keys()}. Please check arguments."
            )
        feature = features[key]
        if isinstance(feature, tf.SparseTensor):
            if default is None:
                raise ValueError(
                    f"Feature ({key}) is expected to be dense. Please set sparse_default_values parameter with a value for this "
                    "feature."
                )
            feature = tf.sparse_tensor_to_dense(feature, default_value=default[key])
        found[key] = feature
    return found


@export("contrib.estimator.forward_features")
def forward_features(estimator: Any, keys: Any = None, sparse_default_values: Any = None) -> Estimator:
    """An estimator whose predictions also hold features. Raises ValueError, TypeError: no names, or unknown ones.

    Source: TF 1.15 `tf.contrib.estimator.forward_features`.
    """
    if keys is not None:
        keys = [keys] if isinstance(keys, str) else keys
        if not keys:
            raise ValueError("keys should be given")
        for key in keys:
            if not isinstance(key, str):
                raise TypeError(
                    f"All items in the given keys list should be a string. There exist an item with type: {type(key)}"
                )

    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> EstimatorSpec:
        spec: EstimatorSpec = estimator.model_fn(features, labels, mode, config)
        if not spec.predictions or mode != ModeKeys.PREDICT:
            return spec
        predictions = spec.predictions
        if not isinstance(predictions, dict):
            raise ValueError(
                f"forward_features: predictions of the model_fn must be a dict, given: {type(predictions)}"
            )
        more = _through(features, keys, sparse_default_values)
        for key in more:
            if key in predictions:
                raise ValueError(
                    f"Cannot forward feature key ({key}). Since it does exist in predictions. Existing prediction keys: "
                    f"{predictions.keys()}. Please check arguments."
                )
        outputs = dict(spec.export_outputs or {})
        for key, output in outputs.items():
            if isinstance(output, exporting.PredictOutput):
                outputs[key] = exporting.PredictOutput({**output.outputs, **more})
        return spec._replace(predictions={**predictions, **more}, export_outputs=outputs)

    return Estimator(model_fn, estimator.model_dir, estimator.config)
