"""`Coordinator`: lets threads stop together, and tells the first error of any of them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.platform import logging

_ExcInfo = tuple[Any, Any, TracebackType | None]


def _reraise(info: Any) -> None:
    raise info[1].with_traceback(info[2])


@export("train.Coordinator")
class Coordinator:
    """Lets threads stop together: each asks `should_stop`, any may `request_stop`, `join` waits for all.

    >>> coord = tf.train.Coordinator()
    >>> coord.request_stop()
    >>> coord.should_stop()
    True

    Exceptions of `clean_stop_exception_types` (OutOfRangeError: the input is at its end) stop without being an error.
    Source: TF 1.15 `tf.train.Coordinator`.
    """

    def __init__(self, clean_stop_exception_types: Any = None):
        self._clean_stop_exception_types = tuple(clean_stop_exception_types or (errors.OutOfRangeError,))
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._exc_info_to_raise: Any = None
        self._joined = False
        self._registered_threads: set[threading.Thread] = set()

    def _unless_clean(self, ex: Any) -> Any:
        error = ex[1] if isinstance(ex, tuple) else ex
        return None if isinstance(error, self._clean_stop_exception_types) else ex

    def request_stop(self, ex: Any = None) -> None:
        """Asks all to stop; the first exception given (or a tuple as of `sys.exc_info`) is raised by `join`.

        After `join` an exception is raised here. Source: TF 1.15 `tf.train.Coordinator.request_stop`.
        """
        with self._lock:
            ex = self._unless_clean(ex)
            if self._joined and ex is not None:
                _reraise(ex if isinstance(ex, tuple) else sys.exc_info())
            if self._stop_event.is_set():
                return
            if ex and self._exc_info_to_raise is None:
                self._exc_info_to_raise = _reported(ex)
            self._stop_event.set()

    def clear_stop(self) -> None:
        """Forgets that a stop was asked for, and its error. Source: TF 1.15 `tf.train.Coordinator.clear_stop`."""
        with self._lock:
            self._joined = False
            self._exc_info_to_raise = None
            self._stop_event.clear()

    def should_stop(self) -> bool:
        """Whether a stop was asked for. Source: TF 1.15 `tf.train.Coordinator.should_stop`."""
        return self._stop_event.is_set()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """A block whose exception asks for a stop; the block ends quietly.

        Source: TF 1.15 `tf.train.Coordinator.stop_on_exception`.
        """
        try:
            yield
        except BaseException:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for; False if the seconds passed first.

        Source: TF 1.15 `tf.train.Coordinator.wait_for_stop`.
        """
        return self._stop_event.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread that `join` waits for. Source: TF 1.15 `tf.train.Coordinator.register_thread`."""
        with self._lock:
            self._registered_threads.add(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until the threads end; after a stop is asked for, at most `stop_grace_period_secs`.

        Raises: the exception that a thread reported. RuntimeError: threads still run.
        Source: TF 1.15 `tf.train.Coordinator.join`.
        """
        with self._lock:
            waited = list(self._registered_threads | set(threads or ()))
        while any(t.is_alive() for t in waited) and not self.wait_for_stop(0.02 if _few(waited) else 1.0):
            pass
        _wait_for(waited, stop_grace_period_secs)
        stragglers = [t.name for t in waited if t.is_alive()]
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            if self._exc_info_to_raise:
                _reraise(self._exc_info_to_raise)
            if stragglers:
                text = f"Coordinator stopped with threads still running: {' '.join(stragglers)}"
                if not ignore_live_threads:
                    raise RuntimeError(text)
                logging.info(text)

    @property
    def joined(self) -> bool:
        """Whether `join` has ended."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the exception that was reported, if one was.

        Source: TF 1.15 `tf.train.Coordinator.raise_requested_exception`.
        """
        with self._lock:
            if self._exc_info_to_raise:
                _reraise(self._exc_info_to_raise)


def _few(threads: Sequence[threading.Thread]) -> bool:
    return len(threads) < 64


def _wait_for(threads: Sequence[threading.Thread], seconds: float) -> None:
    until = time.monotonic() + seconds
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, until - time.monotonic()))


def _reported(ex: Any) -> _ExcInfo:
    """The exception as `sys.exc_info` has it; a ValueError if that is not what was given."""
    error = ex[1] if isinstance(ex, tuple) and len(ex) > 1 else ex
    logging.info("Error reported to Coordinator: %s, %s", type(error), error)
    info: Any = ex if isinstance(ex, tuple) else sys.exc_info()
    if not isinstance(ex, tuple) and isinstance(ex, BaseException) and ex.__traceback__ is not None:
        info = (type(ex), ex, ex.__traceback__)
    if len(info) == 3 and info[0] and info[1]:
        return info  # type: ignore[no-any-return]
    try:
        raise ValueError(f"ex must be a tuple or sys.exc_info must return the current exception: {info}")
    except ValueError:
        return sys.exc_info()


@export("train.LooperThread")
class LooperThread(threading.Thread):
    """A thread that calls something again and again until its coordinator stops: every `timer_interval_secs`, or at once.

    Raises: ValueError: `coord` is not a coordinator, or arguments without a target.
    Source: TF 1.15 `tf.train.LooperThread`.
    """

    def __init__(
        self, coord: Any, timer_interval_secs: float | None, target: Callable[..., Any] | None = None, args: Any = None,
        kwargs: Any = None,
    ):  # fmt: skip
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__()
        self.daemon = True
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        self._target = target
        if target:
            self._args, self._kwargs = args or (), kwargs or {}
        elif args or kwargs:
            raise ValueError("'args' and 'kwargs' argument require that you also pass 'target'")
        self._coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Any, timer_interval_secs: float | None, target: Any, args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """Makes such a thread and starts it. Source: TF 1.15 `tf.train.LooperThread.loop`."""
        looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """What the thread does."""
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                self._run_timed(self._timer_interval_secs)
            self.stop_loop()

    def _run_timed(self, interval: float) -> None:
        due = time.time()
        while not self._coord.wait_for_stop(due - time.time()):
            due += interval
            self.run_loop()

    def start_loop(self) -> None:
        """Called once before the first round."""

    def stop_loop(self) -> None:
        """Called once after the last round."""

    def run_loop(self) -> None:
        """One round: calls the target."""
        if self._target:
            self._target(*self._args, **self._kwargs)
