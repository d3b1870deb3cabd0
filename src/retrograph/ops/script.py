"""`tf.py_func` and its kin: Python functions as operations, run on the host."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor

# Tokens name functions in a GraphDef, which may be imported into another graph of the same process.
_functions: WeakValueDictionary[str, Any] = WeakValueDictionary()
_numbers = itertools.count()


class _Registered:
    """A function that can be referred to weakly, whatever it is."""

    def __init__(self, function: Callable[..., Any], eager: bool):
        self.function, self.eager = function, eager


def _register(function: Callable[..., Any], eager: bool) -> str:
    token = f"pyfunc_{next(_numbers)}"
    entry = _Registered(function, eager)
    _functions[token] = entry
    graph = get_default_graph()
    graph.__dict__.setdefault("_py_funcs_used_in_graph", []).append(entry)
    return token


def _make(op_type: str, func: Any, inp: Any, Tout: Any, name: str | None) -> Any:
    if not callable(func):
        raise ValueError(f"Expected func to be callable, got func of type {type(func)}")
    several = isinstance(Tout, (list, tuple))
    token = _register(func, op_type == "EagerPyFunc")
    result = apply_op(op_type, name, input=inp, token=token, Tout=list(Tout) if several else [Tout])
    return result if several else result[0]


@export("py_func")
def py_func(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """What `func` gives for the values of `inp`, NumPy arrays both; dtypes as `Tout` says, shapes unknown.

    Raises: ValueError if `func` is not callable; when it runs InvalidArgumentError for other dtypes or numbers, and what
        `func` raises as an error of the operation.
    Source: TF 1.15 tf.py_func
    """
    return _make("PyFunc" if stateful else "PyFuncStateless", func, inp, Tout, name)


@export("numpy_function")
def numpy_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, name: str | None = None) -> Any:
    """`tf.py_func`, stateful.

    Source: TF 1.15 tf.numpy_function
    """
    return py_func(func, inp, Tout, stateful=True, name=name)


@export("py_function")
def py_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, name: str | None = None) -> Any:
    """Like `tf.py_func` with arguments that also have `.numpy()`; operations that `func` makes are run at its end.

    Source: TF 1.15 tf.py_function. Differs: no eager execution, so Python cannot branch on results of operations inside
    `func`, and no gradient.
    """
    return _make("EagerPyFunc", func, inp, Tout, name)


class EagerValue(np.ndarray):
    """An argument of a function given to `tf.py_function`."""

    def numpy(self) -> Any:
        """The plain array (a NumPy scalar if it has no dimensions)."""
        return np.asarray(self)[()]


def _call_eagerly(function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    from retrograph.runtime.session import Session

    with Graph().as_default() as graph:
        result = function(*(np.asarray(a).view(EagerValue) for a in arrays))
        results = list(result) if isinstance(result, (list, tuple)) else [result]
        symbolic = [r for r in results if isinstance(r, Tensor)]
        if symbolic:
            with Session(graph=graph) as session:
                values = iter(session.run(symbolic))
            results = [next(values) if isinstance(r, Tensor) else r for r in results]
    return None if result is None else results


_KINDS: list[tuple[tuple[type[BaseException], ...], Any]] = [
    ((ValueError, TypeError), errors.InvalidArgumentError),
    ((StopIteration,), errors.OutOfRangeError),
    ((MemoryError,), errors.ResourceExhaustedError),
    ((NotImplementedError,), errors.UnimplementedError),
]


def _as_op_error(op: Operation, error: Exception) -> errors.OpError:
    kind = next((cls for types, cls in _KINDS if isinstance(error, types)), errors.UnknownError)
    stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return kind(None, op, f"{type(error).__name__}: {error}\n{stack}")


def _array(value: Any) -> np.ndarray[Any, Any]:
    """A returned value as an array, texts as objects so that none is padded."""
    array = np.asarray(value)
    if array.dtype.kind == "S":
        return np.asarray(value, object) if not isinstance(value, np.ndarray) else array.astype(object)
    if array.dtype.kind == "U":
        flat = [str(x).encode() for x in array.reshape(-1)]
        result = np.empty(len(flat), object)
        result[:] = flat
        return result.reshape(array.shape)
    return array


_CPP = {"float32": "float", "float64": "double", "float16": "half"}


def _checked(op: Operation, token: str, results: list[Any]) -> list[Any]:
    types = op.attrs["Tout"]
    if len(results) != len(types):
        text = f"{token} returns {len(results)} values, but expects to see {len(types)} values."
        raise errors.InvalidArgumentError(None, op, text)
    for i, (value, dtype) in enumerate(zip(results, types, strict=True)):
        actual = dtypes.as_dtype(value.dtype) if value.dtype != object else dtypes.string
        if actual != dtype:
            names = [_CPP.get(t.name, t.name) for t in (actual, dtype)]
            text = f"{i}-th value returned by {token} is {names[0]}, but expects {names[1]}"
            raise errors.InvalidArgumentError(None, op, text)
    return results


def _outcome(op: Operation, entry: _Registered, inputs: Sequence[Any]) -> Any:
    try:
        return _call_eagerly(entry.function, inputs) if entry.eager else entry.function(*inputs)
    except errors.OpError:
        raise
    except Exception as error:
        raise _as_op_error(op, error) from error


def _argument(value: Any) -> Any:
    """A copy that the function may change; without dimensions a NumPy scalar, as TF passes it."""
    array = np.array(value)
    return array if array.ndim else array[()]


def _run(op: Operation, ctx: Any, *inputs: Any) -> Any:
    token = op.attrs["token"].decode()
    entry = _functions.get(token)
    if entry is None:
        raise errors.UnknownError(None, op, f"ValueError: callback {token} is not found")
    result = _outcome(op, entry, [_argument(x) for x in inputs])
    if result is None:
        values = []
    elif isinstance(result, (list, tuple)):
        values = [_array(x) for x in result]
    else:
        values = [_array(result)]
    if entry.eager:
        values = [
            v if v.dtype == object else v.astype(t.as_numpy_dtype)
            for v, t in zip(values, op.attrs["Tout"], strict=False)
        ]
    return tuple(_checked(op, token, values))


for _op_type in ("PyFunc", "PyFuncStateless", "EagerPyFunc"):
    register_op(_op_type, numpy=_run, host=True, effect=True, gradient=NO_GRADIENT)
