"""Samplers inside `tensorflow.contrib.seq2seq.python.ops.helper`."""

from __future__ import annotations

from typing import Any

import retrograph as tf


def _shaped(draws: Any, sample_shape: Any) -> Any:
    """`[n, ...]` draws as `[*sample_shape, ...]`."""
    return tf.reshape(draws, tf.concat([sample_shape, tf.shape(draws)[1:]], 0))


def _counted(sample_shape: Any) -> tuple[Any, Any]:
    shape = tf.cast(tf.convert_to_tensor(sample_shape, dtype=tf.int32, name="sample_shape"), tf.int32)
    return shape, tf.reduce_prod(shape)


def bernoulli_sample(
    probs: Any = None, logits: Any = None, dtype: Any = tf.int32, sample_shape: Any = (), seed: Any = None
) -> Any:
    """Zeros and ones of the given probabilities of one."""
    probs = tf.sigmoid(logits, name="probs") if probs is None else tf.convert_to_tensor(probs, name="probs")
    shape, count = _counted(sample_shape)
    drawn = tf.random_uniform(tf.concat([[count], tf.shape(probs)], 0), seed=seed, dtype=probs.dtype)
    return _shaped(tf.cast(tf.less(drawn, probs), dtype), shape)


def categorical_sample(logits: Any, dtype: Any = tf.int32, sample_shape: Any = (), seed: Any = None) -> Any:
    """Numbers of classes whose logarithms of probabilities the last axis holds."""
    logits = tf.convert_to_tensor(logits, name="logits")
    shape, count = _counted(sample_shape)
    rows = logits if logits.shape.ndims == 2 else tf.reshape(logits, [-1, tf.shape(logits)[-1]])
    kind = tf.int64 if logits.dtype.size > 4 else tf.int32
    draws = tf.multinomial(rows, count, seed=seed, output_dtype=kind)
    draws = tf.reshape(tf.transpose(draws), tf.concat([[count], tf.shape(logits)[:-1]], 0))
    return _shaped(tf.cast(draws, dtype), shape)
