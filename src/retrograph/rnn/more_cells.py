"""Cells of `tf.contrib.rnn` for images, several frequencies, groups of units, and simple recurrences."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec
from retrograph.rnn.cells import LayerRNNCell, LSTMStateTuple, RNNCell, assert_like_rnncell, known_depth
from retrograph.rnn.linear import Linear
from retrograph.rnn.sharding import joined_variable

_JOINED = "%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True."


class _OneSize(LayerRNNCell):
    """A cell whose state and output have `num_units` numbers, with an activation."""

    def __init__(self, num_units: int, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = num_units
        self._activation = activation or tf.tanh

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def _own_weights(self, name: str, count: int) -> Any:
        """Weights by which each unit takes its own state alone."""
        initializer = tf.random_uniform_initializer(minval=-1, maxval=1, dtype=self.dtype)
        return self.add_variable(name, shape=[1, count], initializer=initializer)

    def _zeros_or(self, given: Any, default: Any = None) -> Any:
        if given is not None:
            return given
        return tf.zeros_initializer(dtype=self.dtype) if default is None else default


@export("contrib.rnn.SRUCell")
class SRUCell(_OneSize):
    """Simple recurrent unit. Source: TF 1.15 `tf.contrib.rnn.SRUCell`."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: Any = None, **kwargs: Any):
        super().__init__(num_units, activation, _reuse=reuse, name=name, **kwargs)

    def build(self, inputs_shape: Any) -> None:
        """Makes kernel and bias."""
        depth = known_depth(inputs_shape)
        self._kernel = self.add_variable("kernel", shape=[depth, 4 * self._num_units])
        self._bias = self.add_variable("bias", shape=[2 * self._num_units], initializer=tf.zeros_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        parts = tf.split(value=tf.matmul(inputs, self._kernel), num_or_size_splits=4, axis=1)
        candidate, f, r, through = parts
        gates = tf.sigmoid(tf.nn.bias_add(tf.concat([f, r], 1), self._bias))
        f, r = tf.split(value=gates, num_or_size_splits=2, axis=1)
        c = f * state + (1.0 - f) * candidate
        return r * self._activation(c) + (1.0 - r) * through, c


@export("contrib.rnn.IndRNNCell")
class IndRNNCell(_OneSize):
    """A network in which each unit sees its own state alone. Source: TF 1.15 `tf.contrib.rnn.IndRNNCell`."""

    def __init__(self, num_units: int, activation: Any = None, reuse: Any = None, name: Any = None, dtype: Any = None):
        super().__init__(num_units, activation, _reuse=reuse, name=name, dtype=dtype)

    def build(self, inputs_shape: Any) -> None:
        """Makes kernels and bias."""
        units = self._num_units
        self._kernel_w = self.add_variable("kernel_w", shape=[known_depth(inputs_shape), units])
        self._kernel_u = self._own_weights("kernel_u", units)
        self._bias = self.add_variable("bias", shape=[units], initializer=self._zeros_or(None))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, twice."""
        total = tf.matmul(inputs, self._kernel_w) + state * self._kernel_u
        output = self._activation(tf.nn.bias_add(total, self._bias))
        return output, output


@export("contrib.rnn.IndyGRUCell")
class IndyGRUCell(_OneSize):
    """A GRU in which each unit sees its own state alone. Source: TF 1.15 `tf.contrib.rnn.IndyGRUCell`."""

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None, bias_initializer: Any = None, name: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__(num_units, activation, _reuse=reuse, name=name, dtype=dtype)
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    def build(self, inputs_shape: Any) -> None:
        """Makes kernels and biases of the gates and of the candidate."""
        depth, units, given = known_depth(inputs_shape), self._num_units, self._bias_initializer
        initializer = self._kernel_initializer
        ones = tf.constant_initializer(1.0, dtype=self.dtype)
        self._gate_kernel_w = self.add_variable("gates/kernel_w", shape=[depth, 2 * units], initializer=initializer)
        self._gate_kernel_u = self._own_weights("gates/kernel_u", 2 * units)
        self._gate_bias = self.add_variable("gates/bias", shape=[2 * units], initializer=self._zeros_or(given, ones))
        self._candidate_kernel_w = self.add_variable("candidate/kernel", shape=[depth, units], initializer=initializer)
        self._candidate_kernel_u = self._own_weights("candidate/kernel_u", units)
        self._candidate_bias = self.add_variable("candidate/bias", shape=[units], initializer=self._zeros_or(given))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice."""
        gates = tf.matmul(inputs, self._gate_kernel_w) + tf.tile(state, [1, 2]) * self._gate_kernel_u
        gates = tf.sigmoid(tf.nn.bias_add(gates, self._gate_bias))
        r, u = tf.split(value=gates, num_or_size_splits=2, axis=1)
        candidate = tf.matmul(inputs, self._candidate_kernel_w) + r * state * self._candidate_kernel_u
        c = self._activation(tf.nn.bias_add(candidate, self._candidate_bias))
        new = u * state + (1 - u) * c
        return new, new


@export("contrib.rnn.IndyLSTMCell")
class IndyLSTMCell(_OneSize):
    """An LSTM in which each unit sees its own state alone. Source: TF 1.15 `tf.contrib.rnn.IndyLSTMCell`."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None, bias_initializer: Any = None, name: Any = None,
        dtype: Any = None,
    ):  # fmt: skip
        super().__init__(num_units, activation, _reuse=reuse, name=name, dtype=dtype)
        self._forget_bias = forget_bias
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    def build(self, inputs_shape: Any) -> None:
        """Makes kernels and bias."""
        depth, count = known_depth(inputs_shape), 4 * self._num_units
        self._kernel_w = self.add_variable("kernel_w", shape=[depth, count], initializer=self._kernel_initializer)
        self._kernel_u = self._own_weights("kernel_u", count)
        self._bias = self.add_variable("bias", shape=[count], initializer=self._zeros_or(self._bias_initializer))
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output `h`, and the new state."""
        one = tf.constant(1, dtype=tf.int32)
        c, h = state
        gates = tf.matmul(inputs, self._kernel_w)
        gates += tf.tile(h, [1, 4]) * self._kernel_u
        gates = tf.nn.bias_add(gates, self._bias)
        i, j, f, o = tf.split(value=gates, num_or_size_splits=4, axis=one)
        forget = tf.constant(self._forget_bias, dtype=f.dtype)
        kept = tf.multiply(c, tf.sigmoid(tf.add(f, forget)))
        new_c = tf.add(kept, tf.multiply(tf.sigmoid(i), self._activation(j)))
        new_h = tf.multiply(self._activation(new_c), tf.sigmoid(o))
        return new_h, LSTMStateTuple(new_c, new_h)


@export("contrib.rnn.ConvLSTMCell")
class ConvLSTMCell(RNNCell):
    """An LSTM over images f[batch, ..., channels]: its maps are convolutions. Source: TF 1.15 `tf.contrib.rnn.ConvLSTMCell`."""

    def __init__(
        self, conv_ndims: int, input_shape: Any, output_channels: int, kernel_shape: Any, use_bias: bool = True, skip_connection: bool = False, forget_bias: float = 1.0,
        initializers: Any = None, name: Any = "conv_lstm_cell",
    ):  # fmt: skip
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._conv_ndims, self._input_shape, self._output_channels = conv_ndims, input_shape, output_channels
        self._kernel_shape, self._use_bias, self._forget_bias = list(kernel_shape), use_bias, forget_bias
        self._skip_connection = skip_connection
        channels = output_channels + (input_shape[-1] if skip_connection else 0)
        size = tf.TensorShape([*input_shape[:-1], output_channels])
        self._state_size = LSTMStateTuple(size, size)
        self._output_size = tf.TensorShape([*input_shape[:-1], channels])

    @property
    def output_size(self) -> Any:
        """The shape of the output of one row."""
        return self._output_size

    @property
    def state_size(self) -> Any:
        """The shapes of `c` and `h` of one row."""
        return self._state_size

    def call(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output, and the new state."""
        cell, hidden = state
        maps = _convolved([inputs, hidden], self._kernel_shape, 4 * self._output_channels, self._use_bias)
        i, j, f, o = tf.split(value=maps, num_or_size_splits=4, axis=self._conv_ndims + 1)
        new_cell = tf.sigmoid(f + self._forget_bias) * cell
        new_cell += tf.sigmoid(i) * tf.tanh(j)
        output = tf.tanh(new_cell) * tf.sigmoid(o)
        if self._skip_connection:
            output = tf.concat([output, inputs], axis=-1)
        return output, LSTMStateTuple(new_cell, output)


def _convolved(args: list[Any], kernel_shape: list[int], features: int, bias: bool) -> Any:
    shapes = [a.shape.as_list() for a in args]
    rank = len(shapes[0])
    if any(len(shape) not in (3, 4, 5) for shape in shapes):
        raise ValueError(f"Conv Linear expects 3D, 4D or 5D arguments: {shapes}")
    if any(len(shape) != rank for shape in shapes):
        raise ValueError(f"Conv Linear expects all args to be of same Dimension: {shapes}")
    convolution = {3: tf.nn.conv1d, 4: tf.nn.conv2d, 5: tf.nn.conv3d}[rank]
    dtype = args[0].dtype
    depth = sum(shape[-1] for shape in shapes)
    kernel = tf.get_variable("kernel", [*kernel_shape, depth, features], dtype=dtype)
    joined = args[0] if len(args) == 1 else tf.concat(axis=rank - 1, values=args)
    result = convolution(joined, kernel, 1 if rank == 3 else rank * [1], padding="SAME")
    if not bias:
        return result
    zero = tf.constant_initializer(0.0, dtype=dtype)
    return result + tf.get_variable("biases", [features], dtype=dtype, initializer=zero)


@export("contrib.rnn.Conv1DLSTMCell")
class Conv1DLSTMCell(ConvLSTMCell):
    """`ConvLSTMCell` over f[batch, width, channels]. Source: TF 1.15 `tf.contrib.rnn.Conv1DLSTMCell`."""

    def __init__(self, name: Any = "conv_1d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=1, name=name, **kwargs)


@export("contrib.rnn.Conv2DLSTMCell")
class Conv2DLSTMCell(ConvLSTMCell):
    """`ConvLSTMCell` over f[batch, height, width, channels]. Source: TF 1.15 `tf.contrib.rnn.Conv2DLSTMCell`."""

    def __init__(self, name: Any = "conv_2d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=2, name=name, **kwargs)


@export("contrib.rnn.Conv3DLSTMCell")
class Conv3DLSTMCell(ConvLSTMCell):
    """`ConvLSTMCell` over f[batch, depth, height, width, channels]. Source: TF 1.15 `tf.contrib.rnn.Conv3DLSTMCell`."""

    def __init__(self, name: Any = "conv_3d_lstm_cell", **kwargs: Any):
        super().__init__(conv_ndims=3, name=name, **kwargs)


class _Plain(RNNCell):
    """A cell that makes no scope of its own around another."""

    _cell: Any

    @property
    def state_size(self) -> Any:
        """The size of the state of the cell inside."""
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        """The size of the output of the cell inside."""
        return self._cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero state of the cell inside."""
        with tf.name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)


@export("contrib.rnn.HighwayWrapper")
class HighwayWrapper(_Plain):
    """Lets inputs pass a cell by, as far as a gate says. Source: TF 1.15 `tf.contrib.rnn.HighwayWrapper`."""

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0):
        assert_like_rnncell("cell", cell)
        self._cell, self._coupled, self._carry_bias_init = cell, couple_carry_transform_gates, carry_bias_init

    def _gate(self, name: str, value: Any, bias: float) -> Any:
        size = value.get_shape().with_rank(2).as_list()[1]
        weight = tf.get_variable(f"{name}_w", [size, size])
        offset = tf.get_variable(f"{name}_b", [size], initializer=tf.constant_initializer(bias))
        return tf.sigmoid(tf.nn.xw_plus_b(value, weight, offset))

    def _highway(self, value: Any, output: Any) -> Any:
        carry = self._gate("carry", value, self._carry_bias_init)
        transform = 1 - carry if self._coupled else self._gate("transform", value, -self._carry_bias_init)
        return value * carry + output * transform

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output, and the new state."""
        outputs, new_state = self._cell(inputs, state, scope=scope)
        nest.assert_same_structure(inputs, outputs)
        nest.map_structure(lambda x, y: x.shape.assert_is_compatible_with(y.shape), inputs, outputs)
        return nest.map_structure(self._highway, inputs, outputs), new_state


@export("contrib.rnn.CompiledWrapper")
class CompiledWrapper(_Plain):
    """A cell whose steps are compiled, which all are here. Source: TF 1.15 `tf.contrib.rnn.CompiledWrapper`."""

    def __init__(self, cell: Any, compile_stateful: bool = False):
        self._cell, self._compile_stateful = cell, compile_stateful

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output, and the new state."""
        return self._cell(inputs, state, scope=scope)


def _log_uniform(low: float, high: float) -> Any:
    def initializer(shape: Any, dtype: Any = tf.float32, partition_info: Any = None) -> Any:
        return tf.exp(tf.random_uniform(shape, tf.log(low), tf.log(high), dtype))

    return initializer


@export("contrib.rnn.PhasedLSTMCell")
class PhasedLSTMCell(RNNCell):
    """An LSTM whose units are open part of a cycle of time; inputs are (times f[batch, 1], f[batch, n]). Source: TF 1.15 `tf.contrib.rnn.PhasedLSTMCell`."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, leak: float = 0.001, ratio_on: float = 0.1, trainable_ratio_on: bool = True, period_init_min: float = 1.0,
        period_init_max: float = 1000.0, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse, autocast=False)
        self._num_units, self._use_peepholes, self._leak = num_units, use_peepholes, leak
        self._ratio_on, self._trainable_ratio_on = ratio_on, trainable_ratio_on
        self._periods = period_init_min, period_init_max
        self._maps: dict[str, Linear] = {}

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def _linear(self, name: str, args: list[Any], size: int) -> Any:
        with tf.variable_scope(name):
            if name not in self._maps:
                self._maps[name] = Linear(args, size, True)
            return self._maps[name](args)

    def _openness(self, time: Any) -> Any:
        units = [self._num_units]
        period = tf.get_variable("period", units, initializer=_log_uniform(*self._periods))
        phase = tf.get_variable("phase", units, initializer=tf.random_uniform_initializer(0.0, period.initial_value))
        ratio_on = tf.get_variable(
            "ratio_on", units, initializer=tf.constant_initializer(self._ratio_on), trainable=self._trainable_ratio_on
        )
        cycle = _cycle_ratio(time, phase, period)
        up = 2 * cycle / ratio_on
        k = tf.where(cycle < ratio_on, 2 - up, self._leak * cycle)
        return tf.where(cycle < 0.5 * ratio_on, up, k)

    def call(self, inputs: Any, state: Any) -> Any:
        """The output `h`, and the new state."""
        c_prev, h_prev = state
        time, x = inputs
        gate_args = [x, h_prev, *([c_prev] if self._use_peepholes else [])]
        gates = tf.sigmoid(self._linear("mask_gates", gate_args, 2 * self._num_units))
        i, f = tf.split(axis=1, num_or_size_splits=2, value=gates)
        new_input = tf.tanh(self._linear("new_input", [x, h_prev], self._num_units))
        new_c = c_prev * f + i * new_input
        out_args = [x, h_prev, *([new_c] if self._use_peepholes else [])]
        new_h = tf.tanh(new_c) * tf.sigmoid(self._linear("output_gate", out_args, self._num_units))
        k = self._openness(time)
        new_c = k * new_c + (1 - k) * c_prev
        new_h = k * new_h + (1 - k) * h_prev
        return new_h, LSTMStateTuple(new_c, new_h)


def _cycle_ratio(time: Any, phase: Any, period: Any) -> Any:
    phase, period = tf.cast(phase, dtype=time.dtype), tf.cast(period, dtype=time.dtype)
    shifted = time - phase
    # The gradient passes the remainder as if there were no jumps.
    remainder = tf.stop_gradient(tf.mod(shifted, period) - shifted) + shifted
    return tf.cast(remainder / period, dtype=tf.float32)


@export("contrib.rnn.IntersectionRNNCell")
class IntersectionRNNCell(RNNCell):
    """A cell with a gated state and a gated output. Source: TF 1.15 `tf.contrib.rnn.IntersectionRNNCell`."""

    def __init__(
        self, num_units: int, num_in_proj: Any = None, initializer: Any = None, forget_bias: float = 1.0, y_activation: Any = None, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._num_in_proj, self._initializer = num_units, num_in_proj, initializer
        self._forget_bias, self._y_activation = forget_bias, tf.nn.relu if y_activation is None else y_activation
        self._before: Any = None
        self._linear: Any = None

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def _projected(self, inputs: Any) -> Any:
        depth = inputs.get_shape().with_rank(2).as_list()[1]
        if depth is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        if depth == self._num_units:
            return inputs
        if not self._num_in_proj:
            raise ValueError(
                "Must have input size == output size for Intersection RNN. To fix, num_in_proj should be set to "
                "num_units at cell init."
            )
        with tf.variable_scope("in_projection"):
            if self._before is None:
                self._before = Linear(inputs, self._num_units, True)
            return self._before(inputs)

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        n = self._num_units
        with tf.variable_scope(tf.get_variable_scope(), initializer=self._initializer):
            inputs = self._projected(inputs)
            joined = tf.concat([inputs, state], 1)
            if self._linear is None:
                self._linear = Linear(joined, 4 * n, True)
            found = self._linear(joined)
            gh, h, gy, y = (found[:, k * n or None : (k + 1) * n] for k in range(4))
            h, y = tf.tanh(h), self._y_activation(y)
            gh, gy = tf.sigmoid(gh + self._forget_bias), tf.sigmoid(gy + self._forget_bias)
            new_state = gh * state + (1.0 - gh) * h
            return gy * inputs + (1.0 - gy) * y, new_state


@export("contrib.rnn.CoupledInputForgetGateLSTMCell")
class CoupledInputForgetGateLSTMCell(RNNCell):
    """An LSTM that takes in as much as it forgets. Source: TF 1.15 `tf.contrib.rnn.CoupledInputForgetGateLSTMCell`."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, initializer: Any = None, num_proj: Any = None, proj_clip: Any = None, num_unit_shards: int = 1,
        num_proj_shards: int = 1, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None, reuse: Any = None, layer_norm: bool = False,
        norm_gain: float = 1.0, norm_shift: float = 0.0,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        if not state_is_tuple:
            tf.logging.warn(_JOINED, self)
        self._num_units, self._use_peepholes, self._initializer = num_units, use_peepholes, initializer
        self._num_proj, self._proj_clip = num_proj, proj_clip
        self._shards, self._proj_shards = num_unit_shards, num_proj_shards
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self._activation = tf.tanh if activation is None else activation
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift
        self._output_size = num_proj or num_units

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`, or of both together."""
        if self._state_is_tuple:
            return LSTMStateTuple(self._num_units, self._output_size)
        return self._num_units + self._output_size

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._output_size

    def _norm(self, value: Any, scope: str) -> Any:
        if not self._layer_norm:
            return value
        shape = value.shape[-1:]
        with tf.variable_scope(scope):
            tf.get_variable("gamma", shape=shape, initializer=tf.constant_initializer(self._norm_gain))
            tf.get_variable("beta", shape=shape, initializer=tf.constant_initializer(self._norm_shift))
        return tf.contrib.layers.layer_norm(value, reuse=True, scope=scope)

    def _parts(self, state: Any) -> Any:
        if self._state_is_tuple:
            return state
        units = self._num_units
        return tf.slice(state, [0, 0], [-1, units]), tf.slice(state, [0, units], [-1, self._output_size])

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        c_prev, m_prev = self._parts(state)
        dtype, units = inputs.dtype, self._num_units
        depth = inputs.get_shape().with_rank(2).as_list()[1]
        if depth is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        weights = joined_variable("W", [depth + self._output_size, 3 * units], dtype, self._shards)
        b = tf.get_variable("B", shape=[3 * units], initializer=tf.zeros_initializer(), dtype=dtype)
        gates = tf.matmul(tf.concat([inputs, m_prev], 1), weights)
        if not self._layer_norm:
            gates = tf.nn.bias_add(gates, b)
        j, f, o = tf.split(value=gates, num_or_size_splits=3, axis=1)
        j, f, o = self._norm(j, "transform"), self._norm(f, "forget"), self._norm(o, "output")
        peeps = {
            gate: tf.get_variable(f"W_{gate}_diag", shape=[units], dtype=dtype)
            for gate in ("FO" if self._use_peepholes else "")
        }
        kept = tf.sigmoid(f + self._forget_bias + peeps["F"] * c_prev if peeps else f + self._forget_bias)
        c = self._norm(kept * c_prev + (1 - kept) * self._activation(j), "state")
        m = tf.sigmoid(o + peeps["O"] * c if peeps else o) * self._activation(c)
        m = self._projection(m, dtype)
        return m, LSTMStateTuple(c, m) if self._state_is_tuple else tf.concat([c, m], 1)

    def _projection(self, m: Any, dtype: Any) -> Any:
        if self._num_proj is None:
            return m
        m = tf.matmul(m, joined_variable("W_P", [self._num_units, self._num_proj], dtype, self._proj_shards))
        return m if self._proj_clip is None else tf.clip_by_value(m, -self._proj_clip, self._proj_clip)


@export("contrib.rnn.GLSTMCell")
class GLSTMCell(RNNCell):
    """An LSTM in groups that do not see each other. Source: TF 1.15 `tf.contrib.rnn.GLSTMCell`."""

    def __init__(
        self, num_units: int, initializer: Any = None, num_proj: Any = None, number_of_groups: int = 1, forget_bias: float = 1.0, activation: Any = None, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        if num_units % number_of_groups:
            raise ValueError("num_units must be divisible by number_of_groups")
        if num_proj and num_proj % number_of_groups:
            raise ValueError("num_proj must be divisible by number_of_groups")
        self._num_units, self._initializer, self._num_proj = num_units, initializer, num_proj
        self._groups, self._forget_bias = number_of_groups, forget_bias
        self._activation = tf.tanh if activation is None else activation
        self._output_size = num_proj or num_units
        self._maps: list[Any] = [None] * number_of_groups
        self._projection: Any = None

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._output_size)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._output_size

    def _group(self, inputs: Any, m_prev: Any, k: int, rows: Any) -> Any:
        sizes = inputs.shape.as_list()[-1] // self._groups, self._output_size // self._groups
        name = f"GLSTM_group{k}_input_generation"
        with tf.variable_scope(f"group{k}"):
            parts = [
                tf.slice(value, [0, k * size], [rows, size], name=name)
                for value, size in zip((inputs, m_prev), sizes, strict=True)
            ]
            joined = tf.concat(parts, axis=1)
            if self._maps[k] is None:
                self._maps[k] = Linear(joined, 4 * (self._num_units // self._groups), False)
            return tf.split(self._maps[k](joined), 4, 1)

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        c_prev, m_prev = state
        rows, *_, depth = inputs.shape.as_list()
        rows = tf.shape(inputs)[0] if rows is None else rows
        if depth is None:
            raise ValueError("input size must be statically known")
        if depth % self._groups:
            raise ValueError(f"input size ({depth}) must be divisible by number_of_groups ({self._groups})")
        with tf.variable_scope(tf.get_variable_scope(), initializer=self._initializer):
            groups = [self._group(inputs, m_prev, k, rows) for k in range(self._groups)]
            zero = tf.constant_initializer(0.0, dtype=inputs.dtype)
            biases = [
                tf.get_variable(f"bias_{g}", shape=[self._num_units], dtype=inputs.dtype, initializer=zero)
                for g in "ijfo"
            ]
            i, j, f, o = (
                tf.nn.bias_add(tf.concat(list(parts), axis=1), bias)
                for parts, bias in zip(zip(*groups, strict=True), biases, strict=True)
            )
        c = tf.sigmoid(f + self._forget_bias) * c_prev + tf.sigmoid(i) * tf.tanh(j)
        m = tf.sigmoid(o) * self._activation(c)
        if self._num_proj is not None:
            with tf.variable_scope("projection"):
                if self._projection is None:
                    self._projection = Linear(m, self._num_proj, False)
                m = self._projection(m)
        return m, LSTMStateTuple(c, m)
