"""`Metric`: variables that sum up batches, an update of them, and a result; sums and means."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.backend_values import batch_set_value, get_value
from retrograph.keras.base_layer import Layer
from retrograph.keras.loss_functions import fitted, fitted_weight
from retrograph.keras.state import floatx, get_session
from retrograph.losses.broadcasting import broadcast_weights


@export("keras.metrics.Metric")
class Metric(Layer):
    """A metric: `update_state` takes a batch into its variables, `result` computes the value; calling it does both.

    Source: TF 1.15 `tf.keras.metrics.Metric`.
    """

    def __init__(self, name: Any = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.stateful = True
        self.built = True
        self._dtype = floatx() if dtype is None else tf.as_dtype(dtype).name

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        for name, wrapper in (("update_state", _updating), ("result", _resulting)):
            object.__setattr__(made, name, types.MethodType(wrapper(getattr(cls, name)), made))
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result after taking in a batch."""
        update = self.update_state(*args, **kwargs)
        with tf.control_dependencies([update]):
            result = self.result()
            result._metric_obj = self
            return result

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """The operation that takes in a batch."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def result(self) -> Any:
        """The value."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def reset_states(self) -> None:
        """Sets the variables to 0."""
        batch_set_value([(v, np.zeros(v.shape.as_list())) for v in self.variables])

    def add_weight(  # type: ignore[override]
        self,
        name: str,
        shape: Any = (),
        aggregation: Any = tf.VariableAggregation.SUM,
        synchronization: Any = tf.VariableSynchronization.ON_READ,
        initializer: Any = None,
        dtype: Any = None,
    ) -> Any:
        """A variable that is in no collection."""
        return super().add_weight(
            name=name, shape=shape, dtype=self._dtype if dtype is None else dtype, trainable=False, initializer=initializer, collections=[], synchronization=synchronization,
            aggregation=aggregation,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}


def _updating(update_state: Any) -> Any:
    def updated(self: Any, *args: Any, **kwargs: Any) -> Any:
        update = update_state(self, *args, **kwargs)
        if update is not None:
            self.add_update(update)
        return update

    return updated


def _resulting(result: Any) -> Any:
    def computed(self: Any, *args: Any) -> Any:
        value = tf.identity(result(self, *args))
        self._call_result = value
        return value

    return computed


class Reduce(Metric):
    """A sum, or a mean by weights."""

    counted = True

    def __init__(self, name: Any = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        with tf.init_scope():
            self.total = self.add_weight("total", initializer="zeros")
            if self.counted:
                self.count = self.add_weight("count", initializer="zeros")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Takes in values and their weights."""
        values = tf.cast(values, self._dtype)
        if sample_weight is not None:
            values, sample_weight = self._weighted(values, tf.cast(sample_weight, self._dtype))
        total = tf.reduce_sum(values)
        with tf.control_dependencies([total]):
            update = self.total.assign_add(total)
        if not self.counted:
            return update
        number = tf.cast(tf.size(values), self._dtype) if sample_weight is None else tf.reduce_sum(sample_weight)
        with tf.control_dependencies([update]):
            return self.count.assign_add(number)

    def _weighted(self, values: Any, weight: Any) -> tuple[Any, Any]:
        weight = fitted_weight(values, weight)
        try:
            weight = broadcast_weights(weight, values)
        except ValueError:
            reduce = tf.reduce_mean if self.counted else tf.reduce_sum
            values = reduce(values, axis=list(range(weight.shape.ndims, values.shape.ndims)))
        return tf.multiply(values, weight), weight

    def result(self) -> Any:
        """The sum or mean."""
        return tf.div_no_nan(self.total, self.count) if self.counted else tf.identity(self.total)


@export("keras.metrics.Sum")
class Sum(Reduce):
    """The sum of values. Source: TF 1.15 `tf.keras.metrics.Sum`."""

    counted = False

    def __init__(self, name: Any = "sum", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)


@export("keras.metrics.Mean")
class Mean(Reduce):
    """The mean of values by their weights. Source: TF 1.15 `tf.keras.metrics.Mean`."""

    def __init__(self, name: Any = "mean", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)


class MeanMetricWrapper(Mean):
    """The mean of what a function gives for labels and predictions."""

    def __init__(self, fn: Any, name: Any = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Takes in labels and predictions."""
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        y_pred, y_true = fitted(y_pred, y_true)
        return super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), **{k: get_value(v) for k, v in self._fn_kwargs.items()}}


@export("keras.metrics.MeanTensor")
class MeanTensor(Metric):
    """The mean of tensors of one shape, by element. Source: TF 1.15 `tf.keras.metrics.MeanTensor`."""

    def __init__(self, name: Any = "mean_tensor", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total: Any = None
        self.count: Any = None
        self._shape: Any = None

    def _make(self, shape: Any) -> None:
        self._shape = shape
        self.total = self.add_weight("total", shape=shape, initializer="zeros")
        self.count = self.add_weight("count", shape=shape, initializer="zeros")
        # TF gives them their values at once, as they come later than others.
        get_session()

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Takes in a tensor; ValueError for another shape."""
        values = tf.cast(values, self._dtype)
        if self.total is None:
            self._make(values.shape)
        elif values.shape.as_list() != self.total.shape.as_list():
            raise ValueError(
                f"MeanTensor input values must always have the same shape. Expected shape (set during the first call): {self.total.shape}. Got: {values.shape}"
            )
        number = tf.ones_like(values)
        if sample_weight is not None:
            weight = fitted_weight(values, tf.cast(sample_weight, self._dtype))
            weight = broadcast_weights(weight, values)
            number, values = tf.multiply(number, weight), tf.multiply(values, weight)
        with tf.control_dependencies([self.total.assign_add(values)]):
            return self.count.assign_add(number)

    def result(self) -> Any:
        """The mean; ValueError before anything was taken in."""
        if self.total is None:
            raise ValueError(
                "MeanTensor does not have any result yet. Please call the MeanTensor instance or use `.update_state(value)` before retrieving the result."
            )
        return tf.div_no_nan(self.total, self.count)


def added_metric(layer: Any, value: Any, aggregation: Any, name: Any) -> None:
    """Adds a metric to a layer: the mean of a tensor over batches, or the result of a `Metric`."""
    if aggregation not in (None, "mean"):
        raise ValueError(
            f"We currently support only `mean` sample-wise metric aggregation. You provided aggregation=`{aggregation}`"
        )
    if aggregation is None and not hasattr(value, "_metric_obj"):
        raise ValueError(
            "We do not support adding an aggregated metric result tensor that is not the output of a `tf.keras.metrics.Metric` metric instance."
        )
    if aggregation is not None and name is None:
        raise ValueError(
            "Please provide a name for your metric like `self.add_metric(tf.reduce_sum(inputs), name='mean_activation', aggregation='mean')`"
        )
    if aggregation is None:
        metric = value._metric_obj
    else:
        metric = next((m for m in layer._metrics if m.name == name), None) or Mean(name=name, dtype=value.dtype)
        metric(value)
    if not any(m is metric for m in layer._metrics):
        layer._metrics.append(metric)
