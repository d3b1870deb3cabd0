"""Candidate samplers: classes drawn for sampled losses, with the expected counts that these losses correct by.

With `unique` it is not known beforehand how many numbers a draw takes, so most run on the host; the one by Zipf's law,
which `nce_loss` and `sampled_softmax_loss` take if they are given none, is compiled: a loop draws until it has enough.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.seeds import get_seed
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.runtime import random as philox

Array = Any

_BLOCKS_PER_CANDIDATE = 512
_LOWEST = -np.finfo(np.float32).max


class _Sampler(NamedTuple):
    """How classes are drawn: `draw(state, count)` gives at least `count`, in order; `probability` is that of classes."""

    draw: Callable[[Array, int], Array]
    probability: Callable[[Array], Array]


def _doubles(state: Array, count: int) -> Array:
    return philox.uniform(state, (count,), np.float64)


def _uniform_sampler(size: int) -> _Sampler:
    accepted_from = 0 if size & (size - 1) == 0 else (2**64 - 1) % size + 1

    def draw(state: Array, count: int) -> Array:
        # A word in 2^64 / size is refused; so a few more than are wanted.
        low, high = philox.words(state, 2 * count + 64).astype(np.uint64).reshape(-1, 2).T
        bits = low | (high << np.uint64(32))
        return (bits[bits >= np.uint64(accepted_from)] % np.uint64(size)).astype(np.int64)

    return _Sampler(draw, lambda classes: np.full(classes.shape, 1.0 / size, np.float32))


def _log_uniform_sampler(size: int) -> _Sampler:
    log_range = np.log1p(size)

    def draw(state: Array, count: int) -> Array:
        return (philox.module_of(state).exp(_doubles(state, count) * log_range).astype(np.int64) - 1) % size

    def probability(classes: Array) -> Array:
        return (philox.module_of(classes).log((classes + 2.0) / (classes + 1.0)) / log_range).astype(np.float32)

    return _Sampler(draw, probability)


def _weights_of(op: Any) -> Array:
    attrs = op.attrs
    file, unigrams = attrs["vocab_file"], attrs["unigrams"]
    if not file and not unigrams:
        raise errors.InvalidArgumentError(None, op, "Must provide either vocab_file or unigrams.")
    if file and unigrams:
        raise errors.InvalidArgumentError(None, op, "Must only provide one of vocab_file and unigrams.")
    given = _weights_in(op, file.decode()) if file else unigrams
    weights = np.power(np.asarray(given, np.float32), np.float32(attrs["distortion"]))
    weights = np.concatenate([np.zeros(attrs["num_reserved_ids"], np.float32), weights])
    return weights[attrs["shard"] :: attrs["num_shards"]]


def _weights_in(op: Any, path: str) -> list[float]:
    weights = []
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            try:
                weights.append(float(line.rstrip("\n").rsplit(",", 1)[-1]))
            except ValueError:
                raise errors.InvalidArgumentError(
                    None, op, f"Wrong vocabulary format at line: {line.rstrip()}"
                ) from None
    return weights


def _alias_table(weights: Array) -> tuple[Array, Array]:
    """Vose's table: for each place the probability to keep it, and what is drawn else."""
    count = len(weights)
    share = ((weights * np.float32(count)).astype(np.float64) / weights.astype(np.float64).sum()).tolist()
    keep, other = list(share), [-1] * count
    low = [i for i, p in enumerate(share) if p < 1.0]
    high = [i for i, p in enumerate(share) if not p < 1.0]
    while high and low:
        small, large = low.pop(), high.pop()
        other[small] = large
        share[large] = keep[large] = share[large] - (1.0 - share[small])
        (low if share[large] < 1.0 else high).append(large)
    for i in (*high, *low):
        keep[i], other[i] = 1.0, i
    return np.array(keep, np.float32), np.array(other, np.int64)


def _fixed_sampler(op: Any) -> _Sampler:
    weights = _weights_of(op)
    size = len(weights)
    if size != op.attrs["range_max"]:
        text = f"range_max is {op.attrs['range_max']}, but there are {size} weights"
        raise errors.InvalidArgumentError(None, op, text)
    keep, other = _alias_table(weights)
    # TF adds the weights up one by one in float32, but for the reserved ones, which are zero.
    total = np.cumsum(weights, dtype=np.float32)[-1]
    accepted_from = 0 if size & (size - 1) == 0 else (2**32 - 1) % size + 1

    def draw(state: Array, count: int) -> Array:
        words = philox.words(state, 2 * count + 64)
        while (refused := np.flatnonzero(words[1::2] < accepted_from)).size:
            words = np.delete(words, 2 * refused[0] + 1)
        words = words[: len(words) // 2 * 2].reshape(-1, 2)
        level = ((words[:, 0] & 0x7FFFFF) | 0x3F800000).view(np.float32) - np.float32(1)
        place = (words[:, 1] % np.uint32(size)).astype(np.int64)
        return np.where(level < keep[place], place, other[place])

    def probability(classes: Array) -> Array:
        inside = (classes >= 0) & (classes < size)
        return np.where(inside, weights[np.where(inside, classes, 0)] / total, np.float32(0)).astype(np.float32)

    return _Sampler(draw, probability)


def _expected(probability: Array, count: int, tries: Any) -> Array:
    """How often a class is expected in the batch; with rejections, 1 - (1 - p)^tries."""
    xp = philox.module_of(probability)
    with np.errstate(divide="ignore"):  # the only class there is comes surely
        several = -xp.expm1(xp.asarray(tries, np.float32) * xp.log1p(-probability))
    return xp.where(tries == count, probability * np.float32(count), several)


def _with_expected(sampler: _Sampler, true_classes: Array, candidates: Array, tries: Any) -> tuple[Array, Array, Array]:
    """The outputs of a sampler: what was drawn, and how often it and the true classes are expected."""
    count = candidates.shape[0]
    true, drawn = (_expected(sampler.probability(classes), count, tries) for classes in (true_classes, candidates))
    return candidates, true, drawn


def _distinct(sampler: _Sampler, state: Array, count: int) -> tuple[Array, int]:
    """(the first `count` different classes, how many were drawn for them)."""
    wanted = 2 * count + 16
    while True:
        drawn = sampler.draw(state, wanted)
        first = np.sort(np.unique(drawn, return_index=True)[1])
        if len(first) >= count:
            return drawn[first[:count]], int(first[count - 1]) + 1
        wanted *= 2


def _run_sampler(make: Callable[[Any], _Sampler]) -> Callable[..., Any]:
    samplers: weakref.WeakKeyDictionary[Any, _Sampler] = weakref.WeakKeyDictionary()

    def run(op: Any, ctx: Any, true_classes: Array) -> tuple[Array, Array, Array]:
        count = op.attrs["num_sampled"]
        _check_classes(op, true_classes)
        if op not in samplers:
            samplers[op] = make(op)
        sampler, state = samplers[op], ctx.random(op, _BLOCKS_PER_CANDIDATE * count)
        if op.attrs["unique"]:
            _check_range(op)
            candidates, tries = _distinct(sampler, state, count)
        else:
            candidates, tries = sampler.draw(state, count)[:count], count
        return _with_expected(sampler, true_classes, candidates, tries)

    return run


def _drawn_until(sampler: _Sampler, state: Array, count: int) -> tuple[Array, Array]:
    """As `_distinct`, while tracing."""
    wanted = 2 * count + 16
    places, kept = np.arange(wanted, dtype=np.int32), np.arange(count, dtype=np.int32)

    def body(carried: tuple[Array, ...]) -> tuple[Array, ...]:
        state, found, number, tries = carried
        drawn = sampler.draw(state, wanted)
        again = ((drawn[:, None] == drawn) & (places < places[:, None])).any(1)
        new = ~(again | ((drawn[:, None] == found) & (kept < number)).any(1))
        rank = number - 1 + jnp.sum((places <= places[:, None]) & new, 1, dtype=np.int32)
        found = found.at[jnp.where(new, rank, count)].set(drawn, mode="drop")
        # Of the draws up to the last that is kept: all, if more are needed.
        taken = jnp.sum(rank < count - 1, dtype=np.int32) + (rank[-1] >= count - 1)
        return philox.skip(state, wanted // 2), found, rank[-1] + 1, tries + taken

    none = jnp.zeros((), np.int32)
    start = (state, jnp.zeros(count, np.int64), none, none)
    _, found, _, tries = lax.while_loop(lambda carried: carried[2] < count, body, start)
    return found, tries


def _lowered_log_uniform(op: Any, ctx: Any, true_classes: Array) -> tuple[Array, Array, Array]:
    count = op.attrs["num_sampled"]
    _check_classes(op, true_classes)
    sampler, state = _log_uniform_sampler(op.attrs["range_max"]), ctx.random(op, _BLOCKS_PER_CANDIDATE * count)
    if op.attrs["unique"]:
        _check_range(op)
        candidates, tries = _drawn_until(sampler, state, count)
    else:
        candidates, tries = sampler.draw(state, count), count
    return _with_expected(sampler, jnp.asarray(true_classes), candidates, tries)


def _check_range(op: Any) -> None:
    if op.attrs["num_sampled"] > op.attrs["range_max"]:
        raise errors.InvalidArgumentError(None, op, "Sampler's range is too small.")


def _check_classes(op: Any, true_classes: Array) -> None:
    if true_classes.ndim != 2:
        raise errors.InvalidArgumentError(None, op, "true_classes must be a matrix")
    columns = true_classes.shape[1]
    if columns != op.attrs["num_true"]:
        text = f"true_classes must have num_true columns, expected: {columns} was: {op.attrs['num_true']}"
        raise errors.InvalidArgumentError(None, op, text)


def _run_all(op: Any, ctx: Any, true_classes: Array) -> tuple[Array, Array, Array]:
    _check_classes(op, true_classes)
    count = op.attrs["num_sampled"]
    ones = np.ones(count, np.float32)
    return np.arange(count, dtype=np.int64), np.ones(true_classes.shape, np.float32), ones


class _Counts:
    """How often each class was seen, one to begin with."""

    def __init__(self, size: int):
        self.counts = np.ones(size, np.int64)
        # Several threads may run one session.
        self.lock = threading.Lock()

    def sampler(self) -> _Sampler:
        """Draws by the counts as they are now."""
        ends = np.cumsum(self.counts)
        total = int(ends[-1])
        accepted_from = 0 if total & (total - 1) == 0 else (2**32 - 1) % total + 1

        def draw(state: Array, count: int) -> Array:
            words = philox.words(state, 2 * count + 64)
            places = words[words >= np.uint32(accepted_from)] % np.uint32(total)
            return np.searchsorted(ends, places, "right").astype(np.int64)

        return _Sampler(draw, lambda classes: self.counts[classes].astype(np.float32) / np.float32(total))

    def see(self, classes: Array) -> None:
        """Counts classes, as long as the sum of all fits into 32 bits."""
        room = 2**31 - 1 - int(self.counts.sum())
        np.add.at(self.counts, classes.ravel()[: max(room, 0)], 1)


def _check_known(op: Any, true_classes: Array) -> None:
    size = op.attrs["range_max"]
    wrong = true_classes[(true_classes < 0) | (true_classes >= size)]
    if wrong.size:
        raise errors.InvalidArgumentError(None, op, f"true class {wrong[0]} is not in [0, {size})")


def _run_learned(op: Any, ctx: Any, true_classes: Array) -> tuple[Array, Array, Array]:
    _check_classes(op, true_classes)
    _check_known(op, true_classes)
    learned = ctx.resources.find_or_make(("learned classes", op), lambda number: _Counts(op.attrs["range_max"]))
    with learned.lock:
        found: tuple[Array, Array, Array] = _run_sampler(lambda op: learned.sampler())(op, ctx, true_classes)
        learned.see(true_classes)
    return found


def _sampler_shape(c: ShapeContext) -> list[Shape]:
    batch = with_rank(c, c.input(0), 2)[0]
    count = c.attr("num_sampled")
    return [(count,), (batch, c.attr("num_true")), (count,)]


for _type, _run in {
    "UniformCandidateSampler": _run_sampler(lambda op: _uniform_sampler(op.attrs["range_max"])),
    "LogUniformCandidateSampler": _run_sampler(lambda op: _log_uniform_sampler(op.attrs["range_max"])),
    "FixedUnigramCandidateSampler": _run_sampler(_fixed_sampler),
    "AllCandidateSampler": _run_all,
    "LearnedUnigramCandidateSampler": _run_learned,
    "ThreadUnsafeUnigramCandidateSampler": _run_learned,
}.items():
    _lower = _lowered_log_uniform if _type == "LogUniformCandidateSampler" else None
    _on_host = _lower is None
    register_op(_type, shape=_sampler_shape, lower=_lower, numpy=_run, host=_on_host, effect=True, gradient=NO_GRADIENT)


def _accidental_hits_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 2)
    with_rank(c, c.input(1), 1)
    return [(None,), (None,), (None,)]


def _accidental_hits(op: Any, true_classes: Array, candidates: Array) -> tuple[Array, Array, Array]:
    if true_classes.ndim != 2 or true_classes.shape[1] != op.attrs["num_true"]:
        raise errors.InvalidArgumentError(None, op, "true_candidates must be a batch_size * num_true matrix")
    places = {candidate: place for place, candidate in enumerate(candidates.tolist())}
    rows = enumerate(true_classes.tolist())
    hits = [(row, places[label]) for row, labels in rows for label in labels if label in places]
    indices, ids = np.array(hits, np.int64).reshape(-1, 2).T
    return indices.astype(np.int32), ids.copy(), np.full(len(hits), _LOWEST, np.float32)


def _padded_hits(op: Any, true_classes: Array, candidates: Array) -> tuple[Array, Array, Array]:
    """A place for each true class: beyond all rows and candidates where it was not drawn."""
    labels, count = jnp.asarray(true_classes).reshape(-1, 1), candidates.shape[0]
    ids = jnp.max(jnp.where(labels == candidates, np.arange(count, dtype=np.int32), -1), axis=1, initial=-1)
    rows = np.repeat(np.arange(true_classes.shape[0], dtype=np.int32), true_classes.shape[1])
    beyond = np.int32(np.iinfo(np.int32).max)
    weights = np.full(rows.size, _LOWEST, np.float32)
    return jnp.where(ids < 0, beyond, rows), jnp.where(ids < 0, beyond, ids).astype(np.int64), weights


register_op(
    "ComputeAccidentalHits", shape=_accidental_hits_shape, numpy=_accidental_hits, host=True, gradient=NO_GRADIENT
).padded = _padded_hits


def _seeds(seed: Any) -> dict[str, int]:
    seed1, seed2 = get_seed(seed)
    return {"seed": seed1 or 0, "seed2": seed2 or 0}


def _sampled(op_type: str, name: Any, seed: Any, **arguments: Any) -> Any:
    return apply_op(op_type, name, **arguments, **_seeds(seed))


@export("nn.uniform_candidate_sampler", "random.uniform_candidate_sampler")
def uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None, name: Any = None
) -> Any:
    """(`i64[num_sampled]` classes, `f32[batch, num_true]` and `f32[num_sampled]` expected counts), all alike.

    Source: TF 1.15 `tf.nn.uniform_candidate_sampler`.
    """
    arguments = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    return _sampled("UniformCandidateSampler", name, seed, true_classes=true_classes, **arguments)


@export("nn.log_uniform_candidate_sampler", "random.log_uniform_candidate_sampler")
def log_uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None, name: Any = None
) -> Any:
    """As `uniform_candidate_sampler`, lower classes more often (Zipf's law).

    Source: TF 1.15 `tf.nn.log_uniform_candidate_sampler`.
    """
    arguments = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    return _sampled("LogUniformCandidateSampler", name, seed, true_classes=true_classes, **arguments)


@export("nn.learned_unigram_candidate_sampler", "random.learned_unigram_candidate_sampler")
def learned_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: Any = None, name: Any = None
) -> Any:
    """As `uniform_candidate_sampler`, by how often each class was among the true ones of runs before.

    Raises InvalidArgumentError when it runs: true classes that are not below `range_max`.

    Source: TF 1.15 `tf.nn.learned_unigram_candidate_sampler`.
    """
    arguments = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    return _sampled("LearnedUnigramCandidateSampler", name, seed, true_classes=true_classes, **arguments)


@export("nn.fixed_unigram_candidate_sampler", "random.fixed_unigram_candidate_sampler")
def fixed_unigram_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Sequence[float] = (),
    seed: Any = None,
    name: Any = None,
) -> Any:
    """As `uniform_candidate_sampler`, by given weights (to the power `distortion`), from a file or a list.

    Source: TF 1.15 `tf.nn.fixed_unigram_candidate_sampler`.
    """
    arguments = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    weights = {"vocab_file": vocab_file, "distortion": distortion, "unigrams": list(unigrams)}
    sharing = {"num_reserved_ids": num_reserved_ids, "num_shards": num_shards, "shard": shard}
    return _sampled(
        "FixedUnigramCandidateSampler", name, seed, true_classes=true_classes, **arguments, **weights, **sharing
    )


@export("nn.all_candidate_sampler", "random.all_candidate_sampler")
def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: Any = None, name: Any = None
) -> Any:
    """As `uniform_candidate_sampler`, but all the classes 0 .. num_sampled - 1.

    Source: TF 1.15 `tf.nn.all_candidate_sampler`.
    """
    arguments = {"num_true": num_true, "num_sampled": num_sampled, "unique": unique}
    return _sampled("AllCandidateSampler", name, seed, true_classes=true_classes, **arguments)


@export("nn.compute_accidental_hits")
def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: Any = None, name: Any = None
) -> Any:
    """(row, place among the candidates, a very negative weight) of each true class that was drawn too.

    Source: TF 1.15 `tf.nn.compute_accidental_hits`.
    """
    arguments = {"true_classes": true_classes, "sampled_candidates": sampled_candidates, "num_true": num_true}
    return _sampled("ComputeAccidentalHits", name, seed, **arguments)
