"""`jax`, `jnp`, `lax` and `nn` as modules that are imported when first used.

Building a graph must not cost what importing JAX costs; the op families refer to these names in their lowerings only.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class _LazyModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        self.__dict__[name] = value
        return value


jax: Any = _LazyModule("jax")
jnp: Any = _LazyModule("jax.numpy")
lax: Any = _LazyModule("jax.lax")
jax_nn: Any = _LazyModule("jax.nn")
