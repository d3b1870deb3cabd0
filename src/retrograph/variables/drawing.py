"""Random and filled tensors made straight away, without the checks of the general functions.

Most variables start as one of these. The operations, their names and their order are those of `tf.random_uniform`,
`tf.random_normal`, `tf.truncated_normal`, `tf.zeros` and `tf.ones`; where anything is unusual the functions give
None, and the caller goes the general way.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import frames
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.dtypes import DType, bfloat16, float16, float32, float64, int32, int64, string
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Tensor
from retrograph.framework.seeds import get_seed
from retrograph.framework.shape import TensorShape

_FLOATS = frozenset((float16, bfloat16, float32, float64))
_SMALL = 1000
_LIMIT = 2**31
_SCALAR: tuple[int, ...] = ()


_arrays: dict[tuple[DType, Any], Any] = {}
_MOST_ARRAYS = 4096


def _array(value: Any, dtype: DType) -> Any:
    """A read-only array, the same one for the same number or sizes: graphs hold few different ones, many times."""
    if value.__class__ is np.ndarray or not value:  # -0.0 equals 0.0 as a key
        return _read_only(value, dtype)
    key = (dtype, value)
    found = _arrays.get(key)
    if found is None:
        if len(_arrays) >= _MOST_ARRAYS:
            _arrays.clear()
        found = _arrays[key] = _read_only(value, dtype)
    return found


def _read_only(value: Any, dtype: DType) -> Any:
    array = np.asarray(value, dtype.as_numpy_dtype)
    array.setflags(write=False)
    return array


class Recipe(NamedTuple):
    """How a wrapper makes a random tensor: scope and op type, the names of its two constants, whether they are bounds."""

    scope: str
    op_type: str
    first: str
    second: str
    bounds: bool


UNIFORM = Recipe("random_uniform", "RandomUniform", "min", "max", True)
NORMAL = Recipe("random_normal", "RandomStandardNormal", "mean", "stddev", False)
TRUNCATED = Recipe("truncated_normal", "TruncatedNormal", "mean", "stddev", False)


def plain_shape(shape: Any) -> tuple[int, ...] | None:
    """The sizes if they are all plain numbers that fit int32."""
    if isinstance(shape, TensorShape):
        shape = shape._plain
    if not isinstance(shape, (list, tuple)):
        return None
    for size in shape:
        if size.__class__ is not int or not 0 <= size < _LIMIT:
            return None
    return tuple(shape)


def _plain_graph() -> Graph | None:
    """The default graph if no open scope but names, attributes and a hidden device touches new operations."""
    graph = get_default_graph()
    state = graph._state
    if state.control_flow_context is not None or state.control_stack or state.colocation_stack:
        return None
    if state.device_stack and state.device_stack[-1] is not None:
        return None
    return graph


class _Maker:
    """Makes operations under one new name scope."""

    __slots__ = ("_graph", "_group", "_key", "_stack", "scope")

    def __init__(self, graph: Graph, name: str):
        self._graph = graph
        self.scope = graph._opened_name(name, graph._state.name_stack)
        key = self.scope.lower()
        self._key = self.scope if key == self.scope else key
        state = graph._state
        self._stack, self._group = state.shared_stack or frames.capture(3), state.shared_group

    def _named(self, name: str) -> str:
        used, low = self._graph._names_in_use, name.lower()
        key = f"{self._key}/{low}"
        if key not in used:
            used[key] = 1
            return key if low == name and self._key is self.scope else f"{self.scope}/{name}"
        return self._graph._unique(f"{self.scope}/{name}")

    def op(
        self, op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], dtype: DType, shape: Any
    ) -> Tensor:
        """The output of a new operation; an empty name gives it the scope's own."""
        full = self._named(name) if name else self.scope
        if self._group is not None:
            attrs["_class"] = self._group
        return self._graph._emit_one(op_type, full, inputs, attrs, dtype, shape, self._stack)

    def constant(self, name: str, value: Any, dtype: DType) -> Tensor:
        """A constant of a number, a list of numbers, or an array of the right type."""
        array = _array(value, dtype)
        return self.op("Const", name, (), {"value": array, "dtype": dtype}, dtype, array.shape)


def drawn(
    recipe: Recipe, shape: Any, first: Any, second: Any, dtype: DType, seed: Any, name: str | None = None
) -> Tensor | None:
    """`random * (second - first) + first` for bounds, `random * second + first` else; None if the case is unusual."""
    sizes = plain_shape(shape)
    if sizes is None or dtype not in _FLOATS or not (_is_number(first) and _is_number(second)):
        return None
    graph = _plain_graph()
    if graph is None or (name is not None and (not name or name[-1] == "/")):
        return None
    make = _Maker(graph, recipe.scope if name is None else name)
    length = make.constant("shape", sizes, int32)
    low = make.constant(recipe.first, first, dtype)
    high = make.constant(recipe.second, second, dtype)
    seed1, seed2 = get_seed(seed)
    attrs = {"seed": seed1 or 0, "seed2": seed2 or 0, "dtype": dtype, "T": int32}
    random = make.op(recipe.op_type, recipe.op_type, (length,), attrs, dtype, sizes)
    shared = {"T": dtype}
    scale = make.op("Sub", "sub", (high, low), shared, dtype, _SCALAR) if recipe.bounds else high
    scaled = make.op("Mul", "mul", (random, scale), shared, dtype, sizes)
    return make.op("Add", "", (scaled, low), shared, dtype, sizes)


def _is_number(value: Any) -> bool:
    return value.__class__ is float or value.__class__ is int


def repeated(value: Any, shape: Any, dtype: DType) -> Tensor | None:
    """A constant of one number, as `tf.constant` makes it; None if the case is unusual."""
    sizes = plain_shape(shape)
    if sizes is None or not _fits(value, dtype):
        return None
    graph = _plain_graph()
    if graph is None:
        return None
    return _Maker(graph, "Const").constant("", np.full(sizes, value, dtype.as_numpy_dtype), dtype)


def _fits(value: Any, dtype: DType) -> bool:
    if value.__class__ is float:
        return dtype in _FLOATS
    return value.__class__ is int and abs(value) < _LIMIT and (dtype in _FLOATS or dtype in (int32, int64))


def filled(name: str, value: int, shape: Any, dtype: DType) -> Tensor | None:
    """Zeros or ones as `tf.zeros` and `tf.ones` make them; None if the case is unusual."""
    sizes = plain_shape(shape)
    if sizes is None or dtype is string or dtype._is_ref:
        return None
    graph = _plain_graph()
    if graph is None:
        return None
    kind = dtype.as_numpy_dtype
    make = _Maker(graph, name)
    if math.prod(sizes) < _SMALL:
        return make.constant("", np.full(sizes, value, kind), dtype)
    dims = make.constant("shape_as_tensor", sizes, int32)
    one = make.constant("Const", value, dtype)
    return make.op("Fill", "", (dims, one), {"T": dtype, "index_type": int32}, dtype, sizes)
