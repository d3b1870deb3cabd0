"""Calling what programs hand in (initializers, getters), and the words of errors about how it was called."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from types import FunctionType
from typing import Any, TypeVar

Cls = TypeVar("Cls", bound=type)

_QUALIFIED = re.compile(r"^(?:[\w<>]+\.)+(?=[\w<>]+\(\))")


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`function(*args, **kwargs)`; if the arguments do not fit, the TypeError names the function as TF 1.15's Python did.

    Newer Pythons show where a function stands (`build.<locals>.<lambda>()`), which programs and searches do not know.
    """
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is None and error.args:
            error.args = (_QUALIFIED.sub("", str(error.args[0])), *error.args[1:])
        raise


def as_int(value: Any) -> int:
    """`int(value)`, refusing in the words of TF 1.15's Python."""
    try:
        return int(value)
    except TypeError:
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a number, not '{type(value).__name__}'"
        ) from None


def plainly_named(cls: Cls) -> Cls:
    """The class, whose methods errors name without it: `__init__() missing ...`, as TF 1.15's Python did."""
    for value in vars(cls).values():
        if isinstance(value, FunctionType):
            value.__qualname__ = value.__name__
    return cls


class read_only(property):
    """A property that refuses to be set in the words of TF 1.15's Python."""

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError("can't set attribute")


def plainly_refusing(cls: Cls) -> Cls:
    """The class, whose properties refuse to be set as TF 1.15's Python did."""
    for name, value in list(vars(cls).items()):
        if type(value) is property and value.fset is None:
            setattr(cls, name, read_only(value.fget, doc=value.__doc__))
    return cls


def field(path: str, doc: str) -> Any:
    """A `read_only` property that is an attribute of another name, read without a call of Python."""
    return read_only(attrgetter(path), doc=doc)
