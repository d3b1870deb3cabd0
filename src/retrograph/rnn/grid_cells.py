"""LSTMs of `tf.contrib.rnn` that run along frequencies as well as along time."""

from __future__ import annotations

import collections
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.rnn.cells import RNNCell
from retrograph.rnn.sharding import joined_variable

_JOINED = "%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True."


def _windows(inputs: Any, start: int, count: int, skip: int, size: int) -> list[Any]:
    return [tf.slice(inputs, [0, start + i * skip], [-1, size]) for i in range(count)]


def _clipped(c: Any, limit: Any) -> Any:
    return c if limit is None else tf.clip_by_value(c, -limit, limit)


@export("contrib.rnn.TimeFreqLSTMCell")
class TimeFreqLSTMCell(RNNCell):
    """An LSTM that goes over windows of its inputs, each seeing the output of the one before. Source: TF 1.15 `tf.contrib.rnn.TimeFreqLSTMCell`."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: Any = None, initializer: Any = None, num_unit_shards: int = 1, forget_bias: float = 1.0,
        feature_size: Any = None, frequency_skip: int = 1, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._initializer, self._shards, self._forget_bias = initializer, num_unit_shards, forget_bias
        self._feature_size, self._frequency_skip = feature_size, frequency_skip

    @property
    def output_size(self) -> Any:
        """The size of the output of one window."""
        return self._num_units

    @property
    def state_size(self) -> Any:
        """The size of the state of one window."""
        return 2 * self._num_units

    def _features(self, inputs: Any) -> list[Any]:
        depth = inputs.get_shape().with_rank(2).as_list()[-1]
        if depth is None:
            raise ValueError("Cannot infer input_size from static shape inference.")
        count = int((depth - self._feature_size) / self._frequency_skip) + 1
        return _windows(inputs, 0, count, self._frequency_skip, self._feature_size)

    def call(self, inputs: Any, state: Any) -> Any:
        """The outputs of all windows side by side, and their states."""
        windows, units, dtype = self._features(inputs), self._num_units, inputs.dtype
        rows = windows[0].shape.as_list()[1] + 2 * units
        w = joined_variable("W", [rows, 4 * units], dtype, self._shards)
        b = tf.get_variable("B", shape=[4 * units], initializer=tf.zeros_initializer(), dtype=dtype)
        gates = "FIO" if self._use_peepholes else ""
        peeps = {g: tf.get_variable(f"W_{g}_diag", shape=[units], dtype=dtype) for g in gates}
        m = tf.zeros([inputs.shape.as_list()[0] or tf.shape(inputs)[0], units], dtype)
        states: list[Any] = []
        outputs: list[Any] = []
        for k, window in enumerate(windows):
            c_prev = tf.slice(state, [0, 2 * k * units], [-1, units])
            m_prev = tf.slice(state, [0, (2 * k + 1) * units], [-1, units])
            joined = tf.nn.bias_add(tf.matmul(tf.concat([window, m_prev, m], 1), w), b)
            c, m = self._step(tf.split(value=joined, num_or_size_splits=4, axis=1), c_prev, peeps)
            states = [tf.concat([*states, c, m], 1)]
            outputs = [tf.concat([*outputs, m], 1) if outputs else m]
        return outputs[0], states[0]

    def _step(self, gates: Any, c_prev: Any, peeps: dict[str, Any]) -> tuple[Any, Any]:
        i, j, f, o = gates
        kept = tf.sigmoid(_plus_seen(f + self._forget_bias, peeps.get("F"), c_prev)) * c_prev
        c = _clipped(kept + tf.sigmoid(_plus_seen(i, peeps.get("I"), c_prev)) * tf.tanh(j), self._cell_clip)
        return c, tf.sigmoid(_plus_seen(o, peeps.get("O"), c)) * tf.tanh(c)


def _plus_seen(gate: Any, peep: Any, c: Any) -> Any:
    return gate if peep is None else gate + peep * c


class _Block:
    """The weights of one block of frequencies: one set along frequencies, one along time (or the same)."""

    def __init__(self, cell: Any, block: int, depth: int, dtype: Any):
        self.cell, self.block, self.dtype = cell, block, dtype
        units, self.gates = cell._num_units, 3 if cell._coupled else 4
        shape = [depth + 2 * units, self.gates * units]
        self.maps = {}
        for axis in "f" if cell._shared else "ft":
            w = joined_variable(f"W_{axis}_{block}", shape, dtype, cell._shards)
            zeros = tf.zeros_initializer()
            b = tf.get_variable(f"B_{axis}_{block}", shape=shape[1:], initializer=zeros, dtype=dtype)
            self.maps[axis] = (w, b)
        self.peeps: dict[str, Any] = {}
        for axis in (("freq",) if cell._shared else ("freq", "time")) if cell._use_peepholes else ():
            for gate in "IO" if cell._coupled else "FIO":
                for source in "ft":
                    self.peeps[gate + axis + source] = self._peep(f"W_{gate}_diag_{axis}{source}_{block}")

    def _peep(self, name: str) -> Any:
        return tf.get_variable(name, shape=[self.cell._num_units], dtype=self.dtype)

    def mapped(self, joined: Any, axis: str) -> dict[str, Any]:
        """The gates i, j, f, o of one axis, before their functions."""
        w, b = self.maps[axis if axis in self.maps else "f"]
        parts = tf.split(value=tf.nn.bias_add(tf.matmul(joined, w), b), num_or_size_splits=self.gates, axis=1)
        return dict(zip("IJO" if self.gates == 3 else "IJFO", parts, strict=True))

    def seen(self, gate: str, axis: str, by_frequency: Any, by_time: Any) -> Any:
        """What peepholes add to a gate, 0 without them."""
        if not self.peeps:
            return None
        axis = "freq" if self.cell._shared else axis
        return self.peeps[f"{gate}{axis}f"] * by_frequency, self.peeps[f"{gate}{axis}t"] * by_time


def _plus(value: Any, more: Any) -> Any:
    return value if more is None else value + more[0] + more[1]


@export("contrib.rnn.GridLSTMCell")
class GridLSTMCell(RNNCell):
    """An LSTM over time and over windows of frequencies. Source: TF 1.15 `tf.contrib.rnn.GridLSTMCell`."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, share_time_frequency_weights: bool = False, cell_clip: Any = None, initializer: Any = None,
        num_unit_shards: int = 1, forget_bias: float = 1.0, feature_size: Any = None, frequency_skip: Any = None, num_frequency_blocks: Any = None,
        start_freqindex_list: Any = None, end_freqindex_list: Any = None, couple_input_forget_gates: bool = False, state_is_tuple: bool = True, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        if not state_is_tuple:
            tf.logging.warn(_JOINED, self)
        if num_frequency_blocks is None:
            raise ValueError("Must specify num_frequency_blocks")
        self._num_units, self._use_peepholes, self._shared = num_units, use_peepholes, share_time_frequency_weights
        self._coupled, self._state_is_tuple, self._cell_clip = couple_input_forget_gates, state_is_tuple, cell_clip
        self._initializer, self._shards, self._forget_bias = initializer, num_unit_shards, forget_bias
        self._feature_size, self._frequency_skip = feature_size, frequency_skip
        self._starts, self._ends, self._blocks = start_freqindex_list, end_freqindex_list, num_frequency_blocks
        self._state_tuple_type: Any = None
        if state_is_tuple:
            self._state_tuple_type = self._tuple_type("GridLSTMStateTuple", ("state",))

    def _tuple_type(self, name: str, prefixes: tuple[str, ...]) -> Any:
        fields = [
            f"{prefix}_f{k:02d}_b{block:02d}_{part}"
            for prefix in prefixes for block, count in enumerate(self._blocks) for k in range(count) for part in "cm"
        ]  # fmt: skip
        return collections.namedtuple(name, fields)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return 2 * self._num_units * sum(map(int, self._blocks))

    @property
    def state_size(self) -> Any:
        """The sizes of the states of all windows, or of all of them together."""
        if self._state_tuple_type is None:
            return self.output_size
        return self._state_tuple_type(*[self._num_units] * len(self._state_tuple_type._fields))

    @property
    def state_tuple_type(self) -> Any:
        """The type of states, None if they are joined."""
        return self._state_tuple_type

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        outputs, states = self._all_blocks(self._features(inputs), state, "state")
        joined = self._state_tuple_type(*states) if self._state_tuple_type else tf.concat(states, 1)
        return tf.concat(outputs, 1), joined

    def _all_blocks(self, blocks: list[list[Any]], state: Any, prefix: str) -> tuple[list[Any], list[Any]]:
        outputs, states = [], []
        for block, windows in enumerate(blocks):
            made, after = self._one_block(windows, block, state, prefix)
            outputs += made
            states += after
        return outputs, states

    def _before(self, state: Any, prefix: str, block: int, k: int) -> tuple[Any, Any]:
        if self._state_is_tuple:
            name = f"{prefix}_f{k:02d}_b{block:02d}"
            return getattr(state, f"{name}_c"), getattr(state, f"{name}_m")
        units = self._num_units
        return tf.slice(state, [0, 2 * k * units], [-1, units]), tf.slice(state, [0, (2 * k + 1) * units], [-1, units])

    def _one_block(self, windows: list[Any], block: int, state: Any, prefix: str) -> tuple[list[Any], list[Any]]:
        first = windows[0]
        rows = first.shape.as_list()[0] or tf.shape(first)[0]
        weights = _Block(self, block, first.shape.as_list()[1], first.dtype)
        m_freq = tf.zeros([rows, self._num_units], first.dtype)
        c_freq = tf.zeros([rows, self._num_units], first.dtype)
        outputs, states = [], []
        for k, window in enumerate(windows):
            c_time, m_time = self._before(state, prefix, block, k)
            joined = tf.concat([window, m_time, m_freq], 1)
            c_freq, c_time, m_freq, m_time = self._step(weights, joined, c_freq, c_time)
            states += [c_time, m_time]
            outputs += [m_time, m_freq]
        return outputs, states

    def _step(self, weights: _Block, joined: Any, c_freq: Any, c_time: Any) -> tuple[Any, ...]:
        new, gates = {}, {}
        for axis, before in (("freq", c_freq), ("time", c_time)):
            gates[axis] = g = weights.mapped(joined, axis[0])
            i = tf.sigmoid(_plus(g["I"], weights.seen("I", axis, c_freq, c_time)))
            if self._coupled:
                f = 1.0 - i
            else:
                f = tf.sigmoid(_plus(g["F"] + self._forget_bias, weights.seen("F", axis, c_freq, c_time)))
            new[axis] = _clipped(f * before + i * tf.tanh(g["J"]), self._cell_clip)
        m = [
            tf.sigmoid(_plus(gates[axis]["O"], weights.seen("O", axis, new["freq"], new["time"]))) * tf.tanh(new[axis])
            for axis in ("freq", "time")
        ]
        return new["freq"], new["time"], m[0], m[1]

    def _features(self, inputs: Any, offset: int = 0) -> list[list[Any]]:
        depth = inputs.get_shape().with_rank(2).as_list()[-1]
        if depth is None:
            raise ValueError("Cannot infer input_size from static shape inference.")
        if offset:
            inputs = tf.pad(inputs, [[0, 0], [0, offset] if offset > 0 else [-offset, 0]])
        start = max(offset, 0)
        return [
            _windows(inputs, first + start, count, self._frequency_skip, self._feature_size)
            for first, count in self._ranges(depth)
        ]

    def _ranges(self, depth: int) -> list[tuple[int, int]]:
        if not self._starts:
            if len(self._blocks) != 1:
                raise ValueError(f"Length of num_frequency_blocks is not 1, but instead is {len(self._blocks)}")
            ranges = [(0, depth)]
        else:
            lengths = len(self._starts), len(self._ends)
            if lengths[0] != lengths[1]:
                raise ValueError("Length of start and end freqindex_list does not match %d %d", *lengths)
            if len(self._blocks) != lengths[0]:
                text = "Length of num_frequency_blocks is not equal to start_freqindex_list %d %d"
                raise ValueError(text, len(self._blocks), lengths[0])
            ranges = [(start, end - start) for start, end in zip(self._starts, self._ends, strict=True)]
        found = []
        for (start, size), wanted in zip(ranges, self._blocks, strict=True):
            count = int((size - self._feature_size) / self._frequency_skip) + 1
            if count != wanted:
                raise ValueError(
                    f"Invalid num_frequency_blocks, requires {wanted} but gets {count}, please check the input size and "
                    "filter config are correct."
                )
            found.append((start, count))
        return found


@export("contrib.rnn.BidirectionalGridLSTMCell")
class BidirectionalGridLSTMCell(GridLSTMCell):
    """A `GridLSTMCell` in both directions of frequencies. Source: TF 1.15 `tf.contrib.rnn.BidirectionalGridLSTMCell`."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, share_time_frequency_weights: bool = False, cell_clip: Any = None, initializer: Any = None,
        num_unit_shards: int = 1, forget_bias: float = 1.0, feature_size: Any = None, frequency_skip: Any = None, num_frequency_blocks: Any = None,
        start_freqindex_list: Any = None, end_freqindex_list: Any = None, couple_input_forget_gates: bool = False, backward_slice_offset: int = 0, reuse: Any = None,
    ):  # fmt: skip
        super().__init__(
            num_units, use_peepholes, share_time_frequency_weights, cell_clip, initializer, num_unit_shards,
            forget_bias, feature_size, frequency_skip, num_frequency_blocks, start_freqindex_list, end_freqindex_list,
            couple_input_forget_gates, True, reuse,
        )  # fmt: skip
        self._backward_slice_offset = int(backward_slice_offset)
        self._state_tuple_type = self._tuple_type("BidirectionalGridLSTMStateTuple", ("fwd_state", "bwd_state"))

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return 4 * self._num_units * sum(map(int, self._blocks))

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state."""
        forward = backward = self._features(inputs)
        if self._backward_slice_offset:
            backward = self._features(inputs, self._backward_slice_offset)
        with tf.variable_scope("fwd"):
            outputs, states = self._all_blocks(forward, state, "fwd_state")
        with tf.variable_scope("bwd"):
            made, after = self._all_blocks([block[::-1] for block in backward], state, "bwd_state")
        return tf.concat(outputs + made, 1), self._state_tuple_type(*states, *after)
