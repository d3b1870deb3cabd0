"""`tensorflow.python.util.tf_decorator`: wrappers that know what they wrap."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any


def fullargspec_to_signature(spec: inspect.FullArgSpec) -> inspect.Signature:
    """The signature that an argument specification describes."""
    first_default = len(spec.args) - len(spec.defaults or ())
    parameters = []
    for index, name in enumerate(spec.args):
        default = (
            spec.defaults[index - first_default]
            if spec.defaults and index >= first_default
            else inspect.Parameter.empty
        )
        parameters.append(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
    if spec.varargs:
        parameters.append(inspect.Parameter(spec.varargs, inspect.Parameter.VAR_POSITIONAL))
    for name in spec.kwonlyargs:
        default = (spec.kwonlydefaults or {}).get(name, inspect.Parameter.empty)
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
    if spec.varkw:
        parameters.append(inspect.Parameter(spec.varkw, inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def as_fullargspec(spec: Any) -> Any:
    """An old four-part argument specification with the parts that it lacks."""
    if spec is None or hasattr(spec, "varkw"):
        return spec
    return inspect.FullArgSpec(spec.args, spec.varargs, spec.keywords, spec.defaults, [], None, {})


class TFDecorator:
    """What is kept of one wrapping: its name, docs and argument specification, and what it wraps."""

    def __init__(self, decorator_name: str, target: Any, decorator_doc: str | None = "", decorator_argspec: Any = None):
        self._decorated_target = target
        self._decorator_name = decorator_name
        self._decorator_doc = decorator_doc
        self._decorator_argspec = decorator_argspec
        if hasattr(target, "__name__"):
            self.__name__ = target.__name__
        if hasattr(target, "__qualname__"):
            self.__qualname__ = target.__qualname__
        self.__doc__ = decorator_doc or getattr(target, "__doc__", None) or ""
        if decorator_argspec is not None:
            self.__signature__ = fullargspec_to_signature(as_fullargspec(decorator_argspec))
        elif callable(target):
            self._copy_signature(target)

    def _copy_signature(self, target: Any) -> None:
        with contextlib.suppress(TypeError, ValueError):  # builtins have none
            self.__signature__ = inspect.signature(target)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._decorated_target.__get__(instance, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._decorated_target(*args, **kwargs)

    @property
    def decorated_target(self) -> Any:
        """What is wrapped."""
        return self._decorated_target

    @decorated_target.setter
    def decorated_target(self, target: Any) -> None:
        self._decorated_target = target

    @property
    def decorator_name(self) -> str:
        """The name of the wrapping function."""
        return self._decorator_name

    @property
    def decorator_doc(self) -> str | None:
        """Its docs."""
        return self._decorator_doc

    @property
    def decorator_argspec(self) -> Any:
        """The argument specification that it shows, if it is another one."""
        return self._decorator_argspec


def make_decorator(
    target: Any,
    decorator_func: Callable[..., Any],
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Callable[..., Any]:
    """`decorator_func` with the name and docs of `target`, remembered as its wrapper."""
    if decorator_name is None:
        frame = inspect.currentframe()
        decorator_name = frame.f_back.f_code.co_name if frame is not None and frame.f_back is not None else ""
    decorator = TFDecorator(decorator_name, target, decorator_doc, decorator_argspec)
    func: Any = decorator_func
    func._tf_decorator = decorator
    if hasattr(target, "__name__"):
        func.__name__ = target.__name__
    if hasattr(target, "__qualname__"):
        func.__qualname__ = target.__qualname__
    if hasattr(target, "__module__"):
        func.__module__ = target.__module__
    for name, value in getattr(target, "__dict__", {}).items():
        if name not in func.__dict__:
            func.__dict__[name] = value
    func.__doc__ = decorator.__doc__
    func.__wrapped__ = target
    func.__original_wrapped__ = target
    if hasattr(decorator, "__signature__"):
        func.__signature__ = decorator.__signature__
    return decorator_func


def unwrap(maybe_tf_decorator: Any) -> tuple[list[TFDecorator], Any]:
    """(the wrappings from the outermost in, what is inside of all)."""
    decorators: list[TFDecorator] = []
    current = maybe_tf_decorator
    while True:
        decorator = (
            current if isinstance(current, TFDecorator) else getattr(current, "__dict__", {}).get("_tf_decorator")
        )
        if not isinstance(decorator, TFDecorator):
            return decorators, current
        decorators.append(decorator)
        current = decorator.decorated_target


def rewrap(decorator_func: Any, previous_target: Any, new_target: Any) -> Any:
    """Puts another function inside the wrappings of `decorator_func`; gives the outermost."""
    innermost = None
    current = decorator_func
    while current is not previous_target:
        decorator = current if isinstance(current, TFDecorator) else getattr(current, "_tf_decorator", None)
        if decorator is None:
            break
        innermost = decorator
        if current is not decorator and hasattr(current, "__wrapped__"):
            current.__wrapped__ = new_target if decorator.decorated_target is previous_target else current.__wrapped__
        current = decorator.decorated_target
    if innermost is None:
        return new_target
    innermost.decorated_target = new_target
    return decorator_func
