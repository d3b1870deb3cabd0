"""The stack of default sessions of each thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from retrograph.framework.exports import export


class _DefaultSessionStack(threading.local):
    def __init__(self) -> None:
        self.stack: list[Any] = []


_stack = _DefaultSessionStack()


@export("get_default_session")
def get_default_session() -> Any:
    """The session of the innermost open `as_default` block in this thread, or None.

    Source: TF 1.15 `tf.get_default_session`.
    """
    return _stack.stack[-1] if _stack.stack else None


@contextmanager
def default_session(session: Any) -> Iterator[Any]:
    """Makes `session` the default inside the block."""
    _stack.stack.append(session)
    try:
        yield session
    finally:
        _stack.stack.remove(session)
