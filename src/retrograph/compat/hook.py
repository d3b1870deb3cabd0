"""The import hook: `import tensorflow` and everything below it, without TensorFlow.

Every module below `tensorflow` is a `Shadow`: it holds nothing and looks names up as they are asked for (see
`resolve.py`). A module that TF 1.15 had can always be imported; a name that Retrograph lacks raises where it is used.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from retrograph.compat import beside, facts, protobuf, resolve
from retrograph.compat.homes import INSTALLS, MIRRORS

ROOT = "tensorflow"


class Shadow(ModuleType):
    """A module of TF's whose names are looked up when asked for."""

    def __getattr__(self, name: str) -> Any:
        value = _lookup(self.__name__, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *resolve.names_of(self.__name__)})


class Mirror(Shadow):
    """A module whose functions Retrograph itself calls: what a test puts in the place of one of them is called instead."""

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(importlib.import_module(MIRRORS[self.__name__]))
        if name in own and not name.startswith("__"):
            vars(self).setdefault("_own", {}).setdefault(name, own[name])
            own[name] = value
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in vars(self).get("_own", {}):
            vars(importlib.import_module(MIRRORS[self.__name__]))[name] = vars(self)["_own"][name]
        super().__delattr__(name)


def _lookup(module: str, name: str) -> Any:
    if name == "__all__":
        return resolve.names_of(module)
    found = resolve.find(module, name)
    if found is not resolve.MISSING:
        return found
    path = f"{module}.{name}"
    if resolve.is_module(path):
        return importlib.import_module(path)
    if not name.startswith("__") and facts.had(path):
        raise AttributeError(facts.missing(path))
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return (Mirror if spec.name in MIRRORS else Shadow)(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run, but for the few modules that install something: names are looked up when asked for."""
        if module.__name__ in INSTALLS:
            importlib.import_module(INSTALLS[module.__name__])


class Finder(importlib.abc.MetaPathFinder):
    """Finds what TF 1.15 had below `tensorflow`; explains what Retrograph lacks."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a shadow module; ImportError for a name that TF had and nobody else provides."""
        if fullname != ROOT and not fullname.startswith(ROOT + "."):
            return None
        if resolve.is_module(fullname):
            return importlib.machinery.ModuleSpec(fullname, _Loader(), is_package=True)
        other: importlib.machinery.ModuleSpec | None = self._from_later_finders(fullname, path)
        if other is None and facts.had(fullname):
            raise ImportError(facts.missing(fullname), name=fullname)
        return other

    def _from_later_finders(self, fullname: str, path: Sequence[str] | None) -> Any:
        later = sys.meta_path[sys.meta_path.index(self) + 1 :]
        specs = (finder.find_spec(fullname, path) for finder in later if hasattr(finder, "find_spec"))
        return next((spec for spec in specs if spec is not None), None)


_FINDER = Finder()
_BESIDE = beside.Finder()


def install() -> None:
    """Makes `import tensorflow` give Retrograph from now on, in this process.

    >>> import retrograph
    >>> retrograph.install()
    >>> import tensorflow as tf

    Raises RuntimeError if another `tensorflow` is loaded already.
    """
    loaded = sys.modules.get(ROOT)
    if loaded is not None and not isinstance(loaded, Shadow):
        raise RuntimeError(
            "retrograph.install() must come before the first `import tensorflow`: another one is loaded."
        )
    protobuf.install()
    if _FINDER not in sys.meta_path:
        sys.meta_path[:0] = [_FINDER, _BESIDE]
