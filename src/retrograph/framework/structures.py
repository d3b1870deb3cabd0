"""Values made of several tensors: `IndexedSlices` and `SparseTensor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from retrograph.framework import dtypes
from retrograph.framework.conversion import (
    convert_to_tensor,
    internal_convert_to_tensor,
    register_tensor_conversion_function,
)
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.static_value import constant_value_as_shape


@export("IndexedSlices")
class IndexedSlices:
    """Rows `values[i]` of a tensor at `indices[i]`; rows that are named twice add up.

    `values`: dtype[n, ...], `indices`: i32/i64[n], `dense_shape`: i32/i64[rank] or None.
    Source: TF 1.15 `tf.IndexedSlices`.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None):
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The rows."""
        return self._values

    @property
    def indices(self) -> Any:
        """Where the rows belong."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the dense tensor, or None."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape of the dense tensor."""
        return TensorShape(None) if self._dense_shape is None else constant_value_as_shape(self._dense_shape)

    @property
    def name(self) -> str:
        """The name of `values`."""
        return self.values.name  # type: ignore[no-any-return]

    @property
    def device(self) -> str:
        """The device of `values`."""
        return self.values.device  # type: ignore[no-any-return]

    @property
    def op(self) -> Operation:
        """The operation that makes `values`."""
        return self.values.op  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        """The dtype of `values`."""
        return self.values.dtype  # type: ignore[no-any-return]

    @property
    def graph(self) -> Graph:
        """The graph of `values`."""
        return self.values.graph  # type: ignore[no-any-return]

    def consumers(self) -> list[Operation]:
        """The operations that take `values`."""
        return self.values.consumers()  # type: ignore[no-any-return]

    def __str__(self) -> str:
        shape = f", dense_shape={self._dense_shape}" if self._dense_shape is not None else ""
        return f"IndexedSlices(indices={self._indices}, values={self._values}{shape})"

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def _to_components(self) -> tuple[Any, ...]:
        parts = (self._values, self._indices)
        return parts if self._dense_shape is None else (*parts, self._dense_shape)


class IndexedSlicesValue(NamedTuple):
    """What fetching an `IndexedSlices` gives. Source: TF 1.15 `tf.compat.v1.IndexedSlicesValue`."""

    values: Any
    indices: Any
    dense_shape: Any


export("compat.v1.IndexedSlicesValue")(IndexedSlicesValue)


# The operations through which TF's Python sees a dense shape before a run.
_KNOWN_SIZES = frozenset(
    ("Const", "Shape", "Pack", "Concat", "ConcatV2", "StridedSlice", "Cast", "Fill", "Range", "Placeholder")
)


class SparseTensorValue(NamedTuple):
    """What fetching a `SparseTensor` gives, and what feeds one. Source: TF 1.15 `tf.SparseTensorValue`."""

    indices: Any
    values: Any
    dense_shape: Any


export("SparseTensorValue")(SparseTensorValue)


@export("SparseTensor", "sparse.SparseTensor")
class SparseTensor:
    """A tensor given by the places of its non-zero elements.

    `indices`: i64[n, rank], `values`: dtype[n], `dense_shape`: i64[rank]. Source: TF 1.15 `tf.SparseTensor`.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any):
        with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            indices = convert_to_tensor(indices, name="indices", dtype=dtypes.int64)
            values = internal_convert_to_tensor(values, name="values")
            dense_shape = convert_to_tensor(dense_shape, name="dense_shape", dtype=dtypes.int64)
        self._indices, self._values, self._dense_shape = indices, values, dense_shape
        rows = indices.shape.with_rank(2)
        length = values.shape.with_rank(1)
        sizes = dense_shape.shape.with_rank(1)
        rows[0].assert_is_compatible_with(length[0])
        rows[1].assert_is_compatible_with(sizes[0])

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """A `SparseTensor` of a `SparseTensorValue`."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not (isinstance(sparse_tensor_value, tuple) and hasattr(sparse_tensor_value, "dense_shape")):
            raise TypeError(f"Neither a SparseTensor nor SparseTensorValue: {sparse_tensor_value}.")
        value: Any = sparse_tensor_value
        return SparseTensor(value.indices, value.values, value.dense_shape)

    @property
    def indices(self) -> Any:
        """Where the elements are."""
        return self._indices

    @property
    def values(self) -> Any:
        """The elements."""
        return self._values

    @property
    def dense_shape(self) -> Any:
        """The shape of the dense tensor."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """The static shape of the dense tensor."""
        if self._dense_shape.op.type in _KNOWN_SIZES:
            return constant_value_as_shape(self._dense_shape)
        count = self._dense_shape.get_shape()[0].value
        return TensorShape(None if count is None else [None] * count)

    def get_shape(self) -> TensorShape:
        """The static shape of the dense tensor."""
        return self.shape

    @property
    def dtype(self) -> DType:
        """The dtype of `values`."""
        return self._values.dtype  # type: ignore[no-any-return]

    @property
    def op(self) -> Operation:
        """The operation that makes `values`."""
        return self._values.op  # type: ignore[no-any-return]

    @property
    def graph(self) -> Graph:
        """The graph of the tensors."""
        return self._indices.graph  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The name of `values`."""
        return self._values.name  # type: ignore[no-any-return]

    def consumers(self) -> list[Operation]:
        """The operations that take `values`."""
        return self._values.consumers()  # type: ignore[no-any-return]

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """The value, computed by `session` or the default session."""
        parts = [t.eval(feed_dict, session) for t in (self._indices, self._values, self._dense_shape)]
        return SparseTensorValue(*parts)

    def __str__(self) -> str:
        return f"SparseTensor(indices={self._indices}, values={self._values}, dense_shape={self._dense_shape})"

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("'SparseTensor' object is not iterable")

    def _to_components(self) -> list[Any]:
        return [self._indices, self._values, self._dense_shape]


@export("convert_to_tensor_or_indexed_slices")
def convert_to_tensor_or_indexed_slices(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    """`value` as a tensor, or itself if it is an `IndexedSlices` (or SparseTensor) already.

    Source: TF 1.15 `tf.convert_to_tensor_or_indexed_slices`.
    """
    if isinstance(value, (IndexedSlices, SparseTensor)):
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype {value.dtype.name}: {value!r}"
            )
        return value
    return internal_convert_to_tensor(value, dtype=dtype, name=name, as_ref=as_ref)


@export("convert_to_tensor_or_sparse_tensor", "contrib.framework.convert_to_tensor_or_sparse_tensor")
def convert_to_tensor_or_sparse_tensor(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as a tensor, or as a `SparseTensor` if it is one. Source: TF 1.15 `tf.convert_to_tensor_or_sparse_tensor`."""
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if dtype and not dtype.is_compatible_with(value.dtype):
            raise RuntimeError(f"Sparse dtype: requested = {dtype.name}, actual = {value.dtype.name}")
        return value
    return convert_to_tensor(value, dtype=dtype, name=name)


@export("is_tensor", "contrib.framework.is_tensor")
def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, a variable, a `SparseTensor` or an `IndexedSlices`. Source: TF 1.15 `tf.is_tensor`."""
    return isinstance(x, (Tensor, SparseTensor, IndexedSlices)) or isinstance(
        getattr(x, "_as_graph_element", lambda: None)(), Tensor
    )


def _dense_from_slices(value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    from retrograph.framework.apply import apply_op

    if dtype and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for IndexedSlices with dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {value}")
    return apply_op(
        "UnsortedSegmentSum", name, data=value.values, segment_ids=value.indices, num_segments=value.dense_shape[0]
    )


register_tensor_conversion_function(IndexedSlices, _dense_from_slices)


def is_sparse(x: Any) -> bool:
    """Whether `x` is a `SparseTensor` or its value."""
    return isinstance(x, (SparseTensor, SparseTensorValue))
