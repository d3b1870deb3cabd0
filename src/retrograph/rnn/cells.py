"""The cells of `tf.nn.rnn_cell`: one step of a recurrent network each."""

from __future__ import annotations

import collections
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.rnn.sizes import zeros_of
from retrograph.variables import initializers

_KERNEL, _BIAS = "kernel", "bias"


def as_activation(activation: Any, default: Any = None) -> Any:
    """The function of an activation, which may be given by name; the default where there is none."""
    if not activation:
        return tf.tanh if default is None else default
    if callable(activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(f"Could not interpret activation function identifier: {activation!r}")
    for home in (tf.nn, tf):
        found = getattr(home, activation, None)
        if found is not None:
            return found
    raise ValueError(f"Unknown activation function:{activation}")


# Names of variables, and of the error about what is no cell, by which code beside the cells knows them.
_WEIGHTS_VARIABLE_NAME = "kernel"
_BIAS_VARIABLE_NAME = "bias"
ASSERT_LIKE_RNNCELL_ERROR_REGEXP = "is not an RNNCell"


def known_depth(shape: Any) -> int:
    """The size of the last axis; ValueError where it is not known."""
    depth = shape[-1] if isinstance(shape, (list, tuple)) else shape.as_list()[-1]
    if depth is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {shape}")
    return int(depth)


def assert_like_rnncell(cell_name: str, cell: Any) -> None:
    """Raises TypeError for an object that lacks what a cell must have."""
    conditions = (
        (hasattr(cell, "output_size"), "'output_size' property is missing"),
        (hasattr(cell, "state_size"), "'state_size' property is missing"),
        (
            hasattr(cell, "zero_state") or hasattr(cell, "get_initial_state"),
            "either 'zero_state' or 'get_initial_state' method is required",
        ),
        (callable(cell), "is not callable"),
    )
    missing = [text for fulfilled, text in conditions if not fulfilled]
    if missing:
        raise TypeError(f"The argument {cell_name!r} ({cell}) is not an RNNCell: {', '.join(missing)}.")


_Pair = collections.namedtuple("LSTMStateTuple", ("c", "h"))  # type: ignore[name-match]


@export("nn.rnn_cell.LSTMStateTuple", "contrib.rnn.LSTMStateTuple")
class LSTMStateTuple(_Pair):
    """The state of an LSTM: `c` the cell's memory, `h` its output. Source: TF 1.15 `tf.nn.rnn_cell.LSTMStateTuple`."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        """The dtype of both parts; TypeError where they differ."""
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


@export("nn.rnn_cell.RNNCell", "contrib.rnn.RNNCell")
class RNNCell(Layer):
    """The base of cells: `output, next_state = cell(inputs, state)`.

    Subclasses define `state_size`, `output_size` and `call(inputs, state)`; variables made there by `tf.get_variable` become the cell's. Source: TF 1.15 `tf.nn.rnn_cell.RNNCell`.
    """

    def __init__(self, trainable: bool = True, name: Any = None, dtype: Any = None, **kwargs: Any):
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        self._is_tf_rnn_cell = True

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the next state for inputs f[batch, n] and a state. `scope` may name the variable scope."""
        if scope is not None:
            with tf.variable_scope(scope, custom_getter=self._rnn_get_variable) as opened:
                return super().__call__(inputs, state, scope=opened)
        # The getter's scope is kept, so that every call of the cell opens the scope of its first call.
        kept = self.__dict__.get("rnncell_scope")
        if kept is None:
            kept = tf.variable_scope(tf.get_variable_scope(), custom_getter=self._rnn_get_variable)
            self.rnncell_scope = kept
        with kept:
            return super().__call__(inputs, state)

    def _rnn_get_variable(self, getter: Any, *args: Any, **kwargs: Any) -> Any:
        variable = getter(*args, **kwargs)
        trained = any(v is variable for v in tf.trainable_variables())
        known = self._trainable_weights if trained else self._non_trainable_weights
        if not any(v is variable for v in self._trainable_weights + self._non_trainable_weights):
            known.append(variable)
        return variable

    @property
    def state_size(self) -> Any:
        """The size of the state: an int, a TensorShape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output: an int or a TensorShape."""
        raise NotImplementedError("Abstract method")

    def build(self, input_shape: Any) -> None:
        """Nothing: such a cell makes its variables while it computes."""

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The zero state for inputs, or for a batch size and a dtype.

        Raises ValueError: neither is given, or they do not agree.
        """
        if inputs is not None:
            inputs = tf.convert_to_tensor(inputs, name="inputs")
            batch_size = self._agreed(batch_size, inputs)
            if dtype is not None and inputs.dtype != dtype:
                raise ValueError(
                    f"dtype from input tensor is different from the value passed in. Input tensor dtype: {inputs.dtype}, value passed in: {dtype}"
                )
            dtype = inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                f"batch_size and dtype cannot be None while constructing initial state: batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    @staticmethod
    def _agreed(given: Any, inputs: Any) -> Any:
        static = inputs.shape.with_rank_at_least(1).as_list()[0]
        known = constant_value(given) if isinstance(given, tf.Tensor) else given
        if given is not None and known != static:
            raise ValueError(
                f"batch size from input tensor is different from the input param. Input tensor batch: {static}, batch_size: {given}"
            )
        return tf.shape(inputs)[0] if static is None else static

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros in the structure of `state_size`, each f[batch_size, size]."""
        with tf.name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return zeros_of(self.state_size, batch_size, dtype)

    def get_config(self) -> dict[str, Any]:
        """What the cell was made with."""
        return super().get_config()


@export("contrib.rnn.LayerRNNCell")
class LayerRNNCell(RNNCell):
    """A cell that makes its variables in `build`, as layers do. Source: TF 1.15 `tf.contrib.rnn.LayerRNNCell`."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The output and the next state for inputs f[batch, n] and a state."""
        return Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)


def _check_floating(dtype: Any) -> None:
    if dtype is None:
        return
    dtype = tf.as_dtype(dtype)
    if not (dtype.is_floating or dtype.is_complex):
        raise ValueError(f"RNN cell only supports floating point inputs, but saw dtype: {dtype}")


class _UnitsCell(LayerRNNCell):
    """A cell whose output has `num_units` numbers; ValueError for types that are no floating point."""

    def __init__(self, num_units: Any, activation: Any, reuse: Any, name: Any, dtype: Any, **kwargs: Any):
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        _check_floating(self.dtype)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._activation = as_activation(activation)

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def get_config(self) -> dict[str, Any]:
        """What the cell was made with."""
        own = {
            "num_units": self._num_units,
            "activation": getattr(self._activation, "__name__", None),
            "reuse": self._reuse,
        }
        return {**super().get_config(), **own}

    def _depth(self, input_shape: Any) -> int:
        depth = known_depth(input_shape)
        _check_floating(self.dtype)
        return depth

    @staticmethod
    def _check_inputs(inputs: Any, state: Any) -> None:
        for part in nest.flatten([inputs, state]):
            _check_floating(part.dtype)

    def _add_kernel_and_bias(
        self, rows: int, columns: int, prefix: str = "", initializer: Any = None
    ) -> tuple[Any, Any]:
        return (
            self.add_variable(prefix + _KERNEL, shape=[rows, columns], initializer=initializer),
            self.add_variable(
                prefix + _BIAS, shape=[columns], initializer=tf.zeros_initializer(dtype=tf.as_dtype(self.dtype))
            ),
        )


@export("nn.rnn_cell.BasicRNNCell", "contrib.rnn.BasicRNNCell")
class BasicRNNCell(_UnitsCell):
    """`output = state = activation(W [inputs, state] + b)`. Source: TF 1.15 `tf.nn.rnn_cell.BasicRNNCell`."""

    def __init__(
        self,
        num_units: Any,
        activation: Any = None,
        reuse: Any = None,
        name: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(num_units, activation, reuse, name, dtype, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Makes kernel f[n + num_units, num_units] and bias."""
        self._kernel, self._bias = self._add_kernel_and_bias(
            self._depth(input_shape) + self._num_units, self._num_units
        )
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, twice."""
        self._check_inputs(inputs, state)
        output = self._activation(tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), self._kernel), self._bias))
        return output, output


@export("nn.rnn_cell.GRUCell", "contrib.rnn.GRUCell")
class GRUCell(_UnitsCell):
    """Gated recurrent unit: gates r and u, then `u * state + (1 - u) * candidate`. Source: TF 1.15 `tf.nn.rnn_cell.GRUCell`."""

    def __init__(
        self, num_units: Any, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None, bias_initializer: Any = None, name: Any = None, dtype: Any = None,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: Any) -> None:
        """Makes kernels and biases of the gates and of the candidate."""
        rows, units, dtype = self._depth(input_shape) + self._num_units, self._num_units, tf.as_dtype(self.dtype)
        self._gate_kernel, self._gate_bias = self._pair(
            "gates", rows, 2 * units, tf.constant_initializer(1.0, dtype=dtype)
        )
        self._candidate_kernel, self._candidate_bias = self._pair(
            "candidate", rows, units, tf.zeros_initializer(dtype=dtype)
        )
        self.built = True

    def _pair(self, name: str, rows: int, columns: int, bias: Any) -> tuple[Any, Any]:
        given = self._bias_initializer
        return (
            self.add_variable(f"{name}/{_KERNEL}", shape=[rows, columns], initializer=self._kernel_initializer),
            self.add_variable(f"{name}/{_BIAS}", shape=[columns], initializer=bias if given is None else given),
        )

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice."""
        self._check_inputs(inputs, state)
        gates = tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), self._gate_kernel), self._gate_bias)
        r, u = tf.split(value=tf.sigmoid(gates), num_or_size_splits=2, axis=1)
        candidate = tf.matmul(tf.concat([inputs, r * state], 1), self._candidate_kernel)
        c = self._activation(tf.nn.bias_add(candidate, self._candidate_bias))
        new = u * state + (1 - u) * c
        return new, new

    def get_config(self) -> dict[str, Any]:
        """What the cell was made with."""
        own = {"kernel_initializer": self._kernel_initializer, "bias_initializer": self._bias_initializer}
        return {**super().get_config(), **own}


def _warn_of_joined_state(cell: Any, state_is_tuple: bool) -> None:
    if not state_is_tuple:
        tf.logging.warn(
            "%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.", cell
        )


@export("nn.rnn_cell.BasicLSTMCell", "contrib.rnn.BasicLSTMCell")
class BasicLSTMCell(_UnitsCell):
    """Long short-term memory without peepholes, clipping or projection. Source: TF 1.15 `tf.nn.rnn_cell.BasicLSTMCell`."""

    def __init__(
        self, num_units: Any, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
        _warn_of_joined_state(self, state_is_tuple)
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`, or of both together."""
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    def build(self, input_shape: Any) -> None:
        """Makes kernel f[n + num_units, 4 * num_units] and bias."""
        rows = self._depth(input_shape) + self._num_units
        self._kernel, self._bias = self._add_kernel_and_bias(rows, 4 * self._num_units)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output `h`, and the new state."""
        self._check_inputs(inputs, state)
        one = tf.constant(1, dtype=tf.int32)
        c, h = state if self._state_is_tuple else tf.split(value=state, num_or_size_splits=2, axis=one)
        gates = tf.nn.bias_add(tf.matmul(tf.concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = tf.split(value=gates, num_or_size_splits=4, axis=one)
        forget = tf.constant(self._forget_bias, dtype=f.dtype)
        kept = tf.multiply(c, tf.sigmoid(tf.add(f, forget)))
        new_c = tf.add(kept, tf.multiply(tf.sigmoid(i), self._activation(j)))
        new_h = tf.multiply(self._activation(new_c), tf.sigmoid(o))
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else tf.concat([new_c, new_h], 1)

    def get_config(self) -> dict[str, Any]:
        """What the cell was made with."""
        return {**super().get_config(), "forget_bias": self._forget_bias, "state_is_tuple": self._state_is_tuple}


@export("nn.rnn_cell.LSTMCell", "contrib.rnn.LSTMCell")
class LSTMCell(_UnitsCell):
    """Long short-term memory with peepholes, clipping and a projection of the output. Source: TF 1.15 `tf.nn.rnn_cell.LSTMCell`."""

    def __init__(
        self, num_units: Any, use_peepholes: bool = False, cell_clip: Any = None, initializer: Any = None, num_proj: Any = None, proj_clip: Any = None, num_unit_shards: Any = None,
        num_proj_shards: Any = None, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
        _warn_of_joined_state(self, state_is_tuple)
        self._use_peepholes, self._cell_clip, self._proj_clip = use_peepholes, cell_clip, proj_clip
        self._initializer = initializers.get(initializer)
        self._num_proj, self._num_unit_shards, self._num_proj_shards = num_proj, num_unit_shards, num_proj_shards
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self._output_size = num_proj or num_units
        sizes = LSTMStateTuple(num_units, self._output_size)
        self._state_size = sizes if state_is_tuple else sum(sizes)

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`, or of both together."""
        return self._state_size

    @property
    def output_size(self) -> Any:
        """The size of the output: that of the projection if there is one."""
        return self._output_size

    def build(self, input_shape: Any) -> None:
        """Makes kernel, bias, and what peepholes and projection need."""
        units = self._num_units
        self._kernel = self.add_variable(
            _KERNEL,
            shape=[self._depth(input_shape) + self._output_size, 4 * units],
            initializer=self._initializer,
            partitioner=_sharded(self._num_unit_shards),
        )
        bias = None if self.dtype is None else tf.zeros_initializer(dtype=tf.as_dtype(self.dtype))
        self._bias = self.add_variable(_BIAS, shape=[4 * units], initializer=bias)
        if self._use_peepholes:
            self._w_f_diag, self._w_i_diag, self._w_o_diag = (
                self.add_variable(f"w_{gate}_diag", shape=[units], initializer=self._initializer) for gate in "fio"
            )
        if self._num_proj is not None:
            self._proj_kernel = self.add_variable(
                f"projection/{_KERNEL}",
                shape=[units, self._num_proj],
                initializer=self._initializer,
                partitioner=_sharded(self._num_proj_shards),
            )
        self.built = True

    def _parts(self, state: Any) -> Any:
        if self._state_is_tuple:
            return state
        return tf.slice(state, [0, 0], [-1, self._num_units]), tf.slice(
            state, [0, self._num_units], [-1, self._output_size]
        )

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        self._check_inputs(inputs, state)
        c_prev, m_prev = self._parts(state)
        if inputs.get_shape().with_rank(2).as_list()[1] is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        gates = tf.nn.bias_add(tf.matmul(tf.concat([inputs, m_prev], 1), self._kernel), self._bias)
        i, j, f, o = tf.split(value=gates, num_or_size_splits=4, axis=1)
        c = self._memory(c_prev, i, j, f)
        m = tf.sigmoid(o + self._w_o_diag * c if self._use_peepholes else o) * self._activation(c)
        m = self._projected(m)
        return m, LSTMStateTuple(c, m) if self._state_is_tuple else tf.concat([c, m], 1)

    def _memory(self, c_prev: Any, i: Any, j: Any, f: Any) -> Any:
        peeps = self._use_peepholes
        forget = f + self._forget_bias
        kept = tf.sigmoid(forget + self._w_f_diag * c_prev if peeps else forget) * c_prev
        c = kept + tf.sigmoid(i + self._w_i_diag * c_prev if peeps else i) * self._activation(j)
        return c if self._cell_clip is None else tf.clip_by_value(c, -self._cell_clip, self._cell_clip)

    def _projected(self, m: Any) -> Any:
        if self._num_proj is None:
            return m
        m = tf.matmul(m, self._proj_kernel)
        return m if self._proj_clip is None else tf.clip_by_value(m, -self._proj_clip, self._proj_clip)

    def get_config(self) -> dict[str, Any]:
        """What the cell was made with."""
        names = (
            "use_peepholes", "cell_clip", "initializer", "num_proj", "proj_clip", "num_unit_shards", "num_proj_shards",
            "forget_bias", "state_is_tuple",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, f"_{name}") for name in names}}


def _sharded(shards: Any) -> Any:
    return tf.fixed_size_partitioner(shards) if shards else None


@export("nn.rnn_cell.MultiRNNCell", "contrib.rnn.MultiRNNCell")
class MultiRNNCell(RNNCell):
    """Cells one upon another: the output of each is the input of the next. Source: TF 1.15 `tf.nn.rnn_cell.MultiRNNCell`."""

    def __init__(self, cells: Any, state_is_tuple: bool = True):
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_sequence(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if len({id(cell) for cell in cells}) < len(cells):
            tf.logging.log_first_n(
                tf.logging.WARN,
                "At least two cells provided to MultiRNNCell are the same object and will share weights.",
                1,
            )
        self._cells = cells
        for i, cell in enumerate(cells):
            self._track_part(f"cell-{i}", cell)
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(nest.is_sequence(c.state_size) for c in cells):
            raise ValueError(
                f"Some cells return tuples of states, but the flag state_is_tuple is not set.  State sizes are: {[c.state_size for c in cells]}"
            )

    @property
    def state_size(self) -> Any:
        """The sizes of the states of all cells."""
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero states of all cells."""
        with tf.name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    @property
    def trainable_weights(self) -> list[Any]:
        """The trained variables of all cells."""
        if not self.trainable:
            return []
        return [w for cell in self._cells if isinstance(cell, Layer) for w in cell.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables of all cells."""
        layers = [cell for cell in self._cells if isinstance(cell, Layer)]
        fixed = [w for cell in layers for w in cell.non_trainable_weights]
        return fixed if self.trainable else [w for cell in layers for w in cell.trainable_weights] + fixed

    @property
    def weights(self) -> list[Any]:
        """The variables of all cells, the trained ones first."""
        return self.trainable_weights + self.non_trainable_weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def call(self, inputs: Any, state: Any) -> Any:
        """The last cell's output, and the new states of all."""
        if self._state_is_tuple and not nest.is_sequence(state):
            raise ValueError(f"Expected state to be a tuple of length {len(self.state_size)}, but received: {state}")
        position, current, new = 0, inputs, []
        for i, cell in enumerate(self._cells):
            with tf.variable_scope(f"cell_{i}"):
                if self._state_is_tuple:
                    own = state[i]
                else:
                    own = tf.slice(state, [0, position], [-1, cell.state_size])
                    position += cell.state_size
                current, after = cell(current, own)
                new.append(after)
        return current, tuple(new) if self._state_is_tuple else tf.concat(new, 1)

    def get_config(self) -> dict[str, Any]:
        """What the cell was made with."""
        cells = [{"class_name": type(cell).__name__, "config": cell.get_config()} for cell in self._cells]
        return {**super().get_config(), "cells": cells}
