"""The operations behind `tf.summary`: values of tensors as serialized `Summary` messages. All of them run on the host."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors, wire
from retrograph.framework.messages import message_class
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation
from retrograph.framework.shape_rules import scalar
from retrograph.platform.png import encode_png

_TINY = np.float32(1e-6)
_MOST_PIXELS = 1 << 29


def _refuse(op: Operation, text: str) -> errors.OpError:
    return errors.InvalidArgumentError(None, op, text)  # type: ignore[no-any-return]


def _shape_text(value: Any) -> str:
    return f"[{','.join(map(str, np.shape(value)))}]"


def _as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def text_of(value: Any) -> bytes:
    """The text in an array of one."""
    return _as_bytes(np.asarray(value, object).reshape(())[()])


def _tag(op: Operation, tag: Any, text: str) -> bytes:
    if np.ndim(tag):
        raise _refuse(op, text)
    return text_of(tag)


def _double(number: int, value: float) -> bytes:
    """A double field; nothing for 0, which is the default."""
    return wire.varint(number << 3 | wire.FIXED64) + struct.pack("<d", value) if value else b""


def _packed_doubles(number: int, values: Any) -> bytes:
    return wire.message(number, np.asarray(values, "<f8").tobytes())


def _value(tag: bytes, field: bytes) -> bytes:
    """A Summary.Value in a Summary, of its one field besides the tag."""
    return wire.message(1, wire.text(1, tag) + field)


def _result(data: bytes) -> Any:
    made = np.empty((), object)
    made[()] = data
    return made


# ---- scalars


def scalar_summary(tag: bytes, number: Any) -> bytes:
    """A serialized Summary of one number, as `f32[]`."""
    return _value(tag, wire.varint(2 << 3 | wire.FIXED32) + number.tobytes())


def _scalar(op: Operation, tags: Any, values: Any) -> Any:
    tags, values = np.asarray(tags, object), np.asarray(values)
    if tags.shape != values.shape:
        only = f" (tag '{_as_bytes(tags.ravel()[0]).decode(errors='replace')}')" if tags.size == 1 else ""
        raise _refuse(op, f"tags and values not the same shape: {_shape_text(tags)} != {_shape_text(values)}{only}")
    with np.errstate(over="ignore"):
        numbers = values.astype("<f4").ravel()
    pairs = zip(tags.ravel().tolist(), numbers, strict=True)
    return _result(b"".join(scalar_summary(_as_bytes(t), n) for t, n in pairs))


# ---- histograms


@lru_cache(maxsize=1)
def bucket_limits() -> np.ndarray[Any, Any]:
    """The upper ends of the buckets: each 1.1 times as wide as the one before, on both sides of 0."""
    limits, limit = [], 1.0e-12
    while limit < 1.0e20:
        limits.append(limit)
        limit *= 1.1
    limits.append(sys.float_info.max)
    return np.array([*(-x for x in reversed(limits)), 0.0, *limits])


def _buckets(ordered: Any) -> tuple[Any, Any]:
    """The limits of the buckets and how many of the sorted values each has; of empty ones in a row only the last."""
    limits = bucket_limits()
    below = np.searchsorted(ordered, limits, "left")
    below[-1] = len(ordered)
    counts = np.diff(below, prepend=0).astype(np.float64)
    filled = counts > 0
    kept = filled | np.append(filled[1:], True)
    return limits[kept], counts[kept]


def _total(values: Any) -> float:
    """The sum, added one after the other as TF does."""
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def histogram_bytes(values: Any) -> bytes:
    """A serialized HistogramProto of finite numbers."""
    values = np.asarray(values).astype(np.float64).ravel()
    ordered = np.sort(values)
    low, high = sys.float_info.max, -sys.float_info.max
    if len(values):
        low, high = float(ordered[0]), float(ordered[-1])
    with np.errstate(over="ignore"):
        head = (low, high, float(len(values)), _total(values), _total(values * values))
    limits, counts = _buckets(ordered)
    fields = [_double(i, x) for i, x in enumerate(head, 1)]
    return b"".join([*fields, _packed_doubles(6, limits), _packed_doubles(7, counts)])


def histogram_summary(op: Operation, tag: bytes, values: Any, name: str) -> bytes:
    """A serialized Summary of how numbers are distributed; `name` is for the error. Raises InvalidArgumentError."""
    numbers = np.asarray(values).astype(np.float64).ravel()
    bad = ~np.isfinite(numbers)
    if bad.any():
        kind = "Nan" if np.isnan(numbers[bad.argmax()]) else "Infinity"
        raise _refuse(op, f"{kind} in summary histogram for: {name}")
    return _value(tag, wire.message(5, histogram_bytes(numbers)))


def _histogram(op: Operation, tag: Any, values: Any) -> Any:
    return _result(histogram_summary(op, _tag(op, tag, "tags must be scalar"), values, op.name))


# ---- images


def _check_image(op: Operation, tensor: Any) -> None:
    if tensor.ndim != 4 or tensor.shape[3] not in (1, 3, 4):
        raise _refuse(op, f"Tensor must be 4-D with last dim 1, 3, or 4, not {_shape_text(tensor)}")
    batch, height, width, depth = tensor.shape
    if height * width >= _MOST_PIXELS:
        raise _refuse(op, f"Tensor too large for summary {_shape_text(tensor)}")
    if not height * width:
        raise _refuse(op, f"input tensor must have non-zero dims. Found: [{batch}, {height}, {width}, {depth}].")


def _bad_color(op: Operation, color: Any, depth: int) -> Any:
    if color.dtype != np.uint8:
        raise _refuse(op, f"bad_color must be uint8, got {dtypes.as_dtype(color.dtype).name}")
    if color.ndim != 1:
        raise _refuse(op, f"bad_color must be a vector, got shape {_shape_text(color)}")
    if len(color) < depth:
        raise _refuse(op, f"expected depth <= bad_color.size, got depth = {depth}, bad_color.size = {len(color)}")
    return color[:depth]


def _normalized(image: Any, bad_color: Any) -> Any:
    """Numbers as bytes: the largest is 255, or where some are negative 0 is 128 and the farthest 127 away from it."""
    finite = np.isfinite(image).all(-1)
    kind = image.dtype.type
    with np.errstate(all="ignore"):
        inside = image[finite].astype(np.float32)
        low, high = (inside.min(), inside.max()) if inside.size else (np.float32(np.inf), np.float32(-np.inf))
        largest, top = (max(abs(low), abs(high)), 127) if low < 0 else (high, 255)
        scale = kind(0 if largest < _TINY else np.float32(top) / largest)
        shown = image * scale + kind(128 if low < 0 else 0)
        made = np.where(finite[..., None], shown, 0).astype(np.uint8)
    made[~finite] = bad_color
    return made


def image_summary(op: Operation, tag: bytes, tensor: Any, bad_color: Any) -> bytes:
    """A serialized Summary of up to `max_images` images. Raises InvalidArgumentError."""
    tensor = np.asarray(tensor)
    _check_image(op, tensor)
    color = None if tensor.dtype == np.uint8 else _bad_color(op, np.asarray(bad_color), tensor.shape[3])
    most = op.attrs["max_images"]
    parts = []
    for i, pixels in enumerate(tensor[:most]):
        shown = pixels if color is None else _normalized(pixels, color)
        sizes = b"".join(wire.integer(n, size) for n, size in enumerate(shown.shape, 1))
        full = tag + (b"/image/%d" % i if most > 1 else b"/image")
        parts.append(_value(full, wire.message(4, sizes + wire.message(4, encode_png(shown)))))
    return b"".join(parts)


def _image(op: Operation, tag: Any, tensor: Any) -> Any:
    return _result(image_summary(op, _tag(op, tag, "Tags must be a scalar"), tensor, op.attrs["bad_color"]))


# ---- audio


def encode_wav(samples: Any, rate: int) -> bytes:
    """A WAV file of 16-bit samples, of `f32[frames, channels]` between -1 and 1."""
    channels = samples.shape[1]
    scaled = samples.astype(np.float64) * 32768
    rounded = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled)
    data: bytes = np.nan_to_num(np.clip(rounded, -32768, 32767), nan=0).astype("<i2").tobytes()
    head = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _audio_bytes(op: Operation, samples: Any, rate: float) -> bytes:
    frames, channels = samples.shape
    if not samples.size:
        raise _refuse(op, "audio is null")
    if channels >= 1 << 16:
        raise _refuse(op, f"num_channels must be in (0, 2^16), got: {channels}")
    encoded = encode_wav(samples, max(1, round(rate)))
    numbers = wire.float32(1, rate) + wire.integer(2, channels) + wire.integer(3, frames)
    return numbers + wire.message(4, encoded) + wire.text(5, "audio/wav")


def audio_summary(op: Operation, tag: bytes, tensor: Any, sample_rate: Any) -> bytes:
    """A serialized Summary of up to `max_outputs` clips. Raises InvalidArgumentError."""
    tensor, given = np.asarray(tensor), np.asarray(sample_rate)
    if tensor.ndim not in (2, 3):
        raise _refuse(op, f"Tensor must be 3-D or 2-D, got: {_shape_text(tensor)}")
    if given.size != 1:
        raise _refuse(op, f"sample_rate must be a scalar, got shape {_shape_text(given)}")
    rate = float(given.reshape(()))
    if not rate > 0:
        raise _refuse(op, "sample_rate must be > 0")
    most = op.attrs["max_outputs"]
    samples = tensor if tensor.ndim == 3 else tensor[..., None]
    return b"".join(
        _value(tag + (b"/audio/%d" % i if most > 1 else b"/audio"), wire.message(6, _audio_bytes(op, clip, rate)))
        for i, clip in enumerate(samples[:most])
    )


def _audio(op: Operation, tag: Any, tensor: Any, sample_rate: Any = None) -> Any:
    rate = op.attrs["sample_rate"] if sample_rate is None else sample_rate
    return _result(audio_summary(op, _tag(op, tag, "Tag must be a scalar"), tensor, rate))


# ---- tensors


def tensor_content(array: Any) -> bytes:
    """A serialized TensorProto with each element written out; texts one by one, all else as bytes."""
    array = np.asarray(array)
    kind = dtypes.string if array.dtype.kind in "OSU" else dtypes.as_dtype(array.dtype)
    shape = b"".join(wire.message(2, wire.integer(1, size)) for size in array.shape)
    head = wire.integer(1, kind.as_datatype_enum) + wire.message(2, shape)
    if kind == dtypes.string:
        return head + b"".join(wire.message(8, _as_bytes(x)) for x in array.ravel().tolist())
    return head + wire.text(4, np.ascontiguousarray(array).tobytes())


def tensor_summary(op: Operation, tag: bytes, tensor: Any, metadata: Any, always: bool) -> bytes:
    """A serialized Summary of a whole tensor, with its metadata, also of empty ones if `always`.

    Raises InvalidArgumentError: the metadata are none.
    """
    given = text_of(metadata)
    try:
        parsed = message_class("tensorflow.SummaryMetadata").FromString(given).SerializeToString()
    except errors.DataLossError as error:
        raise _refuse(op, f"Could not parse the summary metadata: {error}")
    described = wire.message(9, parsed) if given or always else b""
    return _value(tag, wire.message(8, tensor_content(tensor)) + described)


def _tensor(op: Operation, tag: Any, tensor: Any, metadata: Any) -> Any:
    return _result(tensor_summary(op, _tag(op, tag, "tag must be scalar"), tensor, metadata, True))


def _old_tensor(op: Operation, tensor: Any) -> Any:
    return _result(wire.message(1, wire.message(7, op.name) + wire.message(8, tensor_content(tensor))))


# ---- several in one


def summary_values(summary: bytes) -> list[tuple[bytes, bytes]]:
    """(tag, bytes) of each value of a serialized Summary. Raises ValueError for other bytes."""
    found = []
    for number, kind, value in wire.read_fields(summary):
        if number == 1:
            wire.expect(kind, wire.BYTES)
            tags = [t for n, k, t in wire.read_fields(value) if n == 1 and k == wire.BYTES]
            found.append((bytes(tags[-1]) if tags else b"", bytes(value)))
            found[-1][0].decode()
    return found


def _values_of(op: Operation, summary: bytes) -> list[tuple[bytes, bytes]]:
    try:
        return summary_values(summary)
    except ValueError:
        raise _refuse(op, "Could not parse one of the summary inputs")


def _merge(op: Operation, *inputs: Any) -> Any:
    parts: list[bytes] = []
    seen: set[bytes] = set()
    for summary in (s for given in inputs for s in np.asarray(given, object).ravel().tolist()):
        for tag, value in _values_of(op, _as_bytes(summary)):
            if tag in seen:
                raise _refuse(op, f"Duplicate tag {tag.decode()} found in summary inputs")
            seen |= {tag} if tag else set()
            parts.append(wire.message(1, value))
    return _result(b"".join(parts))


_KERNELS: dict[str, Callable[..., Any]] = {
    "ScalarSummary": _scalar,
    "HistogramSummary": _histogram,
    "ImageSummary": _image,
    "AudioSummary": _audio,
    "AudioSummaryV2": _audio,
    "TensorSummary": _old_tensor,
    "TensorSummaryV2": _tensor,
    "MergeSummary": _merge,
}
for _type, _kernel in _KERNELS.items():
    register_op(_type, shape=scalar, numpy=_kernel, host=True, gradient=NO_GRADIENT)
