"""Rows sorted into parts by number, and put together again: `tf.dynamic_partition`, `tf.dynamic_stitch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import (
    ShapeContext,
    ShapeError,
    concatenate,
    merge,
    with_rank_at_least,
)
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import array
from retrograph.ops.gather import gather
from retrograph.ops.rows import (
    is_static,
    make_tensor,
    make_tensors,
    refuse,
)


def _starts_with(shape: Shape, prefix: Shape) -> Shape:
    """What follows `prefix` in `shape`."""
    if shape is None or prefix is None:
        return None
    with_rank_at_least(None, shape, len(prefix))
    for a, b in zip(shape, prefix, strict=False):
        if a is not None and b is not None and a != b:
            raise ShapeError(f"Dimensions must be equal, but are {a} and {b}")
    return shape[len(prefix) :]


def _partition_shape(c: ShapeContext) -> list[Shape]:
    rest = None if c.input(1) is None else _starts_with(c.input(0), c.input(1))
    return [concatenate((None,), rest)] * int(c.attr("num_partitions"))


def _partition(op: Any, data: Any, partitions: Any) -> Any:
    count = op.get_attr("num_partitions")
    if data.shape[: partitions.ndim] != partitions.shape:
        shapes = f"data.shape = {to_text(tuple(data.shape))}, partitions.shape = {to_text(tuple(partitions.shape))}"
        refuse(op, f"data.shape must start with partitions.shape, got {shapes}")
    wrong = (partitions < 0) | (partitions >= count)
    if wrong.any():
        at = np.argwhere(wrong)[0].tolist()
        where_text = f"partitions{at}".replace(" ", "") if at else "partitions"
        raise errors.InvalidArgumentError(None, op, f"{where_text} = {partitions[tuple(at)]} is not in [0, {count})")
    return tuple(data[partitions == i] for i in range(count))


def _padded_partition(op: Any, data: Any, partitions: Any) -> Any:
    """All of the integers `data` in each part, where they do not belong as the largest integer.

    Rows are gathered as zeros there, and `_padded_stitch` leaves them out: so shapes do not depend on data.
    """
    beyond = np.array(np.iinfo(data.dtype).max, data.dtype)
    return tuple(jnp.where(partitions == i, data, beyond) for i in range(op.get_attr("num_partitions")))


def _partition_gradient(op: Any, *grads: Any) -> Any:
    from retrograph.ops.math import range as range_op
    from retrograph.ops.math import reduce_prod

    data, partitions, count = op.inputs[0], op.inputs[1], op.get_attr("num_partitions")
    prefix = array.shape(partitions)
    original = array.reshape(range_op(reduce_prod(prefix)), prefix)
    parted = dynamic_partition(original, partitions, count)
    joined = dynamic_stitch(parted, list(grads))
    return [array.reshape(joined, array.shape(data)), None]


register_op(
    "DynamicPartition", shape=_partition_shape, numpy=_partition, host=True, gradient=_partition_gradient
).padded = _padded_partition


@export("dynamic_partition")
@dispatched("data", "partitions")
def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """`data` in `num_partitions` parts: element i goes to part `partitions[i]`.

    Source: TF 1.15 `tf.dynamic_partition`.
    """
    return make_tensors("DynamicPartition", name, data=data, partitions=partitions, num_partitions=num_partitions)


def _stitch_shape(c: ShapeContext) -> list[Shape]:
    count, rest, largest = c.attr("N"), None, 0
    all_known = True
    for i in range(count):
        value = c.constant(i)
        all_known = all_known and value is not None
        if c.input(i) is None:
            continue
        rest = merge(c, rest, _starts_with(c.input(i + count), c.input(i)))
        if value is not None and value.size:
            largest = max(largest, int(value.max()))
    return [concatenate((largest + 1 if all_known else None,), rest)]


def _stitched(op: Any, inputs: Sequence[Any]) -> tuple[list[Any], list[Any], tuple[int, ...]]:
    count = len(inputs) // 2
    indices, data = [i.reshape(-1) for i in inputs[:count]], inputs[count:]
    rest = data[0].shape[inputs[0].ndim :]
    rows = max((int(i.max()) for i in indices if i.size), default=-1) + 1
    return indices, [d.reshape((-1, *rest)) for d in data], (rows, *rest)


def _stitch(op: Any, *inputs: Any) -> Any:
    indices, data, shape = _stitched(op, inputs)
    result = np.full(shape, b"", object) if data[0].dtype == object else np.zeros(shape, data[0].dtype)
    for at, rows in zip(indices, data, strict=True):
        result[at] = rows
    return result


def _lowered_stitch(op: Any, *inputs: Any) -> Any:
    indices, data, shape = _stitched(op, inputs)
    # Of several rows for one place the last counts; XLA does not promise an order, so the earlier ones go first.
    flat = np.concatenate(indices)
    _, last = np.unique(flat[::-1], return_index=True)
    kept = len(flat) - 1 - last
    rows = jnp.concatenate(data)
    return jnp.zeros(shape, rows.dtype).at[flat[kept]].set(rows[kept])


def _padded_stitch(op: Any, *inputs: Any) -> Any:
    count = len(inputs) // 2
    indices, data = inputs[:count], inputs[count:]
    traced = next((i for i in indices if not is_static(i)), None)
    if traced is None:
        return _lowered_stitch(op, *inputs)
    result = jnp.zeros((traced.shape[0], *data[0].shape[1:]), data[0].dtype)
    for at, rows in zip(indices, data, strict=True):
        result = result.at[at].set(rows, mode="drop")
    return result


def _static_stitch_inputs(op: Any) -> tuple[int, ...]:
    return () if "_padded" in op.attrs else tuple(range(len(op.inputs) // 2))


def _stitch_gradient(op: Any, grad: Any) -> Any:
    from retrograph.ops.segment import unsorted_segment_sum  # it builds on this module

    count = len(op.inputs) // 2
    if isinstance(grad, IndexedSlices):
        rows = array.shape(op.outputs[0])[0]
        grad = unsorted_segment_sum(grad.values, grad.indices, rows)
    return [None] * count + [gather(grad, op.inputs[i]) for i in range(count)]


for _type in ("DynamicStitch", "ParallelDynamicStitch"):
    register_op(
        _type,
        shape=_stitch_shape,
        lower=_lowered_stitch,
        numpy=_stitch,
        static_inputs=_static_stitch_inputs,
        gradient=_stitch_gradient,
    ).padded = _padded_stitch


@export("dynamic_stitch")
def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """The rows of all `data[m]` in one tensor, at the places `indices[m]`; later ones win.

    Source: TF 1.15 `tf.dynamic_stitch`.
    """
    return make_tensor("DynamicStitch", name, indices=indices, data=data)


def parallel_dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """As `dynamic_stitch`, where all places differ.

    Source: TF 1.15 `data_flow_ops.parallel_dynamic_stitch`.
    """
    return make_tensor("ParallelDynamicStitch", name, indices=indices, data=data)
