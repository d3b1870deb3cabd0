"""Accumulators of gradients, which give their mean when enough have come: `tf.ConditionalAccumulator` and its kin."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape, compatible, to_text
from retrograph.framework.shape_rules import ShapeContext, scalar
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import cast
from retrograph.ops.rows import refuse
from retrograph.runtime.resources import Waiting
from retrograph.runtime.state import Ref

Array = Any


class _Attempt:
    """An operation that wants the mean of so many gradients."""

    def __init__(self, wanted: int):
        self.wanted = wanted
        self.result: Any = None
        self.cancelled = False
        self.waiting: Waiting | None = None


class HostAccumulator:
    """The gradients that were applied since one was last taken; those of an older step than the last are left out."""

    def __init__(self, op: Any):
        attrs = op.attrs
        self.shape: Shape = attrs["shape"]
        self.mean = attrs["reduction_type"] != b"SUM"
        self.step = 0
        self.count = 0
        self._lock = threading.Lock()
        self._line: deque[_Attempt] = deque()

    def apply(self, op: Any, step: int, *gradient: Array) -> None:
        """Adds a gradient that is not of an older step. InvalidArgumentError: of another shape."""
        with self._lock:
            if step < self.step:
                return
            self._check(op, *gradient)
            self._add(*gradient)
            self.count += 1
            self._advance()

    def take(self, op: Any, ctx: Any, wanted: int) -> Any:
        """The mean (or sum) of the gradients, when there are so many. CancelledError: the session was closed."""
        if wanted <= 0:
            refuse(op, f"Argument num_required must be positive, but was {wanted}")
        attempt = _Attempt(wanted)
        with self._lock:
            self._line.append(attempt)
            self._advance()
            if attempt.result is None:
                attempt.waiting = Waiting(lambda: self._cancel(attempt))
        if attempt.waiting is not None:
            ctx.wait(attempt.waiting)
        if attempt.cancelled:
            raise errors.CancelledError(None, op, "TakeGrad operation was cancelled")
        return attempt.result

    def _cancel(self, attempt: _Attempt) -> bool:
        with self._lock:
            if attempt.result is not None:
                return False
            self._line.remove(attempt)
            attempt.cancelled = True
        if attempt.waiting is not None:
            attempt.waiting.finish()
        return True

    def _advance(self) -> None:
        while self._line and self.count >= self._line[0].wanted:
            attempt = self._line.popleft()
            attempt.result = self._taken()
            self.count = 0
            self.step += 1
            if attempt.waiting is not None:
                attempt.waiting.finish()

    def _check(self, op: Any, *gradient: Array) -> None:
        raise NotImplementedError

    def _add(self, *gradient: Array) -> None:
        raise NotImplementedError

    def _taken(self) -> Any:
        raise NotImplementedError


class DenseAccumulator(HostAccumulator):
    """An accumulator of dense gradients."""

    total: Array = None

    def _check(self, op: Any, *gradient: Array) -> None:
        given = np.shape(gradient[0])
        if self.count and given != self.total.shape:
            refuse(op, f"Shape mismatch: expected {to_text(self.total.shape)}, got {to_text(given)}")
        if not compatible(self.shape, given):
            refuse(op, f"Shape mismatch: expected {to_text(self.shape)}, got {to_text(given)}")

    def _add(self, *gradient: Array) -> None:
        self.total = self.total + gradient[0] if self.count else np.array(gradient[0])

    def _taken(self) -> Any:
        return (self.total / self.count).astype(self.total.dtype) if self.mean else self.total


class SparseAccumulator(HostAccumulator):
    """An accumulator of slices by index; each is divided by how often it came."""

    indices: Array = None
    values: Array = None
    counts: Array = None

    def _check(self, op: Any, *gradient: Array) -> None:
        indices, values, shape, known = gradient
        if indices.ndim != 1:
            refuse(op, f"Input indices should be vector but received shape: {to_text(indices.shape)}")
        if not values.ndim:
            refuse(op, "Values cannot be 0-dimensional.")
        if len(values) != len(indices):
            refuse(op, f"Expected {len(indices)} non-empty input values, got {len(values)}")
        if known:
            self._check_shape(op, shape)
        first = self.shape[0] if self.shape else None
        for i, index in enumerate(indices.tolist()):
            if first is not None and index >= first:
                refuse(
                    op,
                    f"Shape mismatch: index of slice {i} exceeded limits of shape; index is {index} exceeded {first}",
                )
        self._check_values(op, values)

    def _check_shape(self, op: Any, shape: Array) -> None:
        wanted = self.shape or ()
        if len(wanted) > len(shape):
            refuse(op, f"Shape mismatch: expected shape rank at least {len(wanted)}, got {len(shape)}")
        for i, size in enumerate(wanted):
            if size is not None and size != shape[i]:
                refuse(op, f"Shape mismatch: expected shape dim {i} to be {size}, got {shape[i]}")

    def _check_values(self, op: Any, values: Array) -> None:
        wanted: Any = self.values.shape if self.count else self.shape or ()
        if self.count and len(wanted) != values.ndim:
            refuse(op, f"Shape mismatch: expected values rank {len(wanted)}, got {values.ndim}")
        if len(wanted) > values.ndim:
            refuse(op, f"Shape mismatch: expected values rank at least {len(wanted)}, got {values.ndim}")
        for i, size in enumerate(wanted[1:], 1):
            if size is not None and size != values.shape[i]:
                refuse(op, f"Shape mismatch: expected values dim {i} to be {size}, got {values.shape[i]}")

    def _add(self, *gradient: Array) -> None:
        indices, values = gradient[0], gradient[1]
        counts = np.ones(len(indices), np.int64)
        if not self.count:
            self.indices, self.values, self.counts = np.array(indices), np.array(values), counts
            return
        indices = np.concatenate([self.indices, indices])
        values = np.concatenate([self.values, values])
        counts = np.concatenate([self.counts, counts])
        self.indices, place = np.unique(indices, return_inverse=True)
        self.values = np.zeros((len(self.indices), *values.shape[1:]), values.dtype)
        np.add.at(self.values, place, values)
        self.counts = np.bincount(place, counts, minlength=len(self.indices)).astype(np.int64)

    def _taken(self) -> Any:
        values = self.values
        if self.mean:
            divisors = self.counts.reshape(-1, *[1] * (values.ndim - 1))
            values = (values / divisors).astype(values.dtype)
        first = self.shape[0] if self.shape and self.shape[0] is not None else -1
        return self.indices, values, np.array([first, *values.shape[1:]], np.int64)


# ---- rows

_DENSE = ("ConditionalAccumulator", "ResourceConditionalAccumulator")


def _key(ref: Ref) -> tuple[str, Any]:
    return ("accumulator", ref.key)


def _made(op: Any, ctx: Any) -> Ref:
    ref = Ref(op)
    kind = DenseAccumulator if op.type in _DENSE else SparseAccumulator
    ctx.resources.find_or_make(_key(ref), lambda _: kind(op))
    return ref


def _of(ctx: Any, ref: Ref) -> Any:
    return ctx.resources[_key(ref)]


def _apply(op: Any, ctx: Any, ref: Ref, step: Array, gradient: Array) -> tuple[()]:
    _of(ctx, ref).apply(op, int(step), gradient)
    return ()


def _apply_sparse(op: Any, ctx: Any, ref: Ref, step: Array, indices: Array, values: Array, shape: Array) -> tuple[()]:
    _of(ctx, ref).apply(op, int(step), indices, values, shape, op.attrs["has_known_shape"])
    return ()


def _take(op: Any, ctx: Any, ref: Ref, wanted: Array) -> Any:
    if np.ndim(wanted):
        refuse(op, f"Argument num_required must be scalar, but had bad shape {to_text(np.shape(wanted))}")
    return _of(ctx, ref).take(op, ctx, int(wanted))


def _set_step(op: Any, ctx: Any, ref: Ref, step: Array) -> tuple[()]:
    _of(ctx, ref).step = int(step)
    return ()


def _count(op: Any, ctx: Any, ref: Ref) -> Array:
    return np.asarray(_of(ctx, ref).count, np.int32)


def _nothing(c: ShapeContext) -> list[Shape]:
    return []


def _row(op_type: str, shape: Any, numpy: Callable[..., Any], waits: bool = False) -> None:
    register_op(op_type, shape=shape, numpy=numpy, host=True, effect=True, waits=waits, gradient=NO_GRADIENT)


for _prefix in ("", "Resource"):
    _row(f"{_prefix}ConditionalAccumulator", lambda c: [(2,)], _made)
    _row(f"{_prefix}AccumulatorApplyGradient", _nothing, _apply)
    _row(f"{_prefix}AccumulatorTakeGradient", lambda c: [None], _take, waits=True)
    _row(f"{_prefix}AccumulatorSetGlobalStep", _nothing, _set_step)
    _row(f"{_prefix}AccumulatorNumAccumulated", scalar, _count)
_row("SparseConditionalAccumulator", lambda c: [(2,)], _made)
_row("SparseAccumulatorApplyGradient", _nothing, _apply_sparse)
_row("SparseAccumulatorTakeGradient", lambda c: [None, None, None], _take, waits=True)


# ---- public classes


@export("ConditionalAccumulatorBase")
class ConditionalAccumulatorBase:
    """What both kinds of accumulators have. Source: TF 1.15 `tf.ConditionalAccumulatorBase`."""

    _prefix = ""

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Tensor):
        self._dtype = dtype
        self._shape = TensorShape(shape)
        self._accumulator_ref = accumulator_ref
        self._name: str = accumulator_ref.op.name.split("/")[-1]

    @property
    def accumulator_ref(self) -> Tensor:
        """The handle."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The type of gradients."""
        return self._dtype

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """`i32[]`: how many gradients there are."""
        name = f"{self._name}_NumAccumulated" if name is None else name
        return apply_op(f"{self._prefix}AccumulatorNumAccumulated", name, handle=self._accumulator_ref)  # type: ignore[no-any-return]

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Operation:
        """An operation after which gradients of older steps are left out."""
        step = _as_step(new_global_step)
        op_type = f"{self._prefix}AccumulatorSetGlobalStep"
        return apply_op(op_type, name, handle=self._accumulator_ref, new_global_step=step)  # type: ignore[no-any-return]


def _as_step(step: Any) -> Any:
    return cast.cast(convert_to_tensor(step), dtypes.int64)


@export("ConditionalAccumulator")
class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Collects dense gradients; `take_grad(n)` waits for `n` and gives their mean.

    Source: TF 1.15 `tf.ConditionalAccumulator`.
    """

    _prefix = "Resource"

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ):
        attrs = {"dtype": dtype, "shape": shape, "shared_name": shared_name, "reduction_type": reduction_type}
        super().__init__(dtype, shape, apply_op("ResourceConditionalAccumulator", name, **attrs))

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Operation:
        """An operation that adds a gradient, unless its step is old. Raises ValueError: of another shape."""
        grad = convert_to_tensor(grad, self._dtype)
        grad.get_shape().assert_is_compatible_with(self._shape)
        return apply_op(  # type: ignore[no-any-return]
            "ResourceAccumulatorApplyGradient",
            name,
            handle=self._accumulator_ref,
            local_step=_as_step(local_step),
            gradient=grad,
        )

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """The mean of the gradients, when there are `num_required`; waits for them."""
        inputs = {"handle": self._accumulator_ref, "num_required": num_required}
        taken: Tensor = apply_op("ResourceAccumulatorTakeGradient", name, dtype=self._dtype, **inputs)
        taken.set_shape(self._shape)
        return taken


@export("SparseConditionalAccumulator", "sparse.SparseConditionalAccumulator")
class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Collects gradients given as `IndexedSlices`. Source: TF 1.15 `tf.SparseConditionalAccumulator`."""

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ):
        attrs = {"dtype": dtype, "shape": shape, "shared_name": shared_name, "reduction_type": reduction_type}
        super().__init__(dtype, shape, apply_op("SparseConditionalAccumulator", name, **attrs))

    def apply_indexed_slices_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Operation:
        """An operation that adds a gradient, unless its step is old."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(
        self, grad_indices: Any, grad_values: Any, grad_shape: Any = None, local_step: Any = 0, name: str | None = None
    ) -> Operation:
        """An operation that adds slices by index, unless their step is old."""
        return apply_op(  # type: ignore[no-any-return]
            "SparseAccumulatorApplyGradient",
            name,
            handle=self._accumulator_ref,
            local_step=_as_step(local_step),
            gradient_indices=cast.cast(grad_indices, dtypes.int64),
            gradient_values=grad_values,
            gradient_shape=cast.cast([] if grad_shape is None else grad_shape, dtypes.int64),
            has_known_shape=grad_shape is not None,
        )

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """(indices, values, shape) of the mean, when there are `num_required`; waits for them."""
        inputs = {"handle": self._accumulator_ref, "num_required": num_required}
        return apply_op("SparseAccumulatorTakeGradient", name, dtype=self._dtype, **inputs)

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """The mean as `IndexedSlices`, when there are `num_required`; waits for them."""
        taken = self.take_grad(num_required, name)
        return IndexedSlices(indices=taken.indices, values=taken.values, dense_shape=taken.shape)
