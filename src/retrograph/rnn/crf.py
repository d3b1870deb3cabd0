"""`tf.contrib.crf`: scores, likelihoods and best paths of linear chains of tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.ops.smart_cond import smart_cond
from retrograph.rnn.cells import RNNCell


def _by_length(inputs: Any, single: Callable[[], Any], several: Callable[[], Any]) -> Any:
    """`single()` for sequences of one step, else `several()`."""
    length = inputs.shape.as_list()[1] or tf.shape(inputs)[1]
    return smart_cond(pred=tf.equal(length, 1), true_fn=single, false_fn=several)


def _where_empty(lengths: Any, values: Any) -> Any:
    """The values, zero for sequences without steps."""
    return tf.where(tf.less_equal(lengths, 0), tf.zeros_like(values), values)


def _without_first(lengths: Any) -> Any:
    return tf.maximum(tf.constant(0, dtype=lengths.dtype), lengths - 1)


def _first(potentials: Any) -> Any:
    return tf.squeeze(tf.slice(potentials, [0, 0, 0], [-1, 1, -1]), [1])


def _rest(potentials: Any) -> Any:
    return tf.slice(potentials, [0, 1, 0], [-1, -1, -1])


@export("contrib.crf.crf_sequence_score")
def crf_sequence_score(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The score f32[batch] of tags i[batch, time], for potentials f32[batch, time, tags]. Source: TF 1.15 `tf.contrib.crf.crf_sequence_score`."""

    def single() -> Any:
        batch_size = tf.shape(inputs, out_type=tag_indices.dtype)[0]
        rows = tf.reshape(tf.range(batch_size, dtype=tag_indices.dtype), [-1, 1])
        scores = tf.gather_nd(tf.squeeze(inputs, [1]), tf.concat([rows, tag_indices], axis=1))
        return _where_empty(sequence_lengths, scores)

    def several() -> Any:
        return crf_unary_score(tag_indices, sequence_lengths, inputs) + crf_binary_score(
            tag_indices, sequence_lengths, transition_params
        )

    return _by_length(inputs, single, several)


@export("contrib.crf.crf_multitag_sequence_score")
def crf_multitag_sequence_score(inputs: Any, tag_bitmap: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The log of the summed scores f32[batch] of all sequences that bool[batch, time, tags] admits. Source: TF 1.15 `tf.contrib.crf.crf_multitag_sequence_score`."""

    def admitted() -> Any:
        return tf.where(tag_bitmap, inputs, tf.fill(tf.shape(inputs), float("-inf")))

    return _by_length(
        inputs,
        lambda: tf.reduce_logsumexp(admitted(), axis=[1, 2], keepdims=False),
        lambda: crf_log_norm(inputs=admitted(), sequence_lengths=sequence_lengths, transition_params=transition_params),
    )


@export("contrib.crf.crf_log_norm")
def crf_log_norm(inputs: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The log f32[batch] of the normalization of potentials f32[batch, time, tags]. Source: TF 1.15 `tf.contrib.crf.crf_log_norm`."""
    first = _first(inputs)

    def several() -> Any:
        rest = _rest(inputs)
        cell = CrfForwardRnnCell(transition_params)
        _, alphas = tf.nn.dynamic_rnn(
            cell=cell, inputs=rest, sequence_length=_without_first(sequence_lengths), initial_state=first, dtype=tf.float32,
        )  # fmt: skip
        return _where_empty(sequence_lengths, tf.reduce_logsumexp(alphas, [1]))

    return _by_length(inputs, lambda: _where_empty(sequence_lengths, tf.reduce_logsumexp(first, [1])), several)


@export("contrib.crf.crf_log_likelihood")
def crf_log_likelihood(inputs: Any, tag_indices: Any, sequence_lengths: Any, transition_params: Any = None) -> Any:
    """(log likelihoods f32[batch] of tags i[batch, time], transitions f32[tags, tags]); transitions not given are the variable `transitions`.

    Source: TF 1.15 `tf.contrib.crf.crf_log_likelihood`.
    """
    tags = inputs.shape.as_list()[2]
    if transition_params is None:
        transition_params = tf.get_variable("transitions", [tags, tags])
    score = crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params)
    return score - crf_log_norm(inputs, sequence_lengths, transition_params), transition_params


def _mask(tag_indices: Any, lengths: Any) -> Any:
    return tf.sequence_mask(lengths, maxlen=tf.shape(tag_indices)[1], dtype=tf.float32)


@export("contrib.crf.crf_unary_score")
def crf_unary_score(tag_indices: Any, sequence_lengths: Any, inputs: Any) -> Any:
    """The summed potentials f32[batch] of tags i[batch, time]. Source: TF 1.15 `tf.contrib.crf.crf_unary_score`."""
    rows, steps, tags = (tf.shape(inputs)[i] for i in range(3))
    flat = tf.reshape(inputs, [-1])
    offsets = tf.expand_dims(tf.range(rows) * steps * tags, 1)
    offsets += tf.expand_dims(tf.range(steps) * tags, 0)
    if tag_indices.dtype == tf.int64:
        offsets = tf.cast(offsets, tf.int64)
    places = tf.reshape(offsets + tag_indices, [-1])
    scores = tf.reshape(tf.gather(flat, places), [rows, steps])
    return tf.reduce_sum(scores * _mask(tag_indices, sequence_lengths), 1)


@export("contrib.crf.crf_binary_score")
def crf_binary_score(tag_indices: Any, sequence_lengths: Any, transition_params: Any) -> Any:
    """The summed transitions f32[batch] of tags i[batch, time]. Source: TF 1.15 `tf.contrib.crf.crf_binary_score`."""
    tags, count = transition_params.shape[0], tf.shape(tag_indices)[1] - 1
    start = tf.slice(tag_indices, [0, 0], [-1, count])
    end = tf.slice(tag_indices, [0, 1], [-1, count])
    places = start * tags + end
    scores = tf.gather(tf.reshape(transition_params, [-1]), places)
    return tf.reduce_sum(scores * tf.slice(_mask(tag_indices, sequence_lengths), [0, 1], [-1, -1]), 1)


class _ChainCell(RNNCell):
    """A step of dynamic programming along a chain."""

    def __init__(self, transition_params: Any):
        self._transition_params = tf.expand_dims(transition_params, 0)
        self._num_tags = transition_params.shape.as_list()[0]

    @property
    def state_size(self) -> Any:
        """The number of tags."""
        return self._num_tags

    @property
    def output_size(self) -> Any:
        """The number of tags."""
        return self._num_tags

    def _scores(self, state: Any) -> Any:
        return tf.expand_dims(state, 2) + self._transition_params


@export("contrib.crf.CrfForwardRnnCell")
class CrfForwardRnnCell(_ChainCell):
    """A step of the forward algorithm. Source: TF 1.15 `tf.contrib.crf.CrfForwardRnnCell`."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The new alphas f32[batch, tags], twice."""
        alphas = inputs + tf.reduce_logsumexp(self._scores(state), [1])
        return alphas, alphas


@export("contrib.crf.viterbi_decode")
def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[Any], Any]:
    """(the best tags as a list, their score) for arrays f[time, tags] and f[tags, tags]. Source: TF 1.15 `tf.contrib.crf.viterbi_decode`."""
    best = np.zeros_like(score)
    came_from = np.zeros_like(score, dtype=np.int32)
    best[0] = score[0]
    for t in range(1, score.shape[0]):
        ways = best[t - 1][:, np.newaxis] + transition_params
        best[t] = score[t] + ways.max(0)
        came_from[t] = ways.argmax(0)
    path = [np.argmax(best[-1])]
    for t in range(score.shape[0] - 1, 0, -1):
        path.append(came_from[t][path[-1]])
    return path[::-1], np.max(best[-1])


@export("contrib.crf.CrfDecodeForwardRnnCell")
class CrfDecodeForwardRnnCell(_ChainCell):
    """A step of Viterbi's algorithm. Source: TF 1.15 `tf.contrib.crf.CrfDecodeForwardRnnCell`."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """(the tags before i32[batch, tags], the best scores f32[batch, tags])."""
        ways = self._scores(state)
        new = inputs + tf.reduce_max(ways, [1])
        return tf.cast(tf.argmax(ways, 1), dtype=tf.int32), new


@export("contrib.crf.CrfDecodeBackwardRnnCell")
class CrfDecodeBackwardRnnCell(RNNCell):
    """A step back along the best path. Source: TF 1.15 `tf.contrib.crf.CrfDecodeBackwardRnnCell`."""

    def __init__(self, num_tags: Any):
        self._num_tags = num_tags

    @property
    def state_size(self) -> Any:
        """One tag."""
        return 1

    @property
    def output_size(self) -> Any:
        """One tag."""
        return 1

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The tag before i32[batch, 1], twice."""
        state = tf.squeeze(state, axis=[1])
        rows = tf.range(tf.shape(inputs)[0])
        tags = tf.expand_dims(tf.gather_nd(inputs, tf.stack([rows, state], axis=1)), axis=-1)
        return tags, tags


@export("contrib.crf.crf_decode")
def crf_decode(potentials: Any, transition_params: Any, sequence_length: Any) -> tuple[Any, Any]:
    """(the best tags i32[batch, time], their scores f32[batch]) for potentials f32[batch, time, tags]. Source: TF 1.15 `tf.contrib.crf.crf_decode`."""

    def single() -> Any:
        scores = tf.squeeze(potentials, [1])
        tags = tf.expand_dims(tf.argmax(scores, axis=1), 1)
        best = tf.reduce_max(scores, axis=1)
        return tf.cast(tags, dtype=tf.int32), best

    def several() -> Any:
        forward = CrfDecodeForwardRnnCell(transition_params)
        first, rest = _first(potentials), _rest(potentials)
        lengths = _without_first(sequence_length)
        before, last = tf.nn.dynamic_rnn(
            forward, inputs=rest, sequence_length=lengths, initial_state=first, time_major=False, dtype=tf.int32
        )
        before = tf.reverse_sequence(before, lengths, seq_axis=1)
        end = tf.expand_dims(tf.cast(tf.argmax(last, axis=1), dtype=tf.int32), axis=-1)
        tags, _ = tf.nn.dynamic_rnn(
            CrfDecodeBackwardRnnCell(potentials.shape.as_list()[2]), inputs=before, sequence_length=lengths,
            initial_state=end, time_major=False, dtype=tf.int32,
        )  # fmt: skip
        tags = tf.concat([end, tf.squeeze(tags, axis=[2])], axis=1)
        return tf.reverse_sequence(tags, sequence_length, seq_axis=1), tf.reduce_max(last, axis=1)

    return _by_length(potentials, single, several)  # type: ignore[no-any-return]
