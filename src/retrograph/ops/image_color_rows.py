"""Colours as hue, saturation and value, and back, by the formulas of TensorFlow 1.15's kernels."""

from __future__ import annotations

from typing import Any

from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank_at_least
from retrograph.ops import joining, math
from retrograph.ops.cast import cast
from retrograph.ops.rows import both, refuse, with_value

# ---- shapes


def _color_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank_at_least(c, c.input(0), 1)
    return [None if shape is None else (*shape[:-1], with_value(shape[-1], 3))]


def _image_shape(c: ShapeContext) -> list[Shape]:
    return [with_rank_at_least(c, c.input(0), 3)]


# ---- between RGB and HSV


def _parts(x: Any) -> tuple[Any, Any, Any]:
    return x[..., 0], x[..., 1], x[..., 2]


def _divided(xp: Any, a: Any, b: Any) -> Any:
    """a / b, and 0 where b is not positive."""
    positive = b > 0
    return xp.where(positive, a / xp.where(positive, b, b.dtype.type(1)), b.dtype.type(0))


def _hue(xp: Any, red: Any, green: Any, blue: Any, value: Any, spread: Any) -> Any:
    kind = spread.dtype.type
    norm = _divided(xp, xp.ones_like(spread), spread) * kind(1 / 6)
    of_green, of_blue = norm * (blue - red) + kind(2 / 6), norm * (red - green) + kind(4 / 6)
    hue = xp.where(red == value, norm * (green - blue), xp.where(green == value, of_green, of_blue))
    hue = xp.where(spread > 0, hue, kind(0))
    return xp.where(hue < 0, hue + kind(1), hue)


def _to_hsv(xp: Any, op: Any, images: Any) -> Any:
    red, green, blue = _parts(xp.asarray(images))
    value = xp.maximum(red, xp.maximum(green, blue))
    spread = value - xp.minimum(red, xp.minimum(green, blue))
    return xp.stack([_hue(xp, red, green, blue, value, spread), _divided(xp, spread, value), value], -1)


def _to_rgb(xp: Any, op: Any, images: Any) -> Any:
    hue, saturation, value = _parts(xp.asarray(images))
    kind = value.dtype.type
    sixths = hue * kind(6)
    red = xp.clip(xp.abs(sixths - kind(3)) - kind(1), kind(0), kind(1))
    green = xp.clip(kind(2) - xp.abs(sixths - kind(2)), kind(0), kind(1))
    blue = xp.clip(kind(2) - xp.abs(sixths - kind(4)), kind(0), kind(1))
    pale = kind(1) - saturation
    return xp.stack([(pale + saturation * part) * value for part in (red, green, blue)], -1)


class _Order:
    """Which of three colours is the largest and which the smallest; of equal ones red comes first, then green."""

    def __init__(self, colors: list[Tensor]):
        red, green, blue = colors
        largest = [(red >= blue) & (red >= green), (green > red) & (green >= blue), (blue > red) & (blue > green)]
        smallest = [(red < blue) & (red < green), (green <= red) & (green < blue), (blue <= red) & (blue <= green)]
        self.colors, self.dtype = colors, red.dtype
        self.largest, self.smallest = [[cast(m, red.dtype) for m in masks] for masks in (largest, smallest)]

    def positive(self, index: int) -> Any:
        return cast(self.colors[index] > 0, self.dtype)


def _inverse(x: Any) -> Any:
    return math.div_no_nan(cast(1, x.dtype), x)


def _saturation_by(order: _Order, a: int) -> Any:
    """The derivative of saturation by colour `a`. As in TensorFlow it is 0 where the colour is."""
    n, p = (a + 1) % 3, (a + 2) % 3
    c, largest, smallest = order.colors, order.largest, order.smallest
    as_largest = largest[a] * (smallest[n] * c[n] + smallest[p] * c[p]) * _inverse(math.square(c[a]))
    as_smallest = smallest[a] * _inverse(largest[n] * c[n] + largest[p] * c[p])
    return order.positive(a) * (as_largest - as_smallest)


def _hue_by(order: _Order, a: int, saturation: Any, value: Any) -> Any:
    """The derivative of hue by colour `a`."""
    n, p = (a + 1) % 3, (a + 2) % 3
    c, largest, smallest = order.colors, order.largest, order.smallest
    own = largest[a] * (c[p] - c[n]) * _inverse(math.square(saturation)) * _inverse(math.square(value))
    next_largest = smallest[a] * (c[p] - c[n]) * _inverse(math.square(c[a] - c[n])) - smallest[p] * _inverse(
        c[n] - c[p]
    )
    last_largest = smallest[a] * (c[p] - c[n]) * _inverse(math.square(c[p] - c[a])) + smallest[n] * _inverse(
        c[p] - c[n]
    )
    parts = [order.positive(a) * own]
    parts.append(order.positive(n) * largest[n] * next_largest)
    parts.append(order.positive(p) * largest[p] * last_largest)
    return (parts[0] + parts[1] + parts[2]) / 6


def _to_hsv_gradient(op: Any, grad: Any) -> Any:
    order = _Order([op.inputs[0][..., i] for i in range(3)])
    saturation, value = op.outputs[0][..., 1], op.outputs[0][..., 2]
    by_hue, by_saturation, by_value = (grad[..., i] for i in range(3))
    found = []
    for a in range(3):
        part = by_value * order.largest[a] + by_saturation * _saturation_by(order, a)
        found.append(part + by_hue * _hue_by(order, a, saturation, value))
    return joining.stack(found, axis=-1)


register_op("RGBToHSV", shape=_color_shape, gradient=_to_hsv_gradient, **both(_to_hsv))
register_op("HSVToRGB", shape=_color_shape, gradient=NO_GRADIENT, **both(_to_rgb))


# ---- adjusted


def _checked(op: Any, images: Any, factor: Any, name: str) -> None:
    if factor.ndim:
        refuse(op, f"{name} must be scalar: {list(factor.shape)}")
    if images.shape[-1] != 3:
        refuse(op, f"input must have 3 channels but instead has {images.shape[-1]} channels.")


# Which of the largest, the middle and the smallest value red, green and blue are, in each sixth of the circle.
_ROLES = ((0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0), (1, 2, 0), (0, 2, 1))


def _sixth(xp: Any, red: Any, green: Any, blue: Any) -> Any:
    """In which sixth of the circle of colours a colour is."""
    if_green = xp.where(blue < red, 1, xp.where(blue > green, 3, 2))
    return xp.where(red < green, if_green, xp.where(blue < green, 0, xp.where(blue > red, 4, 5)))


def _turned(xp: Any, angle: Any) -> Any:
    """An angle in sixths within the circle, by the steps that TensorFlow takes."""
    six = angle.dtype.type(6)
    for _ in range(2):
        angle = xp.where(angle < 0, angle + six, angle)
        angle = xp.where(angle >= six, angle - six, angle)
    return xp.where((angle < 0) | (angle >= six), xp.mod(angle, six), angle)


def _adjusted_hue(xp: Any, op: Any, images: Any, delta: Any) -> Any:
    images, delta = xp.asarray(images), xp.asarray(delta)
    _checked(op, images, delta, "delta")
    red, green, blue = _parts(images.astype(xp.float32))
    most, least = xp.maximum(red, xp.maximum(green, blue)), xp.minimum(red, xp.minimum(green, blue))
    middle = xp.maximum(xp.minimum(red, green), xp.minimum(xp.maximum(red, green), blue))
    sixth = _sixth(xp, red, green, blue)
    ratio = _divided(xp, middle - least, most - least)
    hue = sixth.astype(xp.float32) + xp.where(sixth % 2 == 0, ratio, 1 - ratio)
    hue = _turned(xp, xp.where(most == least, xp.float32(0), hue) + delta * xp.float32(6))
    sixth = hue.astype(xp.int32)
    ratio = hue - sixth.astype(xp.float32)
    ratio = xp.where(sixth % 2 == 0, ratio, 1 - ratio)
    values = (most, least + ratio * (most - least), least)
    return _by_sixth(xp, sixth, values, _ROLES).astype(images.dtype)


def _by_sixth(xp: Any, sixth: Any, values: tuple[Any, ...], roles: tuple[tuple[int, ...], ...]) -> Any:
    """Red, green and blue, each that of the values which its sixth names."""
    found = []
    for color in range(3):
        chosen = values[roles[-1][color]]
        for i in range(len(roles) - 1):
            chosen = xp.where(sixth == i, values[roles[i][color]], chosen)
        found.append(chosen)
    return xp.stack(found, -1)


def _adjusted_saturation(xp: Any, op: Any, images: Any, scale: Any) -> Any:
    images, scale = xp.asarray(images), xp.asarray(scale)
    _checked(op, images, scale, "scale")
    hue, saturation, value = _parts(_to_hsv(xp, op, images.astype(xp.float32)))
    spread = xp.clip(saturation * scale, xp.float32(0), xp.float32(1)) * value
    sixths = hue * xp.float32(6)
    step = xp.mod(sixths, xp.float32(2))
    middle = spread * (1 - xp.abs(step - 1))
    zero = xp.zeros_like(spread)
    # A hue that was rounded up to a whole turn is no colour.
    mixed = _by_sixth(xp, sixths.astype(xp.int32), (spread, middle, zero), (*_ROLES, (2, 2, 2)))
    return (mixed + (value - spread)[..., None]).astype(images.dtype)


register_op("AdjustHue", shape=_image_shape, **both(_adjusted_hue))
register_op("AdjustSaturation", shape=_image_shape, **both(_adjusted_saturation))
