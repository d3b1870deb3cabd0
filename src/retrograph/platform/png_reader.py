"""PNG files read as TensorFlow reads them by libpng: any depth, interlacing, palette and transparency."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SAMPLES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _PALETTE: (1, 2, 4, 8), _RGB: (8, 16), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}
_LONGEST_SIDE = 1_000_000
_MOST_PIXELS = 1 << 29
# Deflate makes at most so many bytes of one.
_INFLATION = 1032
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_SRGB_GAMMA = 45455


class PngError(ValueError):
    """The bytes are no PNG file that can be read. Texts are TensorFlow's."""


class Header(NamedTuple):
    """What a file says before its pixels."""

    width: int
    height: int
    depth: int
    color: int
    interlaced: bool
    palette: bytes
    transparent: bytes | None
    gamma: int

    @property
    def channels(self) -> int:
        """The channels of the decoded image if none are asked for."""
        if self.color == _PALETTE:
            return 3 if self.transparent is None else 4
        return _SAMPLES[self.color]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """(type, contents, whether the check sum is right) of each chunk, up to where the file ends."""
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if not kind.isalpha() or (place + 12 + size > len(data) and kind != b"IDAT"):
            return
        body = data[place + 8 : place + 8 + size]
        told = int.from_bytes(data[place + 8 + size : place + 12 + size], "big")
        yield kind, body, told == zlib.crc32(body, zlib.crc32(kind))
        place += 12 + size


def _shape(body: bytes) -> dict[str, Any]:
    if len(body) != 13:
        raise PngError("IHDR")
    width, height, depth, color, packing, filters, interlaced = struct.unpack(">IIBBBBB", body)
    if depth not in _DEPTHS.get(color, ()) or packing or filters or interlaced > 1:
        raise PngError("IHDR")
    if not 0 < width <= _LONGEST_SIDE or not 0 < height <= _LONGEST_SIDE:
        raise PngError("IHDR")
    return {"width": width, "height": height, "depth": depth, "color": color, "interlaced": bool(interlaced)}


def _transparency(found: dict[str, Any], body: bytes) -> bytes | None:
    sizes = {_GREY: (2,), _RGB: (6,), _PALETTE: range(1, len(found["palette"]) // 3 + 1)}
    return body if len(body) in sizes.get(found["color"], ()) else None


def _gamma(found: dict[str, Any], kind: bytes, body: bytes) -> int:
    if kind == b"sRGB":
        return _SRGB_GAMMA
    value = struct.unpack(">I", body)[0] if len(body) == 4 else 0
    return value if 0 < value < 1 << 31 else found["gamma"]


def _take(found: dict[str, Any], kind: bytes, body: bytes) -> None:
    """Notes what a chunk says; what tells of the gamma counts only before the palette."""
    if kind == b"PLTE":
        _take_palette(found, body)
    elif kind == b"tRNS" and found["transparent"] is None:
        found["transparent"] = _transparency(found, body)
    elif ((kind == b"gAMA" and not found["gamma"]) or kind == b"sRGB") and not found["palette"]:
        found["gamma"] = _gamma(found, kind, body)
    elif kind[:1].isupper():
        raise PngError("unknown critical chunk")


def _take_palette(found: dict[str, Any], body: bytes) -> None:
    if found["palette"]:
        raise PngError("PLTE")
    if found["color"] == _PALETTE and (len(body) % 3 or not body):
        raise PngError("PLTE")
    found["palette"] = body[: 3 << min(found["depth"], 8)] or b"\0"


def _read_header(chunks: Iterator[tuple[bytes, bytes, bool]]) -> tuple[Header, bytes | None]:
    """(header, contents of the first chunk of pixels or None if they are broken)."""
    kind, body, right = next(chunks, (b"", b"", False))
    if kind != b"IHDR" or not right:
        raise PngError("IHDR")
    found: dict[str, Any] = {**_shape(body), "palette": b"", "transparent": None, "gamma": 0}
    for kind, body, right in chunks:
        if kind == b"IDAT":
            if found["color"] == _PALETTE and not found["palette"]:
                raise PngError("no palette")
            return Header(**found), body if right else None
        if not right and kind[:1].isupper():
            raise PngError("check sum")
        if right:
            _take(found, kind, body)
    raise PngError("no pixels")


def _pixel_bytes(first: bytes | None, chunks: Iterator[tuple[bytes, bytes, bool]]) -> bytes:
    """The contents of the chunks of pixels that follow each other; the rest of the file has to be whole."""
    if first is None:
        raise PngError("check sum")
    parts, following = [first], True
    for kind, body, right in chunks:
        if not right and kind[:1].isupper():
            raise PngError("check sum")
        if kind == b"IEND":
            return b"".join(parts)
        following = following and kind == b"IDAT"
        if following:
            parts.append(body)
        elif kind[:1].isupper() and kind not in (b"IDAT", b"PLTE"):
            raise PngError("unknown critical chunk")
    raise PngError("no end")


# ---- samples


def _sizes(header: Header) -> list[tuple[int, int]]:
    """(width, height) of each pass."""
    if not header.interlaced:
        return [(header.width, header.height)]
    return [(-((x - header.width) // dx), -((y - header.height) // dy)) for x, y, dx, dy in _PASSES]


def _row_bytes(header: Header, width: int) -> int:
    return (width * _SAMPLES[header.color] * header.depth + 7) // 8


def _check_size(header: Header, data: bytes) -> None:
    needed = sum((_row_bytes(header, w) + 1) * h for w, h in _sizes(header) if w > 0 and h > 0)
    if needed > len(data) * _INFLATION:
        raise PngError("too few pixels")


_MODES = {
    (_GREY, 1): ("1", "1"), (_GREY, 2): ("L", "L;2"), (_GREY, 4): ("L", "L;4"), (_GREY, 8): ("L", "L"),
    (_GREY, 16): ("I;16", "I;16B"),
    (_PALETTE, 1): ("P", "P;1"), (_PALETTE, 2): ("P", "P;2"), (_PALETTE, 4): ("P", "P;4"), (_PALETTE, 8): ("P", "P"),
    (_RGB, 8): ("RGB", "RGB"), (_GREY_ALPHA, 8): ("LA", "LA"), (_RGBA, 8): ("RGBA", "RGBA"),
    (_GREY_ALPHA, 16): ("RGBA", "RGBA"),
}  # fmt: skip


def _samples(header: Header, data: bytes) -> Any:
    """The samples as they are in the file, grey ones of less than 8 bits spread: `[height, width, samples]`."""
    _check_size(header, data)
    modes = _MODES.get((header.color, header.depth))
    if modes is None:
        return _wide_samples(header, data)
    from PIL import Image

    size = (header.width, header.height)
    try:
        image = Image.frombytes(modes[0], size, data, "zip", (modes[1], int(header.interlaced)))
    except (ValueError, OSError, SyntaxError, MemoryError) as error:
        raise PngError(str(error)) from None
    found = np.asarray(image)
    if modes[0] == "1":
        found = found * np.uint8(255)
    if header.depth == 16 and header.color == _GREY_ALPHA:
        found = np.ascontiguousarray(found).view(">u2").astype(np.uint16)
    return found.reshape(header.height, header.width, -1)


def _unfiltered(rows: Any, step: int) -> Any:
    """Rows of bytes without their filters, worked out along diagonals: `uint8[rows, size]`."""
    count, size = rows.shape[0], (rows.shape[1] - 1) // step
    kinds = rows[:, 0].astype(np.intp)
    if kinds.max(initial=0) > 4:
        raise PngError("unknown filter")
    coded = rows[:, 1:].reshape(count, size, step).astype(np.int16)
    made = np.zeros((count + 1, size + 1, step), np.int16)
    for diagonal in range(count + size - 1):
        y = np.arange(max(0, diagonal - size + 1), min(count, diagonal + 1))
        x = diagonal - y
        left, up, corner = made[y + 1, x], made[y, x + 1], made[y, x]
        guess = _guess(kinds[y][:, None], left, up, corner)
        made[y + 1, x + 1] = (coded[y, x] + guess) & 255
    return made[1:, 1:].astype(np.uint8).reshape(count, -1)


def _guess(kinds: Any, left: Any, up: Any, corner: Any) -> Any:
    """What the filter of each pixel takes it for."""
    estimate = left + up - corner
    to_left, to_up, to_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    nearest = np.where(to_up <= to_corner, up, corner)
    nearest = np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
    return np.select([kinds == k for k in range(1, 5)], [left, up, (left + up) >> 1, nearest], 0)


def _wide_samples(header: Header, data: bytes) -> Any:
    """Samples of 16 bits, three or four of a pixel: `uint16[height, width, samples]`."""
    step = 2 * _SAMPLES[header.color]
    made = np.zeros((header.height, header.width, step // 2), np.uint16)
    places = _PASSES if header.interlaced else ((0, 0, 1, 1),)
    sizes = _sizes(header)
    needed = sum((w * step + 1) * h for w, h in sizes if w > 0 and h > 0)
    try:
        plain = np.frombuffer(zlib.decompressobj().decompress(data, needed), np.uint8)
    except zlib.error as error:
        raise PngError(str(error)) from None
    if plain.size < needed:
        raise PngError("too few pixels")
    for (width, height), (x, y, dx, dy) in zip(sizes, places, strict=True):
        if width <= 0 or height <= 0:
            continue
        count = height * (width * step + 1)
        rows, plain = plain[:count].reshape(height, -1), plain[count:]
        samples = _unfiltered(rows, step).view(">u2").reshape(height, width, -1)
        made[y::dy, x::dx] = samples
    return made


# ---- colours


def _is_transparent(header: Header, samples: Any) -> Any:
    """Where a pixel has the colour that counts as transparent."""
    wanted = struct.unpack(f">{len(header.transparent or b'') // 2}H", header.transparent or b"")
    most = (1 << header.depth) - 1
    scale = 255 // most if header.depth < 8 else 1
    return (samples == np.asarray([(v & most) * scale for v in wanted])).all(-1)


def _expanded(header: Header, samples: Any, alpha: bool) -> tuple[Any, Any]:
    """(grey or RGB, alpha or None if there is none or none is wanted)."""
    if header.color == _PALETTE:
        return _from_palette(header, samples[..., 0], alpha)
    colors = samples[..., : 1 if header.color in (_GREY, _GREY_ALPHA) else 3]
    if not alpha:
        return colors, None
    if header.color in (_GREY_ALPHA, _RGBA):
        return colors, samples[..., -1:]
    opaque = samples.dtype.type(65535 if header.depth == 16 else 255)
    if header.transparent is not None:
        return colors, np.where(_is_transparent(header, samples)[..., None], samples.dtype.type(0), opaque)
    return colors, _filler(header, samples)


def _filler(header: Header, samples: Any) -> Any:
    # An opaque pixel of a file of few bits is 1, 3 or 15 in TensorFlow: the depth is that before samples are spread.
    return np.full((*samples.shape[:2], 1), (1 << header.depth) - 1, samples.dtype)


def _from_palette(header: Header, indices: Any, alpha: bool) -> tuple[Any, Any]:
    table = np.zeros((256, 3), np.uint8)
    table[: len(header.palette) // 3] = np.frombuffer(header.palette, np.uint8).reshape(-1, 3)
    if not alpha:
        return table[indices], None
    if header.transparent is None:
        return table[indices], _filler(header, indices)
    opacity = np.full(256, 255, np.uint8)
    opacity[: len(header.transparent)] = np.frombuffer(header.transparent, np.uint8)
    return table[indices], opacity[indices][..., None]


def _curve(gamma: int, bits: int, wide: bool) -> Any:
    """The values of a power, which counts in hundred thousandths, at whole numbers of so many bits."""
    steps, most = np.arange(1 << bits) / ((1 << bits) - 1), 65535 if wide else 255
    return np.floor(most * steps ** (gamma * 0.00001) + 0.5).astype(np.int64)


def _reciprocal(gamma: int) -> int:
    return int(1e10 / gamma + 0.5)


_RED, _GREEN = 29900 * 32768 // 100000, 58700 * 32768 // 100000
_WEIGHTS = np.array([_RED, _GREEN, 32768 - _RED - _GREEN])


# Of 16 bits that become 8, so many count where light is added.
_SHIFT = 5


def _grey(header: Header, colors: Any, to_wide: bool) -> Any:
    """RGB as grey; if the file tells its gamma, light is what is added."""
    wide, values = colors.dtype == np.uint16, colors.astype(np.int64)
    if header.gamma and abs(header.gamma - 100000) > 5000:
        bits, shift = (16, 0 if to_wide else _SHIFT) if wide else (8, 0)
        there, back = _reciprocal(header.gamma), _reciprocal(_reciprocal(header.gamma))
        light = _curve(there, bits - shift, wide)[values >> shift]
        grey = _curve(back, bits - shift, wide)[(light @ _WEIGHTS + 16384) >> 15 >> shift]
    else:
        grey = (values @ _WEIGHTS + (16384 if wide else 0)) >> 15
    same = (colors == colors[..., :1]).all(-1)
    return np.where(same, colors[..., 0], grey.astype(colors.dtype))[..., None]


def _converted(values: Any, wide: bool) -> Any:
    if wide:
        return values if values.dtype == np.uint16 else values * np.uint16(257)
    return (values >> 8).astype(np.uint8) if values.dtype == np.uint16 else values


def decode_png(data: bytes, channels: int = 0, wide: bool = False) -> Any:
    """The image of a file: `uint8[height, width, channels]`, or uint16 if `wide`.

    `channels`: 1 to 4, or 0 for those of the file. Raises: PngError with TensorFlow's texts.
    """
    chunks = _chunks(data)
    try:
        if not data.startswith(_SIGNATURE):
            raise PngError("signature")
        header, first = _read_header(chunks)
    except PngError:
        raise PngError(f"Invalid PNG header, data size {len(data)}") from None
    if header.width * header.height >= _MOST_PIXELS:
        raise PngError(f"PNG size too large for int: {header.width} by {header.height}")
    try:
        samples = _samples(header, _pixel_bytes(first, chunks))
    except PngError:
        raise PngError(f"Invalid PNG data, size {len(data)}") from None
    return _image(header, samples, channels or header.channels, wide)


def _image(header: Header, samples: Any, channels: int, wide: bool) -> Any:
    colors, alpha = _expanded(header, samples, channels % 2 == 0)
    if channels < 3 and colors.shape[-1] == 3:
        colors = _grey(header, colors, wide)
    parts = [_converted(colors, wide)]
    if channels >= 3 and colors.shape[-1] == 1:
        parts = [np.repeat(parts[0], 3, -1)]
    if alpha is not None:
        parts.append(_converted(alpha, wide))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, -1)
