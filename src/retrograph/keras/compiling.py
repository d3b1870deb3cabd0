"""What `Model.compile` makes: for each output a target, a loss, metrics; the whole loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import retrograph as tf
from retrograph.framework.logger import get_logger
from retrograph.keras import loss_functions, metric_classes
from retrograph.keras.backend_values import placeholder
from retrograph.keras.loss_functions import LossFunctionWrapper, ReductionV2, fitted_weight, reduced, weighted_loss
from retrograph.keras.metric_base import Mean, MeanMetricWrapper, Metric
from retrograph.keras.nodes import int_shape
from retrograph.keras.state import floatx

_ACCURACY, _CROSSENTROPY = ("accuracy", "acc"), ("crossentropy", "ce")


class Endpoint:
    """An output of a model in training: its target, loss, sample weights and metrics."""

    def __init__(self, output: Any, name: str, loss_fn: Any):
        self.output, self.name, self.loss_fn = output, name, loss_fn
        self.shape = int_shape(output)
        self.loss_weight: Any = 1.0
        self.weight_mode: Any = None
        self.sample_weight: Any = None
        self.target: Any = None
        self.loss_metric: Any = None
        self.metrics: dict[str, Any] = {}
        self.weighted_metrics: dict[str, Any] = {}

    def make_target(self, given: Any = None) -> None:
        """Makes the placeholder of the target, if there is a loss."""
        if self.loss_fn is None:
            return
        if given is not None:
            self.target = given
        else:
            dtype = self.output.dtype.base_dtype.name
            self.target = placeholder(ndim=len(self.shape or ()), name=self.name + "_target", dtype=dtype)

    def make_sample_weight(self) -> None:
        """Makes the placeholder of the sample weights, ones by default."""
        temporal = self.weight_mode == "temporal"
        ones = tf.constant([[1.0]] if temporal else [1.0], dtype=floatx())
        shape = [None, None] if temporal else [None]
        self.sample_weight = tf.placeholder_with_default(ones, shape=shape, name=self.name + "_sample_weights")

    @property
    def feed_shape(self) -> Any:
        """The shape that the arrays of the target must have; None if the loss does not say."""
        fn = getattr(self.loss_fn, "fn", None)
        sparse = fn is loss_functions.sparse_categorical_crossentropy
        if sparse or isinstance(self.loss_fn, loss_functions.SparseCategoricalCrossentropy):
            return (*(self.shape or ())[:-1], 1)
        own = isinstance(self.loss_fn, LossFunctionWrapper) and fn in loss_functions.KNOWN.values()
        return self.shape if own else None


# --- losses -------------------------------------------------------------------------------------------------------


def _unexpected(what: str, given: Any, names: list[str]) -> None:
    for key in given:
        if key not in names:
            raise ValueError(
                f"Unknown entries in {what} dictionary: {[k for k in given if k not in names]}. Only expected following keys: {names}"
            )


def _loss_of(loss: Any) -> Any:
    if loss is None or isinstance(loss, loss_functions.Loss):
        return loss
    if isinstance(loss, Mapping):
        loss = loss_functions.get(dict(loss))
    if callable(loss) and not hasattr(loss, "__name__"):
        return loss
    function = loss_functions.get(loss)
    return LossFunctionWrapper(function, name=function.__name__, reduction=ReductionV2.SUM_OVER_BATCH_SIZE)


def losses_of(loss: Any, names: list[str]) -> list[Any]:
    """The loss of each output; ValueError for another number of them, or unknown names."""
    if isinstance(loss, Mapping) and "class_name" not in loss:
        _unexpected("loss", loss, names)
        for name in names:
            if name not in loss:
                get_logger().warning(
                    "Output %s missing from loss dictionary. We assume this was done on purpose. The fit and evaluate APIs will not be expecting any data to be passed to %s.",
                    name,
                    name,
                )
        return [_loss_of(loss.get(name)) for name in names]
    if isinstance(loss, (list, tuple)):
        if len(loss) != len(names):
            raise ValueError(
                f"When passing a list as loss, it should have one entry per model outputs. The model has {len(names)} outputs, but you passed loss={loss}"
            )
        return [_loss_of(one) for one in loss]
    return [_loss_of(loss) for _ in names]


def set_loss_weights(endpoints: list[Endpoint], weights: Any) -> None:
    """Sets the weight of each loss in the whole; ValueError for another number, TypeError for another type."""
    if isinstance(weights, Mapping):
        _unexpected("loss_weights", weights, [e.name for e in endpoints])
        weights = [weights.get(e.name, 1.0) for e in endpoints]
    elif weights is None:
        weights = [1.0] * len(endpoints)
    elif not isinstance(weights, (list, tuple)):
        raise TypeError(f"Could not interpret loss_weights argument: {weights} - expected a list of dicts.")
    if len(weights) != len(endpoints):
        raise ValueError(
            f"When passing a list as loss_weights, it should have one entry per model output. The model has {len(endpoints)} outputs, but you passed loss_weights={weights}"
        )
    for endpoint, weight in zip(endpoints, weights, strict=True):
        endpoint.loss_weight = weight


def _masked_weight(weight: Any, mask: Any, y_pred: Any) -> Any:
    if mask is None:
        return weight
    mask = tf.cast(mask, y_pred.dtype)
    return mask if weight is None else fitted_weight(mask, weight) * mask


def _loss_tensor(endpoint: Endpoint) -> Any:
    """The loss of an output."""
    fn, y_true, y_pred = endpoint.loss_fn, endpoint.target, endpoint.output
    weight = _masked_weight(endpoint.sample_weight, getattr(y_pred, "_keras_mask", None), y_pred)
    if not hasattr(fn, "reduction"):
        return fn(y_true, y_pred, sample_weight=weight)
    losses = weighted_loss(fn.call(y_true, y_pred), weight, reduction=ReductionV2.NONE)
    automatic = fn.reduction == ReductionV2.AUTO
    return reduced(losses, ReductionV2.SUM_OVER_BATCH_SIZE if automatic else fn.reduction)


def total_loss(model: Any) -> Any:
    """The sum of the outputs' losses by their weights, and of the layers' losses; ValueError if there are none."""
    total = None
    with tf.name_scope("loss"):
        for endpoint in [e for e in model._endpoints if e.loss_fn is not None]:
            with tf.name_scope(endpoint.name + "_loss"):
                loss = _loss_tensor(endpoint)
            if len(model._endpoints) > 1:
                endpoint.loss_metric(loss)
            weighted = endpoint.loss_weight * loss
            total = weighted if total is None else total + weighted
        if total is None:
            if not model.losses:
                raise ValueError("The model cannot be compiled because it has no loss to optimize.")
            total = 0.0
        own = model.get_losses_for(None) + model.get_losses_for(model.inputs)
        return total + tf.add_n(own) if own else total


# --- metrics ------------------------------------------------------------------------------------------------------


def _kind_of(loss_fn: Any) -> str:
    """The name of the crossentropy that a loss is."""
    fn = getattr(loss_fn, "fn", None)
    return getattr(fn, "__name__", "")


def _metric_function(metric: Any, endpoint: Endpoint) -> Any:
    if metric not in (*_ACCURACY, *_CROSSENTROPY):
        return metric_classes.get(metric)
    kind = _kind_of(endpoint.loss_fn)
    single = (endpoint.shape or ())[-1:] == (1,)
    if single or kind == "binary_crossentropy":
        names = ("binary_accuracy", "binary_crossentropy")
    elif kind == "sparse_categorical_crossentropy":
        names = ("sparse_categorical_accuracy", "sparse_categorical_crossentropy")
    else:
        names = ("categorical_accuracy", "categorical_crossentropy")
    return metric_classes.get(names[0 if metric in _ACCURACY else 1])


def _metric_name(metric: Any, weighted: bool) -> str:
    prefix = "weighted_" if weighted else ""
    if metric in _ACCURACY:
        return prefix + "acc"
    if metric in _CROSSENTROPY:
        return prefix + "ce"
    found = metric_classes.get(metric)
    return prefix + str(found.name if hasattr(found, "name") else found.__name__)


def _cloned(metric: Any) -> Any:
    return type(metric).from_config(metric.get_config()) if isinstance(metric, Metric) else metric


def _nested(metrics: Any, names: list[str]) -> list[list[Any]]:
    """The metrics of each output."""
    if not metrics:
        return [[] for _ in names]
    if isinstance(metrics, Mapping):
        _unexpected("metrics", metrics, names)
        given = [metrics.get(name, []) for name in names]
        return [list(m) if isinstance(m, (list, tuple)) else [m] for m in given]
    if not isinstance(metrics, (list, tuple)):
        raise TypeError(f"Type of `metrics` argument not understood. Expected a list or dictionary, found: {metrics}")
    if any(isinstance(m, list) for m in metrics):
        if len(metrics) != len(names):
            raise ValueError(
                f"When passing a list of lists as `metrics`, it should have one entry per model output. The model has {len(names)} outputs, but you passed metrics={metrics}"
            )
        return [m if isinstance(m, list) else [m] for m in metrics]
    return [[_cloned(m) for m in metrics] for _ in names] if len(names) > 1 else [list(metrics)]


def collect_metrics(endpoints: list[Endpoint], metrics: Any, weighted: bool) -> list[dict[str, Any]]:
    """The metric objects of each output by name."""
    found = []
    for endpoint, own in zip(endpoints, _nested(metrics, [e.name for e in endpoints]), strict=True):
        made = {}
        for metric in own:
            name = _metric_name(metric, weighted)
            function = _metric_function(metric, endpoint)
            made[name] = function if isinstance(function, Metric) else MeanMetricWrapper(function, name=name)
        found.append(made)
    return found


def set_metrics(endpoints: list[Endpoint], metrics: Any, weighted_metrics: Any) -> list[str]:
    """Gives the outputs their metrics, under names that are theirs alone; the names of all that is reported."""
    plain, weighted = (collect_metrics(endpoints, m, w) for m, w in ((metrics, False), (weighted_metrics, True)))
    active = [e for e in endpoints if e.loss_fn is not None]
    names = ["loss"] + ([e.name + "_loss" for e in active] if len(endpoints) > 1 else [])
    for i, endpoint in enumerate(endpoints):
        if endpoint.loss_fn is None:
            continue
        endpoint.metrics = _renamed(plain[i], endpoint, names, len(endpoints) > 1)
        endpoint.weighted_metrics = _renamed(weighted[i], endpoint, names, len(endpoints) > 1)
    if len(endpoints) > 1:
        for endpoint in active:
            endpoint.loss_metric = Mean(name=endpoint.name + "_loss")
    return names


def _renamed(metrics: dict[str, Any], endpoint: Endpoint, names: list[str], several: bool) -> dict[str, Any]:
    found = {}
    for name, metric in metrics.items():
        unique = base = f"{endpoint.name}_{name}" if several else name
        number = 1
        while unique in names:
            unique, number = f"{base}_{number}", number + 1
        metric._name = unique
        names.append(unique)
        found[unique] = metric
    return found


def call_metrics(endpoints: list[Endpoint], weighted: bool) -> None:
    """Makes the operations of the metrics."""
    with tf.name_scope("metrics"):
        for endpoint in endpoints:
            own = endpoint.weighted_metrics if weighted else endpoint.metrics
            mask = getattr(endpoint.output, "_keras_mask", None)
            weight = endpoint.sample_weight if weighted else None
            for name, metric in own.items():
                with tf.name_scope(name):
                    given = _masked_weight(weight, mask, endpoint.output)
                    metric(endpoint.target, endpoint.output, sample_weight=given)
