"""Sparse tensors in batches: a queue holds numbers under which a session's map keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.smart_cond import smart_cond
from retrograph.ops.sparse_map import add_many_to_map, add_to_map, take_from_map

_STORING = ("AddSparseToTensorsMap", "AddManySparseToTensorsMap")


class Stored(NamedTuple):
    """How a component is kept: by which map (None: as it is), and the rank of its elements."""

    map_op: Operation | None
    rank: int | None


def stored(lists: list[list[Any]], enqueue_many: bool, keep: Tensor) -> tuple[list[list[Any]], list[Stored]]:
    """The lists with numbers in place of sparse tensors, and how to get these back.

    Raises: ValueError: the lists have sparse tensors at different places.
    """
    first, notes = _stored_list(lists[0], enqueue_many, keep, [None] * len(lists[0]))
    results = [first]
    for tensors in lists[1:]:
        others, found = _stored_list(tensors, enqueue_many, keep, [n.map_op for n in notes])
        if not all(_alike(a, b) for a, b in zip(notes, found, strict=True)):
            raise ValueError(f"Inconsistent SparseTensors list: {lists[0]} vs. {tensors}")
        results.append(others)
    return results, notes


def _alike(a: Stored, b: Stored) -> bool:
    return (a.map_op is None) == (b.map_op is None) and (a.rank is None or b.rank is None or a.rank == b.rank)


def _stored_list(
    tensors: Sequence[Any], enqueue_many: bool, keep: Tensor, maps: Sequence[Operation | None]
) -> tuple[list[Any], list[Stored]]:
    pairs = [_stored_one(t, enqueue_many, keep, m) for t, m in zip(tensors, maps, strict=True)]
    return [value for value, _ in pairs], [note for _, note in pairs]


def _stored_one(tensor: Any, enqueue_many: bool, keep: Tensor, map_op: Operation | None) -> tuple[Any, Stored]:
    if not isinstance(tensor, tf.SparseTensor):
        return tensor, Stored(None, None)
    shared = map_op.name if map_op is not None else None
    numbers = _numbers(tensor, enqueue_many, keep, shared)
    rank = tensor.dense_shape.shape.with_rank(1).as_list()[0]
    rank = rank - 1 if enqueue_many and rank is not None else rank
    return tf.expand_dims(numbers, [-1]), Stored(map_op or _storing_op(numbers), rank)


def _numbers(tensor: Any, enqueue_many: bool, keep: Tensor, shared: str | None) -> Any:
    if keep.shape.ndims == 1:
        kept = tf.sparse_retain(tensor, tf.gather(keep, tensor.indices[:, 0]))
        return add_many_to_map(kept, shared_name=shared)
    if not enqueue_many:
        return smart_cond(keep, lambda: add_to_map(tensor, shared_name=shared), lambda: tf.constant(-1, tf.int64))
    numbers = smart_cond(
        keep,
        lambda: add_many_to_map(tensor, shared_name=shared),
        lambda: -1 * tf.ones(tf.shape(tensor)[0:1], tf.int64),
    )
    numbers.set_shape([None])
    return numbers


def _storing_op(numbers: Tensor) -> Operation:
    found: Operation = next((t.op for t in numbers.op.inputs if t.op.type in _STORING), numbers.op)
    return found


def restored(taken: Any, notes: list[Stored]) -> Any:
    """What was taken from the queue, with the sparse tensors."""
    if all(n.map_op is None for n in notes):
        return taken
    several = isinstance(taken, (list, tuple))
    tensors = [_restored_one(t, n) for t, n in zip(taken if several else [taken], notes, strict=True)]
    values = [t.values if isinstance(t, tf.SparseTensor) else t for t in tensors]
    found = [_after(values, t) for t in tensors]
    return found if several else found[0]


def _restored_one(tensor: Tensor, note: Stored) -> Any:
    if note.map_op is None:
        return tensor
    rank = None if note.rank is None else note.rank + 1
    return take_from_map(note.map_op, tf.squeeze(tensor, [1]), rank=rank)


def _after(values: list[Any], tensor: Any) -> Any:
    """The tensor, not before all of a batch are taken from their maps: each is there once."""
    from retrograph.ops.control_flow import with_dependencies

    if not isinstance(tensor, tf.SparseTensor):
        return with_dependencies(values, tensor)
    parts = (with_dependencies(values, p) for p in (tensor.indices, tensor.values, tensor.dense_shape))
    return tf.SparseTensor(*parts)
