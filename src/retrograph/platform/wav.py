"""WAV files of 16-bit samples."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

_MOST = (1 << 31) - 1


class WavError(ValueError):
    """The bytes are no WAV file that can be read, or the samples cannot be written. Texts are TensorFlow's."""


class _Reader:
    """Takes numbers and words off a file."""

    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def take(self, size: int) -> bytes:
        if self.place > len(self.data):
            raise WavError(f"Initial offset is outside data range: {self.place}")
        if self.place + size > len(self.data):
            raise WavError("Data too short when trying to read string")
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def expect(self, word: bytes) -> None:
        if (found := self.take(len(word))) != word:
            raise WavError(f"Header mismatch: Expected {word.decode()} but found {found.decode('utf-8', 'replace')}")


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise WavError(text)


def _read_format(reader: _Reader) -> tuple[int, int]:
    """(channels, samples a second)."""
    reader.expect(b"RIFF")
    reader.number(4)
    for word in (b"WAVE", b"fmt "):
        reader.expect(word)
    size = reader.number(4)
    _require(size in (16, 18), f"Bad file size for WAV: Expected 16 or 18, but got{size}")
    kind = reader.number(2)
    _require(kind == 1, f"Bad audio format for WAV: Expected 1 (PCM), but got{kind}")
    channels, rate, a_second, frame, bits = (reader.number(n) for n in (2, 4, 4, 2, 2))
    _require(channels >= 1, f"Bad number of channels for WAV: Expected at least 1, but got {channels}")
    _require(bits == 16, f"Can only read 16-bit WAV files, but received {bits}")
    _require(frame == 2 * channels, f"Bad bytes per sample in WAV header: Expected {2 * channels} but got {frame}")
    wanted = frame * rate & 0xFFFFFFFF
    _require(
        a_second == wanted,
        f"Bad bytes per second in WAV header: Expected {wanted} but got {a_second} (sample_rate={rate}, "
        f"bytes_per_sample={frame})",
    )
    reader.place += size - 16
    return channels, rate


def _read_samples(reader: _Reader, channels: int) -> Any:
    found = None
    while reader.place < len(reader.data):
        name, size = reader.take(4), reader.number(4)
        _require(
            size <= _MOST,
            f"WAV data chunk '{name.decode('utf-8', 'replace')}' is too large: {size} bytes, but the limit is {_MOST}",
        )
        if name != b"data":
            reader.place += size
            continue
        _require(found is None, "More than one data chunk found in WAV")
        count = size // (2 * channels)
        found = np.frombuffer(reader.take(2 * channels * count), "<i2").reshape(count, channels)
    if found is None:
        raise WavError("No data chunk found in WAV")
    return found


def decode_wav(data: bytes) -> tuple[Any, int]:
    """The samples of a file, from -1 to 1, and how many there are a second: `f32[samples, channels]`, int.

    Raises: WavError for bytes that are no WAV file of 16 bits.
    """
    reader = _Reader(data)
    channels, rate = _read_format(reader)
    return _read_samples(reader, channels).astype(np.float32) * np.float32(1 / 32768), rate


def encode_wav(samples: Any, rate: int) -> bytes:
    """The file of `f32[samples, channels]`; what is beyond -1 and 1 is cut off.

    >>> len(encode_wav(np.zeros((3, 2), np.float32), 8000))
    56

    Raises: WavError for no samples, no or too many channels, and a rate that is not positive.
    """
    channels = samples.shape[1]
    _require(samples.size > 0, "audio is null")
    _require(rate != 0, f"sample_rate must be in (0, 2^32), got: {rate}")
    # A negative rate is an unsigned number of 64 bits to TensorFlow.
    _require(rate > 0, f"sample_rate must be in (0, 2^32), got: {rate % (1 << 64)}")
    _require(channels < 1 << 16, f"num_channels must be in (0, 2^16), got: {channels}")
    size = 2 * samples.size
    _require(44 + size < 1 << 32, "Provided channels and frames cannot be encoded as a WAV.")
    large = np.asarray(samples, np.float32) * np.float32(32768)
    # Halves go away from zero, as C's roundf has it.
    whole = np.trunc(large)
    whole += np.where(np.abs(large - whole) >= 0.5, np.sign(large), 0)
    with np.errstate(invalid="ignore"):
        body: bytes = np.clip(whole, -32768, 32767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, channels, rate,
        rate * 2 * channels & 0xFFFFFFFF, 2 * channels & 0xFFFF, 16, b"data", size,
    )  # fmt: skip
    return head + body
