"""Warnings of deprecated forms, through the logger `tensorflow` as TF gives them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from retrograph.framework import frames
from retrograph.framework.logger import get_logger

F = TypeVar("F", bound=Callable[..., Any])

_UPDATING = "Instructions for updating:\n"


def warn(text: str) -> None:
    """Logs a warning to the logger that `tf.logging` sets up."""
    get_logger().warning(text)


_warned: set[tuple[str, str]] = set()


def _warn_once(kind: str, what: str, text: str) -> None:
    """Logs a warning with the caller's place before it, the first time for this kind and thing."""
    if (kind, what) not in _warned:
        _warned.add((kind, what))
        warn(f"From {frames.defined_at(frames.capture(3))}: {text}")


def deprecated(instructions: str, module: str, date: str | None = None) -> Callable[[F], F]:
    """Makes calls of a function warn once, in TF's words; `module` is where TF has it, `date` when TF meant to drop it."""
    when = "in a future version" if date is None else f"after {date}"

    def decorate(function: F) -> F:
        name = function.__qualname__
        text = f"{name} (from {module}) is deprecated and will be removed {when}.\n{_UPDATING}{instructions}"

        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            _warn_once("function", f"{module}.{name}", text)
            return function(*args, **kwargs)

        return cast(F, warning)

    return decorate


def deprecated_argument(argument: str, instructions: str, module: str) -> Callable[[F], F]:
    """Makes calls of a function that give `argument` warn once, in TF's words."""

    def decorate(function: F) -> F:
        name = function.__qualname__
        position = list(inspect.signature(function).parameters).index(argument)
        text = (
            f"calling {name} (from {module}) with {argument} is deprecated and will be removed in a future version.\n"
            f"{_UPDATING}{instructions}"
        )

        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            if argument in kwargs or len(args) > position:
                _warn_once(argument, f"{module}.{name}", text)
            return function(*args, **kwargs)

        return cast(F, warning)

    return decorate


def warn_of_value(name: str, argument: str, value: Any, instructions: str, module: str) -> None:
    """Warns once, in TF's words, that a value of an argument is deprecated."""
    text = (
        f"calling {name} (from {module}) with {argument}={value} is deprecated and will be removed in a future version.\n"
        f"{_UPDATING}{instructions}"
    )
    _warn_once(f"{argument}={value}", f"{module}.{name}", text)
