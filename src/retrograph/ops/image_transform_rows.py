"""Operations of `tf.contrib.image` and `tf.contrib.resampler`: pixels fetched from computed places, components."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.constants import constant
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, concatenate, unchanged, with_rank, with_rank_at_least
from retrograph.ops import array, joining, linalg
from retrograph.ops.raw import raw
from retrograph.ops.rows import both, ints, refuse, with_value

# ---- projective transforms


def _sized_shape(c: ShapeContext) -> list[Shape]:
    batch, _, _, depth = with_rank(c, c.input(0), 4)
    with_value(with_rank(c, c.input(2), 1)[0], 2)
    size = c.constant(2)
    return [(batch, None, None, depth) if size is None else (batch, *ints(size), depth)]


def _places(xp: Any, transforms: Any, height: int, width: int) -> tuple[Any, Any, Any]:
    """(rows, columns, which are somewhere) of the input for each pixel of the output: `f32[n, height, width]`."""
    t = [xp.asarray(transforms).astype(xp.float32)[:, i, None, None] for i in range(8)]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    depth = t[6] * x + t[7] * y + np.float32(1)
    somewhere = depth != 0
    depth = xp.where(somewhere, depth, np.float32(1))
    return (t[3] * x + t[4] * y + t[5]) / depth, (t[0] * x + t[1] * y + t[2]) / depth, somewhere


def _rounded(xp: Any, x: Any) -> Any:
    """The nearest whole number; a half goes away from zero, as C has it."""
    whole = xp.trunc(x)
    return whole + xp.where(xp.abs(x - whole) >= 0.5, xp.sign(x), np.float32(0))


def _fetched(xp: Any, images: Any, rows: Any, columns: Any) -> Any:
    """Pixels at whole numbers of rows and columns, `[batch, ...]` each; zero outside."""
    batch, height, width, depth = images.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    # What lies far outside need not be an integer.
    flat = xp.where(inside, rows, 0).astype(xp.int32) * width + xp.where(inside, columns, 0).astype(xp.int32)
    flat = xp.broadcast_to(flat, (batch, *flat.shape[1:]))
    pixels = xp.take_along_axis(
        images.reshape(batch, height * width, depth), flat.reshape(batch, -1)[..., None], axis=1
    )
    inside = xp.broadcast_to(inside, flat.shape)[..., None]
    return xp.where(inside, pixels.reshape(*flat.shape, depth), xp.zeros((), images.dtype))


def _bilinear(xp: Any, images: Any, rows: Any, columns: Any) -> Any:
    top, left = xp.floor(rows), xp.floor(columns)
    below, right = (rows - top)[..., None], (columns - left)[..., None]

    def line(row: Any) -> Any:
        first, second = (_fetched(xp, images, row, c).astype(xp.float32) for c in (left, left + 1))
        return (1 - right) * first + right * second

    return (1 - below) * line(top) + below * line(top + 1)


def _check_transforms(op: Any, images: Any, transforms: Any) -> None:
    shape = transforms.shape
    if len(shape) != 2 or shape[0] not in (images.shape[0], 1) or shape[1] != 8:
        refuse(op, "Input transform should be num_images x 8 or 1 x 8")


def _transformed(xp: Any, op: Any, images: Any, transforms: Any, size: Any = None) -> Any:
    images, transforms = xp.asarray(images), xp.asarray(transforms)
    _check_transforms(op, images, transforms)
    height, width = images.shape[1:3] if size is None else ints(size)
    if height <= 0 or width <= 0:
        refuse(op, "output dimensions must be positive")
    kind = op.attrs["interpolation"]
    kind = kind.decode() if isinstance(kind, bytes) else kind
    if kind not in ("NEAREST", "BILINEAR"):
        refuse(op, f"Invalid interpolation {kind}. Supported types: NEAREST, BILINEAR")
    rows, columns, somewhere = _places(xp, transforms, height, width)
    if kind == "NEAREST":
        found = _fetched(xp, images, _rounded(xp, rows), _rounded(xp, columns))
    else:
        found = _bilinear(xp, images, rows, columns).astype(images.dtype)
    return xp.where(somewhere[..., None], found, xp.zeros((), images.dtype))


def matrices_of(transforms: Any) -> Any:
    """Flat transforms, `[8]` or `[n, 8]`, as matrices: `[n, 3, 3]`."""
    transforms = array.reshape(transforms, constant([-1, 8]))
    count = array.shape(transforms)[0]
    return array.reshape(joining.concat([transforms, array.ones([count, 1])], axis=1), constant([-1, 3, 3]))


def transforms_of(matrices: Any) -> Any:
    """Matrices, `[3, 3]` or `[n, 3, 3]`, as flat transforms: `[n, 8]`."""
    flat = array.reshape(matrices, constant([-1, 9]))
    flat /= flat[:, 8:9]
    return flat[:, :8]


def _transformed_gradient(op: Any, grad: Any) -> list[Any]:
    inverse = transforms_of(linalg.matrix_inverse(matrices_of(op.inputs[1])))
    size = array.shape(op.inputs[0])[1:3]
    found = raw("ImageProjectiveTransformV2", grad, inverse, size, interpolation=op.get_attr("interpolation"))
    return [found, None, None]


register_op("ImageProjectiveTransform", shape=unchanged, **both(_transformed))
register_op(
    "ImageProjectiveTransformV2", shape=_sized_shape, gradient=_transformed_gradient, static_inputs=(2,),
    **both(_transformed),
)  # fmt: skip


# ---- sampled


def _sampled_shape(c: ShapeContext) -> list[Shape]:
    data, warp = (with_rank_at_least(c, c.input(i), 1) for i in (0, 1))
    if warp is None:
        return [None]
    return [concatenate(warp[:-1], (None if data is None else data[-1],))]


def _unsupported(op: Any, text: str) -> None:
    raise errors.UnimplementedError(None, op, text)


def _shown(shape: Any) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _check_warp(op: Any, data: Any, warp: Any) -> None:
    shape = f"{_shown(warp.shape)}"
    if data.ndim != 4:
        _unsupported(
            op,
            "Only bilinear interpolation is currently supported. The input data shape must be [batch_size, "
            f"data_height, data_width, data_channels], but is: {_shown(data.shape)}",
        )
    if warp.ndim < 2:
        refuse(op, f"warp should be at least a matrix, got shape {shape}")
    if warp.shape[-1] != 2:
        _unsupported(
            op,
            "Only bilinear interpolation is supported, warping coordinates must be 2D; warp shape last entry should "
            f"be 2, but shape vector is: {shape}",
        )
    if data.shape[0] != warp.shape[0]:
        refuse(
            op,
            f"Batch size of data and warp tensor must be the same, but input shapes are: {_shown(data.shape)}, {shape}",
        )


def _sampled(xp: Any, op: Any, data: Any, warp: Any) -> Any:
    data, warp = xp.asarray(data), xp.asarray(warp)
    _check_warp(op, data, warp)
    columns, rows = warp[..., 0], warp[..., 1]
    left, top = xp.floor(columns), xp.floor(rows)
    # Outside by less than a pixel, zeros are mixed in; beyond, all is zero.
    near = (columns > -1) & (rows > -1) & (columns < data.shape[2]) & (rows < data.shape[1])
    dx, dy = (left + 1 - columns)[..., None], (top + 1 - rows)[..., None]
    parts = [
        (dx * dy, top, left), ((1 - dx) * (1 - dy), top + 1, left + 1),
        (dx * (1 - dy), top + 1, left), ((1 - dx) * dy, top, left + 1),
    ]  # fmt: skip
    weighted = [weight * _fetched(xp, data, row, column) for weight, row, column in parts]
    found = weighted[0] + weighted[1] + weighted[2] + weighted[3]
    return xp.where(near[..., None], found, xp.zeros((), data.dtype)).astype(data.dtype)


def _sampled_back(op: Any, data: Any, warp: Any, grad: Any) -> Any:
    back = jax.vjp(lambda d, w: _sampled(jnp, op, d, w), jnp.asarray(data), jnp.asarray(warp))[1]
    return back(jnp.asarray(grad))


def _both_shapes(c: ShapeContext) -> list[Shape]:
    return [c.input(0), c.input(1)]


register_op(
    "Resampler", shape=_sampled_shape, gradient=lambda op, grad: list(raw("ResamplerGrad", *op.inputs, grad)),
    **both(_sampled),
)  # fmt: skip
register_op("ResamplerGrad", shape=_both_shapes, lower=_sampled_back, gradient=NO_GRADIENT)


# ---- components and matches


def _edges(images: Any, filled: Any) -> Any:
    """Pairs of pixels beside each other with one value that counts: `int64[n, 2]`."""
    index = np.arange(images.size).reshape(images.shape)
    found = []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:, :, :-1], np.s_[:, :, 1:])):
        joined = (images[first] == images[second]) & filled[first]
        found.append(np.stack([index[first][joined], index[second][joined]], 1))
    return np.concatenate(found)


def _joined(edges: Any, size: int) -> Any:
    """For each pixel the first one of all that edges join it with: `int64[size]`."""
    labels = np.arange(size)
    while len(edges):
        ends = labels[edges]
        np.minimum.at(labels, ends.max(1), ends.min(1))
        while (labels != labels[labels]).any():
            labels = labels[labels]
        edges = edges[labels[edges[:, 0]] != labels[edges[:, 1]]]
    return labels


def _components(op: Any, images: Any) -> Any:
    images = np.asarray(images)
    if images.ndim != 3:
        refuse(op, f"Input images must have rank 3 (NHW), got {_shown(images.shape)}")
    filled = (
        np.array([bool(v) for v in images.ravel()]).reshape(images.shape) if images.dtype == object else images != 0
    )
    labels = _joined(_edges(images, filled), images.size)
    made = np.zeros(images.size, np.int64)
    made[filled.ravel()] = np.unique(labels[filled.ravel()], return_inverse=True)[1] + 1
    return made.reshape(images.shape)


def _valid_rows(op: Any, distances: Any, valid: Any) -> int:
    if valid.size != 1:
        refuse(op, f"num_valid_rows argument should be a tensor with 1 element, but got {valid.size}")
    count = float(valid.ravel()[0])
    rows = int(count + 0.1) if count >= 0 else len(distances)
    if rows > len(distances):
        refuse(op, f"There should be at least {rows} rows in distance_mat, but only got {len(distances)} rows.")
    return rows


def _matches(op: Any, distances: Any, valid: Any) -> Any:
    distances = np.asarray(distances)
    if distances.ndim != 2:
        refuse(op, f"distance_mat should be 2-dimensional, but got {_shown(distances.shape)}")
    rows, columns = _valid_rows(op, distances, np.asarray(valid)), distances.shape[1]
    most = op.attrs["top_k"] if op.attrs["top_k"] > 0 else rows * columns
    of_rows, of_columns = np.full(len(distances), -1, np.int32), np.full(columns, -1, np.int32)
    found = 0
    for place in np.argsort(distances[:rows].ravel(), kind="stable").tolist():
        row, column = divmod(place, columns)
        if of_rows[row] == -1 and of_columns[column] == -1 and found < most:
            of_rows[row], of_columns[column], found = column, row, found + 1
    return of_rows, of_columns


def _matched_shape(c: ShapeContext) -> list[Shape]:
    rows, columns = with_rank(c, c.input(0), 2)
    return [(rows,), (columns,)]


register_op("ImageConnectedComponents", shape=unchanged, numpy=_components, host=True, gradient=NO_GRADIENT)
register_op("BipartiteMatch", shape=_matched_shape, numpy=_matches, host=True, gradient=NO_GRADIENT)
