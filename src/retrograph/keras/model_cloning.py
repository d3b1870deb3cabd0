"""Models from configurations, and copies of models."""

from __future__ import annotations

import json
from typing import Any

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.keras.layer_registry import deserialize
from retrograph.keras.model import Model


@export("keras.models.model_from_config")
def model_from_config(config: Any, custom_objects: Any = None) -> Any:
    """A model from its class and configuration. Raises TypeError: a list. Source: TF 1.15 `tf.keras.models.model_from_config`."""
    if isinstance(config, list):
        raise TypeError(
            "`model_from_config` expects a dictionary, not a list. Maybe you meant to use `Sequential.from_config(config)`?"
        )
    return deserialize(config, custom_objects=custom_objects)


@export("keras.models.model_from_json")
def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """A model from `to_json`. Source: TF 1.15 `tf.keras.models.model_from_json`."""
    return deserialize(json.loads(json_string), custom_objects=custom_objects)


@export("keras.models.clone_model")
def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None) -> Any:
    """A model of the same layers with weights of its own.

    Raises ValueError: no model, or a subclass. Source: TF 1.15 `tf.keras.models.clone_model`.
    """
    if not isinstance(model, Model):
        raise ValueError("Expected `model` argument to be a `Model` instance, got ", model)
    if not model._is_graph_network and type(model).__name__ != "Sequential":
        raise ValueError(
            "Expected `model` argument to be a functional `Model` instance, but got a subclass model instead."
        )
    if input_tensors is not None or clone_function is not None:
        raise errors.UnimplementedError(
            None, None, "keras.models.clone_model: `input_tensors` and `clone_function` are not implemented"
        )
    return type(model).from_config(model.get_config())
