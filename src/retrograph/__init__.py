"""TensorFlow 1.15's namespace, running on XLA through JAX: `import retrograph as tf`."""

from __future__ import annotations

from typing import Any

__version__ = "1.15.5"
VERSION = __version__
GIT_VERSION = "v1.15.4-39-g3db52be"
COMPILER_VERSION = "7.3.1 20180303"
GRAPH_DEF_VERSION = 134
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
CXX11_ABI_FLAG = 0
MONOLITHIC_BUILD = 0
newaxis = None


def install() -> None:
    """Makes `import tensorflow` give Retrograph from now on, in this process.

    >>> install()
    >>> import tensorflow as tf

    Raises RuntimeError if another `tensorflow` is loaded already.
    """
    from retrograph.compat.hook import install as install_hook

    install_hook()


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'retrograph' has no attribute {name!r}")
    from retrograph._namespace import resolve

    value = resolve("", name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from retrograph._namespace import names_in

    return sorted({*names_in(""), *(n for n in globals() if not n.startswith("_"))})
