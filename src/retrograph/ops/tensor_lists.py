"""Lists of tensors: what TensorArrays are in graphs whose loops are functions.

The runtime value of a list is an `ArrayValue`, as that of a TensorArray's flow is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank
from retrograph.framework.static_value import constant_value_as_plain_shape
from retrograph.ops.array_value import ArrayHandle, ArrayValue
from retrograph.ops.raw import raw
from retrograph.ops.rows import ints, refuse

Array = Any


def _plain(shape: Any) -> tuple[int | None, ...] | None:
    """A shape given as numbers: -1 for what is not known, a scalar -1 for a rank that is not known."""
    if np.ndim(shape) == 0:
        return None
    return tuple(None if d < 0 else d for d in ints(shape))


def _handle(op: Any, shape: Any, size: int) -> ArrayHandle:
    return ArrayHandle("TensorList", size, np.dtype(op.attrs["element_dtype"].as_numpy_dtype), _plain(shape), False)


def _reserve(op: Any, shape: Array, count: Array) -> ArrayValue:
    size = int(count)
    if size < 0:
        refuse(op, f"The num_elements to reserve must be a non negative number, but got {size}")
    return ArrayValue(_handle(op, shape, size), [None] * size)


def _empty(op: Any, shape: Array, most: Array) -> ArrayValue:
    return ArrayValue(_handle(op, shape, 0), [])


def _from_tensor(op: Any, tensor: Array, shape: Array) -> ArrayValue:
    if tensor.ndim == 0:
        refuse(op, "Tensor must be at least a vector, but saw shape: []")
    return ArrayValue(_handle(op, shape, tensor.shape[0]), None, tensor)


def _known_shape(array: ArrayValue, shape: Array) -> tuple[int, ...] | None:
    """The shape of an element, from those that there are or from what was said."""
    if array.element_shape is not None:
        return array.element_shape
    for said in (_plain(shape), array.handle.element_shape):
        if said is not None and None not in said:
            return tuple(d for d in said if d is not None)
    return None


def _stack(op: Any, array: ArrayValue, shape: Array) -> Array:
    count, wanted = op.attrs["num_elements"], array.size
    if count not in (-1, wanted):
        refuse(op, f"Operation expected a list with {count} elements but got a list with {wanted} elements.")
    known = _known_shape(array, shape)
    if not wanted:
        if known is None:
            text = "Tried to stack elements of an empty list with non-fully-defined element_shape"
            refuse(op, f"{text}: {_shown(_plain(shape))}")
        return np.zeros((0, *known), array.dtype)
    if known is None and array.parts is not None and all(part is None for part in array.parts):
        text = "Tried to stack list which only contains uninitialized tensors and has a non-fully-defined element_shape"
        refuse(op, f"{text}: {_shown(_plain(shape))}")
    return _filled(op, array, known)


def _shown(shape: Shape) -> str:
    return "<unknown>" if shape is None else to_text(shape)


def _filled(op: Any, array: ArrayValue, shape: tuple[int, ...] | None) -> Array:
    if array.parts is None:
        return array.buffer
    parts = [np.zeros(shape or (), array.dtype) if part is None else part for part in array.parts]
    return ArrayValue(array.handle, parts).gather(op, np.arange(len(parts)))


def _check_place(op: Any, array: ArrayValue, index: Array, doing: str) -> None:
    if isinstance(index, (np.ndarray, np.generic)) and not 0 <= int(index) < array.size:
        refuse(op, f"{doing} {int(index)} in a list with {array.size} elements.")


def _get(op: Any, array: ArrayValue, index: Array, shape: Array) -> Array:
    _check_place(op, array, index, "Trying to access element")
    if isinstance(index, (np.ndarray, np.generic)) and array.parts is not None and array.parts[int(index)] is None:
        known = _known_shape(array, shape)
        if known is None:
            refuse(op, "Trying to read an uninitialized tensor but element_shape is not fully defined")
        return np.zeros(known, array.dtype)
    return array.read(op, index)


def _set(op: Any, array: ArrayValue, index: Array, item: Array) -> ArrayValue:
    _check_place(op, array, index, "Trying to modify element")
    return array.write(op, index, item)


def _length(op: Any, array: ArrayValue) -> Array:
    return np.int32(array.size)


def _push(op: Any, array: ArrayValue, tensor: Array) -> ArrayValue:
    return ArrayValue(array.handle, [*array.separate(), tensor])


def _pop(op: Any, array: ArrayValue, shape: Array) -> tuple[ArrayValue, Array]:
    if not array.size:
        refuse(op, "Trying to pop from an empty list.")
    last = np.int64(array.size - 1)
    return ArrayValue(array.handle, array.separate()[:-1]), _get(op, array, last, shape)


def _element_shape(op: Any, array: ArrayValue) -> Array:
    kind = op.attrs["shape_type"].as_numpy_dtype
    said = array.handle.element_shape
    return np.array(-1, kind) if said is None else np.array([-1 if d is None else d for d in said], kind)


def _resize(op: Any, array: ArrayValue, size: Array) -> ArrayValue:
    count = int(size)
    if count < 0:
        refuse(op, f"TensorListSlice expects size to be non-negative. Got: {count}")
    parts = array.separate()[:count]
    return ArrayValue(array.handle, [*parts, *[None] * (count - len(parts))])


def _gather(op: Any, array: ArrayValue, indices: Array, shape: Array) -> Array:
    if not len(indices):
        return np.zeros((0, *(_known_shape(array, shape) or ())), array.dtype)
    if not isinstance(indices, np.ndarray):
        return array.gather(op, indices)
    return ArrayValue(array.handle, [_get(op, array, i, shape) for i in indices]).gather(op, np.arange(len(indices)))


def _scatter(op: Any, tensor: Array, indices: Array, shape: Array, count: Array | None = None) -> ArrayValue:
    most = int(indices.max(initial=-1)) + 1
    size = most if count is None or int(count) == -1 else int(count)
    if size < most:
        refuse(op, f"TensorListScatter: Trying to scatter at index {most - 1} in list with size {size}")
    return ArrayValue(_handle(op, shape, size), [None] * size).scatter(op, indices, tensor)


def _scatter_into(op: Any, array: ArrayValue, tensor: Array, indices: Array) -> ArrayValue:
    grown = _resize(op, array, max(array.size, int(indices.max(initial=-1)) + 1))
    return grown.scatter(op, indices, tensor)


def _concat(op: Any, array: ArrayValue, *said: Array) -> tuple[Array, Array]:
    if array.parts is not None and any(part is None for part in array.parts):
        raise errors.UnimplementedError(None, op, f"{op.type}: elements that were not set")
    return array.concat(op)


def _split(op: Any, tensor: Array, shape: Array, lengths: Array) -> ArrayValue:
    return ArrayValue(_handle(op, shape, len(lengths)), [None] * len(lengths)).split(op, tensor, lengths)


def _joined(op: Any, a: ArrayValue, b: ArrayValue) -> ArrayValue:
    return ArrayValue(a.handle, [*a.separate(), *b.separate()])


# ---- shapes


_SAID = {"EmptyTensorList": 0, "TensorListReserve": 0, "TensorListFromTensor": 1, "TensorListSplit": 1}
_SAID.update({"TensorListScatter": 2, "TensorListScatterV2": 2})
_KEEPING = ("SetItem", "PushBack", "PopBack", "Resize", "ScatterIntoExistingList", "ConcatLists")
_SAME = frozenset((*(f"TensorList{name}" for name in _KEEPING), "Identity", "Enter", "Switch"))


def _element(tensor: Any) -> Shape:
    """What the operations that made a list say of its elements' shape."""
    op = tensor._op
    while op.type in _SAME:
        op = op._inputs[0]._op
    if op.type not in _SAID:
        return None
    said = op._inputs[_SAID[op.type]]
    return None if said._shape == () else constant_value_as_plain_shape(said)


def _item(c: ShapeContext, index: int) -> Shape:
    """The shape of an element, by input `index` and by the list, which is input 0."""
    said = None if c.input(index) == () else c.constant_as_shape(index)
    return merge(c, said, _element(c.inputs[0]))


def _list(c: ShapeContext) -> list[Shape]:
    return [()]


def _item_shape(c: ShapeContext) -> list[Shape]:
    return [_item(c, 2)]


def _stack_shape(c: ShapeContext) -> list[Shape]:
    item, count = _item(c, 1), c.attr("num_elements")
    return [None if item is None else (None if count == -1 else count, *item)]


def _gather_shape(c: ShapeContext) -> list[Shape]:
    item, rows = _item(c, 2), with_rank(c, c.input(1), 1)
    return [None if item is None else (*rows, *item)]


def _pop_shape(c: ShapeContext) -> list[Shape]:
    return [(), _item(c, 1)]


def _concat_shape(c: ShapeContext) -> list[Shape]:
    item = _item(c, 1) if c.op_type.endswith("V2") else _element(c.inputs[0])
    return [None if item is None else (None, *item[1:]), (None,)]


def _element_shape_shape(c: ShapeContext) -> list[Shape]:
    item = _element(c.inputs[0])
    return [None if item is None else (len(item),)]


# ---- gradients


def _kind(op: Any) -> dict[str, Any]:
    return {"element_dtype": op.get_attr("element_dtype")}


def _from_tensor_gradient(op: Any, grad: Any) -> list[Any]:
    rows = op.inputs[0]._shape
    count = -1 if rows is None or rows[0] is None else rows[0]
    return [raw("TensorListStack", grad, op.inputs[1], num_elements=count, **_kind(op)), None]


def _stack_gradient(op: Any, grad: Any) -> list[Any]:
    return [raw("TensorListFromTensor", grad, op.inputs[1]), None]


def _get_gradient(op: Any, grad: Any) -> list[Any]:
    zeros = raw("TensorListReserve", op.inputs[2], raw("TensorListLength", op.inputs[0]), **_kind(op))
    return [raw("TensorListSetItem", zeros, op.inputs[1], grad), None, None]


def _set_gradient(op: Any, grad: Any) -> list[Any]:
    _, index, item = op.inputs
    shape = raw("Shape", item, out_type="int32")
    cleared = raw("TensorListSetItem", grad, index, raw("ZerosLike", item))
    return [cleared, None, raw("TensorListGetItem", grad, index, shape, **_kind(op))]


def _push_gradient(op: Any, grad: Any) -> list[Any]:
    shape = raw("Shape", op.inputs[1], out_type="int32")
    return list(raw("TensorListPopBack", grad, shape, **_kind(op)))


def _pop_gradient(op: Any, list_grad: Any, grad: Any) -> list[Any]:
    return [raw("TensorListPushBack", list_grad, grad), None]


_GRADIENTS: dict[str, Any] = {
    "TensorListFromTensor": _from_tensor_gradient,
    "TensorListStack": _stack_gradient,
    "TensorListGetItem": _get_gradient,
    "TensorListSetItem": _set_gradient,
    "TensorListPushBack": _push_gradient,
    "TensorListPopBack": _pop_gradient,
}


_Row = tuple[Any, Any, tuple[int, ...]]
_ROWS: dict[str, _Row] = {
    "EmptyTensorList": (_list, _empty, (0, 1)),
    "TensorListReserve": (_list, _reserve, (0, 1)),
    "TensorListFromTensor": (_list, _from_tensor, (1,)),
    "TensorListStack": (_stack_shape, _stack, (1,)),
    "TensorListGetItem": (_item_shape, _get, (2,)),
    "TensorListSetItem": (_list, _set, ()),
    "TensorListLength": (_list, _length, ()),
    "TensorListPushBack": (_list, _push, ()),
    "TensorListPopBack": (_pop_shape, _pop, (1,)),
    "TensorListElementShape": (_element_shape_shape, _element_shape, ()),
    "TensorListResize": (_list, _resize, (1,)),
    "TensorListGather": (_gather_shape, _gather, (2,)),
    "TensorListScatter": (_list, _scatter, (1, 2)),
    "TensorListScatterV2": (_list, _scatter, (1, 2, 3)),
    "TensorListScatterIntoExistingList": (_list, _scatter_into, (2,)),
    "TensorListConcat": (_concat_shape, _concat, ()),
    "TensorListConcatV2": (_concat_shape, _concat, (1, 2)),
    "TensorListSplit": (_list, _split, (1, 2)),
    "TensorListConcatLists": (_list, _joined, ()),
}
for _op_type, (_rule, _run, _static) in _ROWS.items():
    register_op(
        _op_type,
        shape=_rule,
        lower=_run,
        numpy=_run,
        static_inputs=_static,
        gradient=_GRADIENTS.get(_op_type),
    )
