"""`InputSpec`: what a layer asks of its inputs, and the check of it."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export


@export("layers.InputSpec", "keras.layers.InputSpec")
class InputSpec:
    """What a layer asks of an input: rank, axes, dtype. Source: TF 1.15 `tf.layers.InputSpec`."""

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Any = None,
    ):
        self.dtype = tf.as_dtype(dtype).name if dtype is not None else None
        self.shape = shape
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        try:
            self.axes = {int(k): axes[k] for k in axes or {}}
        except (ValueError, TypeError):
            raise TypeError("The keys in axes must be integers.") from None
        most = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and most is not None and max(self.axes) > most - 1:
            raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {most - 1}")

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{n}={getattr(self, n)}' for n in names if getattr(self, n))})"


def to_tensor_shape(spec: InputSpec) -> Any:
    """What a spec says of the shape, as a `TensorShape`."""
    if spec.shape is not None or spec.ndim is None:
        return tf.TensorShape(spec.shape)
    sizes: list[Any] = [None] * spec.ndim
    for axis, size in spec.axes.items():
        sizes[axis] = size
    return tf.TensorShape(sizes)


def check_inputs(spec: Any, inputs: Any, layer_name: str) -> None:
    """Raises ValueError for inputs that do not fit the spec, in TF's words."""
    if not spec:
        return
    given, specs = nest.flatten(inputs), nest.flatten(spec)
    if len(given) != len(specs):
        raise ValueError(
            f"Layer {layer_name} expects {len(specs)} inputs, but it received {len(given)} input tensors. Inputs received: {given}"
        )
    for index, (value, one) in enumerate(zip(given, specs, strict=True)):
        if one is not None:
            _check_input(one, value, f"Input {index} of layer {layer_name} is incompatible with the layer: ")


def _check_input(spec: InputSpec, value: Any, prefix: str) -> None:
    shape = value.shape
    if shape.ndims is None and (spec.ndim is not None or spec.min_ndim is not None or spec.max_ndim is not None):
        raise ValueError(f"{prefix}its rank is undefined, but the layer requires a defined rank.")
    full = f" Full shape received: {shape.as_list()}" if shape.ndims is not None else ""
    if spec.ndim is not None and shape.ndims != spec.ndim:
        raise ValueError(f"{prefix}expected ndim={spec.ndim}, found ndim={shape.ndims}.{full}")
    if spec.max_ndim is not None and shape.ndims > spec.max_ndim:
        raise ValueError(f"{prefix}: expected max_ndim={spec.max_ndim}, found ndim={shape.ndims}")
    if spec.min_ndim is not None and shape.ndims < spec.min_ndim:
        raise ValueError(f"{prefix}: expected min_ndim={spec.min_ndim}, found ndim={shape.ndims}.{full}")
    if spec.dtype is not None and value.dtype != spec.dtype:
        raise ValueError(f"{prefix}: expected dtype={spec.dtype}, found dtype={value.dtype}")
    _check_axes(spec, shape, prefix)


def _check_axes(spec: InputSpec, shape: Any, prefix: str) -> None:
    for axis, size in spec.axes.items():
        wanted = size.value if hasattr(size, "value") else size
        if wanted is not None and shape.as_list()[int(axis)] not in (wanted, None):
            raise ValueError(
                f"{prefix}expected axis {axis} of input shape to have value {wanted} but received input with shape {shape.as_list()}"
            )
    if spec.shape is not None:
        for wanted, got in zip(spec.shape, shape.as_list(), strict=False):
            if wanted is not None and got is not None and wanted != got:
                raise ValueError(f"{prefix}expected shape={spec.shape}, found shape={shape.as_list()}")
