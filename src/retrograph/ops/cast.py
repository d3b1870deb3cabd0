"""Conversions between element types: `cast`, `saturate_cast`, `bitcast`."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, unchanged
from retrograph.framework.structures import IndexedSlices, SparseTensor

_DIFFERENTIABLE = frozenset(
    (dtypes.float16, dtypes.float32, dtypes.float64, dtypes.bfloat16, dtypes.complex64, dtypes.complex128)
)


def _detour(source: np.dtype[Any], target: np.dtype[Any]) -> Any:
    """The integer type through which a CPU converts floats to a narrower (or unsigned) one, dropping the high bits."""
    if target.itemsize < 4:
        return np.int32
    return np.int64 if target.kind == "u" else None


def _to_integer(xp: Any, x: Any, target: np.dtype[Any]) -> Any:
    via = _detour(x.dtype, target)
    if via is not None:
        return _to_integer(xp, x, np.dtype(via)).astype(target)
    limits = np.iinfo(target)
    # What does not fit becomes the least number, as the conversion instruction of x86 has it.
    bound = np.float64(2.0) ** (limits.bits - 1)
    wide = x if x.dtype.itemsize >= 4 else x.astype(np.float32)
    fits = (wide >= wide.dtype.type(-bound)) & (wide < wide.dtype.type(bound))
    return xp.where(fits, xp.where(fits, wide, 0).astype(target), limits.min)


def _is_float(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


def convert(xp: Any, x: Any, target: Any) -> Any:
    """`x` with another element type, converted as TF does: towards zero, wrapping around."""
    target = np.dtype(target)
    if x.dtype == target:
        return x
    if x.dtype.kind == "c" and target.kind != "c":
        x = x != 0 if target.kind == "b" else xp.real(x)
    if _is_float(x.dtype) and target.kind in "iu":
        return _to_integer(xp, x, target)
    return x.astype(target)


def _cast(xp: Any, op: Any, x: Any) -> Any:
    return convert(xp, x, op.attrs["DstT"].as_numpy_dtype)


def _check_numeric(op: Any, source: DType, target: DType) -> None:
    if dtypes.string in (source, target):
        names = {"float32": "float", "float64": "double", "float16": "half"}
        text = f"Cast {names.get(source.name, source.name)} to {names.get(target.name, target.name)} is not supported"
        raise errors.UnimplementedError(None, op, text)


def _cast_numpy(op: Any, x: Any) -> Any:
    _check_numeric(op, op.attrs["SrcT"], op.attrs["DstT"])
    with np.errstate(invalid="ignore", over="ignore"):
        return _cast(np, op, np.asarray(x))


def _cast_lower(op: Any, x: Any) -> Any:
    return _cast(jnp, op, jnp.asarray(x))


def _cast_gradient(op: Any, grad: Any) -> Any:
    source = op.inputs[0].dtype.base_dtype
    if source in _DIFFERENTIABLE and grad.dtype.base_dtype in _DIFFERENTIABLE:
        return cast(grad, source)
    return None


register_op("Cast", shape=unchanged, lower=_cast_lower, numpy=_cast_numpy, gradient=_cast_gradient)


def _bitcast_shape(c: ShapeContext) -> list[Shape]:
    shape, old, new = c.input(0), c.attr("T").size, c.attr("type").size
    if shape is None or old == new:
        return [shape]
    if old > new:
        return [(*shape, old // new)]
    if not shape or shape[-1] not in (None, new // old):
        last = shape[-1] if shape else None
        if last is None:
            c.fail(f"Cannot bitcast due to shape. {shape} does not have a last dimension.")
        c.fail(f"Cannot bitcast due to shape. {last} does not match {new // old}")
    return [shape[:-1]]


def _check_bitcast(op: Any, x: Any) -> None:
    old, new = op.attrs["T"], op.attrs["type"]
    if old.size < new.size and np.shape(x)[-1:] != (new.size // old.size,):
        text = f"Cannot bitcast from {old.as_datatype_enum} to {new.as_datatype_enum}"
        raise errors.InvalidArgumentError(None, op, text)


def _bitcast_numpy(op: Any, x: Any) -> Any:
    _check_bitcast(op, x)
    target = np.dtype(op.attrs["type"].as_numpy_dtype)
    x = np.asarray(x, order="C")
    if x.dtype.itemsize == target.itemsize:
        return x.view(target)
    if x.dtype.itemsize > target.itemsize:
        return x[..., None].view(target)
    return x.view(target)[..., 0]


def _bitcast_lower(op: Any, x: Any) -> Any:
    _check_bitcast(op, x)
    return lax.bitcast_convert_type(jnp.asarray(x), op.attrs["type"].as_numpy_dtype)


register_op("Bitcast", shape=_bitcast_shape, lower=_bitcast_lower, numpy=_bitcast_numpy, gradient=NO_GRADIENT)


@export("bitcast")
def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The bits of `input` read as another type; types of other sizes add or drop a last dimension.

    Source: TF 1.15 `tf.bitcast`.
    """
    return apply_op("Bitcast", name, input=input, type=type)  # type: ignore[no-any-return]


def _convert_tensor(x: Any, target: DType, name: str) -> Tensor:
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.base_dtype == target else apply_op("Cast", name, x=x, DstT=target)  # type: ignore[no-any-return]


@export("dtypes.cast", "cast")
def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """`x` (tensor, `SparseTensor` or `IndexedSlices`) with the element type `dtype`; itself if it has it already.

    Floats convert to integers towards zero. Raises TypeError: `x` cannot be converted.
    Source: TF 1.15 `tf.cast`.
    """
    target = dtypes.as_dtype(dtype).base_dtype
    if (isinstance(x, Tensor) or hasattr(x, "_shared_name")) and x.dtype == target:
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, cast(x.values, target, name=scope), x.dense_shape)
        if isinstance(x, IndexedSlices):
            return IndexedSlices(cast(x.values, target, name=scope), x.indices, x.dense_shape)
        return _convert_tensor(x, target, scope)


@export("dtypes.saturate_cast", "saturate_cast")
def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`value` cut to the range of `dtype`, then cast.

    Source: TF 1.15 `tf.saturate_cast`.
    """
    with name_scope(name, "saturate_cast", [value]) as scope:
        value = convert_to_tensor(value, name="value")
        target = dtypes.as_dtype(dtype).base_dtype
        if value.dtype.min < target.min:
            least = convert_to_tensor(target.min, dtype=value.dtype, name="min")
            value = apply_op("Maximum", None, x=value, y=least)
        if value.dtype.max > target.max:
            greatest = convert_to_tensor(target.max, dtype=value.dtype, name="max")
            value = apply_op("Minimum", None, x=value, y=greatest)
        return cast(value, target, name=scope)  # type: ignore[no-any-return]


@export("to_float")
def to_float(x: Any, name: str | None = "ToFloat") -> Any:
    """`cast(x, tf.float32)`. Source: TF 1.15 `tf.to_float`."""
    return cast(x, dtypes.float32, name=name)


@export("to_double")
def to_double(x: Any, name: str | None = "ToDouble") -> Any:
    """`cast(x, tf.float64)`. Source: TF 1.15 `tf.to_double`."""
    return cast(x, dtypes.float64, name=name)


@export("to_int32")
def to_int32(x: Any, name: str | None = "ToInt32") -> Any:
    """`cast(x, tf.int32)`. Source: TF 1.15 `tf.to_int32`."""
    return cast(x, dtypes.int32, name=name)


@export("to_int64")
def to_int64(x: Any, name: str | None = "ToInt64") -> Any:
    """`cast(x, tf.int64)`. Source: TF 1.15 `tf.to_int64`."""
    return cast(x, dtypes.int64, name=name)


@export("to_bfloat16")
def to_bfloat16(x: Any, name: str | None = "ToBFloat16") -> Any:
    """`cast(x, tf.bfloat16)`. Source: TF 1.15 `tf.to_bfloat16`."""
    return cast(x, dtypes.bfloat16, name=name)


@export("to_complex64")
def to_complex64(x: Any, name: str | None = "ToComplex64") -> Any:
    """`cast(x, tf.complex64)`. Source: TF 1.15 `tf.to_complex64`."""
    return cast(x, dtypes.complex64, name=name)


@export("to_complex128")
def to_complex128(x: Any, name: str | None = "ToComplex128") -> Any:
    """`cast(x, tf.complex128)`. Source: TF 1.15 `tf.to_complex128`."""
    return cast(x, dtypes.complex128, name=name)


take_ragged(globals(), "cast saturate_cast", 1)
