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


# Where each stage of a step stands, as a share of the step, and how it weighs the derivatives of the stages before it.
_STAGES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (1 / 5, (1 / 5,)),
    (3 / 10, (3 / 40, 9 / 40)),
    (4 / 5, (44 / 45, -56 / 15, 32 / 9)),
    (8 / 9, (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729)),
    (1.0, (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656)),
    (1.0, (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)),
)
_OTHER_ORDER = (1951 / 21600, 0, 22642 / 50085, 451 / 720, -12231 / 42400, 649 / 6300, 1 / 60)
# The last stage stands where the step ends: what differs from it by another order is the error.
_ERROR = tuple(a - b for a, b in zip(_OTHER_ORDER, (*_STAGES[-1][1], 0), strict=True))
_HALFWAY = tuple(
    weight / 2
    for weight in (
        *(6025192743 / 30085553152, 0, 51252292925 / 65400821598, -2691868925 / 45128329728),
        *(187940372067 / 1594534317056, -1776094331 / 19743644256, 11237099 / 235043384),
    )
)


def _weighted(weights: Any, tensors: Any) -> Any:
    return tf.add_n([w * x for w, x in zip(weights, tensors, strict=True) if isinstance(w, tf.Tensor) or w != 0])


class _Step(NamedTuple):
    """A step from `start` over `size`: where it leads, and the derivatives met on the way."""

    start: Any
    size: Any
    end: Any
    derivatives: list[Any]

    @property
    def error(self) -> Any:
        """How far off the end may be."""
        return self._change(_ERROR)

    def polynomial(self) -> list[Any]:
        """Coefficients, the highest first, of degree 4: through start, middle and end, with the derivatives of both ends."""
        size, first, last = self.size, self.derivatives[0], self.derivatives[-1]
        known = [first, last, self.start, self.end, self.start + self._change(_HALFWAY)]
        rows = ([-2 * size, 2 * size, -8, -8, 16], [5 * size, -3 * size, 18, 14, -32], [-4 * size, size, -11, -5, 16])
        return [*(_weighted(row, known) for row in rows), size * first, self.start]

    def _change(self, weights: Any) -> Any:
        return self.size * _weighted(weights, self.derivatives)


def _taken(func: Function, y: Any, derivative: Any, t: Any, dt: Any) -> _Step:
    """The step from `y` at `t`, where its derivative is known, over `dt`."""
    with tf.name_scope("runge_kutta_step"):
        size, met, at = tf.cast(dt, y.dtype), [derivative], y
        for share, weights in _STAGES:
            at = y + size * _weighted(weights, met)
            met.append(func(at, t + share * dt))
        return _Step(y, size, at, met)


def _between(coefficients: list[Any], t0: Any, t1: Any, t: Any) -> Any:
    """The polynomial at a time between those of its ends; InvalidArgumentError when it runs for another."""
    inside = tf.logical_and(t0 <= t, t <= t1)
    check = tf.Assert(inside, ["invalid interpolation, fails `t0 <= t <= t1`:", t0, t, t1])
    with tf.control_dependencies([check]):
        x = tf.cast((t - t0) / (t1 - t0), coefficients[0].dtype)
    value, *rest = coefficients
    for coefficient in rest:
        value = value * x + coefficient
    return value


def _next_size(last: Any, ratio: Any, safety: Any, most: Any, least: Any) -> Any:
    """How large the next step should be, by the error of the last: between `least` and `most` times as large."""
    fifth_root = tf.cast(ratio, last.dtype) ** tf.cast(1 / 5, last.dtype)
    return last / tf.maximum(1 / most, tf.minimum(fifth_root / safety, 1 / least))


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
            step = _taken(self.func, y0, f0, t0, dt)
            y1, f1 = tf.identity(step.end), tf.identity(step.derivatives[-1])
        with tf.name_scope("error_ratio"):
            allowed = self.atol + self.rtol * tf.maximum(abs(y0), abs(y1))
            ratio = tf.sqrt(tf.reduce_mean(_abs_square(step.error) / _abs_square(allowed)))
            accepted = ratio <= 1
        with tf.name_scope("update/rk_state"):
            state = _RungeKuttaState(
                y1=tf.cond(accepted, lambda: y1, lambda: y0),
                f1=tf.cond(accepted, lambda: f1, lambda: f0),
                t0=t0,
                t1=tf.cond(accepted, lambda: t0 + dt, lambda: t0),
                interp_coeff=tf.cond(accepted, step.polynomial, lambda: coefficients),
                dt=_next_size(dt, ratio, self.safety, self.ifactor, self.dfactor),
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
            y = _between(state.interp_coeff, state.t0, state.t1, self.t[i])
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
