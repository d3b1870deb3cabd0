"""JPEG files read and written as TensorFlow does it, with the transform, the upsampling and the colours it chose.

TensorFlow decodes with libjpeg-turbo's fast integer transform and smooth upsampling of colours. Pillow offers the two
only apart: so the planes come from Pillow with the fast transform, and what smooths and mixes them is here.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

_LIMIT = 1 << 29
# Above so many samples a file must be long enough for its blocks: what is merely broken may not cost gigabytes.
_PLAUSIBLE = 1 << 26
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_FRAMES = (*_HUFFMAN, 0xC9, 0xCA)
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xCB, 0xCD, 0xCE, 0xCF)
_NO_BODY = (0x01, *range(0xD0, 0xD8))
_END, _SCAN, _ADOBE = 0xD9, 0xDA, 0xEE
_ROWS = 256
_SPACES = {1: "L", 3: "YCbCr", 4: "CMYK"}


class JpegError(ValueError):
    """The bytes are no JPEG file that can be read."""


class Unsupported(Exception):
    """The file can be read, but not in the way that is asked for."""


class Component(NamedTuple):
    """One of the planes of an image: its name, and its samples across and down in a block of samples of all planes."""

    name: int
    across: int
    down: int


class Header(NamedTuple):
    """What stands before the first scan."""

    height: int
    width: int
    components: tuple[Component, ...]
    space: str
    adobe: bool
    huffman: bool

    @property
    def channels(self) -> int:
        """The channels of the decoded image if none are asked for; four are not mixed."""
        return len(self.components)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers before the first scan, each with what it holds."""
    if data[:2] != b"\xff\xd8":
        raise JpegError("no start of an image")
    place = 2
    while True:
        place = data.find(b"\xff", place)
        while 0 <= place < len(data) and data[place] == 0xFF:
            place += 1
        if place < 0 or place + 3 > len(data):
            raise JpegError("the header ends early")
        marker, place = data[place], place + 1
        if marker == 0 or marker in _NO_BODY:
            continue
        (size,) = struct.unpack_from(">H", data, place)
        if marker in (_END, 0xD8) or size < 2 or (place + size > len(data) and marker != _SCAN):
            raise JpegError("the header is broken")
        yield marker, data[place + 2 : place + size]
        place += size


def _frame(body: bytes) -> tuple[int, int, tuple[Component, ...]]:
    if len(body) < 6:
        raise JpegError("the frame is broken")
    bits, height, width, count = struct.unpack_from(">BHHB", body)
    if bits != 8 or not height or not width or count not in _SPACES or len(body) != 6 + 3 * count:
        raise JpegError("the frame is none of 8 bits and 1, 3 or 4 components")
    rows = struct.iter_unpack("3B", body[6:])
    components = tuple(Component(name, factors >> 4, factors & 15) for name, factors, _ in rows)
    if not all(1 <= c.across <= 4 and 1 <= c.down <= 4 for c in components):
        raise JpegError("bogus sampling factors")
    return height, width, components


def _space(components: tuple[Component, ...], jfif: bool, adobe: int | None) -> str:
    if len(components) == 3 and not jfif:
        letters = tuple(c.name for c in components) == (ord("R"), ord("G"), ord("B"))
        if adobe == 0 or (adobe is None and letters):
            return "RGB"
    if len(components) == 4 and adobe:
        return "YCCK"
    return _SPACES[len(components)]


def read_header(data: bytes) -> Header:
    """What a file says of its image.

    >>> read_header(encode(np.zeros((2, 3, 1), np.uint8)))[:2]
    (2, 3)

    Raises: JpegError if the bytes are no JPEG file.
    """
    frame, jfif, adobe = None, False, None
    huffman = False
    for marker, body in _segments(data):
        if marker in _OTHER_FRAMES or (marker in _FRAMES and frame):
            raise JpegError("unsupported kind of frame")
        if marker in _FRAMES:
            frame, huffman = _frame(body), marker in _HUFFMAN
        elif marker == _ADOBE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        elif marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 14:
            jfif = True
        elif marker == _SCAN:
            break
    if frame is None:
        raise JpegError("a scan before the frame")
    return Header(*frame, _space(frame[2], jfif, adobe), adobe is not None, huffman)


# ---- reading


class Options(NamedTuple):
    """How to decode: TensorFlow's attributes."""

    channels: int = 0
    ratio: int = 1
    fancy: bool = True
    accurate: bool = False
    recover: bool = False
    fraction: float = 1.0
    window: tuple[int, int, int, int] | None = None


def _filled(data: bytes, size: tuple[int, int], modes: tuple[str, str, str], args: tuple[int, int], fill: int) -> Any:
    """(image, whether it is whole) by Pillow's decoder, painted on one colour: `uint8[height, width(, channels)]`."""
    from PIL import Image

    mode, wanted, given = modes
    whole = True
    try:
        image = Image.new(mode, size, fill if mode == "L" else (fill,) * len(mode))
        image.frombytes(data, "jpeg", (wanted, given, *args))
    except ValueError as error:
        whole = False
        if "not enough" not in str(error):
            raise JpegError(str(error)) from None
    except (OSError, MemoryError) as error:
        raise JpegError(str(error)) from None
    return np.asarray(image), whole


def _run(data: bytes, size: tuple[int, int], modes: tuple[str, str, str], options: Options) -> Any:
    """Pillow's decoder on a file: `uint8[height, width(, channels)]`. A file that ends early has to be allowed."""
    args = (options.ratio, int(not options.accurate))
    image, whole = _filled(data, size, modes, args, 0)
    if not whole and options.fraction >= 1:
        raise JpegError("the file ends early")
    return image


def _factors(header: Header, ratio: int) -> list[tuple[int, int, int]]:
    """For each component how often a sample counts across and down, and how many there are across."""
    least = 8 // ratio
    across, down = (max(c[i] for c in header.components) for i in (1, 2))
    found = []
    for _, h, v in header.components:
        size = least
        while size < 8 and across * least % (h * size * 2) == 0 and down * least % (v * size * 2) == 0:
            size *= 2
        if across * least % (h * size) or down * least % (v * size):
            raise JpegError("fractional sampling")
        count = -(-header.width * h * size // (across * 8))
        found.append((across * least // (h * size), down * least // (v * size), count))
    return found


def _doubled(first: Any, second: Any, axis: int) -> Any:
    """Two arrays interleaved along an axis."""
    shape = list(first.shape)
    shape[axis] *= 2
    made = np.empty(shape, first.dtype)
    made[(slice(None),) * axis + (slice(0, None, 2),)] = first
    made[(slice(None),) * axis + (slice(1, None, 2),)] = second
    return made


_ROUND = {(2, 2): (8, 7, 4), (2, 1): (1, 2, 2), (1, 2): (1, 2, 2)}


def _smooth(plane: Any, across: int, down: int) -> Any:
    """Samples of rows (with one more above and below) doubled: three parts of the near one, one of the next."""
    first, second, shift = _ROUND[across, down]
    rows = plane[1:-1]
    if down == 2:
        rows, other = 3 * rows + plane[:-2], 3 * rows + plane[2:]
        if across == 1:
            return _doubled((rows + first) >> shift, (other + second) >> shift, 0)
        rows = _doubled(rows, other, 0)
    left = np.concatenate([rows[:, :1], rows[:, :-1]], 1)
    right = np.concatenate([rows[:, 1:], rows[:, -1:]], 1)
    rows = 3 * rows
    return _doubled((rows + left + first) >> shift, (rows + right + second) >> shift, 1)


def _is_smoothed(factors: tuple[int, int, int]) -> bool:
    across, down, count = factors
    return (across, down) == (1, 2) or ((across, down) in _ROUND and count > 2)


def _block(planes: Any, index: int, factors: tuple[int, int, int], start: int, stop: int) -> Any:
    """Rows `start` to `stop` of one component at full size: `int16[rows, width]`."""
    across, down, _ = factors
    if not _is_smoothed(factors):
        return planes[start:stop, :, index].astype(np.int16)
    count = -(-len(planes) // down)
    rows = np.clip(np.arange(start // down - 1, -(-stop // down) + 1), 0, count - 1)
    small = planes[rows * down, ::across, index].astype(np.int16)
    return _smooth(small, across, down)[: stop - start, : planes.shape[1]]


def _table(factor: float, half: int = 32768, shift: int = 16) -> Any:
    steps = np.arange(-128, 128, dtype=np.int64)
    return ((int(factor * 65536 + 0.5) * steps + half) >> shift).astype(np.int32)


_RED, _BLUE = _table(1.402).astype(np.int16), _table(1.772).astype(np.int16)
_GREEN_BLUE, _GREEN_RED = -_table(0.34414, 0, 0), -_table(0.71414, 0, 0) + 32768


def _mixed(planes: list[Any]) -> Any:
    """RGB of luminance and two differences of colour: `int16[..., 3]`."""
    light, blue, red = planes[0], planes[1], planes[2]
    green = ((_GREEN_BLUE[blue] + _GREEN_RED[red]) >> 16).astype(np.int16)
    return np.stack([light + _RED[red], light + green, light + _BLUE[blue]], -1)


def _colors(planes: Any, factors: list[tuple[int, int, int]], space: str) -> Any:
    """The image of planes whose samples are repeated: smoothed, and mixed if they are no colours yet."""
    made = np.empty((*planes.shape[:2], len(factors)), np.uint8)
    for start in range(0, len(planes), _ROWS):
        stop = min(start + _ROWS, len(planes))
        parts = [_block(planes, i, f, start, stop) for i, f in enumerate(factors)]
        if space in ("YCbCr", "YCCK"):
            found = np.clip(_mixed(parts), 0, 255)
            parts = [found[..., i] if space == "YCbCr" else 255 - found[..., i] for i in range(3)] + parts[3:]
        for i, part in enumerate(parts):
            made[start:stop, :, i] = part
    return made


def _without_black(image: Any, adobe: bool) -> Any:
    """RGB of cyan, magenta, yellow and black; Adobe's files hold them turned round."""
    made = np.empty((*image.shape[:2], 3), np.uint8)
    for start in range(0, len(image), _ROWS):
        part = image[start : start + _ROWS].astype(np.uint16)
        part = part if adobe else 255 - part
        made[start : start + _ROWS] = part[..., :3] * part[..., 3:] // 255
    return made


def _needs_smoothing(factors: list[tuple[int, int, int]], ratio: int) -> bool:
    return ratio < 8 and any(_is_smoothed(f) for f in factors)


def _size(header: Header, ratio: int) -> tuple[int, int]:
    return -(-header.width // ratio), -(-header.height // ratio)


def _columns(planes: Any, header: Header, options: Options) -> Any:
    """The columns that count: smoothing does not look past the edges of a crop, which starts where a block does."""
    if options.window is None:
        return planes
    _, left, _, width = options.window
    block = 8 // options.ratio * max(c.across for c in header.components)
    return planes[:, left // block * block : left + width]


def _full(data: bytes, header: Header, options: Options) -> Any:
    """All colours of the image: `uint8[height, width, 3 or 4]`."""
    size = _size(header, options.ratio)
    mode = "CMYK" if header.channels == 4 else "RGB"
    factors = _factors(header, options.ratio)
    if not _needs_smoothing(factors, options.ratio):
        return _run(data, size, (mode, mode, ""), options)
    if options.accurate and not options.fancy:
        raise Unsupported("dct_method='INTEGER_ACCURATE' with fancy_upscaling=False")
    if options.accurate or not options.fancy:
        return _run(data, size, (mode, mode, ""), options)
    # Naming the planes what is wanted of them leaves them as they are.
    planes = _run(data, size, (mode, mode, mode), options)
    return _colors(_columns(planes, header, options), factors, header.space)


def _grey(data: bytes, header: Header, options: Options) -> Any:
    """The image without colours: `uint8[height, width]`."""
    if header.space == "RGB" and options.fancy != options.accurate:
        red, green, blue = np.moveaxis(_full(data, header, options).astype(np.int32), -1, 0)
        return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)
    if header.space == "RGB" and options.accurate and _needs_smoothing(_factors(header, options.ratio), options.ratio):
        raise Unsupported("dct_method='INTEGER_ACCURATE' with fancy_upscaling=False")
    size = _size(header, options.ratio)
    return _run(data, size, ("L", "L", ""), options)


def _pixels(data: bytes, header: Header, options: Options) -> Any:
    channels = options.channels or min(header.channels, 3)
    if header.channels == 4:
        if channels == 1:
            raise JpegError("no grey of four components")
        return _without_black(_full(data, header, options), header.adobe)
    if channels == 1 or header.channels == 1:
        return np.repeat(_grey(data, header, options)[..., None], channels, -1)
    return _full(data, header, options)


def _check_size(data: bytes, header: Header, options: Options) -> None:
    width, height = _size(header, options.ratio)
    if width * height * header.channels >= _LIMIT:
        raise JpegError("too large")
    blocks = -(-header.width // 8) * -(-header.height // 8)
    # A block takes a bit at least.
    if header.width * header.height > _PLAUSIBLE and header.huffman and len(data) < blocks // 8:
        raise JpegError("too short for its size")


def _check_window(header: Header, options: Options) -> None:
    if options.window is None:
        return
    (width, height), (top, left, rows, columns) = _size(header, options.ratio), options.window
    if min(top, left) < 0 or min(rows, columns) <= 0 or top + rows > height or left + columns > width:
        raise JpegError("invalid crop window")


def _rows_read(data: bytes, header: Header, options: Options) -> int:
    """How many rows a file that may end early gives: those that are the same whatever was there before."""
    mode = "L" if options.channels == 1 or header.channels == 1 else "CMYK" if header.channels == 4 else "RGB"
    args = (options.ratio, int(not options.fancy))
    images = [_filled(data, _size(header, options.ratio), (mode, mode, ""), args, fill)[0] for fill in (0, 255)]
    same = (images[0] == images[1]).reshape(len(images[0]), -1).all(1)
    return len(same) if same.all() else int(same.argmin())


def _partial(data: bytes, header: Header, options: Options) -> Any:
    """The image of a file that may end early: the rows that are missing are black."""
    rows, (_, height) = _rows_read(data, header, options), _size(header, options.ratio)
    if np.float32(rows) / np.float32(height) < np.float32(options.fraction):
        raise JpegError("too few rows")
    image = _pixels(data, header, options).copy()
    image[rows:] = 0
    return image


def _cut(image: Any, header: Header, options: Options) -> Any:
    """The part of the image that is asked for; columns after it may be gone already."""
    if options.window is None:
        return image
    top, left, rows, columns = options.window
    start = left if image.shape[1] == _size(header, options.ratio)[0] else image.shape[1] - columns
    return image[top : top + rows, start : start + columns]


def decode(data: bytes, options: Options | None = None) -> Any:
    """The image of a file: `uint8[height, width, channels]`, every pixel as TensorFlow 1.15 has it.

    Raises: JpegError if the bytes are no whole JPEG file, Unsupported for the exact transform without smoothing.
    """
    options, header = options or Options(), read_header(data)
    _check_size(data, header, options)
    _check_window(header, options)
    if options.recover:
        data += b"\xff\xd9"
    read = _partial if options.fraction < 1 and not options.recover else _pixels
    return _cut(read(data, header, options), header, options)


# ---- writing


class Style(NamedTuple):
    """How to encode: TensorFlow's attributes."""

    quality: int = 95
    progressive: bool = False
    optimize: bool = False
    downsampling: bool = True
    density_unit: int = 1
    x_density: int = 300
    y_density: int = 300
    metadata: bytes = b""


_HEAD = 20
_DENSITY = 13


def _with_header(data: bytes, style: Style) -> bytes:
    """The file with its densities and metadata in place."""
    densities = struct.pack(">BHH", style.density_unit, style.x_density & 0xFFFF, style.y_density & 0xFFFF)
    head = data[:_DENSITY] + densities + data[_DENSITY + len(densities) : _HEAD]
    extra = b""
    if style.metadata:
        body = b"http://ns.adobe.com/xap/1.0/\0" + style.metadata
        if len(body) > 0xFFFD:
            raise JpegError("the metadata are longer than a segment")
        extra = struct.pack(">HH", 0xFFE1, len(body) + 2) + body
    return head + extra + data[_HEAD:]


def encode(pixels: Any, style: Style | None = None) -> bytes:
    """The JPEG file of `uint8[height, width, 1 or 3]`, byte by byte TensorFlow's.

    Raises: JpegError for other shapes and for no pixels.
    """
    from PIL import Image

    pixels, style = np.asarray(pixels), style or Style()
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise JpegError(f"a JPEG image is [height, width, 1 or 3 channels], not {pixels.shape}")
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])
    file = io.BytesIO()
    options: dict[str, Any] = {"quality": style.quality, "dpi": (300, 300)}
    options |= {"progressive": style.progressive, "optimize": style.optimize}
    if not style.downsampling:
        options["subsampling"] = 0
    try:
        image.save(file, "JPEG", **options)
    except (OSError, ValueError) as error:
        raise JpegError(str(error)) from None
    return _with_header(file.getvalue(), style)
