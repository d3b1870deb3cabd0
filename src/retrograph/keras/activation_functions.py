"""`tf.keras.activations`: functions by name."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import backend_nn
from retrograph.variables import named


@export("keras.activations.softmax")
def softmax(x: Any, axis: int = -1) -> Any:
    """The softmax along an axis; ValueError for a vector. Source: TF 1.15 `tf.keras.activations.softmax`."""
    rank = x.shape.ndims
    if rank == 2:
        return tf.nn.softmax(x)
    if rank is not None and rank < 2:
        raise ValueError(f"Cannot apply softmax to a tensor that is 1D. Received input: {x}")
    powers = tf.exp(x - tf.reduce_max(x, axis=axis, keepdims=True))
    return powers / tf.reduce_sum(powers, axis=axis, keepdims=True)


@export("keras.activations.elu")
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """`x` above 0, `alpha * (exp(x) - 1)` below. Source: TF 1.15 `tf.keras.activations.elu`."""
    return backend_nn.elu(x, alpha)


@export("keras.activations.selu")
def selu(x: Any) -> Any:
    """The scaled ELU that keeps mean 0 and variance 1. Source: TF 1.15 `tf.keras.activations.selu`."""
    return 1.0507009873554804934193349852946 * backend_nn.elu(x, 1.6732632423543772848170429916717)


@export("keras.activations.softplus")
def softplus(x: Any) -> Any:
    """`log(exp(x) + 1)`. Source: TF 1.15 `tf.keras.activations.softplus`."""
    return tf.nn.softplus(x)


@export("keras.activations.softsign")
def softsign(x: Any) -> Any:
    """`x / (abs(x) + 1)`. Source: TF 1.15 `tf.keras.activations.softsign`."""
    return tf.nn.softsign(x)


@export("keras.activations.relu")
def relu(x: Any, alpha: Any = 0.0, max_value: Any = None, threshold: Any = 0) -> Any:
    """`x` above the threshold, at most `max_value`. Source: TF 1.15 `tf.keras.activations.relu`."""
    return backend_nn.relu(x, alpha=alpha, max_value=max_value, threshold=threshold)


@export("keras.activations.tanh")
def tanh(x: Any) -> Any:
    """The hyperbolic tangent. Source: TF 1.15 `tf.keras.activations.tanh`."""
    return tf.nn.tanh(x)


@export("keras.activations.sigmoid")
def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`. Source: TF 1.15 `tf.keras.activations.sigmoid`."""
    return tf.nn.sigmoid(x)


@export("keras.activations.exponential")
def exponential(x: Any) -> Any:
    """e to the power of `x`. Source: TF 1.15 `tf.keras.activations.exponential`."""
    return tf.exp(x)


@export("keras.activations.hard_sigmoid")
def hard_sigmoid(x: Any) -> Any:
    """`0.2 * x + 0.5` within [0, 1]. Source: TF 1.15 `tf.keras.activations.hard_sigmoid`."""
    return backend_nn.hard_sigmoid(x)


@export("keras.activations.linear")
def linear(x: Any) -> Any:
    """`x`. Source: TF 1.15 `tf.keras.activations.linear`."""
    return x


_KNOWN = {
    f.__name__: f
    for f in (softmax, elu, selu, softplus, softsign, relu, tanh, sigmoid, exponential, hard_sigmoid, linear)
}


@export("keras.activations.serialize")
def serialize(activation: Any) -> Any:
    """The name of an activation. Source: TF 1.15 `tf.keras.activations.serialize`."""
    return named.serialize(activation)


@export("keras.activations.deserialize")
def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """The activation of a name; ValueError for an unknown one. Source: TF 1.15 `tf.keras.activations.deserialize`."""
    return named.deserialize(name, _KNOWN, custom_objects, "activation function")


@export("keras.activations.get")
def get(identifier: Any) -> Any:
    """The activation of a name, a function as it is, `linear` for None.

    Raises TypeError: anything else; ValueError: an unknown name. Source: TF 1.15 `tf.keras.activations.get`.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise TypeError(f"Could not interpret activation function identifier: {identifier!r}")
