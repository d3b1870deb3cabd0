"""`tf.keras.backend`: activations, losses, convolutions, pooling, normalization, dropout, CTC."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.backend_math import (
    batch_dot,
    checked_format,
    concatenate,
    flatten,
    permute_dimensions,
    reshape,
    temporal_padding,
)
from retrograph.keras.backend_values import int_shape, ndim
from retrograph.keras.state import epsilon, floatx

# --- activations --------------------------------------------------------------------------------------------------


@export("keras.backend.relu")
def relu(x: Any, alpha: Any = 0.0, max_value: Any = None, threshold: Any = 0) -> Any:
    """`x` above the threshold (at most `max_value`), below it `alpha * (x - threshold)`. Source: TF 1.15 `tf.keras.backend.relu`."""
    negative = None
    if alpha != 0.0:
        if max_value is None and threshold == 0:
            return tf.nn.leaky_relu(x, alpha=alpha)
        negative = tf.nn.relu(-x + threshold) if threshold != 0 else tf.nn.relu(-x)
    if threshold != 0:
        x = x * tf.cast(tf.greater(x, threshold), floatx())
    elif max_value == 6:
        x, max_value = tf.nn.relu6(x), None
    else:
        x = tf.nn.relu(x)
    kind = x.dtype.base_dtype
    if max_value is not None:
        upper = tf.constant(max_value, dtype=kind)
        x = tf.clip_by_value(x, tf.constant(0.0, dtype=kind), upper)
    return x if negative is None else x - tf.convert_to_tensor(alpha, dtype=kind) * negative


@export("keras.backend.elu")
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """`x` above 0, `alpha * (exp(x) - 1)` below. Source: TF 1.15 `tf.keras.backend.elu`."""
    result = tf.nn.elu(x)
    return result if alpha == 1 else tf.where(x > 0, result, alpha * result)


@export("keras.backend.softmax")
def softmax(x: Any, axis: int = -1) -> Any:
    """The softmax along an axis. Source: TF 1.15 `tf.keras.backend.softmax`."""
    return tf.nn.softmax(x, axis=axis)


@export("keras.backend.softplus")
def softplus(x: Any) -> Any:
    """`log(exp(x) + 1)`. Source: TF 1.15 `tf.keras.backend.softplus`."""
    return tf.nn.softplus(x)


@export("keras.backend.softsign")
def softsign(x: Any) -> Any:
    """`x / (abs(x) + 1)`. Source: TF 1.15 `tf.keras.backend.softsign`."""
    return tf.nn.softsign(x)


@export("keras.backend.sigmoid")
def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`. Source: TF 1.15 `tf.keras.backend.sigmoid`."""
    return tf.nn.sigmoid(x)


@export("keras.backend.hard_sigmoid")
def hard_sigmoid(x: Any) -> Any:
    """`0.2 * x + 0.5` within [0, 1]. Source: TF 1.15 `tf.keras.backend.hard_sigmoid`."""
    slope = tf.constant(0.2, dtype=x.dtype.base_dtype)
    middle = tf.constant(0.5, dtype=x.dtype.base_dtype)
    return tf.clip_by_value(tf.add(tf.multiply(x, slope), middle), 0.0, 1.0)


@export("keras.backend.tanh")
def tanh(x: Any) -> Any:
    """The hyperbolic tangent. Source: TF 1.15 `tf.keras.backend.tanh`."""
    return tf.nn.tanh(x)


@export("keras.backend.dropout")
def dropout(x: Any, level: Any, noise_shape: Any = None, seed: Any = None) -> Any:
    """Sets a fraction `level` to 0 and scales the others. Source: TF 1.15 `tf.keras.backend.dropout`."""
    seed = np.random.randint(int(10e6)) if seed is None else seed
    return tf.nn.dropout(x, rate=level, noise_shape=noise_shape, seed=seed)


@export("keras.backend.l2_normalize")
def l2_normalize(x: Any, axis: Any = None) -> Any:
    """`x` with norm 1 along an axis. Source: TF 1.15 `tf.keras.backend.l2_normalize`."""
    return tf.nn.l2_normalize(x, axis=axis)


@export("keras.backend.in_top_k")
def in_top_k(predictions: Any, targets: Any, k: Any) -> Any:
    """Whether each target is among the `k` greatest predictions. Source: TF 1.15 `tf.keras.backend.in_top_k`."""
    return tf.nn.in_top_k(predictions, targets, k)


# --- losses -------------------------------------------------------------------------------------------------------


def _logits_of(output: Any, kind: str) -> Any:
    """What went into the softmax or sigmoid that made the output, None if no such operation made it."""
    if isinstance(output, tf.Variable) or output.op.type != kind:
        return None
    return output.op.inputs[0]


def _clipped(output: Any) -> Any:
    small = tf.constant(epsilon(), dtype=output.dtype.base_dtype)
    return tf.clip_by_value(output, small, 1.0 - small)


@export("keras.backend.categorical_crossentropy")
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross entropy of distributions; a softmax before it is used by its logits.

    Source: TF 1.15 `tf.keras.backend.categorical_crossentropy`.
    """
    logits = output if from_logits else _logits_of(output, "Softmax")
    if logits is None:
        output = _clipped(output / tf.reduce_sum(output, axis, True))
        return -tf.reduce_sum(target * tf.log(output), axis)
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=logits, axis=axis)


@export("keras.backend.sparse_categorical_crossentropy")
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross entropy for integer targets.

    Raises ValueError: an axis for an output of unknown rank. Source: TF 1.15 `tf.keras.backend.sparse_categorical_crossentropy`.
    """
    logits = output if from_logits else _logits_of(output, "Softmax")
    output = tf.log(_clipped_above(output)) if logits is None else logits
    rank = output.shape.ndims
    if rank is not None:
        axis %= rank
        if axis != rank - 1:
            output = tf.transpose(output, perm=[*range(axis), *range(axis + 1, rank), axis])
    elif axis != -1:
        raise ValueError(
            f"Cannot compute sparse categorical crossentropy with `axis={axis}` on an output tensor with unknown rank"
        )
    return _sparse_crossentropy(tf.cast(target, "int64"), output, rank)


def _clipped_above(output: Any) -> Any:
    small = tf.constant(epsilon(), dtype=output.dtype.base_dtype)
    return tf.clip_by_value(output, small, 1 - small)


def _sparse_crossentropy(target: Any, output: Any, rank: Any) -> Any:
    sizes = tf.shape(output)
    flat = target.shape.ndims is not None and rank is not None and target.shape.ndims != rank - 1
    if flat:
        target, output = flatten(target), tf.reshape(output, [-1, sizes[-1]])
    result = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=output)
    return tf.reshape(result, sizes[:-1]) if flat and rank >= 3 else result


@export("keras.backend.binary_crossentropy")
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """The cross entropy of probabilities; a sigmoid before it is used by its logits.

    Source: TF 1.15 `tf.keras.backend.binary_crossentropy`.
    """
    logits = output if from_logits else _logits_of(output, "Sigmoid")
    if logits is None:
        output = _clipped(output)
        result = target * tf.log(output + epsilon())
        result += (1 - target) * tf.log(1 - output + epsilon())
        return -result
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)


# --- convolutions -------------------------------------------------------------------------------------------------

_FORMATS = {3: "NWC", 4: "NHWC", 5: "NDHWC"}


def _last(x: Any) -> Any:
    rank = ndim(x)
    return tf.transpose(x, (0, *range(2, rank), 1))


def _first(x: Any) -> Any:
    rank = ndim(x)
    return tf.transpose(x, (0, rank - 1, *range(1, rank - 1)))


def _op_padding(padding: Any) -> str:
    if padding not in ("same", "valid"):
        raise ValueError("Invalid padding: " + str(padding))
    return padding.upper()  # type: ignore[no-any-return]


def _channels_last(x: Any, data_format: Any, compute: Any) -> Any:
    """What `compute` gives for the input with its channels last; the result has them where the input had them."""
    if checked_format(data_format) == "channels_last":
        return compute(x)
    return _first(compute(_last(x)))


def _convolution(x: Any, kernel: Any, strides: Any, padding: Any, data_format: Any, rate: Any) -> Any:
    padding = _op_padding(padding)
    return _channels_last(
        x,
        data_format,
        lambda value: tf.nn.convolution(
            input=value, filter=kernel, dilation_rate=rate, strides=strides, padding=padding, data_format=_FORMATS[ndim(x)]
        ),
    )  # fmt: skip


def _several(value: Any, n: int) -> tuple[Any, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


@export("keras.backend.conv1d")
def conv1d(
    x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Any:
    """Convolution along one axis. Source: TF 1.15 `tf.keras.backend.conv1d`."""
    checked_format(data_format)
    if padding == "causal":
        x = temporal_padding(x, (dilation_rate * (kernel.shape.as_list()[0] - 1), 0))
        padding = "valid"
    return _convolution(x, kernel, _several(strides, 1), padding, data_format, _several(dilation_rate, 1))


@export("keras.backend.conv2d")
def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Convolution of images. Source: TF 1.15 `tf.keras.backend.conv2d`."""
    return _convolution(x, kernel, strides, padding, data_format, dilation_rate)


@export("keras.backend.conv3d")
def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:
    """Convolution of volumes. Source: TF 1.15 `tf.keras.backend.conv3d`."""
    return _convolution(x, kernel, strides, padding, data_format, dilation_rate)


@export("keras.backend.conv2d_transpose")
def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """The transpose of a convolution of images. Source: TF 1.15 `tf.keras.backend.conv2d_transpose`."""
    first = checked_format(data_format) == "channels_first"
    rate = _several(dilation_rate, 2)

    def transposed(value: Any) -> Any:
        sizes = output_shape
        if first:
            sizes = (sizes[0], sizes[2], sizes[3], sizes[1])
        if sizes[0] is None:
            sizes = (tf.shape(value)[0], *sizes[1:])
        sizes = tf.stack(list(sizes)) if isinstance(sizes, (tuple, list)) else sizes
        if rate == (1, 1):
            return tf.nn.conv2d_transpose(value, kernel, sizes, (1, *strides, 1), padding=_op_padding(padding))
        return tf.nn.atrous_conv2d_transpose(value, kernel, sizes, rate=rate[0], padding=_op_padding(padding))

    return _channels_last(x, data_format, transposed)


@export("keras.backend.separable_conv2d")
def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Depthwise, then pointwise convolution. Source: TF 1.15 `tf.keras.backend.separable_conv2d`."""
    if len(strides) != 2:
        raise ValueError("`strides` must be a tuple of 2 integers.")
    return _channels_last(
        x,
        data_format,
        lambda value: tf.nn.separable_conv2d(
            value,
            depthwise_kernel,
            pointwise_kernel,
            strides=(1, *strides, 1),
            padding=_op_padding(padding),
            rate=dilation_rate,
            data_format="NHWC",
        ),
    )


@export("keras.backend.depthwise_conv2d")
def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution of each channel by itself. Source: TF 1.15 `tf.keras.backend.depthwise_conv2d`."""
    return _channels_last(
        x,
        data_format,
        lambda value: tf.nn.depthwise_conv2d(
            value,
            depthwise_kernel,
            strides=(1, *strides, 1),
            padding=_op_padding(padding),
            rate=dilation_rate,
            data_format="NHWC",
        ),
    )


def _pooled(x: Any, sizes: Any, strides: Any, padding: Any, data_format: Any, ops: dict[str, Any], mode: str) -> Any:
    def pool(value: Any) -> Any:
        if mode not in ops:
            raise ValueError("Invalid pooling mode: " + str(mode))
        form = _FORMATS[ndim(x)]
        return ops[mode](value, (1, *sizes, 1), (1, *strides, 1), padding=_op_padding(padding), data_format=form)

    return _channels_last(x, data_format, pool)


@export("keras.backend.pool2d")
def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """The greatest (or mean) of each window of images. Source: TF 1.15 `tf.keras.backend.pool2d`."""
    checked_format(data_format)
    for name, value in (("pool_size", pool_size), ("strides", strides)):
        if len(value) != 2:
            raise ValueError(f"`{name}` must be a tuple of 2 integers.")
    ops = {"max": tf.nn.max_pool, "avg": tf.nn.avg_pool}
    return _pooled(x, pool_size, strides, padding, data_format, ops, pool_mode)


@export("keras.backend.pool3d")
def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: Any = None,
    pool_mode: str = "max",
) -> Any:
    """The greatest (or mean) of each window of volumes. Source: TF 1.15 `tf.keras.backend.pool3d`."""
    ops = {"max": tf.nn.max_pool3d, "avg": tf.nn.avg_pool3d}
    return _pooled(x, pool_size, strides, padding, data_format, ops, pool_mode)


def local_conv(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: Any = None
) -> Any:
    """A convolution whose kernel differs from place to place."""
    first = checked_format(data_format) == "channels_first"
    sizes = int_shape(kernel)
    rank = len(output_shape)
    windows = []
    for place in itertools.product(*[range(n) for n in output_shape]):
        window = [slice(p * s, p * s + k) for p, s, k in zip(place, strides, kernel_size, strict=True)]
        every = [slice(None)]
        picked = inputs[tuple(every + every + window if first else every + window + every)]
        windows.append(reshape(picked, (1, -1, sizes[1])))
    output = reshape(batch_dot(concatenate(windows, axis=0), kernel), (*output_shape, -1, sizes[-1]))
    space = list(range(rank))
    return permute_dimensions(output, [rank, rank + 1, *space] if first else [rank, *space, rank + 1])


@export("keras.backend.local_conv1d")
def local_conv1d(inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: Any = None) -> Any:
    """`local_conv2d` along one axis. Source: TF 1.15 `tf.keras.backend.local_conv1d`."""
    return local_conv(inputs, kernel, kernel_size, strides, (kernel.shape[0].value,), data_format)


@export("keras.backend.local_conv2d")
def local_conv2d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: Any = None
) -> Any:
    """A convolution whose kernel differs from place to place. Source: TF 1.15 `tf.keras.backend.local_conv2d`."""
    return local_conv(inputs, kernel, kernel_size, strides, output_shape, data_format)


@export("keras.backend.bias_add")
def bias_add(x: Any, bias: Any, data_format: Any = None) -> Any:
    """Adds a bias for each channel (or for each element of a row).

    Raises ValueError: a bias of another rank. Source: TF 1.15 `tf.keras.backend.bias_add`.
    """
    first = checked_format(data_format) == "channels_first"
    sizes, rank = int_shape(bias), ndim(x)
    if len(sizes) not in (1, rank - 1):
        raise ValueError(f"Unexpected bias dimensions {len(sizes)}, expect to be 1 or {rank} dimensions")
    if rank not in (3, 4, 5) or (rank == 4 and len(sizes) == 1 and not first):
        return tf.nn.bias_add(x, bias)
    if len(sizes) == 1:
        ones = (1,) * (rank - 2)
        return x + reshape(bias, (1, sizes[0], *ones) if first else (1, *ones, sizes[0]))
    return x + reshape(bias, (1, sizes[-1], *sizes[:-1]) if first else (1, *sizes))


# --- normalization ------------------------------------------------------------------------------------------------


_LAYOUTS = {3: "NHWC", -1: "NHWC", 1: "NCHW", -3: "NCHW"}


@export("keras.backend.batch_normalization")
def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """`x` normalized by given moments. Source: TF 1.15 `tf.keras.backend.batch_normalization`."""
    layout = _LAYOUTS.get(axis) if ndim(x) == 4 else None
    if layout is None:
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, epsilon)
    mean, var = _row(mean), _row(var)
    beta = tf.zeros_like(mean) if beta is None else _row(beta)
    gamma = tf.ones_like(mean) if gamma is None else _row(gamma)
    return tf.nn.fused_batch_norm(
        x, gamma, beta, epsilon=epsilon, mean=mean, variance=var, data_format=layout, is_training=False
    )[0]


def _row(value: Any) -> Any:
    return tf.reshape(value, [-1]) if ndim(value) > 1 else value


@export("keras.backend.normalize_batch_in_training")
def normalize_batch_in_training(x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float = 1e-3) -> Any:
    """`x` normalized by its own moments, and the moments. Source: TF 1.15 `tf.keras.backend.normalize_batch_in_training`."""
    axes = list(reduction_axes)
    if ndim(x) == 4 and axes == [0, 1, 2]:
        size = [x.shape[3]]
        gamma = tf.constant(1.0, dtype=x.dtype, shape=size) if gamma is None else gamma
        beta = tf.constant(0.0, dtype=x.dtype, shape=size) if beta is None else beta
        return tf.nn.fused_batch_norm(x, gamma, beta, epsilon=epsilon, data_format="NHWC")
    mean, var = tf.nn.moments(x, reduction_axes, None, None, False)
    if sorted(axes) == list(range(ndim(x)))[:-1]:
        return tf.nn.batch_normalization(x, mean, var, beta, gamma, epsilon), mean, var
    wanted = tf.stack([1 if i in axes else tf.shape(x)[i] for i in range(ndim(x))])
    wide = [None if v is None else tf.reshape(v, wanted) for v in (mean, var, beta, gamma)]
    return tf.nn.batch_normalization(x, *wide, epsilon), mean, var


# --- connectionist temporal classification ------------------------------------------------------------------------


@export("keras.backend.ctc_label_dense_to_sparse")
def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Any:
    """The labels within their lengths, as a SparseTensor. Source: TF 1.15 `tf.keras.backend.ctc_label_dense_to_sparse`."""
    sizes = tf.shape(labels)
    indices = tf.where(tf.sequence_mask(label_lengths, sizes[1]))
    return tf.SparseTensor(indices, tf.gather_nd(labels, indices), tf.cast(sizes, tf.int64))


@export("keras.backend.ctc_batch_cost")
def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The CTC loss of each row: f[batch, 1]. Source: TF 1.15 `tf.keras.backend.ctc_batch_cost`."""
    label_length = tf.cast(tf.squeeze(label_length, axis=-1), tf.int32)
    input_length = tf.cast(tf.squeeze(input_length, axis=-1), tf.int32)
    labels = tf.cast(ctc_label_dense_to_sparse(y_true, label_length), tf.int32)
    y_pred = tf.log(tf.transpose(y_pred, perm=[1, 0, 2]) + epsilon())
    return tf.expand_dims(tf.nn.ctc_loss(inputs=y_pred, labels=labels, sequence_length=input_length), 1)


@export("keras.backend.ctc_decode")
def ctc_decode(y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1) -> Any:
    """The decoded rows (-1 after their ends) and their log-probabilities. Source: TF 1.15 `tf.keras.backend.ctc_decode`."""
    y_pred = tf.log(tf.transpose(y_pred, perm=[1, 0, 2]) + epsilon())
    lengths = tf.cast(input_length, tf.int32)
    if greedy:
        decoded, log_prob = tf.nn.ctc_greedy_decoder(inputs=y_pred, sequence_length=lengths)
    else:
        decoded, log_prob = tf.nn.ctc_beam_search_decoder(
            inputs=y_pred, sequence_length=lengths, beam_width=beam_width, top_paths=top_paths
        )
    dense = [tf.sparse_to_dense(s.indices, s.dense_shape, s.values, default_value=-1) for s in decoded]
    return dense, log_prob
