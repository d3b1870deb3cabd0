"""What a model function is asked for and gives: `ModeKeys`, `EstimatorSpec`."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.estimator.exporting import get_export_outputs
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape
from retrograph.train.scaffold import Scaffold
from retrograph.train.session_run_hook import SessionRunHook

LOSS_METRIC_KEY = "loss"
AVERAGE_LOSS_METRIC_KEY = "average_loss"
_OTHER_GRAPH = (
    '{0} with "{1}" must be from the default graph. Possible causes of this error include: \n\n1) {0} was created outside the '
    "context of the default graph.\n\n2) The object passed through to EstimatorSpec was not created in the most recent call to "
    '"model_fn".'
)


@export("estimator.ModeKeys", "contrib.learn.ModeKeys")
class ModeKeys:
    """What a model is made for. Source: TF 1.15 `tf.estimator.ModeKeys`."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"
    INFER = PREDICT


class _Fields(NamedTuple):
    mode: Any
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: Any
    export_outputs: Any
    training_chief_hooks: Any
    training_hooks: Any
    scaffold: Any
    evaluation_hooks: Any
    prediction_hooks: Any


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or isinstance(getattr(value, "_as_graph_element", lambda: None)(), Tensor)


def _tensor(value: Any, name: str) -> Any:
    if not _is_tensor(value):
        raise TypeError(f"{name} must be Tensor, given: {value}")
    return value


def _check_graph(value: Any, what: str, name: str) -> None:
    if value.graph is not get_default_graph():
        raise ValueError(_OTHER_GRAPH.format(what, name))


def _checked_train_op(train_op: Any, mode: Any) -> Any:
    if train_op is None:
        if mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        return None
    if not (isinstance(train_op, Operation) or _is_tensor(train_op)):
        raise TypeError(f"train_op must be Operation or Tensor, given: {train_op}")
    if not isinstance(train_op, (Operation, Tensor)):
        train_op = train_op.op
    _check_graph(train_op, "train_op", train_op.name)
    return train_op


def _checked_loss(loss: Any, mode: Any) -> Any:
    if loss is None:
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    loss = _tensor(loss, "loss")
    shape = loss.get_shape()
    if shape.num_elements() not in (None, 1):
        raise ValueError(f"Loss must be scalar, given: {loss}")
    if not shape.is_compatible_with(TensorShape([])):
        loss = tf.reshape(loss, [])
    _check_graph(loss, "loss", loss.name)
    return loss


def _checked_predictions(predictions: Any, mode: Any) -> Any:
    if predictions is None:
        if mode == ModeKeys.PREDICT:
            raise ValueError("Missing predictions.")
        return {}
    if not isinstance(predictions, dict):
        _check_graph(_tensor(predictions, "predictions"), "prediction values", predictions.name)
        return predictions
    found = {k: _tensor(v, f"predictions[{k}]") for k, v in predictions.items()}
    for key, value in found.items():
        _check_graph(value, "prediction values", f"{key}: {value.name}")
    return found


def _checked_hooks(hooks: Any) -> tuple[Any, ...]:
    found = tuple(hooks or [])
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook}")
    return found


def _checked_metrics(metrics: Any) -> dict[Any, Any]:
    if metrics is None:
        return {}
    if not isinstance(metrics, dict):
        raise TypeError(f"eval_metric_ops must be a dict, given: {metrics}")
    pairs: dict[Any, Any] = {key: _pair_of(value) for key, value in metrics.items()}
    for key, value in pairs.items():
        if not isinstance(value, tuple) or len(value) != 2:
            raise TypeError(
                f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {value} for key: {key}"
            )
        for part in value:
            _check_graph(part, "eval_metric_ops", f"{key}: {part.name}")
    return pairs


def _pair_of(metric: Any) -> Any:
    """(value, update) of a metric of tf.keras, whose variables are then among the local ones; all else as it is."""
    if not all(hasattr(metric, name) for name in ("update_state", "result", "updates")):
        return metric
    if not metric.updates:
        raise ValueError(f'Please call update_state(...) on the "{metric.name}" metric')
    for collection in (tf.GraphKeys.LOCAL_VARIABLES, tf.GraphKeys.METRIC_VARIABLES):
        known: Any = tf.get_collection(collection)
        for variable in metric.variables:
            if not any(variable is v for v in known):
                tf.add_to_collection(collection, variable)
    return metric.result(), metric.updates[0]


def _checked_scaffold(scaffold: Any) -> Any:
    scaffold = scaffold or Scaffold()
    if not isinstance(scaffold, Scaffold):
        raise TypeError(f"scaffold must be tf.train.Scaffold. Given: {scaffold}")
    return scaffold


@export("estimator.EstimatorSpec")
class EstimatorSpec(_Fields):
    """What a model function gives an `Estimator`.

    Raises ValueError, TypeError: what the mode needs is missing, or of another kind or graph.
    Source: TF 1.15 `tf.estimator.EstimatorSpec`.
    """

    def __new__(
        cls, mode: Any, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None,
        export_outputs: Any = None, training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None,
        evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """Checks everything."""
        train_op = _checked_train_op(train_op, mode)
        loss = _checked_loss(loss, mode)
        predictions = _checked_predictions(predictions, mode)
        if mode == ModeKeys.PREDICT:
            export_outputs = get_export_outputs(export_outputs, predictions)
        return super().__new__(
            cls,
            mode,
            predictions,
            loss,
            train_op,
            _checked_metrics(eval_metric_ops),
            export_outputs,
            _checked_hooks(training_chief_hooks),
            _checked_hooks(training_hooks),
            _checked_scaffold(scaffold),
            _checked_hooks(evaluation_hooks),
            _checked_hooks(prediction_hooks),
        )

    def _replace(self, **kwargs: Any) -> EstimatorSpec:
        if kwargs.get("mode", self.mode) != self.mode:
            raise ValueError("mode of EstimatorSpec cannot be changed.")
        return EstimatorSpec(**{**self._asdict(), **kwargs})
