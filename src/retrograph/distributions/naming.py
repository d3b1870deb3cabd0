"""What each class of the package says of its public names and of its arguments."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from retrograph.framework.exports import export

T = TypeVar("T")


def distribution(name: str, core: bool = False) -> Callable[[T], T]:
    """Declares `tf.contrib.distributions.<name>`, and `tf.distributions.<name>` for what is in the core."""
    names = [f"contrib.distributions.{name}"]
    return export(*names, *([f"distributions.{name}"] if core else []))


def bijector(name: str) -> Callable[[T], T]:
    """Declares `tf.contrib.distributions.bijectors.<name>`."""
    return export(f"contrib.distributions.bijectors.{name}")


def arguments(found: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a constructor from its `locals()`: without `self` and what Python adds.

    >>> arguments({"self": 1, "loc": 0.0, "__class__": object})
    {'loc': 0.0}
    """
    return {name: value for name, value in found.items() if name != "self" and not name.startswith("__")}


def parent_frame_arguments() -> dict[str, Any]:
    """The arguments that the function which calls this was called with, without `*args`; those of `**kwargs` by name.

    >>> def area(width, height=2, **more):
    ...     return parent_frame_arguments()
    >>> area(3, unit="m")
    {'width': 3, 'height': 2, 'unit': 'm'}

    Source: TF 1.15 `tensorflow.python.ops.distributions.util.parent_frame_arguments`.
    """
    names, _, keywords, found = inspect.getargvalues(sys._getframe(1))
    return {**{name: found[name] for name in names}, **(found[keywords] if keywords else {})}
