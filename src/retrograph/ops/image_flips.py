"""Images turned over, converted and lit differently: the functions of `tf.image` that input pipelines use most."""

from __future__ import annotations

from typing import Any

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
from retrograph.ops import array, identities, math, random, reduction, turning
from retrograph.ops.cast import cast, saturate_cast
from retrograph.ops.cond import cond
from retrograph.ops.image_frames import assert_at_least_3d
from retrograph.ops.matmul import tensordot

_FLOATS = (dtypes.float16, dtypes.float32)
_RANK = "'image' must have either 3 or 4 dimensions."


def _shaped_as(image: Tensor, result: Tensor) -> Tensor:
    result.set_shape([None] * 3 if image.get_shape().ndims is None else image.get_shape())
    return result


def _flip(image: Any, axis: int, scope: str) -> Tensor:
    with name_scope(None, scope, [image]):
        image = assert_at_least_3d(convert_to_tensor(image, name="image"))
        rank = image.get_shape().ndims
        if rank in (3, None):
            return _shaped_as(image, turning.reverse(image, [axis]))
        if rank == 4:
            return turning.reverse(image, [axis + 1])
        raise ValueError(_RANK)


@export("image.flip_left_right")
def flip_left_right(image: Any) -> Tensor:
    """The image T[h, w, c], or each of a batch T[n, h, w, c], turned over from left to right.

    Raises ValueError: another rank.

    >>> tf.image.flip_left_right(tf.zeros([4, 6, 3])).shape
    TensorShape([Dimension(4), Dimension(6), Dimension(3)])

    Source: TF 1.15 `tf.image.flip_left_right`.
    """
    return _flip(image, 1, "flip_left_right")


@export("image.flip_up_down")
def flip_up_down(image: Any) -> Tensor:
    """The image T[h, w, c], or each of a batch T[n, h, w, c], turned over from top to bottom.

    Raises ValueError: another rank.

    >>> tf.image.flip_up_down(tf.zeros([4, 6, 3])).shape
    TensorShape([Dimension(4), Dimension(6), Dimension(3)])

    Source: TF 1.15 `tf.image.flip_up_down`.
    """
    return _flip(image, 0, "flip_up_down")


def _random_flip(image: Any, axis: int, seed: Any, scope_name: str) -> Tensor:
    with name_scope(None, scope_name, [image]) as scope:
        image = assert_at_least_3d(convert_to_tensor(image, name="image"))
        rank = image.get_shape().ndims
        if rank in (3, None):
            turned = math.less(random.random_uniform([], 0, 1.0, seed=seed), 0.5)
            result = cond(turned, lambda: turning.reverse(image, [axis]), lambda: image, name=scope)
            return _shaped_as(image, result)
        if rank != 4:
            raise ValueError(_RANK)
        count = array.shape(image)[0]
        drawn = random.random_uniform([count], 0, 1.0, seed=seed)
        flips = cast(math.round(array.reshape(drawn, [count, 1, 1, 1])), image.dtype)
        mixed: Tensor = flips * turning.reverse(image, [axis + 1]) + (1 - flips) * image
        return mixed


@export("image.random_flip_left_right")
def random_flip_left_right(image: Any, seed: Any = None) -> Tensor:
    """The image turned over from left to right or not, each as likely; in a batch each for itself.

    Source: TF 1.15 `tf.image.random_flip_left_right`.
    """
    return _random_flip(image, 1, seed, "random_flip_left_right")


@export("image.random_flip_up_down")
def random_flip_up_down(image: Any, seed: Any = None) -> Tensor:
    """The image turned over from top to bottom or not, each as likely; in a batch each for itself.

    Source: TF 1.15 `tf.image.random_flip_up_down`.
    """
    return _random_flip(image, 0, seed, "random_flip_up_down")


@export("image.convert_image_dtype")
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """The image in another type: floats count from 0 to 1, integers up to the largest of their type.

    Raises AttributeError: a type that is neither. Source: TF 1.15 `tf.image.convert_image_dtype`.
    """
    image, dtype = convert_to_tensor(image, name="image"), dtypes.as_dtype(dtype)
    if not dtype.is_floating and not dtype.is_integer:
        raise AttributeError("dtype must be either floating point or integer")
    if dtype == image.dtype:
        return identities.identity(image, name=name)
    convert = saturate_cast if saturate else cast
    with name_scope(name, "convert_image", [image]) as scope:
        given = image.dtype
        if given.is_floating and dtype.is_floating:
            result: Tensor = cast(image, dtype, name=scope)
        elif not given.is_integer:
            # Half more, so that rounding down does not lose the largest value.
            result = convert(math.multiply(image, dtype.max + 0.5), dtype, name=scope)
        elif dtype.is_floating:
            result = math.multiply(cast(image, dtype), 1.0 / given.max, name=scope)
        elif given.max > dtype.max:
            result = convert(math.div(image, (given.max + 1) // (dtype.max + 1)), dtype, name=scope)
        else:
            result = math.multiply(convert(image, dtype), (dtype.max + 1) // (given.max + 1), name=scope)
        return result


@export("image.per_image_standardization")
def per_image_standardization(image: Any) -> Tensor:
    """Each image less its mean, by its standard deviation (that of at least one over the root of its pixels).

    Source: TF 1.15 `tf.image.per_image_standardization`.
    """
    with name_scope(None, "per_image_standardization", [image]) as scope:
        image = assert_at_least_3d(convert_to_tensor(image, name="image"))
        given = image.dtype
        if given not in _FLOATS:
            image = convert_image_dtype(image, dtypes.float32)
        pixels = reduction.reduce_prod(array.shape(image)[-3:])
        mean = reduction.reduce_mean(image, axis=[-1, -2, -3], keepdims=True)
        deviation = reduction.reduce_std(image, axis=[-1, -2, -3], keepdims=True)
        least = math.rsqrt(cast(pixels, image.dtype))
        divisor = math.maximum(deviation, least)
        image -= mean
        return convert_image_dtype(math.div(image, divisor, name=scope), given, saturate=True)


@export("image.adjust_brightness")
def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """The image with `delta` (of the range from 0 to 1) added. Source: TF 1.15 `tf.image.adjust_brightness`."""
    with name_scope(None, "adjust_brightness", [image, delta]) as scope:
        image = convert_to_tensor(image, name="image")
        light = image if image.dtype in _FLOATS else convert_image_dtype(image, dtypes.float32)
        adjusted = math.add(light, cast(delta, light.dtype), name=scope)
        return convert_image_dtype(adjusted, image.dtype, saturate=True)


@export("image.random_brightness")
def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """`adjust_brightness` by a random amount in [-max_delta, max_delta).

    Raises ValueError: a negative `max_delta`. Source: TF 1.15 `tf.image.random_brightness`.
    """
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, random.random_uniform([], -max_delta, max_delta, seed=seed))


def _contrasted(op: Any, images: Any, factor: Any) -> Any:
    images = jnp.asarray(images)
    mean = jnp.mean(images.astype(jnp.float32), axis=(-3, -2), keepdims=True)
    return ((images - mean) * factor + mean).astype(images.dtype)


def _contrasted_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    return [with_rank_at_least(c, c.input(0), 3)]


register_op("AdjustContrastv2", shape=_contrasted_shape, lower=_contrasted)


@export("image.adjust_contrast")
def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Each channel's distance from its mean multiplied. Source: TF 1.15 `tf.image.adjust_contrast`."""
    with name_scope(None, "adjust_contrast", [images, contrast_factor]) as scope:
        images = convert_to_tensor(images, name="images")
        light = images if images.dtype in _FLOATS else convert_image_dtype(images, dtypes.float32)
        adjusted = apply_op("AdjustContrastv2", scope, images=light, contrast_factor=contrast_factor)
        return convert_image_dtype(adjusted, images.dtype, saturate=True)


@export("image.random_contrast")
def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
    """`adjust_contrast` by a random factor in [lower, upper).

    Raises ValueError: bounds that are negative or in the wrong order. Source: TF 1.15 `tf.image.random_contrast`.
    """
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")
    return adjust_contrast(image, random.random_uniform([], lower, upper, seed=seed))


@export("image.rgb_to_grayscale")
def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """One channel of light out of red, green and blue. Source: TF 1.15 `tf.image.rgb_to_grayscale`."""
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        images = convert_to_tensor(images, name="images")
        light = convert_image_dtype(images, dtypes.float32)
        gray = array.expand_dims(tensordot(light, [0.2989, 0.5870, 0.1140], [-1, -1]), -1)
        return convert_image_dtype(gray, images.dtype, name=scope)
