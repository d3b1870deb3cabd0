"""`tf.keras.utils`: classes as vectors, normalized rows, objects by name; what is not there says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.exports import export
from retrograph.variables import named


@export("keras.utils.to_categorical")
def to_categorical(y: Any, num_classes: Any = None, dtype: str = "float32") -> np.ndarray:
    """Integer classes as rows with one 1.

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)

    Source: TF 1.15 `tf.keras.utils.to_categorical`.
    """
    classes = np.array(y, dtype="int")
    shape = classes.shape[:-1] if classes.ndim > 1 and classes.shape[-1] == 1 else classes.shape
    flat = classes.ravel()
    count = num_classes or (int(np.max(flat)) + 1)
    rows = np.zeros((flat.shape[0], count), dtype=dtype)
    rows[np.arange(flat.shape[0]), flat] = 1
    return rows.reshape((*shape, count))


@export("keras.utils.normalize")
def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """The array with norm 1 along an axis. Source: TF 1.15 `tf.keras.utils.normalize`."""
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    normalized: np.ndarray = x / np.expand_dims(norms, axis)
    return normalized


@export("keras.utils.CustomObjectScope")
class CustomObjectScope:
    """Within the block objects are known by name. Source: TF 1.15 `tf.keras.utils.CustomObjectScope`."""

    def __init__(self, *args: Any):
        self.custom_objects = args
        self.backup: dict[str, Any] = {}

    def __enter__(self) -> CustomObjectScope:
        self.backup = dict(named.CUSTOM)
        for objects in self.custom_objects:
            named.CUSTOM.update(objects)
        return self

    def __exit__(self, *args: Any) -> None:
        named.CUSTOM.clear()
        named.CUSTOM.update(self.backup)


@export("keras.utils.custom_object_scope")
def custom_object_scope(*args: Any) -> CustomObjectScope:
    """Within the block objects are known by name. Source: TF 1.15 `tf.keras.utils.custom_object_scope`."""
    return CustomObjectScope(*args)


@export("keras.utils.get_custom_objects")
def get_custom_objects() -> dict[str, Any]:
    """The objects that are known by name; the dictionary may be changed. Source: TF 1.15 `tf.keras.utils.get_custom_objects`."""
    return named.CUSTOM


@export("keras.utils.serialize_keras_object")
def serialize_keras_object(instance: Any) -> Any:
    """The name (and configuration) of an object. Source: TF 1.15 `tf.keras.utils.serialize_keras_object`."""
    return named.serialize(instance)


@export("keras.utils.deserialize_keras_object")
def deserialize_keras_object(
    identifier: Any, module_objects: Any = None, custom_objects: Any = None, printable_module_name: str = "object"
) -> Any:
    """The object of a name or dictionary; ValueError for an unknown one. Source: TF 1.15 `tf.keras.utils.deserialize_keras_object`."""
    if identifier is None:
        return None
    return named.deserialize(identifier, module_objects or {}, custom_objects, printable_module_name)


@export("keras.utils.get_source_inputs")
def get_source_inputs(tensor: Any, layer: Any = None, node_index: Any = None) -> list[Any]:
    """The inputs that a tensor of Keras goes back to. Source: TF 1.15 `tf.keras.utils.get_source_inputs`."""
    from retrograph.keras.sequential import source_inputs

    return source_inputs(tensor)
