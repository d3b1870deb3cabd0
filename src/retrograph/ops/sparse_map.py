"""Maps of sparse tensors: a session keeps them under numbers, which can go through a queue."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import colocate_with
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape
from retrograph.framework.shape_rules import ShapeContext, scalar
from retrograph.framework.structures import SparseTensor
from retrograph.runtime.state import cell_key

_TYPES = ("AddSparseToTensorsMap", "AddManySparseToTensorsMap")
Sparse = tuple[Any, Any, Any]


def add_to_map(sp_input: Any, shared_name: str | None = None, name: str | None = None) -> Tensor:
    """The number under which the map keeps a sparse tensor: i64[]."""
    return _add(_TYPES[0], sp_input, shared_name, name)


def add_many_to_map(sp_input: Any, shared_name: str | None = None, name: str | None = None) -> Tensor:
    """The numbers under which the map keeps the rows of a sparse tensor: i64[n]."""
    return _add(_TYPES[1], sp_input, shared_name, name)


def _add(op_type: str, sp: Any, shared_name: str | None, name: str | None) -> Tensor:
    return apply_op(  # type: ignore[no-any-return]
        op_type, name, sparse_indices=sp.indices, sparse_values=sp.values, sparse_shape=sp.dense_shape,
        shared_name=shared_name or "",
    )  # fmt: skip


def take_from_map(map_op: Operation, numbers: Any, rank: int | None = None, name: str | None = None) -> SparseTensor:
    """The sparse tensors of the numbers as rows of one; the map does not keep them any longer.

    Raises: TypeError: not an operation that makes such a map. When it runs, InvalidArgumentError: no such number.
    """
    if not isinstance(map_op, Operation):
        raise TypeError("sparse_map_op be an Operation")
    if map_op.type not in _TYPES:
        raise TypeError(
            f"sparse_map_op must be one of AddSparseToTensorsMap or AddSparseToTensorsMap. Instead, found `{map_op.type}`."
        )
    with colocate_with(map_op):
        shared = map_op.get_attr("shared_name") or map_op.name
        indices, values, shape = apply_op(
            "TakeManySparseFromTensorsMap", name, sparse_handles=numbers, dtype=map_op.get_attr("T"), shared_name=shared
        )  # fmt: skip
    indices.set_shape([None, rank])
    shape.set_shape(TensorShape([rank]))
    return SparseTensor(indices, values, shape)


class _Map:
    """Sparse tensors by number."""

    def __init__(self, number: int):
        self._lock = threading.Lock()
        self._kept: dict[int, Sparse] = {}
        self._next = 0

    def add(self, tensor: Sparse) -> int:
        """Keeps a tensor; gives its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._kept[number] = tensor
            return number

    def take(self, op: Any, numbers: list[int]) -> list[Sparse]:
        """The tensors of the numbers, which are free then. InvalidArgumentError: no such number; nothing is taken."""
        with self._lock:
            for number in numbers:
                if number not in self._kept:
                    raise errors.InvalidArgumentError(
                        None, op, f"Unable to find SparseTensor: {number} in map: {op.attrs['shared_name'].decode()}"
                    )
            return [self._kept.pop(n) for n in numbers]


def _map_of(op: Operation, ctx: Any) -> _Map:
    found: _Map = ctx.resources.find_or_make(("sparse map", cell_key(op)), _Map)
    return found


def _add_one(op: Operation, ctx: Any, indices: Any, values: Any, shape: Any) -> Any:
    return np.int64(_map_of(op, ctx).add((np.array(indices), np.array(values), np.array(shape))))


def _add_rows(op: Operation, ctx: Any, indices: Any, values: Any, shape: Any) -> Any:
    kept = _map_of(op, ctx)
    rows = [indices[:, 0] == row for row in range(int(shape[0]))]
    return np.array([kept.add((indices[r, 1:].copy(), values[r].copy(), shape[1:].copy())) for r in rows], np.int64)


def _take(op: Operation, ctx: Any, numbers: Any) -> Sparse:
    tensors = _map_of(op, ctx).take(op, [int(n) for n in numbers])
    if len({len(shape) for _, _, shape in tensors}) > 1:
        raise errors.InvalidArgumentError(None, op, "Inconsistent rank across SparseTensors")
    parts = [np.insert(indices, 0, row, axis=1) for row, (indices, _, _) in enumerate(tensors)]
    shape = np.max([s for _, _, s in tensors], axis=0)
    return (
        np.concatenate(parts).astype(np.int64),
        np.concatenate([v for _, v, _ in tensors]),
        np.array([len(tensors), *shape], np.int64),
    )


def _vector(c: ShapeContext) -> list[Shape]:
    return [(None,)]


def _sparse(c: ShapeContext) -> list[Shape]:
    return [(None, None), (None,), (None,)]


_ROWS: dict[str, tuple[Any, Any]] = {
    _TYPES[0]: (scalar, _add_one),
    _TYPES[1]: (_vector, _add_rows),
    "TakeManySparseFromTensorsMap": (_sparse, _take),
}
for _op_type, (_rule, _run) in _ROWS.items():
    register_op(_op_type, shape=_rule, numpy=_run, host=True, effect=True, waits=True, gradient=NO_GRADIENT)
