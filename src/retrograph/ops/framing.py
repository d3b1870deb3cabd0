"""Signals cut into frames and put together again, and the windows that frames are multiplied by."""

from __future__ import annotations

import math as pymath
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value
from retrograph.ops import array, gather, joining, math, reduction, sequence, strided_slice, transposing
from retrograph.ops import padding as padding_ops
from retrograph.ops.cast import cast
from retrograph.ops.cond import cond
from retrograph.ops.while_loop import while_loop


def scalar_tensor(value: Any, name: str) -> Tensor:
    """The value as a tensor of rank 0.

    Raises ValueError: it has another rank.
    """
    tensor = convert_to_tensor(value, name=name)
    tensor.shape.assert_has_rank(0)
    return tensor


# ---- windows


@export("signal.hann_window")
def hann_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Hann's window: `dtype[window_length]`.

    Raises ValueError: a dtype that is not floating. Source: TF 1.15 `tf.signal.hann_window`.

    >>> hann_window(4)                                    # doctest: +SKIP
    [0, 0.5, 1, 0.5]
    """
    return _raised_cosine(name, "hann_window", window_length, periodic, dtype, (0.5, 0.5))


@export("signal.hamming_window")
def hamming_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Hamming's window: `dtype[window_length]`.

    Raises ValueError: a dtype that is not floating. Source: TF 1.15 `tf.signal.hamming_window`.
    """
    return _raised_cosine(name, "hamming_window", window_length, periodic, dtype, (0.54, 0.46))


def _raised_cosine(
    name: str | None, scope: str, window_length: Any, periodic: Any, dtype: Any, weights: tuple[float, float]
) -> Tensor:
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype}")
    with name_scope(name, scope, [window_length, periodic]):
        length = convert_to_tensor(window_length, dtype=dtypes.int32, name="window_length")
        length.shape.assert_has_rank(0)
        known = constant_value(length)
        if known is not None and known == 1:
            return array.ones([1], dtype=dtype)
        angles = _angles(length, periodic, dtype)

        def window() -> Tensor:
            cosine: Tensor = cast(weights[0] - weights[1] * math.cos(angles), dtype=dtype)
            return cosine

        if known is not None:
            return window()
        window_of_any: Tensor = cond(math.equal(length, 1), lambda: array.ones([1], dtype=dtype), window)
        return window_of_any


def _angles(length: Tensor, periodic: Any, dtype: Any) -> Any:
    periodic = cast(convert_to_tensor(periodic, dtype=dtypes.bool, name="periodic"), dtypes.int32)
    periodic.shape.assert_has_rank(0)
    even = 1 - math.mod(length, 2)
    steps = cast(length + periodic * even - 1, dtype=dtype)
    places = cast(sequence.range(length), dtype)
    return constant(2 * np.pi, dtype=dtype) * places / steps


# ---- frames


def gcd(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The greatest common divisor of two integers, known now if they are.

    Raises ValueError: they are no integers.
    """
    with name_scope(name, "gcd", [a, b]):
        a, b = convert_to_tensor(a), convert_to_tensor(b)
        for letter, tensor in (("a", a), ("b", b)):
            tensor.shape.assert_has_rank(0)
            if not tensor.dtype.is_integer:
                raise ValueError(f"{letter} must be an integer type. Got: {tensor.dtype}")
        known_a, known_b = constant_value(a), constant_value(b)
        if known_a is not None and known_b is not None:
            return convert_to_tensor(pymath.gcd(int(known_a), int(known_b)))
        found, _ = while_loop(
            lambda _, rest: math.greater(rest, array.zeros_like(rest)),
            lambda larger, rest: [rest, math.mod(larger, rest)],
            [a, b],
            back_prop=False,
        )
        return found  # type: ignore[no-any-return]


def _frame_shape(signal: Tensor, length: Tensor, step: Tensor, pad_end: bool, axis: Tensor) -> list[Any] | None:
    known_length, known_step, known_axis = (constant_value(tensor) for tensor in (length, step, axis))
    if signal.shape.ndims is None:
        return None
    if known_axis is None:
        return [None] * (signal.shape.ndims + 1)
    sizes = signal.shape.as_list()
    count, size, at = None, sizes[int(known_axis)], int(known_axis)
    if size is not None and known_step is not None and (pad_end or known_length is not None):
        missing = 0 if pad_end else known_length - known_step
        count = max(0, -(-size // known_step) if pad_end else (size - missing) // known_step)
    return [*sizes[:at], count, known_length, *sizes[at:][1:]]


@export("signal.frame")
def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: Any = -1,
    name: str | None = None,
) -> Tensor:
    """Frames of `frame_length` that begin every `frame_step`, of one axis: `[..., frames, frame_length, ...]`.

    With `pad_end` the last frames go beyond the signal and are filled up. Raises ValueError: sizes that are no scalars.
    Source: TF 1.15 `tf.signal.frame`.
    """
    with name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
        signal = convert_to_tensor(signal, name="signal")
        length = convert_to_tensor(frame_length, name="frame_length")
        step = convert_to_tensor(frame_step, name="frame_step")
        axis = convert_to_tensor(axis, name="axis")
        signal.shape.with_rank_at_least(1)
        for tensor in (length, step, axis):
            tensor.shape.assert_has_rank(0)
        known = _frame_shape(signal, length, step, pad_end, axis)
        frames = _frames(signal, length, step, (pad_end, pad_value), axis)
        if known:
            frames.set_shape(known)
        return frames


def _frames(signal: Tensor, length: Any, step: Any, padding: tuple[bool, Any], axis: Any) -> Tensor:
    rank = array.rank(signal)
    axis = sequence.range(rank)[axis]
    shape = array.shape(signal)
    outer, size, inner = joining.split(shape, [axis, 1, rank - 1 - axis])
    size = array.reshape(size, [])
    counts = array.size(outer), array.size(inner)
    if padding[0]:
        value = convert_to_tensor(padding[1], signal.dtype)
        value.shape.assert_has_rank(0)
        count = -(-size // step)
        signal = _filled_up(signal, math.maximum(0, length + step * (count - 1) - size), counts, value)
        shape = array.shape(signal)
        size = shape[axis]
    else:
        count = math.maximum(0, 1 + (size - length) // step)
    return _gathered(signal, shape, (outer, inner), size, (length, step, count), axis)


def _filled_up(signal: Tensor, missing: Tensor, counts: tuple[Tensor, Tensor], value: Any) -> Tensor:
    def none(count: Tensor) -> Tensor:
        return array.zeros([count, 2], dtype=missing.dtype)

    paddings = joining.concat([none(counts[0]), [[0, missing]], none(counts[1])], 0)
    return padding_ops.pad(signal, paddings, constant_values=value)


def _gathered(
    signal: Tensor, shape: Tensor, around: tuple[Tensor, Tensor], size: Any, frames: tuple[Any, Any, Any], axis: Any
) -> Tensor:
    """Frames out of the longest pieces that they all are made of."""
    (outer, inner), (length, step, count) = around, frames
    piece = gcd(length, step)
    per_frame, per_hop = length // piece, step // piece
    pieces = size // piece
    whole = joining.concat([outer, [pieces * piece], inner], 0)
    cut_shape = joining.concat([outer, [pieces, piece], inner], 0)
    cut = array.reshape(strided_slice.strided_slice(signal, array.zeros_like(shape), whole), cut_shape)
    first = array.reshape(sequence.range(count) * per_hop, [count, 1])
    chosen = first + array.reshape(sequence.range(per_frame), [1, per_frame])
    return array.reshape(gather.gather(cut, chosen, axis=axis), joining.concat([outer, [count, length], inner], 0))


@export("signal.overlap_and_add")
def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """Frames `[..., frames, frame_length]`, each `frame_step` after the one before, summed: `[..., samples]`.

    Raises ValueError: a step that is no integer scalar. Source: TF 1.15 `tf.signal.overlap_and_add`.
    """
    with name_scope(name, "overlap_and_add", [signal, frame_step]):
        signal = convert_to_tensor(signal, name="signal")
        signal.shape.with_rank_at_least(2)
        step = scalar_tensor(frame_step, "frame_step")
        if not step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {step.dtype}")
        return _summed(signal, step)


def _summed(signal: Tensor, step: Any) -> Tensor:
    shape = array.shape(signal)
    outer = shape[:-2]
    rank = array.size(outer)
    length, frames = shape[-1], shape[-2]
    total = length + step * (frames - 1)
    known = constant_value(step)
    if known is not None and signal.shape.dims is not None and known == signal.shape.dims[-1].value:
        return array.reshape(signal, joining.concat([outer, [total]], 0), name="fast_path")
    segments = -(-length // step)
    pads = [[0, segments], [0, segments * step - length]]
    signal = padding_ops.pad(signal, joining.concat([array.zeros([rank, 2], dtypes.int32), pads], 0))

    def reshaped(*sizes: Any) -> Tensor:
        return array.reshape(signal, joining.concat([outer, list(sizes)], 0))

    signal = reshaped(frames + segments, segments, step)
    signal = transposing.transpose(signal, joining.concat([sequence.range(rank), rank + [1, 0, 2]], 0))
    signal = reshaped((frames + segments) * segments, step)
    signal = signal[..., : (frames + segments - 1) * segments, :]
    signal = reduction.reduce_sum(reshaped(segments, frames + segments - 1, step), -3)
    return reshaped((frames + segments - 1) * step)[..., :total]
