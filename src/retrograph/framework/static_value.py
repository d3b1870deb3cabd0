"""Values of tensors that are known while the graph is built."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework.exports import export
from retrograph.framework.op_table import RECORDS, find_op_def
from retrograph.framework.shape import Shape, TensorShape

_MAX_ELEMENTS = 100_000
_FOLDABLE_DEPTH = 24


@export("get_static_value", "contrib.util.constant_value")
def constant_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor if its ops tell it without running, else None; what is no tensor stays as it is.

    With `partial`, values stacked of which some are known are an array of objects with None for the others.

    Source: TF 1.15 `tf.contrib.util.constant_value`.
    """
    if getattr(tensor, "value_index", None) is None:
        return None if hasattr(tensor, "dtype") and hasattr(tensor, "graph") else tensor
    value = static_value(tensor) if _is_told(tensor.op) else None
    if value is None and partial and tensor.op.type == "Pack" and not tensor.op.attrs["axis"]:
        return _partly_known(tensor)
    if value is not None:
        # The caller may go on with this value, so a fed one would not be seen.
        tensor.graph.prevent_feeding(tensor)
    return value


# TF's Python reads values through these op types only; its C++ shape rules fold every stateless operation.
_TOLD_BY_SHAPE = frozenset(("Const", "Shape", "Size", "Rank"))
_TOLD_BY_INPUTS = frozenset(("Range", "Cast", "Concat", "ConcatV2", "Pack", "Fill", "Equal", "NotEqual"))


def _partly_known(tensor: Any) -> Any:
    values = [constant_value(t, partial=True) for t in tensor.op.inputs]
    result = np.empty(len(values), object)
    for i, value in enumerate(values):
        result[i] = value
    return result


def _is_told(op: Any) -> bool:
    if op.type in _TOLD_BY_SHAPE:
        return True
    if op.type == "Pack" and op.attrs["axis"]:
        return False
    return op.type in _TOLD_BY_INPUTS and all(_is_told(t.op) for t in op.inputs)


def static_value(tensor: Any) -> np.ndarray[Any, Any] | None:
    """As `constant_value`, for shape rules: the tensor may still be fed."""
    return _folded(tensor, _FOLDABLE_DEPTH)


def _static_shape(op: Any, index: int) -> Any:
    shape = op.inputs[index]._shape
    if shape is None or None in shape:
        return None
    return np.array(shape, op.attrs["out_type"].as_numpy_dtype)


def _rank(op: Any, index: int) -> Any:
    shape = op.inputs[0]._shape
    return None if shape is None else np.array(len(shape), np.int32)


def _size(op: Any, index: int) -> Any:
    shape = _static_shape(op, 0)
    return None if shape is None else np.array(np.prod(shape, dtype=np.int64), shape.dtype)


_OF_SHAPES: dict[str, Callable[[Any, int], Any]] = {
    "Shape": _static_shape,
    "ShapeN": _static_shape,
    "Rank": _rank,
    "Size": _size,
}


def _folded(tensor: Any, depth: int) -> np.ndarray[Any, Any] | None:
    op = tensor.op
    if op.type == "Const":
        return op.attrs["value"]  # type: ignore[no-any-return]
    if op.type in _OF_SHAPES:
        value = _OF_SHAPES[op.type](op, tensor.value_index)
        if value is not None:
            return value  # type: ignore[no-any-return]
    record = RECORDS.get(op.type)
    if record is None or record.numpy is None or record.effect or depth == 0 or not op.inputs or _unfoldable(op.type):
        return None
    if tensor._shape is not None and None not in tensor._shape and math.prod(tensor._shape) > _MAX_ELEMENTS:
        return None
    return _evaluated(op, record, tensor.value_index, depth - 1)


@cache
def _unfoldable(op_type: str) -> bool:
    """Whether values of this op type are never known before it runs, though its inputs may be."""
    definition = find_op_def(op_type)
    return op_type in ("PlaceholderWithDefault", "PyFuncStateless") or definition is None or definition.stateful


def _evaluated(op: Any, record: Any, index: int, depth: int) -> np.ndarray[Any, Any] | None:
    values = []
    for t in op.inputs:
        value = _folded(t, depth)
        if value is None:
            return None
        values.append(value)
    try:
        result = record.numpy(op, *values)
    except Exception:  # what cannot be evaluated now will say so when it runs
        return None
    return np.asarray(result[index] if isinstance(result, (tuple, list)) else result)


# TF's tensors have no more dimensions.
_LARGEST_RANK = 254


class _Reading(NamedTuple):
    """How values and partial shapes are read: as TF's shape rules do, or as its Python does."""

    value: Callable[[Any], Any]
    shape: Callable[[Any], Shape]


def constant_value_as_plain_shape(tensor: Any) -> Shape:
    """The partial shape that a rank-1 integer tensor holds, as far as shape rules know it."""
    value = static_value(tensor)
    if value is not None:
        sizes = np.atleast_1d(value).tolist() if value.ndim else None
        return None if sizes is None else tuple(None if d < 0 else d for d in sizes)
    if tensor.op.type in ("Shape", "ShapeN"):
        shape: Shape = tensor.op.inputs[tensor.value_index]._shape
    else:
        rule = _PARTIAL.get(tensor.op.type)
        shape = rule(tensor.op, _BY_RULES) if rule else None
    if shape is not None:
        return shape
    length = tensor._shape[0] if tensor._shape else None
    return None if length is None or length > _LARGEST_RANK else (None,) * length


def _partial_of_pack(op: Any, read: _Reading) -> Shape:
    sizes: list[int | None] = []
    for t in op.inputs:
        value = read.value(t)
        sizes.append(None if value is None or value < 0 else int(value))
    return tuple(sizes)


def _partial_of_concat(op: Any, read: _Reading) -> Shape:
    shape: tuple[int | None, ...] = ()
    for t in op.inputs[:-1]:
        part = read.shape(t)
        if part is None:
            return None
        shape += part
    return shape


def _partial_of_strided_slice(op: Any, read: _Reading) -> Shape:
    begin, end, strides = (read.value(t) for t in op.inputs[1:4])
    whole = read.shape(op.inputs[0])
    masks = op.attrs
    if begin is None or end is None or strides is None or whole is None or len(begin) != 1:
        return None
    if masks["shrink_axis_mask"] or masks["ellipsis_mask"] or masks["new_axis_mask"]:
        return None
    first = None if masks["begin_mask"] & 1 else int(begin[0])
    last = None if masks["end_mask"] & 1 else int(end[0])
    return whole[slice(first, last, int(strides[0]))]


def _partial_of_cast(op: Any, read: _Reading) -> Shape:
    return read.shape(op.inputs[0])


_PARTIAL: dict[str, Callable[[Any, _Reading], Shape]] = {
    "Pack": _partial_of_pack,
    "ConcatV2": _partial_of_concat,
    "StridedSlice": _partial_of_strided_slice,
    "Cast": _partial_of_cast,
}
# TF's Python reads sizes through these; its C++ shape rules see through casts as well.
_TOLD_IN_PART = frozenset(("Pack", "ConcatV2", "StridedSlice"))


def _told_shape(tensor: Any) -> Shape:
    if tensor.op.type == "Shape":
        return tensor.op.inputs[0]._shape  # type: ignore[no-any-return]
    shape = _PARTIAL[tensor.op.type](tensor.op, _BY_PYTHON) if tensor.op.type in _TOLD_IN_PART else None
    if shape is not None:
        return shape
    value = constant_value(tensor)
    if value is not None:
        return tuple(int(d) if d >= 0 else None for d in value)
    length = tensor._shape[0] if tensor._shape else None
    return None if length is None else (None,) * length


_BY_RULES = _Reading(static_value, constant_value_as_plain_shape)
_BY_PYTHON = _Reading(constant_value, _told_shape)


def _check_unknown_shape(tensor: Any) -> None:
    value = constant_value(tensor)
    if value is None:
        raise ValueError(
            "Received a scalar with unknown value as shape; require a statically known scalar with value '-1' to "
            "describe an unknown shape."
        )
    if value != -1:
        raise ValueError(
            f"Received a scalar value '{value}' as shape; require a statically known scalar with value '-1' to "
            "describe an unknown shape."
        )


@export("contrib.util.constant_value_as_shape")
def constant_value_as_shape(tensor: Any) -> TensorShape:
    """The (partial) `TensorShape` that a rank-1 integer tensor, or the scalar -1, holds.

    Raises ValueError: another scalar, or a tensor of higher rank. Source: TF 1.15 `tensor_util.constant_value_as_shape`.
    """
    if tensor._shape == ():
        _check_unknown_shape(tensor)
        return TensorShape(None)
    tensor.get_shape().with_rank(1)
    return TensorShape._of(() if tensor._shape == (0,) else _told_shape(tensor))
