"""Fourier transforms of the last one to three axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank, with_rank_at_least
from retrograph.framework.static_value import constant_value_as_shape
from retrograph.ops import array, math
from retrograph.ops.joining import concat, stack
from retrograph.ops.padding import pad
from retrograph.ops.raw import raw
from retrograph.ops.rows import ints, with_value
from retrograph.ops.turning import roll

# ---- rows


def _suffix(rank: int) -> str:
    return "" if rank == 1 else f"{rank}D"


def _axes(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


def _complex_shape(rank: int) -> Callable[[ShapeContext], list[Shape]]:
    return lambda c: [with_rank_at_least(c, c.input(0), rank)]


def _complex_row(rank: int, inverse: bool) -> None:
    name = "ifftn" if inverse else "fftn"

    def lower(op: Any, x: Any) -> Any:
        return getattr(jnp.fft, name)(jnp.asarray(x), axes=_axes(rank)).astype(x.dtype) if 0 not in x.shape else x

    def numpy(op: Any, x: Any) -> Any:
        return getattr(np.fft, name)(x, axes=_axes(rank)).astype(x.dtype) if 0 not in x.shape else x

    def gradient(op: Any, grad: Any) -> Any:
        size = math.reduce_prod(array.shape(grad)[-rank:])
        if not inverse:
            scale = math.cast(size, grad.dtype)
            return raw("I" + forward, grad) * scale
        scale = math.cast(1.0 / math.cast(size, grad.dtype.real_dtype), grad.dtype)
        return raw(forward, grad) * scale

    forward = "FFT" + _suffix(rank)
    register_op(
        ("I" if inverse else "") + forward, shape=_complex_shape(rank), lower=lower, numpy=numpy, gradient=gradient
    )


def _real_shape(rank: int, forward: bool) -> Callable[[ShapeContext], list[Shape]]:
    def rule(c: ShapeContext) -> list[Shape]:
        shape = with_rank_at_least(c, c.input(0), rank)
        with_value(with_rank(c, c.input(1), 1)[0], rank)
        lengths = c.constant(1)
        if shape is None:
            return [None]
        if lengths is None:
            return [shape[:-rank] + (None,) * rank]
        sizes = list(ints(lengths))
        if forward and sizes[-1]:
            sizes[-1] = sizes[-1] // 2 + 1
        return [(*shape[:-rank], *sizes)]

    return rule


def _real_row(rank: int, inverse: bool) -> None:
    name = "irfftn" if inverse else "rfftn"
    dtype = np.float32 if inverse else np.complex64

    def value(xp: Any, x: Any, lengths: Any) -> Any:
        sizes = ints(lengths)
        if 0 in sizes or 0 in x.shape:
            last = sizes[-1] if inverse or not sizes[-1] else sizes[-1] // 2 + 1
            return np.zeros((*x.shape[:-rank], *sizes[:-1], last), dtype)
        return getattr(xp.fft, name)(x, s=sizes, axes=_axes(rank)).astype(dtype)

    def lower(op: Any, x: Any, lengths: Any) -> Any:
        return value(jnp, jnp.asarray(x), lengths)

    def numpy(op: Any, x: Any, lengths: Any) -> Any:
        return value(np, x, lengths)

    op_type = ("I" if inverse else "") + "RFFT" + _suffix(rank)
    register_op(op_type, shape=_real_shape(rank, not inverse), lower=lower, numpy=numpy, static_inputs=(1,))


for _rank in (1, 2, 3):
    for _inverse in (False, True):
        _complex_row(_rank, _inverse)
        _real_row(_rank, _inverse)


# ---- complex transforms


@export("signal.fft", "spectral.fft", "fft")
def fft(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of the last axis, complex. Source: TF 1.15 `tf.signal.fft`."""
    return apply_op("FFT", name, input=input)  # type: ignore[no-any-return]


@export("signal.ifft", "spectral.ifft", "ifft")
def ifft(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `fft`. Source: TF 1.15 `tf.signal.ifft`."""
    return apply_op("IFFT", name, input=input)  # type: ignore[no-any-return]


@export("signal.fft2d", "spectral.fft2d", "fft2d")
def fft2d(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of the last two axes. Source: TF 1.15 `tf.signal.fft2d`."""
    return apply_op("FFT2D", name, input=input)  # type: ignore[no-any-return]


@export("signal.ifft2d", "spectral.ifft2d", "ifft2d")
def ifft2d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `fft2d`. Source: TF 1.15 `tf.signal.ifft2d`."""
    return apply_op("IFFT2D", name, input=input)  # type: ignore[no-any-return]


@export("signal.fft3d", "spectral.fft3d", "fft3d")
def fft3d(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of the last three axes. Source: TF 1.15 `tf.signal.fft3d`."""
    return apply_op("FFT3D", name, input=input)  # type: ignore[no-any-return]


@export("signal.ifft3d", "spectral.ifft3d", "ifft3d")
def ifft3d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of `fft3d`. Source: TF 1.15 `tf.signal.ifft3d`."""
    return apply_op("IFFT3D", name, input=input)  # type: ignore[no-any-return]


# ---- transforms of and to real numbers


def _inferred_length(x: Tensor, rank: int, inverse: bool) -> Any:
    sizes: list[Any] | None = x.get_shape()[-rank:].as_list() if x.get_shape()[-rank:].is_fully_defined() else None
    if sizes is not None:
        if inverse:
            sizes[-1] = max(0, 2 * (sizes[-1] - 1))
        return convert_to_tensor(sizes, dtypes.int32)
    dynamic: Any = array.shape(x)[-rank:]
    if not inverse:
        return dynamic
    parts = raw("Unpack", dynamic, num=rank, name="unstack")
    parts[-1] = math.maximum(0, 2 * (parts[-1] - 1))
    return raw("Pack", parts, name="stack")


def _padded(x: Tensor, rank: int, lengths: Any, inverse: bool) -> Tensor:
    """The input filled up with zeros to the sizes, where it is smaller."""
    wanted = constant_value_as_shape(lengths)
    if x._shape is not None and 0 in x._shape:
        return x
    if x._shape is None or not wanted.is_fully_defined() or None in x._shape[-rank:]:
        return _padded_when_run(x, rank, lengths, inverse)
    sizes: list[Any] = wanted.as_list()
    if inverse:
        sizes[-1] = sizes[-1] // 2 + 1
    missing = [[0, max(w - (d or 0), 0)] for w, d in zip(sizes, x._shape[-rank:], strict=True)]
    if not any(after for _, after in missing):
        return x
    return raw("Pad", x, [[0, 0]] * (len(x._shape) - rank) + missing)  # type: ignore[no-any-return]


def _padded_when_run(x: Tensor, rank: int, lengths: Any, inverse: bool) -> Tensor:
    """As `_padded`, of sizes that the graph does not know."""
    all_axes: Any = array.rank(x)
    sizes = array.shape(x)[-rank:]
    before = array.zeros([math.maximum(0, all_axes - rank)], lengths.dtype)
    if inverse:
        lengths = concat([lengths[:-1], lengths[-1:] // 2 + 1], 0)
    missing = concat([before, math.maximum(0, lengths - sizes)], 0)
    return pad(x, stack([array.zeros_like(missing), missing], axis=1))


def _real(rank: int, inverse: bool, x: Any, fft_length: Any, name: str | None) -> Tensor:
    op_type = ("I" if inverse else "") + "RFFT" + _suffix(rank)
    with name_scope(name, op_type.lower(), [x, fft_length]) as scope:
        x = convert_to_tensor(x, dtypes.complex64 if inverse else dtypes.float32)
        x.shape.with_rank_at_least(rank)
        lengths = (
            _inferred_length(x, rank, inverse) if fft_length is None else convert_to_tensor(fft_length, dtypes.int32)
        )
        x = _padded(x, rank, lengths, inverse)
        return apply_op(op_type, scope, input=x, fft_length=lengths)  # type: ignore[no-any-return]


@export("signal.rfft", "spectral.rfft")
def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The non-negative frequencies of the last axis of a real tensor. Source: TF 1.15 `tf.signal.rfft`."""
    return _real(1, False, input_tensor, fft_length, name)


@export("signal.irfft", "spectral.irfft")
def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft`. Source: TF 1.15 `tf.signal.irfft`."""
    return _real(1, True, input_tensor, fft_length, name)


@export("signal.rfft2d", "spectral.rfft2d")
def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The Fourier transform of the last two axes of a real tensor. Source: TF 1.15 `tf.signal.rfft2d`."""
    return _real(2, False, input_tensor, fft_length, name)


@export("signal.irfft2d", "spectral.irfft2d")
def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft2d`. Source: TF 1.15 `tf.signal.irfft2d`."""
    return _real(2, True, input_tensor, fft_length, name)


@export("signal.rfft3d", "spectral.rfft3d")
def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The Fourier transform of the last three axes of a real tensor. Source: TF 1.15 `tf.signal.rfft3d`."""
    return _real(3, False, input_tensor, fft_length, name)


@export("signal.irfft3d", "spectral.irfft3d")
def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft3d`. Source: TF 1.15 `tf.signal.irfft3d`."""
    return _real(3, True, input_tensor, fft_length, name)


def _shifted(x: Any, axes: Any, name: str | None, default_name: str, sign: int) -> Tensor:
    with name_scope(name, default_name) as scope:
        x = convert_to_tensor(x)
        sizes: list[Any] = x.get_shape().as_list()
        if axes is None:
            axes = tuple(range(len(sizes)))
        shift: Any = sign * (sizes[axes] // 2) if isinstance(axes, int) else [sign * (sizes[a] // 2) for a in axes]
        return roll(x, shift, axes, scope)


@export("signal.fftshift")
def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """`x` with the zero frequency moved to the middle of `axes` (all if None). Source: TF 1.15 `tf.signal.fftshift`."""
    return _shifted(x, axes, name, "fftshift", 1)


@export("signal.ifftshift")
def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `fftshift`. Source: TF 1.15 `tf.signal.ifftshift`."""
    return _shifted(x, axes, name, "ifftshift", -1)
