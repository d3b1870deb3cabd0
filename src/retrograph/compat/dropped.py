"""What Python, NumPy, SciPy and Pillow have dropped since 2017, and what it was."""

from __future__ import annotations

import collections
import collections.abc
import functools
import importlib
import importlib.machinery
import importlib.util
import inspect
import math
import pickle
import sys
import types
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from retrograph.compat import distutils_names


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


def _msort(array: Any) -> Any:
    import numpy as np

    return np.sort(array, axis=0)


def _alen(array: Any) -> int:
    import numpy as np

    return len(np.array(array, ndmin=1))


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


def _of(module: str, names: str) -> dict[str, Callable[[], Any]]:
    """Names, separated by blanks, that are those of a module; `old=new` where it has another name there."""
    pairs = (name.partition("=") for name in names.split())
    return {old: functools.partial(_from, module, new or old) for old, _, new in pairs}


def _from(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


class _Casts:
    """`np.cast`: by a type, the function that makes arrays of it."""

    def __getitem__(self, kind: Any) -> Callable[[Any], Any]:
        import numpy as np

        return lambda values: np.asarray(values).astype(kind)


def _scalar_types() -> dict[str, list[type]]:
    import numpy as np

    return {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
        "complex": [np.complex64, np.complex128, np.clongdouble],
        "others": [bool, object, bytes, str, np.void],
    }


def _tostring(array: Any, order: str | None = "C") -> bytes:
    made: bytes = array.tobytes(order)
    return made


def _ptp(array: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    import numpy as np

    return np.ptp(array, axis, out, keepdims)


def _itemset(array: Any, *args: Any) -> None:
    *place, value = args
    indices = place[0] if len(place) == 1 and isinstance(place[0], tuple) else tuple(place)
    if len(indices) == array.ndim:
        array[indices] = value
    elif len(indices) == 1 or (not indices and array.size == 1):
        array.flat[indices[0] if indices else 0] = value
    else:
        raise ValueError("incorrect number of indices for array")


def _newbyteorder(array: Any, new_order: str = "S") -> Any:
    return array.view(array.dtype.newbyteorder(new_order))


def _calling(name: str) -> Callable[..., Any]:
    """A method that has another name now."""
    return lambda owner, *args, **kwargs: getattr(owner, name)(*args, **kwargs)


def _textsize(draw: Any, text: Any, font: Any = None, *args: Any, **kwargs: Any) -> tuple[int, int]:
    _, _, right, bottom = draw.textbbox((0, 0), text, font, None, *args, **kwargs)
    return int(right), int(bottom)


def _getsize(font: Any, text: Any, *args: Any, **kwargs: Any) -> tuple[int, int]:
    _, _, right, bottom = font.getbbox(text, "", *args, **kwargs)
    return int(right), int(bottom)


# module -> class -> dropped methods
METHODS: dict[str, dict[str, dict[str, Callable[..., Any]]]] = {
    "numpy": {
        "ndarray": {"tostring": _tostring, "ptp": _ptp, "itemset": _itemset, "newbyteorder": _newbyteorder},
    },
    "array": {"array": {"tostring": _calling("tobytes"), "fromstring": _calling("frombytes")}},
    "configparser": {"RawConfigParser": {"readfp": _calling("read_file")}},
    "threading": {"Thread": {"isAlive": _calling("is_alive")}},
    "xml.etree.ElementTree": {
        "Element": {"getchildren": list, "getiterator": _calling("iter")},
        "ElementTree": {"getiterator": _calling("iter")},
    },
    "PIL.ImageDraw": {"ImageDraw": {"textsize": _textsize}},
    "PIL.ImageFont": {"FreeTypeFont": {"getsize": _getsize}, "ImageFont": {"getsize": _getsize}},
}


# module -> name -> how to make what it was
MODULE_NAMES: dict[str, dict[str, Callable[[], Any]]] = {
    "collections": _of("collections.abc", " ".join(name for name in _ABC_NAMES if hasattr(collections.abc, name))),
    "configparser": _of("configparser", "SafeConfigParser=ConfigParser"),
    "fractions": _of("math", "gcd"),
    "inspect": {"getargspec": lambda: getargspec, "ArgSpec": lambda: ArgSpec},
    "time": _of("time", "clock=perf_counter"),
    "os": {"errno": lambda: importlib.import_module("errno"), **_of("os", "getcwdu=getcwd")},
    "string": {**_of("string", "letters=ascii_letters"), "maketrans": lambda: str.maketrans},
    "base64": _of("base64", "encodestring=encodebytes decodestring=decodebytes"),
    "numpy.random": {"random_integers": lambda: _random_integers},
    "numpy.lib": _of("numpy", "pad"),
    "scipy.misc": {
        **_of(
            "retrograph.compat.scipy_misc",
            "bytescale fromimage imfilter imread imresize imrotate imsave imshow toimage",
        ),
        **_of("scipy.special", "comb factorial factorial2 factorialk logsumexp"),
        **_of("scipy.interpolate", "pade"),
    },
    "scipy.ndimage": _of("retrograph.compat.scipy_misc", "imread"),
    "scipy.signal": _of(
        "scipy.signal.windows",
        "barthann bartlett blackman blackmanharris bohman boxcar chebwin cosine flattop gaussian general_gaussian hamming hann "
        "kaiser nuttall parzen triang tukey hanning=hann",
    ),
    "scipy.integrate": _of("scipy.integrate", "trapz=trapezoid cumtrapz=cumulative_trapezoid simps=simpson"),
    "scipy.linalg": {**_of("numpy", "tri tril triu kron"), **_of("scipy.linalg", "pinv2=pinv")},
    "PIL": _of("PIL", "PILLOW_VERSION=__version__"),
    "PIL.Image": _of("PIL.Image", "ANTIALIAS=LANCZOS LINEAR=BILINEAR CUBIC=BICUBIC"),
    "scipy.sparse.linalg.eigen": {"__path__": list},
    "asyncio": {"coroutine": lambda: _coroutine},
    "types": {
        "StringType": lambda: str, "ListType": lambda: list, "DictType": lambda: dict, "TupleType": lambda: tuple,
        "IntType": lambda: int, "FloatType": lambda: float,
    },
    "xml.etree": {"cElementTree": lambda: importlib.import_module("xml.etree.ElementTree")},
}  # fmt: skip


NUMPY_NAMES: dict[str, Callable[[], Any]] = {
    "float": lambda: float, "int": lambda: int, "bool": lambda: bool, "object": lambda: object,
    "complex": lambda: complex, "str": lambda: str, "unicode": lambda: str,
    "Inf": lambda: math.inf, "Infinity": lambda: math.inf, "PINF": lambda: math.inf, "infty": lambda: math.inf,
    "NINF": lambda: -math.inf, "NaN": lambda: math.nan, "NAN": lambda: math.nan, "NZERO": lambda: -0.0, "PZERO": lambda: 0.0,
    "asscalar": lambda: _asscalar, "asfarray": lambda: _asfarray,
    "cast": _Casts, "sctypes": _scalar_types, "loads": lambda: pickle.loads, "alen": lambda: _alen, "msort": lambda: _msort,
    "math": lambda: math, "sys": lambda: sys, "warnings": lambda: warnings,
    **_of(
        "numpy",
        "float_=float64 complex_=complex128 cfloat=complex128 singlecomplex=complex64 longfloat=longdouble "
        "longcomplex=clongdouble clongfloat=clongdouble string_=bytes_ unicode_=str_ object0=object_ bytes0=bytes_ str0=str_ "
        "void0=void product=prod cumproduct=cumprod alltrue=all sometrue=any in1d=isin row_stack=vstack trapz=trapezoid "
        "round_=round mat=asmatrix bool8=bool_ int0=intp uint0=uintp rank=ndim typeDict=sctypeDict",
    ),
    **_of(
        "numpy.exceptions",
        "AxisError ComplexWarning ModuleDeprecationWarning RankWarning TooHardError VisibleDeprecationWarning",
    ),
}  # fmt: skip

TEST_CASE_NAMES = {
    "assertEquals": "assertEqual", "assertNotEquals": "assertNotEqual", "assert_": "assertTrue",
    "assertItemsEqual": "assertCountEqual", "assertRaisesRegexp": "assertRaisesRegex",
    "assertRegexpMatches": "assertRegex", "assertNotRegexpMatches": "assertNotRegex",
    "assertAlmostEquals": "assertAlmostEqual", "assertNotAlmostEquals": "assertNotAlmostEqual",
    "failUnless": "assertTrue", "failIf": "assertFalse", "failUnlessEqual": "assertEqual",
}  # fmt: skip


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
MODULES: dict[str, Callable[[], ModuleType]] = {
    **distutils_names.MODULES, "imp": _Imp, "scipy.misc": functools.partial(ModuleType, "scipy.misc"),
    **{old: functools.partial(_Moved, old, new) for old, new in _MOVED.items()},
}  # fmt: skip
