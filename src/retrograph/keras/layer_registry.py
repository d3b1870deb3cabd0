"""Layers by name and configuration."""

from __future__ import annotations

import inspect
from typing import Any

import retrograph as tf
from retrograph._namespace import names_in
from retrograph.framework.exports import export
from retrograph.variables import named


def known_layers() -> dict[str, Any]:
    """The classes of layers and models by name."""
    found = {name: getattr(tf.keras.layers, name) for name in names_in("keras.layers") if name[:1].isupper()}
    return {**found, "Model": tf.keras.Model, "Sequential": tf.keras.Sequential}


@export("keras.layers.serialize")
def serialize(layer: Any) -> Any:
    """The class and configuration of a layer. Source: TF 1.15 `tf.keras.layers.serialize`."""
    return named.serialize(layer)


@export("keras.layers.deserialize")
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The layer of a class and configuration; ValueError for an unknown class. Source: TF 1.15 `tf.keras.layers.deserialize`."""
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ValueError(f"Improper config format: {config}")
    classes = {**named.CUSTOM, **(custom_objects or {})}
    cls = classes.get(config["class_name"]) or known_layers().get(config["class_name"])
    if cls is None:
        raise ValueError(f"Unknown layer: {config['class_name']}")
    if "custom_objects" in inspect.getfullargspec(cls.from_config).args:
        return cls.from_config(config["config"], custom_objects=classes)
    return cls.from_config(config["config"])
