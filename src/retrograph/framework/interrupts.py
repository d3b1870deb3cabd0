"""Signals held back while something must not be left half done."""

from __future__ import annotations

import signal
import threading
from typing import Any

# The wrappers in `signal` make enumerations of what they give: ten times the time, at each step of a training loop.
_signal = getattr(signal, "_signal", signal)
_set_handler, _handler_of = _signal.signal, _signal.getsignal

_MAIN_THREAD = threading.main_thread().ident
_NAMES = ("SIGINT", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGHUP")
_USUAL = tuple(int(getattr(signal, name)) for name in _NAMES if hasattr(signal, name))


class InterruptsDeferred:
    """Holds back what handlers in Python do (Ctrl-C, time limits, notices of the end) until the block has ended.

    Such a handler may raise between any two instructions, as that of Ctrl-C does. Only the main thread runs them.
    """

    __slots__ = ("_held", "_pending")

    def __enter__(self) -> None:
        self._held: list[tuple[int, Any]] = []
        self._pending: list[int] = []
        if threading.get_ident() != _MAIN_THREAD:
            return
        try:
            for number in _USUAL:
                handler = _handler_of(number)
                # Others are numbers, or None if not installed from Python: that could not be put back.
                if callable(handler):
                    self._held.append((number, handler))
                    _set_handler(number, self._note)
        except BaseException:
            self.__exit__()
            raise

    def _note(self, number: int, frame: Any) -> None:
        self._pending.append(number)

    def __exit__(self, *exc: object) -> None:
        try:
            for number, handler in self._held:
                _set_handler(number, handler)
            self._held = []
            while self._pending:
                signal.raise_signal(self._pending.pop(0))
        finally:
            # A handler that is back already may have raised.
            if self._held or self._pending:
                self.__exit__()
