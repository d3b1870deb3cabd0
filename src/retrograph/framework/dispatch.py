"""A second try for calls that fail: on ragged tensors, an operation is what is registered for it.

TF 1.15 calls the operation first. If that raises TypeError or ValueError, it looks whether the arguments could be ragged
tensors, and converts those that are none on the way: the constants that it leaves behind are counted by later names.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import numpy as np

from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import SparseTensor

F = TypeVar("F", bound=Callable[..., Any])

_handlers: dict[str, Callable[..., Any]] = {}
_AS_THEY_ARE = (Tensor, np.ndarray, int, float, str, type(None))


def dispatched(*arguments: str) -> Callable[[F], F]:
    """Makes a function try again with what `register_ragged` gave for it; `arguments` may be ragged, `[x]` in a list."""

    def decorate(function: F) -> F:
        places = _places(function, arguments)
        name = function.__name__

        @functools.wraps(function)
        def dispatching(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (TypeError, ValueError):
                if not _takes_ragged(places, args, kwargs):
                    raise
                importlib.import_module(_RAGGED)
                if name not in _handlers:
                    raise
            return _handlers[name](*args, **kwargs)

        return cast(F, dispatching)

    return decorate


def register_ragged(name: str, handler: Callable[..., Any]) -> None:
    """What the dispatched function of this name does if an argument is ragged; it has the function's signature."""
    _handlers[name] = handler


def _may_be_ragged(values: Any) -> bool:
    return any(is_ragged(v) or (isinstance(v, (list, tuple)) and any(map(is_ragged, v))) for v in values)


def element_by_element(function: F, *arguments: str) -> F:
    """Makes a function of one or two arguments try again with the values of ragged ones, if one is ragged."""

    def over_ragged(*args: Any, **kwargs: Any) -> Any:
        """What the function is of ragged arguments; raises what is being raised if none is ragged."""
        if not _may_be_ragged((*args, *kwargs.values())):
            raise
        calls = importlib.import_module(_RAGGED)
        over = (
            calls.unary(function, args, kwargs, *arguments)
            if len(arguments) == 1
            else calls.binary(function, args, kwargs, arguments)
        )
        if over is NotImplemented:
            raise
        return over

    return cast(F, functools.wraps(function)(_trying(function, over_ragged)))


def _trying(function: Callable[..., Any], over_ragged: Callable[..., Any]) -> Callable[..., Any]:
    if tuple(inspect.signature(function).parameters) == ("x", "y", "name"):
        # Most operations are made by these: packing arguments twice would cost a tenth of the making.
        def of_two(x: Any, y: Any, name: Any = None) -> Any:
            try:
                return function(x, y, name)
            except (TypeError, ValueError):
                return over_ragged(x, y, name=name)

        of_two.__defaults__ = function.__defaults__
        return of_two

    def of_any(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError):
            return over_ragged(*args, **kwargs)

    return of_any


def take_ragged(module: dict[str, Any], names: str, count: int) -> None:
    """Makes functions of a module, which are called by these names, functions of ragged tensors too."""
    for name in names.split():
        function = module[name]
        arguments = list(inspect.signature(function).parameters)[:count]
        module[name] = element_by_element(function, *arguments)


_OPERATORS = "retrograph.linear_operators.dispatch"
_RAGGED = "retrograph.ops.ragged_calls"


def takes_operators(function: F) -> F:
    """Makes a function try again where an argument is a linear operator, which does the work then."""

    @functools.wraps(function)
    def dispatching(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError):
            if not any(getattr(value, "_is_linear_operator", False) is True for value in (*args, *kwargs.values())):
                raise
        handler = getattr(importlib.import_module(_OPERATORS), function.__name__)
        return handler(*args, **kwargs)

    return cast(F, dispatching)


def is_ragged(value: Any) -> bool:
    """Whether it is a ragged tensor, or the value of one."""
    return getattr(value, "_is_ragged", False) is True


def _places(function: Callable[..., Any], arguments: tuple[str, ...]) -> tuple[tuple[str, int, bool], ...]:
    names = list(inspect.signature(function).parameters)
    plain = [argument.strip("[]") for argument in arguments]
    return tuple((name, names.index(name), "[" in given) for name, given in zip(plain, arguments, strict=True))


def _takes_ragged(places: tuple[tuple[str, int, bool], ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    found = False
    for name, position, is_list in places:
        value = args[position] if position < len(args) else kwargs.get(name)
        if is_list and not isinstance(value, (list, tuple)):
            return False
        for element in _elements(value, is_list):
            if is_ragged(element):
                found = True
            elif not _is_convertible(element):
                return False
    return found


def _elements(value: Any, is_list: bool) -> Iterator[Any]:
    if is_list:
        yield from value
    else:
        yield value


def _is_convertible(value: Any) -> bool:
    if isinstance(value, _AS_THEY_ARE) or getattr(value, "_is_dense_tensor_like", False):
        return True
    if isinstance(value, SparseTensor):
        return False
    try:
        convert_to_tensor(value)
    except (TypeError, ValueError):
        return False
    return True
