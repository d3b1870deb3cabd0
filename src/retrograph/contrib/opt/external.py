"""Optimizers outside of the graph: the variables as one vector, loss and gradient as functions of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger

Array = Any


def _shape(variable: Any) -> tuple[int, ...]:
    return tuple(variable.get_shape().as_list())


def _gradients(tensor: Any, variables: list[Any]) -> list[Any]:
    grads = tf.gradients(tensor, variables)
    return [tf.zeros_like(v) if g is None else g for v, g in zip(variables, grads, strict=True)]


def _packed(tensors: list[Any]) -> Any:
    """All elements as one vector."""
    flat = [tf.reshape(t, [-1]) for t in tensors]
    return flat[0] if len(flat) == 1 else tf.concat(flat, 0)


@export("contrib.opt.ExternalOptimizerInterface")
class ExternalOptimizerInterface:
    """Minimizes `loss` by an algorithm that a subclass gives in `_minimize`.

    `equalities` and `inequalities` are tensors to keep at zero, and at or above zero; `var_to_bounds` gives
    (low, high) for variables.
    Source: TF 1.15 `tf.contrib.opt.ExternalOptimizerInterface`.
    """

    def __init__(
        self,
        loss: Any,
        var_list: Any = None,
        equalities: Any = None,
        inequalities: Any = None,
        var_to_bounds: Any = None,
        **optimizer_kwargs: Any,
    ):
        self._loss = loss
        self._equalities = equalities or []
        self._inequalities = inequalities or []
        self._vars = tf.trainable_variables() if var_list is None else list(var_list)
        self._packed_bounds = None if var_to_bounds is None else self._bounds(var_to_bounds)
        self._update_placeholders = [tf.placeholder(v.dtype) for v in self._vars]
        updates = zip(self._vars, self._update_placeholders, strict=True)
        self._var_updates = [v.assign(tf.reshape(fed, _shape(v))) for v, fed in updates]
        self.optimizer_kwargs = optimizer_kwargs
        self._packed_var = _packed(self._vars)
        self._packed_loss_grad = _packed(_gradients(loss, self._vars))
        self._packed_equality_grads = [_packed(_gradients(t, self._vars)) for t in self._equalities]
        self._packed_inequality_grads = [_packed(_gradients(t, self._vars)) for t in self._inequalities]
        ends = [0, *itertools.accumulate(math.prod(_shape(v)) for v in self._vars)]
        self._packing_slices = [slice(start, end) for start, end in itertools.pairwise(ends)]

    def _bounds(self, var_to_bounds: Any) -> list[tuple[float, float]]:
        packed: list[tuple[float, float]] = []
        for v in self._vars:
            low, high = var_to_bounds.get(v, (-np.inf, np.inf))
            sides = (np.broadcast_to(side, _shape(v)).ravel() for side in (low, high))
            packed.extend(zip(*sides, strict=True))
        return packed

    def minimize(
        self,
        session: Any = None,
        feed_dict: Any = None,
        fetches: Any = None,
        step_callback: Any = None,
        loss_callback: Any = None,
        **run_kwargs: Any,
    ) -> None:
        """Runs the algorithm and assigns what it finds to the variables.

        `loss_callback(*fetches)` is called for each evaluation, `step_callback(vector)` for each step.
        """
        session = session or tf.get_default_session()
        feeds, wanted = feed_dict or {}, list(fetches or [])

        def function(tensors: list[Any], callback: Any = None) -> Callable[[Array], list[Array]]:
            return self._function(tensors, session, feeds, wanted, callback)

        found = self._minimize(
            initial_val=session.run(self._packed_var),
            loss_grad_func=function([self._loss, self._packed_loss_grad], loss_callback),
            equality_funcs=[function([t]) for t in self._equalities],
            equality_grad_funcs=[function([t]) for t in self._packed_equality_grads],
            inequality_funcs=[function([t]) for t in self._inequalities],
            inequality_grad_funcs=[function([t]) for t in self._packed_inequality_grads],
            packed_bounds=self._packed_bounds,
            step_callback=step_callback or (lambda vector: None),
            optimizer_kwargs=self.optimizer_kwargs,
        )
        values = [found[part] for part in self._packing_slices]
        feeds = dict(zip(self._update_placeholders, values, strict=True))
        session.run(self._var_updates, feed_dict=feeds, **run_kwargs)

    def _function(
        self, tensors: list[Any], session: Any, feeds: Any, wanted: list[Any], callback: Any
    ) -> Callable[[Array], list[Array]]:
        def evaluate(vector: Array) -> list[Array]:
            parts = zip(self._vars, self._packing_slices, strict=True)
            given = {v: vector[part].reshape(_shape(v)) for v, part in parts}
            values = session.run(tensors + wanted, feed_dict={**given, **feeds})
            if callback is not None:
                callback(*values[len(tensors) :])
            return values[: len(tensors)]  # type: ignore[no-any-return]

        return evaluate

    def _minimize(self, **arguments: Any) -> Array:
        raise NotImplementedError(
            "To use ExternalOptimizerInterface, subclass from it and implement the _minimize() method."
        )


@export("contrib.opt.ScipyOptimizerInterface")
class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """Minimizes by `scipy.optimize.minimize` (default: L-BFGS-B); further arguments go there.

    `ScipyOptimizerInterface(loss, options={"maxiter": 100}).minimize(session)`

    Raises: ImportError without SciPy; ValueError for arguments that are set here.
    Source: TF 1.15 `tf.contrib.opt.ScipyOptimizerInterface`.
    """

    _DEFAULT_METHOD = "L-BFGS-B"

    def _minimize(self, **arguments: Any) -> Array:
        import scipy.optimize  # not among the requirements

        given = dict(arguments["optimizer_kwargs"])
        loss_grad_func = arguments["loss_grad_func"]

        def loss_and_gradient(x: Array) -> tuple[Array, Array]:
            loss, gradient = loss_grad_func(x)
            return _double(loss), _double(gradient)

        own = {
            "jac": True,
            "callback": arguments["step_callback"],
            "method": given.pop("method", self._DEFAULT_METHOD),
            "constraints": _constraints(arguments),
            "bounds": arguments["packed_bounds"],
        }
        _refuse_own(own, given)
        result = scipy.optimize.minimize(loss_and_gradient, _double(arguments["initial_val"]), **own, **given)
        _report(result)
        return result["x"]


def _double(value: Array) -> Array:
    """SciPy's algorithms are compiled for this type alone."""
    return np.asarray(value, np.float64)


def _constraints(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    def first(function: Callable[[Array], list[Array]]) -> Callable[[Array], Array]:
        return lambda x: _double(function(x)[0])

    found = []
    for kind, word in (("eq", "equality"), ("ineq", "inequality")):
        pairs = zip(arguments[f"{word}_funcs"], arguments[f"{word}_grad_funcs"], strict=True)
        found += [{"type": kind, "fun": first(f), "jac": first(g)} for f, g in pairs]
    return found


def _refuse_own(own: dict[str, Any], given: dict[str, Any]) -> None:
    for argument in own:
        if argument in given and argument == "bounds":
            raise ValueError("Bounds must be set using the var_to_bounds argument")
        if argument in given:
            raise ValueError(f"Optimizer keyword arg '{argument}' is set automatically and cannot be injected manually")


def _report(result: Any) -> None:
    lines = [
        "Optimization terminated with:",
        f"  Message: {result.message}",
        f"  Objective function value: {result.fun:f}",
    ]
    lines += [f"  Number of iterations: {result.nit}"] if hasattr(result, "nit") else []
    lines += [f"  Number of functions evaluations: {result.nfev}"] if hasattr(result, "nfev") else []
    get_logger().info("\n".join(lines))
