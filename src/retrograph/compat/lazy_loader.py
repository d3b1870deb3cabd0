"""Modules that are imported when something in them is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from retrograph.platform import logging as tf_logging


class LazyLoader(ModuleType):
    """A module by name, imported at its first use, which also puts it into the given globals.

    >>> jax = LazyLoader("jax", globals(), "jax")

    Source: TF 1.15 `tensorflow.python.util.lazy_loader.LazyLoader`.
    """

    def __init__(self, local_name: str, parent_module_globals: dict[str, Any], name: str, warning: str | None = None):
        super().__init__(name)
        self._local_name, self._globals, self._warning = local_name, parent_module_globals, warning

    def _load(self) -> ModuleType:
        module = importlib.import_module(self.__name__)
        self._globals[self._local_name] = module
        if self._warning:
            tf_logging.warning(self._warning)
            self._warning = None
        self.__dict__.update(module.__dict__)
        return module

    def __getattr__(self, item: str) -> Any:
        return getattr(self._load(), item)

    def __dir__(self) -> list[str]:
        return dir(self._load())
