"""Helpers of TF's that wrap functions: `tf_export`, `keyword_args`, `tf_contextlib`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from retrograph.compat.tf_decorator import make_decorator

Function = Callable[..., Any]


def _as_it_is(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return lambda target: target


# Registering a public name has no meaning outside TF's own build.
tf_export = estimator_export = keras_export = _as_it_is


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
