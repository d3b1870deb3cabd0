"""Recurrent layers: a cell along the time of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.keras.backend_rnn import rnn
from retrograph.keras.backend_values import batch_set_value, int_shape, is_keras_tensor
from retrograph.keras.backend_values import zeros as zero_variable
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.recurrent_cells import (
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    is_multiple,
    takes,
    zero_states,
)
from retrograph.variables import regularizers

_MIXED = (
    "The initial state or constants of an RNN layer cannot be specified with a mix of Keras tensors and non-Keras tensors "
    '(a "Keras tensor" is a tensor that was returned by a Keras layer, or by `Input`)'
)
_NO_BATCH_SIZE = (
    "If a RNN is stateful, it needs to know its batch size. Specify the batch size of your input tensors: \n- If using a Sequential model, specify the batch size by passing "
    "a `batch_input_shape` argument to your first layer.\n- If using the functional API, specify the batch size by passing a `batch_shape` argument to your Input layer."
)
_NO_TIME = (
    "Cannot unroll a RNN if the time dimension is undefined. \n- If using a Sequential model, specify the time dimension by passing an `input_shape` or `batch_input_shape` "
    "argument to your first layer. If your first layer is an Embedding, you can also use the `input_length` argument.\n- If using the functional API, specify the time dimension "
    "by passing a `shape` or `batch_shape` argument to your Input layer."
)


def as_list(value: Any) -> Any:
    """None and lists as they are, tuples as lists, else a list of one."""
    if value is None or isinstance(value, list):
        return value
    return list(value) if isinstance(value, tuple) else [value]


def standardized(inputs: Any, states: Any, constants: Any, number: int) -> tuple[Any, Any, Any]:
    """Inputs, states and constants, which may be given all in one list."""
    if isinstance(inputs, list):
        assert states is None and constants is None
        if number:
            inputs, constants = inputs[:-number], inputs[-number:]
        if len(inputs) > 1:
            inputs, states = inputs[:1], inputs[1:]
        inputs = tuple(inputs) if len(inputs) > 1 else inputs[0]
    return inputs, as_list(states), as_list(constants)


@export("keras.layers.RNN")
class RNN(Layer):
    """A cell along time: f[batch, time, n] to the last output, or all; also the states. Source: TF 1.15 `tf.keras.layers.RNN`."""

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        **kwargs: Any,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not hasattr(cell, "call"):
            raise ValueError("`cell` should have a `call` method. The RNN was passed:", cell)
        if not hasattr(cell, "state_size"):
            raise ValueError(
                "The RNN cell should have an attribute `state_size` (tuple of integers, one integer per RNN state)."
            )
        self.zero_output_for_mask = kwargs.pop("zero_output_for_mask", False)
        if "input_shape" not in kwargs and ("input_dim" in kwargs or "input_length" in kwargs):
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim", None))
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.time_major = stateful, unroll, time_major
        self.supports_masking = True
        self.input_spec = None
        self.state_spec: Any = None
        self.constants_spec: Any = None
        self._states: Any = None
        self._num_constants = 0

    # ---- states

    @property
    def states(self) -> Any:
        """The states that are kept from batch to batch; None each if none are."""
        if self._states is not None:
            return self._states
        nothing = nest.map_structure(lambda _: None, self.cell.state_size)
        return nothing if nest.is_sequence(self.cell.state_size) else [nothing]

    @states.setter
    def states(self, states: Any) -> None:
        object.__setattr__(self, "_states", states)

    @property
    def _state_sizes(self) -> list[Any]:
        return list(self.cell.state_size) if is_multiple(self.cell.state_size) else [self.cell.state_size]

    def get_initial_state(self, inputs: Any) -> Any:
        """Zeros for the batch of the inputs."""
        first = nest.flatten(inputs)[0]
        batch = tf.shape(first)[1 if self.time_major else 0]
        if hasattr(self.cell, "get_initial_state"):
            states = self.cell.get_initial_state(inputs=None, batch_size=batch, dtype=first.dtype)
        else:
            states = zero_states(batch, self.cell.state_size, first.dtype)
        return list(states) if nest.is_sequence(states) else [states]

    def reset_states(self, states: Any = None) -> None:
        """Sets the states that are kept, to zeros by default.

        Raises AttributeError: not stateful; ValueError: no batch size, another number of states, other shapes.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        shape = None if self.input_spec is None else self.input_spec[0].shape
        batch = None if shape is None else shape[1 if self.time_major else 0]
        if not batch:
            raise ValueError(_NO_BATCH_SIZE)
        if nest.flatten(self.states)[0] is None:
            self.states = self._state_variables(batch)
            return
        held = nest.flatten(self.states)
        if states is None:
            states = [np.zeros(s.shape.as_list()) for s in held]
        self._set_states(held, nest.flatten(states), states, batch)

    def _state_variables(self, batch: int) -> Any:
        def made(size: Any) -> Any:
            return zero_variable([batch, *tf.TensorShape(size).as_list()])

        states = nest.map_structure(made, self.cell.state_size)
        return states if nest.is_sequence(states) else [states]

    def _set_states(self, held: list[Any], values: list[Any], given: Any, batch: int) -> None:
        if len(values) != len(held):
            raise ValueError(
                f"Layer {self.name} expects {len(held)} states, but it received {len(values)} state values. Input received: {given}"
            )
        for i, (value, state) in enumerate(zip(values, held, strict=True)):
            if tuple(value.shape) != tuple(state.shape.as_list()):
                raise ValueError(
                    f"State {i} is incompatible with layer {self.name}: expected shape={(batch, state)}, found shape={value.shape}"
                )
        batch_set_value(list(zip(held, values, strict=True)))

    # ---- building

    def build(self, input_shape: Any) -> None:
        """Builds the cell. Raises ValueError: initial states that do not fit it."""
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        if isinstance(shape, tuple) and not any(isinstance(d, (list, tuple, tf.TensorShape)) for d in shape):
            shape = tf.TensorShape(shape)
        specs = nest.map_structure(self._spec_of, shape)
        if self.input_spec is not None:
            self.input_spec[0] = specs
        else:
            self.input_spec = specs if isinstance(specs, list) else [specs]
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build(nest.map_structure(self._step_shape, shape))
            self.cell.built = True
        self._check_state_spec()
        if self.stateful:
            self.reset_states()
        self.built = True

    def _spec_of(self, shape: Any) -> InputSpec:
        sizes = tf.TensorShape(shape).as_list()
        batch, time = (1, 0) if self.time_major else (0, 1)
        if not self.stateful:
            sizes[batch] = None
        sizes[time] = None
        return InputSpec(shape=tuple(sizes))

    def _step_shape(self, shape: Any) -> Any:
        sizes = tuple(tf.TensorShape(shape).as_list())
        return tf.TensorShape(sizes[1:] if self.time_major else (sizes[0], *sizes[2:]))

    def _check_state_spec(self) -> None:
        sizes = self._state_sizes
        if self.state_spec is None:
            object.__setattr__(
                self,
                "state_spec",
                [InputSpec(shape=[None, *tf.TensorShape(size).as_list()]) for size in nest.flatten(sizes)],
            )
            return
        specs, wanted = nest.flatten(self.state_spec), nest.flatten(sizes)
        fits = len(specs) == len(wanted) and all(
            tf.TensorShape(spec.shape[1:]).is_compatible_with(tf.TensorShape(size))
            for spec, size in zip(specs, wanted, strict=True)
        )
        if not fits:
            raise ValueError(
                f"An `initial_state` was passed that is not compatible with `cell.state_size`. Received `state_spec`={self.state_spec}; however `cell.state_size` is {sizes}"
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs, and of the states if they are returned."""
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        sizes = tf.TensorShape(nest.flatten(shape)[0] if isinstance(shape, dict) else shape).as_list()
        time, batch = sizes[:2] if self.time_major else sizes[1::-1]
        lead = ([time, batch] if self.time_major else [batch, time]) if self.return_sequences else [batch]
        own = getattr(self.cell, "output_size", None)
        outputs = nest.flatten(self._state_sizes[0] if own is None else own)
        shapes = [tf.TensorShape([*lead, *tf.TensorShape(size).as_list()]) for size in outputs]
        if not self.return_state:
            return shapes[0] if len(shapes) == 1 else shapes
        return shapes + [tf.TensorShape([batch, *tf.TensorShape(s).as_list()]) for s in nest.flatten(self._state_sizes)]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps if they are returned, None for the states."""
        first = nest.flatten(mask)[0] if mask is not None else None
        output = first if self.return_sequences else None
        return [output, *[None for _ in self.states]] if self.return_state else output

    # ---- calling

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """The outputs; states and constants may be tensors of Keras or not, but not mixed."""
        inputs, states, constants = standardized(inputs, initial_state, constants, self._num_constants)
        if states is None and constants is None:
            return super().__call__(inputs, **kwargs)
        more, specs = self._additional(states, constants)
        of_keras = {is_keras_tensor(t) for t in nest.flatten(more)}
        if len(of_keras) > 1:
            raise ValueError(_MIXED)
        if of_keras == {True}:
            self.input_spec = [None for _ in nest.flatten(inputs)] + specs
            output = super().__call__([inputs, *more], **kwargs)
            self.input_spec = self.input_spec[: -len(specs)]
            return output
        given = {"initial_state": states, "constants": constants}
        return super().__call__(inputs, **{k: v for k, v in given.items() if v is not None}, **kwargs)

    def _additional(self, states: Any, constants: Any) -> tuple[list[Any], list[Any]]:
        more: list[Any] = []
        specs: list[Any] = []
        if states is not None:
            more += states
            self.state_spec = nest.map_structure(lambda s: InputSpec(shape=int_shape(s)), states)
            specs += self.state_spec
        if constants is not None:
            more += constants
            self.constants_spec = [InputSpec(shape=int_shape(c)) for c in constants]
            self._num_constants = len(constants)
            specs += self.constants_spec
        return more, specs

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The outputs."""
        inputs, states, constants = self._inputs_of(inputs, initial_state, constants)
        mask = nest.flatten(mask)[0] if mask is not None else None
        sizes = int_shape(nest.flatten(inputs)[0])
        if self.unroll and sizes[0 if self.time_major else 1] is None:
            raise ValueError(_NO_TIME)
        last, outputs, states = rnn(
            self._step(training, constants), inputs, states, constants=constants, go_backwards=self.go_backwards, mask=mask, unroll=self.unroll, time_major=self.time_major,
            zero_output_for_mask=self.zero_output_for_mask,
        )  # fmt: skip
        if self.stateful:
            pairs = zip(nest.flatten(self.states), nest.flatten(states), strict=True)
            self.add_update([tf.assign(held, new) for held, new in pairs])
        output = outputs if self.return_sequences else last
        if not self.return_state:
            return output
        return [*(output if isinstance(output, list) else [output]), *states]

    def _inputs_of(self, inputs: Any, states: Any, constants: Any) -> tuple[Any, Any, Any]:
        if isinstance(inputs, list):
            n = self._num_constants
            states, constants = (inputs[1:-n], inputs[-n:]) if n else (inputs[1:], constants)
            states = states or None
            inputs = inputs[0]
        if states is None:
            states = self.states if self.stateful else self.get_initial_state(inputs)
        if len(states) != len(self.states):
            raise ValueError(f"Layer has {len(self.states)} states but was passed {len(states)} initial states.")
        return inputs, states, constants

    def _step(self, training: Any, constants: Any) -> Any:
        more = {"training": training} if takes(self.cell.call, "training") else {}
        if isinstance(self.cell, StackedRNNCells):
            more = {"training": training}
        if constants and not takes(self.cell.call, "constants"):
            raise ValueError("RNN cell does not support constants")
        count = self._num_constants if constants else 0
        unwrapped = getattr(self.cell, "_is_tf_rnn_cell", None) is not None

        def step(inputs: Any, states: Any) -> Any:
            own = {**more, "constants": states[-count:]} if count else more
            states = states[:-count] if count else states
            states = states[0] if len(states) == 1 and unwrapped else states
            output, new = self.cell.call(inputs, states, **own)
            return output, new if nest.is_sequence(new) else [new]

        return step

    # ---- configuration

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self.zero_output_for_mask:
            config["zero_output_for_mask"] = self.zero_output_for_mask
        return {**config, "cell": {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`."""
        from retrograph.keras.layer_registry import deserialize

        config = dict(config)
        number = config.pop("num_constants", 0)
        layer = cls(deserialize(config.pop("cell"), custom_objects=custom_objects), **config)
        layer._num_constants = number
        return layer


class _OfOwnCell(RNN):
    """A recurrent layer that makes its cell from its own arguments."""

    cell_class: Any
    cell_options: tuple[str, ...] = ()

    def __init__(self, options: dict[str, Any]):
        given = {k: v for k, v in options.items() if k not in ("self", "kwargs", "__class__")}
        kwargs = options["kwargs"]
        own = {k: v for k, v in given.items() if k in self.cell_options}
        cell = type(self).cell_class(**own, dtype=kwargs.get("dtype"))
        regularizer = given.pop("activity_regularizer")
        super().__init__(cell, **{k: v for k, v in given.items() if k not in own}, **kwargs)
        self.activity_regularizer = regularizers.get(regularizer)
        self.input_spec = [InputSpec(ndim=3)]

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None, constants: Any = None
    ) -> Any:
        """The outputs."""
        self.cell.reset_dropout_mask()
        self.cell.reset_recurrent_dropout_mask()
        return super().call(inputs, mask=mask, training=training, initial_state=initial_state)

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        base = {k: v for k, v in super().get_config().items() if k != "cell"}
        own = {k: v for k, v in self.cell.get_config().items() if k in self.cell_options}
        return {**base, **own, "activity_regularizer": regularizers.serialize(self.activity_regularizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer from `get_config`."""
        return cls(**{**config, **({"implementation": 1} if config.get("implementation") == 0 else {})})


def _delegated(name: str) -> property:
    return property(lambda self: getattr(self.cell, name), doc=f"The cell's `{name}`.")


def _with_cell_options(cls: Any) -> Any:
    """Gives a layer its cell's options as properties."""
    import inspect

    names = [n for n in inspect.getfullargspec(cls.cell_class.__init__).args if n != "self"]
    cls.cell_options = tuple(names)
    for name in names:
        setattr(cls, name, _delegated(name))
    return cls


@export("keras.layers.SimpleRNN")
@_with_cell_options
class SimpleRNN(_OfOwnCell):
    """A simple RNN. Source: TF 1.15 `tf.keras.layers.SimpleRNN`."""

    cell_class = SimpleRNNCell

    def __init__(
        self, units: Any, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: Any = 0.0, recurrent_dropout: Any = 0.0, return_sequences: bool = False,
        return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False, **kwargs: Any,
    ):  # fmt: skip
        kwargs.pop("implementation", None)
        super().__init__(locals())


@export("keras.layers.GRU")
@_with_cell_options
class GRU(_OfOwnCell):
    """A GRU. Source: TF 1.15 `tf.keras.layers.GRU`."""

    cell_class = GRUCell

    def __init__(
        self, units: Any, activation: Any = "tanh", recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: Any = 0.0,
        recurrent_dropout: Any = 0.0, implementation: int = 1, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False, stateful: bool = False,
        unroll: bool = False, reset_after: bool = False, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(locals())


@export("keras.layers.LSTM")
@_with_cell_options
class LSTM(_OfOwnCell):
    """An LSTM. Source: TF 1.15 `tf.keras.layers.LSTM`."""

    cell_class = LSTMCell

    def __init__(
        self, units: Any, activation: Any = "tanh", recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
        dropout: Any = 0.0, recurrent_dropout: Any = 0.0, implementation: int = 1, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(locals())
