"""`tf.contrib.seq2seq.BeamSearchDecoder`: the likeliest sequences, several of them at once."""

from __future__ import annotations

import collections
import functools
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.rnn.attention import AttentionWrapperState
from retrograph.rnn.cells import assert_like_rnncell
from retrograph.rnn.decoding import Decoder, checked_tokens, embedding_function, layer_size

_State = collections.namedtuple(  # type: ignore[name-match]
    "BeamSearchDecoderState", ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs")
)
_Output = collections.namedtuple(  # type: ignore[name-match]
    "BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids")
)
_Final = collections.namedtuple(  # type: ignore[name-match]
    "FinalBeamDecoderOutput", ("predicted_ids", "beam_search_decoder_output")
)


@export("contrib.seq2seq.BeamSearchDecoderState")
class BeamSearchDecoderState(_State):
    """The state of a `BeamSearchDecoder`. Source: TF 1.15 `tf.contrib.seq2seq.BeamSearchDecoderState`."""


@export("contrib.seq2seq.BeamSearchDecoderOutput")
class BeamSearchDecoderOutput(_Output):
    """What a `BeamSearchDecoder` gives a step. Source: TF 1.15 `tf.contrib.seq2seq.BeamSearchDecoderOutput`."""


@export("contrib.seq2seq.FinalBeamSearchDecoderOutput")
class FinalBeamSearchDecoderOutput(_Final):
    """What decoding by a `BeamSearchDecoder` gives. Source: TF 1.15 `tf.contrib.seq2seq.FinalBeamSearchDecoderOutput`."""


@export("contrib.seq2seq.gather_tree")
def gather_tree(step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: Any = None) -> Any:
    """The whole sequences i32[time, batch, beam] that steps i32[time, batch, beam] and their parents make up.

    Raises InvalidArgumentError: a parent beyond the beams. Source: TF 1.15 `tf.contrib.seq2seq.gather_tree`.
    """
    return apply_op(
        "GatherTree", name, step_ids=step_ids, parent_ids=parent_ids, max_sequence_lengths=max_sequence_lengths,
        end_token=end_token,
    )  # fmt: skip


def gather_tree_from_array(t: Any, parent_ids: Any, sequence_length: Any) -> Any:
    """The elements of t[time, batch, beam, ...] along the sequences that the parents make up."""
    time, batch, beam = (parent_ids.shape.as_list()[i] or tf.shape(parent_ids)[i] for i in range(3))
    beams = tf.tile(tf.expand_dims(tf.expand_dims(tf.range(beam), 0), 0), [time, batch, 1])
    longest = tf.cast(tf.reduce_max(sequence_length, axis=1), tf.int32)
    chosen = gather_tree(beams, parent_ids, longest, beam + 1)
    inside = tf.transpose(tf.sequence_mask(sequence_length, maxlen=time), perm=[2, 0, 1])
    chosen = tf.where(inside, x=chosen, y=beams)
    steps = tf.tile(tf.reshape(tf.range(time), [-1, 1, 1]), [1, batch, beam])
    rows = tf.transpose(tf.tile(tf.reshape(tf.range(batch), [-1, 1, 1]), [1, time, beam]), perm=[1, 0, 2])
    flat = tf.reshape(t, [time, batch, beam, -1])
    return tf.reshape(tf.gather_nd(flat, tf.stack([steps, rows, chosen], -1)), tf.shape(t))


def _known_rank(t: Any) -> None:
    if t.shape.ndims is None:
        raise ValueError(f"Expected tensor ({t}) to have known rank, but ndims == None.")


def _static_shape(size: Any) -> Any:
    return tf.TensorShape(constant_value(size) if isinstance(size, tf.Tensor) else size)


@export("contrib.seq2seq.BeamSearchDecoder")
class BeamSearchDecoder(Decoder):
    """Keeps the `beam_width` likeliest sequences of each row; states are tiled by `tile_batch`.

    Raises: TypeError: no cell, no layer; ValueError: tokens of other ranks, states that are not tiled.
    Source: TF 1.15 `tf.contrib.seq2seq.BeamSearchDecoder`
    """

    def __init__(
        self, cell: Any, embedding: Any, start_tokens: Any, end_token: Any, initial_state: Any, beam_width: int, output_layer: Any = None, length_penalty_weight: Any = 0.0,
        coverage_penalty_weight: Any = 0.0, reorder_tensor_arrays: bool = True,
    ):  # fmt: skip
        assert_like_rnncell("cell", cell)
        if output_layer is not None and not isinstance(output_layer, tf.layers.Layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._output_layer, self._beam_width = cell, output_layer, beam_width
        self._length_penalty_weight = length_penalty_weight
        self._coverage_penalty_weight = coverage_penalty_weight
        self._reorder_tensor_arrays = reorder_tensor_arrays
        self._embedding_fn = embedding_function(embedding)
        self._start_tokens, self._end_token = checked_tokens(start_tokens, end_token)
        self._batch_size = tf.size(start_tokens)
        self._initial_cell_state = nest.map_structure(
            self._maybe_split_batch_beams, initial_state, self._cell.state_size
        )
        self._start_tokens = tf.tile(tf.expand_dims(self._start_tokens, 1), [1, beam_width])
        self._start_inputs = self._embedding_fn(self._start_tokens)
        self._finished = self._first_beam(False, True, tf.bool)

    def _first_beam(self, first: Any, others: Any, dtype: Any) -> Any:
        rows = tf.zeros([self._batch_size], dtype=tf.int32)
        return tf.one_hot(rows, depth=self._beam_width, on_value=first, off_value=others, dtype=dtype)

    @property
    def batch_size(self) -> Any:
        """The number of rows."""
        return self._batch_size

    @property
    def tracks_own_finished(self) -> bool:
        """Beams change places, so that a finished one may be followed by one that is not."""
        return True

    @property
    def output_size(self) -> Any:
        """The sizes of a step's outputs."""
        return BeamSearchDecoderOutput(*(tf.TensorShape([self._beam_width]) for _ in range(3)))

    @property
    def output_dtype(self) -> Any:
        """The dtypes of a step's outputs."""
        size = layer_size(self._cell.output_size, self._output_layer)
        return BeamSearchDecoderOutput(
            scores=nest.map_structure(lambda _: self._state_dtype(), size), predicted_ids=tf.int32, parent_ids=tf.int32
        )

    def _state_dtype(self) -> Any:
        return nest.flatten(self._initial_cell_state)[0].dtype

    def initialize(self, name: Any = None) -> Any:
        """(finished, first inputs, first state): at first one beam alone counts."""
        dtype = self._state_dtype()
        log_probs = self._first_beam(
            tf.convert_to_tensor(0.0, dtype=dtype), tf.convert_to_tensor(-np.inf, dtype=dtype), dtype
        )
        attention = attention_probabilities(self._initial_cell_state, self._coverage_penalty_weight)
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state,
            log_probs=log_probs,
            finished=self._finished,
            lengths=tf.zeros([self._batch_size, self._beam_width], dtype=tf.int64),
            accumulated_attention_probs=() if attention is None else attention,
        )
        return self._finished, self._start_inputs, state

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        """(the sequences with their scores, the state with its arrays in the order of the sequences)."""
        longest = tf.cast(tf.reduce_max(final_state.lengths, axis=1), tf.int32)
        ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end_token)
        if self._reorder_tensor_arrays:
            sort = functools.partial(
                self._maybe_sort_array_beams, parent_ids=outputs.parent_ids, sequence_length=final_state.lengths
            )
            final_state = final_state._replace(cell_state=nest.map_structure(sort, final_state.cell_state))
        return FinalBeamSearchDecoderOutput(beam_search_decoder_output=outputs, predicted_ids=ids), final_state

    # ---- [batch, beam, ...] and [batch * beam, ...]

    def _merge_batch_beams(self, t: Any, s: Any = None) -> Any:
        rest, rows = _static_shape(s), constant_value(self._batch_size)
        merged = tf.reshape(t, tf.concat(([self._batch_size * self._beam_width], tf.shape(t)[2:]), 0))
        merged.set_shape(tf.TensorShape([None if rows is None else int(rows) * self._beam_width]).concatenate(rest))
        return merged

    def _split_batch_beams(self, t: Any, s: Any = None) -> Any:
        rest, rows = _static_shape(s), constant_value(self._batch_size)
        split = tf.reshape(t, tf.concat(([self._batch_size, self._beam_width], tf.shape(t)[1:]), 0))
        expected = tf.TensorShape([rows, self._beam_width]).concatenate(rest)
        if not split.shape.is_compatible_with(expected):
            raise ValueError(
                "Unexpected behavior when reshaping between beam width and batch size.  The reshaped tensor has shape: "
                f"{split.shape}.  We expected it to have shape (batch_size, beam_width, depth) == {expected}.  Perhaps "
                "you forgot to create a zero_state with batch_size=encoder_batch_size * beam_width?"
            )
        split.set_shape(expected)
        return split

    def _maybe_split_batch_beams(self, t: Any, s: Any) -> Any:
        if isinstance(t, tf.TensorArray):
            return t
        _known_rank(t)
        return self._split_batch_beams(t, s) if t.shape.ndims >= 1 else t

    def _maybe_merge_batch_beams(self, t: Any, s: Any) -> Any:
        if isinstance(t, tf.TensorArray):
            return t
        _known_rank(t)
        return self._merge_batch_beams(t, s) if t.shape.ndims >= 2 else t

    def _maybe_sort_array_beams(self, t: Any, parent_ids: Any, sequence_length: Any) -> Any:
        if not isinstance(t, tf.TensorArray):
            return t
        shape = t.element_shape
        if shape.ndims is None or shape.ndims < 1:
            tf.logging.warn(
                "The TensorArray %s in the cell state is not amenable to sorting based on the beam search result. For a "
                "TensorArray to be sorted, its elements shape must be defined and have at least a rank of 1, but saw shape: %s",
                t.handle.name, shape,
            )  # fmt: skip
            return t
        if not self._may_be_reordered(shape):
            return t
        t = t.stack()
        with tf.control_dependencies([self._reorder_check(t)]):
            return gather_tree_from_array(t, parent_ids, sequence_length)

    def _may_be_reordered(self, shape: Any) -> bool:
        rows, beams, sizes = constant_value(self._batch_size), self._beam_width, shape.as_list()
        split = len(sizes) < 2 or sizes[1] is None or sizes[:2] == [rows, beams]
        if rows is None or sizes[0] is None or (sizes[0] == rows * beams and split):
            return True
        tf.logging.warn(
            "TensorArray reordering expects elements to be reshapable to %s which is incompatible with the current shape "
            "%s. Consider setting reorder_tensor_arrays to False to disable TensorArray reordering during the beam search.",
            tf.TensorShape([rows, beams, None]), shape,
        )  # fmt: skip
        return False

    def _reorder_check(self, t: Any) -> Any:
        shape, rows, beams = tf.shape(t), self._batch_size, self._beam_width
        fits = tf.equal(shape[1], rows * beams)
        if t.shape.ndims != 2:
            fits = tf.logical_or(fits, tf.logical_and(tf.equal(shape[1], rows), tf.equal(shape[2], beams)))
        text = (
            "TensorArray reordering expects elements to be reshapable to [batch_size, beam_size, -1] which is "
            f"incompatible with the dynamic shape of {t.name} elements. Consider setting reorder_tensor_arrays to False "
            "to disable TensorArray reordering during the beam search."
        )
        return tf.Assert(fits, [text])

    # ---- a step

    def step(self, time: Any, inputs: Any, state: Any, name: Any = None) -> Any:
        """(outputs, next state, next inputs, finished)."""
        with tf.name_scope(name, "BeamSearchDecoderStep", (time, inputs, state)):
            inputs = nest.map_structure(lambda x: self._merge_batch_beams(x, s=x.shape[2:]), inputs)
            sizes = self._cell.state_size
            cell_state = nest.map_structure(self._maybe_merge_batch_beams, state.cell_state, sizes)
            outputs, cell_state = self._cell(inputs, cell_state)
            outputs = nest.map_structure(lambda out: self._split_batch_beams(out, out.shape[1:]), outputs)
            cell_state = nest.map_structure(self._maybe_split_batch_beams, cell_state, sizes)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            found, next_state = _Search(self, state, outputs).step(time, cell_state)
            finished, ids = next_state.finished, found.predicted_ids
            next_inputs = tf.cond(tf.reduce_all(finished), lambda: self._start_inputs, lambda: self._embedding_fn(ids))
        return found, next_state, next_inputs, finished


class _Search:
    """One step of the search: of all beams' followers the likeliest are kept."""

    def __init__(self, decoder: Any, state: Any, logits: Any):
        self.decoder, self.state, self.logits = decoder, state, logits
        self.rows, self.beams, self.end = decoder._batch_size, decoder._beam_width, decoder._end_token

    def step(self, time: Any, cell_state: Any) -> Any:
        """(output, next state)."""
        state, rows, beams = self.state, self.rows, self.beams
        running = tf.logical_not(state.finished)
        step_probs = _only_end_if(state.finished, tf.nn.log_softmax(self.logits), self.end)
        total = tf.expand_dims(state.log_probs, 2) + step_probs
        words = self.logits.shape.as_list()[-1] or tf.shape(self.logits)[-1]
        lengths = self._lengths(running, words)
        attention = self._attention(cell_state, running)
        scores = self._scores(total, lengths, attention)
        time = tf.convert_to_tensor(time, name="time")
        count = tf.convert_to_tensor(beams, dtype=tf.int32, name="beam_width")
        best, places = tf.nn.top_k(tf.reshape(scores, [rows, -1]), k=count)
        for value in (best, places):
            value.set_shape([constant_value(rows), beams])
        log_probs = self._gathered(places, total, beams * words, [-1], name="next_beam_probs")
        word_ids = tf.cast(tf.mod(places, words, name="next_beam_word_ids"), tf.int32)
        parents = tf.cast(places / words, tf.int32, name="next_beam_parent_ids")
        return BeamSearchDecoderOutput(scores=best, predicted_ids=word_ids, parent_ids=parents), self._next(
            parents, word_ids, log_probs, attention, cell_state
        )

    def _next(self, parents: Any, word_ids: Any, log_probs: Any, attention: Any, cell_state: Any) -> Any:
        beams, flat = self.beams, [self.rows * self.beams, -1]
        before = self._gathered(parents, self.state.finished, beams, [-1])
        finished = tf.logical_or(before, tf.equal(word_ids, self.end), name="next_beam_finished")
        longer = tf.cast(tf.logical_not(before), tf.int64)
        lengths = self._gathered(parents, self.state.lengths, beams, [-1])
        lengths += longer
        if attention is not None:
            attention = self._gathered(parents, attention, beams, flat, name="next_accumulated_attention_probs")
        return BeamSearchDecoderState(
            cell_state=nest.map_structure(lambda value: self._maybe_gathered(parents, value, beams, flat), cell_state),
            log_probs=log_probs,
            lengths=lengths,
            finished=finished,
            accumulated_attention_probs=() if attention is None else attention,
        )

    def _lengths(self, running: Any, words: Any) -> Any:
        added = tf.one_hot(
            indices=tf.fill([self.rows, self.beams], self.end), depth=words, on_value=tf.to_int64(0),
            off_value=tf.to_int64(1), dtype=tf.int64,
        )  # fmt: skip
        mask = tf.cast(running, tf.int64)
        added *= tf.expand_dims(mask, 2)
        return added + tf.expand_dims(self.state.lengths, 2)

    def _attention(self, cell_state: Any, running: Any) -> Any:
        found = attention_probabilities(cell_state, self.decoder._coverage_penalty_weight)
        if found is None:
            return None
        found *= tf.expand_dims(tf.cast(running, tf.float32), 2)
        return self.state.accumulated_attention_probs + found

    def _scores(self, log_probs: Any, lengths: Any, attention: Any) -> Any:
        penalty = tf.cast(_length_penalty(lengths, self.decoder._length_penalty_weight), dtype=log_probs.dtype)
        scores = log_probs / penalty
        weight = tf.convert_to_tensor(self.decoder._coverage_penalty_weight, name="coverage_penalty_weight")
        if weight.shape.ndims != 0:
            raise ValueError(f"coverage_penalty_weight should be a scalar, but saw shape: {weight.shape}")
        if constant_value(weight) == 0.0:
            return scores
        if attention is None:
            raise ValueError("accumulated_attention_probs can be None only if coverage penalty is disabled.")
        # Places without any attention do not count.
        attention = tf.where(tf.equal(attention, 0.0), tf.ones_like(attention), attention)
        coverage = tf.reduce_sum(tf.log(tf.minimum(attention, 1.0)), 2)
        coverage *= tf.cast(self.state.finished, tf.float32)
        return scores + tf.expand_dims(coverage * weight, 2)

    def _gathered(self, indices: Any, source: Any, size: Any, shape: Any, name: Any = None) -> Any:
        with tf.name_scope(name, "tensor_gather_helper"):
            offsets = tf.expand_dims(tf.range(self.rows) * size, 1)
            indices = tf.reshape(indices + offsets, [-1])
            output = tf.gather(tf.reshape(source, shape), indices)
            sizes = tf.shape(source)[: 1 + len(shape)]
            rows = tf.TensorShape([constant_value(self.rows)])
            output = tf.reshape(output, sizes, name="output")
            output.set_shape(rows.concatenate(source.shape[1 : 1 + len(shape)]))
            return output

    def _maybe_gathered(self, indices: Any, source: Any, size: Any, shape: Any) -> Any:
        if isinstance(source, tf.TensorArray):
            return source
        _known_rank(source)
        return self._gathered(indices, source, size, shape) if source.shape.ndims >= len(shape) else source


def _only_end_if(finished: Any, log_probs: Any, end_token: Any) -> Any:
    """Log probabilities f[batch, beam, words]; a finished beam goes on with the end alone."""
    words, dtype = tf.shape(log_probs)[2], log_probs.dtype
    row = tf.one_hot(
        end_token, words, dtype=dtype, on_value=tf.convert_to_tensor(0.0, dtype=dtype), off_value=dtype.min
    )
    rows = tf.tile(tf.reshape(row, [1, 1, -1]), tf.concat([tf.shape(finished), [1]], 0))
    return tf.where(tf.tile(tf.expand_dims(finished, 2), [1, 1, words]), rows, log_probs)


def _length_penalty(lengths: Any, factor: Any) -> Any:
    factor = tf.convert_to_tensor(factor, name="penalty_factor")
    factor.set_shape(())
    known = constant_value(factor)
    if known is not None and known == 0:
        return 1.0
    return tf.div((5.0 + tf.cast(lengths, tf.float32)) ** factor, (5.0 + 1.0) ** factor)


def _mean_of(probabilities: Any) -> Any:
    return tf.reduce_mean(tf.concat([tf.expand_dims(p, -1) for p in probabilities], -1), -1)


def _alignments_of(state: Any) -> Any:
    return _mean_of(state.alignments) if isinstance(state.alignments, tuple) else state.alignments


def attention_probabilities(cell_state: Any, coverage_penalty_weight: Any) -> Any:
    """The mean alignments of the attending cells in a state, None if the weight is 0; ValueError if there are none."""
    if isinstance(coverage_penalty_weight, (int, float)) and coverage_penalty_weight == 0.0:
        return None
    states = [cell_state] if isinstance(cell_state, AttentionWrapperState) else cell_state
    found = [_alignments_of(s) for s in states if isinstance(s, AttentionWrapperState)] if isinstance(
        states, (tuple, list)
    ) else []  # fmt: skip
    if not found:
        raise ValueError("coverage_penalty_weight must be 0.0 if no cell is attentional.")
    return found[0] if len(found) == 1 else _mean_of(found)
