"""`tf.RaggedTensor`: rows of different lengths, as their values one after the other and where each row ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.conversion import (
    convert_to_tensor,
    internal_convert_to_tensor,
    register_tensor_conversion_function,
)
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.static_value import constant_value
from retrograph.framework.structures import SparseTensor, SparseTensorValue
from retrograph.framework.type_spec import BatchableTypeSpec, TensorSpec, register_type_spec_from_value_converter
from retrograph.ops import (
    array,
    broadcasting,
    cast,
    check,
    control_flow,
    joining,
    ragged_rows,
    ragged_variants,
    reduction,
    sequence,
)
from retrograph.ops.gather import gather
from retrograph.ops.ragged_value import RaggedTensorValue
from retrograph.ops.raw import raw
from retrograph.ops.segment import bincount
from retrograph.ops.selecting import boolean_mask, sequence_mask, where

_SPLITS = (dtypes.int32, dtypes.int64)


def is_ragged(value: Any) -> bool:
    """Whether a value is a `RaggedTensor` or the value of one. Source: TF 1.15 `ragged_tensor.is_ragged`."""
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def _rows_of(values: Any, dtype: Any) -> Any:
    if isinstance(values, RaggedTensor):
        return values.nrows(out_type=dtype)
    sizes: Any = array.shape(values, out_type=dtype)
    return sizes[0]


def _check_validate(validate: Any) -> None:
    if not isinstance(validate, bool):
        raise TypeError("validate must have type bool")


def _partition(values: Any, partition: Any, name: str) -> tuple[Any, Any]:
    """Values and what divides them, as tensors. Raises ValueError: the division is not of i32 or i64."""
    if isinstance(values, RaggedTensor):
        if not isinstance(partition, Tensor):
            return values, convert_to_tensor(partition, values.row_splits.dtype, name=name)
        if partition.dtype in _SPLITS and values.row_splits.dtype != partition.dtype:
            raise ValueError(
                f"dtype mismatch: {name} ({partition.dtype}) vs values.row_splits ({values.row_splits.dtype})"
            )
    else:
        values = convert_to_tensor(values, name="values")
        kept = isinstance(partition, np.ndarray) and partition.dtype == np.int32
        partition = internal_convert_to_tensor(partition, None, name, preferred_dtype=None if kept else dtypes.int64)
    if partition.dtype not in _SPLITS:
        raise ValueError(f"{name} must have dtype int32 or int64")
    return values, partition


def _increasing(tensor: Any, message: str) -> Any:
    return check.assert_non_negative(tensor[1:] - tensor[:-1], message=message)


def _checked(checks: list[Any], values: Any, tensor: Any) -> Any:
    if not isinstance(values, RaggedTensor):
        checks.append(check.assert_rank_at_least(values, 1))
    return control_flow.with_dependencies(checks, tensor)


def _message(kind: str) -> str:
    return f"Arguments to from_{kind} do not form a valid RaggedTensor"


@export("RaggedTensor")
class RaggedTensor:
    """A tensor with one or more axes whose slices have different lengths.

    >>> tf.RaggedTensor.from_row_splits([3, 1, 4, 1, 5], [0, 2, 2, 5])  # [[3, 1], [], [4, 1, 5]]

    `values` are the rows one after the other, `row_splits: i64[rows + 1]` where they begin and end.
    Source: TF 1.15 `tf.RaggedTensor`.
    """

    _is_ragged = True

    def __init__(
        self,
        values: Any,
        row_splits: Any,
        cached_row_lengths: Any = None,
        cached_value_rowids: Any = None,
        cached_nrows: Any = None,
        internal: bool = False,
    ):
        if not internal:
            raise ValueError(
                "RaggedTensor constructor is private; please use one of the factory methods instead "
                "(e.g., RaggedTensor.from_row_lengths())"
            )
        if not isinstance(row_splits, Tensor):
            raise TypeError(f"Row-partitioning argument must be a Tensor, got {row_splits!r}")
        if not isinstance(values, (RaggedTensor, Tensor)):
            raise TypeError(f"values must be a Tensor or RaggedTensor, got {values!r}")
        if row_splits.dtype not in _SPLITS:
            raise ValueError("Row-partitioning argument must be int32 or int64")
        row_splits.get_shape().assert_has_rank(1)
        values.shape.with_rank_at_least(1)
        row_splits.set_shape([None])
        self._values, self._row_splits = values, row_splits
        self._cached_row_lengths, self._cached_value_rowids = cached_row_lengths, cached_value_rowids
        self._cached_nrows = cached_nrows

    # ---- making

    @classmethod
    def from_value_rowids(
        cls, values: Any, value_rowids: Any, nrows: Any = None, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Rows from which row each value is in; `nrows` if the last ones may be empty."""
        _check_validate(validate)
        with name_scope(name, "RaggedFromValueRowIds", _tensors(values, value_rowids, nrows)):
            values, ids = _partition(values, value_rowids, "value_rowids")
            nrows, known = _row_count(ids, nrows)
            ids.get_shape().assert_has_rank(1)
            nrows.get_shape().assert_has_rank(0)
            if validate:
                ids = _checked_ids(values, ids, nrows)
            count = cast.cast(nrows, dtypes.int32)
            lengths = bincount(cast.cast(ids, dtypes.int32), minlength=count, maxlength=count, dtype=ids.dtype)
            splits = joining.concat([[0], reduction.cumsum(lengths)], axis=0)
            if known is not None:
                lengths.set_shape([known])
                splits.set_shape([known + 1])
            return cls(values, splits, lengths, ids, nrows, internal=True)

    @classmethod
    def from_row_splits(cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True) -> Any:
        """Rows from where they begin and end: `i64[rows + 1]`, of which the first is 0."""
        _check_validate(validate)
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        with name_scope(name, "RaggedFromRowSplits", _tensors(values, row_splits)):
            values, splits = _partition(values, row_splits, "row_splits")
            splits.get_shape().assert_has_rank(1)
            if validate:
                text, count = _message("row_splits"), _rows_of(values, splits.dtype)
                zero = convert_to_tensor(0, splits.dtype)
                checks = [
                    check.assert_rank(splits, 1, message=text),
                    check.assert_equal(splits[0], zero, message=text),
                    _increasing(splits, text),
                    check.assert_equal(splits[-1], count, message=text),
                ]
                splits = _checked(checks, values, splits)
            return cls(values, splits, internal=True)

    @classmethod
    def from_row_lengths(cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True) -> Any:
        """Rows from their lengths."""
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowLengths", _tensors(values, row_lengths)):
            values, lengths = _partition(values, row_lengths, "row_lengths")
            lengths.get_shape().assert_has_rank(1)
            if validate:
                text, total = _message("row_lengths"), reduction.reduce_sum(lengths)
                count = _rows_of(values, lengths.dtype)
                checks = [
                    check.assert_rank(lengths, 1, message=text),
                    check.assert_non_negative(lengths, message=text),
                    check.assert_equal(total, count, message=text),
                ]
                lengths = _checked(checks, values, lengths)
            splits = joining.concat([[0], reduction.cumsum(lengths)], axis=0)
            return cls(values, splits, lengths, internal=True)

    @classmethod
    def from_row_starts(cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True) -> Any:
        """Rows from where they begin."""
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowStarts", _tensors(values, row_starts)):
            values, starts = _partition(values, row_starts, "row_starts")
            starts.get_shape().assert_has_rank(1)
            count = _rows_of(values, starts.dtype)
            if validate:
                text = _message("row_starts")
                zero = convert_to_tensor(0, starts.dtype)
                checks = [
                    check.assert_rank(starts, 1, message=text),
                    check.assert_equal(starts[:1], zero, message=text),
                    _increasing(starts, text),
                    check.assert_less_equal(starts[-1:], count, message=text),
                ]
                starts = _checked(checks, values, starts)
            return cls(values, joining.concat([starts, [count]], axis=0), internal=True)

    @classmethod
    def from_row_limits(cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True) -> Any:
        """Rows from where they end."""
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowLimits", _tensors(values, row_limits)):
            values, limits = _partition(values, row_limits, "row_limits")
            limits.get_shape().assert_has_rank(1)
            if validate:
                text = _message("row_limits")
                checks = [
                    check.assert_rank(limits, 1, message=text),
                    check.assert_non_negative(limits[:1], message=text),
                    _increasing(limits, text),
                    check.assert_equal(limits[-1:], _rows_of(values, limits.dtype), message=text),
                ]
                limits = _checked(checks, values, limits)
            return cls(values, joining.concat([array.zeros([1], limits.dtype), limits], axis=0), internal=True)

    @classmethod
    def _nested(cls, make: Any, scope: str, values: Any, parts: Any, what: str, name: Any, validate: Any) -> Any:
        _check_validate(validate)
        if isinstance(parts, Tensor):
            raise TypeError(f"{what} must be a list of Tensors")
        with name_scope(name, scope, _tensors(values, *parts)):
            for part in reversed(parts):
                values = make(values, part, validate=validate)
            return values

    @classmethod
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Sequence[Any], name: str | None = None, validate: bool = True
    ) -> Any:
        """Several ragged axes, from the splits of each, the outermost first."""
        return cls._nested(
            cls.from_row_splits, "RaggedFromNestedRowSplits", flat_values, nested_row_splits, "nested_row_splits", name, validate
        )  # fmt: skip

    @classmethod
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Sequence[Any], name: str | None = None, validate: bool = True
    ) -> Any:
        """Several ragged axes, from the lengths of each, the outermost first."""
        return cls._nested(
            cls.from_row_lengths, "RaggedFromNestedRowlengths", flat_values, nested_row_lengths, "nested_row_lengths", name, validate
        )  # fmt: skip

    @classmethod
    def from_nested_value_rowids(
        cls,
        flat_values: Any,
        nested_value_rowids: Sequence[Any],
        nested_nrows: Sequence[Any] | None = None,
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Several ragged axes, from the rows of the values of each, the outermost first."""
        _check_validate(validate)
        for what, given in (("nested_value_rowids", nested_value_rowids), ("nested_nrows", nested_nrows)):
            if isinstance(given, Tensor):
                raise TypeError(f"{what} must be a list of Tensors")
        counts = [None] * len(nested_value_rowids) if nested_nrows is None else list(nested_nrows)
        if len(counts) != len(nested_value_rowids):
            raise ValueError("nested_nrows must have the same length as nested_value_rowids")
        with name_scope(name, "RaggedFromNestedValueRowIds", _tensors(flat_values, *nested_value_rowids)):
            values = flat_values
            for ids, count in reversed(list(zip(nested_value_rowids, counts, strict=True))):
                values = cls.from_value_rowids(values, ids, count, validate=validate)
            return values

    @classmethod
    def from_sparse(cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64) -> Any:
        """The rows of a sparse matrix whose elements stand at the left of their rows.

        Raises TypeError: not sparse; ValueError: no matrix; when it runs InvalidArgumentError: elements with gaps.
        """
        if not isinstance(st_input, (SparseTensor, SparseTensorValue)):
            raise TypeError(f"Expected SparseTensor, got {type(st_input).__name__}")
        dtype = dtypes.as_dtype(row_splits_dtype)
        with name_scope(name, "RaggedFromSparse", _tensors(st_input)):
            sparse: Any = SparseTensor.from_value(st_input)
            ranks = (sparse.dense_shape.get_shape()[0].value, sparse.indices.get_shape()[1].value)
            if 2 not in ranks:
                raise ValueError("rank(st_input) must be 2")
            with control_dependencies(_left_aligned(sparse.indices)):
                ids = cast.cast(sparse.indices[:, 0], dtype)
                count = cast.cast(sparse.dense_shape[0], dtype)
                return cls.from_value_rowids(sparse.values, ids, count, validate=False)

    @classmethod
    def from_tensor(
        cls,
        tensor: Any,
        lengths: Any = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: Any = dtypes.int64,
    ) -> Any:
        """The rows of a tensor, whole, of the given `lengths`, or without the `padding` at their ends."""
        if lengths is not None and padding is not None:
            raise ValueError("Specify lengths or padding, but not both")
        if not isinstance(ragged_rank, int):
            raise TypeError(f"ragged_rank expected int, got {ragged_rank!r}")
        if ragged_rank <= 0:
            raise ValueError(f"ragged_rank must be greater than 0; got {ragged_rank}")
        dtype = dtypes.as_dtype(row_splits_dtype)
        with name_scope(name, "RaggedFromTensor", _tensors(tensor, lengths, padding)):
            dense: Any = convert_to_tensor(tensor, name="tensor")
            dense.get_shape().with_rank_at_least(ragged_rank + 1)
            return _from_dense(cls, dense, lengths, padding, ragged_rank, dtype)

    # ---- facts

    @property
    def dtype(self) -> Any:
        """The type of the innermost values."""
        return self._values.dtype

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape; ragged axes have no size."""
        rows = self._row_splits.get_shape()[0]
        count = None if rows.value is None else rows.value - 1
        return TensorShape([count, None]).concatenate(self._values.shape[1:])

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged."""
        return len(self.nested_row_splits)

    @property
    def values(self) -> Any:
        """The rows, one after the other."""
        return self._values

    @property
    def row_splits(self) -> Any:
        """Where rows begin and end."""
        return self._row_splits

    @property
    def flat_values(self) -> Any:
        """The innermost values."""
        return self._values.flat_values if isinstance(self._values, RaggedTensor) else self._values

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The row splits of all ragged axes, the outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensor) else ()
        return (self._row_splits, *inner)

    def _all(self, scope: str, name: str | None, fact: Callable[[Any], Any]) -> tuple[Any, ...]:
        with name_scope(name, scope, _tensors(self)):
            found, current = [], self
            while isinstance(current, RaggedTensor):
                found.append(fact(current))
                current = current.values
            return tuple(found)

    def value_rowids(self, name: str | None = None) -> Any:
        """The row of each value."""
        if self._cached_value_rowids is not None:
            return self._cached_value_rowids
        from retrograph.ops.ragged import row_splits_to_segment_ids

        with name_scope(name, "RaggedValueRowIds", _tensors(self)):
            return row_splits_to_segment_ids(self.row_splits)

    def nested_value_rowids(self, name: str | None = None) -> tuple[Any, ...]:
        """The rows of the values of all ragged axes."""
        return self._all("RaggedNestedValueRowIds", name, lambda r: r.value_rowids())

    def nested_row_lengths(self, name: str | None = None) -> tuple[Any, ...]:
        """The lengths of rows of all ragged axes."""
        return self._all("RaggedNestedRowLengths", name, lambda r: r.row_lengths())

    def nrows(self, out_type: Any = None, name: str | None = None) -> Any:
        """How many rows there are."""
        dtype = self._row_splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        if self._cached_nrows is not None:
            return cast.cast(self._cached_nrows, dtype)
        with name_scope(name, "RaggedNRows", _tensors(self)):
            sizes: Any = array.shape(self.row_splits, out_type=dtype)
            return sizes[0] - 1

    def row_starts(self, name: str | None = None) -> Any:
        """Where rows begin."""
        with name_scope(name, "RaggedRowStarts", _tensors(self)):
            return self.row_splits[:-1]

    def row_limits(self, name: str | None = None) -> Any:
        """Where rows end."""
        with name_scope(name, "RaggedRowLimits", _tensors(self)):
            return self.row_splits[1:]

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """The lengths of rows, of an inner axis as a `RaggedTensor`."""
        if self._cached_row_lengths is not None and axis == 1:
            return self._cached_row_lengths
        with name_scope(name, "RaggedRowLengths", _tensors(self)):
            if axis < 0:
                rank = self.shape.ndims
                if rank is None:
                    raise ValueError("axis may not be negative where the rank is not known")
                axis += rank
            if axis == 0:
                return self.nrows()
            if axis == 1:
                return self.row_splits[1:] - self.row_splits[:-1]
            if isinstance(self.values, RaggedTensor):
                return self.with_values(self.values.row_lengths(axis - 1))
            sizes: Any = array.shape(self.values, out_type=self._row_splits.dtype)
            return self.with_values(array.ones(sizes[: axis - 1], self._row_splits.dtype) * sizes[axis - 1])

    def bounding_shape(self, axis: Any = None, name: str | None = None, out_type: Any = None) -> Any:
        """The shape of the dense tensor that holds all rows."""
        dtype = self._row_splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        with name_scope(name, "RaggedBoundingBox", _tensors(self)):
            if isinstance(axis, int) and axis == 0:
                return self.nrows(out_type=dtype)
            if isinstance(axis, int) and axis == 1:
                return cast.cast(_longest(self.row_splits), dtype)
            sizes: Any = array.shape(self.flat_values, out_type=dtype)
            ragged = [self.nrows(out_type=dtype), *(cast.cast(_longest(s), dtype) for s in self.nested_row_splits)]
            box = joining.concat([joining.stack(ragged), sizes[1:]], axis=0)
            return box if axis is None else gather(box, axis)

    # ---- others of it

    def with_values(self, new_values: Any) -> Any:
        """The same rows of other values."""
        new_values.shape.with_rank_at_least(1)
        self.values.shape[:1].assert_is_compatible_with(new_values.shape[:1])
        if isinstance(new_values, RaggedTensor) and self._row_splits.dtype != new_values.row_splits.dtype:
            raise ValueError(
                "self and new_values have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to "
                "convert them to compatible dtypes."
            )
        cached = (self._cached_row_lengths, self._cached_value_rowids, self._cached_nrows)
        return RaggedTensor(new_values, self._row_splits, *cached, internal=True)

    def with_flat_values(self, new_values: Any) -> Any:
        """The same rows of other innermost values."""
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype: Any) -> Any:
        """The same with row splits of `tf.int32` or `tf.int64`."""
        dtype = dtypes.as_dtype(dtype)
        if dtype not in _SPLITS:
            raise ValueError("dtype must be int32 or int64")
        if self._row_splits.dtype == dtype:
            return self
        values = self._values
        if isinstance(values, RaggedTensor):
            values = values.with_row_splits_dtype(dtype)
        return RaggedTensor(values, cast.cast(self._row_splits, dtype), internal=True)

    def to_tensor(self, default_value: Any = None, name: str | None = None) -> Any:
        """The dense tensor, rows filled up with `default_value` (0 or '')."""
        with name_scope(name, "RaggedToTensor", _tensors(self, default_value)):
            if default_value is not None:
                default_value = convert_to_tensor(default_value, name="default_value", dtype=self.dtype)
            values = self.values
            if isinstance(values, RaggedTensor):
                values = values.to_tensor(default_value)
            sizes: Any = array.shape(values, out_type=self._row_splits.dtype)
            filler = array.zeros(sizes[1:], dtype=values.dtype)
            if default_value is not None:
                filler = (
                    broadcasting.broadcast_to(default_value, sizes[1:]) if values.shape.ndims != 1 else default_value
                )
            return _filled(self, values, filler, sizes[0])

    def to_sparse(self, name: str | None = None) -> SparseTensor:
        """The sparse tensor with the elements at the left of their rows."""
        with name_scope(name, "RaggedToSparse", _tensors(self)):
            parts = raw("RaggedTensorToSparse", list(self.nested_row_splits), self.flat_values, name=name)
            return SparseTensor(*parts)

    def _to_variant(self, batched_input: bool = False, name: str | None = None) -> Any:
        """A variant that holds it, or one for each of its rows."""
        with name_scope(name, "RaggedToVariant", _tensors(self)):
            splits = list(self.nested_row_splits)
            return raw("RaggedTensorToVariant", splits, self.flat_values, name=name, batched_input=batched_input)

    @classmethod
    def _from_variant(
        cls, variant: Any, dtype: Any, output_ragged_rank: int, input_ragged_rank: int | None = None, name: str | None = None,
        splits_dtype: Any = dtypes.int64,
    ) -> Any:  # fmt: skip
        """What a variant holds, or the variants of a tensor stacked. Raises ValueError: ranks that do not fit."""
        variant = convert_to_tensor(variant, name="variant", dtype=dtypes.variant)
        rank = variant.shape.ndims
        if None not in (rank, input_ragged_rank) and output_ragged_rank != input_ragged_rank + rank:
            raise ValueError(
                "output_ragged_rank must be equal to input_ragged_rank +variant.shape.ndims, found variant.shape.ndims: "
                f"{rank}, input_ragged_rank: {input_ragged_rank}, output_ragged_rank: {output_ragged_rank}"
            )
        with name_scope(name, "RaggedFromVariant", [variant]):
            parts = raw(
                "RaggedTensorFromVariant",
                variant,
                name=name,
                input_ragged_rank=-1 if input_ragged_rank is None else input_ragged_rank,
                output_ragged_rank=output_ragged_rank,
                Tvalues=dtype,
                Tsplits=splits_dtype,
            )
            return cls.from_nested_row_splits(parts[1], parts[0], validate=False)

    def consumers(self) -> list[Operation]:
        """The operations that take one of its tensors."""
        return [op for t in (self.flat_values, *self.nested_row_splits) for op in t.consumers()]

    def to_list(self) -> list[Any]:
        """Raises ValueError: fetch it first."""
        raise ValueError(
            "RaggedTensor.to_list() is only supported in eager mode; in graph mode, evaluate the RaggedTensor first and "
            "then use RaggedTensorValue.to_list()."
        )

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, computed by `session` or the default session."""
        from retrograph.framework.sessions import get_default_session

        return (session or get_default_session()).run(self, feed_dict)

    def _as_graph_element(self) -> Any:
        return self.flat_values

    @property
    def graph(self) -> Any:
        """The graph of the tensors."""
        return self._row_splits.graph

    @property
    def _type_spec(self) -> Any:
        return RaggedTensorSpec(self.shape, self.dtype, self.ragged_rank, self._row_splits.dtype)

    def __repr__(self) -> str:
        return f"tf.RaggedTensor(values={self._values}, row_splits={self._row_splits})"

    def __getitem__(self, key: Any) -> Any:
        from retrograph.ops.ragged import ragged_getitem

        return ragged_getitem(self, key)

    def __iter__(self) -> Any:
        raise TypeError("RaggedTensor objects are only iterable when eager execution is enabled.")

    def __bool__(self) -> bool:
        raise TypeError("RaggedTensor may not be used as a boolean.")


# ---- parts of the constructors


def _tensors(*values: Any) -> list[Any]:
    """The tensors among values, for name scopes."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, RaggedTensor):
            found.append(value.flat_values)
        elif isinstance(value, (Tensor, SparseTensor)):
            found.append(value)
    return found


def _row_count(ids: Any, nrows: Any) -> tuple[Any, int | None]:
    """The number of rows as a tensor, and as an int if it is known."""
    known_ids = constant_value(ids)
    if nrows is None:
        if known_ids is None:
            return joining.concat([ids[-1:], [-1]], axis=0)[0] + 1, None
        count = int(known_ids[-1]) + 1 if known_ids.size else 0
        return convert_to_tensor(count, ids.dtype, name="nrows"), count
    tensor = convert_to_tensor(nrows, ids.dtype, "nrows")
    known = constant_value(tensor)
    if known is None:
        return tensor, None
    if known < 0:
        raise ValueError(f"Expected nrows >= 0; got {int(known)}")
    if known_ids is not None and known_ids.size and known < known_ids[-1] + 1:
        text = f"got nrows={int(known)}, value_rowids[-1]={int(known_ids[-1])}"
        raise ValueError(f"Expected nrows >= value_rowids[-1] + 1; {text}")
    return tensor, int(known)


def _checked_ids(values: Any, ids: Any, nrows: Any) -> Any:
    text = _message("value_rowids")
    checks = [
        check.assert_rank(ids, 1, message=text),
        check.assert_rank(nrows, 0, message=text),
        check.assert_equal(_rows_of(values, dtypes.int32), _rows_of(ids, dtypes.int32), message=text),
        check.assert_non_negative(ids[:1], message=text),
        _increasing(ids, text),
        check.assert_less(ids[-1:], nrows, message=text),
    ]
    return _checked(checks, values, ids)


def _longest(splits: Any) -> Any:
    return raw("Maximum", reduction.reduce_max(splits[1:] - splits[:-1]), 0)


def _left_aligned(indices: Any) -> list[Any]:
    prefix, suffix = indices[:, :-1], indices[:, -1]
    changed = reduction.reduce_any(raw("NotEqual", prefix[1:], prefix[:-1]), axis=1)
    fits = where(changed, raw("Equal", suffix[1:], 0), raw("Equal", suffix[1:], suffix[:-1] + 1))
    starts = reduction.reduce_all(raw("Equal", suffix[:1], 0))
    holds = raw("LogicalAnd", starts, reduction.reduce_all(fits))
    return [check.Assert(holds, ["SparseTensor is not right-ragged", "SparseTensor.indices =", indices])]


def _from_dense(cls: Any, dense: Any, lengths: Any, padding: Any, ragged_rank: int, dtype: Any) -> Any:
    sizes: Any = array.shape(dense, out_type=dtype)
    if ragged_rank > 1:
        flat = array.reshape(dense, joining.concat([convert_to_tensor([-1], dtype), sizes[ragged_rank:]], axis=0))
        values = cls.from_tensor(flat, lengths, padding, row_splits_dtype=dtype)
        totals: Any = reduction.cumprod(sizes)
        splits = [sequence.range(0, totals[d - 1] + 1) * sizes[d] for d in range(1, ragged_rank)]
        return cls.from_nested_row_splits(values, splits, validate=False)
    if padding is not None:
        lengths = _unpadded_lengths(dense, padding, sizes[1], dtype)
    if isinstance(lengths, (list, tuple)) and len(lengths) and not isinstance(lengths[0], (int, float)):
        ones = array.ones([reduction.reduce_sum(lengths[-1])], dtype=dtypes.bool)
        mask = cls.from_nested_row_lengths(ones, lengths, validate=False).to_tensor(default_value=False)
        return cls.from_nested_row_lengths(boolean_mask(dense, mask), lengths, validate=False)
    if lengths is None:
        values = array.reshape(dense, joining.concat([[sizes[0] * sizes[1]], sizes[2:]], axis=0))
        return cls.from_row_splits(values, sequence.range(sizes[0] + 1) * sizes[1], validate=False)
    clipped = raw("Maximum", raw("Minimum", cast.cast(convert_to_tensor(lengths, name="lengths"), dtype), sizes[1]), 0)
    splits_ = joining.concat([array.zeros([1], dtype), reduction.cumsum(clipped)], axis=0)
    mask = sequence_mask(clipped, maxlen=sizes[1])
    return cls.from_row_splits(boolean_mask(dense, mask), splits_, validate=False)


def _unpadded_lengths(dense: Any, padding: Any, width: Any, dtype: Any) -> Any:
    """How long each row is up to its last element that is not padding."""
    filler = convert_to_tensor(padding, name="padding", dtype=dense.dtype)
    filler.get_shape().assert_is_compatible_with(dense.get_shape()[2:])
    same = raw("Equal", filler, dense)
    rank = dense.get_shape().ndims
    if rank is None or rank > 2:
        same = reduction.reduce_all(same, axis=list(range(2, rank)) if rank else sequence.range(2, array.rank(dense)))
    filled = cast.cast(raw("LogicalNot", same), dtype) * array.expand_dims(sequence.range(1, width + 1), 0)
    return reduction.reduce_max(filled, axis=1)


def _filled(ragged: Any, values: Any, filler: Any, count: Any) -> Any:
    splits = ragged.row_splits
    width = _longest(splits)
    starts, limits = array.expand_dims(splits[:-1], 1), array.expand_dims(splits[1:], 1)
    places = starts + array.expand_dims(sequence.range(0, width), 0)
    rows = ragged.nrows(out_type=splits.dtype)
    beyond = array.fill(joining.stack([rows, width]), count)
    indices = where(raw("Less", places, limits), places, beyond)
    return gather(joining.concat([values, joining.stack([filler])], axis=0), indices)


# ---- specs, feeding, fetching


@export("RaggedTensorSpec")
class RaggedTensorSpec(BatchableTypeSpec):
    """The shape, dtype and ragged axes of a `RaggedTensor`. Source: TF 1.15 `tf.RaggedTensorSpec`."""

    value_type: Any = RaggedTensor

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        ragged_rank: Any = None,
        row_splits_dtype: Any = dtypes.int64,
    ):
        self._shape = TensorShape(shape)
        self._dtype, self._row_splits_dtype = dtypes.as_dtype(dtype), dtypes.as_dtype(row_splits_dtype)
        rank = self._shape.ndims
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError("ragged_rank must be an int")
        if rank is not None and ragged_rank >= rank:
            raise ValueError("ragged_rank must be less than rank.")
        self._ragged_rank = ragged_rank

    @classmethod
    def from_value(cls, value: Any) -> RaggedTensorSpec:
        """The spec of a value."""
        return cls(value.shape, value.flat_values.dtype, value.ragged_rank, value.row_splits.dtype)

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype

    def _batch(self, batch_size: int | None) -> RaggedTensorSpec:
        shape = TensorShape([batch_size]).concatenate(self._shape)
        return RaggedTensorSpec(shape, self._dtype, self._ragged_rank + 1, self._row_splits_dtype)

    def _unbatch(self) -> RaggedTensorSpec:
        return RaggedTensorSpec(self._shape[1:], self._dtype, self._ragged_rank - 1, self._row_splits_dtype)

    @property
    def _component_specs(self) -> Any:
        if not self._ragged_rank:
            return [TensorSpec(self._shape, self._dtype)]
        flat = TensorShape([None]).concatenate(self._shape[self._ragged_rank + 1 :])
        rows = self._shape[0].value if self._shape.ndims else None
        outer = TensorSpec([None if rows is None else rows + 1], self._row_splits_dtype)
        inner = [TensorSpec([None], self._row_splits_dtype) for _ in range(self._ragged_rank - 1)]
        return [TensorSpec(flat, self._dtype), outer, *inner]

    def _to_components(self, value: Any) -> Any:
        return [value.flat_values, *value.nested_row_splits] if is_ragged(value) else [value]

    def _from_components(self, components: Any) -> Any:
        result, *splits = components
        plain = all(isinstance(c, np.ndarray) for c in components)
        for part in reversed(splits):
            result = RaggedTensorValue(result, part) if plain else RaggedTensor(result, part, internal=True)
        return result


register_type_spec_from_value_converter(RaggedTensorValue, RaggedTensorSpec.from_value)


def _fetch(ragged: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    def rebuild(parts: list[Any]) -> Any:
        *splits, value = parts
        for part in reversed(splits):
            value = RaggedTensorValue(value, part)
        return value

    return [*ragged.nested_row_splits, ragged.flat_values], rebuild


def _feed(key: Any, value: Any) -> list[tuple[Any, Any]]:
    parts = [*value.nested_row_splits, value.flat_values]
    return list(zip([*key.nested_row_splits, key.flat_values], parts, strict=True))


def _register() -> None:
    from retrograph.runtime.fetches import register_session_run_conversion_functions

    register_session_run_conversion_functions(RaggedTensor, _fetch, _feed)


def _refused(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
    raise TypeError(
        f"Failed to convert object of type {type(value)} to Tensor. Contents: {value}. "
        "Consider casting elements to a supported type."
    )


register_tensor_conversion_function(RaggedTensor, _refused, priority=0)
_register()
_ROWS = (ragged_rows, ragged_variants)  # registers the op types
