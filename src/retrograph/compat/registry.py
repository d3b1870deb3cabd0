"""`tensorflow.python.framework.registry`: objects by name, each name once."""

from __future__ import annotations

import sys
from typing import Any


class Registry:
    """Objects by name. A second registration of a name raises KeyError and says where the first was."""

    def __init__(self, name: str):
        self._name = name
        self._registry: dict[str, tuple[Any, str]] = {}

    def register(self, candidate: Any, name: str | None = None) -> None:
        """Registers an object under a name, its own by default."""
        key = name or candidate.__name__
        if key in self._registry:
            raise KeyError(
                f"Registering two {self._name} with name '{key}'! (Previous registration was in {self._registry[key][1]})"
            )
        frame = sys._getframe(1)
        place = f"{frame.f_code.co_name} {frame.f_code.co_filename}:{frame.f_lineno}"
        self._registry[key] = (candidate, place)

    def list(self) -> Any:
        """The registered names."""
        return self._registry.keys()

    def lookup(self, name: Any) -> Any:
        """The object of that name; LookupError if there is none."""
        key = name.decode() if isinstance(name, bytes) else name
        if key not in self._registry:
            raise LookupError(f"{self._name} registry has no entry for: {key}")
        return self._registry[key][0]
