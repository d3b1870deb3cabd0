"""`tensorflow.python.util.function_utils`: what can be asked of a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any

from retrograph.compat import tf_decorator, tf_inspect


def _called(fn: Any) -> Any:
    """The method that an object with `__call__` runs; functions as they are."""
    return fn.__call__ if inspect.ismethod(getattr(fn, "__call__", None)) else fn  # noqa: B004


def _checked(func: Any) -> Any:
    inner = tf_decorator.unwrap(func)[1]
    if not callable(inner):
        raise ValueError("Argument must be callable")
    return inner


def fn_args(fn: Callable[..., Any]) -> tuple[str, ...]:
    """The names of arguments that are still to be given: without `self`, and without what a partial function binds."""
    if isinstance(fn, functools.partial):
        return tuple(name for name in fn_args(fn.func)[len(fn.args) :] if name not in fn.keywords)
    fn = _called(fn)
    names = list(tf_inspect.getfullargspec(fn).args)
    return tuple(names[1:] if inspect.ismethod(tf_decorator.unwrap(fn)[1]) else names)


def has_kwargs(fn: Callable[..., Any]) -> bool:
    """Whether a function takes any keyword. Raises TypeError for what is no function."""
    if isinstance(fn, functools.partial):
        return has_kwargs(fn.func)
    if not callable(fn):
        raise TypeError(f"fn should be a function-like object, but is of type {type(fn)}.")
    return tf_inspect.getfullargspec(_called(fn)).varkw is not None


def get_func_name(func: Any) -> str:
    """The name of a function, `Class.name` of a method, the type of another object. Raises ValueError for what is no function."""
    func = _checked(func)
    if inspect.ismethod(func):
        return f"{type(func.__self__).__name__}.{func.__func__.__name__}"
    return str(func.__name__ if inspect.isfunction(func) else type(func))


def get_func_code(func: Any) -> CodeType | None:
    """The code of a function, or None where there is none. Raises ValueError for what is no function."""
    func = _checked(func)
    return getattr(func, "__code__", None) or getattr(func.__call__, "__code__", None)
