"""What each class of the package says of its public names and of its arguments."""

from __future__ import annotations

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
