"""Constants: what Python and NumPy values become as tensors."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.calling import as_int
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Dimension, TensorShape, as_shape

Array = np.ndarray[Any, Any]


def _leaves(values: Any) -> Iterator[Any]:
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _leaves(value)
    elif isinstance(values, dict):
        for key in sorted(values):
            yield from _leaves(values[key])
    else:
        yield values


# The exact classes come first: asking the abstract ones is slow.
_INTEGRAL = (int, numbers.Integral, np.integer, Dimension)
_REAL = (float, int, numbers.Real, np.integer, np.floating)
_COMPLEX = (complex, float, int, numbers.Complex, np.number)
_STRING = (str, bytes)


def _accepted_types(dtype: DType) -> tuple[type, ...] | None:
    base = dtype.base_dtype
    if base.is_bool:
        return (bool,)
    if base == dtypes.string:
        return _STRING
    if base.is_integer or base.is_quantized:
        return _INTEGRAL
    if base.is_floating:
        return _REAL
    return _COMPLEX if base.is_complex else None


def _check_elements(values: Any, dtype: DType | None) -> None:
    accepted = None if dtype is None else _accepted_types(dtype)
    if accepted is None:
        if any(isinstance(v, Tensor) for v in _leaves(values)):
            raise TypeError("List of Tensors when single Tensor expected")
        return
    for value in _leaves(values):
        if value.__class__ not in accepted and not isinstance(value, accepted):
            raise TypeError(
                f"Expected {dtype.name if dtype else None}, got {value!r} of type '{type(value).__name__}' instead."
            )


def _dense_dimensions(values: Any) -> list[int]:
    dimensions = []
    while isinstance(values, (list, tuple)):
        dimensions.append(len(values))
        if not values:
            break
        values = values[0]
    return dimensions


def _is_array_like(value: Any) -> bool:
    if isinstance(value, Tensor):
        return False
    if callable(getattr(value, "__array__", None)) or isinstance(getattr(value, "__array_interface__", None), dict):
        return True
    try:
        memoryview(value)
    except TypeError:
        return False
    return not isinstance(value, bytes)


def _common_dimensions(values: Any) -> list[int]:
    """The dimensions up to where a nested list becomes ragged."""
    if not isinstance(values, (list, tuple)):
        return []
    inner = [_common_dimensions(v) for v in values]
    shared: list[int] = []
    for sizes in zip(*inner, strict=False):
        if len(set(sizes)) > 1:
            break
        shared.append(sizes[0])
    return [len(values), *shared]


def _array_of(values: Any, dtype: DType | None) -> Array:
    numpy_type = dtype.as_numpy_dtype if dtype is not None and dtype.is_numpy_compatible else None
    if isinstance(values, dict) or (dtype is None and any(v is None for v in _leaves(values))):
        return np.array(values, object)
    try:
        return np.array(values, numpy_type)
    except OverflowError:
        return np.array(values).astype(numpy_type)
    except ValueError:
        if numpy_type is not None:
            raise _refused_part(values, dtype) from None
        common = _common_dimensions(values)
        if common != _dense_dimensions(values):
            raise _ragged(values, common) from None
        return _objects(values, common)


def _objects(values: Any, dimensions: list[int]) -> Array:
    """Nested lists as an array of what stands at that depth, lists among them."""
    array = np.empty(dimensions, object)
    for index in np.ndindex(*dimensions):
        element = values
        for i in index:
            element = element[i]
        array[index] = element
    return array


def _refused_part(values: Any, dtype: DType | None) -> Exception:
    """What NumPy 1.x raised for a list that is ragged, by the type of its elements."""
    base = None if dtype is None else dtype.base_dtype
    if base == dtypes.bfloat16:
        return TypeError("expected number, got list")
    if base is not None and base.is_complex:
        return TypeError("must be real number, not list")
    return ValueError("setting an array element with a sequence.")


def _ragged(values: Any, got: list[int]) -> ValueError:
    return ValueError(
        f"Argument must be a dense tensor: {values} - got shape {got}, but wanted {_dense_dimensions(values)}."
    )


def _is_empty(shape: Any) -> bool:
    """Whether a size is 0; what is no shape is refused in NumPy's words, by which TF 1.15 asked."""
    if isinstance(shape, TensorShape):
        if shape.ndims is None:
            raise ValueError("setting an array element with a sequence.")
        if None in shape.as_list():
            raise TypeError("__int__ returned non-int (type NoneType)")
        return 0 in shape.as_list()
    if isinstance(shape, Tensor):
        raise NotImplementedError(f"Cannot convert a symbolic Tensor ({shape.name}) to a numpy array.")
    if isinstance(shape, str):
        raise TypeError("cannot perform reduce with flexible type")
    if not hasattr(shape, "__iter__"):
        raise TypeError(f"'{type(shape).__name__}' object is not iterable")
    sizes = list(shape)
    if any(isinstance(size, Tensor) for size in sizes):
        raise ValueError("setting an array element with a sequence.")
    return 0 in sizes


def _from_python(values: Any, dtype: DType | None, shape: Any) -> Array:
    if values is None:
        raise ValueError("None values not supported.")
    if shape is not None and _is_empty(shape):
        return np.empty(shape, dtype.as_numpy_dtype if dtype is not None and dtype.is_numpy_compatible else np.float32)
    _check_elements(values, dtype)
    array = _array_of(values, dtype)
    if list(array.shape) != _dense_dimensions(values) and not (dtype is not None and dtype.is_quantized):
        raise _ragged(values, list(array.shape))
    if dtype is None and array.dtype == np.float64:
        return array.astype(np.float32)
    if dtype is None and array.dtype == np.int64:
        narrow = array.astype(np.int32)
        return narrow if np.array_equal(narrow, array) else array
    return array


def _as_bytes_array(array: Array, values: Any) -> Array:
    try:
        flat = [_as_bytes(x) for x in (array.ravel().tolist() if isinstance(values, np.ndarray) else _leaves(values))]
        if not array.size:
            return np.empty(array.shape, object)  # the shape asked for has no elements, whatever the values are
        if len(flat) != array.size:
            raise TypeError
    except TypeError:
        if isinstance(values, np.ndarray):
            raise
        raise TypeError(
            f"Failed to convert object of type {type(values)} to Tensor. Contents: {values}. Consider casting elements to a supported type."
        ) from None
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(array.shape)


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"Expected binary or unicode string, got {value}")


def _check_fits(array: Array, shape: tuple[int, ...], verify_shape: bool) -> None:
    size = math.prod(shape)
    if verify_shape and array.shape != shape:
        raise TypeError(f"Expected Tensor's shape: {shape}, got {array.shape}.")
    if array.size > size:
        raise ValueError(f"Too many elements provided. Needed at most {size}, but received {array.size}")


def _filled(array: Array, shape: tuple[int, ...]) -> Array:
    """The array in the given shape; its last element fills what is missing."""
    size = math.prod(shape)
    if array.size == size:
        return array.reshape(shape)
    flat = array.ravel()
    last = flat[-1] if flat.size else array.dtype.type()
    result = np.full(size, last, array.dtype)
    result[: flat.size] = flat
    return result.reshape(shape)


# Python types whose values need no checking for these dtypes; None is "no dtype given".
_PLAIN_TYPES: dict[type, dict[DType | None, Any]] = {
    float: {None: np.float32, dtypes.float32: np.float32, dtypes.float64: np.float64, dtypes.float16: np.float16},
    int: {
        None: np.int32,
        dtypes.int32: np.int32,
        dtypes.int64: np.int64,
        dtypes.float32: np.float32,
        dtypes.float64: np.float64,
    },
    bool: {None: np.bool_, dtypes.bool: np.bool_},
}


def plain_array(values: Any, dtype: DType | None) -> Array | None:
    """The array of a plain number or flat list of them, None where the general rules are needed."""
    kind = values.__class__
    if (kind is list or kind is tuple) and values:
        kinds = set(map(type, values))
        kind = kinds.pop() if len(kinds) == 1 else None
    known = _PLAIN_TYPES.get(kind)
    numpy_type = known.get(dtype) if known is not None else None
    if numpy_type is None:
        return None
    try:
        return np.array(values, numpy_type)
    except OverflowError:
        return None


def make_array(values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False) -> Array:
    """The array that a constant of `values` holds, by TF's rules of types and shapes.

    Raises TypeError, ValueError with TF's texts. Source: TF 1.15 `tf.make_tensor_proto`.
    """
    dtype = dtypes.as_dtype(dtype) if dtype is not None else None
    if shape is None:
        plain = plain_array(values, dtype)
        if plain is not None:
            return plain
    if not isinstance(values, (np.ndarray, np.generic)) and _is_array_like(values):
        values = np.asarray(values)
    if isinstance(values, (np.ndarray, np.generic)):
        array = np.asarray(values)
        if dtype is not None and dtype.is_numpy_compatible and array.dtype != dtype.as_numpy_dtype:
            array = array.astype(dtype.as_numpy_dtype)
    else:
        array = _from_python(values, dtype, shape)
    found = dtypes.as_dtype(array.dtype)
    if dtype is not None and dtype.is_quantized:
        found = dtype
    if dtype is not None and dtype.base_dtype != found:
        raise TypeError(f"Incompatible types: {dtype} vs. {array.dtype}. Value is {values}")
    sizes = None if shape is None else tuple(as_int(d) for d in shape)
    if sizes is not None:
        _check_fits(array, sizes, verify_shape)
    if found == dtypes.string:
        array = _as_bytes_array(array, values)
    return array if sizes is None else _filled(array, sizes)


def _frozen(array: Array, source: Any) -> Array:
    """The array as our own: later changes of the caller's must not reach the graph."""
    if array is source or array.base is not None:
        array = array.copy()
    array.setflags(write=False)
    return array


@export("constant")
def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: Any = "Const", verify_shape: bool = False
) -> Tensor:
    """A constant tensor.

    >>> tf.constant([[1.0, 2.0]])
    <tf.Tensor 'Const:0' shape=(1, 2) dtype=float32>

    With `shape`, the last element fills what `value` lacks. Raises TypeError, ValueError with TF's texts.
    Source: TF 1.15 `tf.constant`.
    """
    array = _frozen(make_array(value, dtype, shape, verify_shape), value)
    kind = dtypes.as_dtype(dtype).base_dtype if dtype is not None else dtypes.as_dtype(array.dtype)
    graph = get_default_graph()
    return graph._create_op("Const", (), name, {"value": array, "dtype": kind}, find_op_def("Const"))._outputs[0]


_CONST = find_op_def("Const")


def constant_of(graph: Graph, array: Array, scope: str, name: str) -> Tensor:
    """A constant of an array that is nobody else's, named in the scope of the operation that takes it."""
    array.setflags(write=False)
    full_name = graph._unique(scope + "/" + name if scope else name)
    attrs = {"value": array, "dtype": dtypes.as_dtype(array.dtype)}
    return graph._new_op("Const", full_name, (), attrs, _CONST)._outputs[0]


@export("make_tensor_proto")
def make_tensor_proto(
    values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False, allow_broadcast: bool = False
) -> Any:
    """A constant as TF's TensorProto. Source: TF 1.15 `tf.make_tensor_proto`."""
    from retrograph.framework.node_def import TensorProto

    array = make_array(values, dtype, shape, verify_shape)
    if array is values or array.base is not None:
        array = array.copy()
    given = np.size(values) if isinstance(values, (np.ndarray, np.generic)) or shape is not None else array.size
    return TensorProto.of(array, dtypes.as_dtype(dtype) if dtype is not None else None, spread=given == array.size)


@export("make_ndarray")
def make_ndarray(tensor: Any) -> Array:
    """The array that a TensorProto holds. Source: TF 1.15 `tf.make_ndarray`."""
    from retrograph.framework.node_def import TensorProto

    if not hasattr(tensor, "array"):
        # One of protobuf's own classes.
        tensor = TensorProto.FromString(tensor.SerializeToString())
    return np.array(tensor.array)


def shape_of_list(shape: Any) -> list[int | None]:
    """The sizes of anything that TensorShape takes."""
    return as_shape(shape).as_list()


Maker = Callable[..., Tensor]
