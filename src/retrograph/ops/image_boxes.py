"""Boxes of images: drawn, sampled, and glimpses cut out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank, with_rank_at_least
from retrograph.ops.rows import ints, refuse, with_value
from retrograph.runtime import random as philox

Array = Any
_F = np.float32


# ---- drawn

_DEFAULT_COLORS = (
    (1, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0.5, 0, 0.5, 1),
    (0.5, 0.5, 0, 1), (0.5, 0, 0, 1), (0, 0, 0.5, 1), (0, 1, 1, 1), (1, 0, 1, 1),
)  # fmt: skip
_DEPTHS = "Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)"


def _drawn_shape(c: ShapeContext) -> list[Shape]:
    if c.num_inputs == 3:
        return [with_rank_at_least(c, c.input(0), 3)]
    images = with_rank(c, c.input(0), 4)
    if images[3] not in (None, 1, 3, 4):
        c.fail(_DEPTHS)
    with_value(with_rank(c, c.input(1), 3)[2], 4)
    return [c.input(0)]


def _check_drawing(op: Any, images: Array, boxes: Array) -> None:
    if images.ndim != 4:
        refuse(op, "The rank of the images should be 4")
    if boxes.ndim != 3:
        refuse(op, "The rank of the boxes tensor should be 3")
    if images.shape[0] != boxes.shape[0]:
        refuse(op, "The batch sizes should be the same")
    if images.shape[3] not in (1, 3, 4):
        refuse(op, _DEPTHS)
    if boxes.shape[2] != 4:
        refuse(op, f"The size of the third dimension of the box must be 4. Received: {boxes.shape[2]}")


def _colors(op: Any, given: Array | None, depth: int) -> Array:
    if given is not None:
        shape = str(list(given.shape)).replace(" ", "")
        if given.ndim != 2:
            refuse(op, f"colors must be a 2-D matrix{shape}")
        if given.shape[1] < depth:
            refuse(op, f"colors must have equal or more channels than the image provided: {shape}")
        if given.size:
            return given
    table = np.array(_DEFAULT_COLORS, np.float32)
    if depth == 1:
        table[:, 0] = 1
    return table


def _draw(op: Any, images: Array, boxes: Array, colors: Array | None = None) -> Array:
    _check_drawing(op, images, boxes)
    depth = images.shape[3]
    table = _colors(op, colors, depth)[:, :depth].astype(images.dtype)
    drawn = images.copy()
    for image, of_image in zip(drawn, boxes, strict=True):
        corners = of_image.astype(np.float32) * np.array([image.shape[0] - 1, image.shape[1] - 1] * 2, np.float32)
        for i, box in enumerate(np.trunc(corners).astype(np.int64).tolist()):
            _draw_one(image, box, table[i % len(table)])
    return drawn


def _draw_one(image: Array, box: list[int], color: Array) -> None:
    """The four lines of a box, as far as they lie inside of the image."""
    (height, width), (top, left, bottom, right) = image.shape[:2], box
    if top > bottom or left > right or top >= height or bottom < 0 or left >= width or right < 0:
        return
    rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
    for row in (top, bottom):
        if 0 <= row < height:
            image[row, columns] = color
    for column in (left, right):
        if 0 <= column < width:
            image[rows, column] = color


register_op("DrawBoundingBoxes", shape=_drawn_shape, numpy=_draw, host=True, gradient=NO_GRADIENT)
register_op("DrawBoundingBoxesV2", shape=_drawn_shape, numpy=_draw, host=True, gradient=NO_GRADIENT)


@export("image.draw_bounding_boxes")
def draw_bounding_boxes(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Tensor:
    """Images `[batch, height, width, depth]` with boxes `f32[batch, n, 4]` (y1, x1, y2, x2 from 0 to 1) drawn on them.

    Raises InvalidArgumentError: sizes that do not match. Source: TF 1.15 `tf.image.draw_bounding_boxes`.
    """
    op_type, more = ("DrawBoundingBoxes", {}) if colors is None else ("DrawBoundingBoxesV2", {"colors": colors})
    drawn: Tensor = apply_op(op_type, name, images=images, boxes=boxes, **more)
    return drawn


# ---- sampled

_EMPTY_BOX = (0, 0, 0, 0)
_Box = tuple[int, int, int, int]


def _sampled_shape(c: ShapeContext) -> list[Shape]:
    size, boxes = with_rank(c, c.input(0), 1), with_rank(c, c.input(1), 3)
    if c.num_inputs == 3:
        with_rank(c, c.input(2), 0)
    with_value(size[0], 3)
    with_value(boxes[2], 4)
    return [(3,), (3,), (1, 1, 4)]


def _check_attrs(op: Any) -> None:
    ranges = {"Aspect ratio": op.attrs["aspect_ratio_range"], "Area": op.attrs["area_range"]}
    for name, values in ranges.items():
        if len(values) != 2:
            refuse(op, f"{name} range field must specify 2 dimensions")
        if min(values) <= 0:
            refuse(op, f"{name} range must be non-negative: [{values[0]:.6g}, {values[1]:.6g}]")
    low, high = op.attrs["area_range"]
    if max(low, high) > 1:
        refuse(op, f"Area range must be less then or equal to 1.0: [{low:.6g}, {high:.6g}]")
    if op.attrs["max_attempts"] <= 0:
        refuse(op, f"Max attempts must be non-negative: {op.attrs['max_attempts']}")


def _objects(op: Any, boxes: Array, height: int, width: int) -> list[_Box]:
    """The boxes in pixels: (y1, x1, y2, x2)."""
    flat = boxes.reshape(-1, 4)
    wrong = flat[~((flat >= 0) & (flat <= 1))]
    if wrong.size:
        refuse(op, f"All bounding box coordinates must be in [0.0, 1.0]: {wrong[0]:.6g}")
    if flat.size:
        return [tuple(box) for box in (flat * np.array([height, width] * 2, np.float32)).astype(np.int64).tolist()]
    if not op.attrs["use_image_if_no_bounding_boxes"]:
        text = "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish to not"
        refuse(op, f"{text} provide any bounding boxes.")
    return [(0, 0, height, width)]


def _area(box: _Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(a: _Box, b: _Box) -> _Box:
    top, left, bottom, right = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return _EMPTY_BOX if left > right or top > bottom else (top, left, bottom, right)


def _covers(crop: _Box, least: Any, objects: list[_Box]) -> bool:
    """Whether the crop holds enough of one object."""
    if _area(crop) < 1:
        return False
    return any(_F(_area(_shared(crop, box))) / _F(_area(box)) >= least for box in objects if _area(box) >= 1)


class _Words:
    """A stream of random words of 32 bits, drawn in parts."""

    _BLOCKS = 64

    def __init__(self, state: Array):
        self._next = self._draw(state)

    def _draw(self, state: Array) -> Iterator[int]:
        while True:
            yield from philox.words(state, 4 * self._BLOCKS).tolist()
            state = philox.skip(state, self._BLOCKS)

    def fraction(self) -> Any:
        """From [0, 1): the 23 high bits of a float's mantissa."""
        return _F(next(self._next) & 0x7FFFFF) * _F(2.0**-23)

    def below(self, n: int) -> int:
        """From 0 to n - 1; words that would favour small numbers are refused."""
        if n & (n - 1) == 0:
            return next(self._next) & (n - 1)
        refused = (2**32 - 1) % n + 1
        return next(word for word in self._next if word >= refused) % n


def _rounded(value: Any) -> int:
    return int(np.rint(value))


def _height(words: _Words, areas: tuple[Any, Any], ratio: Any, height: int, width: int) -> int:
    low, high = (_rounded(np.sqrt(area / ratio)) for area in areas)
    if _rounded(_F(high) * ratio) > width:
        high = int((width + 0.5 - float(_F(0.0000001))) / float(ratio))
    high = min(high, height)
    return low + words.below(high - low + 1) if low < high else high


def _random_crop(words: _Words, area_range: Any, ratio: Any, height: int, width: int) -> _Box | None:
    """A crop of that ratio of width to height; None if there is none."""
    if height <= 0 or width <= 0 or area_range[0] > area_range[1]:
        return None
    least, most = (_F(share) * _F(width) * _F(height) for share in area_range)
    tall = _height(words, (least, most), ratio, height, width)
    wide = _rounded(_F(tall) * ratio)
    if _F(wide * tall) < least:
        tall += 1
        wide = _rounded(_F(tall) * ratio)
    if _F(wide * tall) > most:
        tall -= 1
        wide = _rounded(_F(tall) * ratio)
    if not (least <= _F(wide * tall) <= most and 0 < wide <= width and 0 < tall <= height):
        return None
    top = words.below(height - tall) if tall < height else 0
    left = words.below(width - wide) if wide < width else 0
    return top, left, top + tall, left + wide


def _best_crop(op: Any, words: _Words, least: Any, objects: list[_Box], height: int, width: int) -> _Box:
    low, high = (_F(ratio) for ratio in op.attrs["aspect_ratio_range"])
    for _ in range(op.attrs["max_attempts"]):
        ratio = words.fraction() * (high - low) + low
        crop = _random_crop(words, op.attrs["area_range"], ratio, height, width)
        if crop is not None and _covers(crop, least, objects):
            return crop
    return 0, 0, height, width


def _checked_size(op: Any, image_size: Array) -> tuple[int, int]:
    shape = str(list(image_size.shape))
    if image_size.ndim != 1:
        refuse(op, f"image_size must be 1-dimensional{shape}")
    if image_size.shape != (3,):
        refuse(op, f"image_size must contain 3 elements{shape}")
    height, width, _ = ints(image_size)
    for name, value in (("height", height), ("width", width)):
        if not 0 <= value < 2**31 - 1:
            refuse(op, f"image {name} cannot be >= int32 max")
    return height, width


def _sample(op: Any, ctx: Any, image_size: Array, boxes: Array, covered: Array | None = None) -> tuple[Array, ...]:
    _check_attrs(op)
    height, width = _checked_size(op, image_size)
    if boxes.ndim != 3:
        refuse(op, f"input boxes must be 3-dimensional [batch, num_boxes, coords]: {list(boxes.shape)}")
    least = _F(op.attrs["min_object_covered"] if covered is None else covered)
    if least < 0:
        refuse(op, f"Min object covered must be non-negative: {least:.6g}")
    objects = _objects(op, boxes, height, width)
    words = _Words(np.asarray(ctx.random(op, op.attrs["max_attempts"])))
    top, left, bottom, right = _best_crop(op, words, least, objects, height, width)
    box = np.array([top, left, bottom, right], np.float32) / np.array([height, width] * 2, np.float32)
    begin, size = (top, left, 0), (bottom - top, right - left, -1)
    return *(np.array(numbers).astype(image_size.dtype) for numbers in (begin, size)), box.reshape(1, 1, 4)


for _type in ("SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2"):
    register_op(_type, shape=_sampled_shape, numpy=_sample, host=True, effect=True, gradient=NO_GRADIENT)


def _given(**attrs: Any) -> dict[str, Any]:
    return {name: value for name, value in attrs.items() if value is not None}


@export("image.sample_distorted_bounding_box")
def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: int | None = None,
    seed2: int | None = None,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> Any:
    """A random crop (begin `[3]`, size `[3]`, box `f32[1, 1, 4]`) of an image that holds enough of one of the boxes.

    Raises InvalidArgumentError: ranges out of bounds, boxes outside of the image, or none at all.
    Source: TF 1.15 `tf.image.sample_distorted_bounding_box`.
    """
    with name_scope(name, "sample_distorted_bounding_box"):
        ranges = _given(aspect_ratio_range=aspect_ratio_range, area_range=area_range, max_attempts=max_attempts)
        attrs = _given(seed=seed, seed2=seed2, use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes)
        inputs = {"image_size": image_size, "bounding_boxes": bounding_boxes, "min_object_covered": min_object_covered}
        return apply_op("SampleDistortedBoundingBoxV2", name, **inputs, **ranges, **attrs)


# ---- glimpses


def _glimpse_shape(c: ShapeContext) -> list[Shape]:
    images, offsets = with_rank(c, c.input(0), 4), with_rank(c, c.input(2), 2)
    batch = merge_dim(c, images[0], offsets[0])
    with_value(offsets[1], 2)
    if c.attr("uniform_noise") and c.attr("noise") not in (b"", b"uniform"):
        c.fail("The uniform_noise and noise should not be specified at the same time")
    size = c.constant_as_shape(1)
    if size is None:
        return [(batch, None, None, images[3])]
    if len(size) != 2:
        c.fail(f"Dimension must be 2 but is {len(size)}")
    return [(batch, *size, images[3])]


def _starts(op: Any, offsets: Any, sizes: Any, window: Any) -> Any:
    """Where each glimpse begins: `i64[batch, 2]`."""
    places = offsets * sizes if op.attrs["normalized"] else offsets
    if op.attrs["centered"]:
        places = places / _F(2) + sizes / _F(2)
    return jnp.trunc(places - window / _F(2)).astype(jnp.int64)


def _noise(op: Any, images: Any, shape: tuple[int, ...]) -> Any:
    """What is seen where there is no image. TF's numbers do not repeat; nor do these."""
    kind = op.attrs["noise"] or (b"uniform" if op.attrs["uniform_noise"] else b"gaussian")
    if kind == b"zero":
        return jnp.zeros(shape, images.dtype)
    drawn = lax.rng_uniform(_F(0), _F(1), shape)
    axes = (1, 2, 3) if kind == b"uniform" else (1, 2)
    low, high = images.min(axes, keepdims=True), images.max(axes, keepdims=True)
    if kind == b"uniform":
        return low + drawn * (high - low)
    spread = images.std(axes, keepdims=True)
    normal = jax.scipy.special.ndtri(jnp.maximum(drawn, _F(1e-7)))
    return jnp.clip(images.mean(axes, keepdims=True) + normal * spread, low, high)


def _one_side(start: Any, window: int, size: int) -> tuple[Any, Any]:
    """(indices into the image, where the glimpse shows it): `[batch, window]`.

    A glimpse that begins before the image shows the image's first pixels at its end.
    """
    places = start[:, None] + jnp.arange(window)
    return jnp.clip(places, 0, size - 1), (places >= 0) & (places < size)


def _glimpse(op: Any, images: Any, window: Any, offsets: Any) -> Any:
    images, offsets = jnp.asarray(images), jnp.asarray(offsets)
    height, width = ints(window)
    shape = (images.shape[0], height, width, images.shape[3])
    if 0 in images.shape or 0 in shape:
        return jnp.zeros(shape, images.dtype)
    sizes = np.array(images.shape[1:3], np.float32)
    starts = _starts(op, offsets, sizes, np.array([height, width], np.float32))
    rows, rows_seen = _one_side(starts[:, 0], height, images.shape[1])
    columns, columns_seen = _one_side(starts[:, 1], width, images.shape[2])
    shown = images[jnp.arange(images.shape[0])[:, None, None], rows[:, :, None], columns[:, None, :]]
    seen = (rows_seen[:, :, None] & columns_seen[:, None, :])[..., None]
    return jnp.where(seen, shown, _noise(op, images, shown.shape))


register_op("ExtractGlimpse", shape=_glimpse_shape, lower=_glimpse, static_inputs=(1,), gradient=NO_GRADIENT)


@export("image.extract_glimpse")
def extract_glimpse(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Tensor:
    """Windows of images around offsets `f32[batch, 2]` (y, x): `f32[batch, *size, channels]`; noise where no image is.

    Source: TF 1.15 `tf.image.extract_glimpse`.
    """
    options = {"centered": centered, "normalized": normalized, "uniform_noise": uniform_noise}
    found: Tensor = apply_op("ExtractGlimpse", name, input=input, size=size, offsets=offsets, **options)
    return found
