"""`tensorflow.python.util.lock_util`: a lock that many threads of one group hold together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class GroupLock:
    """A lock held by one group of threads at a time."""

    def __init__(self, num_groups: int = 2):
        if num_groups < 1:
            raise ValueError(f"num_groups must be a positive integer, got {num_groups}")
        self._ready = threading.Condition(threading.Lock())
        self._group_member_counts = [0] * num_groups

    @contextmanager
    def group(self, group_id: int) -> Iterator[None]:
        """A block in which the group holds the lock. Raises ValueError for a group that is not there."""
        self.acquire(group_id)
        try:
            yield
        finally:
            self.release(group_id)

    def acquire(self, group_id: int) -> None:
        """Waits until no other group holds the lock, and joins."""
        self._validate_group_id(group_id)
        with self._ready:
            self._ready.wait_for(lambda: not any(n for i, n in enumerate(self._group_member_counts) if i != group_id))
            self._group_member_counts[group_id] += 1

    def release(self, group_id: int) -> None:
        """Leaves; the last one lets the other groups in."""
        self._validate_group_id(group_id)
        with self._ready:
            self._group_member_counts[group_id] -= 1
            if self._group_member_counts[group_id] == 0:
                self._ready.notify_all()

    def _validate_group_id(self, group_id: int) -> None:
        if group_id < 0 or group_id >= len(self._group_member_counts):
            raise ValueError(f"group_id={group_id} is not in range [0, {len(self._group_member_counts)})")
