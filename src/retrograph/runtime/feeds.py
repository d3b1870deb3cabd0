"""What `Session.run` is fed with: values as arrays, checked against the tensors that they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from retrograph.framework import dtypes, nest
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape, compatible
from retrograph.runtime.handles import TensorHandle

_PLAIN_TYPES = {t: np.dtype(t.as_numpy_dtype) for t in (dtypes.float32, dtypes.int32, dtypes.int64, dtypes.float64)}


def flattened(feed_dict: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """The pairs of key and value, those of keys that are structures one by one."""
    for key in feed_dict:
        if key.__class__ is not Tensor and isinstance(key, (tuple, list)):
            return nest.flatten_dict_items(feed_dict).items()
    return feed_dict.items()


def fed_value(graph: Graph, tensor: Tensor, key: Any, value: Any) -> Any:
    """The array that a value feeds, checked against the tensor."""
    dtype = tensor._dtype._base
    if value.__class__ is not np.ndarray or (
        # Types that NumPy comes with are one object each; it takes long to compare one with a class.
        value.dtype is not _PLAIN_TYPES.get(dtype) and value.dtype != dtype.as_numpy_dtype
    ):
        value = value.value_for(tensor) if isinstance(value, TensorHandle) else _converted(value, key, dtype)
    shape = tensor._shape
    if shape is not None and shape != value.shape and not compatible(shape, value.shape):
        raise ValueError(
            f"Cannot feed value of shape {value.shape!r} for Tensor {tensor.name!r}, which has shape {str(TensorShape._of(tensor._shape))!r}"
        )
    if graph._unfeedable_tensors and tensor in graph._unfeedable_tensors:
        raise ValueError(f"Tensor {tensor} may not be fed.")
    return value


def _converted(value: Any, key: Any, dtype: DType) -> Any:
    if isinstance(value, Tensor):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, "
            f"the tensor object was {value} which was passed to the feed with key {key}."
        )
    numpy_type = dtype.as_numpy_dtype
    if isinstance(value, int) and not isinstance(value, bool):
        _check_integer(value, dtype)
    try:
        if dtype.name == "string":
            return np.array(value, object) if not isinstance(value, np.ndarray) else value.astype(object)
        return np.asarray(value, numpy_type) if value is not None else np.asarray(np.nan).astype(numpy_type)
    except ValueError as error:
        if "inhomogeneous" in str(error) or "sequence" in str(error):
            raise ValueError("setting an array element with a sequence.") from None
        raise


def _check_integer(value: int, dtype: DType) -> None:
    numpy_type = dtype.as_numpy_dtype
    if dtype.name == "string" or (dtype.is_integer and not dtype.min <= value <= dtype.max):
        raise TypeError(
            f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type {numpy_type}. Try explicitly setting the type of the feed tensor to a larger "
            "type (e.g. int64)."
        )


def in_bytes(strings: Any) -> Any:
    """Strings as TF keeps them."""
    encoded = np.empty(strings.shape, object)
    encoded.ravel()[:] = [s.encode() if isinstance(s, str) else s for s in strings.ravel().tolist()]
    return encoded
