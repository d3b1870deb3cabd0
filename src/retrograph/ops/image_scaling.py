"""Images moved and scaled with filters as wide as the scale needs: `ScaleAndTranslate`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, with_rank
from retrograph.ops.image_kernels import check_pixels, weighted
from retrograph.ops.rows import ints, refuse

Array = Any
_F = np.float32
_PI = _F(3.14159265359)


def _lanczos(radius: float, x: Array) -> Array:
    r = _F(radius)
    near = np.where(x <= _F(1e-3), _F(1), x)
    waves = r * np.sin(_PI * near) * np.sin(_PI * near / r) / (_PI * _PI * near * near)
    return np.where(x > r, _F(0), np.where(x <= _F(1e-3), _F(1), waves))


def _gaussian(x: Array) -> Array:
    return np.where(x >= _F(1.5), _F(0), np.exp(-x * x / _F(2.0 * 0.5 * 0.5)))


def _box(x: Array) -> Array:
    return np.where(x < _F(0.5), _F(1), np.where(x == _F(0.5), _F(0.5), _F(0)))


def _triangle(x: Array) -> Array:
    return np.where(x < 1, _F(1) - x, _F(0))


def _cubic(inner: tuple[float, ...], outer: tuple[float, ...], x: Array) -> Array:
    def polynomial(c: tuple[float, ...]) -> Array:
        return ((_F(c[0]) * x + _F(c[1])) * x + _F(c[2])) * x + _F(c[3])

    return np.where(x >= 2, _F(0), np.where(x >= 1, polynomial(outer), polynomial(inner)))


# Name -> (how far a filter reaches, its weight at a distance).
_FILTERS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "lanczos1": (1.0, partial(_lanczos, 1.0)),
    "lanczos3": (3.0, partial(_lanczos, 3.0)),
    "lanczos5": (5.0, partial(_lanczos, 5.0)),
    "gaussian": (1.5, _gaussian),
    "box": (1.0, _box),
    "triangle": (1.0, _triangle),
    "keyscubic": (2.0, partial(_cubic, (1.5, -2.5, 0.0, 1.0), (-0.5, 2.5, -4.0, 2.0))),
    "mitchellcubic": (2.0, partial(_cubic, (7 / 6, -2.0, 0.0, 8 / 9), (-7 / 18, 2.0, -10 / 3, 16 / 9))),
}


def _weights(op: Any, size: int, wanted: int, scale: Any, shift: Any) -> Array:
    """How much each input pixel counts in each output pixel: `f32[wanted, size]`."""
    radius, kernel = _FILTERS[op.attrs["kernel_type"].decode()]
    inverse = _F(1.0 / float(scale))
    wide = max(inverse, _F(1)) if op.attrs["antialias"] else _F(1)
    places = (np.arange(wanted, dtype=np.float32) + _F(0.5)) * inverse + -inverse * _F(shift)
    reach = _F(radius) * wide
    first = np.clip(np.ceil(places - reach - _F(0.5)).astype(np.int64), 0, size - 1)[:, None]
    last = np.clip(np.floor(places + reach - _F(0.5)).astype(np.int64), 0, size - 1)[:, None]
    pixels = np.arange(size)
    weights = kernel(np.abs((pixels.astype(np.float32) + _F(0.5) - places[:, None]) * (_F(1) / wide)))
    weights = np.where((pixels >= first) & (pixels <= last), weights, _F(0)).astype(np.float32)
    total = weights.sum(1, keepdims=True)
    enough = np.abs(total) >= 1000 * np.finfo(np.float32).tiny
    weights = np.where(enough, weights * (_F(1) / np.where(enough, total, _F(1))), _F(0))
    inside = (places >= 0) & (places <= size)
    return np.where(inside[:, None], weights, _F(0)).astype(np.float32)


def _check(op: Any, x: Array, scale: Array, shift: Array) -> None:
    kind = op.attrs["kernel_type"].decode()
    if kind not in _FILTERS:
        refuse(op, f"Unrecognized kernel type: {kind}")
    if x.ndim != 4:
        refuse(op, f"input must be 4-dimensional{list(x.shape)}")
    if not np.all(scale > 0):
        refuse(op, "Scale must be greater than zero.")
    check_pixels(op, x.shape)


def _axes(op: Any, sizes: Any, wanted: Any, scale: Array, shift: Array) -> tuple[Array, Array]:
    rows, columns = (
        _weights(op, size, count, one, moved)
        for size, count, one, moved in zip(sizes, wanted, scale, shift, strict=True)
    )
    return rows, columns


def _scaled(xp: Any, op: Any, x: Array, size: Array, scale: Array, shift: Array) -> Array:
    _check(op, x, scale, shift)
    wanted = ints(size)
    if min(wanted) <= 0:
        refuse(op, "output dimensions must be positive")
    rows, columns = _axes(op, x.shape[1:3], wanted, scale, shift)
    return weighted(xp, rows, columns, xp.asarray(x).astype(np.float32))


def _scaled_gradient(xp: Any, op: Any, grads: Array, original: Array, scale: Array, shift: Array) -> Array:
    _check(op, original, scale, shift)
    rows, columns = _axes(op, original.shape[1:3], grads.shape[1:3], scale, shift)
    return weighted(xp, rows.T, columns.T, xp.asarray(grads))


def _scaled_shape(c: ShapeContext) -> list[Shape]:
    x = with_rank(c, c.input(0), 4)
    with_rank(c, c.input(1), 1)
    merge(c, c.input(2), (2,))
    merge(c, c.input(3), (2,))
    size = c.constant_as_shape(1) or (None, None)
    return [(x[0], *size, x[3])]


def _gradient(op: Any, grad: Any) -> list[Any]:
    attrs = {name: op.get_attr(name) for name in ("kernel_type", "antialias")}
    x, _, scale, shift = op.inputs
    given = {"grads": grad, "original_image": x, "scale": scale, "translation": shift}
    return [apply_op("ScaleAndTranslateGrad", None, **given, **attrs), None, None, None]


def _both(function: Callable[..., Array]) -> dict[str, Any]:
    return {"lower": partial(function, jnp), "numpy": partial(function, np)}


register_op("ScaleAndTranslate", shape=_scaled_shape, static_inputs=(1, 2, 3), gradient=_gradient, **_both(_scaled))
register_op(
    "ScaleAndTranslateGrad",
    shape=lambda c: [c.input(1)],
    static_inputs=(2, 3),
    gradient=NO_GRADIENT,
    **_both(_scaled_gradient),
)
