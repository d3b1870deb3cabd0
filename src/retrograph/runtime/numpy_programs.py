"""Traced programs run on NumPy arrays, primitive by primitive: for shapes that may never come again.

Tracing takes a tenth of the time of compiling. What a program needs is looked up once; a loop runs round by round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework.lazy_jax import imported, jax
from retrograph.runtime.numpy_primitives import RULES, Run, put_window
from retrograph.runtime.numpy_windows import NotHereError

# Work is counted in calls of a primitive on small arrays, of some 4 us each. A program may take about as long as compiling.
_MOST_WORK = 500_000
_ELEMENTS_PER_CALL, _FLOPS_PER_CALL, _CALLS_PER_COMPILED = 4_000, 160_000, 1_000
_EMPTY = ("empty", "empty2")
# Primitives that stand for the program inside, and the parameter that holds it.
_CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "checkpoint": "jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
}


class _Line(NamedTuple):
    """One primitive: its function, where operands and results are, which places are free afterwards, and its work."""

    run: Run
    operands: tuple[int, ...]
    results: tuple[int, ...]
    several: bool
    free: tuple[int, ...]
    work: float


class NumpyProgram:
    """A traced program as functions on NumPy arrays.

    Raises NotHereError if it has a primitive without a rule. `carry`: which inputs come back as the first results, if it is
    the body of a loop.
    """

    def __init__(self, closed: Any, carry: range = range(0)):
        jaxpr, constants = (closed.jaxpr, closed.consts) if hasattr(closed, "consts") else (closed, ())
        self._slots: dict[Any, int] = {}
        self._start: list[Any] = []
        self.inputs = [self._slot(v) for v in jaxpr.invars]
        for var, value in zip(jaxpr.constvars, constants, strict=True):
            self._start[self._slot(var)] = np.asarray(value)
        needed = _needed(jaxpr)
        last = {v: i for i, e in enumerate(needed) for v in e.invars if not hasattr(v, "val")}
        kept = {v for v in jaxpr.outvars if not hasattr(v, "val")} | set(jaxpr.constvars)
        self.reused = _changed_in_place(jaxpr, needed, carry)
        self.lines = [self._line(i, e, last, kept) for i, e in enumerate(needed)]
        self.results = [self._slot(v) for v in jaxpr.outvars]
        self.work = sum(line.work for line in self.lines)
        self.size = sum(getattr(line.run, "size", 1) for line in self.lines)
        if self.work > _MOST_WORK:
            raise NotHereError

    def _slot(self, var: Any) -> int:
        if hasattr(var, "val"):
            self._start.append(np.asarray(var.val, var.aval.dtype))
            return len(self._start) - 1
        if var not in self._slots:
            self._slots[var] = len(self._start)
            self._start.append(None)
        return self._slots[var]

    def _line(self, index: int, eqn: Any, last: dict[Any, int], kept: set[Any]) -> _Line:
        in_place = eqn.primitive.name == "dynamic_update_slice" and eqn.invars[0] in self.reused
        run = put_window if in_place else _function(eqn)
        operands = tuple(self._slot(v) for v in eqn.invars)
        dead = {v for v in eqn.invars if not hasattr(v, "val") and last[v] == index and v not in kept}
        unused = {v for v in eqn.outvars if v not in last and v not in kept}
        results = tuple(self._slot(v) for v in eqn.outvars)
        free = tuple(self._slot(v) for v in dead | unused)
        return _Line(
            run, operands, results, eqn.primitive.multiple_results, free, getattr(run, "work", None) or _work(eqn)
        )

    @property
    def runs_before_compiling(self) -> int:
        """How many runs take as long as compiling the program, roughly."""
        return int(self.size * _CALLS_PER_COMPILED / self.work) if self.work else 0

    @property
    def constants(self) -> list[Any]:
        """The arrays that belong to the program."""
        return [value for value in self._start if value is not None]

    def __call__(self, *values: Any) -> list[Any]:
        """The results for given inputs."""
        env = self._start.copy()
        for slot, value in zip(self.inputs, values, strict=True):
            env[slot] = value
        for run, operands, results, several, free, _ in self.lines:
            found = run(*[env[i] for i in operands])
            if several:
                for slot, value in zip(results, found, strict=True):
                    env[slot] = value
            else:
                env[results[0]] = found
            for slot in free:
                env[slot] = None
        return [env[slot] for slot in self.results]


def _needed(jaxpr: Any) -> list[Any]:
    """The equations that the results depend on."""
    wanted = {v for v in jaxpr.outvars if not hasattr(v, "val")}
    found = []
    for eqn in reversed(jaxpr.eqns):
        if eqn.effects:
            raise NotHereError(eqn.primitive.name)
        if any(v in wanted for v in eqn.outvars):
            found.append(eqn)
            wanted.update(v for v in eqn.invars if not hasattr(v, "val"))
    return found[::-1]


def _work(eqn: Any) -> float:
    elements = sum(v.aval.size for v in eqn.outvars)
    work: float = 1 + elements / _ELEMENTS_PER_CALL
    if eqn.primitive.name in ("dot_general", "conv_general_dilated"):
        # Each element of the result takes as many products as the operands have elements to one another.
        x, y = (v.aval.size for v in eqn.invars)
        work += 2 * math.sqrt(float(x) * y * elements) / _FLOPS_PER_CALL
    return work


def _function(eqn: Any) -> Run:
    name, params = eqn.primitive.name, eqn.params
    if name in _CALLS:
        return NumpyProgram(params[_CALLS[name]])
    if name in _EMPTY:
        form = eqn.outvars[0].aval
        return lambda: np.zeros(form.shape, form.dtype)
    if name not in RULES and name not in _CONTROL:
        return _bound(eqn)
    try:
        return (_CONTROL.get(name) or RULES[name])(params)
    except KeyError:  # the parameters are not those that the rule knows
        raise NotHereError(name) from None


def _bound(eqn: Any) -> Run:
    """A primitive without a rule as JAX's own function, which is compiled alone."""
    if (
        next(imported("jax.extend.core").jaxprs_in_params(eqn.params), None) is not None
        or "callback" in eqn.primitive.name
    ):
        raise NotHereError(eqn.primitive.name)

    def run(*values: Any) -> Any:
        with jax.enable_x64(True):
            found = eqn.primitive.bind(*values, **eqn.params)
        return [np.asarray(f) for f in found] if eqn.primitive.multiple_results else np.asarray(found)

    return run


# --- control flow ---


def _changed_in_place(jaxpr: Any, eqns: Sequence[Any], carry: range) -> set[Any]:
    """Of the values that go into a round those that only become one of its results with a window replaced, as a buffer does.

    What reads from them before takes copies.
    """
    found = set()
    for place, index in enumerate(carry):
        var, result = jaxpr.invars[index], jaxpr.outvars[place]
        using = [e for e in eqns if any(v is var for v in e.invars)]
        if not using or using[-1].primitive.name != "dynamic_update_slice" or using[-1].outvars[0] is not result:
            continue
        plain = all(e.primitive.name == "dynamic_slice" for e in using[:-1])
        taken = [v for e in eqns for v in e.invars if v is result] + [v for v in using[-1].invars[1:] if v is var]
        given = [v for v in jaxpr.outvars if v is result or v is var]
        if plain and not taken and len(given) == 1:
            found.add(var)
    return found


class _Control:
    """The function of a control-flow primitive, its work and the number of primitives in it."""

    def __init__(self, run: Run, work: float, size: int):
        self.run, self.work, self.size = run, work, size

    def __call__(self, *values: Any) -> list[Any]:
        """The results."""
        return self.run(*values)  # type: ignore[no-any-return]


def _scan_sizes(params: dict[str, Any]) -> tuple[int, int]:
    """How many constants a scan has, and how many carried values: JAX says the numbers, since 0.12 the structure."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    unpack = getattr(params["ft_in"], "unpack", None)
    if unpack is None:
        raise KeyError("ft_in")
    consts, carried, _ = unpack()
    return len(consts), len(carried)


def _scan(params: dict[str, Any]) -> Run:
    closed, length, (consts, carried) = params["jaxpr"], params["length"], _scan_sizes(params)
    body = NumpyProgram(closed, range(consts, consts + carried))
    owned = [i for i in range(carried) if closed.jaxpr.invars[consts + i] in body.reused]
    order = range(length)[::-1] if params["reverse"] else range(length)
    forms = [(v.aval.shape, v.aval.dtype) for v in closed.jaxpr.outvars[carried:]]

    def run(*values: Any) -> list[Any]:
        fixed, carry, rows = values[:consts], list(values[consts : consts + carried]), values[consts + carried :]
        for i in owned:
            carry[i] = np.array(carry[i])
        stacks = [np.empty((length, *shape), dtype) for shape, dtype in forms]
        for i in order:
            results = body(*fixed, *carry, *[row[i] for row in rows])
            carry = results[:carried]
            for stack, value in zip(stacks, results[carried:], strict=True):
                stack[i] = value
        return [*carry, *stacks]

    return _Control(run, length * max(body.work, 1), body.size)


def _while(params: dict[str, Any]) -> Run:
    first, second = params["cond_nconsts"], params["body_nconsts"]
    cond, body = NumpyProgram(params["cond_jaxpr"]), NumpyProgram(params["body_jaxpr"])

    def run(*values: Any) -> list[Any]:
        of_cond, of_body, carry = values[:first], values[first : first + second], list(values[first + second :])
        work = 0.0
        while cond(*of_cond, *carry)[0]:
            carry = body(*of_body, *carry)
            work += cond.work + body.work
            if work > _MOST_WORK:
                raise NotHereError
        return carry

    return _Control(run, cond.work + body.work, cond.size + body.size)


def _cond(params: dict[str, Any]) -> Run:
    branches = [NumpyProgram(branch) for branch in params["branches"]]

    def run(index: Any, *values: Any) -> list[Any]:
        return branches[min(max(int(index), 0), len(branches) - 1)](*values)

    return _Control(run, max(b.work for b in branches), sum(b.size for b in branches))


_CONTROL: dict[str, Callable[[dict[str, Any]], Run]] = {"scan": _scan, "while": _while, "cond": _cond}
