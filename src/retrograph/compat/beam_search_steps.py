"""Functions inside `tensorflow.contrib.seq2seq.python.ops.beam_search_decoder`, which decoders of programs' own call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from retrograph.rnn import beam_search
from retrograph.rnn.beam_search import BeamSearchDecoder, BeamSearchDecoderState

_mask_probs_of = beam_search._only_end_if


def _decoder(
    batch_size: Any, beam_width: Any, end_token: Any = None, length_penalty: Any = 0.0, coverage_penalty: Any = 0.0
) -> Any:
    return SimpleNamespace(
        _batch_size=batch_size,
        _beam_width=beam_width,
        _end_token=end_token,
        _length_penalty_weight=length_penalty,
        _coverage_penalty_weight=coverage_penalty,
    )


def _beam_search_step(
    time: Any,
    logits: Any,
    next_cell_state: Any,
    beam_state: Any,
    batch_size: Any,
    beam_width: Any,
    end_token: Any,
    length_penalty_weight: Any,
    coverage_penalty_weight: Any,
) -> Any:
    """(output, next state) of one step, from logits `f32[batch, beam, words]`."""
    decoder = _decoder(batch_size, beam_width, end_token, length_penalty_weight, coverage_penalty_weight)
    return beam_search._Search(decoder, beam_state, logits).step(time, next_cell_state)


def _mask_probs(probs: Any, eos_token: Any, finished: Any) -> Any:
    """Log probabilities; a finished beam goes on with the end alone."""
    import retrograph as tf

    return _mask_probs_of(tf.convert_to_tensor(finished), probs, eos_token)


def _check_batch_beam(t: Any, batch_size: Any, beam_width: Any) -> Any:
    """An Assert that stacked elements are `[batch, beam, ...]` or `[batch * beam, ...]`."""
    return BeamSearchDecoder._reorder_check(_decoder(batch_size, beam_width), t)


def _check_ndims(t: Any) -> None:
    """Raises ValueError for a tensor of unknown rank."""
    beam_search._known_rank(t)


_check_maybe = _check_ndims


def _length_penalty(sequence_lengths: Any, penalty_factor: Any) -> Any:
    """What scores are divided by."""
    return beam_search._length_penalty(sequence_lengths, penalty_factor)


def _get_scores(
    log_probs: Any,
    sequence_lengths: Any,
    length_penalty_weight: Any,
    coverage_penalty_weight: Any,
    finished: Any,
    accumulated_attention_probs: Any,
) -> Any:
    """Log probabilities with the penalties of lengths and of coverage."""
    state = BeamSearchDecoderState(None, None, finished, None, None)
    decoder = _decoder(None, None, None, length_penalty_weight, coverage_penalty_weight)
    search = beam_search._Search(decoder, state, log_probs)
    return search._scores(log_probs, sequence_lengths, accumulated_attention_probs)


def _tensor_gather_helper(
    gather_indices: Any, gather_from: Any, batch_size: Any, range_size: Any, gather_shape: Any, name: Any = None
) -> Any:
    """Of each row the values at the indices."""
    search = beam_search._Search(_decoder(batch_size, None), None, None)
    return search._gathered(gather_indices, gather_from, range_size, gather_shape, name)


def _maybe_tensor_gather_helper(
    gather_indices: Any, gather_from: Any, batch_size: Any, range_size: Any, gather_shape: Any
) -> Any:
    """The same, unless the rank is too low or it is a TensorArray."""
    search = beam_search._Search(_decoder(batch_size, None), None, None)
    return search._maybe_gathered(gather_indices, gather_from, range_size, gather_shape)


def get_attention_probs(next_cell_state: Any, coverage_penalty_weight: Any) -> Any:
    """The mean alignments of the attending cells in a state."""
    return beam_search.attention_probabilities(next_cell_state, coverage_penalty_weight)


def attention_probs_from_attn_state(attention_state: Any) -> Any:
    """The mean alignments of one attending cell."""
    return beam_search._alignments_of(attention_state)
