"""Static shapes: `TensorShape` and `Dimension`.

Inside the package shapes travel as plain tuples of `int | None`, or `None` for an unknown rank (`Shape`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from retrograph.framework.calling import as_int
from retrograph.framework.exports import export

Shape = tuple[int | None, ...] | None


def _value_of(value: Any) -> int | None:
    if value.__class__ is int and value >= 0:
        return value
    return value._value if isinstance(value, Dimension) else Dimension(value)._value


@export("Dimension", "compat.v1.Dimension")
class Dimension:
    """One dimension of a `TensorShape`: a size, or None if it is not known.

    Source: TF 1.15 `tf.Dimension`.
    """

    __slots__ = ("_value",)

    def __reduce__(self) -> Any:
        return Dimension, (self._value,)

    def __init__(self, value: Any):
        if value is None or value.__class__ is int:
            self._value = value
        elif isinstance(value, Dimension):
            self._value = value._value
        elif isinstance(value, str) or hasattr(value, "as_datatype_enum"):
            if not isinstance(value, str):
                raise TypeError(f"Cannot convert {value} to Dimension")
            self._value = int(value)
        else:
            self._value = as_int(value)
            if not isinstance(value, (str, bytes)) and not hasattr(value, "op") and self._value != value:
                if not isinstance(value, float):
                    raise ValueError(f"Ambiguous dimension: {value}")
                raise ValueError(f"Ambiguous dimension: {value}")
        if self._value is not None and self._value < 0:
            raise ValueError(f"Dimension {self._value} must be >= 0")

    def __repr__(self) -> str:
        return f"Dimension({self._value!r})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __eq__(self, other: object) -> Any:
        try:
            other = as_dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other._value is None:
            return None
        return self._value == other._value

    def __ne__(self, other: object) -> Any:
        try:
            other = as_dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other._value is None:
            return None
        return self._value != other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __int__(self) -> int:
        return self._value  # type: ignore[return-value]  # TF gives a TypeError for None here too

    def __index__(self) -> int:
        return self._value  # type: ignore[return-value]

    __long__ = __int__

    @property
    def value(self) -> int | None:
        """The size, or None."""
        return self._value

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some size fits both."""
        other = as_dimension(other)
        return self._value == other._value or self._value is None or other._value is None

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless some size fits both."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """The more specific of the two; ValueError if they differ."""
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension(other._value if self._value is None else self._value)


def _dimension_operator(name: str, apply: Any, reflected: bool) -> Any:
    def method(self: Dimension, other: Any) -> Any:
        try:
            operand = as_dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        first, second = (operand, self) if reflected else (self, operand)
        if first._value is None or second._value is None:
            return Dimension(None)
        return Dimension(apply(first._value, second._value))

    method.__name__ = name
    return method


def _true_division(name: str) -> Any:
    def method(self: Dimension, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: '{type(self).__name__}' and '{type(other).__name__}', please use // instead"
            if name == "__truediv__"
            else f"unsupported operand type(s) for /: '{type(other).__name__}' and '{type(self).__name__}', please use // instead"
        )

    method.__name__ = name
    return method


def _dimension_comparison(name: str, apply: Any) -> Any:
    def method(self: Dimension, other: Any) -> Any:
        other = as_dimension(other)
        if self._value is None or other._value is None:
            return None
        return apply(self._value, other._value)

    method.__name__ = name
    return method


for _operator, _apply in {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
}.items():
    setattr(Dimension, f"__{_operator}__", _dimension_operator(f"__{_operator}__", _apply, False))
    setattr(Dimension, f"__r{_operator}__", _dimension_operator(f"__r{_operator}__", _apply, True))
setattr(Dimension, "__truediv__", _true_division("__truediv__"))  # noqa: B010
Dimension.__rtruediv__ = _true_division("__rtruediv__")  # type: ignore[attr-defined]
Dimension.__div__ = vars(Dimension)["__floordiv__"]  # type: ignore[attr-defined]
for _operator, _apply in {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}.items():
    setattr(Dimension, f"__{_operator}__", _dimension_comparison(f"__{_operator}__", _apply))


def as_dimension(value: Any) -> Dimension:
    """`value` as a `Dimension`."""
    return value if isinstance(value, Dimension) else Dimension(value)


@export("dimension_value", "compat.dimension_value")
def dimension_value(dimension: Any) -> Any:
    """The size of a `Dimension`, or the value itself. Source: TF 1.15 `tf.dimension_value`."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


@export("dimension_at_index", "compat.dimension_at_index")
def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """The dimension at `index`, unknown where the rank is. Source: TF 1.15 `tf.dimension_at_index`."""
    return Dimension(None) if shape.ndims is None else shape.dims[index]  # type: ignore[index]


@export("TensorShape")
class TensorShape:
    """The static shape of a tensor: known, partly known, or of unknown rank.

    >>> tf.TensorShape([None, 3])
    TensorShape([Dimension(None), Dimension(3)])
    >>> print(tf.TensorShape(None))
    <unknown>

    Source: TF 1.15 `tf.TensorShape`.
    """

    __slots__ = ("_plain",)

    def __init__(self, dims: Any):
        self._plain: Shape
        if dims is None:
            self._plain = None
        elif isinstance(dims, TensorShape):
            self._plain = dims._plain
        elif isinstance(dims, (str, bytes)):
            raise TypeError(f"A string has ambiguous TensorShape, please wrap in a list or convert to an int: {dims!s}")
        elif dims.__class__ is list or dims.__class__ is tuple:
            self._plain = tuple([_value_of(d) for d in dims])
        elif hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):
            self._plain = None if dims.unknown_rank else tuple(None if d.size == -1 else d.size for d in dims.dim)
        else:
            try:
                sizes = iter(dims)
            except TypeError:
                self._plain = (_value_of(dims),)
            else:
                self._plain = tuple([_value_of(d) for d in sizes])

    @classmethod
    def _of(cls, plain: Shape) -> TensorShape:
        made = cls.__new__(cls)
        made._plain = plain
        return made

    @property
    def _v2_behavior(self) -> bool:
        return False

    @property
    def dims(self) -> list[Dimension] | None:
        """The dimensions, or None if the rank is unknown."""
        return None if self._plain is None else [Dimension(d) for d in self._plain]

    @property
    def _dims(self) -> list[Dimension] | None:
        return self.dims

    @property
    def ndims(self) -> int | None:
        """The rank, or None."""
        return None if self._plain is None else len(self._plain)

    rank = ndims

    def __repr__(self) -> str:
        return f"TensorShape({self.dims!r})"

    def __str__(self) -> str:
        if self._plain is None:
            return "<unknown>"
        if len(self._plain) == 1:
            return f"({'?' if self._plain[0] is None else self._plain[0]},)"
        return f"({', '.join('?' if d is None else str(d) for d in self._plain)})"

    def __len__(self) -> int:
        if self._plain is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._plain)

    def __bool__(self) -> bool:
        return self._plain is not None

    def __iter__(self) -> Iterator[Dimension]:
        if self._plain is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter([Dimension(d) for d in self._plain])

    def __getitem__(self, key: Any) -> Any:
        if self._plain is not None:
            return TensorShape._of(self._plain[key]) if isinstance(key, slice) else Dimension(self._plain[key])
        if not isinstance(key, slice):
            return Dimension(None)
        start = key.start if key.start is not None else 0
        stop = key.stop
        if key.step is not None:
            raise ValueError("Steps are not yet handled")
        if stop is None:
            return unknown_shape()
        if start < 0 or stop < 0:
            return unknown_shape()
        return unknown_shape(ndims=0 if start > stop else stop - start)

    def __eq__(self, other: object) -> Any:
        try:
            other = as_shape(other)
        except TypeError:
            return NotImplemented
        return self._surely_is(other._plain)

    def _surely_is(self, plain: Shape) -> bool:
        """Equality as TF has it: sizes that are not known are equal only to themselves, in shapes made of one another."""
        own = self._plain
        return own is plain or (own == plain and (own is None or None not in own))

    def __ne__(self, other: object) -> Any:
        try:
            other = as_shape(other)
        except TypeError:
            return NotImplemented
        if self._plain is None or other._plain is None:
            raise ValueError("The inequality of unknown TensorShapes is undefined.")
        return not self._surely_is(other._plain)

    def __hash__(self) -> int:
        return hash(self._plain)

    def __concat__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __reduce__(self) -> Any:
        return TensorShape, (None if self._plain is None else list(self._plain),)

    def num_elements(self) -> int | None:
        """The product of the sizes, or None if a size is unknown."""
        if not self.is_fully_defined():
            return None
        size = 1
        for d in self._plain or ():
            size *= d or 0
        return size

    def merge_with(self, other: Any) -> TensorShape:
        """The shape that combines what both know; ValueError if they contradict."""
        other = as_shape(other)
        if self._plain is None:
            return other  # type: ignore[no-any-return]
        if other._plain is None:
            return self
        try:
            self.assert_same_rank(other)
            return TensorShape([as_dimension(a).merge_with(b) for a, b in zip(self._plain, other._plain, strict=True)])
        except ValueError as error:
            raise ValueError(f"Shapes {self} and {other} are not compatible") from error

    def concatenate(self, other: Any) -> TensorShape:
        """The dimensions of this shape, then those of `other`."""
        other = as_shape(other)
        if self._plain is None or other._plain is None:
            return unknown_shape()
        return TensorShape._of(self._plain + other._plain)

    def assert_same_rank(self, other: Any) -> None:
        """Raises ValueError if both ranks are known and differ."""
        other = as_shape(other)
        if self.ndims is not None and other.ndims is not None and self.ndims != other.ndims:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int | None) -> None:
        """Raises ValueError if the rank cannot be `rank`."""
        if self.ndims not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank: int) -> TensorShape:
        """This shape with its rank made known; ValueError if it is another."""
        try:
            return self.merge_with(unknown_shape(ndims=rank))
        except ValueError as error:
            raise ValueError(f"Shape {self} must have rank {rank}") from error

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape; ValueError if its rank is less than `rank`."""
        if self.ndims is not None and self.ndims < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape; ValueError if its rank is more than `rank`."""
        if self.ndims is not None and self.ndims > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def is_compatible_with(self, other: Any) -> bool:
        """Whether some full shape fits both."""
        return compatible(self._plain, as_shape(other)._plain)

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless some full shape fits both."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The most specific shape that fits both."""
        other = as_shape(other)
        if self._plain is None or other._plain is None or len(self._plain) != len(other._plain):
            return unknown_shape()
        return TensorShape._of(tuple(a if a == b else None for a, b in zip(self._plain, other._plain, strict=True)))

    def is_fully_defined(self) -> bool:
        """Whether rank and all sizes are known."""
        return self._plain is not None and None not in self._plain

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError unless rank and all sizes are known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def as_list(self) -> list[int | None]:
        """The sizes as a list; ValueError if the rank is unknown."""
        if self._plain is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._plain)

    def as_proto(self) -> Any:
        """This shape as a `TensorShapeProto`."""
        from retrograph.framework.node_def import shape_proto

        return shape_proto(self._plain)


def compatible(a: Shape, b: Shape) -> bool:
    """Whether some full shape fits both plain shapes."""
    if a is None or b is None or a == b:
        return True
    if len(a) != len(b):
        return False
    for x, y in zip(a, b, strict=True):  # noqa: SIM110 - every run asks this of what it is fed: no generator
        if x != y and x is not None and y is not None:
            return False
    return True


def as_shape(shape: Any) -> TensorShape:
    """`shape` as a `TensorShape`."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def plain_shape(shape: Any) -> Shape:
    """`shape` (anything TensorShape takes) as a plain tuple, or None for unknown rank."""
    if shape is None or (shape.__class__ is tuple and all(d is None or (d.__class__ is int and d >= 0) for d in shape)):
        return shape
    return as_shape(shape)._plain


def unknown_shape(rank: int | None = None, ndims: int | None = None) -> TensorShape:
    """A shape of unknown rank, or of `rank` (by its older name `ndims`) unknown sizes."""
    rank = ndims if rank is None else rank
    return TensorShape._of(None if rank is None else (None,) * rank)


def scalar() -> TensorShape:
    """The shape of a scalar."""
    return TensorShape._of(())


def vector(length: Any) -> TensorShape:
    """The shape of a vector."""
    return TensorShape([length])


def matrix(rows: Any, cols: Any) -> TensorShape:
    """The shape of a matrix."""
    return TensorShape([rows, cols])


def to_text(shape: Shape) -> str:
    """The shape as TF's C++ prints it: `[2,?]`, `?` for an unknown rank."""
    return "?" if shape is None else "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def sizes(dims: Sequence[Any] | Iterable[Any]) -> list[int | None]:
    """The sizes of dimensions given as ints, None or `Dimension`."""
    return [_value_of(d) for d in dims]
