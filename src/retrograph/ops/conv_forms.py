"""The forms in which convolutions of arrays, and their derivatives, are computed.

XLA's own convolution is the general form. On a CPU it is good for images that are wide enough to occupy every core, with
filters that are small beside them; other forms of the same sums are better for the rest, each where it was measured.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.ops.window import EXPLICIT, Layout, explicit_pads, layout_of, on_cpu, window_pads

Pads = Sequence[tuple[int, int]]


def pads_of(op: Any, layout: Layout, x_shape: Sequence[int], w_shape: Sequence[int]) -> list[tuple[int, int]]:
    """The padding before and after each spatial axis."""
    strides, dilations, padding = op.attrs["strides"], op.attrs["dilations"], op.attrs["padding"]
    if padding == EXPLICIT:
        return [explicit_pads(op, axis) for axis in layout.spatial]
    return [
        window_pads(int(x_shape[axis]), int(w_shape[i]), strides[axis], padding, dilations[axis])
        for i, axis in enumerate(layout.spatial)
    ]


def _places(sizes: Sequence[int], window: Sequence[int], pads: Pads, strides: Sequence[int]) -> list[int]:
    """How many places a window takes along each axis."""
    return [(n + sum(pad) - k) // s + 1 for n, k, pad, s in zip(sizes, window, pads, strides, strict=True)]


def convolve(op: Any, x: Any, w: Any, groups: int) -> Any:
    """XLA's convolution, as an operation's attributes describe it."""
    layout = layout_of(op)
    spatial = "DHW"[-len(layout.spatial) :]
    return lax.conv_general_dilated(
        x,
        w,
        layout.of_spatial(op.attrs["strides"]),
        pads_of(op, layout, x.shape, w.shape),
        rhs_dilation=layout.of_spatial(op.attrs["dilations"]),
        dimension_numbers=(layout.letters, spatial + "IO", layout.letters),
        feature_group_count=groups,
    )


def _is_dense(op: Any) -> bool:
    """Whether the channels are last and the filter has no holes."""
    return layout_of(op).channel != 1 and all(d == 1 for d in op.attrs["dilations"])


def convolved(op: Any, x: Any, w: Any) -> Any:
    """A convolution in the form that suits its arrays."""
    return _convolved(op, jnp.asarray(x), jnp.asarray(w), _in_rows)


def _convolved(op: Any, x: Any, w: Any, general: Callable[[Any, Any, Any], Any]) -> Any:
    groups = x.shape[layout_of(op).channel] // w.shape[-2]
    if _spans_last_axis(op, x.shape, w.shape):
        x, w = x.reshape(_merged(x.shape, 1)), w.reshape(_merged(w.shape, 2))
    if groups != 1:
        return convolve(op, x, w, groups)
    if _is_pointwise(op, w.shape):
        return _pixel_products(op, x, w)
    if _outgrows(op, w, x.shape) or _has_few_pixels(op, x, w):
        return _as_product(op, x, w)
    return general(op, x, w)


def _ungrouped(op: Any, x: Any, w: Any) -> Any:
    return convolve(op, x, w, 1)


# Derivatives


def _struct(shape: Any, like: Any) -> Any:
    return jax.ShapeDtypeStruct(tuple(int(d) for d in shape), like.dtype)


def transposed(function: Callable[[Any], Any], shape: Any, grad: Any) -> Any:
    """What the transpose of a linear function of an array of a shape gives for `grad`."""
    grad = jnp.asarray(grad)
    return jax.linear_transpose(function, _struct(shape, grad))(grad)[0]


def convolved_to_input(op: Any, sizes: Any, w: Any, grad: Any) -> Any:
    """The derivative of a convolution by an input of shape `sizes`."""
    w, grad = jnp.asarray(w), jnp.asarray(grad)
    if _spans_last_axis(op, sizes, w.shape):
        narrow = convolved_to_input(op, np.array(_merged(sizes, 1)), w.reshape(_merged(w.shape, 2)), grad)
        return narrow.reshape([int(d) for d in sizes])
    if int(sizes[layout_of(op).channel]) == w.shape[-2]:
        if _takes_products(op, w, grad.shape):
            return transposed(lambda x: _as_product(op, x, w), sizes, grad)
        if _by_phases(op, w):
            return _phase_convolutions(op, w, grad, [int(d) for d in sizes])
        found = _back_in_rows(op, w, grad, sizes)
        if found is not None:
            return found
    return transposed(lambda x: _convolved(op, x, w, _ungrouped), sizes, grad)


def convolved_to_filter(op: Any, x: Any, sizes: Any, grad: Any) -> Any:
    """The derivative of a convolution by a filter of shape `sizes`."""
    x = jnp.asarray(x)
    if _spans_last_axis(op, x.shape, sizes):
        narrow = convolved_to_filter(op, x.reshape(_merged(x.shape, 1)), np.array(_merged(sizes, 2)), grad)
        return narrow.reshape([int(d) for d in sizes])
    return transposed(lambda w: _convolved(op, x, w, _ungrouped), sizes, grad)


# Filters of one pixel, and of whole rows


def _is_pointwise(op: Any, w_shape: Sequence[int]) -> bool:
    """Whether the convolution is a matrix product at each pixel that it looks at."""
    window = all(int(d) == 1 for d in w_shape[:-2])
    return window and layout_of(op).channel != 1 and op.attrs["padding"] != EXPLICIT


def _pixel_products(op: Any, x: Any, w: Any) -> Any:
    x = lax.slice(x, [0] * x.ndim, x.shape, op.attrs["strides"])
    flat = x.reshape(-1, x.shape[-1]) @ w.reshape(w.shape[-2:])
    return flat.reshape(*x.shape[:-1], w.shape[-1])


def _spans_last_axis(op: Any, x_shape: Sequence[int], w_shape: Sequence[int]) -> bool:
    """Whether the window is as wide as the image, as over a text's embeddings: nothing moves along that axis.

    XLA's derivative by the image would convolve what is one pixel wide with all of the window, zeros mostly.
    """
    layout = layout_of(op)
    if layout.channel == 1 or op.attrs["padding"] != b"VALID" or op.attrs["dilations"][layout.spatial[-1]] != 1:
        return False
    return tuple(x_shape[-2:]) == tuple(w_shape[-3:-1]) and x_shape[-2] > 1


def _merged(shape: Sequence[int], end: int) -> tuple[int, ...]:
    """The shape with the last spatial axis merged into the channels, which are the axis `end` counted from the end."""
    sizes = [int(d) for d in shape]
    at = len(sizes) - end
    return (*sizes[: at - 1], 1, sizes[at - 1] * sizes[at], *sizes[at + 1 :])


# Filters that are large beside the image


def _outgrows(op: Any, w: Any, shape: Sequence[int]) -> bool:
    """Whether the window is larger than the image: there XLA's CPU back end convolves element by element."""
    if not _is_dense(op) or not on_cpu():
        return False
    return any(k > n for k, n in zip(w.shape[:-2], shape[1:-1], strict=True)) or (
        op.attrs["padding"] == b"VALID" and tuple(w.shape[:-2]) == tuple(shape[1:-1])
    )


_FEW_PIXELS = 49
_MOST_ROWS = 800
_LARGE_FILTER = 1 << 17


def _has_few_pixels(op: Any, x: Any, w: Any) -> bool:
    """Whether a large filter meets few pixels, as in the last layers of image networks.

    At 7 x 7 x 512 XLA's CPU convolution takes 1.25 times (4 images) to twice (one) as long as the product, and its
    derivative by the image 2 to 5 times.
    """
    if not _is_dense(op) or math.prod(w.shape[:-2]) > 9 or w.size < _LARGE_FILTER:
        return False
    pixels = math.prod(_places(x.shape[1:-1], w.shape[:-2], *_pads_and_strides(op, x.shape, w.shape)))
    return 0 < pixels <= _FEW_PIXELS and x.shape[0] * pixels <= _MOST_ROWS and on_cpu()


def _pads_and_strides(op: Any, x_shape: Sequence[int], w_shape: Sequence[int]) -> tuple[Pads, tuple[int, ...]]:
    layout = layout_of(op)
    return pads_of(op, layout, x_shape, w_shape), layout.of_spatial(op.attrs["strides"])


def _padded(x: Any, pads: Pads) -> Any:
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((low, high, 0) for low, high in pads), (0, 0, 0)])


def _as_product(op: Any, x: Any, w: Any) -> Any:
    """A convolution as the product of all windows, each a row, with the filter as a matrix."""
    pads, strides = _pads_and_strides(op, x.shape, w.shape)
    window = w.shape[:-2]
    places = _places(x.shape[1:-1], window, pads, strides)
    x = _padded(x, pads)
    if window == x.shape[1:-1]:
        rows = x.reshape(x.shape[0], -1)
    else:
        offsets = itertools.product(*map(range, window))
        rows = jnp.concatenate([_seen(x, at, places, strides) for at in offsets], axis=-1)
    flat = rows.reshape(-1, math.prod(w.shape[:-1])) @ w.reshape(-1, w.shape[-1])
    return flat.reshape(x.shape[0], *places, w.shape[-1])


def _seen(x: Any, offset: Sequence[int], counts: Sequence[int], strides: Sequence[int]) -> Any:
    """What the filter's element at `offset` is multiplied with."""
    last = [o + (n - 1) * s + 1 for o, n, s in zip(offset, counts, strides, strict=True)]
    return lax.slice(x, (0, *offset, 0), (x.shape[0], *last, x.shape[-1]), (1, *strides, 1))


_MOST_WINDOW = 64


def _takes_products(op: Any, w: Any, grad_shape: Sequence[int]) -> bool:
    """Whether the transpose of a convolution would be one of few pixels with a larger window."""
    if _is_pointwise(op, w.shape) or not _outgrows(op, w, grad_shape):
        return False
    return math.prod(w.shape[:-2]) <= _MOST_WINDOW or math.prod(grad_shape[1:-1]) == 1


# Images side by side

_NHWC = ("NHWC", "HWIO", "NHWC")
_SHARES_IMAGES = (0, 12)
"""The version of JAX whose XLA shares out images and rows too: there, nothing is gained by rows of images."""
_BLOCK = 64
_BLOCKS_PER_CORE = 4
_LEAST_TAKEN = 512
_MOST_WASTE = 1.4


@functools.cache
def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _step(x_shape: Sequence[int], pads: Pads, strides: Sequence[int]) -> int:
    """How many places of the filter each image takes in a row."""
    return int(-(-(x_shape[2] + sum(pads[1])) // strides[1]))


def _tiles_in_row(x: Any, w: Any, pads: Pads, strides: Sequence[int]) -> tuple[int, int]:
    """How many images, and how many horizontal strips of each, to lay side by side for every core to have work.

    XLA's CPU convolution (to JAX 0.11) shares out blocks of 64 channels and of 64 columns, never images or rows: with 64
    channels of 56 columns one core does it all. Strips overlap, so they are taken only where there are too few images.
    """
    blocks = -(-w.shape[-1] // _BLOCK)
    step = _step(x.shape, pads, strides)
    height, width = _places(x.shape[1:-1], w.shape[:-2], pads, strides)
    waste = step / max(1, width)
    if blocks >= _cores() or math.prod(w.shape[:-1]) < _LEAST_TAKEN or waste > _MOST_WASTE or not x.size:
        return 1, 1
    most = -(-_cores() * _BLOCKS_PER_CORE // blocks) * _BLOCK // step
    images = _largest_divisor(x.shape[0], most)
    strips = 1 if images < x.shape[0] else _largest_divisor(height, min(most // images, height // (2 * w.shape[0])))
    return (images, strips) if images * strips * step > _BLOCK else (1, 1)


def _largest_divisor(count: int, most: int) -> int:
    return max((n for n in range(1, min(most, count) + 1) if count % n == 0), default=1)


def _may_be_in_rows(op: Any, x: Any) -> bool:
    plain = layout_of(op).letters == "NHWC" and _is_dense(op) and x.dtype == np.float32
    return plain and on_cpu() and jax.__version_info__ < _SHARES_IMAGES


def _in_rows(op: Any, x: Any, w: Any) -> Any:
    found = _convolve_rows(x, w, *_pads_and_strides(op, x.shape, w.shape)) if _may_be_in_rows(op, x) else None
    return convolve(op, x, w, 1) if found is None else found


def _convolve_rows(x: Any, w: Any, pads: Pads, strides: Sequence[int]) -> Any:
    """A convolution of rows of images, or of strips of them, with zeros between them; None where nothing is gained."""
    images, strips = _tiles_in_row(x, w, pads, strides)
    if images == 1 == strips:
        return None
    height, width = _places(x.shape[1:-1], w.shape[:-2], pads, strides)
    step, tall = _step(x.shape, pads, strides), height // strips
    x = _padded(x, (pads[0], (pads[1][0], step * strides[1] - x.shape[2] - pads[1][0])))
    reach = (tall - 1) * strides[0] + w.shape[0]
    starts = range(0, height * strides[0], tall * strides[0])
    x = jnp.stack([lax.slice_in_dim(x, i, i + reach, axis=1) for i in starts], axis=1)
    rows = jnp.swapaxes(x.reshape(-1, images * strips, *x.shape[2:]), 1, 2)
    rows = rows.reshape(-1, reach, images * strips * step * strides[1], w.shape[-2])
    found = lax.conv_general_dilated(rows, w, strides, ((0, 0), (0, w.shape[1] - 1)), dimension_numbers=_NHWC)
    found = found[:, :, : images * strips * step].reshape(-1, tall, images * strips, step, w.shape[-1])
    return jnp.swapaxes(found[:, :, :, :width], 1, 2).reshape(-1, height, width, w.shape[-1])


def _back_in_rows(op: Any, w: Any, grad: Any, sizes: Any) -> Any:
    """The derivative by the input as a convolution of rows, or None if that is no better than another form."""
    plain = _may_be_in_rows(op, grad) and all(s == 1 for s in op.attrs["strides"])
    if not plain or max(w.shape[:2]) == 1:
        return None
    given = pads_of(op, layout_of(op), sizes, w.shape)
    pads = [(k - 1 - low, k - 1 - high) for k, (low, high) in zip(w.shape[:2], given, strict=True)]
    return None if min(itertools.chain(*pads)) < 0 else _convolve_rows(grad, _turned(w), pads, (1, 1))


def _turned(w: Any) -> Any:
    """The filter with which a derivative by the input convolves."""
    return jnp.swapaxes(w[::-1, ::-1], 2, 3)


# Strides, phase by phase

_FEW_CHANNELS = 16


def _by_phases(op: Any, w: Any) -> bool:
    """Whether a strided convolution's transpose is best taken as one dense convolution for each phase of the stride.

    XLA's CPU convolution with a dilated operand multiplies the zeros; several small ones win where they are wide enough.
    """
    overlapping = max(w.shape[:-2]) > 1 and max(op.attrs["strides"]) > 1
    plain = layout_of(op).letters == "NHWC" and _is_dense(op)
    return on_cpu() and plain and overlapping and w.shape[-2] >= _FEW_CHANNELS


def _phase_convolutions(op: Any, w: Any, grad: Any, sizes: list[int]) -> Any:
    """The transpose of a strided convolution: for each phase, the taps that fall on it convolve `grad` densely."""
    pads, strides = _pads_and_strides(op, sizes, w.shape)
    blocks = [n + (k - 1) // s for n, k, s in zip(grad.shape[1:3], w.shape[:2], strides, strict=True)]
    rows = [
        jnp.stack([_phase(w[a :: strides[0], b :: strides[1]], grad, blocks) for b in range(strides[1])], axis=3)
        for a in range(strides[0])
    ]
    whole = jnp.stack(rows, axis=2)
    whole = whole.reshape(sizes[0], blocks[0] * strides[0], blocks[1] * strides[1], sizes[3])
    config = [(0, 0, 0)] * 4
    for axis, (low, _), block, stride in zip((1, 2), pads, blocks, strides, strict=True):
        config[axis] = (-low, sizes[axis] + low - block * stride, 0)
    return lax.pad(whole, jnp.zeros((), whole.dtype), config)


def _phase(w: Any, grad: Any, blocks: Sequence[int]) -> Any:
    if 0 in w.shape:
        return jnp.zeros((grad.shape[0], *blocks, w.shape[2]), grad.dtype)
    reach = [(k - 1, block - size) for k, block, size in zip(w.shape, blocks, grad.shape[1:3], strict=False)]
    return lax.conv_general_dilated(grad, _turned(w), (1, 1), reach, dimension_numbers=_NHWC)
