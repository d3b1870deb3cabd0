"""From a name in one of TF's modules to the object of Retrograph that it is."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from types import ModuleType
from typing import Any

from retrograph import _namespace
from retrograph._exports import EXPORTS
from retrograph.compat import facts, generated, keras_scope, raw_ops, v2_names
from retrograph.compat.homes import ELSEWHERE, HELPERS, HOMES
from retrograph.compat.internal_names import INTERNALS
from retrograph.framework import errors
from retrograph.framework.messages import class_in_module

MISSING: Any = facts.MISSING
_INNER = ("tensorflow.python.", "tensorflow.core.")
_KERAS = "tensorflow.python.keras."
# Where the names of a part of tensorflow.python.keras are public.
_KERAS_SPACES = {
    "": ("keras",), "engine": ("keras.layers", "keras"), "optimizer_v2": ("keras.optimizers.schedules", "keras.experimental", "keras.optimizers"), "callbacks_v1": ("keras.callbacks",),
    "preprocessing": ("keras.preprocessing.sequence", "keras.preprocessing.text"),
}  # fmt: skip
_RECORDED = (*_INNER, "tensorflow.contrib.")


def find(module: str, name: str) -> Any:
    """The object that `module.name` was in TF 1.15, or MISSING."""
    module = v2_names.outside(module)
    if module in facts.RAW_OPS:
        return raw_ops.find(name) or MISSING
    if f"{module}.".startswith(v2_names.PREFIX):
        return _in_v2(module, name)
    rules = (_internal, _public, _message, _recorded, _keras_name, _at_home, _raw_op, _keras_class)
    return next((value for value in (rule(module, name) for rule in rules) if value is not MISSING), MISSING)


def _in_v2(module: str, name: str) -> Any:
    if module == "tensorflow.compat.v2" and name.startswith("__"):
        return _root_value(name)
    return v2_names.find(module, name, find)


def _internal(module: str, name: str) -> Any:
    target = INTERNALS.get(module, {}).get(name)
    if target is None:
        return MISSING
    value: Any = importlib.import_module(target.partition(":")[0])
    attribute = target.partition(":")[2]
    return getattr(value, attribute, MISSING) if attribute else value


def _symbol(symbol: str) -> Any:
    """The public object `tf.<symbol>` if Retrograph has it; a namespace is none."""
    if symbol not in EXPORTS:
        return _root_value(symbol)
    path, _, name = symbol.rpartition(".")
    return _namespace.resolve(path, name)


def _root_value(symbol: str) -> Any:
    """Names that the package itself holds, such as `__version__`."""
    value = vars(importlib.import_module("retrograph")).get(symbol, MISSING)
    return MISSING if isinstance(value, ModuleType) else value


def _public(module: str, name: str) -> Any:
    if f"{module}.".startswith(_INNER):
        return MISSING
    return _symbol(facts.public_name(f"{module}.{name}"))


def _message(module: str, name: str) -> Any:
    """A protocol buffer, by the module that TF's generated classes stand in."""
    if not module.endswith("_pb2"):
        return MISSING
    found = class_in_module(module, name)
    return MISSING if found is None else found


def _recorded(module: str, name: str) -> Any:
    row = facts.modules().get(module, {}).get(name, "") if f"{module}.".startswith(_RECORDED) else ""
    if row.startswith("@"):
        return importlib.import_module(row[1:])
    if row.startswith("!"):
        return generated.wrapper(name, row)
    if row.startswith("~"):
        return find(*row[1:].split(":", 1))
    return next((value for value in map(_symbol, row.split("|")) if value is not MISSING), MISSING)


@functools.cache
def _members(home: str) -> tuple[str, ...]:
    """The modules of a home: itself, and what a package holds. None where the home does not exist."""
    try:
        spec = importlib.util.find_spec(home)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        return ()
    below = pkgutil.iter_modules(spec.submodule_search_locations, home + ".") if spec.submodule_search_locations else ()
    return (home, *(info.name for info in below if info.name not in HELPERS))


def _homes(module: str, name: str) -> list[str]:
    """The modules to search for a name, the nearest home first."""
    homes = list(HOMES.get(module, ()))
    row = facts.modules().get(module, {}).get(name, "")
    if module.startswith("tensorflow.core") or not (row or module.startswith(ELSEWHERE)):
        homes += [home for path in reversed(facts.parents(module)) for home in HOMES.get(path, ())]
    return homes


def _raw_op(module: str, name: str) -> Any:
    """A function of a `gen_*_ops` module by its op type: `gen_math_ops.MatMul` is `gen_math_ops.mat_mul`."""
    if not module.startswith("tensorflow.python.ops.gen_") or not name[:1].isupper():
        return MISSING
    rows = facts.modules().get(module, {}).values()
    row = next((row for row in rows if row.partition(" ")[0] == "!" + name), None)
    return MISSING if row is None else generated.wrapper(name, row)


def _at_home(module: str, name: str) -> Any:
    # What Python keeps in each module (`__path__`, `__file__`) is of our modules, not of TF's.
    if name.startswith("__"):
        return MISSING
    found = (_in_home(home, name) for home in _homes(module, name))
    return next((value for value in found if value is not MISSING), MISSING)


def _in_home(home: str, name: str) -> Any:
    """What a home defines by that name; else what one of its modules takes from another."""
    used = MISSING
    for member in _members(home):
        own = vars(importlib.import_module(member))
        if name in own and name in own.get("__all__", ()):
            return own[name]
        if name in own and _defined_here(own[name]):
            if getattr(own[name], "__module__", member) == member:
                return own[name]
            used = own[name] if used is MISSING else used
    return used


def _defined_here(value: Any) -> bool:
    """False for what a module of ours only uses: other modules, and functions from elsewhere."""
    return not isinstance(value, ModuleType) and str(getattr(value, "__module__", "retrograph")).startswith(
        ("retrograph", "tensorflow.python.")
    )


def _keras_name(module: str, name: str) -> Any:
    """A public name of tf.keras by the module that defines it: `tensorflow.python.keras.layers.core.Dense`."""
    if not f"{module}.".startswith(_KERAS):
        return MISSING
    part = module.removeprefix(_KERAS).partition(".")[0]
    spaces = _KERAS_SPACES.get(part, (f"keras.{part}",))
    return next((value for value in (_symbol(f"{space}.{name}") for space in spaces) if value is not MISSING), MISSING)


def _keras_class(module: str, name: str) -> Any:
    """A class that can be subclassed but not made: files define such subclasses beside what they are about."""
    if not module.startswith("tensorflow.python.keras") or name not in facts.modules().get(module, ()):
        return MISSING
    return _Unsupported(name, (), {"__module__": module}) if name[:1].isupper() else MISSING


class _Unsupported(type):
    """The class of a class of tf.keras."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise errors.UnimplementedError(None, None, f"{cls.__name__}: {keras_scope.SCOPE}")


def is_module(path: str) -> bool:
    """True for a dotted path that is a module in TF 1.15, or a namespace of Retrograph's own."""
    path = v2_names.outside(path)
    if path in facts.RAW_OPS or path in v2_names.namespaces():
        return True
    public = facts.public_name(path)
    if public in EXPORTS:
        return False
    return path == "tensorflow" or public in _namespace.NAMESPACES or path in facts.namespaces()


def names_of(module: str) -> list[str]:
    """The public names that a module gives, for `dir()` and `from module import *`."""
    module = v2_names.outside(module)
    if module in facts.RAW_OPS:
        return dir(raw_ops)
    if module in v2_names.namespaces():
        return v2_names.names_of(module)
    recorded = facts.modules().get(module)
    if recorded is not None:
        return [name for name in recorded if not name.startswith("_") and find(module, name) is not MISSING]
    public = facts.public_name(module + ".").rstrip(".")
    return [name for name in _namespace.names_in(public) if not name.startswith("_")]
