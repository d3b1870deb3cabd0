"""`tf.data.experimental.Optional`: an element, or none."""

from __future__ import annotations

from typing import Any

from retrograph.data import structure
from retrograph.data.host import optionals as _operations
from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.type_spec import TensorSpec, TypeSpec


@export("data.experimental.Optional", "contrib.data.Optional")
class Optional:
    """An element, or none: which of them is known when it runs. Source: TF 1.15 `tf.data.experimental.Optional`."""

    def __init__(self, variant_tensor: Tensor, value_structure: Any):
        self._variant_tensor, self._value_structure = variant_tensor, value_structure

    def has_value(self, name: str | None = None) -> Any:
        """bool[]: whether there is an element."""
        return apply_op("OptionalHasValue", name, optional=self._variant_tensor)

    def get_value(self, name: str | None = None) -> Any:
        """The element; when it runs, InvalidArgumentError if there is none."""
        with name_scope(name, "OptionalGetValue", [self._variant_tensor]) as scope:
            found = apply_op(
                "OptionalGetValue",
                scope,
                optional=self._variant_tensor,
                output_types=structure.flat_types(self._value_structure),
                output_shapes=structure.flat_shapes(self._value_structure),
            )
        return structure.from_tensor_list(self._value_structure, found)

    @property
    def value_structure(self) -> Any:
        """The structure of specs of the element."""
        return self._value_structure

    @property
    def _type_spec(self) -> Any:
        return OptionalSpec(self._value_structure)

    @staticmethod
    def from_value(value: Any) -> Optional:
        """There is an element: `value`."""
        with name_scope("optional") as scope:
            with name_scope("value"):
                spec = structure.type_spec_from_value(value)
                tensors = structure.to_tensor_list(spec, value)
            return Optional(apply_op("OptionalFromValue", scope, components=tensors), spec)

    @staticmethod
    def none_from_structure(value_structure: Any) -> Optional:
        """There is none."""
        return Optional(apply_op("OptionalNone", None), value_structure)


_OptionalImpl = Optional
# The records of the operations are registered when this is imported.
_ROWS = _operations


@export("OptionalSpec", "data.experimental.OptionalStructure")
class OptionalSpec(TypeSpec):
    """What the element of an `Optional` is. Source: TF 1.15 `tf.OptionalSpec`."""

    value_type: Any = Optional

    def __init__(self, value_structure: Any):
        self._value_structure = value_structure

    def _serialize(self) -> tuple[Any, ...]:
        return (self._value_structure,)

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec(TensorShape([]), dtypes.variant)]

    def _to_components(self, value: Any) -> Any:
        return [value._variant_tensor]

    def _from_components(self, components: Any) -> Any:
        return Optional(components[0], self._value_structure)

    @staticmethod
    def from_value(value: Any) -> OptionalSpec:
        """The spec of a value."""
        return OptionalSpec(value.value_structure)


@export("data.experimental.get_next_as_optional", "contrib.data.get_next_as_optional")
def get_next_as_optional(iterator: Any) -> Optional:
    """The next element of an iterator, or none at its end. Source: TF 1.15 `tf.data.experimental.get_next_as_optional`."""
    variant = apply_op(
        "IteratorGetNextAsOptional", None, iterator=iterator._iterator_resource, **iterator._flat_structure
    )
    return Optional(variant, iterator.element_spec)
