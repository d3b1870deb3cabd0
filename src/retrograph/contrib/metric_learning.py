"""`tf.contrib.losses.metric_learning`: losses of embeddings by the distances between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


def _exported(name: str) -> Callable[[Any], Any]:
    return export(f"contrib.losses.metric_learning.{name}")


def pairwise_distance(feature: Any, squared: bool = False) -> Any:
    """f32[n, n]: Euclidean distances of all rows. Source: TF 1.15 `metric_loss_ops.pairwise_distance`."""
    squares = tf.add(
        tf.reduce_sum(tf.square(feature), axis=[1], keepdims=True),
        tf.reduce_sum(tf.square(tf.transpose(feature)), axis=[0], keepdims=True),
    ) - 2.0 * tf.matmul(feature, tf.transpose(feature))
    squares = tf.maximum(squares, 0.0)
    same = tf.less_equal(squares, 0.0)
    # A root of 0 has no finite gradient.
    distances = squares if squared else tf.sqrt(squares + tf.cast(same, tf.float32) * 1e-16)
    distances = tf.multiply(distances, tf.cast(tf.logical_not(same), tf.float32))
    rows = tf.shape(feature)[0]
    return tf.multiply(distances, tf.ones_like(distances) - tf.diag(tf.ones([rows])))


def masked_maximum(data: Any, mask: Any, dim: int = 1) -> Any:
    """The maxima along an axis where the mask is 1. Source: TF 1.15 `metric_loss_ops.masked_maximum`."""
    least = tf.reduce_min(data, dim, keepdims=True)
    return tf.reduce_max(tf.multiply(data - least, mask), dim, keepdims=True) + least


def masked_minimum(data: Any, mask: Any, dim: int = 1) -> Any:
    """The minima along an axis where the mask is 1. Source: TF 1.15 `metric_loss_ops.masked_minimum`."""
    most = tf.reduce_max(data, dim, keepdims=True)
    return tf.reduce_min(tf.multiply(data - most, mask), dim, keepdims=True) + most


def _column(labels: Any) -> Any:
    shape = tf.shape(labels)
    if shape.shape != 1:
        raise AssertionError
    return tf.reshape(labels, [shape[0], 1])


@_exported("contrastive_loss")
def contrastive_loss(labels: Any, embeddings_anchor: Any, embeddings_positive: Any, margin: float = 1.0) -> Any:
    """f32[]: pairs of label 1 near, others at least `margin` apart.

    Source: TF 1.15 `tf.contrib.losses.metric_learning.contrastive_loss`.
    """
    distances = tf.sqrt(tf.reduce_sum(tf.squared_difference(embeddings_anchor, embeddings_positive), 1))
    return tf.reduce_mean(
        tf.cast(labels, distances.dtype) * tf.square(distances)
        + (1.0 - tf.cast(labels, distances.dtype)) * tf.square(tf.maximum(margin - distances, 0.0)),
        name="contrastive_loss",
    )


@_exported("triplet_semihard_loss")
def triplet_semihard_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Any:
    """f32[]: the triplet loss with the nearest negatives farther than the positives.

    Source: TF 1.15 `tf.contrib.losses.metric_learning.triplet_semihard_loss`.
    """
    labels = _column(labels)
    distances = pairwise_distance(embeddings, squared=True)
    adjacent = tf.equal(labels, tf.transpose(labels))
    apart = tf.logical_not(adjacent)
    size = tf.size(labels)
    tiled = tf.tile(distances, [size, 1])
    mask = tf.logical_and(tf.tile(apart, [size, 1]), tf.greater(tiled, tf.reshape(tf.transpose(distances), [-1, 1])))
    some = tf.greater(tf.reduce_sum(tf.cast(mask, dtype=tf.float32), 1, keepdims=True), 0.0)
    some = tf.transpose(tf.reshape(some, [size, size]))
    far, mask = tf.cast(apart, dtype=tf.float32), tf.cast(mask, dtype=tf.float32)
    outside = tf.transpose(tf.reshape(masked_minimum(tiled, mask), [size, size]))
    inside = tf.tile(masked_maximum(distances, far), [1, size])
    negatives = tf.where(some, outside, inside)
    losses = tf.add(margin, distances - negatives)
    positives = tf.cast(adjacent, dtype=tf.float32) - tf.diag(tf.ones([size]))
    number = tf.reduce_sum(positives)
    total = tf.reduce_sum(tf.maximum(tf.multiply(losses, positives), 0.0))
    return tf.truediv(total, number, name="triplet_semihard_loss")


def _penalty_and_similarity(anchor: Any, positive: Any, reg_lambda: float) -> tuple[Any, Any]:
    means = [tf.reduce_mean(tf.reduce_sum(tf.square(e), 1)) for e in (anchor, positive)]
    penalty = tf.multiply(0.25 * reg_lambda, means[0] + means[1], name="l2loss")
    return penalty, tf.matmul(anchor, positive, transpose_a=False, transpose_b=True)


def _cross_entropy(penalty: Any, similarity: Any, shares: Any, print_losses: bool) -> Any:
    shares /= tf.reduce_sum(shares, 1, keepdims=True)
    entropy = tf.nn.softmax_cross_entropy_with_logits(logits=similarity, labels=shares)
    entropy = tf.reduce_mean(entropy, name="xentropy")
    if print_losses:
        entropy = tf.Print(entropy, ["cross entropy:", entropy, "l2loss:", penalty])
    return penalty + entropy


@_exported("npairs_loss")
def npairs_loss(
    labels: Any, embeddings_anchor: Any, embeddings_positive: Any, reg_lambda: float = 0.002,
    print_losses: bool = False,
) -> Any:  # fmt: skip
    """f32[]: cross entropy of the similarities of all pairs, with a penalty of the norms.

    Source: TF 1.15 `tf.contrib.losses.metric_learning.npairs_loss`.
    """
    penalty, similarity = _penalty_and_similarity(embeddings_anchor, embeddings_positive, reg_lambda)
    labels = _column(labels)
    shares = tf.cast(tf.equal(labels, tf.transpose(labels)), tf.float32)
    return _cross_entropy(penalty, similarity, shares, print_losses)


def _adjacency(sparse_labels: Any) -> Any:
    """How many labels each two samples share."""
    count = len(sparse_labels)
    matrix = tf.zeros([count, count])
    for i in range(count):
        for j in range(count):
            shared = tf.sparse_reduce_sum(tf.sparse_minimum(sparse_labels[i], sparse_labels[j]))
            shared = tf.expand_dims(tf.expand_dims(tf.cast(shared, tf.float32), 0), 1)
            matrix += tf.pad(shared, [[i, count - i - 1], [j, count - j - 1]], "CONSTANT")
    return matrix


@_exported("npairs_loss_multilabel")
def npairs_loss_multilabel(
    sparse_labels: Any, embeddings_anchor: Any, embeddings_positive: Any, reg_lambda: float = 0.002,
    print_losses: bool = False,
) -> Any:  # fmt: skip
    """As `npairs_loss`, each sample with several labels. Raises TypeError: no sparse labels.

    Source: TF 1.15 `tf.contrib.losses.metric_learning.npairs_loss_multilabel`.
    """
    if not all(isinstance(labels, tf.SparseTensor) for labels in sparse_labels):
        raise TypeError(f"sparse_labels must be a list of SparseTensors, but got {sparse_labels}")
    with tf.name_scope("NpairsLossMultiLabel"):
        penalty, similarity = _penalty_and_similarity(embeddings_anchor, embeddings_positive, reg_lambda)
        shares = tf.cast(_adjacency(sparse_labels), tf.float32)
        return _cross_entropy(penalty, similarity, shares, print_losses)


@_exported("lifted_struct_loss")
def lifted_struct_loss(labels: Any, embeddings: Any, margin: float = 1.0) -> Any:
    """f32[]: the lifted structured loss over all pairs of the batch.

    Source: TF 1.15 `tf.contrib.losses.metric_learning.lifted_struct_loss`.
    """
    labels = _column(labels)
    distances = pairwise_distance(embeddings)
    adjacent = tf.equal(labels, tf.transpose(labels))
    apart = tf.logical_not(adjacent)
    size = tf.size(labels)
    room = margin - distances
    mask = tf.cast(apart, dtype=tf.float32)
    nearest = masked_maximum(room, mask)
    most = tf.maximum(nearest, tf.transpose(nearest))
    tiled, masks = tf.tile(room, [size, 1]), tf.tile(mask, [size, 1])
    column = tf.reshape(tf.transpose(most), [-1, 1])
    sums = tf.reduce_sum(tf.multiply(tf.exp(tiled - column), masks), 1, keepdims=True)
    sums = tf.reshape(sums, [size, size])
    losses = most + tf.log(sums + tf.transpose(sums))
    losses += distances
    positives = tf.cast(adjacent, dtype=tf.float32) - tf.diag(tf.ones([size]))
    number = tf.reduce_sum(positives) / 2.0
    total = tf.reduce_sum(tf.square(tf.maximum(tf.multiply(losses, positives), 0.0)))
    return tf.truediv(0.25 * total, number, name="liftedstruct_loss")


@_exported("cluster_loss")
def cluster_loss(
    labels: Any, embeddings: Any, margin_multiplier: float, enable_pam_finetuning: bool = True,
    margin_type: str = "nmi", print_losses: bool = False,
) -> Any:  # fmt: skip
    """Raises UnimplementedError: it needs scikit-learn's scores. Source: TF 1.15 `tf.contrib.losses.metric_learning.cluster_loss`."""
    raise tf.errors.UnimplementedError(None, None, "tf.contrib.losses.metric_learning.cluster_loss is not implemented")
