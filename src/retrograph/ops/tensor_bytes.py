"""Tensors as serialized TensorProtos, and sparse tensors as three of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, wire
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.graph_wire import parse_tensor, shape_bytes
from retrograph.framework.op_table import NO_GRADIENT
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, scalar, unknown, with_rank
from retrograph.framework.structures import SparseTensor
from retrograph.ops.raw import raw
from retrograph.ops.rows import refuse, with_value
from retrograph.ops.sparse import to_sparse_tensor
from retrograph.ops.sparse_rows import brackets, check_indices, host_row, sparse_ranks

_CPP = {"float32": "float", "float64": "double", "float16": "half"}


def _dtype_of(array: Any) -> DType:
    return dtypes.string if array.dtype == object else dtypes.as_dtype(array.dtype)


def _shown(dtype: DType) -> str:
    return _CPP.get(dtype.name, dtype.name)


def _as_text(array: Any) -> bytes:
    """A TensorProto as TF's kernels write it: numbers always as their memory."""
    dtype = _dtype_of(array)
    head = wire.integer(1, dtype.as_datatype_enum) + wire.message(2, shape_bytes(array.shape))
    if dtype == dtypes.string:
        return head + b"".join(wire.message(8, t) for t in array.ravel().tolist())
    return head + wire.text(4, np.ascontiguousarray(array).tobytes())


def _object(value: bytes) -> Any:
    made = np.empty((), object)
    made[()] = value
    return made


def _texts(rows: Any) -> Any:
    made = np.empty((len(rows), 3) if rows and isinstance(rows[0], tuple) else len(rows), object)
    made[...] = rows
    return made


def _read(op: Any, text: bytes, failure: str) -> Any:
    try:
        return parse_tensor(text)
    except (ValueError, TypeError):
        refuse(op, failure)


# ---- dense tensors


def _serialized(op: Any, array: Any) -> Any:
    return _object(_as_text(array))


def _parsed(op: Any, text: Any) -> Any:
    if np.ndim(text):
        refuse(op, f"Expected `serialized` to be a scalar, got shape: {brackets(np.shape(text))}")
    data: bytes = np.asarray(text, object).item()
    array = _read(op, data, f"Could not parse `serialized` as TensorProto: '{data.decode('latin-1')[:40]}'")
    wanted = op.attrs["out_type"]
    if _dtype_of(array) != wanted:
        refuse(op, f"Type mismatch between parsed tensor ({_shown(_dtype_of(array))}) and dtype ({_shown(wanted)})")
    return array


host_row("SerializeTensor", scalar, _serialized)
host_row("ParseTensor", unknown, _parsed)


@export("io.serialize_tensor", "serialize_tensor")
def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """`string[]`: the tensor as a TensorProto. Source: TF 1.15 `tf.io.serialize_tensor`."""
    return raw("SerializeTensor", tensor, name=name)  # type: ignore[no-any-return]


@export("io.parse_tensor", "parse_tensor")
def parse_tensor_op(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """The tensor that a serialized TensorProto holds.

    Raises InvalidArgumentError when it runs, for what is none or is of another type. Source: TF 1.15 `tf.io.parse_tensor`.
    """
    return raw("ParseTensor", serialized, out_type=out_type, name=name)  # type: ignore[no-any-return]


# ---- sparse tensors


def _serialized_sparse(op: Any, indices: Any, values: Any, shape: Any) -> Any:
    return _texts([_as_text(part) for part in (indices, values, shape)])


def _serialized_rows(op: Any, indices: Any, values: Any, shape: Any) -> Any:
    if len(shape) < 2:
        refuse(op, f"Rank of input SparseTensor should be > 1, but saw rank: {len(shape)}")
    check_indices(op, indices, shape)
    size = _as_text(shape[1:])
    rows = []
    for row in range(int(shape[0])):
        chosen = indices[:, 0] == row
        rows.append((_as_text(indices[chosen][:, 1:]), _as_text(values[chosen]), size))
    return _texts(rows) if rows else np.empty((0, 3), object)


def _fits(op: Any, index: int, parts: list[Any]) -> None:
    indices, values, shape = parts
    if indices.ndim != 2:
        refuse(
            op,
            f"Expected serialized_sparse[{index}, 0] to represent an index matrix but received shape {brackets(indices.shape)}",
        )
    if values.ndim != 1:
        refuse(
            op,
            f"Expected serialized_sparse[{index}, 1] to represent a values vector but received shape {brackets(values.shape)}",
        )
    if shape.ndim != 1:
        refuse(
            op, f"Expected serialized_sparse[{index}, 1] to be a shape vector but its shape is {brackets(shape.shape)}"
        )
    wanted = op.attrs["dtype"]
    if _dtype_of(values) != wanted:
        found = _shown(_dtype_of(values))
        refuse(
            op, f"Requested SparseTensor of type {_shown(wanted)} but SparseTensor[{index}].values.dtype() == {found}"
        )
    if len(indices) != len(values):
        counts = f"{len(indices)} vs. {len(values)}"
        names = f"SparseTensor[{index}].indices and SparseTensor[{index}].values"
        refuse(op, f"Expected row counts of {names} to match but they do not: {counts}")
    if indices.shape[1] != len(shape):
        counts = f"{indices.shape[1]} vs. {len(shape)}"
        names = f"SparseTensor[{index}].indices to match size of SparseTensor[{index}].shape"
        refuse(op, f"Expected column counts of {names} but they do not: {counts}")


def _read_sparse(op: Any, rows: Any) -> list[list[Any]]:
    found: list[list[Any]] = []
    for index, row in enumerate(rows):
        parts = [_read(op, text, "Could not parse serialized proto") for text in row]
        _fits(op, index, parts)
        if found and len(found[0][2]) != len(parts[2]):
            start = f"Inconsistent shape across SparseTensors: rank prior to SparseTensor[{index}] was"
            refuse(op, f"{start}: {len(found[0][2])} but rank of SparseTensor[{index}] is: {len(parts[2])}")
        found.append(parts)
    return found


def _stacked(found: list[list[Any]], batch: tuple[int, ...]) -> Any:
    heads = np.array(list(np.ndindex(*batch)), np.int64).reshape(len(found), len(batch))
    indices = [np.hstack([np.repeat(h[None], len(p[0]), 0), p[0]]) for h, p in zip(heads, found, strict=True)]
    sizes = np.max([p[2] for p in found], axis=0)
    return (
        np.concatenate(indices),
        np.concatenate([p[1] for p in found]),
        np.concatenate([batch, sizes]).astype(np.int64),
    )


def _deserialized(op: Any, texts: Any) -> Any:
    shape = np.shape(texts)
    if not shape:
        refuse(op, "Serialized sparse should have non-zero rank []")
    if shape[-1] != 3:
        refuse(op, f"Serialized sparse should have 3 as the last dimension {brackets(shape)}")
    found = _read_sparse(op, np.asarray(texts, object).reshape(-1, 3))
    if not found:
        refuse(
            op,
            f"Serialized sparse should have at least 1 serialized tensor, but has a zero dimension {brackets(shape)}",
        )
    return tuple(found[0]) if len(shape) == 1 else _stacked(found, shape[:-1])


def _checked(rule: Callable[[ShapeContext], Any], shapes: list[Shape]) -> Callable[[ShapeContext], list[Shape]]:
    def shape(c: ShapeContext) -> list[Shape]:
        rule(c)
        return shapes

    return shape


def _matrix_of_three(c: ShapeContext) -> None:
    with_value(with_rank(c, c.input(0), 2)[1], 3)


def _ends_in_three(c: ShapeContext) -> None:
    shape = c.input(0)
    if shape:
        with_value(shape[-1], 3)


_PARTS: list[Shape] = [(None, None), (None,), (None,)]
host_row("SerializeSparse", _checked(sparse_ranks, [(3,)]), _serialized_sparse, NO_GRADIENT)
host_row("SerializeManySparse", _checked(sparse_ranks, [(None, 3)]), _serialized_rows)
host_row("DeserializeSparse", _checked(_ends_in_three, _PARTS), _deserialized)
host_row("DeserializeManySparse", _checked(_matrix_of_three, _PARTS), _deserialized)


def _check_out_type(out_type: Any) -> None:
    if dtypes.as_dtype(out_type) != dtypes.string:
        from retrograph.framework import errors

        raise errors.UnimplementedError(None, None, "Sparse tensors are serialized as strings only: out_type")


def _parts_of(sp_input: Any) -> tuple[Any, Any, Any]:
    sparse = to_sparse_tensor(sp_input)
    return sparse.indices, sparse.values, sparse.dense_shape


@export("io.serialize_sparse", "serialize_sparse")
def serialize_sparse(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Tensor:
    """`string[3]`: the parts of a sparse tensor as TensorProtos. Source: TF 1.15 `tf.io.serialize_sparse`."""
    _check_out_type(out_type)
    return raw("SerializeSparse", *_parts_of(sp_input), name=name, out_type=out_type)  # type: ignore[no-any-return]


@export("io.serialize_many_sparse", "serialize_many_sparse")
def serialize_many_sparse(sp_input: Any, name: str | None = None, out_type: Any = dtypes.string) -> Tensor:
    """`string[n, 3]`: each row of a sparse tensor, serialized. Source: TF 1.15 `tf.io.serialize_many_sparse`."""
    _check_out_type(out_type)
    return raw("SerializeManySparse", *_parts_of(sp_input), name=name, out_type=out_type)  # type: ignore[no-any-return]


def _deserialize(op_type: str, serialized: Any, dtype: Any, rank: int | None, name: str | None) -> SparseTensor:
    indices, values, shape = raw(op_type, serialized, dtype=dtype, name=name)
    indices.set_shape([None, rank])
    shape.set_shape([rank])
    return SparseTensor(indices, values, shape)


def deserialize_sparse(serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None) -> Any:
    """The sparse tensor of its serialized parts, batched by the axes before. Source: TF 1.15 `sparse_ops`."""
    return _deserialize("DeserializeSparse", serialized_sparse, dtype, rank, name)


@export("io.deserialize_many_sparse", "deserialize_many_sparse")
def deserialize_many_sparse(
    serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
) -> SparseTensor:
    """The sparse tensors of `string[n, 3]`, as rows of one.

    Raises InvalidArgumentError when it runs, for other bytes, types or ranks.
    Source: TF 1.15 `tf.io.deserialize_many_sparse`.
    """
    return _deserialize("DeserializeManySparse", serialized_sparse, dtype, rank, name)
