"""TF 1.15's random numbers: the Philox 4x32-10 generator and the distributions drawn from it.

A state is `uint32[6]`: two key words, then a 128-bit block counter, low word first. A block is four 32-bit words.
Given a NumPy state the functions work at once in NumPy, given a JAX state they trace: the numbers are the same.
JAX callers have 64-bit types enabled.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework.lazy_jax import jax, jnp, lax

Array = Any
Words = tuple[Array, Array, Array, Array]

BLOCKS_PER_SAMPLE = 256
"""How many blocks TF's kernels set aside for each sample that they fill."""

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = 0xFFFFFFFF
_STATELESS_KEY = (0x3EC8F720, 0x02461E29)
# Buffers of this many blocks stay in the second-level cache.
_CHUNK = 8192
_LOOPED = 1 << 16

_NP_MULTIPLIERS = np.array(_MULTIPLIERS, np.uint64)[:, None]
_NP_KEY_STEPS = np.arange(_ROUNDS, dtype=np.uint64)[:, None, None] * np.array(_KEY_STEPS, np.uint64)[:, None]
_NP_LOW = np.uint64(_LOW)
_NP_32 = np.uint64(32)


def initial_state(seed: int, seed2: int) -> np.ndarray:
    """The state of a fresh kernel with these two seeds: `uint32[6]`.

    >>> initial_state(1, 2).tolist()
    [1, 0, 0, 0, 2, 0]
    """
    key, stream = seed & (2**64 - 1), seed2 & (2**64 - 1)
    return np.array([key & _LOW, key >> 32, 0, 0, stream & _LOW, stream >> 32], np.uint32)


def skip(state: Array, blocks: int) -> Array:
    """The state that many blocks later."""
    if isinstance(state, np.ndarray):
        return _numpy_skip(state, blocks)
    xp = jnp
    low, high = _counter(xp, state)
    moved = low + xp.uint64(blocks & (2**64 - 1))
    high = high + xp.uint64(blocks >> 64) + (moved < low).astype(xp.uint64)
    return xp.concatenate([state[:2], *(half.astype(xp.uint32) for n in (moved, high) for half in _halves(xp, n))])


def _numpy_skip(state: np.ndarray, blocks: int) -> np.ndarray:
    counter = (int.from_bytes(state[2:].astype("<u4").tobytes(), "little") + blocks) % 2**128
    moved = np.frombuffer(counter.to_bytes(16, "little"), "<u4").astype(np.uint32)
    return np.concatenate([state[:2], moved])


def stateless_state(seed: Array) -> Array:
    """The state that the stateless operations make of `seed: int[2]` (TF scrambles it through one block)."""
    xp = module_of(seed)
    seed = seed.astype(xp.int64).astype(xp.uint64)
    counter = [half.astype(xp.uint32) for n in (seed[:1], seed[1:]) for half in _halves(xp, n)]
    state = xp.concatenate([xp.asarray(_STATELESS_KEY, xp.uint32), *counter])
    mix = _words_at(xp, state, xp.zeros(1, xp.uint64))
    return xp.concatenate([*mix[:2], xp.zeros(2, xp.uint32), *mix[2:]])


def module_of(value: Array) -> Any:
    """NumPy for its arrays, else JAX: what computes with a value."""
    return np if isinstance(value, np.ndarray) else jnp


def _counter(xp: Any, state: Array) -> tuple[Array, Array]:
    """The two halves of the counter, `uint64[1]` each: NumPy warns where a scalar wraps around, as these may."""
    wide = state.astype(xp.uint64)
    shift = xp.uint64(32)
    return wide[2:3] | (wide[3:4] << shift), wide[4:5] | (wide[5:6] << shift)


def _halves(xp: Any, number: Array) -> tuple[Array, Array]:
    return number & xp.uint64(_LOW), number >> xp.uint64(32)


def _words_at(xp: Any, state: Array, index: Array) -> Words:
    """The words of the blocks `index: uint64[...]` after the state's counter, each `uint32[...]`."""
    low, high = _counter(xp, state)
    position = index + low
    high = high + (position < index).astype(xp.uint64)
    parts = [*_halves(xp, position), *_halves(xp, high)]
    if xp is np:
        return _numpy_rounds(state, parts)
    return _jax_rounds(state, [part.astype(jnp.uint32) for part in parts])


def _numpy_rounds(state: np.ndarray, parts: list[np.ndarray]) -> Words:
    # Words 0 and 2 are the rows of `even`, 1 and 3 those of `odd`: one call of NumPy does both halves of a round.
    even, odd = np.stack(parts[::2]), np.stack(parts[1::2])
    swapped = np.empty_like(even)
    product = swapped[::-1]
    keys = (_NP_KEY_STEPS + state[:2].astype(np.uint64)[:, None]) & _NP_LOW
    for key in keys:
        np.multiply(even, _NP_MULTIPLIERS, out=product)
        np.right_shift(swapped, _NP_32, out=even)
        np.bitwise_xor(even, odd, out=even)
        np.bitwise_xor(even, key, out=even)
        np.bitwise_and(swapped, _NP_LOW, out=odd)
    even, odd = even.astype(np.uint32), odd.astype(np.uint32)
    return even[0], odd[0], even[1], odd[1]


def _jax_rounds(state: Array, parts: list[Array]) -> Words:
    start = (*parts, state[0], state[1])
    small = parts[0].size < _LOOPED
    done = _straight(start) if small else lax.platform_dependent(start, cpu=_looped, default=_straight)
    return done[0], done[1], done[2], done[3]


def _straight(carry: tuple[Array, ...]) -> tuple[Array, ...]:
    for _ in range(_ROUNDS):
        carry = _round(carry)
    return carry


def _looped(carry: tuple[Array, ...]) -> tuple[Array, ...]:
    # XLA computes all rounds anew for each word that is used apart, unless they stand in a loop. On a CPU that costs
    # more than the loop does, which takes longer to compile.
    whole = [jnp.broadcast_to(part, carry[0].shape) for part in carry[:4]]
    looped: tuple[Array, ...] = lax.fori_loop(0, _ROUNDS, lambda _, c: _round(c), (*whole, *carry[4:]), unroll=5)
    return looped


def _round(carry: tuple[Array, ...]) -> tuple[Array, ...]:
    c0, c1, c2, c3, key0, key1 = carry
    high0, low0 = _wide_product(c0, _MULTIPLIERS[0])
    high1, low1 = _wide_product(c2, _MULTIPLIERS[1])
    keys = [key + jnp.uint32(step) for key, step in zip((key0, key1), _KEY_STEPS, strict=True)]
    return (high1 ^ c1 ^ key0, low1, high0 ^ c3 ^ key1, low0, *keys)


def _wide_product(word: Array, multiplier: int) -> tuple[Array, Array]:
    product = word.astype(jnp.uint64) * jnp.uint64(multiplier)
    return (product >> jnp.uint64(32)).astype(jnp.uint32), product.astype(jnp.uint32)


# ---------------------------------------------------------------------------------------------- words to numbers


def _uniform32(xp: Any, word: Array) -> Array:
    return ((word & xp.uint32(0x7FFFFF)) | xp.uint32(0x3F800000)).view(xp.float32) - xp.float32(1)


def _uniform16(xp: Any, word: Array) -> Array:
    return ((word & xp.uint32(0x3FF)) | xp.uint32(0x3C00)).astype(xp.uint16).view(xp.float16) - xp.float16(1)


def _uniform_bfloat16(xp: Any, word: Array) -> Array:
    # Seven bits in [1, 2), less one, are exact in float32 too.
    bits = (word & xp.uint32(0x7F)) | xp.uint32(0x3F80)
    return ((bits << xp.uint32(16)).view(xp.float32) - xp.float32(1)).astype(_bfloat16())


def _uniform64(xp: Any, high: Array, low: Array) -> Array:
    bits = ((high & xp.uint32(0xFFFFF)) | xp.uint32(0x3FF00000)).astype(xp.uint64) << xp.uint64(32)
    return (bits | low.astype(xp.uint64)).view(xp.float64) - xp.float64(1)


def _bfloat16() -> Any:
    import ml_dtypes  # costs milliseconds that few programs need

    return ml_dtypes.bfloat16


def _box_muller(xp: Any, u: Array, v: Array) -> tuple[Array, Array]:
    """Two normal numbers of two uniform ones, both in the latter's precision; TF rounds the angle from float64."""
    dtype = u.dtype
    angle = (v.astype(xp.float64) * (2 * math.pi)).astype(dtype)
    radius = xp.sqrt(xp.log(xp.maximum(u, xp.asarray(1e-7, dtype))) * xp.asarray(-2, dtype))
    return xp.sin(angle) * radius, xp.cos(angle) * radius


def _normals32(xp: Any, words: Words) -> tuple[Array, ...]:
    u = [_uniform32(xp, word) for word in words]
    return (*_box_muller(xp, u[0], u[1]), *_box_muller(xp, u[2], u[3]))


def _normals64(xp: Any, words: Words) -> tuple[Array, ...]:
    return _box_muller(xp, *_uniforms64(xp, words))


def _uniforms64(xp: Any, words: Words) -> tuple[Array, Array]:
    return _uniform64(xp, words[0], words[1]), _uniform64(xp, words[2], words[3])


class _Draw(NamedTuple):
    """How one block becomes numbers: how many, and the function (module, words) -> that many arrays."""

    per_block: int
    numbers: Callable[[Any, Words], tuple[Array, ...]]


def _each(convert: Callable[[Any, Array], Array]) -> _Draw:
    return _Draw(4, lambda xp, words: tuple(convert(xp, word) for word in words))


_WORDS = _each(lambda xp, word: word)
_UNIFORM = {
    "float32": _each(_uniform32),
    "float16": _each(_uniform16),
    "bfloat16": _each(_uniform_bfloat16),
    "float64": _Draw(2, _uniforms64),
}
_NORMALS = _Draw(4, _normals32)
_NORMAL = {"float32": _NORMALS, "float16": _NORMALS, "bfloat16": _NORMALS, "float64": _Draw(2, _normals64)}


def _fill(state: Array, count: int, dtype: Any, draw: _Draw) -> Array:
    """`dtype[count]`: the numbers of the blocks in order."""
    blocks = -(-count // draw.per_block)
    if module_of(state) is np:
        return _numpy_fill(state, blocks, dtype, draw)[:count]
    words = _words_at(jnp, state, lax.iota(jnp.uint64, blocks))
    return _interleaved([n.astype(dtype) for n in draw.numbers(jnp, words)]).reshape(-1)[:count]


def _interleaved(numbers: list[Array]) -> Array:
    """The arrays stacked along a new last axis (JAX), put together as 64-bit words: XLA then repeats less of the work."""
    size = numbers[0].dtype.itemsize
    each = 8 // size
    if each == 1 or len(numbers) % each:
        return jnp.stack(numbers, axis=-1)
    bits = [lax.bitcast_convert_type(n, f"uint{8 * size}").astype(jnp.uint64) for n in numbers]
    wide = [
        functools.reduce(
            operator.or_, (b << jnp.uint64(8 * size * i) for i, b in enumerate(bits[first : first + each]))
        )
        for first in range(0, len(bits), each)
    ]
    packed = lax.bitcast_convert_type(jnp.stack(wide, axis=-1), numbers[0].dtype)
    return packed.reshape((*numbers[0].shape, len(numbers)))


def _numpy_fill(state: np.ndarray, blocks: int, dtype: Any, draw: _Draw) -> np.ndarray:
    out = np.empty((blocks, draw.per_block), dtype)

    for start in range(0, blocks, _CHUNK):
        stop = min(start + _CHUNK, blocks)
        words = _words_at(np, state, np.arange(start, stop, dtype=np.uint64))
        for column, numbers in enumerate(draw.numbers(np, words)):
            out[start:stop, column] = numbers
    result: np.ndarray = out.reshape(-1)
    return result


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(int(n) for n in shape)


# -------------------------------------------------------------------------------------------------- distributions


def words(state: Array, count: int) -> Array:
    """`uint32[count]`: the generator's words in order."""
    return _fill(state, count, np.uint32, _WORDS)


def uniform(state: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Uniform in [0, 1): f16, bf16, f32 or f64.

    Source: TF 1.15 `RandomUniform`.
    """
    dtype = np.dtype(dtype)
    return _fill(state, _size(shape), dtype, _UNIFORM[dtype.name]).reshape(shape)


def normal(state: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Standard normal by Box and Muller: f16, bf16, f32 or f64; 16-bit types are rounded from f32.

    Source: TF 1.15 `RandomStandardNormal`.
    """
    dtype = np.dtype(dtype)
    return _fill(state, _size(shape), dtype, _NORMAL[dtype.name]).reshape(shape)


def uniform_int(state: Array, shape: tuple[int, ...], low: Array, high: Array, dtype: Any) -> Array:
    """Integers in [low, high): i32 or i64. The caller has checked that low < high.

    Source: TF 1.15 `RandomUniformInt`.
    """
    xp, dtype = module_of(state), np.dtype(dtype)
    unsigned = np.dtype(f"uint{dtype.itemsize * 8}")
    base, limit = (xp.asarray(bound, dtype).astype(unsigned).reshape(1) for bound in (low, high))
    count = _size(shape)
    bits = words(state, count * dtype.itemsize // 4)
    if dtype.itemsize == 8:
        pairs = bits.reshape(-1, 2).astype(unsigned)
        bits = pairs[:, 0] | (pairs[:, 1] << xp.uint64(32))
    # Difference and sum may wrap around: both come out right.
    return (bits % (limit - base) + base).astype(dtype).reshape(shape)


def truncated_normal(state: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Standard normal, numbers beyond two deviations drawn again: f16, bf16, f32 or f64.

    Each group of outputs has its own stretch of blocks and takes from it until it is full.
    Source: TF 1.15 `TruncatedNormal`.
    """
    dtype, count = np.dtype(dtype), _size(shape)
    draw = _NORMAL[dtype.name]
    groups = -(-count // draw.per_block)
    stretch = draw.per_block * BLOCKS_PER_SAMPLE // 4
    fill = _numpy_truncated if module_of(state) is np else _jax_truncated
    return fill(state, groups, stretch, draw, dtype).reshape(-1)[:count].reshape(shape)


def _numpy_truncated(state: np.ndarray, groups: int, stretch: int, draw: _Draw, dtype: Any) -> np.ndarray:
    out = np.empty((groups, draw.per_block), dtype)
    # Five groups of six are full after one block; the others are gone through again, all together.
    starts = range(0, groups, _CHUNK)
    short = [start + _fill_at_once(state, start, out[start : start + _CHUNK], stretch, draw) for start in starts]
    left = np.concatenate(short) if short else np.zeros(0, np.int64)
    for start in range(0, len(left), 4 * _CHUNK):
        _fill_by_rejection(state, left[start : start + 4 * _CHUNK], out, stretch, draw)
    return out


def _fill_at_once(state: np.ndarray, first: int, out: np.ndarray, stretch: int, draw: _Draw) -> np.ndarray:
    """Fills each group from its first block; gives those for which that was not enough."""
    base = np.arange(first, first + len(out), dtype=np.uint64) * np.uint64(stretch)
    full = np.ones(len(out), bool)
    for column, numbers in enumerate(draw.numbers(np, _words_at(np, state, base))):
        out[:, column] = numbers
        full &= np.abs(numbers) < 2
    return np.flatnonzero(~full)


def _fill_by_rejection(state: np.ndarray, group: np.ndarray, out: np.ndarray, stretch: int, draw: _Draw) -> None:
    base, filled = group.astype(np.uint64) * np.uint64(stretch), np.zeros(len(group), np.int64)
    while group.size:
        for numbers in draw.numbers(np, _words_at(np, state, base)):
            wanted = np.flatnonzero((np.abs(numbers) < 2) & (filled < draw.per_block))
            out[group[wanted], filled[wanted]] = numbers[wanted]
            filled[wanted] += 1
        open_ = filled < draw.per_block
        group, filled, base = group[open_], filled[open_], base[open_] + np.uint64(1)


def _jax_truncated(state: Array, groups: int, stretch: int, draw: _Draw, dtype: Any) -> Array:
    # Two blocks fill nearly every group, three all of a million: whole passes beat gathering the few open ones.
    base = lax.iota(jnp.uint64, groups) * jnp.uint64(stretch)
    places = jnp.arange(draw.per_block)
    work = np.float64 if dtype == np.float64 else np.float32

    def more(carry: tuple[Array, Array, Array]) -> Array:
        return jnp.any(carry[1] < draw.per_block)

    def take(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        block, filled, out = carry
        drawn = draw.numbers(jnp, _words_at(jnp, state, base + block))
        numbers = lax.optimization_barrier(_interleaved(list(drawn)))
        good = jnp.abs(numbers) < 2
        place = filled[:, None] + jnp.cumsum(good, axis=1) - 1
        # What falls beyond the group's end is dropped; places not reached yet hold zero.
        taken = good[:, :, None] & (place[:, :, None] == places)
        out = out + jnp.sum(jnp.where(taken, numbers[:, :, None], 0), axis=1)
        return block + jnp.uint64(1), filled + jnp.sum(good, axis=1, dtype=jnp.int32), out

    empty = jnp.zeros((groups, draw.per_block), work)
    return lax.while_loop(more, take, (jnp.uint64(0), jnp.zeros(groups, jnp.int32), empty))[2].astype(dtype)


def permutation(state: Array, count: int) -> Array:
    """`int64[count]`: where each row of a shuffled tensor comes from.

    TF swaps place i with place i + word % (count - i), i ascending. The result of these swaps is found here without
    doing them one by one: place i ends with what stood at the place it swapped with, and that was put there by the
    latest earlier swap with the same place, if any.
    Source: TF 1.15 `RandomShuffle`.
    """
    xp = module_of(state)
    place = xp.arange(count, dtype=xp.int64)
    if count < 2:
        return place
    left = (count - place[:-1]).astype(xp.uint32)
    partner = place + xp.append((words(state, count - 1) % left).astype(xp.int64), xp.zeros(1, xp.int64))
    order = xp.argsort(partner, stable=True)
    target = partner[order]
    same = xp.append(xp.zeros(1, bool), target[1:] == target[:-1])
    earlier = xp.append(xp.zeros(1, xp.int64), order[:-1])
    before = _scatter(xp, place, order, xp.where(same, earlier, -1))
    # What stands at place i when its own swap comes: brought there by the last swap s < i with partner i.
    last = xp.append(target[1:] != target[:-1], xp.ones(1, bool))
    latest = xp.where(order == target, xp.where(same, earlier, target), order)
    holder = _scatter(xp, place, xp.where(last, target, count), latest)
    for _ in range((count - 1).bit_length()):
        holder = holder[holder]
    return xp.where(before >= 0, holder[xp.maximum(before, 0)], partner)


def _scatter(xp: Any, into: Array, where: Array, values: Array) -> Array:
    """`into` with `values` put at `where`; places beyond the end are dropped."""
    if xp is not np:
        return into.at[where].set(values, mode="drop")
    inside = where < len(into)
    result = into.copy()
    result[where[inside]] = values[inside]
    return result


def categorical(state: Array, logits: Array, count: int, dtype: Any) -> Array:
    """`dtype[batch, count]`: classes drawn by `logits: f[batch, classes]`, by inverse cumulative sums in f64.

    Source: TF 1.15 `Multinomial`.
    """
    xp = module_of(state)
    batch = logits.shape[0]
    finite = xp.isfinite(logits)
    top = xp.max(xp.where(finite, logits, xp.finfo(logits.dtype).min), axis=1, keepdims=True).astype(xp.float64)
    weights = xp.where(finite, xp.exp(logits.astype(xp.float64) - top), 0)
    sums = xp.cumsum(weights, axis=1)
    drawn = _fill(state, batch * count, np.float64, _UNIFORM["float64"]).reshape(batch, count)
    return _upper_bound(xp, sums, drawn * sums[:, -1:]).astype(dtype)


def _upper_bound(xp: Any, sums: Array, wanted: Array) -> Array:
    if xp is not np:
        return jax.vmap(lambda row, values: jnp.searchsorted(row, values, side="right"))(sums, wanted)
    rows = [np.searchsorted(row, values, side="right") for row, values in zip(sums, wanted, strict=True)]
    return np.array(rows, np.int64).reshape(wanted.shape)


# ------------------------------------------------------------------------------------- rejection, lane by lane


class _Lane(NamedTuple):
    """A buffered stream of doubles for each sample: two of a block, the second first, as TF's kernels take them."""

    left: Array
    first: Array
    second: Array


def _lane(xp: Any, count: int) -> _Lane:
    return _Lane(xp.zeros(count, xp.int32), xp.zeros(count), xp.zeros(count))


def _take(xp: Any, state: Array, block: Array, lane: _Lane, draw: _Draw, wanted: Array) -> tuple[Array, _Lane, Array]:
    """(next block, lane, a double of each lane); lanes not wanted stay as they are."""
    refill = wanted & (lane.left == 0)
    fresh = draw.numbers(xp, _words_at(xp, state, block))
    first, second = (xp.where(refill, n, old) for n, old in zip(fresh, lane[1:], strict=True))
    left = xp.where(refill, 2, lane.left) - wanted.astype(xp.int32)
    block = block + refill.astype(xp.uint64)
    return block, _Lane(left.astype(xp.int32), first, second), xp.where(left == 1, second, first)


def _repeat(xp: Any, body: Callable[[Any], Any], carry: Any) -> Any:
    """Repeats `body` until all of carry[0] is true."""
    if xp is not np:
        return lax.while_loop(lambda c: ~jnp.all(c[0]), body, carry)
    with np.errstate(all="ignore"):
        while not carry[0].all():
            carry = body(carry)
    return carry


def _lanes(xp: Any, parameter: Array, samples: int) -> tuple[Array, Array]:
    """(the f64 parameter of each sample, its first block): samples of one parameter lie together."""
    values = xp.repeat(parameter.reshape(-1).astype(xp.float64), samples)
    return values, xp.arange(values.shape[0]).astype(xp.uint64) * xp.uint64(BLOCKS_PER_SAMPLE)


def _unlaned(values: Array, parameter: Array, shape: tuple[int, ...]) -> Array:
    return values.reshape(parameter.size, _size(shape)).T.reshape((*shape, *parameter.shape))


def gamma(state: Array, shape: tuple[int, ...], alpha: Array) -> Array:
    """`shape + alpha.shape` numbers of Gamma(alpha, 1) in alpha's type, by Marsaglia and Tsang in f64.

    Source: TF 1.15 `RandomGamma`.
    """
    xp = module_of(state)
    alpha = xp.asarray(alpha)
    a, block = _lanes(xp, alpha, _size(shape))
    small = a < 1
    d = a + xp.where(small, 2 / 3, -1 / 3)
    c = 1 / 3 / xp.sqrt(d)
    uniforms, normals = _lane(xp, a.shape[0]), _lane(xp, a.shape[0])
    exponential = a == 1
    block, uniforms, u = _take(xp, state, block, uniforms, _UNIFORM["float64"], exponential)
    done = exponential | xp.isnan(a)
    result = xp.where(exponential, -xp.log(1 - u), a)

    def attempt(carry: Any) -> Any:
        done, result, block, uniforms, normals = carry
        block, normals, x = _take(xp, state, block, normals, _NORMAL["float64"], ~done)
        v = 1 + c * x
        tried = ~done & (v > 0)
        v = v * v * v
        block, uniforms, u = _take(xp, state, block, uniforms, _UNIFORM["float64"], tried)
        squeezed = u < 1 - 0.0331 * (x * x) * (x * x)
        accepted = tried & (squeezed | (xp.log(u) < 0.5 * x * x + d * (1 - v + xp.log(v))))
        block, uniforms, b = _take(xp, state, block, uniforms, _UNIFORM["float64"], accepted & small)
        value = d * v * xp.where(small, b ** (1 / a), 1.0)
        return done | accepted, xp.where(accepted, value, result), block, uniforms, normals

    values = _repeat(xp, attempt, (done, result, block, uniforms, normals))[1]
    return _unlaned(values.astype(alpha.dtype), alpha, shape)


def poisson(state: Array, shape: tuple[int, ...], rate: Array, dtype: Any) -> Array:
    """`shape + rate.shape` numbers of Poisson(rate): Knuth's products below 10, Hormann's rejection from 10 on.

    Source: TF 1.15 `RandomPoissonV2`.
    """
    xp, dtype = module_of(state), np.dtype(dtype)
    rate = xp.asarray(rate)
    r, block = _lanes(xp, rate, _size(shape))
    uniforms = _lane(xp, r.shape[0])
    limit = float(np.iinfo(dtype).max if dtype.kind == "i" else np.finfo(dtype).max)
    low = r < 10
    values = xp.where(
        low,
        _knuth(xp, state, block, uniforms, r, ~low),
        _hormann(xp, state, block, uniforms, r, low | ~xp.isfinite(r), limit),
    )
    return _unlaned(values.astype(dtype), rate, shape)


def _knuth(xp: Any, state: Array, block: Array, uniforms: _Lane, rate: Array, done: Array) -> Array:
    end = xp.exp(-rate)

    def multiply(carry: Any) -> Any:
        done, count, product, block, uniforms = carry
        block, uniforms, u = _take(xp, state, block, uniforms, _UNIFORM["float64"], ~done)
        product = xp.where(done, product, product * u)
        finished = done | (product <= end)
        return finished, count + xp.where(finished, 0.0, 1.0), product, block, uniforms

    start = (done, xp.zeros_like(rate), xp.ones_like(rate), block, uniforms)
    return _repeat(xp, multiply, start)[1]


def _hormann(xp: Any, state: Array, block: Array, uniforms: _Lane, rate: Array, done: Array, limit: float) -> Array:
    b = 0.931 + 2.53 * xp.sqrt(xp.where(done, 10.0, rate))
    a = -0.059 + 0.02483 * b
    inverse = 1.1239 + 1.1328 / (b - 3.4)
    log_rate = xp.log(xp.where(done, 10.0, rate))

    def attempt(carry: Any) -> Any:
        done, result, block, uniforms = carry
        block, uniforms, u = _take(xp, state, block, uniforms, _UNIFORM["float64"], ~done)
        block, uniforms, v = _take(xp, state, block, uniforms, _UNIFORM["float64"], ~done)
        u = u - 0.5
        edge = 0.5 - xp.abs(u)
        k = xp.floor((2 * a / edge + b) * u + rate + 0.43)
        inner = (edge >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
        outer = (k < 0) | ((edge < 0.013) & (v > edge))
        s = xp.log(v * inverse / (a / (edge * edge) + b))
        t = -rate + k * log_rate - _log_gamma(xp, k + 1)
        accepted = ~done & (k <= limit) & (inner | (~outer & (s <= t)))
        return done | accepted, xp.where(accepted, k, result), block, uniforms

    return _repeat(xp, attempt, (done, xp.zeros_like(rate), block, uniforms))[1]


def _log_gamma(xp: Any, values: Array) -> Array:
    if xp is not np:
        return lax.lgamma(values)
    return np.array([math.lgamma(v) if 0 < v < math.inf else math.inf for v in values])


# ------------------------------------------------------------- truncation at given bounds, host only (NumPy states)

_MOST_ATTEMPTS = 1000
_EVEN_BATCH = 100


class _Sampler(NamedTuple):
    """A way to propose numbers: blocks per round, and (state, first block, rounds) -> (numbers, accepted)."""

    blocks: int
    propose: Callable[[np.ndarray, int, int], tuple[np.ndarray, np.ndarray]]


def truncated_between(state: np.ndarray, shape: tuple[int, ...], *parameters: np.ndarray) -> np.ndarray:
    """Normal numbers with parameters (means, deviations, least, greatest: each `f[]` or `f[shape[0]]`) within bounds.

    Raises ValueError: bounds or a deviation that leave nothing to draw.
    Source: TF 1.15 `ParameterizedTruncatedNormal`.
    """
    batches, size = _batches(shape, parameters)
    out = np.empty(_size(shape), parameters[0].dtype)
    block = 0
    for batch in range(batches):
        part = out[batch * size : (batch + 1) * size]
        values = [p.reshape(-1)[0 if p.size == 1 else batch] for p in parameters]
        block = _fill_between(state, block, part, *values)
    return out.reshape(shape)


def truncated_between_blocks(shape: tuple[int, ...], *parameters: np.ndarray) -> int:
    """How many blocks TF sets aside for such a fill."""
    batches, size = _batches(shape, parameters)
    return batches * 2 * _MOST_ATTEMPTS * (size + 3) // 4


def _batches(shape: tuple[int, ...], parameters: tuple[np.ndarray, ...]) -> tuple[int, int]:
    mean, deviation, least, greatest = parameters
    if mean.size == 1 and deviation.size == 1 and least.ndim == 0 and greatest.ndim == 0:
        return -(-_size(shape) // _EVEN_BATCH), _EVEN_BATCH
    return int(shape[0]), _size(shape[1:])


def _fill_between(
    state: np.ndarray, block: int, out: np.ndarray, mean: Any, deviation: Any, least: Any, greatest: Any
) -> int:
    if not (deviation > 0 and least < greatest and (np.isfinite(least) or np.isfinite(greatest))):
        raise ValueError("Invalid parameters")
    if (np.isinf(least) and least < 0) or greatest < mean:
        least, greatest, deviation = greatest, least, -deviation
    sampler = _sampler(out.dtype.type, (least - mean) / deviation, (greatest - mean) / deviation)
    filled = 0
    while filled < len(out):
        rounds = len(out) - filled + 4
        numbers, accepted = sampler.propose(state, block, rounds)
        places = np.flatnonzero(accepted)[: len(out) - filled]
        out[filled : filled + len(places)] = numbers.reshape(-1)[places] * deviation + mean
        filled += len(places)
        done = rounds if filled < len(out) else int(places[-1]) // (numbers.size // rounds) + 1
        block += done * sampler.blocks
    return block


def _sampler(kind: Any, low: Any, high: Any) -> _Sampler:
    """TF's choice among normal, uniform and exponential proposals for the normalized bounds."""
    draw, flat = _NORMAL[np.dtype(kind).name], _UNIFORM[np.dtype(kind).name]
    root = np.sqrt(low * low + kind(4))
    cutoff = kind(2) * np.exp(kind(0.5) + (low * (low - root)) / kind(4)) / (low + root)

    def drawn(state: np.ndarray, block: int, rounds: int, draw: _Draw) -> Any:
        return _fill(skip(state, block), rounds * draw.per_block, np.dtype(kind), draw).reshape(rounds, -1)

    def normals(state: np.ndarray, block: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        numbers = drawn(state, block, rounds, draw)
        return numbers, (numbers >= low) & (numbers <= high)

    def uniforms(state: np.ndarray, block: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        pairs = drawn(state, block, 2 * rounds, flat)
        z = pairs[0::2] * (high - low) + low
        top = kind(0) if low < 0 else low * low
        return z, pairs[1::2] <= np.exp((top - z * z) / kind(2))

    def exponentials(state: np.ndarray, block: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        pairs = drawn(state, block, rounds, flat)
        rate = (low + root) / kind(2)
        with np.errstate(divide="ignore"):
            z = -np.log(pairs[:, 0::2]) / rate + low
        x = rate - z if low < rate else np.broadcast_to(low - rate, z.shape)
        return z, (pairs[:, 1::2] <= np.exp(-x * x / kind(2))) & (z < high)

    enough = kind(1.3)
    if (low < -enough and high >= 0) or (high > enough and low <= 0):
        return _Sampler(1, normals)
    return _Sampler(2, uniforms) if high - low < cutoff else _Sampler(1, exponentials)
