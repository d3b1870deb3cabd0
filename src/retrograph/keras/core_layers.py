"""Dense, dropout, and layers that change shapes or apply a function."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.calling import as_int
from retrograph.framework.exports import export
from retrograph.framework.structures import SparseTensor
from retrograph.keras.backend_values import ndim
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.shape_helpers import normalized_data_format, on_tuples
from retrograph.keras.state import floatx, learning_phase, track_variable
from retrograph.ops.smart_cond import smart_cond
from retrograph.variables.regularizers import L1L2


class SameShape(Layer):
    """A layer whose outputs have the shape of the inputs."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs."""
        return input_shape


@export("keras.layers.Masking")
class Masking(SameShape):
    """Masks the steps where all features are a value. Source: TF 1.15 `tf.keras.layers.Masking`."""

    _compute_output_and_mask_jointly = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._configure(mask_value=mask_value)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where a feature differs from the value."""
        return tf.reduce_any(tf.cast(tf.not_equal(inputs, self.mask_value), tf.bool), -1, False)

    def call(self, inputs: Any) -> Any:
        """The inputs, 0 where masked."""
        kept = tf.reduce_any(tf.cast(tf.not_equal(inputs, self.mask_value), tf.bool), -1, True)
        outputs = inputs * tf.cast(kept, inputs.dtype)
        outputs._keras_mask = tf.squeeze(kept, axis=-1)
        return outputs


@export("keras.layers.Dropout")
class Dropout(SameShape):
    """Sets a fraction `rate` of the inputs to 0 while training, and scales the others. Source: TF 1.15 `tf.keras.layers.Dropout`."""

    def __init__(self, rate: Any, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(rate=rate, noise_shape=noise_shape, seed=seed)
        self.supports_masking = True

    def _get_noise_shape(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return None
        sizes = tf.shape(inputs)
        return tf.convert_to_tensor([sizes[i] if d is None else d for i, d in enumerate(self.noise_shape)])

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The outputs; `training` may be a tensor, and is the learning phase by default."""
        return smart_cond(
            learning_phase() if training is None else training,
            lambda: tf.nn.dropout(inputs, noise_shape=self._get_noise_shape(inputs), seed=self.seed, rate=self.rate),
            lambda: tf.identity(inputs),
        )


@export("keras.layers.SpatialDropout1D")
class SpatialDropout1D(Dropout):
    """Drops whole features of sequences. Source: TF 1.15 `tf.keras.layers.SpatialDropout1D`."""

    def __init__(self, rate: Any, **kwargs: Any):
        super().__init__(rate, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _get_noise_shape(self, inputs: Any) -> Any:
        sizes = tf.shape(inputs)
        return (sizes[0], 1, sizes[2])


class _SpatialDropout(Dropout):
    rank = 2

    def __init__(self, rate: Any, data_format: Any = None, **kwargs: Any):
        super().__init__(rate, **kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError('data_format must be in {"channels_last", "channels_first"}')
        self.data_format = normalized_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _get_noise_shape(self, inputs: Any) -> Any:
        sizes, ones = tf.shape(inputs), (1,) * self.rank
        if self.data_format == "channels_first":
            return (sizes[0], sizes[1], *ones)
        return (sizes[0], *ones, sizes[self.rank + 1])


@export("keras.layers.SpatialDropout2D")
class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images. Source: TF 1.15 `tf.keras.layers.SpatialDropout2D`."""


@export("keras.layers.SpatialDropout3D")
class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes. Source: TF 1.15 `tf.keras.layers.SpatialDropout3D`."""

    rank = 3


@export("keras.layers.Activation")
class Activation(SameShape):
    """Applies an activation. Source: TF 1.15 `tf.keras.layers.Activation`."""

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._configure(activation=activation)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return self.activation(inputs)


@export("keras.layers.ActivityRegularization")
class ActivityRegularization(SameShape):
    """The inputs, whose sizes count as a loss. Source: TF 1.15 `tf.keras.layers.ActivityRegularization`."""

    def __init__(self, l1: Any = 0.0, l2: Any = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self._configure(l1=l1, l2=l2)


@export("keras.layers.Reshape")
class Reshape(Layer):
    """Another shape for all axes but the first; -1 is what is left. Source: TF 1.15 `tf.keras.layers.Reshape`."""

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(target_shape=tuple(target_shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs; ValueError if the sizes do not fit."""
        sizes = tf.TensorShape(input_shape).as_list()
        if None in sizes[1:]:
            return tf.TensorShape([sizes[0], *[s if s != -1 else None for s in self.target_shape]])
        return tf.TensorShape([sizes[0], *self._fixed(sizes[1:])])

    def _fixed(self, sizes: list[int]) -> list[int]:
        wanted = list(self.target_shape)
        free = [i for i, size in enumerate(wanted) if size < 0]
        if len(free) > 1:
            raise ValueError("Can only specify one unknown dimension.")
        known, total = int(np.prod([s for s in wanted if s >= 0])), int(np.prod(sizes))
        if (free and (known == 0 or total % known)) or (not free and total != known):
            raise ValueError("total size of new array must be unchanged")
        for i in free:
            wanted[i] = total // known
        return wanted

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return tf.reshape(inputs, (tf.shape(inputs)[0], *self.target_shape))


@export("keras.layers.Permute")
class Permute(Layer):
    """The axes after the first in another order, from 1. Source: TF 1.15 `tf.keras.layers.Permute`."""

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(dims=tuple(dims))
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                f"Invalid permutation `dims` for Permute Layer: {dims}. The set of indices in `dims` must be consecutive and start from 1."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The sizes in the order."""
        sizes = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([sizes[0], *[sizes[d] for d in self.dims]])

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return tf.transpose(inputs, perm=(0, *self.dims))


@export("keras.layers.Flatten")
class Flatten(Layer):
    """Makes one axis of all but the first. Source: TF 1.15 `tf.keras.layers.Flatten`."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(data_format=normalized_data_format(data_format))
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """The outputs: [batch, n]."""
        rank = ndim(inputs)
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = tf.transpose(inputs, perm=[0, *range(2, rank), 1])
        batch = inputs.shape[0].value or tf.shape(inputs)[0]
        outputs = tf.reshape(inputs, (batch, -1))
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """[batch, n]; n unknown if a size is."""
        sizes = tf.TensorShape(input_shape).as_list()
        if not sizes:
            return tf.TensorShape([1])
        return tf.TensorShape([sizes[0], int(np.prod(sizes[1:])) if all(sizes[1:]) else None])


@export("keras.layers.RepeatVector")
class RepeatVector(Layer):
    """f[batch, k] as f[batch, n, k]. Source: TF 1.15 `tf.keras.layers.RepeatVector`."""

    def __init__(self, n: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(n=n)
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """[batch, n, k]."""
        sizes = tf.TensorShape(input_shape).as_list()
        return tf.TensorShape([sizes[0], self.n, sizes[1]])

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return tf.tile(tf.expand_dims(inputs, 1), tf.stack([1, self.n, 1]))


@export("keras.layers.Lambda")
class Lambda(Layer):
    """Applies a function; variables that it makes are the layer's. Source: TF 1.15 `tf.keras.layers.Lambda`."""

    def __init__(self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.function = function
        object.__setattr__(self, "arguments", arguments if arguments else {})
        self.supports_masking = mask is not None
        self.mask = mask
        self._output_shape = output_shape
        object.__setattr__(self, "_variables", {})
        self._names = _argument_names(function)

    @on_tuples
    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that `output_shape` says, else from a call in a graph of its own."""
        if self._output_shape is None:
            try:
                return super().compute_output_shape(input_shape)
            except NotImplementedError:
                raise NotImplementedError(
                    "We could not automatically infer the shape of the Lambda's output. Please specify `output_shape` for this Lambda."
                )
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        return (first[0], *self._output_shape)

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """The outputs of the function."""
        given = {"mask": mask, "training": training}
        self.arguments.update({k: v for k, v in given.items() if k in self._names})
        with tf.variable_creator_scope(self._made):
            return self.function(inputs, **self.arguments)

    def _made(self, next_creator: Any, **kwargs: Any) -> Any:
        name = kwargs["name"]
        if name not in self._variables:
            variable = self._variables[name] = next_creator(**kwargs)
            (self._trainable_weights if variable.trainable else self._non_trainable_weights).append(variable)
            track_variable(variable)
        return self._variables[name]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask that was given, or what the function that was given makes."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """Raises UnimplementedError: functions are not written down."""
        raise errors.UnimplementedError(
            None, None, "keras.layers.Lambda.get_config: writing down a function is not implemented"
        )


def _argument_names(function: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.getfullargspec(function).args)
    except TypeError:
        return ()


@export("keras.layers.Dense")
class Dense(Layer):
    """`activation(inputs @ kernel + bias)`: f[..., n] to f[..., units]. Source: TF 1.15 `tf.keras.layers.Dense`."""

    kernel: Any
    bias: Any

    def __init__(
        self, units: Any, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ):  # fmt: skip
        if "input_shape" not in kwargs and "input_dim" in kwargs:
            kwargs["input_shape"] = (kwargs.pop("input_dim"),)
        super().__init__(**kwargs)
        self._configure(
            units=as_int(units) if not isinstance(units, int) else units, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` f[n, units] and `bias` f[units]. Raises TypeError: not floating; ValueError: n is not known."""
        dtype = tf.as_dtype(self.dtype or floatx())
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(f"Unable to build `Dense` layer with non-floating point dtype {dtype}")
        size = tf.TensorShape(input_shape)[-1].value
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self._parameter("kernel", [size, self.units])
        self.bias = self._parameter("bias", [self.units]) if self.use_bias else None
        self.built = True

    def _parameter(self, name: str, shape: list[int]) -> Any:
        return self.add_weight(
            name, shape=shape, initializer=getattr(self, f"{name}_initializer"), regularizer=getattr(self, f"{name}_regularizer"), constraint=getattr(self, f"{name}_constraint"),
            dtype=self.dtype, trainable=True,
        )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        rank = inputs.shape.ndims
        if rank is not None and rank > 2:
            outputs = tf.tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        elif isinstance(inputs, SparseTensor):
            outputs = tf.sparse_tensor_dense_matmul(inputs, self.kernel)
        else:
            outputs = apply_op("MatMul", None, a=tf.cast(inputs, self.dtype), b=self.kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs) if self.activation is not None else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """f[..., units]."""
        shape = tf.TensorShape(input_shape).with_rank_at_least(2)
        if shape[-1].value is None:
            raise ValueError(f"The innermost dimension of input_shape must be defined, but saw: {input_shape}")
        return shape[:-1].concatenate(self.units)
