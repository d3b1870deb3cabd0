"""The operations `Einsum` and `CompareAndBitpack`, as graphs of TensorFlow hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim

_DOTS = "..."
_SMALL = 4096


def _labels(term: str, rank: int) -> list[str]:
    """A label for each axis: the letters, and for those under the dots, counted from the last, numbers."""
    head, dots, tail = term.partition(_DOTS)
    hidden = rank - len(head) - len(tail)
    if hidden < 0 or (hidden and not dots):
        raise ValueError(
            f"Expected input with {'at least ' if dots else ''}rank {len(head) + len(tail)} but got {rank}"
        )
    return [*head, *(str(i) for i in range(hidden, 0, -1)), *tail]


def _split(equation: str) -> tuple[list[str], str]:
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not arrow:
        raise ValueError(f"Expecting exactly one '->' in einsum equation: {equation}")
    return left.split(","), right


def _merged(c: ShapeContext, label: str, known: int | None, dim: int | None) -> int | None:
    if label.isdigit():
        if 1 in (known, dim):
            return dim if known == 1 else known
        return merge_dim(c, known, dim) if None not in (known, dim) else None
    return merge_dim(c, known, dim)


def _shape(c: ShapeContext) -> list[Shape]:
    try:
        terms, result = _split(c.attr("equation").decode())
    except ValueError as error:
        c.fail(str(error))
    if len(terms) != c.num_inputs:
        c.fail(f"Expected {len(terms)} inputs but got: {c.num_inputs}")
    shapes = [c.input(i) for i in range(c.num_inputs)]
    if any(s is None for s in shapes):
        return [None]
    sizes: dict[str, int | None] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for label, dim in zip(_checked(c, term, len(shape or ())), shape or (), strict=True):
            sizes[label] = _merged(c, label, sizes[label], dim) if label in sizes else dim
    hidden = sum(label.isdigit() for label in sizes)
    if hidden and _DOTS not in result:
        c.fail("Output subscript must have an ellipsis where inputs are broadcast")
    return [tuple(sizes.get(label) for label in _labels(result, len(result.replace(_DOTS, "")) + hidden))]


def _checked(c: ShapeContext, term: str, rank: int) -> list[str]:
    try:
        return _labels(term, rank)
    except ValueError as error:
        c.fail(str(error))
        raise


def _sum(xp: Any, op: Any, *inputs: Any) -> Any:
    equation = op.attrs["equation"].decode()
    letters = equation.partition("->")[2].replace(_DOTS, "")
    if len(set(letters)) < len(letters):
        raise errors.UnimplementedError(None, op, f"Einsum: a label twice in the result, {equation}")
    try:
        # NumPy's own way is a loop over all labels; its products are worth finding unless all is small.
        if xp is np and sum(x.size for x in inputs) > _SMALL:
            return np.einsum(equation, *inputs, optimize=True)
        return xp.einsum(equation, *inputs)
    except (ValueError, TypeError) as error:
        raise errors.InvalidArgumentError(None, op, str(error)) from None


def _packed(xp: Any, op: Any, x: Any, threshold: Any) -> Any:
    if x.ndim == 0 or x.shape[-1] % 8:
        text = f"Inner dimension of input should be divisible by 8, but saw shape: {list(x.shape)}"
        raise errors.InvalidArgumentError(None, op, text)
    bits = xp.asarray(x) if op.attrs["T"].name == "bool" else xp.asarray(x) > threshold
    return xp.packbits(bits, axis=-1)


def _packed_shape(c: ShapeContext) -> list[Shape]:
    given = c.input(0)
    if given is None:
        return [None]
    if not given or (given[-1] is not None and given[-1] % 8):
        c.fail(f"Inner dimension of input should be divisible by 8, but saw shape: {list(given)}")
    return [(*given[:-1], None if given[-1] is None else given[-1] // 8)]


register_op(
    "Einsum",
    shape=_shape,
    lower=lambda op, *x: _sum(jnp, op, *x),
    numpy=lambda op, *x: _sum(np, op, *x).astype(x[0].dtype),
)
register_op(
    "CompareAndBitpack",
    shape=_packed_shape,
    lower=lambda op, x, threshold: _packed(jnp, op, x, threshold),
    numpy=lambda op, x, threshold: _packed(np, op, x, threshold),
    gradient=NO_GRADIENT,
)
