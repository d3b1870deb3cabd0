"""`tf.contrib.layers`: normalization and biases."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.contrib.layer_parts import (
    NCHW,
    NHWC,
    add_to_collections,
    check_format,
    constant_value,
    exported,
    finished,
    model_getter,
    parameter,
    smart_cond,
)

_UPDATE_OPS = tf.GraphKeys.UPDATE_OPS
_ZEROS, _ONES = tf.zeros_initializer(), tf.ones_initializer()
_NO_RENORM = "renorm is not supported with batch_weights, updates_collections or zero_debias_moving_mean"
_MOVING = {"moving_mean": _ZEROS, "moving_variance": _ONES}


@exported("batch_norm")
@add_arg_scope
def batch_norm(
    inputs: Any, decay: Any = 0.999, center: bool = True, scale: bool = False, epsilon: float = 0.001,
    activation_fn: Any = None, param_initializers: Any = None, param_regularizers: Any = None,
    updates_collections: Any = _UPDATE_OPS, is_training: Any = True, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: Any = True,
    batch_weights: Any = None, fused: Any = None, data_format: str = NHWC, zero_debias_moving_mean: bool = False,
    scope: Any = None, renorm: bool = False, renorm_clipping: Any = None, renorm_decay: Any = 0.99,
    adjustment: Any = None,
) -> Any:  # fmt: skip
    """The inputs normalized over all axes but that of the channels; moving moments are updated by `updates_collections`.

    `updates_collections=None`: updated in place. Source: TF 1.15 `tf.contrib.layers.batch_norm`.
    """
    plain = batch_weights is None and updates_collections is _UPDATE_OPS and not zero_debias_moving_mean
    check_format(data_format)
    initializers, regularizers = param_initializers or {}, param_regularizers or {}
    fuses = _fuses(inputs, batch_weights, renorm or adjustment is not None, fused, plain)
    getter = None if fuses else model_getter()
    with tf.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse, custom_getter=getter) as sc:
        inputs = tf.convert_to_tensor(inputs)
        if plain and not fuses:
            outputs = _by_layer(
                inputs, sc, is_training, initializers, regularizers, variables_collections, data_format, momentum=decay,
                epsilon=epsilon, center=center, scale=scale, trainable=trainable, renorm=renorm, fused=fused, _reuse=reuse,
                renorm_clipping=renorm_clipping, renorm_momentum=renorm_decay, adjustment=adjustment,
            )  # fmt: skip
            return finished(outputs, activation_fn, outputs_collections, sc.name)
        if renorm:
            raise ValueError(_NO_RENORM)
        original, (inputs, batch_weights) = inputs, _shaped(inputs, batch_weights, data_format, fuses)
        made = _Parameters(
            inputs, center, scale, initializers, regularizers, variables_collections, trainable, data_format, fuses
        )
        outputs = (_fused if fuses else _unfused)(
            inputs, made, decay, epsilon, updates_collections, is_training, batch_weights, data_format,
            zero_debias_moving_mean,
        )  # fmt: skip
        if inputs is not original:
            outputs = tf.reshape(outputs, tf.shape(original))
        return finished(outputs, activation_fn, outputs_collections, sc.name)


def _by_layer(
    inputs: Any, scope: Any, is_training: Any, initializers: Any, regularizers: Any, collections: Any, data_format: str,
    **options: Any,
) -> Any:  # fmt: skip
    """The inputs normalized by a layer of `tf.layers`, whose variables go into the collections."""
    layer = tf.layers.BatchNormalization(
        axis=1 if data_format == NCHW else -1,
        **{f"{n}_initializer": initializers.get(n, i) for n, i in _initial_values().items()},
        beta_regularizer=regularizers.get("beta"), gamma_regularizer=regularizers.get("gamma"),
        name=scope.name, _scope=scope, **options,
    )  # fmt: skip
    outputs = layer.apply(inputs, training=is_training)
    for name in ("moving_mean", "moving_variance", "beta", "gamma"):
        if getattr(layer, name) is not None:
            add_to_collections(getattr(layer, name), collections, name)
    return outputs


def _shaped(inputs: Any, batch_weights: Any, data_format: str, fuses: bool) -> tuple[Any, Any]:
    """The inputs as images and the weights as a column, where the way of normalizing asks for it."""
    if fuses and inputs.get_shape().ndims == 2:
        return _as_image(inputs, data_format), batch_weights
    return inputs, batch_weights if batch_weights is None else _batch_column(inputs, batch_weights)


def _initial_values() -> dict[str, Any]:
    return {"beta": _ZEROS, "gamma": _ONES, **_MOVING}


def _fuses(inputs: Any, batch_weights: Any, special: bool, fused: Any, plain: bool) -> bool:
    rank = tf.convert_to_tensor(inputs).get_shape().ndims
    possible = batch_weights is None and not special and rank in (2, 4)
    return possible and fused in (None, True) and (rank == 2 or not plain)


def _as_image(inputs: Any, data_format: str) -> Any:
    size = inputs.get_shape().dims[-1].value
    if size is None:
        raise ValueError("`C` dimension must be known but is None")
    return tf.reshape(inputs, [-1, size, 1, 1] if data_format == NCHW else [-1, 1, 1, size])


def _batch_column(inputs: Any, weights: Any) -> Any:
    """The weights of the samples, in the rank of the inputs."""
    shape = inputs.get_shape()
    if shape.ndims is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    weights = tf.convert_to_tensor(weights)
    shape[0:1].assert_is_compatible_with(weights.get_shape())
    return tf.reshape(weights, [-1] + [1] * (shape.ndims - 1))


class _Parameters:
    """The variables of one batch normalization that does not go through the layer class."""

    def __init__(
        self, inputs: Any, center: bool, scale: bool, initializers: Any, regularizers: Any, collections: Any,
        trainable: Any, data_format: str, fused: bool,
    ):  # fmt: skip
        shape = inputs.get_shape()
        if shape.ndims is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank{'' if fused else '.'}")
        self.shape = shape[1:2] if data_format == NCHW else shape[-1:]
        if not self.shape.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {self.shape}.")
        dtype = tf.float32 if fused else inputs.dtype.base_dtype

        def make(name: str, initializer: Any, trains: Any) -> Any:
            chosen = initializers.get(name, initializer)
            return parameter(name, self.shape, dtype, chosen, collections, trains, regularizers.get(name))

        self.beta = make("beta", _ZEROS, trainable) if center else self._constant(0.0, fused)
        self.gamma = make("gamma", _ONES, trainable) if scale else self._constant(1.0, fused)
        with tf.variable_scope(tf.get_variable_scope()) as local:
            local.set_partitioner(None)
            self.mean, self.variance = (make(name, initial, False) for name, initial in _MOVING.items())

    def _constant(self, value: float, fused: bool) -> Any:
        return tf.constant(value, dtype=tf.float32, shape=self.shape) if fused else None

    def updates(self, moments: Any, decay: Any, zero_debias: bool) -> tuple[Any, Any]:
        """The operations that move the averages."""
        from retrograph.train.moving_averages import assign_moving_average

        mean, variance = moments
        return (
            assign_moving_average(self.mean, mean, decay, zero_debias=zero_debias),
            assign_moving_average(self.variance, variance, decay, zero_debias=False),
        )


def _collect_updates(
    made: _Parameters, moments: Any, decay: Any, collections: Any, training: Any, debias: bool
) -> None:
    updates = smart_cond(training, lambda: made.updates(moments, decay, debias), lambda: (made.mean, made.variance))
    for update in updates:
        tf.add_to_collections(collections, update)


def _fused(
    inputs: Any, made: _Parameters, decay: Any, epsilon: float, collections: Any, training: Any, _: Any,
    data_format: str, debias: bool,
) -> Any:  # fmt: skip
    shape = inputs.get_shape()

    def normalized(**more: Any) -> Any:
        return tf.nn.fused_batch_norm(inputs, made.gamma, made.beta, epsilon=epsilon, data_format=data_format, **more)

    outputs, mean, variance = smart_cond(
        training, normalized, lambda: normalized(mean=made.mean, variance=made.variance, is_training=False)
    )

    def updated() -> Any:
        with tf.control_dependencies(made.updates((mean, variance), decay, debias)):
            return tf.identity(outputs)

    result = outputs
    if constant_value(training) in (None, True, 1):
        if collections is None:
            result = smart_cond(training, updated, lambda: outputs)
        else:
            _collect_updates(made, (mean, variance), decay, collections, training, debias)
    result.set_shape(shape)
    return result


def _unfused(
    inputs: Any, made: _Parameters, decay: Any, epsilon: float, collections: Any, training: Any, weights: Any,
    data_format: str, debias: bool,
) -> Any:  # fmt: skip
    shape = inputs.get_shape()
    first = data_format == NCHW
    mean, variance = made.mean, made.variance
    if constant_value(training) in (None, True, 1):
        mean, variance = moments = _moments(inputs, weights, first)

        def updated() -> Any:
            with tf.control_dependencies(made.updates(moments, decay, debias)):
                return tuple(tf.identity(m) for m in moments)

        if collections is not None:
            _collect_updates(made, moments, decay, collections, training, debias)
        current = updated if collections is None else (lambda: moments)
        mean, variance = smart_cond(training, current, lambda: (made.mean, made.variance))
    parts = [mean, variance, made.beta, made.gamma]
    if first:
        wide = [1, *made.shape.as_list()] + [1] * (shape.ndims - 2)
        parts = [None if p is None else tf.reshape(p, wide) for p in parts]
    outputs = tf.nn.batch_normalization(inputs, *parts, epsilon)
    outputs.set_shape(shape)
    return outputs


def _moments(inputs: Any, weights: Any, channels_first: bool) -> tuple[Any, Any]:
    rank = inputs.get_shape().ndims
    axes = [0, *range(2, rank)] if channels_first else list(range(rank - 1))
    more = {"keepdims": True} if channels_first else {}
    found = tf.nn.moments(inputs, axes, **more) if weights is None else tf.nn.weighted_moments(inputs, axes, weights, **more)  # fmt: skip
    mean, variance = (tf.reshape(m, [-1]) for m in found) if channels_first else found
    return mean, variance


@exported("bias_add")
@add_arg_scope
def bias_add(
    inputs: Any, activation_fn: Any = None, initializer: Any = _ZEROS, regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: Any = True,
    data_format: str = NHWC, scope: Any = None,
) -> Any:  # fmt: skip
    """The inputs plus a bias per channel. Source: TF 1.15 `tf.contrib.layers.bias_add`."""
    check_format(data_format)
    with tf.variable_scope(scope, "BiasAdd", [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        shape = inputs.get_shape()
        if shape.ndims is None:
            raise ValueError("Dims of shape must be known but is None")
        if shape.ndims != 4 and data_format == NCHW:
            raise ValueError("Data format NCHW only supports 4D Tensor")
        channels = shape.dims[1 if data_format == NCHW else -1].value
        if channels is None:
            raise ValueError("`C` dimension must be known but is None")
        biases = parameter(
            "biases", [channels], inputs.dtype.base_dtype, initializer, variables_collections, trainable, regularizer
        )
        outputs = tf.nn.bias_add(inputs, biases, data_format=data_format)
        return finished(outputs, activation_fn, outputs_collections, sc.name)


@exported("layer_norm")
@add_arg_scope
def layer_norm(
    inputs: Any, center: bool = True, scale: bool = True, activation_fn: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: Any = True,
    begin_norm_axis: int = 1, begin_params_axis: int = -1, scope: Any = None,
) -> Any:  # fmt: skip
    """The inputs normalized over the axes from `begin_norm_axis` on. Source: TF 1.15 `tf.contrib.layers.layer_norm`."""
    with tf.variable_scope(scope, "LayerNorm", [inputs], reuse=reuse) as sc:
        inputs = tf.convert_to_tensor(inputs)
        shape, dtype = inputs.shape, inputs.dtype.base_dtype
        rank = shape.ndims
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        begin_norm_axis += rank if begin_norm_axis < 0 else 0
        if begin_params_axis >= rank or begin_norm_axis >= rank:
            raise ValueError(
                f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({begin_norm_axis}) must be < rank(inputs) ({rank})"
            )
        params = shape[begin_params_axis:]
        if not params.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {shape}")
        beta = parameter("beta", params, dtype, _ZEROS, variables_collections, trainable) if center else None
        gamma = parameter("gamma", params, dtype, _ONES, variables_collections, trainable) if scale else None
        mean, variance = tf.nn.moments(inputs, list(range(begin_norm_axis, rank)), keep_dims=True)
        outputs = tf.nn.batch_normalization(
            inputs, mean, variance, offset=beta, scale=gamma, variance_epsilon=1e-3 if dtype == tf.float16 else 1e-12
        )
        outputs.set_shape(shape)
        return finished(outputs, activation_fn, outputs_collections, sc.name)


@exported("instance_norm")
@add_arg_scope
def instance_norm(
    inputs: Any, center: bool = True, scale: bool = True, epsilon: float = 1e-6, activation_fn: Any = None,
    param_initializers: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: Any = True, data_format: str = NHWC, scope: Any = None,
) -> Any:  # fmt: skip
    """The inputs normalized per sample and channel. Source: TF 1.15 `tf.contrib.layers.instance_norm`."""
    inputs = tf.convert_to_tensor(inputs)
    shape, dtype = inputs.shape, inputs.dtype.base_dtype
    if shape.ndims is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    check_format(data_format)
    with tf.variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as sc:
        channels = 1 if data_format == NCHW else shape.ndims - 1
        params = shape[channels : channels + 1]
        if not params.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {params}.")

        def make(name: str, initial: Any, wanted: bool) -> Any:
            if not wanted:
                return None
            chosen = (param_initializers or {}).get(name, initial)
            made = parameter(name, params, dtype, chosen, variables_collections, trainable)
            return tf.reshape(made, [1, *params.as_list()] + [1] * (shape.ndims - 2)) if data_format == NCHW else made

        beta, gamma = make("beta", _ZEROS, center), make("gamma", _ONES, scale)
        axes = [axis for axis in range(1, shape.ndims) if axis != channels]
        mean, variance = tf.nn.moments(inputs, axes, keep_dims=True)
        outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, epsilon, name="instancenorm")
        return finished(outputs, activation_fn, outputs_collections, sc.name)


@exported("group_norm")
@add_arg_scope
def group_norm(
    inputs: Any, groups: int = 32, channels_axis: int = -1, reduction_axes: Any = (-3, -2), center: bool = True,
    scale: bool = True, epsilon: float = 1e-6, activation_fn: Any = None, param_initializers: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: Any = None, mean_close_to_zero: bool = False,
) -> Any:  # fmt: skip
    """The inputs normalized per sample and group of channels. Source: TF 1.15 `tf.contrib.layers.group_norm`."""
    inputs = tf.convert_to_tensor(inputs)
    rank = inputs.shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    if channels_axis > rank - 1:
        raise ValueError("Axis is out of bounds.")
    dynamic = tf.shape(inputs)
    sizes = [dynamic[i] if size.value is None else size for i, size in enumerate(inputs.shape)]
    axis = channels_axis + rank if channels_axis < 0 else channels_axis
    axes = _reduced_axes(inputs, axis, reduction_axes)
    channels = inputs.shape[axis].value
    if groups > channels:
        raise ValueError(f"Invalid groups {groups} for {channels} channels.")
    if channels % groups != 0:
        raise ValueError(f"{channels} channels is not commensurate with {groups} groups.")
    grouped = [groups, channels // groups]
    wide = [1] * axis + grouped + [1] * (rank - axis - 1)
    inputs = tf.reshape(inputs, sizes[:axis] + grouped + sizes[axis + 1 :])
    with tf.variable_scope(scope, "GroupNorm", [inputs], reuse=reuse) as sc:

        def make(name: str, initial: Any, wanted: bool) -> Any:
            if not wanted:
                return None
            chosen = (param_initializers or {}).get(name, initial)
            return tf.reshape(
                parameter(name, [channels], inputs.dtype.base_dtype, chosen, variables_collections, trainable), wide
            )

        beta, gamma = make("beta", _ZEROS, center), make("gamma", _ONES, scale)
        gain, offset = _gain_and_offset(inputs, [axis + 1, *axes], beta, gamma, epsilon, mean_close_to_zero)
        outputs = tf.reshape(inputs * gain + offset, sizes)
        return finished(outputs, activation_fn, outputs_collections, sc.name)


def _reduced_axes(inputs: Any, axis: int, reduction_axes: Any) -> list[int]:
    """The axes of the grouped inputs to reduce. Raises ValueError: out of range, or of unknown size."""
    rank = inputs.shape.ndims
    if inputs.shape[axis].value is None:
        raise ValueError(f"Inputs {inputs.name} has undefined channel dimension: {axis}.")
    axes = [a + rank if a < 0 else a for a in reduction_axes]
    for a in axes:
        if a > rank:
            raise ValueError("Axis is out of bounds.")
        if inputs.shape[a].value is None:
            raise ValueError(f"Inputs {inputs.name} has undefined dimensions {a}.")
        if axis == a:
            raise ValueError("reduction_axis must be mutually exclusive with channels_axis")
    return [a + 1 if a > axis else a for a in axes]


def _gain_and_offset(
    inputs: Any, axes: list[int], beta: Any, gamma: Any, epsilon: float, mean_close_to_zero: bool
) -> tuple[Any, Any]:
    if mean_close_to_zero:
        counts, means, variances, _ = tf.nn.sufficient_statistics(inputs, axes, keep_dims=True)
        mean, variance = tf.nn.normalize_moments(counts, means, variances, shift=None)
    else:
        mean, variance = tf.nn.moments(inputs, axes, keep_dims=True)
    gain = tf.rsqrt(variance + epsilon)
    offset = -mean * gain
    if gamma is not None:
        gain *= gamma
        offset *= gamma
    return gain, offset if beta is None else offset + beta
