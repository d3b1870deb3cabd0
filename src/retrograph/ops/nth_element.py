"""The n-th smallest element of each row."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank_at_least
from retrograph.ops import array, math, reduction
from retrograph.ops.cast import cast


def _shape(c: ShapeContext) -> list[Shape]:
    given = with_rank_at_least(c, c.input(0), 1)
    n = c.constant(1)
    if n is not None and np.ndim(n):
        c.fail(f"Input must be scalar but has rank {np.ndim(n)}")
    if n is not None and n < 0:
        c.fail(f"Dimension size, given by scalar input 1, must be non-negative but is {int(n)}")
    if given is None:
        return [None]
    if n is not None and given[-1] is not None and given[-1] <= n:
        c.fail(f"Input must have last dimension > n = {int(n)} but is {given[-1]}")
    return [given[:-1]]


def _nth(xp: Any, op: Any, x: Any, n: Any) -> Any:
    place = int(n)
    if place < 0:
        raise errors.InvalidArgumentError(None, op, f"Need n >= 0, got {place}")
    if x.ndim < 1:
        raise errors.InvalidArgumentError(None, op, "Input must be >= 1-D, got shape []")
    if x.shape[-1] <= place:
        raise errors.InvalidArgumentError(None, op, "Input must have at least n+1 columns")
    return xp.sort(x, axis=-1)[..., -1 - place if op.attrs["reverse"] else place]


def _gradient(op: Any, grad: Any) -> list[Any]:
    """Elements that are the same share the gradient."""
    found = math.equal(array.expand_dims(op.outputs[0], -1), op.inputs[0])
    chosen = cast(found, grad.dtype)
    grad = array.expand_dims(grad, -1)
    count = array.expand_dims(reduction.reduce_sum(chosen, -1), -1)
    return [math.div(chosen, count) * grad, None]


register_op(
    "NthElement",
    shape=_shape,
    lower=lambda op, x, n: _nth(jnp, op, jnp.asarray(x), n),
    numpy=lambda op, x, n: _nth(np, op, x, n),
    static_inputs=(1,),
    gradient=_gradient,
)


@export("contrib.nn.nth_element")
def nth_element(input: Any, n: Any, reverse: bool = False, name: Any = None) -> Tensor:
    """The `n`-th smallest (with `reverse` largest) element of each row along the last axis; `n` counts from 0.

    Raises ValueError if the axis is known to have no more than `n` elements.

    Source: TF 1.15 `tf.contrib.nn.nth_element`.
    """
    return apply_op("NthElement", name, input=input, n=n, reverse=reverse)  # type: ignore[no-any-return]
