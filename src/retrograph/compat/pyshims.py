"""Names that Python, NumPy, SciPy and Pillow have dropped since 2017, put back for one process.

`retrograph run` installs them; the program is told at its end, on one line, which of them it used, so that it can be
mended. What is still there stays, but for methods of arrays that do nothing but raise, and functions that took more.
"""

from __future__ import annotations

import atexit
import collections.abc
import ctypes
import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import sys
import unittest
from collections.abc import Callable
from types import ModuleType
from typing import Any

from retrograph.compat.dropped import METHODS, MODULE_NAMES, MODULES, NUMPY_NAMES, TEST_CASE_NAMES

_USED: list[str] = []


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


def _take_old_methods(module: ModuleType) -> None:
    for owner, methods in METHODS.get(module.__name__, {}).items():
        cls = getattr(module, owner)
        for name, method in methods.items():
            # Some of NumPy's are there and do nothing but raise AttributeError.
            if not hasattr(cls, name) or module.__name__ == "numpy":
                _give(cls, name, _noting(method, f"{owner}.{name}"))


def _give(cls: type, name: str, method: Callable[..., Any]) -> None:
    try:
        setattr(cls, name, method)
    except TypeError:
        # Types of C refuse; their dictionary is what the proxy of it refers to.
        (own,) = gc.get_referents(vars(cls))
        own[name] = method
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


def _noting(function: Callable[..., Any], shown: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        _note(shown)
        return function(*args, **kwargs)

    return call


def _take_encoding(module: Any) -> None:
    """`json.load(file, encoding=)` had no effect in Python 3, and is an error now."""

    def taking(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, encoding: Any = None, **kwargs: Any) -> Any:
            if encoding is not None:
                _note(f"json.{name}(encoding=)")
            return function(*args, **kwargs)

        return call

    for name in ("load", "loads"):
        setattr(module, name, taking(getattr(module, name), name))


def _sampling(sample: Callable[..., Any]) -> Callable[..., Any]:
    """`random.sample` of a set, or of the keys of a dictionary."""

    def call(source: Any, population: Any, k: int, **kwargs: Any) -> Any:
        if isinstance(population, collections.abc.Set):
            _note("random.sample(set)")
            population = tuple(population)
        return sample(source, population, k, **kwargs)

    return call


def _seeding(seed: Callable[..., Any]) -> Callable[..., Any]:
    """`random.seed` of anything that has a hash, NumPy's integers among them."""

    def call(source: Any, a: Any = None, version: int = 2) -> None:
        if not isinstance(a, (type(None), int, float, str, bytes, bytearray)):
            _note("random.seed(object)")
            a = hash(a)
        seed(source, a, version)

    return call


def _shuffling(shuffle: Callable[..., Any]) -> Callable[..., Any]:
    """`random.shuffle(x, random)` with a source of numbers of its own."""

    def call(source: Any, x: Any, random: Any = None) -> None:
        if random is None:
            shuffle(source, x)
            return
        _note("random.shuffle(random=)")
        for i in reversed(range(1, len(x))):
            j = int(random() * (i + 1))
            x[i], x[j] = x[j], x[i]

    return call


def _take_old_draws(module: Any) -> None:
    for name, taking in ("sample", _sampling), ("seed", _seeding), ("shuffle", _shuffling):
        method = getattr(module.Random, name)
        setattr(module.Random, name, functools.wraps(method)(taking(method)))
        setattr(module, name, getattr(module._inst, name))


def _take_universal_newlines(module: Any) -> None:
    """`open(name, "rU")`: reading text without the letter does the same."""
    opened = module.open
    if module.__name__ != "io":
        module.open = io.open
        return

    @functools.wraps(opened)
    def call(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode.__class__ is str and "U" in mode:
            _note("open(mode='U')")
            mode = mode.replace("U", "") if "r" in mode else mode.replace("U", "r")
        return opened(file, mode, *args, **kwargs)

    call.__module__ = "io"  # by which it is pickled
    module.open = call


def _take_bytes_as_arrays(module: Any) -> None:
    """`np.fromstring(data, np.uint8)` of bytes, by which records of images were read."""
    parse = module.fromstring

    @functools.wraps(parse)
    def fromstring(string: Any, dtype: Any = float, count: int = -1, *args: Any, sep: str = "", **kwargs: Any) -> Any:
        if args or sep:
            return parse(string, dtype, count, *args, **({} if args else {"sep": sep}), **kwargs)
        _note("np.fromstring(bytes)")
        data = string.encode("latin-1") if isinstance(string, str) else string
        return module.frombuffer(data, dtype, count).copy()

    module.fromstring = fromstring


def _print_plainly(module: Any) -> None:
    """Numbers in lists and dictionaries are shown as `0.5`, not as `np.float32(0.5)`."""
    module.set_printoptions(legacy="1.25")
    options = sys.modules.get("numpy._core.printoptions")
    if options is not None:
        # What other threads start with.
        vars(options).get("default_format_options_dict", {}).update(legacy=125)


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
            changed, text = dict(kwargs), str(error)
            if kwargs.get("copy") is False:
                changed["copy"] = None
            if _asked_by_own():
                raise
            if "inhomogeneous" in text and len(args) == 1 and kwargs.get("dtype") is None:
                _note(f"np.{name}(lists of different lengths)")
                changed["dtype"] = object
            elif "Unable to avoid copy" in text:
                _note(f"np.{name}(copy=False)")
            else:
                raise
        return function(*args, **changed)

    return make


def _asked_by_own() -> bool:
    """Whether code that wants today's NumPy asks, be it through functions of NumPy such as `np.unique`."""
    frame, caller = sys._getframe(2), "numpy"
    while caller == "numpy" and frame is not None:
        caller = frame.f_globals.get("__name__", "").partition(".")[0]
        frame = frame.f_back  # type: ignore[assignment]
    return caller in _OWN


def _take_bytes(module: Any) -> None:
    """Attributes of HDF5 files that are ASCII came as bytes: Keras reads models by `attrs["model_config"].decode()`."""
    get = module.AttributeManager.__getitem__

    @functools.wraps(get)
    def getitem(attributes: Any, name: Any) -> Any:
        value = get(attributes, name)
        if getattr(value, "shape", None) == (0,) and value.dtype == float:
            return value.astype(bytes)  # a list of no names; programs ask whether it is true, which NumPy refuses now
        kind = module.h5a.open(attributes._id, attributes._e(name)).get_type()
        if not isinstance(kind, module.h5t.TypeStringID) or kind.get_cset() != module.h5t.CSET_ASCII:
            return value
        if value.__class__ is str:
            _note("h5py attributes as bytes")
            return value.encode("utf-8", "surrogateescape")
        return value.astype(bytes) if value.dtype.kind == "O" else value

    module.AttributeManager.__getitem__ = getitem
    module.Dataset.value = property(_noting(lambda dataset: dataset[()], "h5py.Dataset.value"))


# module -> what makes its functions take what they took
_CALLS: dict[str, tuple[Callable[[ModuleType], None], ...]] = {
    "h5py": (_take_bytes,),
    "io": (_take_universal_newlines,),
    "builtins": (_take_universal_newlines,),
    "json": (_take_encoding,),
    "numpy": (_take_old_arguments, _take_ragged_lists, _take_bytes_as_arrays, _print_plainly),
    "random": (_take_old_draws,),
}


def _note(name: str) -> None:
    if name not in _USED:
        _USED.append(name)


def _put_back(module: ModuleType, names: dict[str, Callable[[], Any]]) -> None:
    """Gives a module a `__getattr__` for the dropped names, which remembers that they were used."""
    own = vars(module).get("__getattr__")
    shown = "np" if module.__name__ == "numpy" else module.__name__

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

    if names:
        module.__dict__["__getattr__"] = get
    _take_old_methods(module)
    for take in _CALLS.get(module.__name__, ()):
        take(module)


class _DroppedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Last on sys.meta_path: provides modules that nobody else does."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of a dropped module."""
        return importlib.machinery.ModuleSpec(fullname, _DroppedModules()) if fullname in MODULES else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The stand-in."""
        _note(spec.name)
        return MODULES[spec.name]()

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def _restore_test_case() -> None:
    for old, new in TEST_CASE_NAMES.items():
        if not hasattr(unittest.TestCase, old):
            setattr(unittest.TestCase, old, getattr(unittest.TestCase, new))


class _Patcher(importlib.abc.MetaPathFinder):
    """Puts names back into modules when they are first imported, so that nothing is imported for it."""

    def __init__(self, waiting: dict[str, dict[str, Callable[[], Any]]]):
        self.waiting = waiting
        self.asking: set[str] = set()

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec that others find, with a loader that adds the names afterwards."""
        names = self.waiting.get(fullname)
        if names is None or fullname in self.asking:
            return None
        self.asking.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.asking.discard(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                self.waiting.pop(fullname, None)
                _put_back(module, names)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def report() -> None:
    """One line on stderr that names what the program used of all this."""
    if _USED:
        names = ", ".join(sorted(_USED))
        print(
            f"retrograph run: put back names that newer Python, NumPy, SciPy and Pillow have dropped: {names}",
            file=sys.stderr,
        )


def install() -> None:
    """Puts the dropped names back, in this process, and reports the used ones at its end."""
    waiting: dict[str, dict[str, Callable[[], Any]]] = {module: {} for module in (*METHODS, *_CALLS)}
    waiting |= {**MODULE_NAMES, "numpy": NUMPY_NAMES}
    for name in waiting.keys() & set(sys.builtin_module_names):
        importlib.import_module(name)  # these have one loader for all
    for name in [n for n in waiting if n in sys.modules]:
        _put_back(sys.modules[name], waiting.pop(name))
    sys.meta_path.insert(0, _Patcher(waiting))
    sys.meta_path.append(_DroppedModules())
    _restore_test_case()
    atexit.register(report)
