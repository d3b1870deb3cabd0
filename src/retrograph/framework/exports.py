"""The public `tf.*` names that functions, classes and values declare beside their definition.

The declarations are gathered by `tools/gen_exports.py` into `_exports.py`, so that `import retrograph` needs none of
the modules that they stand in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

EXPORTS: dict[str, str] = {}
"""Public name without `tf.` -> `module:attribute`."""


def export(*names: str) -> Callable[[T], T]:
    """Declares the public names of a function or class.

    >>> @export("math.twice", "twice")
    ... def twice(x): return x + x
    """

    def declare(target: T) -> T:
        definition: Any = target
        for name in names:
            EXPORTS[name] = f"{definition.__module__}:{definition.__qualname__}"
        return target

    return declare


def export_value(*names: Any, value: Any = None, attribute: str | None = None) -> Any:
    """Declares public names of a module-level value; `attribute` is its name in the calling module.

    The value may also be given last by position: `export_value("AUTO_REUSE", AUTO_REUSE)`.
    """
    if names and not isinstance(names[-1], str):
        names, value = names[:-1], names[-1]
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    module = caller.f_globals["__name__"] if caller is not None else "?"
    for name in names:
        EXPORTS[name] = f"{module}:{attribute or name.rsplit('.', 1)[-1]}"
    return value
