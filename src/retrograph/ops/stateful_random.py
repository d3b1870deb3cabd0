"""Random operations whose stream lies in a variable `i64[3]`: 128 bits of Philox's counter, then its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, with_rank, with_rank_at_most
from retrograph.ops.rows import ints, is_static, refuse, shape_input
from retrograph.runtime import random as philox

Array = Any
PHILOX, THREEFRY = 1, 2
STATE_SIZES = {PHILOX: 3, THREEFRY: 2}
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def _stream(xp: Any, state: Array) -> Array:
    """The generator's state `u32[6]` (key, counter) of the variable's numbers."""
    numbers = state[:3].astype(xp.uint64)
    halves = xp.stack([(numbers & _LOW).astype(xp.uint32), (numbers >> _32).astype(xp.uint32)], 1)
    return xp.concatenate([halves[2], halves[0], halves[1]])


def _numbers(xp: Any, stream: Array) -> Array:
    """The variable's numbers of the generator's state."""
    halves = stream.reshape(3, 2).astype(xp.uint64)
    joined = (halves[:, 0] | (halves[:, 1] << _32)).astype(xp.int64)
    return xp.concatenate([joined[1:], joined[:1]])


def _check_state(op: Any, state: Array, algorithm: Array) -> None:
    if np.ndim(algorithm) or np.asarray(algorithm).dtype != np.int64:
        refuse(op, f"input 1 (0-based) must have shape [], not {to_text(np.shape(algorithm))}")
    if state.dtype != np.int64:
        refuse(op, f"dtype of RNG state variable must be int64, not {state.dtype.name}")
    if state.ndim != 1:
        refuse(op, f"RNG state must have one and only one dimension, not {state.ndim}")
    if int(algorithm) != PHILOX:
        refuse(op, f"Unsupported algorithm id: {int(algorithm)}")
    if state.shape[0] < 3:
        refuse(op, f"For the Philox algorithm, the size of state must be at least 3; got {state.shape[0]}")


def _advance(op: Any, ctx: Any, ref: Any, algorithm: Array, steps: int) -> Array:
    """The stream as it is; the variable moves on by that many numbers."""
    state = ctx.read(ref)
    _check_state(op, state, algorithm)
    stream = _stream(ctx.xp, state)
    moved = _numbers(ctx.xp, philox.skip(stream, steps * philox.BLOCKS_PER_SAMPLE))
    ctx.write(ref, ctx.xp.concatenate([moved, state[3:]]))
    return stream


def _size(sizes: tuple[int, ...]) -> int:
    return int(np.prod(sizes, dtype=np.int64))


def _drawn(draw: Callable[..., Array]) -> Callable[..., Array]:
    def run(op: Any, ctx: Any, ref: Any, algorithm: Array, shape: Array, *bounds: Array) -> Array:
        sizes = ints(shape)
        if bounds and all(is_static(bound) for bound in bounds) and bounds[0] >= bounds[1]:
            refuse(op, f"Need minval < maxval, got {int(bounds[0])} >= {int(bounds[1])}")
        dtype = op.attrs["dtype"].as_numpy_dtype
        return draw(_advance(op, ctx, ref, algorithm, _size(sizes)), sizes, *bounds, dtype)

    return run


def _full_int(stream: Array, sizes: tuple[int, ...], dtype: Any) -> Array:
    dtype = np.dtype(dtype)
    words = philox.words(stream, _size(sizes) * dtype.itemsize // 4)
    if dtype.itemsize == 8:
        pairs = words.reshape(-1, 2).astype(np.uint64)
        words = pairs[:, 0] | (pairs[:, 1] << _32)
    return words.astype(dtype).reshape(sizes)


def _shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    if c.op_type == "StatefulUniformInt":
        for i in (3, 4):
            with_rank(c, c.input(i), 0)
    return [shape_input(c, 2)]


_DRAWS: dict[str, Callable[..., Array]] = {
    "StatefulUniform": philox.uniform,
    "StatefulStandardNormalV2": philox.normal,
    "StatefulTruncatedNormal": philox.truncated_normal,
    "StatefulUniformInt": philox.uniform_int,
    "StatefulUniformFullInt": _full_int,
}
for _type, _draw in _DRAWS.items():
    _run = _drawn(_draw)
    register_op(_type, shape=_shape, lower=_run, numpy=_run, effect=True, static_inputs=(1, 2), gradient=NO_GRADIENT)


# ---- skipping, and numbers from outside


def _skip(op: Any, ctx: Any, ref: Any, algorithm: Array, delta: Array) -> tuple[()]:
    _advance(op, ctx, ref, algorithm, int(delta))
    return ()


def _skip_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    with_rank(c, c.input(2), 0)
    return []


def _from_outside(op: Any, ctx: Any, shape: Array) -> Array:
    dtype = np.dtype(op.attrs["dtype"].as_numpy_dtype)
    if dtype.name not in ("int32", "uint32", "int64", "uint64"):
        raise errors.InvalidArgumentError(None, op, f"Unsupported dtype: {op.attrs['dtype'].name}")
    sizes = ints(shape)
    return np.frombuffer(np.random.default_rng().bytes(_size(sizes) * dtype.itemsize), dtype).reshape(sizes)


register_op(
    "RngSkip", shape=_skip_shape, lower=_skip, numpy=_skip, effect=True, static_inputs=(1, 2), gradient=NO_GRADIENT
)
register_op(
    "NonDeterministicInts", shape=lambda c: [shape_input(c, 0)], numpy=_from_outside, host=True, effect=True,
    gradient=NO_GRADIENT,
)  # fmt: skip


# ---- binomial

_STIRLING = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip
_BATCH = 100


def _pairs(stream: Array) -> Iterator[tuple[float, float]]:
    """Blocks of two uniform numbers, the second first, as TF's macro hands them out."""
    blocks = 256
    while True:
        numbers = philox.uniform(stream, (blocks, 2), np.float64)
        yield from ((float(b), float(a)) for a, b in numbers)
        stream = philox.skip(stream, blocks)


def _by_inversion(count: float, prob: float, blocks: Iterator[tuple[float, float]]) -> float:
    """Geometric numbers are summed until they exceed the count: how many did not."""
    total, found, scale = 0.0, 0, np.log1p(-prob)
    while True:
        for uniform in next(blocks):
            with np.errstate(divide="ignore"):
                total += np.ceil(np.log(uniform) / scale)
            if total > count:
                return found
            found += 1


def _tail(k: float) -> float:
    if k <= 9:
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 + 1.0 / 1260 / square) / square) / (k + 1)


def _by_rejection(count: float, prob: float, blocks: Iterator[tuple[float, float]]) -> float:
    """Hoermann's transformed rejection (BTRS), with TF's acceptance test."""
    deviation = np.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c, tight = count * prob + 0.5, 0.92 - 4.2 / b
    for u, v in blocks:
        u -= 0.5
        inside = 0.5 - abs(u)
        k = float(np.floor((2 * a / inside + b) * u + c))
        if inside >= 0.07 and v <= tight:
            return k
        if 0 <= k <= count:
            alpha = (2.83 + 5.1 / b) * deviation
            if np.log(v * alpha / (a / (inside * inside) + b)) <= _bound(count, prob, k):
                return k
    raise AssertionError("the stream of numbers does not end")


def _bound(count: float, prob: float, k: float) -> float:
    m, r = float(np.floor((count + 1) * prob)), prob / (1 - prob)
    logs = (m + 0.5) * np.log((m + 1) / (r * (count - m + 1)))
    logs += (count + 1) * np.log((count - m + 1) / (count - k + 1))
    logs += (k + 0.5) * np.log(r * (count - k + 1) / (k + 1))
    return float(logs + _tail(m) + _tail(count - m) - _tail(k) - _tail(count - k))


def _one_binomial(count: Any, prob: Any, blocks: Iterator[tuple[float, float]]) -> float:
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return float(count)
    if prob != prob:
        return float("nan")
    smaller = prob if prob <= 0.5 else type(prob)(1) - prob
    draw = _by_rejection if count * smaller >= 10 else _by_inversion
    found = draw(float(count), float(smaller), blocks)
    return found if prob <= 0.5 else float(count) - found


def _check_parameter(op: Any, name: str, value: Array, batches: int) -> None:
    if value.ndim > 1:
        refuse(op, f"Input {name} should be a scalar or vector, got shape: {to_text(value.shape)}")
    if value.ndim and value.shape[0] not in (1, batches):
        refuse(op, f"Input {name} should have length 1 or shape[0], got shape: {to_text(value.shape)}")


def _binomial(op: Any, ctx: Any, ref: Any, algorithm: Array, shape: Array, counts: Array, probs: Array) -> Array:
    if shape.ndim != 1:
        refuse(op, f"Input shape should be a vector, got shape: {to_text(shape.shape)}")
    sizes = ints(shape)
    batches, per_batch = sizes[0], _size(sizes[1:])
    for name, value in (("counts", counts), ("probs", probs)):
        _check_parameter(op, name, value, batches)
    total = batches * per_batch
    of_batch = [np.broadcast_to(value.reshape(-1), (batches,)) for value in (counts, probs)]
    if counts.size == probs.size == 1:
        batches, per_batch = -(-total // _BATCH), _BATCH
    stream = _advance(op, ctx, ref, algorithm, batches * 2 * _BATCH * (per_batch + 3) // 4)
    blocks = _pairs(np.asarray(stream))
    rows = np.repeat(np.arange(sizes[0]), _size(sizes[1:]))
    found = [_one_binomial(of_batch[0][row], of_batch[1][row], blocks) for row in rows]
    return np.array(found).astype(op.attrs["dtype"].as_numpy_dtype).reshape(sizes)


def _binomial_shape(c: ShapeContext) -> list[Shape]:
    with_rank_at_most(c, c.input(3), 1)
    with_rank_at_most(c, c.input(4), 1)
    return [shape_input(c, 2)]


register_op(
    "StatefulRandomBinomial", shape=_binomial_shape, numpy=_binomial, host=True, effect=True, gradient=NO_GRADIENT
)
