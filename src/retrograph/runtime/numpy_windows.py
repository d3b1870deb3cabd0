"""NumPy forms of convolutions and pooling, for steps whose shapes are others in each run (see `numpy_forms.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

Form = Callable[..., Any]


class NotHereError(Exception):
    """What is asked for is an error, or is not as usual: the compiled program is to say what."""


class _Axis(NamedTuple):
    """How a window moves along one axis."""

    size: int
    window: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def steps(self) -> int:
        reach = (self.window - 1) * self.dilation + 1
        return (self.size + self.before + self.after - reach) // self.stride + 1

    def at(self, offset: int) -> slice:
        """Where the window's element number `offset` meets the padded axis."""
        start = offset * self.dilation
        return slice(start, start + (self.steps - 1) * self.stride + 1, self.stride)


def _axis(op: Any, index: int, size: int, window: int, dilations: Any) -> _Axis:
    stride, dilation, padding = op._attrs["strides"][index], dilations[index], op._attrs["padding"]
    reach = (window - 1) * dilation + 1
    before = after = 0
    if padding == b"EXPLICIT":
        before, after = op._attrs["explicit_paddings"][2 * index : 2 * index + 2]
    elif padding == b"SAME":
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        before, after = total // 2, total - total // 2
    if size + before + after < reach or not size:
        raise NotHereError
    return _Axis(size, window, stride, dilation, before, after)


def _axes(op: Any, shape: Any, windows: Any) -> list[_Axis]:
    """The two axes of images in NHWC; NotHereError for other layouts."""
    if op._attrs.get("data_format", b"NHWC") != b"NHWC" or len(shape) != 4:
        raise NotHereError
    dilations = op._attrs.get("dilations") or (1, 1, 1, 1)
    return [_axis(op, i + 1, int(shape[i + 1]), int(windows[i]), dilations) for i in range(2)]


def _padded(x: Any, axes: list[_Axis], value: Any = 0) -> Any:
    pads = [(0, 0), *((a.before, a.after) for a in axes), (0, 0)]
    return np.pad(x, pads, constant_values=value) if any(map(any, pads)) else x


def _empty(shape: Any, axes: list[_Axis], dtype: Any) -> Any:
    sizes = [a.size + a.before + a.after for a in axes]
    return np.zeros((int(shape[0]), *sizes, int(shape[3])), dtype)


def _inner(x: Any, axes: list[_Axis]) -> Any:
    rows, columns = (slice(a.before, a.before + a.size) for a in axes)
    return x[:, rows, columns]


def _offsets(axes: list[_Axis]) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """Each element of the window with where it meets the padded images."""
    for i, j in product(*(range(a.window) for a in axes)):
        yield i, j, (slice(None), axes[0].at(i), axes[1].at(j))


def _plain(*arrays: Any) -> None:
    if any(a.dtype.kind != "f" or a.dtype.itemsize < 4 for a in arrays):
        raise NotHereError


# --- convolutions ---


def _columns(x: Any, axes: list[_Axis]) -> Any:
    """[rows of the result, elements of a window times channels]."""
    padded = _padded(x, axes)
    parts = [padded[place] for _, _, place in _offsets(axes)]
    return np.concatenate([p.reshape(-1, x.shape[3]) for p in parts], 1)


def _convolved(op: Any, x: Any, w: Any) -> Any:
    axes = _axes(op, x.shape, w.shape)
    _plain(x, w)
    if x.shape[3] != w.shape[2]:
        raise NotHereError
    made = _columns(x, axes) @ w.reshape(-1, w.shape[3])
    return made.reshape(x.shape[0], *(a.steps for a in axes), w.shape[3])


def _convolved_to_filter(op: Any, x: Any, sizes: Any, grad: Any) -> Any:
    axes = _axes(op, x.shape, sizes)
    _plain(x, grad)
    if x.shape[3] != sizes[2]:
        raise NotHereError
    return (_columns(x, axes).T @ grad.reshape(-1, grad.shape[3])).reshape(sizes)


def _convolved_to_input(op: Any, sizes: Any, w: Any, grad: Any) -> Any:
    axes = _axes(op, sizes, w.shape)
    _plain(w, grad)
    if int(sizes[3]) != w.shape[2]:
        raise NotHereError
    made = _empty(sizes, axes, grad.dtype)
    for i, j, place in _offsets(axes):
        made[place] += grad @ w[i, j].T
    return _inner(made, axes)


def _depthwise(op: Any, x: Any, w: Any) -> Any:
    axes = _axes(op, x.shape, w.shape)
    _plain(x, w)
    padded = _padded(x, axes)
    made = sum(padded[place][..., None] * w[i, j] for i, j, place in _offsets(axes))
    return np.reshape(made, (x.shape[0], *(a.steps for a in axes), w.shape[2] * w.shape[3]))


def _by_channel(grad: Any, w_shape: Any) -> Any:
    return grad.reshape(*grad.shape[:3], int(w_shape[2]), int(w_shape[3]))


def _depthwise_to_filter(op: Any, x: Any, sizes: Any, grad: Any) -> Any:
    axes = _axes(op, x.shape, sizes)
    _plain(x, grad)
    padded, grad = _padded(x, axes), _by_channel(grad, sizes)
    made = np.empty([int(s) for s in sizes], grad.dtype)
    for i, j, place in _offsets(axes):
        made[i, j] = np.einsum("bhwc,bhwcm->cm", padded[place], grad)
    return made


def _depthwise_to_input(op: Any, sizes: Any, w: Any, grad: Any) -> Any:
    axes = _axes(op, sizes, w.shape)
    _plain(w, grad)
    made, grad = _empty(sizes, axes, grad.dtype), _by_channel(grad, w.shape)
    for i, j, place in _offsets(axes):
        made[place] += np.sum(grad * w[i, j], -1)
    return _inner(made, axes)


# --- pooling ---


def _pooling_axes(op: Any, shape: Any) -> list[_Axis]:
    windows, strides = op._attrs["ksize"], op._attrs["strides"]
    if windows[0] != 1 or windows[3] != 1 or strides[0] != 1 or strides[3] != 1:
        raise NotHereError
    return _axes(op, shape, windows[1:3])


def _max_pool(op: Any, x: Any) -> Any:
    axes = _pooling_axes(op, x.shape)
    _plain(x)
    padded = _padded(x, axes, -np.inf)
    return np.max([padded[place] for _, _, place in _offsets(axes)], 0)


def _max_pool_grad(op: Any, x: Any, y: Any, grad: Any) -> Any:
    axes = _pooling_axes(op, x.shape)
    _plain(x, grad)
    padded, made = _padded(x, axes, -np.inf), _empty(x.shape, axes, grad.dtype)
    left = np.ones(y.shape, np.bool_)
    for _, _, place in _offsets(axes):
        here = left & (padded[place] == y)
        made[place] += np.where(here, grad, 0)
        left &= ~here
    return _inner(made, axes)


def _counts(axes: list[_Axis], dtype: Any) -> Any:
    """How many elements of the images each window holds."""
    ones = _padded(np.ones((1, axes[0].size, axes[1].size, 1), dtype), axes)
    return sum(ones[place] for _, _, place in _offsets(axes))


def _avg_pool(op: Any, x: Any) -> Any:
    axes = _pooling_axes(op, x.shape)
    _plain(x)
    padded = _padded(x, axes)
    return sum(padded[place] for _, _, place in _offsets(axes)) / _counts(axes, x.dtype)


def _avg_pool_grad(op: Any, sizes: Any, grad: Any) -> Any:
    axes = _pooling_axes(op, sizes)
    _plain(grad)
    made, share = _empty(sizes, axes, grad.dtype), grad / _counts(axes, grad.dtype)
    for _, _, place in _offsets(axes):
        made[place] += share
    return _inner(made, axes)


WINDOW_FORMS: dict[str, Form] = {
    "Conv2D": _convolved,
    "Conv2DBackpropFilter": _convolved_to_filter,
    "Conv2DBackpropInput": _convolved_to_input,
    "DepthwiseConv2dNative": _depthwise,
    "DepthwiseConv2dNativeBackpropFilter": _depthwise_to_filter,
    "DepthwiseConv2dNativeBackpropInput": _depthwise_to_input,
    "MaxPool": _max_pool,
    "MaxPoolGrad": _max_pool_grad,
    "AvgPool": _avg_pool,
    "AvgPoolGrad": _avg_pool_grad,
}
