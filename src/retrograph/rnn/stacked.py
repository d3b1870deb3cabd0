"""Bidirectional networks one upon another, of `tf.contrib.rnn`."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.rnn.dynamic import bidirectional_dynamic_rnn
from retrograph.rnn.static import static_bidirectional_rnn


def _checked(cells_fw: Any, cells_bw: Any, states_fw: Any, states_bw: Any) -> list[tuple[Any, Any, Any, Any]]:
    for cells, side in ((cells_fw, "fw"), (cells_bw, "bw")):
        if not cells:
            raise ValueError(f"Must specify at least one {side} cell for BidirectionalRNN.")
        if not isinstance(cells, list):
            raise ValueError(f"cells_{side} must be a list of RNNCells (one per layer).")
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    for states, cells, side in ((states_fw, cells_fw, "fw"), (states_bw, cells_bw, "bw")):
        if states is not None and (not isinstance(states, list) or len(states) != len(cells)):
            raise ValueError(f"initial_states_{side} must be a list of state tensors (one per layer).")
    count = len(cells_fw)
    return list(zip(cells_fw, cells_bw, states_fw or [None] * count, states_bw or [None] * count, strict=True))


@export("contrib.rnn.stack_bidirectional_rnn")
def stack_bidirectional_rnn(
    cells_fw: Any, cells_bw: Any, inputs: Any, initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """`static_bidirectional_rnn` layer upon layer: the last outputs, and tuples of last states. Source: TF 1.15 `tf.contrib.rnn.stack_bidirectional_rnn`."""
    layers = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, current = [], [], inputs
    with tf.variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (fw, bw, state_fw, state_bw) in enumerate(layers):
            with tf.variable_scope(f"cell_{i}") as cell_scope:
                current, last_fw, last_bw = static_bidirectional_rnn(
                    fw, bw, current, state_fw, state_bw, sequence_length=sequence_length, dtype=dtype, scope=cell_scope
                )
                states_fw.append(last_fw)
                states_bw.append(last_bw)
    return current, tuple(states_fw), tuple(states_bw)


@export("contrib.rnn.stack_bidirectional_dynamic_rnn")
def stack_bidirectional_dynamic_rnn(
    cells_fw: Any, cells_bw: Any, inputs: Any, initial_states_fw: Any = None, initial_states_bw: Any = None, dtype: Any = None, sequence_length: Any = None,
    parallel_iterations: Any = None, time_major: bool = False, scope: Any = None, swap_memory: bool = False,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """`bidirectional_dynamic_rnn` layer upon layer: the joined last outputs, and tuples of last states. Source: TF 1.15 `tf.contrib.rnn.stack_bidirectional_dynamic_rnn`."""
    layers = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw, current = [], [], inputs
    with tf.variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (fw, bw, state_fw, state_bw) in enumerate(layers):
            with tf.variable_scope(f"cell_{i}"):
                outputs, (last_fw, last_bw) = bidirectional_dynamic_rnn(
                    fw, bw, current, initial_state_fw=state_fw, initial_state_bw=state_bw, dtype=dtype,
                    sequence_length=sequence_length, parallel_iterations=parallel_iterations,
                    time_major=time_major, swap_memory=swap_memory,
                )  # fmt: skip
                current = tf.concat(outputs, 2)
            states_fw.append(last_fw)
            states_bw.append(last_bw)
    return current, tuple(states_fw), tuple(states_bw)
