"""Queues: `tf.FIFOQueue` and its kin, and their operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from retrograph.framework import dtypes as _dtypes
from retrograph.framework import seeds
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape, unknown_shape
from retrograph.framework.shape_rules import ShapeContext, concatenate, no_outputs, scalar
from retrograph.framework.static_value import constant_value
from retrograph.ops.host_queues import HostPaddingQueue, HostPriorityQueue, HostQueue, HostShuffleQueue
from retrograph.runtime.state import Ref


def listed_types(dtypes: Any) -> list[Any]:
    """The types of a queue's components, given as a list or as one type."""
    return [_dtypes.as_dtype(t) for t in (dtypes if isinstance(dtypes, (list, tuple)) else [dtypes])]


def _is_size(value: Any) -> bool:
    return value is None or isinstance(value, int)


def listed_shapes(shapes: Any, partial: bool = False) -> list[TensorShape] | None:
    """The shapes of a queue's components, given as a list or as one shape; `partial` ones may have unknown sizes.

    Raises ValueError: a shape is not as well known as it must be. TypeError: no list of shapes.
    """
    if partial and (not isinstance(shapes, Sequence) or not shapes or any(_is_size(s) for s in shapes)):
        raise ValueError("When providing partial shapes, a list of shapes must be provided.")
    if shapes is None:
        return None
    if isinstance(shapes, TensorShape):
        shapes = [shapes]
    if not isinstance(shapes, (tuple, list)):
        raise TypeError("shapes must be a TensorShape or a list or tuple of TensorShapes.")
    found = [TensorShape(s) for s in ([shapes] if all(_is_size(s) for s in shapes) else shapes)]
    if not partial and not all(s.is_fully_defined() for s in found):
        raise ValueError(f"All shapes must be fully defined: {found}")
    if any(s.dims is None for s in found):
        raise ValueError(f"All shapes must have a defined rank: {found}")
    return found


def _as_name_list(names: Any, dtypes: Sequence[Any]) -> list[str] | None:
    if names is None:
        return None
    found = list(names) if isinstance(names, (list, tuple)) else [names]
    if len(found) != len(dtypes):
        raise ValueError("List of names must have the same length as the list of dtypes")
    return found


def _in_common(a: TensorShape, b: TensorShape) -> TensorShape:
    if a.ndims is None or b.ndims is None or a.ndims != b.ndims:
        return unknown_shape()
    return TensorShape([x if x == y else None for x, y in zip(a.as_list(), b.as_list(), strict=True)])


@export("QueueBase", "queue.QueueBase", "io.QueueBase")
class QueueBase:
    """What all queues share: elements are tuples of tensors of `dtypes` and `shapes`, or dicts if there are `names`.

    The elements are in the session. Source: TF 1.15 `tf.queue.QueueBase`.
    """

    def __init__(self, dtypes: Sequence[Any], shapes: Any, names: Any, queue_ref: Tensor):
        self._dtypes = list(dtypes)
        if shapes is not None and len(shapes) != len(dtypes):
            raise ValueError("Queue shapes must have the same length as dtypes")
        self._shapes = [TensorShape(s) for s in shapes] if shapes is not None else [unknown_shape() for _ in dtypes]
        if names is not None and len(names) != len(dtypes):
            raise ValueError("Queue names must have the same length as dtypes")
        self._names = names
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index: Any, queues: list[Any]) -> QueueBase:
        """The queue that `index` picks when it runs.

        Raises: TypeError: not a list of queues, or their components differ.
        Source: TF 1.15 `tf.queue.QueueBase.from_list`.
        """
        if not queues or not isinstance(queues, list) or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if not all(first.dtypes == q.dtypes for q in queues[1:]):
            raise TypeError("Queues do not have matching component dtypes.")
        if not all(first.names == q.names for q in queues[1:]):
            raise TypeError("Queues do not have matching component names.")
        shapes = [reduce(_in_common, column) for column in zip(*[q.shapes for q in queues], strict=True)]
        stacked = apply_op("Pack", "stack", values=[q.queue_ref for q in queues], axis=0)
        picked = apply_op("GatherV2", None, params=stacked, indices=index, axis=constant(0, name="GatherV2/axis"))
        return QueueBase(first.dtypes, shapes, first.names, picked)

    @property
    def queue_ref(self) -> Tensor:
        """The handle."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the queue's operation."""
        return str(self._queue_ref.op.name)

    @property
    def dtypes(self) -> list[Any]:
        """The dtypes of the components."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes of the components."""
        return self._shapes

    @property
    def names(self) -> Any:
        """The names of the components, or None."""
        return self._names

    def _apply(self, op_type: str, name: str | None, **arguments: Any) -> Any:
        version = "V2" if self._queue_ref.dtype == _dtypes.resource else ""
        return apply_op(op_type + version, name, handle=self._queue_ref, **arguments)

    def _ordered(self, vals: Any) -> Sequence[Any]:
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals.keys(), key=str):
                raise ValueError(
                    f"Keys in dictionary to enqueue do not match names of Queue.  Dictionary: ({sorted(vals.keys())}), Queue: ({sorted(self._names)})"
                )
            return [vals[k] for k in self._names]
        if self._names:
            raise ValueError("You must enqueue a dictionary in a Queue with names")
        return vals if isinstance(vals, (list, tuple)) else [vals]

    def _components(self, vals: Any) -> list[Tensor]:
        pairs = zip(self._ordered(vals), self._dtypes, strict=False)
        return [convert_to_tensor(v, dtype=t, name=f"component_{i}") for i, (v, t) in enumerate(pairs)]

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that adds one element; it waits while the queue is full.

        Raises: ValueError: other shapes or names. When it runs, CancelledError: the queue or the session is closed.
        Source: TF 1.15 `tf.queue.QueueBase.enqueue`.
        """
        with name_scope(name, f"{self._name}_enqueue", _scope_values(vals)) as scope:
            tensors = self._components(vals)
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                tensor.get_shape().assert_is_compatible_with(shape)
            return self._apply("QueueEnqueue", scope, components=tensors)  # type: ignore[no-any-return]

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that adds as many elements as the components have rows.

        Source: TF 1.15 `tf.queue.QueueBase.enqueue_many`.
        """
        with name_scope(name, f"{self._name}_EnqueueMany", _scope_values(vals)) as scope:
            tensors = self._components(vals)
            rows = tensors[0].get_shape().with_rank_at_least(1)[0]
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                rows = rows.merge_with(tensor.get_shape().with_rank_at_least(1)[0])
                tensor.get_shape()[1:].assert_is_compatible_with(shape)
            return self._apply("QueueEnqueueMany", scope, components=tensors)  # type: ignore[no-any-return]

    def _taken(self, tensors: list[Tensor], leading: list[Any]) -> Any:
        for output, shape in zip(tensors, self._shapes, strict=True):
            output.set_shape(TensorShape(leading).concatenate(shape))
        if self._names:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else tensors

    def dequeue(self, name: str | None = None) -> Any:
        """The components of one element, taken when they are needed; waits while the queue is empty.

        When it runs, OutOfRangeError: closed and empty. CancelledError: the session is closed meanwhile.
        Source: TF 1.15 `tf.queue.QueueBase.dequeue`.
        """
        name = f"{self._name}_Dequeue" if name is None else name
        return self._taken(self._apply("QueueDequeue", name, component_types=self._dtypes), [])

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """`n` elements as rows of one tensor each component; waits until there are so many.

        When it runs, OutOfRangeError: closed with fewer left (which stay).
        Source: TF 1.15 `tf.queue.QueueBase.dequeue_many`.
        """
        name = f"{self._name}_DequeueMany" if name is None else name
        tensors = self._apply("QueueDequeueMany", name, n=n, component_types=self._dtypes)
        count = constant_value(tensors[0].op.inputs[1])
        return self._taken(tensors, [None if count is None else int(count)])

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """As `dequeue_many`, but gives what is left of a closed queue.

        Source: TF 1.15 `tf.queue.QueueBase.dequeue_up_to`.
        """
        name = f"{self._name}_DequeueUpTo" if name is None else name
        return self._taken(self._apply("QueueDequeueUpTo", name, n=n, component_types=self._dtypes), [None])

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation after which nothing can be added; what is there can still be taken.

        Source: TF 1.15 `tf.queue.QueueBase.close`.
        """
        name = f"{self._name}_Close" if name is None else name
        return self._apply("QueueClose", name, cancel_pending_enqueues=cancel_pending_enqueues)  # type: ignore[no-any-return]

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether the queue is closed: bool[]. Source: TF 1.15 `tf.queue.QueueBase.is_closed`."""
        return self._apply("QueueIsClosed", f"{self._name}_Is_Closed" if name is None else name)  # type: ignore[no-any-return]

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are: i32[]. Source: TF 1.15 `tf.queue.QueueBase.size`."""
        return self._apply("QueueSize", f"{self._name}_Size" if name is None else name)  # type: ignore[no-any-return]


def _scope_values(vals: Any) -> list[Any]:
    if isinstance(vals, dict):
        return list(vals.values())
    return list(vals) if isinstance(vals, (list, tuple)) else [vals]


@export("FIFOQueue", "queue.FIFOQueue")
class FIFOQueue(QueueBase):
    """First in, first out.

    >>> queue = tf.FIFOQueue(3, tf.float32)
    >>> with tf.Session() as sess:
    ...     sess.run(queue.enqueue(1.5))
    ...     sess.run(queue.dequeue())
    1.5

    Source: TF 1.15 `tf.queue.FIFOQueue`.
    """

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
        name: str | None = "fifo_queue",
    ):  # fmt: skip
        types, shapes = listed_types(dtypes), listed_shapes(shapes)
        names = _as_name_list(names, types)
        handle = _queue_op("FIFOQueueV2", name, types, shapes, capacity, shared_name)
        super().__init__(types, shapes, names, handle)


@export("PaddingFIFOQueue", "queue.PaddingFIFOQueue", "io.PaddingFIFOQueue")
class PaddingFIFOQueue(QueueBase):
    """First in, first out; elements taken together are padded to the sizes of the largest where a shape leaves one open.

    Source: TF 1.15 `tf.queue.PaddingFIFOQueue`.
    """

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any, names: Any = None, shared_name: str | None = None,
        name: str | None = "padding_fifo_queue",
    ):  # fmt: skip
        types, shapes = listed_types(dtypes), listed_shapes(shapes, partial=True) or []
        names = _as_name_list(names, types)
        if len(types) != len(shapes):
            raise ValueError(
                f"Shapes must be provided for all components, but received {len(types)} dtypes and {len(shapes)} shapes."
            )
        handle = _queue_op("PaddingFIFOQueueV2", name, types, shapes, capacity, shared_name)
        super().__init__(types, shapes, names, handle)


@export("RandomShuffleQueue", "queue.RandomShuffleQueue", "io.RandomShuffleQueue")
class RandomShuffleQueue(QueueBase):
    """Gives elements at random, of at least `min_after_dequeue` + 1 unless it is closed.

    Source: TF 1.15 `tf.queue.RandomShuffleQueue`.
    """

    def __init__(
        self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None, names: Any = None,
        seed: int | None = None, shared_name: str | None = None, name: str | None = "random_shuffle_queue",
    ):  # fmt: skip
        types, shapes = listed_types(dtypes), listed_shapes(shapes)
        names = _as_name_list(names, types)
        seed1, seed2 = seeds.get_seed(seed)
        if seed1 is None and seed2 is None:
            seed1, seed2 = 0, 0
        elif seed is None and shared_name is not None:
            # Programs that share the queue must agree on its seed.
            seed2 = int(hashlib.md5(f"{seed1}{shared_name}".encode()).hexdigest()[:8], 16) & 0x7FFFFFFF
        extra = {"min_after_dequeue": min_after_dequeue, "seed": seed1, "seed2": seed2}
        handle = _queue_op("RandomShuffleQueueV2", name, types, shapes, capacity, shared_name, **extra)
        super().__init__(types, shapes, names, handle)


@export("PriorityQueue", "queue.PriorityQueue", "io.PriorityQueue")
class PriorityQueue(QueueBase):
    """Gives the element of the smallest priority, an i64[] that comes before the components.

    Source: TF 1.15 `tf.queue.PriorityQueue`.
    """

    def __init__(
        self, capacity: int, types: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
        name: str | None = "priority_queue",
    ):  # fmt: skip
        kinds, shapes = listed_types(types), listed_shapes(shapes)
        handle = _queue_op("PriorityQueueV2", name, kinds, shapes, capacity, shared_name)
        super().__init__([_dtypes.int64, *kinds], [TensorShape([]), *shapes] if shapes else shapes, names, handle)


def _queue_op(
    op_type: str, name: str | None, types: list[Any], shapes: Any, capacity: int, shared_name: str | None, **extra: Any
) -> Tensor:
    return apply_op(  # type: ignore[no-any-return]
        op_type, name, component_types=types, shapes=shapes or [], capacity=capacity, shared_name=shared_name or "", **extra
    )  # fmt: skip


# ---- rows


def _make(kind: type[HostQueue]) -> Callable[..., Any]:
    def run(op: Operation, ctx: Any) -> Ref:
        ref = Ref(op)
        ctx.resources.find_or_make(ref.key, lambda number: kind(op, number)).check_shared(op)
        return ref

    return run


def _queue(ctx: Any, handle: Any) -> HostQueue:
    ref = handle if isinstance(handle, Ref) else handle.reshape(-1)[0]
    found: HostQueue = ctx.resources[ref.key]
    return found


def _check_count(op: Operation, n: Any) -> int:
    from retrograph.framework import errors

    if int(n) < 0:
        name = "DequeueManyOp" if "Many" in op.type else "DequeueUpToOp"
        raise errors.InvalidArgumentError(None, op, f"{name} requested {int(n)} < 0 elements")
    return int(n)


def _enqueue(op: Operation, ctx: Any, handle: Any, *components: Any) -> tuple[()]:
    _queue(ctx, handle).put(ctx, components)
    return ()


def _enqueue_many(op: Operation, ctx: Any, handle: Any, *components: Any) -> tuple[()]:
    _queue(ctx, handle).put_many(ctx, components)
    return ()


def _dequeue(op: Operation, ctx: Any, handle: Any) -> tuple[Any, ...]:
    return _queue(ctx, handle).take(ctx)


def _dequeue_many(op: Operation, ctx: Any, handle: Any, n: Any) -> tuple[Any, ...]:
    return _queue(ctx, handle).take_many(ctx, _check_count(op, n), less_at_end=False)


def _dequeue_up_to(op: Operation, ctx: Any, handle: Any, n: Any) -> tuple[Any, ...]:
    return _queue(ctx, handle).take_many(ctx, _check_count(op, n), less_at_end=True)


def _close(op: Operation, ctx: Any, handle: Any) -> tuple[()]:
    _queue(ctx, handle).close(ctx, op.attrs["cancel_pending_enqueues"])
    return ()


def _is_closed(op: Operation, ctx: Any, handle: Any) -> Any:
    return np.bool_(_queue(ctx, handle).closed)


def _size(op: Operation, ctx: Any, handle: Any) -> Any:
    return np.int32(_queue(ctx, handle).size)


def _two(c: ShapeContext) -> list[Shape]:
    return [(2,)]


def _element_shapes(c: ShapeContext) -> list[Shape]:
    """The shapes of components, as far as the operation that makes the queue tells."""
    count = len(c.attr("component_types"))
    maker = c.inputs[0].op
    shapes = maker.attrs.get("shapes") or []
    if maker.type.startswith("PriorityQueue"):
        shapes = [(), *shapes]
    if len(shapes) != count or not maker.type.endswith("QueueV2"):
        return [None] * count
    return [s if s is None else tuple(None if d is None or d < 0 else d for d in s) for s in shapes]


def _many_shapes(c: ShapeContext) -> list[Shape]:
    n = c.constant(1)
    if n is not None and n < 0:
        c.fail(f"Input 'n' must be >= 0, but is {int(n)}")
    rows: Shape = (None if n is None else int(n),)
    return [s if s is None else concatenate(rows, s) for s in _element_shapes(c)]


def _up_to_shapes(c: ShapeContext) -> list[Shape]:
    return [s if s is None else concatenate((None,), s) for s in _element_shapes(c)]


for _kind in (HostQueue, HostPaddingQueue, HostShuffleQueue, HostPriorityQueue):
    register_op(_kind.kind + "V2", shape=scalar, numpy=_make(_kind), host=True, effect=True, gradient=NO_GRADIENT)
    register_op(_kind.kind, shape=_two, numpy=_make(_kind), host=True, effect=True, gradient=NO_GRADIENT)

_ROWS: dict[str, tuple[Any, Any]] = {
    "QueueEnqueue": (no_outputs, _enqueue),
    "QueueEnqueueMany": (no_outputs, _enqueue_many),
    "QueueDequeue": (_element_shapes, _dequeue),
    "QueueDequeueMany": (_many_shapes, _dequeue_many),
    "QueueDequeueUpTo": (_up_to_shapes, _dequeue_up_to),
    "QueueClose": (no_outputs, _close),
    "QueueIsClosed": (scalar, _is_closed),
    "QueueSize": (scalar, _size),
}
for _op_type, (_rule, _run) in _ROWS.items():
    for _version in ("", "V2"):
        register_op(
            _op_type + _version, shape=_rule, numpy=_run, host=True, effect=True, waits=True, gradient=NO_GRADIENT
        )
