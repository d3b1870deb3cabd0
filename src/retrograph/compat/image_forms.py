"""What TF's module of images has beside its public names: methods of resizing and their function as TF 2 has them."""

from __future__ import annotations

from typing import Any

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value_as_shape
from retrograph.ops import array
from retrograph.ops.cast import cast
from retrograph.ops.image_frames import ResizeMethod as ResizeMethodV1

__all__ = ["ResizeMethod", "ResizeMethodV1", "resize_images_v2"]


class ResizeMethod:
    """How `resize_images_v2` computes pixels."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


_OP_TYPES = {
    ResizeMethod.BILINEAR: "ResizeBilinear",
    ResizeMethod.NEAREST_NEIGHBOR: "ResizeNearestNeighbor",
    ResizeMethod.BICUBIC: "ResizeBicubic",
    ResizeMethod.AREA: "ResizeArea",
}
_SCALED = ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")
# With antialiasing, which makes filters wider the smaller the images become.
_ANTIALIASED = {"bilinear": "triangle", "bicubic": "keyscubic"}


def _resized(images: Tensor, size: Tensor, method: Any, antialias: bool) -> Tensor:
    if method in _SCALED or (antialias and method in _ANTIALIASED):
        return _scaled(images, size, _ANTIALIASED.get(method, method), antialias)
    if method not in _OP_TYPES:
        raise ValueError("Resize method is not implemented.")
    options = {} if method == ResizeMethod.AREA else {"half_pixel_centers": True}
    return apply_op(_OP_TYPES[method], None, images=images, size=size, **options)  # type: ignore[no-any-return]


def _scaled(images: Tensor, size: Tensor, kernel: str, antialias: bool) -> Tensor:
    scale = cast(size, "float32") / cast(array.shape(images)[1:3], "float32")
    given = {"scale": scale, "translation": array.zeros([2]), "kernel_type": kernel, "antialias": antialias}
    return apply_op("ScaleAndTranslate", None, images=images, size=size, **given)  # type: ignore[no-any-return]


def resize_images_v2(
    images: Any,
    size: Any,
    method: Any = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size by the middles of pixels: `f32[..., height, width, channels]`."""
    if preserve_aspect_ratio:
        raise errors.UnimplementedError(None, None, "resize_images_v2: preserve_aspect_ratio")
    with name_scope(name, "resize", [images, size]):
        images = convert_to_tensor(images, name="images")
        rank = images.get_shape().ndims
        if rank is None:
            raise ValueError("'images' contains no shape.")
        if rank not in (3, 4):
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        images = array.expand_dims(images, 0) if rank == 3 else images
        wanted = convert_to_tensor(size, "int32", name="size")
        if not wanted.get_shape().is_compatible_with([2]):
            raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
        made = _resized(images, wanted, method, antialias)
        made.set_shape([None, *constant_value_as_shape(wanted).as_list(), None])
        return array.squeeze(made, axis=[0]) if rank == 3 else made
