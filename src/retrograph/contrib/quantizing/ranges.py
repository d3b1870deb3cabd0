"""Fake quantization between variables `min` and `max`, which follow the values while training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.operation import Tensor
from retrograph.train.moving_averages import assign_moving_average

Update = Callable[[Any, Tensor, str], Tensor]


def LastValueQuantize(
    inputs: Tensor, per_channel: bool = False, init_min: float = -6.0, init_max: float = 6.0,
    vars_collection: Any = None, name_prefix: str = "LastValueQuant", reuse: Any = None, is_training: bool = True,
    num_bits: int = 8, narrow_range: bool = False, symmetric: bool = False,
) -> Tensor:  # fmt: skip
    """`inputs` with as many values as bits can tell, between the least and the greatest of them.

    Source: TF 1.15 `contrib.quantize.python.quant_ops.LastValueQuantize`.
    """

    def update(variable: Any, value: Tensor, end: str) -> Any:
        return tf.assign(variable, value, name=f"Assign{end}Last")

    start = (init_min, init_max)
    how = (num_bits, narrow_range, symmetric)
    return _quantized(
        inputs, per_channel, start, vars_collection, name_prefix, reuse, update if is_training else None, how
    )


def MovingAvgQuantize(
    inputs: Tensor, per_channel: bool = False, init_min: float = -6.0, init_max: float = 6.0, ema_decay: float = 0.999,
    vars_collection: Any = GraphKeys.MOVING_AVERAGE_VARIABLES, name_prefix: str = "MovingAvgQuantize", reuse: Any = None,
    is_training: bool = True, num_bits: int = 8, narrow_range: bool = False, symmetric: bool = False,
) -> Tensor:  # fmt: skip
    """`inputs` with as many values as bits can tell, between moving averages of their least and their greatest.

    Source: TF 1.15 `contrib.quantize.python.quant_ops.MovingAvgQuantize`.
    """

    def update(variable: Any, value: Tensor, end: str) -> Any:
        return assign_moving_average(variable, value, ema_decay, name=f"Assign{end}Ema")

    start = (init_min, init_max)
    how = (num_bits, narrow_range, symmetric)
    return _quantized(
        inputs, per_channel, start, vars_collection, name_prefix, reuse, update if is_training else None, how
    )


def _quantized(
    inputs: Tensor, per_channel: bool, start: tuple[float, float], collection: Any, prefix: str, reuse: Any,
    update: Update | None, how: tuple[int, bool, bool],
) -> Tensor:  # fmt: skip
    num_bits, narrow_range, symmetric = how
    with tf.variable_scope(None, default_name=prefix, values=[inputs], reuse=reuse) as scope:
        scope.set_partitioner(None)
        shape = _range_shape(inputs, per_channel, prefix)
        ends = [_variable(name, shape, value, collection) for name, value in zip(("min", "max"), start, strict=True)]
        if update is not None:
            found = _range(inputs, per_channel, symmetric, narrow_range, num_bits)
            ends = [update(*each) for each in zip(ends, found, ("Min", "Max"), strict=True)]
        fake = tf.fake_quant_with_min_max_vars_per_channel if per_channel else tf.fake_quant_with_min_max_vars
        return fake(inputs, *ends, num_bits=num_bits, narrow_range=narrow_range)  # type: ignore[no-any-return]


def _range_shape(inputs: Tensor, per_channel: bool, prefix: str) -> list[Any]:
    shape = inputs.get_shape()
    if not per_channel:
        return []
    if len(shape) not in (1, 2, 4):
        raise AssertionError(f"Expected 1D, 2D or 4D input, was: {shape} in  scope: {prefix}")
    return [shape[-1]]


def _variable(name: str, shape: Any, value: float, collection: Any) -> Any:
    collections = [*([collection] if collection else []), GraphKeys.GLOBAL_VARIABLES]
    start = tf.constant_initializer(value)
    return tf.get_variable(name, shape=shape, initializer=start, collections=collections, trainable=False)


def _range(inputs: Tensor, per_channel: bool, symmetric: bool, narrow_range: bool, num_bits: int) -> tuple[Any, Any]:
    """(least, greatest) of the values; 0 is between them."""
    least, greatest = (
        _extreme(tf.reduce_min, inputs, per_channel, "Min"),
        _extreme(tf.reduce_max, inputs, per_channel, "Max"),
    )
    if not symmetric:
        return tf.minimum(least, 0.0), tf.maximum(greatest, 0.0)
    # Two's complement has one negative number more than positive ones.
    ratio = -1 if narrow_range else -((1 << num_bits) - 2) / (1 << num_bits)
    return tf.minimum(least, greatest / ratio), tf.maximum(greatest, least * ratio)


def _extreme(reduce: Callable[..., Any], inputs: Tensor, per_channel: bool, end: str) -> Any:
    if not per_channel:
        return reduce(inputs, name=f"Batch{end}")
    rank = len(inputs.get_shape())
    return inputs if rank < 2 else reduce(inputs, axis=list(range(rank - 1)), name=f"Batch{end}")
