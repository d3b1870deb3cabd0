"""Images turned, compared and differentiated: the functions of `tf.image` that are made of other operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import (
    array,
    check,
    depthwise_conv,
    identities,
    joining,
    math,
    nn,
    pool,
    reduction,
    sequence,
    transposing,
    turning,
)
from retrograph.ops import padding as padding_ops
from retrograph.ops.cast import cast
from retrograph.ops.cond import case, cond
from retrograph.ops.image_flips import convert_image_dtype
from retrograph.ops.image_frames import assert_at_least_3d
from retrograph.ops.softmax import softmax

_RANK = "'image' must have either 3 or 4 dimensions."


# ---- turned


def _turns(image: Tensor, batch: int) -> list[Callable[[], Tensor]]:
    """The image turned once, twice and three times counter-clockwise; `batch` axes come before its height."""
    order = [0, 2, 1, 3] if batch else [1, 0, 2]
    rows, columns = batch, batch + 1
    return [
        lambda: transposing.transpose(turning.reverse(image, [columns]), order),
        lambda: turning.reverse(image, [rows, columns]),
        lambda: turning.reverse(transposing.transpose(image, order), [columns]),
    ]


@export("image.rot90")
def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """The image, or each of a batch, turned counter-clockwise by `k` times 90 degrees.

    Raises ValueError: an image of another rank than 3 or 4. Source: TF 1.15 `tf.image.rot90`.
    """
    with name_scope(name, "rot90", [image, k]) as scope:
        image = assert_at_least_3d(convert_to_tensor(image, name="image"))
        k = convert_to_tensor(k, dtype=dtypes.int32, name="k")
        k.get_shape().assert_has_rank(0)
        k = math.mod(k, 4)
        rank = image.get_shape().ndims
        if rank not in (3, 4, None):
            raise ValueError(_RANK)
        return _turned(image, k, int(rank == 4), scope)


def _turned(image: Tensor, k: Tensor, batch: int, scope: str) -> Tensor:
    # The conditions come first in the graph, then the branches.
    pairs = [(math.equal(k, times + 1), turn) for times, turn in enumerate(_turns(image, batch))]
    result = case(pairs, default=lambda: image, exclusive=True, name=scope)
    shape = result.get_shape()
    result.set_shape([shape[0], None, None, shape[3]] if batch else [None, None, image.get_shape()[2]])
    return result  # type: ignore[no-any-return]


@export("image.transpose", "image.transpose_image")
def transpose(image: Any, name: str | None = None) -> Tensor:
    """The image, or each of a batch, with rows and columns exchanged.

    Raises ValueError: an image of another rank than 3 or 4. Source: TF 1.15 `tf.image.transpose`.
    """
    with name_scope(name, "transpose", [image]):
        image = assert_at_least_3d(convert_to_tensor(image, name="image"))
        rank = image.get_shape().ndims
        if rank not in (3, 4, None):
            raise ValueError(_RANK)
        return transposing.transpose(image, [0, 2, 1, 3] if rank == 4 else [1, 0, 2], name=name)


# ---- differences of neighbours


@export("image.total_variation")
def total_variation(images: Any, name: str | None = None) -> Tensor:
    """How much neighbouring pixels differ in all: a number, or `[batch]`.

    Raises ValueError: images of another rank than 3 or 4. Source: TF 1.15 `tf.image.total_variation`.
    """
    with name_scope(name, "total_variation"):
        rank = images.get_shape().ndims
        if rank == 3:
            rows, columns = images[1:, :, :] - images[:-1, :, :], images[:, 1:, :] - images[:, :-1, :]
        elif rank == 4:
            rows, columns = images[:, 1:, :, :] - images[:, :-1, :, :], images[:, :, 1:, :] - images[:, :, :-1, :]
        else:
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        axes = None if rank == 3 else [1, 2, 3]
        of_rows = reduction.reduce_sum(math.abs(rows), axis=axes)
        total: Tensor = of_rows + reduction.reduce_sum(math.abs(columns), axis=axes)
        return total


@export("image.image_gradients")
def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """(dy, dx) of `[batch, height, width, channels]`: what the next pixel has more; 0 at the last.

    Raises ValueError: an image of another rank than 4. Source: TF 1.15 `tf.image.image_gradients`.
    """
    if image.get_shape().ndims != 4:
        raise ValueError("image_gradients expects a 4D tensor [batch_size, h, w, d], not %s.", image.get_shape())
    shape = array.shape(image)
    batch, height, width, depth = joining.unstack(shape)
    dy = image[:, 1:, :, :] - image[:, :-1, :, :]
    dx = image[:, :, 1:, :] - image[:, :, :-1, :]
    zeros = array.zeros(joining.stack([batch, 1, width, depth]), image.dtype)
    dy = array.reshape(joining.concat([dy, zeros], 1), shape)
    zeros = array.zeros(joining.stack([batch, height, 1, depth]), image.dtype)
    return dy, array.reshape(joining.concat([dx, zeros], 2), shape)


_SOBEL = np.array([[[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]])


@export("image.sobel_edges")
def sobel_edges(image: Any) -> Tensor:
    """Sobel's (dy, dx) of `[batch, height, width, channels]`: `[batch, height, width, channels, 2]`.

    Source: TF 1.15 `tf.image.sobel_edges`.
    """
    static = image.get_shape()
    shape = array.shape(image)
    kernels = constant(np.expand_dims(np.transpose(_SOBEL, (1, 2, 0)), -2), dtype=image.dtype)
    kernels = joining.tile(kernels, [1, 1, shape[-1], 1], name="sobel_filters")
    padded = padding_ops.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = depthwise_conv.depthwise_conv2d(padded, kernels, [1, 1, 1, 1], "VALID")
    edges = array.reshape(edges, shape=joining.concat([shape, [2]], 0))
    edges.set_shape(static.concatenate([2]))
    return edges


# ---- compared


def _check_static(shape1: Any, shape2: Any) -> None:
    shape1[-3:].assert_is_compatible_with(shape2[-3:])
    if shape1.ndims is None or shape2.ndims is None:
        return
    for a, b in zip(reversed(shape1.dims[:-3]), reversed(shape2.dims[:-3]), strict=False):
        if not (a == 1 or b == 1 or a.is_compatible_with(b)):
            raise ValueError(f"Two images are not compatible: {shape1} and {shape2}")


def _verify_compatible_image_shapes(img1: Tensor, img2: Tensor) -> tuple[Tensor, Tensor, list[Any]]:
    """(shape, shape, checks) of two images that are to be compared.

    Raises ValueError: the graph knows that they cannot be.
    """
    _check_static(img1.get_shape().with_rank_at_least(3), img2.get_shape().with_rank_at_least(3))
    shape1, shape2 = array.shape_n([img1, img2])
    ranked = check.Assert(math.greater_equal(array.size(shape1), 3), [shape1, shape2], summarize=10)
    same = math.equal(shape1[-3:], shape2[-3:])
    return shape1, shape2, [ranked, check.Assert(reduction.reduce_all(same), [shape1, shape2], summarize=10)]


def _as_floats(max_val: Any, kind: Any, *images: Any) -> list[Tensor]:
    """The largest value and the images, as `float32` from 0 to 1."""
    largest = convert_image_dtype(cast(max_val, kind), dtypes.float32)
    return [largest, *(convert_image_dtype(image, dtypes.float32) for image in images)]


@export("image.psnr")
def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """Peak signal-to-noise ratio of images of one shape, in decibels: `f32[...]`.

    Raises ValueError: images that do not match. Source: TF 1.15 `tf.image.psnr`.
    """
    with name_scope(name, "PSNR", [a, b]):
        largest, a, b = _as_floats(max_val, a.dtype, a, b)
        error = reduction.reduce_mean(math.squared_difference(a, b), [-3, -2, -1])
        peak = 20 * math.log(largest) / math.log(10.0)
        ratio = math.subtract(peak, np.float32(10 / np.log(10)) * math.log(error), name="psnr")
        _, _, checks = _verify_compatible_image_shapes(a, b)
        with control_dependencies(checks):
            return identities.identity(ratio)


def _gauss_kernel(size: Tensor, sigma: Tensor) -> Tensor:
    """Weights of a window: `[size, size, 1, 1]`, their sum 1."""
    size, sigma = convert_to_tensor(size, dtypes.int32), convert_to_tensor(sigma)
    places = cast(sequence.range(size), sigma.dtype)
    places -= cast(size - 1, sigma.dtype) / 2.0
    weights = math.square(places)
    weights *= -0.5 / math.square(sigma)
    weights = array.reshape(weights, shape=[1, -1]) + array.reshape(weights, shape=[-1, 1])
    weights = softmax(array.reshape(weights, shape=[1, -1]))
    return array.reshape(weights, shape=[size, size, 1, 1])


def _window_mean(kernel: Tensor) -> Callable[[Tensor], Tensor]:
    """A function that gives the mean of each window of images."""

    def mean(x: Tensor) -> Tensor:
        shape = array.shape(x)
        x = array.reshape(x, shape=joining.concat([[-1], shape[-3:]], 0))
        y = depthwise_conv.depthwise_conv2d(x, kernel, strides=[1, 1, 1, 1], padding="VALID")
        return array.reshape(y, joining.concat([shape[:-3], array.shape(y)[1:]], 0))

    return mean


def _luminance_and_contrast(
    x: Tensor, y: Tensor, mean: Callable[[Tensor], Tensor], max_val: Any, k1: float, k2: float
) -> tuple[Any, Any]:
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean0, mean1 = mean(x), mean(y)
    num0 = mean0 * mean1 * 2.0
    den0 = math.square(mean0) + math.square(mean1)
    luminance = (num0 + c1) / (den0 + c1)
    num1 = mean(x * y) * 2.0
    den1 = mean(math.square(x) + math.square(y))
    c2 *= 1.0
    return luminance, (num1 - num0 + c2) / (den1 - den0 + c2)


def _large_enough(shape: Tensor, size: Tensor) -> Any:
    fits = reduction.reduce_all(math.greater_equal(shape[-3:-1], size))
    return check.Assert(fits, [shape, size], summarize=8)


def _per_channel(
    img1: Tensor, img2: Tensor, max_val: Any, filter_size: Any, filter_sigma: Any, k1: float, k2: float
) -> tuple[Tensor, Tensor]:
    """(similarity, its contrast part), each `[..., channels]`."""
    size = constant(filter_size, dtype=dtypes.int32)
    sigma = constant(filter_sigma, dtype=img1.dtype)
    shape1, shape2 = array.shape_n([img1, img2])
    with control_dependencies([_large_enough(shape1, size), _large_enough(shape2, size)]):
        img1 = identities.identity(img1)
    kernel = joining.tile(_gauss_kernel(size, sigma), multiples=[1, 1, shape1[-1], 1])
    luminance, contrast = _luminance_and_contrast(img1, img2, _window_mean(kernel), max_val, k1, k2)
    axes = constant([-3, -2], dtype=dtypes.int32)
    return reduction.reduce_mean(luminance * contrast, axes), reduction.reduce_mean(contrast, axes)


@export("image.ssim")
def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """Structural similarity of images of one shape: `f32[...]`, 1 where they are equal.

    Raises ValueError: images that do not match; InvalidArgumentError: they are smaller than the window.
    Source: TF 1.15 `tf.image.ssim`.
    """
    _, _, checks = _verify_compatible_image_shapes(img1, img2)
    with control_dependencies(checks):
        img1 = identities.identity(img1)
    largest, img1, img2 = _as_floats(max_val, img1.dtype, img1, img2)
    similarity, _ = _per_channel(img1, img2, largest, filter_size, filter_sigma, k1, k2)
    return reduction.reduce_mean(similarity, [-1])


_POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_HALVES = [1, 2, 2, 1]


def _halved(images: Sequence[Tensor], heads: Any, tails: Any, divisor: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """(images of half the size, their last three sizes)."""
    flat = [array.reshape(x, joining.concat([[-1], t], 0)) for x, t in zip(images, tails, strict=True)]
    rest = tails[0] % divisor
    odd = reduction.reduce_any(math.not_equal(rest, 0))
    padded = cond(odd, lambda: _mirrored(flat, rest), lambda: flat)
    small = [pool.avg_pool(x, ksize=_HALVES, strides=_HALVES, padding="VALID") for x in padded]
    tails = [shape[1:] for shape in array.shape_n(small)]
    parts = zip(small, heads, tails, strict=True)
    return [array.reshape(x, joining.concat([head, tail], 0)) for x, head, tail in parts], tails


def _mirrored(images: Sequence[Tensor], missing: Tensor) -> list[Tensor]:
    padding = padding_ops.pad(array.expand_dims(missing, -1), [[1, 0], [1, 0]])
    return [padding_ops.pad(x, padding, mode="SYMMETRIC") for x in images]


@export("image.ssim_multiscale")
def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Sequence[float] = _POWERS,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """Structural similarity over several scales, each half the size of the one before: `f32[...]`.

    Raises ValueError: images that do not match; InvalidArgumentError: they become smaller than the window.
    Source: TF 1.15 `tf.image.ssim_multiscale`.
    """
    with name_scope(None, "MS-SSIM", [img1, img2]):
        img1, img2 = convert_to_tensor(img1, name="img1"), convert_to_tensor(img2, name="img2")
        shape1, shape2, checks = _verify_compatible_image_shapes(img1, img2)
        with control_dependencies(checks):
            img1 = identities.identity(img1)
        largest, img1, img2 = _as_floats(max_val, img1.dtype, img1, img2)
        shapes = (shape1, shape2)
        options = (largest, filter_size, filter_sigma, k1, k2)
        factors = _factors([img1, img2], shapes, len(power_factors), options)
        similarity = reduction.reduce_prod(math.pow(joining.stack(factors, axis=-1), power_factors), [-1])
        return reduction.reduce_mean(similarity, [-1])


def _factors(images: list[Tensor], shapes: Sequence[Tensor], scales: int, options: tuple[Any, ...]) -> list[Tensor]:
    """What each scale gives: the contrast part, at the last one all of the similarity."""
    heads, tails = [shape[:-3] for shape in shapes], [shape[-3:] for shape in shapes]
    divisor = constant(_HALVES[1:], dtype=dtypes.int32)
    found: list[Tensor] = []
    similarity = images[0]
    for scale in range(scales):
        with name_scope(None, f"Scale{scale}", images):
            if scale:
                images, tails = _halved(images, heads, tails, divisor)
            similarity, contrast = _per_channel(images[0], images[1], *options)
            found.append(nn.relu(contrast))
    return [*found[:-1], nn.relu(similarity)]
