"""What a value is before it is there: `tf.TensorSpec`, and the specs of values made of several tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, nest, structures
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.shape import TensorShape


def _comparable(value: Any) -> Any:
    """A part of a spec with sizes for shapes: as shapes, sizes that are not known are equal to no others."""
    if isinstance(value, TensorShape):
        return TensorShape, value._plain
    if isinstance(value, (list, tuple)):
        return type(value), [_comparable(part) for part in value]
    if isinstance(value, dict):
        return {key: _comparable(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return np.ndarray, value.shape, value.tolist()
    return value


def _most_specific(first: Any, second: Any) -> Any:
    """What both parts of a spec have in common; ValueError if they cannot be one."""
    if isinstance(first, TensorShape) and isinstance(second, TensorShape):
        return first.most_specific_compatible_shape(second)
    if _comparable(first) != _comparable(second):
        raise ValueError(f"Types are not compatible: {first!r} vs {second!r}")
    return first


def _compatible(first: Any, second: Any) -> bool:
    if isinstance(first, (TensorShape, DType)) and type(first) is type(second):
        return bool(first.is_compatible_with(second))
    return bool(_comparable(first) == _comparable(second))


@export("TypeSpec", "data.experimental.Structure")
class TypeSpec:
    """The type of a value that programs pass around: which tensors it is made of.

    Source: TF 1.15 `tf.TypeSpec`.
    """

    value_type: Any = None

    def _serialize(self) -> tuple[Any, ...]:
        raise NotImplementedError(f"{type(self).__name__}._serialize")

    @property
    def _component_specs(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._component_specs")

    def _to_components(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_components")

    def _from_components(self, components: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._from_components")

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return nest.flatten(self._component_specs, expand_composites=True)

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return nest.flatten(self._to_components(value), expand_composites=True)

    def _from_tensor_list(self, tensor_list: list[Any]) -> Any:
        return self._from_components(nest.pack_sequence_as(self._component_specs, tensor_list, expand_composites=True))

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a value (or all values of a spec) can stand where this spec is asked for."""
        spec = spec_or_value if isinstance(spec_or_value, TypeSpec) else type_spec_from_value(spec_or_value)
        if type(self) is not type(spec):
            return False
        return all(_compatible(a, b) for a, b in zip(self._serialize(), spec._serialize(), strict=True))

    def most_specific_compatible_type(self, other: TypeSpec) -> TypeSpec:
        """The narrowest spec that both fit; ValueError if there is none."""
        if type(self) is not type(other):
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        merged = [_most_specific(a, b) for a, b in zip(self._serialize(), other._serialize(), strict=True)]
        return type(self)(*merged)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _comparable(self._serialize()) == _comparable(other._serialize())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), tuple(str(part) for part in self._serialize())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"


class BatchableTypeSpec(TypeSpec):
    """The type of a value whose tensors can be stacked to those of a batch of such values.

    Source: TF 1.15 `tensorflow.python.framework.type_spec.BatchableTypeSpec`.
    """

    def _batch(self, batch_size: Any) -> TypeSpec:
        raise NotImplementedError(f"{type(self).__name__}._batch")

    def _unbatch(self) -> TypeSpec:
        raise NotImplementedError(f"{type(self).__name__}._unbatch")

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        tensors = self._to_tensor_list(value)
        if any(tensor.shape.ndims == 0 for tensor in tensors):
            raise ValueError(f"Value {value} has insufficient rank for batching.")
        return tensors


@export("TensorSpec")
class TensorSpec(BatchableTypeSpec):
    """A tensor's shape, dtype and name.

    Source: TF 1.15 `tf.TensorSpec`.
    """

    _one_tensor = True

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None):
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._name = name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """A spec of the shape and dtype of another."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor, by default with the name of its operation."""
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._name

    @property
    def _component_specs(self) -> Any:
        return self

    def _to_components(self, value: Any) -> Any:
        return value

    def _from_components(self, components: Any) -> Any:
        return components

    def _batch(self, batch_size: Any) -> TensorSpec:
        return TensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> TensorSpec:
        if self._shape.ndims == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return TensorSpec(self._shape[1:], self._dtype)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether the dtype is the same and the shapes do not contradict each other."""
        return bool(
            self._dtype.is_compatible_with(spec_or_value.dtype) and self._shape.is_compatible_with(spec_or_value.shape)
        )

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


def _all_arrays(components: Sequence[Any]) -> bool:
    return all(isinstance(c, np.ndarray) for c in components)


@export("SparseTensorSpec")
class SparseTensorSpec(BatchableTypeSpec):
    """The dense shape and dtype of a `SparseTensor`.

    Source: TF 1.15 `tf.SparseTensorSpec`.
    """

    value_type: Any = structures.SparseTensor

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32):
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def shape(self) -> TensorShape:
        """The dense shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype

    @property
    def _component_specs(self) -> Any:
        rank = self._shape.ndims
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _to_components(self, value: Any) -> Any:
        return [value.indices, value.values, value.dense_shape]

    def _batch(self, batch_size: Any) -> SparseTensorSpec:
        return SparseTensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> SparseTensorSpec:
        if self._shape.ndims == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return SparseTensorSpec(self._shape[1:], self._dtype)

    def _from_components(self, components: Any) -> Any:
        return structures.SparseTensorValue(*components) if _all_arrays(components) else self.value_type(*components)


@export("IndexedSlicesSpec")
class IndexedSlicesSpec(TypeSpec):
    """The dense shape and the dtypes of an `IndexedSlices`.

    Source: TF 1.15 `tf.IndexedSlicesSpec`.
    """

    value_type: Any = structures.IndexedSlices

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ):
        self._shape = TensorShape(shape)
        self._values_dtype = dtypes.as_dtype(dtype)
        self._indices_dtype = dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        self._indices_shape = TensorShape(indices_shape).with_rank(1)

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._values_dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape

    @property
    def _component_specs(self) -> Any:
        specs = [
            TensorSpec(self._indices_shape.concatenate(self._shape[1:]), self._values_dtype),
            TensorSpec(self._indices_shape, self._indices_dtype),
        ]
        if self._dense_shape_dtype is not None:
            specs.append(TensorSpec([self._shape.ndims], self._dense_shape_dtype))
        return tuple(specs)

    def _to_components(self, value: Any) -> Any:
        return value._to_components()

    def _from_components(self, components: Any) -> Any:
        if not _all_arrays(components):
            return self.value_type(*components)
        return structures.IndexedSlicesValue(*components, *([None] if len(components) == 2 else []))


def _spec_of_slices(value: Any) -> IndexedSlicesSpec:
    rows = value.indices.shape.merge_with(value.values.shape[:1])
    dense_dtype = None if value.dense_shape is None else value.dense_shape.dtype
    dense_shape = TensorShape([None]).concatenate(value.values.shape[1:])
    if value.dense_shape is not None:
        dense_shape = dense_shape.merge_with(value.shape)
    return IndexedSlicesSpec(dense_shape, value.dtype, value.indices.dtype, dense_dtype, rows)


def _spec_of_sparse(value: Any) -> SparseTensorSpec:
    return SparseTensorSpec(value.shape, value.dtype)


structures.IndexedSlices._type_spec = property(_spec_of_slices)  # type: ignore[attr-defined]
structures.SparseTensor._type_spec = property(_spec_of_sparse)  # type: ignore[attr-defined]

_converters: list[tuple[Any, Callable[[Any], TypeSpec]]] = []


def register_type_spec_from_value_converter(type_object: Any, converter: Callable[[Any], TypeSpec]) -> None:
    """Registers how values of a type tell their spec."""
    _converters.append((type_object, converter))


def type_spec_from_value(value: Any) -> TypeSpec:
    """The spec of a tensor, a composite, or what converts to a tensor.

    Raises: TypeError if there is none.
    """
    if isinstance(value, TypeSpec):
        return value
    if hasattr(value, "_type_spec"):
        return value._type_spec  # type: ignore[no-any-return]
    for type_object, converter in _converters:
        if isinstance(value, type_object):
            return converter(value)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return TensorSpec(value.shape, dtypes.as_dtype(value.dtype).base_dtype)
    from retrograph.framework.conversion import convert_to_tensor

    try:
        tensor = convert_to_tensor(value)
    except (TypeError, ValueError):
        raise TypeError(f"Could not build a TypeSpec for {value!r} with type {type(value).__name__}") from None
    return TensorSpec(tensor.shape, tensor.dtype)


def spec_of_sparse_value(value: Any) -> TypeSpec:
    """The spec of a SparseTensorValue: values that are no array are of the type that they convert to."""
    if isinstance(value.values, np.ndarray):
        return SparseTensorSpec(value.dense_shape, dtypes.as_dtype(value.values.dtype))
    return type_spec_from_value(structures.SparseTensor.from_value(value))


register_type_spec_from_value_converter(structures.SparseTensorValue, spec_of_sparse_value)
