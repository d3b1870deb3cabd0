"""What the rows of several op families share: one formula for NumPy and JAX, and dimension arithmetic for shape rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, merge, with_rank

Dim = int | None

make_tensor: Callable[..., Tensor] = apply_op
"""`apply_op` of an op type with one output."""

make_tensors: Callable[..., list[Tensor]] = apply_op
"""`apply_op` of an op type with one list of outputs."""


def both(function: Callable[..., Any]) -> dict[str, Any]:
    """`lower` and `numpy` of a row whose formula `function(xp, op, *inputs)` is the same in NumPy and JAX."""

    def lower(op: Any, *inputs: Any) -> Any:
        return function(jnp, op, *inputs)

    def numpy(op: Any, *inputs: Any) -> Any:
        return function(np, op, *inputs)

    return {"lower": lower, "numpy": numpy}


def refuse(op: Any, text: str) -> NoReturn:
    """Raises the error of execution that this text opens."""
    raise errors.InvalidArgumentError(None, op, text)


def axis_within(op: Any, axis: Any, rank: int, text: str) -> int:
    """An axis counted from the first; InvalidArgumentError with `text`, which may name `{axis}` and `{rank}`: there is none such."""
    given = int(axis)
    if not -rank <= given < rank:
        refuse(op, text.format(axis=given, rank=rank))
    return given % rank


def ints(values: Any) -> tuple[int, ...]:
    """The elements of a static integer array as Python ints."""
    return tuple(np.asarray(values).ravel().tolist())


def is_static(value: Any) -> bool:
    """Whether a lowering's input is known while tracing."""
    return isinstance(value, (np.ndarray, np.generic))


def full(xp: Any, shape: Sequence[int], value: Any, dtype: Any) -> Any:
    """A filled array; small ones stay NumPy so that arithmetic on shapes stays static."""
    if is_static(value) and math.prod(shape) <= 64:
        xp = np
    return xp.full(tuple(shape), value, dtype=dtype)


def add(a: Dim, b: Dim) -> Dim:
    """The sum of two sizes."""
    return None if a is None or b is None else a + b


def multiply(a: Dim, b: Dim) -> Dim:
    """The product of two sizes; zero wins over unknown."""
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else a * b


def subtract(a: Dim, b: Dim) -> Dim:
    """The difference of two sizes; fails if it is negative."""
    if b == 0:
        return a
    if a is None or b is None:
        return None
    if a < b:
        raise ShapeError(f"Negative dimension size caused by subtracting {b} from {a}")
    return a - b


def divide(dim: Dim, divisor: int) -> Dim:
    """The quotient of a size; fails if it is not even."""
    if divisor == 1 or dim is None:
        return dim
    if divisor <= 0:
        raise ShapeError(f"Divisor must be positive but is {divisor}")
    if dim % divisor:
        raise ShapeError(f"Dimension size must be evenly divisible by {divisor} but is {dim}")
    return dim // divisor


def with_value(dim: Dim, value: int) -> int:
    """`value`; fails if the size is known to be another."""
    if dim is not None and dim != value:
        raise ShapeError(f"Dimension must be {value} but is {dim}")
    return value


def num_elements(shape: Shape) -> Dim:
    """The number of elements, None if not known."""
    if shape is None or None in shape:
        return None
    return math.prod(d for d in shape if d is not None)


def replace_dim(shape: tuple[Dim, ...], index: int, dim: Dim) -> tuple[Dim, ...]:
    """The shape with one size replaced."""
    index %= len(shape)
    return (*shape[:index], dim, *shape[index + 1 :])


def unknown_of(rank: int | None) -> Shape:
    """A shape of this rank whose sizes are unknown."""
    return None if rank is None else (None,) * rank


def rank_of(shape: Shape) -> int | None:
    """The rank, None if not known."""
    return None if shape is None else len(shape)


def shape_input(c: ShapeContext, index: int) -> Shape:
    """The (partial) shape that input `index`, an integer vector, holds."""
    with_rank(c, c.input(index), 1)
    return c.constant_as_shape(index)


def merge_conflict(a: Shape, b: Shape) -> str | None:
    """TF's text for two shapes that cannot be merged, or None if they can."""
    try:
        merge(None, a, b)
    except ShapeError as error:
        return str(error)
    return None


def merge_numbered(shapes: Sequence[Shape]) -> Shape:
    """All shapes merged from the last to the first, as ops over lists of equal shapes do."""
    current = shapes[-1]
    for i in range(len(shapes) - 2, -1, -1):
        try:
            current = merge(None, shapes[i], current)
        except ShapeError as error:
            raise ShapeError(f"{error}\n\tFrom merging shape {i} with other shapes.") from None
    return current


def axis_input(c: ShapeContext, index: int, rank: int | None) -> int | None:
    """The non-negative axis given by the scalar input `index`, None if not known."""
    value = c.constant(index)
    if value is None:
        return None
    if value.ndim:
        raise ShapeError(f"Input must be scalar but has rank {value.ndim}")
    axis = int(value)
    if rank is None:
        return axis if axis >= 0 else None
    if not -rank <= axis < rank:
        raise ShapeError(f"Dimension size, given by scalar input {axis} must be in range [-{rank}, {rank})")
    return axis % rank


def normalize(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front."""
    return tuple([axis + rank if axis < 0 else axis for axis in axes])


_FEW_NUMBERS = 256  # of which Python finds the smallest and largest sooner than NumPy does between two steps of XLA


def all_within(indices: Any, size: int) -> bool:
    """Whether all of these NumPy integers are in [0, size)."""
    if not indices.size:
        return True
    if indices.size <= _FEW_NUMBERS:
        numbers = indices.reshape(-1).tolist()
        return bool(min(numbers) >= 0 and max(numbers) < size)
    return bool(indices.min() >= 0 and indices.max() < size)
