"""Models that are ready made: linear models, multilayer perceptrons, both together, and constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.estimator import old_heads
from retrograph.estimator.logits import add_layer_summary, dnn_logit_fn_builder, linear_logit_fn_builder
from retrograph.estimator.model import Estimator
from retrograph.estimator.spec import EstimatorSpec
from retrograph.feature_column.dense import NumericColumn
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer
from retrograph.train.sync_replicas import SyncReplicasOptimizer

_SUM = tf.losses.Reduction.SUM
_OPTIMIZERS = {
    "Adagrad": "AdagradOptimizer",
    "Adam": "AdamOptimizer",
    "Ftrl": "FtrlOptimizer",
    "RMSProp": "RMSPropOptimizer",
    "SGD": "GradientDescentOptimizer",
}
_DNN_RATE, _BOTH_DNN_RATE, _LINEAR_RATE, _BOTH_LINEAR_RATE, _BASELINE_RATE = 0.05, 0.001, 0.2, 0.005, 0.3
_LARGE = 64 << 20


def optimizer_instance(given: Any, learning_rate: float) -> Any:
    """The optimizer of a name, a function or itself. Raises ValueError: an unknown name, or something else."""
    if isinstance(given, str):
        if given not in _OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {tuple(sorted(_OPTIMIZERS))}")
        return getattr(tf.train, _OPTIMIZERS[given])(learning_rate=learning_rate)
    found = given() if callable(given) else given
    if not isinstance(found, Optimizer):
        raise ValueError(f"The given object is not an Optimizer instance. Given: {found}")
    return found


def _check_features(features: Any) -> None:
    if not isinstance(features, dict):
        raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")


def _partitioner(config: Any, smallest: int = 256 << 10) -> Any:
    replicas = config.num_ps_replicas if config else 0
    return tf.min_max_variable_partitioner(max_partitions=replicas, min_slice_size=smallest)


def _model_fn(function: Callable[..., EstimatorSpec], **settings: Any) -> Callable[..., EstimatorSpec]:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> EstimatorSpec:
        return function(features, labels, mode, config, **settings)

    return model_fn


# ---- multilayer perceptrons


def _dnn(
    features: Any, labels: Any, mode: Any, config: Any, head: Any, hidden_units: Any, feature_columns: Any,
    optimizer: Any, activation_fn: Any, dropout: Any, input_layer_partitioner: Any, batch_norm: bool,
) -> EstimatorSpec:  # fmt: skip
    optimizer = optimizer_instance(optimizer, _DNN_RATE)
    _check_features(features)
    with tf.variable_scope("dnn", values=tuple(features.values()), partitioner=_partitioner(config)):
        logit_fn = dnn_logit_fn_builder(
            head.logits_dimension, hidden_units, tuple(feature_columns or []), activation_fn, dropout,
            input_layer_partitioner or _partitioner(config, _LARGE), batch_norm,
        )  # fmt: skip
        logits = logit_fn(features=features, mode=mode)
        return head.create_estimator_spec(  # type: ignore[no-any-return]
            features=features, mode=mode, labels=labels, optimizer=optimizer, logits=logits
        )


@export("estimator.DNNClassifier")
class DNNClassifier(Estimator):
    """A multilayer perceptron for classes. Source: TF 1.15 `tf.estimator.DNNClassifier`."""

    def __init__(
        self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, n_classes: int = 2,
        weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Adagrad",
        activation_fn: Any = tf.nn.relu, dropout: Any = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, loss_reduction: Any = _SUM, batch_norm: bool = False,
    ):  # fmt: skip
        head = old_heads.binary_or_multi_class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        function = _model_fn(
            _dnn, head=head, hidden_units=hidden_units, feature_columns=feature_columns, optimizer=optimizer,
            activation_fn=activation_fn, dropout=dropout, input_layer_partitioner=input_layer_partitioner,
            batch_norm=batch_norm,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@export("estimator.DNNEstimator")
class DNNEstimator(Estimator):
    """A multilayer perceptron for any head. Source: TF 1.15 `tf.estimator.DNNEstimator`."""

    def __init__(
        self, head: Any, hidden_units: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = "Adagrad",
        activation_fn: Any = tf.nn.relu, dropout: Any = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, batch_norm: bool = False,
    ):  # fmt: skip
        function = _model_fn(
            _dnn, head=head, hidden_units=hidden_units, feature_columns=feature_columns, optimizer=optimizer,
            activation_fn=activation_fn, dropout=dropout, input_layer_partitioner=input_layer_partitioner,
            batch_norm=batch_norm,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@export("estimator.DNNRegressor")
class DNNRegressor(Estimator):
    """A multilayer perceptron for numbers. Source: TF 1.15 `tf.estimator.DNNRegressor`."""

    def __init__(
        self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1,
        weight_column: Any = None, optimizer: Any = "Adagrad", activation_fn: Any = tf.nn.relu, dropout: Any = None,
        input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
        loss_reduction: Any = _SUM, batch_norm: bool = False,
    ):  # fmt: skip
        head = old_heads.regression(label_dimension, weight_column, loss_reduction)
        function = _model_fn(
            _dnn, head=head, hidden_units=hidden_units, feature_columns=feature_columns, optimizer=optimizer,
            activation_fn=activation_fn, dropout=dropout, input_layer_partitioner=input_layer_partitioner,
            batch_norm=batch_norm,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


# ---- linear models


def _linear(
    features: Any, labels: Any, mode: Any, config: Any, head: Any, feature_columns: Any, optimizer: Any,
    partitioner: Any, sparse_combiner: str,
) -> EstimatorSpec:  # fmt: skip
    _check_features(features)
    columns = tuple(feature_columns or [])
    partitioner = partitioner or _partitioner(config, _LARGE)
    with tf.variable_scope("linear", values=tuple(features.values()), partitioner=partitioner):
        logits = linear_logit_fn_builder(head.logits_dimension, columns, sparse_combiner)(features=features)
        default = optimizer or tf.train.FtrlOptimizer(learning_rate=_linear_rate(_LINEAR_RATE, columns))
        made = optimizer_instance(default, _LINEAR_RATE)
        return head.create_estimator_spec(  # type: ignore[no-any-return]
            features=features, mode=mode, labels=labels, optimizer=made, logits=logits
        )


def _linear_rate(largest: float, columns: Any) -> float:
    return min(largest, 1.0 / math.sqrt(len(columns)))


@export("estimator.LinearClassifier")
class LinearClassifier(Estimator):
    """A linear model for classes. Source: TF 1.15 `tf.estimator.LinearClassifier`."""

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None,
        label_vocabulary: Any = None, optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None,
        warm_start_from: Any = None, loss_reduction: Any = _SUM, sparse_combiner: str = "sum",
    ):  # fmt: skip
        head = old_heads.binary_or_multi_class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        function = _model_fn(
            _linear, head=head, feature_columns=feature_columns, optimizer=optimizer, partitioner=partitioner,
            sparse_combiner=sparse_combiner,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@export("estimator.LinearEstimator")
class LinearEstimator(Estimator):
    """A linear model for any head. Source: TF 1.15 `tf.estimator.LinearEstimator`."""

    def __init__(
        self, head: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None,
        partitioner: Any = None, sparse_combiner: str = "sum",
    ):  # fmt: skip
        function = _model_fn(
            _linear, head=head, feature_columns=feature_columns, optimizer=optimizer, partitioner=partitioner,
            sparse_combiner=sparse_combiner,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config)


@export("estimator.LinearRegressor")
class LinearRegressor(Estimator):
    """A linear model for numbers. Source: TF 1.15 `tf.estimator.LinearRegressor`."""

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None,
        optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None, warm_start_from: Any = None,
        loss_reduction: Any = _SUM, sparse_combiner: str = "sum",
    ):  # fmt: skip
        head = old_heads.regression(label_dimension, weight_column, loss_reduction)
        function = _model_fn(
            _linear, head=head, feature_columns=feature_columns, optimizer=optimizer, partitioner=partitioner,
            sparse_combiner=sparse_combiner,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


# ---- both


def _check_columns(linear: Any, dnn: Any) -> None:
    if not linear and not dnn:
        raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")


def _alone(given: Any, rate: float) -> Any:
    optimizer = optimizer_instance(given, rate)
    if isinstance(optimizer, SyncReplicasOptimizer):
        raise ValueError(
            "SyncReplicasOptimizer does not support multi optimizers case. Therefore, it is not supported in "
            "DNNLinearCombined model. If you want to use this optimizer, please use either DNN or Linear model."
        )
    return optimizer


def _both(
    features: Any, labels: Any, mode: Any, config: Any, head: Any, linear_feature_columns: Any, linear_optimizer: Any,
    dnn_feature_columns: Any, dnn_optimizer: Any, dnn_hidden_units: Any, dnn_activation_fn: Any, dnn_dropout: Any,
    input_layer_partitioner: Any, batch_norm: bool, linear_sparse_combiner: str,
) -> EstimatorSpec:  # fmt: skip
    _check_features(features)
    _check_columns(linear_feature_columns, dnn_feature_columns)
    partitioner = input_layer_partitioner or _partitioner(config, _LARGE)
    values, found, training = tuple(features.values()), [], []
    if dnn_feature_columns:
        optimizer = _alone(dnn_optimizer, _BOTH_DNN_RATE)
        if not dnn_hidden_units:
            raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
        with tf.variable_scope("dnn", values=values, partitioner=_partitioner(config)) as scope:
            logit_fn = dnn_logit_fn_builder(
                head.logits_dimension, dnn_hidden_units, dnn_feature_columns, dnn_activation_fn, dnn_dropout,
                partitioner, batch_norm,
            )  # fmt: skip
            found.append(logit_fn(features=features, mode=mode))
            training.append((optimizer, scope.name))
    if linear_feature_columns:
        optimizer = _alone(linear_optimizer, _linear_rate(_BOTH_LINEAR_RATE, linear_feature_columns))
        with tf.variable_scope("linear", values=values, partitioner=partitioner) as scope:
            build = linear_logit_fn_builder(head.logits_dimension, linear_feature_columns, linear_sparse_combiner)
            found.append(build(features=features))
            add_layer_summary(found[-1], scope.name)
            training.append((optimizer, scope.name))
    return head.create_estimator_spec(  # type: ignore[no-any-return]
        features=features,
        mode=mode,
        labels=labels,
        train_op_fn=_trained_apart(training),
        logits=found[0] + found[1] if len(found) > 1 else found[0],
    )


def _trained_apart(training: list[tuple[Any, str]]) -> Callable[[Any], Any]:
    def train_op_fn(loss: Any) -> Any:
        step: Any = tf.train.get_global_step()
        steps = [
            optimizer.minimize(loss, var_list=tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope=scope))
            for optimizer, scope in training
        ]
        with tf.control_dependencies([tf.group(*steps)]):
            return tf.assign_add(step, 1).op

    return train_op_fn


@export("estimator.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(Estimator):
    """A linear model and a multilayer perceptron, added, for classes. Raises ValueError: no columns.

    Source: TF 1.15 `tf.estimator.DNNLinearCombinedClassifier`.
    """

    def __init__(
        self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = tf.nn.relu, dnn_dropout: Any = None, n_classes: int = 2, weight_column: Any = None,
        label_vocabulary: Any = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, loss_reduction: Any = _SUM, batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ):  # fmt: skip
        _check_columns(linear_feature_columns, dnn_feature_columns)
        head = old_heads.binary_or_multi_class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        function = _model_fn(
            _both, head=head, linear_feature_columns=linear_feature_columns, linear_optimizer=linear_optimizer,
            dnn_feature_columns=dnn_feature_columns, dnn_optimizer=dnn_optimizer, dnn_hidden_units=dnn_hidden_units,
            dnn_activation_fn=dnn_activation_fn, dnn_dropout=dnn_dropout,
            input_layer_partitioner=input_layer_partitioner, batch_norm=batch_norm,
            linear_sparse_combiner=linear_sparse_combiner,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@export("estimator.DNNLinearCombinedEstimator")
class DNNLinearCombinedEstimator(Estimator):
    """A linear model and a multilayer perceptron, added, for any head. Raises ValueError: no columns.

    Source: TF 1.15 `tf.estimator.DNNLinearCombinedEstimator`.
    """

    def __init__(
        self, head: Any, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = tf.nn.relu, dnn_dropout: Any = None, input_layer_partitioner: Any = None,
        config: Any = None, batch_norm: bool = False, linear_sparse_combiner: str = "sum",
    ):  # fmt: skip
        _check_columns(linear_feature_columns, dnn_feature_columns)
        function = _model_fn(
            _both, head=head, linear_feature_columns=linear_feature_columns, linear_optimizer=linear_optimizer,
            dnn_feature_columns=dnn_feature_columns, dnn_optimizer=dnn_optimizer, dnn_hidden_units=dnn_hidden_units,
            dnn_activation_fn=dnn_activation_fn, dnn_dropout=dnn_dropout,
            input_layer_partitioner=input_layer_partitioner, batch_norm=batch_norm,
            linear_sparse_combiner=linear_sparse_combiner,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config)


@export("estimator.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(Estimator):
    """A linear model and a multilayer perceptron, added, for numbers. Raises ValueError: no columns.

    Source: TF 1.15 `tf.estimator.DNNLinearCombinedRegressor`.
    """

    def __init__(
        self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = tf.nn.relu, dnn_dropout: Any = None, label_dimension: int = 1,
        weight_column: Any = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, loss_reduction: Any = _SUM, batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ):  # fmt: skip
        _check_columns(linear_feature_columns, dnn_feature_columns)
        head = old_heads.regression(label_dimension, weight_column, loss_reduction)
        function = _model_fn(
            _both, head=head, linear_feature_columns=linear_feature_columns, linear_optimizer=linear_optimizer,
            dnn_feature_columns=dnn_feature_columns, dnn_optimizer=dnn_optimizer, dnn_hidden_units=dnn_hidden_units,
            dnn_activation_fn=dnn_activation_fn, dnn_dropout=dnn_dropout,
            input_layer_partitioner=input_layer_partitioner, batch_norm=batch_norm,
            linear_sparse_combiner=linear_sparse_combiner,
        )  # fmt: skip
        super().__init__(function, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


# ---- constants


def _weight_key(column: Any) -> Any:
    if column is None or isinstance(column, str):
        return column
    if not isinstance(column, NumericColumn):
        raise TypeError(f"Weight column must be either a string or _NumericColumn. Given type: {type(column)}.")
    return column.key


def _batch_size(features: Any, weight_key: Any) -> tuple[Any, list[Any]]:
    """(the size of the batch, checks that all features have it)."""
    sizes: list[Any] = []
    checks = []
    for key, feature in features.items():
        if key == weight_key:
            continue
        shape: Any = tf.shape(feature)
        sizes.append(shape[0])
        if len(sizes) > 1:
            checks.append(tf.debugging.assert_equal(sizes[0], sizes[-1]))
    return sizes[0] if sizes else None, checks


def _baseline(
    features: Any, labels: Any, mode: Any, config: Any, head: Any, optimizer: Any, weight_column: Any = None
) -> EstimatorSpec:
    size, checks = _batch_size(features, _weight_key(weight_column))
    outputs = head.logits_dimension
    with tf.control_dependencies(checks), tf.variable_scope("baseline"):
        bias = tf.get_variable("bias", shape=[outputs], initializer=tf.zeros_initializer)
        logits = tf.multiply(bias, tf.ones([size, outputs]))

    def train_op_fn(loss: Any) -> Any:
        made = optimizer_instance(optimizer, _BASELINE_RATE)
        return made.minimize(loss, global_step=tf.train.get_global_step())

    return head.create_estimator_spec(  # type: ignore[no-any-return]
        features=features, mode=mode, logits=logits, labels=labels, train_op_fn=train_op_fn
    )


@export("estimator.BaselineClassifier")
class BaselineClassifier(Estimator):
    """The classes' shares, whatever the features. Source: TF 1.15 `tf.estimator.BaselineClassifier`."""

    def __init__(
        self, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None,
        optimizer: Any = "Ftrl", config: Any = None, loss_reduction: Any = _SUM,
    ):  # fmt: skip
        head = old_heads.binary_or_multi_class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        function = _model_fn(_baseline, head=head, optimizer=optimizer, weight_column=weight_column)
        super().__init__(function, model_dir=model_dir, config=config)


@export("estimator.BaselineEstimator")
class BaselineEstimator(Estimator):
    """Constants for any head. Source: TF 1.15 `tf.estimator.BaselineEstimator`."""

    def __init__(self, head: Any, model_dir: Any = None, optimizer: Any = "Ftrl", config: Any = None):
        super().__init__(_model_fn(_baseline, head=head, optimizer=optimizer), model_dir=model_dir, config=config)


@export("estimator.BaselineRegressor")
class BaselineRegressor(Estimator):
    """The labels' mean, whatever the features. Source: TF 1.15 `tf.estimator.BaselineRegressor`."""

    def __init__(
        self, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Ftrl",
        config: Any = None, loss_reduction: Any = _SUM,
    ):  # fmt: skip
        head = old_heads.regression(label_dimension, weight_column, loss_reduction)
        function = _model_fn(_baseline, head=head, optimizer=optimizer)
        super().__init__(function, model_dir=model_dir, config=config)
