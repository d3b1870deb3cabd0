"""The rows of the op types of ragged tensors; they run on the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.op_table import NO_GRADIENT
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank, with_rank_at_least
from retrograph.ops import array
from retrograph.ops.rows import num_elements, refuse
from retrograph.ops.sparse_rows import host_row

Array = Any

# ---- to sparse


def _sparse_shape(c: ShapeContext) -> list[Shape]:
    count = int(c.attr("RAGGED_RANK"))
    for i in range(count):
        with_rank(c, c.input(i), 1)
    values = with_rank_at_least(c, c.input(count), 1)
    rank = None if values is None else count + len(values)
    rows = num_elements(values)
    return [(rows, rank), (rows,), (rank,)]


def _check_splits(op: Any, splits: tuple[Array, ...], values: Array) -> None:
    for i, part in enumerate(splits):
        if not len(part):
            refuse(op, f"ragged splits may not be empty: splits {i}")
        if part[0] != 0:
            refuse(op, "First value of ragged splits must be 0.")
        if np.any(part[1:] < part[:-1]):
            refuse(op, "Ragged splits should be non decreasing")
        following = len(splits[i + 1]) - 1 if i + 1 < len(splits) else len(values)
        if part[-1] != following:
            refuse(op, "Final value of ragged splits must match the length the corresponding ragged values.")


def _to_sparse(op: Any, *inputs: Array) -> Any:
    splits, values = inputs[:-1], inputs[-1]
    _check_splits(op, splits, values)
    inner = values.shape[1:]
    count = int(np.prod(inner, dtype=np.int64))
    columns: list[Array] = []
    for part in splits:
        lengths = np.diff(part)
        ids = np.repeat(np.arange(len(lengths)), lengths)
        columns = [column[ids] for column in columns] or [ids]
        columns.append(np.arange(len(ids)) - np.repeat(part[:-1], lengths))
    columns = [np.repeat(column, count) for column in columns]
    inside = np.indices(inner).reshape(len(inner), count)
    columns += [np.tile(column, len(values)) for column in inside]
    sizes = [len(splits[0]) - 1, *(int(np.diff(s).max()) if len(s) > 1 else 0 for s in splits), *inner]
    indices = np.stack(columns, axis=1).astype(np.int64).reshape(-1, len(sizes))
    return indices, values.reshape(-1), np.array(sizes, np.int64)


def _to_sparse_grad(op: Any, *grads: Any) -> list[Any]:
    values = op.inputs[-1]
    return [None] * (len(op.inputs) - 1) + [array.reshape(grads[1], array.shape(values))]


host_row("RaggedTensorToSparse", _sparse_shape, _to_sparse, _to_sparse_grad)

# ---- ranges


def _range_shape(c: ShapeContext) -> list[Shape]:
    shapes = [c.input(i) for i in range(3)]
    sizes = {s[0] for s in shapes if s and s[0] is not None}
    if all(s == () for s in shapes):
        sizes = {1}
    count = sizes.pop() if len(sizes) == 1 else None
    return [(None if count is None else count + 1,), (None,)]


def _ranges(op: Any, starts: Array, limits: Array, deltas: Array) -> Any:
    sizes = {len(a) for a in (starts, limits, deltas) if np.ndim(a)}
    if len(sizes) > 1:
        refuse(op, "starts, limits, and deltas must have the same shape")
    count = sizes.pop() if sizes else 1
    rows = [np.broadcast_to(a, (count,)) for a in (starts, limits, deltas)]
    if np.any(rows[2] == 0):
        refuse(op, "Requires delta != 0")
    parts = [np.arange(a, b, d, dtype=starts.dtype) for a, b, d in zip(*rows, strict=True)]
    lengths = [len(p) for p in parts]
    splits = np.concatenate([[0], np.cumsum(lengths)]).astype(op.attrs["Tsplits"].as_numpy_dtype)
    return splits, np.concatenate([np.empty(0, starts.dtype), *parts])


host_row("RaggedRange", _range_shape, _ranges, NO_GRADIENT)

# ---- gathering


def _gather_shape(c: ShapeContext) -> list[Shape]:
    count = int(c.attr("OUTPUT_RAGGED_RANK"))
    values = c.input(int(c.attr("PARAMS_RAGGED_RANK")))
    inner = None if values is None else (None, *values[1:])
    indices = c.input(int(c.attr("PARAMS_RAGGED_RANK")) + 1)
    first = indices[0] + 1 if indices and indices[0] is not None else None
    return [(first,), *[(None,)] * (count - 1), inner]


def _gathered(op: Any, *inputs: Array) -> Any:
    rank = int(op.attrs["PARAMS_RAGGED_RANK"])
    splits, values, indices = inputs[:rank], inputs[rank], inputs[rank + 1]
    rows = len(splits[0]) - 1
    flat = indices.reshape(-1)
    wrong = (flat < 0) | (flat >= rows)
    if wrong.any():
        at = int(np.argmax(wrong))
        place = ",".join(str(i) for i in np.unravel_index(at, indices.shape)) if indices.ndim else ""
        refuse(op, f"indices[{place}] = {flat[at]} is not in [0, {rows})")
    made: list[Array] = []
    # Axes of the indices beyond the first become ragged axes of equal lengths.
    for axis in range(1, indices.ndim):
        size = int(np.prod(indices.shape[:axis], dtype=np.int64))
        made.append(np.arange(size + 1) * indices.shape[axis])
    chosen = flat
    for part in splits:
        lengths = np.diff(part)[chosen]
        made.append(np.concatenate([[0], np.cumsum(lengths)]))
        starts = np.repeat(part[chosen] - made[-1][:-1], lengths)
        chosen = (starts + np.arange(len(starts))).astype(np.int64)
    dtype = splits[0].dtype
    return (*(m.astype(dtype) for m in made), values[chosen])


def _gather_grad(op: Any, *grads: Any) -> list[Any]:
    raise NotImplementedError("The gradient of RaggedGather is not supported.")


host_row("RaggedGather", _gather_shape, _gathered, _gather_grad)
