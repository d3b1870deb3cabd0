"""Boxes of images cut out and resized to one size, and what flows back through that."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import array
from retrograph.ops.raw import raw
from retrograph.ops.rows import ints, is_static, refuse, with_value

_F = np.float32
_FLOATS = (dtypes.float16, dtypes.float32, dtypes.float64)


def _crop_places(first: Any, last: Any, size: int, wanted: int) -> Any:
    if wanted > 1:
        step = (last - first) * _F(size - 1) / _F(wanted - 1)
        return (first * _F(size - 1))[:, None] + jnp.arange(wanted, dtype=jnp.float32) * step[:, None]
    return (_F(0.5) * (first + last) * _F(size - 1))[:, None]


def _crop(op: Any, image: Any, boxes: Any, which: Any, size: Any) -> Any:
    height, width = ints(size)
    if height <= 0 or width <= 0:
        refuse(op, "crop dimensions must be positive")
    if is_static(which):
        _check_which(op, which, image.shape[0])
    cropped = _cropped(op.attrs["method"], jnp.asarray(image), jnp.asarray(boxes), jnp.asarray(which), (height, width))
    values, inside = cropped
    return jnp.where(inside[..., None], values, _F(op.attrs["extrapolation_value"]))


def _check_which(op: Any, which: Any, batch: int) -> None:
    if ((which < 0) | (which >= batch)).any():
        raise errors.OutOfRangeError(None, op, "box_index has values outside [0, batch_size)")


def _check_fed(op: Any, which: Any) -> None:
    images = op.inputs[0]._shape
    if images is not None and images[0] is not None:
        _check_which(op, np.asarray(which), images[0])


def _cropped(method: bytes, image: Any, boxes: Any, which: Any, size: tuple[int, int]) -> tuple[Any, Any]:
    """(pixels of the crops, which of them lie inside of the image)."""
    height, width = size
    ys = _crop_places(boxes[:, 0], boxes[:, 2], image.shape[1], height)
    xs = _crop_places(boxes[:, 1], boxes[:, 3], image.shape[2], width)
    inside = ((ys >= 0) & (ys <= image.shape[1] - 1))[:, :, None] & ((xs >= 0) & (xs <= image.shape[2] - 1))[:, None, :]
    picked = _crop_nearest if method == b"nearest" else _crop_bilinear
    return picked(image.astype(jnp.float32), which, ys, xs), inside


def _pixels(image: Any, which: Any, rows: Any, columns: Any) -> Any:
    rows = jnp.clip(rows, 0, image.shape[1] - 1).astype(jnp.int32)
    columns = jnp.clip(columns, 0, image.shape[2] - 1).astype(jnp.int32)
    return image[which[:, None, None], rows[:, :, None], columns[:, None, :]]


def _crop_nearest(image: Any, which: Any, ys: Any, xs: Any) -> Any:
    return _pixels(image, which, jnp.floor(ys + 0.5), jnp.floor(xs + 0.5))


def _crop_bilinear(image: Any, which: Any, ys: Any, xs: Any) -> Any:
    top, left = jnp.floor(ys), jnp.floor(xs)
    down, right = (ys - top)[:, :, None, None], (xs - left)[:, None, :, None]
    above = _mixed(_pixels(image, which, top, left), _pixels(image, which, top, jnp.ceil(xs)), right)
    below = _mixed(_pixels(image, which, jnp.ceil(ys), left), _pixels(image, which, jnp.ceil(ys), jnp.ceil(xs)), right)
    return _mixed(above, below, down)


def _mixed(first: Any, second: Any, part: Any) -> Any:
    return first + (second - first) * part


def _crop_shape(c: ShapeContext) -> list[Shape]:
    depth = with_rank(c, c.input(0), 4)[3]
    boxes, which = with_rank(c, c.input(1), 2), with_rank(c, c.input(2), 1)
    count = merge_dim(c, boxes[0], which[0])
    with_value(boxes[1], 4)
    size = c.constant_as_shape(3)
    if size is None:
        with_rank(c, c.input(3), 1)
        return [(count, None, None, depth)]
    if len(size) != 2:
        c.fail(f"Dimension must be 2 but is {len(size)}")
    return [(count, *size, depth)]


def _through_pixels(op: Any, grads: Any, boxes: Any, which: Any, size: Any) -> Any:
    """The gradient by the images: what each pixel gave, summed."""
    grads, boxes, which = jnp.asarray(grads), jnp.asarray(boxes), jnp.asarray(which)
    window = (grads.shape[1], grads.shape[2])

    def values(images: Any) -> Any:
        cropped, inside = _cropped(op.attrs["method"], images, boxes, which, window)
        return jnp.where(inside[..., None], cropped, _F(0))

    _, transposed = jax.vjp(values, jnp.zeros(ints(size), jnp.float32))
    return transposed(grads)[0].astype(op.attrs["T"].as_numpy_dtype)


def _through_boxes(op: Any, grads: Any, image: Any, boxes: Any, which: Any) -> Any:
    """The gradient by the boxes: how pixels change where the crops look."""
    grads, image, which = jnp.asarray(grads), jnp.asarray(image), jnp.asarray(which)
    window = (grads.shape[1], grads.shape[2])

    def values(corners: Any) -> Any:
        cropped, inside = _cropped(b"bilinear", image, corners, which, window)
        return jnp.where(inside[..., None], cropped, _F(0))

    _, transposed = jax.vjp(values, jnp.asarray(boxes))
    return transposed(grads)[0]


def _crop_gradient(op: Any, grad: Tensor) -> list[Any]:
    image, boxes, which, _ = op.inputs
    known = image.get_shape()
    size = known.as_list() if known.is_fully_defined() else array.shape(image)
    by_image = None
    if image.dtype.base_dtype in _FLOATS:
        arguments = {"grads": grad, "boxes": boxes, "box_ind": which, "image_size": size}
        attrs = {"T": image.dtype.base_dtype, "method": op.get_attr("method")}
        by_image = apply_op("CropAndResizeGradImage", None, **arguments, **attrs)
    return [by_image, raw("CropAndResizeGradBoxes", grad, image, boxes, which), None, None]


def _image_shape(c: ShapeContext) -> list[Shape]:
    return [with_rank(c, c.constant_as_shape(3), 4)]


def _boxes_shape(c: ShapeContext) -> list[Shape]:
    return [c.input(2)]


register_op(
    "CropAndResize", shape=_crop_shape, lower=_crop, static_inputs=(3,), gradient=_crop_gradient,
    fed_check=(2, _check_fed),
)  # fmt: skip
register_op(
    "CropAndResizeGradImage", shape=_image_shape, lower=_through_pixels, static_inputs=(3,), gradient=NO_GRADIENT
)
register_op("CropAndResizeGradBoxes", shape=_boxes_shape, lower=_through_boxes, gradient=NO_GRADIENT)
