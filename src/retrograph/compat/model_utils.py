"""`tensorflow.python.saved_model.model_utils`: modes of models, and their signatures, by the names of its modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from retrograph.estimator import exporting

_TRAIN, _EVAL, _PREDICT = ("train",), ("test", "eval"), ("predict", "infer")


class KerasModeKeys:
    """The names that `tf.keras` has for modes."""

    TRAIN, TEST, PREDICT = "train", "test", "predict"


class EstimatorModeKeys:
    """The names that estimators have for modes."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


def is_train(mode: str) -> bool:
    """Whether a mode is training."""
    return mode in _TRAIN


def is_eval(mode: str) -> bool:
    """Whether a mode is evaluation."""
    return mode in _EVAL


def is_predict(mode: str) -> bool:
    """Whether a mode is prediction."""
    return mode in _PREDICT


def _mode(key: str) -> str:
    found = next((names[0] for names in (_TRAIN, _EVAL, _PREDICT) if key in names), None)
    if found is None:
        raise ValueError(f"Invalid mode key: {key}.")
    return found


class ModeKeyMap(Mapping[str, Any]):
    """Values by mode, whatever names the modes have. Raises ValueError: no mode, or two values for one."""

    def __init__(self, **values: Any):
        self._values: dict[str, Any] = {}
        self._keys = list(values)
        for key, value in values.items():
            if _mode(key) in self._values:
                raise ValueError(f"Error creating ModeKeyMap. Multiple keys/values found for {_mode(key)} mode.")
            self._values[_mode(key)] = value

    def __getitem__(self, key: str) -> Any:
        return self._values[_mode(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


EXPORT_TAG_MAP = ModeKeyMap(train=["train"], test=["eval"], predict=["serve"])
SIGNATURE_KEY_MAP = ModeKeyMap(train="train", test="eval", predict=exporting.DEFAULT_SERVING_KEY)


def _by_name(tensors: Any) -> dict[str, Any]:
    return tensors if isinstance(tensors, dict) else {exporting.SINGLE_RECEIVER: tensors}


def build_all_signature_defs(
    receiver_tensors: Any, export_outputs: Any, receiver_tensors_alternatives: Any = None, serving_only: bool = True
) -> dict[str, Any]:
    """The signatures of all outputs with all inputs that fit. Raises ValueError: outputs that are no dictionary."""
    if not isinstance(export_outputs, dict):
        raise ValueError(f"export_outputs must be a dict and not{type(export_outputs)}")
    others = {name: _by_name(tensors) for name, tensors in (receiver_tensors_alternatives or {}).items()}
    receiver = SimpleNamespace(receiver_tensors=_by_name(receiver_tensors), receiver_tensors_alternatives=others)
    return exporting.build_all_signature_defs(receiver, export_outputs, serving_only)


def export_outputs_for_mode(
    mode: str, serving_export_outputs: Any = None, predictions: Any = None, loss: Any = None, metrics: Any = None
) -> dict[str, Any]:
    """The outputs by signature that a mode exports. Raises ValueError: no mode."""
    key = SIGNATURE_KEY_MAP[mode]
    if is_predict(mode):
        return exporting.get_export_outputs(serving_export_outputs, predictions)
    kind = exporting.TrainOutput if is_train(mode) else exporting.EvalOutput
    return {key: kind(loss=loss, predictions=predictions, metrics=metrics)}


get_timestamped_export_dir = exporting.timestamped_export_dir
get_export_outputs = exporting.get_export_outputs
