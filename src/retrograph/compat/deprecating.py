"""`tensorflow.python.util.deprecation` and `decorator_utils`: decorators for what a program itself means to drop."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from retrograph.compat.tf_decorator import make_decorator, unwrap
from retrograph.framework.logger import get_logger

Function = Callable[..., Any]
_LOGGING = "tensorflow.python.platform.tf_logging"

_silent: list[bool] = []
_told: set[Any] = set()


class DeprecatedNamesAlreadySet(Exception):
    """The deprecated names of a symbol are set a second time."""


class DeprecatedArgSpec(NamedTuple):
    """Where a deprecated argument stands, and the value with which it may still be given."""

    position: int
    has_ok_value: bool
    ok_value: Any


def _warn(*text: Any) -> None:
    """Programs patch TF's logging module to see warnings, so it is asked if there is one."""
    module = importlib.import_module(_LOGGING) if "tensorflow" in sys.modules else get_logger()
    module.warning(*text)


def _warn_of(key: Any, once: bool, *text: Any) -> None:
    """Warns with the place of the call two frames above before the text."""
    if _silent or key in _told:
        return
    if once:
        _told.add(key)
    frame = sys._getframe(2)
    _warn("From %s: " + text[0], f"{frame.f_code.co_filename}:{frame.f_lineno}", *text[1:])


def _when(date: str | None) -> str:
    return "in a future version" if date is None else f"after {date}"


def _check(date: str | None, instructions: str) -> None:
    if date is not None and not re.match(r"20\d\d-[01]\d-[0123]\d", date):
        raise ValueError("Date must be YYYY-MM-DD.")
    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")


def get_qualified_name(function: Any) -> str:
    """The name of a function, behind that of its class."""
    return getattr(function, "__qualname__", None) or function.__name__  # type: ignore[no-any-return]


def validate_callable(func: Any, decorator_name: str) -> None:
    """Raises ValueError for a property or another thing that cannot be called."""
    if not callable(func):
        raise ValueError(
            f"{func} is not a function. If this is a property, make sure @property appears before @{decorator_name} "
            f"in your source code:\n\n@property\n@{decorator_name}\ndef method(...)"
        )


def add_notice_to_docstring(
    doc: str | None, instructions: str | None, no_doc_str: str, suffix_str: str, notice: Sequence[str]
) -> str:
    """The docs with a notice below their first line, which gets the suffix.

    Raises ValueError without a notice.
    """
    if not notice:
        raise ValueError("The `notice` arg must not be empty.")
    lines = inspect.cleandoc(doc).splitlines() if doc else [no_doc_str]
    if doc:
        lines[0] += " " + suffix_str
    added = ["", "Warning: " + notice[0], *notice[1:], *([instructions] if instructions else [])]
    if len(lines) > 1 and lines[1].strip():
        added.append("")
    return "\n".join([lines[0], *added, *lines[1:]])


def _documented(func: Any, date: str | None, instructions: str, kind: str, suffix: str, what: str) -> str:
    verb = "THIS FUNCTION IS DEPRECATED. It" if not what else f"{what} They"
    notice = [f"{verb} will be removed {_when(date)}.", "Instructions for updating:"]
    return add_notice_to_docstring(func.__doc__, instructions, f"DEPRECATED {kind}", f"({suffix})", notice)


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Callable[[Any], Any]:
    """A decorator: calls warn, and the docs say so.

    Raises ValueError for another form of date, no instructions, or what cannot be called.
    """
    _check(date, instructions)

    def decorate(func: Any) -> Any:
        validate_callable(func, "deprecated")

        @functools.wraps(func)
        def warning(*args: Any, **kwargs: Any) -> Any:
            text = "%s (from %s) is deprecated and will be removed %s.\nInstructions for updating:\n%s"
            what = get_qualified_name(func), func.__module__, _when(date), instructions
            _warn_of(func, warn_once, text, *what)
            return func(*args, **kwargs)

        doc = _documented(func, date, instructions, "FUNCTION", "deprecated", "")
        return make_decorator(func, warning, "deprecated", doc)

    return decorate


def _values(func: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a call by name; a wrapper of TF's kind is asked for what it wraps."""
    return inspect.getcallargs(unwrap(func)[1], *args, **kwargs)


def _same_value(a: Any, b: Any) -> bool:
    """Equality that is False for what has none, such as arrays."""
    if a is b:
        return True
    with contextlib.suppress(TypeError):
        equal = a == b
        return equal if isinstance(equal, bool) else False
    return False


def _positions(func: Any, wanted: Mapping[str, DeprecatedArgSpec], given: int) -> dict[str, DeprecatedArgSpec]:
    spec = inspect.getfullargspec(func)
    found = {n: s._replace(position=spec.args.index(n)) for n, s in wanted.items() if n in spec.args}
    if len(found) + (spec.varargs in wanted) + (spec.varkw in wanted) != given:
        known = [*spec.args, spec.varargs, spec.varkw]
        absent = [name for name in wanted if name not in known]
        raise ValueError(
            f"The following deprecated arguments are not present in the function signature: {absent}. "
            f"Found next arguments: {known}."
        )
    return found


def _deprecated_given(func: Any, wanted: Any, found: Any, args: Any, kwargs: Any) -> list[str]:
    """The deprecated arguments that a call gives, other than with a value that is allowed."""
    values, spec = _values(func, args, kwargs), inspect.getfullargspec(func)

    def counts(name: str) -> bool:
        rule = found[name]
        return not (rule.has_ok_value and _same_value(values[name], rule.ok_value))

    names = [name for name, rule in found.items() if rule.position < len(args) and counts(name)]
    names += [spec.varargs] if spec.varargs in wanted and len(args) > len(spec.args) else []
    names += [spec.varkw] if spec.varkw in wanted and kwargs else []
    return names + [name for name in found if name in kwargs and counts(name)]


def deprecated_args(date: str | None, instructions: str, *names: Any, **options: Any) -> Callable[[Any], Any]:
    """A decorator: calls that give one of the arguments warn; `(name, value)` allows that value.

    Raises ValueError for another form of date, no instructions, no arguments, or arguments that the function lacks.
    """
    _check(date, instructions)
    if not names:
        raise ValueError("Specify which argument is deprecated.")
    once = options.pop("warn_once", True)
    if options:
        raise ValueError(f"Illegal argument to deprecated_args: {options}")
    pairs = [n if isinstance(n, tuple) else (n,) for n in names]
    wanted = {n[0]: DeprecatedArgSpec(-1, len(n) > 1, n[1] if len(n) > 1 else None) for n in pairs}

    def decorate(func: Any) -> Any:
        validate_callable(func, "deprecated_args")
        found = _positions(func, wanted, len(names))

        @functools.wraps(func)
        def warning(*args: Any, **kwargs: Any) -> Any:
            for name in [] if _silent else _deprecated_given(func, wanted, found, args, kwargs):
                text = (
                    "calling %s (from %s) with %s is deprecated and will be removed %s.\nInstructions for updating:\n%s"
                )
                what = get_qualified_name(func), func.__module__, name, _when(date), instructions
                _warn_of((func, name), once, text, *what)
            return func(*args, **kwargs)

        listed = f"SOME ARGUMENTS ARE DEPRECATED: `({', '.join(sorted(wanted))})`."
        doc = _documented(func, date, instructions, "FUNCTION ARGUMENTS", "deprecated arguments", listed)
        return make_decorator(func, warning, "deprecated", doc)

    return decorate


def deprecated_arg_values(
    date: str | None, instructions: str, warn_once: bool = True, **values: Any
) -> Callable[[Any], Any]:
    """A decorator: calls that give one of the arguments with the value named warn.

    Raises ValueError for another form of date, no instructions or no values.
    """
    _check(date, instructions)
    if not values:
        raise ValueError("Specify which argument values are deprecated.")

    def decorate(func: Any) -> Any:
        validate_callable(func, "deprecated_arg_values")

        @functools.wraps(func)
        def warning(*args: Any, **kwargs: Any) -> Any:
            given = {} if _silent else _values(func, args, kwargs)
            for name, value in values.items():
                if name in given and given[name] == value:
                    text = (
                        "calling %s (from %s) with %s=%s is deprecated and will be removed %s.\n"
                        "Instructions for updating:\n%s"
                    )
                    what = get_qualified_name(func), func.__module__, name, value, _when(date), instructions
                    _warn_of((func, name), warn_once, text, *what)
            return func(*args, **kwargs)

        listed = ", ".join(f"{name}={value!r}" for name, value in sorted(values.items()))
        what = f"SOME ARGUMENT VALUES ARE DEPRECATED: `({listed})`."
        doc = _documented(func, date, instructions, "FUNCTION ARGUMENT VALUES", "deprecated argument values", what)
        return make_decorator(func, warning, "deprecated", doc)

    return decorate


_RENAMED = "The name %s is deprecated. Please use %s instead.\n"


def deprecated_alias(deprecated_name: str, name: str, func_or_class: Any, warn_once: bool = True) -> Any:
    """A function or class under its old name: using it warns."""
    if inspect.isclass(func_or_class):
        return _class_alias(deprecated_name, name, func_or_class, warn_once)
    validate_callable(func_or_class, "deprecated")

    @functools.wraps(func_or_class)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        _warn_of(renamed, warn_once, _RENAMED, deprecated_name, name)
        return func_or_class(*args, **kwargs)

    doc = _documented(func_or_class, None, f"Please use {name} instead.", "FUNCTION", "deprecated", "")
    return make_decorator(func_or_class, renamed, "deprecated", doc)


def _class_alias(old: str, new: str, base: Any, once: bool) -> Any:
    @functools.wraps(base.__init__)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        _warn_of(init, once, _RENAMED, old, new)
        base.__init__(self, *args, **kwargs)

    notice = ["THIS CLASS IS DEPRECATED. It will be removed in a future version. "]
    doc = add_notice_to_docstring(
        base.__doc__, f"Please use {new} instead.", "DEPRECATED CLASS", "(deprecated)", notice
    )
    return type(base)(
        "_NewClass",
        (base,),
        {"__doc__": doc, "__init__": make_decorator(base.__init__, init), "__module__": base.__module__},
    )


def deprecated_endpoints(*args: str) -> Callable[[Any], Any]:
    """A decorator that notes deprecated names of a symbol.

    Raises DeprecatedNamesAlreadySet for a symbol that has some.
    """

    def decorate(func: Any) -> Any:
        if "_tf_deprecated_api_names" in func.__dict__:
            raise DeprecatedNamesAlreadySet(
                f"Cannot set deprecated names for {func.__name__} to {args}. "
                f"Deprecated names are already set to {func._tf_deprecated_api_names}."
            )
        func._tf_deprecated_api_names = args
        return func

    return decorate


def deprecated_argument_lookup(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that has two names.

    Raises ValueError if both are given.
    """
    if old_value is not None and new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return new_value if old_value is None else old_value


def rewrite_argument_docstring(old_doc: str, old_argument: str, new_argument: str) -> str:
    """Docs with another name of an argument."""
    return old_doc.replace(f"`{old_argument}`", f"`{new_argument}`").replace(f"{old_argument}:", f"{new_argument}:")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """A block in which nothing deprecated warns."""
    _silent.append(True)
    try:
        yield
    finally:
        _silent.pop()
