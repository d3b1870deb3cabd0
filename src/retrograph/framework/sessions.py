"""The stack of default sessions of each thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from retrograph.framework.exports import export

if TYPE_CHECKING:
    from retrograph.framework.graph import Graph


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


def _eval_using_default_session(tensors: Any, feed_dict: Any, graph: Graph, session: Any = None) -> Any:
    session = _checked_session(session, graph, "evaluate tensor", "eval", "tensor's graph", "eval(session=sess)")
    return session.run(tensors, feed_dict)


def _run_using_default_session(operation: Any, feed_dict: Any, graph: Graph, session: Any = None) -> None:
    session = _checked_session(session, graph, "execute operation", "run", "operation's graph", "run(session=sess)")
    session.run(operation, feed_dict)


def _checked_session(session: Any, graph: Graph, action: str, method: str, owner: str, call: str) -> Any:
    if session is None:
        session = get_default_session()
        if session is None:
            colon = ":" if method == "run" else ""
            raise ValueError(
                f"Cannot {action} using `{method}()`: No default session is registered. Use `with sess.as_default(){colon}` or pass an explicit session to `{call}`"
            )
        if session.graph is not graph:
            raise ValueError(
                f"Cannot use the default session to {action}: the {owner} is different from the session's graph. Pass an explicit session to `{call}`."
                if method == "eval"
                else f"Cannot use the default session to {action}: the {owner} is different from the session's graph. Pass an explicit session to {call}."
            )
    elif session.graph is not graph:
        raise ValueError(
            f"Cannot use the given session to {action}: the {owner} is different from the session's graph."
        )
    return session
