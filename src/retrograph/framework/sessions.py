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

    def get_default(self) -> Any:
        """The innermost, or None."""
        return self.stack[-1] if self.stack else None

    def reset(self) -> None:
        """Forgets all."""
        self.stack = []

    def is_cleared(self) -> bool:
        """True if there is none."""
        return not self.stack


_stack = _DefaultSessionStack()


@export("get_default_session")
def get_default_session() -> Any:
    """The session of the innermost open `as_default` block in this thread, or None.

    Source: TF 1.15 `tf.get_default_session`.
    """
    return _stack.get_default()


@contextmanager
def default_session(session: Any, nested: bool = True) -> Iterator[Any]:
    """Makes `session` the default inside the block.

    Raises AssertionError if `nested` and another one is the default when the block ends.
    """
    _stack.stack.append(session)
    try:
        yield session
    finally:
        if session in _stack.stack:
            if nested and _stack.stack[-1] is not session:
                raise AssertionError(f"Nesting violated for default stack of {type(session)} objects")
            _stack.stack.remove(session)
