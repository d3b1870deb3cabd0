"""What a TensorArray holds while a plan runs: elements one by one where indices are known, else one stacked buffer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.runtime.state import UnwrittenElementError


class ArrayHandle:
    """The identity of a TensorArray: what was said about it when it was made."""

    __slots__ = ("dtype", "dynamic", "element_shape", "name", "size")

    def __init__(self, name: str, size: int, dtype: Any, element_shape: Any, dynamic: bool):
        self.name, self.size, self.dtype, self.element_shape, self.dynamic = name, size, dtype, element_shape, dynamic

    def _form(self) -> tuple[Any, ...]:
        return self.name, self.size, self.dtype, self.element_shape, self.dynamic

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayHandle) and self._form() == other._form()

    def __hash__(self) -> int:
        return hash((self.name, self.size))

    def as_dynamic(self, dynamic: bool) -> ArrayHandle:
        """The same array, which may grow or not."""
        return ArrayHandle(self.name, self.size, self.dtype, self.element_shape, dynamic)


class ArrayValue:
    """The contents of a TensorArray.

    Either `parts`, one entry for each index (None: nothing written), or `buffer`, all elements stacked; while nothing
    is written the shape of an element may be unknown. Values are never changed: writing gives a new one.
    `adds`: a gradient's array, where writes to one index add up. `length`: how many elements of the buffer there are, if
    that is known only when the program runs.
    """

    __slots__ = ("adds", "buffer", "handle", "length", "parts")

    is_flow = True

    def __init__(
        self,
        handle: ArrayHandle,
        parts: Sequence[Any] | None,
        buffer: Any = None,
        adds: bool = False,
        length: Any = None,
    ):
        _register()
        self.handle = handle
        self.length = length
        self.parts = None if parts is None else tuple(parts)
        self.buffer = buffer
        self.adds = adds

    def _with(self, parts: Sequence[Any] | None, buffer: Any = None) -> ArrayValue:
        return ArrayValue(self.handle, parts, buffer, self.adds)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.buffer.shape[0]) if self.parts is None else len(self.parts)

    @property
    def element_shape(self) -> tuple[int, ...] | None:
        """The shape that all elements have, None if it is not known or not one."""
        if self.parts is None:
            return tuple(self.buffer.shape[1:])
        shapes = {tuple(np.shape(p)) for p in self.parts if p is not None}
        declared = self.handle.element_shape
        if not shapes:
            return None if declared is None or None in declared else tuple(declared)
        return shapes.pop() if len(shapes) == 1 else None

    @property
    def dtype(self) -> Any:
        """The NumPy dtype of the elements."""
        return self.handle.dtype

    @property
    def shape(self) -> tuple[Any, ...]:
        """What tells compiled programs apart."""
        return (self.size, self.element_shape, self.parts is None)

    def read(self, op: Any, index: Any) -> Any:
        """The element at an index."""
        if _is_known(index):
            return self._part(op, int(index))
        return lax.dynamic_index_in_dim(self.stacked(op), jnp.asarray(index), 0, keepdims=False)

    def _part(self, op: Any, index: int) -> Any:
        if not 0 <= index < self.size:
            raise _refusal(op, self, f"Tried to read from index {index} but array size is: {self.size}")
        if self.parts is None:
            return self.buffer[index]
        part = self.parts[index]
        return self._missing(op, index) if part is None else part

    def _missing(self, op: Any, index: int) -> Any:
        shape = self.element_shape
        if shape is None:
            raise UnwrittenElementError(
                None,
                op,
                f"TensorArray {self.handle.name}: Could not read from TensorArray index {index}.  Furthermore, the element shape is not fully defined: "
                f"{_shape_text(self.handle.element_shape)}.  It is possible you are working with a resizeable "
                "TensorArray and stop_gradients is not allowing the gradients to be written.  If you set the full "
                "element_shape property on the forward TensorArray, the proper all-zeros tensor will be returned "
                "instead of incurring this error.",
            )
        return np.zeros(shape, self.dtype)

    def write(self, op: Any, index: Any, value: Any) -> ArrayValue:
        """With `value` at an index; a dynamic array grows if the index is known."""
        if self.length is not None:
            return self._settled(op).write(op, index, value)
        if not _is_known(index):
            return self._written_somewhere(op, index, value)
        at = int(index)
        if at < 0 or (at >= self.size and not self.handle.dynamic):
            kind = "but array is not resizeable and size is" if at >= 0 else "which is negative; size is"
            raise _refusal(op, self, f"Tried to write to index {at} {kind}: {self.size}")
        if self.parts is None and at < self.size and tuple(np.shape(value)) == self.element_shape:
            return self._with(None, _put(self.buffer, at, value, self.adds))
        parts = list(self.separate())
        parts += [None] * (at + 1 - len(parts))
        parts[at] = value if parts[at] is None or not self.adds else parts[at] + value
        return self._with(parts)

    def _written_somewhere(self, op: Any, index: Any, value: Any) -> ArrayValue:
        buffer = self.stacked(op, np.shape(value))
        if self.adds:
            return self._with(None, buffer.at[index].add(value))
        return self._with(None, lax.dynamic_update_index_in_dim(buffer, jnp.asarray(value), jnp.asarray(index), 0))

    def gather(self, op: Any, indices: Any) -> Any:
        """The elements at the indices, stacked."""
        if _is_known(indices):
            if self.parts is None and np.array_equal(indices, np.arange(len(indices))) and len(indices) <= self.size:
                return self.buffer[: len(indices)]
            if self.parts is not None:
                return self._stack(op, [self._part(op, int(i)) for i in indices])
        return self.stacked(op)[indices]

    def _stack(self, op: Any, parts: list[Any]) -> Any:
        if not parts:
            known: Sequence[int] | None = self.element_shape
            declared = op.attrs.get("element_shape") if known is None else known
            return np.zeros((0, *(d or 0 for d in declared or ())), self.dtype)
        shapes = [tuple(np.shape(p)) for p in parts]
        if any(s != shapes[0] for s in shapes):
            raise _refusal(
                op,
                self,
                f"TensorArray has inconsistent shapes.  Index 0 has shape: {_shape_text(shapes[0])} but index "
                f"{next(i for i, s in enumerate(shapes) if s != shapes[0])} has shape: "
                f"{_shape_text(next(s for s in shapes if s != shapes[0]))}",
            )
        return _library(parts).stack(parts)

    def scatter(self, op: Any, indices: Any, value: Any) -> ArrayValue:
        """With the rows of `value` at the indices."""
        known = _is_known(indices)
        if known and (not self.adds or self._is_empty()) and np.array_equal(indices, np.arange(self.size)):
            return self._with(None, value)
        if known and not self.adds:
            result = self
            for row, index in enumerate(indices):
                result = result.write(op, np.int64(index), value[row])
            return result
        buffer = jnp.asarray(self.stacked(op, np.shape(value)[1:])).at[indices]
        return self._with(None, buffer.add(value) if self.adds else buffer.set(value))

    def _is_empty(self) -> bool:
        return self.parts is not None and all(p is None for p in self.parts)

    def grown(self, size: int) -> ArrayValue:
        """With room for `size` elements, and no more."""
        parts = list(self.separate())
        return ArrayValue(self.handle.as_dynamic(False), parts + [None] * (size - len(parts)), adds=self.adds)

    def cut(self, length: Any) -> ArrayValue:
        """The first `length` elements of an array that had room for more."""
        handle = self.handle.as_dynamic(True)
        if _is_known(length):
            shorter = self.as_buffer().buffer[: int(length)] if self.parts is None else None
            return ArrayValue(handle, None if self.parts is None else self.parts[: int(length)], shorter, self.adds)
        return ArrayValue(handle, None, self.stacked(), self.adds, length)

    def _settled(self, op: Any) -> ArrayValue:
        if not _is_known(self.length):
            from retrograph.runtime.lower import NeedsConcreteError

            raise NeedsConcreteError(op.inputs[-1])
        return ArrayValue(self.handle, None, self.buffer[: int(self.length)], self.adds)

    def concat(self, op: Any) -> tuple[Any, np.ndarray[Any, Any]]:
        """All elements one after the other, and the length of each."""
        parts = [self._part(op, i) for i in range(self.size)]
        lengths = np.array([np.shape(p)[0] for p in parts], np.int64)
        if self.parts is None:
            rows, width, *rest = self.buffer.shape
            return self.buffer.reshape((rows * width, *rest)), lengths
        if not parts:
            return np.zeros((0, *(self.handle.element_shape or (0,))[1:]), self.dtype), lengths
        return _library(parts).concatenate(parts), lengths

    def split(self, op: Any, value: Any, lengths: Any) -> ArrayValue:
        """With consecutive parts of `value` as its elements."""
        if int(np.sum(lengths)) != np.shape(value)[0]:
            raise _refusal(
                op,
                self,
                "Expected sum of lengths to be equal to values.shape[0], but sum of lengths is "
                f"{int(np.sum(lengths))} and value's shape is: {_shape_text(np.shape(value))} ",
            )
        if self.size != len(lengths) and not self.handle.dynamic:
            raise _refusal(
                op,
                self,
                f"TensorArray's size is not equal to the size of lengths ({self.size} vs. {len(lengths)}), and the "
                "TensorArray is not marked as dynamically resizeable",
            )
        ends = np.cumsum(lengths)
        result = self._with([None] * len(lengths)) if self.handle.dynamic else self
        for i, (end, length) in enumerate(zip(ends, lengths, strict=True)):
            result = result.write(op, np.int64(i), value[int(end - length) : int(end)])
        return result

    def zeros(self) -> ArrayValue:
        """An array of the same form in which a gradient adds up."""
        if self.parts is None:
            return ArrayValue(self.handle, None, jnp.zeros_like(self.buffer), adds=True)
        parts = [None if p is None else np.zeros(np.shape(p), self.dtype) for p in self.parts]
        return ArrayValue(self.handle, parts, adds=True)

    def zeros_like(self) -> ArrayValue:
        """An array of the same form, all zeros."""
        made = self.zeros()
        return ArrayValue(made.handle, made.parts, made.buffer)

    def separate(self) -> tuple[Any, ...]:
        """The elements one by one."""
        return self.parts if self.parts is not None else tuple(self.buffer[i] for i in range(self.size))

    def stacked(self, op: Any = None, shape: Sequence[int] | None = None) -> Any:
        """All elements in one array; `shape` is that of an element if none tells it."""
        if self.parts is None:
            return self.buffer
        known: Any = self.element_shape
        if known is None and any(p is not None for p in self.parts):
            raise _refusal(op, self, "Elements of different shapes cannot be indexed by a value that is not known")
        known = known if known is not None else shape
        if known is None:
            self._missing(op, 0)
        if self._is_empty():
            return jnp.zeros((self.size, *known), self.dtype)
        return jnp.stack([np.zeros(known, self.dtype) if p is None else p for p in self.parts])

    def as_buffer(self, shape: Sequence[int] | None = None) -> ArrayValue:
        """The same contents, stacked."""
        return self if self.parts is None else self._with(None, self.stacked(None, shape))

    def __add__(self, other: ArrayValue) -> ArrayValue:
        if self.parts is not None and other.parts is not None and len(self.parts) == len(other.parts):
            pairs = zip(self.parts, other.parts, strict=True)
            return self._with([a if b is None else b if a is None else a + b for a, b in pairs])
        return self._with(None, self.stacked(None, other.element_shape) + other.stacked(None, self.element_shape))


def _put(buffer: Any, index: int, value: Any, adds: bool) -> Any:
    if isinstance(buffer, np.ndarray) and isinstance(value, (np.ndarray, np.generic)):
        buffer = buffer.copy()
        buffer[index] = buffer[index] + value if adds else value
        return buffer
    at = jnp.asarray(buffer).at[index]
    return at.add(value) if adds else at.set(value)


def _is_known(index: Any) -> bool:
    return isinstance(index, (np.ndarray, np.generic, int))


def _library(values: Sequence[Any]) -> Any:
    return np if all(isinstance(v, (np.ndarray, np.generic)) for v in values) else jnp


def _shape_text(shape: Any) -> str:
    if shape is None:
        return "<unknown>"
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def _refusal(op: Any, array: ArrayValue, text: str) -> errors.OpError:
    return errors.InvalidArgumentError(None, op, f"TensorArray {array.handle.name}: {text}")  # type: ignore[no-any-return]


def _flatten(value: ArrayValue) -> tuple[tuple[Any, ...], Any]:
    if value.parts is None:
        return (value.buffer, value.length), (value.handle, value.adds, None)
    present = tuple(p is not None for p in value.parts)
    return tuple(p for p in value.parts if p is not None), (value.handle, value.adds, present)


def _unflatten(form: Any, leaves: Any) -> ArrayValue:
    handle, adds, present = form
    if present is None:
        return ArrayValue(handle, None, leaves[0], adds, leaves[1])
    rest = iter(leaves)
    return ArrayValue(handle, [next(rest) if p else None for p in present], None, adds)


@cache
def _register() -> None:
    jax.tree_util.register_pytree_node(ArrayValue, _flatten, _unflatten)
