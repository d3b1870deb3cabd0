"""Ready-made models of `tf.contrib.learn`: linear ones, deep ones, both together."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.column_parts import FeatureColumn
from retrograph.contrib.learning import heads
from retrograph.contrib.learning.estimators import Estimator
from retrograph.contrib.learning.metric_spec import MetricSpec
from retrograph.contrib.learning.parts import PredictionKey
from retrograph.framework.exports import export

_DNN_RATE, _LINEAR_RATE = 0.05, 0.2
_ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.nn.tanh, "sigmoid": tf.nn.sigmoid}


def _as_dict(features: Any) -> dict[str, Any]:
    return features if isinstance(features, dict) else {"": features}


def _are_old(columns: Any) -> bool:
    return all(isinstance(column, FeatureColumn) for column in columns)


def _activation(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if given not in _ACTIVATIONS:
        raise ValueError(f"Activation name should be one of [{', '.join(_ACTIVATIONS)}], you provided {given}.")
    return _ACTIVATIONS[given]


def _partitioner(config: Any, min_slice_size: int = 256 << 10) -> Any:
    count = config.num_ps_replicas if config else 0
    return tf.min_max_variable_partitioner(max_partitions=count, min_slice_size=min_slice_size)


def _summaries(value: Any, tag: str) -> None:
    tf.summary.scalar(f"{tag}_fraction_of_zero_values", tf.nn.zero_fraction(value))
    tf.summary.histogram(f"{tag}_activation", value)


class Deep:
    """The layers of a deep model, under `dnn`."""

    def __init__(
        self, columns: Any, hidden_units: Any, activation_fn: Any = tf.nn.relu, dropout: Any = None, optimizer: Any = None,
        min_slice_size: Any = None,
    ):  # fmt: skip
        self.columns, self._units, self._activation = columns, hidden_units, _activation(activation_fn)
        self._dropout, self._optimizer, self._min_slice_size = dropout, optimizer, min_slice_size

    def scope(self, features: dict[str, Any], config: Any) -> Any:
        """The scope of its variables."""
        return tf.variable_scope("dnn", values=tuple(features.values()), partitioner=_partitioner(config))

    def logits(self, features: dict[str, Any], mode: Any, size: int, config: Any) -> Any:
        """f32[batch, size], inside of the scope."""
        net = self._inputs(features, tuple(features.values()), config)
        for number, units in enumerate(self._units):
            with tf.variable_scope(f"hiddenlayer_{number}", values=(net,)) as scope:
                net = self._dense(net, units, self._activation, scope)
                if self._dropout is not None and mode == tf.estimator.ModeKeys.TRAIN:
                    net = tf.contrib.layers.dropout(net, keep_prob=1.0 - self._dropout)
            _summaries(net, scope.name)
        with tf.variable_scope("logits", values=(net,)) as scope:
            net = self._dense(net, size, None, scope)
        _summaries(net, scope.name)
        return net

    def _inputs(self, features: dict[str, Any], values: Any, config: Any) -> Any:
        partitioner = _partitioner(config, self._min_slice_size or 64 << 20)
        with tf.variable_scope("input_from_feature_columns", values=values, partitioner=partitioner) as scope:
            if not _are_old(self.columns):
                return tf.feature_column.input_layer(features, self.columns, weight_collections=["dnn"])
            make = tf.contrib.layers.input_from_feature_columns
            return make(features, self.columns, weight_collections=["dnn"], scope=scope)

    def _dense(self, net: Any, units: int, activation: Any, scope: Any) -> Any:
        make = tf.contrib.layers.fully_connected
        return make(net, units, activation_fn=activation, variables_collections=["dnn"], scope=scope)

    def optimizer(self) -> Any:
        """What trains it: the name of an optimizer, or one."""
        given = self._optimizer or "Adagrad"
        return given() if callable(given) else given


class Linear:
    """The weighted sum of columns, under `linear`."""

    def __init__(self, columns: Any, optimizer: Any = None, joint_weights: bool = False):
        self.columns, self._optimizer, self._joint = columns, optimizer, joint_weights

    def scope(self, features: dict[str, Any], config: Any) -> Any:
        """The scope of its variables."""
        return tf.variable_scope("linear", values=tuple(features.values()), partitioner=_partitioner(config, 64 << 20))

    def logits(self, features: dict[str, Any], size: int, scope: Any) -> Any:
        """f32[batch, size], inside of the scope."""
        if not _are_old(self.columns):
            return tf.feature_column.linear_model(features, self.columns, units=size, weight_collections=["linear"])
        layers = tf.contrib.layers
        make = (
            layers.joint_weighted_sum_from_feature_columns if self._joint else layers.weighted_sum_from_feature_columns
        )
        return make(features, self.columns, size, weight_collections=["linear"], scope=scope)[0]

    def optimizer(self, rate: float = _LINEAR_RATE) -> Any:
        """What trains it."""
        given = self._optimizer
        if given is None:
            return tf.train.FtrlOptimizer(learning_rate=min(rate, 1.0 / math.sqrt(len(self.columns))))
        if isinstance(given, str):
            return tf.contrib.layers.OPTIMIZER_CLS_NAMES[given](learning_rate=rate)
        return given() if callable(given) else given


def _dnn_model(head: Any, deep: Deep, clip: Any) -> Callable[..., Any]:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        features = _as_dict(features)

        def train_op_fn(loss: Any) -> Any:
            return tf.contrib.layers.optimize_loss(
                loss=loss, global_step=tf.train.get_global_step(), learning_rate=_DNN_RATE, optimizer=deep.optimizer(),
                clip_gradients=clip, name="dnn", summaries=[],
            )  # fmt: skip

        with deep.scope(features, config):
            logits = deep.logits(features, mode, head.logits_dimension, config)
            return head.create_model_fn_ops(features, mode, labels, train_op_fn, logits)

    return model_fn


def _linear_model(head: Any, linear: Linear, clip: Any) -> Callable[..., Any]:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        features = _as_dict(features)

        def train_op_fn(loss: Any) -> Any:
            variables = tf.get_collection("linear")
            gradients = tf.gradients(loss, variables)
            if clip:
                gradients, _ = tf.clip_by_global_norm(gradients, clip)
            return linear.optimizer().apply_gradients(
                zip(gradients, variables, strict=True), tf.train.get_global_step()
            )

        with linear.scope(features, config) as scope:
            logits = linear.logits(features, head.logits_dimension, scope)
            return head.create_model_fn_ops(features, mode, labels, train_op_fn, logits)

    return model_fn


def _combined_model(head: Any, linear: Linear, deep: Deep, clip: Any, counts_once: bool) -> Callable[..., Any]:
    def model_fn(features: Any, labels: Any, mode: Any, config: Any) -> Any:
        features, size = _as_dict(features), head.logits_dimension
        parts = []
        if deep.columns:
            with deep.scope(features, config):
                parts.append(deep.logits(features, mode, size, config))
        if linear.columns:
            with linear.scope(features, config) as scope:
                parts.append(linear.logits(features, size, scope))
                _summaries(parts[-1], scope.name)

        def train_op_fn(loss: Any) -> Any:
            steps = []
            rate = min(_LINEAR_RATE, 1.0 / math.sqrt(len(linear.columns))) if linear.columns else 0.0
            if deep.columns:
                steps.append(_optimized(loss, _DNN_RATE, deep.optimizer(), "dnn", clip, counts_once))
            if linear.columns:
                steps.append(_optimized(loss, rate, linear._optimizer or "Ftrl", "linear", clip, counts_once))
            together = tf.group(*steps)
            if not counts_once:
                return together
            with tf.control_dependencies([together]):
                return tf.assign_add(tf.train.get_global_step(), 1).op

        logits = parts[0] + parts[1] if len(parts) == 2 else parts[0]
        return head.create_model_fn_ops(features, mode, labels, train_op_fn, logits)

    return model_fn


def _optimized(loss: Any, rate: float, optimizer: Any, name: str, clip: Any, counts_once: bool) -> Any:
    return tf.contrib.layers.optimize_loss(
        loss=loss, global_step=tf.train.get_global_step(), learning_rate=rate,
        optimizer=optimizer() if callable(optimizer) else optimizer, clip_gradients=clip,
        variables=tf.get_collection(name), name=name, summaries=[], increment_global_step=not counts_once,
    )  # fmt: skip


def _key_of(estimator: Estimator, key: str, x: Any, input_fn: Any, batch_size: Any, as_iterable: bool) -> Any:
    found = Estimator.predict(estimator, x, input_fn, batch_size, [key], as_iterable)
    return (one[key] for one in found) if as_iterable else found[key]


class _Predicting(Estimator):
    """Predicts one thing unless it is asked for others."""

    _plainly = ""

    def predict(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, outputs: Any = None, as_iterable: bool = True
    ) -> Any:
        """The classes or numbers; with `outputs`, what they name."""
        if not outputs:
            return getattr(self, self._plainly)(x, input_fn, batch_size, as_iterable)
        return super().predict(x, input_fn, batch_size, outputs, as_iterable)


class _Classifier(_Predicting):
    """Predicts classes."""

    _plainly = "predict_classes"

    def predict_classes(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True
    ) -> Any:
        """The classes."""
        return _key_of(self, PredictionKey.CLASSES, x, input_fn, batch_size, as_iterable)

    def predict_proba(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True
    ) -> Any:
        """The probabilities of classes."""
        return _key_of(self, PredictionKey.PROBABILITIES, x, input_fn, batch_size, as_iterable)


class _Regressor(_Predicting):
    """Predicts numbers."""

    _plainly = "predict_scores"

    def predict_scores(
        self, x: Any = None, input_fn: Any = None, batch_size: Any = None, as_iterable: bool = True
    ) -> Any:
        """The numbers."""
        return _key_of(self, PredictionKey.SCORES, x, input_fn, batch_size, as_iterable)


class _DeepRegressor(_Regressor):
    """A regressor whose metrics may be given as bare functions."""

    def evaluate(
        self, x: Any = None, y: Any = None, input_fn: Any = None, feed_fn: Any = None, batch_size: Any = None,
        steps: Any = None, metrics: Any = None, name: Any = None, checkpoint_path: Any = None, hooks: Any = None,
        log_progress: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics."""
        if isinstance(metrics, dict):
            metrics = {_full_key(key, metric): metric for key, metric in metrics.items()}
        return super().evaluate(
            x, y, input_fn, feed_fn, batch_size, steps, metrics, name, checkpoint_path, hooks, log_progress
        )


def _full_key(key: Any, metric: Any) -> Any:
    return key if isinstance(key, tuple) or isinstance(metric, MetricSpec) else (key, PredictionKey.SCORES)


@export("contrib.learn.DNNClassifier")
class DNNClassifier(_Classifier):
    """Classes by fully connected layers. Source: TF 1.15 `tf.contrib.learn.DNNClassifier`."""

    def __init__(
        self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, n_classes: int = 2,
        weight_column_name: Any = None, optimizer: Any = None, activation_fn: Any = tf.nn.relu, dropout: Any = None,
        gradient_clip_norm: Any = None, enable_centered_bias: bool = False, config: Any = None,
        feature_engineering_fn: Any = None, embedding_lr_multipliers: Any = None, input_layer_min_slice_size: Any = None,
        label_keys: Any = None,
    ):  # fmt: skip
        _refuse_multipliers(embedding_lr_multipliers)
        self._feature_columns = tuple(feature_columns or [])
        head = heads.multi_class_head(
            n_classes,
            weight_column_name=weight_column_name,
            enable_centered_bias=enable_centered_bias,
            label_keys=label_keys,
        )
        deep = Deep(self._feature_columns, hidden_units, activation_fn, dropout, optimizer, input_layer_min_slice_size)
        super().__init__(_dnn_model(head, deep, gradient_clip_norm), model_dir, config, None, feature_engineering_fn)


@export("contrib.learn.DNNRegressor")
class DNNRegressor(_DeepRegressor):
    """Numbers by fully connected layers. Source: TF 1.15 `tf.contrib.learn.DNNRegressor`."""

    def __init__(
        self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, weight_column_name: Any = None,
        optimizer: Any = None, activation_fn: Any = tf.nn.relu, dropout: Any = None, gradient_clip_norm: Any = None,
        enable_centered_bias: bool = False, config: Any = None, feature_engineering_fn: Any = None,
        label_dimension: int = 1, embedding_lr_multipliers: Any = None, input_layer_min_slice_size: Any = None,
    ):  # fmt: skip
        _refuse_multipliers(embedding_lr_multipliers)
        self._feature_columns = tuple(feature_columns or [])
        head = heads.regression_head(None, weight_column_name, label_dimension, enable_centered_bias)
        deep = Deep(self._feature_columns, hidden_units, activation_fn, dropout, optimizer, input_layer_min_slice_size)
        super().__init__(_dnn_model(head, deep, gradient_clip_norm), model_dir, config, None, feature_engineering_fn)


@export("contrib.learn.DNNEstimator")
class DNNEstimator(Estimator):
    """Fully connected layers below a head. Source: TF 1.15 `tf.contrib.learn.DNNEstimator`."""

    def __init__(
        self, head: Any, hidden_units: Any, feature_columns: Any, model_dir: Any = None, optimizer: Any = None,
        activation_fn: Any = tf.nn.relu, dropout: Any = None, gradient_clip_norm: Any = None, config: Any = None,
        feature_engineering_fn: Any = None, embedding_lr_multipliers: Any = None, input_layer_min_slice_size: Any = None,
    ):  # fmt: skip
        _refuse_multipliers(embedding_lr_multipliers)
        deep = Deep(feature_columns, hidden_units, activation_fn, dropout, optimizer, input_layer_min_slice_size)
        super().__init__(_dnn_model(head, deep, gradient_clip_norm), model_dir, config, None, feature_engineering_fn)


@export("contrib.learn.LinearClassifier")
class LinearClassifier(_Classifier):
    """Classes by weighted sums. Source: TF 1.15 `tf.contrib.learn.LinearClassifier`."""

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column_name: Any = None,
        optimizer: Any = None, gradient_clip_norm: Any = None, enable_centered_bias: bool = False,
        _joint_weight: bool = False, config: Any = None, feature_engineering_fn: Any = None, label_keys: Any = None,
    ):  # fmt: skip
        self._feature_columns = tuple(feature_columns or [])
        head = heads.multi_class_head(
            n_classes,
            weight_column_name=weight_column_name,
            enable_centered_bias=enable_centered_bias,
            label_keys=label_keys,
        )
        linear = Linear(self._feature_columns, optimizer, _joint_weight)
        super().__init__(
            _linear_model(head, linear, gradient_clip_norm), model_dir, config, None, feature_engineering_fn
        )


@export("contrib.learn.LinearRegressor")
class LinearRegressor(_Regressor):
    """Numbers by weighted sums. Source: TF 1.15 `tf.contrib.learn.LinearRegressor`."""

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, weight_column_name: Any = None, optimizer: Any = None,
        gradient_clip_norm: Any = None, enable_centered_bias: bool = False, label_dimension: int = 1,
        _joint_weights: bool = False, config: Any = None, feature_engineering_fn: Any = None,
    ):  # fmt: skip
        self._feature_columns = tuple(feature_columns or [])
        head = heads.regression_head(None, weight_column_name, label_dimension, enable_centered_bias)
        linear = Linear(self._feature_columns, optimizer, _joint_weights)
        super().__init__(
            _linear_model(head, linear, gradient_clip_norm), model_dir, config, None, feature_engineering_fn
        )


@export("contrib.learn.LinearEstimator")
class LinearEstimator(Estimator):
    """Weighted sums below a head. Source: TF 1.15 `tf.contrib.learn.LinearEstimator`."""

    def __init__(
        self, feature_columns: Any, head: Any, model_dir: Any = None, weight_column_name: Any = None, optimizer: Any = None,
        gradient_clip_norm: Any = None, _joint_weights: bool = False, config: Any = None, feature_engineering_fn: Any = None,
    ):  # fmt: skip
        linear = Linear(tuple(feature_columns), optimizer, _joint_weights)
        super().__init__(
            _linear_model(head, linear, gradient_clip_norm), model_dir, config, None, feature_engineering_fn
        )


def _both_parts(given: dict[str, Any]) -> tuple[Linear, Deep]:
    linear_columns, deep_columns = (
        tuple(given["linear_feature_columns"] or []),
        tuple(given["dnn_feature_columns"] or []),
    )
    if not linear_columns and not deep_columns:
        raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
    if deep_columns and not given["dnn_hidden_units"]:
        raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
    linear = Linear(linear_columns, given["linear_optimizer"], given["_joint_linear_weights"])
    activation = given["dnn_activation_fn"] or tf.nn.relu
    deep = Deep(deep_columns, given["dnn_hidden_units"], activation, given["dnn_dropout"], given["dnn_optimizer"])
    return linear, deep


@export("contrib.learn.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(_Classifier):
    """Classes by weighted sums and layers together. Source: TF 1.15 `tf.contrib.learn.DNNLinearCombinedClassifier`."""

    def __init__(
        self, model_dir: Any = None, n_classes: int = 2, weight_column_name: Any = None, linear_feature_columns: Any = None,
        linear_optimizer: Any = None, _joint_linear_weights: bool = False, dnn_feature_columns: Any = None,
        dnn_optimizer: Any = None, dnn_hidden_units: Any = None, dnn_activation_fn: Any = tf.nn.relu,
        dnn_dropout: Any = None, gradient_clip_norm: Any = None, enable_centered_bias: bool = False, config: Any = None,
        feature_engineering_fn: Any = None, embedding_lr_multipliers: Any = None, input_layer_min_slice_size: Any = None,
        label_keys: Any = None, fix_global_step_increment_bug: bool = False,
    ):  # fmt: skip
        linear, deep = _both_parts(locals())
        _refuse_multipliers(embedding_lr_multipliers)
        head = heads.multi_class_head(
            n_classes,
            weight_column_name=weight_column_name,
            enable_centered_bias=enable_centered_bias,
            label_keys=label_keys,
        )
        model = _combined_model(head, linear, deep, gradient_clip_norm, fix_global_step_increment_bug)
        super().__init__(model, model_dir, config, None, feature_engineering_fn)


@export("contrib.learn.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(_DeepRegressor):
    """Numbers by weighted sums and layers together. Source: TF 1.15 `tf.contrib.learn.DNNLinearCombinedRegressor`."""

    def __init__(
        self, model_dir: Any = None, weight_column_name: Any = None, linear_feature_columns: Any = None,
        linear_optimizer: Any = None, _joint_linear_weights: bool = False, dnn_feature_columns: Any = None,
        dnn_optimizer: Any = None, dnn_hidden_units: Any = None, dnn_activation_fn: Any = tf.nn.relu,
        dnn_dropout: Any = None, gradient_clip_norm: Any = None, enable_centered_bias: bool = False,
        label_dimension: int = 1, config: Any = None, feature_engineering_fn: Any = None,
        embedding_lr_multipliers: Any = None, input_layer_min_slice_size: Any = None,
        fix_global_step_increment_bug: bool = False,
    ):  # fmt: skip
        linear, deep = _both_parts(locals())
        _refuse_multipliers(embedding_lr_multipliers)
        head = heads.regression_head(None, weight_column_name, label_dimension, enable_centered_bias)
        model = _combined_model(head, linear, deep, gradient_clip_norm, fix_global_step_increment_bug)
        super().__init__(model, model_dir, config, None, feature_engineering_fn)


@export("contrib.learn.DNNLinearCombinedEstimator")
class DNNLinearCombinedEstimator(Estimator):
    """Weighted sums and layers together below a head. Source: TF 1.15 `tf.contrib.learn.DNNLinearCombinedEstimator`."""

    def __init__(
        self, head: Any, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = None,
        _joint_linear_weights: bool = False, dnn_feature_columns: Any = None, dnn_optimizer: Any = None,
        dnn_hidden_units: Any = None, dnn_activation_fn: Any = None, dnn_dropout: Any = None, gradient_clip_norm: Any = None,
        config: Any = None, feature_engineering_fn: Any = None, embedding_lr_multipliers: Any = None,
        fix_global_step_increment_bug: bool = False, input_layer_partitioner: Any = None,
    ):  # fmt: skip
        linear, deep = _both_parts(locals())
        _refuse_multipliers(embedding_lr_multipliers or input_layer_partitioner)
        model = _combined_model(head, linear, deep, gradient_clip_norm, fix_global_step_increment_bug)
        super().__init__(model, model_dir, config, None, feature_engineering_fn)


def _refuse_multipliers(given: Any) -> None:
    if given:
        raise tf.errors.UnimplementedError(
            None, None, "tf.contrib.learn: embedding_lr_multipliers and input_layer_partitioner are not supported"
        )
