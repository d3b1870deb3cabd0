"""`tf.saved_model.signature_def_utils`: which tensors go into a model and come out of it."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes, errors
from retrograph.framework.exports import export
from retrograph.framework.messages import message_class
from retrograph.framework.operation import Tensor
from retrograph.saved import constants
from retrograph.saved.tensor_info import build_tensor_info, build_tensor_info_from_op, get_element_from_tensor_info

SignatureDef: Any = message_class("tensorflow.SignatureDef")
_STRING, _FLOAT = dtypes.string.as_datatype_enum, dtypes.float32.as_datatype_enum


@export("saved_model.build_signature_def", "saved_model.signature_def_utils.build_signature_def")
def build_signature_def(inputs: Any = None, outputs: Any = None, method_name: str | None = None) -> Any:
    """A SignatureDef of TensorInfos by name.

    Source: TF 1.15 `tf.saved_model.build_signature_def`.
    """
    made = SignatureDef()
    for name, info in (inputs or {}).items():
        made.inputs[name].CopyFrom(info)
    for name, info in (outputs or {}).items():
        made.outputs[name].CopyFrom(info)
    if method_name is not None:
        made.method_name = method_name
    return made


def _infos(tensors: Any) -> dict[str, Any]:
    return {name: build_tensor_info(tensor) for name, tensor in tensors.items()}


def _checked(tensor: Any, dtype: int, text: str) -> Any:
    info = build_tensor_info(tensor)
    if info.dtype != dtype:
        raise ValueError(text)
    return info


def _examples(kind: str, examples: Any) -> Any:
    if examples is None:
        raise ValueError(f"{kind} examples cannot be None.")
    if not isinstance(examples, Tensor):
        raise ValueError(f"{kind} examples must be a string Tensor.")
    return _checked(examples, _STRING, f"{kind} examples must be a string Tensor.")


@export("saved_model.regression_signature_def", "saved_model.signature_def_utils.regression_signature_def")
def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of a regression: serialized examples in, `f32` predictions out.

    Raises: ValueError for tensors of other types. Source: TF 1.15 `tf.saved_model.regression_signature_def`.
    """
    inputs = {constants.REGRESS_INPUTS: _examples("Regression", examples)}
    if predictions is None:
        raise ValueError("Regression predictions cannot be None.")
    found = _checked(predictions, _FLOAT, "Regression output must be a float Tensor.")
    return build_signature_def(inputs, {constants.REGRESS_OUTPUTS: found}, constants.REGRESS_METHOD_NAME)


@export("saved_model.classification_signature_def", "saved_model.signature_def_utils.classification_signature_def")
def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of a classification: serialized examples in, names of classes and `f32` scores out.

    Raises: ValueError for tensors of other types. Source: TF 1.15 `tf.saved_model.classification_signature_def`.
    """
    inputs = {constants.CLASSIFY_INPUTS: _examples("Classification", examples)}
    if classes is None and scores is None:
        raise ValueError("Classification classes and scores cannot both be None.")
    outputs = {}
    if classes is not None:
        text = "Classification classes must be a string Tensor."
        outputs[constants.CLASSIFY_OUTPUT_CLASSES] = _checked(classes, _STRING, text)
    if scores is not None:
        text = "Classification scores must be a float Tensor."
        outputs[constants.CLASSIFY_OUTPUT_SCORES] = _checked(scores, _FLOAT, text)
    return build_signature_def(inputs, outputs, constants.CLASSIFY_METHOD_NAME)


@export("saved_model.predict_signature_def", "saved_model.signature_def_utils.predict_signature_def")
def predict_signature_def(inputs: Any, outputs: Any) -> Any:
    """The signature of a prediction: any tensors in and out, by name.

    Raises: ValueError if there are none. Source: TF 1.15 `tf.saved_model.predict_signature_def`.
    """
    if not inputs:
        raise ValueError("Prediction inputs cannot be None or empty.")
    if not outputs:
        raise ValueError("Prediction outputs cannot be None or empty.")
    return build_signature_def(_infos(inputs), _infos(outputs), constants.PREDICT_METHOD_NAME)


def _supervised(method_name: str, inputs: Any, *outputs: Any) -> Any:
    if not inputs:
        raise ValueError(f"{method_name} inputs cannot be None or empty.")
    found: dict[str, Any] = {}
    for tensors in outputs:
        found |= _infos(tensors or {})
    return build_signature_def(_infos(inputs), found, method_name)


def supervised_train_signature_def(inputs: Any, loss: Any, predictions: Any = None, metrics: Any = None) -> Any:
    """The signature of a training step. Source: TF 1.15 `signature_def_utils.supervised_train_signature_def`."""
    return _supervised(constants.SUPERVISED_TRAIN_METHOD_NAME, inputs, loss, predictions, metrics)


def supervised_eval_signature_def(inputs: Any, loss: Any, predictions: Any = None, metrics: Any = None) -> Any:
    """The signature of an evaluation. Source: TF 1.15 `signature_def_utils.supervised_eval_signature_def`."""
    return _supervised(constants.SUPERVISED_EVAL_METHOD_NAME, inputs, loss, predictions, metrics)


@export("saved_model.is_valid_signature", "saved_model.signature_def_utils.is_valid_signature")
def is_valid_signature(signature_def: Any) -> bool:
    """Whether TensorFlow Serving can serve a signature. Source: TF 1.15 `tf.saved_model.is_valid_signature`."""
    if signature_def is None:
        return False
    inputs = {k: v.dtype for k, v in signature_def.inputs.items()}
    outputs = {k: v.dtype for k, v in signature_def.outputs.items()}
    method = signature_def.method_name
    if method == constants.PREDICT_METHOD_NAME:
        return bool(inputs and outputs)
    if method == constants.REGRESS_METHOD_NAME:
        return inputs == {constants.REGRESS_INPUTS: _STRING} and outputs == {constants.REGRESS_OUTPUTS: _FLOAT}
    wanted = {constants.CLASSIFY_OUTPUT_CLASSES: _STRING, constants.CLASSIFY_OUTPUT_SCORES: _FLOAT}
    fits = bool(outputs) and all(wanted.get(k) == v for k, v in outputs.items())
    return method == constants.CLASSIFY_METHOD_NAME and inputs == {constants.CLASSIFY_INPUTS: _STRING} and fits


def op_signature_def(op: Any, key: str) -> Any:
    """A signature whose one output is an operation. Source: TF 1.15 `signature_def_utils.op_signature_def`."""
    return build_signature_def(outputs={key: build_tensor_info_from_op(op)})


def load_op_from_signature_def(signature_def: Any, key: str, import_scope: str | None = None) -> Any:
    """The operation that a signature names. Raises: NotFoundError if it is not in the default graph."""
    try:
        return get_element_from_tensor_info(signature_def.outputs[key], import_scope=import_scope)
    except KeyError:
        raise errors.NotFoundError(
            None,
            None,
            f"The {key} could not be found in the graph. Please make sure the SavedModel was created by the internal "
            f"_SavedModelBuilder. If you are using the public API, please make sure the SignatureDef in the SavedModel does "
            f'not contain the key "{key}".',
        ) from None
