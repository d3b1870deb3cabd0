"""`tf.contrib.cudnn_rnn`: networks of several layers over all steps, their weights in one buffer; and cells like theirs."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.rnn.block_cells import LSTMBlockCell
from retrograph.rnn.cells import GRUCell, known_depth

CUDNN_RNN_UNIDIRECTION, CUDNN_RNN_BIDIRECTION = _DIRECTIONS = ("unidirectional", "bidirectional")
CUDNN_INPUT_LINEAR_MODE, CUDNN_INPUT_SKIP_MODE, CUDNN_INPUT_AUTO_MODE = _MODES = (
    "linear_input",
    "skip_input",
    "auto_select",
)
CUDNN_LSTM, CUDNN_GRU, CUDNN_RNN_RELU, CUDNN_RNN_TANH = "lstm", "gru", "rnn_relu", "rnn_tanh"


@export("contrib.cudnn_rnn.CudnnCompatibleLSTMCell")
class CudnnCompatibleLSTMCell(LSTMBlockCell):
    """The LSTM that `CudnnLSTM` runs, as a cell. Source: TF 1.15 `tf.contrib.cudnn_rnn.CudnnCompatibleLSTMCell`."""

    def __init__(self, num_units: int, reuse: Any = None):
        super().__init__(
            num_units, forget_bias=0, cell_clip=None, use_peephole=False, reuse=reuse, name="cudnn_compatible_lstm_cell"
        )


@export("contrib.cudnn_rnn.CudnnCompatibleGRUCell")
class CudnnCompatibleGRUCell(GRUCell):
    """The GRU that `CudnnGRU` runs, as a cell: the gate r takes effect after the map of the state. Source: TF 1.15 `tf.contrib.cudnn_rnn.CudnnCompatibleGRUCell`."""

    def __init__(self, num_units: int, reuse: Any = None, kernel_initializer: Any = None):
        super().__init__(num_units, activation=None, reuse=reuse, kernel_initializer=kernel_initializer)

    def build(self, inputs_shape: Any) -> None:
        """Makes kernels and biases of the gates, and of both maps of the candidate."""
        depth, units = known_depth(inputs_shape), self._num_units
        given, kernel = self._bias_initializer, self._kernel_initializer
        ones = tf.constant_initializer(1.0, dtype=self.dtype) if given is None else given
        zeros = tf.zeros_initializer(dtype=self.dtype) if given is None else given
        add = self.add_variable
        self._gate_kernel = add("gates/kernel", shape=[depth + units, 2 * units], initializer=kernel)
        self._gate_bias = add("gates/bias", shape=[2 * units], initializer=ones)
        self._input_kernel = add("candidate/input_projection/kernel", shape=[depth, units], initializer=kernel)
        self._hidden_kernel = add("candidate/hidden_projection/kernel", shape=[units, units], initializer=kernel)
        self._input_bias = add("candidate/input_projection/bias", shape=[units], initializer=zeros)
        self._hidden_bias = add("candidate/hidden_projection/bias", shape=[units], initializer=zeros)

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice."""
        gates = tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), self._gate_kernel), self._gate_bias)
        r, u = tf.split(value=tf.sigmoid(gates), num_or_size_splits=2, axis=1)
        candidate = tf.nn.bias_add(tf.matmul(inputs, self._input_kernel), self._input_bias)
        candidate += r * tf.nn.bias_add(tf.matmul(state, self._hidden_kernel), self._hidden_bias)
        candidate = self._activation(candidate)
        new = (1 - u) * candidate + u * state
        return new, new


def _lstm(x: Any, h: Any, state: Any) -> Any:
    (xi, xf, xj, xo), (hi, hf, hj, ho) = x, h
    c = tf.sigmoid(xf + hf) * state[1] + tf.sigmoid(xi + hi) * tf.tanh(xj + hj)
    return tf.sigmoid(xo + ho) * tf.tanh(c), c


def _gru(x: Any, h: Any, state: Any) -> Any:
    r, u = tf.sigmoid(x[0] + h[0]), tf.sigmoid(x[1] + h[1])
    return ((1 - u) * tf.tanh(x[2] + r * h[2]) + u * state[0],)


class _Cudnn(Layer):
    """A network of several layers over inputs f[time, batch, n].

    The buffer holds, for each layer and direction, the kernels [num_units, n] of the gates for the inputs, then those
    for the state; after all kernels the biases in the same order. So does cuDNN's.
    """

    _gates = 1
    _states = 1

    def __init__(
        self, num_layers: int, num_units: int, input_mode: str = "linear_input", direction: str = "unidirectional", dropout: float = 0.0, seed: Any = None,
        dtype: Any = tf.float32, kernel_initializer: Any = None, bias_initializer: Any = None, name: Any = None,
    ):  # fmt: skip
        super().__init__(dtype=dtype, name=name)
        _one_of("direction", direction, _DIRECTIONS)
        _one_of("input_mode", input_mode, _MODES)
        if tf.as_dtype(dtype) not in (tf.float16, tf.float32, tf.float64):
            raise ValueError(f"Only support float16, float32, float64, provided {dtype}")
        if input_mode != "linear_input":
            raise errors.UnimplementedError(None, None, f"tf.contrib.cudnn_rnn: input_mode='{input_mode}'")
        self._num_layers, self._num_units, self._input_mode = num_layers, num_units, input_mode
        self._direction, self._dropout, self._seed = direction, dropout, seed
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer
        self._input_size: Any = None

    @staticmethod
    def _step(x: Any, h: Any, state: Any) -> Any:
        raise NotImplementedError

    @property
    def num_layers(self) -> int:
        """The number of layers."""
        return self._num_layers

    @property
    def num_units(self) -> int:
        """The size of the output of one direction."""
        return self._num_units

    @property
    def input_mode(self) -> str:
        """How the first layer takes its inputs."""
        return self._input_mode

    @property
    def input_size(self) -> int:
        """The depth of the inputs; ValueError before the layer is built."""
        if not self._input_size:
            raise ValueError("'input_size' is unknown since layer has not been built.")
        return int(self._input_size)

    @property
    def direction(self) -> str:
        """'unidirectional' or 'bidirectional'."""
        return self._direction

    @property
    def num_dirs(self) -> int:
        """The number of directions."""
        return 1 + _DIRECTIONS.index(self._direction)

    @property
    def saveable(self) -> Any:
        """Refused: the buffer is saved as the variable that it is. Raises UnimplementedError."""
        raise errors.UnimplementedError(None, None, "tf.contrib.cudnn_rnn: saveable; the variable itself is saved")

    @property
    def canonical_weight_shapes(self) -> list[Any]:
        """The shapes of all kernels; RuntimeError before the input's depth is known."""
        if not self._input_size:
            raise RuntimeError(f"{type(self).__name__}.canonical_weight_shapes invoked before input shape is known")
        shapes = []
        for layer in range(self._num_layers):
            depth = self._input_size if layer == 0 else self.num_dirs * self._num_units
            one = [(self._num_units, depth)] * self._gates + [(self._num_units, self._num_units)] * self._gates
            shapes += one * self.num_dirs
        return shapes

    @property
    def canonical_bias_shapes(self) -> list[Any]:
        """The shapes of all biases."""
        return [[self._num_units]] * (self.num_dirs * 2 * self._gates * self._num_layers)

    def state_shape(self, batch_size: Any) -> Any:
        """The shapes of the initial states."""
        return ([self._num_layers * self.num_dirs, batch_size, self._num_units],) * self._states

    def build(self, input_shape: Any) -> None:
        """Makes the buffer `opaque_kernel`; ValueError for inputs of another rank, or of unknown depth."""
        shape = tf.TensorShape(input_shape)
        if shape.ndims != 3:
            raise ValueError(f"Expecting input_shape with 3 dims, got {shape.ndims}")
        if shape.as_list()[-1] is None:
            raise ValueError("The last dimension of the inputs to `CudnnRNN` should be defined. Found `None`.")
        self._input_size = shape.as_list()[-1]
        self.input_spec = InputSpec(ndim=3, axes={-1: self._input_size})
        kernel = self._kernel_initializer or tf.glorot_uniform_initializer(seed=self._seed, dtype=self.dtype)
        bias = self._bias_initializer or tf.constant_initializer(0.0, dtype=self.dtype)
        parts = [kernel(s, dtype=self.dtype) for s in self.canonical_weight_shapes]
        parts += [bias(s, dtype=self.dtype) for s in self.canonical_bias_shapes]
        size = sum(int(tf.TensorShape(p.shape).num_elements()) for p in parts)
        flat = tf.concat([tf.reshape(part, [-1]) for part in parts], 0)
        self.kernel = self.add_variable(
            "opaque_kernel", shape=[size], initializer=lambda shape, dtype=None, partition_info=None: flat
        )
        self.built = True

    def _weights(self) -> tuple[list[Any], list[Any]]:
        kernels, at = [], 0
        for rows, columns in self.canonical_weight_shapes:
            kernels.append(tf.reshape(self.kernel[at : at + rows * columns], [rows, columns]))
            at += rows * columns
        count = len(self.canonical_bias_shapes)
        biases = [self.kernel[at + i * self._num_units : at + (i + 1) * self._num_units] for i in range(count)]
        return kernels, biases

    def call(
        self, inputs: Any, initial_state: Any = None, sequence_lengths: Any = None, time_major: bool = True, training: Any = True,
    ) -> Any:  # fmt: skip
        """(outputs f[time, batch, dirs * num_units], the last states f[layers * dirs, batch, num_units])."""
        if initial_state is not None and not isinstance(initial_state, tuple):
            raise TypeError(f"Invalid initial_state type: {initial_state}, expecting tuple.")
        inputs = tf.convert_to_tensor(inputs, dtype=self.dtype)
        x = inputs if time_major else tf.transpose(inputs, [1, 0, 2])
        if initial_state is None:
            initial_state = tuple(tf.zeros(s, dtype=self.dtype) for s in self.state_shape(tf.shape(x)[1]))
        kernels, biases = self._weights()
        group, last = 2 * self._gates, []
        for layer in range(self._num_layers):
            outputs = []
            for way in range(self.num_dirs):
                k = layer * self.num_dirs + way
                weights = kernels[k * group : (k + 1) * group], biases[k * group : (k + 1) * group]
                states = tuple(s[k] for s in initial_state)
                made, end = self._direction_of(x, states, weights, sequence_lengths, way == 1)
                outputs.append(made)
                last.append(end)
            x = outputs[0] if len(outputs) == 1 else tf.concat(outputs, 2)
            if layer < self._num_layers - 1 and self._dropout and training:
                x = tf.nn.dropout(x, keep_prob=1.0 - self._dropout, seed=self._seed)
        ends = tuple(tf.stack(list(parts)) for parts in zip(*last, strict=True))
        return (x if time_major else tf.transpose(x, [1, 0, 2])), ends

    def _turned(self, x: Any, lengths: Any, backward: bool) -> Any:
        if not backward:
            return x
        return tf.reverse(x, [0]) if lengths is None else tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)

    def _direction_of(self, x: Any, states: Any, weights: Any, lengths: Any, backward: bool) -> Any:
        (kernels, biases), n = weights, self._gates
        x = self._turned(x, lengths, backward)
        w, b = tf.concat(kernels[:n], 0), tf.concat(biases[:n], 0)
        u, d = tf.transpose(tf.concat(kernels[n:], 0)), tf.concat(biases[n:], 0)
        # The map of the inputs is one product for all steps.
        mapped = tf.tensordot(x, w, [[2], [1]]) + b
        steps = tf.range(tf.shape(x)[0])

        def step(before: Any, given: Any) -> Any:
            row, time = given
            mapped_h = tf.matmul(before[0], u) + d
            new = self._step(tf.split(row, n, 1), tf.split(mapped_h, n, 1), before)
            if lengths is None:
                return tuple(new)
            return tuple(tf.where(time < lengths, a, old) for a, old in zip(new, before, strict=True))

        found = tf.scan(step, (mapped, steps), initializer=tuple(states))
        outputs, ends = found[0], tuple(f[-1] for f in found)
        if lengths is not None:
            mask = tf.sequence_mask(lengths, tf.shape(x)[0], dtype=x.dtype)
            outputs *= tf.expand_dims(tf.transpose(mask), 2)
        return self._turned(outputs, lengths, backward), ends


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"Invalid {name}: {value}, expecting {', '.join(known)}")


@export("contrib.cudnn_rnn.CudnnLSTM")
class CudnnLSTM(_Cudnn):
    """LSTMs upon each other; states are (h, c). Source: TF 1.15 `tf.contrib.cudnn_rnn.CudnnLSTM`; it runs on any device."""

    _gates, _states = 4, 2
    _step = staticmethod(_lstm)


@export("contrib.cudnn_rnn.CudnnGRU")
class CudnnGRU(_Cudnn):
    """GRUs upon each other. Source: TF 1.15 `tf.contrib.cudnn_rnn.CudnnGRU`; it runs on any device."""

    _gates = 3
    _step = staticmethod(_gru)


@export("contrib.cudnn_rnn.CudnnRNNTanh")
class CudnnRNNTanh(_Cudnn):
    """Simple networks upon each other. Source: TF 1.15 `tf.contrib.cudnn_rnn.CudnnRNNTanh`; it runs on any device."""

    _step = staticmethod(lambda x, h, state: (tf.tanh(x[0] + h[0]),))


@export("contrib.cudnn_rnn.CudnnRNNRelu")
class CudnnRNNRelu(_Cudnn):
    """Simple networks upon each other, with ReLU. Source: TF 1.15 `tf.contrib.cudnn_rnn.CudnnRNNRelu`; it runs on any device."""

    _step = staticmethod(lambda x, h, state: (tf.nn.relu(x[0] + h[0]),))
