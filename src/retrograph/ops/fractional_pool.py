"""Fractional pooling: windows of two neighbouring sizes in a random order. TF's numbers; on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.raw import raw
from retrograph.ops.rows import ints, refuse, shape_input
from retrograph.runtime import random as philox

Array = Any
_Window = tuple[slice, slice]


# ---- where windows begin


def _pseudo_random_sizes(size: int, count: int, state: Array) -> tuple[Array, Array]:
    """(sizes of windows, the state after the draw): steps of `size / count`, rounded up from one random start."""
    ratio, k = size / count, size // count
    most = min((k + 2) / ratio - 1, (size + 1 - k) / ratio - (count - 1))
    start = float(philox.uniform(state, (1,), np.float64)[0]) * most
    edges = np.ceil(ratio * (np.arange(count + 1) + start)).astype(np.int64)
    edges[0], edges[-1] = 1, size + 1
    return np.diff(edges), philox.skip(state, 1)


def _random_sizes(size: int, count: int, state: Array) -> tuple[Array, Array]:
    """(sizes of windows in random order, the state after the draw)."""
    sizes = np.full(count, size // count, np.int64)
    sizes[: size % count] += 1
    order = np.asarray(philox.permutation(state, count))
    return sizes[order], philox.skip(state, (count + 3) // 4)


def _sequence(op: Any, size: int, count: int, state: Array) -> tuple[Array, Array]:
    """(`i64[count + 1]` where windows begin and the last ends, the state after the draw)."""
    draw = _pseudo_random_sizes if op.attrs["pseudo_random"] else _random_sizes
    sizes, state = draw(size, count, state)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), state


def _state(op: Any) -> Array:
    """TF's kernels begin their stream again at every run; without seeds it is another one each time."""
    seeds = op.attrs["seed"], op.attrs["seed2"]
    if not op.attrs["deterministic"] and seeds != (0, 0):
        refuse(op, "Both seed and seed2 should be 0 if deterministic is false.")
    if seeds == (0, 0):
        seeds = tuple(np.random.default_rng().integers(2**62, size=2).tolist())
    return philox.initial_state(*seeds)


def _windows(op: Any, rows: Array, columns: Array, height: int, width: int) -> list[list[_Window]]:
    more = int(op.attrs["overlapping"])
    for name, edges in (("Row", rows), ("Column", columns)):
        if (edges < 0).any():
            refuse(op, f"{name} sequence tensor values must not be negative, has value {int(edges[edges < 0][0])}")

    def slices(edges: Array, size: int) -> list[slice]:
        return [slice(a, min(b + more, size)) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]

    across = slices(columns, width)
    return [[(down, side) for side in across] for down in slices(rows, height)]


# ---- kernels


def _check(op: Any, value: Array) -> list[int]:
    """The sizes of the result."""
    ratios = op.attrs["pooling_ratio"]
    if len(ratios) != 4:
        refuse(op, "pooling_ratio field must specify 4 dimensions")
    if ratios[0] != 1 and ratios[3] != 1:
        kind = "max" if op.type == "FractionalMaxPool" else "average"
        text = f"Fractional {kind} pooling is not yet supported on the batch nor channel dimension."
        raise errors.UnimplementedError(None, op, text)
    if value.ndim != 4:
        refuse(op, "tensor_in must be 4-dimensional")
    for i, (size, ratio) in enumerate(zip(value.shape, ratios, strict=True)):
        if size < ratio:
            text = f"Pooling ratio is higher than input dimension size for dimension {i}."
            refuse(op, f"{text} Input dim size: {size} pooling ratio: {ratio:g}")
    return [
        int(np.floor(np.float32(size) / np.float32(ratio))) for size, ratio in zip(value.shape, ratios, strict=True)
    ]


def _greatest(block: Array) -> Array:
    return block.max(axis=(1, 2))


def _mean(block: Array) -> Array:
    total, count = block.sum(axis=(1, 2), dtype=block.dtype), block.dtype.type(block.shape[1] * block.shape[2])
    return total / count if block.dtype.kind == "f" else (np.abs(total) // count * np.sign(total)).astype(block.dtype)


def _pool(combine: Callable[[Array], Array]) -> Callable[..., tuple[Array, Array, Array]]:
    def run(op: Any, value: Array) -> tuple[Array, Array, Array]:
        _, height, width, _ = _check(op, value)
        rows, state = _sequence(op, value.shape[1], height, _state(op))
        columns, _ = _sequence(op, value.shape[2], width, state)
        windows = _windows(op, rows, columns, *value.shape[1:3])
        pooled = [np.stack([combine(value[:, down, side]) for down, side in line], 1) for line in windows]
        return np.stack(pooled, 1).astype(value.dtype), rows, columns

    return run


def _max_backwards(op: Any, value: Array, pooled: Array, grad: Array, rows: Array, columns: Array) -> Array:
    """Each gradient goes to the first greatest of its window."""
    result = np.zeros_like(value)
    batch, depth = np.arange(value.shape[0])[:, None], np.arange(value.shape[3])[None, :]
    for i, line in enumerate(_windows(op, rows, columns, *value.shape[1:3])):
        for j, (down, side) in enumerate(line):
            block = value[:, down, side]
            best = block.reshape(block.shape[0], -1, block.shape[3]).argmax(1)
            at = down.start + best // block.shape[2], side.start + best % block.shape[2]
            np.add.at(result, (batch, *at, depth), grad[:, i, j])
    return result


def _mean_backwards(op: Any, shape: Array, grad: Array, rows: Array, columns: Array) -> Array:
    """Each gradient goes to all of its window in equal parts."""
    sizes = ints(shape)
    result = np.zeros(sizes, np.float64)
    for i, line in enumerate(_windows(op, rows, columns, *sizes[1:3])):
        for j, (down, side) in enumerate(line):
            block = result[:, down, side]
            block += grad[:, i, j][:, None, None, :].astype(np.float64) / (block.shape[1] * block.shape[2])
    return result.astype(grad.dtype)


def _shape(c: ShapeContext) -> list[Shape]:
    value, ratios = with_rank(c, c.input(0), 4), c.attr("pooling_ratio")
    if len(ratios) != 4:
        c.fail("pooling_ratio field must specify 4 dimensions")
    pairs = zip(value, ratios, strict=True)
    sizes = [None if size is None else int(np.floor(np.float32(size) / np.float32(ratio))) for size, ratio in pairs]
    for i, size in enumerate(sizes):
        if size is not None and size < 0:
            c.fail(f"Size computed for dim {i} is negative: {size}")
    small = [ratio for ratio in ratios if ratio < 1]
    if small:
        c.fail(f"pooling_ratio cannot be smaller than 1, got: {small[0]:g}")
    # TF says so of the sequences, which are one longer in truth.
    return [tuple(sizes), (sizes[1],), (sizes[2],)]


def _mean_shape(c: ShapeContext) -> list[Shape]:
    return [shape_input(c, 0) if c.constant(0) is not None else (None,) * 4]


def _max_gradient(op: Any, grad: Any, *ignored: Any) -> Any:
    pooled, rows, columns = op.outputs
    overlapping = op.get_attr("overlapping")
    return raw("FractionalMaxPoolGrad", op.inputs[0], pooled, grad, rows, columns, overlapping=overlapping)


def _mean_gradient(op: Any, grad: Any, *ignored: Any) -> Any:
    shape, overlapping = op.inputs[0].get_shape(), op.get_attr("overlapping")
    return raw("FractionalAvgPoolGrad", shape, grad, op.outputs[1], op.outputs[2], overlapping=overlapping)


register_op("FractionalMaxPool", shape=_shape, numpy=_pool(_greatest), host=True, gradient=_max_gradient)
register_op("FractionalAvgPool", shape=_shape, numpy=_pool(_mean), host=True, gradient=_mean_gradient)
register_op(
    "FractionalMaxPoolGrad", shape=lambda c: [with_rank(c, c.input(0), 4)], numpy=_max_backwards, host=True,
    gradient=NO_GRADIENT,
)  # fmt: skip
register_op("FractionalAvgPoolGrad", shape=_mean_shape, numpy=_mean_backwards, host=True, gradient=NO_GRADIENT)


def _fractional(
    op_type: str,
    value: Any,
    ratio: Any,
    options: tuple[bool, bool, bool],
    seeds: tuple[int, int],
    name: str | None,
) -> Any:
    attrs = dict(zip(("pseudo_random", "overlapping", "deterministic"), options, strict=True))
    return apply_op(op_type, name, value=value, pooling_ratio=ratio, seed=seeds[0], seed2=seeds[1], **attrs)


@export("nn.fractional_max_pool")
def fractional_max_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """The greatest of windows whose sizes are `pooling_ratio` in the mean: (output, row and column sequences).

    Raises ValueError: ratios below 1; UnimplementedError: pooling of batch and channels.
    Source: TF 1.15 `tf.nn.fractional_max_pool`.
    """
    options = (pseudo_random, overlapping, deterministic)
    return _fractional("FractionalMaxPool", value, pooling_ratio, options, (seed, seed2), name)


@export("nn.fractional_avg_pool")
def fractional_avg_pool(
    value: Any,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """The mean of windows whose sizes are `pooling_ratio` in the mean: (output, row and column sequences).

    Raises as `fractional_max_pool`. Source: TF 1.15 `tf.nn.fractional_avg_pool`.
    """
    options = (pseudo_random, overlapping, deterministic)
    return _fractional("FractionalAvgPool", value, pooling_ratio, options, (seed, seed2), name)
