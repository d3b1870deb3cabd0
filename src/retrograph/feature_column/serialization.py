"""Feature columns as dictionaries that can be written down, and back. Source: TF 1.15 `feature_column.serialization`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.feature_column.column import FeatureColumn


def _keras(value: Any) -> Any:
    return tf.keras.utils.serialize_keras_object(value)


def _from_keras(value: Any, custom: Any, by_name: Any) -> Any:
    return None if value is None else tf.keras.utils.deserialize_keras_object(value, custom_objects=custom)


def _initializer(value: Any, custom: Any, by_name: Any) -> Any:
    return tf.keras.initializers.deserialize(value, custom_objects=custom)


def serialize_feature_column(fc: Any) -> Any:
    """`{"class_name": ..., "config": ...}` of a column; a text stays as it is. Raises ValueError for anything else."""
    if isinstance(fc, str):
        return fc
    if not isinstance(fc, FeatureColumn):
        raise ValueError(f"Instance: {fc} is not a FeatureColumn")
    return {"class_name": type(fc).__name__, "config": fc._get_config()}


def _classes() -> dict[str, Any]:
    from retrograph.feature_column import categorical, dense, sequences

    return {
        name: value
        for module in (categorical, dense, sequences)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, FeatureColumn) and hasattr(value, "_fields")
    }


def deserialize_feature_column(
    config: Any, custom_objects: dict[str, Any] | None = None, columns_by_name: dict[str, Any] | None = None
) -> Any:
    """The column of a dictionary; of columns with the same class and name the first one in `columns_by_name`.

    Raises ValueError: no such class, a class of something else, or a dictionary of another form.
    """
    if isinstance(config, str):
        return config
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ValueError(f"Improper config format: {config}")
    name = config["class_name"]
    cls = (custom_objects or {}).get(name) or tf.keras.utils.get_custom_objects().get(name) or _classes().get(name)
    if cls is None:
        raise ValueError(f"Unknown feature_column_v2: {name}")
    if not issubclass(cls, FeatureColumn):
        raise ValueError(f"Expected FeatureColumn class, instead found: {cls}")
    by_name: dict[str, Any] = {} if columns_by_name is None else columns_by_name
    made = cls._from_config(config["config"], custom_objects=custom_objects, columns_by_name=by_name)
    return by_name.setdefault(column_name_with_class_name(made), made)


def column_name_with_class_name(column: Any) -> str:
    """What tells columns apart: two may have one name if one wraps the other."""
    return f"{type(column).__name__}:{column.name}"


def serialize_feature_columns(feature_columns: Any) -> list[Any]:
    """`serialize_feature_column` of each."""
    return [serialize_feature_column(column) for column in feature_columns]


def deserialize_feature_columns(configs: Any, custom_objects: dict[str, Any] | None = None) -> list[Any]:
    """The columns of dictionaries; what they share is made once."""
    by_name: dict[str, Any] = {}
    return [deserialize_feature_column(config, custom_objects, by_name) for config in configs]


def _keys(values: Any, custom: Any, by_name: Any) -> Any:
    return tuple(deserialize_feature_column(value, custom, by_name) for value in values)


_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "categorical_column": serialize_feature_column,
    "dtype": lambda dtype: dtype.name,
    "initializer": _keras,
    "keys": lambda keys: tuple(map(serialize_feature_column, keys)),
    "normalizer_fn": _keras,
    "source_column": serialize_feature_column,
}
_READ: dict[str, Callable[[Any, Any, Any], Any]] = {
    "categorical_column": deserialize_feature_column,
    "dtype": lambda name, custom, by_name: tf.as_dtype(name),
    "initializer": _initializer,
    "keys": _keys,
    "normalizer_fn": _from_keras,
    "source_column": deserialize_feature_column,
}


def config_of(column: Any) -> dict[str, Any]:
    """The fields of a column as plain values."""
    return {
        name: _WRITTEN[name](value) if name in _WRITTEN else value
        for name, value in zip(column._fields, column, strict=True)
    }


def from_config(cls: Any, config: dict[str, Any], custom_objects: Any, columns_by_name: Any) -> Any:
    """The column of `config_of`. Raises ValueError unless the fields are those of the class."""
    if set(config) != set(cls._fields):
        raise ValueError(f"Invalid config: {config}, expected keys: {cls._fields}")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    read = {n: _READ[n](value, custom_objects, columns_by_name) if n in _READ else value for n, value in values.items()}
    return cls(**read)
