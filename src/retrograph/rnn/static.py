"""Networks unrolled while the graph is built: `tf.nn.static_rnn` and its kin."""

from __future__ import annotations

import functools
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.rnn.cells import assert_like_rnncell
from retrograph.rnn.running import Lengths, initial_state_of, one_step, rnn_scope, state_dtype, step
from retrograph.rnn.sizes import zeros_of


def _batch_of(inputs: Any) -> Any:
    """The static batch size of the first input (a Dimension); ValueError for sizes that are not known or do not agree."""
    first = nest.flatten(inputs[0])[0]
    if first.get_shape().ndims == 1:
        return first.get_shape().with_rank_at_least(1)[0]
    batch = first.get_shape().with_rank_at_least(2).dims[0]
    for value in nest.flatten(inputs):
        shape = value.get_shape().with_rank_at_least(2)
        batch.merge_with(shape[:1].dims[0] if shape.ndims is not None else None)
        for i, size in enumerate(shape[1:].dims):
            if size.value is None:
                raise ValueError(
                    f"Input size (dimension {i} of inputs) must be accessible via shape inference, but saw value None."
                )
    return batch


def _checked_lengths(sequence_length: Any) -> Any:
    sequence_length = tf.convert_to_tensor(sequence_length, name="sequence_length")
    if sequence_length.shape.ndims not in (None, 1):
        raise ValueError("sequence_length must be a vector of length batch_size")
    return sequence_length


@export("nn.static_rnn", "contrib.rnn.static_rnn")
def static_rnn(
    cell: Any, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """The outputs of a cell for a list of inputs f[batch, n], one a step, and the last state.

    Rows that are over by `sequence_length` i[batch] give zeros and keep their state.

    Raises: TypeError: no cell, or inputs that are no list; ValueError: no inputs, sizes that are not known, neither a state nor a dtype.
    Source: TF 1.15 `tf.nn.static_rnn`
    """
    assert_like_rnncell("cell", cell)
    if not nest.is_sequence(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs = []
    with rnn_scope(scope) as opened:
        fixed = _batch_of(inputs)
        batch_size = fixed.value if fixed.value is not None else tf.shape(nest.flatten(inputs[0])[0])[0]
        if initial_state is not None:
            state = initial_state
        elif not dtype:
            raise ValueError("If no initial_state is provided, dtype must be specified")
        else:
            state = initial_state_of(cell, batch_size, dtype)
        lengths = None
        if sequence_length is not None:
            sequence_length = _checked_lengths(sequence_length)
            zero_output = zeros_of(cell.output_size, batch_size, state_dtype(dtype, state), tf.TensorShape([fixed]))
            lengths = Lengths(tf.to_int32(sequence_length))
        for time, value in enumerate(inputs):
            if time > 0:
                opened.reuse_variables()
            if lengths is None:
                output, state = one_step(cell, value, state)
            else:
                call_cell = functools.partial(one_step, cell, value, state)
                output, state = step(time, lengths, zero_output, state, call_cell, True)
            outputs.append(output)
    return outputs, state


@export("nn.static_state_saving_rnn", "contrib.rnn.static_state_saving_rnn")
def static_state_saving_rnn(
    cell: Any, inputs: Any, state_saver: Any, state_name: Any, sequence_length: Any = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """`static_rnn` that begins with `state_saver.state(name)` and ends with `state_saver.save_state(name, state)`.

    Raises ValueError: `state_name` has another structure than the state. Source: TF 1.15 `tf.nn.static_state_saving_rnn`.
    """
    names, sizes = nest.flatten(state_name), nest.flatten(cell.state_size)
    if nest.is_sequence(cell.state_size) != nest.is_sequence(state_name):
        raise ValueError(
            f"state_name should be the same type as cell.state_size.  state_name: {state_name}, cell.state_size: {cell.state_size}"
        )
    if len(names) != len(sizes):
        raise ValueError(f"#elems(state_name) != #elems(state_size): {len(names)} vs. {len(sizes)}")
    initial = nest.pack_sequence_as(cell.state_size, [state_saver.state(name) for name in names])
    outputs, state = static_rnn(cell, inputs, initial_state=initial, sequence_length=sequence_length, scope=scope)
    saves = [state_saver.save_state(name, part) for name, part in zip(names, nest.flatten(state), strict=True)]
    with tf.control_dependencies(saves):
        outputs[-1] = nest.map_structure(tf.identity, outputs[-1])
        state = nest.map_structure(tf.identity, state)
    return outputs, state


def _reversed(steps: Any, lengths: Any) -> list[Any]:
    """The steps from the last to the first; each row from its own last one where lengths are given."""
    if lengths is None:
        return list(reversed(steps))
    columns = [nest.flatten(value) for value in steps]
    results: list[list[Any]] = [[] for _ in steps]
    for column in zip(*columns, strict=True):
        shape = tf.TensorShape(None)
        for value in column:
            shape = shape.merge_with(value.shape)
            value.set_shape(shape)
        turned = tf.unstack(tf.reverse_sequence(tf.stack(column), lengths, 0, 1))
        for result, value in zip(results, turned, strict=True):
            value.set_shape(shape)
            result.append(value)
    return [nest.pack_sequence_as(steps[0], result) for result in results]


@export("nn.static_bidirectional_rnn", "contrib.rnn.static_bidirectional_rnn")
def static_bidirectional_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Any, initial_state_fw: Any = None, initial_state_bw: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Two networks, one from each end: the joined outputs of each step, and the last states.

    Raises: TypeError, ValueError as `static_rnn`. Source: TF 1.15 `tf.nn.static_bidirectional_rnn`.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    if not nest.is_sequence(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with tf.variable_scope(scope or "bidirectional_rnn"):
        with tf.variable_scope("fw") as fw_scope:
            forward, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=fw_scope)
        with tf.variable_scope("bw") as bw_scope:
            turned = _reversed(inputs, sequence_length)
            backward, state_bw = static_rnn(cell_bw, turned, initial_state_bw, dtype, sequence_length, scope=bw_scope)
    backward = _reversed(backward, sequence_length)
    joined = [tf.concat([fw, bw], 1) for fw, bw in zip(nest.flatten(forward), nest.flatten(backward), strict=True)]
    return nest.pack_sequence_as(forward, joined), state_fw, state_bw
