"""`tf.keras.constraints`: what weights are brought back to after a step of training."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.state import epsilon, floatx
from retrograph.variables import named


def _norms(w: Any, axis: Any) -> Any:
    squares = tf.reduce_sum(tf.square(w), axis, True)
    kind = squares.dtype.base_dtype
    bounds = (tf.constant(0.0, dtype=kind), tf.constant(float("inf"), dtype=kind))
    return tf.sqrt(tf.clip_by_value(squares, *bounds))


def _clip(x: Any, least: Any, greatest: Any) -> Any:
    kind = x.dtype.base_dtype
    return tf.clip_by_value(x, tf.constant(least, dtype=kind), tf.constant(greatest, dtype=kind))


@export("keras.constraints.Constraint")
class Constraint:
    """What constraints are: callables with a configuration. Source: TF 1.15 `tf.keras.constraints.Constraint`."""

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {}


@export("keras.constraints.MaxNorm", "keras.constraints.max_norm")
class MaxNorm(Constraint):
    """Norms along an axis of at most a value. Source: TF 1.15 `tf.keras.constraints.MaxNorm`."""

    def __init__(self, max_value: Any = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        return w * (_clip(norms, 0, self.max_value) / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {"max_value": self.max_value, "axis": self.axis}


@export("keras.constraints.NonNeg", "keras.constraints.non_neg")
class NonNeg(Constraint):
    """No negative weights. Source: TF 1.15 `tf.keras.constraints.NonNeg`."""

    def __call__(self, w: Any) -> Any:
        return w * tf.cast(tf.greater_equal(w, 0.0), floatx())


@export("keras.constraints.UnitNorm", "keras.constraints.unit_norm")
class UnitNorm(Constraint):
    """Norms along an axis of 1. Source: TF 1.15 `tf.keras.constraints.UnitNorm`."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {"axis": self.axis}


@export("keras.constraints.MinMaxNorm", "keras.constraints.min_max_norm")
class MinMaxNorm(Constraint):
    """Norms along an axis within bounds, at a rate. Source: TF 1.15 `tf.keras.constraints.MinMaxNorm`."""

    def __init__(self, min_value: Any = 0.0, max_value: Any = 1.0, rate: Any = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        wanted = self.rate * _clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal constraint."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


@export("keras.constraints.RadialConstraint", "keras.constraints.radial_constraint")
class RadialConstraint(Constraint):
    """Weights `[rows, cols, in, out]` of a convolution that are equal at equal distance from the middle.

    Raises ValueError: another rank. Source: TF 1.15 `tf.keras.constraints.RadialConstraint`.
    """

    def __call__(self, w: Any) -> Any:
        if w.shape.ndims != 4:
            raise ValueError(f"The weight tensor must be of rank 4, but is of shape: {w.shape}")
        rows = int(w.shape[0])
        middle, odd = rows // 2, rows % 2
        if not middle:
            raise ValueError(f"The weight tensor must have two rows or more, but is of shape: {w.shape}")
        far = np.arange(rows) - middle
        far = np.where(far < 0, -far - (1 - odd), far)
        ring = np.maximum(far[:, None], far[None, :])
        # The middle has the value of the place before it, a ring one of the diagonal after it.
        place = np.where(ring == 0, middle - 1, middle + ring - odd)
        return tf.gather_nd(w, np.stack([place, place], -1))


_KNOWN = {
    "Constraint": Constraint, "MaxNorm": MaxNorm, "max_norm": MaxNorm, "maxnorm": MaxNorm, "NonNeg": NonNeg, "non_neg": NonNeg, "nonneg": NonNeg,
    "UnitNorm": UnitNorm, "unit_norm": UnitNorm, "unitnorm": UnitNorm, "MinMaxNorm": MinMaxNorm, "min_max_norm": MinMaxNorm, "RadialConstraint": RadialConstraint,
    "radial_constraint": RadialConstraint,
}  # fmt: skip


@export("keras.constraints.serialize")
def serialize(constraint: Any) -> Any:
    """The name and configuration of a constraint. Source: TF 1.15 `tf.keras.constraints.serialize`."""
    return named.serialize(constraint)


@export("keras.constraints.deserialize")
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The constraint that a name or dictionary describes; ValueError for an unknown one. Source: TF 1.15 `tf.keras.constraints.deserialize`."""
    return named.deserialize(config, _KNOWN, custom_objects, "constraint")


@export("keras.constraints.get")
def get(identifier: Any) -> Any:
    """The constraint of a name, dictionary or callable; None for None.

    Raises ValueError: anything else, or an unknown name. Source: TF 1.15 `tf.keras.constraints.get`.
    """
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if identifier is None or callable(identifier):
        return identifier
    raise ValueError("Could not interpret constraint identifier: " + str(identifier))
