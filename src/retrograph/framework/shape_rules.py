"""Static shape rules: the context that a rule reads, and the rules and checks that many op types share.

Texts of errors are those of TF's C++ shape functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework.dtypes import DType
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.static_value import constant_value_as_plain_shape, static_value


class ShapeError(Exception):
    """A rule found the shapes wrong; the text lacks the part that names the op."""


class FinalShapeError(ShapeError):
    """As ShapeError, where TF does not say more than the text."""


class ShapeContext:
    """What a shape rule may ask of the op that is being made."""

    __slots__ = ("_partial", "_requested", "attrs", "inputs", "name", "op_type")

    def __init__(self, op_type: str, name: str, inputs: tuple[Any, ...], attrs: dict[str, Any]):
        self.op_type = op_type
        self.name = name
        self.inputs = inputs
        self.attrs = attrs
        # What was asked for, None as long as nothing was: most rules ask for nothing.
        self._requested: dict[int, Any] | None = None
        self._partial: dict[int, Shape] | None = None

    @property
    def num_inputs(self) -> int:
        """How many inputs the op has (lists flattened)."""
        return len(self.inputs)

    def input(self, index: int) -> Shape:
        """The static shape of an input."""
        return self.inputs[index]._shape  # type: ignore[no-any-return]

    def dtype(self, index: int) -> DType:
        """The dtype of an input."""
        return self.inputs[index].dtype  # type: ignore[no-any-return]

    def attr(self, name: str) -> Any:
        """The value of an attribute."""
        return self.attrs[name]

    def constant(self, index: int) -> np.ndarray[Any, Any] | None:
        """The value of an input if it is known now."""
        value = static_value(self.inputs[index])
        if value is not None:
            self._requested = {**(self._requested or {}), index: value}
        return value

    def constant_as_shape(self, index: int) -> Shape:
        """The (partial) shape that an integer vector input holds; -1 is unknown."""
        shape = constant_value_as_plain_shape(self.inputs[index])
        if shape is not None:
            self._partial = {**(self._partial or {}), index: shape}
            if None in shape:
                _check_sizes(self.inputs[index])
        return shape

    def fail(self, text: str) -> Any:
        """Raises the error that this text opens."""
        raise ShapeError(text)

    def suffix(self) -> str:
        """What TF appends to an error of a shape function."""
        text = f" for '{self.name}' (op: '{self.op_type}') with input shapes: {', '.join(to_text(t._shape) for t in self.inputs)}"
        shapes = self._partial or {}
        values = [
            f"input[{i}] = <{summarize(v)}>" for i, v in sorted((self._requested or {}).items()) if i not in shapes
        ]
        if values:
            text += f" and with computed input tensors: {', '.join(values)}"
        partial = [f"input[{i}] = {to_text(s)}" for i, s in sorted(shapes.items())]
        if partial:
            text += f" and with input tensors computed as partial shapes: {','.join(partial)}"
        return text + "."


class _RepeatedContext(ShapeContext):
    """A context in which only the values are known that the rule has asked for before.

    TF runs a rule first without values, then with those that it asked for, until it asks for nothing new: so errors that
    come without a value come first and do not name it.
    """

    __slots__ = ("known", "wanted")

    def __init__(self, first: ShapeContext):
        super().__init__(first.op_type, first.name, first.inputs, first.attrs)
        self.known: set[tuple[str, int]] = set()
        self.wanted: set[tuple[str, int]] = set()

    def constant(self, index: int) -> np.ndarray[Any, Any] | None:
        """The value of an input if it was asked for before."""
        self.wanted.add(("value", index))
        return super().constant(index) if ("value", index) in self.known else None

    def constant_as_shape(self, index: int) -> Shape:
        """The shape that an input holds if it was asked for before, else its rank."""
        self.wanted.add(("shape", index))
        if ("shape", index) in self.known:
            return super().constant_as_shape(index)
        shape = self.inputs[index]._shape
        return (None,) * shape[0] if shape and shape[0] is not None else None

    def next(self) -> bool:
        """Makes the values known that were asked for; False if all of them were."""
        if self.wanted == self.known:
            return False
        self.known = set(self.wanted)
        for kind, index in sorted(self.known):
            (super().constant_as_shape if kind == "shape" else super().constant)(index)
        return True


def error_text(rule: Callable[[ShapeContext], Any], failed: ShapeContext, error: ShapeError) -> str:
    """The text of the error that a rule ends in, as TF words it."""
    context: ShapeContext = failed
    try:
        context = repeated = _RepeatedContext(failed)
        rule(repeated)
        while repeated.next():
            rule(repeated)
        context = failed
    except ShapeError as first:
        error = first
    return str(error) if isinstance(error, FinalShapeError) else f"{error}{context.suffix()}"


def _check_sizes(tensor: Any) -> None:
    value = static_value(tensor)
    if value is not None and value.size and value.min() < -1:
        raise FinalShapeError(f"Invalid value in tensor used for shape: {value[value < -1][0]}")


def summarize(value: Any) -> str:
    """A tensor's elements as TF's C++ summarizes them: `1 2 3`, `[1 2][3 4]`."""
    array = np.asarray(value)
    if array.ndim <= 1:
        return " ".join(_element(x) for x in array.ravel().tolist())
    return "".join(f"[{summarize(row)}]" for row in array)


def _element(x: Any) -> str:
    if isinstance(x, bool):
        return "1" if x else "0"
    return f"{x:g}" if isinstance(x, float) else str(x)


def merge_dim(c: ShapeContext | None, a: int | None, b: int | None) -> int | None:
    """The size that both know; fails if they differ."""
    if a is None:
        return b
    if b is None or a == b:
        return a
    raise ShapeError(f"Dimensions must be equal, but are {a} and {b}")


def merge(c: ShapeContext | None, a: Shape, b: Shape) -> Shape:
    """The shape that combines what both know; fails if they contradict."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if len(a) != len(b):
        raise ShapeError(f"Shapes must be equal rank, but are {len(a)} and {len(b)}")
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if x is not None and y is not None and x != y:
            raise ShapeError(
                f"Dimension {i} in both shapes must be equal, but are {x} and {y}. Shapes are {to_text(a)} and {to_text(b)}."
            )
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def with_rank(c: ShapeContext | None, shape: Shape, rank: int) -> tuple[int | None, ...]:
    """The shape, its rank made known; fails if it is another."""
    if shape is None:
        return (None,) * rank
    if len(shape) != rank:
        raise ShapeError(f"Shape must be rank {rank} but is rank {len(shape)}")
    return shape


def with_rank_at_least(c: ShapeContext | None, shape: Shape, rank: int) -> Shape:
    """The shape; fails if its rank is less."""
    if shape is not None and len(shape) < rank:
        raise ShapeError(f"Shape must be at least rank {rank} but is rank {len(shape)}")
    return shape


def with_rank_at_most(c: ShapeContext | None, shape: Shape, rank: int) -> Shape:
    """The shape; fails if its rank is more."""
    if shape is not None and len(shape) > rank:
        raise ShapeError(f"Shape must be at most rank {rank} but is rank {len(shape)}")
    return shape


def concatenate(a: Shape, b: Shape) -> Shape:
    """The dimensions of `a`, then those of `b`."""
    return None if a is None or b is None else a + b


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape that NumPy's broadcasting of both gives; fails if there is none."""
    if a == b and (a is None or None not in a):
        return a
    if a is None or b is None:
        return None
    if len(a) != len(b):
        if not a:
            return b
        if not b:
            return a
        if len(a) < len(b):
            a = (1,) * (len(b) - len(a)) + a
        else:
            b = (1,) * (len(a) - len(b)) + b
    return tuple([_broadcast_dim(x, y) for x, y in zip(a, b, strict=True)])


def _broadcast_dim(x: int | None, y: int | None) -> int | None:
    if x is None or y is None:
        known = y if x is None else x
        # An unknown size against 0 or 1 stays unknown; against n > 1 it can only become n.
        return known if known is not None and known > 1 else None
    if x == 1:
        return y
    if y == 1 or x == y:
        return x
    raise ShapeError(f"Dimensions must be equal, but are {x} and {y}")


def unchanged(c: ShapeContext) -> list[Shape]:
    """Output 0 has the shape of input 0."""
    return [c.inputs[0]._shape]


def scalar(c: ShapeContext) -> list[Shape]:
    """Output 0 is a scalar."""
    return [()]


def unknown(c: ShapeContext) -> list[Shape]:
    """Nothing is known of output 0."""
    return [None]


def no_outputs(c: ShapeContext) -> list[Shape]:
    """The op has no outputs."""
    return []


def broadcast_binary(c: ShapeContext) -> list[Shape]:
    """Output 0 is the broadcast of inputs 0 and 1."""
    inputs = c.inputs
    return [broadcast(inputs[0]._shape, inputs[1]._shape)]


def merge_all_inputs(c: ShapeContext) -> list[Shape]:
    """All inputs have one shape, which output 0 has too."""
    shape: Shape = None
    for tensor in c.inputs:
        shape = merge(c, shape, tensor._shape)
    return [shape]


def explicit(name: str = "shape") -> Callable[[ShapeContext], list[Shape]]:
    """A rule that takes the shape of output 0 from an attribute."""

    def rule(c: ShapeContext) -> list[Shape]:
        return [c.attrs.get(name)]

    return rule


def reduction(c: ShapeContext) -> list[Shape]:
    """Output 0 is input 0 reduced along the axes that input 1 holds, kept as 1 if `keep_dims`."""
    shape, keep = c.input(0), c.attrs.get("keep_dims", False)
    axes = c.constant(1)
    if axes is None:
        return [(None,) * len(shape) if keep and shape is not None else None]
    if shape is None:
        return [None]
    rank = len(shape)
    reduced = set()
    for axis in np.atleast_1d(axes).ravel().tolist():
        if not -rank <= axis < rank:
            raise ShapeError(f"Invalid reduction dimension {axis} for input with {rank} dimensions.")
        reduced.add(axis % rank)
    if keep:
        return [tuple(1 if i in reduced else d for i, d in enumerate(shape))]
    return [tuple([d for i, d in enumerate(shape) if i not in reduced])]
