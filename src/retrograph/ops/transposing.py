"""Order of dimensions: transpose, matrix_transpose, invert_permutation."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, TensorShape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, with_rank
from retrograph.ops.array import rank
from retrograph.ops.rows import axis_within, both, ints, is_static, make_tensor, num_elements, refuse, unknown_of


def _transpose_shape(c: ShapeContext) -> list[Shape]:
    given, perm_shape, perm = c.input(0), c.input(1), c.constant(1)
    count = num_elements(perm_shape)
    if given is None and count is None and perm is None:
        return [None]
    rank = len(given) if given is not None else count if count is not None else int(perm.size)  # type: ignore[union-attr]
    if given is None and rank < 2:
        return [None]
    given = with_rank(c, given, rank)
    with_rank(c, perm_shape, 1)
    if count is not None and count != rank:
        raise ShapeError(f"Dimension must be {rank} but is {count}")
    if perm is None:
        return [unknown_of(rank)]
    for axis in ints(perm):
        if axis >= rank:
            raise ShapeError(f"perm dim {axis} is out of range of input rank {rank}")
    return [tuple(given[axis] for axis in ints(perm))]


def _checked_axes(op: Any, x: Any, perm: Any) -> tuple[int, ...]:
    axes, rank = ints(perm), x.ndim
    if len(axes) != rank:
        refuse(op, f"transpose expects a vector of size {rank}. But input(1) is a vector of size {len(axes)}")
    for axis in axes:
        axis_within(op, axis, rank, "{axis} is out of range [0 .. {rank})")
    missing = set(range(rank)) - {axis % rank for axis in axes}
    if missing:
        refuse(op, f"{min(missing)} is missing from {{{','.join(map(str, axes))}}}.")
    return axes


def _transpose(xp: Any, op: Any, x: Any, perm: Any) -> Any:
    return xp.transpose(x, _checked_axes(op, x, perm))


def _conjugate_transpose(xp: Any, op: Any, x: Any, perm: Any) -> Any:
    return xp.conj(xp.transpose(x, _checked_axes(op, x, perm)))


def _transpose_gradient(conjugate: bool) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        return [transpose(grad, invert_permutation(op.inputs[1]), conjugate=conjugate), None]

    return gradient


register_op(
    "Transpose",
    shape=_transpose_shape,
    static_inputs=(1,),
    gradient=_transpose_gradient(False),
    **both(_transpose),
)
register_op(
    "ConjugateTranspose",
    shape=_transpose_shape,
    static_inputs=(1,),
    gradient=_transpose_gradient(True),
    **both(_conjugate_transpose),
)


def _range(start: Any, limit: Any, delta: Any) -> Tensor:
    return make_tensor("Range", None, start=start, limit=limit, delta=delta)


@export("transpose")
def transpose(a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False) -> Tensor:
    """`a` with its dimensions in the order `perm` (reversed if None).

    >>> tf.transpose(tf.zeros([2, 3, 4]), [0, 2, 1])
    <tf.Tensor 'transpose:0' shape=(2, 4, 3) dtype=float32>

    Source: TF 1.15 `tf.transpose`.
    """
    with name_scope(name, "transpose", [a]) as scope:
        op_type = "ConjugateTranspose" if conjugate and a.dtype.is_complex else "Transpose"
        if perm is not None:
            return make_tensor(op_type, scope, x=a, perm=perm)
        a = convert_to_tensor(a, name="a")
        if a._shape:
            reversed_axes = np.arange(len(a._shape) - 1, -1, -1, dtype=np.int32)
            return make_tensor(op_type, scope, x=a, perm=reversed_axes)
        known_rank = make_tensor("Rank", None, input=a)
        result = make_tensor(op_type, scope, x=a, perm=known_rank - 1 - _range(0, known_rank, 1))
        if a._shape is not None:
            result.set_shape(TensorShape(a._shape[::-1]))
        return result


@export("matrix_transpose", "linalg.matrix_transpose", "linalg.transpose")
def matrix_transpose(a: Any, name: str | None = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """`a` with its last two dimensions exchanged, T[..., m, n] -> T[..., n, m].

    Source: TF 1.15 `tf.linalg.matrix_transpose`.
    """
    with name_scope(name, values=[a]):
        a = convert_to_tensor(a, name="a")
        known = a._shape
        if known is not None:
            if len(known) < 2:
                text = f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {a.shape}"
                raise ValueError(text)
            last = len(known) - 1
            return transpose(a, perm=[*range(last - 1), last, last - 1], conjugate=conjugate)
        from retrograph.ops.joining import concat  # joining builds on this module

        a_rank = rank(a)
        perm = concat((_range(0, a_rank - 2, 1), [a_rank - 1, a_rank - 2]), 0)
        return transpose(a, perm=perm, conjugate=conjugate)


def _invert_permutation(xp: Any, op: Any, x: Any) -> Any:
    if is_static(x):
        xp = np
        wrong = x[(x < 0) | (x >= len(x))]
        if wrong.size:
            refuse(op, f"{wrong[0]} is not between 0 and {len(x)}")
    return xp.argsort(x).astype(x.dtype)


register_op(
    "InvertPermutation",
    shape=lambda c: [with_rank(c, c.input(0), 1)],
    gradient=NO_GRADIENT,
    **both(_invert_permutation),
)


@export("invert_permutation", "math.invert_permutation")
def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The inverse of the permutation `x`, i32[n] -> i32[n].

    Source: TF 1.15 `tf.math.invert_permutation`.
    """
    return make_tensor("InvertPermutation", name, x=x)
