"""`tensorflow.python.ops.list_ops`: lists of tensors, whose element shapes may be given as shapes, sizes or tensors."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Dimension, TensorShape
from retrograph.ops.raw import raw


def _element_shape(shape: Any) -> Any:
    """A shape as an operand: -1 for what is not known."""
    if isinstance(shape, Tensor):
        return shape
    if isinstance(shape, TensorShape):
        shape = shape.as_list() if shape.ndims is not None else None
    if shape is None:
        return -1
    sizes = [d.value if isinstance(d, Dimension) else d for d in shape]
    if not sizes:
        return tf.convert_to_tensor(sizes, tf.int32)
    return [-1 if d is None else d for d in sizes]


def empty_tensor_list(element_shape: Any, element_dtype: Any, max_num_elements: Any = None, name: Any = None) -> Any:
    """A list without elements. Source: TF 1.15 `list_ops.empty_tensor_list`."""
    most = -1 if max_num_elements is None else max_num_elements
    return raw("EmptyTensorList", _element_shape(element_shape), most, element_dtype=element_dtype, name=name)


def tensor_list_reserve(element_shape: Any, num_elements: Any, element_dtype: Any, name: Any = None) -> Any:
    """A list of so many elements that are not set. Source: TF 1.15 `list_ops.tensor_list_reserve`."""
    shape = _element_shape(element_shape)
    return raw("TensorListReserve", shape, num_elements, element_dtype=element_dtype, name=name)


def tensor_list_from_tensor(tensor: Any, element_shape: Any, name: Any = None) -> Any:
    """A list of the rows of a tensor. Source: TF 1.15 `list_ops.tensor_list_from_tensor`."""
    return raw("TensorListFromTensor", tensor, _element_shape(element_shape), name=name)


def tensor_list_get_item(
    input_handle: Any, index: Any, element_dtype: Any, element_shape: Any = None, name: Any = None
) -> Any:
    """An element. Source: TF 1.15 `list_ops.tensor_list_get_item`."""
    shape = _element_shape(element_shape)
    return raw("TensorListGetItem", input_handle, index, shape, element_dtype=element_dtype, name=name)


def tensor_list_pop_back(input_handle: Any, element_dtype: Any, name: Any = None) -> Any:
    """The list without its last element, and that element. Source: TF 1.15 `list_ops.tensor_list_pop_back`."""
    return raw("TensorListPopBack", input_handle, -1, element_dtype=element_dtype, name=name)


def tensor_list_gather(
    input_handle: Any, indices: Any, element_dtype: Any, element_shape: Any = None, name: Any = None
) -> Any:
    """Elements by their indices, stacked. Source: TF 1.15 `list_ops.tensor_list_gather`."""
    shape = _element_shape(element_shape)
    return raw("TensorListGather", input_handle, indices, shape, element_dtype=element_dtype, name=name)


def tensor_list_scatter(
    tensor: Any, indices: Any, element_shape: Any = None, input_handle: Any = None, name: Any = None
) -> Any:
    """A list, given or new, with the rows of a tensor at indices. Source: TF 1.15 `list_ops.tensor_list_scatter`."""
    if input_handle is not None:
        return raw("TensorListScatterIntoExistingList", input_handle, tensor, indices, name=name)
    return raw("TensorListScatterV2", tensor, indices, _element_shape(element_shape), -1, name=name)


def tensor_list_stack(
    input_handle: Any, element_dtype: Any, num_elements: Any = -1, element_shape: Any = None, name: Any = None
) -> Any:
    """All elements, stacked. Source: TF 1.15 `list_ops.tensor_list_stack`."""
    attrs = {"num_elements": num_elements, "element_dtype": element_dtype}
    return raw("TensorListStack", input_handle, _element_shape(element_shape), name=name, **attrs)


def tensor_list_concat(input_handle: Any, element_dtype: Any, element_shape: Any = None, name: Any = None) -> Any:
    """All elements, one after the other. Source: TF 1.15 `list_ops.tensor_list_concat`."""
    none = tf.convert_to_tensor([], tf.int64)
    shape = _element_shape(element_shape)
    return raw("TensorListConcatV2", input_handle, shape, none, element_dtype=element_dtype, name=name)[0]


def tensor_list_split(tensor: Any, element_shape: Any, lengths: Any, name: Any = None) -> Any:
    """A list of parts of a tensor. Source: TF 1.15 `list_ops.tensor_list_split`."""
    return raw("TensorListSplit", tensor, _element_shape(element_shape), lengths, name=name)


def tensor_list_set_item(
    input_handle: Any, index: Any, item: Any, resize_if_index_out_of_bounds: bool = False, name: Any = None
) -> Any:
    """The list with another element at `index`. Source: TF 1.15 `list_ops.tensor_list_set_item`."""
    if resize_if_index_out_of_bounds:
        given = input_handle
        outside = index >= raw("TensorListLength", given)
        input_handle = tf.cond(outside, lambda: raw("TensorListResize", given, index + 1), lambda: given)
    return raw("TensorListSetItem", input_handle, index, item, name=name)
