"""`tf.contrib.learn.Estimator`: `fit`, `evaluate` and `predict` of a model function, with arrays or a function of inputs.

The work is done by an estimator of `tf.estimator` whose model function calls the old one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.contrib.learning.feeding import ArrayFeeder, checked_inputs
from retrograph.contrib.learning.metric_spec import MetricSpec
from retrograph.contrib.learning.parts import ModelFnOps, NotFittedError
from retrograph.estimator.model import Estimator as CoreEstimator
from retrograph.framework import errors
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.platform import logging

_LOSS = "loss"
_OWN_LOSS = "loss_of_model_function"  # `tf.estimator` keeps the name `loss` to itself


@export("contrib.learn.Evaluable")
class Evaluable:
    """What can be evaluated. Source: TF 1.15 `tf.contrib.learn.Evaluable`."""

    @property
    def model_dir(self) -> Any:
        """The directory of checkpoints."""
        raise NotImplementedError

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """The metrics."""
        raise NotImplementedError


@export("contrib.learn.Trainable")
class Trainable:
    """What can be trained. Source: TF 1.15 `tf.contrib.learn.Trainable`."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Trains."""
        raise NotImplementedError


@export("contrib.learn.BaseEstimator")
class BaseEstimator(Evaluable, Trainable):
    """Base of estimators: derived classes say what a model function would.

    Source: TF 1.15 `tf.contrib.learn.BaseEstimator`.
    """

    def __init__(self, model_dir: Any = None, config: Any = None):
        if config is None:
            config = tf.contrib.learn.RunConfig()
            logging.info("Using default config.")
        self._metrics: Any = None
        self._is_constant = False
        self._core = CoreEstimator(self._core_model_fn, model_dir, config)

    config = property(lambda self: self._core.config)
    model_dir = property(lambda self: self._core.model_dir)

    def get_variable_value(self, name: str) -> Any:
        """The value of a variable of the last checkpoint."""
        return self._core.get_variable_value(name)

    def get_variable_names(self) -> list[str]:
        """The names of the variables of the last checkpoint."""
        return self._core.get_variable_names()

    # ---- what derived classes say

    def _get_train_ops(self, features: Any, labels: Any) -> ModelFnOps:
        raise NotImplementedError

    def _get_eval_ops(self, features: Any, labels: Any, metrics: Any) -> ModelFnOps:
        raise NotImplementedError("_get_eval_ops not implemented in BaseEstimator")

    def _get_predict_ops(self, features: Any) -> ModelFnOps:
        raise NotImplementedError

    def _core_model_fn(self, features: Any, labels: Any, mode: Any) -> Any:
        keys = tf.estimator.ModeKeys
        if mode == keys.TRAIN:
            ops = self._get_train_ops(features, labels)
        elif mode == keys.EVAL:
            ops = self._get_eval_ops(features, labels, self._metrics)
        else:
            self._is_constant = not get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS)
            ops = self._get_predict_ops(features)
        metrics = {_OWN_LOSS if name == _LOSS else name: metric for name, metric in ops.eval_metric_ops.items()}
        return tf.estimator.EstimatorSpec(
            mode, ops.predictions, ops.loss, ops.train_op, metrics if mode == keys.EVAL else None,
            training_chief_hooks=ops.training_chief_hooks, training_hooks=ops.training_hooks, scaffold=ops.scaffold,
        )  # fmt: skip

    # ---- what programs call

    def fit(
        self, x: Any = None, y: Any = None, input_fn: Any = None, steps: Any = None, batch_size: Any = None,
        monitors: Any = None, max_steps: Any = None,
    ) -> Any:  # fmt: skip
        """Trains for `steps` more, or up to `max_steps`.

        Raises: ValueError: both numbers, or neither arrays nor a function of inputs.
        Source: TF 1.15 `tf.contrib.learn.BaseEstimator.fit`.
        """
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        input_fn, hooks = _inputs(x, y, input_fn, batch_size, shuffle=True, epochs=None)
        self._core.train(input_fn, hooks + _as_hooks(monitors), steps, max_steps)
        return self

    def partial_fit(
        self, x: Any = None, y: Any = None, input_fn: Any = None, steps: Any = 1, batch_size: Any = None,
        monitors: Any = None,
    ) -> Any:  # fmt: skip
        """`fit`, one step if nothing else is said."""
        return self.fit(x=x, y=y, input_fn=input_fn, steps=steps, batch_size=batch_size, monitors=monitors)

    def evaluate(
        self, x: Any = None, y: Any = None, input_fn: Any = None, feed_fn: Any = None, batch_size: Any = None,
        steps: Any = None, metrics: Any = None, name: Any = None, checkpoint_path: Any = None, hooks: Any = None,
        log_progress: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics, the model's own and those of `metrics`, and the step.

        Raises: ValueError: no inputs, or `metrics` is no dict; NotFittedError: there is no checkpoint.
        Source: TF 1.15 `tf.contrib.learn.BaseEstimator.evaluate`.
        """
        if metrics is not None and not isinstance(metrics, dict):
            raise ValueError(f"Metrics argument should be None or dict. Got {metrics}.")
        feeds = [] if feed_fn is None else [tf.train.FeedFnHook(feed_fn)]
        input_fn, own = _inputs(x, y, input_fn, batch_size, shuffle=False, epochs=1)
        self._metrics = metrics
        path = self._checkpoint(checkpoint_path, "evaluate")
        found = self._core.evaluate(input_fn, steps, [*feeds, *own, *(hooks or [])], path, name)
        if _OWN_LOSS in found:
            found[_LOSS] = found.pop(_OWN_LOSS)
        return found

    def predict(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, outputs: Any = None, as_iterable: bool = True
    ) -> Any:
        """The predictions, example by example, or of one batch; `outputs` chooses some.

        Without queues behind it an input function gives one batch.
        Raises: ValueError: no inputs; NotFittedError: there is no checkpoint.
        Source: TF 1.15 `tf.contrib.learn.BaseEstimator.predict`.
        """
        from_arrays = input_fn is None
        input_fn, hooks = _inputs(x, None, input_fn, batch_size, shuffle=False, epochs=1)
        path = self._checkpoint(None, "predict")
        batches = self._core.predict(
            _features_of(input_fn), hooks=hooks, checkpoint_path=path, yield_single_examples=False
        )
        if as_iterable:
            return self._examples(batches, outputs, from_arrays)
        return _chosen(next(batches), outputs)

    def _examples(self, batches: Iterator[Any], outputs: Any, from_arrays: bool) -> Iterator[Any]:
        for batch in batches:
            found = _chosen(batch, outputs)
            if not isinstance(found, dict):
                yield from found
            else:
                for i in range(len(next(iter(found.values())))):
                    yield {key: value[i] for key, value in found.items()}
            if self._is_constant and not from_arrays:
                return

    def _checkpoint(self, path: Any, _: str) -> Any:
        if path or tf.train.latest_checkpoint(self.model_dir):
            return path
        raise NotFittedError(f"Couldn't find trained model at {self.model_dir}.")

    def export(self, *args: Any, **kwargs: Any) -> Any:
        """Refused."""
        raise errors.UnimplementedError(
            None, None, "tf.contrib.learn.BaseEstimator.export: session bundles are not written; use tf.estimator."
        )


def _inputs(
    x: Any, y: Any, input_fn: Any, batch_size: Any, shuffle: bool, epochs: Any
) -> tuple[Callable[[], Any], list[Any]]:
    """(function of inputs, hooks that feed them)."""
    checked_inputs(x, y, input_fn, batch_size)
    if input_fn is not None:
        return input_fn, []
    feeder = ArrayFeeder(x, y, batch_size, shuffle, epochs)
    return feeder.input_fn, [tf.train.FeedFnHook(feeder.feed)]


def _features_of(input_fn: Callable[[], Any]) -> Callable[[], Any]:
    def features() -> Any:
        found = input_fn()
        return found[0] if isinstance(found, (list, tuple)) else found

    return features


def _as_hooks(monitors: Any) -> list[Any]:
    given = list(monitors) if isinstance(monitors, (list, tuple)) else [monitors] if monitors else []
    for monitor in given:
        if not isinstance(monitor, tf.train.SessionRunHook):
            raise errors.UnimplementedError(
                None, None, f"monitors of tf.contrib.learn are not supported: {monitor}. Use a tf.train.SessionRunHook."
            )
    return given


def _chosen(batch: Any, outputs: Any) -> Any:
    if not outputs:
        return batch
    if not isinstance(batch, dict):
        raise ValueError(f"outputs argument is not supported if prediction is not a dict: {outputs}")
    found = {key: value for key, value in batch.items() if key in outputs}
    if not found:
        raise ValueError(f"Expected to run at least one output from {sorted(batch)}, provided {outputs}.")
    return found


def _arguments(function: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


@export("contrib.learn.Estimator")
class Estimator(BaseEstimator):
    """A model function `(features, labels[, mode][, params][, config][, model_dir])` and its directory.

    It gives `ModelFnOps`, or (predictions, loss, training step).
    Raises: ValueError for a model function that takes `params` and gets none, or the other way round.
    Source: TF 1.15 `tf.contrib.learn.Estimator`.
    """

    def __init__(
        self, model_fn: Any = None, model_dir: Any = None, config: Any = None, params: Any = None,
        feature_engineering_fn: Any = None,
    ):  # fmt: skip
        if model_fn is not None:
            self._check(model_fn, params)
        super().__init__(model_dir, config)
        self._model_fn, self.params = model_fn, params
        self._engineer = feature_engineering_fn or (lambda features, labels: (features, labels))

    @staticmethod
    def _check(model_fn: Any, params: Any) -> None:
        arguments = _arguments(model_fn)
        if params is not None and "params" not in arguments:
            raise ValueError(
                f"Estimator's model_fn ({model_fn}) does not have a params argument, but params ({params}) were passed to "
                "the Estimator's constructor."
            )
        if params is None and "params" in arguments:
            logging.warning(
                "Estimator's model_fn (%s) includes params argument, but params are not passed to Estimator.", model_fn
            )

    def _call_model_fn(
        self, features: Any, labels: Any, mode: Any, metrics: Any = None, config: Any = None
    ) -> ModelFnOps:
        features, labels = self._engineer(features, labels)
        offered = {"mode": mode, "params": self.params, "config": config or self.config, "model_dir": self.model_dir}
        wanted = _arguments(self._model_fn)
        found = self._model_fn(features, labels, **{name: offered[name] for name in offered if name in wanted})
        if not isinstance(found, ModelFnOps):
            if len(found) != 3:
                raise ValueError("Unrecognized value returned by model_fn, please return ModelFnOps.")
            found = ModelFnOps(mode, *found)
        if metrics:
            found.eval_metric_ops.update(_metric_ops(metrics, features, labels, found.predictions))
        return found

    def _get_train_ops(self, features: Any, labels: Any) -> ModelFnOps:
        return self._call_model_fn(features, labels, tf.estimator.ModeKeys.TRAIN)

    def _get_eval_ops(self, features: Any, labels: Any, metrics: Any) -> ModelFnOps:
        found = self._call_model_fn(features, labels, tf.estimator.ModeKeys.EVAL, metrics)
        if _LOSS not in found.eval_metric_ops:
            found.eval_metric_ops[_LOSS] = tf.metrics.mean(found.loss)
        return found

    def _get_predict_ops(self, features: Any) -> ModelFnOps:
        return self._call_model_fn(features, None, tf.estimator.ModeKeys.PREDICT)

    def export_savedmodel(self, *args: Any, **kwargs: Any) -> Any:
        """Refused."""
        raise errors.UnimplementedError(
            None, None, "tf.contrib.learn.Estimator.export_savedmodel is not supported: use tf.estimator.Estimator."
        )


def _metric_ops(metrics: dict[Any, Any], features: Any, labels: Any, predictions: Any) -> dict[str, Any]:
    single = next(iter(labels.values())) if isinstance(labels, dict) and len(labels) == 1 else labels
    found = {}
    for name, metric in sorted(metrics.items(), key=lambda item: str(item[0])):
        if isinstance(metric, MetricSpec):
            found[name] = metric.create_metric_ops(features, labels, predictions)
        elif isinstance(name, tuple):
            of = labels[name[1]] if isinstance(labels, dict) and name[1] in labels else single
            found[name[0]] = metric(predictions[name[1]], of)
        elif isinstance(predictions, dict):
            raise ValueError(
                "Metrics passed provide only name, no prediction, but predictions are dict. "
                f"Metrics: {metrics}, Labels: {single}."
            )
        else:
            found[name] = metric(predictions, single)
    return found


@export("contrib.learn.SKCompat")
class SKCompat:
    """An estimator with scikit-learn's way of calling. Source: TF 1.15 `tf.contrib.learn.SKCompat`."""

    def __init__(self, estimator: BaseEstimator):
        self._estimator = estimator

    def fit(
        self, x: Any, y: Any, batch_size: int = 128, steps: Any = None, max_steps: Any = None, monitors: Any = None
    ) -> SKCompat:
        """Trains on arrays."""
        self._estimator.fit(x, y, None, steps, batch_size, monitors, max_steps)
        return self

    def score(
        self, x: Any, y: Any, batch_size: int = 128, steps: Any = None, metrics: Any = None, name: Any = None
    ) -> Any:
        """The metrics of arrays."""
        return self._estimator.evaluate(x, y, batch_size=batch_size, steps=steps, metrics=metrics, name=name)

    def predict(self, x: Any, batch_size: int = 128, outputs: Any = None) -> Any:
        """The predictions of an array, as arrays."""
        found = list(BaseEstimator.predict(self._estimator, x, batch_size=batch_size, outputs=outputs))
        if not isinstance(found[0], dict):
            return np.stack(found)
        return {key: np.stack([one[key] for one in found]) for key in found[0]}
