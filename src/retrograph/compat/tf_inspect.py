"""`tensorflow.python.util.tf_inspect`: the standard inspect."""

from __future__ import annotations

from inspect import (
    FullArgSpec,
    currentframe,
    getcallargs,
    getdoc,
    getfile,
    getfullargspec,
    getmembers,
    getmodule,
    getmro,
    getsource,
    getsourcefile,
    getsourcelines,
    isabstract,
    isbuiltin,
    isclass,
    isframe,
    isfunction,
    isgenerator,
    isgeneratorfunction,
    ismethod,
    ismodule,
    isroutine,
    stack,
)

from retrograph.compat.pyshims import ArgSpec, getargspec

__all__ = [
    "ArgSpec", "FullArgSpec", "currentframe", "getargspec", "getcallargs", "getdoc", "getfile", "getfullargspec",
    "getmembers", "getmodule", "getmro", "getsource", "getsourcefile", "getsourcelines", "isabstract", "isbuiltin",
    "isclass", "isframe", "isfunction", "isgenerator", "isgeneratorfunction", "ismethod", "ismodule", "isroutine", "stack",
]  # fmt: skip
