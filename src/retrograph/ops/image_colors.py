"""Colours of images changed and converted: hue, saturation, gamma, JPEG's losses; HSV, YIQ, YUV and grey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph.ops.image_color_rows  # noqa: F401
from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import array, check, joining, random
from retrograph.ops.control_flow import with_dependencies
from retrograph.ops.image_codecs import decode_jpeg
from retrograph.ops.image_flips import convert_image_dtype
from retrograph.ops.joining import is_tensor_like
from retrograph.ops.matmul import tensordot

_FLOATS = (dtypes.float16, dtypes.float32)


def _adjusted(image: Any, scope: str, name: str | None, adjust: Callable[[Tensor], Tensor]) -> Tensor:
    """What `adjust` makes of the image as floats, in the type of the image."""
    with name_scope(name, scope, [image]):
        image = convert_to_tensor(image, name="image")
        light = image if image.dtype in _FLOATS else convert_image_dtype(image, dtypes.float32)
        return convert_image_dtype(adjust(light), image.dtype)


@export("image.adjust_hue")
def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """RGB images whose hue is turned by `delta` of the circle. Source: TF 1.15 `tf.image.adjust_hue`."""
    return _adjusted(image, "adjust_hue", name, lambda x: apply_op("AdjustHue", None, images=x, delta=delta))


@export("image.random_hue")
def random_hue(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """`adjust_hue` by a random part of the circle in [-max_delta, max_delta).

    Raises ValueError: not in [0, 0.5]. Source: TF 1.15 `tf.image.random_hue`.
    """
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, random.random_uniform([], -max_delta, max_delta, seed=seed))


@export("image.adjust_saturation")
def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """RGB images with saturation times a factor, at most 1. Source: TF 1.15 `tf.image.adjust_saturation`."""
    return _adjusted(
        image, "adjust_saturation", name,
        lambda x: apply_op("AdjustSaturation", None, images=x, scale=saturation_factor),
    )  # fmt: skip


@export("image.random_saturation")
def random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
    """`adjust_saturation` by a random factor in [lower, upper).

    Raises ValueError: not 0 <= lower < upper. Source: TF 1.15 `tf.image.random_saturation`.
    """
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")
    return adjust_saturation(image, random.random_uniform([], lower, upper, seed=seed))


_GAMMA = "Gamma should be a non-negative real number."


def _checked_gamma(gamma: Any) -> Any:
    held = gamma >= 0
    if is_tensor_like(held):
        return with_dependencies([check.Assert(held, [_GAMMA])], gamma)
    if not held:
        raise ValueError(_GAMMA)
    return gamma


@export("image.adjust_gamma")
def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """`gain * image ** gamma`, counted from 0 to 1. Raises ValueError: a negative gamma.

    Source: TF 1.15 `tf.image.adjust_gamma`.
    """
    with name_scope(None, "adjust_gamma", [image, gamma, gain]):
        image = convert_to_tensor(image, name="image")
        light = image if image.dtype in _FLOATS else convert_image_dtype(image, dtypes.float32)
        adjusted = gain * light ** _checked_gamma(gamma)
        return convert_image_dtype(adjusted, image.dtype, saturate=True)


@export("image.adjust_jpeg_quality")
def adjust_jpeg_quality(image: Any, jpeg_quality: Any, name: str | None = None) -> Tensor:
    """The image after JPEG of a quality from 0 to 100.

    Raises InvalidArgumentError when it runs: not 1 or 3 channels. Source: TF 1.15 `tf.image.adjust_jpeg_quality`.
    """
    with name_scope(name, "adjust_jpeg_quality", [image]):
        image = convert_to_tensor(image, name="image")
        whole = convert_image_dtype(image, dtypes.uint8)
        if not is_tensor_like(jpeg_quality):
            jpeg_quality = convert_to_tensor(jpeg_quality, dtype=dtypes.int32)
        file = apply_op("EncodeJpegVariableQuality", None, images=whole, quality=jpeg_quality)
        return convert_image_dtype(decode_jpeg(file), image.dtype)


@export("image.random_jpeg_quality")
def random_jpeg_quality(image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any = None) -> Tensor:
    """`adjust_jpeg_quality` by a random quality in [min_jpeg_quality, max_jpeg_quality).

    Raises ValueError: not 0 <= min < max <= 100. Source: TF 1.15 `tf.image.random_jpeg_quality`.
    """
    if not (0 <= min_jpeg_quality <= 100 and 0 <= max_jpeg_quality <= 100):
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if min_jpeg_quality >= max_jpeg_quality:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    quality = random.random_uniform([], min_jpeg_quality, max_jpeg_quality, seed=seed, dtype=dtypes.int32)
    return adjust_jpeg_quality(image, quality)


# ---- conversions


@export("image.rgb_to_hsv")
def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value, from 0 to 1, of RGB: `T[..., 3]`. Source: TF 1.15 `tf.image.rgb_to_hsv`."""
    return apply_op("RGBToHSV", name, images=images)  # type: ignore[no-any-return]


@export("image.hsv_to_rgb")
def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """RGB of hue, saturation and value, from 0 to 1: `T[..., 3]`. Source: TF 1.15 `tf.image.hsv_to_rgb`."""
    return apply_op("HSVToRGB", name, images=images)  # type: ignore[no-any-return]


_RGB_TO_YIQ = [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617], [0.114, -0.32134392, 0.31119955]]
_YIQ_TO_RGB = [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]]
_RGB_TO_YUV = [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]]
_YUV_TO_RGB = [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]]


def _mixed(images: Any, matrix: list[Any]) -> Tensor:
    images = convert_to_tensor(images, name="images")
    kernel = convert_to_tensor(matrix, dtype=images.dtype, name="kernel")
    return tensordot(images, kernel, axes=[[images.get_shape().ndims - 1], [0]])


@export("image.rgb_to_yiq")
def rgb_to_yiq(images: Any) -> Tensor:
    """Luminance and the two chrominances of NTSC, of RGB: `T[..., 3]`. Source: TF 1.15 `tf.image.rgb_to_yiq`."""
    return _mixed(images, _RGB_TO_YIQ)


@export("image.yiq_to_rgb")
def yiq_to_rgb(images: Any) -> Tensor:
    """RGB of luminance and the two chrominances of NTSC: `T[..., 3]`. Source: TF 1.15 `tf.image.yiq_to_rgb`."""
    return _mixed(images, _YIQ_TO_RGB)


@export("image.rgb_to_yuv")
def rgb_to_yuv(images: Any) -> Tensor:
    """Luminance and the two chrominances of PAL, of RGB: `T[..., 3]`. Source: TF 1.15 `tf.image.rgb_to_yuv`."""
    return _mixed(images, _RGB_TO_YUV)


@export("image.yuv_to_rgb")
def yuv_to_rgb(images: Any) -> Tensor:
    """RGB of luminance and the two chrominances of PAL: `T[..., 3]`. Source: TF 1.15 `tf.image.yuv_to_rgb`."""
    return _mixed(images, _YUV_TO_RGB)


_LAST = "Last dimension of a grayscale image should be size 1."
_FLAT = "A grayscale image must be at least two-dimensional."


def _grey_checks(image: Tensor) -> list[Any]:
    """Operations that check what the graph does not know of a grey image's shape. Raises ValueError: it is another."""
    try:
        shape = image.get_shape()
        shape = shape.with_rank(2) if shape.ndims is None else shape.with_rank_at_least(2)
    except ValueError:
        raise ValueError(_FLAT) from None
    if shape.is_fully_defined():
        if shape[-1] != 1:
            raise ValueError(_LAST)
        return []
    return [
        check.assert_equal(array.shape(image)[-1], 1, message=_LAST),
        check.assert_greater_equal(array.rank(image), 3, message=_FLAT),
    ]


@export("image.grayscale_to_rgb")
def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Grey images, `T[..., 1]`, as RGB. Raises ValueError: another last dimension.

    Source: TF 1.15 `tf.image.grayscale_to_rgb`.
    """
    with name_scope(name, "grayscale_to_rgb", [images]) as scope:
        images = convert_to_tensor(images, name="images")
        images = with_dependencies(_grey_checks(images), images)
        before = array.expand_dims(array.rank(images) - 1, 0)
        counts = joining.concat([array.ones(before, dtype=dtypes.int32), array.expand_dims(3, 0)], 0)
        result: Tensor = joining.tile(images, counts, name=scope)
        result.set_shape(images.get_shape()[:-1].concatenate([3]))
        return result
