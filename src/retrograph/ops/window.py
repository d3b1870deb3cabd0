"""What convolutions and pools share: data formats, window sizes and paddings, and sliding along one axis.

Sums and maxima over windows are taken axis by axis from strided slices, and their gradients are put together from
shifted blocks: XLA's `reduce_window` and `select_and_scatter` give the same numbers, but on a CPU they do not vectorize.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext
from retrograph.framework.unknowable import unknowably_true_of

SAME, VALID, EXPLICIT = b"SAME", b"VALID", b"EXPLICIT"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the batch, the spatial axes and the channels of an image tensor stand."""

    batch: int
    spatial: tuple[int, ...]
    channel: int
    letters: str

    @property
    def rank(self) -> int:
        return len(self.letters)

    def arrange(self, batch: int | None, spatial: Sequence[int | None], channel: int | None) -> Shape:
        """The dimensions in this layout's order."""
        if self.channel == 1:
            return (batch, channel, *spatial)
        return (batch, *spatial, channel)

    def of_spatial(self, values: Sequence[int]) -> tuple[int, ...]:
        """The spatial entries of a list that has one entry per axis (strides, window sizes)."""
        return tuple(int(values[axis]) for axis in self.spatial)


_LAYOUTS = {
    name: Layout(0, tuple(i for i, x in enumerate(name) if x not in "NC"), name.index("C"), name)
    for name in ("NHWC", "NCHW", "NDHWC", "NCDHW")
}


def layout_of(op: Any) -> Layout:
    """The layout that an op's `data_format` names (channels last if it has none)."""
    attrs = op.attrs
    name = text(attrs.get("data_format", b"NHWC"))
    layout = _LAYOUTS.get(name)
    if layout is None:
        raise errors.UnimplementedError(None, None, f"data_format {name!r} of op type {_op_type(op)} is not supported")
    return layout


def _op_type(op: Any) -> str:
    return str(op.op_type if isinstance(op, ShapeContext) else op.type)


def text(value: Any) -> str:
    """A string attribute as `str`."""
    return value.decode() if isinstance(value, bytes) else str(value)


def on_cpu() -> bool:
    """Whether lowerings should be written for XLA's CPU back end."""
    return bool(jax.default_backend() == "cpu")


_LARGE = 1 << 17


def apart(function: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """`function(first, *rest)`, computed by itself: neither its inputs nor its result merge with what is around it.

    XLA's CPU back end takes pads, slices and comparisons for cheap, and computes what a window reads anew for each of
    the window's elements; it drops `optimization_barrier` before it merges loops. A conditional stays: its condition
    is one that XLA cannot know to hold.
    """
    arrays = [jnp.asarray(x) for x in (first, *rest)]
    if arrays[0].size < _LARGE or not on_cpu():
        return function(*arrays)
    results = jax.eval_shape(function, *arrays)

    def never(*_: Any) -> Any:
        return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), results)

    return lax.cond(unknowably_true_of(arrays[0]), function, never, *arrays)


# Sizes


def window_size(
    c: ShapeContext,
    size: int | None,
    window: int | None,
    stride: int,
    padding: bytes,
    dilation: int = 1,
    pads: tuple[int, int] = (0, 0),
) -> int | None:
    """How many windows fit along an axis, unknown if a size is."""
    if stride <= 0:
        c.fail(f"Stride must be > 0, but got {stride}")
    if dilation < 1:
        c.fail(f"Dilation rate must be >= 1, but got {dilation}")
    if padding == SAME:
        return None if size is None else (size + stride - 1) // stride
    if size is None or window is None:
        return None
    extent = (window - 1) * dilation + 1
    padded = size + sum(pads)
    if padded < extent:
        c.fail(f"Negative dimension size caused by subtracting {extent} from {padded}")
    return (padded - extent + stride) // stride


def per_axis(value: Any, n: int, channel_index: int, name: str) -> list[int]:
    """A window size, stride or dilation given for one, n or n + 2 axes, spelled out for all n + 2."""
    values = [1] if value is None else list(value) if isinstance(value, Collection) else [value]
    if len(values) == n + 2:
        return values
    if len(values) not in (1, n):
        raise ValueError(f"{name} should be of length 1, {n} or {n + 2} but was {len(values)}")
    values = values * n if len(values) == 1 else values
    return [1, 1, *values] if channel_index == 1 else [1, *values, 1]


def window_pads(size: int, window: int, stride: int, padding: bytes, dilation: int = 1) -> tuple[int, int]:
    """The padding before and after an axis that TF's `SAME` or `VALID` means."""
    if padding != SAME:
        return (0, 0)
    extent = (window - 1) * dilation + 1
    total = max(0, (-(-size // stride) - 1) * stride + extent - size)
    return (total // 2, total - total // 2)


def explicit_pads(op: Any, axis: int) -> tuple[int, int]:
    """The padding that `explicit_paddings` gives for an axis."""
    pads = op.attrs.get("explicit_paddings") or []
    return (int(pads[2 * axis]), int(pads[2 * axis + 1])) if pads else (0, 0)


# Sliding along one axis


@dataclass(frozen=True, slots=True)
class Slide:
    """A window that slides along one axis of an array."""

    axis: int
    size: int
    window: int
    stride: int
    pads: tuple[int, int]

    @property
    def count(self) -> int:
        """How many places the window takes."""
        return (self.size + sum(self.pads) - self.window) // self.stride + 1


def slides(
    layout_shape: Sequence[int], axes: Sequence[int], windows: Sequence[int], strides: Sequence[int], padding: bytes
) -> list[Slide]:
    """One slide for each axis along which the window is more than one element or moves by more than one."""
    return [
        Slide(
            axis, int(layout_shape[axis]), int(k), int(s), window_pads(int(layout_shape[axis]), int(k), int(s), padding)
        )
        for axis, k, s in zip(axes, windows, strides, strict=True)
        if k != 1 or s != 1
    ]


def pad_axis(x: Any, axis: int, low: int, high: int, value: Any) -> Any:
    """`x` with elements `value` before and after an axis; a negative count cuts."""
    if low == 0 == high:
        return x
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (low, high, 0)
    return lax.pad(x, jnp.asarray(value, x.dtype), config)


def taps(x: Any, slide: Slide, fill: Any) -> list[Any]:
    """For each element of the window, what it sees at each of the window's places."""
    x = pad_axis(jnp.asarray(x), slide.axis, *slide.pads, fill)
    reach = (slide.count - 1) * slide.stride + 1
    return [lax.slice_in_dim(x, i, i + reach, slide.stride, slide.axis) for i in range(slide.window)]


def windows(x: Any, moves: Sequence[Slide], fill: Any) -> list[Any]:
    """What each element of the window sees at each of its places, the elements in row-major order."""
    x = jnp.asarray(x)
    config = [(0, 0, 0)] * x.ndim
    for m in moves:
        config[m.axis] = (*m.pads, 0)
    padded = lax.pad(x, jnp.asarray(fill, x.dtype), config)
    return [_seen(padded, moves, position) for position in itertools.product(*(range(m.window) for m in moves))]


def _seen(padded: Any, moves: Sequence[Slide], position: tuple[int, ...]) -> Any:
    start, stop, step = [0] * padded.ndim, list(padded.shape), [1] * padded.ndim
    for m, i in zip(moves, position, strict=True):
        start[m.axis], stop[m.axis], step[m.axis] = i, i + (m.count - 1) * m.stride + 1, m.stride
    return lax.slice(padded, start, stop, step)


def reduce_windows(x: Any, moves: Sequence[Slide], combine: Callable[[Any, Any], Any], fill: Any) -> Any:
    """The windows of `x`, each reduced with `combine`, one axis after another."""
    for slide in moves:
        first, *rest = taps(x, slide, fill)
        for tap in rest:
            first = combine(first, tap)
        x = first
    return x


def spread(part: Callable[[tuple[int, ...]], Any], moves: Sequence[Slide]) -> Any:
    """The transpose of `taps` along several axes: adds `part(position)`, which has an element for each place of the
    window, to the elements that the window's element at `position` saw there.

    The elements of the result that are a stride apart see the same part of the window. So they make one dense sum each,
    and these are interleaved in the end.
    """
    phases = [_phase_sum(part, moves, phase) for phase in itertools.product(*(range(m.stride) for m in moves))]
    whole = phases[0] if len(phases) == 1 else _interleaved(phases, moves)
    config = [(0, 0, 0)] * whole.ndim
    for m in moves:
        config[m.axis] = (-m.pads[0], m.size + m.pads[0] - _blocks(m) * m.stride, 0)
    return lax.pad(whole, jnp.zeros((), whole.dtype), config)


def _blocks(move: Slide) -> int:
    return move.count + (move.window - 1) // move.stride


def _phase_sum(part: Callable[[tuple[int, ...]], Any], moves: Sequence[Slide], phase: tuple[int, ...]) -> Any:
    total = None
    for position in itertools.product(*(range(p, m.window, m.stride) for p, m in zip(phase, moves, strict=True))):
        value = part(position)
        config = [(0, 0, 0)] * value.ndim
        for m, i in zip(moves, position, strict=True):
            shift = i // m.stride
            config[m.axis] = (shift, _blocks(m) - m.count - shift, 0)
        value = lax.pad(value, jnp.zeros((), value.dtype), config)
        total = value if total is None else total + value
    return _no_sum(part, moves) if total is None else total


def _no_sum(part: Callable[[tuple[int, ...]], Any], moves: Sequence[Slide]) -> Any:
    """The phase that no element of a window falls on: the stride is larger than the window."""
    like = part((0,) * len(moves))
    shape = list(like.shape)
    for m in moves:
        shape[m.axis] = _blocks(m)
    return jnp.zeros(shape, like.dtype)


def _interleaved(phases: Sequence[Any], moves: Sequence[Slide]) -> Any:
    shape = list(phases[0].shape)
    inner = {m.axis: i for i, m in enumerate(moves)}
    stacked = jnp.stack(phases).reshape([*(m.stride for m in moves), *shape])
    order: list[int] = []
    for axis in range(len(shape)):
        order += [len(moves) + axis, *([inner[axis]] if axis in inner else [])]
    for m in moves:
        shape[m.axis] *= m.stride
    return stacked.transpose(order).reshape(shape)


def lowest(dtype: Any) -> Any:
    """What no element of a dtype is less than."""
    dtype = np.dtype(dtype)
    return np.array(-np.inf, dtype) if dtype.kind not in "iub" else np.array(np.iinfo(dtype).min, dtype)
