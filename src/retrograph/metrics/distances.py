"""`tf.metrics.mean_cosine_distance` and `tf.metrics.mean_relative_error`."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.losses.squeezing import remove_squeezable_dimensions
from retrograph.metrics.metrics_impl import _collected, _squeezed, mean


@export("metrics.mean_cosine_distance")
def mean_cosine_distance(labels: Any, predictions: Any, dim: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """One less the mean of the products summed along `dim`, f32[]. Source: TF 1.15 `tf.metrics.mean_cosine_distance`."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    products = tf.reduce_sum(tf.multiply(predictions, labels), axis=[dim], keepdims=True)
    value, update = mean(products, weights, None, None, name or "mean_cosine_distance")
    value, update = tf.subtract(1.0, value), tf.subtract(1.0, update)
    return _collected(value, update, metrics_collections, updates_collections)


@export("metrics.mean_relative_error")
def mean_relative_error(labels: Any, predictions: Any, normalizer: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The mean of |labels - predictions| / normalizer, 0 where that is 0. Source: TF 1.15 `tf.metrics.mean_relative_error`."""
    predictions, labels, weights = _squeezed(predictions, labels, weights)
    predictions, normalizer = remove_squeezable_dimensions(predictions, normalizer)
    predictions.get_shape().assert_is_compatible_with(normalizer.get_shape())
    absent, nothing = tf.equal(normalizer, 0.0), tf.zeros_like(labels)
    errors = tf.where(absent, nothing, tf.div(tf.abs(labels - predictions), normalizer))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")
