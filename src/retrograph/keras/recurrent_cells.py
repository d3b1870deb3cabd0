"""Cells of recurrent layers: one step of a simple RNN, a GRU, an LSTM, or of several cells one on top of another."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.keras import backend_nn
from retrograph.keras.backend_math import dot
from retrograph.keras.backend_values import in_train_phase
from retrograph.keras.base_layer import Layer
from retrograph.keras.shape_helpers import on_tuples
from retrograph.variables.initializers import Ones


def is_multiple(state_size: Any) -> bool:
    """Whether a size of states is that of several."""
    return hasattr(state_size, "__len__") and not isinstance(state_size, tf.TensorShape)


def zero_states(batch_size: Any, state_size: Any, dtype: Any) -> Any:
    """Zeros in the structure of `state_size`; ValueError if batch size or dtype is None."""
    if batch_size is None or dtype is None:
        raise ValueError(
            f"batch_size and dtype cannot be None while constructing initial state: batch_size={batch_size}, dtype={dtype}"
        )

    def zeros(size: Any) -> Any:
        return tf.zeros([batch_size, *tf.TensorShape(size).as_list()], dtype=dtype)

    return nest.map_structure(zeros, state_size) if nest.is_sequence(state_size) else zeros(state_size)


def first_states(cell: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros for a cell's states, for a batch like `inputs`."""
    if inputs is not None:
        batch_size, dtype = tf.shape(inputs)[0], inputs.dtype
    return zero_states(batch_size, cell.state_size, dtype)


def takes(function: Any, name: str) -> bool:
    """Whether a function has an argument of that name."""
    return name in inspect.getfullargspec(function).args


def size_of_output(cell: Any) -> Any:
    """The size of a cell's output: that of the first state if the cell does not say."""
    own = getattr(cell, "output_size", None)
    if own is not None:
        return own
    return cell.state_size[0] if is_multiple(cell.state_size) else cell.state_size


@export("keras.layers.AbstractRNNCell")
class AbstractRNNCell(Layer):
    """What a cell must define: `state_size`, `output_size` and `call(inputs, states)`. Source: TF 1.15 `tf.keras.layers.AbstractRNNCell`."""

    def call(self, inputs: Any, states: Any, *args: Any) -> Any:
        """(output, new states)."""
        raise NotImplementedError("Abstract method")

    @property
    def state_size(self) -> Any:
        """The sizes of the states."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        raise NotImplementedError("Abstract method")

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros."""
        return first_states(self, inputs, batch_size, dtype)


class _Cell(Layer):
    """A cell with a kernel, a recurrent kernel and a bias, each for several gates, and two kinds of dropout."""

    gates = 1
    kernel: Any
    recurrent_kernel: Any
    bias: Any

    def __init__(self, options: dict[str, Any]):
        given = {k: v for k, v in options.items() if k not in ("self", "kwargs", "__class__")}
        super().__init__(**options["kwargs"])
        for name in ("dropout", "recurrent_dropout"):
            given[name] = min(1.0, max(0.0, given[name]))
        self._configure(**given)
        self.reset_dropout_mask()
        self.reset_recurrent_dropout_mask()

    @property
    def state_size(self) -> Any:
        """The number of units."""
        return self.units

    @property
    def output_size(self) -> Any:
        """The number of units."""
        return self.units

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Makes `kernel`, `recurrent_kernel` and `bias`."""
        width = self.units * self.gates
        self.kernel = self._parameter("kernel", (input_shape[-1], width), "kernel")
        self.recurrent_kernel = self._parameter("recurrent_kernel", (self.units, width), "recurrent")
        self.bias = self._parameter("bias", self._bias_shape(width), "bias") if self.use_bias else None
        self.built = True

    def _bias_shape(self, width: int) -> tuple[int, ...]:
        return (width,)

    def _parameter(self, name: str, shape: Any, kind: str) -> Any:
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=self._first_bias if name == "bias" else getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
        )

    @property
    def _first_bias(self) -> Any:
        return self.bias_initializer

    def reset_dropout_mask(self) -> None:
        """Forgets what is dropped of the inputs."""
        object.__setattr__(self, "_dropout_mask", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forgets what is dropped of the states."""
        object.__setattr__(self, "_recurrent_dropout_mask", None)

    def _mask(self, kind: str, value: Any, training: Any) -> Any:
        """What to multiply a value with for each gate, the same at all steps; None without dropout."""
        rate = getattr(self, kind)
        if rate == 0:
            return None
        attribute = f"_{kind}_mask"
        if self.__dict__.get(attribute) is None:
            ones = tf.ones_like(value)
            masks = [in_train_phase(lambda: backend_nn.dropout(ones, rate), ones, training) for _ in range(self.gates)]
            object.__setattr__(self, attribute, masks)
        return self.__dict__[attribute]

    def _dropped(self, kind: str, value: Any, training: Any) -> list[Any]:
        """A value for each gate, after dropout."""
        masks = self._mask(kind, value, training)
        if masks is None or not 0.0 < getattr(self, kind) < 1.0:
            return [value] * self.gates
        return [value * mask for mask in masks]

    def _once_dropped(self, kind: str, value: Any, training: Any) -> Any:
        masks = self._mask(kind, value, training)
        return value if masks is None or not 0.0 < getattr(self, kind) < 1.0 else value * masks[0]

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros."""
        return first_states(self, inputs, batch_size, dtype)


@export("keras.layers.SimpleRNNCell")
class SimpleRNNCell(_Cell):
    """`activation(inputs @ kernel + bias + state @ recurrent_kernel)`. Source: TF 1.15 `tf.keras.layers.SimpleRNNCell`."""

    def __init__(
        self, units: Any, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: Any = 0.0, recurrent_dropout: Any = 0.0, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(locals())

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """(output, [state])."""
        before = states[0]
        dropped, recurrent = self._mask("dropout", inputs, training), self._mask("recurrent_dropout", before, training)
        h = dot(inputs if dropped is None else inputs * dropped[0], self.kernel)
        if self.bias is not None:
            h = backend_nn.bias_add(h, self.bias)
        if recurrent is not None:
            before = before * recurrent[0]
        output = h + dot(before, self.recurrent_kernel)
        if self.activation is not None:
            output = self.activation(output)
        return output, [output]


@export("keras.layers.GRUCell")
class GRUCell(_Cell):
    """A step of a GRU. Source: TF 1.15 `tf.keras.layers.GRUCell`."""

    gates = 3

    def __init__(
        self, units: Any, activation: Any = "tanh", recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: Any = 0.0, recurrent_dropout: Any = 0.0, implementation: int = 1,
        reset_after: bool = False, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(locals())

    def _bias_shape(self, width: int) -> tuple[int, ...]:
        return (2, width) if self.reset_after else (width,)

    def _biases(self) -> tuple[Any, Any]:
        if not self.use_bias:
            return None, None
        return tuple(tf.unstack(self.bias)) if self.reset_after else (self.bias, None)

    def _columns(self, value: Any) -> Iterator[Any]:
        """The columns of each gate, sliced when asked for: TF's order of operations decides later seeds."""
        n = self.units
        yield from (value[:, part] for part in (slice(None, n), slice(n, n * 2), slice(n * 2, None)))

    def _rows(self, value: Any) -> Iterator[Any]:
        n = self.units
        yield from (value[part] for part in (slice(None, n), slice(n, n * 2), slice(n * 2, None)))

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """(output, [state])."""
        before = states[0]
        bias, recurrent_bias = self._biases()
        compute = self._by_gate if self.implementation == 1 else self._at_once
        z, candidate = compute(inputs, before, bias, recurrent_bias, training)
        h = z * before + (1 - z) * candidate
        return h, [h]

    def _by_gate(self, inputs: Any, before: Any, bias: Any, recurrent_bias: Any, training: Any) -> Any:
        given = self._dropped("dropout", inputs, training)
        states = self._dropped("recurrent_dropout", before, training)
        x = [dot(g, k) for g, k in zip(given, self._columns(self.kernel), strict=True)]
        if self.use_bias:
            x = [backend_nn.bias_add(v, b) for v, b in zip(x, self._rows(bias), strict=True)]
        n, kernel = self.units, self.recurrent_kernel
        gates = [dot(states[0], kernel[:, :n]), dot(states[1], kernel[:, n : n * 2])]
        if recurrent_bias is not None:
            gates = [backend_nn.bias_add(v, b) for v, b in zip(gates, self._rows(recurrent_bias), strict=False)]
        z, r = [self.recurrent_activation(a + b) for a, b in zip(x[:2], gates, strict=True)]
        if not self.reset_after:
            return z, self.activation(x[2] + dot(r * states[2], kernel[:, n * 2 :]))
        recurrent = dot(states[2], kernel[:, n * 2 :])
        if recurrent_bias is not None:
            recurrent = backend_nn.bias_add(recurrent, recurrent_bias[n * 2 :])
        return z, self.activation(x[2] + r * recurrent)

    def _at_once(self, inputs: Any, before: Any, bias: Any, recurrent_bias: Any, training: Any) -> Any:
        x = dot(self._once_dropped("dropout", inputs, training), self.kernel)
        if self.use_bias:
            x = backend_nn.bias_add(x, bias)
        n, state = self.units, self._once_dropped("recurrent_dropout", before, training)
        x_z, x_r, x_h = self._columns(x)
        inner = dot(state, self.recurrent_kernel if self.reset_after else self.recurrent_kernel[:, : 2 * n])
        if recurrent_bias is not None:
            inner = backend_nn.bias_add(inner, recurrent_bias)
        inner_z, inner_r = inner[:, :n], inner[:, n : 2 * n]
        z, r = self.recurrent_activation(x_z + inner_z), self.recurrent_activation(x_r + inner_r)
        recurrent = r * inner[:, 2 * n :] if self.reset_after else dot(r * state, self.recurrent_kernel[:, 2 * n :])
        return z, self.activation(x_h + recurrent)


@export("keras.layers.LSTMCell")
class LSTMCell(_Cell):
    """A step of an LSTM. Source: TF 1.15 `tf.keras.layers.LSTMCell`."""

    gates = 4

    def __init__(
        self, units: Any, activation: Any = "tanh", recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: Any = 0.0, recurrent_dropout: Any = 0.0,
        implementation: int = 1, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(locals())

    @property
    def state_size(self) -> Any:
        """The sizes of the output and of the memory."""
        return [self.units, self.units]

    @property
    def _first_bias(self) -> Any:
        """Ones for the gate that forgets."""
        if not self.unit_forget_bias:
            return self.bias_initializer

        def first(_: Any, *args: Any, **kwargs: Any) -> Any:
            sizes = ((self.bias_initializer, 1), (Ones(), 1), (self.bias_initializer, 2))
            return tf.concat([make((self.units * n,), *args, **kwargs) for make, n in sizes], 0)

        return first

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """(output, [output, memory])."""
        before, memory = states[0], states[1]
        compute = self._by_gate if self.implementation == 1 else self._at_once
        memory, o = compute(inputs, before, memory, training)
        h = o * self.activation(memory)
        return h, [h, memory]

    def _by_gate(self, inputs: Any, before: Any, memory: Any, training: Any) -> Any:
        self._mask("dropout", inputs, training)
        self._mask("recurrent_dropout", before, training)
        given = self._dropped("dropout", inputs, training)
        x = [dot(g, k) for g, k in zip(given, tf.split(self.kernel, num_or_size_splits=4, axis=1), strict=True)]
        if self.use_bias:
            biases = tf.split(self.bias, num_or_size_splits=4, axis=0)
            x = [backend_nn.bias_add(v, b) for v, b in zip(x, biases, strict=True)]
        states = self._dropped("recurrent_dropout", before, training)
        n, kernel = self.units, self.recurrent_kernel
        i = self.recurrent_activation(x[0] + dot(states[0], kernel[:, :n]))
        f = self.recurrent_activation(x[1] + dot(states[1], kernel[:, n : n * 2]))
        memory = f * memory + i * self.activation(x[2] + dot(states[2], kernel[:, n * 2 : n * 3]))
        return memory, self.recurrent_activation(x[3] + dot(states[3], kernel[:, n * 3 :]))

    def _at_once(self, inputs: Any, before: Any, memory: Any, training: Any) -> Any:
        z = dot(self._once_dropped("dropout", inputs, training), self.kernel)
        z += dot(self._once_dropped("recurrent_dropout", before, training), self.recurrent_kernel)
        if self.use_bias:
            z = backend_nn.bias_add(z, self.bias)
        z0, z1, z2, z3 = tf.split(z, num_or_size_splits=4, axis=1)
        i = self.recurrent_activation(z0)
        f = self.recurrent_activation(z1)
        memory = f * memory + i * self.activation(z2)
        return memory, self.recurrent_activation(z3)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros."""
        return list(first_states(self, inputs, batch_size, dtype))


@export("keras.layers.StackedRNNCells")
class StackedRNNCells(Layer):
    """Cells one on top of another, as one cell. Source: TF 1.15 `tf.keras.layers.StackedRNNCells`."""

    def __init__(self, cells: Any, **kwargs: Any):
        for cell in cells:
            if not hasattr(cell, "call"):
                raise ValueError("All cells must have a `call` method. received cells:", cells)
            if not hasattr(cell, "state_size"):
                raise ValueError("All cells must have a `state_size` attribute. received cells:", cells)
        self.cells = list(cells)
        self.reverse_state_order = kwargs.pop("reverse_state_order", False)
        super().__init__(**kwargs)

    @property
    def _ordered(self) -> list[Any]:
        return self.cells[::-1] if self.reverse_state_order else self.cells

    @property
    def state_size(self) -> Any:
        """The sizes of all states."""
        return tuple(cell.state_size for cell in self._ordered)

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return size_of_output(self.cells[-1])

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros."""
        given = {"inputs": inputs, "batch_size": batch_size, "dtype": dtype}
        return tuple(
            cell.get_initial_state(**given) if hasattr(cell, "get_initial_state") else first_states(cell, **given)
            for cell in self._ordered
        )

    def call(self, inputs: Any, states: Any, constants: Any = None, **kwargs: Any) -> Any:
        """(output, new states)."""
        sizes = self.state_size[::-1] if self.reverse_state_order else self.state_size
        made = []
        for cell, own in zip(self.cells, nest.pack_sequence_as(sizes, nest.flatten(states)), strict=True):
            own = own if nest.is_sequence(own) else [own]
            if len(own) == 1 and getattr(cell, "_is_tf_rnn_cell", None) is not None:
                own = own[0]
            more = {**kwargs, "constants": constants} if takes(cell.call, "constants") else kwargs
            more = {k: v for k, v in more.items() if takes(cell.call, k)}
            inputs, new = cell.call(inputs, own, **more)
            made.append(new)
        return inputs, nest.pack_sequence_as(sizes, nest.flatten(made))

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Builds the cells."""
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], *tf.TensorShape(size_of_output(cell)).as_list())
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """What the cells were made with."""
        cells = [{"class_name": type(cell).__name__, "config": cell.get_config()} for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Cells from `get_config`."""
        from retrograph.keras.layer_registry import deserialize

        config = dict(config)
        cells = [deserialize(cell, custom_objects=custom_objects) for cell in config.pop("cells")]
        return cls(cells, **config)
