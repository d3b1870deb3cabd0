"""The networks of ready-made models: features to logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.estimator.model import function_args
from retrograph.estimator.spec import ModeKeys
from retrograph.feature_column.layers import LinearModel, are_separate, dense_features
from retrograph.feature_column.models import InputLayer, linear_model
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.layers.core_layers import Dense
from retrograph.layers.normalization_layers import BatchNormalization


def add_layer_summary(value: Any, tag: str) -> None:
    """A scalar of how many values are 0, and a histogram of them."""
    tf.summary.scalar(f"{tag}/fraction_of_zero_values", tf.nn.zero_fraction(value))
    tf.summary.histogram(f"{tag}/activation", value)


def _check_units(units: Any) -> None:
    if not isinstance(units, int):
        raise ValueError(f"units must be an int.  Given type: {type(units)}")


class _Network:
    """A multilayer perceptron on an input layer; the variables are `hiddenlayer_<i>/kernel`, `logits/kernel`, ..."""

    def __init__(
        self, units: int, hidden_units: Any, columns: Any, activation: Any, dropout: Any, partitioner: Any,
        batch_norm: bool,
    ):  # fmt: skip
        self._columns, self._dropout, self._partitioner = columns, dropout, partitioner
        self._layers: list[tuple[str, Any, Any]] = []
        for i, size in enumerate(hidden_units):
            with tf.variable_scope(f"hiddenlayer_{i}") as scope:
                name = f"batchnorm_{i}"
                norm = BatchNormalization(momentum=0.999, name=name, _scope=name) if batch_norm else None
                self._layers.append((scope.name, _dense(size, activation, scope), norm))
        with tf.variable_scope("logits") as scope:
            self._last = scope.name, _dense(units, None, scope)

    def __call__(self, features: Any, training: bool) -> Any:
        with tf.variable_scope("input_from_feature_columns", partitioner=self._partitioner):
            net = self._inputs(features)
        for tag, layer, norm in self._layers:
            net = layer(net)
            if self._dropout is not None and training:
                net = tf.layers.Dropout(rate=self._dropout)(net, training=True)
            if norm is not None:
                net = norm(net, training=training)
            add_layer_summary(net, tag)
        tag, layer = self._last
        net = layer(net)
        add_layer_summary(net, tag)
        return net

    def _inputs(self, features: Any) -> Any:
        if are_separate(self._columns):
            return dense_features(features, self._columns, "input_layer")
        scope: Any = tf.get_variable_scope()
        with tf.variable_scope(scope, use_resource=False, auxiliary_name_scope=False):
            return InputLayer(self._columns, name="input_layer", create_scope_now=False)(features)


def _dense(units: int, activation: Any, scope: Any) -> Any:
    return Dense(
        units=units,
        activation=activation,
        kernel_initializer=tf.glorot_uniform_initializer(),
        name=scope,
        _scope=scope,
    )


@export("estimator.experimental.dnn_logit_fn_builder", "contrib.estimator.dnn_logit_fn_builder")
def dnn_logit_fn_builder(
    units: int, hidden_units: Any, feature_columns: Any, activation_fn: Any, dropout: Any,
    input_layer_partitioner: Any, batch_norm: bool,
) -> Callable[..., Any]:  # fmt: skip
    """A function `(features, mode)` that gives the logits of a multilayer perceptron: `f32[batch, units]`.

    Raises ValueError: `units` is no integer. Source: TF 1.15 `tf.estimator.experimental.dnn_logit_fn_builder`.
    """
    _check_units(units)

    def dnn_logit_fn(features: Any, mode: Any) -> Any:
        scope: Any = tf.get_variable_scope()
        with tf.variable_scope(scope, use_resource=True, auxiliary_name_scope=False):
            network = _Network(
                units, hidden_units, feature_columns, activation_fn, dropout, input_layer_partitioner, batch_norm
            )
            with tf.name_scope("dnn"):
                pass
            return network(features, mode == ModeKeys.TRAIN)

    return dnn_logit_fn


def _zero_count(variable: Any, size: Any) -> Any:
    return tf.cond(
        tf.equal(size, tf.constant(0, dtype=tf.int64)),
        true_fn=lambda: tf.constant(0, dtype=tf.float32),
        false_fn=lambda: tf.nn.zero_fraction(variable) * tf.cast(size, tf.float32, name="ToFloat"),
        name="zero_count",
    )


def _fraction_of_zero(variables: Any) -> Any:
    with tf.name_scope("zero_fraction"):
        with tf.name_scope("total_size"):
            sizes = [tf.size(v, out_type=tf.int64) for v in variables]
            total_size = tf.add_n(sizes)
        with tf.name_scope("total_zero"):
            total_zero = tf.add_n([_zero_count(v, size) for v, size in zip(variables, sizes, strict=True)])
        with tf.name_scope("compute"):
            fraction = total_zero / tf.cast(total_size, tf.float32, name="float32_size")
        return tf.identity(fraction, name="zero_fraction_or_nan")


def _parts(variables: Any) -> list[Any]:
    """The variables, partitioned ones by their parts."""
    return [part for v in variables for part in (v if hasattr(v, "_get_variable_list") else [v])]


def _linear(features: Any, columns: Any, units: int, combiner: str) -> tuple[Any, list[Any], list[Any]]:
    if are_separate(columns):
        model = LinearModel(columns, units, combiner)
        logits = model(features)
        return logits, [model.bias], model.variables
    made: dict[Any, Any] = {}
    logits = linear_model(features, columns, units, combiner, cols_to_vars=made)
    return logits, made.pop("bias"), nest.flatten(list(made.values()))


@export("estimator.experimental.linear_logit_fn_builder", "contrib.estimator.linear_logit_fn_builder")
def linear_logit_fn_builder(units: int, feature_columns: Any, sparse_combiner: str = "sum") -> Callable[..., Any]:
    """A function `(features)` that gives the logits of a linear model: `f32[batch, units]`.

    Source: TF 1.15 `tf.estimator.experimental.linear_logit_fn_builder`.
    """

    def linear_logit_fn(features: Any) -> Any:
        logits, bias, variables = _linear(features, feature_columns, units, sparse_combiner)
        bias = _parts(bias)
        if units > 1:
            tf.summary.histogram("bias", bias)
        else:
            tf.summary.scalar("bias", bias[0][0])
        tf.summary.scalar("fraction_of_zero_weights", _fraction_of_zero(_parts(variables)))
        return logits

    return linear_logit_fn


@export("estimator.experimental.call_logit_fn", "contrib.estimator.call_logit_fn")
def call_logit_fn(logit_fn: Any, features: Any, mode: Any, params: Any, config: Any) -> Any:
    """The logits that a function gives, called with what it takes.

    Raises ValueError: neither a tensor nor a dict of tensors. Source: TF 1.15 `tf.estimator.experimental.call_logit_fn`.
    """
    given = {"mode": mode, "params": params, "config": config}
    wanted = function_args(logit_fn)
    result = logit_fn(features=features, **{k: v for k, v in given.items() if k in wanted})
    if not isinstance(result, (tf.Tensor, dict)):
        raise ValueError("model_fn should return a Tensor or a dictionary of Tensors.  Returned value: " + str(result))
    return result
