"""Where layers of feature columns keep what columns make: variables and resources, and the features they transformed."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import retrograph as tf
from retrograph.feature_column.column import FeatureColumn, LazyBuilder


class StateManager:
    """Base of what makes and keeps the variables and resources of columns. Source: TF 1.15 `feature_column.StateManager`."""

    def create_variable(
        self,
        feature_column: Any,
        name: str,
        shape: Any,
        dtype: Any = None,
        trainable: bool = True,
        use_resource: bool = True,
        initializer: Any = None,
    ) -> Any:
        """Makes a variable of a column."""
        raise NotImplementedError("StateManager.create_variable")

    def add_variable(self, feature_column: Any, var: Any) -> None:
        """Keeps a variable of a column."""
        raise NotImplementedError("StateManager.add_variable")

    def get_variable(self, feature_column: Any, name: str) -> Any:
        """A variable of a column."""
        raise NotImplementedError("StateManager.get_var")

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keeps a resource of a column."""
        raise NotImplementedError("StateManager.add_resource")

    def get_resource(self, feature_column: Any, name: str) -> Any:
        """A resource of a column."""
        raise NotImplementedError("StateManager.get_resource")


class LayerState(StateManager):
    """Makes the variables of columns as variables of a layer. Raises ValueError: one that is there, or is not there."""

    getter: Any = staticmethod(tf.get_variable)

    def __init__(self, layer: Any, trainable: bool):
        self._layer, self._trainable = layer, trainable
        self._variables: dict[Any, dict[str, Any]] = defaultdict(dict)
        self._resources: dict[Any, dict[str, Any]] = defaultdict(dict)

    def create_variable(
        self,
        feature_column: Any,
        name: str,
        shape: Any,
        dtype: Any = None,
        trainable: bool = True,
        use_resource: bool = True,
        initializer: Any = None,
    ) -> Any:
        """Makes a variable of a column; it is trained if both the layer and it are."""
        if name in self._variables[feature_column]:
            raise ValueError("Variable already exists.")
        made = self._layer.add_variable(
            name=name,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=self._trainable and trainable,
            use_resource=use_resource,
            **({} if self.getter is None else {"getter": self.getter}),
        )
        self._variables[feature_column][name] = made
        return made

    def get_variable(self, feature_column: Any, name: str) -> Any:
        """A variable of a column."""
        if name not in self._variables[feature_column]:
            raise ValueError("Variable does not exist.")
        return self._variables[feature_column][name]

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keeps a resource of a column."""
        self._resources[feature_column][name] = resource

    def get_resource(self, feature_column: Any, name: str) -> Any:
        """A resource of a column."""
        if name not in self._resources[feature_column]:
            raise ValueError("Resource does not exist.")
        return self._resources[feature_column][name]


class LayerStateV2(LayerState):
    """The same, with variables that `tf.get_variable` does not know."""

    getter: Any = None


class FeatureTransformationCache(LazyBuilder):
    """The features and what columns made of them, each once. Source: TF 1.15 `feature_column.FeatureTransformationCache`."""

    def get(self, key: Any, state_manager: Any = None) -> Any:
        """A raw feature by its name, or the transformed feature of a column.

        Raises ValueError: no such feature; TypeError: neither a name nor a column.
        """
        if key in self._made:
            return self._made[key]
        self._made[key] = self._raw(key) if key in self._features else self._of_column(key, state_manager)
        return self._made[key]

    def _of_column(self, key: Any, state_manager: Any) -> Any:
        if isinstance(key, str):
            raise ValueError(f"Feature {key} is not in features dictionary.")
        if not isinstance(key, FeatureColumn):
            raise TypeError(f'"key" must be either a "str" or "FeatureColumn". Provided: {key}')
        made = key.transform_feature(self, state_manager)
        if made is None:
            raise ValueError(f"Column {key.name} is not supported.")
        return made


def transform_features(features: Any, feature_columns: Any) -> dict[Any, Any]:
    """What columns make of features, by column."""
    from retrograph.feature_column.column import normalized

    columns = sorted(normalized(feature_columns), key=lambda column: column.name)
    with tf.name_scope(None, default_name="transform_features", values=features.values()):
        builder = LazyBuilder(features)
        return {column: _in_scope(column, builder.get) for column in columns}


def transform_features_v2(features: Any, feature_columns: Any, state_manager: Any) -> dict[Any, Any]:
    """What columns, with their state, make of features, by column."""
    from retrograph.feature_column.column import normalized

    columns = normalized(feature_columns)
    with tf.name_scope(None, default_name="transform_features", values=features.values()):
        cache = FeatureTransformationCache(features)
        return {column: _in_scope(column, lambda c: cache.get(c, state_manager)) for column in columns}


def _in_scope(column: Any, transform: Any) -> Any:
    with tf.name_scope(None, default_name=column.name):
        return transform(column)
