"""Sums of the gradients that arrive at one output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices


@export("AggregationMethod")
class AggregationMethod:
    """How `tf.gradients` sums gradients: one AddN, pairwise AddN, or AccumulateN.

    Source: TF 1.15 `tf.AggregationMethod`.
    """

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


_METHODS = (AggregationMethod.ADD_N, AggregationMethod.EXPERIMENTAL_TREE, AggregationMethod.EXPERIMENTAL_ACCUMULATE_N)


def check_method(method: Any) -> None:
    """Raises ValueError if `method` is none of `AggregationMethod`."""
    if method not in _METHODS:
        raise ValueError(f"Invalid aggregation_method specified {method}.")


def aggregate(graph: Graph, op: Operation, grads: Any, method: int) -> Any:
    """The sum of `grads` (tensors, IndexedSlices, None) that arrived at one output of `op`."""
    if not isinstance(grads, list):
        return grads
    if not all(isinstance(g, (Tensor, IndexedSlices)) for g in grads if g is not None):
        raise TypeError("gradients have to be either all Tensors or all IndexedSlices")
    if len(grads) < 2:
        return grads[0]
    if not all(isinstance(g, Tensor) for g in grads if g is not None):
        return aggregate_indexed_slices(grads)
    if method == AggregationMethod.ADD_N:
        return _add_by_device(graph, grads)
    if method == AggregationMethod.EXPERIMENTAL_ACCUMULATE_N and len(grads) > 2 and _shape_known(grads):
        return tf.accumulate_n(grads)
    return _add_in_pairs(op, grads)


def _shape_known(grads: Sequence[Any]) -> bool:
    shape = tf.TensorShape(None)
    for grad in grads:
        shape = shape.merge_with(grad.get_shape())
    return bool(shape.is_fully_defined())


def _add_in_pairs(op: Operation, grads: Sequence[Any]) -> Any:
    with tf.name_scope(op.name + "_gradient_sum"):
        total = grads[0]
        for grad in grads[1:]:
            total = tf.add_n([total, grad])
    return total


def _add_by_device(graph: Graph, grads: Sequence[Any]) -> Any:
    """One AddN for each device that gradients were computed on, then one over these."""
    groups: dict[str, list[Any]] = {}
    for grad in grads:
        groups.setdefault(grad.device or "", []).append(grad)
    sums = []
    for device in sorted(groups):
        with graph.colocate_with(groups[device][0].op, ignore_existing=True):
            sums.append(tf.add_n(groups[device]))
    return tf.add_n(sums) if len(sums) > 1 else sums[0]


def aggregate_indexed_slices(grads: Sequence[Any]) -> Any:
    """The sum of gradients some of which are IndexedSlices: slices one after the other, dense if one is dense."""
    grads = [g for g in grads if g is not None]
    if any(isinstance(g, Tensor) for g in grads):
        return tf.add_n(grads)
    from retrograph.ops.control_flow import as_indexed_slices_list

    slices = [_flattened(g) for g in as_indexed_slices_list(grads)]
    values = tf.concat([g.values for g in slices], axis=0)
    indices = tf.concat([g.indices for g in slices], axis=0)
    return IndexedSlices(values, indices, slices[0].dense_shape)


def _flattened(grad: IndexedSlices) -> IndexedSlices:
    """Slices of slices as slices of the whole (a gather from a gather)."""
    while isinstance(grad.values, IndexedSlices):
        inner: Any = grad.values
        grad = IndexedSlices(inner.values, tf.gather(grad.indices, inner.indices), grad.dense_shape)
    return grad
