"""Monotonic attention of `tf.contrib.seq2seq`: alignments that only move forward through the memory."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.rnn.attention import BahdanauAttention, LuongAttention


@export("contrib.seq2seq.safe_cumprod")
def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Any:
    """The cumulative product of values between 0 and 1, computed by logarithms. Source: TF 1.15 `tf.contrib.seq2seq.safe_cumprod`."""
    with tf.name_scope(None, "SafeCumprod", [x]):
        x = tf.convert_to_tensor(x, name="x")
        tiny = np.finfo(x.dtype.as_numpy_dtype).tiny
        return tf.exp(tf.cumsum(tf.log(tf.clip_by_value(x, tiny, 1)), *args, **kwargs))


def _recursive(p: Any, previous: Any) -> Any:
    rows = p.shape.as_list()[0] or tf.shape(p)[0]
    kept = tf.concat([tf.ones((rows, 1)), 1 - p[:, :-1]], 1)
    scanned = tf.scan(
        lambda x, yz: tf.reshape(yz[0] * x + yz[1], (rows,)),
        [tf.transpose(kept), tf.transpose(previous)],
        tf.zeros((rows,)),
    )
    return p * tf.transpose(scanned)


def _parallel(p: Any, previous: Any) -> Any:
    kept = safe_cumprod(1 - p, axis=1, exclusive=True)
    # The product may be 0, and what it divides is 0 then too.
    return p * kept * tf.cumsum(previous / tf.clip_by_value(kept, 1e-10, 1.0), axis=1)


def _hard(p: Any, previous: Any) -> Any:
    p *= tf.cumsum(previous, axis=1)
    return p * tf.cumprod(1 - p, axis=1, exclusive=True)


_MODES = {"recursive": _recursive, "parallel": _parallel, "hard": _hard}


@export("contrib.seq2seq.monotonic_attention")
def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Any:
    """The alignments f[batch, length] that follow previous ones, if each place is chosen with probability `p_choose_i`.

    Raises ValueError: another mode than 'recursive', 'parallel', 'hard'. Source: TF 1.15 `tf.contrib.seq2seq.monotonic_attention`.
    """
    p_choose_i = tf.convert_to_tensor(p_choose_i, name="p_choose_i")
    previous_attention = tf.convert_to_tensor(previous_attention, name="previous_attention")
    if mode not in _MODES:
        raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")
    return _MODES[mode](p_choose_i, previous_attention)


class _Monotonic:
    """What makes a mechanism monotonic: the first place is attended to before the first step."""

    _noise: float
    _seed: Any
    _mode: str
    _bias_init: Any
    _alignments_size: Any

    def _set(self, noise: float, seed: Any, bias: Any, mode: str) -> None:
        self._noise, self._seed, self._bias_init, self._mode = noise, seed, bias, mode

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Any:
        """One at the first place f[batch, length]."""
        return tf.one_hot(tf.zeros((batch_size,), dtype=tf.int32), self._alignments_size, dtype=dtype)

    def _score(self, query: Any) -> Any:
        score = super()._score(query)  # type: ignore[misc]
        return score + tf.get_variable("attention_score_bias", dtype=query.dtype, initializer=self._bias_init)

    def _aligned(self, score: Any, state: Any) -> Any:
        if self._noise > 0:
            score += self._noise * tf.random_normal(tf.shape(score), dtype=score.dtype, seed=self._seed)
        chosen = tf.cast(score > 0, score.dtype) if self._mode == "hard" else tf.sigmoid(score)
        return monotonic_attention(chosen, state, self._mode)


@export("contrib.seq2seq.BahdanauMonotonicAttention")
class BahdanauMonotonicAttention(_Monotonic, BahdanauAttention):
    """Monotonic attention with additive scores. Source: TF 1.15 `tf.contrib.seq2seq.BahdanauMonotonicAttention`."""

    _scope = "bahdanau_monotonic_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False, score_mask_value: Any = None, sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: Any = None, score_bias_init: Any = 0.0, mode: str = "parallel", dtype: Any = None, name: str = "BahdanauMonotonicAttention",
    ):  # fmt: skip
        self._set(sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode)
        super().__init__(
            num_units, memory, memory_sequence_length, normalize=normalize, score_mask_value=score_mask_value,
            dtype=dtype, name=name,
        )  # fmt: skip


@export("contrib.seq2seq.LuongMonotonicAttention")
class LuongMonotonicAttention(_Monotonic, LuongAttention):
    """Monotonic attention with multiplicative scores. Source: TF 1.15 `tf.contrib.seq2seq.LuongMonotonicAttention`."""

    _scope = "luong_monotonic_attention"

    def __init__(
        self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False, score_mask_value: Any = None, sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: Any = None, score_bias_init: Any = 0.0, mode: str = "parallel", dtype: Any = None, name: str = "LuongMonotonicAttention",
    ):  # fmt: skip
        self._set(sigmoid_noise, sigmoid_noise_seed, score_bias_init, mode)
        super().__init__(
            num_units, memory, memory_sequence_length, scale=scale, score_mask_value=score_mask_value, dtype=dtype,
            name=name,
        )  # fmt: skip
