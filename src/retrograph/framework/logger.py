"""The logger `tensorflow`, which TF's warnings and `tf.logging` go to."""

from __future__ import annotations

import logging as _logging
import sys
import threading
from collections import Counter
from typing import Any

from retrograph.framework.exports import export

_LOGGER: _logging.Logger | None = None
_LOCK = threading.Lock()
_COUNTS: Counter[tuple[str, int]] = Counter()


class _CurrentStderr(_logging.StreamHandler[Any]):
    """Writes to whatever sys.stderr is now, so that redirecting it works."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _: Any) -> None:
        pass


@export("get_logger")
def get_logger() -> _logging.Logger:
    """The logger, made at first use; a program that configured Python's root logger gets no second handler."""
    global _LOGGER
    with _LOCK:
        if _LOGGER is None:
            logger = _logging.getLogger("tensorflow")
            logger.setLevel(_logging.WARNING)
            if not _logging.getLogger().handlers:
                handler = _CurrentStderr()
                handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))
                logger.addHandler(handler)
            _LOGGER = logger
    return _LOGGER


def call_count(depth: int) -> int:
    """How often the line `depth` frames above the caller has come here before."""
    frame = sys._getframe(depth + 1)
    site = (frame.f_code.co_filename, frame.f_lineno)
    _COUNTS[site] += 1
    return _COUNTS[site] - 1
