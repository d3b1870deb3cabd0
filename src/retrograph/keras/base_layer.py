"""`Layer`: an object that makes its variables at its first call, knows how it was called, and tells what it owns."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import retrograph as tf
from retrograph.framework import errors, nest
from retrograph.framework.exports import export
from retrograph.keras import activation_functions, constraint_classes
from retrograph.keras.connections import Connected
from retrograph.keras.input_spec import InputSpec, check_inputs
from retrograph.keras.nodes import Node, create_history, needs_history, reaches
from retrograph.keras.state import floatx, track_variable, unique_object_name
from retrograph.keras.tracking import gathered, to_snake_case
from retrograph.keras.weights import make_variable
from retrograph.variables import initializers, named, regularizers
from retrograph.variables.partition import PartitionedVariable

_Method = TypeVar("_Method", bound=Callable[..., Any])
_ALLOWED = ("input_shape", "batch_input_shape", "batch_size", "weights", "activity_regularizer", "autocast")


class _Calls(threading.local):
    """The calls of layers that are open in this thread."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, Any, Any]] = []

    @property
    def in_call(self) -> bool:
        return bool(self.stack)

    @property
    def training(self) -> Any:
        return self.stack[-1][2] if self.stack else None

    @contextmanager
    def entered(self, layer: Any, inputs: Any, training: Any) -> Iterator[None]:
        self.stack.append((layer, inputs, training))
        try:
            yield
        finally:
            self.stack.pop()


calls = _Calls()


def check_keywords(given: Any, allowed: Any, text: str = "Keyword argument not understood:") -> None:
    """TypeError that names the first keyword that is not allowed."""
    for key in given:
        if key not in allowed:
            raise TypeError(text, key)


def default(method: _Method) -> _Method:
    """Marks a method that subclasses are not bound to define."""
    method.__dict__["_is_default"] = True
    return method


@export("keras.layers.Layer")
class Layer(Connected):
    """A layer: `build` makes its variables at the first call, `call` computes.

    >>> class Scale(tf.keras.layers.Layer):
    ...     def build(self, input_shape): self.factor = self.add_weight("factor", shape=[], initializer="ones")
    ...     def call(self, inputs): return inputs * self.factor

    Source: TF 1.15 `tf.keras.layers.Layer`.
    """

    # A layer whose outputs carry their masks already.
    _compute_output_and_mask_jointly = False
    # The arguments that `_configure` set, for `get_config`.
    _configured: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What `_configure` set."""

    def __init__(
        self, trainable: bool = True, name: Any = None, dtype: Any = None, dynamic: bool = False, **kwargs: Any
    ):
        check_keywords(kwargs, _ALLOWED)
        self._trainable = trainable
        self.stateful = False
        self.built = False
        self._input_spec: Any = None
        self.supports_masking = False
        self._init_set_name(name)
        self._activity_regularizer = kwargs.pop("activity_regularizer", None)
        self._start_lists()
        self._dtype = None if dtype is None else tf.as_dtype(dtype).name
        self._autocast = kwargs.get("autocast", False)
        self._dynamic = dynamic
        self._init_call_fn_args()
        if "batch_input_shape" in kwargs:
            self._batch_input_shape = tuple(kwargs["batch_input_shape"])
        elif "input_shape" in kwargs:
            self._batch_input_shape = (kwargs.get("batch_size"), *kwargs["input_shape"])
        self._initial_weights = kwargs.get("weights")

    def _start_lists(self) -> None:
        for name in ("_trainable_weights", "_non_trainable_weights", "_layers"):
            if name not in self.__dict__:
                object.__setattr__(self, name, [])
        self._updates: list[tuple[Any, Any]] = []
        self._losses: list[Any] = []
        self._callable_losses: list[Callable[[], Any]] = []
        self._metrics: list[Any] = []
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def _init_set_name(self, name: Any, zero_based: bool = True) -> None:
        self._name = name or unique_object_name(to_snake_case(type(self).__name__), zero_based)

    def _name_scope(self) -> Any:
        return self.name

    def _init_call_fn_args(self) -> None:
        names, keywords = _arguments_of(getattr(self.call, "__func__", self.call))
        self._call_fn_args = names
        self._expects_training_arg = "training" in names or keywords
        self._expects_mask_arg = "mask" in names or keywords

    def _configure(self, **options: Any) -> None:
        """Sets attributes that `get_config` tells; names become the initializers, activations, ... that they stand for."""
        for name, value in options.items():
            setattr(self, name, _resolved(name, value))
        self._configured = (*self._configured, *options)

    # ---- to be defined by layers

    @default
    def build(self, input_shape: Any) -> None:
        """Makes the variables for inputs of this shape."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        return inputs

    @default
    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs; TypeError if the layer knows no masks and is given one."""
        if self.supports_masking:
            return mask
        if any(m is not None for m in nest.flatten(mask)):
            raise TypeError(f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}")
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs for inputs of a shape, from a call in a graph of its own if a layer does not tell.

        Raises NotImplementedError: the layer cannot be called so.
        """
        self._build_for(input_shape)
        with tf.Graph().as_default():
            inputs = nest.map_structure(lambda s: tf.placeholder(floatx(), shape=s), as_shapes(input_shape))
            try:
                outputs = self(inputs, training=False) if self._expects_training_arg else self(inputs)
            except (TypeError, ValueError):
                raise NotImplementedError(
                    "We could not automatically infer the static shape of the layer's output. Please implement the `compute_output_shape` method on your layer "
                    f"({type(self).__name__})."
                )
        return nest.map_structure(lambda t: t.shape, outputs)

    def compute_output_signature(self, input_signature: Any) -> Any:
        """The `TensorSpec`s of the outputs for inputs of given ones. Raises TypeError for anything else."""
        signatures = nest.flatten(input_signature)
        for one in signatures:
            if not isinstance(one, tf.TensorSpec):
                raise TypeError(
                    f"Only TensorSpec signature types are supported, but saw signature signature entry: {one}."
                )
        shapes = self.compute_output_shape(nest.map_structure(lambda one: one.shape, input_signature))
        dtype = self.dtype or signatures[0].dtype
        return nest.map_structure(lambda shape: tf.TensorSpec(shape, dtype), as_shapes(shapes))

    def _build_for(self, input_shape: Any) -> None:
        if not self.built:
            self.build(as_shapes(input_shape))
            self.built = True

    # ---- facts

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The name of the dtype of the variables, None until an input tells it."""
        return self._dtype

    @property
    def dynamic(self) -> bool:
        """Whether the layer may only run eagerly."""
        return self._dynamic

    @property
    def trainable(self) -> bool:
        """Whether its variables are trained; setting it sets it for the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in gathered(self._layers):
            layer.trainable = value

    @property
    def activity_regularizer(self) -> Any:
        """The regularizer of the outputs."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer: Any) -> None:
        self._activity_regularizer = regularizer

    @property
    def input_spec(self) -> Any:
        """What the layer asks of its inputs; TypeError for what is no InputSpec."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        for one in nest.flatten(value):
            if one is not None and not isinstance(one, InputSpec):
                raise TypeError(f"Layer input_spec must be an instance of InputSpec. Got: {one}")
        self._input_spec = value

    def _children(self, what: str) -> list[Any]:
        return [item for layer in gathered(self._layers) for item in getattr(layer, what)]

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained."""
        return [*self._trainable_weights, *self._children("trainable_weights")] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained."""
        if self.trainable:
            return [*self._non_trainable_weights, *self._children("non_trainable_weights")]
        return [*self._trainable_weights, *self._non_trainable_weights, *self._children("weights")]

    @property
    def weights(self) -> list[Any]:
        """All variables, the trained ones first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def variables(self) -> list[Any]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def updates(self) -> list[Any]:
        """The update operations; none while the layer is frozen."""
        if not self.trainable and not self.stateful:
            return []
        return [update for update, _ in self._updates] + self._children("updates")

    @property
    def losses(self) -> list[Any]:
        """The losses of the layer: those of weights are computed anew each time they are asked for."""
        made = [loss for loss in (make() for make in self._callable_losses) if loss is not None]
        return self._losses + made + self._children("losses")

    @property
    def metrics(self) -> list[Any]:
        """The metrics that were added."""
        return self._metrics + self._children("metrics")

    def count_params(self) -> int:
        """The number of elements of all variables; ValueError before it is built."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't built. You can build it manually via: `{self.name}.build(batch_input_shape)`."
            )
        return int(sum(int(np.prod(w.shape.as_list())) for w in self.weights))

    # ---- making things

    def add_weight(
        self, name: Any = None, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None, trainable: Any = None, constraint: Any = None,
        partitioner: Any = None, use_resource: Any = None, synchronization: Any = tf.VariableSynchronization.AUTO, aggregation: Any = tf.VariableAggregation.NONE, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Makes a variable of the layer; by default of `floatx`, by `glorot_uniform` or zeros.

        Raises ValueError: trainable with ON_READ synchronization, or a dtype that has no default initializer. Source: TF 1.15
        `tf.keras.layers.Layer.add_weight`.
        """
        check_keywords(kwargs, ("getter", "collections", "experimental_autocast"), "Unknown keyword argument:")
        kind = tf.as_dtype(dtype or self.dtype or floatx())
        if self._dtype is None:
            self._dtype = kind.base_dtype.name
        trainable = checked_trainable(trainable, synchronization)
        variable = kwargs.get("getter", make_variable)(
            name=name, shape=() if shape is None else shape, initializer=self._settled_initializer(initializer, kind, name), dtype=kind,
            constraint=constraint_classes.get(constraint), trainable=trainable, partitioner=partitioner, use_resource=use_resource,
            collections=kwargs.get("collections"), synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip
        track_variable(variable)
        regularizer = regularizers.get(regularizer)
        if regularizer is not None:
            self._handle_weight_regularization(variable.name.partition(":")[0], variable, regularizer)
        (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
        return variable

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """The same as `add_weight`."""
        return self.add_weight(*args, **kwargs)

    def _settled_initializer(self, initializer: Any, dtype: Any, name: Any) -> Any:
        initializer = initializers.get(initializer)
        if initializer is not None:
            return initializer
        if dtype.is_floating:
            return initializers.GlorotUniform()
        if dtype.is_integer or dtype.is_unsigned or dtype.is_bool:
            return initializers.Zeros()
        raise ValueError(
            f"An initializer for variable {name} of type {dtype.base_dtype} is required for layer {self.name}"
        )

    def _handle_weight_regularization(self, name: str, variable: Any, regularizer: Any) -> None:
        def loss_of(part: Any) -> Any:
            with tf.name_scope(name + "/Regularizer"):
                return regularizer(part)

        for part in variable if type(variable).__name__ == "PartitionedVariable" else [variable]:
            self.add_loss(partial(loss_of, part))

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses: tensors, or functions without arguments. Source: TF 1.15 `tf.keras.layers.Layer.add_loss`."""
        for loss in nest.flatten(losses):
            if callable(loss) and not isinstance(loss, tf.Tensor):
                self._callable_losses.append(partial(_tagged, loss, inputs))
            elif loss is not None:
                self._losses.append(_tagged(loss, inputs))

    def add_metric(self, value: Any, aggregation: Any = None, name: Any = None) -> None:
        """Adds a metric: the mean of a tensor over batches, or the result of a `Metric`.

        Raises ValueError: no name, or another aggregation than `mean`. Source: TF 1.15 `tf.keras.layers.Layer.add_metric`.
        """
        from retrograph.keras.metric_base import added_metric

        added_metric(self, value, aggregation, name)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds update operations (also as functions that make them)."""
        relevant = calls.stack[-1][1] if calls.in_call else [node.input_tensors for node in self._inbound_nodes]
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            made = _as_update(update)
            for given in nest.flatten(relevant):
                if isinstance(given, PartitionedVariable):
                    raise TypeError(f"Expected Operation, Variable, or Tensor, got {given}")
            self._updates.append((made, relevant))

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates that depend on the inputs; those that depend on no input of the layer if None."""
        if inputs is None:
            return [u for u in self.updates if not self._is_conditional(u)]
        return [u for u in self.updates if self._is_conditional(u) and reaches(nest.flatten(inputs), u)]

    def _is_conditional(self, update: Any) -> bool:
        return any(u is update and reaches(nest.flatten(r), u) for u, r in self._all_updates())

    def _all_updates(self) -> Iterator[tuple[Any, Any]]:
        yield from self._updates
        for layer in gathered(self._layers):
            yield from layer._all_updates()

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses that depend on the inputs; those that depend on no input of the layer if None."""
        if inputs is None:
            return [loss for loss in self.losses if loss._unconditional_loss]
        given = nest.flatten(inputs)
        return [loss for loss in self.losses if not loss._unconditional_loss and reaches(given, loss)]

    # ---- values

    def get_weights(self) -> list[Any]:
        """The values of all variables."""
        from retrograph.keras.backend_values import batch_get_value

        return batch_get_value(self.weights)

    def set_weights(self, weights: Any) -> None:
        """Sets the values of all variables; ValueError for another number or other shapes."""
        from retrograph.keras.backend_values import batch_set_value

        params = self.weights
        if len(params) != len(weights):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a  weight list of length {len(weights)}, but the layer was expecting {len(params)} weights. '
                f"Provided weights: {str(weights)[:50]}..."
            )
        for variable, value in zip(params, weights, strict=True):
            if not variable.shape.is_compatible_with(np.shape(value)):
                raise ValueError(
                    f"Layer weight shape {variable.shape} not compatible with provided weight shape {np.shape(value)}"
                )
        batch_set_value(list(zip(params, weights, strict=True)))

    # ---- calling

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs for `inputs`; the first call makes the variables. ValueError for outputs None."""
        if any(isinstance(x, (np.ndarray, float, int)) for x in nest.flatten(inputs)):
            inputs = nest.map_structure(_as_tensor, inputs)
        own = set(kwargs)
        masks = self._input_masks(inputs, args, kwargs)
        training = self._training_value(args, kwargs)
        if needs_history(inputs, calls.in_call):
            create_history(inputs)
        with calls.entered(self, inputs, training):
            check_inputs(self.input_spec, inputs, self.name)
            with tf.name_scope(self._name_scope()):
                self._maybe_build(inputs)
                outputs = self._computed(inputs, args, kwargs)
                given = {k: v for k, v in kwargs.items() if k in own}
                return self._recorded(inputs, outputs, args, given, masks)

    def _computed(self, inputs: Any, args: Any, kwargs: Any) -> Any:
        try:
            outputs = self.call(self._cast(inputs), *args, **kwargs)
        except errors.OperatorNotAllowedInGraphError as error:
            if not all(isinstance(part, (tf.Tensor, tf.Variable)) for part in nest.flatten(inputs)):
                raise
            raise TypeError(
                "You are attempting to use Python control flow in a layer that was not declared to be dynamic. Pass "
                f'`dynamic=True` to the class constructor.\nEncountered error:\n"""\n{error}\n"""'
            ) from error
        if outputs is None:
            raise ValueError(
                f"A layer's `call` method should return a Tensor or a list of Tensors, not None (layer: {self.name})."
            )
        return outputs

    def _recorded(self, inputs: Any, outputs: Any, args: Any, kwargs: Any, masks: Any) -> Any:
        if all("_keras_history" in getattr(x, "__dict__", ()) for x in nest.flatten(inputs)):
            inputs, outputs = self._connected(inputs, outputs, args, kwargs)
        self._regularize_activity(inputs, outputs)
        self._set_masks(inputs, outputs, masks)
        return outputs

    def _cast(self, inputs: Any) -> Any:
        if not self._autocast or not self.dtype or not tf.as_dtype(self.dtype).is_floating:
            return inputs

        def cast(x: Any) -> Any:
            return tf.cast(x, self.dtype) if isinstance(x, tf.Tensor) and x.dtype.is_floating else x

        return nest.map_structure(cast, inputs)

    def _argument(self, name: str, args: Any, kwargs: Any) -> Any:
        """An argument of `call` as it was passed, `_ABSENT` if it was not."""
        if name in kwargs:
            return kwargs[name]
        return dict(zip(self._call_fn_args[1:], args, strict=False)).get(name, _ABSENT)

    def _input_masks(self, inputs: Any, args: Any, kwargs: Any) -> Any:
        given = self._argument("mask", args, kwargs)
        if given is not _ABSENT:
            return given
        if isinstance(inputs, tf.Tensor):
            masks = getattr(inputs, "_keras_mask", None)
            if masks is None:
                return None
        else:
            masks = nest.map_structure(lambda t: getattr(t, "_keras_mask", None), inputs)
            if all(m is None for m in nest.flatten(masks)):
                return None
        if self._expects_mask_arg:
            kwargs["mask"] = masks
        return masks

    def _training_value(self, args: Any, kwargs: Any) -> Any:
        given = self._argument("training", args, kwargs)
        if given is not _ABSENT:
            if not self._expects_training_arg:
                kwargs.pop("training")
            return given
        value = calls.training
        if self._expects_training_arg and value is not None:
            kwargs["training"] = tf.cast(value, tf.bool) if isinstance(value, tf.Tensor) else bool(value)
        return value

    def _maybe_build(self, inputs: Any) -> None:
        if not self.built:
            given = nest.flatten(inputs)
            if given and self._dtype is None and hasattr(given[0], "dtype"):
                self._dtype = given[0].dtype.base_dtype.name
            shapes = None
            if all(hasattr(x, "shape") for x in given):
                shapes = nest.map_structure(lambda x: x.shape, inputs)
            if not hasattr(self.build, "_is_default"):
                self.build(shapes)
            self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _regularize_activity(self, inputs: Any, outputs: Any) -> None:
        if not self._activity_regularizer:
            return
        with tf.name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)
                self.add_loss(loss / tf.cast(tf.shape(output)[0], loss.dtype), inputs=inputs)

    def _set_masks(self, inputs: Any, outputs: Any, masks: Any) -> None:
        flat = nest.flatten(outputs)
        if self._compute_output_and_mask_jointly or all(getattr(x, "_keras_mask", None) is not None for x in flat):
            return
        found: list[Any] = []
        if self.supports_masking or not hasattr(self.compute_mask, "_is_default"):
            computed = self.compute_mask(inputs, masks)
            found = [] if computed is None else nest.flatten(computed)
        for output, mask in zip(flat, found or [None] * len(flat), strict=False):
            if mask is not None or getattr(output, "_keras_mask", None) is not None:
                output._keras_mask = mask

    # ---- configuration

    @default
    def get_config(self) -> dict[str, Any]:
        """What the layer was made with; NotImplementedError if its arguments are not known."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "_batch_input_shape"):
            config["batch_input_shape"] = self._batch_input_shape
        config["dtype"] = self.dtype
        if self.dynamic:
            config["dynamic"] = True
        config.update({name: _serialized(name, getattr(self, name)) for name in self._configured})
        extra = [a for a in inspect.getfullargspec(self.__init__).args if a not in config and a != "dynamic"]  # type: ignore[misc]
        if len(extra) > 1 and hasattr(self.get_config, "_is_default") and not self._configured:
            raise NotImplementedError("Layers with arguments in `__init__` must override `get_config`.")
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from `get_config`."""
        return cls(**config)


_ABSENT: Any = object()


@functools.lru_cache(maxsize=4096)
def _arguments_of(call: Any) -> tuple[tuple[str, ...], bool]:
    """The arguments of a `call` without `self`, and whether it takes any keyword."""
    try:
        spec = inspect.getfullargspec(call)
    except TypeError:
        return ("inputs",), False
    return tuple(spec.args[1:] if spec.args[:1] == ["self"] else spec.args), spec.varkw is not None


_RESOLVERS = {
    "initializer": initializers.get, "regularizer": regularizers.get, "constraint": constraint_classes.get, "activation": activation_functions.get,
}  # fmt: skip


def _resolved(name: str, value: Any) -> Any:
    resolver = _RESOLVERS.get(name.rpartition("_")[2])
    return value if resolver is None else resolver(value)


def _serialized(name: str, value: Any) -> Any:
    return named.serialize(value) if name.rpartition("_")[2] in _RESOLVERS else value


def checked_trainable(trainable: Any, synchronization: Any) -> bool:
    """Whether to train; ValueError for what is synchronized when read and trained."""
    if synchronization != tf.VariableSynchronization.ON_READ:
        return True if trainable is None else trainable
    if trainable:
        raise ValueError(
            "Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable variables. You have specified trainable=True and "
            "synchronization=VariableSynchronization.ON_READ."
        )
    return False


def as_shapes(shape: Any) -> Any:
    """A shape, or a list or dictionary of shapes, as `TensorShape`s."""
    if isinstance(shape, dict):
        return {key: as_shapes(one) for key, one in shape.items()}
    if isinstance(shape, (list, tuple)) and shape and all(isinstance(s, (list, tuple, tf.TensorShape)) for s in shape):
        return [as_shapes(one) for one in shape]
    return tf.TensorShape(shape)


def _as_tensor(value: Any) -> Any:
    return tf.convert_to_tensor(value) if isinstance(value, (np.ndarray, float, int)) else value


def _tagged(loss: Any, inputs: Any) -> Any:
    value = loss() if callable(loss) and not isinstance(loss, tf.Tensor) else loss
    if value is None:
        return None
    if not isinstance(value, tf.Tensor):
        value = tf.convert_to_tensor(value, dtype=floatx())
    value._unconditional_loss = inputs is None
    return value


def _as_update(update: Any) -> Any:
    if isinstance(update, tf.Operation):
        return update
    if hasattr(update, "op"):
        return update.op
    return _as_update(update()) if callable(update) else tf.convert_to_tensor(update)
