"""Transforms of signals over time: short-time Fourier, cosine, and the scale of mels."""

from __future__ import annotations

import math as pymath
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value
from retrograph.ops import array, fft, joining, math, reduction, sequence
from retrograph.ops import padding as padding_ops
from retrograph.ops.cast import cast
from retrograph.ops.framing import frame, hann_window, overlap_and_add, scalar_tensor

_Window = Callable[..., Tensor]


# ---- short-time Fourier transform


@export("signal.stft")
def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: _Window | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """The spectra of windowed frames: `c64[..., frames, fft_length / 2 + 1]`; the length is a power of two if not given.

    Raises ValueError: sizes that are no scalars. Source: TF 1.15 `tf.signal.stft`.
    """
    with name_scope(name, "stft", [signals, frame_length, frame_step]):
        signals = convert_to_tensor(signals, name="signals")
        signals.shape.with_rank_at_least(1)
        length, step = scalar_tensor(frame_length, "frame_length"), scalar_tensor(frame_step, "frame_step")
        size = (
            _enclosing_power_of_two(length) if fft_length is None else convert_to_tensor(fft_length, name="fft_length")
        )
        frames = frame(signals, length, step, pad_end=pad_end)
        if window_fn is not None:
            frames *= window_fn(length, dtype=frames.dtype)
        return fft.rfft(frames, [size])


def _enclosing_power_of_two(value: Tensor) -> Tensor:
    known = constant_value(value)
    if known is not None:
        return constant(int(2 ** np.ceil(np.log(known) / np.log(2.0))), value.dtype)
    exponent = math.ceil(math.log(cast(value, dtypes.float32)) / math.log(2.0))
    power: Tensor = cast(math.pow(2.0, exponent), value.dtype)
    return power


@export("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: _Window = hann_window, name: str | None = None
) -> Callable[[Any, Any], Tensor]:
    """The window for `inverse_stft` that undoes a forward window: a function of (frame_length, dtype).

    Source: TF 1.15 `tf.signal.inverse_stft_window_fn`.
    """
    scope = "inverse_stft_window_fn"
    with name_scope(name, scope, [forward_window_fn]):
        step: Any = scalar_tensor(frame_step, "frame_step")

    def inverse_stft_window_fn_inner(frame_length: Any, dtype: Any) -> Tensor:
        """The window of that length."""
        with name_scope(name, scope, [forward_window_fn]):
            length: Any = scalar_tensor(frame_length, "frame_length")
            forward = forward_window_fn(length, dtype=dtype)
            squares = math.square(forward)
            overlaps = -(-length // step)
            squares = padding_ops.pad(squares, [(0, overlaps * step - length)])
            squares = array.reshape(squares, [overlaps, step])
            squares = reduction.reduce_sum(squares, 0, keepdims=True)
            squares = joining.tile(squares, [overlaps, 1])
            squares = array.reshape(squares, [overlaps * step])
            inverse: Tensor = forward / squares[:length]
            return inverse

    return inverse_stft_window_fn_inner


@export("signal.inverse_stft")
def inverse_stft(
    stfts: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: _Window | None = hann_window,
    name: str | None = None,
) -> Tensor:
    """The signal of windowed spectra `c64[..., frames, bins]`: `f32[..., samples]`.

    Raises ValueError: sizes that are no scalars. Source: TF 1.15 `tf.signal.inverse_stft`.
    """
    with name_scope(name, "inverse_stft", [stfts]):
        stfts = convert_to_tensor(stfts, name="stfts")
        stfts.shape.with_rank_at_least(2)
        length, step = scalar_tensor(frame_length, "frame_length"), scalar_tensor(frame_step, "frame_step")
        size = _enclosing_power_of_two(length) if fft_length is None else scalar_tensor(fft_length, "fft_length")
        frames = _cut_to(fft.irfft(stfts, [size]), length)
        if window_fn is not None:
            frames *= window_fn(length, dtype=stfts.dtype.real_dtype)
        return overlap_and_add(frames, step)


def _cut_to(frames: Tensor, length: Tensor) -> Tensor:
    """The frames cut or filled up with zeros to a length."""
    value, rank = constant_value(length), frames.shape.ndims
    if value is None or rank is None or frames.shape.as_list()[-1] is None:
        frames = _cut_to_any(frames, length)
    else:
        known, wanted = frames.shape.as_list()[-1], int(value)
        if known > wanted:
            frames = frames[..., :wanted]
        elif known < wanted:
            frames = padding_ops.pad(frames, [[0, 0]] * (rank - 1) + [[0, wanted - known]])
    if value is not None and rank is not None:
        frames.set_shape([None] * (rank - 1) + [int(value)])
    return frames


def _cut_to_any(frames: Tensor, length: Any) -> Tensor:
    frames = frames[..., :length]
    rank, shape = array.rank(frames), array.shape(frames)
    before: Any = array.zeros([rank - 1, 2], dtype=length.dtype)
    return padding_ops.pad(frames, joining.concat([before, [[0, math.maximum(0, length - shape[-1])]]], 0))


# ---- discrete cosine transform


def _check_cosine(x: Any, kind: int, n: Any, axis: int, norm: str | None) -> None:
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if kind not in (1, 2, 3):
        raise ValueError("Only Types I, II and III (I)DCT are supported.")
    if kind == 1:
        if norm == "ortho":
            raise ValueError("Normalization is not supported for the Type-I DCT.")
        if x.shape[-1] is not None and x.shape[-1] < 2:
            raise ValueError("Type-I DCT requires the dimension to be greater than one.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


def _last_size(x: Any) -> Any:
    last = x.shape[-1]
    return getattr(last, "value", last) or array.shape(x)[-1]


def _of_length(x: Any, n: Any) -> Any:
    size = _last_size(x)
    if n is None:
        return x
    if n <= size:
        return x[..., 0:n]
    padding: list[Any] = [[0, 0] for _ in range(len(x.shape))]
    padding[-1][1] = n - size
    return padding_ops.pad(x, paddings=convert_to_tensor(padding, dtype=dtypes.int32))


@export("signal.dct", "spectral.dct")
def dct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """The discrete cosine transform (type 1, 2 or 3) of the last axis: `f32[..., n]`.

    Raises ValueError: another type or norm, `n` below 1; NotImplementedError: another axis.
    Source: TF 1.15 `tf.signal.dct`.
    """
    _check_cosine(input, type, n, axis, norm)
    with name_scope(name, "dct", [input]):
        x = _of_length(convert_to_tensor(input, dtype=dtypes.float32), n)
        size = _last_size(x)
        count = cast(size, dtypes.float32)
        return _COSINES[type](x, size, count, norm == "ortho")


def _first_cosine(x: Any, size: Any, count: Any, ortho: bool) -> Tensor:
    return math.real(fft.rfft(joining.concat([x, x[..., -2:0:-1]], axis=-1)))


def _weights(first: Any, others: Any, size: Any) -> Tensor:
    return padding_ops.pad(array.expand_dims(first, 0), [[0, size - 1]], constant_values=others)


def _second_cosine(x: Any, size: Any, count: Any, ortho: bool) -> Tensor:
    scale = 2.0 * math.exp(math.complex(0.0, -sequence.range(count) * pymath.pi * 0.5 / count))
    found = math.real(fft.rfft(x, fft_length=[2 * size])[..., :size] * scale)
    if not ortho:
        return found
    first = 0.5 * math.rsqrt(count)
    weighted: Tensor = found * _weights(first, first * math.sqrt(2.0), size)
    return weighted


def _third_cosine(x: Any, size: Any, count: Any, ortho: bool) -> Tensor:
    if ortho:
        first = math.sqrt(count)
        x *= _weights(first, first * math.sqrt(0.5), size)
    else:
        x *= count
    scale = 2.0 * math.exp(math.complex(0.0, sequence.range(count) * pymath.pi * 0.5 / count))
    found: Tensor = math.real(fft.irfft(scale * math.complex(x, 0.0), fft_length=[2 * size]))[..., :size]
    return found


_COSINES = {1: _first_cosine, 2: _second_cosine, 3: _third_cosine}


@export("signal.idct", "spectral.idct")
def idct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """The inverse of `dct` of the same type, but for a factor where there is no norm: `f32[..., n]`.

    Raises as `dct`. Source: TF 1.15 `tf.signal.idct`.
    """
    _check_cosine(input, type, n, axis, norm)
    return dct(input, type={1: 1, 2: 3, 3: 2}[type], n=n, axis=axis, norm=norm, name=name)


# ---- mels

_MEL_BREAK_FREQUENCY_HERTZ = 700.0
_MEL_HIGH_FREQUENCY_Q = 1127.0


def _hertz_to_mel(hertz: Any) -> Any:
    with name_scope(None, "hertz_to_mel", [hertz]):
        return _MEL_HIGH_FREQUENCY_Q * math.log(1.0 + (convert_to_tensor(hertz) / _MEL_BREAK_FREQUENCY_HERTZ))


def _check_mel(bins: int, rate: Any, low: float, high: float, dtype: Any) -> None:
    if bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {bins}")
    if rate <= 0.0:
        raise ValueError(f"sample_rate must be positive. Got: {rate}")
    if low < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {low}")
    if low >= high:
        raise ValueError(f"lower_edge_hertz {low:.1f} >= upper_edge_hertz {high:.1f}")
    if high > rate / 2:
        text = "upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2)."
        raise ValueError(f"{text} Got: {high} for sample_rate: {rate}")
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype}")


def _known_rate(rate: Any) -> Any:
    if not isinstance(rate, Tensor):
        return rate
    known = constant_value(rate)
    if known is None:
        raise ValueError("`sample_rate` was a non-constant Tensor. Must be a Python float or a constant Tensor.")
    return known


@export("signal.linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Weights that make mel bins of linear ones: `dtype[num_spectrogram_bins, num_mel_bins]`.

    Raises ValueError: frequencies out of order, a dtype that is not floating.
    Source: TF 1.15 `tf.signal.linear_to_mel_weight_matrix`.
    """
    with name_scope(name, "linear_to_mel_weight_matrix") as scope:
        rate = _known_rate(sample_rate)
        _check_mel(num_mel_bins, rate, lower_edge_hertz, upper_edge_hertz, dtype)
        rate = convert_to_tensor(rate, dtype, name="sample_rate")
        low = convert_to_tensor(lower_edge_hertz, dtype, name="lower_edge_hertz")
        high = convert_to_tensor(upper_edge_hertz, dtype, name="upper_edge_hertz")
        zero = convert_to_tensor(0.0, dtype)
        # The lowest bin holds what does not change: it weighs nothing.
        linear = sequence.lin_space(zero, rate / 2.0, num_spectrogram_bins)[1:]
        bins = array.expand_dims(_hertz_to_mel(linear), 1)
        weights = math.maximum(zero, _triangles(bins, low, high, num_mel_bins))
        return padding_ops.pad(weights, [[1, 0], [0, 0]], name=scope)


def _triangles(bins: Any, low: Any, high: Any, count: int) -> Any:
    """How far each bin lies up or down the sides of each mel bin."""
    edges = sequence.lin_space(_hertz_to_mel(low), _hertz_to_mel(high), count + 2)
    parts = joining.split(frame(edges, frame_length=3, frame_step=1), 3, axis=1)
    left, middle, right = [array.reshape(part, [1, count]) for part in parts]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return math.minimum(rising, falling)


@export("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """Mel-frequency cepstral coefficients of `f32[..., bins]`: the same shape.

    Raises ValueError: no bins. Source: TF 1.15 `tf.signal.mfccs_from_log_mel_spectrograms`.
    """
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        spectra = convert_to_tensor(log_mel_spectrograms, dtype=dtypes.float32)
        bins: Any = spectra.shape.dims[-1].value if spectra.shape.ndims else None
        if bins == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {spectra}")
        if bins is None:
            bins = array.shape(spectra)[-1]
        coefficients: Tensor = dct(spectra, type=2) * math.rsqrt(cast(bins, dtypes.float32) * 2.0)
        return coefficients
