"""What turns tensors: reverse, reverse_sequence, roll."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.deprecation import deprecated_argument
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, merge, merge_dim, with_rank, with_rank_at_least
from retrograph.ops import array
from retrograph.ops.rows import both, ints, is_static, make_tensor, normalize, refuse, replace_dim


def _reverse_shape(c: ShapeContext) -> list[Shape]:
    given = c.input(0)
    with_rank(c, c.input(1), 1)
    if given is not None and len(given) > 8:
        raise ShapeError("reverse does not work on tensors with more than 8 dimensions")
    axes = c.constant(1)
    if axes is None or given is None:
        return [given]
    seen: set[int] = set()
    for i, axis in enumerate(ints(axes)):
        position = axis + len(given) if axis < 0 else axis
        if not 0 <= position < len(given):
            raise ShapeError(f"'axis'[{i}] = {axis} is out of valid range [0, {len(given) - 1}")
        if position in seen:
            raise ShapeError(f"axis {position} specified more than once.")
        seen.add(position)
    return [given]


def _reverse(xp: Any, op: Any, x: Any, axes: Any) -> Any:
    if not x.ndim:
        return x
    turned = normalize(ints(axes), x.ndim)
    for i, axis in enumerate(turned):
        if not 0 <= axis < x.ndim:
            refuse(op, f"'axis'[{i}] = {ints(axes)[i]} is out of valid range [0, {x.ndim - 1}")
    return x[tuple(slice(None, None, -1) if i in turned else slice(None) for i in range(x.ndim))]


def _reverse_v1(xp: Any, op: Any, x: Any, dims: Any) -> Any:
    return _reverse(xp, op, x, np.flatnonzero(dims))


def _reverse_gradient(op: Any, grad: Any) -> Any:
    return [reverse(grad, op.inputs[1]), None]


def _reverse_v1_gradient(op: Any, grad: Any) -> Any:
    return [apply_op("Reverse", None, tensor=grad, dims=op.inputs[1]), None]


def _reverse_v1_shape(c: ShapeContext) -> list[Shape]:
    dims = with_rank(c, c.input(1), 1)
    return [c.input(0) if dims[0] is None else with_rank(c, c.input(0), dims[0])]


register_op("ReverseV2", shape=_reverse_shape, static_inputs=(1,), gradient=_reverse_gradient, **both(_reverse))
register_op("Reverse", shape=_reverse_v1_shape, static_inputs=(1,), gradient=_reverse_v1_gradient, **both(_reverse_v1))


@export("reverse", "reverse_v2", "manip.reverse")
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """`tensor` with the order along each dimension of the list `axis` turned round.

    >>> tf.reverse(tf.zeros([2, 3]), [1])
    <tf.Tensor 'ReverseV2:0' shape=(2, 3) dtype=float32>

    Source: TF 1.15 `tf.reverse`.
    """
    return make_tensor("ReverseV2", name, tensor=tensor, axis=axis)


def _reverse_sequence_shape(c: ShapeContext) -> list[Shape]:
    lengths, given = with_rank(c, c.input(1), 1), c.input(0)
    seq_dim, batch_dim = c.attr("seq_dim"), c.attr("batch_dim")
    if given is None:
        return [None]
    for name, dim in (("batch_dim", batch_dim), ("seq_dim", seq_dim)):
        if dim >= len(given):
            raise ShapeError(f"{name} must be < input rank: {dim} vs. {len(given)}")
    return [replace_dim(given, batch_dim, merge_dim(c, given[batch_dim], lengths[0]))]


def _reverse_sequence(xp: Any, op: Any, x: Any, lengths: Any) -> Any:
    along, batch = op.get_attr("seq_dim"), op.get_attr("batch_dim")
    for name, axis in (("batch_dim", batch), ("seq_dim", along)):
        if not 0 <= axis < x.ndim:
            refuse(op, f"{name} must be < input.dims()( {axis} vs. {x.ndim})")
    if along == batch:
        refuse(op, f"batch_dim == seq_dim == {along}")
    if is_static(lengths) and (lengths > x.shape[along]).any():
        refuse(op, f"seq_lens({int(np.argmax(lengths > x.shape[along]))}) > input.dims({along})")
    position = xp.arange(x.shape[along])
    lengths = xp.asarray(lengths)[:, None]
    index = xp.where(position < lengths, lengths - 1 - position, position)
    if batch > along:
        index = index.T
    wide = [1] * x.ndim
    wide[along], wide[batch] = x.shape[along], x.shape[batch]
    return xp.take_along_axis(x, xp.reshape(index, wide), along)


def _reverse_sequence_gradient(op: Any, grad: Any) -> Any:
    seq_dim, batch_dim = op.get_attr("seq_dim"), op.get_attr("batch_dim")
    return [reverse_sequence(grad, op.inputs[1], seq_axis=seq_dim, batch_axis=batch_dim), None]


register_op(
    "ReverseSequence",
    shape=_reverse_sequence_shape,
    gradient=_reverse_sequence_gradient,
    **both(_reverse_sequence),
)


@export("reverse_sequence")
@deprecated_argument("seq_dim", "seq_dim is deprecated, use seq_axis instead", "tensorflow.python.ops.array_ops")
@deprecated_argument("batch_dim", "batch_dim is deprecated, use batch_axis instead", "tensorflow.python.ops.array_ops")
def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """`input` whose first `seq_lengths[b]` elements along `seq_axis` are turned round in each batch b.

    Source: TF 1.15 `tf.reverse_sequence`.
    """
    along = array.lookup_renamed("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch = array.lookup_renamed("batch_axis", batch_axis, "batch_dim", batch_dim)
    return make_tensor(
        "ReverseSequence",
        name,
        input=input,
        seq_lengths=seq_lengths,
        seq_dim=along,
        batch_dim=0 if batch is None else batch,
    )


def _roll_shape(c: ShapeContext) -> list[Shape]:
    given = with_rank_at_least(c, c.input(0), 1)
    for i in (1, 2):
        one = c.input(i)
        if one is not None and len(one) > 1:
            raise ShapeError(f"Shape must be at most rank 1 but is rank {len(one)}")
    if c.input(1) is not None and c.input(2) is not None:
        merge(c, c.input(1), c.input(2))
    return [given]


def _roll(xp: Any, op: Any, x: Any, shift: Any, axis: Any) -> Any:
    if x.ndim == 0:
        refuse(op, "input must be 1-D or higher")
    axes = ints(axis)
    for one in axes:
        if not -x.ndim <= one < x.ndim:
            refuse(op, f"axis {one} is out of range")
    if is_static(shift):
        return xp.roll(x, ints(shift), axes)
    shifts = jnp.reshape(shift, (-1,))
    for i, one in enumerate(axes):
        x = jnp.roll(x, shifts[i], one)
    return x


def _roll_gradient(op: Any, grad: Any) -> Any:
    return [roll(grad, operator.neg(op.inputs[1]), op.inputs[2]), None, None]


register_op("Roll", shape=_roll_shape, static_inputs=(2,), gradient=_roll_gradient, **both(_roll))


@export("roll", "manip.roll")
def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """`input` moved by `shift` along `axis`; what leaves at the end comes in at the start.

    Source: TF 1.15 `tf.roll`.
    """
    return make_tensor("Roll", name, input=input, shift=shift, axis=axis)
