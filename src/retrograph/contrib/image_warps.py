"""`tf.contrib.image`'s warps: by a flow of each pixel, and by splines through control points."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export

_EPSILON = 1e-10
_TOO_LARGE = (
    "The image size or batch size is sufficiently large that the linearized addresses used by tf.gather may exceed "
    "the int32 limit."
)


def _checked_queries(points: Any) -> list[Any]:
    return [
        tf.assert_equal(len(points.get_shape()), 3, message="Query points must be 3 dimensional."),
        tf.assert_equal(tf.shape(points)[2], 2, message="Query points must be size 2 in dim 2."),
    ]


def _checked_grid(height: Any, width: Any) -> list[Any]:
    return [
        tf.assert_greater_equal(height, 2, message="Grid height must be at least 2."),
        tf.assert_greater_equal(width, 2, message="Grid width must be at least 2."),
    ]


def _split(queries: Any, size: Any, dtype: Any) -> tuple[Any, Any]:
    """(index of the pixel before, how far it is from there) of places along one axis."""
    last = tf.cast(size - 2, queries.dtype)
    floor = tf.minimum(tf.maximum(tf.constant(0.0, dtype=queries.dtype), tf.floor(queries)), last)
    part = tf.cast(queries - floor, dtype)
    part = tf.minimum(tf.maximum(tf.constant(0.0, dtype=dtype), part), tf.constant(1.0, dtype=dtype))
    return tf.cast(floor, tf.int32), tf.expand_dims(part, 2)


def _interpolate_bilinear(
    grid: Any, query_points: Any, name: str = "interpolate_bilinear", indexing: str = "ij"
) -> Any:
    """Values between the points of a grid: `T[batch, queries, channels]`; those outside are moved to the edge."""
    if indexing not in ("ij", "xy"):
        raise ValueError("Indexing mode must be 'ij' or 'xy'")
    with tf.name_scope(name):
        grid, query_points = tf.convert_to_tensor(grid), tf.convert_to_tensor(query_points)
        if len(grid.get_shape().as_list()) != 4:
            raise ValueError(f"Grid must be 4 dimensional. Received size: {grid.get_shape()}")
        sizes = [tf.shape(grid)[i] for i in range(4)]
        batch, height, width, channels = sizes
        with tf.control_dependencies(_checked_queries(query_points)):
            count = tf.shape(query_points)[1]
        with tf.control_dependencies(_checked_grid(height, width)):
            places = tf.unstack(query_points, axis=2)
        order = (0, 1) if indexing == "ij" else (1, 0)
        (y, down), (x, across) = [_split(places[d], sizes[d + 1], grid.dtype) for d in order]
        pixels = tf.cast(batch * height * width, dtype=tf.float32)
        with tf.control_dependencies([tf.assert_less_equal(pixels, np.iinfo(np.int32).max / 8, message=_TOO_LARGE)]):
            flat = tf.reshape(grid, [batch * height * width, channels])
        offsets = tf.reshape(tf.range(batch) * height * width, [batch, 1])

        def pixel(row: Any, column: Any) -> Any:
            return tf.reshape(tf.gather(flat, offsets + row * width + column), [batch, count, channels])

        def line(row: Any) -> Any:
            first = pixel(row, x)
            return across * (pixel(row, x + 1) - first) + first

        top = line(y)
        return down * (line(y + 1) - top) + top


@export("contrib.image.dense_image_warp")
def dense_image_warp(image: Any, flow: Any, name: str = "dense_image_warp") -> Any:
    """Images whose pixel (row, column) is that of (row, column) - flow: `T[batch, height, width, channels]`.

    `flow`: `f32[batch, height, width, 2]`. Raises ValueError: other ranks.
    Source: TF 1.15 `tf.contrib.image.dense_image_warp`.
    """
    with tf.name_scope(name):
        batch, height, width, channels = (tf.shape(image)[i] for i in range(4))
        columns, rows = tf.meshgrid(tf.range(width), tf.range(height))
        places = tf.expand_dims(tf.cast(tf.stack([rows, columns], axis=2), flow.dtype), axis=0) - flow
        found = _interpolate_bilinear(image, tf.reshape(places, [batch, height * width, 2]))
        return tf.reshape(found, [batch, height, width, channels])


# ---- splines


def _distances(x: Any, y: Any) -> Any:
    """Squares of the distances of all points of two sets: `f32[batch, n, m]`."""
    of_x, of_y = tf.reduce_sum(tf.square(x), 2), tf.reduce_sum(tf.square(y), 2)
    return tf.expand_dims(of_x, 2) - 2 * tf.matmul(x, y, adjoint_b=True) + tf.expand_dims(of_y, 1)


def _own_distances(x: Any) -> Any:
    """Squares of the distances of all points of one set, exactly 0 of a point from itself."""
    products = tf.matmul(x, x, adjoint_b=True)
    squares = tf.expand_dims(tf.matrix_diag_part(products), 2)
    return squares - 2 * products + tf.transpose(squares, [0, 2, 1])


def _phi(r: Any, order: int) -> Any:
    """The radial function of an order, of squares of distances."""
    with tf.name_scope("phi"):
        bounded = tf.maximum(r, _EPSILON)
        if order == 1:
            return tf.sqrt(bounded)
        if order == 2:
            return 0.5 * r * tf.log(bounded)
        if order == 4:
            return 0.5 * tf.square(r) * tf.log(bounded)
        power = tf.pow(bounded, 0.5 * order)
        return 0.5 * power * tf.log(bounded) if order % 2 == 0 else power


def _known(dim: Any, what: str) -> int:
    size = tf.compat.dimension_value(dim)
    if size is None:
        raise ValueError(f"The dimensionality of the {what} must be statically-inferrable.")
    return int(size)


def _solved(points: Any, values: Any, order: int, regularization: float) -> tuple[Any, Any]:
    """(weights of the radial functions, linear part) of the spline through points."""
    batch, count, _ = tf.unstack(tf.shape(points), num=3)
    size, outputs = _known(points.shape[-1], "input points (d)"), _known(values.shape[-1], "output values (k)")
    with tf.name_scope("construct_linear_system"):
        radial = _phi(_own_distances(points), order)
        if regularization > 0:
            radial += regularization * tf.expand_dims(tf.eye(count, dtype=points.dtype), 0)
        linear = tf.concat([points, tf.ones_like(points[..., :1], dtype=points.dtype)], 2)
        left = tf.concat([radial, tf.transpose(linear, [0, 2, 1])], 1)
        right = tf.concat([linear, tf.zeros([batch, size + 1, size + 1], points.dtype)], 1)
        wanted = tf.concat([values, tf.zeros([batch, size + 1, outputs], points.dtype)], 1)
    with tf.name_scope("solve_linear_system"):
        found = tf.matrix_solve(tf.concat([left, right], 2), wanted)
        return found[:, :count, :], found[:, count:, :]


@export("contrib.image.interpolate_spline")
def interpolate_spline(
    train_points: Any,
    train_values: Any,
    query_points: Any,
    order: int,
    regularization_weight: float = 0.0,
    name: str = "interpolate_spline",
) -> Any:
    """Values of a polyharmonic spline through points: `T[batch, m, k]`.

    `train_points`: `T[batch, n, d]`, `train_values`: `T[batch, n, k]`, `query_points`: `T[batch, m, d]`.
    Raises ValueError: d or k is not known. Source: TF 1.15 `tf.contrib.image.interpolate_spline`.
    """
    with tf.name_scope(name):
        points, values = tf.convert_to_tensor(train_points), tf.convert_to_tensor(train_values)
        queries = tf.convert_to_tensor(query_points)
        with tf.name_scope("solve"):
            weights, linear = _solved(points, values, order, regularization_weight)
        with tf.name_scope("predict"):
            curved = tf.matmul(_phi(_distances(queries, points), order), weights)
            padded = tf.concat([queries, tf.ones_like(queries[..., :1], points.dtype)], 2)
            return curved + tf.matmul(padded, linear)


def _batch_of(values: Any, batch: int) -> Any:
    return np.tile(values[None], [batch, *[1] * values.ndim])


def _boundary(height: int, width: int, between: int) -> Any:
    """Points along the edges of an image: `f64[n, 2]`."""
    y, x = (np.linspace(0, side - 1, between + 2) for side in (height, width))
    rows, columns = np.meshgrid(y, x, indexing="ij")
    outer = (columns == 0) | (columns == width - 1) | (rows == 0) | (rows == height - 1)
    return np.stack([rows[outer], columns[outer]], axis=-1)


def _clamped(places: Any, flows: Any, height: int, width: int, between: int) -> tuple[Any, Any]:
    """Control points and their flows with more along the edges, which stay where they are."""
    batch, edge = tf.compat.dimension_value(places.shape[0]), _boundary(height, width, between)
    fixed = tf.constant(_batch_of(edge, batch), dtype=places.dtype)
    still = tf.constant(_batch_of(np.zeros_like(edge), batch), dtype=places.dtype)
    return tf.concat([places, fixed], 1), tf.concat([flows, still], 1)


@export("contrib.image.sparse_image_warp")
def sparse_image_warp(
    image: Any,
    source_control_point_locations: Any,
    dest_control_point_locations: Any,
    interpolation_order: int = 2,
    regularization_weight: float = 0.0,
    num_boundary_points: int = 0,
    name: str = "sparse_image_warp",
) -> Any:
    """(images warped so that control points go where they are told, flow).

    `T[batch, height, width, channels]`, `T[batch, height, width, 2]`.
    Both sets of control points are `T[batch, n, 2]`, rows and columns; the image's sizes have to be known.
    Source: TF 1.15 `tf.contrib.image.sparse_image_warp`.
    """
    image, source = tf.convert_to_tensor(image), tf.convert_to_tensor(source_control_point_locations)
    places = tf.convert_to_tensor(dest_control_point_locations)
    flows = places - source
    with tf.name_scope(name):
        batch, height, width, _ = image.get_shape().as_list()
        rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        grid = np.stack([rows, columns], -1).reshape(height * width, 2).astype(np.float64)
        queries = tf.constant(_batch_of(grid, batch), image.dtype)
        if num_boundary_points > 0:
            places, flows = _clamped(places, flows, height, width, num_boundary_points - 1)
        found = interpolate_spline(places, flows, queries, interpolation_order, regularization_weight)
        dense = tf.reshape(found, [batch, height, width, 2])
        return dense_image_warp(image, dense), dense
