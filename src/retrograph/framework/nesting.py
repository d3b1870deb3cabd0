"""Room on the stack for control flow that is nested deeply."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

# A branch in a branch takes some fifteen calls while it is traced. So many calls fit into a stack of 8 MiB, which main
# threads and Python's other threads have.
_LIMIT = 8000


class RoomForNesting:
    """While it is entered by any thread, Python's limit of recursion allows for hundreds of branches in each other.

    `tf.switch_case` and `tf.case` nest their branches, each in the one before.
    """

    _lock = threading.Lock()
    _entered = 0
    _before = 0

    def __enter__(self) -> None:
        cls = RoomForNesting
        with cls._lock:
            if not cls._entered:
                cls._before = sys.getrecursionlimit()
                sys.setrecursionlimit(max(cls._before, _LIMIT))
            cls._entered += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        cls = RoomForNesting
        with cls._lock:
            cls._entered -= 1
            if not cls._entered:
                sys.setrecursionlimit(cls._before)
