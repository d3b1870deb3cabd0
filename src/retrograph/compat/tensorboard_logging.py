"""`tensorflow.python.training.tensorboard_logging`: log messages that go to an event file too."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from retrograph.framework.messages import message_class
from retrograph.platform import logging

__all__ = ["debug", "error", "fatal", "info", "warn"]
DEBUG, INFO, WARN, ERROR, FATAL = "DEBUG", "INFO", "WARN", "ERROR", "FATAL"
# The level in the event, and that of Python's logging.
_LEVELS = {
    DEBUG: (10, logging.DEBUG),
    INFO: (20, logging.INFO),
    WARN: (30, logging.WARN),
    ERROR: (40, logging.ERROR),
    FATAL: (50, logging.FATAL),
}
_unset = object()


class _State:
    verbosity = WARN
    writer: Any = _unset


def get_verbosity() -> str:
    """The level from which on messages go to the event file."""
    return _State.verbosity


def set_verbosity(verbosity: str) -> None:
    """Sets that level. Raises: ValueError for another than the five."""
    _check(verbosity)
    _State.verbosity = verbosity


def _check(verbosity: str) -> None:
    if verbosity not in _LEVELS:
        raise ValueError(f"Level {verbosity} is not a valid tensorboard_logging level")


def set_summary_writer(summary_writer: Any) -> None:
    """Says where messages go; None for nowhere but to the log."""
    _State.writer = summary_writer


def _clear_summary_writer() -> None:
    """After this messages raise until a writer is set."""
    _State.writer = _unset


def log(level: str, message: str, *args: Any) -> None:
    """Logs `message % args`. Raises: RuntimeError if no writer was set, ValueError for another level.

    Source: TF 1.15 `tensorflow.python.training.tensorboard_logging.log`.
    """
    if _State.writer is _unset:
        raise RuntimeError("Must call set_summary_writer before doing any logging from tensorboard_logging")
    _check(level)
    number, platform_level = _LEVELS[level]
    if number >= _LEVELS[_State.verbosity][0] and _State.writer:
        text = message_class("tensorflow.LogMessage")(level=number, message=message % args)
        _State.writer.add_event(message_class("tensorflow.Event")(wall_time=time.time(), log_message=text))
    logging.log(platform_level, message, *args)


debug, info, warn = partial(log, DEBUG), partial(log, INFO), partial(log, WARN)
error, fatal = partial(log, ERROR), partial(log, FATAL)
