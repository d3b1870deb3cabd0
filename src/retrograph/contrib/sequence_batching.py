"""`tf.contrib.training.batch_sequences_with_states`: batches of pieces of long sequences, by threads in the background."""

from __future__ import annotations

import numbers
from typing import Any

import retrograph as tf
from retrograph.contrib.sequence_queueing import NextQueuedSequenceBatch, SequenceQueueingStateSaver
from retrograph.framework.exports import export
from retrograph.ops.control_flow import with_dependencies
from retrograph.ops.sparse_map import add_many_to_map, take_from_map

_IN_CONTEXT = "_context_in_seq_"


def _is_sparse(value: Any) -> bool:
    return isinstance(value, (tf.SparseTensor, tf.SparseTensorValue))


def _sparse_names(tensors: dict[str, Any]) -> list[str]:
    return [name for name in sorted(tensors) if _is_sparse(tensors[name])]


@export("contrib.training.batch_sequences_with_states")
def batch_sequences_with_states(
    input_key: Any, input_sequences: Any, input_context: Any, input_length: Any, initial_states: Any, num_unroll: int,
    batch_size: Any, num_threads: int = 3, capacity: int = 1000, allow_small_batch: bool = True, pad: bool = True,
    make_keys_unique: bool = False, make_keys_unique_seed: int | None = None, name: str | None = None,
) -> NextQueuedSequenceBatch:  # fmt: skip
    """Batches of pieces of `num_unroll` steps; the states after a piece, once saved, are those before the next one.

    Raises TypeError, ValueError: see `tf.contrib.training.SequenceQueueingStateSaver`.
    Source: TF 1.15 `tf.contrib.training.batch_sequences_with_states`.
    """
    values = [*input_sequences.values(), *input_context.values(), *initial_states.values()]
    with tf.name_scope(name, "batch_sequences_with_states", values):
        if pad:
            length, input_sequences = _padded(input_sequences, num_unroll)
            input_length = length if input_length is None else input_length
        elif input_sequences:
            input_sequences = {key: _whole(key, value, num_unroll) for key, value in input_sequences.items()}
        _context_to_sequences(input_context, input_sequences, num_unroll)
        dense, maps = _stored(input_sequences)
        if make_keys_unique:
            input_key = _unique(input_key, make_keys_unique_seed)
        saver = SequenceQueueingStateSaver(
            batch_size, num_unroll, input_length=input_length, input_key=input_key, input_sequences=dense,
            input_context=input_context, initial_states=initial_states, capacity=capacity,
            allow_small_batch=allow_small_batch,
        )  # fmt: skip
        _add_runner(saver, num_threads)
        batch = saver.next_batch
        _restore(batch.sequences, maps, batch_size, num_unroll)
        _context_from_sequences(batch.context, batch.sequences)
        return batch


def _unique(key: Any, seed: int | None) -> Any:
    number = tf.random_uniform((), minval=0, maxval=100000000, dtype=tf.int32, seed=seed)
    return tf.string_join([key, tf.as_string(number)])


def _add_runner(saver: SequenceQueueingStateSaver, threads: int) -> None:
    ready = tf.cast(saver.barrier.ready_size(), tf.float32)
    tf.summary.scalar(f"queue/{saver.barrier.name}/ready_segment_batches_", ready)
    ends = tf.errors.OutOfRangeError, tf.errors.CancelledError
    runner = tf.train.QueueRunner(saver, [saver.prefetch_op] * threads, queue_closed_exception_types=ends)
    tf.train.add_queue_runner(runner)


# ---- sequences of a multiple of `num_unroll` steps


def _whole(key: str, value: Any, unroll: Any) -> Any:
    """The sequence, of which the run checks its length."""
    if _is_sparse(value):
        parts = value.indices, value.values, value.dense_shape
        with tf.control_dependencies([_check_length("SparseTensor", key, value.dense_shape[0], unroll)]):
            return tf.SparseTensor(*(tf.identity(part, name="multiple_of_checked") for part in parts))
    if not isinstance(value, tf.Tensor):
        try:
            value = tf.convert_to_tensor(value)
        except TypeError:
            text = "Unsupported input_sequences expected Tensor or SparseTensor values, got: "
            raise TypeError(f"{text}{type(value)} for key {key}") from None
    with tf.control_dependencies([_check_length("Tensor", key, tf.shape(value)[0], unroll)]):
        return tf.identity(value, name="multiple_of_checked")


def _check_length(kind: str, key: str, length: Any, unroll: Any) -> Any:
    condition = tf.logical_and(tf.equal(length % unroll, 0), tf.not_equal(length, 0))
    text = [f"{kind} {key} first dimension should be a multiple of: ", tf.as_string(unroll), ", but saw value: "]
    return tf.Assert(condition, [tf.string_join([*text, tf.as_string(length), ". Consider setting pad=True."])])


def _padded(sequences: Any, unroll: Any) -> tuple[Any, dict[str, Any]]:
    """(the length, the sequences with zeros after them up to a multiple of `unroll`)."""
    _check_padding(sequences, unroll)
    if not sequences:
        return 0, {}
    given = {k: v if _is_sparse(v) else tf.convert_to_tensor(v) for k, v in sorted(sequences.items())}
    length = _common_length(given)
    step = tf.constant(unroll)
    padded_length = length + (step - length % step) % step
    return length, {key: _with_padding(value, padded_length) for key, value in given.items()}


def _check_padding(sequences: Any, unroll: Any) -> None:
    if not isinstance(unroll, numbers.Integral):
        raise ValueError(f"Unsupported num_unroll expected int, got: {unroll}")
    if not isinstance(sequences, dict):
        raise TypeError(f"Unsupported sequences expected dict, got: {sequences}")
    for key in sequences:
        if not isinstance(key, str):
            raise TypeError(f"Unsupported sequences key expected string, got: {key}")


def _common_length(given: dict[str, Any]) -> Any:
    lengths = [tf.shape(value)[0] for value in given.values() if isinstance(value, tf.Tensor)]
    if not lengths:
        sparse = [value.dense_shape[0] for value in given.values() if isinstance(value, tf.SparseTensor)]
        return tf.reduce_max(tf.cast(sparse, tf.int32))
    text = "All sequence lengths must match, but received lengths: "
    checks = [tf.Assert(tf.equal(one, lengths[0]), [tf.string_join([text, tf.as_string(lengths)])]) for one in lengths]
    return with_dependencies(checks, lengths[0])


def _with_padding(value: Any, length: Any) -> Any:
    if _is_sparse(value):
        shape = tf.concat([[tf.cast(length, tf.int64)], value.dense_shape[1:]], 0)
        return tf.SparseTensor(value.indices, value.values, shape)
    missing = [length - tf.shape(value)[0]]
    shape = tf.concat((missing, tf.shape(value)[1:]), 0)
    nothing = tf.constant("" if value.dtype == tf.string else 0, dtype=value.dtype)
    return tf.concat([value, tf.fill(dims=shape, value=nothing)], 0)


# ---- sparse tensors: rows of a map, by number


def _stored(sequences: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """(sequences with numbers of rows in place of sparse tensors, which operations store these)."""
    numbers_of = {name: add_many_to_map(sequences[name]) for name in _sparse_names(sequences)}
    return {**sequences, **numbers_of}, [(name, number.op) for name, number in numbers_of.items()]


def _restore(sequences: Any, maps: list[tuple[str, Any]], batch_size: Any, unroll: Any) -> None:
    if not maps:
        return
    taken = [take_from_map(op, tf.reshape(sequences[name], [-1])) for name, op in maps]
    steps = tf.convert_to_tensor(unroll, dtype=tf.int64, name="num_unroll_int64")
    restored = [_by_time(sparse, batch_size, steps) for sparse in taken]
    for (name, _), sparse in zip(maps, restored, strict=True):
        sequences[name] = sparse


def _by_time(sparse: Any, batch_size: Any, steps: Any) -> Any:
    """Rows as (place in the batch, step)."""
    place = tf.cast(tf.floor(sparse.indices[:, 0] / steps), tf.int64)
    time = tf.mod(sparse.indices[:, 0], steps)
    indices = tf.concat([tf.expand_dims(place, 1), tf.expand_dims(time, 1), sparse.indices[:, 1:]], axis=1)
    sizes = [[tf.cast(batch_size, tf.int64)], [tf.cast(steps, tf.int64)], sparse.dense_shape[1:]]
    return tf.SparseTensor(indices, sparse.values, tf.concat(sizes, axis=0))


def _context_to_sequences(context: dict[str, Any], sequences: dict[str, Any], unroll: Any) -> None:
    """Sparse tensors of the context become sequences that have them at the first step of each piece."""
    length: Any = tf.constant(1)
    if sequences:
        first = next(iter(sequences.values()))
        if isinstance(first, tf.Tensor):
            with tf.control_dependencies([first]):
                length = tf.shape(first)[0]
        else:
            length = first.dense_shape[0]
    length = tf.cast(length, tf.int64)
    for name in _sparse_names(context):
        sequences[_IN_CONTEXT + name] = _at_pieces(context.pop(name), length, unroll)


def _at_pieces(sparse: Any, length: Any, unroll: Any) -> Any:
    count = tf.cast(length // unroll, tf.int32)
    values = tf.tile(sparse.values, tf.expand_dims(count, 0))
    shape = tf.concat([tf.expand_dims(length, 0), sparse.dense_shape], 0)
    repeated = tf.tile(tf.expand_dims(sparse.indices, 0), tf.stack([count, 1, 1]))
    rows, columns = tf.shape(sparse.indices)[0], tf.shape(sparse.indices)[1]
    starts = tf.expand_dims(tf.expand_dims(tf.range(0, length, unroll), 1), 2)
    indices = tf.concat([tf.tile(starts, [1, rows, 1]), repeated], 2)
    return tf.SparseTensor(tf.reshape(indices, [rows * count, columns + 1]), values, shape)


def _context_from_sequences(context: Any, sequences: Any) -> None:
    for name in [name for name in sorted(sequences) if name.startswith(_IN_CONTEXT)]:
        sparse = sequences.pop(name)
        one = tf.concat([[sparse.dense_shape[0]], [1], sparse.dense_shape[2:]], 0)
        sparse = tf.SparseTensor(sparse.indices, sparse.values, one)
        shape = tf.concat([[sparse.dense_shape[0]], sparse.dense_shape[2:]], 0)
        context[name.removeprefix(_IN_CONTEXT)] = tf.sparse_reshape(sparse, shape)
