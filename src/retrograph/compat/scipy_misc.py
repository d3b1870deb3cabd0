"""The image functions of `scipy.misc`, which SciPy dropped after 1.1: arrays to and from Pillow's images."""

from __future__ import annotations

from typing import Any

import numpy as np

_RESAMPLING = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}
# The modes an image of colours may have, and how many channels each has.
_CHANNELS = {"RGB": 3, "RGBA": 4, "YCbCr": 3, "CMYK": 4}
_BAD_MODE = "Mode is unknown or incompatible with input array shape."
_FILTERS = {
    "blur": "BLUR", "contour": "CONTOUR", "detail": "DETAIL", "edge_enhance": "EDGE_ENHANCE",
    "edge_enhance_more": "EDGE_ENHANCE_MORE", "emboss": "EMBOSS", "find_edges": "FIND_EDGES", "smooth": "SMOOTH",
    "smooth_more": "SMOOTH_MORE", "sharpen": "SHARPEN",
}  # fmt: skip

Array = np.ndarray[Any, Any]


def bytescale(data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0) -> Array:
    """Values from `cmin` to `cmax` (the least and the greatest of `data`) as bytes from `low` to `high`.

    Bytes are given back as they are. Raises ValueError: limits out of order. Source: SciPy 1.1 `scipy.misc.bytescale`.
    """
    if data.dtype == np.uint8:
        return data  # type: ignore[no-any-return]
    if high > 255:
        raise ValueError("`high` should be less than or equal to 255.")
    if low < 0:
        raise ValueError("`low` should be greater than or equal to 0.")
    if high < low:
        raise ValueError("`high` should be greater than or equal to `low`.")
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    if cmax < cmin:
        raise ValueError("`cmax` should be larger than `cmin`.")
    scale = float(high - low) / ((cmax - cmin) or 1)
    scaled: Array = ((data - cmin) * scale + low).clip(low, high) + 0.5
    return scaled.astype(np.uint8)


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> Array:
    """The pixels of an image file: `u8[height, width]` or `u8[height, width, channels]`; `f32` if flattened.

    Source: SciPy 1.1 `scipy.misc.imread`.
    """
    from PIL import Image

    with Image.open(name) as image:
        return fromimage(image, flatten, mode)


def fromimage(im: Any, flatten: bool = False, mode: str | None = None) -> Array:
    """The pixels of one of Pillow's images. Raises TypeError: it is none. Source: SciPy 1.1 `scipy.misc.fromimage`."""
    from PIL import Image

    if not isinstance(im, Image.Image):
        raise TypeError("Input is not a PIL image.")
    if mode is not None:
        im = im if mode == im.mode else im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def toimage(
    arr: Any, high: int = 255, low: int = 0, cmin: Any = None, cmax: Any = None, pal: Any = None, mode: str | None = None,
    channel_axis: int | None = None,
) -> Any:  # fmt: skip
    """One of Pillow's images of an array, scaled to bytes as `bytescale` does.

    Raises ValueError: a shape or mode that no image has. Source: SciPy 1.1 `scipy.misc.toimage`.
    """
    data = np.asarray(arr)
    if np.iscomplexobj(data):
        raise ValueError("Cannot convert a complex-valued array.")
    if data.ndim == 2:
        return _of_plane(data, high, low, cmin, cmax, pal, mode)
    if data.ndim != 3 or not (3 in data.shape or 4 in data.shape):
        raise ValueError("'arr' does not have a suitable array shape for any mode.")
    return _of_channels(bytescale(data, cmin, cmax, high, low), mode, channel_axis)


def _of_plane(data: Array, high: int, low: int, cmin: Any, cmax: Any, pal: Any, mode: str | None) -> Any:
    from PIL import Image

    size = data.shape[::-1]
    if mode == "F":
        return Image.frombytes(mode, size, data.astype(np.float32).tobytes())
    if mode in (None, "L", "P"):
        image = Image.frombytes("L", size, bytescale(data, cmin, cmax, high, low).tobytes())
        if pal is None and mode == "P":
            pal = np.repeat(np.arange(256), 3)
        if pal is not None:
            image.putpalette(np.asarray(pal, np.uint8).tobytes())
        return image
    if mode == "1":
        return Image.frombytes(mode, size, (data > high).tobytes())
    if mode != "I":
        raise ValueError(_BAD_MODE)
    least, most = np.min(data) if cmin is None else cmin, np.max(data) if cmax is None else cmax
    scaled = (data * 1.0 - least) * (high - low) / (most - least) + low
    return Image.frombytes(mode, size, scaled.astype(np.uint32).tobytes())


def _of_channels(data: Array, mode: str | None, axis: int | None) -> Any:
    from PIL import Image

    if axis is None:
        axis = data.shape.index(3 if 3 in data.shape else 4)
    count = data.shape[axis]
    if count not in (3, 4):
        raise ValueError("Channel axis dimension is not valid.")
    pixels = np.moveaxis(data, axis, 2)
    mode = mode or ("RGB" if count == 3 else "RGBA")
    if mode not in _CHANNELS:
        raise ValueError(_BAD_MODE)
    if _CHANNELS[mode] != count:
        raise ValueError("Invalid array shape for mode.")
    return Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Writes an array as an image file, scaled to bytes as `bytescale` does. Source: SciPy 1.1 `scipy.misc.imsave`."""
    toimage(arr, channel_axis=2).save(name, *(() if format is None else (format,)))


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> Array:
    """The array as an image of another size: `(height, width)`, an int in percent, or a float that is a factor.

    Source: SciPy 1.1 `scipy.misc.imresize`.
    """
    image = toimage(arr, mode=mode)
    kind = np.asarray(size).dtype.kind if np.ndim(size) == 0 else ""
    if kind in ("i", "f"):
        width, height = (np.array(image.size) * (size / 100.0 if kind == "i" else size)).astype(int).tolist()
    else:
        height, width = (int(n) for n in size)
    return fromimage(image.resize((width, height), resample=_RESAMPLING[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> Array:
    """The array as an image turned by `angle` degrees against the clock. Source: SciPy 1.1 `scipy.misc.imrotate`."""
    return fromimage(toimage(arr).rotate(angle, resample=_RESAMPLING[interp]))


def imfilter(arr: Any, ftype: str) -> Array:
    """The array as an image through one of Pillow's filters (`blur`, `sharpen`, ...).

    Raises ValueError: no such filter. Source: SciPy 1.1 `scipy.misc.imfilter`.
    """
    from PIL import ImageFilter

    if ftype not in _FILTERS:
        raise ValueError("Unknown filter type.")
    return fromimage(toimage(arr).filter(getattr(ImageFilter, _FILTERS[ftype])))


def imshow(arr: Any) -> None:
    """Shows the array as an image, in a viewer of the system. Source: SciPy 1.1 `scipy.misc.imshow`."""
    toimage(arr).show()
