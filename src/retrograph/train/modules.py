"""`tf.Module`: an object that finds the variables and modules among its attributes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from retrograph.framework import nest
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.train.tracking import AutoTrackable
from retrograph.variables.base import Variable

_CAMEL = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")
_IDENTIFIER = re.compile(r"^[a-zA-Z_]([a-zA-Z0-9_])*$")
_Path = tuple[Any, ...]


def camel_to_snake(value: str) -> str:
    """The name of a class as that of a module.

    >>> camel_to_snake("MyDenseLayer")
    'my_dense_layer'
    """
    return _CAMEL.sub(r"_\1", value).lower()


def valid_identifier(name: str) -> bool:
    """Whether a module may have this name."""
    return bool(_IDENTIFIER.match(name))


def _is_trainable(value: Any) -> bool:
    return isinstance(value, Variable) and bool(getattr(value, "trainable", False))


@export("Module")
class Module(AutoTrackable):
    """A named object; what it holds, in attributes, lists and other modules, it finds by itself.

    Raises ValueError: a name that is no identifier. Source: TF 1.15 `tf.Module`.
    """

    _TF_MODULE_IGNORED_PROPERTIES = frozenset(("_tracked_parts",))

    def __init__(self, name: str | None = None):
        if name is None:
            name = camel_to_snake(type(self).__name__)
        elif not valid_identifier(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers (e.g. a valid class name)."
            )
        self._name = name
        with name_scope(name) as scope_name:
            self._scope_name = scope_name

    @property
    def name(self) -> str:
        """The name, as it was given."""
        return self._name

    @property
    def name_scope(self) -> Any:
        """The name scope of the module, to be entered."""
        return name_scope(self._scope_name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables of the module and of those in it."""
        return tuple(self._flatten(predicate=lambda value: isinstance(value, Variable)))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of the variables that are trained."""
        return tuple(self._flatten(predicate=_is_trainable))

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules in this one, and those in them."""
        return tuple(self._flatten(predicate=lambda value: isinstance(value, Module)))

    def _flatten(
        self,
        recursive: bool = True,
        predicate: Callable[[Any], bool] | None = None,
        attribute_traversal_key: Callable[[str], Any] | None = None,
        with_path: bool = False,
    ) -> Iterator[Any]:
        """What is held and fulfils the predicate, each once (or with its paths): by name, submodules last."""
        walk = _Walk(recursive, predicate or (lambda _: True), attribute_traversal_key, with_path)
        return walk.through(self, ())

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, run in the name scope of its module."""

        @functools.wraps(method)
        def method_with_name_scope(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return method_with_name_scope


class _Walk:
    """A walk through a module and those in it."""

    def __init__(self, recursive: bool, predicate: Callable[[Any], bool], key: Any, with_path: bool):
        self._recursive, self._predicate, self._key, self._with_path = recursive, predicate, key, with_path
        self._seen: set[int] = set()

    def _leaves(self, module: Module) -> Iterator[tuple[_Path, Any]]:
        held = vars(module)
        for key in sorted(held, key=self._key):
            if key not in module._TF_MODULE_IGNORED_PROPERTIES:
                for path, leaf in nest.flatten_with_tuple_paths(held[key]):
                    yield (key, *path), leaf

    def _is_new(self, leaf: Any) -> bool:
        if self._with_path:
            return True
        new = id(leaf) not in self._seen
        self._seen.add(id(leaf))
        return new

    def through(self, module: Module, above: _Path) -> Iterator[Any]:
        """What is found in the module."""
        self._seen.add(id(module))
        inner: list[tuple[_Path, Module]] = []
        for path, leaf in self._leaves(module):
            if not self._is_new(leaf):
                continue
            if self._predicate(leaf):
                yield (above + path, leaf) if self._with_path else leaf
            if self._recursive and isinstance(leaf, Module):
                inner.append((above + path, leaf))
        for path, one in inner:
            yield from self.through(one, path)
