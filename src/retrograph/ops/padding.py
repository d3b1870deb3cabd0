"""Borders around tensors: pad, and the mirrored paddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, ShapeError, merge, with_rank
from retrograph.framework.static_value import static_value
from retrograph.ops import array
from retrograph.ops.joining import is_tensor_like, stack
from retrograph.ops.rows import add, both, make_tensor, refuse, subtract, unknown_of, with_value


def _pad_shape(c: ShapeContext) -> list[Shape]:
    paddings = with_rank(c, c.input(1), 2)
    with_value(paddings[1], 2)
    given, count = c.input(0), paddings[0]
    if count is not None:
        given = with_rank(c, given, count)
    elif given is not None:
        count = len(given)
    value = c.constant(1)
    if value is None:
        return [_partly_padded(c, given, count)]
    known = with_rank(c, given, len(value))
    if value.size and value.min() < 0:
        raise ShapeError("Paddings must be non-negative")
    return [tuple(add(d, int(p)) for d, p in zip(known, value.sum(1), strict=True))]


def _partly_padded(c: ShapeContext, given: Shape, count: int | None) -> Shape:
    # tf.pad itself refines the shape where some of the paddings are constants that were packed.
    rows = c.inputs[1].op
    if given is None or rows.type != "Pack" or rows.attrs["axis"]:
        return unknown_of(count)
    pairs = [static_value(row) for row in rows.inputs]
    return tuple(None if p is None else add(d, int(p.sum())) for d, p in zip(given, pairs, strict=True))


def _pairs(paddings: Any) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in np.asarray(paddings)]


def _check_paddings(op: Any, x: Any, paddings: Any) -> None:
    if paddings.shape[0] != x.ndim:
        shapes = f"{to_text(tuple(paddings.shape))} {to_text(tuple(x.shape))}"
        refuse(op, f"The first dimension of paddings must be the rank of inputs{shapes}")


def _pad(xp: Any, op: Any, x: Any, paddings: Any, *value: Any) -> Any:
    _check_paddings(op, x, paddings)
    nothing = np.array(b"", object) if x.dtype == object else np.zeros((), x.dtype)
    filler = value[0] if value else nothing
    return xp.pad(x, _pairs(paddings), constant_values=filler) if x.ndim else x


def _mirror_mode(op: Any) -> str:
    mode = op.get_attr("mode")
    return str(mode.decode() if isinstance(mode, bytes) else mode).lower()


def mirrored(xp: Any, op: Any, x: Any, paddings: Any) -> Any:
    mode = _mirror_mode(op)
    _check_paddings(op, x, paddings)
    for pair, size in zip(_pairs(paddings), x.shape, strict=True):
        if max(pair) > size - (mode == "reflect"):
            word = "less than" if mode == "reflect" else "no greater than"
            text = f"paddings must be {word} the dimension size: {pair[0]}, {pair[1]} {'not less than' if mode == 'reflect' else 'greater than'} {size}"
            raise errors.InvalidArgumentError(None, op, text)
    return xp.pad(x, _pairs(paddings), mode=mode)


def _mirror_pad_grad(op: Any, grad: Any, paddings: Any) -> Any:
    pairs, mode = _pairs(paddings), _mirror_mode(op)
    shape = tuple(d - a - b for d, (a, b) in zip(grad.shape, pairs, strict=True))
    like = jax.ShapeDtypeStruct(shape, grad.dtype)
    return jax.linear_transpose(lambda x: jnp.pad(x, pairs, mode=mode), like)(jnp.asarray(grad))[0]


def _mirror_pad_grad_shape(c: ShapeContext) -> list[Shape]:
    paddings = with_rank(c, c.input(1), 2)
    if paddings[0] is None:
        return [None]
    given = with_rank(c, c.input(0), paddings[0])
    merge(c, paddings, (paddings[0], 2))
    value = c.constant(1)
    if value is None:
        return [unknown_of(paddings[0])]
    if value.size and value.min() < 0:
        raise ShapeError("Paddings must be non-negative")
    return [tuple(subtract(d, int(p)) for d, p in zip(given, value.sum(1), strict=True))]


def _pad_gradient(op: Any, grad: Any) -> Any:
    from retrograph.ops.strided_slice import slice as slice_op

    x, paddings = op.inputs[0], op.inputs[1]
    before = slice_op(paddings, [0, 0], stack([array.rank(x), 1]))
    begin = array.reshape(before, [-1])
    result = slice_op(grad, begin, array.shape(x))
    return [result] + [None] * (len(op.inputs) - 1)


def _mirror_pad_gradient(op_type: str) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        mode = op.get_attr("mode")
        return [apply_op(op_type, None, input=grad, paddings=op.inputs[1], mode=mode), None]

    return gradient


for _type in ("Pad", "PadV2"):
    register_op(_type, shape=_pad_shape, static_inputs=(1,), gradient=_pad_gradient, **both(_pad))
register_op(
    "MirrorPad",
    shape=_pad_shape,
    static_inputs=(1,),
    gradient=_mirror_pad_gradient("MirrorPadGrad"),
    **both(mirrored),
)
register_op(
    "MirrorPadGrad",
    shape=_mirror_pad_grad_shape,
    static_inputs=(1,),
    gradient=_mirror_pad_gradient("MirrorPad"),
    lower=_mirror_pad_grad,
)


@export("pad")
def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """`tensor` with `paddings[i]` elements before and after along each dimension i.

    `mode` is CONSTANT, REFLECT (the border not repeated) or SYMMETRIC (repeated).

    >>> tf.pad(tf.zeros([2, 3]), [[1, 1], [0, 2]])
    <tf.Tensor 'Pad:0' shape=(4, 5) dtype=float32>

    Source: TF 1.15 `tf.pad`.
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        if not is_tensor_like(constant_values) and constant_values == 0:
            return make_tensor("Pad", name, input=tensor, paddings=paddings)
        return make_tensor("PadV2", name, input=tensor, paddings=paddings, constant_values=constant_values)
    if mode not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    return make_tensor("MirrorPad", name, input=tensor, paddings=paddings, mode=mode)
