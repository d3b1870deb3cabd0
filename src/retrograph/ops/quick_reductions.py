"""Sums and maxima in the forms that XLA's CPU back end is quick with.

Its reductions suit most shapes. Two they do not: along a short last axis (a softmax over a few classes), and along an
axis before a wide row (a mean over a batch of images), where they take five to seventy times as long as reading the
array does. There the sum is of slices, or a product with ones.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

from retrograph.framework.lazy_jax import jnp, lax
from retrograph.ops.window import on_cpu

_LARGE = 1 << 15
_SHORT = 12
_MANY = 1 << 12
_WIDE = 1 << 14


def total(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """`jnp.sum(x, axes, keepdims=keep)`, in the dtype of x."""
    if _is_ordinary(x, axes):
        return jnp.sum(x, axis=axes, keepdims=keep, dtype=x.dtype)
    return _reduced(x, axes, keep, jnp.add, jnp.sum, _rows_added)


def greatest(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """`jnp.max(x, axes, keepdims=keep)` of an array that is not empty."""
    if _is_ordinary(x, axes):
        return jnp.max(x, axis=axes, keepdims=keep)
    return _reduced(x, axes, keep, jnp.maximum, jnp.max, functools.partial(_rows_halved, jnp.maximum))


def smallest(x: Any, axes: tuple[int, ...], keep: bool) -> Any:
    """`jnp.min(x, axes, keepdims=keep)` of an array that is not empty."""
    if _is_ordinary(x, axes):
        return jnp.min(x, axis=axes, keepdims=keep)
    return _reduced(x, axes, keep, jnp.minimum, jnp.min, functools.partial(_rows_halved, jnp.minimum))


def _is_ordinary(x: Any, axes: tuple[int, ...]) -> bool:
    return not axes or x.size < _LARGE or x.dtype.name not in ("float32", "float64") or not on_cpu()


def _reduced(
    x: Any,
    axes: tuple[int, ...],
    keep: bool,
    join: Callable[[Any, Any], Any],
    plain: Callable[..., Any],
    of_rows: Callable[[Any], Any],
) -> Any:
    shape = [1 if i in axes else d for i, d in enumerate(x.shape)]
    if not keep:
        shape = [d for i, d in enumerate(x.shape) if i not in axes]
    runs = _runs(x.shape, axes)
    x = x.reshape([size for _, size in runs])
    while runs:
        gone, size = runs[-1]
        if gone and size <= _SHORT and x.size // size >= _MANY:
            x = _slices_joined(x, len(runs) - 1, join)
            runs.pop()
        elif not gone and len(runs) > 1 and size > _WIDE:
            x = of_rows(x.reshape(-1, runs[-2][1], size))
            runs.pop(-2)
            runs = _joined(runs)
            x = x.reshape([count for _, count in runs])
        else:
            x = plain(x, axis=tuple(i for i, (out, _) in enumerate(runs) if out))
            break
    return x.reshape(shape)


def _runs(shape: Any, axes: tuple[int, ...]) -> list[tuple[bool, int]]:
    """Neighbouring axes of one kind as one: whether they go, and how many elements they have."""
    kinds = [(i in axes, d) for i, d in enumerate(shape) if d != 1]
    return _joined(kinds)


def _joined(kinds: list[tuple[bool, int]]) -> list[tuple[bool, int]]:
    return [(gone, math.prod(d for _, d in run)) for gone, run in itertools.groupby(kinds, lambda kind: kind[0])]


def _slices_joined(x: Any, axis: int, join: Callable[[Any, Any], Any]) -> Any:
    return functools.reduce(join, (lax.index_in_dim(x, i, axis, keepdims=False) for i in range(x.shape[axis])))


def _rows_added(x: Any) -> Any:
    """The sum along the second of three axes."""
    batch, count, _ = x.shape
    if count <= 4:
        return _slices_joined(x, 1, jnp.add)
    if batch == 1:
        return lax.dot_general(jnp.ones((1, count), x.dtype), x[0], (((1,), (0,)), ((), ())))
    return lax.dot_general(jnp.ones((batch, 1, count), x.dtype), x, (((2,), (1,)), ((0,), (0,))))[:, 0]


def _rows_halved(join: Callable[[Any, Any], Any], x: Any) -> Any:
    """One half of the rows is joined with the other until one is left."""
    while (count := x.shape[1]) > _SHORT:
        half = count // 2
        both = join(x[:, :half], x[:, half : 2 * half])
        x = both if count % 2 == 0 else jnp.concatenate([both[:, 1:], join(both[:, :1], x[:, -1:])], axis=1)
    return _slices_joined(x, 1, join)
