"""Bijectors that are learned: masked autoregressive flow, real NVP, batch normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.bijector import Bijector
from retrograph.distributions.naming import bijector

_DEPTH = "Rightmost dimension must be known prior to graph execution."


def _depth(x: Any) -> Any:
    dims = x.shape.with_rank_at_least(1).dims
    return None if dims is None else dims[-1].value


def _affine(x: Any, shift: Any, log_scale: Any) -> Any:
    x = x if log_scale is None else x * tf.exp(log_scale)
    return x if shift is None else x + shift


def _affine_back(y: Any, shift: Any, log_scale: Any) -> Any:
    y = y if shift is None else y - shift
    return y if log_scale is None else y * tf.exp(-log_scale)


@bijector("MaskedAutoregressiveFlow")
class MaskedAutoregressiveFlow(Bijector):
    """y[i] = x[i] * exp(log_scale(y[:i])) + shift(y[:i]); `shift_and_log_scale_fn` gives both (or None) for all i.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.MaskedAutoregressiveFlow`.
    """

    def __init__(
        self, shift_and_log_scale_fn: Any, is_constant_jacobian: Any = False, validate_args: Any = False,
        unroll_loop: bool = False, name: str | None = None,
    ):  # fmt: skip
        self._shift_and_log_scale_fn = shift_and_log_scale_fn
        self._unroll_loop = unroll_loop
        super().__init__(
            None, is_constant_jacobian, validate_args, forward_min_event_ndims=1,
            name=name or "masked_autoregressive_flow",
        )  # fmt: skip

    def _step(self, x: Any, y: Any) -> Any:
        return _affine(x, *self._shift_and_log_scale_fn(y))

    def _forward(self, x: Any) -> Any:
        size, known = tf.shape(x)[-1] if not self._unroll_loop else None, _depth(x)
        if self._unroll_loop:
            if known is None:
                raise ValueError(
                    "The final dimension of `x` must be known at graph construction time if `unroll_loop=True`. "
                    f"`x.shape: {x.shape!r}`"
                )
            y = tf.zeros_like(x, name="y0")
            for _ in range(known):
                y = self._step(x, y)
            return y
        y = tf.zeros_like(x, name="y0")
        # The variables must not be made inside of the loop.
        self._shift_and_log_scale_fn(y)

        def body(index: Any, y: Any) -> Any:
            with tf.variable_scope(tf.get_variable_scope()) as scope:
                if scope.caching_device is None:
                    scope.set_caching_device(lambda op: op.device)
                return index + 1, self._step(x, y)

        return tf.while_loop(cond=lambda index, _: index < size, body=body, loop_vars=(0, y), maximum_iterations=known)[
            1
        ]

    def _inverse(self, y: Any) -> Any:
        return _affine_back(y, *self._shift_and_log_scale_fn(y))

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        _, log_scale = self._shift_and_log_scale_fn(y)
        if log_scale is None:
            return tf.constant(0.0, dtype=y.dtype, name="ildj")
        return -tf.reduce_sum(log_scale, axis=-1)


def _mask(num_blocks: int, n_in: int, n_out: int, exclusive: bool) -> Any:
    """f32[n_in, n_out]: 1 where an output may depend on an input: on blocks before its own, and on that if inclusive."""
    mask = np.zeros([n_out, n_in], dtype=np.float32)
    rows, columns = n_out // num_blocks, n_in // num_blocks
    for block in range(num_blocks):
        mask[(block + exclusive) * rows :, block * columns : (block + 1) * columns] = 1
    return mask.T


@bijector("masked_dense")
def masked_dense(
    inputs: Any, units: int, num_blocks: Any = None, exclusive: bool = False, kernel_initializer: Any = None,
    reuse: Any = None, name: str | None = None, *args: Any, **kwargs: Any,
) -> Any:  # fmt: skip
    """A dense layer whose outputs depend on no later block of inputs; NotImplementedError if their size is not known.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.masked_dense`.
    """
    depth = _depth(inputs)
    if depth is None:
        raise NotImplementedError(_DEPTH)
    mask = _mask(num_blocks, depth, units, exclusive)
    initializer = tf.glorot_normal_initializer() if kernel_initializer is None else kernel_initializer

    def masked_initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return mask * initializer(shape, dtype, partition_info)

    with tf.name_scope(name, "masked_dense", [inputs, units, num_blocks]):
        layer = tf.layers.Dense(
            units, *args, kernel_initializer=masked_initializer, kernel_constraint=lambda x: mask * x, name=name,
            dtype=inputs.dtype.base_dtype, _scope=name, _reuse=reuse, **kwargs,
        )  # fmt: skip
        return layer.apply(inputs)


def _clip_by_value_preserve_grad(x: Any, low: Any, high: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "clip_by_value_preserve_grad", [x, low, high]):
        return x + tf.stop_gradient(tf.clip_by_value(x, low, high) - x)


@bijector("masked_autoregressive_default_template")
def masked_autoregressive_default_template(
    hidden_layers: Any, shift_only: bool = False, activation: Any = tf.nn.relu, log_scale_min_clip: float = -5.0,
    log_scale_max_clip: float = 3.0, log_scale_clip_gradient: bool = False, name: str | None = None, *args: Any,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """A template for `MaskedAutoregressiveFlow`: masked dense layers of `hidden_layers` units.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.masked_autoregressive_default_template`.
    """
    name = name or "masked_autoregressive_default_template"
    clip = tf.clip_by_value if log_scale_clip_gradient else _clip_by_value_preserve_grad
    with tf.name_scope(name, values=[log_scale_min_clip, log_scale_max_clip]):

        def shift_and_log_scale(x: Any) -> Any:
            depth = _depth(x)
            if depth is None:
                raise NotImplementedError(_DEPTH)
            known = x.shape.is_fully_defined()
            shape = np.array(x.shape.as_list(), np.int32) if known else tf.shape(x)
            for i, units in enumerate(hidden_layers):
                x = masked_dense(x, units, depth, i == 0, None, None, None, *args, activation=activation, **kwargs)
            units = (1 if shift_only else 2) * depth
            x = masked_dense(x, units, depth, False, None, None, None, *args, activation=None, **kwargs)
            if shift_only:
                return tf.reshape(x, shape=shape), None
            x = tf.reshape(x, shape=tf.concat([shape, [2]], axis=0))
            shift, log_scale = tf.unstack(x, num=2, axis=-1)
            return shift, clip(log_scale, log_scale_min_clip, log_scale_max_clip)

        return tf.make_template(name, shift_and_log_scale)


@bijector("RealNVP")
class RealNVP(Bijector):
    """The first `num_masked` elements as they are, the rest scaled and shifted by functions of them.

    ValueError for a count that leaves no rest. Source: TF 1.15 `tf.contrib.distributions.bijectors.RealNVP`.
    """

    def __init__(
        self, num_masked: int, shift_and_log_scale_fn: Any, is_constant_jacobian: Any = False,
        validate_args: Any = False, name: str | None = None,
    ):  # fmt: skip
        if num_masked <= 0:
            raise ValueError("num_masked must be a positive integer.")
        self._num_masked = num_masked
        self._input_depth: Any = None
        self._shift_and_log_scale_fn = shift_and_log_scale_fn
        super().__init__(None, is_constant_jacobian, validate_args, forward_min_event_ndims=1, name=name or "real_nvp")

    def _cache_input_depth(self, x: Any) -> None:
        if self._input_depth is not None:
            return
        self._input_depth = _depth(x)
        if self._input_depth is None:
            raise NotImplementedError(_DEPTH)
        if self._num_masked >= self._input_depth:
            raise ValueError("Number of masked units must be smaller than the event size.")

    def _functions_of(self, x: Any) -> Any:
        return self._shift_and_log_scale_fn(x, self._input_depth - self._num_masked)

    def _forward(self, x: Any) -> Any:
        self._cache_input_depth(x)
        x0, x1 = x[:, : self._num_masked], x[:, self._num_masked :]
        return tf.concat([x0, _affine(x1, *self._functions_of(x0))], axis=-1)

    def _inverse(self, y: Any) -> Any:
        self._cache_input_depth(y)
        y0, y1 = y[:, : self._num_masked], y[:, self._num_masked :]
        return tf.concat([y0, _affine_back(y1, *self._functions_of(y0))], axis=-1)

    def _log_scale_sum(self, x: Any, name: str) -> Any:
        self._cache_input_depth(x)
        _, log_scale = self._functions_of(x[:, : self._num_masked])
        return None if log_scale is None else tf.reduce_sum(log_scale, axis=-1)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        total = self._log_scale_sum(y, "ildj")
        return tf.constant(0.0, dtype=y.dtype, name="ildj") if total is None else -total

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        total = self._log_scale_sum(x, "fldj")
        return tf.constant(0.0, dtype=x.dtype, name="fldj") if total is None else total


@bijector("real_nvp_default_template")
def real_nvp_default_template(
    hidden_layers: Any, shift_only: bool = False, activation: Any = tf.nn.relu, name: str | None = None, *args: Any,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """A template for `RealNVP`: dense layers of `hidden_layers` units. Source: TF 1.15 `tf.contrib.distributions.bijectors.real_nvp_default_template`."""
    with tf.name_scope(name, "real_nvp_default_template"):

        def shift_and_log_scale(x: Any, output_units: int) -> Any:
            for units in hidden_layers:
                x = tf.layers.dense(x, units, activation, *args, **kwargs)
            x = tf.layers.dense(x, (1 if shift_only else 2) * output_units, None, *args, **kwargs)
            if shift_only:
                return x, None
            return tuple(tf.split(x, 2, axis=-1))

        return tf.make_template("real_nvp_default_template", shift_and_log_scale)


@bijector("BatchNormalization")
class BatchNormalization(Bijector):
    """Backwards: batch normalization by a layer; forwards: undone with the moving statistics.

    ValueError for another kind of layer, or one with renorm or virtual batches. Source: TF 1.15
    `tf.contrib.distributions.bijectors.BatchNormalization`.
    """

    def __init__(
        self, batchnorm_layer: Any = None, training: Any = True, validate_args: Any = False,
        name: str = "batch_normalization",
    ):  # fmt: skip
        layer = batchnorm_layer
        if layer is None:
            layer = tf.layers.BatchNormalization(gamma_constraint=lambda x: tf.nn.relu(x) + 1e-6)
        self._validate_bn_layer(layer)
        self.batchnorm = layer
        self._training = training
        ndims = 1 if isinstance(layer.axis, int) else len(layer.axis)
        super().__init__(None, False, validate_args, forward_min_event_ndims=ndims, name=name)

    @staticmethod
    def _validate_bn_layer(layer: Any) -> None:
        if not isinstance(layer, tf.layers.BatchNormalization):
            raise ValueError("batchnorm_layer must be an instance of BatchNormalization layer.")
        if layer.renorm:
            raise ValueError("BatchNorm Bijector does not support renormalization.")
        if layer.virtual_batch_size:
            raise ValueError("BatchNorm Bijector does not support virtual batch sizes.")

    @staticmethod
    def _known_shape(x: Any) -> list[int]:
        if not x.shape.is_fully_defined():
            raise ValueError("Input must have shape known at graph construction.")
        shape: list[int] = x.shape.as_list()
        return shape

    def _forward(self, x: Any) -> Any:
        layer = self.batchnorm
        if not layer.built:
            layer.build(x.get_shape())
        shape = self._known_shape(x)
        wide = [size if i == layer.axis[0] else 1 for i, size in enumerate(shape)]
        others = [i for i in range(len(shape)) if i not in layer.axis]

        def broadcast(v: Any) -> Any:
            narrow = len(v.get_shape()) != len(shape) and others != list(range(len(shape) - 1))
            return tf.reshape(v, wide) if narrow else v

        mean, variance = broadcast(layer.moving_mean), broadcast(layer.moving_variance)
        beta = broadcast(layer.beta) if layer.center else None
        gamma = broadcast(layer.gamma) if layer.scale else None
        with tf.name_scope(None, "undo_batchnorm", [x, mean, variance, gamma, beta]):
            rescale = tf.sqrt(variance + layer.epsilon)
            rescale = rescale if gamma is None else rescale / gamma
            return x * rescale + (mean if beta is None else mean - beta * rescale)

    def _inverse(self, y: Any) -> Any:
        return self.batchnorm.apply(y, training=self._training)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return -self._log_det(x, use_saved_statistics=True)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return self._log_det(y, use_saved_statistics=False)

    def _log_det(self, y: Any, use_saved_statistics: bool) -> Any:
        layer, shape = self.batchnorm, self._known_shape(y)
        if not layer.built:
            layer.build(y.get_shape())
        if use_saved_statistics or not self._training:
            log_variance = tf.log(layer.moving_variance + layer.epsilon)
        else:
            axes = [i for i in range(len(shape)) if i not in layer.axis]
            log_variance = tf.log(tf.nn.moments(y, axes=axes, keepdims=True)[1] + layer.epsilon)
        return tf.reduce_sum(tf.log(layer.gamma)) - 0.5 * tf.reduce_sum(log_variance)
