"""Scopes of default arguments: `with arg_scope([conv2d], padding="SAME"):`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from retrograph.framework.exports import export

_stack: list[dict[str, dict[str, Any]]] = [{}]
_decorated: dict[str, tuple[str, ...]] = {}


@export("contrib.framework.current_arg_scope", "contrib.slim.current_arg_scope")
def current_arg_scope() -> dict[str, dict[str, Any]]:
    """The default arguments in force, by function. Source: TF 1.15 `tf.contrib.framework.current_arg_scope`."""
    return _stack[-1]


@export("contrib.framework.arg_scope_func_key", "contrib.slim.arg_scope_func_key")
def arg_scope_func_key(op: Any) -> str:
    """The key of a function in an argument scope. Source: TF 1.15 `tf.contrib.framework.arg_scope_func_key`."""
    return str(getattr(op, "_key_op", None) or op)


def _with_defaults(functions: Any, defaults: dict[str, Any]) -> dict[str, dict[str, Any]]:
    scope = dict(current_arg_scope())
    for function in functions:
        if not has_arg_scope(function):
            raise ValueError("%s is not decorated with @add_arg_scope", (function.__module__, function.__name__))
        key = arg_scope_func_key(function)
        scope[key] = {**scope.get(key, {}), **defaults}
    return scope


def _entered(functions_or_scope: Any, defaults: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if isinstance(functions_or_scope, dict):
        if defaults:
            raise ValueError("When attempting to re-use a scope by suppling adictionary, kwargs must be empty.")
        return dict(functions_or_scope)
    if not isinstance(functions_or_scope, list | tuple):
        raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
    return _with_defaults(functions_or_scope, defaults)


@export("contrib.framework.arg_scope", "contrib.slim.arg_scope")
@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[dict[str, dict[str, Any]]]:
    """Default arguments of functions while it is open; or the scope of an earlier `arg_scope` again.

    Raises ValueError: a function without `add_arg_scope`; TypeError: neither a list nor a scope.

    >>> with arg_scope([tf.contrib.layers.conv2d], padding="SAME") as sc:
    ...     image = tf.contrib.layers.conv2d(tf.zeros([1, 8, 8, 3]), 4, 3)

    Source: TF 1.15 `tf.contrib.framework.arg_scope`.
    """
    scope = _entered(list_ops_or_scope, kwargs)
    _stack.append(scope)
    try:
        yield scope
    finally:
        _stack.pop()


def _optional_arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.default is not p.empty)


@export("contrib.framework.add_arg_scope", "contrib.slim.add_arg_scope")
def add_arg_scope(func: Callable[..., Any]) -> Callable[..., Any]:
    """The function, taking default arguments from argument scopes. Source: TF 1.15 `tf.contrib.framework.add_arg_scope`."""
    key = arg_scope_func_key(func)
    _decorated[key] = _optional_arguments(func)

    @functools.wraps(func)
    def with_scope_arguments(*args: Any, **kwargs: Any) -> Any:
        defaults = _stack[-1].get(key)
        return func(*args, **{**defaults, **kwargs}) if defaults else func(*args, **kwargs)

    with_scope_arguments._key_op = key  # type: ignore[attr-defined]
    return with_scope_arguments


@export("contrib.framework.has_arg_scope", "contrib.slim.has_arg_scope")
def has_arg_scope(func: Any) -> bool:
    """Whether a function takes arguments from scopes. Source: TF 1.15 `tf.contrib.framework.has_arg_scope`."""
    return arg_scope_func_key(func) in _decorated


@export("contrib.framework.arg_scoped_arguments", "contrib.slim.arg_scoped_arguments")
def arg_scoped_arguments(func: Any) -> tuple[str, ...]:
    """The arguments that a scope can set. Source: TF 1.15 `tf.contrib.framework.arg_scoped_arguments`."""
    return _decorated[arg_scope_func_key(func)]
