"""What every way of running a cell over time needs: scopes, batch sizes, steps that stop at a row's length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.keras.base_layer import Layer
from retrograph.rnn.cells import RNNCell


def _in_loop() -> bool:
    context = get_default_graph()._get_control_flow_context()
    return bool(context is not None and context.GetWhileContext() is not None)


@contextmanager
def rnn_scope(scope: Any, default: str = "rnn") -> Iterator[Any]:
    """The variable scope of a network; reads of its variables are cached on the device of the reader."""
    with tf.variable_scope(scope or default) as opened:
        cache_reads(opened)
        yield opened


def one_step(cell: Any, value: Any, state: Any) -> Any:
    """The output of a cell, and the new state; cells of `tf.keras` take and give a single state in a list."""
    if isinstance(cell, RNNCell) or not isinstance(cell, Layer) or hasattr(cell, "zero_state"):
        return cell(value, state)
    output, new = cell(value, state if nest.is_sequence(state) else [state])
    return output, new[0] if len(new) == 1 else new


def cache_reads(opened: Any) -> None:
    """Reads of variables of the scope are made once a device, outside of a loop that the network makes."""
    if opened.caching_device is None and not _in_loop():
        opened.set_caching_device(lambda op: op.device)


@export("contrib.rnn.transpose_batch_time")
def transpose_batch_time(x: Any) -> Any:
    """Axes 0 and 1 exchanged; of unknown rank unchanged. Source: TF 1.15 `tf.contrib.rnn.transpose_batch_time`."""
    shape = x.shape
    if shape.ndims is not None and shape.ndims < 2:
        raise ValueError(f"Expected input tensor {x} to have rank at least 2, but saw shape: {shape}")
    x_rank = tf.rank(x)
    result = tf.transpose(x, tf.concat(([1, 0], tf.range(2, x_rank)), axis=0))
    if shape.ndims is not None:
        dims = shape.as_list()
        result.set_shape([dims[1], dims[0], *dims[2:]])
    return result


@export("contrib.rnn.best_effort_input_batch_size")
def best_effort_input_batch_size(flat_input: Any) -> Any:
    """The batch size of inputs `[time, batch, ...]`: an int where one shape tells it, else a tensor.

    Source: TF 1.15 `tf.contrib.rnn.best_effort_input_batch_size`.
    """
    for value in flat_input:
        shape = value.shape
        if shape.ndims is None:
            continue
        if shape.ndims < 2:
            raise ValueError(f"Expected input tensor {value} to have rank at least 2")
        if shape.as_list()[1] is not None:
            return shape.as_list()[1]
    return tf.shape(flat_input[0])[1]


def state_dtype(explicit: Any, state: Any) -> Any:
    """The given dtype, else the one that all parts of a state have; ValueError where they have several or none."""
    if explicit is not None:
        return explicit
    if not nest.is_sequence(state):
        return state.dtype
    found = [part.dtype for part in nest.flatten(state)]
    if not found:
        raise ValueError("Unable to infer dtype from empty state.")
    if any(dtype != found[0] for dtype in found):
        raise ValueError(
            "State has tensors of different inferred_dtypes. Unable to infer a single representative dtype."
        )
    return found[0]


def initial_state_of(cell: Any, batch_size: Any, dtype: Any) -> Any:
    """The state a cell begins with."""
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
    return cell.zero_state(batch_size, dtype)


def _has_rows(value: Any) -> bool:
    return not isinstance(value, tf.TensorArray) and value.shape.ndims != 0


def copied_where(finished: Any, old: Any, new: Any) -> Any:
    """The old value in rows that are finished, the new one in others. Arrays and scalars are new."""
    if isinstance(old, tf.TensorArray) or not _has_rows(new) or not _has_rows(old):
        return new
    with tf.colocate_with(new):
        return tf.where(finished, old, new)


class Lengths:
    """How long the rows of a batch are, and the shortest and the longest."""

    def __init__(self, lengths: Any):
        self.lengths, self.shortest, self.longest = lengths, tf.reduce_min(lengths), tf.reduce_max(lengths)


def step(
    time: Any, lengths: Lengths, zero_output: Any, state: Any, call_cell: Callable[[], Any], conditional: bool
) -> tuple[Any, Any]:
    """One step for rows of different length: where a row is over, zeros come out and its state stays.

    With `conditional` the cell is not called once all rows are over, and rows are not looked at while none is.
    """
    flat_zeros, flat_state = nest.flatten(zero_output), nest.flatten(state)
    finished = time >= lengths.lengths

    def checked() -> list[Any]:
        output, new_state = call_cell()
        nest.assert_same_structure(zero_output, output)
        nest.assert_same_structure(state, new_state)
        return nest.flatten(output) + nest.flatten(new_state)

    def mixed(new: list[Any]) -> list[Any]:
        return [copied_where(finished, old, one) for old, one in zip(flat_zeros + flat_state, new, strict=True)]

    def run() -> list[Any]:
        new = checked()
        return list(tf.cond(time < lengths.shortest, lambda: new, lambda: mixed(new)))

    values = (
        list(tf.cond(time >= lengths.longest, lambda: flat_zeros + flat_state, run))
        if conditional
        else mixed(checked())
    )
    for value, like in zip(values, flat_zeros + flat_state, strict=True):
        if not isinstance(value, tf.TensorArray):
            value.set_shape(like.shape)
    count = len(flat_zeros)
    return nest.pack_sequence_as(zero_output, values[:count]), nest.pack_sequence_as(state, values[count:])
