"""Layers of dense attention: which rows of a value each query looks at."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.base_layer import Layer

_FAR_BELOW = 1.0e9


def both(one: Any, other: Any) -> Any:
    """A mask of what two masks have in common; None stands for everything."""
    if one is None or other is None:
        return other if one is None else one
    return tf.logical_and(one, other)


def lower_triangle(shape: Any) -> Any:
    """bool[..., n, m], true where the column is not behind the row."""
    ones = tf.ones(shape=shape, dtype=tf.int32)
    return tf.greater_equal(tf.cumsum(ones, axis=-2), tf.cumsum(ones, axis=-1))


class BaseDenseAttention(Layer):
    """Base of the layers: a subclass computes scores `f[batch, queries, keys]`.

    Inputs are `[query, value]` or `[query, value, key]`, masks `[query_mask, value_mask]`. With `causal`, no query looks at
    what stands behind it. Raises ValueError for other inputs or masks.
    """

    def __init__(self, causal: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(causal=causal)
        self.supports_masking = True

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        raise NotImplementedError

    def _apply_scores(self, scores: Any, value: Any, scores_mask: Any = None) -> Any:
        if scores_mask is not None:
            scores -= _FAR_BELOW * tf.cast(tf.logical_not(scores_mask), tf.keras.backend.floatx())
        return tf.matmul(tf.nn.softmax(scores), value)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The values that the queries look at, `f[batch, queries, size]`; zeros where the query is masked."""
        self._check(inputs, mask)
        query, value, key = inputs[0], inputs[1], inputs[-1]
        query_mask, value_mask = mask or (None, None)
        scores = self._calculate_scores(query=query, key=key)
        if value_mask is not None:
            value_mask = tf.expand_dims(value_mask, axis=-2)
        result = self._apply_scores(scores, value, both(value_mask, self._causal_mask(scores)))
        if query_mask is None:
            return result
        return result * tf.cast(tf.expand_dims(query_mask, axis=-1), result.dtype)

    def _causal_mask(self, scores: Any) -> Any:
        if not self.causal:
            return None
        sizes: Any = tf.shape(scores)
        return lower_triangle(tf.concat([tf.ones_like(sizes[:-2]), sizes[-2:]], axis=0))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the queries."""
        self._check(inputs, mask)
        return None if not mask or mask[0] is None else tf.convert_to_tensor(mask[0])

    def _check(self, inputs: Any, mask: Any) -> None:
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise ValueError(
                f"{name} layer must be called on a list of inputs, namely [query, value] or [query, value, key]."
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key]. "
                f"Given length: {len(inputs)}"
            )
        if mask and not isinstance(mask, list):
            raise ValueError(f"{name} layer mask must be a list, namely [query_mask, value_mask].")
        if mask and len(mask) != 2:
            raise ValueError(
                f"{name} layer mask must be a list of length 2, namely [query_mask, value_mask]. Given length: {len(mask)}"
            )


@export("keras.layers.Attention")
class Attention(BaseDenseAttention):
    """Scores are products of queries and keys, with `use_scale` times a trained number.

    Source: TF 1.15 `tf.keras.layers.Attention`.
    """

    def __init__(self, use_scale: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(use_scale=use_scale)
        self.scale: Any = None

    def build(self, input_shape: Any) -> None:
        """Makes the scale."""
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones", dtype=self.dtype, trainable=True)
        self.built = True

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        scores = tf.matmul(query, key, transpose_b=True)
        return scores if self.scale is None else scores * self.scale


@export("keras.layers.AdditiveAttention")
class AdditiveAttention(BaseDenseAttention):
    """Scores are sums of the tanh of queries and keys, with `use_scale` times trained numbers.

    Source: TF 1.15 `tf.keras.layers.AdditiveAttention`.
    """

    def __init__(self, use_scale: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(use_scale=use_scale)
        self.scale: Any = None

    def build(self, input_shape: Any) -> None:
        """Makes the scales, one for each column of the values."""
        size = tf.TensorShape(input_shape[1]).as_list()[-1]
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=[size], initializer="glorot_uniform", dtype=self.dtype, trainable=True
            )
        self.built = True

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        summed = tf.tanh(tf.expand_dims(query, axis=-2) + tf.expand_dims(key, axis=-3))
        return tf.reduce_sum((self.scale if self.use_scale else 1.0) * summed, axis=-1)
