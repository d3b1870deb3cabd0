"""How a layer knows the layers and variables that are assigned to its attributes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import retrograph as tf

_PLAIN = (str, int, float, bool, type(None), tf.Tensor)


@functools.cache
def to_snake_case(name: str) -> str:
    """`MaxPooling2D` as `max_pooling2d`."""
    words = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
    return snake if snake[0] != "_" else "private" + snake


def gathered(items: Any) -> list[Any]:
    """The layers in a structure of lists and dictionaries, each once."""
    found: dict[int, Any] = {}
    for layer in _flattened(items):
        found.setdefault(id(layer), layer)
    return list(found.values())


def _flattened(items: Any) -> Iterator[Any]:
    for item in items.values() if isinstance(items, (dict, Mapping)) else items:
        if isinstance(item, Tracked):
            yield item
        elif _is_structure(item):
            yield from _flattened(item)


def _is_structure(value: Any) -> bool:
    return isinstance(value, (list, dict)) or hasattr(type(value), "_is_structure")


class Tracked:
    """An object whose attributes that are layers or variables are its own layers and weights.

    What is appended to a list after it was assigned counts too.
    """

    _layers: list[Any]
    _trainable_weights: list[Any]
    _non_trainable_weights: list[Any]

    def _tracks_attributes(self) -> bool:
        return True

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, _PLAIN) and not hasattr(type(self), name) and self._tracks_attributes():
            value = self._as_held(name, value)
            self._forget(name)
            if self.__dict__.get("_self_setattr_tracking", True):
                self._track(value)
        try:
            object.__setattr__(self, name, value)
        except AttributeError:
            raise AttributeError(
                f'Can\'t set the attribute "{name}", likely because it conflicts with an existing read-only @property of the object. Please choose a different name.'
            )

    def __delattr__(self, name: str) -> None:
        self._forget(name)
        object.__delattr__(self, name)

    def _as_held(self, name: str, value: Any) -> Any:
        """Lists and dictionaries as those that a checkpoint can follow; what a `NoDependency` holds."""
        from retrograph.train.data_structures import NoDependency, wrapped

        tracking = self.__dict__.get("_self_setattr_tracking", True)
        if isinstance(value, NoDependency) or not tracking:
            self.__dict__.setdefault("_untracked_names", set()).add(name)
        return value if name.startswith("_") or not tracking else wrapped(value)

    def _forget(self, name: str) -> None:
        """Takes out what only this attribute held."""
        old = self.__dict__.get(name)
        if old is None or sum(1 for v in self.__dict__.values() if v is old) > 1:
            return
        if isinstance(old, Tracked) or _is_structure(old):
            self._drop("_layers", old)
        elif isinstance(old, tf.Variable):
            self._drop("_trainable_weights", old)
            self._drop("_non_trainable_weights", old)

    def _drop(self, where: str, value: Any) -> None:
        held = self.__dict__.get(where)
        if held is not None and held is not value:
            object.__setattr__(self, where, [item for item in held if item is not value])

    def _list(self, name: str) -> list[Any]:
        return self.__dict__.setdefault(name, [])  # type: ignore[no-any-return]

    def _track(self, value: Any) -> None:
        if isinstance(value, Tracked) or _is_structure(value):
            layers = self._list("_layers")
            if not any(layer is value for layer in layers):
                layers.append(value)
                if hasattr(value, "_use_resource_variables"):
                    value._use_resource_variables = True
        for variable in _variables_in(value):
            self._track_variable(variable)

    def _track_variable(self, variable: Any) -> None:
        from retrograph.keras.state import track_variable

        trained, others = self._list("_trainable_weights"), self._list("_non_trainable_weights")
        mine = trained if variable.trainable else others
        if not any(v is variable for v in (*trained, *others)):
            mine.append(variable)
            track_variable(variable)


def _variables_in(value: Any) -> Iterator[Any]:
    if isinstance(value, tf.Variable):
        if type(value).__name__ != "UnreadVariable":
            yield value
    elif isinstance(value, tuple) or _is_structure(value):
        for item in value.values() if isinstance(value, (dict, Mapping)) else value:
            yield from _variables_in(item)
