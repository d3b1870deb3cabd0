"""Servers of this process: state that the sessions of one target share."""

from __future__ import annotations

import itertools
import threading
from typing import Any
from weakref import WeakValueDictionary

from retrograph.framework import errors
from retrograph.runtime.resources import Resources


class ServerState:
    """Variables and resources of a server."""

    def __init__(self, job: str, task: int, config: Any):
        self.job, self.task, self.config = job, task, config
        self.lock = threading.RLock()
        self.cells: dict[Any, Any] = {}
        self.resources = Resources()

    def clear(self) -> None:
        """Forgets all values."""
        with self.lock:
            self.cells.clear()
            self.resources.clear()


# Sessions find a server by its target, a string: the one table of them that the process needs.
_servers: WeakValueDictionary[str, ServerState] = WeakValueDictionary()
_numbers = itertools.count(20000)


def add_server(state: ServerState) -> str:
    """The target of a server, by which sessions find it as long as it lives."""
    target = f"grpc://localhost:{next(_numbers)}"
    _servers[target] = state
    return target


def find_server(target: str) -> ServerState:
    """The server of a target. Raises NotFoundError for other protocols, UnavailableError if there is none here."""
    if not target.startswith("grpc://"):
        text = f'No session factory registered for the given session options: {{target: "{target}" config: }} Registered factories are {{}}.'
        raise errors.NotFoundError(None, None, text)
    found = _servers.get(target)
    if found is None:
        raise errors.UnavailableError(
            None, None, f"There is no server {target} in this process; servers of other processes are not reached."
        )
    return found
