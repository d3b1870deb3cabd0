"""`tf.audio`: sound files of 16-bit samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.rows import refuse
from retrograph.platform import wav


def _size(c: ShapeContext, attr: str, what: str) -> int | None:
    size: int = c.attr(attr)
    if size < -1:
        c.fail(f"{what} must be non-negative, got {size}")
    return None if size == -1 else size


def _decoded_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    channels = _size(c, "desired_channels", "channels")
    return [(_size(c, "desired_samples", "samples"), channels), ()]


def _fitted(samples: Any, count: int, channels: int) -> Any:
    """Samples cut or filled up with silence; channels left out, or the last one again."""
    count = len(samples) if count == -1 else count
    channels = samples.shape[1] if channels == -1 else channels
    chosen = np.minimum(np.arange(channels), samples.shape[1] - 1)
    made = np.zeros((count, channels), np.float32)
    made[: len(samples)] = samples[:count, chosen]
    return made


def _decoded(op: Any, contents: Any) -> Any:
    try:
        samples, rate = wav.decode_wav(np.asarray(contents, object).item())
    except wav.WavError as error:
        refuse(op, str(error))
    fitted = _fitted(samples, op.attrs["desired_samples"], op.attrs["desired_channels"])
    return fitted, np.array(rate, np.uint32).view(np.int32)


def _encoded_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 2)
    with_rank(c, c.input(1), 0)
    return [()]


def _encoded(op: Any, samples: Any, rate: Any) -> Any:
    try:
        return np.array(wav.encode_wav(samples, int(rate)), object)
    except wav.WavError as error:
        return refuse(op, str(error))


register_op("DecodeWav", shape=_decoded_shape, numpy=_decoded, host=True, gradient=NO_GRADIENT)
register_op("EncodeWav", shape=_encoded_shape, numpy=_encoded, host=True, gradient=NO_GRADIENT)


@export("audio.decode_wav")
def decode_wav(contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None) -> Any:
    """(audio, sample_rate) of a WAV file of 16 bits: `f32[samples, channels]` from -1 to 1, `int32`.

    Raises: InvalidArgumentError when it runs, for bytes that are no such file.
    Source: TF 1.15 `tf.audio.decode_wav`.
    """
    return apply_op(
        "DecodeWav", name, contents=contents, desired_channels=desired_channels, desired_samples=desired_samples
    )


@export("audio.encode_wav")
def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Tensor:
    """The WAV file of `f32[samples, channels]`: a string; what is beyond -1 and 1 is cut off.

    Raises: InvalidArgumentError when it runs, for no samples and for a rate that is not positive.
    Source: TF 1.15 `tf.audio.encode_wav`.
    """
    return apply_op("EncodeWav", name, audio=audio, sample_rate=sample_rate)  # type: ignore[no-any-return]
