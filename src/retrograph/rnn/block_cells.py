"""Cells of `tf.contrib.rnn` that are one operation a step, or one for all steps."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.rnn.cells import LayerRNNCell, LSTMStateTuple, known_depth

_GATES = "ifo"


def _lstm_weights(layer: Any, depth: int, units: int, peephole: bool) -> None:
    layer._kernel = layer.add_variable("kernel", [depth + units, 4 * units])
    layer._bias = layer.add_variable("bias", [4 * units], initializer=tf.constant_initializer(0.0))
    if peephole:
        layer._peeps = [layer.add_variable(f"w_{gate}_diag", [units]) for gate in _GATES]


def _no_peepholes(dtype: Any, units: int) -> Any:
    return (tf.constant(0, dtype=dtype, shape=[units]),) * 3


def _lstm_block_cell(
    x: Any, cs_prev: Any, h_prev: Any, w: Any, b: Any, wci: Any = None, wcf: Any = None, wco: Any = None, forget_bias: Any = None,
    cell_clip: Any = None, use_peephole: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """One step of an LSTM as one operation: `(i, cs, f, o, ci, co, h)`. Source: TF 1.15 `contrib.rnn.python.ops.lstm_ops`."""
    if wci is None:
        units = cs_prev.get_shape().with_rank(2).as_list()[1]
        if units is None:
            raise ValueError("cell_size from `cs_prev` should not be None.")
        wci, wcf, wco = _no_peepholes(tf.float32, units)
    return apply_op(
        "LSTMBlockCell", name, x=x, cs_prev=cs_prev, h_prev=h_prev, w=w, wci=wci, wcf=wcf, wco=wco, b=b, forget_bias=forget_bias,
        cell_clip=-1 if cell_clip is None else cell_clip, use_peephole=use_peephole,
    )  # fmt: skip


def _block_lstm(
    seq_len_max: Any, x: Any, w: Any, b: Any, cs_prev: Any = None, h_prev: Any = None, wci: Any = None, wcf: Any = None,
    wco: Any = None, forget_bias: Any = None, cell_clip: Any = None, use_peephole: Any = None, name: Any = None,
) -> Any:  # fmt: skip
    """All steps of an LSTM as one operation: seven lists of a tensor a step. Source: TF 1.15 `contrib.rnn.python.ops.lstm_ops`."""
    dtype, width = x[0].dtype, b.get_shape().with_rank(1).as_list()[0]
    if width is None:
        raise ValueError("`b` shape must not be None.")
    if cs_prev is None or h_prev is None:
        state = tf.constant(0, dtype=dtype, shape=[x[0].get_shape().with_rank(2).as_list()[0], width // 4])
        cs_prev, h_prev = (state if given is None else given for given in (cs_prev, h_prev))
    if wci is None:
        wci, wcf, wco = _no_peepholes(dtype, width // 4)
    results = apply_op(
        "BlockLSTM", name, seq_len_max=seq_len_max, x=tf.stack(x), cs_prev=cs_prev, h_prev=h_prev, w=w, wci=wci, wcf=wcf,
        wco=wco, b=b, forget_bias=forget_bias, cell_clip=-1 if cell_clip is None else cell_clip, use_peephole=use_peephole,
    )  # fmt: skip
    return tuple(tf.unstack(each) for each in results)


@export("contrib.rnn.LSTMBlockCell")
class LSTMBlockCell(LayerRNNCell):
    """An LSTM whose step is one operation. Source: TF 1.15 `tf.contrib.rnn.LSTMBlockCell`."""

    _kernel: Any
    _bias: Any
    _peeps: list[Any]

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: Any = None, use_peephole: bool = False, dtype: Any = None, reuse: Any = None, name: Any = "lstm_cell",
    ):  # fmt: skip
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units, self._forget_bias, self._use_peephole = num_units, forget_bias, use_peephole
        self._cell_clip = -1 if cell_clip is None else cell_clip
        self.input_spec = InputSpec(ndim=2)

    @property
    def state_size(self) -> Any:
        """The sizes of `c` and `h`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Makes kernel, bias and what peepholes need."""
        _lstm_weights(self, known_depth(input_shape), self._num_units, self._use_peephole)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The output, and the new state; ValueError for a state of other than two parts."""
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        if self._use_peephole:
            wci, wcf, wco = self._peeps
        else:
            wci = wcf = wco = tf.zeros([self._num_units], dtype=self.dtype)
        results = apply_op(
            "LSTMBlockCell", None, x=inputs, cs_prev=state[0], h_prev=state[1], w=self._kernel, wci=wci, wcf=wcf,
            wco=wco, b=self._bias, forget_bias=self._forget_bias, cell_clip=self._cell_clip, use_peephole=self._use_peephole,
        )  # fmt: skip
        return results.h, LSTMStateTuple(results.cs, results.h)


@export("contrib.rnn.GRUBlockCell")
class GRUBlockCell(LayerRNNCell):
    """A GRU whose step is one operation. Source: TF 1.15 `tf.contrib.rnn.GRUBlockCell`."""

    _names = {"gate_kernel": "w_ru", "gate_bias": "b_ru", "candidate_kernel": "w_c", "candidate_bias": "b_c"}

    def __init__(self, num_units: Any = None, cell_size: Any = None, reuse: Any = None, name: Any = "gru_cell"):
        super().__init__(_reuse=reuse, name=name)
        if (cell_size is None) == (num_units is None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        self._cell_size = cell_size if num_units is None else num_units
        self.input_spec = InputSpec(ndim=2)

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        return self._cell_size

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        return self._cell_size

    def build(self, input_shape: Any) -> None:
        """Makes kernels and biases of the gates and of the candidate."""
        depth, units = input_shape.as_list()[1], self._cell_size
        if depth is None:
            raise ValueError("Expecting input_size to be set.")
        rows, names = depth + units, self._names
        ones, zeros = tf.constant_initializer(1.0), tf.constant_initializer(0.0)
        self._gate_kernel = self.add_variable(names["gate_kernel"], [rows, 2 * units])
        self._gate_bias = self.add_variable(names["gate_bias"], [2 * units], initializer=ones)
        self._candidate_kernel = self.add_variable(names["candidate_kernel"], [rows, units])
        self._candidate_bias = self.add_variable(names["candidate_bias"], [units], initializer=zeros)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """The new state, twice; ValueError for a state of another size."""
        size = state.shape.with_rank(2)[1]
        if size != self._cell_size:
            raise ValueError(f"Shape of h_prev[1] incorrect: cell_size {self._cell_size} vs {size}")
        results = apply_op(
            "GRUBlockCell", None, x=inputs, h_prev=state, w_ru=self._gate_kernel, w_c=self._candidate_kernel,
            b_ru=self._gate_bias, b_c=self._candidate_bias,
        )  # fmt: skip
        return results.h, results.h


@export("contrib.rnn.GRUBlockCellV2")
class GRUBlockCellV2(GRUBlockCell):
    """`GRUBlockCell` with the names of variables of `GRUCell`. Source: TF 1.15 `tf.contrib.rnn.GRUBlockCellV2`."""

    _names = {
        "gate_kernel": "gates/kernel",
        "gate_bias": "gates/bias",
        "candidate_kernel": "candidate/kernel",
        "candidate_bias": "candidate/bias",
    }


@export("contrib.rnn.LSTMBlockWrapper")
class LSTMBlockWrapper(Layer):
    """The base of layers that run an LSTM over all steps at once. Source: TF 1.15 `tf.contrib.rnn.LSTMBlockWrapper`."""

    def _states(self, initial: Any, rows: Any, dtype: Any) -> Any:
        if initial is not None:
            return initial
        if dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        zero = tf.zeros(tf.stack([rows, self.num_units]), dtype=dtype)
        return zero, zero

    @property
    def num_units(self) -> int:
        """The size of the output."""
        raise NotImplementedError

    def _run(self, inputs: Any, cell: Any, output: Any, dtype: Any, lengths: Any) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None) -> Any:
        """Outputs f[time, batch, num_units], and the last state of each row."""
        listed = isinstance(inputs, list)
        inputs = tf.stack(inputs) if listed else inputs
        steps, rows, _ = inputs.shape.with_rank(3).as_list()
        rows = tf.shape(inputs)[1] if rows is None else rows
        steps = tf.shape(inputs)[0] if steps is None else steps
        cell, output = self._states(initial_state, rows, dtype)
        if sequence_length is not None:
            sequence_length = tf.convert_to_tensor(sequence_length)
        cells, outputs = self._run(inputs, cell, output, dtype or cell.dtype, sequence_length)
        if sequence_length is None:
            last = cells[-1], outputs[-1]
        else:
            mask = tf.transpose(tf.sequence_mask(sequence_length, steps, dtype=cells.dtype), [1, 0])
            outputs = outputs * tf.tile(tf.expand_dims(mask, -1), [1, 1, self.num_units])
            # A row of length 0 keeps the state that it began with.
            whole = [
                tf.concat([tf.expand_dims(first, [0]), values], 0)
                for first, values in ((cell, cells), (output, outputs))
            ]
            last = tuple(_gathered(values, sequence_length, rows) for values in whole)
        return (tf.unstack(outputs) if listed else outputs), LSTMStateTuple(*last)


def _gathered(values: Any, lengths: Any, rows: Any) -> Any:
    return tf.gather_nd(values, tf.stack([lengths, tf.range(rows)], axis=1))


@export("contrib.rnn.LSTMBlockFusedCell")
class LSTMBlockFusedCell(LSTMBlockWrapper):
    """An LSTM whose steps are one operation all together: inputs f[time, batch, n]. Source: TF 1.15 `tf.contrib.rnn.LSTMBlockFusedCell`."""

    _kernel: Any
    _bias: Any
    _peeps: list[Any]

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: Any = None, use_peephole: bool = False, reuse: Any = None, dtype: Any = None, name: Any = "lstm_fused_cell",
    ):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias, self._use_peephole = num_units, forget_bias, use_peephole
        self._cell_clip = -1 if cell_clip is None else cell_clip
        self.input_spec = InputSpec(ndim=3)

    @property
    def num_units(self) -> int:
        """The size of the output."""
        return self._num_units

    def build(self, input_shape: Any) -> None:
        """Makes kernel, bias and what peepholes need."""
        _lstm_weights(self, known_depth(input_shape), self._num_units, self._use_peephole)
        self.built = True

    def _run(self, inputs: Any, cell: Any, output: Any, dtype: Any, lengths: Any) -> Any:
        steps = tf.shape(inputs)[0] if inputs.shape.as_list()[0] is None else inputs.shape.as_list()[0]
        if self._use_peephole:
            wci, wcf, wco = self._peeps
        else:
            wci = wcf = wco = tf.zeros([self._num_units], dtype=dtype)
        longest = tf.cast(steps, tf.int64) if lengths is None else tf.cast(tf.reduce_max(lengths), tf.int64)
        results = apply_op(
            "BlockLSTM", None, seq_len_max=longest, x=inputs, cs_prev=cell, h_prev=output, w=self._kernel, wci=wci,
            wcf=wcf, wco=wco, b=self._bias, forget_bias=self._forget_bias, cell_clip=self._cell_clip, use_peephole=self._use_peephole,
        )  # fmt: skip
        return results.cs, results.h
