"""`convert_to_tensor` and the functions registered for it by type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import Array, constant, plain_array
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Dimension, TensorShape

ConversionFunction = Callable[..., Any]

_registered: dict[int, list[tuple[Any, ConversionFunction]]] = {}
_cache: dict[type, list[ConversionFunction]] = {}
_plain_types: dict[type, bool] = {}
# Nobody else says how these become tensors.
_NUMBERS = (int, float, np.generic, np.ndarray)


@export("register_tensor_conversion_function")
def register_tensor_conversion_function(
    base_type: Any, conversion_func: ConversionFunction, priority: int = 100
) -> None:
    """Registers how objects of `base_type` (a type or tuple of types) become tensors; lower priorities come first.

    `conversion_func(value, dtype=None, name=None, as_ref=False)` returns a tensor or NotImplemented.
    Raises TypeError: wrong argument types. Source: TF 1.15 `tf.register_tensor_conversion_function`.
    """
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not types or not all(isinstance(t, type) for t in types):
        raise TypeError("base_type must be a type or a tuple of types.")
    if any(issubclass(t, _NUMBERS) for t in types):
        raise TypeError("Cannot register conversions for Python numeric types and NumPy scalars and arrays.")
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    _registered.setdefault(priority, []).append((base_type, conversion_func))
    _cache.clear()
    _plain_types.clear()


def _functions_for(value: Any) -> list[ConversionFunction]:
    cls = type(value)
    found = _cache.get(cls)
    if found is None:
        found = (
            [_from_constant]
            if issubclass(cls, _NUMBERS)
            else [f for p in sorted(_registered) for base, f in _registered[p] if isinstance(value, base)]
        )
        _cache[cls] = found
    return found


def _is_plain_type(cls: type) -> bool:
    """Whether no program has said how these objects become tensors."""
    known = _plain_types.get(cls)
    if known is None:
        ours = all(str(f.__module__).startswith("retrograph.") for f in _functions_for(cls()))
        known = _plain_types[cls] = ours
    return known


def plain_constant(value: Any, dtype: DType | None) -> Array | None:
    """The array that a number or a flat list of numbers becomes as a tensor; None for all else."""
    array = plain_array(value, dtype)
    return array if array is not None and _is_plain_type(value.__class__) else None


@export("convert_to_tensor")
def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, dtype_hint: Any = None
) -> Tensor:
    """`value` (tensor, variable, array, number, list ...) as a tensor.

    `preferred_dtype` is taken where it can be. Raises TypeError, ValueError with TF's texts, RuntimeError.
    Source: TF 1.15 `tf.convert_to_tensor`.
    """
    return internal_convert_to_tensor(
        value, dtype, name, False, preferred_dtype if preferred_dtype is not None else dtype_hint
    )


def internal_convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    as_ref: bool = False,
    preferred_dtype: Any = None,
    accepted_result_types: tuple[type, ...] = (Tensor,),
) -> Tensor:
    """`convert_to_tensor`, with `as_ref` to keep references to variables and what else a conversion may give."""
    if value.__class__ is Tensor and dtype is None:
        return value
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    if preferred_dtype is not None:
        preferred_dtype = dtypes.as_dtype(preferred_dtype)
    for function in _functions_for(value):
        result: Any = NotImplemented
        if dtype is None and preferred_dtype is not None:
            try:
                result = function(value, dtype=preferred_dtype, name=name, as_ref=as_ref)
            except (TypeError, ValueError):
                result = NotImplemented
            else:
                if result is not NotImplemented and result.dtype.base_dtype != preferred_dtype.base_dtype:
                    raise TypeError(
                        f"convert_to_tensor did not convert to the preferred dtype: {result.dtype.base_dtype.name} vs {preferred_dtype.base_dtype.name} "
                    )
        if result is NotImplemented:
            result = function(value, dtype=dtype, name=name, as_ref=as_ref)
        if result is NotImplemented:
            continue
        checked: Tensor = _checked(result, dtype, function, accepted_result_types)
        return checked
    prefix = f"{name}: " if name else ""
    raise TypeError(
        f"{prefix}Cannot convert {value!r} with type {type(value)} to Tensor: no conversion function registered."
    )


def _checked(result: Any, dtype: DType | None, function: ConversionFunction, accepted: Any) -> Any:
    if not isinstance(result, accepted):
        raise RuntimeError(f"Conversion function {function!r} did not return a Tensor, its result was {result!r}")
    if dtype is not None and not dtype.is_compatible_with(result.dtype):
        raise RuntimeError(
            f"Conversion function {function!r} gave dtype {result.dtype.name}, which is not the {dtype.name} that was requested."
        )
    return result


def internal_convert_n_to_tensor(
    values: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False, preferred_dtype: Any = None
) -> list[Tensor]:
    """Each of `values` as a tensor; their constants are named `<name>_<index>`."""
    if not isinstance(values, (list, tuple)):
        raise TypeError("values must be a sequence.")
    return [
        internal_convert_to_tensor(v, dtype, None if name is None else f"{name}_{i}", as_ref, preferred_dtype)
        for i, v in enumerate(values)
    ]


def convert_n_to_tensor(values: Sequence[Any], dtype: Any = None, name: str | None = None) -> list[Tensor]:
    """Each of `values` as a tensor."""
    return internal_convert_n_to_tensor(values, dtype, name)


def _from_tensor(value: Tensor, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Tensor:
    if dtype is not None and not dtype.is_compatible_with(value._dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {value._dtype.name}: {value!r}"
        )
    return value


def _from_graph_element(value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Any:
    convert = getattr(value, "_as_graph_element", None)
    element = convert() if convert else None
    return _from_tensor(element, dtype, name, as_ref) if isinstance(element, Tensor) else NotImplemented


def _from_operation(value: Operation, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    raise TypeError(
        f"Can't convert Operation '{value.name}' to Tensor (target dtype={dtype!r}, name={name!r}, as_ref={as_ref!r})"
    )


def _from_constant(value: Any, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Any:
    return constant(value, dtype, name=name or "Const")


def _from_shape(value: TensorShape, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Any:
    if not value.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {value}")
    sizes = value.as_list()
    if dtype is not None and dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype.name}")
    large = [s for s in sizes if s is not None and s >= 2**31]
    if dtype is None:
        dtype = dtypes.int64 if large else dtypes.int32
    if large and dtype == dtypes.int32:
        raise ValueError(f"Cannot convert a TensorShape to dtype int32; a dimension is too large ({large[0]})")
    return constant(np.array(sizes, dtype.as_numpy_dtype), dtype, name=name or "shape_as_tensor")


def _from_dimension(value: Dimension, dtype: DType | None = None, name: str | None = None, as_ref: bool = False) -> Any:
    if value.value is None:
        raise ValueError(f"Cannot convert an unknown Dimension to a Tensor: {value}")
    if dtype is not None and dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype.name}")
    return constant(
        np.array(value.value, (dtype or dtypes.int32).as_numpy_dtype),
        dtype or dtypes.int32,
        name=name or "shape_as_tensor",
    )


register_tensor_conversion_function(Tensor, _from_tensor, 0)
register_tensor_conversion_function(Operation, _from_operation, 0)
register_tensor_conversion_function(TensorShape, _from_shape, 100)
register_tensor_conversion_function(Dimension, _from_dimension, 100)
register_tensor_conversion_function((list, tuple), _from_constant, 100)
register_tensor_conversion_function(object, _from_graph_element, 150)
register_tensor_conversion_function(object, _from_constant, 200)
