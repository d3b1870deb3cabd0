"""`tensorflow.python.util.tf_export`: marks of the public names of functions, classes and constants.

The marks have no effect on what `retrograph` shows; TensorFlow's own build reads them.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from retrograph.compat.tf_decorator import make_decorator, unwrap
from retrograph.compat.tf_inspect import getargspec

__all__ = ["api_export", "estimator_export", "keras_export", "tf_export"]
TENSORFLOW_API_NAME, ESTIMATOR_API_NAME, KERAS_API_NAME = "tensorflow", "estimator", "keras"
SUBPACKAGE_NAMESPACES = [ESTIMATOR_API_NAME]


class _Attributes(NamedTuple):
    names: str
    constants: str


_STARTS = {TENSORFLOW_API_NAME: "_tf", ESTIMATOR_API_NAME: "_estimator", KERAS_API_NAME: "_keras"}
API_ATTRS = {key: _Attributes(f"{s}_api_names", f"{s}_api_constants") for key, s in _STARTS.items()}
API_ATTRS_V1 = {key: _Attributes(f"{s}_api_names_v1", f"{s}_api_constants_v1") for key, s in _STARTS.items()}


class SymbolAlreadyExposedError(Exception):
    """Something has a public name already."""


class InvalidSymbolNameError(Exception):
    """A name that belongs to another package."""


def get_canonical_name(api_names: Any, deprecated_api_names: Any) -> Any:
    """The first name that is not deprecated, else the first; None if there is none."""
    known = [name for name in api_names if name not in deprecated_api_names]
    return (known or list(api_names) or [None])[0]


def get_canonical_name_for_symbol(
    symbol: Any, api_name: str = TENSORFLOW_API_NAME, add_prefix_to_v1_names: bool = False
) -> Any:
    """The public name that a function or class is marked with; None if it is not."""
    if not hasattr(symbol, "__dict__"):
        return None
    marks = unwrap(symbol)[1].__dict__
    if API_ATTRS[api_name].names not in marks:
        return None
    old = marks.get("_tf_deprecated_api_names", [])
    found = get_canonical_name(marks[API_ATTRS[api_name].names], old)
    if found:
        return found
    found = get_canonical_name(marks[API_ATTRS_V1[api_name].names], old)
    return f"compat.v1.{found}" if add_prefix_to_v1_names else found


def _marked(symbol: Any, table: dict[str, _Attributes]) -> list[Any]:
    marks = getattr(symbol, "__dict__", {})
    return [name for attributes in table.values() for name in marks.get(attributes.names, ())]


def get_v1_names(symbol: Any) -> list[Any]:
    """The names of TF 1 that something is marked with."""
    return _marked(symbol, API_ATTRS_V1)


def get_v2_names(symbol: Any) -> list[Any]:
    """The names of TF 2 that something is marked with."""
    return _marked(symbol, API_ATTRS)


def _constants(module: Any, table: dict[str, _Attributes]) -> list[Any]:
    kinds = (TENSORFLOW_API_NAME, ESTIMATOR_API_NAME)
    return [found for kind in kinds for found in getattr(module, table[kind].constants, ())]


def get_v1_constants(module: Any) -> list[Any]:
    """(names of TF 1, constant) of the constants of a module."""
    return _constants(module, API_ATTRS_V1)


def get_v2_constants(module: Any) -> list[Any]:
    """(names of TF 2, constant) of the constants of a module."""
    return _constants(module, API_ATTRS)


class api_export:
    """A decorator that marks something with public names.

    Raises InvalidSymbolNameError: a name of another package; SymbolAlreadyExposedError: it has names.
    Source: TF 1.15 `tensorflow.python.util.tf_export.api_export`.
    """

    def __init__(self, *args: str, **kwargs: Any):
        if "v2" in kwargs:
            raise ValueError(
                'You passed a "v2" argument to tf_export. This is not what you want. Pass v2 names directly as positional arguments '
                "instead."
            )
        self._names, self._names_v1 = args, kwargs.get("v1", args)
        self._api_name = kwargs.get("api_name", TENSORFLOW_API_NAME)
        self._overrides = kwargs.get("overrides", [])
        self._allow_multiple_exports = kwargs.get("allow_multiple_exports", False)
        self._validate()

    def _validate(self) -> None:
        names = {*self._names, *self._names_v1}
        if self._api_name != TENSORFLOW_API_NAME:
            if not all(name.startswith(self._api_name) for name in names):
                raise InvalidSymbolNameError(
                    "Can only export symbols under package name of component. e.g. tensorflow_estimator must export all symbols "
                    "under tf.estimator"
                )
            return
        for space in SUBPACKAGE_NAMESPACES:
            if any(name.startswith(space) for name in names):
                raise InvalidSymbolNameError(f"@tf_export is not allowed to export symbols under {space}.*")

    def _tables(self) -> tuple[tuple[_Attributes, Any], ...]:
        return (API_ATTRS[self._api_name], self._names), (API_ATTRS_V1[self._api_name], self._names_v1)

    def __call__(self, func: Any) -> Any:
        for other in self._overrides:
            plain = unwrap(other)[1]
            for attributes, _ in self._tables():
                if attributes.names in plain.__dict__:
                    delattr(plain, attributes.names)
        plain = unwrap(func)[1]
        for attributes, names in self._tables():
            self.set_attr(plain, attributes.names, names)
        return func

    def set_attr(self, func: Any, api_names_attr: str, names: Any) -> None:
        """Marks something; what cannot be marked stays as it is."""
        if api_names_attr in getattr(func, "__dict__", {}) and not self._allow_multiple_exports:
            raise SymbolAlreadyExposedError(
                f"Symbol {func.__name__} is already exposed as {getattr(func, api_names_attr)}."
            )
        setattr(func, api_names_attr, names)

    def export_constant(self, module_name: str, name: Any) -> None:
        """Marks a constant of a module."""
        module = sys.modules[module_name]
        for attributes, names in self._tables():
            if not hasattr(module, attributes.constants):
                setattr(module, attributes.constants, [])
            getattr(module, attributes.constants).append((names, name))


def kwarg_only(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that refuses positional arguments."""
    spec = getargspec(f)

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args:
            raise TypeError(
                f"{f.__name__} only takes keyword args (possible keys: {spec.args}). Please pass these args as kwargs instead."
            )
        return f(**kwargs)

    return make_decorator(f, wrapper, decorator_argspec=spec)


tf_export = functools.partial(api_export, api_name=TENSORFLOW_API_NAME)
estimator_export = functools.partial(api_export, api_name=ESTIMATOR_API_NAME)
keras_export = functools.partial(api_export, api_name=KERAS_API_NAME)
