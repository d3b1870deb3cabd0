"""Variables in parts: `PartitionedVariable`, and the partitioners that say how to cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.calling import plainly_refusing
from retrograph.framework.conversion import convert_to_tensor, register_tensor_conversion_function
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.dtypes import DType, string
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape


@plainly_refusing
class PartitionedVariable:
    """Variables that together are one larger variable, cut along one axis.

    >>> v = tf.get_variable("v", [5], partitioner=tf.fixed_size_partitioner(2))
    >>> [part.name for part in v]
    ['v/part_0:0', 'v/part_1:0']

    As a tensor it is the parts put together. Source: TF 1.15 `PartitionedVariable`.
    """

    _distribute_strategy = None

    def __init__(
        self, name: str, shape: Any, dtype: DType, variable_list: Sequence[Any], partitions: Sequence[int]
    ) -> None:
        _check_parts(shape, variable_list, partitions)
        self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
        self._name, self._shape, self._dtype, self._partitions = name, shape, dtype, partitions

    def __float__(self) -> float:
        raise TypeError(f"float() argument must be a string or a number, not '{type(self).__name__}'")

    def __int__(self) -> int:
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a number, not '{type(self).__name__}'"
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        axes = self._partition_axes()
        if len(axes) > 1:
            raise ValueError(f"Cannot get a length for {len(axes)} > 1 partition axes")
        return len(self._variable_list)

    def _partition_axes(self) -> list[int]:
        return [i for i, count in enumerate(self._partitions) if count > 1] or [0]

    def _axis(self, text: str) -> int:
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(text.format(axes))
        return axes[0]

    def _concat(self) -> Tensor:
        if len(self._variable_list) == 1:
            with name_scope(None):
                return self._named(self._variable_list[0])
        axis = self._axis(
            "Cannot concatenate along more than one dimension: {}.  Multi-axis partition concat is not supported"
        )
        with name_scope(self._name + "/ConcatPartitions/"):
            whole = apply_op("ConcatV2", "concat", values=self._variable_list, axis=axis)
        with name_scope(None):
            return self._named(whole)

    def _named(self, value: Any) -> Tensor:
        result: Tensor = apply_op("Identity", self._name, input=value)
        return result

    def as_tensor(self) -> Tensor:
        """The parts put together."""
        with control_dependencies(None):
            return self._concat()

    @property
    def name(self) -> str:
        """The name that the parts' names start with."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return self.get_shape()

    def get_shape(self) -> TensorShape:
        """The shape of the whole."""
        shape: TensorShape = self._shape
        return shape

    def _get_variable_list(self) -> list[Any]:
        return self._variable_list

    def _get_partitions(self) -> Sequence[int]:
        return self._partitions

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Sets the parts to those of `value`; gives one result a part."""
        return self._change("assign", value, use_locking, name, read_value)

    def assign_add(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds to the parts those of `value`."""
        return self._change("assign_add", value, use_locking, name, read_value)

    def assign_sub(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts from the parts those of `value`."""
        return self._change("assign_sub", value, use_locking, name, read_value)

    def _change(self, method: str, value: Any, use_locking: bool, name: str | None, read_value: bool) -> Any:
        changed = [
            getattr(part, method)(piece, use_locking=use_locking, name=name, read_value=read_value)
            for part, piece in zip(self._variable_list, self._pieces(value), strict=True)
        ]
        return changed if read_value else [getattr(each, "op", each) for each in changed]

    def _pieces(self, value: Any) -> Sequence[Any]:
        axis = self._axis(
            "Cannot do assign action along more than one dimension: {}.  Multi-axis partition assign action is not supported "
        )
        if isinstance(value, (list, PartitionedVariable)):
            assert len(value) == len(self._variable_list)
            return list(value)
        sizes = convert_to_tensor([part.shape[axis].value for part in self._variable_list])
        pieces: Sequence[Any] = apply_op(
            "SplitV", "split", value=value, size_splits=sizes, split_dim=axis, num_split=len(self._variable_list)
        )
        return pieces


def _check_parts(shape: Any, parts: Any, partitions: Any) -> None:
    if not isinstance(parts, (list, tuple)):
        raise TypeError(f"variable_list is not a list or tuple: {parts}")
    if not isinstance(partitions, (list, tuple)):
        raise TypeError(f"partitions is not a list or tuple: {partitions}")
    if not all(count >= 1 for count in partitions):
        raise ValueError(f"partition values must be positive: {partitions}")
    if not parts:
        raise ValueError("variable_list may not be empty")
    if not all(part._get_save_slice_info() is not None for part in parts):
        raise ValueError(f"All variables must have a save_slice_info available: {[part.name for part in parts]}")
    if len(shape) != len(partitions):
        raise ValueError(f"len(shape) != len(partitions): {shape} vs. {partitions}")
    for part in parts:
        full_shape = part._get_save_slice_info().full_shape
        if full_shape != shape:
            raise ValueError(
                f"All variables' full shapes must match shape: {shape}; but full shapes were: {[full_shape]}"
            )


def _as_tensor(value: PartitionedVariable, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Tensor:
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{value.dtype.name}'"
        )
    if as_ref:
        raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
    return value.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _as_tensor)


def partitions_of(partitioner: Callable[..., Any], shape: TensorShape, dtype: Any) -> Sequence[int]:
    """What a partitioner says of a shape, checked.

    Raises ValueError: with TF's texts.
    """
    if not shape.is_fully_defined():
        raise ValueError(f"Shape of a new partitioned variable must be fully defined, but instead was {shape}.")
    if not len(shape):
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    counts = partitioner(shape=shape, dtype=dtype)
    if not isinstance(counts, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {counts}")
    if len(counts) != len(shape):
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {counts} vs. {shape}"
        )
    if any(count < 1 for count in counts):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {counts}")
    if sum(count > 1 for count in counts) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {counts}")
    return counts


def slices(full_shape: Sequence[Any], partitions: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """(offset, shape) of each part; the first ones get what does not divide evenly."""
    axis = next((i for i, count in enumerate(partitions) if count > 1), 0)
    count = partitions[axis]
    size, larger = divmod(full_shape[axis], count)
    offset, found = [0] * len(full_shape), []
    for i in range(count):
        shape = [*full_shape[:axis], size + (i < larger), *full_shape[axis + 1 :]]
        found.append((list(offset), shape))
        offset[axis] += shape[axis]
    return found


# Error texts of TF show the class by this path.
PartitionedVariable.__module__ = "tensorflow.python.ops.variables"


@export("fixed_size_partitioner")
def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Callable[..., list[int]]:
    """A partitioner into `num_shards` parts along an axis. Source: TF 1.15 `tf.fixed_size_partitioner`."""

    def _partitioner(shape: TensorShape, **unused: Any) -> list[int]:
        return _along(shape, axis, min(num_shards, _length(shape, axis)))

    return _partitioner


def _length(shape: TensorShape, axis: int) -> int:
    length: Any = shape.as_list()[axis]
    return int(length)


def _along(shape: TensorShape, axis: int, count: Any) -> list[Any]:
    counts = [1] * len(shape)
    counts[axis] = count
    return counts


def _element_size(dtype: DType, bytes_per_string_element: int) -> int:
    return bytes_per_string_element if dtype.base_dtype == string else int(dtype.size)


@export("variable_axis_size_partitioner")
def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Callable[..., list[int]]:
    """A partitioner into parts of at most `max_shard_bytes` along an axis.

    Raises ValueError: limits that are not positive. Source: TF 1.15 `tf.variable_axis_size_partitioner`.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def _partitioner(shape: Any, dtype: Any) -> list[int]:
        if not isinstance(shape, TensorShape):
            raise ValueError(f"shape is not a TensorShape: {shape}")
        if not shape.is_fully_defined():
            raise ValueError(f"shape is not fully defined: {shape}")
        if not isinstance(dtype, DType):
            raise ValueError(f"dtype is not a DType: {dtype}")
        length = _length(shape, axis)
        slice_bytes = (shape.num_elements() or 0) / length * _element_size(dtype, bytes_per_string_element)
        count = math.ceil(length / max(1, math.floor(max_shard_bytes / slice_bytes)))
        return _along(shape, axis, min(max_shards, count) if max_shards else count)

    return _partitioner


@export("min_max_variable_partitioner")
def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Callable[..., list[int]]:
    """A partitioner into at most `max_partitions` parts of at least `min_slice_size` bytes along an axis.

    Source: TF 1.15 `tf.min_max_variable_partitioner`.
    """

    def _partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        if axis >= len(shape):
            raise ValueError(f"Can not partition variable along axis {axis} when shape is only {shape}")
        total = (shape.num_elements() or 0) * _element_size(dtype, bytes_per_string_element)
        wanted = math.ceil(total / min_slice_size)
        return _along(shape, axis, max(1, min(_length(shape, axis), max_partitions, wanted)))

    return _partitioner
