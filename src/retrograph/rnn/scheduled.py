"""Further helpers of `tf.contrib.seq2seq`: scheduled sampling, and inference by functions."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.rnn.decoding import Helper, TrainingHelper, embedding_function, read_until_end, unstacked
from retrograph.rnn.running import transpose_batch_time


def _bernoulli(probability: Any, count: Any, dtype: Any, seed: Any) -> Any:
    shape = tf.concat([[count], tf.shape(probability)], 0)
    drawn = tf.random_uniform(shape, seed=seed, dtype=probability.dtype)
    return tf.cast(tf.less(drawn, probability), dtype)


def _categorical(logits: Any, seed: Any) -> Any:
    return tf.squeeze(tf.multinomial(logits, 1, seed=seed, output_dtype=tf.int32), [-1])


def _probability(value: Any) -> Any:
    value = tf.convert_to_tensor(value, name="sampling_probability")
    if value.shape.ndims not in (0, 1):
        raise ValueError(f"sampling_probability must be either a scalar or a vector. saw shape: {value.shape}")
    return value


def _chosen(sampled: Any, new: Any, base: Any) -> Any:
    return tf.where(sampled, new, base)


@export("contrib.seq2seq.ScheduledEmbeddingTrainingHelper")
class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """Feeds given inputs or, with some probability, the embedding of what was drawn. Source: TF 1.15 `tf.contrib.seq2seq.ScheduledEmbeddingTrainingHelper`."""

    def __init__(
        self, inputs: Any, sequence_length: Any, embedding: Any, sampling_probability: Any, time_major: bool = False, seed: Any = None, scheduling_seed: Any = None, name: Any = None,
    ):  # fmt: skip
        with tf.name_scope(name, "ScheduledEmbeddingSamplingWrapper", [embedding, sampling_probability]):
            self._embedding_fn = embedding_function(embedding)
            self._sampling_probability = _probability(sampling_probability)
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """Drawn symbols i32[batch], -1 where the given input is fed."""
        with tf.name_scope(name, "ScheduledEmbeddingTrainingHelperSample", [time, outputs, state]):
            draws = _bernoulli(self._sampling_probability, self.batch_size, tf.bool, self._scheduling_seed)
            return tf.where(draws, _categorical(outputs, self._seed), tf.fill([self.batch_size], -1))

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: Any = None) -> Any:
        """(finished, next inputs, the state)."""
        with tf.name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
            finished, base, state = super().next_inputs(
                time=time, outputs=outputs, state=state, sample_ids=sample_ids, name=name
            )

            def mixed() -> Any:
                new = self._embedding_fn(tf.maximum(sample_ids, 0))
                return _chosen(sample_ids > -1, new, base)

            return finished, tf.cond(tf.reduce_all(finished), lambda: base, mixed), state


@export("contrib.seq2seq.ScheduledOutputTrainingHelper")
class ScheduledOutputTrainingHelper(TrainingHelper):
    """Feeds given inputs or, with some probability, the last outputs. Source: TF 1.15 `tf.contrib.seq2seq.ScheduledOutputTrainingHelper`."""

    def __init__(
        self, inputs: Any, sequence_length: Any, sampling_probability: Any, time_major: bool = False, seed: Any = None, next_inputs_fn: Any = None, auxiliary_inputs: Any = None,
        name: Any = None,
    ):  # fmt: skip
        with tf.name_scope(name, "ScheduledOutputTrainingHelper", [inputs, auxiliary_inputs, sampling_probability]):
            self._sampling_probability = _probability(sampling_probability)
            self._auxiliary: Any = None
            if auxiliary_inputs is not None:
                inputs = tf.convert_to_tensor(inputs, name="inputs")
                more = tf.convert_to_tensor(auxiliary_inputs, name="auxiliary_inputs")
                inputs = nest.map_structure(lambda x, y: tf.concat((x, y), -1), inputs, more)
                if not time_major:
                    more = nest.map_structure(transpose_batch_time, more)
                self._auxiliary = nest.map_structure(unstacked, more)
            self._seed, self._next_inputs_fn = seed, next_inputs_fn
            super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """Which rows are fed their outputs i32[batch]."""
        with tf.name_scope(name, "ScheduledOutputTrainingHelperSample", [time, outputs, state]):
            return _bernoulli(self._sampling_probability, self.batch_size, tf.int32, self._seed)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any = None, name: Any = None) -> Any:
        """(finished, next inputs, the state)."""
        with tf.name_scope(name, "ScheduledOutputTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
            finished, base, state = super().next_inputs(
                time=time, outputs=outputs, state=state, sample_ids=sample_ids, name=name
            )
            sampled = tf.cast(sample_ids, tf.bool)

            def mixed() -> Any:
                new = outputs if self._next_inputs_fn is None else self._next_inputs_fn(outputs)
                return nest.map_structure(lambda x, y: _chosen(sampled, x, y), self._with_auxiliary(new, time), base)

            over = tf.reduce_all(finished)
            none = tf.logical_not(tf.reduce_any(sampled))
            return finished, tf.cond(tf.logical_or(over, none), lambda: base, mixed), state

    def _with_auxiliary(self, new: Any, time: Any) -> Any:
        if self._auxiliary is None:
            return new
        more = nest.map_structure(lambda array: read_until_end(array, time + 1), self._auxiliary)
        return nest.map_structure(lambda x, y: tf.concat((x, y), -1), new, more)


@export("contrib.seq2seq.InferenceHelper")
class InferenceHelper(Helper):
    """Feeds what functions make of the outputs. Source: TF 1.15 `tf.contrib.seq2seq.InferenceHelper`."""

    def __init__(
        self, sample_fn: Any, sample_shape: Any, sample_dtype: Any, start_inputs: Any, end_fn: Any, next_inputs_fn: Any = None,
    ):  # fmt: skip
        self._sample_fn, self._end_fn, self._next_inputs_fn = sample_fn, end_fn, next_inputs_fn
        self._sample_shape, self._sample_dtype = tf.TensorShape(sample_shape), sample_dtype
        self._batch_size = tf.shape(start_inputs)[0]
        self._start_inputs = tf.convert_to_tensor(start_inputs, name="start_inputs")

    @property
    def batch_size(self) -> Any:
        """The number of rows."""
        return self._batch_size

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of one row's sample."""
        return self._sample_shape

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of samples."""
        return self._sample_dtype

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs)."""
        return tf.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: Any = None) -> Any:
        """What `sample_fn` makes of the outputs."""
        return self._sample_fn(outputs)

    def next_inputs(self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: Any = None) -> Any:
        """(finished, next inputs, the state)."""
        inputs = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
        return self._end_fn(sample_ids), inputs, state
