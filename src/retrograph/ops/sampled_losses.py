"""Losses over very many classes, computed from the true classes and a sample of the others."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import array, cast, embedding, identities, joining, matmul, softmax, strided_slice
from retrograph.ops.candidate_sampling import compute_accidental_hits, log_uniform_candidate_sampler
from retrograph.variables.partition import PartitionedVariable


def _sum_rows(x: Any) -> Tensor:
    """The sums of the rows of a matrix, by a product with ones as TF has it."""
    columns: Any = array.shape(x)
    ones = array.ones(joining.stack([columns[1], 1]), x.dtype)
    return array.reshape(matmul.matmul(x, ones), [-1])


def _as_type(x: Any, dtype: dtypes.DType) -> Any:
    return x if x.dtype == dtype else cast.cast(x, dtype)


def _rows(x: Any, begin: Any, size: Any) -> Any:
    return strided_slice.slice(x, begin, size)


def _true_logits(inputs: Any, true_w: Any, true_b: Any, num_true: int) -> Any:
    sizes: Any = array.shape(true_w)
    dim = sizes[1:2]
    shape = joining.concat([[-1, num_true], dim], 0)
    dots = apply_op("Mul", None, x=array.expand_dims(inputs, 1), y=array.reshape(true_w, shape))
    dots = array.reshape(dots, joining.concat([[-1], dim], 0))
    logits: Any = array.reshape(_sum_rows(dots), [-1, num_true])
    return logits + array.reshape(true_b, [-1, num_true])


def _minus_hits(logits: Any, labels: Any, sampled: Any, num_sampled: int, num_true: int) -> Any:
    """The sampled logits, very small where the class sampled is a true one of the example."""
    indices, ids, weights = compute_accidental_hits(labels, sampled, num_true=num_true)
    rows = array.reshape(indices, [-1, 1])
    columns = array.reshape(cast.cast(ids, dtypes.int32), [-1, 1])
    places = joining.concat([rows, columns], 1, "sparse_indices")
    label_sizes: Any = array.shape(labels)
    shape = joining.concat([label_sizes[:1], array.expand_dims(num_sampled, 0)], 0)
    weights = _as_type(weights, logits.dtype)
    dense = apply_op(
        "SparseToDense",
        None,
        sparse_indices=places,
        output_shape=shape,
        sparse_values=weights,
        default_value=0.0,
        validate_indices=False,
    )
    # The number of hits, which changes from step to step, is no part of any shape then.
    indices.op._set_attr("_padded", True)
    dense.op._set_attr("_padded", True)
    return logits + dense


def _compute_sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    subtract_log_q: bool = True,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: Any = None,
    seed: Any = None,
) -> tuple[Any, Any]:
    """(logits, labels), each `f[batch, num_true + num_sampled]`: corrected by how often each class is expected if wanted."""
    weights = list(weights) if isinstance(weights, (PartitionedVariable, list)) else [weights]
    with name_scope(name, "compute_sampled_logits", [*weights, biases, inputs, labels]):
        labels = _as_type(labels, dtypes.int64)
        flat = array.reshape(labels, [-1])
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(labels, num_true, num_sampled, True, num_classes, seed=seed)
        sampled, true_expected, sampled_expected = (identities.stop_gradient(s) for s in sampled_values)
        sampled = cast.cast(sampled, dtypes.int64)
        ids = joining.concat([flat, sampled], 0)
        found = _looked_up(weights, ids, partition_strategy, inputs.dtype)
        true_w = _rows(found, [0, 0], joining.stack([_length(flat), -1]))
        sampled_w = _rows(found, joining.stack([_length(flat), 0]), [-1, -1])
        sampled_logits = matmul.matmul(inputs, sampled_w, transpose_b=True)
        offsets = _looked_up(biases, ids, partition_strategy, inputs.dtype)
        true_b = _rows(offsets, [0], array.shape(flat))
        sampled_b = _rows(offsets, array.shape(flat), [-1])
        true_logits = _true_logits(inputs, true_w, true_b, num_true)
        sampled_logits = sampled_logits + sampled_b
        if remove_accidental_hits:
            sampled_logits = _minus_hits(sampled_logits, labels, sampled, num_sampled, num_true)
        if subtract_log_q:
            true_logits = true_logits - apply_op("Log", None, x=true_expected)
            sampled_logits = sampled_logits - apply_op("Log", None, x=sampled_expected)
        return _with_labels(true_logits, sampled_logits, num_true)


def _looked_up(table: Any, ids: Any, partition_strategy: str, dtype: Any) -> Any:
    return _as_type(embedding.embedding_lookup(table, ids, partition_strategy=partition_strategy), dtype)


def _with_labels(true_logits: Any, sampled_logits: Any, num_true: int) -> tuple[Any, Any]:
    """All logits, and labels that share one out among the true classes."""
    logits = joining.concat([true_logits, sampled_logits], 1)
    ones: Any = array.ones_like(true_logits)
    return logits, joining.concat([ones / num_true, array.zeros_like(sampled_logits)], 1)


def _length(x: Any) -> Any:
    sizes: Any = array.shape(x)
    return sizes[0]


@export("nn.nce_loss")
def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: Any = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation: `f[batch]`, of `inputs: f[batch, n]` and `labels: i64[batch, num_true]`.

    `weights: f[classes, n]` may be a list of parts. Source: TF 1.15 `tf.nn.nce_loss`.
    """
    logits, targets = _compute_sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, partition_strategy, name,
    )  # fmt: skip
    return _sum_rows(softmax.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses"))


@export("nn.sampled_softmax_loss")
def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: Any = "sampled_softmax_loss",
    seed: Any = None,
) -> Tensor:
    """Cross entropy of a softmax over the true and the sampled classes: `f[batch]`, for training.

    Source: TF 1.15 `tf.nn.sampled_softmax_loss`.
    """
    logits, targets = _compute_sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, partition_strategy, name, seed,
    )  # fmt: skip
    targets = identities.stop_gradient(targets, name="labels_stop_gradient")
    result: Tensor = softmax.softmax_cross_entropy_with_logits_v2(labels=targets, logits=logits)
    return result
