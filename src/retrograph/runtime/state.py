"""The state of a session: the values of variables and of random streams, and how operations reach them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.operation import Operation
from retrograph.runtime import random

HANDLE_TYPES = frozenset(("VariableV2", "Variable", "TemporaryVariable", "VarHandleOp"))
READ_ONLY_TYPES = frozenset(
    ("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp", "IsVariableInitialized", "VariableShape", "Identity", "Enter", "RefEnter", "Switch", "RefSwitch")
)  # fmt: skip


class Ref:
    """What a reference or resource handle is while a plan runs: the key of a cell of state.

    `moving` is set while a derivative is taken: what is read through this reference moves as that array does.
    """

    __slots__ = ("key", "moving", "op")

    def __init__(self, op: Operation, moving: Any = None):
        self.op = op
        self.key = cell_key(op)
        self.moving = moving

    def __repr__(self) -> str:
        return f"<Ref {self.key}>"


def cell_key(op: Operation) -> Any:
    """The key of the cell that a variable operation names; equal shared names share a cell."""
    shared = op._attrs.get("shared_name")
    return shared.decode() if shared else op._name


class UninitializedError(Exception):
    """A cell was read that holds nothing; `ref` says which."""

    def __init__(self, ref: Ref):
        super().__init__(ref.key)
        self.ref = ref


class UnwrittenElementError(errors.InvalidArgumentError):  # type: ignore[misc]
    """An element is read that nothing wrote, of a shape that is not known: perhaps in a branch that is not taken at all."""


class StateContext:
    """What operations with effects see: cells that can be read and written, and random streams.

    `cells` maps keys to arrays (NumPy or traced); what `write` puts there is also noted in `written`.
    """

    xp: Any = None

    def __init__(self, cells: dict[Any, Any]):
        self.cells = cells
        self.written: set[Any] = set()

    def read(self, ref: Ref) -> Any:
        """The value of a variable; UninitializedError if it has none."""
        try:
            return self.cells[ref.key]
        except KeyError:
            raise UninitializedError(ref) from None

    def write(self, ref: Ref, value: Any) -> None:
        """Sets the value of a variable."""
        self.cells[ref.key] = value
        self.written.add(ref.key)

    def is_initialized(self, ref: Ref) -> bool:
        """Whether a variable has a value."""
        return ref.key in self.cells

    def delete(self, ref: Ref) -> None:
        """Takes the value of a variable away."""
        self.cells.pop(ref.key, None)
        self.written.add(ref.key)

    def random(self, op: Operation, blocks: Any) -> Any:
        """The stream state of a random operation for this execution: u32[6]; the stream moves on by `blocks`."""
        state = self.cells[op]
        self.cells[op] = random.skip(state, blocks)
        self.written.add(op)
        return state


class HostContext(StateContext):
    """Effects on NumPy values: writes are kept apart until `commit`, so that a failed run changes nothing."""

    xp = np

    def __init__(self, session: Any, uncopied: bool = False, stateless: bool = False):
        super().__init__({} if stateless else dict(session._cells))
        # The session is locked for as long as values are looked at, and nothing hands them on.
        self._uncopied = uncopied
        self.home: dict[Any, Any] = session._cells
        self.session = session

    @property
    def resources(self) -> Any:
        """The session's objects beside variables."""
        return self.session._resources

    def wait(self, waiting: Any) -> None:
        """Waits for other threads, as long as the session is open."""
        self.session._waits.wait(waiting)

    def read(self, ref: Ref) -> Any:
        """The value of a variable as a NumPy array."""
        value = super().read(ref)
        if not isinstance(value, np.ndarray):
            value = self.cells[ref.key] = self._taken(ref, value)
        return value

    def _taken(self, ref: Ref, value: Any) -> Any:
        if self._uncopied:
            return np.asarray(value)
        # Another thread's run may have given this buffer away since, and put a new one in its place.
        with self.session._lock:
            return np.array(self.home.get(ref.key, value) if ref.key not in self.written else value)

    def random(self, op: Operation, blocks: Any) -> Any:
        """The stream state of a random operation for this execution."""
        if op not in self.cells:
            self.cells[op] = initial_stream(op)
        self.cells[op] = np.asarray(self.cells[op])
        return super().random(op, blocks)

    def commit(self, given: frozenset[int]) -> None:
        """Puts what was written where the session keeps it; arrays of the caller's (their ids in `given`) are copied."""
        for key in self.written:
            if key not in self.cells:
                self.home.pop(key, None)
                continue
            value = self.cells[key]
            if isinstance(value, (np.ndarray, np.generic)):
                value = np.asarray(value)
                if id(value) in given or value.base is not None or not value.flags.writeable or not value.flags.owndata:
                    value = value.copy()
            self.home[key] = value


class TraceContext(StateContext):
    """Effects while a segment is traced: cells hold traced values, a functional state.

    In a derivative (`is_still`) no gradient goes through what cells hold: it goes to the references that are read.
    """

    is_still = False

    def __init__(self, cells: dict[Any, Any]):
        super().__init__(cells)
        self.xp = jnp
        self.checks: list[tuple[Operation, Any, Any]] = []

    def read(self, ref: Ref) -> Any:
        """The value of a variable."""
        value = super().read(ref)
        return value if ref.moving is None else _moving_as(value, ref.moving)

    def write(self, ref: Ref, value: Any) -> None:
        """Sets the value of a variable."""
        super().write(ref, lax.stop_gradient(value) if self.is_still else value)


def _moving_as(value: Any, other: Any) -> Any:
    """`value`, with the derivative that `other` has."""
    if np.shape(value) != other.shape:
        return value

    first = jax.custom_jvp(lambda value, other: value)
    first.defjvp(lambda primals, tangents: (primals[0], tangents[1]))
    return first(value, other)


def initial_stream(op: Operation) -> np.ndarray[Any, Any]:
    """Where the stream of a random operation starts in a new session: by its seeds, or anywhere if it has none."""
    seed, seed2 = op._attrs.get("seed", 0), op._attrs.get("seed2", 0)
    if seed == 0 and seed2 == 0:
        seed, seed2 = (int.from_bytes(os.urandom(7), "little") for _ in range(2))
    return random.initial_state(seed, seed2)
