"""`tf.estimator.export`: what a served model takes and gives."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import SparseTensor
from retrograph.platform import logging
from retrograph.saved import signatures

DEFAULT_SERVING_KEY = "serving_default"
SINGLE_FEATURE, SINGLE_RECEIVER, SINGLE_LABEL = "feature", "input", "label"
_NAMES = {
    "feature": SINGLE_FEATURE,
    "label": SINGLE_LABEL,
    "receiver_tensor": SINGLE_RECEIVER,
    "receiver_tensors_alternative": SINGLE_RECEIVER,
}
TAGS = {"infer": ["serve"], "train": ["train"], "eval": ["eval"]}
_SIGNATURE_KEYS = {"infer": DEFAULT_SERVING_KEY, "train": "train", "eval": "eval"}
_ATTEMPTS = 10

# ---- what goes in


def _check_tensor(tensor: Any, name: Any, label: str = "feature") -> None:
    if not isinstance(tensor, (Tensor, SparseTensor)):
        raise ValueError(f"{label}{f' {name}' if name else ''} must be a Tensor or SparseTensor.")


def _as_dict(tensors: Any, label: str, numbers: bool = False) -> dict[Any, Any]:
    if tensors is None:
        raise ValueError(f"{label}s must be defined.")
    found = tensors if isinstance(tensors, dict) else {_NAMES[label]: tensors}
    for name, tensor in found.items():
        if not isinstance(name, str) and not numbers:
            raise ValueError(f"{label} keys must be strings: {name}.")
        if not isinstance(name, (str, int)):
            raise ValueError(f"{label} keys must be strings or ints: {name}.")
        _check_tensor(tensor, name, label)
    return found


class _Receiver(NamedTuple):
    features: Any
    receiver_tensors: Any
    receiver_tensors_alternatives: Any


def _alternatives(given: Any) -> Any:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ValueError(f"receiver_tensors_alternatives must be a dict: {given}.")
    return {name: _as_dict(tensors, "receiver_tensors_alternative") for name, tensors in given.items()}


@export("estimator.export.ServingInputReceiver")
class ServingInputReceiver(_Receiver):
    """The features of a served model, and the tensors that are fed for them.

    Raises ValueError: no tensors, or keys that are no strings. Source: TF 1.15 `tf.estimator.export.ServingInputReceiver`.
    """

    def __new__(cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None) -> Any:
        """Checks all of them."""
        features = _as_dict(features, "feature", numbers=True)
        receiver_tensors = _as_dict(receiver_tensors, "receiver_tensor")
        return super().__new__(cls, features, receiver_tensors, _alternatives(receiver_tensors_alternatives))


@export("estimator.export.TensorServingInputReceiver")
class TensorServingInputReceiver(_Receiver):
    """As `ServingInputReceiver`, for a model that takes one tensor.

    Source: TF 1.15 `tf.estimator.export.TensorServingInputReceiver`.
    """

    def __new__(cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None) -> Any:
        """Checks all of them."""
        if features is None:
            raise ValueError("features must be defined.")
        _check_tensor(features, None)
        receiver = ServingInputReceiver(features, receiver_tensors, receiver_tensors_alternatives)
        return super().__new__(
            cls, receiver.features[SINGLE_FEATURE], receiver.receiver_tensors, receiver.receiver_tensors_alternatives
        )


class SupervisedInputReceiver(NamedTuple):
    """Features, labels and the tensors that are fed for them."""

    features: Any
    labels: Any
    receiver_tensors: Any


@export("estimator.export.build_parsing_serving_input_receiver_fn")
def build_parsing_serving_input_receiver_fn(
    feature_spec: Any, default_batch_size: int | None = None
) -> Callable[[], Any]:
    """A function that makes a placeholder of serialized `Example`s and parses them.

    Source: TF 1.15 `tf.estimator.export.build_parsing_serving_input_receiver_fn`.
    """

    def serving_input_receiver_fn() -> Any:
        examples = tf.placeholder(tf.string, [default_batch_size], "input_example_tensor")
        return ServingInputReceiver(tf.parse_example(examples, feature_spec), {"examples": examples})

    return serving_input_receiver_fn


def _placeholder_like(tensor: Any, batch: int | None) -> Any:
    shape = TensorShape([batch]).concatenate(tensor.get_shape()[1:])
    return tf.placeholder(tensor.dtype, shape, name=getattr(getattr(tensor, "op", None), "name", None))


@export("estimator.export.build_raw_serving_input_receiver_fn")
def build_raw_serving_input_receiver_fn(
    features: dict[str, Any], default_batch_size: int | None = None
) -> Callable[[], Any]:
    """A function that makes a placeholder for each feature.

    Source: TF 1.15 `tf.estimator.export.build_raw_serving_input_receiver_fn`.
    """

    def serving_input_receiver_fn() -> Any:
        found = {name: _placeholder_like(t, default_batch_size) for name, t in features.items()}
        return ServingInputReceiver(found, found)

    return serving_input_receiver_fn


# ---- what comes out


@export("estimator.export.ExportOutput")
class ExportOutput:
    """What a served model gives. Source: TF 1.15 `tf.estimator.export.ExportOutput`."""

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        """The signature with these inputs."""
        raise NotImplementedError


def _outputs(outputs: Any, single: str, label: str | None = None) -> dict[str, Any]:
    given = outputs if isinstance(outputs, dict) else {single: outputs}
    found = {}
    for key, value in given.items():
        name = "/".join(key) if isinstance(key, tuple) else key
        if not isinstance(name, str):
            raise ValueError(f"{label or single} output key must be a string; got {name}.")
        if not isinstance(value, Tensor):
            raise ValueError(f"{label or single} output value must be a Tensor; got {value}.")
        found[name] = value
    return found


def _one_text(kind: str, receiver_tensors: dict[str, Any]) -> Any:
    examples = next(iter(receiver_tensors.values())) if len(receiver_tensors) == 1 else None
    if examples is None or examples.dtype != tf.string:
        raise ValueError(f"{kind} input must be a single string Tensor; got {receiver_tensors}")
    return examples


@export("estimator.export.ClassificationOutput")
class ClassificationOutput(ExportOutput):
    """Classes and their scores. Raises ValueError: neither, or of other types.

    Source: TF 1.15 `tf.estimator.export.ClassificationOutput`.
    """

    def __init__(self, scores: Any = None, classes: Any = None):
        if scores is not None and not (isinstance(scores, Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores}")
        if classes is not None and not (isinstance(classes, Tensor) and classes.dtype == tf.string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        self._scores, self._classes = scores, classes

    @property
    def scores(self) -> Any:
        """The scores."""
        return self._scores

    @property
    def classes(self) -> Any:
        """The classes."""
        return self._classes

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        """The signature with these inputs. Raises ValueError: not one string tensor."""
        examples = _one_text("Classification", receiver_tensors)
        return signatures.classification_signature_def(examples, self.classes, self.scores)


@export("estimator.export.RegressionOutput")
class RegressionOutput(ExportOutput):
    """A number. Raises ValueError: no floating-point tensor. Source: TF 1.15 `tf.estimator.export.RegressionOutput`."""

    def __init__(self, value: Any):
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self._value = value

    @property
    def value(self) -> Any:
        """The number."""
        return self._value

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        """The signature with these inputs. Raises ValueError: not one string tensor."""
        return signatures.regression_signature_def(_one_text("Regression", receiver_tensors), self.value)


@export("estimator.export.PredictOutput")
class PredictOutput(ExportOutput):
    """Tensors by name. Raises ValueError: not tensors by strings. Source: TF 1.15 `tf.estimator.export.PredictOutput`."""

    def __init__(self, outputs: Any):
        self._outputs = _outputs(outputs, "output", "Prediction")

    @property
    def outputs(self) -> dict[str, Any]:
        """The tensors."""
        return self._outputs

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        """The signature with these inputs."""
        return signatures.predict_signature_def(receiver_tensors, self.outputs)


class _SupervisedOutput(ExportOutput):
    """Loss, predictions and metrics."""

    LOSS_NAME, PREDICTIONS_NAME, METRICS_NAME = "loss", "predictions", "metrics"
    METRIC_VALUE_SUFFIX, METRIC_UPDATE_SUFFIX = "value", "update_op"

    def __init__(self, loss: Any = None, predictions: Any = None, metrics: Any = None):
        self.loss = None if loss is None else _prefixed(_outputs(loss, "loss"), "loss")
        self.predictions = (
            None if predictions is None else _prefixed(_outputs(predictions, "predictions"), "predictions")
        )
        self.metrics = None if metrics is None else _metric_outputs(metrics)

    def _get_signature_def_fn(self) -> Any:
        raise NotImplementedError

    def as_signature_def(self, receiver_tensors: Any) -> Any:
        """The signature with these inputs."""
        make = self._get_signature_def_fn()
        return make(receiver_tensors, self.loss, self.predictions, self.metrics)


def _prefixed(outputs: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {k if k.startswith(prefix) else f"{prefix}/{k}": v for k, v in outputs.items()}


def _metric_outputs(metrics: Any) -> dict[str, Any]:
    given = metrics if isinstance(metrics, dict) else {"metrics": metrics}
    named = {"/".join(key) if isinstance(key, tuple) else key: pair for key, pair in given.items()}
    found = {}
    for key, pair in _prefixed(named, "metrics").items():
        value, update = pair if isinstance(pair, tuple) else (pair.result(), pair.updates[0])
        if not isinstance(value, Tensor):
            raise ValueError(f"{key} output value must be a Tensor; got {value}.")
        if not isinstance(update, (Tensor, Operation)):
            raise ValueError(f"{key} update_op must be a Tensor or Operation; got {update}.")
        if isinstance(update, Operation):
            with tf.control_dependencies([update]):
                update = tf.constant([], name="metric_op_wrapper")
        found[f"{key}/value"], found[f"{key}/update_op"] = value, update
    return found


class TrainOutput(_SupervisedOutput):
    """What training gives."""

    def _get_signature_def_fn(self) -> Any:
        return signatures.supervised_train_signature_def


class EvalOutput(_SupervisedOutput):
    """What evaluation gives."""

    def _get_signature_def_fn(self) -> Any:
        return signatures.supervised_eval_signature_def


def get_export_outputs(export_outputs: Any, predictions: Any) -> dict[str, Any]:
    """The outputs by signature, the default one among them. Raises TypeError, ValueError: no such, or none is the default."""
    if export_outputs is None:
        export_outputs = {DEFAULT_SERVING_KEY: PredictOutput(predictions)}
    if not isinstance(export_outputs, dict):
        raise TypeError(f"export_outputs must be dict, given: {export_outputs}")
    if not all(isinstance(v, ExportOutput) for v in export_outputs.values()):
        raise TypeError(f"Values in export_outputs must be ExportOutput objects. Given: {export_outputs}")
    if len(export_outputs) == 1:
        export_outputs.setdefault(DEFAULT_SERVING_KEY, next(iter(export_outputs.values())))
    elif DEFAULT_SERVING_KEY not in export_outputs:
        raise ValueError(
            "Multiple export_outputs were provided, but none of them is specified as the default.  Do this by naming one of them "
            "with signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY."
        )
    return export_outputs


def outputs_for_mode(mode: str, spec: Any) -> dict[str, Any]:
    """The outputs by signature that a mode exports."""
    if mode == "infer":
        return get_export_outputs(spec.export_outputs, spec.predictions)
    kind = TrainOutput if mode == "train" else EvalOutput
    return {_SIGNATURE_KEYS[mode]: kind(spec.loss, spec.predictions, spec.eval_metric_ops)}


def _signatures(outputs: dict[str, Any], tensors: Any, prefix: str, left_out: dict[str, str]) -> dict[str, Any]:
    found = {}
    for key, output in outputs.items():
        name = f"{prefix}{key or 'None'}"
        try:
            found[name] = output.as_signature_def(tensors)
        except ValueError as error:
            left_out[name] = str(error)
    return found


def build_all_signature_defs(receiver: Any, outputs: dict[str, Any], serving_only: bool) -> dict[str, Any]:
    """The signatures of all outputs with all inputs that fit."""
    left_out: dict[str, str] = {}
    found = _signatures(outputs, receiver.receiver_tensors, "", left_out)
    for name, tensors in (getattr(receiver, "receiver_tensors_alternatives", None) or {}).items():
        found.update(_signatures(outputs, tensors, f"{name or 'None'}:", left_out))
    if left_out:
        logging.info("Signatures EXCLUDED from export because they cannot be be served via TensorFlow Serving APIs:")
        for name, text in left_out.items():
            logging.info("'%s' : %s", name, text)
    if serving_only:
        found = {k: v for k, v in found.items() if signatures.is_valid_signature(v)}
    return found


# ---- folders


def timestamped_export_dir(base: Any) -> bytes:
    """A folder below `base` named by the second. Raises RuntimeError: all of the next seconds are taken."""
    for attempt in range(_ATTEMPTS):
        found = os.path.join(os.fsencode(base), str(int(time.time())).encode())
        if not os.path.exists(found):
            return found
        time.sleep(1)
        logging.warning("Directory %s already exists; retrying (attempt %d/%d)", found, attempt + 1, _ATTEMPTS)
    raise RuntimeError(f"Failed to obtain a unique export directory name after {_ATTEMPTS} attempts.")
