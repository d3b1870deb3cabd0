"""Softmax, log-softmax and the cross entropies of logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import (
    ShapeContext,
    ShapeError,
    broadcast,
    merge,
    merge_dim,
    with_rank,
    with_rank_at_least,
)
from retrograph.framework.static_value import constant_value
from retrograph.ops import array as array_ops
from retrograph.ops import (
    check,
    identities,
    joining,
    quick_reductions,
    reduction,
    selecting,
    sequence,
    strided_slice,
    transposing,
)
from retrograph.ops import math as math_ops
from retrograph.ops.array import lookup_renamed
from retrograph.ops.cast import cast
from retrograph.ops.rows import all_within

# Shape rules


def _vectors(c: ShapeContext) -> list[Shape]:
    return [with_rank_at_least(c, c.input(0), 1)]


def _xent_shape(c: ShapeContext) -> list[Shape]:
    try:
        both: Shape = merge(c, with_rank(c, c.input(0), 2), c.input(1))
    except ShapeError:
        both = broadcast(c.input(0), c.input(1))
    if both is None:
        c.fail("Shape must be broadcasted with rank 2, but is rank is unknown.")
    elif len(both) != 2:
        c.fail(f"Shape must be broadcasted with rank 2, but is rank {len(both)}")
    return [both and both[:1], both]


def _sparse_xent_shape(c: ShapeContext) -> list[Shape]:
    logits, labels = with_rank(c, c.input(0), 2), with_rank(c, c.input(1), 1)
    batch = merge_dim(c, logits[0], labels[0])
    return [(batch,), (batch, logits[1])]


# Lowerings


def _exponentials(x: Any) -> tuple[Any, Any, Any]:
    """The maximum of each row, the exponentials of what x is less than that, and their sums."""
    last = (x.ndim - 1,)
    greatest = lax.stop_gradient(
        quick_reductions.greatest(x, last, True) if x.size else jnp.zeros((*x.shape[:-1], 1), x.dtype)
    )
    powers = jnp.exp(x - greatest)
    return greatest, powers, quick_reductions.total(powers, last, True)


def _softmax(op: Any, x: Any) -> Any:
    _, powers, total = _exponentials(jnp.asarray(x))
    return powers * (1 / total)


def _log_softmax(op: Any, x: Any) -> Any:
    greatest, _, total = _exponentials(jnp.asarray(x))
    return (x - greatest) - jnp.log(total)


def _xent(op: Any, logits: Any, labels: Any) -> Any:
    logits, labels = jnp.broadcast_arrays(logits, labels)
    greatest, powers, total = _exponentials(logits)
    loss = jnp.sum(labels * (jnp.log(total) - (logits - greatest)), -1)
    return loss, powers * (1 / total) - labels


def _sparse_xent(op: Any, logits: Any, labels: Any) -> Any:
    logits, column = jnp.asarray(logits), labels[:, None]
    classes = logits.shape[1]
    greatest, powers, total = _exponentials(logits)
    own = jnp.take_along_axis(logits, jnp.clip(column, 0, classes - 1), 1)
    valid = (column >= 0) & (column < classes)
    loss = jnp.where(valid, jnp.log(total) - (own - greatest), np.nan)[:, 0].astype(logits.dtype)
    hot = lax.broadcasted_iota(column.dtype, logits.shape, 1) == column
    scale = jnp.where(valid, 1 / total, np.nan).astype(logits.dtype)
    return loss, powers * scale - hot.astype(logits.dtype)


def _check_fed_labels(op: Any, labels: Any) -> None:
    shape = op._inputs[0]._shape
    classes = None if shape is None else shape[-1]
    if classes is None or all_within(labels, classes):
        return
    values = np.asarray(labels).reshape(-1)
    outside = values[(values < 0) | (values >= classes)]
    raise errors.InvalidArgumentError(
        None,
        op,
        f"Received a label value of {outside[0]} which is outside the valid range of [0, {classes}).  "
        f"Label values: {' '.join(map(str, values.tolist()))}",
    )


# Gradients


def _softmax_gradient(op: Any, grad: Any) -> Any:
    y = op.outputs[0]
    return (grad - reduction.reduce_sum(grad * y, -1, keepdims=True)) * y


def _log_softmax_gradient(op: Any, grad: Any) -> Any:
    y = math_ops.exp(op.outputs[0])
    return grad - reduction.reduce_sum(grad, -1, keepdims=True) * y


def _rows_times(vector: Any, matrix: Any) -> Any:
    return array_ops.expand_dims(vector, -1) * matrix


def _is_zero(grad: Any) -> bool:
    if grad is None or grad.op.type in ("ZerosLike", "Zeros"):
        return True
    value = constant_value(grad)
    return value is not None and bool((value == 0).all())


def _xent_gradient(op: Any, by_loss: Any, by_backprop: Any) -> list[Any]:
    grad = _rows_times(by_loss, op.outputs[1])
    logits = op.inputs[0]
    if not _is_zero(by_backprop):
        y = softmax(logits)
        product = math_ops.matmul(array_ops.expand_dims(by_backprop, 1), array_ops.expand_dims(y, 2))
        grad += (by_backprop - array_ops.squeeze(product, axis=1)) * y
    return [grad, _rows_times(by_loss, -log_softmax(logits))]


def _sparse_xent_gradient(op: Any, by_loss: Any, _: Any) -> list[Any]:
    once = identities.prevent_gradient(
        op.outputs[1],
        message="Currently there is no way to take the second derivative of sparse_softmax_cross_entropy_with_logits "
        "due to the fused implementation's interaction with tf.gradients()",
    )
    return [_rows_times(by_loss, once), None]


register_op("Softmax", shape=_vectors, lower=_softmax, gradient=_softmax_gradient)
register_op("LogSoftmax", shape=_vectors, lower=_log_softmax, gradient=_log_softmax_gradient)
register_op("SoftmaxCrossEntropyWithLogits", shape=_xent_shape, lower=_xent, gradient=_xent_gradient)
register_op(
    "SparseSoftmaxCrossEntropyWithLogits",
    shape=_sparse_xent_shape,
    lower=_sparse_xent,
    gradient=_sparse_xent_gradient,
    fed_check=(1, _check_fed_labels),
)


# User functions


def _swapped(x: Any, axis: Any, last: Any, name: Any = None) -> Any:
    order = joining.concat([sequence.range(axis), [last], sequence.range(axis + 1, last), [axis]], 0)
    return transposing.transpose(x, order, name=name)


def _check_axis(axis: Any, ndims: int) -> None:
    value = constant_value(axis) if isinstance(axis, Tensor) else axis
    if value is not None and not -ndims <= value < ndims:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Dimension ({int(value)}) must be in the range [{-ndims}, {ndims}) where {ndims} is the number of"
            " dimensions in the input.",
        )


def _along(op_type: str, logits: Any, axis: Any, name: Any) -> Any:
    """A softmax op, which works on the last axis, along any other."""
    logits = convert_to_tensor(logits)
    shape = logits.get_shape()
    last = not isinstance(axis, Tensor) and (axis == -1 or (shape.ndims is not None and axis == shape.ndims - 1))
    if last:
        return apply_op(op_type, name, logits=logits)
    _check_axis(axis, shape.ndims)
    ndims = array_ops.rank(logits)
    if isinstance(axis, Tensor):
        axis = selecting.where(math_ops.less(axis, 0), axis + ndims, axis)
    elif axis < 0:
        axis += ndims
    rank = array_ops.rank(logits)
    axis = axis % shape.ndims
    swapped = _swapped(logits, axis, math_ops.subtract(rank, 1))
    result = _swapped(apply_op(op_type, None, logits=swapped), axis, math_ops.subtract(rank, 1), name=name)
    result.set_shape(shape)
    return result


@export("nn.softmax", "math.softmax")
def softmax(logits: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Any:
    """exp(logits) / sum(exp(logits), axis), by default along the last axis.

    >>> tf.nn.softmax([[0.0, 0.0]])   # [[0.5, 0.5]]

    Raises InvalidArgumentError for an axis that is not there. Source: TF 1.15 `tf.nn.softmax`.
    """
    axis = lookup_renamed("axis", axis, "dim", dim)
    return _along("Softmax", logits, -1 if axis is None else axis, name)


@export("nn.log_softmax", "math.log_softmax")
def log_softmax(logits: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Any:
    """logits - log(sum(exp(logits), axis)), by default along the last axis. Source: TF 1.15 `tf.nn.log_softmax`."""
    axis = lookup_renamed("axis", axis, "dim", dim)
    return _along("LogSoftmax", logits, -1 if axis is None else axis, name)


def _check_named(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


def _flattened(x: Any) -> Any:
    """`x` as a matrix of its vectors along the last axis."""
    rank = array_ops.rank(x)
    width = strided_slice.slice(array_ops.shape(x), [math_ops.subtract(rank, 1)], [1])
    result = array_ops.reshape(x, joining.concat([[-1], width], 0))
    shape = x.get_shape()
    sizes = None if shape.ndims is None else shape.as_list()
    if sizes is not None and None not in sizes[:-1]:
        result.set_shape([math.prod(sizes[:-1]), sizes[-1]])
    return result


def _axis_last(x: Any, axis: Any, rank: Any) -> Any:
    order = joining.concat([sequence.range(axis), sequence.range(axis + 1, rank), [axis]], 0)
    return transposing.transpose(x, order)


@export("nn.softmax_cross_entropy_with_logits_v2")
def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: Any = None, dim: Any = None
) -> Any:
    """-sum(labels * log_softmax(logits), axis): one loss for each vector; gradients flow into the labels too.

    Source: TF 1.15 `tf.nn.softmax_cross_entropy_with_logits_v2`.
    """
    axis = lookup_renamed("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        narrow = logits.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16)
        precise = cast(logits, dtypes.float32) if narrow else logits
        labels = cast(labels, precise.dtype)
        rank, shape = array_ops.rank(precise), logits.get_shape()
        if axis != -1:
            precise, labels = _axis_last(precise, axis, rank), _axis_last(labels, axis, rank)
        sizes = array_ops.shape(precise)
        rows, label_rows = _flattened(precise), _flattened(labels)
        cost = apply_op("SoftmaxCrossEntropyWithLogits", scope, features=rows, labels=label_rows)[0]
        cost = array_ops.reshape(cost, strided_slice.slice(sizes, [0], [math_ops.subtract(rank, 1)]))
        if shape.ndims is not None:
            outer = shape.as_list()
            del outer[axis]
            cost.set_shape(outer)
        return cast(cost, logits.dtype) if narrow else cost


@export("nn.softmax_cross_entropy_with_logits")
def softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, dim: Any = -1, name: Any = None, axis: Any = None
) -> Any:
    """-sum(labels * log_softmax(logits), dim): one loss for each vector; no gradient flows into the labels.

    Raises ValueError unless labels and logits are given, by name.
    Source: TF 1.15 `tf.nn.softmax_cross_entropy_with_logits`.
    """
    dim = lookup_renamed("axis", axis, "dim", dim)
    _check_named("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        labels = identities.stop_gradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, axis=dim, name=scope)


def _check_sparse_shapes(labels: Any, logits: Any) -> bool:
    """Whether both outer shapes are fully known; ValueError if they cannot agree."""
    mine, theirs = labels.get_shape(), logits.get_shape()
    known: bool = mine.is_fully_defined() and theirs[:-1].is_fully_defined()
    if theirs.ndims == 0:
        raise ValueError(f"Logits cannot be scalars - received shape {theirs}.")
    if theirs.ndims is not None and mine.ndims is not None and mine.ndims != theirs.ndims - 1:
        raise ValueError(
            f"Rank mismatch: Rank of labels (received {mine.ndims}) should equal rank of logits minus 1 "
            f"(received {theirs.ndims})."
        )
    if known and mine != theirs[:-1]:
        raise ValueError(
            f"Shape mismatch: The shape of labels (received {mine}) should equal the shape of logits except for the "
            f"last dimension (received {theirs})."
        )
    return known


@export("nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: Any = None
) -> Any:
    """-log_softmax(logits)[label]: one loss for each integer label.

    >>> tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[0.0, 0.0]])   # [0.6931472]

    Raises ValueError unless labels and logits are given, by name, with ranks that fit; InvalidArgumentError, when it runs,
    for fed labels outside the classes.
    Differs: a label that the program computes, outside the classes, gives NaN, as TF does on GPUs; TF on CPUs raises.
    Source: TF 1.15 `tf.nn.sparse_softmax_cross_entropy_with_logits`.
    """
    _check_named("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels = convert_to_tensor(labels)
        logits = convert_to_tensor(logits)
        narrow = logits.dtype.base_dtype == dtypes.float16
        precise = cast(logits, dtypes.float32) if narrow else logits
        shape = array_ops.shape(labels)
        known = _check_sparse_shapes(labels, logits)
        if logits.get_shape().ndims == 2:
            cost = _sparse_cost(precise, labels, name)
        else:
            cost = _sparse_cost_of_rows(precise, logits, labels, shape, known, name)
        return cast(cost, dtypes.float16) if narrow else cost


def _sparse_cost(logits: Any, labels: Any, name: Any) -> Any:
    return apply_op("SparseSoftmaxCrossEntropyWithLogits", name, features=logits, labels=labels)[0]


def _sparse_cost_of_rows(precise: Any, logits: Any, labels: Any, shape: Any, known: bool, name: Any) -> Any:
    static = labels.get_shape()
    checks = [] if known else [check.assert_equal(array_ops.shape(labels), array_ops.shape(logits)[:-1])]
    with control_dependencies(checks):
        classes = array_ops.shape(logits)[array_ops.rank(logits) - 1]
        rows = array_ops.reshape(precise, [-1, classes])
        cost = _sparse_cost(rows, array_ops.reshape(labels, [-1]), name)
        cost = array_ops.reshape(cost, shape)
        cost.set_shape(static)
        return cost


def _same_shape(a: Any, b: Any, text: str) -> None:
    try:
        a.get_shape().merge_with(b.get_shape())
    except ValueError:
        raise ValueError(text) from None


def _logistic_operands(labels: Any, logits: Any) -> tuple[Any, Any]:
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, name="labels")
    shapes = f"({logits.get_shape()} vs {labels.get_shape()})"
    _same_shape(labels, logits, f"logits and labels must have the same shape {shapes}")
    return labels, logits


@export("nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: Any = None
) -> Any:
    """max(x, 0) - x * z + log(1 + exp(-abs(x))) of logits x and labels z, element by element.

    Raises ValueError for different shapes. Source: TF 1.15 `tf.nn.sigmoid_cross_entropy_with_logits`.
    """
    _check_named("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        labels, logits = _logistic_operands(labels, logits)
        zeros = array_ops.zeros_like(logits, dtype=logits.dtype)
        positive = logits >= zeros
        relu_logits = selecting.where(positive, logits, zeros)
        neg_abs_logits = selecting.where(positive, -logits, logits)
        linear = relu_logits - logits * labels
        return math_ops.add(linear, math_ops.log1p(math_ops.exp(neg_abs_logits)), name=scope)


@export("nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: Any = None, targets: Any = None
) -> Any:
    """`sigmoid_cross_entropy_with_logits` whose positive labels count `pos_weight` times.

    Source: TF 1.15 `tf.nn.weighted_cross_entropy_with_logits`.
    """
    from retrograph.ops.nn import relu

    labels = lookup_renamed("labels", labels, "targets", targets)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        labels, logits = _logistic_operands(labels, logits)
        weight = 1 + (pos_weight - 1) * labels
        negative = (1 - labels) * logits
        positive = math_ops.log1p(math_ops.exp(-math_ops.abs(logits))) + relu(-logits)
        return math_ops.add(negative, weight * positive, name=scope)


@export("nn.log_poisson_loss")
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: Any = None) -> Any:
    """exp(log_input) - log_input * targets, with Stirling's term if `compute_full_loss`.

    Raises ValueError for different shapes. Source: TF 1.15 `tf.nn.log_poisson_loss`.
    """
    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input = convert_to_tensor(log_input, name="log_input")
        targets = convert_to_tensor(targets, name="targets")
        shapes = f"({log_input.get_shape()} vs {targets.get_shape()})"
        _same_shape(targets, log_input, f"log_input and targets must have the same shape {shapes}")
        result = math_ops.exp(log_input) - log_input * targets
        return result + _stirling_term(targets) if compute_full_loss else result


def _stirling_term(targets: Any) -> Any:
    half = convert_to_tensor(0.5, dtype=targets.dtype, name="Const")
    two_pi = convert_to_tensor(2 * math.pi, dtype=targets.dtype, name="Const")
    approximation = (targets * math_ops.log(targets)) - targets + (half * math_ops.log(two_pi * targets))
    zeros = array_ops.zeros_like(targets, dtype=targets.dtype)
    ones = array_ops.ones_like(targets, dtype=targets.dtype)
    small = math_ops.logical_and(targets >= zeros, targets <= ones)
    return selecting.where(small, zeros, approximation)
