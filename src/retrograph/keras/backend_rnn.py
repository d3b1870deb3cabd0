"""`tf.keras.backend.rnn`: a step function along the time of a batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export


class _Run(NamedTuple):
    """What a loop over time needs."""

    step: Any
    inputs: Any
    states: tuple[Any, ...]
    constants: tuple[Any, ...]
    backwards: bool
    mask: Any
    zero_output: bool
    length: Any

    def stepped(self, inputs: Any, states: Any) -> Any:
        return self.step(inputs, tuple(states) + self.constants)


def _swapped(x: Any) -> Any:
    return tf.transpose(x, [1, 0, *range(2, len(x.shape))])


def _wide(mask: Any, value: Any, fixed: int = 1) -> Any:
    """A mask with the shape of a value."""
    for _ in range(len(value.shape) - len(mask.shape)):
        mask = tf.expand_dims(mask, -1)
    return tf.tile(mask, [1] * fixed + value.shape.as_list()[fixed:])


def _chosen(mask: Any, new: Any, old: Any) -> Any:
    return tf.where(_wide(mask, new), new, old)


def _all_chosen(mask: Any, new: Any, old: Any, like: Any) -> list[Any]:
    masks = [_wide(mask, value) for value in like]
    return [tf.where(m, n, o) for m, n, o in zip(masks, new, old, strict=True)]


@export("keras.backend.rnn")
def rnn(
    step_function: Any, inputs: Any, initial_states: Any, go_backwards: bool = False, mask: Any = None, constants: Any = None, unroll: bool = False, input_length: Any = None,
    time_major: bool = False, zero_output_for_mask: bool = False,
) -> Any:  # fmt: skip
    """The last output, all outputs f[batch, time, ...] and the last states of a step function along time.

    Raises ValueError: unrolling along an unknown time; a mask without states. Source: TF 1.15 `tf.keras.backend.rnn`.
    """
    if not time_major:
        inputs = nest.map_structure(_swapped, inputs)
    first = nest.flatten(inputs)[0]
    time, batch = first.shape[0].value, first.shape[1].value
    length = tf.shape(first)[0]
    for one in nest.flatten(inputs):
        one.shape.with_rank_at_least(3)
    mask = _time_mask(mask, time_major)
    run = _Run(
        step_function, inputs, tuple(initial_states), tuple(constants or ()), go_backwards, mask, zero_output_for_mask, length
    )  # fmt: skip
    if unroll:
        if not time:
            raise ValueError("Unrolling requires a fixed number of timesteps.")
        last, outputs, states = _unrolled(run, time)
    else:
        last, outputs, states = _looped(run, input_length)
    nest.map_structure(lambda o: o.set_shape([time, batch, *o.shape.as_list()[2:]]), outputs)
    if not time_major:
        outputs = nest.map_structure(_swapped, outputs)
    return last, outputs, states


def _time_mask(mask: Any, time_major: bool) -> Any:
    if mask is None:
        return None
    if mask.dtype != tf.bool:
        mask = tf.cast(mask, tf.bool)
    if len(mask.shape) == 2:
        mask = tf.expand_dims(mask, -1)
    return mask if time_major else _swapped(mask)


def _rows(value: Any, backwards: bool) -> list[Any]:
    rows: list[Any] = tf.unstack(value)
    return rows[::-1] if backwards else rows


def _unrolled(run: _Run, time: int) -> Any:
    rows = [_rows(one, run.backwards) for one in nest.flatten(run.inputs)]
    masks = None if run.mask is None else _rows(run.mask, run.backwards)
    states: Any = run.states
    outputs: list[Any] = []
    for i in range(time):
        output, new = run.stepped(nest.pack_sequence_as(run.inputs, [row[i] for row in rows]), states)
        if masks is not None:
            before = outputs[-1] if outputs else tf.zeros_like(output)
            output = _chosen(masks[i], output, before)
            new = [_chosen(masks[i], n, s) for s, n in zip(states, new, strict=False)]
        outputs.append(output)
        states = new
    last, stacked = outputs[-1], tf.stack(outputs)
    if masks is not None and run.zero_output:
        last = _chosen(masks[-1], last, tf.zeros_like(last))
        stacked = tf.where(_wide(run.mask, stacked, 2), stacked, tf.zeros_like(stacked))
    return last, stacked, states


def _array(value: Any, run: _Run, name: str) -> Any:
    return tf.TensorArray(dtype=value.dtype, size=run.length, tensor_array_name=name)


def _looped(run: _Run, input_length: Any) -> Any:
    flat = nest.flatten(run.inputs)
    arrays = tuple(_array(x, run, f"input_ta_{i}") for i, x in enumerate(flat))
    arrays = tuple(ta.unstack(tf.reverse(x, [0]) if run.backwards else x) for ta, x in zip(arrays, flat, strict=True))
    start = nest.pack_sequence_as(run.inputs, [x[0] for x in flat])
    first, _ = run.stepped(start, run.states)
    outputs = tuple(
        tf.TensorArray(dtype=o.dtype, size=run.length, element_shape=o.shape, tensor_array_name=f"output_ta_{i}")
        for i, o in enumerate(nest.flatten(first))
    )
    time = tf.constant(0, dtype="int32", name="time")
    options = {
        "cond": lambda time, *_: time < run.length, "maximum_iterations": input_length, "parallel_iterations": 32, "swap_memory": True,
    }  # fmt: skip
    if run.mask is None:
        final = tf.while_loop(body=_plain_body(run, arrays), loop_vars=(time, outputs, *run.states), **options)
        states = final[2:]
    else:
        body, zeros = _masked_body(run, arrays, first)
        final = tf.while_loop(body=body, loop_vars=(time, outputs, zeros, *run.states), **options)
        states = final[3:]
    stacked = tuple(ta.stack() for ta in final[1])
    last = nest.pack_sequence_as(first, [o[-1] for o in stacked])
    return last, nest.pack_sequence_as(first, stacked), states


def _read(run: _Run, arrays: Any, time: Any) -> Any:
    return nest.pack_sequence_as(run.inputs, [ta.read(time) for ta in arrays])


def _keep_shapes(states: Any, new_states: Any) -> tuple[list[Any], list[Any]]:
    old, new = nest.flatten(states), nest.flatten(new_states)
    for before, after in zip(old, new, strict=False):
        after.set_shape(before.shape)
    return old, new


def _written(arrays: Any, time: Any, values: Any) -> tuple[Any, ...]:
    return tuple(ta.write(time, value) for ta, value in zip(arrays, values, strict=True))


def _plain_body(run: _Run, arrays: Any) -> Any:
    def body(time: Any, outputs: Any, *states: Any) -> Any:
        output, new_states = run.stepped(_read(run, arrays, time), states)
        _, new = _keep_shapes(states, new_states)
        outputs = _written(outputs, time, nest.flatten(output))
        return (time + 1, outputs, *nest.pack_sequence_as(run.states, new))

    return body


def _masked_body(run: _Run, arrays: Any, first: Any) -> Any:
    if not run.states:
        raise ValueError(
            "No initial states provided! When using masking in an RNN, you should provide initial states "
            "(and your step function should return as its first state at time `t` the output at time `t-1`)."
        )
    mask = tf.reverse(run.mask, [0]) if run.backwards else run.mask
    masks = _array(mask, run, "mask_ta").unstack(mask)
    zeros = tuple(tf.zeros_like(o) for o in nest.flatten(first))

    def body(time: Any, outputs: Any, before: Any, *states: Any) -> Any:
        inputs, mask = _read(run, arrays, time), masks.read(time)
        output, new_states = run.stepped(inputs, states)
        flat = nest.flatten(output)
        other = zeros if run.zero_output else nest.flatten(before)
        made = tuple(_all_chosen(mask, flat, other, flat))
        old, new = _keep_shapes(states, new_states)
        kept = _all_chosen(mask, new, old, old)
        outputs = _written(outputs, time, made)
        return (time + 1, outputs, made, *nest.pack_sequence_as(new_states, kept))

    return body, zeros
