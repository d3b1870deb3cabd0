"""Resizing of images by TensorFlow 1.15's own rules: which pixels an output pixel is made of, and by which weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops import array
from retrograph.ops.rows import ints, refuse

_F = np.float32


def _scale(size: int, wanted: int, align: bool) -> Any:
    """Input pixels for one output pixel, in single precision as TF has it."""
    return _F(size - 1) / _F(wanted - 1) if align and wanted > 1 else _F(size) / _F(wanted)


def pixel_places(size: int, wanted: int, align: bool, half: bool, shift: bool = True) -> Any:
    """Where in the input each output pixel lies: `f32[wanted]`."""
    steps, scale = np.arange(wanted, dtype=np.float32), _scale(size, wanted, align)
    if half:
        return (steps + _F(0.5)) * scale - _F(0.5 if shift else 0.0)
    return steps * scale


def _options(op: Any) -> tuple[bool, bool]:
    return op.attrs["align_corners"], op.attrs.get("half_pixel_centers", False)


def _bilinear_axis(xp: Any, x: Any, axis: int, wanted: int, align: bool, half: bool) -> Any:
    size = x.shape[axis]
    places = pixel_places(size, wanted, align, half)
    low = np.maximum(np.floor(places).astype(np.int64), 0)
    high = np.minimum(np.ceil(places).astype(np.int64), size - 1)
    part = (places - np.floor(places)).astype(np.float32)
    part = part.reshape([-1 if i == axis else 1 for i in range(4)])
    first, second = xp.take(x, low, axis=axis), xp.take(x, high, axis=axis)
    return first + (second - first) * part


def _bilinear(xp: Any, op: Any, x: Any, size: Any) -> Any:
    height, width = ints(size)
    x = xp.asarray(x).astype(xp.float32)
    return _bilinear_axis(xp, _bilinear_axis(xp, x, 2, width, *_options(op)), 1, height, *_options(op))


def _nearest_index(size: int, wanted: int, align: bool, half: bool) -> Any:
    places = pixel_places(size, wanted, align, half, shift=False)
    # Half goes away from zero, as C's roundf has it.
    found = np.floor(places + _F(0.5)) if align else np.floor(places)
    return np.clip(found.astype(np.int64), 0, size - 1)


def _nearest(xp: Any, op: Any, x: Any, size: Any) -> Any:
    height, width = ints(size)
    rows = xp.take(xp.asarray(x), _nearest_index(x.shape[1], height, *_options(op)), axis=1)
    return xp.take(rows, _nearest_index(x.shape[2], width, *_options(op)), axis=2)


_STEPS = 1 << 10


@cache
def _cubic_table(half: bool) -> Any:
    """Weights of the two pixels on one side, for 1,025 distances."""
    a = -0.5 if half else -0.75
    x = np.arange(_STEPS + 1) / _STEPS
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1.0
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.stack([near, far], 1).astype(np.float32)


def _cubic_axis(size: int, wanted: int, align: bool, half: bool) -> tuple[Any, Any]:
    """(indices, weights) of the four pixels of each output pixel: `[wanted, 4]`."""
    places = pixel_places(size, wanted, align, half)
    base = np.floor(places)
    offset = np.rint((places - base) * _F(_STEPS)).astype(np.int64)
    table = _cubic_table(half)
    weights = np.stack([table[offset, 1], table[offset, 0], table[_STEPS - offset, 0], table[_STEPS - offset, 1]], 1)
    indices = base.astype(np.int64)[:, None] + np.arange(-1, 3)
    bounded = np.clip(indices, 0, size - 1)
    if half:
        weights = np.where(indices == bounded, weights, _F(0))
        total = weights.sum(1, keepdims=True)
        weights = np.where(np.abs(total) >= 1000 * np.finfo(np.float32).tiny, weights / total, weights)
    return bounded, weights.astype(np.float32)


def _bicubic(xp: Any, op: Any, x: Any, size: Any) -> Any:
    x = xp.asarray(x).astype(xp.float32)
    for axis, wanted in zip((1, 2), ints(size), strict=True):
        indices, weights = _cubic_axis(x.shape[axis], wanted, *_options(op))
        shape = [-1 if i == axis else 1 for i in range(4)]
        taken = [xp.take(x, indices[:, k], axis=axis) * weights[:, k].reshape(shape) for k in range(4)]
        x = taken[0] + taken[1] + taken[2] + taken[3]
    return x


def weighted(xp: Any, rows: Any, columns: Any, images: Any) -> Any:
    """Images whose pixels are sums of others: `f[batch, h, w, depth]` of `f[h, y]`, `f[w, x]` and `f[batch, y, x, depth]`.

    As two products: NumPy's `einsum` of three arrays takes every element with every other one.
    """
    batch, height, _, depth = images.shape
    narrow = xp.matmul(columns, images)
    made = xp.matmul(rows, narrow.reshape(batch, height, len(columns) * depth))
    return made.reshape(batch, len(rows), len(columns), depth)


@lru_cache(4)
def _area_weights(size: int, wanted: int, align: bool) -> Any:
    """How much of each input pixel an output pixel covers, as a share of its own area: `f32[wanted, size]`."""
    scale = _scale(size, wanted, align)
    edges = np.arange(wanted + 1, dtype=np.float32) * scale
    pixels = np.arange(max(size, int(np.ceil(edges[-1]))), dtype=np.float32)
    covered = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    covered = np.maximum(covered, 0)
    # What lies beyond the image is its last pixel again.
    covered[:, size - 1] += covered[:, size:].sum(1)
    weights = covered[:, :size] / scale
    weights.flags.writeable = False
    return weights


def _area(xp: Any, op: Any, x: Any, size: Any) -> Any:
    height, width = ints(size)
    align = op.attrs["align_corners"]
    rows, columns = _area_weights(x.shape[1], height, align), _area_weights(x.shape[2], width, align)
    return weighted(xp, rows, columns, xp.asarray(x).astype(xp.float32))


def _resized_shape(c: ShapeContext) -> list[Shape]:
    batch, _, _, depth = with_rank(c, c.input(0), 4)
    size = c.constant_as_shape(1)
    if size is None:
        with_rank(c, c.input(1), 1)
        return [(batch, None, None, depth)]
    if len(size) != 2:
        c.fail(f"Dimension must be 2 but is {len(size)}")
    return [(batch, *size, depth)]


def check_pixels(op: Any, shape: tuple[int, ...]) -> None:
    """Refuses images of a shape `[batch, height, width, depth]` that hold no pixels."""
    _, height, width, depth = shape
    if not depth:
        refuse(op, "image must have at least one channel")
    if not height or not width:
        refuse(op, "input image must be of non-zero size")


def _both(kernel: Callable[..., Any]) -> dict[str, Any]:
    def run(xp: Any, op: Any, x: Any, size: Any) -> Any:
        if min(ints(size)) <= 0:
            refuse(op, "output dimensions must be positive")
        check_pixels(op, np.shape(x))
        return kernel(xp, op, x, size)

    return {
        "lower": lambda op, x, size: run(jnp, op, x, size),
        "numpy": lambda op, x, size: run(np, op, x, size),
        "static_inputs": (1,),
    }


def _by_original(op_type: str, only: tuple[str, ...] = ()) -> Callable[..., Any]:
    """The gradient as the operation that TF has for it, of the gradient and the original images."""

    def gradient(op: Any, grad: Tensor) -> list[Any]:
        images = op.inputs[0]
        if only and images.dtype.name not in only:
            return [None, None]
        align, half = _options(op)
        attrs = {"grads": grad, "original_image": images, "align_corners": align, "half_pixel_centers": half}
        return [apply_op(op_type, None, **attrs), None]

    return gradient


def _nearest_gradient(op: Any, grad: Tensor) -> list[Any]:
    images = op.inputs[0]
    known = images.get_shape()[1:3]
    size = known.as_list() if known.is_fully_defined() else array.shape(images)[1:3]
    align, half = _options(op)
    return [
        apply_op(
            "ResizeNearestNeighborGrad", None, grads=grad, size=size, align_corners=align, half_pixel_centers=half
        ),
        None,
    ]


def _put_back(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """What the gradient operations compute: the transposed resizing."""

    def lower(op: Any, grads: Any, original: Any) -> Any:
        size = np.array(grads.shape[1:3])
        zeros = jnp.zeros(original.shape, jnp.float32)
        _, transposed = jax.vjp(lambda x: kernel(jnp, op, x, size), zeros)
        return transposed(jnp.asarray(grads))[0].astype(original.dtype)

    return lower


def _nearest_put_back(op: Any, grads: Any, size: Any) -> Any:
    grads = jnp.asarray(grads)
    zeros = jnp.zeros((grads.shape[0], *ints(size), grads.shape[3]), grads.dtype)
    rows = _nearest_index(zeros.shape[1], grads.shape[1], *_options(op))
    columns = _nearest_index(zeros.shape[2], grads.shape[2], *_options(op))
    return zeros.at[:, rows[:, None], columns[None, :]].add(grads)


def _same_as_original(c: ShapeContext) -> list[Shape]:
    return [c.input(1)]


register_op("ResizeBilinear", shape=_resized_shape, gradient=_by_original("ResizeBilinearGrad"), **_both(_bilinear))
register_op(
    "ResizeBicubic", shape=_resized_shape, gradient=_by_original("ResizeBicubicGrad", ("float32", "float64")),
    **_both(_bicubic),
)  # fmt: skip
register_op("ResizeNearestNeighbor", shape=_resized_shape, gradient=_nearest_gradient, **_both(_nearest))
register_op("ResizeArea", shape=_resized_shape, gradient=NO_GRADIENT, **_both(_area))
register_op("ResizeBilinearGrad", shape=_same_as_original, lower=_put_back(_bilinear))
register_op("ResizeBicubicGrad", shape=_same_as_original, lower=_put_back(_bicubic))
register_op(
    "ResizeNearestNeighborGrad", shape=_resized_shape, lower=_nearest_put_back, static_inputs=(1,), gradient=NO_GRADIENT
)
