"""Helpers of TF's that wrap functions: `keyword_args`, `tf_contextlib`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from retrograph.compat.tf_decorator import make_decorator

Function = Callable[..., Any]


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
