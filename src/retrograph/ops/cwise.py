"""The rows of the element-wise op types: shapes, values in NumPy and JAX; gradients are in `cwise_grad`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jax_nn, jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import (
    ShapeContext,
    broadcast,
    broadcast_binary,
    merge,
    unchanged,
    with_rank_at_least,
)
from retrograph.ops import cwise_grad as grad
from retrograph.ops.rows import merge_numbered, with_value

Formula = Callable[..., Any]
"""A function of (array module, inputs...), the same in NumPy and JAX."""


def _as_array(op: Any, index: int, value: Any) -> Any:
    """NumPy scalars keep their type in JAX only as arrays."""
    return np.asarray(value, op.inputs[index].dtype.as_numpy_dtype) if isinstance(value, np.generic) else value


def _numpy_of(formula: Formula) -> Callable[..., Any]:
    def numpy(op: Any, *inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            return _guarded(formula, np, op, inputs)

    return numpy


def _lower_of(formula: Formula) -> Callable[..., Any]:
    def lower(op: Any, *inputs: Any) -> Any:
        return _guarded(formula, jnp, op, inputs)

    return lower


def _guarded(formula: Formula, xp: Any, op: Any, inputs: Any) -> Any:
    try:
        return formula(xp, *inputs)
    except (ValueError, TypeError):
        check_broadcast(op, *inputs)
        raise


def check_broadcast(op: Any, *inputs: Any) -> None:
    """Raises InvalidArgumentError, with TF's text, if the shapes of the values do not broadcast."""
    shapes = [np.shape(x) for x in inputs]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        text = " vs. ".join(to_text(s) for s in shapes)
        raise errors.InvalidArgumentError(None, op, f"Incompatible shapes: {text}") from None


def _row(op_type: str, formula: Formula, gradient: Any, shape: Any, numpy: Formula | None) -> None:
    row: dict[str, Any] = {"shape": shape, "lower": _lower_of(formula), "gradient": gradient}
    if numpy is not None:
        row["numpy"] = _numpy_of(numpy)
    register_op(op_type, **row)


def _same(formula: Formula) -> Formula:
    return formula


def _named(name: str) -> Formula:
    """The function of that name of the array module."""

    def formula(xp: Any, *inputs: Any) -> Any:
        return getattr(xp, name)(*inputs)

    return formula


# ---- one input


def _sign(xp: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        size = xp.abs(x)
        return xp.where(size == 0, x, x / xp.where(size == 0, 1, size))
    one = x.dtype.type(1)
    return xp.where(x > 0, one, xp.where(x < 0, -one if x.dtype.kind != "u" else one, x.dtype.type(0)))


def _reciprocal(xp: Any, x: Any) -> Any:
    return x.dtype.type(1) / x


def _rsqrt(xp: Any, x: Any) -> Any:
    return x.dtype.type(1) / xp.sqrt(x)


def _rsqrt_lower(xp: Any, x: Any) -> Any:
    return lax.rsqrt(jnp.asarray(x))


def _sigmoid(xp: Any, x: Any) -> Any:
    one = x.dtype.type(1)
    return one / (one + xp.exp(-x))


def _sigmoid_lower(xp: Any, x: Any) -> Any:
    return jax_nn.sigmoid(jnp.asarray(x))


def _round(xp: Any, x: Any) -> Any:
    return x if x.dtype.kind in "iu" else xp.round(x)


def _lax(name: str) -> Formula:
    """The function of `jax.lax` of that name."""

    def formula(xp: Any, *inputs: Any) -> Any:
        return getattr(lax, name)(*(jnp.asarray(x) for x in inputs))

    return formula


def _math(name: str) -> Formula:
    """A function of Python's `math` mapped over an array."""
    function = np.vectorize(getattr(math, name), otypes=[np.float64])

    def formula(xp: Any, x: Any) -> Any:
        return function(x).astype(x.dtype) if np.size(x) else np.asarray(x)

    return formula


def _digamma(xp: Any, x: Any) -> Any:
    x = jnp.asarray(x)
    # XLA gives nan at the poles and at infinity.
    limit = (x == np.inf) | ((x <= 0) & (x == jnp.floor(x)))
    return jnp.where(limit, jnp.asarray(np.inf, x.dtype), lax.digamma(x))


def _lgamma_numpy(xp: Any, x: Any) -> Any:
    def one(v: float) -> float:
        return math.inf if math.isinf(v) or (v <= 0 and v == math.floor(v)) else math.lgamma(v)

    return np.vectorize(one, otypes=[np.float64])(x).astype(x.dtype) if np.size(x) else np.asarray(x)


def _population_count(xp: Any, x: Any) -> Any:
    return lax.population_count(jnp.asarray(x)).astype(np.uint8)


_UNARY: dict[str, tuple[Formula, Any, Formula | None]] = {
    "Abs": (_named("abs"), grad.abs_grad, _named("abs")),
    "Acos": (_named("arccos"), grad.acos_grad, _named("arccos")),
    "Acosh": (_named("arccosh"), grad.acosh_grad, _named("arccosh")),
    "Asin": (_named("arcsin"), grad.asin_grad, _named("arcsin")),
    "Asinh": (_named("arcsinh"), grad.asinh_grad, _named("arcsinh")),
    "Atan": (_named("arctan"), grad.atan_grad, _named("arctan")),
    "Atanh": (_named("arctanh"), grad.atanh_grad, _named("arctanh")),
    "BesselI0e": (_lax("bessel_i0e"), grad.bessel_i0e_grad, None),
    "BesselI1e": (_lax("bessel_i1e"), grad.bessel_i1e_grad, None),
    "Ceil": (_named("ceil"), NO_GRADIENT, _named("ceil")),
    "Conj": (_named("conj"), grad.conj_grad, _named("conj")),
    "Cos": (_named("cos"), grad.cos_grad, _named("cos")),
    "Cosh": (_named("cosh"), grad.cosh_grad, _named("cosh")),
    "Digamma": (_digamma, grad.digamma_grad, None),
    "Erf": (_lax("erf"), grad.erf_grad, _math("erf")),
    "Erfc": (_lax("erfc"), grad.erfc_grad, _math("erfc")),
    "Exp": (_named("exp"), grad.exp_grad, _named("exp")),
    "Expm1": (_named("expm1"), grad.expm1_grad, _named("expm1")),
    "Floor": (_named("floor"), NO_GRADIENT, _named("floor")),
    "Inv": (_reciprocal, grad.reciprocal_grad, _reciprocal),
    "Invert": (_named("bitwise_not"), NO_GRADIENT, _named("bitwise_not")),
    "IsFinite": (_named("isfinite"), NO_GRADIENT, _named("isfinite")),
    "IsInf": (_named("isinf"), NO_GRADIENT, _named("isinf")),
    "IsNan": (_named("isnan"), NO_GRADIENT, _named("isnan")),
    "Lgamma": (_lax("lgamma"), grad.lgamma_grad, _lgamma_numpy),
    "Log": (_named("log"), grad.log_grad, _named("log")),
    "Log1p": (_named("log1p"), grad.log1p_grad, _named("log1p")),
    "LogicalNot": (_named("logical_not"), NO_GRADIENT, _named("logical_not")),
    "Neg": (_named("negative"), grad.neg_grad, _named("negative")),
    "PopulationCount": (_population_count, NO_GRADIENT, None),
    "Reciprocal": (_reciprocal, grad.reciprocal_grad, _reciprocal),
    "Rint": (_named("rint"), NO_GRADIENT, _named("rint")),
    "Round": (_round, NO_GRADIENT, _round),
    "Rsqrt": (_rsqrt_lower, grad.rsqrt_grad, _rsqrt),
    "Sigmoid": (_sigmoid_lower, grad.sigmoid_grad, _sigmoid),
    "Sign": (_sign, grad.sign_grad, _sign),
    "Sin": (_named("sin"), grad.sin_grad, _named("sin")),
    "Sinh": (_named("sinh"), grad.sinh_grad, _named("sinh")),
    "Sqrt": (_named("sqrt"), grad.sqrt_grad, _named("sqrt")),
    "Square": (_named("square"), grad.square_grad, _named("square")),
    "Tan": (_named("tan"), grad.tan_grad, _named("tan")),
    "Tanh": (_named("tanh"), grad.tanh_grad, _named("tanh")),
}
for _type, (_formula, _gradient, _numpy) in _UNARY.items():
    _row(_type, _formula, _gradient, unchanged, _numpy)


# ---- complex numbers


def _in_type(xp: Any, op: Any, x: Any) -> Any:
    return x.astype(op.attrs["Tout"].as_numpy_dtype)


def _complex_part(name: str) -> dict[str, Any]:
    def lower(op: Any, x: Any) -> Any:
        return _in_type(jnp, op, getattr(jnp, name)(x))

    def numpy(op: Any, x: Any) -> Any:
        return _in_type(np, op, getattr(np, name)(x))

    return {"lower": lower, "numpy": numpy, "shape": unchanged}


register_op("Real", gradient=grad.real_grad, **_complex_part("real"))
register_op("Imag", gradient=grad.imag_grad, **_complex_part("imag"))
register_op("Angle", gradient=grad.angle_grad, **_complex_part("angle"))
register_op("ComplexAbs", gradient=grad.complex_abs_grad, **_complex_part("abs"))


def _complex_numpy(op: Any, real: Any, imag: Any) -> Any:
    # Part by part: a product with 1j makes nan of what is infinite.
    result = np.empty(np.broadcast_shapes(np.shape(real), np.shape(imag)), op.attrs["Tout"].as_numpy_dtype)
    result.real, result.imag = real, imag
    return result


def _complex_lower(op: Any, real: Any, imag: Any) -> Any:
    return lax.complex(*jnp.broadcast_arrays(real, imag))


register_op("Complex", shape=broadcast_binary, lower=_complex_lower, numpy=_complex_numpy, gradient=grad.complex_grad)


# ---- two inputs, broadcast


def _is_float(x: Any) -> bool:
    return x.dtype.kind in "fc" or x.dtype.name == "bfloat16"


def check_divisor(op: Any, x: Any, y: Any) -> None:
    """Raises InvalidArgumentError if an integer division by a known zero is asked for."""
    if isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind in "iu" and np.size(x) and not np.all(y):
        if op.type in ("TruncateDiv", "TruncateMod"):
            # TF forgot these two where it names the operations that may fail.
            text = "Unexpected error in binary operator (only integer div and mod should have errors)"
            raise errors.InternalError(None, op, text)
        raise errors.InvalidArgumentError(None, op, "Integer division by zero")


def _truncated_quotient(xp: Any, x: Any, y: Any) -> Any:
    if _is_float(x):
        return x / y
    if xp is jnp:
        return lax.div(*jnp.broadcast_arrays(x, y))
    return x // y if x.dtype.kind == "u" else ((x - np.fmod(x, y)) // y).astype(x.dtype)


def _floor_quotient(xp: Any, x: Any, y: Any) -> Any:
    return xp.floor(x / y) if _is_float(x) else xp.floor_divide(x, y)


def _floor_rest(xp: Any, x: Any, y: Any) -> Any:
    return xp.mod(x, y)


def _truncated_rest(xp: Any, x: Any, y: Any) -> Any:
    return xp.fmod(x, y)


def _divide_no_nan(xp: Any, x: Any, y: Any) -> Any:
    zero = y == 0
    return xp.where(zero, x.dtype.type(0), x / xp.where(zero, y.dtype.type(1), y))


def _multiply_no_nan(xp: Any, x: Any, y: Any) -> Any:
    return xp.where(y == 0, x.dtype.type(0), x * y)


def _xlogy(xp: Any, x: Any, y: Any) -> Any:
    zero = x == 0
    return xp.where(zero, x.dtype.type(0), x * xp.log(xp.where(zero, y.dtype.type(1), y)))


def _xdivy(xp: Any, x: Any, y: Any) -> Any:
    zero = x == 0
    return xp.where(zero, x.dtype.type(0), x / xp.where(zero, y.dtype.type(1), y))


def _squared_difference(xp: Any, x: Any, y: Any) -> Any:
    difference = x - y
    return xp.conj(difference) * difference if x.dtype.kind == "c" else difference * difference


_SMALL_POWERS: dict[float, Callable[[Any], Any]] = {1.0: lambda x: x, 2.0: lambda x: x * x, 3.0: lambda x: x * x * x}


def _power(xp: Any, x: Any, y: Any) -> Any:
    if xp is jnp and isinstance(y, (np.ndarray, np.generic)) and np.size(y) == 1 and np.ndim(y) <= np.ndim(x):
        small = _SMALL_POWERS.get(complex(y.reshape(())).real) if np.imag(y) == 0 else None
        if small is not None:
            return small(jnp.asarray(x))
    return xp.power(x, y)


def _add(xp: Any, x: Any, y: Any) -> Any:
    return x + y


def _broadcast_lax(function: Callable[[], Any]) -> Formula:
    def formula(xp: Any, *inputs: Any) -> Any:
        return function()(*jnp.broadcast_arrays(*inputs))

    return formula


def _positive_shape(formula: Formula) -> Formula:
    """nan for a first argument that is not above zero, as TF's incomplete gamma functions give."""

    def guarded(xp: Any, a: Any, x: Any) -> Any:
        value = formula(xp, a, x)
        return jnp.where(jnp.asarray(a) > 0, value, jnp.asarray(np.nan, value.dtype))

    return guarded


def _polygamma(xp: Any, n: Any, x: Any) -> Any:
    n, x = jnp.broadcast_arrays(n, x)
    one = x.dtype.type(1)
    sign = jnp.where(jnp.mod(n, 2) == 0, -one, one)
    value = jnp.where(n == 0, _digamma(xp, x), sign * jnp.exp(lax.lgamma(n + one)) * lax.zeta(n + one, x))
    return jnp.where((n < 0) | (n != jnp.floor(n)), np.nan, value).astype(x.dtype)


def _shift(name: str) -> Formula:
    def formula(xp: Any, x: Any, y: Any) -> Any:
        # Beyond the width, TF's result is that of the greatest shift that the type allows.
        bits = np.iinfo(x.dtype).bits
        return getattr(xp, name)(x, xp.clip(y, 0, bits - 1).astype(x.dtype))

    return formula


_DIVISIONS = ("Div", "FloorDiv", "TruncateDiv", "FloorMod", "Mod", "TruncateMod")

_BINARY: dict[str, tuple[Formula, Any, Formula | None]] = {
    "Add": (_add, grad.add_grad, _add),
    "AddV2": (_add, grad.add_grad, _add),
    "Atan2": (_named("arctan2"), grad.atan2_grad, _named("arctan2")),
    "BitwiseAnd": (_named("bitwise_and"), NO_GRADIENT, _named("bitwise_and")),
    "BitwiseOr": (_named("bitwise_or"), NO_GRADIENT, _named("bitwise_or")),
    "BitwiseXor": (_named("bitwise_xor"), NO_GRADIENT, _named("bitwise_xor")),
    "Div": (_truncated_quotient, grad.div_grad, _truncated_quotient),
    "DivNoNan": (_divide_no_nan, grad.div_no_nan_grad, _divide_no_nan),
    "FloorDiv": (_floor_quotient, NO_GRADIENT, _floor_quotient),
    "FloorMod": (_floor_rest, grad.floor_mod_grad, _floor_rest),
    "Greater": (_named("greater"), NO_GRADIENT, _named("greater")),
    "GreaterEqual": (_named("greater_equal"), NO_GRADIENT, _named("greater_equal")),
    "Igamma": (_positive_shape(_broadcast_lax(lambda: lax.igamma)), grad.igamma_grad, None),
    "IgammaGradA": (_broadcast_lax(lambda: lax.igamma_grad_a), NO_GRADIENT, None),
    "Igammac": (_positive_shape(_broadcast_lax(lambda: lax.igammac)), grad.igammac_grad, None),
    "LeftShift": (_shift("left_shift"), NO_GRADIENT, _shift("left_shift")),
    "Less": (_named("less"), NO_GRADIENT, _named("less")),
    "LessEqual": (_named("less_equal"), NO_GRADIENT, _named("less_equal")),
    "LogicalAnd": (_named("logical_and"), NO_GRADIENT, _named("logical_and")),
    "LogicalOr": (_named("logical_or"), NO_GRADIENT, _named("logical_or")),
    "Maximum": (_named("maximum"), grad.maximum_grad, _named("maximum")),
    "Minimum": (_named("minimum"), grad.minimum_grad, _named("minimum")),
    "Mod": (_truncated_rest, None, _truncated_rest),
    "Mul": (_named("multiply"), grad.mul_grad, _named("multiply")),
    "MulNoNan": (_multiply_no_nan, grad.mul_no_nan_grad, _multiply_no_nan),
    "NextAfter": (_named("nextafter"), grad.next_after_grad, _named("nextafter")),
    "Polygamma": (_polygamma, grad.polygamma_grad, None),
    "Pow": (_power, grad.pow_grad, _power),
    "RealDiv": (_named("true_divide"), grad.real_div_grad, _named("true_divide")),
    "RightShift": (_shift("right_shift"), NO_GRADIENT, _shift("right_shift")),
    "SquaredDifference": (_squared_difference, grad.squared_difference_grad, _squared_difference),
    "Sub": (_named("subtract"), grad.sub_grad, _named("subtract")),
    "TruncateDiv": (_truncated_quotient, NO_GRADIENT, _truncated_quotient),
    "TruncateMod": (_truncated_rest, None, _truncated_rest),
    "Xdivy": (_xdivy, grad.xdivy_grad, _xdivy),
    "Xlogy": (_xlogy, grad.xlogy_grad, _xlogy),
    "Zeta": (_broadcast_lax(lambda: lax.zeta), grad.zeta_grad, None),
}


def _dividing_row(op_type: str, formula: Formula, gradient: Any) -> None:
    plain_lower, plain_numpy = _lower_of(formula), _numpy_of(formula)

    def lower(op: Any, x: Any, y: Any) -> Any:
        check_divisor(op, x, y)
        return plain_lower(op, x, y)

    def numpy(op: Any, x: Any, y: Any) -> Any:
        check_divisor(op, x, y)
        return plain_numpy(op, x, y)

    register_op(op_type, shape=broadcast_binary, lower=lower, numpy=numpy, gradient=gradient)


def _power_row(formula: Formula, gradient: Any) -> None:
    plain_lower, plain_numpy = _lower_of(formula), _numpy_of(formula)

    def check(op: Any, y: Any) -> None:
        if isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind == "i" and np.any(np.less(y, 0)):
            raise errors.InvalidArgumentError(None, op, "Integers to negative integer powers are not allowed")

    def lower(op: Any, x: Any, y: Any) -> Any:
        check(op, y)
        return plain_lower(op, x, y)

    def numpy(op: Any, x: Any, y: Any) -> Any:
        check(op, y)
        return plain_numpy(op, x, y)

    register_op("Pow", shape=broadcast_binary, lower=lower, numpy=numpy, gradient=gradient)


for _type, (_formula, _gradient, _numpy) in _BINARY.items():
    if _type in _DIVISIONS:
        _dividing_row(_type, _formula, _gradient)
    elif _type == "Pow":
        _power_row(_formula, _gradient)
    else:
        _row(_type, _formula, _gradient, broadcast_binary, _numpy)


# ---- equality, which may be told to be False for shapes that do not fit


def _equality_shape(c: ShapeContext) -> list[Shape]:
    if c.attr("incompatible_shape_error"):
        return broadcast_binary(c)
    a, b = c.input(0), c.input(1)
    if a is None or b is None or None in a or None in b:
        return [None]
    try:
        return [broadcast(a, b)]
    except Exception:  # shapes that do not fit are unequal as a whole
        return [()]


def _equality(name: str, unequal: bool) -> dict[str, Any]:
    def value(xp: Any, op: Any, x: Any, y: Any) -> Any:
        try:
            return getattr(xp, name)(x, y)
        except (ValueError, TypeError):
            if not op.attrs.get("incompatible_shape_error", True):
                return np.asarray(unequal)
            check_broadcast(op, x, y)
            raise

    def numpy(op: Any, x: Any, y: Any) -> Any:
        return np.asarray(value(np, op, x, y), np.bool_)

    def lower(op: Any, x: Any, y: Any) -> Any:
        return value(jnp, op, x, y)

    return {"lower": lower, "numpy": numpy, "shape": _equality_shape, "gradient": NO_GRADIENT}


register_op("Equal", **_equality("equal", False))
register_op("NotEqual", **_equality("not_equal", True))


def _merged_inputs(c: ShapeContext) -> list[Shape]:
    return [merge(c, c.input(0), c.input(1))]


def _approximate(xp: Any, op: Any, x: Any, y: Any) -> Any:
    return xp.abs(x - y) < op.attrs["tolerance"]


register_op(
    "ApproximateEqual",
    shape=_merged_inputs,
    lower=lambda op, x, y: _approximate(jnp, op, x, y),
    numpy=lambda op, x, y: _approximate(np, op, x, y),
    gradient=NO_GRADIENT,
)


# ---- more inputs


def _add_n_shape(c: ShapeContext) -> list[Shape]:
    return [merge_numbered([c.input(i) for i in range(c.num_inputs)])]


def _sum_of(op: Any, *inputs: Any) -> Any:
    if hasattr(inputs[0], "is_flow"):
        return reduce(operator.add, inputs)
    shape = np.shape(inputs[0])
    for i, x in enumerate(inputs):
        if np.shape(x) != shape:
            text = f"Inputs to operation {op.name} of type {op.type} must have the same size and shape.  Input 0: {to_text(shape)} != input {i}: {to_text(np.shape(x))}"
            raise errors.InvalidArgumentError(None, op, text)
    total = inputs[0]
    with np.errstate(all="ignore"):
        for x in inputs[1:]:
            total = total + x
    return _as_object(total) if op._inputs[0].dtype.base_dtype.name == "variant" else total


def _as_object(value: Any) -> Any:
    """NumPy takes single objects out of their arrays."""
    if isinstance(value, np.ndarray):
        return value
    made = np.empty((), object)
    made[()] = value
    return made


register_op("AddN", shape=_add_n_shape, lower=_sum_of, numpy=_sum_of, gradient=grad.add_n_grad)
register_op("AccumulateNV2", shape=lambda c: [c.attr("shape")], lower=_sum_of, numpy=_sum_of, gradient=grad.add_n_grad)


def _betainc_shape(c: ShapeContext) -> list[Shape]:
    shapes = [c.input(i) for i in range(3)]
    merged: Shape = None
    some: Shape = None
    for shape in shapes:
        if shape is None:
            some = None
        elif shape:
            merged = merge(c, merged, shape)
            some = merged
    scalars = sum(s == () for s in shapes)
    return [some if scalars == 2 else () if scalars == 3 else merged]


def _betainc(op: Any, *inputs: Any) -> Any:
    names = "abx"
    for i, j in ((0, 1), (0, 2), (1, 2)):
        first, second = np.shape(inputs[i]), np.shape(inputs[j])
        if first and second and first != second:
            text = f"Shapes of {names[i]} and {names[j]} are inconsistent: {to_text(first)} vs. {to_text(second)}"
            raise errors.InvalidArgumentError(None, op, text)
    # In f32 the continued fraction loses more digits than TF's does.
    wide = jnp.broadcast_arrays(*(jnp.asarray(x, np.float64) for x in inputs))
    return lax.betainc(*wide).astype(op.attrs["T"].as_numpy_dtype)


register_op("Betainc", shape=_betainc_shape, lower=_betainc, gradient=grad.betainc_grad)


def _cross_shape(c: ShapeContext) -> list[Shape]:
    a = with_rank_at_least(c, c.input(0), 1)
    b = with_rank_at_least(c, c.input(1), 1)
    shape = merge(c, a, b)
    if shape is not None:
        with_value(shape[-1], 3)
    return [shape]


register_op(
    "Cross",
    shape=_cross_shape,
    lower=_lower_of(_named("cross")),
    numpy=_numpy_of(_named("cross")),
    gradient=grad.cross_grad,
)


# ---- gradients as op types of their own


def _first_two(c: ShapeContext) -> list[Shape]:
    return [c.input(0)]


def _tanh_grad(xp: Any, y: Any, dy: Any) -> Any:
    return dy * (y.dtype.type(1) - y * y)


def _sigmoid_grad(xp: Any, y: Any, dy: Any) -> Any:
    return dy * y * (y.dtype.type(1) - y)


def _reciprocal_grad(xp: Any, y: Any, dy: Any) -> Any:
    return -xp.conj(y) * xp.conj(y) * dy


def _sqrt_grad(xp: Any, y: Any, dy: Any) -> Any:
    return y.dtype.type(0.5) * dy / xp.conj(y)


def _rsqrt_grad(xp: Any, y: Any, dy: Any) -> Any:
    conj = xp.conj(y)
    return y.dtype.type(-0.5) * dy * conj * conj * conj


for _type, _formula, _gradient in (
    ("TanhGrad", _tanh_grad, grad.tanh_grad_grad),
    ("SigmoidGrad", _sigmoid_grad, grad.sigmoid_grad_grad),
    ("ReciprocalGrad", _reciprocal_grad, grad.reciprocal_grad_grad),
    ("InvGrad", _reciprocal_grad, grad.reciprocal_grad_grad),
    ("SqrtGrad", _sqrt_grad, grad.sqrt_grad_grad),
    ("RsqrtGrad", _rsqrt_grad, grad.rsqrt_grad_grad),
):
    _row(_type, _formula, _gradient, unchanged, _formula)
