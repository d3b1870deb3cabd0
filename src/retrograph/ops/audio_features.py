"""Spectrograms and cepstral coefficients of sounds, as networks that recognize words take them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.rows import both, refuse

Array = Any
_FLOOR = 1e-12


def _power_of_two(size: int) -> int:
    return 1 << max(size - 1, 0).bit_length()


def _frames(samples: int, window: int, stride: int) -> int:
    return 0 if samples < window else 1 + (samples - window) // stride


def _spectrogram(xp: Any, op: Any, x: Array) -> Array:
    window, stride = op.attrs["window_size"], op.attrs["stride"]
    if x.ndim != 2:
        refuse(op, f"input must be 2-dimensional{to_text(x.shape)}")
    if window < 2 or stride < 1:
        refuse(op, f"Spectrogram initialization failed for window size {window} and stride {stride}")
    places = np.arange(_frames(x.shape[0], window, stride))[:, None] * stride + np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    framed = xp.take(xp.asarray(x).astype(np.float64).T, places, axis=1) * hann
    found = xp.fft.rfft(framed, _power_of_two(window), axis=-1)
    squared = (xp.square(found.real) + xp.square(found.imag)).astype(np.float32)
    return squared if op.attrs["magnitude_squared"] else xp.sqrt(squared)


def _spectrogram_shape(c: ShapeContext) -> list[Shape]:
    samples, channels = with_rank(c, c.input(0), 2)
    window = c.attr("window_size")
    count = None if samples is None else _frames(samples, window, c.attr("stride"))
    return [(channels, count, 1 + _power_of_two(window) // 2)]


def _mel(frequency: Any) -> Any:
    return 1127.0 * np.log1p(frequency / 700.0)


def _mel_weights(size: int, rate: float, channels: int, low: float, high: float) -> Array:
    """How much each of `size` frequencies counts in each channel, triangles of equal width in mel: `[size, channels]`."""
    step = 0.5 * rate / (size - 1)
    first, last = int(1.5 + low / step), int(high / step)
    ends = _mel(low) + (_mel(high) - _mel(low)) / (channels + 1) * np.arange(channels + 2)
    weights = np.zeros((size, channels))
    for i in range(max(first, 0), min(last, size - 1) + 1):
        mel = _mel(i * step)
        channel = int(np.searchsorted(ends[1:], mel)) - 1
        channel = min(channel, channels - 1)
        part = (ends[channel + 2] - mel) / (ends[channel + 2] - ends[channel + 1])
        if channel >= 0:
            weights[i, channel] += part
        if channel + 1 < channels:
            weights[i, channel + 1] += 1 - part
    return weights


def _cosines(size: int, count: int) -> Array:
    places = np.arange(size) + 0.5
    return math.sqrt(2.0 / size) * np.cos(np.arange(count)[:, None] * (np.pi / size) * places)


def _is_possible(size: int, rate: int, attrs: Any) -> bool:
    low, high = attrs["lower_frequency_limit"], attrs["upper_frequency_limit"]
    channels, count = attrs["filterbank_channel_count"], attrs["dct_coefficient_count"]
    return channels >= 1 and rate > 0 and size >= 2 and 0 <= low < high and 1 <= count <= channels


def _coefficients(xp: Any, op: Any, x: Array, rate: Array) -> Array:
    attrs, size = op.attrs, x.shape[-1]
    if x.ndim != 3:
        refuse(op, f"spectrogram must be 3-dimensional{to_text(x.shape)}")
    if np.ndim(rate):
        refuse(op, f"Input sample_rate should be a scalar tensor, got {to_text(np.shape(rate))} instead.")
    if not _is_possible(size, int(rate), attrs):
        refuse(op, f"Mfcc initialization failed for channel count {size} and sample rate {int(rate)}")
    channels = attrs["filterbank_channel_count"]
    limits = (float(np.float32(attrs[f"{end}_frequency_limit"])) for end in ("lower", "upper"))
    weights = _mel_weights(size, float(rate), channels, *limits)
    if weights[-1].any() and int(attrs["upper_frequency_limit"] * 2 * (size - 1) / float(rate)) >= size:
        return xp.zeros((*x.shape[:2], attrs["dct_coefficient_count"]), np.float32)
    energies = xp.sqrt(xp.asarray(x).astype(np.float64)) @ weights
    logs = xp.log(xp.maximum(energies, _FLOOR))
    return (logs @ _cosines(channels, attrs["dct_coefficient_count"]).T).astype(np.float32)


def _coefficients_shape(c: ShapeContext) -> list[Shape]:
    channels, count, _ = with_rank(c, c.input(0), 3)
    with_rank(c, c.input(1), 0)
    return [(channels, count, c.attr("dct_coefficient_count"))]


register_op("AudioSpectrogram", shape=_spectrogram_shape, gradient=NO_GRADIENT, **both(_spectrogram))
register_op("Mfcc", shape=_coefficients_shape, static_inputs=(1,), gradient=NO_GRADIENT, **both(_coefficients))
