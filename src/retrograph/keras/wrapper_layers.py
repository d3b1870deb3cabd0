"""Layers around a layer: at each step of time, or in both directions of time."""

from __future__ import annotations

import inspect
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.backend_math import concatenate
from retrograph.keras.backend_rnn import rnn
from retrograph.keras.backend_values import int_shape, is_keras_tensor
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.recurrent_cells import takes
from retrograph.keras.recurrent_layers import standardized
from retrograph.keras.shape_helpers import as_tuples, on_tuples

_MERGES: dict[Any, Any] = {
    "concat": lambda y, back: concatenate([y, back]), "sum": lambda y, back: y + back, "ave": lambda y, back: (y + back) / 2, "mul": lambda y, back: y * back,
    None: lambda y, back: [y, back],
}  # fmt: skip


@export("keras.layers.Wrapper")
class Wrapper(Layer):
    """A layer around a layer. Source: TF 1.15 `tf.keras.layers.Wrapper`."""

    def __init__(self, layer: Any, **kwargs: Any):
        assert isinstance(layer, Layer)
        self.layer = layer
        super().__init__(**kwargs)

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """What the layer inside was made with."""
        inner = {"class_name": type(self.layer).__name__, "config": self.layer.get_config()}
        return {**super().get_config(), "layer": inner}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`."""
        from retrograph.keras.layer_registry import deserialize

        config = dict(config)
        return cls(deserialize(config.pop("layer"), custom_objects=custom_objects), **config)


def _sizes(lead: tuple[Any, ...], tensor: Any, start: int, static: Any = None) -> tuple[Any, ...]:
    """The sizes from an axis on: numbers where they are known, else of the tensor."""
    known = int_shape(tensor)[start:] if static is None else static
    if all(known):
        return lead + tuple(known)
    dynamic = tf.shape(tensor)
    return lead + tuple(s or dynamic[start + i] for i, s in enumerate(known))


@export("keras.layers.TimeDistributed")
class TimeDistributed(Wrapper):
    """A layer at each step: f[batch, time, ...]. Source: TF 1.15 `tf.keras.layers.TimeDistributed`."""

    def __init__(self, layer: Any, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"Please initialize `TimeDistributed` layer with a `Layer` instance. You passed: {layer}")
        super().__init__(layer, **kwargs)
        self.supports_masking = True
        own = type(layer).__module__.startswith("retrograph.keras")
        self._always_reshapes = own and not getattr(layer, "stateful", False)

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside. Raises ValueError for less than three axes."""
        sizes = tf.TensorShape(input_shape).as_list()
        if len(sizes) < 3:
            raise ValueError(
                f"`TimeDistributed` Layer should be passed an `input_shape ` with at least 3 dimensions, received: {sizes}"
            )
        self.input_spec = InputSpec(shape=[None, None, *sizes[2:]])
        super().build(tf.TensorShape([sizes[0], *sizes[2:]]))
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        inner = tf.TensorShape(self.layer.compute_output_shape(tf.TensorShape([sizes[0], *sizes[2:]]))).as_list()
        return tf.TensorShape([inner[0], sizes[1], *inner[1:]])

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs."""
        kwargs = {"training": training} if takes(self.layer.call, "training") else {}
        sizes = int_shape(inputs)
        if sizes[0] and not self._always_reshapes:

            def step(x: Any, _: Any) -> Any:
                return self.layer(x, **kwargs), []

            return rnn(step, inputs, initial_states=[], input_length=sizes[1], unroll=False)[1]
        length = sizes[1] or tf.shape(inputs)[1]
        flat = tf.reshape(inputs, _sizes((-1,), inputs, 2))
        if takes(self.layer.call, "mask") and mask is not None:
            kwargs["mask"] = tf.reshape(mask, _sizes((-1,), mask, 2))
        outputs = self.layer(flat, **kwargs)
        wanted = self.compute_output_shape(sizes).as_list()
        return tf.reshape(outputs, _sizes((-1, length), outputs, 1, wanted[2:]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of each step."""
        sizes = int_shape(inputs)
        if sizes[0] or mask is None:
            return mask
        flat = tf.reshape(mask, _sizes((-1,), mask, 2))
        found = self.layer.compute_mask(inputs, flat)
        if found is not None:
            length = sizes[1] or tf.shape(inputs)[1]
            return tf.reshape(found, _sizes((-1, length), found, 1))
        for _ in range(2, len(int_shape(mask))):
            mask = tf.reduce_any(tf.cast(mask, tf.bool), -1)
        return mask


@export("keras.layers.Bidirectional")
class Bidirectional(Wrapper):
    """A recurrent layer in both directions of time. Source: TF 1.15 `tf.keras.layers.Bidirectional`."""

    def __init__(
        self, layer: Any, merge_mode: Any = "concat", weights: Any = None, backward_layer: Any = None, **kwargs: Any
    ):
        if not isinstance(layer, Layer):
            raise ValueError(f"Please initialize `Bidirectional` layer with a `Layer` instance. You passed: {layer}")
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(f"`backward_layer` need to be a `Layer` instance. You passed: {backward_layer}")
        if merge_mode not in _MERGES:
            raise ValueError('Invalid merge mode. Merge mode should be one of {"sum", "mul", "ave", "concat", None}')
        self.forward_layer = _recreated(layer)
        self._own_backward = backward_layer.get_config() if backward_layer is not None else None
        self.backward_layer = _recreated(layer, True) if backward_layer is None else backward_layer
        self.forward_layer._name = "forward_" + self.forward_layer.name
        self.backward_layer._name = "backward_" + self.backward_layer.name
        self._verify()
        for one in (self.forward_layer, self.backward_layer):
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        super().__init__(layer, **kwargs)
        object.__setattr__(self, "_layers", [one for one in self._layers if one is not layer])
        self.stateful, self.return_sequences = layer.stateful, layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self._num_constants = 0
        self.input_spec = layer.input_spec
        if weights:
            half = len(weights) // 2
            self.forward_layer._initial_weights = weights[:half]
            self.backward_layer._initial_weights = weights[half:]

    def _verify(self) -> None:
        if self.forward_layer.go_backwards == self.backward_layer.go_backwards:
            raise ValueError("Forward layer and backward layer should have different `go_backwards` value.")
        for name in ("stateful", "return_sequences", "return_state"):
            forward, backward = getattr(self.forward_layer, name), getattr(self.backward_layer, name)
            if forward != backward:
                raise ValueError(
                    f"Forward layer and backward layer are expected to have the same value for attribute {name}, got {forward} and {backward}"
                )

    def build(self, input_shape: Any = None) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            with tf.name_scope(layer.name):
                layer.build(input_shape)
                layer.built = True
        self.built = True

    @on_tuples
    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        output = as_tuples(self.forward_layer.compute_output_shape(input_shape))
        states = []
        if self.return_state:
            output, states = output[0], output[1:]
        if self.merge_mode == "concat":
            output = (*output[:-1], None if output[-1] is None else output[-1] * 2)
        outputs = [output, output] if self.merge_mode is None else [output]
        if self.return_state:
            return outputs + states + states
        return outputs if self.merge_mode is None else output

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """The outputs; `initial_state` holds the forward states, then the backward ones."""
        inputs, states, constants = standardized(inputs, initial_state, constants, self._num_constants)
        if states is None and constants is None:
            return super().__call__(inputs, **kwargs)
        more, specs = self._additional(states, constants, kwargs)
        of_keras = {is_keras_tensor(t) for t in more}
        if len(of_keras) > 1:
            raise ValueError(
                "The initial state of a Bidirectional layer cannot be specified with a mix of Keras tensors and non-Keras tensors "
                '(a "Keras tensor" is a tensor that was returned by a Keras layer, or by `Input`)'
            )
        if of_keras != {True}:
            return super().__call__(inputs, **kwargs)
        kwargs.update(initial_state=None, constants=None)
        before, self.input_spec = self.input_spec, [None, *specs]
        output = super().__call__([inputs, *more], **kwargs)
        self.input_spec = before
        return output

    def _additional(self, states: Any, constants: Any, kwargs: Any) -> tuple[list[Any], list[Any]]:
        both = (self.forward_layer, self.backward_layer)
        more: list[Any] = []
        specs: list[Any] = []
        if states is not None:
            if len(states) % 2:
                raise ValueError(
                    f"When passing `initial_state` to a Bidirectional RNN, the state should be a list containing the states of the underlying RNNs. Found: {states}"
                )
            kwargs["initial_state"], half = states, len(states) // 2
            more += states
            specs += [InputSpec(shape=int_shape(state)) for state in states]
            for layer, own in zip(both, (specs[:half], specs[half:]), strict=True):
                layer.state_spec = own
        if constants is not None:
            kwargs["constants"], self._num_constants = constants, len(constants)
            more += constants
            own = [InputSpec(shape=int_shape(c)) for c in constants]
            for layer in both:
                layer.constants_spec, layer._num_constants = own, len(constants)
            specs += own
        return more, specs

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The outputs."""
        given = {"training": training, "mask": mask, "constants": constants}
        kwargs = {k: v for k, v in given.items() if takes(self.layer.call, k)}
        first, second = self._split(inputs, initial_state)
        if isinstance(inputs, list) and len(inputs) > 1 and "constants" in kwargs:
            kwargs["constants"] = None
        y = self.forward_layer(first[0], **first[1], **kwargs)
        back = self.backward_layer(second[0], **second[1], **kwargs)
        states: list[Any] = []
        if self.return_state:
            states, y, back = [*y[1:], *back[1:]], y[0], back[0]
        if self.return_sequences:
            back = tf.reverse(back, [1])
        output = _MERGES[self.merge_mode](y, back)
        if not self.return_state:
            return output
        return [*(output if self.merge_mode is None else [output]), *states]

    def _split(self, inputs: Any, states: Any) -> Any:
        """(inputs, states as keywords) of each direction."""
        if not takes(self.layer.call, "initial_state"):
            return (inputs, {}), (inputs, {})
        if isinstance(inputs, list) and len(inputs) > 1:
            n = self._num_constants
            pivot = (len(inputs) - n) // 2 + 1
            held, constants = (inputs[:-n], inputs[-n:]) if n else (inputs, [])
            return ([*held[:pivot], *constants], {}), ([held[0], *held[pivot:], *constants], {})
        if states is None:
            return (inputs, {}), (inputs, {})
        half = len(states) // 2
        return (inputs, {"initial_state": states[:half]}), (inputs, {"initial_state": states[half:]})

    def reset_states(self) -> None:
        """Sets the states of both layers to zeros."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps if they are returned, None for the states."""
        mask = mask[0] if isinstance(mask, list) else mask
        one = mask if self.return_sequences else None
        output = [one, one] if not self.merge_mode else one
        if not self.return_state:
            return output
        states = [None for _ in self.forward_layer.states] * 2
        return [*(output if isinstance(output, list) else [output]), *states]

    def get_config(self) -> dict[str, Any]:
        """What the layers were made with."""
        config = {**super().get_config(), "merge_mode": self.merge_mode}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self._own_backward is not None:
            config["backward_layer"] = {"class_name": type(self.backward_layer).__name__, "config": self._own_backward}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`."""
        from retrograph.keras.layer_registry import deserialize

        config = dict(config)
        number = config.pop("num_constants", 0)
        if "backward_layer" in config:
            config["backward_layer"] = deserialize(config["backward_layer"], custom_objects=custom_objects)
        layer = super().from_config(config, custom_objects=custom_objects)
        layer._num_constants = number
        return layer


def _recreated(layer: Any, turned: bool = False) -> Any:
    """A layer like another, also turned around."""
    config = layer.get_config()
    if turned:
        config["go_backwards"] = not config["go_backwards"]
    if "custom_objects" not in inspect.getfullargspec(layer.from_config).args:
        return type(layer).from_config(config)
    cells = [c for c in (getattr(layer, "cell", None),) if c is not None]
    cells += [inner for cell in cells for inner in getattr(cell, "cells", [])]
    return type(layer).from_config(config, custom_objects={type(c).__name__: type(c) for c in cells})
