"""Elements as structures of specs: tensors, sparse and ragged tensors, datasets; and the flat tensors that they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrograph.framework import data_nest, dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import IndexedSlices, SparseTensor, SparseTensorValue
from retrograph.framework.type_spec import SparseTensorSpec, TensorSpec, TypeSpec, spec_of_sparse_value
from retrograph.ops.ragged_tensor import RaggedTensor, RaggedTensorSpec
from retrograph.ops.ragged_value import RaggedTensorValue
from retrograph.ops.tensor_array import TensorArray

_SCALARS_ONLY = "Unbatching a tensor is only supported for rank >= 1"


@export("TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """The dtype and the element shape of a `TensorArray`. Source: TF 1.15 `tf.TensorArraySpec`."""

    value_type: Any = TensorArray

    def __init__(
        self,
        element_shape: Any = None,
        dtype: Any = dtypes.float32,
        dynamic_size: bool = False,
        infer_shape: bool = True,
    ):
        self._element_shape, self._dtype = TensorShape(element_shape), dtypes.as_dtype(dtype)
        self._dynamic_size, self._infer_shape = dynamic_size, infer_shape

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape


class DatasetSpec(TypeSpec):
    """What the elements of a dataset (or of an array of datasets) are.

    Source: TF 1.15 `tf.data.DatasetSpec`.
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()):
        self._element_spec, self._dataset_shape = element_spec, TensorShape(dataset_shape)

    @property
    def value_type(self) -> Any:
        """The class of datasets that elements are."""
        from retrograph.data.dataset import _VariantDataset

        return _VariantDataset

    @staticmethod
    def from_value(value: Any) -> DatasetSpec:
        """The spec of a dataset."""
        return DatasetSpec(value.element_spec)

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_spec, self._dataset_shape

    @property
    def _component_specs(self) -> Any:
        return TensorSpec(self._dataset_shape, dtypes.variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        from retrograph.data.dataset import _NestedVariant, _VariantDataset

        if self._dataset_shape.ndims == 0:
            return _VariantDataset(components, self._element_spec)
        return _NestedVariant(components, self._element_spec, self._dataset_shape)


export("data.DatasetSpec", "data.experimental.DatasetStructure")(DatasetSpec)


# ---- one spec


def flat_spec(spec: Any) -> TensorSpec:
    """The tensor that a component is in an element: itself, or a variant."""
    if isinstance(spec, TensorSpec):
        return spec
    if isinstance(spec, DatasetSpec):
        return TensorSpec(spec._dataset_shape, dtypes.variant)
    return TensorSpec([] if hasattr(spec, "_value_structure") else None, dtypes.variant)


def _encoded(spec: Any, value: Any) -> Any:
    if isinstance(spec, SparseTensorSpec):
        value = SparseTensor.from_value(value)
        parts = {"sparse_indices": value.indices, "sparse_values": value.values, "sparse_shape": value.dense_shape}
        return apply_op("SerializeSparse", None, out_type=dtypes.variant, **parts)
    if isinstance(spec, RaggedTensorSpec):
        return value._to_variant()
    if hasattr(value, "_variant_tensor"):
        return value._variant_tensor
    if isinstance(spec, TensorArraySpec):
        raise NotImplementedError("Elements of datasets that are TensorArrays are not supported")
    if isinstance(value, SparseTensor):
        raise ValueError(f"{value} is not convertible to a tensor with dtype {spec.dtype} and shape {spec.shape}.")
    return convert_to_tensor(value)


def _encoded_rows(spec: Any, value: Any) -> Any:
    """A component whose first axis tells elements apart."""
    if isinstance(spec, SparseTensorSpec):
        parts = {"sparse_indices": value.indices, "sparse_values": value.values, "sparse_shape": value.dense_shape}
        rank = spec.shape.ndims
        if rank is not None and rank < 1:
            raise ValueError("Unbatching a sparse tensor is only supported for rank >= 1")
        return apply_op("SerializeManySparse", None, out_type=dtypes.variant, **parts)
    if isinstance(spec, RaggedTensorSpec):
        return value._to_variant(batched_input=True)
    tensor = _encoded(spec, value)
    if isinstance(spec, TensorSpec) and spec.shape.ndims == 0:
        raise ValueError(f"Value {tensor} has insufficient rank for batching.")
    return tensor


def _decoded(spec: Any, tensor: Tensor, compatible: bool) -> Any:
    if isinstance(spec, SparseTensorSpec):
        return _decoded_sparse(spec, tensor)
    if isinstance(spec, RaggedTensorSpec):
        return _decoded_ragged(spec, tensor)
    if isinstance(spec, DatasetSpec):
        return spec._from_components(tensor)
    if hasattr(spec, "_value_structure"):
        return spec._from_components([tensor])
    if not compatible and not spec.is_compatible_with(tensor):
        raise ValueError(f"Tensor {tensor} is not compatible with {spec}.")
    tensor.set_shape(spec.shape)
    return tensor


def _decoded_sparse(spec: SparseTensorSpec, tensor: Tensor) -> SparseTensor:
    parts = apply_op("DeserializeSparse", None, serialized_sparse=tensor, dtype=spec.dtype)
    rank = spec.shape.ndims
    parts[0].set_shape([None, rank])
    parts[1].set_shape([None])
    parts[2].set_shape([rank])
    return SparseTensor(*parts)


def _decoded_ragged(spec: Any, tensor: Tensor) -> Any:
    if spec._ragged_rank < 1:
        raise ValueError(f"ragged_rank must be non-negative; got {spec._ragged_rank}.")
    rank = spec._ragged_rank
    result = RaggedTensor._from_variant(tensor, spec._dtype, rank, splits_dtype=spec._row_splits_dtype)
    if spec._shape.ndims is not None:
        rows = spec._shape[0].value
        if rows is not None:
            result.row_splits.set_shape([rows + 1])
        result.flat_values.set_shape(TensorShape([None]).concatenate(spec._shape[rank + 1 :]))
    return result


def batched_spec(spec: Any, size: int | None) -> Any:
    """The spec of `size` components together."""
    if isinstance(spec, RaggedTensorSpec):
        return spec._batch(size)
    if isinstance(spec, DatasetSpec):
        return DatasetSpec(spec._element_spec, TensorShape([size]).concatenate(spec._dataset_shape))
    return type(spec)(TensorShape([size]).concatenate(spec.shape), spec.dtype)


def unbatched_spec(spec: Any) -> Any:
    """The spec of one row of a component. Raises ValueError: a scalar."""
    if isinstance(spec, RaggedTensorSpec):
        return spec._unbatch()
    if isinstance(spec, DatasetSpec):
        if spec._dataset_shape.ndims == 0:
            raise ValueError("Unbatching a dataset is only supported for rank >= 1")
        return DatasetSpec(spec._element_spec, spec._dataset_shape[1:])
    if spec.shape.ndims == 0:
        raise ValueError(_SCALARS_ONLY)
    return type(spec)(spec.shape[1:], spec.dtype)


# ---- structures


def normalize_element(element: Any) -> Any:
    """The element with tensors in place of what converts to them."""
    with name_scope("normalize_element"):
        flat = [_normalized(x, f"component_{i}") for i, x in enumerate(data_nest.flatten(element))]
    return data_nest.pack_sequence_as(element, flat)


def _normalized(value: Any, name: str) -> Any:
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if isinstance(value, RaggedTensorValue):
        import retrograph as tf

        return tf.ragged.constant(value.to_list(), dtype=dtypes.as_dtype(value.values.dtype))
    if isinstance(value, (SparseTensor, RaggedTensor, TensorArray)) or hasattr(value, "_variant_tensor"):
        return value
    return convert_to_tensor(value, name=name)


def type_spec_from_value(element: Any, use_fallback: bool = True) -> Any:
    """The structure of specs of an element.

    Raises TypeError: of something there is none.
    """
    if isinstance(element, (Tensor, SparseTensor, RaggedTensor, RaggedTensorValue, TypeSpec)):
        return element if isinstance(element, TypeSpec) else _spec_of(element)
    if hasattr(element, "element_spec") and hasattr(element, "_variant_tensor"):
        return DatasetSpec(element.element_spec)
    if hasattr(element, "_type_spec") and not isinstance(element, IndexedSlices):
        return element._type_spec
    if isinstance(element, SparseTensorValue):
        return spec_of_sparse_value(element)
    if isinstance(element, dict):
        found = element.copy()
        found.update((k, type_spec_from_value(v)) for k, v in element.items())
        return found
    if isinstance(element, tuple):
        parts = [type_spec_from_value(v) for v in element]
        return type(element)(*parts) if hasattr(element, "_fields") else tuple(parts)
    if isinstance(element, TensorArray):
        return TensorArraySpec(element.element_shape, element.dtype)
    if use_fallback:
        try:
            return type_spec_from_value(convert_to_tensor(element))
        except (ValueError, TypeError):
            pass
    raise TypeError(f"Could not build a TypeSpec for {element!r} with type {type(element).__name__}")


def _spec_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value._dtype._base)
    if isinstance(value, SparseTensor):
        return SparseTensorSpec(value.shape, value.dtype)
    return RaggedTensorSpec.from_value(value)


def flat_specs(structure: Any) -> list[TensorSpec]:
    """The specs of the tensors of an element."""
    return [flat_spec(s) for s in data_nest.flatten(structure)]


def flat_shapes(structure: Any) -> list[TensorShape]:
    """The shapes of the tensors of an element."""
    return [s.shape for s in flat_specs(structure)]


def flat_types(structure: Any) -> list[Any]:
    """The dtypes of the tensors of an element."""
    return [s.dtype for s in flat_specs(structure)]


def to_tensor_list(structure: Any, element: Any) -> list[Tensor]:
    """The tensors that an element is."""
    return _listed(_encoded, structure, element)


def to_batched_tensor_list(structure: Any, element: Any) -> list[Tensor]:
    """The tensors of an element whose components' first axes tell elements apart."""
    return _listed(_encoded_rows, structure, element)


def _listed(encode: Callable[[Any, Any], Any], structure: Any, element: Any) -> list[Tensor]:
    data_nest.assert_same_structure(structure, element)
    pairs = zip(data_nest.flatten(structure), data_nest.flatten(element), strict=True)
    return [encode(spec, value) for spec, value in pairs]


def from_tensor_list(structure: Any, tensors: Sequence[Tensor], compatible: bool = False) -> Any:
    """The element that tensors are.

    Raises ValueError: another number of tensors, or they do not fit unless `compatible` says that they do.
    """
    flat = data_nest.flatten(structure)
    if len(flat) != len(tensors):
        raise ValueError(f"Expected {len(flat)} tensors but got {len(tensors)}.")
    return data_nest.pack_sequence_as(
        structure, [_decoded(s, t, compatible) for s, t in zip(flat, tensors, strict=True)]
    )


def from_compatible_tensor_list(structure: Any, tensors: Sequence[Tensor]) -> Any:
    """The element that tensors are; their shapes become those of the structure."""
    return from_tensor_list(structure, tensors, compatible=True)


def are_compatible(first: Any, second: Any) -> bool:
    """Whether elements of either structure can stand for those of the other."""
    try:
        data_nest.assert_same_structure(first, second)
    except (TypeError, ValueError):
        return False
    pairs = zip(data_nest.flatten(first), data_nest.flatten(second), strict=True)
    return all(a.is_compatible_with(b) and b.is_compatible_with(a) for a, b in pairs)


# ---- the older description: types, shapes and classes


def convert_legacy_structure(output_types: Any, output_shapes: Any, output_classes: Any) -> Any:
    """The structure of specs that types, shapes and classes describe. Raises TypeError: an unknown class."""
    flat = zip(
        data_nest.flatten(output_types),
        data_nest.flatten(output_shapes),
        data_nest.flatten(output_classes),
        strict=False,
    )
    return data_nest.pack_sequence_as(output_classes, [_legacy_spec(t, s, c) for t, s, c in flat])


def _legacy_spec(dtype: Any, shape: Any, cls: Any) -> Any:
    if isinstance(cls, TypeSpec):
        return cls
    if issubclass(cls, SparseTensor):
        return SparseTensorSpec(shape, dtype)
    if issubclass(cls, Tensor):
        return TensorSpec(shape, dtype)
    if issubclass(cls, TensorArray):
        return TensorArraySpec(shape[2:], dtype)
    raise TypeError(f"Could not build a structure for output class {cls!r}")


def _part(structure: Any, plain: Callable[[Any], Any]) -> Any:
    return data_nest.map_structure(lambda s: s if isinstance(s, DatasetSpec) else plain(s), structure)


def legacy_types(structure: Any) -> Any:
    """The dtypes of the components."""
    return _part(structure, lambda s: s._dtype if isinstance(s, RaggedTensorSpec) else s.dtype)


def legacy_shapes(structure: Any) -> Any:
    """The shapes of the components."""
    return _part(structure, lambda s: s._shape if isinstance(s, RaggedTensorSpec) else s.shape)


def legacy_classes(structure: Any) -> Any:
    """The classes of the components."""
    return _part(structure, lambda s: s if isinstance(s, RaggedTensorSpec) else s.value_type or Tensor)


@export("data.experimental.TensorStructure")
def _TensorStructure(dtype: Any, shape: Any) -> TensorSpec:
    """The spec of a tensor. Source: TF 1.15 `tf.data.experimental.TensorStructure`."""
    return TensorSpec(shape, dtype)


@export("data.experimental.SparseTensorStructure")
def _SparseTensorStructure(dtype: Any, shape: Any) -> SparseTensorSpec:
    """The spec of a sparse tensor. Source: TF 1.15 `tf.data.experimental.SparseTensorStructure`."""
    return SparseTensorSpec(shape, dtype)


@export("data.experimental.TensorArrayStructure")
def _TensorArrayStructure(dtype: Any, element_shape: Any, dynamic_size: bool, infer_shape: bool) -> Any:
    """The spec of a TensorArray. Source: TF 1.15 `tf.data.experimental.TensorArrayStructure`."""
    return TensorArraySpec(element_shape, dtype, dynamic_size, infer_shape)


@export("data.experimental.RaggedTensorStructure")
def _RaggedTensorStructure(dtype: Any, shape: Any, ragged_rank: int) -> Any:
    """The spec of a ragged tensor. Source: TF 1.15 `tf.data.experimental.RaggedTensorStructure`."""
    return RaggedTensorSpec(shape, dtype, ragged_rank)
