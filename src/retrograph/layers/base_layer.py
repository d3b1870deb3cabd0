"""`Layer`: an object that makes its variables at its first call and owns them by scope, and `InputSpec`."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import dtypes, nest
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph, get_default_graph
from retrograph.variables.initializers import get as as_initializer


@export("layers.InputSpec", "keras.layers.InputSpec")
class InputSpec:
    """What a layer asks of an input: rank, axes, dtype. Source: TF 1.15 `tf.layers.InputSpec`."""

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Any = None,
    ):
        self.dtype = tf.as_dtype(dtype).name if dtype is not None else None
        self.shape = shape
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        try:
            self.axes = {int(k): axes[k] for k in axes or {}}
        except (ValueError, TypeError):
            raise TypeError("The keys in axes must be integers.") from None

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{n}={getattr(self, n)}' for n in names if getattr(self, n))})"


def check_inputs(spec: Any, inputs: Any, layer_name: str) -> None:
    """Raises ValueError for inputs that do not fit the spec, in TF's words."""
    if not spec:
        return
    given, specs = nest.flatten(inputs), nest.flatten(spec)
    if len(given) != len(specs):
        raise ValueError(
            f"Layer {layer_name} expects {len(specs)} inputs, but it received {len(given)} input tensors. Inputs received: {given}"
        )
    for index, (value, one) in enumerate(zip(given, specs, strict=True)):
        if one is not None:
            _check_input(one, value, f"Input {index} of layer {layer_name} is incompatible with the layer: ")


def _check_input(spec: InputSpec, value: Any, prefix: str) -> None:
    shape = value.shape
    if shape.ndims is None and (spec.ndim is not None or spec.min_ndim is not None or spec.max_ndim is not None):
        raise ValueError(f"{prefix}its rank is undefined, but the layer requires a defined rank.")
    full = f" Full shape received: {shape.as_list()}" if shape.ndims is not None else ""
    if spec.ndim is not None and shape.ndims != spec.ndim:
        raise ValueError(f"{prefix}expected ndim={spec.ndim}, found ndim={shape.ndims}.{full}")
    if spec.max_ndim is not None and shape.ndims > spec.max_ndim:
        raise ValueError(f"{prefix}: expected max_ndim={spec.max_ndim}, found ndim={shape.ndims}")
    if spec.min_ndim is not None and shape.ndims < spec.min_ndim:
        raise ValueError(f"{prefix}: expected min_ndim={spec.min_ndim}, found ndim={shape.ndims}.{full}")
    if spec.dtype is not None and value.dtype != spec.dtype:
        raise ValueError(f"{prefix}: expected dtype={spec.dtype}, found dtype={value.dtype}")
    _check_axes(spec, shape, prefix)


def _check_axes(spec: InputSpec, shape: Any, prefix: str) -> None:
    for axis, size in spec.axes.items():
        wanted = size.value if hasattr(size, "value") else size
        if wanted is not None and shape.as_list()[int(axis)] not in (wanted, None):
            raise ValueError(
                f"{prefix}expected axis {axis} of input shape to have value {wanted} but received input with shape {shape.as_list()}"
            )
    if spec.shape is not None:
        for wanted, got in zip(spec.shape, shape.as_list(), strict=False):
            if wanted is not None and got is not None and wanted != got:
                raise ValueError(f"{prefix}expected shape={spec.shape}, found shape={shape.as_list()}")


def to_snake_case(name: str) -> str:
    """`MaxPooling2D` as `max_pooling2d`."""
    words = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
    return snake if snake[0] != "_" else "private" + snake


def _numbered(graph: Graph, base: str) -> str:
    """The base with a number that counts the layers of that kind in a graph."""
    counts: dict[str, int] = graph.__dict__.setdefault("_layer_counts", {})
    counts[base] = counts.get(base, 0) + 1
    return f"{base}_{counts[base]}"


def add_new(elements: list[Any], key: str) -> None:
    """Adds to a collection what is not there yet."""
    collection = tf.get_collection_ref(key)
    known = {id(e) for e in collection}
    collection.extend(e for e in elements if id(e) not in known)


@export("layers.Layer")
class Layer:
    """A layer: `build` makes its variables at the first call, `call` computes.

    Subclasses define `build(input_shape)`, `call(inputs, ...)`, and make variables by `add_weight`. Source: TF 1.15 `tf.layers.Layer`.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: Any = None,
        dtype: Any = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ):
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self._use_resource_variables = False
        unknown = set(kwargs) - {
            "autocast",
            "dynamic",
            "input_shape",
            "batch_input_shape",
            "batch_size",
            "weights",
            "experimental_autocast",
        }
        if unknown:
            raise TypeError("Keyword argument not understood:", sorted(unknown)[0])
        self._trainable = trainable
        self._dtype = None if dtype is None else tf.as_dtype(dtype).name
        self.built = False
        self.stateful = False
        self.supports_masking = False
        self.input_spec: Any = None
        self._activity_regularizer = activity_regularizer
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._updates: list[Any] = []
        self._losses: list[Any] = []
        self._init_set_name(name)
        self._scope: Any = None
        self._current_scope: Any = None
        self._always_reuse_variable_scope: Any = None
        if scope:
            with tf.variable_scope(scope) as captured:
                self._scope = captured

    # ---- names and scopes

    def _init_set_name(self, name: Any) -> None:
        own = to_snake_case(type(self).__name__)
        if not name:
            self._name, self._base_name = _numbered(get_default_graph(), own), own
        elif hasattr(name, "original_name_scope"):
            self._name, self._base_name = _numbered(get_default_graph(), own), name.name
        else:
            self._name = self._base_name = name

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self._name

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

    # ---- facts

    @property
    def dtype(self) -> Any:
        """The name of the dtype of the variables, None until an input tells it."""
        return self._dtype

    @property
    def trainable(self) -> bool:
        """Whether its variables are trained."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value

    @property
    def activity_regularizer(self) -> Any:
        """The regularizer of the outputs."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer: Any) -> None:
        self._activity_regularizer = regularizer

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained."""
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained."""
        return (
            list(self._non_trainable_weights)
            if self.trainable
            else self._trainable_weights + self._non_trainable_weights
        )

    @property
    def weights(self) -> list[Any]:
        """All variables, the trained ones first."""
        return self.trainable_weights + self.non_trainable_weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def updates(self) -> list[Any]:
        """The update operations; none while the layer is frozen."""
        return list(self._updates) if self.trainable or self.stateful else []

    @property
    def losses(self) -> list[Any]:
        """The losses that the layer added."""
        return list(self._losses)

    def count_params(self) -> int:
        """The number of elements of all variables; ValueError before it is built."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't built. You can build it manually via: `{self.name}.build(batch_input_shape)`."
            )
        return int(sum(int(np.prod(w.shape.as_list())) for w in self.weights))

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that depend on the inputs (all of them)."""
        return [] if inputs is None else self.updates

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that do not depend on inputs if `inputs` is None, else those that do."""
        return [loss for loss in self._losses if getattr(loss, "_unconditional", True) == (inputs is None)]

    # ---- making things

    def add_weight(
        self, name: str, shape: Any, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: Any = None, constraint: Any = None, use_resource: Any = None,
        synchronization: Any = None, aggregation: Any = None, partitioner: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Makes (or shares) a variable in the layer's scope.

        Raises ValueError: trainable with ON_READ synchronization. Source: TF 1.15 `tf.layers.Layer.add_weight`.
        """
        for key in kwargs:
            if key not in ("experimental_autocast", "getter", "collections", "caching_device"):
                raise TypeError("Unknown keyword argument:", key)
        synchronization = tf.VariableSynchronization.AUTO if synchronization is None else synchronization
        aggregation = tf.VariableAggregation.NONE if aggregation is None else aggregation
        trainable = self._checked_trainable(trainable, synchronization)
        existing = set(tf.global_variables()) if regularizer else set()
        dtype = dtypes.as_dtype(dtype or self._dtype or tf.float32)
        self._set_scope(None)
        with self._weight_scope() as scope:
            initializer = scope.initializer if initializer is None else initializer
            variable = tf.get_variable(
                name, shape=list(shape) if isinstance(shape, (list, tuple)) else shape, dtype=dtype, initializer=self._checked_initializer(initializer, dtype, name), trainable=trainable and self.trainable, constraint=constraint,
                partitioner=partitioner, use_resource=use_resource or self._use_resource_variables or scope.use_resource, synchronization=synchronization, aggregation=aggregation,
            )  # fmt: skip
            if regularizer and not any(v in existing for v in _parts(variable)):
                self._regularize(name, variable, regularizer)
        trained = bool(trainable and self.trainable and _is_trained(variable))
        (self._trainable_weights if trained else self._non_trainable_weights).append(variable)
        return variable

    add_variable = add_weight

    def _checked_initializer(self, initializer: Any, dtype: Any, name: str) -> Any:
        if initializer is None and not (dtype.is_floating or dtype.is_integer or dtype.is_unsigned or dtype.is_bool):
            raise ValueError(
                f"An initializer for variable {name} of type {dtype.base_dtype} is required for layer {self.name}"
            )
        return as_initializer(initializer)

    @staticmethod
    def _checked_trainable(trainable: Any, synchronization: Any) -> bool:
        if synchronization == tf.VariableSynchronization.ON_READ:
            if trainable:
                raise ValueError(
                    "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. You have specified trainable=True and "
                    "synchronization=VariableSynchronization.ON_READ."
                )
            return False
        return True if trainable is None else bool(trainable)

    @contextmanager
    def _weight_scope(self) -> Iterator[Any]:
        with tf.variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with tf.name_scope(self._name_scope()):
                yield scope

    def _regularize(self, name: str, variable: Any, regularizer: Callable[[Any], Any]) -> None:
        for part in _parts(variable):
            with tf.name_scope(f"{name}/Regularizer"):
                loss = regularizer(part)
            self.add_loss([] if loss is None else [loss])

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses, also to the collection of regularization losses."""
        found = [loss() if callable(loss) else loss for loss in nest.flatten(losses)]
        found = [tf.convert_to_tensor(loss, tf.float32) if isinstance(loss, (int, float)) else loss for loss in found]
        found = [loss for loss in found if loss is not None]
        self._losses.extend(found)
        add_new(found, tf.GraphKeys.REGULARIZATION_LOSSES)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds update operations, which go to the collection `update_ops` at the end of the call."""
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            value = (
                update()
                if callable(update) and not hasattr(update, "op") and not isinstance(update, tf.Operation)
                else update
            )
            self._updates.append(
                value
                if isinstance(value, tf.Operation)
                else value.op
                if hasattr(value, "op")
                else tf.convert_to_tensor(value).op
            )

    # ---- calling

    def build(self, input_shape: Any) -> None:
        """Makes the variables for inputs of this shape."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        return inputs

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs for `inputs`; the first call makes the variables. `scope` may name the variable scope."""
        self._set_scope(kwargs.pop("scope", None))
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
            if "scope" in _argument_names(self.call):
                kwargs["scope"] = scope
            outputs = self._called(inputs, args, kwargs)
        add_new(self.updates, tf.GraphKeys.UPDATE_OPS)
        return outputs

    def _called(self, inputs: Any, args: Any, kwargs: Any) -> Any:
        if any(isinstance(x, (np.ndarray, float, int)) for x in nest.flatten(inputs)):
            inputs = nest.map_structure(_as_tensor, inputs)
        check_inputs(self.input_spec, inputs, self.name)
        with tf.name_scope(self._name_scope()):
            self._maybe_build(inputs)
            outputs = self.call(inputs, *args, **kwargs)
            self._regularize_activity(inputs, outputs)
        return outputs

    def _maybe_build(self, inputs: Any) -> None:
        if self.built:
            return
        given = nest.flatten(inputs)
        if given and self._dtype is None and hasattr(given[0], "dtype"):
            self._dtype = given[0].dtype.base_dtype.name
        shapes = None
        if all(hasattr(x, "shape") for x in given):
            shapes = nest.map_structure(lambda x: x.shape, inputs)
        self.build(shapes)
        self.built = True

    def _regularize_activity(self, inputs: Any, outputs: Any) -> None:
        if not self._activity_regularizer:
            return
        with tf.name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)
                self.add_loss(loss / tf.cast(tf.shape(output)[0], loss.dtype), inputs=inputs)

    # ---- configuration

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from `get_config`."""
        return cls(**config)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs for inputs of a shape; NotImplementedError where a layer does not tell."""
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs."""
        return mask

    def __deepcopy__(self, memo: dict[int, Any]) -> Layer:
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        for key, value in self.__dict__.items():
            shallow = key in ("_scope", "_always_reuse_variable_scope") or isinstance(value, tf.Tensor)
            setattr(
                result,
                key,
                copy.copy(value)
                if shallow and not isinstance(value, tf.Tensor)
                else value
                if shallow
                else copy.deepcopy(value, memo),
            )
        return result


def _as_tensor(value: Any) -> Any:
    return tf.convert_to_tensor(value) if isinstance(value, (np.ndarray, float, int)) else value


def _parts(variable: Any) -> list[Any]:
    return list(variable) if type(variable).__name__ == "PartitionedVariable" else [variable]


def _is_trained(variable: Any) -> bool:
    """Whether the collection has it: never so for a variable in parts, as in TF 1.15."""
    return any(v is variable for v in reversed(tf.trainable_variables()))  # the newest is the last


def _argument_names(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()
