"""Helpers of TF's that wrap functions: `tf_decorator`, `tf_export`, `deprecation`, `keyword_args`, `tf_contextlib`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from retrograph.compat.tf_decorator import make_decorator
from retrograph.framework.deprecation import warn

Function = Callable[..., Any]


def _as_it_is(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return lambda target: target


# Registering a public name has no meaning outside TF's own build.
tf_export = estimator_export = keras_export = _as_it_is


def _warning(target: Any, name: str, text: str) -> Any:
    told: list[bool] = []

    @functools.wraps(target)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not told:
            told.append(True)
            warn(text)
        return target(*args, **kwargs)

    return make_decorator(target, wrapper, name)


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Callable[[Any], Any]:
    """A decorator that warns at the first call."""
    when = "in a future version" if date is None else f"after {date}"

    def decorate(target: Any) -> Any:
        if isinstance(target, type):
            return target
        name = f"{getattr(target, '__qualname__', target)} (from {target.__module__})"
        text = f"{name} is deprecated and will be removed {when}.\nInstructions for updating:\n{instructions}"
        return _warning(target, "deprecated", text)

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
    if isinstance(func_or_class, type):
        return func_or_class
    return _warning(
        func_or_class, "deprecated_alias", f"The name {deprecated_name} is deprecated. Please use {name} instead.\n"
    )


def deprecated_argument_lookup(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value given under either name; ValueError if under both."""
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value


@contextlib.contextmanager
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

    return make_decorator(func, wrapper, "keyword_args_only")


def contextmanager(target: Function) -> Function:
    """`contextlib.contextmanager` as a wrapping that `unwrap` finds."""
    return make_decorator(target, contextlib.contextmanager(target), "contextmanager")
