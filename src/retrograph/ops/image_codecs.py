"""`tf.image.decode_*` and `encode_*`: files of images and their pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph.ops.image_codec_rows  # noqa: F401
from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import gather, math
from retrograph.ops.check import Assert
from retrograph.ops.cond import cond
from retrograph.ops.image_flips import convert_image_dtype
from retrograph.ops.strings import substr


@export("image.decode_jpeg", "io.decode_jpeg")
def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The image of a JPEG file: `uint8[height, width, channels]`, grey or RGB; 0 channels are those of the file.

    Raises: InvalidArgumentError when it runs, for bytes that are no image.
    Source: TF 1.15 `tf.image.decode_jpeg`.
    """
    return apply_op(  # type: ignore[no-any-return]
        "DecodeJpeg", name, contents=contents, channels=channels, ratio=ratio, fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated, acceptable_fraction=acceptable_fraction, dct_method=dct_method,
    )  # fmt: skip


@export("image.decode_and_crop_jpeg", "io.decode_and_crop_jpeg")
def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """A part of the image of a JPEG file: `uint8[height, width, channels]`.

    `crop_window`: `int32[4]`, its first row and column, its height and width.
    Raises: InvalidArgumentError when it runs, for bytes that are no image or a part that is not inside.
    Source: TF 1.15 `tf.image.decode_and_crop_jpeg`.
    """
    return apply_op(  # type: ignore[no-any-return]
        "DecodeAndCropJpeg", name, contents=contents, crop_window=crop_window, channels=channels, ratio=ratio,
        fancy_upscaling=fancy_upscaling, try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction, dct_method=dct_method,
    )  # fmt: skip


@export("image.decode_png", "io.decode_png")
def decode_png(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Tensor:
    """The image of a PNG file: `uint8[height, width, channels]` or uint16; 0 channels are those of the file.

    Raises: InvalidArgumentError when it runs, for bytes that are no image.
    Source: TF 1.15 `tf.image.decode_png`.
    """
    return apply_op("DecodePng", name, contents=contents, channels=channels, dtype=dtype)  # type: ignore[no-any-return]


@export("image.decode_gif", "io.decode_gif")
def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """The frames of a GIF file: `uint8[frames, height, width, 3]`.

    Raises: InvalidArgumentError when it runs, for bytes that are no image.
    Source: TF 1.15 `tf.image.decode_gif`.
    """
    return apply_op("DecodeGif", name, contents=contents)  # type: ignore[no-any-return]


@export("image.decode_bmp", "io.decode_bmp")
def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """The image of a BMP file: `uint8[height, width, channels]`.

    Raises: InvalidArgumentError when it runs, for bytes that are no image.
    Source: TF 1.15 `tf.image.decode_bmp`.
    """
    return apply_op("DecodeBmp", name, contents=contents, channels=channels)  # type: ignore[no-any-return]


@export("image.extract_jpeg_shape", "io.extract_jpeg_shape")
def extract_jpeg_shape(contents: Any, output_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Height, width and channels of a JPEG file, without decoding it: `int32[3]`.

    Raises: InvalidArgumentError when it runs, for bytes that are no image.
    Source: TF 1.15 `tf.image.extract_jpeg_shape`.
    """
    return apply_op("ExtractJpegShape", name, contents=contents, output_type=output_type)  # type: ignore[no-any-return]


@export("image.encode_jpeg", "io.encode_jpeg")
def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """The JPEG file of `uint8[height, width, 1 or 3]`: a string.

    Raises: InvalidArgumentError when it runs, for a quality or channels that cannot be.
    Source: TF 1.15 `tf.image.encode_jpeg`.
    """
    return apply_op(  # type: ignore[no-any-return]
        "EncodeJpeg", name, image=image, format=format, quality=quality, progressive=progressive,
        optimize_size=optimize_size, chroma_downsampling=chroma_downsampling, density_unit=density_unit,
        x_density=x_density, y_density=y_density, xmp_metadata=xmp_metadata,
    )  # fmt: skip


@export("image.encode_png")
def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """The PNG file of `uint8[height, width, 1 to 4]` or uint16: a string.

    Raises: InvalidArgumentError when it runs, for a compression or channels that cannot be.
    Source: TF 1.15 `tf.image.encode_png`.
    """
    return apply_op("EncodePng", name, image=image, compression=compression)  # type: ignore[no-any-return]


# ---- any format


def _starts_with(contents: Any, start: bytes, scope: str, name: str | None = None) -> Tensor:
    with name_scope(name, scope):
        return math.equal(substr(contents, 0, 3), start)  # type: ignore[no-any-return]


@export("image.is_jpeg", "io.is_jpeg")
def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether a file begins as JPEG files do: a bool. Source: TF 1.15 `tf.image.is_jpeg`."""
    return _starts_with(contents, b"\xff\xd8\xff", "is_jpeg", name)


_BMP_CHANNELS = "Channels must be in (None, 0, 3) when decoding BMP images"
_GIF_CHANNELS = "Channels must be in (None, 0, 3) when decoding GIF images"
_JPEG_CHANNELS = "Channels must be in (None, 0, 1, 3) when decoding JPEG images"


class _AnyImage:
    """Decodes a file by what it begins with: a chain of conditions, each with the checks of its format."""

    def __init__(self, contents: Any, channels: int | None, dtype: Any, every_frame: bool):
        self.contents, self.channels, self.dtype, self.every_frame = contents, channels, dtype, every_frame
        self.start = substr(contents, 0, 3)

    def _differs(self, channels: int, name: str) -> Any:
        return math.not_equal(self.channels or 0, channels, name=name)

    def _after(self, checks: list[Any], decode: Callable[[], Tensor]) -> Tensor:
        with control_dependencies(checks):
            return convert_image_dtype(decode(), self.dtype)

    def bmp(self) -> Tensor:
        is_bmp = math.equal(substr(self.contents, 0, 2), "BM", name="is_bmp")
        checks = [Assert(is_bmp, ["Unable to decode bytes as JPEG, PNG, GIF, or BMP"])]
        checks.append(Assert(self._differs(1, "check_channels"), [_BMP_CHANNELS]))
        return self._after(checks, lambda: decode_bmp(self.contents))

    def gif(self) -> Tensor:
        good = math.logical_and(self._differs(1, "check_gif_channels"), self._differs(4, "check_gif_channels"))
        check = Assert(good, [_GIF_CHANNELS])
        with control_dependencies([check]):
            frames = convert_image_dtype(decode_gif(self.contents), self.dtype)
            return frames if self.every_frame else gather.gather(frames, 0)

    def gif_or_bmp(self) -> Any:
        return cond(math.equal(self.start, b"GIF", name="is_gif"), self.gif, self.bmp, name="cond_gif")

    def png(self) -> Tensor:
        kind = dtypes.uint8 if self.dtype == dtypes.uint8 else dtypes.uint16
        return convert_image_dtype(decode_png(self.contents, self.channels or 0, kind), self.dtype)

    def png_or_other(self) -> Any:
        return cond(_starts_with(self.contents, b"\x89PN", "is_png"), self.png, self.gif_or_bmp, name="cond_png")

    def jpeg(self) -> Tensor:
        check = Assert(self._differs(4, "check_jpeg_channels"), [_JPEG_CHANNELS])
        return self._after([check], lambda: decode_jpeg(self.contents, self.channels or 0))


@export("image.decode_image", "io.decode_image")
def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Any:
    """The image of a BMP, GIF, JPEG or PNG file: `dtype[height, width, channels]`; a GIF's has its frames before.

    `expand_animations` False: only the first frame of a GIF, and an image of known rank.
    Raises: ValueError for other numbers of channels; InvalidArgumentError when it runs, for other files.
    Source: TF 1.15 `tf.image.decode_image`.
    """
    with name_scope(name, "decode_image"):
        if channels not in (None, 0, 1, 3, 4):
            raise ValueError("channels must be in (None, 0, 1, 3, 4)")
        found = _AnyImage(contents, channels, dtype, expand_animations)
        return cond(is_jpeg(contents), found.jpeg, found.png_or_other, name="cond_jpeg")
