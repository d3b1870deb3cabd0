"""The derivatives of LSTM and GRU cells as operations of their own, which graphs of trained models hold."""

from __future__ import annotations

from typing import Any

from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops.rows import multiply

Array = Any


def _of_sigmoid(y: Array) -> Array:
    return y * (1 - y)


def _of_tanh(y: Array) -> Array:
    return 1 - y * y


def _gates(op: Operation, before: Array, peeps: Any, step: tuple[Array, ...], cs_grad: Array, h_grad: Array) -> Any:
    """(derivatives by the gates, by the state before, by the three weights of peepholes)."""
    (wci, wcf, wco), (i, cs, f, o, ci, co) = peeps, step
    peeping = op._attrs["use_peephole"]
    d_o = _of_sigmoid(o) * h_grad * co
    d_cs = _of_tanh(co) * h_grad * o + cs_grad
    if peeping:
        d_cs = d_cs + d_o * wco
    d_ci, d_f, d_i = _of_tanh(ci) * d_cs * i, _of_sigmoid(f) * d_cs * before, _of_sigmoid(i) * d_cs * ci
    order = (d_i, d_f, d_ci, d_o) if op._type.endswith("V2") else (d_i, d_ci, d_f, d_o)
    d_before = d_cs * f
    if peeping:
        d_before = d_before + d_i * wci + d_f * wcf
        weights = (d_i * before).sum(0), (d_f * before).sum(0), (d_o * cs).sum(0)
    else:
        weights = tuple(jnp.zeros_like(w) for w in peeps)
    return jnp.concatenate(order, axis=1), d_before, weights


def _lstm_cell(op: Operation, x: Array, before: Array, h_prev: Array, w: Array, *rest: Array) -> tuple[Array, ...]:
    peeps, step, (cs_grad, h_grad) = rest[:3], rest[4:10], rest[10:]
    gates, d_before, weights = _gates(op, before, peeps, step, cs_grad, h_grad)
    return d_before, gates, *weights


def _block_lstm(
    op: Operation, length: Array, x: Array, cs_prev: Array, h_prev: Array, w: Array, *rest: Array
) -> tuple[Array, ...]:
    peeps, bias, states = rest[: len(rest) - 10], rest[len(rest) - 10], rest[len(rest) - 9 :]
    i, cs, f, o, ci, co, h, cs_grads, h_grads = states
    befores = jnp.concatenate([jnp.asarray(cs_prev)[None], cs[:-1]])
    outputs = jnp.concatenate([jnp.asarray(h_prev)[None], h[:-1]])

    def step(carry: Any, row: Any) -> Any:
        d_cs, d_h, d_w, d_peeps, d_b = carry
        time, value, before, output, cs_grad, h_grad, *results = row
        gates, d_before, weights = _gates(op, before, peeps, tuple(results), d_cs + cs_grad, d_h + h_grad)
        by_inputs, inputs = gates @ w.T, jnp.concatenate([value, output], axis=1)
        made = (
            d_before,
            by_inputs[:, value.shape[1] :],
            d_w + inputs.T @ gates,
            tuple(a + b for a, b in zip(d_peeps, weights, strict=True)),
            d_b + gates.sum(0),
        )
        runs = time < length
        kept = _where(runs, made, carry)
        return kept, jnp.where(runs, by_inputs[:, : value.shape[1]], jnp.zeros_like(value))

    zeros = jnp.zeros_like(cs_prev), jnp.zeros_like(h_prev), jnp.zeros_like(w)
    start = (*zeros, tuple(jnp.zeros_like(one) for one in peeps), jnp.zeros_like(bias))
    times = jnp.arange(x.shape[0], dtype=jnp.int64)
    rows = (times, jnp.asarray(x), befores, outputs, cs_grads, h_grads, i, cs, f, o, ci, co)
    (d_cs, d_h, d_w, d_peeps, d_b), d_x = lax.scan(step, start, rows, reverse=True)
    return d_x, d_cs, d_h, d_w, *d_peeps, d_b


def _where(condition: Array, new: Any, old: Any) -> Any:
    if isinstance(new, tuple):
        return tuple(_where(condition, a, b) for a, b in zip(new, old, strict=True))
    return jnp.where(condition, new, old)


def _gru_cell(
    op: Operation, x: Array, h_prev: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array, *rest: Array
) -> tuple[Array, ...]:
    r, u, c, d_h = rest
    size = x.shape[1]
    d_c_bar = d_h * (1 - u) * _of_tanh(c)
    d_u_bar = d_h * (h_prev - c) * _of_sigmoid(u)
    by_candidate = d_c_bar @ w_c.T
    d_hr = by_candidate[:, size:]
    d_gates = jnp.concatenate([d_hr * h_prev * _of_sigmoid(r), d_u_bar], axis=1)
    by_gates = d_gates @ w_ru.T
    d_x = by_gates[:, :size] + by_candidate[:, :size]
    return d_x, by_gates[:, size:] + d_hr * r + d_h * u, d_c_bar, d_gates


def _lstm_shape(c: ShapeContext) -> list[Shape]:
    x, before = with_rank(c, c.input(0), 2), with_rank(c, c.input(1), 2)
    size = before[1]
    return [(x[0], size), (x[0], multiply(size, 4)), (size,), (size,), (size,)]


def _gru_shape(c: ShapeContext) -> list[Shape]:
    x, before, weights = (with_rank(c, c.input(i), 2) for i in range(3))
    state = x[0], before[1]
    return [x, state, state, (x[0], weights[1])]


def _block_shape(c: ShapeContext) -> list[Shape]:
    ranks = (3, 2, 2, 2, 1, 1, 1, 1)
    return [with_rank(c, c.input(1 + i), rank) for i, rank in enumerate(ranks)]


register_op("LSTMBlockCellGrad", shape=_lstm_shape, lower=_lstm_cell, gradient=NO_GRADIENT)
register_op("GRUBlockCellGrad", shape=_gru_shape, lower=_gru_cell, gradient=NO_GRADIENT)
register_op("BlockLSTMGrad", shape=_block_shape, lower=_block_lstm, gradient=NO_GRADIENT)
register_op("BlockLSTMGradV2", shape=_block_shape, lower=_block_lstm, gradient=NO_GRADIENT)
