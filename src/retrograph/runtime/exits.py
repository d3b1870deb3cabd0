"""The end of the process: threads that programs left running in sessions stop before XLA goes away under them."""

from __future__ import annotations

import atexit
import threading
import time
from contextlib import suppress
from typing import Any
from weakref import WeakSet

_PATIENCE = 5.0  # seconds

# The process ends once: these are its sessions, and the threads that ran in them.
_sessions: WeakSet[Any] = WeakSet()
_threads: WeakSet[threading.Thread] = WeakSet()
_state = {"registered": False, "ending": False}


def watch(session: Any) -> None:
    """Has a session closed when the process ends."""
    _sessions.add(session)


def note_thread() -> None:
    """Has this thread waited for when the process ends, unless it is the main one."""
    thread = threading.current_thread()
    if thread is not threading.main_thread():
        _threads.add(thread)


def register() -> None:
    """Sees to it that sessions are closed before JAX, which must be imported by now, cleans up."""
    if not _state["registered"]:
        _state["registered"] = True
        atexit.register(_close_all)


def ending() -> bool:
    """Whether the process is about to end."""
    return _state["ending"]


def _close_all() -> None:
    _state["ending"] = True
    for session in list(_sessions):
        with suppress(Exception):
            session.close()
    until = time.monotonic() + _PATIENCE
    for thread in list(_threads):
        if thread.is_alive() and thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))
