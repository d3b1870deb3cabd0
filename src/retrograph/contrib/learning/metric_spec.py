"""`tf.contrib.learn.MetricSpec`: which prediction a metric is given, with which label and weight."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from retrograph.framework.exports import export
from retrograph.platform import logging

_LABELS = ("labels", "label", "targets", "target")
_PREDICTIONS = ("predictions", "prediction", "logits", "logit")
_WEIGHTS = ("weights", "weight")


def _arguments(function: Any) -> tuple[str, ...]:
    if hasattr(function, "func") and hasattr(function, "keywords"):
        return tuple(name for name in _arguments(function.func) if name not in function.keywords)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(n for n, parameter in inspect.signature(function).parameters.items() if parameter.kind in kinds)


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", None) or getattr(getattr(function, "func", None), "__name__", function))


def _matching(function: str, given: tuple[str, ...], known: tuple[str, ...], required: bool = False) -> str | None:
    """The one of the known names that the metric has as an argument. Raises ValueError for several, or none if required."""
    found = [name for name in given if name in known]
    if len(found) > 1:
        raise ValueError(f"Ambiguous arguments {found}, must provide only one of {known}.")
    if not found and required:
        raise ValueError(f"{known} missing from {function}({given}).")
    if found and found[0] != known[0]:
        logging.warning("Canonical arg %s missing from %s(%s), using %s.", known[0], function, given, found[0])
    return found[0] if found else None


def _adapted(metric: Callable[..., Any], name: str, needs_labels: bool, needs_weights: bool) -> Callable[..., Any]:
    """The metric as a function of `labels`, `predictions` and `weights`, given by name.

    Predictions without a name that is known come first, or after labels if these are the first argument.
    """
    given = _arguments(metric)
    of_labels = _matching(name, given, _LABELS, needs_labels)
    of_predictions = _matching(name, given, _PREDICTIONS)
    of_weights = _matching(name, given, _WEIGHTS, needs_weights)

    def adapted(_sentinel: Any = None, labels: Any = None, predictions: Any = None, weights: Any = None) -> Any:
        if _sentinel is not None:
            raise ValueError("`metric_fn` requires named args: `labels`, `predictions`, and optionally `weights`.")
        named: dict[Any, Any] = {} if weights is None else {of_weights: weights}
        if of_predictions:
            named[of_predictions] = predictions
        if of_labels and not of_predictions and of_labels == given[0]:
            return metric(labels, predictions, **named)
        if of_labels:
            named[of_labels] = labels
        return metric(**named) if of_predictions else metric(predictions, **named)

    return adapted


@export("contrib.learn.MetricSpec")
class MetricSpec:
    """A metric, and the keys of what it is given: `MetricSpec(tf.metrics.accuracy, prediction_key="classes")`.

    Raises: ValueError: the metric takes no labels or weights, but a key of them is given.
    Source: TF 1.15 `tf.contrib.learn.MetricSpec`.
    """

    def __init__(
        self, metric_fn: Callable[..., Any], prediction_key: Any = None, label_key: Any = None, weight_key: Any = None
    ):
        self._name = _name_of(metric_fn)
        self._metric_fn = _adapted(metric_fn, self._name, label_key is not None, weight_key is not None)
        self._keys = prediction_key, label_key, weight_key

    prediction_key = property(lambda self: self._keys[0])
    label_key = property(lambda self: self._keys[1])
    weight_key = property(lambda self: self._keys[2])
    metric_fn = property(lambda self: self._metric_fn)

    def __str__(self) -> str:
        return (
            f"MetricSpec(metric_fn={self._name}, prediction_key={self.prediction_key}, label_key={self.label_key}, "
            f"weight_key={self.weight_key})"
        )

    def create_metric_ops(self, inputs: Any, labels: Any, predictions: Any) -> Any:
        """What the metric gives for features, labels and predictions.

        Raises: ValueError: a key for what is no dict, or none for a dict of several; KeyError: no such key.
        """
        prediction = _chosen("prediction", predictions, self.prediction_key)
        label = _chosen("label", labels, self.label_key)
        try:
            weights = inputs[self.weight_key] if self.weight_key else None
            return self._metric_fn(labels=label, predictions=prediction, weights=weights)
        except Exception as error:
            logging.error("Could not create metric ops for %s, %s.", self, error)
            raise


def _chosen(what: str, given: Any, key: Any) -> Any:
    if not key:
        if not isinstance(given, dict):
            return given
        if len(given) != 1:
            raise ValueError(
                f"MetricSpec without specified {what}_key requires {what}s tensor or single element dict, got {given}"
            )
        return next(iter(given.values()))
    if not isinstance(given, dict):
        raise ValueError(
            f"MetricSpec with {what}_key specified requires {what}s dict, got {given}.\nYou must not provide a {what}_key if "
            f"you only have a single Tensor as {what}s."
        )
    if key not in given:
        raise KeyError(f"Key '{key}' missing from {given.keys()}.")
    return given[key]
