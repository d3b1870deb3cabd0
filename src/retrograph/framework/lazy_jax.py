"""`jax`, `jnp`, `lax` and `nn` as modules that are imported when first used.

Building a graph must not cost what importing JAX costs; the op families refer to these names in their lowerings only.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np

from retrograph.framework.interrupts import InterruptsDeferred


def imported(name: str) -> ModuleType:
    """A module of JAX, imported whole, whatever signals come.

    It draws from NumPy's global generator while it is imported: a seeded program would go on with other numbers. And its
    compiled parts crash the process if an import that a signal's handler ended is tried again.
    """
    if name in sys.modules:
        return sys.modules[name]
    state = np.random.get_state()
    with InterruptsDeferred():
        try:
            return importlib.import_module(name)
        finally:
            np.random.set_state(state)


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(imported(self.__name__), name)
        self.__dict__[name] = value
        return value


jax: Any = _LazyModule("jax")
jnp: Any = _LazyModule("jax.numpy")
lax: Any = _LazyModule("jax.lax")
jax_nn: Any = _LazyModule("jax.nn")
