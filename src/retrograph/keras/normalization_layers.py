"""Normalization by batch and by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.core_layers import SameShape
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.state import learning_phase
from retrograph.ops.smart_cond import smart_cond as chosen
from retrograph.ops.smart_cond import smart_constant_value


def smart_cond(training: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """One of the two now if `training` is known, else as it is when it is run; it may be a variable."""
    return (tf.cond if isinstance(training, tf.Variable) else chosen)(training, true_fn, false_fn)


def _known(training: Any) -> bool | None:
    """The value of `training` if it is known now."""
    value = None if isinstance(training, tf.Variable) else smart_constant_value(training)
    return None if value is None else bool(value)


_CLIPPINGS = ["rmax", "rmin", "dmax"]


def checked_axes(axis: Any, rank: int, shown: Any) -> list[int]:
    """The axes, counted from the first; ValueError for one that is not there or there twice."""
    axes = [a + rank if a < 0 else a for a in ([axis] if isinstance(axis, int) else axis)]
    for a in axes:
        if not 0 <= a < rank:
            raise ValueError(f"Invalid axis: {a}")
    if len(axes) != len(set(axes)):
        raise ValueError(f"Duplicate axis: {shown(axes)}")
    return axes


@export("keras.layers.BatchNormalization")
class BatchNormalization(SameShape):
    """Normalizes the inputs by their batch's moments while training, else by moving averages of them.

    `updates` are what moves the averages. Source: TF 1.15 `tf.keras.layers.BatchNormalization`.
    """

    # Stand for the parameter that is left out, in the fused operation.
    _gamma_const: Any
    _beta_const: Any
    axis: Any

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros", moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
        renorm_momentum: float = 0.99, fused: Any = None, trainable: bool = True, virtual_batch_size: Any = None, adjustment: Any = None, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.renorm, self.virtual_batch_size, self.adjustment = renorm, virtual_batch_size, adjustment
        if renorm:
            self.renorm_clipping = self._checked_clipping(renorm_clipping or {})
            self.renorm_momentum = renorm_momentum
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(f"axis must be int or list, type given: {type(axis)}")
        self._configure(
            axis=axis if isinstance(axis, int) else list(axis), momentum=momentum, epsilon=epsilon, center=center, scale=scale, beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer, moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
        )  # fmt: skip
        self.fused = True if fused is None else fused
        self.supports_masking = True
        # TF's own tests set it, so that fused and other moments are the same.
        self._bessels_correction_test_only = True

    @staticmethod
    def _checked_clipping(clipping: Any) -> Any:
        if set(clipping) - set(_CLIPPINGS):
            raise ValueError(f"renorm_clipping {clipping} contains keys not in {_CLIPPINGS}")
        return clipping

    # ---- variables

    def build(self, input_shape: Any) -> None:
        """Makes `gamma`, `beta`, `moving_mean` and `moving_variance`. Raises ValueError: axis unknown or out of range."""
        shape = tf.TensorShape(input_shape)
        if not shape.ndims:
            raise ValueError("Input has undefined rank:", shape)
        self.axis = checked_axes(self.axis, shape.ndims, list)
        self._check_virtual_batches()
        special = self.renorm or self.virtual_batch_size is not None or self.adjustment is not None
        self.fused = bool(self.fused) and shape.ndims == 4 and self.axis in ([1], [3]) and not special
        self._data_format = "NCHW" if self.axis == [1] else "NHWC"
        sizes = {a: shape[a].value for a in self.axis}
        for size in sizes.values():
            if size is None:
                raise ValueError("Input has undefined `axis` dimension. Input shape: ", input_shape)
        self.input_spec = InputSpec(ndim=shape.ndims, axes=sizes)
        self._param_shape = self._parameter_shape(sizes, shape.ndims)
        self.gamma = self._parameter("gamma", self.scale)
        self.beta = self._parameter("beta", self.center)
        with self._without_partitioner():
            self.moving_mean = self._moving("moving_mean", self.moving_mean_initializer)
            self.moving_variance = self._moving("moving_variance", self.moving_variance_initializer)
            if self.renorm:
                with tf.colocate_with(self.moving_variance):
                    self.moving_stddev = self._moving("moving_stddev", self._first_stddev)
                with tf.colocate_with(self.moving_mean):
                    self.renorm_mean = self._moving("renorm_mean", self.moving_mean_initializer)
                with tf.colocate_with(self.moving_variance):
                    self.renorm_stddev = self._moving("renorm_stddev", self._first_stddev)
        self.built = True

    def _first_stddev(self, *args: Any, **kwargs: Any) -> Any:
        return tf.sqrt(self.moving_variance_initializer(*args, **kwargs))

    def _check_virtual_batches(self) -> None:
        if self.virtual_batch_size is None:
            return
        if self.virtual_batch_size <= 0:
            raise ValueError(
                "virtual_batch_size must be a positive integer that divides the true batch size of the input Tensor"
            )
        if 0 in self.axis:
            raise ValueError(
                "When using virtual_batch_size, the batch dimension must be 0 and thus axis cannot include 0"
            )
        if self.adjustment is not None:
            raise ValueError("When using virtual_batch_size, adjustment cannot be specified")

    def _parameter_shape(self, sizes: dict[int, Any], rank: int) -> tuple[int, ...]:
        """The shape of the variables; with virtual batches `axis` moves behind their axis."""
        if len(sizes) == 1 and self.virtual_batch_size is None:
            return tuple(sizes.values())
        shape = [sizes.get(i, 1) for i in range(rank)]
        if self.virtual_batch_size is not None:
            shape.insert(1, 1)
            self.axis = [a + 1 for a in self.axis]
        return tuple(shape)

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
        scope = getattr(self, "_scope", None)
        partitioner = scope.partitioner if scope else None
        if scope:
            scope.set_partitioner(None)
        try:
            yield
        finally:
            if scope:
                scope.set_partitioner(partitioner)

    # ---- computing

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The outputs; `training` may be a tensor, and is the learning phase by default."""
        training = learning_phase() if training is None else training
        if self.fused:
            return self._fused_call(inputs, training)
        if self.virtual_batch_size is None:
            return self._normalized(inputs, training)
        shape = [-1, *inputs.shape.as_list()[1:]]
        inputs = tf.reshape(inputs, [self.virtual_batch_size, -1, *shape[1:]])
        return tf.reshape(self._normalized(inputs, training), shape)

    def _normalized(self, inputs: Any, training: Any) -> Any:
        rank, virtual = inputs.shape.ndims, self.virtual_batch_size is not None
        reduced = [i for i in range(rank) if i not in self.axis]
        if virtual:
            del reduced[1]
        aligned = self._aligner(inputs.shape, reduced)
        scale, offset = aligned(self.gamma), aligned(self.beta)
        mean, variance = self.moving_mean, self.moving_variance
        if _known(training) is not False:
            if self.adjustment:
                scale, offset = _composed(*self._adjustments(inputs, training), scale, offset)
            mean, variance = self._batch_moments(inputs, reduced, training)
            new_mean, new_variance = mean, variance
            if virtual:
                new_mean, new_variance = (tf.reduce_mean(v, axis=1, keepdims=True) for v in (mean, variance))
            if self.renorm:
                r, d, new_mean, new_variance = self._corrected(new_mean, new_variance, training)
                r = aligned(tf.stop_gradient(r, name="renorm_r"))
                d = aligned(tf.stop_gradient(d, name="renorm_d"))
                scale, offset = _composed(r, d, scale, offset)
            self._update_moving(new_mean, new_variance, training)
        mean, variance = tf.cast(mean, inputs.dtype), tf.cast(variance, inputs.dtype)
        offset = None if offset is None else tf.cast(offset, inputs.dtype)
        scale = None if scale is None else tf.cast(scale, inputs.dtype)
        outputs = tf.nn.batch_normalization(inputs, aligned(mean), aligned(variance), offset, scale, self.epsilon)
        outputs.set_shape(inputs.shape)
        return outputs

    def _adjustments(self, inputs: Any, training: Any) -> tuple[Any, Any]:
        scale, bias = self.adjustment(tf.shape(inputs))
        scale = smart_cond(training, lambda: scale, lambda: tf.ones_like(scale))
        return scale, smart_cond(training, lambda: bias, lambda: tf.zeros_like(bias))

    def _corrected(self, mean: Any, variance: Any, training: Any) -> tuple[Any, Any, Any, Any]:
        """(r, d, mean, variance) of batch renormalization; its averages are moved."""
        stddev = tf.sqrt(variance + self.epsilon)
        renorm_stddev = tf.maximum(self.renorm_stddev, tf.sqrt(self.epsilon))
        r = stddev / renorm_stddev
        d = (mean - self.renorm_mean) / renorm_stddev
        with tf.control_dependencies([r, d]):
            mean, stddev = tf.identity(mean), tf.identity(stddev)
        least, most, shift = (self.renorm_clipping.get(key) for key in ("rmin", "rmax", "dmax"))
        if least is not None:
            r = tf.maximum(r, least)
        if most is not None:
            r = tf.minimum(r, most)
        if shift is not None:
            d = tf.minimum(tf.maximum(d, -shift), shift)
        r, d = (
            smart_cond(training, lambda: r, lambda: tf.ones_like(r)),
            smart_cond(training, lambda: d, lambda: tf.zeros_like(d)),
        )
        updates = [
            self._moved_renorm(self.renorm_mean, mean, training),
            self._moved_renorm(self.renorm_stddev, stddev, training),
        ]
        with tf.control_dependencies(updates):
            return r, d, tf.identity(mean), tf.identity(variance)

    def _moved_renorm(self, moving: Any, value: Any, training: Any) -> Any:
        value = tf.identity(value)
        return smart_cond(
            training, lambda: self._averaged(moving, value, self.renorm_momentum), lambda: tf.identity(moving)
        )

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
        keep = self.virtual_batch_size is not None or len(self.axis) > 1
        batch_mean, batch_variance = tf.nn.moments(tf.cast(inputs, self._param_dtype), reduced, keep_dims=keep)
        mean = smart_cond(training, lambda: batch_mean, lambda: tf.convert_to_tensor(self.moving_mean))
        return mean, smart_cond(training, lambda: batch_variance, lambda: tf.convert_to_tensor(self.moving_variance))

    def _update_moving(self, mean: Any, variance: Any, training: Any) -> None:
        def moved_mean() -> Any:
            return self._averaged(self.moving_mean, mean, self.momentum)

        def moved_variance() -> Any:
            if not self.renorm:
                return self._averaged(self.moving_variance, variance, self.momentum)
            moved = self._averaged(self.moving_stddev, tf.sqrt(variance + self.epsilon), self.momentum)
            return self._assigned(self.moving_variance, tf.nn.relu(moved * moved - self.epsilon))

        self.add_update(lambda: smart_cond(training, moved_mean, lambda: self.moving_mean))
        self.add_update(lambda: smart_cond(training, moved_variance, lambda: self.moving_variance))

    @staticmethod
    def _assigned(moving: Any, value: Any) -> Any:
        with tf.name_scope("AssignNewValue") as scope, tf.colocate_with(moving):
            return tf.assign(moving, value, name=scope)

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
        if not self._bessels_correction_test_only:
            samples = tf.cast(tf.size(inputs) / tf.size(variance), variance.dtype)
            variance *= (samples - tf.cast(1.0, variance.dtype)) / samples
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


def _composed(scale: Any, offset: Any, then_scale: Any, then_offset: Any) -> tuple[Any, Any]:
    """(scale, offset) of one transformation followed by another."""
    if then_scale is not None:
        scale *= then_scale
        offset *= then_scale
    return scale, offset if then_offset is None else offset + then_offset


@export("keras.layers.LayerNormalization")
class LayerNormalization(SameShape):
    """Normalizes the inputs by their moments along axes. Source: TF 1.15 `tf.keras.layers.LayerNormalization`."""

    axis: Any

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True, beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
        beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(name=name, trainable=trainable, **kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise ValueError(
                f"Expected an int or a list/tuple of ints for the argument 'axis', but received instead: {axis}"
            )
        self._configure(
            axis=axis if isinstance(axis, int) else list(axis), epsilon=epsilon, center=center, scale=scale, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
        )  # fmt: skip
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Makes `gamma` and `beta`. Raises ValueError: axis out of range."""
        shape = tf.TensorShape(input_shape)
        self.axis = checked_axes(self.axis, shape.ndims, tuple)
        sizes = [shape[axis].value for axis in self.axis]
        self.gamma = self._parameter("gamma", sizes) if self.scale else None
        self.beta = self._parameter("beta", sizes) if self.center else None
        self.built = True

    def _parameter(self, name: str, shape: Any) -> Any:
        return self.add_weight(
            name=name, shape=shape, initializer=getattr(self, f"{name}_initializer"), regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"), trainable=True,
        )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        rank = inputs.shape.ndims
        mean, variance = tf.nn.moments(inputs, self.axis, keep_dims=True)
        wanted = [inputs.shape[i].value if i in self.axis else 1 for i in range(rank)]

        def aligned(value: Any) -> Any:
            if value is not None and value.shape.ndims != rank and self.axis != [rank - 1]:
                return tf.reshape(value, wanted)
            return value

        scale, offset = aligned(self.gamma), aligned(self.beta)
        outputs = tf.nn.batch_normalization(
            inputs, mean, variance, offset=offset, scale=scale, variance_epsilon=self.epsilon
        )
        outputs.set_shape(inputs.shape)
        return outputs
