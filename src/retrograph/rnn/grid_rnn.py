"""`tf.contrib.grid_rnn`: cells that run along several dimensions."""

from __future__ import annotations

import functools
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.rnn.cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, RNNCell

_SLOWER = "%s: Using a concatenated %s is slower and will soon be deprecated.  Use %s_is_tuple=True."


def _dims(given: Any, count: int) -> list[int]:
    listed = sorted(set(given if isinstance(given, (list, tuple)) else [] if given is None else [given]))
    if any(not 0 <= d < count for d in listed):
        raise ValueError(f"Invalid dims: {listed}. Must be in [0, {count})")
    return listed


@export("contrib.grid_rnn.GridRNNCell")
class GridRNNCell(RNNCell):
    """A cell along `num_dims` dimensions, with a cell for each. Source: TF 1.15 `tf.contrib.grid_rnn.GridRNNCell`."""

    def __init__(
        self, num_units: int, num_dims: int = 1, input_dims: Any = None, output_dims: Any = None, priority_dims: Any = None, non_recurrent_dims: Any = None,
        tied: bool = False, cell_fn: Any = None, non_recurrent_fn: Any = None, state_is_tuple: bool = True, output_is_tuple: bool = True,
    ):  # fmt: skip
        for what, is_tuple in (("state", state_is_tuple), ("output", output_is_tuple)):
            if not is_tuple:
                tf.logging.warning(_SLOWER, self, what, what)
        if num_dims < 1:
            raise ValueError(f"dims must be >= 1: {num_dims}")
        self._num_units, self._num_dims, self._tied = num_units, num_dims, tied
        self._inputs, self._outputs = _dims(input_dims, num_dims), _dims(output_dims, num_dims)
        self._priority, flat = _dims(priority_dims, num_dims), _dims(non_recurrent_dims, num_dims)
        self._flat_fns = dict.fromkeys(flat, non_recurrent_fn or tf.nn.relu)
        self._recurrents = [d for d in range(num_dims) if d not in flat]
        self._state_is_tuple, self._output_is_tuple = state_is_tuple, output_is_tuple
        make = functools.partial(LSTMCell, state_is_tuple=state_is_tuple) if cell_fn is None else cell_fn
        self._cells = [make(num_units)] * num_dims if tied else [make(num_units) for _ in range(num_dims)]
        if not isinstance(self._cells[0], RNNCell):
            raise TypeError(f"cell_fn must return an RNNCell instance, saw: {type(self._cells[0])}")

    @property
    def output_size(self) -> Any:
        """The sizes of the outputs, or of all of them together."""
        size = self._cells[0].output_size
        return (size,) * len(self._outputs) if self._output_is_tuple else size * len(self._outputs)

    @property
    def state_size(self) -> Any:
        """The sizes of the states, or of all of them together."""
        count = len(self._recurrents)
        return (self._cells[0].state_size,) * count if self._state_is_tuple else self._cell_state_size() * count

    def _cell_state_size(self) -> int:
        sizes = self._cells[0].state_size
        return sum(sizes) if isinstance(sizes, tuple) else sizes

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The outputs, and the new states."""
        memories, outputs = self._parts(state)
        made: list[Any] = [None] * self._num_dims
        states: list[Any] = [None] * self._num_dims
        others = [d for d in range(self._num_dims) if d not in self._priority]
        with tf.variable_scope(scope or type(self).__name__):
            self._take(inputs, memories, outputs)
            self._propagate(others, memories, outputs, made, states, True)
            self._propagate(self._priority, memories, outputs, made, states, False)
            results = tuple(made[d] for d in self._outputs)
            after = tuple(states[d] for d in self._recurrents)
            output = results if self._output_is_tuple else _joined(results, inputs.dtype)
            if not self._state_is_tuple:
                after = _joined([part for s in after for part in s], inputs.dtype)
        return output, after

    def _parts(self, state: Any) -> tuple[list[Any], list[Any]]:
        memories: list[Any] = [None] * self._num_dims
        outputs: list[Any] = [None] * self._num_dims
        total, units = self._cell_state_size(), self._num_units
        has_memory = total > units
        if self._state_is_tuple and len(self._recurrents) != len(state):
            raise ValueError(f"Expected state as a tuple of {len(self._recurrents)} element")
        for i, d in enumerate(self._recurrents):
            if self._state_is_tuple:
                memories[d], outputs[d] = state[i] if has_memory else (None, state[i])
                continue
            at = i * total
            if has_memory:
                memories[d] = tf.slice(state, [0, at], [-1, units])
                at += units
            outputs[d] = tf.slice(state, [0, at], [-1, total - units if has_memory else units])
        return memories, outputs

    def _take(self, inputs: Any, memories: list[Any], outputs: list[Any]) -> None:
        if inputs is None or not self._inputs or not inputs.get_shape().with_rank(2).as_list()[1] > 0:
            return
        parts = tf.split(value=inputs, num_or_size_splits=len(self._inputs), axis=1)
        shape = [parts[0].shape.as_list()[1], self._num_units]
        for part, d in zip(parts, self._inputs, strict=True):
            outputs[d] = tf.matmul(part, tf.get_variable(f"project_m_{d}", shape, dtype=inputs.dtype))
            if self._cell_state_size() > self._num_units:
                memories[d] = tf.matmul(part, tf.get_variable(f"project_c_{d}", shape, dtype=inputs.dtype))

    def _propagate(
        self, dims: list[int], memories: list[Any], outputs: list[Any], made: list[Any], states: list[Any], first: bool
    ) -> None:
        if not dims:
            return
        last = self._num_dims - 1
        if last:
            values = [outputs[d] if made[d] is None else made[d] for d in range(last)]
            inputs = tf.concat(values, 1)
        else:
            inputs = tf.zeros([outputs[0].shape.as_list()[0], 0], outputs[0].dtype)
        newest = outputs[last] if made[last] is None else made[last]
        for d in dims:
            kind = "non_recurrent" if d in self._flat_fns else "recurrent"
            with tf.variable_scope(kind if self._tied else f"{kind}/cell_{d}") as opened:
                if self._tied and not (first and d == dims[0]):
                    opened.reuse_variables()
                if d in self._flat_fns:
                    made[d] = self._flat(d, tf.concat([inputs, newest], 1) if last else newest)
                else:
                    state = newest if memories[d] is None else (memories[d], newest)
                    made[d], states[d] = self._cells[d](inputs, state)

    def _flat(self, d: int, value: Any) -> Any:
        opened = tf.get_variable_scope()
        return tf.contrib.layers.fully_connected(
            value, num_outputs=self._num_units, activation_fn=self._flat_fns[d],
            weights_initializer=opened.initializer or tf.contrib.layers.xavier_initializer(),
            weights_regularizer=opened.regularizer,
        )  # fmt: skip


def _joined(parts: Any, dtype: Any) -> Any:
    return tf.concat(list(parts), 1) if parts else tf.zeros([0, 0], dtype)


class _Grid(GridRNNCell):
    def _make(
        self, num_units: int, count: int, cell_fn: Any, tied: bool = False, flat_fn: Any = None, state_is_tuple: bool = True, output_is_tuple: bool = True,
    ) -> None:  # fmt: skip
        GridRNNCell.__init__(
            self, num_units, count, 0, 0, 0, None if flat_fn is None else 0, tied, cell_fn, flat_fn, state_is_tuple, output_is_tuple,
        )  # fmt: skip


@export("contrib.grid_rnn.Grid1BasicRNNCell")
class Grid1BasicRNNCell(_Grid):
    """A `BasicRNNCell` along one dimension. Source: TF 1.15 `tf.contrib.grid_rnn.Grid1BasicRNNCell`."""

    def __init__(self, num_units: int, state_is_tuple: bool = True, output_is_tuple: bool = True):
        self._make(num_units, 1, BasicRNNCell, False, None, state_is_tuple, output_is_tuple)


@export("contrib.grid_rnn.Grid2BasicRNNCell")
class Grid2BasicRNNCell(_Grid):
    """A `BasicRNNCell` along two dimensions. Source: TF 1.15 `tf.contrib.grid_rnn.Grid2BasicRNNCell`."""

    def __init__(
        self, num_units: int, tied: bool = False, non_recurrent_fn: Any = None, state_is_tuple: bool = True, output_is_tuple: bool = True,
    ):  # fmt: skip
        self._make(num_units, 2, BasicRNNCell, tied, non_recurrent_fn, state_is_tuple, output_is_tuple)


@export("contrib.grid_rnn.Grid1BasicLSTMCell")
class Grid1BasicLSTMCell(_Grid):
    """A `BasicLSTMCell` along one dimension. Source: TF 1.15 `tf.contrib.grid_rnn.Grid1BasicLSTMCell`."""

    def __init__(
        self, num_units: int, forget_bias: float = 1, state_is_tuple: bool = True, output_is_tuple: bool = True
    ):
        make = functools.partial(BasicLSTMCell, forget_bias=forget_bias)
        self._make(num_units, 1, make, False, None, state_is_tuple, output_is_tuple)


@export("contrib.grid_rnn.Grid2BasicLSTMCell")
class Grid2BasicLSTMCell(_Grid):
    """A `BasicLSTMCell` along two dimensions. Source: TF 1.15 `tf.contrib.grid_rnn.Grid2BasicLSTMCell`."""

    def __init__(
        self, num_units: int, tied: bool = False, non_recurrent_fn: Any = None, forget_bias: float = 1, state_is_tuple: bool = True, output_is_tuple: bool = True,
    ):  # fmt: skip
        make = functools.partial(BasicLSTMCell, forget_bias=forget_bias)
        self._make(num_units, 2, make, tied, non_recurrent_fn, state_is_tuple, output_is_tuple)


@export("contrib.grid_rnn.Grid1LSTMCell")
class Grid1LSTMCell(_Grid):
    """An `LSTMCell` along one dimension. Source: TF 1.15 `tf.contrib.grid_rnn.Grid1LSTMCell`."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, forget_bias: float = 1.0, state_is_tuple: bool = True, output_is_tuple: bool = True,
    ):  # fmt: skip
        make = functools.partial(LSTMCell, forget_bias=forget_bias, use_peepholes=use_peepholes)
        self._make(num_units, 1, make, False, None, state_is_tuple, output_is_tuple)


@export("contrib.grid_rnn.Grid2LSTMCell")
class Grid2LSTMCell(_Grid):
    """An `LSTMCell` along two dimensions. Source: TF 1.15 `tf.contrib.grid_rnn.Grid2LSTMCell`."""

    _count = 2

    def __init__(
        self, num_units: int, tied: bool = False, non_recurrent_fn: Any = None, use_peepholes: bool = False, forget_bias: float = 1.0, state_is_tuple: bool = True,
        output_is_tuple: bool = True,
    ):  # fmt: skip
        make = functools.partial(LSTMCell, forget_bias=forget_bias, use_peepholes=use_peepholes)
        self._make(num_units, self._count, make, tied, non_recurrent_fn, state_is_tuple, output_is_tuple)


@export("contrib.grid_rnn.Grid3LSTMCell")
class Grid3LSTMCell(Grid2LSTMCell):
    """An `LSTMCell` along three dimensions. Source: TF 1.15 `tf.contrib.grid_rnn.Grid3LSTMCell`."""

    _count = 3


@export("contrib.grid_rnn.Grid2GRUCell")
class Grid2GRUCell(_Grid):
    """A `GRUCell` along two dimensions. Source: TF 1.15 `tf.contrib.grid_rnn.Grid2GRUCell`."""

    def __init__(
        self, num_units: int, tied: bool = False, non_recurrent_fn: Any = None, state_is_tuple: bool = True, output_is_tuple: bool = True,
    ):  # fmt: skip
        self._make(num_units, 2, GRUCell, tied, non_recurrent_fn, state_is_tuple, output_is_tuple)
