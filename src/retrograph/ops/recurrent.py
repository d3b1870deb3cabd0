"""LSTM and GRU cells as single operations: `LSTMBlockCell`, `BlockLSTM`, `GRUBlockCell`."""

from __future__ import annotations

from typing import Any

from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Operation
from retrograph.framework.shape_rules import ShapeContext, with_rank


def _lstm_step(
    op: Operation, x: Any, cs_prev: Any, h_prev: Any, w: Any, wci: Any, wcf: Any, wco: Any, b: Any
) -> tuple[Any, ...]:
    """(i, cs, f, o, ci, co, h) of one step; the gates stand in the order i, ci, f, o, those of version 2 as i, f, ci, o."""
    gates = jnp.concatenate([x, h_prev], axis=1) @ w + b
    gi, gc, gf, go = jnp.split(gates, 4, axis=1)
    if op._type == "BlockLSTMV2":
        gc, gf = gf, gc
    peeps, clip = op._attrs["use_peephole"], op._attrs["cell_clip"]
    i = jax.nn.sigmoid(gi + cs_prev * wci if peeps else gi)
    forget = gf + jnp.asarray(op._attrs.get("forget_bias", 0.0), gf.dtype)
    f = jax.nn.sigmoid(forget + cs_prev * wcf if peeps else forget)
    ci = jnp.tanh(gc)
    cs = ci * i + cs_prev * f
    if clip > 0:
        cs = jnp.clip(cs, jnp.asarray(-clip, cs.dtype), jnp.asarray(clip, cs.dtype))
    o = jax.nn.sigmoid(go + cs * wco if peeps else go)
    co = jnp.tanh(cs)
    return i, cs, f, o, ci, co, o * co


def _block_lstm(op: Operation, length: Any, x: Any, cs_prev: Any, h_prev: Any, *weights: Any) -> tuple[Any, ...]:
    def step(carry: Any, row: Any) -> Any:
        time, value = row
        results = _lstm_step(op, value, *carry, *weights)
        # Steps beyond the longest row are not run, and give zeros.
        runs = time < length
        kept = tuple(jnp.where(runs, r, jnp.zeros_like(r)) for r in results)
        return (jnp.where(runs, results[1], carry[0]), jnp.where(runs, results[6], carry[1])), kept

    times = jnp.arange(x.shape[0], dtype=jnp.int64)
    return tuple(lax.scan(step, (jnp.asarray(cs_prev), jnp.asarray(h_prev)), (times, jnp.asarray(x)))[1])


def _gru_step(op: Operation, x: Any, h_prev: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any) -> tuple[Any, ...]:
    """(r, u, c, h) of one step."""
    r, u = jnp.split(jax.nn.sigmoid(jnp.concatenate([x, h_prev], axis=1) @ w_ru + b_ru), 2, axis=1)
    c = jnp.tanh(jnp.concatenate([x, r * h_prev], axis=1) @ w_c + b_c)
    return r, u, c, u * h_prev + (1 - u) * c


def _cell_shapes(count: int, state: int) -> Any:
    def rule(c: ShapeContext) -> list[Any]:
        x, before = with_rank(c, c.input(0), 2), with_rank(c, c.input(state), 2)
        return [(x[0], before[1])] * count

    return rule


def _block_shapes(c: ShapeContext) -> list[Any]:
    x, b = with_rank(c, c.input(1), 3), with_rank(c, c.input(8), 1)
    return [(x[0], x[1], None if b[0] is None else b[0] // 4)] * 7


register_op("LSTMBlockCell", shape=_cell_shapes(7, 1), lower=_lstm_step)
register_op("BlockLSTM", shape=_block_shapes, lower=_block_lstm)
register_op("BlockLSTMV2", shape=_block_shapes, lower=_block_lstm)
register_op("GRUBlockCell", shape=_cell_shapes(4, 1), lower=_gru_step)
