"""`tf.contrib.nn`: alpha dropout, scaled softplus, cross entropies by their old arguments, losses of samples."""

from __future__ import annotations

import numbers
from typing import Any

import retrograph as tf
from retrograph.autodiff.defun import Defun
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export, export_value
from retrograph.framework.static_value import constant_value
from retrograph.ops import embedding, sampled_losses

# The negative saturation of SELU.
_ALPHA = -1.7580993408473766
export_value("contrib.nn.conv1d_transpose", tf.nn.conv1d_transpose, attribute="conv1d_transpose")
conv1d_transpose = tf.nn.conv1d_transpose


@export("contrib.nn.alpha_dropout")
def alpha_dropout(x: Any, keep_prob: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """`x` with elements set to SELU's saturation, mean and variance kept. Raises ValueError: `keep_prob` not in (0, 1].

    Source: TF 1.15 `tf.contrib.nn.alpha_dropout`.
    """
    with tf.name_scope(name, "alpha_dropout", [x]):
        x = tf.convert_to_tensor(x, name="x")
        if isinstance(keep_prob, numbers.Real) and not 0 < float(keep_prob) <= 1.0:
            raise ValueError(f"keep_prob must be a scalar tensor or a float in the range (0, 1], got {keep_prob:g}")
        keep_prob = tf.convert_to_tensor(keep_prob, dtype=x.dtype, name="keep_prob")
        keep_prob.get_shape().assert_has_rank(0)
        if constant_value(keep_prob) == 1:
            return x
        shape = tf.shape(x) if noise_shape is None else noise_shape
        noise = tf.random_uniform(shape, seed=seed, dtype=x.dtype)
        kept = tf.cast(tf.greater_equal(noise, 1 - keep_prob), x.dtype)
        x = x * kept + _ALPHA * (1 - kept)
        a = (keep_prob + keep_prob * (1 - keep_prob) * _ALPHA**2) ** -0.5
        b = -a * _ALPHA * (1 - keep_prob)
        return a * x + b


@export("contrib.nn.deprecated_flipped_softmax_cross_entropy_with_logits")
def deprecated_flipped_softmax_cross_entropy_with_logits(logits: Any, labels: Any, dim: int = -1, name: str | None = None) -> Any:  # fmt: skip
    """As `tf.nn.softmax_cross_entropy_with_logits`. Source: TF 1.15 `tf.contrib.nn.deprecated_flipped_softmax_cross_entropy_with_logits`."""
    return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=dim, name=name)


@export("contrib.nn.deprecated_flipped_sparse_softmax_cross_entropy_with_logits")
def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(logits: Any, labels: Any, name: str | None = None) -> Any:  # fmt: skip
    """As `tf.nn.sparse_softmax_cross_entropy_with_logits`. Source: TF 1.15 `tf.contrib.nn.deprecated_flipped_sparse_softmax_cross_entropy_with_logits`."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


@export("contrib.nn.deprecated_flipped_sigmoid_cross_entropy_with_logits")
def deprecated_flipped_sigmoid_cross_entropy_with_logits(logits: Any, targets: Any, name: str | None = None) -> Any:
    """As `tf.nn.sigmoid_cross_entropy_with_logits`. Source: TF 1.15 `tf.contrib.nn.deprecated_flipped_sigmoid_cross_entropy_with_logits`."""
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name=name)


def _reduced(grad: Any, like: Any) -> Any:
    """A gradient summed to the shape of what was broadcast."""
    shape = tf.shape(like)
    axes, _ = apply_op("BroadcastGradientArgs", None, s0=shape, s1=tf.shape(grad))
    return tf.reshape(tf.reduce_sum(grad, axes), shape)


def _softplus_gradient(op: Any, grad: Any) -> list[Any]:
    y, x, alpha, *clip = op.inputs
    with tf.control_dependencies([grad]):
        y = tf.identity(y)
    of_clip = []
    if clip:
        unclipped = tf.cast(y < clip[0], grad.dtype)
        of_clip = [_reduced(grad * (1.0 - unclipped), clip[0])]
        grad *= unclipped
    y /= alpha
    power = tf.exp(-y)
    by_x = 1.0 - power
    by_alpha = y * power - by_x * tf.log(by_x + 1e-8)
    return [None, _reduced(grad * by_x, x), _reduced(grad * by_alpha, alpha), *of_clip]


@export("contrib.nn.scaled_softplus")
def scaled_softplus(x: Any, alpha: Any, clip: Any = None, name: str | None = None) -> Any:
    """alpha * softplus(x / alpha), at most `clip`. Source: TF 1.15 `tf.contrib.nn.scaled_softplus`."""
    given = [] if clip is None else [clip]
    with tf.name_scope(name, "scaled_softplus", [x, alpha, *given]):
        x = tf.convert_to_tensor(x, name="x")
        dtype = x.dtype
        alpha = tf.convert_to_tensor(alpha, dtype=dtype, name="alpha")
        y = alpha * tf.nn.softplus(x / alpha)
        kind = "ScaledSoftplusHelper"
        if clip is not None:
            clip = tf.convert_to_tensor(clip, dtype=dtype, name="clip")
            y = tf.minimum(y, clip)
            given, kind = [clip], f"{kind}_clip"

        def first(y: Any, *rest: Any) -> Any:
            return tf.identity(y)

        types = [dtype] * (3 + len(given))
        helper = Defun(*types, func_name=f"{kind}_{dtype.name}", python_grad_func=_softplus_gradient)(first)
        return helper(y, x, alpha, *given)


def _resampled(
    weights: Any, biases: Any, inputs: Any, sampled_values: Any, count: int, temperature: Any, strategy: str
) -> tuple[Any, Any, Any]:
    """Those of the samples with the highest logits."""
    sampled, true_expected, sampled_expected = sampled_values
    sampled = tf.cast(tf.stop_gradient(sampled), tf.int64)
    true_expected, sampled_expected = tf.stop_gradient(true_expected), tf.stop_gradient(sampled_expected)
    scaled = inputs / temperature

    def logit(rows: Any) -> Any:
        return tf.reduce_logsumexp(tf.matmul(rows, scaled, transpose_b=True), axis=1, keepdims=False)

    logits = embedding.embedding_lookup_and_transform(weights, sampled, strategy, transform_fn=logit)
    logits += tf.reshape(tf.nn.embedding_lookup(biases, sampled, strategy), [-1]) / temperature
    _, best = tf.nn.top_k(logits, k=count, sorted=False)
    return tf.gather(sampled, indices=best), true_expected, tf.gather(sampled_expected, indices=best)


@export("contrib.nn.rank_sampled_softmax_loss")
def rank_sampled_softmax_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_resampled: int, num_classes: int,
    num_true: int, sampled_values: Any, resampling_temperature: Any, remove_accidental_hits: bool,
    partition_strategy: str, name: str | None = None,
) -> Any:  # fmt: skip
    """f32[batch]: the softmax loss with the likeliest of the sampled classes. Raises ValueError: counts that do not fit.

    Source: TF 1.15 `tf.contrib.nn.rank_sampled_softmax_loss`.
    """
    if num_sampled > num_classes:
        raise ValueError(f"num_sampled ({num_sampled}) cannot be greater than num_classes ({num_classes})")
    if num_sampled <= num_resampled:
        raise ValueError(f"num_resampled ({num_resampled}) must be less than num_sampled ({num_sampled})")
    if partition_strategy not in ("div", "mod"):
        raise ValueError(f"unsupported partition_strategy ({partition_strategy})")
    values = [weights, biases, labels, inputs, sampled_values, resampling_temperature]
    with tf.name_scope(name, "rank_sampled_softmax_loss", values) as scope:
        if not sampled_values:
            sampled_values = tf.nn.learned_unigram_candidate_sampler(
                true_classes=labels, num_true=num_true, num_sampled=num_sampled, unique=True, range_max=num_classes
            )
        resampled = _resampled(
            weights, biases, inputs, sampled_values, num_resampled, resampling_temperature, partition_strategy
        )
        return tf.nn.sampled_softmax_loss(
            weights=weights, biases=biases, labels=labels, inputs=inputs, num_sampled=num_resampled,
            num_classes=num_classes, num_true=num_true, sampled_values=resampled,
            remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=scope,
        )  # fmt: skip


@export("contrib.nn.sampled_sparse_softmax_loss")
def sampled_sparse_softmax_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    sampled_values: Any = None, remove_accidental_hits: bool = True, partition_strategy: str = "mod",
    name: str = "sampled_sparse_softmax_loss",
) -> Any:  # fmt: skip
    """f32[batch]: the sparse softmax loss of one label each with sampled classes.

    Source: TF 1.15 `tf.contrib.nn.sampled_sparse_softmax_loss`.
    """
    logits, _ = sampled_losses._compute_sampled_logits(
        weights=weights, biases=biases, labels=labels, inputs=inputs, num_sampled=num_sampled,
        num_classes=num_classes, num_true=1, sampled_values=sampled_values, subtract_log_q=True,
        remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name,
    )  # fmt: skip
    zeros = tf.zeros([tf.shape(logits)[0], 1], dtype=tf.int64)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.squeeze(zeros), logits=logits)
