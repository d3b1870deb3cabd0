"""Tensor specs with bounds: `tf.contrib.framework.BoundedTensorSpec`."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.compat.common_shapes import broadcast_shape
from retrograph.framework import dtypes
from retrograph.framework.exports import export
from retrograph.framework.shape import TensorShape
from retrograph.framework.type_spec import TensorSpec


@export("contrib.framework.BoundedTensorSpec")
class BoundedTensorSpec(TensorSpec):
    """A tensor's shape, dtype and name, and the bounds of its elements, which belong to what is allowed.

    Raises ValueError for bounds that are missing or do not broadcast to the shape.

    Source: TF 1.15 `tf.contrib.framework.BoundedTensorSpec`.
    """

    def __init__(self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None):
        super().__init__(shape, dtype, name)
        if minimum is None or maximum is None:
            raise ValueError(f"minimum and maximum must be provided; but saw '{minimum}' and '{maximum}'")
        self._minimum = self._bound("minimum", minimum)
        self._maximum = self._bound("maximum", maximum)

    def _bound(self, what: str, value: Any) -> np.ndarray[Any, Any]:
        try:
            broadcast_shape(TensorShape(np.shape(value)), self._shape)
        except ValueError as error:
            raise ValueError(f"{what} is not compatible with shape. Message: {error!r}.") from None
        made = np.array(value, dtype=self._dtype.as_numpy_dtype())
        made.setflags(write=False)
        return made

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> BoundedTensorSpec:
        """A spec of another's shape, dtype and bounds, which are those of the dtype if it has none."""
        dtype = dtypes.as_dtype(spec.dtype)
        return cls(
            spec.shape, dtype, getattr(spec, "minimum", dtype.min), getattr(spec, "maximum", dtype.max), spec.name
        )

    @property
    def minimum(self) -> np.ndarray[Any, Any]:
        """The least values, not to be written to."""
        return self._minimum

    @property
    def maximum(self) -> np.ndarray[Any, Any]:
        """The greatest values, not to be written to."""
        return self._maximum

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._minimum, self._maximum, self._name

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BoundedTensorSpec)
            and (self._shape, self._dtype, self._name) == (other._shape, other._dtype, other._name)
            and bool(np.allclose(self._minimum, other._minimum) and np.allclose(self._maximum, other._maximum))
        )

    def __hash__(self) -> int:
        return hash((str(self._shape), self._dtype))

    def __reduce__(self) -> Any:
        return BoundedTensorSpec, self._serialize()

    def __repr__(self) -> str:
        return (
            f"BoundedTensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r}, "
            f"minimum={self._minimum!r}, maximum={self._maximum!r})"
        )
