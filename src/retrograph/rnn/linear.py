"""The affine map of older cells: its variables are made at the first call, in the scope that is open then."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest


class Linear:
    """`[x, y, ...] W + b`, with variables `kernel` f[sum of depths, output_size] and `bias` in the open variable scope."""

    def __init__(
        self,
        args: Any,
        output_size: int,
        build_bias: bool,
        bias_initializer: Any = None,
        kernel_initializer: Any = None,
    ):
        args = _listed(args)
        depths = [_depth(a) for a in args]
        dtype = args[0].dtype
        self._bias = None
        with tf.variable_scope(tf.get_variable_scope()) as outer:
            self._kernel = tf.get_variable(
                "kernel", [sum(depths), output_size], dtype=dtype, initializer=kernel_initializer
            )
            if build_bias:
                with tf.variable_scope(outer) as inner:
                    inner.set_partitioner(None)
                    if bias_initializer is None:
                        bias_initializer = tf.constant_initializer(0.0, dtype=dtype)
                    self._bias = tf.get_variable("bias", [output_size], dtype=dtype, initializer=bias_initializer)

    def __call__(self, args: Any) -> Any:
        """The map of one tensor f[batch, n], or of several side by side."""
        args = args if nest.is_sequence(args) else [args]
        joined = args[0] if len(args) == 1 else tf.concat(args, tf.constant(1, dtype=tf.int32))
        product = tf.matmul(joined, self._kernel)
        return product if self._bias is None else tf.nn.bias_add(product, self._bias)


def _listed(args: Any) -> Any:
    if args is None or (nest.is_sequence(args) and not args):
        raise ValueError("`args` must be specified")
    return args if nest.is_sequence(args) else [args]


def _depth(value: Any) -> int:
    shape = value.get_shape()
    if shape.ndims != 2:
        raise ValueError(f"linear is expecting 2D arguments: {[shape]}")
    if shape.as_list()[1] is None:
        raise ValueError(f"linear expects shape[1] to be provided for shape {shape}, but saw ?")
    return int(shape.as_list()[1])


def linear(
    args: Any, output_size: int, bias: bool, bias_initializer: Any = None, kernel_initializer: Any = None
) -> Any:
    """`[x, y, ...] W + b` at once: f[batch, output_size], with variables `kernel` and, if asked for, `bias`."""
    args = _listed(args)
    depths = [_depth(a) for a in args]
    dtype = args[0].dtype
    with tf.variable_scope(tf.get_variable_scope()) as outer:
        kernel = tf.get_variable("kernel", [sum(depths), output_size], dtype=dtype, initializer=kernel_initializer)
        product = tf.matmul(args[0] if len(args) == 1 else tf.concat(args, 1), kernel)
        if not bias:
            return product
        with tf.variable_scope(outer) as inner:
            inner.set_partitioner(None)
            if bias_initializer is None:
                bias_initializer = tf.constant_initializer(0.0, dtype=dtype)
            biases = tf.get_variable("bias", [output_size], dtype=dtype, initializer=bias_initializer)
        return tf.nn.bias_add(product, biases)
