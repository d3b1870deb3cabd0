"""`tf.contrib.estimator`: model functions on several devices, of which there is one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.estimator import exporting
from retrograph.estimator.model import _parsed, function_args
from retrograph.estimator.spec import EstimatorSpec, ModeKeys
from retrograph.framework import errors
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.losses.losses_impl import Reduction
from retrograph.train.optimizer import Optimizer

_HOME = "tensorflow_estimator.contrib.estimator.python.estimator."
_INSTEAD = "Please use `tf.contrib.distribute.MirroredStrategy` instead."


@export("contrib.estimator.replicate_model_fn")
@deprecated(_INSTEAD, _HOME + "replicate_model_fn", date="2018-05-31")
def replicate_model_fn(
    model_fn: Any, loss_reduction: Any = Reduction.SUM_BY_NONZERO_WEIGHTS, devices: Any = None
) -> Callable[..., EstimatorSpec]:
    """A model function for the one device there is.

    Raises ValueError: no reduction. UnimplementedError: more than one device.
    Source: TF 1.15 `tf.contrib.estimator.replicate_model_fn`.
    """
    if loss_reduction == Reduction.NONE:
        raise ValueError(f"Tower losses need to be reduced in some way, yet {loss_reduction} reduction is specified.")
    if devices and len(devices) > 1:
        raise errors.UnimplementedError(
            None, None, f"replicate_model_fn on {len(devices)} devices is not supported: a model runs on one"
        )
    wanted = function_args(model_fn)

    def single_device_model_fn(
        features: Any, labels: Any, mode: Any, params: Any = None, config: Any = None
    ) -> EstimatorSpec:
        given = {"params": copy.deepcopy(params), "config": copy.deepcopy(config)}
        more = {k: v for k, v in given.items() if k in wanted}
        with tf.variable_scope("", reuse=False), tf.name_scope(""):
            return model_fn(mode=mode, features=features, labels=labels, **more)  # type: ignore[no-any-return]

    return single_device_model_fn


@export("contrib.estimator.TowerOptimizer")
class TowerOptimizer(Optimizer):
    """Another optimizer, or the one that a function gives, for the one device there is.

    Source: TF 1.15 `tf.contrib.estimator.TowerOptimizer`.
    """

    @deprecated(_INSTEAD, _HOME + "replicate_model_fn", date="2018-05-31")
    def __init__(self, optimizer_or_optimizer_fn: Any):
        self._given = optimizer_or_optimizer_fn

    def _own(self) -> Any:
        if callable(self._given):
            self._given = self._given()
        return self._given

    def compute_gradients(self, loss: Any, *args: Any, **kwargs: Any) -> Any:
        """The gradients of the other optimizer."""
        return self._own().compute_gradients(loss, *args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Applies them."""
        return self._own().apply_gradients(grads_and_vars, global_step, *args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """A slot of the other optimizer."""
        return self._own().get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        """The slots of the other optimizer."""
        return self._own().get_slot_names(*args, **kwargs)

    def get_name(self, *args: Any, **kwargs: Any) -> Any:
        """The name of the other optimizer."""
        return self._own().get_name(*args, **kwargs)

    def variables(self, *args: Any, **kwargs: Any) -> Any:
        """The variables of the other optimizer."""
        return self._own().variables(*args, **kwargs)


# ---- exports


@export("contrib.estimator.export_saved_model_for_mode")
@deprecated("Use estimator.export_saved_model(*args, experimental_mode=...)", _HOME + "export", date="2018-12-03")
def export_saved_model_for_mode(
    estimator: Any, export_dir_base: Any, input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False,
    checkpoint_path: Any = None, mode: Any = ModeKeys.PREDICT,
) -> Any:  # fmt: skip
    """Writes a SavedModel of one mode. Source: TF 1.15 `tf.contrib.estimator.export_saved_model_for_mode`."""
    return estimator.export_saved_model(
        export_dir_base, input_receiver_fn, assets_extra=assets_extra, as_text=as_text,
        checkpoint_path=checkpoint_path, experimental_mode=mode,
    )  # fmt: skip


@export("contrib.estimator.export_all_saved_models")
@deprecated("Use estimator.experimental_export_all_saved_models", _HOME + "export", date="2018-12-03")
def export_all_saved_models(
    estimator: Any, export_dir_base: Any, input_receiver_fn_map: Any, assets_extra: Any = None, as_text: bool = False,
    checkpoint_path: Any = None,
) -> Any:  # fmt: skip
    """Writes a SavedModel of several modes. Source: TF 1.15 `tf.contrib.estimator.export_all_saved_models`."""
    return estimator.experimental_export_all_saved_models(
        export_dir_base, input_receiver_fn_map, assets_extra=assets_extra, as_text=as_text,
        checkpoint_path=checkpoint_path,
    )  # fmt: skip


def _fed(tensors: Any, batch: Any) -> Any:
    if isinstance(tensors, dict):
        return {name: exporting._placeholder_like(t, batch) for name, t in tensors.items()}
    return exporting._placeholder_like(tensors, batch)


def _named(tensors: Any, name: str) -> dict[str, Any]:
    return tensors if isinstance(tensors, dict) else {name: tensors}


@export(
    "estimator.experimental.build_raw_supervised_input_receiver_fn",
    "contrib.estimator.build_raw_supervised_input_receiver_fn",
)
def build_raw_supervised_input_receiver_fn(
    features: Any, labels: Any, default_batch_size: Any = None
) -> Callable[[], Any]:
    """A function that makes placeholders for features and labels. Raises ValueError: a name twice.

    Source: TF 1.15 `tf.estimator.experimental.build_raw_supervised_input_receiver_fn`.
    """
    both = set(_named(features, "input")) & set(_named(labels, "label"))
    if both:
        raise ValueError(f"Features and labels must have distinct keys. Found overlapping keys: {both}")

    def supervised_input_receiver_fn() -> Any:
        own = [_fed(tensors, default_batch_size) for tensors in (features, labels)]
        receivers = {**_named(own[0], "input"), **_named(own[1], "label")}
        return exporting.SupervisedInputReceiver(own[0], own[1], receivers)

    return supervised_input_receiver_fn


@export("contrib.estimator.build_supervised_input_receiver_fn_from_input_fn")
def build_supervised_input_receiver_fn_from_input_fn(input_fn: Any, **input_fn_args: Any) -> Callable[[], Any]:
    """As `build_raw_supervised_input_receiver_fn`, for what an input function gives.

    Source: TF 1.15 `tf.contrib.estimator.build_supervised_input_receiver_fn_from_input_fn`.
    """
    with tf.Graph().as_default():
        features, labels, _ = _parsed(input_fn(**input_fn_args))
    return build_raw_supervised_input_receiver_fn(features, labels)
