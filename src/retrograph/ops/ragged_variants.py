"""The rows of the op types that put ragged tensors into variants, as the elements of datasets, and take them out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank, with_rank_at_least
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import host_row

Array = Any


class RaggedParts:
    """What a variant of a ragged tensor holds: its splits, the outermost first, and its values."""

    __slots__ = ("splits", "values")

    def __init__(self, splits: list[Array], values: Array):
        self.splits, self.values = splits, values

    def __len__(self) -> int:
        return len(self.splits) + 1

    def rows(self) -> int:
        """How many rows there are."""
        return len(self.splits[0]) - 1 if self.splits else len(self.values)

    def row(self, index: int) -> RaggedParts:
        """One of the rows, which has a ragged axis less."""
        start, limit = self.splits[0][index : index + 2]
        inner = []
        for splits in self.splits[1:]:
            part = splits[start : limit + 1]
            inner.append(part - part[:1])
            start, limit = part[0], part[-1]
        return RaggedParts(inner, self.values[start:limit])


def _to_variant_shape(c: ShapeContext) -> list[Shape]:
    count = int(c.attr("RAGGED_RANK"))
    with_rank_at_least(c, c.input(count), 1)
    ranked = [with_rank(c, c.input(i), 1) for i in range(count)]
    outer = ranked[0][0]
    return [(None if outer is None else outer - 1,)] if c.attr("batched_input") else [()]


def _boxes(parts: list[RaggedParts]) -> Array:
    made = np.empty(len(parts), object)
    for index, part in enumerate(parts):
        made[index] = part
    return made


def _to_variant(op: Any, *inputs: Array) -> Array:
    *splits, values = map(np.asarray, inputs)
    whole = RaggedParts(splits, values)
    if not op.attrs["batched_input"]:
        return _boxes([whole]).reshape(())
    return _boxes([whole.row(index) for index in range(whole.rows())])


def _from_variant_shape(c: ShapeContext) -> list[Shape]:
    inner, outer = int(c.attr("input_ragged_rank")), int(c.attr("output_ragged_rank"))
    if inner >= 0 and c.input(0) is not None:
        with_rank(c, c.input(0), outer - inner)
    return [(None,)] * outer + [None]


def _ranks(op: Any, dims: int) -> int:
    """How many ragged axes each variant has. InvalidArgumentError: not as many as the operation was told."""
    inner, outer = op.attrs["input_ragged_rank"], op.attrs["output_ragged_rank"]
    if inner == -1 and outer < dims:
        start = "Inferred input_ragged_rank (output_ragged_rank - encoded_variant.dims()) must be >= 0"
        found = (
            f"output_ragged_rank: {outer}, encoded_variant.dims(): {dims}, inferred input_ragged_rank: {outer - dims}"
        )
        refuse(op, f"{start}, found {found}")
    if inner not in (-1, outer - dims):
        start = "output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims()"
        found = f"output_ragged_rank: {outer}, input_ragged_rank: {inner}, encoded_variant.dims(): {dims}."
        refuse(op, f"{start}; {found}")
    return int(outer - dims)


def _number_of(array: Array) -> int:
    dtype = dtypes.string if array.dtype == object else dtypes.as_dtype(array.dtype)
    return int(dtype.as_datatype_enum)


def _check_part(op: Any, index: int, part: Any, rank: int) -> None:
    if not isinstance(part, RaggedParts):
        refuse(op, f"Input Variant element at index {index} doesn't hold a Tensor: {part!r}")
    if len(part) not in (rank + 1, 1):
        refuse(
            op,
            "Encoded input Variant must hold either input_ragged_rank + 1 Tensors or an empty Tensor "
            f"(zero splits Tensors, 1 values Tensor), input_ragged_rank: {rank}, encoded input Variant: {len(part)} Tensors",
        )
    # As TensorFlow does, what should be splits is looked at first: values alone are taken for them.
    arrays = [*part.splits, part.values]
    kinds = [("splits", "Tsplits")] * rank + [("values", "Tvalues")]
    for array, (what, attr) in zip(arrays, kinds, strict=False):
        wanted, found = op.attrs[attr].as_datatype_enum, _number_of(array)
        if wanted != found:
            refuse(op, f"Expected {what} Tensor dtype: {wanted}, found: {found}")
    if len(arrays) != len(kinds):
        refuse(op, f"Encoded scalar element at index {index} doesn't have a splits Tensor at split_index 1")


def _joined(parts: list[Array], kind: Any) -> Array:
    """Splits one after the other, each going on from the end of the one before."""
    ends = np.cumsum([0, *(p[-1] for p in parts)])
    return np.concatenate([[0], *(p[1:] + end for p, end in zip(parts, ends, strict=False))]).astype(kind)


def _stacked(parts: list[RaggedParts], sizes: tuple[int, ...], rank: int, op: Any) -> tuple[Array, ...]:
    kind = op.attrs["Tsplits"].as_numpy_dtype
    outer = [(np.arange(n + 1) * m).astype(kind) for n, m in pairwise(sizes)]
    counts = np.cumsum([0, *(p.rows() for p in parts)]).astype(kind)
    # A row that is empty may have no splits of its own.
    split = [p.splits for p in parts if p.splits]
    inner = [_joined([s[axis] for s in split], kind) for axis in range(rank)]
    found = [p.values for p in parts] or [np.zeros(0, op.attrs["Tvalues"].as_numpy_dtype)]
    for index, values in enumerate(found):
        if values.ndim != found[0].ndim:
            shapes = [str(list(v.shape)).replace(" ", "") for v in (found[0], values)]
            start = "Rank of values must match for all components; values shape at index 0"
            refuse(op, f"{start}: {shapes[0]}, values shape at index {index}: {shapes[1]}")
    return (*outer, counts, *inner, np.concatenate(found))


def _from_variant(op: Any, variants: Array) -> tuple[Array, ...]:
    boxes = np.asarray(variants, object)
    rank = _ranks(op, boxes.ndim)
    parts = list(boxes.reshape(-1))
    for index, part in enumerate(parts):
        _check_part(op, index, part, rank)
    if boxes.ndim:
        return _stacked(parts, boxes.shape, rank, op)
    return (*parts[0].splits, parts[0].values)


host_row("RaggedTensorToVariant", _to_variant_shape, _to_variant)
host_row("RaggedTensorFromVariant", _from_variant_shape, _from_variant)
