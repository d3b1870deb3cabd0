"""Names of TensorFlow's inside on what counts as a tensor, and on sparse and ragged values."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.composite import CompositeTensor
from retrograph.framework.conversion import internal_convert_to_tensor
from retrograph.framework.structures import SparseTensorValue
from retrograph.ops.ragged_value import RaggedTensorValue

_dense_kinds: list[type] = [tf.Tensor, tf.Variable]


class _TensorLike(abc.ABC):  # noqa: B024 - classes count by being registered
    """What tensors and what is made of several count as. Source: TF 1.15 `tensor_like._TensorLike`."""


for _kind in (tf.Tensor, tf.SparseTensor, tf.IndexedSlices):
    _TensorLike.register(_kind)


def is_dense_tensor_like(t: Any) -> bool:
    """Whether something counts as a tensor wherever one is asked for."""
    return isinstance(t, tuple(_dense_kinds))


def register_dense_tensor_like_type(tensor_type: type) -> None:
    """Makes objects of a class count as tensors. Raises: TypeError unless it has properties `name` and `dtype`."""
    for name in ("name", "dtype"):
        if not isinstance(getattr(tensor_type, name, None), property):
            raise TypeError(f"Type {tensor_type.__name__} must define a `{name}` property.")
    _dense_kinds.append(tensor_type)


def convert_to_tensor_or_composite(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A tensor, or a sparse or ragged one as it is. Raises: ValueError for a sparse or ragged one of another type."""
    if not isinstance(value, CompositeTensor):
        kinds = (tf.Tensor, CompositeTensor)
        return internal_convert_to_tensor(value, dtype=dtype, name=name, accepted_result_types=kinds)
    given = getattr(value, "dtype", None)
    if dtype is not None and not tf.as_dtype(dtype).is_compatible_with(given):
        raise ValueError(f"Tensor conversion requested dtype {tf.as_dtype(dtype).name} for Tensor with dtype {given}")
    return value


internal_convert_to_tensor_or_composite = convert_to_tensor_or_composite


def shape_tensor(shape: Any) -> Any:
    """`i32[rank]` (or int64, for sizes that it does not hold) of a shape."""
    dtype = None
    if isinstance(shape, (tuple, list)) and not shape:
        dtype = tf.int32
    elif isinstance(shape, (tuple, list, tf.TensorShape)):
        shape = [getattr(d, "value", d) for d in (shape.dims if isinstance(shape, tf.TensorShape) else shape)]
        dtype = tf.int64 if any(isinstance(d, int) and d >= 2**31 for d in shape) else tf.int32
    return tf.convert_to_tensor(shape, dtype=dtype, name="shape")


def ShapeEquals(tensor_proto: Any, shape: Any) -> bool:
    """Whether a TensorProto has this shape. Raises: TypeError for anything but TensorProtos and shapes."""
    if not hasattr(tensor_proto, "tensor_shape"):
        raise TypeError(f"tensor_proto is not a tensor_pb2.TensorProto object, got {type(tensor_proto)}")
    if not isinstance(shape, (list, tuple, tf.TensorShape)) and not hasattr(shape, "dim"):
        raise TypeError(f"shape is not a list, tuple or TensorShape, got {type(shape)}")
    sizes = [d.size for d in shape.dim] if hasattr(shape, "dim") else tf.TensorShape(shape).as_list()
    return [d.size for d in tensor_proto.tensor_shape.dim] == sizes


def is_composite_or_composite_value(tensor: Any) -> bool:
    """Whether something is a sparse or ragged tensor or the value of one."""
    return isinstance(tensor, (CompositeTensor, SparseTensorValue, RaggedTensorValue))


def get_shape(tensor: Any) -> Any:
    """The shape of a sparse or ragged tensor or value."""
    return tensor.dense_shape if isinstance(tensor, SparseTensorValue) else tensor.shape


def append_composite_tensor(target: Any, to_append: Any) -> Any:
    """The rows of one sparse or ragged tensor or value, then those of another.

    Raises: RuntimeError for other kinds, or rows of other shapes.
    Source: TF 1.15 `composite_tensor_utils.append_composite_tensor`.
    """
    if type(target) is not type(to_append):
        raise RuntimeError(f"Unable to concatenate {type(target)} and {type(to_append)}")
    if isinstance(target, tf.SparseTensor):
        return tf.sparse.concat(sp_inputs=[target, to_append], axis=0)
    if isinstance(target, tf.RaggedTensor):
        return tf.concat([target, to_append], axis=0)
    if isinstance(target, SparseTensorValue):
        return _sparse_values(target, to_append)
    if isinstance(target, RaggedTensorValue):
        return _ragged_values(target, to_append)
    raise RuntimeError(f"Attempted to concatenate unsupported object {type(target)}.")


def _sparse_values(target: Any, more: Any) -> Any:
    inner, other = tuple(target.dense_shape)[1:], tuple(more.dense_shape)[1:]
    if len(inner) != len(other) or inner != other:
        raise RuntimeError(
            f"Unable to concatenate {target} and {more}. The inner dense shapes do not match: {inner} vs {other}"
        )
    moved = np.array(more.indices)
    moved[:, 0] += target.dense_shape[0]
    rows = max([target.dense_shape[0] - 1, *moved[:, 0]]) + 1
    values = np.concatenate((target.values, more.values), axis=0)
    return SparseTensorValue(np.append(target.indices, moved, axis=0), values, (rows, *inner))


def _ragged_values(target: Any, more: Any) -> Any:
    if len(target.shape) != len(more.shape) or target.shape[1:] != more.shape[1:]:
        raise RuntimeError(f"Unable to concatenate {target} and {more}")
    splits = np.append(target.row_splits, more.row_splits[1:] + target.row_splits[-1])
    if isinstance(target.values, RaggedTensorValue):
        return RaggedTensorValue(_ragged_values(target.values, more.values), splits)
    return RaggedTensorValue(np.concatenate((target.values, more.values), axis=0), splits)
