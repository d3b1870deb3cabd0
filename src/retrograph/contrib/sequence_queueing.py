"""`tf.contrib.training.SequenceQueueingStateSaver`: long sequences cut into pieces, in order, with states between them.

A piece is a tuple in a barrier; it is whole when the state after the piece before it was saved.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib import sequence_checks as check
from retrograph.framework.exports import export
from retrograph.ops.barriers import Barrier

_TOKEN = 21051976  # what stands for a sequence in the queue that bounds their number
_PARTS = ("length", "total_length", "next_key", "sequence", "sequence_count")


def _sorted(tensors: dict[str, Any]) -> OrderedDict[str, Any]:
    return OrderedDict(sorted(tensors.items()))


def _check_names(tensors: dict[str, Any], what: str) -> None:
    for name in tensors:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be string: {name}")
        if ":" in name:
            raise ValueError(f"{what} may not have a colon: '{name}'")


def _check_states(states: Any) -> None:
    if not isinstance(states, dict):
        raise TypeError("initial_states must be a dictionary")
    if not states:
        raise ValueError(
            "initial_states may not be empty: at least one state variable is required to properly enqueue split "
            "sequences to run in separate iterations"
        )
    for name in states:
        if not isinstance(name, str):
            raise TypeError(f"state name must be a string: {name}")
        if ":" in name:
            raise ValueError(f"state name may not have a colon: '{name}'")


def _check_inputs(sequences: Any, context: Any) -> None:
    for what, given in (("sequences", sequences), ("context", context)):
        if not isinstance(given, dict):
            raise TypeError(f"{what} must be a dict")
    if not sequences:
        raise ValueError("must have at least one sequence tensor")
    _check_names(sequences, "sequence key")
    _check_names(context, "context key")


def _converted(tensors: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: tf.convert_to_tensor(value, name=f"{kind}_{name}") for name, value in tensors.items()}


def _check_defined(kind: str, tensors: dict[str, Any], skipped: int = 0) -> None:
    for name, value in tensors.items():
        if not value.get_shape()[skipped:].is_fully_defined():
            note = "(ignoring first dimension)" if skipped else ""
            raise ValueError(f"Shape for {kind} {name} is not fully defined {note}: {value.get_shape()}")


@export("contrib.training.NextQueuedSequenceBatch")
class NextQueuedSequenceBatch:
    """The next pieces of several sequences: made by a `SequenceQueueingStateSaver`.

    Source: TF 1.15 `tf.contrib.training.NextQueuedSequenceBatch`.
    """

    def __init__(self, state_saver: SequenceQueueingStateSaver):
        self._saver = state_saver

    @property
    def total_length(self) -> Any:
        """The lengths of the whole sequences, i32[batch]."""
        return self._saver._received["total_length"]

    @property
    def length(self) -> Any:
        """The lengths of the pieces, i32[batch]."""
        return self._saver._received["length"]

    @property
    def batch_size(self) -> Any:
        """How many pieces there are, i32[]."""
        return self._saver._received_batch_size

    @property
    def insertion_index(self) -> Any:
        """When the pieces were put in, i64[batch]."""
        return self._saver._received_indices

    @property
    def key(self) -> Any:
        """The pieces' keys, `00001_of_00003:` before the key of the sequence: string[batch]."""
        return self._saver._received_keys

    @property
    def next_key(self) -> Any:
        """The keys of the pieces that come after, or `STOP:` and the key of the sequence: string[batch]."""
        return self._saver._received["next_key"]

    @property
    def sequence(self) -> Any:
        """Which piece of its sequence each is, i32[batch]."""
        return self._saver._received["sequence"]

    @property
    def sequence_count(self) -> Any:
        """How many pieces its sequence has, i32[batch]."""
        return self._saver._received["sequence_count"]

    @property
    def context(self) -> Any:
        """What belongs to the whole sequences, by name: `[batch, ...]`."""
        return self._saver._received_context

    @property
    def sequences(self) -> Any:
        """The pieces, by name: `[batch, num_unroll, ...]`."""
        return self._saver._received_sequences

    def state(self, state_name: str) -> Any:
        """The states before the pieces, `[batch, ...]`. Raises KeyError: no such state."""
        return self._saver._received_states[state_name]

    def save_state(self, state_name: str, value: Any, name: str | None = None) -> Any:
        """An operation that hands the states after the pieces on. Raises KeyError: no such state."""
        saver = self._saver
        if state_name not in saver._received_states:
            raise KeyError(f"state was not declared: {state_name}")
        with (
            tf.name_scope(name, "InputQueueingStateSaver_SaveState", values=[value]),
            tf.get_default_graph().colocate_with(saver._capacity_queue.queue_ref),
        ):
            left = tf.reshape(tf.where_v2(tf.logical_not(saver._sequence_is_done)), [-1])
            keys = tf.gather(self.next_key, left)
            given = tf.identity(value, name=f"convert_{state_name}")
            kept = tf.gather(check.shape(given, tf.shape(saver._received_states[state_name])), left)
            return saver._insert(("state", state_name), keys, kept, f"BarrierInsertState_{state_name}")


@export("contrib.training.SequenceQueueingStateSaver")
class SequenceQueueingStateSaver:
    """Cuts sequences into pieces of `num_unroll` steps; a piece comes when the state before it is known.

    Raises TypeError, ValueError: names, shapes or types that do not fit; a capacity below the batch size.
    Source: TF 1.15 `tf.contrib.training.SequenceQueueingStateSaver`.
    """

    def __init__(
        self, batch_size: Any, num_unroll: int, input_length: Any, input_key: Any, input_sequences: Any, input_context: Any,
        initial_states: Any, capacity: int | None = None, allow_small_batch: bool = False, name: str | None = None,
    ):  # fmt: skip
        input_key = _check_capacity(capacity, batch_size, input_key)
        self._capacity_queue = tf.FIFOQueue(capacity=capacity, dtypes=[tf.int32], shapes=[[]])
        self._batch_size, self._num_unroll, self._allow_small_batch = batch_size, num_unroll, allow_small_batch
        self._prefetch_op: Any = None
        self._next_batch: NextQueuedSequenceBatch | None = None
        with tf.get_default_graph().colocate_with(self._capacity_queue.queue_ref):
            _check_states(initial_states)
            values = [input_length, input_key, *input_sequences.values(), *input_context.values()]
            with tf.name_scope(name, "InputQueueingStateSaver", values) as scope:
                self._scope: Any = scope
                self._prepare(input_length, input_key, input_sequences, input_context, initial_states)
                self._barrier = self._make_barrier()

    def _prepare(self, length: Any, key: Any, sequences: Any, context: Any, states: Any) -> None:
        length, key = tf.convert_to_tensor(length, name="length"), tf.convert_to_tensor(key, name="key")
        _check_inputs(sequences, context)
        sequences, context = _converted(sequences, "sequence"), _converted(context, "context")
        states = _converted(states, "state")
        _check_defined("state", states)
        _check_defined("context", context)
        _check_defined("sequence", sequences, skipped=1)
        self._length, self._key = check.rank(length, 0), check.rank(key, 0)
        for what, tensor, wanted in (("length", self._length, tf.int32), ("key", self._key, tf.string)):
            if tensor.dtype != wanted:
                raise TypeError(f"{what} dtype must be {wanted.name}, but received: {tensor.dtype}")
        self._context, self._states = _sorted(context), _sorted(states)
        self._sequences = self._of_one_length(_sorted(sequences))
        text = "Input length should be <= than length from sequences:"
        within = tf.less_equal(self._length, self._padded_length)
        with tf.control_dependencies([tf.Assert(within, [text, self._length, " vs. ", self._padded_length])]):
            self._length = tf.identity(self._length)

    def _of_one_length(self, sequences: OrderedDict[str, Any]) -> OrderedDict[str, Any]:
        first = next(iter(sequences.values()))
        padded = tf.identity(tf.shape(first)[0], name="padded_length")
        self._padded_length = check.multiple_of(padded, self._num_unroll)
        return OrderedDict(
            (name, check.dimensions(value, [0], [self._padded_length], f"sorted_sequences_{name}"))
            for name, value in sequences.items()
        )

    def _make_barrier(self) -> Barrier:
        kinds = (("sequence", self._sequences), ("context", self._context), ("state", self._states))
        names: list[Any] = [*_PARTS, *((kind, name) for kind, tensors in kinds for name in tensors)]
        self._index = {name: i for i, name in enumerate(names)}
        types = [tf.int32, tf.int32, tf.string, tf.int32, tf.int32]
        types += [value.dtype for _, tensors in kinds for value in tensors.values()]
        shapes: list[Any] = [()] * len(_PARTS)
        shapes += [[self._num_unroll, *value.get_shape().as_list()[1:]] for value in self._sequences.values()]
        shapes += [value.get_shape().as_list() for _, tensors in kinds[1:] for value in tensors.values()]
        return Barrier(types=types, shapes=shapes)

    @property
    def name(self) -> str:
        """The scope of its operations."""
        return str(self._scope)

    @property
    def barrier(self) -> Barrier:
        """Where the pieces are."""
        return self._barrier

    @property
    def batch_size(self) -> Any:
        """How many pieces come together."""
        return self._batch_size

    @property
    def num_unroll(self) -> int:
        """How long a piece is."""
        return self._num_unroll

    @property
    def prefetch_op(self) -> Any:
        """The operation that cuts one sequence and puts its pieces in."""
        if self._prefetch_op is None:
            self._prefetch_op = self._inside(self._make_prefetch)
        return self._prefetch_op

    @property
    def next_batch(self) -> NextQueuedSequenceBatch:
        """The next pieces."""
        self.prefetch_op  # noqa: B018 its operations come first
        if self._next_batch is None:
            self._next_batch = self._inside(self._make_reads)
        return self._next_batch

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Any:
        """An operation after which no sequence can be added."""
        with tf.name_scope(name, "SQSSClose", [self._prefetch_op]) as scope:
            barrier = self.barrier.close(cancel_pending_enqueues, "BarrierClose")
            queue = self._capacity_queue.close(cancel_pending_enqueues, "FIFOClose")
            return tf.group(barrier, queue, name=scope)

    def _inside(self, make: Callable[[], Any]) -> Any:
        with tf.name_scope(None), tf.name_scope(self._scope, values=[self._barrier.barrier_ref]):
            return make()

    def _insert(self, part: Any, keys: Any, values: Any, name: str) -> Any:
        return self._barrier.insert_many(self._index[part], keys, values, name=name)

    # ---- putting in

    def _make_prefetch(self) -> Any:
        unroll = self._num_unroll
        count = tf.div(self._padded_length, unroll)
        ones = tf.ones(tf.expand_dims(count, 0), dtype=tf.int32)
        place = tf.range(count)
        lengths = tf.minimum(unroll, tf.maximum(0, self._length - unroll * place))
        totals, counts = self._length * ones, count * ones
        keys, next_keys = self._keys(place, count)
        pieces = OrderedDict((name, self._cut(name, value, count)) for name, value in self._sequences.items())
        repeated = OrderedDict((name, _repeat(name, value, count)) for name, value in self._context.items())
        rows = (
            ("sequence", place, "Sequence"),
            ("sequence_count", counts, "SequenceCount"),
            ("next_key", next_keys, "NextKey"),
            ("length", lengths, "Length"),
            ("total_length", totals, "TotalLength"),
        )
        inserts = [self._insert(part, keys, value, f"BarrierInsert{title}") for part, value, title in rows]
        more = [self._insert(("context", n), keys, v, f"BarrierInsertContext_{n}") for n, v in repeated.items()]
        more += [self._insert(("sequence", n), keys, v, f"BarrierInsertSequences_{n}") for n, v in pieces.items()]
        token = self._capacity_queue.enqueue((_TOKEN,))
        with tf.control_dependencies([inserts[0], token]):
            states = [self._insert_initial(n, v, keys) for n, v in self._states.items()]
        return tf.group(token, *inserts, *states, *more, name="StateSaverPrefetchGroup")

    def _insert_initial(self, name: str, value: Any, keys: Any) -> Any:
        first = tf.stack([keys[0]])
        return self._insert(("state", name), first, tf.stack([value]), f"BarrierInitialInsertState_{name}")

    def _keys(self, place: Any, count: Any) -> tuple[Any, Any]:
        numbers = [tf.as_string(place, width=5, fill="0"), "_of_", tf.as_string(count, width=5, fill="0")]
        keys = tf.string_join([*numbers, ":", self._key], name="StringJoinCurrentKeys")
        later = tf.slice(keys, [1], [-1])
        last = tf.expand_dims(tf.string_join(["STOP:", self._key], name="StringJoinStop"), 0)
        return keys, tf.concat([later, last], 0, name="concat_next_keys")

    def _cut(self, name: str, value: Any, count: Any) -> Any:
        rest = value.get_shape().as_list()[1:]
        leading = [tf.expand_dims(count, 0), tf.expand_dims(self._num_unroll, 0)]
        shape = tf.concat([*leading, rest], 0, name=f"concat_sequences_{name}")
        cut = tf.reshape(value, shape, name=f"reshape_sequences_{name}")
        axes = list(range(value.get_shape().ndims + 1))
        return check.dimensions(cut, axes, [count, self._num_unroll, *rest], f"reshaped_sequences_{name}")

    # ---- taking out

    def _make_reads(self) -> NextQueuedSequenceBatch:
        taken = self._barrier.take_many(self._batch_size, self._allow_small_batch, name="BarrierTakeMany")
        self._received_indices, self._received_keys = taken[0], taken[1]
        values = taken[2]
        self._received = {part: values[self._index[part]] for part in _PARTS}

        def of(kind: str, tensors: Any) -> OrderedDict[str, Any]:
            return OrderedDict((name, values[self._index[kind, name]]) for name in tensors)

        self._received_context, self._received_sequences = of("context", self._context), of("sequence", self._sequences)
        self._received_batch_size = tf.squeeze(tf.shape(self._received["length"]))
        self._sequence_is_done = self._received["sequence"] + 1 >= self._received["sequence_count"]
        finished = tf.reduce_sum(tf.cast(self._sequence_is_done, tf.int32))
        with tf.control_dependencies([self._capacity_queue.dequeue_many(finished)]):
            states = of("state", self._states)
            self._received_states = OrderedDict((name, tf.identity(value)) for name, value in states.items())
        return NextQueuedSequenceBatch(self)


def _repeat(name: str, value: Any, count: Any) -> Any:
    sizes = value.get_shape().as_list()
    row = tf.expand_dims(value, 0)
    times = tf.concat([tf.expand_dims(count, 0), [1] * len(sizes)], 0, name=f"concat_context_{name}")
    tiled = tf.tile(row, times, name=f"tile_context_{name}")
    return check.dimensions(tiled, list(range(len(sizes) + 1)), [count, *sizes], f"expanded_context_{name}")


def _check_capacity(capacity: int | None, batch_size: Any, key: Any) -> Any:
    """The key, behind a check if the batch size is known only when it runs."""
    if capacity is None:
        return key
    if isinstance(batch_size, tf.Tensor):
        wide = tf.cast(capacity, tf.int64), tf.cast(batch_size, tf.int64)
        message = "capacity needs to be >= batch_size."
        with tf.control_dependencies([tf.assert_greater_equal(*wide, message=message)]):
            return tf.identity(key)
    if capacity < batch_size:
        raise ValueError(f"capacity {capacity} needs to be >= batch_size {batch_size}")
    return key
