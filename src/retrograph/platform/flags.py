"""`tf.flags`: absl's flags under the argument names of 2016, parsed at first use if nobody parsed them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from absl import flags as _absl

from retrograph.framework.exports import EXPORTS

_RENAMED = {"flag_name": "name", "default_value": "default", "docstring": "help"}


class _FlagValuesWrapper:
    """absl's FLAGS, which parses `sys.argv` when a value is asked for before `tf.app.run` did."""

    def __init__(self, values: Any) -> None:
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        if name in ("__flags", "__wrapped"):
            return values._flags() if name == "__flags" else values
        if not hasattr(type(values), name) and not values.is_parsed():
            values(sys.argv)
        return getattr(values, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_values"), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(object.__getattribute__(self, "_values"), name)

    def __dir__(self) -> list[str]:
        return dir(object.__getattribute__(self, "_values"))

    def __getitem__(self, name: str) -> Any:
        return object.__getattribute__(self, "_values")[name]

    def __setitem__(self, name: str, flag: Any) -> None:
        object.__getattribute__(self, "_values")[name] = flag

    def __iter__(self) -> Any:
        return iter(object.__getattribute__(self, "_values"))

    def __len__(self) -> int:
        return len(object.__getattribute__(self, "_values"))

    def __contains__(self, name: str) -> bool:
        return name in object.__getattribute__(self, "_values")

    def __str__(self) -> str:
        return str(object.__getattribute__(self, "_values"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return object.__getattribute__(self, "_values")(*args, **kwargs)


def _with_old_names(define: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(define)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for old, new in _RENAMED.items():
            if old in kwargs:
                kwargs[new] = kwargs.pop(old)
        return define(*args, **kwargs)

    return wrapper


def _wrapped(name: str) -> Any:
    value = getattr(_absl, name)
    return _with_old_names(value) if name in _OLD_NAMES else value


_OLD_NAMES = ("DEFINE_string", "DEFINE_boolean", "DEFINE_bool", "DEFINE_float", "DEFINE_integer")

for _name in dir(_absl):
    if not _name.startswith("_") and _name not in ("FLAGS", "annotations"):
        globals()[_name] = _wrapped(_name)
        EXPORTS[f"flags.{_name}"] = f"{__name__}:{_name}"

FLAGS = _FlagValuesWrapper(_absl.FLAGS)
EXPORTS["flags.FLAGS"] = f"{__name__}:FLAGS"
for _public, _target in list(EXPORTS.items()):
    if _public.startswith("flags."):
        EXPORTS[f"app.{_public}"] = _target

__all__ = ["FLAGS", *(name for name in dir(_absl) if not name.startswith("_") and name not in ("FLAGS", "annotations"))]
