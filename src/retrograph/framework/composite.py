"""What sparse, ragged and user-made composite tensors have in common: a type spec that takes them apart."""

from __future__ import annotations

from typing import Any


class _HasTypeSpec(type):
    """Whatever has a `_type_spec` is a composite tensor, whether it says so or not."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return hasattr(type(instance), "_type_spec")


class CompositeTensor(metaclass=_HasTypeSpec):
    """Base of tensors made of several tensors; a subclass gives `_type_spec`.

    Source: TF 1.15 `tensorflow.python.framework.composite_tensor.CompositeTensor`.
    """

    @property
    def _type_spec(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._type_spec")

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._shape_invariant_to_type_spec")

    def consumers(self) -> list[Any]:
        """The operations that take one of its tensors."""
        tensors = self._type_spec._to_components(self)
        return [op for tensor in tensors for op in tensor.consumers()]
