"""Networks as loops of the graph: `tf.nn.dynamic_rnn`, `bidirectional_dynamic_rnn`, `raw_rnn`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.rnn.cells import assert_like_rnncell
from retrograph.rnn.running import (
    Lengths,
    best_effort_input_batch_size,
    copied_where,
    initial_state_of,
    one_step,
    rnn_scope,
    state_dtype,
    step,
    transpose_batch_time,
)
from retrograph.rnn.sizes import batch_shape, static_shape


def _checked_lengths(sequence_length: Any) -> Any:
    lengths = tf.cast(sequence_length, tf.int32)
    if lengths.shape.ndims not in (None, 1):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    return tf.identity(lengths, name="sequence_length")


def _with_shape(x: Any, shape: list[Any]) -> Any:
    x_shape, packed = tf.shape(x), tf.stack(shape)
    texts = [f"Expected shape for Tensor {x.name} is ", packed, " but saw shape: ", x_shape]
    with tf.control_dependencies([tf.Assert(tf.reduce_all(tf.equal(x_shape, packed)), texts)]):
        return tf.identity(x, name="CheckSeqLen")


@export("nn.dynamic_rnn")
def dynamic_rnn(
    cell: Any, inputs: Any, sequence_length: Any = None, initial_state: Any = None, dtype: Any = None, parallel_iterations: Any = None, swap_memory: bool = False,
    time_major: bool = False, scope: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The outputs f[batch, time, m] of a cell over inputs f[batch, time, n], and the last state; time first in both where `time_major`.

    Rows that are over by `sequence_length` i[batch] give zeros and keep their state.

    Raises: TypeError: no cell; ValueError: sizes that are not known, neither a state nor a dtype.
    Source: TF 1.15 `tf.nn.dynamic_rnn`
    """
    assert_like_rnncell("cell", cell)
    with rnn_scope(scope):
        flat = [tf.convert_to_tensor(value) for value in nest.flatten(inputs)]
        if not time_major:
            flat = [transpose_batch_time(value) for value in flat]
        if sequence_length is not None:
            sequence_length = _checked_lengths(sequence_length)
        batch_size = best_effort_input_batch_size(flat)
        if initial_state is not None:
            state = initial_state
        elif not dtype:
            raise ValueError("If there is no initial_state, you must give a dtype.")
        else:
            state = initial_state_of(cell, batch_size, dtype)
        if sequence_length is not None:
            sequence_length = _with_shape(sequence_length, [batch_size])
        loop = {"parallel_iterations": parallel_iterations or 32, "swap_memory": swap_memory}
        outputs, final = _loop(cell, nest.pack_sequence_as(inputs, flat), state, sequence_length, dtype, loop)
        return outputs if time_major else nest.map_structure(transpose_batch_time, outputs), final


def _constant_sizes(flat: list[Any]) -> tuple[Any, Any]:
    """The static numbers of steps and rows; ValueError where inputs differ, or a depth is not known."""
    known = [value.shape.with_rank_at_least(3) for value in flat]
    steps, rows = (size.value for size in known[0].dims[:2])
    for shape in (one.as_list() for one in known):
        if None in shape[2:]:
            raise ValueError("Input size (depth of inputs) must be accessible via shape inference, but saw value None.")
        if shape[0] != steps:
            raise ValueError("Time steps is not the same for all the elements in the input in a batch.")
        if shape[1] != rows:
            raise ValueError("Batch_size is not the same for all the elements in the input.")
    return steps, rows


def _loop(cell: Any, inputs: Any, state: Any, lengths: Any, dtype: Any, loop: dict[str, Any]) -> tuple[Any, Any]:
    flat, flat_sizes = nest.flatten(inputs), nest.flatten(cell.output_size)
    steps = tf.shape(flat[0])[0]
    batch_size = best_effort_input_batch_size(flat)
    known_steps, known_rows = _constant_sizes(flat)
    zero_output = nest.map_structure(
        lambda size: tf.zeros(batch_shape(batch_size, size), state_dtype(dtype, state)), cell.output_size
    )
    known = None if lengths is None else Lengths(lengths)
    time = tf.constant(0, dtype=tf.int32, name="time")
    with tf.name_scope("dynamic_rnn") as base:

        def array(name: str, shape: Any, of: Any) -> Any:
            return tf.TensorArray(dtype=of, size=steps, element_shape=shape, tensor_array_name=base + name)

    rows = tf.TensorShape([known_rows])
    out_arrays = tuple(
        array(f"output_{i}", rows.concatenate(static_shape(size)), state_dtype(dtype, state))
        for i, size in enumerate(flat_sizes)
    )
    in_arrays = [array(f"input_{i}", value.shape[1:], value.dtype) for i, value in enumerate(flat)]
    in_arrays = [a.unstack(value) for a, value in zip(in_arrays, flat, strict=True)]

    # At least one step runs, so that variables and shapes are as in a run with steps.
    bound = tf.minimum(steps, tf.maximum(1, steps if known is None else known.longest))
    _, out_arrays, final = tf.while_loop(
        cond=lambda time, *_: time < bound,
        body=_body(cell, inputs, in_arrays, known, zero_output),
        loop_vars=(time, out_arrays, state),
        maximum_iterations=steps,
        **loop,
    )
    outputs = [a.stack() for a in out_arrays]
    for output, size in zip(outputs, flat_sizes, strict=True):
        output.set_shape(batch_shape([known_steps, known_rows], size, static=True))
    return nest.pack_sequence_as(cell.output_size, outputs), final


def _body(cell: Any, inputs: Any, arrays_read: list[Any], known: Lengths | None, zero_output: Any) -> Any:
    """A step of the loop: an input of each array goes through the cell, and its outputs into their arrays."""

    def body(time: Any, arrays: Any, state: Any) -> Any:
        read = [a.read(time) for a in arrays_read]
        for value, whole in zip(read, nest.flatten(inputs), strict=True):
            value.set_shape(whole.shape[1:])
        given = nest.pack_sequence_as(inputs, read)

        def call_cell() -> Any:
            return one_step(cell, given, state)

        if known is None:
            output, new_state = call_cell()
        else:
            output, new_state = step(time, known, zero_output, state, call_cell, False)
        written = tuple(a.write(time, value) for a, value in zip(arrays, nest.flatten(output), strict=True))
        return time + 1, written, new_state

    return body


@export("nn.bidirectional_dynamic_rnn")
def bidirectional_dynamic_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Any, sequence_length: Any = None, initial_state_fw: Any = None, initial_state_bw: Any = None, dtype: Any = None,
    parallel_iterations: Any = None, swap_memory: bool = False, time_major: bool = False, scope: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Two `dynamic_rnn`, one from each end: pairs (forward, backward) of outputs and of last states. Source: TF 1.15 `tf.nn.bidirectional_dynamic_rnn`."""
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    time_axis, batch_axis = (0, 1) if time_major else (1, 0)
    common = {
        "sequence_length": sequence_length, "dtype": dtype, "parallel_iterations": parallel_iterations,
        "swap_memory": swap_memory, "time_major": time_major,
    }  # fmt: skip

    def turned(value: Any) -> Any:
        if sequence_length is None:
            return tf.reverse(value, axis=[time_axis])
        return tf.reverse_sequence(input=value, seq_lengths=sequence_length, seq_axis=time_axis, batch_axis=batch_axis)

    with tf.variable_scope(scope or "bidirectional_rnn"):
        with tf.variable_scope("fw") as fw_scope:
            forward, state_fw = dynamic_rnn(cell_fw, inputs, initial_state=initial_state_fw, scope=fw_scope, **common)
        with tf.variable_scope("bw") as bw_scope:
            backward, state_bw = dynamic_rnn(
                cell_bw, nest.map_structure(turned, inputs), initial_state=initial_state_bw, scope=bw_scope, **common
            )
    return (forward, nest.map_structure(turned, backward)), (state_fw, state_bw)


def _rows_of(flat: list[Any]) -> tuple[Any, Any]:
    """The batch size of inputs, as a static int or None, and as an int or a tensor."""
    rows = tf.Dimension(None)
    for value in flat:
        rows = rows.merge_with(value.shape[0] if value.shape.ndims is not None else tf.Dimension(None))
    return rows.value, rows.value if rows.value is not None else tf.shape(flat[0])[0]


@export("nn.raw_rnn")
def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """The arrays of what was emitted, the last state and the last loop state of a loop that `loop_fn` steers.

    `loop_fn(time, output, state, loop_state)` gives (finished bool[batch], next input, next state, emitted, next loop state); at first its last three arguments are None, and
    it gives the initial state and the structure of what will be emitted (None: the cell's output).

    Raises TypeError: no cell, or `loop_fn` is not callable. Source: TF 1.15 `tf.nn.raw_rnn`.
    """
    assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with rnn_scope(scope):
        time = tf.constant(0, dtype=tf.int32)
        finished, next_input, state, emitted, first_loop_state = loop_fn(time, None, None, None)
        known_rows, batch_size = _rows_of([tf.convert_to_tensor(value) for value in nest.flatten(next_input)])
        loop_state = tf.constant(0, dtype=tf.int32) if first_loop_state is None else first_loop_state
        nest.assert_same_structure(state, cell.state_size)
        state = nest.map_structure(tf.convert_to_tensor, state)
        arrays, zeros = _emissions(cell, emitted, nest.flatten(state)[0].dtype, known_rows, batch_size)
        body = _raw_body(cell, loop_fn, zeros)
        *_, arrays, final, last_loop_state = tf.while_loop(
            lambda time, finished, *_: tf.logical_not(tf.reduce_all(finished)),
            body,
            loop_vars=[time, finished, next_input, arrays, state, loop_state],
            parallel_iterations=parallel_iterations or 32,
            swap_memory=swap_memory,
        )
    return arrays, final, None if first_loop_state is None else last_loop_state


def _emissions(cell: Any, emitted: Any, dtype: Any, known_rows: Any, batch_size: Any) -> tuple[Any, Any]:
    """Arrays for what is emitted, and zeros for rows that are over."""
    if emitted is None:
        structure = cell.output_size
        sizes = nest.flatten(structure)
        dtypes = [dtype] * len(sizes)
    else:
        structure = emitted
        leaves = nest.flatten(emitted)
        sizes = [leaf.shape if leaf.shape.is_fully_defined() else tf.shape(leaf) for leaf in leaves]
        dtypes = [leaf.dtype for leaf in leaves]
    arrays = [
        tf.TensorArray(
            dtype=of, dynamic_size=True, size=0, name=f"rnn_output_{i}",
            element_shape=tf.TensorShape([known_rows]).concatenate(static_shape(size)),
        )
        for i, (of, size) in enumerate(zip(dtypes, sizes, strict=True))
    ]  # fmt: skip
    zeros = [tf.zeros(batch_shape(batch_size, size), of) for of, size in zip(dtypes, sizes, strict=True)]
    return nest.pack_sequence_as(structure, arrays), nest.pack_sequence_as(structure, zeros)


def _raw_body(cell: Any, loop_fn: Callable[..., Any], zeros: Any) -> Callable[..., Any]:
    def body(time: Any, finished: Any, current: Any, arrays: Any, state: Any, loop_state: Any) -> Any:
        output, cell_state = cell(current, state)
        nest.assert_same_structure(state, cell_state)
        nest.assert_same_structure(cell.output_size, output)
        next_time = time + 1
        next_finished, next_input, next_state, emitted, next_loop_state = loop_fn(
            next_time, output, cell_state, loop_state
        )
        nest.assert_same_structure(state, next_state)
        nest.assert_same_structure(current, next_input)
        nest.assert_same_structure(arrays, emitted)

        def mixed(old: Any, new: Any) -> Any:
            return nest.map_structure(lambda a, b: copied_where(finished, a, b), old, new)

        emitted, next_state = mixed(zeros, emitted), mixed(state, next_state)
        arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, emitted)
        return (
            next_time, tf.logical_or(finished, next_finished), next_input, arrays, next_state,
            loop_state if next_loop_state is None else next_loop_state,
        )  # fmt: skip

    return body
