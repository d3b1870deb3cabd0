"""Names that Python and NumPy have dropped since 2019, put back for one process.

`retrograph run` installs them; the program is told at its end, on one line, which of them it used, so that it can be
mended. Nothing is installed that is still there.
"""

from __future__ import annotations

import atexit
import collections
import collections.abc
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import math
import os
import sys
import time
import types
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

_USED: list[str] = []


class ArgSpec(NamedTuple):
    """What `inspect.getargspec` gave."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


def getargspec(function: Any) -> ArgSpec:
    """What `inspect.getargspec` gave: ValueError for keyword-only parameters."""
    full = inspect.getfullargspec(function)
    if full.kwonlyargs:
        raise ValueError("Function has keyword-only parameters or annotations, use inspect.signature() API")
    return ArgSpec(full.args, full.varargs, full.varkw, full.defaults)


def _asscalar(array: Any) -> Any:
    return array.item()


def _asfarray(array: Any, dtype: Any = None) -> Any:
    import numpy as np

    inexact = dtype is not None and np.issubdtype(dtype, np.inexact)
    return np.asarray(array, dtype if inexact else np.float64)


def _random_integers(low: int, high: int | None = None, size: Any = None) -> Any:
    import numpy as np

    first, last = (1, low) if high is None else (low, high)
    return np.random.randint(first, last + 1, size)


def _coroutine(function: Any) -> Any:
    return types.coroutine(function)


_ABC_NAMES = (
    "Awaitable", "ByteString", "Callable", "Collection", "Container", "Coroutine", "Generator", "Hashable", "ItemsView",
    "Iterable", "Iterator", "KeysView", "Mapping", "MappingView", "MutableMapping", "MutableSequence", "MutableSet",
    "Reversible", "Sequence", "Set", "Sized", "ValuesView",
)  # fmt: skip


def _of_abc(name: str) -> Callable[[], Any]:
    return lambda: getattr(collections.abc, name)


# NumPy function -> (dropped name of an argument, its name now)
_NUMPY_ARGUMENTS = {"reshape": ("newshape", "shape"), "histogram": ("normed", "density")}


def _take_old_arguments(module: ModuleType) -> None:
    for name, (old, new) in _NUMPY_ARGUMENTS.items():
        setattr(module, name, _taking(getattr(module, name), name, old, new))


def _taking(function: Callable[..., Any], name: str, old: str, new: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if old in kwargs:
            _note(f"np.{name}({old}=)")
            kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return call


_OWN = ("retrograph", "numpy", "jax", "scipy", "ml_dtypes")


def _take_ragged_lists(module: ModuleType) -> None:
    for name in ("array", "asarray", "asanyarray"):
        setattr(module, name, _taking_ragged(getattr(module, name), name))


def _taking_ragged(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`np.array` of lists of different lengths was an array of objects; those who ask today get a ValueError.

    `np.array(x, copy=False)` meant to copy only where there is need; today it means never to.
    """

    @functools.wraps(function)
    def make(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            if "Unable to avoid copy" in str(error) and kwargs.get("copy") is False:
                _note(f"np.{name}(copy=False)")
                return function(*args, **{**kwargs, "copy": None})
            if "inhomogeneous" not in str(error) or len(args) > 1 or "dtype" in kwargs or _asked_by_own():
                raise
        _note(f"np.{name}(lists of different lengths)")
        return function(*args, dtype=object, **kwargs)

    return make


def _asked_by_own() -> bool:
    """Whether code that wants today's NumPy asks, be it through functions of NumPy such as `np.unique`."""
    frame, caller = sys._getframe(2), "numpy"
    while caller == "numpy" and frame is not None:
        caller = frame.f_globals.get("__name__", "").partition(".")[0]
        frame = frame.f_back  # type: ignore[assignment]
    return caller in _OWN


# module -> name -> how to make what it was
_MODULE_NAMES: dict[str, dict[str, Callable[[], Any]]] = {
    "collections": {
        name: _of_abc(name) for name in _ABC_NAMES if hasattr(collections.abc, name)
    },
    "fractions": {"gcd": lambda: math.gcd},
    "inspect": {"getargspec": lambda: getargspec, "ArgSpec": lambda: ArgSpec},
    "time": {"clock": lambda: time.perf_counter},
    "os": {"errno": lambda: __import__("errno"), "getcwdu": lambda: os.getcwd},
    "string": {"letters": lambda: __import__("string").ascii_letters, "maketrans": lambda: str.maketrans},
    "base64": {
        "encodestring": lambda: __import__("base64").encodebytes,
        "decodestring": lambda: __import__("base64").decodebytes,
    },
    "numpy.random": {"random_integers": lambda: _random_integers},
    "scipy.sparse.linalg.eigen": {"__path__": list},
    "asyncio": {"coroutine": lambda: _coroutine},
    "types": {
        "StringType": lambda: str, "ListType": lambda: list, "DictType": lambda: dict, "TupleType": lambda: tuple,
        "IntType": lambda: int, "FloatType": lambda: float,
    },
    "xml.etree": {"cElementTree": lambda: importlib.import_module("xml.etree.ElementTree")},
}  # fmt: skip


def _of_numpy(name: str) -> Callable[[], Any]:
    def get() -> Any:
        import numpy as np

        return getattr(np, name)

    return get


_NUMPY_NAMES: dict[str, Callable[[], Any]] = {
    "float": lambda: float, "int": lambda: int, "bool": lambda: bool, "object": lambda: object,
    "complex": lambda: complex, "str": lambda: str, "unicode": lambda: str,
    "Inf": lambda: math.inf, "Infinity": lambda: math.inf, "PINF": lambda: math.inf, "infty": lambda: math.inf,
    "NINF": lambda: -math.inf, "NaN": lambda: math.nan, "NAN": lambda: math.nan, "NZERO": lambda: -0.0, "PZERO": lambda: 0.0,
    "asscalar": lambda: _asscalar, "asfarray": lambda: _asfarray,
    **{old: _of_numpy(new) for old, new in {
        "float_": "float64", "complex_": "complex128", "cfloat": "complex128", "singlecomplex": "complex64",
        "longfloat": "longdouble", "longcomplex": "clongdouble", "string_": "bytes_", "unicode_": "str_",
        "object0": "object_", "product": "prod", "cumproduct": "cumprod", "alltrue": "all", "sometrue": "any",
        "in1d": "isin", "row_stack": "vstack", "trapz": "trapezoid", "round_": "round", "msort": "sort",
        "mat": "asmatrix", "bool8": "bool_", "int0": "intp", "uint0": "uintp", "rank": "ndim",
    }.items()},
}  # fmt: skip

_TEST_CASE_NAMES = {
    "assertEquals": "assertEqual", "assertNotEquals": "assertNotEqual", "assert_": "assertTrue",
    "assertItemsEqual": "assertCountEqual", "assertRaisesRegexp": "assertRaisesRegex",
    "assertRegexpMatches": "assertRegex", "assertNotRegexpMatches": "assertNotRegex",
    "assertAlmostEquals": "assertAlmostEqual", "assertNotAlmostEquals": "assertNotAlmostEqual",
    "failUnless": "assertTrue", "failIf": "assertFalse", "failUnlessEqual": "assertEqual",
}  # fmt: skip


def _note(name: str) -> None:
    if name not in _USED:
        _USED.append(name)


def _put_back(module: ModuleType, names: dict[str, Callable[[], Any]], shown: str) -> None:
    """Gives a module a `__getattr__` for the dropped names, which remembers that they were used."""
    own = vars(module).get("__getattr__")

    def get(name: str) -> Any:
        make = names.get(name)
        if make is not None:
            if not name.startswith("__"):
                _note(f"{shown}.{name}")
            value = make()
            setattr(module, name, value)
            return value
        if own is not None:
            return own(name)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__dict__["__getattr__"] = get
    if module.__name__ == "numpy":
        _take_old_arguments(module)
        _take_ragged_lists(module)


class _Imp(ModuleType):
    """The module `imp`, as far as programs used it: loading a file under a name, reloading."""

    PKG_DIRECTORY, PY_SOURCE, PY_COMPILED, C_EXTENSION = 5, 1, 2, 3

    def __init__(self) -> None:
        super().__init__("imp", "Put back by retrograph run: Python 3.12 dropped it.")
        self.reload = importlib.reload
        self.new_module = ModuleType

    @staticmethod
    def load_source(name: str, pathname: str, file: Any = None) -> ModuleType:
        """Loads a Python file as module `name`."""
        spec = importlib.util.spec_from_file_location(name, pathname)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {pathname}", name=name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    @staticmethod
    def find_module(name: str, path: Any = None) -> Any:
        """(None, path, description) of a module, or ImportError."""
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None:
            raise ImportError(f"No module named {name!r}", name=name)
        return None, spec.origin, ("", "", _Imp.PY_SOURCE)

    @staticmethod
    def load_module(name: str, file: Any, filename: str, details: Any) -> ModuleType:
        """Loads what `find_module` found."""
        return _Imp.load_source(name, filename)


class _Moved(ModuleType):
    """A module that has moved: the names of the new one, looked up when asked for."""

    def __init__(self, old: str, new: str):
        super().__init__(old, f"Put back by retrograph run: it is {new} now.")
        self._new = new

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._new), name)


# module -> where its names are now
_MOVED = {
    "scipy.sparse.linalg.eigen.arpack": "scipy.sparse.linalg",
    "scipy.sparse.linalg.eigen.lobpcg": "scipy.sparse.linalg",
}
_MODULES: dict[str, Callable[[], ModuleType]] = {
    "imp": _Imp, **{old: functools.partial(_Moved, old, new) for old, new in _MOVED.items()},
}  # fmt: skip


class _DroppedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Last on sys.meta_path: provides modules that nobody else does."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of a dropped module."""
        return importlib.machinery.ModuleSpec(fullname, self) if fullname in _MODULES else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The stand-in."""
        _note(spec.name)
        return _MODULES[spec.name]()

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def _restore_test_case() -> None:
    for old, new in _TEST_CASE_NAMES.items():
        if not hasattr(unittest.TestCase, old):
            setattr(unittest.TestCase, old, getattr(unittest.TestCase, new))


class _Patcher(importlib.abc.MetaPathFinder):
    """Puts names back into modules when they are first imported, so that nothing is imported for it."""

    def __init__(self, waiting: dict[str, dict[str, Callable[[], Any]]]):
        self.waiting = waiting

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec that others find, with a loader that adds the names afterwards."""
        names = self.waiting.pop(fullname, None)
        if names is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _put_back(module, names, "np" if fullname == "numpy" else fullname)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def report() -> None:
    """One line on stderr that names what the program used of all this."""
    if _USED:
        names = ", ".join(sorted(_USED))
        print(f"retrograph run: put back names that newer Python and NumPy have dropped: {names}", file=sys.stderr)


def install() -> None:
    """Puts the dropped names back, in this process, and reports the used ones at its end."""
    waiting = {**_MODULE_NAMES, "numpy": _NUMPY_NAMES}
    for name in [n for n in waiting if n in sys.modules]:
        _put_back(sys.modules[name], waiting.pop(name), "np" if name == "numpy" else name)
    sys.meta_path.insert(0, _Patcher(waiting))
    sys.meta_path.append(_DroppedModules())
    _restore_test_case()
    atexit.register(report)
