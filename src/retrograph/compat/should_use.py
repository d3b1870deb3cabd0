"""`tensorflow.python.util.tf_should_use`: results that log an error if nothing asks them for anything."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

from retrograph.compat.tf_decorator import make_decorator
from retrograph.platform import logging as tf_logging

__all__ = ["_add_should_use_warning", "must_use_result_or_fatal", "should_use_result", "tf_logging"]
_NOTE = (
    "\n\n  **NOTE** The output of this function should be used.  If it is not, {} will be logged.  To mark the output as used, "
    "call its .mark_used() method."
)
_OWN = ("_tf_should_use_helper", "_true_value")
_wrappers: dict[type, type] = {}


class _Helper:
    """Logs when it is deleted, unless it was used."""

    def __init__(self, value: Any, frame: Any, fatal: bool):
        self._type, self._text, self._frame, self._fatal = type(value), repr(value), frame, fatal
        self._used = False

    def sate(self) -> None:
        """Marks it as used."""
        self._used = True
        self._frame = None

    def __del__(self) -> None:
        if self._used:
            return
        where = "".join(line.rstrip() for line in traceback.format_stack(self._frame, limit=5))
        line = "=================================="
        log = tf_logging.fatal if self._fatal else tf_logging.error
        log(
            f"{line}\nObject was never used (type {self._type}):\n{self._text}\nIf you want to mark it as used call its "
            f'"mark_used()" method.\nIt was originally created here:\n{where}\n{line}'
        )


def _init(self: Any, value: Any, helper: _Helper) -> None:
    object.__setattr__(self, "_tf_should_use_helper", helper)
    object.__setattr__(self, "_true_value", value)


def _get(self: Any, key: str) -> Any:
    if key not in _OWN:
        object.__getattribute__(self, "_tf_should_use_helper").sate()
    if key in ("_tf_should_use_helper", "mark_used"):
        return object.__getattribute__(self, key)
    return getattr(object.__getattribute__(self, "_true_value"), key)


def _set(self: Any, key: str, value: Any) -> None:
    setattr(object.__getattribute__(self, "_true_value"), key, value)


def _mark_used(self: Any, *args: Any, **kwargs: Any) -> Any:
    mark = getattr(object.__getattribute__(self, "_true_value"), "mark_used", None)
    return None if mark is None else mark(*args, **kwargs)


def _wrapper(kind: type) -> type:
    """A subclass whose objects stand for another one."""
    if kind not in _wrappers:
        body = {"__init__": _init, "__getattribute__": _get, "__setattr__": _set, "mark_used": _mark_used}
        _wrappers[kind] = type(kind.__name__, (kind,), {**body, "__slots__": _OWN})
    return _wrappers[kind]


def _add_should_use_warning(x: Any, fatal_error: bool = False) -> Any:
    """What stands for an object and logs an error if nothing asks it for anything."""
    if x is None or (isinstance(x, list) and not x):
        return x
    made: Any = object.__new__(_wrapper(type(x)))
    _init(made, x, _Helper(x, sys._getframe(1), fatal_error))
    return made


def _wrapping(fn: Callable[..., Any], name: str, what: str, fatal: bool) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return _add_should_use_warning(fn(*args, **kwargs), fatal_error=fatal)

    return make_decorator(fn, wrapped, name, (fn.__doc__ or "") + _NOTE.format(what))


def should_use_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that logs an error if what it gives is not used.

    Source: TF 1.15 `tensorflow.python.util.tf_should_use.should_use_result`.
    """
    return _wrapping(fn, "should_use_result", "a warning", fatal=False)


def must_use_result_or_fatal(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that logs a fatal error if what it gives is not used."""
    return _wrapping(fn, "must_use_result_or_fatal", "a fatal error", fatal=True)
