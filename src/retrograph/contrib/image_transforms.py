"""`tf.contrib.image`: images turned, moved and projected; their components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.ops.image_transform_rows import matrices_of, transforms_of
from retrograph.ops.selecting import where_v2

_TYPES = ("uint8", "int32", "int64", "float16", "float32", "float64")


def _exported(name: str) -> Callable[[Any], Any]:
    return export(f"contrib.image.{name}")


def _batched(images: Any) -> Any:
    """Images with a batch and channels. Raises TypeError: a type or a rank that images do not have."""
    if images.dtype.base_dtype.name not in _TYPES:
        raise TypeError(f"Invalid dtype {images.dtype}.")
    rank = images.get_shape().ndims
    if rank is None:
        raise TypeError("image_or_images rank must be statically known")
    if rank not in (2, 3, 4):
        raise TypeError("Images should have rank between 2 and 4.")
    if rank == 2:
        return images[None, :, :, None]
    return images[None, :, :, :] if rank == 3 else images


def _unbatched(images: Any, rank: int) -> Any:
    if rank == 2:
        return images[0, :, :, 0]
    return images[0, :, :, :] if rank == 3 else images


def _side(images: Any, axis: int) -> Any:
    return tf.cast(tf.shape(images)[axis], tf.float32)[None]


@_exported("rotate")
def rotate(images: Any, angles: Any, interpolation: str = "NEAREST", name: str | None = None) -> Any:
    """Images turned by angles, counterclockwise; what is empty is 0. `T[(batch,) height, width(, channels)]`.

    `angles`: `f32[]` or one of each image, in radians. Raises TypeError: a type or a rank that images do not have.
    Source: TF 1.15 `tf.contrib.image.rotate`.
    """
    with tf.name_scope(name, "rotate"):
        given = tf.convert_to_tensor(images)
        images = _batched(given)
        transforms = angles_to_projective_transforms(angles, _side(images, 1), _side(images, 2))
        return _unbatched(transform(images, transforms, interpolation=interpolation), given.get_shape().ndims)


@_exported("translate")
def translate(images: Any, translations: Any, interpolation: str = "NEAREST", name: str | None = None) -> Any:
    """Images moved by [dx, dy], or each by its own; what is empty is 0.

    Raises TypeError: a type or a rank that images or translations do not have.
    Source: TF 1.15 `tf.contrib.image.translate`.
    """
    with tf.name_scope(name, "translate"):
        return transform(images, translations_to_projective_transforms(translations), interpolation=interpolation)


@_exported("angles_to_projective_transforms")
def angles_to_projective_transforms(angles: Any, image_height: Any, image_width: Any, name: str | None = None) -> Any:
    """Transforms that turn about the middle of an image: `f32[n, 8]`. Raises TypeError: not one angle or a vector.

    Source: TF 1.15 `tf.contrib.image.angles_to_projective_transforms`.
    """
    with tf.name_scope(name, "angles_to_projective_transforms"):
        given = tf.convert_to_tensor(angles, name="angles", dtype=tf.float32)
        if len(given.get_shape()) > 1:
            raise TypeError("Angles should have rank 0 or 1.")
        angles = given if len(given.get_shape()) else given[None]
        # Every term is an operation of its own, as in TensorFlow: their names tell.
        x = ((image_width - 1) - (tf.cos(angles) * (image_width - 1) - tf.sin(angles) * (image_height - 1))) / 2.0
        y = ((image_height - 1) - (tf.sin(angles) * (image_width - 1) + tf.cos(angles) * (image_height - 1))) / 2.0
        count = tf.shape(angles)[0]
        columns = [tf.cos(angles)[:, None], -tf.sin(angles)[:, None], x[:, None]]
        columns += [tf.sin(angles)[:, None], tf.cos(angles)[:, None], y[:, None]]
        return tf.concat([*columns, tf.zeros((count, 2), tf.float32)], axis=1)


@_exported("translations_to_projective_transforms")
def translations_to_projective_transforms(translations: Any, name: str | None = None) -> Any:
    """Transforms that move by [dx, dy]: `f32[n, 8]`. Raises TypeError: neither a vector nor a matrix.

    Source: TF 1.15 `tf.contrib.image.translations_to_projective_transforms`.
    """
    with tf.name_scope(name, "translations_to_projective_transforms"):
        moves = tf.convert_to_tensor(translations, name="translations", dtype=tf.float32)
        rank = moves.get_shape().ndims
        if rank is None:
            raise TypeError("translation_or_translations rank must be statically known")
        if rank not in (1, 2):
            raise TypeError("Translations should have rank 1 or 2.")
        moves = moves[None] if rank == 1 else moves
        count = tf.shape(moves)[0]
        columns = [tf.ones((count, 1), tf.float32), tf.zeros((count, 1), tf.float32), -moves[:, 0, None]]
        columns += [tf.zeros((count, 1), tf.float32), tf.ones((count, 1), tf.float32), -moves[:, 1, None]]
        return tf.concat([*columns, tf.zeros((count, 2), tf.float32)], axis=1)


def _size(images: Any, wanted: Any) -> Any:
    if wanted is None:
        wanted = tf.shape(images)[1:3]
        known = constant_value(wanted)
        wanted = wanted if known is None else known
    size = tf.convert_to_tensor(wanted, tf.int32, name="output_shape")
    if not size.get_shape().is_compatible_with([2]):
        raise ValueError("output_shape must be a 1-D Tensor of 2 elements: new_height, new_width")
    return size


def _rows_of(transforms: Any) -> Any:
    if transforms.get_shape().ndims is None:
        raise TypeError("transform_or_transforms rank must be statically known")
    if transforms.get_shape().ndims not in (1, 2):
        raise TypeError("Transforms should have rank 1 or 2.")
    return transforms[None] if transforms.get_shape().ndims == 1 else transforms


@_exported("transform")
def transform(
    images: Any, transforms: Any, interpolation: str = "NEAREST", output_shape: Any = None, name: str | None = None
) -> Any:
    """Images whose pixel (x, y) is that of ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1.

    What is outside is 0.
    `transforms`: `f32[8]` or `f32[n, 8]`; no gradients go there. `output_shape`: [height, width].
    Raises TypeError: a type or a rank that images or transforms do not have; ValueError: another output shape.
    Source: TF 1.15 `tf.contrib.image.transform`.
    """
    with tf.name_scope(name, "transform"):
        given = tf.convert_to_tensor(images, name="images")
        flat = tf.convert_to_tensor(transforms, name="transforms", dtype=tf.float32)
        images = _batched(given)
        size = _size(images, output_shape)
        found = apply_op(
            "ImageProjectiveTransformV2", None, images=images, transforms=_rows_of(flat), output_shape=size,
            interpolation=interpolation.upper(),
        )  # fmt: skip
        return _unbatched(found, given.get_shape().ndims)


@_exported("compose_transforms")
def compose_transforms(*transforms: Any) -> Any:
    """One transform that does what several do after each other: `f32[n, 8]`. Raises AssertionError: none given.

    Source: TF 1.15 `tf.contrib.image.compose_transforms`.
    """
    if not transforms:
        raise AssertionError("transforms cannot be empty")
    with tf.name_scope("compose_transforms"):
        composed = flat_transforms_to_matrices(transforms[0])
        for each in transforms[1:]:
            composed = tf.matmul(composed, flat_transforms_to_matrices(each))
        return matrices_to_flat_transforms(composed)


@_exported("flat_transforms_to_matrices")
def flat_transforms_to_matrices(transforms: Any) -> Any:
    """Transforms as matrices of homogeneous coordinates: `f32[n, 3, 3]`. Raises ValueError: another rank than 1 and 2.

    Source: TF 1.15 `tf.contrib.image.flat_transforms_to_matrices`.
    """
    with tf.name_scope("flat_transforms_to_matrices"):
        transforms = tf.convert_to_tensor(transforms, name="transforms")
        if transforms.shape.ndims not in (1, 2):
            raise ValueError(f"Transforms should be 1D or 2D, got: {transforms}")
        return matrices_of(transforms)


@_exported("matrices_to_flat_transforms")
def matrices_to_flat_transforms(transform_matrices: Any) -> Any:
    """Matrices of homogeneous coordinates as transforms: `f32[n, 8]`. Raises ValueError: another rank than 2 and 3.

    Source: TF 1.15 `tf.contrib.image.matrices_to_flat_transforms`.
    """
    with tf.name_scope("matrices_to_flat_transforms"):
        matrices = tf.convert_to_tensor(transform_matrices, name="transform_matrices")
        if matrices.shape.ndims not in (2, 3):
            raise ValueError(f"Matrices should be 2D or 3D, got: {matrices}")
        return transforms_of(matrices)


@_exported("bipartite_match")
def bipartite_match(distance_mat: Any, num_valid_rows: Any, top_k: int = -1, name: str = "bipartite_match") -> Any:
    """(column of each row, row of each column), -1 for none: always the nearest pair that is left.

    `int32[rows]`, `int32[columns]`.
    Source: TF 1.15 `tf.contrib.image.bipartite_match`.
    """
    return apply_op("BipartiteMatch", name, distance_mat=distance_mat, num_valid_rows=num_valid_rows, top_k=top_k)


def _consecutive(ids: Any) -> Any:
    """A number for each of distinct ids: zero for zero, and those from one on for the others."""
    zeros = where_v2(tf.equal(ids, 0))[:, 0]
    numbers = tf.range(tf.shape(ids)[0] - tf.shape(zeros)[0]) + 1

    def with_zero() -> Any:
        place = tf.cast(zeros[0], tf.int32)
        return tf.concat([numbers[:place], [0], numbers[place:]], axis=0)

    return tf.cond(tf.equal(tf.shape(zeros)[0], 0), lambda: numbers, with_zero)


@_exported("connected_components")
def connected_components(images: Any) -> Any:
    """The number of the component that a pixel belongs to, 0 for empty ones: `int32[(batch,) height, width]`.

    Pixels beside or below each other with one value are one component; they count through all images.
    Raises TypeError: another rank. Source: TF 1.15 `tf.contrib.image.connected_components`.
    """
    with tf.name_scope("connected_components"):
        given = tf.convert_to_tensor(images, name="images")
        rank = len(given.get_shape())
        if rank not in (2, 3):
            raise TypeError(f"images should have rank 2 (HW) or 3 (NHW). Static shape is {given.get_shape()}")
        components = apply_op("ImageConnectedComponents", None, image=given[None, :, :] if rank == 2 else given)
        ids, index = tf.unique(tf.reshape(components, [-1]))
        numbered = tf.reshape(tf.gather(_consecutive(ids), index), tf.shape(components))
        return numbered[0, :, :] if rank == 2 else numbered


@export("contrib.resampler.resampler")
def resampler(data: Any, warp: Any, name: str = "resampler") -> Any:
    """Values of images between their pixels: `T[batch, ..., channels]`, zero outside.

    `data`: `T[batch, height, width, channels]`; `warp`: `T[batch, ..., 2]`, columns and rows.
    Raises InvalidArgumentError when it runs: other shapes. Source: TF 1.15 `tf.contrib.resampler.resampler`.
    """
    with tf.name_scope(name, "resampler", [data, warp]):
        data, warp = tf.convert_to_tensor(data, name="data"), tf.convert_to_tensor(warp, name="warp")
        return apply_op("Resampler", None, data=data, warp=warp)
