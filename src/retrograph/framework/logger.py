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


class _CurrentStream(_logging.StreamHandler[Any]):
    """Writes to whatever sys.stderr (or sys.stdout) is now, so that redirecting it works."""

    def __init__(self, name: str):
        self._which = name
        super().__init__()

    @property
    def stream(self) -> Any:
        return getattr(sys, self._which)

    @stream.setter
    def stream(self, _: Any) -> None:
        pass


@export("get_logger")
def get_logger() -> _logging.Logger:
    """The logger, made at first use. Its level is what the program set it to, else the root logger's; where Python is
    interactive, INFO. A program that configured Python's root logger gets no second handler.

    Source: TF 1.15 `tf.get_logger`.
    """
    global _LOGGER
    with _LOCK:
        if _LOGGER is None:
            logger = _logging.getLogger("tensorflow")
            if not _logging.getLogger().handlers:
                _add_handler(logger)
            _LOGGER = logger
    return _LOGGER


def _add_handler(logger: _logging.Logger) -> None:
    interactive = bool(getattr(sys, "ps1", sys.flags.interactive))
    if interactive and logger.level == _logging.NOTSET:
        logger.setLevel(_logging.INFO)
    handler = _CurrentStream("stdout" if interactive else "stderr")
    handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))
    logger.addHandler(handler)


def call_count(depth: int) -> int:
    """How often the line `depth` frames above the caller has come here before."""
    frame = sys._getframe(depth + 1)
    site = (frame.f_code.co_filename, frame.f_lineno)
    _COUNTS[site] += 1
    return _COUNTS[site] - 1
