"""Regularizers of `tf.contrib.layers`: functions of a variable that give a penalty."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, get_collection, name_scope
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.operation import Tensor
from retrograph.variables import named

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


# --- tf.keras.regularizers ----------------------------------------------------------------------------------------


@export("keras.regularizers.Regularizer")
class KerasRegularizer:
    """What Keras' regularizers are: callables with a configuration.

    Source: TF 1.15 `tf.keras.regularizers.Regularizer`.
    """

    def __call__(self, x: Any) -> Any:
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The regularizer that `get_config` described."""
        return cls(**config)


@export("keras.regularizers.L1L2")
class L1L2(KerasRegularizer):
    """`l1` times the sum of the absolute weights plus `l2` times the sum of their squares.

    Source: TF 1.15 `tf.keras.regularizers.L1L2`.
    """

    def __init__(self, l1: Any = 0.0, l2: Any = 0.0):
        self.l1 = np.asarray(l1, np.float32)
        self.l2 = np.asarray(l2, np.float32)

    def __call__(self, x: Any) -> Any:
        from retrograph.ops import reduction

        if not self.l1 and not self.l2:
            return constant(0.0)
        penalty: Any = 0.0
        for scale, op_type in ((self.l1, "Abs"), (self.l2, "Square")):
            if scale:
                penalty += scale * reduction.reduce_sum(apply_op(op_type, None, x=x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal regularizer."""
        return {"l1": float(self.l1), "l2": float(self.l2)}


@export("keras.regularizers.l1")
def keras_l1(l: float = 0.01) -> L1L2:
    """`l` times the sum of the absolute weights. Source: TF 1.15 `tf.keras.regularizers.l1`."""
    return L1L2(l1=l)


@export("keras.regularizers.l2")
def keras_l2(l: float = 0.01) -> L1L2:
    """`l` times the sum of the squared weights. Source: TF 1.15 `tf.keras.regularizers.l2`."""
    return L1L2(l2=l)


@export("keras.regularizers.l1_l2")
def keras_l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Both penalties. Source: TF 1.15 `tf.keras.regularizers.l1_l2`."""
    return L1L2(l1=l1, l2=l2)


_BY_NAME = {"l1": keras_l1, "l2": keras_l2, "l1_l2": keras_l1_l2, "L1L2": L1L2, "Regularizer": KerasRegularizer}


@export("keras.regularizers.serialize")
def serialize(regularizer: Any) -> Any:
    """The name and configuration of a regularizer. Source: TF 1.15 `tf.keras.regularizers.serialize`."""
    return named.serialize(regularizer)


@export("keras.regularizers.deserialize")
def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer of a name, or of a dictionary of `class_name` and `config`.

    Raises ValueError: an unknown name. Source: TF 1.15 `tf.keras.regularizers.deserialize`.
    """
    return named.deserialize(config, _BY_NAME, custom_objects, "regularizer")


@export("keras.regularizers.get")
def get(identifier: Any) -> Any:
    """The regularizer that a name, a dictionary or a callable stands for; None for None.

    Raises ValueError: anything else. Source: TF 1.15 `tf.keras.regularizers.get`.
    """
    if isinstance(identifier, (str, dict)):
        found = deserialize(identifier)
        return found if isinstance(found, KerasRegularizer) else found()
    if identifier is None or callable(identifier):
        return identifier
    raise ValueError("Could not interpret regularizer identifier:", identifier)
