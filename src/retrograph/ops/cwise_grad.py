"""Gradients of the element-wise op types, as graph operations in the order and by the names of TF 1.15's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, get_default_graph
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import array
from retrograph.ops.cast import cast
from retrograph.ops.raw import raw
from retrograph.ops.reduction_grad import conj

Grad = Any

# ---- broadcasting


def _unbroadcast(grad: Any, axes: Any, shape: Any) -> Any:
    """`grad` summed over the axes along which an operand was repeated, in the operand's shape."""
    return array.reshape(raw("Sum", grad, axes), shape)


def broadcast_args(x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    """Tensors: the shapes of two operands, and along which axes each was repeated."""
    sx, sy = array.shape(x), array.shape(y)
    rx, ry = raw("BroadcastGradientArgs", sx, sy)
    return sx, sy, rx, ry


def _is_static(shape: Any) -> bool:
    return shape is not None and None not in shape


def _equal_and_static(x: Any, y: Any, grad: Any) -> bool:
    """Whether nothing was broadcast, as far as is known."""
    return isinstance(grad, Tensor) and _is_static(x._shape) and x._shape == y._shape == grad._shape


def _repeated_axes(mine: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    if mine == other:
        return ()
    width = max(len(mine), len(other))
    return tuple(i for i, size in enumerate((1,) * (width - len(mine)) + mine) if size == 1)


def _static_axes(sx: tuple[int, ...], sy: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """As `broadcast_args` for known shapes; TF makes its operation once per graph and pair of shapes."""
    cache = get_default_graph().__dict__.setdefault("_bcast_grad_args_cache", {})
    found = cache.get((sx, sy))
    if found is None:
        raw("BroadcastGradientArgs", sx, sy)
        found = cache[sx, sy] = _repeated_axes(sx, sy), _repeated_axes(sy, sx)
    return found  # type: ignore[no-any-return]


Reduced = Callable[[Any], Any]


def _reducers(x: Any, y: Any, grad: Any) -> tuple[Reduced, Reduced]:
    """Two functions that give a gradient the shape of `x` and of `y`."""
    if not isinstance(grad, Tensor):
        sx, sy, rx, ry = broadcast_args(x, y)
        return lambda g: _unbroadcast(g, rx, sx), lambda g: _unbroadcast(g, ry, sy)
    if not (_is_static(x._shape) and _is_static(y._shape)):
        sx, sy = array.shape_internal(x, optimize=False), array.shape_internal(y, optimize=False)
        rx, ry = raw("BroadcastGradientArgs", sx, sy)
        return lambda g: _unbroadcast(g, rx, sx), lambda g: _unbroadcast(g, ry, sy)
    ax, ay = _static_axes(x._shape, y._shape)
    return _static_reducer(ax, x._shape, grad), _static_reducer(ay, y._shape, grad)


def _static_reducer(axes: tuple[int, ...], shape: tuple[int, ...], grad: Any) -> Reduced:
    if shape == grad._shape:
        return lambda g: g
    return lambda g: _unbroadcast(g, axes, shape)


# ---- sums and products


def add_grad(op: Any, grad: Grad) -> list[Any]:
    """dz, dz."""
    x, y = op.inputs
    if _equal_and_static(x, y, grad):
        return [grad, grad]
    to_x, to_y = _reducers(x, y, grad)
    return [to_x(grad), to_y(grad)]


def sub_grad(op: Any, grad: Grad) -> list[Any]:
    """dz, -dz."""
    x, y = op.inputs
    if _equal_and_static(x, y, grad):
        return [grad, -grad]
    to_x, to_y = _reducers(x, y, grad)
    return [to_x(grad), to_y(-grad)]


def mul_grad(op: Any, grad: Grad) -> list[Any]:
    """dz * y, dz * x."""
    x, y = op.inputs
    if _equal_and_static(x, y, grad) and grad.dtype in (dtypes.int32, dtypes.float32):
        return [raw("Mul", grad, y), raw("Mul", grad, x)]
    to_x, to_y = _reducers(x, y, grad)
    x, y = conj(x), conj(y)
    return [to_x(raw("Mul", grad, y)), to_y(raw("Mul", x, grad))]


def mul_no_nan_grad(op: Any, grad: Grad) -> list[Any]:
    """dz * y, dz * x without NaN from zeros."""
    x, y = op.inputs
    if _equal_and_static(x, y, grad):
        return [raw("MulNoNan", grad, y), raw("MulNoNan", x, grad)]
    sx, sy, rx, ry = broadcast_args(x, y)
    return [_unbroadcast(raw("MulNoNan", grad, y), rx, sx), _unbroadcast(raw("MulNoNan", x, grad), ry, sy)]


def _quotient_grad(divide: Callable[[Any, Any], Any]) -> Callable[[Any, Any], list[Any]]:
    def gradient(op: Any, grad: Grad) -> list[Any]:
        x, y = op.inputs
        sx, sy, rx, ry = broadcast_args(x, y)
        x, y = conj(x), conj(y)
        first = _unbroadcast(divide(grad, y), rx, sx)
        return [first, _unbroadcast(grad * divide(divide(-x, y), y), ry, sy)]

    return gradient


def _divide_no_nan(x: Any, y: Any) -> Any:
    return raw("DivNoNan", x, y, name="div_no_nan")


div_grad = _quotient_grad(lambda x, y: x / y)
real_div_grad = _quotient_grad(lambda x, y: raw("RealDiv", x, y))
div_no_nan_grad = _quotient_grad(_divide_no_nan)


def floor_mod_grad(op: Any, grad: Grad) -> list[Any]:
    """dz, -dz * (x // y)."""
    x, y = conj(op.inputs[0]), conj(op.inputs[1])
    sx, sy, rx, ry = broadcast_args(x, y)
    floor_xy = raw("FloorDiv", x, y)
    gx = _unbroadcast(grad, rx, sx)
    return [gx, _unbroadcast(grad * raw("Neg", floor_xy), ry, sy)]


def _log_of_base(x: Any) -> Any:
    mask = raw("NotEqual", x, 0) if x.dtype.is_complex else x > 0
    safe = raw("Select", mask, x, array.ones_like(x))
    return raw("Select", mask, raw("Log", safe), array.zeros_like(x))


def pow_grad(op: Any, grad: Grad) -> list[Any]:
    """dz * y * x ** (y - 1), dz * z * log(x)."""
    x, y = op.inputs
    to_x, to_y = _reducers(x, y, grad)
    x, y = conj(x), conj(y)
    gx = to_x(grad * y * raw("Pow", x, y - 1))
    z, log_x = conj(op.outputs[0]), _log_of_base(x)
    return [gx, to_y(grad * z * log_x)]


def _extreme_grad(selector: str) -> Callable[[Any, Any], list[Any]]:
    def gradient(op: Any, grad: Grad) -> list[Any]:
        x, y = op.inputs
        sx, sy = array.shape(x), array.shape(y)
        zeros = array.zeros(array.shape(grad), grad.dtype)
        mask = raw(selector, x, y)
        rx, ry = raw("BroadcastGradientArgs", sx, sy)
        gx = _unbroadcast(raw("Select", mask, grad, zeros), rx, sx)
        return [gx, _unbroadcast(raw("Select", mask, zeros, grad), ry, sy)]

    return gradient


maximum_grad = _extreme_grad("GreaterEqual")
minimum_grad = _extreme_grad("LessEqual")


def squared_difference_grad(op: Any, grad: Grad) -> list[Any]:
    """2 * dz * (x - y), and its negative."""
    x, y = op.inputs
    with control_dependencies([grad]):
        x_grad = scalar_mul(2.0, grad) * (x - y)
    if _equal_and_static(x, y, grad):
        return [x_grad, -x_grad]
    to_x, to_y = _reducers(x, y, grad)
    gx = to_x(x_grad)
    return [gx, -to_y(x_grad)]


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """`scalar * x` for a tensor or `IndexedSlices`; ValueError if `scalar` is not one number."""
    scalar = convert_to_tensor(scalar, dtype=x.dtype.base_dtype, name="scalar")
    if scalar._shape != ():
        raise ValueError(f"Only scalar multiply works, got shape {scalar.shape}")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(raw("Mul", scalar, x.values, name=name), x.indices, x.dense_shape)
    return raw("Mul", scalar, x, name=name)


def atan2_grad(op: Any, grad: Grad) -> list[Any]:
    """dz * x / (x² + y²), -dz * y / (x² + y²)."""
    y, x = op.inputs
    with control_dependencies([grad]):
        inverse = grad / (raw("Square", x) + raw("Square", y))
        return [x * inverse, -y * inverse]


def _x_over_zero_grad(
    partials: Callable[[Any, Any, Any], tuple[Any, Any]],
) -> Callable[[Any, Any], list[Any]]:
    def gradient(op: Any, grad: Grad) -> list[Any]:
        x, y = op.inputs
        sx, sy, rx, ry = broadcast_args(x, y)
        with control_dependencies([grad]):
            not_zero = cast(raw("NotEqual", x, cast(0.0, dtype=x.dtype)), dtype=x.dtype)
            partial_x, partial_y = partials(x, y, not_zero)
            return [_unbroadcast(partial_x * grad, rx, sx), _unbroadcast(partial_y * grad, ry, sy)]

    return gradient


xlogy_grad = _x_over_zero_grad(lambda x, y, not_zero: (raw("Xlogy", not_zero, y), raw("Xdivy", x, y)))
xdivy_grad = _x_over_zero_grad(lambda x, y, not_zero: (raw("Xdivy", not_zero, y), raw("Xdivy", raw("Neg", x), y**2)))


def next_after_grad(op: Any, grad: Grad) -> list[Any]:
    """dz, 0."""
    x1, x2 = op.inputs
    s1, s2, r1, r2 = broadcast_args(x1, x2)
    with control_dependencies([grad]):
        ones, zeros = array.ones(s1, dtype=x1.dtype), array.zeros(s2, dtype=x2.dtype)
        return [_unbroadcast(ones * grad, r1, s1), _unbroadcast(zeros * grad, r2, s2)]


def add_n_grad(op: Any, grad: Grad) -> list[Any]:
    """dz for each."""
    return [grad] * len(op.inputs)


# ---- functions of one input, by what multiplies the gradient


def _guarded(formula: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`formula(conjugate of x, grad)`, made after the gradient."""

    def gradient(op: Any, grad: Grad) -> Any:
        with control_dependencies([grad]):
            return formula(conj(op.inputs[0]), grad)

    return gradient


def _of_output(formula: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`formula(conjugate of y, grad)`, made after the gradient."""

    def gradient(op: Any, grad: Grad) -> Any:
        with control_dependencies([grad]):
            return formula(conj(op.outputs[0]), grad)

    return gradient


def abs_grad(op: Any, grad: Grad) -> Any:
    """dy * sign(x)."""
    return grad * raw("Sign", op.inputs[0])


def neg_grad(op: Any, grad: Grad) -> Any:
    """-dy."""
    return -grad


def conj_grad(op: Any, grad: Grad) -> Any:
    """conj(dy)."""
    return conj(grad)


def reciprocal_grad(op: Any, grad: Grad) -> Any:
    """-dy * y²."""
    return raw("ReciprocalGrad", op.outputs[0], grad)


def sqrt_grad(op: Any, grad: Grad) -> Any:
    """dy / (2 * y)."""
    return raw("SqrtGrad", op.outputs[0], grad)


def rsqrt_grad(op: Any, grad: Grad) -> Any:
    """-dy * y³ / 2."""
    return raw("RsqrtGrad", op.outputs[0], grad)


def sign_grad(op: Any, grad: Grad) -> Any:
    """0."""
    x = op.inputs[0]
    return array.zeros(array.shape(x), dtype=x.dtype)


def _square(x: Any, grad: Grad) -> Any:
    two = constant(2.0, dtype=x.dtype)
    return raw("Mul", grad, raw("Mul", x, two))


def _one(grad: Grad) -> Any:
    return constant(1, dtype=grad.dtype)


def _asin(x: Any, grad: Grad, sign: int) -> Any:
    square = raw("Square", x)
    inverse = raw("Reciprocal", raw("Sqrt", raw("Sub", _one(grad), square)))
    return grad * inverse if sign > 0 else -grad * inverse


def _atan(x: Any, grad: Grad, operation: str) -> Any:
    square = raw("Square", x)
    return grad * raw("Reciprocal", raw(operation, _one(grad), square))


def _tan(x: Any, grad: Grad) -> Any:
    return raw("Square", raw("Reciprocal", raw("Cos", x))) * grad


square_grad = _guarded(_square)
exp_grad = _of_output(lambda y, grad: grad * y)
expm1_grad = _guarded(lambda x, grad: grad * raw("Exp", x))
log_grad = _guarded(lambda x, grad: grad * raw("Reciprocal", x))
log1p_grad = _guarded(lambda x, grad: grad * raw("Reciprocal", 1 + x))
sinh_grad = _guarded(lambda x, grad: grad * raw("Cosh", x))
cosh_grad = _guarded(lambda x, grad: grad * raw("Sinh", x))
tanh_grad = _of_output(lambda y, grad: raw("TanhGrad", y, grad))
asinh_grad = _of_output(lambda y, grad: grad / raw("Cosh", y))
acosh_grad = _of_output(lambda y, grad: grad / raw("Sinh", y))
atanh_grad = _guarded(lambda x, grad: _atan(x, grad, "Sub"))
lgamma_grad = _guarded(lambda x, grad: grad * raw("Digamma", x))
digamma_grad = _guarded(lambda x, grad: grad * raw("Polygamma", constant(1, dtype=x.dtype), x))
sigmoid_grad = _of_output(lambda y, grad: raw("SigmoidGrad", y, grad))
sin_grad = _guarded(lambda x, grad: grad * raw("Cos", x))
cos_grad = _guarded(lambda x, grad: -grad * raw("Sin", x))
tan_grad = _guarded(_tan)
asin_grad = _guarded(lambda x, grad: _asin(x, grad, 1))
acos_grad = _guarded(lambda x, grad: _asin(x, grad, -1))
atan_grad = _guarded(lambda x, grad: _atan(x, grad, "Add"))


def _erf_like(factor: float) -> Callable[[Any, Any], Any]:
    def gradient(op: Any, grad: Grad) -> Any:
        scale = constant(factor, dtype=grad.dtype)
        with control_dependencies([grad]):
            x = conj(op.inputs[0])
            return grad * scale * raw("Exp", -raw("Square", x))

    return gradient


erf_grad = _erf_like(2 / np.sqrt(np.pi))
erfc_grad = _erf_like(-2 / np.sqrt(np.pi))


def bessel_i0e_grad(op: Any, grad: Grad) -> Any:
    """dy * (i1e(x) - sign(x) * y)."""
    x, y = op.inputs[0], op.outputs[0]
    with control_dependencies([grad]):
        return grad * (raw("BesselI1e", x) - raw("Sign", x) * y)


def bessel_i1e_grad(op: Any, grad: Grad) -> Any:
    """dy * (i0e(x) - y * (sign(x) + 1 / x)), 1/2 at 0."""
    x, y = op.inputs[0], op.outputs[0]
    with control_dependencies([grad]):
        eps = np.finfo(x.dtype.as_numpy_dtype).eps
        zeros = array.zeros_like(x)
        not_tiny = raw("Abs", x) > eps
        safe = raw("Select", not_tiny, x, eps + zeros)
        slope = raw("BesselI0e", safe) - y * (raw("Sign", safe) + raw("Reciprocal", safe))
        return grad * raw("Select", not_tiny, slope, 0.5 + zeros)


# ---- special functions of two inputs


def igamma_grad(op: Any, grad: Grad) -> list[Any]:
    """dz * d/da, dz * exp(-x) * x ** (a - 1) / gamma(a)."""
    a, x = op.inputs
    sa, sx, ra, rx = broadcast_args(a, x)
    with control_dependencies([grad]):
        partial_a = raw("IgammaGradA", a, x)
        partial_x = raw("Exp", -x + (a - 1) * raw("Log", x) - raw("Lgamma", a))
        return [_unbroadcast(partial_a * grad, ra, sa), _unbroadcast(partial_x * grad, rx, sx)]


def igammac_grad(op: Any, grad: Grad) -> list[Any]:
    """The negative of `igamma_grad`."""
    a, x = igamma_grad(op, grad)
    return [-a, -x]


def betainc_grad(op: Any, grad: Grad) -> list[Any]:
    """The gradient to x alone."""
    a, b, x = op.inputs
    _, sx, _, rx = broadcast_args(a, x)
    log_beta = raw("Lgamma", a) + raw("Lgamma", b) - raw("Lgamma", a + b)
    partial_x = raw("Exp", (b - 1) * raw("Log", 1 - x) + (a - 1) * raw("Log", x) - log_beta)
    return [None, None, _unbroadcast(partial_x * grad, rx, sx)]


def zeta_grad(op: Any, grad: Grad) -> list[Any]:
    """The gradient to q alone."""
    x, q = op.inputs
    _, sq, _, rq = broadcast_args(x, q)
    with control_dependencies([grad]):
        x, q = conj(x), conj(q)
        partial_q = -x * raw("Zeta", x + 1, q)
        return [None, _unbroadcast(partial_q * grad, rq, sq)]


def polygamma_grad(op: Any, grad: Grad) -> list[Any]:
    """The gradient to x alone."""
    n, x = op.inputs
    _, sx, _, rx = broadcast_args(n, x)
    with control_dependencies([grad]):
        n, x = conj(n), conj(x)
        partial_x = raw("Polygamma", n + 1, x)
        return [None, _unbroadcast(partial_x * grad, rx, sx)]


# ---- complex numbers


def _complex(real: Any, imag: Any) -> Any:
    tout = dtypes.complex128 if real.dtype == dtypes.float64 else dtypes.complex64
    return raw("Complex", real, imag, Tout=tout)


def _part(which: str, x: Any) -> Any:
    return raw(which, x, Tout=x.dtype.real_dtype)


def complex_grad(op: Any, grad: Grad) -> list[Any]:
    """real(dz), imag(dz)."""
    x, y = op.inputs
    sx, sy, rx, ry = broadcast_args(x, y)
    return [_unbroadcast(_part("Real", grad), rx, sx), _unbroadcast(_part("Imag", grad), ry, sy)]


def real_grad(op: Any, grad: Grad) -> Any:
    """The gradient as the real part."""
    return _complex(grad, constant(0, dtype=grad.dtype))


def imag_grad(op: Any, grad: Grad) -> Any:
    """The gradient as the imaginary part."""
    return _complex(constant(0, dtype=grad.dtype), grad)


def angle_grad(op: Any, grad: Grad) -> Any:
    """-dy / (im + i * re)."""
    x = op.inputs[0]
    with control_dependencies([grad]):
        re, im = _part("Real", x), _part("Imag", x)
        z = raw("Reciprocal", _complex(im, re))
        complex_grad = _complex(grad, constant(0, dtype=grad.dtype))
        return -complex_grad * z


def complex_abs_grad(op: Any, grad: Grad) -> Any:
    """dy * x / |x|."""
    y = op.outputs[0]
    numerator = _complex(grad, array.zeros_like(grad)) * op.inputs[0]
    return _divide_no_nan(numerator, _complex(y, array.zeros_like(y)))


def cross_grad(op: Any, grad: Grad) -> list[Any]:
    """v x dz, dz x u."""
    u, v = op.inputs
    return [raw("Cross", v, grad), raw("Cross", grad, u)]


# ---- gradients of gradients


def reciprocal_grad_grad(op: Any, grad: Grad) -> list[Any]:
    """For ReciprocalGrad(y, dy)."""
    b = op.inputs[1]
    with control_dependencies([grad]):
        ca, cg = conj(op.inputs[0]), conj(grad)
        return [cg * -2.0 * b * ca, raw("ReciprocalGrad", ca, grad)]


def sqrt_grad_grad(op: Any, grad: Grad) -> list[Any]:
    """For SqrtGrad(y, dy)."""
    a, y = op.inputs[0], op.outputs[0]
    with control_dependencies([grad]):
        ga = grad / a
        return [-conj(ga) * y, 0.5 * ga]


def rsqrt_grad_grad(op: Any, grad: Grad) -> list[Any]:
    """For RsqrtGrad(y, dy)."""
    a, b = op.inputs
    with control_dependencies([grad]):
        ca, cg = conj(a), conj(grad)
        grad_a = -1.5 * cg * b * raw("Square", ca)
        return [grad_a, raw("RsqrtGrad", ca, grad)]


def tanh_grad_grad(op: Any, grad: Grad) -> list[Any]:
    """For TanhGrad(y, dy)."""
    with control_dependencies([grad]):
        a, b = conj(op.inputs[0]), conj(op.inputs[1])
        return [grad * -2.0 * b * a, raw("TanhGrad", a, grad)]


def sigmoid_grad_grad(op: Any, grad: Grad) -> list[Any]:
    """For SigmoidGrad(y, dy)."""
    with control_dependencies([grad]):
        a, b = conj(op.inputs[0]), conj(op.inputs[1])
        gb = grad * b
        return [gb - 2.0 * gb * a, raw("SigmoidGrad", a, grad)]
