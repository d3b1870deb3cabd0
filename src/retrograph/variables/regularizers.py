"""Regularizers of `tf.contrib.layers`: functions of a variable that give a penalty."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.graph import Tensor, add_to_collection, get_collection, name_scope
from retrograph.framework.logger import get_logger

Regularizer = Callable[..., Any]


def _disabled(scale: Any, integer_text: str, negative_text: str) -> bool:
    """Whether the scale says that there is to be no penalty; ValueError if it is none."""
    if isinstance(scale, numbers.Integral):
        raise ValueError(integer_text.format(scale))
    if not isinstance(scale, numbers.Real):
        return False
    if scale < 0.0:
        raise ValueError(negative_text % scale)
    if scale == 0.0:
        get_logger().info("Scale of 0 disables regularizer.")
    return scale == 0.0


def _nothing(_: Any) -> None:
    return None


def _scaled(scale: Any, weights: Any) -> Tensor:
    return convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")


def _product(x: Tensor, y: Any, scope: str) -> Tensor:
    made: Tensor = apply_op("Mul", scope, x=x, y=y)
    return made


@export("contrib.layers.l1_regularizer", "contrib.slim.l1_regularizer")
def l1_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """A regularizer: `scale` times the sum of the absolute weights.

    Raises ValueError: a scale that is negative or an integer. Source: TF 1.15 `tf.contrib.layers.l1_regularizer`.
    """
    if _disabled(scale, "scale cannot be an integer: {}", "Setting a scale less than 0 on a regularizer: %g"):
        return _nothing

    def l1(weights: Any, name: Any = None) -> Tensor:
        from retrograph.ops import reduction

        with name_scope(scope, "l1_regularizer", [weights]) as opened:
            factor = _scaled(scale, weights)
            total = reduction.reduce_sum(apply_op("Abs", None, x=weights))
            return _product(factor, total, opened)

    return l1


@export("contrib.layers.l2_regularizer", "contrib.slim.l2_regularizer")
def l2_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """A regularizer: `scale` times half the sum of the squared weights.

    Raises ValueError: a scale that is negative or an integer. Source: TF 1.15 `tf.contrib.layers.l2_regularizer`.
    """
    if _disabled(scale, "scale cannot be an integer: {}", "Setting a scale less than 0 on a regularizer: %g."):
        return _nothing

    def l2(weights: Any) -> Tensor:
        with name_scope(scope, "l2_regularizer", [weights]) as opened:
            return _product(_scaled(scale, weights), apply_op("L2Loss", None, t=weights), opened)

    return l2


@export("contrib.layers.l1_l2_regularizer", "contrib.slim.l1_l2_regularizer")
def l1_l2_regularizer(scale_l1: Any = 1.0, scale_l2: Any = 1.0, scope: str | None = None) -> Regularizer | None:
    """A regularizer: both penalties.

    Raises ValueError: a scale that is negative or an integer. Source: TF 1.15 `tf.contrib.layers.l1_l2_regularizer`.
    """
    for name, scale in (("scale_l1", scale_l1), ("scale_l2", scale_l2)):
        if isinstance(scale, numbers.Integral):
            raise ValueError(f"{name} cannot be an integer: {scale}")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


@export("contrib.layers.sum_regularizer", "contrib.slim.sum_regularizer")
def sum_regularizer(regularizer_list: Any, scope: str | None = None) -> Regularizer | None:
    """A regularizer: the sum of the given ones; None if there are none.

    Source: TF 1.15 `tf.contrib.layers.sum_regularizer`.
    """
    regularizers = [regularizer for regularizer in regularizer_list if regularizer is not None]
    if not regularizers:
        return None

    def sum_reg(weights: Any) -> Tensor | None:
        with name_scope(scope, "sum_regularizer", [weights]) as opened:
            penalties = [p for p in (regularizer(weights) for regularizer in regularizers) if p is not None]
            return _sum(penalties, opened) if penalties else None

    return sum_reg


def _sum(penalties: list[Any], scope: str) -> Tensor:
    from retrograph.ops import math

    made: Tensor = math.add_n(penalties, name=scope)
    return made


@export("contrib.layers.apply_regularization", "contrib.slim.apply_regularization")
def apply_regularization(regularizer: Regularizer, weights_list: Any = None) -> Tensor:
    """The sum of the penalties of all weights, also added to the collection of regularization losses.

    Without `weights_list` it takes the collection `weights`. Raises ValueError: no weights, or a penalty that is no
    scalar. Source: TF 1.15 `tf.contrib.layers.apply_regularization`.
    """
    if not weights_list:
        weights_list = get_collection(GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError("No weights to regularize.")
    with name_scope("get_regularization_penalty", values=weights_list) as scope:
        penalties = [regularizer(weights) for weights in weights_list]
        penalties = [constant(0.0) if penalty is None else penalty for penalty in penalties]
        for penalty in penalties:
            rank = penalty.get_shape().ndims
            if rank != 0:
                raise ValueError(f"regularizer must return a scalar Tensor instead of a Tensor with rank {rank}.")
        total = _sum(penalties, scope)
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
        return total
