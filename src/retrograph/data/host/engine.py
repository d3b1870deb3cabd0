"""What all datasets and iterators share while they run.

An element is a tuple of NumPy arrays; a variant is a 0-d object array of what it holds. An iterator gives elements until
`None`, which says that there are no more. After an error it goes on with what follows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape_rules import scalar
from retrograph.runtime import random as philox

Element = tuple[Any, ...]
INFINITE, UNKNOWN = -1, -2


class Words:
    """The random 32-bit numbers of two seeds, one after another."""

    def __init__(self, seed: int, seed2: int):
        self._state = philox.initial_state(seed, seed2)
        self._ready: list[int] = []
        self._size = 64

    def _refill(self, wanted: int) -> None:
        count = max(self._size, 4 * -(-wanted // 4))
        self._size = min(4 * self._size, 4096)
        self._ready = philox.words(self._state, count).tolist()[::-1] + []
        self._state = philox.skip(self._state, count // 4)

    def next(self) -> int:
        """The next number."""
        if not self._ready:
            self._refill(1)
        return self._ready.pop()


class Root:
    """What the iterators of one initialization share: the session, random seeds, and functions as they stand."""

    def __init__(self, session: Any):
        self.session = session
        self._lock = threading.RLock()
        self._objects: dict[Any, Any] = {}

    def shared(self, key: Any, make: Callable[[], Any]) -> Any:
        """The object of a key, made now if there is none."""
        with self._lock:
            if key not in self._objects:
                self._objects[key] = make()
            return self._objects[key]

    @property
    def closed(self) -> bool:
        """Whether the session is closed."""
        return bool(self.session._closed)


class HostIterator:
    """Gives elements."""

    def get_next(self) -> Element | None:
        """The next element; None at the end."""
        raise NotImplementedError

    def get_many(self, count: int) -> list[Any]:
        """The next elements; fewer only at the end."""
        found: list[Any] = []
        get_next = self.get_next
        while len(found) < count:
            element = get_next()
            if element is None:
                break
            found.append(element)
        return found


class HostDataset:
    """A dataset with its inputs; `types` and `shapes` are those of the tensors of an element."""

    inputs: tuple[HostDataset, ...] = ()
    type_string = "Dataset"
    reorders = False
    """Whether elements are those of the input, in another order or number, and never looked into."""

    def __init__(self, op: Any, *inputs: HostDataset):
        self.op, self.inputs = op, inputs
        self.types, self.shapes = _described(op)

    def iterator(self, root: Root, prefix: str, rows: bool = False) -> HostIterator:
        """A new iterator. With `rows` it gives the places of elements in `base()` instead of elements."""
        return self.make(root, f"{prefix}::{self.type_string}", rows)

    def make(self, root: Root, prefix: str, rows: bool) -> HostIterator:
        """A new iterator; `prefix` names it among those of one initialization."""
        raise NotImplementedError

    def base(self) -> Element | None:
        """Arrays whose rows are the elements, if there are such."""
        return self.inputs[0].base() if self.reorders else None

    def cardinality(self) -> int:
        """How many elements there are; INFINITE or UNKNOWN."""
        return self.inputs[0].cardinality() if self.reorders else UNKNOWN


def _described(op: Any) -> tuple[list[Any], list[Any]]:
    attrs = op._attrs
    types = attrs.get("output_types") or attrs.get("Toutput_types")
    if types is None:
        return [], []
    return [t._base for t in types], list(attrs.get("output_shapes") or [None] * len(types))


# ---- operations


def boxed(dataset: Any) -> Any:
    """A variant."""
    box = np.empty((), object)
    box[()] = dataset
    return box


def unboxed(value: Any) -> Any:
    """What a variant holds."""
    return value.item() if isinstance(value, np.ndarray) else value


def integer(value: Any) -> int:
    """An integer argument."""
    return int(np.asarray(value).reshape(-1)[0]) if np.ndim(value) else int(value)


def invalid(text: str, op: Any = None) -> errors.OpError:
    """An InvalidArgumentError."""
    return errors.InvalidArgumentError(None, op, text)  # type: ignore[no-any-return]


def dataset_row(*op_types: str, waits: bool = False) -> Callable[[Any], Any]:
    """Registers operations that make a dataset: by `make(op, ctx, *inputs)`, where variants are what they hold."""

    def register(make: Callable[..., Any]) -> Callable[..., Any]:
        def run(op: Any, ctx: Any, *inputs: Any) -> Any:
            return boxed(make(op, ctx, *(unboxed(v) if _is_variant(v) else v for v in inputs)))

        for op_type in op_types:
            register_op(op_type, shape=scalar, numpy=run, host=True, effect=True, waits=waits, gradient=NO_GRADIENT)
        return make

    return register


def _is_variant(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype == object
        and value.ndim == 0
        and isinstance(value.item(), HostDataset)
    )


def unary_row(*op_types: str) -> Callable[[Any], Any]:
    """Registers operations whose dataset is of a class that is made of (op, input dataset, other inputs)."""

    def register(cls: Any) -> Any:
        def make(op: Any, ctx: Any, *inputs: Any) -> Any:
            return cls(op, *inputs)

        dataset_row(*op_types)(make)
        return cls

    return register


def multiplied(cardinality: int, count: int) -> int:
    """The cardinality of so many repetitions."""
    if count == 0 or cardinality == 0:
        return 0
    if count < 0 or cardinality == INFINITE:
        return INFINITE
    return UNKNOWN if cardinality == UNKNOWN else cardinality * count
