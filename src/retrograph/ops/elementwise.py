"""Element-wise functions of one tensor, one operation each: trigonometry, exponentials, rounding, special functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export
from retrograph.framework.structures import SparseTensor


def maps_sparse_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function of one tensor work on the values of a `SparseTensor`."""

    @functools.wraps(function)
    def mapped(x: Any, name: str | None = None) -> Any:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, function(x.values, name), x.dense_shape)
        return function(x, name)

    return mapped


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
@maps_sparse_values
def bessel_i0e(x: Any, name: str | None = None) -> Any:
    """`exp(-|x|) * I0(x)`, element-wise (I0: modified Bessel function).

    Source: TF 1.15 `tf.math.bessel_i0e`.
    """
    return apply_op("BesselI0e", name, x=x)


@export("math.bessel_i1e")
@maps_sparse_values
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
@maps_sparse_values
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
    """Whether `x` is NaN, element-wise: f32[...] -> bool[...].

    >>> tf.is_nan([1.0, float("nan")])
    <tf.Tensor 'IsNan:0' shape=(2,) dtype=bool>

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
@maps_sparse_values
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
@maps_sparse_values
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
@maps_sparse_values
def sqrt(x: Any, name: str | None = None) -> Any:
    """The square root of `x`, element-wise; real (NaN below zero) or complex numbers.

    >>> tf.sqrt([1.0, 4.0])
    <tf.Tensor 'Sqrt:0' shape=(2,) dtype=float32>

    Source: TF 1.15 `tf.math.sqrt`.
    """
    return apply_op("Sqrt", name, x=x)


@export("math.square", "square")
@maps_sparse_values
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
@maps_sparse_values
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


take_ragged(
    globals(),
    "invert acos acosh asin asinh atan atanh ceil cos cosh digamma erf erfc exp expm1 floor is_finite is_inf is_nan "
    "lgamma log log1p logical_not negative reciprocal rint rsqrt sign sin sinh sqrt square tan",
    1,
)
