"""Cells that TF 1.15 has in `tensorflow.contrib.rnn.python.ops.rnn_cell` only: normed LSTMs, chaos-free and minimal networks."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.keras import activation_functions
from retrograph.layers.base_layer import InputSpec
from retrograph.rnn.cells import LayerRNNCell, LSTMStateTuple, RNNCell, known_depth
from retrograph.variables import initializers


class _NormedLSTMCell(RNNCell):
    """An LSTM with peepholes, clipping and a projection; what is normed is up to those who derive from it."""

    def __init__(
        self, num_units: int, use_peepholes: bool, cell_clip: Any, initializer: Any, num_proj: Any, proj_clip: Any, forget_bias: float, activation: Any, reuse: Any,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._initializer, self._num_proj, self._proj_clip = initializer, num_proj, proj_clip
        self._forget_bias, self._activation = forget_bias, activation or tf.tanh

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._num_proj or self._num_units)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_proj or self._num_units

    def _gates(self, inputs: Any, h: Any) -> list[Any]:
        raise NotImplementedError

    def _memory(self, c: Any) -> Any:
        return c

    def _project(self, h: Any) -> Any:
        raise NotImplementedError

    def _peephole(self, name: str, dtype: Any) -> Any:
        return tf.get_variable(name, shape=[self._num_units], dtype=dtype)

    def _step(self, inputs: Any, state: Any) -> Any:
        c, h = state
        i, j, f, o = self._gates(inputs, h)
        if self._use_peepholes:
            w_f, w_i, w_o = [self._peephole(f"w_{gate}_diag", inputs.dtype) for gate in "fio"]
            kept = tf.sigmoid(f + self._forget_bias + w_f * c) * c
            c = self._memory(kept + tf.sigmoid(i + w_i * c) * self._activation(j))
        else:
            c = self._memory(tf.sigmoid(f + self._forget_bias) * c + tf.sigmoid(i) * self._activation(j))
        if self._cell_clip is not None:
            c = tf.clip_by_value(c, -self._cell_clip, self._cell_clip)
        h = tf.sigmoid(o + w_o * c if self._use_peepholes else o) * self._activation(c)
        if self._num_proj is not None:
            with tf.variable_scope("projection"):
                h = self._project(h)
            if self._proj_clip is not None:
                h = tf.clip_by_value(h, -self._proj_clip, self._proj_clip)
        return h, LSTMStateTuple(c, h)


def _total_depth(args: list[Any]) -> int:
    for value in args:
        if value.shape.ndims != 2:
            raise ValueError(f"linear is expecting 2D arguments: {[a.shape for a in args]}")
    return sum(known_depth(a.shape) for a in args)


def _joined(args: list[Any]) -> Any:
    return args[0] if len(args) == 1 else tf.concat(args, 1)


def _own_bias(size: int, dtype: Any) -> Any:
    with tf.variable_scope(tf.get_variable_scope()) as inner:
        inner.set_partitioner(None)
        return tf.get_variable("bias", [size], dtype=dtype, initializer=tf.constant_initializer(0.0, dtype=dtype))


class LayerNormLSTMCell(_NormedLSTMCell):
    """An LSTM whose gates and memory are layer normalized.

    Source: TF 1.15 `tensorflow.contrib.rnn.python.ops.rnn_cell.LayerNormLSTMCell`.
    """

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: Any = None, initializer: Any = None, num_proj: Any = None, proj_clip: Any = None, forget_bias: float = 1.0,
        activation: Any = None, layer_norm: bool = False, norm_gain: float = 1.0, norm_shift: float = 0.0, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(
            num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation, reuse
        )
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift

    def _norm(self, value: Any, scope: str) -> Any:
        if not self._layer_norm:
            return value
        with tf.variable_scope(scope):
            for name, start in (("gamma", self._norm_gain), ("beta", self._norm_shift)):
                tf.get_variable(name, shape=value.shape[-1:], initializer=tf.constant_initializer(start))
        return tf.contrib.layers.layer_norm(value, reuse=True, scope=scope)

    def _linear(self, args: list[Any], size: int, bias: bool) -> Any:
        depth = _total_depth(args)
        kernel = tf.get_variable("kernel", [depth, size], dtype=args[0].dtype)
        result = tf.matmul(_joined(args), kernel)
        if not bias:
            return result
        offset = _own_bias(size, args[0].dtype)
        return result if self._layer_norm else tf.nn.bias_add(result, offset)

    def _gates(self, inputs: Any, h: Any) -> list[Any]:
        gates = tf.split(value=self._linear([inputs, h], 4 * self._num_units, True), num_or_size_splits=4, axis=1)
        names = ("input", "transform", "forget", "output")
        return [self._norm(gate, name) for gate, name in zip(gates, names, strict=True)]

    def _memory(self, c: Any) -> Any:
        return self._norm(c, "state")

    def _project(self, h: Any) -> Any:
        return self._linear([h], self._num_proj, False)

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        with tf.variable_scope(tf.get_variable_scope(), initializer=self._initializer):
            return self._step(inputs, state)


class WeightNormLSTMCell(_NormedLSTMCell):
    """An LSTM whose weights are normed by column, and scaled.

    Source: TF 1.15 `tensorflow.contrib.rnn.python.ops.rnn_cell.WeightNormLSTMCell`.
    """

    def __init__(
        self, num_units: int, norm: bool = True, use_peepholes: bool = False, cell_clip: Any = None, initializer: Any = None, num_proj: Any = None, proj_clip: Any = None,
        forget_bias: float = 1, activation: Any = None, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(
            num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation, reuse
        )
        self._norm = norm
        # The name of the variable scope, whatever the cell's own name is.
        self._scope: Any = "wn_lstm_cell"

    def _weights(self, args: list[Any], size: int) -> Any:
        depths = [known_depth(a.shape) for a in args]
        weights = tf.get_variable("kernel", [_total_depth(args), size], dtype=args[0].dtype)
        if not self._norm:
            return weights
        with tf.control_dependencies(None):
            parts, start = [], 0
            for i, depth in enumerate(depths):
                part = weights[start : start + depth, :]
                scale = tf.get_variable(f"norm_{i}", [size], dtype=weights.dtype)
                parts.append(tf.nn.l2_normalize(part, axis=0) * scale)
                start += depth
            return tf.concat(parts, axis=0)

    def _gates(self, inputs: Any, h: Any) -> list[Any]:
        size = 4 * self._num_units
        weights = self._weights([inputs, h], size)
        product = tf.matmul(_joined([inputs, h]), weights)
        product = tf.nn.bias_add(product, _own_bias(size, inputs.dtype))
        return list(tf.split(value=product, num_or_size_splits=4, axis=1))

    def _project(self, h: Any) -> Any:
        return tf.matmul(h, self._weights([h], self._num_proj))

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        with tf.variable_scope("wn_lstm_cell", initializer=self._initializer):
            return self._step(inputs, state)


class _PlainCell(LayerRNNCell):
    """A cell of `units` numbers."""

    def __init__(
        self,
        units: int,
        activation: Any,
        kernel_initializer: Any,
        bias_initializer: Any,
        name: Any,
        dtype: Any,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self.units = units
        self.activation = activation_functions.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self.units

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self.units


class MinimalRNNCell(_PlainCell):
    """A network with one gate. Source: TF 1.15 `tensorflow.contrib.rnn.python.ops.rnn_cell.MinimalRNNCell`."""

    def __init__(
        self, units: int, activation: Any = "tanh", kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "ones", name: Any = None, dtype: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(units, activation, kernel_initializer, bias_initializer, name, dtype, **kwargs)

    def build(self, inputs_shape: Any) -> None:
        """Makes kernel and bias."""
        depth = known_depth(inputs_shape)
        self.kernel = self.add_weight(
            "kernel", [depth + 2 * self.units, self.units], initializer=self.kernel_initializer
        )
        self.bias = self.add_weight("bias", [self.units], initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice."""
        sizes = [known_depth(inputs.shape), 2 * self.units]
        forward, gate = tf.split(value=self.kernel, num_or_size_splits=sizes, axis=0)
        seen = self.activation(tf.matmul(inputs, forward))
        u = tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([seen, state], 1), gate), self.bias))
        new = u * state + (1 - u) * seen
        return new, new


class CFNCell(_PlainCell):
    """A chaos-free network. Source: TF 1.15 `tensorflow.contrib.rnn.python.ops.rnn_cell.CFNCell`."""

    def __init__(
        self, units: int, activation: Any = "tanh", kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "ones", name: Any = None, dtype: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(units, activation, kernel_initializer, bias_initializer, name, dtype, **kwargs)

    def build(self, inputs_shape: Any) -> None:
        """Makes kernels and bias."""
        depth, units, initializer = known_depth(inputs_shape), self.units, self.kernel_initializer
        self.kernel = self.add_weight("kernel", [depth, 3 * units], initializer=initializer)
        self.recurrent_kernel = self.add_weight("recurrent_kernel", [units, 2 * units], initializer=initializer)
        self.bias = self.add_weight("bias", [2 * units], initializer=self.bias_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice."""
        v, w = tf.split(value=self.kernel, num_or_size_splits=[2 * self.units, self.units], axis=1)
        gates = tf.matmul(state, self.recurrent_kernel) + tf.matmul(inputs, v)
        theta, eta = tf.split(value=tf.sigmoid(tf.nn.bias_add(gates, self.bias)), num_or_size_splits=2, axis=1)
        new = theta * self.activation(state) + (1 - eta) * self.activation(tf.matmul(inputs, w))
        return new, new
