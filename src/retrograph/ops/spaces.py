"""Space to batch and to depth and back, and patches of images and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.deprecation import deprecated_argument
from retrograph.framework.exports import export
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import (
    FinalShapeError,
    ShapeContext,
    ShapeError,
    merge,
    with_rank,
    with_rank_at_least,
)
from retrograph.framework.static_value import constant_value
from retrograph.ops import array
from retrograph.ops.joining import stack
from retrograph.ops.rows import (
    Dim,
    add,
    both,
    divide,
    ints,
    make_tensor,
    multiply,
    refuse,
    subtract,
)

# --- space and batch ---------------------------------------------------------------------------------------------

Pairs = list[tuple[int, int]]


def _pairs(value: Any) -> Pairs:
    return [(int(a), int(b)) for a, b in value]


def _block_shape(c: ShapeContext, given: Shape, block: Shape, borders: Shape) -> tuple[Any, int]:
    """The input's shape (rank unknown: None) and the number of block dimensions, both checked."""
    if block is not None and len(block) != 1:
        raise ShapeError("block_shape must have rank 1.")
    if block is None or block[0] is None:
        raise ShapeError("block_shape must have known size.")
    count = block[0]
    given = with_rank_at_least(c, given, count + 1)
    merge(c, borders, (count, 2))
    return given, count


def _blocks(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    sizes = ints(value)
    if any(s < 1 for s in sizes):
        raise ShapeError("block_shape must be positive")
    return sizes


def _borders(value: Any, what: str) -> Pairs | None:
    if value is None:
        return None
    if (np.asarray(value) < 0).any():
        raise ShapeError(f"{what} cannot be negative")
    return _pairs(value)


def _to_batch_dim(size: Dim, block: int, border: tuple[int, int]) -> Dim:
    return divide(add(size, sum(border)), block)


def _to_space_dim(size: Dim, block: int, border: tuple[int, int]) -> Dim:
    return subtract(subtract(multiply(size, block), border[0]), border[1])


def _spaces_shape(c: ShapeContext, block: Any, block_value: Any, border: int, to_batch: bool) -> list[Shape]:
    given, count = _block_shape(c, c.input(0), block, c.input(border))
    value = c.constant(border)
    sizes = _blocks(block_value)
    pairs = _borders(value, "paddings" if to_batch else "crops")
    if given is None:
        return [None]
    change, batch = (_to_batch_dim, multiply) if to_batch else (_to_space_dim, divide)
    first: Dim = given[0]
    for size in sizes or ():
        first = batch(first, size)
    if sizes is None and count:
        first = None
    middle: Sequence[Dim] = (None,) * count
    if sizes is not None and pairs is not None:
        middle = [change(d, s, p) for d, s, p in zip(given[1 : count + 1], sizes, pairs, strict=True)]
    return [(first, *middle, *given[count + 1 :])]


def _nd_shape(to_batch: bool) -> Any:
    return lambda c: _spaces_shape(c, c.input(1), c.constant(1), 2, to_batch)


def _square_shape(to_batch: bool) -> Any:
    def rule(c: ShapeContext) -> list[Shape]:
        with_rank(c, c.input(0), 4)
        side = c.attr("block_size")
        return _spaces_shape(c, (2,), np.array([side, side]), 1, to_batch)

    return rule


def _check_blocks(op: Any, sizes: Sequence[int], blocks: Sequence[int]) -> None:
    for i, (size, block) in enumerate(zip(sizes, blocks, strict=True)):
        if size % block:
            text = f"padded_shape[{i}]={size} is not divisible by block_shape[{i}]={block}"
            raise errors.InvalidArgumentError(None, op, text)


def _space_to_batch(xp: Any, op: Any, x: Any, block: Any, paddings: Any) -> Any:
    blocks, count = ints(block), len(ints(block))
    x = xp.pad(x, [(0, 0), *_pairs(paddings), *[(0, 0)] * (x.ndim - count - 1)])
    _check_blocks(op, x.shape[1 : count + 1], blocks)
    split = [n for d, b in zip(x.shape[1 : count + 1], blocks, strict=True) for n in (d // b, b)]
    x = x.reshape((x.shape[0], *split, *x.shape[count + 1 :]))
    order = [2 * i + 2 for i in range(count)] + [0] + [2 * i + 1 for i in range(count)]
    x = x.transpose([*order, *range(2 * count + 1, x.ndim)])
    return x.reshape((math.prod(x.shape[: count + 1]), *x.shape[count + 1 :]))


def _batch_to_space(xp: Any, op: Any, x: Any, block: Any, crops: Any) -> Any:
    blocks, count = ints(block), len(ints(block))
    if x.shape[0] % math.prod(blocks):
        divided = f"({x.shape[0]}) is not divisible by product of block sizes ({math.prod(blocks)})"
        refuse(op, f"Input batch dimension {divided}")
    batch = x.shape[0] // math.prod(blocks)
    x = x.reshape((*blocks, batch, *x.shape[1:]))
    order = [count] + [n for i in range(count) for n in (count + 1 + i, i)]
    x = x.transpose([*order, *range(2 * count + 1, x.ndim)])
    sizes = [x.shape[2 * i + 1] * x.shape[2 * i + 2] for i in range(count)]
    x = x.reshape((batch, *sizes, *x.shape[2 * count + 1 :]))
    cuts = [slice(a, d - b) for d, (a, b) in zip(sizes, _pairs(crops), strict=True)]
    return x[(slice(None), *cuts)]


def _square(function: Any) -> Any:
    def formula(xp: Any, op: Any, x: Any, borders: Any) -> Any:
        side = op.get_attr("block_size")
        return function(xp, op, x, np.array([side, side]), borders)

    return formula


def _nd_gradient(op_type: str, border: str) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        made = apply_op(op_type, None, input=grad, block_shape=op.inputs[1], **{border: op.inputs[2]})
        return [made, None, None]

    return gradient


def _square_gradient(back: str) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        functions: dict[str, Any] = {"batch_to_space": batch_to_space, "space_to_batch": space_to_batch}
        return [functions[back](grad, op.inputs[1], block_size=op.get_attr("block_size")), None]

    return gradient


register_op(
    "SpaceToBatchND",
    shape=_nd_shape(True),
    static_inputs=(1, 2),
    gradient=_nd_gradient("BatchToSpaceND", "crops"),
    **both(_space_to_batch),
)
register_op(
    "BatchToSpaceND",
    shape=_nd_shape(False),
    static_inputs=(1, 2),
    gradient=_nd_gradient("SpaceToBatchND", "paddings"),
    **both(_batch_to_space),
)
register_op(
    "SpaceToBatch",
    shape=_square_shape(True),
    static_inputs=(1,),
    gradient=_square_gradient("batch_to_space"),
    **both(_square(_space_to_batch)),
)
register_op(
    "BatchToSpace",
    shape=_square_shape(False),
    static_inputs=(1,),
    gradient=_square_gradient("space_to_batch"),
    **both(_square(_batch_to_space)),
)


@export("space_to_batch_nd", "manip.space_to_batch_nd")
def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Blocks of the spatial dimensions moved to the batch dimension, after zero padding.

    Source: TF 1.15 `tf.space_to_batch_nd`.
    """
    return make_tensor("SpaceToBatchND", name, input=input, block_shape=block_shape, paddings=paddings)


@export("batch_to_space_nd", "manip.batch_to_space_nd")
def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """The inverse of `tf.space_to_batch_nd`, then cropped: T[n * b, h, w, ...] -> T[n, ...].

    Raises ValueError: sizes that do not divide.

    >>> tf.batch_to_space_nd(tf.zeros([8, 1, 3, 1]), [2, 2], [[0, 0], [0, 0]])
    <tf.Tensor 'BatchToSpaceND:0' shape=(2, 2, 6, 1) dtype=float32>

    Source: TF 1.15 `tf.batch_to_space_nd`.
    """
    return make_tensor("BatchToSpaceND", name, input=input, block_shape=block_shape, crops=crops)


def _of_rank_four(result: Tensor) -> Tensor:
    result.set_shape(result.get_shape().with_rank(4))
    return result


@export("space_to_batch", "nn.space_to_batch")
def space_to_batch(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None, block_shape: Any = None
) -> Tensor:
    """Square blocks of height and width moved to the batch, T[batch, h, w, c] -> T[batch * b * b, h/b, w/b, c].

    Source: TF 1.15 `tf.space_to_batch`.
    """
    side = array.lookup_renamed("block_shape", block_shape, "block_size", block_size)
    blocks = np.array([side, side], dtype=np.int64)
    return _of_rank_four(space_to_batch_nd(input, paddings=paddings, block_shape=blocks, name=name))


@export("batch_to_space")
def batch_to_space(input: Any, crops: Any, block_size: Any, name: str | None = None, block_shape: Any = None) -> Tensor:
    """The inverse of `tf.space_to_batch`, then cropped.

    Source: TF 1.15 `tf.batch_to_space`.
    """
    side = array.lookup_renamed("block_shape", block_shape, "block_size", block_size)
    blocks = np.array([side, side], dtype=np.int64)
    return _of_rank_four(batch_to_space_nd(input, crops=crops, block_shape=blocks, name=name))


def _paddings_and_crops(sizes: Any, blocks: Any, borders: Any, count: int) -> tuple[Tensor, Tensor]:
    values = [constant_value(t) for t in (blocks, sizes, borders)]
    if all(v is not None for v in values):
        blocks, sizes, borders = values
    start, end = borders[:, 0], borders[:, 1]
    whole = sizes + start + end
    extra = (blocks - whole % blocks) % blocks
    last = end + extra
    paddings = stack([[start[i], last[i]] for i in range(count)], name="paddings")
    return paddings, stack([[0, extra[i]] for i in range(count)], name="crops")


@export("required_space_to_batch_paddings")
def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Paddings that make `block_shape` divide `input_shape`, and the crops that undo them: i32[n, 2] both.

    Source: TF 1.15 `tf.required_space_to_batch_paddings`.
    """
    with name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
        sizes = convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
        blocks = convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
        blocks.get_shape().assert_is_fully_defined()
        blocks.get_shape().assert_has_rank(1)
        count = blocks.get_shape().as_list()[0] or 0
        if count == 0:
            return array.zeros([0, 2], dtypes.int32), array.zeros([0, 2], dtypes.int32)
        sizes.get_shape().assert_is_compatible_with([count])
        if base_paddings is None:
            borders = array.zeros([count, 2], dtypes.int32)
        else:
            borders = convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
            borders.get_shape().assert_is_compatible_with([count, 2])
        return _paddings_and_crops(sizes, blocks, borders, count)


# --- space and depth ---------------------------------------------------------------------------------------------


_VECTORS = "NCHW_VECT_C"


def _format(op_or_context: Any) -> str:
    read = getattr(op_or_context, "get_attr", None) or op_or_context.attr
    value = read("data_format")
    text: str = value.decode() if isinstance(value, bytes) else value
    return text


def _depth_shape(to_depth: bool) -> Any:
    def rule(c: ShapeContext) -> list[Shape]:
        layout = _format(c)
        given, side = with_rank(c, c.input(0), 5 if layout == _VECTORS else 4), c.attr("block_size")
        if side < 2:
            raise FinalShapeError(f"Attr 'block_size' of '{c.op_type}' Op passed {side} less than minimum 2.")
        n, h, w, d = given[:4] if layout == "NHWC" else (given[0], given[2], given[3], given[1])
        if to_depth:
            h, w, d = divide(h, side), divide(w, side), multiply(d, side * side)
        else:
            h, w, d = multiply(h, side), multiply(w, side), divide(d, side * side)
        if layout == "NHWC":
            return [(n, h, w, d)]
        return [(n, d, h, w, 4) if layout == _VECTORS else (n, d, h, w)]

    return rule


def _with_layouts(of_last: Any, of_first: Any) -> Any:
    """A formula for all layouts, of those for channels that come last and first."""

    def run(xp: Any, op: Any, x: Any) -> Any:
        side, layout = op.get_attr("block_size"), _format(op)
        if layout == "NHWC":
            return of_last(x, side)
        if layout == "NCHW":
            return of_first(x, side)
        if x.shape[4] != 4:
            refuse(op, f"The last dimension of {_VECTORS} must be 4, not {x.shape[4]}")
        batch, channels, height, width, _ = x.shape
        parts = of_first(x.transpose((0, 4, 1, 2, 3)).reshape((batch * 4, channels, height, width)), side)
        return parts.reshape((batch, 4, *parts.shape[1:])).transpose((0, 2, 3, 4, 1))

    return run


def _last_to_depth(x: Any, side: int) -> Any:
    n, h, w, d = x.shape
    blocks = x.reshape((n, h // side, side, w // side, side, d)).transpose((0, 1, 3, 2, 4, 5))
    return blocks.reshape((n, h // side, w // side, side * side * d))


def _first_to_depth(x: Any, side: int) -> Any:
    n, d, h, w = x.shape
    blocks = x.reshape((n, d, h // side, side, w // side, side)).transpose((0, 3, 5, 1, 2, 4))
    return blocks.reshape((n, side * side * d, h // side, w // side))


def _last_to_space(x: Any, side: int) -> Any:
    n, h, w, d = x.shape
    blocks = x.reshape((n, h, w, side, side, d // side**2)).transpose((0, 1, 3, 2, 4, 5))
    return blocks.reshape((n, h * side, w * side, d // side**2))


def _first_to_space(x: Any, side: int) -> Any:
    n, d, h, w = x.shape
    blocks = x.reshape((n, side, side, d // side**2, h, w)).transpose((0, 3, 4, 1, 5, 2))
    return blocks.reshape((n, d // side**2, h * side, w * side))


_space_to_depth = _with_layouts(_last_to_depth, _first_to_depth)
_depth_to_space = _with_layouts(_last_to_space, _first_to_space)


def _depth_gradient(back: str) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        side, layout = op.get_attr("block_size"), _format(op)
        return apply_op(back, None, input=grad, block_size=side, data_format=layout)

    return gradient


register_op("SpaceToDepth", shape=_depth_shape(True), gradient=_depth_gradient("DepthToSpace"), **both(_space_to_depth))
register_op(
    "DepthToSpace", shape=_depth_shape(False), gradient=_depth_gradient("SpaceToDepth"), **both(_depth_to_space)
)


@export("space_to_depth", "nn.space_to_depth")
def space_to_depth(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Square blocks moved to the channels, T[n, h, w, c] -> T[n, h/b, w/b, c * b * b].

    Source: TF 1.15 `tf.space_to_depth`.
    """
    return make_tensor("SpaceToDepth", name, input=input, block_size=block_size, data_format=data_format)


@export("depth_to_space", "nn.depth_to_space")
def depth_to_space(input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC") -> Tensor:
    """Channels moved to square blocks, T[n, h, w, c] -> T[n, h * b, w * b, c / (b * b)].

    Source: TF 1.15 `tf.depth_to_space`.
    """
    return make_tensor("DepthToSpace", name, input=input, block_size=block_size, data_format=data_format)


# --- patches -----------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _windows(size: int, width: int, step: int, padding: str) -> tuple[int, tuple[int, int]]:
    """The number of windows along one dimension, and the padding before and after."""
    if padding == "VALID":
        return max(0, (size - width + step) // step), (0, 0)
    count = -(-size // step)
    needed = max(0, (count - 1) * step + width - size)
    return count, (needed // 2, needed - needed // 2)


def _patch_attrs(op_type: str, read: Any) -> tuple[list[int], list[int], list[int]]:
    """Sizes, strides and rates of the spatial dimensions, checked."""
    rank = 4 if op_type == "ExtractImagePatches" else 5
    names = {"ksizes": "ksizes", "strides": "stride", "rates": "rates"}
    found = []
    for name, word in names.items():
        values = [1] * rank if name == "rates" and rank == 5 else read(name)
        if len(values) < rank:
            text = f"Attr '{name}' of '{op_type}' Op passed list of length {len(values)} less than minimum {rank}."
            raise FinalShapeError(text)
        if len(values) != rank:
            raise ShapeError(
                f"{op_type} requires the {word} attribute to contain {rank} values, but got: {len(values)}"
            )
        found.append(list(values[1:-1]))
    return found[0], found[1], found[2]


def _patches_shape(c: ShapeContext) -> list[Shape]:
    sizes, strides, rates = _patch_attrs(c.op_type, c.attr)
    given = with_rank(c, c.input(0), len(sizes) + 2)
    depth = multiply(given[-1], math.prod(sizes))
    inner = given[1:-1]
    if None in inner:
        return [(given[0], *[None] * len(sizes), depth)]
    padding = _text(c.attr("padding"))
    wide = [(k - 1) * r + 1 for k, r in zip(sizes, rates, strict=True)]
    counts = [_windows(d or 0, w, s, padding)[0] for d, w, s in zip(inner, wide, strides, strict=True)]
    return [(given[0], *counts, depth)]


def _patches(xp: Any, op: Any, x: Any) -> Any:
    sizes, strides, rates = _patch_attrs(op.type, op.get_attr)
    padding, dims = _text(op.get_attr("padding")), range(len(sizes))
    wide = [(k - 1) * r + 1 for k, r in zip(sizes, rates, strict=True)]
    plans = [_windows(x.shape[i + 1], wide[i], strides[i], padding) for i in dims]
    x = xp.pad(x, [(0, 0), *[border for _, border in plans], (0, 0)])
    parts = []
    for offset in np.ndindex(*sizes):
        starts = [offset[i] * rates[i] for i in dims]
        stops = [starts[i] + (plans[i][0] - 1) * strides[i] + 1 for i in dims]
        parts.append(x[(slice(None), *[slice(starts[i], max(stops[i], 0), strides[i]) for i in dims])])
    return xp.concatenate(parts, -1)


register_op("ExtractImagePatches", shape=_patches_shape, **both(_patches))
register_op("ExtractVolumePatches", shape=_patches_shape, **both(_patches))


@export("image.extract_image_patches", "extract_image_patches")
@deprecated_argument("ksizes", "ksizes is deprecated, use sizes instead", "tensorflow.python.ops.array_ops")
def extract_image_patches(
    images: Any,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: str | None = None,
    name: str | None = None,
    sizes: Any = None,
) -> Tensor:
    """Windows of images in the channels, T[n, h, w, c] -> T[n, rows, cols, kh * kw * c].

    Source: TF 1.15 `tf.image.extract_image_patches`.
    """
    windows = array.lookup_renamed("sizes", sizes, "ksizes", ksizes)
    return extract_patches(images, windows, strides, rates, padding, name)


@export("image.extract_patches")
def extract_patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: Any, name: str | None = None) -> Tensor:
    """Windows of images in the channels, T[n, h, w, c] -> T[n, rows, cols, kh * kw * c].

    Source: TF 1.15 `tf.image.extract_patches`.
    """
    attrs = {"ksizes": sizes, "strides": strides, "rates": rates, "padding": padding}
    return make_tensor("ExtractImagePatches", name, images=images, **attrs)


@export("extract_volume_patches")
def extract_volume_patches(input: Any, ksizes: Any, strides: Any, padding: str, name: str | None = None) -> Tensor:
    """Windows of volumes in the channels, T[n, d, h, w, c] -> T[n, planes, rows, cols, kd * kh * kw * c].

    Source: TF 1.15 `tf.extract_volume_patches`.
    """
    return make_tensor("ExtractVolumePatches", name, input=input, ksizes=ksizes, strides=strides, padding=padding)
