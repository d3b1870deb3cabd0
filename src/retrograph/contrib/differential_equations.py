"""`tf.contrib.integrate`: ordinary differential equations, by steps whose size is chosen or fixed.

The adaptive method is Dormand and Prince's of order 5, with a polynomial of degree 4 between steps (Shampine, 1986).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework.conversion import internal_convert_to_tensor as convert
from retrograph.framework.exports import export

Function = Callable[[Any, Any], Any]


class _ButcherTableau(NamedTuple):
    alpha: Any
    beta: Any
    c_sol: Any
    c_mid: Any
    c_error: Any


_LAST = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]
_FOURTH_ORDER = [1951 / 21600, 0, 22642 / 50085, 451 / 720, -12231 / 42400, 649 / 6300, 1 / 60]
_MIDDLE = [
    6025192743 / 30085553152, 0, 51252292925 / 65400821598, -2691868925 / 45128329728,
    187940372067 / 1594534317056, -1776094331 / 19743644256, 11237099 / 235043384,
]  # fmt: skip
_DORMAND_PRINCE_TABLEAU = _ButcherTableau(
    alpha=[1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0],
    beta=[
        [1 / 5],
        [3 / 40, 9 / 40],
        [44 / 45, -56 / 15, 32 / 9],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        _LAST,
    ],
    c_sol=[*_LAST, 0],
    c_mid=[c / 2 for c in _MIDDLE],
    c_error=[a - b for a, b in zip(_FOURTH_ORDER, [*_LAST, 0], strict=True)],
)


def _is_zero(x: Any) -> bool:
    return not isinstance(x, tf.Tensor) and x == 0


def _scaled_dot_product(scale: Any, xs: Any, ys: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "scaled_dot_product", [scale, xs, ys]) as scope:
        pairs = [(x, y) for x, y in zip(xs, ys, strict=False) if not (_is_zero(x) or _is_zero(y))]
        return tf.add_n([(scale * x) * y for x, y in pairs], name=scope)


def _dot_product(xs: Any, ys: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "dot_product", [xs, ys]) as scope:
        return tf.add_n([x * y for x, y in zip(xs, ys, strict=False)], name=scope)


def _runge_kutta_step(
    func: Function, y0: Any, f0: Any, t0: Any, dt: Any, tableau: Any = _DORMAND_PRINCE_TABLEAU, name: Any = None
) -> Any:
    """(value, derivative, estimated error, derivatives on the way) at the end of a step."""
    with tf.name_scope(name, "runge_kutta_step", [y0, f0, t0, dt]) as scope:
        y0, f0 = convert(y0, name="y0"), convert(f0, name="f0")
        t0, dt = convert(t0, name="t0"), convert(dt, name="dt")
        step = tf.cast(dt, y0.dtype)
        k = [f0]
        value = y0
        for alpha, beta in zip(tableau.alpha, tableau.beta, strict=True):
            time = t0 + alpha * dt
            value = y0 + _scaled_dot_product(step, beta, k)
            k.append(func(value, time))
        if not (tableau.c_sol[-1] == 0 and tableau.c_sol[:-1] == tableau.beta[-1]):
            value = y0 + _scaled_dot_product(step, tableau.c_sol, k)
        y1 = tf.identity(value, name=f"{scope}/y1")
        f1 = tf.identity(k[-1], name=f"{scope}/f1")
        return y1, f1, _scaled_dot_product(step, tableau.c_error, k, name=f"{scope}/y1_error"), k


def _interp_fit(y0: Any, y1: Any, y_mid: Any, f0: Any, f1: Any, dt: Any) -> list[Any]:
    """Coefficients, the highest first, of the polynomial of degree 4 through three values with two derivatives."""
    known = [f0, f1, y0, y1, y_mid]
    rows = ([-2 * dt, 2 * dt, -8, -8, 16], [5 * dt, -3 * dt, 18, 14, -32], [-4 * dt, dt, -11, -5, 16])
    return [*(_dot_product(row, known) for row in rows), dt * f0, y0]


def _interp_fit_rk(y0: Any, y1: Any, k: Any, dt: Any, tableau: Any = _DORMAND_PRINCE_TABLEAU) -> list[Any]:
    with tf.name_scope("interp_fit_rk"):
        dt = tf.cast(dt, y0.dtype)
        y_mid = y0 + _scaled_dot_product(dt, tableau.c_mid, k)
        return _interp_fit(y0, y1, y_mid, k[0], k[-1], dt)


def _interp_evaluate(coefficients: Any, t0: Any, t1: Any, t: Any) -> Any:
    """The polynomial at a time between those of its ends; InvalidArgumentError when it runs for another."""
    with tf.name_scope("interp_evaluate"):
        t0, t1, t = convert(t0), convert(t1), convert(t)
        dtype = coefficients[0].dtype
        check = tf.Assert((t0 <= t) & (t <= t1), ["invalid interpolation, fails `t0 <= t <= t1`:", t0, t, t1])
        with tf.control_dependencies([check]):
            x = tf.cast((t - t0) / (t1 - t0), dtype)
        powers = [tf.constant(1, dtype), x]
        while len(powers) < len(coefficients):
            powers.append(powers[-1] * x)
        return _dot_product(coefficients, powers[::-1])


def _optimal_step_size(
    last_step: Any,
    error_ratio: Any,
    safety: Any = 0.9,
    ifactor: Any = 10.0,
    dfactor: Any = 0.2,
    order: int = 5,
    name: Any = None,
) -> Any:
    """How large the next step should be, by the error of the last."""
    with tf.name_scope(name, "optimal_step_size", [last_step, error_ratio]) as scope:
        error_ratio = tf.cast(error_ratio, last_step.dtype)
        exponent = tf.cast(1 / order, last_step.dtype)
        factor = tf.maximum(1 / ifactor, tf.minimum(error_ratio**exponent / safety, 1 / dfactor))
        return tf.div(last_step, factor, name=scope)


def _abs_square(x: Any) -> Any:
    return tf.square(tf.real(x)) + tf.square(tf.imag(x)) if x.dtype.is_complex else tf.square(x)


def _ta_append(array: Any, value: Any) -> Any:
    return array.write(array.size(), value)


class _RungeKuttaState(NamedTuple):
    y1: Any
    f1: Any
    t0: Any
    t1: Any
    dt: Any
    interp_coeff: Any


class _History(NamedTuple):
    integrate_points: Any
    error_ratio: Any


def _assert_increasing(t: Any) -> Any:
    check = tf.Assert(tf.reduce_all(t[1:] > t[:-1]), ["`t` must be monotonic increasing"])
    return tf.control_dependencies([check])


def _check_input_types(y0: Any, t: Any, dt: Any = None) -> None:
    if not (y0.dtype.is_floating or y0.dtype.is_complex):
        raise TypeError("`y0` must have a floating point or complex floating point dtype")
    for name, value in (("t", t), ("dt", dt)):
        if value is not None and not value.dtype.is_floating:
            raise TypeError(f"`{name}` must have a floating point dtype")


def _check_input_sizes(t: Any, dt: Any) -> None:
    if t.shape.ndims > 1 or dt.shape.ndims > 1:
        raise ValueError("t must be a 1D tensor")
    if t.shape[0] != dt.shape[0] + 1:
        raise ValueError("t and dt have incompatible lengths, must be N and N-1")


class _Dopri5:
    """The adaptive method."""

    def __init__(self, func: Function, t: Any, rtol: Any, atol: Any, options: dict[str, Any]):
        self.func, self.t, self.rtol, self.atol = func, t, rtol, atol
        known = {"first_step": 1.0, "safety": 0.9, "ifactor": 10.0, "dfactor": 0.2, "max_num_steps": 1000}
        for key in options:
            if key not in known:
                raise TypeError(f"_dopri5() got an unexpected keyword argument '{key}'")
        given = {key: known[key] if options.get(key) is None else options[key] for key in known}
        for key, value in given.items():
            setattr(self, key, convert(value, dtype=tf.int32 if key == "max_num_steps" else t.dtype, name=key))

    first_step: Any
    safety: Any
    ifactor: Any
    dfactor: Any
    max_num_steps: Any

    def _checks(self, y0: Any, t0: Any, dt: Any, n_steps: Any) -> list[Any]:
        with tf.name_scope("assertions"):
            return [
                tf.Assert(t0 + dt > t0, ["underflow in dt", dt]),
                tf.Assert(n_steps < self.max_num_steps, ["max_num_steps exceeded"]),
                tf.Assert(tf.reduce_all(tf.is_finite(abs(y0))), ["non-finite values in state `y`", y0]),
            ]

    def _step(self, state: Any, history: Any, n_steps: Any) -> Any:
        y0, f0, _, t0, dt, coefficients = state
        with tf.control_dependencies(self._checks(y0, t0, dt, n_steps)):
            y1, f1, error, k = _runge_kutta_step(self.func, y0, f0, t0, dt)
        with tf.name_scope("error_ratio"):
            allowed = self.atol + self.rtol * tf.maximum(abs(y0), abs(y1))
            ratio = tf.sqrt(tf.reduce_mean(_abs_square(error) / _abs_square(allowed)))
            accepted = ratio <= 1
        with tf.name_scope("update/rk_state"):
            state = _RungeKuttaState(
                y1=tf.cond(accepted, lambda: y1, lambda: y0),
                f1=tf.cond(accepted, lambda: f1, lambda: f0),
                t0=t0,
                t1=tf.cond(accepted, lambda: t0 + dt, lambda: t0),
                interp_coeff=tf.cond(accepted, lambda: _interp_fit_rk(y0, y1, k, dt), lambda: coefficients),
                dt=_optimal_step_size(dt, ratio, self.safety, self.ifactor, self.dfactor),
            )
        with tf.name_scope("update/history"):
            points = _ta_append(history.integrate_points, t0 + dt)
            history = _History(points, _ta_append(history.error_ratio, ratio))
        return state, history, n_steps + 1

    def _to(self, solution: Any, history: Any, state: Any, i: Any) -> Any:
        with tf.name_scope("interpolate"):
            state, history, _ = tf.while_loop(
                lambda state, *_: self.t[i] > state.t1, self._step, (state, history, 0), name="integrate_loop"
            )
            y = _interp_evaluate(state.interp_coeff, state.t0, state.t1, self.t[i])
            return solution.write(i, y), history, state, i + 1

    def run(self, y0: Any, name: str) -> tuple[Any, Any]:
        """(values at the times, history)."""
        t = self.t
        with _assert_increasing(t):
            count = tf.size(t)
        solution = tf.TensorArray(y0.dtype, size=count).write(0, y0)
        history = _History(
            tf.TensorArray(t.dtype, size=0, dynamic_size=True),
            tf.TensorArray(self.rtol.dtype, size=0, dynamic_size=True),
        )
        start = _RungeKuttaState(y0, self.func(y0, t[0]), t[0], t[0], self.first_step, [y0] * 5)
        solution, history, _, _ = tf.while_loop(
            lambda _, __, ___, i: i < count, self._to, (solution, history, start, 1), name="interpolate_loop"
        )
        y = solution.stack(name=name)
        y.set_shape(t.shape.concatenate(y0.shape))
        return y, history


@export("contrib.integrate.odeint")
def odeint(
    func: Function,
    y0: Any,
    t: Any,
    rtol: Any = 1e-6,
    atol: Any = 1e-12,
    method: str | None = None,
    options: dict[str, Any] | None = None,
    full_output: bool = False,
    name: str | None = None,
) -> Any:
    """Solves `dy/dt = func(y, t)`, `y(t[0]) = y0`: `f[n, ...]` values at the times `f[n]`; a dictionary too if `full_output`.

    Raises: ValueError for another method than `dopri5` or options without one; TypeError for integers.
    Source: TF 1.15 `tf.contrib.integrate.odeint`.
    """
    if method is not None and method != "dopri5":
        raise ValueError(f"invalid method: {method!r}")
    if options is not None and method is None:
        raise ValueError("cannot supply `options` without specifying `method`")
    with tf.name_scope(name, "odeint", [y0, t, rtol, atol]) as scope:
        y0 = convert(y0, name="y0")
        t = convert(t, preferred_dtype=tf.float64, name="t")
        _check_input_types(y0, t)
        dtype = abs(y0).dtype
        rtol, atol = convert(rtol, dtype=dtype, name="rtol"), convert(atol, dtype=dtype, name="atol")
        with tf.name_scope(scope) as inner:
            y, history = _Dopri5(func, t, rtol, atol, options or {}).run(y0, inner)
            if not full_output:
                return y
            points = history.integrate_points.stack()
            evaluations = 6 * tf.size(points) + 1
            ratios = history.error_ratio.stack()
            return y, {"num_func_evals": evaluations, "integrate_points": points, "error_ratio": ratios}


class _FixedGridIntegrator:
    def integrate(self, evol_func: Function, y0: Any, time_grid: Any, dt_grid: Any, steps_on_intervals: Any) -> Any:
        """Values at the times of the grid, so many steps of the given size between two."""

        def step(y: Any, t: Any, done: Any, interval: Any) -> Any:
            dt = dt_grid[interval - 1]
            dy = tf.cast(self._step_func(evol_func, t, dt, y), dtype=y.dtype)
            return y + dy, t + dt, done + 1, interval

        def over(solution: Any, y: Any, t: Any, interval: Any) -> Any:
            y, t, _, _ = tf.while_loop(lambda _, __, j, k: j < steps_on_intervals[k - 1], step, (y, t, 0, interval))
            return solution.write(interval, y), y, t, interval + 1

        count = tf.size(time_grid)
        start = time_grid[0]
        solution = tf.TensorArray(y0.dtype, count).write(0, y0)
        solution = tf.while_loop(lambda _, __, ___, i: i < count, over, (solution, y0, start, 1))[0].stack()
        solution.set_shape(time_grid.shape.concatenate(y0.shape))
        return solution

    def _step_func(self, evol_func: Function, t: Any, dt: Any, y: Any) -> Any:
        raise NotImplementedError


class _MidpointFixedGridIntegrator(_FixedGridIntegrator):
    def _step_func(self, evol_func: Function, t: Any, dt: Any, y: Any) -> Any:
        step = tf.cast(dt, y.dtype)
        return step * evol_func(y + evol_func(y, t) * step / 2, t + dt / 2)


class _RK4FixedGridIntegrator(_FixedGridIntegrator):
    def _step_func(self, evol_func: Function, t: Any, dt: Any, y: Any) -> Any:
        k1 = evol_func(y, t)
        half, step = t + dt / 2, tf.cast(dt, y.dtype)
        k2 = evol_func(y + step * k1 / 2, half)
        k3 = evol_func(y + step * k2 / 2, half)
        k4 = evol_func(y + step * k3, t + dt)
        return tf.add_n([k1, 2 * k2, 2 * k3, k4]) * (step / 6)


_FIXED = {"midpoint": _MidpointFixedGridIntegrator, "rk4": _RK4FixedGridIntegrator}


@export("contrib.integrate.odeint_fixed")
def odeint_fixed(func: Function, y0: Any, t: Any, dt: Any = None, method: str = "rk4", name: str | None = None) -> Any:
    """Solves `dy/dt = func(y, t)`, `y(t[0]) = y0` by steps of at most `dt`: `f[n, ...]` values at the times `f[n]`.

    Raises: ValueError for another method than `rk4` and `midpoint`, or sizes that do not fit; TypeError for integers.
    Source: TF 1.15 `tf.contrib.integrate.odeint_fixed`.
    """
    with tf.name_scope(name, "odeint_fixed", [y0, t, dt]):
        t = convert(t, preferred_dtype=tf.float64, name="t")
        y0 = convert(y0, name="y0")
        intervals = t[1:] - t[:-1]
        dt = convert(intervals if dt is None else dt, preferred_dtype=tf.float64, name="dt")
        steps = tf.ceil(intervals / dt)
        dt = intervals / steps
        steps = tf.cast(steps, dtype=tf.int32)
        _check_input_types(y0, t, dt)
        _check_input_sizes(t, dt)
        with _assert_increasing(t), tf.name_scope(method):
            if method not in _FIXED:
                raise ValueError(f"method not supported: {method!s}")
            return _FIXED[method]().integrate(func, y0, t, dt, steps)
