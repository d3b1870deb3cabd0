"""Resources of a session beside its variables (queues, readers), and waiting that a session can end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from retrograph.framework import errors

_T = TypeVar("_T")


class Resources:
    """Objects by key, each made at most once, whatever thread asks first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        with self._lock:
            return self._objects[key]

    def find_or_make(self, key: Any, make: Callable[[int], _T]) -> _T:
        """The object of a key, made now if there is none: by `make`, given how many there are."""
        with self._lock:
            if key not in self._objects:
                self._objects[key] = make(len(self._objects))
            found: _T = self._objects[key]
            return found

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._objects.clear()


class WouldWaitError(Exception):
    """An operation has to wait for others, which may be operations of the same run."""


class Waiting:
    """One operation's wait for other threads: ends when `finish` or `cancel` is called, or at a deadline."""

    __slots__ = ("_cancel", "_done")

    def __init__(self, cancel: Callable[[], bool]):
        self._done = threading.Event()
        self._cancel = cancel

    def finish(self) -> None:
        """Lets the waiting thread go on."""
        self._done.set()

    def cancel(self) -> bool:
        """Ends the wait as its maker wants it; False if it had ended."""
        return self._cancel()

    def until(self, deadline: float | None) -> bool:
        """Waits; False if the deadline (of `time.monotonic`) passed before."""
        return self._done.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))


class Waits:
    """The waits that operations of a session are in, so that closing it ends them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: set[Waiting] = set()
        self._closed = False
        self._local = threading.local()

    @contextmanager
    def limited(self, milliseconds: int) -> Iterator[None]:
        """Inside the block this thread's operations may wait so long."""
        before = getattr(self._local, "deadline", None)
        self._local.deadline = time.monotonic() + milliseconds / 1000
        try:
            yield
        finally:
            self._local.deadline = before

    @contextmanager
    def refused(self, refused: bool) -> Iterator[None]:
        """Inside the block this thread's operations that would have to wait raise WouldWaitError instead, if so said."""
        self._local.refused = refused
        try:
            yield
        finally:
            self._local.refused = False

    def wait(self, waiting: Waiting) -> None:
        """Waits for `waiting`; however it ends early (the session closes, Ctrl-C), it is cancelled.

        Raises: DeadlineExceededError; WouldWaitError if waiting is refused now.
        """
        if getattr(self._local, "refused", False):
            if waiting.cancel():
                raise WouldWaitError
            return
        with self._lock:
            closed = self._closed
            if not closed:
                self._current.add(waiting)
        try:
            if closed:
                waiting.cancel()
            in_time = waiting.until(getattr(self._local, "deadline", None))
        except BaseException:
            waiting.cancel()
            raise
        finally:
            with self._lock:
                self._current.discard(waiting)
        if not in_time and waiting.cancel():
            raise errors.DeadlineExceededError(None, None, "Timed out waiting for notification")

    def close(self) -> None:
        """Cancels all waits, and those that are tried later."""
        with self._lock:
            self._closed = True
            current = list(self._current)
        for waiting in current:
            waiting.cancel()


def run_in_turn(steps: Iterable[Any], waits: Waits, run: Callable[[Any], None]) -> None:
    """Runs steps in order, but those that have to wait after those that need not.

    Steps have `waits`, `ops` and `sources` (the operations that must have run before).
    """
    left: deque[Any] = deque(steps)
    delayed: list[Any] = []
    behind: set[Any] = set()
    may_wait = False
    while left or delayed:
        if not left:  # nothing else can go on now
            left, delayed, behind, may_wait = deque(delayed), [], set(), True
        step = left.popleft()
        if behind and not behind.isdisjoint(step.sources):
            ready = False
        elif step.waits:
            ready = _ran(step, waits, run, refused=bool(left) and not may_wait)
            may_wait = False
        else:
            run(step)
            ready = True
        if not ready:
            delayed.append(step)
            behind.update(step.ops)


def _ran(step: Any, waits: Waits, run: Callable[[Any], None], refused: bool) -> bool:
    try:
        with waits.refused(refused):
            run(step)
    except WouldWaitError:
        return False
    return True
