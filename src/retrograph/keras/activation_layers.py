"""Activations with parameters, and noise, as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import backend_nn
from retrograph.keras.backend_math import random_normal, random_uniform
from retrograph.keras.backend_values import in_train_phase
from retrograph.keras.core_layers import SameShape
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.shape_helpers import on_tuples
from retrograph.keras.state import cast_to_floatx, floatx


@export("keras.layers.LeakyReLU")
class LeakyReLU(SameShape):
    """`x`, times `alpha` below 0. Source: TF 1.15 `tf.keras.layers.LeakyReLU`."""

    def __init__(self, alpha: Any = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha = cast_to_floatx(alpha)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return backend_nn.relu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {**super().get_config(), "alpha": float(self.alpha)}


@export("keras.layers.PReLU")
class PReLU(SameShape):
    """`x`, times a trained `alpha` below 0. Source: TF 1.15 `tf.keras.layers.PReLU`."""

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        shared = shared_axes if shared_axes is None or isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self._configure(
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
            shared_axes=None if shared is None else list(shared),
        )

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Makes `alpha` of the inputs' shape, of size 1 along shared axes."""
        shared = self.shared_axes or []
        sizes = [1 if i in shared else s for i, s in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            shape=sizes,
            name="alpha",
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        axes = {i: s for i, s in enumerate(input_shape) if i and i not in shared} if shared else {}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        positive = tf.nn.relu(inputs)
        return positive + -self.alpha * tf.nn.relu(-inputs)


@export("keras.layers.ELU")
class ELU(SameShape):
    """`x`, `alpha * (exp(x) - 1)` below 0. Source: TF 1.15 `tf.keras.layers.ELU`."""

    def __init__(self, alpha: Any = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha = cast_to_floatx(alpha)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return backend_nn.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {**super().get_config(), "alpha": float(self.alpha)}


@export("keras.layers.ThresholdedReLU")
class ThresholdedReLU(SameShape):
    """`x` above `theta`, else 0. Source: TF 1.15 `tf.keras.layers.ThresholdedReLU`."""

    def __init__(self, theta: Any = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.theta = cast_to_floatx(theta)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return inputs * tf.cast(tf.greater(inputs, self.theta), floatx())

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {**super().get_config(), "theta": float(self.theta)}


@export("keras.layers.Softmax")
class Softmax(SameShape):
    """The softmax along an axis. Source: TF 1.15 `tf.keras.layers.Softmax`."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._configure(axis=axis)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return tf.nn.softmax(inputs, axis=self.axis)


@export("keras.layers.ReLU")
class ReLU(SameShape):
    """`x` above a threshold, at most `max_value`, with a slope below. Source: TF 1.15 `tf.keras.layers.ReLU`."""

    def __init__(self, max_value: Any = None, negative_slope: Any = 0, threshold: Any = 0, **kwargs: Any):
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ValueError("max_value of Relu layer cannot be negative value: " + str(max_value))
        if negative_slope < 0.0:
            raise ValueError("negative_slope of Relu layer cannot be negative value: " + str(negative_slope))
        self._configure(
            max_value=None if max_value is None else cast_to_floatx(max_value),
            negative_slope=cast_to_floatx(negative_slope),
            threshold=cast_to_floatx(threshold),
        )

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return backend_nn.relu(inputs, alpha=self.negative_slope, max_value=self.max_value, threshold=self.threshold)


@export("keras.layers.GaussianNoise")
class GaussianNoise(SameShape):
    """Adds normal numbers while training. Source: TF 1.15 `tf.keras.layers.GaussianNoise`."""

    def __init__(self, stddev: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._configure(stddev=stddev)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The outputs."""

        def noised() -> Any:
            return inputs + random_normal(shape=tf.shape(inputs), mean=0.0, stddev=self.stddev)

        return in_train_phase(noised, inputs, training=training)


@export("keras.layers.GaussianDropout")
class GaussianDropout(SameShape):
    """Multiplies by normal numbers around 1 while training. Source: TF 1.15 `tf.keras.layers.GaussianDropout`."""

    def __init__(self, rate: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._configure(rate=rate)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The outputs."""
        if not 0 < self.rate < 1:
            return inputs

        def noised() -> Any:
            spread = np.sqrt(self.rate / (1.0 - self.rate))
            return inputs * random_normal(shape=tf.shape(inputs), mean=1.0, stddev=spread)

        return in_train_phase(noised, inputs, training=training)


@export("keras.layers.AlphaDropout")
class AlphaDropout(SameShape):
    """Dropout that keeps mean and variance of SELUs. Source: TF 1.15 `tf.keras.layers.AlphaDropout`."""

    def __init__(self, rate: Any, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(rate=rate)
        self.noise_shape, self.seed = noise_shape, seed
        self.supports_masking = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The outputs."""
        if not 0.0 < self.rate < 1.0:
            return inputs
        sizes = self.noise_shape if self.noise_shape else tf.shape(inputs)

        def dropped() -> Any:
            least = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
            kept = tf.cast(tf.greater_equal(random_uniform(sizes, seed=self.seed), self.rate), floatx())
            a = ((1 - self.rate) * (1 + self.rate * least**2)) ** -0.5
            x = inputs * kept + least * (1 - kept)
            return a * x + -a * least * self.rate

        return in_train_phase(dropped, inputs, training=training)
