"""Element-wise functions of two tensors, one operation each: arithmetic, comparisons, logic, bits."""

from __future__ import annotations

from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export


@export("math.add", "add")
def add(x: Any, y: Any, name: str | None = None) -> Any:
    """`x + y`, broadcast; numbers of one type, or strings, which are joined.

    >>> tf.math.add(tf.zeros([2, 1]), [1.0, 2.0])
    <tf.Tensor 'Add:0' shape=(2, 2) dtype=float32>

    Source: TF 1.15 `tf.math.add`.
    """
    return apply_op("Add", name, x=x, y=y)


@export("math.subtract", "subtract")
def subtract(x: Any, y: Any, name: str | None = None) -> Any:
    """`x - y`, broadcast.

    Source: TF 1.15 `tf.math.subtract`.
    """
    return apply_op("Sub", name, x=x, y=y)


@export("math.multiply", "multiply")
def multiply(x: Any, y: Any, name: str | None = None) -> Any:
    """`x * y`, broadcast.

    Source: TF 1.15 `tf.math.multiply`.
    """
    return apply_op("Mul", name, x=x, y=y)


@export("realdiv")
def realdiv(x: Any, y: Any, name: str | None = None) -> Any:
    """`x / y` of floating-point types, broadcast.

    Source: TF 1.15 `tf.realdiv`.
    """
    return apply_op("RealDiv", name, x=x, y=y)


@export("truncatediv")
def truncatediv(x: Any, y: Any, name: str | None = None) -> Any:
    """`x / y` rounded towards zero, broadcast.

    Source: TF 1.15 `tf.truncatediv`.
    """
    return apply_op("TruncateDiv", name, x=x, y=y)


@export("truncatemod")
def truncatemod(x: Any, y: Any, name: str | None = None) -> Any:
    """The rest of the division that rounds towards zero, broadcast.

    Source: TF 1.15 `tf.truncatemod`.
    """
    return apply_op("TruncateMod", name, x=x, y=y)


@export("floor_div")
def floor_div(x: Any, y: Any, name: str | None = None) -> Any:
    """`x // y`, broadcast.

    Source: TF 1.15 `tf.floor_div`.
    """
    return apply_op("FloorDiv", name, x=x, y=y)


@export("math.floormod", "floormod", "math.mod", "mod")
def floormod(x: Any, y: Any, name: str | None = None) -> Any:
    """The rest of `x // y`, which has the sign of `y`, broadcast.

    Source: TF 1.15 `tf.math.floormod`.
    """
    return apply_op("FloorMod", name, x=x, y=y)


@export("math.squared_difference", "squared_difference")
def squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """`(x - y) ** 2`, broadcast.

    Source: TF 1.15 `tf.math.squared_difference`.
    """
    return apply_op("SquaredDifference", name, x=x, y=y)


@export("math.maximum", "maximum")
def maximum(x: Any, y: Any, name: str | None = None) -> Any:
    """The greater of `x` and `y`, real numbers of one type, broadcast.

    >>> tf.maximum(tf.zeros([2, 1]), [1.0, -1.0])
    <tf.Tensor 'Maximum:0' shape=(2, 2) dtype=float32>

    Source: TF 1.15 `tf.math.maximum`.
    """
    return apply_op("Maximum", name, x=x, y=y)


@export("math.minimum", "minimum")
def minimum(x: Any, y: Any, name: str | None = None) -> Any:
    """The lesser of `x` and `y`, broadcast.

    Source: TF 1.15 `tf.math.minimum`.
    """
    return apply_op("Minimum", name, x=x, y=y)


@export("math.atan2", "atan2")
def atan2(y: Any, x: Any, name: str | None = None) -> Any:
    """The angle of the points (`x`, `y`), broadcast.

    Source: TF 1.15 `tf.math.atan2`.
    """
    return apply_op("Atan2", name, y=y, x=x)


@export("math.igamma", "igamma")
def igamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The lower regularized incomplete gamma function, broadcast.

    Source: TF 1.15 `tf.math.igamma`.
    """
    return apply_op("Igamma", name, a=a, x=x)


@export("math.igammac", "igammac")
def igammac(a: Any, x: Any, name: str | None = None) -> Any:
    """The upper regularized incomplete gamma function, broadcast.

    Source: TF 1.15 `tf.math.igammac`.
    """
    return apply_op("Igammac", name, a=a, x=x)


@export("math.zeta", "zeta")
def zeta(x: Any, q: Any, name: str | None = None) -> Any:
    """The Hurwitz zeta function, broadcast.

    Source: TF 1.15 `tf.math.zeta`.
    """
    return apply_op("Zeta", name, x=x, q=q)


@export("math.polygamma", "polygamma")
def polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The polygamma function of order `a`, broadcast.

    Source: TF 1.15 `tf.math.polygamma`.
    """
    return apply_op("Polygamma", name, a=a, x=x)


@export("math.xlogy")
def xlogy(x: Any, y: Any, name: str | None = None) -> Any:
    """`x * log(y)`, 0 where `x` is 0, broadcast.

    Source: TF 1.15 `tf.math.xlogy`.
    """
    return apply_op("Xlogy", name, x=x, y=y)


@export("math.xdivy")
def xdivy(x: Any, y: Any, name: str | None = None) -> Any:
    """`x / y`, 0 where `x` is 0, broadcast.

    Source: TF 1.15 `tf.math.xdivy`.
    """
    return apply_op("Xdivy", name, x=x, y=y)


@export("math.nextafter")
def nextafter(x1: Any, x2: Any, name: str | None = None) -> Any:
    """The number next to `x1` in the direction of `x2`, broadcast.

    Source: TF 1.15 `tf.math.nextafter`.
    """
    return apply_op("NextAfter", name, x1=x1, x2=x2)


@export("math.less", "less")
def less(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether `x < y`, broadcast.

    Source: TF 1.15 `tf.math.less`.
    """
    return apply_op("Less", name, x=x, y=y)


@export("math.less_equal", "less_equal")
def less_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether `x <= y`, broadcast.

    Source: TF 1.15 `tf.math.less_equal`.
    """
    return apply_op("LessEqual", name, x=x, y=y)


@export("math.greater", "greater")
def greater(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether `x > y`, broadcast.

    Source: TF 1.15 `tf.math.greater`.
    """
    return apply_op("Greater", name, x=x, y=y)


@export("math.greater_equal", "greater_equal")
def greater_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether `x >= y`, broadcast.

    Source: TF 1.15 `tf.math.greater_equal`.
    """
    return apply_op("GreaterEqual", name, x=x, y=y)


@export("math.equal", "equal")
def equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether `x == y`, broadcast.

    Source: TF 1.15 `tf.math.equal`.
    """
    return apply_op("Equal", name, x=x, y=y)


@export("math.not_equal", "not_equal")
def not_equal(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether `x != y`, broadcast.

    Source: TF 1.15 `tf.math.not_equal`.
    """
    return apply_op("NotEqual", name, x=x, y=y)


@export("math.logical_and", "logical_and")
def logical_and(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether both are True, bool[...] and bool[...] -> bool[...], broadcast. Raises TypeError: not bool.

    >>> tf.logical_and([True, False], True)
    <tf.Tensor 'LogicalAnd:0' shape=(2,) dtype=bool>

    Source: TF 1.15 `tf.math.logical_and`.
    """
    return apply_op("LogicalAnd", name, x=x, y=y)


@export("math.logical_or", "logical_or")
def logical_or(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether any of both is True, bool[...] and bool[...] -> bool[...], broadcast. Raises TypeError: not bool.

    >>> tf.logical_or([True, False], True)
    <tf.Tensor 'LogicalOr:0' shape=(2,) dtype=bool>

    Source: TF 1.15 `tf.math.logical_or`.
    """
    return apply_op("LogicalOr", name, x=x, y=y)


@export("bitwise.bitwise_and")
def bitwise_and(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits that are set in both, broadcast.

    Source: TF 1.15 `tf.bitwise.bitwise_and`.
    """
    return apply_op("BitwiseAnd", name, x=x, y=y)


@export("bitwise.bitwise_or")
def bitwise_or(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits that are set in any of both, broadcast.

    Source: TF 1.15 `tf.bitwise.bitwise_or`.
    """
    return apply_op("BitwiseOr", name, x=x, y=y)


@export("bitwise.bitwise_xor")
def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits that are set in one of both, broadcast.

    Source: TF 1.15 `tf.bitwise.bitwise_xor`.
    """
    return apply_op("BitwiseXor", name, x=x, y=y)


@export("bitwise.left_shift")
def left_shift(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits of `x` moved up by `y` places, broadcast.

    Source: TF 1.15 `tf.bitwise.left_shift`.
    """
    return apply_op("LeftShift", name, x=x, y=y)


@export("bitwise.right_shift")
def right_shift(x: Any, y: Any, name: str | None = None) -> Any:
    """The bits of `x` moved down by `y` places, broadcast.

    Source: TF 1.15 `tf.bitwise.right_shift`.
    """
    return apply_op("RightShift", name, x=x, y=y)


@export("linalg.cross", "cross")
def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The cross products of the vectors along the last axis, which has size 3.

    Source: TF 1.15 `tf.linalg.cross`.
    """
    return apply_op("Cross", name, a=a, b=b)


take_ragged(
    globals(),
    "bitwise_and bitwise_or bitwise_xor left_shift right_shift add atan2 equal floormod greater greater_equal less "
    "less_equal logical_and logical_or maximum minimum multiply not_equal realdiv squared_difference subtract "
    "truncatediv truncatemod",
    2,
)
