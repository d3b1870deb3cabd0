"""`tf.contrib.learn.MetricSpec`: which prediction a metric is given, with which label and weight."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from retrograph.framework.exports import export
from retrograph.platform import logging

_NAMES = {
    "label": ("labels", "label", "targets", "target"),
    "prediction": ("predictions", "prediction", "logits", "logit", "scores", "score"),
    "weight": ("weights", "weight"),
}


def _arguments(function: Any) -> tuple[str, ...]:
    if isinstance(function, functools.partial):
        given = set(function.keywords)
        return tuple(n for n in _arguments(function.func)[len(function.args) :] if n not in given)
    return tuple(inspect.signature(function).parameters)


@export("contrib.learn.MetricSpec")
class MetricSpec:
    """A metric, and the keys of what it is given: `MetricSpec(tf.metrics.accuracy, prediction_key="classes")`.

    Raises: ValueError, TypeError when the metric is made: there is no such key, or several things and no key.
    Source: TF 1.15 `tf.contrib.learn.MetricSpec`.
    """

    def __init__(
        self, metric_fn: Callable[..., Any], prediction_key: Any = None, label_key: Any = None, weight_key: Any = None
    ):
        self._metric_fn = metric_fn
        self._keys = {"label": label_key, "prediction": prediction_key, "weight": weight_key}
        self._names = self._found_names()

    prediction_key = property(lambda self: self._keys["prediction"])
    label_key = property(lambda self: self._keys["label"])
    weight_key = property(lambda self: self._keys["weight"])
    metric_fn = property(lambda self: self._metric_fn)

    def _found_names(self) -> dict[str, str]:
        """Kind of argument -> its name in the metric; the first two arguments if the names say nothing."""
        arguments = _arguments(self._metric_fn)
        found = {kind: name for kind, names in _NAMES.items() for name in names[::-1] if name in arguments}
        rest = [name for name in arguments if name not in found.values()]
        for kind in ("prediction", "label"):
            if kind not in found and rest:
                found[kind] = rest.pop(0)
        if self._keys["weight"] is not None and "weight" not in found:
            raise ValueError(
                f"weight_key specified as {self._keys['weight']}, but metric_fn {self._metric_fn} has no weights"
            )
        return found

    def __str__(self) -> str:
        name = getattr(self._metric_fn, "__name__", str(self._metric_fn))
        return (
            f"MetricSpec(metric_fn={name}, prediction_key={self.prediction_key}, label_key={self.label_key}, "
            f"weight_key={self.weight_key})"
        )

    def create_metric_ops(self, inputs: Any, labels: Any, predictions: Any) -> Any:
        """What the metric gives for features, labels and predictions."""

        def chosen(from_what: Any, key: Any, what: str) -> Any:
            if isinstance(from_what, dict):
                return _of_dict(from_what, key, what)
            if key is not None:
                logging.info("Ignoring %s_key %s: %s is a single tensor", what, key, what)
            return from_what

        given = {"prediction": chosen(predictions, self.prediction_key, "prediction")}
        if labels is not None or self.label_key is not None:
            given["label"] = chosen(labels, self.label_key, "label")
        if self.weight_key is not None:
            given["weight"] = inputs[self.weight_key]
        return self._metric_fn(**{self._names[kind]: value for kind, value in given.items() if kind in self._names})


def _of_dict(values: dict[Any, Any], key: Any, what: str) -> Any:
    if key is None:
        if len(values) != 1:
            raise ValueError(
                f"MetricSpec without specified {what}_key requires {what}s tensor or single element dict, got {values}"
            )
        return next(iter(values.values()))
    if key not in values:
        raise ValueError(f"MetricSpec with {what}_key = {key} requires that key in {what}s. Those are {sorted(values)}")
    return values[key]
