"""Element-wise functions: arithmetic, comparisons, logic, elementary and special functions.

The rows of their op types are in `cwise`, their gradients in `cwise_grad`; reductions, matrix products, casts and ranges
have files of their own and are named here too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import dispatched, take_ragged
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import IndexedSlices, SparseTensor
from retrograph.ops import array, cwise, identities, operators
from retrograph.ops.cast import (
    bitcast,
    cast,
    saturate_cast,
    to_bfloat16,
    to_complex64,
    to_complex128,
    to_double,
    to_float,
    to_int32,
    to_int64,
)
from retrograph.ops.matmul import einsum, matmul, matvec, sparse_matmul, tensordot
from retrograph.ops.reduction import (
    arg_max,
    arg_min,
    argmax,
    argmin,
    count_nonzero,
    cumprod,
    cumsum,
    cumulative_logsumexp,
    reduce_all,
    reduce_any,
    reduce_euclidean_norm,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_std,
    reduce_sum,
    reduce_variance,
)  # fmt: skip
from retrograph.ops.sequence import lin_space, linspace, range

__all__ = [
    "arg_max", "arg_min", "argmax", "argmin", "bitcast", "cast", "count_nonzero", "cumprod", "cumsum", "cumulative_logsumexp", "cwise", "einsum",
    "lin_space", "linspace", "matmul", "matvec", "range", "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "saturate_cast", "sparse_matmul", "tensordot",
    "to_bfloat16", "to_complex128", "to_complex64", "to_double", "to_float", "to_int32", "to_int64",
]  # fmt: skip


def _maps_sparse_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function of one tensor work on the values of a `SparseTensor`."""

    @functools.wraps(function)
    def mapped(x: Any, name: str | None = None) -> Any:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, function(x.values, name), x.dense_shape)
        return function(x, name)

    return mapped


# ---- one operation each


@export("math.acos", "acos")
def acos(x: Any, name: str | None = None) -> Any:
    """The inverse cosine of `x`, element-wise.

    Source: TF 1.15 `tf.math.acos`.
    """
    return apply_op("Acos", name, x=x)


@export("math.acosh", "acosh")
def acosh(x: Any, name: str | None = None) -> Any:
    """The inverse hyperbolic cosine of `x`, element-wise.

    Source: TF 1.15 `tf.math.acosh`.
    """
    return apply_op("Acosh", name, x=x)


@export("math.asin", "asin")
def asin(x: Any, name: str | None = None) -> Any:
    """The inverse sine of `x`, element-wise.

    Source: TF 1.15 `tf.math.asin`.
    """
    return apply_op("Asin", name, x=x)


@export("math.asinh", "asinh")
def asinh(x: Any, name: str | None = None) -> Any:
    """The inverse hyperbolic sine of `x`, element-wise.

    Source: TF 1.15 `tf.math.asinh`.
    """
    return apply_op("Asinh", name, x=x)


@export("math.atan", "atan")
def atan(x: Any, name: str | None = None) -> Any:
    """The inverse tangent of `x`, element-wise.

    Source: TF 1.15 `tf.math.atan`.
    """
    return apply_op("Atan", name, x=x)


@export("math.atanh", "atanh")
def atanh(x: Any, name: str | None = None) -> Any:
    """The inverse hyperbolic tangent of `x`, element-wise.

    Source: TF 1.15 `tf.math.atanh`.
    """
    return apply_op("Atanh", name, x=x)


@export("math.bessel_i0e")
@_maps_sparse_values
def bessel_i0e(x: Any, name: str | None = None) -> Any:
    """`exp(-|x|) * I0(x)`, element-wise (I0: modified Bessel function).

    Source: TF 1.15 `tf.math.bessel_i0e`.
    """
    return apply_op("BesselI0e", name, x=x)


@export("math.bessel_i1e")
@_maps_sparse_values
def bessel_i1e(x: Any, name: str | None = None) -> Any:
    """`exp(-|x|) * I1(x)`, element-wise (I1: modified Bessel function).

    Source: TF 1.15 `tf.math.bessel_i1e`.
    """
    return apply_op("BesselI1e", name, x=x)


@export("math.ceil", "ceil")
def ceil(x: Any, name: str | None = None) -> Any:
    """The least integer not below `x`, element-wise.

    Source: TF 1.15 `tf.math.ceil`.
    """
    return apply_op("Ceil", name, x=x)


@export("math.cos", "cos")
def cos(x: Any, name: str | None = None) -> Any:
    """The cosine of `x`, element-wise.

    Source: TF 1.15 `tf.math.cos`.
    """
    return apply_op("Cos", name, x=x)


@export("math.cosh", "cosh")
def cosh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic cosine of `x`, element-wise.

    Source: TF 1.15 `tf.math.cosh`.
    """
    return apply_op("Cosh", name, x=x)


@export("math.digamma", "digamma")
def digamma(x: Any, name: str | None = None) -> Any:
    """The derivative of `lgamma(x)`, element-wise.

    Source: TF 1.15 `tf.math.digamma`.
    """
    return apply_op("Digamma", name, x=x)


@export("math.erf", "erf")
@_maps_sparse_values
def erf(x: Any, name: str | None = None) -> Any:
    """The error function of `x`, element-wise.

    Source: TF 1.15 `tf.math.erf`.
    """
    return apply_op("Erf", name, x=x)


@export("math.erfc", "erfc")
def erfc(x: Any, name: str | None = None) -> Any:
    """One minus the error function of `x`, element-wise.

    Source: TF 1.15 `tf.math.erfc`.
    """
    return apply_op("Erfc", name, x=x)


@export("math.exp", "exp")
def exp(x: Any, name: str | None = None) -> Any:
    """`e` to the power of `x`, element-wise.

    Source: TF 1.15 `tf.math.exp`.
    """
    return apply_op("Exp", name, x=x)


@export("math.expm1", "expm1")
def expm1(x: Any, name: str | None = None) -> Any:
    """`exp(x) - 1`, exact for small `x`, element-wise.

    Source: TF 1.15 `tf.math.expm1`.
    """
    return apply_op("Expm1", name, x=x)


@export("math.floor", "floor")
def floor(x: Any, name: str | None = None) -> Any:
    """The greatest integer not above `x`, element-wise.

    Source: TF 1.15 `tf.math.floor`.
    """
    return apply_op("Floor", name, x=x)


@export("math.is_finite", "is_finite", "debugging.is_finite")
def is_finite(x: Any, name: str | None = None) -> Any:
    """Whether `x` is neither infinite nor NaN, element-wise.

    Source: TF 1.15 `tf.math.is_finite`.
    """
    return apply_op("IsFinite", name, x=x)


@export("math.is_inf", "is_inf", "debugging.is_inf")
def is_inf(x: Any, name: str | None = None) -> Any:
    """Whether `x` is infinite, element-wise.

    Source: TF 1.15 `tf.math.is_inf`.
    """
    return apply_op("IsInf", name, x=x)


@export("math.is_nan", "is_nan", "debugging.is_nan")
def is_nan(x: Any, name: str | None = None) -> Any:
    """Whether `x` is NaN, element-wise.

    Source: TF 1.15 `tf.math.is_nan`.
    """
    return apply_op("IsNan", name, x=x)


@export("math.lgamma", "lgamma")
def lgamma(x: Any, name: str | None = None) -> Any:
    """The logarithm of the absolute value of the gamma function, element-wise.

    Source: TF 1.15 `tf.math.lgamma`.
    """
    return apply_op("Lgamma", name, x=x)


@export("math.log", "log")
def log(x: Any, name: str | None = None) -> Any:
    """The natural logarithm of `x`, element-wise.

    Source: TF 1.15 `tf.math.log`.
    """
    return apply_op("Log", name, x=x)


@export("math.log1p", "log1p")
def log1p(x: Any, name: str | None = None) -> Any:
    """`log(1 + x)`, exact for small `x`, element-wise.

    Source: TF 1.15 `tf.math.log1p`.
    """
    return apply_op("Log1p", name, x=x)


@export("math.logical_not", "logical_not")
def logical_not(x: Any, name: str | None = None) -> Any:
    """Whether `x` is False, element-wise.

    Source: TF 1.15 `tf.math.logical_not`.
    """
    return apply_op("LogicalNot", name, x=x)


@export("math.negative", "negative")
@_maps_sparse_values
def negative(x: Any, name: str | None = None) -> Any:
    """`-x`, element-wise.

    Source: TF 1.15 `tf.math.negative`.
    """
    return apply_op("Neg", name, x=x)


@export("math.reciprocal", "reciprocal")
def reciprocal(x: Any, name: str | None = None) -> Any:
    """`1 / x`, element-wise.

    Source: TF 1.15 `tf.math.reciprocal`.
    """
    return apply_op("Reciprocal", name, x=x)


@export("math.rint", "rint")
def rint(x: Any, name: str | None = None) -> Any:
    """The integer nearest to `x`, halves to the even one, element-wise.

    Source: TF 1.15 `tf.math.rint`.
    """
    return apply_op("Rint", name, x=x)


@export("math.rsqrt", "rsqrt")
def rsqrt(x: Any, name: str | None = None) -> Any:
    """`1 / sqrt(x)`, element-wise.

    Source: TF 1.15 `tf.math.rsqrt`.
    """
    return apply_op("Rsqrt", name, x=x)


@export("math.sign", "sign")
@_maps_sparse_values
def sign(x: Any, name: str | None = None) -> Any:
    """-1, 0 or 1 by the sign of `x`; `x / |x|` for complex types.

    Source: TF 1.15 `tf.math.sign`.
    """
    return apply_op("Sign", name, x=x)


@export("math.sin", "sin")
def sin(x: Any, name: str | None = None) -> Any:
    """The sine of `x`, element-wise.

    Source: TF 1.15 `tf.math.sin`.
    """
    return apply_op("Sin", name, x=x)


@export("math.sinh", "sinh")
def sinh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic sine of `x`, element-wise.

    Source: TF 1.15 `tf.math.sinh`.
    """
    return apply_op("Sinh", name, x=x)


@export("math.sqrt", "sqrt")
@_maps_sparse_values
def sqrt(x: Any, name: str | None = None) -> Any:
    """The square root of `x`, element-wise.

    Source: TF 1.15 `tf.math.sqrt`.
    """
    return apply_op("Sqrt", name, x=x)


@export("math.square", "square")
@_maps_sparse_values
def square(x: Any, name: str | None = None) -> Any:
    """`x * x`, element-wise.

    Source: TF 1.15 `tf.math.square`.
    """
    return apply_op("Square", name, x=x)


@export("math.tan", "tan")
def tan(x: Any, name: str | None = None) -> Any:
    """The tangent of `x`, element-wise.

    Source: TF 1.15 `tf.math.tan`.
    """
    return apply_op("Tan", name, x=x)


@export("math.tanh", "tanh", "nn.tanh")
@_maps_sparse_values
def tanh(x: Any, name: str | None = None) -> Any:
    """The hyperbolic tangent of `x`, element-wise.

    Source: TF 1.15 `tf.math.tanh`.
    """
    return apply_op("Tanh", name, x=x)


@export("bitwise.invert")
def invert(x: Any, name: str | None = None) -> Any:
    """All bits of `x` flipped, element-wise.

    Source: TF 1.15 `tf.bitwise.invert`.
    """
    return apply_op("Invert", name, x=x)


@export("math.add", "add")
def add(x: Any, y: Any, name: str | None = None) -> Any:
    """`x + y`, broadcast.

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
    """The greater of `x` and `y`, broadcast.

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
    """Whether both are True, broadcast.

    Source: TF 1.15 `tf.math.logical_and`.
    """
    return apply_op("LogicalAnd", name, x=x, y=y)


@export("math.logical_or", "logical_or")
def logical_or(x: Any, y: Any, name: str | None = None) -> Any:
    """Whether any of both is True, broadcast.

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


mod = floormod

# ---- made of other functions, or with checks of their own


@export("math.abs", "abs")
@_maps_sparse_values
def abs(x: Any, name: str | None = None) -> Any:
    """The absolute value, element-wise; of a complex tensor, a real one.

    Source: TF 1.15 `tf.abs`.
    """
    return operators.absolute(x, name)


@export("math.divide", "divide")
def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """`x / y` as Python divides.

    Source: TF 1.15 `tf.divide`.
    """
    return x / y if name is None else operators.true_divide(x, y, name)


@export("math.truediv", "truediv")
def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y`; integers of 8 and 16 bits divide to f32, wider ones to f64.

    Raises TypeError: the types differ or cannot be divided. Source: TF 1.15 `tf.truediv`.
    """
    return operators.true_divide(x, y, name)


@export("div")
def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y` as Python 2 divides: integers round down.

    Raises TypeError: the types differ. Source: TF 1.15 `tf.div`.
    """
    return operators.python2_divide(x, y, name)


def _checked_pair(op_type: str, default_name: str, x: Any, y: Any, name: str | None) -> Tensor:
    with name_scope(name, default_name, [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        return apply_op(op_type, scope, x=x, y=y)  # type: ignore[no-any-return]


@export("math.divide_no_nan", "div_no_nan")
def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y`, 0 where `y` is 0.

    Source: TF 1.15 `tf.div_no_nan`.
    """
    return _checked_pair("DivNoNan", "div_no_nan", x, y, name)


@export("math.multiply_no_nan")
def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x * y`, 0 where `y` is 0 even if `x` is infinite or NaN.

    Source: TF 1.15 `tf.math.multiply_no_nan`.
    """
    return _checked_pair("MulNoNan", "multiply_no_nan", x, y, name)


@export("math.reciprocal_no_nan")
def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """`1 / x`, 0 where `x` is 0.

    Source: TF 1.15 `tf.math.reciprocal_no_nan`.
    """
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        one = convert_to_tensor(1, dtype=x.dtype.base_dtype, name="one")
        return apply_op("DivNoNan", scope, x=one, y=x)  # type: ignore[no-any-return]


@export("math.floordiv", "floordiv")
def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x // y`: the quotient rounded down.

    Source: TF 1.15 `tf.floordiv`.
    """
    with name_scope(name, "floordiv", [x, y]) as scope:
        return apply_op("FloorDiv", scope, x=x, y=y)  # type: ignore[no-any-return]


@export("math.pow", "pow")
def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x` to the power of `y`, broadcast.

    Source: TF 1.15 `tf.pow`.
    """
    with name_scope(name, "Pow", [x]) as scope:
        return apply_op("Pow", scope, x=x, y=y)  # type: ignore[no-any-return]


@export("math.scalar_mul", "scalar_mul")
def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """A number times a tensor or `IndexedSlices`.

    Raises ValueError: `scalar` is not a scalar. Source: TF 1.15 `tf.scalar_mul`.
    """
    scalar = convert_to_tensor(scalar, dtype=x.dtype.base_dtype, name="scalar")
    if scalar.get_shape().ndims != 0:
        raise ValueError(f"Only scalar multiply works, got shape {scalar.get_shape()}")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(apply_op("Mul", name, x=scalar, y=x.values), x.indices, x.dense_shape)
    return apply_op("Mul", name, x=scalar, y=x)


@export("math.round", "round")
def round(x: Any, name: str | None = None) -> Tensor:
    """`x` rounded to the nearest integer, halves to the even one; integers are given back.

    Source: TF 1.15 `tf.round`.
    """
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else apply_op("Round", name, x=x)  # type: ignore[no-any-return]


@export("math.logical_xor", "logical_xor")
def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Tensor:
    """Whether exactly one of both is True, broadcast.

    Source: TF 1.15 `tf.logical_xor`.
    """
    return operators.logical_xor(x, y, name)


@export("math.sigmoid", "nn.sigmoid", "sigmoid")
def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """`1 / (1 + exp(-x))`, element-wise.

    Source: TF 1.15 `tf.sigmoid`.
    """
    if not isinstance(x, Tensor):
        with name_scope(name, "Sigmoid", [x]) as name:
            x = convert_to_tensor(x, name="x")
    return apply_op("Sigmoid", name, x=x)  # type: ignore[no-any-return]


@export("math.log_sigmoid", "log_sigmoid")
def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """`log(sigmoid(x))` without overflow, element-wise.

    Source: TF 1.15 `tf.log_sigmoid`.
    """
    with name_scope(name, "LogSigmoid", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return apply_op("Neg", scope, x=apply_op("Softplus", None, features=-x))  # type: ignore[no-any-return]


# ---- complex numbers

_COMPLEX_OF = {(dtypes.float64, dtypes.float64): dtypes.complex128, (dtypes.float32, dtypes.float32): dtypes.complex64}


@export("dtypes.complex", "complex")
def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """The complex numbers with these real and imaginary parts, both f32 or both f64.

    Raises TypeError: other types. Source: TF 1.15 `tf.complex`.
    """
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    with name_scope(name, "Complex", [real, imag]) as scope:
        tout = _COMPLEX_OF.get((real.dtype.base_dtype, imag.dtype.base_dtype))
        if tout is None:
            raise TypeError(f"real and imag have incorrect types: {real.dtype.name} {imag.dtype.name}")
        return apply_op("Complex", scope, real=real, imag=imag, Tout=tout)  # type: ignore[no-any-return]


def _part(op_type: str, input: Any, name: str | None, of_real: Callable[[Tensor], Tensor]) -> Tensor:
    with name_scope(name, op_type, [input]) as scope:
        x = convert_to_tensor(input, name="input")
        if not x.dtype.is_complex:
            return of_real(x)
        return apply_op(op_type, scope, input=x, Tout=x.dtype.real_dtype)  # type: ignore[no-any-return]


@export("math.real", "real")
def real(input: Any, name: str | None = None) -> Tensor:
    """The real part; a real tensor itself.

    Source: TF 1.15 `tf.real`.
    """
    return _part("Real", input, name, lambda x: x)


@export("math.imag", "imag")
def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part; zeros for a real tensor.

    Source: TF 1.15 `tf.imag`.
    """
    return _part("Imag", input, name, array.zeros_like)


@export("math.angle", "angle")
def angle(input: Any, name: str | None = None) -> Tensor:
    """The angle in radians; zeros for a real tensor.

    Source: TF 1.15 `tf.angle`.
    """
    return _part("Angle", input, name, array.zeros_like)


@export("math.conj", "conj")
def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; a real tensor itself.

    Raises TypeError: not a numeric type. Source: TF 1.15 `tf.conj`.
    """
    if isinstance(x, Tensor) and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype == dtypes.variant:
            return apply_op("Conj", scope, input=x)  # type: ignore[no-any-return]
        if x.dtype.is_floating or x.dtype.is_integer:
            return x  # type: ignore[no-any-return]
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}")


# ---- sums of lists

_NO_TENSORS = "inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape"


def _tensors_or_slices(inputs: Any) -> list[Any]:
    return [x if isinstance(x, (IndexedSlices, SparseTensor)) else convert_to_tensor(x) for x in inputs]


@export("math.add_n", "add_n")
@dispatched("[inputs]")
def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one shape and type.

    Raises ValueError: an empty list, or shapes that differ. Source: TF 1.15 `tf.add_n`.
    """
    if not isinstance(inputs, (list, tuple)) and inputs is not None:
        list(inputs)  # what cannot be iterated over says so
        inputs = None
    if not inputs or any(x is None for x in inputs):
        raise ValueError(_NO_TENSORS)
    tensors = _tensors_or_slices(inputs)
    if not all(isinstance(x, (Tensor, IndexedSlices)) for x in tensors):
        raise ValueError(_NO_TENSORS)
    if len(tensors) > 1:
        return apply_op("AddN", name, inputs=tensors)  # type: ignore[no-any-return]
    only = convert_to_tensor(tensors[0]) if isinstance(tensors[0], IndexedSlices) else tensors[0]
    return identities.identity(only, name=name) if name else only


@export("math.accumulate_n", "accumulate_n")
def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one shape and type, added as they come.

    Raises ValueError: types or shapes differ; TypeError: they are not `tensor_dtype`. Source: TF 1.15 `tf.accumulate_n`.
    """
    wrong = ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    if not inputs or not isinstance(inputs, (list, tuple)) or any(x is None for x in inputs):
        raise wrong
    tensors = _tensors_or_slices(inputs)
    if not all(isinstance(x, Tensor) and x.dtype == tensors[0].dtype for x in tensors):
        raise wrong
    merged = TensorShape(shape)
    for tensor in tensors:
        merged = merged.merge_with(tensor.get_shape())
    if tensor_dtype is not None and tensor_dtype != tensors[0].dtype:
        raise TypeError(f"tensor_dtype is {tensor_dtype}, but input is of type {tensors[0].dtype}")
    if len(tensors) == 1:
        return tensors[0] if name is None else identities.identity(tensors[0], name=name)
    return apply_op("AccumulateNV2", name, inputs=tensors, shape=merged)  # type: ignore[no-any-return]


# ---- polynomials and special functions


@export("math.polyval")
def polyval(coeffs: Sequence[Any], x: Any, name: str | None = None) -> Tensor:
    """The polynomial with these coefficients (of the highest power first) at `x`.

    Source: TF 1.15 `tf.math.polyval`.
    """
    with name_scope(name, "polyval", [*coeffs, x]) as scope:
        x = convert_to_tensor(x, name="x")
        if len(coeffs) < 1:
            return array.zeros_like(x, name=scope)
        tensors: list[Any] = [convert_to_tensor(c, name=f"coeff_{i}") for i, c in enumerate(coeffs)]
        value = tensors[0]
        for coefficient in tensors[1:]:
            value = coefficient + value * x
        return value  # type: ignore[no-any-return]


@export("math.lbeta", "lbeta")
def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the Beta function of the vectors along the last axis.

    Source: TF 1.15 `tf.lbeta`.
    """
    with name_scope(name, "lbeta", [x]):
        x = convert_to_tensor(x, name="x")
        of_each: Any = reduce_sum(lgamma(x), axis=[-1])
        of_sum = lgamma(reduce_sum(x, axis=[-1]))
        return of_each - of_sum  # type: ignore[no-any-return]


@export("math.bessel_i0")
def bessel_i0(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 0, element-wise.

    Source: TF 1.15 `tf.math.bessel_i0`.
    """
    with name_scope(name, "bessel_i0", [x]):
        return exp(abs(x)) * bessel_i0e(x)  # type: ignore[no-any-return]


@export("math.bessel_i1")
def bessel_i1(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 1, element-wise.

    Source: TF 1.15 `tf.math.bessel_i1`.
    """
    with name_scope(name, "bessel_i1", [x]):
        return exp(abs(x)) * bessel_i1e(x)  # type: ignore[no-any-return]


@export("math.betainc", "betainc")
def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """The regularized incomplete beta integral, element-wise.

    Source: TF 1.15 `tf.betainc`.
    """
    return apply_op("Betainc", name, a=a, b=b, x=x)  # type: ignore[no-any-return]


take_ragged(
    globals(),
    "invert abs acos acosh angle asin asinh atan atanh ceil conj cos cosh digamma erf erfc exp expm1 floor imag is_finite is_inf "
    "is_nan lgamma log log1p log_sigmoid logical_not negative real reciprocal rint round rsqrt sign sin sinh sqrt square tan",
    1,
)
take_ragged(
    globals(),
    "bitwise_and bitwise_or bitwise_xor left_shift right_shift add atan2 complex div_no_nan divide equal floordiv floormod greater "
    "greater_equal less less_equal logical_and logical_or logical_xor maximum minimum multiply not_equal pow realdiv "
    "squared_difference subtract truediv truncatediv truncatemod",
    2,
)
