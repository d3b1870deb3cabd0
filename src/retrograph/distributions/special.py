"""The normal distribution function, its log and its inverse, and the Laplace one."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf

_SQRT_2 = np.sqrt(2.0)

# Where log_ndtr changes its formula: (below: asymptotic series, above: -ndtr(-x)).
LOGNDTR_FLOAT64_LOWER, LOGNDTR_FLOAT64_UPPER = np.array(-20, np.float64), np.array(8, np.float64)
LOGNDTR_FLOAT32_LOWER, LOGNDTR_FLOAT32_UPPER = np.array(-10, np.float32), np.array(5, np.float32)
_SEGMENTS: dict[Any, tuple[Any, Any]] = {
    np.float64: (LOGNDTR_FLOAT64_LOWER, LOGNDTR_FLOAT64_UPPER),
    np.float32: (LOGNDTR_FLOAT32_LOWER, LOGNDTR_FLOAT32_UPPER),
}

# Cephes' rational approximations of ndtri, by descending power: near 1/2, for z in [2, 8], for z >= 8.
_P0 = (-5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1, 1.39312609387279679503e1,
       -1.23916583867381258016e0)  # fmt: skip
_Q0 = (1.0, 1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1, -2.25462687854119370527e2,
       2.00260212380060660359e2, -8.20372256168333339912e1, 1.59056225126211695515e1, -1.18331621121330003142e0)  # fmt: skip
_P1 = (4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1, 4.40805073893200834700e1,
       1.46849561928858024014e1, 2.18663306850790267539e0, -1.40256079171354495875e-1, -3.50424626827848203418e-2,
       -8.57456785154685413611e-4)  # fmt: skip
_Q1 = (1.0, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1, 1.50425385692907503408e1,
       2.50464946208309415979e0, -1.42182922854787788574e-1, -3.80806407691578277194e-2,
       -9.33259480895457427372e-4)  # fmt: skip
_P2 = (3.23774891776946035970e0, 6.91522889068984211695e0, 3.93881025292474443415e0, 1.33303460815807542389e0,
       2.01485389549179081538e-1, 1.23716634817820021358e-2, 3.01581553508235416007e-4, 2.65806974686737550832e-6,
       6.23974539184983293730e-9)  # fmt: skip
_Q2 = (1.0, 6.02427039364742014255e0, 3.67983563856160859403e0, 1.37702099489081330271e0, 2.16236993594496635890e-1,
       1.34204006088543189037e-2, 3.28014464682127739104e-4, 2.89247864745380683936e-6,
       6.79019408009981274425e-9)  # fmt: skip


def _float(x: Any, name: str, text: str) -> Any:
    x = tf.convert_to_tensor(x, name=name)
    if x.dtype.as_numpy_dtype not in _SEGMENTS:
        raise TypeError(f"{name}.dtype={x.dtype} is {text}")
    return x


_NOT_HANDLED = "not handled, see docstring for supported types."


def ndtr(x: Any, name: str = "ndtr") -> Any:
    """P[X <= x] of a standard normal, f32 or f64; TypeError otherwise. Source: TF 1.15 `special_math.ndtr`."""
    with tf.name_scope(name, values=[x]):
        return _ndtr(_float(x, "x", _NOT_HANDLED))


def _ndtr(x: Any) -> Any:
    half = tf.constant(0.5 * _SQRT_2, dtype=x.dtype, name="half_sqrt_2")
    w = x * half
    z = tf.abs(w)
    near = tf.less(z, half)
    center = 1.0 + tf.erf(w)
    tails = tf.where_v2(tf.greater(w, 0.0), 2.0 - tf.erfc(z), tf.erfc(z))
    return 0.5 * tf.where_v2(near, center, tails)


def _polynomial(x: Any, descending: tuple[float, ...]) -> Any:
    """By Horner, the innermost term times zeros: TF's own sequence of operations."""
    total = tf.zeros_like(x)
    for coefficient in np.array(descending, x.dtype.as_numpy_dtype):
        total = coefficient + total * x
    return total


def ndtri(p: Any, name: str = "ndtri") -> Any:
    """x with P[X <= x] = p of a standard normal, f32 or f64; TypeError otherwise. Source: TF 1.15 `special_math.ndtri`."""
    with tf.name_scope(name, values=[p]):
        return _ndtri(_float(p, "p", _NOT_HANDLED))


def _ndtri(p: Any) -> Any:
    mirrored = tf.where_v2(p > -np.expm1(-2.0), 1.0 - p, p)
    # Infinities are put in at the end; until then 1/2 stands for 0.
    is_zero = mirrored <= 0.0
    halves = tf.fill(tf.shape(p), np.array(0.5, p.dtype.as_numpy_dtype))
    safe = tf.where_v2(is_zero, halves, mirrored)
    w = safe - 0.5
    ww = w**2
    large = (w + w * ww * (_polynomial(ww, _P0) / _polynomial(ww, _Q0))) * -np.sqrt(2.0 * np.pi)
    z = tf.sqrt(-2.0 * tf.log(safe))
    first = z - tf.log(z) / z
    second = [_polynomial(1.0 / z, top) / _polynomial(1.0 / z, bottom) / z for top, bottom in ((_P2, _Q2), (_P1, _Q1))]
    small, middle = (first - term for term in second)
    x = tf.where_v2(safe > np.exp(-2.0), large, tf.where_v2(z >= 8.0, small, middle))
    x = tf.where_v2(p > 1.0 - np.exp(-2.0), x, -x)
    infinite = tf.constant(np.inf, dtype=p.dtype)
    infinity = tf.fill(tf.shape(p), infinite)
    return tf.where_v2(p <= 0.0, -infinity, tf.where_v2(p >= 1.0, infinity, x))


def erfinv(x: Any, name: str = "erfinv") -> Any:
    """y with erf(y) = x, f32 or f64; TypeError otherwise. Source: TF 1.15 `special_math.erfinv`."""
    with tf.name_scope(name, values=[x]):
        x = _float(x, "x", _NOT_HANDLED)
        return ndtri((x + 1.0) / 2.0) / np.sqrt(2)


def log_ndtr(x: Any, series_order: int = 3, name: str = "log_ndtr") -> Any:
    """log P[X <= x] of a standard normal; below -10 (f64: -20) by an asymptotic series of `series_order` terms.

    TypeError for other dtypes and orders, ValueError for an order out of [0, 30]. Source: TF 1.15
    `special_math.log_ndtr`.
    """
    if not isinstance(series_order, int):
        raise TypeError("series_order must be a Python integer.")
    if series_order < 0:
        raise ValueError("series_order must be non-negative.")
    if series_order > 30:
        raise ValueError("series_order must be <= 30.")
    with tf.name_scope(name, values=[x]):
        x = _float(x, "x", "not supported.")
        lower, upper = _SEGMENTS[x.dtype.as_numpy_dtype]
        is_high, high = tf.greater(x, upper), -_ndtr(-x)
        is_middle, middle = tf.greater(x, lower), tf.log(_ndtr(tf.maximum(x, lower)))
        low = _log_ndtr_lower(tf.minimum(x, lower), series_order)
        return tf.where_v2(is_high, high, tf.where_v2(is_middle, middle, low))


def _log_ndtr_lower(x: Any, series_order: int) -> Any:
    scale = -0.5 * tf.square(x) - tf.log(-x) - 0.5 * np.log(2.0 * np.pi)
    return scale + tf.log(_log_ndtr_asymptotic_series(x, series_order))


def _log_ndtr_asymptotic_series(x: Any, series_order: int) -> Any:
    """1 - 1/x^2 + 3/x^4 - 15/x^6 ...: even and odd terms are summed apart, so that their gradients stay finite."""
    dtype = x.dtype.as_numpy_dtype
    if series_order <= 0:
        return np.array(1, dtype)
    square = tf.square(x)
    sums = [tf.zeros_like(x), tf.zeros_like(x)]
    power = square
    for n in range(1, series_order + 1):
        sums[n % 2] += np.array(_double_factorial(2 * n - 1), dtype) / power
        power *= square
    return 1.0 + sums[0] - sums[1]


def _double_factorial(n: int) -> Any:
    return np.prod(np.arange(n, 1, -2))


def log_cdf_laplace(x: Any, name: str = "log_cdf_laplace") -> Any:
    """log P[X <= x] of a standard Laplace, without overflow. Source: TF 1.15 `special_math.log_cdf_laplace`."""
    with tf.name_scope(name, values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        lower = -np.log(2.0) + x
        # exp of a positive number could overflow in the branch that is not taken, and its gradient be NaN.
        upper = tf.log1p(-0.5 * tf.exp(-tf.abs(x)))
        return tf.where_v2(x < 0.0, lower, upper)
