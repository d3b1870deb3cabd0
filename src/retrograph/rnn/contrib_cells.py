"""Further cells of `tf.contrib.rnn`."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.rnn.cells import LayerRNNCell, LSTMStateTuple, RNNCell, as_activation, assert_like_rnncell
from retrograph.rnn.linear import Linear


@export("contrib.rnn.LayerNormBasicLSTMCell")
class LayerNormBasicLSTMCell(RNNCell):
    """LSTM with layer normalization of gates and memory, and dropout of the new input. Source: TF 1.15 `tf.contrib.rnn.LayerNormBasicLSTMCell`."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, input_size: Any = None, activation: Any = None, layer_norm: bool = True, norm_gain: float = 1.0, norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0, dropout_prob_seed: Any = None, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        if input_size is not None:
            tf.logging.warn("%s: The input_size parameter is deprecated.", self)
        self._num_units, self._forget_bias, self._activation = num_units, forget_bias, as_activation(activation)
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift
        self._keep_prob, self._seed = dropout_keep_prob, dropout_prob_seed

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def _norm(self, value: Any, scope: str, dtype: Any) -> Any:
        if not self._layer_norm:
            return value
        shape = value.shape[-1:]
        with tf.variable_scope(scope):
            gamma = tf.get_variable(
                "gamma", shape=shape, initializer=tf.constant_initializer(self._norm_gain), dtype=dtype
            )
            beta = tf.get_variable(
                "beta", shape=shape, initializer=tf.constant_initializer(self._norm_shift), dtype=dtype
            )
        with tf.variable_scope(scope, reuse=True):
            mean, variance = tf.nn.moments(value, [1], keep_dims=True)
            result = tf.nn.batch_normalization(value, mean, variance, beta, gamma, 1e-12)
            result.set_shape(value.shape)
        return result

    def call(self, inputs: Any, state: Any) -> Any:
        """The output `h`, and the new state."""
        c, h = state
        joined = tf.concat([inputs, h], 1)
        dtype = joined.dtype
        weights = tf.get_variable("kernel", [joined.shape.as_list()[-1], 4 * self._num_units], dtype=dtype)
        gates = tf.matmul(joined, weights)
        if not self._layer_norm:
            gates = tf.nn.bias_add(gates, tf.get_variable("bias", [4 * self._num_units], dtype=dtype))
        i, j, f, o = tf.split(value=gates, num_or_size_splits=4, axis=1)
        i, j, f, o = (
            self._norm(gate, name, dtype)
            for gate, name in zip((i, j, f, o), ("input", "transform", "forget", "output"), strict=True)
        )
        g = self._activation(j)
        if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
            g = tf.nn.dropout(g, self._keep_prob, seed=self._seed)
        new_c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * g
        new_c = self._norm(new_c, "state", dtype)
        new_h = self._activation(new_c) * tf.sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)


@export("contrib.rnn.AttentionCellWrapper")
class AttentionCellWrapper(RNNCell):
    """A cell that attends to its own last `attn_length` outputs. Source: TF 1.15 `tf.contrib.rnn.AttentionCellWrapper`."""

    def __init__(
        self, cell: Any, attn_length: int, attn_size: Any = None, attn_vec_size: Any = None, input_size: Any = None, state_is_tuple: bool = True, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        if nest.is_sequence(cell.state_size) and not state_is_tuple:
            raise ValueError(
                f"Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: {cell.state_size}"
            )
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        if not state_is_tuple:
            tf.logging.warn(
                "%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.", self
            )
        self._attn_size = cell.output_size if attn_size is None else attn_size
        self._attn_vec_size = self._attn_size if attn_vec_size is None else attn_vec_size
        self._state_is_tuple, self._cell, self._attn_length = state_is_tuple, cell, attn_length
        self._input_size = input_size
        self._maps: dict[str, Linear] = {}

    @property
    def state_size(self) -> Any:
        """The sizes of the cell's state, of the attention, and of what is attended to."""
        sizes = (self._cell.state_size, self._attn_size, self._attn_size * self._attn_length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._attn_size

    def _linear(self, name: str, args: Any, size: int) -> Any:
        if name not in self._maps:
            self._maps[name] = Linear(args, size, True)
        return self._maps[name](args)

    def _parts(self, state: Any) -> Any:
        if self._state_is_tuple:
            return state
        sizes = (self._cell.state_size, self._attn_size, self._attn_size * self._attn_length)
        starts = (0, sizes[0], sizes[0] + sizes[1])
        return tuple(tf.slice(state, [0, at], [-1, size]) for at, size in zip(starts, sizes, strict=True))

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        state, attns, attended = self._parts(state)
        attended = tf.reshape(attended, [-1, self._attn_length, self._attn_size])
        size = self._input_size if self._input_size is not None else inputs.shape.as_list()[1]
        cell_output, new_state = self._cell(self._linear("inputs", [inputs, attns], size), state)
        query = tf.concat(nest.flatten(new_state), 1) if self._state_is_tuple else new_state
        new_attns, kept = self._attention(query, attended)
        with tf.variable_scope("attn_output_projection"):
            output = self._linear("output", [cell_output, new_attns], self._attn_size)
        kept = tf.concat([kept, tf.expand_dims(output, 1)], 1)
        kept = tf.reshape(kept, [-1, self._attn_length * self._attn_size])
        new = (new_state, new_attns, kept)
        return output, new if self._state_is_tuple else tf.concat(list(new), 1)

    def _attention(self, query: Any, attended: Any) -> tuple[Any, Any]:
        size, length, vector = self._attn_size, self._attn_length, self._attn_vec_size
        with tf.variable_scope("attention"):
            k = tf.get_variable("attn_w", [1, 1, size, vector])
            v = tf.get_variable("attn_v", [vector])
            hidden = tf.reshape(attended, [-1, length, 1, size])
            features = tf.nn.conv2d(hidden, k, [1, 1, 1, 1], "SAME")
            y = tf.reshape(self._linear("query", query, vector), [-1, 1, 1, vector])
            weights = tf.nn.softmax(tf.reduce_sum(v * tf.tanh(features + y), [2, 3]))
            found = tf.reduce_sum(tf.reshape(weights, [-1, length, 1, 1]) * hidden, [1, 2])
            return tf.reshape(found, [-1, size]), tf.slice(attended, [0, 1, 0], [-1, -1, -1])


class _Around(RNNCell):
    """A cell of the older kind around another."""

    def __init__(self, cell: Any, reuse: Any = None):
        super().__init__(_reuse=reuse)
        assert_like_rnncell("cell", cell)
        self._cell = cell
        self._linear: Any = None

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


@export("contrib.rnn.EmbeddingWrapper")
class EmbeddingWrapper(_Around):
    """A cell whose inputs are numbers of classes i[batch]. Source: TF 1.15 `tf.contrib.rnn.EmbeddingWrapper`."""

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ):
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._classes, self._size, self._initializer = embedding_classes, embedding_size, initializer

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        with tf.device("/cpu:0"):
            initializer = self._initializer or tf.get_variable_scope().initializer
            if not initializer:
                initializer = tf.random_uniform_initializer(-(3**0.5), 3**0.5)
            dtype = state[0].dtype if isinstance(state, tuple) else state.dtype
            embedding = tf.get_variable("embedding", [self._classes, self._size], initializer=initializer, dtype=dtype)
            embedded = tf.nn.embedding_lookup(embedding, tf.reshape(inputs, [-1]))
            return self._cell(embedded, state)


@export("contrib.rnn.InputProjectionWrapper")
class InputProjectionWrapper(_Around):
    """An affine map before a cell. Source: TF 1.15 `tf.contrib.rnn.InputProjectionWrapper`."""

    def __init__(self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, reuse: Any = None):
        super().__init__(cell, reuse)
        if input_size is not None:
            tf.logging.warn("%s: The input_size parameter is deprecated.", self)
        self._num_proj, self._activation = num_proj, activation

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        if self._linear is None:
            self._linear = Linear(inputs, self._num_proj, True)
        projected = self._linear(inputs)
        return self._cell(self._activation(projected) if self._activation else projected, state)


@export("contrib.rnn.OutputProjectionWrapper")
class OutputProjectionWrapper(_Around):
    """An affine map behind a cell. Source: TF 1.15 `tf.contrib.rnn.OutputProjectionWrapper`."""

    def __init__(self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None):
        super().__init__(cell, reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._output_size, self._activation = output_size, activation

    @property
    def output_size(self) -> Any:
        """The size of the map's result."""
        return self._output_size

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        output, new_state = self._cell(inputs, state)
        if self._linear is None:
            self._linear = Linear(output, self._output_size, True)
        projected = self._linear(output)
        return self._activation(projected) if self._activation else projected, new_state


@export("contrib.rnn.UGRNNCell")
class UGRNNCell(RNNCell):
    """Update gate network: `g * state + (1 - g) * candidate`. Source: TF 1.15 `tf.contrib.rnn.UGRNNCell`."""

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        forget_bias: float = 1.0,
        activation: Any = None,
        reuse: Any = None,
    ):
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer, self._forget_bias = num_units, initializer, forget_bias
        self._activation = as_activation(activation)
        self._linear: Any = None

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice."""
        if inputs.get_shape().with_rank(2).as_list()[1] is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        with tf.variable_scope(tf.get_variable_scope(), initializer=self._initializer):
            joined = tf.concat([inputs, state], 1)
            if self._linear is None:
                self._linear = Linear(joined, 2 * self._num_units, True)
            gate, candidate = tf.split(value=self._linear(joined), num_or_size_splits=2, axis=1)
            c = self._activation(candidate)
            g = tf.sigmoid(gate + self._forget_bias)
            new = g * state + (1.0 - g) * c
        return new, new


@export("contrib.rnn.NASCell")
class NASCell(LayerRNNCell):
    """The cell that neural architecture search found. Source: TF 1.15 `tf.contrib.rnn.NASCell`."""

    def __init__(self, num_units: int, num_proj: Any = None, use_bias: bool = False, reuse: Any = None, **kwargs: Any):
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units, self._num_proj, self._use_bias = num_units, num_proj, use_bias
        self._output_size = num_units if num_proj is None else num_proj

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._output_size)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._output_size

    def build(self, input_shape: Any) -> None:
        """Makes the kernels, and what bias and projection need."""
        depth, units = None if input_shape is None else input_shape.as_list()[1], self._num_units
        if depth is None:
            raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
        self._recurrent = self.add_variable("recurrent_kernel", shape=[self._output_size, 8 * units])
        self._kernel = self.add_variable("kernel", shape=[depth, 8 * units])
        if self._use_bias:
            self._bias = self.add_variable("bias", shape=[8 * units], initializer=tf.zeros_initializer)
        if self._num_proj is not None:
            self._projection = self.add_variable("projection_weights", shape=[units, self._num_proj])
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        c_prev, m_prev = state
        from_state, from_inputs = tf.matmul(m_prev, self._recurrent), tf.matmul(inputs, self._kernel)
        if self._use_bias:
            from_state = tf.nn.bias_add(from_state, self._bias)
        m = tf.split(axis=1, num_or_size_splits=8, value=from_state)
        x = tf.split(axis=1, num_or_size_splits=8, value=from_inputs)
        functions = (tf.sigmoid, tf.nn.relu, tf.sigmoid, tf.nn.relu, tf.tanh, tf.sigmoid, tf.tanh, tf.sigmoid)
        first = [f(x[i] * m[i] if i == 3 else x[i] + m[i]) for i, f in enumerate(functions)]
        a, b = tf.tanh(first[0] * first[1]), tf.tanh(first[2] + first[3])
        c, d = tf.tanh(first[4] * first[5]), tf.sigmoid(first[6] + first[7])
        new_c = tf.tanh(a + c_prev) * b
        new_m = tf.tanh(new_c * tf.tanh(c + d))
        if self._num_proj is not None:
            new_m = tf.matmul(new_m, self._projection)
        return new_m, LSTMStateTuple(new_c, new_m)
