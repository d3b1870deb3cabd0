"""`tf.contrib.integrate` and `tf.contrib.solvers`; arrays that a branch reads before a loop wrote them."""

import numpy as np
import pytest

import retrograph as tf
from retrograph.contrib import krylov_solvers as solvers


def _run(make):
    with tf.Graph().as_default(), tf.Session() as sess:
        return sess.run(make())


def test_adaptive_steps() -> None:
    times = [0.0, 1.0, 2.5]
    found = _run(lambda: tf.contrib.integrate.odeint(lambda y, _: -y, tf.constant(1.0, tf.float64), times))
    assert np.allclose(found, np.exp(-np.array(times)), rtol=1e-6)
    found, info = _run(
        lambda: tf.contrib.integrate.odeint(
            lambda y, t: tf.cast(t, tf.float32) * tf.ones_like(y),
            [1.0],
            times,
            method="dopri5",
            options={"first_step": 0.5},
            full_output=True,
        )
    )
    assert np.allclose(found[:, 0], [1, 1.5, 4.125]) and info["num_func_evals"] == 6 * len(info["error_ratio"]) + 1


def test_fixed_steps() -> None:
    times = np.linspace(0, 1, 11)
    solve = tf.contrib.integrate.odeint_fixed
    found = _run(lambda: [solve(lambda y, _: y, np.float64(1.0), times, method=m) for m in ("rk4", "midpoint")])
    assert np.allclose(found[0], np.exp(times), rtol=1e-5) and np.allclose(found[1], np.exp(times), rtol=1e-2)


def test_equations_that_are_refused() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="invalid method: 'euler'"):
            tf.contrib.integrate.odeint(lambda y, t: y, 1.0, [0.0, 1.0], method="euler")
        with pytest.raises(TypeError, match="`y0` must have a floating point"):
            tf.contrib.integrate.odeint(lambda y, t: y, 1, [0.0, 1.0])
        with pytest.raises(ValueError, match="method not supported: euler"):
            tf.contrib.integrate.odeint_fixed(lambda y, t: y, 1.0, [0.0, 1.0], method="euler")
        with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
            tf.contrib.integrate.odeint(lambda y, t: y, 1.0, [0.0, 1.0], method="dopri5", options={"wrong": 1})
        falling = tf.contrib.integrate.odeint(lambda y, t: y, 1.0, [1.0, 0.0])
        with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="must be monotonic increasing"):
            sess.run(falling)


def test_linear_equations_and_least_squares() -> None:
    rng = np.random.RandomState(0)
    a, b = rng.randn(6, 4), rng.randn(6)
    state = _run(lambda: solvers.cgls(solvers.create_operator(tf.constant(a)), tf.constant(b), tol=1e-10))
    assert np.allclose(state.x, np.linalg.lstsq(a, b, rcond=None)[0])
    positive, rhs = a.T @ a, b[:4]
    solve = solvers.conjugate_gradient
    state = _run(
        lambda: solve(solvers.create_operator(tf.constant(positive)), tf.constant(rhs), tol=1e-10, max_iter=40)
    )
    assert np.allclose(state.x, np.linalg.solve(positive, rhs))


def test_bidiagonal_bases() -> None:
    a = np.random.RandomState(1).randn(5, 4)

    def made():
        found = solvers.lanczos_bidiag(solvers.create_operator(tf.constant(a)), 3)
        return found, solvers.bidiag_matmul(found.u, found.alpha, found.beta)

    found, product = _run(made)
    assert np.allclose(a @ found.v, product) and np.allclose(found.u.T @ found.u, np.eye(4))
