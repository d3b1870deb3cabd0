"""Element-wise functions that are made of others or check more than their operation does: division, complex parts, sums.

The rows of their op types are in `cwise`, their gradients in `cwise_grad`. Functions of one operation each (`elementwise`,
`pairwise`), reductions, matrix products, casts and ranges have files of their own and are named here too.
"""

from __future__ import annotations

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
from retrograph.ops.elementwise import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    bessel_i0e,
    bessel_i1e,
    ceil,
    cos,
    cosh,
    digamma,
    erf,
    erfc,
    exp,
    expm1,
    floor,
    invert,
    is_finite,
    is_inf,
    is_nan,
    lgamma,
    log,
    log1p,
    logical_not,
    maps_sparse_values,
    negative,
    reciprocal,
    rint,
    rsqrt,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
)  # fmt: skip
from retrograph.ops.matmul import einsum, matmul, matvec, sparse_matmul, tensordot
from retrograph.ops.pairwise import (
    add,
    atan2,
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    cross,
    equal,
    floor_div,
    floormod,
    greater,
    greater_equal,
    igamma,
    igammac,
    left_shift,
    less,
    less_equal,
    logical_and,
    logical_or,
    maximum,
    minimum,
    multiply,
    nextafter,
    not_equal,
    polygamma,
    realdiv,
    right_shift,
    squared_difference,
    subtract,
    truncatediv,
    truncatemod,
    xdivy,
    xlogy,
    zeta,
)  # fmt: skip
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
    "acos", "acosh", "add", "arg_max", "arg_min", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh", "bessel_i0e", "bessel_i1e",
    "bitcast", "bitwise_and", "bitwise_or", "bitwise_xor", "cast", "ceil", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum",
    "cumulative_logsumexp", "cwise", "digamma", "einsum", "equal", "erf", "erfc", "exp", "expm1", "floor", "floor_div", "floormod", "greater",
    "greater_equal", "igamma", "igammac", "invert", "is_finite", "is_inf", "is_nan", "left_shift", "less", "less_equal", "lgamma", "lin_space",
    "linspace", "log", "log1p", "logical_and", "logical_not", "logical_or", "matmul", "matvec", "maximum", "minimum", "multiply", "negative",
    "nextafter", "not_equal", "polygamma", "range", "realdiv", "reciprocal", "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "right_shift", "rint", "rsqrt",
    "saturate_cast", "sign", "sin", "sinh", "sparse_matmul", "sqrt", "square", "squared_difference", "subtract", "tan", "tanh", "tensordot",
    "to_bfloat16", "to_complex128", "to_complex64", "to_double", "to_float", "to_int32", "to_int64", "truncatediv", "truncatemod", "xdivy", "xlogy",
    "zeta",
]  # fmt: skip

mod = floormod

# ---- made of other functions, or with checks of their own


@export("math.abs", "abs")
@maps_sparse_values
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
    """The real part, c64[...] -> f32[...], c128[...] -> f64[...]; a real tensor itself.

    >>> tf.real(tf.constant([1 + 2j]))
    <tf.Tensor 'Real:0' shape=(1,) dtype=float64>

    Source: TF 1.15 `tf.real`.
    """
    return _part("Real", input, name, lambda x: x)


@export("math.imag", "imag")
def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part, c64[...] -> f32[...], c128[...] -> f64[...]; zeros for a real tensor.

    >>> tf.imag(tf.constant([1 + 2j]))
    <tf.Tensor 'Imag:0' shape=(1,) dtype=float64>

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

    >>> tf.add_n([tf.zeros([2]), tf.ones([2])])
    <tf.Tensor 'AddN:0' shape=(2,) dtype=float32>

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


take_ragged(globals(), "abs angle conj imag log_sigmoid real round", 1)
take_ragged(globals(), "complex div_no_nan divide floordiv logical_xor pow truediv", 2)
