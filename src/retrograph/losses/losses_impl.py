"""The losses of `tf.losses`: per-element losses, weighted and reduced."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.losses.broadcasting import assert_broadcastable, broadcast_weights
from retrograph.losses.squeezing import with_squeezed_weights

_LOSSES = "losses"
_DEFAULT = "weighted_sum_by_nonzero_weights"


@export("losses.Reduction")
class Reduction:
    """How per-element losses become one. Source: TF 1.15 `tf.losses.Reduction`."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = _DEFAULT
    SUM_OVER_NONZERO_WEIGHTS = _DEFAULT

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All keys."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: Any) -> None:
        """Raises ValueError for anything that is not a key."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def _need(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")


def _float_pair(labels: Any, predictions: Any) -> tuple[Any, Any]:
    """Both as f32, their shapes checked against each other."""
    predictions, labels = tf.cast(predictions, tf.float32), tf.cast(labels, tf.float32)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    return labels, predictions


def _safe_mean(total: Any, count: Any) -> Any:
    return tf.div_no_nan(tf.reduce_sum(total), count, name="value")


def _num_elements(losses: Any) -> Any:
    with tf.name_scope(None, "num_elements", values=[losses]) as scope:
        return tf.cast(tf.size(losses, name=scope), dtype=losses.dtype)


def _num_present(losses: Any, weights: Any, per_batch: bool = False) -> Any:
    if isinstance(weights, float) and weights != 0.0:
        return _num_elements(losses)
    with tf.name_scope(None, "num_present", (losses, weights)) as scope:
        weights = tf.cast(weights, dtype=tf.float32)
        present = tf.where(tf.equal(weights, 0.0), tf.zeros_like(weights), tf.ones_like(weights))
        present = broadcast_weights(present, losses)
        if per_batch:
            return tf.reduce_sum(present, axis=tf.range(1, tf.rank(present)), keepdims=True, name=scope)
        return tf.reduce_sum(present, name=scope)


def _reduced(losses: Any, weights: Any, reduction: str) -> Any:
    weighted = tf.multiply(losses, weights)
    if reduction == Reduction.NONE:
        return weighted
    total = tf.reduce_sum(weighted)
    if reduction == Reduction.MEAN:
        return _safe_mean(total, tf.reduce_sum(tf.ones_like(losses) * weights))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return _safe_mean(total, _num_present(losses, weights))
    return _safe_mean(total, _num_elements(losses)) if reduction == Reduction.SUM_OVER_BATCH_SIZE else total


@export("losses.compute_weighted_loss")
def compute_weighted_loss(
    losses: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = _LOSSES, reduction: str = _DEFAULT
) -> Any:
    """The losses times `weights`, reduced; added to `loss_collection`.

    `losses`: dtype[batch, ...], `weights`: broadcastable to it. Raises ValueError: unknown reduction, weights do not fit.
    Source: TF 1.15 `tf.losses.compute_weighted_loss`.
    """
    Reduction.validate(reduction)
    with (
        tf.name_scope(scope, "weighted_loss", (losses, weights)),
        tf.control_dependencies((assert_broadcastable(weights, losses),)),
    ):
        losses = tf.convert_to_tensor(losses)
        dtype = losses.dtype
        loss = tf.cast(_reduced(tf.cast(losses, tf.float32), tf.cast(weights, tf.float32), reduction), dtype)
        add_loss(loss, loss_collection)
        return loss


@export("losses.absolute_difference")
def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = _LOSSES,
    reduction: str = _DEFAULT,
) -> Any:
    """|predictions - labels|, weighted and reduced. Source: TF 1.15 `tf.losses.absolute_difference`."""
    _need(labels=labels, predictions=predictions)
    with tf.name_scope(scope, "absolute_difference", (predictions, labels, weights)) as scope:
        labels, predictions = _float_pair(labels, predictions)
        return compute_weighted_loss(
            tf.abs(tf.subtract(predictions, labels)), weights, scope, loss_collection, reduction=reduction
        )


@export("losses.cosine_distance")
def cosine_distance(
    labels: Any, predictions: Any, axis: Any = None, weights: Any = 1.0, scope: Any = None, loss_collection: Any = _LOSSES, reduction: str = _DEFAULT, dim: Any = None
) -> Any:  # fmt: skip
    """1 - the dot product along `axis` of labels and predictions of unit length. Source: TF 1.15 `tf.losses.cosine_distance`."""
    if dim is not None and axis is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'")
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    _need(labels=labels, predictions=predictions)
    with tf.name_scope(scope, "cosine_distance_loss", (predictions, labels, weights)) as scope:
        labels, predictions = _float_pair(labels, predictions)
        losses = 1 - tf.reduce_sum(tf.multiply(predictions, labels), axis=(axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.hinge_loss")
def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = _LOSSES,
    reduction: str = _DEFAULT,
) -> Any:
    """max(0, 1 - y * logits) with y = 2 * labels - 1. Source: TF 1.15 `tf.losses.hinge_loss`."""
    _need(labels=labels, logits=logits)
    with tf.name_scope(scope, "hinge_loss", (logits, labels, weights)) as scope:
        labels, logits = _float_pair(labels, logits)
        ones = tf.ones_like(labels)
        signs = tf.subtract(2 * labels, ones)
        losses = tf.nn.relu(tf.subtract(ones, tf.multiply(signs, logits)))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.huber_loss")
def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: Any = None,
    loss_collection: Any = _LOSSES,
    reduction: str = _DEFAULT,
) -> Any:
    """Squared error up to `delta`, linear beyond. Source: TF 1.15 `tf.losses.huber_loss`."""
    _need(labels=labels, predictions=predictions)
    with tf.name_scope(scope, "huber_loss", (predictions, labels, weights)) as scope:
        labels, predictions = _float_pair(labels, predictions)
        error = tf.abs(tf.subtract(predictions, labels))
        quadratic = tf.minimum(error, delta)
        linear = tf.subtract(error, quadratic)
        half = tf.convert_to_tensor(0.5, dtype=quadratic.dtype)
        losses = tf.add(tf.multiply(half, tf.multiply(quadratic, quadratic)), tf.multiply(delta, linear))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.log_loss")
def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: Any = None,
    loss_collection: Any = _LOSSES,
    reduction: str = _DEFAULT,
) -> Any:
    """Cross-entropy of probabilities. Source: TF 1.15 `tf.losses.log_loss`."""
    _need(labels=labels, predictions=predictions)
    with tf.name_scope(scope, "log_loss", (predictions, labels, weights)) as scope:
        labels, predictions = _float_pair(labels, predictions)
        positive = -tf.multiply(labels, tf.log(predictions + epsilon))
        losses = positive - tf.multiply((1 - labels), tf.log(1 - predictions + epsilon))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.mean_squared_error")
def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = _LOSSES,
    reduction: str = _DEFAULT,
) -> Any:
    """(predictions - labels)^2, weighted and reduced. Source: TF 1.15 `tf.losses.mean_squared_error`."""
    _need(labels=labels, predictions=predictions)
    with tf.name_scope(scope, "mean_squared_error", (predictions, labels, weights)) as scope:
        labels, predictions = _float_pair(labels, predictions)
        return compute_weighted_loss(
            tf.squared_difference(predictions, labels), weights, scope, loss_collection, reduction=reduction
        )


@export("losses.mean_pairwise_squared_error")
def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = _LOSSES
) -> Any:
    """Squared differences between pairs of elements of each sample. Source: TF 1.15 `tf.losses.mean_pairwise_squared_error`."""
    _need(labels=labels, predictions=predictions)
    with tf.name_scope(scope, "mean_pairwise_squared_error", (predictions, labels, weights)):
        weights, labels = tf.cast(weights, tf.float32), tf.cast(labels, tf.float32)
        with tf.control_dependencies((assert_broadcastable(weights, labels),)):
            predictions = tf.cast(predictions, tf.float32)
            predictions.get_shape().assert_is_compatible_with(labels.get_shape())
            loss, count = _pairwise(tf.subtract(predictions, labels), weights)
            mean_loss = tf.where(count > 0, loss, tf.zeros_like(loss), name="value")
            add_loss(mean_loss, loss_collection)
            return mean_loss


def _pairwise(diffs: Any, weights: Any) -> tuple[Any, Any]:
    axis = tf.range(1, tf.rank(diffs))
    squares = tf.reduce_sum(tf.square(diffs), axis=axis, keepdims=True)
    present = _num_present(diffs, weights, per_batch=True)
    term1 = 2.0 * tf.div_no_nan(squares, tf.maximum(present - 1, 0), name="value")
    sum_diff = tf.reduce_sum(diffs, axis=axis, keepdims=True)
    square = tf.square(sum_diff)
    pairs = tf.maximum(tf.multiply(present, present - 1), 0)
    term2 = 2.0 * tf.div_no_nan(square, pairs, name="value")
    return tf.reduce_sum(tf.multiply(term1 - term2, weights)), tf.reduce_sum(present)


@export("losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None, loss_collection: Any = _LOSSES, reduction: str = _DEFAULT
) -> Any:  # fmt: skip
    """Cross-entropy of independent classes. Source: TF 1.15 `tf.losses.sigmoid_cross_entropy`."""
    _need(multi_class_labels=multi_class_labels, logits=logits)
    with tf.name_scope(scope, "sigmoid_cross_entropy_loss", (logits, multi_class_labels, weights)) as scope:
        logits = tf.convert_to_tensor(logits)
        labels = tf.cast(multi_class_labels, logits.dtype)
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.softmax_cross_entropy")
def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None, loss_collection: Any = _LOSSES, reduction: str = _DEFAULT
) -> Any:  # fmt: skip
    """Cross-entropy of one class among several, labels one-hot. Source: TF 1.15 `tf.losses.softmax_cross_entropy`."""
    _need(onehot_labels=onehot_labels, logits=logits)
    with tf.name_scope(scope, "softmax_cross_entropy_loss", (logits, onehot_labels, weights)) as scope:
        logits = tf.convert_to_tensor(logits)
        labels = tf.cast(onehot_labels, logits.dtype)
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        if label_smoothing > 0:
            classes = tf.cast(tf.shape(labels)[-1], logits.dtype)
            positives, negatives = 1.0 - label_smoothing, label_smoothing / classes
            labels = labels * positives + negatives
        labels = tf.stop_gradient(labels, name="labels_stop_gradient")
        losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = _LOSSES,
    reduction: str = _DEFAULT,
) -> Any:
    """Cross-entropy of one class among several, labels by number. Source: TF 1.15 `tf.losses.sparse_softmax_cross_entropy`."""
    _need(labels=labels, logits=logits)
    with tf.name_scope(scope, "sparse_softmax_cross_entropy_loss", (logits, labels, weights)) as scope:
        labels, logits, weights = with_squeezed_weights(labels, logits, weights, expected_rank_diff=1)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.add_loss")
def add_loss(loss: Any, loss_collection: Any = _LOSSES) -> None:
    """Adds a loss to a collection, if one is named. Source: TF 1.15 `tf.losses.add_loss`."""
    if loss_collection:
        tf.add_to_collection(loss_collection, loss)


@export("losses.get_losses")
def get_losses(scope: Any = None, loss_collection: Any = _LOSSES) -> list[Any]:
    """The losses of a collection, by scope. Source: TF 1.15 `tf.losses.get_losses`."""
    return tf.get_collection(loss_collection, scope)  # type: ignore[no-any-return]


@export("losses.get_regularization_losses")
def get_regularization_losses(scope: Any = None) -> list[Any]:
    """The regularization losses, by scope. Source: TF 1.15 `tf.losses.get_regularization_losses`."""
    return tf.get_collection("regularization_losses", scope)  # type: ignore[no-any-return]


@export("losses.get_regularization_loss")
def get_regularization_loss(scope: Any = None, name: str = "total_regularization_loss") -> Any:
    """Their sum, 0 without any. Source: TF 1.15 `tf.losses.get_regularization_loss`."""
    losses = get_regularization_losses(scope)
    return tf.add_n(losses, name=name) if losses else tf.constant(0.0)


@export("losses.get_total_loss")
def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: Any = None) -> Any:
    """The sum of all losses. Raises ValueError: there are none. Source: TF 1.15 `tf.losses.get_total_loss`."""
    losses = get_losses(scope=scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope=scope)
    return tf.add_n(losses, name=name)
