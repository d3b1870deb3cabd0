"""Batch normalization."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.ops.smart_cond import smart_cond, smart_constant_value


def _known(training: Any) -> bool | None:
    """The value of `training` if it is known now."""
    value = None if isinstance(training, tf.Variable) else smart_constant_value(training)
    return None if value is None else bool(value)


@export("layers.BatchNormalization")
class BatchNormalization(Layer):
    """Normalizes the inputs by their batch's moments while training, else by moving averages of them.

    The updates of the moving averages go to the collection `update_ops`. Source: TF 1.15 `tf.layers.BatchNormalization`.
    """

    # Stand for the parameter that is left out, in the fused operation.
    _gamma_const: Any
    _beta_const: Any

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = tf.zeros_initializer(),
        gamma_initializer: Any = tf.ones_initializer(), moving_mean_initializer: Any = tf.zeros_initializer(), moving_variance_initializer: Any = tf.ones_initializer(),
        beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
        renorm_momentum: float = 0.99, fused: Any = None, trainable: bool = True, virtual_batch_size: Any = None, adjustment: Any = None, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, **kwargs)
        for what, given in (("renorm", renorm), ("virtual_batch_size", virtual_batch_size), ("adjustment", adjustment)):
            if given:
                raise errors.UnimplementedError(None, None, f"BatchNormalization: `{what}` is not implemented yet")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer, self.moving_variance_initializer = (
            moving_mean_initializer,
            moving_variance_initializer,
        )
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint
        self.fused = True if fused is None else fused
        self.supports_masking = True

    # ---- variables

    def build(self, input_shape: Any) -> None:
        """Makes `gamma`, `beta`, `moving_mean` and `moving_variance`. Raises ValueError: axis unknown or out of range."""
        shape = tf.TensorShape(input_shape)
        if not shape.ndims:
            raise ValueError("Input has undefined rank:", shape)
        self.axis = self._axes(shape)
        self.fused = bool(self.fused) and shape.ndims == 4 and self.axis in ([1], [3])
        self._data_format = "NCHW" if self.axis == [1] else "NHWC"
        sizes = {a: shape[a].value for a in self.axis}
        for size in sizes.values():
            if size is None:
                raise ValueError("Input has undefined `axis` dimension. Input shape: ", input_shape)
        self.input_spec = InputSpec(ndim=shape.ndims, axes=sizes)
        self._param_shape = (
            tuple(sizes.values()) if len(sizes) == 1 else tuple(sizes.get(i, 1) for i in range(shape.ndims))
        )
        self.gamma = self._parameter("gamma", self.scale)
        self.beta = self._parameter("beta", self.center)
        with self._without_partitioner():
            self.moving_mean = self._moving("moving_mean", self.moving_mean_initializer)
            self.moving_variance = self._moving("moving_variance", self.moving_variance_initializer)
        self.built = True

    def _axes(self, shape: Any) -> list[int]:
        given = [self.axis] if isinstance(self.axis, int) else self.axis
        if not isinstance(given, list):
            raise TypeError(f"axis must be int or list, type given: {type(self.axis)}")
        axes = [a + shape.ndims if a < 0 else a for a in given]
        for a in axes:
            if not 0 <= a < shape.ndims:
                raise ValueError(f"Invalid axis: {a}")
        if len(axes) != len(set(axes)):
            raise ValueError(f"Duplicate axis: {axes}")
        return axes

    @property
    def _param_dtype(self) -> Any:
        return tf.float32 if self.dtype in ("float16", "bfloat16") else tf.as_dtype(self.dtype or tf.float32)

    def _parameter(self, name: str, wanted: bool) -> Any:
        if wanted:
            return self.add_weight(
                name=name, shape=self._param_shape, dtype=self._param_dtype, initializer=getattr(self, f"{name}_initializer"),
                regularizer=getattr(self, f"{name}_regularizer"), constraint=getattr(self, f"{name}_constraint"), trainable=True,
            )  # fmt: skip
        if self.fused:
            value = tf.constant(1.0 if name == "gamma" else 0.0, dtype=self._param_dtype, shape=self._param_shape)
            setattr(self, f"_{name}_const", value)
        return None

    def _moving(self, name: str, initializer: Any) -> Any:
        return self.add_weight(
            name=name, shape=self._param_shape, dtype=self._param_dtype, initializer=initializer, synchronization=tf.VariableSynchronization.ON_READ, trainable=False,
            aggregation=tf.VariableAggregation.MEAN,
        )  # fmt: skip

    @contextmanager
    def _without_partitioner(self) -> Iterator[None]:
        partitioner = self._scope.partitioner
        self._scope.set_partitioner(None)
        try:
            yield
        finally:
            self._scope.set_partitioner(partitioner)

    # ---- computing

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The outputs; `training` may be a tensor."""
        if self.fused:
            return self._fused_call(inputs, training)
        rank = inputs.shape.ndims
        reduced = [i for i in range(rank) if i not in self.axis]
        aligned = self._aligner(inputs.shape, reduced)
        scale, offset = aligned(self.gamma), aligned(self.beta)
        mean, variance = self.moving_mean, self.moving_variance
        if _known(training) is not False:
            mean, variance = self._batch_moments(inputs, reduced, training)
            self._update_moving(mean, variance, training)
        mean, variance = tf.cast(mean, inputs.dtype), tf.cast(variance, inputs.dtype)
        offset = None if offset is None else tf.cast(offset, inputs.dtype)
        scale = None if scale is None else tf.cast(scale, inputs.dtype)
        outputs = tf.nn.batch_normalization(inputs, aligned(mean), aligned(variance), offset, scale, self.epsilon)
        outputs.set_shape(inputs.shape)
        return outputs

    def _aligner(self, shape: Any, reduced: list[int]) -> Callable[[Any], Any]:
        rank = shape.ndims
        wanted = [1] * rank
        wanted[self.axis[0]] = shape[self.axis[0]].value

        def aligned(value: Any) -> Any:
            if value is not None and value.shape.ndims != rank and reduced != list(range(rank - 1)):
                return tf.reshape(value, wanted)
            return value

        return aligned

    def _batch_moments(self, inputs: Any, reduced: list[int], training: Any) -> tuple[Any, Any]:
        batch_mean, batch_variance = tf.nn.moments(inputs, reduced, keep_dims=len(self.axis) > 1)
        mean = smart_cond(training, lambda: batch_mean, lambda: tf.convert_to_tensor(self.moving_mean))
        return mean, smart_cond(training, lambda: batch_variance, lambda: tf.convert_to_tensor(self.moving_variance))

    def _update_moving(self, mean: Any, variance: Any, training: Any) -> None:
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            self.add_update(
                lambda moving=moving, value=value: smart_cond(
                    training, lambda: self._averaged(moving, value, self.momentum), lambda: moving
                )
            )

    @staticmethod
    def _averaged(moving: Any, value: Any, momentum: Any) -> Any:
        with tf.name_scope("AssignMovingAvg") as scope, tf.colocate_with(moving):
            decay = tf.convert_to_tensor(1.0 - momentum, name="decay")
            if decay.dtype != moving.dtype.base_dtype:
                decay = tf.cast(decay, moving.dtype.base_dtype)
            return tf.assign_sub(moving, (moving - tf.cast(value, moving.dtype)) * decay, name=scope)

    def _fused_call(self, inputs: Any, training: Any) -> Any:
        gamma = self.gamma if self.scale else self._gamma_const
        beta = self.beta if self.center else self._beta_const

        def trained() -> Any:
            return tf.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=self._data_format)

        def inferred() -> Any:
            return tf.nn.fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=self.moving_mean,
                variance=self.moving_variance,
                epsilon=self.epsilon,
                is_training=False,
                data_format=self._data_format,
            )

        output, mean, variance = smart_cond(training, trained, inferred)
        known = _known(training)
        momentum = (
            smart_cond(training, lambda: self.momentum, lambda: 1.0)
            if known is None
            else tf.convert_to_tensor(self.momentum)
        )
        if known is not False:
            self.add_update(lambda: self._averaged(self.moving_mean, mean, momentum))
            self.add_update(lambda: self._averaged(self.moving_variance, variance, momentum))
        return output

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs."""
        return input_shape


@export("layers.batch_normalization")
def batch_normalization(
    inputs: Any, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = tf.zeros_initializer(),
    gamma_initializer: Any = tf.ones_initializer(), moving_mean_initializer: Any = tf.zeros_initializer(), moving_variance_initializer: Any = tf.ones_initializer(),
    beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, training: Any = False, trainable: bool = True,
    name: Any = None, reuse: Any = None, renorm: bool = False, renorm_clipping: Any = None, renorm_momentum: float = 0.99, fused: Any = None, virtual_batch_size: Any = None,
    adjustment: Any = None,
) -> Any:  # fmt: skip
    """The inputs normalized by batch; see `BatchNormalization`. Source: TF 1.15 `tf.layers.batch_normalization`."""
    given = {k: v for k, v in locals().items() if k not in ("inputs", "training", "reuse")}
    return BatchNormalization(**given, _reuse=reuse, _scope=name).apply(inputs, training=training)
