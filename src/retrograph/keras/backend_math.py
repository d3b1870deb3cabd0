"""`tf.keras.backend`: mathematics, reductions, shapes, random numbers."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.backend_values import int_shape, is_sparse, ndim, to_dense
from retrograph.keras.state import floatx, image_data_format


def checked_format(data_format: Any) -> str:
    """The data format, by default the one that is set; ValueError for an unknown one."""
    data_format = image_data_format() if data_format is None else data_format
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError("Unknown data_format: " + str(data_format))
    return data_format  # type: ignore[no-any-return]


@export("keras.backend.zeros_like")
def zeros_like(x: Any, dtype: Any = None, name: Any = None) -> Any:
    """Zeros of the shape of `x`. Source: TF 1.15 `tf.keras.backend.zeros_like`."""
    return tf.zeros_like(x, dtype=dtype, name=name)


@export("keras.backend.ones_like")
def ones_like(x: Any, dtype: Any = None, name: Any = None) -> Any:
    """Ones of the shape of `x`. Source: TF 1.15 `tf.keras.backend.ones_like`."""
    return tf.ones_like(x, dtype=dtype, name=name)


def identity(x: Any, name: Any = None) -> Any:
    """The same values in another tensor."""
    return tf.identity(x, name=name)


@export("keras.backend.cast")
def cast(x: Any, dtype: Any) -> Any:
    """`x` as another dtype. Source: TF 1.15 `tf.keras.backend.cast`."""
    return tf.cast(x, dtype)


@export("keras.backend.dot")
def dot(x: Any, y: Any) -> Any:
    """The product along the last axis of `x` and the last but one of `y`. Source: TF 1.15 `tf.keras.backend.dot`."""
    if ndim(x) is not None and (ndim(x) > 2 or ndim(y) > 2):
        left, right = _sizes(x), _sizes(y)
        order = list(range(ndim(y)))
        order = [order.pop(-2), *order]
        xt = tf.reshape(x, [-1, left[-1]])
        yt = tf.reshape(tf.transpose(y, perm=order), [right[-2], -1])
        return tf.reshape(tf.matmul(xt, yt), left[:-1] + right[:-2] + right[-1:])
    return tf.sparse_tensor_dense_matmul(x, y) if is_sparse(x) else tf.matmul(x, y)


def _sizes(x: Any) -> tuple[Any, ...]:
    dynamic = tf.unstack(tf.shape(x))
    return tuple(d if s is None else s for s, d in zip(int_shape(x), dynamic, strict=True))


@export("keras.backend.batch_dot")
def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The products of each batch's `x` and `y` along two axes. Source: TF 1.15 `tf.keras.backend.batch_dot`."""
    first, second = ndim(x), ndim(y)
    axes = (axes, axes) if isinstance(axes, int) else axes
    axes = [first - 1, second - 2] if axes is None else axes
    diff = builtins.abs(first - second)
    if first > second:
        y = tf.reshape(y, tf.concat([tf.shape(y), [1] * diff], axis=0))
    elif second > first:
        x = tf.reshape(x, tf.concat([tf.shape(x), [1] * diff], axis=0))
    out = _batch_product(x, y, axes)
    if diff:
        at = first + second - 3 if first > second else first - 1
        out = tf.squeeze(out, list(range(at, at + diff)))
    return expand_dims(out, 1) if ndim(out) == 1 else out


def _batch_product(x: Any, y: Any, axes: Any) -> Any:
    if ndim(x) == 2 and ndim(y) == 2:
        if axes[0] == axes[1]:
            return tf.reduce_sum(tf.multiply(x, y), axes[0])
        return tf.reduce_sum(tf.multiply(tf.transpose(x, [1, 0]), y), axes[1])
    return tf.matmul(x, y, adjoint_a=axes[0] != ndim(x) - 1, adjoint_b=axes[1] == ndim(y) - 1)


@export("keras.backend.transpose")
def transpose(x: Any) -> Any:
    """The axes in reverse order. Source: TF 1.15 `tf.keras.backend.transpose`."""
    return tf.transpose(x)


@export("keras.backend.gather")
def gather(reference: Any, indices: Any) -> Any:
    """Rows by index. Source: TF 1.15 `tf.keras.backend.gather`."""
    return tf.gather(reference, indices)


def _as_numbers(x: Any) -> Any:
    return tf.cast(x, floatx()) if x.dtype.base_dtype == tf.bool else x


@export("keras.backend.max")
def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The greatest along axes. Source: TF 1.15 `tf.keras.backend.max`."""
    return tf.reduce_max(x, axis, keepdims)


@export("keras.backend.min")
def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The least along axes. Source: TF 1.15 `tf.keras.backend.min`."""
    return tf.reduce_min(x, axis, keepdims)


@export("keras.backend.sum")
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum along axes. Source: TF 1.15 `tf.keras.backend.sum`."""
    return tf.reduce_sum(x, axis, keepdims)


@export("keras.backend.prod")
def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product along axes. Source: TF 1.15 `tf.keras.backend.prod`."""
    return tf.reduce_prod(x, axis, keepdims)


@export("keras.backend.mean")
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean along axes, of booleans too. Source: TF 1.15 `tf.keras.backend.mean`."""
    return tf.reduce_mean(_as_numbers(x), axis, keepdims)


@export("keras.backend.var")
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance along axes. Source: TF 1.15 `tf.keras.backend.var`."""
    return tf.math.reduce_variance(_as_numbers(x), axis=axis, keepdims=keepdims)


@export("keras.backend.std")
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation along axes. Source: TF 1.15 `tf.keras.backend.std`."""
    return tf.math.reduce_std(_as_numbers(x), axis=axis, keepdims=keepdims)


@export("keras.backend.any")
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any is true (not 0) along axes. Source: TF 1.15 `tf.keras.backend.any`."""
    return tf.reduce_any(tf.cast(x, tf.bool), axis, keepdims)


@export("keras.backend.all")
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all are true (not 0) along axes. Source: TF 1.15 `tf.keras.backend.all`."""
    return tf.reduce_all(tf.cast(x, tf.bool), axis, keepdims)


@export("keras.backend.argmax")
def argmax(x: Any, axis: Any = -1) -> Any:
    """Where the greatest is. Source: TF 1.15 `tf.keras.backend.argmax`."""
    return tf.argmax(x, axis)


@export("keras.backend.argmin")
def argmin(x: Any, axis: Any = -1) -> Any:
    """Where the least is. Source: TF 1.15 `tf.keras.backend.argmin`."""
    return tf.argmin(x, axis)


@export("keras.backend.cumsum")
def cumsum(x: Any, axis: Any = 0) -> Any:
    """The sums so far. Source: TF 1.15 `tf.keras.backend.cumsum`."""
    return tf.cumsum(x, axis=axis)


@export("keras.backend.cumprod")
def cumprod(x: Any, axis: Any = 0) -> Any:
    """The products so far. Source: TF 1.15 `tf.keras.backend.cumprod`."""
    return tf.cumprod(x, axis=axis)


@export("keras.backend.square")
def square(x: Any) -> Any:
    """The squares. Source: TF 1.15 `tf.keras.backend.square`."""
    return tf.square(x)


@export("keras.backend.abs")
def abs(x: Any) -> Any:
    """The absolute values. Source: TF 1.15 `tf.keras.backend.abs`."""
    return tf.abs(x)


@export("keras.backend.sqrt")
def sqrt(x: Any) -> Any:
    """The square roots, 0 of negative numbers. Source: TF 1.15 `tf.keras.backend.sqrt`."""
    kind = x.dtype.base_dtype
    return tf.sqrt(tf.clip_by_value(x, tf.constant(0.0, dtype=kind), tf.constant(np.inf, dtype=kind)))


@export("keras.backend.exp")
def exp(x: Any) -> Any:
    """e to the power of `x`. Source: TF 1.15 `tf.keras.backend.exp`."""
    return tf.exp(x)


@export("keras.backend.log")
def log(x: Any) -> Any:
    """The natural logarithms. Source: TF 1.15 `tf.keras.backend.log`."""
    return tf.log(x)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The logarithm of the sum of exponentials along axes."""
    return tf.reduce_logsumexp(x, axis, keepdims)


@export("keras.backend.round")
def round(x: Any) -> Any:
    """The nearest integers, halves to even. Source: TF 1.15 `tf.keras.backend.round`."""
    return tf.round(x)


@export("keras.backend.sign")
def sign(x: Any) -> Any:
    """The signs. Source: TF 1.15 `tf.keras.backend.sign`."""
    return tf.sign(x)


@export("keras.backend.pow")
def pow(x: Any, a: Any) -> Any:
    """`x` to the power of `a`. Source: TF 1.15 `tf.keras.backend.pow`."""
    return tf.pow(x, a)


@export("keras.backend.sin")
def sin(x: Any) -> Any:
    """The sines. Source: TF 1.15 `tf.keras.backend.sin`."""
    return tf.sin(x)


@export("keras.backend.cos")
def cos(x: Any) -> Any:
    """The cosines. Source: TF 1.15 `tf.keras.backend.cos`."""
    return tf.cos(x)


@export("keras.backend.clip")
def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """`x` within bounds. Source: TF 1.15 `tf.keras.backend.clip`."""
    max_value = np.inf if max_value is None else builtins.max(max_value, min_value)
    kind = x.dtype.base_dtype
    return tf.clip_by_value(x, tf.constant(min_value, dtype=kind), tf.constant(max_value, dtype=kind))


@export("keras.backend.equal")
def equal(x: Any, y: Any) -> Any:
    """Whether equal, by element. Source: TF 1.15 `tf.keras.backend.equal`."""
    return tf.equal(x, y)


@export("keras.backend.not_equal")
def not_equal(x: Any, y: Any) -> Any:
    """Whether different, by element. Source: TF 1.15 `tf.keras.backend.not_equal`."""
    return tf.not_equal(x, y)


@export("keras.backend.greater")
def greater(x: Any, y: Any) -> Any:
    """Whether greater, by element. Source: TF 1.15 `tf.keras.backend.greater`."""
    return tf.greater(x, y)


@export("keras.backend.greater_equal")
def greater_equal(x: Any, y: Any) -> Any:
    """Whether greater or equal, by element. Source: TF 1.15 `tf.keras.backend.greater_equal`."""
    return tf.greater_equal(x, y)


@export("keras.backend.less")
def less(x: Any, y: Any) -> Any:
    """Whether less, by element. Source: TF 1.15 `tf.keras.backend.less`."""
    return tf.less(x, y)


@export("keras.backend.less_equal")
def less_equal(x: Any, y: Any) -> Any:
    """Whether less or equal, by element. Source: TF 1.15 `tf.keras.backend.less_equal`."""
    return tf.less_equal(x, y)


@export("keras.backend.maximum")
def maximum(x: Any, y: Any) -> Any:
    """The greater of each. Source: TF 1.15 `tf.keras.backend.maximum`."""
    return tf.maximum(x, y)


@export("keras.backend.minimum")
def minimum(x: Any, y: Any) -> Any:
    """The less of each. Source: TF 1.15 `tf.keras.backend.minimum`."""
    return tf.minimum(x, y)


# --- shapes -------------------------------------------------------------------------------------------------------


@export("keras.backend.concatenate")
def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Tensors joined along an axis. Source: TF 1.15 `tf.keras.backend.concatenate`."""
    if axis < 0:
        rank = ndim(tensors[0])
        axis = axis % rank if rank else 0
    if builtins.all(is_sparse(x) for x in tensors):
        return tf.sparse_concat(axis, tensors)
    return tf.concat([to_dense(x) for x in tensors], axis)


@export("keras.backend.reshape")
def reshape(x: Any, shape: Any) -> Any:
    """`x` in another shape. Source: TF 1.15 `tf.keras.backend.reshape`."""
    return tf.reshape(x, shape)


@export("keras.backend.permute_dimensions")
def permute_dimensions(x: Any, pattern: Any) -> Any:
    """The axes in another order. Source: TF 1.15 `tf.keras.backend.permute_dimensions`."""
    return tf.transpose(x, perm=pattern)


@export("keras.backend.repeat_elements")
def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element along an axis `rep` times. Source: TF 1.15 `tf.keras.backend.repeat_elements`."""
    sizes = x.shape.as_list()
    if sizes[axis] is not None:
        parts = tf.split(value=x, num_or_size_splits=sizes[axis], axis=axis)
        return concatenate([part for part in parts for _ in range(rep)], axis)
    repeats = np.ones(len(sizes) + 1)
    repeats[axis + 1] = rep
    spread = tf.tile(tf.expand_dims(x, axis=axis + 1), repeats)
    factors = np.delete(repeats, axis + 1)
    factors[axis] = rep
    repeated = tf.reshape(spread, tf.shape(x) * tf.constant(factors, dtype="int32"))
    repeated.set_shape(sizes)
    return repeated


@export("keras.backend.repeat")
def repeat(x: Any, n: Any) -> Any:
    """f[batch, k] as f[batch, n, k]. Source: TF 1.15 `tf.keras.backend.repeat`."""
    assert ndim(x) == 2
    return tf.tile(tf.expand_dims(x, 1), tf.stack([1, n, 1]))


@export("keras.backend.arange")
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """Numbers in steps; none for a negative end. Source: TF 1.15 `tf.keras.backend.arange`."""
    if stop is None and start < 0:
        start = 0
    result = tf.range(start, limit=stop, delta=step, name="arange")
    return result if dtype == "int32" else tf.cast(result, dtype)


@export("keras.backend.tile")
def tile(x: Any, n: Any) -> Any:
    """`x` repeated along its axes. Source: TF 1.15 `tf.keras.backend.tile`."""
    return tf.tile(x, [n] if isinstance(n, int) else n)


@export("keras.backend.flatten")
def flatten(x: Any) -> Any:
    """All elements along one axis. Source: TF 1.15 `tf.keras.backend.flatten`."""
    return tf.reshape(x, [-1])


@export("keras.backend.batch_flatten")
def batch_flatten(x: Any) -> Any:
    """All axes but the first made one. Source: TF 1.15 `tf.keras.backend.batch_flatten`."""
    return tf.reshape(x, tf.stack([-1, prod(tf.shape(x)[1:])]))


@export("keras.backend.expand_dims")
def expand_dims(x: Any, axis: int = -1) -> Any:
    """An axis of size 1 more. Source: TF 1.15 `tf.keras.backend.expand_dims`."""
    return tf.expand_dims(x, axis)


@export("keras.backend.squeeze")
def squeeze(x: Any, axis: int) -> Any:
    """An axis of size 1 less. Source: TF 1.15 `tf.keras.backend.squeeze`."""
    return tf.squeeze(x, [axis])


@export("keras.backend.temporal_padding")
def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and after axis 1 of three. Source: TF 1.15 `tf.keras.backend.temporal_padding`."""
    assert len(padding) == 2
    return tf.pad(x, [[0, 0], [padding[0], padding[1]], [0, 0]])


def _padded(x: Any, padding: Any, data_format: Any) -> Any:
    around = [list(pair) for pair in padding]
    none = [[0, 0]]
    first = checked_format(data_format) == "channels_first"
    return tf.pad(x, none + none + around if first else none + around + none)


@export("keras.backend.spatial_2d_padding")
def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: Any = None) -> Any:
    """Zeros around images. Source: TF 1.15 `tf.keras.backend.spatial_2d_padding`."""
    assert len(padding) == 2
    return _padded(x, padding, data_format)


@export("keras.backend.spatial_3d_padding")
def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None) -> Any:
    """Zeros around volumes. Source: TF 1.15 `tf.keras.backend.spatial_3d_padding`."""
    assert len(padding) == 3
    return _padded(x, padding, data_format)


@export("keras.backend.stack")
def stack(x: Any, axis: int = 0) -> Any:
    """Tensors along a new axis. Source: TF 1.15 `tf.keras.backend.stack`."""
    return tf.stack(x, axis=axis)


@export("keras.backend.one_hot")
def one_hot(indices: Any, num_classes: Any) -> Any:
    """1 at each index, else 0. Source: TF 1.15 `tf.keras.backend.one_hot`."""
    return tf.one_hot(indices, depth=num_classes, axis=-1)


@export("keras.backend.reverse")
def reverse(x: Any, axes: Any) -> Any:
    """Axes turned around. Source: TF 1.15 `tf.keras.backend.reverse`."""
    return tf.reverse(x, [axes] if isinstance(axes, int) else axes)


@export("keras.backend.resize_images")
def resize_images(
    x: Any, height_factor: Any, width_factor: Any, data_format: Any, interpolation: str = "nearest"
) -> Any:
    """Images made larger by factors.

    Raises ValueError: another data format or interpolation. Source: TF 1.15 `tf.keras.backend.resize_images`.
    """
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Invalid `data_format` argument: {data_format}")
    first = data_format == "channels_first"
    rows = 2 if first else 1
    sizes = int_shape(x)
    wanted = tf.shape(x)[rows : rows + 2] * tf.constant(np.array([height_factor, width_factor], dtype="int32"))
    if first:
        x = permute_dimensions(x, [0, 2, 3, 1])
    x = _resized(x, wanted, interpolation)
    if first:
        x = permute_dimensions(x, [0, 3, 1, 2])
    space = [
        None if s is None else s * f for s, f in zip(sizes[rows : rows + 2], (height_factor, width_factor), strict=True)
    ]
    x.set_shape([None, None, *space] if first else [None, *space, None])
    return x


def _resized(x: Any, sizes: Any, interpolation: str) -> Any:
    if interpolation == "nearest":
        with tf.name_scope("resize", values=[x, sizes]):
            return tf.image.resize_nearest_neighbor(x, sizes, half_pixel_centers=True)
    if interpolation == "bilinear":
        with tf.name_scope("resize", values=[x, sizes]):
            return tf.image.resize_bilinear(x, sizes, half_pixel_centers=True)
    raise ValueError('interpolation should be one of "nearest" or "bilinear".')


@export("keras.backend.resize_volumes")
def resize_volumes(x: Any, depth_factor: Any, height_factor: Any, width_factor: Any, data_format: Any) -> Any:
    """Volumes made larger by factors; ValueError for another data format. Source: TF 1.15 `tf.keras.backend.resize_volumes`."""
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError("Invalid data_format: " + str(data_format))
    axis = 2 if data_format == "channels_first" else 1
    for i, factor in enumerate((depth_factor, height_factor, width_factor)):
        x = repeat_elements(x, factor, axis=axis + i)
    return x


# --- random numbers -----------------------------------------------------------------------------------------------


def _seed(seed: Any) -> Any:
    """By default a number of NumPy's generator, so that seeding NumPy seeds it."""
    return np.random.randint(int(10e6)) if seed is None else seed


@export("keras.backend.random_normal")
def random_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normal numbers. Source: TF 1.15 `tf.keras.backend.random_normal`."""
    return tf.random_normal(shape, mean=mean, stddev=stddev, dtype=dtype or floatx(), seed=_seed(seed))


@export("keras.backend.random_uniform")
def random_uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Uniform numbers. Source: TF 1.15 `tf.keras.backend.random_uniform`."""
    return tf.random_uniform(shape, minval=minval, maxval=maxval, dtype=dtype or floatx(), seed=_seed(seed))


@export("keras.backend.truncated_normal")
def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Truncated normal numbers. Source: TF 1.15 `tf.keras.backend.truncated_normal`."""
    return tf.truncated_normal(shape, mean, stddev, dtype=dtype or floatx(), seed=_seed(seed))


@export("keras.backend.random_binomial")
def random_binomial(shape: Any, p: Any = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with probability `p`, else 0. Source: TF 1.15 `tf.keras.backend.random_binomial`."""
    kind = dtype or floatx()
    drawn = tf.random_uniform(shape, dtype=kind, seed=_seed(seed)) <= p
    return tf.where(drawn, tf.ones(shape, dtype=kind), tf.zeros(shape, dtype=kind))


@export("keras.backend.map_fn")
def map_fn(fn: Any, elems: Any, name: Any = None, dtype: Any = None) -> Any:
    """A function of each row. Source: TF 1.15 `tf.keras.backend.map_fn`."""
    return tf.map_fn(fn, elems, name=name, dtype=dtype)


@export("keras.backend.foldl")
def foldl(fn: Any, elems: Any, initializer: Any = None, name: Any = None) -> Any:
    """A function of what came so far and each row. Source: TF 1.15 `tf.keras.backend.foldl`."""
    return tf.foldl(fn, elems, initializer=initializer, name=name)


@export("keras.backend.foldr")
def foldr(fn: Any, elems: Any, initializer: Any = None, name: Any = None) -> Any:
    """As `foldl`, from the last row to the first. Source: TF 1.15 `tf.keras.backend.foldr`."""
    return tf.foldr(fn, elems, initializer=initializer, name=name)
