"""`tensorflow.python.util.serialization`: objects as what JSON can hold."""

from __future__ import annotations

from collections import abc
from typing import Any

import numpy as np

from retrograph.framework.shape import Dimension, TensorShape


def get_json_type(obj: Any) -> Any:
    """What JSON can hold of an object: configurations, numbers, names, shapes.

    Raises TypeError: another object. Source: TF 1.15 `tensorflow.python.util.serialization.get_json_type`.
    """
    if hasattr(obj, "get_config"):
        return {"class_name": type(obj).__name__, "config": obj.get_config()}
    if type(obj).__module__ == np.__name__:
        return obj.tolist() if isinstance(obj, np.ndarray) else obj.item()
    if callable(obj):
        return obj.__name__
    if isinstance(obj, Dimension):
        return obj.value
    if isinstance(obj, TensorShape):
        return obj.as_list()
    if isinstance(obj, abc.Mapping):
        return dict(obj)
    raise TypeError("Not JSON Serializable:", obj)
