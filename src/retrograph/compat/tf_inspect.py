"""`tensorflow.python.util.tf_inspect`: the standard inspect, looking through wrappings."""

from __future__ import annotations

import functools
import inspect
from inspect import (
    FullArgSpec,
    currentframe,
    isabstract,
    isbuiltin,
    isframe,
    isgenerator,
    isgeneratorfunction,
    ismodule,
    isroutine,
    stack,
)
from typing import Any

from retrograph.compat.dropped import ArgSpec
from retrograph.compat.tf_decorator import as_fullargspec, unwrap

__all__ = [
    "ArgSpec", "FullArgSpec", "currentframe", "isabstract", "isbuiltin", "isframe", "isgenerator", "isgeneratorfunction",
    "ismodule", "isroutine", "stack",
]  # fmt: skip


def _inside(obj: Any) -> Any:
    return unwrap(obj)[1]


def _is_ours(obj: Any) -> bool:
    return str(getattr(obj, "__module__", "")).startswith("retrograph.")


def _spec(target: Any) -> FullArgSpec:
    """The arguments; those of Retrograph's own functions as TF's show them: without what wraps them, and annotations."""
    if not _is_ours(target):
        return inspect.getfullargspec(target)
    return inspect.getfullargspec(inspect.unwrap(target))._replace(annotations={})


def getfullargspec(obj: Any) -> Any:
    """The arguments of a function: what its outermost wrapping shows, else its own."""
    decorators, target = unwrap(obj)
    shown = next((d.decorator_argspec for d in decorators if d.decorator_argspec is not None), None)
    return _spec(target) if shown is None else as_fullargspec(shown)


def getargspec(obj: Any) -> ArgSpec:
    """The arguments of a function, class, callable object or partial, in the old form.

    Raises ValueError for a partial whose keywords leave a required argument behind an optional one.
    """
    if isinstance(obj, functools.partial):
        return _of_partial(obj)
    decorators, target = unwrap(obj)
    shown = next((d.decorator_argspec for d in decorators if d.decorator_argspec is not None), None)
    if shown is not None:
        return ArgSpec(
            shown.args, shown.varargs, getattr(shown, "varkw", getattr(shown, "keywords", None)), shown.defaults
        )
    if isinstance(target, type):
        target = target.__init__  # type: ignore[misc]
    elif not inspect.isroutine(target) and callable(target):
        target = type(target).__call__
    full = _spec(target)
    return ArgSpec(full.args, full.varargs, full.varkw, full.defaults)


def _of_partial(obj: functools.partial[Any]) -> ArgSpec:
    spec = getargspec(obj.func)
    keywords = obj.keywords or {}
    names = spec.args[len(obj.args) :]
    first = len(spec.args) - len(spec.defaults or ())
    known = dict(zip(spec.args[first:], spec.defaults or (), strict=True))
    known.update(keywords)
    unknown = [name for name in keywords if name not in spec.args]
    if unknown and spec.keywords is None:
        raise ValueError(
            f"Function does not have **kwargs parameter, but contains an unknown partial argument: {unknown}"
        )
    has_default = [name in known for name in names]
    if True in has_default and not all(has_default[has_default.index(True) :]):
        missing = [name for name, given in zip(names, has_default, strict=True) if not given]
        raise ValueError(
            f"Some arguments {missing} do not have default value, but they are positioned after those with default values. This can not be expressed with ArgSpec."
        )
    defaults = tuple(known[name] for name in names if name in known) or None
    return ArgSpec(list(names), spec.varargs, spec.keywords, defaults)


def getcallargs(*func_and_positional: Any, **named: Any) -> dict[str, Any]:
    """The arguments of a call by name."""
    func, *positional = func_and_positional
    spec = getfullargspec(func)
    names = list(spec.args)
    if inspect.ismethod(_inside(func)) or getattr(func, "__self__", None) is not None:
        positional = [func.__self__, *positional]
    result = dict(zip(names, positional, strict=False))
    result.update(named)
    first = len(names) - len(spec.defaults or ())
    for index, default in enumerate(spec.defaults or ()):
        result.setdefault(names[first + index], default)
    return result


def getdoc(obj: Any) -> str | None:
    """The docs of the outermost wrapping."""
    return inspect.getdoc(obj)


def getfile(obj: Any) -> str:
    """The file of what is inside."""
    return inspect.getfile(_inside(obj))


def getmembers(obj: Any, predicate: Any = None) -> list[tuple[str, Any]]:
    """The attributes of an object."""
    return inspect.getmembers(obj, predicate)


def getmodule(obj: Any) -> Any:
    """The module of an object."""
    return inspect.getmodule(obj)


def getmro(cls: Any) -> Any:
    """The bases of a class in order."""
    return inspect.getmro(cls)


def getsource(obj: Any) -> str:
    """The source of what is inside."""
    return inspect.getsource(_inside(obj))


def getsourcefile(obj: Any) -> str | None:
    """The source file of what is inside."""
    return inspect.getsourcefile(_inside(obj))


def getsourcelines(obj: Any) -> Any:
    """The source lines of what is inside, and where they begin."""
    return inspect.getsourcelines(_inside(obj))


def isclass(obj: Any) -> bool:
    """True if a class is inside."""
    return inspect.isclass(_inside(obj))


def isfunction(obj: Any) -> bool:
    """True if a function is inside."""
    return inspect.isfunction(_inside(obj))


def ismethod(obj: Any) -> bool:
    """True if a method is inside."""
    return inspect.ismethod(_inside(obj))
