"""`Layer` of `tf.layers`: a layer of Keras that shares its variables by variable scope."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import retrograph as tf
from retrograph.framework import dtypes
from retrograph.framework.exports import export
from retrograph.framework.structures import SparseTensor
from retrograph.keras import base_layer
from retrograph.keras.input_spec import InputSpec, check_inputs
from retrograph.keras.state import track_variable, unique_object_name
from retrograph.keras.tracking import to_snake_case
from retrograph.variables.initializers import get as as_initializer
from retrograph.variables.store import default_initializer

__all__ = ["InputSpec", "Layer", "add_new", "check_inputs", "to_snake_case"]


_keras_style = False


@export("layers.experimental.keras_style_scope")
@contextmanager
def keras_style_scope() -> Iterator[None]:
    """Layers of `tf.layers` and cells that are made inside keep their variables as those of `tf.keras` do.

    No variable scope shares them, each object makes its own. Source: TF 1.15 `tf.layers.experimental.keras_style_scope`.
    """
    global _keras_style
    before, _keras_style = _keras_style, True
    try:
        yield
    finally:
        _keras_style = before


@export("layers.experimental.set_keras_style")
def set_keras_style() -> None:
    """As `keras_style_scope`, for the rest of the program. Source: TF 1.15 `tf.layers.experimental.set_keras_style`."""
    global _keras_style
    _keras_style = True


def _refused_in_keras_style(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} argument not allowed when keras style layers are enabled, but saw: {value}")


def add_new(elements: list[Any], key: str) -> None:
    """Adds to a collection what is not there yet."""
    collection = tf.get_collection_ref(key)
    known = {id(e) for e in collection}
    collection.extend(e for e in elements if id(e) not in known)


@export("layers.Layer")
class Layer(base_layer.Layer):
    """A layer: `build` makes its variables at the first call, `call` computes.

    Subclasses define `build(input_shape)`, `call(inputs, ...)`, and make variables by `add_weight`. Source: TF 1.15 `tf.layers.Layer`.
    """

    # Some classes do not call the constructor.
    _always_reuse_variable_scope: Any = None
    _scope: Any = None
    _reuse: Any = None
    _use_resource_variables = False
    _keras_style = False

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, **kwargs: Any):
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self._use_resource_variables = False
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        if _keras_style:
            _refused_in_keras_style(scope=scope, reuse=self._reuse)
            self._keras_style = True
        self._scope = None
        self._current_scope: Any = None
        if scope:
            with tf.variable_scope(scope) as captured:
                self._scope = captured

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            object.__setattr__(self, name, value)
        except AttributeError:
            raise AttributeError("can't set attribute") from None

    def _tracks_attributes(self) -> bool:
        """No: layers and cells that a layer of `tf.layers` holds do not count as its own, as in TF."""
        return False

    def _track_part(self, name: str, part: Any) -> None:
        """Makes a variable or layer one that an object-based checkpoint of this layer holds, by that name."""
        self.__dict__.setdefault("_tracked_parts", {})[name] = part

    @property
    def _checkpoint_dependencies(self) -> list[Any]:
        from retrograph.train.tracking import TrackableReference

        return [TrackableReference(name, part) for name, part in self.__dict__.get("_tracked_parts", {}).items()]

    # ---- names and scopes

    def _init_set_name(self, name: Any, zero_based: bool = False) -> None:
        own = to_snake_case(type(self).__name__)
        if not name:
            self._name, self._base_name = unique_object_name(own), own
        elif hasattr(name, "original_name_scope"):
            self._name, self._base_name = unique_object_name(own), name.name
        else:
            self._name = self._base_name = name

    @property
    def scope_name(self) -> str:
        """The name of the variable scope; ValueError before the first call."""
        if not self._scope:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" has not been used yet. The scope name  is determined the first time the layer instance is '
                "called. You must therefore call the layer before querying `scope_name`."
            )
        return self._scope.name  # type: ignore[no-any-return]

    def _name_scope(self) -> Any:
        if self._keras_style:
            return super()._name_scope()
        return self._current_scope.original_name_scope

    def _set_scope(self, scope: Any = None) -> None:
        if self._scope is not None:
            return
        if self._reuse:
            opened = tf.variable_scope(scope if scope is not None else self._base_name)
        else:
            opened = tf.variable_scope(scope, default_name=self._base_name)
        with opened as captured:
            self._scope = captured

    @property
    def graph(self) -> Any:
        """None: layers do not keep their graph. Kept for programs that ask."""
        return None

    # ---- making things

    def add_weight(  # type: ignore[override]
        self, name: str, shape: Any, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: Any = None, constraint: Any = None, use_resource: Any = None,
        synchronization: Any = None, aggregation: Any = None, partitioner: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Makes (or shares) a variable in the layer's scope.

        Raises ValueError: trainable with ON_READ synchronization. Source: TF 1.15 `tf.layers.Layer.add_weight`.
        """
        allowed = ("experimental_autocast", "getter", "collections", "caching_device")
        base_layer.check_keywords(kwargs, allowed, "Unknown keyword argument:")
        if self._keras_style:
            return super().add_weight(
                name, shape, dtype, initializer, regularizer, trainable and self.trainable, constraint, partitioner, use_resource,
            )  # fmt: skip
        synchronization = tf.VariableSynchronization.AUTO if synchronization is None else synchronization
        aggregation = tf.VariableAggregation.NONE if aggregation is None else aggregation
        trainable = base_layer.checked_trainable(trainable, synchronization) and self.trainable
        existing = set(tf.global_variables()) if regularizer else set()
        dtype = dtypes.as_dtype(dtype or self._dtype or tf.float32)
        self._set_scope(None)
        with self._weight_scope() as scope:
            initializer = scope.initializer if initializer is None else initializer
            variable = tf.get_variable(
                name, shape=list(shape) if isinstance(shape, (list, tuple)) else shape, dtype=dtype, initializer=self._checked_initializer(initializer, dtype, name), trainable=trainable,
                constraint=constraint, partitioner=partitioner, use_resource=use_resource or self._use_resource_variables or scope.use_resource, synchronization=synchronization,
                aggregation=aggregation,
            )  # fmt: skip
            if regularizer and not any(v in existing for v in _parts(variable)):
                self._handle_weight_regularization(name, variable, regularizer)
        track_variable(variable)
        if isinstance(variable, tf.Variable):
            self._track_part(name, variable)
        trained = bool(trainable and _is_trained(variable))
        (self._trainable_weights if trained else self._non_trainable_weights).append(variable)
        return variable

    def _checked_initializer(self, initializer: Any, dtype: Any, name: str) -> Any:
        if initializer is None and not (dtype.is_floating or dtype.is_integer or dtype.is_unsigned or dtype.is_bool):
            raise ValueError(
                f"An initializer for variable {name} of type {dtype.base_dtype} is required for layer {self.name}"
            )
        return default_initializer(name, dtype) if initializer is None else as_initializer(initializer)

    @contextmanager
    def _weight_scope(self) -> Iterator[Any]:
        with tf.variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with tf.name_scope(self._name_scope()):
                yield scope

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses, also to the collection of regularization losses."""
        known, made = len(self._losses), len(self._callable_losses)
        super().add_loss(losses, inputs=inputs)
        found = [loss() for loss in self._callable_losses[made:]]
        new = self._losses[known:] + [loss for loss in found if loss is not None]
        add_new(new, tf.GraphKeys.REGULARIZATION_LOSSES)

    # ---- calling

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs for `inputs`; the first call makes the variables. `scope` may name the variable scope."""
        named = kwargs.pop("scope", None)
        if self._keras_style:
            _refused_in_keras_style(scope=named)
            return super().__call__(inputs, *args, **kwargs)
        self._set_scope(named)
        if self.built:
            if self._always_reuse_variable_scope is None:
                self._always_reuse_variable_scope = tf.variable_scope(
                    self._scope, reuse=True, auxiliary_name_scope=False
                )
            opened = self._always_reuse_variable_scope
        else:
            opened = tf.variable_scope(self._scope, reuse=self._reuse, auxiliary_name_scope=False)
        with opened as scope:
            self._current_scope = scope
            if "scope" in self._call_fn_args:
                kwargs["scope"] = scope
            outputs = super().__call__(inputs, *args, **kwargs)
        add_new(self.updates, tf.GraphKeys.UPDATE_OPS)
        return outputs

    def __deepcopy__(self, memo: dict[int, Any]) -> Layer:
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        for key, value in self.__dict__.items():
            object.__setattr__(result, key, _copied(key, value, memo))
        return result


def _copied(key: str, value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, (tf.Tensor, SparseTensor)):
        return value
    if key in ("_scope", "_always_reuse_variable_scope"):
        return copy.copy(value)
    return copy.deepcopy(value, memo)


def _parts(variable: Any) -> list[Any]:
    return list(variable) if type(variable).__name__ == "PartitionedVariable" else [variable]


def _is_trained(variable: Any) -> bool:
    """Whether the collection has it: never so for a variable in parts, as in TF 1.15."""
    return any(v is variable for v in reversed(tf.trainable_variables()))  # the newest is the last
