"""Crosses of features: the combinations of what several columns hold in the same row, as texts or as hashes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import SparseTensor
from retrograph.ops import cast
from retrograph.ops.fingerprint import fingerprint64
from retrograph.ops.raw import raw
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import host_row

_DEFAULT_HASH_KEY = 0xDECAFCAFFE
_MASK = (1 << 64) - 1
_MULTIPLIER = 0xC6A4A7935BD1E995


def _shift_mix(value: int) -> int:
    return value ^ (value >> 47)


def concatenated_fingerprint(first: int, second: int) -> int:
    """The fingerprint of two fingerprints in order, as TF's FingerprintCat64 has it."""
    result = (first ^ _MULTIPLIER) ^ (_shift_mix(second * _MULTIPLIER & _MASK) * _MULTIPLIER & _MASK)
    result = result * _MULTIPLIER & _MASK
    return _shift_mix(_shift_mix(result) * _MULTIPLIER & _MASK)


def combined_before_keys(first: int, second: int) -> int:
    """Two hashes as one, as TF's crosses without a key have it, in signed numbers of 64 bits."""
    signed = first - (1 << 64) if first >> 63 else first
    return first ^ ((second + 0x9E3779B97F4A7800 + (signed << 10) + (signed >> 4)) & _MASK)


def _hashed(op: Any, combine: Callable[[int, int], int]) -> Callable[[Sequence[Any]], int]:
    buckets, key = int(op.attrs["num_buckets"]), int(op.attrs.get("hash_key", _DEFAULT_HASH_KEY)) & _MASK

    def cross(features: Sequence[Any]) -> int:
        result = key
        for feature in features:
            number = fingerprint64(feature) if isinstance(feature, bytes) else int(feature) & _MASK
            result = combine(result, number)
        return result % (buckets or (1 << 63) - 1)

    return cross


def _joined(features: Sequence[Any]) -> bytes:
    return b"_X_".join(f if isinstance(f, bytes) else b"%d" % int(f) for f in features)


def _rows_of(indices: Any, values: Any, count: int) -> list[list[Any]]:
    rows: list[list[Any]] = [[] for _ in range(count)]
    for row, value in zip(indices[:, 0].tolist(), values.tolist(), strict=True):
        rows[row].append(value)
    return rows


def _batch_size(op: Any, shapes: Sequence[Any], dense: Sequence[Any]) -> int:
    for i, shape in enumerate(shapes):
        if len(shape) != 2:
            refuse(op, f"shape should imply a 2D tensor, but got {len(shape)} dimensions at position {i}")
    for i, column in enumerate(dense):
        if column.ndim != 2:
            refuse(
                op,
                f"Dense inputs should be a matrix but received shape [{','.join(map(str, column.shape))}] at position {i}",
            )
    sizes = [int(s[0]) for s in shapes] + [len(d) for d in dense]
    for i, size in enumerate(sizes[1:], 1):
        if size != sizes[0]:
            kind, place = ("shape", i) if i < len(shapes) else ("dense tensor", i - len(shapes))
            refuse(op, f"Expected batch size {sizes[0]} got {size} at {kind} {place}")
    return sizes[0]


def _crossed(op: Any, *inputs: Any, combine: Callable[[int, int], int] = concatenated_fingerprint) -> Any:
    count = int(op.attrs["N"])
    indices, values, shapes = (inputs[i * count : (i + 1) * count] for i in range(3))
    dense = inputs[3 * count :]
    size = _batch_size(op, shapes, dense)
    columns = [_rows_of(i, v, size) for i, v in zip(indices, values, strict=True)] + [d.tolist() for d in dense]
    cross = _hashed(op, combine) if op.attrs["hashed_output"] else _joined
    rows = [[cross(c) for c in itertools.product(*(column[b] for column in columns))] for b in range(size)]
    places = [(b, i) for b, row in enumerate(rows) for i in range(len(row))]
    found = np.empty(len(places), np.int64 if op.attrs["hashed_output"] else object)
    found[:] = [value for row in rows for value in row]
    widest = max((len(row) for row in rows), default=0)
    return np.array(places, np.int64).reshape(-1, 2), found, np.array([size, widest], np.int64)


host_row("SparseCross", lambda c: [(None, 2), (None,), (2,)], _crossed)


def _taken(values: Any) -> Any:
    return values if values.dtype == dtypes.string else cast.cast(values, dtypes.int64)


def _cross(
    inputs: Any, hashed: bool, num_buckets: int = 0, hash_key: int | None = None, name: Any = None
) -> SparseTensor:
    if not isinstance(inputs, list):
        raise TypeError("Inputs must be a list")
    if not all(isinstance(i, (SparseTensor, Tensor)) for i in inputs):
        raise TypeError("All inputs must be SparseTensors")
    sparse = [i for i in inputs if isinstance(i, SparseTensor)]
    values = [_taken(s.values) for s in sparse]
    dense = [_taken(i) for i in inputs if not isinstance(i, SparseTensor)]
    numbers = any(t.dtype == dtypes.int64 for t in (*values, *dense))
    parts = raw(
        "SparseCross",
        [s.indices for s in sparse],
        values,
        [s.dense_shape for s in sparse],
        dense,
        hashed_output=hashed,
        num_buckets=num_buckets,
        hash_key=hash_key or _DEFAULT_HASH_KEY,
        out_type=dtypes.int64 if hashed else dtypes.string,
        internal_type=dtypes.int64 if numbers else dtypes.string,
        name=name,
    )
    return SparseTensor(*parts)


@export("sparse.cross")
def sparse_cross(inputs: list[Any], name: str | None = None) -> SparseTensor:
    """All combinations of the rows' features, joined by `_X_`: string[batch, n].

    Source: TF 1.15 `tf.sparse.cross`.
    """
    return _cross(inputs, False, name=name)


@export("sparse.cross_hashed")
def sparse_cross_hashed(
    inputs: list[Any], num_buckets: int = 0, hash_key: int | None = None, name: str | None = None
) -> SparseTensor:
    """All combinations of the rows' features, hashed into `num_buckets`: i64[batch, n].

    Source: TF 1.15 `tf.sparse.cross_hashed`.
    """
    return _cross(inputs, True, num_buckets, hash_key, name)
