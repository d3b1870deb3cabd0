"""Operations that read and write files of images: on the host, each file at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.rows import ints, refuse, with_value
from retrograph.platform import bmp, gif, jpeg, png, png_reader

_MAGIC = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF8", "GIF"))
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "'": "\\'", "\\": "\\\\"}
_DCT_METHODS = (b"", b"INTEGER_FAST", b"INTEGER_ACCURATE")


def _row(op_type: str, shape: Callable[[ShapeContext], list[Shape]], numpy: Callable[..., Any]) -> None:
    register_op(op_type, shape=shape, numpy=numpy, host=True, gradient=NO_GRADIENT)


# ---- shapes


def _channels(c: ShapeContext) -> int | None:
    channels: int = c.attr("channels")
    if channels < 0:
        c.fail(f"channels must be non-negative, got {channels}")
    return channels or None


def _image_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    return [(None, None, _channels(c))]


def _cropped_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    channels = _channels(c)
    with_value(with_rank(c, c.input(1), 1)[0], 4)
    window = c.constant(1)
    return [(None, None, channels) if window is None else (*ints(window)[2:], channels)]


def _frames_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    return [(None, None, None, 3)]


def _file_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 3)
    return [()]


def _sizes_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    return [(3,)]


# ---- reading


def _shown(data: bytes) -> str:
    """Bytes as C would write them."""
    letters = [_ESCAPES.get(chr(b)) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in data]
    return "".join(letters)


def _contents(op: Any, contents: Any) -> bytes:
    if np.ndim(contents):
        refuse(op, f"contents must be scalar, got shape {_shape_text(contents)}")
    found = np.asarray(contents, object).item()
    return found.encode() if isinstance(found, str) else bytes(found)


def _format(op: Any, data: bytes) -> str:
    for start, name in _MAGIC:
        if data.startswith(start):
            return name
    found = f"unknown format starting with '{_shown(data[:16])}'" if data else "empty file"
    return refuse(op, f"Expected image (JPEG, PNG, or GIF), got {found}")


def _require_channels(op: Any, channels: int, allowed: tuple[int, ...], text: str) -> None:
    if channels not in allowed:
        refuse(op, f"channels must be {text}, got {channels}")


def _jpeg_options(op: Any, channels: int) -> jpeg.Options:
    get = op.attrs.get
    ratio, method = get("ratio", 1), get("dct_method", b"")
    method = method.encode() if isinstance(method, str) else method
    if ratio not in (1, 2, 4, 8):
        refuse(op, f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if method not in _DCT_METHODS:
        refuse(op, "dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}")
    return jpeg.Options(
        channels, ratio, get("fancy_upscaling", True), method == b"INTEGER_ACCURATE",
        get("try_recover_truncated", False), get("acceptable_fraction", 1.0),
    )  # fmt: skip


def _from_jpeg(op: Any, data: bytes, channels: int, window: Any = None) -> Any:
    options = _jpeg_options(op, channels)
    _require_channels(op, channels, (0, 1, 3), "0, 1, or 3 for JPEG")
    if window is not None:
        top, left, height, width = ints(window)
        options = options._replace(window=(top, left, height, width))
    try:
        return jpeg.decode(data, options)
    except jpeg.JpegError:
        return refuse(op, f"Invalid JPEG data or crop window, data size {len(data)}")
    except jpeg.Unsupported as error:
        raise errors.UnimplementedError(None, op, f"{op.type}: {error}") from None


def _from_png(op: Any, data: bytes, channels: int, wide: bool) -> Any:
    try:
        return png_reader.decode_png(data, channels, wide)
    except png_reader.PngError as error:
        return refuse(op, str(error))


def _from_gif(op: Any, data: bytes, channels: int) -> Any:
    _require_channels(op, channels, (0, 3), "0 or 3 for GIF")
    try:
        frames, colors = gif.read_frames(data)
        if op.type != "DecodeGif" and len(frames) != 1:
            refuse(
                op,
                f"Got {len(frames)} frames, but animated gifs can only be decoded by tf.image.decode_gif or "
                "tf.image.decode_image",
            )
        images = gif.compose(frames, colors)
    except gif.GifError as error:
        refuse(op, f"Invalid GIF data (size {len(data)}), {error}")
    return images if op.type == "DecodeGif" else images[0]


def _decoded(op: Any, contents: Any, window: Any = None) -> Any:
    """The image of a file of any of the three formats, whichever the operation is named after."""
    channels, wide = op.attrs.get("channels", 3), op.type == "DecodePng" and op.attrs["dtype"].name == "uint16"
    _require_channels(op, channels, (0, 1, 3, 4), "0, 1, 3, or 4")
    data = _contents(op, contents)
    kind = _format(op, data)
    if wide and kind != "PNG":
        refuse(op, f"{kind} does not support uint16 output")
    if kind == "GIF":
        return _from_gif(op, data, channels)
    found = _from_png(op, data, channels, wide) if kind == "PNG" else _from_jpeg(op, data, channels, window)
    return found[None] if op.type == "DecodeGif" else found


def _from_bmp(op: Any, contents: Any) -> Any:
    channels = op.attrs["channels"]
    _require_channels(op, channels, (0, 1, 3, 4), "0, 1, 3 or 4")
    try:
        return bmp.decode_bmp(_contents(op, contents), channels)
    except bmp.BmpError as error:
        return refuse(op, str(error))


def _sizes(op: Any, contents: Any) -> Any:
    data = _contents(op, contents)
    try:
        header = jpeg.read_header(data)
    except jpeg.JpegError:
        refuse(op, f"Invalid JPEG data, size {len(data)}")
    return np.array([header.height, header.width, header.channels], op.attrs["output_type"].as_numpy_dtype)


for _type in ("DecodeJpeg", "DecodePng"):
    _row(_type, _image_shape, _decoded)
_row("DecodeAndCropJpeg", _cropped_shape, _decoded)
_row("DecodeGif", _frames_shape, _decoded)
_row("DecodeBmp", _image_shape, _from_bmp)
_row("ExtractJpegShape", _sizes_shape, _sizes)


# ---- writing


def _text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _shape_text(image: Any) -> str:
    return "[" + ",".join(map(str, np.shape(image))) + "]"


def _jpeg_of(op: Any, image: Any, style: jpeg.Style) -> Any:
    try:
        return np.array(jpeg.encode(image, style), object)
    except jpeg.JpegError:
        raise errors.InternalError(None, op, "JPEG encoding failed") from None


def _check_jpeg_channels(op: Any, image: Any, wanted: bytes = b"") -> None:
    if not wanted and image.shape[2] not in (1, 3):
        refuse(op, f"image must have 1 or 3 channels, got {_shape_text(image)}")
    channels = 1 if wanted == b"grayscale" else 3
    if wanted and image.shape[2] != channels:
        refuse(op, f"format {wanted.decode()} expects {channels} channels, got {_shape_text(image)}")


def _to_jpeg(op: Any, image: Any) -> Any:
    a = op.attrs
    if not 0 <= a["quality"] <= 100:
        refuse(op, f"quality must be in [0,100], got {a['quality']}")
    _check_jpeg_channels(op, image, _text(a["format"]))
    style = jpeg.Style(
        a["quality"], a["progressive"], a["optimize_size"], a["chroma_downsampling"],
        1 if _text(a["density_unit"]) == b"in" else 2, a["x_density"], a["y_density"], _text(a["xmp_metadata"]),
    )  # fmt: skip
    return _jpeg_of(op, image, style)


def _to_jpeg_of_quality(op: Any, image: Any, quality: Any) -> Any:
    if np.ndim(quality):
        refuse(op, f"quality must be scalar: {list(np.shape(quality))}")
    _check_jpeg_channels(op, image)
    # Here TensorFlow takes any number for the nearest that counts.
    return _jpeg_of(op, image, jpeg.Style(min(max(int(quality), 0), 100)))


def _to_png(op: Any, image: Any) -> Any:
    level = op.attrs["compression"]
    if not -1 <= level <= 9:
        refuse(op, f"compression should be in [-1,9], got {level}")
    if not 1 <= image.shape[2] <= 4:
        refuse(op, f"image must have 1, 2, 3, or 4 channels, got {image.shape[2]}")
    if not image.size:
        raise errors.InternalError(None, op, "PNG encoding failed")
    return np.array(png.encode_png(image, level), object)


_row("EncodeJpeg", _file_shape, _to_jpeg)
_row("EncodeJpegVariableQuality", _file_shape, _to_jpeg_of_quality)
_row("EncodePng", _file_shape, _to_png)
