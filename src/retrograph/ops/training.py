"""The update rules of the optimizers: `Apply*`, `ResourceApply*`, `SparseApply*` and `ResourceSparseApply*`.

Each rule is one pure function from (variable, slots, arguments) to (new variable, new slots). The dense operations
apply it to whole arrays, the sparse ones to the rows named by `indices`, so that a sparse update costs the touched
rows only and a donated buffer is written in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, RECORDS, register_op
from retrograph.framework.shape_rules import merge, merge_dim, with_rank
from retrograph.ops import selecting as _selecting  # noqa: F401 - has the row of Unique
from retrograph.ops.fillers import may_be_filled_up
from retrograph.variables.resource import resource_shape_and_dtype

Array = Any
Rule = Callable[..., tuple[Array, ...]]
Shape = tuple[int | None, ...] | None


def _gradient_descent(xp: Any, op: Any, var: Array, alpha: Array, delta: Array) -> tuple[Array, ...]:
    return (var - delta * alpha,)


def _momentum(xp: Any, op: Any, var: Array, accum: Array, lr: Array, grad: Array, momentum: Array) -> tuple[Array, ...]:
    accum = accum * momentum + grad
    step = grad * lr + accum * momentum * lr if op.get_attr("use_nesterov") else accum * lr
    return var - step, accum


def _keras_momentum(
    xp: Any, op: Any, var: Array, accum: Array, lr: Array, grad: Array, momentum: Array
) -> tuple[Array, ...]:
    accum = accum * momentum - grad * lr
    step = accum * momentum - grad * lr if op.get_attr("use_nesterov") else accum
    return var + step, accum


def _adadelta(
    xp: Any, op: Any, var: Array, accum: Array, accum_update: Array, lr: Array, rho: Array, epsilon: Array, grad: Array
) -> tuple[Array, ...]:
    accum = accum * rho + grad * grad * (1 - rho)
    update = xp.sqrt(accum_update + epsilon) / xp.sqrt(accum + epsilon) * grad
    return var - update * lr, accum, accum_update * rho + update * update * (1 - rho)


def _adagrad(xp: Any, op: Any, var: Array, accum: Array, lr: Array, grad: Array) -> tuple[Array, ...]:
    accum = _accumulate_squares(op, accum, grad)
    return var - grad * lr / xp.sqrt(accum), accum


def _adagrad_v2(
    xp: Any, op: Any, var: Array, accum: Array, lr: Array, epsilon: Array, grad: Array
) -> tuple[Array, ...]:
    accum = _accumulate_squares(op, accum, grad)
    return var - grad * lr / (xp.sqrt(accum) + epsilon), accum


def _accumulate_squares(op: Any, accum: Array, grad: Array) -> Array:
    return accum + grad * grad if op.get_attr("update_slots") else accum


def _adagrad_da(
    xp: Any, op: Any, var: Array, sums: Array, squares: Array, grad: Array, lr: Array, l1: Array, l2: Array, step: Array
) -> tuple[Array, ...]:
    sums, squares = sums + grad, squares + grad * grad
    step = xp.asarray(step).astype(var.dtype)
    shrunk = _shrink(xp, sums, step * l1)
    return -lr * shrunk / (l2 * (step * lr) + xp.sqrt(squares)), sums, squares


def _shrink(xp: Any, x: Array, by: Array) -> Array:
    """`x` moved towards zero by `by`; TF's kernels leave `x` alone where `by` is not positive."""
    return xp.sign(x) * xp.maximum(xp.abs(x) - xp.maximum(by, 0), 0)


def _proximal_step(xp: Any, var: Array, rate: Array, l1: Array, l2: Array, grad: Array) -> Array:
    return _shrink(xp, var - grad * rate, rate * l1) / (1 + l2 * rate)


def _proximal_gradient_descent(
    xp: Any, op: Any, var: Array, alpha: Array, l1: Array, l2: Array, delta: Array
) -> tuple[Array, ...]:
    return (_proximal_step(xp, var, alpha, l1, l2, delta),)


def _proximal_adagrad(
    xp: Any, op: Any, var: Array, accum: Array, lr: Array, l1: Array, l2: Array, grad: Array
) -> tuple[Array, ...]:
    accum = accum + grad * grad
    return _proximal_step(xp, var, lr / xp.sqrt(accum), l1, l2, grad), accum


def _ftrl(
    xp: Any,
    op: Any,
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    lr_power: Array,
) -> tuple[Array, ...]:
    return _ftrl_step(xp, var, accum, linear, grad, grad, lr, l1, l2, lr_power)


def _ftrl_v2(
    xp: Any,
    op: Any,
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    l2_shrinkage: Array,
    lr_power: Array,
) -> tuple[Array, ...]:
    return _ftrl_step(xp, var, accum, linear, grad, grad + 2 * l2_shrinkage * var, lr, l1, l2, lr_power)


def _ftrl_step(
    xp: Any,
    var: Array,
    accum: Array,
    linear: Array,
    grad: Array,
    shrunk_grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    lr_power: Array,
) -> tuple[Array, ...]:
    new_accum = accum + grad * grad
    new_root, root = (_root(xp, a, lr_power) for a in (new_accum, accum))
    linear = linear + shrunk_grad - (new_root - root) / lr * var
    step = (l1 * xp.sign(linear) - linear) / (new_root / lr + 2 * l2)
    return xp.where(xp.abs(linear) > l1, step, xp.zeros_like(step)), new_accum, linear


def _root(xp: Any, x: Array, lr_power: Array) -> Array:
    """`x ** -lr_power`; the usual -0.5 goes by sqrt, as in TF's kernel."""
    if isinstance(lr_power, (np.ndarray, np.generic)):
        return xp.sqrt(x) if lr_power == -0.5 else x ** np.negative(lr_power)
    return xp.where(lr_power == -0.5, xp.sqrt(x), x**-lr_power)


def _adam(
    xp: Any,
    op: Any,
    var: Array,
    m: Array,
    v: Array,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    m, v = _moments(m, v, beta1, beta2, grad)
    alpha = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    ahead = grad * (1 - beta1) + beta1 * m if op.get_attr("use_nesterov") else m
    return var - ahead * alpha / (xp.sqrt(v) + epsilon), m, v


def _moments(m: Array, v: Array, beta1: Array, beta2: Array, grad: Array) -> tuple[Array, Array]:
    return m + (grad - m) * (1 - beta1), v + (grad * grad - v) * (1 - beta2)


def _adam_amsgrad(
    xp: Any,
    op: Any,
    var: Array,
    m: Array,
    v: Array,
    vhat: Array,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    m, v = _moments(m, v, beta1, beta2, grad)
    vhat = xp.maximum(vhat, v)
    alpha = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    return var - m * alpha / (xp.sqrt(vhat) + epsilon), m, v, vhat


def _adamax(
    xp: Any,
    op: Any,
    var: Array,
    m: Array,
    v: Array,
    beta1_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    m = m + (grad - m) * (1 - beta1)
    v = xp.maximum(beta2 * v, xp.abs(grad))
    return var - lr / (1 - beta1_power) * (m / (v + epsilon)), m, v


def _rms_prop(
    xp: Any,
    op: Any,
    var: Array,
    ms: Array,
    mom: Array,
    lr: Array,
    rho: Array,
    momentum: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    ms = ms + (grad * grad - ms) * (1 - rho)
    mom = mom * momentum + grad * lr / xp.sqrt(ms + epsilon)
    return var - mom, ms, mom


def _centered_rms_prop(
    xp: Any,
    op: Any,
    var: Array,
    mg: Array,
    ms: Array,
    mom: Array,
    lr: Array,
    rho: Array,
    momentum: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    ms = ms + (grad * grad - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + grad * lr / xp.sqrt(ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def _add_sign(
    xp: Any, op: Any, var: Array, m: Array, lr: Array, alpha: Array, sign_decay: Array, beta: Array, grad: Array
) -> tuple[Array, ...]:
    m = m * beta + grad * (1 - beta)
    return var - lr * (alpha + sign_decay * (xp.sign(grad) * xp.sign(m))) * grad, m


def _power_sign(
    xp: Any, op: Any, var: Array, m: Array, lr: Array, logbase: Array, sign_decay: Array, beta: Array, grad: Array
) -> tuple[Array, ...]:
    m = m * beta + grad * (1 - beta)
    return var - lr * xp.exp(logbase * sign_decay * (xp.sign(grad) * xp.sign(m))) * grad, m


# name: (rule, how many leading inputs are variables, which input is the gradient, which kinds exist).
# Kinds: d = Apply, D = ResourceApply, s = SparseApply, S = ResourceSparseApply.
_RULES: dict[str, tuple[Rule, int, int, str]] = {
    "GradientDescent": (_gradient_descent, 1, 2, "dD"),
    "ProximalGradientDescent": (_proximal_gradient_descent, 1, 4, "dDsS"),
    "Adadelta": (_adadelta, 3, 6, "dDsS"),
    "Adagrad": (_adagrad, 2, 3, "dDsS"),
    "AdagradV2": (_adagrad_v2, 2, 4, "dDsS"),
    "AdagradDA": (_adagrad_da, 3, 3, "dDsS"),
    "ProximalAdagrad": (_proximal_adagrad, 2, 5, "dDsS"),
    "Ftrl": (_ftrl, 3, 3, "dDsS"),
    "FtrlV2": (_ftrl_v2, 3, 3, "dDsS"),
    "Momentum": (_momentum, 2, 3, "dDsS"),
    "KerasMomentum": (_keras_momentum, 2, 3, "DS"),
    "Adam": (_adam, 3, 9, "dD"),
    "AdamWithAmsgrad": (_adam_amsgrad, 4, 10, "D"),
    "AdaMax": (_adamax, 3, 8, "dD"),
    "RMSProp": (_rms_prop, 3, 7, "dDsS"),
    "CenteredRMSProp": (_centered_rms_prop, 4, 8, "dDsS"),
    "AddSign": (_add_sign, 2, 6, "dD"),
    "PowerSign": (_power_sign, 2, 6, "dD"),
}

_PREFIXES = {"d": "Apply", "D": "ResourceApply", "s": "SparseApply", "S": "ResourceSparseApply"}


def _dense(rule: Rule, refs: int) -> Callable[..., Any]:
    def run(op: Any, ctx: Any, *inputs: Any) -> Any:
        values = [ctx.read(ref) for ref in inputs[:refs]]
        for ref, value in zip(inputs[:refs], rule(ctx.xp, op, *values, *inputs[refs:]), strict=True):
            ctx.write(ref, value)
        return _result(op, inputs[0])

    return run


def _result(op: Any, ref: Any) -> Any:
    return ref if op.outputs else ()


def _sparse(rule: Rule, refs: int, grad: int) -> Callable[..., Any]:
    def run(op: Any, ctx: Any, *inputs: Any) -> Any:
        rows = inputs[grad + 1]
        arguments = (*inputs[refs : grad + 1], *inputs[grad + 2 :])
        values = [ctx.read(ref) for ref in inputs[:refs]]
        _check_range(op, rows, values[0])
        by = _update_rows if _distinct(op, rows, grad + 1) else _update_rows_in_turn
        updated = by(ctx.xp, op, rule, values, arguments, grad - refs, rows)
        for ref, value in zip(inputs[:refs], updated, strict=True):
            ctx.write(ref, value)
        return _result(op, inputs[0])

    return run


def _check_range(op: Any, rows: Array, var: Array) -> None:
    if not isinstance(rows, np.ndarray):
        return
    wrong = np.flatnonzero((rows < 0) | (rows >= var.shape[0]))
    if wrong.size and not _padded(op):
        text = f"Index {rows[wrong[0]]} at offset {wrong[0]} in indices is out of range"
        raise errors.InvalidArgumentError(None, op, text)


def _padded(op: Any) -> bool:
    return any(may_be_filled_up(t) for t in op.inputs)


def _distinct(op: Any, rows: Array, index: int) -> bool:
    if isinstance(rows, np.ndarray):
        return len(set(rows.tolist())) == rows.size
    return bool(op.inputs[index].op.type == "Unique")


def _update_rows(
    xp: Any, op: Any, rule: Rule, values: Sequence[Array], arguments: Sequence[Array], grad: int, rows: Array
) -> list[Array]:
    """Indices are distinct: one gather and one scatter for each array. Indices beyond the end are dropped."""
    if xp is np:
        return _update_rows_in_turn(xp, op, rule, values, arguments, grad, rows)
    arrays = [jnp.asarray(value) for value in values]
    updated = rule(xp, op, *(a.at[rows].get(mode="clip") for a in arrays), *arguments)
    return [
        a.at[rows].set(new.astype(a.dtype), mode="drop", unique_indices=False)
        for a, new in zip(arrays, updated, strict=True)
    ]


def _update_rows_in_turn(
    xp: Any, op: Any, rule: Rule, values: Sequence[Array], arguments: Sequence[Array], grad: int, rows: Array
) -> list[Array]:
    """Indices may repeat: TF's kernels apply the rule once for each entry, in order."""
    if xp is np:
        return _numpy_rows_in_turn(op, rule, values, arguments, grad, rows)

    def body(i: Array, arrays: list[Array]) -> list[Array]:
        given = list(arguments)
        given[grad] = jnp.asarray(arguments[grad])[i]
        row = jnp.asarray(rows)[i]
        updated = rule(xp, op, *(a.at[row].get(mode="clip") for a in arrays), *given)
        return [a.at[row].set(new.astype(a.dtype), mode="drop") for a, new in zip(arrays, updated, strict=True)]

    result: list[Array] = lax.fori_loop(0, rows.shape[0], body, [jnp.asarray(v) for v in values])
    return result


def _numpy_rows_in_turn(
    op: Any, rule: Rule, values: Sequence[Array], arguments: Sequence[Array], grad: int, rows: Array
) -> list[Array]:
    arrays = [np.array(value) for value in values]
    for i, row in enumerate(rows.tolist()):
        if row >= len(arrays[0]) and _padded(op):
            continue
        given = list(arguments)
        given[grad] = arguments[grad][i]
        for array, new in zip(arrays, rule(np, op, *(a[row] for a in arrays), *given), strict=True):
            array[row] = new
    return arrays


def _shape_rule(refs: int, grad: int, resource: bool, sparse: bool) -> Callable[[Any], list[Shape]]:
    """Variables and gradient agree, everything else is a scalar; checked in the order of the inputs, as TF does."""

    def rule(c: Any) -> list[Shape]:
        shape: Shape = None
        for i in range(c.num_inputs):
            if i < refs:
                held = resource_shape_and_dtype(c.inputs[i])[0] if resource else c.input(i)
                shape = merge(c, shape, held)
            elif i == grad and sparse:
                shape = _merge_rows(c, shape, i)
            elif i == grad:
                shape = merge(c, shape, c.input(i))
            elif not (sparse and i == grad + 1):
                with_rank(c, c.input(i), 0)
        return [] if resource else [shape]

    return rule


def _merge_rows(c: Any, shape: Shape, grad: int) -> Shape:
    values, indices = c.input(grad), with_rank(c, c.input(grad + 1), 1)
    if values is None or not values:
        return shape
    merge_dim(c, indices[0], values[0])
    return merge(c, shape, (None, *values[1:]))


_FEW = 256  # up to here comparing all pairs is quicker than a sort


def _padded_unique(op: Any, x: Array) -> tuple[Array, Array]:
    """Elements where they come first, in place of the others an index beyond every row, which scatters leave out.

    The second result is where each element comes first. So duplicates add up without anything being moved together.
    """
    first = _first_by_pairs(x) if x.shape[0] <= _FEW else _first_by_sorting(x)
    values = jnp.where(first == np.arange(x.shape[0]), x, np.iinfo(x.dtype).max)
    return values, first.astype(op.attrs["out_idx"].as_numpy_dtype)


def _first_by_pairs(x: Array) -> Array:
    places = np.arange(x.shape[0], dtype=np.int32)
    return jnp.min(jnp.where(x[:, None] == x, places, x.shape[0]), axis=1, initial=x.shape[0])


def _first_by_sorting(x: Array) -> Array:
    places = np.arange(x.shape[0], dtype=np.int32)
    ordered, order = lax.sort((x, jnp.asarray(places)), num_keys=1, is_stable=True)
    starts = jnp.concatenate([jnp.ones(1, bool), ordered[1:] != ordered[:-1]])
    start = lax.cummax(jnp.where(starts, places, np.int32(0)))
    return jnp.zeros(x.shape, np.int32).at[order].set(order[start], unique_indices=True)


def _register() -> None:
    for name, (rule, refs, grad, kinds) in _RULES.items():
        for kind in kinds:
            run = _dense(rule, refs) if kind in "dD" else _sparse(rule, refs, grad)
            register_op(
                _PREFIXES[kind] + name,
                shape=_shape_rule(refs, grad, kind in "DS", kind in "sS"),
                lower=run,
                numpy=run,
                effect=True,
                gradient=NO_GRADIENT,
            )

    RECORDS["Unique"].padded = _padded_unique


_register()
