"""Dense, dropout and flatten."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.layers.base_layer import InputSpec, Layer
from retrograph.ops.smart_cond import smart_cond


@export("layers.Dense")
class Dense(Layer):
    """`activation(inputs @ kernel + bias)`: f[..., n] to f[..., units]. Source: TF 1.15 `tf.layers.Dense`."""

    def __init__(
        self, units: Any, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(), kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, trainable: bool = True, name: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units) if not isinstance(units, int) else units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Makes `kernel` f[n, units] and `bias` f[units]. Raises TypeError: not floating; ValueError: n is not known."""
        dtype = tf.as_dtype(self.dtype or tf.float32)
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(f"Unable to build `Dense` layer with non-floating point dtype {dtype}")
        size = tf.TensorShape(input_shape)[-1].value
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel",
            shape=[size, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            trainable=True,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                trainable=True,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        inputs = tf.convert_to_tensor(inputs)
        rank = inputs.shape.ndims
        if rank is not None and rank > 2:
            outputs = tf.tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        else:
            outputs = tf.matmul(inputs, self.kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs) if self.activation is not None else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """f[..., units]."""
        shape = tf.TensorShape(input_shape).with_rank_at_least(2)
        if shape[-1].value is None:
            raise ValueError(f"The innermost dimension of input_shape must be defined, but saw: {input_shape}")
        return shape[:-1].concatenate(self.units)


@export("layers.Dropout")
class Dropout(Layer):
    """Sets a fraction `rate` of the inputs to 0 while training, and scales the others. Source: TF 1.15 `tf.layers.Dropout`."""

    def __init__(self, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, name: Any = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.supports_masking = True

    def _noise_shape(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return None
        sizes = tf.shape(inputs)
        return tf.convert_to_tensor([sizes[i] if d is None else d for i, d in enumerate(self.noise_shape)])

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The outputs; `training` may be a tensor."""
        return smart_cond(
            training,
            lambda: tf.nn.dropout(inputs, noise_shape=self._noise_shape(inputs), seed=self.seed, rate=self.rate),
            lambda: tf.identity(inputs),
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs."""
        return input_shape


@export("layers.Flatten")
class Flatten(Layer):
    """Makes one axis of all but the first. Source: TF 1.15 `tf.layers.Flatten`."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = normalized_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """The outputs: [batch, n]."""
        rank = inputs.shape.ndims
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
        product = 1
        for size in sizes[1:]:
            product = product * size if size and product is not None else None  # type: ignore[assignment]
        return tf.TensorShape([sizes[0], product])


def normalized_data_format(value: Any) -> str:
    """`channels_last` if None; ValueError for anything else than the two."""
    value = "channels_last" if value is None else value
    found = value.lower() if isinstance(value, str) else value
    if found not in ("channels_first", "channels_last"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return found


@export("layers.dense")
def dense(
    inputs: Any, units: Any, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = tf.zeros_initializer(),
    kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
    trainable: bool = True, name: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """A dense layer's outputs: f[..., n] to f[..., units]. Source: TF 1.15 `tf.layers.dense`."""
    layer = Dense(
        units, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, trainable=trainable,
        name=name, _scope=name, _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs)


@export("layers.dropout")
def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, training: Any = False, name: Any = None
) -> Any:
    """Dropout of the inputs while training. Source: TF 1.15 `tf.layers.dropout`."""
    return Dropout(rate, noise_shape=noise_shape, seed=seed, name=name).apply(inputs, training=training)


@export("layers.flatten")
def flatten(inputs: Any, name: Any = None, data_format: str = "channels_last") -> Any:
    """The inputs with all axes but the first made one. Source: TF 1.15 `tf.layers.flatten`."""
    return Flatten(name=name, data_format=data_format).apply(inputs)
