"""Queues as a session holds them: elements, who waits to put some in, who waits to take some out."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.shape import Shape, compatible, to_text
from retrograph.runtime import random as philox
from retrograph.runtime.resources import Waiting
from retrograph.runtime.state import initial_stream

Element = tuple[Any, ...]
STUCK, MOVED, DONE = range(3)


class Attempt:
    """An operation that wants something of a queue: how it goes on, and what became of it."""

    def __init__(self, wanted: int, step: Callable[[Attempt], int], cancelled_text: str):
        self.wanted = wanted
        self.step = step
        self.cancelled_text = cancelled_text
        self.taken: list[Element] = []
        self.error: errors.OpError | None = None
        self.done = False
        self.waiting: Waiting | None = None

    def fail(self, error: errors.OpError) -> int:
        """Ends with an error."""
        self.error = error
        return DONE

    def finish(self) -> None:
        """Lets the operation go on."""
        self.done = True
        if self.waiting is not None:
            self.waiting.finish()


class HostQueue:
    """First in, first out; at most `capacity` elements, each a tuple of arrays.

    Those who put in are served in order, and so are those who take out.
    """

    kind = "FIFOQueue"
    accepts_unknown_sizes = False

    def __init__(self, op: Any, number: int):
        attrs = op._attrs
        shared = attrs.get("shared_name")
        self.name = shared.decode() if shared else f"_{number}_{op._name}"
        self.capacity = attrs["capacity"] if attrs["capacity"] >= 0 else np.inf
        self.dtypes = [t._base for t in self._types_of(op)]
        self.shapes: list[Shape] = self._shapes_of(op)
        self.closed = False
        self._shared_by: set[Any] = set()
        self.elements: Any = deque()
        self._lock = threading.Lock()
        self._putting: deque[Attempt] = deque()
        self._taking: deque[Attempt] = deque()

    @staticmethod
    def _types_of(op: Any) -> list[Any]:
        return list(op._attrs["component_types"])

    @staticmethod
    def _shapes_of(op: Any) -> list[Shape]:
        return [s if s is None else tuple(None if d is None or d < 0 else d for d in s) for s in op._attrs["shapes"]]

    def check_shared(self, op: Any) -> None:
        """InvalidArgumentError if another operation that shares this queue wants a different one."""
        if op in self._shared_by:
            return
        if op._type.removesuffix("V2") != self.kind:
            raise errors.InvalidArgumentError(
                None,
                op,
                f"Shared queue '{self.name}' has type '{self.kind}' that does not match type of Node '{op._name}': {op._type}",
            )
        wanted = op._attrs["capacity"] if op._attrs["capacity"] >= 0 else np.inf
        self._check_same(op, "capacity", self.capacity, "capacity was", wanted)
        mine, theirs = self.dtypes, [t._base for t in self._types_of(op)]
        self._check_same(op, "component types", _types_text(mine), "component types were", _types_text(theirs))
        texts = [_shapes_text(s) for s in (self.shapes, self._shapes_of(op))]
        self._check_same(op, "component shapes", texts[0], "component shapes were", texts[1])
        self._shared_by.add(op)

    def _check_same(self, op: Any, what: str, mine: Any, requested: str, theirs: Any) -> None:
        if mine != theirs:
            text = f"Shared queue '{self.name}' has {what} {_number(mine)} but requested {requested} {_number(theirs)}"
            raise errors.InvalidArgumentError(None, op, text)

    # ---- what operations do

    def put(self, ctx: Any, components: Element) -> None:
        """Adds one element. CancelledError: closed."""
        self._check(components, ())
        self._attempt(
            ctx, self._putting, Attempt(1, self._putter([_own(components)]), "Enqueue operation was cancelled")
        )

    def put_many(self, ctx: Any, components: Element) -> None:
        """Adds the rows of the components, as places get free."""
        self._check(components, components[0].shape[:1])
        owned = _own(components)
        rows = [tuple(c[i, ...] for c in owned) for i in range(len(owned[0]))]
        if rows:
            attempt = Attempt(len(rows), self._putter(rows), "Enqueue operation was cancelled")
            self._attempt(ctx, self._putting, attempt)

    def take(self, ctx: Any) -> Element:
        """Takes one element. OutOfRangeError: closed and empty."""
        attempt = Attempt(1, self._take_one, "Dequeue operation was cancelled")
        self._attempt(ctx, self._taking, attempt)
        return attempt.taken[0]

    def take_many(self, ctx: Any, count: int, less_at_end: bool) -> Element:
        """Takes `count` elements as rows; fewer at the end if `less_at_end`. OutOfRangeError: closed and too few."""
        self._check_batches(less_at_end)
        if count == 0:
            return self.joined([])

        def step(attempt: Attempt) -> int:
            return self._take_some(attempt, less_at_end)

        attempt = Attempt(count, step, "Dequeue operation was cancelled")
        self._attempt(ctx, self._taking, attempt)
        return self.joined(attempt.taken)

    def close(self, ctx: Any, cancel_pending: bool) -> None:
        """Refuses further elements: after those who wait to put some in, or at once, cancelling them."""
        if not cancel_pending:
            self._attempt(ctx, self._putting, Attempt(0, self._close, "Enqueue operation was cancelled"))
            return
        with self._lock:
            self.closed = True
            for attempt in self._putting:
                attempt.error = errors.CancelledError(None, None, attempt.cancelled_text)
                attempt.finish()
            self._putting.clear()
            self._advance()

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self.elements)

    # ---- steps of attempts, under the lock

    def _close(self, attempt: Attempt) -> int:
        if self.closed:
            return attempt.fail(errors.CancelledError(None, None, f"Queue '{self.name}' is already closed."))
        self.closed = True
        return DONE

    def _putter(self, rows: list[Element]) -> Callable[[Attempt], int]:
        left = deque(rows)

        def step(attempt: Attempt) -> int:
            if self.closed:
                return attempt.fail(errors.CancelledError(None, None, f"{self.kind} '{self.name}' is closed."))
            before = len(left)
            while left and len(self.elements) < self.capacity:
                self.add(left.popleft())
            return DONE if not left else MOVED if len(left) < before else STUCK

        return step

    def _take_one(self, attempt: Attempt) -> int:
        if self.closed and not self.elements:
            return attempt.fail(self._too_few(1))
        if self._ready() <= 0:
            return STUCK
        attempt.taken.append(self.remove())
        return DONE

    def _take_some(self, attempt: Attempt, less_at_end: bool) -> int:
        if self.closed and len(self.elements) < attempt.wanted - len(attempt.taken):
            missing, size = attempt.wanted - len(attempt.taken), len(self.elements)
            self.put_back(attempt.taken)
            attempt.taken = []
            if not (less_at_end and self.elements):
                return MOVED if less_at_end and self._putting else attempt.fail(self._too_few(missing, size))
            attempt.wanted = len(self.elements)
        moved = STUCK
        while self._ready() > 0 and len(attempt.taken) < attempt.wanted:
            attempt.taken.append(self.remove())
            moved = MOVED
        return DONE if len(attempt.taken) == attempt.wanted else moved

    def _too_few(self, wanted: int, size: int | None = None) -> errors.OpError:
        text = f"{self.kind} '{self.name}' is closed and has insufficient elements (requested {wanted}, current size {len(self.elements) if size is None else size})"
        return errors.OutOfRangeError(None, None, text)  # type: ignore[no-any-return]

    # ---- how elements are kept

    def _ready(self) -> int:
        return len(self.elements)

    def add(self, element: Element) -> None:
        """Adds one element."""
        self.elements.append(element)

    def remove(self) -> Element:
        """Takes the next element."""
        found: Element = self.elements.popleft()
        return found

    def put_back(self, elements: list[Element]) -> None:
        """Adds elements that were taken, where they were."""
        self.elements.extendleft(reversed(elements))

    def joined(self, rows: list[Element]) -> Element:
        """Elements as rows of one array each component."""
        if not rows:
            return tuple(
                np.zeros((0, *(d or 0 for d in s or ())), _numpy_type(t))
                for t, s in zip(self.dtypes, self.shapes, strict=True)
            )
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    # ---- attempts

    def _attempt(self, ctx: Any, line: deque[Attempt], attempt: Attempt) -> None:
        with self._lock:
            line.append(attempt)
            self._advance()
            if not attempt.done:
                attempt.waiting = Waiting(lambda: self._cancel(line, attempt))
        if attempt.waiting is not None:
            ctx.wait(attempt.waiting)
        if attempt.error is not None:
            raise attempt.error

    def _cancel(self, line: deque[Attempt], attempt: Attempt) -> bool:
        with self._lock:
            if attempt.done:
                return False
            line.remove(attempt)
            if attempt.taken:
                self.put_back(attempt.taken)
            attempt.error = errors.CancelledError(None, None, attempt.cancelled_text)
            attempt.finish()
            self._advance()
        return True

    def _advance(self) -> None:
        while _served(self._putting) | _served(self._taking):
            pass

    # ---- checks

    def _check(self, components: Element, rows: tuple[int, ...]) -> None:
        if len(components) != len(self.dtypes):
            text = f"Wrong number of components in tuple. Expected {len(self.dtypes)}, got {len(components)}"
            raise errors.InvalidArgumentError(None, None, text)
        for i, component in enumerate(components):
            if rows and self.shapes == [] and component.shape[:1] != rows:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    "All input tensors must have the same size in the 0th dimension. Component "
                    f"{i} has {component.shape[0]}, and should have {rows[0]}",
                )
            self._check_shape(i, component, rows)

    def _check_shape(self, index: int, component: Any, rows: tuple[int, ...]) -> None:
        if not self.shapes or self.shapes[index] is None:
            return
        wanted = (*rows, *(self.shapes[index] or ()))
        if not compatible(wanted, component.shape):
            text = (
                f"Shape mismatch in tuple component {index}. Expected {to_text(wanted)}, got {to_text(component.shape)}"
            )
            raise errors.InvalidArgumentError(None, None, text)

    def _check_batches(self, less_at_end: bool) -> None:
        if not self.shapes:
            text = f"{self.kind}'s DequeueMany and DequeueUpTo require the components to have specified shapes."
            raise errors.InvalidArgumentError(None, None, text)


class HostPaddingQueue(HostQueue):
    """A queue whose elements may have different sizes; rows taken together are padded with zeros to the largest."""

    kind = "PaddingFIFOQueue"

    def __init__(self, op: Any, number: int):
        super().__init__(op, number)
        if len(self.shapes) != len(self.dtypes):
            text = f"Shapes must be provided for all components, but received {len(self.dtypes)} dtypes and {len(self.shapes)} shapes."
            raise errors.InvalidArgumentError(None, op, text)

    def joined(self, rows: list[Element]) -> Element:
        """Elements as rows, padded."""
        if not rows:
            return super().joined(rows)
        columns = zip(*rows, strict=True)
        return tuple(
            np.stack(c) if s is not None and None not in s else _padded(c)
            for c, s in zip(columns, self.shapes, strict=True)
        )


class HostShuffleQueue(HostQueue):
    """A queue that gives a random element of at least `min_after_dequeue` + 1."""

    kind = "RandomShuffleQueue"

    def __init__(self, op: Any, number: int):
        super().__init__(op, number)
        self.least = op._attrs["min_after_dequeue"]
        self._seeds = (op._attrs["seed"], op._attrs["seed2"])
        if self.capacity <= self.least and self.capacity != np.inf:
            text = f"min_after_dequeue {self.least} must be < capacity {_number(self.capacity)}"
            raise errors.InvalidArgumentError(None, op, text)
        self.elements = []
        self._stream = initial_stream(op)
        self._words: list[int] = []

    def check_shared(self, op: Any) -> None:
        """InvalidArgumentError if another operation that shares this queue wants a different one."""
        known = op in self._shared_by
        super().check_shared(op)
        if known:
            return
        self._shared_by.discard(op)
        least, seeds = op._attrs["min_after_dequeue"], (op._attrs["seed"], op._attrs["seed2"])
        self._check_same(op, "min_after_dequeue", self.least, "min_after_dequeue was", least)
        if seeds not in (self._seeds, (0, 0)):
            text = f"Shared queue '{self.name}' has random seeds {self._seeds} but requested seeds are {seeds}"
            raise errors.InvalidArgumentError(None, op, text)
        self._shared_by.add(op)

    def _ready(self) -> int:
        return len(self.elements) - (0 if self.closed else self.least)

    def _drawn(self) -> int:
        if not self._words:
            self._words = philox.words(self._stream, 256).tolist()[::-1]
            self._stream = philox.skip(self._stream, 64)
        return self._words.pop()

    def remove(self) -> Element:
        """Takes an element at random; the last one takes its place."""
        index = self._drawn() % len(self.elements)
        self.elements[index], last = self.elements[-1], self.elements[index]
        self.elements.pop()
        found: Element = last
        return found

    def put_back(self, elements: list[Element]) -> None:
        """Adds elements that were taken."""
        self.elements.extend(reversed(elements))


class HostPriorityQueue(HostQueue):
    """A queue that gives the element of the smallest first component; of equal ones the one that came first."""

    kind = "PriorityQueue"

    def __init__(self, op: Any, number: int):
        super().__init__(op, number)
        self.elements = []
        self._order = itertools.count()

    @staticmethod
    def _types_of(op: Any) -> list[Any]:
        from retrograph.framework.dtypes import int64

        return [int64, *op._attrs["component_types"]]

    @staticmethod
    def _shapes_of(op: Any) -> list[Shape]:
        shapes = HostQueue._shapes_of(op)
        return [(), *shapes] if shapes or not op._attrs["component_types"] else []

    def add(self, element: Element) -> None:
        """Adds one element."""
        heapq.heappush(self.elements, (int(element[0]), next(self._order), element))

    def remove(self) -> Element:
        """Takes the element of the smallest priority."""
        found: Element = heapq.heappop(self.elements)[2]
        return found

    def put_back(self, elements: list[Element]) -> None:
        """Adds elements that were taken."""
        for element in elements:
            self.add(element)

    def _take_some(self, attempt: Attempt, less_at_end: bool) -> int:
        size = len(self.elements)
        if self.closed and (size == 0 or (not less_at_end and size < attempt.wanted)):
            return attempt.fail(self._too_few(attempt.wanted))
        if size < attempt.wanted:
            if not (self.closed and less_at_end):
                return STUCK
            attempt.wanted = size
        attempt.taken = [self.remove() for _ in range(attempt.wanted)]
        return DONE

    def _check(self, components: Element, rows: tuple[int, ...]) -> None:
        super()._check(components, rows)
        shape = components[0].shape[len(rows) :]
        if shape:
            text = f"Expected the priority element to be a scalar, but received shape: {to_text(shape)}"
            raise errors.InvalidArgumentError(None, None, text)

    def _check_batches(self, less_at_end: bool) -> None:
        if not self.shapes:
            text = "PriorityQueue's DequeueMany requires the components to have specified shapes."
            raise errors.InvalidArgumentError(None, None, text)


def _served(line: deque[Attempt]) -> bool:
    moved = False
    while line:
        outcome = line[0].step(line[0])
        if outcome != DONE:
            return moved or outcome == MOVED
        moved = True
        line.popleft().finish()
    return moved


def _own(components: Element) -> Element:
    # A fed array is the program's, which may change it.
    return tuple(np.array(c) for c in components)


def _numpy_type(dtype: Any) -> Any:
    return object if dtype.name == "string" else dtype.as_numpy_dtype


def _padded(values: tuple[Any, ...]) -> Any:
    sizes = np.max([v.shape for v in values], axis=0) if values[0].ndim else ()
    result = np.zeros((len(values), *sizes), values[0].dtype)
    if result.dtype == object:
        result[...] = b""
    for index, value in enumerate(values):
        place: Any = (index, *(slice(n) for n in value.shape))
        result[place] = value
    return result


def _number(value: Any) -> Any:
    return 2**31 - 1 if value == np.inf else value


def _types_text(types: list[Any]) -> str:
    names = {"float32": "float", "float64": "double", "float16": "half"}
    return ", ".join(names.get(t.name, t.name) for t in types)


def _shapes_text(shapes: list[Shape]) -> str:
    return f"[{', '.join(to_text(s) for s in shapes)}]"
