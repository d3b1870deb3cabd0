"""Values taken apart into arrays and what is known while tracing: what conds and loops hand in and out of traced parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import imported, jax, jnp
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import Evaluator, reader_of, uninitialized_error
from retrograph.runtime.state import Ref, StateContext, TraceContext, UninitializedError

_KNOWN = (np.ndarray, np.generic, bool)


class Out:
    """Stands for an array that a traced function gives."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Slot:
    """One value as a tree whose leaves are `Out` or things known while tracing."""

    __slots__ = ("leaves", "tree")

    def __init__(self, leaves: list[Any], tree: Any) -> None:
        self.leaves, self.tree = leaves, tree


class Collector:
    """Takes values apart into arrays, which a traced function returns, and slots, which it leaves behind."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []

    def slot(self, value: Any) -> Slot:
        leaves, tree = jax.tree_util.tree_flatten(tidy(value))
        return Slot([self._leaf(leaf) for leaf in leaves], tree)

    def _leaf(self, leaf: Any) -> Any:
        if not is_traced(leaf):
            return leaf
        self.arrays.append(leaf)
        return Out(len(self.arrays) - 1)


def tidy(value: Any) -> Any:
    """A TensorArray's contents in the form that can be carried, if that is possible."""
    if getattr(value, "is_flow", False) and value.element_shape is not None:
        return value.as_buffer()
    return value


class Traced:
    """A function traced once: calling it again only replays it."""

    def __init__(self, function: Callable[..., tuple[list[Any], Any]], *arguments: Any) -> None:
        self.rest: Any = None

        def arrays(*values: Any) -> list[Any]:
            results, self.rest = function(*values)
            return results

        closed = jax.make_jaxpr(arrays)(*arguments)
        self.avals = closed.out_avals
        self.call: Callable[..., list[Any]] = _core().jaxpr_as_fun(closed)


def _core() -> Any:
    return imported("jax.extend.core")


def array_of(leaf: Any, outputs: Sequence[Any], dtype: Any) -> Any:
    value = outputs[leaf.index] if isinstance(leaf, Out) else leaf
    return jnp.asarray(value, dtype)


def rebuilt(slot: Slot, arrays: Sequence[Any]) -> Any:
    leaves = [arrays[leaf.index] if isinstance(leaf, Out) else leaf for leaf in slot.leaves]
    return jax.tree_util.tree_unflatten(slot.tree, leaves)


def slot_outside(collector: Collector, value: Any) -> Slot:
    """A value that is there outside the traced parts."""
    leaves, tree = jax.tree_util.tree_flatten(tidy(value))
    return Slot(leaves, tree)


def evaluator_inside(evaluator: Evaluator, outside: Iterable[Tensor]) -> Evaluator:
    """An evaluator for a traced part: it sees what is outside, and writes to cells of its own."""
    env = {t: evaluator.env[t] for t in outside if t in evaluator.env}
    return evaluator.inside(TraceContext(dict(evaluator.context.cells)), env, host=False)


def is_same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if a.__class__ is Ref and b.__class__ is Ref:
        return bool(a.key == b.key)
    if not (is_known(a) and is_known(b)):
        return False
    x, y = np.asarray(a), np.asarray(b)
    return x.shape == y.shape and x.dtype == y.dtype and x.size <= 64 and bool(np.array_equal(x, y))


def is_known(value: Any) -> bool:
    return isinstance(value, _KNOWN)


def is_traced(value: Any) -> bool:
    return isinstance(value, jax.Array)


def can_carry(leaf: Any) -> bool:
    return is_traced(leaf) or (is_known(leaf) and np.asarray(leaf).dtype != object)


def as_declared(context: StateContext, tensor: Tensor, value: Any) -> Any:
    """A reference as its value where the tensor is none."""
    if value.__class__ is not Ref or tensor._dtype._is_ref or tensor._dtype._base.name == "resource":
        return value
    try:
        return context.read(value)
    except UninitializedError:
        source = tensor._op._inputs[0]
        raise uninitialized_error(reader_of(source) or tensor._op, value) from None


def set_merge(evaluator: Evaluator, merge: Operation, index: Any, value: Any) -> None:
    evaluator.env[merge._outputs[0]] = as_declared(evaluator.context, merge._outputs[0], value)
    evaluator.env[merge._outputs[1]] = np.array(index, np.int32) if isinstance(index, int) else index


def taken_from_outside(ops: Iterable[Operation]) -> list[Tensor]:
    """The tensors that the operations take and do not make."""
    ops = list(ops)
    made = set(ops)
    return list(dict.fromkeys(t for op in ops for t in op._inputs if t._op not in made))


def stream_starts(ops: Iterable[Operation]) -> list[Any]:
    return [("start", op) for op in ops if "seed2" in op._attrs]
