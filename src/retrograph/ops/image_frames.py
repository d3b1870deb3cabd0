"""Images cut, padded and resized: the functions of `tf.image` that move pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value_as_shape
from retrograph.ops import array, check, joining, math, padding, strided_slice
from retrograph.ops.cast import cast
from retrograph.ops.control_flow import with_dependencies
from retrograph.ops.joining import is_tensor_like

_EMPTY = "all dims of 'image.shape' must be > 0"


@export("image.ResizeMethod")
class ResizeMethod:
    """How `resize_images` computes pixels. Source: TF 1.15 `tf.image.ResizeMethod`."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_OP_TYPES = {
    ResizeMethod.BILINEAR: "ResizeBilinear", "bilinear": "ResizeBilinear",
    ResizeMethod.NEAREST_NEIGHBOR: "ResizeNearestNeighbor", "nearest": "ResizeNearestNeighbor",
    ResizeMethod.BICUBIC: "ResizeBicubic", "bicubic": "ResizeBicubic",
    ResizeMethod.AREA: "ResizeArea", "area": "ResizeArea",
}  # fmt: skip


def check_at_least_3d(image: Tensor, require_static: bool = True) -> list[Any]:
    """Operations that check what the graph does not know of an image's shape.

    Raises ValueError: the graph knows that it is no image.
    """
    try:
        shape = image.get_shape()
        shape = shape.with_rank(3) if shape.ndims is None else shape.with_rank_at_least(3)
    except ValueError:
        raise ValueError("'image' must be at least three-dimensional.") from None
    if require_static and not shape.is_fully_defined():
        raise ValueError("'image' must be fully defined.")
    if any(size == 0 for size in shape):
        raise ValueError(f"{_EMPTY}: {shape}")
    if shape.is_fully_defined():
        return []
    return [
        check.assert_positive(array.shape(image), [_EMPTY + "."]),
        check.assert_greater_equal(array.rank(image), 3, message="'image' must be at least three-dimensional."),
    ]


def assert_at_least_3d(image: Tensor) -> Tensor:
    """The image, once its shape is checked."""
    checked: Tensor = with_dependencies(check_at_least_3d(image, require_static=False), image)
    return checked


def _dimensions(image: Tensor, rank: int) -> list[Any]:
    """The sizes: numbers where the graph knows them, else tensors."""
    if image.get_shape().is_fully_defined():
        known: list[Any] = image.get_shape().as_list()
        return known
    static = image.get_shape().with_rank(rank).as_list()
    dynamic = joining.unstack(array.shape(image), rank)
    return [d if s is None else s for s, d in zip(static, dynamic, strict=True)]


def _required(condition: Any, text: str) -> list[Any]:
    """A check now if the condition is known, else an operation.

    Raises ValueError: it does not hold.
    """
    if is_tensor_like(condition):
        return [check.Assert(condition, [text])]
    if not condition:
        raise ValueError(text)
    return []


def _as_batch(image: Any) -> tuple[Tensor, bool]:
    """(`[batch, height, width, channels]`, whether it was a batch before)."""
    rank = image.get_shape().ndims
    if rank == 4:
        return image, True
    if rank not in (3, None):
        raise ValueError("'image' must have either 3 or 4 dimensions.")
    image = array.expand_dims(image, 0)
    if rank is None:
        image.set_shape([None] * 4)
    return image, False


def _as_given(image: Tensor, was_batch: bool) -> Tensor:
    return image if was_batch else array.squeeze(image, axis=[0])


def _known(sizes: list[Any]) -> list[Any]:
    return [None if is_tensor_like(size) else size for size in sizes]


@export("image.central_crop")
def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of an image, `central_fraction` of its height and width.

    Raises ValueError: a fraction outside of (0, 1], an image of another rank than 3 or 4.
    Source: TF 1.15 `tf.image.central_crop`.
    """
    with name_scope(None, "central_crop", [image]):
        image = convert_to_tensor(image, name="image")
        if central_fraction <= 0.0 or central_fraction > 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        if central_fraction == 1.0:
            result: Tensor = image
            return result
        assert_at_least_3d(image)
        rank = image.get_shape().ndims
        if rank not in (3, 4):
            raise ValueError(f"`image` should either be a Tensor with rank = 3 or rank = 4. Had rank = {rank}.")
        static = image.get_shape().as_list()
        sides = [_size_of(image, static, axis) for axis in (rank - 3, rank - 2)]
        starts = [_central_start(size, central_fraction) for size in sides]
        sizes = [size - start * 2 for size, start in zip(sides, starts, strict=True)]
        begin, size = joining.stack([*[0] * (rank - 3), *starts, 0]), joining.stack([*[-1] * (rank - 3), *sizes, -1])
        cut = strided_slice.slice(image, begin, size)
        cut.set_shape([*static[: rank - 3], *_known(sizes), static[-1]])
        return cut


def _size_of(image: Tensor, static: list[Any], axis: int) -> Any:
    return array.shape(image)[axis] if static[axis] is None else static[axis]


def _central_start(size: Any, fraction: float) -> Any:
    if is_tensor_like(size):
        whole = cast(size, dtypes.float64)
        return cast((whole - whole * fraction) / 2, dtypes.int32)
    return int((float(size) - float(size) * fraction) / 2)


@export("image.pad_to_bounding_box")
def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The image inside zeros, at an offset: `[..., target_height, target_width, channels]`.

    Raises ValueError: it does not fit. Source: TF 1.15 `tf.image.pad_to_bounding_box`.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        image, was_batch = _as_batch(convert_to_tensor(image, name="image"))
        checks = check_at_least_3d(image, require_static=False)
        batch, height, width, depth = _dimensions(image, rank=4)
        after_width = target_width - offset_width - width
        after_height = target_height - offset_height - height
        checks += _required(offset_height >= 0, "offset_height must be >= 0")
        checks += _required(offset_width >= 0, "offset_width must be >= 0")
        checks += _required(after_width >= 0, "width must be <= target - offset")
        checks += _required(after_height >= 0, "height must be <= target - offset")
        image = with_dependencies(checks, image)
        pads = joining.stack([0, 0, offset_height, after_height, offset_width, after_width, 0, 0])
        padded = padding.pad(image, array.reshape(pads, [4, 2]))
        padded.set_shape(_known([batch, target_height, target_width, depth]))
        return _as_given(padded, was_batch)


@export("image.crop_to_bounding_box")
def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """A rectangle of the image: `[..., target_height, target_width, channels]`.

    Raises ValueError: it is not inside. Source: TF 1.15 `tf.image.crop_to_bounding_box`.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        image, was_batch = _as_batch(convert_to_tensor(image, name="image"))
        checks = check_at_least_3d(image, require_static=False)
        batch, height, width, depth = _dimensions(image, rank=4)
        checks += _required(offset_width >= 0, "offset_width must be >= 0.")
        checks += _required(offset_height >= 0, "offset_height must be >= 0.")
        checks += _required(target_width > 0, "target_width must be > 0.")
        checks += _required(target_height > 0, "target_height must be > 0.")
        checks += _required(width >= (target_width + offset_width), "width must be >= target + offset.")
        checks += _required(height >= (target_height + offset_height), "height must be >= target + offset.")
        image = with_dependencies(checks, image)
        begin = joining.stack([0, offset_height, offset_width, 0])
        cropped = strided_slice.slice(image, begin, joining.stack([-1, target_height, target_width, -1]))
        cropped.set_shape(_known([batch, target_height, target_width, depth]))
        return _as_given(cropped, was_batch)


def _larger(x: Any, y: Any) -> Any:
    return math.maximum(x, y) if is_tensor_like(x) or is_tensor_like(y) else max(x, y)


def _smaller(x: Any, y: Any) -> Any:
    return math.minimum(x, y) if is_tensor_like(x) or is_tensor_like(y) else min(x, y)


def _equal(x: Any, y: Any) -> Any:
    return math.equal(x, y) if is_tensor_like(x) or is_tensor_like(y) else x == y


def _positive_targets(image: Tensor, target_height: Any, target_width: Any) -> list[Any]:
    checks = check_at_least_3d(image, require_static=False)
    checks += _required(target_width > 0, "target_width must be > 0.")
    return checks + _required(target_height > 0, "target_height must be > 0.")


@export("image.resize_image_with_crop_or_pad", "image.resize_with_crop_or_pad")
def resize_image_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """The middle of an image, or the image in the middle of zeros: `[..., target_height, target_width, channels]`.

    Raises ValueError: sizes that are not positive. Source: TF 1.15 `tf.image.resize_image_with_crop_or_pad`.
    """
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        image, was_batch = _as_batch(convert_to_tensor(image, name="image"))
        checks = _positive_targets(image, target_height, target_width)
        image = with_dependencies(checks, image)
        if is_tensor_like(target_height):
            target_height = with_dependencies(checks, target_height)
        if is_tensor_like(target_width):
            target_width = with_dependencies(checks, target_width)
        _, height, width, _ = _dimensions(image, rank=4)
        over_width = target_width - width
        crop_width, pad_width = _larger(-over_width // 2, 0), _larger(over_width // 2, 0)
        over_height = target_height - height
        crop_height, pad_height = _larger(-over_height // 2, 0), _larger(over_height // 2, 0)
        kept = _smaller(target_height, height), _smaller(target_width, width)
        cropped = crop_to_bounding_box(image, crop_height, crop_width, *kept)
        resized = pad_to_bounding_box(cropped, pad_height, pad_width, target_height, target_width)
        _, new_height, new_width, _ = _dimensions(resized, rank=4)
        checks = _required(_equal(new_height, target_height), "resized height is not correct.")
        checks += _required(_equal(new_width, target_width), "resized width is not correct.")
        return _as_given(with_dependencies(checks, resized), was_batch)


def _resized(method: Any, images: Any, size: Any, align_corners: bool) -> Tensor:
    if method not in _OP_TYPES:
        raise ValueError("Resize method is not implemented.")
    resized: Tensor = apply_op(_OP_TYPES[method], None, images=images, size=size, align_corners=align_corners)
    return resized


@export("image.resize_images", "image.resize")
def resize_images(
    images: Any,
    size: Any,
    method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size: `f32[..., height, width, channels]`; those of the right size already as they are.

    >>> tf.image.resize_images(tf.zeros([4, 6, 3]), [2, 3])
    <tf.Tensor 'resize/Squeeze:0' shape=(2, 3, 3) dtype=float32>

    Raises ValueError: another rank than 3 or 4, a size that is no pair, an unknown method.
    Source: TF 1.15 `tf.image.resize_images`.
    """
    with name_scope(name, "resize", [images, size]):
        images = convert_to_tensor(images, name="images")
        rank = images.get_shape().ndims
        if rank is None:
            raise ValueError("'images' contains no shape.")
        if rank not in (3, 4):
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        if rank == 3:
            images = array.expand_dims(images, 0)
        _, height, width, _ = images.get_shape().as_list()
        size, new_height, new_width = _wanted_size(size)
        if preserve_aspect_ratio:
            size, new_height, new_width = _wanted_size(_in_proportion(images, new_height, new_width))
        if None not in (height, width) and (height, width) == (new_height, new_width):
            return _as_given(images, rank == 4)
        images = _resized(method, images, size, align_corners)
        images.set_shape([None, new_height, new_width, None])
        return _as_given(images, rank == 4)


def _wanted_size(size: Any) -> tuple[Tensor, int | None, int | None]:
    try:
        size = convert_to_tensor(size, dtypes.int32, name="size")
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    if not size.get_shape().is_compatible_with([2]):
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    height, width = constant_value_as_shape(size).as_list()
    return size, height, width


def _in_proportion(images: Tensor, new_height: Any, new_width: Any) -> Any:
    _, height, width, _ = _dimensions(images, rank=4)
    by_height = cast(new_height, dtypes.float32) / cast(height, dtypes.float32)
    by_width = cast(new_width, dtypes.float32) / cast(width, dtypes.float32)
    factor = math.minimum(by_height, by_width)
    return [cast(math.round(factor * cast(side, dtypes.float32)), dtypes.int32) for side in (height, width)]


@export("image.resize_image_with_pad")
def resize_image_with_pad(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
) -> Tensor:
    """The image resized in proportion, in the middle of zeros: `f32[..., target_height, target_width, channels]`.

    Raises ValueError: sizes that are not positive. Source: TF 1.15 `tf.image.resize_image_with_pad`.
    """
    with name_scope(None, "resize_image_with_pad", [image]):
        image, was_batch = _as_batch(convert_to_tensor(image, name="image"))
        image = with_dependencies(_positive_targets(image, target_height, target_width), image)
        _, height, width, _ = _dimensions(image, rank=4)
        own = [cast(side, dtypes.float64) for side in (height, width)]
        wanted = [cast(side, dtypes.float64) for side in (target_height, target_width)]
        ratio = _larger(own[1] / wanted[1], own[0] / wanted[0])
        exact = [side / ratio for side in own]
        size = [cast(math.floor(side), dtypes.int32) for side in exact]
        room = [(whole - side) / 2 for whole, side in zip(wanted, exact, strict=True)]
        floors = [math.floor(side) for side in room]
        above, left = (_larger(0, cast(side, dtypes.int32)) for side in floors)
        resized = resize_images(image, size, method, align_corners=align_corners)
        padded = pad_to_bounding_box(resized, above, left, target_height, target_width)
        if padded.get_shape().ndims is None:
            raise ValueError("padded contains no shape.")
        _dimensions(padded, rank=4)
        return _as_given(padded, was_batch)


def _plain(op_type: str, doc: str, public: str) -> Callable[..., Tensor]:
    def resize(
        images: Any, size: Any, align_corners: bool = False, name: str | None = None, half_pixel_centers: bool = False
    ) -> Tensor:
        attrs = {
            "images": images,
            "size": size,
            "align_corners": align_corners,
            "half_pixel_centers": half_pixel_centers,
        }
        resized: Tensor = apply_op(op_type, name, **attrs)
        return resized

    resize.__name__ = resize.__qualname__ = public
    resize.__doc__ = f"{doc} Source: TF 1.15 `tf.image.{public}`."
    return export(f"image.{public}")(resize)


resize_bilinear = _plain("ResizeBilinear", "Images resized between the four nearest pixels.", "resize_bilinear")
resize_bicubic = _plain("ResizeBicubic", "Images resized by cubic curves through pixels.", "resize_bicubic")
resize_nearest_neighbor = _plain(
    "ResizeNearestNeighbor", "Images resized by taking the nearest pixel.", "resize_nearest_neighbor"
)


@export("image.resize_area")
def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """Images resized by averages over areas. Source: TF 1.15 `tf.image.resize_area`."""
    resized: Tensor = apply_op("ResizeArea", name, images=images, size=size, align_corners=align_corners)
    return resized


@export("image.crop_and_resize")
def crop_and_resize(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Tensor:
    """Boxes `f32[n, 4]` (y1, x1, y2, x2 from 0 to 1) of images, each of one size: `f32[n, height, width, channels]`.

    Source: TF 1.15 `tf.image.crop_and_resize`.
    """
    which = array.lookup_renamed("box_indices", box_indices, "box_ind", box_ind)
    arguments = {"image": image, "boxes": boxes, "box_ind": which, "crop_size": crop_size}
    crops: Tensor = apply_op("CropAndResize", name, **arguments, method=method, extrapolation_value=extrapolation_value)
    return crops
