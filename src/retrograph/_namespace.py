"""Namespaces whose names are resolved when first used, from the generated table of exports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from retrograph._exports import EXPORTS

# Names that graph building cannot do without: the op families install rows and operators when they are imported.
_WITHOUT_OPS = frozenset(
    (
        "retrograph.framework.dtypes",
        "retrograph.framework.shape",
        "retrograph.framework.errors",
        "retrograph.framework.collections",
    )
)


def _namespaces() -> frozenset[str]:
    found: set[str] = set()
    for name in EXPORTS:
        parts = name.split(".")
        found.update(".".join(parts[:i]) for i in range(1, len(parts)))
    return frozenset(found)


NAMESPACES = _namespaces()


class Namespace(ModuleType):
    """A module of public names (`tf.nn`, `tf.train`) that imports what a name stands for when it is asked for."""

    def __init__(self, path: str):
        super().__init__(f"retrograph.{path}")
        self.__dict__["_path"] = path
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = resolve(self.__dict__["_path"], name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return names_in(self.__dict__["_path"])


_made: dict[str, ModuleType] = {}


def namespace(path: str) -> ModuleType:
    """The namespace at a dotted path: the package of that name if there is one, else a `Namespace`."""
    if path not in _made:
        module = sys.modules.get(f"retrograph.{path}")
        _made[path] = module if module is not None and getattr(module, "_IS_NAMESPACE", False) else Namespace(path)
    return _made[path]


def names_in(path: str) -> list[str]:
    """The public names directly in a namespace ('' is the root)."""
    prefix = f"{path}." if path else ""
    return sorted({n[len(prefix) :].partition(".")[0] for n in EXPORTS if n.startswith(prefix)})


def resolve(path: str, name: str) -> Any:
    """What `tf.<path>.<name>` is; AttributeError names it and says whether TF 1.15 had it."""
    full = f"{path}.{name}" if path else name
    target = EXPORTS.get(full)
    if target is not None:
        return _load(target)
    if full in NAMESPACES or full == "compat.v1":
        return namespace(full)
    if full.startswith("compat.v1."):
        return resolve(*_split(full[len("compat.v1.") :]))
    raise AttributeError(missing_text(full))


def _split(full: str) -> tuple[str, str]:
    path, _, name = full.rpartition(".")
    return path, name


def _load(target: str) -> Any:
    module_name, _, attribute = target.partition(":")
    if module_name not in _WITHOUT_OPS:
        importlib.import_module("retrograph.ops")
    value: Any = importlib.import_module(module_name)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def missing_text(full: str) -> str:
    """Why a name is not there."""
    if full.split(".")[-1].startswith("__"):
        return f"module 'retrograph' has no attribute '{full}'"
    from retrograph.compat import facts  # only needed to explain a failure

    path = f"tensorflow.{full}"
    module, _, name = path.rpartition(".")
    return facts.missing(path) if facts.had(path) else f"module '{module}' has no attribute '{name}'"


def _is_submodule(package: dict[str, Any], name: str) -> bool:
    """True where `from package import name` should go on to import a module of the package."""
    return PathFinder.find_spec(f"{package['__name__']}.{name}", package["__path__"]) is not None


def package_namespace(
    path: str, module_globals: dict[str, Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package that is a public namespace too (`retrograph.train` is `tf.train`)."""
    module_globals["_IS_NAMESPACE"] = True

    def get(name: str) -> Any:
        full = f"{path}.{name}"
        public = full in EXPORTS or full in NAMESPACES
        if name.startswith("__") or (not public and _is_submodule(module_globals, name)):
            raise AttributeError(name)
        value = resolve(path, name)
        module_globals[name] = value
        return value

    return get, lambda: names_in(path)
