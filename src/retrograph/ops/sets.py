"""Sets: operations on the rows (the last axis) of tensors, `tf.sets.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.exports import export
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, unknown, with_rank_at_least
from retrograph.framework.structures import SparseTensor, convert_to_tensor_or_sparse_tensor
from retrograph.ops.raw import raw
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import brackets, check_indices, host_row, sparse_ranks

Array = Any
_Groups = dict[tuple[int, ...], set[Any]]
_VALID = frozenset((dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.string))
_OPERATIONS: dict[bytes, Callable[[set[Any], set[Any]], set[Any]]] = {
    b"a-b": lambda a, b: a - b,
    b"b-a": lambda a, b: b - a,
    b"intersection": lambda a, b: a & b,
    b"union": lambda a, b: a | b,
}


def _of_sparse(op: Any, indices: Array, values: Array, shape: Array) -> tuple[_Groups, tuple[int, ...]]:
    """The sets by the indices of their rows, and the sizes of the axes before the last."""
    # TF's kernels find rows out of order also where they are not to look for them.
    check_indices(op, indices, shape)
    found: _Groups = {}
    for row, value in zip(indices[:, :-1].tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(row), set()).add(value)
    return found, tuple(int(s) for s in shape[:-1])


def _of_dense(op: Any, values: Array) -> tuple[_Groups, tuple[int, ...]]:
    if values.ndim < 2:
        refuse(op, f"Input tensor must have rank >= 2, got shape {brackets(values.shape)}")
    lead = values.shape[:-1]
    rows = values.reshape(-1, values.shape[-1]).tolist()
    return dict(zip(np.ndindex(*lead), map(set, rows), strict=True)), lead


def _combined(op: Any, first: Any, second: Any, dtype: Any) -> tuple[Array, Array, Array]:
    """The sparse tensor of the sets that the operation gives for each row."""
    (a, a_shape), (b, b_shape) = first, second
    if a_shape != b_shape:
        refuse(op, f"Mismatched shapes {brackets(a_shape)} vs {brackets(b_shape)}")
    combine = _OPERATIONS[op.attrs["set_operation"]]
    rows = [(key, sorted(combine(a.get(key, set()), b.get(key, set())))) for key in sorted({*a, *b})]
    places = [(*key, i) for key, values in rows for i in range(len(values))]
    found = np.empty(len(places), dtype)
    found[:] = [value for _, values in rows for value in values]
    widest = max((len(values) for _, values in rows), default=0)
    rank = len(a_shape) + 1
    return np.array(places, np.int64).reshape(-1, rank), found, np.array([*a_shape, widest], np.int64)


def _dense_to_dense(op: Any, a: Array, b: Array) -> Any:
    return _combined(op, _of_dense(op, a), _of_dense(op, b), a.dtype)


def _dense_to_sparse(op: Any, a: Array, indices: Array, values: Array, shape: Array) -> Any:
    return _combined(op, _of_dense(op, a), _of_sparse(op, indices, values, shape), values.dtype)


def _sparse_to_sparse(op: Any, *parts: Array) -> Any:
    return _combined(op, _of_sparse(op, *parts[:3]), _of_sparse(op, *parts[3:]), parts[1].dtype)


def _sizes(op: Any, indices: Array, values: Array, shape: Array) -> Array:
    groups, lead = _of_sparse(op, indices, values, shape)
    result = np.zeros(lead, np.int32)
    for key, members in groups.items():
        result[key] = len(members)
    return result


# ---- shapes


def _parts_of_rank(rank: int | None) -> list[Shape]:
    return [(None, rank), (None,), (rank,)]


def _dense_shape(c: ShapeContext) -> list[Shape]:
    ranks = [None if (s := c.input(i)) is None else len(s) for i in (0, 1)]
    known = [r for r in ranks if r is not None]
    if len(known) == 2 and known[0] != known[1]:
        c.fail(f"Input ranks do not match: {known[0]}, {known[1]}")
    for i in (0, 1):
        with_rank_at_least(c, c.input(i), 2)
    if len(known) == 2:
        a, b = c.input(0) or (), c.input(1) or ()
        merge(c, a[:-1], b[:-1])
    return _parts_of_rank(known[0] if known else None)


def _mixed_shape(c: ShapeContext) -> list[Shape]:
    first = with_rank_at_least(c, c.input(0), 2)
    indices, _, shape = sparse_ranks(c, 1)
    known = [r for r in (None if first is None else len(first), indices[1], shape[0]) if r is not None]
    return _parts_of_rank(known[0] if known else None)


def _sparse_shape(c: ShapeContext) -> list[Shape]:
    known = []
    for start in (0, 3):
        indices, _, shape = sparse_ranks(c, start)
        known += [r for r in (indices[1], shape[0]) if r is not None]
    return _parts_of_rank(known[0] if known else None)


host_row("DenseToDenseSetOperation", _dense_shape, _dense_to_dense)
host_row("DenseToSparseSetOperation", _mixed_shape, _dense_to_sparse)
host_row("SparseToSparseSetOperation", _sparse_shape, _sparse_to_sparse)
host_row("SetSize", unknown, _sizes)


# ---- public functions


@export("sets.size", "sets.set_size", "contrib.metrics.set_size", "contrib.slim.metrics.set_size")
def set_size(a: Any, validate_indices: bool = True) -> Any:
    """`i32[...]`: how many different values each row of a sparse tensor has. Source: TF 1.15 `tf.sets.size`."""
    a = convert_to_tensor_or_sparse_tensor(a, name="a")
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    if a.values.dtype.base_dtype not in _VALID:
        raise TypeError(f"Invalid dtype {a.values.dtype}.")
    return raw("SetSize", a.indices, a.values, a.dense_shape, validate_indices=validate_indices)


def _operands(a: Any, b: Any) -> tuple[Any, Any, bool]:
    """Both operands as tensors, a sparse one last, and whether they changed places."""
    a = convert_to_tensor_or_sparse_tensor(a, name="a")
    if a.dtype.base_dtype not in _VALID:
        raise TypeError(f"'a' invalid dtype {a.dtype}.")
    b = convert_to_tensor_or_sparse_tensor(b, name="b")
    if b.dtype.base_dtype != a.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        return b, a, True
    return a, b, False


def _set_operation(a: Any, b: Any, operation: str, validate: bool) -> SparseTensor:
    attrs: dict[str, Any] = {"set_operation": operation, "validate_indices": validate}
    if not isinstance(b, SparseTensor):
        return SparseTensor(*raw("DenseToDenseSetOperation", a, b, **attrs))
    parts = (b.indices, b.values, b.dense_shape)
    if not isinstance(a, SparseTensor):
        return SparseTensor(*raw("DenseToSparseSetOperation", a, *parts, **attrs))
    return SparseTensor(*raw("SparseToSparseSetOperation", a.indices, a.values, a.dense_shape, *parts, **attrs))


@export(
    "sets.intersection",
    "sets.set_intersection",
    "contrib.metrics.set_intersection",
    "contrib.slim.metrics.set_intersection",
)
def set_intersection(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """The values of each row that both have, sorted. Raises TypeError: wrong types. Source: TF 1.15 `tf.sets.intersection`."""
    a, b, _ = _operands(a, b)
    return _set_operation(a, b, "intersection", validate_indices)


@export(
    "sets.difference", "sets.set_difference", "contrib.metrics.set_difference", "contrib.slim.metrics.set_difference"
)
def set_difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> SparseTensor:
    """The values of each row that only `a` has (`b` if not `aminusb`), sorted. Source: TF 1.15 `tf.sets.difference`."""
    a, b, flipped = _operands(a, b)
    return _set_operation(a, b, "a-b" if aminusb != flipped else "b-a", validate_indices)


@export("sets.union", "sets.set_union", "contrib.metrics.set_union", "contrib.slim.metrics.set_union")
def set_union(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """The values of each row that one of both has, sorted. Source: TF 1.15 `tf.sets.union`."""
    a, b, _ = _operands(a, b)
    return _set_operation(a, b, "union", validate_indices)
