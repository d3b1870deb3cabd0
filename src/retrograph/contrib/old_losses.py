"""`tf.contrib.losses`: losses over the number of elements whose weight is not 0, predictions before labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.framework.exports import export

_LOSSES = tf.GraphKeys.LOSSES


def _public_loss(name: str) -> Callable[[Any], Any]:
    return export(f"contrib.losses.{name}", f"contrib.slim.losses.{name}")


@_public_loss("add_loss")
@add_arg_scope
def add_loss(loss: Any, loss_collection: str | None = _LOSSES) -> None:
    """Adds a loss to a collection, if any. Source: TF 1.15 `tf.contrib.losses.add_loss`."""
    if loss_collection:
        tf.add_to_collection(loss_collection, loss)


@_public_loss("get_losses")
def get_losses(scope: str | None = None, loss_collection: str = _LOSSES) -> list[Any]:
    """The losses collected, of a scope. Source: TF 1.15 `tf.contrib.losses.get_losses`."""
    return tf.get_collection(loss_collection, scope)  # type: ignore[no-any-return]


@_public_loss("get_regularization_losses")
def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The regularization losses, of a scope. Source: TF 1.15 `tf.contrib.losses.get_regularization_losses`."""
    return tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES, scope)  # type: ignore[no-any-return]


@_public_loss("get_total_loss")
def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss") -> Any:
    """The sum of all losses, f32[]. Source: TF 1.15 `tf.contrib.losses.get_total_loss`."""
    losses = get_losses()
    return tf.add_n(losses + get_regularization_losses() if add_regularization_losses else losses, name=name)


def _scaled(losses: Any, weights: Any) -> Any:
    """The sum of the losses, each times its weight."""
    axes = list(range(max(0, weights.get_shape().ndims), losses.get_shape().ndims))
    return tf.reduce_sum(tf.multiply(tf.reduce_sum(losses, axis=axes), weights))


def _present(losses: Any, weights: Any, per_batch: bool = False) -> Any:
    """How many elements have a weight that is not 0, of each sample or in all."""
    rank = weights.get_shape().ndims
    if rank == 0:
        batch = tf.reshape(tf.slice(tf.shape(losses), [0], [1]), [])
        number = tf.div(tf.cast(tf.size(losses), tf.float32), tf.cast(batch, tf.float32))
        number = tf.where(tf.equal(weights, 0), 0.0, number)
        number = tf.multiply(tf.ones(tf.reshape(batch, [1])), number)
    else:
        nonzero = tf.reduce_sum(tf.cast(tf.not_equal(weights, 0), tf.float32), axis=list(range(1, rank)))
        rest = tf.slice(tf.shape(losses), [rank], [-1])
        number = tf.multiply(nonzero, tf.cast(tf.reduce_prod(rest), tf.float32))
    return number if per_batch else tf.reduce_sum(number)


@_public_loss("compute_weighted_loss")
def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: Any = None) -> Any:
    """The weighted losses over the number of nonzero weights. Raises ValueError: a rank that is not known.

    Source: TF 1.15 `tf.contrib.losses.compute_weighted_loss`.
    """
    with tf.name_scope(scope, "weighted_loss", [losses, weights]):
        losses = tf.convert_to_tensor(losses)
        dtype = losses.dtype
        losses = tf.cast(losses, tf.float32)
        weights = tf.cast(tf.convert_to_tensor(weights), tf.float32)
        if losses.get_shape().ndims is None:
            raise ValueError("losses.get_shape().ndims cannot be None")
        shape = weights.get_shape()
        if shape.ndims is None:
            raise ValueError("weights.get_shape().ndims cannot be None")
        if shape.ndims > 1 and shape.dims[-1].is_compatible_with(1):
            weights = tf.squeeze(weights, [-1])
        total = _scaled(losses, weights)
        number = _present(losses, weights)
        mean = tf.cast(tf.div_no_nan(tf.reduce_sum(total), number, name="value"), dtype)
        add_loss(mean)
        return mean


def _floats(predictions: Any, labels: Any) -> tuple[Any, Any]:
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    return tf.cast(predictions, tf.float32), tf.cast(labels, tf.float32)


@_public_loss("absolute_difference")
def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """The mean of |predictions - labels|. Source: TF 1.15 `tf.contrib.losses.absolute_difference`."""
    with tf.name_scope(scope, "absolute_difference", [predictions, labels, weights]) as sc:
        predictions, labels = _floats(predictions, labels)
        return compute_weighted_loss(tf.abs(tf.subtract(predictions, labels)), weights, scope=sc)


@_public_loss("mean_squared_error")
def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """The mean of (predictions - labels)^2. Source: TF 1.15 `tf.contrib.losses.mean_squared_error`."""
    with tf.name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as sc:
        predictions, labels = _floats(predictions, labels)
        return compute_weighted_loss(tf.squared_difference(predictions, labels), weights, scope=sc)


@_public_loss("log_loss")
def log_loss(predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """The cross entropy of probabilities. Source: TF 1.15 `tf.contrib.losses.log_loss`."""
    with tf.name_scope(scope, "log_loss", [predictions, labels, weights]) as sc:
        predictions, labels = _floats(predictions, labels)
        losses = -tf.multiply(labels, tf.log(predictions + epsilon)) - tf.multiply(
            1 - labels, tf.log(1 - predictions + epsilon)
        )
        return compute_weighted_loss(losses, weights, scope=sc)


@_public_loss("sigmoid_cross_entropy")
def sigmoid_cross_entropy(
    logits: Any, multi_class_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None
) -> Any:
    """The cross entropy of each class alone. Source: TF 1.15 `tf.contrib.losses.sigmoid_cross_entropy`."""
    with tf.name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as sc:
        logits.get_shape().assert_is_compatible_with(multi_class_labels.get_shape())
        labels = tf.cast(multi_class_labels, logits.dtype)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=sc)


@_public_loss("softmax_cross_entropy")
def softmax_cross_entropy(
    logits: Any, onehot_labels: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None
) -> Any:
    """The cross entropy of one-hot labels. Source: TF 1.15 `tf.contrib.losses.softmax_cross_entropy`."""
    with tf.name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as sc:
        logits.get_shape().assert_is_compatible_with(onehot_labels.get_shape())
        labels = tf.cast(onehot_labels, logits.dtype)
        if label_smoothing > 0:
            classes = tf.cast(tf.shape(labels)[1], logits.dtype)
            rest = label_smoothing / classes
            labels = labels * (1.0 - label_smoothing) + rest
        losses = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=sc)


@_public_loss("sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(logits: Any, labels: Any, weights: Any = 1.0, scope: Any = None) -> Any:
    """The cross entropy of class numbers. Source: TF 1.15 `tf.contrib.losses.sparse_softmax_cross_entropy`."""
    with tf.name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as sc:
        labels = tf.reshape(labels, shape=[tf.shape(labels)[0]])
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=sc)


@_public_loss("mean_pairwise_squared_error")
def mean_pairwise_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: Any = None) -> Any:
    """How far the differences within each sample differ. Raises ValueError: a rank that is not known.

    Source: TF 1.15 `tf.contrib.losses.mean_pairwise_squared_error`.
    """
    with tf.name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        predictions, labels = _floats(predictions, labels)
        weights = tf.cast(tf.convert_to_tensor(weights), tf.float32)
        difference = tf.subtract(predictions, labels)
        for what, tensor in (("diffs", difference), ("weights", weights)):
            if tensor.get_shape().ndims is None:
                raise ValueError(f"{what}.get_shape().ndims cannot be None")
        axes = list(range(1, difference.get_shape().ndims))
        squares = tf.reduce_sum(tf.square(difference), axis=axes)
        number = _present(difference, weights, per_batch=True)
        first = 2.0 * tf.div_no_nan(squares, number, name="value")
        total = tf.reduce_sum(difference, axis=axes)
        second = 2.0 * tf.div_no_nan(tf.square(total), tf.square(number), name="value")
        loss = _scaled(first - second, weights)
        mean = tf.where(tf.reduce_sum(number) > 0, loss, tf.zeros_like(loss), name="value")
        add_loss(mean)
        return mean


@_public_loss("hinge_loss")
def hinge_loss(logits: Any, labels: Any = None, scope: Any = None) -> Any:
    """The hinge loss of each logit. Source: TF 1.15 `tf.contrib.losses.hinge_loss`."""
    with tf.name_scope(scope, "hinge_loss", [logits, labels]):
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        labels = tf.cast(labels, tf.float32)
        ones = tf.ones_like(labels)
        labels = tf.subtract(2 * labels, ones)
        return tf.nn.relu(tf.subtract(ones, tf.multiply(labels, logits)))


@_public_loss("cosine_distance")
def cosine_distance(
    predictions: Any, labels: Any = None, axis: Any = None, weights: Any = 1.0, scope: Any = None, dim: Any = None
) -> Any:
    """One less the products summed along an axis, weighted. Raises ValueError: no axis.

    Source: TF 1.15 `tf.contrib.losses.cosine_distance`.
    """
    if dim is not None and axis is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'")
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    with tf.name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as sc:
        predictions, labels = _floats(predictions, labels)
        losses = 1 - tf.reduce_sum(tf.multiply(predictions, labels), axis=[axis])
        return compute_weighted_loss(losses, weights, scope=sc)
