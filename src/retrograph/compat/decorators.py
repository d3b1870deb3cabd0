"""Helpers of TF's that wrap functions: `tf_decorator`, `tf_export`, `deprecation`, `keyword_args`, `tf_contextlib`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from retrograph.framework.deprecation import warn

__all__ = ["contextmanager"]

Function = Callable[..., Any]


def _as_it_is(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return lambda target: target


# Registering a public name has no meaning outside TF's own build.
tf_export = estimator_export = keras_export = _as_it_is


def make_decorator(target: Function, decorator_func: Function, *_: Any, **__: Any) -> Function:
    """`decorator_func` with the name and docs of `target`, which it keeps as `__wrapped__`."""
    return functools.update_wrapper(decorator_func, target)


def unwrap(maybe_tf_decorator: Any) -> tuple[list[Any], Any]:
    """(the wrappers, the innermost function)."""
    wrappers = []
    function = maybe_tf_decorator
    while hasattr(function, "__wrapped__"):
        wrappers.append(function)
        function = function.__wrapped__
    return wrappers, function


def _warning(target: Any, text: str) -> Any:
    if isinstance(target, type):
        return target
    told: list[bool] = []

    @functools.wraps(target)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not told:
            told.append(True)
            warn(text)
        return target(*args, **kwargs)

    return wrapper


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Callable[[Any], Any]:
    """A decorator that warns at the first call."""
    when = "in a future version" if date is None else f"after {date}"

    def decorate(target: Any) -> Any:
        name = f"{getattr(target, '__qualname__', target)} (from {target.__module__})"
        text = f"{name} is deprecated and will be removed {when}.\nInstructions for updating:\n{instructions}"
        return _warning(target, text)

    return decorate


def deprecated_args(date: str | None, instructions: str, *names: Any, **_: Any) -> Callable[[Any], Any]:
    """The function as it is: its own docs say which arguments are old."""
    return lambda target: target


def deprecated_arg_values(
    date: str | None, instructions: str, warn_once: bool = True, **_: Any
) -> Callable[[Any], Any]:
    """The function as it is."""
    return lambda target: target


def deprecated_alias(deprecated_name: str, name: str, func_or_class: Any, warn_once: bool = True) -> Any:
    """The function under its old name."""
    return _warning(func_or_class, f"The name {deprecated_name} is deprecated. Please use {name} instead.\n")


def deprecated_argument_lookup(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value given under either name; ValueError if under both."""
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value


@contextmanager
def silence() -> Any:
    """A block without deprecation warnings."""
    from retrograph.framework.logger import get_logger

    logger = get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def keyword_args_only(func: Function) -> Function:
    """A function that refuses positional arguments."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args:
            raise ValueError(f"Must use keyword args to call {func.__name__}.")
        return func(**kwargs)

    return wrapper
