"""`tf.logging`: the logger `tensorflow`, with TF's levels and its one-line format on stderr."""

from __future__ import annotations

import logging as _logging
from typing import Any

from retrograph.framework.exports import export, export_value
from retrograph.framework.logger import call_count, get_logger

DEBUG = export_value("logging.DEBUG", _logging.DEBUG, attribute="DEBUG")
INFO = export_value("logging.INFO", _logging.INFO, attribute="INFO")
WARN = export_value("logging.WARN", _logging.WARNING, attribute="WARN")
ERROR = export_value("logging.ERROR", _logging.ERROR, attribute="ERROR")
FATAL = export_value("logging.FATAL", _logging.CRITICAL, attribute="FATAL")


@export("logging.log", "logging.vlog")
def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at a level. Source: TF 1.15 `tf.logging.log`."""
    get_logger().log(level, msg, *args, **kwargs)


vlog = log


@export("logging.debug")
def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at DEBUG. Source: TF 1.15 `tf.logging.debug`."""
    log(DEBUG, msg, *args, **kwargs)


@export("logging.info")
def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at INFO, which is not shown before `set_verbosity(INFO)`. Source: TF 1.15 `tf.logging.info`."""
    log(INFO, msg, *args, **kwargs)


@export("logging.warn", "logging.warning")
def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at WARN. Source: TF 1.15 `tf.logging.warning`."""
    log(WARN, msg, *args, **kwargs)


warn = warning


@export("logging.error")
def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at ERROR. Source: TF 1.15 `tf.logging.error`."""
    log(ERROR, msg, *args, **kwargs)


@export("logging.fatal")
def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at FATAL; the program goes on. Source: TF 1.15 `tf.logging.fatal`."""
    log(FATAL, msg, *args, **kwargs)


@export("logging.TaskLevelStatusMessage")
def TaskLevelStatusMessage(msg: Any) -> None:
    """Logs at ERROR. Source: TF 1.15 `tf.logging.TaskLevelStatusMessage`."""
    error(msg)


@export("logging.flush")
def flush() -> None:
    """Never did anything but raise NotImplementedError. Source: TF 1.15 `tf.logging.flush`."""
    raise NotImplementedError()


@export("logging.log_every_n")
def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs at the 1st, n+1st, ... call from one line. Source: TF 1.15 `tf.logging.log_every_n`."""
    log_if(level, msg, not call_count(1) % n, *args)


@export("logging.log_first_n")
def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs at the first n calls from one line. Source: TF 1.15 `tf.logging.log_first_n`."""
    log_if(level, msg, call_count(1) < n, *args)


@export("logging.log_if")
def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Logs if `condition` holds. Source: TF 1.15 `tf.logging.log_if`."""
    if condition:
        log(level, msg, *args)


@export("logging.get_verbosity")
def get_verbosity() -> int:
    """The level from which messages are shown. Source: TF 1.15 `tf.logging.get_verbosity`."""
    return get_logger().getEffectiveLevel()


@export("logging.set_verbosity")
def set_verbosity(v: int | str) -> None:
    """Shows messages from this level on. Source: TF 1.15 `tf.logging.set_verbosity`."""
    get_logger().setLevel(v)
