"""GIF files read as TensorFlow reads them: frames are whole, what one leaves out is that of the one before."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

_CUT = "Failed to read from given file"
_SLURP = "failed to slurp gif file: "
# A code makes at most 4,096 pixels of a byte and a half.
_INFLATION = 4096
_PLAUSIBLE = 1 << 28


class GifError(ValueError):
    """The bytes are no GIF file that can be read. Texts are TensorFlow's."""


class Frame(NamedTuple):
    """One image of a file: where it lies, its colours, and its pixels as indices of them."""

    left: int
    top: int
    colors: Any
    pixels: Any


class _Reader:
    """Takes bytes off a file."""

    def __init__(self, data: bytes, place: int):
        self.data, self.place = data, place

    def take(self, size: int) -> bytes:
        part = self.data[self.place : self.place + size]
        if len(part) < size:
            raise GifError(_SLURP + _CUT)
        self.place += size
        return part

    def blocks(self) -> bytes:
        """Blocks up to the empty one, each with its size before it."""
        start = self.place
        while (size := self.take(1)[0]) != 0:
            self.take(size)
        return self.data[start : self.place]

    def colors(self, flags: int) -> Any:
        """The table of colours that the flags tell of, or None: `uint8[n, 3]`."""
        if not flags & 0x80:
            return None
        return np.frombuffer(self.take(3 << ((flags & 7) + 1)), np.uint8).reshape(-1, 3)


def _indices(width: int, height: int, bits: int, interlaced: bool, data: bytes) -> Any:
    """The pixels of a frame: `uint8[height, width]`."""
    from PIL import Image

    if not 1 <= bits <= 8 or not width or not height or width * height > len(data) * _INFLATION:
        raise GifError(_SLURP + "Image is defective, decoding aborted")
    try:
        image = Image.frombytes("P", (width, height), data, "gif", (bits, int(interlaced)))
    except (ValueError, OSError, MemoryError):
        raise GifError(_SLURP + "Image EOF detected before image complete") from None
    return np.asarray(image)


def _frame(reader: _Reader) -> Frame:
    left, top, width, height, flags = struct.unpack("<HHHHB", reader.take(9))
    colors = reader.colors(flags)
    bits = reader.take(1)[0]
    return Frame(left, top, colors, _indices(width, height, bits, bool(flags & 0x40), reader.blocks()))


def _open(reader: _Reader) -> Any:
    """Checks how the file begins, and takes its table of colours off it."""
    data = reader.data
    try:
        if len(data) < 6:
            raise GifError(_CUT)
        if data[:3] != b"GIF":
            raise GifError("Data is not in GIF format")
        if len(data) < 13:
            raise GifError("No screen descriptor detected")
        return reader.colors(data[10])
    except GifError as error:
        text = str(error).replace(_SLURP + _CUT, "No screen descriptor detected")
        raise GifError("failed to open gif file: " + text) from None


def read_frames(data: bytes) -> tuple[list[Frame], Any]:
    """(frames, the table of colours of the file). Raises: GifError with TensorFlow's texts."""
    reader, found = _Reader(data, 13), []
    colors = _open(reader)
    while (kind := reader.take(1)) != b";":
        if kind == b",":
            found.append(_frame(reader))
            _check_size(found, len(data))
        elif kind == b"!":
            reader.take(1)
            reader.blocks()
        else:
            raise GifError(_SLURP + "Wrong record type detected")
    if not found:
        raise GifError(_SLURP + "No Image Descriptor detected")
    return found, colors


def _canvas(frames: list[Frame]) -> tuple[int, int]:
    height = max(f.pixels.shape[0] for f in frames)
    return height, max(f.pixels.shape[1] for f in frames)


def _check_size(frames: list[Frame], size: int) -> None:
    height, width = _canvas(frames)
    total = len(frames) * height * width * 3
    if total > max(_PLAUSIBLE, size * _INFLATION):
        raise GifError(f"{len(frames)} frames of {height} by {width} are too large for the file")


def _paint(canvas: Any, frame: Frame, colors: Any, index: int) -> None:
    """A frame on what is there already, as far as it lies inside."""
    colors = colors if frame.colors is None else frame.colors
    if colors is None:
        raise GifError(f"missing color map for frame {index}")
    area = canvas[frame.top : frame.top + frame.pixels.shape[0], frame.left : frame.left + frame.pixels.shape[1]]
    pixels = frame.pixels[: area.shape[0], : area.shape[1]]
    outside = pixels >= len(colors)
    if outside.any():
        first = int(pixels.ravel()[outside.argmax()])
        raise GifError(f"found color index {first} outside of color map range {len(colors)}")
    area[...] = colors[pixels]


def compose(frames: list[Frame], colors: Any) -> Any:
    """Frames one on another: `uint8[frames, height, width, 3]`. Raises: GifError with TensorFlow's texts."""
    height, width = _canvas(frames)
    first = frames[0]
    if (first.left, first.top, *first.pixels.shape) != (0, 0, height, width):
        raise GifError("the first frame does not fill the canvas")
    made = np.empty((len(frames), height, width, 3), np.uint8)
    for i, frame in enumerate(frames):
        if i:
            made[i] = made[i - 1]
        _paint(made[i], frame, colors, i)
    return made
